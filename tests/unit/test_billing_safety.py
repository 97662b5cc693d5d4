"""What must hold whatever the facts are: nothing forgotten makes a charge, and order does not decide.

The facts are drawn field by field from values on both sides of every rule, with the sound value more likely, so that
cases near a bill are common.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import billing.decide
from billing.audit import audit
from billing.charge import draft, identity_of
from billing.decide import Answer, answer_to_builtins, decide
from billing.errors import BillingError
from billing.explain import explain
from billing.facts import Facts, Pair, UnitLimit, facts_to_builtins, read_facts
from billing.icd import IcdCode
from billing.reference.tables import IcdVersion, PairVersion, References, TaxonomyVersion, UnitVersion
from billing.rules.book import RULES
from tests.unit.test_billing_cases import ALL, sound

READER, OTHER_READER = "1234567893", "1444555662"
DAYS = ["2026-03-02", "2026-03-02", "2026-03-02", "2025-12-31", "2022-09-30", "2017-01-01", "2005-12-31", None]
YES = [True, True, True, False, None]
NO = [False, False, False, True, None]
THREE = [True, False, None]

# every field with its values; the first is the sound one
FIELDS: dict[str, list[Any]] = {
    "as_of": ["2026-03-10", "2027-03-03", "2026-03-01"],
    "payer.kind": ["medicare", "medicare_advantage", "uhc", "aetna", "self_pay", None],
    "payer.auth_number": [None, "A1"],
    "payer.covered": [None, True, False],
    "payer.prior_auth_required": [None, False, True],
    "payer.x_modifiers": [None, True, False],
    "payer.laterality_modifiers": [None, True, False],
    "payer.accepts_22": [None, True, False],
    "payer.gc": [None, True, False],
    "payer.accepts_without_base": [None, True, False],
    "service.date": DAYS,
    "service.purpose": ["surgical_planning", "diagnosis", "needle_mapping", "research", "teaching", None],
    "service.completion": ["complete", "reduced", "discontinued", None],
    "service.interpretable": [None, True, False],
    "service.discontinued_reason": [None, "patient_wellbeing", "technical"],
    "service.increased_work": [None, True],
    "claim.form": ["professional", "institutional", None],
    "claim.pos": ["22", "11", "19", "21", "23", "24", "2", None],
    "claim.bills_reader": YES,
    "claim.owns_equipment": NO,
    "claim.same_locality": YES,
    "claim.tc_purchased": NO,
    "claim.off_campus": ["no", "excepted", "nonexcepted", None],
    "providers.rendering_npi": [READER, OTHER_READER, "1234567890", None],
    "providers.rendering_taxonomy": ["2085R0202X", "2085R0200X", "207RH0000X", None],
    "providers.billing_npi": ["1999888773", "1999888770", None],
    "providers.resident_involved": NO,
    "providers.teaching_attested": [True, False, None],
    "order.three_d_ordered": YES,
    "order.ordering_npi": [OTHER_READER, None],
    "order.urgent_exception_documented": THREE,
    "rendering.techniques": [["VR", "MPR"], ["MIP_SLAB"], ["MPR"], [], None],
    "rendering.target": ["organ", "vascular", "bone", None],
    "rendering.anatomy": ["abdomen_pelvis", "chest", " ", None],
    "workstation.kind": ["dedicated", "scanner_console", None],
    "supervision.physician_npi": [READER, OTHER_READER, None],
    "supervision.region_designed": YES,
    "supervision.tissue_selected": YES,
    "supervision.images_selected": YES,
    "supervision.product_monitored": YES,
    "supervision.concurrent": YES,
    "images.archived": [3, 0, None],
    "images.acknowledged": YES,
    "report.status": ["final", "addendum", "preliminary", "retracted", None],
    "report.signed_by_npi": [READER, OTHER_READER, None],
    "report.three_d_findings": YES,
    "report.technique_stated": YES,
    "report.workstation_stated": YES,
    "report.supervision_stated": YES,
    "report.necessity_stated": THREE,
    "report.increased_work_documented": THREE,
    "dx_confirmed": YES,
    "laterality.order": ["not_applicable", "right", "left", "bilateral", None],
    "laterality.report": ["not_applicable", "right", "left", "bilateral", None],
    "distinct.session": ["separate", "same", None],
    "distinct.anatomy_contiguous": [False, True, None],
    "distinct.repeat_necessity_documented": THREE,
    "abn.expected_denial": ["none", "not_necessary", "excluded", None],
    "abn.signed": [None, "none", "required", "voluntary"],
}
CODES = ["74177", "74176", "71250", "74174", "70553", "71271", "75577", "76999", "76377", "74174-26", "34839", None]
BESIDE = ["78815", "78815", "61783", "34839", "G0288", "76376", "76377-26", None]
STUDY = {
    "code": CODES,
    "modality": ["CT", "CT", "MR", "XR", None],
    "date": [None, "2026-03-02", "2026-02-20"],
    "source": [True, True, False, None],
    "angiographic": NO,
    "performed_by": ["same", "same", "other", None],
    "includes_3d": [None, False, True],
    "same_anatomy": THREE,
    "same_session": THREE,
}
OTHER = {"code": BESIDE, "same_anatomy": THREE, "same_session": THREE, "same_provider": [True, None, False]}
CHARGE = {
    "charge_id": ["C1", "C2", None],
    "date": [None, "2026-03-02", "2026-03-01"],
    "code": ["76377", "76377", "76376", "74177", None],
    "component": ["26", "TC", "global", "institutional", None],
    "anatomy": ["abdomen_pelvis", "chest", "ankle", None],
    "rendering_npi": [READER, OTHER_READER, None],
    "state": ["sent", "confirmed", "void", "rejected", "replaced", None],
}
PAIR = {
    "column1": ["78815", "61783", "74177", "76377"],
    "column2": ["76377", "76377", "76376", "78815"],
    "indicator": ["1", "1", "0", "9", 1, 0],
    "from": [None, "2020-01-01", "2026-03-03"],
    "to": [None, None, "2026-03-02", "2025-12-30"],
}
DX = {
    "code": ["I71.43", "I71.4", "I82.401", "I82.402", "I82.403", "M48.06", "C78.7", "bad", None],
    "label": [None, "AAA, ruptured", "unilateral", "left"],
}


def rows(fields: dict[str, list[Any]], **size: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({k: st.sampled_from(v) for k, v in fields.items()}), **size)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Facts of one case as JSON."""
    found: dict[str, Any] = {"schema": "renderdesk.facts/1", "facts_id": "drawn"}
    odd = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=4))
    for path, values in FIELDS.items():
        *way, last = path.split(".")
        place = found
        for step in way:
            place = place.setdefault(step, {})
        place[last] = draw(st.sampled_from(values)) if path in odd else values[0]
    study = {k: v[0] for k, v in STUDY.items()}
    found["base"] = draw(
        st.one_of(
            *[st.just([study])] * 3,
            rows(STUDY, max_size=3),
            rows(STUDY, min_size=1, max_size=2).map(lambda r: [study, *r]),
            st.none(),
        )
    )
    found["other_codes"] = draw(st.one_of(st.just([]), rows(OTHER, max_size=3), st.none()))
    found["ledger"] = draw(st.one_of(st.just([]), rows(CHARGE, max_size=3), st.none()))
    found["dx"] = draw(st.one_of(st.just([{"code": "I71.43", "label": None}]), rows(DX, max_size=3), st.none()))
    ptp = draw(st.one_of(st.just([]), rows(PAIR, max_size=4), st.none()))
    found["reference"] = {"ptp": ptp}
    if draw(st.booleans()):
        limit = {"value": draw(st.sampled_from([2, 1, 3, 0])), "mai": draw(st.sampled_from([3, 2, 1]))}
        found["reference"]["mue"] = {"76377": limit}
    return found


# O and P fields, and what only holds a place
FREE = {"schema", "facts_id", "as_of", "patient", "reference", "label", "order_id", "basis", "charge_id", "id"}
FREE |= {"increased_work", "increased_work_documented", "expected_denial", "accession", "base_accession"}
PAYER_POLICY = {k.split(".")[1] for k in FIELDS if k.startswith("payer.")} - {"kind"}


def needed(document: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The places of all N and C facts that are stated.

    `source` of a single study is the page's exception. `interpretable` is a C fact of a discontinued service: one that
    was reduced is not asked for it.
    """

    def walk(inner: Any, at: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        for key, value in inner.items() if isinstance(inner, dict) else enumerate(inner):
            place = (*at, key)
            if key in FREE or (at == ("payer",) and key in PAYER_POLICY):
                continue
            if key == "source" and len(document["base"]) == 1:
                continue
            if place == ("service", "interpretable") and document["service"]["completion"] != "discontinued":
                continue
            listed = isinstance(inner, list) and isinstance(value, dict)
            if value is not None and place != ("abn",) and not listed and at != ("rendering", "techniques"):
                yield place
            if isinstance(value, dict | list):
                yield from walk(value, place)

    return walk(document, ())


def without(document: dict[str, Any], place: tuple[Any, ...]) -> dict[str, Any]:
    found = copy.deepcopy(document)
    inner: Any = found
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = None
    return found


def decided(document: dict[str, Any]) -> Answer:
    return decide(read_facts(document))


SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SLOW
@given(documents())
def test_forgetting_a_fact_never_makes_a_charge(document: dict[str, Any]) -> None:
    if decided(document).decision == "bill":
        return
    for place in needed(document):
        assert decided(without(document, place)).decision != "bill", place


@pytest.mark.parametrize("case", [c for c in ALL if c["expect"]["decision"] != "bill"][::3], ids=lambda c: c["name"])
def test_forgetting_a_fact_never_makes_a_charge_of_the_office_s_cases(case: dict[str, Any]) -> None:
    for place in (
        needed({"base": None, **case["facts"]}) if case["facts"].get("base") is None else needed(case["facts"])
    ):
        assert decided(without(case["facts"], place)).decision != "bill", place


@settings(SLOW, max_examples=80)
@given(documents())
def test_an_answer_is_whole_and_reads_back(document: dict[str, Any]) -> None:
    facts = read_facts(document)
    assert read_facts(json.loads(json.dumps(facts_to_builtins(facts)))) == facts
    found = decide(facts)
    sound("drawn", found)
    assert not {"50", "51", "73", "74", "CT", "FX", "QQ", "XP", "XU"} & set(found.modifiers)
    assert "CPT only" not in " ".join(explain(found))
    json.dumps(answer_to_builtins(found), allow_nan=False)
    if found.decision == "bill":
        assert_billable(facts, found)


def assert_billable(facts: Facts, found: Answer) -> None:
    """The facts of a bill, looked at once more in another way than the rules do."""
    assert facts.service.date is not None
    assert dt.date(2006, 1, 1) <= facts.service.date <= found.as_of
    assert facts.workstation.kind is not None
    assert found.code == ("76376" if facts.workstation.kind == "scanner_console" else "76377")
    assert {"VR", "SSD", "MIP_3D", "MINIP_3D", "ENDO_3D"} & set(facts.rendering.techniques or ())
    acts = facts.supervision
    assert acts.region_designed
    assert acts.tissue_selected
    assert acts.images_selected
    assert acts.product_monitored
    assert acts.concurrent
    assert acts.physician_npi == facts.providers.rendering_npi == facts.report.signed_by_npi
    assert facts.report.status in {"final", "addendum"}
    assert facts.images.archived
    assert facts.images.acknowledged
    sources = [b for b in facts.base or () if b.source or len(facts.base or ()) == 1]
    assert sources
    assert not {b.code for b in sources} & {"74174", "34839", None, "76377", "74174-26"}
    assert facts.dx
    assert facts.dx_confirmed
    assert all(d.code for d in facts.dx)
    assert facts.laterality.order == facts.laterality.report is not None
    component = {"26", "TC"} & set(found.modifiers)
    if facts.claim.form == "institutional":
        assert not component
        assert not {"53", "GC"} & set(found.modifiers)
    else:
        assert not {"PO", "PN"} & set(found.modifiers)
        assert ("26" in component) == bool(
            facts.claim.bills_reader and (facts.claim.pos != "11" or not facts.claim.owns_equipment)
        )
    if facts.payer.kind == "medicare":
        assert not {"22", "RT", "LT", "59"} & set(found.modifiers)
    else:
        assert not {"GA", "GX", "GY", "GZ", "PO", "PN"} & set(found.modifiers)


@settings(SLOW, max_examples=60)
@given(documents(), st.sampled_from(["78815", "61783"]), st.sampled_from([True, None]))
def test_no_modifier_ever_follows_from_an_indicator_0_pair(
    document: dict[str, Any], code: str, provider: object
) -> None:
    assume((document["service"]["date"] or "") >= "2006-01-01")
    day, column2 = (
        document["service"]["date"],
        "76376" if document["workstation"]["kind"] == "scanner_console" else "76377",
    )
    pair = {"column1": code, "column2": column2, "indicator": "0", "from": day, "to": day}
    other = {"code": code, "same_anatomy": False, "same_session": False, "same_provider": provider}
    document["reference"]["ptp"] = [*(document["reference"]["ptp"] or ()), pair]
    document["other_codes"] = [*(document["other_codes"] or ()), other]
    found = decided(document)
    assert found.modifiers == ()
    assert found.decision == ("reject" if document["workstation"]["kind"] else found.decision) != "bill"


def gist(found: Answer) -> tuple[object, ...]:
    """What may not depend on any order."""
    outcomes = {(r.rule, r.outcome) for r in found.reasons}
    return found.decision, found.code, found.modifiers, found.units, outcomes, {w.id for w in found.warnings}


@settings(SLOW, max_examples=50)
@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_lists_does_not_decide(document: dict[str, Any], chance: Any) -> None:
    before = gist(decided(document))
    for name in ("base", "other_codes", "ledger", "dx"):
        if document[name]:
            chance.shuffle(document[name])
    for inner, name in ((document["reference"], "ptp"), (document["rendering"], "techniques")):
        if inner[name]:
            inner[name] = chance.sample(inner[name], len(inner[name]))
    assert gist(decided(document)) == before
    assert gist(decided(dict(reversed(document.items())))) == before


@settings(SLOW, max_examples=40)
@given(documents(), st.permutations(RULES))
def test_the_order_of_rules_does_not_decide(document: dict[str, Any], rules: list[Any]) -> None:
    before = gist(decided(document))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(billing.decide, "RULES", tuple(rules))
        assert gist(decided(document)) == before


@settings(SLOW, max_examples=40)
@given(documents())
@example({"schema": "renderdesk.facts/1"})
def test_a_charge_is_explained_and_decided_again_whatever_it_was(document: dict[str, Any]) -> None:
    facts = read_facts({**document, "patient": {"id": "P1"}})
    found = decide(facts)
    try:
        charge = draft(facts, found, identity_of(facts, study_uid="1.2.3"))
    except BillingError:
        return
    assert found.decision == "bill"
    again = audit(charge)
    assert again.untouched
    assert again.differences == ()
    assert explain(again.then) == explain(again.now) == explain(found)


def tables() -> References:
    """Imported tables of several years, with a pair of each indicator, a limit, headers and an accepted taxonomy."""
    day = dt.date
    pairs = tuple(
        Pair(column1=one, column2=two, indicator=indicator, since=since, until=until)
        for one, two, indicator, since, until in (
            ("78815", "76377", "1", day(2020, 1, 1), None),
            ("61783", "76377", "0", None, day(2026, 3, 2)),
            ("74177", "76377", "9", None, None),
        )
    )
    codes = {
        code: IcdCode(code, billable, None, None, title)
        for code, billable, title in (
            ("I71.4", False, "Abdominal aortic aneurysm, without rupture"),
            ("I71.43", True, "Infrarenal abdominal aortic aneurysm, without rupture"),
            ("I82.401", True, "Acute embolism of unspecified deep veins of right lower extremity"),
        )
    }
    return References(
        pairs=tuple(PairVersion(f"p{y}", day(y, 1, 1), "professional", pairs) for y in (2017, 2026)),
        units=(UnitVersion("u", day(2022, 1, 1), "professional", {"76377": UnitLimit(value=1, mai=3)}),),
        icd=tuple(IcdVersion(f"i{y}", day(y, 10, 1), codes) for y in (2016, 2025)),
        taxonomy=(TaxonomyVersion("t", day(2015, 7, 1), frozenset({"207RE0101X"})),),
    )


@settings(SLOW, max_examples=60)
@given(documents(), st.sampled_from(["0001-01-01", "2016-02-29", "2026-03-02", "9999-12-31", None]))
def test_imported_tables_of_any_age_are_used_without_a_false_bill(document: dict[str, Any], date: str | None) -> None:
    document["service"]["date"] = date
    imported, facts = tables(), read_facts(document)
    found = decide(facts, references=imported, as_of=dt.date(2026, 3, 10))
    sound("drawn", found)
    for name in ("other_codes", "dx", "ledger"):
        less = read_facts({**document, name: None})
        if found.decision != "bill":
            assert decide(less, references=imported, as_of=dt.date(2026, 3, 10)).decision != "bill"
    if found.decision == "bill" and date == "2026-03-02":
        assert not {d.code for d in facts.dx or ()} & {"I71.4", "bad", "C78.7"}  # not in the file of the day
