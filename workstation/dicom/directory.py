"""A DICOMDIR is a hint: it names files that should be there; the files are the truth. DICOM page 1.1."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.dicom.tagreader import LONG, UNDEFINED, VRS
from workstation.dicom.words import finding

if TYPE_CHECKING:
    from workstation.dicom.find import Found

_LARGEST = 96 * 1024 * 1024
_MOST = 200_000
_FILE_ID = 0x00041500
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


def follow(path: Path, found: Found, seen: set[tuple[int, int]]) -> None:
    """Add the files that a DICOMDIR names under its own folder; count what is missing or points outside.

    Names are matched without case and in ISO 9660's forms (`;1`, a trailing dot).
    """
    names, whole = _references(path)
    if not whole:
        found.findings.append(finding("unreadable", n=1, why="the disc's index is damaged", files=1))
    root = path.parent
    missing = outside = 0
    listing: dict[Path, dict[str, Path]] = {}
    for parts in names:
        if any(_leaves(part) for part in parts):
            outside += 1
            continue
        try:
            target = _resolve(root, parts, listing)
            if target is None:
                missing += 1
                continue
            if root.resolve() not in target.resolve().parents:
                outside += 1
                continue
            status = target.stat()
        except (OSError, RuntimeError):  # gone meanwhile, or links in a circle
            missing += 1
            continue
        mark = (status.st_dev, status.st_ino)
        if mark not in seen:
            seen.add(mark)
            found.files.append(target)
    if missing:
        found.findings.append(finding("dicomdir_missing", n=missing, files=missing))
    if outside:
        found.findings.append(finding("outside_folder", n=outside, files=outside))


def _leaves(part: str) -> bool:
    return part in ("", ".", "..") or "/" in part or "\\" in part or ":" in part or "\0" in part


def _resolve(root: Path, parts: tuple[str, ...], listing: dict[Path, dict[str, Path]]) -> Path | None:
    at = root
    for part in parts:
        if at not in listing:
            try:
                listing[at] = {_plain(p.name): p for p in at.iterdir()}
            except OSError:
                return None
        step = listing[at].get(_plain(part))
        if step is None:
            return None
        at = step
    return at if at.is_file() else None


def _plain(name: str) -> str:
    """A file name as ISO 9660 compares it."""
    return name.split(";", maxsplit=1)[0].rstrip(".").casefold()


def _references(path: Path) -> tuple[list[tuple[str, ...]], bool]:
    """ReferencedFileID of every record, and whether the directory could be read to its end."""
    try:
        with path.open("rb", buffering=0) as file:
            data = file.read(_LARGEST + 1)
    except OSError:
        return [], False
    if data[128:132] != b"DICM":
        return [], True  # another file of this name, which its reading will tell
    out: list[tuple[str, ...]] = []
    try:
        for name in _file_ids(data[:_LARGEST]):
            parts = tuple(part.strip(" \0") for part in name.decode("latin-1").rstrip(" \0").split("\\"))
            if parts != ("",):
                out.append(parts)
            if len(out) >= _MOST:
                return out, False
    except (struct.error, ValueError):
        return out, False
    return out, len(data) <= _LARGEST


def _file_ids(data: bytes) -> Iterator[bytes]:
    """Values of (0004,1500), one record after the other.

    Sequences and items are entered, not nested: however deep they lie, the walk is one line from start to end, and
    what it takes is the file's own size.

    Raises
    ------
    ValueError, struct.error
        The directory is broken from there on.
    """
    at, explicit = 132, True
    while at + 8 <= len(data):
        group, element, vr, short = struct.unpack_from("<HH2sH", data, at)
        tag, length = (group << 16) | element, struct.unpack_from("<I", data, at + 4)[0]
        if group == 0xFFFE:
            if tag not in (_ITEM, _ITEM_END, _SEQUENCE_END):
                raise ValueError("a stray delimiter")
            at += 8
            continue
        if group > 2 and explicit and vr not in VRS:
            explicit = False  # old writers; PS3.10 8.6 wants it explicit
        at += 8
        if explicit or group == 2:
            if vr in LONG:
                length = struct.unpack_from("<I", data, at)[0]
                at += 4
            else:
                length = short
        if length == UNDEFINED or (vr == b"SQ" if explicit else tag == 0x00041220):
            continue
        if at + length > len(data):
            raise ValueError("a value beyond the end")
        if tag == _FILE_ID:
            yield data[at : at + length]
        at += length
