"""The bar below: what was said last, what runs, the value under the pointer, the window, who makes pictures."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from workstation.window.icons import pixmap
from workstation.window.theme import tokens
from workstation.window.widgets import Elided, label, named, restate, tool

_GLYPH = {
    "info": ("info", tokens.QUIET),
    "done": ("check-circle", tokens.DONE),
    "wants": ("warning-circle", tokens.WANTS),
    "refused": ("x-circle", tokens.REFUSED),
}
_KEEP_MS = {"info": 8000, "done": 8000, "wants": 15000, "refused": 30000}


class StatusBar(QWidget):
    """One line. Signal `cancelled()`."""

    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        named(self, "StatusBar")
        self.setFixedHeight(tokens.STATUS)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(16)
        self.pointer = label()
        self.pointer.setMinimumWidth(230)
        self.window_words = label()
        self.glyph = QLabel()
        self.sentence = Elided()
        said = QHBoxLayout()
        said.setSpacing(6)
        said.addWidget(self.glyph)
        said.addWidget(self.sentence)
        said.addStretch(1)
        self.job = label()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(140)
        self.cancel = tool(glyph="x", tip="Cancel")
        self.cancel.clicked.connect(self.cancelled)
        self.made = label()
        self.made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.archive = label()
        row.addWidget(self.pointer)
        row.addWidget(self.window_words)
        row.addLayout(said, 1)
        row.addStretch(0)
        row.addWidget(self.job)
        row.addWidget(self.bar)
        row.addWidget(self.cancel)
        row.addWidget(self.made)
        row.addWidget(self.archive)
        self._fade = QTimer(self)
        self._fade.setSingleShot(True)
        self._fade.timeout.connect(lambda: self.say("", "info"))
        self.end_job()
        self.say("", "info")

    def say(self, sentence: str, kind: str = "info") -> None:
        """One sentence, for a while; a refusal stays longer."""
        self.sentence.set_whole(sentence)
        restate(self.sentence, state=kind if kind != "info" else "")
        name, colour = _GLYPH.get(kind, _GLYPH["info"])
        self.glyph.setVisible(bool(sentence))
        self.glyph.setPixmap(pixmap(name, colour, tokens.ICON, self.devicePixelRatioF()))
        if sentence:
            self._fade.start(_KEEP_MS.get(kind, 8000))

    def show_made(self, text: str) -> None:
        """By whom and how fast the newest picture was made; its room only grows, so that nothing trembles or is cut."""
        self.made.setText(text)
        self.made.ensurePolished()
        if self.made.sizeHint().width() > self.made.minimumWidth():
            self.made.setMinimumWidth(self.made.sizeHint().width())
            layout = self.layout()
            if layout is not None:
                layout.activate()  # now, not after the next painting

    def begin_job(self, title: str) -> None:
        """Something slow runs."""
        self.job.setText(title)
        self.bar.setRange(0, 0)
        for part in (self.job, self.bar, self.cancel):
            part.setVisible(True)

    def move_job(self, fraction: float, words: str) -> None:
        """How far it is."""
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * min(1.0, max(0.0, fraction))))
        if words:
            self.job.setText(words)

    def end_job(self) -> None:
        """Nothing runs."""
        for part in (self.job, self.bar, self.cancel):
            part.setVisible(False)

    def forget(self) -> None:
        """Nothing of a case is left."""
        self.pointer.setText("")
        self.window_words.setText("")
        self.made.setText("")
        self.made.setMinimumWidth(0)

    def show_archive(self, text: str, state: str = "") -> None:
        """Where pictures are kept, and whether all of it has arrived."""
        self.archive.setTextFormat(Qt.TextFormat.PlainText)
        self.archive.setText(f"● {text}" if text else "")
        restate(self.archive, state=state)
