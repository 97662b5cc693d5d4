"""Work shared among threads in small portions, with a stop signal between them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Lock

from render import progress
from render.errors import Cancelled

Portion = Callable[[int, int], object]

_SOON = 0.002  # seconds that a portion of work in even steps should take: so soon a picture is given up


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
    work: Portion,
    count: int,
    at_once: int,
    cancelled: Callable[[], bool] | None = None,
    *,
    told: bool = True,
    led: bool = False,
) -> None:
    """Call ``work(first, end)`` for all of ``range(count)``, `at_once` items per call, on all cores.

    With `told` it says how far it is (see `render.progress`). With `led` a call takes fewer items where they take
    long: about two milliseconds lie between two looks at the stop signal.

    Raises
    ------
    Cancelled
        If `cancelled` said so between two portions; what was written by then is worth nothing.
    """
    place = [0]
    lock = Lock()
    stopped = False

    def take(tell: bool = False) -> None:
        nonlocal stopped
        many = at_once
        while not stopped:
            if cancelled is not None and cancelled():
                stopped = True
                return
            with lock:
                first = place[0]
                place[0] = first + many
            if first >= count:
                return
            begun = time.perf_counter()
            work(first, min(count, first + many))
            if led:
                took = max(time.perf_counter() - begun, 1e-6)
                many = max(1, min(at_once, 2 * many, int(many * _SOON / took)))
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
