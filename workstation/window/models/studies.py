"""The study list as a Qt model: one row per study, sorted as a person likes, its state a word with a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from workstation.window import names, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtCore import QObject

    from workstation.archive.index import StudyRow

COLUMNS = ("Patient", "ID", "Born", "Study", "Date", "Series", "Images", "3D work")
STATES = {
    "new": ("not begun", ""),
    "opened": ("in work", "wants"),
    "drafts": ("drafts to release", "wants"),
    "released": ("to sign", "wants"),
    "signed": ("signed", "done"),
    "charged": ("charged", "done"),
}
_NO_IMAGES = {"DOC", "KO", "OT", "SR", "PR", "SEG", "SC"}
Index = QModelIndex | QPersistentModelIndex
STATE_ROLE = Qt.ItemDataRole.UserRole
ROW_ROLE = int(Qt.ItemDataRole.UserRole) + 1


class Studies(QAbstractTableModel):
    """Rows of the study list."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[StudyRow] = []
        self._sort = (4, Qt.SortOrder.DescendingOrder)
        self._bold = QFont()
        self._bold.setWeight(QFont.Weight.DemiBold)

    def fill(self, rows: Sequence[StudyRow]) -> None:
        """Show these."""
        self.beginResetModel()
        self._rows = list(rows)
        self._order()
        self.endResetModel()

    def at(self, row: int) -> StudyRow | None:
        """The study of a row."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, study_uid: str) -> int:
        """Where a study stands, or -1."""
        return next((k for k, row in enumerate(self._rows) if row.study_uid == study_uid), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.at(index.row())
        if row is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return cell(row, index.column())
        if role == STATE_ROLE and index.column() == len(COLUMNS) - 1:
            return ("incomplete", "wants") if row.partial else STATES.get(row.state, (row.state, ""))
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.FontRole and index.column() == 0:
            return self._bold
        if role == Qt.ItemDataRole.ToolTipRole and row.partial:
            return "Not all images of this study are here."
        if role == Qt.ItemDataRole.ToolTipRole and row.mixed:
            return "Files of this study name several patients; it opens only after that is decided."
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        self._sort = (column, order)
        self._order()
        self.layoutChanged.emit()

    def _order(self) -> None:
        column, order = self._sort

        def key(row: StudyRow) -> Any:
            if column in {5, 6}:
                return row.series if column == 5 else row.images
            if column == 4:
                return (row.date or "", row.time or "")
            if column == 0:
                return row.patient_name.casefold()
            return cell(row, column).casefold()

        self._rows.sort(key=key, reverse=order == Qt.SortOrder.DescendingOrder)


def modalities(row: StudyRow) -> str:
    """What images the study holds; reports, pictures made here and the like are not told."""
    held = row.modalities.replace("\\", " ").replace(",", " ").split()
    return " ".join(m for m in held if m not in _NO_IMAGES)


def cell(row: StudyRow, column: int) -> str:
    """What stands in a column."""
    return _CELLS[column](row)


_CELLS: tuple[Callable[[StudyRow], str], ...] = (
    lambda row: names.in_the_list(row.patient_name),
    lambda row: row.patient_id or "no ID",
    lambda row: words.date(row.birth_date) or "not known",
    lambda row: "  ".join(part for part in (row.description.replace("^", " "), modalities(row)) if part),
    lambda row: words.date(row.date) or "not known",
    lambda row: str(row.series),
    lambda row: f"{row.images:,}",
    lambda row: STATES.get(row.state, (row.state, ""))[0],
)
