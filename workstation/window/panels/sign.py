"""Signing: own account, PIN at that moment, and everything that is signed on screen for at least two seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from workstation.window.jobs import sentence_of
from workstation.window.panels.order_form import line_edit
from workstation.window.panels.parts import Rows, Words, alive, button, field_row, row, sentence_row
from workstation.window.panels.say import plain_name
from workstation.window.panels.secret import SecretField

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.report.checks import Check
    from workstation.window.actions import Actions

MIN_LOOK_S = 2.0
SIDES = {"right": "RIGHT", "left": "LEFT", "bilateral": "BOTH SIDES", "not_applicable": "no side"}


def may_be_waived(check: Check) -> bool:
    """A side that disagrees may be signed with a reason, except a measurement against the text (clinical rules 6.5)."""
    return check.severity == "block" and check.code.startswith("side") and check.code != "side_measurement"


class SignDialog(QDialog):
    """What is signed, by whom, for whom; closes only when it is signed or given up."""

    def __init__(self, desk: Desk, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._session, self._actions = desk, session, actions
        self._opened: float | None = None
        self._busy = False
        case = session.case
        self.setWindowTitle("Sign the report")
        self.setModal(True)
        self.resize(640, 720)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(12)
        column.addWidget(Words(plain_name(case.patient.name) or "Name not known", "name"))
        side = SIDES.get(case.text.side or "", "side not named")
        facts = [
            f"ID {case.patient.id}" if case.patient.id else "",
            f"born {case.patient.birth_date}" if case.patient.birth_date else "",
            f"accession {case.order.accession if case.order else case.accession}",
            side,
        ]
        self.about = Words(" · ".join(p for p in facts if p))
        column.addWidget(self.about)
        self.text = QPlainTextEdit(session.report_text())
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Full text of the report")
        column.addWidget(self.text, 1)
        self._checks = session.checks()
        self._waive = [c for c in self._checks if may_be_waived(c)]
        self._block = [c for c in self._checks if c.severity == "block" and c not in self._waive]
        rows = Rows(0)
        ordered = [*self._block, *self._waive, *(c for c in self._checks if c.severity != "block")]
        rows.fill([sentence_row("refused" if c.severity == "block" else "wants", c.sentence) for c in ordered])
        column.addWidget(rows)
        rows.setVisible(bool(ordered))
        self.reason = line_edit("override", "Why it is right nevertheless")
        self.reason.textChanged.connect(lambda _t: self._stand())
        reason_row = field_row("The sides do not agree. Sign only with a reason:", self.reason)
        column.addWidget(reason_row)
        reason_row.setVisible(bool(self._waive))
        actor = desk.actor
        name = actor.name if actor else "nobody"
        column.addWidget(
            Words(f"Signed by {name}, as the physician who stands for this text. It cannot be changed after.", "quiet")
        )
        self.secret = SecretField()
        self.secret.textChanged.connect(lambda _t: self._stand())
        column.addWidget(field_row("Your PIN or password", self.secret))
        self.word = Words("", "quiet")
        column.addWidget(self.word)
        self.cancel = button("Cancel", self.reject)
        self.confirm = button("Sign", self._sign, "primary")
        self.confirm.setDefault(True)
        column.addLayout(row(0, self.cancel, self.confirm))
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._wait)
        self._stand()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._opened is None:
            self._opened = time.monotonic()
            self._timer.start(100)
        self.secret.setFocus()

    def _wait(self) -> None:
        # asked again and again: a single timer of Qt's may come 5 % early, and then nothing would come after it
        if self.looked:
            self._timer.stop()
            self._stand()

    @property
    def looked(self) -> bool:
        """Whether the text has been on screen long enough."""
        return self._opened is not None and time.monotonic() - self._opened >= MIN_LOOK_S

    def _stand(self) -> None:
        reasoned = not self._waive or bool(self.reason.text().strip())
        may = self._desk.may("sign")
        ready = may and not self._block and reasoned and self.looked and bool(self.secret.text()) and not self._busy
        self.confirm.setEnabled(ready)
        self.cancel.setEnabled(not self._busy)
        if self._busy:
            self.word.say("Being signed ...", "")
        elif not may:
            self.word.say(self._desk.why_not("sign"), "")
        elif self._block:
            self.word.say("What is marked above has to be settled first.", "refused")
        elif self.word.property("state") != "refused" or self.secret.text():
            self.word.say("" if self.looked else "Please read the text.", "")

    def _sign(self) -> None:
        if not self.confirm.isEnabled():
            return
        secret, reason = self.secret.take(), self.reason.text().strip()
        self._busy = True
        self._stand()

        def work(_progress: Any, _stop: Any) -> object:
            return self._session.sign(secret, reason)

        def done(_signed: object) -> None:
            if alive(self):
                self._busy = False
                self.accept()

        def failed(error: BaseException) -> None:
            if alive(self):
                self._busy = False
                self._stand()
                self.word.say(sentence_of(error), "refused")
                self.secret.setFocus()

        self._actions.job("Signing the report", work, done, failed)

    def reject(self) -> None:
        """Give up; a signature under way is waited for."""
        if not self._busy:
            self.secret.clear()
            super().reject()
