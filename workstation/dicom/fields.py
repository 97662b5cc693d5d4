"""Values of elements as Python values: text by its alphabet, numbers checked, items of sequences."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from workstation.dicom import tags as el
from workstation.dicom.alphabet import decoded
from workstation.dicom.tagreader import Later, Tags

T = TypeVar("T")

_BINARY = {
    b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"FL": "f", b"FD": "d", b"UV": "Q", b"SV": "q", b"OV": "Q",
    b"OD": "d", b"OF": "f", b"OL": "I", b"OW": "H",
}  # fmt: skip


_VARIES = object()


class Shared:
    """Values that files have in common with those before them, converted once.

    Parameters
    ----------
    own : elements that vary among these files (private ones as `folded` gives them); theirs are not shared
    older : the same for files of which fewer elements were seen to vary
    """

    __slots__ = ("creators", "made", "numbers", "own", "texts")

    def __init__(self, own: frozenset[int] = frozenset(), older: Shared | None = None) -> None:
        self.own = own
        # Of single elements: a file's own ones are never looked up here. What is made of several is made anew.
        self.texts: dict[int, str] = {} if older is None else older.texts
        self.numbers: dict[int, tuple[float, ...]] = {} if older is None else older.numbers
        self.creators: list[tuple[int, str]] | None = None if older is None else older.creators
        self.made: dict[str, object] = {}


def _is_creator(tag: int) -> bool:
    return bool((tag >> 16) & 1) and tag & 0xFFFF <= 0xFF


def folded(tag: int) -> int:
    """A private element whichever block its creator took, gggg,xxee as gggg,FFee; others and creators as they are."""
    return tag | 0xFF00 if (tag >> 16) & 1 and not _is_creator(tag) else tag


def private(place: tuple[int, str], low: int) -> int:
    """As `folded`, of a maker's element: its group and creator, and the last two digits."""
    return place[0] << 16 | 0xFF00 | low


class Fields:
    """Wanted elements of a dataset or of an item.

    Values that are no valid numbers count as absent and their tags are noted in `bad`, shared with the items.
    """

    __slots__ = ("_changed", "_creators", "_shared", "alphabet", "bad", "guessed", "little", "tags", "wrong")

    def __init__(self, tags: Tags, *, little: bool = True, alphabet: str = "", bad: set[int] | None = None) -> None:
        self.tags = tags
        self.little = little
        self.bad = set() if bad is None else bad
        self.guessed = False
        self.wrong = False
        self._creators: list[tuple[int, str]] | None = None
        self._shared: Shared | None = None
        self._changed: Tags = {}
        declared = tags.get(el.CHARSET)
        self.alphabet = alphabet
        if declared is not None and isinstance(declared[1], bytes):
            self.alphabet = declared[1].decode("latin-1").strip(" \0")

    def share(self, shared: Shared, changed: Tags) -> None:
        """Take converted values from `shared`, but for the elements in `changed`, which are this file's own."""
        self._shared, self._changed = shared, changed
        if not any(map(_is_creator, changed)):
            if shared.creators is None:
                shared.creators = self._creator_blocks()
            self._creators = shared.creators

    def common(self, name: str, tags: frozenset[int], make: Callable[[Fields], T]) -> T:
        """What `make` makes of no other elements of this file than `tags`; once for all files that share them.

        Parameters
        ----------
        name : of what is made, the same for the same `tags` and `make`
        tags : private ones as `folded` gives them

        Made of a value that is no valid one, or whose alphabet is in doubt, it is not shared: that is noted with every
        file. What is shared must not be changed by whoever gets it.
        """
        shared = self._shared
        if shared is None:
            return make(self)
        made = shared.made.get(name, shared)
        if made is not shared:
            return make(self) if made is _VARIES else cast("T", made)
        creators = any(map(_is_creator, shared.own))
        if not tags.isdisjoint(shared.own) or (creators and any((tag >> 16) & 1 for tag in tags)):
            shared.made[name] = _VARIES
            return make(self)
        fresh = make(self)
        if not (self.bad or self.guessed or self.wrong):
            shared.made[name] = fresh
        return fresh

    def put(self, tag: int, vr: bytes, value: bytes) -> None:
        """Give this file a value of its own in place of what it states."""
        self.tags[tag] = (vr, value)
        self._shared = None

    def __contains__(self, tag: int) -> bool:
        value = self.tags.get(tag)
        return value is not None and value[1] not in (b"", [])

    def raw(self, tag: int) -> bytes:
        """Bytes of an element, without padding; b"" when absent, a sequence, or too long to be kept."""
        found = self.tags.get(tag)
        return found[1] if found is not None and isinstance(found[1], bytes) else b""

    def later(self, tag: int) -> Later | None:
        """Place of a long value in the file."""
        found = self.tags.get(tag)
        return found[1] if found is not None and isinstance(found[1], Later) else None

    def items(self, tag: int) -> list[Fields]:
        """Items of a sequence; [] when absent. They inherit the alphabet."""
        found = self.tags.get(tag)
        if found is None or isinstance(found[1], bytes | Later):
            return []
        return [Fields(item, little=self.little, alphabet=self.alphabet, bad=self.bad) for item in found[1]]

    def item(self, tag: int) -> Fields | None:
        """First item of a sequence."""
        found = self.items(tag)
        return found[0] if found else None

    def text(self, tag: int) -> str:
        """Text of an element, trimmed; "" when absent."""
        shared = self._shared
        if shared is None or tag in self._changed:
            return self._decode(self.raw(tag)).strip(" \0")
        text = shared.texts.get(tag)
        if text is None:
            text = self._decode(self.raw(tag)).strip(" \0")
            if not (self.guessed or self.wrong):
                shared.texts[tag] = text
        return text

    def words(self, tag: int) -> tuple[str, ...]:
        """Parts of a text with several values."""
        text = self.text(tag)
        return tuple(part.strip(" \0") for part in text.split("\\")) if text else ()

    def numbers(self, tag: int) -> tuple[float, ...]:
        """All values as finite numbers; () when absent or when one of them is none.

        Decimal commas are points (some makers write the locale's); `NaN` and `inf` are no numbers.
        """
        shared = self._shared
        if shared is None or tag in self._changed:
            return self._numbers(tag)
        values = shared.numbers.get(tag)
        if values is None:
            values = self._numbers(tag)
            if tag not in self.bad:
                shared.numbers[tag] = values
        return values

    def _numbers(self, tag: int) -> tuple[float, ...]:
        raw = self.raw(tag)
        if not raw:
            return ()
        vr = self.tags[tag][0]
        kind = _BINARY.get(el.WANTED.get(tag, vr) if vr in (b"UN", b"") else vr)
        try:
            if kind is not None:
                size = struct.calcsize(kind)
                n = len(raw) // size
                values = tuple(map(float, struct.unpack(("<" if self.little else ">") + kind * n, raw[: n * size])))
            else:
                text = raw.replace(b",", b".").replace(b"\0", b" ")
                if not text.strip():
                    return ()
                # a last separator with nothing behind it, as some makers end a list
                values = tuple(map(float, text.rstrip(b" \\").split(b"\\")))
        except (ValueError, struct.error):
            self.bad.add(tag)
            return ()
        if not all(map(math.isfinite, values)):
            self.bad.add(tag)
            return ()
        return values

    def number(self, tag: int) -> float | None:
        """First value as a finite number, or None."""
        values = self.numbers(tag)
        return values[0] if values else None

    def integer(self, tag: int) -> int | None:
        """First value as a whole number, or None."""
        value = self.number(tag)
        if value is None:
            return None
        if value != int(value):
            self.bad.add(tag)
            return None
        return int(value)

    def private(self, group: int, creator: str, low: int) -> tuple[bytes, Any] | None:
        """(VR, value) of a private element, found through its creator's block."""
        if self._creators is None:
            self._creators = self._creator_blocks()
        for tag, name in self._creators:
            if tag >> 16 == group and name == creator.casefold():
                found = self.tags.get((group << 16) | ((tag & 0xFF) << 8) | low)
                if found is not None:
                    return found
        return None

    def private_text(self, group: int, creator: str, low: int) -> str:
        """Text of a private element, trimmed; "" when absent."""
        found = self.private(group, creator, low)
        return self._decode(found[1]).strip(" \0") if found is not None and isinstance(found[1], bytes) else ""

    def private_items(self, group: int, creator: str, low: int) -> list[Fields]:
        """Items of a private sequence; [] when absent. They inherit the alphabet."""
        found = self.private(group, creator, low)
        if found is None or not isinstance(found[1], list):
            return []
        return [Fields(item, little=self.little, alphabet=self.alphabet, bad=self.bad) for item in found[1]]

    def _creator_blocks(self) -> list[tuple[int, str]]:
        return [
            (tag, value[1].decode("latin-1").strip(" \0").casefold())
            for tag, value in self.tags.items()
            if (tag >> 16) & 1 and 0x10 <= tag & 0xFFFF <= 0xFF and isinstance(value[1], bytes)
        ]

    def private_numbers(self, group: int, creator: str, low: int, kind: str = "text") -> tuple[float, ...]:
        """Finite numbers of a private element; `kind` ("text", "f", "d", "h" ...) where the file states no VR."""
        found = self.private(group, creator, low)
        if found is None or not isinstance(found[1], bytes):
            return ()
        vr, raw = found
        form = _BINARY.get(vr)
        if form is None and vr in (b"UN", b"") and kind != "text":
            form = kind
        try:
            if form is None:
                text = raw.replace(b"\0", b" ").decode("latin-1")
                values = tuple(float(part) for part in text.split("\\") if part.strip())
            else:
                n = len(raw) // struct.calcsize(form)
                values = struct.unpack(("<" if self.little else ">") + form * n, raw[: n * struct.calcsize(form)])
        except (ValueError, struct.error):
            return ()
        return tuple(values) if all(math.isfinite(v) for v in values) else ()

    def nested(self, *path: int) -> Iterator[Fields]:
        """Items at the end of a path of sequences."""
        if not path:
            yield self
            return
        for item in self.items(path[0]):
            yield from item.nested(*path[1:])

    def _decode(self, raw: bytes) -> str:
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii")
        text, doubt = decoded(raw, self.alphabet)
        self.guessed |= doubt == "absent"
        self.wrong |= doubt == "wrong"
        return text
