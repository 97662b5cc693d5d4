"""A small tag reader: the wanted elements of a file, without reading the pixels.

A file is opened once and its first 16 KB are read at once; elements are walked with `struct`; whatever is
not wanted is skipped by its length (the window then moves there), sequences of undefined length by nesting,
never by searching for the delimiter. What the reader does not understand raises `Odd` and goes to pydicom.
Limits: DICOM page, section 5.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple, TypeAlias, Union

from workstation.dicom.tags import PIXELS, PRIVATE_GROUPS, PRIVATE_SEQUENCES, PRIVATE_WANTED, WANTED

FIRST_READ = 16_384
FURTHER_READ = 65_536
LARGEST_HEADER = 8 * 1024 * 1024
MOST_ELEMENTS = 100_000
DEEPEST = 16
LATER = 4096  # values longer than this are noted, not kept

UNDEFINED = 0xFFFFFFFF
_SHORT = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()  # PS3.5 table 7.1-2
)
LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())  # PS3.5 table 7.1-1
VRS = _SHORT | LONG

_FRAMES = 0x00280008
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class Odd(Exception):
    """Something that this reader does not understand; pydicom is asked."""


class Cut(Exception):
    """The file ends inside its header."""


class Later(NamedTuple):
    """A long value, noted by its place."""

    offset: int
    length: int


Value: TypeAlias = Union[bytes, Later, "list[Tags]"]
Tags: TypeAlias = "dict[int, tuple[bytes, Value]]"


class Pixel(NamedTuple):
    """Where the pixel data stand: tag, value representation, offset of the value, length (None: encapsulated)."""

    tag: int
    vr: bytes
    offset: int
    length: int | None


class Window:
    """Bytes of a file seen through a window that moves on; `data` alone (no file) for unpacked bytes."""

    __slots__ = ("base", "data", "elements", "file", "frames", "read", "size", "starts")

    def __init__(self, data: bytes, size: int, file: BinaryIO | None = None) -> None:
        self.data, self.base, self.size, self.file = data, 0, size, file
        self.elements = 0
        self.frames = 1
        self.read = len(data)
        self.starts: list[int] | None = None  # where elements of the first level begin, if they are asked for

    def move(self, offset: int, length: int) -> None:
        """Make `length` bytes at `offset` visible.

        Raises
        ------
        Cut
            If the file ends before.
        Odd
            If more is asked for than a header may hold.
        """
        if offset + length > self.size:
            raise Cut
        if self.file is None:
            return  # everything is here
        wanted = max(length, FURTHER_READ)
        self.read += wanted
        if self.read > LARGEST_HEADER + 16_384 * self.frames:
            raise Odd("the header is too long")
        self.file.seek(offset)
        data = self.file.read(wanted)
        if len(data) < length:
            raise Cut
        self.data, self.base = data, offset

    def take(self, offset: int, length: int) -> bytes:
        """`length` bytes at `offset`."""
        i = offset - self.base
        if i < 0 or i + length > len(self.data):
            self.move(offset, length)
            i = offset - self.base
        return self.data[i : i + length]


def is_kept(tag: int) -> bool:
    """Whether an element's value is wanted."""
    group, element = tag >> 16, tag & 0xFFFF
    if not group & 1:
        return tag in WANTED
    return group in PRIVATE_GROUPS and (element < 0x100 or ((group << 16) | (element & 0xFF)) in PRIVATE_WANTED)


def walk(window: Window, at: int, *, explicit: bool = True, little: bool = True) -> tuple[Tags, Pixel | None]:
    """The wanted elements from offset `at` on, and where the pixel data stand.

    Raises
    ------
    Odd, Cut
        Not understood; ends too early (inside the header).
    """
    tags: Tags = {}
    _, pixel = _elements(window, at, window.size, tags, explicit, little, 0, False)
    return tags, pixel


def _elements(
    window: Window, at: int, end: int, out: Tags | None, explicit: bool, little: bool, level: int, to_delimiter: bool
) -> tuple[int, Pixel | None]:
    """Walk elements; returns where it stopped. `out` None: skip everything."""
    if level > DEEPEST:
        raise Odd("nested too deeply")
    order = "<" if little else ">"
    header = struct.Struct(order + ("HH2sH" if explicit else "HHI")).unpack_from
    long_length = struct.Struct(order + "I").unpack_from
    data, base = window.data, window.base
    n = len(data)
    wanted = WANTED
    short, long_ = _SHORT, LONG
    most = MOST_ELEMENTS + 200 * window.frames
    count = 0
    starts = window.starts if level == 0 else None
    while at + 8 <= end:
        if starts is not None:
            starts.append(at)
        i = at - base
        if (i < 0 or i + 12 > n) and (at + 12 <= window.size or i < 0 or i + 8 > n):
            window.move(at, min(12, window.size - at))
            data, base = window.data, window.base
            n = len(data)
            i = at - base
        count += 1
        if count > most:
            raise Odd("too many elements")
        if explicit:
            group, element, vr, length = header(data, i)
            if vr in short:
                value = at + 8
            elif vr in long_:
                if i + 12 > n:
                    raise Cut
                length = long_length(data, i + 8)[0]
                value = at + 12
            elif group == 0xFFFE:
                if element == 0xE00D and to_delimiter:
                    return at + 8, None
                raise Odd("a stray delimiter")
            else:
                raise Odd("an unknown value representation")
        else:
            group, element, length = header(data, i)
            value = at + 8
            vr = b""
            if group == 0xFFFE:
                if element == 0xE00D and to_delimiter:
                    return value, None
                raise Odd("a stray delimiter")
        tag = (group << 16) | element
        if out is None:
            keep = False
        elif group & 1:
            keep = group in PRIVATE_GROUPS and is_kept(tag)
        else:
            keep = tag in wanted
            if group == 0x7FE0 and tag in PIXELS and level == 0:
                return at, Pixel(tag, vr or b"OW", value, None if length == UNDEFINED else length)
        if length == UNDEFINED:
            inner_explicit = explicit and vr != b"UN"  # PS3.5 6.2.2: UN of undefined length is implicit LE
            sequence = wanted.get(tag) == b"SQ" or (group & 1 and (vr == b"SQ" or tag in PRIVATE_SEQUENCES))
            items: list[Tags] | None = [] if keep and sequence else None
            at = _items(window, value, window.size, items, inner_explicit, little or vr == b"UN", level + 1, True)
            data, base = window.data, window.base
            n = len(data)
            if items is not None and out is not None:
                out[tag] = (b"SQ", items)
            continue
        following = value + length
        if following > end:
            if level == 0 and value < end:
                raise Cut
            raise Odd("a length beyond its sequence")
        if keep and out is not None:
            kind = vr
            if not explicit or vr == b"UN":
                kind = b"SQ" if tag in PRIVATE_SEQUENCES else wanted.get(tag, b"UN")
            if kind == b"SQ":
                if wanted.get(tag) == b"SQ" or group & 1:
                    items = []
                    try:
                        _items(window, value, following, items, explicit and vr != b"UN", little, level + 1, False)
                        out[tag] = (b"SQ", items)
                    except (Odd, Cut):
                        if vr != b"UN" or not group & 1:
                            raise  # of private content that lost its representation nothing is promised
                    data, base = window.data, window.base
                    n = len(data)
            elif length > LATER and window.file is not None:
                out[tag] = (kind, Later(value, length))
            else:
                i = value - base
                if i + length > n:
                    window.move(value, length)
                    data, base = window.data, window.base
                    n = len(data)
                    i = value - base
                out[tag] = (kind, data[i : i + length])
                if tag == _FRAMES and level == 0:
                    window.frames = _count(data[i : i + length])
                    most = MOST_ELEMENTS + 200 * window.frames
        at = following
    window.elements += count
    if window.elements > most:
        raise Odd("too many elements")
    if to_delimiter:
        raise Cut
    return at, None


def _items(
    window: Window, at: int, end: int, out: list[Tags] | None, explicit: bool, little: bool, level: int, open_end: bool
) -> int:
    """Walk the items of a sequence; returns where it ended."""
    if level > DEEPEST:
        raise Odd("nested too deeply")
    header = struct.Struct(("<" if little else ">") + "HHI").unpack
    while open_end or at < end:
        if at + 8 > end:
            raise Cut
        group, element, length = header(window.take(at, 8))
        tag = (group << 16) | element
        at += 8
        if tag == _SEQUENCE_END and open_end:
            return at
        if tag != _ITEM:
            raise Odd("a sequence without items")
        inner: Tags | None = None if out is None else {}
        if length == UNDEFINED:
            at, _ = _elements(window, at, end, inner, explicit, little, level, True)
        else:
            if at + length > end:
                raise Odd("an item beyond its sequence")
            if inner is not None:
                _elements(window, at, at + length, inner, explicit, little, level, False)
            at += length
        if out is not None and inner is not None:
            out.append(inner)
    return at


def _count(text: bytes) -> int:
    try:
        return min(200_000, max(1, int(text.strip(b" \0"))))
    except ValueError:
        return 1


def skip_items(data: bytes, at: int, *, explicit: bool) -> int:
    """Where a sequence of undefined length ends whose items begin at `at`; -1 where that is not within `data`."""
    try:
        return _items(Window(data, len(data)), at, len(data), None, explicit, True, 1, True)
    except (Odd, Cut):
        return -1
