"""Rotate, pan and zoom: the eye of a 3D picture, or the part of a plane that is seen."""

from __future__ import annotations

import math

import msgspec

from render import camera as cameras
from render.picture import Picture
from render.view import View
from workstation.window.tools.base import Cursor, Effect, Pointer, Refused, Steering, Turn, lps_of

_DEGREES_PER_POINT = 0.5
_ZOOM_PER_POINT = 0.006
_CLOSEST_MM, _FARTHEST_MM = 0.01, 10.0  # per pixel: beyond these nothing is seen of a patient


def panned(view: View, dx: float, dy: float) -> View:
    """What lies under the hand goes with the hand, by device pixels."""
    if view.plane is not None:
        plane, mm = view.plane, view.plane.mm_per_pixel
        centre = tuple(
            plane.centre_lps_mm[k] - (dx * plane.right_lps[k] + dy * plane.down_lps[k]) * mm for k in range(3)
        )
        return view.replace(plane=msgspec.structs.replace(plane, centre_lps_mm=centre))
    if view.camera is not None:
        return view.replace(camera=cameras.pan(view.camera, dx, dy, view.size))
    return view


def zoomed(view: View, factor: float, at: Pointer | None = None) -> View:
    """Enlarged; the point under `at` stays where it is (the middle without it)."""
    before = None if at is None else lps_of(view, at)
    if view.plane is not None:
        mm = min(_FARTHEST_MM, max(_CLOSEST_MM, view.plane.mm_per_pixel / factor))
        after = view.replace(plane=msgspec.structs.replace(view.plane, mm_per_pixel=mm))
    elif view.camera is not None:
        height = view.camera.height_mm / factor
        if not _CLOSEST_MM < height / view.size[1] < _FARTHEST_MM:
            return view
        after = view.replace(camera=cameras.zoom(view.camera, factor))
    else:
        return view
    if before is None or at is None:
        return after
    now = lps_of(after, at)
    if now is None:
        return after
    move = tuple(before[k] - now[k] for k in range(3))
    if after.plane is not None:
        centre = tuple(after.plane.centre_lps_mm[k] + move[k] for k in range(3))
        return after.replace(plane=msgspec.structs.replace(after.plane, centre_lps_mm=centre))
    assert after.camera is not None
    return after.replace(
        camera=msgspec.structs.replace(
            after.camera,
            position_lps_mm=tuple(after.camera.position_lps_mm[k] + move[k] for k in range(3)),
            focal_lps_mm=tuple(after.camera.focal_lps_mm[k] + move[k] for k in range(3)),
        )
    )


class _EyeTool:
    """A drag that gives one new view after another, from the view where it began."""

    name = ""
    cursor: Cursor = "arrow"

    def __init__(self) -> None:
        self._from: tuple[View, Pointer] | None = None
        self._last: View | None = None

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        self._from, self._last = (view, at), None
        return None

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if self._from is None:
            return None
        self._last = self._moved(self._from[0], self._from[1], at)
        return Turn(self._last, _what(self._last))

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        last = self._last
        self.cancel()
        return None if last is None else Turn(last, _what(last), done=True)

    def cancel(self) -> None:
        self._from = self._last = None

    def _moved(self, view: View, begin: Pointer, at: Pointer) -> View:
        raise NotImplementedError


def _what(view: View) -> Steering:
    return "plane" if view.is_plane else "camera"


class RotateTool(_EyeTool):
    """Turn the object under the hand: a turntable, or freely with Ctrl."""

    name = "rotate"
    cursor: Cursor = "rotate"

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if view.camera is None:
            return Refused("Planes are not rotated here; use the 3D pane.")
        return super().press(view, picture, at)

    def _moved(self, view: View, begin: Pointer, at: Pointer) -> View:
        if view.camera is None:
            return view
        step = _DEGREES_PER_POINT / max(view.scale, 0.1)
        turned = cameras.rotate(view.camera, (at.x - begin.x) * step, (at.y - begin.y) * step, trackball=at.ctrl)
        return view.replace(camera=turned)


class PanTool(_EyeTool):
    """Move the picture with the hand."""

    name = "pan"
    cursor: Cursor = "pan"

    def _moved(self, view: View, begin: Pointer, at: Pointer) -> View:
        return panned(view, at.x - begin.x, at.y - begin.y)


class ZoomTool(_EyeTool):
    """Up enlarges, about the point where the hand went down."""

    name = "zoom"
    cursor: Cursor = "zoom"

    def _moved(self, view: View, begin: Pointer, at: Pointer) -> View:
        factor = math.exp((begin.y - at.y) * _ZOOM_PER_POINT / max(view.scale, 0.1))
        return zoomed(view, factor, begin)
