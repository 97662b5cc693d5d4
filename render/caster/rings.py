"""Kernels that smooth a mesh: who neighbours whom, a filter over the neighbours, and normals.

The filter is a polynomial of the operator that averages a point with its neighbours (Taubin, Zhang, Golub 1996). It is
applied to the points' first displacement, not to the points, by Clenshaw's recurrence: small numbers lose nothing in 32
bits, and each pass reads only two arrays beside the neighbours. Every point is written by one thread alone from what
the pass before left, so the result is the same whatever the threads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from render.caster import EXACT
from render.caster.lanes import get, minus, plus, row, same, times

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]


@njit(**EXACT)
def counted(triangles: I32, first: int, end: int, counts: I32) -> None:
    """Add to `counts`, (N,), how often triangles `first` to `end` have each point as a corner."""
    for n in range(first, end):
        counts[triangles[n, 0]] += 1
        counts[triangles[n, 1]] += 1
        counts[triangles[n, 2]] += 1


@njit(**EXACT)
def begun(counts: I32, starts: I32) -> int:
    """Where the corners of each point begin; `counts` becomes the place of each portion's next one.

    Parameters
    ----------
    counts : (portions, N) corners of each point in each portion of the triangles
    starts : (N + 1,) out

    Returns
    -------
    the most corners of one point
    """
    at = 0
    most = 0
    for n in range(counts.shape[1]):
        starts[n] = at
        for part in range(counts.shape[0]):
            many = counts[part, n]
            counts[part, n] = at
            at += many
        most = max(most, at - starts[n])
    starts[counts.shape[1]] = at
    return most


@njit(**EXACT)
def filled(triangles: I32, first: int, end: int, places: I32, corners: I32) -> None:
    """Note the corners of triangles `first` to `end` with their points, as ``3 * triangle + corner``."""
    for n in range(first, end):
        for corner in range(3):
            point = triangles[n, corner]
            corners[places[point]] = 3 * n + corner
            places[point] += 1


@njit(**EXACT)
def ringed(triangles: I32, starts: I32, most: int, first: int, end: int, ring: I32, many: I32, odd: U8) -> int:
    """Bring the neighbours of points `first` to `end` into the order in which triangles join them.

    Parameters
    ----------
    starts : (N + 1,); most : see `begun`
    ring : (corners,) in: corners of each point; out: its neighbours
    many : (N,) out, how many neighbours, one for each triangle; 0 where the point lies on an open edge and stays
    odd : (N,) out, 1 where the triangles around a point are not one closed ring of different neighbours

    Returns
    -------
    how many points are odd
    """
    after = np.empty(most, dtype=np.int32)
    before = np.empty(most, dtype=np.int32)
    found = 0
    for point in range(first, end):
        begin = starts[point]
        count = starts[point + 1] - begin
        for n in range(count):
            corner = ring[begin + n]
            triangle = corner // 3
            corner -= 3 * triangle
            after[n] = triangles[triangle, corner + 1 if corner < 2 else 0]
            before[n] = triangles[triangle, corner - 1 if corner > 0 else 2]
        closed = count > 2
        for n in range(1, count):
            wanted = before[n - 1]
            other = n
            while other < count and after[other] != wanted:
                other += 1
            if other == count:
                closed = False
                break
            after[n], after[other] = after[other], after[n]
            before[n], before[other] = before[other], before[n]
        if closed and before[count - 1] == after[0]:
            for n in range(1, count):
                for other in range(n):
                    if after[n] == after[other]:
                        closed = False
        else:
            closed = False
        if closed:
            odd[point] = 0
            many[point] = count
            for n in range(count):
                ring[begin + n] = after[n]
            continue
        odd[point] = 1
        found += 1
        many[point] = count
        for n in range(count):
            ring[begin + n] = after[n]
            if _is_open(after, before, count, after[n]) or _is_open(after, before, count, before[n]):
                many[point] = 0
    return found


@njit(inline="always")
def _is_open(after: I32, before: I32, count: int, other: int) -> bool:
    """Whether the edge to another point belongs to one triangle alone."""
    met = 0
    for n in range(count):
        met += int(after[n] == other) + int(before[n] == other)
    return met < 2


@njit(inline="always")
def _mean(values: F32, ring: I32, begin: int, count: int) -> object:
    """Mean of the neighbours' values; read by fours, the fourth of which belongs to the next point."""
    total = row(values, 3 * np.int64(ring[begin]))
    for n in range(begin + 1, begin + count):
        total = plus(total, row(values, 3 * np.int64(ring[n])))
    return times(total, same(np.float32(1) / np.float32(count)))


@njit(**EXACT)
def displaced(points: F32, starts: I32, ring: I32, many: I32, first: int, end: int, out: F32) -> None:
    """Half the way of points `first` to `end` towards the mean of their neighbours.

    Parameters
    ----------
    points, out : (3 N + 1,) x, y, z of every point, and one number that is only read over
    """
    half = same(np.float32(0.5))
    for n in range(first, end):
        if many[n] == 0:
            out[3 * n] = out[3 * n + 1] = out[3 * n + 2] = np.float32(0)
            continue
        way = times(minus(_mean(points, ring, starts[n], many[n]), row(points, 3 * n)), half)
        out[3 * n], out[3 * n + 1], out[3 * n + 2] = get(way, 0), get(way, 1), get(way, 2)


@njit(**EXACT)
def step(
    ways: F32, last: F32, factor: float, starts: I32, ring: I32, many: I32, first: int, end: int, out: F32
) -> None:
    """One step of Clenshaw's recurrence: ``factor * ways + last + mean of last - out``, into `out`.

    Parameters
    ----------
    ways, last, out : (3 N + 1,), see `displaced`; `out` holds what was `last` one step before
    """
    by = same(np.float32(factor))
    for n in range(first, end):
        if many[n] == 0:
            continue
        here = plus(row(last, 3 * n), _mean(last, ring, starts[n], many[n]))
        here = plus(minus(here, row(out, 3 * n)), times(by, row(ways, 3 * n)))
        out[3 * n], out[3 * n + 1], out[3 * n + 2] = get(here, 0), get(here, 1), get(here, 2)


@njit(**EXACT)
def moved(
    points: F32, ways: F32, last: F32, but_one: F32, factor: float, starts: I32, ring: I32, many: I32, first: int,
    end: int, out: F32,
) -> None:  # fmt: skip
    """The end of the recurrence: ``points + factor * ways + (last + mean of last) / 2 - but_one``, into `out`."""
    half, by = same(np.float32(0.5)), same(np.float32(factor))
    for n in range(first, end):
        here = row(points, 3 * n)
        if many[n] > 0:
            way = times(plus(row(last, 3 * n), _mean(last, ring, starts[n], many[n])), half)
            here = plus(here, plus(minus(way, row(but_one, 3 * n)), times(by, row(ways, 3 * n))))
        out[3 * n], out[3 * n + 1], out[3 * n + 2] = get(here, 0), get(here, 1), get(here, 2)


@njit(**EXACT)
def normals(points: F32, starts: I32, ring: I32, odd: U8, first: int, end: int, out: F32) -> None:
    """Unit normals of points `first` to `end`, from the triangles around each; of odd ones: 0.

    A triangle counts by the sine of its angle over the product of its two sides (Max 1999: exact on a sphere).

    Parameters
    ----------
    points : (N, 3); out : (N, 3)
    """
    for n in range(first, end):
        x = y = z = np.float32(0)
        begin, close = starts[n], starts[n + 1]
        if odd[n] == 0:
            p, q, r = points[n, 0], points[n, 1], points[n, 2]
            last = ring[close - 1]
            ux, uy, uz = points[last, 0] - p, points[last, 1] - q, points[last, 2] - r
            uu = ux * ux + uy * uy + uz * uz
            for at in range(begin, close):
                one = ring[at]
                vx, vy, vz = points[one, 0] - p, points[one, 1] - q, points[one, 2] - r
                vv = vx * vx + vy * vy + vz * vz
                per = _per(uu * vv)
                x += (uy * vz - uz * vy) * per
                y += (uz * vx - ux * vz) * per
                z += (ux * vy - uy * vx) * per
                ux, uy, uz, uu = vx, vy, vz, vv
            x, y, z = _unit(x, y, z)
        out[n, 0], out[n, 1], out[n, 2] = x, y, z


@njit(inline="always")
def _per(size: float) -> float:
    return np.float32(1) / size if size > np.float32(1e-20) else np.float32(0)  # type: ignore[return-value]


@njit(inline="always")
def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    size = x * x + y * y + z * z
    per = np.float32(1) / np.sqrt(size) if size > np.float32(1e-30) else np.float32(0)
    return x * per, y * per, z * per  # type: ignore[return-value]


@njit(**EXACT)
def odd_normals(points: F32, triangles: I32, odd: U8, out: F32) -> None:
    """Normals of the points that `normals` left out, (N, 3) float32 of 0 there: by their triangles, in order."""
    for n in range(len(triangles)):
        a, b, c = triangles[n, 0], triangles[n, 1], triangles[n, 2]
        if odd[a] + odd[b] + odd[c] == 0:
            continue
        for corner in range(3):
            p, q, r = triangles[n, corner], triangles[n, (corner + 1) % 3], triangles[n, (corner + 2) % 3]
            if odd[p] == 0:
                continue
            ux, uy, uz = points[q, 0] - points[p, 0], points[q, 1] - points[p, 1], points[q, 2] - points[p, 2]
            vx, vy, vz = points[r, 0] - points[p, 0], points[r, 1] - points[p, 1], points[r, 2] - points[p, 2]
            per = _per((ux * ux + uy * uy + uz * uz) * (vx * vx + vy * vy + vz * vz))
            out[p, 0] += (uy * vz - uz * vy) * per
            out[p, 1] += (uz * vx - ux * vz) * per
            out[p, 2] += (ux * vy - uy * vx) * per
    for n in range(len(odd)):
        if odd[n]:
            out[n, 0], out[n, 1], out[n, 2] = _unit(out[n, 0], out[n, 1], out[n, 2])


@njit(**EXACT)
def joined(triangles: I32, first: int, end: int, parent: I32) -> None:
    """Join the parts that triangles `first` to `end` hang together with; every point is a part of its own at first."""
    for n in range(first, end):
        a = triangles[n, 0]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        for corner in range(1, 3):
            b = triangles[n, corner]
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = parent[b]
            if b < a:
                a, b = b, a
            parent[b] = a


@njit(**EXACT)
def numbered(parent: I32, first: int, end: int, count: int, firsts: I32) -> int:
    """Number the parts from `count` on, in place, for points `first` to `end`, in turn; how many there are by then.

    A part's first point is its least, so it has its number before all others of the part.

    Parameters
    ----------
    parent : see `joined`; the part's number, out
    firsts : (N,) the first point of each part, out
    """
    for n in range(first, end):
        if parent[n] == n:
            firsts[count] = n
            parent[n] = count
            count += 1
        else:
            parent[n] = parent[parent[n]]
    return count


@njit(**EXACT)
def enclosed(
    before: F32, after: F32, triangles: I32, first: int, end: int, part: I32, firsts: I32,
    sums: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Add what triangles `first` to `end` enclose, each in its part, with its points before and after; times six.

    Parameters
    ----------
    part, firsts : see `numbered`; a part's first point is the apex of its tetrahedra
    sums : (parts, 2)
    """
    c = np.empty((3, 3), dtype=np.float64)
    for n in range(first, end):
        number = part[triangles[n, 0]]
        apex = firsts[number]
        for which in range(2):
            points = before if which == 0 else after
            for corner in range(3):
                for axis in range(3):
                    c[corner, axis] = np.float64(points[triangles[n, corner], axis]) - points[apex, axis]
            sums[number, which] += (
                c[0, 0] * (c[1, 1] * c[2, 2] - c[1, 2] * c[2, 1])
                + c[0, 1] * (c[1, 2] * c[2, 0] - c[1, 0] * c[2, 2])
                + c[0, 2] * (c[1, 0] * c[2, 1] - c[1, 1] * c[2, 0])
            )


@njit(**EXACT)
def restored(before: F32, first: int, end: int, part: I32, lost: U8, out: F32) -> None:
    """Put points `first` to `end` back where their part lost too much."""
    for n in range(first, end):
        if lost[part[n]]:
            out[n, 0], out[n, 1], out[n, 2] = before[n, 0], before[n, 1], before[n, 2]
