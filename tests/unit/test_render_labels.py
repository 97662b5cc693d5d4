"""Texts of record pictures: what must stand there, and in which words."""

import numpy as np
import pytest

from render import camera, planes, presets
from render.view import Box, Clip, Look, Mark, Segment, Slab, Surface, Technique, View, Window
from tests.picture.phantom import ball, geometry, volume
from workstation.base.events import Actor, CaseKey
from workstation.case.model import Case, Patient
from workstation.desk.labels import badges_of, readable_name, record_labels, screen_labels
from workstation.dicom.found import Identity

V = volume(ball((0, 0, 0), 40.0), geometry((40, 44, 48), (2.0, 0.9, 0.7)))
FACTS = {
    "identity": Identity(id="4711", name="DOE^JANE^M", birth_date="1950-06-30", sex="F"),
    "study_date": "2000-06-29",
    "study_time": "101530.0",
    "accession": "A1",
    "institution": "General Hospital",
    "study_description": "CT chest",
    "series_number": 3,
    "series_description": "arterial",
    "kvp": 120.0,
    "mas": 250.4,
    "kernel": "STANDARD",
    "contrast": "IV",
}
AXIAL = View(
    technique=Technique.MPR,
    plane=planes.standard(V, "axial", (0, 0, 5.0), (1000, 800)),
    window=Window(center=40, width=400),
)


def scene(**more):
    look = Look(name="ct_bone", version="1.0", opacity=((0, 0), (1, 1)), colour=((0, "000000"), (1, "ffffff")))
    return View(**{"technique": Technique.VR, "look": look, "camera": camera.standard(V, "A", (1000, 800)), **more})


def test_what_the_record_must_carry_is_there():
    shown = record_labels(
        None, FACTS, V, AXIAL, draft=True, made_by="A. Tech", made_at="2026-11-24T04:05:06.7Z", station="WS1"
    )
    assert shown.top_left == ("DOE, JANE M", "ID 4711", "1950-06-30 (49 y) F")  # the birthday is a day away
    assert shown.top_right == ("2000-06-29 10:15", "Acc. A1", "General Hospital", "CT chest")
    assert shown.bottom_left[:2] == ("MPR", "W 400 C 40")
    assert shown.bottom_right[0] == "axial H 5.0 mm 23/40"
    assert "Series 3: arterial" in shown.bottom_right
    assert "0.70 x 0.90 x 2.00 mm" in shown.bottom_right
    assert "120 kVp, 250.4 mAs" in shown.bottom_right
    assert "A. Tech 2026-11-24 04:05:06 UTC" in shown.bottom_right
    assert any(line.startswith("RenderDesk ") and line.endswith("WS1") for line in shown.bottom_right)
    assert shown.band == "DRAFT, NOT RELEASED"
    assert record_labels(None, FACTS, V, AXIAL, draft=False).band == ""


def test_the_cases_identity_is_the_one_shown():
    key = CaseKey(patient_key="k", study_uid="1.2", series_uid="1.2.3")
    case = Case(
        key=key,
        patient=Patient(key="k", id="99", name="ROE^RICHARD"),
        study_date="2001-01-01",
        accession="B7",
        demo=True,
    )
    shown = screen_labels(case, FACTS, V, AXIAL)
    assert shown.top_left == ("ROE, RICHARD", "ID 99")
    assert shown.top_right[0].startswith("2001-01-01")
    assert "DEMO" in shown.band
    assert "SYNTHETIC" in shown.band


def test_nothing_known_is_said_in_words():
    shown = screen_labels(None, {}, V, AXIAL)
    assert shown.top_left == ("NO NAME", "NO ID")
    assert shown.top_right == ()


def test_badges():
    lossy = volume(
        ball((0, 0, 0), 40.0),
        lossy=True,
        filled=(3, 4),
        findings=("tilt", "position_doubtful"),
        phase=("time", 1.0, 2, 10),
    )
    assert badges_of(lossy, None) == ("SIDE NOT SURE", "LOSSY", "TILT CORRECTED", "GAPS FILLED 2", "PHASE 3/10")
    unknown = volume(ball((0, 0, 0), 40.0), findings=("orientation_invalid",), units="arbitrary")
    assert set(badges_of(unknown, None)) == {"ORIENTATION UNKNOWN", "NOT HU"}
    assert not screen_labels(None, {}, unknown, AXIAL).letters
    key = CaseKey(patient_key="k", study_uid="1.2", series_uid="1.2.3")
    sure = Case(
        key=key,
        patient=Patient(key="k"),
        side_confirmed_by=Actor(account="b", name="Dr. B", role="radiologist", authenticated_at=""),
    )
    assert badges_of(lossy, sure)[0] == "SIDE CONFIRMED BY Dr. B"


def test_badges_of_a_view():
    slab = AXIAL.replace(slab=Slab(mode="mip", thickness_mm=10.0), technique=Technique.MIP)
    shown = screen_labels(None, FACTS, V, slab)
    assert "THICK 10 mm" in shown.badges
    assert shown.bottom_left[0] == "MIP slab 10 mm"
    turned = AXIAL.replace(
        plane=planes.rotate(AXIAL.plane, (0, 1, 0), 180), window=Window(center=0, width=9, inverted=True)
    )
    assert {"MIRRORED VIEW", "INVERTED"} <= set(screen_labels(None, FACTS, V, turned).badges)
    box = Box(low_lps_mm=(0, 0, 0), high_lps_mm=(9, 9, 9))
    loose = Mark(kind="length", points_lps_mm=((0, 0, 0), (1, 1, 1)), accepted=False)
    cut = screen_labels(None, FACTS, V, scene(crop=box, quality="drag", marks=(loose,))).badges
    assert {"CUT", "REDUCED", "MEASUREMENT NOT ACCEPTED"} <= set(cut)
    thick = volume(ball((0, 0, 0), 40.0), geometry((20, 44, 48), (5.0, 0.9, 0.7)))
    assert "THICK 5 mm" in screen_labels(None, FACTS, thick, AXIAL).badges


def test_what_is_left_out_by_itself_is_said():
    lungs = scene(look=presets.resolve("ct_lung", V)[0])
    assert "LUNGS ONLY (AUTO)" in screen_labels(None, FACTS, V, lungs).badges
    for technique in (Technique.MINIP, Technique.MEAN):
        badges = screen_labels(None, FACTS, V, scene(technique=technique, look=None)).badges
        assert "OUTSIDE OF BODY REMOVED (AUTO)" in badges
    assert screen_labels(None, FACTS, V, scene()).badges == ()


def test_how_a_scene_was_made():
    shown = screen_labels(None, FACTS, V, scene())
    assert shown.bottom_left[0] == "Volume rendering, ct_bone@1.0"
    assert shown.bottom_right[0] == "AP"
    deep = scene(camera=camera.standard(V, "L", (1000, 800), parallel=False))
    assert "perspective: no scale" in screen_labels(None, FACTS, V, deep).bottom_left
    surface = scene(
        technique=Technique.SSD, look=None, surfaces=(Surface(low=226.0), Surface(low=40, high=80.5, name="clot"))
    )
    lines = screen_labels(None, FACTS, V, surface).bottom_left
    assert lines == ("Surface", "threshold 226 HU and above", "clot threshold 40 to 80.5 HU")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("DOE^JANE", "DOE, JANE"), ("DOE", "DOE"), ("", ""), ("DOE^J^^DR", "DOE, J"), ("DOE^J=X^Y", "DOE, J")],
)
def test_names_are_written_for_people(name, shown):
    assert readable_name(name) == shown


def test_oblique_planes_are_named_by_their_normal():
    oblique = AXIAL.replace(plane=planes.rotate(AXIAL.plane, (1, 0, 0), 40))
    place = screen_labels(None, FACTS, V, oblique).bottom_right[0]
    assert place.startswith("oblique H")
    assert np.isfinite(float(place.split()[-2]))


def test_what_is_cut_and_what_is_hidden_stands_on_the_picture():
    clip = Clip(point_lps_mm=(0, 0, 0), normal_lps=(0, 0, 1))
    parts = (
        Segment(number=1, name="Table", low=0.0, visible=False),
        Segment(number=2, name="Aorta", low=150.0, accepted=False),
        Segment(number=0, visible=False),
    )
    assert "CUT" in screen_labels(None, FACTS, V, scene(clips=(clip,))).badges
    badges = screen_labels(None, FACTS, V, scene(segments=parts)).badges
    assert "TABLE REMOVED (MANUAL)" in badges
    assert "ALL OUTSIDE OF SEGMENTS REMOVED (MANUAL)" in badges
    assert "SEGMENTATION NOT ACCEPTED" in badges
    assert not any("AORTA" in b for b in badges)
    on_plane = screen_labels(None, FACTS, V, AXIAL.replace(segments=parts)).badges
    assert "SEGMENTATION NOT ACCEPTED" in on_plane
    assert not any("REMOVED" in b for b in on_plane)
    surfaces = (Surface(low=226.0, name="bone"), Surface(low=-300.0, name="skin", visible=False))
    lines = screen_labels(None, FACTS, V, scene(technique=Technique.SSD, look=None, surfaces=surfaces)).bottom_left
    assert any("bone" in line for line in lines)
    assert not any("skin" in line for line in lines)
