"""What an auditor found: codes with something stuck to them, hidden ledger rows, denied ruptures, false sides."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any

import pytest

from billing import icd
from billing.decide import Answer, decide
from billing.facts import LedgerEntry, read_facts
from billing.reference.tables import IcdVersion, References

SOUND: dict[str, Any] = {
    "schema": "renderdesk.facts/1",
    "as_of": "2026-03-10",
    "patient": {"id": "P1", "issuer": "SITE"},
    "payer": {"kind": "medicare"},
    "service": {"date": "2026-03-02", "purpose": "surgical_planning", "completion": "complete"},
    "claim": {"form": "professional", "pos": "22", "owns_equipment": False, "bills_reader": True},
    "providers": {
        "rendering_npi": "1234567893",
        "rendering_taxonomy": "2085R0202X",
        "billing_npi": "1999888773",
        "resident_involved": False,
    },
    "order": {"three_d_ordered": True, "ordering_npi": "1444555662"},
    "base": [{"code": "74177", "modality": "CT", "date": "2026-03-02", "source": True, "performed_by": "same"}],
    "rendering": {"techniques": ["VR"], "target": "organ", "anatomy": "abdomen_pelvis"},
    "workstation": {"kind": "dedicated"},
    "supervision": {
        "physician_npi": "1234567893",
        "region_designed": True,
        "tissue_selected": True,
        "images_selected": True,
        "product_monitored": True,
        "concurrent": True,
    },
    "images": {"archived": 3, "acknowledged": True},
    "report": {
        "status": "final",
        "signed_by_npi": "1234567893",
        "three_d_findings": True,
        "technique_stated": True,
        "workstation_stated": True,
        "supervision_stated": True,
    },
    "dx": [{"code": "I71.43"}],
    "dx_confirmed": True,
    "laterality": {"order": "not_applicable", "report": "not_applicable"},
    "other_codes": [],
    "ledger": [],
}
CHARGE: dict[str, Any] = {
    "charge_id": "C1",
    "date": "2026-03-02",
    "code": "76377",
    "component": "26",
    "anatomy": "abdomen_pelvis",
    "rendering_npi": "1234567893",
    "state": "sent",
}


def changed(**changes: Any) -> dict[str, Any]:
    facts = copy.deepcopy(SOUND)
    for path, value in changes.items():
        group, _, field = path.partition("__")
        if field:
            facts.setdefault(group, {})[field] = value
        else:
            facts[group] = value
    made: dict[str, Any] = json.loads(json.dumps(facts))
    return made


def asked(**changes: Any) -> Answer:
    return decide(read_facts(changed(**changes)))


def outcomes(answer: Answer, rule: str) -> set[str]:
    return {r.outcome for r in answer.reasons if r.rule == rule}


def source(code: str) -> list[dict[str, Any]]:
    return [{**SOUND["base"][0], "code": code, "includes_3d": False}]


def test_the_sound_case_is_billable() -> None:
    assert asked().decision == "bill"


@pytest.mark.parametrize("code", ["74174 ", " 74174", "74174-26", "74174,26", "CPT 74174", "g0279", "7417", "76377"])
def test_a_source_code_that_is_no_bare_code_is_not_waved_through(code: str) -> None:
    """Class A with a modifier stuck to it, and the facts swear that it contains no 3D."""
    answer = asked(base=source(code))
    assert answer.decision == "hold"
    assert outcomes(answer, "R-BS-04") == {"hold"}
    assert "base[0].code" in {q.field for q in answer.questions}


def test_a_source_in_no_class_stays_billable_when_looked_up() -> None:
    assert asked(base=source("0042T")).decision == "bill"


def test_a_neighbour_named_as_the_source_is_a_neighbour() -> None:
    answer = asked(base=source("G0288"))
    assert answer.decision == "hold"
    assert outcomes(answer, "R-NB-01") == {"hold"}


@pytest.mark.parametrize("code", ["78452 ", "78452-26", "g0288", "34839 ", "76377-26", "76376-TC", ""])
def test_another_code_of_the_day_must_be_a_bare_code(code: str) -> None:
    """Each of these would match no edit, no neighbour and no family."""
    other = {"code": code, "same_anatomy": True, "same_session": True, "same_provider": True}
    answer = asked(other_codes=[other], reference={"ptp": []})
    assert answer.decision == "hold"
    assert outcomes(answer, "R-NC-05") == {"hold"}
    assert "other_codes[0].code" in {q.field for q in answer.questions}


def test_a_3d_code_among_the_studies_belongs_into_the_ledger() -> None:
    beside = {"code": "76376", "modality": "CT", "source": False, "performed_by": "same"}
    answer = asked(base=[*SOUND["base"], beside], reference={"ptp": []})
    assert answer.decision == "hold"
    assert outcomes(answer, "R-LG-05") == {"hold"}


@pytest.mark.parametrize("code", ["76377-26", "76377 ", "3D"])
def test_a_ledger_row_with_a_broken_code_is_still_a_charge(code: str) -> None:
    answer = asked(ledger=[{**CHARGE, "code": code}], distinct={"session": "same"})
    assert answer.decision == "reject"
    assert outcomes(answer, "R-LG-01") == {"reject"}


@pytest.mark.parametrize("told", [{"state": "void"}, {"anatomy": "ankle"}, {"component": "TC"}, {"date": "2026-03-01"}])
def test_facts_cannot_hide_a_charge_of_the_own_ledger(told: dict[str, Any]) -> None:
    """The same id, told as void, as of another region, part or day: the own ledger still stands."""
    distinct = {"session": "same", "anatomy_contiguous": False}
    facts = read_facts(changed(ledger=[{**CHARGE, **told}], distinct=distinct))
    own = LedgerEntry(**{**CHARGE, "date": dt.date(2026, 3, 2)})
    assert decide(facts, own_ledger=[own]).decision == "reject"


def test_a_charge_that_both_lists_tell_of_is_one_unit() -> None:
    distinct = {"session": "separate"}
    facts = read_facts(changed(ledger=[{**CHARGE, "anatomy": "ankle"}], distinct=distinct))
    own = LedgerEntry(**{**CHARGE, "date": dt.date(2026, 3, 2), "anatomy": "ankle", "state": "acknowledged"})
    answer = decide(facts, own_ledger=[own])
    assert (answer.decision, answer.modifiers) == ("bill", ("26", "XE"))


@pytest.mark.parametrize(
    "words",
    [
        "without evidence of rupture",
        "no evidence of rupture",
        "negative for rupture",
        "without any sign of rupture",
        "not ruptured",
        "nonruptured",
        "non-ruptured",
        "unruptured",
        "w/o rupture",
        "without mention of rupture",
        "has not been ruptured",
    ],
)
def test_a_denied_rupture_is_no_rupture(words: str) -> None:
    assert icd.meaning(f"abdominal aortic aneurysm, {words}").ruptured is False
    held = asked(dx=[{"code": "I71.33", "label": f"AAA, {words}"}])
    assert outcomes(held, "R-DX-03") == {"hold"}
    assert asked(dx=[{"code": "I71.43", "label": f"AAA, {words}"}]).decision == "bill"


@pytest.mark.parametrize("words", ["ruptured", "contained rupture", "with rupture", "no pain, ruptured"])
def test_a_stated_rupture_is_a_rupture(words: str) -> None:
    assert icd.meaning(f"aneurysm {words}").ruptured is True


@pytest.mark.parametrize("words", ["lumbosacral stenosis", "Lumbo-sacral stenosis", "lumbo sacral stenosis"])
def test_lumbosacral_in_any_spelling_is_not_lumbar(words: str) -> None:
    assert outcomes(asked(dx=[{"code": "M48.061", "label": words}]), "R-DX-03") == {"hold"}


@pytest.mark.parametrize(
    ("code", "title", "side"),
    [
        ("R10.31", "Right lower quadrant pain", None),
        ("I50.1", "Left ventricular failure, unspecified", None),
        ("I50.814", "Right heart failure due to left heart failure", None),
        ("M17.11", "Unilateral primary osteoarthritis, right knee", "right"),
    ],
)
def test_a_quadrant_or_a_chamber_is_no_examined_side(code: str, title: str, side: str | None) -> None:
    """With the official file imported, pain in a quadrant must not hold a CT that has no side."""
    assert icd.meaning(title).side == side
    file = IcdVersion(
        "icd10cm_order_2026.txt",
        dt.date(2025, 10, 1),
        {code: icd.IcdCode(code, True, dt.date(2025, 10, 1), None, title)},
    )
    answer = decide(read_facts(changed(dx=[{"code": code}])), references=References(icd=(file,)))
    assert ("hold" in outcomes(answer, "R-DX-04")) is (side is not None)


@pytest.mark.parametrize("words", ["Abdomen pelvis", "abdomen-pelvis", " ABDOMEN_PELVIS ", "abdomen  pelvis"])
def test_one_anatomy_in_another_spelling_is_the_same_anatomy(words: str) -> None:
    """Otherwise a repeat of the same region passes as another region, with XE in the place of 76."""
    again = {"session": "separate", "repeat_necessity_documented": True}
    answer = asked(ledger=[{**CHARGE, "anatomy": words}], distinct=again)
    assert (answer.decision, answer.modifiers) == ("bill", ("26", "76"))
    twice = asked(ledger=[{**CHARGE, "anatomy": words}], distinct={"session": "same", "anatomy_contiguous": False})
    assert outcomes(twice, "R-LG-01") == {"reject"}
