"""The journal: append-only, each line chained to the one before by a hash over its canonical JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from workstation.base.errors import ArchiveError
from workstation.base.events import KINDS, Entry, Event

if TYPE_CHECKING:
    from workstation.archive.db import Database, Row

FIRST = "0" * 64
"""`previous` of the first line."""


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

    def append(self, event: Event) -> Entry:
        """Write an act at the end, inside the caller's transaction if there is one.

        Raises
        ------
        ArchiveError
            Nothing was written; what the act would have allowed must not happen.
        """
        if event.kind not in KINDS:
            raise ArchiveError("unknown_event", "The journal has no such act.", kind=event.kind)
        with self._db.writing() as db:
            number, previous = self._head()
            text = canonical(event)
            entry = Entry(number + 1, event, previous, hash_of(previous, text))
            db.change(
                "INSERT INTO journal (number, study_uid, kind, at, event, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    entry.number,
                    event.case.study_uid if event.case else "",
                    event.kind,
                    event.at,
                    text.decode("utf-8"),
                    previous,
                    entry.hash,
                ),
            )
            db.change(
                "INSERT INTO journal_head (one, number, hash) VALUES (1, ?, ?) "
                "ON CONFLICT (one) DO UPDATE SET number = excluded.number, hash = excluded.hash",
                (entry.number, entry.hash),
            )
        return entry

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
        expected, previous = 1, FIRST
        for row in self._db.rows("SELECT number, event, previous, hash FROM journal ORDER BY number"):
            number, text, before, stated = int(row[0] or 0), str(row[1]), str(row[2]), str(row[3])
            if number != expected:
                return Broken(expected, f"Line {expected} of the journal is missing.")
            if before != previous:
                return Broken(number, f"Line {number} of the journal does not follow the line before it.")
            if stated != hash_of(previous, text.encode("utf-8")):
                return Broken(number, f"Line {number} of the journal was changed after it was written.")
            expected, previous = number + 1, stated
        number, stated = self._head()
        if (number, stated) != (expected - 1, previous):
            return Broken(expected, f"The journal ends before line {max(number, expected)}: lines were cut off.")
        return None


def _entry(row: Row) -> Entry:
    try:
        event = msgspec.json.decode(str(row[1]), type=Event)
    except msgspec.MsgspecError as error:
        raise ArchiveError("journal_damaged", "A line of the journal cannot be read; run verify.") from error
    return Entry(int(row[0] or 0), event, str(row[2]), str(row[3]))
