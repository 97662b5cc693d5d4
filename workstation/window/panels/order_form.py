"""The order as a form: what the requisition says, typed once, with where each value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QPushButton, QWidget

from billing.npi import good_npi
from workstation.base.errors import RenderDeskError
from workstation.case.model import Base, Order
from workstation.window.panels.parts import CONTROL, Card, Choice, Rows, Rule, Words, button, field_row, row, section

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session

SIDES: tuple[tuple[str | None, str], ...] = (
    (None, "Not known"),
    ("right", "Right"),
    ("left", "Left"),
    ("bilateral", "Both sides"),
    ("not_applicable", "No side"),
)
YES_NO: tuple[tuple[object, str], ...] = ((True, "Yes"), (False, "No"))
_SOURCES = {
    "typed": "Typed here.",
    "tags": "From the images of this study.",
    "worklist": "From the worklist.",
    "order.json": "From the order file beside the images.",
}
_MODALITIES = ("CT", "MR", "US", "TOMO", "XA", "NM", "PT", "XR", "MG", "OT")


def line_edit(name: str, hint: str = "") -> QLineEdit:
    """A one-line field that `focus_field` finds."""
    made = QLineEdit()
    made.setObjectName(f"field_{name}")
    made.setPlaceholderText(hint)
    made.setMinimumHeight(CONTROL)
    return made


def text_edit(name: str, hint: str = "", lines: int = 2) -> QPlainTextEdit:
    """A field for some lines of plain text."""
    made = QPlainTextEdit()
    made.setObjectName(f"field_{name}")
    made.setPlaceholderText(hint)
    made.setTabChangesFocus(True)
    made.setFixedHeight(12 + lines * 20)
    return made


# what was typed and not saved, while another step's panel is in the place of this one
_UNSAVED: WeakKeyDictionary[Session, Order] = WeakKeyDictionary()


class BaseRow(QWidget):
    """One examination of the order: its procedure code, and what the code alone does not say."""

    changed = Signal()

    def __init__(self, base: Base, several: bool, remove: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = base
        rows = Rows()
        self.code = line_edit("base", "Procedure code")
        self.code.setText(base.code or "")
        self.code.setMaxLength(5)
        self.modality = QComboBox()
        self.modality.setMinimumHeight(CONTROL)
        self.modality.addItem("Kind", None)
        for word in _MODALITIES:
            self.modality.addItem(word, word)
        self.modality.setCurrentIndex(max(self.modality.findData(base.modality), 0))
        self.performed = Choice((("same", "Here"), ("other", "Elsewhere")), self._touched, clearable=True)
        self.performed.choose(base.performed_by)
        self.angio = Choice(YES_NO, self._touched, clearable=True)
        self.angio.choose(base.angiographic)
        self.source = Choice(YES_NO, self._touched, clearable=True)
        self.source.choose(base.source)
        parts: list[QWidget] = [
            _pair(field_row("Procedure code", self.code), field_row("Examination", self.modality)),
            field_row("Where was it done?", self.performed),
            field_row("Acquired as an angiogram?", self.angio),
        ]
        if several:
            parts.append(field_row("Is the 3D made from this one?", self.source))
            parts.append(_end(button("Remove this examination", lambda: remove(self), "link")))
        rows.fill(parts)
        line = row(rows)
        self.setLayout(line)
        self.code.textEdited.connect(lambda _t: self.changed.emit())
        self.modality.activated.connect(lambda _i: self.changed.emit())

    def _touched(self, _value: object) -> None:
        self.changed.emit()

    def base(self) -> Base:
        """The examination as the form has it."""
        return msgspec.structs.replace(
            self._base,
            code=self.code.text().strip() or None,
            modality=self.modality.currentData(),
            performed_by=self.performed.value,
            angiographic=self.angio.value,
            source=self.source.value,
        )


def _pair(left: QWidget, right: QWidget) -> QWidget:
    made = QWidget()
    line = row(left, right)
    line.setStretch(0, 1)
    line.setStretch(1, 1)
    made.setLayout(line)
    return made


def _end(part: QWidget) -> QWidget:
    made = QWidget()
    made.setLayout(row(0, part))
    return made


class OrderForm(Card):
    """The order form of *Load*; nothing is written before *Save order*."""

    def __init__(self, desk: Desk, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Order", parent=parent)
        self._desk, self._session = desk, session
        self._shown: Order | None = None
        self._dirty = False
        self.origin = Words("", "quiet")
        self.accession = line_edit("accession")
        self.order_id = line_edit("order_id")
        self.visit = line_edit("visit_number")
        self.ordered = Choice(YES_NO, self._touched, clearable=True)
        self.ordered.setObjectName("field_order")
        self.ordered.setFocusProxy(self.ordered.button(True))
        self.reason = text_edit("reason", "Why the 3D is wanted, in the words of the order")
        self.indication = text_edit("indication", "Signs, symptoms, history")
        self.provider = line_edit("ordering_name", "Name")
        self.npi = line_edit("ordering_npi", "Ten digits")
        self.npi.setMaxLength(10)
        self.npi_word = Words("", "quiet", "wants")
        self.side = QComboBox()
        self.side.setObjectName("field_ordered_side")
        self.side.setMinimumHeight(CONTROL)
        for value, words in SIDES:
            self.side.addItem(words, value)
        self._bases: list[BaseRow] = []
        self.bases = Rows(12)
        self.word = Words("", "quiet")
        self.save: QPushButton = button("Save order", self._save, "primary")
        self.add(self.origin)
        self.add(_pair(field_row("Accession number", self.accession), field_row("Order number", self.order_id)))
        self.add(field_row("Visit or account number", self.visit, "The charge's message carries it."))
        self.add(field_row("Was 3D ordered?", self.ordered))
        self.add(field_row("Reason for the 3D", self.reason))
        self.add(field_row("Indication", self.indication))
        self.add(field_row("Ordering provider", self.provider))
        self.add(field_row("Provider number (NPI)", self.npi))
        self.add(self.npi_word)
        self.add(field_row("Side that was ordered", self.side))
        self.add(Rule())
        self.add(section("Examinations of this order"))
        self.add(self.bases)
        self.add_base = button("Add an examination", self._one_more, "link")
        self.add(_end(self.add_base))
        self.add(Rule())
        self.add(self.word)
        self.add(boxed_end(self.save))
        for line in (self.accession, self.order_id, self.visit, self.provider, self.npi):
            line.textEdited.connect(self._touched)
        self.reason.textChanged.connect(self._typed)
        self.indication.textChanged.connect(self._typed)
        self.side.activated.connect(self._touched)
        self.npi.textChanged.connect(self._npi)
        self._filling = False
        draft = _UNSAVED.pop(session, None)
        if draft is not None:
            self._fill(draft)
            self._shown = session.case.order
            self._dirty = True
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        if self._dirty:
            _UNSAVED[self._session] = self.order()
        super().hideEvent(event)

    def _typed(self) -> None:
        if not self._filling:
            self._touched()

    def _touched(self, _value: object = None) -> None:
        self._dirty = True
        self._stand()

    def _npi(self, text: str) -> None:
        wrong = bool(text) and not good_npi(text)
        if wrong and len(text) < 10:
            missing = 10 - len(text)
            self.npi_word.say("One more digit." if missing == 1 else f"{missing} more digits.")
        else:
            self.npi_word.say("A digit of this number is wrong; please compare it with the order." if wrong else "")
        self.npi_word.setVisible(wrong)

    def refresh(self) -> None:
        """Show the order of the case; what is being typed stays."""
        may = self._desk.may("order")
        self.setEnabled(True)
        if not self._dirty and (self._session.case.order != self._shown or self._shown is None):
            self._fill(self._session.case.order)
        for part in (self.accession, self.order_id, self.visit, self.provider, self.npi, self.reason, self.indication):
            part.setReadOnly(not may)
        for other in (self.ordered, self.side, self.bases, self.add_base):
            other.setEnabled(may)
        self._stand()

    def _fill(self, order: Order | None) -> None:
        self._filling = True
        shown = order or Order(accession=self._session.case.accession, source="tags")
        self._shown = order
        self._tell_origin(order)
        self.accession.setText(shown.accession)
        self.order_id.setText(shown.order_id)
        self.visit.setText(shown.visit_number)
        self.ordered.choose(shown.three_d_ordered)
        self.reason.setPlainText(shown.reason)
        self.indication.setPlainText(shown.indication)
        self.provider.setText(shown.ordering_name)
        self.npi.setText(shown.ordering_npi)
        self.side.setCurrentIndex(max(self.side.findData(shown.side), 0))
        self._list(shown.base or (Base(modality=self._session.case.modality or None),))
        for line in (self.accession, self.order_id, self.visit, self.provider):
            line.setCursorPosition(0)
        self._npi(self.npi.text())
        self._filling = False

    def _tell_origin(self, order: Order | None) -> None:
        known = _SOURCES.get(order.source, "") if order else ""
        self.origin.say(known or "No order is known yet; the accession is from the images.")

    def _list(self, bases: tuple[Base, ...]) -> None:
        self._bases = [BaseRow(b, len(bases) > 1, self._remove) for b in bases]
        parts: list[QWidget] = []
        for place, one in enumerate(self._bases):
            one.changed.connect(self._touched)
            if place:
                parts.append(Rule())
            parts.append(one)
        self.bases.fill(parts)

    def _one_more(self) -> None:
        self._list((*(b.base() for b in self._bases), Base()))
        self._bases[-1].code.setFocus()
        self._touched()

    def _remove(self, gone: BaseRow) -> None:
        self._list(tuple(b.base() for b in self._bases if b is not gone))
        self._touched()

    def order(self) -> Order:
        """The order as the form has it; what the form does not ask stays as it was."""
        return msgspec.structs.replace(
            self._shown or Order(),
            accession=self.accession.text().strip(),
            order_id=self.order_id.text().strip(),
            visit_number=self.visit.text().strip(),
            three_d_ordered=self.ordered.value,
            reason=self.reason.toPlainText().strip(),
            indication=self.indication.toPlainText().strip(),
            ordering_npi=self.npi.text().strip(),
            ordering_name=self.provider.text().strip(),
            side=self.side.currentData(),
            base=tuple(b.base() for b in self._bases),
            source="typed",
        )

    def _save(self) -> None:
        order = self.order()
        try:
            self._session.set_order(order)
        except RenderDeskError as error:
            self.word.say(error.sentence, "refused")
            return
        self._dirty = False
        _UNSAVED.pop(self._session, None)
        self._shown = self._session.case.order
        self._tell_origin(self._shown)
        self._stand()

    def _stand(self) -> None:
        may = self._desk.may("order")
        self.save.setEnabled(may and self._dirty)
        if not may:
            self.word.say(self._desk.why_not("order"), "")
        elif self._dirty:
            self.word.say("Not saved yet.", "wants")
        else:
            self.word.say("Saved." if self._session.case.order else "", "")
        self.word.setVisible(bool(self.word.text()))


def boxed_end(part: QWidget) -> QWidget:
    """A part that fills the width, as the last of its card."""
    made = QWidget()
    line = row(part)
    line.setStretch(0, 1)
    made.setLayout(line)
    return made
