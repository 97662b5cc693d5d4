"""What an auditor found: codes with something stuck to them, hidden ledger rows, denied ruptures, false sides."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from billing import icd
from billing.audit import Known, audit
from billing.charge import draft, identity_of
from billing.decide import Answer, decide
from billing.errors import LedgerError
from billing.facts import LedgerEntry, read_facts
from billing.payer_book import PayerBook, PayerRecord, PayerTable
from billing.reference.tables import IcdVersion, PairVersion, References, TaxonomyVersion, outdated

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


def release(year: int, *codes: tuple[str, bool, str]) -> References:
    """An ICD-10-CM file of 1 October of a year."""
    rows = {c: icd.IcdCode(c, billable, None, None, title) for c, billable, title in codes}
    return References(icd=(IcdVersion(f"icd10cm_order_{year + 1}.txt", dt.date(year, 10, 1), rows),))


def test_a_file_of_years_ago_does_not_bring_a_header_back() -> None:
    """The release of 2020 has I71.4 as billable and knows no I71.43; services of 2026 are judged by what is known."""
    old = release(2020, ("I71.4", True, "Abdominal aortic aneurysm, without rupture"))
    held = decide(read_facts(changed(dx=[{"code": "I71.4"}])), references=old)
    assert outcomes(held, "R-DX-02") == {"hold"}
    billed = decide(read_facts(changed()), references=old)
    assert billed.decision == "bill"
    assert "W-REF-OLD" in {w.id for w in billed.warnings}
    # in its own year the file decides
    then = {"service__date": "2021-06-01", "as_of": "2021-06-05", "dx": [{"code": "I71.4"}]}
    assert decide(read_facts(changed(**then)), references=old).decision == "bill"


@pytest.mark.parametrize(
    ("kind", "effective", "last", "first_old"),
    [
        ("pairs", "2026-01-01", "2026-03-31", "2026-04-01"),
        ("units", "2026-07-01", "2026-09-30", "2026-10-01"),
        ("icd", "2025-10-01", "2026-09-30", "2026-10-01"),
        ("icd", "2026-04-01", "2026-09-30", "2026-10-01"),
        ("taxonomy", "2026-01-01", "2026-06-30", "2026-07-01"),
        ("taxonomy", "2023-07-01", "2023-12-31", "2024-01-01"),
    ],
)
def test_a_table_is_old_from_the_day_of_its_next_release_on(
    kind: str, effective: str, last: str, first_old: str
) -> None:
    day = dt.date.fromisoformat
    assert not outdated(day(effective), kind, day(effective))
    assert not outdated(day(effective), kind, day(last))
    assert outdated(day(effective), kind, day(first_old))


def test_an_old_table_is_said_to_be_old_and_a_new_one_is_not() -> None:
    def warned(day: str) -> set[str]:
        tables = References(
            pairs=(PairVersion("ccipra-v320r0-f1.txt", dt.date(2026, 1, 1), "professional", ()),),
            taxonomy=(TaxonomyVersion("nucc_taxonomy_260.csv", dt.date(2026, 1, 1), frozenset()),),
        )
        answer = decide(read_facts(changed(service__date=day, as_of="2027-02-01")), references=tables)
        return {w.text.split()[0] for w in answer.warnings if w.id == "W-REF-OLD"}

    assert warned("2026-03-31") == set()
    assert warned("2026-04-01") == {"ccipra-v320r0-f1.txt"}
    assert warned("2026-07-01") == {"ccipra-v320r0-f1.txt", "nucc_taxonomy_260.csv"}
    assert "The" in warned("2027-01-01")  # the built-in lists of 2026


@pytest.mark.parametrize(
    ("code", "label", "side", "offered"),
    [
        ("I71.33", "Thoracic aortic aneurysm, without rupture", None, {"I71.20", "I71.21", "I71.22", "I71.23"}),
        ("I82.403", "deep veins, unilateral", "left", {"I82.402"}),
        ("I82.403", "deep veins, unilateral", "bilateral", {"I82.401", "I82.402"}),
        ("M48.061", "Spinal stenosis, lumbosacral region", None, {"M48.07"}),
        ("I82.401", None, "left", {"I82.402"}),
    ],
)
def test_the_right_code_is_offered_for_a_wrong_one(
    code: str, label: str | None, side: str | None, offered: set[str]
) -> None:
    sides = {"order": side or "not_applicable", "report": side or "not_applicable"}
    answer = asked(dx=[{"code": code, "label": label}], laterality=sides)
    assert answer.decision == "hold"
    assert {a.code for a in answer.alternatives} == offered


def test_a_code_of_the_leg_s_angiography_offers_the_plain_ones() -> None:
    answer = asked(base=[{**SOUND["base"][0], "code": "73706"}])
    assert answer.decision == "reject"
    assert [a.code for a in answer.alternatives] == ["73700", "73701", "73702"]


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (
            {"payer": {"kind": "uhc"}, "providers__resident_involved": True, "providers__teaching_attested": True},
            "W-MD-GC",
        ),
        (
            {
                "payer": {"kind": "uhc"},
                "ledger": [{**CHARGE, "anatomy": "ankle"}],
                "distinct": {"session": "same", "anatomy_contiguous": False},
            },
            "W-MD-59",
        ),
    ],
)
def test_an_unknown_policy_that_decides_on_a_modifier_is_warned_about(change: dict[str, Any], warning: str) -> None:
    assert warning in {w.id for w in asked(**change).warnings}
    known = {**change, "payer": {"kind": "uhc", "gc": False, "x_modifiers": False}}
    assert warning not in {w.id for w in asked(**known).warnings}


@pytest.mark.parametrize("anatomy", ["-", " _ ", "- -"])
def test_strokes_are_no_anatomy(anatomy: str) -> None:
    """Otherwise the earlier charge would be one of "another region", and XS would follow."""
    answer = asked(ledger=[{**CHARGE, "anatomy": anatomy}], distinct={"session": "same", "anatomy_contiguous": False})
    assert [q.field for q in answer.questions] == ["ledger[0].anatomy"]


@pytest.mark.parametrize("column1", ["61783 ", "61783-59", "6178", "", "61783,61784"])
def test_a_pair_with_something_stuck_to_its_code_is_not_passed_over(column1: str) -> None:
    """It would match nothing, and the edit with indicator 0 would be lost."""
    pair = {"column1": column1, "column2": "76377", "indicator": "0"}
    other = {"code": "61783", "same_anatomy": False, "same_session": False, "same_provider": True}
    answer = asked(other_codes=[other], reference={"ptp": [pair]})
    assert answer.decision == "hold"
    assert "reference.ptp" in {q.field for q in answer.questions}


CLASS_A = """70496 70498 71275 72191 73206 73706 74174 74175 75635 70544-70549 71555 72159 72198 73225 73725 74185
    75571-75574 75557 75559 75561 75563 75565 74261-74263 78012-78999 77061-77063 31627 34839 93355"""
CLASS_B = "76391 77046-77049 71271 75577 75580 93303-93308 93312-93319 77295 77301"
CLASS_P = """70450 70460 70470 70480-70482 70486-70488 70490-70492 71250 71260 71270 72125-72133 72192-72194 73200-73202
    73700-73702 74150 74160 74170 74176-74178 76380 70336 70540 70542 70543 70551-70553 71550-71552 72141 72142
    72146-72149 72156-72158 72195-72197 73218-73223 73718-73723 74181-74183 76506 76536 76604 76641 76642 76700 76705
    76770 76775 76776 76801-76817 76830 76856 76857 76870 76872 76873 76881 76882"""
CONTRAST = """70460 70470 70481 70482 70487 70488 70491 70492 71260 71270 72126 72127 72129 72130 72132 72133 72193
    72194 73201 73202 73701 73702 74160 74170 74177 74178 70542 70543 70552 70553 71551 71552 72142 72147 72149
    72156-72158 72196 72197 73219 73220 73222 73223 73719 73720 73722 73723 74182 74183"""


def spelt(text: str) -> set[str]:
    found = set()
    for part in text.split():
        first, _, last = part.partition("-")
        found |= {f"{n:05d}" for n in range(int(first), int(last or first) + 1)}
    return found


def test_every_code_of_the_lists_and_no_other_is_in_its_class() -> None:
    from billing.codes import lookup

    rows = {f"{n:05d}": lookup(f"{n:05d}") for n in range(10_000, 100_000)}
    for kind, text in (("A", CLASS_A), ("B", CLASS_B), ("P", CLASS_P)):
        assert {code for code, row in rows.items() if row and row.kind == kind} == spelt(text), kind
    assert {code for code, row in rows.items() if row and row.contrast} == spelt(CONTRAST)
    for letter, text in (("T", "0523 0623-0626 0633-0638 0648-0649 0697-0698 0721-0722"), ("U", ""), ("M", "")):
        some = {f"{n:04d}{letter}" for n in range(10_000)}
        assert {c for c in some if lookup(c)} == {f"{c[1:]}{letter}" for c in spelt(text)}, letter
    assert {c for c in (f"G{n:04d}" for n in range(10_000)) if lookup(c)} == {"G0279"}


def test_the_payer_s_record_is_named_among_what_a_decision_stands_on() -> None:
    answer = asked(payer={"kind": "bcbs", "plan": "Anthem Blue Cross"})
    assert [r.file for r in answer.references] == ["payer record bcbs Anthem", "built-in"]


def test_an_audit_takes_the_payer_records_of_its_day() -> None:
    """A record added later, for days that were already decided, changes today's answer and not that of its day."""
    facts = read_facts(changed(payer={"kind": "uhc"}, patient={"id": "P1"}))
    answer = decide(facts)
    charge = draft(facts, answer, identity_of(facts, study_uid="1.2.3"))
    late = PayerRecord(
        since=dt.date(2026, 1, 1), source="Letter", checked_on=dt.date(2026, 6, 1), prior_auth_required=True
    )
    book = PayerBook((PayerTable(kind="uhc", record=(late,)),))
    assert book.known_by(dt.date(2026, 5, 31)).tables[0].record == ()
    assert book.known_by(dt.date(2026, 6, 1)) == book
    found = audit(charge, payers=book, known_then=Known(payers=book.known_by(dt.date(2026, 3, 10))))
    assert (found.then.decision, found.of_its_day.decision, found.now.decision) == ("bill", "bill", "hold")
    assert found.repeated == ()
    assert {"decision", "R-PY-02"} <= {d.field for d in found.differences}
    again = audit(charge, payers=book)
    assert {"decision", "R-PY-02"} <= {d.field for d in again.repeated}


def test_grounds_that_cannot_be_read_any_more_are_told_in_a_sentence() -> None:
    facts = read_facts(changed(patient={"id": "P1"}))
    charge = draft(facts, decide(facts), identity_of(facts, study_uid="1.2.3"))
    for broken in ({"facts": "{"}, {"facts": '{"schema": "x"}'}, {"answer": "{}"}):
        with pytest.raises(LedgerError, match="cannot be read any more"):
            audit(msgspec.structs.replace(charge, **broken))
