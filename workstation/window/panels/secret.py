"""The PIN dialog: asks the acting person again, says what for, and keeps nothing."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

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
