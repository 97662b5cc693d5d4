"""Point: the value of the acquired voxel that it lies in."""

from __future__ import annotations

import numpy as np

from render.view import Vector
from workstation.base.errors import InputRefused
from workstation.case.model import Measured
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.printing import printed
from workstation.measure.region import of_values, value_unit
from workstation.measure.verdict import Verdict, defined, of_picture, of_place, result


def point(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Value of the nearest voxel: HU for CT, a bare signal for what has no unit."""
    volume = grid.volume
    if volume is None:
        raise InputRefused("no_voxels", "The value of a point needs the voxels.")
    verdict = Verdict()
    of_picture(verdict, options)
    of_place(verdict, grid, points, normal)
    unit = value_unit(volume)
    definition = defined("Value of the voxel at a point", None, options)
    if verdict.refused:
        return result(verdict, "point", None, unit, definition)
    k, r, c = (int(i) for i in np.clip(np.rint(grid.to_index(points)[0]), 0, np.array(volume.geometry.shape) - 1))
    value = float(volume.voxels[k, r, c])
    if volume.padding is not None and volume.padding[0] <= value <= volume.padding[1]:
        verdict.refused.append("The point lies outside of what was imaged.")
        return result(verdict, "point", None, unit, definition)
    of_values(verdict, volume, np.array([value]), options)
    words = printed(value, unit) if unit else f"signal {printed(value, '')}"
    return result(verdict, "point", value, unit, definition, extra={"is_hu": float(unit == "HU")}, words=words)
