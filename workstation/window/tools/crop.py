"""Crop: a rectangle dragged in a plane bounds the region of the 3D work in that plane's two directions."""

from __future__ import annotations

from render.picture import Picture
from render.view import Box, Vector, View
from workstation.window.tools.base import Cursor, Effect, Pointer, Refused, Region, lps_of, normal_of

_LEAST_MM = 5.0
_STRAIGHT = 0.9999


class CropTool:
    """Drag from corner to corner."""

    name = "crop"
    cursor: Cursor = "cross"

    def __init__(self) -> None:
        self._from: Vector | None = None

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if view.plane is None:
            return Refused("Drag the crop box in a plane; the 3D picture follows.")
        # the box lies along the body's axes: on a turned plane the rectangle seen would be another than the one kept
        if any(max(abs(part) for part in v) < _STRAIGHT for v in (view.plane.right_lps, view.plane.down_lps)):
            return Refused("Draw the crop box in a straight plane; R sets the planes straight.")
        self._from = lps_of(view, at)
        return None

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        return self._region(view, at, done=False)

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        effect = self._region(view, at, done=True)
        self.cancel()
        return effect

    def cancel(self) -> None:
        self._from = None

    def _region(self, view: View, at: Pointer, *, done: bool) -> Effect:
        to, normal = lps_of(view, at), normal_of(view)
        if self._from is None or to is None or normal is None:
            return None
        return Region((self._from, to), normal, done)


def box_from(region: Region, bounds: tuple[Vector, Vector], before: Box | None) -> Box | None:
    """The crop box after a region was drawn: new in the plane's directions, unchanged along its normal.

    Parameters
    ----------
    bounds : (low, high) LPS mm of the volume
    before : the crop so far; the volume's bounds without one

    Returns
    -------
    Box, or None when the region is under 5 mm wide: a slip of the hand, no crop
    """
    low = list(before.low_lps_mm if before else bounds[0])
    high = list(before.high_lps_mm if before else bounds[1])
    along = max(range(3), key=lambda k: abs(region.normal_lps[k]))
    a, b = region.corners_lps_mm
    for k in range(3):
        if k == along:
            continue
        low[k] = max(bounds[0][k], min(a[k], b[k]))
        high[k] = min(bounds[1][k], max(a[k], b[k]))
        if high[k] - low[k] < _LEAST_MM:
            return None
    return Box(low_lps_mm=(low[0], low[1], low[2]), high_lps_mm=(high[0], high[1], high[2]))
