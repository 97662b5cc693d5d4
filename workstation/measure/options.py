"""How and on what a measurement was taken: what decides whether its number may stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from render.view import Vector
from workstation.base.errors import InputRefused


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a measurement's recipe (docs/measure.schema.json).

    technique : the picture that the points were set on; "slice" is an original slice, "mpr" any plane
    perspective : that picture was a perspective one
    picked, confirmed : points in 3D are voxels under the cursor ("voxels"), each one confirmed in a plane
    slab_mode, slab_mm : the plane was a thick one
    thickness_mm : SliceThickness of the series, when it is more than the spacing
    axis_lps : direction of the vessel or organ here; areas and diameters are judged by the angle to it
    right_lps : right direction of the picture, for an ellipse by two corners
    projected_on : the plane on which an angle is projected
    sharp_kernel : the series was made with a sharp kernel
    how : which diameter it is meant to be
    method : of a stenosis
    low, high : range of values of a volume, in the unit of the voxels
    what, level : words for the definition ("outer wall", "below the left renal artery")
    """

    technique: Literal["slice", "mpr", "mean", "mip", "minip", "vr", "ssd", "cpr"] = "mpr"
    perspective: bool = False
    picked: Literal["plane", "voxels"] = "plane"
    confirmed: bool = False
    slab_mode: Literal["", "mean", "mip", "minip"] = ""
    slab_mm: float = 0.0
    thickness_mm: float | None = None
    axis_lps: Vector | None = None
    right_lps: Vector | None = None
    projected_on: Literal["", "axial", "coronal", "sagittal"] = ""
    sharp_kernel: bool = False
    how: Literal["", "max", "min"] = ""
    method: Literal["NASCET", "ECST", "WASID"] = "NASCET"
    low: float | None = None
    high: float | None = None
    what: str = ""
    level: str = ""


def options_of(given: Mapping[str, Any]) -> Options:
    """Read options; an unknown one is refused, since it might have made the number invalid.

    Raises
    ------
    InputRefused
        Unknown option or wrong type, with its place.
    """
    try:
        return msgspec.convert(dict(given), Options)
    except msgspec.ValidationError as error:
        raise InputRefused("options", f"The options of the measurement cannot be read: {error}.") from error
