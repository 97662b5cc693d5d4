"""Surfaces at a threshold, in the patient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from render import places, progress
from render.errors import Cancelled, RenderError
from render.kept import per_volume
from render.mesh import Mesh
from render.view import Surface

if TYPE_CHECKING:
    from render.volume import Volume

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]

NOTHING = "Nothing in this volume lies within the threshold, so there is no surface."
_AT_ONCE = 50_000  # points


def extract(
    volume: Volume,
    surface: Surface,
    *,
    largest: int = 0,
    reduce: float = 0.0,
    cancelled: Callable[[], bool] | None = None,
) -> Mesh:
    """The closed surface around the voxels from ``surface.low`` (to ``surface.high``) on, in LPS mm.

    Taken from the grey values of the acquired voxels, at their true places (sheared or uneven slices need no
    resampling), so it lies between voxels where the value passes the threshold. At the volume's faces it is
    closed half a voxel beyond the outer centres: a voxel fills its cell. Then a windowed sinc filter
    (``surface.smooth`` 0 to 1, pass band 10^(-2 s)), the `largest` parts by enclosed volume (0 = all),
    and reduction by a share of the triangles.

    Raises
    ------
    RenderError
        code ``empty``: nothing reaches the threshold; ``threshold``: the band is empty.
    Cancelled
    """
    if surface.high is not None and surface.high <= surface.low:
        raise RenderError("threshold", "The upper threshold must be above the lower one.")

    def look(share: float) -> None:
        progress.reached(share)
        if cancelled is not None and cancelled():
            raise Cancelled

    from render.pipeline import isosurface

    field, level = _field(volume, surface)
    look(0.1)
    index, triangles = isosurface.contour(_closed(field, level), level)
    del field
    if not len(triangles):
        raise RenderError("empty", NOTHING)
    look(0.3)
    points = _placed(volume, index)
    if np.linalg.det(volume.geometry.affine_lps[:3, :3]) > 0:  # a mirrored grid, never one of a checked series
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    if largest > 0:
        points, triangles = _largest(points, triangles, largest)
    look(0.35)
    points, rings = isosurface.smoothed(points, triangles, surface.smooth, cancelled)
    look(0.8)
    if reduce > 0:
        points, triangles = isosurface.reduced(points, triangles, reduce)
        rings = None
    normals = isosurface.with_normals(points, triangles, rings, cancelled)
    return Mesh(points, triangles, normals, surface.name, surface.colour, whole=reduce <= 0)


def is_empty(volume: Volume, surface: Surface) -> bool:
    """Whether no voxel lies within a surface's threshold; padding and what is no number never do."""
    return _is_empty(volume, surface.low, surface.high)


@per_volume
def _most(volume: Volume) -> float:
    """The greatest value that is no padding."""
    most = -np.inf
    for v in volume.voxels:
        counted = v if volume.padding is None else v[(v < volume.padding[0]) | (v > volume.padding[1])]
        if counted.size:
            most = np.fmax(most, float(np.fmax.reduce(counted, axis=None)))
    return float(most)


@per_volume
def _is_empty(volume: Volume, low: float, high: float | None) -> bool:
    if high is None:
        return not _most(volume) >= low
    for v in volume.voxels:
        within = (v >= low) & (v <= high)
        if volume.padding is not None:
            within &= (v < volume.padding[0]) | (v > volume.padding[1])
        if within.any():
            return False
    return True


def _placed(volume: Volume, index: F32) -> F32:
    """Fractional (slice, row, column) of the closed array, which has one more layer before the first, in LPS mm."""
    if volume.positions_lps is not None:
        return places.to_lps(volume, index - np.float32(1)).astype(np.float32)
    from render.caster import portions, triangles

    matrix = np.array(volume.geometry.affine_lps[:3], dtype=np.float64)
    matrix[:, 3] -= matrix[:, :3].sum(axis=1)
    out = np.empty_like(index)
    portions.run(
        lambda first, end: triangles.placed(index, matrix, first, end, out), len(index), _AT_ONCE, told=False
    )  # fmt: skip
    return out


def _field(volume: Volume, surface: Surface) -> tuple[npt.NDArray[Any], float]:
    """Values and the level to contour: the voxels themselves, or for a band the distance to its nearer end."""
    v: npt.NDArray[Any] = volume.voxels
    level = surface.low
    if surface.high is not None:
        half = (surface.high - surface.low) / 2
        v = (half - np.abs(v - np.float32(surface.low + half))).astype(np.float32)
        level = 0.0
    if volume.padding is not None:
        low, high = volume.padding
        outside = (volume.voxels >= low) & (volume.voxels <= high)
        if outside.any() and float(v[outside].max()) >= level:
            v = v.copy()
            v[outside] = min(float(v[~outside].min(initial=level)), level - 1)
    # a voxel that equals the threshold exactly gives triangles without area: it counts as inside, by a hair
    if v.dtype == np.int16:
        if level == round(level) and level > -32768:
            level -= 0.5
    else:
        v = _finite(v, level)
        if (v == np.float32(level)).any():
            level -= 1e-4 * float(np.ptp(v))
    return v, level


def _finite(v: npt.NDArray[Any], level: float) -> npt.NDArray[Any]:
    """What is no number lies outside, what is boundless at the end of what is bound: a surface has no point nowhere."""
    known = np.isfinite(v)
    if known.all():
        return v
    least, most = (float(f(v[known], initial=level)) for f in (np.min, np.max))
    below, above = min(least, level - 1), max(most, level + 1)
    bound: npt.NDArray[Any] = np.nan_to_num(v, nan=below, neginf=below, posinf=above)
    return bound


def _closed(v: npt.NDArray[Any], level: float) -> npt.NDArray[Any]:
    """The array with one more layer all around, mirrored at the level: closed half a voxel outside."""
    out = np.empty(tuple(n + 2 for n in v.shape), dtype=v.dtype)
    out[1:-1, 1:-1, 1:-1] = v
    for axis in range(3):
        inner = [slice(1, -1)] * 3
        for done in range(axis):
            inner[done] = slice(None)
        for end, edge in ((0, 1), (-1, -2)):
            to, of = list(inner), list(inner)
            to[axis], of[axis] = slice(end, end + 1 or None), slice(edge, edge + 1 or None)
            value = out[tuple(of)].astype(np.float32)
            mirrored = np.where(value > level, 2 * level - value, value)
            if v.dtype == np.int16:
                mirrored = np.clip(mirrored, -32768, 32767)
            out[tuple(to)] = mirrored.astype(v.dtype)
    return out


def _largest(points: F32, triangles: I32, count: int) -> tuple[F32, I32]:
    """The parts that enclose most, as they hang together by shared points."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(points)
    a = np.concatenate([triangles[:, 0], triangles[:, 1]])
    b = np.concatenate([triangles[:, 1], triangles[:, 2]])
    _, part = connected_components(coo_matrix((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n)), directed=False)
    of_triangle = part[triangles[:, 0]]
    c = (points[triangles] - points.mean(axis=0)).astype(np.float64)
    signed = np.einsum("ij,ij->i", c[:, 0], np.cross(c[:, 1], c[:, 2])) / 6
    volumes = np.abs(np.bincount(of_triangle, signed))
    wanted = np.zeros(len(volumes), dtype=bool)
    wanted[np.argsort(volumes)[::-1][:count]] = True
    kept = triangles[wanted[of_triangle]]
    used = np.zeros(n, dtype=bool)
    used[kept] = True
    number = np.cumsum(used) - 1
    return points[used], number[kept].astype(np.int32)
