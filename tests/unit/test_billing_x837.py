"""The professional claim: envelope, order of segments, pointers, and what never leaves."""

from __future__ import annotations

import copy
import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
import pyx12.params
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pyx12.x12n_document import x12n_document

from billing.charge import draft, identity_of
from billing.decide import decide
from billing.errors import MessageHole
from billing.facts import read_facts
from billing.ledger import Actor, Ledger, MemoryStore
from billing.messages import x837i
from billing.messages.claim_context import ClaimContext, Purchased
from billing.messages.x12 import Envelope
from billing.messages.x12_proof import prove_file
from billing.messages.x837 import claim, claims
from billing.parties import Address, Biller, Facility, Insured, Party, Person
from billing.reference.tables import BUILT_IN

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
BILLER = Actor(who="b.biller", role="biller", workstation="WS1", at="2026-03-03T09:00:00Z")
HOME = Address(street="1 Main St", city="Springfield", state="IL", zip_code="62701")
OFFICE = Address(street="2 Side St", city="Springfield", state="IL", zip_code="62701-1234")
PATIENT = Insured(name=Person(family="Test", given="Pat"), address=HOME, birth_date=dt.date(1963, 5, 4), sex="M")
ENVELOPE = Envelope(
    submitter=Party(name="Radiology Group", id="SUBMIT1"),
    contact="Billing Office",
    telephone="217-555-0100",
    receiver=Party(name="Clearing House", id="CLEAR1"),
    control_number=17,
    created=dt.datetime(2026, 3, 4, 10, 30, tzinfo=dt.UTC),
    test=True,
)
CONTEXT = ClaimContext(
    biller=Biller(
        npi="1999888773",
        name="Radiology Group",
        taxonomy="2085R0202X",
        tax_id="12-3456789",
        address=OFFICE,
        submitter_id="SUBMIT1",
        contact="Billing Office",
        telephone="217-555-0100",
    ),
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


def read_by_another(text):
    """Errors that pyx12 finds; its command's exit status says nothing, so its result and its notes are read."""
    found, answer = io.StringIO(), io.StringIO()
    good = x12n_document(pyx12.params.params(), io.StringIO(text), answer, None, fd_json=found)
    notes = json.loads(found.getvalue())
    return good, notes, answer.getvalue()


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
    text = claim(confirmed(), CONTEXT, ENVELOPE)
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
    rows = segments(claim(kept, CONTEXT, ENVELOPE))
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
    kept = confirmed(payer__kind="uhc", patient__birth_date="2015-01-02")
    context = replace(CONTEXT, payer_kind="uhc", patient=child, relationship="19")
    rows = segments(claim(kept, context, ENVELOPE))
    assert [r[1:] for r in rows if r[0] == "HL"] == [["1", "", "20", "1"], ["2", "1", "22", "1"], ["3", "2", "23", "0"]]
    assert one(rows, "PAT")[1] == "19"
    assert one(rows, "SBR")[2] == ""
    assert one(rows, "DMG")[2] == "20150102"


def test_replacing_and_voiding_name_the_payer_s_number():
    kept = confirmed(payer__auth_number="AUTH1")
    again = replace(CONTEXT, frequency="7", payer_control_number="PCN1", authorisation="AUTH1")
    rows = segments(claim(kept, again, ENVELOPE))
    assert one(rows, "CLM")[5] == "22:B:7"
    assert one(rows, "REF", "F8")[2] == "PCN1"
    assert one(rows, "REF", "G1")[2] == "AUTH1"
    void = replace(CONTEXT, frequency="8", payer_control_number="PCN1")
    for state in ("void", "replaced"):
        assert one(segments(claim(replace(confirmed(), state=state), void, ENVELOPE)), "CLM")[5] == "22:B:8"
    with pytest.raises(MessageHole):
        claim(confirmed(), void, ENVELOPE)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=12), st.text(max_size=12))
def test_no_name_breaks_the_message(family, given_name):
    kept, context = confirmed(), replace(CONTEXT, rendering=Person(family=family, given=given_name))
    try:
        rows = segments(claim(kept, context, ENVELOPE))
    except MessageHole:
        return
    assert len(rows) == len(segments(claim(kept, CONTEXT, ENVELOPE)))
    assert one(rows, "NM1", "82")[-2:] == ["XX", "1234567893"]


def test_accents_are_dropped_and_delimiters_become_spaces():
    context = replace(CONTEXT, rendering=Person(family="Müller*O~Neil", given="Zoë"))
    rows = segments(claim(confirmed(), context, ENVELOPE))
    assert one(rows, "NM1", "82")[3:5] == ["MULLER O NEIL", "ZOE"]


def biller(**changes):
    return {"biller": replace(CONTEXT.biller, **changes)}


@pytest.mark.parametrize(
    ("hole", "change"),
    [
        ("amount", {"amount": None}),
        ("amount", {"amount": Decimal(0)}),
        ("payer", {"payer_kind": "self_pay"}),
        ("payer", {"payer_kind": "uhc"}),
        ("member id", {"member_id": ""}),
        ("identifier", {"member_id": "A*B"}),
        ("address", {"subscriber": replace(PATIENT, address=replace(HOME, state="Illinois"))}),
        ("name in Latin letters", {"subscriber": replace(PATIENT, name=Person(family="山田"))}),
        ("patient birth date", {"subscriber": replace(PATIENT, birth_date=dt.date(1963, 5, 5))}),
        ("relationship", {"patient": PATIENT}),
        ("relationship", {"patient": PATIENT, "relationship": "19"}),  # Medicare insures each person alone
        ("payer control number", {"frequency": "7"}),
        ("facility", {"facility": None}),
        ("facility NPI", {"facility": Facility(name="X", npi="1", address=OFFICE)}),
        ("facility ZIP with four more digits", {"facility": Facility(name="X", npi="1444555662", address=HOME)}),
        ("authorisation", {"authorisation": "AUTH1"}),
        ("purchased service", {"purchased": Purchased(npi="1444555662", amount=Decimal(5))}),
        ("signature on file", {"signature_on_file": False}),
        ("cause", {"cause": "auto"}),
        ("rendering taxonomy", {"rendering_taxonomy": "radiology"}),
    ],
)
def test_a_hole_is_named_and_nothing_is_written(hole, change):
    with pytest.raises(MessageHole) as refused:
        claim(confirmed(), replace(CONTEXT, **change), ENVELOPE)
    assert refused.value.hole == hole


def test_a_biller_is_whole_or_is_none():
    for change in ({"tax_id": "123"}, {"address": HOME}, {"npi": "1999888770"}, {"taxonomy": "X"}, {"telephone": "1"}):
        with pytest.raises(ValueError, match=r"."):
            replace(CONTEXT.biller, **change)
    with pytest.raises(MessageHole, match="biller"):
        claim(confirmed(), replace(CONTEXT, **biller(npi="1444555662")), ENVELOPE)
    for control_number in (0, 10**9):
        with pytest.raises(MessageHole):
            claim(confirmed(), CONTEXT, replace(ENVELOPE, control_number=control_number))


@pytest.mark.parametrize(
    ("hole", "change"),
    [
        ("state", {"state": "draft"}),
        ("diagnosis", {"diagnoses": ()}),
        ("diagnosis", {"diagnoses": ("I71.4",)}),  # a header on that day
        ("diagnosis", {"diagnoses": tuple(f"I25.{n}" for n in range(100, 113))}),
        ("rendering NPI", {"rendering_npi": "1234567890"}),
        ("modifiers", {"modifiers": ("26", "26")}),
        ("modifiers", {"modifiers": ("52", "26")}),
        ("modifiers", {"modifiers": ()}),
        ("place of service", {"pos": ""}),
        ("grounds", {"facts": "{}"}),
    ],
)
def test_a_charge_with_a_hole_is_not_claimed(hole, change):
    with pytest.raises(MessageHole) as refused:
        claim(replace(confirmed(), **change), CONTEXT, ENVELOPE)
    assert refused.value.hole == hole


def hospital(**changes):
    return confirmed(claim__form="institutional", claim__bills_reader=None, claim__off_campus="no", **changes)


def house(kept, **changes):
    return replace(CONTEXT, facility=None, revenue_code=x837i.revenue_code(kept, {}), **changes)


def test_each_form_takes_its_own_charges():
    with pytest.raises(MessageHole, match="professional"):
        claim(hospital(), CONTEXT, ENVELOPE)
    with pytest.raises(MessageHole, match="hospital"):
        x837i.claim(confirmed(), house(confirmed()), ENVELOPE)


def test_a_hospital_s_line_has_its_revenue_code_and_no_pointers():
    kept = hospital()
    rows = segments(x837i.claim(kept, house(kept), ENVELOPE))
    assert one(rows, "SV2") == ["SV2", "0352", "HC:76377", "123.40", "UN", "1"]
    assert one(rows, "CLM")[5] == "13:A:1"
    assert one(rows, "DTP", "434")[3] == "20260302-20260302"
    assert [r for r in rows if r[0] == "HI"] == [["HI", "ABK:I7143"], ["HI", "ABF:K551"]]
    assert one(rows, "NM1", "71")[-1] == "1444555662"
    with pytest.raises(MessageHole, match="revenue code"):
        x837i.claim(kept, replace(house(kept), revenue_code=""), ENVELOPE)


@pytest.mark.parametrize(
    ("code", "modality", "revenue"),
    [
        ("74177", "CT", "0352"),
        ("70460", "CT", "0351"),
        ("70491", "CT", "0350"),
        ("70553", "MR", "0611"),
        ("72148", "MR", "0612"),
        ("73721", "MR", "0614"),
        ("76700", "US", "0402"),
        ("99999", "CT", "0350"),
        ("99999", "MR", "0610"),
        ("99999", "TOMO", "0320"),
    ],
)
def test_the_revenue_code_follows_the_base_study(code, modality, revenue):
    kept = hospital()
    document = json.loads(kept.facts)
    document["base"][0] |= {"code": code, "modality": modality}
    other = replace(kept, facts=json.dumps(document))
    assert x837i.revenue_code(other, {}) == revenue
    assert x837i.revenue_code(other, {modality: "0359"}) == "0359"
    assert x837i.revenue_code(other, {modality: "0359", code: "0358"}) == "0358"


def made(form):
    """A file of each kind with everything optional in it, and what it was made from."""
    if form == "837P":
        kept = confirmed(service__completion="reduced", payer__auth_number="AUTH1")
        context = replace(CONTEXT, authorisation="AUTH1")
        return claim(kept, context, ENVELOPE), "005010X222A1", kept, context
    kept = hospital()
    context = replace(house(kept), group_number="G1")
    return x837i.claim(kept, context, ENVELOPE), "005010X223A2", kept, context


def test_another_library_takes_both_kinds_without_a_note():
    for form in ("837P", "837I"):
        text, version, _, _ = made(form)
        good, notes, answer = read_by_another(text)
        (group,) = notes["interchanges"][0]["groups"]
        (found,) = group["transactions"]
        assert good is True
        assert (group["vriic"], group["ack_code"], found["ack_code"]) == (version, "A", "A")
        assert notes["interchanges"][0]["errors"] == group["errors"] == found["errors"] == found["segments"] == []
        assert "IK5*A" in answer


def test_another_library_takes_a_family_a_purchase_a_replacement_and_two_claims_in_one_file():
    child = replace(PATIENT, name=Person(family="Test", given="Kim"), birth_date=dt.date(2015, 1, 2))
    one_kept = confirmed(payer__kind="uhc", patient__birth_date="2015-01-02", claim__pos="11")
    first = replace(CONTEXT, payer_kind="uhc", patient=child, relationship="19", facility=None)
    owner = confirmed(
        payer__kind="uhc", claim__pos="11", claim__owns_equipment=True, claim__tc_purchased=True, patient__id="P200"
    )
    second = replace(
        CONTEXT,
        payer_kind="uhc",
        frequency="7",
        payer_control_number="PCN1",
        facility=None,
        purchased=Purchased(npi="1444555662", amount=Decimal(40)),
    )
    text = claims([(one_kept, first), (owner, second)], ENVELOPE)
    good, notes, _ = read_by_another(text)
    assert good, notes
    assert [t["ack_code"] for t in notes["interchanges"][0]["groups"][0]["transactions"]] == ["A", "A"]
    rows = segments(text)
    assert one(rows, "PS1") == ["PS1", "1444555662", "40.00"]
    assert [r[2] for r in rows if r[0] == "ST"] == ["0001", "0002"]


def test_the_other_library_would_see_a_hole():
    text = made("837P")[0].replace("DTP*472*D8*20260302~\n", "")
    assert read_by_another(text)[0] is False


BREAKS = {
    "code": ("HC:76377", "HC:74177"),
    "modifiers": (":26:52", ":26:26"),
    "modifiers ": (":26:52", ":52:26"),
    "modifiers  ": (":26:52", ":26"),
    "modifiers   ": (":26:52", ":26:5"),
    "diagnosis pointer": ("***1:2~", "***1:3~"),
    "diagnosis pointer ": ("***1:2~", "***2:1~"),
    "diagnosis pointer  ": ("***1:2~", "***1:1~"),
    "diagnosis pointer   ": ("***1:2~", "***A~"),
    "rendering NPI": ("XX*1234567893~\nPRV", "XX*1234567890~\nPRV"),
    "rendering NPI ": ("XX*1234567893~\nPRV", "XX*1999888773~\nPRV"),
    "billing NPI": ("XX*1999888773", "XX*1444555662"),
    "service date": ("D8*20260302", "D8*20260230"),
    "service date ": ("D8*20260302", "D8*20260303"),
    "patient birth date": ("D8*19630504", "D8*20260401"),
    "birth date": ("D8*19630504", "D8*19631304"),
    "diagnosis": ("ABF:K551", "ABF:K558"),
    "diagnosis ": ("ABK:I7143*ABF:K551", "ABF:I7143*ABK:K551"),
    "place of service": ("22:B:1", "21:B:1"),
    "place of service ": ("22:B:1", "22:A:1"),
    "frequency": ("22:B:1", "22:B:7"),
    "amount": ("123.40*UN", "123.41*UN"),
    "units": ("UN*1*", "UN*2*"),
    "charge id": ("REF*6R*", "REF*6R*X"),
    "segments": ("CLM*", "CLX*"),
    "N3-1": ("N3*1 MAIN ST", "N3*"),
    "levels": ("HL*2*1*22*0", "HL*2*1*22*1"),
    "levels ": ("HL*2*1*22*0", "HL*2*3*22*0"),
    "envelope": ("GE*1*17", "GE*2*17"),
    "envelope ": ("IEA*1*000000017", "IEA*1*000000018"),
    "NM1": ("MI*1EG4TE5MK73", "II*1EG4TE5MK73"),
    "provider": ("NM1*DK*1*WARD*ANN****XX*1444555662", "NM1*DK*1*WARD*ANN****XX*1999888773"),
}


@pytest.mark.parametrize("hole", list(BREAKS))
def test_our_own_reading_finds_what_the_other_library_lets_pass(hole):
    text, version, kept, context = made("837P")
    before, after = BREAKS[hole]
    assert text.count(before) >= 1
    prove_file(text, version, [(kept, context)], references=BUILT_IN)
    with pytest.raises(MessageHole) as refused:
        prove_file(text.replace(before, after, 1), version, [(kept, context)], references=BUILT_IN)
    assert refused.value.hole == hole.strip()


@pytest.mark.parametrize("form", ["837P", "837I"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_changed_digit_or_lost_segment_passes(form, data):
    """Whatever one character of a claim's own numbers is changed, or whichever segment is lost, it is noticed."""
    text, version, kept, context = made(form)
    rows = text.splitlines()
    own = {"SV1", "SV2", "HI", "CLM", "DTP", "SE", "IEA", "GE"}
    telling = [n for n, r in enumerate(rows) if r.split("*")[0] in own]
    telling += [n for n, r in enumerate(rows) if "*XX*" in r]
    n = data.draw(st.sampled_from(telling))
    if data.draw(st.booleans()):
        changed = [*rows[:n], *rows[n + 1 :]]
    else:
        digits = [i for i, c in enumerate(rows[n]) if c.isdigit()]
        i = data.draw(st.sampled_from(digits))
        digit = data.draw(st.sampled_from([d for d in "0123456789" if d != rows[n][i]]))
        row = rows[n][:i] + digit + rows[n][i + 1 :]
        changed = [*rows[:n], row, *rows[n + 1 :]]
    with pytest.raises(MessageHole):
        prove_file("\n".join(changed) + "\n", version, [(kept, context)], references=BUILT_IN)
