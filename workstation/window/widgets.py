"""Small makers of dressed widgets: names and properties that the style sheet knows."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QIcon, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from workstation.window.icons import icon
from workstation.window.theme import tokens

W = TypeVar("W", bound=QWidget)
_MENU_TEXT = 150


def named(widget: W, name: str) -> W:
    """The widget under a name of the style sheet; it paints its own background."""
    widget.setObjectName(name)
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    return widget


def restate(widget: QWidget, **properties: str) -> None:
    """Set properties that the style sheet reads, and dress anew."""
    for name, value in properties.items():
        widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def label(text: str = "", role: str = "", state: str = "", *, wrap: bool = False) -> QLabel:
    """A dressed label; never rich text, since names and descriptions come from files."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    if state:
        made.setProperty("state", state)
    return made


def upright() -> QFrame:
    """A thin upright line."""
    line = QFrame()
    line.setProperty("role", "upright")
    return line


def button(text: str, kind: str = "", glyph: str = "", tip: str = "") -> QPushButton:
    """A dressed push button."""
    made = QPushButton(text)
    if kind:
        made.setProperty("kind", kind)
    if glyph:
        made.setIcon(icon(glyph))
    if tip:
        made.setToolTip(tip)
    return made


def tool(text: str = "", glyph: str = "", tip: str = "") -> QToolButton:
    """A flat button of a bar; it never takes the keys away from the picture."""
    made = QToolButton()
    made.setAutoRaise(True)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if text:
        made.setText(text)
    if glyph:
        made.setIcon(icon(glyph))
        if text:
            made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    if tip:
        made.setToolTip(tip)
    return made


class Elided(QLabel):
    """A label that gives way: shortened with dots, whole in its tooltip. Long names do not break the bar.

    `keep` points of it always stay.
    """

    def __init__(self, text: str = "", role: str = "", keep: int = 48) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._whole = ""
        self._keep = keep
        if role:
            self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.set_whole(text)

    @property
    def whole(self) -> str:
        """The whole text."""
        return self._whole

    def set_whole(self, text: str) -> None:
        """Show this text, as much of it as there is room for."""
        self._whole = text
        self.updateGeometry()
        self._fit()

    def _fit(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._whole, Qt.TextElideMode.ElideRight, max(8, self.width()))
        super().setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self._whole) + 4, metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self._keep, self.sizeHint().width()), self.sizeHint().height())


class MenuButton(QToolButton):
    """A button that opens a menu and always shows its whole text; Qt's own hint forgets the style sheet's padding.

    With a `glyph` it can be shown as that alone; the text then stands in the tooltip.
    """

    def __init__(self, text: str, tip: str = "", glyph: str = "") -> None:
        super().__init__()
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._tip = tip
        self._room = _MENU_TEXT
        self._text = text
        self._glyph = glyph
        self._short = False
        self.tell(text)

    def set_room(self, points: int) -> None:
        """How long the text may be."""
        if points != self._room:
            self._room = points
            self.tell(self._text)

    def set_short(self, short: bool) -> None:
        """As the glyph alone, or with its text."""
        if short == self._short or not self._glyph:
            return
        self._short = short
        self.setIcon(icon(self._glyph) if short else QIcon())
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(style.ToolButtonTextBesideIcon if short else style.ToolButtonTextOnly)
        self.tell(self._text)

    def tell(self, text: str) -> None:
        """Show this text, with a sign that there is a menu; a long one is shortened, and whole in the tooltip."""
        self._text = text
        shown = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, self._room)
        if self._short:
            shown = ""
        self.setText(f"{shown}  ▾" if shown else "▾")
        self.setAccessibleName(text)
        self.setToolTip(self._tip if shown == text else f"{text}\n{self._tip}")
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        glyph = tokens.ICON + 2 if self._short else 0
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + glyph + 22, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()
