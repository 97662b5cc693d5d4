"""One home on disk, opened: database, files, journal, cases, outbox, and who this installation is."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workstation.archive.autosave import CaseStore
from workstation.archive.files import FileStore
from workstation.archive.handed_over import Answers, Coverages, Exports
from workstation.archive.index import Library
from workstation.archive.journal import Journal
from workstation.archive.ledger import LedgerTable
from workstation.archive.marks import Marks
from workstation.archive.opening import open_database
from workstation.archive.outbox import Outbox
from workstation.base.atomic import make_folder
from workstation.base.clock import Clock, utc_text
from workstation.base.errors import ArchiveError
from workstation.base.events import Actor, CaseKey, Entry, Event
from workstation.base.uids import new_uid
from workstation.desk.housekeeping import tidy

if TYPE_CHECKING:
    from workstation.desk.ledger_reading import LedgerReading


class Place:
    """Everything that is kept, and the one way to write an act into the journal.

    Parameters
    ----------
    home : folder of the home, made when absent
    clock : tells the time of every act
    station : name of this workstation as the site knows it
    demo : makes a new home a DEMO home; an existing home stays what it is

    Raises
    ------
    ArchiveError
        ``not_demo`` when a DEMO is asked for in a home of real work; ``newer``, ``damaged``, ``unwritable`` ...
    """

    def __init__(self, home: Path, clock: Clock, station: str, *, demo: bool) -> None:
        self.home = make_folder(home)
        self.clock = clock
        self.station = station
        self.db = open_database(home, demo=demo)
        try:
            self._settle(demo)
        except BaseException:
            self.db.close()
            raise
        self.files = FileStore(home / "files")
        self.library = Library(self.db)
        self.marks = Marks(self.db)
        self.journal = Journal(self.db)
        self.cases = CaseStore(self.db)
        self.ledger = LedgerTable(self.db)
        self.outbox = Outbox(self.db)
        self.exports = Exports(self.db)
        self.answers = Answers(self.db)
        self.coverages = Coverages(self.db)
        tidy(self)

    def _settle(self, demo: bool) -> None:
        """What a home is, is settled once: DEMO or not, and the identifier of this installation."""
        with self.db.writing():
            if self.db.setting("installation") is None:
                self.db.set_setting("installation", new_uid())
                self.db.set_setting("demo", "yes" if demo else "no")
        self.demo = self.db.setting("demo") == "yes"
        self.installation = self.db.setting("installation") or ""
        if demo and not self.demo:
            raise ArchiveError("not_demo", "This home holds real work; a demonstration needs a home of its own.")

    def now(self) -> str:
        """UTC of this moment as it is written everywhere."""
        return utc_text(self.clock.now())

    def act(self, kind: str, actor: Actor | None, case: CaseKey | None = None, /, **payload: Any) -> Entry:
        """Write an act into the journal; nothing that depends on it may happen when this raises."""
        return self.journal.append(
            Event(
                kind=kind,
                at=self.now(),
                monotonic_s=self.clock.monotonic_s(),
                station=self.station,
                actor=actor,
                case=case,
                scripted=self.clock.scripted,
                payload=payload,
            )
        )

    @cached_property
    def reading(self) -> LedgerReading:
        """What the ledger says, kept between readings."""
        # at the first use: who opens a home to look at pictures does not load the billing rules
        from workstation.desk.ledger_reading import LedgerReading

        return LedgerReading(self.ledger)

    def drafts(self, study_uid: str) -> Path:
        """Folder of a study's draft pictures; its name holds no identity."""
        from workstation.archive.files import name_of

        return make_folder(self.home / "drafts" / name_of(study_uid))

    def close(self) -> None:
        """Let go of the database."""
        self.db.close()
