"""The office after the confirmation: void, replace, resend, answers from files, by desk and by command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from billing.messages import hl7
from tests.factory import receiver
from tests.factory.receiver import Receiver
from tests.unit.test_billing_x837 import read_by_another
from tests.unit.test_charge_sending import LONG, SHORT, site_text
from workstation.__main__ import main
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused, NotAllowed
from workstation.desk import charge_office
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.desk import Desk
from workstation.desk.open_study import stored_case
from workstation.desk.people_demo import PINS
from workstation.desk.session import Session
from workstation.desk.verify import verify

PIN = PINS["demo.bill"]


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory: pytest.TempPathFactory, finished: tuple[Path, datetime, str]) -> tuple[Path, datetime]:
    """A home with a confirmed charge that has not been sent; copied for each test."""
    home, moment, study = finished
    copy = tmp_path_factory.mktemp("office") / "home"
    shutil.copytree(home, copy)
    made = Desk(copy, clock=ScriptedClock(moment), station="TEST-1", demo=True)
    made.sign_in("demo.bill", PIN)
    made.filed(study).confirm_charge(PIN)
    made.close()
    return copy, moment


@pytest.fixture
def clock(confirmed: tuple[Path, datetime]) -> ScriptedClock:
    return ScriptedClock(confirmed[1])


@pytest.fixture
def desk(confirmed: tuple[Path, datetime], tmp_path: Path, clock: ScriptedClock) -> Iterator[Desk]:
    """The office at its desk; whatever it does, everything verifies afterwards."""
    shutil.copytree(confirmed[0], tmp_path / "home")
    made = Desk(tmp_path / "home", clock=clock, station="TEST-1", demo=True)
    made.sign_in("demo.bill", PIN)
    yield made
    assert verify(made.place).wrong == ()
    made.close()


def opened_again(desk: Desk) -> Session:
    return desk.open(f"study:{desk.studies()[0].study_uid}")


def only(desk: Desk):
    (charge,) = [c for c in ledger_of(desk.place).charges().values() if c.state not in ("void", "replaced")]
    return charge


def send(desk: Desk, *what) -> Receiver:
    with Receiver(*what) as office:
        waits = SHORT if receiver.say_nothing in what else LONG
        (desk.home / "site.toml").write_text(site_text(office.port, timeout_s=waits))
        charge_office.send(desk.place, at_once=True)
    return office


def field(message: str, segment: str, number: int) -> str:
    row = next(line.split("|") for line in message.split("\r") if line.startswith(segment))
    return row[number - (segment == "MSH")]


def test_a_voided_charge_that_never_went_out_is_withdrawn_and_the_case_is_free(desk: Desk) -> None:
    old = only(desk)
    session = opened_again(desk)
    done = charge_office.void(desk.place, desk.people, old.charge_id, again=old.charge_id, reason="wrong patient")
    assert (done.state, done.credit) == ("void", False)
    office = send(desk)
    assert office.messages == []
    assert stored_case(desk.place, session.key.study_uid).charge == ""
    assert charge_office.charges(desk.place)[0].reason == "wrong patient"
    # the window that is still open confirms the case anew: another charge of the same service, the old one stays void
    again = session.confirm_charge(PIN)
    assert again.first
    assert again.charge_id != old.charge_id
    assert send(desk).control_ids == [f"{again.charge_id}CG"]
    session.close()


def test_a_sent_charge_is_credited_behind_its_own_message(desk: Desk, clock: ScriptedClock) -> None:
    old = only(desk)
    first = send(desk, receiver.say_nothing)
    clock.advance(3600)
    done = charge_office.void(
        desk.place, desk.people, old.charge_id, again=old.charge_id, reason="wrong day", secret=PIN
    )
    assert done.credit
    office = send(desk)
    charge, credit = office.messages
    assert charge == first.messages[0]
    assert (field(credit, "FT1", 6), field(credit, "FT1", 2)) == ("CD", old.charge_id)
    changed = [("MSH", 7), ("MSH", 10), ("EVN", 2), ("FT1", 5), ("FT1", 6)]
    for segment, number in changed:
        assert field(charge, segment, number) != field(credit, segment, number)
    same = [line for line in charge.split("\r") if line[:3] not in ("MSH", "EVN", "FT1")]
    assert same == [line for line in credit.split("\r") if line[:3] not in ("MSH", "EVN", "FT1")]
    assert ledger_of(desk.place).get(old.charge_id).state == "void"
    assert {m.state for m in desk.place.outbox.all()} == {"acknowledged"}


def test_a_charge_voided_under_way_and_then_refused_needs_no_credit(desk: Desk) -> None:
    old = only(desk)
    send(desk, receiver.say_nothing)
    charge_office.void(desk.place, desk.people, old.charge_id, again=old.charge_id, reason="wrong day")
    office = send(desk, receiver.refuse("AE", "no visit"))
    assert office.control_ids == [hl7.control_id(old)]
    assert [m.state for m in desk.place.outbox.all()] == ["rejected", "withdrawn"]


def test_replacing_credits_the_old_charge_before_the_new_one(desk: Desk) -> None:
    old = only(desk)
    send(desk)
    with pytest.raises(InputRefused, match="already"):
        charge_office.replace(desk.place, desk.people, old.charge_id, reason="nothing changed")
    # the coder finds that the work was reduced: a new fact by a named person, then the charge is replaced
    session = opened_again(desk)
    session.give_facts({"service.completion": "reduced"})
    session.close()
    done = charge_office.replace(desk.place, desk.people, old.charge_id, reason="work was reduced")
    assert done.credit
    new = only(desk)
    assert (new.charge_id, new.replaces, new.modifiers) == (done.new_charge_id, old.charge_id, ("26", "52"))
    office = send(desk)
    assert office.control_ids == [f"{old.charge_id}CD", f"{new.charge_id}CG"]
    assert field(office.messages[1], "FT1", 26) == "26~52"
    assert ledger_of(desk.place).get(old.charge_id).state == "replaced"
    assert stored_case(desk.place, session.key.study_uid).charge == new.charge_id
    assert only(desk).state == "acknowledged"


def test_a_refused_charge_goes_again_unchanged(desk: Desk) -> None:
    old = only(desk)
    first = send(desk, receiver.refuse("AR", "database down"))
    assert only(desk).state == "rejected"
    with pytest.raises(InputRefused, match="reason"):
        charge_office.resend(desk.place, desk.people, old.charge_id, reason=" ")
    charge_office.resend(desk.place, desk.people, old.charge_id, reason="their database was down")
    assert send(desk).messages == first.messages
    assert only(desk).state == "acknowledged"
    assert not charge_office.charges(desk.place)[0].contradicted


def test_a_refused_charge_is_replaced_without_a_credit(desk: Desk) -> None:
    """The receiver never took it: a credit for it would be refused as well."""
    old = only(desk)
    send(desk, receiver.refuse("AE", "unknown modifier"))
    session = opened_again(desk)
    session.give_facts({"service.completion": "reduced"})
    session.close()
    done = charge_office.replace(desk.place, desk.people, old.charge_id, reason="work was reduced")
    assert not done.credit
    assert send(desk).control_ids == [f"{done.new_charge_id}CG"]


def test_void_wants_the_role_a_reason_and_the_id_twice(desk: Desk, clock: ScriptedClock) -> None:
    charge_id = only(desk).charge_id
    for again, reason in ((charge_id, ""), ("NONESUCH", "wrong")):
        with pytest.raises(InputRefused):
            charge_office.void(desk.place, desk.people, charge_id, again=again, reason=reason)
    clock.advance(3600)
    with pytest.raises(NotAllowed, match="again"):
        charge_office.void(desk.place, desk.people, charge_id, again=charge_id, reason="wrong")
    desk.sign_in("demo.tech", PINS["demo.tech"])
    with pytest.raises(NotAllowed, match="may not"):
        charge_office.void(desk.place, desk.people, charge_id, again=charge_id, reason="wrong")
    assert only(desk).state == "confirmed"


def test_commands_of_the_office(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENDERDESK_HOME", str(desk.home))
    monkeypatch.setenv("RENDERDESK_SECRET", PIN)
    charge_id = only(desk).charge_id

    def run(*words: object) -> tuple[int, dict]:
        status = main([*map(str, words), "--json"])
        return status, json.loads(capsys.readouterr().out)

    assert run("queue")[1]["messages"][0]["state"] == "waiting"
    with Receiver(receiver.refuse("AE", "unknown visit")) as office:
        (desk.home / "site.toml").write_text(site_text(office.port))
        status, sent = run("claims", "send")
    assert (status, sent["rejected"]) == (0, 1)
    status, shown = run("claims", "list", "--state", "rejected")
    assert shown["charges"][0]["reason"] == "unknown visit"
    assert run("queue") == (0, {"messages": [], "receivers": [run("queue")[1]["receivers"][0]]})
    assert run("queue", "--all")[1]["messages"][0]["problem"] == "unknown visit"
    status, done = run("claims", "resend", charge_id, "--reason", "visit is there now", "--account", "demo.bill")
    assert (status, done["state"]) == (0, "sent")
    # the billing system takes messages by file and answers by file: ours, somebody else's, and one twice
    answers = tmp_path / "answers.hl7"
    answers.write_bytes(receiver.ack(f"{charge_id}CG") + receiver.ack("SOMEBODYELSE", "AE") + b"\x0bMSH|^~\\&\x1c\r")
    status, taken = run("claims", "answers", answers)
    assert [(a["charge_id"], a["outcome"]) for a in taken["answers"]] == [
        (charge_id, "acknowledged"),
        ("", "foreign"),
        ("", "unreadable"),
    ]
    assert [a["outcome"] for a in run("claims", "answers", answers)[1]["answers"]] == ["known", "foreign", "unreadable"]
    acts_then = [h["act"] for h in run("claims", "show", charge_id)[1]["history"]]
    assert acts_then == ["confirm", "send", "refuse", "resend", "acknowledge"]
    status, refused = run("claims", "void", charge_id, "--again", charge_id, "--reason", "wrong")
    assert (status, refused["error"]["code"]) == (1, "account")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    assert "holds no answers" in run("claims", "answers", tmp_path / "picture.png")[1]["error"]["sentence"]
    assert run("claims", "answers", tmp_path / "nothing")[0] == 1


def test_an_acknowledgement_of_a_message_that_was_fetched_as_a_file(desk: Desk) -> None:
    """The billing system reads the home's folder of messages; its answer shows that it has the charge."""
    charge_id = only(desk).charge_id
    path = desk.home / "messages" / f"{charge_id}.hl7"
    answer = desk.home / "answer.hl7"
    answer.write_bytes(receiver.ack(field(path.read_text(), "MSH", 10)))
    (taken,) = charge_office.take_in(desk.place, desk.actor, [answer])
    assert (taken.outcome, taken.charge_id) == ("acknowledged", charge_id)
    assert only(desk).state == "acknowledged"
    assert send(desk).messages == []


def test_a_refusal_after_the_acceptance_is_put_before_a_person(desk: Desk) -> None:
    charge_id = only(desk).charge_id
    send(desk)
    answer = desk.home / "answer.hl7"
    answer.write_bytes(receiver.ack(f"{charge_id}CG", "AE", "account closed"))
    (taken,) = charge_office.take_in(desk.place, desk.actor, [answer])
    assert taken.outcome == "noted"
    (line,) = charge_office.charges(desk.place)
    assert (line.state, line.contradicted, line.acts) == ("acknowledged", True, ("replace", "void"))


def file_of(desk: Desk, charge_id: str, end: str = "") -> Path:
    return desk.home / "messages" / f"{charge_id}{end}.hl7"


def test_a_file_that_nobody_fetched_goes_with_its_charge(desk: Desk) -> None:
    old = only(desk)
    assert file_of(desk, old.charge_id).is_file()
    done = charge_office.void(desk.place, desk.people, old.charge_id, again=old.charge_id, reason="wrong patient")
    assert not done.credit
    assert list((desk.home / "messages").iterdir()) == []


def test_a_file_that_was_fetched_is_credited_by_a_file_and_never_written_again(desk: Desk) -> None:
    old = only(desk)
    fetched = file_of(desk, old.charge_id).read_bytes().decode()
    file_of(desk, old.charge_id).unlink()
    session = opened_again(desk)
    assert not session.confirm_charge(PIN).first  # pressed once more: the same charge, and no second file
    assert not file_of(desk, old.charge_id).exists()
    # it has left the house: no table and no claim hands it over again
    assert charge_office.export(desk.place, desk.actor, "csv", desk.home / "x.csv").charges == ()
    session.give_facts({"service.completion": "reduced"})
    session.close()
    done = charge_office.replace(desk.place, desk.people, old.charge_id, reason="work was reduced")
    assert done.credit
    credit = file_of(desk, old.charge_id, "-credit").read_bytes().decode()
    assert (field(credit, "FT1", 6), field(credit, "FT1", 7)) == ("CD", field(fetched, "FT1", 7))
    assert field(file_of(desk, done.new_charge_id).read_bytes().decode(), "FT1", 26) == "26~52"


def test_handed_over_as_a_table_the_message_file_goes(desk: Desk) -> None:
    old = only(desk)
    assert charge_office.export(desk.place, desk.actor, "csv", desk.home / "x.csv").charges == (old.charge_id,)
    assert not file_of(desk, old.charge_id).exists()
    assert only(desk).state == "sent"
    done = charge_office.void(desk.place, desk.people, old.charge_id, again=old.charge_id, reason="wrong patient")
    assert done.credit  # by the next table
    assert charge_office.export(desk.place, desk.actor, "csv", desk.home / "y.csv").credits == (old.charge_id,)


def test_a_void_that_fails_leaves_the_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    old = only(desk)

    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(desk.place.journal, "append", broken)
    with pytest.raises(OSError, match="full"):
        charge_office.void(desk.place, desk.people, old.charge_id, again=old.charge_id, reason="wrong patient")
    assert file_of(desk, old.charge_id).is_file()
    assert only(desk).state == "confirmed"


CLAIMS = """
[billing.fees]
76377-26 = "150.00"
[[billing.billers]]
npi = "1999999869"
name = "Radiology Group"
taxonomy = "2085R0202X"
tax_id = "12-3456789"
address = { street = "2 Side St", city = "Springfield", state = "IL", zip_code = "62701-1234" }
submitter_id = "SUBMIT1"
contact = "Billing Office"
telephone = "217-555-0100"
[[billing.payers]]
kind = "medicare"
name = "Medicare"
id = "00882"
receiver_name = "Clearing House"
receiver_id = "CLEAR1"
[[billing.facilities]]
name = "City Hospital"
npi = "1444555662"
pos = ["22"]
address = { street = "1 Hill Rd", city = "Springfield", state = "IL", zip_code = "62701-4321" }
"""


def test_a_claim_by_commands(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a case with its own order and accounts: what is missing is named, stated, and then the claim is written."""
    monkeypatch.setenv("RENDERDESK_HOME", str(desk.home))
    charge = only(desk)
    study = f"study:{charge.identity.study_uid}"

    def run(*words: object) -> tuple[int, dict]:
        status = main([*map(str, words), "--json"])
        return status, json.loads(capsys.readouterr().out)

    def hole() -> list[str]:
        return [h["hole"] for h in run("claims", "holes", charge.charge_id, "--format", "837p")[1]["holes"]]

    assert hole() == ["biller"]
    (desk.home / "site.toml").write_text(CLAIMS)
    assert hole() == ["coverage"]
    status, done = run("claims", "export", "--format", "837p", "--out", tmp_path / "a.837")
    assert (status, done["charges"], done["left_out"][0]["hole"]) == (1, [], "coverage")
    assert not (tmp_path / "a.837").exists()
    born = json.loads(charge.facts)["patient"]["birth_date"]
    address = {"street": "1 Main St", "city": "Springfield", "state": "IL", "zip_code": "62701"}
    insured = {
        "payer_kind": "medicare",
        "member_id": "1EG4TE5MK73",
        "subscriber": {
            "name": {"family": "Phantom", "given": "Jane"},
            "birth_date": born,
            "sex": "F",
            "address": address,
        },
        "signature_on_file": True,
        "cause": "none",
        "other_plan": False,
    }
    path = tmp_path / "insured.json"
    path.write_text(json.dumps({**insured, "colour": "red"}))
    status, refused = run("claims", "coverage", study, path)
    assert (status, "colour" in refused["error"]["sentence"]) == (1, True)
    path.write_text(json.dumps(insured))
    assert run("claims", "coverage", study, path) == (0, {"payer_kind": "medicare"})
    assert hole() == []
    status, done = run("claims", "export", "--format", "837p", "--out", tmp_path / "a.837")
    assert (status, done["charges"], done["left_out"]) == (0, [charge.charge_id], [])
    text = (tmp_path / "a.837").read_text()
    good, notes, _ = read_by_another(text)
    assert good, notes
    assert "NM1*DN*1*SMITH*ANN****XX*1999999844~" in text
    assert "NM1*82*1*RADIOLOGIST*DEMO****XX*1999999851~" in text
    assert "SV1*HC:76377:26*150.00*UN*1***1~" in text
    assert run("claims", "exports")[1]["exports"][0]["charges"] == 1
    status, _ = run("claims", "export", "--format", "837p", "--out", tmp_path / "b.837", "--number", 1)
    assert (status, (tmp_path / "b.837").read_text()) == (0, text)
    status, refused = run("claims", "export", "--format", "csv", "--out", tmp_path / "b.837", "--all")
    assert (status, refused["error"]["code"]) == (1, "exists")
    assert "PHANTOM" not in json.dumps([e.event.payload for e in desk.place.journal.entries()]).upper()
