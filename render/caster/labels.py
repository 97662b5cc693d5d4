"""Kernels of label volumes: thresholds into labels, what hangs together, which blocks of voxels hold what is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from render.caster import EXACT
from render.caster.cells import SHIFT

U8 = npt.NDArray[np.uint8]
F64 = npt.NDArray[np.float64]

NONE = np.zeros((1, 1, 1), dtype=np.uint8)
NO_MAP = np.zeros((3, 4), dtype=np.float64)
NO_LOOK = np.zeros((256, 5), dtype=np.float32)


@njit(**EXACT)
def within_band(
    voxels: npt.NDArray[Any],
    low: float,
    high: float,
    padded: bool,
    pad_low: float,
    pad_high: float,
    cuts: F64,
    first: int,
    end: int,
    out: U8,
) -> None:
    """Fill slices `first` to `end`: 1 where a value lies in the band, is no padding, and its voxel in all half-spaces.

    cuts : (n, 4), ``a . index + d >= 0`` is inside
    """
    for k in range(first, end):
        for r in range(voxels.shape[1]):
            for c in range(voxels.shape[2]):
                value = voxels[k, r, c]
                inside = low <= value <= high and not (padded and pad_low <= value <= pad_high)
                if inside:
                    for n in range(len(cuts)):
                        if cuts[n, 0] * k + cuts[n, 1] * r + cuts[n, 2] * c + cuts[n, 3] < 0:
                            inside = False
                            break
                out[k, r, c] = 1 if inside else 0


@njit(**EXACT)
def connected(state: U8, k: int, r: int, c: int) -> int:
    """Turn 1 into 2 for all voxels that hang together with a seed by faces; how many there are."""
    nk, nr, nc = state.shape
    if state[k, r, c] != 1:
        return 0
    stack = np.empty(1024, dtype=np.int64)
    stack[0] = (k * nr + r) * nc + c
    size = 1
    state[k, r, c] = 2
    found = 1
    while size > 0:
        size -= 1
        place = stack[size]
        c = place % nc
        r = place // nc % nr
        k = place // (nc * nr)
        if size + 6 > len(stack):
            longer = np.empty(2 * len(stack), dtype=np.int64)
            longer[: len(stack)] = stack
            stack = longer
        for side in range(6):
            i = k + (1 if side == 0 else -1 if side == 1 else 0)
            j = r + (1 if side == 2 else -1 if side == 3 else 0)
            m = c + (1 if side == 4 else -1 if side == 5 else 0)
            if i < 0 or j < 0 or m < 0 or i >= nk or j >= nr or m >= nc or state[i, j, m] != 1:
                continue
            state[i, j, m] = 2
            stack[size] = (i * nr + j) * nc + m
            size += 1
            found += 1
    return found


@njit(**EXACT)
def put(state: U8, wanted: int, number: int, first: int, end: int, labels: U8) -> None:
    """Write a label wherever `state` is as wanted, in slices `first` to `end`."""
    for k in range(first, end):
        for r in range(state.shape[1]):
            for c in range(state.shape[2]):
                if state[k, r, c] == wanted:
                    labels[k, r, c] = number


@njit(**EXACT)
def blocks_shown(labels: U8, m: F64, shown: U8, first: int, end: int, out: U8) -> None:
    """Per block of voxels of layers `first` to `end`: whether any label in it is shown.

    Parameters
    ----------
    m : (3, 4) from voxel index to label index
    shown : (256,) 1 for the labels that are drawn
    """
    low = np.empty(3, dtype=np.int64)
    high = np.empty(3, dtype=np.int64)
    for k in range(first, end):
        for r in range(out.shape[1]):
            for c in range(out.shape[2]):
                outside = False
                for axis in range(3):
                    least = m[axis, 3]
                    most = m[axis, 3]
                    for other in range(3):
                        start = (k if other == 0 else r if other == 1 else c) << SHIFT
                        a, b = m[axis, other] * start, m[axis, other] * (start + (1 << SHIFT))
                        least += min(a, b)
                        most += max(a, b)
                    low[axis], high[axis] = int(np.floor(least)), int(np.floor(most)) + 1
                    if low[axis] < 0 or high[axis] > labels.shape[axis] - 1:
                        outside = True
                        low[axis], high[axis] = max(low[axis], 0), min(high[axis], labels.shape[axis] - 1)
                seen = 1 if outside and shown[0] else 0
                for i in range(low[0], high[0] + 1):
                    if seen:
                        break
                    for j in range(low[1], high[1] + 1):
                        if seen:
                            break
                        for n in range(low[2], high[2] + 1):
                            if shown[labels[i, j, n]]:
                                seen = 1
                                break
                out[k, r, c] = seen


@njit(**EXACT)
def on_plane(labels: U8, start: F64, right: F64, down: F64, first: int, end: int, out: U8) -> None:
    """Nearest labels of a plane's rows `first` to `end`; `start`, `right`, `down` in the labels' index."""
    for y in range(first, end):
        for x in range(out.shape[1]):
            i = int(np.floor(start[0] + y * down[0] + x * right[0] + 0.5))
            j = int(np.floor(start[1] + y * down[1] + x * right[1] + 0.5))
            n = int(np.floor(start[2] + y * down[2] + x * right[2] + 0.5))
            inside = 0 <= i < labels.shape[0] and 0 <= j < labels.shape[1] and 0 <= n < labels.shape[2]
            out[y, x] = labels[i, j, n] if inside else 0
