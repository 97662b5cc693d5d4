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
_SAME_MM = 1e-3


@njit(**EXACT)
def project(
    points_lps: F32,
    eye: F64,
    right: F64,
    down: F64,
    forward: F64,
    scale: float,
    middle: F64,
    perspective: bool,
    first: int,
    end: int,
    out: F32,
) -> None:
    """Points `first` to `end` before an eye: x and y in pixels, depth in mm; see `render.camera.project`.

    Parameters
    ----------
    scale : pixels per mm, in perspective at a depth of 1 mm
    middle : (2,) x and y of the picture's middle
    out : (N, 3) float32; what lies behind the eye is put far outside of the picture
    """
    for n in range(first, end):
        x, y, z = points_lps[n, 0] - eye[0], points_lps[n, 1] - eye[1], points_lps[n, 2] - eye[2]
        depth = x * forward[0] + y * forward[1] + z * forward[2]
        out[n, 2] = depth
        if perspective and not depth > 1e-6:
            out[n, 0] = -1e6
            out[n, 1] = -1e6
            continue
        size = scale / depth if perspective else scale
        out[n, 0] = (x * right[0] + y * right[1] + z * right[2]) * size + middle[0]
        out[n, 1] = (x * down[0] + y * down[1] + z * down[2]) * size + middle[1]


@njit(**EXACT)
def strips(
    points: F32,
    triangles: I32,
    kept: npt.NDArray[np.uint8],
    perspective: bool,
    turned_away: bool,
    rows: int,
    width: int,
    tall: int,
    first: int,
    end: int,
    out: npt.NDArray[np.uint8],
) -> None:
    """In which strips of a picture triangles `first` to `end` may cover the middle of a pixel.

    Parameters
    ----------
    turned_away : whether those that show their inner side count
    rows, width : of the picture; tall : rows of a strip, 255 strips at most
    out : (M, 2) first and last strip; 255 and 0 for what is in none
    """
    for n in range(first, end):
        out[n, 0], out[n, 1] = 255, 0
        a, b, c = triangles[n, 0], triangles[n, 1], triangles[n, 2]
        ay, by, cy = points[a, 1], points[b, 1], points[c, 1]
        y0 = max(0, int(np.ceil(min(ay, by, cy))))
        y1 = min(rows - 1, int(np.floor(max(ay, by, cy))))
        if y0 > y1 or not (kept[a] or kept[b] or kept[c]):
            continue
        ax, bx, cx = points[a, 0], points[b, 0], points[c, 0]
        x0 = max(0, int(np.ceil(min(ax, bx, cx))))
        if x0 > min(width - 1, int(np.floor(max(ax, bx, cx)))):
            continue
        if perspective and min(points[a, 2], points[b, 2], points[c, 2]) < 1e-3:
            continue
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0.0 or (area > 0.0 and not turned_away):
            continue
        out[n, 0], out[n, 1] = y0 // tall, y1 // tall


@njit(**EXACT)
def nearest(
    points: F32,
    triangles: I32,
    kept: npt.NDArray[np.uint8],
    within: npt.NDArray[np.uint8],
    strip: int,
    cuts: F64,
    perspective: bool,
    top: int,
    end: int,
    depth: F32,
    owner: I32,
) -> None:
    """Fill rows `top` to `end`, a strip, with the nearest triangles of every pixel, as many as there are layers.

    Parameters
    ----------
    points : (N, 3) x, y in pixels, depth in mm in front of the eye
    triangles : (M, 3); kept : (N,) uint8, 1 for the points that all half-spaces keep
    within, strip : (M, 2) strips of every triangle (see `strips`), and the number of this one
    cuts : (n, 4) half-spaces of the picture: kept where ``a x + b y + c z + d >= 0`` with pixels x, y and
        depth z; in perspective ``z (a x + b y + c) + d >= 0``
    perspective : depth is interpolated as 1/z; triangles that reach behind the eye are left out
    depth : (rows, width, layers), ascending, NOTHING where empty; owner : index of the triangle, -1 where empty
    """
    width = depth.shape[1]
    layers = depth.shape[2]
    for n in range(len(triangles)):
        if within[n, 0] > strip or within[n, 1] < strip:
            continue
        a, b, c = triangles[n, 0], triangles[n, 1], triangles[n, 2]
        ay, by, cy = points[a, 1], points[b, 1], points[c, 1]
        lowest, highest = min(ay, by, cy), max(ay, by, cy)
        ax, bx, cx = points[a, 0], points[b, 0], points[c, 0]
        left, right = min(ax, bx, cx), max(ax, bx, cx)
        az, bz, cz = points[a, 2], points[b, 2], points[c, 2]
        per_area = 1.0 / ((bx - ax) * (cy - ay) - (cx - ax) * (by - ay))
        whole = kept[a] and kept[b] and kept[c]
        if perspective:
            az, bz, cz = 1.0 / az, 1.0 / bz, 1.0 / cz
        y0, y1 = max(top, int(np.ceil(lowest))), min(end - 1, int(np.floor(highest)))
        x0, x1 = max(0, int(np.ceil(left))), min(width - 1, int(np.floor(right)))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) * per_area
                v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) * per_area
                w = 1.0 - u - v
                # a hair's breadth more, so that no pixel falls between two neighbours
                if u < -1e-7 or v < -1e-7 or w < -1e-7:
                    continue
                z = u * az + v * bz + w * cz
                if perspective:
                    z = 1.0 / z
                if not z < depth[y, x, layers - 1]:
                    continue
                if not whole and not _kept(cuts, perspective, x, y, z):
                    continue
                place = layers - 1
                while place > 0 and z < depth[y, x, place - 1]:
                    place -= 1
                # the edge that two neighbours share is one layer, not two
                if layers > 1 and (
                    (place > 0 and z - depth[y, x, place - 1] < _SAME_MM) or depth[y, x, place] - z < _SAME_MM
                ):
                    continue
                for behind in range(layers - 1, place, -1):
                    depth[y, x, behind] = depth[y, x, behind - 1]
                    owner[y, x, behind] = owner[y, x, behind - 1]
                depth[y, x, place] = z
                owner[y, x, place] = n


@njit(inline="always")
def _kept(cuts: F64, perspective: bool, x: float, y: float, z: float) -> bool:
    for n in range(len(cuts)):
        if perspective:
            side = z * (cuts[n, 0] * x + cuts[n, 1] * y + cuts[n, 2]) + cuts[n, 3]
        else:
            side = cuts[n, 0] * x + cuts[n, 1] * y + cuts[n, 2] * z + cuts[n, 3]
        if side < 0:
            return False
    return True


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
    middle: float,
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
    middle : row that the eye looks at
    out : (rows, width, layers, 4), 0 before
    """
    width = depth.shape[1]
    layers = depth.shape[2]
    for cell in range(top * width * layers, end * width * layers):
        layer = cell % layers
        x = cell // layers % width
        y = cell // (layers * width)
        n = owner[y, x, layer]
        if n < 0:
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
            px, py = (x - (width - 1) / 2) * scale, (y - middle) * scale
            dx += px * right[0] + py * down[0]
            dy += px * right[1] + py * down[1]
            dz += px * right[2] + py * down[2]
            size = np.sqrt(dx * dx + dy * dy + dz * dz)
            dx, dy, dz = dx / size, dy / size, dz / size
            depth[y, x, layer] *= size
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
            out[y, x, layer, channel] = cover * min(lit * colour[channel] + gleam, 1.0)
        out[y, x, layer, 3] = cover


@njit(**EXACT)
def clustered(
    points: F32,
    normals: F32,
    triangles: I32,
    low: F64,
    per_mm: float,
    whose: I32,
    moved: F32,
    turned: F32,
    kept: I32,
) -> tuple[int, int]:
    """Join the points of each cell of a grid into their mean, and leave out triangles that lose their area by it.

    Parameters
    ----------
    low, per_mm : the grid's first corner, and cells per mm
    whose : (a, b, c) int32 of -1, one for every cell
    moved, turned : (N, 3) float32, room for the new points and normals
    kept : (M, 3) int32, room for the new triangles

    Returns
    -------
    numbers of new points and of new triangles
    """
    count = 0
    number = np.empty(len(points), dtype=np.int32)
    many = np.zeros(len(points), dtype=np.int32)
    for n in range(len(points)):
        i = min(max(int((points[n, 0] - low[0]) * per_mm), 0), whose.shape[0] - 1)
        j = min(max(int((points[n, 1] - low[1]) * per_mm), 0), whose.shape[1] - 1)
        m = min(max(int((points[n, 2] - low[2]) * per_mm), 0), whose.shape[2] - 1)
        one = whose[i, j, m]
        if one < 0:
            one = count
            whose[i, j, m] = one
            count += 1
            moved[one, :] = 0
            turned[one, :] = 0
        number[n] = one
        many[one] += 1
        for axis in range(3):
            moved[one, axis] += points[n, axis]
            turned[one, axis] += normals[n, axis]
    for n in range(count):
        size = 0.0
        for axis in range(3):
            moved[n, axis] /= many[n]
            size += turned[n, axis] * turned[n, axis]
        size = np.sqrt(size)
        for axis in range(3):
            turned[n, axis] = turned[n, axis] / size if size > 1e-12 else np.float32(axis == 2)
    left = 0
    for n in range(len(triangles)):
        a, b, c = number[triangles[n, 0]], number[triangles[n, 1]], number[triangles[n, 2]]
        if a != b and b != c and a != c:
            kept[left, 0] = a
            kept[left, 1] = b
            kept[left, 2] = c
            left += 1
    return count, left


@njit(**EXACT)
def point_normals(points: F32, triangles: I32, out: F32) -> None:
    """Sum of the unit normals of each point's triangles, made a unit vector; 0 where all are without area.

    Parameters
    ----------
    out : (N, 3) float32 zeros
    """
    for n in range(len(triangles)):
        a, b, c = triangles[n, 0], triangles[n, 1], triangles[n, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        size = x * x + y * y + z * z
        if size > 0.0:
            size = np.float32(1) / np.sqrt(size)
            for p in (a, b, c):
                out[p, 0] += x * size
                out[p, 1] += y * size
                out[p, 2] += z * size
    for n in range(len(out)):
        size = out[n, 0] * out[n, 0] + out[n, 1] * out[n, 1] + out[n, 2] * out[n, 2]
        if size > 0.0:
            size = np.float32(1) / np.sqrt(size)
            out[n, 0] *= size
            out[n, 1] *= size
            out[n, 2] *= size


@njit(**EXACT)
def sort_layers(top: int, end: int, depth: F32, colour: F32) -> None:
    """Bring the layers of rows `top` to `end` into order, nearest first, in place; equal ones keep theirs.

    depth : (rows, width, layers); colour : (rows, width, layers, 4)
    """
    layers = depth.shape[2]
    for y in range(top, end):
        for x in range(depth.shape[1]):
            for n in range(1, layers):
                z = depth[y, x, n]
                place = n
                while place > 0 and depth[y, x, place - 1] > z:
                    place -= 1
                if place == n:
                    continue
                red, green, blue, cover = colour[y, x, n, 0], colour[y, x, n, 1], colour[y, x, n, 2], colour[y, x, n, 3]
                for other in range(n, place, -1):
                    depth[y, x, other] = depth[y, x, other - 1]
                    for channel in range(4):
                        colour[y, x, other, channel] = colour[y, x, other - 1, channel]
                depth[y, x, place] = z
                colour[y, x, place, 0] = red
                colour[y, x, place, 1] = green
                colour[y, x, place, 2] = blue
                colour[y, x, place, 3] = cover


@njit(**EXACT)
def compose(top: int, end: int, depth: F32, colour: F32, ground: F32, out: F32) -> None:
    """Lay the layers of rows `top` to `end` over each other, nearest first, and over the background.

    Parameters
    ----------
    depth : (rows, width, layers), ascending; colour : (rows, width, layers, 4) premultiplied
    ground : (rows, 3); out : (rows, width, 3)
    """
    one = np.float32(1)
    for y in range(top, end):
        for x in range(depth.shape[1]):
            left = one
            red = np.float32(0)
            green = np.float32(0)
            blue = np.float32(0)
            for n in range(depth.shape[2]):
                if depth[y, x, n] >= NOTHING:
                    break
                red += left * colour[y, x, n, 0]
                green += left * colour[y, x, n, 1]
                blue += left * colour[y, x, n, 2]
                left *= one - colour[y, x, n, 3]
            out[y, x, 0] = red + left * ground[y, 0]
            out[y, x, 1] = green + left * ground[y, 1]
            out[y, x, 2] = blue + left * ground[y, 2]


@njit(**EXACT)
def deepest(depth: F32) -> int:
    """How many layers the pixel with the most has; `depth` (rows, width, layers) is ascending."""
    most = 0
    layers = depth.shape[2]
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            while most < layers and depth[y, x, most] < NOTHING:
                most += 1
    return most
