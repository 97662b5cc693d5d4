"""A DICOMDIR is a hint: it names files that should be there; the files are the truth. DICOM page 1.1."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workstation.dicom.words import finding

if TYPE_CHECKING:
    from workstation.dicom.find import Found

_LARGEST = 256 * 1024 * 1024
_MOST = 200_000


def follow(path: Path, found: Found, seen: set[tuple[int, int]]) -> None:
    """Add the files that a DICOMDIR names under its own folder; count what is missing or points outside.

    Names are matched without case and in ISO 9660's forms (`;1`, a trailing dot).
    """
    names = _references(path)
    root = path.parent
    missing = outside = 0
    listing: dict[Path, dict[str, Path]] = {}
    for parts in names:
        target = _resolve(root, parts, listing)
        if target is None:
            outside += any(_leaves(part) for part in parts)
            missing += not any(_leaves(part) for part in parts)
            continue
        if root.resolve() not in target.resolve().parents:
            outside += 1
            continue
        status = target.stat()
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
    if not parts or any(_leaves(part) for part in parts):
        return None
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


def _references(path: Path) -> list[tuple[str, ...]]:
    """ReferencedFileID of every record; [] when the directory cannot be read."""
    import warnings

    import pydicom

    try:
        if path.stat().st_size > _LARGEST:
            return []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True, specific_tags=["DirectoryRecordSequence"])
            out: list[tuple[str, ...]] = []
            for record in dataset.get("DirectoryRecordSequence", [])[:_MOST]:
                name = record.get("ReferencedFileID")
                if name:
                    parts = [name] if isinstance(name, str) else list(name)
                    out.append(tuple(str(part) for part in parts))
            return out
    except (Exception, RecursionError, MemoryError):  # noqa: BLE001 (a hint that cannot be read is no hint)
        return []
