"""The case on disk: a whole value now and then, and a line for each edit since; a crash may repeat, never lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workstation.archive.db import Database


class CaseStore:
    """Cases by study, as JSON text that the archive does not look into."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def save(self, study_uid: str, value: str, at: str) -> None:
        """Keep the whole value; the edit lines are part of it from now on."""
        with self._db.writing() as db:
            db.change(
                "INSERT INTO cases (study_uid, value, saved_at) VALUES (?, ?, ?) "
                "ON CONFLICT (study_uid) DO UPDATE SET value = excluded.value, saved_at = excluded.saved_at",
                (study_uid, value, at),
            )
            db.change("DELETE FROM autosave WHERE study_uid = ?", (study_uid,))

    def line(self, study_uid: str, edit: str) -> int:
        """Write one edit behind the others; its number."""
        with self._db.writing() as db:
            row = db.one("SELECT max(number) FROM autosave WHERE study_uid = ?", (study_uid,))
            number = int((row[0] if row else 0) or 0) + 1
            db.change(
                "INSERT INTO autosave (study_uid, number, edit) VALUES (?, ?, ?)",
                (study_uid, number, edit),
            )
            return number

    def load(self, study_uid: str) -> tuple[str, tuple[str, ...]] | None:
        """The saved value and the edits made since, in order; None when the study has no case yet."""
        row = self._db.one("SELECT value FROM cases WHERE study_uid = ?", (study_uid,))
        if row is None:
            return None
        edits = self._db.rows("SELECT edit FROM autosave WHERE study_uid = ? ORDER BY number", (study_uid,))
        return str(row[0]), tuple(str(e[0]) for e in edits)
