"""How large a picture is made while the hand moves: as large as comes within 45 to 60 milliseconds."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field

SHARES = (1 / 2, 2 / 5, 1 / 3, 1 / 4)
"""Widths to choose from, as parts of the picture's."""

_SLOWEST, _FRAMES, _REST = 0.060, 5, 0.5


@dataclass
class Pace:
    """The share of one pane's pictures, led by how long they took.

    The median of the last five pictures counts. Above 60 ms the next smaller size is taken, and the next larger one
    where it would still come within 60 ms (time goes with the number of pixels), so that it stays between 45 and
    60 ms where sizes allow; at most one change in half a second.
    """

    step: int = SHARES.index(1 / 3)
    changed: float = -_REST
    taken: deque[float] = field(default_factory=lambda: deque(maxlen=_FRAMES))

    @property
    def share(self) -> float:
        """Part of the picture's width and height to be made."""
        return SHARES[self.step]

    def note(self, seconds: float, now: float) -> None:
        """A picture of this share took so long; `now` in seconds of any clock that only rises."""
        self.taken.append(seconds)
        if len(self.taken) < _FRAMES or now - self.changed < _REST:
            return
        usual = statistics.median(self.taken)
        if usual > _SLOWEST and self.step + 1 < len(SHARES):
            self._take(self.step + 1, now)
        elif self.step > 0 and usual * (SHARES[self.step - 1] / self.share) ** 2 <= _SLOWEST:
            self._take(self.step - 1, now)

    def _take(self, step: int, now: float) -> None:
        self.step, self.changed = step, now
        self.taken.clear()
