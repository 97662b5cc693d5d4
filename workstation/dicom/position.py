"""Whether the pixels contradict what the images are labelled with (clinical rules 1.5).

The table lies where gravity points: a wide, flat, still thing beside the body on another side than that of the stated
Patient Position means that either the position or the orientation of the images is wrong. Spine, head or feet, and
hand: `anatomy`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from render.geometry import Geometry
from workstation.dicom.anatomy import (
    Verdict,
    Voxels,
    anatomy_of,
    hand,
    hand_contradicts,
    head_or_feet,
    lungs_towards_head,
    spine,
)
from workstation.dicom.medians import medians
from workstation.dicom.regions import regions

# Patient Position (0018,5100), its last part: where the table is, LPS.
_TABLE = {"S": (0.0, 1.0, 0.0), "P": (0.0, -1.0, 0.0), "DR": (-1.0, 0.0, 0.0), "DL": (1.0, 0.0, 0.0)}
_SOLID_HU = -400
_WIDE_MM = 150.0
_FLAT = 4.0
_STILL_MM = 3.0
_SHARE = 0.6
_FEWEST = 20
_SAMPLE = 24
_GRID_MM = 3.0


def anatomy_verdicts(voxels: Voxels, geometry: Geometry) -> dict[str, Verdict]:
    """What each test of the anatomy says of a CT in HU: "spine", "head or feet", "hand".

    The hand is asked only where spine and head or feet agree: a volume that is turned is not also called mirrored.
    """
    anatomy = anatomy_of(voxels, geometry)
    if anatomy is None:
        return {"spine": "not assessable", "head or feet": "not assessable", "hand": "not assessable"}
    out: dict[str, Verdict] = {"spine": spine(anatomy), "head or feet": head_or_feet(anatomy)}
    both = out["spine"] == out["head or feet"] == "agrees"
    return {**out, "hand": hand(anatomy) if both else "not assessable"}


def anatomy_contradicts(voxels: Voxels, geometry: Geometry) -> bool:
    """Whether one of `anatomy_verdicts` contradicts, with no more work than that takes.

    A patient as labelled, which is nearly every one, is told by few organs: where one of them lies on its side, the
    hand cannot contradict, and whether it would be asked at all needs no answer.
    """
    anatomy = anatomy_of(voxels, geometry)
    if anatomy is None:
        return False
    back = spine(anatomy)
    if back == "contradicts":
        return True
    towards = lungs_towards_head(anatomy)
    if towards < 0:
        return head_or_feet(anatomy) == "contradicts"
    return towards > 0 and back == "agrees" and hand_contradicts(anatomy) and head_or_feet(anatomy) == "agrees"


def table_verdict(voxels: Voxels, geometry: Geometry, patient_position: str) -> Verdict:
    """Compare the table's side with the stated position; axial CT in HU only.

    A table is a component above -400 HU outside the body's (the largest), at least 150 mm wide and four times as
    wide as thick, in 60 % of the sampled slices, at one place to within 3 mm (standard deviation). The direction
    from body to table within 30 degrees of the expected side agrees, from 60 degrees on it contradicts.
    """
    expected = _TABLE.get(patient_position.strip().upper()[2:])
    if expected is None or voxels.shape[0] < _FEWEST or abs(float(geometry.normal_lps[2])) < 0.8:
        return "not assessable"
    sampled = np.array(sorted({int(k) for k in np.linspace(0, voxels.shape[0] - 1, _SAMPLE)}))
    body, table = _body_and_table(voxels, geometry, sampled)
    if len(table) < _SHARE * len(sampled):
        return "not assessable"
    towards = medians(table - body)
    towards[2] = 0.0
    length = float(np.linalg.norm(towards))
    if length == 0:
        return "not assessable"
    axis = int(np.argmax(np.abs(towards)))
    if float(np.std(table[:, axis])) > _STILL_MM:
        return "not assessable"
    angle = float(np.degrees(np.arccos(np.clip(towards @ np.array(expected) / length, -1, 1))))
    if angle <= 30:
        return "agrees"
    return "contradicts" if angle >= 60 else "not assessable"


def _body_and_table(
    voxels: Voxels, geometry: Geometry, sampled: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Centres of the body and of the widest flat thing beside it, LPS mm, of the slices that have one."""
    steps = [max(1, round(_GRID_MM / geometry.spacing_mm[axis])) for axis in (1, 2)]
    parts = regions(voxels[sampled, :: steps[0], :: steps[1]] > _SOLID_HU, across_slices=False)
    slice_of = parts.low[:, 0]
    largest_first = np.lexsort((-parts.sizes, slice_of))
    bodies = largest_first[np.diff(slice_of[largest_first], prepend=-1) != 0]
    extent = (parts.high - parts.low + 1)[:, 1:] * [step * geometry.spacing_mm[k + 1] for k, step in enumerate(steps)]
    wide = extent.max(axis=1)
    flat = (wide >= _WIDE_MM) & (wide >= _FLAT * extent.min(axis=1))
    flat[bodies] = False
    body_of = dict(zip(slice_of[bodies].tolist(), bodies.tolist(), strict=True))
    table_of: dict[int, int] = {}
    for number in np.flatnonzero(flat).tolist():
        k = int(slice_of[number])
        if k not in table_of or wide[number] > wide[table_of[k]]:
            table_of[k] = number
    if not table_of:
        return np.empty((0, 3)), np.empty((0, 3))
    centres = parts.centres.copy()
    centres[:, 0] = sampled[slice_of]
    centres[:, 1:] *= steps
    pair = [[body_of[k] for k in table_of], list(table_of.values())]
    return geometry.to_lps(centres[pair[0]]), geometry.to_lps(centres[pair[1]])
