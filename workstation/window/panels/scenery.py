"""What stands in the 3D picture besides the volume: planes, surfaces, cutting planes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QColorDialog, QHBoxLayout, QLabel, QMenu, QSlider, QToolButton, QWidget

from render.view import Surface, Technique, View
from workstation.window.icons import icon
from workstation.window.panels.parts import GAP, Card, Rows, Words, button, row
from workstation.window.panels.tissues import TISSUES, band_words, title_of
from workstation.window.scenery import CLIPS, SURFACES
from workstation.window.theme import tokens
from workstation.window.widgets import Elided, tool
from workstation.window.words import plane_title
from workstation.window.words import sided as sided_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from workstation.desk.session import Session
    from workstation.window.actions import Actions
    from workstation.window.scenery import Scenery

_PLANES = ("axial", "coronal", "sagittal")


class SceneCard(Card):
    """Planes, surfaces and cutting planes of the 3D pane, each with what can be done with it."""

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__("Also in the 3D picture")
        self._session, self._actions = session, actions
        self._planes_row()
        self.surfaces = Rows(4)
        self.add(self.surfaces)
        self.add_surface = button("Add a surface ...", self._offer_tissues, "link")
        self.cut = button("Cut along the view", lambda: actions.run("clip"), "link")
        self.cut.setToolTip("Take away what lies in front of the crosshair  [Ctrl+Shift+X]")
        self.clips = Rows(4)
        self.add(self.clips)
        self.add(row(self.add_surface, 12, self.cut, 0))
        self._sliders: list[QSlider] = []
        self._opacities: list[QSlider] = []

    def _scenery(self) -> Scenery | None:
        hand = self._actions.stagehand
        return None if hand is None else hand.scenery

    def _planes_row(self) -> None:
        self.planes: dict[str, QToolButton] = {}
        line = QHBoxLayout()
        line.setSpacing(4)
        for name in _PLANES:
            title = plane_title(name, sided=sided_of(self._session.volume))
            one = tool(title, tip=f"{title} in the 3D picture")
            one.setCheckable(True)
            one.setMinimumHeight(tokens.CONTROL)
            one.setAccessibleName(f"{title} in 3D")
            one.clicked.connect(self._pick_planes)
            self.planes[name] = one
            line.addWidget(one, 1)
        self.opacity = share_slider("Opacity of the planes in 3D", self._thin_planes)
        line.addWidget(self.opacity, 2)
        self.add(line)

    # --- acts

    def _pick_planes(self) -> None:
        scenery = self._scenery()
        if scenery is not None:
            self._try(lambda: scenery.show_planes(tuple(n for n, b in self.planes.items() if b.isChecked())))

    def _thin_planes(self, value: int, done: bool) -> None:
        scenery, hand = self._scenery(), self._actions.stagehand
        if scenery is not None and hand is not None and hand.scene.planes_shown:
            scenery.show_planes(hand.scene.planes_shown, value / 100, done=done)

    def _offer_tissues(self) -> None:
        menu = QMenu(self)
        if self._session.volume.units == "HU":
            for tissue in TISSUES:
                made = Surface(low=tissue.low, high=tissue.high, name=tissue.title)
                menu.addAction(tissue.title, partial(self._add, made))
            menu.addSeparator()
        menu.addAction("Own threshold", partial(self._add, None))
        menu.exec(self.add_surface.mapToGlobal(self.add_surface.rect().bottomLeft()))

    def _add(self, surface: Surface | None) -> None:
        scenery, hand = self._scenery(), self._actions.stagehand
        if scenery is not None and hand is not None:
            made = surface or Surface(low=hand.threshold_start())
            self._try(lambda: scenery.add_surface(made))

    def _try(self, act: Callable[[], None]) -> None:
        from render.errors import RenderError
        from workstation.base.errors import RenderDeskError

        try:
            act()
        except (RenderDeskError, RenderError) as error:
            self._actions.say(error.sentence, "refused")
        view = self._actions.view("3d")
        if view is not None:
            self.show_view(view)

    # --- showing

    def show_view(self, view: View) -> None:
        """Show the scene as it stands."""
        hand = self._actions.stagehand
        if hand is None:
            return
        solid = view.technique in {Technique.VR, Technique.SSD}
        shown = hand.scene.planes_shown
        for name, one in self.planes.items():
            one.setChecked(name in shown)
            one.setEnabled(solid)
        self.opacity.setEnabled(bool(shown))
        put_value(self.opacity, round(100 * (view.planes[0].opacity if view.planes else 1.0)))
        self._show_surfaces(view if solid else view.replace(surfaces=()), hand.scenery)
        self._show_clips(view, hand.scenery)
        self.add_surface.setVisible(solid and len(view.surfaces) < SURFACES)
        self.cut.setVisible(len(view.clips) < CLIPS)

    def _show_surfaces(self, view: View, scenery: Scenery) -> None:
        unit = self._session.volume.units
        in_hand = min(scenery.surface_in_hand, max(len(view.surfaces) - 1, 0))
        key = (tuple((s.low, s.high, s.name, s.colour, s.visible) for s in view.surfaces), in_hand)
        if not self.surfaces.stands(key):
            self._opacities = []
            parts: list[QWidget] = []
            for place, surface in enumerate(view.surfaces):
                slider = share_slider("Opacity of the surface", partial(self._thin_surface, place))
                self._opacities.append(slider)
                title = title_of(surface) or band_words(surface.low, surface.high, unit)
                parts.append(
                    line_of(
                        eye_button(surface.visible, title, partial(self._toggle_surface, place, not surface.visible)),
                        colour_button(surface.colour, partial(self._paint_surface, place)),
                        name_label(title, place == in_hand, partial(scenery.choose_surface, place)),
                        slider,
                        remove_button(f"Remove {title}", partial(scenery.remove_surface, place)),
                    )
                )
            self.surfaces.fill(parts)
            self.surfaces.setVisible(bool(parts))
        for slider, surface in zip(self._opacities, view.surfaces, strict=True):
            put_value(slider, round(100 * surface.opacity))

    def _toggle_surface(self, place: int, visible: bool) -> None:
        scenery = self._scenery()
        if scenery is not None:
            scenery.change_surface(place, visible=visible)

    def _thin_surface(self, place: int, value: int, done: bool) -> None:
        scenery = self._scenery()
        if scenery is not None and place < len(scenery.view.surfaces):
            scenery.change_surface(place, opacity=max(value, 5) / 100, done=done)

    def _paint_surface(self, place: int) -> None:
        scenery = self._scenery()
        if scenery is not None and place < len(scenery.view.surfaces):
            picked = pick_colour(self, scenery.view.surfaces[place].colour)
            if picked:
                scenery.change_surface(place, colour=picked)

    def _show_clips(self, view: View, scenery: Scenery) -> None:
        hand = self._actions.stagehand
        assert hand is not None
        in_hand = min(scenery.clip_in_hand, max(len(view.clips) - 1, 0))
        if not self.clips.stands((len(view.clips), in_hand)):
            self._sliders = []
            parts: list[QWidget] = []
            for place in range(len(view.clips)):
                slider = share_slider("Depth of the cutting plane", partial(self._move_clip, place))
                self._sliders.append(slider)
                flip = tool(tip="Keep the other side")
                flip.setIcon(icon("arrows-clockwise"))
                flip.setAccessibleName("Keep the other side")
                flip.clicked.connect(partial(run_later, partial(scenery.flip_clip, place)))
                title = f"Cut {place + 1}"
                parts.append(
                    line_of(
                        name_label(title, place == in_hand, partial(scenery.choose_clip, place)),
                        slider,
                        *(self._tilt(place, about, sign) for about, sign in (("up", 15.0), ("right", 15.0))),
                        flip,
                        remove_button(f"Remove {title}", partial(scenery.remove_clip, place)),
                    )
                )
            if parts:
                parts.append(Words("In the picture: drag moves the plane, Ctrl with drag tilts it.", "quiet"))
            self.clips.fill(parts)
            self.clips.setVisible(bool(parts))
        for slider, clip in zip(self._sliders, view.clips, strict=True):
            low, high = hand.scene.reach(clip.normal_lps)
            along = float(np.array(clip.point_lps_mm) @ np.array(clip.normal_lps))
            with QSignalBlocker(slider):
                slider.setRange(round(low), round(high))
            put_value(slider, round(along))

    def _tilt(self, place: int, about: str, degrees: float) -> QToolButton:
        made = tool(tip=f"Tilt by {degrees:.0f}° {'sideways' if about == 'up' else 'forwards'}; Shift: back")
        made.setIcon(icon("arrow-clockwise" if about == "up" else "arrow-counter-clockwise"))
        made.setText("↔" if about == "up" else "↕")
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        made.setAccessibleName(f"Tilt {'sideways' if about == 'up' else 'forwards'}")

        def act() -> None:
            from PySide6.QtWidgets import QApplication

            scenery = self._scenery()
            back = bool(QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
            if scenery is not None:
                scenery.tilt_clip(place, -degrees if back else degrees, "up" if about == "up" else "right")

        made.clicked.connect(partial(run_later, act))
        return made

    def _move_clip(self, place: int, value: int, done: bool) -> None:
        scenery = self._scenery()
        if scenery is not None and place < len(scenery.view.clips):
            scenery.move_clip(place, float(value), done=done)


# --- small parts, for the segments' list too


def run_later(act: Callable[[], None], *_: object) -> None:
    # after the click has run its course: the row that holds the button may go with the act
    QTimer.singleShot(0, act)


def line_of(*parts: QWidget) -> QWidget:
    made = QWidget()
    line = QHBoxLayout(made)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(GAP // 2)
    for part in parts:
        line.addWidget(part, 3 if isinstance(part, Elided) else 2 if isinstance(part, QSlider) else 0)
    return made


def eye_button(visible: bool, title: str, act: Callable[[], None]) -> QToolButton:
    made = tool(tip=f"Hide {title}" if visible else f"Show {title}")
    made.setIcon(icon("eye" if visible else "eye-slash"))
    made.setAccessibleName(made.toolTip())
    made.clicked.connect(partial(run_later, act))
    return made


def remove_button(tip: str, act: Callable[[], None]) -> QToolButton:
    made = tool(tip=tip)
    made.setIcon(icon("x"))
    made.setAccessibleName(tip)
    made.clicked.connect(partial(run_later, act))
    return made


def colour_button(colour: str, act: Callable[[], None]) -> QToolButton:
    made = tool(tip="Choose another colour")
    made.setAccessibleName("Colour")
    drawn = QPixmap(QSize(16, 16) * 2)
    drawn.setDevicePixelRatio(2)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(tokens.LINE))
    painter.setBrush(QColor(f"#{colour}"))
    painter.drawRoundedRect(1, 1, 14, 14, 3, 3)
    painter.end()
    made.setIcon(QIcon(drawn))
    made.clicked.connect(partial(run_later, act))
    return made


class _Name(Elided):
    """A name that takes its row into the hand when it is clicked."""

    def __init__(self, text: str, act: Callable[[], None]) -> None:
        super().__init__(role="")
        self._act = act
        self.set_whole(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mousePressEvent(self, event: object) -> None:
        run_later(self._act)


def name_label(text: str, chosen: bool, act: Callable[[], None]) -> QLabel:
    made = _Name(text, act)
    if chosen:
        made.setProperty("role", "strong")
    return made


def share_slider(name: str, moved: Callable[[int, bool], None]) -> QSlider:
    """A slider that shows while it moves and tells when it is let go."""
    made = QSlider(Qt.Orientation.Horizontal)
    made.setRange(0, 100)
    made.setMinimumWidth(60)
    made.setToolTip(name)
    made.setAccessibleName(name)
    made.sliderMoved.connect(lambda value: moved(value, False))
    made.sliderReleased.connect(lambda: moved(made.value(), True))
    made.actionTriggered.connect(
        lambda _a: QTimer.singleShot(0, made, lambda: None if made.isSliderDown() else moved(made.value(), True))
    )
    return made


def put_value(slider: QSlider, value: int) -> None:
    if not slider.isSliderDown():
        with QSignalBlocker(slider):
            slider.setValue(value)


def pick_colour(parent: QWidget, before: str) -> str:
    """A colour that a person picks, as rrggbb; "" when nothing was picked."""
    picked = QColorDialog.getColor(QColor(f"#{before or 'ffffff'}"), parent, "Colour")
    return picked.name().removeprefix("#") if picked.isValid() else ""
