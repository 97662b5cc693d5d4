"""Who is working: covers the whole window, pictures and names included, until somebody has proved who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from workstation.base.errors import RenderDeskError
from workstation.base.events import Role
from workstation.window import words
from workstation.window.patient_bar import Disc
from workstation.window.theme import tokens
from workstation.window.widgets import button, label, named, restate

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.people.accounts import Account

ROLES = ("radiologist", "resident", "technologist", "biller", "viewer", "administrator")
_NOT_CLEARED = "Not cleared as a medical device."


def secret_field(placeholder: str) -> QLineEdit:
    """A field for a PIN or password."""
    field = QLineEdit()
    field.setEchoMode(QLineEdit.EchoMode.Password)
    field.setPlaceholderText(placeholder)
    field.setMinimumHeight(32)
    field.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
    return field


class AccountRow(QPushButton):
    """One person."""

    def __init__(self, account: Account, pin: str) -> None:
        super().__init__()
        named(self, "AccountRow")
        self.account = account
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFixedHeight(54)
        self.setAccessibleName(f"{account.name}, {account.role}")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(12)
        self.disc = Disc()
        self.disc.text = words.initials(account.name)
        row.addWidget(self.disc)
        told = QVBoxLayout()
        told.setSpacing(0)
        told.addStretch(1)
        told.addWidget(label(account.name, "strong"))
        told.addWidget(label(account.role, "label"))
        told.addStretch(1)
        row.addLayout(told, 1)
        if pin:
            row.addWidget(label(f"PIN {pin}", "badge", "wants"), 0, Qt.AlignmentFlag.AlignVCenter)
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


class AccountForm(QWidget):
    """A new account; the first one of a home is its administrator. Signals `made(str account)`, `left()`."""

    made = Signal(str)
    left = Signal()

    def __init__(self, desk: Desk, *, first: bool) -> None:
        super().__init__()
        self._desk, self._first = desk, first
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(label("Welcome: make the first account" if first else "Make an account", "heading"))
        sentence = (
            "This home is new. Its first account is an administrator, who makes the accounts of everyone else."
            if first
            else "Every person has an own account and one role; what they do is written down under their name."
        )
        column.addWidget(label(sentence, "quiet", wrap=True))
        form = QFormLayout()
        form.setVerticalSpacing(8)
        form.setHorizontalSpacing(16)
        self.account, self.name = QLineEdit(), QLineEdit()
        self.account.setPlaceholderText("a.miller")
        self.name.setPlaceholderText("Anne Miller, MD")
        self.role, self.npi = QComboBox(), QLineEdit()
        self.role.addItems([r for r in get_args(Role) if not first or r == "administrator"])
        self.npi.setPlaceholderText("10 digits; physicians who sign")
        self.secret, self.again = secret_field("PIN of at least 6 digits, or a password"), secret_field("once more")
        for title, field in (("Account", self.account), ("Printed name", self.name), ("Role", self.role)):
            form.addRow(label(title, "quiet"), field)
        if first:
            form.setRowVisible(self.role, False)
        else:
            form.addRow(label("NPI", "quiet"), self.npi)
        form.addRow(label("PIN", "quiet"), self.secret)
        form.addRow(label("", "quiet"), self.again)
        column.addLayout(form)
        self.refusal = label("", "", "refused", wrap=True)
        column.addWidget(self.refusal)
        acts = QHBoxLayout()
        acts.addStretch(1)
        if not first:
            back = button("Back")
            back.clicked.connect(self.left)
            acts.addWidget(back)
        go = button("Make the account", "primary")
        go.clicked.connect(self.make)
        acts.addWidget(go)
        column.addLayout(acts)
        for field in (self.account, self.name, self.npi, self.secret, self.again):
            field.returnPressed.connect(self.make)

    def make(self) -> None:
        """Make it, or say why not."""
        if self.secret.text() != self.again.text():
            self.refusal.setText("The two entries of the PIN differ; enter it twice again.")
            self.secret.clear()
            self.again.clear()
            self.secret.setFocus()
            return
        account = self.account.text().strip()
        role: Role = self.role.currentText()  # type: ignore[assignment]
        try:
            self._desk.make_account(
                account, self.name.text().strip(), role, self.secret.text(), self.npi.text().strip()
            )
        except RenderDeskError as refusal:
            self.refusal.setText(refusal.sentence)
            return
        finally:
            self.secret.clear()
            self.again.clear()
        self.made.emit(account)


class Cover(QWidget):
    """The whole window, opaque: nothing of a patient is seen through it.

    Signals: `signed_in()`; `went_back()` when the acting person changes their mind about switching.
    """

    signed_in = Signal()
    went_back = Signal()

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        named(self, "Cover")
        self.setAccessibleName("Sign in")
        self._sheet = named(QFrame(self), "Sheet")
        self._sheet.setFixedWidth(460)
        self._pages = QStackedLayout()
        outer = QVBoxLayout(self._sheet)
        outer.setContentsMargins(28, 24, 28, 24)
        outer.addLayout(self._pages)
        middle = QVBoxLayout(self)
        middle.addStretch(2)
        middle.addWidget(self._sheet, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addStretch(3)
        foot = label(_NOT_CLEARED, "label")
        foot.setAlignment(Qt.AlignmentFlag.AlignCenter)
        middle.addWidget(foot)
        self.rows: list[AccountRow] = []
        self.secret = secret_field("PIN or password")
        self._may_go_back = False
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.WINDOW))
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._may_go_back:
            self._back()
        event.accept()  # no key goes through to what lies beneath

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def ask(self, why: str = "", *, may_go_back: bool = False) -> None:
        """Cover everything and ask who is working."""
        self._may_go_back = may_go_back
        self.setGeometry(self.window().rect())
        if self._desk.needs_first_account:
            self._show_form(first=True)
        else:
            self._show_people(why)
        self.show()
        self.raise_()
        self._focus()

    def ask_account(self) -> None:
        """The form for a further account."""
        self._may_go_back = True
        self.setGeometry(self.window().rect())
        self._show_form(first=False)
        self.show()
        self.raise_()

    def _put(self, page: QWidget) -> None:
        while self._pages.count():
            item = self._pages.takeAt(0)
            old = item.widget() if item is not None else None
            if old is not None:
                old.hide()
                old.deleteLater()
        self._pages.addWidget(page)
        self._pages.setCurrentWidget(page)
        self._sheet.adjustSize()

    def _show_form(self, *, first: bool) -> None:
        form = AccountForm(self._desk, first=first)
        form.made.connect(lambda account: self._show_people("The account stands; sign in.", choose=account))
        form.left.connect(self._back)
        self._put(form)
        form.account.setFocus()

    def _show_people(self, why: str, choose: str = "") -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(label("Who is working?", "heading"))
        told = why or "What is done from now on is written down under this name."
        column.addWidget(label(told, "quiet", wrap=True))
        column.addSpacing(4)
        pins: dict[str, str] = {}
        if self._desk.demo:
            from workstation.desk.people_demo import PINS

            pins = PINS
            column.addWidget(
                label(
                    "DEMO home: anyone may use these accounts, and nothing here counts as real.", "", "wants", wrap=True
                )
            )
        self.rows = []
        for account in sorted(self._desk.accounts(), key=lambda a: (ROLES.index(a.role), a.name)):
            row = AccountRow(account, pins.get(account.account, ""))
            row.clicked.connect(lambda *_, a=account.account: self.choose(a))
            self.rows.append(row)
            column.addWidget(row)
        column.addSpacing(4)
        self.secret = secret_field("PIN or password")
        self.secret.returnPressed.connect(self._prove)
        self.secret.installEventFilter(self)
        entry = QHBoxLayout()
        entry.setSpacing(8)
        entry.addWidget(self.secret, 1)
        self.go = button("Sign in", "primary")
        self.go.setMinimumHeight(32)
        self.go.clicked.connect(self._prove)
        entry.addWidget(self.go)
        column.addLayout(entry)
        self.refusal = label("", "", "refused", wrap=True)
        column.addWidget(self.refusal)
        if self._may_go_back:
            back = button("Back", "link")
            back.clicked.connect(self._back)
            column.addWidget(back)
        self._put(page)
        if self.rows:
            wanted = choose or (self._desk.actor.account if self._desk.actor else "")
            self.choose(wanted or self.rows[0].account.account)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down go through the people while the PIN has the keys."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self.rows:
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
            if step is not None:
                chosen = next((k for k, row in enumerate(self.rows) if row.isChecked()), 0)
                self.choose(self.rows[(chosen + step) % len(self.rows)].account.account)
                return True
        return super().eventFilter(watched, event)

    def choose(self, account: str) -> None:
        """Mark one person; the PIN is next."""
        for row in self.rows:
            row.setChecked(row.account.account == account)
            row.disc.set_over(chosen=row.isChecked())
        self.secret.clear()
        self.secret.setFocus()

    def _focus(self) -> None:
        if self.rows and not self._desk.needs_first_account:
            self.secret.setFocus()

    def _prove(self) -> None:
        chosen = next((row.account.account for row in self.rows if row.isChecked()), "")
        secret = self.secret.text()
        self.secret.clear()
        try:
            self._desk.sign_in(chosen, secret)
        except RenderDeskError as refusal:
            self.refusal.setText(refusal.sentence)
            restate(self.refusal, state="refused")
            self.secret.setFocus()
            return
        self.hide()
        self.signed_in.emit()

    def _back(self) -> None:
        if self._may_go_back and self._desk.actor is not None:
            self.hide()
            self.went_back.emit()
