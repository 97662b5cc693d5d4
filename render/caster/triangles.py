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
_APART_MM = np.float32(1.0)  # two walls, where the layers of neighbouring pixels are joined


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
def placed(index: F32, matrix: F64, first: int, end: int, out: F32) -> None:
    """Points `first` to `end` from one space into another: ``matrix[:, :3] @ index + matrix[:, 3]``.

    Parameters
    ----------
    index, out : (N, 3) float32; matrix : (3, 4) float64, in which the sums are made
    """
    for n in range(first, end):
        k, r, c = np.float64(index[n, 0]), np.float64(index[n, 1]), np.float64(index[n, 2])
        for axis in range(3):
            out[n, axis] = matrix[axis, 0] * k + matrix[axis, 1] * r + matrix[axis, 2] * c + matrix[axis, 3]


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
    out: npt.NDArray[np.uint16],
    counts: I32,
) -> None:
    """In which strips of a picture triangles `first` to `end` may cover the middle of a pixel.

    Parameters
    ----------
    turned_away : whether those that show their inner side count
    rows, width : of the picture; tall : rows of a strip
    out : (M, 2) first and last strip; 1 and 0 for what is in none
    counts : (strips,) of 0, out: how many of these triangles are in each
    """
    for n in range(first, end):
        out[n, 0], out[n, 1] = 1, 0
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
        top, bottom = y0 // tall, y1 // tall
        out[n, 0], out[n, 1] = top, bottom
        for strip in range(top, bottom + 1):
            counts[strip] += 1


@njit(**EXACT)
def listed(within: npt.NDArray[np.uint16], first: int, end: int, places: npt.NDArray[np.int64], out: I32) -> None:
    """Write the numbers of triangles `first` to `end` into the lists of their strips.

    Parameters
    ----------
    within : see `strips`; places : (strips,) where these triangles begin in the list of each strip
    """
    for n in range(first, end):
        for strip in range(int(within[n, 0]), int(within[n, 1]) + 1):
            out[places[strip]] = n
            places[strip] += 1


@njit(**EXACT)
def nearest(
    points: F32,
    triangles: I32,
    kept: npt.NDArray[np.uint8],
    own: I32,
    cuts: F64,
    perspective: bool,
    first: int,
    top: int,
    end: int,
    begin: int,
    close: int,
    is_solid: bool,
    solid: F32,
    filled: npt.NDArray[np.uint8],
    depth: F32,
    owner: I32,
) -> None:
    """Fill rows `top` to `end`, a strip, with a surface's nearest triangles of every pixel, as many as it has layers.

    Parameters
    ----------
    points : (N, 3) x, y in pixels, depth in mm in front of the eye
    triangles : (M, 3); kept : (N,) uint8, 1 for the points that all half-spaces keep
    own : numbers of the triangles that may lie in this strip
    cuts : (n, 4) half-spaces of the picture: kept where ``a x + b y + c z + d >= 0`` with pixels x, y and
        depth z; in perspective ``z (a x + b y + c) + d >= 0``
    perspective : depth is interpolated as 1/z; triangles that reach behind the eye are left out
    first : the picture's row that is row 0 of the arrays
    begin, close : the surface's layers
    is_solid : whether it hides what lies behind it
    solid : (rows, width) depth behind which nothing can be seen
    filled : (rows, width) how many of the surface's layers are taken, 0 before
    depth : (rows, width, layers), ascending within a surface, NOTHING where empty
    owner : index of the triangle, -1 where empty
    """
    width = depth.shape[1]
    last = close - 1
    for n in own:
        a, b, c = triangles[n, 0], triangles[n, 1], triangles[n, 2]
        ay, by, cy = np.float64(points[a, 1]), np.float64(points[b, 1]), np.float64(points[c, 1])
        ax, bx, cx = np.float64(points[a, 0]), np.float64(points[b, 0]), np.float64(points[c, 0])
        y0 = max(top, int(np.ceil(min(ay, by, cy))) - first)
        y1 = min(end - 1, int(np.floor(max(ay, by, cy))) - first)
        x0 = max(0, int(np.ceil(min(ax, bx, cx))))
        x1 = min(width - 1, int(np.floor(max(ax, bx, cx))))
        az, bz, cz = np.float64(points[a, 2]), np.float64(points[b, 2]), np.float64(points[c, 2])
        per_area = 1.0 / ((bx - ax) * (cy - ay) - (cx - ax) * (by - ay))
        whole = kept[a] and kept[b] and kept[c]
        if perspective:
            az, bz, cz = 1.0 / az, 1.0 / bz, 1.0 / cz
        for row in range(y0, y1 + 1):
            y = np.float64(row + first)
            for column in range(x0, x1 + 1):
                x = np.float64(column)
                u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) * per_area
                v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) * per_area
                w = 1.0 - u - v
                # a hair's breadth more, so that no pixel falls between two neighbours
                if u < -1e-7 or v < -1e-7 or w < -1e-7:
                    continue
                z = u * az + v * bz + w * cz
                if perspective:
                    z = 1.0 / z
                taken = begin + filled[row, column]
                if not z < solid[row, column] or (taken == close and not z < depth[row, column, last]):
                    continue
                if not whole and not _kept(cuts, perspective, x, y, z):
                    continue
                place = taken
                while place > begin and z < depth[row, column, place - 1]:
                    place -= 1
                # the edge that two neighbours share is one layer, not two
                if close - begin > 1 and (
                    (place > begin and z - depth[row, column, place - 1] < _SAME_MM)
                    or (place < taken and depth[row, column, place] - z < _SAME_MM)
                ):
                    continue
                for behind in range(min(taken, last), place, -1):
                    depth[row, column, behind] = depth[row, column, behind - 1]
                    owner[row, column, behind] = owner[row, column, behind - 1]
                depth[row, column, place] = z
                owner[row, column, place] = n
                if taken < close:
                    filled[row, column] += 1
                if is_solid:
                    solid[row, column] = z


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


@njit(inline="always")
def _power(base: float, exponent: int) -> float:
    out = 1.0
    while exponent > 0:
        if exponent & 1:
            out *= base
        base *= base
        exponent >>= 1
    return out


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
    first: int,
    top: int,
    end: int,
    begin: int,
    close: int,
    depth: F32,
    owner: I32,
    out: F32,
) -> None:
    """Shade a surface in rows `top` to `end`: premultiplied colour and opacity; `depth` becomes the way along the ray.

    Parameters
    ----------
    normals : (N, 3) unit vectors in LPS
    right, down, forward : axes of the picture in LPS; scale : perspective's mm per pixel at a depth of 1 mm
    colour : (3,) 0..1; cover : opacity; material : ambient, diffuse, specular, power (a whole number)
    middle : the picture's row that the eye looks at
    first, begin, close : see `nearest`
    out : (rows, width, layers, 4), 0 before
    """
    width = depth.shape[1]
    power = int(material[3])
    for row in range(top, end):
        y = np.float64(row + first)
        for column in range(width):
            x = np.float64(column)
            dx, dy, dz = forward[0], forward[1], forward[2]
            longer = 1.0
            for layer in range(begin, close):
                n = owner[row, column, layer]
                if n < 0:
                    break
                if perspective and layer == begin:
                    px, py = (x - (width - 1) / 2) * scale, (y - middle) * scale
                    dx += px * right[0] + py * down[0]
                    dy += px * right[1] + py * down[1]
                    dz += px * right[2] + py * down[2]
                    longer = np.sqrt(dx * dx + dy * dy + dz * dz)
                    dx, dy, dz = dx / longer, dy / longer, dz / longer
                depth[row, column, layer] *= longer
                a, b, c = triangles[n, 0], triangles[n, 1], triangles[n, 2]
                ax, ay = np.float64(points[a, 0]), np.float64(points[a, 1])
                bx, by = np.float64(points[b, 0]), np.float64(points[b, 1])
                cx, cy = np.float64(points[c, 0]), np.float64(points[c, 1])
                per_area = 1.0 / ((bx - ax) * (cy - ay) - (cx - ax) * (by - ay))
                u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) * per_area
                v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) * per_area
                w = 1.0 - u - v
                if perspective:
                    u, v, w = u / points[a, 2], v / points[b, 2], w / points[c, 2]
                nx = u * normals[a, 0] + v * normals[b, 0] + w * normals[c, 0]
                ny = u * normals[a, 1] + v * normals[b, 1] + w * normals[c, 1]
                nz = u * normals[a, 2] + v * normals[b, 2] + w * normals[c, 2]
                size = np.sqrt(nx * nx + ny * ny + nz * nz)
                cosine = 0.0
                inside = False
                if size > 1e-12:
                    cosine = -(nx * dx + ny * dy + nz * dz) / size
                    inside = cosine < 0.0
                    cosine = min(abs(cosine), 1.0)
                lit = material[0] + material[1] * cosine
                gleam = material[2] * _power(cosine, power)
                if inside:  # the inner side of a wall that has been cut open: darker, without gleam
                    lit *= 0.6
                    gleam = 0.0
                for channel in range(3):
                    out[row, column, layer, channel] = cover * min(lit * colour[channel] + gleam, 1.0)
                out[row, column, layer, 3] = cover


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

    The two sides of a thin wall in one cell become a point each: as one, its triangles would be turned about, and the
    wall would have holes.

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
    behind = np.full(len(points), -1, dtype=np.int32)
    for n in range(len(points)):
        i = min(max(int((points[n, 0] - low[0]) * per_mm), 0), whose.shape[0] - 1)
        j = min(max(int((points[n, 1] - low[1]) * per_mm), 0), whose.shape[1] - 1)
        m = min(max(int((points[n, 2] - low[2]) * per_mm), 0), whose.shape[2] - 1)
        one = whose[i, j, m]
        other = one
        if one >= 0:
            towards = 0.0
            for axis in range(3):
                towards += turned[one, axis] * normals[n, axis]
            if towards < 0:
                other = behind[one]
        if other < 0:
            if one < 0:
                whose[i, j, m] = count
            else:
                behind[one] = count
            one = count
            count += 1
            moved[one, :] = 0
            turned[one, :] = 0
        else:
            one = other
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
def compose(more: int, top: int, end: int, depth: F32, colour: F32, ground: F32, out: npt.NDArray[np.uint8]) -> None:
    """Lay the layers over each other, nearest first, and over the background: rows `top` to `end` of a picture.

    Parameters
    ----------
    more : pixels of the layers along each side of a pixel of the picture, which becomes their mean
    depth : (more rows, more width, layers), ascending; colour : (more rows, more width, layers, 4) premultiplied
    ground : (more rows, 3); out : (rows, width, 3)
    """
    one = np.float32(1)
    share = np.float32(1) / np.float32(more * more)
    for row in range(top, end):
        for column in range(out.shape[1]):
            total_red = total_green = total_blue = np.float32(0)
            for y in range(row * more, (row + 1) * more):
                for x in range(column * more, (column + 1) * more):
                    left = one
                    red = green = blue = np.float32(0)
                    for n in range(depth.shape[2]):
                        if depth[y, x, n] >= NOTHING:
                            break
                        red += left * colour[y, x, n, 0]
                        green += left * colour[y, x, n, 1]
                        blue += left * colour[y, x, n, 2]
                        left *= one - colour[y, x, n, 3]
                    total_red += red + left * ground[y, 0]
                    total_green += green + left * ground[y, 1]
                    total_blue += blue + left * ground[y, 2]
            out[row, column, 0] = int(min(total_red * share, one) * np.float32(255) + np.float32(0.5))
            out[row, column, 1] = int(min(total_green * share, one) * np.float32(255) + np.float32(0.5))
            out[row, column, 2] = int(min(total_blue * share, one) * np.float32(255) + np.float32(0.5))


@njit(**EXACT)
def joined(top: int, end: int, depth: F32, colour: F32, out_depth: F32, out_colour: F32) -> None:
    """Layers of 2 x 2 pixels as those of one, for rows `top` to `end`: an edge becomes a layer that covers a part.

    What lies in the four pixels is taken by depth and gathered into layers, each pixel at most once in one. A layer's
    opacity is the share of the light that comes through to it and that it stops, so that without anything in between
    the layers are the mean of the four pixels; its depth is the mean of what makes it up. What exceeds the number of
    layers is joined into the last.

    Parameters
    ----------
    depth : (2 rows, 2 width, layers), ascending; colour : (2 rows, 2 width, layers, 4) premultiplied
    out_depth, out_colour : (rows, width, n), (rows, width, n, 4)
    """
    layers, room = depth.shape[2], out_depth.shape[2]
    one, nil = np.float32(1), np.float32(0)
    at = np.zeros(4, dtype=np.int64)
    left = np.ones(4, dtype=np.float32)
    for row in range(top, end):
        for column in range(out_depth.shape[1]):
            at[:] = 0
            left[:] = one
            before = one
            made = 0
            red = green = blue = weight = deep = nil
            used = 0
            while True:
                nearest_one, z = -1, NOTHING
                for n in range(4):
                    if at[n] < layers:
                        reach = depth[2 * row + n // 2, 2 * column + n % 2, at[n]]
                        if reach < z:
                            nearest_one, z = n, reach
                over = nearest_one < 0
                # a pixel that comes again, or a step in depth: the layer is full, as far as there is room for another
                if weight > nil and (
                    over or (made < room - 1 and ((used >> nearest_one & 1) > 0 or z - deep / weight > _APART_MM))
                ):
                    after = (left[0] + left[1] + left[2] + left[3]) * np.float32(0.25)
                    per = np.float32(0.25) / before
                    out_depth[row, column, made] = deep / weight
                    out_colour[row, column, made, 0] = red * per
                    out_colour[row, column, made, 1] = green * per
                    out_colour[row, column, made, 2] = blue * per
                    out_colour[row, column, made, 3] = one - after / before
                    made += 1
                    before = after
                    red = green = blue = weight = deep = nil
                    used = 0
                if over or before <= np.float32(1e-6):
                    break
                y, x, layer = 2 * row + nearest_one // 2, 2 * column + nearest_one % 2, at[nearest_one]
                here, cover = left[nearest_one], colour[y, x, layer, 3]
                red += here * colour[y, x, layer, 0]
                green += here * colour[y, x, layer, 1]
                blue += here * colour[y, x, layer, 2]
                weight += here * cover
                deep += here * cover * z
                left[nearest_one] = here * (one - cover)
                used |= 1 << nearest_one
                at[nearest_one] += 1
            for n in range(made, room):
                out_depth[row, column, n] = NOTHING
                for channel in range(4):
                    out_colour[row, column, n, channel] = nil


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
