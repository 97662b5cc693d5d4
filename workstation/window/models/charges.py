"""Lines of the biller's worklist as a table: what stands in each column, how it is sorted, found and filtered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QWidget

from workstation.archive.index import search_text
from workstation.report.rule_words import payer_words
from workstation.window.panels.say import plain_name
from workstation.window.theme import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workstation.desk.worklist import ChargeLine

COLUMNS = ("Patient", "Service", "Payer", "Code", "State", "What is asked, or why not", "Reader", "Estimate, $")
PATIENT, SERVICE, PAYER, CODE, STATE_OF, WHY, READER, AMOUNT = range(len(COLUMNS))
LINE = Qt.ItemDataRole.UserRole
STATE = Qt.ItemDataRole.UserRole + 1
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


@dataclass(frozen=True)
class Shown:
    """A line with all that a list shows and finds it by, worked out once and not at every look.

    Parameters
    ----------
    cells : the words of each column
    keys : by what each column is sorted
    state, kind : of the pill, and of the tile that counts it
    text : every word that stands in the line or behind it, as it is searched
    """

    line: ChargeLine
    cells: tuple[str, ...]
    keys: tuple[str | float, ...]
    state: str
    kind: str
    text: str

    def __repr__(self) -> str:
        return f"Shown({self.line!r})"


def shown(lines: Iterable[ChargeLine]) -> tuple[Shown, ...]:
    """Lines as they are shown; may be called on any thread."""
    return tuple(_shown(line) for line in lines)


def _shown(line: ChargeLine) -> Shown:
    payer = payer_words(line.payer)
    word, state = state_of(line)
    cells = (
        patient_of(line),
        line.date or "not known",
        payer[:1].upper() + payer[1:] if payer else "not known",
        " ".join((line.code or "none", *line.modifiers)),
        word,
        why_of(line),
        line.reader,
        line.amount or "-",
    )
    text = search_text(*cells, line.patient_id, line.accession, line.charge_id)
    keys: tuple[str | float, ...] = (*(cell.casefold() for cell in cells[:AMOUNT]), float(line.amount or -1))
    return Shown(line, cells, keys, state, kind_of(line), text)


class ChargeModel(QAbstractTableModel):
    """Lines of the worklist: all of them, and those that are looked for in the order that a person chose."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[Shown, ...] = ()
        self._rows: list[Shown] = []
        self._words: list[str] = []
        self._kinds: frozenset[str] = frozenset()
        self._order: tuple[int, Qt.SortOrder] = (-1, Qt.SortOrder.AscendingOrder)
        self._bold = QFont()
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._quiet = QColor(tokens.QUIET)

    @property
    def rows(self) -> list[Shown]:
        """The lines that are in the list, from the top."""
        return self._rows

    def put(self, rows: tuple[Shown, ...]) -> None:
        """Show other lines."""
        self._all = rows
        self._fill()

    def look_for(self, text: str) -> None:
        """Show the lines that hold all of these words, in them or behind them."""
        self._words = search_text(text).split()
        self._fill()

    def only(self, kinds: frozenset[str]) -> None:
        """Show lines of these kinds alone; of all when there are none."""
        self._kinds = kinds
        self._fill()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column; -1 is the order of the worklist. What is selected stays selected."""
        self._order = (column, order)
        self.layoutAboutToBeChanged.emit()
        kept = self.persistentIndexList()
        before = [(self._rows[i.row()], i.column()) for i in kept]
        self._rows = self._wanted()
        places = {id(row): place for place, row in enumerate(self._rows)}
        self.changePersistentIndexList(kept, [self.index(places[id(row)], at) for row, at in before])
        self.layoutChanged.emit()

    def _fill(self) -> None:
        self.beginResetModel()
        self._rows = self._wanted()
        self.endResetModel()

    def _wanted(self) -> list[Shown]:
        found = list(self._all)
        if self._kinds:
            found = [row for row in found if row.kind in self._kinds]
        for word in self._words:
            found = [row for row in found if word in row.text]
        column, order = self._order
        if column >= 0:
            found.sort(key=lambda row: row.keys[column], reverse=order == Qt.SortOrder.DescendingOrder)
        return found

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

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
        row, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return row.cells[column]
        if role == LINE:
            return row.line
        if role == STATE:
            return row.state
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        if role == Qt.ItemDataRole.FontRole and column == PATIENT:
            return self._bold
        if role == Qt.ItemDataRole.TextAlignmentRole and column == AMOUNT:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole and column in (SERVICE, WHY, READER, AMOUNT):
            return self._quiet
        return None

    @staticmethod
    def _tip(row: Shown, column: int) -> str:
        line = row.line
        if column == PATIENT:
            known = (row.cells[PATIENT], line.patient_id and f"ID {line.patient_id}", line.accession)
            return "\n".join(part for part in known if part)
        if column == STATE_OF and line.confirmed_at:
            at = line.confirmed_at[:16].replace("T", " ")
            return f"Charge {line.charge_id}, confirmed {at} UTC by {line.confirmed_by}"
        return row.cells[column] if column in (WHY, READER) else ""
