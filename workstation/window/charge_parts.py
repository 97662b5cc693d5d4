"""Parts of the worklist: a state as a pill, and a number that filters the list."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from workstation.window.models.charges import STATE
from workstation.window.panels.parts import Card, Words, restate
from workstation.window.theme import tokens

_COLOURS = {"done": tokens.DONE, "wants": tokens.WANTS, "refused": tokens.REFUSED}


class Pill(QStyledItemDelegate):
    """A state as a word in a coloured outline; on the selection the word is in the colour that can be read there."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        plain = QStyleOptionViewItem(option)
        self.initStyleOption(plain, index)
        word, plain.text = plain.text, ""
        style = plain.widget.style()
        style.drawControl(style.ControlElement.CE_ItemViewItem, plain, painter, plain.widget)
        colour = QColor(_COLOURS.get(str(index.data(STATE)), tokens.QUIET))
        selected = bool(plain.state & style.StateFlag.State_Selected)
        rect: QRect = plain.rect
        font = QFont(plain.font)
        font.setPixelSize(tokens.LABEL)
        font.setWeight(QFont.Weight.DemiBold)
        width = min(QFontMetrics(font).horizontalAdvance(word) + 20, rect.width() - 12)
        pill = QRectF(rect.left() + 8.5, rect.center().y() - 9.5, width, 20)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 1))
        painter.drawRoundedRect(pill, 10, 10)
        painter.setFont(font)
        if selected:
            painter.setPen(QColor(tokens.TEXT))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, word)
        painter.restore()


class Tile(Card):
    """A number with its meaning; pressed, it shows only its lines, pressed again all."""

    pressed = Signal()

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent=parent)
        self.setAccessibleName(title)
        self.setToolTip("Show only these, or all again")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.number = Words("", "big")
        self.about = Words("", "quiet")
        for words in (self.number, self.about):
            # the whole tile is the button; words that can be selected would keep the click
            words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            self.add(words)
        self.column.addStretch(1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.pressed.emit()
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.pressed.emit()
        else:
            super().keyPressEvent(event)

    def put(self, number: int, about: str, state: str = "") -> None:
        """Show another number."""
        self.number.say(str(number), state if number else "")
        self.about.say(about)

    def mark(self, chosen: bool) -> None:
        """Show whether the list is narrowed to these lines."""
        restate(self, "chosen" if chosen else "")
