"""The few parts of which every panel is built. Sizes follow the 4-point grid; colours come from the style sheet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QLinearGradient, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from workstation.window.icons import pixmap
from workstation.window.theme import tokens

CONTROL = tokens.CONTROL
GAP = 8
_LONG_WORD = re.compile(r"\S{22,}")


def breakable(text: str) -> str:
    """The text with places to break in words too long for a panel (zero-width spaces, invisible)."""
    return _LONG_WORD.sub(lambda m: "\u200b".join(m.group()[i : i + 12] for i in range(0, len(m.group()), 12)), text)


class Words(QLabel):
    """Plain text that wraps, whatever a name or a report may contain; never read as markup."""

    def __init__(self, text: str = "", role: str = "", state: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        if role:
            self.setProperty("role", role)
        if state:
            self.setProperty("state", state)
        self.say(text)

    def say(self, text: str, state: str | None = None) -> None:
        """Show another text, and take another state ("wants", "done", "refused" or "")."""
        self.setText(breakable(text))
        self.setAccessibleName(text)
        if state is not None:
            restate(self, state)

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), 48), hint.height())


class Line(QLabel):
    """One line of plain text that ends in an ellipsis when the place is too narrow; the whole is the tooltip."""

    def __init__(self, text: str = "", role: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = text
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        if role:
            self.setProperty("role", role)
        self.say(text)

    def say(self, text: str) -> None:
        """Show another text."""
        self._whole = text
        self.setAccessibleName(text)
        self._fit()

    def _fit(self) -> None:
        metrics = QFontMetrics(self.font())
        shown = metrics.elidedText(self._whole, Qt.TextElideMode.ElideRight, max(self.width(), 1))
        self.setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self._whole), metrics.height() + 4)


class Card(QFrame):
    """A raised frame with a small title, and rows below each other."""

    def __init__(self, title: str = "", state: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        if state:
            self.setProperty("state", state)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 12, 12, 12)
        self.column.setSpacing(GAP)
        if title:
            self.title: QLabel | None = section(title)
            self.column.addWidget(self.title)
        else:
            self.title = None

    def retitle(self, text: str) -> None:
        """Take another title, where there is one."""
        if self.title is not None:
            self.title.setText(text.upper())
            self.title.setAccessibleName(text)

    def add(self, part: QWidget | QLayout) -> None:
        """Put a part below the others."""
        if isinstance(part, QWidget):
            self.column.addWidget(part)
        else:
            self.column.addLayout(part)


class Rows(QWidget):
    """Rows that are made anew when what they show has changed."""

    def __init__(self, spacing: int = GAP, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[object] | None = None
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(spacing)

    def stands(self, shown: object) -> bool:
        """Whether rows for exactly this stand already; if not, it is remembered, and the rows must be filled.

        Making and styling a dozen rows takes tens of milliseconds, and a panel is refreshed at every act.
        """
        if self._shown is not None and self._shown == (shown,):
            return True
        self._shown = (shown,)
        return False

    def fill(self, parts: Iterable[QWidget]) -> None:
        """Replace all rows."""
        while self.column.count():
            item = self.column.takeAt(0)
            old = item.widget() if item is not None else None
            if old is not None:
                old.hide()
                old.setParent(None)
                old.deleteLater()
        for part in parts:
            self.column.addWidget(part)
            part.show()


class Rule(QFrame):
    """A thin line between rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "line")
        self.setFixedHeight(1)


def section(text: str) -> QLabel:
    """The small capital title of a card."""
    label = QLabel(text.upper())
    label.setAccessibleName(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", "section")
    return label


def restate(widget: QWidget, state: str) -> None:
    """Give a widget another ``state`` and let the style sheet see it."""
    if widget.property("state") == state:
        return
    widget.setProperty("state", state)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def button(text: str, act: Callable[[], object], kind: str = "", tip: str = "") -> QPushButton:
    """A button of the control height that does `act`."""
    made = QPushButton(text)
    if kind:
        made.setProperty("kind", kind)
    made.setMinimumHeight(CONTROL)
    made.setAutoDefault(False)
    if kind == "link":
        made.setFlat(True)
        made.setCursor(Qt.CursorShape.PointingHandCursor)
        made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    if tip:
        made.setToolTip(tip)
    made.clicked.connect(lambda _checked=False: act())
    return made


def row(*parts: QWidget | int, spacing: int = GAP) -> QHBoxLayout:
    """Parts beside each other; 0 is a stretch, another number a gap."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(spacing)
    for part in parts:
        if not isinstance(part, int):
            made.addWidget(part)
        elif part:
            made.addSpacing(part)
        else:
            made.addStretch(1)
    return made


_SIGNS = {"done": "check-circle", "wants": "warning-circle", "refused": "x-circle", "": "info"}
_SPOKEN = {"done": "in order", "wants": "wants something", "refused": "refused", "": "note"}
_COLOURS = {"done": tokens.DONE, "wants": tokens.WANTS, "refused": tokens.REFUSED, "": tokens.QUIET}


class Sign(QLabel):
    """A small sign that goes with a colour, for those who do not see the colour."""

    def __init__(self, state: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(16, 20)
        self.become(state)

    def become(self, state: str) -> None:
        """Take another state ("done", "wants", "refused" or "")."""
        self.setPixmap(pixmap(_SIGNS[state], _COLOURS[state], tokens.ICON, self.devicePixelRatioF()))
        self.setAccessibleName(_SPOKEN[state])


def sentence_row(
    state: str, sentence: str, quiet: str = "", after: QWidget | None = None, parent: QWidget | None = None
) -> QWidget:
    """A sign, a sentence, what it means in quiet text, and perhaps a button at the end."""
    made = QWidget(parent)
    line = QHBoxLayout(made)
    line.setContentsMargins(0, 4, 0, 4)
    line.setSpacing(GAP)
    line.addWidget(Sign(state), 0, Qt.AlignmentFlag.AlignTop)
    words = QVBoxLayout()
    words.setSpacing(0)
    words.addWidget(Words(sentence))
    if quiet:
        words.addWidget(Words(quiet, "quiet"))
    line.addLayout(words, 1)
    if after is not None:
        line.addWidget(after, 0, Qt.AlignmentFlag.AlignTop)
    return made


def field_row(title: str, control: QWidget, quiet: str = "") -> QWidget:
    """A small title above a control, with where its value comes from below."""
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    label = QLabel(title)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setProperty("role", "label")
    label.setBuddy(control)
    control.setAccessibleName(title)
    column.addWidget(label)
    column.addWidget(control)
    if quiet:
        column.addWidget(Words(quiet, "quiet"))
    return made


class Choice(QWidget):
    """A few words of which one holds, as buttons side by side; nothing is chosen until a person does.

    With `clearable` a click on the chosen word takes the choice back: not known again.
    """

    def __init__(
        self,
        options: Iterable[tuple[object, str]],
        changed: Callable[[object], None] | None = None,
        parent: QWidget | None = None,
        *,
        clearable: bool = False,
    ) -> None:
        super().__init__(parent)
        self._values: list[object] = []
        self._buttons: list[QPushButton] = []
        self._changed = changed
        self._clearable = clearable
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        for place, (value, words) in enumerate(options):
            made = QPushButton(words)
            made.setCheckable(True)
            made.setAutoDefault(False)
            made.setProperty("kind", "segment")
            made.setMinimumHeight(CONTROL)
            made.clicked.connect(lambda _checked=False, number=place: self._clicked(number))
            self._values.append(value)
            self._buttons.append(made)
            line.addWidget(made, 1)

    def _clicked(self, number: int) -> None:
        if not self._buttons[number].isChecked() and not self._clearable:
            self._buttons[number].setChecked(True)
        for place, other in enumerate(self._buttons):
            if place != number:
                other.setChecked(False)
        if self._changed is not None:
            self._changed(self.value)

    @property
    def value(self) -> object:
        """The chosen value; None before a choice."""
        return next((v for v, b in zip(self._values, self._buttons, strict=True) if b.isChecked()), None)

    def choose(self, value: object) -> None:
        """Show this value as chosen, without telling anybody; a value that is no option clears the choice."""
        for option, one in zip(self._values, self._buttons, strict=True):
            one.setChecked(option == value and type(option) is type(value))

    def button(self, value: object) -> QPushButton:
        """The button of a value, for its tooltip and tests."""
        return self._buttons[self._values.index(value)]


class Panel(QWidget):
    """A step's panel: heading on top, cards below, and the step's main button at the end.

    The window gives it its scroll area and calls `refresh` whenever the case has changed.
    """

    go_to = Signal(str)
    """Another place of the window, in the words of `Point.where` ("report", "film", "load:reason")."""
    step = ""
    title = ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(16, 12, 16, 16)
        self.column.setSpacing(12)
        heading = QLabel(self.title)
        heading.setObjectName("Heading")
        heading.setProperty("role", "heading")
        self.column.addWidget(heading)
        self.setMinimumWidth(304)

    def add(self, part: QWidget) -> None:
        """Put a card below the others."""
        self.column.addWidget(part)

    def finish(self) -> None:
        """Keep the cards at the top of a tall panel."""
        self.column.addStretch(1)

    def refresh(self) -> None:
        """Show the case as it stands."""

    def focus_field(self, field: str) -> None:
        """Bring a named field into view and put the cursor there."""
        target = self.findChild(QWidget, f"field_{field}")
        if target is None:
            return
        target.setFocus(Qt.FocusReason.OtherFocusReason)
        around: QWidget | None = self.parentWidget()
        while around is not None and not isinstance(around, QScrollArea):
            around = around.parentWidget()
        if around is not None:
            around.ensureWidgetVisible(target, 0, 24)


def swatch(colours: tuple[str, ...], ratio: float) -> QPixmap:
    """A ramp of colours, 48 by 12 points: how a look paints values, from dark to dense."""
    drawn = QPixmap(QSize(48, 12) * ratio)
    drawn.setDevicePixelRatio(ratio)
    drawn.fill(Qt.GlobalColor.transparent)
    ramp = QLinearGradient(0, 0, 48, 0)
    last = max(len(colours) - 1, 1)
    for place, colour in enumerate(colours):
        ramp.setColorAt(place / last, QColor(f"#{colour}"))
    painter = QPainter(drawn)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ramp)
    painter.drawRoundedRect(0, 0, 48, 12, 3, 3)
    painter.end()
    return drawn


def alive(thing: QObject) -> bool:
    """Whether the Qt object behind this still exists: a job may come back after its panel has gone."""
    import shiboken6

    return bool(shiboken6.isValid(thing))
