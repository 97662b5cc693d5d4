"""Clinical rules 1.5 on real scans and the made one: every artificial turn is found, nothing right is doubted."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from render.geometry import Geometry
from workstation.desk.source import open_source, read
from workstation.dicom.position import anatomy_contradicts, anatomy_verdicts, table_verdict

SAMPLE = Path(__file__).resolve().parents[2] / "sample_dicom"
FLIPS = [f for f in product((False, True), repeat=3) if any(f)]


def flipped(voxels, axes):
    return np.flip(voxels, [axis for axis in range(3) if axes[axis]])


@pytest.fixture(scope="module")
def chest(shared_series):
    return read(open_source(str(shared_series("ct_chest_contrast_lidc0001"))))


@pytest.fixture(scope="module")
def abdomen():
    return read(open_source(str(SAMPLE)))


@pytest.mark.parametrize("which", ["chest", "abdomen"])
def test_a_right_trunk_agrees_in_all_three(which, request):
    volume = request.getfixturevalue(which)
    assert "position_doubtful" not in volume.findings
    assert set(anatomy_verdicts(volume.voxels, volume.geometry).values()) == {"agrees"}
    assert not anatomy_contradicts(volume.voxels, volume.geometry)


@pytest.mark.parametrize("which", ["chest", "abdomen"])
@pytest.mark.parametrize("axes", FLIPS)
def test_every_flip_is_found(which, axes, request):
    """Slices, rows, columns reversed in any combination: mirror images and half turns."""
    volume = request.getfixturevalue(which)
    told = anatomy_verdicts(flipped(volume.voxels, axes), volume.geometry)
    assert "contradicts" in told.values()
    assert anatomy_contradicts(flipped(volume.voxels, axes), volume.geometry)  # the short way
    # and the right test tells it
    assert (told["spine"] == "contradicts") == axes[1]
    if axes == (False, False, True):
        assert told["hand"] == "contradicts"
    if axes[0] and not axes[1]:
        assert told["head or feet"] == "contradicts"


@pytest.mark.parametrize("which", ["chest", "abdomen"])
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_every_turn_is_found(which, quarters, request):
    """By the spine, or by the table where there is one (the made abdomen has none)."""
    volume = request.getfixturevalue(which)
    turned = np.rot90(volume.voxels, quarters, (1, 2))
    spine = anatomy_verdicts(turned, volume.geometry)["spine"]
    assert "contradicts" in (spine, table_verdict(turned, volume.geometry, "FFS"))
    if which == "abdomen":
        assert spine == "contradicts"


def test_a_tag_that_turns_the_images_is_doubted_when_they_are_loaded(shared_series, tmp_path):
    """The real chest with its orientation negated, as a wrong conversion leaves it: `position_doubtful`."""
    from pydicom import dcmread

    for path in shared_series("ct_chest_contrast_lidc0001").iterdir():
        ds = dcmread(path)
        if ds.InstanceNumber % 2:
            ds.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]
            ds.save_as(tmp_path / path.name)
    volume = read(open_source(str(tmp_path)))
    assert "position_doubtful" in volume.findings


def test_parts_and_noise_raise_no_alarm(chest, abdomen):
    """Cut out, cropped, noisier, thinned, brighter: 40 right volumes, no contradiction; what still agrees, still finds.

    One real chest and one made abdomen are few: this bounds the alarms that cuts and noise bring, not those of unusual
    patients.
    """
    rng = np.random.default_rng(20260105)
    alarms = assessed = missed = 0
    for volume in (chest, abdomen):
        small = volume.voxels[:, ::2, ::2]
        steps = volume.geometry.affine_lps.copy()
        steps[:3, 1:3] *= 2
        count = small.shape[0]
        for _ in range(20):
            first = int(rng.integers(0, count // 2))
            last = int(rng.integers(first + count // 3, count + 1))
            every = int(rng.choice((1, 1, 2)))
            part = small[first:last:every].astype(np.float32)
            part = part * rng.uniform(0.9, 1.1) + rng.normal(0, rng.uniform(0, 25), part.shape).astype(np.float32)
            if rng.random() < 0.3:
                edge = int(rng.integers(4, 40))
                part[:, :, :edge] = part[:, :edge] = -1000
            matrix = steps.copy()
            matrix[:3, 0] *= every
            grid = Geometry(part.shape, matrix, "")
            told = anatomy_verdicts(part, grid)
            assert anatomy_contradicts(part, grid) == ("contradicts" in told.values())
            alarms += "contradicts" in told.values()
            if told["spine"] == "agrees":
                assessed += 1
                missed += anatomy_verdicts(np.flip(part, 1), grid)["spine"] != "contradicts"
            if told["head or feet"] == "agrees":
                missed += "contradicts" not in anatomy_verdicts(np.flip(part, 0), grid).values()
            if told["hand"] == "agrees":
                missed += anatomy_verdicts(np.flip(part, 2), grid)["hand"] != "contradicts"
    assert assessed > 18
    assert (alarms, missed) == (0, 0)


@pytest.mark.parametrize(
    "name",
    ["ct_phantom_untilted_5mm", "ct_phantom_tilt_pair", "ct_head_ge_tilt_variable", "ct_enhanced_and_legacy"],
)
def test_heads_and_few_slices_are_not_assessed(shared_series, name):
    from workstation.dicom.load import load
    from workstation.dicom.scan import scan

    for study in scan([shared_series(name)]).studies:
        for series in study.series:
            for found in series.volumes:
                volume = load(found)
                assert "position_doubtful" not in volume.findings
                assert "contradicts" not in anatomy_verdicts(volume.voxels, volume.geometry).values()
