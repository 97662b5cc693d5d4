"""Crop: a rectangle dragged in a plane bounds the region of the 3D work in that plane's two directions.

Where a crop stands already, its sides and corners can be taken and moved.
"""

from __future__ import annotations

from render.picture import Picture
from render.view import Box, Vector, View
from workstation.window.tools.base import Cursor, Effect, Pointer, Refused, Region, lps_of, normal_of, pixel_of

_LEAST_MM = 5.0
_STRAIGHT = 0.9999
_NEAR = 6.0  # points


def straight(view: View) -> bool:
    """Whether a plane lies along the body's axes, as the box does."""
    return view.plane is not None and all(
        max(abs(part) for part in v) >= _STRAIGHT for v in (view.plane.right_lps, view.plane.down_lps)
    )


def rectangle(view: View, box: Box) -> tuple[float, float, float, float] | None:
    """Left, top, right and foot of a box in the picture of a straight plane, pixels; None on a turned one."""
    if not straight(view):
        return None
    a, b = pixel_of(view, box.low_lps_mm), pixel_of(view, box.high_lps_mm)
    if a is None or b is None:
        return None
    return min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])


def sides_at(view: View, box: Box | None, at: Pointer) -> frozenset[int]:
    """Which sides of the crop lie under the pointer, as places in `rectangle`; two at a corner."""
    sides = rectangle(view, box) if box is not None else None
    if sides is None:
        return frozenset()
    near = _NEAR * view.scale
    left, top, right, foot = sides
    if not (left - near <= at.x <= right + near and top - near <= at.y <= foot + near):
        return frozenset()
    apart = (abs(at.x - left), abs(at.y - top), abs(at.x - right), abs(at.y - foot))
    return frozenset(k for k in range(4) if apart[k] <= near and apart[k] <= apart[(k + 2) % 4])


class CropTool:
    """Drag from corner to corner, or a side or corner of the crop as it stands.

    Parameters
    ----------
    box : the crop as it stands
    sides : those of it that lie under the hand, see `sides_at`
    """

    name = "crop"

    def __init__(self, box: Box | None = None, sides: frozenset[int] = frozenset()) -> None:
        self._box, self._sides = box, sides
        self._from: Vector | None = None
        self._held: Pointer | None = None
        across, along = bool(sides & {0, 2}), bool(sides & {1, 3})
        falling = sides in (frozenset((0, 1)), frozenset((2, 3)))
        self.cursor: Cursor = "cross"
        if across and along:
            self.cursor = "falling" if falling else "rising"
        elif across or along:
            self.cursor = "across" if across else "along"

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if view.plane is None:
            return Refused("Drag the crop box in a plane; the 3D picture follows.")
        # the box lies along the body's axes: on a turned plane the rectangle seen would be another than the one kept
        if not straight(view):
            return Refused("Draw the crop box in a straight plane; R sets the planes straight.")
        self._from, self._held = lps_of(view, at), at
        return None

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        return self._region(view, at, done=False)

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        effect = self._region(view, at, done=True)
        self.cancel()
        return effect

    def cancel(self) -> None:
        self._from = self._held = None

    def _region(self, view: View, at: Pointer, *, done: bool) -> Effect:
        to, normal = lps_of(view, at), normal_of(view)
        if self._from is None or self._held is None or to is None or normal is None:
            return None
        if self._sides and self._box is not None:
            return self._moved(view, at, normal, done=done)
        return Region((self._from, to), normal, done)

    def _moved(self, view: View, at: Pointer, normal: Vector, *, done: bool) -> Effect:
        """The crop with the sides in hand where the hand is now."""
        assert self._box is not None
        assert self._held is not None
        by = (at.x - self._held.x, at.y - self._held.y)
        sides = rectangle(view, self._box)
        if sides is None or by == (0, 0):
            return None
        left, top, right, foot = (side + (by[k % 2] if k in self._sides else 0.0) for k, side in enumerate(sides))
        a, b = lps_of(view, Pointer(left, top)), lps_of(view, Pointer(right, foot))
        return None if a is None or b is None else Region((a, b), normal, done)


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
