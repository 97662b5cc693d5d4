"""The recorded act "separate session": one study, two acquisitions of a day, two services; and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.job import acts
from workstation.__main__ import main
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused, NotAllowed
from workstation.desk.charge_ledger import broken_ledger, ledger_of
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.desk.session import Session
from workstation.desk.worklist import worklist

WHY = "Second scan at 16:10 after the drain was placed, ordered anew"


def bill(session: Session, desk: Desk):
    desk.sign_in("demo.bill", PINS["demo.bill"])
    return session.confirm_charge(PINS["demo.bill"])


@pytest.fixture
def charged(desk: Desk, clock: ScriptedClock, two_series: Path):
    """The morning's scan worked up and charged; then the afternoon's worked up as well."""
    session = desk.open(str(two_series), series="3")
    acts.whole(desk, session, clock)
    first = bill(session, desk)
    session.close()
    clock.advance(3600)
    session = desk.open(str(two_series), series="4")
    acts.whole(desk, session, clock)
    yield session, first
    session.close()


def test_the_act_makes_a_second_service_and_each_series_shows_its_own(charged, desk: Desk, two_series: Path) -> None:
    session, first = charged
    # without the act a study is one service
    assert session.session_number == 1
    assert session.case.charge == first.charge_id
    assert bill(session, desk).charge_id == first.charge_id
    assert len(desk.place.ledger.rows()) == 1
    desk.sign_in("demo.rad", PINS["demo.rad"])
    assert session.separate_session(WHY) == 2
    assert session.separate_session("clicked twice") == 2
    assert session.case.charge == ""
    lines = [e for e in desk.place.journal.entries(session.key.study_uid) if e.event.kind == "session_separated"]
    assert [(e.event.actor.account, e.event.payload["reason"]) for e in lines] == [("demo.rad", WHY)]
    waiting = {(w.charge_id, w.state) for w in worklist(desk.place)}
    assert waiting == {(first.charge_id, "confirmed"), ("", "open")}
    decided = session.decide()
    assert decided.facts["distinct"]["session"] == "separate"
    assert decided.proof["distinct.session"] == (lines[0].number,)
    assert {q["field"] for q in decided.answer["questions"]} == {"distinct.repeat_necessity_documented"}
    # only the afternoon's own pictures count for the afternoon's charge
    assert decided.facts["images"]["archived"] == 2
    session.give_facts({"distinct.repeat_necessity_documented": True})
    assert session.decide().answer["modifiers"] == ["26", "76"]
    second = bill(session, desk)
    assert second.first
    assert second.charge_id != first.charge_id
    kept = ledger_of(desk.place).charges()
    assert {c.identity.session for c in kept.values()} == {1, 2}
    assert broken_ledger(desk.place) == ""
    assert session.case.charge == second.charge_id
    assert {w.charge_id for w in worklist(desk.place)} == {first.charge_id, second.charge_id}
    assert {w.task for w in worklist(desk.place)} == {""}
    morning = desk.open(str(two_series), series="3")
    assert morning.session_number == 1
    assert morning.case.charge == first.charge_id
    # the repeat is the second one: the first stays what it was, whatever was charged after it
    answer = morning.decide().answer
    assert (answer["decision"], answer["modifiers"]) == ("bill", ["26"])
    morning.close()
    again = desk.open(str(two_series), series="4")
    assert again.case.charge == second.charge_id
    again.close()


def test_another_sessions_charge_does_not_hide_what_the_first_one_wants(charged, desk: Desk) -> None:
    """Whatever came after the first charge was forgotten as soon as the second session was charged."""
    session, first = charged
    session.separate_session(WHY)
    session.give_facts({"distinct.repeat_necessity_documented": True})
    session.set_diagnoses((("I71.40", "abdominal aortic aneurysm without rupture, unspecified"),))
    second = bill(session, desk)
    tasks = {w.charge_id: w.task for w in worklist(desk.place)}
    assert tasks[second.charge_id] == ""
    assert "the diagnoses are I71.40: replace the charge" in tasks[first.charge_id]


def test_it_is_taken_back_by_a_counter_act_and_never_under_a_charge(charged, desk: Desk) -> None:
    session, first = charged
    session.separate_session(WHY)
    with pytest.raises(InputRefused, match="Say why"):
        session.rejoin_session(" ")
    session.rejoin_session("It was the same session; the second series is a late phase")
    assert session.session_number == 1
    assert session.case.charge == first.charge_id
    with pytest.raises(InputRefused, match="was not recorded"):
        session.rejoin_session("again")
    assert session.separate_session(WHY) == 2
    session.give_facts({"distinct.repeat_necessity_documented": True})
    second = bill(session, desk)
    with pytest.raises(InputRefused, match=f"{second.charge_id} rests on this"):
        session.rejoin_session("no")
    assert session.session_number == 2


def test_a_charged_picture_is_not_taken_from_its_charge(desk: Desk, clock: ScriptedClock, two_series: Path) -> None:
    """The same pictures would carry a second charge."""
    session = desk.open(str(two_series), series="3")
    acts.whole(desk, session, clock)
    first = bill(session, desk)
    with pytest.raises(InputRefused, match=f"{first.charge_id} rests on the pictures"):
        session.separate_session(WHY)
    assert session.session_number == 1
    session.close()


def test_a_report_of_before_does_not_speak_for_the_second_session(
    desk: Desk, clock: ScriptedClock, two_series: Path
) -> None:
    session = desk.open(str(two_series), series="3")
    acts.whole(desk, session, clock)
    bill(session, desk)
    session.close()
    session = desk.open(str(two_series), series="4")
    acts.technologist(desk, session, clock)
    acts.physician(desk, session, clock)
    session.separate_session(WHY)
    session.give_facts({"distinct.repeat_necessity_documented": True})
    assert session.decide().facts["report"]["status"] == "draft"
    assert session.decide().answer["decision"] != "bill"
    clock.advance(60)
    session.sign(PINS["demo.rad"])
    # which region it is, was confirmed for the morning's pictures alone
    assert {q["field"] for q in session.decide().answer["questions"]} == {"rendering.target", "rendering.anatomy"}
    session.set_anatomy("abdomen_pelvis", "vascular")
    assert session.decide().answer["decision"] == "bill"
    session.close()


def test_who_may_say_so_and_what_it_needs(
    desk: Desk, clock: ScriptedClock, two_series: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    session = desk.open(str(two_series), series="4")
    desk.sign_out()
    with pytest.raises(NotAllowed):
        session.separate_session(WHY)
    desk.sign_in("demo.tech", PINS["demo.tech"])
    with pytest.raises(InputRefused, match="region first"):
        session.separate_session(WHY)
    session.set_anatomy("abdomen_pelvis", "vascular")
    with pytest.raises(InputRefused, match="Say why"):
        session.separate_session("")
    assert session.separate_session(WHY) == 2
    session.close()
    # the same by command, under an account and with a reason
    monkeypatch.setenv("RENDERDESK_HOME", str(desk.home))
    monkeypatch.setenv("RENDERDESK_SECRET", PINS["demo.tech"])
    named = [f"study:{session.key.study_uid}", "--series", session.key.series_uid, "--account", "demo.tech"]
    assert main(["ledger", "rejoin", *named, "--reason", "A late phase only"]) == 0
    assert main(["ledger", "separate", *named]) == 1
    assert "Say why" in capsys.readouterr().err
    assert main(["ledger", "separate", *named, "--reason", WHY, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["session"] == 2
    assert main(["ledger", "separate", named[0], "--series", "1.2", *named[3:], "--reason", WHY]) == 1
    assert main(["ledger", "close", "yesterday", "--account", "demo.tech"]) == 1
    assert [e.event.kind for e in desk.place.journal.entries() if e.event.kind.startswith("session_")] == [
        "session_separated",
        "session_rejoined",
        "session_separated",
    ]
    assert main(["database", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "sqlite"
