"""The database of a home: one interface, SQLite on this computer or PostgreSQL for a department.

Everything above this module writes one SQL, with ``?`` for values, that both understand. Every change is one
transaction that is whole or absent, and in an archive one writer is at work at a time, in whatever process or on
whatever workstation: so journal and ledger are chains that cannot fork.
"""

from __future__ import annotations

import contextlib
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib import resources
from typing import ClassVar, Literal

from workstation.base.errors import ArchiveError

Value = str | int | float | None
Row = tuple[Value, ...]
Dialect = Literal["sqlite", "postgresql"]

_NAME = re.compile(r"^(\d{4})_\w+\.sql$")
_ONLY = re.compile(r"^--\s*only:\s*(sqlite|postgresql)\b")

NEWER = "This archive was made by a newer RenderDesk; use that version, this one leaves it untouched."
APPEND_ONLY = ("journal", "ledger")
"""Tables whose rows are never changed; the database itself refuses it."""


class Database(ABC):
    """The database of one home.

    Writing is serialised by a lock inside the process and by the database's own between processes. Reading uses
    a connection for each thread, so a long import never stops the window.
    """

    dialect: ClassVar[Dialect]

    def __init__(self) -> None:
        self._lock = threading.RLock()
        # apart from the writer's, which may be held while another workstation writes: who reads does not wait for that
        self._readers_lock = threading.Lock()
        self._depth = 0
        self._writing_thread = 0
        self._moment = threading.local()

    @property
    @abstractmethod
    def shared(self) -> bool:
        """Whether workstations with other homes write into it."""

    @abstractmethod
    def _begin(self) -> None:
        """Begin a transaction as the only writer; waits for another one."""

    @abstractmethod
    def _commit(self) -> None:
        """Make the transaction last; when this returns it outlives a cut of power."""

    @abstractmethod
    def _rollback(self) -> None:
        """Drop the transaction; never raises."""

    @abstractmethod
    def _sentence(self, error: Exception) -> ArchiveError | None:
        """What a person reads for an error of the database; None for an error of something else."""

    @abstractmethod
    def _run(self, sql: str, values: Sequence[Value]) -> int:
        """Execute on the writer's connection; the number of rows changed."""

    @abstractmethod
    def _fetch(self, sql: str, values: Sequence[Value], *, writer: bool) -> list[Row]:
        """Rows, through the writer's connection or this thread's own."""

    @abstractmethod
    def _snapshot(self, sql: str) -> None:
        """Begin or end a reading transaction on this thread's own connection."""

    @property
    @abstractmethod
    def _snapshot_begins(self) -> str:
        """The statement that begins one in which every query sees the same moment."""

    @abstractmethod
    def check(self) -> list[str]:
        """What is wrong with the database itself, a sentence each: damage, guards that are gone; empty when sound."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""

    @contextlib.contextmanager
    def writing(self) -> Iterator[Database]:
        """One transaction: all of the block or nothing of it. A block inside a block is part of the outer one.

        Raises
        ------
        ArchiveError
            In one sentence; nothing of the block was written.
        """
        with self._lock:
            if self._depth:
                self._depth += 1
                try:
                    yield self
                finally:
                    self._depth -= 1
                return
            try:
                self._begin()
                self._depth, self._writing_thread = 1, threading.get_ident()
                yield self
                self._commit()
            except BaseException as error:
                self._rollback()
                told = self._sentence(error) if isinstance(error, Exception) else None
                if told is not None:
                    raise told from error
                raise
            finally:
                self._depth, self._writing_thread = 0, 0

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Reads of this thread inside the block see one and the same moment, however others write meanwhile.

        Raises
        ------
        ArchiveError
            In one sentence.
        """
        if self._writing_thread == threading.get_ident() or getattr(self._moment, "held", False):
            yield  # the own transaction, or the block around this one, is such a moment
            return
        try:
            self._snapshot(self._snapshot_begins)
        except Exception as error:
            told = self._sentence(error)
            if told is not None:
                raise told from error
            raise
        self._moment.held = True
        try:
            yield
        finally:
            self._moment.held = False
            self._snapshot("COMMIT")

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """One statement inside `writing`; the number of rows that it changed."""
        if not self._depth:
            raise RuntimeError("a change stands inside `with database.writing()`")
        return self._run(sql, values)

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """The rows of a query; inside this thread's own transaction they include its changes."""
        if self._writing_thread == threading.get_ident():
            return self._fetch(sql, values, writer=True)
        try:
            return self._fetch(sql, values, writer=False)
        except Exception as error:
            told = self._sentence(error)
            if told is not None:
                raise told from error
            raise

    def common_time(self) -> datetime | None:
        """UTC by the one clock that all who share this database have; None where that is this computer's own."""
        return None

    def one(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """The first row, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def setting(self, name: str) -> str | None:
        """A value of the home's own settings table."""
        row = self.one("SELECT value FROM settings WHERE name = ?", (name,))
        return None if row is None else str(row[0])

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value."""
        with self.writing():
            self.change(
                "INSERT INTO settings (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )


def migrations() -> list[str]:
    """The numbered scripts of this program, in order; their numbers have no hole."""
    folder = resources.files("workstation.archive").joinpath("migrations")
    found = sorted((f.name, f.read_text("utf-8")) for f in folder.iterdir() if _NAME.match(f.name))
    for place, (name, _) in enumerate(found, start=1):
        if int(name[:4]) != place:
            raise ArchiveError("migrations", "The program's own migrations are incomplete; install it again.")
    return [text for _, text in found]


def statements(script: str, dialect: Dialect = "sqlite") -> list[str]:
    """Split a script at the ends of its statements; a trigger with its inner semicolons stays whole.

    A comment ``-- only: sqlite`` (or ``postgresql``) before a statement keeps it from the other database. A statement
    for PostgreSQL alone ends at the first line that ends with a semicolon.
    """
    import sqlite3

    found, pending, only = [], "", ""
    for line in script.splitlines(keepends=True):
        if not pending and (not line.strip() or line.lstrip().startswith("--")):
            named = _ONLY.match(line.lstrip())
            only = named.group(1) if named else only
            continue
        pending += line
        # SQLite's own reader takes every CREATE TRIGGER for one with a body up to END
        whole = pending.rstrip().endswith(";") if only == "postgresql" else sqlite3.complete_statement(pending)
        if whole:
            if only in ("", dialect):
                found.append(pending.strip())
            pending, only = "", ""
    if pending.strip():
        raise ArchiveError("migrations", "A migration ends in the middle of a statement; install the program again.")
    return found
