"""Presets: the data files, their scales, and which one suits a series."""

import itertools

import numpy as np
import pytest

from render import presets
from render.errors import RenderError
from render.view import Window
from tests.picture.phantom import ball, volume

CT = volume(ball((0, 0, 0), 40.0))
MR = volume(ball((0, 0, 0), 40.0, 400.0, 10.0), units="arbitrary", modality="MR")


def test_there_are_at_least_ten_and_each_is_whole():
    assert len(presets.names()) >= 20
    assert len({presets.get(n).digest for n in presets.names()}) == len(presets.names())
    for name in presets.names():
        p = presets.get(name)
        assert p.title
        assert p.version
        assert p.modality
        if p.scale != "window":
            assert all(0 <= a <= 1 for _, a in p.opacity)
            for curve in (p.opacity, p.colour):
                assert all(a[0] < b[0] for a, b in itertools.pairwise(curve))
            assert all(len(c) == 6 and int(c, 16) >= 0 for _, c in p.colour)


@pytest.mark.parametrize("name", [n for n in presets.names() if n.startswith("ct_")])
def test_every_ct_preset_resolves_and_is_refused_without_hu(name):
    look, window = presets.resolve(name, CT)
    assert window is None
    assert (look.name, look.version) == (name, presets.get(name).version)
    assert np.isfinite(presets.framing(name, look))
    with pytest.raises(RenderError, match="HU"):
        presets.resolve(name, MR)


@pytest.mark.parametrize("name", [n for n in presets.names() if n.startswith("mr_")])
def test_every_mr_preset_stands_within_the_values(name):
    look, _ = presets.resolve(name, MR)
    assert look.opacity[0][0] < 420
    assert look.opacity[-1][0] > 100
    assert look.scaled.startswith("P")


def test_vessels_are_scaled_to_the_lumen():
    look, _ = presets.resolve("ct_vessel", CT, lumen=250.0)
    assert look.opacity[0] == (pytest.approx(50 + 0.35 * 200), 0.0)
    assert look.scaled == "lumen 250 HU"
    assert presets.resolve("ct_vessel", CT)[0].scaled == "lumen 350 HU (default)"
    with pytest.raises(RenderError, match="not opacified enough"):
        presets.resolve("ct_vessel", CT, lumen=120.0)


def test_projections_come_with_their_window():
    look, window = presets.resolve("mip", CT)
    assert window == Window(center=300, width=600)
    assert look.opacity == ((0, 0), (600, 1))


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"contrast": "IV", "body_part": "CHEST"}, "ct_bone_vessel"),
        ({"contrast": "IV", "study_description": "CTA AORTA"}, "ct_vessel"),
        ({"contrast": True, "series_description": "Arterial 1.0"}, "ct_vessel"),
        ({"contrast": False, "body_part": "CHEST", "kernel": "LUNG"}, "ct_lung"),
        ({"contrast": False, "body_part": "CHEST", "kernel": "STANDARD"}, "ct_bone"),
        ({"contrast": "IV", "body_part": "KNEE"}, "ct_bone"),
        ({}, "ct_bone"),
        ({"contrast": None, "series_description": "Portal venous 3 mm"}, "ct_portal"),
        ({"contrast": "NONE", "body_part": "ABDOMEN"}, "ct_bone"),
    ],
)
def test_choice_for_ct(facts, name):
    assert presets.choose(CT, facts) == name


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"series_description": "3D TOF Head"}, "mr_tof"),
        ({"series_description": "MRCP 3D"}, "mr_mrcp"),
        ({"protocol": "Angio arms down"}, "mr_cemra"),
        ({"series_description": "t1_mprage"}, "mr_generic"),
    ],
)
def test_choice_for_mr(facts, name):
    assert presets.choose(MR, facts) == name


def test_number_keys():
    ct = presets.window_presets("CT")
    assert ct[0] == ("Soft tissue", Window(center=40, width=400))
    assert [t for t, _ in ct[:9]][1:3] == ["Lung", "Bone"]
    assert presets.window_presets("CT", MR) != ct
    mr = presets.window_presets("MR", MR)
    assert len(mr) == 4
    assert presets.window_presets("MR") == []


def test_an_unknown_name_is_refused():
    with pytest.raises(RenderError, match="no preset nothing"):
        presets.get("nothing")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('version = "1"\n\n[[preset]\nid = "x"\n', "line 3"),
        ('version = "1"\n[[preset]]\nid = "x"\n', "line 2"),
        (
            'version = "1"\n\n\n[[preset]]\nid = "x"\ntitle = "X"\nmodality = ["CT"]\nscale = "hu"\n'
            'opacity = "5:0 3:1"\n',
            "line 4",
        ),
        ('version = "1"\n', "line 1"),
    ],
)
def test_a_mistake_in_a_preset_file_is_told_with_file_and_line(text, line):
    with pytest.raises(RenderError) as refused:
        presets.parse(text, "own.toml")
    assert "own.toml" in refused.value.sentence
    assert line in refused.value.sentence
