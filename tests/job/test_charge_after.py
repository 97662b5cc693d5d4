"""What comes after a charge: closed days, merges, withdrawn pictures, voided orders; none of it changes the charge."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path

import pytest

from tests.factory.archives import KINDS
from tests.factory.series import ct_series
from tests.job import acts
from tests.job.conftest import SHAPE, SPACING, phantom
from workstation.archive.reconcile import Act
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused, NotAllowed
from workstation.desk.charge_ledger import broken_ledger, close_days, ledger_of
from workstation.desk.charge_office import replace
from workstation.desk.desk import Desk
from workstation.desk.move_database import moved
from workstation.desk.people_demo import PINS
from workstation.desk.reconcile import reconcile
from workstation.desk.session import Session
from workstation.desk.worklist import worklist

PIN, RAD_PIN = PINS["demo.bill"], PINS["demo.rad"]


@pytest.fixture
def office(request: pytest.FixtureRequest, finished: tuple[Path, datetime, str], tmp_path: Path, clock: ScriptedClock):
    """The finished case at a desk; on the department's database where a test asks for it."""
    shutil.copytree(finished[0], tmp_path / "home")
    if getattr(request, "param", "sqlite") == "postgresql":
        moved(tmp_path / "home", request.getfixturevalue("postgres").url())
    clock.advance((finished[1] - clock.now()).total_seconds())
    desk = Desk(tmp_path / "home", clock=clock, station="TEST-1", demo=True)
    session = desk.open(f"study:{desk.studies()[0].study_uid}")
    yield desk, session
    assert broken_ledger(desk.place) == ""
    session.close()
    desk.close()


def charged(desk: Desk, session: Session) -> str:
    desk.sign_in("demo.bill", PIN)
    return session.confirm_charge(PIN).charge_id


def task(desk: Desk) -> str:
    (line,) = [w for w in worklist(desk.place) if w.charge_id]
    return line.task


def test_a_closed_day_marks_late_and_goes_the_same_way(office, clock: ScriptedClock) -> None:
    desk, session = office
    with pytest.raises(NotAllowed):
        close_days(desk.place, desk.people, date(2026, 1, 6))
    desk.sign_in("demo.bill", PIN)
    with pytest.raises(InputRefused, match="not come yet"):
        close_days(desk.place, desk.people, date(2026, 1, 7))
    assert close_days(desk.place, desk.people, date(2026, 1, 6)) == "2026-01-06"
    assert close_days(desk.place, desk.people, date(2026, 1, 5)) == "2026-01-06"
    lines = [e.event.payload for e in desk.place.journal.entries() if e.event.kind == "days_closed"]
    assert lines == [{"until": "2026-01-06", "before": ""}]
    kept = ledger_of(desk.place).get(charged(desk, session))
    assert (kept.late, kept.state) == (True, "confirmed")


@pytest.mark.parametrize(("days", "late"), [(2, False), (3, False), (4, True)])
def test_three_days_after_the_service_it_is_late(office, clock: ScriptedClock, days: int, late: bool) -> None:
    desk, session = office
    clock.advance(days * 86400)
    assert ledger_of(desk.place).get(charged(desk, session)).late is late


def test_a_withdrawn_picture_raises_a_task_and_leaves_the_charge(office) -> None:
    desk, session = office
    own = charged(desk, session)
    before = ledger_of(desk.place).get(own)
    assert task(desk) == ""
    desk.sign_in("demo.rad", RAD_PIN)
    shown = [c for c in session.case.captures if c.state == "released"]
    with pytest.raises(InputRefused, match="Say why"):
        session.withdraw(shown[0].sop_uid, RAD_PIN, "")
    notes = len(desk.place.library.instances(session.key.study_uid, made_here=True))
    for capture in shown:
        session.withdraw(capture.sop_uid, RAD_PIN, "another patient's name stands in it")
    assert len(desk.place.library.instances(session.key.study_uid, made_here=True)) == notes + len(shown)
    assert desk.place.library.instance(shown[0].sop_uid) is not None
    with pytest.raises(InputRefused, match="Only a released picture"):
        session.withdraw(shown[0].sop_uid, RAD_PIN, "again")
    assert "Decided again, this case would be held" in task(desk)
    assert ledger_of(desk.place).get(own) == before


def test_a_voided_order_raises_a_task_and_a_new_one_settles_it(office) -> None:
    desk, session = office
    own = charged(desk, session)
    desk.sign_in("demo.tech", PINS["demo.tech"])
    with pytest.raises(InputRefused, match="Say why"):
        session.void_order(" ")
    session.void_order("The ward took the order back by telephone")
    assert session.case.order is None
    with pytest.raises(InputRefused, match="no order"):
        session.void_order("again")
    assert task(desk).startswith("Decided again")
    session.set_order(acts.ORDER)
    assert task(desk) == ""
    assert ledger_of(desk.place).get(own).state == "confirmed"


def test_an_addendum_decides_again_and_asks_nothing_where_nothing_differs(office, clock: ScriptedClock) -> None:
    import msgspec

    desk, session = office
    own = charged(desk, session)
    desk.sign_in("demo.rad", RAD_PIN)
    session.set_text(msgspec.structs.replace(session.case.text, impression="As before. Follow-up in a year."))
    session.sign(RAD_PIN)
    assert task(desk) == ""
    clock.advance(60)
    session.retract(RAD_PIN, "wrong side")
    assert task(desk) == "The report was retracted after this charge: void it."
    assert ledger_of(desk.place).get(own).state == "confirmed"


@pytest.mark.parametrize("office", KINDS, indirect=True)
def test_the_key_is_the_persons_after_a_merge(office, tmp_path: Path, clock: ScriptedClock) -> None:
    """Two numbers of one person: the charge is kept under the one that stands for both, and is found under either."""
    desk, session = office
    ct_series(
        tmp_path / "other", slices=SHAPE[0], rows=SHAPE[1], columns=SHAPE[2], spacing=SPACING, voxels=phantom(),
        centre=(0.0, 0.0, 0.0), name="PHANTOM^JANE", patient_id="A-1", study="other", series="other",
        tags={"IssuerOfPatientID": "CLINIC"},
    )  # fmt: skip
    desk.import_paths([tmp_path / "other"])
    patients = {p.stated.id: p.key for p in desk.place.library.patients()}
    own = charged(desk, session)
    before = ledger_of(desk.place).get(own)
    assert before.identity.patient_id == "PH-77"
    desk.sign_in("demo.rad", RAD_PIN)
    reconcile(desk.place, desk.people, Act(kind="same", patients=tuple(patients.values())), "one person", RAD_PIN)
    assert min(patients, key=lambda number: patients[number]) == "A-1"
    assert "identity was corrected" in task(desk)
    assert ledger_of(desk.place).get(own).state == "confirmed"
    desk.sign_in("demo.bill", PIN)
    done = replace(desk.place, desk.people, own, reason="merged", secret=PIN)
    new = ledger_of(desk.place).get(done.new_charge_id)
    assert (new.identity.patient_issuer, new.identity.patient_id) == ("CLINIC", "A-1")
    (message,) = desk.place.outbox.of_charge(new.charge_id)
    assert "|A-1^^^CLINIC" in message.body
    assert ledger_of(desk.place).get(own).state == "replaced"
    assert task(desk) == ""
    assert ledger_of(desk.place).get(own).identity == before.identity
