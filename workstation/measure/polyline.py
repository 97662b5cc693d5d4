"""Polyline: the length of a path through points of the patient."""

from __future__ import annotations

import numpy as np

from render.view import Vector
from workstation.case.model import Measured
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.verdict import Verdict, defined, of_picture, of_place, result


def uncertainty_mm(grid: Grid, points: Array) -> float:
    """K = 2: every vertex uniform within an effective voxel, weighted by how it changes the length.

    With two points this is the formula of a straight length.
    """
    steps = np.diff(points, axis=0)
    directions = steps / np.linalg.norm(steps, axis=1)[:, None]
    gradients = np.vstack([-directions[:1], directions[:-1] - directions[1:], directions[-1:]])
    return 2.0 * float(np.sqrt(sum(grid.along(g) ** 2 for g in gradients) / 12.0))


def polyline(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Sum of the straight distances from point to point, mm."""
    verdict = Verdict()
    of_picture(verdict, options)
    of_place(verdict, grid, points, normal)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    definition = defined(f"Path length through {len(points)} points", normal, options)
    if (steps <= 0).any():
        verdict.refused.append("Two points of the path are one.")
        return result(verdict, "polyline", None, "mm", definition)
    value = float(steps.sum())
    return result(verdict, "polyline", value, "mm", definition, uncertainty=uncertainty_mm(grid, points))
