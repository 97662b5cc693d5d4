"""Cobb angle: between two lines, each by two points."""

from __future__ import annotations

import numpy as np

from render.view import Vector
from workstation.case.model import Measured
from workstation.measure.angle import between_deg, of_arms, onto
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.verdict import Verdict, defined, result


def cobb(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Angle between the lines through points 1-2 and 3-4, the smaller one, degrees.

    Each line turns by sqrt(2) s over its length: U = 2 s sqrt(2/a^2 + 2/b^2), s = max(e) / sqrt(12).
    """
    verdict = Verdict()
    of_arms(verdict, grid, points[:2], normal, options)
    if grid.outside(points[2:]):
        verdict.refused.append("A point lies outside of the images.")
    elif grid.touches_filled(points[2:]):
        verdict.refused.append("A slice is missing here and was interpolated; what shows there is not real.")
    p = onto(points, options)
    first, second = p[1] - p[0], p[3] - p[2]
    a, b = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    definition = defined("Angle between two lines (Cobb)", normal, options)
    if a <= 0 or b <= 0:
        verdict.refused.append("A line of the angle has no length.")
        return result(verdict, "cobb", None, "deg", definition)
    value = between_deg(first, second)
    s = float(grid.effective_mm.max()) / np.sqrt(12.0)
    u = 2.0 * s * np.sqrt(2 / a**2 + 2 / b**2)
    return result(verdict, "cobb", min(value, 180.0 - value), "deg", definition, uncertainty=float(np.degrees(u)))
