"""Between the panes and everything else: wishes of tools, keys and panels become views, acts and edits."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from render import camera as cameras
from render.errors import RenderError
from render.view import Camera, Labels, Mark, ScenePlane, Surface, Technique, Vector, View, Window
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.case.edits import SetView, SetViews
from workstation.desk.arrival import Arrival
from workstation.window import words
from workstation.window.captions import labels_for
from workstation.window.gestures import Gestures
from workstation.window.models.awaited import polygons
from workstation.window.models.oblique import degrees_off, lines_in, meeting, same_directions
from workstation.window.models.scene import PANES, PLANES, Scene
from workstation.window.pictures import Pictures
from workstation.window.scenery import Scenery
from workstation.window.tools.base import Pointer, lps_of
from workstation.window.tools.measure import on_plane

if TYPE_CHECKING:
    from render.picture import Picture
    from render.stage import Stage
    from render.volume import Volume
    from workstation.desk.session import Session
    from workstation.window.actions import Actions
    from workstation.window.fourup import FourUp
    from workstation.window.viewport import Pane, Viewport

_RESIZE_MS = 50
_TURN_S = 0.25
# name, letters and badges never go (clinical rules 2): the least is "minimal"
_OVERLAYS: tuple[Literal["screen", "minimal"], ...] = ("screen", "minimal")
BONE_HU = 226.0
_TOLD = {
    "camera": "Move the 3D view",
    "look": "Choose a look",
    "crop": "Change what is cut away",
    "threshold": "Move the threshold",
    "window": "Change the window",
}
"""What undo takes back, in words."""


class Stagehand(QObject):
    """Serves one opened case in the panes.

    Signals: `changed(pane)` a view changed; `hover(text)` what lies under the pointer; `made(text)` by whom and how
    fast the newest picture was made; `surfaced()` the 3D pane's technique or threshold changed.
    """

    changed = Signal(str)
    hover = Signal(str)
    made = Signal(str)
    surfaced = Signal()
    phase_wanted = Signal(int)

    def __init__(
        self, session: Session | Arrival, stage: Stage, panes: dict[str, Pane], fourup: FourUp, actions: Actions
    ) -> None:
        super().__init__(fourup)
        self.session = session
        self.touched = False
        self._awaited: dict[str, tuple[int, ...]] = {session.volume.digest: session.volume.awaited}
        self._kin: dict[str, int] = {session.volume.digest: 0}
        self._later_volume: Volume | None = None
        self.scene = Scene(session.display, {**session.facts, **_case_facts(session)})
        self.active = "axial"
        self.tool = "pointer"
        self.overlays: Literal["screen", "minimal"] = "screen"
        self.motion = True
        """Whether the eye travels to another side; without it it is there at once."""
        self._stage = stage
        self._panes = panes
        self._fourup = fourup
        self._actions = actions
        self._before: dict[str, View] = {}
        self._shown_scene = False
        self._noted: dict[str, tuple[str, ...]] = {}
        self._resets: dict[str, int] = {}
        self.over = True
        self._initial: dict[str, View] = {}
        self._turning: tuple[View, Camera, float] | None = None
        self._turn_timer = QTimer(self)
        self._turn_timer.setInterval(15)
        self._turn_timer.timeout.connect(self._turn_on)
        self._planes_asked: tuple[ScenePlane, ...] = ()
        self.scenery = Scenery(self)
        self.gestures = Gestures(self, actions)
        self._pictures = Pictures(stage, self)
        self._resize = QTimer(self)
        self._resize.setSingleShot(True)
        self._resize.setInterval(_RESIZE_MS)
        self._resize.timeout.connect(self.refit)
        self.changed.connect(lambda _pane: self.gestures.show_box())
        self._pictures.landed.connect(self._paint)
        self._pictures.refused.connect(self._refuse)
        self._pictures.reached.connect(self._tell_share)
        self._pictures.wanted.connect(partial(self.request, quality="drag"))

    # Coming and going.

    def begin(self) -> None:
        """Show the case: the panes at their sizes, the views of the last session if there are any."""
        self.over = False
        self._stage.set_volume(self.session.volume)  # the stage makes its own regular copy for 3D
        for name in PANES:
            self._fit(name)
        self._initial = dict(self.scene.views)
        if isinstance(self.session, Arrival):
            self._stand_point()
            self.activate(self.active)
            self.viewports()["3d"].blank(self._waiting_words())
            self.request(*PLANES)
            return
        self.session.use_stage(self._stage)
        self._number_phases()
        self._stand_as_left(self.session)
        self._stand_point()
        self.activate(self.active)
        self.request(*self._fourup.shown())
        for name in PANES:
            self.changed.emit(name)

    def _stand_as_left(self, session: Session) -> None:
        """The panes as the last session of this case left them; the crosshair goes to the slice where it ended."""
        kept = session.case.views
        self.scene.adopt({name: view for name, view in kept.items() if name in {"axial", "3d"}})
        if "axial" not in kept:
            return
        planes = [kept[name].plane for name in PLANES if name in kept]
        meet = meeting([plane for plane in planes if plane is not None])
        self.scene.centre(self.scene.foot("axial") if meet is None else meet)
        turned = {n: v.plane for n, v in kept.items() if n in {"coronal", "sagittal"} and v.plane is not None}
        self.scene.direct(turned)

    def _stand_point(self) -> None:
        for name, viewport in self.viewports().items():
            viewport.set_cross(self.scene.point, lines_in(name, self.scene.views) if name in PLANES else ())

    # A volume that is still coming, and other phases of the same place.

    @property
    def loading(self) -> bool:
        """Whether slices are still awaited: looking works, nothing can be measured, captured or kept."""
        return self.session.volume.loading

    @property
    def whole(self) -> Session:
        """The session; what measures or keeps asks for it, and is refused while the volume is coming."""
        if isinstance(self.session, Arrival):
            raise InputRefused("loading", "This waits until all slices are there.")
        return self.session

    def _waiting_words(self) -> str:
        volume = self.session.volume
        of = volume.geometry.shape[0]
        return f"3D comes when all slices are there: {of - len(volume.awaited)} of {of}"

    def advance(self, volume: Volume) -> None:
        """A later state of the volume that is coming; at most one is drawn at a time."""
        if self.over or not isinstance(self.session, Arrival):
            return
        if any(self._pictures.waits(pane) for pane in self._fourup.shown() if pane in PLANES):
            self._later_volume = volume
            return
        self._later_volume = None
        self.session.take(volume)
        self._awaited = {volume.digest: volume.awaited}
        self.scene.replace(volume)
        self._stage.set_volume(volume)
        self.viewports()["3d"].blank(self._waiting_words())
        self.request(*PLANES)

    def complete(self, session: Session) -> None:
        """All slices are there: the same place goes on with the whole volume, and 3D comes."""
        before, initial = self.scene, self._initial
        self.session = session
        self._awaited, self._later_volume = {}, None
        self._pictures.forget()
        self.scene = Scene(session.display, {**session.facts, **_case_facts(session)})
        for name in PANES:
            self._fit(name)
        self._initial = dict(self.scene.views)
        self._stage.set_volume(session.volume)
        session.use_stage(self._stage)
        self._number_phases()
        if self.touched:
            windowed = before.views["axial"].window != initial["axial"].window
            self.scene.carry(before, window=windowed)
            self._keep_planes(self._initial, "Turn planes")  # turned while slices were coming
        else:
            self._stand_as_left(session)
        self._stand_point()
        self.request(*self._fourup.shown())
        for name in PANES:
            self.changed.emit(name)

    @property
    def busy(self) -> bool:
        """Whether a picture that was asked for has not come yet."""
        return any(self._pictures.on_its_way(name) for name in self._fourup.shown())

    def _number_phases(self) -> None:
        if not isinstance(self.session, Arrival):
            self._kin[self.session.volume.digest] = self.session.phases.index

    def phase_changed(self, *, moving: bool = False) -> None:
        """The session shows another phase: place, window and look stay."""
        assert not isinstance(self.session, Arrival)
        self._kin[self.session.volume.digest] = self.session.phases.index
        self.scene.replace(self.session.display)
        digest = self.session.volume.digest
        self._initial = {name: view.replace(volume=digest) for name, view in self._initial.items()}
        self._pictures.forget()
        self._stage.set_volume(self.session.volume)
        self.request(*(n for n in self._fourup.shown() if n in PLANES))
        self.request("3d", quality="drag" if moving else "settled")

    def _here(self, view: View) -> View:
        """A view of another phase of this series, on the phase that is shown."""
        return view.replace(volume=self.scene.volume.digest) if view.volume in self._kin else view

    def end(self) -> None:
        """Nothing of this case reaches a pane from now on."""
        self.over = True
        self.gestures.end()
        self._resize.stop()
        for viewport in self.viewports().values():
            viewport.blank()

    def viewports(self) -> dict[str, Viewport]:
        """The panes' viewports by name."""
        return {name: pane.viewport for name, pane in self._panes.items()}

    # Pictures.

    def view(self, pane: str = "") -> View:
        """The view of a pane; "" is the active one."""
        return self.scene.views[pane or self.active]

    def dressed(self, pane: str, quality: Literal["drag", "settled", "record"]) -> View:
        """The view as it is asked for: with the measurements that lie in it, and what is written into it."""
        view = self.scene.views[pane]
        marks: tuple[Mark, ...] = ()
        if view.plane is not None:
            reach = max(2.0, view.slab.thickness_mm / 2 if view.slab else 0.0)
            here = {"", self.session.volume.digest}  # what was measured on another volume is shown only there
            marks = tuple(
                m.mark()
                for m in self.session.case.measurements
                if m.volume in here and on_plane(view, m.points_lps_mm, within_mm=reach)
            )
        overlays = "record" if quality == "record" else self.overlays
        view = view.replace(quality=quality, overlays=overlays, marks=marks)
        scene = self.scene.views["3d"]
        if view.plane is not None:
            return view.replace(segments=scene.segments)
        shown = self.scene.planes_shown
        opacity = scene.planes[0].opacity if scene.planes else 1.0
        return view.replace(planes=self.scene.scene_planes(shown, opacity), lines=bool(shown))

    def request(self, *panes: str, quality: Literal["drag", "settled"] = "settled") -> None:
        """Ask for new pictures of these panes; hidden ones are asked for when they are shown."""
        if self.over:
            return
        shown = self._fourup.shown()
        if "3d" not in panes and self._planes_moved():
            panes = (*panes, "3d")  # the planes in it went along
        for name in sorted(panes, key=lambda name: name == "3d"):  # three slices are there before the first ray
            if name not in shown or (name == "3d" and self.loading):
                continue
            if quality == "drag" and self._pictures.put_off(name):
                continue
            if self.scene.views[name].size != self.viewports()[name].device_size():
                self._fit(name)  # a tool, or undo, came back to a view of before the pane changed its size
            self._pictures.ask(
                self.viewports()[name], self.scene.views[name], self.dressed(name, quality), self._labels
            )

    def _labels(self, view: View) -> Labels:
        return labels_for(self.session, view)

    def _planes_moved(self) -> bool:
        """Whether the planes in the 3D picture stand elsewhere than when it was asked for last."""
        now = self.dressed("3d", "settled").planes
        moved = now != self._planes_asked
        self._planes_asked = now
        return moved

    def _landed(self, pane: str) -> None:
        """A pane's picture came: what the hand wished meanwhile goes next."""
        self._pictures.over(pane)
        if self._later_volume is not None:
            self.advance(self._later_volume)

    def _paint(self, pane: str, picture: Picture) -> None:
        # a picture of another volume, or one that comes after the case was closed, never reaches a pane
        if self.over or picture.view.volume not in {"", self.scene.volume.digest}:
            return
        awaited = self._awaited.get(picture.view.volume, ())
        self.viewports()[pane].show_picture(picture, polygons(picture.view, self.session.volume, awaited))
        self._tell_notes(pane, picture.notes)
        self._landed(pane)
        how = {"drag": "moving", "settled": "settled", "record": "record"}[picture.view.quality]
        if pane in {"3d", self.active}:
            self.made.emit(f"{picture.renderer} · {how} · {picture.seconds * 1000:.0f} ms")
        if pane == "3d" and not self._shown_scene and picture.view.quality != "drag":
            self._shown_scene = True
            session = self.session
            if not isinstance(session, Arrival) and session.actor is not None:
                self.guarded(lambda: session.scene_shown(self.scene.views["3d"]))

    def _tell_notes(self, pane: str, notes: tuple[str, ...]) -> None:
        """Say what is to be known of a picture, once; its badge stays."""
        new = [note for note in notes if note not in self._noted.get(pane, ())]
        self._noted[pane] = notes
        if new:
            self._actions.say(" ".join(new), "wants")

    def _tell_share(self, pane: str, share: float) -> None:
        if not self.over:
            self.viewports()[pane].show_share(share)

    def _refuse(self, pane: str, sentence: str) -> None:
        if not self.over:
            self.viewports()[pane].refuse(sentence)
            self._landed(pane)

    def guarded(self, act: Any) -> bool:
        """Do an act of the session; a refusal is said, not raised. Whether it was done."""
        try:
            act()
        except (RenderDeskError, RenderError) as refusal:
            self._actions.say(refusal.sentence, "refused")
            return False
        return True

    # Sizes.

    def later(self) -> None:
        """A pane changed its size: ask for pictures when it has come to rest."""
        self._resize.start()

    def refit(self) -> None:
        """Ask for pictures at the sizes that the panes have now."""
        for name in self._fourup.shown():
            self._fit(name)
        self.request(*self._fourup.shown())

    def _fit(self, name: str) -> None:
        viewport = self.viewports()[name]
        self.scene.resize(name, viewport.device_size(), viewport.devicePixelRatioF())

    def activate(self, pane: str) -> None:
        """Keys act on this pane from now on."""
        self.active = pane
        for name, frame in self._panes.items():
            frame.set_active(name == pane)
        self.changed.emit(pane)

    def next_pane(self, step: int = 1) -> None:
        """The next shown pane."""
        shown = self._fourup.shown()
        place = shown.index(self.active) if self.active in shown else -step
        self.activate(shown[(place + step) % len(shown)])
        self.viewports()[self.active].setFocus()

    def keep(self, pane: str, before: View, what: str, active_s: float) -> None:
        """A deliberate change is complete: it can be undone, and a 3D one is journaled as the person's steering."""
        after = self.scene.views[pane]
        if after == before:
            return
        self.touched = True
        session = self.session
        if isinstance(session, Arrival):
            return  # nothing of a volume that is still coming is kept
        if pane in PLANES and (after.window, after.slab) != (before.window, before.slab):
            # window and slab are shared: the case keeps them with the first plane
            told = _TOLD["window"]
            self.guarded(lambda: session.do(SetView(pane="axial", view=self.scene.views["axial"], words=told)))
        elif pane == "3d":
            told = _TOLD.get(what, "")
            self.guarded(lambda: session.do(SetView(pane=pane, view=after, words=told)))
        if pane == "3d" and session.actor is not None:
            self.guarded(lambda: session.steered(before, after, what, round(active_s, 2)))

    def tell_region(self) -> str:
        """Journal the region as the acting person set it; its words."""
        box = self.scene.crop
        told = "everything"
        if box is not None:
            sides = (f"{b - a:.0f}" for a, b in zip(box.low_lps_mm, box.high_lps_mm, strict=True))
            told = " x ".join(sides) + " mm"
        if self.session.actor is not None:
            self.guarded(lambda: self.whole.set_region("crop", told, box))
        return told

    def uncrop(self) -> None:
        """Everything again."""
        if self.scene.crop is None:
            return
        before = self.scene.views["3d"]
        self.scene.set_crop(None)
        self.request("3d")
        self.keep("3d", before, "crop", 0.0)
        self.tell_region()
        self.changed.emit("3d")

    def hovered(self, viewport: Viewport, at: Pointer | None) -> None:
        """Say what lies under the pointer."""
        view = viewport.view
        if at is None or view is None or view.plane is None:
            self.hover.emit("")
            return
        point = lps_of(view, at)
        if point is None:
            return
        volume = self.session.volume
        number = self.scene.value_at(point, volume)
        if number is not None and round(float(volume.geometry.to_index(point)[0])) in volume.awaited:
            told = "still loading"
        else:
            told = "outside" if number is None else words.voxel(number, volume)
        self.hover.emit(f"{told} at {words.place(point, sided=self.scene.sided)}")

    # Acts by key, menu and panel.

    def centre(self, point: Vector) -> None:
        """Move the crosshair; every plane goes through it."""
        self.touched = True
        moved = self.scene.centre(point)
        self._stand_point()
        self.request(*moved)
        for pane in moved:
            self.changed.emit(pane)

    def tilt(
        self, before: dict[str, View], names: tuple[str, ...], axis_lps: Vector, degrees: float, *, done: bool
    ) -> None:
        """Turn planes about the crosshair, from where they stood before; once it is complete it can be undone."""
        self.touched = True
        self.scene.tilt(before, names, axis_lps, degrees)
        self._stand_point()
        self.request(*PLANES, quality="settled" if done else "drag")
        for pane in PLANES:
            self.changed.emit(pane)
        if done:
            self._keep_planes(before, "Turn planes")

    def straighten(self) -> bool:
        """All planes straight again, about the crosshair; whether any was turned."""
        before = {name: self.scene.views[name] for name in PLANES}
        if not self.scene.oblique:
            return False
        self.scene.straighten()
        self._stand_point()
        self.request(*PLANES)
        for pane in PLANES:
            self.changed.emit(pane)
        self._keep_planes(before, "Set planes straight")
        return True

    def _keep_planes(self, before: dict[str, View], words_: str) -> None:
        """Turned planes are an edit: kept with the case, and undone together."""
        session = self.session
        now: dict[str, View | None] = {name: self.scene.views[name] for name in PLANES}
        planes = [(self.scene.views[name].plane, before[name].plane) for name in PLANES]
        if isinstance(session, Arrival) or all(a and b and same_directions(a, b) for a, b in planes):
            return
        self.guarded(lambda: session.do(SetViews(views=now, words=words_)))

    def scroll(self, steps: int, pane: str = "") -> None:
        """Go on by slices."""
        self._after_scroll(self.scene.scroll(pane or self.active, steps))

    def scroll_to_end(self, end: Literal["first", "last"]) -> None:
        """The first or last slice."""
        self._after_scroll(self.scene.scroll_to_end(self.active, end))

    def _after_scroll(self, moved: tuple[str, ...]) -> None:
        self.touched = True
        self._stand_point()
        self.request(*moved)
        for pane in moved:
            self.changed.emit(pane)

    def set_window(self, window: Window) -> None:
        """Window of the active pane (the planes share theirs); a volume rendering leaves it to the planes."""
        pane = self.active if self.view().window is not None else "axial"
        before = self.scene.views[pane]
        self.request(*self.scene.set_window(window, pane))
        self.keep(pane, before, "window", 0.0)
        self.changed.emit(pane)

    def window_key(self, digit: int) -> None:
        """Window preset of a number key."""
        if digit == 0:
            pane = self.active if self.view().window is not None else "axial"
            self.set_window(self.scene.file_window(self.view(pane).window))
            return
        presets = self.scene.window_presets()
        if digit > len(presets):
            raise InputRefused("no_window_preset", f"There is no window preset {digit} for these values.")
        title, window = presets[digit - 1]
        self.set_window(window)
        self._actions.say(f"Window: {title}, {words.window(window)}")

    def set_slab(self, mode: Literal["off", "mip", "minip", "mean"], mm: float | None = None) -> None:
        """Slab of the planes."""
        if self.loading:
            raise InputRefused("loading", "Slabs wait until all slices are there.")
        before = self.scene.views["axial"]
        self.request(*self.scene.set_slab(mode, mm))
        self._stand_point()
        self.keep("axial", before, "window", 0.0)
        for pane in PLANES:
            self.changed.emit(pane)

    def slab_step(self, direction: int) -> None:
        """Thicker or thinner."""
        slab = self.scene.views["axial"].slab
        self.set_slab(slab.mode if slab else "mip", self.scene.slab_step(direction))

    def set_preset(self, name: str) -> None:
        """A look for the 3D pane, chosen by a person."""
        before = self.scene.views["3d"]
        after = self.scene.set_preset(name)
        self.request("3d")
        self.keep("3d", before, "look", 0.0)
        from render import presets

        title = presets.get(name).title
        if self.session.actor is not None:
            self.guarded(lambda: self.whole.set_tissues("preset", [title], after.look.name if after.look else name))
        self.surfaced.emit()
        self.changed.emit("3d")

    def technique(self, name: str) -> None:
        """Volume rendering, MIP or surface in the 3D pane."""
        if name == "vr":
            self.set_preset(self._vr_preset())
        elif name == "mip":
            self.set_preset("mip")
        else:
            self.set_surface(self.surface() or Surface(low=self.threshold_start(), name="surface"))

    def _vr_preset(self) -> str:
        from render import presets

        if self.scene.preset in {"mip", "minip", "mean"}:
            return presets.choose(self.scene.volume, self.scene.facts)
        return self.scene.preset

    def threshold_start(self) -> float:
        """Where a surface begins: bone in HU; else the foreground's own threshold (Otsu)."""
        if self.scene.volume.units == "HU":
            return BONE_HU
        from render import tones

        return float(tones.otsu(tones.thinned(self.scene.volume)))

    def threshold_range(self) -> tuple[float, float]:
        """Lowest and highest threshold that the slider offers."""
        if self.scene.volume.units == "HU":
            return (-500.0, 1500.0)
        return (float(self.scene.volume.voxels.min()), float(self.scene.volume.voxels.max()))

    def surface(self) -> Surface | None:
        """The surface in hand of the 3D pane, or None where it shows none."""
        view = self.scene.views["3d"]
        if view.technique not in {Technique.SSD, Technique.VR} or not view.surfaces:
            return None
        return view.surfaces[min(self.scenery.surface_in_hand, len(view.surfaces) - 1)]

    def set_surface(self, surface: Surface | None, *, done: bool = True, active_s: float = 0.0) -> None:
        """Show a threshold surface; `done` False while the slider moves."""
        if surface is None:
            self.technique("vr")
            return
        before = self._before.setdefault("3d", self.scene.views["3d"])
        self.scenery.put_surface(surface)
        self.request("3d", quality="settled" if done else "drag")
        self.changed.emit("3d")
        if not done:
            return
        self._before.pop("3d", None)
        self.keep("3d", before, "threshold", active_s)
        self.surfaced.emit()
        if self.session.actor is not None and self.scene.views["3d"] != before:
            told = f"surface at {words.voxel(surface.low, self.session.volume)}"
            self.guarded(lambda: self.whole.set_tissues("threshold", [surface.name or told], told))

    def stop_turning(self) -> None:
        """A hand takes hold of the picture while the eye travels."""
        self._turning = None

    def turn_to(self, letter: str) -> None:
        """Turn the 3D eye to one of the six sides, in a quarter of a second; place and zoom stay."""
        before = self.scene.views["3d"]
        if before.camera is None:
            return
        if before.camera.position_lps_mm == cameras.facing(before.camera, letter).position_lps_mm:
            return
        self._turning = (before, cameras.facing(before.camera, letter), time.monotonic())
        self._turn_timer.start()
        self._turn_on()

    def _turn_on(self) -> None:
        """The next eye on the way; the last one is kept as one act."""
        if self._turning is None or self.over:
            self._turn_timer.stop()
            return
        before, target, began = self._turning
        assert before.camera is not None
        share = min(1.0, (time.monotonic() - began) / _TURN_S) if self.motion else 1.0
        eased = share * share * (3 - 2 * share)
        camera = cameras.between(before.camera, target, eased)
        self.scene.views["3d"] = self.scene.views["3d"].replace(camera=camera)
        if share < 1:
            self.request("3d", quality="drag")
            return
        self._turning = None
        self._turn_timer.stop()
        self.request("3d")
        self.keep("3d", before, "camera", 0.0)
        self.changed.emit("3d")

    def change_scene(self, after: View, what: str, *, done: bool = True) -> None:
        """Show another 3D view; once it is complete it can be undone, and a person's change is journaled."""
        before = self._before.setdefault("3d", self.scene.views["3d"])
        self.scene.views["3d"] = after
        self.scene.crop = after.crop
        self.request("3d", quality="settled" if done else "drag")
        self.changed.emit("3d")
        if done:
            self._before.pop("3d", None)
            self.keep("3d", before, what, 0.0)
            self.surfaced.emit()

    def uncut(self) -> None:
        """Without cutting planes."""
        self.scenery.remove_clips()

    def toggle_planes(self) -> None:
        """The planes into the 3D picture, or out of it."""
        self.scenery.toggle_planes()

    def guide(self, pane: str, outline: tuple[Vector, ...]) -> None:
        """Draw the outline of a cutting plane over a pane; () takes it away."""
        self.viewports()[pane].set_guide(outline)

    def stand_at(self, letter: str) -> None:
        """The 3D eye at one of the six standard places."""
        if not self.scene.sided:
            raise InputRefused("no_sides", "Nobody knows where this volume's front is; turn it by hand, R goes back.")
        before = self.scene.views["3d"]
        self.scene.stand(letter)
        self.request("3d")
        self.keep("3d", before, "camera", 0.0)
        self.changed.emit("3d")

    def reset(self) -> None:
        """The active pane at its standard place; asked again at once, with its first look and window.

        Planes that were turned go back together, and stay where they are in their panes.
        """
        pane = self.active
        if pane in PLANES and self.straighten():
            self._actions.say("The planes are straight again.")
            return
        before = self.scene.views[pane]
        framed = self.scene.frame(pane)
        if pane == "3d" and before.camera == framed.camera and pane in self._initial:
            first = self._initial[pane]
            self.scene.views[pane] = framed.replace(
                technique=first.technique, look=first.look, window=first.window, surfaces=(), crop=None, clips=()
            )
            self.scene.crop = None
        elif pane != "3d" and before.plane == framed.plane:
            window = self._initial[pane].window
            if window is not None:
                self.scene.set_window(window, pane)
            self.scene.set_slab("off")
        self.request(*(PLANES if pane in PLANES else (pane,)))
        self.keep(pane, before, "camera", 0.0)
        self.surfaced.emit()
        self.changed.emit(pane)

    def next_overlays(self) -> None:
        """Full or minimal; the state is said, so that nobody thinks the data are gone."""
        self.overlays = _OVERLAYS[(_OVERLAYS.index(self.overlays) + 1) % len(_OVERLAYS)]
        self.request(*PANES)
        told = {"screen": "full", "minimal": "minimal; I brings the rest back"}[self.overlays]
        self._actions.say(f"Overlays: {told}")

    def toggle_cross(self) -> None:
        """Hide or show the crosshair; its point stays."""
        for viewport in self.viewports().values():
            viewport.show_cross = not viewport.show_cross
            viewport.update()

    def show(self, pane: str, view: View, what: str = "look") -> None:
        """Put a view into a pane (from a panel): kept as an edit, journaled in 3D."""
        mine = self.scene.views[pane]
        before = mine
        self.scene.views[pane] = view.replace(
            size=mine.size, scale=mine.scale, quality="settled", overlays=mine.overlays, marks=(), renderer="", mask=""
        )
        self.scene.crop = self.scene.views["3d"].crop
        self.request(pane)
        self.keep(pane, before, what, 0.0)
        if pane == "3d" and what == "crop":
            self.tell_region()
        self.surfaced.emit()
        self.changed.emit(pane)

    def stand(self, view: View) -> None:
        """Put the panes where a picture was made, on the phase that it shows."""
        if view.volume in self._kin and view.volume != self.scene.volume.digest:
            self.phase_wanted.emit(self._kin[view.volume])
            view = self._here(view)
        pane = words.pane_of(view)
        if view.plane is not None:
            if degrees_off(view.plane, pane) == 0:
                self.scene.straighten()
            self.centre(view.plane.centre_lps_mm)
            mine = self.scene.views[pane]
            mm = view.plane.mm_per_pixel * min(view.size) / min(mine.size)
            self.scene.views[pane] = mine.replace(plane=msgspec.structs.replace(view.plane, mm_per_pixel=mm))
            self._stand_point()
        changed = self.scene.adopt({pane: view})
        self.activate(pane)
        self.request(pane, *changed, *(PLANES if view.plane is not None else ()))
        self.surfaced.emit()
        for name in {pane, *changed}:
            self.changed.emit(name)

    def follow(self, kind: str) -> None:
        """The case changed: measurements are drawn anew."""
        if self.over:
            return
        if kind == "measurements":
            self.request(*PLANES)

    def take_back(self) -> None:
        """Undo or redo changed the case: the panes show what it says now.

        The planes keep their place: going through slices is no edit, their window and slab are.
        """
        views = {name: self.session.case.views.get(name, self._initial.get(name)) for name in PANES}
        said = {name: view.plane for name, view in views.items() if view is not None and view.plane is not None}
        turned = self.scene.direct(said)
        wanted = {name: self._here(view) for name in ("axial", "3d") if (view := views[name]) is not None}
        mine = self.scene.views["axial"]
        wanted["axial"] = wanted["axial"].replace(plane=mine.plane, size=mine.size, scale=mine.scale)
        changed = tuple(dict.fromkeys((*turned, *self.scene.adopt(wanted))))
        if turned:
            self._stand_point()
        if "3d" in changed:
            changed = tuple(dict.fromkeys((*changed, *PLANES)))  # its segments stand in the planes too
            self.scenery.show_guides()
        self.request(*changed)
        if "3d" in changed:
            self.surfaced.emit()
        for pane in changed:
            self.changed.emit(pane)

    def record_view(self, pane: str = "") -> View:
        """The active view as a picture for the record, at least 1000 pixels on its shorter side."""
        view = self.dressed(pane or self.active, "record")
        factor = max(1.0, 1000 / min(view.size))
        size = (round(view.size[0] * factor), round(view.size[1] * factor))
        # texts as large as on a page that is 800 points high, whatever the pane's size and the screen's scale were
        # a record picture is black behind and as bright far as near
        view = view.replace(size=size, scale=min(size) / 800, background=("000000", "000000"), cue=0.0)
        if view.plane is not None:
            mm = view.plane.mm_per_pixel / factor
            return view.replace(plane=msgspec.structs.replace(view.plane, mm_per_pixel=mm))
        return view

    def orientation(self) -> str:
        """Where the 3D eye stands, in words."""
        camera = self.scene.views["3d"].camera
        return "" if camera is None else cameras.angles(camera)


def _case_facts(session: Session | Arrival) -> dict[str, Any]:
    """What the study says of itself, for the choice of a preset."""
    series = next((s for s in session.series if s.series_uid == session.found.series_uid), None)
    return {
        "study_description": session.case.study_description,
        "series_description": series.description if series else "",
        "modality": session.volume.modality,
    }
