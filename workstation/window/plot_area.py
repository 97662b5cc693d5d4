"""A plot on the screen: paints the marks that the report package lays out, in the window's own colours."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from workstation.report import plot
from workstation.window.theme import tokens

_COLOURS = {
    "text": tokens.TEXT,
    "quiet": tokens.QUIET,
    "grid": tokens.LINE,
    "accent": tokens.ACCENT,
    "band": tokens.HOVER,
    "wants": tokens.WANTS,
    "done": tokens.DONE,
    "refused": tokens.REFUSED,
}
_ANCHORS = {"left": 0.0, "middle": 0.5, "right": 1.0}


class PlotArea(QWidget):
    """Draws one plot into its width; its numbers stand in the tooltip and for a screen reader."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draw: Callable[[float], list[plot.Mark]] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(200)

    def put(self, draw: Callable[[float], list[plot.Mark]], height: float, told: tuple[str, ...]) -> None:
        """Show another plot of a height in points."""
        self._draw = draw
        self.setFixedHeight(max(int(height), 1))
        self.setToolTip("\n".join(told))
        self.setAccessibleName("; ".join(told))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._draw is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint(painter, self._draw(float(self.width())))
        painter.end()


def paint(painter: QPainter, marks: list[plot.Mark]) -> None:
    """Paint marks with a painter whose origin is their top left corner."""
    for mark in marks:
        colour = QColor(_COLOURS[mark.tone])
        if isinstance(mark, plot.Label):
            _label(painter, mark, colour)
        elif isinstance(mark, plot.Dot):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(mark.x, mark.y), mark.radius, mark.radius)
        elif isinstance(mark, plot.Area):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in mark.points]))
        else:
            pen = QPen(colour, mark.width)
            pen.setStyle(Qt.PenStyle.DashLine if mark.dashed else Qt.PenStyle.SolidLine)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in mark.points]))


def _label(painter: QPainter, mark: plot.Label, colour: QColor) -> None:
    font = painter.font()
    font.setPixelSize(int(mark.size))
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    text = metrics.elidedText(mark.text, Qt.TextElideMode.ElideRight, mark.room)
    width = metrics.horizontalAdvance(text)
    left = mark.x - width * _ANCHORS[mark.anchor]
    painter.setPen(colour)
    painter.drawText(QRectF(left, mark.y - metrics.ascent(), width + 2, metrics.height() + 2), 0, text)
