"""Volume of what hangs together around a point within a range of values: acquired voxels, counted."""

from __future__ import annotations

import numpy as np

from render.view import Vector
from workstation.base.errors import InputRefused
from workstation.case.model import Measured
from workstation.measure.grid import Array, Grid
from workstation.measure.options import Options
from workstation.measure.verdict import Verdict, defined, of_picture, result

THICK_MM = 3.0
METAL_HU = 3000.0


def volume(points: Array, grid: Grid, normal: Vector | None, options: Options) -> Measured:
    """Millilitres of the voxels connected (by faces) with the one at the point, from `low` to `high`.

    U = 2 S (e1 e2 e3)^(1/3) / sqrt(12), S the surface: an upper bound. Where slices are uneven every slice counts
    with its own share of the distance to its neighbours.
    """
    from scipy import ndimage

    source = grid.volume
    if source is None or options.low is None:
        raise InputRefused("volume", "A volume needs the voxels and the lower end of its range of values.")
    verdict = Verdict()
    of_picture(verdict, options)
    unit = f" {source.units}" if source.units in ("HU", "SUV") else ""
    upper = f" to {options.high:g}" if options.high is not None else " and more"
    base = f"Volume of voxels of {options.low:g}{upper}{unit}, connected with a point"
    definition = defined(base, None, options)
    if grid.outside(points):
        verdict.refused.append("A point lies outside of the images.")
        return result(verdict, "volume", None, "ml", definition)
    values = source.voxels
    inside = values >= options.low
    if options.high is not None:
        inside &= values <= options.high
    if source.padding is not None:
        inside &= (values < source.padding[0]) | (values > source.padding[1])
    seed = tuple(int(i) for i in np.clip(np.rint(grid.to_index(points)[0]), 0, np.array(values.shape) - 1))
    if not inside[seed]:
        verdict.refused.append("The point lies outside of the range of values.")
        return result(verdict, "volume", None, "ml", definition)
    labels, _ = ndimage.label(inside)
    mask = labels == labels[seed]
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    mask = np.pad(mask[box], 1)
    _of_region(verdict, grid, mask, box, options)
    per_slice = mask.sum(axis=(1, 2))[1:-1]
    heights = _slice_heights(grid)[box[0]]
    m = grid.geometry.affine_lps[:3, :3]
    in_plane = float(np.linalg.norm(np.cross(m[:, 1], m[:, 2])))
    mm3 = float((per_slice * heights).sum()) * in_plane
    dx, dy, dz = grid.effective_mm
    faces = [int(np.abs(np.diff(mask.astype(np.int8), axis=axis)).sum()) for axis in range(3)]
    surface = faces[0] * dx * dy + faces[1] * dx * dz + faces[2] * dy * dz
    u = 2.0 * surface * float(dx * dy * dz) ** (1 / 3) / np.sqrt(12.0)
    extra = {"voxels": float(per_slice.sum()), "surface_upper_mm2": float(surface)}
    return result(verdict, "volume", mm3 / 1000.0, "ml", definition, uncertainty=float(u) / 1000.0, extra=extra)


def _slice_heights(grid: Grid) -> Array:
    """What every slice stands for along the normal, mm."""
    n = grid.geometry.shape[0]
    if n == 1 or grid.volume is None or grid.volume.positions_lps is None:
        return np.full(n, grid.geometry.spacing_mm[0])
    gaps = np.diff(grid.heights)
    return (np.append(gaps, gaps[-1]) + np.insert(gaps, 0, gaps[0])) / 2.0


def _of_region(
    verdict: Verdict,
    grid: Grid,
    mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    box: tuple[slice, ...],
    options: Options,
) -> None:
    source = grid.volume
    assert source is not None
    if any(box[0].start <= f < box[0].stop for f in grid.filled):
        verdict.refused.append("A slice is missing here and was interpolated; what shows there is not real.")
    if any(s.start == 0 or s.stop == n for s, n in zip(box, grid.geometry.shape, strict=True)):
        verdict.marked.append("It reaches the edge of the images and may be cut off.")
    if float(grid.effective_mm[2]) > THICK_MM:
        verdict.marked.append(f"Slices of {grid.effective_mm[2]:.1f} mm.")
    if source.reduced > 1:
        verdict.marked.append(f"Loaded at 1/{source.reduced} of the resolution.")
    if source.units == "HU" and float(source.voxels[box][mask[1:-1, 1:-1, 1:-1]].max()) >= METAL_HU:
        verdict.marked.append("Metal in the region.")
