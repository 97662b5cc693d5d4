"""Messages that wait to be sent: written in the transaction of the act that caused them, sent as often as needed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from workstation.base.clock import utc_text

if TYPE_CHECKING:
    from workstation.archive.db import Database

State = Literal["waiting", "sent", "acknowledged", "rejected", "withdrawn"]
OPEN: tuple[State, ...] = ("waiting", "sent")
"""States in which a message still has to be sent, or sent again because nobody answered."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message; its control id is the same on every attempt, so a receiver can tell a repeat.

    Parameters
    ----------
    component : which part of the service it charges ("26", "institutional" ...); the site sends parts to receivers
    number : place in the order of writing, given by the outbox
    next_at : earliest next attempt, UTC; "" is at once
    problem : what went wrong at the last attempt, or what the receiver said; no patient data
    """

    control_id: str
    charge_id: str
    kind: str
    body: str
    component: str = ""
    state: State = "waiting"
    attempts: int = 0
    number: int = 0
    receiver: str = ""
    made_at: str = ""
    sent_at: str = ""
    next_at: str = ""
    answered_at: str = ""
    problem: str = ""

    def __repr__(self) -> str:
        return f"Message({self.control_id}, {self.kind}, {self.state})"


_COLUMNS = Message.__struct_fields__
_SELECT = "SELECT " + ", ".join("coalesce(sent_at, '')" if c == "sent_at" else c for c in _COLUMNS) + " FROM outbox"
_ORDER = " ORDER BY number, made_at, control_id"


class Outbox:
    """Outgoing messages of one home."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, message: Message, at: str) -> bool:
        """Leave a message to be sent; False when the very message already lies there."""
        with self._db.writing() as db:
            return bool(
                db.change(
                    "INSERT INTO outbox (control_id, charge_id, kind, body, component, made_at, number) "
                    "VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM outbox)) "
                    "ON CONFLICT (control_id) DO NOTHING",
                    (message.control_id, message.charge_id, message.kind, message.body, message.component, at),
                )
            )

    def waiting(self) -> tuple[Message, ...]:
        """What has not been sent, oldest first."""
        return self._found(" WHERE state = 'waiting'", ())

    def open(self) -> tuple[Message, ...]:
        """What is not answered yet: waiting, or sent without an answer; oldest first."""
        return self._found(" WHERE state IN ('waiting', 'sent')", ())

    def first_open(self, components: tuple[str, ...] = ()) -> Message | None:
        """The oldest that is not answered yet; of these parts of the service alone where any are named."""
        marks = ", ".join("?" * len(components))
        where = " WHERE state IN ('waiting', 'sent')" + (f" AND component IN ({marks})" if components else "")
        return next(iter(self._found(where, components, " LIMIT 1")), None)

    def name_component(self, control_id: str, component: str) -> None:
        """Add which part of the service a message charges, where an older program left it out."""
        with self._db.writing() as db:
            db.change("UPDATE outbox SET component = ? WHERE control_id = ?", (component, control_id))

    def all(self) -> tuple[Message, ...]:
        """Every message, oldest first."""
        return self._found("", ())

    def of_charge(self, charge_id: str) -> tuple[Message, ...]:
        """Messages about one charge, oldest first."""
        return self._found(" WHERE charge_id = ?", (charge_id,))

    def get(self, control_id: str) -> Message | None:
        """One message, or None."""
        return next(iter(self._found(" WHERE control_id = ?", (control_id,))), None)

    def _found(self, where: str, values: tuple[str, ...], end: str = "") -> tuple[Message, ...]:
        rows = self._db.rows(_SELECT + where + _ORDER + end, values)
        return tuple(msgspec.convert(dict(zip(_COLUMNS, row, strict=True)), Message) for row in rows)

    def set_state(self, control_id: str, state: State, at: str) -> None:
        """Note what became of a message."""
        with self._db.writing() as db:
            db.change(
                "UPDATE outbox SET state = ?, attempts = attempts + 1, sent_at = ? WHERE control_id = ?",
                (state, at, control_id),
            )

    def attempt(self, control_id: str, receiver: str, at: str, next_at: str) -> None:
        """Note an attempt before its first byte goes out: after a crash the message counts as sent, never as new."""
        with self._db.writing() as db:
            db.change(
                "UPDATE outbox SET state = 'sent', attempts = attempts + 1, receiver = ?, sent_at = ?, next_at = ? "
                "WHERE control_id = ?",
                (receiver, at, next_at, control_id),
            )

    def failed(self, control_id: str, receiver: str, problem: str, next_at: str, *, went_out: bool) -> None:
        """Note that no answer came, or that nothing even went out; the next attempt comes later."""
        with self._db.writing() as db:
            db.change(
                "UPDATE outbox SET receiver = ?, problem = ?, next_at = ?, attempts = attempts + ? "
                "WHERE control_id = ?",
                (receiver, problem, next_at, 0 if went_out else 1, control_id),
            )

    def answered(self, control_id: str, state: State, problem: str, at: str) -> None:
        """Note the receiver's answer, or that the message is withdrawn and why."""
        with self._db.writing() as db:
            db.change(
                "UPDATE outbox SET state = ?, problem = ?, answered_at = ?, next_at = '' WHERE control_id = ?",
                (state, problem, at, control_id),
            )

    def again(self, control_id: str) -> None:
        """Let a refused message go out again, unchanged, by whichever way there is now."""
        with self._db.writing() as db:
            db.change(
                "UPDATE outbox SET state = 'waiting', receiver = '', problem = '', next_at = '', answered_at = '' "
                "WHERE control_id = ?",
                (control_id,),
            )

    def by_file(self, control_id: str, way: str) -> None:
        """Note that a waiting message lies as a file for a system that fetches it."""
        with self._db.writing() as db:
            db.change("UPDATE outbox SET receiver = ? WHERE control_id = ?", (way, control_id))

    def take_link(self, receiver: str, holder: str, now: str, until: str) -> bool:
        """Take the only place of a sender on a link until a time; False while another program has it.

        A place that ends later than anybody would take it (`until` of this call) stems from a clock that was set
        back since; it counts for nothing. In a department the server's clock measures the time, because those of two
        workstations may differ by more than a place lasts.
        """
        with self._db.writing() as db:
            common = db.common_time()
            if common is not None:
                lasts = datetime.fromisoformat(until) - datetime.fromisoformat(now)
                now, until = utc_text(common), utc_text(common + lasts)
            row = db.one("SELECT holder, until FROM links WHERE receiver = ?", (receiver,))
            if row is not None and row[0] != holder and now < str(row[1]) <= until:
                return False
            db.change(
                "INSERT INTO links (receiver, holder, until) VALUES (?, ?, ?) "
                "ON CONFLICT (receiver) DO UPDATE SET holder = excluded.holder, until = excluded.until",
                (receiver, holder, until),
            )
            return True

    def leave_link(self, receiver: str, holder: str) -> None:
        """Give the place on a link back."""
        with self._db.writing() as db:
            db.change("DELETE FROM links WHERE receiver = ? AND holder = ?", (receiver, holder))


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(Message)
