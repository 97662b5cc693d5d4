"""Whether this computer's clock was set back: a line of the journal says so, and the order of lines stays what it is.

Lines are ordered by their numbers alone. Their times are what each workstation's clock said; an auditor must be told
where that clock cannot have been right. Told are two things: that the clock shows less than its own last line and the
time counted since then, and that the journal's last line, of whatever workstation, is from a later time than now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from workstation.base.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable

TOLERANCE = timedelta(seconds=60)
"""Clocks of two workstations may differ so far, and a clock may be corrected so far (clinical rules 9.4)."""
SET_BACK = "clock_set_back"
_KEPT = 256


@dataclass(frozen=True)
class _Written:
    """A line that this program wrote: its place in the chain, its two times, and the lag known at that time."""

    number: int
    hash: str
    at: datetime
    monotonic_s: float
    lag: timedelta


@dataclass
class ClockWatch:
    """What one program knows of its own lines; it forgets those whose transaction was dropped."""

    _own: list[_Written] = field(default_factory=list)
    _lag: timedelta = timedelta(0)

    def note(self, event: Event, head: Event | None, number: int, stands: Callable[[int, str], bool]) -> Event | None:
        """The line that has to stand before this one, or None.

        Parameters
        ----------
        event : what is about to be written
        head, number : the journal's last line and its number
        stands : whether a line with this number and hash is in the journal
        """
        while self._own and not stands(self._own[-1].number, self._own[-1].hash):
            self._own.pop()
        last = self._own[-1] if self._own else None
        self._lag = last.lag if last is not None else timedelta(0)
        if event.scripted:
            return None
        now = datetime.fromisoformat(event.at)
        if last is not None:
            counted = timedelta(seconds=max(0.0, event.monotonic_s - last.monotonic_s))
            missing = last.at + counted - now
            if now < last.at or missing > TOLERANCE:
                # from here on the clock is compared with what it shows now
                self._lag = timedelta(0)
                return _line(event, max(missing, last.at - now), last.number, event.station)
        if head is None or head.scripted:
            return None
        lag = datetime.fromisoformat(head.at) - now
        if lag > self._lag + TOLERANCE:
            self._lag = lag
            return _line(event, lag, number, head.station)
        return None

    def wrote(self, number: int, line_hash: str, event: Event) -> None:
        """A line was written, as part of a transaction that may still be dropped."""
        if not event.scripted:
            at = datetime.fromisoformat(event.at)
            self._own.append(_Written(number, line_hash, at, event.monotonic_s, self._lag))
            del self._own[:-_KEPT]


def _line(event: Event, by: timedelta, number: int, station: str) -> Event:
    return Event(
        kind=SET_BACK,
        at=event.at,
        monotonic_s=event.monotonic_s,
        station=event.station,
        actor=event.actor,
        payload={"seconds": round(by.total_seconds(), 3), "line": number, "line_station": station},
    )
