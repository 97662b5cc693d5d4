"""What a home says about payers and about itself: dated records and the site file, read, shown and added to.

`payers/*.toml` and `site.toml` in the home count for every decision made there. A record is only ever added, with who
added it; the files may also be written by hand, and a mistake in one is refused with its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from billing.errors import TableError
from billing.payer_book import PayerBook, PayerRecord
from billing.reference.tables import BUILT_IN, References
from billing.site import Site
from billing.site_files import payers_from_text, record_text, site_from_text
from workstation.base.errors import InputRefused

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.desk.place import Place

PAYERS = "payers"
SITE = "site.toml"
YES_NO = (
    "covered",
    "prior_auth_required",
    "x_modifiers",
    "laterality_modifiers",
    "accepts_22",
    "gc",
    "accepts_without_base",
)
VALUES = (*YES_NO, "auth_vendor", "filing_days", "notes")
"""What a record may say of a payer, in the order in which it is shown."""


@dataclass(frozen=True)
class Grounds:
    """What decisions of a home stand on beside the case: official tables, payer records, settings of the site."""

    references: References = BUILT_IN
    payers: PayerBook | None = None
    site: Site | None = None


@dataclass(frozen=True)
class Said:
    """One value that decides, and the record that says it; a value of None is not known, and no record says it."""

    name: str
    value: Any = None
    record: PayerRecord | None = None
    shipped: bool = False


@dataclass(frozen=True)
class PayerPage:
    """Which record decides each value of a payer on a day, and all records that are in force then."""

    kind: str
    plan: str | None
    day: date
    values: tuple[Said, ...]
    records: tuple[tuple[PayerRecord, bool], ...]
    """Each with whether it came with the program, in the order of asking."""

    @property
    def checked_on(self) -> date | None:
        """The oldest day on which a value that decides was checked."""
        return min((s.record.checked_on for s in self.values if s.record is not None), default=None)


_kept: dict[Path, tuple[object, Grounds]] = {}


def grounds_of(home: Path) -> Grounds:
    """The tables, records and settings of a home; read once, and again when a file changes.

    Raises
    ------
    InputRefused
        ``reference``, ``payers``, ``site``: the file, the line and the mistake.
    """
    from workstation.desk.charge_references import references_of

    references = references_of(home)
    state = (id(references), _state(home))
    known = _kept.get(home)
    if known is not None and known[0] == state:
        return known[1]
    folder, file = home / PAYERS, home / SITE
    found = Grounds(
        references,
        read_payers(folder) if folder.is_dir() else None,
        read_site_file(file) if file.is_file() else None,
    )
    _kept[home] = (state, found)
    return found


def _state(home: Path) -> tuple[tuple[str, int, int], ...]:
    stats = [(p.name, p.stat()) for p in (home / SITE, *(home / PAYERS).glob("*.toml")) if p.is_file()]
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats))


def read_payers(folder: Path) -> PayerBook:
    """The payer records of a folder, one file a payer.

    Raises
    ------
    InputRefused
        ``payers``: the folder is missing, or the file, the line and the mistake.
    """
    if not folder.is_dir():
        raise InputRefused("payers", "The folder with the payer records is not there.")
    try:
        tables = [payers_from_text(_text(p, "payers"), name=p.name) for p in sorted(folder.glob("*.toml"))]
    except TableError as error:
        raise InputRefused("payers", error.sentence) from None
    return PayerBook(tuple(tables))


def read_site_file(path: Path) -> Site:
    """The site's settings.

    Raises
    ------
    InputRefused
        ``site``: the file, the line and the mistake.
    """
    try:
        return site_from_text(_text(path, "site"), name=path.name)
    except TableError as error:
        raise InputRefused("site", error.sentence) from None


def _text(path: Path, code: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError:
        raise InputRefused(code, f"{path.name} cannot be opened.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputRefused(code, f"{path.name} is not UTF-8 text from line {line} on.") from None


def payer_page(home: Path, kind: str, plan: str | None, day: date) -> PayerPage:
    """What is known of a payer on a day, value by value, with the record that says it."""
    asked = (grounds_of(home).payers or PayerBook()).asked(kind, plan, day)
    values = []
    for name in VALUES:
        one = next((a for a in asked if getattr(a.record, name) is not None), None)
        values.append(Said(name, getattr(one.record, name), one.record, one.shipped) if one else Said(name))
    return PayerPage(kind, plan, day, tuple(values), tuple((a.record, a.shipped) for a in asked))


def add_record(place: Place, actor: Actor, kind: str, record: PayerRecord) -> None:
    """Put a dated record at the end of the payer's file; what was there stays as it was, and counts as before.

    Raises
    ------
    InputRefused
        ``payers``: the record says nothing, has no source, or the file that it would join has a mistake.
    """
    from workstation.base.atomic import make_folder, write_bytes

    if all(getattr(record, name) is None for name in VALUES):
        raise InputRefused("payers", "The record says nothing about this payer; state at least one value.")
    if record.since is None:
        raise InputRefused("payers", "A record needs the day from which it counts.")
    if not record.source.strip():
        raise InputRefused("payers", "A record needs its source: the policy, letter or page that says so.")
    path = make_folder(place.home / PAYERS) / f"{kind}.toml"
    with place.db.writing():
        before = _text(path, "payers") if path.is_file() else f'kind = "{kind}"\n'
        text = before.rstrip("\n") + "\n" + record_text(record, note=f"added {place.now()} by {actor.account}")
        try:
            payers_from_text(text, name=path.name)
        except TableError as error:
            raise InputRefused("payers", error.sentence) from None
        place.act("payer_recorded", actor, payer=kind, record=_plain(record))
        write_bytes(path, text.encode("utf-8"))


def _plain(record: PayerRecord) -> dict[str, Any]:
    return {k: v for k, v in msgspec.to_builtins(record).items() if v is not None}


@dataclass(frozen=True)
class SitePage:
    """What the home says of itself: settings of its file, what was answered once, official tables with their age."""

    site: Site
    has_file: bool
    answered: dict[str, Any]
    tables: tuple[dict[str, Any], ...]
    built_in: date


def site_page(place: Place, today: str) -> SitePage:
    """Everything that decisions stand on beside the case and its payer.

    Raises
    ------
    InputRefused
        ``site``, ``payers``, ``reference``: the file, the line and the mistake.
    """
    from billing.reference.tables import BUILT_IN_EFFECTIVE
    from workstation.desk.charge_references import ages

    found = grounds_of(place.home)
    said = place.db.setting("site.facts")
    return SitePage(
        found.site or Site(),
        (place.home / SITE).is_file(),
        msgspec.json.decode(said) if said else {},
        tuple(ages(place.home, today)),
        BUILT_IN_EFFECTIVE,
    )


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(Site)
