"""The study list is read beside the window: typing never waits for the database, the newest question wins."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from workstation.base.errors import RenderDeskError

if TYPE_CHECKING:
    from workstation.archive.index import StudyRow
    from workstation.archive.reconcile import Question
    from workstation.desk.desk import Desk

GROUPS = ("All", "Today", "CT", "MR", "With open work")
_OPEN_WORK = {"opened", "drafts", "released"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Listed:
    """What fits a search, newest first, and what waits for a decision about identities."""

    groups: Mapping[str, tuple[StudyRow, ...]] = field(default_factory=dict)
    """By the name of each group on the left."""
    asked: tuple[Question, ...] = ()


def listed(desk: Desk, query: str, asked: tuple[Question, ...] | None = None) -> Listed:
    """Read it now, on the caller's thread; `asked` where that is known already."""
    if asked is None:
        asked = desk.identity_questions() if desk.actor is not None else ()
    return Listed(grouped(desk.studies(query)), asked)


def grouped(rows: Sequence[StudyRow]) -> dict[str, tuple[StudyRow, ...]]:
    """Studies by group; a study may stand in several."""
    today = dt.datetime.now(tz=dt.UTC).astimezone().date().isoformat()
    kinds = {row.modalities: set(row.modalities.replace(",", "\\").split("\\")) for row in rows}
    return {
        "All": tuple(rows),
        "Today": tuple(r for r in rows if r.date == today or r.imported_at.startswith(today)),
        "CT": tuple(r for r in rows if "CT" in kinds[r.modalities]),
        "MR": tuple(r for r in rows if "MR" in kinds[r.modalities]),
        "With open work": tuple(r for r in rows if r.state in _OPEN_WORK),
    }


class Listing(QObject):
    """Reads on one thread of its own. Signals, on the GUI thread: `read(Listed)`, `refused(RenderDeskError)`.

    An answer that was overtaken, or dropped by `forget`, is never told: after somebody has left the desk no name comes
    to the screen any more.
    """

    read = Signal(object)
    refused = Signal(object)
    _came = Signal(int, object)

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._condition = threading.Condition()
        self._wanted: tuple[str, tuple[Question, ...] | None] | None = None
        self._ticket = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._came.connect(self._tell)

    def want(self, query: str, asked: tuple[Question, ...] | None = None) -> None:
        """Read what fits; what was wanted before and has not come is dropped."""
        with self._condition:
            if self._closed:
                return
            self._ticket += 1
            if self._wanted is not None and self._wanted[1] is None:
                asked = None  # the one that is dropped was to read the questions too
            self._wanted = (query, asked)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="study-list", daemon=True)
                self._thread.start()
            self._condition.notify()

    def forget(self) -> None:
        """Tell nothing of what was wanted."""
        with self._condition:
            self._ticket += 1
            self._wanted = None

    def close(self) -> None:
        """Let go of the database; waits for the question at hand."""
        with self._condition:
            self._closed = True
            self._wanted = None
            self._ticket += 1
            self._condition.notify()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def _run(self) -> None:
        while True:
            with self._condition:
                while self._wanted is None and not self._closed:
                    self._condition.wait()
                if self._wanted is None or self._closed:
                    return
                (query, asked), ticket = self._wanted, self._ticket
                self._wanted = None
            answer: object
            try:
                answer = listed(self._desk, query, asked)
            except RenderDeskError as error:
                answer = error
            except Exception:  # noqa: BLE001 (a worker must not end; the log says why)
                _log.exception("the study list could not be read")
                answer = None
            self._came.emit(ticket, answer)

    def _tell(self, ticket: int, answer: object) -> None:
        with self._condition:
            overtaken = ticket != self._ticket
        if overtaken:
            return
        if isinstance(answer, Listed):
            self.read.emit(answer)
        elif isinstance(answer, RenderDeskError):
            self.refused.emit(answer)
