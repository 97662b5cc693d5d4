"""The table tells a wrong position: eight right ones agree, turned or mirrored ones are doubted."""

from __future__ import annotations

import numpy as np
import pytest

from tests.factory.series import EIGHT, ct_series, grid
from workstation.dicom.load import load
from workstation.dicom.position import table_verdict
from workstation.dicom.scan import scan

SHAPE, SPACING = (24, 100, 100), (4.0, 4.0, 4.0)
TABLE = {"S": (0, 1), "P": (0, -1), "DR": (-1, 0), "DL": (1, 0)}


def body_on_table(places: np.ndarray, side: tuple[int, int], *, legs: bool = False) -> np.ndarray:
    """An ellipse (or two legs) of water in air, and a thin wide board on one side, 1000 mm from nothing."""
    x, y = places[..., 0], places[..., 1]
    out = np.full(places.shape[:-1], -1000.0)
    if legs:
        out[((x - 85) / 75) ** 2 + (y / 70) ** 2 < 1] = 40
        out[((x + 85) / 75) ** 2 + (y / 70) ** 2 < 1] = 30
        return out
    out[(x / 120) ** 2 + (y / 90) ** 2 < 1] = 40
    across, along = (y, x) if side[0] == 0 else (x, y)
    out[(np.abs(across - 150 * sum(side)) < 8) & (np.abs(along) < 110)] = 100
    return out


def loaded(folder, orientation, position, side, **options):
    _, places = grid(*SHAPE, SPACING, orientation, (0.0, 0.0, 0.0))
    ct_series(folder, slices=24, rows=100, columns=100, spacing=SPACING, orientation=orientation, position=position,
              centre=(0, 0, 0), voxels=body_on_table(places, side, **options))  # fmt: skip
    (found,) = scan([folder]).studies[0].series[0].volumes
    return load(found)


@pytest.mark.parametrize("word", sorted(EIGHT))
def test_right_positions_agree(tmp_path, word):
    volume = loaded(tmp_path, EIGHT[word], word, TABLE[word[2:]])
    assert table_verdict(volume.voxels, volume.geometry, word) == "agrees"
    assert "position_doubtful" not in volume.findings


@pytest.mark.parametrize(("word", "stated"), [("HFS", "HFP"), ("HFP", "FFS"), ("HFDR", "HFDL"), ("HFS", "HFDL")])
def test_a_table_on_another_side_is_doubted(tmp_path, word, stated):
    volume = loaded(tmp_path, EIGHT[word], stated, TABLE[word[2:]])
    assert "position_doubtful" in volume.findings


def test_mirrored_front_to_back_is_doubted(tmp_path):
    """Supine, but somebody turned the orientation over: the table would be in front."""
    volume = loaded(tmp_path, (1, 0, 0, 0, -1, 0), "HFS", (0, -1))
    assert "position_doubtful" in volume.findings


def test_what_cannot_be_told_is_no_doubt(tmp_path):
    legs = loaded(tmp_path / "legs", EIGHT["HFS"], "HFS", (0, 1), legs=True)
    assert table_verdict(legs.voxels, legs.geometry, "HFS") == "not assessable"
    lying = loaded(tmp_path / "lying", EIGHT["HFS"], "HFS", (0, 1))
    assert table_verdict(lying.voxels, lying.geometry, "") == "not assessable"
    assert table_verdict(lying.voxels[:12], lying.geometry, "HFP") == "not assessable"
    air = np.full_like(lying.voxels, -1000)
    assert table_verdict(air, lying.geometry, "HFP") == "not assessable"


def test_a_thing_that_moves_is_no_table(tmp_path):
    volume = loaded(tmp_path, EIGHT["HFS"], "HFP", (0, 1))
    moved = np.stack(
        [np.roll(plane, -(k % 6) * 2, axis=0) if k % 2 else plane for k, plane in enumerate(volume.voxels)]
    )
    assert table_verdict(moved, volume.geometry, "HFP") == "not assessable"
