"""Pixels of one frame as stored values. DICOM pages 1.4 and 3.3.

Native frames are read straight into place; compressed ones go to their decoder, whose bits are masked and
sign-extended by the tags (decoders disagree about the sign of JPEG 2000 and know none for JPEG).
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from workstation.dicom import decoders, isolated
from workstation.dicom import tags as el
from workstation.dicom.found import Plain
from workstation.dicom.fragments import FragmentError, Streams, find_streams

if TYPE_CHECKING:
    from workstation.dicom.fields import Fields
    from workstation.dicom.header import Header

LARGEST_SIDE = 16_384
MOST_FRAMES = 200_000
_LARGEST_RATIO = 1000
_LARGEST_RLE_RATIO = 128
_PLAIN_SYNTAXES = frozenset(("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")) if sys.byteorder == "little" else frozenset()
_PACKED_SYNTAXES = frozenset(("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"))


class PixelError(Exception):
    """A frame that cannot be decoded; the argument is a few plain words."""


def plain_pixels(header: Header) -> Plain | None:
    """How a single uncompressed 16-bit image is read without parsing its header again; None for all others."""
    pixel = header.pixel
    if (
        not header.mark
        or pixel is None
        or pixel.length is None
        or pixel.tag != el.PIXELS[-1]
        or header.syntax not in _PLAIN_SYNTAXES
    ):
        return None
    form = header.common("plain", _OF_PLAIN, _plain_form)
    if form is None or form[2] > pixel.length:
        return None
    return Plain(pixel.offset, header.mark, form[0], form[1], header.alike)


_OF_PLAIN = frozenset(
    (el.BITS_ALLOCATED, el.FRAMES, el.SAMPLES, el.BITS_STORED, el.ROWS, el.COLUMNS, el.HIGH_BIT, el.SIGNED)
)


def _plain_form(header: Fields) -> tuple[int, bool, int] | None:
    """Bits stored, whether signed, bytes of all pixels, of a single 16-bit image; None for all others."""
    if (
        header.integer(el.BITS_ALLOCATED) != 16
        or (header.integer(el.FRAMES) or 1) != 1
        or (header.integer(el.SAMPLES) or 1) != 1
    ):
        return None
    stored = header.integer(el.BITS_STORED) or 16
    rows, columns = header.integer(el.ROWS) or 0, header.integer(el.COLUMNS) or 0
    if (
        not 1 <= stored <= 16
        or header.integer(el.HIGH_BIT) not in (None, stored - 1)
        or not 1 <= rows <= LARGEST_SIDE
        or not 1 <= columns <= LARGEST_SIDE
    ):
        return None
    return stored, header.integer(el.SIGNED) == 1, 2 * rows * columns


class Pixels:
    """The frames of one file.

    Parameters
    ----------
    header : as read from the file; its sizes are checked against the limits and the file's length

    Raises
    ------
    PixelError
        If there are no pixels, sizes are absurd, the file ends early, or the compression is unknown.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self.rows = header.integer(el.ROWS) or 0
        self.columns = header.integer(el.COLUMNS) or 0
        self.frames = max(1, header.integer(el.FRAMES) or 1)
        self.samples = header.integer(el.SAMPLES) or 1
        self.allocated = header.integer(el.BITS_ALLOCATED) or 16
        self.stored = header.integer(el.BITS_STORED) or self.allocated
        self.high = header.integer(el.HIGH_BIT)
        self.signed = header.integer(el.SIGNED) == 1
        # One bit each, eight to a byte across rows and frames, the first in the lowest (PS3.5 8.1.1).
        self.packed = self.allocated == 1 and header.syntax in _PACKED_SYNTAXES and self.samples == 1
        if self.packed:
            self.allocated, self.stored, self.high, self.signed = 8, 1, 0, False
        self.lossy_stream = False
        self.precision_differs = False
        if not 1 <= self.rows <= LARGEST_SIDE or not 1 <= self.columns <= LARGEST_SIDE:
            raise PixelError("its size is absurd")
        if not 1 <= self.frames <= MOST_FRAMES:
            raise PixelError("its number of frames is absurd")
        if self.allocated not in (8, 16, 32, 64) or not 1 <= self.stored <= self.allocated:
            raise PixelError("its bit depth is not known")
        if header.pixel is None:
            raise PixelError("it has no pixels")
        self.float_pixels = header.pixel.tag in (0x7FE00008, 0x7FE00009)
        self.data: bytes | None = None
        self._streams: Streams | None = None
        if not decoders.supported(header.syntax):
            raise PixelError("its compression is not supported")
        self.native = header.syntax in decoders.NATIVE
        self.frame_bytes = self.rows * self.columns * self.samples * (self.allocated // 8)
        if self.native:
            if header.pixel.length is None:
                raise PixelError("its pixels are not where they should be")
            if self.frame_bytes * self.frames > header.pixel.length * (8 if self.packed else 1):
                raise PixelError("it holds fewer pixels than it declares")
        elif self.frame_bytes > (header.size - header.pixel.offset) * (
            _LARGEST_RLE_RATIO if header.syntax == decoders.RLE else _LARGEST_RATIO
        ):
            raise PixelError("it cannot hold the pixels that it declares")

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of stored values."""
        if self.float_pixels:
            return np.dtype(np.float32 if self.allocated == 32 else np.float64)
        return np.dtype(f"{'i' if self.signed else 'u'}{self.allocated // 8}")

    @property
    def plain(self) -> bool:
        """Whether stored values lie in the file exactly as numpy reads them here: no mask, no shift, no swap."""
        return (
            self.native
            and not self.packed
            and self.samples == 1
            and self.header.syntax not in decoders.BIG_ENDIAN_PIXELS
            and (self.float_pixels or (self.stored == self.allocated and self.high in (None, self.stored - 1)))
            and np.little_endian
        )

    def limits(self) -> tuple[int, int]:
        """Smallest and largest value that the declared bits can hold."""
        if self.signed:
            return -(1 << (self.stored - 1)), (1 << (self.stored - 1)) - 1
        return 0, (1 << self.stored) - 1

    def read_into(self, file: BinaryIO, frame: int, out: npt.NDArray[Any]) -> None:
        """Stored values of a frame into `out`, a C-contiguous (rows, columns) array of `dtype`."""
        if self.plain and self.data is None and self.header.syntax != "1.2.840.10008.1.2.1.99":
            assert self.header.pixel is not None
            file.seek(self.header.pixel.offset + frame * self.frame_bytes)
            view = out.data.cast("B")
            done = 0
            while done < len(view):
                n = file.readinto(view[done:])  # type: ignore[attr-defined]
                if not n:
                    raise PixelError("it ends early")
                done += n
            return
        values = self.read(file, frame, out)
        if not np.may_share_memory(values, out):
            np.copyto(out, values, casting="unsafe")

    def read(self, file: BinaryIO, frame: int, place: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Stored values of a frame, (rows, columns) or (rows, columns, samples), of `dtype`.

        `place`: contiguous memory of that shape and type, into which some decoders write; what is returned may lie in
        it or not, and where nothing is returned it holds anything.

        Raises
        ------
        PixelError
            If the frame is cut off or its stream is damaged.
        """
        if self.native:
            return self._signs(self._native(file, frame))
        try:
            stream = self._stream(file, frame)
        except FragmentError as error:
            raise PixelError(str(error)) from error
        self._note(stream)
        if self.header.syntax != decoders.RLE and b"\xff\xd9" not in stream[-1024:]:
            # Decoders fill up what is missing with something plausible; JPEG, JPEG-LS and JPEG 2000 all end in FF D9.
            raise PixelError("its compressed pixels end early")
        apart = isolated.decoders_of_site()
        sizes = (self.header.syntax, self.rows, self.columns, self.allocated)
        try:
            bits = decoders.decode_stream(stream, *sizes, place) if apart is None else apart.decode(stream, *sizes)
        except (Exception, MemoryError) as error:
            raise PixelError("its compressed pixels are damaged") from error
        bits = np.asarray(bits)
        if bits.shape[:2] != (self.rows, self.columns) or bits.size != self.rows * self.columns * self.samples:
            raise PixelError("its compressed pixels have another size")
        return self._signs(bits)

    def _native(self, file: BinaryIO, frame: int) -> npt.NDArray[Any]:
        header = self.header
        assert header.pixel is not None
        start = frame * self.frame_bytes
        if self.packed:
            file.seek(header.pixel.offset + start // 8)
            skip = start % 8
            packed = np.frombuffer(file.read((skip + self.frame_bytes + 7) // 8), np.uint8)
            bits = np.unpackbits(packed, bitorder="little")[skip : skip + self.frame_bytes]
            if bits.size < self.frame_bytes:
                raise PixelError("it ends early")
            return bits.reshape(self.rows, self.columns)
        if header.syntax == "1.2.840.10008.1.2.1.99":
            if self.data is None:
                self.data = _deflated_pixels(header, header.pixel.offset, self.frame_bytes * self.frames)
            raw = self.data[start : start + self.frame_bytes]
        else:
            file.seek(header.pixel.offset + start)
            raw = file.read(self.frame_bytes)
        if len(raw) < self.frame_bytes:
            raise PixelError("it ends early")
        size = self.allocated // 8
        if self.float_pixels:
            return np.frombuffer(raw, f"<f{size}").reshape(self.rows, self.columns)
        big = header.syntax in decoders.BIG_ENDIAN_PIXELS
        if big and size == 1 and header.pixel.vr == b"OW":
            raw = np.frombuffer(raw, "<u2").byteswap().tobytes()  # 8-bit pixels lie in swapped words
        words = np.frombuffer(raw, f"{'>' if big else '<'}u{size}")
        if self.samples == 1:
            return words.reshape(self.rows, self.columns)
        if header.integer(el.PLANAR) == 1:
            return np.moveaxis(words.reshape(self.samples, self.rows, self.columns), 0, -1)
        return words.reshape(self.rows, self.columns, self.samples)

    def _signs(self, bits: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Stored values from bits: shifted where HighBit lies higher, masked to BitsStored, sign-extended."""
        if self.float_pixels:
            return bits
        size = self.allocated // 8
        together = np.ascontiguousarray(bits)
        if together.dtype == np.dtype(f"<i{size}"):
            together = together.view(f"<u{size}")
        words = together.astype(f"<u{size}", copy=False)
        if self.native and self.high is not None and self.high > self.stored - 1:
            words = words >> (self.high - self.stored + 1)
        if self.stored == self.allocated:
            return words.view(self.dtype)
        lost = self.allocated - self.stored
        mask = (1 << self.stored) - 1
        if not self.signed and int(words.max()) <= mask:
            return words
        masked = words & mask
        values = (words << lost).view(self.dtype) >> lost if self.signed else masked
        # A stream's bits above BitsStored may repeat the sign; anything else there contradicts the header.
        if not self.native and not (np.array_equal(words, masked) or np.array_equal(words, values.view(words.dtype))):
            self.precision_differs = True
        return values

    def _stream(self, file: BinaryIO, frame: int) -> bytes:
        header = self.header
        assert header.pixel is not None
        if self._streams is None:
            extended = None
            if el.OFFSETS in header:
                offsets, lengths = (header.long(tag, 32 * MOST_FRAMES) for tag in (el.OFFSETS, el.LENGTHS))
                extended = (
                    struct.unpack(f"<{len(offsets) // 8}Q", offsets),
                    struct.unpack(f"<{len(lengths) // 8}Q", lengths),
                )
            self._streams = find_streams(file, header.pixel.offset, header.size, self.frames, extended)
        if not 0 <= frame < len(self._streams.frames):
            raise PixelError("it holds fewer frames than it declares")
        return self._streams.read(file, frame)

    def _note(self, stream: bytes) -> None:
        """What the stream says about itself: precision, and loss."""
        precision, lossy = stream_facts(stream)
        # Coding 12 stored bits in a stream of 16 is usual and loses nothing; the other way round is odd.
        if precision is not None and precision < self.stored:
            self.precision_differs = True
        if lossy:
            self.lossy_stream = True


def stream_facts(stream: bytes) -> tuple[int | None, bool]:
    """(bits of precision or None, whether the stream itself is lossy) of a JPEG, JPEG-LS or JPEG 2000 stream.

    References: ISO/IEC 10918-1 B.2.2, 14495-1 C.2 (NEAR), 15444-1 A.5.1 (SIZ) and A.6.1 (COD, transformation).
    """
    if stream[:2] == b"\xff\x4f":
        return _j2k_facts(stream)
    if stream[:2] != b"\xff\xd8":
        return None, False
    precision: int | None = None
    lossy = False
    at = 2
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            precision = stream[at + 4] if at + 4 < len(stream) else None
            lossy = marker not in (0xC3, 0xC7, 0xCB, 0xCF, 0xF7)
            jpeg_ls = marker == 0xF7
            if not jpeg_ls:
                break
        if marker == 0xDA:
            components = stream[at + 4] if at + 4 < len(stream) else 0
            near = at + 5 + 2 * components
            lossy = near < len(stream) and stream[near] > 0
            break
        at += 2 + length
    return precision, lossy


def _j2k_facts(stream: bytes) -> tuple[int | None, bool]:
    precision: int | None = None
    at = 2
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        marker, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        if marker == 0x51 and at + 40 < len(stream):  # SIZ: Ssiz of the first component
            precision = (stream[at + 40] & 0x7F) + 1
        if marker == 0x52 and at + 13 < len(stream):  # COD: 0 = 9-7 irreversible, 1 = 5-3 reversible
            return precision, stream[at + 13] == 0
        if marker in (0x90, 0x93):
            break
        at += 2 + length
    return precision, False


def _deflated_pixels(header: Header, offset: int, length: int) -> bytes:
    from workstation.dicom.header import Unreadable, deflated_offset, inflate

    limit = max(256 * 1024 * 1024, 50 * header.size)
    if offset + length > limit:
        raise PixelError("it unpacks to more than can be trusted")
    with header.path.open("rb", buffering=0) as file:
        try:
            data, _ = inflate(file, deflated_offset(header.path), offset + length)
        except Unreadable as error:
            raise PixelError(str(error)) from error
    return data[offset:]
