"""Whatever stands in the facts: they are decided, or refused with a path inside them; nothing else happens."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.decide import answer_to_builtins, decide
from billing.errors import FactsError
from billing.explain import explain
from billing.facts import read_facts

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
FULL = copy.deepcopy(BASE)
FULL["base"].append({**BASE["base"][0], "source": False, "code": "71250"})
FULL["other_codes"] = [{"code": "78815", "same_anatomy": False, "same_session": True, "same_provider": True}]
FULL["ledger"] = [
    {"charge_id": "C1", "date": "2026-03-02", "code": "76377", "component": "TC", "anatomy": "x", "state": "sent"}
]
FULL["reference"] = {
    "ptp": [{"column1": "78815", "column2": "76377", "indicator": "1", "from": "2020-01-01", "to": None}],
    "mue": {"76377": {"value": 2, "mai": 3}},
    "icd10cm": {"I71.43": {"billable": True, "from": None, "to": None}},
}


def places(document, at=()):
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from places(value, (*at, key))


ODD = (
    *["", " ", "76377", "76376", "74174", "I71.4", "I82.403", "0001-01-01", "9999-12-31", "2024-02-29", "22", "11"],
    *["1234567893", "١٢٣٤٥٦٧٨٩٠", "left", "right", "reject", "\x00", "A" * 400, "G0288", "2085R0202X"],
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(ODD),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(places(FULL), key=str)), JSON), min_size=1, max_size=3))
def test_any_value_in_any_place(changes):
    document = copy.deepcopy(FULL)
    for way, value in changes:
        place = document
        try:
            for step in way[:-1]:
                place = place[step]
            place[way[-1]] = value
        except (TypeError, KeyError, IndexError):  # an earlier change took the place away
            continue
    try:
        facts = read_facts(document)
    except FactsError as refused:
        named(refused)
        return
    answered(facts)


@pytest.mark.parametrize("way", sorted(places(FULL), key=str), ids=str)
def test_every_odd_value_in_every_place(way):
    for value in (*ODD, None, True, 0, -1, 10**30, [], {}, [None]):
        document = copy.deepcopy(FULL)
        place = document
        for step in way[:-1]:
            place = place[step]
        place[way[-1]] = value
        try:
            facts = read_facts(document)
        except FactsError as refused:
            named(refused)
        else:
            answered(facts)


def named(refused):
    assert refused.path.startswith("facts")
    assert refused.sentence.endswith(".")


def answered(facts):
    found = decide(facts)
    json.dumps(answer_to_builtins(found), allow_nan=False)
    assert len(explain(found)) >= 2
    assert (found.decision == "bill") == (found.units == 1)
    assert {r.outcome for r in found.reasons} >= ({found.decision} - {"bill"})
    if found.decision == "hold":
        assert found.questions
    assert len({q.field for q in found.questions}) == len(found.questions)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_json_at_all(value):
    try:
        read_facts(value)
    except FactsError as refused:
        named(refused)
    else:
        raise AssertionError("only the format is facts")
