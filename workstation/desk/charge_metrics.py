"""What the figures for administrators are counted from: ledger, noted decisions, the library or the site's counts."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from billing.metrics import UNKNOWN, BaseStudies, Data, Noted, Session, charges_seen, moment, month_of
from billing.site_files import line_of
from workstation.base.errors import InputRefused
from workstation.desk.charge_ledger import ChargeStore
from workstation.desk.charge_site import SITE
from workstation.desk.note_decision import KIND
from workstation.desk.people_store import AccountTable

if TYPE_CHECKING:
    from workstation.archive.index import StudyRow
    from workstation.base.events import Entry
    from workstation.desk.place import Place

COUNTS = "base_studies.csv"
_HEAD = ("month", "site", "reader", "studies")
_KINDS = (KIND, "charge_confirmed", "report_signed", "study_deleted")
_SECTIONAL = frozenset({"CT", "MR"})


@dataclass(frozen=True)
class Gathered:
    """The data, how readers are called, and where the number of base studies comes from, in a sentence."""

    data: Data
    names: dict[str, str]
    base_from: str


def gather(place: Place) -> Gathered:
    """Read everything that figures are counted from.

    Raises
    ------
    InputRefused
        ``counts``, ``site``: the site's own counts or the list of its sites has a mistake; file and line are named.
    """
    sites = sites_of(place.home)
    here = place.db.setting("site.institution") or "This site"

    def site_of(workstation: str) -> str:
        return sites.get(workstation, UNKNOWN) if sites else here

    counted = read_counts(place.home / COUNTS) if (place.home / COUNTS).is_file() else ()
    months = {month_of(c.date) for c in counted}
    sessions = _sessions(place.journal.of_kinds(*_KINDS), site_of)
    readers = {s.id: s.reader for s in sessions}
    seen = [
        BaseStudies(
            date=date.fromisoformat(row.date),
            reader=readers.get(row.study_uid, UNKNOWN),
            site=UNKNOWN if sites else here,
        )
        for row in place.library.studies()
        if row.date and _sectional(row)
    ]
    data = Data(
        base=(*counted, *(s for s in seen if month_of(s.date) not in months)),
        sessions=sessions,
        charges=charges_seen(ChargeStore(place.ledger).rows(), site_of=site_of),
        now=moment(place.now()),
    )
    names = {a.npi: a.name for a in AccountTable(place.db).all() if a.npi}
    told = "CT and MR studies of this library"
    if counted:
        told = f"CT and MR studies as the site counted them ({COUNTS}); other months: of this library"
    return Gathered(data, names, told)


def _sectional(row: StudyRow) -> bool:
    return bool(_SECTIONAL & set(row.modalities.split("\\")))


def _sessions(entries: tuple[Entry, ...], site_of: Callable[[str], str]) -> tuple[Session, ...]:
    """Each study with a signed report, as its lines tell it; a deleted study keeps what was decided for it."""
    signed: dict[str, list[Entry]] = defaultdict(list)
    noted: dict[tuple[str, int], list[Entry]] = defaultdict(list)
    charges: dict[tuple[str, int], list[str]] = defaultdict(list)
    ordinals: dict[str, set[int]] = defaultdict(set)
    for entry in entries:
        event = entry.event
        study = event.case.study_uid if event.case else ""
        key = (study, int(event.payload.get("session", 1)))
        if event.kind == "report_signed":
            signed[study].append(entry)
        elif event.kind == KIND and "rules" in event.payload:
            noted[key].append(entry)
            ordinals[study].add(key[1])
        elif event.kind == "charge_confirmed":
            charges[key].append(str(event.payload.get("charge_id", "")))
    found = []
    for study, reports in signed.items():
        for own in sorted(ordinals.get(study) or {1}):
            lines = noted.get((study, own), [])
            # a second session of the day is signed by an addendum: the last signature before it was first decided
            before = [r for r in reports if lines and r.number < lines[0].number]
            signature = (before[-1:] if own > 1 else []) or reports[:1]
            found.append(_session(study, signature[0], lines, tuple(charges.get((study, own), ())), site_of))
    return tuple(found)


def _session(
    study: str, first: Entry, lines: Sequence[Entry], charge_ids: tuple[str, ...], site_of: Callable[[str], str]
) -> Session:
    """One piece of 3D work out of its signature and the decisions noted for it."""
    last: Mapping[str, Any] = lines[-1].event.payload if lines else {}
    signer = first.event.actor.npi if first.event.actor else ""
    return Session(
        id=study,
        date=_day(last.get("service_date")) or moment(first.event.at).date(),
        signed_at=moment(first.event.at),
        decisions=tuple(
            Noted(
                at=moment(e.event.at),
                decision=str(e.event.payload.get("decision", "")),
                rules=tuple(str(r) for r in e.event.payload.get("rules", ())),
            )
            for e in lines
        ),
        reader=str(last.get("reader") or signer or UNKNOWN),
        site=site_of(first.event.station),
        payer=str(last.get("payer") or UNKNOWN),
        acts=tuple(str(kind) for kind in (last.get("acts") or {}).values()),
        charge_ids=charge_ids,
    )


def _day(text: object) -> date | None:
    return date.fromisoformat(text) if isinstance(text, str) and text else None


def sites_of(home: Path) -> dict[str, str]:
    """Which workstation stands at which site: the table `[sites]` of the site file; empty where there is one site.

    Raises
    ------
    InputRefused
        ``site``: with the line of the mistake.
    """
    path = home / SITE
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8-sig")
    try:
        table = tomllib.loads(text).get("sites", {})
    except tomllib.TOMLDecodeError as error:
        raise InputRefused("site", f"{SITE} is not TOML: {error}.") from None
    try:
        return msgspec.convert(table, dict[str, str])
    except msgspec.ValidationError:
        name = next((k for k, v in table.items() if not isinstance(v, str)), "") if isinstance(table, dict) else ""
        line = line_of(text, f".sites.{name}" if re.fullmatch(r"\w+", name) else ".sites")
        raise InputRefused("site", f"{SITE}, line {line}: a site is named by a text.") from None


def read_counts(path: Path) -> tuple[BaseStudies, ...]:
    """The site's own counts of CT and MR studies: a CSV with month (YYYY-MM), site, reader (NPI) and studies.

    A library that holds only what was imported cannot know how many studies a department made; its information
    system does. A month that is in this file is counted from it alone.

    Raises
    ------
    InputRefused
        ``counts``: with the line of the mistake.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputRefused("counts", f"{path.name} cannot be read as text.") from None
    if not lines or tuple(c.strip().lower() for c in lines[0].split(",")) != _HEAD:
        raise InputRefused("counts", f"{path.name}, line 1: the columns are month,site,reader,studies.")
    found: list[BaseStudies] = []
    known: set[tuple[str, ...]] = set()
    for number, row in enumerate(csv.reader(lines[1:]), 2):
        if not any(c.strip() for c in row):
            continue
        cells = [c.strip() for c in row]
        wrong = _wrong(cells)
        if not wrong and tuple(cells[:3]) in known:
            wrong = "month, site and reader stand here a second time"
        if wrong:
            raise InputRefused("counts", f"{path.name}, line {number}: {wrong}.")
        known.add(tuple(cells[:3]))
        found.append(
            BaseStudies(
                date=date.fromisoformat(f"{cells[0]}-01"),
                count=int(cells[3]),
                site=cells[1] or UNKNOWN,
                reader=cells[2] or UNKNOWN,
            )
        )
    return tuple(found)


def _wrong(cells: list[str]) -> str:
    if len(cells) != len(_HEAD):
        return f"there are {len(cells)} columns instead of {len(_HEAD)}"
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", cells[0]):
        return "a month is written YYYY-MM"
    if not re.fullmatch(r"\d{1,7}", cells[3]):
        return "the number of studies is a whole number"
    return ""
