"""*Load*: what came with the study, what was chosen and why, whose it is, and the order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from workstation.base.errors import RenderDeskError
from workstation.desk.findings_told import findings_told
from workstation.desk.geometry_report import geometry_report
from workstation.desk.identity import missing_identity
from workstation.desk.phases import phase_name
from workstation.dicom.choose import phases_of
from workstation.window.panels.order_form import OrderForm
from workstation.window.panels.parts import Card, Line, Panel, Rows, Rule, Words, button, sentence_row
from workstation.window.panels.say import counted, listed
from workstation.window.series_strip import one_of_each, plural

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.dicom.found import SeriesFound, VolumeFound
    from workstation.window.actions import Actions

_STATE = {"info": "", "warning": "wants", "refused": "refused"}


class LoadPanel(Panel):
    """The first step."""

    step = "load"
    title = "Load"

    def __init__(self, desk: Desk, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._session, self._actions = desk, session, actions
        self._identity = Card("Whose pictures, which side")
        self._identity_rows = Rows(0)
        self._identity.add(self._identity_rows)
        self._chosen = Card("Shown now")
        self._chosen_rows = Rows(4)
        self._chosen.add(self._chosen_rows)
        self._findings = Card("What was found in the images")
        self._findings_rows = Rows(6)
        self._findings.add(self._findings_rows)
        self._geometry = Card("Geometry")
        self._geometry_rows = Rows(2)
        self._geometry.add(self._geometry_rows)
        self._series = Card("Series of this study")
        self._series_rows = Rows(8)
        self._series.add(self._series_rows)
        self.order = OrderForm(desk, session)
        for card in (self._identity, self._chosen, self._findings, self._geometry, self._series, self.order):
            self.add(card)
        self.finish()
        self.refresh()

    def refresh(self) -> None:
        case, session = self._session.case, self._session
        who = (case.patient, case.findings, case.identity_confirmed_by, case.side_confirmed_by, self._desk.actor)
        if not self._identity_rows.stands(who):
            self._identity_rows.fill(self._identity_parts())
        if not self._chosen_rows.stands((session.choice_line, session.found.id)):
            self._chosen_rows.fill(self._chosen_parts())
        if not self._findings_rows.stands(session.findings):
            self._findings_rows.fill(self._finding_parts())
        if not self._geometry_rows.stands(session.found.id):
            self._geometry_rows.fill(self._geometry_parts())
        if not self._series_rows.stands((session.key, len(session.series))):
            self._series_rows.fill(self._series_parts())
        self.order.refresh()

    def _identity_parts(self) -> list[QWidget]:
        case = self._session.case
        parts: list[QWidget] = []
        lacking = (*missing_identity(case.patient), *(() if case.patient.sex else ("sex",)))
        if lacking:
            by = case.identity_confirmed_by
            if by is not None:
                parts.append(sentence_row("done", f"{by.name} confirmed that these are this patient's pictures."))
            else:
                confirm = button("Confirm", lambda: self._do(self._session.confirm_identity))
                confirm.setObjectName("field_identity")
                confirm.setEnabled(self._desk.may("confirm_identity"))
                confirm.setToolTip(self._desk.why_not("confirm_identity"))
                meaning = "Compare name, number and birth date with the order before you confirm."
                parts.append(
                    sentence_row("wants", f"The files lack the patient's {listed(lacking)}.", meaning, confirm)
                )
        if "position_doubtful" in case.findings:
            by = case.side_confirmed_by
            if by is not None:
                parts.append(sentence_row("done", f"{by.name} confirmed right and left as labelled."))
            else:
                confirm = button("Confirm as labelled", lambda: self._do(self._session.confirm_side))
                confirm.setObjectName("field_side")
                confirm.setEnabled(self._desk.may("confirm_side"))
                confirm.setToolTip(self._desk.why_not("confirm_side"))
                meaning = (
                    "The anatomy and the labels do not agree. If the labels are wrong, close the study and have "
                    "it sent again; nothing can be flipped here."
                )
                parts += [sentence_row("wants", "It is not sure which side is right.", meaning), confirm]
        if not parts:
            parts.append(sentence_row("done", "Name, number and sides agree in all files of this study."))
        return parts

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
        self.refresh()

    def _chosen_parts(self) -> list[QWidget]:
        found = self._session.found
        number = found.facts.get("series_number")
        named = f"Series {number}" if number is not None else ""
        title = " · ".join(str(x) for x in (named, found.facts.get("series_description")) if x)
        parts: list[QWidget] = [Line(title, "strong")] if title else []
        phases = self._session.phases
        if len(phases) > 1:
            parts.append(Words(phases.words(phases.index), "quiet"))
        suits = "Suits 3D" if found.suits_3d else "Does not suit 3D well"
        why = f": {'; '.join(found.score_reasons)}." if found.score_reasons else "."
        parts.append(Words(suits + why, "quiet"))
        return parts

    def _finding_parts(self) -> list[QWidget]:
        told = findings_told(self._session.findings)
        if not told:
            return [sentence_row("done", "Nothing: positions, values and identity agree.")]
        return [
            sentence_row(_STATE[one.severity], one.sentence, " ".join(x for x in (one.means, one.remedy) if x))
            for one in told
        ]

    def _geometry_parts(self) -> list[QWidget]:
        series = next((s for s in self._session.series if s.series_uid == self._session.found.series_uid), None)
        return [_fact(what, value) for what, value in geometry_report(self._session.found, series).rows]

    def _series_parts(self) -> list[QWidget]:
        parts: list[QWidget] = []
        shown = self._session.key.series_uid
        for place, series in enumerate(self._session.series):
            if place:
                parts.append(Rule())
            parts.append(self._series_part(series, series.series_uid == shown))
        return parts

    def _series_part(self, series: SeriesFound, shown: bool) -> QWidget:
        rows = Rows(4)
        number = "" if series.number is None else f"{series.number} · "
        head = Line(f"{number}{series.description or 'Without description'}", "strong")
        kind = counted(series.images, "image")
        quiet = f"{series.modality} · {kind}" + (" · shown now" if shown else "")
        parts: list[QWidget] = [head, Words(quiet, "quiet")]
        parts += [Words(_volume_words(series, v), "quiet") for v in one_of_each(series)]
        if not series.volumes:
            parts.append(Words("Set apart: these images do not make a volume.", "quiet"))
        here = {f.sentence for f in self._session.findings} if shown else set()
        for told in findings_told((*series.findings, *(f for v in series.volumes for f in v.findings))):
            if told.sentence not in here:
                parts.append(sentence_row(_STATE[told.severity], told.sentence))
        rows.fill(parts)
        return rows


def _fact(what: str, value: str) -> QWidget:
    """A line of a table: what, quiet, in a column of its own; the value beside it."""
    line = QWidget()
    column = QHBoxLayout(line)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    name = Words(what, "quiet")
    name.setFixedWidth(96)
    column.addWidget(name, 0, Qt.AlignmentFlag.AlignTop)
    column.addWidget(Words(value), 1)
    return line


def _volume_words(series: SeriesFound, volume: VolumeFound) -> str:
    """One line about a volume, or about a set of phases."""
    slices, rows, columns = volume.geometry.shape
    between, _, within = volume.geometry.spacing_mm
    words = f"{slices} slices of {columns} by {rows}, {between:.1f} mm apart, {within:.2f} mm in the slice"
    of = phases_of(series, volume)
    if len(of) > 1 and volume.phase is not None:
        return f"{len(of)} {plural(phase_name(volume.phase.kind))} of {words}"
    return words
