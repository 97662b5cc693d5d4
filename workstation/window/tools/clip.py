"""Clip: the cutting plane in hand is dragged along its normal in the 3D picture; with Ctrl it is tilted."""

from __future__ import annotations

import msgspec
import numpy as np

from render import camera as cameras
from render import planes
from render.picture import Picture
from render.view import View
from workstation.window.tools.base import Cursor, Effect, Pointer, Refused, Turn

_FLAT = 0.35  # share of the normal in the picture below which the hand moves the plane by up and down
_DEGREES_PER_POINT = 0.4


class ClipTool:
    """Drag moves, Ctrl with drag tilts.

    Parameters
    ----------
    place : which of the view's cutting planes is in the hand
    """

    name = "clip"
    cursor: Cursor = "move"

    def __init__(self, place: int) -> None:
        self._place = place
        self._from: tuple[View, Pointer] | None = None
        self._last: View | None = None

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if view.camera is None or self._place >= len(view.clips):
            return Refused("There is no cutting plane yet; add one along the view first.")
        self._from, self._last = (view, at), None
        return None

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if self._from is None:
            return None
        self._last = moved(*self._from, at, self._place)
        return Turn(self._last, "crop")

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        last = self._last
        self.cancel()
        return None if last is None else Turn(last, "crop", done=True)

    def cancel(self) -> None:
        self._from = self._last = None


def moved(view: View, begin: Pointer, at: Pointer, place: int) -> View:
    """The view with one cutting plane moved (or, with Ctrl, tilted) as the hand went.

    A plane whose normal is seen follows the hand along it; one that is looked at face on goes deeper when the hand
    goes up.
    """
    camera = view.camera
    assert camera is not None
    clip = view.clips[place]
    right, down, forward = cameras.axes(camera)
    n = np.array(clip.normal_lps) / max(float(np.linalg.norm(clip.normal_lps)), 1e-12)
    dx, dy = at.x - begin.x, at.y - begin.y
    if at.ctrl:
        step = _DEGREES_PER_POINT / max(view.scale, 0.1)
        turn = planes.rotation(-down, dx * step) @ planes.rotation(right, -dy * step)
        changed = msgspec.structs.replace(clip, normal_lps=planes.vector(turn @ n))
    else:
        mm = cameras.mm_per_pixel(camera, view.size)
        seen = np.array([float(n @ right), float(n @ down)])
        size = float(np.linalg.norm(seen))
        if size > _FLAT:
            along = float(np.array([dx, dy]) @ seen) / size**2 * mm
        else:
            along = -dy * mm * (1.0 if float(n @ forward) >= 0 else -1.0)
        changed = msgspec.structs.replace(clip, point_lps_mm=planes.vector(np.array(clip.point_lps_mm) + along * n))
    return view.replace(clips=(*view.clips[:place], changed, *view.clips[place + 1 :]))
