"""Headers that repeat those of a file before them, read by comparing bytes instead of walking elements.

The files of a series differ in a handful of elements: identifier, number, place, times. A `Pattern` holds the bytes
of one walked header as blocks between the elements that were seen to vary. A header whose blocks are equal byte for
byte, each beginning where an element ends, holds the same elements with the same values; only those in between are
read. An element that differs for the first time is learned; one more or one less makes the header another pattern's,
and it is walked. What is read this way equals what the walk gives (tested on every sample and under damage).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

from workstation.dicom import tags as el
from workstation.dicom.fields import Shared, folded
from workstation.dicom.found import LONG_BLOCK, Alike
from workstation.dicom.tagreader import FIRST_READ, LATER, LONG, UNDEFINED, VRS, Later, Pixel, Tags, is_kept, skip_items

_MOST_PATTERNS = 6
_MOST_VARYING = 200
_LONGEST = 256 * 1024  # scanners' private headers make 80 KB
# What the reading itself depends on: a file that differs here is walked.
_FIXED = frozenset((el.SYNTAX, el.MEDIA_CLASS, el.CHARSET))


class _Element:
    """An element that varies: its bytes before the length, where length and value stand, whether the value is kept."""

    __slots__ = ("explicit_items", "head", "keep", "kind", "length_at", "length_end", "sequence", "tag")

    def __init__(self, data: bytes, start: int, *, explicit: bool) -> None:
        tag = _tag_at(data, start)
        vr = data[start + 4 : start + 6] if explicit else b""
        wanted = el.WANTED.get(tag, b"UN")
        self.tag = tag
        self.head = data[start : start + (6 if explicit else 4)]
        self.keep = is_kept(tag)
        self.kind = wanted if vr in (b"UN", b"") else vr
        self.sequence = self.kind == b"SQ"
        self.length_at = 8 if vr in LONG else len(self.head)
        self.length_end = self.length_at + (2 if explicit and vr not in LONG else 4)
        self.explicit_items = explicit and vr != b"UN"  # of undefined length: PS3.5 6.2.2


# Bytes that do not vary, where they stand in the pattern's own file, the element behind them (None: the pixel data).
_Step = tuple[bytes, int, "_Element | None"]


class _Plan(NamedTuple):
    """How a header is compared, and the values of what does not vary: one object, since several threads compare."""

    steps: tuple[_Step, ...]
    shared: Shared


class Repeat(NamedTuple):
    """A header that repeats another: its own elements, its pixel data, the long blocks, the values it shares."""

    changed: Tags
    pixel: Pixel
    alike: Alike
    shared: Shared


class Pattern:
    """The header of one file, and which of its elements were seen to vary in files like it.

    Parameters
    ----------
    data : the file's first bytes, which hold its whole header
    starts : offsets of its elements, file meta information included, that of the pixel data last
    tags, pixel : what the walk of the header found
    facts : what holds of every file of the pattern besides (its transfer syntax ...)
    explicit : whether the dataset states value representations
    """

    def __init__(
        self, data: bytes, starts: list[int], tags: Tags, pixel: Pixel, facts: object, *, explicit: bool
    ) -> None:
        self.explicit = explicit
        self.data = data[: starts[-1]]
        self.starts = starts
        self.tags = tags
        self.pixel = pixel
        self.facts = facts
        self._pixel_head = data[starts[-1] : pixel.offset - 4]
        self._varying: frozenset[int] = frozenset()
        self._plan = _Plan((), Shared())
        # Places in the file differ from file to file even where the bytes do not.
        later = {tag for tag, (_, value) in tags.items() if isinstance(value, Later)}
        for k, start in enumerate(starts[:-1]):
            if _tag_at(self.data, start) in later:
                self._varying |= {k}
        self._plan = self._planned(self._varying)

    @property
    def shared(self) -> Shared:
        """The values of what was not seen to vary."""
        return self._plan.shared

    def _is_explicit(self, start: int) -> bool:
        """File meta information always states value representations."""
        return self.explicit or self.data[start : start + 2] == b"\x02\x00"

    def read(self, data: bytes) -> Repeat | None:
        """What of a header is its own; None when it is not alike."""
        for _ in range(_MOST_VARYING):
            found = self._read(data, self._plan)
            if not isinstance(found, int):
                return found
            if found >= len(self.starts) - 1 or not self._learned(found):
                return None
        return None

    def _read(self, data: bytes, plan: _Plan) -> Repeat | int | None:
        """As `read`; the index of an element whose value differs where none was known to."""
        changed: Tags = {}
        alike: list[tuple[int, bytes]] = []
        at = 0
        size = len(data)
        for block, origin, element in plan.steps:
            following = at + len(block)
            if not data.startswith(block, at):  # compares in place, without a copy
                return self._differing(data, at, block, origin) if following <= size else None
            if following - at >= LONG_BLOCK:
                alike.append((at, block))
            at = following
            if element is None:
                break
            value = at + element.length_end
            if data[at : at + len(element.head)] != element.head or value > size:
                return None
            length = int.from_bytes(data[at + element.length_at : value], "little")
            if length == UNDEFINED:
                at = -1 if element.keep else skip_items(data, value, explicit=element.explicit_items)
                if at < 0:
                    return None
                continue
            at = value + length
            if element.keep:
                if element.sequence:
                    return None
                long = length > LATER
                changed[element.tag] = (element.kind, Later(value, length) if long else data[value:at])
        head = self._pixel_head
        value = at + len(head) + 4
        if value > size or data[at : value - 4] != head:
            return None
        length = int.from_bytes(data[value - 4 : value], "little")
        tag, vr = self.pixel.tag, self.pixel.vr
        place = Pixel(tag, vr, value, None if length == UNDEFINED else length)
        return Repeat(changed, place, tuple(alike), plan.shared)

    def _differing(self, data: bytes, at: int, block: bytes, origin: int) -> int | None:
        """Which element of a block differs in its value or length; None when another one stands there."""
        low, high = 0, len(block)  # equal below `low`, a difference below `high`
        while high - low > 1:
            middle = (low + high) // 2
            if data[at + low : at + middle] == block[low:middle]:
                low = middle
            else:
                high = middle
        k = bisect_right(self.starts, origin + low) - 1
        if k < 0:
            return None
        # The element's tag and value representation must be the same.
        return k if origin + low >= self.starts[k] + (6 if self._is_explicit(self.starts[k]) else 4) else None

    def _learned(self, k: int) -> bool:
        """Take an element as varying from now on; false when it cannot be."""
        start = self.starts[k]
        if (
            (self._is_explicit(start) and self.data[start + 4 : start + 6] not in VRS)
            or _tag_at(self.data, start) in _FIXED
            or len(self._varying) >= _MOST_VARYING
            or k in self._varying
        ):
            return False
        varying = self._varying | {k}
        self._plan = self._planned(varying)
        self._varying = varying
        return True

    def _planned(self, varying: frozenset[int]) -> _Plan:
        steps: list[_Step] = []
        known = {(begin, begin + len(block)): block for block, begin, _ in self._plan.steps}
        edges = sorted(varying)
        begins = [0, *(self.starts[k + 1] for k in edges)]
        ends = [*(self.starts[k] for k in edges), self.starts[-1]]
        for n, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            element = None
            if n < len(edges):
                start = self.starts[edges[n]]
                element = _Element(self.data, start, explicit=self._is_explicit(start))
            block = known.get((begin, end))  # what did not change is kept once, long as it may be
            steps.append((self.data[begin:end] if block is None else block, begin, element))
        own = frozenset(folded(element.tag) for _, _, element in steps if element is not None and element.keep)
        return _Plan(tuple(steps), Shared(own, self._plan.shared))


class Likeness:
    """The patterns of the headers read last, the newest first."""

    def __init__(self) -> None:
        self._patterns: tuple[Pattern, ...] = ()
        self.first_read = FIRST_READ

    def note_length(self, header: int) -> None:
        """A header of so many bytes was walked: the next file's is read at once where it is as long."""
        self.first_read = header + 4096 if FIRST_READ < header <= _LONGEST else FIRST_READ

    def find(self, data: bytes) -> tuple[Pattern, Repeat] | None:
        """The pattern that a header repeats, and what is its own; None when it must be walked."""
        patterns = self._patterns
        for k, pattern in enumerate(patterns):
            found = pattern.read(data)
            if found is not None:
                if k:
                    self._patterns = (pattern, *patterns[:k], *patterns[k + 1 :])
                return pattern, found
        return None

    def learn(
        self, data: bytes, starts: list[int], tags: Tags, pixel: Pixel | None, facts: object, *, explicit: bool
    ) -> Pattern | None:
        """Keep a walked header for the next ones; None when it is not of a kind that can be compared."""
        if (
            pixel is None
            or not starts
            or pixel.offset > len(data)
            or any(b <= a for a, b in pairwise(_tag_at(data, start) for start in starts))
            or any(_holds_places(value) for _, value in tags.values() if isinstance(value, list))
        ):
            return None
        pattern = Pattern(data, starts, tags, pixel, facts, explicit=explicit)
        self._patterns = (pattern, *self._patterns[: _MOST_PATTERNS - 1])
        return pattern


def _holds_places(items: list[Tags]) -> bool:
    """Whether an item somewhere below holds a value noted by its place in the file."""
    return any(
        isinstance(value, Later) or (isinstance(value, list) and _holds_places(value))
        for item in items
        for _, value in item.values()
    )


def _tag_at(data: bytes, start: int) -> int:
    group, element = struct.unpack_from("<HH", data, start)
    return int(group << 16 | element)
