"""A department's database in PostgreSQL, for several workstations that write at once.

One advisory lock, held for the length of a transaction, makes them take turns, as SQLite's own lock does in one home:
what is read inside a transaction cannot change before its end, and the chains of journal and ledger stay linear. The
schema guards the chains once more (no two lines may name the same one before). After a lost connection the next act
connects anew; when it was lost in the moment of committing, the server is asked what became of that transaction.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from workstation.archive.db import APPEND_ONLY, NEWER, Database, Dialect, Row, Value, migrations, statements
from workstation.base.errors import ArchiveError

if TYPE_CHECKING:
    import psycopg

_LOCK = 0x52444B  # first half of the advisory lock; the second is made of the schema's name
_WAIT_S = 10
_IDLE_S = 300  # a workstation that sleeps in the middle of an act lets the others go on after this time
_LOST = "The connection to the department's database broke; nothing of this act was written. Try it again."
_UNSURE = (
    "The connection to the department's database broke while an act was being written, and whether it was is not "
    "known; look before you do it again."
)
_SETTINGS = (
    "SELECT set_config('lock_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false), "
    "set_config('default_transaction_read_only', %s, false), set_config('synchronous_commit', "
    "CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on' "
    "ELSE current_setting('synchronous_commit') END, false), current_setting('server_encoding'), current_schema()"
)

# SQLSTATE, or its class -> what a person reads
_SENTENCES: dict[str, tuple[str, str]] = {
    "53100": ("disk_full", "The disk of the department's database is full; nothing was written. Tell who runs it."),
    "53300": ("busy", "The department's database has no room for another workstation just now; try again in a moment."),
    "53": ("busy", "The department's database is short of memory; nothing was written. Try again in a moment."),
    "55P03": ("busy", "Another workstation is writing to this archive; try again in a moment."),
    "57014": ("busy", "The department's database gave up after a long wait; nothing was written. Try again."),
    "40": ("busy", "Two workstations got in each other's way; nothing was written. Try again."),
    "25P03": ("lost", "This act stood still for too long and the database let others go on; nothing was written."),
    "25006": ("unwritable", "The department's database only lets read just now; ask who runs it whether it is a copy."),
    "42501": ("unwritable", "This user of the department's database may not do that; ask who runs it for the right."),
    "28": ("not_admitted", "The department's database does not admit this user or password; nothing was opened."),
    "3D000": ("unreachable", "The server has no database of that name; ask who runs it to make it."),
    "3F000": ("unreachable", "The database has no such schema; ask who runs it to make it."),
    "08": ("lost", _LOST),
    "57P": ("lost", "The department's database is being stopped or started; nothing was written. Try again soon."),
    "XX": ("damaged", "The department's database is damaged; restore it from the last backup."),
    "58": ("damaged", "The department's database cannot read its own files; restore it from the last backup."),
    "22021": ("text", "A text holds a character that the department's database cannot keep; nothing was written."),
}
_UNREACHABLE = "The department's database cannot be reached; look at network and address, and try again."


def driver() -> Any:
    """The module `psycopg`, which only this database needs.

    Raises
    ------
    ArchiveError
        ``no_driver``: it is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise ArchiveError(
            "no_driver",
            "For a department's database RenderDesk needs its part for PostgreSQL: pip install 'renderdesk[postgres]'.",
        ) from error
    return psycopg


def sentence_for(error: psycopg.Error) -> ArchiveError:
    """What a person reads when the database refuses; never the server's own text, which may quote what was written."""
    state, text = error.sqlstate or "", str(error)
    if "append-only" in text:
        return ArchiveError("append_only", "Journal and ledger can only grow; what stands there is never changed.")
    for key in (state, state[:3], state[:2]):
        if key in _SENTENCES:
            return ArchiveError(*_SENTENCES[key])
    if "cannot contain NUL" in text:
        return ArchiveError(*_SENTENCES["22021"])
    if isinstance(error, driver().OperationalError) and not state:
        # a refusal while connecting carries no code, only the server's words
        if any(w in text for w in ("authentication", "no password", "pg_hba", 'role "')):
            return ArchiveError(*_SENTENCES["28"])
        if "does not exist" in text and 'database "' in text:
            return ArchiveError(*_SENTENCES["3D000"])
        if any(w in text for w in ("closed", "lost", "terminat", "unexpectedly", "reset", "broken", "consuming")):
            return ArchiveError("lost", _LOST)
        return ArchiveError("unreachable", _UNREACHABLE)
    return ArchiveError("database", "The department's database refused the change; nothing was written.")


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """The program's SQL in the driver's spelling: ``?`` outside of quotes is a value, a percent sign is one."""
    parts = re.split(r"('(?:[^']|'')*')", sql)
    plain = [p.replace("%", "%%") if i % 2 else p.replace("%", "%%").replace("?", "%s") for i, p in enumerate(parts)]
    return "".join(plain)


def schema_of(statement: str) -> str:
    """A statement of a migration in PostgreSQL's types: text sorts by its code points and whole numbers are 64 bits,
    as in SQLite.
    """
    if not statement.startswith(("CREATE TABLE", "ALTER TABLE")):
        return statement
    return re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', re.sub(r"\bINTEGER\b", "BIGINT", statement))


class PostgresDatabase(Database):
    """The database of a department.

    Parameters
    ----------
    url : ``postgresql://user@host:port/database``, as libpq takes it; a password stands better in its password file

    Raises
    ------
    ArchiveError
        ``no_driver``, ``unreachable``, ``not_admitted``, ``newer``, ``encoding`` ...
    """

    dialect: ClassVar[Dialect] = "postgresql"
    shared = True

    def __init__(self, url: str) -> None:
        super().__init__()
        self._driver = driver()
        self._url = url
        self._writer: psycopg.Connection[Row] | None = None
        self._readers: dict[threading.Thread, psycopg.Connection[Row]] = {}
        self._transaction = 0
        self._steps = migrations()
        try:
            self._migrate()
        except self._driver.Error as error:
            self.close()
            raise sentence_for(error) from error
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return "PostgresDatabase(...)"

    # --- connections ------------------------------------------------------------------------------------------

    def _connect(self, *, read_only: bool) -> psycopg.Connection[Row]:
        connection: psycopg.Connection[Row] = self._driver.connect(
            self._url,
            autocommit=True,
            prepare_threshold=None,  # a connection pool between us and the server may change the server's session
            connect_timeout=_WAIT_S,
            application_name="RenderDesk",
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        row = connection.execute(_SETTINGS, (f"{_WAIT_S}s", f"{_IDLE_S}s", "on" if read_only else "off")).fetchone()
        assert row is not None
        if row[4] != "UTF8":
            connection.close()
            raise ArchiveError("encoding", "The department's database must be made with the encoding UTF8.")
        if row[5] is None:
            connection.close()
            raise ArchiveError(*_SENTENCES["3F000"])
        return connection

    def _own_writer(self) -> psycopg.Connection[Row]:
        if self._writer is None or self._writer.closed:
            self._writer = self._connect(read_only=False)
        return self._writer

    def _reader(self) -> psycopg.Connection[Row]:
        thread = threading.current_thread()
        reader = self._readers.get(thread)
        if reader is None or reader.closed:
            reader = self._connect(read_only=True)
            with self._readers_lock:
                for gone in [t for t in self._readers if not t.is_alive()]:
                    self._readers.pop(gone).close()
                self._readers[thread] = reader
        return reader

    # --- schema -----------------------------------------------------------------------------------------------

    def _migrate(self) -> None:
        """Bring the database to this program's schema, all steps in one transaction."""
        if self._version() == len(self._steps):
            return
        writer = self._own_writer()
        with writer.transaction():
            self._take_turn(writer)
            have = self._version()
            if have > len(self._steps):
                raise ArchiveError("newer", NEWER)
            if not have:
                writer.execute("CREATE TABLE schema_version (one BIGINT PRIMARY KEY CHECK (one = 1), number BIGINT)")
            for text in self._steps[have:]:
                for statement in statements(text, self.dialect):
                    writer.execute(schema_of(statement).encode())
            writer.execute(
                "INSERT INTO schema_version (one, number) VALUES (1, %s) "
                "ON CONFLICT (one) DO UPDATE SET number = excluded.number",
                (len(self._steps),),
            )

    def _version(self) -> int:
        writer = self._own_writer()
        row = writer.execute("SELECT to_regclass('schema_version')").fetchone()
        if row is None or row[0] is None:
            return 0
        found = writer.execute("SELECT number FROM schema_version").fetchone()
        return int(found[0] or 0) if found else 0

    # --- transactions -----------------------------------------------------------------------------------------

    @staticmethod
    def _take_turn(writer: psycopg.Connection[Row]) -> int:
        """Wait until no other workstation writes; the number of this transaction."""
        row = writer.execute(
            "SELECT txid_current(), pg_advisory_xact_lock(%s, coalesce(hashtext(current_schema()), 0))", (_LOCK,)
        ).fetchone()
        assert row is not None
        return int(row[0] or 0)

    def _begin(self) -> None:
        try:
            self._begin_once()
        except self._driver.OperationalError:
            if self._writer is not None and not self._writer.closed:
                raise
            # the connection was lost since the last act: nothing of this one has been done yet
            self._begin_once()

    def _begin_once(self) -> None:
        writer = self._own_writer()
        writer.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        self._transaction = self._take_turn(writer)
        # another workstation may have brought the archive to a newer program's schema meanwhile
        row = writer.execute("SELECT number FROM schema_version").fetchone()
        if row is None or row[0] != len(self._steps):
            raise ArchiveError("newer", NEWER)

    def _commit(self) -> None:
        assert self._writer is not None
        try:
            done = self._writer.execute("COMMIT")
        except self._driver.OperationalError as error:
            if not self._writer.closed:
                raise
            if not self._was_committed():
                raise ArchiveError("lost", _LOST) from error
            return
        if done.statusmessage != "COMMIT":
            # a statement had failed and somebody went on regardless: the server has dropped all of it
            raise ArchiveError("database", "The department's database refused a part of this; nothing was written.")

    def _was_committed(self) -> bool:
        """Ask the server what became of the transaction whose answer was lost."""
        for _ in range(_WAIT_S):
            try:
                writer = self._own_writer()
                row = writer.execute("SELECT txid_status(%s)", (self._transaction,)).fetchone()
            except (self._driver.Error, ArchiveError):
                time.sleep(1)
                continue
            if row is not None and row[0] in ("committed", "aborted"):
                return row[0] == "committed"
            time.sleep(0.2)
        raise ArchiveError("unsure", _UNSURE)

    def _rollback(self) -> None:
        writer = self._writer
        if writer is None or writer.closed:
            return
        try:
            writer.execute("ROLLBACK")
        except self._driver.Error:
            writer.close()

    def _sentence(self, error: Exception) -> ArchiveError | None:
        return sentence_for(error) if isinstance(error, self._driver.Error) else None

    def _run(self, sql: str, values: Sequence[Value]) -> int:
        assert self._writer is not None
        return self._writer.execute(translated(sql).encode(), tuple(values)).rowcount

    def _fetch(self, sql: str, values: Sequence[Value], *, writer: bool) -> list[Row]:
        query, given = translated(sql).encode(), tuple(values)
        if writer:
            assert self._writer is not None
            return self._writer.execute(query, given).fetchall()
        reader = self._reader()
        try:
            return reader.execute(query, given).fetchall()
        except self._driver.OperationalError:
            if not reader.closed or getattr(self._moment, "held", False):
                raise
            return self._reader().execute(query, given).fetchall()

    _snapshot_begins = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

    def _snapshot(self, sql: str) -> None:
        try:
            self._reader().execute(sql)
        except self._driver.Error:
            # where the line broke, the moment is gone with it and whoever read in it was told
            if sql == self._snapshot_begins:
                raise

    def common_time(self) -> datetime | None:
        """The server's clock."""
        row = self.one("SELECT extract(epoch FROM clock_timestamp())::float8")
        return None if row is None else datetime.fromtimestamp(float(row[0] or 0), UTC)

    # --- the rest ---------------------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """Guards that somebody took away, and a server that does not keep what it has answered."""
        try:
            guards = self._reader().execute(
                "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = current_schema() AND t.tgenabled IN ('O', 'A') AND NOT t.tgisinternal"
            )
            there = {(str(row[0]), str(row[1])) for row in guards.fetchall()}
            safe = self._reader().execute("SELECT current_setting('fsync'), current_setting('full_page_writes')")
            kept = safe.fetchone()
        except self._driver.Error as error:
            return [sentence_for(error).sentence]
        wrong = [
            f"The guard that keeps the {table} append-only was taken out of the database."
            for table in APPEND_ONLY
            if not {(table, f"{table}_no_change"), (table, f"{table}_no_truncate")} <= there
        ]
        if kept != ("on", "on"):
            wrong.append("The department's database does not write through to its disk; a cut of power may lose acts.")
        return wrong

    def close(self) -> None:
        """Close all connections."""
        with self._lock, self._readers_lock:
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()
            if self._writer is not None:
                self._writer.close()
