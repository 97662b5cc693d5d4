"""The PIN dialog: asks the acting person again, says what for, and keeps nothing."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from workstation.base.errors import RenderDeskError
from workstation.window.panels.parts import CONTROL, Words, button, field_row, row


class SecretField(QLineEdit):
    """A field for a PIN or password: hidden, never suggested, never in the clipboard by accident."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setMinimumHeight(CONTROL)
        self.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhHiddenText
        )
        self.setObjectName("field_secret")

    def take(self) -> str:
        """The secret, and an empty field again."""
        secret = self.text()
        self.clear()
        return secret


class SecretDialog(QDialog):
    """One sentence, one field."""

    def __init__(self, title: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(360)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.setSpacing(12)
        column.addWidget(Words(title, "heading"))
        column.addWidget(Words(sentence, "quiet"))
        self.field = SecretField()
        column.addWidget(field_row("Your PIN or password", self.field))
        self.confirm = button("Confirm", self.accept, "primary")
        self.confirm.setDefault(True)
        self.confirm.setEnabled(False)
        self.field.textChanged.connect(lambda text: self.confirm.setEnabled(bool(text)))
        column.addLayout(row(0, button("Cancel", self.reject), self.confirm))
        self.field.setFocus()


class NoteDialog(QDialog):
    """A reason or a note in words, with the PIN where the act needs it. `act` does it, and says why not by raising.

    Parameters
    ----------
    act : gets the words and the secret ("" where none is asked); a refusal is shown and the dialog stays
    about : what it is about, shown below the title
    """

    def __init__(
        self,
        title: str,
        sentence: str,
        hint: str,
        act: Callable[[str, str], object],
        *,
        secret: bool = False,
        kind: str = "primary",
        about: QWidget | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._act = act
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(440)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.setSpacing(12)
        column.addWidget(Words(title, "heading"))
        if about is not None:
            column.addWidget(about)
        column.addWidget(Words(sentence, "quiet"))
        self.note = QPlainTextEdit()
        self.note.setPlaceholderText(hint)
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(72)
        self.note.setAccessibleName(hint)
        column.addWidget(self.note)
        self.field = SecretField()
        asked = field_row("Your PIN or password", self.field)
        column.addWidget(asked)
        asked.setVisible(secret)
        self._secret = secret
        self.word = Words("", state="refused")
        self.word.hide()
        column.addWidget(self.word)
        self.confirm = button(title, self._do, kind)
        column.addLayout(row(0, button("Cancel", self.reject), self.confirm))
        self.note.textChanged.connect(self._stand)
        self.field.textChanged.connect(lambda _t: self._stand())
        self._stand()
        self.note.setFocus()

    def _stand(self) -> None:
        said = bool(self.note.toPlainText().strip())
        self.confirm.setEnabled(said and (not self._secret or bool(self.field.text())))

    def _do(self) -> None:
        try:
            self._act(self.note.toPlainText().strip(), self.field.take())
        except RenderDeskError as error:
            self.word.say(error.sentence)
            self.word.show()
            return
        self.accept()


def ask_secret(parent: QWidget | None, title: str, sentence: str) -> str | None:
    """Ask the acting person for the secret again.

    Returns
    -------
    str or None
        What was typed; None when the person went back.
    """
    dialog = SecretDialog(title, sentence, parent)
    try:
        return dialog.field.take() if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.field.clear()
        dialog.deleteLater()
