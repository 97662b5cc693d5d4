"""The window's frame: pages, who acts, opening as a transaction, locking, dropping, and the keys."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QResizeEvent,
    QWindow,
)
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from render.errors import Cancelled
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.desk.findings_told import refusal_told
from workstation.window import words
from workstation.window.actions import Actions
from workstation.window.captions import bar_badges
from workstation.window.case_page import CasePage
from workstation.window.gestures import TOOLS
from workstation.window.intake import Intake
from workstation.window.jobs import Job, Jobs, Stopped, sentence_of
from workstation.window.library_view import LibraryView
from workstation.window.palette import KeySheet, Palette
from workstation.window.patient_bar import PatientBar
from workstation.window.rail import STEPS
from workstation.window.sign_in import Cover
from workstation.window.status import StatusBar
from workstation.window.widgets import named, restate

if TYPE_CHECKING:
    from render.stage import Stage
    from render.volume import Volume
    from workstation.archive.index import StudyRow
    from workstation.desk.arrival import Arrival
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session

_log = logging.getLogger(__name__)
_IDLE_MIN, _IDLE_LEAST, _IDLE_MOST = 10, 2, 30  # minutes: idle lock of the clinical rules (7.2)
_FIRST_S = 0.4  # for which loading holds still until the first slice is painted
_INPUT = {QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress, QEvent.Type.Wheel}
_KEYPAD = {Qt.Key.Key_1: "AP", Qt.Key.Key_3: "LR", Qt.Key.Key_7: "SI"}
_KEYPAD |= {Qt.Key.Key_End: "AP", Qt.Key.Key_PageDown: "LR", Qt.Key.Key_Home: "SI"}  # with NumLock off
_SCROLL = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}


class MainWindow(QMainWindow):
    """One window on one home. Signal `arriving(ticket, Arrival, Volume)`, from the thread that opens a study.

    Parameters
    ----------
    desk : the use cases
    stage : makes the pictures; the window closes both
    bundled : folder of the bundled study, or None where the installation came without
    """

    arriving = Signal(int, object, object)

    def __init__(self, desk: Desk, stage: Stage, bundled: Path | None = None) -> None:
        super().__init__()
        self.desk, self.stage, self.bundled = desk, stage, bundled
        self.setWindowTitle("RenderDesk")
        self.resize(1600, 1000)
        self.setMinimumSize(1024, 640)
        self.setAcceptDrops(True)
        self.jobs = Jobs(self)
        self.actions_ = Actions(self, self.jobs)
        self._wanted: tuple[str, str | None, str | None, StudyRow | None] | None = None
        self._opening = 0
        self._coming: Job | None = None
        self._seen = threading.Event()
        self._came = ""  # what an import said that opened its study
        self._request: tuple[str | None, str | None, StudyRow | None] = (None, None, None)
        self.bar = PatientBar(self.actions_)
        self.status = StatusBar()
        self.library = LibraryView(desk, self.actions_, bundled=bundled is not None)
        self.case = CasePage(desk, self.actions_, stage)
        self.pages = QStackedWidget()
        self.charges: QWidget | None = None
        for page in (self.library, self.case):
            self.pages.addWidget(page)
        frame = named(QWidget(), "Frame")
        column = QVBoxLayout(frame)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.pages, 1)
        column.addWidget(self.status)
        self.setCentralWidget(frame)
        self.palette_, self.keys = Palette(self.actions_, self), KeySheet(self)
        self.cover = Cover(desk, self)
        self.intake = Intake(
            self,
            desk,
            self.actions_,
            self.jobs,
            self.library,
            idle=self._idle_now,
            listed=lambda: self.pages.currentWidget() is self.library,
            show=self._open_taken_in,
        )
        self._connect()
        self._bind()
        self.actions_.enable_case(False)
        self._idle = QTimer(self)
        self._idle.timeout.connect(self._lock_when_idle)
        self._idle.start(5000)
        self._last_input = time.monotonic()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            # input comes through the windows: a filter on the whole program would see every paint and layout as well
            app.focusWindowChanged.connect(self._watch)
        self._show_archive()

    # Wiring.

    def _connect(self) -> None:
        self.actions_.said.connect(self.status.say)
        self.jobs.began.connect(self.status.begin_job)
        self.jobs.moved.connect(self._job_moved)
        self.jobs.ended.connect(self.status.end_job)
        self.status.cancelled.connect(self.jobs.cancel)
        self.bar.page.connect(self.show_page)
        self.library.open_study.connect(self.open_row)
        self.library.open_bundled.connect(self.open_bundled)
        self.library.export.connect(self._export)
        self.case.series.connect(self.open_series)
        self.case.stopped.connect(self.give_up)
        self.arriving.connect(self._arrive, Qt.ConnectionType.QueuedConnection)
        self.case.hover.connect(self.status.pointer.setText)
        self.case.made.connect(self.status.show_made)
        self.case.changed.connect(self._case_changed)
        self.cover.signed_in.connect(self._signed_in)
        self.cover.went_back.connect(self._uncovered)

    def _bind(self) -> None:
        bind = self.actions_.bind
        bind("palette", self.palette_.begin)
        bind("keys", self.keys.begin)
        bind("library", self.show_library)
        bind("charges.*", self._show_charges)
        bind("import", self.intake.choose_files)
        bind("import_folder", self.intake.choose_folder)
        bind("switch_user", self.switch_user)
        bind("lock", self.lock)
        bind("account", self.make_account)
        bind("quit", self.close)
        bind("close_case", self.close_case)
        bind("undo", self._undo)
        bind("redo", self._redo)
        bind("capture", self.capture)
        bind("discard", self.discard)
        bind("cine", self._cine)
        bind("phase.on", lambda: self._phase(1))
        bind("phase.back", lambda: self._phase(-1))
        bind("next_point", self.case.next_point)
        bind("panel", lambda: self.case.panel.setVisible(not self.case.panel.isVisible()))
        bind("film", lambda: self.case.film.setVisible(not self.case.film.isVisible()))
        bind("step.*", self.case.choose_step)
        bind("layout.*", self.case.arrange)
        bind("maximise", self.case.maximise)
        bind("series.*", lambda both: self.open_series(*both.split("|", 1)))
        for name in TOOLS:
            bind(f"tool.{name}", partial(self._tool, name))
        hand = self._hand
        bind("leave", self._leave)
        bind("reset", lambda: hand().reset())
        bind("info", lambda: hand().next_overlays())
        bind("cross", lambda: hand().toggle_cross())
        bind("next_pane", lambda: hand().next_pane())
        bind("uncrop", lambda: hand().uncrop())
        bind("clip", self._clip)
        bind("renderer.*", self._renderer)
        bind("unclip", lambda: hand().uncut())
        bind("planes3d", lambda: hand().toggle_planes())
        bind("delete", self._delete)
        bind("view.*", lambda letter: hand().stand_at(letter))
        bind("technique.*", lambda name: hand().technique(name))
        bind("preset.*", lambda name: hand().set_preset(name))
        bind("window.*", lambda number: hand().window_key(int(number)))
        bind("slab.off", lambda: hand().set_slab("off"))
        bind("slab.mip", lambda: hand().set_slab("mip"))
        bind("slab.minip", lambda: hand().set_slab("minip"))
        bind("slab.mean", lambda: hand().set_slab("mean"))
        bind("slab.thicker", lambda: hand().slab_step(1))
        bind("slab.thinner", lambda: hand().slab_step(-1))
        bind("slab_mm", self._slab_mm)
        self.actions_.on_go(self.go_to)

    def _hand(self) -> Any:
        if self.case.hand is None:
            raise InputRefused("no_case", "Open a study first.")
        return self.case.hand

    def _renderer(self, wish: str) -> None:
        """A person's choice of what draws volumes; kept in the home, and said with its reason."""
        from render import policy

        memory = self.desk.place.home / policy.FILE
        self.actions_.say("Asking the graphics card ..." if wish in {"auto", "again"} else "One moment ...")

        def work(_progress: Any, _stop: Any) -> policy.Machine:
            if wish == "again":
                return policy.ask_again(memory)
            return policy.want(memory, {"caster": policy.CASTER, "gpu": policy.GPU}.get(wish, ""))

        def done(found: policy.Machine) -> None:
            self.stage.use_renderer(found.renderer, now=True)
            if self.case.hand is not None:
                self.case.hand.request("3d")
            self.actions_.say(f"Volumes are drawn by: {found.sentence}", "done")

        self.actions_.job("Choosing the renderer", work, done, self.actions_.refused)

    def _clip(self) -> None:
        """One more cutting plane, and the tool that moves it."""
        hand = self._hand()
        had = bool(hand.view("3d").clips)
        self.actions_.run("tool.clip")
        if had:
            hand.scenery.add_clip()

    def _slab_mm(self, mm: float) -> None:
        slab = self._hand().scene.views["axial"].slab
        self._hand().set_slab(slab.mode if slab else "mip", mm)

    def _leave(self) -> None:
        self._hand().gestures.leave()

    def _tool(self, name: str) -> None:
        self._hand().gestures.choose_tool(name)
        self.actions_.qaction(f"tool.{name}").setChecked(True)

    # Who acts.

    def begin(self, source: str = "", series: str | None = None, volume: str | None = None) -> None:
        """Ask who is working; then open what was named, or show the study list."""
        if source:
            self._wanted = (source, series, volume, None)
        if self.desk.actor is None:
            self.cover.ask()
        else:
            self._signed_in()

    def _signed_in(self) -> None:
        actor = self.desk.actor
        self.bar.show_actor(actor)
        self._uncovered()
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.open(*wanted)
        elif self.case.session is not None:
            self.case.person_changed()
        elif actor is not None and actor.role == "biller":
            self._show_charges()  # a biller's work is the worklist, without pictures
        else:
            self.show_library()
        if actor is not None and actor.role == "administrator" and len(self.desk.accounts()) == 1:
            self.actions_.say("Make accounts for those who will work here: Ctrl+K, Make an account.", "wants")

    def _uncovered(self) -> None:
        self._last_input = time.monotonic()
        self._retitle()
        if self.case.hand is not None and self.pages.currentWidget() is self.case:
            self.case.panes[self.case.hand.active].viewport.setFocus()

    def switch_user(self) -> None:
        """Somebody else signs in over what is open."""
        told = "The case stays open for who comes next." if self.case.session is not None else ""
        self.cover.ask(told, may_go_back=True)

    def lock(self, why: str = "Locked. The case stays as it is; sign in to go on.") -> None:
        """Hide pixels and names until somebody signs in; work is kept, the acting identity ends."""
        for widget in (QApplication.activeModalWidget(), QApplication.activePopupWidget()):
            if widget is not None:
                widget.close()
        self.palette_.hide()
        self.keys.hide()
        self.desk.sign_out("locked")
        self.bar.show_actor(None)
        self.setWindowTitle("RenderDesk")
        self.cover.ask(why)

    def _lock_when_idle(self) -> None:
        try:
            minutes = float(self.desk.setting("lock.minutes", str(_IDLE_MIN)))
        except ValueError:
            minutes = _IDLE_MIN
        minutes = min(_IDLE_MOST, max(_IDLE_LEAST, minutes))
        if self.desk.actor is not None and time.monotonic() - self._last_input > minutes * 60:
            self.lock(f"Locked after {minutes:.0f} minutes without a hand. The case stays as it is.")

    def make_account(self) -> None:
        """The form for a further account."""
        why = self.desk.why_not("accounts")
        if why:
            raise InputRefused("not_allowed", why)
        self.cover.ask_account()

    # Pages.

    def show_page(self, name: str) -> None:
        """The study list or the biller's worklist."""
        if name == "charges":
            self._show_charges()
        else:
            self.show_library()

    def show_library(self) -> None:
        """The study list; an opened case stays open behind it until another is opened."""
        self.close_case()

    def _show_library(self) -> None:
        self.bar.show_case(None, (), "studies")
        self.pages.setCurrentWidget(self.library)
        self.library.refresh()
        self.library.search.setFocus()
        self._retitle()

    def _show_charges(self, page: str = "") -> None:
        fresh = self.charges is None
        if self.charges is None:
            from workstation.window.charges_page import ChargesPage

            view = ChargesPage(self.desk, self.actions_)
            view.open_case.connect(self._open_charge)
            view.open_at.connect(self._open_charge)
            self.charges = view
            self.pages.addWidget(view)
        if self.case.session is not None:
            self._leave_case()
            self._opening += 1
            self.case.blank("")
        self.status.forget()
        self.pages.setCurrentWidget(self.charges)
        self.bar.show_case(None, (), "charges")
        self._retitle()
        show, refresh = getattr(self.charges, "show_page", None), getattr(self.charges, "refresh", None)
        if page and show is not None:
            show(page)
        elif refresh is not None and not fresh:
            refresh()

    def _open_charge(self, study_uid: str, where: str = "charge") -> None:
        step = where.split(":", 1)[0]
        self.case.step = step if step in STEPS else "report" if step == "film" else "view"
        self.open(f"study:{study_uid}")

    def go_to(self, where: str) -> None:
        """Lead a person to a place: a step, a field of it, the film strip, a pane, the list."""
        place, _, field = where.partition(":")
        if place in {"step", "pane"}:
            place, _, field = field.partition(":")
        if place in STEPS:
            self.case.choose_step(place)
            QTimer.singleShot(0, lambda: self.case.focus_field(field))
        elif place == "film":
            self.case.film.setVisible(True)
            drafts = [f for f in self.case.film.frames if f.capture.state == "draft"]
            if drafts:
                drafts[0].setFocus(Qt.FocusReason.OtherFocusReason)
        elif place in self.case.panes and self.case.hand is not None:
            if place not in self.case.fourup.shown():
                self.case.arrange("four")
            self.case.hand.activate(place)
        elif place == "library":
            self.show_library()
        elif place == "charges":
            self._show_charges()

    # Opening, as a transaction.

    def open_row(self, row: StudyRow) -> None:
        """A study of the list."""
        self.open(f"study:{row.study_uid}", None, None, row)

    def open_bundled(self) -> None:
        """The study that comes with the program."""
        if self.bundled is not None:
            self.open(str(self.bundled))

    def open_series(self, series_uid: str, volume: str) -> None:
        """Another volume of the opened study; that a person chose it is journaled."""
        session = self.case.session
        if session is not None:
            self.open(session.word or self._source, series_uid, volume, beside=session)

    def open(
        self,
        source: str,
        series: str | None = None,
        volume: str | None = None,
        row: StudyRow | None = None,
        beside: Session | None = None,
    ) -> None:
        """Blank, load, read back whose files these are, and only then show; else blank panes and one sentence.

        The first slice stands as soon as it is decoded and its own file agrees with the request; the rest fills in.
        """
        if self.desk.actor is None:
            self._wanted = (source, series, volume, row)
            self.cover.ask()
            return
        self._leave_case()
        self._opening += 1
        ticket = self._opening
        self._source = source
        self._request, self._came = (series, volume, row), ""
        self.pages.setCurrentWidget(self.case)
        self.case.blank("Opening ...")
        self.case.panes["axial"].viewport.setFocus()
        self.bar.show_case(None, (), "")
        self._retitle()

        seen = self._seen = threading.Event()

        def arrive(arrival: Arrival, state: Volume) -> None:
            self.arriving.emit(ticket, arrival, state)
            if not seen.is_set():  # the first slice has the machine to itself until it is on screen
                seen.wait(_FIRST_S)
                seen.set()

        def work(progress: Any, stop: Any) -> Session:
            def unpacking(done: int, of: int) -> None:
                progress(done / max(1, of), f"Unpacking: {words.size(done)} of {words.size(of)}")

            return self.desk.open(
                source, series, volume, beside=beside, progress=progress, unpacking=unpacking, stop=stop,
                arriving=arrive,
            )  # fmt: skip

        def moved(done: float, of: float, told: str) -> None:
            if ticket == self._opening and self.case.session is None:
                what = "Reading headers" if self.case.hand is None else "Loading slices"
                self.case.progress(told if told.startswith("Unpacking") else what, done, of)

        self._coming = self.jobs.start(
            "Opening the study",
            work,
            lambda session: self._opened(ticket, session, series, volume, row),
            partial(self._not_opened, ticket),
            lane="open",
            moved=moved,
        )

    def _arrive(self, ticket: int, arrival: Arrival, state: Volume) -> None:
        """The first slice, or a later state, of what is being opened; an overtaken one never reaches a pane."""
        if ticket != self._opening or self.desk.actor is None or self.case.session is not None:
            return
        if self.case.hand is not None:
            self.case.hand.advance(state)
            return
        refusal = mismatch(arrival, *self._request)
        if refusal:
            if self._coming is not None:
                self._coming.cancel(quiet=True)
            self._not_opened(ticket, InputRefused("identity_mismatch", refusal))
            self._opening += 1
            return
        self.bar.show_case(arrival.case, bar_badges(arrival, demo=self.desk.demo))
        self.actions_.enable_looking()
        hand = self.case.show_arrival(arrival)
        hand.made.connect(lambda *_, seen=self._seen: seen.set())
        self._retitle()

    def give_up(self) -> None:
        """The person does not want to wait: nothing of what was coming stays."""
        self.close_case()
        self.actions_.say("Opening was cancelled; nothing was changed.")

    def _opened(
        self, ticket: int, session: Session, series: str | None, volume: str | None, row: StudyRow | None
    ) -> None:
        if ticket != self._opening or self.desk.actor is None:
            session.close(wait=False)  # a later request came, or nobody acts any more: it never reaches a pane
            return
        self._coming = None
        try:
            refusal = mismatch(session, series, volume, row)
            if refusal:
                session.close(wait=False)
                self._not_opened(ticket, InputRefused("identity_mismatch", refusal))
                return
            self.bar.show_case(session.case, bar_badges(session, demo=self.desk.demo))
            self.actions_.enable_case(True)
            self.case.show_case(session)
        except (RenderDeskError, RuntimeError, ValueError) as error:
            _log.exception("showing the case failed")
            session.close(wait=False)
            self._not_opened(ticket, error)
            return
        self._retitle()
        self.status.say(" ".join(x for x in (self._came, session.choice_line) if x))
        self._came = ""
        self.case.panes[self.case.hand.active if self.case.hand else "axial"].viewport.setFocus()

    def _not_opened(self, ticket: int, error: BaseException) -> None:
        if ticket != self._opening:
            return
        self._coming = None
        self.actions_.enable_case(False)
        self.case.blank("")
        self._show_library()
        if not isinstance(error, Stopped | Cancelled):
            code = error.code if isinstance(error, RenderDeskError) else ""
            self.actions_.say(refusal_told(code, sentence_of(error)), "refused")

    def close_case(self) -> None:
        """Save, let go of the voxels, and show the study list."""
        self._leave_case()
        self._opening += 1
        self.case.blank("")
        self._show_library()

    def _leave_case(self) -> None:
        """What is open is saved and left; what is still coming is stopped and never shown."""
        if self._coming is not None:
            self._coming.cancel(quiet=True)
            self._coming = None
        session = self.case.session
        self.actions_.enable_case(False)
        self.status.forget()
        if session is None:
            return
        self.case.blank("")
        try:
            session.close(wait=False)
        except RenderDeskError as error:
            self.actions_.say(error.sentence, "refused")

    def _job_moved(self, fraction: float, words_: str) -> None:
        self.status.move_job(fraction, words_)

    def _cine(self) -> None:
        if self.case.phases.session is None:
            raise InputRefused("one_phase", "This series has one phase; there is nothing to run through.")
        self.case.phases.toggle()

    def _phase(self, by: int) -> None:
        if self.case.phases.session is None:
            raise InputRefused("one_phase", "This series has one phase.")
        self.case.phases.step(by)

    def _retitle(self) -> None:
        # no patient's name: task bars, screen sharing and window lists show this title to others
        actor = self.desk.actor
        who = f" · {actor.name} ({actor.role})" if actor else ""
        demo = " · DEMO" if self.desk.demo else ""
        self.setWindowTitle(f"RenderDesk{demo}{who}")

    def _case_changed(self) -> None:
        session, hand = self.case.session, self.case.hand
        if session is None or hand is None:
            return
        badges = bar_badges(session, demo=self.desk.demo)
        if badges != self.bar.badges:
            self.bar.show_case(session.case, badges)
        for act, title in (("undo", session.undo_title), ("redo", session.redo_title)):
            action = self.actions_.qaction(act)
            action.setEnabled(bool(title))
            action.setText(f"{act.capitalize()}: {title}" if title else act.capitalize())
            action.setToolTip(action.text())
        window = hand.view().window
        self.status.window_words.setText(words.window(window) if window else "")

    # Acts.

    def _undo(self) -> None:
        session = self.case.session
        if session is None or not session.undo_title:
            return
        title = session.undo_title
        session.undo()
        self._hand().take_back()
        self.actions_.say(f"Undone: {title}")

    def _redo(self) -> None:
        session = self.case.session
        if session is None or not session.redo_title:
            return
        title = session.redo_title
        session.redo()
        self._hand().take_back()
        self.actions_.say(f"Done again: {title}")

    def _delete(self) -> None:
        session = self.case.session
        if session is None or not session.case.measurements:
            self.actions_.say("There is no measurement to remove.")
            return
        newest = session.case.measurements[-1]
        session.remove(newest.id)
        self.actions_.say(f"{newest.name} is removed; Ctrl+Z brings it back.")

    def capture(self) -> None:
        """Make the active pane's picture for the record and keep it as a draft."""
        session, hand = self.case.session, self._hand()
        if session is None:
            return
        why = self.desk.why_not("draft")
        if why:
            raise InputRefused("not_allowed", why)
        view = hand.record_view()
        title = words.title(view, sided=hand.scene.sided)
        labels = session.labels(view, record=True)
        removals = ("cropped",) if view.crop is not None else ()
        stage = self.stage

        def done(picture: Any) -> None:
            if self.case.session is not session:
                return
            try:
                session.draft(picture, title, removals)
            except RenderDeskError as refusal:
                self.actions_.refused(refusal)
                return
            self.case.film.setVisible(True)
            self.actions_.say(f"{title} is kept as a draft; a physician releases it.", "done")

        self.jobs.start(f"Capturing {title}", lambda _progress, _stop: stage.picture(view, labels), done)

    def discard(self, sop_uid: str) -> None:
        """Take a draft out of the film strip."""
        if self.case.session is not None:
            self.case.session.discard(sop_uid, "discarded in the film strip")
            self.actions_.say("The draft is discarded.")

    def _export(self, study_uids: tuple[str, ...], out: Path, anonymise: bool, looked: bool) -> None:
        """Write studies into a folder, with progress; what was left out and should be known is said in the panel."""

        def work(progress: Any, _stop: Any) -> Any:
            return self.desk.export(study_uids, out, anonymise=anonymise, looked=looked, progress=progress)

        self.jobs.start("Exporting", work, self.library.exported, self.library.not_exported, lane="library")

    # Taking in.

    def _idle_now(self) -> bool:
        return self.case.session is None and self.case.hand is None and self._coming is None

    def _open_taken_in(self, study_uid: str, told: str) -> None:
        self.open(f"study:{study_uid}")
        self._came = told

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and not self.cover.isVisible():
            event.acceptProposedAction()
            self._drop_here("true")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop_here("false")

    def _drop_here(self, over: str) -> None:
        """The window says that it takes what hangs over it, on whatever page."""
        for area in self.library.drops:
            restate(area, over=over)
        if over == "true" and self.pages.currentWidget() is not self.library:
            self.actions_.say("Drop it anywhere: its studies come into the list, what is open stays open.")

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_here("false")
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self.intake.take_in(paths)

    # Keys that are told from one another by more than their letter.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        hand = self.case.hand
        if hand is None or self.pages.currentWidget() is not self.case or self.cover.isVisible():
            super().keyPressEvent(event)
            return
        key, mods = event.key(), event.modifiers()
        keypad = bool(mods & Qt.KeyboardModifier.KeypadModifier)
        shift = bool(mods & Qt.KeyboardModifier.ShiftModifier)
        if keypad and key in _KEYPAD:
            self.actions_.run(f"view.{_KEYPAD[Qt.Key(key)][int(shift)]}")
        elif Qt.Key.Key_0 <= key <= Qt.Key.Key_9 and not mods & ~Qt.KeyboardModifier.KeypadModifier:
            self.actions_.run(f"window.{key - int(Qt.Key.Key_0)}")
        elif self._in_panel():
            super().keyPressEvent(event)  # in a form, arrows and Return belong to the form
        elif key in _SCROLL and not keypad:
            hand.scroll(_SCROLL[Qt.Key(key)])
        elif key == Qt.Key.Key_Home:
            hand.scroll_to_end("first")
        elif key == Qt.Key.Key_End:
            hand.scroll_to_end("last")
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.case.maximise()
        else:
            super().keyPressEvent(event)

    def _in_panel(self) -> bool:
        focused = QApplication.focusWidget()
        return focused is not None and self.case.panel.isAncestorOf(focused)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes round the panes while one of them has the keys; in forms it does what it always does."""
        hand, focused = self.case.hand, self.focusWidget()
        if hand is not None and any(focused is pane.viewport for pane in self.case.panes.values()):
            hand.next_pane(1 if forward else -1)
            return True
        return super().focusNextPrevChild(forward)

    def _watch(self, window: QWindow | None) -> None:
        if window is not None:
            window.removeEventFilter(self)  # never twice
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _INPUT:
            self._last_input = time.monotonic()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for layer in (self.cover, self.palette_, self.keys):
            layer.setGeometry(self.rect())

    def _show_archive(self) -> None:
        local = self.desk.setting("site.archive") == "local" or self.desk.demo
        self.status.show_archive("local archive" if local else "no archive set up", "done" if local else "wants")

    def closeEvent(self, event: QCloseEvent) -> None:
        self._idle.stop()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusWindowChanged.disconnect(self._watch)
        self._leave_case()
        for left in self.jobs.close():
            close = getattr(left, "close", None)  # a case that was opened too late to be shown
            if close is not None:
                close()
        self.library.close_listing()
        self.stage.close()
        self.desk.close()
        event.accept()


def mismatch(session: Session | Arrival, series: str | None, volume: str | None, row: StudyRow | None) -> str:
    """Whether what was loaded is what was asked for, by what its own files say; the sentence, or "".

    clinical rules 1.3: the identity shown is that of the displayed volume, never the list row's, and both must agree.
    """
    key = session.key
    told = "What was loaded belongs to another study than the one asked for; nothing is shown."
    if row is not None and (key.study_uid != row.study_uid or key.patient_key != row.patient_key):
        return told
    if series is not None and series not in {key.series_uid, str(_number(session))}:
        return told
    if volume is not None and session.found.id != volume:
        return told
    if session.display.digest != session.volume.digest or key.volume not in {"", session.volume.digest}:
        return told
    return ""


def _number(session: Session | Arrival) -> int | None:
    return next((s.number for s in session.series if s.series_uid == session.key.series_uid), None)
