"""All kinds of measurements behind one function: points in the patient in, a number that knows its worth out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from render.geometry import Geometry
from render.view import Vector
from render.volume import Volume
from workstation.base.errors import InputRefused
from workstation.case.model import Measured
from workstation.measure.angle import angle
from workstation.measure.bidirectional import bidirectional
from workstation.measure.centerline import centerline
from workstation.measure.cobb import cobb
from workstation.measure.diameter import diameter
from workstation.measure.ellipse import ellipse
from workstation.measure.grid import Array, Grid
from workstation.measure.length import length
from workstation.measure.options import Options, options_of
from workstation.measure.point import point
from workstation.measure.polygon import polygon
from workstation.measure.polyline import polyline
from workstation.measure.stenosis import stenosis
from workstation.measure.volume import volume

Kind = Callable[[Array, Grid, Vector | None, Options], Measured]

# kind -> (function, numbers of points that it takes; None: three or more)
_KINDS: dict[str, tuple[Kind, tuple[int, ...] | None]] = {
    "length": (length, (2,)),
    "angle": (angle, (3,)),
    "cobb": (cobb, (4,)),
    "polyline": (polyline, None),
    "bidirectional": (bidirectional, (4,)),
    "ellipse": (ellipse, (2, 4)),
    "polygon": (polygon, None),
    "point": (point, (1,)),
    "diameter": (diameter, (2,)),
    "stenosis": (stenosis, (4,)),
    "centerline": (centerline, None),
    "volume": (volume, (1,)),
}
KINDS = tuple(_KINDS)
_AT_LEAST = {"polyline": 2, "polygon": 3, "centerline": 2}


def measure(
    kind: str,
    points_lps_mm: Sequence[Vector],
    where: Volume | Geometry,
    *,
    options: Mapping[str, Any] | None = None,
    plane_normal: Vector | None = None,
) -> Measured:
    """Measure at points of the patient, on the voxels as acquired.

    Window, zoom and rotation are no arguments: they cannot change a number.

    Parameters
    ----------
    kind : one of `KINDS`
    points_lps_mm : LPS millimetres
    where : the acquired volume; with a geometry alone lengths, angles and areas can be had, no values
    options : see `workstation.measure.options.Options`
    plane_normal : normal of the picture's plane, where the points were set on one

    Raises
    ------
    InputRefused
        Unknown kind or option, a wrong number of points, a point that is no number. A measurement that must not
        be made is no error: its `Measured` is refused, with the reason.
    """
    if kind not in _KINDS:
        raise InputRefused("kind", f"There is no measurement called {kind!r}; there are {', '.join(KINDS)}.")
    function, counts = _KINDS[kind]
    points = np.array([tuple(p) for p in points_lps_mm], dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise InputRefused("points", "A point needs three finite coordinates in millimetres.")
    enough = len(points) in counts if counts else len(points) >= _AT_LEAST[kind]
    if not enough:
        wanted = " or ".join(map(str, counts)) if counts else f"at least {_AT_LEAST[kind]}"
        raise InputRefused("points", f"{kind.capitalize()} needs {wanted} points; there are {len(points)}.")
    if plane_normal is not None and (not np.isfinite(plane_normal).all() or not np.linalg.norm(plane_normal) > 0):
        raise InputRefused("plane", "The normal of the plane is no direction.")
    given = options_of(options or {})
    return function(points, Grid.of(where, given.thickness_mm), plane_normal, given)
