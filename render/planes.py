"""Planes through the patient: the three standard ones, scrolling, turning, and sampling them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from render import places, tones
from render.view import Plane, Slab, Vector, Window

if TYPE_CHECKING:
    from render.volume import Volume

# right and down of the picture in the patient (LPS): axial seen from the feet, coronal from the front,
# sagittal from the patient's left; so the patient's right is on the viewer's left, anterior on the left
STANDARD: dict[str, tuple[Vector, Vector]] = {
    "axial": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "coronal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "sagittal": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}
_MARGIN = 1.02
_SAMPLES = 200_000  # of a slab that are taken between two looks at the stop signal


def vector(v: npt.ArrayLike) -> Vector:
    """Three floats as the tuple that views hold."""
    a = np.asarray(v, dtype=np.float64)
    return (float(a[0]), float(a[1]), float(a[2]))


def normal(plane: Plane) -> npt.NDArray[np.float64]:
    """Unit vector away from the viewer: right x down."""
    n = np.cross(plane.right_lps, plane.down_lps)
    return np.asarray(n / np.linalg.norm(n), dtype=np.float64)


def _outline(volume: Volume) -> npt.NDArray[np.float64]:
    """Outer corners of the grid, (8, 3) LPS mm: half a voxel beyond the outer centres, so one slice has a width."""
    ends = [(-0.5, n - 0.5) for n in volume.geometry.shape]
    corners = [(k, r, c) for k in ends[0] for r in ends[1] for c in ends[2]]
    return places.to_lps(volume, corners)


def fit(volume: Volume, plane: Plane, size: tuple[int, int]) -> Plane:
    """The same plane, moved within itself and scaled so that the whole volume's outline is in the picture.

    Parameters
    ----------
    size : (width, height) pixels
    """
    right, down = np.array(plane.right_lps), np.array(plane.down_lps)
    corners = _outline(volume)
    x, y = corners @ right, corners @ down
    n = normal(plane)
    centre = (x.min() + x.max()) / 2 * right + (y.min() + y.max()) / 2 * down
    centre = centre + (float(np.array(plane.centre_lps_mm) @ n) - float(centre @ n)) * n
    scale = max(float(np.ptp(x)) / size[0], float(np.ptp(y)) / size[1]) * _MARGIN
    return Plane(centre_lps_mm=vector(centre), right_lps=plane.right_lps, down_lps=plane.down_lps, mm_per_pixel=scale)


def standard(
    volume: Volume,
    name: str,
    at_lps: Vector | None = None,
    size: tuple[int, int] = (512, 512),
    mm_per_pixel: float | None = None,
) -> Plane:
    """A radiological plane through a point, framed on the volume.

    Parameters
    ----------
    name : ``"axial"`` (right = L, down = P), ``"coronal"`` (L, F) or ``"sagittal"`` (P, F)
    at_lps : point that the plane goes through; the volume's centre without it
    size : (width, height) pixels
    mm_per_pixel : scale; without it the whole volume fits
    """
    right, down = STANDARD[name]
    at = vector(volume.geometry.centre_lps_mm) if at_lps is None else at_lps
    plane = fit(volume, Plane(centre_lps_mm=at, right_lps=right, down_lps=down, mm_per_pixel=1.0), size)
    if mm_per_pixel is not None:
        plane = Plane(
            centre_lps_mm=plane.centre_lps_mm, right_lps=right, down_lps=down, mm_per_pixel=float(mm_per_pixel)
        )
    return plane


def through(plane: Plane, at: Vector) -> Plane:
    """The parallel plane through a point; what stands in the middle of the picture stays there."""
    n = normal(plane)
    return scroll(plane, float((np.array(at) - np.array(plane.centre_lps_mm)) @ n))


def centred(plane: Plane, at: Vector) -> Plane:
    """The parallel plane with this point in the middle of the picture."""
    return Plane(centre_lps_mm=at, right_lps=plane.right_lps, down_lps=plane.down_lps, mm_per_pixel=plane.mm_per_pixel)


def scroll(plane: Plane, mm: float) -> Plane:
    """The plane `mm` further away from the viewer (axial: towards the head)."""
    return centred(plane, vector(np.array(plane.centre_lps_mm) + mm * normal(plane)))


def step_mm(volume: Volume, plane: Plane) -> float:
    """Scroll step: the shortest way along the normal to the next layer of voxels of any axis."""
    m = volume.geometry.affine_lps[:3, :3]
    lengths = np.linalg.norm(m, axis=0)
    n = normal(plane)
    if not volume.geometry.is_regular:  # layers of slices lie apart by their distance along the slices' normal
        along = abs(float(n @ volume.geometry.normal_lps))
        if along > 0.999:
            return volume.geometry.spacing_mm[0]
    share = np.abs(n @ (m / lengths))
    with np.errstate(divide="ignore"):
        return float(np.min(lengths / np.maximum(share, 1e-9)))


def rotate(plane: Plane, axis_lps: Vector, degrees: float, about_lps: Vector | None = None) -> Plane:
    """Turn a plane about an axis through a point (its own middle without one)."""
    m = rotation(axis_lps, degrees)
    pivot = np.array(plane.centre_lps_mm if about_lps is None else about_lps)
    return Plane(
        centre_lps_mm=vector(pivot + m @ (np.array(plane.centre_lps_mm) - pivot)),
        right_lps=vector(_unit(m @ np.array(plane.right_lps))),
        down_lps=vector(_unit(m @ np.array(plane.down_lps))),
        mm_per_pixel=plane.mm_per_pixel,
    )


def rotation(axis: npt.ArrayLike, degrees: float) -> npt.NDArray[np.float64]:
    """Right-handed rotation matrix (3, 3) about an axis (Rodrigues)."""
    x, y, z = _unit(np.asarray(axis, dtype=np.float64))
    a = np.radians(degrees)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * (k @ k), dtype=np.float64)


def _unit(v: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(v / np.linalg.norm(v), dtype=np.float64)


def corner(plane: Plane, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """LPS of the centre of the top left pixel."""
    half = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2]) * plane.mm_per_pixel
    return np.asarray(
        np.array(plane.centre_lps_mm) - half[0] * np.array(plane.right_lps) - half[1] * np.array(plane.down_lps)
    )


def layers(volume: Volume, slab: Slab | None) -> tuple[int, float]:
    """Number of layers of a slab and their distance in mm: at most the smallest spacing, faces included."""
    if slab is None or slab.thickness_mm <= 0:
        return 1, 0.0
    count = int(np.ceil(slab.thickness_mm / min(volume.geometry.spacing_mm) - 1e-6)) + 1
    return count, slab.thickness_mm / (count - 1)


def sample(
    volume: Volume,
    plane: Plane,
    size: tuple[int, int],
    slab: Slab | None = None,
    interpolation: str = "linear",
    cancelled: Callable[[], bool] | None = None,
    thin: int = 1,
) -> npt.NDArray[np.float32]:
    """Values of a plane or slab.

    Parameters
    ----------
    volume : sheared and unevenly spaced slices are sampled where they truly lie, without resampling before
    size : (width, height) pixels
    slab : thickness and mode, centred on the plane; None or 0 mm is the thin plane
    interpolation : ``"linear"``, ``"cubic"`` (thin planes; slabs stay linear) or ``"none"`` (nearest voxel)
    cancelled : asked between portions of rows
    thin : take only every n-th layer of a slab (for the moving hand)

    Returns
    -------
    (height, width) float32, modality values; NaN outside the grid and where the voxels are padding

    Raises
    ------
    Cancelled
    """
    from render.caster import portions

    rows, out = _rows(volume, plane, size, slab, interpolation, thin)
    portions.run(rows, size[1], _at_once(volume, size, slab), cancelled)
    return out


def picture(
    volume: Volume,
    plane: Plane,
    size: tuple[int, int],
    window: Window,
    slab: Slab | None = None,
    interpolation: str = "linear",
    cancelled: Callable[[], bool] | None = None,
    thin: int = 1,
) -> npt.NDArray[np.uint8]:
    """A plane or slab through a window, (height, width, 3); see `sample` and `render.tones.grey`.

    Raises
    ------
    Cancelled
    """
    from render.caster import portions, sampling

    straight = tones.straight(window)
    values, known = _rows(volume, plane, size, slab, interpolation, thin)
    rgb = np.empty((size[1], size[0], 3), dtype=np.uint8)
    inverted = volume.inverted != window.inverted

    def rows(begin: int, end: int) -> None:
        values(begin, end)
        if straight is not None:
            sampling.grey_rows(known, *straight, inverted, begin, end, rgb)

    portions.run(rows, size[1], _at_once(volume, size, slab), cancelled)
    if straight is None:
        rgb[:] = tones.grey(known, window, inverted=volume.inverted)[..., None]
    return rgb


def _at_once(volume: Volume, size: tuple[int, int], slab: Slab | None) -> int:
    """Rows between two looks at the stop signal: a few milliseconds of work, also in a thick slab."""
    return max(1, min(size[1] // 64, _SAMPLES // (size[0] * layers(volume, slab)[0])))


def _rows(
    volume: Volume, plane: Plane, size: tuple[int, int], slab: Slab | None, interpolation: str, thin: int
) -> tuple[Callable[[int, int], None], npt.NDArray[np.float32]]:
    """What fills rows of a plane's values, and where it puts them."""
    from render.caster import sampling

    width, height = size
    geometry = volume.geometry
    count, apart = layers(volume, slab)
    if thin > 1 and count > 2:
        count = max(2, (count + thin - 1) // thin)
        apart = slab.thickness_mm / (count - 1) if slab is not None else 0.0
    inverse = np.linalg.inv(geometry.affine_lps[:3, :3])
    n = normal(plane)
    first = corner(plane, size) - n * apart * (count - 1) / 2
    start = geometry.to_index(first)
    # 1e-9 of a voxel of noise must not throw the outermost pixels out of the grid
    start = np.where(np.abs(start - np.round(start * 2) / 2) < 1e-9, np.round(start * 2) / 2, start)
    right = inverse @ np.array(plane.right_lps) * plane.mm_per_pixel
    down = inverse @ np.array(plane.down_lps) * plane.mm_per_pixel
    deep = inverse @ n * apart
    mode = {"mip": sampling.MAXIMUM, "minip": sampling.MINIMUM, "mean": sampling.MEAN}[slab.mode] if slab else 0
    method = {"none": sampling.NEAREST, "linear": sampling.LINEAR, "cubic": sampling.CUBIC}[interpolation]
    if count > 1 and method == sampling.CUBIC:
        method = sampling.LINEAR
    low, high = volume.padding or (0.0, 0.0)
    levels, shifts = places.unevenness(volume)
    out = np.empty((height, width), dtype=np.float32)
    done = np.zeros((height, 2), dtype=np.int32)
    voxels = np.ascontiguousarray(volume.voxels)
    padded = volume.padding is not None
    plain = method == sampling.LINEAR and not len(levels)

    def rows(begin: int, end: int) -> None:
        if plain:
            sampling.linear_rows(
                voxels, start, right, down, deep, count, mode, padded, float(low), float(high), begin, end, out, done
            )
        sampling.sample_rows(
            voxels, levels, shifts, start, right, down, deep, count, mode, method, padded, float(low), float(high),
            begin, end, out, done,
        )  # fmt: skip

    return rows, out
