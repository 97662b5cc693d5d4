"""A confirmed charge: where it stands, what became of it, and the acts that are left, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from workstation.base.errors import RenderDeskError
from workstation.window.panels.order_form import line_edit, text_edit
from workstation.window.panels.parts import Card, Rows, Rule, Words, button, field_row, restate, row, sentence_row
from workstation.window.panels.secret import SecretField

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.window.actions import Actions

_ACTS = {
    "confirm": "Confirmed",
    "send": "Sent",
    "acknowledge": "Acknowledged by the receiver",
    "refuse": "Refused by the receiver",
    "resend": "Sent again",
    "replace": "Replaced",
    "void": "Voided",
}
_STATES = {"acknowledge": "done", "refuse": "refused", "void": "refused", "confirm": "done"}


def moment_words(at: str) -> str:
    """Day and minute of an act, UTC."""
    return f"{at[:10]} {at[11:16]}"


class StandingCard(Card):
    """The charge that stands for the case in hand."""

    def __init__(
        self, desk: Desk, actions: Actions, changed: Callable[[], None], parent: QWidget | None = None
    ) -> None:
        super().__init__("This charge", parent=parent)
        self._desk, self._actions, self._changed = desk, actions, changed
        self._charge_id = ""
        self._rows = Rows(0)
        self.add(self._rows)
        self.resend = button("Send again ...", self._resend, tip="Unchanged, after an error of transport")
        self.replace = button("Replace ...", self._replace, tip="Put what the case says now in its place")
        self.void = button("Void ...", self._void, "danger", "Take the charge back")
        self.resend.setObjectName("field_resend")
        self.replace.setObjectName("field_replace")
        self.void.setObjectName("field_void")
        self.uphold = button("Let it stand ...", self._uphold, tip="Its study was deleted, and the charge is right")
        self.uphold.setObjectName("field_uphold")
        self.uphold.hide()
        line = row(self.resend, self.replace, self.uphold, self.void, 0)
        self.add(line)

    def put(self, charge_id: str, task: str = "", *, deleted: bool = False) -> None:
        """Show a charge, and what has to be done about it; none with "".

        Parameters
        ----------
        deleted : its study was deleted: it cannot be replaced, and the biller may let it stand
        """
        self._charge_id = charge_id
        self.setVisible(bool(charge_id))
        if not charge_id:
            return
        try:
            told = self._desk.charge_history(charge_id)
        except RenderDeskError as error:
            self._rows.fill([sentence_row("refused", error.sentence)])
            return
        state = told[-1].after
        restate(self, "wants" if task else {"acknowledged": "done", "rejected": "refused"}.get(state, ""))
        may = self._desk.may("confirm_charge")
        for act, part in (("resend", self.resend), ("replace", self.replace), ("void", self.void)):
            part.setVisible(act in _possible(state) and not (deleted and act == "replace"))
            part.setEnabled(may)
            if not may:
                part.setToolTip(self._desk.why_not("confirm_charge"))
        self.uphold.setVisible(deleted)
        self.uphold.setEnabled(may)
        if self._rows.stands((charge_id, told, task)):
            return
        parts: list[QWidget] = [Words(f"Charge {charge_id}", "mono")]
        if task:
            parts.append(sentence_row("wants", task))
        for place, one in enumerate(told):
            if place or task:
                parts.append(Rule())
            who = "" if one.role == "system" else f" · {one.who}"
            quiet = f"{moment_words(one.at)} UTC{who}" + (f" · {one.reason}" if one.reason else "")
            parts.append(sentence_row(_STATES.get(one.act, ""), _ACTS.get(one.act, one.act), quiet))
        self._rows.fill(parts)

    def _resend(self) -> None:
        self._ask(
            "Send again",
            "The same charge goes out unchanged. Use it when the receiver lost it or could not read it.",
            "What the receiver said, and what was mended there",
            lambda reason, _again, secret: self._desk.resend_charge(self._charge_id, reason=reason, secret=secret),
            "The charge waits to be sent again.",
        )

    def _replace(self) -> None:
        self._ask(
            "Replace the charge",
            "The case is decided again, and what it says now takes the place of this charge. Its receiver gets a "
            "credit first, where it had the charge.",
            "What was wrong, and what was corrected",
            lambda reason, _again, secret: self._desk.replace_charge(self._charge_id, reason=reason, secret=secret),
            "The charge is replaced.",
        )

    def _uphold(self) -> None:
        self._ask(
            "Let the charge stand",
            "Its study was deleted here. The charge stays as it is, and nothing more is asked about it.",
            "Why the charge stays right",
            lambda reason, _again, secret: self._desk.uphold_charge(self._charge_id, reason=reason, secret=secret),
            "The charge stands.",
        )

    def _void(self) -> None:
        self._ask(
            "Void the charge",
            "The charge is taken back; its receiver gets a credit, where it had the charge. Nothing is deleted.",
            "Why the charge must not stand",
            lambda reason, again, secret: self._desk.void_charge(
                self._charge_id, again=again, reason=reason, secret=secret
            ),
            "The charge is void.",
            again=True,
        )

    def _ask(
        self,
        title: str,
        sentence: str,
        hint: str,
        act: Callable[[str, str, str], object],
        done: str,
        *,
        again: bool = False,
    ) -> None:
        due = self._desk.must_ask_again("confirm_charge")
        dialog = UndoDialog(
            title, sentence, hint, act, self._charge_id if again else "", secret=due, parent=self.window()
        )
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self._actions.say(done, "done")
            self._changed()
        dialog.deleteLater()


def _possible(state: str) -> tuple[str, ...]:
    from billing.charge import TRANSITIONS

    return tuple(act for act in ("resend", "replace", "void") if (state, act) in TRANSITIONS)


class UndoDialog(QDialog):
    """A reason in words, the charge's id a second time where the act takes it back, and the PIN where it is due."""

    def __init__(
        self,
        title: str,
        sentence: str,
        hint: str,
        act: Callable[[str, str, str], object],
        charge_id: str,
        *,
        secret: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._act, self._charge_id, self._secret = act, charge_id, secret
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(460)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.setSpacing(12)
        column.addWidget(Words(title, "heading"))
        column.addWidget(Words(sentence, "quiet"))
        self.note = text_edit("reason", hint, 3)
        column.addWidget(field_row("Reason", self.note))
        self.again: QLineEdit = line_edit("again", charge_id)
        asked = field_row(f"Type the charge's id again: {charge_id}", self.again)
        asked.setVisible(bool(charge_id))
        column.addWidget(asked)
        self.field = SecretField()
        proof = field_row("Your PIN or password", self.field)
        proof.setVisible(secret)
        column.addWidget(proof)
        self.word = Words("", state="refused")
        self.word.hide()
        column.addWidget(self.word)
        self.confirm = button(title, self._do, "danger" if charge_id else "primary")
        column.addLayout(row(0, button("Cancel", self.reject), self.confirm))
        self.note.textChanged.connect(self._stand)
        self.again.textChanged.connect(lambda _t: self._stand())
        self.field.textChanged.connect(lambda _t: self._stand())
        self._stand()
        self.note.setFocus()

    def _stand(self) -> None:
        said = bool(self.note.toPlainText().strip())
        same = not self._charge_id or self.again.text().strip().upper() == self._charge_id
        self.confirm.setEnabled(said and same and (not self._secret or bool(self.field.text())))

    def _do(self) -> None:
        try:
            self._act(self.note.toPlainText().strip(), self.again.text().strip(), self.field.take())
        except RenderDeskError as error:
            self.word.say(error.sentence)
            self.word.show()
            return
        self.accept()
