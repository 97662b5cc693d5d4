"""The journal: append-only, each line chained to the one before by a hash over its canonical JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from workstation.archive.clock_watch import ClockWatch
from workstation.base.errors import ArchiveError
from workstation.base.events import KINDS, Entry, Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workstation.archive.db import Database, Row

FIRST = "0" * 64
"""`previous` of the first line."""
_PAGE = 5000


@dataclass(frozen=True)
class Broken:
    """The first line of a chain that does not hold, and what is wrong with it in one sentence."""

    number: int
    sentence: str


def canonical(event: Event) -> bytes:
    """The one spelling of an event: JSON with sorted keys in UTF-8."""
    return msgspec.json.encode(msgspec.to_builtins(event), order="sorted")


def hash_of(previous: str, text: bytes) -> str:
    """SHA-256 over the hash of the line before, a line end, and this line's canonical JSON."""
    return hashlib.sha256(previous.encode("ascii") + b"\n" + text).hexdigest()


class Journal:
    """The journal of one home."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._clock = ClockWatch()

    def append(self, event: Event) -> Entry:
        """Write an act at the end, inside the caller's transaction if there is one.

        Where this computer's clock was set back, a line that says so goes before it.

        Raises
        ------
        ArchiveError
            Nothing was written; what the act would have allowed must not happen.
        """
        if event.kind not in KINDS:
            raise ArchiveError("unknown_event", "The journal has no such act.", kind=event.kind)
        with self._db.writing():
            number, previous = self._head()
            head = self._last_event(number)
            note = self._clock.note(event, head, number, self._stands)
            if note is not None:
                told = self._write(note, number, previous)
                number, previous = told.number, told.hash
            return self._write(event, number, previous)

    def _write(self, event: Event, number: int, previous: str) -> Entry:
        """One line behind the one with this number and hash."""
        text = canonical(event)
        entry = Entry(number + 1, event, previous, hash_of(previous, text))
        self._db.change(
            "INSERT INTO journal (number, study_uid, kind, at, event, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (entry.number, _study(event), event.kind, event.at, text.decode("utf-8"), previous, entry.hash),
        )
        self._db.change(
            "INSERT INTO journal_head (one, number, hash) VALUES (1, ?, ?) "
            "ON CONFLICT (one) DO UPDATE SET number = excluded.number, hash = excluded.hash",
            (entry.number, entry.hash),
        )
        self._clock.wrote(entry.number, entry.hash, event)
        return entry

    def _last_event(self, number: int) -> Event | None:
        row = self._db.one("SELECT number, event, previous, hash FROM journal WHERE number = ?", (number,))
        return None if row is None else _entry(row).event

    def _stands(self, number: int, line_hash: str) -> bool:
        row = self._db.one("SELECT hash FROM journal WHERE number = ?", (number,))
        return row is not None and row[0] == line_hash

    def _head(self) -> tuple[int, str]:
        row = self._db.one("SELECT number, hash FROM journal_head WHERE one = 1")
        return (0, FIRST) if row is None else (int(row[0] or 0), str(row[1]))

    def entries(self, study_uid: str = "", *, after: int = 0) -> tuple[Entry, ...]:
        """Lines in order: of one study, or all."""
        where = "WHERE number > ?" + (" AND study_uid = ?" if study_uid else "")
        values: tuple[str | int, ...] = (after, study_uid) if study_uid else (after,)
        sql = f"SELECT number, event, previous, hash FROM journal {where} ORDER BY number"
        return tuple(_entry(row) for row in self._db.rows(sql, values))

    def of_kinds(self, *kinds: str) -> tuple[Entry, ...]:
        """Lines of these kinds, in order."""
        marks = ", ".join("?" for _ in kinds)
        sql = f"SELECT number, event, previous, hash FROM journal WHERE kind IN ({marks}) ORDER BY number"
        return tuple(_entry(row) for row in self._db.rows(sql, kinds))

    def last_number(self) -> int:
        """Number of the last line, 0 in an empty journal."""
        return self._head()[0]

    def verify(self) -> Broken | None:
        """Recompute the chain; None when it holds, else the first line that does not."""
        with self._db.reading():
            return self._verified()

    def _verified(self) -> Broken | None:
        expected, previous = 1, FIRST
        for row in self._all():
            number, text, before, stated = int(row[0] or 0), str(row[1]), str(row[2]), str(row[3])
            if number != expected:
                return Broken(expected, f"Line {expected} of the journal is missing.")
            if before != previous:
                return Broken(number, f"Line {number} of the journal does not follow the line before it.")
            if stated != hash_of(previous, text.encode("utf-8")) or not _filed_as_it_says(row):
                return Broken(number, f"Line {number} of the journal was changed after it was written.")
            expected, previous = number + 1, stated
        number, stated = self._head()
        if number > expected - 1:
            return Broken(expected, f"The journal ends before line {number}: lines were cut off.")
        if (number, stated) != (expected - 1, previous):
            return Broken(number + 1, f"Line {number + 1} of the journal was not written by this program.")
        return None

    def _all(self) -> Iterator[Row]:
        """Every row with its columns, some thousands at a time."""
        last = -1
        sql = "SELECT number, event, previous, hash, study_uid, kind, at FROM journal WHERE number > ? "
        while rows := self._db.rows(sql + f"ORDER BY number LIMIT {_PAGE}", (last,)):
            yield from rows
            last = int(rows[-1][0] or 0)


def _study(event: Event) -> str:
    return event.case.study_uid if event.case else ""


def _filed_as_it_says(row: Row) -> bool:
    """Whether the columns by which a line is found are those of the event in it."""
    try:
        event = msgspec.json.decode(str(row[1]), type=Event)
    except msgspec.MsgspecError:
        return False
    return (row[4], row[5], row[6]) == (_study(event), event.kind, event.at)


def _entry(row: Row) -> Entry:
    try:
        event = msgspec.json.decode(str(row[1]), type=Event)
    except msgspec.MsgspecError as error:
        raise ArchiveError("journal_damaged", "A line of the journal cannot be read; run verify.") from error
    return Entry(int(row[0] or 0), event, str(row[2]), str(row[3]))
