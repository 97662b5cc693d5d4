"""The study list: search while typing, groups on the left, what is known of the study on the right, drop anywhere."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from workstation.window import words
from workstation.window.icons import icon, pixmap
from workstation.window.models.studies import COLUMNS, STATE_ROLE, Studies, modalities
from workstation.window.series_strip import from_png
from workstation.window.theme import tokens
from workstation.window.widgets import Elided, button, label, named

if TYPE_CHECKING:
    from workstation.archive.index import StudyRow
    from workstation.desk.desk import Desk
    from workstation.window.actions import Actions

GROUPS = ("All", "Today", "CT", "MR", "With open work")
_OPEN_WORK = {"opened", "drafts", "released"}
_WIDTHS = (196, 116, 112, 0, 112, 60, 68, 150)
_SMALL = QSize(320, 128)
_COLOURS = {"": tokens.QUIET, "wants": tokens.WANTS, "done": tokens.DONE, "refused": tokens.REFUSED}


class Pill(QStyledItemDelegate):
    """The state of the 3D work as a word in a ring."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        told = index.data(STATE_ROLE)
        if not told:
            return
        text, state = told
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(tokens.LABEL)
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        rect = option.rect
        width = painter.fontMetrics().horizontalAdvance(text) + 20
        box = QRectF(rect.left() + 8, rect.center().y() - 9, min(width, rect.width() - 12), 19)
        colour = QColor(_COLOURS[state])
        edge = QColor(tokens.PRESSED) if not state else colour
        painter.setPen(QPen(edge, 1))
        painter.drawRoundedRect(box, 9, 9)
        painter.setPen(colour)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()

    def displayText(self, value: object, locale: object) -> str:
        return ""


class Table(QTableView):
    """The list; Enter opens."""

    entered_row = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.currentIndex().isValid():
            self.entered_row.emit(self.currentIndex().row())
            return
        super().keyPressEvent(event)


class LibraryView(QWidget):
    """Signals: `open_study(StudyRow)`, `open_bundled()`."""

    open_study = Signal(object)
    open_bundled = Signal()

    def __init__(self, desk: Desk, actions: Actions, *, bundled: bool) -> None:
        super().__init__()
        self._desk, self._actions = desk, actions
        self._group = "All"
        self._rows: tuple[StudyRow, ...] = ()
        self.model = Studies(self)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(90)
        self._later.timeout.connect(self.refresh)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._side(bundled))
        row.addWidget(self._middle(bundled), 1)
        row.addWidget(self._detail())
        self._show_detail(None)

    # Parts.

    def _side(self, bundled: bool) -> QWidget:
        side = named(QWidget(), "LibrarySide")
        side.setFixedWidth(212)
        column = QVBoxLayout(side)
        column.setContentsMargins(10, 16, 10, 12)
        column.setSpacing(4)
        column.addWidget(label("  LIBRARY", "section"))
        self._groups: dict[str, QPushButton] = {}
        self._counts: dict[str, QLabel] = {}
        for name in GROUPS:
            item = named(QPushButton(name), "SideItem")
            item.setCheckable(True)
            item.setAutoExclusive(True)
            item.clicked.connect(lambda *_, name=name: self.choose_group(name))
            count = label("", "quiet")
            inside = QHBoxLayout(item)
            inside.setContentsMargins(0, 0, 12, 0)
            inside.addStretch(1)
            inside.addWidget(count)
            self._groups[name], self._counts[name] = item, count
            column.addWidget(item)
        self._groups["All"].setChecked(True)
        column.addStretch(1)
        if bundled:
            study = button("Open the bundled study", glyph="cube")
            study.clicked.connect(self.open_bundled)
            column.addWidget(study)
        self.drop = named(label("Drop a folder, ZIP or CD here", wrap=True), "DropArea")
        self.drop.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.drop.setFixedHeight(72)
        column.addSpacing(8)
        column.addWidget(self.drop)
        return side

    def _middle(self, bundled: bool) -> QWidget:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        top = named(QWidget(), "Toolbar")
        top.setFixedHeight(48)
        bar = QHBoxLayout(top)
        bar.setContentsMargins(12, 0, 12, 0)
        bar.setSpacing(8)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Name, ID, accession, description, date ...")
        self.search.addAction(icon("magnifying-glass", tokens.QUIET), QLineEdit.ActionPosition.LeadingPosition)
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search the study list")
        self.search.textChanged.connect(lambda *_: self._later.start())
        self.search.returnPressed.connect(self._open_first)
        bar.addWidget(self.search, 1)
        take = button("Import ...", glyph="upload-simple", tip=self._actions.qaction("import").toolTip())
        take.clicked.connect(lambda: self._actions.run("import"))
        folder = button("Import folder ...", glyph="folder-open")
        folder.clicked.connect(lambda: self._actions.run("import_folder"))
        bar.addWidget(folder)
        bar.addWidget(take)
        column.addWidget(top)
        self.stack = QStackedWidget()
        self.stack.addWidget(self._table())
        self.stack.addWidget(self._empty(bundled))
        nothing = label("Nothing fits this search.", "quiet")
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stack.addWidget(nothing)
        column.addWidget(self.stack, 1)
        return middle

    def _table(self) -> QTableView:
        self.table = Table()
        self.table.setModel(self.model)
        self.table.setItemDelegateForColumn(len(COLUMNS) - 1, Pill(self.table))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().setVisible(False)
        self.table.verticalHeader().setDefaultSectionSize(38)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        for column, width in enumerate(_WIDTHS):
            if width:
                self.table.setColumnWidth(column, width)
            else:
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(4, Qt.SortOrder.DescendingOrder)
        self.table.doubleClicked.connect(lambda index: self._open_row(index.row()))
        self.table.entered_row.connect(self._open_row)
        self.table.selectionModel().currentRowChanged.connect(
            lambda now, _before: self._show_detail(self.model.at(now.row()))
        )
        return self.table

    def _empty(self, bundled: bool) -> QWidget:
        empty = QWidget()
        column = QVBoxLayout(empty)
        column.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.setSpacing(12)
        area = named(QFrame(), "DropArea")
        area.setFixedSize(QSize(460, 220))
        inside = QVBoxLayout(area)
        inside.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.setSpacing(10)
        glyph = QLabel()
        glyph.setPixmap(pixmap("folder-open", tokens.QUIET, 40, self.devicePixelRatioF()))
        glyph.setAlignment(Qt.AlignmentFlag.AlignCenter)
        heading = label("Drop a folder, ZIP or CD here", "heading")
        heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.addWidget(glyph)
        inside.addWidget(heading)
        told = label("Its studies are checked and listed; the files themselves stay as they are.", "quiet")
        told.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.addWidget(told)
        acts = QHBoxLayout()
        acts.setAlignment(Qt.AlignmentFlag.AlignCenter)
        choose = button("Choose a folder ...", "" if bundled else "primary", "folder-open" if bundled else "")
        choose.clicked.connect(lambda: self._actions.run("import_folder"))
        acts.addWidget(choose)
        if bundled:
            study = button("Open the bundled study", "primary")
            study.clicked.connect(self.open_bundled)
            acts.addWidget(study)
        inside.addLayout(acts)
        column.addWidget(area)
        return empty

    def _detail(self) -> QWidget:
        self.detail = named(QWidget(), "LibraryDetail")
        self.detail.setFixedWidth(tokens.PANEL_WIDTH)
        column = QVBoxLayout(self.detail)
        column.setContentsMargins(16, 18, 16, 16)
        column.setSpacing(8)
        self._name = Elided(role="name")
        self._who = label("", "quiet", wrap=True)
        self._what = label("", wrap=True)
        self._when = label("", "quiet", wrap=True)
        self._work = label("", "badge")
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(14, 12, 14, 12)
        inside.setSpacing(6)
        inside.addWidget(label("STUDY", "section"))
        inside.addWidget(self._what)
        inside.addWidget(self._when)
        self._warning = label("", "", "refused", wrap=True)
        inside.addWidget(self._warning)
        for part in (self._name, self._who):
            column.addWidget(part)
        self._small = QLabel()
        self._small.setFixedHeight(_SMALL.height())
        column.addWidget(self._small)
        column.addSpacing(4)
        column.addWidget(card)
        held = QHBoxLayout()
        held.addWidget(self._work)
        held.addStretch(1)
        column.addLayout(held)
        column.addStretch(1)
        self.open = button("Open", "primary")
        self.open.setMinimumHeight(32)
        self.open.clicked.connect(lambda: self._open_row(self.table.currentIndex().row()))
        column.addWidget(self.open)
        return self.detail

    # Doing.

    def choose_group(self, name: str) -> None:
        """Show one group of studies."""
        self._group = name
        self._fill()

    def refresh(self) -> None:
        """Read the list anew, with what stands in the search field."""
        self._rows = self._desk.studies(self.search.text().strip())
        self._fill()

    def forget(self) -> None:
        """No name stays on screen."""
        self._rows = ()
        self.model.fill(())
        self._show_detail(None)

    def _fill(self) -> None:
        kept = self.model.at(self.table.currentIndex().row())
        for name in GROUPS:
            count = sum(_in_group(row, name) for row in self._rows)
            self._counts[name].setText(str(count) if count else "")
        shown = [row for row in self._rows if _in_group(row, self._group)]
        self.model.fill(shown)
        searching = bool(self.search.text().strip()) or self._group != "All"
        self.stack.setCurrentIndex(0 if shown else 2 if searching else 1)
        place = self.model.row_of(kept.study_uid) if kept is not None else -1
        if shown:
            self.table.selectRow(max(0, place))
        else:
            self._show_detail(None)

    def _show_detail(self, row: StudyRow | None) -> None:
        self.detail.setVisible(row is not None)
        if row is None:
            return
        self._name.set_whole(words.person(row.patient_name))
        born = words.date(row.birth_date) or "birth date not known"
        self._who.setText(" · ".join(x for x in (row.patient_id or "no ID", born, row.sex or "sex not known") if x))
        self._what.setText(row.description or f"{modalities(row)} study without a description".strip())
        parts = [words.date(row.date) or "date not known"]
        if row.accession:
            parts.append(f"accession {row.accession}")
        count = ", ".join(x for x in (f"{row.series} series", f"{row.images} images", modalities(row)) if x)
        self._when.setText(" · ".join(parts) + "\n" + count)
        png = self._desk.study_thumbnail(row.study_uid)
        small = from_png(png, _SMALL, self.devicePixelRatioF()) if png is not None else None
        self._small.setVisible(small is not None)
        if small is not None:
            self._small.setPixmap(small)
        told = self.model.data(self.model.index(self.model.row_of(row.study_uid), len(COLUMNS) - 1), int(STATE_ROLE))
        text, state = told or ("", "")
        self._work.setText(text)
        self._work.setProperty("state", state)
        self._work.style().unpolish(self._work)
        self._work.style().polish(self._work)
        self._warning.setText(
            "Files of this study name several patients; it cannot be opened before that is decided."
            if row.mixed
            else ""
        )
        if row.partial and not row.mixed:
            self._warning.setText("Taking this study in was interrupted; it is incomplete. Import it again.")
        self._warning.setVisible(row.mixed or row.partial)
        self.open.setEnabled(not row.mixed)
        self.open.setText("Open" if row.state == "new" else "Continue")

    def _open_row(self, place: int) -> None:
        row = self.model.at(place)
        if row is not None and not row.mixed:
            self.open_study.emit(row)

    def _open_first(self) -> None:
        self.refresh()
        if self.model.rowCount():
            self._open_row(max(0, self.table.currentIndex().row()))


def _in_group(row: StudyRow, name: str) -> bool:
    if name == "All":
        return True
    if name == "Today":
        today = dt.datetime.now(tz=dt.UTC).astimezone().date().isoformat()
        return words.date(row.date) == today or row.imported_at.startswith(today)
    if name == "With open work":
        return row.state in _OPEN_WORK
    return name in row.modalities.replace("\\", " ").replace(",", " ").split()
