"""Indices and places of a volume's voxels, by the slices' true positions where these are uneven."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from render.volume import Volume

Floats = npt.NDArray[np.float64]


def to_lps(volume: Volume, index: npt.ArrayLike) -> Floats:
    """Fractional (slice, row, column), (N, 3), to LPS mm, (N, 3); between slices along the line that joins them."""
    at = np.asarray(index, dtype=np.float64)
    if volume.positions_lps is None:
        return volume.geometry.to_lps(at)
    m = volume.geometry.affine_lps[:3, :3]
    places = np.asarray(volume.positions_lps, dtype=np.float64)
    k = at[:, 0]
    if len(places) == 1:
        base = places[0] + k[:, None] * m[:, 0]
    else:
        lower = np.clip(np.floor(k).astype(np.int64), 0, len(places) - 2)
        base = places[lower] + (k - lower)[:, None] * (places[lower + 1] - places[lower])
    return np.asarray(base + at[:, 1:2] * m[:, 1] + at[:, 2:3] * m[:, 2], dtype=np.float64)


def unevenness(volume: Volume) -> tuple[Floats, Floats]:
    """How true places differ from the affine's, for kernels.

    Returns
    -------
    levels : (slices,) where each slice lies, in slice indices of the affine; ascending; empty when it is even
    shifts : (slices, 2) by how many rows and columns each slice is moved within its plane against the affine
    """
    if volume.positions_lps is None or volume.geometry.shape[0] < 2:
        return np.empty(0), np.empty((0, 2))
    g = volume.geometry
    m = g.affine_lps[:3, :3]
    n = g.normal_lps
    places = np.asarray(volume.positions_lps, dtype=np.float64)
    levels = (places - g.affine_lps[:3, 3]) @ n / float(m[:, 0] @ n)
    aside = places - g.affine_lps[:3, 3] - levels[:, None] * m[:, 0]
    shifts = aside @ np.linalg.pinv(m[:, 1:3]).T
    return np.ascontiguousarray(levels), np.ascontiguousarray(shifts)
