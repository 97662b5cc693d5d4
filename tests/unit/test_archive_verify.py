"""What somebody changes behind the program's back is found; a clock that was set back is told. On both databases."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from billing.ledger import Actor, Ledger, MemoryStore
from tests.factory import writers
from tests.factory.archives import FILE, KINDS, home_of, tamper
from workstation.archive.db import migrations, statements
from workstation.archive.journal import Journal
from workstation.base.clock import SystemClock
from workstation.base.events import Event
from workstation.desk.charge_ledger import broken_ledger, ledger_of
from workstation.desk.place import Place
from workstation.desk.verify import verify

SENDER = Actor(who="sender", role="system", workstation="S1", at=writers.AT)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path):
    made = Place(home_of(request.param, tmp_path, request), SystemClock(), "S1", demo=False)
    yield made
    made.close()


def fill(place: Place) -> Ledger:
    """Five lines in the journal, four rows in the ledger."""
    for number in range(5):
        place.journal.append(writers.event(reason=str(number)))
    ledger = ledger_of(place)
    with place.db.writing():
        first = ledger.confirm(writers.drafted(), writers.biller("S1"))
        ledger.send(first.charge_id, SENDER)
        ledger.confirm(writers.drafted(session=2), writers.biller("S1"))
        ledger.acknowledge(first.charge_id, SENDER)
    return ledger


SWAP = (
    "UPDATE {t} SET number = -1 WHERE number = 2",
    "UPDATE {t} SET number = 2 WHERE number = 3",
    "UPDATE {t} SET number = 3 WHERE number = -1",
)
JOURNAL = {
    "changed": ("UPDATE journal SET event = replace(event, '\"3\"', '\"9\"') WHERE number = 4",),
    "refiled": ("UPDATE journal SET study_uid = '1.2' WHERE number = 4",),
    "another kind": ("UPDATE journal SET kind = 'signed_out' WHERE number = 4",),
    "another time": ("UPDATE journal SET at = '2027-01-01T00:00:00.000Z' WHERE number = 4",),
    "removed": ("DELETE FROM journal WHERE number = 3",),
    "removed and closed up": ("DELETE FROM journal WHERE number = 3", "UPDATE journal SET number = 3 WHERE number = 4"),
    "cut off": ("DELETE FROM journal WHERE number = 5",),
    "swapped": tuple(s.format(t="journal") for s in SWAP),
    "inserted": (
        "UPDATE journal SET number = 6 WHERE number = 5",
        "INSERT INTO journal SELECT 5, study_uid, kind, at, event, 'x', 'x' FROM journal WHERE number = 2",
    ),
    "added at the end": (
        "INSERT INTO journal SELECT 6, study_uid, kind, at, event, hash, 'x' FROM journal WHERE number = 5",
    ),
}


@pytest.mark.parametrize("what", JOURNAL)
def test_a_journal_that_was_tampered_with_is_found_out(place: Place, what: str) -> None:
    fill(place)
    assert verify(place).wrong == ()
    tamper(place.db, *JOURNAL[what])
    broken = place.journal.verify()
    assert broken is not None
    assert verify(place).wrong == (broken.sentence,)
    assert "line" in broken.sentence.lower()


LEDGER = {
    "changed": ("UPDATE ledger SET line = replace(line, 'b.biller', 'another') WHERE number = 3",),
    "another state": ("UPDATE ledger SET state = 'void' WHERE number = 4",),
    "removed": ("DELETE FROM ledger WHERE number = 2",),
    "removed and closed up": (
        "DELETE FROM ledger WHERE number = 2",
        "UPDATE ledger SET number = 2 WHERE number = 3",
        "UPDATE ledger SET number = 3 WHERE number = 4",
    ),
    "cut off": ("DELETE FROM ledger WHERE number = 4",),
    "swapped": tuple(s.format(t="ledger") for s in SWAP),
    "inserted": (
        "UPDATE ledger SET number = 5 WHERE number = 4",
        "INSERT INTO ledger SELECT 4, charge_id, state, at, line, 'x', 'x' FROM ledger WHERE number = 2",
    ),
    "added at the end": (
        "INSERT INTO ledger SELECT 5, charge_id, state, at, line, hash, 'x' FROM ledger WHERE number = 4",
    ),
    "a service freed": (
        "DELETE FROM active_services WHERE charge_id = (SELECT charge_id FROM ledger WHERE number = 1)",
    ),
    "a charge hidden": ("DELETE FROM charges WHERE row_number = 3",),
    "a charge of another day": ("UPDATE charges SET service_date = '2026-03-03' WHERE row_number = 1",),
}


@pytest.mark.parametrize("what", LEDGER)
def test_a_ledger_that_was_tampered_with_is_found_out(place: Place, what: str) -> None:
    fill(place)
    assert broken_ledger(place) == ""
    tamper(place.db, *LEDGER[what])
    sentence = broken_ledger(place)
    assert sentence.endswith(".")
    assert verify(place).wrong == (sentence,)


def test_verifying_while_another_desk_writes_finds_nothing_wrong(place: Place) -> None:
    """Lines and the head beside them are read of one moment."""
    fill(place)
    stop = threading.Event()

    def writing() -> None:
        while not stop.is_set():
            place.journal.append(writers.event())

    thread = threading.Thread(target=writing)
    thread.start()
    try:
        assert [place.journal.verify() for _ in range(20)] == [None] * 20
        assert broken_ledger(place) == ""
    finally:
        stop.set()
        thread.join()


def test_an_older_ledger_is_found_and_verified_after_the_update(tmp_path: Path) -> None:
    """Charges of before the lists beside the ledger: SQLite fills them from the rows."""
    rows = MemoryStore()
    ledger = Ledger(rows)
    first = ledger.confirm(writers.drafted(), writers.biller("S1"))
    second = ledger.confirm(writers.drafted(session=2), writers.biller("S1"))
    ledger.void(second.charge_id, writers.biller("S1"), reason="wrong", again=second.charge_id)
    home = tmp_path / "home"
    home.mkdir()
    raw = sqlite3.connect(home / FILE)
    for script in migrations()[:4]:
        for statement in statements(script):
            raw.execute(statement)
    raw.execute("PRAGMA user_version=4")
    for row in rows.rows():
        raw.execute(
            "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.number, row.charge_id, row.state, row.at, row.line, row.previous, row.hash),
        )
    raw.execute("INSERT INTO active_services VALUES (?, ?)", (first.key, first.charge_id))
    raw.commit()
    raw.close()
    place = Place(home, SystemClock(), "S1", demo=False)
    assert verify(place).wrong == ()
    ledger = ledger_of(place)
    assert [c.charge_id for c in ledger.of_study("1.2.3")] == [first.charge_id, second.charge_id]
    assert [e.state for e in ledger.day("SITE", "P100", "2026-03-02")] == ["confirmed", "void"]
    with place.db.writing():
        assert ledger.confirm(writers.drafted(), writers.biller("S2")).charge_id == first.charge_id
        third = ledger.confirm(writers.drafted(session=2), writers.biller("S2"))
    assert third.charge_id != second.charge_id
    assert verify(place).wrong == ()
    place.close()


# --- the clock ----------------------------------------------------------------------------------------------------


def at(clock: str, monotonic_s: float, station: str = "S1", *, scripted: bool = False) -> Event:
    return Event(
        kind="signed_in",
        at=f"2026-10-06T{clock}.000Z",
        monotonic_s=monotonic_s,
        station=station,
        scripted=scripted,
    )


def told(journal: Journal) -> list[tuple[int, float, int, str]]:
    """Number of each line that tells of a clock, its seconds, and the line and station that it names."""
    return [
        (e.number, e.event.payload["seconds"], e.event.payload["line"], e.event.payload["line_station"])
        for e in journal.entries()
        if e.event.kind == "clock_set_back"
    ]


def test_a_clock_set_back_is_told_once_and_the_order_stays(place: Place) -> None:
    journal = place.journal
    for event in (at("10:00:00", 100), at("10:05:00", 400), at("09:05:01", 401), at("09:05:02", 402)):
        journal.append(event)
    assert told(journal) == [(3, 3600.0, 2, "S1")]
    assert [e.number for e in journal.entries()] == [1, 2, 3, 4, 5]
    assert [e.event.at[11:16] for e in journal.entries()] == ["10:00", "10:05", "09:05", "09:05", "09:05"]
    assert journal.verify() is None


def test_a_clock_that_lost_time_without_going_back_is_told_too(place: Place) -> None:
    """An hour of work by the counter, five minutes by the clock."""
    journal = place.journal
    journal.append(at("10:00:00", 100))
    journal.append(at("10:05:00", 3700))
    assert told(journal) == [(2, 3300.0, 1, "S1")]


def test_small_corrections_and_a_sleeping_computer_are_no_news(place: Place) -> None:
    journal = place.journal
    for event in (at("10:00:00", 100), at("10:00:30", 145), at("12:00:00", 150), at("12:00:01", 151)):
        journal.append(event)
    assert told(journal) == []


def test_after_a_restart_the_last_line_tells(place: Place) -> None:
    place.journal.append(at("10:00:00", 9000))
    restarted = Journal(place.db)
    restarted.append(at("08:00:00", 5))
    restarted.append(at("08:00:01", 6))
    assert told(restarted) == [(2, 7200.0, 1, "S1")]


def test_two_desks_whose_clocks_differ_tell_it_once(place: Place) -> None:
    fast, slow = Journal(place.db), Journal(place.db)
    for n in range(4):
        fast.append(at(f"11:00:0{n}", 100 + n, "FAST"))
        slow.append(at(f"10:00:0{n}", 500 + n, "SLOW"))
    assert told(fast) == [(2, 3600.0, 1, "FAST")]
    assert fast.verify() is None


def test_what_was_told_in_an_act_that_was_dropped_is_told_again(place: Place) -> None:
    journal = place.journal
    journal.append(at("10:00:00", 100))

    def dropped() -> None:
        with place.db.writing():
            journal.append(at("09:00:00", 101))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        dropped()
    journal.append(at("09:00:02", 102))
    assert told(journal) == [(2, 3600.0, 1, "S1")]


def test_a_scripted_clock_tells_nothing(place: Place) -> None:
    place.journal.append(at("10:00:00", 100))
    place.journal.append(at("09:00:00", 0, scripted=True))
    place.journal.append(at("10:00:01", 101))
    assert told(place.journal) == []
