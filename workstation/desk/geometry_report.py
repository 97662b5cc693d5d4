"""What is known of a volume's geometry, for a panel and for the structured report: from positions alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from render.camera import NO_SIDES
from render.geometry import letters
from workstation.desk.phases import phase_value, phase_words
from workstation.dicom.choose import phases_of

if TYPE_CHECKING:
    from workstation.dicom.found import SeriesFound, VolumeFound

_POSITIONS = {"HF": "head first", "FF": "feet first"}
_SIDES = {"S": "supine", "P": "prone", "DR": "on the right side", "DL": "on the left side"}
_PLANES = ("sagittal", "coronal", "axial")
_EVEN_MM = 0.01
_TILT_DEG = 0.5


@dataclass(frozen=True)
class GeometryReport:
    """`rows`: (what, value) for a panel; `sentence`: the same in short for the report."""

    rows: tuple[tuple[str, str], ...]
    sentence: str


def geometry_report(found: VolumeFound, series: SeriesFound | None = None) -> GeometryReport:
    """The report of one volume.

    Parameters
    ----------
    series : its series; with it the phase is said as one of its set
    """
    g = found.geometry
    slices, rows, columns = g.shape
    between, down, across = g.spacing_mm
    normal = np.asarray(g.normal_lps, float)
    axis = int(np.argmax(np.abs(normal)))
    oblique = float(np.degrees(np.arccos(min(1.0, abs(float(normal[axis]))))))
    plane = _PLANES[axis] + (f", {oblique:.1f}° oblique" if oblique >= 1.0 else "")
    sides = NO_SIDES.isdisjoint(f.code for f in found.findings)
    if not sides:
        plane = "in a frame of its own"
    step, down_lps, right = (g.affine_lps[:3, k] for k in range(3))
    steps = _steps(found)
    uneven = steps is not None and float(np.ptp(steps)) > _EVEN_MM
    spacing = f"{between:.2f} mm between slices"
    if uneven and steps is not None:
        spacing = f"{steps.min():.2f} to {steps.max():.2f} mm between slices, uneven"
    tilt = abs(g.shear_deg)
    tilted = tilt >= _TILT_DEG
    missing = f"{len(found.filled)}, interpolated: slice {', '.join(str(k + 1) for k in found.filled[:8])}"
    lengths = ((slices - 1) * between + between, rows * down, columns * across)
    out = [
        ("Grid", f"{slices} slices of {columns} x {rows}, {plane}"),
        ("Spacing", f"{spacing}; {across:.2f} x {down:.2f} mm in the slice"),
        ("Extent", " x ".join(f"{mm:.0f}" for mm in lengths) + " mm"),
        ("Gantry", f"tilted {tilt:.1f}°, straightened for viewing" if tilted else "straight"),
        ("Missing slices", missing if found.filled else "none"),
    ]
    if sides:
        rows_run = f"{letters(-right)} to {letters(right)}, columns {letters(-down_lps)} to {letters(down_lps)}"
        out[3:3] = [("Rows run", rows_run), ("Slices run", f"{letters(-step)} to {letters(step)}")]
    thickness = found.facts.get("thickness_mm")
    if isinstance(thickness, int | float):
        out.insert(2, ("Thickness", f"{thickness:g} mm as stated"))
    stated = position_words(str(found.facts.get("patient_position") or ""))
    if stated:
        out.append(("Labelled", stated))
    if found.phase is not None and series is not None:
        of = phases_of(series, found)
        index = next((k for k, v in enumerate(of) if v.id == found.id), 0)
        out.append(("Phase", phase_words(of, index) + ("" if phase_value(of, index) else ", value not stated")))
    said = [
        "unevenly spaced" if uneven else "evenly spaced",
        f"{len(found.filled)} missing and interpolated" if found.filled else "none missing",
        f"gantry tilted {tilt:.1f} degrees" if tilted else "gantry straight",
    ]
    sentence = f"Geometry from the positions of {slices} slices: {plane}, {', '.join(said)}; {lengths[0]:.0f} mm" + (
        f" from {letters(-step)} to {letters(step)}." if sides else " long; sides unknown."
    )
    return GeometryReport(tuple(out), sentence)


def position_words(position: str) -> str:
    """HFS -> "head first, supine"; "" for what is no such label."""
    way, side = _POSITIONS.get(position[:2]), _SIDES.get(position[2:])
    return f"{way}, {side}" if way and side else ""


def _steps(found: VolumeFound) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """Distances between neighbouring slices along the normal, mm; None of a single one."""
    if found.positions_lps is None or len(found.positions_lps) < 2:
        return None
    along = np.asarray(found.positions_lps, float) @ np.asarray(found.geometry.normal_lps, float)
    return np.asarray(np.diff(along))
