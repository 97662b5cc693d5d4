"""Length: the straight distance between two points of the patient."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from render.view import Vector
from workstation.case.model import Measured
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.verdict import Verdict, defined, of_length, of_picture, of_place, result


def uncertainty_mm(grid: Grid, direction_lps: npt.ArrayLike) -> float:
    """U = 2 sqrt(2) sqrt(sum (d_i e_i)^2 / 12): both ends uniform within an effective voxel, k = 2."""
    return 2.0 * float(np.sqrt(2.0 / 12.0)) * grid.along(direction_lps)


def length(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Distance of two points, mm."""
    verdict = Verdict()
    of_picture(verdict, options)
    of_place(verdict, grid, points, normal)
    away = points[1] - points[0]
    value = float(np.linalg.norm(away))
    definition = defined("Straight distance", normal, options)
    if value <= 0:
        verdict.refused.append("The two points are one.")
        return result(verdict, "length", None, "mm", definition)
    of_length(verdict, grid, points[0], points[1])
    return result(verdict, "length", value, "mm", definition, uncertainty=uncertainty_mm(grid, away / value))
