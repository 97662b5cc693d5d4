"""The orientation cube under the hand: a click on a face turns the eye to that side."""

from __future__ import annotations

import numpy as np

from render import camera as cameras
from render.picture import Picture
from render.view import Camera, View
from workstation.window.tools.base import Cursor, Effect, Face, Pointer

_SEEN = 0.02


def face_at(camera: Camera, cube: tuple[float, float, float], x: float, y: float) -> str:
    """Letter of the cube's face under a pixel; "" beside the cube.

    Parameters
    ----------
    cube : its middle (x, y) and half its edge in pixels (see `Picture.cube`)
    """
    right, down, forward = cameras.axes(camera)
    at = np.array([(x - cube[0]) / cube[2], (y - cube[1]) / cube[2]])
    for letter, (to_eye, _) in cameras.STANDARD.items():
        n = np.array(to_eye)
        if -float(n @ forward) <= _SEEN:
            continue
        u, v = np.roll(np.abs(n), 1), np.roll(np.abs(n), 2)
        # the pixel's ray meets the face at n + a u + b v: two equations in the picture for a and b
        flat = np.array([[u @ right, v @ right], [u @ down, v @ down]])
        if abs(float(np.linalg.det(flat))) < 1e-6:
            continue
        a, b = np.linalg.solve(flat, at - np.array([n @ right, n @ down]))
        if abs(a) <= 1 and abs(b) <= 1:
            return letter
    return ""


class CubeTool:
    """Press and release on the same face."""

    name = "cube"
    cursor: Cursor = "arrow"

    def __init__(self, letter: str) -> None:
        self._letter = letter

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        return None

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        return None

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect:
        if picture is None or picture.cube is None or picture.view.camera is None:
            return None
        same = face_at(picture.view.camera, picture.cube, at.x, at.y) == self._letter
        return Face(self._letter) if same else None

    def cancel(self) -> None:
        self._letter = ""
