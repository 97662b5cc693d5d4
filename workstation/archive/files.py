"""Pixel files by UID, each with its checksum; written aside, synced, renamed. Names hold no identity.

A file lies at ``files/<study>/<series>/<instance>.dcm``, each part a digest of the UID, so that a study or
a series is a folder that intake can read like any other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

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
        make_folder(root)

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
        with file, writing(target) as copy:
            while block := file.read(_BLOCK):
                total.update(block)
                size += len(block)
                copy.write(block)
        return Stored(place, total.hexdigest(), size)

    def put_bytes(self, place: str, content: bytes) -> Stored:
        """Write an object that was made here."""
        target = self.path(place)
        make_folder(target.parent)
        with writing(target) as file:
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
        """Remove what an interrupted write left beside its place; the number of pieces removed."""
        removed = 0
        for part in self.root.glob("*/*/.*.part"):
            part.unlink(missing_ok=True)
            removed += 1
        return removed
