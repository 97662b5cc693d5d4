"""A home's database carried over into a department's: every row as it is, so that the chains hold there too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workstation.archive.journal import Journal
from workstation.base.errors import ArchiveError

if TYPE_CHECKING:
    from workstation.archive.db import Database
    from workstation.archive.sqlite import SqliteDatabase


def move(source: SqliteDatabase, target: Database) -> dict[str, int]:
    """Copy everything in one transaction, while nobody writes to either; rows by table.

    Raises
    ------
    ArchiveError
        ``not_empty``: the department's database holds an archive already; two journals cannot be made one.
        ``damaged``: the home's own journal does not hold, and what is wrong is not carried on.
    """
    copied: dict[str, int] = {}
    with source.writing(), target.writing():
        if target.setting("installation") is not None or Journal(target).last_number():
            raise ArchiveError(
                "not_empty", "That database holds an archive already; a home is carried only into an empty one."
            )
        if Journal(source).verify() is not None:
            raise ArchiveError("damaged", "The journal of this home does not hold; run verify before it is moved.")
        for table, columns in _tables(source):
            names = ", ".join(columns)
            marks = ", ".join("?" for _ in columns)
            rows = source.rows(f"SELECT {names} FROM {table}")
            for row in rows:
                target.change(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)
            copied[table] = len(rows)
        for table, count in copied.items():
            if target.one(f"SELECT count(*) FROM {table}") != (count,):
                raise ArchiveError("database", "Not every row arrived; nothing was moved.")
        if Journal(target).verify() is not None:
            raise ArchiveError("database", "The journal does not hold after the move; nothing was moved.")
    return copied


def _tables(source: SqliteDatabase) -> list[tuple[str, tuple[str, ...]]]:
    """Tables in the order of their making, in which none refers to a later one, with their columns."""
    found = source.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY rowid"
    )
    return [
        (str(name), tuple(str(c[0]) for c in source.rows(f"SELECT name FROM pragma_table_info('{name}')")))
        for (name,) in found
    ]
