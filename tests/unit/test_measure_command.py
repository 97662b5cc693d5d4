"""`renderdesk measure` on files: the same number as the truth of the scene, in the promised form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.factory.series import ct_series, scene
from workstation.__main__ import main
from workstation.base.errors import InputRefused
from workstation.measure.kinds import KINDS
from workstation.measure.options import Options
from workstation.measure.recipe import recipes_of

ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, recipe: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict]:
    path = folder / "recipe.json"
    path.write_text(json.dumps(recipe))
    status = main(["measure", str(folder / "series"), "--recipe", str(path), "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("tilt_deg", [0.0, 12.0])
def test_numbers_are_those_of_the_patient_also_with_a_tilted_gantry(
    tilt_deg: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ct_series(tmp_path / "series", tilt_deg=tilt_deg)
    at = [3.0, -5.0, 9.0]
    recipe = {
        "schema": "renderdesk.measure/1",
        "measurements": [
            {"kind": "length", "points_lps_mm": [[-6, -9, 1], [6, 7, 16]], "name": "oblique"},
            {"kind": "point", "points_lps_mm": [at]},
            {"kind": "ellipse", "points_lps_mm": [[-5, -13, 9], [11, 3, 9]], "plane_normal_lps": "axial"},
            {"kind": "length", "points_lps_mm": [[0, 0, 9], [5, 0, 9]], "options": {"perspective": True}},
        ],
    }
    status, found = run(tmp_path, recipe, capsys)
    assert status == 0
    length, point, ellipse, refused = found["measurements"]
    assert length["value"] == pytest.approx(25.0)
    assert (length["unit"], length["valid"], length["name"]) == ("mm", True, "oblique")
    # the nearest voxel is at most half a voxel away in each direction
    assert abs(point["value"] - float(scene(_array(at)))) <= 2 * 0.4 + 3 * 0.4 + 5 * 1.0 + 1
    assert abs(ellipse["extra"]["mean"] - float(scene(_array(at)))) <= 5 * 1.0 + 1
    assert ellipse["value"] == pytest.approx(3.14159265 * 64)
    assert (refused["value"], refused["valid"]) == (None, False)
    assert refused["reasons"]


def _array(values: list[float]):
    import numpy as np

    return np.array(values)


def test_a_single_recipe_and_a_list_are_taken_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ct_series(tmp_path / "series")
    one = {"kind": "length", "points_lps_mm": [[0, 0, 9], [5, 0, 9]]}
    assert run(tmp_path, one, capsys)[1]["measurements"][0]["printed"] == "5.0 mm"
    assert len(run(tmp_path, [one, one], capsys)[1]["measurements"]) == 2


@pytest.mark.parametrize(
    "recipe",
    [
        {"kind": "length"},
        [],
        {"kind": "length", "points_lps_mm": [[0, 0], [1, 1, 1]]},
        {"kind": "length", "points_lps_mm": [[0, 0, 0], [1, 1, 1]], "colour": "red"},
        {"kind": "magic", "points_lps_mm": [[0, 0, 0]]},
        {"kind": "length", "points_lps_mm": [[0, 0, 0], [1, 1, 1]], "options": {"persp": 1}},
        {"kind": "length", "points_lps_mm": [[0, 0, 0], [1, 1, 1]], "volume": "another"},
    ],
)
def test_a_wrong_recipe_is_one_sentence_and_status_1(
    recipe: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ct_series(tmp_path / "series")
    status, said = run(tmp_path, recipe, capsys)
    assert status == 1
    assert said["error"]["sentence"].endswith(".")


def test_no_json_is_refused() -> None:
    with pytest.raises(InputRefused):
        recipes_of(b"length 5 mm")


def test_the_schema_in_the_docs_knows_every_kind_and_option() -> None:
    schema = json.loads((ROOT / "docs" / "measure.schema.json").read_text())
    assert tuple(schema["$defs"]["measurement"]["properties"]["kind"]["enum"]) == KINDS
    assert set(schema["$defs"]["options"]["properties"]) == set(Options.__struct_fields__)
