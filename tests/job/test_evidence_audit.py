"""Evidence that an auditor tried to fake, at the desk itself: it must never become a charge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from render.errors import RenderError
from render.view import Box
from tests.job import acts
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused
from workstation.case.model import ReportText
from workstation.desk import confirm_charge
from workstation.desk.desk import Desk
from workstation.desk.order_source import order_file
from workstation.desk.people_demo import PINS
from workstation.desk.remove_study import delete_study
from workstation.desk.session import Session

RAD = "demo.rad"
ALL = {"region": True, "tissues": True, "pictures": True, "steering": True}


def holds(session: Session) -> set[str]:
    """Rules that hold or reject; empty when it may be charged."""
    return {r["rule"] for r in session.decide().answer["reasons"] if r["outcome"] != "pass"}


def both(desk: Desk, folder: Path) -> tuple[Session, str]:
    """The study opened on its better series, and the other series."""
    session = desk.open(str(folder))
    other = next(s.series_uid for s in session.series if s.series_uid != session.key.series_uid)
    return session, other


def test_the_orders_words_are_not_the_physicians_necessity(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    """Hospital, 3D not ordered: "3D rendering was not part of the order" stood for the exception itself."""
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    acts.physician(desk, session, clock)
    session.set_order(msgspec.structs.replace(acts.ORDER, three_d_ordered=False, urgent_exception_documented=False))
    session.set_anatomy("abdomen_pelvis", "vascular")
    words = ReportText(
        indication="Aneurysm",
        comparison="None available.",
        findings_3d="The tube is straight.",
        impression="Tube of normal calibre.",
        limitations="Phantom.",
        side="not_applicable",
    )
    session.set_text(words)
    clock.advance(60)
    with pytest.raises(InputRefused, match="why it was necessary"):
        session.sign(PINS[RAD])
    session.set_text(msgspec.structs.replace(words, necessity="The slices do not show the course of the tube."))
    session.sign(PINS[RAD])
    session.give_facts(acts.GIVEN)
    answer = session.decide().answer
    assert answer["decision"] == "bill"
    assert any(r["rule"] == "R-OR-03" and "necessity" in r["text"] for r in answer["reasons"])
    session.close()


def test_necessity_copied_from_an_order_does_not_outlive_the_order(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    """Signed while "ordered" stood there, then the order is corrected: nobody stated a necessity."""
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    acts.physician(desk, session, clock)
    session.set_order(acts.ORDER)
    session.set_anatomy("abdomen_pelvis", "vascular")
    session.set_text(ReportText(findings_3d="Straight.", impression="Normal.", side="not_applicable"))
    clock.advance(60)
    session.sign(PINS[RAD])
    session.give_facts(acts.GIVEN)
    assert holds(session) == set()
    session.set_order(msgspec.structs.replace(acts.ORDER, three_d_ordered=False, urgent_exception_documented=False))
    assert session.decide().answer["decision"] == "reject"
    assert "R-OR-02" in holds(session)
    session.close()


def test_a_report_that_names_no_3d_technique_states_none(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    """Planes were signed ("No 3D rendering."), a volume rendering is released afterwards; an addendum cures it."""
    session = desk.open(str(study_folder))
    desk.sign_in("demo.tech", PINS["demo.tech"])
    session.scene_shown(acts.vr(session))
    plane = acts.capture(session, acts.axial(session), "Axial")
    late = acts.capture(session, acts.vr(session), "Front")
    clock.advance(60)
    desk.sign_in(RAD, PINS[RAD])
    session.shown(plane.sop_uid, 2, 400)
    session.release(plane.sop_uid)
    session.attest(ALL, True, "I took part.")
    acts.report(session, clock)
    session.shown(late.sop_uid, 2, 400)
    session.release(late.sop_uid)
    session.give_facts(acts.GIVEN)
    assert holds(session) == {"R-RP-04"}
    assert {q["field"] for q in session.decide().answer["questions"]} == {"report.technique_stated"}
    session.set_text(msgspec.structs.replace(session.case.text, impression="As before; rendering added."))
    session.sign(PINS[RAD])
    assert holds(session) == set()
    session.close()


def test_what_was_deleted_is_no_evidence_for_what_is_imported_again(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    """Pictures and report went with the study; the journal still tells of them."""
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    assert holds(session) == set()
    session.close()
    delete_study(desk.place, desk.people.actor, session.key.study_uid, "wrong patient")
    again = desk.open(str(study_folder))
    assert again.case.captures == ()
    again.set_order(acts.ORDER)
    again.set_anatomy("abdomen_pelvis", "vascular")
    again.give_facts(acts.GIVEN)
    decided = again.decide()
    assert decided.answer["decision"] == "hold"
    assert {"R-AR-01", "R-RP-01", "R-SV-02", "R-TQ-03"} <= holds(again)
    assert "images" not in decided.facts
    again.close()


def test_a_residents_own_lines_outweigh_a_typed_no(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    desk.people.make("res", "Resident", "resident", "864201")
    desk.sign_in("res", "864201")
    session.scene_shown(acts.vr(session))
    acts.capture(session, acts.vr(session), "Front")
    acts.capture(session, acts.axial(session), "Axial")
    acts.physician(desk, session, clock)
    acts.report(session, clock)
    session.give_facts(acts.GIVEN)  # "providers.resident_involved": False
    decided = session.decide()
    assert decided.facts["providers"]["resident_involved"] is True
    assert decided.proof["providers.resident_involved"]
    assert holds(session) == {"R-GC-02"}
    for account, secret in (("demo.bill", PINS["demo.bill"]), ("res", "864201"), ("demo.tech", PINS["demo.tech"])):
        desk.sign_in(account, secret)
        with pytest.raises(InputRefused, match="physician who supervised"):
            session.give_facts({"providers.teaching_attested": True})
    desk.people.make("second", "Second, MD", "radiologist", "864201", npi="1234567893", taxonomy="2085R0202X")
    desk.sign_in("second", "864201")
    with pytest.raises(InputRefused, match="physician who supervised"):
        session.give_facts({"providers.teaching_attested": True})
    assert holds(session) == {"R-GC-02"}
    desk.sign_in(RAD, PINS[RAD])
    session.give_facts({"providers.teaching_attested": True})
    assert session.decide().answer["modifiers"] == ["26", "GC"]
    session.close()


def test_nobody_attests_before_there_is_any_3d(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    """Said in advance, and the technologist did the work alone."""
    session = desk.open(str(study_folder))
    desk.sign_in(RAD, PINS[RAD])
    session.attest(ALL, True, "I shall take part.")
    clock.advance(60)
    acts.technologist(desk, session, clock)
    clock.advance(60)
    desk.sign_in(RAD, PINS[RAD])
    acts.release_all(session, clock)
    acts.report(session, clock)
    session.give_facts(acts.GIVEN)
    assert {"R-SV-02", "R-RP-04"} <= holds(session)
    kinds = {name: act.kind for name, act in session.supervision().acts.items()}
    assert kinds == {"region": "absent", "tissues": "absent", "pictures": "witnessed", "steering": "absent"}
    session.attest({"region": False}, None, "The technologist chose the region.")
    assert session.decide().answer["decision"] == "reject"
    session.close()


def test_an_early_denial_counts(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    desk.sign_in(RAD, PINS[RAD])
    session.attest({}, False, "I shall see the finished pictures only.")
    acts.whole(desk, session, clock)
    assert "R-SV-03" in holds(session)
    session.close()


def test_acts_on_another_series_than_the_released_pictures_earn_nothing(
    desk: Desk, clock: ScriptedClock, two_series: Path
) -> None:
    session, other = both(desk, two_series)
    own = session.key.series_uid
    acts.technologist(desk, session, clock)
    session.close()
    session = desk.open(str(two_series), series=other)
    clock.advance(60)
    desk.sign_in(RAD, PINS[RAD])
    session.set_region("crop", "tube", Box(low_lps_mm=(-30, -30, -30), high_lps_mm=(30, 30, 30)))
    session.set_tissues("preset", ["vessels"], "ct_bone_vessel")
    before = acts.vr(session)
    for direction in ("L", "P"):
        clock.advance(20)
        after = acts.vr(session, direction)
        session.steered(before, after, "camera", 15.0)
        before = after
    session.close()
    session = desk.open(str(two_series), series=own)
    acts.release_all(session, clock)
    acts.report(session, clock)
    session.give_facts(acts.GIVEN)
    assert {"R-SV-02", "R-RP-04"} <= holds(session)
    kinds = {name: act.kind for name, act in session.supervision().acts.items()}
    assert kinds == {"region": "absent", "tissues": "absent", "pictures": "witnessed", "steering": "absent"}
    session.close()


def test_a_draft_of_another_series_is_not_released_on_this_one(
    desk: Desk, clock: ScriptedClock, two_series: Path
) -> None:
    session, other = both(desk, two_series)
    acts.technologist(desk, session, clock)
    session.close()
    session = desk.open(str(two_series), series=other)
    clock.advance(60)
    desk.sign_in(RAD, PINS[RAD])
    with pytest.raises((InputRefused, RenderError)):
        session.release(session.case.captures[0].sop_uid)
    assert session.case.captures[0].state == "draft"
    session.close()


def test_a_statement_of_another_physician_is_not_the_signers(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    session = desk.open(str(study_folder))
    desk.people.make("second", "Second, MD", "radiologist", "864201", npi="1234567893", taxonomy="2085R0202X")
    acts.technologist(desk, session, clock)
    clock.advance(60)
    desk.sign_in("second", "864201")
    session.attest(ALL, True, "I took part.")
    desk.sign_in(RAD, PINS[RAD])
    acts.release_all(session, clock)
    acts.report(session, clock)
    session.give_facts(acts.GIVEN)
    facts: dict[str, Any] = session.decide().facts
    assert facts["supervision"]["physician_npi"] == facts["report"]["signed_by_npi"]
    assert facts["supervision"]["region_designed"] is None
    assert "R-SV-02" in holds(session)
    session.close()


def billing(desk: Desk) -> None:
    desk.sign_in("demo.bill", PINS["demo.bill"])


def test_a_second_desk_with_an_old_case_makes_no_second_charge(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    """It opened the case before the charge, calls the region by another name and swears that they do not touch."""
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    second = Desk(desk.place.home, clock=clock, station="TEST-2")
    late = second.open(str(study_folder))
    billing(desk)
    first = session.confirm_charge(PINS["demo.bill"])
    second.sign_in(RAD, PINS[RAD])
    late.set_anatomy("ankle", "bone")
    late.give_facts({"distinct.session": "same", "distinct.anatomy_contiguous": False})
    billing(second)
    again = late.confirm_charge(PINS["demo.bill"])
    assert (again.charge_id, again.first) == (first.charge_id, False)
    assert [row.charge_id for row in desk.place.ledger.rows()] == [first.charge_id]
    assert len(desk.place.outbox.all()) == 1
    assert late.case.charge == first.charge_id
    late.close()
    second.close()
    session.close()


def test_three_desks_at_the_same_moment_make_one_charge(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    session.save()
    desks = [Desk(desk.place.home, clock=clock, station=f"TEST-{n}") for n in range(3)]
    sessions = [d.open(str(study_folder)) for d in desks]
    for one in desks:
        billing(one)
    with ThreadPoolExecutor(3) as pool:
        ids = list(pool.map(lambda s: s.confirm_charge(PINS["demo.bill"]).charge_id, sessions))
    assert len(set(ids)) == 1
    assert len(desk.place.ledger.rows()) == len(desk.place.outbox.all()) == 1
    for one in desks:
        one.close()
    session.close()


def test_redone_after_deletion_it_is_the_charge_that_stands(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    """Deleted, imported and worked on again, under another biller, as a "separate session"."""
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    billing(desk)
    first = session.confirm_charge(PINS["demo.bill"])
    session.close()
    delete_study(desk.place, desk.people.actor, session.key.study_uid, "by mistake")
    again = desk.open(str(study_folder))
    acts.whole(desk, again, clock)
    again.give_facts(
        {
            "providers.billing_npi": "1999888773",
            "distinct.session": "separate",
            "distinct.repeat_necessity_documented": True,
        }
    )
    billing(desk)
    assert again.confirm_charge(PINS["demo.bill"]).charge_id == first.charge_id
    assert len(desk.place.ledger.rows()) == 1
    again.close()


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_kill_on_either_side_of_the_transaction_makes_one_charge(
    desk: Desk, clock: ScriptedClock, study_folder: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    billing(desk)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if where == "before":
            patch.setattr(desk.place.outbox, "put", killed)
        else:
            patch.setattr(confirm_charge, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            session.confirm_charge(PINS["demo.bill"])
    kept = 0 if where == "before" else 1
    assert len(desk.place.ledger.rows()) == len(desk.place.outbox.all()) == kept
    lines = [e.event.kind for e in desk.place.journal.entries(session.key.study_uid)]
    assert lines.count("charge_confirmed") == kept
    found = session.confirm_charge(PINS["demo.bill"])
    assert found.message_path.read_bytes().decode() == found.message
    assert len(desk.place.ledger.rows()) == len(desk.place.outbox.all()) == 1
    session.close()


def test_a_retraction_at_another_desk_is_seen_before_the_charge(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    session.save()
    second = Desk(desk.place.home, clock=clock, station="TEST-2")
    late = second.open(str(study_folder))
    session.retract(PINS[RAD], "wrong side")
    billing(second)
    with pytest.raises(InputRefused, match="reject"):
        late.confirm_charge(PINS["demo.bill"])
    assert desk.place.ledger.rows() == ()
    late.close()
    second.close()
    session.close()


def test_no_person_states_the_record_nor_which_codes_exist(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    for fact in (
        {"reference.icd10cm": {"I71.4": {"billable": True}}},
        {"reference.mue": {"76377": {"value": 99, "mai": 3}}},
        {"reference": {"icd10cm": {"I71.4": {"billable": True}}}},
        {"service": {"date": "2026-01-05"}},
        {"report": {"status": "final", "three_d_findings": True}},
        {"ledger": []},
        {"supervision.concurrent": True},
    ):
        with pytest.raises(InputRefused):
            session.give_facts(fact)
    session.give_facts({"reference.ptp": []})
    session.close()


def test_a_hospitals_place_of_service_is_one_patients(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    """An inpatient's 21 must not become the next patient's; an office's 11 may."""
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)  # 22
    assert "claim.pos" not in (desk.place.db.setting("site.facts") or "")
    session.give_facts({"claim.pos": "11"})
    assert '"claim.pos":"11"' in (desk.place.db.setting("site.facts") or "")
    session.close()


def test_one_unreadable_case_does_not_hide_the_worklist(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    session.put("charge", given={**session.case.given, "payer.kind": "blue"})
    (line,) = desk.charges()
    assert line.decision == "hold"
    assert "payer.kind" in line.question
    session.close()


@pytest.mark.parametrize(("modality", "outcome"), [("DX", "reject"), ("IVOCT", "hold"), ("ct", "bill")])
def test_a_modality_of_the_order_is_said_in_the_words_of_the_facts(
    desk: Desk, clock: ScriptedClock, study_folder: Path, modality: str, outcome: str
) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    base = msgspec.structs.replace(acts.ORDER.base[0], modality=modality)
    session.set_order(msgspec.structs.replace(acts.ORDER, base=(base,)))
    assert session.decide().answer["decision"] == outcome
    session.close()


def test_an_order_file_states_only_values_that_the_facts_know(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('{"given": {"payer.kind": "blue"}}')
    with pytest.raises(InputRefused, match=r"payer\.kind"):
        order_file(tmp_path)
    (tmp_path / "order.json").write_text('{"given": {"service": {"date": "2026-01-05"}}}')
    with pytest.raises(InputRefused, match="service"):
        order_file(tmp_path)
    (tmp_path / "order.json").write_text('{"given": {"providers.teaching_attested": true}}')
    with pytest.raises(InputRefused, match="teaching_attested"):
        order_file(tmp_path)
    (tmp_path / "order.json").write_text('{"given": {"payer.kind": "bcbs", "other_codes": []}}')
    read = order_file(tmp_path)
    assert read is not None
    assert read.beside.given["payer.kind"] == "bcbs"


def test_time_before_the_scene_is_no_time_in_3d(desk: Desk, clock: ScriptedClock, study_folder: Path) -> None:
    """Signed in long ago, busy elsewhere; then two changes within one second that claim a minute each."""
    session = desk.open(str(study_folder))
    desk.sign_in(RAD, PINS[RAD])
    clock.advance(200)
    before = acts.vr(session)
    session.scene_shown(before)
    for direction in ("L", "P"):
        after = acts.vr(session, direction)
        session.steered(before, after, "camera", 60.0)
        before = after
    assert session.supervision().acts["steering"].kind == "absent"
    clock.advance(25)
    session.steered(before, acts.vr(session, "S"), "camera", 60.0)
    steering = session.supervision().acts["steering"]
    assert (steering.kind, steering.words) == ("witnessed", "3 changes, 25 s active in 3D")
    session.close()


def test_accepting_one_number_again_and_again_is_one_change(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    desk.sign_in(RAD, PINS[RAD])
    before = acts.vr(session)
    (number,) = session.case.measurements
    for _ in range(3):
        session.accept(number.id)
        session.undo()
    clock.advance(30)
    assert session.supervision().acts["steering"].kind == "absent"
    session.steered(before, acts.vr(session, "L"), "window", 25.0)
    assert session.supervision().acts["steering"].words == "2 changes, 25 s active in 3D"
    session.close()
