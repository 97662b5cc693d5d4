"""What a bench works on: a series of the person's choice or the bundled one, at its own size or another."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from render.geometry import Geometry
from render.volume import Volume
from workstation.base.errors import InputRefused
from workstation.desk.source import Source, open_source

Size = tuple[int, int, int]


@dataclass(frozen=True)
class Given:
    """What the command was told.

    Parameters
    ----------
    source, series, volume : as every command takes them
    size : (slices, rows, columns) to resample to; the source's own without it
    runs : timed runs of each figure
    growth : `view` also at growing sizes
    """

    source: str
    series: str | None = None
    volume: str | None = None
    size: Size | None = None
    runs: int = 5
    growth: bool = False

    def opened(self) -> Source:
        """Scan and choose."""
        return open_source(self.source, self.series, self.volume)


def resized(volume: Volume, size: Size | None) -> Volume:
    """The volume at another number of voxels: linear, the outermost voxel centres stay where they are.

    A sheared or unevenly spaced volume is put onto its regular grid first.
    """
    from render.resample import display_copy

    volume = display_copy(volume)
    old = volume.geometry.shape
    if size is None or size == old:
        return volume
    if min(size) < 2 or min(old) < 2:
        raise InputRefused("size", "A volume to measure with has at least two voxels along each axis.")
    out = np.empty(size, dtype=volume.voxels.dtype)
    (low_k, high_k, f_k), (low_r, high_r, f_r), (low_c, high_c, f_c) = (
        _between(n, m) for n, m in zip(old, size, strict=True)
    )
    whole = out.dtype == np.int16
    for k in range(size[0]):
        plane: npt.NDArray[Any] = _mixed(volume.voxels[low_k[k]], volume.voxels[high_k[k]], f_k[k])
        if size[1] != old[1]:
            plane = _mixed(plane[low_r], plane[high_r], f_r[:, None])
        if size[2] != old[2]:
            plane = _mixed(plane[:, low_c], plane[:, high_c], f_c[None, :])
        out[k] = np.rint(plane) if whole else plane
    affine = volume.geometry.affine_lps.copy()
    affine[:3, :3] *= [(n - 1) / (m - 1) for n, m in zip(old, size, strict=True)]
    return replace(
        volume,
        voxels=out,
        geometry=Geometry(size, affine, volume.geometry.frame_of_reference),
        source_uids=(),
        filled=(),
        resampled=True,
        digest=f"{volume.digest[:24]}{'x'.join(map(str, size))}",
    )


def _between(n: int, m: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """For m places over n voxels: the voxel before, the one after, and the share of the latter."""
    at = np.linspace(0, n - 1, m)
    low = np.minimum(at.astype(np.intp), n - 2)
    return low, low + 1, (at - low).astype(np.float32)


def _mixed(a: npt.NDArray[Any], b: npt.NDArray[Any], share: Any) -> npt.NDArray[np.float32]:
    first = a.astype(np.float32)
    return np.asarray(first + share * (b.astype(np.float32) - first), dtype=np.float32)


def own_files(source: Source, folder: Path) -> list[Path]:
    """Copies of just the chosen volume's files, alone in a folder: what peers that take folders are given."""
    folder.mkdir(parents=True)
    paths = dict.fromkeys(f.path for f in source.found.frames if f is not None)
    out = []
    for number, path in enumerate(paths):
        out.append(folder / f"{number:05d}.dcm")
        shutil.copyfile(path, out[-1])
    return out
