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


# facts on which a second rule rightly has the same opinion
BESIDE = {
    "or-no-pos-null": {"R-CP-05"},
    "np-rendering_npi-null": {"R-SV-04", "R-RP-03"},
    "bs-null-includes": {"R-BS-04"},
}


# what is open in a case that is rejected all the same
OPEN = {
    "bs-none-is-source": {"R-NC-05"},
    "bs-xr-own-code": {"R-BS-04"},
    "bs-unknown-true": {"R-BS-04"},
    "bs-null-includes": {"R-BS-04"},
    "d-null-and-cta": {"R-DT-04"},
    "d-2011-12-31-cta": {"R-BS-06"},
    "in-34839": {"R-NB-01"},
    "lg-one-dup-of-two": {"R-MU-01"},
    "py-not-covered-cta": {"R-PY-03"},
    "sv-false-and-null": {"R-SV-02"},
}


@pytest.mark.parametrize("topic", sorted(CASES))
def test_a_case_made_to_break_one_rule_breaks_no_other(topic: str) -> None:
    """Of a hold nothing else holds; of a reject nothing else rejects, and nothing is asked that does not matter."""
    for case in CASES[topic]:
        found = decide(read_facts(case["facts"]))
        if found.decision != "bill":
            fired = {r.rule for r in found.reasons if r.outcome == found.decision}
            assert fired - BESIDE.get(case["name"], set()) == set(case["expect"]["rules_any"]), case["name"]
        if found.decision == "reject":
            held = {r.rule for r in found.reasons if r.outcome == "hold"}
            assert held == OPEN.get(case["name"], set()), case["name"]


def test_nothing_in_the_trace_calls_an_indicator_0_pair_distinct() -> None:
    for case in CASES["pairs"]:
        found = decide(read_facts(case["facts"]))
        if any(r.rule == "R-NC-01" and r.outcome == "reject" for r in found.reasons) and case["name"] != "nc-two-codes":
            assert not [r.text for r in found.reasons if "shown by a modifier" in r.text], case["name"]


# case -> warnings beside the one that says what is not known of the payer
WARNED = {
    "py-null": set(),
    "py-self_pay": {"W-PY-02"},
    "py-medicare_advantage": set(),
    "or-necessity-22": {"W-OR-03"},
    "or-null-urgent": {"W-OR-03"},
    "or-ordered": set(),
    "or-ordered-and-necessary": set(),
    "dx-not-checked": {"W-DX-01"},
    "dx-k559": {"W-DX-02"},
    "dx-case-table-valid": set(),
    "md-22": set(),
    "md-22-null": {"W-MD-22"},
    "md-22-no": {"W-MD-22"},
    "md-22-medicare": {"W-MD-22"},
    "md-22-undocumented": {"W-MD-22"},
    "md-22-52": {"W-MD-22"},
    "rl-right": {"W-DX-01"},
    "rl-null": {"W-DX-01", "W-MD-RL"},
    "rl-no": {"W-DX-01"},
    "rl-medicare": {"W-DX-01"},
    "rl-no-side": set(),
    "nc-column-1": {"W-NC-06"},
    "nc-9": set(),
    "nc-form-uhc-None": {"W-MD-59"},
    "nc-form-uhc-False": set(),
    "nc-form-uhc-True": set(),
    "ab-routine-required": {"W-AB-01"},
    "ab-routine-voluntary": {"W-AB-01"},
    "ab-null": set(),
    "ab-ga": set(),
    "ab-gx": set(),
    "gc-uhc": {"W-MD-GC"},
    "gc-payer-wants": set(),
    "gc-tc": set(),
    "gc-medicare": set(),
    "in-p-true-warns": {"W-BS-04"},
    "in-b-false": set(),
    "bs-unknown-true": set(),
    "bs-plain-76380": set(),
}
PAYER_KNOWN = {"py-null", "py-self_pay"}


def test_warnings_stand_where_they_belong_and_nowhere_else() -> None:
    named = {case["name"]: case for case in ALL}
    for name, wanted in WARNED.items():
        found = {w.id for w in decide(read_facts(named[name]["facts"])).warnings}
        assert found == wanted | (set() if name in PAYER_KNOWN else {"W-PY-01"}), name


@pytest.mark.parametrize(
    ("covered", "authorisation", "words"),
    [
        (None, None, "whether it covers the service and whether it wants authorisation"),
        (True, None, "whether it wants authorisation"),
        (None, False, "whether it covers the service"),
        (True, False, None),
    ],
)
def test_only_what_is_not_known_of_a_payer_is_said_to_be_so(
    covered: bool | None, authorisation: bool | None, words: str | None
) -> None:
    facts = json.loads(json.dumps(next(c for c in ALL if c["name"] == "py-uhc")["facts"]))
    facts["payer"] |= {"covered": covered, "prior_auth_required": authorisation}
    said = [w.text for w in decide(read_facts(facts)).warnings if w.id == "W-PY-01"]
    assert [text.partition(": ")[2].partition(" (")[0] for text in said] == ([words] if words else [])
    assert all("checked 2026-11-01" in text for text in said)


ALTERNATIVES = {
    "in-a-74175": ["G0288"],
    "in-a-75635": ["G0288"],
    "in-a-70496": [],
    "in-a-70546": [],
    "in-a-73706": ["73700", "73701", "73702"],
    "in-b-true": ["71271"],
    "bs-null-includes": [],
    "bs-unknown-true": ["76999"],
    "ct-disguised": ["74174"],
    "ct-disguised-mr": ["74185"],
    "tq-only-mpr": ["74177"],
    "pu-radiation_planning": ["77295"],
    "pu-print_only": ["0559T", "0561T"],
    "pu-research": [],
    "nb-G0680": ["G0680"],
    "tx-2085R0200X": ["2085R0202X"],
    "tx-other-207L00000X": ["207RC0000X"],
    "tx-other-207Q00000X": [],
}


def test_codes_to_consider_are_offered_where_they_belong() -> None:
    named = {case["name"]: case for case in ALL}
    found = {n: [a.code for a in decide(read_facts(named[n]["facts"])).alternatives] for n in ALTERNATIVES}
    assert found == ALTERNATIVES


def test_explanations_word_for_word() -> None:
    """As a biller reads them; changed only by somebody who has read the whole again."""
    named = {case["name"]: case for case in ALL}

    def said(name: str) -> list[str]:
        return explain(decide(read_facts(named[name]["facts"])))[:-1]

    unknown = (
        "Note: Not known of this payer, checked 2026-11-01: whether it covers the service (No national determination; "
        "local policies L35408 (Novitas) and L33256 (First Coast) are retired)."
    )
    carried = [
        "  3D rendering was made: volume rendering.",
        "  The 3D goes beside its base study: CT 74177.",
        "  All four acts of supervision are on record, recorded by the program.",
        "  3D pictures in the archive: 12, acknowledged.",
        "  The report is final.",
        "  The 3D rendering was ordered.",
    ]
    attested = [line.replace("recorded by the program", "attested by the physician") for line in carried]
    assert said("sv-basis-attested") == [
        "BILL 76377-26, 1 unit, diagnoses I71.43.",
        "  The 3D was made on a dedicated 3D workstation, independent of the scanner: 76377.",
        *attested,
        "  In a facility (place 22) the physician's part is charged: 26.",
        unknown,
    ]
    plain = [line.replace(", recorded by the program", "") for line in carried]
    assert said("iw-scanner_console") == [
        "BILL 76376-26, 1 unit, diagnoses I71.43.",
        "  The 3D was made on the scanner's console: 76376.",
        *plain,
        "  In a facility (place 22) the physician's part is charged: 26.",
        unknown,
    ]
    assert said("nc-1-session") == [
        "BILL 76377-26-XE, 1 unit, diagnoses I71.43.",
        "  The 3D was made on a dedicated 3D workstation, independent of the scanner: 76377.",
        *plain,
        "  In a facility (place 22) the physician's part is charged: 26.",
        "  78815 on the same day was in another session: distinct, shown by a modifier.",
        "  XE: a separate encounter.",
        unknown,
    ]
    assert said("cp-office-tc")[8] == "  The biller bears the technical part only: TC."
    assert said("cp-line-22-no")[8] == "  A hospital outpatient line: no component modifier."
    assert said("or-null-urgent")[7] == "  There is no order for the 3D; the urgent exception is documented."
    assert said("d-leap-over") == [
        "REJECT: this cannot be charged as it stands.",
        "  Medicare takes claims until one year after the service, 2025-02-28; this is decided on 2025-03-01. "
        "(R-DT-03; 42 CFR 424.44)",
    ]
    assert said("in-a-74175") == [
        "REJECT: this cannot be charged as it stands.",
        "  The base study 74175 already includes 3D work; the 3D cannot be charged beside it, on any day or by anybody."
        " (R-IN-01; CPT code book: definition and notes)",
        "Consider G0288: reconstruction of an aortic CT angiography for surgical planning.",
    ]
    assert said("ct-disguised-mr")[1] == (
        "  Vessels were rendered from a study acquired and read as an angiography: 74183 was an MR angiography, which "
        "includes 3D. (R-CT-01; CPT code book: definition and notes)"
    )
    assert said("sv-region_designed-null") == [
        "HOLD: 76377 would be charged; 1 question to answer.",
        "  Did the physician design the region to be rendered? [supervision.region_designed] (R-SV-02: Nothing on "
        "record says that the physician designed the region.)",
        unknown,
    ]
    assert said("iw-null")[0] == "HOLD: the code is still open; 1 question to answer."
    assert said("bs-two-both-null")[:3] == [
        "HOLD: 76377 would be charged; 2 questions to answer.",
        "  Was the 3D made from study number 1 (74177)? [base[0].source] (R-BS-05)",
        "  Was the 3D made from study number 2 (71250)? [base[1].source] (R-BS-05)",
    ]
