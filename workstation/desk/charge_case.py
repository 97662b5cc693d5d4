"""What may be charged for a case: the journal's facts, what the site and people know, and the day's rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from workstation.archive.opening import has_archive
from workstation.base.clock import SystemClock
from workstation.base.errors import InputRefused
from workstation.case.acquisition import lines_of_session, sessions_of
from workstation.case.evidence import Evidence, evidence_lines, facts_of
from workstation.case.model import Case
from workstation.desk.charge_site import Grounds, grounds_of
from workstation.desk.open_study import stored_case
from workstation.desk.people_store import AccountTable
from workstation.desk.place import Place

if TYPE_CHECKING:
    from workstation.desk.session import Session


@dataclass(frozen=True)
class Decided:
    """Facts, the answer (both in the fixed JSON format), the biller's words, and the journal lines of each fact."""

    facts: dict[str, Any]
    answer: dict[str, Any]
    lines: tuple[str, ...]
    proof: dict[str, tuple[int, ...]]


def local_date_of(place: Place, moment_utc: str) -> str:
    """The site's date of a UTC moment: by the site's time zone setting, else the computer's own."""
    moment = datetime.fromisoformat(moment_utc)
    name = place.db.setting("site.timezone")
    if name:
        try:
            return moment.astimezone(ZoneInfo(name)).date().isoformat()
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InputRefused("timezone", "The site's time zone setting is not a known zone.") from error
    return moment.astimezone().date().isoformat()


def evidence_of(place: Place, case: Case) -> Evidence:
    """Facts of a case with everything that site, accounts and ledger add."""
    from workstation.desk.charge_ledger import apart_by_record, others_of_day

    lines = place.journal.entries(case.key.study_uid)
    sessions, series = sessions_of(lines), case.key.series_uid
    entries = lines_of_session(evidence_lines(lines, demo=place.demo), sessions, series)
    found = facts_of(case, entries, station=place.station, local_date=lambda at: local_date_of(place, at))
    facts = found.facts
    _site_facts(place, facts)
    _reader_facts(place, facts)
    others = others_of_day(place, case, facts, sessions.ordinal(series))
    facts["ledger"] = [msgspec.to_builtins(charge.entry()) for charge in others]
    if said := apart_by_record(others, sessions, case.key):
        # recorded acts outweigh what somebody typed about the session
        facts["distinct"] = {**(facts.get("distinct") or {}), "session": "separate"}
        found.lines["distinct.session"] = said
    return found


def _site_facts(place: Place, facts: dict[str, Any]) -> None:
    """What the site said once: a case's own statement goes before it."""
    stated = place.db.setting("site.facts")
    for path, value in (msgspec.json.decode(stated) if stated else {}).items():
        *groups, last = path.split(".")
        spot = facts
        for group in groups:
            spot = spot.setdefault(group, {})
        if spot.get(last) is None:
            spot[last] = value


def _reader_facts(place: Place, facts: dict[str, Any]) -> None:
    """The rendering provider is the supervising physician, with the taxonomy of that account."""
    providers = facts.setdefault("providers", {})
    npi = facts.get("supervision", {}).get("physician_npi")
    if providers.get("rendering_npi") is None and npi:
        providers["rendering_npi"] = npi
    if providers.get("rendering_taxonomy") is None:
        for account in AccountTable(place.db).all():
            if account.npi and account.npi == providers.get("rendering_npi") and account.taxonomy:
                providers["rendering_taxonomy"] = account.taxonomy


def decide_facts(
    facts: Mapping[str, Any], as_of: str, grounds: Grounds | None = None
) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """Facts as decided on, the answer and its explanation; by the site's tables and records where there are any."""
    from billing.decide import answer_to_builtins, decide
    from billing.errors import FactsError
    from billing.explain import explain
    from billing.facts import read_facts

    known = grounds or Grounds()
    stated = {**facts, "as_of": as_of}
    try:
        read = read_facts(stated)
    except FactsError as error:
        raise InputRefused("facts", f"The facts of this case cannot be read: {error}.") from error
    answer = decide(read, references=known.references, payers=known.payers, site=known.site)
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(answer_to_builtins(answer)))
    return stated, plain, tuple(explain(answer))


def today(place: Place) -> str:
    """The site's date of this moment."""
    return local_date_of(place, place.now())


def decide_session(session: Session, as_of: str | None = None) -> Decided:
    """What may be charged for the opened case."""
    return decide_place(session.place, session.case, as_of)


def decide_place(place: Place, case: Case, as_of: str | None = None) -> Decided:
    """What may be charged for a case of the library."""
    found = evidence_of(place, case)
    facts, answer, lines = decide_facts(found.facts, as_of or today(place), grounds_of(place.home))
    return Decided(facts, answer, lines, found.lines)


def decide_case(home: Path, study_uid: str, as_of: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts and answer of a case in a home's archive, as `renderdesk charge --case` prints it.

    Raises
    ------
    InputRefused
        ``unknown_study``: the home has no such case.
    """
    if not has_archive(home):
        raise InputRefused("unknown_study", "There is no archive here yet; open a study first.")
    place = Place(home, SystemClock(), "", demo=False)
    try:
        place.library.study(study_uid)
        case = stored_case(place, study_uid)
        if case is None:
            raise InputRefused("unknown_study", "This study has no case yet; open it first.")
        decided = decide_place(place, case, as_of)
    finally:
        place.close()
    return decided.facts, decided.answer
