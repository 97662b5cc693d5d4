"""Elliptic region: area, and the values of the acquired voxels within."""

from __future__ import annotations

import numpy as np

from render.view import Vector
from workstation.base.errors import InputRefused
from workstation.case.model import Measured
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.printing import printed
from workstation.measure.region import area_uncertainty, layer, sheet, statistics
from workstation.measure.verdict import Verdict, defined, of_obliqueness, of_picture, of_place, result


def ellipse(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Area in mm2; mean, SD, least and greatest value in `extra`.

    Parameters
    ----------
    points : (2, 3) opposite corners of the box around it, along the picture's axes; or (4, 3) the ends of its
        longer and of its shorter axis
    """
    if len(points) == 2 and normal is None:
        raise InputRefused("plane", "An ellipse by two corners needs the plane that it lies on.")
    plane = sheet(points, normal, options.right_lps)
    if len(points) == 2:
        half = np.abs(plane.flat(points[1:]) - plane.flat(points[:1]))[0] / 2.0
        u, v, centre = plane.u, plane.v, points.mean(axis=0)
    else:
        first, second = points[1] - points[0], points[3] - points[2]
        half = np.array([np.linalg.norm(first), np.linalg.norm(second)]) / 2.0
        centre = points.mean(axis=0)
        u = first / max(2 * half[0], 1e-12)
        v = np.cross(plane.normal, u)
    verdict = Verdict()
    of_picture(verdict, options)
    if options.slab_mode:
        verdict.refused.append("Areas are measured on thin planes.")
    of_obliqueness(verdict, plane.normal, options)
    definition = defined("Area of an ellipse", plane.normal, options)
    if half.min() <= 0:
        verdict.refused.append("The ellipse has no area.")
        return result(verdict, "ellipse", None, "mm2", definition)
    turn = np.linspace(0, 2 * np.pi, 73)[:-1]
    outline = centre + np.outer(np.cos(turn) * half[0], u) + np.outer(np.sin(turn) * half[1], v)
    of_place(verdict, grid, outline, plane.normal, closed=True)
    area = float(np.pi * half[0] * half[1])
    perimeter = _perimeter(float(half[0]), float(half[1]))
    extra = {"perimeter_mm": perimeter, "long_mm": 2 * float(half.max()), "short_mm": 2 * float(half.min())}
    words = printed(area, "mm2")
    if not verdict.refused:

        def inside(flat: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
            away = flat - plane.flat(centre[None])[0]
            a = away @ np.array([u @ plane.u, u @ plane.v]) / half[0]
            b = away @ np.array([v @ plane.u, v @ plane.v]) / half[1]
            return np.asarray(a**2 + b**2 <= 1.0)

        found = statistics(verdict, grid, layer(grid, plane, outline, inside), options)
        extra |= found.extra
        words = f"{words}, {found.words}" if found.words else words
    return result(
        verdict,
        "ellipse",
        area,
        "mm2",
        definition,
        uncertainty=area_uncertainty(grid, plane, perimeter),
        extra=extra,
        words=words,
    )


def _perimeter(a: float, b: float) -> float:
    """Ramanujan's second formula (1914); off by less than 1e-4 for the flattest ellipse that anyone draws."""
    h = ((a - b) / (a + b)) ** 2
    return float(np.pi * (a + b) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h))))
