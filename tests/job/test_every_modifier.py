"""Every modifier is reached by an honest case: real acts at the desk, the journal's evidence, and answers of people."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.job import acts
from workstation.base.clock import ScriptedClock
from workstation.case.model import ReportText
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.desk.session import Session

TAXONOMY = "2085R0202X"
OFFICE = {"claim.pos": "11", "claim.owns_equipment": True, "claim.bills_reader": True}
MAMMOGRAM_GUIDE = {
    "other_codes": [{"code": "76942", "same_anatomy": False, "same_session": True, "same_provider": True}],
    "reference.ptp": [{"column1": "76942", "column2": "76377", "indicator": "1", "from": "2020-01-01", "to": None}],
}
HOSPITAL = {"claim.form": "institutional", "claim.bills_reader": None, "claim.owns_equipment": None}

# what is answered beside acts.GIVEN -> the modifiers of the bill
ANSWERS: list[tuple[str, dict, list[str]]] = [
    ("the physician's part", {}, ["26"]),
    ("both parts", {"payer.kind": "aetna", **OFFICE}, []),
    ("the technical part", {"payer.kind": "aetna", **OFFICE, "claim.bills_reader": False}, ["TC"]),
    ("another region, Medicare", MAMMOGRAM_GUIDE, ["26", "XS"]),
    ("another region, others", {"payer.kind": "cigna", "payer.x_modifiers": False, **MAMMOGRAM_GUIDE}, ["26", "59"]),
    (
        "another encounter",
        {
            **MAMMOGRAM_GUIDE,
            "other_codes": [{"code": "76942", "same_anatomy": True, "same_session": False, "same_provider": True}],
        },
        ["26", "XE"],
    ),
    ("reduced", {"service.completion": "reduced", "service.interpretable": True}, ["26", "52"]),
    (
        "broken off for the patient's sake",
        {
            "service.completion": "discontinued",
            "service.interpretable": True,
            "service.discontinued_reason": "patient_wellbeing",
        },
        ["26", "53"],
    ),
    ("denial expected, signed", {"abn.expected_denial": "not_necessary", "abn.signed": "required"}, ["26", "GA"]),
    ("denial expected, not signed", {"abn.expected_denial": "not_necessary", "abn.signed": "none"}, ["26", "GZ"]),
    ("excluded", {"abn.expected_denial": "excluded", "abn.signed": "none"}, ["26", "GY"]),
    ("excluded, told", {"abn.expected_denial": "excluded", "abn.signed": "voluntary"}, ["26", "GX", "GY"]),
    ("off campus, excepted", {**HOSPITAL, "claim.pos": "19", "claim.off_campus": "excepted"}, ["PO"]),
    ("off campus", {**HOSPITAL, "claim.pos": "19", "claim.off_campus": "nonexcepted"}, ["PN"]),
]


def test_answers_of_people_lead_to_each_modifier(desk: Desk, clock: ScriptedClock, study_folder) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    desk.sign_in("demo.bill", PINS["demo.bill"])
    reached = set()
    for name, given, wanted in ANSWERS:
        restart(session)
        session.give_facts({**acts.GIVEN, **given})
        answer = session.decide().answer
        assert (answer["decision"], answer["modifiers"]) == ("bill", wanted), (name, answer["questions"])
        reached |= set(wanted)
    assert reached == {"26", "TC", "XS", "XE", "59", "52", "53", "GA", "GZ", "GY", "GX", "PO", "PN"}
    session.close()


def restart(session: Session) -> None:
    """Take back what was answered before: each case of the list stands alone."""
    session.put("charge", given={})
    session.place.db.set_setting("site.facts", msgspec.json.encode({}).decode())


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_sided_study_of_a_payer_who_takes_sides(desk: Desk, clock: ScriptedClock, study_folder, side: str) -> None:
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    acts.physician(desk, session, clock)
    order = msgspec.structs.replace(acts.ORDER, side=side)
    session.set_order(order)
    session.set_anatomy("knee_" + side, "bone")
    session.set_text(
        ReportText(
            indication=f"Fracture, {side.upper()}",
            comparison="None available.",
            findings_3d=f"The fragment of the {side.upper()} plateau is displaced by 4 mm.",
            impression=f"Displaced fragment, {side.upper()} side.",
            necessity="Planning of repair",
            limitations="Phantom.",
            side=side,
        )
    )
    clock.advance(60)
    session.sign(PINS["demo.rad"])
    session.give_facts({**acts.GIVEN, "payer.kind": "uhc", "payer.laterality_modifiers": True})
    answer = session.decide().answer
    assert answer["decision"] == "bill", answer["questions"]
    assert answer["modifiers"] == ["26", side[0].upper() + "T"]
    session.close()


def test_documented_extra_work_of_a_payer_who_takes_it(desk: Desk, clock: ScriptedClock, study_folder) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    session.give_facts({"payer.kind": "bcbs", "payer.accepts_22": True, "service.increased_work": True,
                        "report.increased_work_documented": True})  # fmt: skip
    answer = session.decide().answer
    assert (answer["decision"], answer["modifiers"]) == ("bill", ["26", "22"]), answer["questions"]
    session.close()


@pytest.mark.parametrize(("second", "modifier"), [("demo.rad", "76"), ("night.rad", "77")])
def test_a_needed_repeat_by_the_same_and_by_another_physician(
    desk: Desk, clock: ScriptedClock, two_series: Path, second: str, modifier: str
) -> None:
    """Morning and afternoon, each supervised, signed and charged for itself; two radiologists have accounts."""
    desk.people.make("night.rad", "Night Radiologist, MD", "radiologist", "864208", npi="1999999844", taxonomy=TAXONOMY)
    morning = desk.open(str(two_series), series="3")
    acts.whole(desk, morning, clock)
    desk.sign_in("demo.bill", PINS["demo.bill"])
    first = morning.confirm_charge(PINS["demo.bill"])
    assert first.modifiers == ("26",)
    morning.close()
    clock.advance(3600)
    afternoon = desk.open(str(two_series), series="4")
    acts.technologist(desk, afternoon, clock)
    pin = PINS.get(second, "864208")
    acts.physician(desk, afternoon, clock, (second, pin))
    afternoon.separate_session("Scanned again at 16:10 after the drain was placed")
    acts.report(afternoon, clock, pin=pin)
    desk.sign_in("demo.bill", PINS["demo.bill"])
    afternoon.give_facts({**acts.GIVEN, "distinct.repeat_necessity_documented": True})
    decided = afternoon.decide()
    assert (decided.answer["decision"], decided.answer["modifiers"]) == ("bill", ["26", modifier])
    kept = afternoon.confirm_charge(PINS["demo.bill"])
    afternoon.close()
    assert (kept.first, kept.modifiers) == (True, ("26", modifier))
    # another reader is another rendering provider of the claim
    readers = {c.charge_id: c.rendering_npi for c in ledger_of(desk.place).charges().values()}
    assert (readers[first.charge_id] == readers[kept.charge_id]) is (modifier == "76")
    assert {w.task for w in desk.charges()} == {""}
