"""Areas and the voxels within them: acquired voxels alone, one layer of them, padding left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from render import tones
from render.volume import Volume
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.printing import printed, rounded
from workstation.measure.verdict import Verdict

FEW_VOXELS = 9
METAL_HU = 3000.0
Inside = Callable[[Array], npt.NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Sheet:
    """A plane in the patient with its own two axes (unit vectors, LPS)."""

    origin: Array
    u: Array
    v: Array
    normal: Array

    def flat(self, points_lps_mm: Array) -> Array:
        """Points as (u, v) millimetres on the plane, (..., 2)."""
        away = points_lps_mm - self.origin
        return np.stack([away @ self.u, away @ self.v], axis=-1)

    def height(self, points_lps_mm: Array) -> Array:
        """Signed distance from the plane, mm."""
        return np.asarray((points_lps_mm - self.origin) @ self.normal, dtype=np.float64)


def sheet(points: Array, normal: npt.ArrayLike | None, right: npt.ArrayLike | None = None) -> Sheet:
    """The plane of points: by its normal through their middle, or fitted to them."""
    origin = points.mean(axis=0)
    n = np.linalg.svd(points - origin)[2][-1] if normal is None else np.asarray(normal, dtype=np.float64)
    n = n / np.linalg.norm(n)
    # right of the usual picture: patient's left on axial and coronal planes, posterior on sagittal ones
    usual = (1.0, 0.0, 0.0) if abs(n[0]) < 0.9 else (0.0, 1.0, 0.0)
    u = np.asarray(usual if right is None else right, dtype=np.float64)
    u = u - (u @ n) * n
    u = u / np.linalg.norm(u)
    return Sheet(origin, u, np.cross(n, u), n)


def mean_in_plane_mm(grid: Grid, plane: Sheet) -> float:
    """Mean effective voxel size of the two directions of the plane."""
    return (grid.along(plane.u) + grid.along(plane.v)) / 2.0


def area_uncertainty(grid: Grid, plane: Sheet, perimeter_mm: float) -> float:
    """2 P m / sqrt(12): an upper bound, as if the whole outline were off to one side."""
    return 2.0 * perimeter_mm * mean_in_plane_mm(grid, plane) / float(np.sqrt(12.0))


def layer(grid: Grid, plane: Sheet, outline: Array, inside: Inside) -> npt.NDArray[np.intp]:
    """Indices (n, 3) of the acquired voxels that stand for the region: one layer, centres within the outline.

    On every line of voxels along the axis that crosses the plane most steeply the voxel nearest to the plane is
    taken; on an original slice these are that slice's voxels.
    """
    shape = np.array(grid.geometry.shape)
    index = grid.to_index(outline)
    low = np.clip(np.floor(index.min(axis=0)).astype(int) - 1, 0, shape - 1)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, 0, shape - 1)
    slopes = plane.normal @ grid.geometry.affine_lps[:3, :3]
    axis = int(np.abs(slopes).argmax())
    first, second = (a for a in range(3) if a != axis)
    lines = np.zeros((high[first] - low[first] + 1, high[second] - low[second] + 1, 3), dtype=np.intp)
    lines[..., first] = np.arange(low[first], high[first] + 1)[:, None]
    lines[..., second] = np.arange(low[second], high[second] + 1)[None, :]
    lines = lines.reshape(-1, 3)
    begin = plane.height(grid.centres(lines))
    reach = float(abs(slopes[axis])) / 2.0
    if axis == 0 and grid.volume is not None and grid.volume.positions_lps is not None:
        along = grid.positions @ plane.normal
        reach = max(reach, float(np.abs(np.diff(along)).max()) / 2.0)
        nearest = _nearest(along, along[0] - begin)
    else:
        nearest = np.clip(np.rint(-begin / slopes[axis]), 0, shape[axis] - 1).astype(np.intp)
    lines[:, axis] = nearest
    centres = grid.centres(lines)
    kept = (np.abs(plane.height(centres)) <= reach * (1 + 1e-9)) & inside(plane.flat(centres))
    return np.asarray(lines[kept], dtype=np.intp)


def _nearest(heights: Array, wanted: Array) -> npt.NDArray[np.intp]:
    """Index of the nearest of some heights, rising or falling, for every wanted one."""
    order = np.argsort(heights)
    sorted_heights = heights[order]
    above = np.clip(np.searchsorted(sorted_heights, wanted), 1, len(heights) - 1)
    lower = np.abs(wanted - sorted_heights[above - 1]) <= np.abs(sorted_heights[above] - wanted)
    return np.asarray(order[np.where(lower, above - 1, above)], dtype=np.intp)


@dataclass(frozen=True)
class Statistics:
    """What the voxels of a region say."""

    extra: dict[str, float]
    words: str


def statistics(verdict: Verdict, grid: Grid, index: npt.NDArray[np.intp], options: Options) -> Statistics:
    """Mean, SD (n - 1), least and greatest value; padding does not count."""
    volume = grid.volume
    if volume is None:
        return Statistics({}, "")
    if grid.filled and np.isin(index[:, 0], list(grid.filled)).any():
        verdict.refused.append("A slice is missing here and was interpolated; what shows there is not real.")
    values = volume.voxels[index[:, 0], index[:, 1], index[:, 2]].astype(np.float64)
    if volume.padding is not None:
        values = values[(values < volume.padding[0]) | (values > volume.padding[1])]
    if not len(values):
        verdict.marked.append("No voxel's centre lies in the region.")
        return Statistics({}, "")
    of_values(verdict, volume, values, options)
    values = values * (tones.uptake(volume) or 1.0)
    mean = float(values.mean())
    sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    extra = {
        "mean": mean,
        "sd": sd,
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "voxels": float(len(values)),
        "is_hu": float(volume.units == "HU"),
    }
    unit = value_unit(volume)
    word = "mean" if volume.units == "HU" else "mean signal"
    return Statistics(extra, f"{word} {printed(mean, unit)}, SD {rounded(sd, unit)}")


def value_unit(volume: Volume) -> str:
    """HU for CT, SUV for PET, no unit for what has none: a signal is not a quantity."""
    return tones.as_shown(volume, 0.0)[1]


def of_values(verdict: Verdict, volume: Volume, values: Array, options: Options) -> None:
    """What makes voxel values doubtful."""
    if len(values) < FEW_VOXELS:
        verdict.marked.append("One voxel." if len(values) == 1 else f"Only {len(values)} voxels.")
    if volume.units == "HU" and float(values.max()) >= METAL_HU:
        verdict.marked.append("Metal in the region.")
    if volume.lossy:
        verdict.marked.append("The images were compressed with loss.")
    if options.sharp_kernel:
        verdict.marked.append("Made with a sharp kernel.")
