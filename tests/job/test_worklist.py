"""The biller's worklist on real cases: answered, confirmed several at once, and what comes after a confirmation."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from billing.ledger import Actor, Line
from billing.metrics import Ratio, figures
from tests.factory.afternoon import STATION, Waiting, make_home
from tests.job import acts
from workstation.__main__ import main
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused, NotAllowed
from workstation.case.model import ReportText
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.charge_tasks import DELETED
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.desk.verify import verify
from workstation.desk.worklist import ChargeLine

DAY = dt.date(2026, 11, 24)
PIN = PINS["demo.bill"]
CASES = (
    Waiting("SAMPLE^Aorta", "medicare", DAY - dt.timedelta(days=8)),
    Waiting("ROSSI^Luca", "cigna", DAY, dx="I71.4", label="abdominal aortic aneurysm"),
    Waiting("MÜLLER^Anne", "medicare", DAY, base="74174", angiographic=True),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one ready, one held and one covered case; made once, copied for each test."""
    folder = tmp_path_factory.mktemp("afternoon")
    make_home(folder / "home", folder / "files", CASES)
    return folder / "home"


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock(dt.datetime(2026, 11, 25, 16, tzinfo=dt.UTC))


@pytest.fixture
def desk(made: Path, tmp_path: Path, clock: ScriptedClock) -> Iterator[Desk]:
    shutil.copytree(made, tmp_path / "home")
    found = Desk(tmp_path / "home", clock=clock, station=STATION, demo=True)
    found.sign_in("demo.bill", PIN)
    yield found
    assert verify(found.place).wrong == ()
    found.close()


def line(desk: Desk, name: str) -> ChargeLine:
    (found,) = [x for x in desk.charges() if x.patient_name.startswith(name)]
    return found


def test_each_case_stands_in_the_list_with_what_it_wants(desk: Desk) -> None:
    assert [(x.patient_name[:6], x.decision, x.state) for x in desk.charges()] == [
        ("SAMPLE", "bill", "open"),
        ("ROSSI^", "hold", "open"),
        ("MÜLLER", "reject", "open"),
    ]
    ready, held, covered = desk.charges()
    assert (ready.code, ready.modifiers, ready.payer, ready.age_days) == ("76377", ("26",), "medicare", 9)
    assert ready.reader == "Demo Radiologist, MD"
    assert (held.rules, "I71.43" in held.question) == (("R-DX-02",), True)
    assert (covered.code, covered.covered_by) == (None, "74174")


def test_the_biller_codes_the_diagnosis_and_confirms_both_after_one_pin(desk: Desk, clock: ScriptedClock) -> None:
    held = desk.filed(line(desk, "ROSSI").study_uid)
    with pytest.raises(NotAllowed, match="may not enter an order"):
        held.set_order(acts.ORDER)
    held.set_diagnoses((("I71.43", "infrarenal abdominal aortic aneurysm"),))
    told = {s.path: (s.origin, len(s.lines)) for s in held.fact_sources(held.decide())}
    assert told["dx[0].code"] == ("coded by Demo Biller", 1)
    assert told["payer.kind"] == ("stated by Demo Radiologist, MD", 1)
    assert told["supervision.region_designed"][0] == "witnessed by the program"
    assert told["base[0].code"][0] == "the order, as typed here"
    assert told["providers.rendering_taxonomy"][0] == "the reading physician's account"
    ready = [(x.study_uid, x.session) for x in desk.charges() if x.decision == "bill"]
    clock.advance(600)
    with pytest.raises(NotAllowed):
        desk.confirm_charges(ready, "000000")
    assert all(x.state == "open" for x in desk.charges())
    done = desk.confirm_charges([*ready, (line(desk, "MÜLLER").study_uid, 0)], PIN)
    assert [bool(d.confirmed) for d in done] == [True, True, False]
    assert "only a decision to bill" in done[2].sentence
    again = desk.confirm_charges(ready, PIN)
    assert [d.confirmed.charge_id for d in again if d.confirmed] == [d.confirmed.charge_id for d in done if d.confirmed]
    assert (line(desk, "SAMPLE").state, line(desk, "SAMPLE").late) == ("confirmed", True)
    assert (line(desk, "ROSSI").state, line(desk, "ROSSI").late) == ("confirmed", False)
    assert line(desk, "ROSSI").acts == ("replace", "void")


def test_the_list_reads_only_what_is_new_in_the_ledger_and_is_right_all_the_same(
    desk: Desk, clock: ScriptedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[type] = []
    real = msgspec.json.decode

    def counting(text: str | bytes, **how: Any) -> Any:
        if how.get("type") is Line:
            decoded.append(Line)
        return real(text, **how)

    def rows(who: Desk) -> tuple[int, str]:
        """Ledger rows that are decoded for a reading of the list, and the state of a case in it."""
        decoded.clear()
        (found,) = [x for x in who.charges() if x.patient_name.startswith("SAMPLE")]
        return len(decoded), found.state

    monkeypatch.setattr(msgspec.json, "decode", counting)
    other = Desk(desk.home, clock=clock, station="WS-2", demo=True)
    other.sign_in("demo.bill", PIN)
    assert rows(other) == (0, "open")
    study = line(desk, "SAMPLE").study_uid
    desk.confirm_charges([(study, 0)], PIN)
    assert rows(other) == (1, "confirmed")
    assert rows(other) == (0, "confirmed")
    rows(desk)
    assert rows(desk) == (0, "confirmed")
    # what a broken act wrote before it was taken back whole is in no list
    own = line(desk, "SAMPLE").charge_id
    actor = Actor(who="demo.bill", role="biller", workstation="WS-1", at=desk.place.now())

    def broken() -> None:
        with desk.place.db.writing():
            ledger_of(desk.place).void(own, actor, reason="broken", again=own)
            assert desk.place.reading.now().charges[own].state == "void"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert line(desk, "SAMPLE").state == "confirmed"
    # the other workstation takes it back; then the case is confirmed anew, here
    other.void_charge(own, again=own, reason="wrong", secret=PIN)
    assert rows(desk) == (1, "open")
    done = desk.confirm_charges([(study, 0)], PIN)
    assert done[0].confirmed is not None
    assert done[0].confirmed.charge_id != own
    assert rows(other) == (1, "confirmed")
    assert rows(other) == (0, "confirmed")
    other.filed(study).set_diagnoses((("I71.40", "abdominal aortic aneurysm, unspecified"),))
    new = other.replace_charge(line(other, "SAMPLE").charge_id, reason="coded too narrowly", secret=PIN)
    assert line(desk, "SAMPLE").charge_id == new.new_charge_id
    whole = ledger_of(desk.place).charges()
    assert {own: (c.state, c.digest) for own, c in desk.place.reading.now().charges.items()} == {
        own: (c.state, c.digest) for own, c in whole.items()
    }
    assert len(whole) == 3
    other.close()


def test_a_retraction_makes_a_task_and_a_void_ends_it(desk: Desk, clock: ScriptedClock) -> None:
    study = line(desk, "SAMPLE").study_uid
    desk.confirm_charges([(study, 0)], PIN)
    assert line(desk, "SAMPLE").task == ""
    desk.sign_in("demo.rad", PINS["demo.rad"])
    session = desk.open(f"study:{study}")
    session.retract(PINS["demo.rad"], "wrong patient")
    session.close()
    desk.sign_in("demo.bill", PIN)
    found = line(desk, "SAMPLE")
    assert (found.state, found.task) == ("confirmed", "The report was retracted after this charge: void it.")
    with pytest.raises(InputRefused):
        desk.void_charge(found.charge_id, again="OTHER", reason="report retracted", secret=PIN)
    desk.void_charge(found.charge_id, again=found.charge_id, reason="report retracted", secret=PIN)
    after = line(desk, "SAMPLE")
    assert (after.state, after.decision, after.charge_id) == ("open", "reject", "")
    assert [h.after for h in desk.charge_history(found.charge_id)] == ["confirmed", "void"]


def test_another_diagnosis_after_the_charge_makes_a_task_and_a_replacement_ends_it(desk: Desk) -> None:
    study = line(desk, "SAMPLE").study_uid
    desk.confirm_charges([(study, 0)], PIN)
    filed = desk.filed(study)
    filed.set_diagnoses((("I71.40", "abdominal aortic aneurysm, unspecified"),))
    found = line(desk, "SAMPLE")
    assert found.task == "Decided again, the diagnoses are I71.40: replace the charge."
    assert desk.charge(found.charge_id).diagnoses == ("I71.43",)
    made = desk.replace_charge(found.charge_id, reason="coded too narrowly", secret=PIN)
    assert desk.charge(made.new_charge_id).diagnoses == ("I71.40",)
    after = line(desk, "SAMPLE")
    assert (after.charge_id, after.task, after.state) == (made.new_charge_id, "", "confirmed")


def test_deleting_a_charged_study_asks_the_biller_and_changes_no_charge(
    desk: Desk, clock: ScriptedClock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    studies = [line(desk, name).study_uid for name in ("SAMPLE", "MÜLLER")]
    desk.confirm_charges([(studies[0], 0)], PIN)
    own = line(desk, "SAMPLE").charge_id
    desk.people.make("boss", "Bo Boss", "administrator", "135792")
    desk.sign_in("boss", "135792")
    assert "Charge" not in desk.deletion(studies[1]).sentence
    assert desk.deletion(studies[0]).charges == (own,)
    said = f"Charge {own} rests on it and is not taken back; the biller is asked about it."
    assert said in desk.deletion(studies[0]).sentence
    # the command says the same in its first step
    monkeypatch.setenv("RENDERDESK_HOME", str(desk.home))
    monkeypatch.setenv("RENDERDESK_SECRET", "135792")
    command = ["delete", f"study:{studies[0]}", "--account", "boss", "--json"]
    assert main(command) == 1
    assert said in json.loads(capsys.readouterr().out)["error"]["sentence"]
    for study in studies:
        desk.delete(study, "Kept elsewhere")
    told = {e.event.case.study_uid: e.event.payload for e in desk.place.journal.of_kinds("study_deleted")}
    assert [told[study]["tasks"] for study in studies] == [[own], []]
    desk.sign_in("demo.bill", PIN)
    (found,) = [x for x in desk.charges() if x.charge_id]
    assert (found.charge_id, found.state, found.task) == (own, "confirmed", DELETED)
    assert found.acts == ("replace", "void", "uphold")
    # also where the charge was settled so long ago that the list shows it no longer
    with desk.place.db.writing():
        interface = Actor(who="interface", role="system", workstation="WS-1", at=desk.place.now())
        ledger_of(desk.place).send(own, interface)
        ledger_of(desk.place).acknowledge(own, interface)
    clock.advance(40 * 86400)
    desk.sign_in("demo.bill", PIN)
    (found,) = [x for x in desk.charges() if x.charge_id]
    assert (found.state, found.task) == ("acknowledged", DELETED)
    with pytest.raises(InputRefused, match="reason is needed"):
        desk.uphold_charge(own, reason=" ", secret=PIN)
    desk.uphold_charge(own, reason="given, documented", secret=PIN)
    assert [x for x in desk.charges() if x.charge_id] == []
    assert [h.after for h in desk.charge_history(own)] == ["confirmed", "sent", "acknowledged"]
    entry = desk.place.journal.of_kinds("charge_upheld")[-1].event
    assert entry.payload == {"charge_id": own, "reason": "given, documented"}
    with pytest.raises(InputRefused, match="Nothing is asked"):
        desk.uphold_charge(own, reason="again", secret=PIN)


def test_an_addendum_that_changes_nothing_makes_no_task(desk: Desk, clock: ScriptedClock) -> None:
    study = line(desk, "SAMPLE").study_uid
    desk.confirm_charges([(study, 0)], PIN)
    desk.sign_in("demo.rad", PINS["demo.rad"])
    session = desk.open(f"study:{study}")
    text = session.case.text
    session.set_text(
        ReportText(
            **{n: getattr(text, n) for n in text.__struct_fields__ if n != "impression"}, impression="Second look."
        )
    )
    clock.advance(60)
    session.sign(PINS["demo.rad"])
    session.close()
    desk.sign_in("demo.bill", PIN)
    assert line(desk, "SAMPLE").task == ""


def test_a_case_that_is_open_in_a_window_is_not_charged_beside_it(desk: Desk) -> None:
    study = line(desk, "SAMPLE").study_uid
    session = desk.open(f"study:{study}")
    with pytest.raises(InputRefused, match="close it before"):
        desk.filed(study)
    session.close()
    assert desk.filed(study).case.key.study_uid == study


def test_the_figures_are_those_of_the_three_cases(desk: Desk) -> None:
    """One billable at once and confirmed nine days after the service, one held by its diagnosis, one an angiogram."""
    desk.confirm_charges([(line(desk, "SAMPLE").study_uid, 0)], PIN)
    told = figures(desk.metrics().data)
    assert (told.sessions, told.base_studies, told.share_3d) == (3, 3, Ratio(1, 3))
    assert (told.first_pass, told.base_included, told.held_now) == (Ratio(1, 3), Ratio(1, 3), 1)
    assert told.hold_rules == (("R-DX-02", 1),)
    assert told.mix == (("76377", 1),)
    assert told.late == Ratio(1, 1)
    assert told.witnessed == Ratio(12, 12)
    (days,) = told.confirm_days.days
    assert 9.3 < days < 9.4  # signed on the 16th about 07:37, confirmed on the 25th at 16:00
    assert (told.denied, told.expected, told.without_estimate) == (Ratio(0, 0), (), 1)
