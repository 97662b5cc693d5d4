"""The recorded act "separate session": what was acquired apart is a service of its own (billing page 5.1).

The ordinal in the service's key is 1 for the first acquisition session of an anatomy on a day and rises by this act
alone: a named person says of a series that it was acquired in a session of its own, and why. A counter-act takes it
back. Neither is possible once a charge rests on what it would change; that charge is voided first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from billing.charge import ACTIVE
from billing.context import anatomy_token
from workstation.base.errors import InputRefused
from workstation.case.acquisition import FIRST, REJOINED, SEPARATED, drawn_on, lines_of_session, sessions_of
from workstation.case.evidence import evidence_lines, pictures_of
from workstation.desk.charge_case import evidence_of
from workstation.desk.charge_ledger import ledger_of, standing_charge

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.case.model import Case
    from workstation.desk.place import Place


def separate(place: Place, actor: Actor, case: Case, reason: str) -> int:
    """Record that the series of `case.key` was acquired in a separate session; the ordinal of that session.

    Said twice it is one act.

    Raises
    ------
    InputRefused
        ``reason``: none is given; ``anatomy``: the region is not confirmed; ``charged``: an active charge rests on
        the pictures of this very series.
    """
    study, series = case.key.study_uid, case.key.series_uid
    reason = _why(reason)
    if not (case.anatomy or "").strip():
        raise InputRefused("anatomy", "Confirm the region first: sessions are counted for each region of a day.")
    with place.db.writing():
        sessions = sessions_of(place.journal.entries(study))
        if series in sessions.of_series:
            return sessions.ordinal(series)
        _nothing_charged_is_taken(place, case)
        ordinal = 1 + max(sessions.highest(), _highest_charged(place, case))
        place.act(SEPARATED, actor, case.key, series=[series], ordinal=ordinal, anatomy=case.anatomy, reason=reason)
        return ordinal


def rejoin(place: Place, actor: Actor, case: Case, reason: str) -> None:
    """Take the act back: the series of `case.key` belongs to the first session again.

    Raises
    ------
    InputRefused
        ``reason``: none is given; ``session``: there is no such act; ``charged``: a charge rests on it.
    """
    study, series = case.key.study_uid, case.key.series_uid
    reason = _why(reason)
    with place.db.writing():
        sessions = sessions_of(place.journal.entries(study))
        if series not in sessions.of_series:
            raise InputRefused("session", "This series was not recorded as a separate session.")
        charge = standing_charge(place, study, sessions.ordinal(series))
        if charge is not None:
            raise InputRefused("charged", f"Charge {charge.charge_id} rests on this separate session; void it first.")
        place.act(REJOINED, actor, case.key, series=[series], line=sessions.line(series), reason=reason)


def _why(reason: str) -> str:
    if not reason.strip():
        raise InputRefused("reason", "Say why: when and for what the second session was, as the record shows it.")
    return reason.strip()


def _nothing_charged_is_taken(place: Place, case: Case) -> None:
    """A charge that stands keeps the pictures that it rests on."""
    study, series = case.key.study_uid, case.key.series_uid
    charge = standing_charge(place, study, FIRST)
    if charge is None:
        return
    lines = place.journal.entries(study)
    counted = lines_of_session(evidence_lines(lines, demo=place.demo), sessions_of(lines), series)
    drawn = drawn_on(counted)
    if not any(drawn.get(uid) != series for uid in pictures_of(counted).three_d):
        raise InputRefused(
            "charged", f"Charge {charge.charge_id} rests on the pictures of this very series; void it first."
        )


def _highest_charged(place: Place, case: Case) -> int:
    """The largest ordinal among the patient's active charges of the day for this anatomy."""
    facts = evidence_of(place, case).facts
    date, patient = (facts.get("service") or {}).get("date"), facts.get("patient") or {}
    if not date or not patient.get("id"):
        return FIRST
    day = ledger_of(place).charges_of_day(patient.get("issuer") or "", patient["id"], date)
    same = [c for c in day if c.state in ACTIVE and anatomy_token(c.identity.anatomy) == anatomy_token(case.anatomy)]
    return max((c.identity.session for c in same), default=FIRST)
