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
from msgspec.structs import replace

from billing.audit import audit
from billing.charge import draft, identity_of
from billing.decide import decide
from billing.errors import MessageHole, TableError
from billing.facts import Pair, PayerKind, read_facts
from billing.ledger import Actor, Ledger, MemoryStore
from billing.messages import csv as csv_message
from billing.messages import fhir
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
    kept = replace(confirmed(service__completion="reduced"), diagnoses=("I71.43", "K55.1"))
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
        ("state", {"state": "void"}, {}),
        ("patient", {}, {"patient": ""}),
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
