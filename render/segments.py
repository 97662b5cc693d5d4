"""Label volumes: which voxel belongs to which segment, from thresholds or from outside, and how they are looked at."""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from render.errors import Cancelled, RenderError
from render.view import Segment, Value, Vector

if TYPE_CHECKING:
    from render.view import Box
    from render.volume import Volume

U8 = npt.NDArray[np.uint8]
F64 = npt.NDArray[np.float64]

_NEAR_SEED_MM = 3.0
_FILL = 0.35  # share of a segment's colour over a plane


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Labels on a regular grid, the volume's own or a coarser one.

    Parameters
    ----------
    labels : (slices, rows, columns) uint8, 0 where there is no segment
    affine_lps : (4, 4) from (slice, row, column) to LPS mm
    """

    labels: U8
    affine_lps: F64
    digest: str

    @staticmethod
    def of(labels: U8, affine_lps: npt.ArrayLike) -> Segmentation:
        """Labels with their digest: of shape, place (to a micrometre) and every label."""
        kept = np.ascontiguousarray(labels, dtype=np.uint8)
        affine = np.array(affine_lps, dtype=np.float64)
        if kept.ndim != 3 or affine.shape != (4, 4) or abs(float(np.linalg.det(affine[:3, :3]))) < 1e-12:
            raise RenderError("mask", "The labels do not stand on a grid in the patient.")
        told = hashlib.sha256(np.array(kept.shape, dtype="<i8").tobytes())
        told.update(np.rint(affine * 1000).astype("<i8").tobytes())
        told.update(kept.data)
        return Segmentation(kept, affine, told.hexdigest()[:32])

    @staticmethod
    def read(data: bytes) -> Segmentation:
        """Labels of an NPZ file: arrays `labels` (slices, rows, columns; whole numbers 0 to 255) and `affine_lps`.

        Raises
        ------
        RenderError
            code ``mask``: it holds something else.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as held:
                labels, affine = held["labels"], held["affine_lps"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise RenderError("mask", "A mask is an NPZ file with the arrays labels and affine_lps.") from error
        whole = np.issubdtype(labels.dtype, np.integer) or labels.dtype == np.bool_
        if not whole or not labels.size or int(labels.min()) < 0 or int(labels.max()) > 255:
            raise RenderError("mask", "Labels are whole numbers from 0 to 255.")
        if not np.issubdtype(affine.dtype, np.number) or not np.isfinite(affine).all():
            raise RenderError("mask", "The labels do not stand on a grid in the patient.")
        return Segmentation.of(labels.astype(np.uint8), affine)

    def map_from(self, affine_lps: F64) -> F64:
        """(3, 4) from the index of another grid to the index of the labels."""
        return np.ascontiguousarray((np.linalg.inv(self.affine_lps) @ affine_lps)[:3])


class Made(Value, frozen=True, kw_only=True):
    """What decides which voxels a segment has: all else of it is looks."""

    number: int
    low: float
    high: float | None
    inside: Box | None
    seed: Vector | None


def definition(segments: tuple[Segment, ...]) -> tuple[Made, ...]:
    """The parts of a view's segments from which labels are made."""
    return tuple(
        Made(number=s.number, low=s.low, high=s.high, inside=s.inside, seed=s.seed_lps_mm)
        for s in segments
        if s.low is not None
    )


def checked(segments: tuple[Segment, ...]) -> None:
    """Refuse numbers that are no labels, twice the same one, and shares beyond 0 to 1.

    Raises
    ------
    RenderError
        code ``recipe``.
    """
    numbers = [s.number for s in segments]
    if any(not 0 <= n <= 255 for n in numbers) or len(set(numbers)) < len(numbers):
        raise RenderError("recipe", "Segments have different numbers from 0 to 255.")
    if any(not (0 <= s.opacity <= 1 and 0 <= s.tint <= 1) for s in segments):
        raise RenderError("recipe", "A segment's opacity and tint are shares from 0 to 1.")
    if any(s.low is not None and s.number == 0 for s in segments):
        raise RenderError("recipe", "Number 0 is what belongs to no segment; it has no threshold.")
    if any(s.low is not None and s.high is not None and s.high < s.low for s in segments):
        raise RenderError("threshold", "The upper threshold must be above the lower one.")


def make(volume: Volume, made: tuple[Made, ...], cancelled: Callable[[], bool] | None = None) -> Segmentation:
    """Labels of a regular volume by thresholds, boxes and seeds; of overlapping segments the later wins.

    Raises
    ------
    RenderError
        code ``empty``: at a seed there is nothing within the threshold.
    Cancelled
    """
    from render.caster import labels as kernels
    from render.caster import portions

    shape = volume.geometry.shape
    out = np.zeros(shape, dtype=np.uint8)
    state = np.empty(shape, dtype=np.uint8)
    low, high = volume.padding or (0.0, 0.0)
    for one in made:
        top = math.inf if one.high is None else one.high
        cuts = half_spaces(volume.geometry.affine_lps, one.inside)

        def slices(first: int, end: int, one: Made = one, top: float = top, cuts: F64 = cuts) -> None:
            kernels.within_band(
                volume.voxels, one.low, top, volume.padding is not None, float(low), float(high), cuts, first, end,
                state,
            )  # fmt: skip

        portions.run(slices, shape[0], 4, cancelled)
        wanted = 1
        if one.seed is not None:
            k, r, c = _seed(volume, state, one.seed)
            kernels.connected(state, k, r, c)
            wanted = 2
        if cancelled is not None and cancelled():
            raise Cancelled

        def write(first: int, end: int, one: Made = one, wanted: int = wanted) -> None:
            kernels.put(state, wanted, one.number, first, end, out)

        portions.run(write, shape[0], 8, cancelled)
    return Segmentation.of(out, volume.geometry.affine_lps)


def _seed(volume: Volume, state: U8, seed: Vector) -> tuple[int, int, int]:
    """The voxel of the segment nearest to a point, at most 3 mm away."""
    at = volume.geometry.to_index(seed)
    reach = np.ceil(_NEAR_SEED_MM / np.array(volume.geometry.spacing_mm)).astype(int)
    low = np.maximum(np.rint(at).astype(int) - reach, 0)
    high = np.minimum(np.rint(at).astype(int) + reach + 1, state.shape)
    if (high <= low).any():
        raise RenderError("empty", "The point lies outside of the volume, so no segment can grow from it.")
    part = np.argwhere(state[low[0] : high[0], low[1] : high[1], low[2] : high[2]] == 1) + low
    away = np.linalg.norm((part - at) * np.array(volume.geometry.spacing_mm), axis=1)
    if not len(part) or float(away.min()) > _NEAR_SEED_MM:
        raise RenderError("empty", "Nothing at this point lies within the threshold, so no segment can grow from it.")
    k, r, c = part[int(away.argmin())]
    return int(k), int(r), int(c)


def half_spaces(affine_lps: F64, box: Box | None, clips: tuple[tuple[Vector, Vector], ...] = ()) -> F64:
    """Crop box and cutting planes as half-spaces of a grid's index, (n, 4): ``a . index + d >= 0`` is kept, in mm.

    Parameters
    ----------
    clips : (point, normal) each; the side to which the normal points is kept

    Raises
    ------
    RenderError
        code ``recipe``: a normal without length.
    """
    m, t = affine_lps[:3, :3], affine_lps[:3, 3]
    rows = []
    if box is not None:
        for axis in range(3):
            rows.append([*m[axis], -(box.low_lps_mm[axis] - t[axis])])
            rows.append([*-m[axis], box.high_lps_mm[axis] - t[axis]])
    for point, normal in clips:
        n = np.array(normal, dtype=np.float64)
        size = float(np.linalg.norm(n))
        if not size > 1e-9:
            raise RenderError("recipe", "A cutting plane needs a direction.")
        n /= size
        rows.append([*(n @ m), float(n @ (t - np.array(point)))])
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def looks(segments: tuple[Segment, ...]) -> npt.NDArray[np.float32]:
    """(256, 5) per label: factor of the opacity (0 hidden), tint premultiplied by its amount, the amount."""
    from render.tones import rgb_of

    out = np.zeros((256, 5), dtype=np.float32)
    out[:, 0] = 1
    for s in segments:
        out[s.number, 0] = s.opacity if s.visible else 0.0
        if s.colour:
            out[s.number, 1:4] = np.array(rgb_of(s.colour)) * s.tint
            out[s.number, 4] = s.tint
    return out


def draw_on_plane(rgb: U8, found: U8, segments: tuple[Segment, ...], scale: float) -> None:
    """Outline or fill the segments of a plane picture, in place.

    Parameters
    ----------
    rgb : (height, width, 3); found : (height, width) labels; scale : device pixels per point
    """
    from render.tones import rgb_of

    for s in segments:
        if not s.visible or s.overlay == "none" or not s.colour or s.number == 0:
            continue
        there = found == s.number
        if not there.any():
            continue
        colour = np.array(rgb_of(s.colour), dtype=np.float32) * 255
        if s.overlay == "fill":
            rgb[there] = (rgb[there] * (1 - _FILL) + colour * _FILL + 0.5).astype(np.uint8)
        edge = there & ~_inner(there, max(1, round(1.5 * scale)))
        strong = np.float32(0.9)
        rgb[edge] = (rgb[edge] * (1 - strong) + colour * strong + 0.5).astype(np.uint8)


def _inner(there: npt.NDArray[np.bool_], rounds: int) -> npt.NDArray[np.bool_]:
    """What lies at least so many pixels inside; the picture's border is no edge of a segment."""
    inner = there
    for _ in range(rounds):
        wide = np.pad(inner, 1, mode="edge")
        inner = wide[1:-1, 1:-1] & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return inner
