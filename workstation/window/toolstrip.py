"""The bar above the panes: the tool in hand, layout, look, window, slab; and the threshold of a surface."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QActionGroup, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSlider, QToolButton, QWidget

from render.view import Slab, Surface
from workstation.window import words
from workstation.window.fourup import TITLES
from workstation.window.models.scene import SLAB_STEPS
from workstation.window.theme import tokens
from workstation.window.widgets import MenuButton, named, tool, upright

if TYPE_CHECKING:
    from workstation.window.actions import Actions
    from workstation.window.stagehand import Stagehand

TOOLS = ("pointer", "crosshair", "pan", "zoom", "length", "angle", "crop", "clip")
_ROOM, _SHORT = 250, 150  # of a menu's text, where there is room and where there is not
# after how many steps which acts stand in the menu "more"
_TO_MORE: dict[int, tuple[str, ...]] = {
    4: ("tool.pan", "tool.zoom"),
    8: ("undo", "redo", "palette"),
    9: ("tool.crop", "tool.clip"),
    10: ("tool.length", "tool.angle"),
}
_MOST = max(_TO_MORE)
_SLABS = {"mip": "Slab MIP", "minip": "Slab MinIP", "mean": "Slab mean"}
# titled thresholds in HU, start values that stay editable (bone for models, compact bone, skin surface, lumen)
TISSUES = (
    ("Bone", 226.0, "e8dcc0"),
    ("Compact bone", 662.0, "f0e8d8"),
    ("Lumen, contrast", 150.0, "c8503c"),
    ("Skin", -300.0, "d8a888"),
)


class ThresholdBar(QWidget):
    """The threshold of the surface in the 3D pane, live under the slider."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self._stagehand: Stagehand | None = None
        self._low, self._high = 0.0, 1.0
        self._began = 0.0
        named(self, "PaneHead")
        self.setFixedHeight(28)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 8, 0)
        row.setSpacing(8)
        self.tissue = MenuButton("Surface", "Thresholds to begin with")
        menu = QMenu(self.tissue)
        for title, low, colour in TISSUES:
            menu.addAction(title, partial(self._choose, title, low, colour))
        self._menu = menu
        self.tissue.setMenu(menu)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 1000)
        self.slider.setMinimumWidth(120)
        self.slider.setToolTip("Threshold of the surface")
        self.slider.setAccessibleName("Threshold of the surface")
        self.number = QLabel()
        self.number.setMinimumWidth(72)
        self.slider.sliderPressed.connect(self._press)
        self.slider.valueChanged.connect(self._move)
        self.slider.sliderReleased.connect(self._release)
        row.addWidget(self.tissue)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)

    def follow(self, stagehand: Stagehand | None) -> None:
        """Show the surface of this case's 3D pane; hidden when there is none."""
        self._stagehand = stagehand
        surface = stagehand.surface() if stagehand is not None else None
        self.setVisible(surface is not None)
        if stagehand is None or surface is None:
            return
        self._low, self._high = stagehand.threshold_range()
        self._menu.setEnabled(stagehand.session.volume.units == "HU")
        if not self.slider.isSliderDown():
            self.slider.blockSignals(True)
            self.slider.setValue(round(1000 * (surface.low - self._low) / max(1e-6, self._high - self._low)))
            self.slider.blockSignals(False)
        self._print(surface.low)

    def _print(self, low: float) -> None:
        units = self._stagehand.session.volume.units if self._stagehand else ""
        self.number.setText(f"{low:.0f} HU" if units == "HU" else f"{low:.1f}")

    def _value(self) -> float:
        return round(self._low + (self._high - self._low) * self.slider.value() / 1000, 1)

    def _press(self) -> None:
        self._began = time.monotonic()

    def _move(self) -> None:
        self._show(done=not self.slider.isSliderDown())

    def _release(self) -> None:
        self._show(done=True)

    def _show(self, *, done: bool) -> None:
        surface = self._stagehand.surface() if self._stagehand else None
        if self._stagehand is None or surface is None:
            return
        low = self._value()
        self._print(low)
        spent = time.monotonic() - self._began if self._began else 0.0
        changed = msgspec.structs.replace(surface, low=low, high=None, name="")
        self._stagehand.set_surface(changed, done=done, active_s=spent if done else 0.0)
        if done:
            self._began = 0.0

    def _choose(self, title: str, low: float, colour: str) -> None:
        if self._stagehand is not None:
            self._stagehand.set_surface(Surface(low=low, colour=colour, name=title))


class Toolstrip(QWidget):
    """Tools and menus of the panes."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        named(self, "Toolbar")
        self.setFixedHeight(tokens.TOOLBAR)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(4)
        self._buttons: dict[str, QWidget] = {}
        group = QActionGroup(self)
        for name in TOOLS:
            action = actions.qaction(f"tool.{name}")
            group.addAction(action)
            button = tool()
            button.setDefaultAction(action)
            button.setFixedSize(30, 30)
            row.addWidget(button)
            self._buttons[f"tool.{name}"] = button
        group.addAction(actions.qaction("tool.window"))
        actions.qaction("tool.pointer").setChecked(True)
        self._line(row)
        stand = tool()
        stand.setDefaultAction(actions.qaction("planes3d"))
        stand.setFixedSize(30, 30)
        row.addWidget(stand)
        self._line(row)
        self.layout_menu = self._menu(row, "Four Up", "Layout of the panes", "squares-four")
        for name, title in TITLES.items():
            self.layout_menu.menu().addAction(title, partial(actions.run, f"layout.{name}"))
        self.preset = self._menu(row, "Look", "Look of the 3D pane", "cube")
        told = "Window presets, number keys 1 to 9; 0 is the file's own"
        self.window_menu = self._menu(row, "Window", told, "circle-half")
        self.slab = self._menu(row, "Slab off", "Thick planes", "slab")
        row.addStretch(1)
        for name in ("undo", "redo"):
            button = tool()
            button.setDefaultAction(actions.qaction(name))
            row.addWidget(button)
            self._buttons[name] = button
        self._capture = tool("Capture", "camera", actions.qaction("capture").toolTip())
        self._capture.clicked.connect(lambda: actions.run("capture"))
        row.addWidget(self._capture)
        self._line(row)
        find = tool(tip=actions.qaction("palette").toolTip())
        find.setIcon(actions.qaction("palette").icon())
        find.clicked.connect(lambda: actions.run("palette"))
        row.addWidget(find)
        self._buttons["palette"] = find
        self.more = tool(glyph="dots-three", tip="What there is no room for")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(QMenu(self.more))
        row.addWidget(self.more)
        panel = tool(tip=actions.qaction("panel").toolTip())
        panel.setIcon(actions.qaction("panel").icon())
        panel.clicked.connect(lambda: actions.run("panel"))
        row.addWidget(panel)
        self._row = row
        self._given = 0
        self._give_way(0)

    # Room. What is said elsewhere too, or done by mouse and keys anyway, gives way first; the rest goes into "more".

    def _give_way(self, steps: int) -> None:
        """With the first `steps` of what can give way given."""
        self._given = steps
        style = Qt.ToolButtonStyle
        hidden = [act for after, acts in _TO_MORE.items() if steps >= after for act in acts]
        self.preset.set_room(_SHORT if steps >= 1 else _ROOM)
        self.layout_menu.set_short(steps >= 2)
        self._capture.setToolButtonStyle(style.ToolButtonIconOnly if steps >= 3 else style.ToolButtonTextBesideIcon)
        for after, menu in ((5, self.preset), (6, self.window_menu), (7, self.slab)):
            menu.set_short(steps >= after)
        for act, button in self._buttons.items():
            button.setVisible(act not in hidden)
        aside = self.more.menu()
        aside.clear()
        for act in hidden:
            aside.addAction(self._actions.qaction(act))
        self.more.setVisible(bool(hidden))

    def _needed(self) -> int:
        self._row.invalidate()
        return self._row.sizeHint().width()

    def _fit(self, start: int) -> None:
        """As little given as the width allows, from `start` on."""
        if start != self._given:
            self._give_way(start)
        while self._needed() > self.width() and self._given < _MOST:
            self._give_way(self._given + 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit(0)

    def minimumSizeHint(self) -> QSize:
        """Parts give way: their texts never hold the window open."""
        return QSize(320, tokens.TOOLBAR)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    @staticmethod
    def _line(row: QHBoxLayout) -> None:
        line = upright()
        line.setFixedHeight(20)
        row.addSpacing(4)
        row.addWidget(line)
        row.addSpacing(4)

    @staticmethod
    def _menu(row: QHBoxLayout, text: str, tip: str, glyph: str) -> MenuButton:
        button = MenuButton(text, tip, glyph)
        button.setMenu(QMenu(button))
        row.addWidget(button)
        return button

    def fill(self, stagehand: Stagehand, looks: list[tuple[str, str]]) -> None:
        """Menus of an opened case: `looks` as (name, title)."""
        fill_looks(self.preset.menu(), looks, self._actions)
        fill_windows(self.window_menu.menu(), stagehand, self._actions)
        fill_slabs(self.slab.menu(), stagehand, self._actions)
        for part in (self.preset, self.slab, self._capture):
            part.setEnabled(not stagehand.loading)
        self.tell(stagehand)
        self._fit(0)

    def tell_layout(self, title: str) -> None:
        """Which panes are shown."""
        self.layout_menu.tell(title)
        self._fit(self._given)

    def tell(self, stagehand: Stagehand) -> None:
        """Write into the menus' titles what is shown."""
        from render import presets

        view = stagehand.view()
        planes_window = stagehand.scene.views["axial"].window
        shown = view.window or planes_window
        if shown is not None:
            named_one = next((t for t, w in stagehand.scene.window_presets() if w == shown), "")
            self.window_menu.tell(named_one or words.window(shown))
        scene3d = stagehand.scene.views["3d"]
        if scene3d.technique.value == "ssd":
            self.preset.tell("Surface")
        else:
            self.preset.tell(presets.get(stagehand.scene.preset).title)
        slab = stagehand.scene.views["axial"].slab
        self.slab.tell(slab_words(slab))
        self._fit(self._given)  # never back under a moving hand: what came and went with each number would flicker


def slab_words(slab: Slab | None) -> str:
    """What the slab is, in words."""
    return "Slab off" if slab is None else f"{_SLABS[slab.mode]} {slab.thickness_mm:.0f} mm"


def fill_looks(menu: QMenu, looks: list[tuple[str, str]], actions: Actions) -> None:
    """The looks of the 3D pane, and the surface."""
    menu.clear()
    for name, title in looks:
        menu.addAction(title, partial(actions.run, f"preset.{name}"))
    menu.addSeparator()
    menu.addAction(actions.qaction("technique.ssd"))


def fill_windows(menu: QMenu, stagehand: Stagehand, actions: Actions) -> None:
    """The window presets with their keys."""
    menu.clear()
    presets = stagehand.scene.window_presets()
    if not presets:
        menu.addAction("No presets: these values have no unit").setEnabled(False)
    for number, (title, window) in enumerate(presets, start=1):
        told = f"{title}  {words.window(window)}" + (f"\t{number}" if number <= 9 else "")
        menu.addAction(told, partial(actions.run, f"window.{number}"))
    menu.addSeparator()
    menu.addAction("The file's own, then the full range\t0", partial(actions.run, "window.0"))


def fill_slabs(menu: QMenu, stagehand: Stagehand, actions: Actions) -> None:
    """Slab kinds and thicknesses."""
    menu.clear()
    for name in ("off", "mip", "minip", "mean"):
        menu.addAction(actions.qaction(f"slab.{name}"))
    menu.addSeparator()
    for mm in SLAB_STEPS:
        menu.addAction(f"{mm:.0f} mm", partial(actions.run, "slab_mm", mm))
