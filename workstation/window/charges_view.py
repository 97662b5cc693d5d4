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
from workstation.report.rule_words import rule_words
from workstation.window.charge_detail import ChargeDetail
from workstation.window.charge_parts import Pill, Tile
from workstation.window.models.charges import (
    AMOUNT,
    LINE,
    READER,
    STATE_OF,
    WHY,
    ChargeModel,
    Filter,
    kind_of,
)
from workstation.window.panels.parts import CONTROL, Card, Words, button, row
from workstation.window.panels.say import counted
from workstation.window.panels.secret import ask_secret
from workstation.window.plot_area import PlotArea

if TYPE_CHECKING:
    from workstation.desk.charge_office import Format
    from workstation.desk.charge_send import Sent
    from workstation.desk.desk import Desk
    from workstation.desk.worklist import ChargeLine
    from workstation.window.actions import Actions

_ROW = 40
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
        self._lines: tuple[ChargeLine, ...] = ()
        self._kinds: frozenset[str] = frozenset()
        self._sending = False
        self._widths: tuple[int, ...] = ()
        self.setObjectName("Charges")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.model = ChargeModel(self)
        self.filter = Filter(self)
        self.filter.setSourceModel(self.model)
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
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._show_line)
        self._keys()
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
        self._tiles_of = (
            (self.ready, frozenset({"ready"}), 2),
            (self.held, frozenset({"held"}), 3),
            (self.todo, frozenset({"refused", "todo"}), 3),
            (self.underway, frozenset({"underway", "done"}), 2),
        )
        for tile, kinds, share in self._tiles_of:
            tile.setMinimumHeight(124)
            tiles.addWidget(tile, share)
            tile.pressed.connect(partial(self.only, kinds))
        tiles.addWidget(self.refused, 4)
        column.addLayout(tiles)
        return made

    def _prepare_table(self) -> None:
        table = self.table
        table.setModel(self.filter)
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
        self.table.setColumnHidden(READER, self.width() < 1480 or len({x.reader for x in self._lines}) < 2)
        self.table.setColumnHidden(AMOUNT, self.width() < 1240 or not any(x.amount for x in self._lines))

    # What is shown.

    def _look_for(self, text: str) -> None:
        self.filter.look_for(text)
        self._first()

    def only(self, kinds: frozenset[str]) -> None:
        """Narrow the list to a tile's lines; the same tile again shows all."""
        self._kinds = frozenset() if self._kinds == kinds else kinds
        self.filter.only(self._kinds)
        for tile, own, _ in self._tiles_of:
            tile.mark(own == self._kinds)
        self._first()

    def refresh(self) -> None:
        """Decide every case anew and show the list; the line in hand stays in hand, and so does what is selected."""
        keep, row_before = self.current(), self.table.currentIndex().row()
        selected = {x.study_uid for x in self.selected()}
        try:
            lines = self._desk.charges()
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
            lines = ()
        self._lines = lines
        self.model.put(lines)
        self._tiles(lines)
        self._columns()
        self._nothing.setVisible(not lines)
        self._split.setVisible(bool(lines))
        now = next((x for x in lines if keep is not None and _same(x, keep)), None)
        if keep is not None and kind_of(keep) == "ready" and (now is None or kind_of(now) != "ready"):
            # what was confirmed moves away; the hand stays where it is, on the next one
            self._first(None, set(), min(row_before, self.filter.rowCount() - 1))
        else:
            self._first(keep, selected if len(selected) > 1 else set())

    def _first(self, keep: ChargeLine | None = None, selected: set[str] | None = None, chosen: int = 0) -> None:
        again = QItemSelection()
        for place in range(self.filter.rowCount()):
            line = self.filter.index(place, 0).data(LINE)
            if keep is not None and _same(line, keep):
                chosen = place
            if selected and line.study_uid in selected:
                again.select(self.filter.index(place, 0), self.filter.index(place, self.filter.columnCount() - 1))
        if self.filter.rowCount():
            self.table.selectRow(chosen)
        if selected:
            self.table.selectionModel().select(again, QItemSelectionModel.SelectionFlag.Select)
        self._soon.stop()
        self._show_line()
        self._stand()

    def _tiles(self, lines: tuple[ChargeLine, ...]) -> None:
        by: dict[str, list[ChargeLine]] = {}
        for line in lines:
            by.setdefault(kind_of(line), []).append(line)
        ready, held = by.get("ready", []), by.get("held", [])
        ages = [x.age_days for x in ready if x.age_days is not None]
        self.ready.put(len(ready), f"oldest {counted(max(ages), 'day')}" if ages else "")
        asked = Counter(rule_words(x.rules[0]) if x.rules else x.question for x in held).most_common(3)
        self.held.put(len(held), "\n".join(f"{words}: {n}" for words, n in asked), "wants")
        back, todo = by.get("refused", []), by.get("todo", [])
        told = [f"refused by the receiver: {len(back)}"] if back else []
        gone = sum("uphold" in x.acts for x in todo)
        changed = sum(bool(x.task) for x in todo) - gone
        told += [f"to void or replace: {changed}"] if changed else []
        told += [f"study deleted: {gone}"] if gone else []
        told += [f"not sent: {sum(bool(x.problem) for x in todo)}"] if any(x.problem for x in todo) else []
        self.todo.put(len(back) + len(todo), "\n".join(told) or "nothing came back", "wants")
        under, done = by.get("underway", []), by.get("done", [])
        late = sum(x.late for x in (*under, *done))
        told = [f"acknowledged {len(done)}", *([f"late {late}"] if late else [])]
        self.underway.put(len(under) + len(done), "\n".join(told) if under or done else "")
        reasons = Counter(rule_words(x.rules[0]) for x in by.get("not_billed", []) if x.rules)
        bars = reasons.most_common(4)
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
        rows = sorted(self.table.selectionModel().selectedRows(), key=lambda i: i.row())
        return tuple(i.data(LINE) for i in rows)

    def _another(self) -> None:
        # never another patient's charge beside the line in hand, not even for a moment
        self.detail.leave(self.current())
        self._soon.start(_SOON_MS)

    def _show_line(self) -> None:
        self.detail.put(self.current())

    # Several at once.

    def select_ready(self) -> None:
        """Select every ready case of the list as it is filtered."""
        chosen = QItemSelection()
        for place in range(self.filter.rowCount()):
            if kind_of(self.filter.index(place, 0).data(LINE)) == "ready":
                chosen.select(self.filter.index(place, 0), self.filter.index(place, self.filter.columnCount() - 1))
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
        self.all_ready.setEnabled(any(kind_of(x) == "ready" for x in self._lines))
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
