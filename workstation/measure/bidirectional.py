"""Two diameters across each other: the longer one and the one perpendicular to it."""

from __future__ import annotations

import numpy as np

from render.view import Vector
from workstation.case.model import Measured
from workstation.measure.angle import between_deg
from workstation.measure.grid import Array, Grid
from workstation.measure.length import uncertainty_mm
from workstation.measure.options import Options
from workstation.measure.printing import printed, rounded
from workstation.measure.verdict import Verdict, defined, of_length, of_obliqueness, of_picture, of_place, result

PERPENDICULAR_DEG = 5.0


def bidirectional(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """The longer of two axes, mm; the other in `extra`.

    Parameters
    ----------
    points : (4, 3) ends of the one axis, ends of the other
    """
    verdict = Verdict()
    of_picture(verdict, options)
    of_place(verdict, grid, points, normal)
    of_obliqueness(verdict, normal, options)
    axes = [points[1] - points[0], points[3] - points[2]]
    sizes = [float(np.linalg.norm(a)) for a in axes]
    definition = defined("Longest diameter and its perpendicular", normal, options)
    if min(sizes) <= 0:
        verdict.refused.append("An axis has no length.")
        return result(verdict, "bidirectional", None, "mm", definition)
    off = abs(90.0 - between_deg(axes[0], axes[1]))
    if off > PERPENDICULAR_DEG:
        verdict.marked.append(f"The two axes are {90 - off:.0f} degrees to each other, not perpendicular.")
    of_length(verdict, grid, points[2], points[3])
    long, short = (0, 1) if sizes[0] >= sizes[1] else (1, 0)
    u = [uncertainty_mm(grid, a / s) for a, s in zip(axes, sizes, strict=True)]
    return result(
        verdict,
        "bidirectional",
        sizes[long],
        "mm",
        definition,
        uncertainty=u[long],
        extra={"short_mm": sizes[short], "short_uncertainty_mm": u[short]},
        words=f"{rounded(sizes[long], 'mm')} x {printed(sizes[short], 'mm')}",
    )
