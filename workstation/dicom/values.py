"""What the voxel values themselves tell: a blank border, a body cut off at the image's edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_AIR_HU = -1024.0
_BODY_HU = -200.0


def border_padding(
    voxels: npt.NDArray[np.int16] | npt.NDArray[np.float32], declared: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Padding value of a CT volume that declares none, or one that does not occur; None when there is none.

    More than 5 % of the voxels of the middle slices hold one minimum below -1024 HU, all of it outside the
    largest circle of the image (DICOM page 1.4).
    """
    count = voxels.shape[0]
    which = sorted({0, count // 4, count // 2, 3 * count // 4, count - 1})
    low = float(min(voxels[k].min() for k in which))
    if low >= _AIR_HU:
        return None
    some = voxels[which]
    if declared is not None and bool(((some >= declared[0]) & (some <= declared[1])).any()):
        return None
    blank = some == low
    if np.count_nonzero(blank) <= 0.05 * blank.size:
        return None
    rows, columns = voxels.shape[1:]
    y, x = np.arange(rows)[:, None] - (rows - 1) / 2, np.arange(columns) - (columns - 1) / 2
    radius = min(rows, columns) / 2
    inside = x**2 < (radius - 2) ** 2 - y**2
    if bool((blank.any(axis=0) & inside).any()):
        return None
    return (low, low)


def cut_off(voxels: npt.NDArray[np.int16] | npt.NDArray[np.float32], padding: tuple[float, float] | None) -> bool:
    """Whether more than 10 % of a CT's slices show body along an edge of the image.

    Body: more than 15 % of an edge's pixels above -200 HU; a table's rim is narrower.
    """
    edges = (voxels[:, 0, :], voxels[:, -1, :], voxels[:, :, 0], voxels[:, :, -1])
    touched = np.zeros(voxels.shape[0], bool)
    for edge in edges:
        body = edge > _BODY_HU
        if padding is not None:
            body &= (edge < padding[0]) | (edge > padding[1])
        touched |= body.mean(axis=1) > 0.15
    return bool(touched.mean() > 0.10)
