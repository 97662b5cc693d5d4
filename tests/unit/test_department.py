"""Several workstations write at once: on SQLite in one home, on PostgreSQL from homes of their own."""

from __future__ import annotations

import contextlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from billing.ledger import Ledger
from tests.factory import writers
from tests.factory.archives import KINDS, home_of
from workstation.archive.db import Database
from workstation.archive.identity import Stated
from workstation.archive.index import Instance, StudyFacts
from workstation.archive.journal import Journal
from workstation.archive.ledger import LedgerTable
from workstation.archive.opening import FILE, database_url, open_database
from workstation.base.atomic import make_folder
from workstation.base.clock import SystemClock
from workstation.base.errors import ArchiveError
from workstation.desk.charge_ledger import ChargeStore
from workstation.desk.place import Place
from workstation.desk.remove_study import delete_study
from workstation.desk.thumbnails import thumbnail_path
from workstation.desk.verify import verify

STATIONS, LINES = 4, 15
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(params=KINDS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return home_of(request.param, tmp_path, request)


@pytest.fixture
def department(request: pytest.FixtureRequest, tmp_path: Path):
    """A department's database, opened, and the server behind it."""
    home = home_of("postgresql", tmp_path, request)
    database = open_database(home)
    yield database, request.getfixturevalue("postgres"), home
    database.close()


def ledger_on(database: Database) -> Ledger:
    return Ledger(ChargeStore(LedgerTable(database)))


def test_stations_at_once_make_one_line_after_the_other_and_one_charge(home: Path) -> None:
    """Journal lines and the same two charges from several processes in the same moment."""
    open_database(home).close()
    with SPAWN.Manager() as manager, ProcessPoolExecutor(STATIONS, mp_context=SPAWN) as pool:
        go = manager.Event()
        written = [pool.submit(writers.append_lines, str(home), f"S{n}", LINES, go) for n in range(STATIONS)]
        go.set()
        answered = [w.result() for w in written]
        go.clear()
        confirmed = [pool.submit(writers.confirm_both, str(home), f"S{n}", go) for n in range(STATIONS)]
        go.set()
        charges = [c.result() for c in confirmed]
    database = open_database(home)
    journal = Journal(database)
    entries = journal.entries()
    assert [e.number for e in entries] == list(range(1, STATIONS * LINES + 1))
    assert sorted(n for numbers in answered for n in numbers) == [e.number for e in entries]
    for station, numbers in enumerate(answered):
        # each station finds its own lines in its own order under the numbers that it was told
        own = [e for e in entries if e.event.station == f"S{station}"]
        assert [e.number for e in own] == numbers
        assert [e.event.payload["n"] for e in own] == list(range(LINES))
    assert journal.verify() is None
    # every station was told the same two charges, and there are two rows: one for each service
    assert len(set(charges)) == 1
    assert charges[0][0] != charges[0][1]
    table = LedgerTable(database)
    assert [r.charge_id for r in table.rows()] != []
    assert {r.charge_id for r in table.rows()} == set(charges[0])
    assert len(table.rows()) == 2
    from billing.ledger import verify

    assert verify(ChargeStore(table).rows()) == 2
    database.close()


def test_a_kill_while_writing_loses_nothing_that_was_answered(home: Path) -> None:
    open_database(home).close()
    here, there = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=writers.append_for_ever, args=(str(home), there))
    process.start()
    reported = 0
    while reported < 20:
        reported = here.recv()
    process.kill()
    process.join()
    with contextlib.suppress(EOFError, OSError):
        there.close()
        while here.poll(0.2):
            reported = here.recv()
    database = open_database(home)
    journal = Journal(database)
    assert journal.last_number() >= reported
    assert journal.verify() is None
    assert journal.append(writers.event()).number == journal.last_number()
    database.close()


def test_a_kill_inside_an_act_leaves_nothing_of_it_and_the_others_go_on(home: Path) -> None:
    database = open_database(home)
    journal = Journal(database)
    journal.append(writers.event())
    here, there = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=writers.stand_still_inside, args=(str(home), there))
    process.start()
    assert here.recv() == "inside"
    assert journal.last_number() == 1  # read while the other one writes
    process.kill()
    process.join()
    with database.writing():
        kept = ledger_on(database).confirm(writers.drafted(), writers.biller("S2"))
        journal.append(writers.event("S2"))
    assert [r.charge_id for r in LedgerTable(database).rows()] == [kept.charge_id]
    assert [e.event.station for e in journal.entries()] == ["S1", "S2"]
    assert journal.verify() is None
    database.close()


# --- the server goes away -----------------------------------------------------------------------------------------


def test_after_a_cut_of_the_servers_power_the_next_act_goes_on(department) -> None:
    database, server, _ = department
    journal = Journal(database)
    for _ in range(3):
        journal.append(writers.event())
    server.stop("immediate")
    try:
        for work in (lambda: journal.append(writers.event()), journal.entries):
            with pytest.raises(ArchiveError) as caught:
                work()
            assert caught.value.code in ("unreachable", "lost")
            assert caught.value.sentence.endswith(".")
    finally:
        server.start()
    assert len(journal.entries()) == 3
    assert journal.append(writers.event()).number == 4
    assert journal.verify() is None


def test_a_cut_inside_an_act_leaves_nothing_of_it(department) -> None:
    database, server, _ = department
    journal = Journal(database)
    journal.append(writers.event())

    def act() -> None:
        with database.writing():
            journal.append(writers.event())
            ledger_on(database).confirm(writers.drafted(), writers.biller("S1"))
            server.stop("immediate")
            server.start()
            journal.append(writers.event())

    with pytest.raises(ArchiveError) as caught:
        act()
    assert caught.value.code == "lost"
    assert journal.last_number() == 1
    assert LedgerTable(database).rows() == ()
    assert journal.append(writers.event()).number == 2


@pytest.mark.parametrize("arrived", [True, False])
def test_an_answer_that_was_lost_is_asked_for_again(department, monkeypatch: pytest.MonkeyPatch, arrived: bool) -> None:
    """The line breaks while COMMIT is on its way: whether it arrived decides, not a guess."""
    database, _, _ = department
    journal = Journal(database)
    journal.append(writers.event())
    writer = database._writer
    execute = writer.execute

    def broken(query, *values):
        if query != "COMMIT":
            return execute(query, *values)
        if arrived:
            execute(query)
        writer.pgconn.finish()
        import psycopg

        raise psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly")

    monkeypatch.setattr(writer, "execute", broken)
    if arrived:
        assert journal.append(writers.event()).number == 2
    else:
        with pytest.raises(ArchiveError) as caught:
            journal.append(writers.event())
        assert caught.value.code == "lost"
    assert database._writer is not writer
    assert journal.last_number() == (2 if arrived else 1)
    assert journal.verify() is None


def test_a_part_that_failed_takes_the_whole_act_with_it(department) -> None:
    """Somebody swallows the error of one statement and goes on: the server keeps nothing, and it is said."""
    import psycopg

    database, _, _ = department
    journal = Journal(database)

    def act() -> None:
        with database.writing():
            journal.append(writers.event())
            with contextlib.suppress(psycopg.Error):
                database.change("INSERT INTO settings (name, value) VALUES (?, ?)", ("x", None))

    with pytest.raises(ArchiveError, match="nothing was written"):
        act()
    assert journal.last_number() == 0


# --- files of several homes ----------------------------------------------------------------------------------------


def test_a_deletion_at_one_desk_is_followed_at_the_others(department, tmp_path: Path) -> None:
    """Each home has its own copies; what was deleted goes everywhere, and nothing else does."""
    _, _, home = department
    other = tmp_path / "other"
    other.mkdir()
    (other / "site.toml").write_text((home / "site.toml").read_text())
    one, two = (Place(h, SystemClock(), s, demo=False) for h, s in ((home, "S1"), (other, "S2")))
    for study in ("1.1", "1.2"):
        with one.db.writing():
            key, _ = one.library.file_patient(Stated("1", "H", "Doe^Ann", "1950-02-01", "F"), study)
            one.library.file_study(StudyFacts(study_uid=study), key, Stated("1"), writers.AT)
        for place in (one, two):
            stored = place.files.put_bytes(place.files.place(study, f"{study}.1", f"{study}.1.1"), b"pixels")
            (place.drafts(study) / "draft.png").write_bytes(b"draft")
            make_folder(thumbnail_path(place, f"{study}.1").parent)
            thumbnail_path(place, f"{study}.1").write_bytes(b"small")
        with one.db.writing():
            one.library.file_instance(
                Instance(
                    sop_uid=f"{study}.1.1", study_uid=study, series_uid=f"{study}.1", sop_class="1", place=stored.place,
                    sha256=stored.sha256, size=stored.size,
                ),
                writers.AT,
            )  # fmt: skip
    delete_study(one, None, "1.1", "")
    assert sorted(p.name for p in two.files.root.rglob("*.dcm")) != []
    two.close()
    two = Place(other, SystemClock(), "S2", demo=False)
    for place in (one, two):
        left = [
            p.relative_to(place.home) for p in place.home.rglob("*") if p.is_file() and p.suffix in (".dcm", ".png")
        ]
        assert len(left) == 3
        assert verify(place).wrong == ()
    # a desk that never had a copy says where the files are not, a desk that lost one says that
    away = tmp_path / "away"
    away.mkdir()
    (away / "site.toml").write_text((home / "site.toml").read_text())
    three = Place(away, SystemClock(), "S3", demo=False)
    assert (verify(three).elsewhere, verify(three).files, verify(three).wrong) == (1, 0, ())
    stored_at = next(two.files.root.rglob("*.dcm"))
    stored_at.unlink()
    assert "is missing" in verify(two).wrong[0]
    for place in (one, two, three):
        place.close()


# --- what stands in the way, in one sentence ----------------------------------------------------------------------


def test_a_newer_program_at_another_desk_stops_this_one_and_the_archive_stays(department) -> None:
    import psycopg

    database, _, home = department
    Journal(database).append(writers.event())
    with psycopg.connect(database._url) as raw:
        raw.execute("UPDATE schema_version SET number = number + 1")
    for work in (lambda: Journal(database).append(writers.event()), lambda: open_database(home)):
        with pytest.raises(ArchiveError) as caught:
            work()
        assert caught.value.code == "newer"
    assert Journal(database).last_number() == 1


def test_two_programs_that_start_together_make_one_schema(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    home = home_of("postgresql", tmp_path, request)
    with ThreadPoolExecutor(3) as pool:
        opened = [f.result() for f in [pool.submit(open_database, home) for _ in range(3)]]
    for database in opened:
        assert database.check() == []
        database.close()


def test_who_waits_too_long_for_another_workstation_is_told(department, monkeypatch: pytest.MonkeyPatch) -> None:
    from workstation.archive import postgres

    database, _, home = department
    monkeypatch.setattr(postgres, "_WAIT_S", 1)
    other = open_database(home)
    with database.writing():
        with pytest.raises(ArchiveError) as caught:
            other.set_setting("x", "y")
        assert other.setting("x") is None
    assert caught.value.code == "busy"
    other.set_setting("x", "y")
    assert database.setting("x") == "y"
    other.close()


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ("mysql://somewhere/x", "database_url"),
        ("postgresql://nobody@/other?host=/nowhere-at-all", "unreachable"),
        ("postgresql://nobody@127.0.0.1:1/other", "unreachable"),
    ],
)
def test_a_database_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: str, code: str
) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setenv("RENDERDESK_DATABASE", stated)
    with pytest.raises(ArchiveError) as caught:
        open_database(tmp_path)
    assert caught.value.code == code
    assert stated not in caught.value.sentence
    assert not (tmp_path / FILE).exists()


def test_users_and_databases_that_the_server_does_not_know(postgres, tmp_path: Path, monkeypatch) -> None:
    for url, code in ((postgres.admin("nothing"), "unreachable"), (postgres.admin() + "&user=nobody", "not_admitted")):
        monkeypatch.setenv("RENDERDESK_DATABASE", url)
        with pytest.raises(ArchiveError) as caught:
            open_database(tmp_path)
        assert caught.value.code == code, caught.value.sentence


def test_a_text_that_the_database_cannot_keep_is_refused_not_cut(department) -> None:
    database, _, _ = department
    with pytest.raises(ArchiveError) as caught:
        database.set_setting("name", "before\0after")
    assert caught.value.code == "text"
    assert database.setting("name") is None


def test_without_the_driver_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    monkeypatch.setenv("RENDERDESK_DATABASE", "postgresql://someone@server/renderdesk")
    with pytest.raises(ArchiveError, match=r"renderdesk\[postgres\]") as caught:
        open_database(tmp_path)
    assert caught.value.code == "no_driver"


def test_a_demonstration_never_meets_the_department(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDERDESK_DATABASE", "postgresql://someone@server/renderdesk")
    assert database_url(tmp_path).endswith("/renderdesk")
    assert database_url(tmp_path, demo=True) == ""
    (tmp_path / "site.toml").write_text('[database]\nurl = "postgresql://own@server/x"\n')
    assert database_url(tmp_path) == "postgresql://someone@server/renderdesk"
    assert database_url(tmp_path, demo=True) == "postgresql://own@server/x"
    (tmp_path / "site.toml").write_text("[database\n")
    with pytest.raises(ArchiveError) as caught:
        database_url(tmp_path, demo=True)
    assert caught.value.code == "database_url"


def test_a_guard_that_was_taken_out_is_noticed(home: Path) -> None:
    import sqlite3

    database = open_database(home)
    assert database.check() == []
    if database.dialect == "sqlite":
        with contextlib.closing(sqlite3.connect(home / FILE)) as raw:
            raw.execute("DROP TRIGGER ledger_no_update")
    else:
        import psycopg

        with psycopg.connect(database._url) as connection:
            connection.execute("ALTER TABLE ledger DISABLE TRIGGER ledger_no_change")
    assert database.check() == ["The guard that keeps the ledger append-only was taken out of the database."]
    database.close()


def test_a_hundred_threads_that_come_and_go_leave_no_connections(home: Path) -> None:
    import threading

    database = open_database(home)
    for _ in range(10):
        readers = [threading.Thread(target=database.setting, args=("x",)) for _ in range(10)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert len(database._readers) <= 21
    database.close()


def test_placeholders_are_translated_outside_of_quotes_alone() -> None:
    from workstation.archive.postgres import schema_of, translated

    assert translated("SELECT '?%''?' || a FROM t WHERE b LIKE ? ESCAPE '!' AND c % 2 = ?") == (
        "SELECT '?%%''?' || a FROM t WHERE b LIKE %s ESCAPE '!' AND c %% 2 = %s"
    )
    assert schema_of("CREATE TABLE a (b TEXT, c INTEGER)") == 'CREATE TABLE a (b TEXT COLLATE "C", c BIGINT)'
    assert schema_of("UPDATE a SET b = 'TEXT'") == "UPDATE a SET b = 'TEXT'"
