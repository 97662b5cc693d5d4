"""What a CT's voxels tell is the same whether it is found while slices are still read or when all are there."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.factory.series import ct_series, grid
from workstation.dicom import load as loading
from workstation.dicom.anatomy import Sums, sums_of
from workstation.dicom.regions import regions
from workstation.dicom.scan import scan

SHAPE, SPACING = (60, 64, 64), (2.0, 6.0, 6.0)


def trunk(places: np.ndarray) -> np.ndarray:
    """A water body with a spine behind and no table."""
    x, y = places[..., 0], places[..., 1]
    out = np.full(places.shape[:-1], -1000.0)
    out[(x / 150) ** 2 + (y / 110) ** 2 < 1] = 40
    spine = np.hypot(x, y - 60)
    out[(spine > 10) & (spine < 17)] = 700  # a shell: what is solid is taken for contrast
    return out


def found_of(folder, orientation=(1, 0, 0, 0, 1, 0), **options):
    _, places = grid(*SHAPE, SPACING, orientation, (0.0, 0.0, 0.0))
    paths = ct_series(folder, slices=SHAPE[0], rows=SHAPE[1], columns=SHAPE[2], spacing=SPACING, centre=(0, 0, 0),
                      orientation=orientation, voxels=trunk(places), **options)  # fmt: skip
    (found,) = scan([folder]).studies[0].series[0].volumes
    return found, paths


@pytest.mark.parametrize(("orientation", "doubted"), [((1, 0, 0, 0, 1, 0), False), ((-1, 0, 0, 0, -1, 0), True)])
def test_the_anatomy_is_judged_from_complete_slices(tmp_path, monkeypatch, orientation, doubted):
    """Slices off the coarse grid wait until its verdict is there; it is the one of a volume read in one go."""
    # The same voxels; the second time the files turn front and back round.
    _, places = grid(*SHAPE, SPACING, (1, 0, 0, 0, 1, 0), (0.0, 0.0, 0.0))
    ct_series(tmp_path, slices=SHAPE[0], rows=SHAPE[1], columns=SHAPE[2], spacing=SPACING, centre=(0, 0, 0),
              orientation=orientation, voxels=trunk(places))  # fmt: skip
    (found,) = scan([tmp_path]).studies[0].series[0].volumes
    judged = threading.Event()
    early = []
    whole_job, anatomy = loading._Reader._whole_job, loading._Reader._anatomy_contradicts

    def held(reader, job):
        if job.parts[0][0] == SHAPE[0] - 1:
            early.append(judged.wait(20))
        return whole_job(reader, job)

    def noted(reader):
        out = anatomy(reader)
        judged.set()
        return out

    with monkeypatch.context() as patched:
        patched.setattr(loading._Reader, "_whole_job", held)
        patched.setattr(loading._Reader, "_anatomy_contradicts", noted)
        sooner = loading.load(found)
    assert early == [True]
    monkeypatch.setattr(loading._Reader, "_sooner", lambda reader: ([], reader.jobs))
    at_once = loading.load(found)
    assert np.array_equal(sooner.voxels, at_once.voxels)
    assert (sooner.findings, sooner.padding) == (at_once.findings, at_once.padding)
    assert ("position_doubtful" in sooner.findings) == doubted


@pytest.mark.parametrize("damaged", [20, 21])
def test_a_slice_that_fails_is_judged_as_it_is_filled(tmp_path, monkeypatch, damaged):
    found, paths = found_of(tmp_path)
    with paths[damaged].open("r+b") as file:
        file.truncate(paths[damaged].stat().st_size - 500)
    sooner = loading.load(found)
    monkeypatch.setattr(loading._Reader, "_sooner", lambda reader: ([], reader.jobs))
    at_once = loading.load(found)
    assert sooner.filled == at_once.filled == (damaged,)
    assert np.array_equal(sooner.voxels, at_once.voxels)
    assert sooner.findings == at_once.findings
    assert "decode_failed" in sooner.findings


def test_values_that_overflow_leave_no_verdict_of_the_first_try(tmp_path):
    """One slice's slope takes its values out of 16 bits: all is read anew as real numbers."""

    def steep(dataset, k):
        if k == 31:
            dataset.RescaleSlope = 40
        return dataset

    found, _ = found_of(tmp_path, each=steep)
    volume = loading.load(found)
    assert volume.voxels.dtype == np.float32
    assert volume.voxels[31].max() > 40_000


@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 300, 4), (1, 1, 1), (4, 6, 270)])
def test_sums_of_a_mask_are_those_of_its_indices(shape):
    mask = np.random.default_rng(3).random(shape) < 0.9
    sums: Sums = sums_of(mask)
    k, r, c = np.nonzero(mask)
    for told, weights in ((sums.count, np.ones(k.size)), (sums.row, r), (sums.column, c)):
        assert told.tolist() == np.bincount(k, weights=weights, minlength=shape[0]).tolist()
    assert sums.mean_index == pytest.approx([k.mean(), r.mean(), c.mean()])


def test_parts_that_meet_late_are_one():
    """Combs whose teeth meet in the last row, from both sides: labels are joined again and again."""
    mask = np.zeros((3, 40, 41), bool)
    mask[:, :, ::2] = True
    mask[0, -1] = mask[2, 0] = True
    assert regions(mask, across_slices=True).sizes.tolist() == [int(mask.sum())]
    assert regions(mask, across_slices=False).sizes.size == 1 + 21 + 1
