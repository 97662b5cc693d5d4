"""What the report writes by itself, what it never does, and what holds the signature back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from render.view import Slab, Surface, Technique
from tests.factory.written import CT, FRAME, RAD, SERIES, SLICES, STUDY, TECH, TRICKY, capture, measurement, picture
from workstation.base.events import Actor, CaseKey, Entry, Event
from workstation.case.model import Base, Case, Measured, Order, Patient, ReportText
from workstation.report.checks import Check, checks
from workstation.report.compose import DataFacts, compose
from workstation.report.model import ReportContent
from workstation.report.sentences import measurement_sentence, sides_in_capitals, sides_named, technique_words
from workstation.report.text import plain_text

FACTS = DataFacts(
    series_uid=SERIES,
    series_number=3,
    series_description="CTA 1.0",
    modality="CT",
    sop_class=CT,
    slices=300,
    spacing_mm=(1.0, 0.7, 0.7),
    thickness_mm=1.25,
    kernel="Bv40",
    frame_of_reference=FRAME,
    source_uids=SLICES,
    findings=("Slice spacing varies from 1.0 to 1.1 mm.",),
)
ORDER = Order(
    accession="ACC77",
    three_d_ordered=True,
    reason="Planning of repair",
    indication="Aneurysm",
    ordering_npi="1234567893",
    ordering_name="Rita Refer",
    base=(Base(code="74174", modality="CT", accession="ACC77", date="2026-03-13"),),
)
TEXT = ReportText(findings_3d="The aorta is dilated.", impression="Aneurysm of 50 mm.", limitations="None.")


def entry(number: int, kind: str, actor: Actor | None = RAD, *, scripted: bool = False, **payload: Any) -> Entry:
    at = f"2026-03-14T09:{10 + number // 60:02d}:{number % 60:02d}.000Z"
    event = Event(
        kind=kind, at=at, monotonic_s=float(number), station="ST1", actor=actor, payload=payload, scripted=scripted
    )
    return Entry(number, event, "", "")


def journal(*, scripted: bool = False) -> list[Entry]:
    """A technologist drafts a picture, the physician chooses region, tissues and picture."""
    shown = picture()
    taken = capture(shown)
    view = msgspec.json.decode(shown.view.to_json())
    return [
        entry(1, "scene_shown", TECH, scripted=scripted, technique="VR"),
        entry(2, "picture_drafted", TECH, scripted=scripted, sop_uid=taken.sop_uid, technique="VR", view=view),
        entry(3, "region_set", scripted=scripted, how="crop", region={"box": [[0, 0, 0], [1, 1, 1]]}),
        entry(4, "tissues_set", scripted=scripted, how="preset", tissues=["vessels"]),
        entry(5, "picture_shown", scripted=scripted, sop_uid=taken.sop_uid, seconds=3.0, pixels=800),
        entry(6, "picture_released", scripted=scripted, sop_uid=taken.sop_uid),
        entry(7, "picture_archived", None, scripted=scripted, sop_uid=taken.sop_uid, acknowledged=True),
    ]


def case(**changes: Any) -> Case:
    values: dict[str, Any] = {
        "key": CaseKey("k", STUDY, SERIES, "v"),
        "patient": Patient(key="k", id="P-1", name="Demo^Dora", birth_date="1955-12-31", sex="F"),
        "study_date": "2026-03-13",
        "study_description": "CTA abdomen",
        "modality": "CT",
        "order": ORDER,
        "captures": (capture(picture()),),
        "measurements": (measurement(1),),
        "text": TEXT,
    }
    return Case(**{**values, **changes})


def composed(entries: list[Entry] | None = None, of: Case | None = None, **more: Any) -> ReportContent:
    made = of or case()
    lines = journal() if entries is None else entries
    return compose(made, lines, facts=FACTS, institution="House", station="ST1", software="RenderDesk 0.1.0", **more)


def found(of: Case, entries: list[Entry] | None = None) -> dict[str, Check]:
    return {c.code: c for c in checks(composed(entries, of), of)}


def blocking(of: Case, entries: list[Entry] | None = None) -> set[str]:
    return {code for code, c in found(of, entries).items() if c.severity == "block"}


# --- what writes itself


def test_findings_and_impression_are_never_prefilled() -> None:
    empty = composed(of=case(text=ReportText()))
    assert empty.findings_3d == ()
    assert empty.impression == ()
    assert empty.recommendation == ()
    assert empty.technique, "while technique writes itself"


def test_data_and_technique_come_from_the_volume_and_released_pictures_alone() -> None:
    plane = capture(picture(Technique.MPR), 2, released=False)
    c = composed(of=case(captures=(capture(picture()), plane)))
    data, technique = " ".join(c.data_used), " ".join(c.technique)
    for part in ("Series 3 (CTA 1.0), CT", "300 slices every 1.00 mm", "0.70 x 0.70 mm", "1.25 mm thick", "Bv40"):
        assert part in data
    assert "Slice spacing varies" in data
    assert "code 74174" in data
    assert "RenderDesk 0.1.0, station ST1" in technique
    assert "Volume rendering, CT-Bone 1" in technique
    assert "Multiplanar" not in technique, "a draft is no technique"


def test_planes_alone_are_not_called_3d() -> None:
    only = case(captures=(capture(picture(Technique.MPR)),))
    technique = " ".join(composed(of=only).technique)
    assert "No 3D rendering" in technique
    assert "3D postprocessing" not in technique
    assert "no_3d" in found(only)


def test_supervision_is_what_the_journal_proves() -> None:
    kinds = {p.act: (p.kind, p.by) for p in composed().supervision}
    assert kinds == {
        "region": ("witnessed", "Rada Ray"),
        "tissues": ("witnessed", "Rada Ray"),
        "pictures": ("witnessed", "Rada Ray"),
        "steering": ("absent", ""),
    }


def test_a_technologists_acts_earn_no_supervision() -> None:
    lines = [msgspec.structs.replace(e, event=msgspec.structs.replace(e.event, actor=TECH)) for e in journal()]
    assert {p.kind for p in composed(lines).supervision} == {"absent"}
    assert "supervision" in blocking(case(), lines)


def test_scripted_acts_count_in_a_demo_alone() -> None:
    lines = journal(scripted=True)
    assert {p.kind for p in composed(lines).supervision} == {"absent"}
    demo = composed(lines, case(demo=True))
    assert [p.kind for p in demo.supervision] == ["witnessed"] * 3 + ["absent"]
    assert composed(lines).pictures_archived == 0
    assert demo.pictures_archived == 1


def test_a_denied_act_is_absent_and_says_so() -> None:
    lines = [*journal(), entry(8, "supervision_attested", acts={"region": False}, concurrent=False, text="no")]
    region = composed(lines).supervision[0]
    assert region.kind == "absent"
    assert "denied" in region.words


def test_only_accepted_and_current_measurements_are_reported() -> None:
    refused = Measured("length", None, "mm", "not measurable", "d", validity="refused")
    given = (
        measurement(1),
        measurement(2, accepted=False),
        measurement(3, stale=True),
        measurement(4, measured=refused),
    )
    c = case(measurements=given)
    assert [m.id for m in composed(of=c).measurements] == ["m1"]
    assert {"proposals", "stale"} <= set(found(c))


def test_who_prepared_is_named_besides_the_signer() -> None:
    assert composed().prepared_by == ("Toni Tech (technologist)", "Rada Ray (radiologist)")
    assert composed(signed_by=RAD, status="final").prepared_by == ("Toni Tech (technologist)",)


def test_pictures_are_the_released_ones_with_how_they_were_made() -> None:
    cut = msgspec.structs.replace(capture(picture(), 2), removals=("BONE REMOVED (auto)",), archived=True)
    c = composed(of=case(captures=(capture(picture()), cut, capture(picture(), 3, released=False))))
    assert len(c.pictures) == 2
    assert "BONE REMOVED (auto)" in c.pictures[1].technique
    assert c.pictures_archived == 2


def test_technique_in_words() -> None:
    assert technique_words(picture(Technique.VR).view) == "Volume rendering, CT-Bone 1"
    assert technique_words(picture(Technique.MPR).view) == "Multiplanar reformat"
    slab = picture(Technique.MPR).view.replace(slab=Slab(mode="minip", thickness_mm=10))
    assert technique_words(slab) == "Multiplanar reformat, MinIP over 10 mm"
    surface = picture(Technique.SSD).view.replace(surfaces=(Surface(low=226),))
    assert technique_words(surface) == "Shaded surface at 226"


# --- sides


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("The left kidney; the right one.", "The LEFT kidney; the RIGHT one."),
        ("Left-sided thrombus, bilateral cysts", "LEFT-sided thrombus, BILATERAL cysts"),
        ("at a right angle to the left wall", "at a right angle to the LEFT wall"),
        ("Bright leftover, upright", "Bright leftover, upright"),
    ],
)
def test_sides_stand_in_capitals(said: str, read: str) -> None:
    assert sides_in_capitals(said) == read


def test_sides_named() -> None:
    assert sides_named("LEFT iliac") == {"left"}
    assert sides_named("bilateral") == sides_named("both sides") == {"left", "right"}
    assert sides_named("at a right angle") == set()


def of_side(side: str, **text: str) -> Case:
    order = msgspec.structs.replace(ORDER, side=side)
    return case(order=order, text=msgspec.structs.replace(TEXT, **text), measurements=())


def test_text_of_the_other_side_alone_blocks() -> None:
    assert "side_impression" in blocking(of_side("left", impression="Stenosis of the right renal artery."))
    assert "side_findings" in blocking(of_side("right", findings_3d="Left kidney."))
    assert not {c for c in blocking(of_side("left", impression="Left stenosis; right is normal.")) if "side" in c}
    assert not {c for c in blocking(of_side("bilateral", impression="Left stenosis.")) if "side" in c}


def test_findings_and_impression_must_not_swap_sides_even_without_a_side_in_the_order() -> None:
    swapped = case(text=msgspec.structs.replace(TEXT, findings_3d="Left ICA stenosis.", impression="Right stenosis."))
    assert "side_text" in blocking(swapped)


def test_order_and_report_must_mean_the_same_side() -> None:
    c = of_side("left")
    assert "side_order" in blocking(msgspec.structs.replace(c, text=msgspec.structs.replace(c.text, side="right")))


def test_a_measurement_on_the_other_side_than_its_name_blocks() -> None:
    wrong = case(measurements=(measurement(1, name="Right iliac, diameter", side="left"),))
    assert "side_measurement" in blocking(wrong)
    right = case(measurements=(measurement(1, name="Left iliac, diameter", side="left"),))
    assert "side_measurement" not in blocking(right)


def test_picture_and_diagnosis_of_another_side_block() -> None:
    titled = msgspec.structs.replace(capture(picture()), title="Right kidney")
    c = msgspec.structs.replace(of_side("left"), captures=(titled,))
    assert "side_picture" in blocking(c)
    order = msgspec.structs.replace(ORDER, side="left", dx=(("I70.1", "right"),))
    assert "side_diagnosis" in blocking(case(order=order, measurements=()))


def test_the_sign_of_a_coordinate_is_never_printed_as_a_side() -> None:
    said = measurement_sentence(measurement(1, name="Sac", side="left"))
    assert "LEFT" not in said


# --- elements


def test_a_complete_report_is_not_held_back() -> None:
    assert blocking(case()) == set()


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("order", {"order": None}),
        ("accession", {"order": msgspec.structs.replace(ORDER, accession="")}),
        ("provider", {"order": msgspec.structs.replace(ORDER, ordering_npi="", ordering_name="")}),
        ("indication", {"order": msgspec.structs.replace(ORDER, indication="")}),
        ("necessity", {"order": msgspec.structs.replace(ORDER, three_d_ordered=None, reason="")}),
        ("base", {"order": msgspec.structs.replace(ORDER, base=())}),
        ("pictures", {"captures": (capture(picture(), released=False),)}),
        ("findings", {"text": msgspec.structs.replace(TEXT, findings_3d=" \n ")}),
        ("impression", {"text": msgspec.structs.replace(TEXT, impression="")}),
        ("identity", {"patient": Patient(key="k", id="P-1", name="Demo^Dora", sex="F")}),
        ("position", {"findings": ("position_doubtful",)}),
        ("removal_without_reference", {"captures": (msgspec.structs.replace(capture(picture()), removals=("CUT",)),)}),
        ("definition", {"measurements": (measurement(1, measured=Measured("length", 5.0, "mm", "5.0 mm", "")),)}),
    ],
)
def test_what_is_missing_blocks_and_says_where_to_go(code: str, changes: dict[str, Any]) -> None:
    check = found(case(**changes))[code]
    assert check.severity == "block"
    assert check.sentence.endswith(".")
    assert check.step


def test_confirmed_identity_and_side_let_go_on_and_are_told() -> None:
    bare = case(
        patient=Patient(key="k", id="P-1"),
        findings=("position_doubtful",),
        identity_confirmed_by=RAD,
        side_confirmed_by=RAD,
    )
    assert not {"identity", "position"} & blocking(bare)
    assert "Sides were confirmed as labelled by Rada Ray." in composed(of=bare).data_used


def test_missing_limitations_only_warn_and_blocks_come_first() -> None:
    c = case(text=ReportText(findings_3d="x"))
    severities = [k.severity for k in checks(composed(of=c), c)]
    assert severities == sorted(severities, key=["block", "warn"].index)
    assert found(c)["limitations"].severity == "warn"


def test_words_that_do_not_fit_sex_or_modality_warn() -> None:
    c = case(text=msgspec.structs.replace(TEXT, findings_3d="The prostate is enlarged on MRI."))
    assert {"sex", "modality"} <= set(found(c))


# --- text


def test_plain_text_keeps_every_character_and_all_sections_in_order() -> None:
    c = composed(of=case(text=msgspec.structs.replace(TEXT, findings_3d=TRICKY)), signed_by=RAD, status="final")
    text = plain_text(c)
    assert TRICKY in text
    heads = [
        "ORDER",
        "INDICATION",
        "DATA USED",
        "TECHNIQUE",
        "SUPERVISION",
        "3D FINDINGS",
        "MEASUREMENTS",
        "IMPRESSION",
    ]
    places = [text.index(f"\n{h}\n") for h in heads]
    assert places == sorted(places)
    assert "Signed by Rada Ray (radiologist)" in text
    assert "not cleared as a medical device" in text


def test_a_draft_and_a_demo_say_so_first() -> None:
    draft = plain_text(composed(of=case(demo=True)))
    assert draft.startswith("DEMO, not for patient care · DRAFT, not signed\n")
    assert "Not signed." in draft


def test_a_measurement_in_words_has_side_unit_uncertainty_and_marks() -> None:
    m = measurement(
        1,
        name="Neck of the left side",
        side="left",
        measured=Measured(
            "length", 18.0, "mm", "18.0 mm", "Straight distance", 2.04, "marked", ("Slices are unevenly spaced.",)
        ),
    )
    said = measurement_sentence(m)
    assert said == "Neck of the LEFT side: 18.0 mm ± 2.0 mm (straight distance). Marked: Slices are unevenly spaced."
