"""Every kind of image: a volume where its voxels have places, otherwise one sentence; colour never."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from render.camera import NO_SIDES
from tests.factory.enhanced import ENHANCED_CT, ENHANCED_MR, ENHANCED_US, csa_header, enhanced, in_its_own_frame, mosaic
from tests.factory.series import ct_series, image, scene, write
from workstation.__main__ import main
from workstation.base.errors import InputRefused
from workstation.base.uids import derived_uid
from workstation.desk.captures import why_not_release
from workstation.desk.geometry_report import geometry_report
from workstation.dicom.choose import choose
from workstation.dicom.found import Identity
from workstation.dicom.images import KINDS, MULTI_FRAME
from workstation.dicom.load import load
from workstation.dicom.scan import scan

CLASS = "1.2.840.10008.5.1.4.1.1."


def series_in(folder):
    (study,) = scan([folder]).studies
    (series,) = study.series
    return series


def codes(found):
    return {f.code for f in found.findings}


def assert_in_place(volume, tolerance=0.51):
    lps = volume.geometry.to_lps(np.stack(np.indices(volume.geometry.shape), axis=-1))
    assert np.abs(volume.voxels - scene(lps)).max() <= tolerance


def coded(value, scheme="UCUM"):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, value
    return item


# --- other tomographic modalities ---------------------------------------------------------------------------------


def test_an_ultrasound_volume_opens_with_millimetres_and_without_sides(tmp_path):
    enhanced(tmp_path / "e", sop_class=ENHANCED_US, each=in_its_own_frame, shared_orientation=False,
             tags={"VolumeFrameOfReferenceUID": "1.2.3"})  # fmt: skip
    ds = dcmread(tmp_path / "e")
    for item in ds.PerFrameFunctionalGroupsSequence:
        del item.PlaneOrientationSequence
    dcmwrite(tmp_path / "e", ds)
    _, series, found = choose(scan([tmp_path]))
    assert found.suits_3d
    assert codes(found) >= {"no_sides"}
    assert {f.severity for f in found.findings} <= {"warning", "info"}
    volume = load(found)
    assert_in_place(volume)
    assert volume.geometry.spacing_mm == pytest.approx((2.0, 0.8, 1.1))
    assert not NO_SIDES.isdisjoint(volume.findings)  # no letters in any view
    report = geometry_report(found, series)
    assert {"Rows run", "Slices run"}.isdisjoint(dict(report.rows))
    assert report.sentence.endswith("48 mm long; sides unknown.")


def test_a_picture_of_a_volume_without_sides_carries_no_letter_and_is_not_released(tmp_path, capsys):
    enhanced(tmp_path / "us" / "e", sop_class=ENHANCED_US, each=in_its_own_frame, shared_orientation=False,
             tags={"VolumeFrameOfReferenceUID": "1.2.3"})  # fmt: skip
    ds = dcmread(tmp_path / "us" / "e")
    for item in ds.PerFrameFunctionalGroupsSequence:
        del item.PlaneOrientationSequence
    dcmwrite(tmp_path / "us" / "e", ds)
    out = tmp_path / "p.png"
    assert main(["picture", str(tmp_path / "us"), "--out", str(out), "--technique", "mpr", "--plane", "axial",
                 "--size", "120x100", "--json"]) == 0  # fmt: skip
    assert set(json.loads(capsys.readouterr().out)["letters"].values()) == {""}
    case = SimpleNamespace(findings=("no_sides",), side_confirmed_by=None, identity_confirmed_by="somebody",
                           patient=Identity("1", None, "A^B", "2000-01-01", "F"))  # fmt: skip
    session = SimpleNamespace(volume=SimpleNamespace(reduced=1), case=case)
    assert "how they lie in the patient" in why_not_release(session, SimpleNamespace(removals=()))
    case.findings = ()
    assert why_not_release(session, SimpleNamespace(removals=())) == ""


def test_an_ultrasound_volume_in_the_patients_frame_has_sides(tmp_path):
    enhanced(tmp_path / "e", sop_class=ENHANCED_US)
    _, series, found = choose(scan([tmp_path]))
    assert "no_sides" not in codes(found)
    assert found.geometry.frame_of_reference == derived_uid("test", "PH-0001", "study", "frame")
    assert_in_place(load(found))
    assert dict(geometry_report(found, series).rows)["Slices run"] == "F to H"


def test_an_enhanced_pet_is_a_volume_whose_uptake_is_not_guessed(tmp_path):
    enhanced(tmp_path / "e", tags={"SOPClassUID": CLASS + "130", "Modality": "PT"})
    _, _, found = choose(scan([tmp_path]))
    assert found.suits_3d
    assert found.units == "arbitrary"
    assert "suv_unavailable" in codes(found)
    assert_in_place(load(found))


@pytest.mark.parametrize("number", ["13.1.1", "13.1.2"])
def test_a_rotational_angiography_rebuilt_in_3d_is_a_volume_but_no_ct(tmp_path, number):
    """X-Ray 3D: it loads in its place; its values are no Hounsfield units, whatever the file says."""
    enhanced(tmp_path / "e", tags={"SOPClassUID": CLASS + number, "Modality": "XA"})
    _, _, found = choose(scan([tmp_path]))
    assert not found.suits_3d  # never chosen before a CT or MR
    assert found.units == "arbitrary"
    assert_in_place(load(found))


def nuclear(folder, *, kind="RECON TOMO", spacing=2.0, slices=24, tags=None, frames=None):
    path = enhanced(folder / "e", slices=slices, sop_class=ENHANCED_MR, intercept=0, phases=2 if frames == 2 else 1)
    ds = dcmread(path)
    first = ds.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
    detector = Dataset()
    detector.ImagePositionPatient, detector.ImageOrientationPatient = list(first), [1, 0, 0, 0, 1, 0]
    del ds.PerFrameFunctionalGroupsSequence, ds.SharedFunctionalGroupsSequence
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CLASS + "20"
    ds.Modality, ds.ImageType = "NM", ["ORIGINAL", "PRIMARY", kind, "EMISSION"]
    ds.DetectorInformationSequence = Sequence([detector])
    ds.PixelSpacing, ds.SliceThickness = [0.8, 1.1], 2.0
    if spacing is not None:
        ds.SpacingBetweenSlices = spacing
    for keyword, value in (tags or {}).items():
        setattr(ds, keyword, value)
    dcmwrite(path, ds)


def test_a_nuclear_tomogram_without_spacing_takes_none_from_the_thickness(tmp_path):
    nuclear(tmp_path, spacing=None)
    series = series_in(tmp_path)
    assert series.volumes == ()
    assert codes(series) == {"geometry_missing"}


def test_a_gated_nuclear_tomogram_is_a_volume_per_moment(tmp_path):
    vectors = {"SliceVector": [*range(1, 25)] * 2, "TimeSlotVector": [1] * 24 + [2] * 24}
    nuclear(tmp_path, kind="RECON GATED TOMO", frames=2, tags=vectors)
    volumes = series_in(tmp_path).volumes
    assert [(v.phase.kind, v.phase.value) for v in volumes] == [("cardiac", 1.0), ("cardiac", 2.0)]
    for t, found in enumerate(volumes):
        volume = load(found)
        lps = volume.geometry.to_lps(np.stack(np.indices(volume.geometry.shape), axis=-1))
        assert np.abs(volume.voxels - 100 * t - scene(lps)).max() <= 0.51


def test_two_energy_windows_are_two_volumes(tmp_path):
    nuclear(tmp_path, frames=2, tags={"SliceVector": [*range(1, 25)] * 2, "EnergyWindowVector": [1] * 24 + [2] * 24})
    assert [v.phase.kind for v in series_in(tmp_path).volumes] == ["energy", "energy"]


@pytest.mark.parametrize("tags", [{"EnergyWindowVector": [1] * 24 + [2] * 24}, {}])
def test_frames_of_several_kinds_without_a_slice_vector_are_not_guessed_at(tmp_path, tags):
    nuclear(tmp_path, kind="RECON TOMO" if tags else "RECON GATED TOMO", frames=2, tags=tags)
    series = series_in(tmp_path)
    assert series.volumes == ()
    assert codes(series) == {"geometry_missing"}


def test_planar_nuclear_images_are_said_so(tmp_path):
    nuclear(tmp_path, kind="WHOLE BODY")
    assert [f.sentence for f in series_in(tmp_path).findings] == [
        "These images (2D nuclear medicine) can be viewed, not rebuilt in 3D."
    ]


# --- what is no volume --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sop_class", sorted(KINDS))
def test_every_other_kind_is_said_in_one_sentence(tmp_path, sop_class):
    """Radiographs, tomosynthesis (its slices are no voxels: out of a narrow fan of angles), dose, segments ..."""
    ct_series(tmp_path, slices=3, rows=8, columns=8, tags={"SOPClassUID": sop_class})
    series = series_in(tmp_path)
    assert series.volumes == ()
    assert [f.sentence for f in series.findings] == [
        f"These images ({KINDS[sop_class]}) can be viewed, not rebuilt in 3D."
    ]
    with pytest.raises(InputRefused) as refused:
        choose(scan([tmp_path]))
    assert refused.value.sentence == series.findings[0].sentence


def test_a_kind_that_is_not_known_is_said_by_its_modality(tmp_path):
    ct_series(tmp_path, slices=2, rows=8, columns=8, tags={"SOPClassUID": CLASS + "999", "Modality": "QX"})
    assert [f.sentence for f in series_in(tmp_path).findings] == ["These images (QX) can be viewed, not rebuilt in 3D."]


@pytest.mark.parametrize("number", sorted(k.removeprefix(CLASS) for k in MULTI_FRAME))
def test_many_frames_without_places_are_no_volume(tmp_path, number):
    path = enhanced(tmp_path / "e", tags={"SOPClassUID": CLASS + number})
    ds = dcmread(path)
    del ds.PerFrameFunctionalGroupsSequence, ds.SharedFunctionalGroupsSequence
    dcmwrite(path, ds)
    series = series_in(tmp_path)
    assert series.volumes == ()
    assert codes(series) == {"geometry_missing"}


def test_many_frames_in_a_file_of_a_single_frame_kind_are_no_volume(tmp_path):
    def many(ds, k):
        ds.NumberOfFrames, ds.PixelData = 3, ds.PixelData * 3

    ct_series(tmp_path, slices=1, rows=8, columns=8, each=many)
    assert codes(series_in(tmp_path)) == {"not_a_volume"}


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR", "ARGB"])
@pytest.mark.parametrize("number", ["2", "4", "128", "2.1", "4.1"])
def test_colour_is_refused_whatever_class_it_comes_under(tmp_path, photometric, number):
    samples = 1 if photometric == "PALETTE COLOR" else 3
    for k in range(3):
        ds = image(np.zeros((8, 8), "<u2"), modality="MR")
        ds.SOPClassUID, ds.PhotometricInterpretation = CLASS + number, photometric
        ds.SamplesPerPixel = samples
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
        if samples > 1:
            ds.PlanarConfiguration = 0
        ds.PixelData = bytes(8 * 8 * samples)
        ds.PixelSpacing, ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 1], [1, 0, 0, 0, 1, 0], [0, 0, k]
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = "1.2.1", "1.2.2", f"1.2.3.{k}"
        write(ds, tmp_path / f"c{k}")
    series = series_in(tmp_path)
    assert series.volumes == ()
    assert [f.sentence for f in series.findings] == ["These images (colour) can be viewed, not rebuilt in 3D."]


# --- mosaics ------------------------------------------------------------------------------------------------------


def test_a_mosaic_is_known_by_the_number_of_its_tiles_too(tmp_path):
    """Some archives overwrite the image type; a mosaic must not pass for one slice of tiles."""
    path = mosaic(tmp_path / "m")
    ds = dcmread(path)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 24)
    dcmwrite(path, ds)
    (found,) = series_in(tmp_path).volumes
    assert found.geometry.shape == (24, 16, 20)
    assert_in_place(load(found))


def test_a_mosaic_whose_slices_run_against_the_normal(tmp_path):
    """The maker's normal says on which side of the first tile the others lie, not the orientation."""
    path = mosaic(tmp_path / "m")
    ds = dcmread(path)
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER")
    block[0x10].value = csa_header({"NumberOfImagesInMosaic": ["24"], "SliceNormalVector": ["0", "0", "-1"]})
    step = 3.0
    x, y, z = ds.ImagePositionPatient
    ds.ImagePositionPatient = [x, y, z + 23 * step]
    across, rows, columns = 5, 16, 20
    picture = np.frombuffer(ds.PixelData, "<i2").reshape(across * rows, across * columns)
    tiles = [picture[k // 5 * 16 : k // 5 * 16 + 16, k % 5 * 20 : k % 5 * 20 + 20].copy() for k in range(24)]
    turned = np.zeros_like(picture)
    for k, tile in enumerate(reversed(tiles)):
        turned[k // 5 * 16 : k // 5 * 16 + 16, k % 5 * 20 : k % 5 * 20 + 20] = tile
    ds.PixelData = turned.tobytes()
    dcmwrite(path, ds)
    (found,) = series_in(tmp_path).volumes
    assert np.linalg.det(found.geometry.affine_lps[:3, :3]) < 0
    assert_in_place(load(found))


# --- values that are no Hounsfield units --------------------------------------------------------------------------


def mapped(unit, *more):
    def each(ds, k):
        items = []
        for code in (unit, *more):
            item = Dataset()
            item.RealWorldValueSlope, item.RealWorldValueIntercept = 0.1, 0.0
            item.RealWorldValueFirstValueMapped, item.RealWorldValueLastValueMapped = 0, 4095
            item.MeasurementUnitsCodeSequence = Sequence([coded(code)])
            items.append(item)
        ds.RealWorldValueMappingSequence = Sequence(items)

    return each


@pytest.mark.parametrize(
    ("units", "expected"),
    [(("mg/cm3",), "arbitrary"), (("[hnsf'U]",), "HU"), (("mg/cm3", "[hnsf'U]"), "HU"), (("ml/100ml/s",), "arbitrary")],
)  # fmt: skip
def test_a_real_world_map_of_single_images_is_not_called_hounsfield(tmp_path, units, expected):
    """The rescale type may still say HU: the map says what the numbers are."""
    ct_series(tmp_path, slices=4, rows=8, columns=8, spacing=(2.0, 1, 1), each=mapped(*units))
    (found,) = series_in(tmp_path).volumes
    assert found.units == expected
    assert ("not_hu" in codes(found)) == (expected != "HU")


def test_a_real_world_map_of_frames_is_not_called_hounsfield(tmp_path):
    enhanced(tmp_path / "e", sop_class=ENHANCED_CT, each=lambda item, k, t: mapped("mg/cm3")(item, k))
    (found,) = series_in(tmp_path).volumes
    assert found.units == "arbitrary"
    assert "not_hu" in codes(found)


@pytest.mark.parametrize(
    ("kind", "expected"), [("HU", "HU"), ("US", "arbitrary"), ("MGML", "MGML"), ("Z_EFF", "Z_EFF"), ("ED", "ED")]
)
def test_the_unit_of_a_ct_is_its_rescale_type(tmp_path, kind, expected):
    ct_series(tmp_path, slices=4, rows=8, columns=8, spacing=(2.0, 1, 1), tags={"RescaleType": kind})
    assert series_in(tmp_path).volumes[0].units == expected


@pytest.mark.parametrize("token", ["MONOENERGETIC", "IODINE", "Z_EFF", "RCBF", "PERFUSION_MTT"])
def test_a_map_of_a_ct_is_not_called_hounsfield(tmp_path, token):
    ct_series(tmp_path, slices=4, rows=8, columns=8, spacing=(2.0, 1, 1),
              tags={"ImageType": ["DERIVED", "PRIMARY", "AXIAL", token]})  # fmt: skip
    (found,) = series_in(tmp_path).volumes
    assert found.units != "HU"
    assert "not_hu" in codes(found)


@pytest.mark.parametrize("modality", ["MR", "PT"])
def test_only_a_ct_measures_hounsfield_units(tmp_path, modality):
    ct_series(tmp_path, slices=4, rows=8, columns=8, spacing=(2.0, 1, 1), modality=modality, tags={"RescaleType": "HU"})
    assert series_in(tmp_path).volumes[0].units == "arbitrary"
