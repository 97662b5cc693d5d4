"""ZIP archives, unpacked under limits into a private folder with names of our own. DICOM page 5."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from workstation.dicom.words import finding

if TYPE_CHECKING:
    from workstation.dicom.find import Found

MOST_ENTRIES = 200_000
_FLOOR = 1_000_000_000
_RATIO = 100
_CEILING = 50_000_000_000


def is_zip(path: Path) -> bool:
    """Told by the first bytes: a ZIP that begins with an entry (or is empty)."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError:
        return False


def unpacked(path: Path) -> Found:
    """What an archive holds, unpacked, and what is wrong with it."""
    from workstation.dicom.find import Found

    found = Found()
    unpack(path, found)
    return found


def unpack(path: Path, found: Found, *, floor: int = _FLOOR, level: int = 0) -> None:
    """Unpack an archive and the archives directly inside it; files get our own names, so theirs cannot act.

    Sizes are counted while unpacking, not believed. What is wrong becomes a finding; nothing raises.
    """
    folder = TemporaryDirectory(prefix="renderdesk-")  # mode 0700 by tempfile
    found.keep.append(folder)
    limit = min(max(floor, _RATIO * path.stat().st_size), _CEILING)
    used = 0
    broken = 0
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [e for e in archive.infolist() if not e.filename.endswith("/")]
            if len(entries) > MOST_ENTRIES:
                found.findings.append(finding("archive_limit", size=f"{MOST_ENTRIES} files"))
                return
            if any(e.flag_bits & 1 for e in entries):
                found.findings.append(finding("archive_encrypted", files=1))
                return
            for number, entry in enumerate(entries):
                target = Path(folder.name) / f"{number:06d}"
                try:
                    used += _copy(archive, entry, target, limit - used)
                except _TooMuch:
                    found.findings.append(finding("archive_limit", size=_size(limit)))
                    return
                except (Exception, MemoryError):  # noqa: BLE001 (one entry must not end the archive)
                    broken += 1
                    continue
                if level == 0 and is_zip(target):
                    unpack(target, found, floor=limit - used, level=1)
                else:
                    found.files.append(target)
    except (Exception, RecursionError, MemoryError):  # noqa: BLE001 (a foreign archive must not end the scan)
        broken += 1
    if broken:
        found.findings.append(finding("unreadable", n=broken, why="the archive is damaged", files=broken))


class _TooMuch(Exception):
    pass


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    size = 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with archive.open(entry) as source, os.fdopen(descriptor, "wb") as out:
        while part := source.read(1 << 20):
            size += len(part)
            if size > left:
                raise _TooMuch
            out.write(part)
    return size


def _size(number: int) -> str:
    return f"{number / 1e9:.0f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"
