"""Pixel files by UID, each with its checksum; written aside, synced, renamed. Names hold no identity.

A file lies at ``files/<study>/<series>/<instance>.dcm``, each part a digest of the UID, so that a study or
a series is a folder that intake can read like any other. What is being written lies in ``files/.incoming`` until it
is whole, so that after a kill one small folder is cleaned up, not the whole store looked through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from workstation.archive.busy import Busy
from workstation.base.atomic import make_folder, refusal, writing
from workstation.base.errors import ArchiveError

_BLOCK = 1 << 20


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                total.update(block)
    except OSError as error:
        raise ArchiveError("unreadable", "A file of the archive cannot be read; run verify.") from error
    return total.hexdigest()


def name_of(uid: str) -> str:
    """A short digest of a UID: what stands in file names."""
    return hashlib.sha256(uid.encode("ascii", "replace")).hexdigest()[:24]


def remove_below(root: Path, path: Path) -> bool:
    """Remove a file, and the folders under `root` that are empty without it; whether the file is gone."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    for folder in path.parents:
        if folder == root or root not in folder.parents:
            break
        try:
            folder.rmdir()
        except OSError:
            break
    return True


@dataclass(frozen=True)
class Stored:
    """A file in its place: `place` is relative to the store."""

    place: str
    sha256: str
    size: int


class FileStore:
    """The files of one home.

    Parameters
    ----------
    root : folder of the store, made when absent
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._incoming = make_folder(root / ".incoming")
        self.busy = Busy(self._incoming / "lock")

    def place(self, study_uid: str, series_uid: str, sop_uid: str) -> str:
        """Where an instance lies, relative to the store."""
        return f"{name_of(study_uid)}/{name_of(series_uid)}/{name_of(sop_uid)}.dcm"

    def path(self, place: str) -> Path:
        """The file itself."""
        return self.root / place

    def put(self, place: str, source: Path) -> Stored:
        """Copy a file in; a file that already lies there with the same bytes is left as it is.

        Raises
        ------
        ArchiveError
            ``unreadable`` source. RenderDeskError ``disk_full``, ``unwritable``: nothing was written.
        """
        target = self.path(place)
        make_folder(target.parent)
        total, size = hashlib.sha256(), 0
        try:
            file = source.open("rb")
        except OSError as error:
            raise ArchiveError("unreadable", "A file could not be read and was not taken in.") from error
        with file, self.busy.copying(), writing(target, aside_in=self._incoming) as copy:
            while block := file.read(_BLOCK):
                total.update(block)
                size += len(block)
                copy.write(block)
        return Stored(place, total.hexdigest(), size)

    def put_bytes(self, place: str, content: bytes) -> Stored:
        """Write an object that was made here."""
        target = self.path(place)
        make_folder(target.parent)
        with self.busy.copying(), writing(target, aside_in=self._incoming) as file:
            file.write(content)
        return Stored(place, hashlib.sha256(content).hexdigest(), len(content))

    def matches(self, place: str, sha256: str) -> bool:
        """Whether the file is there and its bytes are the ones that were stored."""
        path = self.path(place)
        return path.is_file() and digest_of(path) == sha256

    def quarantine(self, source: Path, sha256: str) -> None:
        """Keep a file that may not be filed, apart, by the digest of its bytes."""
        folder = make_folder(self.root.parent / "quarantine")
        target = folder / f"{sha256[:32]}.dcm"
        if not target.exists():
            try:
                content = source.read_bytes()
            except OSError as error:
                raise refusal(error) from error
            with writing(target) as file:
                file.write(content)

    def sweep(self) -> int:
        """Remove what interrupted writes left; the number of pieces removed. Nothing while anybody writes."""
        removed = 0
        with self.busy.alone() as alone:
            for part in self._incoming.glob(".*.part") if alone else ():
                part.unlink(missing_ok=True)
                removed += 1
        return removed

    def remove_strangers(self, study_uid: str, places: Collection[str]) -> int:
        """Remove files in a study's folder that are not among `places`; the number removed.

        The caller holds `busy.alone`: a file lies in its place a moment before the index knows it.
        """
        known, removed = set(places), 0
        for path in (self.root / name_of(study_uid)).glob("*/*.dcm"):
            place = path.relative_to(self.root).as_posix()
            if place not in known:
                removed += remove_below(self.root, path)
        return removed
