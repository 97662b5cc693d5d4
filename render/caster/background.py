"""Surfaces made on a thread of their own, so that whoever waits for one may stop waiting within milliseconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from functools import lru_cache
from typing import Generic, TypeVar

from render import progress
from render.errors import Cancelled

Made = TypeVar("Made")
Stop = Callable[[], bool]

_LOOK = 0.004  # seconds between two looks at the stop signal


@lru_cache(maxsize=1)
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        max_workers=3,  # a quick one need not wait behind a full one and a lighter one
        thread_name_prefix="surface",
    )


class Task(Generic[Made]):
    """One thing that is being made; it goes on when nobody waits, until it is given up."""

    def __init__(self, make: Callable[[Stop], Made]) -> None:
        self._given_up = threading.Event()
        self._share = 0.0
        self._future: Future[Made] = _worker().submit(self._run, make)

    def _run(self, make: Callable[[Stop], Made]) -> Made:
        if self._given_up.is_set():
            raise Cancelled
        with progress.told(self._reached):
            return make(self._given_up.is_set)

    def _reached(self, share: float) -> None:
        self._share = share

    def give_up(self) -> None:
        """Nobody will want it: it ends at its next step."""
        self._given_up.set()
        self._future.cancel()

    @property
    def is_over(self) -> bool:
        """Whether it need not be waited for, however it ended."""
        return self._future.done()

    def wait(self, cancelled: Stop) -> Made:
        """What was made.

        Raises
        ------
        Cancelled
            When `cancelled` said so; the work itself goes on.
        """
        while True:
            try:
                return self._future.result(_LOOK)
            except CancelledError:
                raise Cancelled from None
            except NotYet:
                if self._future.done():
                    raise  # the work's own
                if cancelled():
                    raise Cancelled from None
                progress.reached(self._share)
