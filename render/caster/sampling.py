"""Kernel of a plane: thin or thick, sampled from the voxels through any affine grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from render.caster import EXACT
from render.caster.lanes import cut, floats, four, get, halves, least, minus, most, pair, plus, same, spread, times

Voxels = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

MEAN, MAXIMUM, MINIMUM = 0, 1, 2
NEAREST, LINEAR, CUBIC = 0, 1, 2


@njit(inline="always")
def _inside(x: float, n: int) -> bool:
    # a voxel fills the cell around its centre: the grid ends half a voxel beyond the last centre
    return x >= -0.5 and x <= n - 0.5


@njit(inline="always")
def _low(x: float, n: int) -> tuple[int, int, float]:
    """Neighbours of a coordinate, clamped to the grid, and the weight of the upper one."""
    x = min(max(x, 0.0), n - 1.0)
    i = min(int(x), n - 1)
    return i, min(i + 1, n - 1), x - i


@njit(**EXACT)
def trilinear(voxels: Voxels, k: float, r: float, c: float) -> float:
    """Value at a fractional index inside the grid (coordinates beyond the outer centres are clamped)."""
    k0, k1, fk = _low(k, voxels.shape[0])
    r0, r1, fr = _low(r, voxels.shape[1])
    c0, c1, fc = _low(c, voxels.shape[2])
    a = voxels[k0, r0, c0] * (1.0 - fc) + voxels[k0, r0, c1] * fc
    b = voxels[k0, r1, c0] * (1.0 - fc) + voxels[k0, r1, c1] * fc
    d = voxels[k1, r0, c0] * (1.0 - fc) + voxels[k1, r0, c1] * fc
    e = voxels[k1, r1, c0] * (1.0 - fc) + voxels[k1, r1, c1] * fc
    return (a * (1.0 - fr) + b * fr) * (1.0 - fk) + (d * (1.0 - fr) + e * fr) * fk


@njit(**EXACT)
def _without_padding(voxels: Voxels, k: float, r: float, c: float, low: float, high: float) -> float:
    """Like `trilinear`, over the corners that are image; NaN where the nearest voxel is padding."""
    shape = voxels.shape
    nearest = voxels[
        min(max(int(np.floor(k + 0.5)), 0), shape[0] - 1),
        min(max(int(np.floor(r + 0.5)), 0), shape[1] - 1),
        min(max(int(np.floor(c + 0.5)), 0), shape[2] - 1),
    ]
    if low <= nearest <= high:
        return np.nan
    k0, k1, fk = _low(k, shape[0])
    r0, r1, fr = _low(r, shape[1])
    c0, c1, fc = _low(c, shape[2])
    total = 0.0
    weight = 0.0
    for i in range(8):
        kk, wk = (k1, fk) if i & 4 else (k0, 1.0 - fk)
        rr, wr = (r1, fr) if i & 2 else (r0, 1.0 - fr)
        cc, wc = (c1, fc) if i & 1 else (c0, 1.0 - fc)
        value = voxels[kk, rr, cc]
        if not low <= value <= high:
            w = wk * wr * wc
            total += w * value
            weight += w
    return total / weight if weight > 0.0 else np.nan


@njit(inline="always")
def _keys(f: float) -> tuple[float, float, float, float]:
    """Weights of cubic convolution (Keys 1981, a = -1/2): exact for quadratics, passes through the voxels."""
    f2, f3 = f * f, f * f * f
    return (
        -0.5 * f3 + f2 - 0.5 * f,
        1.5 * f3 - 2.5 * f2 + 1.0,
        -1.5 * f3 + 2.0 * f2 + 0.5 * f,
        0.5 * f3 - 0.5 * f2,
    )


@njit(**EXACT)
def _cubic(voxels: Voxels, k: float, r: float, c: float) -> float:
    nk, nr, nc = voxels.shape
    k = min(max(k, 0.0), nk - 1.0)
    r = min(max(r, 0.0), nr - 1.0)
    c = min(max(c, 0.0), nc - 1.0)
    ik, ir, ic = int(k), int(r), int(c)
    wk, wr, wc = _keys(k - ik), _keys(r - ir), _keys(c - ic)
    total = 0.0
    for a in range(4):
        kk = min(max(ik + a - 1, 0), nk - 1)
        for b in range(4):
            rr = min(max(ir + b - 1, 0), nr - 1)
            line = 0.0
            for d in range(4):
                line += wc[d] * voxels[kk, rr, min(max(ic + d - 1, 0), nc - 1)]
            total += wk[a] * wr[b] * line
    return total


@njit(**EXACT)
def _true(levels: Floats, shifts: Floats, k: float, r: float, c: float) -> tuple[float, float, float]:
    """Index in the acquired slices of an index of the affine; beyond the ends as far as the last gap reaches."""
    i = min(max(int(np.searchsorted(levels, k)) - 1, 0), len(levels) - 2)
    share = (k - levels[i]) / (levels[i + 1] - levels[i])
    near = min(max(share, 0.0), 1.0)
    return (
        i + share,
        r - shifts[i, 0] - near * (shifts[i + 1, 0] - shifts[i, 0]),
        c - shifts[i, 1] - near * (shifts[i + 1, 1] - shifts[i, 1]),
    )


@njit(**EXACT)
def sample_rows(
    voxels: Voxels,
    levels: Floats,
    shifts: Floats,
    start: Floats,
    right: Floats,
    down: Floats,
    through: Floats,
    count: int,
    mode: int,
    method: int,
    padded: bool,
    low: float,
    high: float,
    first: int,
    end: int,
    out: npt.NDArray[np.float32],
    done: npt.NDArray[np.int32],
) -> None:
    """Fill rows `first` to `end` of a plane picture.

    Parameters
    ----------
    voxels : (slices, rows, columns) int16 or float32
    levels, shifts : (slices,) and (slices, 2) of unevenly spaced slices, or empty (see `render.places.unevenness`)
    start, right, down, through : (3,) float64
        Fractional index of the top left pixel on the slab's first layer, and the steps in index space along
        the picture's row, its column, and from layer to layer.
    count, mode : number of layers, and how they join (MEAN, MAXIMUM, MINIMUM)
    method : NEAREST, LINEAR or CUBIC
    padded, low, high : whether values from low to high are no image
    out : (height, width) float32, NaN where there is no image
    done : (height, 2) int32: from which pixel to which a row is filled already, but for what is NaN in it
    """
    nk, nr, nc = voxels.shape
    for y in range(first, end):
        for x in range(out.shape[1]):
            if done[y, 0] <= x and x < done[y, 1] and out[y, x] == out[y, x]:
                continue
            k0 = start[0] + y * down[0] + x * right[0]
            r0 = start[1] + y * down[1] + x * right[1]
            c0 = start[2] + y * down[2] + x * right[2]
            best = 0.0
            number = 0
            for i in range(count):
                k = k0 + i * through[0]
                r = r0 + i * through[1]
                c = c0 + i * through[2]
                if len(levels):
                    k, r, c = _true(levels, shifts, k, r, c)
                if not (_inside(k, nk) and _inside(r, nr) and _inside(c, nc)):
                    continue
                if method == NEAREST:
                    value = float(
                        voxels[
                            min(max(int(np.floor(k + 0.5)), 0), nk - 1),
                            min(max(int(np.floor(r + 0.5)), 0), nr - 1),
                            min(max(int(np.floor(c + 0.5)), 0), nc - 1),
                        ]
                    )
                    if padded and low <= value <= high:
                        continue
                elif padded:
                    value = _without_padding(voxels, k, r, c, low, high)
                    if np.isnan(value):
                        continue
                elif method == CUBIC:
                    value = _cubic(voxels, k, r, c)
                else:
                    value = trilinear(voxels, k, r, c)
                if number == 0:
                    best = value
                elif mode == MEAN:
                    best += value
                elif mode == MAXIMUM:
                    best = max(best, value)
                else:
                    best = min(best, value)
                number += 1
            if number == 0:
                out[y, x] = np.nan
            elif mode == MEAN:
                out[y, x] = best / number
            else:
                out[y, x] = best


_NEAR = 16  # pixels that are counted from one exact place: small numbers are exact enough in 32 bits


@njit(inline="always")
def _span(start: float, step: float, deep: float, last: float, low: float, high: float) -> tuple[float, float]:
    """Cut an interval of pixels to those whose samples, the first and the last layer's, lie within 0 and `last`.

    A thousandth of a voxel within: what is counted in 32 bits may lie a hair beside its place.
    """
    bottom, top = max(0.0, -deep) + 1e-3, last - max(0.0, deep) - 1e-3
    if bottom > top:  # a slab that is thicker than the grid
        return 1.0, 0.0
    if abs(step) < 1e-12:
        if start < bottom or start > top:
            return 1.0, 0.0
        return low, high
    a, b = (bottom - start) / step, (top - start) / step
    return max(low, min(a, b)), min(high, max(a, b))


@njit(**EXACT)
def linear_rows(
    voxels: Voxels,
    start: Floats,
    right: Floats,
    down: Floats,
    through: Floats,
    count: int,
    mode: int,
    padded: bool,
    low: float,
    high: float,
    first: int,
    end: int,
    out: npt.NDArray[np.float32],
    done: npt.NDArray[np.int32],
) -> None:
    """Fill what lies well inside of the voxels in rows `first` to `end`; see `sample_rows`, of which this is a part.

    Parameters
    ----------
    done : (height, 2) int32: from which pixel to which (exclusive) a row was filled. A pixel in between that is left
        to `sample_rows`, since padding is near, is NaN.
    """
    nk, nr, nc = voxels.shape
    slices, rows = nr * nc, nc
    step, deep = four(right[0], right[1], right[2], 0), four(through[0], through[1], through[2], 0)
    per_layer = np.float32(1.0 / count)
    ahead = 1.0  # voxels that are added to keep them positive
    for axis in range(3):
        ahead = max(ahead, np.ceil(_NEAR * abs(right[axis]) + count * abs(through[axis])) + 1.0)
    for y in range(first, end):
        k0, r0, c0 = start[0] + y * down[0], start[1] + y * down[1], start[2] + y * down[2]
        a, b = 0.0, out.shape[1] - 1.0
        a, b = _span(k0, right[0], (count - 1) * through[0], nk - 1.0, a, b)
        a, b = _span(r0, right[1], (count - 1) * through[1], nr - 1.0, a, b)
        a, b = _span(c0, right[2], (count - 1) * through[2], nc - 1.0, a, b)
        x0, x1 = (int(np.ceil(a)), int(np.floor(b)) + 1) if a <= b else (0, 0)
        done[y, 0], done[y, 1] = x0, x1
        for left in range(x0, x1, _NEAR):
            pk, pr, pc = k0 + left * right[0], r0 + left * right[1], c0 + left * right[2]
            ik, ir, ic = int(pk - ahead), int(pr - ahead), int(pc - ahead)
            base = ik * slices + ir * rows + ic
            begin = four(pk - ik, pr - ir, pc - ic, 0)
            for x in range(left, min(left + _NEAR, x1)):
                place = plus(begin, times(same(x - left), step))
                total = np.float32(0)
                if mode != MEAN:
                    total = np.float32(-1e30) if mode == MAXIMUM else np.float32(1e30)
                for layer in range(count):
                    p = plus(place, times(same(layer), deep))
                    at = cut(p)
                    share = minus(p, floats(at))
                    index = base + get(at, 0) * slices + get(at, 1) * rows + get(at, 2)
                    before = pair(voxels, index, index + rows)
                    behind = pair(voxels, index + slices, index + slices + rows)
                    if padded:
                        some = least(before, behind)
                        some = least(some, halves(some))
                        if min(get(some, 0), get(some, 1)) <= high:
                            some = most(before, behind)
                            some = most(some, halves(some))
                            if max(get(some, 0), get(some, 1)) >= low:
                                total = np.float32(np.nan)
                                break
                    v = plus(before, times(minus(behind, before), spread(share, 0)))
                    v = plus(v, times(minus(halves(v), v), spread(share, 1)))
                    value = get(v, 0) + (get(v, 1) - get(v, 0)) * get(share, 2)
                    if mode == MEAN:
                        total += value
                    elif mode == MAXIMUM:
                        total = max(total, value)
                    else:
                        total = min(total, value)
                out[y, x] = total * per_layer if mode == MEAN else total


@njit(**EXACT)
def grey_rows(
    values: npt.NDArray[np.float32],
    center: float,
    width: float,
    inverted: bool,
    first: int,
    end: int,
    out: npt.NDArray[np.uint8],
) -> None:
    """Linear window of rows `first` to `end` as RGB; what is NaN is black. See `render.tones.grey`."""
    c, w = np.float32(center), np.float32(width)
    half, one, top = np.float32(0.5), np.float32(1), np.float32(255)
    for y in range(first, end):
        for x in range(values.shape[1]):
            share = min(max((values[y, x] - c) / w + half, np.float32(0)), one)
            if inverted:
                share = one - share
            shade = np.uint8(share * top + half) if values[y, x] == values[y, x] else np.uint8(0)
            out[y, x, 0] = shade
            out[y, x, 1] = shade
            out[y, x, 2] = shade


@njit(**EXACT)
def along(voxels: Voxels, start: Floats, step: Floats, out: Floats) -> None:
    """Values at ``start + n * step`` (fractional indices); NaN outside the grid."""
    for n in range(len(out)):
        k, r, c = start[0] + n * step[0], start[1] + n * step[1], start[2] + n * step[2]
        if _inside(k, voxels.shape[0]) and _inside(r, voxels.shape[1]) and _inside(c, voxels.shape[2]):
            out[n] = trilinear(voxels, k, r, c)
        else:
            out[n] = np.nan


@njit(**EXACT)
def stack_rows(
    voxels: Voxels,
    places: Floats,
    lower: npt.NDArray[np.int64],
    weight: Floats,
    origin: Floats,
    down: Floats,
    right: Floats,
    solve: Floats,
    fill: float,
    whole: bool,
    first: int,
    end: int,
    out: Voxels,
) -> None:
    """Fill slices `first` to `end` of a regular grid from slices that lie anywhere (sheared, uneven).

    Parameters
    ----------
    places : (slices, 3) float64, true LPS of each acquired slice's first voxel
    lower, weight : for each new slice the acquired one below it, and the share of the next one
    origin, down, right : (3,) float64, LPS of the new grid's first voxel of each slice: origin (new slices, 3)
    solve : (2, 3) float64, LPS offset to (row, column) index within an acquired slice
    fill : value outside; whole : round to integers
    """
    nr, nc = voxels.shape[1], voxels.shape[2]
    for k in range(first, end):
        i = lower[k]
        for r in range(out.shape[1]):
            for c in range(out.shape[2]):
                total = 0.0
                sum_of_weights = 0.0
                for side in range(2):
                    w = weight[k] if side else 1.0 - weight[k]
                    if w <= 0.0:
                        continue
                    s = i + side
                    x = origin[k, 0] + r * down[0] + c * right[0] - places[s, 0]
                    y = origin[k, 1] + r * down[1] + c * right[1] - places[s, 1]
                    z = origin[k, 2] + r * down[2] + c * right[2] - places[s, 2]
                    row = solve[0, 0] * x + solve[0, 1] * y + solve[0, 2] * z
                    column = solve[1, 0] * x + solve[1, 1] * y + solve[1, 2] * z
                    if not (_inside(row, nr) and _inside(column, nc)):
                        continue
                    r0, r1, fr = _low(row, nr)
                    c0, c1, fc = _low(column, nc)
                    value = (voxels[s, r0, c0] * (1.0 - fc) + voxels[s, r0, c1] * fc) * (1.0 - fr) + (
                        voxels[s, r1, c0] * (1.0 - fc) + voxels[s, r1, c1] * fc
                    ) * fr
                    total += w * value
                    sum_of_weights += w
                if sum_of_weights > 0.0:
                    value = total / sum_of_weights
                    out[k, r, c] = np.floor(value + 0.5) if whole else value
                else:
                    out[k, r, c] = fill
