"""Where a look is drawn at all: inside body, lungs, airways or brain, or without the table; found on a coarse grid.

For looking only: the borders are soft and about 3 mm coarse, and the picture says that something was left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from render.caster import airways, brain
from render.kept import per_volume

if TYPE_CHECKING:
    from render.volume import Volume

U8 = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

_COARSE_MM, _FINE_MM = 3.0, 1.6
_BRAIN_MM = 2.0
_TISSUE_HU, _AIR_HU = -300, -500
_LUNG_ML, _LUNG_SHARE = 100.0, 0.1  # a part of the air counts as lung from this volume and share of the largest on
_TABLE_WIDE_MM, _TABLE_THIN_MM = 150.0, 40.0
_VESSEL_MM = 8.0  # vessels up to this width are closed into the lungs

EVERYWHERE = np.full((1, 1, 1), 255, dtype=np.uint8)
ONE = np.ones(3)


@per_volume
def mask(volume: Volume, where: str) -> tuple[U8, npt.NDArray[np.float64]]:
    """A soft mask on every n-th voxel; worked out once per volume.

    Parameters
    ----------
    volume : on a regular grid
    where : ``"body"``, ``"lungs"``, ``"airways"``, ``"patient"`` (all but the table), ``"brain"``, or "" for
        everywhere. Lungs, airways and table are known in HU alone, the brain in MR alone: elsewhere nothing is left
        out.

    Returns
    -------
    mask : (a, b, c) uint8, 255 well inside, 128 on the border; `EVERYWHERE` when nothing is left out
    scale : (3,) mask index = voxel index x scale
    """
    if where == "brain":
        return _brain(volume)
    if volume.units != "HU":
        return _object(volume) if where == "body" else (EVERYWHERE, ONE)
    if not where:
        return EVERYWHERE, ONE
    from scipy import ndimage

    steps = _steps(volume, _COARSE_MM)
    v = volume.voxels[:: steps[0], :: steps[1], :: steps[2]]
    edges = np.array(volume.geometry.spacing_mm) * steps
    if where == "patient":
        return _soft(_without_table(v > _TISSUE_HU, edges), steps)
    found = _body(v > _TISSUE_HU)
    if found is None:
        return EVERYWHERE, ONE
    # the skin lies half in air: it does not belong to what is shown of the inside
    inner = ndimage.binary_erosion(found, iterations=2, border_value=1)
    if where == "airways":
        return _airways(volume, inner, steps)
    shown = _lungs(v, inner, edges) if where == "lungs" else inner
    return _soft(shown, steps)


def leaves_out(volume: Volume, where: str) -> bool:
    """Whether anything of this volume is left out by a mask of this name."""
    return mask(volume, where)[0].size > 1


def inside(volume: Volume, where: str) -> npt.NDArray[np.float32]:
    """Values of the voxels well inside a mask, on its grid; none when nothing is left out."""
    found, scale = mask(volume, where)
    if found.size == 1:
        return np.empty(0, dtype=np.float32)
    steps = np.rint(1 / scale).astype(int)
    v = volume.voxels[:: steps[0], :: steps[1], :: steps[2]][tuple(slice(0, n) for n in found.shape)]
    kept = found[tuple(slice(0, n) for n in v.shape)] > 250
    return np.asarray(v[kept], dtype=np.float32)


def _airways(volume: Volume, inner: Bools, coarse: list[int]) -> tuple[U8, npt.NDArray[np.float64]]:
    steps = _steps(volume, _FINE_MM)
    smooth = _means(volume.voxels, steps)
    places = [np.minimum(np.arange(n) * s // c, m - 1) for n, s, c, m in zip(
        smooth.shape, steps, coarse, inner.shape, strict=True)]  # fmt: skip
    edges = np.array(volume.geometry.spacing_mm) * steps
    to_head = float(volume.geometry.affine_lps[2, 0]) > 0
    found = airways.tree(smooth, inner[np.ix_(*places)], edges, to_head)
    # the mean of a block lies in its middle
    return _soft(found, steps)


def _brain(volume: Volume) -> tuple[U8, npt.NDArray[np.float64]]:
    from render import tones

    if volume.modality != "MR":
        return EVERYWHERE, ONE
    steps = _steps(volume, _BRAIN_MM, at_most=8)
    v = volume.voxels[:: steps[0], :: steps[1], :: steps[2]]
    edges = np.array(volume.geometry.spacing_mm) * steps
    begin = float(np.min(tones.foreground(volume), initial=np.inf))
    return _soft(brain.brain(v, begin, edges), steps)


def _object(volume: Volume) -> tuple[U8, npt.NDArray[np.float64]]:
    """The object of a volume without HU: its largest part above the foreground's threshold, filled."""
    from scipy import ndimage

    from render import tones

    steps = _steps(volume, _COARSE_MM)
    begin = float(np.min(tones.foreground(volume), initial=np.inf))
    found = _body(volume.voxels[:: steps[0], :: steps[1], :: steps[2]] >= begin)
    # its border lies half in air
    return _soft(None if found is None else ndimage.binary_erosion(found, border_value=1), steps)


def _steps(volume: Volume, to_mm: float, at_most: int = 4) -> list[int]:
    return [max(1, min(at_most, round(to_mm / mm), n // 16)) for mm, n in zip(*_grid(volume), strict=True)]


def _means(voxels: npt.NDArray[Any], steps: list[int]) -> npt.NDArray[np.float32]:
    """Mean of every block of voxels; what does not fill a block at the end is left out."""
    shape = [n // s for n, s in zip(voxels.shape, steps, strict=True)]
    out = np.zeros(shape, dtype=np.float32)
    for k in range(steps[0]):
        for r in range(steps[1]):
            for c in range(steps[2]):
                part = voxels[k :: steps[0], r :: steps[1], c :: steps[2]]
                out += part[: shape[0], : shape[1], : shape[2]]
    return out / np.float32(np.prod(steps))


def _soft(shown: Bools | None, steps: list[int]) -> tuple[U8, npt.NDArray[np.float64]]:
    from scipy import ndimage

    if shown is None or not shown.any() or shown.all():
        return EVERYWHERE, ONE
    soft = ndimage.gaussian_filter(shown.astype(np.float32), 0.7)
    return np.ascontiguousarray(np.rint(soft * 255), dtype=np.uint8), 1.0 / np.array(steps, dtype=np.float64)


def _grid(volume: Volume) -> tuple[tuple[float, ...], tuple[int, ...]]:
    return volume.geometry.spacing_mm, volume.geometry.shape


def _body(tissue: Bools) -> Bools | None:
    """Largest part of the tissue, with what it encloses (lungs, bowel) filled in."""
    from scipy import ndimage

    parts, count = ndimage.label(tissue)
    if count == 0:
        return None
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    body: Bools = parts == int(sizes.argmax())
    for axis in range(3):  # lungs are open at a volume's ends: holes are filled within sections of each direction
        turned = np.moveaxis(body, axis, 0)
        for section in turned:
            section[:] = ndimage.binary_fill_holes(section)
    return body


def _lungs(v: npt.NDArray[Any], inner: Bools, edges: npt.NDArray[np.float64]) -> Bools | None:
    from scipy import ndimage

    parts, count = ndimage.label((v < _AIR_HU) & inner)
    if count == 0:
        return None
    sizes = np.bincount(parts.ravel()).astype(float) * float(edges.prod()) / 1000
    sizes[0] = 0
    large = (sizes >= _LUNG_ML) & (sizes >= _LUNG_SHARE * sizes.max())
    if not large.any():
        return None
    lungs = large[parts]
    rounds = max(1, round(_VESSEL_MM / 2 / float(edges.mean())))
    wide = np.pad(lungs, rounds)
    closed = ndimage.binary_closing(wide, iterations=rounds)[(slice(rounds, -rounds),) * 3]
    for axis in range(3):
        for section in np.moveaxis(closed, axis, 0):
            section[:] = ndimage.binary_fill_holes(section)
    return np.asarray(closed & inner, dtype=bool)


def _without_table(solid: Bools, edges: npt.NDArray[np.float64]) -> Bools | None:
    """Everything but parts like a table: not the largest part, long, wide and thin (project rule, CLINICAL 1.5).

    At least 150 mm wide and in 60 % of the slices, and under 40 mm thick or a shell (filling less than a third of the
    box around it). A table that touches the body hangs together with it and stays: rather too little than
    too much is removed.
    """
    from scipy import ndimage

    parts, count = ndimage.label(solid)
    if count < 2:
        return None
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    table = np.zeros(count + 1, dtype=bool)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        extent = np.array([part.stop - part.start for part in box])
        long = extent[0] >= 0.6 * solid.shape[0]
        wide = float((extent[1:] * edges[1:]).max()) >= _TABLE_WIDE_MM
        thin = sizes[number] < extent.prod() / 3 or float((extent[1:] * edges[1:]).min()) < _TABLE_THIN_MM
        table[number] = number != int(sizes.argmax()) and long and wide and thin
    if not table.any():
        return None
    body = parts == int(sizes.argmax())
    # the half-filled voxels around it too, but nothing of the body
    around = ndimage.binary_dilation(table[parts], iterations=3)
    return np.asarray(~(around & ~ndimage.binary_dilation(body)), dtype=bool)
