"""A pane: paints a finished picture and hands the mouse to a tool. It makes no picture and knows no patient."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QContextMenuEvent,
    QCursor,
    QEnterEvent,
    QFont,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from workstation.window.icons import pixmap
from workstation.window.theme import tokens
from workstation.window.tools.base import Effect, Pointer, Preview, Region, Tool, pixel_of
from workstation.window.tools.crop import rectangle
from workstation.window.tools.cross import arm, turns_from
from workstation.window.widgets import Elided, MenuButton, named, tool

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QMenu

    from render.picture import Picture
    from render.view import Box, Vector, View
    from workstation.window.actions import Actions
    from workstation.window.models.awaited import Polygon
    from workstation.window.models.oblique import Line

_WAIT_MS, _LATE_MS = 400, 5000  # from which a pane without a picture says that it waits, and then why
_CLICK = 4.0
_GAP = 12.0
_SHARE = 2  # height of the line that tells how far a picture has come
_RING = 4.0
_FACE = 3.0  # nearer to the line than this the faces of a slab are not drawn beside it
_DASHES: dict[str, list[float]] = {"axial": [], "coronal": [9, 4, 2, 4], "sagittal": [9, 5]}
_GLYPH = {"window": "circle-half", "rotate": "arrows-clockwise", "zoom": "magnifying-glass-plus"}
_SHAPE = {
    "arrow": Qt.CursorShape.ArrowCursor,
    "cross": Qt.CursorShape.CrossCursor,
    "pan": Qt.CursorShape.OpenHandCursor,
    "move": Qt.CursorShape.SizeAllCursor,
    "across": Qt.CursorShape.SizeHorCursor,
    "along": Qt.CursorShape.SizeVerCursor,
    "falling": Qt.CursorShape.SizeFDiagCursor,
    "rising": Qt.CursorShape.SizeBDiagCursor,
}

ToolFor = Callable[["Viewport", Qt.MouseButton, Pointer], "Tool | None"]


class Viewport(QWidget):
    """The picture of one pane.

    Signals: `effect(Effect)`, `wheeled(float steps, Pointer)`, `hovered(Vector | None)`, `activated()`,
    `resized()`, `menu(QPoint)`, `maximise()`. All positions are device pixels of the view.
    """

    effect = Signal(object, float)
    wheeled = Signal(float, object)
    hovered = Signal(object, object)
    activated = Signal()
    resized = Signal()
    menu = Signal(object)
    maximise = Signal()

    def __init__(self, name: str, tool_for: ToolFor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self._tool_for = tool_for
        self.view: View | None = None
        self.picture: Picture | None = None
        self._image: QImage | None = None
        self._bytes: np.ndarray | None = None
        self._sentence = ""
        self._waiting = self._late = False
        self.share = 0.0
        self._tool: Tool | None = None
        self._button = Qt.MouseButton.NoButton
        self._pressed: tuple[QPointF, float] | None = None
        self._moved = False
        self.point: Vector | None = None
        self.lines: tuple[Line, ...] = ()
        self.show_cross = True
        self._preview: Preview | None = None
        self._preview_text = ""
        self._region: Region | None = None
        self._box: Box | None = None
        self._guide: tuple[Vector, ...] = ()
        self.awaited: list[Polygon] = []
        # opaque and self-painted: Qt never clears it to another colour first, so nothing flashes
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(120, 100))
        self.setAccessibleName(f"{name} picture")
        self._spinner = QTimer(self)
        self._spinner.setSingleShot(True)
        self._spinner.timeout.connect(self._say_waiting)

    # What is shown.

    def blank(self, sentence: str = "") -> None:
        """Nothing of a patient any more; a sentence says why, if there is one."""
        self.view = self.picture = self._image = self._bytes = None
        self.point, self.lines = None, ()
        self._sentence = sentence
        self._preview = self._region = self._box = None
        self._guide = ()
        self.awaited = []
        self._spinner.stop()
        self._waiting = False
        self.share = 0.0
        self.update()

    def expect(self, view: View) -> None:
        """The view that was asked for: geometry of the pointer follows it at once, pixels come later."""
        self.view = view
        self._sentence = ""
        self.show_share(0.0)
        self._late = False
        self._spinner.start(_WAIT_MS)

    def show_share(self, share: float) -> None:
        """How far a picture has come that takes long, 0 to 1, as a line along the lower edge; 0 takes it away."""
        if share != self.share:
            self.share = share
            self.update(0, self.height() - _SHARE, self.width(), _SHARE)

    def show_picture(self, picture: Picture, awaited: list[Polygon] | None = None) -> None:
        """Paint this picture from now on; `awaited`: parts of it (in its pixels) whose slices have not come."""
        self.picture = picture
        self.awaited = awaited or []
        self._bytes = np.ascontiguousarray(picture.rgb)
        height, width = self._bytes.shape[:2]
        self._image = QImage(self._bytes.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._spinner.stop()
        self._waiting = False
        self.share = 0.0
        self._sentence = ""
        self.update()

    def refuse(self, sentence: str) -> None:
        """Say in the pane why there is no picture."""
        self._spinner.stop()
        self._waiting = False
        self.share = 0.0
        self.picture = self._image = self._bytes = None
        self._sentence = sentence
        self.update()

    def set_cross(self, point: Vector, lines: tuple[Line, ...]) -> None:
        """Draw the crosshair at this point of the patient, with the lines of the other planes."""
        self.point, self.lines = point, lines
        self.update()

    def set_preview(self, preview: Preview | None, text: str = "") -> None:
        """Draw a measurement in the making."""
        self._preview, self._preview_text = preview, text
        self.update()

    def set_region(self, region: Region | None) -> None:
        """Draw a crop box in the making."""
        self._region = region
        self.update()

    def set_box(self, box: Box | None) -> None:
        """Draw the crop as it stands, so that its sides can be taken; None draws none."""
        if box != self._box:
            self._box = box
            self.update()

    def set_guide(self, outline: tuple[Vector, ...]) -> None:
        """Draw the outline of a cutting plane, with a handle in its middle."""
        if outline != self._guide:
            self._guide = outline
            self.update()

    def device_size(self) -> tuple[int, int]:
        """Size in device pixels."""
        scale = self.devicePixelRatioF()
        return max(16, round(self.width() * scale)), max(16, round(self.height() * scale))

    def _say_waiting(self) -> None:
        self._late = self._waiting
        if not self._waiting:
            self._waiting = True
            self._spinner.start(_LATE_MS)
        self.update()

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.VIEWPORT))
        if self._image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(self._on_pixels(painter, self._place()), self._image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_awaited(painter)
            self._draw_cross(painter)
            self._draw_preview(painter)
            self._draw_region(painter)
            self._draw_guide(painter)
        if self._sentence:
            self._words(painter, self._sentence, tokens.QUIET)
        elif self._waiting and self._image is None:
            more = "\nThe first one after an installation or an update takes longer." if self._late else ""
            self._words(painter, f"Making the picture ...{more}", tokens.QUIET)
        if self.share > 0:
            self._draw_share(painter)
        painter.end()

    def _place(self) -> QRectF:
        """Where the picture lies: filling the pane, or centred in its own shape while a new size is on its way."""
        assert self._image is not None
        width, height = self._image.width(), self._image.height()
        factor = min(self.width() / width, self.height() / height)
        w, h = width * factor, height * factor
        if abs(w - self.width()) < 2 and abs(h - self.height()) < 2:
            return QRectF(0, 0, self.width(), self.height())
        return QRectF((self.width() - w) / 2, (self.height() - h) / 2, w, h)

    def _on_pixels(self, painter: QPainter, place: QRectF) -> QRectF:
        """A picture made for this pane, laid on the screen's own pixels: nothing is resampled, texts stay crisp.

        At scale factors such as 1.25 a pane begins and ends between two pixels of the screen.
        """
        assert self._image is not None
        scale = self.devicePixelRatioF()
        if (self._image.width(), self._image.height()) != self.device_size():
            return place
        begin = painter.deviceTransform().map(QPointF(0, 0))
        x, y = (round(begin.x()) - begin.x()) / scale, (round(begin.y()) - begin.y()) / scale
        return QRectF(x, y, self._image.width() / scale, self._image.height() / scale)

    def _draw_awaited(self, painter: QPainter) -> None:
        """A ground that no tissue has, hatched and named: what has not come is never taken for air."""
        if not self.awaited or self._image is None:
            return
        place = self._place()
        across, down = place.width() / self._image.width(), place.height() / self._image.height()
        ground, lines = QColor(tokens.SELECTION), QColor(tokens.QUIET)
        ground.setAlpha(110)
        lines.setAlpha(120)
        for part in self.awaited:
            shape = QPolygonF([QPointF(place.x() + (x + 0.5) * across, place.y() + (y + 0.5) * down) for x, y in part])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawPolygon(shape)
            painter.setBrush(QBrush(lines, Qt.BrushStyle.BDiagPattern))
            painter.drawPolygon(shape)
            box = shape.boundingRect().intersected(QRectF(self.rect()))
            if box.height() >= 28 and box.width() >= 90:
                self._label(painter, box.center() - QPointF(24, -12), "loading")
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_share(self, painter: QPainter) -> None:
        foot = self.height() - _SHARE
        painter.fillRect(QRectF(0, foot, self.width(), _SHARE), QColor(tokens.LINE))
        painter.fillRect(QRectF(0, foot, min(1.0, self.share) * self.width(), _SHARE), QColor(tokens.QUIET))

    def _words(self, painter: QPainter, text: str, colour: str) -> None:
        painter.setPen(QColor(colour))
        box = QRectF(self.rect()).adjusted(24, 24, -24, -24)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    def _at(self, point: Vector) -> QPointF | None:
        """Widget position of a patient point."""
        if self.view is None:
            return None
        place = pixel_of(self.view, point)
        if place is None:
            return None
        return QPointF(
            (place[0] + 0.5) * self.width() / self.view.size[0], (place[1] + 0.5) * self.height() / self.view.size[1]
        )

    def _line(self, painter: QPainter, a: QPointF, b: QPointF, pen: QPen) -> None:
        halo = QPen(QColor(tokens.HALO), pen.widthF() + 1.5)
        if pen.style() != Qt.PenStyle.SolidLine:
            # dashes are told in pen widths: the halo's are made as long as the line's own
            halo.setDashPattern([step * pen.widthF() / halo.widthF() for step in pen.dashPattern()])
            halo.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(halo)
        painter.drawLine(a, b)
        painter.setPen(pen)
        painter.drawLine(a, b)

    def _draw_cross(self, painter: QPainter) -> None:
        """The other planes' lines with a gap at the crossing, thin ones at a slab's faces, rings where they turn."""
        if not self.show_cross or self.point is None or self.view is None or not self.lines:
            return
        place = pixel_of(self.view, self.point)
        at = self._at(self.point)
        if place is None or at is None or self.view.plane is None:
            return
        scale = self.width() / self.view.size[0]
        painter.setOpacity(0.8)
        for line in self.lines:
            pen = QPen(QColor(tokens.PLANES[line.plane]), 1.0)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            if _DASHES[line.plane]:
                pen.setDashPattern(_DASHES[line.plane])
            aside = line.half_mm / self.view.plane.mm_per_pixel * scale
            for sign in (1.0, -1.0):
                direction = (sign * line.direction[0], sign * line.direction[1])
                step, far = QPointF(*direction), arm(self.view, place, direction) * scale
                if far <= _GAP:
                    continue
                self._line(painter, at + step * _GAP, at + step * far, pen)
                if aside >= _FACE:
                    for side in (aside, -aside):
                        self._draw_face(painter, line.plane, at + QPointF(-step.y(), step.x()) * side, step, far)
                turn = turns_from(self.view, place, direction) * scale
                if self.underMouse() and turn < far - 2 * _RING:
                    self._draw_ring(painter, line.plane, at + step * ((turn + far) / 2))
        painter.setOpacity(1.0)

    def _draw_face(self, painter: QPainter, plane: str, at: QPointF, step: QPointF, far: float) -> None:
        painter.setOpacity(0.45)
        painter.setPen(QPen(QColor(tokens.PLANES[plane]), 1.0))
        painter.drawLine(at + step * _GAP, at + step * far)
        painter.setOpacity(0.8)

    def _draw_ring(self, painter: QPainter, plane: str, at: QPointF) -> None:
        """Where a line can be taken to turn its plane: shown while the hand is in the pane."""
        painter.setBrush(QColor(tokens.VIEWPORT))
        painter.setPen(QPen(QColor(tokens.HALO), 3))
        painter.drawEllipse(at, _RING, _RING)
        painter.setPen(QPen(QColor(tokens.PLANES[plane]), 1.5))
        painter.drawEllipse(at, _RING, _RING)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_preview(self, painter: QPainter) -> None:
        if self._preview is None:
            return
        places = [p for p in (self._at(point) for point in self._preview.points_lps_mm) if p is not None]
        pen = QPen(QColor(tokens.WANTS), 1.5)
        pen.setStyle(Qt.PenStyle.DashLine)
        for a, b in pairwise(places):
            self._line(painter, a, b, pen)
        for place in places:
            painter.setPen(QPen(QColor(tokens.HALO), 3))
            painter.drawEllipse(place, 3.5, 3.5)
            painter.setPen(QPen(QColor(tokens.WANTS), 1.5))
            painter.drawEllipse(place, 3.5, 3.5)
        if self._preview_text and places:
            self._label(painter, places[-1] + QPointF(12, -12), self._preview_text)

    def _label(self, painter: QPainter, at: QPointF, text: str) -> None:
        font = QFont(self.font())
        font.setPixelSize(tokens.BODY)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        box = painter.fontMetrics().boundingRect(text).adjusted(-6, -3, 6, 3)
        box.moveTo(min(int(at.x()), self.width() - box.width() - 4), max(4, int(at.y()) - box.height()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.PANEL))
        painter.drawRoundedRect(box, 3, 3)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(tokens.TITLE))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _draw_region(self, painter: QPainter) -> None:
        if self._region is None:
            self._draw_box(painter)
            return
        a, b = (self._at(corner) for corner in self._region.corners_lps_mm)
        if a is None or b is None:
            return
        pen = QPen(QColor(tokens.ACCENT), 1.5)
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRect(QRectF(a, b).normalized())

    def _draw_box(self, painter: QPainter) -> None:
        if self._box is None or self.view is None or rectangle(self.view, self._box) is None:
            return
        a, b = self._at(self._box.low_lps_mm), self._at(self._box.high_lps_mm)
        if a is not None and b is not None:
            painter.setPen(QPen(QColor(tokens.HALO), 3))
            painter.drawRect(QRectF(a, b).normalized())
            painter.setPen(QPen(QColor(tokens.ACCENT), 1.5))
            painter.drawRect(QRectF(a, b).normalized())

    def _draw_guide(self, painter: QPainter) -> None:
        places = [p for p in (self._at(corner) for corner in self._guide) if p is not None]
        if len(places) < 3:
            return
        pen = QPen(QColor(tokens.ACCENT), 1.5)
        for a, b in pairwise([*places, places[0]]):
            self._line(painter, a, b, pen)
        middle = QPointF(sum(p.x() for p in places) / len(places), sum(p.y() for p in places) / len(places))
        painter.setPen(QPen(QColor(tokens.HALO), 4))
        painter.drawEllipse(middle, 6, 6)
        painter.setPen(QPen(QColor(tokens.ACCENT), 2))
        painter.drawEllipse(middle, 6, 6)

    # The hand.

    def pointer(self, event: QMouseEvent | QWheelEvent) -> Pointer:
        """Where the event happened, in device pixels of the view."""
        position, mods = event.position(), event.modifiers()
        size = self.view.size if self.view is not None else self.device_size()
        return Pointer(
            x=position.x() * size[0] / max(1, self.width()) - 0.5,
            y=position.y() * size[1] / max(1, self.height()) - 0.5,
            shift=bool(mods & Qt.KeyboardModifier.ShiftModifier),
            ctrl=bool(mods & Qt.KeyboardModifier.ControlModifier),
            alt=bool(mods & Qt.KeyboardModifier.AltModifier),
            time_s=time.monotonic(),
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.activated.emit()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self.view is None or self._button != Qt.MouseButton.NoButton:
            return
        at = self.pointer(event)
        self._button = event.button()
        self._pressed, self._moved = (event.position(), at.time_s), False
        self._tool = self._tool_for(self, event.button(), at)
        if self._tool is not None:
            self._give(self._tool.press(self.view, self.picture, at))
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.view is None:
            return
        at = self.pointer(event)
        self.hovered.emit(self, at)
        if self._pressed is not None:
            distance = event.position() - self._pressed[0]
            self._moved = self._moved or max(abs(distance.x()), abs(distance.y())) >= _CLICK
        held = self._tool
        if held is None:
            held = self._tool_for(self, Qt.MouseButton.NoButton, at)
            self.set_cursor(held)
        elif self._button == Qt.MouseButton.RightButton and not self._moved:
            return
        if held is not None:
            self._give(held.move(self.view, self.picture, at))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != self._button:
            return
        held, self._tool = self._tool, None
        self._button = Qt.MouseButton.NoButton
        clicked = not self._moved and event.button() == Qt.MouseButton.RightButton
        if held is not None and self.view is not None:
            if clicked:
                held.cancel()
            else:
                self._give(held.release(self.view, self.picture, self.pointer(event)))
        self._pressed = None
        if clicked:
            self.menu.emit(event.globalPosition().toPoint())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.maximise.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.menu.emit(self.mapToGlobal(self.rect().center()))
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.activated.emit()
        turned = event.angleDelta().y() or event.angleDelta().x()
        if self.view is not None and turned:
            self.wheeled.emit(turned / 120.0, self.pointer(event))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(self, None)
        self.update()
        super().leaveEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.set_cursor(None)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def _give(self, effect: Effect) -> None:
        if effect is not None:
            began = self._pressed[1] if self._pressed is not None else time.monotonic()
            self.effect.emit(effect, time.monotonic() - began)

    def set_cursor(self, held: Tool | None) -> None:
        """A cursor that says what a drag will do."""
        word = "arrow" if held is None else held.cursor
        if word in _SHAPE:
            self.setCursor(_SHAPE[word])
        else:
            self.setCursor(_drawn(word))


_CURSORS: dict[str, QCursor] = {}


def _drawn(word: str) -> QCursor:
    if word not in _CURSORS:
        from PySide6.QtGui import QPixmap

        glyph = QPixmap(24, 24)
        glyph.fill(Qt.GlobalColor.transparent)
        painter = QPainter(glyph)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.drawPixmap(2 + dx, 2 + dy, pixmap(_GLYPH[word], tokens.HALO, 20))
        painter.drawPixmap(2, 2, pixmap(_GLYPH[word], tokens.TITLE, 20))
        painter.end()
        _CURSORS[word] = QCursor(glyph, 12, 12)
    return _CURSORS[word]


class Pane(QFrame):
    """A viewport with its head: a colour edge for the plane, a title that is a menu, tools under the pointer."""

    def __init__(self, name: str, title: str, tool_for: ToolFor, actions: Actions) -> None:
        super().__init__()
        self.name = name
        self.viewport = Viewport(name, tool_for, self)
        self._active = False
        self.title = MenuButton(title, "What this pane shows")
        self.words = Elided(role="quiet", keep=0)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._hover: list[QWidget] = []
        self._letters: list[QWidget] = []
        self._sided = True
        head = named(QWidget(), "PaneHead")
        head.setFixedHeight(26)
        # panes share the room evenly, whatever stands in their heads: what does not fit there gives way
        head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(head)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(2)
        row.addWidget(self.title)
        row.addWidget(self.words, 1)
        if name == "3d":
            for letter in "APLRSI":
                self._letters.append(self._letter(letter, actions))
                row.addWidget(self._letters[-1])
        for act in ("capture", "reset", "maximise"):
            row.addWidget(self._tool(act, actions))
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(1, 3, 1, 1)
        self.column.setSpacing(0)
        self.column.addWidget(head)
        self.column.addWidget(self.viewport, 1)
        self._show_tools(False)

    def _letter(self, letter: str, actions: Actions) -> QToolButton:
        button = tool(letter, tip=actions.qaction(f"view.{letter}").toolTip())
        button.setProperty("letter", "true")
        button.clicked.connect(lambda: actions.run(f"view.{letter}"))
        return button

    def _tool(self, act: str, actions: Actions) -> QToolButton:
        button = tool(tip=actions.qaction(act).toolTip())
        button.setIcon(actions.qaction(act).icon())
        button.clicked.connect(self.viewport.activated)
        button.clicked.connect(lambda: actions.run(act))
        keep = button.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # coming and going must not move the title
        button.setSizePolicy(keep)
        self._hover.append(button)
        return button

    def _show_tools(self, there: bool) -> None:
        for button in self._hover:
            button.setVisible(there)

    def show_letters(self, sided: bool) -> None:
        """The six sides to look from; none of a volume that does not say how it lies in the patient."""
        self._sided = sided
        self._make_room()

    def _make_room(self) -> None:
        """In a narrow pane the letters give way; the sides stay in the menu, on the keys and on the cube."""
        others = [self.title, *self._hover]
        wide = sum(part.sizeHint().width() + 2 for part in (*others, *self._letters)) + 8
        for button in self._letters:
            button.setVisible(self._sided and wide <= self.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def insert(self, bar: QWidget) -> None:
        """Put a bar between the head and the picture."""
        self.column.insertWidget(1, bar)

    def set_menu(self, menu: QMenu) -> None:
        """The menu behind the title."""
        self.title.setMenu(menu)

    def set_title(self, title: str, words: str = "") -> None:
        """What the pane shows, in a word or two."""
        self.title.tell(title)
        self.words.set_whole(words)

    def set_active(self, active: bool) -> None:
        """Whether keys act on this pane."""
        if active != self._active:
            self._active = active
            self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._show_tools(True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._show_tools(False)
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.ACCENT if self._active else tokens.WINDOW))
        painter.fillRect(0, 0, self.width(), 3, QColor(tokens.PLANES[self.name]))
        painter.end()
