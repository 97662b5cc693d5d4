"""Window by dragging: right is wider, down is brighter; one pixel is a 256th of the width, at least one unit."""

from __future__ import annotations

import msgspec

from render.picture import Picture
from render.view import View, Window
from workstation.window.tools.base import Cursor, Effect, Pointer, Refused, Turn


def dragged(window: Window, dx: float, dy: float) -> Window:
    """The window after a drag of (dx, dy) pixels at scale 1."""
    step = max(window.width / 256, 0.004 if window.width < 10 else 1.0)
    least = 1.0 if window.width >= 10 else 0.01
    width, center = max(least, window.width + dx * step), window.center - dy * step
    if window.width >= 10:  # whole units, as they are printed
        width, center = float(round(width)), float(round(center))
    return msgspec.structs.replace(window, width=width, center=center)


class WindowTool:
    """Left drag in a plane."""

    name = "window"
    cursor: Cursor = "window"

    def __init__(self) -> None:
        self._from: tuple[View, Pointer] | None = None
        self._last: View | None = None

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if view.window is None:
            return Refused("A volume rendering has no window; change its look, or choose MIP.")
        self._from, self._last = (view, at), view
        return None

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if self._from is None or self._from[0].window is None:
            return None
        start, begin = self._from
        assert start.window is not None
        scale = max(start.scale, 0.1)
        window = dragged(start.window, (at.x - begin.x) / scale, (at.y - begin.y) / scale)
        self._last = view.replace(window=window)
        return Turn(self._last, "window")

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        start, last = self._from, self._last
        self.cancel()
        if start is None or last is None or last.window == start[0].window:
            return None
        return Turn(view.replace(window=last.window), "window", done=True)

    def cancel(self) -> None:
        self._from = self._last = None
