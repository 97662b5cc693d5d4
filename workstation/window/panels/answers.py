"""One question as a form: what is asked, the control for its answer, and where the answer is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import QDate
from PySide6.QtWidgets import QComboBox, QDateEdit, QLineEdit, QWidget

from billing.npi import good_npi
from workstation.case.model import Base, Order
from workstation.window.panels.order_form import YES_NO, line_edit
from workstation.window.panels.parts import CONTROL, Choice, Rows, Words, button, row, sentence_row
from workstation.window.panels.questions import SITES, TARGETS, Options, Question, general, index_of

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.filed_case import FiledCase
    from workstation.desk.session import Session
    from workstation.people.roles import Act

_CODE = re.compile(r"[0-9A-Z]{5}")
_ICD = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
SITE_FACTS = "site.facts"
"""Setting that holds what was answered once for the whole site, as facts by path."""
_IN_ORDER = {
    "order.three_d_ordered": "three_d_ordered",
    "order.ordering_npi": "ordering_npi",
    "order.order_id": "order_id",
    "order.urgent_exception_documented": "urgent_exception_documented",
    "laterality.order": "side",
    "dx": "dx",
    "dx[].code": "dx",
}


def act_of(path: str) -> Act | None:
    """The act that an answer is, where not everybody may answer: coding diagnoses, or entering the order."""
    name = general(path)
    if _IN_ORDER.get(name) == "dx":
        return "diagnoses"
    return "order" if name in _IN_ORDER or name.startswith(("base", "rendering.")) else None


def keep(session: Session | FiledCase, path: str, value: Any) -> None:
    """Write an answer where it belongs: into the order, the anatomy of the work, or the facts that were given.

    Raises
    ------
    RenderDeskError
        In one sentence; nothing was written.
    """
    name, place = general(path), index_of(path)
    order = session.case.order or Order(accession=session.case.accession)
    if name.startswith("rendering."):
        session.set_anatomy(*value)
    elif _IN_ORDER.get(name) == "dx":
        session.set_diagnoses(tuple((d["code"], d["label"] or "") for d in value))
    elif name in _IN_ORDER:
        session.set_order(msgspec.structs.replace(order, **{_IN_ORDER[name]: value}))
    elif name.startswith("base[].") and name[7:] in Base.__struct_fields__:
        bases = list(order.base) or [Base(modality=session.case.modality or None)]
        bases += [Base() for _ in range(place + 1 - len(bases))]
        bases[place] = msgspec.structs.replace(bases[place], **{name[7:]: value})
        session.set_order(msgspec.structs.replace(order, base=tuple(bases)))
    elif name.startswith("other_codes[]."):
        others = [dict(o) for o in session.case.given.get("other_codes", ())]
        others[place][name[14:]] = value
        session.give_facts({"other_codes": others})
    else:
        session.give_facts({path: value})


def site_facts(desk: Desk) -> dict[str, Any]:
    """What was answered once for this site, by path."""
    text = desk.setting(SITE_FACTS)
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def parse_codes(text: str) -> list[dict[str, str]] | None:
    """Procedure codes out of a line; None when one of them is no code; an empty line is no list yet."""
    words = [w for w in re.split(r"[\s,;]+", text.strip().upper()) if w]
    if not words or any(not _CODE.fullmatch(w) for w in words):
        return None
    return [{"code": w} for w in words]


def parse_diagnoses(text: str) -> list[dict[str, str | None]] | None:
    """Diagnoses, one a line or separated by semicolons: the code, then the office's own words."""
    found: list[dict[str, str | None]] = []
    for line in re.split(r"[\n;]+", text):
        head, _, label = line.strip().partition(" ")
        if not head:
            continue
        if not _ICD.fullmatch(head.upper()):
            return None
        found.append({"code": head.upper(), "label": label.strip() or None})
    return found or None


class AnswerForm(QWidget):
    """One open question.

    Parameters
    ----------
    path, ask : the missing fact, and the sentence of the rule that wants it
    question : how it is asked
    answered : called with the value
    against : what speaks against the answer that is given already
    why_not : the sentence of the role that may not answer this; the control is then missing
    """

    def __init__(
        self,
        path: str,
        ask: str,
        question: Question | None,
        answered: Callable[[Any], None],
        why_not: str = "",
        against: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.path, self._question, self._answered = path, question, answered
        self.setObjectName(f"field_{path}")
        rows = Rows(4)
        line = row(rows)
        line.setStretch(0, 1)
        self.setLayout(line)
        self.against = against
        quiet = against or (question.quiet if question else "")
        parts: list[QWidget] = [sentence_row("wants", question.ask if question else ask, quiet)]
        self.word = Words("", "quiet")
        self.word.hide()
        self.control: QWidget | None = None
        if question is not None and why_not:
            parts.append(Words(why_not, "quiet"))
        elif question is not None:
            parts += self._controls(question)
        parts.append(self.word)
        rows.fill(parts)
        self.word.hide()

    def _controls(self, question: Question) -> list[QWidget]:
        kind = question.kind
        if kind == "yes_no" or (kind == "choice" and len(question.options) <= 3 and _short(question)):
            options = YES_NO if kind == "yes_no" else question.options
            choice = Choice(options, self._answered)
            self.control = choice
            self.setFocusProxy(choice.button(options[0][0]))
            return [choice]
        if kind == "choice":
            return self._combo(question)
        if kind == "date":
            return self._date()
        if kind == "anatomy":
            return self._anatomy()
        return self._line(question)

    def _combo(self, question: Question) -> list[QWidget]:
        combo = _combo("Choose ...", question.options)
        self.control = combo
        self.setFocusProxy(combo)
        ok = button("Answer", lambda: self._answered(combo.currentData()))
        ok.setEnabled(False)
        combo.currentIndexChanged.connect(lambda place: ok.setEnabled(place > 0))
        return [_beside(combo, ok)]

    def _anatomy(self) -> list[QWidget]:
        part, structure = _combo("Part of the body", SITES), _combo("Kind of structure", TARGETS)
        self.control = part
        self.setFocusProxy(part)
        ok = button("Answer", lambda: self._answered((part.currentData(), structure.currentData())))
        ok.setEnabled(False)
        for one in (part, structure):
            one.currentIndexChanged.connect(
                lambda _place: ok.setEnabled(part.currentIndex() > 0 and structure.currentIndex() > 0)
            )
        return [part, _beside(structure, ok)]

    def _date(self) -> list[QWidget]:
        edit = QDateEdit(QDate.currentDate())
        edit.setDisplayFormat("yyyy-MM-dd")
        edit.setMaximumDate(QDate.currentDate())
        edit.setMinimumHeight(CONTROL)
        self.control = edit
        self.setFocusProxy(edit)
        return [_beside(edit, button("Answer", lambda: self._answered(edit.date().toString("yyyy-MM-dd"))))]

    def _line(self, question: Question) -> list[QWidget]:
        hints = {
            "npi": "Ten digits",
            "codes": "71260, 74177 ...",
            "diagnoses": "I71.43 words of the office; ...",
            "text": "",
        }
        edit = line_edit(f"answer_{self.path}", hints.get(question.kind, ""))
        self.control = edit
        self.setFocusProxy(edit)
        ok = button("Answer", lambda: self._typed(edit, question))
        ok.setEnabled(False)
        edit.textChanged.connect(lambda text: ok.setEnabled(bool(text.strip())))
        edit.returnPressed.connect(lambda: self._typed(edit, question))
        parts: list[QWidget] = [_beside(edit, ok)]
        if question.kind == "codes":
            parts.append(button("There were none", lambda: self._answered([]), "link"))
        return parts

    def _typed(self, edit: QLineEdit, question: Question) -> None:
        text = edit.text().strip()
        if not text:
            return
        if question.kind == "npi":
            if not good_npi(text):
                self._say("This is no provider number: ten digits with a right check digit.", "refused")
                return
            self._answered(text)
        elif question.kind == "codes":
            codes = parse_codes(text)
            if codes is None:
                self._say("Codes have five characters, with commas between them.", "refused")
                return
            self._answered(codes)
        elif question.kind == "diagnoses":
            diagnoses = parse_diagnoses(text)
            if diagnoses is None:
                self._say("Write each code with its dot, like I71.43, then the words of the office.", "refused")
                return
            self._answered(diagnoses)
        else:
            self._answered(text.upper() if general(self.path) == "base[].code" else text)

    def _say(self, text: str, state: str) -> None:
        self.word.say(text, state)
        self.word.setVisible(bool(text))


def _combo(first: str, options: Options) -> QComboBox:
    made = QComboBox()
    made.setMinimumHeight(CONTROL)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(12)
    made.setAccessibleName(first)
    made.addItem(first, None)
    for value, words in options:
        made.addItem(words, value)
    return made


def _short(question: Question) -> bool:
    return sum(len(words) for _, words in question.options) <= 34


def _beside(control: QWidget, ok: QWidget) -> QWidget:
    made = QWidget()
    line = row(control, ok)
    line.setStretch(0, 1)
    made.setLayout(line)
    return made
