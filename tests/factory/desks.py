"""What other workstations do with a finished case in tests; each function runs in a spawned process of its own."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from workstation.base.clock import ScriptedClock
from workstation.desk import charge_office, confirm_charge
from workstation.desk.desk import Desk
from workstation.desk.filed_case import FiledCase
from workstation.desk.people_demo import PINS

PIN = PINS["demo.bill"]


def biller_at(home: str, moment: str, station: str) -> Desk:
    """The biller at a workstation, signed in."""
    desk = Desk(Path(home), clock=ScriptedClock(datetime.fromisoformat(moment)), station=station, demo=True)
    desk.sign_in("demo.bill", PIN)
    return desk


def confirm(home: str, moment: str, station: str, study: str, ready: Any, go: Any) -> tuple[str, bool]:
    """Confirm the case's charge in the same moment as everybody else; its id, and whether it was the first."""
    desk = biller_at(home, moment, station)
    try:
        case = FiledCase(desk.place, desk.people, study)
        ready.put(station)
        go.wait()
        done = case.confirm_charge(PIN)
        return done.charge_id, done.first
    finally:
        desk.close()


def confirm_and_stand_still(home: str, moment: str, study: str, where: str, said: Any) -> None:
    """Confirm, and stand still `before` the transaction ends or `after` it, to be killed there."""
    desk = biller_at(home, moment, "KILLED")

    def stop(*_: Any) -> None:
        said.send(where)
        time.sleep(600)

    if where == "before":
        desk.place.outbox.put = stop  # type: ignore[method-assign]
    else:
        confirm_charge._write = stop  # type: ignore[assignment]
    FiledCase(desk.place, desk.people, study).confirm_charge(PIN)


def send(home: str, moment: str, station: str) -> int:
    """One round of sending; how many messages were acknowledged."""
    desk = biller_at(home, moment, station)
    try:
        return charge_office.send(desk.place, at_once=True).acknowledged
    finally:
        desk.close()
