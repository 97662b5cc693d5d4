"""The library: patients, studies, series and instances, with search. Files are never edited, nor is an identity."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal

import msgspec

from workstation.archive.identity import Stated, key_of, verdict
from workstation.archive.reconcile import Layer, Patient, part_uid
from workstation.base.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workstation.archive.db import Database, Row

StudyState = Literal["new", "opened", "drafts", "released", "signed", "charged"]
_MODALITY = "'\\' || lower(t.modalities) || '\\' LIKE ? ESCAPE '!'"
# `studies.mixed`: what is known of a study whose files name several patients, and a part whose split was taken back
_UNDECIDED, _ONE, _SPLIT, _GONE = 1, 2, 3, 4
_RANK: dict[str, int] = {"new": 0, "opened": 1, "drafts": 2, "released": 3, "signed": 4, "charged": 5}


class StudyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the study list."""

    study_uid: str
    patient_key: str
    patient_name: str
    patient_id: str
    birth_date: str | None
    sex: str | None
    date: str | None
    time: str | None
    accession: str
    description: str
    modalities: str
    series: int
    images: int
    state: str
    imported_at: str
    mixed: bool = False
    person_key: str = ""
    """Studies of one person share it: the patient's own key until identities are joined by a journaled act."""
    partial: bool = False
    """Whether its import has not come to its end."""
    part_of: str = ""
    """The study whose files these are, where it named several patients and was split."""
    corrected: bool = False
    """Whether a person corrected the identity, or filed the study under another patient than its files name."""

    def __repr__(self) -> str:
        return "StudyRow(...)"


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """A stored object: its UIDs, where it lies, and the checksum of its bytes."""

    sop_uid: str
    study_uid: str
    series_uid: str
    sop_class: str
    sha256: str
    size: int
    place: str
    made_here: bool = False
    series_number: int | None = None
    modality: str = "OT"
    series_description: str = ""


class SeriesRow(msgspec.Struct, frozen=True, kw_only=True):
    """A series as the list shows it; `made_here`: pictures and reports of this program."""

    series_uid: str
    number: int | None
    modality: str
    description: str
    images: int
    made_here: bool


class StudyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the files say about their study."""

    study_uid: str
    date: str | None = None
    time: str | None = None
    accession: str = ""
    description: str = ""


def search_text(*parts: str) -> str:
    """What a search looks through: without case and accents, `^` and `=` as spaces."""
    joined = unicodedata.normalize("NFKD", " ".join(parts)).casefold()
    return " ".join("".join(" " if c in "^=" else c for c in joined if not unicodedata.combining(c)).split())


class Library:
    """Index of what the archive holds."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def file_patient(self, stated: Stated, study_uid: str) -> tuple[str, bool]:
        """The patient's key for this identity, and whether it conflicts with another one of the same ID.

        A conflict never joins: the second identity gets a row of its own beside the first.
        """
        identity_key = key_of(stated, study_uid)
        found = self._db.rows(
            "SELECT patient_key, id, issuer, name, birth_date, sex FROM patients WHERE identity_key = ? "
            "ORDER BY patient_key",
            (identity_key,),
        )
        for row in found:
            there = Stated(str(row[1]), str(row[2]), str(row[3]), _text(row[4]), _text(row[5]))
            if verdict(there, stated, same_key=True) != "identity_conflict":
                return str(row[0]), len(found) > 1
        taken = {str(row[0]) for row in found}
        names = (identity_key, *(f"{identity_key}\\{n}" for n in range(2, len(found) + 2)))
        key = next(name for name in names if name not in taken)
        self._db.change(
            "INSERT INTO patients (patient_key, identity_key, id, issuer, name, birth_date, sex) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, identity_key, stated.id, stated.issuer, stated.name, stated.birth_date, stated.sex),
        )
        return key, bool(found)

    def file_study(self, facts: StudyFacts, patient_key: str, stated: Stated, at: str) -> bool:
        """Put a study into the index; True when its files name a patient other than the one already filed."""
        row = self._db.one("SELECT patient_key FROM studies WHERE study_uid = ?", (facts.study_uid,))
        if row is not None:
            if str(row[0]) == patient_key:
                return False
            self.mark_mixed(facts.study_uid, (str(row[0]), patient_key))
            return True
        self._db.change(
            "INSERT INTO studies (study_uid, patient_key, study_date, study_time, accession, description, search, "
            "imported_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                facts.study_uid,
                patient_key,
                facts.date,
                facts.time,
                facts.accession,
                facts.description,
                search_text(stated.name, stated.id, facts.accession, facts.description, facts.date or ""),
                at,
            ),
        )
        return False

    def mark_mixed(self, study_uid: str, patient_keys: Iterable[str] = ()) -> None:
        """Note that files of this study name several patients; it opens nothing until that is decided."""
        self._db.change("UPDATE studies SET mixed = ? WHERE study_uid = ?", (_UNDECIDED, study_uid))
        for key in patient_keys:
            self._db.change(
                "INSERT INTO study_people (study_uid, patient_key) VALUES (?, ?) "
                "ON CONFLICT (study_uid, patient_key) DO NOTHING",
                (study_uid, key),
            )

    def people_of(self, study_uid: str) -> tuple[str, ...]:
        """Patients whom the files of a study with several patients name; empty where they name one."""
        sql = "SELECT patient_key FROM study_people WHERE study_uid = ? ORDER BY patient_key"
        return tuple(str(r[0]) for r in self._db.rows(sql, (study_uid,)))

    def undecided(self) -> dict[str, tuple[str, ...]]:
        """Studies that open nothing until somebody decides whose images they are, with the patients they name."""
        found = self._db.rows("SELECT study_uid FROM studies WHERE mixed = ? ORDER BY study_uid", (_UNDECIDED,))
        return {str(r[0]): self.people_of(str(r[0])) for r in found}

    def part(self, uid: str) -> tuple[str, str] | None:
        """(study whose files these are, patient) of a part of a split study; None for any other study."""
        row = self._db.one("SELECT study_uid, patient_key FROM parts WHERE part_uid = ?", (uid,))
        return None if row is None else (str(row[0]), str(row[1]))

    def parts_of(self, study_uid: str) -> tuple[str, ...]:
        """UIDs of the parts of a split study."""
        rows = self._db.rows("SELECT part_uid FROM parts WHERE study_uid = ? ORDER BY part_uid", (study_uid,))
        return tuple(str(r[0]) for r in rows)

    def bearing(self, issuer: str, patient_id: str) -> tuple[Patient, ...]:
        """Patients whom files or a correction give this issuer and ID, and everybody declared to be one of them."""
        keys = {
            str(r[0])
            for table in ("patients", "corrected")
            for r in self._db.rows(f"SELECT patient_key FROM {table} WHERE id = ? AND issuer = ?", (patient_id, issuer))
        }
        # a person's own key may stand in no row of its own
        person = "SELECT person_key FROM persons WHERE patient_key = ?"
        keys |= {str(r[0]) for key in tuple(keys) for r in self._db.rows(person, (key,))}
        members = "SELECT patient_key FROM persons WHERE person_key = ?"
        keys |= {str(r[0]) for key in tuple(keys) for r in self._db.rows(members, (key,))}
        return self.patients(tuple(sorted(keys)))

    def patients(self, only: tuple[str, ...] | None = None) -> tuple[Patient, ...]:
        """Every patient, or those of these keys: as the files state the identity, and as it stands."""
        if only is not None and not only:
            return ()
        where = f"WHERE p.patient_key IN ({', '.join('?' for _ in only)}) " if only is not None else ""
        sql = (
            "SELECT p.patient_key, p.identity_key, p.id, p.issuer, p.name, p.birth_date, p.sex, "
            "c.patient_key, c.id, c.issuer, c.name, c.birth_date, c.sex, coalesce(o.person_key, p.patient_key), "
            "(SELECT count(*) FROM studies t WHERE t.patient_key = p.patient_key AND t.mixed <> ?) "
            "FROM patients p LEFT JOIN corrected c ON c.patient_key = p.patient_key "
            f"LEFT JOIN persons o ON o.patient_key = p.patient_key {where}ORDER BY p.patient_key"
        )
        found = []
        for r in self._db.rows(sql, (_GONE, *(only or ()))):
            stated = Stated(str(r[2]), str(r[3]), str(r[4]), _text(r[5]), _text(r[6]))
            now = stated if r[7] is None else Stated(str(r[8]), str(r[9]), str(r[10]), _text(r[11]), _text(r[12]))
            found.append(
                Patient(
                    key=str(r[0]),
                    identity_key=str(r[1]),
                    stated=stated,
                    now=now,
                    person_key=str(r[13]),
                    studies=int(r[14] or 0),
                )
            )
        return tuple(found)

    def lay(self, layer: Layer, at: str) -> None:
        """Make the layer above the files anew, inside `writing`: joined, moved, corrected, split."""
        before = {str(r[0]) for r in self._db.rows("SELECT study_uid FROM moved")}
        before |= self._studies_of([str(r[0]) for r in self._db.rows("SELECT patient_key FROM corrected")])
        for table in ("persons", "moved", "corrected"):
            self._db.change(f"DELETE FROM {table}")
        for key, person in layer.persons.items():
            self._db.change("INSERT INTO persons (patient_key, person_key) VALUES (?, ?)", (key, person))
        for study, key in layer.moved.items():
            self._db.change("INSERT INTO moved (study_uid, patient_key) VALUES (?, ?)", (study, key))
        for key, who in layer.corrected.items():
            self._db.change(
                "INSERT INTO corrected (patient_key, id, issuer, name, birth_date, sex) VALUES (?, ?, ?, ?, ?, ?)",
                (key, who.id, who.issuer, who.name, who.birth_date, who.sex),
            )
        self._lay_parts(layer, at)
        for study in before | set(layer.moved) | self._studies_of(list(layer.corrected)):
            self._search_anew(study)

    def _studies_of(self, patient_keys: list[str]) -> set[str]:
        sql = "SELECT study_uid FROM studies WHERE patient_key = ?"
        return {str(r[0]) for key in patient_keys for r in self._db.rows(sql, (key,))}

    def _lay_parts(self, layer: Layer, at: str) -> None:
        """Which studies are mixed, which are split; a part that ends keeps its case and leaves the list."""
        rows = self._db.rows("SELECT DISTINCT study_uid FROM study_people")
        for study in {str(r[0]) for r in rows}:
            people = self.people_of(study)
            split = set(people) <= set(layer.parts.get(study, ()))
            one = len({layer.person_of(key) for key in people}) == 1
            state = _SPLIT if split else _ONE if one else _UNDECIDED
            self._db.change("UPDATE studies SET mixed = ? WHERE study_uid = ?", (state, study))
            if not split:
                self._count_again(study)
            own = self._db.one("SELECT patient_key FROM studies WHERE study_uid = ?", (study,))
            wanted = {} if own is None or not split else {part_uid(study, k): k for k in people if k != str(own[0])}
            for uid in set(self.parts_of(study)) - set(wanted):
                self._db.change("UPDATE studies SET mixed = ? WHERE study_uid = ?", (_GONE, uid))
                self._db.change("DELETE FROM parts WHERE part_uid = ?", (uid,))
            for uid, key in wanted.items():
                self._db.change(
                    "INSERT INTO parts (part_uid, study_uid, patient_key) VALUES (?, ?, ?) "
                    "ON CONFLICT (part_uid) DO NOTHING",
                    (uid, study, key),
                )
                self._db.change(
                    "INSERT INTO studies (study_uid, patient_key, study_date, study_time, accession, description, "
                    "search, imported_at, modalities, series_count, image_count) SELECT ?, ?, study_date, study_time, "
                    "accession, description, '', ?, modalities, series_count, image_count FROM studies "
                    "WHERE study_uid = ? ON CONFLICT (study_uid) DO UPDATE SET mixed = 0",
                    (uid, key, at, study),
                )
                self._search_anew(uid)

    def _search_anew(self, study_uid: str) -> None:
        """A corrected or moved study is found by what its files say and by what stands now."""
        row = self._db.one(
            "SELECT p.name, p.id, c.name, c.id, n.name, n.id, t.accession, t.description, t.study_date FROM studies t "
            "JOIN patients p ON p.patient_key = t.patient_key LEFT JOIN moved m ON m.study_uid = t.study_uid "
            "LEFT JOIN patients n ON n.patient_key = m.patient_key "
            "LEFT JOIN corrected c ON c.patient_key = coalesce(m.patient_key, t.patient_key) WHERE t.study_uid = ?",
            (study_uid,),
        )
        if row is not None:
            text = search_text(*(str(part) for part in row if part))
            self._db.change("UPDATE studies SET search = ? WHERE study_uid = ?", (text, study_uid))

    def count_images(self, study_uid: str, series: int, images: int) -> None:
        """What a part of a split study, or what is left of it, really holds."""
        self._db.change(
            "UPDATE studies SET series_count = ?, image_count = ? WHERE study_uid = ?", (series, images, study_uid)
        )

    def file_instance(self, item: Instance, at: str) -> None:
        """Put an object and its series into the index, inside `writing`."""
        fresh = self._db.change(
            "INSERT INTO series (series_uid, study_uid, number, modality, description) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (series_uid) DO NOTHING",
            (item.series_uid, item.study_uid, item.series_number, item.modality, item.series_description),
        )
        self._db.change(
            "INSERT INTO instances (sop_uid, series_uid, sop_class, sha256, size, place, made_here, stored_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                item.sop_uid,
                item.series_uid,
                item.sop_class,
                item.sha256,
                item.size,
                item.place,
                int(item.made_here),
                at,
            ),
        )
        self._db.change(
            "UPDATE studies SET image_count = image_count + 1 "
            "WHERE study_uid = (SELECT study_uid FROM series WHERE series_uid = ?)",
            (item.series_uid,),
        )
        if fresh:
            self._count_series(item.study_uid)

    def _count_series(self, study_uid: str) -> None:
        rows = self._db.rows("SELECT modality FROM series WHERE study_uid = ?", (study_uid,))
        words = "\\".join(sorted({str(row[0]) for row in rows}))
        self._db.change(
            "UPDATE studies SET series_count = ?, modalities = ? WHERE study_uid = ?", (len(rows), words, study_uid)
        )

    def _count_again(self, study_uid: str) -> None:
        self._count_series(study_uid)
        self._db.change(
            "UPDATE studies SET image_count = (SELECT count(*) FROM instances i JOIN series s "
            "ON s.series_uid = i.series_uid WHERE s.study_uid = studies.study_uid) WHERE study_uid = ?",
            (study_uid,),
        )

    def instance(self, sop_uid: str) -> Instance | None:
        """The stored object with this UID."""
        found = self._instances("i.sop_uid = ?", sop_uid)
        return found[0] if found else None

    def instances(
        self, study_uid: str = "", series_uid: str = "", *, made_here: bool | None = None
    ) -> tuple[Instance, ...]:
        """Stored objects of a study or a series, or all of them."""
        if series_uid:
            found = self._instances("i.series_uid = ?", series_uid)
        else:
            found = self._instances("s.study_uid = ?", study_uid) if study_uid else self._instances("1 = ?", 1)
        return tuple(i for i in found if made_here is None or i.made_here == made_here)

    def series_of(self, study_uid: str) -> tuple[str, ...]:
        """UIDs of a study's series, the one with the most objects first."""
        sql = (
            "SELECT s.series_uid FROM series s LEFT JOIN instances i USING (series_uid) WHERE s.study_uid = ? "
            "GROUP BY s.series_uid ORDER BY count(i.sop_uid) DESC, s.series_uid"
        )
        return tuple(str(r[0]) for r in self._db.rows(sql, (study_uid,)))

    def series_rows(self, study_uid: str) -> tuple[SeriesRow, ...]:
        """A study's series by number, those that were received before those made here."""
        sql = (
            "SELECT s.series_uid, s.number, s.modality, s.description, count(i.sop_uid), coalesce(min(i.made_here), 0) "
            "FROM series s LEFT JOIN instances i ON i.series_uid = s.series_uid WHERE s.study_uid = ? "
            "GROUP BY s.series_uid, s.number, s.modality, s.description ORDER BY 6, s.number, s.series_uid"
        )
        return tuple(
            SeriesRow(
                series_uid=str(r[0]),
                number=None if r[1] is None else int(r[1]),
                modality=str(r[2]),
                description=str(r[3]),
                images=int(r[4] or 0),
                made_here=bool(r[5]),
            )
            for r in self._db.rows(sql, (study_uid,))
        )

    def _instances(self, where: str, value: str | int) -> tuple[Instance, ...]:
        sql = (
            "SELECT i.sop_uid, s.study_uid, i.series_uid, i.sop_class, i.sha256, i.size, i.place, i.made_here, "
            f"s.number, s.modality, s.description FROM instances i JOIN series s USING (series_uid) WHERE {where} "
            "ORDER BY s.number NULLS FIRST, i.place"
        )
        return tuple(
            Instance(
                sop_uid=str(r[0]),
                study_uid=str(r[1]),
                series_uid=str(r[2]),
                sop_class=str(r[3]),
                sha256=str(r[4]),
                size=int(r[5] or 0),
                place=str(r[6]),
                made_here=bool(r[7]),
                series_number=None if r[8] is None else int(r[8]),
                modality=str(r[9]),
                series_description=str(r[10]),
            )
            for r in self._db.rows(sql, (value,))
        )

    def studies(self, query: str = "") -> tuple[StudyRow, ...]:
        """Studies that hold every word of the query, newest first.

        A word is looked for in patient, ID, accession, description and date; it also fits where it names one of
        the study's modalities. ``modality:ct`` means the modality alone.
        """
        where, values = "", []
        for word in search_text(query).split():
            kind = word.removeprefix("modality:")
            values.append(f"%\\{_plain(kind)}\\%")
            if kind != word:
                where += f" AND {_MODALITY}"
            else:
                where += f" AND ({_MODALITY} OR t.search LIKE ? ESCAPE '!')"
                values.append(f"%{_plain(word)}%")
        return self._rows(where, tuple(values))

    def count(self) -> int:
        """How many studies are filed."""
        row = self._db.one("SELECT count(*) FROM studies")
        return int(row[0] or 0) if row else 0

    def holds(self, study_uid: str) -> bool:
        """Whether a study of this UID is filed."""
        return self._db.one("SELECT 1 FROM studies WHERE study_uid = ?", (study_uid,)) is not None

    def study(self, study_uid: str) -> StudyRow:
        """One study.

        Raises
        ------
        InputRefused
            ``unknown_study``.
        """
        found = self._rows(" AND t.study_uid = ?", (study_uid,))
        if not found:
            raise InputRefused("unknown_study", "The library has no study with this UID; import it first.")
        return found[0]

    def _rows(self, where: str, values: tuple[str, ...]) -> tuple[StudyRow, ...]:
        sql = (
            "SELECT t.study_uid, p.patient_key, p.name, p.id, p.birth_date, p.sex, t.study_date, t.study_time, "
            "t.accession, t.description, t.state, t.imported_at, t.mixed, t.modalities, t.series_count, "
            "t.image_count, coalesce(o.person_key, p.patient_key), a.study_uid, q.study_uid, m.study_uid, "
            "c.patient_key, c.id, c.name, c.birth_date, c.sex "
            "FROM studies t LEFT JOIN moved m ON m.study_uid = t.study_uid "
            "JOIN patients p ON p.patient_key = coalesce(m.patient_key, t.patient_key) "
            "LEFT JOIN persons o ON o.patient_key = p.patient_key "
            "LEFT JOIN corrected c ON c.patient_key = p.patient_key "
            "LEFT JOIN parts q ON q.part_uid = t.study_uid "
            f"LEFT JOIN arriving a ON a.study_uid = t.study_uid WHERE t.mixed <> {_GONE}{where} "
            "ORDER BY t.study_date DESC NULLS LAST, t.study_time DESC NULLS LAST, t.study_uid"
        )
        return tuple(_study_row(r) for r in self._db.rows(sql, values))

    def set_state(self, study_uid: str, state: StudyState) -> None:
        """Move a study's mark in the list forward; it never goes back."""
        row = self._db.one("SELECT state FROM studies WHERE study_uid = ?", (study_uid,))
        if row is not None and _RANK[state] > _RANK[str(row[0])]:
            self._db.change("UPDATE studies SET state = ? WHERE study_uid = ?", (state, study_uid))

    def priors(self, study_uid: str) -> tuple[StudyRow, ...]:
        """Other studies of the same person: filed under the same patient, or under one declared to be the same."""
        own = self.study(study_uid)
        # from the few keys of the person to their studies, by the indexes, not through every study that there is
        members = self._db.rows("SELECT patient_key FROM persons WHERE person_key = ?", (own.person_key,))
        keys = tuple(sorted({own.person_key, *(str(r[0]) for r in members)}))
        marks = ", ".join("?" * len(keys))
        where = (
            f" AND t.study_uid IN (SELECT study_uid FROM studies WHERE patient_key IN ({marks}) "
            f"UNION SELECT study_uid FROM moved WHERE patient_key IN ({marks})) "
            "AND coalesce(o.person_key, p.patient_key) = ?"
        )
        found = self._rows(where, (*keys, *keys, own.person_key))
        return tuple(r for r in found if r.study_uid != study_uid)

    def remove_study(self, study_uid: str) -> tuple[Instance, ...]:
        """Take a study out of the index, inside `writing`; what it held. Journal and ledger are not touched.

        Its patient goes with the last study, unless an act has joined the identity to another one: such an act
        must not come to mean somebody else who is filed under the same number later.
        """
        held = self.instances(study_uid)
        for part in self.parts_of(study_uid):
            held += self.remove_study(part)
        row = self._db.one("SELECT patient_key FROM studies WHERE study_uid = ?", (study_uid,))
        for sql in (
            "DELETE FROM autosave WHERE study_uid = ?",
            "DELETE FROM cases WHERE study_uid = ?",
            "DELETE FROM instances WHERE series_uid IN (SELECT series_uid FROM series WHERE study_uid = ?)",
            "DELETE FROM series WHERE study_uid = ?",
            "DELETE FROM arriving WHERE study_uid = ?",
            "DELETE FROM parts WHERE part_uid = ?",
            "DELETE FROM study_people WHERE study_uid = ?",
            "DELETE FROM studies WHERE study_uid = ?",
        ):
            self._db.change(sql, (study_uid,))
        if row is not None:
            self._db.change(
                "DELETE FROM patients WHERE patient_key = ? "
                "AND NOT EXISTS (SELECT 1 FROM studies WHERE studies.patient_key = patients.patient_key) "
                "AND NOT EXISTS (SELECT 1 FROM persons WHERE persons.patient_key = patients.patient_key)",
                (str(row[0]),),
            )
        return held


def _plain(word: str) -> str:
    """A word for LIKE: its own percent and underscore are letters."""
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _study_row(r: Row) -> StudyRow:
    patient_id, name, birth_date, sex = (r[3], r[2], r[4], r[5]) if r[20] is None else r[21:25]
    return StudyRow(
        study_uid=str(r[0]),
        patient_key=str(r[1]),
        patient_name=str(name),
        patient_id=str(patient_id),
        birth_date=_text(birth_date),
        sex=_text(sex),
        date=_text(r[6]),
        time=_text(r[7]),
        accession=str(r[8]),
        description=str(r[9]),
        state=str(r[10]),
        imported_at=str(r[11]),
        mixed=r[12] == _UNDECIDED,
        modalities=str(r[13]),
        series=int(r[14] or 0),
        images=int(r[15] or 0),
        person_key=str(r[16]),
        partial=r[17] is not None,
        part_of=_text(r[18]) or "",
        corrected=r[19] is not None or r[20] is not None,
    )
