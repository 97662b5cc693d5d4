"""The paper claim as data: each box by its number, and what our own reading of them finds."""

from __future__ import annotations

import copy
import datetime as dt
import json
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.errors import MessageHole
from billing.messages import cms1500
from billing.messages.claim_context import Purchased
from billing.messages.proof import prove
from billing.parties import Person
from billing.reference.tables import BUILT_IN
from tests.unit.test_billing_x837 import CONTEXT, PATIENT, confirmed, hospital

DAY = dt.date(2026, 3, 4)
KNOWN = replace(CONTEXT, other_plan=False)


def boxes(kept, context=KNOWN):
    return cms1500.boxes(kept, context, written=DAY)


def test_each_box_has_its_value():
    kept = confirmed(service__completion="reduced", payer__auth_number="AUTH1")
    made = boxes(kept, replace(KNOWN, authorisation="AUTH1"))
    assert made["1"] == "MEDICARE"
    assert made["1a"] == "1EG4TE5MK73"
    assert made["2"] == "TEST, PAT"
    assert made["3"] == {"birth": "05 04 1963", "sex": "M"}
    assert made["5"] == {"street": "1 MAIN ST", "city": "SPRINGFIELD", "state": "IL", "zip": "62701"}
    assert made["6"] == "SELF"
    assert made["11"] == "NONE"
    assert made["17"] == {"qualifier": "DK", "name": "ANN WARD"}
    assert made["17b"] == "1444555662"
    assert made["20"] == {"outside": "NO"}
    assert made["21"] == {"indicator": "0", "A": "I7143", "B": "K551"}
    assert made["23"] == "AUTH1"
    assert made["24"] == [
        {
            "A": {"from": "03 02 26", "to": "03 02 26"},
            "B": "22",
            "D": {"code": "76377", "modifiers": ["26", "52"]},
            "E": "AB",
            "F": "123.40",
            "G": "1",
            "J": "1234567893",
        }
    ]
    assert made["25"] == {"number": "123456789", "kind": "EIN"}
    assert (made["26"], made["27"], made["28"]) == (kept.charge_id, "YES", "123.40")
    assert made["32"]["name"] == "CITY HOSPITAL"
    assert (made["32a"], made["33a"]) == ("1444555662", "1999888773")
    assert "22" not in made
    assert "4" not in made  # with Medicare the insured person's boxes stay empty
    json.dumps(made)


def test_another_insured_person_a_purchase_and_a_replacement():
    kept = confirmed(payer__kind="uhc", claim__pos="11", claim__owns_equipment=True, claim__tc_purchased=True)
    own = replace(PATIENT, name=Person(family="Test", given="Sam"), sex="F")
    context = replace(
        KNOWN,
        payer_kind="uhc",
        subscriber=own,
        patient=PATIENT,
        relationship="01",
        plan="Choice",
        group_number="G7",
        facility=None,
        frequency="7",
        payer_control_number="PCN1",
        purchased=Purchased(npi="1444555662", amount=Decimal(40)),
    )
    made = boxes(kept, context)
    assert (made["2"], made["4"], made["6"]) == ("TEST, PAT", "TEST, SAM", "SPOUSE")
    assert (made["11"], made["11c"], made["11d"]) == ("G7", "CHOICE", "NO")
    assert made["20"] == {"outside": "YES", "charges": "40.00"}
    assert made["22"] == {"code": "7", "original": "PCN1"}
    assert (made["32"]["name"], made["32a"]) == ("RADIOLOGY GROUP", "1444555662")


@pytest.mark.parametrize(
    ("hole", "change"),
    [
        ("other plan", {"other_plan": None}),
        ("other plan", {"other_plan": True}),
        ("amount", {"amount": None}),
        ("member id", {"member_id": " "}),
        ("facility", {"facility": None}),
    ],
)
def test_a_hole_is_named(hole, change):
    with pytest.raises(MessageHole) as refused:
        boxes(confirmed(), replace(KNOWN, **change))
    assert refused.value.hole == hole
    with pytest.raises(MessageHole, match="professional"):
        boxes(hospital())


BREAKS = {
    "code": lambda m: m["24"][0]["D"].update(code="74177"),
    "modifiers": lambda m: m["24"][0]["D"]["modifiers"].append("26"),
    "modifiers ": lambda m: m["24"][0]["D"]["modifiers"].clear(),
    "diagnosis pointer": lambda m: m["24"][0].update(E="AC"),
    "diagnosis pointer ": lambda m: m["24"][0].update(E=""),
    "diagnosis": lambda m: m["21"].update(B="K558"),
    "box 21": lambda m: m["21"].pop("A"),
    "box 21 ": lambda m: m["21"].update(indicator="9"),
    "box 28": lambda m: m.update({"28": "200.00"}),
    "place of service": lambda m: m["24"][0].update(B="99"),
    "rendering NPI": lambda m: m["24"][0].update(J="1234567890"),
    "billing NPI": lambda m: m.update({"33a": "1444555662"}),
    "facility NPI": lambda m: m.update({"32a": "1444555660"}),
    "service date": lambda m: m["24"][0]["A"].update({"from": "03 01 26", "to": "03 01 26"}),
    "boxes": lambda m: m["24"][0]["A"].update({"from": "02 30 26", "to": "02 30 26"}),
    "patient birth date": lambda m: m["3"].update(birth="05 04 2026"),
    "date of the form": lambda m: m["31"].update(date="02 01 26"),
    "units": lambda m: m["24"][0].update(G="2"),
    "charge id": lambda m: m.update({"26": "OTHER"}),
    "amount": lambda m: (m.update({"28": "9.00"}), m["24"][0].update(F="9.00")),
    "box 1a": lambda m: m.pop("1a"),
}


@pytest.mark.parametrize("hole", list(BREAKS))
def test_our_own_reading_finds_what_is_wrong(hole):
    kept = confirmed(service__completion="reduced")
    made = copy.deepcopy(boxes(kept))
    prove(cms1500.read_back(made), kept, amount=Decimal("123.4"), references=BUILT_IN)
    BREAKS[hole](made)
    with pytest.raises(MessageHole) as refused:
        prove(cms1500.read_back(made), kept, amount=Decimal("123.4"), references=BUILT_IN)
    assert refused.value.hole == hole.strip()
