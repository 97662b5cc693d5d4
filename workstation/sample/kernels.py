"""The two compiled loops: distance to a bundle of tapered rods, and the nearest point of a centre line."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from workstation.sample.space import Array, Block

F = TypeVar("F", bound=Callable[..., Any])
Doubles = npt.NDArray[np.float64]
FAR = 1e3
_WORKERS = 2


def _compiled(function: F) -> F:
    return cast("F", numba.njit(nogil=True, error_model="numpy")(function))


@_compiled
def _rods(x: Any, y: Any, z: Any, rods: Any, k: float, reach: float, out: Any) -> None:
    for i in range(rods.shape[0]):
        ax, ay, az, bx, by, bz, ra, rb = rods[i]
        big = max(ra, rb) + reach
        x0 = np.searchsorted(x, min(ax, bx) - big)
        x1 = np.searchsorted(x, max(ax, bx) + big)
        y0 = np.searchsorted(y, min(ay, by) - big)
        y1 = np.searchsorted(y, max(ay, by) + big)
        z0 = np.searchsorted(z, min(az, bz) - big)
        z1 = np.searchsorted(z, max(az, bz) + big)
        ux, uy, uz = bx - ax, by - ay, bz - az
        inv = 1.0 / max(ux * ux + uy * uy + uz * uz, 1e-9)
        for iz in range(z0, z1):
            pz = z[iz] - az
            for iy in range(y0, y1):
                py = y[iy] - ay
                part = py * uy + pz * uz
                for ix in range(x0, x1):
                    px = x[ix] - ax
                    t = (px * ux + part) * inv
                    t = min(1.0, max(0.0, t))
                    qx, qy, qz = px - t * ux, py - t * uy, pz - t * uz
                    d = np.sqrt(qx * qx + qy * qy + qz * qz) - (ra + t * (rb - ra))
                    if d > reach:
                        continue
                    old = out[iz, iy, ix]
                    if k > 0.0:
                        h = 0.5 + 0.5 * (old - d) / k
                        h = min(1.0, max(0.0, h))
                        out[iz, iy, ix] = old + (d - old) * h - k * h * (1.0 - h)
                    elif d < old:
                        out[iz, iy, ix] = d


@_compiled
def _nearest(
    x: Any, y: Any, z: Any, points: Any, e1: Any, e2: Any, reach: float, dist: Any, at: Any, angle: Any
) -> None:
    # `at` becomes the index (with fraction) of the nearest point of the centre line, `angle` the direction
    # of the voxel around it, in the frame (e1, e2)
    n = points.shape[0]
    for i in range(n - 1):
        ax, ay, az = points[i]
        ux, uy, uz = points[i + 1, 0] - ax, points[i + 1, 1] - ay, points[i + 1, 2] - az
        inv = 1.0 / max(ux * ux + uy * uy + uz * uz, 1e-12)
        x0 = np.searchsorted(x, min(ax, ax + ux) - reach)
        x1 = np.searchsorted(x, max(ax, ax + ux) + reach)
        y0 = np.searchsorted(y, min(ay, ay + uy) - reach)
        y1 = np.searchsorted(y, max(ay, ay + uy) + reach)
        z0 = np.searchsorted(z, min(az, az + uz) - reach)
        z1 = np.searchsorted(z, max(az, az + uz) + reach)
        for iz in range(z0, z1):
            for iy in range(y0, y1):
                for ix in range(x0, x1):
                    px, py, pz = x[ix] - ax, y[iy] - ay, z[iz] - az
                    t = (px * ux + py * uy + pz * uz) * inv
                    if (t < 0.0 and i > 0) or (t > 1.0 and i < n - 2):
                        t = min(1.0, max(0.0, t))
                    elif t < 0.0 or t > 1.0:
                        continue
                    qx, qy, qz = px - t * ux, py - t * uy, pz - t * uz
                    d = np.sqrt(qx * qx + qy * qy + qz * qz)
                    if d < dist[iz, iy, ix]:
                        dist[iz, iy, ix] = d
                        at[iz, iy, ix] = i + t
                        c = qx * e1[i, 0] + qy * e1[i, 1] + qz * e1[i, 2]
                        s = qx * e2[i, 0] + qy * e2[i, 1] + qz * e2[i, 2]
                        angle[iz, iy, ix] = np.arctan2(s, c)


def _by_slabs(count: int, work: Callable[[int, int], None]) -> None:
    # whole slabs are independent, so the result does not depend on the number of threads
    cuts = np.linspace(0, count, 2 * _WORKERS + 1).astype(int)
    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(work, cuts[:-1].tolist(), cuts[1:].tolist()))


def rods_distance(block: Block, rods: Doubles, k: float = 0.0, reach: float = 6.0) -> Array:
    """Signed distance to the union of tapered rods, rounded over `k` mm where they meet.

    Parameters
    ----------
    rods : (n, 8) ax ay az bx by bz ra rb, mm LPS
    reach : beyond this distance outside, the value is only "far"
    """
    out = np.full(block.shape, FAR if k == 0 else reach, np.float32)
    x, y, z = (np.ascontiguousarray(a.ravel(), dtype=np.float64) for a in (block.x, block.y, block.z))
    rods = np.ascontiguousarray(rods, dtype=np.float64)
    _by_slabs(len(z), lambda a, b: _rods(x, y, z[a:b], rods, float(k), float(reach), out[a:b]))
    return out


def nearest_on_line(
    block: Block, points: Doubles, e1: Doubles, e2: Doubles, reach: float
) -> tuple[Array, Array, Array]:
    """Distance to a centre line, the place on it (index with fraction), and the angle around it.

    Beyond the line's two ends, and further away than `reach`, the distance stays large.
    """
    dist = np.full(block.shape, FAR, np.float32)
    at = np.zeros(block.shape, np.float32)
    angle = np.zeros(block.shape, np.float32)
    x, y, z = (np.ascontiguousarray(a.ravel(), dtype=np.float64) for a in (block.x, block.y, block.z))
    p, f, g = (np.ascontiguousarray(a, dtype=np.float64) for a in (points, e1, e2))
    _by_slabs(len(z), lambda a, b: _nearest(x, y, z[a:b], p, f, g, float(reach), dist[a:b], at[a:b], angle[a:b]))
    return dist, at, angle
