"""Whether anybody is copying files into the store just now: a lock that the system itself lets go of after a kill."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from workstation.base.atomic import refusal

HAS_LOCKS = sys.platform != "win32"


class Busy:
    """A lock file that many copy under and one cleans up under.

    Parameters
    ----------
    path : the lock file; its folder exists
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def copying(self) -> Iterator[None]:
        """Hold the lock together with everybody else who copies; waits while somebody cleans up."""
        with self._held(alone=False):
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """True while nobody copies, in any process; False at once where somebody does, or where it cannot be told."""
        with self._held(alone=True) as held:
            yield held

    @contextlib.contextmanager
    def _held(self, *, alone: bool) -> Iterator[bool]:
        if sys.platform == "win32":
            # no shared lock there: nothing is cleaned up rather than something that is still being written
            yield not alone
            return
        import fcntl

        try:
            file = self.path.open("ab")
        except OSError as error:
            if alone:
                yield False
                return
            raise refusal(error) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
            except OSError:
                yield False
                return
            yield True
