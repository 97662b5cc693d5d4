"""Every real series against the written answers: what is right, whoever else is wrong."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tests.data.stored import svsha
from workstation.base.errors import InputRefused
from workstation.dicom.choose import choose
from workstation.dicom.found import ScanResult, SeriesFound, VolumeFound
from workstation.dicom.load import load
from workstation.dicom.scan import scan

pytestmark = pytest.mark.shared


def all_series(result: ScanResult) -> list[SeriesFound]:
    return [series for study in result.studies for series in study.series]


def all_volumes(result: ScanResult) -> list[VolumeFound]:
    return [volume for series in all_series(result) for volume in series.volumes]


def codes(volume: VolumeFound) -> set[str]:
    return {f.code for f in volume.findings}


def acquired_mean(found: VolumeFound) -> tuple[float, float, float]:
    volume = load(found)
    kept = [k for k in range(volume.geometry.shape[0]) if k not in volume.filled]
    voxels = volume.voxels[kept]
    return float(voxels.min()), float(voxels.max()), float(voxels.mean(dtype=np.float64))


# name, series number (None: the only one), shape, spacing, svsha, minimum, maximum, mean
SINGLE = [
    ("ct_chest_contrast_lidc0001", None, (133, 512, 512), (2.5, 0.703125, 0.703125), "32d40e4ea0bfc838",
     -2048, 3071, -826.9439),
    ("ct_phantom_tilt_pair", 201, (54, 512, 512), (2.3708, 0.482422, 0.482422), "d2346f237519fa3b",
     -1024, 793, -855.7405),
    ("ct_phantom_tilt_pair", 301, (58, 512, 512), (2.3971, 0.40625, 0.40625), "4235828a1e700d47",
     -1024, 804, -786.6714),
    ("ct_phantom_untilted_5mm", None, (28, 512, 512), (5.0, 0.451172, 0.451172), "db95a066481f2c3f",
     -1024, 782, -830.6064),
    ("ct_head_ge_tilt_variable", None, (28, 512, 512), (4.0, 0.4882812, 0.4882812), "0122e01ba16fe71c",
     -1500, 2121, -661.7291),
    ("mr_head_t1_one_slice_missing", 5, (176, 192, 192), (1.0, 1.1458333730698, 1.1458333730698),
     "d9debc55d417df6b", 0, 1426, 149.3601),
    ("mr_head_t1_enhanced_siemens", None, (96, 128, 128), (2.0, 2.0, 2.0), "324a5d629c8d1040", 0, 2927, 142.1944),
    ("mr_head_decubitus_sag", None, (35, 256, 256), (4.8, 1.015625, 1.015625), "bef1fac730cf646d",
     0, 1822, 155.3045),
    ("mr_t1_multifragment_jpegll", None, (96, 128, 128), (2.0, 2.0, 2.0), "fef1e0852e0653d9", 0, 2712, 155.4572),
    ("pt_wholebody_seg", None, (299, 128, 128), (3.375, 3.5378182, 3.5378182), "3bfe8db9602a19d3",
     0, 66260.8, 887.9534),
]  # fmt: skip


@pytest.mark.parametrize(("name", "number", "shape", "spacing", "sha", "low", "high", "mean"), SINGLE)
def test_one_volume_per_series_is_exactly_the_known_one(
    shared_series, name, number, shape, spacing, sha, low, high, mean
):
    found = [
        v for s in all_series(scan([shared_series(name)])) for v in s.volumes if number is None or s.number == number
    ]
    assert len(found) == 1
    volume = found[0]
    assert volume.geometry.shape == shape
    assert volume.geometry.spacing_mm == pytest.approx(spacing, abs=2.5e-3)
    assert np.linalg.det(volume.geometry.affine_lps[:3, :3]) < 0
    assert svsha([volume]) == sha
    lowest, highest, average = acquired_mean(volume)
    assert (lowest, highest) == pytest.approx((low, high), abs=0.05)
    assert average == pytest.approx(mean, abs=1e-4)


def test_chest_lies_where_the_anatomy_is(shared_series):
    _, _, found = choose(scan([shared_series("ct_chest_contrast_lidc0001")]))
    volume = load(found)
    assert volume.geometry.to_lps((0, 0, 0)) == pytest.approx((-166.0, -171.7, -340.0), abs=1e-3)
    assert volume.geometry.to_lps((132, 0, 0))[2] == pytest.approx(-10.0)
    assert found.facts["patient_position"] == "FFS"  # and it changes nothing
    assert found.units == "HU"
    assert found.suits_3d

    def mean_hu(x: float, y: float, z: float, reach: int = 3) -> float:
        k, r, c = np.rint(volume.geometry.to_index((x, y, z))).astype(int)
        return float(volume.voxels[k, r - reach : r + reach + 1, c - reach : c + reach + 1].mean())

    assert mean_hu(-90, 0, -250) == pytest.approx(74, abs=12)  # liver, on the patient's right
    for z, x, y, hu in ((-130, 20.8, 57.2, 400), (-190, 22.8, 48.7, 371), (-260, 30.3, 15.4, 413)):
        assert mean_hu(x, y, z) == pytest.approx(hu, abs=20)  # aorta, left of the spine


def test_chest_without_one_slice_has_a_gap_and_the_same_spacing(shared_series, tmp_path):
    import shutil

    folder = shared_series("ct_chest_contrast_lidc0001")
    whole = all_volumes(scan([folder]))[0]
    gone = whole.frames[60]
    for frame in whole.frames:
        if frame is not gone:
            shutil.copy(frame.path, tmp_path)
    (found,) = all_volumes(scan([tmp_path]))
    assert found.geometry.shape == whole.geometry.shape
    assert found.geometry.affine_lps == pytest.approx(whole.geometry.affine_lps)
    assert found.filled == (60,)
    assert "gap" in codes(found)


def test_tilted_scans_are_sheared_by_their_positions(shared_series):
    for number, tilt in ((201, 18.5), (301, 16.5)):
        series = next(s for s in all_series(scan([shared_series("ct_phantom_tilt_pair")])) if s.number == number)
        (volume,) = series.volumes
        assert volume.geometry.shear_deg == pytest.approx(tilt, abs=0.1)
        assert volume.geometry.affine_lps[:3, 0] == pytest.approx((0, 0, 2.5), abs=1e-3)
        assert {"tilt", "resampled"} <= codes(volume)


def test_scout_is_set_apart(shared_series):
    scout = next(s for s in all_series(scan([shared_series("ct_phantom_tilt_pair")])) if s.number == 100)
    assert scout.volumes == ()
    assert {"localizer", "single_slice"} == {f.code for f in scout.findings}


def test_tilted_and_untilted_scans_of_one_phantom_agree_in_space(shared_series):
    """INDEX.md: every pair correlates above 0.94 on a common grid; 0.09 to 0.27 with a rectangular affine."""
    from scipy.ndimage import map_coordinates

    volumes = [
        load(v)
        for name in ("ct_phantom_tilt_pair", "ct_phantom_untilted_5mm")
        for v in all_volumes(scan([shared_series(name)]))
    ]
    assert len(volumes) == 3
    axes = (np.arange(-90, 89, 2.0), np.arange(20, 199, 2.0), np.arange(725, 820, 2.0))
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    sampled = [
        map_coordinates(
            np.asarray(v.voxels, np.float32), np.moveaxis(v.geometry.to_index(grid), -1, 0), order=1, mode="nearest"
        ).ravel()
        for v in volumes
    ]
    pairs = [np.corrcoef(sampled[a], sampled[b])[0, 1] for a, b in ((0, 1), (0, 2), (1, 2))]
    assert min(pairs) > 0.94, pairs


def test_uneven_head_keeps_its_true_positions(shared_series):
    (found,) = all_volumes(scan([shared_series("ct_head_ge_tilt_variable")]))
    assert {"tilt", "uneven_spacing"} <= codes(found)
    volume = load(found)
    positions = volume.positions_lps
    assert positions is not None
    gaps = np.diff(positions @ volume.geometry.normal_lps)
    assert np.round(gaps, 2) == pytest.approx([4.0] * 13 + [1.08] + [7.0] * 13, abs=0.011)
    assert positions[[0, -1], 2] == pytest.approx((5.836, 157.776), abs=1e-3)
    assert volume.padding == (-1500.0, -1500.0)


def test_enhanced_perfusion_map_is_not_hounsfield_and_keeps_its_side(shared_series):
    folder = shared_series("ct_enhanced_and_legacy") / "enhanced"
    (found,) = all_volumes(scan([folder]))
    assert found.geometry.shape == (2, 512, 512)
    assert {"not_hu", "too_few_slices"} <= codes(found)
    assert found.units != "HU"
    assert not found.suits_3d
    affine = found.geometry.affine_lps
    assert affine[:3, 2] == pytest.approx((-0.388672, 0, 0), abs=1e-6)  # columns grow to the patient's right
    assert affine[2, 0] == pytest.approx(-10.0)  # and slices down, along the normal
    assert np.linalg.det(affine[:3, :3]) < 0
    voxels = load(found).voxels
    assert (int(voxels.min()), int(voxels.max())) == (-1024, 1196 - 1024)


def test_single_and_multi_frame_of_the_same_voxels_are_equal(shared_series):
    folder = shared_series("ct_enhanced_and_legacy") / "legacy_24x38x3"
    found = all_volumes(scan([folder]))
    assert len(found) == 2
    assert {svsha([v]) for v in found} == {"ec13426799cdffb1"}
    assert found[0].geometry.affine_lps == pytest.approx(found[1].geometry.affine_lps, abs=1e-6)
    assert [v.geometry.shape for v in found] == [(3, 38, 24)] * 2
    assert found[0].geometry.spacing_mm == pytest.approx((2.5, 0.7, 0.7))
    for volume in found:
        places = [float(volume.geometry.to_lps((k, 0, 0))[2]) for k in range(3)]
        assert places == pytest.approx([-177.75, -175.25, -172.75])
        assert acquired_mean(volume) == pytest.approx((0, 1, 0.1151), abs=1e-4)


def test_a_segmentation_holds_the_voxels_of_its_images(shared_series):
    """Its bits are packed eight to a byte; its frames lie at the same places. It is no volume for 3D all the same."""
    from workstation.dicom.decode import Pixels
    from workstation.dicom.header import read_header
    from workstation.dicom.multiframe import frames_of
    from workstation.dicom.stack import stacks_of

    folder = shared_series("ct_enhanced_and_legacy") / "legacy_24x38x3"
    header = read_header(folder / "seg" / "label.seg")
    frames, findings = frames_of(header)
    assert findings == []
    (stack,), _ = stacks_of(frames)
    images = next(v for v in all_volumes(scan([folder])) if len({f.path for f in v.frames}) == 3)
    assert stack.affine_lps == pytest.approx(images.geometry.affine_lps, abs=1e-6)
    pixels = Pixels(header)
    with header.path.open("rb", buffering=0) as file:
        stored = np.stack([pixels.read(file, image.frame) for image in stack.images])
    assert np.array_equal(stored, load(images).voxels)
    assert hashlib.sha256(stored.astype("<i4").tobytes()).hexdigest()[:16] == "ec13426799cdffb1"
    (series,) = all_series(scan([folder / "seg"]))
    assert series.volumes == ()
    assert {f.code for f in series.findings} == {"not_a_volume"}


def test_liver_slices_lie_one_millimetre_apart_although_thicker(shared_series):
    found = [v for v in all_volumes(scan([shared_series("ct_enhanced_and_legacy") / "liver"])) if v.modality == "CT"]
    (volume,) = found
    assert volume.geometry.spacing_mm[0] == pytest.approx(1.0)
    assert "thickness_differs" in codes(volume)
    voxels = load(volume).voxels
    assert (voxels.min(), voxels.max()) == (-3024, 1381)
    assert [float(volume.geometry.to_lps((k, 0, 0))[2]) for k in (0, 2)] == pytest.approx([-128.69, -126.69], abs=0.01)


def test_missing_slice_is_filled_in_its_place(shared_series):
    series = next(s for s in all_series(scan([shared_series("mr_head_t1_one_slice_missing")])) if s.number == 5)
    (found,) = series.volumes
    assert found.filled == (114,)
    assert "gap" in codes(found)
    n = found.geometry.normal_lps
    ends = [float(n @ found.geometry.to_lps((k, 0, 0))) for k in (0, 175)]
    assert ends[1] - ends[0] == pytest.approx(175.0, abs=2e-3)
    volume = load(found)
    mean = (volume.voxels[113].astype(float) + volume.voxels[115]) / 2
    assert np.abs(volume.voxels[114] - mean).max() <= 0.5
    assert volume.source_uids[114] == ""


def test_derived_mosaics_hold_twelve_slices(shared_series):
    series = {s.number: s for s in all_series(scan([shared_series("mr_head_t1_one_slice_missing")]))}
    for number, highest in ((17, 2184.77), (18, 3204.89)):
        (found,) = series[number].volumes
        assert found.geometry.shape == (12, 64, 64)
        assert found.geometry.spacing_mm == pytest.approx((6.0, 3.4375, 3.4375))
        voxels = load(found).voxels
        assert voxels.min() < 0
        assert float(voxels.max()) == pytest.approx(highest, abs=0.01)


def test_enhanced_head_is_ordered_by_place(shared_series):
    (found,) = all_volumes(scan([shared_series("mr_head_t1_enhanced_siemens")]))
    assert found.geometry.centre_lps_mm == pytest.approx((-5.42, -29.09, -13.78), abs=0.01)
    assert found.frames[0].position_lps_mm[0] == pytest.approx(89.576, abs=1e-3)
    assert found.frames[0].frame == 95  # the file runs against the normal


def test_decubitus_head_is_not_turned(shared_series):
    (found,) = all_volumes(scan([shared_series("mr_head_decubitus_sag")]))
    affine = found.geometry.affine_lps
    assert found.facts["patient_position"] == "HFDR"
    assert affine[:3, 2] == pytest.approx((0, 1.015625, 0), abs=1e-6)
    assert affine[:3, 1] == pytest.approx((0, 0, -1.015625), abs=1e-6)
    assert affine[:3, 0] == pytest.approx((-4.8, 0, 0), abs=1e-3)


def test_localizer_is_three_stacks_and_opens_only_by_name(shared_series):
    result = scan([shared_series("mr_localizer_3plane")])
    found = all_volumes(result)
    assert [v.geometry.shape for v in found] == [(7, 256, 256)] * 3
    assert svsha(found) == "5117e0b9bfd82d28"
    means = sorted(acquired_mean(v)[2] for v in found)
    assert means == pytest.approx([113.0105, 163.3013, 206.1716], abs=1e-4)
    assert all(v.geometry.spacing_mm[0] == pytest.approx(15.0) for v in found)
    assert "localizer" in codes(found[0])
    with pytest.raises(InputRefused) as refused:
        choose(result)
    assert refused.value.code == "localizer"
    assert choose(result, volume=found[1].id)[2] is found[1]


def test_time_series_from_single_files(shared_series):
    found = all_volumes(scan([shared_series("mr_fmri_10vol")]))
    assert [v.phase.index for v in found] == list(range(10))
    assert {v.geometry.shape for v in found} == {(15, 64, 64)}
    assert found[0].geometry.to_lps((0, 0, 0)) == pytest.approx((-118.125, -143.344, -17.688), abs=1e-3)
    assert found[0].geometry.spacing_mm == pytest.approx((5.0, 3.75, 3.75), abs=1e-3)
    assert svsha(found) == "c6b2beb64d091786"
    assert np.mean([acquired_mean(v)[2] for v in found]) == pytest.approx(566.5242, abs=1e-4)
    assert "phases_by_order" in codes(found[0])


def test_mosaics_are_taken_apart_in_their_place(shared_series):
    found = all_volumes(scan([shared_series("mr_fmri_mosaic_siemens")]))
    assert len(found) == 6
    assert {v.geometry.shape for v in found} == {(36, 64, 64)}
    for volume in found:
        assert volume.geometry.spacing_mm == pytest.approx((3.6, 3.203125, 3.203125), abs=1e-4)
        assert volume.geometry.centre_lps_mm == pytest.approx((-1.6, -20.96, 1.41), abs=0.01)
        assert volume.geometry.normal_lps == pytest.approx((0, 0.1236, 0.9923), abs=1e-4)
    ends = np.array([acquired_mean(v) for v in found])
    assert (ends[:, 0].min(), ends[:, 1].max()) == (0, 1627)
    assert ends[:, 2].mean() == pytest.approx(110.6674, abs=1e-4)


def test_time_series_from_enhanced_files(shared_series):
    found = all_volumes(scan([shared_series("mr_fmri_enhanced_siemens")]))
    assert [v.geometry.shape for v in found] == [(6, 64, 64)] * 4
    assert found[0].geometry.to_lps((0, 0, 0)) == pytest.approx((-109.79, -58.477, -5.404), abs=1e-3)
    assert found[0].geometry.spacing_mm == pytest.approx((2.4, 3.375, 3.375), abs=1e-3)
    stored = np.stack([load(v).voxels for v in found]).astype("<u2")
    assert hashlib.sha256(stored.tobytes()).hexdigest()[:12] == "a5040cf0de3e"
    assert float(stored.mean()) == pytest.approx(101.7420, abs=1e-4)


def test_one_file_with_magnitude_and_field_map_is_two_volumes(shared_series):
    """Values by pydicom frame by frame; the index's 5226.92 is the field map's highest at the magnitude's slope."""
    import pydicom

    folder = shared_series("mr_b0map_enhanced_philips")
    magnitude, field_map = all_volumes(scan([folder]))
    dataset = pydicom.dcmread(magnitude.frames[0].path)
    frames = dataset.pixel_array.astype(float)
    for volume, part, slope, intercept in (
        (magnitude, frames[:32], 1.27985347985347, 0.0),
        (field_map, frames[32:], 0.24420024420024, -500.0),
    ):
        assert volume.geometry.shape == (32, 64, 64)
        assert volume.geometry.centre_lps_mm == pytest.approx((-1.24, 6.22, 23.65), abs=0.01)
        assert load(volume).voxels == pytest.approx(part * slope + intercept, abs=1e-3)
    assert magnitude.score > field_map.score


def test_echoes_and_kinds_are_told_apart(shared_series):
    found = all_volumes(scan([shared_series("mr_multiecho_mag_phase_philips")]))
    means = sorted(acquired_mean(v)[2] for v in found)
    assert means == pytest.approx([-1897.6769, -1756.9298, 352.2671, 448.2405], abs=1e-4)
    assert svsha(found) == "62875d2e712b1ced"
    assert {v.phase.kind for v in found} == {"echo"}
    assert {v.geometry.shape for v in found} == {(30, 96, 96)}
    assert all(v.geometry.spacing_mm[0] == pytest.approx(4.0) for v in found)


def test_united_imaging_tiles_lie_where_dcm2niix_puts_them(shared_series):
    found = all_volumes(scan([shared_series("mr_dwi_uih_vframe")]))
    assert [v.geometry.shape for v in found] == [(20, 64, 64)] * 17
    for volume in found:
        assert volume.geometry.spacing_mm == pytest.approx((4.2, 3.5, 3.5), abs=1e-3)
        assert volume.geometry.centre_lps_mm == pytest.approx((-8.82, 1.25, 36.58), abs=0.01)
    values = np.array([acquired_mean(v) for v in found])
    assert (values[:, 0].min(), values[:, 1].max()) == (0, 1419)
    assert values[:, 2].mean() == pytest.approx(44.0715, abs=1e-4)
    # The index's sum is over the pictures as they were sent: the tiles, put back, are those pictures.
    digest = hashlib.sha256()
    for volume in sorted(found, key=lambda v: v.frames[0].instance_number):
        voxels = load(volume).voxels
        picture = np.full((256, 320), -1)
        for k, frame in enumerate(volume.frames):
            y, x = divmod(frame.frame, 5)
            picture[64 * y : 64 * y + 64, 64 * x : 64 * x + 64] = voxels[k]
        digest.update(np.ascontiguousarray(picture, "<i4").tobytes())
    assert digest.hexdigest()[:16] == "c7dc7ab9e3540c96"


def test_pet_is_one_volume_with_its_uptake_factor(shared_series):
    found = [v for v in all_volumes(scan([shared_series("pt_wholebody_seg")])) if v.modality == "PT"]
    (volume,) = found
    assert volume.units == "BQML"
    assert volume.phase is None
    assert volume.facts["suv"] == pytest.approx(2.94480e-4, rel=1e-4)
    assert volume.geometry.to_lps((0, 0, 0)) == pytest.approx((-226.132, -425.884, -1259.459), abs=1e-3)


def test_other_objects_are_never_volumes(shared_series):
    result = scan([shared_series("other_objects")])
    assert all_volumes(result) == []
    assert result.files == 9
    assert result.skipped == 0
    assert {f.code for s in all_series(result) for f in s.findings} == {"not_a_volume"}
