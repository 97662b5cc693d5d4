"""`renderdesk picture`, `surface` and `presets` on a real series, as a script would call them."""

import json

import numpy as np
import pytest
from PIL import Image

from workstation.__main__ import main

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def chest(shared_series):
    return str(shared_series("ct_chest_contrast_lidc0001"))


def run(capsys, *words):
    status = main([*words, "--json"])
    out = capsys.readouterr().out
    return status, json.loads(out) if out else None


def test_a_plane_is_where_it_says_and_holds_the_voxels(capsys, chest, tmp_path):
    out = tmp_path / "a.png"
    status, said = run(
        capsys, "picture", chest, "--out", str(out), "--technique", "mpr", "--plane", "axial", "--at", "0,0,-140",
        "--window", "40,400", "--size", "512x512", "--overlays", "none",
    )  # fmt: skip
    assert status == 0
    assert said["letters"] == {"left": "R", "right": "L", "top": "A", "bottom": "P"}
    assert said["corner_lps"][2] == pytest.approx(-140.0)
    rgb = np.array(Image.open(out))
    assert rgb.shape == (512, 512, 3)
    from render.tones import grey
    from render.view import Window
    from workstation.desk.source import open_source, read

    volume = read(open_source(chest))
    # twenty places: the pixel's own LPS, the voxels around it by another interpolation than ours
    from scipy.ndimage import map_coordinates

    corner, right, down = (np.array(said[k]) for k in ("corner_lps", "right_lps", "down_lps"))
    for x, y in np.random.default_rng(4).integers(60, 450, (20, 2)):
        lps = corner + (x * right + y * down) * said["mm_per_pixel"]
        value = map_coordinates(volume.voxels, volume.geometry.to_index(lps)[:, None], float, order=1)
        expected = int(grey(value.astype(np.float32), Window(center=40, width=400))[0])
        assert abs(int(rgb[y, x, 0]) - expected) <= 1


@pytest.mark.parametrize("words", [(), ("--technique", "mip", "--camera", "L"), ("--technique", "ssd"),
                                   ("--plane", "sagittal", "--technique", "minip", "--slab", "8")])  # fmt: skip
def test_the_recipe_makes_the_same_picture_again(capsys, chest, tmp_path, words):
    first, again, recipe = tmp_path / "1.png", tmp_path / "2.png", tmp_path / "v.json"
    status, said = run(
        capsys, "picture", chest, "--out", str(first), "--size", "300x240", "--recipe", str(recipe), *words
    )
    assert status == 0
    status, repeated = run(capsys, "picture", chest, "--out", str(again), "--view", str(recipe))
    assert status == 0
    assert repeated["digest"] == said["digest"]
    a, b = np.array(Image.open(first)), np.array(Image.open(again))
    assert (a == b).all()
    assert a.max() > 150
    assert said["renderer"] in {"CPU caster", "CPU surfaces", "planes"}


def test_an_anterior_picture_is_chosen_by_itself_and_shows_heart_on_the_patients_left(capsys, chest, tmp_path):
    out = tmp_path / "a.png"
    status, said = run(capsys, "picture", chest, "--out", str(out), "--overlays", "none", "--size", "400x320")
    assert status == 0
    assert said["preset"] == "ct_bone_vessel"
    assert said["letters"]["right"] == "L"
    rgb = np.array(Image.open(out)).astype(int)
    assert 0.2 < (rgb.max(axis=2) > 30).mean() < 0.95


def test_wrong_usage_and_refusals(capsys, chest, tmp_path):
    out = str(tmp_path / "a.png")
    assert main(["picture", chest, "--out", out, "--technique", "vr", "--plane", "axial"]) == 2
    assert main(["picture", chest, "--out", out, "--camera", "A", "--plane", "axial"]) == 2
    assert main(["picture", chest, "--out", out, "--threshold", "-300"]) == 2
    assert main(["picture", chest, "--out", out, "--technique", "mip", "--preset", "ct_bone"]) == 2
    assert main(["picture", chest, "--out", out, "--plane", "axial", "--preset", "ct_bone"]) == 2
    assert main(["picture", chest, "--out", out, "--technique", "vr", "--window", "40,400"]) == 2
    assert main(["picture", chest, "--out", out, "--view", "x.json", "--size", "100x100"]) == 2
    with pytest.raises(SystemExit) as wrong:
        main(["picture", chest, "--out", out, "--at", "1,2"])
    assert wrong.value.code == 2
    capsys.readouterr()
    assert main(["picture", chest, "--out", str(tmp_path / "a.jpg")]) == 1
    assert "PNG" in capsys.readouterr().err.upper()
    assert main(["picture", chest, "--out", out, "--preset", "mr_tof_"]) == 1
    assert "no preset" in capsys.readouterr().err
    bad = tmp_path / "bad.json"
    bad.write_text('{"technique": "vr", "colour": "red"}')
    assert main(["picture", chest, "--out", out, "--view", str(bad)]) == 1
    assert "recipe" in capsys.readouterr().err
    (tmp_path / "a.png").write_bytes(b"mine")
    assert main(["picture", chest, "--out", out]) == 1
    assert (tmp_path / "a.png").read_bytes() == b"mine"


def test_a_surface_file_is_read_back_by_others_where_it_says(capsys, chest, tmp_path):
    import trimesh

    out = tmp_path / "bone.stl"
    status, said = run(
        capsys, "surface", chest, "--threshold", "400", "--out", str(out), "--largest", "1", "--smooth", "0"
    )
    assert status == 0
    assert said["closed"]
    mesh = trimesh.load(out)
    assert len(mesh.faces) == said["triangles"]
    assert mesh.volume / 1000 == pytest.approx(said["volume_ml"], rel=1e-3)
    assert mesh.bounds.ravel() == pytest.approx([*said["bounds_mm"][0], *said["bounds_mm"][1]], abs=1e-3)
    ras = tmp_path / "ras.stl"
    status, turned = run(
        capsys, "surface", chest, "--threshold", "400", "--out", str(ras), "--largest", "1", "--smooth", "0",
        "--space", "ras",
    )  # fmt: skip
    assert status == 0
    assert turned["bounds_mm"][0][0] == pytest.approx(-said["bounds_mm"][1][0], abs=1e-3)
    assert turned["volume_ml"] == pytest.approx(said["volume_ml"])
    assert main(["surface", chest, "--threshold", "9000", "--out", str(tmp_path / "x.stl")]) == 1
    assert not (tmp_path / "x.stl").exists()


def test_presets_as_data(capsys):
    status, said = run(capsys, "presets")
    assert status == 0
    assert len(said["presets"]) >= 20
    assert {"id", "version", "opacity", "digest"} <= set(said["presets"][0])
