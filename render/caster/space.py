"""3D pictures of one regular volume: what is kept between pictures, and the way from a view to kernels."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
import numpy as np
import numpy.typing as npt

from render import camera as cameras
from render import segments as segmenting
from render import tones
from render.caster import background as aside
from render.caster import cells, labels, layers, portions, rays, sampling, triangles, within
from render.errors import RenderError
from render.geometry import Geometry
from render.tones import rgb_of
from render.view import Camera, Look, Surface, Technique, Vector, View

if TYPE_CHECKING:
    from render.mesh import Mesh
    from render.segments import Segmentation
    from render.volume import Volume

Rgb = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
Stop = Callable[[], bool]
Made = TypeVar("Made")
Threshold = tuple[float, float | None, float]  # low, high, smoothing of a surface
Eye = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]

# Distance of samples in parts of a voxel's edge: measured against half of each, SSIM at least 0.95 settled. A maximum
# sits between the samples, where an interpolated value curves; a mean hardly changes with them.
_STEP = {
    Technique.VR: {"record": 0.5, "settled": 1.0, "drag": 1.7},
    Technique.MIP: {"record": 0.25, "settled": 0.4, "drag": 1.0},
    Technique.MINIP: {"record": 0.35, "settled": 0.7, "drag": 1.42},
    Technique.MEAN: {"record": 0.7, "settled": 1.42, "drag": 2.8},
}
# Where at least this share of the light ends at one sample, its step is taken in so many parts.
_PARTS = {"record": (3, 0.05), "settled": (2, 0.1), "drag": (2, 0.12)}
_STOP_AT = {"record": 0.01, "settled": 0.02, "drag": 0.04}
# A ray of a projection cannot end early, so its picture of the moving hand is smaller.
_DRAG_WIDTH, _PROJECTION_DRAG_WIDTH, _LEAST_WIDTH = 333, 280, 96
_SURFACE_WIDER = 1.35  # the time of solid surfaces goes with their triangles, less with the pixels
_SOLID = 0.999
_ENTRIES = 4096
_GRADIENTS = 1024
_TILES_AT_ONCE = 4
_MESHES = 6
_LIGHT_EDGE = 2.0  # cells of the lighter one, in parts of the smallest voxel edge
_LIGHT_FROM = 600_000  # triangles from which a surface turns as a lighter one
_BAND = 4_000_000  # pixels times layers that are held at once
_CLIPS = 6
_ALL = np.ones((1, 1, 1), dtype=np.uint8)
_FINER = 2  # finer pixels along each side of one, for surfaces and planes in settled pictures
_MADE = 2
_COARSE_FROM = 4_000_000  # voxels from which a surface under the moving hand is taken from every second one


class Space:
    """A regular volume with what its 3D pictures need: blocks, distances, meshes.

    Parameters
    ----------
    volume : on a regular grid (see `render.resample.display_copy`)
    source : the acquired volume that surfaces are taken from; `volume` itself without it
    segmentation : labels from outside, for views that name them by digest

    Raises
    ------
    RenderError
        code ``too_thin``: fewer than two voxels along an axis.
    """

    def __init__(self, volume: Volume, source: Volume | None = None, segmentation: Segmentation | None = None) -> None:
        if min(volume.geometry.shape) < 2:
            raise RenderError("too_thin", "A single slice has no depth, so it cannot be shown in 3D.")
        self.volume = volume
        self.source = source or volume
        self.segmentation = segmentation
        self._extremes: dict[int, tuple[npt.NDArray[Any], npt.NDArray[Any]]] = {}
        self._distance: tuple[bytes, npt.NDArray[np.uint8], npt.NDArray[np.uint8], set[int]] | None = None
        self._kept: tuple[tuple[str, tuple[str, bytes] | None], npt.NDArray[np.uint8]] | None = None
        self._within: dict[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]] = {}
        self._meshes: dict[Threshold, Mesh] = {}
        self._made: dict[tuple[segmenting.Made, ...], Segmentation] = {}
        self._light: dict[Threshold, Mesh] = {}
        self._quick: tuple[tuple[float, float | None], Mesh] | None = None
        self._making: dict[str, tuple[tuple[object, ...], aside.Task[Any]]] = {}
        self.share: float | None = None
        """Part of the width in which a picture of the moving hand is made; a third or so without it."""

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

    def distance(
        self,
        thickness: F32,
        start: float,
        scale: float,
        where: str = "",
        shown: Shown | None = None,
        octants: Collection[int] = range(8),
    ) -> npt.NDArray[np.uint8]:
        """Blocks to the nearest one ahead that this table of opacities, and masks and segments, let be seen.

        Returns
        -------
        (8, blocks) uint8: a row for each octant of directions (see `cells.distances`), filled for those asked for
        """
        key = (thickness > 0).tobytes() + np.array([start, scale]).tobytes() + where.encode()
        if shown is not None:
            key += shown.digest.encode() + shown.visible.tobytes()
        if self._distance is None or self._distance[0] != key:
            low, high = self.extremes()
            counted = np.concatenate([[0], np.cumsum(thickness > 0)]).astype(np.int32)
            seen = np.empty(low.shape, dtype=np.uint8)
            kept = self.kept(where, shown)
            if kept.shape != low.shape:
                kept = np.ones(low.shape, dtype=np.uint8)
            cells.visible(low, high, kept, counted, start, scale, seen)
            self._distance = (key, seen, np.empty((8, seen.size), dtype=np.uint8), set())
        _, seen, out, done = self._distance
        for octant in set(octants) - done:
            cells.distances(seen, octant, out[octant].reshape(seen.shape))
            done.add(octant)
        return out

    def kept(self, where: str, shown: Shown | None) -> npt.NDArray[np.uint8]:
        """Blocks of which mask and segments let nothing be seen (0), or where the mask hides nothing (2), or else (1).

        Of one block when nothing is hidden anywhere.
        """
        mask, mask_scale = self.within(where)
        if mask.size == 1 and shown is None:
            return _ALL
        key = (where, None if shown is None else (shown.digest, shown.visible.tobytes()))
        if self._kept is None or self._kept[0] != key:
            shape = cells.count(self.volume.geometry.shape)
            kept = np.ones(shape, dtype=np.uint8)
            if mask.size > 1:
                cells.blocks_within(mask, mask_scale, kept)
            if shown is not None:
                label, label_map, visible = shown.labels, shown.map, shown.visible
                there = np.empty_like(kept)
                portions.run(
                    lambda first, end: labels.blocks_shown(label, label_map, visible, first, end, there), len(kept), 4
                )
                kept *= there
            self._kept = (key, kept)
        return self._kept[1]

    def segmented(self, view: View, cancelled: Stop | None = None) -> Segmentation | None:
        """Labels of the view's segments, or None where it has none; the last two that were made are kept.

        Raises
        ------
        RenderError
            code ``recipe``: the labels are not here, or not those that the view names.
        """
        if not view.segments:
            return None
        segmenting.checked(view.segments)
        made = segmenting.definition(view.segments)
        if not made:
            found = self.segmentation
            if found is None:
                raise RenderError("recipe", "This view shows segments whose labels are not here.")
        else:
            if made not in self._made:
                while len(self._made) >= _MADE:
                    del self._made[next(iter(self._made))]
                self._made[made] = segmenting.make(self.volume, made, cancelled)
            found = self._made[made]
        if view.mask and view.mask != found.digest:
            raise RenderError("recipe", "The segments of this view are not those that it was made with.")
        return found

    def shown(self, view: View, cancelled: Stop | None = None) -> Shown | None:
        """The view's segments as the kernels want them."""
        found = self.segmented(view, cancelled)
        if found is None:
            return None
        return Shown(
            found.labels, found.map_from(self.volume.geometry.affine_lps), segmenting.looks(view.segments), found.digest
        )

    def within(self, where: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
        """Soft mask of the body or the lungs, and its scale; kept."""
        if where not in self._within:
            self._within[where] = within.mask(self.volume, where)
        return self._within[where]

    def mesh(self, surface: Surface, cancelled: Stop | None = None, *, quick: bool = False) -> Mesh:
        """Surface at a threshold; the last six are kept, large ones with a lighter one for the moving hand.

        With `quick`, where the full one is not there yet (the threshold is moving): of every second voxel, and not
        smoothed.
        """
        key = (surface.low, surface.high, surface.smooth)
        if quick:
            return self._lighter(key, cancelled) if key in self._meshes else self._quick_mesh(surface, cancelled)
        if key not in self._meshes:
            while len(self._meshes) >= _MESHES:
                self._forget_mesh(next(iter(self._meshes)))
            self._meshes[key] = self._made_mesh(surface, cancelled)
            if cancelled is not None:
                self._begin_lighter(key)
        return self._meshes[key]

    def _forget_mesh(self, key: Threshold) -> None:
        del self._meshes[key]
        self._light.pop(key, None)
        self._give_up(_light(key))

    def _lighter(self, key: Threshold, cancelled: Stop | None) -> Mesh:
        """The mesh for the moving hand; of a small one itself."""
        if len(self._meshes[key].triangles) <= _LIGHT_FROM:
            return self._meshes[key]
        if key not in self._light:
            self._light[key] = self._aside(_light(key), key, self._lighten(key), cancelled)
        return self._light[key]

    def _begin_lighter(self, key: Threshold) -> None:
        """Make it while the first picture is drawn: nobody waits for it yet."""
        if len(self._meshes[key].triangles) > _LIGHT_FROM:
            self._making[_light(key)] = (key, aside.Task(self._lighten(key)))

    def _lighten(self, key: Threshold) -> Callable[[Stop | None], Mesh]:
        mesh, edge = self._meshes[key], _LIGHT_EDGE * min(self.volume.geometry.spacing_mm)
        return lambda _: layers.lighter(mesh, edge)

    def _made_mesh(self, surface: Surface, cancelled: Stop | None) -> Mesh:
        """A surface, made aside where the waiting may have to end."""
        from render.surface import extract

        key = (surface.low, surface.high, surface.smooth)
        source = self.source
        return self._aside("full", key, lambda stop: extract(source, surface, cancelled=stop), cancelled)

    def _aside(
        self, kind: str, key: tuple[object, ...], make: Callable[[Stop | None], Made], cancelled: Stop | None
    ) -> Made:
        """Make something on another thread, where the waiting may have to end; of each kind the newest goes on."""
        if cancelled is None:
            return make(None)
        if kind not in self._making or self._making[kind][0] != key:
            self._give_up(kind)
            self._making[kind] = (key, aside.Task(make))
        task = self._making[kind][1]
        try:
            return cast("Made", task.wait(cancelled))
        finally:
            if task.is_over:
                self._making.pop(kind, None)

    def _give_up(self, kind: str) -> None:
        found = self._making.pop(kind, None)
        if found is not None:
            found[1].give_up()

    def close(self) -> None:
        """Give up what is being made aside."""
        for kind in list(self._making):
            self._give_up(kind)

    def _quick_mesh(self, surface: Surface, cancelled: Stop | None) -> Mesh:
        from render.surface import extract

        key = (surface.low, surface.high)
        if self._quick is None or self._quick[0] != key:
            plain = msgspec.structs.replace(surface, smooth=0.0)
            try:
                made = self._aside("quick", key, lambda stop: extract(self._coarse(), plain, cancelled=stop), cancelled)
            except RenderError as error:
                if error.code != "empty":
                    raise
                return self.mesh(surface, cancelled)  # all of it may lie between every second voxel
            self._quick = (key, made)
        return self._quick[1]

    def _coarse(self) -> Volume:
        """Every second voxel of a large volume."""
        v = self.volume
        if v.voxels.size <= _COARSE_FROM or min(v.geometry.shape) < 16:
            return v
        affine = v.geometry.affine_lps.copy()
        affine[:3, :3] *= 2
        part = v.voxels[::2, ::2, ::2].copy()
        return replace(v, voxels=part, geometry=Geometry(part.shape, affine), source_uids=(), filled=())

    # ---- pictures

    def cast(self, view: View, *, inverted: bool = False, cancelled: Stop | None = None) -> Rgb:
        """Volume rendering (with the view's surfaces and planes in it), or a projection; (height, width, 3) uint8."""
        size = drag_size(view, self.share)
        picture = (
            self._volume_picture(view, size, inverted=inverted, cancelled=cancelled)
            if view.technique is Technique.VR
            else self._projection(view, size, inverted=inverted, cancelled=cancelled)
        )
        return enlarged(picture, view.size)

    def _volume_picture(self, view: View, size: tuple[int, int], *, inverted: bool, cancelled: Stop | None) -> Rgb:
        look = view.look
        assert look is not None
        assert view.camera is not None
        step = self.step_mm(view)
        thickness, colour, start, scale = tables(look, step)
        gradient, gradient_scale = gradient_table(look)
        shine = (np.linspace(0, 1, 256) ** max(look.power, 1.0)).astype(np.float32)
        material = np.array([look.ambient, look.diffuse, look.specular, look.fade], dtype=np.float32)
        width, height = size
        mask, mask_scale = self.within(look.within)
        parts, dense = _PARTS[view.quality]
        finely = np.concatenate([thickness / np.float32(n) for n in (1, parts, parts * rays.FINER)])
        shades = np.column_stack([np.tile(colour, (3, 1)), -np.expm1(-finely)]).astype(np.float32)
        shown = self.shown(view, cancelled)
        label, label_map, label_look = shown.kernel if shown else (labels.NONE, labels.NO_MAP, labels.NO_LOOK)
        eye = self._eye(view.camera, size)
        octants = _octants(eye, size, parallel=_parallel(view))
        distance = self.distance(thickness, start, scale, look.within, shown, octants)
        cuts = self._cuts(view)
        cue = self._cue(view)
        ground = background(view, height)
        out = np.empty((height, width, 3), dtype=np.uint8)
        # edges of planes are soft by themselves
        more = _FINER if view.quality != "drag" and any(s.visible for s in view.surfaces) else 1
        for first, last, depths, colours in self._bands(
            view, size, more, joined=True, inverted=inverted, cancelled=cancelled
        ):  # fmt: skip
            band = _from_row(eye, first, parallel=_parallel(view))
            part, under = out[first:last], np.ascontiguousarray(ground[first:last])

            def tiles(
                begin: int, end: int, band: Eye = band, part: Rgb = part, under: F32 = under,
                depths: F32 = depths, colours: F32 = colours,
            ) -> None:  # fmt: skip
                rays.cast_tiles(
                    self.volume.voxels, mask, mask_scale, label, label_map, label_look, distance, finely, shades,
                    start, scale, gradient, gradient_scale, shine, material, *band, not _parallel(view),
                    np.array(self.volume.geometry.spacing_mm), cuts, cue, step, parts, dense, _STOP_AT[view.quality],
                    depths, colours, under, begin, end, part,
                )  # fmt: skip

            portions.run(tiles, _tiles((width, last - first)), _TILES_AT_ONCE, cancelled, led=True)
        return out

    def _projection(self, view: View, size: tuple[int, int], *, inverted: bool, cancelled: Stop | None) -> Rgb:
        assert view.camera is not None
        assert view.window is not None
        mode = {Technique.MIP: rays.MAXIMUM, Technique.MINIP: rays.MINIMUM}.get(view.technique, rays.MEAN)
        which = 1 if mode == rays.MAXIMUM else 0
        fine, blocks, coarse = (self.extremes(n)[which] for n in (cells.FINE, cells.SHIFT, cells.COARSE))
        # the least and the mean value of a whole box are those of the air around the body
        where = "" if mode == rays.MAXIMUM or view.segments else "body"
        body, body_scale = self.within(where)
        shown = self.shown(view, cancelled)
        kept = self.kept(where, shown)
        label, label_map, label_look = shown.kernel if shown else (labels.NONE, labels.NO_MAP, labels.NO_LOOK)
        step = self.step_mm(view)
        width, height = size
        eye = self._eye(view.camera, size)
        cuts = self._cuts(view)
        values = np.empty((height, width), dtype=np.float32)
        hit = np.empty((height, width), dtype=np.uint8)
        dark, bright = tones.ends(view.window)

        def tiles(first: int, end: int) -> None:
            rays.project_tiles(
                self.volume.voxels, fine, blocks, coarse, kept, body, body_scale, label, label_map, label_look, mode,
                *eye, not _parallel(view), np.array(self.volume.geometry.spacing_mm), cuts, step, dark, bright, first,
                end, values, hit,
            )  # fmt: skip

        portions.run(tiles, _tiles(size), _TILES_AT_ONCE, cancelled, led=True)
        grey = tones.grey(values, view.window, inverted=inverted)
        # beyond the volume there is no signal: black, so that its box does not stand out from a coloured ground
        return np.repeat(np.where(hit > 0, grey, np.uint8(0))[..., None], 3, axis=2)

    def surfaces(self, view: View, *, inverted: bool = False, cancelled: Stop | None = None) -> Rgb:
        """Shaded surfaces and planes alone; every pixel is the mean of 2 x 2 (one while dragging)."""
        more = 1 if view.quality == "drag" else _FINER
        small = drag_size(view, self.share)
        out = np.empty((small[1], small[0], 3), dtype=np.uint8)
        ground = background(view, small[1] * more)
        bands = self._bands(view, small, more, joined=False, inverted=inverted, cancelled=cancelled)
        for first, last, depths, colours in bands:
            under, part = ground[first * more : last * more], out[first:last]

            def rows(
                begin: int, end: int, depths: F32 = depths, colours: F32 = colours, under: F32 = under,
                part: Rgb = part,
            ) -> None:  # fmt: skip
                triangles.compose(more, begin, end, depths, colours, under, part)

            portions.run(rows, last - first, 16, cancelled)
        return enlarged(out, view.size)

    def _bands(
        self, view: View, small: tuple[int, int], more: int, *, joined: bool, inverted: bool, cancelled: Stop | None
    ) -> Iterator[tuple[int, int, F32, F32]]:
        """Rows of a picture with their surfaces and planes by depth: few at a time where they would fill the memory.

        The layers are those of `more` x `more` finer pixels for each pixel; `joined` into those of the pixel itself.
        """
        width, height = size = (small[0] * more, small[1] * more)
        surfaces = [s for s in view.surfaces if s.visible and s.opacity > 0]
        if not surfaces and not view.planes:
            yield 0, small[1], np.empty((1, 1, 0), dtype=np.float32), np.empty((1, 1, 0, 4), dtype=np.float32)
            return
        assert view.camera is not None
        quick = view.quality == "drag"
        cuts = segmenting.half_spaces(np.eye(4), view.crop, _clips(view))
        drawn = [
            layers.before(
                self.mesh(s, cancelled, quick=quick),
                view.camera,
                size,
                rgb_of(s.colour),
                s.opacity,
                cuts,
                quick=quick,
                cancelled=cancelled,
            )
            for s in surfaces
        ]
        eye = self._eye(view.camera, size)
        count = sum(d.count for d in drawn) + len(view.planes)
        tall = max(layers.STRIP, _BAND // (count * width) // layers.STRIP * layers.STRIP)
        cue = self._cue(view)
        for first in range(0, height, tall):
            last = min(height, first + tall)
            depths, colours = layers.draw(drawn, view.camera, size, (first, last), len(view.planes), cancelled)
            band = _from_row(eye, first, parallel=view.camera.parallel)
            for n, plane in enumerate(view.planes):
                others = tuple(p for p in view.planes if p is not plane)
                layers.draw_plane(
                    self.volume, plane, others, band, parallel=view.camera.parallel, rows=last - first, width=width,
                    scale=view.scale * width / view.size[0], inverted=inverted, lines=view.lines,
                    into=(depths, colours, count - len(view.planes) + n), cancelled=cancelled,
                )  # fmt: skip
            depths, colours = layers.sort(depths, colours)
            if view.cue:
                shade = (cue[0] - cue[1] * np.minimum(depths, np.float32(1e6))).astype(np.float32)
                colours[..., :3] *= np.clip(shade, 0, 1)[..., None]
            if joined and more > 1:
                depths, colours = layers.joined(depths, colours)
            yield first // more, last // more, depths, colours

    def _cue(self, view: View) -> npt.NDArray[np.float64]:
        """Brightness by the way along a ray: 1 where the volume begins, ``1 - view.cue`` where it ends."""
        if not view.cue:
            return np.array([1.0, 0.0])
        assert view.camera is not None
        eye, (_, _, forward) = np.array(view.camera.position_lps_mm), cameras.axes(view.camera)
        depth = (self.volume.geometry.corners_lps_mm - eye) @ forward
        near, far = max(float(depth.min()), 0.0 if not view.camera.parallel else -1e30), float(depth.max())
        slope = min(max(view.cue, 0.0), 1.0) / max(far - near, 1.0)
        return np.array([1 + slope * near, slope])

    def step_mm(self, view: View) -> float:
        """Millimetres between samples: the view's own, or a part of a voxel's edge by technique and quality.

        While looking, the edge along the middle ray: slices much thinner than their pixels do not make a picture from
        the front slow. It is never taken longer than the middle one of the three, so that thick slices are not
        stepped over. In pictures for the record it is the smallest one.
        """
        if view.step_mm:
            return view.step_mm
        assert view.camera is not None
        g = self.volume.geometry
        smallest, middle, _ = sorted(g.spacing_mm)
        part = _STEP[view.technique][view.quality]
        if view.quality == "record":
            return part * smallest
        _, _, forward = cameras.axes(view.camera)
        along = 1 / float(np.linalg.norm(np.linalg.inv(g.affine_lps[:3, :3]) @ forward))
        return part * max(smallest, min(along, middle))

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
        for row in segmenting.half_spaces(np.eye(4), view.crop, _clips(view)):
            values[points @ row[:3] + row[3] < 0] = np.nan
        found = self.segmented(view)
        if found is not None:
            values[~self._unhidden(view, found, points)] = np.nan
        place = _shown_at(view, values, step)
        return None if place is None else (float(points[place, 0]), float(points[place, 1]), float(points[place, 2]))

    def _eye(self, camera: Camera, size: tuple[int, int]) -> Eye:
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

    @staticmethod
    def _unhidden(view: View, found: Segmentation, points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which points of the patient lie in a segment that is shown."""
        to = np.linalg.inv(found.affine_lps)
        at = np.rint(points @ to[:3, :3].T + to[:3, 3]).astype(np.int64)
        inside = ((at >= 0) & (at < np.array(found.labels.shape))).all(axis=1)
        label = np.zeros(len(points), dtype=np.uint8)
        k, r, c = at[inside].T
        label[inside] = found.labels[k, r, c]
        return segmenting.looks(view.segments)[label, 0] > 0

    def _cuts(self, view: View) -> npt.NDArray[np.float64]:
        """Crop box and cutting planes in index space."""
        return segmenting.half_spaces(self.volume.geometry.affine_lps, view.crop, _clips(view))


@dataclass(frozen=True, eq=False)
class Shown:
    """Segments for the kernels: labels, the way to them from the volume's index, and their looks."""

    labels: npt.NDArray[np.uint8]
    map: npt.NDArray[np.float64]
    look: F32
    digest: str

    @property
    def visible(self) -> npt.NDArray[np.uint8]:
        """(256,) 1 for the labels of which anything is seen."""
        return (self.look[:, 0] > 0).astype(np.uint8)

    @property
    def kernel(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64], F32]:
        return self.labels, self.map, self.look


def _clips(view: View) -> tuple[tuple[Vector, Vector], ...]:
    if len(view.clips) > _CLIPS:
        raise RenderError("recipe", f"A view has at most {_CLIPS} cutting planes.")
    return tuple((c.point_lps_mm, c.normal_lps) for c in view.clips)


def _from_row(eye: Eye, first: int, *, parallel: bool) -> Eye:
    """The rays of a picture's rows from `first` on."""
    origin, across, along, ahead = eye
    if not first:
        return eye
    if parallel:
        return origin + first * along, across, along, ahead
    return origin, across, along, ahead + first * along


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
    for surface in (s for s in view.surfaces if s.visible):
        high = math.inf if surface.high is None else surface.high
        if surface.opacity >= 0.5:
            stopped |= there & (values >= surface.low) & (values <= high)
    return int(stopped.argmax()) if stopped.any() else None


def _parallel(view: View) -> bool:
    assert view.camera is not None
    return view.camera.parallel


def _octants(eye: tuple[npt.NDArray[np.float64], ...], size: tuple[int, int], *, parallel: bool) -> set[int]:
    """Octants (see `cells.distances`) that the rays of a picture point into."""
    _, across, along, ahead = eye
    x, y = (0, 0) if parallel else (size[0] - 1, size[1] - 1)
    corners = np.array([ahead + a * x * across + b * y * along for a in (0, 1) for b in (0, 1)])
    ways = [sorted({bool(low > 0), bool(high > 0)}) for low, high in zip(corners.min(0), corners.max(0), strict=True)]
    return {4 * k + 2 * r + c for k in ways[0] for r in ways[1] for c in ways[2]}


def _light(key: Threshold) -> str:
    return f"light {key}"


def _tiles(size: tuple[int, int]) -> int:
    return -(-size[0] // rays.TILE) * -(-size[1] // rays.TILE)


def drag_size(view: View, share: float | None = None) -> tuple[int, int]:
    """Size in which a picture is cast: a third or so, or this share of it, while the hand moves; else its own."""
    width, height = view.size
    small = _DRAG_WIDTH if view.technique in {Technique.VR, Technique.SSD} else _PROJECTION_DRAG_WIDTH
    if share is not None:
        small = max(_LEAST_WIDTH, round(width * share))
    if view.technique is Technique.SSD and all(s.opacity >= _SOLID for s in view.surfaces if s.visible):
        small = round(small * _SURFACE_WIDER)
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
    low, high = float(min(values)), float(max(values))  # whole numbers would ask for kernels of their own
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
