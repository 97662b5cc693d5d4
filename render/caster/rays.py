"""Kernels that follow rays through a regular grid: shaded volume rendering, and projections.

Space of the kernels: fractional index (slice, row, column); a ray is ``origin + t * direction`` with t in
millimetres, so the direction is index per millimetre. Samples stand at whole multiples of the step from t = 0,
whatever is skipped: pictures do not depend on skipping. Where much light ends at one sample, its step is taken in
parts: where in it a surface begins decides how that is lit, and steep looks would else show rings like wood grain.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from render.caster import FAST
from render.caster.cells import COARSE, FINE, SHIFT
from render.caster.lanes import (
    both,
    cut,
    floats,
    four,
    get,
    halves,
    least,
    lowest,
    minus,
    most,
    pair,
    plus,
    row,
    same,
    shifted,
    spread,
    sums,
    times,
    whole,
)  # fmt: skip

Voxels = npt.NDArray[Any]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]

TILE = 16
BLOCK = 1 << SHIFT
FINER = 3
MAXIMUM, MINIMUM, MEAN = 0, 1, 2
NOWHERE = -(1 << 40)
_INSIDE = np.float32(1e-3)  # of a step: surely behind the face through which a cell is entered
_PLAIN = 0.75  # brightness of what has no gradient to be shaded by


@njit(inline="always")
def _clip(o: float, d: float, low: float, high: float, near: float, far: float) -> tuple[float, float]:
    """Cut an interval of t by one pair of parallel planes; empty intervals end with near > far."""
    if abs(d) < 1e-12:
        if o < low or o > high:
            return 1.0, 0.0
        return near, far
    a = (low - o) / d
    b = (high - o) / d
    return max(near, min(a, b)), min(far, max(a, b))


@njit(inline="always")
def _value(v: Voxels, i: int, j: int, m: int, fk: float, fr: float, fc: float) -> float:
    ec = np.float32(1) - fc
    a = np.float32(v[i, j, m]) * ec + np.float32(v[i, j, m + 1]) * fc
    b = np.float32(v[i, j + 1, m]) * ec + np.float32(v[i, j + 1, m + 1]) * fc
    c = np.float32(v[i + 1, j, m]) * ec + np.float32(v[i + 1, j, m + 1]) * fc
    d = np.float32(v[i + 1, j + 1, m]) * ec + np.float32(v[i + 1, j + 1, m + 1]) * fc
    a += (b - a) * fr
    c += (d - c) * fr
    a += (c - a) * fk
    return a  # type: ignore[return-value]


@njit(inline="always")
def _share(mask: U8, scale: F64, k: float, r: float, c: float) -> float:
    """How far inside a soft mask a voxel index lies, 0 to 255."""
    k = min(k * scale[0], mask.shape[0] - 1.001)
    r = min(r * scale[1], mask.shape[1] - 1.001)
    c = min(c * scale[2], mask.shape[2] - 1.001)
    i, j, m = max(int(k), 0), max(int(r), 0), max(int(c), 0)
    return _value(mask, i, j, m, np.float32(k - i), np.float32(r - j), np.float32(c - m))


@njit(inline="always")
def _cut(
    cuts: F64, ok: float, orow: float, oc: float, dk: float, dr: float, dc: float, near: float, far: float
) -> tuple[float, float]:
    """Cut an interval of t by half-spaces ``a . index + d >= 0``."""
    for n in range(len(cuts)):
        a, b, c = cuts[n, 0], cuts[n, 1], cuts[n, 2]
        o = ok * a + orow * b + oc * c
        d = dk * a + dr * b + dc * c
        if abs(d) < 1e-12:
            if o < -cuts[n, 3]:
                return 1.0, 0.0
        elif d > 0:
            near = max(near, (-cuts[n, 3] - o) / d)
        else:
            far = min(far, (-cuts[n, 3] - o) / d)
    return near, far


@njit(inline="always")
def _ray(
    origin: F64, across: F64, along: F64, ahead: F64, perspective: bool, to_mm: F64, cuts: F64,
    nk: int, nr: int, nc: int, x: int, y: int,
) -> tuple[float, float, float, float, float, float, float, float]:  # fmt: skip
    """Origin and direction (index per mm) of a pixel's ray, and where it runs through what is kept of the grid.

    From t = near to t = far in mm; near > far where it misses.
    """
    ok, orow, oc = origin[0], origin[1], origin[2]
    dk, dr, dc = ahead[0], ahead[1], ahead[2]
    if perspective:
        dk += x * across[0] + y * along[0]
        dr += x * across[1] + y * along[1]
        dc += x * across[2] + y * along[2]
        size = np.sqrt((dk * to_mm[0]) ** 2 + (dr * to_mm[1]) ** 2 + (dc * to_mm[2]) ** 2)
        dk /= size
        dr /= size
        dc /= size
    else:
        ok += x * across[0] + y * along[0]
        orow += x * across[1] + y * along[1]
        oc += x * across[2] + y * along[2]
    near, far = (1e-3, 1e9) if perspective else (-1e9, 1e9)
    near, far = _clip(ok, dk, 0.0, nk - 1.001, near, far)
    near, far = _clip(orow, dr, 0.0, nr - 1.001, near, far)
    near, far = _clip(oc, dc, 0.0, nc - 1.001, near, far)
    near, far = _cut(cuts, ok, orow, oc, dk, dr, dc, near, far)
    return ok, orow, oc, dk, dr, dc, near, far


@njit(inline="always")
def _ways(dk: float, dr: float, dc: float, step: float) -> tuple[Any, Any]:
    """Steps per index along each axis, and what makes an axis along which a ray does not move never the next face."""
    inverse = four(
        1 / (dk * step) if abs(dk) > 1e-9 else 0.0,
        1 / (dr * step) if abs(dr) > 1e-9 else 0.0,
        1 / (dc * step) if abs(dc) > 1e-9 else 0.0,
        0.0,
    )
    never = four(
        0.0 if abs(dk) > 1e-9 else 1e30,
        0.0 if abs(dr) > 1e-9 else 1e30,
        0.0 if abs(dc) > 1e-9 else 1e30,
        0.0,
    )
    return inverse, never


@njit(inline="always")
def _label(labels: U8, m: F64, k: float, r: float, c: float) -> int:
    """Label of the voxel nearest to an index of the volume; 0 outside of the labels' grid."""
    i = int(np.floor(m[0, 0] * k + m[0, 1] * r + m[0, 2] * c + m[0, 3] + 0.5))
    j = int(np.floor(m[1, 0] * k + m[1, 1] * r + m[1, 2] * c + m[1, 3] + 0.5))
    n = int(np.floor(m[2, 0] * k + m[2, 1] * r + m[2, 2] * c + m[2, 3] + 0.5))
    if i < 0 or j < 0 or n < 0 or i >= labels.shape[0] or j >= labels.shape[1] or n >= labels.shape[2]:
        return 0
    return int(labels[i, j, n])


@njit(inline="always")
def _counts(labels: U8, m: F64, look: F32, deep: bool, k: float, r: float, c: float) -> bool:
    """Whether a sample lies in what is shown; `deep` within it, where no hidden voxel has a part in the value."""
    if not deep:
        return look[_label(labels, m, k, r, c), 0] > np.float32(0)
    for corner in range(8):
        a = np.floor(k) + (corner >> 2)
        b = np.floor(r) + (corner >> 1 & 1)
        d = np.floor(c) + (corner & 1)
        if look[_label(labels, m, a, b, d), 0] <= np.float32(0):
            return False
    return True


@njit(**FAST)
def _segment(labels: U8, m: F64, look: F32, k: float, r: float, c: float) -> tuple[float, float, float, float, float]:
    """Opacity factor, premultiplied tint and its amount, smooth between the eight labels around an index."""
    x = m[0, 0] * k + m[0, 1] * r + m[0, 2] * c + m[0, 3]
    y = m[1, 0] * k + m[1, 1] * r + m[1, 2] * c + m[1, 3]
    z = m[2, 0] * k + m[2, 1] * r + m[2, 2] * c + m[2, 3]
    if not (
        x > -0.5 and y > -0.5 and z > -0.5
        and x < labels.shape[0] - 0.5 and y < labels.shape[1] - 0.5 and z < labels.shape[2] - 0.5
    ):  # fmt: skip
        return look[0, 0], look[0, 1], look[0, 2], look[0, 3], look[0, 4]
    x = min(max(x, 0.0), labels.shape[0] - 1.0)
    y = min(max(y, 0.0), labels.shape[1] - 1.0)
    z = min(max(z, 0.0), labels.shape[2] - 1.0)
    i, j, n = int(x), int(y), int(z)
    i1, j1, n1 = min(i + 1, labels.shape[0] - 1), min(j + 1, labels.shape[1] - 1), min(n + 1, labels.shape[2] - 1)
    one = labels[i, j, n]
    if (
        labels[i, j, n1] == one and labels[i, j1, n] == one and labels[i, j1, n1] == one and labels[i1, j, n] == one
        and labels[i1, j, n1] == one and labels[i1, j1, n] == one and labels[i1, j1, n1] == one
    ):  # fmt: skip
        return look[one, 0], look[one, 1], look[one, 2], look[one, 3], look[one, 4]
    fx, fy, fz = np.float32(x - i), np.float32(y - j), np.float32(z - n)
    seen = np.float32(0)
    dense = np.float32(0)
    red = np.float32(0)
    green = np.float32(0)
    blue = np.float32(0)
    tint = np.float32(0)
    for corner in range(8):
        a, b, d = corner >> 2, corner >> 1 & 1, corner & 1
        w = (fx if a else 1 - fx) * (fy if b else 1 - fy) * (fz if d else 1 - fz)
        one = labels[i1 if a else i, j1 if b else j, n1 if d else n]
        if look[one, 0] > np.float32(0):
            seen += w
            dense += w * look[one, 0]
            red += w * look[one, 1]
            green += w * look[one, 2]
            blue += w * look[one, 3]
            tint += w * look[one, 4]
    if seen <= np.float32(0.25):
        return 0.0, 0.0, 0.0, 0.0, 0.0
    # what is hidden ends half-way between two voxels, softly
    soft = min((seen - np.float32(0.25)) * np.float32(2), np.float32(1))
    soft = soft * soft * (np.float32(3) - np.float32(2) * soft)
    return soft * dense / seen, red / seen, green / seen, blue / seen, tint / seen  # type: ignore[return-value]


@njit(inline="always")
def _mix(a: Any, b: Any, share: Any) -> Any:
    return plus(a, times(minus(b, a), share))


@njit(inline="always")
def _between(v: Voxels, index: int, slices: int, rows: int, share: Any) -> float:
    """Interpolated value between the eight voxels from a flat index on; `share` of the upper ones (k, r, c)."""
    a = _mix(pair(v, index, index + rows), pair(v, index + slices, index + slices + rows), spread(share, 0))
    a = _mix(a, halves(a), spread(share, 1))
    low = get(a, 0)
    return low + (get(a, 1) - low) * get(share, 2)


@njit(inline="always")
def _joined(
    c00: Any, c01: Any, c10: Any, c11: Any, k0: Any, k1: Any, k2: Any, k3: Any, r0: Any, r1: Any, r2: Any, r3: Any,
    share: Any,
) -> Any:  # fmt: skip
    """Central differences of the interpolated value along k, r, c (twice the gradient), and the value.

    Twelve rows of four voxels from the column before the sample: the four around it (slice, row), then before and
    behind them in slices (k0, k1; k2, k3), and in rows (r0, r1; r2, r3).
    """
    fk, fr, fc = spread(share, 0), spread(share, 1), get(share, 2)
    ec = np.float32(1) - fc
    near, beyond = _mix(c00, c01, fr), _mix(c10, c11, fr)
    upper, lower = _mix(c00, c10, fk), _mix(c01, c11, fk)
    centre = _mix(near, beyond, fk)
    along_k = _mix(minus(beyond, _mix(k0, k1, fr)), minus(_mix(k2, k3, fr), near), fk)
    along_r = _mix(minus(lower, _mix(r0, r1, fk)), minus(_mix(r2, r3, fk), upper), fr)
    here = four(0, ec, fc, 0)
    return sums(times(along_k, here), times(along_r, here), times(centre, four(-ec, -fc, ec, fc)), times(centre, here))


@njit(inline="always")
def _slopes(v: Voxels, index: int, k: int, r: int, slices: int, rows: int, share: Any) -> Any:
    """See `_joined`; of a sample at least one voxel from the grid's sides."""
    i = index - 1
    before, behind = -slices if k > 0 else 0, 2 * slices if k < v.shape[0] - 2 else slices
    above, below = -rows if r > 0 else 0, 2 * rows if r < v.shape[1] - 2 else rows
    return _joined(
        row(v, i), row(v, i + rows), row(v, i + slices), row(v, i + slices + rows),
        row(v, i + before), row(v, i + before + rows), row(v, i + behind), row(v, i + behind + rows),
        row(v, i + above), row(v, i + above + slices), row(v, i + below), row(v, i + below + slices),
        share,
    )  # fmt: skip


@njit(inline="always")
def _guarded(v: Voxels, k: int, r: int, c: int) -> Any:
    k, r = min(max(k, 0), v.shape[0] - 1), min(max(r, 0), v.shape[1] - 1)
    return four(v[k, r, max(c - 1, 0)], v[k, r, c], v[k, r, c + 1], v[k, r, min(c + 2, v.shape[2] - 1)])


@njit(**FAST)
def _slopes_at_side(v: Voxels, k: int, r: int, c: int, fk: float, fr: float, fc: float) -> tuple[float, float, float]:
    """See `_slopes`; of a sample in the first or last column, where no four voxels lie side by side."""
    found = _joined(
        _guarded(v, k, r, c), _guarded(v, k, r + 1, c), _guarded(v, k + 1, r, c), _guarded(v, k + 1, r + 1, c),
        _guarded(v, k - 1, r, c), _guarded(v, k - 1, r + 1, c), _guarded(v, k + 2, r, c), _guarded(v, k + 2, r + 1, c),
        _guarded(v, k, r - 1, c), _guarded(v, k + 1, r - 1, c), _guarded(v, k, r + 2, c), _guarded(v, k + 1, r + 2, c),
        four(fk, fr, fc, 0),
    )  # fmt: skip
    return get(found, 0), get(found, 1), get(found, 2)


@njit(**FAST)
def cast_tiles(
    voxels: Voxels,
    mask: U8,
    mask_scale: F64,
    labels: U8,
    label_map: F64,
    label_look: F32,
    distance: U8,
    opacity: F32,
    colour: F32,
    value_start: float,
    value_scale: float,
    gradient: F32,
    gradient_scale: float,
    shine: F32,
    material: F32,
    origin: F64,
    across: F64,
    along: F64,
    ahead: F64,
    perspective: bool,
    to_mm: F64,
    cuts: F64,
    cue: F64,
    step: float,
    parts: int,
    dense: float,
    stop_at: float,
    layer_depth: F32,
    layer_colour: F32,
    ground: F32,
    first: int,
    end: int,
    out: U8,
) -> None:
    """Volume rendering of tiles `first` to `end` (16 x 16 pixels, row by row).

    Parameters
    ----------
    voxels : (slices, rows, columns) int16 or float32, contiguous, at least 2 along each axis, regular grid
    mask, mask_scale : soft mask (see `render.caster.within`), of one voxel when everything is shown
    labels, label_map : segments (see `render.caster.labels`), of one voxel without any; (3, 4) from index to theirs
    label_look : (256, 5) per label: factor of the opacity, tint premultiplied by its amount, the amount
    distance : (8, blocks) blocks to the nearest visible one ahead, for each octant (see `render.caster.cells`)
    opacity : table of the extinction of one step, ``-log(1 - a)``, then of a part of a step, then of a finer part
    colour : (3 * entries, 4): red, green, blue 0..1, and the opacity ``a`` of one step, then of its parts
    value_start, value_scale : table entry = (value - start) * scale
    gradient : table of factors of the opacity, by gradient magnitude times `gradient_scale`; empty = none
    shine : table of the specular share by the cosine 0..1
    material : ambient, diffuse, specular, gradient of full shading (0 = always full)
    origin : (3,) index of the ray at pixel (0, 0): the eye, or its place on the picture's plane
    across, along : (3,) index step per pixel, of the origin (parallel) or of the direction (perspective)
    ahead : (3,) direction in index per millimetre of the ray through pixel (0, 0)
    to_mm : (3,) voxel edge lengths in mm (slice, row, column)
    cuts : (n, 4) half-spaces that are kept, ``a . index + d >= 0`` in mm
    cue : (2,) brightness is times ``cue[0] - cue[1] * t``
    step : mm; parts : how many a step is taken in where at least `dense` (0 to 1) of the light ends in it, and
        three times as many where nearly all of it does
    stop_at : transmittance at which a ray ends
    layer_depth, layer_colour : (height, width, n), (height, width, n, 4): surfaces at t, ascending, premultiplied
        colour and opacity; n = 0 without surfaces
    ground : (height, 3) background 0..1
    out : (height, width, 3) uint8
    """
    height, width = out.shape[0], out.shape[1]
    tiles_wide = (width + TILE - 1) // TILE
    nk, nr, nc = voxels.shape
    slices, rows = nr * nc, nc
    blocks_r = (nc - 1 + BLOCK - 1) >> SHIFT
    blocks_k = blocks_r * ((nr - 1 + BLOCK - 1) >> SHIFT)
    entries = len(opacity) // 3 - 1
    gradients = len(gradient) - 1
    layers = layer_depth.shape[2]
    masked = mask.size > 1
    labelled = labels.size > 1
    ambient, diffuse, specular = material[0], material[1], material[2]
    one, nil = np.float32(1), np.float32(0)
    per_fade = one / material[3] if material[3] > nil else np.float32(1e30)
    # opacity from which on a sample is worth lighting: of as long a way whatever the step
    worth = np.float32(step / (0.7 * min(to_mm[0], to_mm[1], to_mm[2])))
    hair = np.float32(0.002) * worth
    least_left = np.float32(stop_at)
    level = one / max(one, ambient + diffuse)  # full light is white, never more
    scale, bias = np.float32(value_scale), np.float32(0.5 - value_start * value_scale)
    per_k, per_r, per_c = np.float32(0.5 / to_mm[0]), np.float32(0.5 / to_mm[1]), np.float32(0.5 / to_mm[2])
    limit, nought = four(nk - 1.001, nr - 1.001, nc - 1.001, 0), four(0, 0, 0, 0)
    within = whole(-BLOCK, -BLOCK, -BLOCK, -BLOCK)
    half, much, nearly_all = np.float32(0.5), np.float32(dense), np.float32(0.6)
    for tile in range(first, end):
        ty, tx = tile // tiles_wide * TILE, tile % tiles_wide * TILE
        for y in range(ty, min(height, ty + TILE)):
            for x in range(tx, min(width, tx + TILE)):
                ok, orow, oc, dk, dr, dc, near, far = _ray(
                    origin, across, along, ahead, perspective, to_mm, cuts, nk, nr, nc, x, y
                )
                # samples are counted from the first one inside: small numbers are exact in 32 bits
                start = int(np.ceil(near / step)) if near <= far else 0
                last = int(np.floor(far / step)) - start if near <= far else -1
                begin = start * step
                o = four(ok + begin * dk, orow + begin * dr, oc + begin * dc, 0)
                d = four(dk * step, dr * step, dc * step, 0)
                inverse, never = _ways(dk, dr, dc, step)
                ahead_by = whole(BLOCK if dk > 0 else 0, BLOCK if dr > 0 else 0, BLOCK if dc > 0 else 0, 0)
                octant = np.uint64((4 if dk > 0 else 0) + (2 if dr > 0 else 0) + (1 if dc > 0 else 0))
                side = whole(BLOCK if dk > 0 else -BLOCK, BLOCK if dr > 0 else -BLOCK, BLOCK if dc > 0 else -BLOCK, 0)
                # unit direction in mm along the grid's axes: the headlight
                lk, lr, lc = np.float32(dk * to_mm[0]), np.float32(dr * to_mm[1]), np.float32(dc * to_mm[2])
                # samples are counted on before they are seen: one step less
                cue_here, cue_step = np.float32(cue[0] - cue[1] * (begin - step)), np.float32(cue[1] * step)
                left = one
                light = four(0, 0, 0, 0)
                # just behind a face of the volume or of the crop box there is no surface to be lit, only noise
                calm = -1
                if near > 2e-3 or not perspective:
                    calm = int(np.ceil((near + max(to_mm[0], to_mm[1], to_mm[2])) / step)) - start
                t = nil  # in steps, and not whole where a block ends: the way from block to block is rounded nowhere
                for layer in range(layers + 1):
                    until = last
                    if layer < layers:
                        reach = layer_depth[y, x, layer]
                        if reach < np.float32(1e20):
                            until = min(last, int(np.floor(reach / step)) - start)
                    end_of_layer = np.float32(until + 1)
                    while t <= np.float32(until) and left > least_left:
                        at = cut(most(least(plus(o, times(same(t + _INSIDE), d)), limit), nought))
                        block = shifted(at, SHIFT)
                        away = int(
                            distance[
                                octant, np.uint64(get(block, 0) * blocks_k + get(block, 1) * blocks_r + get(block, 2))
                            ]
                        )
                        grow = max(away - 1, 0)
                        edge = plus(plus(both(at, within), ahead_by), times(whole(grow, grow, grow, grow), side))
                        leave = lowest(plus(times(minus(floats(edge), o), inverse), never))
                        leave = min(max(leave, t + _INSIDE), end_of_layer)
                        if away > 0:
                            t = leave
                            continue
                        number = int(np.ceil(t))
                        following = int(np.ceil(leave))
                        t = leave
                        finer, finely, size = 0, 0, one
                        while (number < following or finer > 0) and left > least_left:
                            if finer > 0:
                                at_step = np.float32(number) - half - (np.float32(finer) - half) * size
                                at_step = min(at_step, np.float32(until))
                                finer -= 1
                            else:
                                at_step, size, finely = np.float32(number), one, 0
                                number += 1
                            place = most(least(plus(o, times(same(at_step), d)), limit), nought)
                            at = cut(place)
                            share = minus(place, floats(at))
                            index = get(at, 0) * slices + get(at, 1) * rows + get(at, 2)
                            value = _between(voxels, index, slices, rows, share)
                            entry = min(max(int(value * scale + bias), 0), entries) + finely
                            thick = opacity[np.uint64(entry)]
                            if thick == nil:
                                continue
                            hid = row(colour, 4 * entry)
                            stopped = get(hid, 3)
                            if finely == 0 and left * stopped > much and number > 1:
                                # much light ends around this sample: where, makes the picture
                                finer = parts if left * stopped < nearly_all else parts * FINER
                                finely = (entries + 1) * (1 if finer == parts else 2)
                                size = one / np.float32(finer)
                                continue
                            if masked:
                                inside = _share(mask, mask_scale, get(place, 0), get(place, 1), get(place, 2))
                                inside = (inside - np.float32(127)) / np.float32(100)
                                if inside < one:
                                    thick *= max(inside, nil)
                                    stopped = one - np.exp(-thick)
                            if labelled:
                                kept, tint_r, tint_g, tint_b, tint = _segment(
                                    labels, label_map, label_look, get(place, 0), get(place, 1), get(place, 2)
                                )
                                if kept != one:
                                    thick *= np.float32(kept)
                                    stopped = one - np.exp(-thick)
                                hid = plus(times(same(one - np.float32(tint)), hid), four(tint_r, tint_g, tint_b, 0))
                            shade = cue_here - cue_step * np.float32(number)
                            if thick <= hair * size:
                                w = left * thick
                                light = plus(light, times(same(w * shade * np.float32(_PLAIN)), hid))
                                left -= w
                                continue
                            bright = np.float32(_PLAIN)
                            gleam = nil
                            if left * stopped > np.float32(0.01) * worth or gradients > 0:
                                c = get(at, 2)
                                if c > 0 and c < nc - 2:
                                    g = _slopes(voxels, index, get(at, 0), get(at, 1), slices, rows, share)
                                    gk, gr, gc = get(g, 0), get(g, 1), get(g, 2)
                                else:
                                    gk, gr, gc = _slopes_at_side(
                                        voxels, get(at, 0), get(at, 1), c,
                                        get(share, 0), get(share, 1), get(share, 2),
                                    )  # fmt: skip
                                gk *= per_k
                                gr *= per_r
                                gc *= per_c
                                slope = np.sqrt(gk * gk + gr * gr + gc * gc)
                                if gradients > 0:
                                    ge = min(int(slope * gradient_scale + np.float32(0.5)), gradients)
                                    stopped = one - np.exp(-thick * gradient[ge])
                                cosine = min(abs(gk * lk + gr * lr + gc * lc) / max(slope, np.float32(1e-6)), one)
                                s = min(slope * per_fade, one)
                                s = s * s * (np.float32(3) - np.float32(2) * s)
                                if number <= calm:
                                    s = nil
                                lit = (ambient + diffuse * cosine) * level
                                bright += s * (lit - bright)
                                gleam = s * specular * shine[np.uint64(cosine * np.float32(255))]
                            w = left * stopped * shade
                            light = plus(light, plus(same(w * gleam), times(same(w * (one - gleam) * bright), hid)))
                            w = left * stopped
                            left -= w
                    if layer < layers and layer_depth[y, x, layer] < np.float32(1e20) and left > nil:
                        over = row(layer_colour, ((y * width + x) * layers + layer) * 4)
                        light = plus(light, times(same(left), over))
                        left *= one - get(over, 3)
                red, green, blue = get(light, 0), get(light, 1), get(light, 2)
                if left <= least_left:
                    # the rest that was not followed counts as more of the same, not as background
                    rest = np.float32(1) / (np.float32(1) - left)
                    red *= rest
                    green *= rest
                    blue *= rest
                    left = np.float32(0)
                out[y, x, 0] = int(min((red + left * ground[y, 0]) * 255 + 0.5, 255.0))
                out[y, x, 1] = int(min((green + left * ground[y, 1]) * 255 + 0.5, 255.0))
                out[y, x, 2] = int(min((blue + left * ground[y, 2]) * 255 + 0.5, 255.0))


@njit(inline="always")
def _extreme(cells: Voxels, k: int, r: int, c: int) -> float:
    return np.float32(cells[np.uint64(k), np.uint64(r), np.uint64(c)])  # type: ignore[return-value]


@njit(**FAST)
def project_tiles(
    voxels: Voxels,
    fine: Voxels,
    blocks: Voxels,
    coarse: Voxels,
    kept: U8,
    body: U8,
    body_scale: F64,
    labels: U8,
    label_map: F64,
    label_look: F32,
    mode: int,
    origin: F64,
    across: F64,
    along: F64,
    ahead: F64,
    perspective: bool,
    to_mm: F64,
    cuts: F64,
    step: float,
    dark: float,
    bright: float,
    first: int,
    end: int,
    out: F32,
    hit: U8,
) -> None:
    """Greatest, least or mean value along the rays of tiles `first` to `end`; see `cast_tiles` for the rest.

    Parameters
    ----------
    fine, blocks, coarse : greatest (MAXIMUM) or least (MINIMUM) voxel of each cell of 4, 8 and 32 voxels
    kept : per block of 8 voxels, 0 where body and segments let nothing count, 2 where all of it lies in the body; of
        one block when all counts
    body, body_scale : soft mask of what counts (see `render.caster.within`), of one voxel when all does
    labels, label_map, label_look : segments; those with a factor of 0 do not count
    dark, bright : values up to which, and from which on, the window makes no difference: where it is as bright as it
        gets a maximum is sought no further, and below the dark end it is not sought (a minimum ends at the dark end)
    out, hit : (height, width) float32 values, and uint8: 1 where the ray met anything
    """
    height, width = out.shape
    tiles_wide = (width + TILE - 1) // TILE
    nk, nr, nc = voxels.shape
    masked = body.size > 1
    labelled = labels.size > 1
    parted = kept.size > 1
    sign = np.float32(-1 if mode == MINIMUM else 1)
    slices, rows = nr * nc, nc
    limit, nought = four(nk - 1.001, nr - 1.001, nc - 1.001, 0), four(0, 0, 0, 0)
    edge_fine, edge_block, edge_coarse = (
        whole(1 << FINE, 1 << FINE, 1 << FINE, 0),
        whole(1 << SHIFT, 1 << SHIFT, 1 << SHIFT, 0),
        whole(1 << COARSE, 1 << COARSE, 1 << COARSE, 0),
    )
    enough = np.float32(-dark if mode == MINIMUM else bright)
    # a mask or segments decide what is met at all: every sample is looked at until one counts
    free = mode == MAXIMUM and not masked and not labelled
    least_of_all = np.float32(max(dark, -1e30)) if free else np.float32(-1e30)
    within_fine = whole(-1 << FINE, -1 << FINE, -1 << FINE, 0)
    within_block = whole(-1 << SHIFT, -1 << SHIFT, -1 << SHIFT, 0)
    within_coarse = whole(-1 << COARSE, -1 << COARSE, -1 << COARSE, 0)
    for tile in range(first, end):
        ty, tx = tile // tiles_wide * TILE, tile % tiles_wide * TILE
        likely = NOWHERE
        for y in range(ty, min(height, ty + TILE)):
            for x in range(tx, min(width, tx + TILE)):
                ok, orow, oc, dk, dr, dc, near, far = _ray(
                    origin, across, along, ahead, perspective, to_mm, cuts, nk, nr, nc, x, y
                )
                out[y, x] = np.float32(0)
                hit[y, x] = 0
                if near > far:
                    continue
                start = int(np.ceil(near / step))
                last = int(np.floor(far / step)) - start
                begin = start * step
                o = four(ok + begin * dk, orow + begin * dr, oc + begin * dc, 0)
                d = four(dk * step, dr * step, dc * step, 0)
                inverse, never = _ways(dk, dr, dc, step)
                up = whole(1 if dk > 0 else 0, 1 if dr > 0 else 0, 1 if dc > 0 else 0, 0)
                up_fine, up_block, up_coarse = times(up, edge_fine), times(up, edge_block), times(up, edge_coarse)
                best = least_of_all
                total = 0.0
                met = 0
                place = NOWHERE
                # where a neighbour met its extreme, this ray is likely to: most cells then cannot win any more
                number, following = 0, -1
                if mode == MEAN:
                    following = 0 if parted else last + 1
                elif likely != NOWHERE:
                    number, following = max(0, likely - start - 1), min(last, likely - start + 1) + 1
                t = np.float32(0)
                within = False
                while True:
                    while number < following:
                        here = most(least(plus(o, times(same(number), d)), limit), nought)
                        number += 1
                        at = cut(here)
                        index = get(at, 0) * slices + get(at, 1) * rows + get(at, 2)
                        value = _between(voxels, index, slices, rows, minus(here, floats(at)))
                        if mode != MEAN and value * sign <= best:
                            continue
                        if masked and not within:
                            inside = _share(body, body_scale, get(here, 0), get(here, 1), get(here, 2))
                            if inside < np.float32(127):
                                continue
                        if labelled and not _counts(
                            labels, label_map, label_look, mode != MAXIMUM, get(here, 0), get(here, 1), get(here, 2)
                        ):
                            continue
                        met += 1
                        if mode == MEAN:
                            total += value
                        else:
                            best = value * sign
                            place = start + number - 1
                            if best >= enough:
                                break
                    if mode != MEAN and best >= enough:
                        break
                    if mode == MEAN and not parted:
                        break
                    while t <= np.float32(last):
                        at = cut(most(least(plus(o, times(same(t + _INSIDE), d)), limit), nought))
                        if parted:
                            cell = shifted(at, SHIFT)
                            counts = kept[np.uint64(get(cell, 0)), np.uint64(get(cell, 1)), np.uint64(get(cell, 2))]
                            within = counts > 1
                            if counts == 0 or mode == MEAN:
                                edge = plus(both(at, within_block), up_block)
                                leave = lowest(plus(times(minus(floats(edge), o), inverse), never))
                                entered, t = t, max(leave, t + _INSIDE)
                                if counts == 0:
                                    continue
                                number = int(np.ceil(entered))
                                following = int(np.ceil(min(t, np.float32(last + 1))))
                                break
                        cell = shifted(at, COARSE)
                        if _extreme(coarse, get(cell, 0), get(cell, 1), get(cell, 2)) * sign <= best:
                            edge = plus(both(at, within_coarse), up_coarse)
                            leave = lowest(plus(times(minus(floats(edge), o), inverse), never))
                            t = max(leave, t + _INSIDE)
                            continue
                        cell = shifted(at, SHIFT)
                        if _extreme(blocks, get(cell, 0), get(cell, 1), get(cell, 2)) * sign <= best:
                            edge = plus(both(at, within_block), up_block)
                            leave = lowest(plus(times(minus(floats(edge), o), inverse), never))
                            t = max(leave, t + _INSIDE)
                            continue
                        edge = plus(both(at, within_fine), up_fine)
                        leave = max(lowest(plus(times(minus(floats(edge), o), inverse), never)), t + _INSIDE)
                        cell = shifted(at, FINE)
                        entered, t = t, leave
                        if _extreme(fine, get(cell, 0), get(cell, 1), get(cell, 2)) * sign > best:
                            number = int(np.ceil(entered))
                            following = int(np.ceil(min(leave, np.float32(last + 1))))
                            break
                    if number >= following and t > np.float32(last):
                        break
                likely = place
                if met > 0 or (free and last >= 0):
                    hit[y, x] = 1
                    out[y, x] = np.float32(total / met) if mode == MEAN else best * sign
