"""The phases of a 4D series: a slider with the phase's value in words, keys, and cine by real elapsed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSlider, QWidget

from workstation.window.icons import icon
from workstation.window.widgets import MenuButton, label, named, tool

if TYPE_CHECKING:
    from workstation.desk.phases import Shown
    from workstation.desk.session import Session
    from workstation.window.actions import Actions

SPEEDS = (1, 2, 5, 10, 15, 20, 30, 60)
_START = 10


class PhaseBar(QWidget):
    """Hidden where a series has one phase. Signal `chosen(int, Shown)`: this phase is decoded and wanted now."""

    chosen = Signal(int, object)
    _came = Signal(int, object)

    def __init__(self, actions: Actions, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._actions, self._now = actions, now
        self.session: Session | None = None
        self.busy: Callable[[], bool] = lambda: False
        self.rate = _START
        self._wanted = 0
        self._began: tuple[float, int] | None = None
        named(self, "PhaseBar")
        self.setFixedHeight(32)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 12, 0)
        row.setSpacing(6)
        self.play = tool(glyph="play", tip=actions.qaction("cine").toolTip())
        self.play.clicked.connect(lambda: actions.run("cine"))
        self.back = tool(glyph="caret-left", tip=actions.qaction("phase.back").toolTip())
        self.back.clicked.connect(lambda: actions.run("phase.back"))
        self.on = tool(glyph="caret-right", tip=actions.qaction("phase.on").toolTip())
        self.on.clicked.connect(lambda: actions.run("phase.on"))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setMinimumWidth(160)
        self.slider.setToolTip("Phase")
        self.slider.setAccessibleName("Phase of the series")
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.valueChanged.connect(self._slid)
        self.words = label("", "quiet")
        self.words.setMinimumWidth(236)
        self.speed = MenuButton(f"{self.rate} / s", "Phases a second")
        menu = QMenu(self.speed)
        for rate in SPEEDS:
            menu.addAction(f"{rate} a second", partial(self.set_rate, rate))
        self.speed.setMenu(menu)
        for part in (self.play, self.back, self.on):
            row.addWidget(part)
        row.addWidget(self.slider, 1)
        row.addWidget(self.words)
        row.addWidget(self.speed)
        self._clock = QTimer(self)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.timeout.connect(self.tick)
        self._came.connect(self._arrived, Qt.ConnectionType.QueuedConnection)
        self.show_case(None)

    def show_case(self, session: Session | None) -> None:
        """The phases of this series, or none."""
        self.stop()
        self.session = session if session is not None and len(session.phases) > 1 else None
        self.setVisible(self.session is not None)
        if self.session is None:
            return
        self._wanted = self.session.phases.index
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(self.session.phases) - 1)
        self.slider.setValue(self._wanted)
        self.slider.blockSignals(False)
        self._tell()
        self._prefetch(1)

    @property
    def playing(self) -> bool:
        """Whether cine runs."""
        return self._began is not None

    def go(self, index: int, step: int = 1) -> None:
        """Show a phase as soon as it is decoded; the newest wish counts."""
        session = self.session
        if session is None:
            return
        index = max(0, min(len(session.phases) - 1, index))
        self._wanted = index
        self.slider.blockSignals(True)
        self.slider.setValue(index)
        self.slider.blockSignals(False)
        shown = session.phases.ready(index)
        if shown is None:
            self.words.setText(f"{session.phases.words(index)}, decoding ...")
            session.phases.want(index, lambda k, what: self._came.emit(k, (session, what)), step=step)
            return
        self._show(index, shown, step)

    def step(self, by: int) -> None:
        """The next or the one before; round at the ends."""
        if self.session is not None:
            self.stop()
            self.go((self._wanted + by) % len(self.session.phases), by)

    def _slid(self, value: int) -> None:
        self.stop()
        self.go(value, 1 if self.session is None or value >= self.session.phases.index else -1)

    def _arrived(self, index: int, both: tuple[Session, Shown | str]) -> None:
        session, shown = both
        if session is not self.session or index != self._wanted:
            return
        if isinstance(shown, str):
            self.stop()
            self._actions.say(shown, "refused")
            self._wanted = session.phases.index
            self._tell()
            return
        self._show(index, shown, 1)

    def _show(self, index: int, shown: Shown, step: int) -> None:
        assert self.session is not None
        if index != self.session.phases.index:
            self.chosen.emit(index, shown)
        self._tell()
        self._prefetch(step)

    def _prefetch(self, step: int) -> None:
        """The neighbours are decoded while one looks."""
        if self.session is not None:
            phases = self.session.phases
            phases.want((phases.index + step) % len(phases), None, step=step)

    def _tell(self) -> None:
        if self.session is not None:
            self.words.setText(self.session.phases.words(self.session.phases.index))

    # Cine.

    def toggle(self) -> None:
        """Start or stop."""
        if self.playing:
            self.stop()
        elif self.session is not None:
            self._began = (self._now(), self.session.phases.index)
            self.play.setIcon(icon("pause"))
            self._clock.start(max(8, round(500 / self.rate)))

    def stop(self) -> None:
        """Stand still."""
        self._began = None
        self._clock.stop()
        self.play.setIcon(icon("play"))

    def set_rate(self, rate: int) -> None:
        """Phases a second; cine goes on from where it is."""
        self.rate = rate
        self.speed.tell(f"{rate} / s")
        if self.session is not None and self.playing:
            self.stop()
            self.toggle()

    def tick(self) -> None:
        """Where cine should be by the clock: what could not be shown in time is left out, never shown late."""
        if self._began is None or self.session is None:
            return
        since, start = self._began
        due = (start + int((self._now() - since) * self.rate)) % len(self.session.phases)
        if due == self.session.phases.index or self.busy():
            return
        if self.session.phases.ready(due) is None and self._wanted != self.session.phases.index:
            return  # one is being decoded already: it comes first, and the clock goes on
        self.go(due)
