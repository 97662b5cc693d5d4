"""What tools get and give: a pointer over a picture, and effects that the window carries out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from render import camera as cameras
from render import planes
from render.picture import Picture
from render.view import Vector, View

Steering = Literal["camera", "look", "crop", "threshold", "window", "measure", "plane"]
Cursor = Literal["arrow", "cross", "window", "rotate", "pan", "zoom", "move", "across", "along", "falling", "rising"]


@dataclass(frozen=True)
class Pointer:
    """Where the hand is, in the picture's device pixels (centre of the top left pixel = 0, 0)."""

    x: float
    y: float
    shift: bool = False
    ctrl: bool = False
    alt: bool = False
    time_s: float = 0.0


@dataclass(frozen=True)
class Turn:
    """The pane's view becomes this one; `done` when the hand lets go (then it counts, and can be undone)."""

    view: View
    what: Steering
    done: bool = False


@dataclass(frozen=True)
class Cross:
    """The crosshair moves to this point (LPS mm)."""

    point_lps_mm: Vector


@dataclass(frozen=True)
class Tilt:
    """These planes turn about the crosshair by so many degrees in all since the hand took hold (right-handed)."""

    planes: tuple[str, ...]
    axis_lps: Vector
    degrees: float
    done: bool = False


@dataclass(frozen=True)
class Preview:
    """A measurement that is being drawn: nothing of it is kept."""

    kind: str
    points_lps_mm: tuple[Vector, ...]


@dataclass(frozen=True)
class Measure:
    """A measurement to make, with the plane that it was drawn on."""

    kind: str
    points_lps_mm: tuple[Vector, ...]
    plane_normal_lps: Vector | None = None


@dataclass(frozen=True)
class Region:
    """A box that is being drawn (`done` False) or set as crop: two opposite corners in the plane, LPS mm."""

    corners_lps_mm: tuple[Vector, Vector]
    normal_lps: Vector
    done: bool = False


@dataclass(frozen=True)
class Face:
    """A face of the orientation cube was clicked: the eye goes to that side (A, P, L, R, S or I)."""

    letter: str


@dataclass(frozen=True)
class Refused:
    """Why nothing happens, in one sentence."""

    sentence: str


Effect = Turn | Cross | Tilt | Preview | Measure | Region | Face | Refused | None


class Tool(Protocol):
    """A tool lives from press to release; some (angle) over several presses."""

    name: str
    cursor: Cursor

    def press(self, view: View, picture: Picture | None, at: Pointer) -> Effect: ...

    def move(self, view: View, picture: Picture | None, at: Pointer) -> Effect: ...

    def release(self, view: View, picture: Picture | None, at: Pointer) -> Effect: ...

    def cancel(self) -> None: ...


def lps_of(view: View, at: Pointer) -> Vector | None:
    """The patient point under the pointer: on the plane, or on the plane through the focal point of a parallel eye."""
    x, y = at.x - (view.size[0] - 1) / 2, at.y - (view.size[1] - 1) / 2
    if view.plane is not None:
        right, down, mm = view.plane.right_lps, view.plane.down_lps, view.plane.mm_per_pixel
        middle = view.plane.centre_lps_mm
    elif view.camera is not None and view.camera.parallel:
        r, d, _ = cameras.axes(view.camera)
        right, down, mm = planes.vector(r), planes.vector(d), cameras.mm_per_pixel(view.camera, view.size)
        middle = view.camera.focal_lps_mm
    else:
        return None
    return (
        middle[0] + (x * right[0] + y * down[0]) * mm,
        middle[1] + (x * right[1] + y * down[1]) * mm,
        middle[2] + (x * right[2] + y * down[2]) * mm,
    )


def pixel_of(view: View, point: Vector) -> tuple[float, float] | None:
    """Where a patient point stands in the picture of this view, by orthogonal projection; None in perspective."""
    if view.plane is not None:
        d = [point[k] - view.plane.centre_lps_mm[k] for k in range(3)]
        mm = view.plane.mm_per_pixel
        x = sum(d[k] * view.plane.right_lps[k] for k in range(3)) / mm
        y = sum(d[k] * view.plane.down_lps[k] for k in range(3)) / mm
        return x + (view.size[0] - 1) / 2, y + (view.size[1] - 1) / 2
    if view.camera is not None:
        x, y, depth = cameras.project(view.camera, view.size, [point])[0]
        return (float(x), float(y)) if depth > 0 else None
    return None


def normal_of(view: View) -> Vector | None:
    """Normal of the picture's plane, away from the viewer."""
    return None if view.plane is None else planes.vector(planes.normal(view.plane))
