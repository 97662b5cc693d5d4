"""ZIP archives, unpacked under limits into a private folder with names of our own. DICOM page 5."""

from __future__ import annotations

import errno
import io
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.dicom.unpacked import Unpacked, sweep
from workstation.dicom.words import finding

if TYPE_CHECKING:
    from workstation.dicom.find import Found

MOST_ENTRIES = 200_000
_FLOOR = 1_000_000_000
_RATIO = 100
_CEILING = 50_000_000_000
_SPARE = 256_000_000  # stays free on the disk
_LARGEST_INDEX = 64 * 1024 * 1024  # so long is no list of so many entries, and it is read whole before they count
_METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
_TOLD_LEAST, _TOLD_TIMES = 4_000_000, 200  # progress is told every so many bytes, and so often in all
_LOCKED = 0x1 | 0x40 | 0x2000  # an entry, strongly, or the list of entries itself (APPNOTE 4.4.4)


Progress = Callable[[int, int], None]


def is_zip(path: Path) -> bool:
    """Told by the first bytes: a ZIP that begins with an entry (or is empty)."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError:
        return False


def unpacked(path: Path, stop: Callable[[], bool] | None = None, progress: Progress | None = None) -> Found:
    """What an archive holds, unpacked, and what is wrong with it."""
    from workstation.dicom.find import Found

    found = Found()
    unpack(path, found, stop, progress)
    return found


def unpack(path: Path, found: Found, stop: Callable[[], bool] | None = None, progress: Progress | None = None) -> None:
    """Unpack an archive and the archives directly inside it; files get our own names, so theirs cannot act.

    Sizes are counted while unpacking, not believed, those of archives inside together with the rest. What is wrong
    becomes a finding; nothing raises but what `progress` does.

    Parameters
    ----------
    stop : asked between megabytes
    progress : told (bytes unpacked, of how many the archive and those inside it speak) now and then
    """
    sweep()
    try:
        size = path.stat().st_size
        folder = Unpacked()
        free = shutil.disk_usage(folder.name).free
    except OSError:
        found.findings.append(finding("unreadable", n=1, why="the archive cannot be unpacked here", files=1))
        return
    found.keep.append(folder)
    before = len(found.files)
    whole = min(max(_FLOOR, _RATIO * size), _CEILING)
    room = _Room(whole, whole, max(0, free - _SPARE), MOST_ENTRIES)
    try:
        _unpack(path, Path(folder.name), found, _Way(room, stop, progress), inside=False)
    except _TooMuch as reached:
        found.findings.append(reached.told)
    except _Stopped:
        del found.files[before:]
        found.keep.remove(folder)
        folder.cleanup()  # images of patients wait for no garbage collector
        return
    except _Interrupted as interrupted:
        folder.cleanup()
        raise interrupted.ended from None


@dataclass
class _Room:
    """What may still come out of an archive and of those inside it: bytes, of how many, the disk's, and files."""

    left: int
    whole: int
    disk: int
    files: int

    def enter(self, files: int) -> None:
        self.files -= files
        if self.files < 0:
            raise _TooMuch(f"{MOST_ENTRIES:,} files")

    def take(self, size: int) -> None:
        self.left -= size
        self.disk -= size
        if self.left < 0:
            raise _TooMuch(f"{self.whole / 1e9:.0f} GB" if self.whole >= 1e9 else f"{self.whole / 1e6:.0f} MB")
        if self.disk < 0:
            raise _NoSpace


@dataclass
class _Way:
    """What goes with each piece that is unpacked: the room that is left, whether to stop, and who is told."""

    room: _Room
    stop: Callable[[], bool] | None
    progress: Progress | None
    done: int = 0
    of: int = 0
    told: int = 0

    def begin(self, entries: list[zipfile.ZipInfo]) -> None:
        self.room.enter(len(entries))
        self.of += sum(e.file_size for e in entries if not e.flag_bits & _LOCKED and e.compress_type in _METHODS)
        self._tell()

    def take(self, size: int) -> None:
        if self.stop is not None and self.stop():
            raise _Stopped
        self.room.take(size)
        self.done += size
        if self.done - self.told >= max(_TOLD_LEAST, self.of // _TOLD_TIMES):
            self._tell()

    def _tell(self) -> None:
        self.told = self.done
        if self.progress is not None:
            try:
                self.progress(self.done, max(self.done, self.of))  # what an archive says of itself may be untrue
            except Exception as ended:
                raise _Interrupted(ended) from ended


class _Stopped(Exception):
    pass


class _Interrupted(Exception):
    """Whoever is told wants no more: what was raised there goes out unchanged."""

    def __init__(self, ended: Exception) -> None:
        super().__init__()
        self.ended = ended


class _TooMuch(Exception):
    def __init__(self, size: str) -> None:
        self.told = finding("archive_limit", size=size)


class _NoSpace(_TooMuch):
    def __init__(self) -> None:
        self.told = finding("archive_no_space")


class _Bounded(io.BufferedReader):
    """A file that is never read in one piece longer than a list of entries may be."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = os.fstat(self.fileno()).st_size - self.tell()
        if size > _LARGEST_INDEX:
            raise _TooMuch(f"{MOST_ENTRIES:,} files")
        return super().read(size)


def _unpack(path: Path, folder: Path, found: Found, way: _Way, *, inside: bool) -> None:
    broken = locked = foreign = 0
    entries: list[zipfile.ZipInfo] = []
    try:
        with _Bounded(io.FileIO(path)) as raw, zipfile.ZipFile(raw) as archive:
            entries = [e for e in archive.infolist() if not e.filename.endswith("/")]
            way.begin(entries)
            for number, entry in enumerate(entries):
                if entry.flag_bits & _LOCKED:
                    locked += 1
                elif entry.compress_type not in _METHODS:
                    foreign += 1
                else:
                    target = folder / f"{number:06d}"
                    try:
                        _copy(archive, entry, target, way)
                    except (_TooMuch, _Stopped, _Interrupted):
                        raise
                    except (Exception, MemoryError) as error:
                        # one entry must not end the archive, a full disk does
                        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                            raise _NoSpace from error
                        broken += 1
                        continue
                    if not inside and is_zip(target):
                        _unpack(target, _below(folder, number), found, way, inside=True)
                    else:
                        found.files.append(target)
    except (_TooMuch, _Stopped, _Interrupted):
        raise
    except (Exception, RecursionError, MemoryError):  # noqa: BLE001 (a foreign archive must not end the scan)
        broken += 1
    if locked and locked == len(entries):
        found.findings.append(finding("archive_encrypted", files=locked))
        locked = 0
    for n, why in (
        (broken, "the archive is damaged"),
        (locked, "a password locks them in the archive"),
        (foreign, "the archive packs them in an unusual way; unpack it first"),
    ):
        if n:
            found.findings.append(finding("unreadable", n=n, why=why, files=n))


def _below(folder: Path, number: int) -> Path:
    below = folder / f"{number:06d}.d"
    below.mkdir(mode=0o700)
    return below


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, way: _Way) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out, archive.open(entry) as source:
        while part := source.read(1 << 20):
            way.take(len(part))
            out.write(part)
