"""Meshes smoothed by a windowed sinc filter, and their normals: whatever the number of threads, the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

from render.caster import portions, rings
from render.errors import Cancelled

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
Stop = Callable[[], bool]

ITERATIONS = 20
_CLOSE = 1e-3  # to 1, of what the filter leaves at the end of its pass band
_LEFT = 0.8
_AT_ONCE = 16_384  # points
_TRIANGLES = 250_000
_TRIANGLES_AT_ONCE = 100_000


@lru_cache(maxsize=8)
def coefficients(band: float, iterations: int = ITERATIONS) -> tuple[float, ...]:
    """The filter in Chebyshev polynomials of the averaging operator (Taubin, Zhang, Golub 1996, section 5).

    A step function that ends at the pass band, in so many Chebyshev terms, under a window; the step is moved outwards
    until the band's end itself passes, by Newton's method. What is constant passes exactly: nothing shrinks towards
    the origin.

    Parameters
    ----------
    band : end of the pass band in eigenvalues of the Laplacian, over 0 to 2

    Returns
    -------
    (iterations + 1,) factors of T_0 ... T_n, of sum 1
    """
    end = 1 - band / 2
    n = np.arange(iterations + 1)
    window = _window(iterations)
    angle = math.acos(end)
    terms = np.zeros(iterations + 1)
    for _ in range(500):
        terms = window * np.where(n == 0, angle / np.pi, 2 * np.sin(n * angle) / np.maximum(n, 1) / np.pi)
        wrong = float(chebyshev.chebval(end, terms)) - 1
        if abs(wrong) < _CLOSE:
            break
        angle -= wrong / float(chebyshev.chebval(end, chebyshev.chebder(terms)))
    terms[0] += 1 - terms.sum()
    return tuple(float(t) for t in terms)


def _window(iterations: int) -> F64:
    """Nuttall's window with a continuous first derivative, 1 in the middle (Nuttall 1981, table II)."""
    at = np.arange(iterations + 1) * np.pi / (iterations + 1)
    a = (0.355768, 0.487396, 0.144232, 0.012604)
    return np.asarray(sum(a[k] * np.cos(k * at) for k in range(4)), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Rings:
    """The neighbours of every point of a mesh.

    Parameters
    ----------
    starts : (N + 1,) where each point's neighbours begin in `ring`
    ring : (corners,) neighbours, in the order in which triangles join them
    many : (N,) how many of them count; 0 for a point on an open edge
    odd : (N,) 1 where they are no closed ring; any : whether one is
    """

    starts: I32
    ring: I32
    many: I32
    odd: npt.NDArray[np.uint8]
    any: bool

    @classmethod
    def of(cls, count: int, triangles: I32, cancelled: Stop | None = None) -> Rings:
        """Neighbours of `count` points."""
        parts = max(1, min(portions.cores(), 4, len(triangles) // _TRIANGLES))
        ends = np.linspace(0, len(triangles), parts + 1).astype(int)
        counts = np.zeros((parts, count), dtype=np.int32)
        starts = np.empty(count + 1, dtype=np.int32)
        ring = np.empty(3 * len(triangles), dtype=np.int32)
        many, odd = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.uint8)
        portions.run(
            _stepwise(lambda n, first, end: rings.counted(triangles, first, end, counts[n]), ends, cancelled),
            parts, 1, cancelled, told=False,
        )  # fmt: skip
        most = rings.begun(counts, starts)
        portions.run(
            _stepwise(lambda n, first, end: rings.filled(triangles, first, end, counts[n], ring), ends, cancelled),
            parts, 1, cancelled, told=False,
        )  # fmt: skip
        found: list[int] = []
        portions.run(
            lambda first, end: found.append(rings.ringed(triangles, starts, most, first, end, ring, many, odd)),
            count, _AT_ONCE, cancelled, told=False,
        )  # fmt: skip
        return cls(starts, ring, many, odd, sum(found) > 0)


def _stepwise(
    work: Callable[[int, int, int], object], ends: npt.NDArray[np.int_], cancelled: Stop | None
) -> Callable[[int, int], None]:
    """Work on part n of the triangles in steps; a part that is given up ends early, which `portions.run` then tells."""

    def part(n: int, _: int) -> None:
        for first in range(int(ends[n]), int(ends[n + 1]), _TRIANGLES_AT_ONCE):
            if cancelled is not None and cancelled():
                return
            work(n, first, min(first + _TRIANGLES_AT_ONCE, int(ends[n + 1])))

    return part


def smoothed(points: F32, found: Rings, band: float, cancelled: Stop | None = None) -> F32:
    """Points moved by the filter of this pass band; those on open edges stay.

    The coordinates' scale plays no part: the operator averages neighbours with equal weights, whatever their distance.

    Raises
    ------
    Cancelled
    """
    count = len(points)
    # f(t) = 1 + (t - 1) h(t): the displacement alone is filtered, by h
    whole = np.array(coefficients(band))
    whole[0] -= 1
    factors = chebyshev.chebdiv(whole, [-1.0, 1.0])[0]
    here = np.empty(3 * count + 1, dtype=np.float32)
    here[:-1].reshape(-1, 3)[:] = points
    ways, but_one = np.empty_like(here), np.zeros_like(here)
    around = (found.starts, found.ring, found.many)
    portions.run(
        lambda first, end: rings.displaced(here, *around, first, end, ways), count, _AT_ONCE, cancelled, told=False
    )  # fmt: skip
    last = ways * np.float32(factors[-1])
    for factor in factors[-2:0:-1]:

        def step(first: int, end: int, factor: float = factor, last: F32 = last, out: F32 = but_one) -> None:
            rings.step(ways, last, factor, *around, first, end, out)

        portions.run(step, count, _AT_ONCE, cancelled, told=False)
        last, but_one = but_one, last
    out = np.empty_like(here)
    portions.run(
        lambda first, end: rings.moved(here, ways, last, but_one, factors[0], *around, first, end, out),
        count, _AT_ONCE, cancelled, told=False,
    )  # fmt: skip
    return out[:-1].reshape(-1, 3)


def kept(before: F32, after: F32, triangles: I32, cancelled: Stop | None = None) -> F32:
    """Smoothed points, but parts that the filter takes for noise as they were (in place): a speck of lime is no noise.

    A part of a few points has no low frequency: the filter would bring all of them to their middle. Where less than
    `_LEFT` of what a part encloses is left it is not smoothed.

    Raises
    ------
    Cancelled
    """
    part = np.arange(len(before), dtype=np.int32)
    firsts = np.empty(len(before), dtype=np.int32)
    count = 0
    for first, end in _steps(len(triangles), cancelled):
        rings.joined(triangles, first, end, part)
    for first, end in _steps(len(before), cancelled):
        count = rings.numbered(part, first, end, count, firsts)
    halves = 2 if len(triangles) > _TRIANGLES else 1  # whatever the number of threads: sums in the same order
    ends = np.linspace(0, len(triangles), halves + 1).astype(int)
    sums = np.zeros((halves, count, 2))
    portions.run(
        _stepwise(
            lambda n, first, end: rings.enclosed(before, after, triangles, first, end, part, firsts, sums[n]),
            ends, cancelled,
        ),
        halves, 1, cancelled, told=False,
    )  # fmt: skip
    was, is_now = np.abs(sums.sum(axis=0)).T
    lost = (is_now < _LEFT * was).astype(np.uint8)
    portions.run(
        lambda first, end: rings.restored(before, first, end, part, lost, after),
        len(before), _AT_ONCE, cancelled, told=False,
    )  # fmt: skip
    return after


def _steps(count: int, cancelled: Stop | None) -> Iterator[tuple[int, int]]:
    """Portions that follow each other, with a look at the stop signal before each."""
    for first in range(0, count, _TRIANGLES_AT_ONCE):
        if cancelled is not None and cancelled():
            raise Cancelled
        yield first, min(first + _TRIANGLES_AT_ONCE, count)


def normals(points: F32, triangles: I32, found: Rings | None = None, cancelled: Stop | None = None) -> F32:
    """Unit normals of the points, (N, 3), on the side to which the triangles face (see `rings.normals`).

    0 where a point belongs to no triangle with an area.
    """
    found = Rings.of(len(points), triangles, cancelled) if found is None else found
    out = np.empty((len(points), 3), dtype=np.float32)
    portions.run(
        lambda first, end: rings.normals(points, found.starts, found.ring, found.odd, first, end, out),
        len(points), _AT_ONCE, cancelled, told=False,
    )  # fmt: skip
    if found.any:
        rings.odd_normals(points, triangles, found.odd, out)
    return out
