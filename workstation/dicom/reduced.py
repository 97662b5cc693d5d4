"""A volume too large for memory, loaded at 1/k: k x k pixels and k slices averaged. DICOM page 5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from render.errors import Cancelled
from render.geometry import Geometry
from render.volume import Voxels
from workstation.base.errors import InputRefused
from workstation.dicom.decode import PixelError, Pixels
from workstation.dicom.found import Frame, VolumeFound
from workstation.dicom.modality import modality_values


@dataclass(frozen=True, eq=False)
class Reduced:
    """Averaged voxels with their own grid; `filled` are slices that an interpolated one went into."""

    voxels: Voxels
    geometry: Geometry
    filled: tuple[int, ...]


def reduced_shape(shape: tuple[int, int, int], k: int) -> tuple[int, int, int]:
    """Shape at 1/k; what does not fill a block at the far ends is left out."""
    return (shape[0] // k, shape[1] // k, shape[2] // k)


def reduced_geometry(geometry: Geometry, k: int) -> Geometry:
    """Grid of the blocks' centres: steps k times as long, the origin in the middle of the first block."""
    affine = geometry.affine_lps.copy()
    affine[:3, 3] = geometry.to_lps([(k - 1) / 2] * 3)
    affine[:3, :3] *= k
    return Geometry(reduced_shape(geometry.shape, k), affine, geometry.frame_of_reference)


def load_reduced(
    found: VolumeFound,
    pixels: dict[Path, Pixels | None],
    k: int,
    *,
    whole: bool,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Reduced:
    """Decode at 1/k; means are rounded where the volume would be int16.

    Raises
    ------
    OverflowError
        If `whole`, and a mean does not fit 16 bits.
    InputRefused
        If an image cannot be decoded.
    Cancelled
        When `stop()` said so.
    """
    shape = reduced_shape(found.geometry.shape, k)
    voxels: Voxels = np.empty(shape, np.int16) if whole else np.empty(shape, np.float32)
    filled = []
    for z in range(shape[0]):
        if stop is not None and stop():
            raise Cancelled
        planes = [_plane(found, pixels, found.frames[z * k + i], k) for i in range(k)]
        there = [p for p in planes if p is not None]
        if len(there) < k:
            filled.append(z)
        mean = np.mean(there, axis=0) if there else np.asarray(voxels[z - 1], np.float64)
        if whole:
            mean = np.rint(mean)
            if not -32768 <= mean.min() <= mean.max() <= 32767:
                raise OverflowError
        voxels[z] = mean
        if progress is not None:
            progress((z + 1) * k, found.geometry.shape[0])
    return Reduced(voxels, reduced_geometry(found.geometry, k), tuple(filled))


def _plane(
    found: VolumeFound, pixels: dict[Path, Pixels | None], frame: Frame | None, k: int
) -> npt.NDArray[np.float64] | None:
    """Mean of k x k pixels of one slice, rescaled; None for a filled slice."""
    if frame is None:
        return None
    reader = pixels[frame.path]
    if reader is None:
        raise InputRefused("decode_failed", "One of the images could not be decompressed.")
    try:
        with frame.path.open("rb", buffering=0) as file:
            image = reader.read(file, 0 if found.facts.get("tile") else frame.frame)
    except (PixelError, OSError) as error:
        raise InputRefused("decode_failed", "One of the images could not be decompressed.") from error
    tile = found.facts.get("tile")
    if isinstance(tile, tuple):
        y, x = divmod(frame.frame, image.shape[1] // tile[1])
        image = image[y * tile[0] : (y + 1) * tile[0], x * tile[1] : (x + 1) * tile[1]]
    rows, columns = image.shape[0] // k, image.shape[1] // k
    values = modality_values(image[: rows * k, : columns * k], frame)
    return np.asarray(values.reshape(rows, k, columns, k).mean(axis=(1, 3)))
