"""The crosshair under the hand: its centre moves the point, one of its lines moves that line's plane."""

from __future__ import annotations

from typing import Literal

from render.picture import Picture
from render.view import Vector, View
from workstation.window.tools.base import Cross, Cursor, Effect, Pointer, lps_of, pixel_of

Part = Literal["", "centre", "upright", "level"]
_NEAR = 6.0
_CENTRE = 12.0


def part_at(view: View, point: Vector, at: Pointer) -> Part:
    """Which part of the crosshair lies under the pointer."""
    place = pixel_of(view, point)
    if place is None or view.plane is None:
        return ""
    dx, dy = abs(at.x - place[0]) / view.scale, abs(at.y - place[1]) / view.scale
    if dx <= _CENTRE and dy <= _CENTRE:
        return "centre"
    if dx <= _NEAR:
        return "upright"
    return "level" if dy <= _NEAR else ""


class CrossTool:
    """Moves the point to the hand; with a line grabbed, along one direction only."""

    name = "crosshair"
    cursor: Cursor = "move"

    def __init__(self, point: Vector, part: Part = "centre") -> None:
        self._point = point
        self._part = part
        self._held = False

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        self._held = True
        return self._to(view, at)

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        return self._to(view, at) if self._held else None

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        effect = self._to(view, at) if self._held else None
        self._held = False
        return effect

    def cancel(self) -> None:
        self._held = False

    def _to(self, view: View, at: Pointer) -> Effect:
        place = pixel_of(view, self._point)
        if place is None or view.plane is None:
            return None
        x = place[0] if self._part == "level" else at.x
        y = place[1] if self._part == "upright" else at.y
        point = lps_of(view, Pointer(x, y))
        return None if point is None else Cross(point)
