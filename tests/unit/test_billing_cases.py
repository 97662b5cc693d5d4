"""Cases of a coding office (`tests/cases/*.json`, in the form of the published ones), and that they see every rule.

A rule that is switched off, or that says "pass" whatever it is asked, must fail at least one of them.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

import billing.decide
from billing.decide import Answer, decide
from billing.explain import explain
from billing.facts import read_facts
from billing.rules.book import RULES
from billing.rules.modifiers import SLOTS
from billing.rules.rule import Rule, idle

FOLDER = Path(__file__).resolve().parents[1] / "cases"
FILES = sorted(p for p in FOLDER.glob("*.json") if p.name != "billing_base.json")
CASES: dict[str, list[dict[str, Any]]] = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in FILES}
ALL = [case for cases in CASES.values() for case in cases]
ORDER = [rule.id for rule in RULES]
# rules that only say what was found: they attach, allow or warn
SAY = {
    *("R-IW-01", "R-IW-02", "R-TQ-00", "R-OR-03", "R-CP-01", "R-CP-02", "R-CP-03", "R-CP-04", "R-CP-09", "R-GC-01"),
    *("R-NC-03", "R-NC-06", "R-MD-52", "R-MD-53", "R-MD-22", "R-MD-59", "R-MD-76", "R-MD-77", "R-MD-RL", "R-MD-AB"),
}


def wrong(case: dict[str, Any], found: Answer) -> str:
    """What an answer has against what its case expects; "" when nothing."""
    wanted = case["expect"]
    if (found.decision, found.code, list(found.modifiers)) != (
        wanted["decision"],
        wanted["code"],
        wanted["modifiers"],
    ):
        held = [(r.rule, r.text) for r in found.reasons if r.outcome != "pass"]
        return f"{case['name']}: {found.decision} {found.code} {found.modifiers} {held}"
    fired = {r.rule for r in found.reasons if found.decision == "bill" or r.outcome == found.decision}
    if wanted["rules_any"] and not fired & set(wanted["rules_any"]):
        return f"{case['name']}: none of {wanted['rules_any']} in {sorted(fired)}"
    asked = {q.field for q in found.questions}
    if wanted["questions_any"] and not asked & set(wanted["questions_any"]):
        return f"{case['name']}: none of {wanted['questions_any']} in {sorted(asked)}"
    return ""


@pytest.mark.parametrize("topic", sorted(CASES))
def test_the_cases_of_a_topic(topic: str) -> None:
    answers = [(case, decide(read_facts(case["facts"]))) for case in CASES[topic]]
    assert [w for case, found in answers if (w := wrong(case, found))] == []
    for case, found in answers:
        sound(case["name"], found)


def sound(name: str, found: Answer) -> None:
    """What holds for every answer."""
    outcomes = {r.outcome for r in found.reasons}
    worst = "reject" if "reject" in outcomes else "hold" if "hold" in outcomes else "bill"
    assert found.decision == worst, name
    seen = list(dict.fromkeys(r.rule for r in found.reasons))
    assert seen == [rule for rule in ORDER if rule in seen], name
    fields = [q.field for q in found.questions]
    assert len(fields) == len(set(fields)), name
    asking = [ORDER.index(q.rule) for q in found.questions]
    assert asking == sorted(asking), name
    assert (found.units, bool(found.questions)) == (1, False) if worst == "bill" else found.units == 0, name
    slots = [m for slot in SLOTS for m in slot]
    assert list(found.modifiers) == sorted(set(found.modifiers), key=slots.index), name
    assert len(found.modifiers) <= 4, name
    assert all(r.text.endswith(".") and r.source for r in found.reasons), name
    # a biller reads these: no path of a field, no doubled stop, every question asks or says what to do
    assert not [r.text for r in found.reasons if re.search(r"\w\[\d|facts\.|  |\.\.$", r.text)], name
    assert all(q.ask.endswith(("?", ".")) for q in found.questions), name
    lines = explain(found)
    assert len(lines) >= 2, name
    assert not [line for line in lines if "facts.reference" in line], name
    if worst == "bill":
        assert sum(line.endswith(": 26.") for line in lines) == ("26" in found.modifiers), name


def test_names_are_unique_and_every_case_says_why() -> None:
    names = [case["name"] for case in ALL]
    assert len(names) == len(set(names)) > 500
    assert all(case["why"] and case["facts"]["facts_id"] == case["name"] for case in ALL)


def by_rule() -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for case in ALL:
        for rule in case["expect"]["rules_any"]:
            found[rule].append(case)
    return found


NAMED = by_rule()


@pytest.mark.parametrize("rule", ORDER)
def test_every_rule_has_a_case_that_passes_it_and_one_that_fails_it(rule: str) -> None:
    """A rule that only says what was found is named by a bill, every other by a hold or a reject."""
    decisions = {case["expect"]["decision"] for case in NAMED[rule]}
    assert decisions & ({"bill"} if rule in SAY else {"hold", "reject"})
    billed = next(case for case in ALL if case["expect"]["decision"] == "bill" and case not in NAMED[rule])
    assert {r.outcome for r in decide(read_facts(billed["facts"])).reasons if r.rule == rule} == {"pass"}


def failing(rules: tuple[Rule, ...], cases: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(billing.decide, "RULES", rules)
    return [w for case in cases if (w := wrong(case, decide(read_facts(case["facts"]))))]


@pytest.mark.parametrize("rule", ORDER)
def test_a_rule_that_is_switched_off_is_missed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert failing(tuple(r for r in RULES if r.id != rule), NAMED[rule], monkeypatch)


@pytest.mark.parametrize("rule", [rule for rule in ORDER if rule not in SAY])
def test_a_rule_that_always_passes_is_missed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def asleep(_: object) -> object:
        return idle("Asleep.")

    rules = tuple(msgspec.structs.replace(r, check=asleep) if r.id == rule else r for r in RULES)
    assert failing(rules, NAMED[rule], monkeypatch)


@pytest.mark.parametrize("modifier", [m for slot in SLOTS for m in slot if m not in {"XP", "XU"}])
def test_every_modifier_is_reached(modifier: str) -> None:
    """XP and XU are a coder's to add, never the program's."""
    assert any(modifier in case["expect"]["modifiers"] for case in ALL)
    assert not any({"XP", "XU"} & set(case["expect"]["modifiers"]) for case in ALL)
