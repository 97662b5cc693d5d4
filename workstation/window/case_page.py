"""The page of an opened case: rail, series, panes with their tools and film, and the panel of the step in hand."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QScrollArea, QVBoxLayout, QWidget

from workstation.window import words
from workstation.window.film_strip import FilmStrip
from workstation.window.fourup import FourUp
from workstation.window.jobs import DEFECT
from workstation.window.models.oblique import degrees_off
from workstation.window.models.scene import PANES, PLANES
from workstation.window.panels.opening import OpeningPanel
from workstation.window.phase_bar import PhaseBar
from workstation.window.rail import STEPS, Rail
from workstation.window.series_strip import SeriesStrip, one_of_each
from workstation.window.stagehand import Stagehand
from workstation.window.theme import tokens
from workstation.window.toolstrip import ThresholdBar, Toolstrip, fill_looks, fill_slabs, fill_windows, slab_words
from workstation.window.viewport import Pane, Viewport
from workstation.window.widgets import label, named

if TYPE_CHECKING:
    from render.stage import Stage
    from workstation.desk.arrival import Arrival
    from workstation.desk.desk import Desk
    from workstation.desk.phases import Shown
    from workstation.desk.session import Session
    from workstation.window.actions import Actions
    from workstation.window.tools.base import Pointer, Tool

_log = logging.getLogger(__name__)
_WIDE = 1480


class CasePage(QWidget):
    """Signals: `changed()` the case or its views changed; `series(uid, volume)` another volume is wanted;
    `hover(text)`, `made(text)` for the status bar; `stopped()` opening is to be given up.
    """

    changed = Signal()
    series = Signal(str, str)
    hover = Signal(str)
    made = Signal(str)
    stopped = Signal()
    _told = Signal(str)

    def __init__(self, desk: Desk, actions: Actions, stage: Stage) -> None:
        super().__init__()
        self._desk, self._actions, self._stage = desk, actions, stage
        self.session: Session | None = None
        self.hand: Stagehand | None = None
        self.step = "view"
        self._kinds: set[str] = set()
        self._scrolls: dict[str, int] = {}
        self.panes = {name: Pane(name, words.PLANE_TITLES[name], self._tool_for, actions) for name in PANES}
        self.fourup = FourUp(self.panes)
        self.rail, self.strip = Rail(), SeriesStrip()
        self.tools = Toolstrip(actions)
        self.threshold = ThresholdBar(actions)
        self.panes["3d"].insert(self.threshold)
        self.threshold.follow(None)
        self.film = FilmStrip(desk, actions)
        self.phases = PhaseBar(actions)
        self.opening = OpeningPanel()
        self.panel = named(QFrame(), "Panel")
        self.panel.setFixedWidth(tokens.PANEL_WIDTH)
        inside = QVBoxLayout(self.panel)
        inside.setContentsMargins(0, 0, 0, 0)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside.addWidget(self.area)
        self._lay_out()
        self._connect()
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(60)
        self._refresh.timeout.connect(self._follow)

    def _lay_out(self) -> None:
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.tools)
        middle.addWidget(self.fourup, 1)
        middle.addWidget(self.phases)
        middle.addWidget(self.film)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(self.strip)
        row.addLayout(middle, 1)
        row.addWidget(self.panel)
        self.opening.stopped.connect(self.stopped)

    def _connect(self) -> None:
        self.rail.chosen.connect(self.choose_step)
        self.strip.chosen.connect(self.series)
        self.phases.chosen.connect(self._show_phase)
        self.fourup.arranged.connect(self._arranged)
        self._told.connect(self._note, Qt.ConnectionType.QueuedConnection)
        for name, pane in self.panes.items():
            port = pane.viewport
            port.effect.connect(partial(self._effect, port))
            port.wheeled.connect(partial(self._wheel, port))
            port.hovered.connect(self._hover)
            port.activated.connect(partial(self._activate, name))
            port.resized.connect(self._resized)
            port.maximise.connect(partial(self.maximise, name))
            port.menu.connect(lambda at, name=name: self.menu(name).exec(at))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.panel.setFixedWidth(tokens.PANEL_WIDTH if event.size().width() >= _WIDE else tokens.PANEL_NARROW)

    # A case comes and goes.

    def blank(self, sentence: str) -> None:
        """All panes blank at once, with a sentence; nothing of the last case is left anywhere on the page."""
        if self.hand is not None:
            self.hand.end()
            self.hand.deleteLater()
        self.hand = None
        self._actions.stagehand = None
        self.session = None
        self._stage.set_volume(None)
        for pane in self.panes.values():
            pane.viewport.blank(sentence)
        self.strip.forget()
        self.phases.show_case(None)
        self.film.show_case(None)
        self.rail.forget()
        self.threshold.follow(None)
        self._show_panel(sentence)

    def progress(self, what: str, done: float, of: float) -> None:
        """How far opening is, where the pictures will stand."""
        self.opening.tell(what, done, of)
        if self.hand is None:
            told = f"{what} ...  {done:,.0f} of {of:,.0f}" if of > 1 else f"{what} ..."
            for pane in self.panes.values():
                pane.viewport.blank(told)

    def show_arrival(self, arrival: Arrival) -> Stagehand:
        """The first slice of a study that is coming; its identity has been checked."""
        hand = self._take_up(arrival)
        self.strip.show_case(arrival, self._desk)
        hand.begin()
        self.tools.fill(hand, [])
        self.opening.show_arrival(arrival)
        return hand

    def _take_up(self, session: Session | Arrival) -> Stagehand:
        hand = Stagehand(session, self._stage, self.panes, self.fourup, self._actions)
        self.hand = hand
        self._actions.stagehand = hand
        hand.hover.connect(self.hover)
        hand.made.connect(self.made)
        hand.changed.connect(self._changed)
        hand.surfaced.connect(self._surfaced)
        hand.phase_wanted.connect(self._stand_on_phase)
        self.phases.busy = lambda: hand.busy
        return hand

    def show_case(self, session: Session) -> None:
        """Put an opened case on screen; its identity has been checked. One that was coming goes on where it is."""
        coming = self.hand is not None and self.hand.loading
        self.session = session
        hand = self.hand if coming and self.hand is not None else self._take_up(session)
        session.listen(self._told.emit)
        self.strip.show_case(session, self._desk)
        looks = self._looks(session)
        for name in PANES:
            self._fill_menu(name, looks)
        if coming:
            hand.complete(session)
        else:
            hand.begin()
        self.tools.fill(hand, looks)
        self.film.show_case(session)
        self.phases.show_case(session)
        self._offer(looks, session)
        self.rail.choose(self.step)
        # the pictures come first: making a panel takes longer than painting three slices
        QTimer.singleShot(0, lambda: self._furnish(session))

    def _furnish(self, session: Session) -> None:
        if self.session is not session:
            return
        self.choose_step(self.step)
        self._follow()
        self._thumbnail(session)

    def _show_phase(self, index: int, shown: Shown) -> None:
        """Another phase is decoded and wanted: place, window and look stay."""
        if self.session is None or self.hand is None:
            return
        self.session.show_phase(index, shown)
        self.hand.phase_changed(moving=self.phases.playing)
        self.changed.emit()

    def _stand_on_phase(self, index: int) -> None:
        """A picture of another phase was clicked: it is shown on its own phase."""
        self.phases.stop()
        self.phases.go(index)

    def _thumbnail(self, session: Session) -> None:
        """The shown volume's middle slice for the series strip, made on the stage's own thread."""
        hand = self.hand
        if hand is None:
            return
        view = hand.scene.views["axial"].replace(size=(224, 152), overlays="none", scale=1.0, marks=())
        from render import planes

        assert view.plane is not None
        view = view.replace(plane=planes.fit(session.display, view.plane, view.size), quality="settled")
        self._small = _Thumbnail(self.strip)
        self._stage.request("thumbnail", view, session.labels(view), self._small.came.emit, lambda _sentence: None)

    def _looks(self, session: Session) -> list[tuple[str, str]]:
        from render import presets

        modality = session.volume.modality
        found = [presets.get(name) for name in presets.names()]
        return [(p.id, p.title) for p in found if not p.modality or modality in p.modality]

    def _offer(self, looks: list[tuple[str, str]], session: Session) -> None:
        assert self.hand is not None
        items = [(f"preset.{name}", f"Look: {title}", "3D") for name, title in looks]
        items += [
            (f"window.{number}", f"Window: {title}, {words.window(window)}", "Window")
            for number, (title, window) in enumerate(self.hand.scene.window_presets(), start=1)
        ]
        shown = {v.id for v in session.phases.found}
        for series in session.series:
            for volume in one_of_each(series):
                if volume.id not in shown:
                    items.append(
                        (
                            f"series.{series.series_uid}|{volume.id}",
                            f"Series: {series.number} {series.description}",
                            "Series",
                        )
                    )
        self._actions.offer(items)

    # The panes.

    def _tool_for(self, viewport: Viewport, button: Qt.MouseButton, at: Pointer) -> Tool | None:
        return None if self.hand is None else self.hand.gestures.tool_for(viewport, button, at)

    def _effect(self, viewport: Viewport, effect: object, seconds: float) -> None:
        if self.hand is None:
            return
        try:
            self.hand.gestures.effect(viewport, effect, seconds)  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001 - a defect in a drag must not take the window down
            _log.exception("effect failed")
            self._actions.say(DEFECT, "refused")

    def _wheel(self, viewport: Viewport, steps: float, at: object) -> None:
        if self.hand is not None:
            self.hand.gestures.wheel(viewport, steps, at)  # type: ignore[arg-type]

    def _hover(self, viewport: object, at: object) -> None:
        if self.hand is not None:
            self.hand.hovered(viewport, at)  # type: ignore[arg-type]

    def _activate(self, name: str) -> None:
        if self.hand is not None and self.hand.active != name:
            self.hand.activate(name)

    def _resized(self) -> None:
        if self.hand is not None:
            self.hand.later()

    def _arranged(self, layout: str) -> None:
        from workstation.window.fourup import TITLES

        self.tools.tell_layout(TITLES.get(layout, "One"))
        if self.hand is not None:
            if self.hand.active not in self.fourup.shown():
                self.hand.activate(self.fourup.shown()[0])
            self.hand.later()

    def maximise(self, name: str = "") -> None:
        """Show one pane alone, or as before."""
        pane = name or (self.hand.active if self.hand is not None else "axial")
        self._activate(pane)
        self.fourup.maximise(pane)

    def arrange(self, layout: str) -> None:
        """A named layout."""
        self.fourup.arrange(layout, self.hand.active if self.hand is not None else "axial")

    def _fill_menu(self, name: str, looks: list[tuple[str, str]]) -> None:
        assert self.hand is not None
        menu, actions = QMenu(self.panes[name]), self._actions
        menu.aboutToShow.connect(partial(self._activate, name))
        if name == "3d":
            fill_looks(menu.addMenu("Look"), looks, actions)
            for technique in ("vr", "mip", "ssd"):
                menu.addAction(actions.qaction(f"technique.{technique}"))
            eyes = menu.addMenu("From")
            for letter in "APLRSI":
                eyes.addAction(actions.qaction(f"view.{letter}"))
            menu.addSeparator()
            for act in ("planes3d", "clip", "unclip", "uncrop"):
                menu.addAction(actions.qaction(act))
        else:
            fill_windows(menu.addMenu("Window"), self.hand, actions)
            fill_slabs(menu.addMenu("Slab"), self.hand, actions)
            menu.addAction(actions.qaction("tool.crop"))
            menu.addAction(actions.qaction("cross"))
        menu.addSeparator()
        for act in ("capture", "reset", "maximise", "info"):
            menu.addAction(actions.qaction(act))
        self.panes[name].set_menu(menu)

    def menu(self, name: str) -> QMenu:
        """The menu of a pane; empty without a case."""
        return self.panes[name].title.menu() if self.hand is not None else QMenu(self)

    def _changed(self, pane: str) -> None:
        if self.hand is None:
            return
        view, sided = self.hand.scene.views[pane], self.hand.scene.sided
        if pane == "3d":
            told = [words.TECHNIQUES[view.technique], words.eye(view, sided=sided)]
            if view.crop is not None:
                told.append("cropped")
            if view.clips:
                told.append("cut")
            self.panes[pane].set_title("3D", " · ".join(part for part in told if part))
            self.panes[pane].show_letters(sided)
        else:
            off = 0.0 if view.plane is None else degrees_off(view.plane, pane)
            name = words.oblique_title if off else words.plane_title
            title = name(pane, sided=sided)
            told = [f"turned {off:.0f}°"] if off else []
            told += [] if view.slab is None else [slab_words(view.slab)]
            self.panes[pane].set_title(title, " · ".join(told))
        self.tools.tell(self.hand)
        if pane == "3d":
            self.threshold.follow(self.hand)
        self._actions.view_changed.emit(pane)
        self.changed.emit()

    def _surfaced(self) -> None:
        if self.hand is not None:
            self.tools.tell(self.hand)
            self.threshold.follow(self.hand)

    # The panel and the rail.

    def choose_step(self, step: str) -> None:
        """Show the panel of a step; the pictures stay."""
        if step not in STEPS:
            return
        if self.session is None and self.area.widget() is self.opening:
            self.step = step  # what is coming, and its cancel, stay; the step's panel comes with the case
            self.rail.choose(step)
            self.panel.setVisible(True)
            return
        self._scrolls[self.step] = self.area.verticalScrollBar().value()
        self.step = step
        self.rail.choose(step)
        self.panel.setVisible(True)
        self._show_panel()

    def _show_panel(self, waiting: str = "") -> None:
        """The panel of the step in hand; while a case is being opened nothing but that."""
        from workstation.window import panels

        if self.hand is not None:  # the keys never stay with a panel that goes
            self.panes[self.hand.active].viewport.setFocus()
        old = self.area.takeWidget()
        if old is not None:
            old.deleteLater()
        try:
            if waiting:
                self.opening = OpeningPanel()
                self.opening.stopped.connect(self.stopped)
                made: QWidget = self.opening
            else:
                made = panels.make(self.step, self._desk, self.session, self._actions)
        except Exception:  # noqa: BLE001 - a defect in one panel must leave the pictures usable
            _log.exception("panel failed")
            made = label(DEFECT, "quiet", wrap=True)
        go = getattr(made, "go_to", None)
        if go is not None:
            go.connect(self._actions.go_to)
        self.area.setWidget(made)
        kept = self._scrolls.get(self.step, 0)
        QTimer.singleShot(0, lambda: self.area.verticalScrollBar().setValue(kept))

    def focus_field(self, field: str) -> None:
        """Lead to a field of the panel."""
        focus = getattr(self.area.widget(), "focus_field", None)
        if focus is not None and field:
            focus(field)

    def _note(self, kind: str) -> None:
        self._kinds.add(kind)
        if self.hand is not None:
            self.hand.follow(kind)
        self._refresh.start()

    def _follow(self) -> None:
        """The case changed: rail, film, panel and names of undo."""
        kinds, self._kinds = self._kinds, set()
        if self.session is None:
            return
        if "captures" in kinds or "case" in kinds:
            self.film.refresh()
        try:
            self.rail.tell({str(step): state for step, state in self.session.open_points().items()})
            refresh = getattr(self.area.widget(), "refresh", None)
            if refresh is not None and kinds:
                refresh()
        except Exception:  # noqa: BLE001 - the pictures go on when a count of open points cannot be made
            _log.exception("refresh failed")
            self._actions.say(DEFECT, "refused")
        self.changed.emit()

    def person_changed(self) -> None:
        """Somebody else acts: what they may do is asked anew."""
        self.film.refresh()
        self._show_panel()
        self._kinds.add("case")
        self._refresh.start()

    def next_point(self) -> None:
        """Go to the next open point of the rail."""
        if self.session is None:
            return
        for step, state in self.session.open_points().items():
            if state.points:
                self._actions.say(state.points[0].sentence, "wants")
                self._actions.go_to(state.points[0].where or step)
                return
        self._actions.say("Nothing is open in this case.", "done")

    def planes_shown(self) -> bool:
        """Whether any plane can be seen."""
        return any(name in PLANES for name in self.fourup.shown())


class _Thumbnail(QWidget):
    """Brings a small picture from the stage's thread to the strip."""

    came = Signal(object)

    def __init__(self, strip: SeriesStrip) -> None:
        super().__init__()
        self.came.connect(strip.show_thumbnail, Qt.ConnectionType.QueuedConnection)
