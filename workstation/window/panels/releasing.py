"""Releasing drafts: one after the other, large, each looked at before it is kept or thrown away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from workstation.base.errors import RenderDeskError
from workstation.case.supervision import SHOWN_PIXELS, SHOWN_S
from workstation.window.jobs import sentence_of
from workstation.window.panels.order_form import line_edit
from workstation.window.panels.parts import Words, alive, button, row
from workstation.window.panels.say import counted
from workstation.window.panels.secret import ask_secret
from workstation.window.theme import tokens

if TYPE_CHECKING:
    from workstation.case.model import Capture
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.window.actions import Actions

_TICK_MS = 100


class Shown(QWidget):
    """A picture as large as its place allows, on black."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QPixmap()
        self.setMinimumSize(512, 400)
        self.setAutoFillBackground(False)

    def put(self, png: bytes) -> None:
        """Show another picture; empty bytes show none."""
        self._picture = QPixmap()
        if png:
            self._picture.loadFromData(png)
        self.update()

    def put_pixmap(self, picture: QPixmap) -> None:
        """Show a picture that is decoded already."""
        self._picture = picture
        self.update()

    @property
    def drawn(self) -> QSize:
        """Size at which the picture is drawn, in points; empty without one."""
        if self._picture.isNull():
            return QSize(0, 0)
        return self._picture.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.VIEWPORT))
        size = self.drawn
        if not size.isEmpty():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
            painter.drawPixmap(left, top, size.width(), size.height(), self._picture)
        painter.end()


class ReleaseDialog(QDialog):
    """Goes through drafts. Time counts only while the picture is really visible in the active window."""

    def __init__(
        self,
        desk: Desk,
        session: Session,
        actions: Actions,
        sop_uids: Sequence[str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk, self._session, self._actions = desk, session, actions
        self._waiting = [uid for uid in sop_uids if self._capture(uid) is not None]
        self._all = len(self._waiting)
        self._kept = self._gone = 0
        self._seen_s = 0.0
        self._noted = False
        self._busy = False
        self._last: float | None = None
        self.setWindowTitle("Release pictures")
        self.setModal(True)
        self.resize(860, 720)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(8)
        self.heading = Words("", "heading")
        self.about = Words("", "quiet")
        self.picture = Shown()
        # the keys R, D and N belong to the picture, not to the first field of the dialog
        self.picture.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.picture.setFocus()
        self.reason = line_edit("discard_reason", "Why it is discarded (if you wish)")
        self.word = Words("", "quiet")
        column.addWidget(self.heading)
        column.addWidget(self.about)
        column.addWidget(self.picture, 1)
        column.addWidget(self.word)
        self.discard = button("Discard", self._discard, "danger", "Not kept  [D]")
        self.later = button("Leave as draft", self._next, "plain", "Decide later  [N]")
        self.release = button("Release", self._release, "primary", "Into the record, in your name  [R]")
        column.addLayout(row(self.discard, self.reason, self.later, self.release))
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._show()

    def _capture(self, uid: str) -> Capture | None:
        found = (c for c in self._session.case.captures if c.sop_uid == uid and c.state == "draft")
        return next(found, None)

    @property
    def current(self) -> Capture | None:
        """The draft that is shown."""
        return self._capture(self._waiting[0]) if self._waiting else None

    def _show(self) -> None:
        self._seen_s, self._noted, self._last = 0.0, False, None
        capture = self.current
        if capture is None:
            self._timer.stop()
            self.accept()
            return
        self.heading.say(f"{capture.title or 'Picture'} ({self._all - len(self._waiting) + 1} of {self._all})")
        self.about.say(f"Drafted by {capture.made_by.name}")
        self.reason.clear()
        self.picture.setFocus()
        try:
            self.picture.put(self._session.png(capture))
        except RenderDeskError as error:
            self.picture.put(b"")
            self._say(error.sentence, "refused")
        self._timer.start()
        self._stand()

    def _tick(self) -> None:
        """Count the time that the picture is on screen, large enough, before a person who looks at this window."""
        now = time.monotonic()
        drawn = self.picture.drawn
        visible = self.isVisible() and self.isActiveWindow() and min(drawn.width(), drawn.height()) >= SHOWN_PIXELS
        if visible and self._last is not None:
            # a stalled program has shown nothing: a long gap counts as one tick
            self._seen_s += min(now - self._last, 3 * _TICK_MS / 1000)
        self._last = now if visible else None
        if self._seen_s >= SHOWN_S and not self._noted:
            self._noted = True
            self._stand()

    def _stand(self) -> None:
        may = self._desk.may("release")
        ready = self._noted and not self._busy
        self.release.setEnabled(may and ready)
        self.discard.setEnabled(may and ready)
        self.later.setEnabled(not self._busy)
        if not may:
            self._say(self._desk.why_not("release"), "")
        elif not self._noted and not self.picture.drawn.isEmpty():
            self._say("Look at the picture first.", "")
        elif self._noted and not self._busy:
            self._say("Name, side letters and what is shown: are they right?", "")

    def _say(self, text: str, state: str) -> None:
        self.word.say(text, state)

    def _note_seen(self) -> None:
        """Tell the journal how long and how large the picture was really seen."""
        capture = self.current
        if capture is not None and self._noted:
            drawn = self.picture.drawn
            self._session.shown(capture.sop_uid, self._seen_s, min(drawn.width(), drawn.height()))

    def _release(self) -> None:
        capture = self.current
        if capture is None or not self.release.isEnabled():
            return
        self._note_seen()
        secret = ""
        if self._desk.must_ask_again("release"):
            asked = ask_secret(
                self, "Release", "Pictures are released in your name. It was a while since you proved who you are."
            )
            if asked is None:
                return
            secret = asked
        self._busy = True
        self._say("Being released ...", "")
        self._stand()
        uid = capture.sop_uid

        def work(_progress: Any, _stop: Any) -> object:
            return self._session.release(uid, secret)

        def done(_capture: object) -> None:
            if alive(self):
                self._busy = False
                self._kept += 1
                self._next()

        def failed(error: BaseException) -> None:
            if alive(self):
                self._busy = False
                self._stand()
                self._say(sentence_of(error), "refused")

        self._actions.job("Releasing a picture", work, done, failed)

    def _discard(self) -> None:
        capture = self.current
        if capture is None or not self.discard.isEnabled():
            return
        self._note_seen()
        try:
            self._session.discard(capture.sop_uid, self.reason.text().strip())
        except RenderDeskError as error:
            self._say(error.sentence, "refused")
            return
        self._gone += 1
        self._next()

    def _next(self) -> None:
        if self._busy:
            return
        if self._noted and self.current is not None:
            self._note_seen()
        self._waiting = self._waiting[1:]
        self._show()

    def reject(self) -> None:
        """Leave the rest as drafts; a release under way is waited for."""
        if not self._busy:
            self._timer.stop()
            self._note_seen()
            super().reject()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.reason.hasFocus():
            act = {Qt.Key.Key_R: self._release, Qt.Key.Key_D: self._discard, Qt.Key.Key_N: self._next}.get(
                Qt.Key(event.key())
            )
            if act is not None and event.modifiers() == Qt.KeyboardModifier.NoModifier:
                act()
                return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ActivationChange:
            self._last = None
        super().changeEvent(event)

    def summary(self) -> str:
        """What was done, in one sentence; "" when nothing was."""
        parts = []
        if self._kept:
            parts.append(f"{counted(self._kept, 'picture')} released")
        if self._gone:
            parts.append(f"{counted(self._gone, 'draft')} discarded")
        return (", ".join(parts) + ".") if parts else ""


def release(
    desk: Desk, session: Session, actions: Actions, sop_uids: Sequence[str] = (), parent: QWidget | None = None
) -> str:
    """Go through these drafts, or through all, and let the physician release or discard each.

    Returns
    -------
    str
        What was done in one sentence, "" when nothing was.
    """
    uids = list(sop_uids) or [c.sop_uid for c in session.case.captures if c.state == "draft"]
    if not uids:
        actions.say("No draft waits for release.", "info")
        return ""
    dialog = ReleaseDialog(desk, session, actions, uids, parent)
    dialog.exec()
    done = dialog.summary()
    dialog.deleteLater()
    if done:
        actions.say(done, "done")
    return done
