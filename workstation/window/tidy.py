"""Cyclic garbage is collected on the GUI thread alone.

Python's collector runs on whichever thread happens to allocate. When that is a worker and the garbage holds
widgets, Qt destroys them there and the process dies (met in the tests: a segmentation fault inside the
collector, on a thread that decoded images). So automatic collection is off, and the GUI thread asks often.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 250


class Tidy(QObject):
    """Looks for garbage a few times a second, as deep as Python itself would have by now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        # what the program's start has made stays; it need not be looked through again and again
        gc.collect()
        gc.freeze()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(_EVERY_MS)

    def look(self) -> None:
        """Collect the youngest generation that is due, or older ones."""
        due = [count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if due[0]:
            gc.collect(2 if due[1] and due[2] else 1 if due[1] else 0)
