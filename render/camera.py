"""Eyes of 3D pictures: the six standard ones, turning, zooming, and the letters at the picture's edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from render import geometry, places, planes
from render.errors import RenderError
from render.kept import per_volume
from render.view import Camera, Vector, Within

if TYPE_CHECKING:
    from render.volume import Volume

# name -> (direction from the object to the eye, up), LPS
STANDARD: dict[str, tuple[Vector, Vector]] = {
    "A": ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
    "P": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "L": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "R": ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "S": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "I": ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0)),
}
# findings of a volume with which no side may be written at an edge, and no millimetre on a bar
NO_SIDES = frozenset({"orientation_invalid", "no_sides", "geometry_missing", "quadruped"})
NO_MILLIMETRES = frozenset({"spacing_unknown", "geometry_missing"})
_MARGIN = 1.06
_DISTANCE = 2.0  # eye's distance in diameters of the object, parallel projection (only its direction matters there)

Floats = npt.NDArray[np.float64]


def axes(camera: Camera) -> tuple[Floats, Floats, Floats]:
    """Unit vectors (right, down, forward) of the picture in LPS.

    Raises
    ------
    RenderError
        code ``camera``: the eye stands in its own focal point, or looks along its up vector.
    """
    forward = np.array(camera.focal_lps_mm, dtype=np.float64) - np.array(camera.position_lps_mm)
    distance = float(np.linalg.norm(forward))
    right = np.cross(forward, np.array(camera.up_lps, dtype=np.float64))
    if distance < 1e-9 or float(np.linalg.norm(right)) < 1e-9 * distance or not np.isfinite(forward).all():
        raise RenderError("camera", "The camera of this view looks nowhere.")
    forward /= distance
    right /= np.linalg.norm(right)
    return right, np.cross(forward, right), forward


@per_volume
def object_box(volume: Volume, threshold: float | None = None, within: Within = "") -> tuple[Vector, Vector]:
    """LPS box of the object, (low, high): where values lie above `threshold`, or of the organ that alone is shown.

    Without one: CT above -300 HU (body without air), else above the foreground's threshold. Looked at on every
    fourth voxel; a layer counts from a thousandth of its voxels on, so that specks and noise do not widen it (of slight
    things, as ducts are, from a hundredth of what the fullest layer holds).
    """
    from render import tones

    if threshold is None:
        threshold = -300.0 if volume.units == "HU" else float(np.min(tones.foreground(volume), initial=np.inf))
    step = tuple(max(1, min(4, n // 32)) for n in volume.geometry.shape)
    seen = volume.voxels[:: step[0], :: step[1], :: step[2]] > threshold
    if volume.padding is not None:
        part = volume.voxels[:: step[0], :: step[1], :: step[2]]
        seen &= (part < volume.padding[0]) | (part > volume.padding[1])
    if within in {"lungs", "airways", "brain"}:
        seen = _kept(volume, within, step, seen)
    ends = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        share = seen.mean(axis=others)
        there = np.flatnonzero(share > min(0.001, float(share.max()) / 100))
        top = volume.geometry.shape[axis] - 1
        if len(there):
            ends.append((max(0, int(there[0]) * step[axis] - 1), min(top, int(there[-1] + 1) * step[axis])))
        else:
            ends.append((0, top))
    corners = places.to_lps(volume, [(k, r, c) for k in ends[0] for r in ends[1] for c in ends[2]])
    return planes.vector(corners.min(axis=0)), planes.vector(corners.max(axis=0))


def _kept(volume: Volume, within: Within, step: tuple[int, ...], seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    from render.caster import within as masks

    mask, scale = masks.mask(volume, within)
    if mask.size == 1:
        return seen
    at = [
        np.minimum(np.rint(np.arange(n) * s * f).astype(int), m - 1)
        for n, s, f, m in zip(seen.shape, step, scale, mask.shape, strict=True)
    ]
    return np.asarray(mask[np.ix_(*at)] > 127)


def standard(
    volume: Volume,
    name: str,
    size: tuple[int, int],
    zoom: float = 1.0,
    *,
    threshold: float | None = None,
    parallel: bool = True,
    angle_deg: float = 30.0,
    within: Within = "",
) -> Camera:
    """One of the six views, framed on the object.

    Parameters
    ----------
    name : where the eye stands: ``A``, ``P``, ``L``, ``R`` (head up), ``S``, ``I`` (anterior up).
        From above (S) the patient's right is on the right of the picture.
    size : (width, height) pixels
    threshold : value from which voxels belong to what is to be framed; chosen by the volume without it
    within : as in the look: only what lies inside is framed
    """
    if name not in STANDARD:
        raise RenderError("camera", f"There is no view {name}; there are {', '.join(STANDARD)}.")
    to_eye, up = STANDARD[name]
    low, high = (np.array(v) for v in object_box(volume, threshold, within))
    centre = (low + high) / 2
    diameter = max(float(np.linalg.norm(high - low)), 1.0)
    eye = Camera(
        position_lps_mm=planes.vector(centre + np.array(to_eye) * diameter * _DISTANCE),
        focal_lps_mm=planes.vector(centre),
        up_lps=up,
        parallel=parallel,
        angle_deg=angle_deg,
    )
    right, down, forward = axes(eye)
    corners = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * (high - low) + low - centre
    wide, tall = 2 * np.abs(corners @ right).max(), 2 * np.abs(corners @ down).max()
    height = max(float(tall), float(wide) * size[1] / size[0], 1.0) * _MARGIN / zoom
    if parallel:
        return _with(eye, height_mm=height)
    # the nearest face of the box must fit into the opening angle
    away = height / 2 / np.tan(np.radians(angle_deg) / 2) + float(np.abs(corners @ forward).max())
    return _with(eye, position_lps_mm=planes.vector(centre - forward * away), height_mm=height)


def _with(camera: Camera, **changes: object) -> Camera:
    import msgspec

    return msgspec.structs.replace(camera, **changes)


def rotate(camera: Camera, dx_deg: float, dy_deg: float, *, trackball: bool = False) -> Camera:
    """Turn the object under the hand: `dx_deg` to the right, `dy_deg` downwards.

    A turntable: the head stays up. With `trackball` the object turns about the picture's own axes.
    """
    right, down, forward = axes(camera)
    focal = np.array(camera.focal_lps_mm)
    offset = np.array(camera.position_lps_mm) - focal
    if trackball:
        turn = planes.rotation(-down, -dx_deg) @ planes.rotation(right, -dy_deg)
        return _with(camera, position_lps_mm=planes.vector(focal + turn @ offset), up_lps=planes.vector(turn @ -down))
    # elevation first, about the picture's horizontal, never beyond the poles; then about the body's long axis
    elevation = float(np.degrees(np.arcsin(np.clip(-forward[2], -1, 1))))
    rise = dy_deg
    if float(-down[2]) > -1e-9:  # upside down (by trackball) there is no pole to stop at
        rise = float(np.clip(elevation + dy_deg, -90.0, 90.0)) - elevation
    turn = planes.rotation((0, 0, 1), -dx_deg) @ planes.rotation(right, -rise)
    return _with(camera, position_lps_mm=planes.vector(focal + turn @ offset), up_lps=planes.vector(turn @ -down))


def facing(camera: Camera, name: str) -> Camera:
    """The same focal point and scale, seen from one of the six standard places."""
    if name not in STANDARD:
        raise RenderError("camera", f"There is no view {name}; there are {', '.join(STANDARD)}.")
    to_eye, up = STANDARD[name]
    focal = np.array(camera.focal_lps_mm)
    away = float(np.linalg.norm(np.array(camera.position_lps_mm) - focal))
    return _with(camera, position_lps_mm=planes.vector(focal + away * np.array(to_eye)), up_lps=up)


def between(start: Camera, end: Camera, share: float) -> Camera:
    """An eye on the way from one to another about the same focal point, by turning; `share` 0 to 1."""
    if share >= 1:
        return end
    a, b = np.stack(axes(start)), np.stack(axes(end))
    turn = b.T @ a  # carries the first eye's axes onto the second's
    cosine = float(np.clip((np.trace(turn) - 1) / 2, -1, 1))
    if cosine > 1 - 1e-12:
        return end
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    if float(np.linalg.norm(axis)) < 1e-6:  # half a turn: about the axis that it leaves alone
        axis = (turn + np.eye(3))[:, int(np.argmax(np.diag(turn)))]
    part = planes.rotation(axis, float(np.degrees(np.arccos(cosine))) * share)
    focal = np.array(start.focal_lps_mm)
    offset = np.array(start.position_lps_mm) - focal
    return _with(
        start, position_lps_mm=planes.vector(focal + part @ offset), up_lps=planes.vector(part @ -axes(start)[1])
    )


def zoom(camera: Camera, factor: float) -> Camera:
    """Enlarge by a factor; in perspective the eye goes nearer."""
    if camera.parallel:
        return _with(camera, height_mm=camera.height_mm / factor)
    focal = np.array(camera.focal_lps_mm)
    return _with(
        camera,
        position_lps_mm=planes.vector(focal + (np.array(camera.position_lps_mm) - focal) / factor),
        height_mm=camera.height_mm / factor,
    )


def pan(camera: Camera, dx_px: float, dy_px: float, size: tuple[int, int]) -> Camera:
    """Move the object with the hand, by pixels of a picture of this size."""
    right, down, _ = axes(camera)
    scale = mm_per_pixel(camera, size)
    move = -(dx_px * right + dy_px * down) * scale
    return _with(
        camera,
        position_lps_mm=planes.vector(np.array(camera.position_lps_mm) + move),
        focal_lps_mm=planes.vector(np.array(camera.focal_lps_mm) + move),
    )


def mm_per_pixel(camera: Camera, size: tuple[int, int]) -> float:
    """Millimetres per pixel at the focal point."""
    if camera.parallel:
        return camera.height_mm / size[1]
    distance = float(np.linalg.norm(np.array(camera.focal_lps_mm) - np.array(camera.position_lps_mm)))
    return float(2 * distance * np.tan(np.radians(camera.angle_deg) / 2) / size[1])


def project(camera: Camera, size: tuple[int, int], points_lps_mm: npt.ArrayLike) -> Floats:
    """LPS points (N, 3) to (N, 3): x and y in pixels (centre of the top left pixel is 0, 0), depth in mm."""
    right, down, forward = axes(camera)
    p = np.asarray(points_lps_mm, dtype=np.float64).reshape(-1, 3) - np.array(camera.position_lps_mm)
    depth = p @ forward
    x, y = p @ right, p @ down
    if camera.parallel:
        scale: float | Floats = size[1] / camera.height_mm
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = size[1] / (2 * np.tan(np.radians(camera.angle_deg) / 2) * np.where(depth > 1e-6, depth, np.nan))
    return np.stack([x * scale + (size[0] - 1) / 2, y * scale + (size[1] - 1) / 2, depth], axis=1)


def letters(
    right_lps: npt.ArrayLike, down_lps: npt.ArrayLike, *, feet: str = "F", head: str = "H"
) -> tuple[str, str, str, str]:
    """Letters at the (left, right, top, bottom) edges of a picture with these axes."""
    right, down = np.asarray(right_lps, dtype=np.float64), np.asarray(down_lps, dtype=np.float64)
    return (
        geometry.letters(-right, feet=feet, head=head),
        geometry.letters(right, feet=feet, head=head),
        geometry.letters(-down, feet=feet, head=head),
        geometry.letters(down, feet=feet, head=head),
    )


def angles(camera: Camera) -> str:
    """Where the eye stands, as the angiographer says it: ``LAO 30 CRA 10``.

    Degrees from anterior towards the patient's left (LAO) or right (RAO), beyond 90 LPO and RPO counted from
    posterior; then towards the head (CRA) or feet (CAU). Rounded to whole degrees; zero parts are left out.
    """
    _, _, forward = axes(camera)
    x, y, z = -forward
    rise = round(float(np.degrees(np.arcsin(np.clip(z, -1, 1)))))
    words = []
    if abs(rise) < 90:
        side = round(float(np.degrees(np.arctan2(x, -y))))
        if side in {0, 180, -180}:
            words.append("AP" if side == 0 else "PA")
        elif abs(side) == 90:
            words.append("LEFT LATERAL" if side > 0 else "RIGHT LATERAL")
        elif abs(side) < 90:
            words.append(f"{'LAO' if side > 0 else 'RAO'} {abs(side)}")
        else:
            words.append(f"{'LPO' if side > 0 else 'RPO'} {180 - abs(side)}")
    if rise:
        words.append(f"{'CRA' if rise > 0 else 'CAU'} {abs(rise)}")
    return " ".join(words)
