"""Separate acquisition sessions inside one study: a recorded act that raises the ordinal of the service's key.

What a session is made of is told by series: a picture is a picture of one series, and so belongs to one session
and can carry one charge. Without such an act a whole study is one session, the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workstation.base.events import Entry

FIRST = 1
"""Ordinal of the first acquisition session of an anatomy on a day."""

SEPARATED, REJOINED = "session_separated", "session_rejoined"


@dataclass(frozen=True)
class Separate:
    """A series of a separate session: its ordinal, and the journal's line that says so."""

    ordinal: int
    line: int


@dataclass(frozen=True)
class Sessions:
    """Which series of a study were declared to be of a separate acquisition session, and still are."""

    of_series: Mapping[str, Separate] = field(default_factory=dict)

    def ordinal(self, series_uid: str) -> int:
        """The session that a series belongs to."""
        found = self.of_series.get(series_uid)
        return FIRST if found is None else found.ordinal

    def line(self, series_uid: str) -> int:
        """The journal's line that separates this series; 0 where there is none."""
        found = self.of_series.get(series_uid)
        return 0 if found is None else found.line

    def highest(self) -> int:
        """The largest ordinal that stands."""
        return max((s.ordinal for s in self.of_series.values()), default=FIRST)


def sessions_of(entries: Sequence[Entry]) -> Sessions:
    """Fold acts and counter-acts; the last word on a series holds.

    Parameters
    ----------
    entries : a study's lines in order
    """
    found: dict[str, Separate] = {}
    for entry in entries:
        if entry.event.kind not in (SEPARATED, REJOINED):
            continue
        for uid in entry.event.payload.get("series") or ():
            if entry.event.kind == REJOINED:
                found.pop(str(uid), None)
            else:
                found[str(uid)] = Separate(int(entry.event.payload.get("ordinal", FIRST)), entry.number)
    return Sessions(found)


def drawn_on(entries: Sequence[Entry]) -> dict[str, str]:
    """SOP instance UID of every picture -> UID of the series that it was made from."""
    return {
        str(e.event.payload.get("sop_uid", "")): e.event.case.series_uid
        for e in entries
        if e.event.kind == "picture_drafted" and e.event.case is not None
    }


def lines_of_session(entries: Sequence[Entry], sessions: Sessions, series_uid: str) -> tuple[Entry, ...]:
    """The lines that speak for the session of a series: its own acts and pictures, and what holds for the study.

    A signed report speaks for a session only where it was signed after the session's first released picture. Where
    one was signed over the session's own series, what was signed over another session's does not speak for it.
    """
    if not sessions.of_series:
        return tuple(entries)
    wanted = sessions.ordinal(series_uid)
    drawn = drawn_on(entries)
    kept: list[Entry] = []
    released = own_report = False
    for entry in entries:
        kind, case = entry.event.kind, entry.event.case
        if kind == "report_signed" and not released:
            continue
        if not kind.startswith("report_"):
            # a picture may be acknowledged while another series is open: it stays a picture of its own series
            series = drawn.get(str(entry.event.payload.get("sop_uid", ""))) or (case.series_uid if case else "")
            if series and sessions.ordinal(series) != wanted:
                continue
        released = released or kind == "picture_released"
        own_report = own_report or (kind == "report_signed" and _of(entry, sessions) == wanted)
        kept.append(entry)
    if own_report:
        kept = [e for e in kept if e.event.kind != "report_signed" or _of(e, sessions) == wanted]
    return tuple(kept)


def _of(entry: Entry, sessions: Sessions) -> int:
    """The session of the series that was open."""
    return sessions.ordinal(entry.event.case.series_uid if entry.event.case is not None else "")
