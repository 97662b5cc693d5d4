"""Captures in order: drafts with a dashed edge, released ones solid with the releasing physician's initials."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QMenu, QScrollArea, QWidget

from workstation.window import words
from workstation.window.theme import tokens
from workstation.window.widgets import button, label, named

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QEnterEvent

    from workstation.case.model import Capture
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.window.actions import Actions

_SIZE = QSize(116, 84)
_LOW, _EMPTY = 860, 32


class Frame(QAbstractButton):
    """One capture."""

    context = Signal(object)
    looked = Signal(float)

    def __init__(self, capture: Capture, picture: QPixmap | None) -> None:
        super().__init__()
        self.capture = capture
        self._picture = picture
        self._since = 0.0
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFixedSize(_SIZE)
        state = f"released by {capture.released_by.name}" if capture.released_by else "draft, not released"
        self.setToolTip(f"{capture.title}: {state}\nClick to stand again where it was made; right click for more")
        self.setAccessibleName(f"{capture.title}, {state}")

    def paintEvent(self, event: QPaintEvent) -> None:
        released = self.capture.state == "released"
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        inside = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        painter.fillRect(inside, QColor(tokens.VIEWPORT))
        if self._picture is not None:
            # the middle of the picture: burned-in texts at its edges are not readable at this size anyway
            w, h = self._picture.width() * 0.72, self._picture.height() * 0.72
            h = min(h, w * inside.height() / inside.width())
            w = h * inside.width() / inside.height()
            source = QRectF((self._picture.width() - w) / 2, (self._picture.height() - h) / 2, w, h)
            painter.drawPixmap(inside, self._picture, source)
        colour = QColor(tokens.DONE if released else tokens.WANTS)
        pen = QPen(colour, 1.5)
        if not released:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(QPen(QColor(tokens.ACCENT), 2) if self.isChecked() or self.hasFocus() else pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(inside, 3, 3)
        font = painter.font()
        font.setPixelSize(tokens.LABEL)
        painter.setFont(font)
        foot = QRectF(inside.left() + 1, inside.bottom() - 17, inside.width() - 2, 16)
        shade = QColor(tokens.HALO)
        shade.setAlphaF(0.65)
        painter.fillRect(foot, shade)
        painter.setPen(QColor(tokens.TITLE))
        text = painter.fontMetrics().elidedText(
            self.capture.title.replace("Volume rendering, ", "VR "), Qt.TextElideMode.ElideRight, int(foot.width()) - 8
        )
        painter.drawText(foot.adjusted(4, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter, text)
        self._mark(painter, inside, colour, released=released)
        painter.end()

    def _mark(self, painter: QPainter, inside: QRectF, colour: QColor, *, released: bool) -> None:
        by = self.capture.released_by
        told = words.initials(by.name) if released and by is not None else "draft"
        width = painter.fontMetrics().horizontalAdvance(told) + 10
        box = QRectF(inside.right() - width - 3, inside.top() + 3, width, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(tokens.ON_MEANING))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, told)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.context.emit(event.globalPos())

    def enterEvent(self, event: QEnterEvent) -> None:
        self._since = time.monotonic()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        if self._since:
            self.looked.emit(time.monotonic() - self._since)
        self._since = 0.0
        super().leaveEvent(event)


class FilmStrip(QWidget):
    """All captures that were not discarded."""

    def __init__(self, desk: Desk, actions: Actions) -> None:
        super().__init__()
        named(self, "FilmStrip")
        self._desk, self._actions = desk, actions
        self._session: Session | None = None
        self._pictures: dict[tuple[str, str], QPixmap] = {}
        self.frames: list[Frame] = []
        self.setFixedHeight(tokens.FILM)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(8, 0, 8, 0)
        outer.setSpacing(8)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = named(QWidget(), "Reel")
        area.viewport().setAutoFillBackground(False)
        self._row = QHBoxLayout(inner)
        self._row.setContentsMargins(0, 4, 0, 4)
        self._row.setSpacing(8)
        area.setWidget(inner)
        outer.addWidget(area, 1)
        self.release_all = button("Release drafts ...", tip="A physician looks at them and releases them")
        self.release_all.clicked.connect(lambda: self._release([f.capture.sop_uid for f in self.frames if _draft(f)]))
        outer.addWidget(self.release_all)
        self._empty = label("Captures stand here: P keeps the active pane as a draft.", "quiet")
        self._row.addWidget(self._empty)
        self._row.addStretch(1)
        self.release_all.hide()

    def show_case(self, session: Session | None) -> None:
        """Captures of this case, or none."""
        self._session = session
        self._pictures.clear()
        self.refresh()

    def refresh(self) -> None:
        """Read the captures anew; pictures that are known already stay."""
        for frame in self.frames:
            self._row.removeWidget(frame)
            frame.hide()  # at once: deletion waits for the event loop, and nothing of another case may be seen
            frame.deleteLater()
        self.frames = []
        captures = self._session.case.captures if self._session is not None else ()
        for capture in captures:
            if capture.state in ("discarded", "withdrawn"):
                continue
            frame = Frame(capture, self._picture(capture))
            frame.clicked.connect(lambda *_, c=capture: self._stand(c))
            frame.context.connect(lambda at, c=capture: self._menu(at, c))
            self.frames.append(frame)
            self._row.insertWidget(len(self.frames), frame)
        self._empty.setVisible(not self.frames)
        self._fit()
        drafts = sum(_draft(f) for f in self.frames)
        self.release_all.setVisible(bool(drafts))
        self.release_all.setText(f"Release {drafts} draft{'s' if drafts != 1 else ''} ...")
        why = self._desk.why_not("release")
        self.release_all.setEnabled(not why)
        self.release_all.setToolTip(why or "Look at each once more, then release them into the record")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """An empty strip takes no picture's room on a low screen."""
        low = self.window().height() < _LOW
        self.setFixedHeight(_EMPTY if low and not self.frames else tokens.FILM)

    def _picture(self, capture: Capture) -> QPixmap | None:
        key = (capture.sop_uid, capture.state)
        if key not in self._pictures and self._session is not None:
            whole = QPixmap()
            try:
                data = self._session.png(capture)
            except Exception as error:  # noqa: BLE001 - a picture that cannot be read leaves an empty frame, and says so
                self._actions.refused(error)
                return None
            whole.loadFromData(data)
            self._pictures[key] = whole.scaledToHeight(
                round(_SIZE.height() * 1.6 * self.devicePixelRatioF()), Qt.TransformationMode.SmoothTransformation
            )
        return self._pictures.get(key)

    def _stand(self, capture: Capture) -> None:
        self._actions.stand(capture)
        self._actions.capture_selected.emit(capture.sop_uid)
        self._actions.say(f"Standing where {capture.title} was made.")

    def _menu(self, at: QPoint, capture: Capture) -> None:
        menu = QMenu(self)
        menu.addAction("Stand where it was made", lambda: self._stand(capture))
        if capture.state == "draft":
            why = self._desk.why_not("release")
            act = menu.addAction("Release ...", lambda: self._release([capture.sop_uid]))
            act.setEnabled(not why)
            act.setToolTip(why)
            menu.addAction("Discard the draft", lambda: self._discard(capture))
        menu.setToolTipsVisible(True)
        menu.exec(at)

    def _release(self, uids: list[str]) -> None:
        if self._session is None or not uids:
            return
        from workstation.window import panels

        panels.release(self._desk, self._session, self._actions, uids, self.window())

    def _discard(self, capture: Capture) -> None:
        if self._session is not None:
            self._actions.run("discard", capture.sop_uid)


def _draft(frame: Frame) -> bool:
    return frame.capture.state == "draft"
