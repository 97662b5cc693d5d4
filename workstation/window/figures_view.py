"""*Figures*: the department's 3D charges in numbers, for administrators and billers, to look at and to take away."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from billing.metrics import UNKNOWN, Scope, month_of, months_before, span_of, values
from workstation.base.atomic import write_bytes
from workstation.base.errors import RenderDeskError
from workstation.report.figures_sheet import Plot, Sheet, Table, Tile, month_words, period, sheet
from workstation.report.rule_words import payer_words
from workstation.window.panels.parts import CONTROL, Card, Rows, Words, button, row
from workstation.window.plot_area import PlotArea

if TYPE_CHECKING:
    from workstation.desk.charge_metrics import Gathered
    from workstation.desk.desk import Desk
    from workstation.window.actions import Actions

_PERIODS = (("year", "Last 12 months"), ("quarter", "Last 3 months"), ("month", "This month"), ("all", "All"))
_ALL = {"reader": "All readers", "site": "All sites", "payer": "All payers"}
_GAP = 12


class TileCard(Card):
    """A number with its meaning."""

    def __init__(self, tile: Tile, parent: QWidget | None = None) -> None:
        super().__init__(tile.title, parent=parent)
        self.number = Words(tile.number, "big", tile.state)
        self.about = Words(tile.about, "quiet")
        self.add(self.number)
        self.add(self.about)
        self.column.addStretch(1)


class PlotCard(Card):
    """A plot with its title and what it shows."""

    def __init__(self, one: Plot, parent: QWidget | None = None) -> None:
        super().__init__(one.title, parent=parent)
        if one.told:
            area = PlotArea()
            area.put(one.draw, one.height, one.told)
            self.add(area)
        if one.note:
            self.add(Words(one.note, "quiet"))
        self.column.addStretch(1)


class TableCard(Card):
    """A few rows of numbers below a head."""

    def __init__(self, table: Table, parent: QWidget | None = None) -> None:
        super().__init__(table.title, parent=parent)
        if not table.rows:
            self.add(Words(table.empty, "quiet"))
            self.column.addStretch(1)
            return
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        grid.setColumnMinimumWidth(0, 112)
        for place, line in enumerate((table.head, *table.rows)):
            for column, cell in enumerate(line):
                shown = QLabel(cell)
                shown.setTextFormat(Qt.TextFormat.PlainText)
                if place == 0:
                    shown.setProperty("role", "label")
                side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                shown.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                if column == 0:
                    shown.setWordWrap(True)
                    shown.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
                grid.addWidget(shown, place, column)
        self.column.addLayout(grid)
        self.column.addStretch(1)


class FiguresView(QWidget):
    """Choices on top, then tiles, plots and tables, then what they are compared with."""

    def __init__(self, desk: Desk, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._actions = desk, actions
        self._found: Gathered | None = None
        self._sheet: Sheet | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._top())
        self._body = QWidget()
        self._body.setObjectName("Figures")
        self._column = QVBoxLayout(self._body)
        self._column.setContentsMargins(16, 4, 16, 16)
        self._column.setSpacing(_GAP)
        self._rows = Rows(_GAP)
        self._column.addWidget(self._rows)
        self._column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._body)
        column.addWidget(self._scroll, 1)

    def _top(self) -> QWidget:
        made = QWidget()
        line = QHBoxLayout(made)
        line.setContentsMargins(16, 12, 16, 12)
        line.setSpacing(8)
        self.period = _combo("Period", 150)
        for name, words in _PERIODS:
            self.period.addItem(words, name)
        self.reader, self.site, self.payer = _combo("Reader", 190), _combo("Site", 170), _combo("Payer", 170)
        for one in (self.period, self.reader, self.site, self.payer):
            one.currentIndexChanged.connect(lambda _place: self._show())
            line.addWidget(one)
        line.addStretch(1)
        self.csv = button("Save as CSV ...", partial(self._save, "csv"), tip="Every figure with its two counts")
        self.pdf = button("Save as PDF ...", partial(self._save, "pdf"), tip="This page on paper, with its sources")
        line.addWidget(self.csv)
        line.addWidget(self.pdf)
        return made

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._sheet is not None:
            self._fill(self._sheet)

    def refresh(self) -> None:
        """Count everything anew; what was chosen stays chosen."""
        try:
            self._found = self._desk.metrics()
        except RenderDeskError as error:
            self._found, self._sheet = None, None
            self._rows.fill([_centred(error.sentence)])
            for part in (self.period, self.reader, self.site, self.payer, self.csv, self.pdf):
                part.setEnabled(False)
            return
        for part in (self.period, self.reader, self.site, self.payer, self.csv, self.pdf):
            part.setEnabled(True)
        for what, combo in (("reader", self.reader), ("site", self.site), ("payer", self.payer)):
            _offer(combo, _ALL[what], [(v, self._called(what, v)) for v in values(self._found.data, what)])
        self._show()

    def _called(self, what: str, value: str) -> str:
        if value == UNKNOWN:
            return f"{what.capitalize()} {UNKNOWN}"
        if what == "reader" and self._found is not None:
            return self._found.names.get(value, value)
        words = payer_words(value) if what == "payer" else value
        return words[:1].upper() + words[1:]

    def scope(self) -> Scope:
        """What was chosen."""
        assert self._found is not None
        first, _ = span_of(self._found.data)
        since, until = period(self._found.data.now.date(), self.period.currentData() or "year", first)
        return Scope(
            since=since,
            until=until,
            reader=self.reader.currentData(),
            site=self.site.currentData(),
            payer=self.payer.currentData(),
        )

    def months(self) -> tuple[date, ...]:
        """The months that the plots show: those of the period, but a year at least and three at most."""
        assert self._found is not None
        this = month_of(self._found.data.now.date())
        since = self.scope().since or this
        count = min(max((this.year - since.year) * 12 + this.month - since.month + 1, 12), 36)
        return (*months_before(this, count - 1), this)

    def _show(self) -> None:
        if self._found is None:
            return
        self._sheet = sheet(self._found.data, self.scope(), self.months(), self._found.names)
        self._fill(self._sheet)

    def _fill(self, shown: Sheet) -> None:
        assert self._found is not None
        wide, widest = self.width() >= 1240, self.width() >= 1560
        if self._rows.stands((shown, wide, widest)):
            return
        parts: list[QWidget] = [_beside([TileCard(t) for t in shown.tiles], 6 if wide else 3)]
        plots = [PlotCard(p) for p in shown.plots]
        parts.append(_beside(plots, 3 if wide else 2))
        reader, site, payer, refused, expected = [TableCard(t) for t in shown.tables]
        parts.append(_beside([reader, site], 2 if widest else 1))
        parts.append(_beside([payer, refused, expected], 3 if widest else 2 if wide else 1))
        parts.append(self._sources(shown))
        self._rows.fill(parts)

    def _sources(self, shown: Sheet) -> QWidget:
        assert self._found is not None
        made = Card("What this is counted from, and compared with")
        made.add(Words(f"Studies: {self._found.base_from}. Charges: the ledger. Decisions: the journal."))
        for one in shown.sources:
            made.add(Words(f"{one.words} {one.source}; {one.dated.isoformat()}.", "quiet"))
        made.add(Words("An amount is an estimate by the imported fee schedule, never a promise of payment.", "quiet"))
        return made

    def title(self) -> str:
        """What is shown, as a heading: the months."""
        scope = self.scope()
        since, until = scope.since, scope.until
        if since is None or until is None or since == until:
            return f"Figures of {month_words(until or month_of(date.today()), year=True)}"  # noqa: DTZ011 - a heading
        return f"Figures, {month_words(since, year=True)} to {month_words(until, year=True)}"

    def written(self, kind: str) -> bytes:
        """The figures as CSV or PDF, as they are shown."""
        from workstation.report.figures_pdf import figures_pdf
        from workstation.report.figures_table import csv_text, table

        assert self._found is not None
        assert self._sheet is not None
        found = self._found
        if kind == "csv":
            # the byte order mark tells spreadsheets that this is UTF-8
            return csv_text(table(found.data, self.scope(), self.months(), found.names)).encode("utf-8-sig")
        chosen = " · ".join(c.currentText() for c in (self.reader, self.site, self.payer))
        lines = (chosen, f"Studies: {found.base_from}.")
        return figures_pdf(self._sheet, title=self.title(), lines=lines, made_at=f"{found.data.now:%Y-%m-%d %H:%M} UTC")

    def _save(self, kind: str) -> None:
        if self._found is None:
            return
        name = f"figures-{self._found.data.now:%Y-%m-%d}.{kind}"
        path, _ = QFileDialog.getSaveFileName(self, "Save the figures", name, f"*.{kind}")
        if path:
            self.save_to(Path(path), kind)

    def save_to(self, path: Path, kind: str) -> None:
        """Write the figures; a refusal is said in one sentence."""
        try:
            write_bytes(path.with_suffix(f".{kind}"), self.written(kind))
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
            return
        self._actions.say(f"Saved as {path.with_suffix(f'.{kind}').name}.", "done")


def _combo(name: str, width: int) -> QComboBox:
    made = QComboBox()
    made.setMinimumHeight(CONTROL)
    made.setFixedWidth(width)
    made.setAccessibleName(name)
    made.setToolTip(name)
    return made


def _offer(combo: QComboBox, everything: str, members: list[tuple[str, str]]) -> None:
    """Fill a choice anew without telling anybody; what was chosen stays, where it is still there."""
    before = combo.currentData()
    combo.blockSignals(True)
    combo.clear()
    combo.addItem(everything, None)
    for value, words in members:
        combo.addItem(words, value)
    combo.setCurrentIndex(max(combo.findData(before), 0) if before is not None else 0)
    combo.blockSignals(False)


def _beside(cards: list[QWidget] | list[TileCard] | list[PlotCard] | list[TableCard], count: int) -> QWidget:
    """Cards in rows of so many equal columns."""
    made = QWidget()
    grid = QGridLayout(made)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setSpacing(_GAP)
    for place, card in enumerate(cards):
        grid.addWidget(card, place // count, place % count)
    for column in range(count):
        grid.setColumnStretch(column, 1)
        grid.setColumnMinimumWidth(column, 1)
    return made


def _centred(sentence: str) -> QWidget:
    made = QWidget()
    words = Words(sentence, "quiet")
    words.setAlignment(Qt.AlignmentFlag.AlignCenter)
    line = row(0, words, 0)
    line.setContentsMargins(0, 120, 0, 0)
    line.setStretch(1, 2)
    made.setLayout(line)
    return made
