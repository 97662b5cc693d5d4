"""*Charge*: what can be billed, what is still asked, and why, for the person who has to stand for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from workstation.base.errors import RenderDeskError
from workstation.window.panels.answers import AnswerForm, act_of, keep, site_facts
from workstation.window.panels.charge_facts import FactsCard
from workstation.window.panels.charge_standing import StandingCard
from workstation.window.panels.parts import (
    Card,
    Line,
    Panel,
    Rows,
    Rule,
    Sign,
    Words,
    button,
    restate,
    row,
    sentence_row,
)
from workstation.window.panels.questions import WAITS_FOR, answer_words, question_of
from workstation.window.panels.say import button_to
from workstation.window.panels.secret import NoteDialog, ask_secret
from workstation.window.panels.standing import audited, standing

if TYPE_CHECKING:
    from billing.charge import Charge
    from workstation.desk.charge_case import Decided
    from workstation.desk.desk import Desk
    from workstation.desk.fact_sources import FactSource
    from workstation.desk.filed_case import FiledCase
    from workstation.desk.session import Session
    from workstation.window.actions import Actions

_OTHER_CHARGE = frozenset({"R-LG-01", "R-LG-03", "R-LG-04", "R-LG-05"})
_STANDS = {
    "confirmed": ("Confirmed", "done"),
    "sent": ("Sent, no answer yet", ""),
    "acknowledged": ("Acknowledged by the receiver", "done"),
    "rejected": ("Refused by the receiver", "refused"),
}
_STATE = {"bill": "done", "hold": "wants", "reject": "refused"}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_TURN = ("load", "3d", "view", "film", "report", "charge")
FOOTNOTE = (
    "Codes are numbers of CPT, which is the American Medical Association's (AMA); its texts are not shown here. "
    "This is a proposal by rules: who confirms it stands for it."
)


def headline(answer: dict[str, Any], count: int) -> str:
    """The decision in a few words; `count` is how many things are missing."""
    if answer["decision"] == "bill":
        return "Ready to bill" if not count else "Billable, after one answer"
    if answer["decision"] == "hold":
        number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
        if not count:
            return "Held"
        return f"Held: {number} {'thing is' if count == 1 else 'things are'} missing"
    return "Nothing to bill for the 3D"


def asked(answer: dict[str, Any], anatomy: str | None) -> list[tuple[str, str]]:
    """Path and sentence of each question to put to a person, the steps of the case first.

    Facts that one place settles are one row; what the work itself will answer is not asked before it is done.
    The part of the body is asked even where no rule needs it: no charge is kept without it.
    """
    if answer["decision"] == "reject":
        return []
    missing = {str(q["field"]): str(q.get("ask", "")) for q in answer["questions"]}
    if not anatomy:
        missing.setdefault("rendering.anatomy", "")
    found: dict[str, tuple[str, str]] = {}
    steps: dict[str, tuple[str, str]] = {}
    for path, sentence in missing.items():
        if WAITS_FOR.get(path) in missing:
            continue
        question = question_of(path)
        if question is not None and question.kind == "place":
            steps.setdefault(question.where, (path, sentence))
        else:
            found.setdefault("anatomy" if question and question.kind == "anatomy" else path, (path, sentence))
    in_turn = sorted(steps, key=lambda where: _TURN.index(where.split(":", 1)[0]))
    return [*(steps[where] for where in in_turn), *found.values()]


def contradicted(answer: dict[str, Any], facts: dict[str, Any]) -> dict[str, str]:
    """What speaks against an answer that is given already, by the path that is asked again."""
    found: dict[str, str] = {}
    for question in answer["questions"]:
        path = str(question["field"])
        texts = [str(r["text"]) for r in answer["reasons"] if r["rule"] == question["rule"] and r["outcome"] == "hold"]
        if texts and _known(facts, path):
            found[path] = texts[0]
    return found


def _known(facts: Any, path: str) -> bool:
    spot = facts
    for part in path.replace("]", "").replace("[", ".").split("."):
        if isinstance(spot, list | tuple) and part.isdigit() and int(part) < len(spot):
            spot = spot[int(part)]
        elif isinstance(spot, dict):
            spot = spot.get(part)
        else:
            return False
    return spot is not None


class ChargePanel(Panel):
    """The sixth step."""

    changed = Signal()
    """Something was answered, confirmed or taken back here."""
    step = "charge"
    title = "Charge"

    def __init__(
        self, desk: Desk, session: Session | FiledCase, actions: Actions, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._desk, self._session, self._actions = desk, session, actions
        self._decided: Decided | None = None
        self._of: object = None
        self._known: tuple[Decided, str, str, tuple[FactSource, ...]] | None = None
        self._all = False
        self.decision = Card()
        self.words = Words("", "quiet")
        self.code = Words("", "code")
        self.modifiers = QLabel()
        self.modifiers.setTextFormat(Qt.TextFormat.PlainText)
        self.modifiers.setProperty("role", "badge")
        self.code.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.code.setWordWrap(False)
        line = row(self.code, self.modifiers, 0, spacing=12)
        line.setAlignment(self.modifiers, Qt.AlignmentFlag.AlignVCenter)
        self.decision.add(self.words)
        self.decision.add(line)
        self.amount = Words("", "quiet")
        self.decision.add(self.amount)
        self.payer = Words("", "quiet")
        self.decision.add(self.payer)
        self.add(self.decision)
        self.separate = Card("Another session")
        self._separate_rows = Rows(4)
        self.separate.add(self._separate_rows)
        self.add(self.separate)
        self.steps = Card("To do first")
        self._step_rows = Rows(0)
        self.steps.add(self._step_rows)
        self.add(self.steps)
        self.questions = Card("To answer")
        self._question_rows = Rows(12)
        self.questions.add(self._question_rows)
        self.add(self.questions)
        self.word = Words("", "quiet")
        self.add(self.word)
        self.confirm = button("Confirm", self._confirm, "primary")
        self.confirm.setObjectName("field_confirm")
        self.add(self.confirm)
        self.standing = StandingCard(desk, actions, self._undone)
        self.add(self.standing)
        self.message = Card("Message")
        self._message_rows = Rows(4)
        self.message.add(self._message_rows)
        self.add(self.message)
        self.why = Card("Why")
        self._why_rows = Rows(0)
        self.why.add(self._why_rows)
        self.more = button("For the auditor", self._more, "link")
        self.why.add(self.more)
        self.add(self.why)
        self.notes = Card("To know")
        self._note_rows = Rows(0)
        self.notes.add(self._note_rows)
        self.add(self.notes)
        self.facts = FactsCard()
        self.add(self.facts)
        self.given = Card("Answered here")
        self._given_rows = Rows(4)
        self.given.add(self._given_rows)
        self.add(self.given)
        self.add(Words(FOOTNOTE, "quiet"))
        self.finish()
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Decide anew where the case, the physician's part or the acting person has changed."""
        now = (self._session.case, self._session.supervision(), self._desk.actor)
        if self._decided is None or now != self._of:
            try:
                self._decided = self._session.decide()
                # deciding may leave its own mark in the case: what stands afterwards is what was decided
                self._of = (self._session.case, self._session.supervision(), self._desk.actor)
            except RenderDeskError as error:
                self._decided, self._of = None, None
                self._refused(error.sentence)
                return
        self._show(self._decided)

    def _refused(self, sentence: str) -> None:
        restate(self.decision, "refused")
        self.words.say(sentence)
        self.code.hide()
        self.modifiers.hide()
        for card in self._parts():
            card.hide()

    def _parts(self) -> tuple[QWidget, ...]:
        cards = (
            self.steps,
            self.questions,
            self.why,
            self.notes,
            self.given,
            self.message,
            self.facts,
            self.separate,
            self.standing,
        )
        return (*cards, self.confirm, self.amount, self.payer)

    def _show(self, decided: Decided) -> None:
        answer = decided.answer
        sent = self._session.message_path
        confirmed = bool(self._session.case.charge)
        wanted = [] if confirmed else asked(answer, self._session.case.anatomy)
        charge, task, sources = self._beside(decided)
        if charge is not None:
            # what was confirmed stays what is shown; what the case says now is told beside it
            answer = json.loads(charge.answer)
            decided = replace(decided, answer=answer, facts=json.loads(charge.facts))
            words, state = _STANDS.get(charge.state, (charge.state.capitalize(), ""))
            self.words.say(words)
            restate(self.decision, state)
        else:
            self.words.say("Confirmed" if confirmed else headline(answer, len(wanted)))
            restate(self.decision, "wants" if wanted else _STATE[answer["decision"]])
        self.code.say(str(answer["code"] or ("None" if answer["decision"] == "reject" else "No code yet")))
        self.code.show()
        self._show_modifiers(answer)
        estimate = answer.get("estimate")
        self.amount.say(str(estimate["text"]) if estimate else "")
        self.amount.setVisible(bool(estimate))
        self._show_payer(decided)
        self._show_separate(decided)
        self.facts.put(sources)
        self._show_steps(wanted)
        self._show_questions(wanted, {} if confirmed else contradicted(decided.answer, decided.facts))
        self._show_why(decided)
        self._show_notes(answer)
        self._show_given()
        self._show_confirm(answer, complete=not wanted)
        self.standing.put(self._session.case.charge, task)
        self._show_message(sent)

    def _beside(self, decided: Decided) -> tuple[Charge | None, str, tuple[FactSource, ...]]:
        """The charge that stands, what has to be done about it, and the facts' sources; read once for a decision."""
        own = self._session.case.charge
        charge = self._desk.charge(own) if own else None
        if self._known is None or self._known[0] is not decided or self._known[1] != own:
            task = self._desk.charge_task(own, self._session.case) if charge is not None else ""
            self._known = (decided, own, task, self._session.fact_sources(decided))
        return charge, self._known[2], self._known[3]

    def _show_payer(self, decided: Decided) -> None:
        """Which record of the payer counts, and how old it is."""
        payer, service = decided.facts.get("payer") or {}, decided.facts.get("service") or {}
        told = ""
        if payer.get("kind") and service.get("date") and not self._session.case.charge:
            page = self._desk.payer_page(payer["kind"], payer.get("plan"), date.fromisoformat(service["date"]))
            if page.checked_on is not None:
                own = any(not shipped for _, shipped in page.records)
                whose = "this site's records" if own else "the record that came with the program"
                told = f"{answer_words('payer.kind', payer['kind'])}: by {whose}, oldest checked {page.checked_on}."
        self.payer.say(told)
        self.payer.setVisible(bool(told))

    def _show_separate(self, decided: Decided) -> None:
        """The act "separate session" where another charge of the day stands in the way, and its counter-act."""
        number = self._session.session_number
        beside = {r["rule"] for r in decided.answer["reasons"] if r["outcome"] != "pass"} & _OTHER_CHARGE
        asked_of = not self._session.case.charge and number == 1 and bool(beside)
        self.separate.setVisible(asked_of or number > 1)
        if self._separate_rows.stands((asked_of, number)):
            return
        if number > 1:
            told = f"This series was recorded as acquisition session {number} of the day: a service of its own."
            act = button("Take this back ...", self.rejoin_session, "link")
        else:
            told = "Another 3D charge of this patient stands on this day. Was this series a session of its own?"
            act = button("This was a separate session ...", self.separate_session)
        act.setObjectName("field_separate_session")
        self._separate_rows.fill([Words(told), act] if number > 1 or asked_of else [])

    def separate_session(self) -> None:
        """Record that the series was acquired in a session of its own, with the reason."""
        self._said_why(
            "A separate session",
            "The series was acquired apart from what is charged already. It stands in the journal in your name.",
            "When and why the patient was scanned again, as the record shows it",
            lambda reason, _secret: self._session.separate_session(reason),
        )

    def rejoin_session(self) -> None:
        """Take the act back, with the reason."""
        self._said_why(
            "No separate session",
            "The series belongs to the first session again.",
            "Why the record was wrong",
            lambda reason, _secret: self._session.rejoin_session(reason),
        )

    def _said_why(self, title: str, sentence: str, hint: str, act: Callable[[str, str], object]) -> None:
        dialog = NoteDialog(title, sentence, hint, act, parent=self.window())
        dialog.exec()
        dialog.deleteLater()
        self._decided = None
        self.refresh()
        self.changed.emit()

    def read_again(self) -> None:
        """Read the case anew and decide it anew; what is being typed stays."""
        self._session.read_again()
        self._decided = None
        self.refresh()

    def _undone(self) -> None:
        """A charge was taken back, replaced or sent again: the case names another one, or none."""
        self.read_again()
        self.changed.emit()

    def _show_modifiers(self, answer: dict[str, Any]) -> None:
        if answer["decision"] == "bill":
            words = " ".join(str(m) for m in answer["modifiers"]) or "no modifier"
        elif answer["decision"] == "hold" and answer["code"]:
            words = "modifiers after the answers"
        else:
            words = ""
        self.modifiers.setText(words)
        self.modifiers.setVisible(bool(words))

    def _show_steps(self, wanted: list[tuple[str, str]]) -> None:
        steps = [(path, q) for path, _ in wanted if (q := question_of(path)) is not None and q.kind == "place"]
        self.steps.setVisible(bool(steps))
        if self._step_rows.stands([path for path, _ in steps]):
            return
        parts = []
        for path, question in steps:
            lead = button(button_to(question.where), partial(self.go_to.emit, question.where), "link")
            lead.setObjectName(f"field_{path}")
            parts.append(sentence_row("wants", question.ask, question.quiet, lead))
        self._step_rows.fill(parts)

    def _show_questions(self, wanted: list[tuple[str, str]], against: dict[str, str]) -> None:
        wanted = [(p, ask) for p, ask in wanted if (q := question_of(p)) is None or q.kind != "place"]
        there = [(f.path, f.against) for f in self._question_rows.findChildren(AnswerForm)]
        if wanted and there == [(path, against.get(path, "")) for path, _ in wanted]:
            return  # what is being typed stays
        parts: list[QWidget] = []
        for path, ask in wanted:
            question = question_of(path)
            if parts:
                parts.append(Rule())
            act = act_of(path)
            why_not = self._desk.why_not(act) if act is not None else ""
            parts.append(
                AnswerForm(
                    path,
                    ask,
                    question,
                    partial(self._answer, path),
                    why_not,
                    against.get(path, ""),
                )
            )
        self._question_rows.fill(parts)
        self.questions.setVisible(bool(parts))

    def _answer(self, path: str, value: Any) -> None:
        if path == "distinct.session" and value == "separate":
            # a service of its own needs the recorded act: its reason stands in the journal, its number in the charge
            self.separate_session()
            return
        try:
            keep(self._session, path, value)
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
        self.refresh()
        self.changed.emit()

    def _show_why(self, decided: Decided) -> None:
        told = audited(decided.answer, decided.proof) if self._all else standing(decided.answer, decided.proof)
        if not self._why_rows.stands((told, self._all)):
            parts: list[QWidget] = []
            for place, one in enumerate(told):
                if place:
                    parts.append(Rule())
                line = sentence_row(one.state, one.text, one.source if self._all else "")
                line.setToolTip(one.source)
                parts.append(line)
            self._why_rows.fill(parts)
        held = decided.answer["decision"] == "hold"
        self.why.retitle("What stands" if held else "Why")
        self.why.setVisible(bool(decided.answer["reasons"]))
        count = len(decided.answer["reasons"])
        self.more.setText("The short form" if self._all else f"For the auditor: all {count} rules")

    def _more(self) -> None:
        self._all = not self._all
        self.refresh()

    def _show_notes(self, answer: dict[str, Any]) -> None:
        nameless = not self._session.case.patient.name and answer["decision"] != "reject"
        self.notes.setVisible(bool(nameless or answer["warnings"] or answer["alternatives"]))
        if self._note_rows.stands((nameless, answer["warnings"], answer["alternatives"])):
            return
        parts = [sentence_row("wants", str(w["text"])) for w in answer["warnings"]]
        if nameless:
            sentence = "The images carry no patient's name; the message to billing cannot be written without one."
            parts.insert(0, sentence_row("wants", sentence))
        for other in answer["alternatives"]:
            code = other.get("code")
            parts.append(sentence_row("", f"Consider {code}" if code else "Consider", str(other.get("why", ""))))
        self._note_rows.fill(parts)

    def _show_given(self) -> None:
        known = {**site_facts(self._desk), **self._session.case.given}
        told = [(p, v, q) for p, v in sorted(known.items()) if v is not None and (q := question_of(p)) is not None]
        told = [(p, v, q) for p, v, q in told if q.kind != "place"]
        self.given.setVisible(bool(told))
        if self._given_rows.stands(told):
            return
        parts: list[QWidget] = []
        for path, value, question in told:
            text = Words(answer_words(path, value)[:1].upper() + answer_words(path, value)[1:])
            change = button("Change", partial(self._answer, path, None), "link", "Ask this again")
            holder = QWidget()
            line = row(text, change)
            line.setStretch(0, 1)
            holder.setLayout(line)
            parts += [Line(question.ask, "quiet"), holder]
        self._given_rows.fill(parts)

    def _show_confirm(self, answer: dict[str, Any], *, complete: bool) -> None:
        may = self._desk.may("confirm_charge")
        code = " ".join([str(answer["code"] or ""), *(str(m) for m in answer["modifiers"])]).strip()
        self.confirm.setText(f"Confirm {code}".strip())
        self.confirm.setVisible(not self._session.case.charge and answer["decision"] != "reject")
        self.confirm.setEnabled(may and complete and answer["decision"] == "bill")
        if not self._session.case.charge and answer["decision"] == "bill" and not may:
            self.word.say(self._desk.why_not("confirm_charge"), "")
            self.word.show()
        elif not self.word.property("state"):
            self.word.hide()

    def _show_message(self, sent: Any) -> None:
        """The file of the message, as long as it lies there; what was sent or fetched is in the charge's history."""
        self.message.setVisible(sent is not None)
        if sent is None or self._message_rows.stands(sent):
            return
        text = Words("The message lies in the folder until the billing system fetches it.")
        show = button("Show the folder", lambda: self._open(sent), "link")
        holder = QWidget()
        line = row(Sign("done"), text)
        line.setStretch(1, 1)
        holder.setLayout(line)
        self._message_rows.fill([holder, Line(str(sent.name), "mono"), show])

    def _open(self, path: Any) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))

    def _confirm(self) -> None:
        if self._decided is None:
            return
        secret = ""
        if self._desk.must_ask_again("confirm_charge"):
            code = " ".join([str(self._decided.answer["code"]), *map(str, self._decided.answer["modifiers"])])
            asked = ask_secret(
                self.window(), f"Confirm {code}", "The charge is confirmed in your name and sent to billing."
            )
            if asked is None:
                return
            secret = asked
        try:
            read = self._decided.answer
            self._session.confirm_charge(secret, (str(read["code"]), *map(str, read["modifiers"])))
        except RenderDeskError as error:
            # what stands here may be why: it is decided anew, so that the person reads what would be confirmed now
            self._decided = None
            self.refresh()
            self.word.say(error.sentence, "refused")
            self.word.show()
            return
        self._decided = None
        self.word.say("", "")
        self._actions.say("The charge is confirmed.", "done")
        self.refresh()
        self.changed.emit()
