"""Which transfer syntax is decoded by what. DICOM page 3.3; imagecodecs is imported when first needed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

_J = "1.2.840.10008.1.2.4."
NATIVE = frozenset(
    ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
     "1.2.840.113619.5.2")
)  # fmt: skip
BIG_ENDIAN_PIXELS = frozenset(("1.2.840.10008.1.2.2", "1.2.840.113619.5.2"))
RLE = "1.2.840.10008.1.2.5"
_NAMES = {
    _J + "50": "JPEG baseline", _J + "51": "JPEG extended", _J + "57": "JPEG lossless", _J + "70": "JPEG lossless",
    _J + "80": "JPEG-LS", _J + "81": "JPEG-LS near-lossless", _J + "90": "JPEG 2000 lossless", _J + "91": "JPEG 2000",
    _J + "201": "HTJ2K lossless", _J + "202": "HTJ2K lossless RPCL", _J + "203": "HTJ2K", RLE: "RLE",
    _J + "100": "MPEG-2 video", _J + "102": "H.264 video", _J + "103": "H.264 video", _J + "107": "H.265 video",
    _J + "92": "JPEG 2000 multi-component", _J + "94": "JPIP", _J + "110": "JPEG XL lossless", _J + "112": "JPEG XL",
}  # fmt: skip
_JPEG = frozenset(_J + s for s in ("50", "51", "57", "70"))
_JPEG_LS = frozenset(_J + s for s in ("80", "81"))
# High-throughput streams too go to OpenJPEG: OpenJPH as bound in imagecodecs wraps overshoot of lossy streams
# (255 -> 0) and swallows its errors, so that a damaged stream would give a picture of whatever was in memory.
_JPEG_2000 = frozenset(_J + s for s in ("90", "91", "201", "202", "203"))


def supported(syntax: str) -> bool:
    """Whether frames of this transfer syntax can be decoded."""
    return syntax in NATIVE or syntax == RLE or syntax in _JPEG | _JPEG_LS | _JPEG_2000


def name_of(syntax: str) -> str:
    """The name of a compression for people; the UID where it is unknown."""
    return _NAMES.get(syntax, syntax)


def decode_stream(data: bytes, syntax: str, rows: int, columns: int, allocated: int, place: Any = None) -> Any:
    """One frame of an encapsulated syntax as an array (rows, columns) or (rows, columns, samples).

    `place`: an array for the pixels; it is what is returned where a decoder can write into it, a new one elsewhere.

    Raises
    ------
    Exception
        Whatever the decoder raises on a damaged stream; ValueError for an unknown syntax or another size.
    """
    if syntax == RLE:
        return _rle(data, rows, columns, allocated)
    import imagecodecs

    if syntax in _JPEG:
        return imagecodecs.jpeg8_decode(data)  # libjpeg-turbo 3: baseline, 12 bit and lossless
    if syntax in _JPEG_LS:
        return _placed(imagecodecs.jpegls_decode, data, place)
    if syntax in _JPEG_2000:
        return _placed(imagecodecs.jpeg2k_decode, data, place)
    raise ValueError(f"no decoder for {syntax}")


def _placed(decode: Callable[..., Any], data: bytes, place: Any) -> Any:
    """Decode into `place`: memory that is there already costs less than new memory for each frame."""
    if place is not None:
        try:
            return decode(data, out=place)
        except ValueError:
            pass  # the stream holds another size or type: whoever asked for it will see
    return decode(data)


def _rle(data: bytes, rows: int, columns: int, allocated: int) -> Any:
    """PS3.5 annex G; byte planes, the most significant first. The segments' places are checked before."""
    import imagecodecs
    import numpy as np

    count = int.from_bytes(data[:4], "little")
    if not 1 <= count <= 15 or len(data) < 64:
        raise ValueError("no RLE header")
    starts = [int.from_bytes(data[4 + 4 * k : 8 + 4 * k], "little") for k in range(count)]
    if starts[0] != 64 or any(b <= a for a, b in pairwise(starts)) or starts[-1] >= len(data):
        raise ValueError("a broken RLE header")
    size = allocated // 8
    array = np.frombuffer(imagecodecs.dicomrle_decode(data, f"<u{size}"), f"<u{size}")
    if array.size == rows * columns:
        return array.reshape(rows, columns)
    return np.moveaxis(array.reshape(-1, rows, columns), 0, -1)  # colour comes plane by plane
