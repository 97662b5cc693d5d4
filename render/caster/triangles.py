"""Kernels that draw triangles: nearest depth per pixel, then shading by interpolated normals.

An own rasteriser instead of OpenGL: the same pixels on every machine, with or without a display or a driver.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from render.caster import EXACT

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

NOTHING = np.float32(1e30)


@njit(**EXACT)
def nearest(
    points: F32,
    triangles: I32,
    kept: npt.NDArray[np.uint8],
    perspective: bool,
    top: int,
    end: int,
    depth: F32,
    owner: I32,
) -> None:
    """Fill rows `top` to `end` with the nearest triangle of every pixel.

    Parameters
    ----------
    points : (N, 3) x, y in pixels, depth in mm in front of the eye
    triangles : (M, 3); kept : (N,) uint8, points that lie in the crop box
    perspective : depth is interpolated as 1/z; triangles that reach behind the eye are left out
    depth : (height, width), NOTHING where empty; owner : index of the triangle, -1 where empty
    """
    width = depth.shape[1]
    for n in range(len(triangles)):
        a, b, c = triangles[n, 0], triangles[n, 1], triangles[n, 2]
        ay, by, cy = points[a, 1], points[b, 1], points[c, 1]
        lowest, highest = min(ay, by, cy), max(ay, by, cy)
        if highest < top or lowest > end - 1 or not (kept[a] and kept[b] and kept[c]):
            continue
        ax, bx, cx = points[a, 0], points[b, 0], points[c, 0]
        left, right = min(ax, bx, cx), max(ax, bx, cx)
        if right < 0 or left > width - 1:
            continue
        az, bz, cz = points[a, 2], points[b, 2], points[c, 2]
        if perspective and min(az, bz, cz) < 1e-3:
            continue
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0.0:
            continue
        if perspective:
            az, bz, cz = 1.0 / az, 1.0 / bz, 1.0 / cz
        y0, y1 = max(top, int(np.ceil(lowest))), min(end - 1, int(np.floor(highest)))
        x0, x1 = max(0, int(np.ceil(left))), min(width - 1, int(np.floor(right)))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
                v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
                w = 1.0 - u - v
                # a hair's breadth more, so that no pixel falls between two neighbours
                if u < -1e-7 or v < -1e-7 or w < -1e-7:
                    continue
                z = u * az + v * bz + w * cz
                if perspective:
                    z = 1.0 / z
                if z < depth[y, x]:
                    depth[y, x] = z
                    owner[y, x] = n


@njit(**EXACT)
def shade(
    points: F32,
    triangles: I32,
    normals: F32,
    perspective: bool,
    right: F64,
    down: F64,
    forward: F64,
    scale: float,
    colour: F64,
    cover: float,
    material: F64,
    top: int,
    end: int,
    depth: F32,
    owner: I32,
    out: F32,
) -> None:
    """Shade rows `top` to `end`: premultiplied colour and opacity; `depth` becomes the way along the ray.

    Parameters
    ----------
    normals : (N, 3) unit vectors in LPS
    right, down, forward : axes of the picture in LPS; scale : perspective's mm per pixel at a depth of 1 mm
    colour : (3,) 0..1; cover : opacity; material : ambient, diffuse, specular, power
    out : (height, width, 4)
    """
    height, width = depth.shape
    for y in range(top, end):
        for x in range(width):
            n = owner[y, x]
            if n < 0:
                out[y, x, :] = 0.0
                continue
            a, b, c = triangles[n, 0], triangles[n, 1], triangles[n, 2]
            ax, ay, az = points[a, 0], points[a, 1], points[a, 2]
            bx, by, bz = points[b, 0], points[b, 1], points[b, 2]
            cx, cy, cz = points[c, 0], points[c, 1], points[c, 2]
            area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
            u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
            v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
            w = 1.0 - u - v
            if perspective:
                u, v, w = u / az, v / bz, w / cz
            nx = u * normals[a, 0] + v * normals[b, 0] + w * normals[c, 0]
            ny = u * normals[a, 1] + v * normals[b, 1] + w * normals[c, 1]
            nz = u * normals[a, 2] + v * normals[b, 2] + w * normals[c, 2]
            dx, dy, dz = forward[0], forward[1], forward[2]
            if perspective:
                px, py = (x - (width - 1) / 2) * scale, (y - (height - 1) / 2) * scale
                dx += px * right[0] + py * down[0]
                dy += px * right[1] + py * down[1]
                dz += px * right[2] + py * down[2]
                size = np.sqrt(dx * dx + dy * dy + dz * dz)
                dx, dy, dz = dx / size, dy / size, dz / size
                depth[y, x] *= size
            size = np.sqrt(nx * nx + ny * ny + nz * nz)
            cosine = 0.0
            inside = False
            if size > 1e-12:
                cosine = -(nx * dx + ny * dy + nz * dz) / size
                inside = cosine < 0.0
                cosine = min(abs(cosine), 1.0)
            lit = material[0] + material[1] * cosine
            gleam = material[2] * cosine ** material[3]
            if inside:  # the inner side of a wall that has been cut open: darker, without gleam
                lit *= 0.6
                gleam = 0.0
            for channel in range(3):
                out[y, x, channel] = cover * min(lit * colour[channel] + gleam, 1.0)
            out[y, x, 3] = cover
