"""Captures as Secondary Capture: what other people's validator says, identity, place, recipe, marks of state."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from pydicom.dataset import Dataset

from render.picture import Picture
from render.view import Slab, Technique, View
from tests.factory.written import CT, EQUIPMENT, NOW, RAD, SLICES, TECH, capture, picture, source, validate
from workstation.base.errors import RenderDeskError
from workstation.dicom.write_common import from_bytes, put, to_bytes
from workstation.dicom.write_sc import recipe_of, secondary_capture


def written(shown: Picture, *, released: bool = True, head: Dataset | None = None, **more: object) -> Dataset:
    values: dict[str, object] = {
        "sources": [(CT, uid) for uid in SLICES],
        "series_number": 9001,
        "instance_number": 1,
        "equipment": EQUIPMENT,
        "now": NOW,
        "technique_words": "Volume rendering, CT-Bone 1",
        "comments": "DEMO",
    }
    taken = capture(shown, released=released)
    return secondary_capture(head or source(), shown, taken, **{**values, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("technique", list(Technique))
def test_the_validator_finds_no_error(technique: Technique, tmp_path: Path) -> None:
    validate(written(picture(technique)), tmp_path)


def test_a_source_without_body_part_and_side_is_no_error_either(tmp_path: Path) -> None:
    bare = source()
    del bare.BodyPartExamined
    validate(written(picture(), head=bare), tmp_path)
    limb = source(BodyPartExamined="KNEE", Laterality="L")
    ds = written(picture(), head=limb)
    assert (ds.BodyPartExamined, ds.Laterality) == ("KNEE", "L")
    validate(ds, tmp_path)


def test_pixels_come_back_as_they_were_also_with_an_odd_number_of_bytes() -> None:
    for size in ((64, 48), (5, 3)):
        shown = picture(size=size)
        back = from_bytes(to_bytes(written(shown)))
        assert np.array_equal(back.pixel_array, shown.rgb)


def test_patient_and_study_are_the_sources_and_the_series_is_not() -> None:
    head = source()
    ds = from_bytes(to_bytes(written(picture())))
    for keyword in ("PatientID", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber", "StudyDate"):
        assert ds[keyword].value == head[keyword].value
    assert str(ds.PatientName) == "Yamada^Tarou=山田^太郎"
    assert ds.SeriesInstanceUID != head.SeriesInstanceUID
    assert ds.SeriesNumber == 9001


def test_names_of_another_alphabet_survive_the_change_to_utf_8(tmp_path: Path) -> None:
    raw = source()
    raw.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    head = from_bytes(to_bytes(raw))
    assert b"\x1b$B" in to_bytes(raw), "the source must really be written with escapes"
    ds = from_bytes(to_bytes(written(picture(), head=head)))
    assert str(ds.PatientName) == "Yamada^Tarou=山田^太郎"
    assert ds.SpecificCharacterSet == "ISO_IR 192"


def test_values_that_are_none_of_their_kind_are_left_out(tmp_path: Path) -> None:
    head = source()
    for keyword, value in (
        ("StudyDate", "*** "),
        ("PatientBirthDate", "***"),
        ("StudyTime", "noon"),
        ("PatientSex", "m"),
    ):
        put(head, keyword, value)
    ds = written(picture(), head=head)
    assert (ds.StudyDate, ds.PatientBirthDate, ds.StudyTime, ds.PatientSex) == ("", "", "", "M")
    validate(ds, tmp_path)


def test_how_identity_was_removed_is_said_when_the_source_does_not(tmp_path: Path) -> None:
    ds = written(picture(), head=source(PatientIdentityRemoved="YES"))
    assert ds.DeidentificationMethod == "Not stated by the source"
    validate(ds, tmp_path)


def test_the_workstation_is_named_as_processing_equipment_and_the_scanner_as_acquiring() -> None:
    here, scanner = written(picture()).ContributingEquipmentSequence
    assert here.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    assert (here.Manufacturer, here.DeviceSerialNumber, here.StationName) == ("RenderDesk", "test-0001", "ST1")
    assert "Rada Ray" in here.ContributionDescription
    assert scanner.Manufacturer == "Maker"


def test_pictures_of_one_series_agree_in_all_that_belongs_to_the_series(tmp_path: Path) -> None:
    """`dcentvfy` compares what the standard says belongs to patient, study, series."""
    if shutil.which("dcentvfy") is None:
        pytest.skip("validator dcentvfy is not installed (apt install dicom3tools)")
    paths = []
    for number, technique in enumerate((Technique.VR, Technique.MPR, Technique.SSD), 1):
        shown = picture(technique)
        by = TECH if number == 1 else RAD
        taken = msgspec.structs.replace(capture(shown, number), made_by=by, made_at=f"2026-03-14T09:1{number}:00.000Z")
        ds = secondary_capture(
            source(), shown, taken, sources=[(CT, SLICES[0])], series_number=9001, instance_number=number,
            equipment=EQUIPMENT, now=NOW + timedelta(days=number), technique_words=str(technique),
        )  # fmt: skip
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(to_bytes(ds))
    done = subprocess.run(["dcentvfy", *map(str, paths)], capture_output=True, text=True, errors="replace", check=False)
    said = done.stdout + done.stderr
    assert "Error" not in said, said


def test_a_plane_carries_its_place_and_a_picture_in_3d_none() -> None:
    plane = picture(Technique.MPR)
    ds = written(plane)
    assert list(ds.ImagePositionPatient) == pytest.approx(plane.corner_lps_mm)
    assert list(ds.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    assert list(ds.PixelSpacing) == [0.8, 0.8]
    assert ds.FrameOfReferenceUID == source().FrameOfReferenceUID
    assert list(ds.PatientOrientation) == ["L", "P"]
    # the lower right pixel by the file's own attributes is where the picture says
    r, c = ds.Rows - 1, ds.Columns - 1
    at = np.array(ds.ImagePositionPatient) + c * 0.8 * np.array([1, 0, 0]) + r * 0.8 * np.array([0, 1, 0])
    assert tuple(at) == pytest.approx(plane.to_lps(c, r))
    volume = written(picture(Technique.VR))
    for keyword in ("ImagePositionPatient", "PixelSpacing", "FrameOfReferenceUID"):
        assert keyword not in volume
    assert list(volume.PatientOrientation) == ["L", "F"], "the standard writes F where the screen says I"


def test_derivation_says_how(tmp_path: Path) -> None:
    codes = {t: [c.CodeValue for c in written(picture(t)).DerivationCodeSequence] for t in Technique}
    assert codes[Technique.VR] == ["113074"]
    assert codes[Technique.SSD] == ["113075"]
    assert codes[Technique.MIP] == ["113078"]
    assert codes[Technique.MPR] == ["113072"]
    slab = picture(Technique.MPR)
    thick = Picture(
        slab.rgb, slab.view.replace(slab=Slab(mode="mip", thickness_mm=10)), "planes", 0.1, slab.letters,
        slab.corner_lps_mm, slab.right_lps, slab.down_lps, slab.mm_per_pixel,
    )  # fmt: skip
    ds = written(thick)
    assert [c.CodeValue for c in ds.DerivationCodeSequence] == ["113078", "113072"]
    assert "slab mip 10 mm" in ds.DerivationDescription
    validate(ds, tmp_path)


def test_the_recipe_in_the_file_is_the_view_that_made_it() -> None:
    shown = picture()
    ds = from_bytes(to_bytes(written(shown)))
    assert View.from_json(recipe_of(ds) or "") == View.from_json(shown.view.to_json())
    assert recipe_of(source()) is None


def test_a_draft_says_so_and_a_released_picture_does_not() -> None:
    assert written(picture(), released=False).ImageComments.startswith("DRAFT")
    assert "DRAFT" not in written(picture()).ImageComments
    assert written(picture()).BurnedInAnnotation == "YES"


def test_loss_of_the_source_is_inherited() -> None:
    head = source(
        LossyImageCompression="01", LossyImageCompressionRatio="12.5", LossyImageCompressionMethod="ISO_10918_1"
    )
    ds = written(picture(), head=head)
    assert ds.LossyImageCompression == "01"
    assert str(ds.LossyImageCompressionRatio) == "12.5"
    assert written(picture()).LossyImageCompression == "00"


def test_times_are_in_the_zone_of_the_source() -> None:
    ds = written(picture(), head=source(TimezoneOffsetFromUTC="-0500"))
    assert ds.TimezoneOffsetFromUTC == "-0500"
    assert (ds.InstanceCreationDate, ds.InstanceCreationTime) == ("20260314", "042653.589")
    assert (ds.ContentDate, ds.ContentTime) == ("20260314", "041000.000")


def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (hashlib.sha256(to_bytes(written(picture()))).hexdigest() for _ in range(2))
    assert first == second


def test_overrides_of_the_study_reach_the_file() -> None:
    ds = written(picture(), study={"AccessionNumber": "ORDER9", "PatientID": "P-2"})
    assert (ds.AccessionNumber, ds.PatientID) == ("ORDER9", "P-2")


def test_an_identifier_that_is_none_never_leaves() -> None:
    head = source()
    put(head, "StudyInstanceUID", "1.2.03")
    with pytest.raises(RenderDeskError):
        written(picture(), head=head)


def test_an_accession_that_is_too_long_for_its_kind_is_kept_whole() -> None:
    head = source()
    put(head, "AccessionNumber", "ACCESSION-0123456789")
    raw = to_bytes(written(picture(), head=head))
    assert b"ACCESSION-0123456789" in raw
