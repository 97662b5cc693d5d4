"""The airways of a chest CT: the air that hangs together with the windpipe, for looking only.

The windpipe is looked for from the head's end: a round of air near the middle of the body. From there air is followed
at rising limits, as long as the tree grows and does not spill into the lungs (the leak guard). What is found is
widened by a voxel, so that the look shows the wall as a smooth border.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_AIR_HU = -850.0
_LIMITS_HU = range(-980, -859, 10)
_ROUND_MM2 = (60.0, 700.0)  # a windpipe's section: 13 to 27 mm across in adults, smaller in children
_MIDDLE_MM = 45.0
_MOST_ML, _LEAST_ML, _LEAK = 150.0, 3.0, 1.5  # no tree is larger; growth of a step beyond which it has leaked
_SMALL_ML = 40.0  # below this a step may grow as it likes: a new bronchus was reached
_LOOKED_AT = 0.4  # share of the slices, from the head on, in which the windpipe may begin


def tree(hu: npt.NDArray[Any], inner: Bools, edges: Floats, to_head: bool) -> Bools | None:
    """Voxels of the airways, or None where no windpipe is found.

    Parameters
    ----------
    hu : (slices, rows, columns) HU, already smoothed a little; inner : inside of the body, same shape
    edges : (3,) mm; to_head : whether the slices rise towards the head
    """
    from scipy import ndimage

    begin = _windpipe(hu, inner, edges, to_head)
    if begin is None:
        return None
    found: Bools | None = None
    before = 0.0
    for limit in _LIMITS_HU:
        parts, _ = ndimage.label((hu < limit) & inner)
        label = int(parts[begin])
        if label == 0:
            continue
        grown: Bools = parts == label
        millilitres = float(np.count_nonzero(grown)) * float(edges.prod()) / 1000
        if millilitres > _MOST_ML or (millilitres > _SMALL_ML and millilitres > _LEAK * before):
            break
        found, before = grown, millilitres
    if found is None or before < _LEAST_ML:
        return None
    return np.asarray(ndimage.binary_dilation(found, iterations=1), dtype=bool)


def _windpipe(hu: npt.NDArray[Any], inner: Bools, edges: Floats, to_head: bool) -> tuple[int, int, int] | None:
    from scipy import ndimage

    slices = range(hu.shape[0] - 1, -1, -1) if to_head else range(hu.shape[0])
    for k in list(slices)[: max(1, int(hu.shape[0] * _LOOKED_AT))]:
        if not inner[k].any():
            continue
        middle = np.argwhere(inner[k]).mean(axis=0)
        parts, count = ndimage.label((hu[k] < _AIR_HU) & inner[k])
        for number in range(1, count + 1):
            points = np.argwhere(parts == number)
            area = len(points) * float(edges[1] * edges[2])
            if not _ROUND_MM2[0] <= area <= _ROUND_MM2[1]:
                continue
            high, wide = (np.ptp(points, axis=0) + 1) * edges[1:]
            away = abs(float((points.mean(axis=0) - middle)[1] * edges[2]))
            if area / (high * wide) > 0.55 and max(high, wide) < 2.5 * min(high, wide) and away < _MIDDLE_MM:
                deepest = points[int(hu[k][tuple(points.T)].argmin())]
                return k, int(deepest[0]), int(deepest[1])
    return None
