"""Diameter: calipers across a vessel or organ, on a plane across it; says what, how, where."""

from __future__ import annotations

import numpy as np

from render.view import Vector
from workstation.case.model import Measured
from workstation.measure.grid import Array, Grid
from workstation.measure.length import uncertainty_mm
from workstation.measure.options import Options
from workstation.measure.verdict import Verdict, defined, of_length, of_obliqueness, of_picture, of_place, result

HOW = {"": "Diameter", "max": "Maximum diameter", "min": "Minimum diameter"}


def diameter(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Distance between the two ends of the calipers, mm; the plane is judged against the axis of the vessel."""
    verdict = Verdict()
    of_picture(verdict, options)
    if options.technique == "cpr":
        verdict.refused.append("The width of an unfolded vessel is no diameter.")
    of_place(verdict, grid, points, normal)
    of_obliqueness(verdict, normal, options)
    away = points[1] - points[0]
    value = float(np.linalg.norm(away))
    definition = defined(HOW[options.how], normal, options)
    if value <= 0:
        verdict.refused.append("The two points are one.")
        return result(verdict, "diameter", None, "mm", definition)
    of_length(verdict, grid, points[0], points[1])
    return result(verdict, "diameter", value, "mm", definition, uncertainty=uncertainty_mm(grid, away / value))
