"""Kernels that follow rays through a regular grid: shaded volume rendering, and projections.

Space of the kernels: fractional index (slice, row, column); a ray is ``origin + t * direction`` with t in
millimetres, so the direction is index per millimetre. Samples stand at whole multiples of the step from t = 0,
whatever is skipped: pictures do not depend on skipping.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from render.caster import FAST
from render.caster.cells import COARSE, FINE, SHIFT

Voxels = npt.NDArray[Any]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]

TILE = 16
MAXIMUM, MINIMUM, MEAN = 0, 1, 2
NOWHERE = -(1 << 40)
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
def _exit(o: float, d: float, cell: int, reach: int) -> float:
    """Place (t) at which a ray leaves the blocks from cell - reach to cell + reach along one axis."""
    if d > 1e-9:
        return (((cell + reach + 1) << SHIFT) - o) / d
    if d < -1e-9:
        return (((cell - reach) << SHIFT) - o) / d
    return 1e30


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
    voxels : (slices, rows, columns) int16 or float32, at least 2 along each axis, regular grid
    mask, mask_scale : soft mask (see `render.caster.within`), of one voxel when everything is shown
    labels, label_map : segments (see `render.caster.labels`), of one voxel without any; (3, 4) from index to theirs
    label_look : (256, 5) per label: factor of the opacity, tint premultiplied by its amount, the amount
    distance : blocks to the nearest visible one
    opacity : table of the extinction of one step, ``-log(1 - a)``; colour : (entries, 3) 0..1
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
    step : mm; stop_at : transmittance at which a ray ends
    layer_depth, layer_colour : (height, width, n), (height, width, n, 4): surfaces at t, ascending, premultiplied
        colour and opacity; n = 0 without surfaces
    ground : (height, 3) background 0..1
    out : (height, width, 3) uint8
    """
    height, width = out.shape[0], out.shape[1]
    tiles_wide = (width + TILE - 1) // TILE
    nk, nr, nc = voxels.shape
    dk_n, dr_n, dc_n = distance.shape
    entries = len(opacity) - 1
    gradients = len(gradient) - 1
    layers = layer_depth.shape[2]
    masked = mask.size > 1
    labelled = labels.size > 1
    ambient, diffuse, specular, fade = material[0], material[1], material[2], material[3]
    hair = np.float32(0.002)
    cue_near, cue_slope = cue[0], cue[1]
    stopped = np.float32(1) - np.exp(-opacity)
    level = np.float32(1) / max(np.float32(1), ambient + diffuse)  # full light is white, never more
    for tile in range(first, end):
        ty, tx = tile // tiles_wide * TILE, tile % tiles_wide * TILE
        for y in range(ty, min(height, ty + TILE)):
            for x in range(tx, min(width, tx + TILE)):
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
                ik = 1 / dk if abs(dk) > 1e-9 else 1e30
                ir = 1 / dr if abs(dr) > 1e-9 else 1e30
                ic = 1 / dc if abs(dc) > 1e-9 else 1e30
                per_step = 1 / step
                # unit direction in mm along the grid's axes: the headlight
                lk, lr, lc = np.float32(dk * to_mm[0]), np.float32(dr * to_mm[1]), np.float32(dc * to_mm[2])
                left = np.float32(1)
                red = np.float32(0)
                green = np.float32(0)
                blue = np.float32(0)
                number = int(np.ceil(near / step)) if near <= far else 0
                # just behind a face of the volume or of the crop box there is no surface to be lit, only noise
                calm = near + max(to_mm[0], to_mm[1], to_mm[2]) if near > 2e-3 or not perspective else -1e30
                last = int(np.floor(far / step)) if near <= far else -1
                for layer in range(layers + 1):
                    until = last
                    if layer < layers:
                        reach = layer_depth[y, x, layer]
                        if reach < np.float32(1e20):
                            until = min(last, int(np.floor(reach / step)))
                    while number <= until and left > stop_at:
                        t = number * step
                        pk, pr, pc = ok + t * dk, orow + t * dr, oc + t * dc
                        bk = min(max(int(pk) >> SHIFT, 0), dk_n - 1)
                        br = min(max(int(pr) >> SHIFT, 0), dr_n - 1)
                        bc = min(max(int(pc) >> SHIFT, 0), dc_n - 1)
                        away = int(distance[bk, br, bc])
                        grow = max(away - 1, 0)
                        leave = min(
                            (((bk + grow + 1 if dk > 0 else bk - grow) << SHIFT) - ok) * ik if ik < 1e29 else 1e30,
                            (((br + grow + 1 if dr > 0 else br - grow) << SHIFT) - orow) * ir if ir < 1e29 else 1e30,
                            (((bc + grow + 1 if dc > 0 else bc - grow) << SHIFT) - oc) * ic if ic < 1e29 else 1e30,
                        )
                        following = max(number + 1, int(np.ceil(leave * per_step)))
                        if away > 0:
                            number = following
                            continue
                        following = min(following, until + 1)
                        while number < following and left > stop_at:
                            t = number * step
                            number += 1
                            pk, pr, pc = ok + t * dk, orow + t * dr, oc + t * dc
                            i = min(max(int(pk), 0), nk - 2)
                            j = min(max(int(pr), 0), nr - 2)
                            m = min(max(int(pc), 0), nc - 2)
                            fk, fr, fc = np.float32(pk - i), np.float32(pr - j), np.float32(pc - m)
                            value = _value(voxels, i, j, m, fk, fr, fc)
                            entry = int((value - value_start) * value_scale + 0.5)
                            entry = min(max(entry, 0), entries)
                            thick = opacity[entry]
                            if masked and thick > np.float32(0):
                                inside = (_share(mask, mask_scale, pk, pr, pc) - np.float32(127)) / np.float32(100)
                                thick *= min(max(inside, np.float32(0)), np.float32(1))
                            tone_r, tone_g, tone_b = colour[entry, 0], colour[entry, 1], colour[entry, 2]
                            if labelled and thick > np.float32(0):
                                kept, tint_r, tint_g, tint_b, tint = _segment(labels, label_map, label_look, pk, pr, pc)
                                thick *= np.float32(kept)
                                tint = np.float32(1) - np.float32(tint)
                                tone_r = tint * tone_r + np.float32(tint_r)
                                tone_g = tint * tone_g + np.float32(tint_g)
                                tone_b = tint * tone_b + np.float32(tint_b)
                            shade = np.float32(cue_near - cue_slope * t)
                            if thick <= hair:
                                if thick > np.float32(0):
                                    w = left * thick
                                    red += w * _PLAIN * shade * tone_r
                                    green += w * _PLAIN * shade * tone_g
                                    blue += w * _PLAIN * shade * tone_b
                                    left -= w
                                continue
                            share = stopped[entry] if not (masked or labelled) else np.float32(1) - np.exp(-thick)
                            bright = np.float32(_PLAIN)
                            gleam = np.float32(0)
                            if left * share > np.float32(0.01) or gradients > 0:
                                # central differences of the interpolated value, from 32 voxels
                                ek, er, ec = np.float32(1) - fk, np.float32(1) - fr, np.float32(1) - fc
                                i0, i3 = max(i - 1, 0), min(i + 2, nk - 1)
                                j0, j3 = max(j - 1, 0), min(j + 2, nr - 1)
                                m0, m3 = max(m - 1, 0), min(m + 2, nc - 1)
                                gk = np.float32(0)
                                gr = np.float32(0)
                                gc = np.float32(0)
                                for a in range(2):
                                    wa_k = fk if a else ek
                                    wa_r = fr if a else er
                                    for b in range(2):
                                        wb_r = fr if b else er
                                        wb_c = fc if b else ec
                                        gk += (
                                            wb_c
                                            * wa_r
                                            * (
                                                ek
                                                * (
                                                    np.float32(voxels[i + 1, j + a, m + b])
                                                    - np.float32(voxels[i0, j + a, m + b])
                                                )
                                                + fk
                                                * (
                                                    np.float32(voxels[i3, j + a, m + b])
                                                    - np.float32(voxels[i, j + a, m + b])
                                                )
                                            )
                                        )
                                        gr += (
                                            wa_k
                                            * wb_c
                                            * (
                                                er
                                                * (
                                                    np.float32(voxels[i + a, j + 1, m + b])
                                                    - np.float32(voxels[i + a, j0, m + b])
                                                )
                                                + fr
                                                * (
                                                    np.float32(voxels[i + a, j3, m + b])
                                                    - np.float32(voxels[i + a, j, m + b])
                                                )
                                            )
                                        )
                                        gc += (
                                            wa_k
                                            * wb_r
                                            * (
                                                ec
                                                * (
                                                    np.float32(voxels[i + a, j + b, m + 1])
                                                    - np.float32(voxels[i + a, j + b, m0])
                                                )
                                                + fc
                                                * (
                                                    np.float32(voxels[i + a, j + b, m3])
                                                    - np.float32(voxels[i + a, j + b, m])
                                                )
                                            )
                                        )
                                half = np.float32(0.5)
                                gk *= half / np.float32(to_mm[0])
                                gr *= half / np.float32(to_mm[1])
                                gc *= half / np.float32(to_mm[2])
                                slope = np.sqrt(gk * gk + gr * gr + gc * gc)
                                if gradients > 0:
                                    ge = min(int(slope * gradient_scale + np.float32(0.5)), gradients)
                                    share = np.float32(1) - np.exp(-thick * gradient[ge])
                                cosine = np.float32(0)
                                if slope > np.float32(1e-6):
                                    cosine = min(abs(gk * lk + gr * lr + gc * lc) / slope, np.float32(1))
                                s = np.float32(1)
                                if fade > np.float32(0):
                                    s = min(slope / fade, np.float32(1))
                                    s = s * s * (np.float32(3) - np.float32(2) * s)
                                lit = (ambient + diffuse * cosine) * level
                                if t < calm:
                                    s = np.float32(0)
                                bright = (np.float32(1) - s) * np.float32(_PLAIN) + s * lit
                                gleam = s * specular * shine[int(cosine * np.float32(255))]
                            w = left * share * shade
                            red += w * (gleam + (np.float32(1) - gleam) * bright * tone_r)
                            green += w * (gleam + (np.float32(1) - gleam) * bright * tone_g)
                            blue += w * (gleam + (np.float32(1) - gleam) * bright * tone_b)
                            w = left * share
                            left -= w
                    if layer < layers and layer_depth[y, x, layer] < np.float32(1e20) and left > np.float32(0):
                        cover = layer_colour[y, x, layer, 3]
                        red += left * layer_colour[y, x, layer, 0]
                        green += left * layer_colour[y, x, layer, 1]
                        blue += left * layer_colour[y, x, layer, 2]
                        left *= np.float32(1) - cover
                if left <= stop_at:
                    # the rest that was not followed counts as more of the same, not as background
                    rest = np.float32(1) / (np.float32(1) - left)
                    red *= rest
                    green *= rest
                    blue *= rest
                    left = np.float32(0)
                out[y, x, 0] = int(min((red + left * ground[y, 0]) * 255 + 0.5, 255.0))
                out[y, x, 1] = int(min((green + left * ground[y, 1]) * 255 + 0.5, 255.0))
                out[y, x, 2] = int(min((blue + left * ground[y, 2]) * 255 + 0.5, 255.0))


@njit(**FAST)
def project_tiles(
    voxels: Voxels,
    fine: Voxels,
    blocks: Voxels,
    coarse: Voxels,
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
    first: int,
    end: int,
    out: F32,
    hit: U8,
) -> None:
    """Greatest, least or mean value along the rays of tiles `first` to `end`; see `cast_tiles` for the rest.

    Parameters
    ----------
    fine, blocks, coarse : greatest (MAXIMUM) or least (MINIMUM) voxel of each cell of 4, 8 and 32 voxels
    body, body_scale : soft mask of what counts (see `render.caster.within`), of one voxel when all does
    labels, label_map, label_look : segments; those with a factor of 0 do not count
    out, hit : (height, width) float32 values, and uint8: 1 where the ray met anything
    """
    height, width = out.shape
    tiles_wide = (width + TILE - 1) // TILE
    nk, nr, nc = voxels.shape
    masked = body.size > 1
    labelled = labels.size > 1
    sign = np.float32(-1 if mode == MINIMUM else 1)
    for tile in range(first, end):
        ty, tx = tile // tiles_wide * TILE, tile % tiles_wide * TILE
        likely = NOWHERE
        for y in range(ty, min(height, ty + TILE)):
            for x in range(tx, min(width, tx + TILE)):
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
                out[y, x] = np.float32(0)
                hit[y, x] = 0
                if near > far:
                    continue
                start = int(np.ceil(near / step))
                last = int(np.floor(far / step))
                best = np.float32(-1e30)
                total = 0.0
                met = 0
                place = NOWHERE
                # where a neighbour met its extreme, this ray is likely to: most cells then cannot win any more
                for n in range(max(start, likely - 1), min(last, likely + 1) + 1 if likely != NOWHERE else start - 1):
                    t = n * step
                    pk, pr, pc = ok + t * dk, orow + t * dr, oc + t * dc
                    if masked and _share(body, body_scale, pk, pr, pc) < np.float32(127):
                        continue
                    if labelled and not _counts(labels, label_map, label_look, mode != MAXIMUM, pk, pr, pc):
                        continue
                    i = min(max(int(pk), 0), nk - 2)
                    j = min(max(int(pr), 0), nr - 2)
                    m = min(max(int(pc), 0), nc - 2)
                    value = _value(voxels, i, j, m, np.float32(pk - i), np.float32(pr - j), np.float32(pc - m)) * sign
                    if value > best:
                        best = value
                        place = n
                    met += 1
                ik = 1 / dk if abs(dk) > 1e-9 else 1e30
                ir = 1 / dr if abs(dr) > 1e-9 else 1e30
                ic = 1 / dc if abs(dc) > 1e-9 else 1e30
                number = start
                while number <= last:
                    t = number * step
                    following = last + 1
                    if mode != MEAN:
                        pk, pr, pc = ok + t * dk, orow + t * dr, oc + t * dc
                        i = min(max(int(pk), 0), nk - 2)
                        j = min(max(int(pr), 0), nr - 2)
                        m = min(max(int(pc), 0), nc - 2)
                        shift = 0
                        if np.float32(coarse[i >> COARSE, j >> COARSE, m >> COARSE]) * sign <= best:
                            shift = COARSE
                        elif np.float32(blocks[i >> SHIFT, j >> SHIFT, m >> SHIFT]) * sign <= best:
                            shift = SHIFT
                        elif np.float32(fine[i >> FINE, j >> FINE, m >> FINE]) * sign <= best:
                            shift = FINE
                        size = shift if shift else FINE
                        leave = min(
                            ((((i >> size) + (dk > 0)) << size) - ok) * ik if ik < 1e29 else 1e30,
                            ((((j >> size) + (dr > 0)) << size) - orow) * ir if ir < 1e29 else 1e30,
                            ((((m >> size) + (dc > 0)) << size) - oc) * ic if ic < 1e29 else 1e30,
                        )
                        following = min(max(number + 1, int(np.ceil(leave / step))), last + 1)
                        if shift:
                            number = following
                            continue
                    while number < following:
                        t = number * step
                        number += 1
                        pk, pr, pc = ok + t * dk, orow + t * dr, oc + t * dc
                        i = min(max(int(pk), 0), nk - 2)
                        j = min(max(int(pr), 0), nr - 2)
                        m = min(max(int(pc), 0), nc - 2)
                        if masked and _share(body, body_scale, pk, pr, pc) < np.float32(127):
                            continue
                        if labelled and not _counts(labels, label_map, label_look, mode != MAXIMUM, pk, pr, pc):
                            continue
                        value = _value(voxels, i, j, m, np.float32(pk - i), np.float32(pr - j), np.float32(pc - m))
                        if mode == MEAN:
                            total += value
                        elif value * sign > best:
                            best = value * sign
                            place = number - 1
                        met += 1
                likely = place
                if met > 0:
                    hit[y, x] = 1
                    out[y, x] = np.float32(total / met) if mode == MEAN else best * sign
