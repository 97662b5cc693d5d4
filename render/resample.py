"""The display copy: a regular grid from slices that are sheared or unevenly spaced."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from render.errors import GeometryError
from render.geometry import Geometry

if TYPE_CHECKING:
    from render.volume import Volume

_AT_MOST_LONGER = 4  # a display copy has at most this many times the acquired slices


def display_copy(volume: Volume, cancelled: Callable[[], bool] | None = None) -> Volume:
    """A regular grid of the same patient space; the same object when it is regular already.

    Every new voxel is interpolated linearly: within the two neighbouring acquired slices at their true places,
    then between them along the normal. Rows and columns keep their spacing and direction; the distance of slices
    becomes the smallest one that makes up a fifth of the acquired ones. The grid is enlarged so that no acquired
    voxel is cut off. Digest, identity and unit stay; `resampled` says what happened. Numbers are never taken from
    this copy.

    Raises
    ------
    GeometryError
        If two slices lie at the same place.
    Cancelled
    """
    if not volume.needs_display_copy:
        return volume
    from render.caster import portions, sampling

    old = volume.geometry
    count = old.shape[0]
    n = old.normal_lps
    m = old.affine_lps[:3, :3]
    columns = m[:, 2] / np.linalg.norm(m[:, 2])
    rows = np.cross(n, columns)  # right-handed in (columns, rows, normal): rows = normal x columns
    rows = rows / np.linalg.norm(rows)
    if float(rows @ m[:, 1]) < 0:
        rows = -rows
    places = (
        old.to_lps([(k, 0, 0) for k in range(count)])
        if volume.positions_lps is None
        else np.asarray(volume.positions_lps, dtype=np.float64)
    )
    height = places @ n
    gaps = np.diff(height)
    if count > 1 and float(gaps.min()) <= 1e-6:
        raise GeometryError("Two slices lie at the same place, so no regular volume can be made of them.")
    reach = float(height[-1] - height[0])
    if count > 1:
        apart = max(_usual_gap(gaps), reach / (_AT_MOST_LONGER * (count - 1)))
        number = round(reach / apart) + 1
        apart = reach / (number - 1)
    else:
        apart, number = old.spacing_mm[0], 1
    dr, dc = old.spacing_mm[1], old.spacing_mm[2]
    sides = np.array([[r * m[:, 1] + c * m[:, 2]] for r in (0, old.shape[1] - 1) for c in (0, old.shape[2] - 1)])
    corners = (sides + places[None, :, :]).reshape(-1, 3)
    low_r, high_r = float((corners @ rows).min()), float((corners @ rows).max())
    low_c, high_c = float((corners @ columns).min()), float((corners @ columns).max())
    shape = (number, math.ceil((high_r - low_r) / dr - 1e-6) + 1, math.ceil((high_c - low_c) / dc - 1e-6) + 1)
    heights = height[0] + apart * np.arange(number)
    heights[-1] = height[-1]
    lower = np.clip(np.searchsorted(height, heights, side="right") - 1, 0, max(0, count - 2)).astype(np.int64)
    if count > 1:
        weight = np.clip((heights - height[lower]) / gaps[lower], 0.0, 1.0)
        weight[np.abs(weight) < 1e-9] = 0.0
    else:
        weight = np.zeros(1)
    base = low_r * rows + low_c * columns
    origins = base + (heights[:, None] - float(base @ n)) * n
    fill, padding = _outside(volume)
    out = np.empty(shape, dtype=volume.voxels.dtype)
    solve = np.linalg.pinv(m[:, 1:3])

    def slices(first: int, end: int) -> None:
        sampling.stack_rows(
            volume.voxels, places, lower, weight, origins, rows * dr, columns * dc, solve,
            fill, volume.voxels.dtype == np.int16, first, end, out,
        )  # fmt: skip

    portions.run(slices, number, 2, cancelled)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = n * apart, rows * dr, columns * dc, origins[0]
    return replace(
        volume,
        voxels=out,
        geometry=Geometry(shape, affine, old.frame_of_reference),
        positions_lps=None,
        padding=padding,
        resampled=True,
    )


def _usual_gap(gaps: npt.NDArray[np.float64]) -> float:
    """The smallest gap that, within a tenth, makes up at least a fifth of all gaps."""
    for gap in np.sort(gaps):
        if np.count_nonzero(np.abs(gaps - gap) <= 0.1 * gap) >= 0.2 * len(gaps):
            return float(gap)
    return float(np.median(gaps))


def _outside(volume: Volume) -> tuple[float, tuple[float, float] | None]:
    """Value for what no slice covers: padding where the source has some, else one below the darkest voxel."""
    if volume.padding is not None:
        return volume.padding[0], volume.padding
    darkest = float(volume.voxels.min())
    fill = darkest - 1.0
    if volume.voxels.dtype == np.int16 and fill < np.iinfo(np.int16).min:
        return darkest, None
    return fill, (fill, fill)
