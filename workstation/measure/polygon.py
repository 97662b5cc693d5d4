"""Polygon on a plane: area, perimeter, and the values of the acquired voxels within."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from render.view import Vector
from workstation.case.model import Measured
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.printing import printed
from workstation.measure.region import area_uncertainty, layer, sheet, statistics
from workstation.measure.verdict import Verdict, defined, of_obliqueness, of_picture, of_place, result


def polygon(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Area in mm2 of a closed outline that lies on one plane and does not cross itself."""
    verdict = Verdict()
    of_picture(verdict, options)
    if options.slab_mode:
        verdict.refused.append("Areas are measured on thin planes.")
    plane = sheet(points, normal)
    of_obliqueness(verdict, plane.normal, options)
    of_place(verdict, grid, points, plane.normal, closed=True)
    definition = defined("Area of a polygon", plane.normal, options)
    if np.abs(plane.height(points)).max() > float(grid.effective_mm.min()) / 2.0:
        verdict.refused.append("The points do not lie on one plane.")
    flat = plane.flat(points)
    following = np.roll(flat, -1, axis=0)
    area = abs(float((flat[:, 0] * following[:, 1] - flat[:, 1] * following[:, 0]).sum())) / 2.0
    if area <= 0:
        verdict.refused.append("The outline has no area.")
    elif crosses_itself(flat):
        verdict.refused.append("The outline crosses itself.")
    perimeter = float(np.linalg.norm(following - flat, axis=1).sum())
    extra = {"perimeter_mm": perimeter}
    words = printed(area, "mm2")
    if not verdict.refused:
        found = statistics(verdict, grid, layer(grid, plane, points, lambda p: within(p, flat)), options)
        extra |= found.extra
        words = f"{words}, {found.words}" if found.words else words
    return result(
        verdict,
        "polygon",
        area,
        "mm2",
        definition,
        uncertainty=area_uncertainty(grid, plane, perimeter),
        extra=extra,
        words=words,
    )


def within(points: Array, outline: Array) -> npt.NDArray[np.bool_]:
    """Even-odd rule: which points (n, 2) lie within a closed outline (m, 2)."""
    found = np.zeros(len(points), dtype=bool)
    x, y = points[:, 0], points[:, 1]
    for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        spans = (a[1] > y) != (b[1] > y)
        if a[1] != b[1]:
            found ^= spans & (x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0])
    return found


def crosses_itself(outline: Array) -> bool:
    """Whether two sides that are no neighbours cross."""
    n = len(outline)
    ends = np.roll(outline, -1, axis=0)

    def side(a: Array, b: Array, p: Array) -> float:
        return float((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]))

    for i in range(n):
        for j in range(i + 2, n):
            if i == 0 and j == n - 1:
                continue
            a, b, c, d = outline[i], ends[i], outline[j], ends[j]
            if side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0:
                return True
    return False
