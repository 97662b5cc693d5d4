"""One opened case: the voxels on screen, the case, its history, and every act that people take on it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from render.picture import Picture
from render.resample import display_copy
from render.view import Box, Labels, Vector, View
from render.volume import Volume
from workstation.base.errors import RenderDeskError
from workstation.base.events import Actor, CaseKey
from workstation.base.findings import Finding
from workstation.case.edits import CHANGES, AnyEdit, to_line
from workstation.case.history import History
from workstation.case.model import Capture, Case, Measured, Measurement, Order, ReportText, SignedReport
from workstation.case.states import progress
from workstation.case.supervision import Supervision, supervision_of
from workstation.desk import (
    captures,
    charge_ledger,
    identity,
    measuring,
    rail,
    separate_session,
    sign_report,
    supervise,
)
from workstation.desk import confirm_charge as charging
from workstation.desk.charge_case import Decided, decide_session
from workstation.desk.fact_sources import FactSource, fact_sources
from workstation.desk.library import take_in
from workstation.desk.note_decision import note_decision
from workstation.desk.phases import Phases, Shown
from workstation.desk.place import Place
from workstation.desk.source import Source
from workstation.dicom.choose import phases_of
from workstation.dicom.found import SeriesFound
from workstation.dicom.load import findings_of
from workstation.people.accounts import People
from workstation.people.roles import Act, require

if TYPE_CHECKING:
    from render.stage import Stage
    from workstation.desk.rail import StepState
    from workstation.report.checks import Check
    from workstation.report.model import ReportContent


class Session:
    """What window and commands work with; made by `Desk.open`.

    Parameters
    ----------
    place, people : the home, and who acts in it
    source : what was chosen, and where its files lie
    volume : voxels as acquired; numbers come from them
    case : the case as it was left, or a new one
    """

    def __init__(self, place: Place, people: People, source: Source, volume: Volume, case: Case) -> None:
        self.place = place
        self.people = people
        self.source = source
        self.found = source.found
        self.volume = volume
        self.display = display_copy(volume) if volume.needs_display_copy else volume
        self.facts: dict[str, Any] = dict(source.found.facts)
        self.findings: tuple[Finding, ...] = source.findings_of(volume)
        self.word = ""
        """SOURCE that was opened; "" where nobody said."""
        self.phases = Phases(phases_of(source.series, source.found) or (source.found,), self._shown())
        self._listeners: list[Callable[[str], None]] = []
        self._history = History(case, self._line)
        self._stage: Stage | None = None
        self._own_stage = False
        self._scene_shown = False
        self._acting = 0
        self._pending: list[str] = []
        self._taking: threading.Thread | None = None
        self._taken_error: RenderDeskError | None = None
        self.closed = False
        self.save()

    def _shown(self) -> Shown:
        return Shown(self.found, self.volume, self.display)

    def show_phase(self, index: int, shown: Shown) -> None:
        """Another phase of the series is on screen from now on; what is made carries it, and numbers come from it.

        Nothing is kept by this: it is looking. Measurements stay bound to the phase that they were made on.
        """
        self.phases.index = index
        self.found, self.volume, self.display = shown.found, shown.volume, shown.display
        self.facts = dict(shown.found.facts)
        self.findings = tuple(dict.fromkeys((*self.source.study.findings, *findings_of(shown.found, shown.volume))))
        key = msgspec.structs.replace(self.key, volume=shown.volume.digest)
        codes = tuple(dict.fromkeys(f.code for f in self.findings))
        self._history.replace(msgspec.structs.replace(self.case, key=key, findings=codes))
        self.told("phase")

    # --- values -----------------------------------------------------------------------------------------------

    @property
    def case(self) -> Case:
        """The case as it stands."""
        return self._history.case

    @property
    def key(self) -> CaseKey:
        """The tuple that everything made here carries."""
        return self.case.key

    @property
    def actor(self) -> Actor | None:
        """Who acts."""
        return self.people.actor

    @property
    def series(self) -> tuple[SeriesFound, ...]:
        """Every series of the study as it was found."""
        return self.source.study.series

    @property
    def copying(self) -> threading.Thread | None:
        """The thread that copies the study's files into the archive, while it runs."""
        return self._taking if self._taking is not None and self._taking.is_alive() else None

    @property
    def choice_line(self) -> str:
        """Which volume is shown, and why, in one line."""
        return self.source.choice_line

    def badges(self) -> tuple[str, ...]:
        """Words that no overlay toggle hides."""
        from workstation.desk.labels import badges_of

        return badges_of(self.volume, self.case)

    def listen(self, callback: Callable[[str], None]) -> None:
        """Be told which part of the case changed."""
        self._listeners.append(callback)

    def told(self, kind: str) -> None:
        """Tell those who listen."""
        for callback in tuple(self._listeners):
            callback(kind)

    # --- keeping ----------------------------------------------------------------------------------------------

    def require(self, act: Act) -> Actor:
        """The acting person, who may do this.

        Raises
        ------
        NotAllowed
            ``not_signed_in``, ``not_allowed``.
        """
        require(self.actor.role if self.actor else None, act)
        assert self.actor is not None
        return self.actor

    def _line(self, edit: AnyEdit) -> None:
        self.place.cases.line(self.key.study_uid, to_line(edit))

    def save(self) -> None:
        """Keep the whole case."""
        text = msgspec.json.encode(self.case).decode("utf-8")
        with self.place.db.writing():
            self.place.cases.save(self.key.study_uid, text, self.place.now())
            self.place.library.set_state(self.key.study_uid, progress(self.case))

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """One act: journal lines and the next case are written together or not at all; then those who listen hear."""
        before, outermost = self.case, not self._acting
        self._acting += 1
        try:
            with self.place.db.writing():
                yield
        except BaseException:
            self._history.replace(before)
            self._pending.clear()
            raise
        finally:
            self._acting -= 1
        if outermost:
            pending, self._pending = dict.fromkeys(self._pending), []
            for kind in pending:
                self.told(kind)

    def put(self, kind: str, **changes: Any) -> Case:
        """An act that is no edit: the next case, kept whole."""
        with self.acting():
            self._history.replace(msgspec.structs.replace(self.case, **changes))
            self.save()
            self._pending.append(kind)
        return self.case

    def do(self, edit: AnyEdit) -> Case:
        """Make an edit; on disk before it applies."""
        case = self._history.do(edit)
        self.told(CHANGES[type(edit)])
        return case

    def undo(self) -> Case:
        """Take the last edit back."""
        case = self._history.undo()
        for kind in ("views", "measurements", "report"):
            self.told(kind)
        return case

    def redo(self) -> Case:
        """Make the last edit again that was taken back."""
        case = self._history.redo()
        for kind in ("views", "measurements", "report"):
            self.told(kind)
        return case

    @property
    def undo_title(self) -> str:
        """Name of what undo takes back, or ""."""
        return self._history.undo_title

    @property
    def redo_title(self) -> str:
        """Name of what redo makes again, or ""."""
        return self._history.redo_title

    # --- files ------------------------------------------------------------------------------------------------

    def start_taking_in(self) -> None:
        """Copy the study's files into the archive in the background, while the person looks."""

        def work() -> None:
            try:
                take_in(self.place, self.source.study, whole=True)
            except RenderDeskError as error:
                self._taken_error = error

        self._taking = threading.Thread(target=work, name="take-in", daemon=True)
        self._taking.start()

    def taken_in(self) -> None:
        """Wait until the study's own files lie in the archive; what is released must have its source there.

        Raises
        ------
        RenderDeskError
            Why they could not be copied.
        """
        if self._taking is not None:
            self._taking.join()
            self._taking = None
        if self._taken_error is not None:
            error, self._taken_error = self._taken_error, None
            self.start_taking_in()
            raise error

    # --- pictures ---------------------------------------------------------------------------------------------

    def use_stage(self, stage: Stage) -> None:
        """Pictures for the record come from this stage (the window's own)."""
        self._stage = stage

    def picture(self, view: View, labels: Labels) -> Picture:
        """A finished picture of this volume; blocks until it is made."""
        from render.stage import Stage

        if self._stage is None:
            self._stage = Stage()
            self._own_stage = True
            self._stage.set_volume(
                self.volume
            )  # planes sample the acquired slices; the stage makes its own copy for 3D
        return self._stage.picture(view, labels)

    def labels(self, view: View, *, record: bool = False, draft: bool = False) -> Labels:
        """Texts of a picture of this case: of the screen, or of the record."""
        from workstation.desk.labels import record_labels, screen_labels

        if not record:
            return screen_labels(self.case, self.facts, self.volume, view)
        name = self.actor.name if self.actor else ""
        return record_labels(
            self.case,
            self.facts,
            self.volume,
            view,
            draft=draft,
            made_by=name,
            made_at=self.place.now(),
            station=self.place.station,
        )

    # --- acts of 3D work --------------------------------------------------------------------------------------

    def scene_shown(self, view: View) -> None:
        """The first 3D scene of this session stands; by itself no act."""
        if not self._scene_shown:
            self._scene_shown = True
            supervise.scene_shown(self, view)

    def steered(self, before: View, after: View, what: str, active_s: float) -> None:
        """A deliberate change of a view by the acting person."""
        supervise.steered(self, before, after, what, active_s)

    def set_region(self, how: str, words: str, box: Box | None) -> None:
        """The acting person set or confirmed where the 3D work looks."""
        supervise.set_region(self, how, words, box)

    def set_tissues(self, how: str, tissues: list[str], look: str) -> None:
        """The acting person chose or confirmed what the 3D work shows."""
        supervise.set_tissues(self, how, tissues, look)

    def return_drafts(self, note: str) -> None:
        """Send the drafts back to the technologist with a note."""
        supervise.return_drafts(self, note)

    def attest(self, acts: dict[str, bool], concurrent: bool | None, text: str) -> None:
        """The physician's own statement on the four acts."""
        supervise.attest(self, acts, concurrent, text)

    def supervision(self) -> Supervision:
        """What the journal says about the physician's part."""
        return supervision_of(supervise.counting(self))

    # --- measurements -----------------------------------------------------------------------------------------

    def preview(
        self,
        kind: str,
        points_lps_mm: tuple[Vector, ...],
        plane_normal: Vector | None = None,
        options: dict[str, Any] | None = None,
    ) -> Measured:
        """The number for points under a moving hand; nothing is kept."""
        return measuring.number(self, kind, points_lps_mm, plane_normal, options)

    def measure(
        self,
        kind: str,
        points_lps_mm: tuple[Vector, ...],
        *,
        plane_normal: Vector | None = None,
        name: str = "",
        options: dict[str, Any] | None = None,
        source_uid: str = "",
    ) -> Measurement:
        """A new measurement, proposed until it is accepted."""
        return measuring.add(self, kind, points_lps_mm, plane_normal, name, options, source_uid)

    def accept(self, measurement_id: str) -> Measurement:
        """The acting person stands for this number."""
        return measuring.accept(self, measurement_id)

    def rename(self, measurement_id: str, name: str) -> Measurement:
        """Give a measurement another name."""
        return measuring.rename(self, measurement_id, name)

    def remove(self, measurement_id: str) -> None:
        """Take a measurement out; undo brings it back."""
        measuring.remove(self, measurement_id)

    # --- captures ---------------------------------------------------------------------------------------------

    def draft(self, picture: Picture, title: str = "", removals: tuple[str, ...] = ()) -> Capture:
        """Keep a picture as a draft."""
        return captures.draft(self, picture, title, removals)

    def png(self, capture: Capture) -> bytes:
        """The draft's or released picture's pixels as PNG."""
        return captures.png(self, capture)

    def shown(self, sop_uid: str, seconds: float, pixels: int) -> None:
        """The acting person has seen a draft so long, so large."""
        captures.shown(self, sop_uid, seconds, pixels)

    def release(self, sop_uid: str, secret: str = "") -> Capture:
        """A physician releases a draft into the record."""
        return captures.release(self, sop_uid, secret)

    def discard(self, sop_uid: str, reason: str = "") -> Capture:
        """A draft that will not be kept."""
        return captures.discard(self, sop_uid, reason)

    def withdraw(self, sop_uid: str, secret: str, reason: str) -> Capture:
        """A physician withdraws a released picture; it stays in the archive and counts no longer."""
        from workstation.desk.withdraw import withdraw

        return withdraw(self, sop_uid, secret, reason)

    # --- order and identity -----------------------------------------------------------------------------------

    def set_order(self, order: Order) -> None:
        """The order as a person entered or corrected it."""
        identity.set_order(self, order)
        note_decision(self)

    def set_diagnoses(self, dx: tuple[tuple[str, str], ...]) -> None:
        """The codes of the claim, in the order of weight."""
        identity.set_diagnoses(self, dx)
        note_decision(self)

    def void_order(self, reason: str) -> None:
        """The order was taken back by who placed it."""
        identity.void_order(self, reason)

    def confirm_identity(self) -> None:
        """A physician confirms who this is where the files leave it open."""
        identity.confirm_identity(self)

    def confirm_side(self) -> None:
        """A physician confirms the sides as labelled."""
        identity.confirm_side(self)

    def set_anatomy(self, anatomy: str, target: str) -> None:
        """The region and the kind of structure rendered, as a person confirms them."""
        identity.set_anatomy(self, anatomy, target)
        note_decision(self)

    # --- report -----------------------------------------------------------------------------------------------

    def set_text(self, text: ReportText) -> None:
        """What the physician writes; an edit like any other."""
        sign_report.set_text(self, text)

    def content(self) -> ReportContent:
        """The report as it would be signed now."""
        return sign_report.content(self)

    def checks(self) -> tuple[Check, ...]:
        """What stands in the way of the signature, or should be looked at."""
        return sign_report.checked(self)

    def report_pdf(self) -> bytes:
        """The report with its key pictures as PDF."""
        return sign_report.pdf(self)

    def report_text(self) -> str:
        """The report as plain text."""
        return sign_report.text(self)

    def sign(self, secret: str, override_reason: str = "") -> SignedReport:
        """Sign: report, measurements, PDF and key pictures become immutable objects of the archive."""
        signed = sign_report.sign(self, secret, override_reason)
        note_decision(self)
        return signed

    def retract(self, secret: str, reason: str) -> SignedReport:
        """Retract the signed report; nothing is deleted."""
        retracted = sign_report.retract(self, secret, reason)
        note_decision(self)
        return retracted

    # --- charge -----------------------------------------------------------------------------------------------

    def give_facts(self, facts: dict[str, Any]) -> None:
        """Facts that only people know, by their path."""
        charging.give_facts(self, facts)
        note_decision(self)

    def decide(self, as_of: str | None = None) -> Decided:
        """What may be charged for this case, and why; the case then names the charge that stands by now.

        Another desk may have confirmed, voided or replaced it since this case was opened.
        """
        self._history.replace(charge_ledger.with_standing_charge(self.place, self.case))
        return decide_session(self, as_of)

    def fact_sources(self, decided: Decided) -> tuple[FactSource, ...]:
        """Where each fact of a decision comes from."""
        return fact_sources(self.place, self.case, decided)

    def confirm_charge(self, secret: str = "", seen: tuple[str, ...] | None = None) -> charging.Confirmed:
        """Confirm the charge, as it was read: ledger, journal and outgoing message in one transaction."""
        return charging.confirm(self, secret, seen)

    def separate_session(self, reason: str) -> int:
        """The open series was acquired in a separate session, as the acting person states; the session's ordinal.

        From then on the charge of this series is one of its own, and what was charged for other series of the study
        is no duplicate of it. `rejoin_session` takes it back.
        """
        with self.acting():
            ordinal = separate_session.separate(self.place, charging.who_states(self), self.case, reason)
            self._name_charge()
        return ordinal

    def rejoin_session(self, reason: str) -> None:
        """Take back that the open series was acquired in a separate session."""
        with self.acting():
            separate_session.rejoin(self.place, charging.who_states(self), self.case, reason)
            self._name_charge()

    @property
    def session_number(self) -> int:
        """Ordinal of the acquisition session of the open series: 1 unless it was recorded as a separate one."""
        return charge_ledger.session_of(self.place, self.case)

    def read_again(self) -> None:
        """Name the charge that stands for this case now, after one was taken back or replaced."""
        self._name_charge()

    def _name_charge(self) -> None:
        self.put("charge", charge=charge_ledger.with_standing_charge(self.place, self.case).charge)

    @property
    def message_path(self) -> Any:
        """The written charge message, or None."""
        return charging.message_path(self)

    def acknowledge_local(self) -> int:
        """Where this computer is the site's archive: acknowledge released pictures that lie here, checksum compared."""
        return captures.acknowledge_local(self)

    # --- rail -------------------------------------------------------------------------------------------------

    def open_points(self) -> dict[Literal["load", "view", "segment", "measure", "report", "charge"], StepState]:
        """What each step still wants."""
        return rail.open_points(self)

    def close(self, *, wait: bool = True) -> None:
        """Save and let go of the voxels. Files that are still being copied go on; `wait` until they are there."""
        if self._taking is not None and wait:
            self._taking.join()
        self.save()
        self.closed = True
        self.phases.close()
        if self._own_stage and self._stage is not None:
            self._stage.close()
        self._listeners.clear()
