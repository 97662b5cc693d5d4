"""*Report*: the physician's words beside what writes itself, the open checks, and the signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QFocusEvent, QHideEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QGridLayout,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from workstation.base.errors import RenderDeskError
from workstation.window.panels.acts import ActsCard
from workstation.window.panels.order_form import SIDES
from workstation.window.panels.parts import (
    CONTROL,
    Card,
    Panel,
    Rows,
    Words,
    alive,
    button,
    field_row,
    row,
    sentence_row,
)
from workstation.window.panels.releasing import Shown
from workstation.window.panels.releasing import release as release_drafts
from workstation.window.panels.say import button_to, clock_time, counted
from workstation.window.panels.secret import NoteDialog
from workstation.window.panels.sign import SignDialog
from workstation.window.theme import tokens

if TYPE_CHECKING:
    from pathlib import Path

    from workstation.case.model import Capture, ReportText
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.dicom.unpacked import Unpacked
    from workstation.report.checks import Check
    from workstation.window.actions import Actions

# field of the text, title, hint; in the order of the printed report
_BEFORE = (
    ("indication", "Indication", "From the order, or in your words"),
    ("necessity", "Why the 3D was needed", "What the slices alone could not answer"),
    ("comparison", "Comparison", "Prior study with its date, or none available"),
)
_AFTER = (
    ("findings_3d", "3D findings", "What the 3D shows; never filled in for you"),
    ("impression", "Impression", "Never filled in for you"),
    ("recommendation", "Recommendation", ""),
    ("limitations", "Limitations", "Noise, motion, metal, missing phases ..."),
    ("communication", "Communication", "Who was told, when and how"),
)
_WHERE = {
    "order": "load:order",
    "pictures": "film",
    "measurements": "measure",
    "text": "report:findings_3d",
    "supervision": "report:attest",
    "identity": "load:identity",
    "side": "report:side",
    "sign": "report:sign",
}
# where one check is mended, nearer than its step
_FIELDS = {
    "position": "load:side",
    "accession": "load:accession",
    "provider": "load:ordering_name",
    "base": "load:base",
    "indication": "report:indication",
    "necessity": "report:necessity",
    "reason": "report:necessity",
    "findings": "report:findings_3d",
    "impression": "report:impression",
    "comparison": "report:comparison",
    "limitations": "report:limitations",
    "side_order": "report:side",
    "side_measurement": "measure",
}
_KEEP_MS = 1500
_THUMB = 96
_STATUS = {
    "draft": "Draft",
    "preliminary": "Preliminary",
    "final": "Signed",
    "addendum": "Signed, with an addendum",
    "retracted": "Retracted",
}

_SHOWN: list[Unpacked] = []
"""Folders of reports that were given to another program."""


class Section(QPlainTextEdit):
    """A section of the report that grows with its text."""

    def __init__(self, name: str, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.setObjectName(f"field_{name}")
        self.setPlaceholderText(hint)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.textChanged.connect(self._grow)
        self._grow()

    def _grow(self) -> None:
        lines = 0
        block = self.document().firstBlock()
        while block.isValid():
            lines += max(block.layout().lineCount(), 1)
            block = block.next()
        least = 3 if self.name in ("findings_3d", "impression") else 1
        height = max(lines, least) * self.fontMetrics().lineSpacing() + 20
        if height != self.height():
            self.setFixedHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        panel = self.parent()
        while panel is not None and not isinstance(panel, ReportPanel):
            panel = panel.parent()
        if panel is not None:
            panel.keep_text()


class ReportPanel(Panel):
    """The fifth step."""

    step = "report"
    title = "Report"

    def __init__(self, desk: Desk, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._session, self._actions = desk, session, actions
        self._filling = False
        self._shown_text: ReportText | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_KEEP_MS)
        self._later.timeout.connect(self.keep_text)
        self.sections: dict[str, Section] = {}
        self._thumbs: dict[str, QPixmap] = {}
        self._shown_pictures: list[str] = []
        self.status = Card()
        self._status_rows = Rows(4)
        self.status.add(self._status_rows)
        self.add(self.status)
        self.open = Card("Before you sign")
        self._open_rows = Rows(0)
        self.open.add(self._open_rows)
        self.add(self.open)
        self._text_cards()
        self._picture_card()
        self.acts = ActsCard(desk, session, can_state=True)
        self.acts.setObjectName("field_supervision")
        self.add(self.acts)
        self.word = Words("", "quiet")
        self.add(self.word)
        self.text_preview = button("Read as text", self._preview, tip="The whole report as it will be signed")
        self.pdf = button("Open as PDF", self._pdf)
        line = QWidget()
        both = row(self.text_preview, self.pdf)
        both.setStretch(0, 1)
        both.setStretch(1, 1)
        line.setLayout(both)
        self.add(line)
        self.sign = button("Sign ...", self._sign, "primary")
        self.sign.setObjectName("field_sign")
        self.add(self.sign)
        self.finish()
        self.refresh()

    # --- making -----------------------------------------------------------------------------------------------

    def _text_cards(self) -> None:
        card = Card("Text")
        for name, title, hint in _BEFORE:
            card.add(field_row(title, self._section(name, hint)))
        self.side = QComboBox()
        self.side.setObjectName("field_side")
        self.side.setMinimumHeight(CONTROL)
        for value, words in SIDES:
            self.side.addItem("Not named" if value is None else words, value)
        self.side.activated.connect(lambda _i: self.keep_text())
        card.add(field_row("Side of this report", self.side))
        self.add(card)
        technique = Card("Technique")
        technique.add(Words("Written from what was done; you may add to it.", "quiet"))
        self._technique_rows = Rows(4)
        technique.add(self._technique_rows)
        technique.add(self._section("technique", "Add to the technique"))
        self.add(technique)
        own = Card("Findings and conclusion")
        for name, title, hint in _AFTER:
            own.add(field_row(title, self._section(name, hint)))
        self.add(own)

    def _section(self, name: str, hint: str) -> Section:
        made = Section(name, hint)
        made.textChanged.connect(self._typed)
        self.sections[name] = made
        return made

    def _picture_card(self) -> None:
        card = Card("Key pictures")
        self._pictures = QWidget()
        self._grid = QGridLayout(self._pictures)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignLeft)
        card.add(self._pictures)
        self._picture_word = Words("", "quiet")
        card.add(self._picture_word)
        self.look = button("Look through the drafts ...", self._release)
        card.add(self.look)
        self.send_back = button("Send the drafts back with a note ...", self._send_back, "link")
        card.add(self.send_back)
        self.add(card)

    # --- the text ---------------------------------------------------------------------------------------------

    def _typed(self) -> None:
        if not self._filling:
            self._later.start()

    def keep_text(self) -> None:
        """Write what was typed into the case, as one edit."""
        self._later.stop()
        if self._filling or not alive(self):
            return
        before = self._session.case.text
        typed: dict[str, Any] = {name: part.toPlainText() for name, part in self.sections.items()}
        after = msgspec.structs.replace(before, **typed, side=self.side.currentData())
        if after == before:
            return
        try:
            self._session.set_text(after)
        except RenderDeskError as error:
            # what was typed stays in the fields, and is tried again with the next change
            self._actions.say(error.sentence, "refused")
            return
        self._shown_text = after
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self.keep_text()
        super().hideEvent(event)

    # --- showing ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        text = self._session.case.text
        if not self._later.isActive() and text != self._shown_text:
            self._filling = True
            for name, part in self.sections.items():
                value = str(getattr(text, name))
                if part.toPlainText() != value:
                    part.setPlainText(value)
            self.side.setCurrentIndex(max(self.side.findData(text.side), 0))
            self._filling = False
            self._shown_text = text
        may = self._desk.may("prepare")
        for part in self.sections.values():
            part.setReadOnly(not may)
        self.side.setEnabled(may)
        self._show_status()
        self._show_technique()
        self._show_pictures()
        self._show_checks()
        self.acts.refresh()

    def _show_status(self) -> None:
        reports = self._session.case.reports
        self.status.setVisible(bool(reports))
        if reports and not self._status_rows.stands((reports[-1], self._desk.actor)):
            last = reports[-1]
            state = "refused" if last.status == "retracted" else "done"
            when = f"{last.signed_at[:10]} {clock_time(last.signed_at)}".strip()
            quiet = f"{last.signed_by.name} · {when}"
            if state == "done":
                quiet += ". What you sign from now on is an addendum."
            parts: list[QWidget] = [sentence_row(state, _STATUS[last.status], quiet)]
            if state == "done":
                retract = button("Retract ...", self._retract, "link", "Wrong patient, study or side")
                retract.setObjectName("field_retract")
                retract.setEnabled(self._desk.may("sign"))
                parts.append(retract)
            self._status_rows.fill(parts)

    def _show_technique(self) -> None:
        content = self._session.content()
        own = self._session.case.text.technique.strip()
        told = [p for p in content.technique if p.strip() and p.strip() != own]
        if not self._technique_rows.stands(told):
            self._technique_rows.fill(Words(p) for p in told)

    def _show_pictures(self) -> None:
        released = [c for c in self._session.case.captures if c.state == "released"]
        drafts = [c for c in self._session.case.captures if c.state == "draft"]
        shown = [c.sop_uid for c in released]
        while self._shown_pictures != shown and self._grid.count():
            item = self._grid.takeAt(0)
            old = item.widget() if item is not None else None
            if old is not None:
                old.hide()
                old.deleteLater()
        for place, capture in enumerate(released if self._shown_pictures != shown else ()):
            thumb = self._thumb(capture)
            self._grid.addWidget(thumb, place // 3, place % 3)
            thumb.show()
        self._shown_pictures = shown
        self._pictures.setVisible(bool(released))
        if released:
            words = f"{counted(len(released), 'picture')} released; they are in the report in this order."
        else:
            words = "No picture is released yet."
        self._picture_word.say(words)
        self.look.setVisible(bool(drafts))
        self.look.setText(f"Look through {counted(len(drafts), 'draft')} ...")
        self.look.setEnabled(self._desk.may("release"))
        self.look.setToolTip(self._desk.why_not("release"))
        self.send_back.setVisible(bool(drafts) and self._desk.may("supervise"))

    def _thumb(self, capture: Capture) -> QWidget:
        if capture.sop_uid not in self._thumbs:
            drawn = QPixmap()
            try:
                drawn.loadFromData(self._session.png(capture))
            except RenderDeskError as error:
                self._actions.say(error.sentence, "refused")
            if not drawn.isNull():
                drawn = drawn.scaled(
                    _THUMB * 2,
                    _THUMB * 2,
                    Qt.AspectRatioMode.KeepAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            self._thumbs[capture.sop_uid] = drawn
        made = Shown()
        made.setMinimumSize(_THUMB, 76)
        made.setFixedSize(_THUMB, 76)
        made.put_pixmap(self._thumbs[capture.sop_uid])
        by = capture.released_by.name if capture.released_by else ""
        made.setToolTip(f"{capture.title}\nReleased by {by}" if by else capture.title)
        made.setAccessibleName(capture.title)
        return made

    def _show_checks(self) -> None:
        checks = self._session.checks()
        blocking = [c for c in checks if c.severity == "block"]
        if not self._open_rows.stands(checks):
            self._open_rows.fill(self._check(c) for c in (*blocking, *(c for c in checks if c.severity != "block")))
        self.open.setVisible(bool(checks))
        may = self._desk.may("sign")
        signed = bool(self._session.case.reports)
        retracted = signed and self._session.case.reports[-1].status == "retracted"
        self.sign.setEnabled(may and not retracted)
        self.sign.setText("Sign an addendum ..." if signed else "Sign ...")
        if not may:
            self.word.say(self._desk.why_not("sign"), "")
        elif retracted:
            self.word.say("Nothing can be added to a retracted report.", "")
        elif blocking:
            self.word.say(f"{counted(len(blocking), 'point')} to settle before the signature.", "wants")
        else:
            self.word.say("Nothing stands in the way of the signature.", "done")

    def _check(self, check: Check) -> QWidget:
        where = _FIELDS.get(check.code) or _WHERE.get(check.step, "report")
        words = "Show" if where.startswith("report") else button_to(where)
        after = button(words, lambda: self._lead(where), "link")
        return sentence_row("refused" if check.severity == "block" else "wants", check.sentence, after=after)

    def _lead(self, where: str) -> None:
        step, _, field = where.partition(":")
        if step == "report" and field:
            self.focus_field(field)
        else:
            self.go_to.emit(where)

    # --- acts -------------------------------------------------------------------------------------------------

    def _release(self) -> None:
        release_drafts(self._desk, self._session, self._actions, (), self.window())
        self.refresh()

    def _send_back(self) -> None:
        self._note(
            NoteDialog(
                "Send back",
                "The drafts stay drafts; your note goes to who made them. Look at each draft before.",
                "What should be changed?",
                lambda note, _secret: self._session.return_drafts(note),
                parent=self.window(),
            ),
            "The drafts were sent back with your note.",
        )

    def _retract(self) -> None:
        self._note(
            NoteDialog(
                "Retract",
                "The report is marked as retracted everywhere; nothing is deleted, and it cannot be undone.",
                "Why: wrong patient, study or side, or what else?",
                lambda note, secret: self._session.retract(secret, note),
                secret=True,
                kind="danger",
                parent=self.window(),
            ),
            "The report is retracted.",
        )

    def _note(self, dialog: NoteDialog, done: str) -> None:
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self._actions.say(done, "done")
        dialog.deleteLater()
        self.refresh()

    def _preview(self) -> None:
        self.keep_text()
        dialog = TextDialog("The report as text", self._session.report_text(), self.window())
        dialog.exec()
        dialog.deleteLater()

    def _pdf(self) -> None:
        self.keep_text()
        self.pdf.setEnabled(False)

        def done(path: Path) -> None:
            if alive(self):
                self.pdf.setEnabled(True)
            if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
                self._actions.say("No program for PDF was found on this computer.", "wants")

        def failed(error: BaseException) -> None:
            if alive(self):
                self.pdf.setEnabled(True)
            sentence = error.sentence if isinstance(error, RenderDeskError) else "The PDF could not be made."
            self._actions.say(sentence, "refused")

        self._actions.job("Making the PDF", lambda _progress, _stop: self._written(), done, failed)

    def _written(self) -> Path:
        """The PDF as a file for its owner alone; it goes when the program ends, after a kill when the next begins."""
        from pathlib import Path

        from workstation.dicom.unpacked import Unpacked

        folder = Unpacked()
        _SHOWN.append(folder)  # another program reads it, for longer than this panel may live
        path = Path(folder.name) / "report.pdf"
        path.write_bytes(self._session.report_pdf())
        return path

    def _sign(self) -> None:
        self.keep_text()
        dialog = SignDialog(self._desk, self._session, self._actions, self.window())
        signed = dialog.exec() == QDialog.DialogCode.Accepted
        dialog.deleteLater()
        if signed:
            self._actions.say("The report is signed.", "done")
        self.refresh()


class TextDialog(QDialog):
    """The report as plain text, to read or to copy."""

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(640, 720)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(12)
        column.addWidget(Words(title, "heading"))
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        column.addWidget(self.text, 1)
        column.addLayout(row(0, button("Close", self.accept)))
        self.setMinimumWidth(tokens.PANEL_WIDTH)
