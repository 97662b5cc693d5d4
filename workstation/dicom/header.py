"""Header of one file: told by its content, read by the small tag reader, by pydicom where that gives up."""

from __future__ import annotations

import os
import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

from workstation.dicom import tags as el
from workstation.dicom.alike import Likeness
from workstation.dicom.fields import Fields
from workstation.dicom.found import Alike, mark_of
from workstation.dicom.tagreader import FIRST_READ, VRS, Cut, Odd, Pixel, Tags, Window, walk

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
GE_PRIVATE = "1.2.840.113619.5.2"  # implicit little endian header, big endian pixels
_IMPLICIT = (IMPLICIT, GE_PRIVATE)
DIRECTORY_CLASS = "1.2.840.10008.1.3.10"

_CLASS = re.compile(r"[0-9.]{4,64}").fullmatch
_INFLATE_FLOOR = 256 * 1024 * 1024
_INFLATE_RATIO = 50
_INFLATED_HEADER = 64 * 1024 * 1024  # no header is longer, also not that of a file of very many frames


class NotDicom(Exception):
    """The file's content is not DICOM."""


class Empty(NotDicom):
    """The file has no content."""


class Unreadable(Exception):
    """DICOM by its first bytes, but its header cannot be read; the argument is a few plain words."""


class Truncated(Unreadable):
    """The file ends inside its header."""


class Header(Fields):
    """Wanted elements of a file, where its pixels stand, and what was odd about it."""

    __slots__ = ("_sop_uid", "alike", "mark", "media_class", "no_meta", "path", "pixel", "size", "syntax", "truncated")

    def __init__(self, path: Path, tags: Tags, pixel: Pixel | None, syntax: str, size: int, *, little: bool) -> None:
        super().__init__(tags, little=little)
        self.path = path
        self.pixel = pixel
        self.syntax = syntax
        self.size = size
        self._sop_uid: str | None = None
        self.no_meta = False
        self.media_class = ""
        self.truncated = False
        self.mark = b""  # of the bytes before the pixels where those are stored plainly (`found.Plain`), and
        self.alike: Alike = ()  # the blocks that are not in it

    @property
    def sop_class(self) -> str:
        return self.text(el.SOP_CLASS)

    @property
    def sop_uid(self) -> str:
        if self._sop_uid is None:  # every file has one of its own, and it is asked for often
            self._sop_uid = self.text(el.SOP_UID)
        return self._sop_uid

    def put(self, tag: int, vr: bytes, value: bytes) -> None:
        super().put(tag, vr, value)
        self._sop_uid = None

    def long(self, tag: int, most: int = 4 * 1024 * 1024) -> bytes:
        """Bytes of an element, read from the file where they were too long to keep."""
        return self.long_of(self, tag, most)

    def long_of(self, fields: Fields, tag: int, most: int = 4 * 1024 * 1024) -> bytes:
        """As `long`, of an item of this file."""
        place = fields.later(tag)
        if place is None:
            return fields.raw(tag)
        if place.length > most:
            return b""
        with self.path.open("rb", buffering=0) as file:
            file.seek(place.offset)
            return file.read(place.length)


class _Facts(NamedTuple):
    """What holds of every file that repeats a header."""

    syntax: str
    media_class: str
    no_meta: bool


def read_header(path: Path, alike: Likeness | None = None) -> Header:
    """Read a file's header; no pixel is read. `alike`: headers read before, which this one may repeat.

    Raises
    ------
    NotDicom, Empty, Unreadable, Truncated
        By content; `Unreadable` says why in a few words.
    OSError
        If the file cannot be opened.
    """
    # O_NONBLOCK: what was a file when it was listed may be a pipe by now, and nobody waits for a pipe
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        first = os.read(descriptor, FIRST_READ if alike is None else alike.first_read)
        if not first:
            raise Empty
        size = os.fstat(descriptor).st_size
        found = None if alike is None else alike.find(first)
        if found is not None:
            pattern, (changed, pixel, blocks, shared) = found
            facts = pattern.facts
            assert isinstance(facts, _Facts)
            header = Header(path, {**pattern.tags, **changed}, pixel, facts.syntax, size, little=True)
            header.share(shared, changed)
            header.media_class, header.no_meta = facts.media_class, facts.no_meta
            header.truncated = pixel.length is not None and pixel.offset + pixel.length > size
            header.alike = blocks
        else:
            with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
                header = _read(path, file, first, size, alike)
        if header.pixel is not None and header.pixel.length is not None:
            end = header.pixel.offset
            if end > len(first):
                os.lseek(descriptor, len(first), os.SEEK_SET)
                first += os.read(descriptor, end - len(first))
            header.mark = mark_of(first, end, header.alike)
    finally:
        os.close(descriptor)
    if DIRECTORY_CLASS in (header.media_class, header.sop_class):
        return header
    if not _CLASS(header.sop_class):
        if header.no_meta:
            raise NotDicom
        raise Unreadable("the kind of object is not stated")
    return header


def _read(path: Path, file: BinaryIO, first: bytes, size: int, alike: Likeness | None) -> Header:
    meta: Tags = {}
    at = 0
    no_meta = True
    starts: list[int] = []
    if first[128:132] == b"DICM":
        at, meta = _meta(first, 132, starts)
        no_meta = False
    elif first[:2] == b"\x02\x00" and first[4:6] in VRS:
        at, meta = _meta(first, 0, starts)
    elif not _plausible(first, size):
        raise NotDicom
    declared = meta[el.SYNTAX][1] if el.SYNTAX in meta else b""
    syntax = declared.decode("latin-1").strip(" \0") if isinstance(declared, bytes) else ""
    no_meta = no_meta or not syntax
    if not syntax:
        syntax = _guess(first[at : at + 8])
    if syntax == DEFLATED:
        header = _inflated(path, file, at, size)
    else:
        header = _plain(path, Window(first, size, file), at, syntax, starts)
    header.no_meta = no_meta
    media = meta.get(el.MEDIA_CLASS)
    if media is not None and isinstance(media[1], bytes):
        header.media_class = media[1].decode("latin-1").strip(" \0")
    pixel = header.pixel
    if pixel is not None and pixel.length is not None and syntax != DEFLATED:
        header.truncated = pixel.offset + pixel.length > size
    if alike is not None and pixel is not None:
        alike.note_length(pixel.offset)
    if alike is not None and starts and header.syntax == syntax and syntax not in (BIG_ENDIAN, DEFLATED):
        facts = _Facts(syntax, header.media_class, no_meta)
        pattern = alike.learn(first, starts, header.tags, pixel, facts, explicit=syntax not in _IMPLICIT)
        if pattern is not None:
            header.share(pattern.shared, {})
    return header


def _plain(path: Path, window: Window, at: int, syntax: str, starts: list[int]) -> Header:
    """Walk in the declared encoding, once more in the other one (a declared syntax may lie), then by pydicom.

    `starts` are the places of the elements before; those of the walk are added, or all taken out where it failed.
    """
    little = syntax != BIG_ENDIAN
    explicit = syntax not in _IMPLICIT
    first, size, file = window.data, window.size, window.file
    last: Exception = Odd("unread")
    for try_explicit in (explicit, not explicit):
        window = Window(first, size, file)
        window.starts = []
        try:
            found, pixel = walk(window, at, explicit=try_explicit, little=little)
        except (Odd, Cut) as error:
            if try_explicit == explicit:
                last = error
            continue
        starts.extend(window.starts)
        if el.SOP_CLASS in found or try_explicit == explicit:
            if try_explicit != explicit:
                syntax = EXPLICIT if try_explicit else IMPLICIT
            return Header(path, found, pixel, syntax, size, little=little)
    starts.clear()
    if isinstance(last, Cut):
        raise Truncated("it ends early")
    from workstation.dicom.fallback import read_by_pydicom

    return read_by_pydicom(path, syntax, size)


def _inflated(path: Path, file: BinaryIO, at: int, size: int) -> Header:
    """Header of a deflated file: unpacked only as far as needed, under a limit (PS3.5 A.5)."""
    limit = min(max(_INFLATE_FLOOR, _INFLATE_RATIO * size), _INFLATED_HEADER)
    wanted = 1024 * 1024
    while True:
        data, finished = inflate(file, at, min(wanted, limit))
        try:
            found, pixel = walk(Window(data, len(data)), 0)
        except Cut:
            if finished or wanted >= limit:
                raise Truncated("it ends early") from None
            wanted *= 8
            continue
        except Odd as error:
            raise Unreadable("its header is damaged") from error
        return Header(path, found, pixel, DEFLATED, size, little=True)


def inflate(file: BinaryIO, at: int, most: int) -> tuple[bytes, bool]:
    """Unpack a raw deflate stream from offset `at`, at most `most` bytes; whether it was the whole.

    Raises
    ------
    Unreadable
        If the stream is damaged.
    """
    file.seek(at)
    unpack = zlib.decompressobj(-15)
    out = bytearray()
    try:
        while len(out) < most:
            packed = unpack.unconsumed_tail or file.read(65_536)
            if not packed or unpack.eof:
                out += unpack.flush()
                del out[most:]
                return bytes(out), True
            out += unpack.decompress(packed, most - len(out))
    except zlib.error as error:
        raise Unreadable("its compressed part is damaged") from error
    return bytes(out), unpack.eof


def trusted(path: Path) -> Path:
    """The path itself, of a file that a reader without limits may be given.

    Raises
    ------
    Unreadable
        A deflated file that unpacks to more than its limit. What is damaged is left to its reader.
    """
    with path.open("rb", buffering=0) as file:
        first = file.read(FIRST_READ)
        if first[128:132] != b"DICM":
            return path
        at, meta = _meta(first, 132)
        syntax = meta[el.SYNTAX][1] if el.SYNTAX in meta else b""
        if not isinstance(syntax, bytes) or syntax.decode("latin-1").strip(" \0") != DEFLATED:
            return path
        left = max(_INFLATE_FLOOR, _INFLATE_RATIO * os.fstat(file.fileno()).st_size)
        unpack = zlib.decompressobj(-15)
        file.seek(at)
        try:
            while not unpack.eof and (packed := unpack.unconsumed_tail or file.read(65_536)):
                left -= len(unpack.decompress(packed, 1 << 20))
                if left < 0:
                    raise Unreadable("it unpacks to more than can be trusted")
        except zlib.error:
            return path
    return path


def deflated_offset(path: Path) -> int:
    """Where the deflated part of a file begins."""
    with path.open("rb", buffering=0) as file:
        return _meta(file.read(FIRST_READ), 132)[0]


def _meta(data: bytes, at: int, starts: list[int] | None = None) -> tuple[int, Tags]:
    """File meta information (always explicit little endian); offset behind it. PS3.10 7.1.

    `starts`: gets the places of its elements.
    """
    found: Tags = {}
    while at + 8 <= len(data):
        group, element, vr, length = struct.unpack_from("<HH2sH", data, at)
        if group != 2:
            break
        if vr not in VRS:
            break
        value = at + 8
        if vr in (b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT", b"UC", b"UR", b"OD", b"OL", b"OV", b"SV", b"UV"):
            if at + 12 > len(data):
                break
            length = struct.unpack_from("<I", data, at + 8)[0]
            value = at + 12
        if value + length > len(data):
            raise Truncated("it ends early")
        found[(group << 16) | element] = (vr, data[value : value + length])
        if starts is not None:
            starts.append(at)
        at = value + length
    return at, found


def _plausible(first: bytes, size: int) -> bool:
    """Whether the first bytes are an element of group 0008, in one of the three encodings."""
    if len(first) < 16:
        return False
    group, element = struct.unpack_from("<HH", first)
    if group == 0x0800:
        return first[4:6] in VRS
    if group != 8 or element > 0x0100:
        return False
    if first[4:6] in VRS:
        return True
    length: int = struct.unpack_from("<I", first, 4)[0]
    return length <= min(size, 1024) and length % 2 == 0


def _guess(first: bytes) -> str:
    """Encoding of a dataset without file meta information."""
    if first[:2] == b"\x00\x08":
        return BIG_ENDIAN
    return EXPLICIT if first[4:6] in VRS else IMPLICIT


def dataset_offset(file: BinaryIO) -> int:
    """Where the dataset begins, behind preamble and file meta information."""
    file.seek(0)
    first = file.read(FIRST_READ)
    if first[128:132] == b"DICM":
        return _meta(first, 132)[0]
    return _meta(first, 0)[0] if first[:2] == b"\x02\x00" else 0
