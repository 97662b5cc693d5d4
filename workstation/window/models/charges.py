"""Lines of the biller's worklist as a table: what stands in each column, how it is sorted, found and filtered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QWidget

from workstation.archive.index import search_text
from workstation.report.rule_words import payer_words
from workstation.window.panels.say import plain_name
from workstation.window.theme import tokens

if TYPE_CHECKING:
    from workstation.desk.worklist import ChargeLine

COLUMNS = ("Patient", "Service", "Payer", "Code", "State", "What is asked, or why not", "Reader", "Estimate, $")
PATIENT, SERVICE, PAYER, CODE, STATE_OF, WHY, READER, AMOUNT = range(len(COLUMNS))
LINE = Qt.ItemDataRole.UserRole
STATE = Qt.ItemDataRole.UserRole + 1
SORT = Qt.ItemDataRole.UserRole + 2
_Index = QModelIndex | QPersistentModelIndex
_WORDS = {"ready": "ready", "held": "held", "todo": "to do", "refused": "refused", "not_billed": "not billed"}
_STATES = {"ready": "done", "held": "wants", "todo": "wants", "refused": "refused", "not_billed": "refused"}


def kind_of(line: ChargeLine) -> str:
    """Ready, held or not billed; refused by the receiver, to do, under way or done."""
    if line.state == "open":
        return {"bill": "ready", "hold": "held"}.get(line.decision, "not_billed")
    if line.state == "rejected":
        return "refused"
    if line.task or line.problem:
        return "todo"
    return "done" if line.state == "acknowledged" else "underway"


def state_of(line: ChargeLine) -> tuple[str, str]:
    """Word and state of a line's pill."""
    kind = kind_of(line)
    word = f"included in {line.covered_by}" if line.covered_by else _WORDS.get(kind, line.state)
    state = _STATES.get(kind, "done" if kind == "done" else "")
    return (f"{word} · late" if line.late else word), state


def patient_of(line: ChargeLine) -> str:
    """The patient's name as people write it."""
    return plain_name(line.patient_name) or "Name not known"


def why_of(line: ChargeLine) -> str:
    """What is asked, why it is not billed, what its receiver said, or what has to be done."""
    if line.task or line.problem:
        return line.task or line.problem
    if kind_of(line) == "not_billed" and line.covers:
        return f"{line.question} Consider {', '.join(line.covers)}."
    return line.question


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
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section == AMOUNT:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line, column = self._lines[index.row()], index.column()
        if role == LINE:
            return line
        if role == STATE:
            return state_of(line)[1]
        if role == SORT:
            return float(line.amount or -1) if column == AMOUNT else self._word(line, column).casefold()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._word(line, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(line, column)
        if role == Qt.ItemDataRole.FontRole and column == PATIENT:
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        if role == Qt.ItemDataRole.TextAlignmentRole and column == AMOUNT:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole and column in (SERVICE, WHY, READER, AMOUNT):
            return QColor(tokens.QUIET)
        return None

    @staticmethod
    def _word(line: ChargeLine, column: int) -> str:
        payer = payer_words(line.payer)
        return (
            patient_of(line),
            line.date or "not known",
            payer[:1].upper() + payer[1:] if payer else "not known",
            " ".join((line.code or "none", *line.modifiers)),
            state_of(line)[0],
            why_of(line),
            line.reader,
            line.amount or "-",
        )[column]

    @staticmethod
    def _tip(line: ChargeLine, column: int) -> str:
        if column == PATIENT:
            known = (patient_of(line), line.patient_id and f"ID {line.patient_id}", line.accession)
            return "\n".join(part for part in known if part)
        if column == STATE_OF and line.confirmed_at:
            at = line.confirmed_at[:16].replace("T", " ")
            return f"Charge {line.charge_id}, confirmed {at} UTC by {line.confirmed_by}"
        return {WHY: why_of(line), READER: line.reader}.get(column, "")


class Filter(QSortFilterProxyModel):
    """Finds lines by every word that stands in them or behind them, and by their kind."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self._kinds: frozenset[str] = frozenset()
        self.setSortRole(SORT)

    def look_for(self, text: str) -> None:
        """Show the lines that hold all of these words."""
        self.beginFilterChange()
        self._words = search_text(text).split()
        self.endFilterChange()

    def only(self, kinds: frozenset[str]) -> None:
        """Show lines of these kinds alone; of all when there are none."""
        self.beginFilterChange()
        self._kinds = kinds
        self.endFilterChange()

    def filterAcceptsRow(self, source_row: int, source_parent: _Index) -> bool:
        model = self.sourceModel()
        line: ChargeLine = model.index(source_row, 0).data(LINE)
        if self._kinds and kind_of(line) not in self._kinds:
            return False
        cells = [str(model.index(source_row, c).data() or "") for c in range(model.columnCount())]
        text = search_text(*cells, line.patient_id, line.accession, line.charge_id)
        return all(word in text for word in self._words)
