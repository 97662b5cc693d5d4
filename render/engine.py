"""The picture maker: one volume, any view of it; pure and synchronous.

The same `View` on the same volume gives the same pixels, whatever was shown before: what is kept between
pictures (display copy, cells, meshes) only saves time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt

from render import camera as cameras
from render import planes, sound, tones
from render.errors import RenderError
from render.picture import Picture
from render.resample import display_copy
from render.view import Labels, Slab, Surface, Technique, Vector, View

if TYPE_CHECKING:
    from render.caster.space import Space
    from render.segments import Segmentation
    from render.volume import Volume

Rgb = npt.NDArray[np.uint8]
Stop = Callable[[], bool]

PLANES = "planes"
CASTER = "CPU caster"
SURFACES = "CPU surfaces"
GPU = "VTK GPU"
_CRAWLS_S, _CRAWLS_TIMES = 0.5, 3  # a picture under the hand that takes longer, so often in a row, is too slow
_PROJECTIONS = {Technique.MIP, Technique.MINIP, Technique.MEAN}


class Engine:
    """Makes pictures of one volume.

    Not thread safe: it lives on the thread that uses it (the stage's, or a command's).

    Parameters
    ----------
    volume : as acquired; a regular copy is made when a picture needs one
    segmentation : labels from outside, for views whose segments name them
    renderer : for volume rendering and MIP: ``"CPU caster"`` (also without one), ``"VTK fixed point"`` or
        ``"VTK GPU"`` (see `render.policy`). A view that names a renderer is made by that one.
    on_fallback : told in a few words when a renderer other than the caster failed or was too slow
    """

    def __init__(
        self,
        volume: Volume,
        *,
        renderer: str | None = None,
        segmentation: Segmentation | None = None,
        on_fallback: Callable[[str], None] | None = None,
    ) -> None:
        self.volume = volume
        self.segmentation = segmentation
        self.renderer = renderer
        self.on_fallback = on_fallback
        self._crawled = 0
        self._card_mask: tuple[object, npt.NDArray[np.uint8]] | None = None
        self._regular: Volume | None = None
        self._space: Space | None = None

    def picture(
        self, view: View, labels: Labels | None = None, cancelled: Stop | None = None, share: float | None = None
    ) -> Picture:
        """Make one picture.

        Parameters
        ----------
        view : the recipe; what it leaves open (window, camera, look, renderer) is chosen and stands in the
            picture's own view, from which the same pixels are made again
        labels : texts to burn in; none without them, letters and scale bar all the same
        cancelled : asked every few milliseconds
        share : part of the width in which a 3D picture of quality "drag" is made, before it is enlarged

        Raises
        ------
        RenderError
            With one sentence: the recipe belongs to another volume, lacks a plane, names what is not there ...
        Cancelled
        """
        begun = time.perf_counter()
        view = self.completed(view)
        if view.segments:
            found = self._kept().segmented(view, cancelled)
            assert found is not None
            view = view.replace(mask=found.digest)
        empty = self._empty(view)
        if view.is_plane:
            rgb, renderer = self._plane(view, cancelled), PLANES
        else:
            rgb, renderer = self._scene(_without(view, empty), cancelled, share)
            # VTK's mappers know no depth cue: it is but a help for the eye, so the picture stands without it
            view = view.replace(renderer=renderer, cue=view.cue if renderer in {CASTER, SURFACES} else 0.0)
        letters = self._edges(view)
        cube = self._write(rgb, view, _told(labels or Labels(), empty), letters)
        seconds = time.perf_counter() - begun
        return self._finished(rgb, view, renderer, letters, seconds, cube, _notes(empty))

    # ---- what a view leaves open

    def completed(self, view: View) -> View:
        """The view with everything filled in that it leaves open; the picture of either is the same.

        Raises
        ------
        RenderError
            See `picture`.
        """
        if view.volume and view.volume != self.volume.digest:
            raise RenderError("recipe", "This view was made of another volume, so its picture cannot be made here.")
        sound.check(view, min(self.volume.geometry.spacing_mm))
        changes: dict[str, object] = {"volume": self.volume.digest}
        if view.planes and (view.is_plane or view.technique not in {Technique.VR, Technique.SSD}):
            raise RenderError("recipe", "Planes stand in a volume rendering or a surface picture, not in this one.")
        if view.plane is not None:
            if view.technique in {Technique.VR, Technique.SSD}:
                raise RenderError("recipe", "A view is either a plane or a 3D picture; this one asks for both.")
            if view.technique in _PROJECTIONS and view.slab is None:
                changes["slab"] = Slab(mode=view.technique.value, thickness_mm=10.0)  # type: ignore[arg-type]
            slab = view.slab
            technique = view.technique.value if slab is None else slab.mode
            if view.window is None:
                technique = "mpr" if technique == "mean" else technique
                changes["window"] = tones.default_window(self.volume, technique, slab=True)
            return view.replace(**changes)
        if view.technique is Technique.MPR:
            raise RenderError("recipe", "A plane picture needs a plane.")
        if view.technique in _PROJECTIONS:
            if view.window is None:
                changes["window"] = tones.default_window(self.volume, view.technique.value)
        elif view.technique is Technique.VR and view.look is None:
            from render import presets

            changes["look"], _ = presets.resolve(presets.choose(self.volume, {}), self.volume)
        elif view.technique is Technique.SSD and not view.surfaces:
            raise RenderError("recipe", "A surface picture needs a threshold.")
        if view.camera is None:
            changes["camera"] = cameras.standard(self.volume, "A", view.size)
        return view.replace(**changes)

    # ---- planes

    @property
    def regular(self) -> Volume:
        """The volume on a regular grid: itself, or its display copy."""
        if self._regular is None:
            self._regular = display_copy(self.volume)
        return self._regular

    def _plane(self, view: View, cancelled: Stop | None) -> Rgb:
        plane, window = view.plane, view.window
        assert plane is not None
        assert window is not None
        thin = 2 if view.quality == "drag" else 1
        rgb = planes.picture(self.volume, plane, view.size, window, view.slab, view.interpolation, cancelled, thin)
        if any(s.visible and s.overlay != "none" and s.colour for s in view.segments):
            self._outline(rgb, view, cancelled)
        return rgb

    def _outline(self, rgb: Rgb, view: View, cancelled: Stop | None) -> None:
        """Draw the view's segments over a plane."""
        from render import segments
        from render.caster import labels, portions

        plane, shown = view.plane, self._kept().segmented(view, cancelled)
        assert plane is not None
        assert shown is not None
        into = np.linalg.inv(shown.affine_lps)
        start = into[:3, :3] @ planes.corner(plane, view.size) + into[:3, 3]
        right = into[:3, :3] @ np.array(plane.right_lps) * plane.mm_per_pixel
        down = into[:3, :3] @ np.array(plane.down_lps) * plane.mm_per_pixel
        found = np.empty(rgb.shape[:2], dtype=np.uint8)
        portions.run(
            lambda first, end: labels.on_plane(shown.labels, start, right, down, first, end, found),
            len(found), 64, cancelled,
        )  # fmt: skip
        segments.draw_on_plane(rgb, found, view.segments, view.scale)

    # ---- scenes

    def _empty(self, view: View) -> dict[int, str]:
        """Names of the view's surfaces of which nothing is there, by their place.

        Raises
        ------
        RenderError
            code ``empty``: nothing else is to be drawn.
        """
        if view.is_plane or view.technique not in {Technique.VR, Technique.SSD}:
            return {}
        from render import surface

        asked = [n for n, s in enumerate(view.surfaces) if s.visible and s.opacity > 0]
        empty = [n for n in asked if surface.is_empty(self.volume, view.surfaces[n])]
        if empty == asked and asked and view.technique is Technique.SSD and not view.planes:
            raise RenderError("empty", surface.NOTHING)
        return {n: self._surface_name(view.surfaces[n]) for n in empty}

    def _surface_name(self, surface: Surface) -> str:
        low, unit = tones.as_shown(self.volume, surface.low)
        band = f"{low:g}" if surface.high is None else f"{low:g} to {tones.as_shown(self.volume, surface.high)[0]:g}"
        return " ".join(x for x in (surface.name or "surface", band, unit) if x)

    def share(self, other: Engine) -> None:
        """Take over another engine's display copy of the same volume, where it has made one."""
        if self._regular is None and other._regular is not None and other.volume is self.volume:
            self._regular = other._regular

    def close(self) -> None:
        """Give up what is still being made for this volume; pictures may be asked for again."""
        if self._space is not None:
            self._space.close()

    def _kept(self) -> Space:
        from render.caster.space import Space

        if self._space is None:
            self._space = Space(self.regular, self.volume, self.segmentation)
        return self._space

    def pick(self, view: View, x: float, y: float) -> Vector | None:
        """The place in the patient (LPS mm) that a pixel shows, or None where it shows nothing.

        On a plane it is the point of the plane; in 3D the depth is where half of the light has been stopped
        (volume rendering), the voxel shown (MIP, MinIP), or the surface.

        Parameters
        ----------
        x, y : pixels, the centre of the top left one is (0, 0)
        """
        view = self.completed(view)
        if view.plane is not None:
            corner = planes.corner(view.plane, view.size)
            right, down = np.array(view.plane.right_lps), np.array(view.plane.down_lps)
            return planes.vector(corner + (x * right + y * down) * view.plane.mm_per_pixel)
        return self._kept().pick(view, x, y)

    def _scene(self, view: View, cancelled: Stop | None, share: float | None) -> tuple[Rgb, str]:
        space = self._kept()
        space.share = share
        renderer = view.renderer or self.renderer or CASTER
        if view.technique is Technique.SSD:
            return space.surfaces(view, inverted=self.volume.inverted, cancelled=cancelled), SURFACES
        if renderer == CASTER:
            return space.cast(view, inverted=self.volume.inverted, cancelled=cancelled), CASTER
        begun = time.perf_counter()
        try:
            rgb = self._by_vtk(view, renderer, cancelled)
        except RenderError as error:
            if view.renderer:
                raise  # a recipe names its renderer: another one would give another picture
            self._fall_back("" if error.code == "texture" else "gave no picture")
            rgb = None
        if rgb is None:
            return space.cast(view, inverted=self.volume.inverted, cancelled=cancelled), CASTER
        if not view.renderer and view.quality == "drag":
            self._crawled = self._crawled + 1 if time.perf_counter() - begun > _CRAWLS_S else 0
            if self._crawled >= _CRAWLS_TIMES:
                self._fall_back("was too slow under the hand")
        return rgb, renderer

    def _by_vtk(self, view: View, renderer: str, cancelled: Stop | None) -> Rgb | None:
        """A picture by a mapper of VTK; None where it does not draw this and the caster may."""
        try:
            from render.pipeline import mappers
        except ImportError as error:  # no OpenGL library at all
            raise RenderError("no_gl", "OpenGL cannot be started here, so this renderer is not available.") from error
        mask = self._mask_for_card(view, cancelled) if renderer == GPU else None
        cannot = bool(mappers.beyond(view)) or (bool(view.segments) and mask is None)
        return None if cannot and not view.renderer else mappers.draw(self.regular, view, renderer, mask)

    def _fall_back(self, why: str) -> None:
        """A card that failed or crawls is not asked again for this volume; whoever keeps the choice is told."""
        self.renderer = CASTER
        if why and self.on_fallback is not None:
            self.on_fallback(why)

    def _mask_for_card(self, view: View, cancelled: Stop | None) -> npt.NDArray[np.uint8] | None:
        """255 where a view's segments are shown, on the volume's grid; None where the labels have another."""
        if not view.segments:
            return None
        found = self._kept().segmented(view, cancelled)
        if found is None or found.labels.shape != self.regular.geometry.shape:
            return None
        from render.segments import looks

        look = looks(view.segments)[:, 0] > 0
        key = (found.digest, look.tobytes())
        if self._card_mask is None or self._card_mask[0] != key:
            self._card_mask = (key, (look[found.labels] * np.uint8(255)).astype(np.uint8))
        return self._card_mask[1]

    # ---- letters, texts, meaning

    def _edges(self, view: View) -> tuple[str, str, str, str]:
        if cameras.NO_SIDES.intersection(self.volume.findings):
            return ("", "", "", "")
        right, down = _axes(view)
        return cameras.letters(right, down)

    def _write(
        self, rgb: Rgb, view: View, labels: Labels, letters: tuple[str, str, str, str]
    ) -> tuple[float, float, float] | None:
        if view.overlays == "none":
            return None
        from render import text

        if view.plane is not None:
            thick = view.slab.thickness_mm / 2 if view.slab else 0.0
            near = thick + 0.5 * planes.step_mm(self.volume, view.plane) + 1e-6
            drawn = text.marks_in_plane(view, view.plane, near)
            scale_bar: float | None = view.plane.mm_per_pixel
        else:
            assert view.camera is not None
            drawn = tuple(
                (mark, cameras.project(view.camera, view.size, mark.points_lps_mm)[:, :2]) for mark in view.marks
            )
            scale_bar = cameras.mm_per_pixel(view.camera, view.size) if view.camera.parallel else None
        known = not cameras.NO_MILLIMETRES.intersection(self.volume.findings)
        text.marks(rgb, drawn, view.scale)
        return text.write(
            rgb,
            labels,
            letters=letters,
            mm_per_pixel=scale_bar if known else None,
            minimal=view.overlays == "minimal",
            scale=view.scale,
            cube=view.camera if view.plane is None else None,
        )

    def _finished(
        self,
        rgb: Rgb,
        view: View,
        renderer: str,
        letters: tuple[str, str, str, str],
        seconds: float,
        cube: tuple[float, float, float] | None,
        notes: tuple[str, ...],
    ) -> Picture:
        right, down = _axes(view)
        corner: npt.NDArray[np.float64] | None = None
        scale: float | None = None
        if view.plane is not None:
            corner, scale = planes.corner(view.plane, view.size), view.plane.mm_per_pixel
        elif view.camera is not None and view.camera.parallel:
            scale = cameras.mm_per_pixel(view.camera, view.size)
            half = (view.size[0] - 1) / 2 * right + (view.size[1] - 1) / 2 * down
            corner = np.array(view.camera.focal_lps_mm) - half * scale
        placed = corner is not None
        return Picture(
            rgb=rgb,
            view=view,
            renderer=renderer,
            seconds=seconds,
            letters=letters,
            corner_lps_mm=planes.vector(corner) if corner is not None else None,
            right_lps=planes.vector(right) if placed else None,
            down_lps=planes.vector(down) if placed else None,
            mm_per_pixel=scale,
            cube=cube,
            notes=notes,
        )


def _without(view: View, empty: Collection[int]) -> View:
    """The view as it can be drawn: surfaces of which nothing is there are left out."""
    if not empty:
        return view
    return view.replace(surfaces=tuple(s for n, s in enumerate(view.surfaces) if n not in empty))


def _told(labels: Labels, empty: Mapping[int, str]) -> Labels:
    """The texts with a badge for each surface of which nothing is there."""
    if not empty:
        return labels
    return msgspec.structs.replace(labels, badges=(*labels.badges, *(f"EMPTY: {n.upper()}" for n in empty.values())))


def _notes(empty: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(f"There is nothing of {name} in this volume, so the picture is without it." for name in empty.values())


def _axes(view: View) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if view.plane is not None:
        return np.array(view.plane.right_lps), np.array(view.plane.down_lps)
    assert view.camera is not None
    right, down, _ = cameras.axes(view.camera)
    return right, down
