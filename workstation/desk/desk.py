"""The desk: what window and command line do alike. Only use cases touch disk, network and clock together."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from billing.errors import BillingError
from render.volume import Volume
from workstation.archive.index import SeriesRow, StudyRow
from workstation.archive.reconcile import Act as IdentityAct
from workstation.archive.reconcile import Patient, Question
from workstation.base.clock import Clock, SystemClock
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.base.events import Actor, Role
from workstation.base.paths import home as default_home
from workstation.desk import charge_metrics, charge_office, charge_site, worklist
from workstation.desk import reconcile as reconciling
from workstation.desk.arrival import Arrival
from workstation.desk.charge_case import today
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.export_study import Exported, export_studies
from workstation.desk.filed_case import FiledCase
from workstation.desk.library import Imported, import_paths
from workstation.desk.open_study import opened
from workstation.desk.people_demo import make_demo_people
from workstation.desk.people_store import AccountTable
from workstation.desk.place import Place
from workstation.desk.reconcile import Reconciled
from workstation.desk.remove_study import Deletion, delete_study, deletion_of
from workstation.desk.scan_store import scan_path
from workstation.desk.scans import Scans
from workstation.desk.session import Session
from workstation.desk.source import paths_of
from workstation.desk.thumbnails import study_thumbnail, thumbnail
from workstation.people.accounts import Account, People
from workstation.people.roles import Act, may, refusal, require

if TYPE_CHECKING:
    from billing.charge import Charge
    from billing.payer_book import PayerRecord
    from workstation.case.model import Case


class Desk:
    """One home with the people who work in it.

    Parameters
    ----------
    home : folder of the home; the platform's own place when absent
    clock : tells the time; the system's own everywhere but in the demonstration and in tests
    station : name of this workstation; the computer's name when empty
    demo : makes or opens a DEMO home with its three accounts
    """

    def __init__(
        self, home: Path | None = None, *, clock: Clock | None = None, station: str = "", demo: bool = False
    ) -> None:
        self.clock = clock or SystemClock()
        self.place = Place(home or default_home(), self.clock, station or socket.gethostname()[:16], demo=demo)
        self.people = People(AccountTable(self.place.db), self.clock)
        self.scans = Scans(partial(scan_path, self.place.home, self.place.installation))
        self._opened: weakref.WeakSet[Session] = weakref.WeakSet()
        if self.place.demo:
            make_demo_people(self.people)
            if not self.setting("site.archive"):
                # in a demonstration this computer stands for the site's archive, and says so
                self.place.db.set_setting("site.archive", "local")

    @property
    def demo(self) -> bool:
        """Whether this is a DEMO home."""
        return self.place.demo

    @property
    def home(self) -> Path:
        """Folder of the home."""
        return self.place.home

    # --- people -----------------------------------------------------------------------------------------------

    @property
    def actor(self) -> Actor | None:
        """Who acts, or None."""
        return self.people.actor

    @property
    def needs_first_account(self) -> bool:
        """Whether nobody can sign in yet."""
        return not self.people.all()

    def accounts(self) -> tuple[Account, ...]:
        """Who may sign in."""
        return tuple(a for a in self.people.all() if a.active)

    def make_account(
        self, account: str, name: str, role: Role, secret: str, npi: str = "", taxonomy: str = ""
    ) -> Account:
        """A new account: the first one is an administrator and needs no sign-in, later ones are an administrator's.

        Raises
        ------
        InputRefused, NotAllowed
            In one sentence.
        """
        if self.needs_first_account:
            if role != "administrator":
                raise InputRefused("first_account", "The first account is an administrator; make the others after it.")
        else:
            require(self.actor.role if self.actor else None, "accounts")
        made = self.people.make(account, name, role, secret, npi, taxonomy)
        self.place.act("account_made", self.actor, account=account, role=role)
        return made

    def sign_in(self, account: str, secret: str) -> Actor:
        """Prove who acts from now on; wrong entries are journaled too."""
        try:
            actor = self.people.sign_in(account, secret)
        except RenderDeskError:
            known = any(a.account == account for a in self.people.all())
            self.place.act("sign_in_failed", None, account=account if known else "")
            raise
        self.place.act("signed_in", actor)
        return actor

    def sign_out(self, reason: str = "") -> None:
        """Nobody acts from now on."""
        if self.actor is not None:
            self.place.act("signed_out", self.actor, reason=reason)
        self.people.sign_out()

    def may(self, act: Act) -> bool:
        """Whether the acting person may do this."""
        return self.actor is not None and may(self.actor.role, act)

    def why_not(self, act: Act) -> str:
        """The sentence that says why not, or ""."""
        return refusal(self.actor.role if self.actor else None, act)

    def must_ask_again(self, act: Act) -> bool:
        """Whether this act wants the PIN or password again."""
        return self.people.must_ask_again(act)

    # --- studies ----------------------------------------------------------------------------------------------

    def import_paths(
        self,
        paths: Iterable[Path],
        *,
        progress: Callable[[int, int], None] | None = None,
        reading: Callable[[int, int], None] | None = None,
        unpacking: Callable[[int, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Imported:
        """Take studies into the library; see `desk.library.import_paths`."""
        if self.actor is not None:
            require(self.actor.role, "import")
        return import_paths(
            self.place, self.actor, paths, progress=progress, reading=reading, unpacking=unpacking, stop=stop
        )

    def count_studies(self) -> int:
        """How many studies the library holds."""
        return self.place.library.count()

    def studies(self, query: str = "") -> tuple[StudyRow, ...]:
        """The study list."""
        return self.place.library.studies(query)

    def open(
        self,
        source: str,
        series: str | None = None,
        volume: str | None = None,
        *,
        beside: Session | None = None,
        progress: Callable[[int, int], None] | None = None,
        unpacking: Callable[[int, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
        arriving: Callable[[Arrival, Volume], None] | None = None,
    ) -> Session:
        """Open a study on one of its volumes. Its files are copied into the archive meanwhile.

        Parameters
        ----------
        source, series, volume : the SOURCE word; series UID or number; id of a volume
        beside : a session on the same source: its scan is used again, so that another volume stands at once
        unpacking : told (bytes, of how many) while an archive is unpacked
        arriving : shown the first slice at once, then the volume as it fills (see `open_study.opened`)

        Raises
        ------
        InputRefused
            In one sentence; nothing is shown.
        """
        if self.actor is not None:
            require(self.actor.role, "view")
        known = beside.source.result if beside is not None and beside.word == source else None
        chosen, voxels, case = opened(
            self.place,
            source,
            series,
            volume,
            known=known,
            scans=self.scans,
            progress=progress,
            unpacking=unpacking,
            stop=stop,
            arriving=arriving,
        )
        session = Session(self.place, self.people, chosen, voxels, case)
        session.word = source
        self._opened.add(session)
        if not source.startswith(("study:", "series:")):  # those lie in the archive already
            session.start_taking_in()
        self.place.act(
            "study_opened",
            self.actor,
            case.key,
            series=[chosen.series.series_uid],
            volume=voxels.digest,
            shape=list(voxels.geometry.shape),
            units=voxels.units,
            chosen_by="person" if series is not None or volume is not None else "program",
            score=chosen.found.score,
        )
        return session

    def export(
        self,
        study_uids: Iterable[str],
        out: Path,
        *,
        anonymise: bool = False,
        looked: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Exported:
        """Write studies of the library into a new folder, as they are or without identity.

        Raises
        ------
        NotAllowed
            The acting role may not.
        RenderDeskError
            In one sentence; the folder was not made.
        """
        if self.actor is not None:
            require(self.actor.role, "export")
        return export_studies(
            self.place, self.actor, tuple(study_uids), out, anonymise=anonymise, looked=looked, progress=progress
        )

    # --- identities -------------------------------------------------------------------------------------------

    def identity_questions(self) -> tuple[Question, ...]:
        """Identities and mixed studies that wait for a decision, the most dangerous first."""
        return reconciling.open_questions(self.place)

    def patients(self) -> tuple[Patient, ...]:
        """Every patient of the library."""
        return self.place.library.patients()

    def decisions(self) -> tuple[reconciling.Decision, ...]:
        """What was decided or proposed about identities, the newest first."""
        return reconciling.history(self.place)

    def reconcile(self, wish: IdentityAct, reason: str, secret: str = "", *, proposal: int = 0) -> Reconciled:
        """Decide about identities, or propose it, by role; see `desk.reconcile`.

        Raises
        ------
        NotAllowed
            By role; ``authenticate_again`` when the secret is due.
        InputRefused
            ``study_open``; or why it cannot be decided so.
        """
        target = next((a for a in reconciling.acts(self.place) if a.line == wish.undoes), wish)
        concerned, studies = {*wish.patients, *target.patients}, {wish.study_uid, target.study_uid}
        studies |= {uid for study in studies for uid in self.place.library.parts_of(study)}
        for session in self._opened:
            key = session.key
            if not session.closed and (key.study_uid in studies or key.patient_key in concerned):
                raise InputRefused("study_open", "A study of this patient is open; close it first.")
        return reconciling.reconcile(self.place, self.people, wish, reason, secret, proposal=proposal)

    def thumbnail(self, series_uid: str) -> bytes | None:
        """Small PNG of a series of the library, made when it was taken in; None where there is none."""
        return thumbnail(self.place, series_uid)

    def study_thumbnail(self, study_uid: str) -> bytes | None:
        """Small PNG of a study's largest series that has one."""
        return study_thumbnail(self.place, study_uid)

    def series(self, study_uid: str) -> tuple[SeriesRow, ...]:
        """The series of a study of the library."""
        return self.place.library.series_rows(study_uid)

    def priors(self, study_uid: str) -> tuple[StudyRow, ...]:
        """Other studies of the same person, after all decisions."""
        return self.place.library.priors(study_uid)

    def deletion(self, study_uid: str) -> Deletion:
        """What deleting a study would take away, for the first of the two steps."""
        return deletion_of(self.place, study_uid)

    def delete(self, study_uid: str, reason: str = "") -> Deletion:
        """Delete a study for good: files, index and drafts. The fact is journaled; journal and ledger stay.

        Raises
        ------
        NotAllowed
            An administrator does this; on a home without accounts whoever owns it.
        InputRefused
            ``unknown_study``, ``study_open``; ``reason``: what was released, signed or charged needs one.
        """
        if not self.needs_first_account:
            require(self.actor.role if self.actor else None, "delete")
        if any(s.key.study_uid == study_uid and not s.closed for s in self._opened):
            raise InputRefused("study_open", "This study is open; close it before it is deleted.")
        self.scans.settle()
        done = delete_study(self.place, self.actor, study_uid, reason)
        self.scans.forget()
        return done

    def charges(self) -> tuple[worklist.ChargeLine, ...]:
        """The biller's worklist: cases that wait for a charge, and charges with what became of them."""
        return worklist.worklist(self.place)

    def filed(self, study_uid: str, session: int = 0) -> FiledCase:
        """A case of the library for acts that need no voxels; of an acquisition session where it has several.

        Raises
        ------
        InputRefused
            ``unknown_study``; ``study_open``: it is open in a window, which acts on it.
        """
        if any(s.key.study_uid == study_uid and not s.closed for s in self._opened):
            raise InputRefused("study_open", "This study is open; close it before it is charged from the list.")
        return FiledCase(self.place, self.people, study_uid, session)

    def confirm_charges(
        self, cases: Iterable[tuple[str, int] | tuple[str, int, tuple[str, ...]]], secret: str = ""
    ) -> tuple[worklist.Confirming, ...]:
        """Confirm several ready cases, each by study UID, session and what was read; each stands or falls alone.

        Raises
        ------
        NotAllowed
            Not the role for it, or the PIN or password is due or wrong: nothing was confirmed.
        """
        require(self.actor.role if self.actor else None, "confirm_charge")
        return worklist.confirm_several(self.place, self.people, (worklist.Chosen(*c) for c in cases), secret)

    def charge(self, charge_id: str) -> Charge:
        """A charge of the ledger, with facts and answer as they were confirmed.

        Raises
        ------
        InputRefused
            ``ledger``: there is none of that id.
        """
        try:
            return ledger_of(self.place).get(charge_id)
        except BillingError as error:
            raise InputRefused(error.code, error.sentence) from error

    def charge_task(self, charge_id: str, case: Case) -> str:
        """What has to be done about a charge whose case says something else now; "" when they agree."""
        return worklist.task_of(self.place, self.charge(charge_id), case)

    def charge_history(self, charge_id: str) -> tuple[charge_office.HistoryLine, ...]:
        """Who did what to a charge, in order."""
        return charge_office.history(self.place, charge_id)

    def void_charge(self, charge_id: str, *, again: str, reason: str, secret: str = "") -> charge_office.Undone:
        """Take a charge back; `again` is its id, entered a second time."""
        return charge_office.void(self.place, self.people, charge_id, again=again, reason=reason, secret=secret)

    def replace_charge(self, charge_id: str, *, reason: str, secret: str = "") -> charge_office.Undone:
        """Put what the case says now in a charge's place."""
        return charge_office.replace(self.place, self.people, charge_id, reason=reason, secret=secret)

    def uphold_charge(self, charge_id: str, *, reason: str, secret: str = "") -> None:
        """A charge of a deleted study stays right: what the biller was asked about it is answered."""
        charge_office.uphold(self.place, self.people, charge_id, reason=reason, secret=secret)

    def resend_charge(self, charge_id: str, *, reason: str, secret: str = "") -> charge_office.Undone:
        """Send a refused charge again unchanged."""
        return charge_office.resend(self.place, self.people, charge_id, reason=reason, secret=secret)

    def send_charges(self, stop: Callable[[], bool] | None = None) -> charge_office.Sent:
        """One round over the site's links; waits for answers, so a window calls it beside its own thread."""
        require(self.actor.role if self.actor else None, "confirm_charge")
        return charge_office.send(self.place, at_once=True, stop=stop)

    def take_answers(self, paths: Iterable[Path]) -> tuple[charge_office.Taken, ...]:
        """Take in files with what receivers answered."""
        require(self.actor.role if self.actor else None, "confirm_charge")
        return charge_office.take_in(self.place, self.actor, paths)

    def export_charges(self, form: charge_office.Format, out: Path, *, force: bool = False) -> charge_office.HandedOver:
        """Write what has not left the house yet as a file: charges, and credits for what was taken back since."""
        require(self.actor.role if self.actor else None, "claims")
        return charge_office.export(self.place, self.actor, form, out, force=force)

    def metrics(self) -> charge_metrics.Gathered:
        """What the department's figures are counted from.

        Raises
        ------
        NotAllowed
            The acting role may not see them.
        InputRefused
            A file of the site has a mistake, in one sentence with its line.
        """
        require(self.actor.role if self.actor else None, "metrics")
        return charge_metrics.gather(self.place)

    def payer_page(self, kind: str, plan: str | None, day: date) -> charge_site.PayerPage:
        """What is known of a payer on a day, and which record says it."""
        return charge_site.payer_page(self.home, kind, plan, day)

    def site_page(self) -> charge_site.SitePage:
        """On what decisions stand beside the case: official tables with their age, site file, what was asked once."""
        return charge_site.site_page(self.place, today(self.place))

    def receivers(self) -> tuple[charge_office.ReceiverLine, ...]:
        """Where charge messages go, and what waits for each receiver."""
        return charge_office.receivers(self.place)

    def add_payer_record(self, kind: str, record: PayerRecord, secret: str = "") -> None:
        """Put a dated record of a payer beside those that are there.

        Raises
        ------
        NotAllowed, InputRefused
            In one sentence; nothing was written.
        """
        require(self.actor.role if self.actor else None, "payers")
        charge_site.add_record(self.place, self.people.proved_for("payers", secret), kind, record)

    # --- settings ---------------------------------------------------------------------------------------------

    def setting(self, name: str, default: str = "") -> str:
        """A setting of the site."""
        value = self.place.db.setting(name)
        return default if value is None else value

    def set_setting(self, name: str, value: str) -> None:
        """Change a setting of the site."""
        self.place.db.set_setting(name, value)

    def scan_ahead(self, *study_uids: str) -> None:
        """Scan studies that came in, or that a person looks at, ahead of their opening, on a thread of its own."""

        def work() -> None:
            for uid in study_uids:
                with contextlib.suppress(RenderDeskError):
                    self.scans.of(paths_of(f"study:{uid}", self.place.home), uid)

        threading.Thread(target=work, name="scan-ahead", daemon=True).start()

    def close(self) -> None:
        """Let go of the home, when the files of opened studies are copied."""
        for session in tuple(self._opened):
            if session.copying is not None:
                session.copying.join()
        self.place.close()
