"""Studies on their way in, and files on their way out: what a program that was killed must be able to end later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workstation.archive.db import Database


class Marks:
    """The two lists of one home."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def arrives(self, study_uid: str, at: str) -> None:
        """Files of this study are about to be copied."""
        with self._db.writing() as db:
            db.change(
                "INSERT INTO arriving (study_uid, since) VALUES (?, ?) ON CONFLICT (study_uid) DO NOTHING",
                (study_uid, at),
            )

    def arrived(self, study_uid: str) -> None:
        """All of them are copied and in the index."""
        with self._db.writing() as db:
            db.change("DELETE FROM arriving WHERE study_uid = ?", (study_uid,))

    def arriving(self) -> tuple[str, ...]:
        """Studies whose import is under way or was interrupted."""
        return tuple(str(r[0]) for r in self._db.rows("SELECT study_uid FROM arriving ORDER BY study_uid"))

    def leaves(self, study_uid: str, places: Iterable[str]) -> None:
        """Files of a deleted study are to go (places relative to the home), inside `writing`."""
        for place in places:
            self._db.change(
                "INSERT INTO leaving (place, study_uid) VALUES (?, ?) "
                "ON CONFLICT (place) DO UPDATE SET study_uid = excluded.study_uid",
                (place, study_uid),
            )

    def left(self, place: str) -> None:
        """A file is gone; inside `writing`."""
        self._db.change("DELETE FROM leaving WHERE place = ?", (place,))

    def leaving(self, study_uid: str = "") -> tuple[str, ...]:
        """Places of files that are still to go: of one study, or all."""
        where, values = (" WHERE study_uid = ?", (study_uid,)) if study_uid else ("", ())
        return tuple(str(r[0]) for r in self._db.rows(f"SELECT place FROM leaving{where}", values))
