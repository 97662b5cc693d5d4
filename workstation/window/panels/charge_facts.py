"""Where each fact of the decision comes from, one line a fact; closed until somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from workstation.window.panels.fact_words import fact_words
from workstation.window.panels.parts import Card, Rows, Rule, Words, button
from workstation.window.panels.questions import answer_words

if TYPE_CHECKING:
    from workstation.desk.fact_sources import FactSource

_PLAIN = {
    ("performed_by", "same"): "here",
    ("performed_by", "other"): "elsewhere",
    ("basis", "mixed"): "partly seen, partly stated",
    ("kind", "dedicated"): "of its own",
}


def value_words(source: FactSource) -> str:
    """A fact's value as a person reads it."""
    value = source.value
    plain = _PLAIN.get((source.path.rsplit(".", 1)[-1], value)) if isinstance(value, str) else None
    if plain is not None:
        return plain
    words = answer_words(source.path, value)
    return words if words != str(value) else words.replace("_", " ")


def origin_words(source: FactSource) -> str:
    """Where a fact comes from, with the journal's lines."""
    if not source.lines:
        return source.origin
    shown = ", ".join(map(str, source.lines[:6])) + (" ..." if len(source.lines) > 6 else "")
    return f"{source.origin} · journal {'line' if len(source.lines) == 1 else 'lines'} {shown}"


class FactsCard(Card):
    """The facts with their sources."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Where it comes from", parent=parent)
        self._told: tuple[FactSource, ...] = ()
        self._open = False
        self._rows = Rows(0)
        self.add(self._rows)
        self.more = button(
            "", self.toggle, "link", "Each fact with the journal lines, the order or the person behind it"
        )
        self.add(self.more)

    def put(self, sources: tuple[FactSource, ...]) -> None:
        """Show other facts."""
        self._told = tuple(s for s in sources if fact_words(s.path))
        self._fill()

    def toggle(self) -> None:
        """Open or close the list."""
        self._open = not self._open
        self._fill()

    def _fill(self) -> None:
        self.setVisible(bool(self._told))
        self.more.setText("Close" if self._open else f"All {len(self._told)} facts with their sources")
        self._rows.setVisible(self._open)
        if self._rows.stands((self._told, self._open)):
            return
        parts: list[QWidget] = []
        for one in self._told if self._open else ():
            if parts:
                parts.append(Rule())
            parts.append(_line(one))
        self._rows.fill(parts)


def _line(one: FactSource) -> QWidget:
    made = QWidget()
    grid = QGridLayout(made)
    grid.setContentsMargins(0, 4, 0, 4)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(0)
    grid.setColumnStretch(0, 1)
    grid.setColumnStretch(1, 1)
    words = value_words(one)
    value = Words(words[:1].upper() + words[1:])
    grid.addWidget(Words(fact_words(one.path), "quiet"), 0, 0, Qt.AlignmentFlag.AlignTop)
    grid.addWidget(value, 0, 1, Qt.AlignmentFlag.AlignTop)
    grid.addWidget(Words(origin_words(one), "label"), 1, 0, 1, 2)
    return made
