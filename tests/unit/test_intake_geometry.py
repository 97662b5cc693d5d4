"""Constructed series against the analytic scene: side, order, spacing and rescale in one comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from render.geometry import letters
from render.volume import Volume
from tests.factory.enhanced import ENHANCED_CT, ENHANCED_MR, ENHANCED_US, enhanced, mosaic
from tests.factory.series import AXIAL, CORONAL, EIGHT, SAGITTAL, ct_series, scene
from workstation.dicom.found import VolumeFound
from workstation.dicom.load import load
from workstation.dicom.scan import scan


def only_volume(folder: Path) -> VolumeFound:
    found = [v for study in scan([folder]).studies for series in study.series for v in series.volumes]
    assert len(found) == 1
    return found[0]


def codes(found: VolumeFound) -> set[str]:
    return {f.code for f in found.findings}


def grid_lps(volume: Volume) -> np.ndarray:
    return volume.geometry.to_lps(np.stack(np.indices(volume.geometry.shape), axis=-1))


def assert_in_place(volume: Volume, tolerance: float = 0.51) -> None:
    """Every voxel's value is the scene's at the voxel's place (values are rounded to whole numbers)."""
    assert np.abs(volume.voxels - scene(grid_lps(volume))).max() <= tolerance


OBLIQUE = tuple(np.round(np.array([[0.8, 0.6, 0.0], [-0.36, 0.48, 0.8]]).ravel(), 6))
ORIENTATIONS = {**EIGHT, "coronal": CORONAL, "sagittal": SAGITTAL, "oblique": OBLIQUE}


@pytest.mark.parametrize("word", sorted(ORIENTATIONS))
def test_every_orientation_lands_where_it_was(tmp_path, word):
    orientation = ORIENTATIONS[word]
    ct_series(tmp_path, rows=20, columns=28, spacing=(2.0, 0.8, 1.1), orientation=orientation,
              position=word if word in EIGHT else "HFS")  # fmt: skip
    found = only_volume(tmp_path)
    volume = load(found)
    assert_in_place(volume)
    affine = volume.geometry.affine_lps[:3, :3]
    assert np.linalg.det(affine) < 0
    assert np.linalg.det(affine[:, ::-1]) > 0  # columns (column, row, slice): right-handed, never mirrored
    assert affine[:, 2] / 1.1 == pytest.approx(orientation[:3], abs=1e-6)
    assert affine[:, 1] / 0.8 == pytest.approx(orientation[3:], abs=1e-6)
    assert volume.geometry.spacing_mm == pytest.approx((2.0, 0.8, 1.1), abs=1e-5)
    assert found.suits_3d
    assert codes(found) <= {"anisotropic"}


@pytest.mark.parametrize("word", sorted(EIGHT))
def test_the_ball_lies_at_the_left_hand_in_every_position(tmp_path, word):
    """Three unlike markers: ball left, cube anterior, rod head; sides come from the positions alone."""
    shape = (24, 24, 24)
    from tests.factory.series import grid

    _, places = grid(*shape, (2.0, 2.0, 2.0), EIGHT[word], (0.0, 0.0, 0.0))
    voxels = np.full(shape, -1000.0)
    voxels[np.linalg.norm(places - (14, 0, 0), axis=-1) < 5] = 300
    voxels[np.abs(places - (0, -14, 0)).max(axis=-1) < 4] = 600
    voxels[(np.abs(places[..., :2]).max(axis=-1) < 3) & (places[..., 2] > 8)] = 900
    ct_series(tmp_path, slices=24, rows=24, columns=24, spacing=(2.0, 2.0, 2.0), orientation=EIGHT[word],
              position=word, centre=(0, 0, 0), voxels=voxels)  # fmt: skip
    volume = load(only_volume(tmp_path))
    lps = grid_lps(volume)
    for value, letter in ((300, "L"), (600, "A"), (900, "H")):
        centre = lps[volume.voxels == value].mean(axis=0)
        assert letters(centre) == letter


def test_position_word_turns_nothing(tmp_path):
    ct_series(tmp_path / "a", position="HFS")
    ct_series(tmp_path / "b", position="FFP")
    a, b = load(only_volume(tmp_path / "a")), load(only_volume(tmp_path / "b"))
    assert a.digest == b.digest


def test_instance_numbers_and_file_names_order_nothing(tmp_path):
    rng = np.random.default_rng(5)
    numbers = rng.permutation(24)
    ct_series(tmp_path, rows=16, columns=16, each=lambda ds, k: setattr(ds, "InstanceNumber", int(numbers[k])))
    assert_in_place(load(only_volume(tmp_path)))


@pytest.mark.parametrize("tilt", [-18.5, -3.0, 12.0, 25.0])
def test_tilt_is_a_shear_in_the_affine(tmp_path, tilt):
    ct_series(tmp_path, rows=20, columns=20, tilt_deg=tilt, tags={"GantryDetectorTilt": -tilt})
    found = only_volume(tmp_path)
    volume = load(found)
    assert_in_place(volume)
    assert volume.geometry.shear_deg == pytest.approx(abs(tilt), abs=1e-3)
    assert volume.geometry.spacing_mm[0] == pytest.approx(2.0, abs=1e-5)
    assert {"tilt", "resampled"} <= codes(found)
    assert "tilt_tag_differs" not in codes(found)  # its sign is not reliable, its size is right
    assert volume.needs_display_copy


def test_a_missing_slice_is_filled_and_nothing_moves(tmp_path):
    ct_series(tmp_path, rows=16, columns=16, slices=40, skip=(11,))
    found = only_volume(tmp_path)
    assert found.filled == (11,)
    assert found.frames[11] is None
    volume = load(found)
    assert volume.geometry.shape[0] == 40
    assert_in_place(volume, 1.01)  # a linear scene is filled with its own values
    assert volume.source_uids[11] == ""


def test_uneven_slices_keep_their_positions(tmp_path):
    offsets = np.cumsum([0, *([2.0] * 12), 0.7, *([3.1] * 12)])
    ct_series(tmp_path, slices=len(offsets), rows=16, columns=16, offsets=offsets)
    found = only_volume(tmp_path)
    volume = load(found)
    assert volume.positions_lps is not None
    n = volume.geometry.normal_lps
    assert np.diff(volume.positions_lps @ n) == pytest.approx(np.diff(offsets), abs=1e-5)
    lps = volume.positions_lps[:, None, None, :] + (grid_lps(volume)[0] - volume.geometry.to_lps((0, 0, 0)))
    assert np.abs(volume.voxels - scene(lps)).max() <= 0.51
    assert "uneven_spacing" in codes(found)


def test_small_differences_that_add_up_are_uneven(tmp_path):
    """Gaps 0.9 % off on either half pass one by one, but the middle would lie 1 mm off."""
    offsets = np.cumsum([0, *([5.04] * 25), *([4.96] * 25)])
    ct_series(tmp_path, slices=51, rows=16, columns=16, offsets=offsets, intercept=0)
    assert "uneven_spacing" in codes(only_volume(tmp_path))


def test_noise_in_the_orientation_does_not_split(tmp_path):
    def noisy(ds, k):
        if k == 7:
            ds.ImageOrientationPatient = [1.0, 2e-4, 0.0, -2e-4, 1.0, 0.0]

    ct_series(tmp_path, rows=16, columns=16, each=noisy)
    found = only_volume(tmp_path)
    assert found.geometry.shape[0] == 24
    assert found.filled == ()  # not split off and its place filled


def test_spacing_that_changes_splits(tmp_path):
    def finer(ds, k):
        if k >= 24:
            ds.PixelSpacing = [0.4, 0.4]

    ct_series(tmp_path, slices=48, rows=16, columns=16, each=finer)
    (study,) = scan([tmp_path]).studies
    assert sorted(v.geometry.spacing_mm[1] for v in study.series[0].volumes) == pytest.approx([0.4, 0.8])


def test_a_matrix_that_changes_splits(tmp_path):
    ct_series(tmp_path, rows=16, columns=16, label="a")
    ct_series(tmp_path, rows=16, columns=20, label="b", centre=(3.0, -5.0, 107.0), intercept=0)
    (study,) = scan([tmp_path]).studies
    assert sorted(v.geometry.shape for v in study.series[0].volumes) == [(24, 16, 16), (24, 16, 20)]
    for found in study.series[0].volumes:
        assert_in_place(load(found))


@pytest.mark.parametrize(
    ("tags", "code"),
    [({"ImagerPixelSpacing": [0.8, 0.8]}, "spacing_unknown"), ({"PixelAspectRatio": [1, 1]}, "spacing_unknown"),
     ({"NominalScannedPixelSpacing": [0.8, 0.8]}, "spacing_unknown")],
)  # fmt: skip
def test_nothing_stands_in_for_pixel_spacing(tmp_path, tags, code):
    """The detector's spacing is not the patient's (a recall of a PACS); an aspect has no millimetres."""

    def without(ds, k):
        del ds.PixelSpacing

    ct_series(tmp_path, rows=16, columns=16, tags=tags, each=without)
    (series,) = scan([tmp_path]).studies[0].series
    assert series.volumes == ()
    assert {f.code for f in series.findings} == {code}


def test_pixel_spacing_goes_before_everything_else_that_names_a_size(tmp_path):
    tags = {"ImagerPixelSpacing": [0.1, 0.1], "PixelAspectRatio": [3, 1], "SpacingBetweenSlices": -2.0,
            "SliceLocation": 999.0}  # fmt: skip
    ct_series(tmp_path, rows=16, columns=20, spacing=(2.0, 0.8, 1.1), tags=tags)
    found = only_volume(tmp_path)
    assert found.geometry.spacing_mm == pytest.approx((2.0, 0.8, 1.1))
    assert "thickness_differs" not in codes(found)  # a sign there says the direction of travel
    assert_in_place(load(found))


@pytest.mark.parametrize(
    ("stated", "valid"),
    [((1, 0, 0, 0.05, 0.99875, 0), False), ((1.05, 0, 0, 0, 1, 0), False), ((1, 0, 0, 0, 0.95, 0), False),
     ((0, 0, 0, 0, 1, 0), False), ((1, 0, 0, 1, 0, 0), False), ((1.008, 0, 0, 0, 0.993, 0), True),
     ((1, 0, 0, 0.008, 0.99997, 0), True)],
)  # fmt: skip
def test_directions_are_of_length_one_and_at_right_angles(tmp_path, stated, valid):
    """Within 0.01 (clinical rules 1.4); what is a little off is made right, the rows first."""
    ct_series(tmp_path, rows=16, columns=20, spacing=(2.0, 0.8, 1.1),
              each=lambda ds, k: setattr(ds, "ImageOrientationPatient", list(stated)))  # fmt: skip
    (series,) = scan([tmp_path]).studies[0].series
    assert ("orientation_invalid" in {f.code for f in series.findings}) is not valid
    assert len(series.volumes) == int(valid)
    for found in series.volumes:
        m = found.geometry.affine_lps[:3, :3] / np.array([2.0, 0.8, 1.1])
        assert m[:, 2] == pytest.approx((1, 0, 0))
        assert float(m[:, 1] @ m[:, 2]) == pytest.approx(0, abs=1e-12)
        assert np.linalg.norm(m[:, 1]) == pytest.approx(1)


@pytest.mark.parametrize("skip", [(), (9,)])
@pytest.mark.parametrize("thickness", [0.5, 5.0])
def test_what_files_state_of_thickness_and_spacing_moves_nothing(tmp_path, thickness, skip):
    def each(ds, k):
        ds.SliceThickness, ds.SpacingBetweenSlices, ds.SliceLocation = thickness, 9.0, 1000.0 - 7 * k

    ct_series(tmp_path, rows=16, columns=16, skip=skip, each=each)
    found = only_volume(tmp_path)
    assert found.geometry.shape[0] == 24
    assert found.filled == skip
    assert found.facts["gap_mm"] == pytest.approx(2.0)
    assert_in_place(load(found), 1.01)
    assert "Stated spacing 9 mm, positions say 2 mm; positions are used." in {f.sentence for f in found.findings}


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient"])
@pytest.mark.parametrize("value", [None, [], [1.0, 0.0]])
def test_a_place_that_is_missing_or_too_short(tmp_path, keyword, value):
    def without(ds, k):
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)

    ct_series(tmp_path, rows=16, columns=16, each=without)
    (series,) = scan([tmp_path]).studies[0].series
    assert series.volumes == ()
    assert {f.code for f in series.findings} == {"geometry_missing"}


@pytest.mark.parametrize(
    ("slices", "skip", "outcome"),
    [(24, (5,), "gap"), (24, (5, 9), "gap_large"), (24, (5, 6), "gap_large"), (70, (5, 40), "gap"),
     (70, (5, 6), "gap_large"), (101, (5, 40, 80), "gap"), (101, (5, 40, 60, 80), "gap_large"), (24, (0,), None)],
)  # fmt: skip
def test_one_in_thirty_may_be_filled_never_two_beside_each_other(tmp_path, slices, skip, outcome):
    ct_series(tmp_path, slices=slices, rows=8, columns=8, spacing=(1.0, 0.8, 0.8), skip=skip)
    found = only_volume(tmp_path)
    assert codes(found) & {"gap", "gap_large"} == ({outcome} if outcome else set())
    assert found.filled == (skip if outcome == "gap" else ())
    assert found.suits_3d == (outcome != "gap_large")


def test_two_phases_are_two_volumes(tmp_path):
    for t in range(2):
        ct_series(
            tmp_path, rows=16, columns=16, label=f"p{t}", intercept=-1024.0 - 50 * t,
            voxels=None, tags={"AcquisitionNumber": t + 4},
        )  # fmt: skip
    volumes = scan([tmp_path]).studies[0].series[0].volumes
    assert [(v.phase.kind, v.phase.index, v.phase.of, v.phase.value) for v in volumes] == [
        ("acquisition", 0, 2, 4.0),
        ("acquisition", 1, 2, 5.0),
    ]
    assert all(v.geometry.shape == (24, 16, 16) for v in volumes)


@pytest.mark.parametrize("sop_class", [ENHANCED_CT, ENHANCED_MR])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("orientation", [AXIAL, (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0), OBLIQUE])
def test_enhanced_frames_are_sorted_by_place(tmp_path, sop_class, reverse, orientation):
    enhanced(tmp_path / "e", sop_class=sop_class, reverse=reverse, orientation=orientation,
             shared_orientation=not reverse)  # fmt: skip
    found = only_volume(tmp_path)
    assert_in_place(load(found))
    assert found.units == ("HU" if sop_class == ENHANCED_CT else "arbitrary")
    assert np.linalg.det(found.geometry.affine_lps[:3, :3]) < 0


def test_enhanced_phases_are_volumes_in_order(tmp_path):
    enhanced(tmp_path / "e", sop_class=ENHANCED_MR, phases=3)
    volumes = scan([tmp_path]).studies[0].series[0].volumes
    assert [v.phase.index for v in volumes] == [0, 1, 2]
    for t, found in enumerate(volumes):
        volume = load(found)
        assert np.abs(volume.voxels - 100 * t - scene(grid_lps(volume))).max() <= 0.51


@pytest.mark.parametrize(
    ("sequence", "keyword", "values", "kind"),
    [("MREchoSequence", "EffectiveEchoTime", (5.0, 12.5), "echo"),
     ("MRDiffusionSequence", "DiffusionBValue", (0.0, 800.0), "b_value"),
     ("MRTimingAndRelatedParametersSequence", "FlipAngle", (5, 20), "flip"),
     ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase", (35.0, 75.0), "cardiac"),
     ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", (0.0, 300.0), "cardiac"),
     ("TemporalPositionSequence", "TemporalPositionTimeOffset", (0.0, 4.5), "time")],
)  # fmt: skip
def test_enhanced_frames_are_told_apart_by_their_groups(tmp_path, sequence, keyword, values, kind):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    def own(item, k, t):
        group = Dataset()
        setattr(group, keyword, values[t])
        setattr(item, sequence, Sequence([group]))
        del item.FrameContentSequence

    enhanced(tmp_path / "e", sop_class=ENHANCED_MR, phases=2, each=own)
    volumes = scan([tmp_path]).studies[0].series[0].volumes
    assert [(v.phase.kind, v.phase.index, v.phase.value) for v in volumes] == [
        (kind, 0, float(values[0])),
        (kind, 1, float(values[1])),
    ]


@pytest.mark.parametrize(
    ("keyword", "values", "kind"),
    [("TemporalPositionIdentifier", (1, 2), "time"), ("EchoTime", (4.0, 9.0), "echo"),
     ("DiffusionBValue", (0.0, 1000.0), "b_value"), ("TriggerTime", (0.0, 400.0), "cardiac"),
     ("InversionTime", (100.0, 900.0), "inversion"), ("FlipAngle", (5.0, 30.0), "flip"),
     ("AcquisitionTime", ("101500", "101630.5"), "time")],
)  # fmt: skip
def test_single_frames_are_told_apart_by_their_keys(tmp_path, keyword, values, kind):
    for t, value in enumerate(values):
        ct_series(tmp_path, rows=16, columns=16, modality="MR", intercept=0, label=f"p{t}", tags={keyword: value})
    volumes = scan([tmp_path]).studies[0].series[0].volumes
    assert [(v.phase.kind, v.phase.index, v.phase.of) for v in volumes] == [(kind, 0, 2), (kind, 1, 2)]


def test_two_keys_together(tmp_path):
    """Two echoes at two times: neither key alone separates, the pair does."""
    for t in range(2):
        for e in range(2):
            ct_series(tmp_path, rows=16, columns=16, modality="MR", intercept=0, label=f"p{t}{e}",
                      tags={"TemporalPositionIdentifier": t + 1, "EchoNumbers": e + 1})  # fmt: skip
    volumes = scan([tmp_path]).studies[0].series[0].volumes
    assert [v.phase.index for v in volumes] == [0, 1, 2, 3]
    assert all(v.geometry.shape[0] == 24 for v in volumes)


def test_kinds_of_image_are_never_stacked_together(tmp_path):
    for kind in ("M", "P", "R"):
        ct_series(tmp_path, rows=16, columns=16, modality="MR", intercept=0, label=kind,
                  tags={"ImageType": ["ORIGINAL", "PRIMARY", kind, "NORM"]})  # fmt: skip
    volumes = scan([tmp_path]).studies[0].series[0].volumes
    assert sorted(v.facts["image_type"][2] for v in volumes) == ["M", "P", "R"]
    assert all(v.phase is None for v in volumes)


def test_nuclear_tomography_uses_its_signed_spacing(tmp_path):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    for sign in (1, -1):
        path = enhanced(tmp_path / f"{sign}" / "e", slices=24, sop_class=ENHANCED_MR, intercept=0, reverse=sign < 0)
        from pydicom import dcmread, dcmwrite

        ds = dcmread(path)
        first = ds.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
        detector = Dataset()
        detector.ImagePositionPatient, detector.ImageOrientationPatient = list(first), [1, 0, 0, 0, 1, 0]
        del ds.PerFrameFunctionalGroupsSequence, ds.SharedFunctionalGroupsSequence
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.20"
        ds.Modality, ds.ImageType = "NM", ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
        ds.DetectorInformationSequence = Sequence([detector])
        ds.PixelSpacing, ds.SpacingBetweenSlices = [0.8, 1.1], 2.0 * sign
        dcmwrite(path, ds)
        assert_in_place(load(only_volume(path.parent)))


def test_enhanced_equals_single_frames(tmp_path):
    ct_series(tmp_path / "s", rows=24, columns=32, spacing=(2.0, 0.8, 1.1))
    enhanced(tmp_path / "m" / "e")
    single, multi = load(only_volume(tmp_path / "s")), load(only_volume(tmp_path / "m"))
    assert np.array_equal(single.voxels, multi.voxels)
    assert single.geometry.affine_lps == pytest.approx(multi.geometry.affine_lps)


def test_rescale_may_differ_by_frame(tmp_path):
    def own(item, k, t):
        from pydicom.dataset import Dataset
        from pydicom.sequence import Sequence

        transform = Dataset()
        transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = 1, -1024 + k, "HU"
        item.PixelValueTransformationSequence = Sequence([transform])

    enhanced(tmp_path / "e", each=own)
    found = only_volume(tmp_path)
    volume = load(found)
    shift = np.arange(24)[:, None, None]
    assert np.abs(volume.voxels - shift - scene(grid_lps(volume))).max() <= 0.51
    assert "rescale_varies" in codes(found)


def test_ultrasound_volume_lies_in_its_own_frame(tmp_path):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    def volume_plane(item, k, t):
        place = Dataset()
        place.ImagePositionVolume = list(item.PlanePositionSequence[0].ImagePositionPatient)
        turn = Dataset()
        turn.ImageOrientationVolume = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        item.PlanePositionVolumeSequence, item.PlaneOrientationVolumeSequence = Sequence([place]), Sequence([turn])
        del item.PlanePositionSequence

    enhanced(tmp_path / "e", sop_class=ENHANCED_US, each=volume_plane, tags={"VolumeFrameOfReferenceUID": "1.2.3"})
    found = only_volume(tmp_path)
    assert found.geometry.frame_of_reference == "1.2.3"
    assert_in_place(load(found))


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, OBLIQUE])
def test_mosaic_tiles_lie_in_their_place(tmp_path, orientation):
    mosaic(tmp_path / "m", orientation=orientation)
    found = only_volume(tmp_path)
    assert found.geometry.shape == (24, 16, 20)
    assert_in_place(load(found))


def test_mosaics_of_a_series_are_phases(tmp_path):
    for t in range(3):
        mosaic(tmp_path / f"m{t}", instance=t + 1)
    volumes = scan([tmp_path]).studies[0].series[0].volumes
    assert [v.phase.index for v in volumes] == [0, 1, 2]
    assert len({v.id for v in volumes}) == 3
