"""Where rays pass a plane of the patient: the depth, the value there, and how near the plane's edge is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

from render.caster import EXACT
from render.caster.sampling import trilinear
from render.errors import RenderError

if TYPE_CHECKING:
    from render.geometry import Geometry
    from render.view import Vector

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_FAR = 1e9


def plane_of(geometry: Geometry, point: Vector, normal: Vector) -> F64:
    """A plane of the patient in a grid's index space: ``a . index + d`` is the distance in mm, (4,).

    Raises
    ------
    RenderError
        code ``recipe``: a normal without length.
    """
    n = np.array(normal, dtype=np.float64)
    size = float(np.linalg.norm(n))
    if not size > 1e-9:
        raise RenderError("recipe", "A plane in the scene needs a direction.")
    n /= size
    m, t = geometry.affine_lps[:3, :3], geometry.affine_lps[:3, 3]
    return np.array([*(n @ m), float(n @ (t - np.array(point)))])


def across(normal: Vector, other: Vector) -> float:
    """Sine of the angle between two planes."""
    a, b = np.array(normal, dtype=np.float64), np.array(other, dtype=np.float64)
    return float(np.linalg.norm(np.cross(a / np.linalg.norm(a), b / np.linalg.norm(b))))


def faces_of(geometry: Geometry, normal: Vector) -> tuple[F64, F64]:
    """Per axis of a grid: mm between its layers, and the sine of the angle between the plane and a layer."""
    inverse = np.linalg.inv(geometry.affine_lps[:3, :3])
    lengths = np.linalg.norm(inverse, axis=1)
    slopes = [across(normal, (float(v[0]), float(v[1]), float(v[2]))) for v in inverse]
    return 1 / lengths, np.array(slopes)


@njit(inline="always")
def _meet(
    plane: F64, origin: F64, across_: F64, along: F64, ahead: F64, perspective: bool, x: float, y: float
) -> tuple[float, float, float, float]:
    """Where the ray of a pixel passes the plane: (k, r, c), and t in units of its direction; very negative: never."""
    ok, orow, oc = origin[0], origin[1], origin[2]
    dk, dr, dc = ahead[0], ahead[1], ahead[2]
    if perspective:
        dk += x * across_[0] + y * along[0]
        dr += x * across_[1] + y * along[1]
        dc += x * across_[2] + y * along[2]
    else:
        ok += x * across_[0] + y * along[0]
        orow += x * across_[1] + y * along[1]
        oc += x * across_[2] + y * along[2]
    slope = plane[0] * dk + plane[1] * dr + plane[2] * dc
    if abs(slope) < 1e-9:
        return 0.0, 0.0, 0.0, -_FAR
    t = -(plane[0] * ok + plane[1] * orow + plane[2] * oc + plane[3]) / slope
    return ok + t * dk, orow + t * dr, oc + t * dc, t


@njit(inline="always")
def _reach(faces: F64, slopes: F64, shape: F64, k: float, r: float, c: float) -> float:
    """Distance within the plane to the nearest face of the grid, mm; negative outside."""
    least = _FAR
    for axis in range(3):
        p = k if axis == 0 else r if axis == 1 else c
        away = min(p + 0.5, shape[axis] - 0.5 - p) * faces[axis]
        if slopes[axis] > 1e-3:
            away /= slopes[axis]
        elif away >= 0:
            continue
        least = min(least, away)
    return least


@njit(**EXACT)
def cross(
    voxels: npt.NDArray[Any],
    plane: F64,
    others: F64,
    bent: F64,
    faces: F64,
    slopes: F64,
    origin: F64,
    across_: F64,
    along: F64,
    ahead: F64,
    perspective: bool,
    wide: float,
    top: int,
    end: int,
    depth: F32,
    values: F32,
    edge: F32,
    whose: npt.NDArray[np.uint8],
    inside: F32,
) -> None:
    """Fill rows `top` to `end` with what the rays meet on a plane.

    Parameters
    ----------
    plane, others : (4,), (n, 4) ``a . index + d`` in mm; bent : (n,) sines of the angles between them
    faces, slopes : see `faces_of`; origin, across_, along, ahead : of the rays (see `rays.cast_tiles`)
    wide : width of the edge in pixels
    depth, values, edge, inside : (rows, width): way along the ray in mm, voxel value, share of a line (its edge,
        or where another plane crosses), and share of the pixel that the plane covers
    whose : (rows, width) 0 where the line is the plane's own edge, else one more than the other plane's number
    """
    shape = np.array([float(voxels.shape[0]), float(voxels.shape[1]), float(voxels.shape[2])])
    width = depth.shape[1]
    for y in range(top, end):
        for x in range(width):
            k, r, c, t = _meet(plane, origin, across_, along, ahead, perspective, x, y)
            if t <= (1e-3 if perspective else -_FAR / 2):
                continue
            reach = _reach(faces, slopes, shape, k, r, c)
            # the neighbours tell how many mm of the plane a pixel is wide here
            k1, r1, c1, t1 = _meet(plane, origin, across_, along, ahead, perspective, x + 1.0, y)
            k2, r2, c2, t2 = _meet(plane, origin, across_, along, ahead, perspective, x, y + 1.0)
            if t1 <= -_FAR / 2 or t2 <= -_FAR / 2:
                continue
            gx = _reach(faces, slopes, shape, k1, r1, c1) - reach
            gy = _reach(faces, slopes, shape, k2, r2, c2) - reach
            pixels = reach / max(np.sqrt(gx * gx + gy * gy), 1e-9)
            if pixels <= -0.5:
                continue
            line = min(max(wide + 0.5 - pixels, 0.0), 1.0)
            owner = 0
            for n in range(len(others)):
                if bent[n] < 1e-3:
                    continue
                a, b, d, e = others[n, 0], others[n, 1], others[n, 2], others[n, 3]
                away = a * k + b * r + d * c + e
                gx = a * k1 + b * r1 + d * c1 + e - away
                gy = a * k2 + b * r2 + d * c2 + e - away
                apart = abs(away) / max(np.sqrt(gx * gx + gy * gy), 1e-9)
                other = min(max(wide / 2 + 0.5 - apart, 0.0), 1.0)
                if other > line:
                    line = other
                    owner = n + 1
            way = t
            if perspective:
                # the direction of a ray in perspective is as long as its slope: mm are asked for
                dk = ahead[0] + x * across_[0] + y * along[0]
                dr = ahead[1] + x * across_[1] + y * along[1]
                dc = ahead[2] + x * across_[2] + y * along[2]
                gk, gr, gc = dk * faces[0], dr * faces[1], dc * faces[2]
                way = t * np.sqrt(gk * gk + gr * gr + gc * gc)
            depth[y, x] = way
            values[y, x] = trilinear(voxels, k, r, c)
            edge[y, x] = line
            whose[y, x] = owner
            inside[y, x] = min(max(pixels + 0.5, 0.0), 1.0)


@njit(**EXACT)
def paint(
    grey: npt.NDArray[np.uint8],
    values: F32,
    edge: F32,
    inside: F32,
    whose: npt.NDArray[np.uint8],
    drawn: F32,
    colours: F32,
    opacity: float,
    clear_below: float,
    ramp: float,
    way: F32,
    layer: int,
    top: int,
    end: int,
    depth: F32,
    out: F32,
) -> None:
    """Rows `top` to `end` of a plane as a layer of the scene.

    Parameters
    ----------
    grey : (rows, width) shade of the values; values, edge, inside, whose, way : see `cross`
    drawn, colours : (n,) and (n, 3): whether the line of the plane itself, then of each other, is drawn; its colour
    clear_below : values below are transparent, over a range of `ramp`; -inf: none
    depth, out : (rows, width, layers), (rows, width, layers, 4): premultiplied colour and opacity go into one layer
    """
    one, nil = np.float32(1), np.float32(0)
    for y in range(top, end):
        for x in range(way.shape[1]):
            line = edge[y, x] * inside[y, x] * drawn[whose[y, x]]
            cover = inside[y, x] * np.float32(opacity)
            if clear_below > -np.inf:
                solid = (values[y, x] - np.float32(clear_below)) / np.float32(ramp) + np.float32(0.5)
                # not a number is nothing
                cover *= min(max(solid, nil), one) if solid > nil else nil
            cover = max(cover, line)
            if not cover > nil:
                continue
            depth[y, x, layer] = way[y, x]
            shade = np.float32(grey[y, x]) / np.float32(255)
            for channel in range(3):
                colour = colours[whose[y, x], channel]
                out[y, x, layer, channel] = (shade * (one - line) + colour * line) * cover
            out[y, x, layer, 3] = cover
