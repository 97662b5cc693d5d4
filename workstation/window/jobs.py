"""Slow work beside the window: one thread, progress and cancel where the person looks, answers on the GUI thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from render.errors import Cancelled, RenderError
from workstation.base.errors import RenderDeskError

_log = logging.getLogger(__name__)

DEFECT = "Something went wrong in the program; the log says what, and nothing was changed."


class Progress(Protocol):
    """Told by the work how far it is: (fraction 0..1, words) or (done, of how many)."""

    def __call__(self, done: float, of: float | str = "") -> None: ...


Work = Callable[[Progress, Callable[[], bool]], Any]


class Stopped(Exception):
    """The person cancelled."""


def sentence_of(error: BaseException) -> str:
    """What a person reads about an error; a defect says that it is one."""
    if isinstance(error, RenderDeskError | RenderError):
        return error.sentence
    return DEFECT


@dataclass(eq=False)
class Job:
    """One piece of slow work; `stop` may be set by the person at any time."""

    title: str
    work: Work
    done: Callable[[Any], None] | None
    failed: Callable[[BaseException], None] | None
    stop: threading.Event = field(default_factory=threading.Event)
    result: Any = None


class Jobs(QObject):
    """A queue of one worker: the archive and the desk want their slow calls one after another.

    Signals: `began(title)`, `moved(fraction, words)`, `ended()`, `said(sentence, kind)`; all on the GUI thread.
    """

    began = Signal(str)
    moved = Signal(float, str)
    ended = Signal()
    said = Signal(str, str)
    _answer = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="window-job")
        self._waiting: list[Job] = []
        self._closed = False
        self._answer.connect(self._finish)

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self._waiting)

    def start(
        self,
        title: str,
        work: Work,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
    ) -> Job:
        """Run `work(progress, stop)` on the worker; `done(result)` or `failed(error)` come back here."""
        job = Job(title, work, done, failed)
        self._waiting.append(job)
        if len(self._waiting) == 1:
            self.began.emit(title)
        self._pool.submit(self._run, job)
        return job

    def cancel(self) -> None:
        """Stop what runs; what waits goes on."""
        if self._waiting:
            self._waiting[0].stop.set()

    def close(self) -> list[Any]:
        """Stop everything and wait for the worker; results that came and will not be taken any more."""
        self._closed = True
        for job in self._waiting:
            job.stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        return [job.result for job in self._waiting if job.result is not None]

    def _run(self, job: Job) -> None:
        def progress(done: float, of: float | str = "") -> None:
            if job.stop.is_set():
                raise Stopped
            if isinstance(of, str):
                self.moved.emit(float(done), of)
            else:
                self.moved.emit(done / of if of else 0.0, "")

        result: Any = None
        error: BaseException | None = None
        try:
            if job.stop.is_set():
                raise Stopped  # noqa: TRY301 - one way out for every stop
            result = job.result = job.work(progress, job.stop.is_set)
        except Exception as caught:  # noqa: BLE001 - a worker's error must reach the person, whatever it is
            error = caught
        self._answer.emit(job, result, error)

    def _finish(self, job: Job, result: Any, error: BaseException | None) -> None:
        if self._closed:
            return
        if job in self._waiting:
            self._waiting.remove(job)
        self.ended.emit()
        if self._waiting:
            self.began.emit(self._waiting[0].title)
        if error is None:
            if job.done is not None:
                job.done(result)
            return
        if isinstance(error, Stopped | Cancelled) or job.stop.is_set():
            self.said.emit(f"{job.title}: cancelled; nothing was changed.", "info")
        elif not isinstance(error, RenderDeskError | RenderError):
            _log.error("job %s failed", job.title, exc_info=error)
        if job.failed is not None:
            job.failed(error)
        elif not (isinstance(error, Stopped | Cancelled) or job.stop.is_set()):
            self.said.emit(sentence_of(error), "refused")
