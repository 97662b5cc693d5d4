"""Series that no sample shows: long ones, vendors' diffusion, heart phases, perfusion, legacy and private encodings."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.factory.enhanced import enhanced
from tests.factory.many import many_files
from tests.factory.scanned import codes, series_in
from tests.factory.series import AXIAL, CORONAL, EIGHT, SAGITTAL, ct_series, grid
from workstation.dicom.load import load

SMALL = {"rows": 16, "columns": 16}


# --- long ---------------------------------------------------------------------------------------------------------


def test_three_thousand_slices(tmp_path):
    many_files(tmp_path, ((0.4 * k - 600, 3000 - k) for k in range(3000)), modality="CT")
    (found,) = series_in(tmp_path).volumes
    assert found.geometry.shape == (3000, 8, 8)
    assert found.geometry.spacing_mm[0] == pytest.approx(0.4)
    volume = load(found)
    assert np.array_equal(
        volume.voxels[:, 3, 4], [round(10 * (0.4 * k - 600)) + (3000 - k) % 7919 for k in range(3000)]
    )


def test_six_thousand_files_of_a_time_series(tmp_path):
    """60 slices, 100 times, nothing but the order to tell them apart: a hundred volumes, each in its order."""
    many_files(tmp_path, ((3.0 * (n % 60), n + 1) for n in range(6000)))
    series = series_in(tmp_path)
    assert len(series.volumes) == 100
    assert codes(series) >= {"phases_by_order"}
    for t in (0, 57, 99):
        found = series.volumes[t]
        assert (found.phase.index, found.phase.of) == (t, 100)
        volume = load(found)
        assert np.array_equal(volume.voxels[:, 0, 0], [30 * k + (60 * t + k + 1) % 7919 for k in range(60)])


# --- vendors ------------------------------------------------------------------------------------------------------


def vendor_b(vendor, b):
    def each(ds, k):
        if vendor == "standard":
            ds.DiffusionBValue = float(b)
        elif vendor == "GE":
            ds.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", [1_000_000_000 + b, 8, 0, 0])
        elif vendor == "Siemens":
            ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", str(b))
        else:
            ds.private_block(0x0065, "Image Private Header", create=True).add_new(0x09, "FD", float(b))

    return each


@pytest.mark.parametrize("vendor", ["standard", "GE", "Siemens", "UIH"])
def test_b_values_of_every_maker(tmp_path, vendor):
    for n, b in enumerate((0, 500, 1000)):
        ct_series(tmp_path, **SMALL, modality="MR", label=f"b{b}", each=vendor_b(vendor, b), slope=1.0 + n)
    series = series_in(tmp_path)
    assert [(v.phase.kind, v.phase.value) for v in series.volumes] == [
        ("b_value", 0),
        ("b_value", 500),
        ("b_value", 1000),
    ]
    assert all(v.geometry.shape[0] == 24 for v in series.volumes)


def test_directions_of_one_b_value(tmp_path):
    """b 0 once, b 1000 in four directions: no key alone tells them apart, two together do."""
    directions = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.707, 0.707, 0)]

    def each(b, direction):
        def change(ds, k):
            ds.DiffusionBValue = float(b)
            ds.DiffusionGradientOrientation = [float(v) for v in direction]

        return change

    ct_series(tmp_path, **SMALL, modality="MR", label="b0", each=vendor_b("standard", 0))
    for n, direction in enumerate(directions):
        ct_series(tmp_path, **SMALL, modality="MR", label=f"d{n}", each=each(1000, direction))
    volumes = series_in(tmp_path).volumes
    assert len(volumes) == 5
    assert {v.geometry.shape[0] for v in volumes} == {24}


def test_percentages_of_the_heart_beat(tmp_path):
    def each(percent):
        def change(ds, k):
            ds.NominalPercentageOfCardiacPhase = float(percent)
            ds.TriggerTime = 8.0 * percent + k % 3  # jitters from slice to slice: no key

        return change

    for percent in range(0, 100, 10):
        ct_series(tmp_path, **SMALL, slices=20, label=f"p{percent:02d}", each=each(percent))
    volumes = series_in(tmp_path).volumes
    assert [(v.phase.kind, v.phase.value, v.phase.of) for v in volumes] == [
        ("cardiac", float(p), 10) for p in range(0, 100, 10)
    ]


def test_perfusion_by_acquisition_and_by_time(tmp_path):
    """A shuttle that reads two table positions in turn, 12 times: told apart by the acquisition's number."""
    for t in range(12):
        ct_series(
            tmp_path, **SMALL, slices=20, label=f"t{t:02d}",
            tags={"AcquisitionNumber": t + 1, "AcquisitionTime": f"1015{2 * t:02d}"},
        )  # fmt: skip
    volumes = series_in(tmp_path).volumes
    assert len(volumes) == 12
    assert [v.phase.index for v in volumes] == list(range(12))


def test_a_perfusion_that_was_stopped(tmp_path):
    for t in range(5):
        ct_series(tmp_path, **SMALL, slices=20, label=f"t{t}", tags={"TemporalPositionIdentifier": t + 1},
                  skip=range(11, 20) if t == 4 else ())  # fmt: skip
    series = series_in(tmp_path)
    assert len(series.volumes) == 5
    assert "phase_incomplete" in codes(series)


# --- encodings ----------------------------------------------------------------------------------------------------


def test_big_endian_pixels_behind_a_little_endian_header(tmp_path):
    """GE's private transfer syntax (1.2.840.113619.5.2)."""
    paths = ct_series(tmp_path / "plain", **SMALL, syntax="1.2.840.10008.1.2")
    truth = load(series_in(tmp_path / "plain").volumes[0])
    swapped = tmp_path / "ge"
    swapped.mkdir()
    old, new = b"UI\x12\x001.2.840.10008.1.2\x00", b"UI\x14\x001.2.840.113619.5.2\x00\x00"
    for path in paths:
        raw = path.read_bytes().replace(old, new, 1)
        size = 2 * 16 * 16
        (swapped / path.name).write_bytes(raw[:-size] + np.frombuffer(raw[-size:], "<u2").astype(">u2").tobytes())
    found = series_in(swapped).volumes[0]
    assert np.array_equal(load(found).voxels, truth.voxels)


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [
        ("1.2.840.10008.5.1.4.1.1.2.2", "CT"),
        ("1.2.840.10008.5.1.4.1.1.4.4", "MR"),
        ("1.2.840.10008.5.1.4.1.1.128.1", "PT"),
    ],
)
def test_legacy_converted_files(tmp_path, sop_class, modality):
    """What has no group of its own stands in the unassigned groups: image type, kernel, numbers."""

    def each(item, k, t):
        rest = Dataset()
        rest.AcquisitionNumber = 7
        rest.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        item.UnassignedPerFrameConvertedAttributesSequence = [rest]

    (tmp_path / "e").mkdir()
    enhanced(tmp_path / "e" / "plain", slices=22)
    truth = load(series_in(tmp_path / "e").volumes[0])
    (tmp_path / "l").mkdir()
    enhanced(tmp_path / "l" / "legacy", slices=22, each=each, tags={"SOPClassUID": sop_class, "Modality": modality})
    (found,) = series_in(tmp_path / "l").volumes
    assert found.modality == modality
    assert np.array_equal(found.geometry.affine_lps, truth.geometry.affine_lps)
    assert np.array_equal(load(found).voxels, truth.voxels)


def test_negative_zeros_split_nothing(tmp_path):
    def each(ds, k):
        ds.ImageOrientationPatient = ["1", "-0", "0", "-0.0", "1", "-0"] if k % 2 else ["1", "0", "-0", "0", "1", "0"]

    ct_series(tmp_path, **SMALL, each=each)
    (found,) = series_in(tmp_path).volumes
    assert found.geometry.shape[0] == 24


# --- sides --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", sorted(EIGHT))
def test_the_left_hand_in_every_orientation_under_every_position(tmp_path, position):
    """A bright mark at the patient's left hand lies at +x whatever orientation is stored and whatever the word says."""
    for n, orientation in enumerate((EIGHT[position], EIGHT["FFP"], AXIAL, CORONAL, SAGITTAL)):
        _, places = grid(20, 20, 20, (5.0, 5.0, 5.0), orientation, (0.0, 0.0, 0.0))
        hand = np.linalg.norm(places - np.array([32.0, -8.0, 4.0]), axis=-1) < 11
        ct_series(tmp_path / str(n), slices=20, rows=20, columns=20, spacing=(5.0, 5.0, 5.0), centre=(0, 0, 0),
                  orientation=orientation, position=position, voxels=np.where(hand, 1000, -1000))  # fmt: skip
        volume = load(series_in(tmp_path / str(n)).volumes[0])
        found = volume.geometry.to_lps(np.argwhere(volume.voxels > 0)).mean(axis=0)
        assert found == pytest.approx([32, -8, 4], abs=2.0)
        assert np.linalg.det(volume.geometry.affine_lps[:3, :3]) < 0
