"""How far a long piece of work has come, told to whoever waits for it on the same thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[float], None]

_here = threading.local()


@contextmanager
def told(tell: Tell) -> Iterator[None]:
    """Within, `reached` on this thread calls `tell` with a share from 0 to 1."""
    before: Tell | None = getattr(_here, "tell", None)
    _here.tell = tell
    try:
        yield
    finally:
        _here.tell = before


def reached(share: float) -> None:
    """Say how far the work has come, 0 to 1; nobody need listen. A piece of several parts may begin again at 0."""
    tell: Tell | None = getattr(_here, "tell", None)
    if tell is not None:
        tell(min(max(share, 0.0), 1.0))
