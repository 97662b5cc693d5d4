"""Headers that the small tag reader does not understand, read by pydicom and put in the same form."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from workstation.dicom import tags as el
from workstation.dicom.header import Header, Unreadable
from workstation.dicom.tagreader import Cut, Odd, Tags, Window, walk

_LARGEST = 512 * 1024 * 1024


def read_by_pydicom(path: Path, syntax: str, size: int) -> Header:
    """Read a header by pydicom; pixels are not read.

    Raises
    ------
    Unreadable
        If pydicom gives up too, or the file is too large for a reader without limits.
    """
    import pydicom

    if size > _LARGEST:
        raise Unreadable("its header is damaged")
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
            at = file.tell()
            little = dataset.original_encoding[1] is not False
            implicit = bool(dataset.original_encoding[0])
            tags = _convert(dataset, 0)
            pixel = None
            if at < size:
                file.seek(at)
                try:
                    _, pixel = walk(Window(b"", size, file), at, explicit=not implicit, little=little)
                except (Odd, Cut):
                    pixel = None
    except (Exception, RecursionError, MemoryError) as error:
        raise Unreadable("its header is damaged") from error
    return Header(path, tags, pixel, syntax, size, little=little)


def _convert(dataset: Any, level: int) -> Tags:
    """Raw elements of a pydicom dataset as wanted tags."""
    out: Tags = {}
    if level > 16:
        return out
    for tag in list(dataset._dict):
        number = int(tag)
        group, element = number >> 16, number & 0xFFFF
        if group & 1:
            low = (group << 16) | (element & 0xFF)
            if group not in el.PRIVATE_GROUPS or (element >= 0x100 and low not in el.PRIVATE_WANTED):
                continue
        elif number not in el.WANTED:
            continue
        wanted = b"SQ" if number in el.PRIVATE_SEQUENCES else el.WANTED.get(number, b"UN")
        raw = dataset.get_item(tag)
        if wanted == b"SQ":
            try:
                out[number] = (b"SQ", [_convert(item, level + 1) for item in dataset[tag].value])
            except Exception:  # noqa: BLE001 (a broken sequence counts as absent)
                continue
        elif number == el.CHARSET:  # pydicom converts this one while it reads
            value = dataset[tag].value
            text = value if isinstance(value, str) else "\\".join(map(str, value or ()))
            out[number] = (b"CS", text.encode("ascii", errors="replace"))
        elif isinstance(getattr(raw, "value", None), bytes):
            vr = (raw.VR or wanted.decode()).encode()
            out[number] = (wanted if vr == b"UN" else vr, raw.value)
    return out
