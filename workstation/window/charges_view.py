"""The biller's worklist: what is ready, what is held and by which question, what came back, and why the rest is not
billed; the case in hand at the right, answered and confirmed without opening its pictures.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from workstation.base.errors import RenderDeskError
from workstation.report import plot
from workstation.window.charge_detail import ChargeDetail
from workstation.window.charge_parts import Pill, Tile
from workstation.window.jobs import Stopped
from workstation.window.models.charge_tiles import TILES, Tiles, tiles_of
from workstation.window.models.charges import (
    AMOUNT,
    LINE,
    READER,
    STATE_OF,
    WHY,
    ChargeModel,
    Shown,
    kind_of,
    shown,
)
from workstation.window.panels.parts import CONTROL, Card, Words, button, row
from workstation.window.panels.say import counted
from workstation.window.panels.secret import ask_secret
from workstation.window.plot_area import PlotArea

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from PySide6.QtCore import QItemSelectionRange

    from workstation.desk.charge_office import Format
    from workstation.desk.charge_send import Sent
    from workstation.desk.desk import Desk
    from workstation.desk.worklist import ChargeLine
    from workstation.window.actions import Actions
    from workstation.window.jobs import Progress

_ROW, _TILE = 40, 124
_FORMS: tuple[tuple[Format, str, str], ...] = (
    ("csv", "Table (CSV)", ".csv"),
    ("837p", "Claims of the physicians (837P)", ".837"),
    ("837i", "Lines of the hospital (837I)", ".837"),
    ("cms1500", "Paper claims (CMS-1500)", ".pdf"),
    ("fhir", "FHIR R4B", ".json"),
)
_WIDTHS = (190, 112, 150, 112, 144, 300, 150, 96)
_NARROW = (160, 114, 132, 96, 140, 200, 130, 84)
_SOON_MS = 60  # while arrows walk down the list, only where they stop is decided and shown


_NOTHING = "No signed study waits for billing. Studies appear here once their 3D pictures are released."

_NONE_FOUND = "No line fits: empty the search, or press the tile again to see all."


def _same(line: ChargeLine, other: ChargeLine) -> bool:
    """Whether a line stands for what another one stood for before the list was read anew."""
    same = (line.study_uid, line.session) == (other.study_uid, other.session)
    return same and other.charge_id in ("", line.charge_id)


class ChargesView(QWidget):
    """The whole worklist with its tiles, and the line in hand at the right."""

    open_case = Signal(str)
    open_at = Signal(str, str)
    """A study, and the place in it that an open point leads to."""

    def __init__(self, desk: Desk, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._actions = desk, actions
        self._known: Tiles | None = None
        self._any = False
        self._kinds: frozenset[str] = frozenset()
        self._sending = False
        self._reading = self._stale = False
        self._widths: tuple[int, ...] = ()
        self.setObjectName("Charges")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.model = ChargeModel(self)
        self.table = QTableView()
        column.addWidget(self._top())
        self._prepare_table()
        self.detail = ChargeDetail(desk, actions)
        self.detail.changed.connect(self.refresh)
        self.detail.open_at.connect(self.open_at)
        self.detail.open_case.connect(self.open_case)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.table)
        split.addWidget(self.detail)
        split.setStretchFactor(0, 1)
        split.setSizes([1000, 400])
        self.empty = Words("Reading the worklist ...", "quiet")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing = QWidget()
        middle = QVBoxLayout(self._nothing)
        middle.addStretch(1)
        middle.addWidget(self.empty)
        middle.addStretch(2)
        column.addWidget(self._nothing, 1)
        column.addWidget(split, 1)
        self._split = split
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._show_line)
        self._keys()
        # until the list is read for the first time it is not known how many there are, and no number is claimed
        split.hide()
        self.setFocusProxy(self.table)
        self._stand()
        self.refresh()

    # Parts.

    def _top(self) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Patient, accession, payer, code, reader ...")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumHeight(CONTROL)
        self.search.setFixedWidth(290)
        self.search.setAccessibleName("Find charges")
        again = button("Decide again", self.refresh, tip="Read all cases anew  [F5]")
        self.said = Words("", "quiet")
        self.said.setWordWrap(False)
        self.all_ready = button(
            "Select all ready", self.select_ready, tip="Every ready case of the list  [Ctrl+Shift+A]"
        )
        self.confirm = button("Confirm", self.confirm_selected, "primary", "Confirm the selected ones  [Ctrl+Enter]")
        self.send = button("Send now", self.send_now, tip="One round over the links that the site file names")
        self.export = button("Export since last", lambda: None, tip="New charges, and credits for what was taken back")
        menu = QMenu(self.export)
        for form, words, _ in _FORMS:
            menu.addAction(words, partial(self.export_new, form))
        self.export.setMenu(menu)
        self.answers = button("Take in answers ...", self.take_answers, tip="Acknowledgements that came as files")
        parts = (self.search, again, self.send, self.export, self.answers, 0, self.said, self.all_ready, self.confirm)
        line = row(*parts)
        column.addLayout(line)
        tiles = QHBoxLayout()
        tiles.setSpacing(12)
        self.ready = Tile("Ready to confirm")
        self.held = Tile("Held, each with its question")
        self.todo = Tile("Came back, or to do")
        self.underway = Tile("Confirmed and sent")
        self.refused = Card("Why not billed")
        self.bars = PlotArea()
        self.no_bars = Words("", "quiet")
        self.refused.add(self.bars)
        self.refused.add(self.no_bars)
        self.refused.column.addStretch(1)
        self._tiles = {"ready": self.ready, "held": self.held, "todo": self.todo, "underway": self.underway}
        for (name, tile), share in zip(self._tiles.items(), (2, 3, 3, 2), strict=True):
            tile.setFixedHeight(_TILE)
            tiles.addWidget(tile, share)
            tile.pressed.connect(partial(self.only, TILES[name]))
        self.refused.setMinimumHeight(_TILE)
        tiles.addWidget(self.refused, 4)
        column.addLayout(tiles)
        return made

    def _prepare_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setItemDelegateForColumn(STATE_OF, Pill(table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setSortingEnabled(True)
        table.setTabKeyNavigation(False)
        table.setWordWrap(True)
        header = table.horizontalHeader()
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSortIndicatorClearable(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        table.verticalHeader().hide()
        # or each of thousands of rows is asked whether it is selected, for a header that nobody sees
        table.verticalHeader().setHighlightSections(False)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(_ROW)
        header.setSectionResizeMode(WHY, QHeaderView.ResizeMode.Stretch)
        table.selectionModel().currentRowChanged.connect(lambda *_: self._another())
        table.selectionModel().selectionChanged.connect(lambda *_: self._stand())
        table.activated.connect(lambda _i: self._open())
        self.search.textChanged.connect(self._look_for)

    def _keys(self) -> None:
        for keys, act in (
            ("Ctrl+Return", self.confirm_selected),
            ("Ctrl+Enter", self.confirm_selected),
            ("Ctrl+Shift+A", self.select_ready),
            ("F5", self.refresh),
            ("Ctrl+F", self.search.setFocus),
        ):
            short = QShortcut(QKeySequence(keys), self)
            short.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            short.activated.connect(act)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._columns()

    def _columns(self) -> None:
        """Fewer columns where there is no room for them, and none that is empty."""
        widths = _WIDTHS if self.width() >= 1480 else _NARROW
        if widths is not self._widths:
            # only then: what a hand has drawn wider stays so
            self._widths = widths
            for place, width in enumerate(widths):
                self.table.setColumnWidth(place, width)
        self.table.setColumnHidden(READER, self.width() < 1480 or self._known is None or self._known.readers < 2)
        self.table.setColumnHidden(AMOUNT, self.width() < 1240 or self._known is None or not self._known.amounts)

    # What is shown.

    def _look_for(self, text: str) -> None:
        self.model.look_for(text)
        self._first(soon=True)

    def only(self, kinds: frozenset[str]) -> None:
        """Narrow the list to a tile's lines; the same tile again shows all."""
        self._kinds = frozenset() if self._kinds == kinds else kinds
        self.model.only(self._kinds)
        for name, tile in self._tiles.items():
            tile.mark(TILES[name] == self._kinds)
        self._first()

    def refresh(self) -> None:
        """Decide every case anew beside the window, and then show the list.

        The line in hand stays in hand, and so does what is selected. Asked again meanwhile, the list is read once more,
        so that it never shows what was so before an act.
        """
        if self._reading:
            self._stale = True
            return
        self._reading = True
        self._actions.job("Reading the worklist", self._read, self._take, self._not_read, lane="charges")

    def _read(self, _progress: Progress, _stop: Callable[[], bool]) -> tuple[tuple[Shown, ...], Tiles]:
        rows = shown(self._desk.charges())
        return rows, tiles_of(rows)

    def _take(self, read: tuple[tuple[Shown, ...], Tiles]) -> None:
        self._reading = False
        if self._stale:
            self._stale = False
            self.refresh()
            return
        self._show(*read)

    def _not_read(self, error: BaseException) -> None:
        self._reading = self._stale = False
        if isinstance(error, Stopped):
            return  # a person cancelled it: what was read before stays
        self._actions.refused(error)
        self._show((), tiles_of(()))

    def _show(self, rows: tuple[Shown, ...], tiles: Tiles) -> None:
        keep, row_before = self.current(), self.table.currentIndex().row()
        selected = {x.study_uid for x in self.selected()}
        first, self._known = self._known is None, tiles
        self.model.put(rows)
        self._tell(tiles)
        self._columns()
        self._any = bool(rows)
        now = next((row.line for row in rows if keep is not None and _same(row.line, keep)), None)
        if keep is not None and kind_of(keep) == "ready" and (now is None or kind_of(now) != "ready"):
            # what was confirmed moves away; the hand stays where it is, on the next one
            self._first(None, set(), min(row_before, self.model.rowCount() - 1))
        else:
            self._first(keep, selected if len(selected) > 1 else set())
        if first and rows and self.isVisible():
            self.table.setFocus()  # the keys of the list count from the first moment

    def _first(
        self, keep: ChargeLine | None = None, selected: set[str] | None = None, chosen: int = 0, *, soon: bool = False
    ) -> None:
        rows = self.model.rows
        self.empty.say(_NONE_FOUND if self._any else _NOTHING)
        self._nothing.setVisible(not rows)
        self._split.setVisible(bool(rows))
        if keep is not None:
            chosen = next((place for place, row in enumerate(rows) if _same(row.line, keep)), chosen)
        again = self._ranges([place for place, row in enumerate(rows) if row.line.study_uid in (selected or ())])
        if rows:
            self.table.selectRow(chosen)
        if selected:
            self.table.selectionModel().select(again, QItemSelectionModel.SelectionFlag.Select)
        if soon:
            self._another()
        else:
            self._soon.stop()
            self._show_line()
        self._stand()

    def _ranges(self, places: list[int]) -> QItemSelection:
        """Whole rows as a selection; neighbours are one range, so that thousands cost no more than one."""
        made, last = QItemSelection(), self.model.columnCount() - 1
        begin = 0
        for n, place in enumerate(places):
            if n + 1 == len(places) or places[n + 1] != place + 1:
                made.select(self.model.index(places[begin], 0), self.model.index(place, last))
                begin = n + 1
        return made

    def _tell(self, tiles: Tiles) -> None:
        for name, tile in self._tiles.items():
            number, about = tiles.told[name]
            tile.put(number, about, "wants" if name in ("held", "todo") else "")
        bars = list(tiles.reasons)
        self.bars.put(
            partial(plot.bars, rows=bars), plot.bars_height(bars) if bars else 1, tuple(f"{w}: {n}" for w, n in bars)
        )
        self.no_bars.say("" if bars else "Nothing was turned down.")
        self.no_bars.setVisible(not bars)

    def current(self) -> ChargeLine | None:
        """The line in hand."""
        index = self.table.currentIndex() if hasattr(self, "table") else QModelIndex()
        found: ChargeLine | None = index.data(LINE) if index.isValid() else None
        return found

    def selected(self) -> tuple[ChargeLine, ...]:
        """The selected lines, in the order of the list."""
        rows = self.model.rows
        # a selection is a list of ranges; its stub does not say so
        ranges: Iterable[QItemSelectionRange] = self.table.selectionModel().selection()  # type: ignore[assignment]
        found = {n for part in ranges for n in range(part.top(), part.bottom() + 1)}
        return tuple(rows[n].line for n in sorted(found))

    def _another(self) -> None:
        # never another patient's charge beside the line in hand, not even for a moment
        self.detail.leave(self.current())
        self._soon.start(_SOON_MS)

    def _show_line(self) -> None:
        self.detail.put(self.current())

    # Several at once.

    def select_ready(self) -> None:
        """Select every ready case of the list as it is filtered."""
        chosen = self._ranges([place for place, row in enumerate(self.model.rows) if row.kind == "ready"])
        if not chosen.isEmpty():
            keep = QItemSelectionModel.SelectionFlag.NoUpdate
            self.table.selectionModel().setCurrentIndex(chosen.first().topLeft(), keep)
        self.table.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.table.setFocus()

    def _chosen(self) -> tuple[ChargeLine, ...]:
        return tuple(x for x in self.selected() if kind_of(x) == "ready")

    def _stand(self) -> None:
        chosen, selected = self._chosen(), self.selected()
        may = self._desk.may("confirm_charge")
        self.confirm.setText(f"Confirm {len(chosen)}" if len(chosen) > 1 else "Confirm")
        self.confirm.setEnabled(bool(chosen) and may)
        self.confirm.setToolTip(self._desk.why_not("confirm_charge") or "Confirm the selected ones  [Ctrl+Enter]")
        for part in (self.send, self.answers):
            part.setEnabled(may)
        self.export.setEnabled(self._desk.may("claims"))
        self.all_ready.setEnabled(self._known is not None and self._known.told["ready"][0] > 0)
        left = len(selected) - len(chosen)
        told = f"{len(selected)} selected" if len(selected) > 1 else ""
        self.said.say(f"{told}, {left} of them not ready" if told and left else told)

    def confirm_selected(self) -> None:
        """Confirm the selected ready cases after the PIN; those that are not ready stay as they are."""
        chosen = self._chosen()
        if not chosen or not self._desk.may("confirm_charge"):
            return
        secret = ""
        if self._desk.must_ask_again("confirm_charge") or len(chosen) > 1:
            what = Counter(" ".join((str(x.code), *x.modifiers)) for x in chosen)
            listed = ", ".join(f"{n} × {code}" if n > 1 else code for code, n in what.most_common())
            title = f"Confirm {counted(len(chosen), 'charge')}"
            asked = ask_secret(self.window(), title, f"{listed}. Confirmed in your name and sent to billing.")
            if asked is None:
                return
            secret = asked
        try:
            done = self._desk.confirm_charges(
                [(x.study_uid, x.session, (str(x.code), *x.modifiers)) for x in chosen], secret
            )
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
            return
        failed = [d for d in done if d.confirmed is None]
        kept = counted(len(done) - len(failed), "charge")
        if failed:
            self._actions.say(f"{kept} confirmed; {len(failed)} not: {failed[0].sentence}", "refused")
        else:
            self._actions.say(f"{kept} confirmed.", "done")
        self.table.clearSelection()
        self.refresh()

    # The office: sending, answers, export.

    def send_now(self) -> None:
        """Send what waits; the list stays usable meanwhile, and is read anew at the end."""
        if self._sending:
            return
        self._sending = True
        self._actions.job(
            "Sending charges", lambda _progress, stop: self._desk.send_charges(stop), self._sent, self._not_sent
        )

    def _sent(self, told: Sent) -> None:
        self._sending = False
        words = [f"{told.sent} sent", f"{told.acknowledged} acknowledged"]
        words += [f"{told.rejected} refused"] if told.rejected else []
        words += [f"{told.waiting} waiting"] if told.waiting else []
        if told.nowhere:
            words.append(
                f"{counted(told.nowhere, 'message')} in the folder messages, as the site file names no receiver"
            )
        state = "refused" if told.problems else "wants" if told.rejected or told.waiting else "done"
        self._actions.say(" ".join([", ".join(words) + ".", *told.problems[:1]]), state)
        self.refresh()

    def _not_sent(self, error: BaseException) -> None:
        self._sending = False
        self._actions.refused(error)

    def export_new(self, form: Format) -> None:
        """Choose a file, and write new charges and credits in a form."""
        suffix = next(end for own, _, end in _FORMS if own == form)
        name = f"charges-{date.today().isoformat()}{suffix}"  # noqa: DTZ011 - the site's own day
        path, _ = QFileDialog.getSaveFileName(self, "Export since last", name, f"*{suffix}")
        if path:
            self.export_to(form, Path(path))

    def export_to(self, form: Format, path: Path) -> None:
        """Write what has not left the house yet; what lacks something is left out and named."""
        try:
            made = self._desk.export_charges(form, path, force=True)
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
            return
        left = (
            f" {counted(len(made.left_out), 'charge')} left out: {made.left_out[0].sentence}" if made.left_out else ""
        )
        if made.path is None:
            self._actions.say(left.strip() or "There is nothing new to export.", "wants" if left else "info")
            return
        credit = f" and {counted(len(made.credits), 'credit')}" if made.credits else ""
        told = f"{counted(len(made.charges), 'charge')}{credit} written to {made.path.name}.{left}"
        self._actions.say(told, "wants" if left else "done")
        self.refresh()

    def take_answers(self) -> None:
        """Choose files with acknowledgements, and take them in."""
        names, _ = QFileDialog.getOpenFileNames(self, "Answers of receivers", "", "All files (*)")
        if names:
            self.take_in([Path(name) for name in names])

    def take_in(self, paths: list[Path]) -> None:
        """Take files with acknowledgements in; what is about nothing of this home is said."""
        try:
            taken = self._desk.take_answers(paths)
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
            return
        counts = Counter(one.outcome for one in taken)
        words = {
            "acknowledged": "acknowledged",
            "rejected": "refused",
            "known": "known already",
            "foreign": "about nothing that went out from here",
            "unreadable": "not readable",
            "noted": "noted",
        }
        told = ", ".join(f"{n} {words[outcome]}" for outcome, n in counts.items()) or "no answer in these files"
        bad = counts["rejected"] + counts["foreign"] + counts["unreadable"]
        self._actions.say(f"Answers: {told}.", "wants" if bad else "done")
        self.refresh()

    def _open(self) -> None:
        line = self.current()
        if line is not None:
            self.open_case.emit(line.study_uid)
