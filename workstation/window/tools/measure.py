"""Length and angle: points are clicked or dragged in a plane; the number is made elsewhere, from LPS millimetres."""

from __future__ import annotations

from render.picture import Picture
from render.view import Vector, View
from workstation.window.tools.base import (
    Cursor,
    Effect,
    Measure,
    Pointer,
    Preview,
    Refused,
    lps_of,
    normal_of,
    pixel_of,
)

NOT_IN_3D = "Measure in a plane: in a projection the depth of a point is not known."
_CLICK = 4.0


class PointsTool:
    """Collects points, by drag or by click after click; Esc begins anew."""

    name = ""
    cursor: Cursor = "cross"
    kind = ""
    count = 2

    def __init__(self) -> None:
        self._points: list[Vector] = []
        self._normal: Vector | None = None
        self._pressed: Pointer | None = None

    @property
    def begun(self) -> bool:
        """Whether points stand that wait for more."""
        return bool(self._points)

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if view.plane is None:
            return Refused(NOT_IN_3D)
        if self._normal is not None and not _same(self._normal, normal_of(view)):
            self.cancel()
        point = lps_of(view, at)
        if point is None:
            return Refused(NOT_IN_3D)
        self._normal = normal_of(view)
        self._pressed = at
        self._points.append(point)
        return self._show(point)

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if not self._points or view.plane is None:
            return None
        point = lps_of(view, at)
        return None if point is None else self._show(point)

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        pressed, self._pressed = self._pressed, None
        if not self._points or view.plane is None or pressed is None:
            return None
        if len(self._points) < self.count and _far(view, pressed, at):
            point = lps_of(view, at)
            if point is not None:
                self._points.append(point)
        if len(self._points) < self.count:
            return None
        points, normal = tuple(self._points[: self.count]), self._normal
        self.cancel()
        return Measure(self.kind, points, normal)

    def cancel(self) -> None:
        self._points = []
        self._normal = None
        self._pressed = None

    def _show(self, point: Vector) -> Preview:
        points = self._points if self._points[-1] == point else [*self._points, point]
        return Preview(self.kind, tuple(points[: self.count]))


class LengthTool(PointsTool):
    """Two points."""

    name = "length"
    kind = "length"
    count = 2


class AngleTool(PointsTool):
    """Three points; the second is the corner."""

    name = "angle"
    kind = "angle"
    count = 3


def _same(a: Vector, b: Vector | None) -> bool:
    return b is not None and sum(x * y for x, y in zip(a, b, strict=True)) > 0.9999


def _far(view: View, a: Pointer, b: Pointer) -> bool:
    return max(abs(a.x - b.x), abs(a.y - b.y)) > _CLICK * view.scale


def on_plane(view: View, points: tuple[Vector, ...], within_mm: float = 2.0) -> bool:
    """Whether all points lie on the plane of the view to within some millimetres."""
    if view.plane is None:
        return False
    n = normal_of(view)
    assert n is not None
    c = view.plane.centre_lps_mm
    return all(abs(sum((p[k] - c[k]) * n[k] for k in range(3))) <= within_mm for p in points)


__all__ = ["NOT_IN_3D", "AngleTool", "LengthTool", "PointsTool", "on_plane", "pixel_of"]
