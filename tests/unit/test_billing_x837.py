"""The professional claim: envelope, order of segments, pointers, and what never leaves."""

from __future__ import annotations

import copy
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.charge import draft, identity_of
from billing.decide import decide
from billing.errors import MessageHole
from billing.facts import read_facts
from billing.ledger import Actor, Ledger, MemoryStore
from billing.messages.x837 import Address, ClaimContext, Facility, Insured, Party, Person, claim

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
BILLER = Actor(who="b.biller", role="biller", workstation="WS1", at="2026-03-03T09:00:00Z")
HOME = Address(street="1 Main St", city="Springfield", state="IL", zip_code="62701")
OFFICE = Address(street="2 Side St", city="Springfield", state="IL", zip_code="62701-1234")
PATIENT = Insured(name=Person(family="Test", given="Pat"), address=HOME, birth_date=dt.date(1963, 5, 4), sex="M")
CONTEXT = ClaimContext(
    submitter=Party(name="Radiology Group", id="SUBMIT1"),
    contact="Billing Office",
    telephone="2175550100",
    receiver=Party(name="Clearing House", id="CLEAR1"),
    control_number=17,
    created=dt.datetime(2026, 3, 4, 10, 30, tzinfo=dt.UTC),
    test=True,
    billing_name="Radiology Group",
    billing_taxonomy="2085R0202X",
    billing_address=OFFICE,
    tax_id="12-3456789",
    payer_kind="medicare",
    payer_name="Medicare",
    payer_id="00882",
    member_id="1EG4TE5MK73",
    subscriber=PATIENT,
    rendering=Person(family="Reader", given="Rae"),
    rendering_taxonomy="2085R0202X",
    ordering=Person(family="Ward", given="Ann"),
    facility=Facility(name="City Hospital", npi="1444555662", address=OFFICE),
    amount=Decimal("123.4"),
)


def confirmed(**changes):
    document = copy.deepcopy(BASE)
    document["dx"].append({"code": "K55.1", "label": None})
    for path, value in changes.items():
        section, name = path.split("__")
        document[section][name] = value
    read = read_facts(document)
    return Ledger(MemoryStore()).confirm(draft(read, decide(read), identity_of(read, study_uid="1.2.3")), BILLER)


def segments(text):
    return [line.rstrip("~").split("*") for line in text.splitlines()]


def one(rows, *begin):
    (found,) = [r for r in rows if tuple(r[: len(begin)]) == begin]
    return found


def test_the_envelope_counts_and_closes():
    text = claim(confirmed(), CONTEXT)
    assert len(text.splitlines()[0]) == 106  # ISA with its end: fixed widths tell a reader the delimiters
    rows = segments(text)
    assert [rows[0][0], rows[1][0], rows[2][0], rows[-3][0], rows[-2][0], rows[-1][0]] == words("ISA GS ST SE GE IEA")
    assert int(one(rows, "SE")[1]) == len(rows) - 4
    assert rows[0][13] == rows[-1][2] == "000000017"
    assert rows[0][15] == "T"
    assert not any(r[-1] == "" for r in rows)


def words(text):
    return text.split()


def test_the_claim_says_what_the_charge_says():
    kept = confirmed(service__completion="reduced")
    rows = segments(claim(kept, CONTEXT))
    assert one(rows, "SV1") == ["SV1", "HC:76377:26:52", "123.40", "UN", "1", "", "", "1:2"]
    assert one(rows, "HI") == ["HI", "ABK:I7143", "ABF:K551"]
    assert one(rows, "CLM")[1:6] == [kept.charge_id, "123.40", "", "", "22:B:1"]
    assert one(rows, "DTP", "472") == ["DTP", "472", "D8", "20260302"]
    assert one(rows, "REF", "6R")[2] == kept.charge_id
    assert one(rows, "NM1", "82")[-1] == "1234567893"
    assert one(rows, "NM1", "85")[-2:] == ["XX", "1999888773"]
    assert one(rows, "NM1", "DK")[-1] == "1444555662"
    assert one(rows, "NM1", "IL")[3:] == ["TEST", "PAT", "", "", "", "MI", "1EG4TE5MK73"]
    assert one(rows, "SBR") == ["SBR", "P", "18", "", "", "", "", "", "", "MB"]
    order = [r[0] + (f"/{r[1]}" if r[0] in {"NM1", "HL"} else "") for r in rows]
    wanted = words("NM1/41 NM1/40 HL/1 NM1/85 HL/2 SBR NM1/IL NM1/PR CLM HI NM1/DN NM1/82 NM1/77 LX SV1 DTP NM1/DK SE")
    places = [order.index(w) for w in wanted]
    assert places == sorted(places)


def test_a_patient_who_is_not_the_subscriber_has_a_level_of_their_own():
    child = replace(PATIENT, name=Person(family="Test", given="Kim"), birth_date=dt.date(2015, 1, 2))
    rows = segments(claim(confirmed(), replace(CONTEXT, patient=child, relationship="19")))
    assert [r[1:] for r in rows if r[0] == "HL"] == [["1", "", "20", "1"], ["2", "1", "22", "1"], ["3", "2", "23", "0"]]
    assert one(rows, "PAT")[1] == "19"
    assert one(rows, "SBR")[2] == ""
    assert one(rows, "DMG")[2] == "20150102"


def test_replacing_and_voiding_name_the_payer_s_number():
    kept = confirmed()
    rows = segments(claim(kept, replace(CONTEXT, frequency="7", payer_control_number="PCN1", authorisation="AUTH1")))
    assert one(rows, "CLM")[5] == "22:B:7"
    assert one(rows, "REF", "F8")[2] == "PCN1"
    assert one(rows, "REF", "G1")[2] == "AUTH1"
    void = replace(CONTEXT, frequency="8", payer_control_number="PCN1")
    assert one(segments(claim(replace(kept, state="void"), void)), "CLM")[5] == "22:B:8"
    with pytest.raises(MessageHole):
        claim(kept, void)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=12), st.text(max_size=12))
def test_no_name_breaks_the_message(family, given_name):
    kept, context = confirmed(), replace(CONTEXT, rendering=Person(family=family, given=given_name))
    try:
        rows = segments(claim(kept, context))
    except MessageHole:
        return
    assert len(rows) == len(segments(claim(kept, CONTEXT)))
    assert one(rows, "NM1", "82")[-2:] == ["XX", "1234567893"]


def test_accents_are_dropped_and_delimiters_become_spaces():
    rows = segments(claim(confirmed(), replace(CONTEXT, rendering=Person(family="Müller*O~Neil", given="Zoë"))))
    assert one(rows, "NM1", "82")[3:5] == ["MULLER O NEIL", "ZOE"]


@pytest.mark.parametrize(
    ("hole", "change"),
    [
        ("amount", {"amount": None}),
        ("amount", {"amount": Decimal(0)}),
        ("payer", {"payer_kind": "self_pay"}),
        ("member id", {"member_id": ""}),
        ("identifier", {"member_id": "A*B"}),
        ("tax id", {"tax_id": "123"}),
        ("billing ZIP with four more digits", {"billing_address": HOME}),
        ("address", {"subscriber": replace(PATIENT, address=replace(HOME, state="Illinois"))}),
        ("name", {"billing_name": " "}),
        ("name in Latin letters", {"subscriber": replace(PATIENT, name=Person(family="山田"))}),
        ("relationship", {"patient": PATIENT}),
        ("payer control number", {"frequency": "7"}),
        ("facility NPI", {"facility": Facility(name="X", npi="1", address=OFFICE)}),
        ("control number", {"control_number": 10**9}),
    ],
)
def test_a_hole_is_named_and_nothing_is_written(hole, change):
    with pytest.raises(MessageHole) as refused:
        claim(confirmed(), replace(CONTEXT, **change))
    assert refused.value.hole == hole


@pytest.mark.parametrize(
    ("hole", "change"),
    [
        ("state", {"state": "draft"}),
        ("diagnosis", {"diagnoses": ()}),
        ("rendering NPI", {"rendering_npi": "1234567890"}),
    ],
)
def test_a_charge_with_a_hole_is_not_claimed(hole, change):
    with pytest.raises(MessageHole) as refused:
        claim(replace(confirmed(), **change), CONTEXT)
    assert refused.value.hole == hole


def test_a_hospital_s_line_is_no_professional_claim():
    line = confirmed(claim__form="institutional", claim__bills_reader=None, claim__off_campus="no")
    with pytest.raises(MessageHole, match="professional"):
        claim(line, CONTEXT)
