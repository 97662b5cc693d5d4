"""Whether a recipe can be drawn: what would give no picture, a wrong one, or none for hours, is refused first."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from render.errors import RenderError

if TYPE_CHECKING:
    from render.view import Camera, Look, Plane, Vector, View

_LARGEST, _MOST = 16384, 1 << 26  # pixels on a side, and of a picture: 67 million, four times 4096 x 4096
_FAR_MM = 1e7
_THICKEST_MM = 2000.0
_SHORTEST = 1e-3  # of the smallest voxel edge: a step below it makes a picture of hours


def check(view: View, smallest_mm: float) -> None:
    """Refuse a view that cannot be drawn.

    Parameters
    ----------
    smallest_mm : the volume's smallest voxel edge

    Raises
    ------
    RenderError
        codes ``size``, ``camera``, ``recipe``
    """
    width, height = view.size
    if not (16 <= width <= _LARGEST and 16 <= height <= _LARGEST):
        raise RenderError("size", f"A picture is 16 to {_LARGEST} pixels wide and high, not {width} x {height}.")
    if width * height > _MOST:
        raise RenderError("size", f"A picture has at most {_MOST // 1_000_000} million pixels, not {width} x {height}.")
    if not _finite(view):
        raise RenderError("recipe", "The recipe of the picture holds something that is no number.")
    if not 0.1 <= view.scale <= 16:
        raise RenderError("recipe", "Texts of a picture are drawn at a tenth to sixteen times their size.")
    if view.step_mm is not None and not view.step_mm >= _SHORTEST * smallest_mm:
        raise RenderError("recipe", "The distance of the samples in this view is too small.")
    if view.slab is not None and not 0 <= view.slab.thickness_mm <= _THICKEST_MM:
        raise RenderError("recipe", f"A slab is 0 to {_THICKEST_MM:.0f} mm thick.")
    if view.crop is not None and any(
        a > b for a, b in zip(view.crop.low_lps_mm, view.crop.high_lps_mm, strict=True)
    ):  # fmt: skip
        raise RenderError("recipe", "The crop box of this view ends before it begins.")
    if view.camera is not None:
        _camera(view.camera)
    if view.plane is not None:
        _plane(view.plane)
    if view.look is not None:
        _look(view.look)


def _camera(camera: Camera) -> None:
    from render.camera import axes

    axes(camera)
    _near(camera.position_lps_mm, camera.focal_lps_mm)
    if camera.parallel and not camera.height_mm > 1e-6:
        raise RenderError("camera", "The camera of this view sees a field without height.")
    if not camera.parallel and not 0.01 <= camera.angle_deg <= 175:
        raise RenderError("camera", "A camera's opening angle is above 0 and at most 175 degrees.")


def _plane(plane: Plane) -> None:
    right, down = plane.right_lps, plane.down_lps
    lengths = (math.hypot(*right), math.hypot(*down))
    across = sum(a * b for a, b in zip(right, down, strict=True))
    if any(abs(length - 1) > 0.01 for length in lengths) or abs(across) > 0.01:
        raise RenderError("recipe", "The directions of this plane are not two of length 1 at right angles.")
    if not plane.mm_per_pixel > 1e-6:
        raise RenderError("recipe", "A pixel of a plane is wider than 0 mm.")
    _near(plane.centre_lps_mm)


def _near(*points: Vector) -> None:
    if any(abs(x) > _FAR_MM for point in points for x in point):
        raise RenderError("camera", "This view stands more than 10 km from the patient.")


def _look(look: Look) -> None:
    for curve in ([x for x, _ in look.opacity], [x for x, _ in look.colour]):
        if not curve or any(b <= a for a, b in pairwise(curve)):
            raise RenderError("recipe", "The look of this view needs opacities and colours at rising values.")
    if any(b <= a for (a, _), (b, _) in pairwise(look.gradient)):
        raise RenderError("recipe", "The gradients of this look do not rise.")


def _finite(part: object) -> bool:
    if isinstance(part, float):
        return math.isfinite(part)
    if isinstance(part, tuple):
        return all(_finite(value) for value in part)
    if isinstance(part, msgspec.Struct):
        return all(_finite(getattr(part, name)) for name in part.__struct_fields__)
    return True
