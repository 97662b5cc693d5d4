"""Which database a home has: SQLite in the home itself, or a department's PostgreSQL by URL."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.base.errors import ArchiveError

if TYPE_CHECKING:
    from workstation.archive.db import Database

FILE = "renderdesk.sqlite3"
VARIABLE = "RENDERDESK_DATABASE"
SITE = "site.toml"
_SCHEMES = ("postgresql://", "postgres://")


def database_url(home: Path, *, demo: bool = False) -> str:
    """The URL of the department's database, from the environment or from ``[database] url`` of the home's `site.toml`.

    A DEMO asks the home alone, so that a demonstration on a department's workstation never meets the department.

    Returns
    -------
    str
        "" where the home keeps its own.

    Raises
    ------
    ArchiveError
        ``database_url``: what stands there is no such URL.
    """
    stated = "" if demo else os.environ.get(VARIABLE, "").strip()
    place = VARIABLE
    path = home / SITE
    if not stated and path.is_file():
        place = f"[database] in {SITE}"
        try:
            found = tomllib.loads(path.read_text("utf-8")).get("database", {})
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ArchiveError(
                "database_url", f"{SITE} of the home cannot be read, so which database is meant is not known."
            ) from error
        stated = str(found.get("url", "") if isinstance(found, dict) else found).strip()
    return checked_url(stated, place) if stated else ""


def checked_url(stated: str, place: str) -> str:
    """The URL, which `place` states.

    Raises
    ------
    ArchiveError
        ``database_url``: it is not one of PostgreSQL.
    """
    if not stated.startswith(_SCHEMES):
        raise ArchiveError(
            "database_url", f"{place} must be a URL like postgresql://user@server/renderdesk, or be left out."
        )
    return stated


def open_database(home: Path, *, demo: bool = False) -> Database:
    """The database of a home, brought to this program's schema.

    Raises
    ------
    ArchiveError
        In one sentence; nothing was changed.
    """
    url = database_url(home, demo=demo)
    if url:
        from workstation.archive.postgres import PostgresDatabase

        return PostgresDatabase(url)
    from workstation.archive.sqlite import SqliteDatabase

    return SqliteDatabase(home / FILE)


def has_archive(home: Path) -> bool:
    """Whether there is an archive to look into, so that looking makes none."""
    return bool(database_url(home)) or (home / FILE).is_file()
