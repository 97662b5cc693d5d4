"""What the voxel values themselves tell: a blank border, a body cut off at the image's edge."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_AIR_HU = -1024
_BODY_HU = -200


def border_padding(
    voxels: npt.NDArray[np.int16] | npt.NDArray[np.float32], declared: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Padding value of a CT volume that declares none, or one that does not occur; None when there is none.

    More than 5 % of the voxels of the middle slices hold one minimum below -1024 HU, all of it outside the
    largest circle of the image (DICOM page 1.4).
    """
    count = voxels.shape[0]
    # One by one: masks of all five at once are fresh memory, and to get that takes longer than to fill it.
    some = [voxels[k] for k in sorted({0, count // 4, count // 2, 3 * count // 4, count - 1})]
    low = min(plane.min().item() for plane in some)
    if low >= _AIR_HU:
        return None
    if declared is not None and any(_within(plane, declared).any() for plane in some):
        return None
    blank = np.zeros(voxels.shape[1:], bool)  # anywhere in the stack
    blanks = 0
    for plane in some:
        here = plane == low
        blanks += int(np.count_nonzero(here))
        blank |= here
    if blanks <= 0.05 * len(some) * blank.size:
        return None
    rows, columns = voxels.shape[1:]
    y, x = np.arange(rows)[:, None] - (rows - 1) / 2, np.arange(columns) - (columns - 1) / 2
    radius = min(rows, columns) / 2
    inside = x**2 < (radius - 2) ** 2 - y**2
    if bool((blank & inside).any()):
        return None
    return (float(low), float(low))


def _within(
    values: npt.NDArray[np.int16] | npt.NDArray[np.float32], ends: tuple[float, float]
) -> npt.NDArray[np.bool_]:
    """Where values lie between two ends, or on them."""
    low, high = ends
    if values.dtype == np.int16:  # compared as they are; a real end would make real numbers of all of them first
        low, high = math.ceil(low), math.floor(high)
    return values == low if low == high else (values >= low) & (values <= high)


def cut_off(voxels: npt.NDArray[np.int16] | npt.NDArray[np.float32], padding: tuple[float, float] | None) -> bool:
    """Whether more than 10 % of a CT's slices show body along an edge of the image.

    Body: more than 15 % of an edge's pixels above -200 HU; a table's rim is narrower.
    """
    edges = (
        voxels[:, 0, :],
        voxels[:, -1, :],
        voxels[:, :, 0].copy(),
        voxels[:, :, -1].copy(),
    )  # columns lie far apart
    touched = np.zeros(voxels.shape[0], bool)
    for edge in edges:
        body = edge > _BODY_HU
        if padding is not None:
            body &= ~_within(edge, padding)
        touched |= np.count_nonzero(body, axis=1) / body.shape[1] > 0.15
    return bool(touched.mean() > 0.10)
