"""The case rail: six steps, each telling in one glance whether it is not begun, in work, wants something or is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from workstation.window.icons import pixmap
from workstation.window.theme import tokens
from workstation.window.widgets import named

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent

    from workstation.desk.rail import StepState

STEPS = ("load", "view", "segment", "measure", "report", "charge")
_COLOUR = {"new": tokens.QUIET, "work": tokens.ACCENT, "wants": tokens.WANTS, "done": tokens.DONE}
_TOLD = {"new": "not begun", "work": "in work", "wants": "wants something", "done": "done"}


class Step(QAbstractButton):
    """One step: its number in a ring of its state's colour; a tick when done, a count of open points beside it."""

    def __init__(self, number: int, name: str) -> None:
        super().__init__()
        self.number, self.name = number, name
        self.state, self.points = "new", 0
        self._over = False
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFixedSize(QSize(tokens.RAIL - 12, 64))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setText(name.capitalize())
        self.tell("new", ())

    def tell(self, state: str, points: tuple[str, ...]) -> None:
        """State and open points."""
        self.state, self.points = state, len(points)
        lines = [f"{self.text()}: {_TOLD[state]}  [F{self.number + 1}]", *points[:6]]
        self.setToolTip("\n".join(lines))
        self.setAccessibleName(lines[0])
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._over = True
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._over = False
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.isChecked() or self._over:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.SELECTION if self.isChecked() else tokens.RAISED))
            painter.drawRoundedRect(self.rect(), tokens.RADIUS, tokens.RADIUS)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.ACCENT), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), tokens.RADIUS, tokens.RADIUS)
        colour = QColor(_COLOUR[self.state])
        middle = self.width() / 2
        ring = QRectF(middle - 12, 8, 24, 24)
        painter.setPen(QPen(colour, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(ring)
        font = painter.font()
        font.setPixelSize(12)
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        if self.state == "done":
            painter.drawPixmap(round(middle - 7), 13, pixmap("check", tokens.DONE, 14, self.devicePixelRatioF()))
        else:
            painter.setPen(colour if self.state != "new" else QColor(tokens.TEXT))
            painter.drawText(ring, Qt.AlignmentFlag.AlignCenter, str(self.number))
        if self.points:
            self._count(painter, middle)
        font.setPixelSize(tokens.LABEL)
        font.setWeight(font.Weight.Normal)
        painter.setFont(font)
        painter.setPen(QColor(tokens.TEXT if self.isChecked() or self.state != "new" else tokens.QUIET))
        painter.drawText(QRectF(0, 38, self.width(), 20), Qt.AlignmentFlag.AlignCenter, self.text())
        painter.end()

    def _count(self, painter: QPainter, middle: float) -> None:
        told = str(self.points) if self.points < 10 else "9+"
        disc = QRectF(middle + 5, 4, 16, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.WANTS if self.state == "wants" else tokens.QUIET))
        painter.drawEllipse(disc)
        font = painter.font()
        small = painter.font()
        small.setPixelSize(10)
        painter.setFont(small)
        painter.setPen(QColor(tokens.ON_MEANING))
        painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, told)
        painter.setFont(font)


class Rail(QWidget):
    """The six steps. Signal `chosen(str)`; a choice changes the panel, never the pictures."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        named(self, "Rail")
        self.setFixedWidth(tokens.RAIL)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 8, 6, 8)
        column.setSpacing(4)
        self.steps: dict[str, Step] = {}
        for number, name in enumerate(STEPS, start=1):
            step = Step(number, name)
            step.clicked.connect(lambda *_, name=name: self.chosen.emit(name))
            self.steps[name] = step
            column.addWidget(step)
        column.addStretch(1)

    def choose(self, name: str) -> None:
        """Mark the step whose panel is shown."""
        self.steps[name].setChecked(True)

    def tell(self, states: Mapping[str, StepState]) -> None:
        """Take over the state of every step."""
        for name, state in states.items():
            step = self.steps.get(name)
            if step is not None:
                step.tell(state.state, tuple(point.sentence for point in state.points))

    def forget(self) -> None:
        """No case: nothing is begun."""
        for step in self.steps.values():
            step.tell("new", ())
