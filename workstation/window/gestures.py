"""What the mouse does in the panes: which tool a press takes up, and what its effects become."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer

from render import planes
from render.errors import RenderError
from render.view import View
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.window.models.oblique import lines_in
from workstation.window.models.scene import PLANES
from workstation.window.tools.base import (
    Cross,
    Effect,
    Face,
    Measure,
    Pointer,
    Preview,
    Refused,
    Region,
    Tilt,
    Tool,
    Turn,
)
from workstation.window.tools.clip import ClipTool
from workstation.window.tools.crop import CropTool, box_from, sides_at
from workstation.window.tools.cross import CrossTool, TurnTool, grip_at
from workstation.window.tools.cube import CubeTool, face_at
from workstation.window.tools.eye import PanTool, RotateTool, ZoomTool, zoomed
from workstation.window.tools.measure import AngleTool, LengthTool, PointsTool
from workstation.window.tools.window import WindowTool

if TYPE_CHECKING:
    from workstation.window.actions import Actions
    from workstation.window.stagehand import Stagehand
    from workstation.window.viewport import Viewport

TOOLS = ("pointer", "window", "crosshair", "pan", "zoom", "length", "angle", "crop", "clip")
_SETTLE_MS = 220


class Gestures(QObject):
    """Tools in the panes of one stagehand."""

    def __init__(self, hand: Stagehand, actions: Actions) -> None:
        super().__init__(hand)
        self._hand = hand
        self._actions = actions
        self._measuring: PointsTool | None = None
        self._before: dict[str, View] = {}
        self._tilted: dict[str, View] | None = None
        self._bursts: dict[str, tuple[View, float]] = {}
        self._wheel = 0.0
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._settled)

    def end(self) -> None:
        """Nothing of this case is asked for any more."""
        self._settle.stop()

    def choose_tool(self, name: str) -> None:
        """Take a tool into the hand."""
        if self._hand.loading and name in {"length", "angle", "crop"}:
            raise InputRefused("loading", "Measuring and cropping wait until all slices are there.")
        self._hand.tool = name
        self._drop_preview()
        self._measuring = {"length": LengthTool, "angle": AngleTool}[name]() if name in {"length", "angle"} else None
        self._wheel = 0.0
        self._hand.scenery.tool_chosen()
        self.show_box()

    def show_box(self) -> None:
        """The crop as it stands, in the planes, while its tool is in the hand."""
        box = self._hand.scene.crop if self._hand.tool == "crop" else None
        for name, viewport in self._hand.viewports().items():
            viewport.set_box(box if name in PLANES else None)

    def leave(self) -> None:
        """Esc: first what is half drawn, then the tool."""
        if self._measuring is not None and self._measuring.begun:
            self._measuring.cancel()
            self._drop_preview()
        else:
            self._actions.run("tool.pointer")

    def _drop_preview(self) -> None:
        for viewport in self._hand.viewports().values():
            viewport.set_preview(None)
            viewport.set_region(None)

    def tool_for(self, viewport: Viewport, button: Qt.MouseButton, at: Pointer) -> Tool | None:
        """Which tool a press would start here; without a button: which one follows the pointer."""
        view = viewport.view
        if view is None or self._hand.over:
            return None
        plane = view.plane is not None
        if button == Qt.MouseButton.MiddleButton:
            return PanTool()
        if button == Qt.MouseButton.RightButton:
            return ZoomTool()
        if button == Qt.MouseButton.NoButton and at.shift and plane:
            follow = CrossTool(self._hand.scene.point)
            follow.press(view, None, at)
            return follow
        letter = self._cube_face(viewport, at)
        if letter:
            return CubeTool(letter)
        if at.shift:
            return PanTool()
        if self._measuring is not None:
            return self._measuring
        if self._hand.tool == "pan":
            return PanTool()
        if self._hand.tool == "zoom":
            return ZoomTool()
        if self._hand.tool == "crop":
            crop = self._hand.scene.crop
            return CropTool(crop, sides_at(view, crop, at))
        if self._hand.tool == "clip" and not plane:
            return ClipTool(self._hand.scenery.clip_in_hand)
        if not plane:
            return WindowTool() if self._hand.tool == "window" else RotateTool()
        cross = self._cross(viewport, view, at)
        if isinstance(cross, TurnTool):
            return cross if self._hand.tool in {"pointer", "crosshair"} else WindowTool()
        if self._hand.tool == "crosshair":
            return CrossTool(self._hand.scene.point)
        if self._hand.tool == "pointer" and cross is not None:
            return cross
        return WindowTool()

    def _cross(self, viewport: Viewport, view: View, at: Pointer) -> Tool | None:
        """What a press on the crosshair takes up, where it is shown and under the pointer."""
        if not viewport.show_cross:
            return None
        point, views = self._hand.scene.point, self._hand.scene.views
        lines = lines_in(viewport.name, views)
        grip = grip_at(view, point, at, lines)
        if grip is None:
            return None
        if grip.part == "turn" and grip.line is not None:
            return TurnTool(point, grip.line, tuple(name for name in PLANES if name != viewport.name))
        return CrossTool(point, grip)

    @staticmethod
    def _cube_face(viewport: Viewport, at: Pointer) -> str:
        picture = viewport.picture
        if picture is None or picture.cube is None or picture.view.camera is None:
            return ""
        return face_at(picture.view.camera, picture.cube, at.x, at.y)

    def effect(self, viewport: Viewport, effect: Effect, seconds: float) -> None:
        """Carry out what a tool wants."""
        pane = viewport.name
        if isinstance(effect, Turn):
            self._turn(pane, effect, seconds)
        elif isinstance(effect, Cross):
            self._hand.centre(effect.point_lps_mm)
        elif isinstance(effect, Tilt):
            self._tilt(effect)
        elif isinstance(effect, Preview):
            viewport.set_preview(effect, self._number(effect))
        elif isinstance(effect, Measure):
            viewport.set_preview(None)
            self._hand.guarded(lambda: self._measure(effect))
        elif isinstance(effect, Region):
            self._region(viewport, effect, seconds)
        elif isinstance(effect, Face):
            self._hand.turn_to(effect.letter)
        elif isinstance(effect, Refused):
            self._actions.say(effect.sentence, "wants")

    def _turn(self, pane: str, effect: Turn, seconds: float) -> None:
        self._hand.stop_turning()
        before = self._before.setdefault(pane, self._hand.scene.views[pane])
        if effect.what == "window" and effect.view.window is not None:
            panes = self._hand.scene.set_window(effect.view.window, pane)
        else:
            self._hand.scene.views[pane] = effect.view
            panes = (pane,)
        self._hand.request(*panes, quality="settled" if effect.done else "drag")
        self._hand.changed.emit(pane)
        if pane == "3d" and effect.view.clips:
            self._hand.scenery.show_guides()
        if effect.done:
            self._before.pop(pane, None)
            self._hand.keep(pane, before, effect.what, seconds)
            if effect.what == "crop" and pane == "3d":
                self._hand.scenery.tell_clips()

    def _tilt(self, effect: Tilt) -> None:
        """Planes turn under the hand; what Alt left standing goes back to where it was."""
        scene = self._hand.scene
        before = self._tilted or {name: scene.views[name] for name in PLANES}
        self._tilted = None if effect.done else before
        self._hand.tilt(before, effect.planes, effect.axis_lps, effect.degrees, done=effect.done)
        if effect.done:
            turned = scene.oblique
            told = " and ".join(name for name in PLANES if name in effect.planes).capitalize()
            by = f"{told} turned by {abs(effect.degrees):.0f}°; R sets the planes straight."
            self._actions.say(by if turned else "The planes are straight again.")

    def _number(self, preview: Preview) -> str:
        want = 2 if preview.kind == "length" else 3
        if len(preview.points_lps_mm) < want:
            return ""
        try:
            plane = self._hand.view(self._hand.active)
            normal = planes.vector(planes.normal(plane.plane)) if plane.plane is not None else None
            return self._hand.whole.preview(preview.kind, preview.points_lps_mm, normal).printed
        except (RenderDeskError, RenderError):
            return ""  # while points still coincide there is no number to show

    def _measure(self, effect: Measure) -> None:
        kind = effect.kind
        count = 1 + sum(m.kind == kind for m in self._hand.session.case.measurements)
        made = self._hand.whole.measure(
            kind, effect.points_lps_mm, plane_normal=effect.plane_normal_lps, name=f"{kind.capitalize()} {count}"
        )
        reasons = f" ({'; '.join(made.measured.reasons)})" if made.measured.reasons else ""
        self._actions.say(f"{made.name}: {made.measured.printed}, proposed{reasons}", "done")

    def _region(self, viewport: Viewport, effect: Region, seconds: float) -> None:
        if not effect.done:
            viewport.set_region(effect)
            return
        viewport.set_region(None)
        box = box_from(effect, self._hand.scene.volume.geometry.bounds_lps_mm, self._hand.scene.crop)
        if box is None:
            self._actions.say("The crop box is too small; drag from corner to corner.", "wants")
            return
        before = self._hand.scene.views["3d"]
        self._hand.scene.set_crop(box)
        self._hand.request("3d")
        self._hand.keep("3d", before, "crop", seconds)
        self._actions.say(f"3D shows a region of {self._hand.tell_region()}; Shift+X shows everything again.", "done")
        self._hand.changed.emit("3d")

    def wheel(self, viewport: Viewport, steps: float, at: Pointer) -> None:
        """Slices; in 3D, or with Ctrl, zoom at the pointer."""
        pane = viewport.name
        view = self._hand.scene.views[pane]
        if view.plane is None or at.ctrl:
            now = time.monotonic()
            self._bursts.setdefault(pane, (view, now))
            self._hand.scene.views[pane] = zoomed(view, 1.12**steps, at if view.plane is not None else None)
            self._hand.request(pane, quality="drag")
            self._hand.changed.emit(pane)
            self._settle.start()
            return
        self._wheel += -steps
        whole = int(self._wheel)
        if whole:
            self._wheel -= whole
            self._hand.scroll(whole, pane)

    def _settled(self) -> None:
        for pane, (before, began) in self._bursts.items():
            self._hand.request(pane)
            what = "plane" if before.is_plane else "camera"
            self._hand.keep(pane, before, what, max(0.0, time.monotonic() - began - _SETTLE_MS / 1000))
        self._bursts.clear()
