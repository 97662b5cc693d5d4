"""Where slices that have not come would lie in a pane, so that nobody takes them for air. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from render import planes
from render.view import View
from render.volume import Volume

Polygon = list[tuple[float, float]]
_CLOSE = 0.01  # of a slice: a plane this near to a slice that is there shows that slice alone


def runs(awaited: Sequence[int]) -> list[tuple[int, int]]:
    """Rows of neighbouring numbers, (first, last)."""
    out: list[tuple[int, int]] = []
    for k in awaited:
        if out and k == out[-1][1] + 1:
            out[-1] = (out[-1][0], k)
        else:
            out.append((k, k))
    return out


def polygons(view: View, volume: Volume, awaited: Sequence[int]) -> list[Polygon]:
    """Parts of a plane's picture into which a slice that has not come is sampled, in pixels of the view.

    Between a slice that is there and one that is not, values are interpolated from both: such places count as
    awaited. Where slices stand at uneven places the whole picture does, until all have come.
    """
    if view.plane is None or not awaited:
        return []
    width, height = view.size
    whole = [(-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)]
    if volume.positions_lps is not None:
        return [whole]
    mm = view.plane.mm_per_pixel
    start = volume.geometry.to_index(planes.corner(view.plane, view.size))
    across = (
        volume.geometry.to_index(planes.corner(view.plane, view.size) + mm * np.array(view.plane.right_lps)) - start
    )
    down = volume.geometry.to_index(planes.corner(view.plane, view.size) + mm * np.array(view.plane.down_lps)) - start
    inside = whole
    for axis in (1, 2):
        n = volume.geometry.shape[axis]
        line = (start[axis], across[axis], down[axis])
        inside = _clip(_clip(inside, line, -0.5, 1.0), line, n - 0.5, -1.0)
    slices = (start[0], across[0], down[0])
    last = volume.geometry.shape[0] - 1
    found = []
    for low, high in runs(awaited):
        # beyond the first and the last slice there is nothing to be awaited
        bottom = -0.5 if low == 0 else low - 1 + _CLOSE
        top = last + 0.5 if high == last else high + 1 - _CLOSE
        part = _clip(_clip(inside, slices, bottom, 1.0), slices, top, -1.0)
        if len(part) > 2:
            found.append(part)
    return found


def _clip(polygon: Polygon, line: tuple[float, float, float], bound: float, sign: float) -> Polygon:
    """The part of a convex polygon where sign * (a + b x + c y - bound) >= 0 (Sutherland and Hodgman)."""
    a, b, c = line

    def value(p: tuple[float, float]) -> float:
        return float(sign * (a + b * p[0] + c * p[1] - bound))

    out: Polygon = []
    for k, here in enumerate(polygon):
        before = polygon[k - 1]
        v, w = value(before), value(here)
        if (v >= 0) != (w >= 0):
            t = v / (v - w)
            out.append((before[0] + t * (here[0] - before[0]), before[1] + t * (here[1] - before[1])))
        if w >= 0:
            out.append(here)
    return out
