"""Beside the study list: what the study holds, whose it is, and what can be done with it; questions are asked here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from workstation.base.errors import RenderDeskError
from workstation.desk.export_study import FACE
from workstation.window import names, words
from workstation.window.jobs import sentence_of
from workstation.window.models.studies import STATES, modalities
from workstation.window.panels.parts import Card, Words, sentence_row
from workstation.window.series_strip import from_png
from workstation.window.theme import tokens
from workstation.window.widgets import Elided, button, label, named, restate

if TYPE_CHECKING:
    from workstation.archive.index import SeriesRow, StudyRow
    from workstation.archive.reconcile import Question
    from workstation.desk.desk import Desk
    from workstation.desk.export_study import Exported
    from workstation.people.roles import Act
    from workstation.window.actions import Actions

_SMALL = QSize(84, 64)
_MOST_SERIES = 12


class StudyDetail(QWidget):
    """Signals: `open_study(StudyRow)`, `export(study UIDs, folder, without identity, looked)`,
    `delete(study UID, reason)`, `decide()` an identity waits for a decision.
    """

    open_study = Signal(object)
    export = Signal(object, object, bool, bool)
    delete = Signal(str, str)
    decide = Signal()

    def __init__(self, desk: Desk, actions: Actions) -> None:
        super().__init__()
        self._desk, self._actions = desk, actions
        self.row: StudyRow | None = None
        self.asked: tuple[Question, ...] = ()
        """What waits for a decision about identities, as the list was read."""
        self.coming = False
        """Whether something comes in just now."""
        named(self, "LibraryDetail")
        self.setFixedWidth(tokens.PANEL_WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 18, 16, 16)
        column.setSpacing(8)
        self.name = Elided(role="name")
        self.who = label("", "quiet", wrap=True)
        self.badge = label("", "badge")
        self.badge.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        held = QHBoxLayout()
        held.addWidget(self.badge)
        held.addStretch(1)
        column.addWidget(self.name)
        column.addWidget(self.who)
        column.addLayout(held)
        self.pages = QStackedWidget()
        self.export_form = ExportForm()
        self.delete_form = DeleteForm()
        for page in (self._summary(), self.export_form, self.delete_form):
            self.pages.addWidget(page)
        column.addWidget(self.pages, 1)
        self.export_form.gone.connect(self.back)
        self.delete_form.gone.connect(self.back)
        self.export_form.chosen.connect(self._export)
        self.delete_form.sure.connect(self._delete)

    def _summary(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.viewport().setAutoFillBackground(False)
        inner = named(QWidget(), "DetailInner")
        self._parts = QVBoxLayout(inner)
        self._parts.setContentsMargins(0, 0, 4, 0)
        self._parts.setSpacing(8)
        area.setWidget(inner)
        column.addWidget(area, 1)
        self.open = button("Open", "primary")
        self.open.setMinimumHeight(32)
        self.open.clicked.connect(self._open)
        self.export_button = button("Export ...", glyph="paper-plane-tilt")
        self.export_button.clicked.connect(self.ask_export)
        self.delete_button = button("Delete ...", glyph="trash")
        self.delete_button.clicked.connect(self.ask_delete)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.open, 1)
        row.addWidget(self.export_button)
        row.addWidget(self.delete_button)
        column.addLayout(row)
        return page

    # What is shown.

    def show_study(self, row: StudyRow | None) -> None:
        """Show this study, or nothing."""
        self.row = row
        self.pages.setVisible(row is not None)
        for part in (self.name, self.who):
            part.setVisible(row is not None)
        self.badge.setVisible(row is not None)
        self._clear()
        if row is None:
            return
        self.back()
        self.name.set_whole(names.in_the_list(row.patient_name))
        born = words.date(row.birth_date) or "birth date not known"
        self.who.setText(" · ".join((row.patient_id or "no ID", born, row.sex or "sex not known")))
        text, state = STATES.get(row.state, (row.state, ""))
        self.badge.setText(text)
        restate(self.badge, state=state)
        self._warn(row)
        for series in self._desk.series(row.part_of or row.study_uid)[:_MOST_SERIES]:
            self._parts.addWidget(SeriesLine(series, self._desk.thumbnail(series.series_uid)))
        self._parts.addWidget(self._study_card(row))
        self._parts.addWidget(self._person_card(row))
        self._parts.addStretch(1)
        closed = self._desk.why_not("view")
        self.open.setEnabled(not row.mixed and not closed)
        self.open.setToolTip(closed)
        self.open.setText("Open" if row.state == "new" else "Continue")
        acts: tuple[tuple[Act, QWidget], ...] = (("export", self.export_button), ("delete", self.delete_button))
        for act, widget in acts:
            free = act == "delete" and self._desk.needs_first_account
            why = "" if free else self._desk.why_not(act)
            widget.setEnabled(not why)
            widget.setToolTip(why)

    def _clear(self) -> None:
        while self._parts.count():
            item = self._parts.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _warn(self, row: StudyRow) -> None:
        if row.mixed:
            go = button("Decide ...")
            go.clicked.connect(self.decide)
            told = "Files of this study name several patients; it opens when it is decided whose they are."
            self._parts.addWidget(sentence_row("refused", told, "", go))
        elif row.partial and self.coming:
            self._parts.addWidget(sentence_row("", "This study is coming in; it is whole when the import has ended."))
        elif row.partial:
            told = "Taking this study in was interrupted; images may be missing."
            self._parts.addWidget(sentence_row("wants", told, "Import it again: what is here is kept."))

    def _study_card(self, row: StudyRow) -> Card:
        card = Card("Study")
        card.add(Words(row.description.replace("^", " ") or f"{modalities(row)} study without a description".strip()))
        parts = [words.date(row.date) or "date not known"]
        if row.accession:
            parts.append(f"accession {row.accession}")
        count = ", ".join(x for x in (f"{row.series} series", f"{row.images:,} images", modalities(row)) if x)
        card.add(Words(" · ".join(parts), "quiet"))
        card.add(Words(count, "quiet"))
        return card

    def _person_card(self, row: StudyRow) -> Card:
        card = Card("Earlier and other studies")
        try:
            priors = self._desk.priors(row.study_uid)
        except RenderDeskError:
            priors = ()
        for other in priors[:4]:
            told = " · ".join(x for x in (words.date(other.date), other.description or modalities(other)) if x)
            card.add(Words(told or "study without a date", "quiet"))
        if not priors:
            card.add(Words("None under this ID.", "quiet"))
        if row.corrected:
            card.add(Words("The identity was corrected here; the files still state the old one.", "quiet"))
        asked = [q for q in self.asked if row.patient_key in q.patients and not q.study_uid]
        if asked:
            go = button("Decide ...")
            go.clicked.connect(self.decide)
            many = "1 other identity" if len(asked) == 1 else f"{len(asked)} other identities"
            possible = asked[0].kind == "identity_possible"
            told = f"{many} may be the same person." if possible else f"{many} under the same ID: a conflict."
            card.add(sentence_row("wants" if possible else "refused", told, "", go))
        return card

    # What is asked.

    def back(self) -> None:
        """The study again."""
        self.pages.setCurrentIndex(0)

    def _open(self) -> None:
        if self.row is not None and not self.row.mixed:
            self.open_study.emit(self.row)

    def ask_export(self) -> None:
        """How it is to be written."""
        if self.row is not None:
            self.export_form.begin(self.row)
            self.pages.setCurrentWidget(self.export_form)

    def ask_delete(self) -> None:
        """The first of two steps: what would go."""
        if self.row is None:
            return
        try:
            asked = self._desk.deletion(self.row.study_uid)
        except RenderDeskError as refusal:
            self._actions.refused(refusal)
            return
        self.pages.setCurrentWidget(self.delete_form)
        self.delete_form.begin(asked.sentence)

    def _export(self, out: Path, anonymise: bool, looked: bool) -> None:
        if self.row is not None:
            self.export.emit((self.row.study_uid,), out, anonymise, looked)

    def _delete(self, reason: str) -> None:
        if self.row is not None:
            self.delete.emit(self.row.study_uid, reason)

    def exported(self, done: Exported) -> None:
        """What was written, what was left out, what should be known."""
        self.export_form.tell(done)

    def not_exported(self, error: BaseException) -> None:
        """Why nothing was written."""
        self.export_form.refuse(sentence_of(error))

    def not_deleted(self, error: RenderDeskError) -> None:
        """Why it is still there."""
        self.delete_form.refuse(error.sentence)


class SeriesLine(QWidget):
    """A series with its small picture."""

    def __init__(self, series: SeriesRow, png: bytes | None) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        picture = named(QLabel(), "SmallPicture")
        picture.setFixedSize(_SMALL)
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        small = from_png(png, _SMALL, self.devicePixelRatioF()) if png is not None else None
        if small is not None:
            picture.setPixmap(small)
        row.addWidget(picture)
        number = "" if series.number is None else f"{series.number} · "
        text = QVBoxLayout()
        text.setSpacing(2)
        title = Elided(f"{number}{series.description or series.modality}", role="strong")
        text.addWidget(title)
        images = "1 image" if series.images == 1 else f"{series.images:,} images"
        kind = f"{series.modality} · {images}" + (" · made here" if series.made_here else "")
        text.addWidget(label(kind, "quiet"))
        text.addStretch(1)
        row.addLayout(text, 1)
        if small is None:
            picture.hide()


class ExportForm(QWidget):
    """Signals: `chosen(folder, without identity, looked)`, `gone()`."""

    chosen = Signal(object, bool, bool)
    gone = Signal()

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        card = Card("Export")
        self.whole = QRadioButton("As they are, with the patient's name")
        self.clean = QRadioButton("Without identity, new identifiers, dates shifted")
        self.looked = QCheckBox("I have looked: no text is burned in")
        self.looked.setToolTip(
            "Pictures made from others (MIP, reformats) go only when somebody has looked at them for text."
        )
        self.clean.setChecked(True)
        self.note = label("", "quiet", wrap=True)
        self.face = label(FACE, "quiet", wrap=True)
        self.clean.toggled.connect(self._stand)
        for part in (self.clean, self.whole, self.looked, self.note, self.face):
            card.add(part)
        column.addWidget(card)
        self.answer = QWidget()
        self._told = QVBoxLayout(self.answer)
        self._told.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.answer)
        column.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.cancel = button("Back")
        self.cancel.clicked.connect(self.gone)
        self.go = button("Choose a folder ...", "primary")
        self.go.clicked.connect(self._choose)
        row.addWidget(self.cancel)
        row.addWidget(self.go, 1)
        column.addLayout(row)

    def begin(self, row: StudyRow) -> None:
        """Ask for this study; one with several patients goes as it is or not at all."""
        self.clean.setEnabled(not row.mixed)
        self.clean.setChecked(not row.mixed)
        self.whole.setChecked(row.mixed)
        self.looked.setChecked(False)
        self._clear()
        self._stand()

    def _stand(self) -> None:
        self.looked.setEnabled(self.clean.isChecked())
        told = "Names, numbers and dates stay in the files: for another clinic, never for teaching."
        if self.clean.isChecked():
            told = (
                "By the Basic Profile of DICOM PS3.15. Every byte is searched for the patient's name and numbers "
                "before the folder appears. Captures, scanned papers, ultrasound and reports stay here: text in them "
                "cannot be ruled out."
            )
        self.note.setText(told)
        self.face.setVisible(self.clean.isChecked())

    def _choose(self) -> None:
        parent = QFileDialog.getExistingDirectory(self, "Where the new folder shall stand")
        if parent:
            self.write(Path(parent))

    def write(self, parent: Path) -> None:
        """Into a new folder there; its name says nothing."""
        number = 1
        while (parent / f"export-{number:03d}").exists():
            number += 1
        self._clear()
        self.go.setEnabled(False)
        self.chosen.emit(parent / f"export-{number:03d}", self.clean.isChecked(), self.looked.isChecked())

    def tell(self, done: Exported) -> None:
        """What came of it."""
        self._clear()
        files = "1 file" if done.files == 1 else f"{done.files:,} files"
        self._told.addWidget(sentence_row("done", f"{files} in the folder {done.out.name}.", str(done.out.parent)))
        for reason, n in done.left_out:
            self._told.addWidget(sentence_row("wants", f"{n:,} left out: {reason}."))
        for warning in done.warnings:
            self._told.addWidget(sentence_row("wants", warning))

    def refuse(self, sentence: str) -> None:
        """Why not."""
        self._clear()
        self._told.addWidget(sentence_row("refused", sentence))

    def _clear(self) -> None:
        self.go.setEnabled(True)
        while self._told.count():
            item = self._told.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()


class DeleteForm(QWidget):
    """The second of two steps. Signals: `sure(reason)`, `gone()`."""

    sure = Signal(str)
    gone = Signal()

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        self.card = Card("Delete", "refused")
        self.words = Words("")
        self.note = Words("The journal and the ledger keep what was done; the files cannot be brought back.", "quiet")
        self.reason = QLineEdit()
        self.reason.setPlaceholderText("Reason, kept in the journal")
        self.refusal = Words("", state="refused")
        self.refusal.hide()
        for part in (self.words, self.note, self.reason, self.refusal):
            self.card.add(part)
        column.addWidget(self.card)
        column.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.cancel = button("Back", "primary")
        self.cancel.clicked.connect(self.gone)
        self.go = button("Delete for good", "danger")
        self.go.clicked.connect(lambda: self.sure.emit(self.reason.text().strip()))
        # never where *Delete ...* stood: a double-click there must not go through both steps
        row.addWidget(self.go)
        row.addWidget(self.cancel, 1)
        column.addLayout(row)
        self.reason.textChanged.connect(self._stand)

    def begin(self, sentence: str) -> None:
        """Say what would go."""
        self.words.say(sentence)
        self.reason.clear()
        self.refusal.hide()
        self._stand()
        self.reason.setFocus()

    def _stand(self) -> None:
        said = bool(self.reason.text().strip())
        self.go.setEnabled(said)
        self.go.setToolTip("" if said else "Say why first; the reason is kept in the journal.")

    def refuse(self, sentence: str) -> None:
        """Why not."""
        self.refusal.say(sentence)
        self.refusal.show()
