"""Planes that stand obliquely: where one plane's line runs in another's picture, and turning planes about the point.

`WORKSTATION.md` 2.5: a line's outer third turns the two other planes about the normal of the plane in hand. No Qt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from render import planes
from render.view import Plane, Vector, View

_LEVEL = 0.02  # two planes that lie within about a degree of each other have no line worth drawing
_STRAIGHT_DEG = 0.05


@dataclass(frozen=True)
class Line:
    """Where a plane crosses the picture of another one.

    Attributes
    ----------
    plane : whose line it is: ``"axial"``, ``"coronal"`` or ``"sagittal"``
    direction : (x right, y down) in the picture, unit length; the same line has two, this one points right or down
    half_mm : half the thickness of that plane's slab, 0 for thin planes
    """

    plane: str
    direction: tuple[float, float]
    half_mm: float = 0.0


def lines_in(pane: str, views: Mapping[str, View]) -> tuple[Line, ...]:
    """The lines of the other planes in a pane's picture."""
    mine = views[pane].plane
    if mine is None:
        return ()
    found = []
    for name, view in views.items():
        if name == pane or view.plane is None:
            continue
        along = np.cross(planes.normal(mine), planes.normal(view.plane))
        x, y = float(along @ np.array(mine.right_lps)), float(along @ np.array(mine.down_lps))
        length = float(np.hypot(x, y))
        if length < _LEVEL:
            continue
        sign = -1.0 if x < -1e-9 or (abs(x) <= 1e-9 and y < 0) else 1.0
        half = view.slab.thickness_mm / 2 if view.slab is not None else 0.0
        found.append(Line(name, (sign * x / length, sign * y / length), half))
    return tuple(found)


def turned(view: View, axis_lps: Vector, degrees: float, about_lps: Vector) -> View:
    """A plane's view turned about an axis through a point; the point stays where it is in the picture."""
    assert view.plane is not None
    return view.replace(plane=planes.rotate(view.plane, axis_lps, degrees, about_lps))


def directed(view: View, like: Plane, about_lps: Vector) -> View:
    """A plane's view with the directions of another plane; the point stays where it is in the picture."""
    mine = view.plane
    assert mine is not None
    off = np.subtract(mine.centre_lps_mm, about_lps)
    x, y = float(off @ np.array(mine.right_lps)), float(off @ np.array(mine.down_lps))
    centre = np.array(about_lps) + x * np.array(like.right_lps) + y * np.array(like.down_lps)
    plane = msgspec.structs.replace(
        mine, centre_lps_mm=planes.vector(centre), right_lps=like.right_lps, down_lps=like.down_lps
    )
    return view.replace(plane=plane)


def meeting(of: list[Plane]) -> Vector | None:
    """The one point in which three planes meet, LPS mm; None where there are not three, or no such point."""
    if len(of) != 3:
        return None
    normals = np.array([planes.normal(plane) for plane in of])
    if abs(float(np.linalg.det(normals))) < _LEVEL:
        return None
    apart = np.array([float(n @ np.array(plane.centre_lps_mm)) for n, plane in zip(normals, of, strict=True)])
    return planes.vector(np.linalg.solve(normals, apart))


def same_directions(a: Plane, b: Plane) -> bool:
    """Whether two planes lie parallel, the same way up."""
    return bool(np.allclose(a.right_lps, b.right_lps, atol=1e-6) and np.allclose(a.down_lps, b.down_lps, atol=1e-6))


def degrees_off(plane: Plane, pane: str) -> float:
    """How far a pane's plane is turned away from its standard one: the angle of the whole turn, 0 when straight."""
    right, down = planes.STANDARD[pane]
    standard = np.column_stack([right, down, np.cross(right, down)])
    now = np.column_stack([plane.right_lps, plane.down_lps, np.cross(plane.right_lps, plane.down_lps)])
    cosine = (float(np.trace(now @ standard.T)) - 1) / 2
    off = float(np.degrees(np.arccos(min(1.0, max(-1.0, cosine)))))
    return off if off > _STRAIGHT_DEG else 0.0
