"""Work shared among threads in small portions, with a stop signal between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Lock

from render import progress
from render.errors import Cancelled

Portion = Callable[[int, int], object]


def cores() -> int:
    """How many threads work on one picture: the cores that this process may use, at most 16."""
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        usable = os.cpu_count() or 1
    return max(1, min(16, usable))


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=cores(), thread_name_prefix="caster")


def run(
    work: Portion, count: int, at_once: int, cancelled: Callable[[], bool] | None = None, *, told: bool = True
) -> None:
    """Call ``work(first, end)`` for all of ``range(count)``, `at_once` items per call, on all cores.

    With `told` it says how far it is (see `render.progress`).

    Raises
    ------
    Cancelled
        If `cancelled` said so between two portions; what was written by then is worth nothing.
    """
    starts: Iterator[int] = iter(range(0, count, at_once))
    lock = Lock()
    stopped = False

    def take(tell: bool = False) -> None:
        nonlocal stopped
        while not stopped:
            if cancelled is not None and cancelled():
                stopped = True
                return
            with lock:
                first = next(starts, None)
            if first is None:
                return
            work(first, min(count, first + at_once))
            if tell:
                progress.reached(first / count)

    threads = cores()
    if threads == 1 or count <= at_once:
        take(tell=told)
    else:
        helpers = [_pool().submit(take) for _ in range(threads - 1)]
        try:
            take(tell=told)
        finally:
            stopped = stopped or any(h.done() and h.exception() is not None for h in helpers)
            for helper in helpers:
                helper.result()
    if stopped:
        raise Cancelled
