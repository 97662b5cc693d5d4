"""Blocks of 8 x 8 x 8 voxels: their extremes, and how far a ray may jump over empty ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from render.caster import EXACT

SHIFT = 3  # 8 voxels; 4 were slower in every case measured
_EDGE = 1 << SHIFT

Extremes = npt.NDArray[Any]
Distance = npt.NDArray[np.uint8]


def count(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Blocks along each axis; a block needs its upper neighbours, so n voxels have n - 1 intervals."""
    k, r, c = (max(1, (n - 1 + _EDGE - 1) >> SHIFT) for n in shape)
    return k, r, c


@njit(**EXACT)
def extremes(voxels: npt.NDArray[Any], first: int, end: int, low: Extremes, high: Extremes) -> None:
    """Fill layers `first` to `end` of the blocks' least and greatest voxel.

    A block looks at 9 x 9 x 9 voxels: interpolation inside it reaches the next block's first layer.
    """
    nk, nr, nc = voxels.shape
    for bk in range(first, end):
        for br in range(low.shape[1]):
            for bc in range(low.shape[2]):
                least = voxels[bk << SHIFT, br << SHIFT, bc << SHIFT]
                most = least
                for k in range(bk << SHIFT, min(nk, ((bk + 1) << SHIFT) + 1)):
                    for r in range(br << SHIFT, min(nr, ((br + 1) << SHIFT) + 1)):
                        for c in range(bc << SHIFT, min(nc, ((bc + 1) << SHIFT) + 1)):
                            value = voxels[k, r, c]
                            least = min(least, value)
                            most = max(most, value)
                low[bk, br, bc] = least
                high[bk, br, bc] = most


@njit(**EXACT)
def distances(
    low: Extremes,
    high: Extremes,
    kept: npt.NDArray[np.uint8],
    visible: npt.NDArray[np.int32],
    start: float,
    scale: float,
    out: Distance,
) -> None:
    """Blocks to the nearest visible one (Chebyshev distance, at most 255; 0 is visible itself).

    Parameters
    ----------
    kept : per block, 0 where nothing is drawn whatever its values
    visible : running count of table entries with opacity, one longer than the table
    start, scale : table entry = (value - start) * scale, clamped to the table
    """
    top = len(visible) - 2
    nk, nr, nc = out.shape
    for k in range(nk):
        for r in range(nr):
            for c in range(nc):
                # floor and ceiling, since interpolated values are rounded to the nearest entry
                a = min(max(int(np.floor((low[k, r, c] - start) * scale)), 0), top)
                b = min(max(int(np.ceil((high[k, r, c] - start) * scale)), 0), top)
                out[k, r, c] = 0 if kept[k, r, c] and visible[b + 1] - visible[a] > 0 else 255
    for k in range(nk):
        for r in range(nr):
            for c in range(nc):
                best = int(out[k, r, c])
                if best == 0:
                    continue
                for a in range(-1, 1):
                    for b in range(-1, 2):
                        for d in range(-1, 2):
                            if a == 0 and (b > 0 or (b == 0 and d >= 0)):
                                continue
                            if k + a >= 0 and 0 <= r + b < nr and 0 <= c + d < nc:
                                best = min(best, out[k + a, r + b, c + d] + 1)
                out[k, r, c] = min(best, 255)
    for k in range(nk - 1, -1, -1):
        for r in range(nr - 1, -1, -1):
            for c in range(nc - 1, -1, -1):
                best = int(out[k, r, c])
                if best == 0:
                    continue
                for a in range(2):
                    for b in range(-1, 2):
                        for d in range(-1, 2):
                            if a == 0 and (b < 0 or (b == 0 and d <= 0)):
                                continue
                            if k + a < nk and 0 <= r + b < nr and 0 <= c + d < nc:
                                best = min(best, out[k + a, r + b, c + d] + 1)
                out[k, r, c] = min(best, 255)


@njit(**EXACT)
def blocks_within(mask: npt.NDArray[np.uint8], scale: npt.NDArray[np.float64], out: npt.NDArray[np.uint8]) -> None:
    """Per block of voxels: whether the mask lets anything of it be seen (1) or nothing (0)."""
    top = (mask.shape[0] - 1, mask.shape[1] - 1, mask.shape[2] - 1)
    for k in range(out.shape[0]):
        for r in range(out.shape[1]):
            for c in range(out.shape[2]):
                seen = 0
                for i in range(min(int((k << SHIFT) * scale[0]), top[0]), _last(k, scale[0], top[0]) + 1):
                    for j in range(min(int((r << SHIFT) * scale[1]), top[1]), _last(r, scale[1], top[1]) + 1):
                        for m in range(min(int((c << SHIFT) * scale[2]), top[2]), _last(c, scale[2], top[2]) + 1):
                            if mask[i, j, m] > 127:
                                seen = 1
                out[k, r, c] = seen


@njit(inline="always")
def _last(block: int, scale: float, top: int) -> int:
    return min(int(np.ceil(((block + 1) << SHIFT) * scale)), top)
