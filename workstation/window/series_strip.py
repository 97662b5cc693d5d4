"""The series of the study: a picture each, what it is, how many images, whether it suits 3D, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QLabel, QScrollArea, QVBoxLayout, QWidget

from workstation.window.theme import tokens
from workstation.window.widgets import label, named

if TYPE_CHECKING:
    from render.picture import Picture
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.dicom.found import SeriesFound

_PICTURE = QSize(112, 76)


def to_pixmap(picture: Picture, size: QSize, scale: float) -> QPixmap:
    """A picture as a small pixmap, its own pixels only."""
    rgb = np.ascontiguousarray(picture.rgb)
    image = QImage(rgb.data, rgb.shape[1], rgb.shape[0], 3 * rgb.shape[1], QImage.Format.Format_RGB888)
    made = QPixmap.fromImage(image).scaled(
        size * scale,
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    made.setDevicePixelRatio(scale)
    return made


def from_png(png: bytes, size: QSize, scale: float) -> QPixmap | None:
    """A kept small picture at the size of its place; None when it cannot be read."""
    whole = QPixmap()
    if not whole.loadFromData(png):
        return None
    made = whole.scaled(size * scale, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    made.setDevicePixelRatio(scale)
    return made


class SeriesCard(QAbstractButton):
    """One series (or one volume of it)."""

    def __init__(self, title: str, lines: tuple[str, ...], *, shown: bool, usable: bool) -> None:
        super().__init__()
        self.title, self.lines, self.shown, self.usable = title, lines, shown, usable
        self.picture: QPixmap | None = None
        self.setFixedSize(116, _PICTURE.height() + 2 + 18 * (1 + min(2, len(lines))) + 6)
        self.setToolTip("\n".join((title, *lines)))
        self.setAccessibleName(title)
        self.setEnabled(usable)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = tokens.ACCENT if self.shown or self.hasFocus() else tokens.LINE
        painter.setPen(QPen(QColor(edge), 1.5 if self.shown else 1))
        painter.setBrush(QColor(tokens.RAISED if self.shown or self.underMouse() else tokens.PANEL))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75), 4, 4)
        place = QRectF(2, 2, _PICTURE.width(), _PICTURE.height())
        painter.fillRect(place, QColor(tokens.VIEWPORT))
        if self.picture is not None:
            painter.setClipRect(place)
            ratio = self.picture.devicePixelRatio()
            width, height = self.picture.width() / ratio, self.picture.height() / ratio
            spot = QRectF(place.center().x() - width / 2, place.center().y() - height / 2, width, height)
            painter.drawPixmap(spot, self.picture, QRectF(self.picture.rect()))
            painter.setClipping(False)
        else:
            painter.setPen(QColor(tokens.QUIET))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "set apart" if not self.usable else "click to open")
        top = _PICTURE.height() + 4
        font = painter.font()
        font.setPixelSize(12)
        font.setWeight(font.Weight.Medium)
        painter.setFont(font)
        painter.setPen(QColor(tokens.TEXT))
        self._text(painter, top, self.title)
        font.setPixelSize(tokens.LABEL)
        font.setWeight(font.Weight.Normal)
        painter.setFont(font)
        painter.setPen(QColor(tokens.QUIET))
        for number, line in enumerate(self.lines[:2], start=1):
            self._text(painter, top + 18 * number, line)
        painter.end()

    def _text(self, painter: QPainter, top: int, text: str) -> None:
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, self.width() - 14)
        painter.drawText(QRectF(7, top, self.width() - 12, 18), Qt.AlignmentFlag.AlignVCenter, shown)


class SeriesStrip(QWidget):
    """All series of the opened study. Signal `chosen(series_uid, volume_id)`."""

    chosen = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        named(self, "SeriesStrip")
        self.setFixedWidth(tokens.STRIP)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = named(QWidget(), "Strip")
        area.viewport().setAutoFillBackground(False)
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(8, 12, 4, 8)
        self._column.setSpacing(8)
        area.setWidget(inner)
        outer.addWidget(area)
        self.cards: list[SeriesCard] = []
        self._shown: SeriesCard | None = None

    def show_case(self, session: Session, desk: Desk) -> None:
        """The series that were found, with their small pictures; the one on screen is marked."""
        self.forget()
        self._add(label("SERIES", "section"))
        for series in session.series:
            for volume in series.volumes or (None,):
                lines = [f"{series.images} images"]
                if volume is None:
                    lines.append(_reason(series))
                else:
                    k, r, c = volume.geometry.shape
                    s = volume.geometry.spacing_mm
                    lines = [f"{k} x {r} x {c}", " x ".join(f"{mm:.2g}" for mm in (s[2], s[1], s[0])) + " mm"]
                    lines += [f"{volume.units}, {'suits 3D' if volume.suits_3d else 'does not suit 3D'}"]
                    if volume.phase is not None:
                        lines[0] = f"{volume.phase.kind} {volume.phase.index + 1} of {volume.phase.of}"
                    lines += [finding.sentence for finding in volume.findings]
                number = "" if series.number is None else f"{series.number} · "
                title = f"{number}{series.description or series.modality}"
                shown = volume is not None and volume.id == session.found.id
                card = SeriesCard(title, tuple(lines), shown=shown, usable=volume is not None)
                if volume is not None and not shown:
                    card.clicked.connect(lambda *_, s=series.series_uid, v=volume.id: self.chosen.emit(s, v))
                if shown:
                    self._shown = card
                png = desk.thumbnail(series.series_uid)
                if png is not None:
                    card.picture = from_png(png, _PICTURE, self.devicePixelRatioF())
                self.cards.append(card)
                self._add(card)
        found = [f.sentence for f in session.findings]
        if found:
            self._add(label("FINDINGS", "section"))
            for sentence in found[:6]:
                told = label(sentence, "label", wrap=True)
                self._add(told)
        self._column.addStretch(1)

    def show_thumbnail(self, picture: Picture) -> None:
        """The middle slice of the series on screen."""
        if self._shown is not None:
            self._shown.picture = to_pixmap(picture, _PICTURE, self.devicePixelRatioF())
            self._shown.update()

    def forget(self) -> None:
        """Nothing of a case is left."""
        self.cards, self._shown = [], None
        while self._column.count():
            item = self._column.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()

    def _add(self, widget: QWidget | QLabel) -> None:
        self._column.addWidget(widget)


def _reason(series: SeriesFound) -> str:
    return series.findings[0].sentence if series.findings else "not a volume: set apart"
