"""Slow work beside the window: progress and cancel where the person looks, answers on the GUI thread."""

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
    lane: str = ""
    moved: Callable[[float, float, str], None] | None = None
    quiet: bool = False
    """Nothing is said when it ends by being stopped: what came after it speaks for itself."""
    stop: threading.Event = field(default_factory=threading.Event)
    running: bool = False
    result: Any = None

    def cancel(self, *, quiet: bool = False) -> None:
        """Stop it at its next step."""
        self.quiet = self.quiet or quiet
        self.stop.set()


class Jobs(QObject):
    """Queues of one worker each: a study is opened while others come in, but each kind goes one after another.

    The status bar shows one job at a time: the oldest that runs. Signals: `began(title)`, `moved(fraction, words)`,
    `ended()`, `said(sentence, kind)`; all on the GUI thread.
    """

    began = Signal(str)
    moved = Signal(float, str)
    ended = Signal()
    said = Signal(str, str)
    _answer = Signal(object, object, object)
    _step = Signal(object, float, float, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._waiting: list[Job] = []
        self._shown: Job | None = None
        self._closed = False
        self._answer.connect(self._finish)
        self._step.connect(self._move)

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
        *,
        lane: str = "",
        moved: Callable[[float, float, str], None] | None = None,
    ) -> Job:
        """Run `work(progress, stop)` on the lane's worker; `done(result)` or `failed(error)` come back here.

        `moved(done, of, words)` is told on the GUI thread how far this job is, besides the status bar.
        """
        job = Job(title, work, done, failed, lane, moved)
        self._waiting.append(job)
        pool = self._pools.get(lane)
        if pool is None:
            pool = self._pools[lane] = ThreadPoolExecutor(1, thread_name_prefix=f"window-job-{lane}")
        self._show()
        pool.submit(self._run, job)
        return job

    def _show(self) -> None:
        """Tell the status bar which job it shows."""
        first = self._waiting[0] if self._waiting else None
        if first is self._shown:
            return
        if self._shown is not None:
            self.ended.emit()
        self._shown = first
        if first is not None:
            self.began.emit(first.title)

    def cancel(self) -> None:
        """Stop what the status bar shows; what waits goes on."""
        if self._waiting:
            self._waiting[0].cancel()

    def close(self) -> list[Any]:
        """Stop everything and wait for the workers; results that came and will not be taken any more."""
        self._closed = True
        for job in self._waiting:
            job.stop.set()
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        return [job.result for job in self._waiting if job.result is not None]

    def _run(self, job: Job) -> None:
        def progress(done: float, of: float | str = "") -> None:
            if job.stop.is_set():
                raise Stopped
            if isinstance(of, str):
                self._step.emit(job, float(done), 1.0, of)
            else:
                self._step.emit(job, float(done), float(of), f"{job.title}: {done:,.0f} of {of:,.0f}")

        result: Any = None
        error: BaseException | None = None
        job.running = True
        try:
            if job.stop.is_set():
                raise Stopped  # noqa: TRY301 - one way out for every stop
            result = job.result = job.work(progress, job.stop.is_set)
        except Exception as caught:  # noqa: BLE001 - a worker's error must reach the person, whatever it is
            error = caught
        self._answer.emit(job, result, error)
        # an error holds its frames and this frame the error: what they hold (unpacked images) goes with the answer
        del error, result

    def _move(self, job: Job, done: float, of: float, words: str) -> None:
        if self._closed or job not in self._waiting or job.stop.is_set():
            return
        if job.moved is not None:
            job.moved(done, of, words)
        if job is self._shown:
            self.moved.emit(done / of if of else 0.0, words)

    def _finish(self, job: Job, result: Any, error: BaseException | None) -> None:
        if self._closed:
            return
        if job in self._waiting:
            self._waiting.remove(job)
        self._show()
        if error is None:
            if job.done is not None:
                job.done(result)
            return
        if isinstance(error, Stopped | Cancelled) or job.stop.is_set():
            if not job.quiet:
                self.said.emit(f"{job.title}: cancelled; nothing was changed.", "info")
        elif not isinstance(error, RenderDeskError | RenderError):
            _log.error("job %s failed", job.title, exc_info=error)
        if job.failed is not None:
            job.failed(error)
        elif not (isinstance(error, Stopped | Cancelled) or job.stop.is_set()):
            self.said.emit(sentence_of(error), "refused")
