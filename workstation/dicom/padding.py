"""Voxels outside the image, where the slices of a volume declare different values for them.

Pixel Padding Value and its limit (0028,0120/0121) are each file's own, and stored values: under a rescale of its own a
slice's padding is another modality value than its neighbour's (PS3.3 C.7.5.1.1.2). A volume has one interval for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from render.volume import Voxels

Interval = tuple[float, float]


def common(paddings: Iterable[Interval | None]) -> tuple[Interval | None, bool]:
    """The first slice's interval that there is, and whether it holds for every slice."""
    declared = list(paddings)
    first = next((p for p in declared if p is not None), None)
    return first, all(p == first for p in declared)


def settled(voxels: Voxels, paddings: Sequence[Interval | None], missing: Iterable[int]) -> Interval | None:
    """One interval for all slices; None where 16 bits have no value left for it.

    The interval that spans all, where that takes no voxel of the image with it: then nothing is touched. Else what
    the slices declare to lie outside gets one value below all that lies inside, in place.

    Parameters
    ----------
    voxels : (slices, rows, columns) modality values; written where there is no other way
    paddings : closed interval of each slice, None where it declares none
    missing : slices that hold nothing yet
    """
    gone = set(missing)
    there = [k for k in range(voxels.shape[0]) if k not in gone]
    low = min(p[0] for p in paddings if p is not None)
    high = max(p[1] for p in paddings if p is not None)
    if all(_same(within(voxels[k], (low, high)), _outside(voxels[k], paddings[k])) for k in there):
        return (low, high)
    lowest = low
    for k in there:
        inside = voxels[k][~_outside(voxels[k], paddings[k])]
        if inside.size:
            lowest = min(lowest, float(inside.min()))
    value = float(np.floor(lowest)) - 1
    if voxels.dtype == np.int16 and value < np.iinfo(np.int16).min:
        return None
    for k in there:
        voxels[k][_outside(voxels[k], paddings[k])] = value
    return (value, value)


def within(values: npt.NDArray[Any], interval: Interval) -> npt.NDArray[np.bool_]:
    """Which values lie in a closed interval."""
    return np.asarray((values >= interval[0]) & (values <= interval[1]))


def _outside(plane: npt.NDArray[Any], padding: Interval | None) -> npt.NDArray[np.bool_]:
    return np.zeros(plane.shape, np.bool_) if padding is None else within(plane, padding)


def _same(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> bool:
    return bool(np.array_equal(a, b))
