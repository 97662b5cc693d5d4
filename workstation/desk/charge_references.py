"""The official files of a home: copied in as published, checked before they count, versions side by side."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from billing.errors import BillingError
from billing.reference.files import read_folder, read_official
from billing.reference.tables import BUILT_IN, References
from workstation.base.atomic import make_folder, write_bytes
from workstation.base.errors import InputRefused

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.desk.place import Place

FOLDER = "reference"
_NOTE = ".imports.json"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """One official file as it was taken in."""

    file: str
    kind: str
    effective: str
    sha256: str
    imported_at: str
    imported_by: str


_kept: dict[Path, tuple[tuple[tuple[str, int], ...], References]] = {}


def references_of(home: Path) -> References:
    """The tables of a home; the built-in set alone where nothing was imported. Read once, and again when files change.

    Raises
    ------
    InputRefused
        ``reference``: a file was changed after it was imported and can no longer be trusted.
    """
    folder = home / FOLDER
    if not folder.is_dir():
        return BUILT_IN
    state = tuple(sorted((p.name, p.stat().st_mtime_ns) for p in folder.iterdir() if p.is_file()))
    known = _kept.get(folder)
    if known is not None and known[0] == state:
        return known[1]
    try:
        found = read_folder(folder)
    except BillingError as error:
        raise InputRefused("reference", error.sentence) from error
    _kept[folder] = (state, found)
    return found


def imported(home: Path) -> tuple[Imported, ...]:
    """What was taken in, oldest first."""
    path = home / FOLDER / _NOTE
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
    folder = make_folder(place.home / FOLDER)
    new: list[Imported] = []
    with tempfile.TemporaryDirectory(dir=place.home) as aside:
        # together with what is there already: a pair table may come in parts, over several imports
        for there in folder.iterdir():
            if there.is_file() and there.name != _NOTE:
                shutil.copy2(there, Path(aside) / there.name)
        try:
            for path in paths:
                official = read_official(path)
                shutil.copyfile(path, Path(aside) / path.name)
                new.append(
                    Imported(
                        file=path.name,
                        kind=official.kind,
                        effective=official.effective.isoformat(),
                        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                        imported_at=place.now(),
                        imported_by=actor.account if actor else "",
                    )
                )
            read_folder(Path(aside))
        except BillingError as error:
            raise InputRefused("reference", error.sentence) from error
    known = {one.file: one for one in imported(place.home)}
    known.update({one.file: one for one in new})
    with place.db.writing():
        place.act("reference_imported", actor, files=[one.file for one in new], sha256=[one.sha256 for one in new])
        for path in paths:
            write_bytes(folder / path.name, path.read_bytes())
        write_bytes(folder / _NOTE, msgspec.json.encode(tuple(known.values())))
    return tuple(new)


def ages(home: Path, today: str) -> list[dict[str, Any]]:
    """Each imported file with its age in days."""
    day = date.fromisoformat(today)
    return [
        {**msgspec.to_builtins(one), "age_days": (day - date.fromisoformat(one.effective)).days}
        for one in imported(home)
    ]
