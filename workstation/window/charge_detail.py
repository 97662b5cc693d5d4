"""The line in hand of the worklist: the charge panel on the filed case, without its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from workstation.base.errors import RenderDeskError
from workstation.window.models.charges import patient_of, state_of
from workstation.window.panels.charge import ChargePanel
from workstation.window.panels.charge_standing import StandingCard
from workstation.window.panels.parts import Line, Words, button, row

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.worklist import ChargeLine
    from workstation.window.actions import Actions


def _one(line: ChargeLine) -> tuple[str, int]:
    """What makes two lines the same case: then the panel stays, with what is typed in it."""
    return line.study_uid, line.session


class ChargeDetail(QWidget):
    """Whose case it is, and below it everything that the charge panel shows and asks."""

    changed = Signal()
    open_case = Signal(str)
    open_at = Signal(str, str)

    def __init__(self, desk: Desk, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("LibraryDetail")
        self._desk, self._actions = desk, actions
        self._line: ChargeLine | None = None
        self._in_hand: ChargeLine | None = None
        self.panel: ChargePanel | None = None
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 12, 0, 0)
        self.column.setSpacing(0)
        self.who = Line("", "strong")
        self.what = Line("", "quiet")
        self.open = button("Open the case", self._open, tip="With its pictures  [Enter]")
        head = QVBoxLayout()
        head.setContentsMargins(16, 0, 16, 0)
        head.setSpacing(2)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.who)
        words.addWidget(self.what)
        line = row(self.open)
        line.insertLayout(0, words, 1)
        head.addLayout(line)
        self.word = Words("", state="refused")
        head.addWidget(self.word)
        self.column.addLayout(head)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.column.addWidget(self.area, 1)
        self.setMinimumWidth(340)

    def leave(self, line: ChargeLine | None) -> None:
        """Take away what belongs to another line at once; what belongs to this one is decided in a moment."""
        self._in_hand = line
        if line != self._line:
            self.area.hide()
            self.who.say(patient_of(line) if line is not None else "")
            self.what.say("")

    def put(self, line: ChargeLine | None) -> None:
        """Show another line; the same one, unchanged, stays with what is typed in it."""
        self._in_hand = line
        self.area.setVisible(line is not None)
        if line is not None and self._line is not None and self.panel is not None and _one(line) == _one(self._line):
            self._line = line
            self._head(line)
            self.panel.read_again()
            return
        self._line = line
        shown = self.area.takeWidget()
        if shown is not None:
            shown.hide()
            shown.deleteLater()
        self.panel = None
        for part in (self.who, self.what, self.open):
            part.setVisible(line is not None)
        self.word.hide()
        if line is None:
            return
        self._head(line)
        try:
            case = self._desk.filed(line.study_uid, line.session)
        except RenderDeskError as error:
            if "uphold" in line.acts:
                self._deleted(line)
                return
            self.word.say(error.sentence)
            self.word.show()
            return
        self.panel = ChargePanel(self._desk, case, self._actions)
        self.panel.changed.connect(self.changed)
        self.panel.go_to.connect(self._lead)
        self.area.setWidget(self.panel)

    def _deleted(self, line: ChargeLine) -> None:
        """A charge whose study is here no longer: what became of it, and what its biller may answer."""
        self.open.hide()
        if not line.patient_name:
            self.who.say(f"Patient {line.patient_id}")
        card = StandingCard(self._desk, self._actions, self.changed.emit)
        card.put(line.charge_id, line.task, deleted=True)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 12, 16, 12)
        column.addWidget(card)
        column.addStretch(1)
        self.area.setWidget(page)

    def _head(self, line: ChargeLine | None) -> None:
        if line is not None:
            self.who.say(patient_of(line))
            told = (line.date or "", line.accession, state_of(line)[0])
            self.what.say(" · ".join(part for part in told if part))

    def _lead(self, where: str) -> None:
        if self._in_hand is not None:
            self.open_at.emit(self._in_hand.study_uid, where)

    def _open(self) -> None:
        if self._in_hand is not None:
            self.open_case.emit(self._in_hand.study_uid)
