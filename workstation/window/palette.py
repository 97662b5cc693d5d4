"""Ctrl+K: one field that finds every action, look, window and series; and `?`: the live sheet of keys and mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workstation.window.actions import DECLARED, MOUSE, Actions, Declared
from workstation.window.icons import icon
from workstation.window.theme import tokens
from workstation.window.widgets import label, named

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = Qt.ItemDataRole.UserRole


def rank(query: str, title: str, group: str) -> int | None:
    """How well a title fits what was typed: lower is better, None is not at all.

    Every typed word must begin a word of the title or group, or at least be in it.
    """
    text = f"{title} {group}".casefold()
    words = text.replace("(", " ").replace(":", " ").split()
    score = 0
    for typed in query.casefold().split():
        if any(word.startswith(typed) for word in words):
            score += 0 if title.casefold().startswith(typed) else 1
        elif typed in text:
            score += 5
        else:
            return None
    return score


class Overlay(QWidget):
    """A layer over the window, dimmed around its sheet; Esc or a click beside it closes."""

    def __init__(self, parent: QWidget, name: str, width: int) -> None:
        super().__init__(parent)
        self.sheet = named(QFrame(self), name)
        self.sheet.setFixedWidth(width)
        self._before: QWidget | None = None
        self.hide()

    def begin(self) -> None:
        """Come up."""
        self._before = self.window().focusWidget()
        self.setGeometry(self.window().rect())
        self.show()
        self.raise_()

    def end(self) -> None:
        """Go, and give the keys back to who had them."""
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        shade = QColor(tokens.VIEWPORT)
        shade.setAlphaF(0.45)
        painter.fillRect(self.rect(), shade)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.sheet.geometry().contains(event.position().toPoint()):
            self.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.end()
            return
        event.accept()  # no key reaches the pictures through a layer

    def event(self, event: QEvent) -> bool:
        # single-letter actions of the window must not run while this layer is up
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)


class Palette(Overlay):
    """Find and do."""

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent, "Palette", 560)
        self._actions = actions
        column = QVBoxLayout(self.sheet)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(4)
        self.field = QLineEdit()
        self.field.setPlaceholderText("What do you want to do?")
        self.field.textChanged.connect(self._find)
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(lambda *_: self._do())
        column.addWidget(self.field)
        column.addWidget(self.list)

    def begin(self) -> None:
        super().begin()
        self.sheet.adjustSize()
        self.sheet.move((self.width() - self.sheet.width()) // 2, 88)
        self.field.clear()
        self._find("")
        self.field.setFocus()

    def _find(self, typed: str) -> None:
        self.list.clear()
        found = []
        for number, (one, there) in enumerate(self._actions.everything()):
            fits = rank(typed, one.title, one.group)
            if fits is not None and one.id not in {"palette", "leave"}:
                found.append((not there, fits, number, one, there))
        for *_, one, there in sorted(found, key=lambda f: f[:3])[:60]:
            self.list.addItem(self._item(one, there))
        self.list.setCurrentRow(0)
        shown = max(1, min(12, self.list.count()))
        self.list.setFixedHeight(shown * max(28, self.list.sizeHintForRow(0)) + 10)
        self.sheet.adjustSize()

    def _item(self, one: Declared, there: bool) -> QListWidgetItem:
        keys = Actions.keys_of(one)
        item = QListWidgetItem(f"{one.title}" + (f"    [{keys}]" if keys else ""))
        item.setData(_NAME, one.id)
        item.setToolTip(one.group)
        item.setIcon(icon(one.icon or "caret-down", tokens.QUIET if one.icon else tokens.PANEL))
        if not there:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
        return item

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key in {Qt.Key.Key_Down, Qt.Key.Key_Up}:
                step = 1 if key == Qt.Key.Key_Down else -1
                self.list.setCurrentRow(max(0, min(self.list.count() - 1, self.list.currentRow() + step)))
                return True
            if key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self._do()
                return True
            if key == Qt.Key.Key_Escape:
                self.end()
                return True
        return super().eventFilter(watched, event)

    def _do(self) -> None:
        item = self.list.currentItem()
        if self.list.currentRow() < 0 or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        self.end()
        self._actions.run(str(item.data(_NAME)))


class KeySheet(Overlay):
    """All keys, as they are now."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Sheet", 980)
        column = QVBoxLayout(self.sheet)
        column.setContentsMargins(28, 20, 28, 24)
        column.setSpacing(16)
        top = QHBoxLayout()
        top.addWidget(label("Keys and mouse", "heading"))
        top.addStretch(1)
        top.addWidget(label("Esc closes", "label"))
        column.addLayout(top)
        columns = QHBoxLayout()
        columns.setSpacing(32)
        groups: dict[str, list[tuple[str, str]]] = {"Mouse": list(MOUSE)}
        for one in DECLARED:
            keys = Actions.keys_of(one)
            if keys:
                groups.setdefault(one.group, []).append((keys, one.title))
        for names in (("Mouse", "Layout"), ("Tools", "View", "3D"), ("Case", "Program", "Slab")):
            columns.addWidget(_column([(name, groups.get(name, [])) for name in names]), 1)
        column.addLayout(columns)

    def begin(self) -> None:
        super().begin()
        self.sheet.setFixedWidth(min(1080, self.width() - 48))
        self.sheet.adjustSize()
        self.sheet.move((self.width() - self.sheet.width()) // 2, max(12, (self.height() - self.sheet.height()) // 2))
        self.setFocus()


def _column(groups: Iterable[tuple[str, list[tuple[str, str]]]]) -> QWidget:
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(6)
    for name, rows in groups:
        column.addWidget(label(name.upper(), "section"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        for number, (keys, title) in enumerate(rows):
            key = QLabel(keys)
            named(key, "Key")
            key.setWordWrap(True)
            grid.addWidget(key, number, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            told = label(title, "label", wrap=True)
            grid.addWidget(told, number, 1)
        column.addLayout(grid)
        column.addSpacing(8)
    column.addStretch(1)
    return made
