"""Charges as table and as FHIR, the audit of a past charge, and the shipped payer records."""

from __future__ import annotations

import copy
import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.chargeitem import ChargeItem
from fhir.resources.R4B.claim import Claim
from msgspec.structs import replace

from billing.audit import audit
from billing.charge import draft, identity_of
from billing.decide import decide
from billing.errors import MessageHole, TableError
from billing.facts import Pair, PayerKind, read_facts
from billing.ledger import Actor, Ledger, MemoryStore
from billing.messages import csv as csv_message
from billing.messages import fhir
from billing.messages.proof import prove
from billing.payer_book import SHIPPED, PayerBook, read_payer_table
from billing.reference.tables import PairVersion, References

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
BILLER = Actor(who="b.biller", role="biller", workstation="WS1", at="2026-03-03T09:00:00Z")
AT = fhir.Targets(patient="Patient/1", provider="Organization/2", coverage="Coverage/3", report="DiagnosticReport/4")


def confirmed(**changes):
    document = copy.deepcopy(BASE)
    for path, value in changes.items():
        section, _, name = path.partition("__")
        if name:
            document[section][name] = value
        else:
            document[section] = value
    read = read_facts(document)
    drafted = draft(read, decide(read), identity_of(read, study_uid="1.2.3"))
    return Ledger(MemoryStore()).confirm(drafted, BILLER)


# --- table ---------------------------------------------------------------------------------------------------------


def test_the_table_reads_back_and_says_what_the_charges_say():
    kept = confirmed(service__completion="reduced")
    rows = list(csv.DictReader(io.StringIO(csv_message.table([kept, replace(kept, state="void")]))))
    assert [r["state"] for r in rows] == ["confirmed", "void"]
    assert rows[0]["charge_id"] == kept.charge_id
    assert [rows[0][f"modifier_{n}"] for n in (1, 2, 3, 4)] == ["26", "52", "", ""]
    assert rows[0]["diagnoses"] == "I71.43"
    assert rows[0]["service_date"] == "2026-03-02"
    assert csv_message.table([]).count("\r\n") == 1


def test_the_table_holds_no_formula_and_no_draft():
    kept = confirmed(patient__id='=HYPERLINK("x"),\n"y')
    (row,) = csv.DictReader(io.StringIO(csv_message.table([kept]), newline=""))
    assert row["patient_id"] == '\'=HYPERLINK("x"),\n"y'
    with pytest.raises(MessageHole):
        csv_message.table([replace(kept, state="draft")])


# --- FHIR ----------------------------------------------------------------------------------------------------------


def test_the_claim_points_at_its_diagnoses_and_keeps_the_order_of_modifiers():
    dx = [{"code": "I71.43", "label": None}, {"code": "K55.1", "label": None}]
    kept = confirmed(service__completion="reduced", dx=dx)
    claim = fhir.claim(kept, AT, created=dt.date(2026, 3, 3))
    (item,) = claim["item"]
    assert item["productOrService"]["coding"] == [{"system": fhir.CPT, "code": "76377"}]
    assert [m["coding"][0]["code"] for m in item["modifier"]] == ["26", "52"]
    sequences = {d["sequence"]: d["diagnosisCodeableConcept"]["coding"][0]["code"] for d in claim["diagnosis"]}
    assert [sequences[s] for s in item["diagnosisSequence"]] == ["I71.43", "K55.1"]
    team = {c["sequence"] for c in claim["careTeam"]}
    assert set(item["careTeamSequence"]) == team
    assert item["servicedDate"] == "2026-03-02"
    assert "display" not in json.dumps(claim)


LOGICAL = fhir.Targets(member_id="M1", order_number="ORD1", report_uid="1.2.3.4")


@pytest.mark.parametrize("at", [AT, LOGICAL], ids=["addresses", "identifiers"])
@pytest.mark.parametrize("state", ["confirmed", "void"])
def test_another_library_takes_the_resources(at, state):
    kept = replace(confirmed(service__completion="reduced"), replaces="OLDCHARGE001", state=state)
    read = Claim.model_validate_json(json.dumps(fhir.claim(kept, at, created=dt.date(2026, 3, 3))))
    assert read.status == ("active" if state == "confirmed" else "cancelled")
    assert read.related[0].claim.identifier.value == "OLDCHARGE001"
    assert [m.coding[0].code for m in read.item[0].modifier] == ["26", "52"]
    item = ChargeItem.model_validate_json(json.dumps(fhir.charge_item(kept, at)))
    assert item.status == ("billable" if state == "confirmed" else "entered-in-error")
    assert item.performer[0].actor.identifier.value == "1234567893"
    named = [s.reference or s.identifier.value for s in item.supportingInformation]
    assert named == (["DiagnosticReport/4"] if at is AT else ["urn:oid:1.2.3.4", "ORD1"])
    whole = Bundle.model_validate_json(fhir.bundle([json.loads(read.model_dump_json()), fhir.charge_item(kept, at)]))
    assert len(whole.entry) == 2


def test_the_other_library_would_see_a_missing_part():
    broken = fhir.claim(confirmed(), AT, created=dt.date(2026, 3, 3))
    del broken["insurance"]
    with pytest.raises(ValueError, match="insurance"):
        Claim.model_validate(broken)


CLAIM_BREAKS = {
    "code": lambda c: c["item"][0]["productOrService"]["coding"][0].update(code="74177"),
    "modifiers": lambda c: c["item"][0]["modifier"].reverse(),
    "modifiers ": lambda c: c["item"][0]["modifier"].append(c["item"][0]["modifier"][0]),
    "diagnosis": lambda c: c["diagnosis"][0]["diagnosisCodeableConcept"]["coding"][0].update(code="I71.42"),
    "claim": lambda c: c["item"][0]["diagnosisSequence"].append(9),
    "claim ": lambda c: c["item"][0]["productOrService"]["coding"][0].update(display="words of a licence"),
    "service date": lambda c: c["item"][0].update(servicedDate="2026-03-01"),
    "claim  ": lambda c: c["item"][0].update(servicedDate="2026-02-30"),
    "rendering NPI": lambda c: c["careTeam"][0]["provider"]["identifier"].update(value="1234567890"),
    "ordering NPI": lambda c: c["careTeam"][1]["provider"]["identifier"].update(value="1234567893"),
    "place of service": lambda c: c["item"][0]["locationCodeableConcept"]["coding"][0].update(code="11"),
    "units": lambda c: c["item"][0]["quantity"].update(value=2),
    "charge id": lambda c: c["identifier"][0].update(value="OTHER"),
    "creation": lambda c: c.update(created="2026-02-20"),
    "empty": lambda c: c["item"][0].update(modifier=[]),
}


@pytest.mark.parametrize("hole", list(CLAIM_BREAKS))
def test_our_own_reading_of_a_claim_finds_what_is_wrong(hole):
    kept = confirmed(service__completion="reduced")
    claim = fhir.claim(kept, AT, created=dt.date(2026, 3, 3))
    prove(fhir.read_claim(claim), kept, references=References())
    CLAIM_BREAKS[hole](claim)
    with pytest.raises(MessageHole) as refused:
        prove(fhir.read_claim(claim), kept, references=References())
    assert refused.value.hole == hole.strip()


def test_nothing_in_fhir_is_empty():
    whole = confirmed(claim__pos="11", claim__owns_equipment=True, payer__kind="uhc")
    assert whole.modifiers == ()

    def walk(value):
        if isinstance(value, dict):
            assert value
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            assert value
            for inner in value:
                walk(inner)
        else:
            assert value not in {"", None}

    walk(fhir.claim(whole, AT, created=dt.date(2026, 3, 3)))
    walk(fhir.charge_item(whole, AT))
    assert fhir.charge_item(whole, AT)["status"] == "billable"


@pytest.mark.parametrize(
    ("hole", "change", "at"),
    [
        ("state", {"state": "draft"}, {}),
        ("coverage", {}, {"coverage": ""}),
        ("diagnosis", {"diagnoses": ()}, {}),
        ("place of service", {"pos": ""}, {}),
    ],
)
def test_a_hole_in_a_claim_is_named(hole, change, at):
    with pytest.raises(MessageHole) as refused:
        fhir.claim(replace(confirmed(), **change), replace(AT, **at), created=dt.date(2026, 3, 3))
    assert refused.value.hole == hole


def test_a_hospital_s_line_is_no_professional_claim():
    line = confirmed(claim__form="institutional", claim__bills_reader=None, claim__off_campus="no")
    with pytest.raises(MessageHole, match="professional"):
        fhir.claim(line, AT, created=dt.date(2026, 3, 3))
    assert fhir.charge_item(line, AT)["quantity"] == {"value": 1}


# --- audit ---------------------------------------------------------------------------------------------------------


def test_an_audit_without_changes_finds_no_difference():
    found = audit(confirmed())
    assert found.untouched
    assert found.then == found.now
    assert found.differences == ()
    assert found.facts["facts_id"] == "own-base"


def test_an_audit_shows_what_a_later_table_changes():
    """Charged while the edit file had no such pair; a corrected file of the same quarter has one."""
    other = {"code": "61783", "same_anatomy": False, "same_session": None, "same_provider": True}
    document = {**copy.deepcopy(BASE), "other_codes": [other]}
    read = read_facts(document)
    quarter = dt.date(2026, 1, 1)
    empty = References(pairs=(PairVersion("ccipra-v320r0-f1.txt", quarter, "professional", ()),))
    first = decide(read, references=empty)
    kept = Ledger(MemoryStore()).confirm(draft(read, first, identity_of(read, study_uid="1.2.3")), BILLER)
    pair = Pair(column1="61783", column2="76377", indicator="0", since=dt.date(2020, 1, 1))
    corrected = References(pairs=(PairVersion("ccipra-v320r1-f1.txt", quarter, "professional", (pair,)),))
    found = audit(kept, references=corrected)
    marked = {d.field: (d.then, d.now) for d in found.differences}
    assert marked["decision"] == ("bill", "reject")
    assert marked["R-NC-01"] == ("pass", "reject")
    assert "references" in marked
    assert audit(kept, references=empty).differences == ()


def test_an_audit_sees_grounds_that_were_touched():
    kept = confirmed()
    touched = kept.facts.replace('"dedicated"', '"thin_client"')
    assert touched != kept.facts
    assert not audit(replace(kept, facts=touched)).untouched


def test_an_audit_on_a_later_day_keeps_the_rules_of_the_service():
    found = audit(confirmed(), as_of=dt.date(2027, 6, 1))
    assert {d.field for d in found.differences} >= {"decision", "R-DT-03"}
    json.dumps(msgspec.to_builtins(found))


# --- payers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(PayerKind))
def test_every_payer_has_a_dated_record_with_its_source(kind):
    record = PayerBook().record(kind, None, dt.date(2026, 3, 2))
    assert record is not None
    assert record.source
    assert record.checked_on >= dt.date(2025, 1, 1)
    assert PayerBook().record(kind, None, dt.date(2005, 12, 31)) is None
    assert (SHIPPED / f"{kind}.toml").is_file()


def test_shipped_records_claim_no_more_than_is_known():
    day = dt.date(2026, 3, 2)
    medicare = PayerBook().record("medicare", None, day)
    assert (medicare.covered, medicare.x_modifiers, medicare.laterality_modifiers) == (None, True, False)
    assert (medicare.accepts_22, medicare.gc, medicare.prior_auth_required) == (False, True, False)
    for kind in ("uhc", "cigna", "aetna", "bcbs", "other", "medicaid"):
        record = PayerBook().record(kind, None, day)
        names = "covered prior_auth_required x_modifiers laterality_modifiers accepts_22 gc accepts_without_base"
        assert all(getattr(record, name) is None for name in names.split())


def test_a_plan_s_record_goes_before_the_payer_s():
    day = dt.date(2026, 3, 2)
    assert "CG-RAD-31" in PayerBook().record("bcbs", "Anthem Blue Cross", day).source
    assert "eviCore" in PayerBook().record("bcbs", "Some other plan", day).notes


def test_dated_records_of_a_site_change_on_their_day():
    content = {
        "kind": "uhc",
        "record": [
            {"to": dt.date(2025, 12, 31), "source": "letter", "checked_on": dt.date(2025, 5, 1), "x_modifiers": False},
            {"from": dt.date(2026, 1, 1), "source": "letter", "checked_on": dt.date(2026, 1, 5), "x_modifiers": True},
        ],
    }
    book = PayerBook((read_payer_table(content, name="uhc.toml"),))
    assert book.record("uhc", None, dt.date(2025, 12, 31)).x_modifiers is False
    assert book.record("uhc", None, dt.date(2026, 1, 1)).x_modifiers is True
    assert book.record("uhc", None, dt.date(2026, 1, 1)).notes  # what the site does not say stays the shipped word
    with pytest.raises(TableError, match=r"uhc\.toml.*covered"):
        read_payer_table({"kind": "uhc", "record": [{**content["record"][0], "covered": "maybe"}]}, name="uhc.toml")
