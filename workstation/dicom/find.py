"""Files under some paths: folders walked within limits, ZIP archives unpacked, a DICOMDIR as a hint."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from workstation.base.findings import Finding

DEEPEST = 30


@dataclass
class Found:
    """Files in a stable order; `keep` holds the folders of unpacked archives."""

    files: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    keep: list[TemporaryDirectory[str]] = field(default_factory=list)


def find_files(paths: Sequence[Path], *, stop: Callable[[], bool] | None = None) -> Found:
    """All files under the paths, each once; archives are unpacked (one nested level)."""
    from workstation.dicom import zipped

    found = Found()
    seen: set[tuple[int, int]] = set()
    for path in paths:
        for file in _walk(path, seen):
            if stop is not None and stop():
                return found
            if zipped.is_zip(file):
                zipped.unpack(file, found)
            else:
                found.files.append(file)
                if file.name.upper() == "DICOMDIR":
                    from workstation.dicom.directory import follow

                    follow(file, found, seen)
    return found


def _walk(path: Path, seen: set[tuple[int, int]], level: int = 0) -> Iterator[Path]:
    """Files of a folder by name; links to folders are not followed, nothing is visited twice."""
    try:
        status = path.stat()
    except OSError:
        return
    mark = (status.st_dev, status.st_ino)
    if status.st_ino and mark in seen:
        return
    seen.add(mark)
    if not path.is_dir():
        if path.is_file():
            yield path
        return
    if level > DEEPEST:
        return
    try:
        entries = sorted(os.scandir(path), key=lambda e: e.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) or entry.is_file():
            yield from _walk(Path(entry.path), seen, level + 1)
