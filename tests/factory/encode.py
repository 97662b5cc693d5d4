"""Compress the pixels of a dataset: the encoders of imagecodecs (and our own RLE), one per transfer syntax."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR = "1.2.840.10008.1.2.4.81"
J2K_LOSSLESS = "1.2.840.10008.1.2.4.90"
J2K = "1.2.840.10008.1.2.4.91"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
HTJ2K = "1.2.840.10008.1.2.4.203"
RLE = "1.2.840.10008.1.2.5"
LOSSLESS = (JPEG_LOSSLESS, JPEG_LS, J2K_LOSSLESS, HTJ2K_LOSSLESS, RLE)


def compress(ds: Dataset, syntax: str) -> None:
    """Replace native PixelData by encapsulated frames of `syntax`."""
    frames = int(ds.get("NumberOfFrames", 1))
    dtype = np.dtype("u1" if ds.BitsAllocated == 8 else "<u2")
    array = np.frombuffer(ds.PixelData, dtype).reshape(frames, ds.Rows, ds.Columns)
    set_frames(ds, [encode(frame, syntax, bool(ds.PixelRepresentation)) for frame in array])


def set_frames(ds: Dataset, streams: Sequence[bytes], *, offsets: bool = True) -> None:
    """Encapsulate one fragment per frame, with or without a basic offset table."""
    ds.PixelData = encapsulate(list(streams), has_bot=offsets)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


def encode(frame: np.ndarray, syntax: str, signed: bool = False) -> bytes:
    """One (rows, columns) frame of unsigned stored bits as a stream."""
    import imagecodecs

    if syntax == JPEG_LOSSLESS:
        return imagecodecs.ljpeg_encode(frame)
    if syntax == JPEG_BASELINE:
        return imagecodecs.jpeg8_encode(frame, level=90)
    if syntax in (JPEG_LS, JPEG_LS_NEAR):
        return imagecodecs.jpegls_encode(frame, level=0 if syntax == JPEG_LS else 3)
    if syntax in (J2K_LOSSLESS, J2K):
        values = frame.view("<i2") if signed and frame.dtype.itemsize == 2 else frame
        return imagecodecs.jpeg2k_encode(
            values, codecformat="j2k", reversible=syntax == J2K_LOSSLESS, level=0 if syntax == J2K_LOSSLESS else 90
        )
    if syntax in (HTJ2K_LOSSLESS, HTJ2K):
        values = frame.view("<i2") if signed and frame.dtype.itemsize == 2 else frame
        return imagecodecs.htj2k_encode(values, reversible=syntax == HTJ2K_LOSSLESS)
    if syntax == RLE:
        return rle(frame)
    raise ValueError(f"no encoder for {syntax}")


def rle(frame: np.ndarray) -> bytes:
    """PS3.5 annex G, byte planes from the most significant one."""
    size = frame.dtype.itemsize
    raw = np.ascontiguousarray(frame).view("u1").reshape(frame.shape[0], -1, size)
    planes = [b"".join(_pack(raw[y, :, size - 1 - p].tobytes()) for y in range(frame.shape[0])) for p in range(size)]
    planes = [p + b"\0" * (len(p) % 2) for p in planes]
    starts, at = [], 64
    for p in planes:
        starts.append(at)
        at += len(p)
    header = np.zeros(16, "<u4")
    header[0] = size
    header[1 : 1 + size] = starts
    return header.tobytes() + b"".join(planes)


def _pack(row: bytes) -> bytes:
    out = bytearray()
    i = 0
    while i < len(row):
        run = 1
        while i + run < len(row) and run < 128 and row[i + run] == row[i]:
            run += 1
        if run >= 2:
            out += bytes((257 - run, row[i]))
            i += run
            continue
        j = i + 1
        while j < len(row) and j - i < 128 and not (j + 1 < len(row) and row[j] == row[j + 1]):
            j += 1
        out += bytes((j - i - 1,)) + row[i:j]
        i = j
    return bytes(out)
