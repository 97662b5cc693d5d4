"""The journal attacked: acts in any order, by anybody, of another case; a fact must always have its own lines."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.decide import decide
from billing.facts import read_facts
from tests.unit.test_case import KEY, MPR, RAD, RES, TECH, VR, Tape, case
from workstation.base.events import Actor, CaseKey, Entry, Event
from workstation.case.evidence import Evidence, evidence_lines, facts_of, pictures_of
from workstation.case.supervision import supervision_of

BILLER = Actor("bill", "B. Dunn", "biller", "2026-10-06T08:00:00.000Z")
ADMIN = Actor("admin", "A. Evans", "administrator", "2026-10-06T08:00:00.000Z")
SECOND = Actor("rad2", "R. Fox", "radiologist", "2026-10-06T08:00:00.000Z", "1444555662")
OTHER = CaseKey("H\\2", "9.8.7", "9.8.7.6", "e" * 32)
PEOPLE = (RAD, TECH, RES, BILLER, ADMIN, SECOND, None)
ACTS = {"region": "region_designed", "tissues": "tissue_selected", "steering": "product_monitored"}
ELEMENTS = {"three_d_findings": True, "technique_stated": True, "supervision_stated": True, "workstation_stated": True}
BOX = {"words": "aorta", "box": [[0, 0, 0], [1, 1, 1]]}


def fold(entries: list[Entry] | tuple[Entry, ...]) -> Evidence:
    counted = evidence_lines(entries, demo=False)
    return facts_of(case(), counted, station="S1", local_date=lambda at: at[:10], ledger=[])


def signed(tape: Tape, actor: Actor = RAD, status: str = "final", **elements: Any) -> Tape:
    tape(
        "report_signed",
        actor,
        sop_uid="r",
        digest="x",
        status=status,
        elements={**ELEMENTS, "side": "left", **elements},
    )
    return tape


EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("scene_shown", {"technique": "VR"}),
    *[
        ("picture_drafted", {"sop_uid": u, "view": msgspec.to_builtins(v)})
        for u, v in (("p1", VR), ("p2", VR), ("p2", MPR))
    ],
    *[("picture_shown", {"sop_uid": u, "seconds": 2.0, "pixels": 800}) for u in ("p1", "p2")],
    *[("picture_released", {"sop_uid": u}) for u in ("p1", "p2", "p3")],
    *[("picture_archived", {"sop_uid": u, "acknowledged": a}) for u in ("p1", "p2", "p3") for a in (True, False)],
    ("picture_discarded", {"sop_uid": "p2"}),
    ("region_set", {"how": "crop", "region": BOX}),
    ("tissues_set", {"how": "preset", "tissues": ["vessels"]}),
    *[
        ("view_steered", {"technique": "VR", "what": "camera", "recipe_before": a, "recipe_after": b, "active_s": 30.0})
        for a, b in (("a", "b"), ("b", "c"), ("c", "c"))
    ],
    ("draft_returned", {"note": "once more"}),
    ("supervision_attested", {"acts": {"region": True, "tissues": False, "steering": True}, "concurrent": True}),
    ("supervision_attested", {"acts": {}, "concurrent": False}),
    ("anatomy_confirmed", {"anatomy": "chest", "target": "organ"}),
    *[("report_signed", {"status": s, "elements": ELEMENTS}) for s in ("final", "addendum", "preliminary")],
    ("report_retracted", {}),
    ("study_opened", {}),
]


@st.composite
def journals(draw: st.DrawFn, *, longest: int = 40) -> list[Entry]:
    """Acts of anybody in any order, some of another case, some scripted."""
    found = []
    second = 0
    for number in range(1, draw(st.integers(1, longest)) + 1):
        kind, payload = draw(st.sampled_from(EVENTS))
        second += draw(st.sampled_from([0, 1, 20, 90]))
        event = Event(
            kind=kind,
            at=f"2026-10-06T{8 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000Z",
            monotonic_s=float(second),
            station="S",
            actor=draw(st.sampled_from((RAD, RAD, RAD, *PEOPLE))),
            case=draw(st.sampled_from((KEY, KEY, KEY, OTHER))),
            scripted=draw(st.sampled_from((False, False, False, True))),
            payload=payload,
        )
        found.append(Entry(number, event, "", ""))
    return found


def may_release(entry: Entry) -> bool:
    return entry.event.actor is not None and entry.event.actor.role in {"radiologist", "resident"}


def of_the_case(entries: list[Entry]) -> list[Entry]:
    return [e for e in entries if e.event.case == KEY and not e.event.scripted]


@settings(max_examples=200, deadline=None)
@given(journals(), st.randoms(use_true_random=False))
def test_no_fact_without_its_own_lines(entries: list[Entry], chance: Any) -> None:
    found = fold(entries)
    own = {e.number: e for e in of_the_case(entries)}
    for path, lines in found.lines.items():
        assert set(lines) <= set(own), path
    facts = found.facts
    by = {
        kind: [e for e in own.values() if e.event.kind == kind]
        for kind in ("picture_released", "picture_archived", "picture_drafted", "report_signed")
    }
    # supervision: a stated act has lines, and all are a physician's own
    for name in (*ACTS.values(), "images_selected", "concurrent"):
        value = facts["supervision"][name]
        if value is not None:
            lines = found.lines[f"supervision.{name}"]
            assert lines, name
            actors = {own[n].event.actor.account for n in lines if own[n].event.kind != "picture_released"}  # type: ignore[union-attr]
            assert name == "concurrent" or (len(actors) <= 1 and actors <= {"rad", "rad2"}), name
    # pictures: drafted before released by who may, released before the archive's last word
    archived = facts.get("images", {}).get("archived") or 0
    sound = 0
    for uid in ("p1", "p2", "p3"):
        first = min((e.number for e in by["picture_drafted"] if e.event.payload["sop_uid"] == uid), default=None)
        view = next((e.event.payload["view"] for e in by["picture_drafted"] if e.number == first), None)
        releases = [
            e.number
            for e in by["picture_released"]
            if e.event.payload["sop_uid"] == uid and first is not None and e.number > first and may_release(e)
        ]
        words = [
            e.event.payload["acknowledged"]
            for e in by["picture_archived"]
            if e.event.payload["sop_uid"] == uid and releases and e.number > releases[0]
        ]
        sound += bool(words and words[-1] and view is not None and view["technique"] == "vr")
    assert archived == sound
    # report: final only by a physician's signature after the last retraction
    status = facts["report"]["status"]
    if status in {"final", "addendum"}:
        reports = [e for e in own.values() if e.event.kind in {"report_signed", "report_retracted"}]
        said = [e for e in reports if e.event.kind == "report_retracted" or may_release(e)]
        last = said[-1]
        assert last.event.kind == "report_signed"
        assert last.event.actor is not None
        assert last.event.actor.role == "radiologist"
        assert facts["report"]["signed_by_npi"] == last.event.actor.npi
    # what other cases and scripts did, and the order in which the lines are handed over, changes nothing
    shuffled = chance.sample(entries, len(entries))
    assert fold(shuffled) == found
    assert fold(of_the_case(entries)) == found
    # and whatever it is, it can be decided
    answer = decide(read_facts(facts))
    assert answer.decision != "bill"  # payer and claim are not the journal's to know


@settings(max_examples=100, deadline=None)
@given(journals(longest=25))
def test_nobody_but_a_physician_earns_an_act(entries: list[Entry]) -> None:
    """All of it by others: no act, no final report, whatever the order."""
    others = [
        msgspec.structs.replace(e, event=msgspec.structs.replace(e.event, actor=TECH if e.number % 2 else RES))
        for e in entries
    ]
    found = fold(others)
    assert {a.kind for a in supervision_of(others).acts.values()} == {"absent"}
    assert found.facts["report"]["status"] not in {"final", "addendum"}
    assert found.facts["supervision"]["physician_npi"] is None
    assert "date" not in found.facts["service"]


def test_the_whole_case_has_lines_for_all_that_the_journal_proves() -> None:
    tape = signed(Tape().whole())
    tape("anatomy_confirmed", RAD, anatomy="abdomen_pelvis", target="organ")
    found = fold(tape.entries)
    proven = {
        *("rendering.techniques", "workstation.kind", "workstation.id", "service.date", "service.completion"),
        *("images.archived", "images.acknowledged", "report.status", "report.signed_by_npi", "laterality.report"),
        *(f"report.{name}" for name in ELEMENTS),
        *(
            f"supervision.{name}"
            for name in (*ACTS.values(), "images_selected", "concurrent", "physician_npi", "basis")
        ),
    }
    assert proven <= {path for path, lines in found.lines.items() if lines}
    assert found.facts["rendering"]["anatomy"] == "abdomen_pelvis"


def test_an_archive_that_takes_its_word_back_holds_nothing() -> None:
    tape = signed(Tape().whole())
    assert fold(tape.entries).facts["images"] == {"archived": 1, "acknowledged": True}
    tape("picture_archived", RAD, sop_uid="p1", archive="PACS", acknowledged=False)
    assert fold(tape.entries).facts["images"] == {"archived": 0, "acknowledged": False}
    tape("picture_archived", RAD, sop_uid="p1", archive="PACS", acknowledged=True)
    assert fold(tape.entries).facts["images"] == {"archived": 1, "acknowledged": True}


def test_a_second_draft_of_a_picture_does_not_make_a_plane_3d() -> None:
    tape = Tape()
    tape.draft("p1", MPR)
    tape.release("p1")
    tape.draft("p1", VR)
    tape("picture_released", RAD, sop_uid="p1")
    found = fold(tape.entries).facts
    assert found["rendering"]["techniques"] == ["MPR"]
    assert "images" not in found


@pytest.mark.parametrize("actor", [TECH, BILLER, ADMIN, None])
def test_only_who_may_release_releases(actor: Actor | None) -> None:
    tape = Tape()
    tape.draft("p1")
    tape("picture_released", actor, sop_uid="p1")
    tape("picture_archived", actor, sop_uid="p1", acknowledged=True)
    assert pictures_of(tape.entries).three_d == {}
    assert "workstation" not in fold(tape.entries).facts


@pytest.mark.parametrize("actor", [TECH, BILLER, RES, None])
def test_only_a_physician_makes_a_report_final(actor: Actor | None) -> None:
    tape = Tape().whole()
    tape("report_signed", actor, sop_uid="r", digest="x", status="final", elements=ELEMENTS)
    found = fold(tape.entries).facts["report"]
    assert found["status"] == ("preliminary" if actor is RES else "draft")


def test_elements_of_a_preliminary_or_retracted_report_are_not_those_of_the_next() -> None:
    tape = signed(Tape().whole(), RES, "preliminary")
    signed(tape, RAD, "final", three_d_findings=False)
    assert fold(tape.entries).facts["report"]["three_d_findings"] is False
    signed(tape, RAD, "addendum", technique_stated=False)
    found = fold(tape.entries).facts["report"]
    assert (found["three_d_findings"], found["technique_stated"]) == (True, True)
    tape("report_retracted", RAD, sop_uid="r", reason="wrong side")
    assert fold(tape.entries).facts["report"] == {
        "status": "retracted",
        "signed_by_npi": RAD.npi,
        **dict.fromkeys([*ELEMENTS, "necessity_stated"]),
    }
    signed(tape, RAD, "addendum", three_d_findings=False)
    assert fold(tape.entries).facts["report"]["three_d_findings"] is False


def test_another_case_s_lines_are_no_evidence() -> None:
    """Everything of another study, handed over with this one's."""
    tape = signed(Tape().whole())
    foreign = [
        msgspec.structs.replace(e, number=e.number + 100, event=msgspec.structs.replace(e.event, case=OTHER))
        for e in tape.entries
    ]
    mine = Tape()
    mine("scene_shown", RAD, technique="VR")
    found = fold([*mine.entries, *foreign])
    assert found == fold(mine.entries)
    assert found.facts["report"]["status"] == "draft"


def test_the_anatomy_is_what_was_confirmed_not_what_a_screen_shows() -> None:
    tape = signed(Tape().whole())
    shown = case(anatomy="ankle", target="bone")
    found = facts_of(shown, tape.entries, station="S1", local_date=lambda at: at[:10], ledger=[])
    assert found.facts["rendering"]["anatomy"] is None
    tape("anatomy_confirmed", RAD, anatomy=" chest ", target="organ")
    found = facts_of(shown, tape.entries, station="S1", local_date=lambda at: at[:10], ledger=[])
    assert found.facts["rendering"] == {"techniques": ["VR"], "anatomy": "chest", "target": "organ"}


def test_a_signature_of_a_technologist_does_not_choose_the_physician() -> None:
    tape = Tape().whole(SECOND)
    tape("region_set", RAD, how="crop", region=BOX)
    tape("report_signed", TECH, sop_uid="r", digest="x", status="final", elements={})
    assert fold(tape.entries).facts["supervision"]["physician_npi"] == SECOND.npi


@pytest.mark.parametrize("value", [None, "60", "x", float("nan"), float("inf"), [], {}])
def test_a_line_with_a_broken_number_counts_for_nothing_and_hides_no_other(value: object) -> None:
    tape = Tape()
    tape("scene_shown", RAD, technique="VR")
    tape.draft("p1")
    tape("picture_shown", RAD, sop_uid="p1", seconds=value, pixels=value)
    for n in range(3):
        tape(
            "view_steered", RAD, 30, technique="VR", what="camera", recipe_before=n, recipe_after=n + 1, active_s=value
        )
    tape("picture_released", RAD, sop_uid="p1")
    found = supervision_of(tape.entries)
    assert {found.acts["steering"].kind, found.acts["pictures"].kind} == {"absent"}
    tape("picture_shown", RAD, sop_uid="p1", seconds=2, pixels=300)
    tape.steer(RAD, 3)
    tape("picture_released", RAD, sop_uid="p1")
    found = supervision_of(tape.entries)
    assert found.acts["steering"].kind == "witnessed"


def test_a_line_that_names_no_case_is_no_evidence_of_one() -> None:
    tape = signed(Tape().whole())
    nameless = [msgspec.structs.replace(e, event=msgspec.structs.replace(e.event, case=None)) for e in tape.entries]
    assert fold(nameless).facts["report"]["status"] == "draft"
    assert "images" not in fold(nameless).facts
