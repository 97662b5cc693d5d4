"""The crosshair under the hand: its centre moves the point, a line its plane; a line's outer third turns planes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from render.picture import Picture
from render.view import Vector, View
from workstation.window.models.oblique import Line
from workstation.window.tools.base import Cross, Cursor, Effect, Pointer, Tilt, lps_of, normal_of, pixel_of

_NEAR = 6.0
_CENTRE = 12.0
_OUTER = 2 / 3
_LEAST_ARM = 36.0  # points: nearer to the crossing no part of a line turns anything, whatever the pane's size
EDGE = 26.0
"""The letters stand at the edges: no line runs through them."""
_STEP = 15.0


@dataclass(frozen=True)
class Grip:
    """What of the crosshair lies under the pointer; `line` where it is a line, `other` the one that crosses it."""

    part: Literal["centre", "line", "turn"]
    line: Line | None = None
    other: Line | None = None


def arm(view: View, place: tuple[float, float], direction: tuple[float, float]) -> float:
    """How far a line runs from the crossing in a direction, device pixels; 0 where it leaves at once."""
    edge = EDGE * view.scale
    reach = math.inf
    for at, step, size in zip(place, direction, view.size, strict=True):
        if abs(step) > 1e-9:
            reach = min(reach, ((size - 1 - edge if step > 0 else edge) - at) / step)
    return max(0.0, reach) if math.isfinite(reach) else 0.0


def turns_from(view: View, place: tuple[float, float], direction: tuple[float, float]) -> float:
    """From which distance from the crossing a line turns planes, device pixels: its outer third."""
    return max(_LEAST_ARM * view.scale, _OUTER * arm(view, place, direction))


def grip_at(view: View, point: Vector, at: Pointer, lines: tuple[Line, ...]) -> Grip | None:
    """Which part of the crosshair lies under the pointer."""
    place = pixel_of(view, point)
    if place is None or view.plane is None:
        return None
    dx, dy = at.x - place[0], at.y - place[1]
    if max(abs(dx), abs(dy)) <= _CENTRE * view.scale:
        return Grip("centre")
    near = [(abs(dx * line.direction[1] - dy * line.direction[0]), line) for line in lines]
    near = [one for one in near if one[0] <= _NEAR * view.scale]
    if not near:
        return None
    line = min(near, key=lambda one: one[0])[1]
    other = next((one for one in lines if one is not line), None)
    along = dx * line.direction[0] + dy * line.direction[1]
    sign = 1.0 if along > 0 else -1.0
    outer = abs(along) >= turns_from(view, place, (sign * line.direction[0], sign * line.direction[1]))
    return Grip("turn" if outer else "line", line, other)


class CrossTool:
    """Moves the point to the hand; with a line grabbed, so that this line comes under the hand and the other stays."""

    name = "crosshair"
    cursor: Cursor = "move"

    def __init__(self, point: Vector, grip: Grip | None = None) -> None:
        self._point = point
        self._grip = grip or Grip("centre")
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
        x, y = at.x, at.y
        line, other = self._grip.line, self._grip.other
        if line is not None:
            # along the line that crosses it, so that the plane of that one stays; without one, square to itself
            ex, ey = other.direction if other is not None else (-line.direction[1], line.direction[0])
            dx, dy = line.direction
            across = ex * dy - ey * dx
            share = ((at.x - place[0]) * dy - (at.y - place[1]) * dx) / across if abs(across) > 1e-6 else 0.0
            x, y = place[0] + share * ex, place[1] + share * ey
        point = lps_of(view, Pointer(x, y))
        return None if point is None else Cross(point)


class TurnTool:
    """Turns the two other planes about the point and the normal of this one.

    With Shift the line in hand goes to whole steps of 15 degrees; with Alt it turns alone, not square to the other.

    Parameters
    ----------
    point : the crosshair, LPS mm
    line : the line in hand
    others : names of the planes that turn, the line's own among them
    """

    name = "turn"
    cursor: Cursor = "rotate"

    def __init__(self, point: Vector, line: Line, others: tuple[str, ...]) -> None:
        self._point = point
        self._line = line
        self._others = others
        self._began: float | None = None
        self._moved = False

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        self._began = self._angle(view, at)
        self._moved = False
        return None

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        return self._to(view, at, done=False)

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        effect = self._to(view, at, done=True)
        self.cancel()
        return effect

    def cancel(self) -> None:
        self._began = None

    def _angle(self, view: View, at: Pointer) -> float | None:
        """Of the pointer about the crossing, degrees from the picture's right towards its foot."""
        place = pixel_of(view, self._point)
        if place is None or (at.x == place[0] and at.y == place[1]):
            return None
        return math.degrees(math.atan2(at.y - place[1], at.x - place[0]))

    def _to(self, view: View, at: Pointer, *, done: bool) -> Effect:
        now, normal = self._angle(view, at), normal_of(view)
        if self._began is None or now is None or normal is None:
            return None
        degrees = math.remainder(now - self._began, 360.0)
        if at.shift:
            began = math.degrees(math.atan2(self._line.direction[1], self._line.direction[0]))
            degrees = round((began + degrees) / _STEP) * _STEP - began
        self._moved = self._moved or degrees != 0
        if not self._moved:
            return None
        names = (self._line.plane,) if at.alt else self._others
        # right x down is the normal: a positive turn about it leads from the picture's right to its foot
        return Tilt(names, normal, degrees, done)
