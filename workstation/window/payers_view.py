"""*Payers*: what is known of each payer, which record says so, how old it is; a record is added, never edited."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from billing.payer_book import PayerRecord
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.desk.charge_site import VALUES, YES_NO, PayerPage, Said
from workstation.window.panels.order_form import line_edit, text_edit
from workstation.window.panels.parts import (
    CONTROL,
    Card,
    Choice,
    Rows,
    Rule,
    Words,
    button,
    field_row,
    row,
    sentence_row,
)
from workstation.window.panels.questions import PAYERS
from workstation.window.panels.secret import SecretField

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.window.actions import Actions

LABELS = {
    "covered": "Covers the 3D charge",
    "prior_auth_required": "Wants an authorization first",
    "x_modifiers": "Wants XE, XS instead of 59",
    "laterality_modifiers": "Wants RT, LT",
    "accepts_22": "Accepts 22",
    "gc": "Wants GC for a resident",
    "accepts_without_base": "Accepts 3D without the scan",
    "auth_vendor": "Authorizations by",
    "filing_days": "Filing limit, days",
    "notes": "Notes",
}
OLD_DAYS = 365
"""A record that was not checked for a year is said to be old."""


def value_words(value: Any) -> str:
    """A record's value as a person reads it."""
    if value is None:
        return "not known"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def age_words(checked: date, today: date) -> str:
    """How long ago a record was checked."""
    days = (today - checked).days
    if days < 1:
        return "checked today"
    if days < 60:
        return f"checked {days} {'day' if days == 1 else 'days'} ago"
    return f"checked {days // 30} months ago"


def day_of(text: str) -> date:
    """A typed day.

    Raises
    ------
    InputRefused
        ``day``: it is none.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InputRefused("day", "This is no day; write it as in 2026-11-25.") from None


class PayersView(QWidget):
    """Payers at the left, what decides in the middle, the records below it."""

    def __init__(self, desk: Desk, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._actions = desk, actions
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        self.list = QListWidget()
        self.list.setObjectName("Payers")
        self.list.setFixedWidth(240)
        self.list.setAccessibleName("Payers")
        for kind, words in PAYERS:
            item = QListWidgetItem(words)
            item.setData(Qt.ItemDataRole.UserRole, kind)
            item.setSizeHint(QSize(0, 32))
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        line.addWidget(self.list)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self._top())
        body = QWidget()
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(16, 4, 16, 16)
        self._column.setSpacing(12)
        self.word = Words("", state="refused")
        self._column.addWidget(self.word)
        self.decides = Card("What decides")
        self._decides = Rows(0)
        self.decides.add(self._decides)
        self._column.addWidget(self.decides)
        self.records = Card("Records in force on that day, first asked first")
        self._records = Rows(0)
        self.records.add(self._records)
        self._column.addWidget(self.records)
        told = (
            "What no record says is not known: it warns, and never decides. Charges that stand keep what was known "
            "when they were confirmed; a case not yet confirmed follows the record of its day of service."
        )
        self._column.addWidget(Words(told, "quiet"))
        self._column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        right.addWidget(scroll, 1)
        line.addLayout(right, 1)
        self.list.currentRowChanged.connect(lambda _row: self.refresh())

    def _top(self) -> QWidget:
        made = QWidget()
        line = QHBoxLayout(made)
        line.setContentsMargins(16, 12, 16, 12)
        line.setSpacing(8)
        self.name = Words("", "heading")
        self.name.setWordWrap(False)
        self.plan = line_edit("plan", "Plan, as the card names it")
        self.plan.setFixedWidth(220)
        self.plan.setAccessibleName("Plan")
        self.plan.editingFinished.connect(self.refresh)
        self.day = line_edit("day", "YYYY-MM-DD")
        self.day.setText(date.today().isoformat())  # noqa: DTZ011 - the site's own day
        self.day.setFixedWidth(120)
        self.day.setAccessibleName("Day of service")
        self.day.setToolTip("Day of service")
        self.day.editingFinished.connect(self.refresh)
        self.add = button("Add a dated record ...", self._add, "primary")
        line.addWidget(self.name)
        line.addStretch(1)
        for words, part in (("Plan", self.plan), ("Day of service", self.day)):
            label = QLabel(words)
            label.setProperty("role", "label")
            line.addWidget(label)
            line.addWidget(part)
        line.addWidget(self.add)
        return made

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    @property
    def kind(self) -> str:
        """The payer in hand."""
        return str(self.list.currentItem().data(Qt.ItemDataRole.UserRole))

    def choose(self, kind: str) -> None:
        """Take a payer in hand."""
        for place in range(self.list.count()):
            if self.list.item(place).data(Qt.ItemDataRole.UserRole) == kind:
                self.list.setCurrentRow(place)

    def refresh(self) -> None:
        """Read the records again."""
        self.name.say(self.list.currentItem().text())
        self.add.setEnabled(self._desk.may("payers"))
        self.add.setToolTip(self._desk.why_not("payers"))
        try:
            page = self._desk.payer_page(self.kind, self.plan.text().strip() or None, day_of(self.day.text()))
        except RenderDeskError as error:
            # a mistake in the site's own files: nothing is decided by half of them
            self.word.say(error.sentence)
            self.word.show()
            self.decides.hide()
            self.records.hide()
            return
        self.word.hide()
        self._show(page)

    def _show(self, page: PayerPage) -> None:
        today = date.today()  # noqa: DTZ011 - ages are told in the site's own days
        parts: list[QWidget] = []
        for said in page.values:
            if said.name in ("auth_vendor", "filing_days", "notes") and said.value is None:
                continue
            if parts:
                parts.append(Rule())
            parts.append(_value_line(said, today))
        self._decides.fill(parts)
        self.decides.show()
        parts = []
        for record, shipped in page.records:
            if parts:
                parts.append(Rule())
            parts.append(_record_line(record, shipped, today))
        self._records.fill(parts or [Words("No record is in force on that day.", "quiet")])
        self.records.show()

    def _add(self) -> None:
        dialog = RecordDialog(self._desk, self.kind, self.name.text(), self.plan.text().strip(), self.window())
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self._actions.say("The record is added; decisions from its day on follow it.", "done")
        dialog.deleteLater()
        self.refresh()


def _value_line(said: Said, today: date) -> QWidget:
    made = QWidget()
    grid = QGridLayout(made)
    grid.setContentsMargins(0, 6, 0, 6)
    grid.setHorizontalSpacing(16)
    label = Words(LABELS[said.name], "quiet")
    label.setFixedWidth(210)
    words = value_words(said.value)
    long = said.name == "notes"
    value = Words(words if long else words[:1].upper() + words[1:], "" if said.value is not None else "quiet")
    if not long:
        value.setFixedWidth(150)
    grid.addWidget(label, 0, 0, Qt.AlignmentFlag.AlignTop)
    if said.record is None:
        grid.addWidget(value, 0, 1, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(Words("No record says; where it matters the charge warns.", "quiet"), 0, 2)
    else:
        source = f"{_whose(said.shipped)}, {_since(said.record)}, {age_words(said.record.checked_on, today)}"
        if long:
            grid.addWidget(value, 0, 1, 1, 2)
        else:
            grid.addWidget(value, 0, 1, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(Words(source, "quiet"), 0, 2)
    grid.setColumnStretch(2, 1)
    return made


def _record_line(record: PayerRecord, shipped: bool, today: date) -> QWidget:
    stated = [
        f"{LABELS[n]}: {value_words(v)}" for n in VALUES if n != "notes" and (v := getattr(record, n)) is not None
    ]
    old = (today - record.checked_on).days > OLD_DAYS
    plan = f" · plan {record.plan}" if record.plan else ""
    head = f"{_whose(shipped)}, {_since(record)}{plan} · {record.source}"
    told = "; ".join(stated) or "States no value"
    checked = f"{age_words(record.checked_on, today)} ({record.checked_on.isoformat()})"
    return sentence_row("wants" if old else "", head, f"{told}. {checked[:1].upper()}{checked[1:]}.")


def _whose(shipped: bool) -> str:
    return "Came with the program" if shipped else "This site's record"


def _since(record: PayerRecord) -> str:
    since = f"from {record.since.isoformat()}" if record.since else "of all days"
    return f"{since} to {record.until.isoformat()}" if record.until else since


class RecordDialog(QDialog):
    """A new dated record; nothing is prefilled but the day on which it is checked, which is today."""

    def __init__(self, desk: Desk, kind: str, name: str, plan: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._kind = desk, kind
        self.setWindowTitle("Payer record")
        self.setModal(True)
        self.setMinimumWidth(560)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.setSpacing(12)
        column.addWidget(Words(f"A new record for {name}", "heading"))
        sentence = "It counts from its day on. What it does not state, the records before it still say."
        column.addWidget(Words(sentence, "quiet"))
        self.since = line_edit("since", "YYYY-MM-DD")
        self.since.setText(date.today().isoformat())  # noqa: DTZ011 - the site's own day
        self.plan = line_edit("record_plan", "All plans of this payer")
        self.plan.setText(plan)
        column.addWidget(_pair(field_row("Counts from", self.since), field_row("Plan", self.plan)))
        self.source = line_edit("source", "Policy, letter or page, with its number and date")
        column.addWidget(field_row("Where does this stand?", self.source))
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        self.choices: dict[str, Choice] = {}
        for place, one in enumerate(YES_NO):
            choice = Choice(((True, "Yes"), (False, "No")), lambda _v: self._stand(), clearable=True)
            choice.setFixedSize(160, CONTROL + 2)
            choice.setAccessibleName(LABELS[one])
            self.choices[one] = choice
            grid.addWidget(Words(LABELS[one]), place, 0)
            grid.addWidget(choice, place, 1)
        column.addLayout(grid)
        self.vendor = line_edit("auth_vendor", "Not stated")
        self.days = line_edit("filing_days", "Not stated")
        column.addWidget(
            _pair(field_row(LABELS["auth_vendor"], self.vendor), field_row(LABELS["filing_days"], self.days))
        )
        self.notes = text_edit("notes", "Notes", 2)
        column.addWidget(self.notes)
        self.secret = SecretField()
        asked = field_row("Your PIN or password", self.secret)
        asked.setVisible(desk.must_ask_again("payers"))
        column.addWidget(asked)
        self.word = Words("", state="refused")
        self.word.hide()
        column.addWidget(self.word)
        self.confirm = button("Add the record", self._confirm, "primary")
        column.addLayout(row(0, button("Cancel", self.reject), self.confirm))
        for edit in (self.source, self.vendor, self.days, self.secret):
            edit.textChanged.connect(lambda _t: self._stand())
        self.notes.textChanged.connect(self._stand)
        self._asked = asked
        self._stand()
        self.source.setFocus()

    def _stand(self) -> None:
        proved = self._asked.isHidden() or bool(self.secret.text())
        self.confirm.setEnabled(bool(self.source.text().strip()) and self._says() and proved)

    def _says(self) -> bool:
        chosen = any(c.value is not None for c in self.choices.values())
        return chosen or any(t.strip() for t in (self.vendor.text(), self.days.text(), self.notes.toPlainText()))

    def _confirm(self) -> None:
        days = self.days.text().strip()
        if days and not (days.isascii() and days.isdigit()):
            self._say("The filing limit is a number of days.")
            return
        try:
            since = day_of(self.since.text())
        except InputRefused as error:
            self._say(error.sentence)
            return
        record = PayerRecord(
            since=since,
            plan=self.plan.text().strip() or None,
            source=self.source.text().strip(),
            checked_on=date.today(),  # noqa: DTZ011 - the site's own day
            auth_vendor=self.vendor.text().strip() or None,
            filing_days=int(days) if days else None,
            notes=self.notes.toPlainText().strip() or None,
            **{name: c.value for name, c in self.choices.items()},  # type: ignore[arg-type]
        )
        try:
            self._desk.add_payer_record(self._kind, record, self.secret.take())
        except RenderDeskError as error:
            self._say(error.sentence)
            return
        self.accept()

    def _say(self, sentence: str) -> None:
        self.word.say(sentence)
        self.word.show()
        self._stand()


def _pair(left: QWidget, right: QWidget) -> QWidget:
    made = QWidget()
    line = row(left, right)
    line.setStretch(0, 1)
    line.setStretch(1, 1)
    made.setLayout(line)
    return made
