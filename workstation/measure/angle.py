"""Angle at the second of three points."""

from __future__ import annotations

import numpy as np

from render.view import Vector
from workstation.case.model import Measured
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.verdict import Verdict, defined, of_picture, of_place, result

NORMALS: dict[str, Vector] = {"axial": (0, 0, 1), "coronal": (0, 1, 0), "sagittal": (1, 0, 0)}


def between_deg(a: Array, b: Array) -> float:
    """Angle of two directions, 0 to 180 degrees, exact near both ends."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), float(a @ b))))


def onto(points: Array, options: Options) -> Array:
    """Points projected on the named plane, or as they are."""
    if not options.projected_on:
        return points
    n = np.array(NORMALS[options.projected_on], dtype=np.float64)
    return points - (points @ n)[:, None] * n


def of_arms(verdict: Verdict, grid: Grid, a: Array, normal: Vector | None, options: Options) -> None:
    """Both arms must lie in the plane of the picture; else it is a projection and must be called one."""
    of_picture(verdict, options)
    if options.technique == "cpr":
        verdict.refused.append("A curved reformat unfolds angles.")
    of_place(verdict, grid, a, normal)
    if options.projected_on:
        verdict.marked.append(f"Projected on the {options.projected_on} plane.")


def angle(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Angle at the corner (the second point), degrees.

    U = 2 s sqrt(1/a^2 + 1/b^2 + c^2/(a b)^2), s = max(e) / sqrt(12), arms a and b, far side c.
    """
    verdict = Verdict()
    of_arms(verdict, grid, points, normal, options)
    p = onto(points, options)
    first, second = p[0] - p[1], p[2] - p[1]
    a, b, c = (float(np.linalg.norm(v)) for v in (first, second, p[2] - p[0]))
    definition = defined("Angle at the second of three points, 180 is straight", normal, options)
    if a <= 0 or b <= 0:
        verdict.refused.append("An arm of the angle has no length.")
        return result(verdict, "angle", None, "deg", definition)
    s = float(grid.effective_mm.max()) / np.sqrt(12.0)
    u = 2.0 * s * np.sqrt(1 / a**2 + 1 / b**2 + c**2 / (a * b) ** 2)
    return result(verdict, "angle", between_deg(first, second), "deg", definition, uncertainty=float(np.degrees(u)))
