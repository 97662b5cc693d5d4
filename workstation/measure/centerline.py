"""Centreline length: along the smooth curve through points in the middle of a vessel."""

from __future__ import annotations

import itertools

import numpy as np

from render.view import Vector
from workstation.case.model import Measured
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.polyline import uncertainty_mm
from workstation.measure.verdict import Verdict, defined, of_picture, of_place, result

_STEPS = 64  # parts of the curve between two points; the rest of its length beyond them is below 1e-4


def curve(points: Array) -> Array:
    """Points (n, 3) on the natural cubic spline through the given ones, by chord length."""
    from scipy.interpolate import CubicSpline

    if len(points) < 3:
        return points
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    spline = CubicSpline(along, points, bc_type="natural")
    fine = np.concatenate([np.linspace(a, b, _STEPS, endpoint=False) for a, b in itertools.pairwise(along)])
    return np.asarray(spline(np.append(fine, along[-1])), dtype=np.float64)


def centerline(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Length of the smooth curve, mm; tortuosity (length over chord) in `extra`."""
    verdict = Verdict()
    of_picture(verdict, options)
    definition = defined(f"Length along a smooth centreline through {len(points)} points", None, options)
    if (np.linalg.norm(np.diff(points, axis=0), axis=1) <= 0).any():
        verdict.refused.append("Two points of the path are one.")
        return result(verdict, "centerline", None, "mm", definition)
    path = curve(points)
    of_place(verdict, grid, path, normal)
    value = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    chord = float(np.linalg.norm(points[-1] - points[0]))
    extra = {"chord_mm": chord} | ({"tortuosity": value / chord} if chord > 0 else {})
    u = uncertainty_mm(grid, points)
    return result(verdict, "centerline", value, "mm", definition, uncertainty=u, extra=extra)
