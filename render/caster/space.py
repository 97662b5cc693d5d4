"""3D pictures of one regular volume: what is kept between pictures, and the way from a view to kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from render import camera as cameras
from render import tones
from render.caster import cells, portions, rays, sampling, triangles, within
from render.errors import RenderError
from render.geometry import Geometry
from render.view import Box, Camera, Look, Surface, Technique, Vector, View

if TYPE_CHECKING:
    from render.mesh import Mesh
    from render.volume import Volume

Rgb = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
Stop = Callable[[], bool]

# Distance of samples in parts of the smallest voxel edge: measured against half of each, SSIM at least 0.95 settled.
_STEP = {"record": 0.5, "settled": 0.7, "drag": 1.42}
_PROJECTION_STEP = {"record": 0.5, "settled": 0.7, "drag": 1.8}
_STOP_AT = {"record": 0.01, "settled": 0.02, "drag": 0.04}
# A ray of a projection cannot end early, so its picture of the moving hand is smaller.
_DRAG_WIDTH, _PROJECTION_DRAG_WIDTH = 333, 280
_ENTRIES = 4096
_GRADIENTS = 1024
_SURFACE_MATERIAL = np.array([0.16, 0.84, 0.18, 24.0])
_TILES_AT_ONCE = 8
_MESHES = 6
_COARSE_FROM = 4_000_000  # voxels from which a surface under the moving hand is taken from every second one


def rgb_of(text: str) -> tuple[float, float, float]:
    """``rrggbb`` to three shares 0..1."""
    try:
        value = int(text, 16)
    except ValueError as error:
        raise RenderError("recipe", f"{text!r} is no colour; it is written as six hex digits.") from error
    return (value >> 16 & 255) / 255, (value >> 8 & 255) / 255, (value & 255) / 255


class Space:
    """A regular volume with what its 3D pictures need: blocks, distances, meshes.

    Parameters
    ----------
    volume : on a regular grid (see `render.resample.display_copy`)
    source : the acquired volume that surfaces are taken from; `volume` itself without it

    Raises
    ------
    RenderError
        code ``too_thin``: fewer than two voxels along an axis.
    """

    def __init__(self, volume: Volume, source: Volume | None = None) -> None:
        if min(volume.geometry.shape) < 2:
            raise RenderError("too_thin", "A single slice has no depth, so it cannot be shown in 3D.")
        self.volume = volume
        self.source = source or volume
        self._extremes: dict[int, tuple[npt.NDArray[Any], npt.NDArray[Any]]] = {}
        self._distance: tuple[bytes, npt.NDArray[np.uint8]] | None = None
        self._within: dict[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]] = {}
        self._meshes: dict[tuple[float, float | None, float], Mesh] = {}
        self._quick: tuple[tuple[float, float | None], Mesh] | None = None

    # ---- kept between pictures

    def extremes(self, shift: int = cells.SHIFT) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Least and greatest voxel of every cell of ``2 ** shift`` voxels along each axis."""
        if shift not in self._extremes:
            v = self.volume.voxels
            shape = cells.count(self.volume.geometry.shape, shift)
            low, high = np.empty(shape, dtype=v.dtype), np.empty(shape, dtype=v.dtype)
            if shift == cells.FINE:
                portions.run(lambda first, end: cells.extremes(v, first, end, low, high), shape[0], 4)
            else:
                finer = cells.FINE if shift == cells.SHIFT else cells.SHIFT
                cells.coarser(*self.extremes(finer), shift - finer, low, high)
            self._extremes[shift] = (low, high)
        return self._extremes[shift]

    def distance(self, thickness: F32, start: float, scale: float, where: str = "") -> npt.NDArray[np.uint8]:
        """Blocks to the nearest one that this table of opacities, and the mask, let be seen."""
        key = thickness.tobytes() + np.array([start, scale]).tobytes() + where.encode()
        if self._distance is None or self._distance[0] != key:
            low, high = self.extremes()
            seen = np.concatenate([[0], np.cumsum(thickness > 0)]).astype(np.int32)
            out = np.empty(low.shape, dtype=np.uint8)
            kept = np.ones(low.shape, dtype=np.uint8)
            mask, mask_scale = self.within(where)
            if mask.size > 1:
                cells.blocks_within(mask, mask_scale, kept)
            cells.distances(low, high, kept, seen, start, scale, out)
            self._distance = (key, out)
        return self._distance[1]

    def within(self, where: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
        """Soft mask of the body or the lungs, and its scale; kept."""
        if where not in self._within:
            self._within[where] = within.mask(self.volume, where)
        return self._within[where]

    def mesh(self, surface: Surface, cancelled: Stop | None = None, *, quick: bool = False) -> Mesh:
        """Surface at a threshold; the last six are kept.

        With `quick`, where the full one is not there yet: of every second voxel, and not smoothed.
        """
        key = (surface.low, surface.high, surface.smooth)
        if quick and key not in self._meshes:
            return self._quick_mesh(surface)
        if key not in self._meshes:
            from render.surface import extract

            if len(self._meshes) >= _MESHES:
                del self._meshes[next(iter(self._meshes))]
            self._meshes[key] = extract(self.source, surface, cancelled=cancelled)
        return self._meshes[key]

    def _quick_mesh(self, surface: Surface) -> Mesh:
        from render.surface import extract

        key = (surface.low, surface.high)
        if self._quick is None or self._quick[0] != key:
            v = self.volume
            coarse = v
            if v.voxels.size > _COARSE_FROM and min(v.geometry.shape) >= 16:
                affine = v.geometry.affine_lps.copy()
                affine[:3, :3] *= 2
                part = v.voxels[::2, ::2, ::2].copy()
                coarse = replace(v, voxels=part, geometry=Geometry(part.shape, affine), source_uids=(), filled=())
            self._quick = (key, extract(coarse, msgspec.structs.replace(surface, smooth=0.0)))
        return self._quick[1]

    # ---- pictures

    def cast(self, view: View, *, inverted: bool = False, cancelled: Stop | None = None) -> Rgb:
        """Volume rendering (with the view's surfaces in it), or a projection; (height, width, 3) uint8."""
        size = drag_size(view)
        picture = (
            self._volume_picture(view, size, cancelled)
            if view.technique is Technique.VR
            else self._projection(view, size, inverted=inverted, cancelled=cancelled)
        )
        return enlarged(picture, view.size)

    def _volume_picture(self, view: View, size: tuple[int, int], cancelled: Stop | None) -> Rgb:
        look = view.look
        assert look is not None
        assert view.camera is not None
        step = view.step_mm or _STEP[view.quality] * min(self.volume.geometry.spacing_mm)
        thickness, colour, start, scale = tables(look, step)
        gradient, gradient_scale = gradient_table(look)
        shine = (np.linspace(0, 1, 256) ** max(look.power, 1.0)).astype(np.float32)
        material = np.array([look.ambient, look.diffuse, look.specular, look.fade], dtype=np.float32)
        width, height = size
        depths, layers = self._layers(view, size, cancelled)
        mask, mask_scale = self.within(look.within)
        distance = self.distance(thickness, start, scale, look.within)
        eye = self._eye(view.camera, size)
        box = self._box(view.crop)
        ground = background(view, height)
        out = np.empty((height, width, 3), dtype=np.uint8)

        def tiles(first: int, end: int) -> None:
            rays.cast_tiles(
                self.volume.voxels, mask, mask_scale, distance, thickness, colour, start, scale, gradient,
                gradient_scale, shine, material, *eye, not _parallel(view),
                np.array(self.volume.geometry.spacing_mm), box, step, _STOP_AT[view.quality], depths,
                layers, ground, first, end, out,
            )  # fmt: skip

        portions.run(tiles, _tiles(size), _TILES_AT_ONCE, cancelled)
        return out

    def _projection(self, view: View, size: tuple[int, int], *, inverted: bool, cancelled: Stop | None) -> Rgb:
        assert view.camera is not None
        assert view.window is not None
        mode = {Technique.MIP: rays.MAXIMUM, Technique.MINIP: rays.MINIMUM}.get(view.technique, rays.MEAN)
        which = 1 if mode == rays.MAXIMUM else 0
        fine, blocks, coarse = (self.extremes(n)[which] for n in (cells.FINE, cells.SHIFT, cells.COARSE))
        # the least and the mean value of a whole box are those of the air around the body
        body, body_scale = self.within("" if mode == rays.MAXIMUM else "body")
        step = view.step_mm or _PROJECTION_STEP[view.quality] * min(self.volume.geometry.spacing_mm)
        width, height = size
        eye = self._eye(view.camera, size)
        box = self._box(view.crop)
        values = np.empty((height, width), dtype=np.float32)
        hit = np.empty((height, width), dtype=np.uint8)

        def tiles(first: int, end: int) -> None:
            rays.project_tiles(
                self.volume.voxels, fine, blocks, coarse, body, body_scale, mode, *eye,
                not _parallel(view), np.array(self.volume.geometry.spacing_mm), box, step, first, end, values, hit,
            )  # fmt: skip

        portions.run(tiles, _tiles(size), _TILES_AT_ONCE, cancelled)
        grey = tones.grey(values, view.window, inverted=inverted)
        ground = (background(view, height)[:, None, :] * 255 + 0.5).astype(np.uint8)
        return np.where(hit[..., None] > 0, grey[..., None], ground).astype(np.uint8)

    def surfaces(self, view: View, cancelled: Stop | None = None) -> Rgb:
        """Shaded surfaces alone; every pixel is the mean of 2 x 2 (one while dragging)."""
        more = 1 if view.quality == "drag" else 2
        small = drag_size(view)
        size = (small[0] * more, small[1] * more)
        depths, layers = self._layers(view, size, cancelled)
        shown = np.zeros((size[1], size[0], 3), dtype=np.float32)
        left = np.ones((size[1], size[0], 1), dtype=np.float32)
        for n in range(depths.shape[2]):
            shown += left * layers[:, :, n, :3]
            left *= np.float32(1) - layers[:, :, n, 3:]
        shown += left * background(view, size[1])[:, None, :]
        if more == 2:
            shown = shown.reshape(small[1], 2, small[0], 2, 3).mean(axis=(1, 3))
        return enlarged((np.minimum(shown, 1) * 255 + 0.5).astype(np.uint8), view.size)

    def _layers(self, view: View, size: tuple[int, int], cancelled: Stop | None) -> tuple[F32, F32]:
        """The view's surfaces as depth and premultiplied colour per pixel, nearest first."""
        width, height = size
        count = len(view.surfaces)
        if not count:
            return np.empty((1, 1, 0), dtype=np.float32), np.empty((1, 1, 0, 4), dtype=np.float32)
        assert view.camera is not None
        depths = np.empty((height, width, count), dtype=np.float32)
        layers = np.empty((height, width, count, 4), dtype=np.float32)
        for n, surface in enumerate(view.surfaces):
            mesh = self.mesh(surface, cancelled, quick=view.quality == "drag")
            depths[:, :, n], layers[:, :, n] = draw_mesh(
                mesh, view.camera, size, rgb_of(surface.colour), surface.opacity, view.crop, cancelled
            )
        if count > 1:
            order = np.argsort(depths, axis=2, kind="stable")
            depths = np.take_along_axis(depths, order, axis=2)
            layers = np.take_along_axis(layers, order[..., None], axis=2)
        return depths, layers

    def pick(self, view: View, x: float, y: float) -> Vector | None:
        """The place in the patient that a pixel of a 3D picture shows, or None where it shows nothing.

        Volume rendering: where half of the light has been stopped; MIP and MinIP: the voxel that is shown;
        surface: where the ray first passes the threshold. The mean shows no single place.
        """
        assert view.camera is not None
        origin, across, along, ahead = self._eye(view.camera, view.size)
        edges = np.array(self.volume.geometry.spacing_mm)
        if view.camera.parallel:
            origin = origin + x * across + y * along
        else:
            ahead = ahead + x * across + y * along
            ahead = ahead / np.linalg.norm(ahead * edges)
        middle = self.volume.geometry.to_index(self.volume.geometry.centre_lps_mm)
        reach = float(np.linalg.norm(np.array(self.volume.geometry.shape) * edges)) / 2 + 1
        towards = float(((middle - origin) * edges) @ (ahead * edges))
        begin = towards - reach if view.camera.parallel else max(0.0, towards - reach)
        step = min(self.volume.geometry.spacing_mm) / 4
        t = begin + step * np.arange(max(2, int((towards + reach - begin) / step)))
        values = np.empty(len(t))
        sampling.along(self.volume.voxels, origin + t[0] * ahead, ahead * step, values)
        points = self.volume.geometry.to_lps(origin + t[:, None] * ahead)
        if view.crop is not None:
            inside = (points >= view.crop.low_lps_mm) & (points <= view.crop.high_lps_mm)
            values[~inside.all(axis=1)] = np.nan
        place = _shown_at(view, values, step)
        return None if place is None else (float(points[place, 0]), float(points[place, 1]), float(points[place, 2]))

    def _eye(self, camera: Camera, size: tuple[int, int]) -> tuple[npt.NDArray[np.float64], ...]:
        """(origin, across, along, ahead) of the kernels, in index space."""
        right, down, forward = cameras.axes(camera)
        g = self.volume.geometry
        into = np.linalg.inv(g.affine_lps[:3, :3])
        scale = cameras.mm_per_pixel(camera, size)
        half_x, half_y = (size[0] - 1) / 2, (size[1] - 1) / 2
        position = np.array(camera.position_lps_mm)
        if camera.parallel:
            corner = position - (half_x * right + half_y * down) * scale
            return g.to_index(corner), into @ right * scale, into @ down * scale, into @ forward
        slope = 2 * math.tan(math.radians(camera.angle_deg) / 2) / size[1]
        first = forward - (half_x * right + half_y * down) * slope
        return g.to_index(position), into @ right * slope, into @ down * slope, into @ first

    def _box(self, crop: Box | None) -> npt.NDArray[np.float64]:
        if crop is None:
            return np.empty(0)
        a = self.volume.geometry.affine_lps
        return np.concatenate(
            [a[:3, :3].ravel(), np.array(crop.low_lps_mm) - a[:3, 3], np.array(crop.high_lps_mm) - a[:3, 3]]
        )


def _shown_at(view: View, values: npt.NDArray[np.float64], step: float) -> int | None:
    """Which sample of a ray a picture shows."""
    there = np.isfinite(values)
    if not there.any() or view.technique is Technique.MEAN:
        return None
    if view.technique is Technique.MIP:
        return int(np.nanargmax(values))
    if view.technique is Technique.MINIP:
        return int(np.nanargmin(values))
    stopped = np.zeros(len(values), dtype=bool)
    if view.technique is Technique.VR and view.look is not None:
        thickness, _, start, scale = tables(view.look, step)
        entry = np.clip(np.nan_to_num((values - start) * scale, nan=0.0), 0, len(thickness) - 1)
        stopped = np.cumsum(np.where(there, thickness[entry.astype(np.int64)], 0.0)) >= math.log(2)
    for surface in view.surfaces:
        high = math.inf if surface.high is None else surface.high
        if surface.opacity >= 0.5:
            stopped |= there & (values >= surface.low) & (values <= high)
    return int(stopped.argmax()) if stopped.any() else None


def _parallel(view: View) -> bool:
    assert view.camera is not None
    return view.camera.parallel


def _tiles(size: tuple[int, int]) -> int:
    return -(-size[0] // rays.TILE) * -(-size[1] // rays.TILE)


def drag_size(view: View) -> tuple[int, int]:
    """Size in which a picture is cast: a third or so while the hand moves, else its own."""
    width, height = view.size
    small = _DRAG_WIDTH if view.technique in {Technique.VR, Technique.SSD} else _PROJECTION_DRAG_WIDTH
    if view.quality != "drag" or width <= small:
        return width, height
    return small, max(1, round(height * small / width))


def enlarged(picture: Rgb, size: tuple[int, int]) -> Rgb:
    """A small picture smoothly brought to its size."""
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    from PIL import Image

    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def background(view: View, height: int) -> F32:
    """Background of every row, (height, 3) 0..1, from the view's top to its bottom colour."""
    top, bottom = (np.array(rgb_of(c)) for c in view.background)
    share = np.linspace(0, 1, height)[:, None]
    return (top * (1 - share) + bottom * share).astype(np.float32)


def tables(look: Look, step_mm: float) -> tuple[F32, F32, float, float]:
    """A look as tables over the values.

    Returns
    -------
    extinction of one step (entries,), colour (entries, 3), start, scale : entry = (value - start) * scale
    """
    values = [x for x, _ in look.opacity] + [x for x, _ in look.colour]
    low, high = min(values), max(values)
    span = max(high - low, 1e-6)
    scale = (_ENTRIES - 1) / span
    at = low + np.arange(_ENTRIES) / scale
    share = np.interp(at, [x for x, _ in look.opacity], [a for _, a in look.opacity])
    extinction = -np.log1p(-np.clip(share, 0, 0.9999)) * step_mm
    parts = np.array([rgb_of(c) for _, c in look.colour])
    colour = np.stack([np.interp(at, [x for x, _ in look.colour], parts[:, i]) for i in range(3)], axis=1)
    return extinction.astype(np.float32), np.ascontiguousarray(colour, dtype=np.float32), low, scale


def gradient_table(look: Look) -> tuple[F32, float]:
    """Factors of the opacity by gradient magnitude; empty without them."""
    if not look.gradient:
        return np.empty(0, dtype=np.float32), 0.0
    top = max(look.gradient[-1][0], 1e-3)
    at = np.linspace(0, top, _GRADIENTS)
    factor = np.interp(at, [x for x, _ in look.gradient], [f for _, f in look.gradient])
    return factor.astype(np.float32), (_GRADIENTS - 1) / top


def draw_mesh(
    mesh: Mesh,
    camera: Camera,
    size: tuple[int, int],
    colour: tuple[float, float, float],
    cover: float,
    crop: Box | None = None,
    cancelled: Stop | None = None,
) -> tuple[F32, F32]:
    """The nearest layer of a mesh.

    Returns
    -------
    way along each pixel's ray in mm, (height, width), 1e30 where there is nothing; premultiplied colour and
    opacity, (height, width, 4)
    """
    width, height = size
    depth = np.full((height, width), triangles.NOTHING, dtype=np.float32)
    owner = np.full((height, width), -1, dtype=np.int32)
    out = np.zeros((height, width, 4), dtype=np.float32)
    if not len(mesh.triangles):
        return depth, out
    flat = cameras.project(camera, size, mesh.points_lps_mm)
    points = np.nan_to_num(flat, nan=-1e6).astype(np.float32)
    kept: npt.NDArray[np.uint8] = np.ones(len(points), dtype=np.uint8)
    if crop is not None:
        p = mesh.points_lps_mm
        inside = (p >= np.array(crop.low_lps_mm)) & (p <= np.array(crop.high_lps_mm))
        kept = np.asarray(inside.all(axis=1), dtype=np.uint8)
    normals = mesh.normals if mesh.normals is not None else vertex_normals(mesh)
    right, down, forward = cameras.axes(camera)
    scale = 2 * math.tan(math.radians(camera.angle_deg) / 2) / height
    perspective = not camera.parallel

    def rows(top: int, end: int) -> None:
        triangles.nearest(points, mesh.triangles, kept, perspective, top, end, depth, owner)
        triangles.shade(
            points, mesh.triangles, normals, perspective, right, down, forward, scale, np.array(colour), cover,
            _SURFACE_MATERIAL, top, end, depth, owner, out,
        )  # fmt: skip

    # every portion looks at all triangles, so portions are few; more of them only to be stopped sooner
    share = max(portions.cores() * 2, min(16, len(mesh.triangles) // 200_000))
    portions.run(rows, height, -(-height // share), cancelled)
    return depth, out


def vertex_normals(mesh: Mesh) -> F32:
    """Normals of the points: mean of their triangles', weighted by area; (N, 3) unit float32."""
    c = mesh.corners_mm
    faces = np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0])
    sums = np.zeros((len(mesh.points_lps_mm), 3))
    for corner in range(3):
        for axis in range(3):
            sums[:, axis] += np.bincount(mesh.triangles[:, corner], faces[:, axis], len(sums))
    size = np.linalg.norm(sums, axis=1, keepdims=True)
    return (sums / np.maximum(size, 1e-12)).astype(np.float32)
