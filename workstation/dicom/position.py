"""Whether the scanner's table lies where the stated position says (clinical rules 1.5, *table*).

The table lies where gravity points. A wide, flat, still thing beside the body on another side than that of the
stated Patient Position means that either the position or the orientation of the images is wrong.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from render.geometry import Geometry

Verdict = Literal["agrees", "contradicts", "not assessable"]

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


def table_verdict(
    voxels: npt.NDArray[np.int16] | npt.NDArray[np.float32], geometry: Geometry, patient_position: str
) -> Verdict:
    """Compare the table's side with the stated position; axial CT in HU only.

    A table is a component above -400 HU outside the body's (the largest), at least 150 mm wide and four times as
    wide as thick, in 60 % of the sampled slices, at one place to within 3 mm (standard deviation). The direction
    from body to table within 30 degrees of the expected side agrees, from 60 degrees on it contradicts.
    """
    expected = _TABLE.get(patient_position.strip().upper()[2:])
    if expected is None or voxels.shape[0] < _FEWEST or abs(float(geometry.normal_lps[2])) < 0.8:
        return "not assessable"
    sampled = np.unique(np.linspace(0, voxels.shape[0] - 1, _SAMPLE).astype(int))
    found = [pair for k in sampled if (pair := _body_and_table(voxels[k], geometry, int(k))) is not None]
    if len(found) < _SHARE * len(sampled):
        return "not assessable"
    body, table = (np.array(part) for part in zip(*found, strict=True))
    towards = np.median(table - body, axis=0)
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
    plane: npt.NDArray[np.int16] | npt.NDArray[np.float32], geometry: Geometry, k: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Centres of the body and of the widest flat thing beside it, LPS mm; None without one."""
    from scipy import ndimage

    steps = [max(1, round(_GRID_MM / geometry.spacing_mm[axis])) for axis in (1, 2)]
    labels, count = ndimage.label(plane[:: steps[0], :: steps[1]] > _SOLID_HU)
    if count < 2:
        return None
    body = int(np.argmax(np.bincount(labels.ravel())[1:])) + 1
    widest = None
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if number == body or box is None:
            continue
        extent = [(part.stop - part.start) * steps[i] * geometry.spacing_mm[i + 1] for i, part in enumerate(box)]
        if max(extent) >= _WIDE_MM and max(extent) >= _FLAT * min(extent):
            widest = max(widest or (0.0, 0), (max(extent), number))
    if widest is None:
        return None
    centres = ndimage.center_of_mass(np.ones_like(labels), labels, [body, widest[1]])
    lps = geometry.to_lps([(k, y * steps[0], x * steps[1]) for y, x in centres])
    return lps[0], lps[1]
