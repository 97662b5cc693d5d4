"""The official tables of a home: checked before they count, kept without descriptors, versions side by side.

Of each published file the rows of use are kept under the digest of what was written; a list says which count. The list
is written last, so that an import that was cut off leaves nothing. A file that is imported again in a corrected form
takes the place of the first for decisions to come; the first stays for charges that were decided by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from billing.errors import BillingError
from billing.reference.files import Official, assemble, read_official
from billing.reference.kept import from_bytes, to_bytes
from billing.reference.tables import BUILT_IN, References
from workstation.base.atomic import make_folder, write_bytes
from workstation.base.errors import InputRefused

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.desk.place import Place

FOLDER = "reference"
LIST = "imports.json"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """One official file as it was taken in: its digest, and that of what was kept of it."""

    file: str
    kind: str
    effective: str
    sha256: str
    imported_at: str
    imported_by: str
    variant: str = ""
    part: int = 0
    revision: int = 0
    kept: str = ""

    @property
    def slot(self) -> tuple[str, str, str, int, int]:
        """What it is the table of: a later import with the same slot is a correction of it."""
        return self.kind, self.variant, self.effective, self.part, self.revision


_known: dict[tuple[Path, str], tuple[bytes, References]] = {}


def references_of(home: Path, *, known_at: str = "") -> References:
    """The tables of a home; the built-in set alone where nothing was imported. Read once, and again after an import.

    Parameters
    ----------
    known_at : only what had been imported at this UTC moment, for a charge of that time; "" for all

    Raises
    ------
    InputRefused
        ``reference``: what was kept of a file was changed afterwards and can no longer be trusted.
    """
    path = home / FOLDER / LIST
    if not path.is_file():
        return BUILT_IN
    stated = path.read_bytes()
    known = _known.get((home, known_at))
    if known is not None and known[0] == stated:
        return known[1]
    try:
        found = assemble(_read(home, one) for one in _counting(imported(home), known_at))
    except BillingError as error:
        raise InputRefused("reference", error.sentence) from error
    _known[home, known_at] = (stated, found)
    return found


def imported(home: Path) -> tuple[Imported, ...]:
    """What was taken in, oldest first."""
    path = home / FOLDER / LIST
    if not path.is_file():
        return ()
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Imported, ...])
    except msgspec.MsgspecError as error:
        raise InputRefused("reference", "The list of imported files is damaged; import them again.") from error


def import_files(place: Place, actor: Actor | None, paths: Sequence[Path]) -> tuple[Imported, ...]:
    """Take official files in: all of them, or none when one is damaged.

    Raises
    ------
    InputRefused
        ``reference``: the file, the line and the reason.
    """
    for path in paths:
        if not path.is_file():
            raise InputRefused("missing", "There is no such file; name the official files as they were published.")
    new: list[Imported] = []
    kept: list[bytes] = []
    at, by = place.now(), actor.account if actor else ""
    try:
        for path in paths:
            official = read_official(path)
            raw = to_bytes(official)
            kept.append(raw)
            new.append(_listed(official, hashlib.sha256(path.read_bytes()).hexdigest(), raw, at, by))
        before = imported(place.home)
        # beside what is there already: the parts of a pair table must come together
        there = [_read(place.home, one) for one in _counting(before, "") if one.slot not in {n.slot for n in new}]
        assemble([*there, *(from_bytes(raw, one.file) for raw, one in zip(kept, new, strict=True))])
    except BillingError as error:
        raise InputRefused("reference", error.sentence) from error
    except OSError as error:
        raise InputRefused("missing", "A file could not be read to its end; nothing was imported.") from error
    folder = make_folder(place.home / FOLDER)
    for raw, one in zip(kept, new, strict=True):
        write_bytes(folder / f"{one.kept}.json", raw)
    fresh = [one for one in new if not any(_same(one, old) for old in before)]
    with place.db.writing():
        place.act(
            "reference_imported",
            actor,
            files=[one.file for one in new],
            sha256=[one.sha256 for one in new],
            kept=[one.kept for one in new],
        )
        write_bytes(folder / LIST, msgspec.json.encode((*before, *fresh)))
    return tuple(new)


def ages(home: Path, today: str) -> list[dict[str, Any]]:
    """Each imported file with its age in days, and whether a later import took its place."""
    day = date.fromisoformat(today)
    listed = imported(home)
    counting = _counting(listed, "")
    return [
        {
            **msgspec.to_builtins(one),
            "age_days": (day - date.fromisoformat(one.effective)).days,
            "replaced": one not in counting,
        }
        for one in listed
    ]


def _listed(one: Official, sha256: str, raw: bytes, at: str, by: str) -> Imported:
    return Imported(
        file=one.name,
        kind=one.kind,
        effective=one.effective.isoformat(),
        sha256=sha256,
        imported_at=at,
        imported_by=by,
        variant=one.variant,
        part=one.part,
        revision=one.revision,
        kept=hashlib.sha256(raw).hexdigest(),
    )


def _counting(listed: Sequence[Imported], known_at: str) -> list[Imported]:
    """Of each table the last import, as far as it was known at a moment."""
    found = {one.slot: one for one in listed if not known_at or one.imported_at <= known_at}
    return list(found.values())


def _same(one: Imported, old: Imported) -> bool:
    """Whether an import brings nothing new: the same file again."""
    return (one.file, one.sha256, one.kept, one.slot) == (old.file, old.sha256, old.kept, old.slot)


def _read(home: Path, one: Imported) -> Official:
    """What was kept of a file, when it is still what was written."""
    try:
        raw = (home / FOLDER / f"{one.kept}.json").read_bytes()
    except OSError as error:
        raise InputRefused("reference", f"What was kept of {one.file} is gone; import {one.file} again.") from error
    if hashlib.sha256(raw).hexdigest() != one.kept:
        raise InputRefused("reference", f"What was kept of {one.file} was changed; import {one.file} again.")
    return from_bytes(raw, one.file)
