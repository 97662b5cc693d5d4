"""Which database a home has, and its move into a department's: the old file stays under another name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workstation.archive.moving import move
from workstation.archive.opening import FILE, SITE, checked_url, database_url, has_archive, open_database
from workstation.archive.sqlite import SqliteDatabase
from workstation.base.atomic import refusal, write_bytes
from workstation.base.errors import InputRefused

if TYPE_CHECKING:
    from pathlib import Path

MOVED = f"{FILE}.moved"


def told(home: Path) -> dict[str, Any]:
    """What there is: kind, lines of the journal, and what is wrong with the database itself."""
    if not has_archive(home):
        return {"kind": None, "journal_lines": 0, "wrong": [], "sentence": "This home has no database yet."}
    database = open_database(home)
    try:
        row = database.one("SELECT count(*) FROM journal")
        lines, wrong = int((row[0] if row else 0) or 0), database.check()
    finally:
        database.close()
    words = "the department's PostgreSQL" if database.shared else "SQLite in the home itself"
    sentence = f"The database is {words}, with {lines} journal lines."
    return {"kind": database.dialect, "journal_lines": lines, "wrong": wrong, "sentence": sentence}


def moved(home: Path, url: str) -> dict[str, Any]:
    """Carry the home's own database into an empty one of a department, and have `site.toml` name that one.

    Raises
    ------
    InputRefused, ArchiveError
        In one sentence; the home is as it was.
    """
    import tomlkit

    from workstation.archive.postgres import PostgresDatabase

    if database_url(home):
        raise InputRefused("database", "This home's database is a department's already.")
    if not (home / FILE).is_file():
        raise InputRefused("database", "This home has no database yet; name the department's in site.toml instead.")
    checked_url(url, "The database")
    site = home / SITE
    try:
        text = site.read_text("utf-8") if site.is_file() else ""
        document = tomlkit.parse(text)
    except (OSError, UnicodeDecodeError, tomlkit.exceptions.TOMLKitError) as error:
        raise InputRefused("site", f"{SITE} of the home cannot be read; mend it first.") from error
    source = SqliteDatabase(home / FILE)
    try:
        target = PostgresDatabase(url)
        try:
            rows = move(source, target)
        finally:
            target.close()
    finally:
        source.close()
    document["database"] = {"url": url}
    try:
        write_bytes(site, tomlkit.dumps(document).encode("utf-8"))
        site.chmod(0o600)  # the URL may hold a password
        (home / FILE).rename(home / MOVED)
    except OSError as error:
        raise refusal(error) from error
    return {"rows": rows}
