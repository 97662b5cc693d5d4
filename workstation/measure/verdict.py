"""Whether a number may stand: reasons gathered, the worst one decides (clinical rules, section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workstation.case.model import Measured, Validity
from workstation.measure.printing import NOT_MEASURABLE, printed

if TYPE_CHECKING:
    from workstation.measure.grid import Grid
    from workstation.measure.options import Options

MEAN_SLAB_MM = 3.0
ANISOTROPIC = 3.0
_IN_3D = {"vr", "ssd", "mip", "minip"}


@dataclass
class Verdict:
    """What speaks against a number."""

    refused: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)

    @property
    def validity(self) -> Validity:
        """The worst of what was found."""
        return "refused" if self.refused else "marked" if self.marked else "valid"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Refusals first."""
        return (*self.refused, *self.marked)


def of_picture(verdict: Verdict, options: Options) -> None:
    """What the picture allows: numbers come from voxels and planes, never from the pixels of a projection."""
    if options.perspective:
        verdict.refused.append("A perspective picture has no scale.")
    voxels = options.picked == "voxels" and options.confirmed
    if options.technique in _IN_3D and not voxels and not options.slab_mode:
        if options.picked == "voxels":
            verdict.refused.append("Points picked in 3D must each be confirmed in a plane.")
        else:
            verdict.refused.append("In a projection the depth of a point is not known; measure in a plane.")
    if options.slab_mode in ("mip", "minip"):
        verdict.refused.append("In a slab of extreme values the depth of a point is not known.")
    elif options.slab_mode == "mean" or options.technique == "mean":
        if options.slab_mm > MEAN_SLAB_MM:
            verdict.refused.append(f"The plane is a mean over more than {MEAN_SLAB_MM:g} mm.")
        else:
            verdict.marked.append(f"Mean over {options.slab_mm:g} mm.")
    if options.technique == "cpr":
        verdict.marked.append("Along a curved reformat.")


def of_place(
    verdict: Verdict,
    grid: Grid,
    points_lps_mm: npt.ArrayLike,
    normal_lps: npt.ArrayLike | None,
    *,
    closed: bool = False,
) -> None:
    """What the voxels allow at these points."""
    if grid.outside(points_lps_mm):
        verdict.refused.append("A point lies outside of the images.")
        return
    if grid.touches_filled(points_lps_mm, closed=closed):
        verdict.refused.append("A slice is missing here and was interpolated; what shows there is not real.")
    volume = grid.volume
    if volume is not None and volume.reduced > 1:
        verdict.marked.append(f"Loaded at 1/{volume.reduced} of the resolution.")
    if grid.on_one_slice(points_lps_mm, normal_lps):
        return
    if grid.geometry.shear_deg >= 0.5:
        verdict.marked.append("The gantry was tilted; the plane is corrected.")
    if volume is not None and volume.positions_lps is not None:
        verdict.marked.append("Slices are unevenly spaced.")
    dx, dy, dz = grid.effective_mm
    if dz / min(dx, dy) > ANISOTROPIC:
        verdict.marked.append(f"Slices of {dz:.1f} mm are coarse against pixels of {min(dx, dy):.2f} mm.")


def of_length(verdict: Verdict, grid: Grid, a: npt.ArrayLike, b: npt.ArrayLike) -> None:
    """Fewer than three effective voxels across: the number is mostly resolution."""
    away = np.asarray(b, dtype=np.float64) - np.asarray(a, dtype=np.float64)
    length = float(np.linalg.norm(away))
    if 0 < length < 3 * grid.along(away / length):
        verdict.marked.append("Fewer than three voxels across.")


def of_obliqueness(verdict: Verdict, normal_lps: npt.ArrayLike | None, options: Options) -> None:
    """Areas need a plane across: up to 5 degrees off is right, to 15 is marked, beyond is refused."""
    if options.axis_lps is None or normal_lps is None:
        return
    n, axis = np.asarray(normal_lps, dtype=np.float64), np.asarray(options.axis_lps, dtype=np.float64)
    cosine = abs(float(n @ axis)) / float(np.linalg.norm(n) * np.linalg.norm(axis))
    off = float(np.degrees(np.arccos(min(1.0, cosine))))
    if off > 15:
        verdict.refused.append(f"The plane is {off:.0f} degrees off orthogonal.")
    elif off > 5:
        verdict.marked.append(f"Oblique: the plane is {off:.0f} degrees off orthogonal.")


def result(
    verdict: Verdict,
    kind: str,
    value: float | None,
    unit: str,
    definition: str,
    *,
    uncertainty: float | None = None,
    extra: dict[str, float] | None = None,
    words: str = "",
) -> Measured:
    """The number with all that belongs to it; a refused one has no value and prints none."""
    if value is not None and (not np.isfinite(value)):
        verdict.refused.append("No number could be made of these points.")
    if verdict.refused or value is None:
        return Measured(kind, None, unit, NOT_MEASURABLE, definition, None, "refused", verdict.reasons)
    return Measured(
        kind=kind,
        value=float(value),
        unit=unit,
        printed=words or printed(value, unit),
        definition=definition,
        uncertainty=uncertainty,
        validity=verdict.validity,
        reasons=verdict.reasons,
        extra=extra or {},
    )


def plane_words(normal_lps: npt.ArrayLike | None) -> str:
    """Name of the plane for a definition."""
    if normal_lps is None:
        return ""
    n = np.abs(np.asarray(normal_lps, dtype=np.float64))
    n = n / np.linalg.norm(n)
    for axis, name in ((2, "axial"), (1, "coronal"), (0, "sagittal")):
        if n[axis] > 0.9962:  # within 5 degrees
            return f", in the {name} plane"
    return ", in an oblique plane"


def defined(base: str, normal_lps: npt.ArrayLike | None, options: Options) -> str:
    """What, how, in which plane, at which level."""
    what = f" of {options.what}" if options.what else ""
    level = f", {options.level}" if options.level else ""
    return f"{base}{what}{plane_words(normal_lps)}{level}"
