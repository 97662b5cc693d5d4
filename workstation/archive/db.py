"""One SQLite database per home: migrations, one writer at a time, and one sentence for what goes wrong.

The journal and the ledger must survive a cut of power, so the database runs in WAL with
``synchronous=FULL``; every change is one transaction that is whole or absent.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

from workstation.base.atomic import make_folder
from workstation.base.errors import ArchiveError

_WAIT_S = 10.0
_NAME = re.compile(r"^(\d{4})_\w+\.sql$")

Value = str | int | float | None
Row = tuple[Value, ...]


def sentence_for(error: sqlite3.Error) -> ArchiveError:
    """What a person reads when the database refuses."""
    text = str(error)
    if "full" in text:
        return ArchiveError("disk_full", "The disk is full; nothing was written. Make space and try again.")
    if "readonly" in text or "unable to open" in text:
        return ArchiveError(
            "unwritable", "The archive's folder cannot be written to; choose another or ask for the right."
        )
    if "locked" in text or "busy" in text:
        return ArchiveError("busy", "Another RenderDesk is writing to this archive; try again in a moment.")
    if "malformed" in text or "not a database" in text:
        return ArchiveError("damaged", "The archive's database is damaged; restore it from the last backup.")
    if "append-only" in text:
        return ArchiveError("append_only", "Journal and ledger can only grow; what stands there is never changed.")
    return ArchiveError("database", "The archive's database refused the change; nothing was written.")


class Database:
    """The database of one home.

    Writing is serialised by a lock inside the process and by SQLite's own between processes. Reading uses
    a connection for each thread, so a long import never stops the window.

    Parameters
    ----------
    path : the database file; made with its folder when absent

    Raises
    ------
    ArchiveError
        ``newer`` when a later program made it, ``damaged``, ``unwritable``, ``disk_full``, ``busy``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._readers: list[sqlite3.Connection] = []
        self._of_thread = threading.local()
        self._depth = 0
        make_folder(path.parent)
        try:
            self._writer = self._connect()
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._migrate()
        except sqlite3.Error as error:
            raise sentence_for(error) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _migrate(self) -> None:
        """Bring an older database to this program's schema, each step one transaction."""
        steps = migrations()
        have = int(self._writer.execute("PRAGMA user_version").fetchone()[0])
        if have > len(steps):
            self._writer.close()
            raise ArchiveError(
                "newer", "This archive was made by a newer RenderDesk; use that version, this one leaves it untouched."
            )
        if have == len(steps):
            return
        # IMMEDIATE: of two programs that start together the second finds the work done
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            have = int(self._writer.execute("PRAGMA user_version").fetchone()[0])
            for number, text in enumerate(steps[have:], start=have + 1):
                for statement in statements(text):
                    self._writer.execute(statement)
                self._writer.execute(f"PRAGMA user_version={number}")
            self._commit()
        except BaseException:
            self._rollback()
            raise

    def _commit(self) -> None:
        self._writer.execute("COMMIT")

    def _rollback(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._writer.execute("ROLLBACK")

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
                self._writer.execute("BEGIN IMMEDIATE")
                self._depth = 1
                yield self
                self._commit()
            except sqlite3.Error as error:
                self._rollback()
                raise sentence_for(error) from error
            except BaseException:
                self._rollback()
                raise
            finally:
                self._depth = 0

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """One statement inside `writing`; the number of rows that it changed."""
        if not self._depth:
            raise RuntimeError("a change stands inside `with database.writing()`")
        return self._writer.execute(sql, tuple(values)).rowcount

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """The rows of a query; inside this thread's own transaction they include its changes."""
        if self._depth and self._lock.acquire(blocking=False):
            try:
                return self._writer.execute(sql, tuple(values)).fetchall()
            finally:
                self._lock.release()
        try:
            return self._reader().execute(sql, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise sentence_for(error) from error

    def one(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """The first row, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def _reader(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if reader is None:
            reader = self._connect()
            self._of_thread.connection = reader
            with self._lock:
                self._readers.append(reader)
        return reader

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

    def check(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty when sound."""
        try:
            found = self._reader().execute("PRAGMA integrity_check(20)").fetchall()
        except sqlite3.Error as error:
            return [sentence_for(error).sentence]
        return [] if found == [("ok",)] else ["The archive's database is damaged; restore it from the last backup."]

    def close(self) -> None:
        """Close all connections; the WAL is folded into the file."""
        with self._lock:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._writer.close()


def migrations() -> list[str]:
    """The numbered scripts of this program, in order; their numbers have no hole."""
    folder = resources.files("workstation.archive").joinpath("migrations")
    found = sorted((f.name, f.read_text("utf-8")) for f in folder.iterdir() if _NAME.match(f.name))
    for place, (name, _) in enumerate(found, start=1):
        if int(name[:4]) != place:
            raise ArchiveError("migrations", "The program's own migrations are incomplete; install it again.")
    return [text for _, text in found]


def statements(script: str) -> list[str]:
    """Split a script at the ends of its statements; a trigger with its inner semicolons stays whole."""
    found, pending = [], ""
    for line in script.splitlines(keepends=True):
        if not pending and (not line.strip() or line.lstrip().startswith("--")):
            continue
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending.strip())
            pending = ""
    if pending.strip():
        raise ArchiveError("migrations", "A migration ends in the middle of a statement; install the program again.")
    return found
