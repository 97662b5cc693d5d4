"""Whose images are whose: what waits for a decision, the two or more identities side by side, and what was decided."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from workstation.archive.reconcile import Act, differences
from workstation.desk.reconcile import told_difference, who_decides
from workstation.window import names, words
from workstation.window.panels.parts import Card, Words, sentence_row
from workstation.window.panels.secret import NoteDialog
from workstation.window.widgets import button, label, named

if TYPE_CHECKING:
    from workstation.archive.identity import Stated
    from workstation.archive.reconcile import Patient, Question
    from workstation.desk.desk import Desk
    from workstation.desk.reconcile import Decision
    from workstation.window.actions import Actions

_TITLES = {
    "mixed_patients": "One study, several patients",
    "identity_conflict": "One ID, different people",
    "identity_possible": "Perhaps one person under two IDs",
}
_MEANS = {
    "mixed_patients": "The study opens nothing until this is decided.",
    "identity_conflict": "They are kept apart: neither is the other's earlier study.",
    "identity_possible": "Name, birth date and sex agree. Until somebody decides they are kept apart.",
}
_ACTS = {
    "same": "one person",
    "apart": "different people",
    "link": "issuers linked",
    "split": "split",
    "move": "study moved",
    "correct": "identity corrected",
    "undo": "taken back",
}


_MOST = 40
"""Questions on one page."""


class IdentitiesView(QWidget):
    """Signal `changed()`: something was decided."""

    changed = Signal()

    def __init__(self, desk: Desk, actions: Actions) -> None:
        super().__init__()
        self._desk, self._actions = desk, actions
        self.dialog: NoteDialog | None = None
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = named(QWidget(), "Identities")
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(20, 20, 20, 20)
        self._column.setSpacing(12)
        area.setWidget(inner)
        outer.addWidget(area)
        self.cards: list[QuestionCard] = []

    def show_questions(self, questions: tuple[Question, ...]) -> None:
        """What waits, the most dangerous first; below it what was decided."""
        self.cards = []
        while self._column.count():
            item = self._column.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if self._desk.actor is None:
            return
        shown = questions[:_MOST]
        concerned = tuple(dict.fromkeys(key for q in shown for key in q.patients))
        patients = {p.key: p for p in self._desk.place.library.patients(concerned)}
        may = who_decides(self._desk.actor)
        self._column.addWidget(label("Identities", "heading"))
        if not questions:
            told = "Nothing waits for a decision: every ID names one person, and no two people look alike."
            self._column.addWidget(sentence_row("done", told))
        elif not may:
            self._column.addWidget(sentence_row("wants", self._desk.why_not("reconcile")))
        for question in shown:
            card = QuestionCard(question, patients, may, self._desk.place.library.study)
            card.wished.connect(self._ask)
            self.cards.append(card)
            self._column.addWidget(card)
        if len(questions) > len(shown):
            told = f"{len(questions) - len(shown):,} more come up as these are decided."
            self._column.addWidget(label(told, "quiet", wrap=True))
        decisions = self._desk.decisions()
        if decisions:
            card_ = Card("Decided and proposed")
            for one in decisions[:20]:
                card_.add(self._decision(one, may))
            self._column.addWidget(card_)
        self._column.addStretch(1)

    def _decision(self, one: Decision, may: str) -> QWidget:
        what = _ACTS[one.act.kind]
        known = {p.key: p.now for p in self._desk.place.library.patients(one.act.patients)}
        people = [
            f"{names.in_the_list(known[key].name)} ({known[key].id or 'no ID'})"
            if key in known
            else key.replace("\\", " ").strip()
            for key in one.act.patients
        ]
        named_ = "; ".join((*people, *one.act.issuers))
        state = "proposed" if one.proposed else "stands" if one.standing else "taken back"
        told = f"{what[0].upper()}{what[1:]}: {named_}" if named_ else f"{what[0].upper()}{what[1:]}"
        if one.act.kind == "undo":
            state = f"of line {one.act.undoes}"
        quiet = f"{one.at[:16].replace('T', ' ')} · {one.by} · {one.reason} · {state}"
        if one.derived:
            count = "1 picture or report" if len(one.derived) == 1 else f"{len(one.derived)} pictures and reports"
            quiet += f" · {count} made before should be issued again"
        after = None
        if one.proposed and may == "decide":
            after = button("Decide so ...")
            after.clicked.connect(partial(self._ask, one.act, "Decide as proposed", one.act.line))
        elif one.standing and may == "decide":
            after = button("Take back ...")
            after.clicked.connect(
                partial(self._ask, Act(kind="undo", undoes=one.act.line), "Take the decision back", 0)
            )
        return sentence_row("wants" if one.proposed else "", told, quiet, after)

    def _people(self, wish: Act) -> QWidget | None:
        """The identities that a decision is about, once more beside the question."""
        if wish.kind == "undo":
            wish = next((one.act for one in self._desk.decisions() if one.act.line == wish.undoes), wish)
        known = {p.key: p.now for p in self._desk.place.library.patients(wish.patients)}
        people = [known[key] for key in wish.patients if key in known]
        return _table(people) if people else None

    def _ask(self, wish: Act, title: str, proposal: int = 0) -> None:
        """The reason, and the PIN where it is due; then it is done or said why not."""
        propose = who_decides(self._desk.actor) == "propose"

        def act(reason: str, secret: str) -> None:
            done = self._desk.reconcile(wish, reason, secret, proposal=proposal)
            told = "Proposed; a radiologist or administrator decides." if done.proposed else "Decided."
            if done.derived:
                told += f" {len(done.derived)} pictures and reports made before should be issued again."
            self._actions.say(told, "done")

        self.dialog = NoteDialog(
            f"Propose: {title.lower()}" if propose else title,
            "The decision stands in the journal under your name, and can be taken back. The files stay as they are.",
            "Why: what you compared, whom you asked",
            act,
            secret=not propose and self._desk.must_ask_again("reconcile"),
            about=self._people(wish),
            parent=self,
        )
        self.dialog.finished.connect(self.changed)
        self.dialog.open()


class QuestionCard(Card):
    """One question. Signal `wished(Act, title)`."""

    wished = Signal(object, str)

    def __init__(self, question: Question, patients: dict[str, Patient], may: str, study: object) -> None:
        super().__init__(_TITLES[question.kind], "refused" if question.kind != "identity_possible" else "")
        self.question = question
        known = [patients[key] for key in question.patients if key in patients]
        unlike = told_difference(known[0].now, known[1].now) if len(known) == 2 else ""
        told = f"{unlike[0].upper()}{unlike[1:]}. " if unlike else ""
        self.add(Words(told + _MEANS[question.kind], "quiet"))
        self.add(_table([p.now for p in known]))
        self.acts = QHBoxLayout()
        self.acts.setSpacing(8)
        keys, uid = question.patients, question.study_uid
        apart = Act(kind="split", patients=keys, study_uid=uid) if uid else Act(kind="apart", patients=keys)
        title = "Different people: split the study" if uid else "Different people"
        self.same = self._button("One person ...", Act(kind="same", patients=keys, study_uid=uid), "One person")
        self.apart = self._button(f"{title} ...", apart, title)
        for one in (self.same, self.apart):
            one.setEnabled(bool(may))
            self.acts.addWidget(one)
        issuers = tuple(dict.fromkeys(p.stated.issuer.strip() for p in known))
        if question.kind == "identity_possible" and len(issuers) == 2 and all(issuers):
            ids = {p.stated.id.strip() for p in known}
            if len(ids) == 1:
                link = self._button(
                    f"Link {issuers[0]} and {issuers[1]} ...", Act(kind="link", issuers=issuers), "Link the issuers"
                )
                link.setEnabled(bool(may))
                self.acts.addWidget(link)
        self.acts.addStretch(1)
        self.add(self.acts)

    def _button(self, text: str, wish: Act, title: str) -> QWidget:
        made = button(text)
        made.clicked.connect(lambda: self.wished.emit(wish, title))
        return made


def _table(people: list[Stated]) -> QWidget:
    """The identities side by side; what differs stands out."""
    made = QWidget()
    grid = QGridLayout(made)
    grid.setContentsMargins(0, 4, 0, 4)
    grid.setHorizontalSpacing(24)
    grid.setVerticalSpacing(2)
    unlike = set(differences(people[0], people[1])) if len(people) == 2 else set()
    for place, title in enumerate(("Name", "patient ID", "issuer", "birth date", "sex")):
        head = title[0].upper() + title[1:]
        grid.addWidget(label(head if title != "patient ID" else "ID", "section"), 0, place)
    for line, who in enumerate(people, start=1):
        cells = (
            ("name", names.in_the_list(who.name)),
            ("patient ID", who.id or "none"),
            ("issuer", who.issuer or "not stated"),
            ("birth date", words.date(who.birth_date) or "not known"),
            ("sex", who.sex or "not known"),
        )
        for place, (field, text) in enumerate(cells):
            grid.addWidget(label(text, "strong" if place == 0 else "", "wants" if field in unlike else ""), line, place)
    grid.setColumnStretch(5, 1)
    return made
