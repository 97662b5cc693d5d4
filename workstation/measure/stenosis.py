"""Stenosis: the narrowest lumen against a reference, by the named method."""

from __future__ import annotations

import numpy as np

from render.view import Vector
from workstation.case.model import Measured
from workstation.measure.diameter import diameter
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.printing import printed
from workstation.measure.verdict import Verdict, defined, of_picture, result

REFERENCES = {
    "NASCET": "the distal lumen where its walls are parallel",
    "ECST": "the estimated original lumen at the stenosis",
    "WASID": "the proximal lumen",
}


def stenosis(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """(1 - A / B) x 100 with A the narrowest lumen and B the reference, both printed; never by itself from VR.

    Parameters
    ----------
    points : (4, 3) ends of A, ends of B
    """
    verdict = Verdict()
    of_picture(verdict, options)
    definition = defined(
        f"Diameter stenosis after {options.method}, against {REFERENCES[options.method]}", None, options
    )
    # each lumen has its own plane: only one normal is known, so neither is judged by it
    narrow, reference = (diameter(p, grid, None, options) for p in (points[:2], points[2:]))
    for found in (narrow, reference):
        into = verdict.refused if found.validity == "refused" else verdict.marked
        into.extend(r for r in found.reasons if r not in (*verdict.refused, *verdict.marked))
    a, b = narrow.value, reference.value
    if a is None or b is None:
        return result(verdict, "stenosis", None, "%", definition)
    if b < a:
        verdict.refused.append("The reference is narrower than the stenosis; the method does not apply.")
        return result(verdict, "stenosis", None, "%", definition)
    u_a, u_b = narrow.uncertainty or 0.0, reference.uncertainty or 0.0
    value = (1.0 - a / b) * 100.0
    return result(
        verdict,
        "stenosis",
        value,
        "%",
        definition,
        uncertainty=100.0 * float(np.hypot(u_a / b, a * u_b / b**2)),
        extra={"narrowest_mm": a, "reference_mm": b},
        words=f"{printed(value, '%')} ({options.method}; A {printed(a, 'mm')}, B {printed(b, 'mm')})",
    )
