"""The biller's worklist: what is ready, what is held and by which question, and why the rest is not billed."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSplitter,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from workstation.archive.index import search_text
from workstation.base.errors import RenderDeskError
from workstation.desk.charge_case import decide_place
from workstation.desk.open_study import stored_case
from workstation.window.panels.charge import FOOTNOTE, asked
from workstation.window.panels.parts import CONTROL, Card, Rows, Rule, Words, button, restate, row, sentence_row
from workstation.window.panels.questions import question_of
from workstation.window.panels.say import counted, plain_name
from workstation.window.panels.standing import Standing, standing
from workstation.window.theme import tokens

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.worklist import ChargeLine
    from workstation.window.actions import Actions

_COLUMNS = ("Patient", "Study date", "Code", "State", "What is asked, or why not")
_ROW = 40
_Index = QModelIndex | QPersistentModelIndex
LINE = Qt.ItemDataRole.UserRole
STATE = Qt.ItemDataRole.UserRole + 1


def state_of(line: ChargeLine) -> tuple[str, str]:
    """Word and state of a line's pill."""
    if line.state != "open":
        return line.state, "done" if line.state in ("confirmed", "sent", "acknowledged") else ""
    return {"bill": ("ready", "done"), "hold": ("held", "wants")}.get(line.decision, ("not billed", "refused"))


def patient_of(line: ChargeLine) -> str:
    """The patient's name as people write it."""
    return plain_name(line.patient_name) or "Name not known"


def age_days(line: ChargeLine, today: date) -> int | None:
    """Days since the service; None when its date is not known."""
    try:
        return (today - date.fromisoformat(line.date)).days if line.date else None
    except ValueError:
        return None


def why_lines(desk: Desk, study_uid: str) -> list[Standing]:
    """Why a case is decided as it is, what is missing first; its voxels are not opened for that."""
    case = stored_case(desk.place, study_uid)
    if case is None:
        return []
    decided = decide_place(desk.place, case)
    missing = [] if case.charge else asked(decided.answer, case.anatomy)
    questions = [(question_of(path), sentence) for path, sentence in missing]
    open_now = [Standing("wants", question.ask if question else sentence) for question, sentence in questions]
    return [*open_now, *standing(decided.answer, decided.proof)]


class ChargeModel(QAbstractTableModel):
    """Lines of the worklist."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[ChargeLine, ...] = ()

    def put(self, lines: tuple[ChargeLine, ...]) -> None:
        """Show other lines."""
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._lines)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self._lines[index.row()]
        word, state = state_of(line)
        if role == Qt.ItemDataRole.DisplayRole:
            code = " ".join((line.code or "none", *line.modifiers))
            return (
                patient_of(line),
                line.date or "not known",
                code,
                word,
                line.question,
            )[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole and index.column() in (0, 4):
            return line.question if index.column() else patient_of(line)
        if role == LINE:
            return line
        if role == STATE:
            return state
        if role == Qt.ItemDataRole.FontRole and index.column() == 0:
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        if role == Qt.ItemDataRole.ForegroundRole and index.column() in (1, 4):
            return QColor(tokens.QUIET)
        return None


class Filter(QSortFilterProxyModel):
    """Finds lines by patient, code, state and question, without case and accents."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []

    def look_for(self, text: str) -> None:
        """Show the lines that hold all of these words."""
        self.beginFilterChange()
        self._words = search_text(text).split()
        self.endFilterChange()

    def filterAcceptsRow(self, source_row: int, source_parent: _Index) -> bool:
        model = self.sourceModel()
        cells = [str(model.index(source_row, c).data() or "") for c in range(model.columnCount())]
        text = search_text(*cells)
        return all(word in text for word in self._words)


class Pill(QStyledItemDelegate):
    """A state as a word in a coloured outline."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        plain = QStyleOptionViewItem(option)
        self.initStyleOption(plain, index)
        word = plain.text
        plain.text = ""
        style = plain.widget.style()
        style.drawControl(style.ControlElement.CE_ItemViewItem, plain, painter, plain.widget)
        colours = {"done": tokens.DONE, "wants": tokens.WANTS, "refused": tokens.REFUSED}
        colour = QColor(colours.get(str(index.data(STATE)), tokens.QUIET))
        rect: QRect = plain.rect
        font = QFont(plain.font)
        font.setPixelSize(tokens.LABEL)
        font.setWeight(QFont.Weight.DemiBold)
        width = min(QFontMetrics(font).horizontalAdvance(word) + 20, rect.width() - 8)
        pill = QRectF(rect.left() + 8.5, rect.center().y() - 9.5, width, 20)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 1))
        painter.drawRoundedRect(pill, 10, 10)
        painter.setFont(font)
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, word)
        painter.restore()


class Bars(QWidget):
    """Counts as horizontal bars with their words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: list[tuple[str, int]] = []
        self.setMinimumHeight(24)

    def put(self, counts: list[tuple[str, int]]) -> None:
        """Show other counts, the largest first."""
        self._counts = counts
        self.setFixedHeight(max(len(counts) * 20, 1))
        self.setToolTip("\n".join(f"{words}: {n}" for words, n in counts))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics = self.fontMetrics()
        font = self.font()
        font.setPixelSize(tokens.LABEL)
        painter.setFont(font)
        half = int(self.width() * 0.62)
        most = max((n for _, n in self._counts), default=1)
        for place, (words, n) in enumerate(self._counts):
            top = place * 20
            painter.setPen(QColor(tokens.TEXT))
            shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, half)
            painter.drawText(QRect(0, top, half, 20), Qt.AlignmentFlag.AlignVCenter, shown)
            length = int((self.width() - half - 36) * n / most)
            painter.fillRect(QRect(half + 4, top + 6, max(length, 2), 8), QColor(tokens.ACCENT))
            painter.setPen(QColor(tokens.QUIET))
            painter.drawText(QRect(half + 10 + length, top, 28, 20), Qt.AlignmentFlag.AlignVCenter, str(n))
        painter.end()


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
        self.add(self.number)
        self.add(self.about)
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


class ChargesView(QWidget):
    """The whole worklist with its tiles, and the line in hand at the right."""

    open_case = Signal(str)

    def __init__(self, desk: Desk, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._actions = desk, actions
        self.setObjectName("Charges")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._top())
        self.model = ChargeModel(self)
        self.filter = Filter(self)
        self.filter.setSourceModel(self.model)
        self.table = QTableView()
        self._prepare_table()
        self.detail = QWidget()
        self.detail.setObjectName("LibraryDetail")
        self.detail.setMinimumWidth(320)
        side = QVBoxLayout(self.detail)
        side.setContentsMargins(16, 16, 16, 16)
        side.setSpacing(12)
        self.code = Words("", "code")
        self.who = Words("", "quiet")
        self.why = Card()
        self._why_rows = Rows(0)
        self.why.add(self._why_rows)
        side.addWidget(self.code)
        side.addWidget(self.who)
        side.addWidget(self.why)
        self.reasons = Card("Why")
        self._reason_rows = Rows(0)
        self.reasons.add(self._reason_rows)
        side.addWidget(self.reasons)
        side.addStretch(1)
        side.addWidget(Words(FOOTNOTE, "quiet"))
        self.open = button("Open the case", self._open, "primary", "Questions, reasons and the confirmation  [Enter]")
        side.addWidget(self.open)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.table)
        split.addWidget(self.detail)
        split.setStretchFactor(0, 1)
        split.setSizes([1000, 400])
        self.empty = Words(
            "No signed study waits for billing. Studies appear here once their 3D pictures are released.", "quiet"
        )
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing = QWidget()
        middle = QVBoxLayout(self._nothing)
        middle.addStretch(1)
        middle.addWidget(self.empty)
        middle.addStretch(2)
        column.addWidget(self._nothing, 1)
        column.addWidget(split, 1)
        self._split = split
        self.refresh()

    def _top(self) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Patient, code, state, question ...")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumHeight(CONTROL)
        self.search.setFixedWidth(400)
        self.search.setAccessibleName("Find charges")
        again = button("Decide again", self.refresh, tip="Read all cases anew")
        column.addLayout(row(self.search, again, 0))
        line = QHBoxLayout()
        line.setSpacing(12)
        self.ready = Tile("Ready to confirm")
        self.held = Tile("Held, each with its question")
        self.confirmed = Tile("Confirmed")
        self.refused = Card("Why not billed")
        self.bars = Bars()
        self.no_bars = Words("", "quiet")
        self.refused.add(self.bars)
        self.refused.add(self.no_bars)
        self.refused.column.addStretch(1)
        for part, share in ((self.ready, 2), (self.held, 3), (self.confirmed, 2), (self.refused, 4)):
            part.setMinimumHeight(132)
            line.addWidget(part, share)
        for tile, word in ((self.ready, "ready"), (self.held, "held"), (self.confirmed, "confirmed")):
            tile.pressed.connect(partial(self._only, word))
        column.addLayout(line)
        return made

    def _only(self, word: str) -> None:
        self.search.setText("" if self.search.text() == word else word)

    def _prepare_table(self) -> None:
        table = self.table
        table.setModel(self.filter)
        table.setItemDelegateForColumn(3, Pill(table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setSortingEnabled(True)
        table.setTabKeyNavigation(False)
        table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        table.horizontalHeader().setStretchLastSection(True)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.horizontalHeader().setHighlightSections(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(_ROW)
        for place, width in enumerate((240, 120, 140, 132)):
            table.setColumnWidth(place, width)
        table.selectionModel().currentRowChanged.connect(lambda *_: self._show_line())
        table.activated.connect(lambda _i: self._open())
        self.search.textChanged.connect(self._look_for)

    def _look_for(self, text: str) -> None:
        self.filter.look_for(text)
        self._first()

    def refresh(self) -> None:
        """Decide every case anew and show the list; the line in hand stays in hand."""
        keep = self.current()
        try:
            lines = self._desk.charges()
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
            lines = ()
        self.model.put(lines)
        self._tiles(lines)
        self._nothing.setVisible(not lines)
        self._split.setVisible(bool(lines))
        self._first(keep.study_uid if keep else "")

    def _first(self, study_uid: str = "") -> None:
        chosen = 0
        for place in range(self.filter.rowCount()):
            line = self.filter.index(place, 0).data(LINE)
            if line.study_uid == study_uid:
                chosen = place
        if self.filter.rowCount():
            self.table.selectRow(chosen)
        self._show_line()

    def _tiles(self, lines: tuple[ChargeLine, ...]) -> None:
        today = date.today()  # noqa: DTZ011 - dates of service are the site's own dates, without a zone
        ready = [x for x in lines if x.state == "open" and x.decision == "bill"]
        held = [x for x in lines if x.state == "open" and x.decision == "hold"]
        done = [x for x in lines if x.state != "open"]
        ages = [a for a in (age_days(x, today) for x in ready) if a is not None]
        self.ready.put(len(ready), f"oldest {counted(max(ages), 'day')}" if ages else "")
        asked = Counter(x.question for x in held if x.question).most_common(2)
        self.held.put(len(held), "\n".join(f"{n} × {q}" for q, n in asked), "wants")
        self.confirmed.put(len(done), "")
        reasons = Counter(x.question for x in lines if x.state == "open" and x.decision == "reject" and x.question)
        self.bars.put(reasons.most_common(5))
        self.no_bars.say("" if reasons else "Nothing was turned down.")
        self.no_bars.setVisible(not reasons)

    def current(self) -> ChargeLine | None:
        """The line in hand."""
        index = self.table.currentIndex() if hasattr(self, "table") else QModelIndex()
        found: ChargeLine | None = index.data(LINE) if index.isValid() else None
        return found

    def _show_line(self) -> None:
        line = self.current()
        self.open.setEnabled(line is not None)
        for part in (self.code, self.who, self.why, self.reasons):
            part.setVisible(line is not None)
        if line is None:
            return
        word, state = state_of(line)
        restate(self.why, state)
        self.code.say(" ".join((line.code or "None", *line.modifiers)))
        self.who.say(" · ".join(p for p in (patient_of(line), line.date or "") if p))
        said = {"bill": "All that the rules ask for is known.", "hold": "One answer is asked first."}
        head = said.get(line.decision, "Nothing is billed for the 3D.")
        if line.state != "open":
            head = f"This charge is {line.state}."
        self._why_rows.fill([sentence_row(state, f"{word[:1].upper()}{word[1:]}. {head}", line.question)])
        try:
            reasons = why_lines(self._desk, line.study_uid)
        except RenderDeskError as error:
            reasons = [Standing("refused", error.sentence)]
        parts: list[QWidget] = []
        for place, one in enumerate(reasons):
            if place:
                parts.append(Rule())
            told = sentence_row(one.state, one.text)
            told.setToolTip(one.source)
            parts.append(told)
        self._reason_rows.fill(parts)
        self.reasons.setVisible(bool(parts))

    def _open(self) -> None:
        line = self.current()
        if line is not None:
            self.open_case.emit(line.study_uid)
