"""Files under some paths: folders walked within limits, a DICOMDIR as a hint. No file is opened here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.base.findings import Finding
from workstation.dicom.words import finding

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

DEEPEST = 30

Mark = tuple[int, int]
"""(device, inode) of what has been visited."""


@dataclass
class Found:
    """Files in a stable order; `keep` holds the folders of unpacked archives."""

    files: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    keep: list[TemporaryDirectory[str]] = field(default_factory=list)
    closed: int = 0
    too_deep: int = 0


def find_files(paths: Sequence[Path], *, stop: Callable[[], bool] | None = None) -> Found:
    """All files under the paths, each once; archives among them are files like any other."""
    found = Found()
    seen: set[Mark] = set()
    for path in paths:
        for name in _named(path, seen, found):
            if stop is not None and stop():
                return found
            file = Path(name)
            found.files.append(file)
            if name[-8:].upper() == "DICOMDIR" and len(file.name) == 8:
                from workstation.dicom.directory import follow

                follow(file, found, seen)
    for n, why in ((found.closed, "the folder cannot be opened"), (found.too_deep, "folders lie too deep")):
        if n:
            found.findings.append(finding("unreadable", n=n, why=why, files=n))
    return found


def _named(path: Path, seen: set[Mark], found: Found) -> Iterator[str]:
    """What was asked for: a file, or the files of a folder. A link that is named is followed."""
    try:
        status = path.stat()
    except OSError:
        return
    mark = (status.st_dev, status.st_ino)
    if status.st_ino and mark in seen:
        return
    seen.add(mark)
    if path.is_dir():
        yield from _inside(str(path), status.st_dev, seen, found, 1)
    elif path.is_file():
        yield str(path)


def _inside(folder: str, device: int, seen: set[Mark], found: Found, level: int) -> Iterator[str]:
    """Files of a folder by name; links to folders are not followed, nothing is visited twice.

    The listing itself tells kind and inode, so that a file costs no call of the system here.
    """
    if level > DEEPEST:
        found.too_deep += 1
        return
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda e: e.name)
    except OSError:
        found.closed += 1
        return
    for entry in entries:
        try:
            if entry.is_symlink():
                if not entry.is_file():
                    continue
                status = entry.stat()
                mark = (status.st_dev, status.st_ino)
            elif entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                mark = (status.st_dev, status.st_ino)
                if not status.st_ino or mark not in seen:
                    seen.add(mark)
                    yield from _inside(entry.path, status.st_dev, seen, found, level + 1)
                continue
            elif entry.is_file(follow_symlinks=False):
                mark = (device, entry.inode())
            else:
                continue
        except OSError:
            continue  # gone meanwhile
        if mark[1] and mark in seen:
            continue
        seen.add(mark)
        yield entry.path
