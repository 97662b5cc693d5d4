"""Charge messages over a real socket: what arrives, what is kept of each answer, and what each fault leaves behind."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import textwrap
import threading

import pytest

from billing.errors import LedgerError
from billing.ledger import verify
from billing.messages import hl7
from tests.factory import charges, receiver
from tests.factory.receiver import Receiver
from workstation.base.clock import ScriptedClock
from workstation.desk import charge_office
from workstation.desk.charge_ledger import ChargeStore, ledger_of
from workstation.desk.charge_send import wait_s

LONG, SHORT = 30, 0.4
"""Seconds: where an answer comes a busy machine may take its time, where none comes nobody waits for long."""


@pytest.fixture
def clock():
    return ScriptedClock(charges.START)


@pytest.fixture
def place(tmp_path, clock):
    made = charges.home(tmp_path / "home", clock)
    yield made
    assert verify(ChargeStore(made.ledger).rows()) >= 0
    assert made.journal.verify() is None
    made.close()


def settle_on(place, port, **more):
    """The site file names one receiver."""
    (place.home / "site.toml").write_text(site_text(port, **more))


def site_text(port, **more):
    lines = {"name": '"office"', "host": '"127.0.0.1"', "port": str(port), "timeout_s": str(LONG), **more}
    rows = "\n".join(f"{k} = {v}" for k, v in lines.items())
    return f"[billing]\n[[billing.receivers]]\n{rows}\n"


def state(place, charge):
    return ledger_of(place).get(charge.charge_id).state


def test_a_charge_goes_out_once_and_its_acknowledgement_stands_in_the_ledger(place):
    one, two = charges.confirm(place, "P1"), charges.confirm(place, "P2")
    with Receiver() as office:
        settle_on(place, office.port)
        sent = charge_office.send(place)
        assert (sent.sent, sent.acknowledged, sent.waiting, sent.problems) == (2, 2, 0, [])
        assert charge_office.send(place).sent == 0
    assert office.messages == [m.body for m in place.outbox.all()]
    assert office.control_ids == [hl7.control_id(one), hl7.control_id(two)]
    assert (office.connections, office.most_outstanding) == (1, 1)
    assert state(place, one) == state(place, two) == "acknowledged"
    assert [h.act for h in charge_office.history(place, one.charge_id)] == ["confirm", "send", "acknowledge"]
    kinds = [e.event.kind for e in place.journal.entries()]
    assert kinds == ["message_sent", "message_answered"] * 2


@pytest.mark.parametrize("code", ["AE", "CE", "AR", "CR"])
def test_a_refusal_comes_back_with_the_receivers_words_and_holds_nobody_up(place, code):
    one, two = charges.confirm(place, "P1"), charges.confirm(place, "P2")
    with Receiver(receiver.refuse(code, "unknown patient"), receiver.take) as office:
        settle_on(place, office.port)
        sent = charge_office.send(place)
    assert (sent.rejected, sent.acknowledged) == (1, 1)
    assert (state(place, one), state(place, two)) == ("rejected", "acknowledged")
    line = charge_office.charges(place)[0]
    assert (line.charge_id, line.reason, line.acts) == (one.charge_id, "unknown patient", ("resend", "replace", "void"))


@pytest.mark.parametrize(
    ("act", "waits", "problem"),
    [
        (receiver.say_nothing, SHORT, "No answer"),
        (receiver.hang_up, LONG, "closed the connection"),
        (receiver.answer_half, LONG, "closed the connection"),
        (receiver.answer_another, SHORT, "No answer"),
        (receiver.garbage, SHORT, "No answer"),
        (receiver.endless, LONG, "more than an acknowledgement"),
        (receiver.drip(0.02), SHORT, "No answer"),
    ],
    ids=["silence", "hangs up", "half an answer", "another's answer", "garbage", "endless", "drip"],
)
def test_a_fault_leaves_the_charge_sent_and_the_same_message_goes_again(place, clock, act, waits, problem):
    charge = charges.confirm(place)
    with Receiver(act, receiver.take) as office:
        settle_on(place, office.port, timeout_s=waits)
        sent = charge_office.send(place)
        office.wait_for(1)
        assert (sent.sent, sent.acknowledged, sent.waiting) == (1, 0, 1)
        assert problem in sent.problems[0]
        assert state(place, charge) == "sent"
        (line,) = charge_office.queue(place)
        assert (line.state, line.attempts) == ("sent", 1)
        assert problem in line.problem
        # it rests until its time has come, and then it is the same message
        assert charge_office.send(place).sent == 0
        clock.advance(wait_s(1) + 1)
        settle_on(place, office.port)
        assert charge_office.send(place).acknowledged == 1
    assert office.messages[0] == office.messages[1]
    assert len(office.messages) == 2
    assert state(place, charge) == "acknowledged"
    assert [h.act for h in charge_office.history(place, charge.charge_id)] == ["confirm", "send", "acknowledge"]


@pytest.mark.parametrize("act", [receiver.answer_another_first, receiver.garbage_then_take, receiver.drip(0.0)])
def test_our_answer_is_found_among_others(place, act):
    charge = charges.confirm(place)
    with Receiver(act) as office:
        settle_on(place, office.port)
        assert charge_office.send(place).acknowledged == 1
    assert state(place, charge) == "acknowledged"


def test_a_verdict_goes_before_the_receipt_that_came_with_it(place):
    charge = charges.confirm(place)
    with Receiver(receiver.receive_then_refuse) as office:
        settle_on(place, office.port)
        assert charge_office.send(place).rejected == 1
    assert state(place, charge) == "rejected"
    assert charge_office.charges(place)[0].reason == "no such visit"


def test_a_verdict_after_the_receipt_is_kept_and_put_before_a_person(place):
    """Enhanced mode on one link: the verdict on the first message comes while the second waits for its receipt."""
    one, two = charges.confirm(place, "P1"), charges.confirm(place, "P2")

    def only_received(line, message):
        line.sendall(receiver.ack(receiver.control_of(message), "CA"))

    def verdict_on_the_first(line, message):
        line.sendall(receiver.ack(hl7.control_id(one), "AE", "no such visit"))
        line.sendall(receiver.ack(receiver.control_of(message), "CA"))

    with Receiver(only_received, verdict_on_the_first) as office:
        settle_on(place, office.port)
        assert charge_office.send(place).acknowledged == 2
    assert state(place, one) == state(place, two) == "acknowledged"
    first = charge_office.charges(place)[0]
    assert (first.charge_id, first.contradicted, first.acts) == (one.charge_id, True, ("replace", "void"))
    assert not charge_office.charges(place)[1].contradicted


def test_a_late_answer_is_not_taken_for_the_next_messages(place, clock):
    """The first answer comes after its time; the second message is refused. Neither gets the other's answer."""
    one, two = charges.confirm(place, "P1"), charges.confirm(place, "P2")
    acts = (receiver.late(SHORT + 0.3), receiver.take, receiver.refuse("AE", "no"))
    with Receiver(*acts) as office:
        settle_on(place, office.port, timeout_s=SHORT)
        assert charge_office.send(place).waiting == 2
        office.wait_for(1)
        clock.advance(60)
        settle_on(place, office.port)
        sent = charge_office.send(place)
    assert (sent.acknowledged, sent.rejected) == (1, 1)
    assert (state(place, one), state(place, two)) == ("acknowledged", "rejected")
    assert office.control_ids == [hl7.control_id(one), hl7.control_id(one), hl7.control_id(two)]


def test_a_receiver_that_is_not_there_gets_everything_later_in_order(place, clock):
    made = [charges.confirm(place, f"P{n}") for n in range(3)]
    with receiver.closed_port() as port:
        settle_on(place, port)
        sent = charge_office.send(place)
    assert (sent.sent, sent.waiting) == (0, 3)
    assert "refuses the connection" in sent.problems[0]
    assert {state(place, c) for c in made} == {"confirmed"}
    assert charge_office.receivers(place)[0].problem == sent.problems[0]
    with Receiver() as office:
        settle_on(place, office.port)
        assert charge_office.send(place).sent == 0  # its time has not come
        assert charge_office.send(place, at_once=True).acknowledged == 3
    assert office.control_ids == [hl7.control_id(c) for c in made]


def test_waits_grow_to_an_hour():
    assert [wait_s(n) for n in (1, 2, 3, 7, 8, 100)] == [30, 60, 120, 1920, 3600, 3600]


def test_a_clock_that_was_set_back_does_not_hold_messages_for_ever(place, clock):
    charges.confirm(place)
    with receiver.closed_port() as port:
        settle_on(place, port)
        charge_office.send(place)
    clock.advance(-86400)
    with Receiver() as office:
        settle_on(place, office.port)
        assert charge_office.send(place).acknowledged == 1


def test_without_a_receiver_nothing_goes_out_and_it_is_said(place):
    charges.confirm(place)
    assert (charge_office.send(place).nowhere, charge_office.send(place).sent) == (1, 0)


def test_each_part_goes_to_its_receiver(place):
    own = charges.confirm(place, "P1")
    hospital = charges.confirm(
        place, "P2", claim__form="institutional", claim__bills_reader=None, claim__off_campus="no"
    )
    with Receiver() as office, Receiver() as house:
        settle_on(place, office.port, components='["26", "TC", "global"]')
        text = (place.home / "site.toml").read_text()
        second = text.replace("office", "house").replace(str(office.port), str(house.port))
        second = second.replace('["26", "TC", "global"]', '["institutional"]').replace("[billing]\n", "")
        (place.home / "site.toml").write_text(text + second)
        assert charge_office.send(place).acknowledged == 2
    assert office.control_ids == [hl7.control_id(own)]
    assert house.control_ids == [hl7.control_id(hospital)]


def test_two_programs_do_not_send_over_one_link(place):
    charges.confirm(place)
    with Receiver() as office:
        settle_on(place, office.port)
        now = place.now()
        assert place.outbox.take_link("office", "OTHER:1", now, now[:17] + "20.000Z")
        sent = charge_office.send(place)
        assert sent.sent == 0
        assert "Another program" in sent.problems[0]
    assert office.messages == []


CHILD = """
    import sys
    from pathlib import Path
    from tests.factory import charges
    from workstation.base.clock import ScriptedClock
    from workstation.desk import charge_answers, charge_office, charge_send

    place = charges.home(Path(sys.argv[1]), ScriptedClock(charges.START))
    charges.confirm(place)
    if sys.argv[2] == "after":  # the answer has come, and is not written down yet
        charge_send.settle = lambda *a, **k: sys.stdin.read()
    print("ready", flush=True)
    charge_office.send(place)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_between_message_and_answer_neither_loses_nor_doubles(tmp_path, clock, when):
    folder = tmp_path / "home"
    folder.mkdir()
    arrived = threading.Event()

    def note(line, message):
        if when == "after":
            receiver.take(line, message)
        arrived.set()

    with Receiver(note, receiver.take) as office:
        (folder / "site.toml").write_text(site_text(office.port, timeout_s=60))
        words = [sys.executable, "-c", textwrap.dedent(CHILD), str(folder), when]
        env = {**os.environ, "PYTHONPATH": str(charges.ROOT)}
        with subprocess.Popen(words, cwd=charges.ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert arrived.wait(60)
            child.kill()
        assert child.returncode == -signal.SIGKILL
        again = charges.home(folder, clock)
        (charge,) = ledger_of(again).charges().values()
        assert charge.state == "sent"
        (folder / "site.toml").write_text(site_text(office.port))
        # the killed program's place on the link stands until its time is over
        clock.advance(151)
        assert charge_office.send(again).acknowledged == 1
        assert [h.act for h in charge_office.history(again, charge.charge_id)] == ["confirm", "send", "acknowledge"]
        assert len(again.outbox.all()) == 1
        again.close()
    # the receiver tells the repeat by its control id
    assert len(office.messages) == 2
    assert office.messages[0] == office.messages[1]


TLS = charges.ROOT / "tests/factory/tls"


@pytest.fixture
def secured():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "receiver.pem", TLS / "receiver.key")
    with Receiver(context=context) as office:
        yield office


def fingerprint():
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert((TLS / "receiver.pem").read_text())).hexdigest()


@pytest.mark.parametrize("by", ["ca_file", "pin_sha256"])
def test_an_encrypted_link_is_verified_by_authority_or_pin(place, secured, by):
    charge = charges.confirm(place)
    shutil.copy(TLS / "ca.pem", place.home)
    settle_on(place, secured.port, tls="true", **{by: f'"{fingerprint()}"' if by == "pin_sha256" else '"ca.pem"'})
    assert charge_office.send(place).acknowledged == 1
    assert state(place, charge) == "acknowledged"
    assert charge_office.receivers(place)[0].encrypted


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "does not verify"),  # nobody whom this computer trusts stands for it
        ({"pin_sha256": f'"{"0" * 64}"'}, "not the one that is pinned"),
        ({"ca_file": '"nothing.pem"'}, "cannot be read"),
    ],
    ids=["unknown authority", "other pin", "no file"],
)
def test_a_receiver_that_does_not_verify_gets_not_a_byte(place, secured, settings, problem):
    charge = charges.confirm(place)
    shutil.copy(TLS / "ca.pem", place.home)
    settle_on(place, secured.port, tls="true", **settings)
    sent = charge_office.send(place)
    assert sent.sent == 0
    assert problem in sent.problems[0]
    assert secured.messages == []
    assert state(place, charge) == "confirmed"


def test_a_certificate_for_another_name_does_not_verify(place):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "receiver.pem", TLS / "receiver.key")
    charges.confirm(place)
    shutil.copy(TLS / "ca.pem", place.home)
    with Receiver(context=context, host="127.0.0.2") as office:
        settle_on(place, office.port, tls="true", host='"127.0.0.2"', ca_file='"ca.pem"')
        assert "does not verify" in charge_office.send(place).problems[0]
    assert office.messages == []


def test_an_encrypted_link_to_a_plain_receiver_fails_before_the_message(place):
    charges.confirm(place)
    with Receiver() as office:
        settle_on(place, office.port, tls="true", timeout_s=SHORT)
        assert charge_office.send(place).sent == 0
    assert office.messages == []


def test_an_unknown_charge_has_no_history(place):
    with pytest.raises(Exception, match="NONESUCH"):
        charge_office.history(place, "NONESUCH")
    with pytest.raises(LedgerError):
        ledger_of(place).get("NONESUCH")
