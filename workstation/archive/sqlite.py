"""A home's database in one SQLite file.

The journal and the ledger must survive a cut of power, so it runs in WAL with ``synchronous=FULL``.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from workstation.archive.db import APPEND_ONLY, NEWER, Database, Dialect, Row, Value, migrations, statements
from workstation.base.atomic import make_folder
from workstation.base.errors import ArchiveError

_WAIT_S = 10.0
_DAMAGED = "The archive's database is damaged; restore it from the last backup."


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
        return ArchiveError("damaged", _DAMAGED)
    if "append-only" in text:
        return ArchiveError("append_only", "Journal and ledger can only grow; what stands there is never changed.")
    return ArchiveError("database", "The archive's database refused the change; nothing was written.")


class SqliteDatabase(Database):
    """A database file of one home.

    Parameters
    ----------
    path : the database file; made with its folder when absent

    Raises
    ------
    ArchiveError
        ``newer`` when a later program made it, ``damaged``, ``unwritable``, ``disk_full``, ``busy``.
    """

    dialect: ClassVar[Dialect] = "sqlite"
    shared = False

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._readers: dict[threading.Thread, sqlite3.Connection] = {}
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
            raise ArchiveError("newer", NEWER)
        if have == len(steps):
            return
        # IMMEDIATE: of two programs that start together the second finds the work done
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            have = int(self._writer.execute("PRAGMA user_version").fetchone()[0])
            for number, text in enumerate(steps[have:], start=have + 1):
                for statement in statements(text, self.dialect):
                    self._writer.execute(statement)
                self._writer.execute(f"PRAGMA user_version={number}")
            self._commit()
        except BaseException:
            self._rollback()
            raise

    def _begin(self) -> None:
        self._writer.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        self._writer.execute("COMMIT")

    def _rollback(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._writer.execute("ROLLBACK")

    def _sentence(self, error: Exception) -> ArchiveError | None:
        return sentence_for(error) if isinstance(error, sqlite3.Error) else None

    def _run(self, sql: str, values: Sequence[Value]) -> int:
        return self._writer.execute(sql, tuple(values)).rowcount

    def _fetch(self, sql: str, values: Sequence[Value], *, writer: bool) -> list[Row]:
        connection = self._writer if writer else self._reader()
        return connection.execute(sql, tuple(values)).fetchall()

    _snapshot_begins = "BEGIN"

    def _snapshot(self, sql: str) -> None:
        self._reader().execute(sql)

    def _reader(self) -> sqlite3.Connection:
        thread = threading.current_thread()
        reader = self._readers.get(thread)
        if reader is None:
            reader = self._connect()
            with self._readers_lock:
                for gone in [t for t in self._readers if not t.is_alive()]:
                    self._readers.pop(gone).close()
                self._readers[thread] = reader
        return reader

    def check(self) -> list[str]:
        """What SQLite itself finds wrong with the file, and guards that somebody took away."""
        try:
            found = self._reader().execute("PRAGMA integrity_check(20)").fetchall()
            named = self._reader().execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        except sqlite3.Error as error:
            return [sentence_for(error).sentence]
        wrong = [] if found == [("ok",)] else [_DAMAGED]
        guards = {row[0] for row in named}
        for table in APPEND_ONLY:
            if not {f"{table}_no_update", f"{table}_no_delete"} <= guards:
                wrong.append(f"The guard that keeps the {table} append-only was taken out of the database.")
        return wrong

    def close(self) -> None:
        """Close all connections; the WAL is folded into the file."""
        with self._lock, self._readers_lock:
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()
            self._writer.close()
