"""The charge message through another HL7 library, strictly, and what that library does not check."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.charge import draft, identity_of
from billing.decide import decide
from billing.errors import MessageHole
from billing.facts import read_facts
from billing.ledger import Actor, Ledger, MemoryStore
from billing.messages.hl7 import (
    MessageContext,
    PersonName,
    Provider,
    Systems,
    control_id,
    dft,
    escape,
    frame,
    read_acknowledgement,
    unescape,
)
from billing.messages.layout import Layout

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
BILLER = Actor(who="b.biller", role="biller", workstation="WS1", at="2026-03-03T09:00:00Z")
CONTEXT = MessageContext(
    systems=Systems(
        sending_application="RENDERDESK",
        sending_facility="SITE",
        receiving_application="BILLING",
        receiving_facility="GROUP",
    ),
    posted_at=dt.datetime(2026, 3, 3, 9, 0, tzinfo=dt.UTC),
    patient_id="P100",
    patient_authority="SITE",
    patient_name=PersonName("Müller|O^Neil", "A&B~C\\D"),
    birth_date=dt.date(1963, 5, 4),
    sex="M",
    account="ACC1",
    visit_class="O",
    visit_location="RAD",
    visit_number="V1",
    attending=Provider(npi="1444555662", name=PersonName("Ward", "Ann")),
    rendering=Provider(npi="1234567893", name=PersonName("Reader", "Rae")),
    ordering=Provider(npi="1444555662"),
    order_number="A1",
    plan_id="MEDICARE",
    company_id="00882",
    company_name="Medicare",
)


def charge(**changes):
    document = copy.deepcopy(BASE)
    document["dx"].append({"code": "K55.1", "label": None})
    for path, value in changes.items():
        section, name = path.split("__")
        document[section][name] = value
    read = read_facts(document)
    drafted = draft(read, decide(read), identity_of(read, study_uid="1.2.3"))
    return Ledger(MemoryStore()).confirm(drafted, BILLER)


def parsed(message):
    return parse_message(message, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)


@pytest.mark.parametrize("with_procedure", [False, True])
def test_another_library_reads_the_charge_strictly(with_procedure):
    kept = charge(service__completion="reduced")
    message = dft(
        kept, replace(CONTEXT, layout=Layout(segments=("PR1", "DG1", "IN1") if with_procedure else ("DG1", "IN1")))
    )
    read = parsed(message)
    assert read.validate()
    assert read.msh.msh_9.to_er7() == "DFT^P03^DFT_P03"
    assert read.msh.msh_12.to_er7() == "2.5.1"
    assert read.msh.msh_18.to_er7() == "UNICODE UTF-8"
    assert len(read.msh.msh_10.to_er7()) <= 20
    financial = read.dft_p03_financial
    ft1 = financial.ft1
    assert ft1.ft1_2.to_er7() == kept.charge_id
    assert ft1.ft1_4.to_er7() == "20260302"
    assert ft1.ft1_6.to_er7() == "CG"
    assert ft1.ft1_7.to_er7() == "76377^^C4"
    assert ft1.ft1_10.to_er7() == "1"
    assert [f.to_er7() for f in ft1.ft1_19] == ["I71.43^^I10C", "K55.1^^I10C"]
    assert [f.to_er7() for f in ft1.ft1_26] == ["26", "52"]
    assert ft1.ft1_20.ft1_20_1.to_er7() == "1234567893"
    assert ft1.ft1_20.ft1_20_13.to_er7() == "NPI"
    assert ft1.ft1_20.ft1_20_2.to_er7() == "Reader"
    assert ft1.ft1_21.ft1_21_1.to_er7() == "1444555662"
    assert ft1.ft1_23.to_er7() == "A1"
    assert read.pid.pid_3.to_er7() == "P100^^^SITE^MR"
    assert read.pid.pid_18.to_er7() == "ACC1"
    assert read.pv1.pv1_19.to_er7() == "V1"
    assert [d.dg1_3.to_er7() for d in read.dg1] == ["I71.43^^I10C", "K55.1^^I10C"]
    assert [d.dg1_6.to_er7() for d in read.dg1] == ["F", "F"]
    assert ("PR1|" in message) == with_procedure
    assert "Z" not in {line[0] for line in message.split("\r") if line}


def test_the_message_says_what_the_charge_says_and_no_more():
    kept = charge()
    message = dft(kept, CONTEXT)
    segments = {s.split("|")[0]: s.split("|") for s in message.split("\r") if s}
    assert list(dict.fromkeys(s.split("|")[0] for s in message.split("\r") if s)) == (
        ["MSH", "EVN", "PID", "PV1", "FT1", "DG1", "IN1"]
    )
    assert segments["FT1"][26] == "~".join(kept.modifiers)
    assert segments["FT1"][19] == "~".join(f"{d}^^I10C" for d in kept.diagnoses)
    assert not any(s.endswith("|") for s in message.split("\r"))
    assert message.endswith("\r")
    assert message.count("76377") == 2
    assert frame(message) == b"\x0b" + message.encode() + b"\x1c\r"


def test_delimiters_in_names_do_not_break_the_message():
    read = parsed(dft(charge(), CONTEXT))
    assert unescape(read.pid.pid_5.pid_5_1.to_er7()) == "Müller|O^Neil"
    assert unescape(read.pid.pid_5.pid_5_2.to_er7()) == "A&B~C\\D"
    assert len(read.dg1) == 2


@given(st.text(max_size=30))
def test_escaped_text_comes_back_and_holds_no_delimiter(text):
    shown = escape(text)
    assert unescape(shown) == text
    assert not set(shown) & set("|^&~\r\n")


def test_a_retry_is_the_same_message_and_a_credit_another():
    ledger = Ledger(MemoryStore())
    kept = ledger.confirm(charge_draft(), BILLER)
    assert dft(kept, CONTEXT) == dft(replace(kept, state="sent"), CONTEXT)
    voided = ledger.void(kept.charge_id, BILLER, reason="wrong patient", again=kept.charge_id).charge
    credit = dft(voided, CONTEXT, credit=True)
    assert parsed(credit).dft_p03_financial.ft1.ft1_6.to_er7() == "CD"
    assert control_id(kept) != control_id(kept, credit=True)
    with pytest.raises(MessageHole, match="void"):
        dft(voided, CONTEXT)
    with pytest.raises(MessageHole, match="confirmed"):
        dft(kept, CONTEXT, credit=True)


def charge_draft():
    read = read_facts(BASE)
    return draft(read, decide(read), identity_of(read, study_uid="1.2.3"))


@pytest.mark.parametrize(
    ("hole", "change"),
    [
        ("patient.id", {"patient_id": ""}),
        ("patient.id", {"patient_id": "P101"}),
        ("patient.authority", {"patient_authority": " "}),
        ("patient.name", {"patient_name": PersonName("", "A")}),
        ("patient.birth_date", {"birth_date": dt.date(2026, 3, 3)}),
        ("visit.class", {"visit_class": ""}),
        ("account or visit number", {"account": "", "visit_number": ""}),
        ("order number or accession", {"order_number": ""}),
        ("sending facility", {"systems": replace(CONTEXT.systems, sending_facility="")}),
        ("posting time", {"posted_at": dt.datetime(2026, 3, 3, 9, 0)}),  # noqa: DTZ001 - the hole itself
        ("posting time", {"posted_at": dt.datetime(2026, 2, 27, 9, 0, tzinfo=dt.UTC)}),
        ("rendering NPI", {"rendering": Provider(npi="1234567890")}),
        ("provider", {"rendering": Provider(npi="1444555662")}),
    ],
)
def test_a_hole_is_named_and_nothing_is_written(hole, change):
    with pytest.raises(MessageHole) as refused:
        dft(charge(), replace(CONTEXT, **change))
    assert refused.value.hole == hole
    assert "P100" not in refused.value.sentence


@pytest.mark.parametrize(
    ("hole", "change"),
    [
        ("state", {"state": "draft"}),
        ("code", {"code": "74177"}),
        ("modifiers", {"modifiers": ("26", "26")}),
        ("modifiers", {"modifiers": ("52", "26")}),
        ("modifiers", {"modifiers": ("26", "CT")}),
        ("modifiers", {"modifiers": ()}),
        ("modifiers", {"modifiers": ("26", "52", "XS", "76", "RT")}),
        ("units", {"units": 0}),
        ("diagnosis", {"diagnoses": ()}),
        ("diagnosis", {"diagnoses": ("I7143",)}),
    ],
)
def test_a_charge_that_contradicts_itself_is_not_sent(hole, change):
    with pytest.raises(MessageHole) as refused:
        dft(replace(charge(), **change), CONTEXT)
    assert refused.value.hole == hole


def answer(code, control, reason="", error=""):
    text = f"MSH|^~\\&|B|G|R|S|20260303||ACK^P03|9|P|2.5.1\rMSA|{code}|{control}|{reason}\r"
    return text + (f"ERR||||||||{error}\r" if error else "")


def test_acknowledgements():
    own = control_id(charge())
    assert read_acknowledgement(answer("AA", own), own).state == "acknowledged"
    assert read_acknowledgement(answer("CA", own), own).state == "acknowledged"
    refused = read_acknowledgement(answer("AE", own, "unknown patient", "PID-3 \\T\\ visit"), own)
    assert refused.state == "rejected"
    assert refused.reason == "unknown patient; PID-3 & visit"
    assert read_acknowledgement(answer("AR", own), own).reason == "no reason given"
    assert read_acknowledgement(answer("AA", "OTHER"), own) is None
    for broken in ("", "hello", answer("XX", own)):
        with pytest.raises(MessageHole):
            read_acknowledgement(broken, own)


def test_the_other_library_would_see_a_missing_code():
    """The strict reading above can fail: without FT1-7 it does."""
    broken = dft(charge(), CONTEXT).replace("|CG|76377^^C4|", "|CG||")
    with pytest.raises(Exception, match=r"(?i)ft1_7"):
        parsed(broken).validate()
