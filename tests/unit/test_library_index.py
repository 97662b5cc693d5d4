"""The index at the size of a busy site, search by modality, and an older archive brought up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.factory.archives import KINDS, opened
from workstation.archive.db import migrations, statements
from workstation.archive.identity import Stated
from workstation.archive.index import Instance, Library, StudyFacts
from workstation.archive.marks import Marks
from workstation.archive.sqlite import SqliteDatabase
from workstation.base.clock import SystemClock
from workstation.desk.place import Place

AT = "2026-10-06T07:40:00.000Z"
STUDIES, EACH = 10_000, 10


@pytest.fixture(params=KINDS)
def library(request: pytest.FixtureRequest, tmp_path: Path):
    db = opened(request.param, tmp_path, request)
    yield Library(db), db
    db.close()


def put(library: Library, patient: Stated, study: str, modality: str, images: int = 1, series: str = "") -> str:
    key, _ = library.file_patient(patient, study)
    library.file_study(StudyFacts(study_uid=study, description="Fractured pelvis"), key, patient, AT)
    for n in range(images):
        uid = series or f"{study}.{modality}"
        library.file_instance(
            Instance(sop_uid=f"{uid}.{n}", study_uid=study, series_uid=uid, sop_class="1", sha256="0", size=1,
                     place=f"{uid}/{n}", modality=modality), AT,
        )  # fmt: skip
    return key


def test_counts_and_modalities_follow_what_is_filed(library) -> None:
    index, db = library
    with db.writing():
        put(index, Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), "1.1", "CT", images=3)
        put(index, Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), "1.1", "SR")
    row = index.study("1.1")
    assert (row.series, row.images, row.modalities) == (2, 4, "CT\\SR")


def test_a_word_that_is_a_modality_finds_it_and_modality_colon_nothing_else(library) -> None:
    index, db = library
    with db.writing():
        put(index, Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), "1.1", "CT")
        put(index, Stated("2", "H", "Roe^Bob", "1951-02-01", "M"), "1.2", "MR")
    # "ct" is part of "Fractured": the word search finds both, the modality search the CT alone
    assert {r.study_uid for r in index.studies("ct")} == {"1.1", "1.2"}
    assert [r.study_uid for r in index.studies("modality:CT")] == ["1.1"]
    assert [r.study_uid for r in index.studies("roe mr")] == ["1.2"]
    assert index.studies("modality:C_") == ()
    assert index.studies("modality:c") == ()


def test_an_archive_of_schema_1_is_counted_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    raw = sqlite3.connect(path)
    for statement in statements(migrations()[0]):
        raw.execute(statement)
    raw.execute("PRAGMA user_version=1")
    raw.execute("INSERT INTO patients VALUES ('H\\1', 'H\\1', '1', 'H', 'Doe^Ann', NULL, NULL)")
    raw.execute("INSERT INTO studies VALUES ('1.1', 'H\\1', '2026-01-06', NULL, '', '', 'doe', 0, 'signed', 'x')")
    raw.executemany("INSERT INTO series VALUES (?, '1.1', 1, ?, '')", [("1.1.1", "MR"), ("1.1.2", "CT")])
    for n in range(5):
        uid = "1.1.1" if n < 3 else "1.1.2"
        raw.execute("INSERT INTO instances VALUES (?, ?, '1', '0', 1, ?, 0, 'x')", (f"1.1.1.{n}", uid, str(n)))
    raw.commit()
    raw.close()
    db = SqliteDatabase(path)
    row = Library(db).study("1.1")
    db.close()
    assert (row.series, row.images, row.modalities, row.state) == (2, 5, "CT\\MR", "signed")
    assert row.person_key == "H\\1"
    assert not row.partial


def test_removing_takes_the_last_study_s_patient_and_a_number_is_never_given_twice(library) -> None:
    index, db = library
    ann, bob = Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), Stated("1", "H", "Doe^Bob", "1950-02-01", "M")
    with db.writing():
        first = put(index, ann, "1.1", "CT")
        second = put(index, bob, "1.2", "CT")
        held = index.remove_study("1.1")
        again = put(index, ann, "1.3", "CT")
        third = put(index, Stated("1", "H", "Doe^Cid", "1950-02-01", "M"), "1.4", "CT")
    assert [i.sop_uid for i in held] == ["1.1.CT.0"]
    assert second != first
    assert again == first  # nobody stood there any more
    assert third not in (first, second)
    assert {r.patient_name for r in index.studies()} == {"Doe^Ann", "Doe^Bob", "Doe^Cid"}


def test_a_study_on_its_way_in_says_so(library) -> None:
    index, db = library
    with db.writing():
        put(index, Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), "1.1", "CT")
    marks = Marks(db)
    marks.arrives("1.1", AT)
    assert index.study("1.1").partial
    marks.arrived("1.1")
    assert not index.study("1.1").partial


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose index holds 100,000 instances in 10,000 studies; rows only."""
    home = tmp_path_factory.mktemp("large")
    Place(home, SystemClock(), "", demo=False).close()
    raw = sqlite3.connect(home / "renderdesk.sqlite3")
    n = range(STUDIES)
    raw.executemany(
        "INSERT INTO patients VALUES (?, ?, ?, 'H', ?, '1950-01-01', 'F')",
        [(f"H\\{k}", f"H\\{k}", str(k), f"Name{k}^Given{k % 97}") for k in n],
    )
    raw.executemany(
        "INSERT INTO studies (study_uid, patient_key, study_date, study_time, accession, description, search, "
        "imported_at, modalities, series_count, image_count) VALUES (?, ?, ?, '101500', ?, 'CTA', ?, 'x', ?, 1, ?)",
        [(f"1.{k}", f"H\\{k}", f"20{k % 25:02}-01-{k % 28 + 1:02}", f"A{k}", f"name{k} given{k % 97} {k} a{k} cta",
          "CT" if k % 4 else "MR", EACH) for k in n],
    )  # fmt: skip
    raw.executemany("INSERT INTO series VALUES (?, ?, 1, 'CT', '')", [(f"1.{k}.1", f"1.{k}") for k in n])
    raw.executemany(
        "INSERT INTO instances VALUES (?, ?, '1', ?, 500000, ?, 0, 'x')",
        [(f"1.{k}.1.{i}", f"1.{k}.1", "0" * 64, f"{k}/1/{i}.dcm") for k in n for i in range(EACH)],
    )
    raw.commit()
    raw.close()
    return home


def steps_of(db, work) -> int:
    """Work of the database itself in one act, in thousands of its machine's steps: the same on every machine."""
    counted = [0]

    def tick() -> int:
        counted[0] += 1
        return 0

    reader = db._reader()
    reader.set_progress_handler(tick, 1000)
    try:
        work()
    finally:
        reader.set_progress_handler(None, 0)
    return counted[0]


def test_a_home_of_100_000_images_opens_and_lists_without_reading_every_image(large: Path) -> None:
    place = Place(large, SystemClock(), "", demo=False)
    try:
        assert place.db.one("SELECT count(*) FROM instances") == (STUDIES * EACH,)
        assert len(place.library.studies("modality:mr")) == STUDIES // 4
        whole = steps_of(place.db, lambda: place.db.rows("SELECT sop_uid, place FROM instances"))
        assert whole >= 300  # so many thousand steps are needed to read a hundred thousand rows
        acts = {
            "all studies": place.library.studies,
            "words": lambda: place.library.studies("name77 given"),
            "modality": lambda: place.library.studies("modality:mr"),
        }
        for name, act in acts.items():
            assert steps_of(place.db, act) < 2.5 * whole, name
        for name, act in {
            "one series": lambda: place.library.instances(series_uid="1.77.1"),
            "earlier studies": lambda: place.library.priors("1.77"),
        }.items():
            assert steps_of(place.db, act) <= whole / 50, name
    finally:
        place.close()
