"""A triangle mesh in the patient: points in LPS millimetres, with the numbers that go with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from render.errors import RenderError


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles in DICOM patient space.

    Parameters
    ----------
    points_lps_mm : (N, 3) float32
    triangles : (M, 3) int32, indices into the points, counter-clockwise seen from outside
    normals : (N, 3) float32 unit vectors pointing outward, or None
    name, colour : what a file may carry; the colour as "rrggbb" sRGB
    whole : its maker knows that it is closed, so that from outside no inner side is to be seen

    Raises
    ------
    RenderError
        code ``mesh`` if shapes do not fit or a triangle names a point that is not there.
    """

    points_lps_mm: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.int32]
    normals: npt.NDArray[np.float32] | None = None
    name: str = ""
    colour: str = "e8dcc0"
    whole: bool = False

    def __post_init__(self) -> None:
        p, t = self.points_lps_mm, self.triangles
        fits = p.ndim == 2 and p.shape[1] == 3 and t.ndim == 2 and t.shape[1] == 3
        if not fits or (len(t) and (int(t.min()) < 0 or int(t.max()) >= len(p))):
            raise RenderError("mesh", "The surface is damaged: its triangles do not fit its points.")
        if not np.isfinite(p).all():
            raise RenderError("mesh", "The surface is damaged: a point lies nowhere.")

    @property
    def corners_mm(self) -> npt.NDArray[np.float64]:
        """Corners of every triangle, shape (M, 3, 3), float64."""
        return np.asarray(self.points_lps_mm[self.triangles], dtype=np.float64)

    @property
    def area_mm2(self) -> float:
        """Sum of the triangles' areas."""
        c = self.corners_mm
        return float(np.linalg.norm(np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0]), axis=1).sum() / 2)

    @property
    def volume_ml(self) -> float:
        """Enclosed volume by the divergence theorem; positive when triangles face outward, true when closed."""
        if not len(self.triangles):
            return 0.0
        c = self.corners_mm
        c = c - c.reshape(-1, 3).mean(axis=0)  # near the origin, for precision
        return float(np.einsum("ij,ij->i", c[:, 0], np.cross(c[:, 1], c[:, 2])).sum() / 6000.0)

    @property
    def is_closed(self) -> bool:
        """Whether every directed edge has its opposite exactly once: no hole, no seam, one orientation."""
        t = self.triangles.astype(np.int64)
        if not len(t):
            return False
        n = len(self.points_lps_mm)
        edges = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
        there, back = edges[:, 0] * n + edges[:, 1], edges[:, 1] * n + edges[:, 0]
        there.sort()
        back.sort()
        return bool((there == back).all() and (there[1:] != there[:-1]).all())

    @cached_property
    def bounds_lps_mm(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Smallest and largest LPS coordinates; zeros for an empty mesh."""
        if not len(self.points_lps_mm):
            return ((0.0,) * 3, (0.0,) * 3)
        axes = [self.points_lps_mm[:, axis] for axis in range(3)]  # one by one: numpy is many times quicker so
        return tuple(float(a.min()) for a in axes), tuple(float(a.max()) for a in axes)

    def in_space(self, space: str) -> Mesh:
        """The same mesh in LPS, or turned half a turn about z into RAS; faces keep facing outward."""
        if space == "lps":
            return self
        turn = np.array([-1, -1, 1], dtype=np.float32)
        return replace(
            self, points_lps_mm=self.points_lps_mm * turn, normals=None if self.normals is None else self.normals * turn
        )
