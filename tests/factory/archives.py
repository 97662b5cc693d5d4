"""Archives for tests on both databases, and somebody who changes one behind the program's back."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from workstation.archive.db import Database
from workstation.archive.opening import FILE, open_database

KINDS = ("sqlite", "postgresql")


def home_of(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A home with an empty database of this kind; a department's by the setting in its `site.toml`."""
    home = tmp_path / "home"
    home.mkdir()
    if kind == "postgresql":
        url = request.getfixturevalue("postgres").url()
        (home / "site.toml").write_text(f'[database]\nurl = "{url}"\n')
    return home


def opened(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Database:
    return open_database(home_of(kind, tmp_path, request))


def tamper(db: Any, *statements: str) -> None:
    """Change rows as somebody with a tool of their own would: the guards are taken away first and put back after."""
    if db.dialect == "sqlite":
        raw = sqlite3.connect(db.path)
        raw.execute("PRAGMA ignore_check_constraints=ON")
        guards = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
        for _, sql in guards:
            raw.execute(sql)
        raw.commit()
        raw.close()
        return
    import psycopg

    with psycopg.connect(db._url) as connection:
        for table in ("journal", "ledger"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        for statement in statements:
            connection.execute(statement.replace("%", "%%").encode())
        for table in ("journal", "ledger"):
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())


__all__ = ["FILE", "KINDS", "home_of", "opened", "tamper"]
