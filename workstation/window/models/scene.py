"""The four panes as values in patient space: one point, one window for the planes, one eye. No Qt, no session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from render import camera as cameras
from render import planes, presets
from render.geometry import Geometry
from render.view import Box, Camera, Clip, Plane, ScenePlane, Slab, Surface, Technique, Vector, View, Window, Within
from render.volume import Volume
from workstation.base.errors import InputRefused
from workstation.window.models import oblique
from workstation.window.theme import tokens

PLANES = ("axial", "coronal", "sagittal")
PANES = (*PLANES, "3d")
SLAB_STEPS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0)
_BRAIN_HU = 150.0  # windows of the brain are 40 to 130 wide, those of other soft tissue 250 and more
_LUMEN, _EVEN_HU = (120.0, 800.0), 30.0  # contrast-filled blood, and how even it is, noise included
_START_SIZE = (512, 512)
# Wheel towards the person leads to the feet, the back, the patient's right: the sign along the plane's normal.
_AIR_HU = -900.0  # what is darker on a plane in 3D is the air around the body: it is not drawn
BACKGROUND = ("0b0f14", "020304")
"""Of the 3D pane on screen, from top to bottom; a record picture is black."""
CUE = 0.25
_ONWARD = {"axial": -1.0, "coronal": 1.0, "sagittal": 1.0}


class Scene:
    """All that the panes show of one volume.

    Parameters
    ----------
    volume : the display copy (regular grid)
    facts : what the series says of itself, for the choice of a preset
    """

    def __init__(self, volume: Volume, facts: Mapping[str, Any]) -> None:
        self.volume = volume
        self.facts = facts
        self.point: Vector = _middle(volume)
        self.preset = presets.choose(volume, facts)
        # a volume that is still coming shows planes alone; its 3D waits, and so does what needs all of its values
        part = arrived(volume) if volume.loading else volume
        self.crop: Box | None = None
        self.views: dict[str, View] = {}
        self._windows = presets.window_presets(volume.modality, part)
        window = narrow_window(volume) or (self._windows[0][1] if self._windows else _full(part))
        for name in PLANES:
            self.views[name] = View(
                technique=Technique.MPR,
                size=_START_SIZE,
                volume=volume.digest,
                plane=planes.standard(volume, name, self.point, _START_SIZE),
                window=window,
                overlays="screen",
                quality="settled",
            )
        self.views["3d"] = View(technique=Technique.VR, size=_START_SIZE, volume=volume.digest)
        self.slab_mm = 10.0
        if volume.loading:
            return
        look, _ = presets.resolve(self.preset, volume)
        self.views["3d"] = View(
            technique=Technique.VR,
            size=_START_SIZE,
            volume=volume.digest,
            camera=cameras.standard(
                volume, "A", _START_SIZE, threshold=presets.framing(self.preset, look), within=look.within
            ),
            look=look,
            overlays="screen",
            quality="settled",
            background=BACKGROUND,
            cue=CUE,
        )

    def replace(self, volume: Volume) -> None:
        """Another volume of the same grid: a later state of one that comes, another phase. All views stay."""
        self.volume = volume
        for name, view in self.views.items():
            self.views[name] = view.replace(volume=volume.digest)

    def carry(self, before: Scene, *, window: bool) -> None:
        """Go on where another scene of the same place stood: its point, planes, sizes; its window if wanted."""
        self.slab_mm = before.slab_mm
        for name in PLANES:
            old = before.views[name]
            changed = self.views[name].replace(plane=old.plane, size=old.size, scale=old.scale)
            self.views[name] = changed.replace(window=old.window) if window else changed
        self.centre(before.point)
        self.resize("3d", before.views["3d"].size, before.views["3d"].scale)

    @property
    def sided(self) -> bool:
        """Whether the volume says how it lies in the patient."""
        return cameras.NO_SIDES.isdisjoint(self.volume.findings)

    # Windows and looks that there are.

    def window_presets(self) -> list[tuple[str, Window]]:
        """(title, window) in the order of the number keys 1 to 9; further ones are in the menu alone."""
        return list(self._windows)

    def file_window(self, after: Window | None = None) -> Window:
        """The file's own window; asked again, its next one, then the full range."""
        own = [Window(center=c, width=w) for c, w in self.volume.file_windows if w > 0]
        choices = [*own, _full(self.volume)]
        for place, choice in enumerate(choices):
            if after is not None and (choice.center, choice.width) == (after.center, after.width):
                return choices[(place + 1) % len(choices)]
        return choices[0]

    # Sizes and places.

    def resize(self, pane: str, size: tuple[int, int], scale: float) -> View:
        """The pane's view at another size: what is seen of the patient stays the same."""
        view = self.views[pane]
        if view.size == size and view.scale == scale:
            return view
        changed = view.replace(size=size, scale=scale)
        if view.plane is not None:
            if view.size == _START_SIZE and view.scale == 1.0:
                changed = changed.replace(plane=planes.fit(self.volume, view.plane, size))
            else:
                mm = view.plane.mm_per_pixel * min(view.size) / min(size)
                changed = changed.replace(plane=msgspec.structs.replace(view.plane, mm_per_pixel=mm))
        elif view.camera is not None:
            # a wider or narrower pane keeps the shorter side's millimetres
            shorter = view.camera.height_mm * min(view.size) / view.size[1]
            height = shorter * size[1] / min(size)
            changed = changed.replace(camera=msgspec.structs.replace(view.camera, height_mm=height))
        self.views[pane] = changed
        return changed

    def frame(self, pane: str) -> View:
        """The pane's view at its standard place and size; a 3D eye goes to the front."""
        view = self.views[pane]
        if view.plane is not None:
            plane = planes.standard(self.volume, pane, self.point, view.size)
            view = view.replace(plane=planes.fit(self.volume, plane, view.size))
        else:
            view = view.replace(camera=self._eye("A"))
        self.views[pane] = view
        return view

    # Planes that stand obliquely.

    @property
    def oblique(self) -> tuple[str, ...]:
        """Names of the planes that are turned away from their standard place."""
        standing = {name: self.views[name].plane for name in PLANES}
        return tuple(name for name, plane in standing.items() if plane is not None and oblique.degrees_off(plane, name))

    def tilt(self, before: Mapping[str, View], names: tuple[str, ...], axis_lps: Vector, degrees: float) -> None:
        """Turn planes about the crosshair, from where they stood before; the others stand as before.

        Parameters
        ----------
        axis_lps : axis, right-handed
        """
        for name in PLANES:
            plane = oblique.turned(before[name], axis_lps, degrees, self.point) if name in names else before[name]
            self.views[name] = self.views[name].replace(plane=plane.plane)

    def direct(self, like: Mapping[str, Plane]) -> tuple[str, ...]:
        """Give planes these directions; crosshair, place and zoom stay. The panes whose plane changed."""
        changed = []
        for name, plane in like.items():
            mine = self.views[name].plane
            if mine is not None and not oblique.same_directions(mine, plane):
                self.views[name] = oblique.directed(self.views[name], plane, self.point)
                changed.append(name)
        return tuple(changed)

    def straighten(self) -> tuple[str, ...]:
        """All planes at their standard directions through the crosshair; the panes whose plane changed."""
        return self.direct({name: self.fill_plane(name) for name in PLANES})

    def fill_plane(self, pane: str) -> Plane:
        """The standard plane of a pane through the point."""
        return planes.standard(self.volume, pane, self.point, self.views[pane].size)

    def centre(self, point: Vector) -> tuple[str, ...]:
        """Move the crosshair; the panes whose plane moved."""
        low, high = self.volume.geometry.bounds_lps_mm
        self.point = planes.vector(np.clip(point, low, high))
        moved = []
        for name in PLANES:
            plane = self.views[name].plane
            assert plane is not None
            after = planes.through(plane, self.point)
            if float(np.abs(np.subtract(after.centre_lps_mm, plane.centre_lps_mm)).max()) > 1e-4:
                self.views[name] = self.views[name].replace(plane=after)
                moved.append(name)
        return tuple(moved)

    def scroll(self, pane: str, steps: float) -> tuple[str, ...]:
        """Go on by slices (negative: back), along the pane's normal; the crosshair goes along."""
        view = self.views[pane]
        if view.plane is None:
            return ()
        mm = steps * planes.step_mm(self.volume, view.plane) * _ONWARD[pane]
        return self.centre(planes.vector(np.array(self.point) + mm * planes.normal(view.plane)))

    def scroll_to_end(self, pane: str, end: Literal["first", "last"]) -> tuple[str, ...]:
        """The first or last slice of the pane's direction."""
        view = self.views[pane]
        if view.plane is None:
            return ()
        n = planes.normal(view.plane) * _ONWARD[pane]
        corners = self.volume.geometry.corners_lps_mm @ n
        target = float(corners.min() if end == "first" else corners.max())
        return self.centre(planes.vector(np.array(self.point) + (target - float(np.array(self.point) @ n)) * n))

    def value_at(self, point: Vector, volume: Volume | None = None) -> float | None:
        """The voxel's value at a point, nearest neighbour; None outside."""
        of = volume or self.volume
        index = np.rint(of.geometry.to_index(point)).astype(int)
        if (index < 0).any() or (index >= np.array(of.geometry.shape)).any():
            return None
        return float(of.voxels[tuple(index)])

    def lumen_here(self) -> float | None:
        """Contrast under the crosshair, where it stands in a filled vessel: what vessel looks scale to.

        A ball of 2.5 mm must be homogeneous and dense enough to be blood with contrast; bone is neither.
        """
        volume = self.volume
        if volume.units != "HU":
            return None
        index = np.rint(volume.geometry.to_index(self.point)).astype(int)
        half = np.maximum(np.rint(2.5 / np.array(volume.geometry.spacing_mm)).astype(int), 1)
        low, high = index - half, index + half + 1
        if (low < 0).any() or (high > np.array(volume.geometry.shape)).any():
            return None
        values = volume.voxels[low[0] : high[0], low[1] : high[1], low[2] : high[2]].astype(float)
        mean, spread = float(values.mean()), float(values.std())
        return mean if _LUMEN[0] <= mean <= _LUMEN[1] and spread <= _EVEN_HU else None

    # What stands in the 3D picture besides the volume.

    @property
    def planes_shown(self) -> tuple[str, ...]:
        """Names of the planes that stand in the 3D picture."""
        view = self.views["3d"]
        return tuple(p.name for p in view.planes) if view.technique in {Technique.VR, Technique.SSD} else ()

    def show_planes(self, names: tuple[str, ...], opacity: float | None = None) -> View:
        """Stand these planes into the 3D picture, where they are now; none takes them out."""
        view = self.views["3d"]
        if names and view.technique not in {Technique.VR, Technique.SSD}:
            raise InputRefused("no_planes", "Planes stand in a volume rendering or a surface; a projection has none.")
        share = opacity if opacity is not None else next((p.opacity for p in view.planes), 1.0)
        self.views["3d"] = view.replace(planes=self.scene_planes(names, share))
        return self.views["3d"]

    def scene_planes(self, names: tuple[str, ...], opacity: float) -> tuple[ScenePlane, ...]:
        """The planes as they stand now, with their window."""
        made = []
        for name in (n for n in PLANES if n in names):
            view = self.views[name]
            assert view.plane is not None
            assert view.window is not None
            made.append(
                ScenePlane(
                    point_lps_mm=view.plane.centre_lps_mm,
                    normal_lps=planes.vector(planes.normal(view.plane)),
                    window=view.window,
                    opacity=opacity,
                    outline=tokens.PLANES[name].removeprefix("#").lower(),
                    clear_below=_AIR_HU if self.volume.units == "HU" else None,
                    name=name,
                )
            )
        return tuple(made)

    def clip_along_view(self) -> Clip:
        """A cutting plane through the crosshair that takes away what lies in front of it."""
        camera = self.views["3d"].camera
        assert camera is not None
        _, _, forward = cameras.axes(camera)
        return Clip(point_lps_mm=self.point, normal_lps=planes.vector(forward))

    def reach(self, normal: Vector) -> tuple[float, float]:
        """How far the volume's corners lie along a direction, mm in the patient (low, high)."""
        along = self.volume.geometry.corners_lps_mm @ np.array(normal)
        return float(along.min()), float(along.max())

    def cut_outline(self, clip: Clip) -> tuple[Vector, ...]:
        """Corners of a cutting plane within the volume, in order around it; () where it misses it."""
        return outline_of(self.volume.geometry.corners_lps_mm, clip)

    # Changes of how it looks; each gives the panes that are to be painted anew.

    def set_window(self, window: Window, pane: str) -> tuple[str, ...]:
        """Window of the planes together, or of the 3D projection."""
        if self.views[pane].window is None:
            raise InputRefused("no_window", "A volume rendering has no window; change its look, or choose MIP.")
        panes = PLANES if pane in PLANES else (pane,)
        for name in panes:
            self.views[name] = self.views[name].replace(window=window)
        return panes

    def set_slab(self, mode: Literal["off", "mip", "minip", "mean"], mm: float | None = None) -> tuple[str, ...]:
        """Slab of the planes together."""
        if mm is not None:
            self.slab_mm = mm
        slab = None if mode == "off" else Slab(mode=mode, thickness_mm=self.slab_mm)
        for name in PLANES:
            self.views[name] = self.views[name].replace(slab=slab)
        return PLANES

    def slab_step(self, direction: int) -> float:
        """The next thickness up or down."""
        near = min(range(len(SLAB_STEPS)), key=lambda k: abs(SLAB_STEPS[k] - self.slab_mm))
        return SLAB_STEPS[max(0, min(len(SLAB_STEPS) - 1, near + direction))]

    def set_preset(self, name: str) -> View:
        """A look by name for the 3D pane; vessel looks scale to the lumen under the crosshair."""
        look, window = presets.resolve(name, self.volume, lumen=self.lumen_here())
        view = self.views["3d"]
        projections = {"mip": Technique.MIP, "minip": Technique.MINIP, "mean": Technique.MEAN}
        if name in projections:
            window = window or _full(self.volume)
            view = view.replace(technique=projections[name], look=None, window=window, surfaces=())
        else:
            # surfaces beside a volume stay when its look changes; a picture of surfaces alone becomes the volume
            kept = view.surfaces if view.technique is Technique.VR else ()
            view = view.replace(technique=Technique.VR, look=look, window=None, surfaces=kept)
        self.preset = name
        self.views["3d"] = view
        return view

    def set_surfaces(self, surfaces: tuple[Surface, ...]) -> View:
        """Surfaces at thresholds in the 3D pane."""
        view = self.views["3d"].replace(technique=Technique.SSD, surfaces=surfaces, look=None, window=None)
        self.views["3d"] = view
        return view

    def stand(self, letter: str) -> View:
        """The 3D eye at one of the six standard places, the object framed."""
        view = self.views["3d"]
        self.views["3d"] = view.replace(camera=self._eye(letter))
        return self.views["3d"]

    def _eye(self, letter: str) -> Camera:
        """A standard eye, framed on what the look (or surface) shows of the object."""
        view = self.views["3d"]
        if view.surfaces:
            threshold: float | None = min(s.low for s in view.surfaces)
            within: Within = ""
        else:
            threshold = presets.framing(self.preset, view.look) if view.look is not None else None
            within = view.look.within if view.look is not None and view.technique is Technique.VR else ""
        return cameras.standard(self.volume, letter, view.size, threshold=threshold, within=within)

    def set_crop(self, crop: Box | None) -> View:
        """The region that the 3D pane shows."""
        self.crop = crop
        self.views["3d"] = self.views["3d"].replace(crop=crop)
        return self.views["3d"]

    def adopt(self, views: Mapping[str, View]) -> tuple[str, ...]:
        """Take views over (undo, an earlier session, a capture's recipe): sizes stay those of the panes.

        The planes share their window and slab, so the one that changed tells the others.
        """
        changed: set[str] = set()
        for name, view in views.items():
            if name not in self.views or view.volume not in {"", self.volume.digest}:
                continue
            mine = self.views[name]
            fitted = _fitted(view, mine)
            if fitted == mine:
                continue
            changed.add(name)
            self.views[name] = fitted
            if fitted.plane is not None:
                for other in PLANES:
                    if other != name and (self.views[other].window, self.views[other].slab) != (
                        fitted.window,
                        fitted.slab,
                    ):
                        self.views[other] = self.views[other].replace(window=fitted.window, slab=fitted.slab)
                        changed.add(other)
            else:
                self.crop = fitted.crop
                self.preset = self._preset_of(fitted)
        return tuple(sorted(changed))

    def foot(self, pane: str) -> Vector:
        """The point's foot on the pane's plane."""
        plane = self.views[pane].plane
        if plane is None:
            return self.point
        n = planes.normal(plane)
        return planes.vector(np.array(self.point) + float((np.array(plane.centre_lps_mm) - self.point) @ n) * n)

    def _preset_of(self, view: View) -> str:
        """The preset whose look a view has; the one so far when it has none of its own."""
        if view.technique in {Technique.MIP, Technique.MINIP, Technique.MEAN}:
            return str(view.technique.value)
        name = view.look.name if view.look is not None else ""
        return name if name in presets.names() else self.preset


def _fitted(view: View, mine: View) -> View:
    """A view at the size of a pane, showing as many millimetres along its shorter side."""
    fitted = view.replace(
        size=mine.size, scale=mine.scale, quality="settled", overlays=mine.overlays, marks=(), renderer="",
        step_mm=None, mask="", background=mine.background, cue=mine.cue,
    )  # fmt: skip
    if view.plane is not None:
        fitted = fitted.replace(segments=())  # those of the 3D picture stand in the planes too
    if view.plane is not None:
        mm = view.plane.mm_per_pixel * min(view.size) / min(mine.size)
        return fitted.replace(plane=msgspec.structs.replace(view.plane, mm_per_pixel=mm))
    if view.camera is not None:
        height = view.camera.height_mm * min(view.size) / view.size[1] * mine.size[1] / min(mine.size)
        return fitted.replace(camera=msgspec.structs.replace(view.camera, height_mm=height))
    return fitted


def outline_of(corners: npt.NDArray[np.float64], clip: Clip) -> tuple[Vector, ...]:
    """Where a plane passes a box, its corners in order around it.

    Parameters
    ----------
    corners : (8, 3) LPS mm, counted in binary along the three axes
    """
    n = np.array(clip.normal_lps) / max(float(np.linalg.norm(clip.normal_lps)), 1e-12)
    side = (corners - np.array(clip.point_lps_mm)) @ n
    found = []
    for a in range(8):
        for bit in (1, 2, 4):
            b = a | bit
            if b != a and side[a] * side[b] < 0:
                share = side[a] / (side[a] - side[b])
                found.append(corners[a] + share * (corners[b] - corners[a]))
    if len(found) < 3:
        return ()
    points = np.array(found)
    middle = points.mean(axis=0)
    right = points[0] - middle
    right /= max(float(np.linalg.norm(right)), 1e-9)
    turn = np.arctan2((points - middle) @ np.cross(n, right), (points - middle) @ right)
    return tuple(planes.vector(p) for p in points[np.argsort(turn)])


def narrow_window(volume: Volume) -> Window | None:
    """The file's own window where it is one for the brain: soft tissue's would show nothing of grey and white matter.

    Wide ones (lung, bone) are not taken over: they say how somebody looked once, and hide the organs.
    """
    if volume.units != "HU" or not volume.file_windows:
        return None
    centre, width = volume.file_windows[0]
    return Window(center=centre, width=width) if 0 < width <= _BRAIN_HU else None


def _middle(volume: Volume) -> Vector:
    """The middle of the volume, on a voxel's centre: the first slice shown is one that was acquired."""
    index = [(n - 1) // 2 for n in volume.geometry.shape]
    return planes.vector(volume.geometry.to_lps(index))


def _full(volume: Volume) -> Window:
    low, high = float(volume.voxels.min()), float(volume.voxels.max())
    return Window(center=(low + high) / 2, width=max(1.0, high - low))


def arrived(volume: Volume) -> Volume:
    """The slices of a coming volume that are there, the first run of them, as a volume: what windows are made from."""
    missing = set(volume.awaited)
    there = [k for k in range(volume.geometry.shape[0]) if k not in missing]
    first = there[0] if there else 0
    last = first
    while last + 1 in there:
        last += 1
    affine = volume.geometry.affine_lps.copy()
    affine[:3, 3] = volume.geometry.to_lps((first, 0, 0))
    shape = (last - first + 1, *volume.geometry.shape[1:])
    return replace(
        volume,
        voxels=volume.voxels[first : last + 1],
        geometry=Geometry(shape, affine, volume.geometry.frame_of_reference),
        positions_lps=None,
        awaited=(),
        filled=(),
        source_uids=(),
        digest=f"{volume.digest} {first} {last}",
    )
