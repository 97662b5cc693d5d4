"""Which database a home has: SQLite in the home itself, or a department's PostgreSQL by URL."""

from __future__ import annotations

from pathlib import Path

from workstation.archive.db import Database

FILE = "renderdesk.sqlite3"


def open_database(home: Path) -> Database:
    """The database of a home, brought to this program's schema."""
    from workstation.archive.sqlite import SqliteDatabase

    return SqliteDatabase(home / FILE)


def has_archive(home: Path) -> bool:
    """Whether there is an archive to look into, so that looking makes none."""
    return (home / FILE).is_file()
