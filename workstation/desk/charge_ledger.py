"""The billing ledger on the archive's table: rows in the home's database, one active charge for each service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from billing.charge import ACTIVE, Charge, identity_of, is_late
from billing.errors import BillingError
from billing.ledger import START, Ledger, Row, charges, verify
from billing.site import Site
from workstation.archive.ledger import Begun, LedgerRow, LedgerTable
from workstation.base.errors import InputRefused
from workstation.case.acquisition import FIRST, Sessions, drawn_on, sessions_of
from workstation.people.roles import require

if TYPE_CHECKING:
    from billing.facts import Facts
    from billing.key import ServiceIdentity
    from workstation.base.events import CaseKey
    from workstation.case.model import Case
    from workstation.desk.place import Place
    from workstation.people.accounts import People


class ChargeStore:
    """`LedgerStore` over the table; every act runs inside the caller's transaction."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def rows(self) -> Sequence[Row]:
        """Every row in order."""
        return tuple(_row(r) for r in self._table.rows())

    def rows_from(self, number: int) -> Sequence[Row]:
        """The row of a number and those behind it."""
        return tuple(_row(r) for r in self._table.rows(after=number - 1))

    def last(self) -> Row | None:
        """The row at the end."""
        found = self._table.last()
        return None if found is None else _row(found)

    def rows_of(self, charge_id: str) -> Sequence[Row]:
        """Rows of one charge in order."""
        return tuple(_row(r) for r in self._table.rows_of(charge_id))

    def append(self, row: Row, charge: Charge | None = None) -> None:
        """Write a row at the end; `charge` is the one that begins with it."""
        begun = None if charge is None else _begun(charge)
        self._table.append(msgspec.convert(msgspec.to_builtins(row), LedgerRow), begun)

    def claim(self, key: str, charge_id: str) -> str:
        """Take a service for a charge; the charge that holds it."""
        return self._table.claim(key, charge_id)

    def holder(self, key: str) -> str | None:
        """The charge that holds a service."""
        return self._table.holder(key)

    def give_up(self, charge_id: str) -> None:
        """The charge holds its service no longer."""
        self._table.give_up(charge_id)

    def of_key(self, key: str) -> Sequence[str]:
        """Every charge that a service ever had."""
        return self._table.of_key(key)

    def of_day(self, patient_issuer: str, patient_id: str, date: str) -> Sequence[str]:
        """A patient's charges of a service date."""
        return self._table.of_day(patient_issuer, patient_id, date)

    def of_study(self, study_uid: str) -> Sequence[str]:
        """Charges for a source study."""
        return self._table.of_study(study_uid)


def _begun(charge: Charge) -> Begun:
    return Begun(
        service_key=charge.key,
        patient_issuer=charge.identity.patient_issuer,
        patient_id=charge.identity.patient_id,
        service_date=charge.service_date.isoformat(),
        study_uid=charge.identity.study_uid or "",
        session=charge.identity.session,
    )


def _row(row: LedgerRow) -> Row:
    return msgspec.convert(msgspec.to_builtins(row), Row)


def ledger_of(place: Place) -> Ledger:
    """The ledger of a home."""
    return Ledger(ChargeStore(place.ledger))


def session_of(place: Place, case: Case) -> int:
    """Ordinal of the acquisition session that the case's open series belongs to."""
    return sessions_of(place.journal.entries(case.key.study_uid)).ordinal(case.key.series_uid)


def standing_charge(place: Place, study_uid: str, session: int) -> Charge | None:
    """The active charge that rests on this acquisition session of a study, whichever workstation confirmed it.

    The same evidence does not carry a second charge, whatever the region is called by now, and also where the study
    was deleted and imported again. A voided or replaced charge stands no longer. It may come without its facts and
    answer (`LedgerReading.get`).
    """
    found = [place.reading.get(own) for own in place.ledger.of_study(study_uid)]
    found = [c for c in found if c.identity.session == session and c.state in ACTIVE]
    return found[-1] if found else None


def with_standing_charge(place: Place, case: Case) -> Case:
    """The case naming the charge that stands for its open series' session: none after a void, the new one after a
    replacement, and the one that another workstation confirmed meanwhile.
    """
    if not place.ledger.of_study(case.key.study_uid):
        return case if not case.charge else msgspec.structs.replace(case, charge="")
    standing = standing_charge(place, case.key.study_uid, session_of(place, case))
    own = standing.charge_id if standing is not None else ""
    return case if own == case.charge else msgspec.structs.replace(case, charge=own)


def person_of(place: Place, issuer: str, patient_id: str) -> tuple[str, str]:
    """Issuer and ID that stand for this person after merges: what the key of a service is made of."""
    from workstation.desk.reconcile import known_as

    return known_as(place, issuer, patient_id)[0]


def service_of(place: Place, facts: Facts, study_uid: str, session: int) -> ServiceIdentity:
    """The parts of the service's key as facts, case and decisions about identities have them.

    Raises
    ------
    BillingError
        A part is not known.
    """
    stated = identity_of(facts, study_uid=study_uid, session=session)
    issuer, number = person_of(place, stated.patient_issuer, stated.patient_id)
    return msgspec.structs.replace(stated, patient_issuer=issuer, patient_id=number)


CLOSED_UNTIL = "billing.closed_until"


def late_now(place: Place, service_date: date) -> bool:
    """Whether a charge confirmed at this moment is late: after the site's days, or in a day that was closed."""
    from workstation.desk.charge_case import today
    from workstation.desk.charge_site import grounds_of

    closed = place.db.setting(CLOSED_UNTIL)
    return is_late(
        service_date,
        date.fromisoformat(today(place)),
        late_days=(grounds_of(place.home).site or Site()).late_days,
        closed=closed is not None and service_date <= date.fromisoformat(closed),
    )


def close_days(place: Place, people: People, until: date, *, secret: str = "") -> str:
    """Close the books up to and including a day: what is confirmed for it later is marked late.

    Returns
    -------
    str
        The last closed day; an earlier one than before changes nothing.

    Raises
    ------
    NotAllowed
        Not a role that confirms charges, or the secret is due again.
    InputRefused
        ``date``: that day has not come yet.
    """
    from workstation.desk.charge_case import today

    require(people.actor.role if people.actor else None, "confirm_charge")
    if until.isoformat() > today(place):
        raise InputRefused("date", "A day that has not come yet cannot be closed.")
    actor = people.proved_for("confirm_charge", secret)
    with place.db.writing():
        before = place.db.setting(CLOSED_UNTIL) or ""
        if until.isoformat() > before:
            place.act("days_closed", actor, until=until.isoformat(), before=before)
            place.db.set_setting(CLOSED_UNTIL, until.isoformat())
        return max(until.isoformat(), before)


def of_session(place: Place, case: Case, session: int) -> Case | None:
    """The case seen from a series of one of its acquisition sessions; None where it has no such session.

    Of several series the one whose picture was released last speaks; of the first session the open one, if it is
    of that session.
    """
    lines = place.journal.entries(case.key.study_uid)
    sessions = sessions_of(lines)
    if sessions.ordinal(case.key.series_uid) == session:
        return case
    drawn = drawn_on(lines)
    shown = [drawn.get(str(e.event.payload.get("sop_uid")), "") for e in lines if e.event.kind == "picture_released"]
    found = [uid for uid in (*sessions.of_series, *shown) if uid and sessions.ordinal(uid) == session]
    if not found:
        return None
    key = msgspec.structs.replace(case.key, series_uid=found[-1])
    return with_standing_charge(place, msgspec.structs.replace(case, key=key))


def others_of_day(place: Place, case: Case, facts: Mapping[str, Any], session: int) -> list[Charge]:
    """Charges of this patient on the service's day that came before the one of the case's own session, if it has one.

    The case's own charge is left out, or deciding the case again would find it to be its own duplicate; and so is
    what was charged after it, or the first service of a day would become a repeat of the second. A charge that
    replaces another counts from that one on. They may come without facts and answers (`LedgerReading.get`).
    """
    date = (facts.get("service") or {}).get("date")
    patient = facts.get("patient") or {}
    if not date or not patient.get("id"):
        return []
    from workstation.desk.reconcile import known_as

    # after a merge the day's charges may stand under any number of the same person
    names = known_as(place, patient.get("issuer") or "", patient["id"])
    found = [place.reading.get(own) for name in names for own in place.ledger.of_day(*name, date)]
    standing = standing_charge(place, case.key.study_uid, session)
    if standing is None:
        return found
    since = _begun_at(place, standing)
    return [c for c in found if c.charge_id != standing.charge_id and _begun_at(place, c) <= since]


def _begun_at(place: Place, charge: Charge) -> str:
    """When a service was charged first: of a charge that replaces another, when that one was confirmed."""
    while charge.replaces:
        charge = place.reading.get(charge.replaces)
    return charge.confirmed_at


def apart_by_record(others: Sequence[Charge], sessions: Sessions, key: CaseKey) -> tuple[int, ...]:
    """The journal's lines by which the open series' session is separate from every other charge of the day.

    Empty where there is no active other charge, or no recorded act sets this session apart from each of them.
    """
    active = [c for c in others if c.state in ACTIVE]
    if not active or not sessions.of_series:
        return ()
    own = sessions.ordinal(key.series_uid)
    if own > FIRST:
        return (sessions.line(key.series_uid),)
    # seen from the first session, only the sessions of this study that were set apart from it are known to be others
    apart = {s.ordinal: s.line for s in sessions.of_series.values()}
    if any(c.identity.study_uid != key.study_uid or c.identity.session not in apart for c in active):
        return ()
    return tuple(sorted({apart[c.identity.session] for c in active}))


def broken_ledger(place: Place) -> str:
    """What is wrong with the ledger in one sentence, or "": its chain, who holds a service, how charges are found."""
    with place.db.reading():
        rows, head = ChargeStore(place.ledger).rows(), place.ledger.head()
        holders, begun = place.ledger.holders(), place.ledger.begun()
    try:
        verify(rows, head or (0, START))
        found = charges(rows)
    except BillingError as error:
        return error.sentence
    if holders != {c.key: own for own, c in found.items() if c.state in ACTIVE}:
        return "The list of services that are charged does not agree with the ledger."
    if begun != {own: _begun(c) for own, c in found.items()}:
        return "The list by which charges are found does not agree with the ledger."
    return ""
