"""The ledger of charges: rows that are only appended, each chained to the one before; storage is the caller's.

Every change of state is a row; a charge is what its rows say. A store keeps rows in order and has one unique index:
which charge holds a service key at the moment. With it double click, retry, crash and two workstations make one charge.
The caller wraps each act in one transaction of its store and lets one writer in at a time: a row names the one before.

A store finds the rows of a charge, and the charges of a service, of a patient's day and of a study, by itself, so
that a department's years of charges are never read to keep one more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, MutableMapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from billing.charge import OUTSIDE, Act, Charge, Role, State, grounds_digest, next_state
from billing.errors import LedgerError, TransitionRefused
from billing.facts import LedgerEntry
from billing.key import charge_id, overlapping_keys

START = "0" * 64


class Row(Struct, frozen=True, kw_only=True):
    """One transition. `line` is the JSON of a `Line`; `hash` covers everything before it and `previous`."""

    number: int
    charge_id: str
    state: str
    at: str
    line: str
    previous: str
    hash: str


class Line(Struct, frozen=True, kw_only=True):
    """Who did what to a charge, from which state, why; with the charge itself where it begins."""

    act: Act
    before: State
    after: State
    who: str
    role: Role
    workstation: str
    reason: str = ""
    replaced_by: str | None = None
    charge: Charge | None = None


class LedgerStore(Protocol):
    """Where rows lie: in order, never changed, with one holder for each service key."""

    def rows(self) -> Iterable[Row]:
        """Every row in order."""

    def last(self) -> Row | None:
        """The row at the end."""

    def rows_of(self, charge_id: str) -> Sequence[Row]:
        """Rows of one charge in order."""

    def append(self, row: Row, charge: Charge | None = None) -> None:
        """Write a row at the end; `charge` is the one that begins with it."""

    def claim(self, key: str, charge_id: str) -> str:
        """Take a service for a charge; returns the id of the charge that holds it, this one or an earlier one."""

    def holder(self, key: str) -> str | None:
        """The charge that holds a service."""

    def give_up(self, charge_id: str) -> None:
        """The charge holds its service no longer."""

    def of_key(self, key: str) -> Sequence[str]:
        """Ids of every charge that a service ever had, in the order of confirming."""

    def of_day(self, patient_issuer: str, patient_id: str, date: str) -> Sequence[str]:
        """Ids of a patient's charges of a service date (YYYY-MM-DD), in the order of confirming."""

    def of_study(self, study_uid: str) -> Sequence[str]:
        """Ids of the charges for a source study, in the order of confirming."""


class MemoryStore:
    """A ledger in memory, for a what-if and for tests of other parts."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._holders: dict[str, str] = {}
        self._begun: dict[str, Charge] = {}

    def rows(self) -> Sequence[Row]:
        return tuple(self._rows)

    def last(self) -> Row | None:
        return self._rows[-1] if self._rows else None

    def rows_of(self, charge_id: str) -> Sequence[Row]:
        return tuple(r for r in self._rows if r.charge_id == charge_id)

    def append(self, row: Row, charge: Charge | None = None) -> None:
        self._rows.append(row)
        if charge is not None:
            self._begun[charge.charge_id] = charge

    def claim(self, key: str, charge_id: str) -> str:
        return self._holders.setdefault(key, charge_id)

    def holder(self, key: str) -> str | None:
        return self._holders.get(key)

    def of_key(self, key: str) -> Sequence[str]:
        return tuple(c.charge_id for c in self._begun.values() if c.key == key)

    def of_day(self, patient_issuer: str, patient_id: str, date: str) -> Sequence[str]:
        wanted = (patient_issuer, patient_id, date)
        return tuple(c.charge_id for c in self._begun.values() if _day_of(c) == wanted)

    def of_study(self, study_uid: str) -> Sequence[str]:
        return tuple(c.charge_id for c in self._begun.values() if c.identity.study_uid == study_uid)

    def give_up(self, charge_id: str) -> None:
        self._holders = {key: holder for key, holder in self._holders.items() if holder != charge_id}


class Actor(Struct, frozen=True, kw_only=True):
    """Who acts, in which role, where, and when (UTC, ISO 8601); a person has authenticated again before."""

    who: str
    role: Role
    workstation: str
    at: str


class Voided(Struct, frozen=True):
    """A charge taken back; `credit` is true when the receiver had it and needs a credit message."""

    charge: Charge
    credit: bool


class Ledger:
    """Acts on charges over a store."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def charges(self) -> dict[str, Charge]:
        """Every charge in its present state, in the order of confirming."""
        return charges(self._store.rows())

    def get(self, wanted: str) -> Charge:
        """One charge.

        Raises
        ------
        LedgerError
            There is none of that id.
        """
        found = charges(self._store.rows_of(wanted)).get(wanted)
        if found is None:
            raise LedgerError(f"The ledger has no charge {wanted}.")
        return found

    def active(self, key: str) -> Charge | None:
        """The charge that holds a service, if any."""
        holder = self._store.holder(key)
        return None if holder is None else self.get(holder)

    def day(self, patient_issuer: str, patient_id: str, date: str) -> tuple[LedgerEntry, ...]:
        """Charges of a patient's day, active and past, as facts know them."""
        return tuple(charge.entry() for charge in self.charges_of_day(patient_issuer, patient_id, date))

    def charges_of_day(self, patient_issuer: str, patient_id: str, date: str) -> tuple[Charge, ...]:
        """Charges of a patient's day (YYYY-MM-DD), active and past, in the order of confirming."""
        return tuple(self.get(own) for own in self._store.of_day(patient_issuer, patient_id, date))

    def of_study(self, study_uid: str) -> tuple[Charge, ...]:
        """Charges for a source study, active and past, in the order of confirming."""
        return tuple(self.get(own) for own in self._store.of_study(study_uid))

    def history(self, wanted: str) -> list[tuple[Row, Line]]:
        """The transitions of one charge, in order."""
        return history(self._store.rows_of(wanted), wanted)

    def confirm(self, drafted: Charge, actor: Actor, *, late: bool = False) -> Charge:
        """Keep a drafted charge; when the service is already charged, the charge that came first.

        Raises
        ------
        TransitionRefused
            The role may not, or a charge with an overlapping component (global against 26, TC ...) is active.
        """
        return self._keep(drafted, actor, late=late, replaces=None)

    def replace(
        self,
        old_id: str,
        drafted: Charge,
        actor: Actor,
        *,
        reason: str,
        late: bool = False,
        same_person: Collection[tuple[str, str]] = (),
    ) -> Charge:
        """Put a new charge in an old one's place; the old one becomes `replaced` and is named by the new one.

        When the old one was sent, a credit goes out before the new charge (`needs_credit`).

        Parameters
        ----------
        same_person : issuers and IDs that were found to be one person's: after a merge the new charge may bear
            another of them than the old one
        """
        old = self.get(old_id)
        reason = _needed(reason, "replace")
        was, will_be = ((c.identity.patient_issuer, c.identity.patient_id) for c in (old, drafted))
        if was != will_be and not {was, will_be} <= set(same_person):
            raise TransitionRefused("A charge is replaced only by one for the same patient.")
        next_state(old.state, "replace", actor.role)
        next_state("draft", "confirm", actor.role)
        other = self.active(drafted.key)
        if other is not None and other.charge_id != old_id:
            raise TransitionRefused(f"The service of the new charge is already charged as {other.charge_id}.")
        self._no_overlap(drafted, besides=old_id)
        new_id = self._next_id(drafted.key)
        self._move(old, "replace", actor, reason=reason, replaced_by=new_id)
        self._store.give_up(old_id)
        return self._keep(drafted, actor, late=late, replaces=old_id)

    def void(self, wanted: str, actor: Actor, *, reason: str, again: str) -> Voided:
        """Take a charge back. `again` is its id, entered a second time."""
        charge = self.get(wanted)
        reason = _needed(reason, "void")
        if again.strip().upper() != charge.charge_id:
            raise TransitionRefused("The second entry of the charge's id does not agree with the first.")
        moved = self._move(charge, "void", actor, reason=reason)
        self._store.give_up(wanted)
        return Voided(moved, charge.state in OUTSIDE)

    def send(self, wanted: str, actor: Actor) -> Charge:
        """The message went out."""
        return self._move(self.get(wanted), "send", actor)

    def acknowledge(self, wanted: str, actor: Actor, *, reason: str = "") -> Charge:
        """The receiver took it."""
        return self._move(self.get(wanted), "acknowledge", actor, reason=reason)

    def refuse(self, wanted: str, actor: Actor, *, reason: str) -> Charge:
        """The receiver refused it; the reason is the receiver's."""
        return self._move(self.get(wanted), "refuse", actor, reason=_needed(reason, "refuse"))

    def resend(self, wanted: str, actor: Actor, *, reason: str) -> Charge:
        """Send a refused charge again unchanged, after an error of transport."""
        return self._move(self.get(wanted), "resend", actor, reason=_needed(reason, "resend"))

    def _keep(self, drafted: Charge, actor: Actor, *, late: bool, replaces: str | None) -> Charge:
        state = next_state(drafted.state, "confirm", actor.role)
        first = self.active(drafted.key)
        if first is not None:
            return first
        self._no_overlap(drafted)
        own_id = self._next_id(drafted.key)
        holder = self._store.claim(drafted.key, own_id)
        # another workstation may have been first since the rows were read: then its charge stands
        if holder != own_id or self._store.rows_of(holder):
            return self.get(holder)
        kept = replace(
            drafted,
            charge_id=own_id,
            state=state,
            confirmed_at=actor.at,
            confirmed_by=actor.who,
            late=late,
            replaces=replaces,
        )
        self._append(
            own_id,
            state,
            actor,
            Line(
                who=actor.who,
                role=actor.role,
                workstation=actor.workstation,
                act="confirm",
                before="draft",
                after=state,
                charge=kept,
            ),
            kept,
        )
        return kept

    def _no_overlap(self, drafted: Charge, besides: str | None = None) -> None:
        for key in overlapping_keys(drafted.identity):
            charge = self.active(key)
            if charge is not None and charge.charge_id != besides:
                raise TransitionRefused(
                    f"Charge {charge.charge_id} ({charge.identity.component}) already claims a part of this service."
                )

    def _next_id(self, key: str) -> str:
        return charge_id(key, len(self._store.of_key(key)))

    def _move(
        self, charge: Charge, act: Act, actor: Actor, *, reason: str = "", replaced_by: str | None = None
    ) -> Charge:
        after = next_state(charge.state, act, actor.role)
        line = Line(
            who=actor.who,
            role=actor.role,
            workstation=actor.workstation,
            act=act,
            before=charge.state,
            after=after,
            reason=reason,
            replaced_by=replaced_by,
        )
        self._append(charge.charge_id, after, actor, line)
        return replace(charge, state=after)

    def _append(self, own_id: str, state: State, actor: Actor, line: Line, begun: Charge | None = None) -> None:
        last = self._store.last()
        previous, number = (START, 1) if last is None else (last.hash, last.number + 1)
        text = msgspec.json.encode(line, order="sorted").decode()
        row_hash = _hash(number, own_id, state, actor.at, text, previous)
        self._store.append(
            Row(number=number, charge_id=own_id, state=state, at=actor.at, line=text, previous=previous, hash=row_hash),
            begun,
        )


def _day_of(charge: Charge) -> tuple[str, str, str]:
    return charge.identity.patient_issuer, charge.identity.patient_id, charge.service_date.isoformat()


def charges(rows: Iterable[Row]) -> dict[str, Charge]:
    """What rows say: every charge in its present state."""
    found: dict[str, Charge] = {}
    for row in rows:
        carry_on(found, row)
    return found


def carry_on(found: MutableMapping[str, Charge], row: Row) -> Line:
    """Carry what is known of the charges on by the next row; returns what the row says.

    Raises
    ------
    LedgerError
        The row is about a charge that was never confirmed.
    """
    line = msgspec.json.decode(row.line, type=Line)
    if line.charge is not None:
        found[row.charge_id] = line.charge
    elif row.charge_id in found:
        found[row.charge_id] = replace(found[row.charge_id], state=line.after)
    else:
        raise LedgerError(f"Row {row.number} of the ledger is about a charge that was never confirmed.")
    return line


def history(rows: Iterable[Row], wanted: str) -> list[tuple[Row, Line]]:
    """The transitions of one charge, in order."""
    return [(r, msgspec.json.decode(r.line, type=Line)) for r in rows if r.charge_id == wanted]


def needs_credit(rows: Iterable[Row], wanted: str) -> bool:
    """Whether a voided or replaced charge was with the receiver, so that a credit must go out."""
    return any(line.act in {"void", "replace"} and line.before in OUTSIDE for _, line in history(rows, wanted))


def verify(rows: Iterable[Row], head: tuple[int, str] | None = None) -> int:
    """Walk the chain: numbers, hashes, states, and the digests of what was frozen.

    Parameters
    ----------
    head : number and hash of the last row as they are kept beside the ledger, so that rows cut off at its end, or
        added there by another hand, are noticed

    Returns
    -------
    int
        How many rows there are.

    Raises
    ------
    LedgerError
        At the first row that is not what it was, naming its number.
    """
    previous, count = START, 0
    states: dict[str, str] = {}
    for row in rows:
        count += 1
        if row.number != count:
            raise LedgerError(f"Row {count} of the ledger is missing.")
        if row.previous != previous:
            raise LedgerError(f"Row {count} of the ledger does not follow the row before it.")
        if row.hash != _hash(row.number, row.charge_id, row.state, row.at, row.line, previous):
            raise LedgerError(f"Row {count} of the ledger was changed after it was written.")
        try:
            line = msgspec.json.decode(row.line, type=Line)
        except msgspec.MsgspecError as error:
            raise LedgerError(f"Row {count} of the ledger cannot be read.") from error
        if line.after != row.state or line.before != states.get(row.charge_id, "draft"):
            raise LedgerError(f"Row {count} of the ledger does not follow from the rows before it.")
        frozen = line.charge
        if frozen is not None and frozen.digest != grounds_digest(frozen.facts, frozen.answer):
            raise LedgerError(f"Row {count} of the ledger: facts and answer are not those that were confirmed.")
        states[row.charge_id] = row.state
        previous = row.hash
    if head is not None and head[0] > count:
        raise LedgerError(f"The ledger ends before row {head[0]}: rows were cut off.")
    if head is not None and head != (count, previous):
        raise LedgerError(f"Row {head[0] + 1} of the ledger was not written by this program.")
    return count


def _hash(number: int, own_id: str, state: str, at: str, line: str, previous: str) -> str:
    content = msgspec.json.encode([number, own_id, state, at, line, previous])
    return hashlib.sha256(content).hexdigest()


def _needed(reason: str, act: str) -> str:
    if not reason.strip():
        raise TransitionRefused(f"To {act} a charge a reason is needed.")
    return reason.strip()


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(Line)
msgspec.json.Decoder(Row)
