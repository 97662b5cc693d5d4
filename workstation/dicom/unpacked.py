"""Private folders for what an archive held, or another program shows: gone with ours, after a kill with the next."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import IO

_PREFIX = "renderdesk-"
_LOCK = ".held"
_YOUNG_S = 60.0


class Unpacked(TemporaryDirectory[str]):
    """A folder that only this person may open; a lock in it says that its program still lives."""

    def __init__(self) -> None:
        super().__init__(prefix=_PREFIX, ignore_cleanup_errors=True)  # mode 0700 by tempfile
        self._held: IO[bytes] | None = None
        if sys.platform != "win32":
            import fcntl

            self._held = (Path(self.name) / _LOCK).open("xb")
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def cleanup(self) -> None:
        """Remove it with all it holds."""
        if self._held is not None:
            self._held.close()
        super().cleanup()


def sweep() -> int:
    """Remove folders whose program was killed, which held images of patients; the number removed.

    Where the system has no such locks nothing is removed, rather than something that is still being read.
    """
    removed = 0
    if sys.platform != "win32":
        for folder in Path(gettempdir()).glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                removed += _left(folder) and _remove(folder)
    return removed


def _left(folder: Path) -> bool:
    """Whether it is ours, and old enough to have its lock if its program lives."""
    status = folder.lstat()
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    return ours and time.time() - status.st_mtime > _YOUNG_S


def _remove(folder: Path) -> bool:
    import fcntl

    with (folder / _LOCK).open("r+b") as lock:  # raises where there is none: the folder is something else
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where somebody holds it
        shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
