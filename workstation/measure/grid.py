"""The voxels as acquired: where their centres are, sheared or unevenly spaced as they may be."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from render.geometry import Geometry
from render.volume import Volume

Array = npt.NDArray[np.float64]
# A point belongs to an original slice up to this share of the distance between slices.
_ON_SLICE = 0.02
_PARALLEL = 0.9998  # cosine of 1.1 degrees


@dataclass(frozen=True, eq=False)
class Grid:
    """Geometry with the true positions of the slices, and the effective size of a voxel.

    Parameters
    ----------
    geometry : shape and affine (LPS mm)
    volume : the voxels, None where only the geometry is known
    thickness_mm : SliceThickness, or None
    """

    geometry: Geometry
    volume: Volume | None = None
    thickness_mm: float | None = None

    @staticmethod
    def of(where: Volume | Geometry, thickness_mm: float | None) -> Grid:
        """Wrap a volume or a geometry."""
        if isinstance(where, Volume):
            return Grid(where.geometry, where, thickness_mm)
        return Grid(where, None, thickness_mm)

    @property
    def filled(self) -> frozenset[int]:
        """Slices that were interpolated."""
        return frozenset(self.volume.filled) if self.volume is not None else frozenset()

    @cached_property
    def axes(self) -> Array:
        """Orthonormal acquisition axes as rows: along a row, along a column, along the slices' normal."""
        m, n = self.geometry.affine_lps[:3, :3], self.geometry.normal_lps
        x = m[:, 2] / np.linalg.norm(m[:, 2])
        y = m[:, 1] - (m[:, 1] @ x) * x
        return np.array([x, y / np.linalg.norm(y), n])

    @cached_property
    def effective_mm(self) -> Array:
        """E = (dx, dy, z_eff) on the acquisition axes; z_eff is the larger of spacing and thickness."""
        dz, dy, dx = self.geometry.spacing_mm
        if self.volume is not None and self.volume.positions_lps is not None:
            dz = max(dz, float(np.diff(self.heights).max()))
        return np.array([dx, dy, max(dz, self.thickness_mm or 0.0)])

    def along(self, direction_lps: npt.ArrayLike) -> float:
        """Effective size of a voxel along a unit direction: sqrt(sum (d_i e_i)^2)."""
        return float(np.linalg.norm(self.axes @ np.asarray(direction_lps, dtype=np.float64) * self.effective_mm))

    @cached_property
    def positions(self) -> Array:
        """Centre of the first voxel of every slice, (slices, 3)."""
        if self.volume is not None and self.volume.positions_lps is not None:
            return np.asarray(self.volume.positions_lps, dtype=np.float64)
        return self.geometry.to_lps([(k, 0, 0) for k in range(self.geometry.shape[0])])

    @cached_property
    def heights(self) -> Array:
        """Heights of the slices along the normal, rising."""
        return self.positions @ self.geometry.normal_lps

    def to_index(self, points_lps_mm: npt.ArrayLike) -> Array:
        """LPS mm to fractional (slice, row, column), by the true positions of the slices."""
        p = np.atleast_2d(np.asarray(points_lps_mm, dtype=np.float64))
        if self.volume is None or self.volume.positions_lps is None:
            return np.atleast_2d(self.geometry.to_index(p))
        h = p @ self.geometry.normal_lps
        k = np.clip(np.searchsorted(self.heights, h) - 1, 0, len(self.heights) - 2)
        share = (h - self.heights[k]) / (self.heights[k + 1] - self.heights[k])
        first = self.positions[k] + share[:, None] * (self.positions[k + 1] - self.positions[k])
        m = self.geometry.affine_lps[:3, :3]
        inside = np.linalg.lstsq(m[:, 1:], (p - first).T, rcond=None)[0].T
        return np.column_stack([k + share, inside])

    def centres(self, index: npt.NDArray[np.intp]) -> Array:
        """Voxel centres, (..., 3) LPS mm, of whole (slice, row, column) indices, (..., 3)."""
        m = self.geometry.affine_lps[:3, :3]
        return np.asarray(self.positions[index[..., 0]] + index[..., 1:] @ m[:, 1:].T, dtype=np.float64)

    def outside(self, points_lps_mm: npt.ArrayLike) -> bool:
        """Whether a point lies more than half a voxel outside of the images."""
        index = self.to_index(points_lps_mm)
        limit = np.array(self.geometry.shape) - 0.5
        return bool((index < -0.5 - 1e-6).any() or (index > limit + 1e-6).any())

    def touches_filled(self, points_lps_mm: npt.ArrayLike, *, closed: bool = False) -> bool:
        """Whether points, or the straight path through them, come into a filled slice (half a spacing each way)."""
        if not self.filled:
            return False
        k = self.to_index(points_lps_mm)[:, 0]
        if closed and len(k) > 1:
            k = np.append(k, k[0])
        ends = list(itertools.pairwise(k)) if len(k) > 1 else [(k[0], k[0])]
        return any(max(a, b) > f - 0.5 + 1e-6 and min(a, b) < f + 0.5 - 1e-6 for a, b in ends for f in self.filled)

    def on_one_slice(self, points_lps_mm: npt.ArrayLike, normal_lps: npt.ArrayLike | None) -> bool:
        """Whether all points lie on one acquired slice (and the picture was parallel to it, where that is known)."""
        k = self.to_index(points_lps_mm)[:, 0]
        if np.abs(k - round(float(k[0]))).max() > _ON_SLICE:
            return False
        if normal_lps is None:
            return True
        n = np.asarray(normal_lps, dtype=np.float64)
        return abs(float(n @ self.geometry.normal_lps)) / float(np.linalg.norm(n)) > _PARALLEL
