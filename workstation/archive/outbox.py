"""Messages that wait to be sent: written in the transaction of the act that caused them, sent as often as needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from workstation.archive.db import Database

State = Literal["waiting", "sent", "acknowledged", "rejected"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message; its control id is the same on every attempt, so a receiver can tell a repeat."""

    control_id: str
    charge_id: str
    kind: str
    body: str
    state: State = "waiting"
    attempts: int = 0

    def __repr__(self) -> str:
        return f"Message({self.control_id}, {self.kind}, {self.state})"


class Outbox:
    """Outgoing messages of one home."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, message: Message, at: str) -> bool:
        """Leave a message to be sent; False when the very message already lies there."""
        with self._db.writing() as db:
            return bool(
                db.change(
                    "INSERT INTO outbox (control_id, charge_id, kind, body, made_at) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (control_id) DO NOTHING",
                    (message.control_id, message.charge_id, message.kind, message.body, at),
                )
            )

    def waiting(self) -> tuple[Message, ...]:
        """What has not been sent, oldest first."""
        return tuple(m for m in self.all() if m.state == "waiting")

    def all(self) -> tuple[Message, ...]:
        """Every message, oldest first."""
        rows = self._db.rows(
            "SELECT control_id, charge_id, kind, body, state, attempts FROM outbox ORDER BY made_at, control_id"
        )
        return tuple(
            msgspec.convert(
                dict(zip(("control_id", "charge_id", "kind", "body", "state", "attempts"), r, strict=True)), Message
            )
            for r in rows
        )

    def set_state(self, control_id: str, state: State, at: str) -> None:
        """Note what became of a message."""
        with self._db.writing() as db:
            db.change(
                "UPDATE outbox SET state = ?, attempts = attempts + 1, sent_at = ? WHERE control_id = ?",
                (state, at, control_id),
            )
