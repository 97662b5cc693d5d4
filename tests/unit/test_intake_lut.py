"""Modality look-up tables: applied as pydicom applies them, to plain, compressed, reduced and single slices."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut
from pydicom.sequence import Sequence

from tests.factory.encode import JPEG_LS
from tests.factory.series import ct_series
from workstation.dicom import load as loading
from workstation.dicom import tags as el
from workstation.dicom.header import read_header
from workstation.dicom.images import image_of
from workstation.dicom.load import load
from workstation.dicom.middle import middle_slice
from workstation.dicom.scan import scan

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
VOXELS = np.random.default_rng(3).integers(-300, 900, (22, 16, 16)).astype(np.int16)


def with_table(entries, first, bits=16, data=None, kind="HU", signed=True):
    def each(ds, k):
        del ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType
        item = Dataset()
        item.add_new(0x00283002, "SS" if signed else "US", [entries, first, bits])
        item.ModalityLUTType = kind
        table = (np.arange(entries, dtype=np.uint32) * 7 % 3000).astype("<u2") if data is None else data
        item.add_new(0x00283006, "OW", table.tobytes())
        ds.ModalityLUTSequence = Sequence([item])

    return each


def only(folder):
    (found,) = scan([folder]).studies[0].series[0].volumes
    return found


def expected(paths):
    return np.stack([apply_modality_lut(dcmread(p).pixel_array, dcmread(p)) for p in paths])


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, JPEG_LS])
@pytest.mark.parametrize(("entries", "first"), [(1200, -300), (4000, -200), (100, 10)])
def test_values_come_from_the_table(tmp_path, entries, first, syntax):
    """Long tables lie beyond what the reader keeps; stored values outside the table take its ends."""
    paths = ct_series(tmp_path, voxels=VOXELS, intercept=0, slices=22, rows=16, columns=16, syntax=syntax,
                      each=with_table(entries, first))  # fmt: skip
    found = only(tmp_path)
    volume = load(found)
    truth = expected(paths)
    assert volume.voxels.dtype == np.int16
    assert np.array_equal(volume.voxels, truth)
    assert volume.units == "HU"
    assert not {f.code for f in found.findings} & {"rescale_bad", "rescale_varies", "not_hu"}
    assert np.array_equal(middle_slice(found), truth[11])


def test_other_units_than_hounsfield_are_said(tmp_path):
    ct_series(tmp_path, voxels=VOXELS, intercept=0, slices=22, rows=16, columns=16,
              each=with_table(1200, -300, kind="US"))  # fmt: skip
    found = only(tmp_path)
    assert found.units == "arbitrary"
    assert "not_hu" in {f.code for f in found.findings}


def test_large_values_become_float(tmp_path):
    table = np.linspace(0, 65_535, 1200).astype("<u2")
    paths = ct_series(tmp_path, voxels=VOXELS, intercept=0, slices=22, rows=16, columns=16,
                      each=with_table(1200, -300, data=table))  # fmt: skip
    volume = load(only(tmp_path))
    assert volume.voxels.dtype == np.float32
    assert np.array_equal(volume.voxels, expected(paths))


def test_at_reduced_resolution_values_are_mapped_before_they_are_averaged(tmp_path, monkeypatch):
    paths = ct_series(tmp_path, voxels=VOXELS, intercept=0, slices=22, rows=16, columns=16,
                      each=with_table(1200, -300))  # fmt: skip
    monkeypatch.setattr(loading, "_reduction", lambda found, threads: 2)
    volume = load(only(tmp_path))
    truth = expected(paths).astype(float).reshape(11, 2, 8, 2, 8, 2).mean(axis=(1, 3, 5))
    assert np.abs(volume.voxels - truth).max() <= 0.5


def test_padding_is_mapped_too(tmp_path):
    def each(ds, k):
        with_table(1200, -300)(ds, k)
        ds.add_new(0x00280120, "SS", -290)

    ct_series(tmp_path, voxels=VOXELS, intercept=0, slices=22, rows=16, columns=16, each=each)
    assert only(tmp_path).facts["padding"] == (70.0, 70.0)


@pytest.mark.parametrize("entries", [0, 5000])
def test_a_table_that_does_not_fit_leaves_raw_values_and_says_so(tmp_path, entries):
    """As many entries stated as there are not."""
    data = np.arange(50, dtype="<u2")
    ct_series(tmp_path, voxels=VOXELS, intercept=0, slices=22, rows=16, columns=16,
              each=with_table(entries, 0, data=data))  # fmt: skip
    found = only(tmp_path)
    assert "rescale_bad" in {f.code for f in found.findings}
    assert np.array_equal(load(found).voxels, VOXELS)


def test_big_endian_tables(tmp_path):
    def each(ds, k):
        with_table(1200, -300)(ds, k)
        item = ds.ModalityLUTSequence[0]
        item[0x00283006].value = np.frombuffer(item[0x00283006].value, "<u2").astype(">u2").tobytes()

    path = ct_series(tmp_path, voxels=VOXELS, intercept=0, slices=22, rows=16, columns=16, syntax=BIG, each=each)[0]
    header = read_header(path)
    assert header.integer(el.ROWS) == 16
    table = image_of(header).table
    assert table is not None
    assert table.map(np.array([-300, -299, 0])).tolist() == [0, 7, 2100]
