"""The series of the study: a picture each, what it is, how many images, whether it suits 3D, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from workstation.desk.findings_told import Told, findings_told
from workstation.desk.phases import phase_name
from workstation.dicom.choose import phases_of
from workstation.dicom.load import fits_at, memory_needed
from workstation.window.icons import pixmap
from workstation.window.theme import tokens
from workstation.window.widgets import label, named

if TYPE_CHECKING:
    from render.picture import Picture
    from workstation.desk.arrival import Arrival
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.dicom.found import SeriesFound, VolumeFound

_PICTURE = QSize(112, 76)
_MOST = 4  # findings beside the series; the rest stand in the panel of the first step
_KINDS = {
    "P": "phase map",
    "PHASE MAP": "phase map",
    "FIELD_MAP": "field map",
    "VELOCITY": "velocity",
    "R": "real part",
    "I": "imaginary part",
}
_SIGNS = {
    "refused": ("x-circle", tokens.REFUSED),
    "warning": ("warning-circle", tokens.WANTS),
    "info": ("info", tokens.QUIET),
}


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

    def show_case(self, session: Session | Arrival, desk: Desk) -> None:
        """The series that were found, with their small pictures; the one on screen is marked."""
        self.forget()
        self._add(label("SERIES", "section"))
        for series in session.series:
            png = desk.thumbnail(series.series_uid)
            for volume in one_of_each(series) or (None,):
                of = phases_of(series, volume) if volume is not None else ()
                shown = any(v.id == session.found.id for v in of)
                lines = _lines(series, volume, of)
                if volume is not None and not shown:
                    lines = (lines[0], *_memory_words(volume), *lines[1:])
                card = SeriesCard(_title(series), lines, shown=shown, usable=volume is not None)
                if volume is not None and not shown:
                    card.clicked.connect(lambda *_, s=series.series_uid, v=volume.id: self.chosen.emit(s, v))
                if shown:
                    self._shown = card
                if png is not None:
                    card.picture = from_png(png, _PICTURE, self.devicePixelRatioF())
                self.cards.append(card)
                self._add(card)
        self._told = [told for told in findings_told(session.findings) if told.severity != "info"]
        if self._told:
            self._add(label("FINDINGS", "section"))
            for told in self._told[:_MOST]:
                self._add(FindingCard(told))
            if len(self._told) > _MOST:
                self._add(label(f"and {len(self._told) - _MOST} more: Load", "label", wrap=True))
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
                widget.hide()  # at once: deletion waits for the event loop
                widget.deleteLater()

    def _add(self, widget: QWidget | QLabel) -> None:
        self._column.addWidget(widget)


class FindingCard(QWidget):
    """A finding beside the series: a sign, one sentence, and what it means for measuring; what to do in the tooltip."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 2, 0)
        row.setSpacing(4)
        sign = QLabel()
        glyph, colour = _SIGNS[told.severity]
        sign.setPixmap(pixmap(glyph, colour, 14, self.devicePixelRatioF()))
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        said = QVBoxLayout()
        said.setSpacing(1)
        for text, role in ((told.sentence, "said"), (told.means, "label")):
            if text:
                said.addWidget(label(text, role, wrap=True))
        row.addLayout(said, 1)
        self.setToolTip("\n".join(part for part in (told.sentence, told.means, told.remedy) if part))
        self.setAccessibleName(told.sentence)


def one_of_each(series: SeriesFound) -> tuple[VolumeFound, ...]:
    """The first volume of every set of phases: a series of a thousand time points is one line, not a thousand."""
    seen: set[str] = set()
    out = []
    for volume in series.volumes:
        if volume.id not in seen:
            whole = phases_of(series, volume) if volume.phase is not None else (volume,)
            seen.update(v.id for v in whole)
            out.append(whole[0])
    return tuple(out)


def _title(series: SeriesFound) -> str:
    number = "" if series.number is None else f"{series.number} · "
    return f"{number}{series.description or series.modality}"


def _lines(series: SeriesFound, volume: VolumeFound | None, of: tuple[VolumeFound, ...]) -> tuple[str, ...]:
    """What stands under the title; from the third on in the tooltip."""
    if volume is None:
        return (f"{series.images} images", _reason(series))
    k, r, c = volume.geometry.shape
    s = volume.geometry.spacing_mm
    kind = kind_words(volume)
    size = f"{k} x {r} x {c}"
    spacing = " x ".join(f"{mm:.2g}" for mm in (s[2], s[1], s[0])) + " mm"
    suits = f"{volume.units}, {'suits 3D' if volume.suits_3d else 'does not suit 3D'}"
    why = "; ".join(volume.score_reasons)
    told = [t.sentence for t in findings_told(volume.findings)]
    if len(of) > 1 and volume.phase is not None:
        many = f"{len(of)} {plural(phase_name(volume.phase.kind))}"
        return (f"{many}, {kind}" if kind else many, size, spacing, suits, why, *told)
    return (f"{size}, {kind}" if kind else size, spacing, suits, why, *told)


def _memory_words(volume: VolumeFound) -> tuple[str, ...]:
    """What the estimate says before anything is loaded, short and in full; () where the volume fits as it is."""
    k = fits_at(volume)
    if k == 1:
        return ()
    need = f"{memory_needed(volume) / 1e9:.1f} GB of memory"
    if k is None:
        full = f"It needs {need}, more than is free. Close other programs, or choose a thicker reconstruction."
        return ("too large now", full)
    full = f"It opens at 1/{k} of its resolution: whole it needs {need}. Close other programs to see it whole."
    return (f"opens at 1/{k}", full)


def kind_words(volume: VolumeFound) -> str:
    """What kind of MR values these are, where it is not the usual magnitude: two sets of a series look alike else."""
    stated = volume.facts.get("image_type")
    words = set(stated) if isinstance(stated, tuple | list) else set()
    return next((told for word, told in _KINDS.items() if word in words), "")


def plural(name: str) -> str:
    """The kind of phases in the plural: time points, echoes."""
    word = name if name.startswith("b-") else name.lower()
    return {"heart phase": "heart phases", "echo": "echoes"}.get(word, f"{word}s")


def _reason(series: SeriesFound) -> str:
    return series.findings[0].sentence if series.findings else "not a volume: set apart"
