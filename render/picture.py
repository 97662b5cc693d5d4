"""A finished picture: pixels, the recipe that made it, and where its pixels lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from render.view import View


@dataclass(frozen=True, eq=False)
class Picture:
    """RGB pixels with their meaning.

    Parameters
    ----------
    rgb : (height, width, 3) uint8, row 0 at the top
    view : the recipe, with `renderer` filled in
    renderer : for a person, for example "CPU caster", "VTK fixed point", "planes"
    seconds : time of making
    letters : (left, right, top, bottom) edge letters, "" where orientation is unknown
    corner_lps_mm, right_lps, down_lps, mm_per_pixel : for planes, and parallel 3D (the plane through
        the focal point): LPS of the centre of the top left pixel, unit vectors; None in perspective
    cube : where the orientation cube stands: middle (x, y) and half its edge in pixels; None without one
    notes : what a person should know of this picture, a plain sentence each: a surface of which nothing is there
    """

    rgb: npt.NDArray[np.uint8]
    view: View
    renderer: str
    seconds: float
    letters: tuple[str, str, str, str]
    corner_lps_mm: tuple[float, float, float] | None = None
    right_lps: tuple[float, float, float] | None = None
    down_lps: tuple[float, float, float] | None = None
    mm_per_pixel: float | None = None
    cube: tuple[float, float, float] | None = None
    notes: tuple[str, ...] = ()

    def to_lps(self, x: float, y: float) -> tuple[float, float, float] | None:
        """Picture coordinates (pixels, centre of the top left pixel = 0, 0) to LPS mm."""
        if self.corner_lps_mm is None or self.right_lps is None or self.down_lps is None or self.mm_per_pixel is None:
            return None
        corner, right, down = (np.array(v) for v in (self.corner_lps_mm, self.right_lps, self.down_lps))
        p = corner + (x * right + y * down) * self.mm_per_pixel
        return (float(p[0]), float(p[1]), float(p[2]))

    def to_pixel(self, lps_mm: tuple[float, float, float]) -> tuple[float, float] | None:
        """LPS mm to picture coordinates, by orthogonal projection onto the plane."""
        if self.corner_lps_mm is None or self.right_lps is None or self.down_lps is None or self.mm_per_pixel is None:
            return None
        d = np.array(lps_mm) - np.array(self.corner_lps_mm)
        return (
            float(d @ np.array(self.right_lps)) / self.mm_per_pixel,
            float(d @ np.array(self.down_lps)) / self.mm_per_pixel,
        )
