"""The physician's part in the 3D work: what the program has witnessed, what was stated, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QDialog, QVBoxLayout, QWidget

from workstation.base.errors import RenderDeskError
from workstation.case.supervision import ACTS, ActState
from workstation.window.panels.order_form import text_edit
from workstation.window.panels.parts import (
    Card,
    Choice,
    Rows,
    Words,
    button,
    field_row,
    row,
    sentence_row,
)
from workstation.window.panels.say import clock_time

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session

_TITLES = {
    "region": "Chose where to look",
    "tissues": "Chose what to show",
    "pictures": "Chose which pictures to keep",
    "steering": "Watched and corrected the 3D",
}
_HOW = {
    "region": "Set a crop box, or confirm the region that is drawn.",
    "tissues": "Choose a look or a threshold, or confirm what is shown.",
    "pictures": "Look at each draft, then release or discard it.",
    "steering": "Turn, cut or adjust the 3D view yourself for about half a minute.",
}
STATEMENTS = {
    "region": "I chose the region that was rendered.",
    "tissues": "I chose the tissues that are shown.",
    "pictures": "I chose the pictures that are kept.",
    "steering": "I watched and corrected the rendering.",
}


def act_words(name: str, act: ActState) -> tuple[str, str, str]:
    """State of the sign, sentence and quiet words of one act."""
    at = clock_time(act.at)
    by = " · ".join(p for p in (act.by, at) if p)
    if act.kind == "witnessed":
        return "done", _TITLES[name], f"Witnessed by the program · {by}"
    if act.kind == "attested":
        return "done", _TITLES[name], f"Stated afterwards, not witnessed · {by}"
    if act.kind == "denied":
        return "refused", _TITLES[name], f"The physician says that this was not done · {by}"
    return "wants", _TITLES[name], f"Not seen yet. {_HOW[name]}"


class ActsCard(Card):
    """The four acts, honestly: witnessed, stated, denied or not yet seen."""

    def __init__(self, desk: Desk, session: Session, *, can_state: bool = False, parent: QWidget | None = None) -> None:
        super().__init__("The physician's part", parent=parent)
        self._desk, self._session = desk, session
        self.setObjectName("field_supervision")
        self._rows = Rows(0)
        self.add(self._rows)
        self._when = Words("", "quiet")
        self.add(self._when)
        self.state: QWidget | None = None
        if can_state:
            self.state = button("State what was not witnessed ...", self._state, "link")
            self.state.setObjectName("field_attest")
            self.add(self.state)
        self.refresh()

    def refresh(self) -> None:
        """Read the journal again."""
        seen = self._session.supervision()
        told = [act_words(name, seen.acts[name]) for name in ACTS]
        if not self._rows.stands(told):
            self._rows.fill(sentence_row(*one) for one in told)
        if seen.concurrent is True:
            self._when.say("While the 3D was being made.", "done")
        elif seen.concurrent is False:
            self._when.say("Only after the 3D was finished.", "refused")
        else:
            self._when.say("Whether it was while the 3D was being made is not known yet.", "")
        if self.state is not None:
            self.state.setEnabled(self._desk.may("supervise"))
            self.state.setToolTip(self._desk.why_not("supervise"))

    def _state(self) -> None:
        dialog = StatementDialog(self._session, self.window())
        dialog.exec()
        dialog.deleteLater()
        self.refresh()


class StatementDialog(QDialog):
    """The physician's own statement on acts that the program has not witnessed; nothing is ticked beforehand."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("Statement on the 3D work")
        self.setModal(True)
        self.setMinimumWidth(440)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.setSpacing(12)
        actor = session.actor
        column.addWidget(Words("Statement on the 3D work", "heading"))
        who = actor.name if actor else "nobody"
        column.addWidget(
            Words(f"Made in the name of {who}, kept with the time, and told apart from what the program saw.", "quiet")
        )
        seen = session.supervision()
        self.boxes: dict[str, QCheckBox] = {}
        for name in ACTS:
            if seen.acts[name].kind == "witnessed":
                column.addWidget(sentence_row(*act_words(name, seen.acts[name])))
                continue
            box = QCheckBox(STATEMENTS[name])
            self.boxes[name] = box
            box.toggled.connect(self._stand)
            column.addWidget(box)
        self.when = Choice(((True, "While it was made"), (False, "Afterwards")), self._stand)
        column.addWidget(field_row("When did you take part?", self.when))
        self.text = text_edit("statement", "In your own words, if you wish", 2)
        column.addWidget(self.text)
        self.word = Words("", state="refused")
        self.word.hide()
        column.addWidget(self.word)
        self.confirm = button("State this", self._confirm, "primary")
        column.addLayout(row(0, button("Cancel", self.reject), self.confirm))
        self._stand()

    def _stand(self, _value: object = None) -> None:
        said = any(b.isChecked() for b in self.boxes.values())
        self.confirm.setEnabled((said or not self.boxes) and self.when.value is not None)

    def _confirm(self) -> None:
        # an unticked line says nothing; only a tick is a statement
        acts = {name: True for name, box in self.boxes.items() if box.isChecked()}
        spoken = " ".join(STATEMENTS[name] for name in acts)
        text = self.text.toPlainText().strip() or spoken
        concurrent = self.when.value
        try:
            self._session.attest(acts, bool(concurrent), text)
        except RenderDeskError as error:
            self.word.say(error.sentence)
            self.word.show()
            return
        self.accept()
