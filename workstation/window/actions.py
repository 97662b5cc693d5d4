"""Every action of the window, declared once: words, key, icon. Menus, tooltips, palette, key sheet read this list."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from render.errors import RenderError
from workstation.base.errors import RenderDeskError
from workstation.window.icons import icon
from workstation.window.jobs import DEFECT, Jobs, Work, sentence_of

if TYPE_CHECKING:
    from render.view import Surface, Vector, View
    from workstation.case.model import Capture
    from workstation.window.stagehand import Stagehand

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Declared:
    """An action: `keys` as Qt writes them, the first is shown; `case` ones need an open case."""

    id: str
    title: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    group: str = "Program"
    case: bool = True
    checkable: bool = False
    shown_keys: str = ""
    """How a key that the panes handle themselves (digits, arrows, mouse) is printed."""


_VIEWS = (("A", "anterior"), ("P", "posterior"), ("L", "left"), ("R", "right"), ("S", "above"), ("I", "below"))
_KEYPAD = {"A": "keypad 1", "P": "Shift+keypad 1", "L": "keypad 3", "R": "Shift+keypad 3", "S": "keypad 7"}
_KEYPAD["I"] = "Shift+keypad 7"

DECLARED: tuple[Declared, ...] = (
    Declared("palette", "Find an action ...", ("Ctrl+K",), "magnifying-glass", case=False),
    Declared("keys", "Keys and mouse", ("?",), "keyboard", case=False),
    Declared("library", "Study list", ("Ctrl+L",), "house", case=False),
    Declared("charges.worklist", "Charges: the biller's worklist", ("Ctrl+Shift+B",), "receipt", case=False),
    Declared("charges.figures", "Charges: figures of the department", (), "receipt", case=False),
    Declared("charges.payers", "Charges: what payers want", (), "receipt", case=False),
    Declared("charges.site", "Charges: site, tables and receivers", (), "receipt", case=False),
    Declared("import", "Import files or a ZIP ...", ("Ctrl+O",), "upload-simple", case=False),
    Declared("import_folder", "Import folder ...", (), "folder-open", case=False),
    Declared("switch_user", "Switch user ...", ("Ctrl+U",), "user-switch", case=False),
    Declared("lock", "Lock the screen", ("Ctrl+Shift+L",), "lock-simple", case=False),
    Declared("account", "Make an account ...", (), "user", case=False),
    Declared("quit", "Quit", ("Ctrl+Q",), "sign-out", case=False),
    Declared("close_case", "Close the case", ("Ctrl+W",), "x", group="Case"),
    Declared("undo", "Undo", ("Ctrl+Z",), "arrow-counter-clockwise", group="Case"),
    Declared("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "arrow-clockwise", group="Case"),
    Declared("capture", "Capture the active pane", ("P",), "camera", group="Case"),
    Declared("next_point", "Go to the next open point", ("F8",), "warning-circle", group="Case"),
    Declared("panel", "Hide or show the panel", ("F9",), "sidebar-simple", group="Case"),
    Declared("film", "Hide or show the film strip", ("F10",), "stack", group="Case"),
    Declared("step.load", "Step: Load", ("F2",), "folder-open", group="Case"),
    Declared("step.view", "Step: View", ("F3",), "cube", group="Case"),
    Declared("step.segment", "Step: Segment", ("F4",), "polygon", group="Case"),
    Declared("step.measure", "Step: Measure", ("F5",), "ruler", group="Case"),
    Declared("step.report", "Step: Report", ("F6",), "file-text", group="Case"),
    Declared("step.charge", "Step: Charge", ("F7",), "receipt", group="Case"),
    Declared("tool.pointer", "Pointer: window in planes, rotate in 3D", ("W", "T"), "cursor", "Tools", checkable=True),
    Declared(
        "tool.window", "Window: drag right wider, down brighter", ("Shift+W",), "circle-half", "Tools", checkable=True
    ),
    Declared("tool.crosshair", "Crosshair", ("C",), "crosshair-simple", "Tools", checkable=True),
    Declared("tool.pan", "Pan", ("M",), "hand", "Tools", checkable=True),
    Declared("tool.zoom", "Zoom", ("Z",), "magnifying-glass-plus", "Tools", checkable=True),
    Declared("tool.length", "Length", ("L",), "ruler", "Tools", checkable=True),
    Declared("tool.angle", "Angle", ("A",), "angle", "Tools", checkable=True),
    Declared("tool.crop", "Crop: drag a box in a plane", ("X",), "crop", "Tools", checkable=True),
    Declared(
        "tool.clip", "Cut: drag the cutting plane, Ctrl tilts it", ("Alt+X",), "scissors", "Tools", checkable=True
    ),
    Declared("clip", "Add a cutting plane along the view", ("Ctrl+Shift+X",), "scissors", "3D"),
    Declared("unclip", "Remove the cutting planes", (), "x", "3D"),
    Declared("planes3d", "Planes in 3D: show or hide", ("Shift+P",), "stack", "3D"),
    Declared("uncrop", "Remove the crop", ("Shift+X",), "x", "Tools"),
    Declared("delete", "Remove the newest measurement", ("Del",), "trash", "Tools"),
    Declared("leave", "Leave the tool", ("Esc",), "", "Tools"),
    Declared("reset", "Reset: planes straight, then the pane, then its preset", ("R",), "arrows-clockwise", "View"),
    Declared("maximise", "Maximise or restore the pane", ("Return",), "corners-out", "View", shown_keys="double-click"),
    Declared("info", "Overlays: full or minimal", ("I",), "eye", "View"),
    Declared("cross", "Show or hide the crosshair", ("Shift+C",), "crosshair-simple", "View"),
    Declared("next_pane", "Next pane", ("Tab",), "", "View", shown_keys="Tab"),
    Declared("cine", "Cine: run through the phases", ("Space",), "play", "View"),
    Declared("phase.on", "Next phase", ("]",), "caret-right", "View"),
    Declared("phase.back", "Phase before", ("[",), "caret-left", "View"),
    Declared("layout.four", "Layout: Four Up", ("Ctrl+1",), "squares-four", "Layout"),
    Declared("layout.3d", "Layout: 3D Primary", ("Ctrl+2",), "squares-four", "Layout"),
    Declared("layout.axial", "Layout: Axial Primary", ("Ctrl+3",), "squares-four", "Layout"),
    Declared("layout.mpr", "Layout: MPR 1 x 3", ("Ctrl+4",), "squares-four", "Layout"),
    Declared("layout.one", "Layout: One", ("Ctrl+5",), "squares-four", "Layout"),
    *(
        Declared(f"view.{letter}", f"3D from {words}", (f"Alt+{letter}",), "cube", "3D", shown_keys=_KEYPAD[letter])
        for letter, words in _VIEWS
    ),
    Declared("technique.vr", "Volume rendering (VR)", (), "cube", "3D"),
    Declared("technique.mip", "Maximum intensity (MIP)", (), "cube", "3D"),
    Declared("technique.ssd", "Shaded surface at a threshold (SSD)", (), "cube", "3D"),
    Declared("renderer.auto", "Renderer: what suits this machine", (), "cube", "Renderer", case=False),
    Declared("renderer.caster", "Renderer: CPU caster", (), "cube", "Renderer", case=False),
    Declared("renderer.gpu", "Renderer: graphics card (VTK)", (), "cube", "Renderer", case=False),
    Declared("renderer.again", "Renderer: try the graphics card again", (), "arrows-clockwise", "Renderer", case=False),
    Declared("slab.off", "Slab off", (), "stack", "Slab"),
    Declared("slab.mip", "Slab MIP", (), "stack", "Slab"),
    Declared("slab.minip", "Slab MinIP", (), "stack", "Slab"),
    Declared("slab.mean", "Slab mean", (), "stack", "Slab"),
    Declared("slab.thicker", "Slab thicker", ("Ctrl+Up",), "stack", "Slab"),
    Declared("slab.thinner", "Slab thinner", ("Ctrl+Down",), "stack", "Slab"),
)

# What can be done while a volume is still coming.
LOOKING = frozenset(
    ("close_case", "panel", "tool.pointer", "tool.window", "tool.crosshair", "tool.pan", "tool.zoom", "leave", "reset",
     "maximise", "info", "cross", "next_pane")
)  # fmt: skip

MOUSE: tuple[tuple[str, str], ...] = (
    ("Left drag in a plane", "window: right is wider, down is brighter"),
    ("Left drag on the crosshair", "its centre moves all planes, a line its own"),
    ("Left drag on a line's end", "turn the other planes; Shift: 15° steps, Alt: one alone"),
    ("Left drag in 3D", "rotate; Ctrl: roll freely"),
    ("Middle drag, Shift + left", "pan"),
    ("Right drag", "zoom; a click opens the menu"),
    ("Wheel", "next slice; in 3D zoom"),
    ("Ctrl + wheel", "zoom at the pointer"),
    ("Shift + move", "crosshair follows the pointer"),
    ("Double-click", "maximise, restore"),
    ("Up, Down, PgUp, PgDn, Home, End", "one slice, ten, first, last"),
    ("0 - 9", "window presets; 0 is the file's own"),
)


class Actions(QObject):
    """The declared actions as QActions, what panels may ask of the frame, and one status line.

    Handlers are bound by whoever can do the act; `run` calls them and turns a refusal into a sentence.
    """

    said = Signal(str, str)
    view_changed = Signal(str)
    capture_selected = Signal(str)
    listed = Signal()

    def __init__(self, owner: QWidget, jobs: Jobs) -> None:
        super().__init__(owner)
        self._jobs = jobs
        jobs.said.connect(self.said)
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._declared: dict[str, Declared] = {}
        self._actions: dict[str, QAction] = {}
        self._dynamic: list[str] = []
        self.stagehand: Stagehand | None = None
        self._go: Callable[[str], None] = lambda where: None
        for one in DECLARED:
            self._make(owner, one)

    def _make(self, owner: QWidget, one: Declared) -> None:
        action = QAction(one.title, owner)
        if one.icon:
            action.setIcon(icon(one.icon))
        keys = [key for key in one.keys if key not in {one.shown_keys, "Return"}]
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setCheckable(one.checkable)
        shown = self.keys_of(one)
        action.setToolTip(f"{one.title}  [{shown}]" if shown else one.title)
        action.triggered.connect(lambda *_: self.run(one.id))
        owner.addAction(action)
        self._declared[one.id] = one
        self._actions[one.id] = action

    @staticmethod
    def keys_of(one: Declared) -> str:
        """The keys as printed in tooltips and the key sheet."""
        words = [key for key in one.keys if key != "Return"] + ([one.shown_keys] if one.shown_keys else [])
        return ", ".join(dict.fromkeys(words))

    def bind(self, name: str, handler: Callable[..., Any]) -> None:
        """Say who does this act."""
        self._handlers[name] = handler

    def offer(self, items: list[tuple[str, str, str]]) -> None:
        """Replace the palette's changing entries (presets, windows, series): (id, title, group)."""
        self._dynamic = [name for name, _, _ in items]
        for name, title, group in items:
            self._declared[name] = Declared(name, title, group=group)
        self.listed.emit()

    def everything(self) -> list[tuple[Declared, bool]]:
        """All that can be found in the palette, each with whether it can be done now."""
        fixed = [(self._declared[name], action.isEnabled()) for name, action in self._actions.items()]
        return fixed + [(self._declared[name], True) for name in self._dynamic]

    def qaction(self, name: str) -> QAction:
        """The QAction for a button or menu."""
        return self._actions[name]

    def enable_case(self, there: bool) -> None:
        """Grey what needs an open case while none is open."""
        for name, action in self._actions.items():
            if self._declared[name].case:
                action.setEnabled(there)
        if not there:
            self.offer([])

    def enable_looking(self) -> None:
        """While a volume is still coming: what only looks can be done, what measures, captures or keeps cannot."""
        for name, action in self._actions.items():
            one = self._declared[name]
            if one.case:
                action.setEnabled(one.id in LOOKING or one.group == "Layout")
        self.offer([])

    def run(self, name: str, *args: Any) -> None:
        """Do it; a refusal becomes a sentence, a defect a line in the log."""
        handler = self._handlers.get(name)
        family = name.split(".", 1)
        if handler is None and len(family) == 2:
            general = self._handlers.get(f"{family[0]}.*")
            if general is not None:
                handler, args = general, (family[1], *args)
        if handler is None:
            self.say("This cannot be done here.", "info")
            return
        try:
            handler(*args)
        except (RenderDeskError, RenderError) as refusal:
            self.say(refusal.sentence, "refused")
        except Exception:  # noqa: BLE001 - a defect in one action must not take the window down
            _log.exception("action %s failed", name)
            self.say(DEFECT, "refused")

    def say(self, sentence: str, kind: str = "info") -> None:
        """One sentence on the status line; kind "info", "done", "wants" or "refused"."""
        self.said.emit(sentence, kind)

    def job(
        self,
        title: str,
        work: Work,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        *,
        lane: str = "",
    ) -> None:
        """Slow work on its lane's worker thread, with progress and cancel in the status bar."""
        self._jobs.start(title, work, done, failed, lane=lane)

    def refused(self, error: BaseException) -> None:
        """Say an error's sentence."""
        self.say(sentence_of(error), "refused")

    def on_go(self, handler: Callable[[str], None]) -> None:
        """Say who leads a person to a place."""
        self._go = handler

    def go_to(self, where: str) -> None:
        """Lead to a place: a step ("report", "charge:payer"), "film", "3d", "library"."""
        self._go(where)

    # What panels ask of the panes; without a case there are none.

    def view(self, pane: str = "") -> View | None:
        """The view of a pane ("" = the active one)."""
        return None if self.stagehand is None else self.stagehand.view(pane)

    def show(self, view: View, pane: str = "3d", what: str = "look") -> None:
        """Put a view into a pane; a change of the 3D scene is journaled as steering."""
        if self.stagehand is not None:
            self.stagehand.show(pane, view, what)

    def point(self) -> Vector:
        """The crosshair, LPS mm."""
        return (0.0, 0.0, 0.0) if self.stagehand is None else self.stagehand.scene.point

    def centre(self, lps_mm: Vector) -> None:
        """Move the crosshair."""
        if self.stagehand is not None:
            self.stagehand.centre(lps_mm)

    def stand(self, capture: Capture) -> None:
        """Put the panes where a capture was made."""
        if self.stagehand is not None:
            self.stagehand.stand(capture.view)

    def surface(self) -> Surface | None:
        """The threshold surface of the 3D pane, or None."""
        return None if self.stagehand is None else self.stagehand.surface()

    def set_surface(self, surface: Surface | None, done: bool = True) -> None:
        """Show a threshold surface in the 3D pane; None goes back to volume rendering.

        `done` False while a slider moves: nothing is journaled and nothing can be undone yet.
        """
        if self.stagehand is not None:
            self.stagehand.set_surface(surface, done=done)
