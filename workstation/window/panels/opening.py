"""While a study is opened: what is coming, how far it is, and how to stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from workstation.window.panels.parts import Card, Words, button

if TYPE_CHECKING:
    from workstation.desk.arrival import Arrival


class OpeningPanel(QWidget):
    """Signal `stopped()`: the person gives it up."""

    stopped = Signal()

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        self.card = Card("Opening")
        self.words = Words("Finding the study's images ...")
        self.count = Words("", "quiet")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        self.note = Words(
            "You can scroll, zoom and change the window meanwhile. "
            "Measuring, captures and 3D come with the last slice.",
            "quiet",
        )
        self.note.setVisible(False)
        self.cancel = button("Cancel", self.stopped.emit)
        for part in (self.words, self.count, self.bar, self.note, self.cancel):
            self.card.add(part)
        column.addWidget(self.card)
        column.addStretch(1)

    def show_arrival(self, arrival: Arrival) -> None:
        """The volume that is coming, and why it was chosen."""
        self.words.setText(arrival.choice_line)
        self.note.setVisible(True)

    def tell(self, what: str, done: float, of: float) -> None:
        """So many of so many, or a share of 1 with all of it in the words."""
        parts = 1 if of > 1 else 1000
        self.bar.setRange(0, max(1, round(of * parts)))
        self.bar.setValue(round(done * parts))
        self.count.setText(f"{what}: {done:,.0f} of {of:,.0f}" if of > 1 else what)
