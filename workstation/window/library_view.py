"""The study list: search while typing, groups on the left, what is known of the study on the right, drop anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QResizeEvent
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

from workstation.base.errors import RenderDeskError
from workstation.window.icons import icon, pixmap
from workstation.window.identities_view import IdentitiesView
from workstation.window.listing import GROUPS, Listed, Listing, listed
from workstation.window.models.studies import COLUMNS, STATE_ROLE, Studies
from workstation.window.study_detail import StudyDetail
from workstation.window.theme import tokens
from workstation.window.widgets import button, label, named, restate

if TYPE_CHECKING:
    from workstation.archive.index import StudyRow
    from workstation.archive.reconcile import Question
    from workstation.desk.desk import Desk
    from workstation.desk.export_study import Exported
    from workstation.window.actions import Actions

IDENTITIES = "Identities"
_POINT_MS = 180
_DROP = "Drop a folder, ZIP or CD here"
_CHECKED = "Its studies are checked and listed; the files themselves stay as they are."
_MEANWHILE_MS = 1500
_AT_ONCE = 1500  # studies that are read while the person would not notice
_SIDE = 212
_SPARE = {6: 980, 5: 940, 2: 860}  # column -> the list's width from which it is shown
_WIDTHS = (196, 116, 112, 0, 112, 60, 68, 150)
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
    """The list; Enter opens, Home and End go to its ends."""

    entered_row = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.currentIndex().isValid():
            self.entered_row.emit(self.currentIndex().row())
            return
        count = self.model().rowCount()
        if event.key() in {Qt.Key.Key_Home, Qt.Key.Key_End} and count:
            self.selectRow(0 if event.key() == Qt.Key.Key_Home else count - 1)
            return
        super().keyPressEvent(event)


class LibraryView(QWidget):
    """Signals: `open_study(StudyRow)`, `open_bundled()`, `export(study UIDs, folder, without identity, looked)`."""

    open_study = Signal(object)
    open_bundled = Signal()
    export = Signal(object, object, bool, bool)

    def __init__(self, desk: Desk, actions: Actions, *, bundled: bool) -> None:
        super().__init__()
        self._desk, self._actions = desk, actions
        self._group = "All"
        self._found = Listed()
        self.model = Studies(self)
        self._listing = Listing(desk, self)
        self._listing.read.connect(self._take)
        self._listing.refused.connect(actions.refused)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(90)
        self._later.timeout.connect(self._search)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._side(bundled))
        self.detail = StudyDetail(desk, actions)
        self._meanwhile = QTimer(self)
        self._meanwhile.setSingleShot(True)
        self._meanwhile.setInterval(_MEANWHILE_MS)
        self._meanwhile.timeout.connect(self.refresh)
        self._pointed = QTimer(self)
        self._pointed.setSingleShot(True)
        self._pointed.setInterval(_POINT_MS)
        self._pointed.timeout.connect(self._point_at)
        row.addWidget(self._middle(bundled), 1)
        row.addWidget(self.detail)
        self.detail.open_study.connect(self.open_study)
        self.detail.export.connect(self.export)
        self.detail.delete.connect(self._guarded_delete)
        self.detail.decide.connect(lambda: self.choose_group(IDENTITIES))
        self.identities.changed.connect(self.refresh)
        self._show_detail(None)

    def _guarded_delete(self, study_uid: str, reason: str) -> None:
        try:
            self.delete(study_uid, reason)
        except RenderDeskError as refusal:
            self.detail.not_deleted(refusal)

    # Parts.

    def _side(self, bundled: bool) -> QWidget:
        side = named(QWidget(), "LibrarySide")
        side.setFixedWidth(_SIDE)
        column = QVBoxLayout(side)
        column.setContentsMargins(10, 16, 10, 12)
        column.setSpacing(4)
        column.addWidget(label("  LIBRARY", "section"))
        self._groups: dict[str, QPushButton] = {}
        self._counts: dict[str, QLabel] = {}
        for name in (*GROUPS, IDENTITIES):
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
            if name == IDENTITIES:
                column.addSpacing(12)
                column.addWidget(label("  TO DECIDE", "section"))
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
        self.search.setPlaceholderText("Name, ID, accession, description, date, modality:CT ...")
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
        self.identities = IdentitiesView(self._desk, self._actions)
        self.stack.addWidget(self.identities)
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
        self.drops = (self.drop, area)
        area.setFixedSize(QSize(460, 220))
        inside = QVBoxLayout(area)
        inside.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.setSpacing(10)
        glyph = QLabel()
        glyph.setPixmap(pixmap("folder-open", tokens.QUIET, 40, self.devicePixelRatioF()))
        glyph.setAlignment(Qt.AlignmentFlag.AlignCenter)
        heading = self._heading = label(_DROP, "heading")
        heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.addWidget(glyph)
        inside.addWidget(heading)
        told = self._told = label(_CHECKED, "quiet", wrap=True)
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """On a narrow screen what stands beside the list gives way in it; the state of the work never does."""
        super().resizeEvent(event)
        room = event.size().width() - _SIDE - tokens.PANEL_WIDTH
        for column, least in _SPARE.items():
            self.table.setColumnHidden(column, room < least)

    # Doing.

    def choose_group(self, name: str) -> None:
        """Show one group of studies, or the identities that wait for a decision."""
        self._group = name
        self._groups[name].setChecked(True)
        self._fill()

    def refresh(self) -> None:
        """Read the list anew, with what stands in the search field: a short one at once, a long one beside."""
        self._read(None)

    def _search(self) -> None:
        self._read(self._found.asked)  # which identities wait does not depend on what is typed

    def _read(self, asked: tuple[Question, ...] | None) -> None:
        query = self.search.text().strip()
        if self._desk.count_studies() <= _AT_ONCE:
            self._listing.forget()
            self._take(listed(self._desk, query, asked))
        else:
            self._listing.want(query, asked)

    def _take(self, found: Listed) -> None:
        self._found = found
        self.detail.asked = found.asked
        self._fill()

    def importing(self, done: float, of: float, told: str) -> None:
        """Images come in: how many stands where the person looks, and studies come into the list one by one.

        Parameters
        ----------
        told : what is done before the first image comes in: unpacking, reading headers
        """
        self.detail.coming = True
        if of > 1:
            self._heading.setText(f"Taking in: {done:,.0f} of {of:,.0f} images")
            if not self._meanwhile.isActive():
                self._meanwhile.start()
        else:
            self._heading.setText(told or "Reading what is there ...")
        self._told.setText("Each study comes into the list as it arrives. The cross below stops it; what is in stays.")

    def import_ended(self) -> None:
        """Nothing comes in any more."""
        self.detail.coming = False
        self._meanwhile.stop()
        self._heading.setText(_DROP)
        self._told.setText(_CHECKED)

    def close_listing(self) -> None:
        """Let go of the database."""
        self._listing.close()

    def forget(self) -> None:
        """No name stays on screen."""
        self._listing.forget()
        self._meanwhile.stop()
        self._found = Listed()
        self.detail.asked = ()
        self.model.fill(())
        self.identities.show_questions(())
        self._show_detail(None)

    def _fill(self) -> None:
        waiting = self._counts[IDENTITIES]
        waiting.setText(str(len(self._found.asked)) if self._found.asked else "")
        restate(waiting, state="wants" if self._found.asked else "")
        if self._group == IDENTITIES:
            self.identities.show_questions(self._found.asked)
            self.stack.setCurrentIndex(3)
            self._show_detail(None)
            self.detail.hide()
            return
        self.detail.show()
        kept = self.model.at(self.table.currentIndex().row())
        for name in GROUPS:
            count = len(self._found.groups.get(name, ()))
            self._counts[name].setText(f"{count:,}" if count else "")
        shown = self._found.groups.get(self._group, ())
        self.model.fill(shown)
        searching = bool(self.search.text().strip()) or self._group != "All"
        self.stack.setCurrentIndex(0 if shown else 2 if searching else 1)
        place = self.model.row_of(kept.study_uid) if kept is not None else -1
        if shown:
            self.table.selectRow(max(0, place))
        else:
            self._show_detail(None)

    def _show_detail(self, row: StudyRow | None) -> None:
        self.detail.show_study(row)
        if row is not None and not row.mixed:
            self._pointed.start()

    def _point_at(self) -> None:
        """Who rests on a row will open it: its headers are read ahead."""
        row = self.model.at(self.table.currentIndex().row())
        if row is not None and self.isVisible():
            self._desk.scan_ahead(row.study_uid)

    def exported(self, done: Exported) -> None:
        """An export has ended."""
        self.detail.exported(done)

    def not_exported(self, error: BaseException) -> None:
        """An export was refused."""
        self.detail.not_exported(error)

    def delete(self, study_uid: str, reason: str) -> None:
        """The second step: the study goes for good."""
        done = self._desk.delete(study_uid, reason)
        self._actions.say(f"Deleted: {done.images:,} images. The journal keeps that it was done, and by whom.", "done")
        self.refresh()

    def _open_row(self, place: int) -> None:
        row = self.model.at(place)
        if row is not None and not row.mixed:
            self.open_study.emit(row)

    def _open_first(self) -> None:
        """Enter right after typing: what is opened fits what stands there, not what stood there before."""
        self._later.stop()
        self._listing.forget()
        self._take(listed(self._desk, self.search.text().strip(), self._found.asked))
        if self.model.rowCount():
            self._open_row(max(0, self.table.currentIndex().row()))
