"""The archive: nothing is half-written, the chain shows every change, a conflict never joins."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factory.archives import KINDS, opened, tamper
from workstation.archive.autosave import CaseStore
from workstation.archive.db import Database, migrations, statements
from workstation.archive.files import FileStore, digest_of
from workstation.archive.handed_over import Answers, TakenAnswer
from workstation.archive.identity import Stated, is_placeholder, key_of, verdict
from workstation.archive.index import Instance, Library, StudyFacts
from workstation.archive.journal import Journal
from workstation.archive.ledger import LedgerTable
from workstation.archive.outbox import Message, Outbox
from workstation.archive.sqlite import SqliteDatabase
from workstation.base.errors import ArchiveError, InputRefused
from workstation.base.events import Event

AT = "2026-10-06T07:40:00.000Z"


@pytest.fixture(params=KINDS)
def db(request: pytest.FixtureRequest, tmp_path: Path):
    database = opened(request.param, tmp_path, request)
    yield database
    database.close()


def event(kind: str = "signed_in", **payload: object) -> Event:
    return Event(kind=kind, at=AT, monotonic_s=0.0, station="S1", payload=dict(payload))


def test_a_failed_transaction_leaves_nothing(db: Database) -> None:
    journal = Journal(db)

    def work() -> None:
        with db.writing():
            journal.append(event())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert journal.entries() == ()
    assert journal.last_number() == 0


def test_the_chain_holds_and_shows_a_changed_line(db: Database) -> None:
    journal = Journal(db)
    for number in range(5):
        journal.append(event(reason=str(number)))
    assert journal.verify() is None
    # somebody with a tool of their own removes the guard and edits the third line
    tamper(db, "UPDATE journal SET event = replace(event, '\"2\"', '\"9\"') WHERE number = 3")
    broken = journal.verify()
    assert broken is not None
    assert broken.number == 3


def test_a_line_cut_off_at_the_end_is_noticed(db: Database) -> None:
    journal = Journal(db)
    for _ in range(3):
        journal.append(event())
    tamper(db, "DELETE FROM journal WHERE number = 3")
    assert journal.verify() is not None


@pytest.mark.parametrize("words", ["UPDATE journal SET kind = 'x' WHERE number = 1", "DELETE FROM journal"])
def test_journal_lines_cannot_be_changed_through_the_database(db: Database, words: str) -> None:
    Journal(db).append(event())
    with pytest.raises(ArchiveError) as caught, db.writing():
        db.change(words)
    assert caught.value.code == "append_only"
    assert Journal(db).last_number() == 1


def test_two_lines_cannot_name_the_same_one_before(db: Database) -> None:
    """A writer that minds no lock cannot fork the chain either."""
    journal = Journal(db)
    journal.append(event())
    second = journal.append(event())
    with pytest.raises(ArchiveError), db.writing():
        db.change(
            "INSERT INTO journal (number, study_uid, kind, at, event, previous, hash) VALUES (3, '', 'x', 'x', '{}', "
            "?, 'other')",
            (second.previous,),
        )
    assert journal.last_number() == 2


def test_an_act_that_nobody_knows_is_not_written(db: Database) -> None:
    with pytest.raises(ArchiveError):
        Journal(db).append(event("invented_act"))


def test_a_newer_archive_is_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    SqliteDatabase(path).close()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version={len(migrations()) + 1}")
    raw.commit()
    raw.close()
    before = path.read_bytes()
    with pytest.raises(ArchiveError) as caught:
        SqliteDatabase(path)
    assert caught.value.code == "newer"
    assert path.read_bytes() == before


def test_a_damaged_database_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    path.write_bytes(b"this is not a database, it only looks like a file" * 100)
    with pytest.raises(ArchiveError) as caught:
        SqliteDatabase(path)
    assert caught.value.code == "damaged"


def test_statements_keep_a_trigger_whole() -> None:
    script = (
        "-- one\nCREATE TABLE a (b TEXT);\nCREATE TRIGGER t BEFORE UPDATE ON a\nBEGIN\n SELECT 1;\n SELECT 2;\nEND;\n"
    )
    found = statements(script)
    assert len(found) == 2
    assert found[1].endswith("END;")


def test_kill_in_the_middle_of_writing_loses_no_committed_line(tmp_path: Path) -> None:
    """A process writes lines as fast as it can and is killed; what it reported as written is there, chained."""
    path = tmp_path / "db.sqlite3"
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from workstation.archive.sqlite import SqliteDatabase\n"
        "from workstation.archive.journal import Journal\n"
        "from workstation.base.events import Event\n"
        "j = Journal(SqliteDatabase(Path(sys.argv[1])))\n"
        "while True:\n"
        "    e = j.append(Event(kind='signed_in', at='2026-10-06T07:40:00.000Z', monotonic_s=0.0, station='S'))\n"
        "    print(e.number, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    reported = 0
    for line in process.stdout:
        reported = int(line)
        if reported >= 25:
            process.kill()
            break
    process.wait()
    process.stdout.close()
    database = SqliteDatabase(path)
    journal = Journal(database)
    assert journal.last_number() >= reported
    assert journal.verify() is None
    database.close()


# --- files --------------------------------------------------------------------------------------------------------


def test_files_are_named_by_digests_and_checked(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")
    source = tmp_path / "DOE_JOHN.dcm"
    source.write_bytes(b"x" * 3_000_000)
    place = store.place("1.2.3", "1.2.3.4", "1.2.3.4.5")
    kept = store.put(place, source)
    assert kept.size == 3_000_000
    assert kept.sha256 == digest_of(source)
    assert "DOE" not in str(store.path(place))
    assert "1.2.3" not in place
    assert store.matches(place, kept.sha256)
    store.path(place).write_bytes(b"y")
    assert not store.matches(place, kept.sha256)


def test_a_store_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(Exception, match=r"\.$") as caught:
        FileStore(blocked / "files")
    assert getattr(caught.value, "code", "") == "unwritable"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence_and_leaves_no_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "files")
    real = os.fsync

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="disk is full"):
        store.put_bytes("a/b/c.dcm", b"content")
    monkeypatch.setattr(os, "fsync", real)
    assert [p for p in (tmp_path / "files").rglob("*") if p.is_file() and p.name != "lock"] == []


def test_sweep_removes_what_an_interrupted_write_left(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")
    store.put_bytes("a/b/c.dcm", b"whole")
    (tmp_path / "files/.incoming/.123.part").write_bytes(b"half")
    with store.busy.copying():
        assert store.sweep() == 0  # somebody may still be writing it
    assert store.sweep() == 1
    assert store.path("a/b/c.dcm").read_bytes() == b"whole"


# --- identity and index -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "same_key", "expected"),
    [
        (("1", "MUELLER^EVA", "1950-02-01", "F"), ("1", "Müller^Eva", "1950-02-01", "F"), True, "identity_conflict"),
        (("1", "Muller^Eva", "1950-02-01", "F"), ("1", "MÜLLER^EVA^^", "1950-02-01", "F"), True, "same"),
        (("1", "Doe^Ann", None, "F"), ("1", "Doe^Ann", "1950-02-01", "F"), True, "identity_incomplete"),
        (("1", "Doe^Ann", "1950-02-01", "O"), ("1", "Doe^Ann", "1950-02-01", "F"), True, "same"),
        (("1", "Doe^Ann", "1950-02-01", "M"), ("1", "Doe^Ann", "1950-02-01", "F"), True, "identity_conflict"),
        (("1", "Doe^Ann", "1950-02-01", "F"), ("2", "Doe^Ann", "1950-02-01", "F"), False, "identity_possible"),
        (("1", "Doe^Ann", "1950-02-01", "F"), ("2", "Doe^Ann", "1950-02-02", "F"), False, "different"),
        (("1", "Yamada^Tarou=山田^太郎", "1950-02-01", "M"), ("1", "山田^太郎", "1950-02-01", "M"), True, "same"),
    ],
)
def test_verdicts(a: tuple, b: tuple, same_key: bool, expected: str) -> None:
    one = Stated(a[0], "", a[1], a[2], a[3])
    other = Stated(b[0], "", b[1], b[2], b[3])
    assert verdict(one, other, same_key=same_key) == expected
    assert verdict(other, one, same_key=same_key) == expected


def test_ids_keep_zeros_and_case_and_placeholders_match_nothing() -> None:
    assert key_of(Stated("007", "H"), "s1") != key_of(Stated("7", "H"), "s1")
    assert key_of(Stated("a1", "H"), "s1") != key_of(Stated("A1", "H"), "s1")
    assert is_placeholder("000")
    assert is_placeholder("ANON^PATIENT")
    assert key_of(Stated("UNKNOWN"), "s1") != key_of(Stated("UNKNOWN"), "s2")


def file_one(library: Library, patient: Stated, study: str, **facts: str) -> tuple[str, bool]:
    key, conflict = library.file_patient(patient, study)
    library.file_study(StudyFacts(study_uid=study, **facts), key, patient, AT)
    return key, conflict


def test_a_conflict_never_joins(db: Database) -> None:
    library = Library(db)
    with db.writing():
        one, no = file_one(library, Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), "1.1")
        two, yes = file_one(library, Stated("1", "H", "Doe^Bob", "1950-02-01", "M"), "1.2")
        again, _ = file_one(library, Stated("1", "H", "DOE^ANN", "1950-02-01", "F"), "1.3")
    assert not no
    assert yes
    assert one != two
    assert again == one
    assert [r.study_uid for r in library.priors("1.1")] == ["1.3"]


def test_search_finds_by_words_without_accents_and_takes_percent_as_a_letter(db: Database) -> None:
    library = Library(db)
    with db.writing():
        file_one(library, Stated("77", "H", "Müller^Eva", "1950-02-01", "F"), "1.1", description="CT abdomen 50%")
        file_one(library, Stated("78", "H", "Smith^John", "1951-02-01", "M"), "1.2", description="MR head")
    assert [r.study_uid for r in library.studies("muller abd")] == ["1.1"]
    assert [r.study_uid for r in library.studies("%")] == ["1.1"]
    assert {r.study_uid for r in library.studies("")} == {"1.1", "1.2"}
    assert "Müller" not in repr(library.studies("muller")[0])


def test_the_state_of_a_study_never_goes_back(db: Database) -> None:
    library = Library(db)
    with db.writing():
        file_one(library, Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), "1.1")
        library.set_state("1.1", "signed")
        library.set_state("1.1", "opened")
    assert library.study("1.1").state == "signed"
    with pytest.raises(InputRefused):
        library.study("9.9")


def test_instances_are_listed_with_their_series(db: Database) -> None:
    library = Library(db)
    with db.writing():
        file_one(library, Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), "1.1")
        for number in (1, 2):
            library.file_instance(
                Instance(
                    sop_uid=f"1.1.1.{number}",
                    study_uid="1.1",
                    series_uid="1.1.1",
                    sop_class="1.2.840.10008.5.1.4.1.1.2",
                    sha256="0" * 64,
                    size=5,
                    place=f"p{number}",
                    series_number=4,
                    modality="CT",
                    made_here=number == 2,
                ),
                AT,
            )
    assert [i.sop_uid for i in library.instances("1.1", made_here=True)] == ["1.1.1.2"]
    assert library.studies()[0].images == 2
    assert library.studies()[0].modalities == "CT"


# --- cases, ledger, outbox ----------------------------------------------------------------------------------------


def test_edits_after_a_save_come_back_in_order(db: Database) -> None:
    library, cases = Library(db), CaseStore(db)
    with db.writing():
        file_one(library, Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), "1.1")
    assert cases.load("1.1") is None
    cases.save("1.1", "{}", AT)
    cases.line("1.1", "a")
    cases.line("1.1", "b")
    assert cases.load("1.1") == ("{}", ("a", "b"))
    cases.save("1.1", '{"x":1}', AT)
    assert cases.load("1.1") == ('{"x":1}', ())


def test_a_service_belongs_to_the_charge_that_came_first(db: Database) -> None:
    table = LedgerTable(db)
    with db.writing():
        assert table.claim("key", "A") == "A"
        assert table.claim("key", "B") == "A"
        table.give_up("A")
        assert table.claim("key", "B") == "B"


def test_a_message_is_left_once(db: Database) -> None:
    outbox = Outbox(db)
    message = Message(control_id="C1", charge_id="X", kind="hl7", body="MSH|")
    assert outbox.put(message, AT)
    assert not outbox.put(message, AT)
    outbox.set_state("C1", "sent", AT)
    assert outbox.waiting() == ()
    assert outbox.all()[0].attempts == 1
    assert "MSH" not in repr(outbox.all()[0])


def test_messages_keep_the_order_of_writing_and_what_became_of_them(db):
    outbox = Outbox(db)
    for name in ("B", "A", "C"):
        assert outbox.put(Message(control_id=name, charge_id=f"X{name}", kind="hl7", body="MSH|"), AT)
    assert [m.control_id for m in outbox.waiting()] == ["B", "A", "C"]
    outbox.attempt("B", "office", AT, "2026-01-06T10:00:00.000Z")
    assert [(m.state, m.attempts, m.receiver) for m in outbox.of_charge("XB")] == [("sent", 1, "office")]
    assert [m.control_id for m in outbox.open()] == ["B", "A", "C"]
    outbox.answered("B", "rejected", "unknown patient", AT)
    assert [m.control_id for m in outbox.open()] == ["A", "C"]
    outbox.again("B")
    assert outbox.get("B").state == "waiting"
    assert outbox.get("B").attempts == 1


def test_clocks_of_two_desks_that_differ_by_a_day_do_not_give_one_link_to_both(db):
    outbox = Outbox(db)
    if not db.shared:
        assert db.common_time() is None  # one computer, one clock
        return
    assert outbox.take_link("office", "one", "2026-01-06T09:00:00.000Z", "2026-01-06T09:01:00.000Z")
    for day in ("05", "07"):
        assert not outbox.take_link("office", "two", f"2026-01-{day}T09:00:00.000Z", f"2026-01-{day}T09:01:00.000Z")
    outbox.leave_link("office", "one")
    assert outbox.take_link("office", "two", "2026-01-05T09:00:00.000Z", "2026-01-05T09:01:00.000Z")


def test_one_program_at_a_time_sends_over_a_link(db, monkeypatch):
    monkeypatch.setattr(db, "common_time", lambda: None)  # the times are those that are stated here
    outbox = Outbox(db)
    assert outbox.take_link("office", "one", "2026-01-06T09:00:00.000Z", "2026-01-06T09:01:00.000Z")
    assert not outbox.take_link("office", "two", "2026-01-06T09:00:30.000Z", "2026-01-06T09:01:30.000Z")
    assert outbox.take_link("office", "one", "2026-01-06T09:00:40.000Z", "2026-01-06T09:01:40.000Z")
    # a program that was killed loses its place when its time is over
    assert outbox.take_link("office", "two", "2026-01-06T09:01:40.000Z", "2026-01-06T09:02:40.000Z")
    # the clock was set back by a day: the other's place would last until tomorrow
    assert outbox.take_link("office", "three", "2026-01-05T09:00:00.000Z", "2026-01-05T09:01:00.000Z")
    outbox.leave_link("office", "two")
    assert not outbox.take_link("office", "one", "2026-01-05T09:00:10.000Z", "2026-01-05T09:01:10.000Z")


def test_an_answer_is_taken_in_once(db):
    answers = Answers(db)
    one = TakenAnswer(digest="d", place=1, kind="ack", control_id="C1", charge_id="X1", outcome="rejected", taken_at=AT)
    assert answers.put(one)
    assert not answers.put(one)
    assert answers.of_charge("X1") == (one,)
