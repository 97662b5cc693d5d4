"""Compressed frames of a file: its fragments walked by their lengths, told apart by frame. PS3.5 A.4."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

_ITEM = b"\xfe\xff\x00\xe0"
_END = b"\xfe\xff\xdd\xe0"
_MOST_FRAGMENTS = 2_000_000


class FragmentError(Exception):
    """The fragments of a file cannot be told apart; the argument is a few plain words."""


@dataclass(frozen=True)
class Streams:
    """Per frame: (offset, length) of its fragments in the file."""

    frames: tuple[tuple[tuple[int, int], ...], ...]

    def read(self, file: BinaryIO, frame: int) -> bytes:
        """Bytes of one frame, its fragments joined."""
        parts = []
        for offset, length in self.frames[frame]:
            file.seek(offset)
            part = file.read(length)
            if len(part) < length:
                raise FragmentError("the file ends early")
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def find_streams(
    file: BinaryIO, offset: int, size: int, frames: int, extended: tuple[tuple[int, ...], tuple[int, ...]] | None = None
) -> Streams:
    """Walk the fragments from `offset` (the first item) and share them out among `frames`.

    By the extended or the basic offset table; without one a single frame takes all, several are cut where a
    fragment starts a stream (FF D8, FF 4F) or, RLE having no marks, one fragment each.

    Raises
    ------
    FragmentError
        If items are broken or do not make the declared number of frames.
    """
    table, items = _walk(file, offset, size)
    if not items:
        raise FragmentError("there are no pixels")
    if frames == 1:
        return Streams((tuple(items),))
    starts = [place - 8 for place, _ in items]  # tables count from the first item's tag behind the table
    base = starts[0]
    if extended is not None and len(extended[0]) == frames:
        return Streams(_by_table(items, [base + o for o in extended[0]]))
    if table:
        if len(table) != frames:
            raise FragmentError("the table of frames does not fit")
        return Streams(_by_table(items, [base + o for o in table]))
    if len(items) == frames:
        return Streams(tuple((item,) for item in items))
    cuts = []
    for place, length in items:
        file.seek(place)
        if length >= 2 and file.read(2) in (b"\xff\xd8", b"\xff\x4f"):
            cuts.append(place - 8)
    if len(cuts) != frames:
        raise FragmentError("the frames cannot be told apart")
    return Streams(_by_table(items, cuts))


def _by_table(items: list[tuple[int, int]], starts: list[int]) -> tuple[tuple[tuple[int, int], ...], ...]:
    known = {place - 8: k for k, (place, _) in enumerate(items)}
    try:
        first = [known[start] for start in starts]
    except KeyError:
        raise FragmentError("the table of frames does not fit") from None
    if first[0] != 0 or any(b <= a for a, b in pairwise(first)):
        raise FragmentError("the table of frames does not fit")
    ends = [*first[1:], len(items)]
    return tuple(tuple(items[a:b]) for a, b in zip(first, ends, strict=True))


def _walk(file: BinaryIO, offset: int, size: int) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Basic offset table and the fragments' (offset, length); empty fragments are left out."""
    items: list[tuple[int, int]] = []
    table: tuple[int, ...] | None = None
    at = offset
    while at + 8 <= size:
        file.seek(at)
        head = file.read(8)
        tag, length = head[:4], struct.unpack("<I", head[4:])[0]
        if tag == _END:
            break
        if tag != _ITEM:
            raise FragmentError("a fragment is broken")
        if at + 8 + length > size:
            raise FragmentError("the file ends early")
        if table is None:
            raw = file.read(length)
            table = struct.unpack(f"<{length // 4}I", raw[: length // 4 * 4])
        else:
            items.append((at + 8, length))
            if len(items) > _MOST_FRAGMENTS:
                raise FragmentError("there are too many fragments")
        at += 8 + length
    return table or (), items
