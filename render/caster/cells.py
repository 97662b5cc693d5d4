"""Blocks of 8 x 8 x 8 voxels: their extremes, and how far a ray may jump over empty ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from render.caster import EXACT

SHIFT = 3  # 8 voxels; 4 were slower in every case measured
FINE, COARSE = 2, 5  # cells of 4 and of 32 voxels: a projection skips by all three

Extremes = npt.NDArray[Any]
Distance = npt.NDArray[np.uint8]


def count(shape: tuple[int, int, int], shift: int = SHIFT) -> tuple[int, int, int]:
    """Blocks along each axis; a block needs its upper neighbours, so n voxels have n - 1 intervals."""
    k, r, c = (max(1, (n - 1 + (1 << shift) - 1) >> shift) for n in shape)
    return k, r, c


@njit(**EXACT)
def extremes(voxels: npt.NDArray[Any], first: int, end: int, low: Extremes, high: Extremes) -> None:
    """Fill layers `first` to `end` of the least and greatest voxel of cells of 4 x 4 x 4 voxels.

    A cell looks at 5 x 5 x 5 voxels: interpolation inside it reaches the next cell's first layer.
    """
    nk, nr, nc = voxels.shape
    lines = np.empty((2, low.shape[1], nc), dtype=voxels.dtype)
    for k in range(first, end):
        k0, k1 = k << FINE, min(nk, ((k + 1) << FINE) + 1)
        for r in range(low.shape[1]):
            r0, r1 = r << FINE, min(nr, ((r + 1) << FINE) + 1)
            lines[0, r, :] = voxels[k0, r0]
            lines[1, r, :] = voxels[k0, r0]
            for i in range(k0, k1):
                for j in range(r0, r1):
                    for c in range(nc):
                        value = voxels[i, j, c]
                        lines[0, r, c] = min(lines[0, r, c], value)
                        lines[1, r, c] = max(lines[1, r, c], value)
            for c in range(low.shape[2]):
                least = lines[0, r, c << FINE]
                most = lines[1, r, c << FINE]
                for m in range(c << FINE, min(nc, ((c + 1) << FINE) + 1)):
                    least = min(least, lines[0, r, m])
                    most = max(most, lines[1, r, m])
                low[k, r, c] = least
                high[k, r, c] = most


@njit(**EXACT)
def coarser(low: Extremes, high: Extremes, shift: int, out_low: Extremes, out_high: Extremes) -> None:
    """Extremes of cells whose edges are ``2 ** shift`` times as long."""
    nk, nr, nc = low.shape
    for k in range(out_low.shape[0]):
        for r in range(out_low.shape[1]):
            for c in range(out_low.shape[2]):
                least = low[k << shift, r << shift, c << shift]
                most = high[k << shift, r << shift, c << shift]
                for i in range(k << shift, min(nk, (k + 1) << shift)):
                    for j in range(r << shift, min(nr, (r + 1) << shift)):
                        for m in range(c << shift, min(nc, (c + 1) << shift)):
                            least = min(least, low[i, j, m])
                            most = max(most, high[i, j, m])
                out_low[k, r, c] = least
                out_high[k, r, c] = most


@njit(**EXACT)
def visible(
    low: Extremes,
    high: Extremes,
    kept: npt.NDArray[np.uint8],
    seen: npt.NDArray[np.int32],
    start: float,
    scale: float,
    out: Distance,
) -> None:
    """Which blocks hold anything to be seen: 0, or 255 where nothing.

    Parameters
    ----------
    kept : per block, 0 where nothing is drawn whatever its values
    seen : running count of table entries with opacity, one longer than the table
    start, scale : table entry = (value - start) * scale, clamped to the table
    """
    top = len(seen) - 2
    nk, nr, nc = out.shape
    for k in range(nk):
        for r in range(nr):
            for c in range(nc):
                # floor and ceiling, since interpolated values are rounded to the nearest entry
                a = min(max(int(np.floor((low[k, r, c] - start) * scale)), 0), top)
                b = min(max(int(np.ceil((high[k, r, c] - start) * scale)), 0), top)
                out[k, r, c] = 0 if kept[k, r, c] and seen[b + 1] - seen[a] > 0 else 255


@njit(**EXACT)
def distances(seen: Distance, octant: int, out: Distance) -> None:
    """Blocks to the nearest visible one, counting only what lies ahead in one octant (Chebyshev, at most 255).

    A ray that moves towards larger (or smaller) indices along each axis may jump over the cube of ``distance``
    blocks ahead of it, whatever lies behind or beside: twice as far as the distance to all sides allows.

    Parameters
    ----------
    seen : see `visible`
    octant : 4 where slices grow along the ray, 2 rows, 1 columns, added up
    """
    nk, nr, nc = seen.shape
    sk, sr, sc = 1 if octant & 4 else -1, 1 if octant & 2 else -1, 1 if octant & 1 else -1
    for a in range(nk):
        k = nk - 1 - a if sk > 0 else a
        inside_k = 0 <= k + sk < nk
        for b in range(nr):
            r = nr - 1 - b if sr > 0 else b
            inside_r = 0 <= r + sr < nr
            for d in range(nc):
                c = nc - 1 - d if sc > 0 else d
                if seen[k, r, c] == 0:
                    out[k, r, c] = 0
                    continue
                inside_c = 0 <= c + sc < nc
                best = 254
                if inside_c:
                    best = min(best, int(out[k, r, c + sc]))
                if inside_r:
                    best = min(best, int(out[k, r + sr, c]))
                    if inside_c:
                        best = min(best, int(out[k, r + sr, c + sc]))
                if inside_k:
                    best = min(best, int(out[k + sk, r, c]))
                    if inside_c:
                        best = min(best, int(out[k + sk, r, c + sc]))
                    if inside_r:
                        best = min(best, int(out[k + sk, r + sr, c]))
                        if inside_c:
                            best = min(best, int(out[k + sk, r + sr, c + sc]))
                out[k, r, c] = best + 1


@njit(**EXACT)
def blocks_within(mask: npt.NDArray[np.uint8], scale: npt.NDArray[np.float64], out: npt.NDArray[np.uint8]) -> None:
    """Per block of voxels: whether the mask lets all of it be seen (2), a part (1) or nothing (0)."""
    top = (mask.shape[0] - 1, mask.shape[1] - 1, mask.shape[2] - 1)
    for k in range(out.shape[0]):
        for r in range(out.shape[1]):
            for c in range(out.shape[2]):
                seen, hidden = 0, 0
                for i in range(min(int((k << SHIFT) * scale[0]), top[0]), _last(k, scale[0], top[0]) + 1):
                    for j in range(min(int((r << SHIFT) * scale[1]), top[1]), _last(r, scale[1], top[1]) + 1):
                        for m in range(min(int((c << SHIFT) * scale[2]), top[2]), _last(c, scale[2], top[2]) + 1):
                            if mask[i, j, m] >= 127:
                                seen = 1
                            else:
                                hidden = 1
                out[k, r, c] = seen * (2 - hidden)


@njit(inline="always")
def _last(block: int, scale: float, top: int) -> int:
    return min(int(np.ceil(((block + 1) << SHIFT) * scale)), top)
