"""What other processes do to an archive in tests: each function runs in a spawned process, on a home of its own."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

from billing.charge import Charge, draft, identity_of
from billing.decide import decide
from billing.facts import read_facts
from billing.ledger import Actor, Ledger
from workstation.archive.journal import Journal
from workstation.archive.ledger import LedgerTable
from workstation.archive.opening import open_database
from workstation.base.events import Event
from workstation.desk.charge_ledger import ChargeStore

ROOT = Path(__file__).resolve().parents[2]
AT = "2026-10-06T07:40:00.000Z"


def event(station: str = "S1", at: str = AT, **payload: Any) -> Event:
    return Event(kind="signed_in", at=at, monotonic_s=0.0, station=station, payload=payload)


def drafted(anatomy: str = "abdomen_pelvis", session: int = 1) -> Charge:
    """A charge that may be confirmed."""
    document = copy.deepcopy(json.loads((ROOT / "tests/cases/billing_base.json").read_text()))
    document["rendering"]["anatomy"] = anatomy
    read = read_facts(document)
    return draft(read, decide(read), identity_of(read, study_uid="1.2.3", session=session))


def biller(station: str) -> Actor:
    return Actor(who="b.biller", role="biller", workstation=station, at=AT)


def append_lines(home: str, station: str, count: int, go: Any) -> list[int]:
    """Write lines as fast as it goes, all stations from the same moment on; the numbers that were answered."""
    database = open_database(Path(home))
    journal = Journal(database)
    go.wait()
    try:
        return [journal.append(event(station, n=n)).number for n in range(count)]
    finally:
        database.close()


def confirm_both(home: str, station: str, go: Any) -> tuple[str, str]:
    """Confirm two services, as every other station does at the same moment; the ids that were answered."""
    database = open_database(Path(home))
    ledger = Ledger(ChargeStore(LedgerTable(database)))
    charges = drafted(), drafted(session=2)
    go.wait()
    try:
        found = []
        for charge in charges:
            with database.writing():
                found.append(ledger.confirm(charge, biller(station)).charge_id)
        return found[0], found[1]
    finally:
        database.close()


def append_for_ever(home: str, said: Any) -> None:
    """Write lines, saying each number once it was answered, until killed."""
    journal = Journal(open_database(Path(home)))
    while True:
        said.send(journal.append(event()).number)


def stand_still_inside(home: str, said: Any) -> None:
    """Begin an act, write a line and a charge, and be killed before the end."""
    database = open_database(Path(home))
    with database.writing():
        Journal(database).append(event(reason="never answered"))
        Ledger(ChargeStore(LedgerTable(database))).confirm(drafted(), biller("S1"))
        said.send("inside")
        time.sleep(600)
