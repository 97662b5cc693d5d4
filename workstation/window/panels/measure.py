"""*Measure*: the measurement sheet, with how sure each number is and why one may not be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from workstation.base.errors import RenderDeskError
from workstation.window.icons import icon
from workstation.window.panels.parts import Card, Panel, Rows, Words, button, row, sentence_row
from workstation.window.theme import tokens

if TYPE_CHECKING:
    from workstation.case.model import Measurement
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.window.actions import Actions

_ROW = 28


def state_of(m: Measurement) -> tuple[str, str]:
    """State of the sign and its word: refused, stale, proposed, marked or accepted."""
    if m.measured.validity == "refused" or m.measured.value is None:
        return "refused", "cannot be used"
    if m.stale:
        return "wants", "made on other data"
    if not m.accepted:
        return "wants", "proposed"
    if m.measured.validity == "marked":
        return "wants", "accepted, with a caveat"
    return "done", "accepted"


def uncertainty_words(m: Measurement) -> str:
    """``"± 0.6 mm"``; "" when it is not known."""
    u = m.measured.uncertainty
    return "" if u is None or m.measured.value is None else f"± {u:.1f} {m.measured.unit}".rstrip()


def uncertainty_short(m: Measurement) -> str:
    """``"± 0.6"``: the unit stands with the value."""
    u = m.measured.uncertainty
    return "" if u is None or m.measured.value is None else f"± {u:.1f}"


class Sheet(QTableWidget):
    """Name, value and uncertainty of each measurement; names are edited in place."""

    def __init__(self, delete: Callable[[], None], go: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self._delete, self._go = delete, go
        self.setHorizontalHeaderLabels(["Name", "Value", "±"])
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.SelectedClicked
        )
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setObjectName("field_measurements")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._delete()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._go()
        else:
            super().keyPressEvent(event)


class MeasurePanel(Panel):
    """The fourth step."""

    step = "measure"
    title = "Measure"

    def __init__(self, desk: Desk, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._session, self._actions = desk, session, actions
        self._filling = False
        tools = Card("New")
        length = button("Length", lambda: actions.run("tool.length"), tip="Two clicks in a plane  [L]")
        angle = button("Angle", lambda: actions.run("tool.angle"), tip="Three clicks in a plane  [A]")
        line = row(length, angle)
        line.setStretch(0, 1)
        line.setStretch(1, 1)
        tools.add(line)
        self.add(tools)
        self.sheet_card = Card("Measurements")
        self.empty = Words("Nothing is measured yet. Take length or angle, and click in a plane.", "quiet")
        self.sheet_card.add(self.empty)
        self.sheet = Sheet(self._remove, self._go)
        self.sheet.itemChanged.connect(self._renamed)
        self.sheet.currentCellChanged.connect(lambda *_: self._show_detail())
        self.sheet.cellDoubleClicked.connect(lambda *_: self._go())
        self.sheet_card.add(self.sheet)
        self.add(self.sheet_card)
        self.detail = Card()
        self._detail_rows = Rows(4)
        self.detail.add(self._detail_rows)
        self.accept = button("Accept", self._accept, "primary")
        self.go = button("Go to", self._go, tip="Bring the planes there  [Enter]")
        self.rename = button("Rename", self._rename, tip="Another name  [F2]")
        self.remove = button("Remove", self._remove, tip="Take it out; undo brings it back  [Del]")
        self.detail.add(self.accept)
        line = row(self.go, self.rename, self.remove, spacing=4)
        for place in range(3):
            line.setStretch(place, 1)
        self.detail.add(line)
        self.add(self.detail)
        self.finish()
        self.refresh()

    def current(self) -> Measurement | None:
        """The measurement of the current row."""
        place = self.sheet.currentRow()
        found = self._session.case.measurements
        return found[place] if 0 <= place < len(found) else None

    def refresh(self) -> None:
        found = self._session.case.measurements
        keep = max(self.sheet.currentRow(), 0)
        self._filling = True
        self.sheet.setRowCount(len(found))
        for place, m in enumerate(found):
            self._fill_row(place, m)
        self._filling = False
        self.empty.setVisible(not found)
        self.sheet.setVisible(bool(found))
        self.sheet.setFixedHeight(
            self.sheet.horizontalHeader().sizeHint().height() + _ROW * min(max(len(found), 1), 10) + 4
        )
        if found:
            place = min(keep, len(found) - 1)
            self.sheet.setCurrentCell(place, 0, QItemSelectionModel.SelectionFlag.ClearAndSelect | _ROWS)
        self._show_detail()

    def _fill_row(self, place: int, m: Measurement) -> None:
        state, word = state_of(m)
        signs = {"done": ("check-circle", tokens.DONE), "wants": ("warning-circle", tokens.WANTS)}
        glyph, colour = signs.get(state, ("x-circle", tokens.REFUSED))
        texts = (m.name, m.measured.printed or "none", uncertainty_short(m))
        for column, text in enumerate(texts):
            item = self.sheet.item(place, column) or QTableWidgetItem()
            if self.sheet.item(place, column) is None:
                self.sheet.setItem(place, column, item)
            if item.text() != text:
                item.setText(text)
            item.setToolTip(f"{m.name}: {m.measured.printed}, {word}")
            if column:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            else:
                item.setIcon(icon(glyph, colour))
                item.setData(Qt.ItemDataRole.UserRole, m.id)

    def _show_detail(self) -> None:
        m = self.current()
        self.detail.setVisible(m is not None)
        if m is None:
            return
        state, word = state_of(m)
        parts: list[QWidget] = [
            Words(m.name, "strong"),
            sentence_row(state, word[:1].upper() + word[1:], m.measured.definition),
        ]
        parts += [Words(_sentence(reason), "quiet") for reason in m.measured.reasons]
        unsure = uncertainty_words(m)
        if unsure:
            parts.append(Words(f"{unsure}, from the resolution of the images alone (95 % of cases).", "quiet"))
        if m.made_by:
            parts.append(Words(f"Placed by {m.made_by}", "quiet"))
        self._detail_rows.fill(parts)
        may = self._desk.may("accept")
        self.accept.setVisible(not m.accepted)
        self.accept.setEnabled(may and m.measured.value is not None)
        self.accept.setToolTip(self._desk.why_not("accept"))
        for one in (self.rename, self.remove):
            one.setEnabled(self._desk.may("measure"))

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
        self.refresh()

    def _accept(self) -> None:
        m = self.current()
        if m is not None:
            self._try(lambda: self._session.accept(m.id))

    def _go(self) -> None:
        m = self.current()
        if m is not None and m.points_lps_mm:
            n = len(m.points_lps_mm)
            x, y, z = (sum(p[axis] for p in m.points_lps_mm) / n for axis in range(3))
            self._actions.centre((x, y, z))

    def _rename(self) -> None:
        item = self.sheet.item(self.sheet.currentRow(), 0)
        if item is not None:
            self.sheet.setCurrentItem(item)
            self.sheet.editItem(item)

    def _renamed(self, item: QTableWidgetItem) -> None:
        if self._filling or item.column():
            return
        m = next((m for m in self._session.case.measurements if m.id == item.data(Qt.ItemDataRole.UserRole)), None)
        name = item.text().strip()
        if m is not None and name and name != m.name:
            self._try(lambda: self._session.rename(m.id, name))
        else:
            self.refresh()

    def _remove(self) -> None:
        m = self.current()
        if m is not None and self._desk.may("measure"):
            self._try(lambda: self._session.remove(m.id))


_ROWS = QItemSelectionModel.SelectionFlag.Rows


def _sentence(reason: str) -> str:
    text = reason.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
