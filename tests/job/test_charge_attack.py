"""Ways to a false bill, a lost charge, or a charge that an audit would take apart; each of these was one once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from billing.messages import hl7
from tests.factory import receiver
from tests.job import acts
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused
from workstation.desk import charge_office, message_files
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.desk import Desk
from workstation.desk.filed_case import FiledCase
from workstation.desk.people_demo import PINS
from workstation.desk.place import Place
from workstation.desk.verify import verify

PIN = PINS["demo.bill"]


@pytest.fixture
def clock(finished: tuple[Path, datetime, str]) -> ScriptedClock:
    return ScriptedClock(finished[1])


@pytest.fixture
def desk(finished: tuple[Path, datetime, str], tmp_path: Path, clock: ScriptedClock) -> Iterator[Desk]:
    shutil.copytree(finished[0], tmp_path / "home")
    made = Desk(tmp_path / "home", clock=clock, station="TEST-1", demo=True)
    made.sign_in("demo.bill", PIN)
    yield made
    assert verify(made.place).wrong == ()
    made.close()


@pytest.fixture
def case(desk: Desk, finished: tuple[Path, datetime, str]) -> FiledCase:
    return desk.filed(finished[2])


def line(desk: Desk):
    (found,) = desk.charges()
    return found


def state(desk: Desk, charge_id: str) -> str:
    return ledger_of(desk.place).get(charge_id).state


def test_a_refused_charge_that_went_by_file_lies_there_again_when_it_is_sent_again(
    desk: Desk, case: FiledCase, tmp_path: Path
) -> None:
    """It was called sent, and no file was ever written again."""
    own = case.confirm_charge(PIN)
    assert own.message_path is not None
    first = own.message_path.read_bytes()
    own.message_path.unlink()  # the billing system fetches it ...
    (message,) = desk.place.outbox.of_charge(own.charge_id)
    (tmp_path / "ack.hl7").write_bytes(receiver.ack(message.control_id, "AE", "no such visit"))
    desk.take_answers([tmp_path / "ack.hl7"])  # ... and refuses it
    assert state(desk, own.charge_id) == "rejected"
    desk.resend_charge(own.charge_id, reason="The visit was opened there", secret=PIN)
    assert own.message_path.read_bytes() == first
    # what was refused then is settled: there is nothing left to do but to wait
    assert (line(desk).state, line(desk).problem, line(desk).task) == ("sent", "", "")
    # and what lies there is taken back without a credit: nobody has it
    done = desk.void_charge(own.charge_id, again=own.charge_id, reason="wrong patient", secret=PIN)
    assert not done.credit
    assert not own.message_path.exists()


@pytest.mark.parametrize("way", ["void", "export"])
def test_a_file_that_is_fetched_at_the_last_moment_counts_as_fetched(
    desk: Desk, case: FiledCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Between the look at the folder and the taking away: no credit was written, or the charge left twice."""
    own = case.confirm_charge(PIN)
    rename = Path.rename

    def too_late(self: Path, target: Path) -> Path:
        if self == own.message_path:
            self.unlink()  # the billing system was quicker
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", too_late)
    if way == "void":
        assert desk.void_charge(own.charge_id, again=own.charge_id, reason="wrong patient", secret=PIN).credit
        told = {m.control_id: m.state for m in desk.place.outbox.of_charge(own.charge_id)}
        assert told == {f"{own.charge_id}CG": "waiting", f"{own.charge_id}CD": "waiting"}
        assert (desk.home / "messages" / f"{own.charge_id}-credit.hl7").is_file()
    else:
        made = desk.export_charges("csv", tmp_path / "a.csv")
        assert (made.charges, made.path) == ((), None)
        assert not (tmp_path / "a.csv").exists()


def test_a_kill_while_a_file_is_taken_back_leaves_it_to_be_fetched(desk: Desk, case: FiledCase) -> None:
    """It lay aside under another name for ever, and the billing system never got it."""
    own = case.confirm_charge(PIN)
    assert own.message_path is not None
    aside = own.message_path.with_suffix(message_files._ASIDE)
    own.message_path.rename(aside)  # and then the program was killed, before its transaction
    again = Place(desk.home, desk.place.clock, "TEST-2", demo=True)
    assert own.message_path.is_file()
    assert not aside.exists()
    again.close()
    # killed after it: the charge was taken back, and the file only has to go
    desk.void_charge(own.charge_id, again=own.charge_id, reason="wrong patient", secret=PIN)
    aside.write_bytes(b"left over")
    Place(desk.home, desk.place.clock, "TEST-2", demo=True).close()
    assert not aside.exists()
    assert not own.message_path.exists()


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"payer.kind": "aetna"}, "the payer is Aetna, not Medicare"),
        ({"payer.plan": "Plan B"}, "the plan is Plan B, not unknown"),
        ({"claim.pos": "21"}, "the place of service is 21, not 22"),
    ],
)
def test_what_the_claim_says_beside_its_code_is_compared_too(
    desk: Desk, case: FiledCase, facts: dict[str, object], told: str
) -> None:
    """The patient turns out to be insured elsewhere: code and modifiers are the same, and nobody was told."""
    own = case.confirm_charge(PIN)
    case.give_facts(facts)
    assert told in line(desk).task
    assert "replace the charge" in line(desk).task
    done = desk.replace_charge(own.charge_id, reason="Insured elsewhere", secret=PIN)
    assert line(desk).charge_id == done.new_charge_id
    assert line(desk).task == ""


def test_another_orderer_is_told(desk: Desk, case: FiledCase) -> None:
    case.confirm_charge(PIN)
    desk.sign_in("demo.tech", PINS["demo.tech"])
    case.set_order(msgspec.structs.replace(acts.ORDER, ordering_npi="1999999869", ordering_name="Bo Miller"))
    assert "the ordering provider is 1999999869, not 1999999844" in line(desk).task


def test_a_second_region_of_a_charged_session_is_held_with_its_reason_and_not_lost(desk: Desk, case: FiledCase) -> None:
    """One session of a study carries one charge here; a second region was taken for the first without a word."""
    own = case.confirm_charge(PIN)
    desk.sign_in("demo.rad", PINS["demo.rad"])
    case.set_anatomy("chest", "vascular")
    found = line(desk)
    assert (found.charge_id, found.state) == (own.charge_id, "confirmed")
    assert "names chest now, this charge is for abdomen pelvis" in found.task
    assert "by hand" in found.task
    case.set_anatomy("abdomen_pelvis", "vascular")
    assert line(desk).task == ""


def test_what_is_confirmed_is_what_was_read(desk: Desk, case: FiledCase, finished: tuple[Path, datetime, str]) -> None:
    """Between reading and confirming another desk changes an answer: a charge was kept that nobody had read."""
    said = ("76377", "26")
    assert (line(desk).code, *line(desk).modifiers) == said
    desk.filed(finished[2]).give_facts({"service.completion": "reduced", "service.interpretable": True})
    (done,) = desk.confirm_charges([(finished[2], 0, said)], PIN)
    assert done.confirmed is None
    assert done.sentence == "Since it was shown this case became 76377 26 52 instead of 76377 26; look at it again."
    assert ledger_of(desk.place).charges() == {}
    with pytest.raises(InputRefused, match="became 76377 26 52"):
        case.confirm_charge(PIN, said)
    assert case.confirm_charge(PIN, ("76377", "26", "52")).modifiers == ("26", "52")


def test_a_session_that_is_none_any_more_is_not_taken_for_another(
    desk: Desk, finished: tuple[Path, datetime, str]
) -> None:
    """The list was read before the session was joined again: its line confirmed the other session's charge."""
    (done,) = desk.confirm_charges([(finished[2], 2)], PIN)
    assert done.confirmed is None
    assert "no session of its own" in done.sentence
    assert ledger_of(desk.place).charges() == {}


def test_the_control_id_of_a_charge_never_comes_back(desk: Desk, case: FiledCase) -> None:
    """Confirmed, void, confirmed anew: a receiver tells the three messages apart."""
    seen = []
    for _ in range(3):
        own = case.confirm_charge(PIN)
        seen.append(hl7.control_id(ledger_of(desk.place).get(own.charge_id)))
        charge_office.void(desk.place, desk.people, own.charge_id, again=own.charge_id, reason="once more", secret=PIN)
        case.read_again()
    assert len(set(seen)) == 3
