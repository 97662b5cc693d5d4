"""Series of thousands of files in a second: one written file, its varying elements replaced byte for byte."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tests.factory.series import ct_series

_POSITION = "+0000000.0\\+0000000.0\\{:+010.3f}"
_UID = "2.25.1{:029d}"


def many_files(folder: Path, places: Iterable[tuple[float, int]], *, modality: str = "MR", size: int = 8) -> list[Path]:
    """Write one file for each (z in mm, InstanceNumber) of the iterable: single axial images of `size` pixels square.

    A pixel's value is 10 z + its instance number modulo 7919, the same all over the image: no two are alike.
    """
    blank = np.zeros((1, size, size), np.int16)

    def marked(ds, k):
        ds.ImagePositionPatient = _POSITION.format(0.0).split("\\")
        ds.SOPInstanceUID = _UID.format(0)
        ds.InstanceNumber = "00000000"

    (path,) = ct_series(folder, slices=1, rows=size, columns=size, voxels=blank, intercept=0.0, modality=modality,
                        each=marked, tags={"SliceThickness": 1.0})  # fmt: skip
    raw = path.read_bytes()
    path.unlink()
    pixels = raw.rindex(bytes(2 * size * size))
    position, uid = _POSITION.format(0.0).encode(), _UID.format(0).encode()
    assert raw.count(position) == 1
    assert raw.count(uid) == 2
    assert raw.count(b"00000000") >= 1
    number = raw.index(b"IS\x08\x0000000000") + 4
    out = []
    for n, (z, instance) in enumerate(places):
        value = np.full(size * size, round(10 * z) + instance % 7919, "<i2").tobytes()
        made = bytearray(raw)
        made[pixels : pixels + len(value)] = value
        made[number : number + 8] = f"{instance:08d}".encode()
        made = made.replace(position, _POSITION.format(z).encode()).replace(uid, _UID.format(n + 1).encode())
        out.append(folder / f"{(n * 7919 + 13) % 100_003:06d}")
        out[-1].write_bytes(made)
    return out
