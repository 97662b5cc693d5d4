"""Presets: the data files, their scales, and which one suits a series."""

import itertools

import numpy as np
import pytest

from render import camera, presets
from render.engine import Engine
from render.errors import RenderError
from render.view import Technique, View, Window
from tests.picture.phantom import ball, geometry, volume

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
    look, window = presets.resolve("mip", CT)  # its brightest is 1000 HU
    assert window == Window(center=500, width=1000)
    assert look.opacity == ((0, 0), (1000, 1))


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


WHOLE = {
    "id": '"x"', "title": '"X"', "modality": '["CT"]', "scale": '"hu"', "opacity": '"1:0 2:.5"',
    "colour": '"1:000000"', "shading": "[0.2, 0.9, 0.2, 20]", "percentiles": "[2, 98]",
}  # fmt: skip


def preset_file(**mistake):
    lines = "\n".join(f"{key} = {value}" for key, value in {**WHOLE, **mistake}.items() if value)
    return f'version = "1"\n[[preset]]\n{lines.replace("x", "fine")}\n\n[[preset]]\n{lines}\n'


@pytest.mark.parametrize(
    "mistake",
    [
        {"scale": '"hux"'}, {"scale": ""}, {"opacity": '"1:0 2:1.5"'}, {"opacity": '"2:0 1:1"'}, {"opacity": '"1"'},
        {"opacity": '"nan:0 2:1"'}, {"opacity": '""'}, {"opacity": '"a:0"'}, {"opacity": "7"}, {"colour": '"1:red"'},
        {"colour": '"1:00000g"'}, {"colour": '"2:000000 1:ffffff"'}, {"colour": '""'}, {"gradient": '"5:0 1:1"'},
        {"gradient": '"1:7"'}, {"shading": "[1, 2, 3]"}, {"shading": '"much"'}, {"shading": "[1, 2, 3, -4]"},
        {"percentiles": "[98, 2]"}, {"percentiles": "[2]"}, {"within": '"elsewhere"'}, {"title": ""},
    ],
    ids=lambda mistake: "".join(f"{key} {value}" for key, value in mistake.items()),
)  # fmt: skip
def test_each_mistake_in_a_preset_is_told_with_the_line_of_its_preset(mistake):
    assert len(presets.parse(preset_file(), "own.toml")) == 2
    second = preset_file(**mistake).split("\n\n")[1]
    fine = preset_file().split("\n\n")[0]
    with pytest.raises(RenderError) as refused:
        presets.parse(f"{fine}\n\n{second}", "own.toml")
    line = fine.count("\n") + 3
    assert refused.value.sentence.startswith(f"The preset x in own.toml, line {line} cannot be used: ")
    assert refused.value.sentence.endswith(".")


def seen(name, *parts):
    """Red, green, blue in the middle of a picture of a wall of muscle, with something behind it or not."""

    def body(p):
        x, y, z = (p[..., i] for i in range(3))
        values = np.where((np.abs(x) < 70) & (np.abs(z) < 70), -90, -1000)
        values = np.where((np.abs(x) < 60) & (np.abs(z) < 60) & (y > -60) & (y < -40), 55, values)
        if "organ" in parts:
            values = np.where((np.abs(x) < 30) & (np.abs(z) < 30) & (np.abs(y) < 30), 115, values)
        return values

    v = volume(body, geometry((60, 60, 60), (3.0, 3.0, 3.0)))
    look, _ = presets.resolve(name, v)
    view = View(
        technique=Technique.VR, size=(80, 80), look=look, overlays="none", camera=camera.standard(v, "A", (80, 80))
    )
    return Engine(v).picture(view).rgb[36:44, 36:44].astype(int).mean(axis=(0, 1))


def test_soft_tissue_lets_see_what_lies_behind_a_wall_of_muscle_and_muscle_does_not():
    assert np.abs(seen("ct_soft", "organ") - seen("ct_soft")).max() > 40
    assert np.abs(seen("ct_muscle", "organ") - seen("ct_muscle")).max() < 2
    assert np.abs(seen("ct_soft", "organ") - seen("ct_muscle", "organ")).max() > 20
