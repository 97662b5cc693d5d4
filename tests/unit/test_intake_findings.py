"""Every finding code of intake, provoked by a constructed file; and each in one plain sentence."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.factory.encode import J2K_LOSSLESS, JPEG_LS, JPEG_LS_NEAR, set_frames
from tests.factory.enhanced import ENHANCED_US, enhanced, in_its_own_frame, mosaic
from tests.factory.series import CORONAL, SAGITTAL, ct_series, image, write
from workstation.base.findings import Finding
from workstation.dicom import memory
from workstation.dicom.load import findings_of, load
from workstation.dicom.scan import scan
from workstation.dicom.words import CODES, finding

SMALL = {"rows": 16, "columns": 16, "spacing": (2.0, 0.8, 0.8)}
Build = Callable[[Path, pytest.MonkeyPatch], None]


def series(folder: Path, **options: object) -> list[Path]:
    return ct_series(folder, **{**SMALL, **options})


def change(**tags: object) -> Callable[[Dataset, int], None]:
    def each(ds: Dataset, k: int) -> None:
        for keyword, value in tags.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)

    return each


def at(k: int, **tags: object) -> Callable[[Dataset, int], None]:
    def each(ds: Dataset, index: int) -> None:
        if index == k:
            change(**tags)(ds, index)

    return each


def edit(path: Path, **tags: object) -> None:
    """Change a written file, values as raw text where they are no valid numbers."""
    ds = dcmread(path)
    change(**tags)(ds, 0)
    dcmwrite(path, ds)


def not_dicom(folder, patch):
    series(folder)
    (folder / "readme.txt").write_text("nothing of interest " * 40)


def unreadable(folder, patch):
    series(folder)
    path = series(folder / "b", slices=1)[0]
    raw = bytearray(path.read_bytes())
    place = raw.index(b"\x08\x00\x16\x00UI")
    raw[place + 4 : place + 6] = b"ZZ"  # no such value representation, and a length that leads nowhere
    raw[place + 6 : place + 8] = b"\xff\xff"
    path.write_bytes(bytes(raw))


def truncated(folder, patch):
    path = series(folder)[3]
    path.write_bytes(path.read_bytes()[:-100])


def empty_file(folder, patch):
    series(folder)
    (folder / "nothing").touch()


def no_meta(folder, patch):
    path = series(folder, syntax="1.2.840.10008.1.2")[2]
    ds = dcmread(path)
    dcmwrite(path, ds, enforce_file_format=False, implicit_vr=True, little_endian=True)
    raw = path.read_bytes()
    from workstation.dicom.header import dataset_offset

    with path.open("rb") as file:
        start = dataset_offset(file)
    path.write_bytes(raw[start:])


def bad_value(folder, patch):
    path = series(folder)[4]
    path.write_bytes(path.read_bytes().replace(b"DS\x04\x00120 ", b"DS\x04\x00NaN ").replace(b"-5", b"-5"))
    raw = path.read_bytes()
    place = raw.index(b"\x18\x00\x50\x00DS")
    length = int.from_bytes(raw[place + 6 : place + 8], "little")
    path.write_bytes(raw[: place + 8] + b"x" * length + raw[place + 8 + length :])


def charset_guessed(folder, patch):
    for path in series(folder, name="MUELLER^ANNA"):
        path.write_bytes(path.read_bytes().replace(b"MUELLER^ANNA", b"M\xc3\xbcLLER^ANNA"))


def charset_wrong(folder, patch):
    for path in series(folder, name="MUELLER^ANNA", tags={"SpecificCharacterSet": "ISO_IR 100"}):
        path.write_bytes(path.read_bytes().replace(b"MUELLER^ANNA", b"M\xc3\xbcLLER^ANNA"))


def uid_missing(folder, patch):
    for path in series(folder):
        edit(path, SeriesInstanceUID="")


def uid_clash(folder, patch):
    paths = series(folder)
    ds = dcmread(paths[3])
    ds.InstanceNumber = 99
    dcmwrite(folder / "other", ds)


def mixed_patients(folder, patch):
    series(folder, each=at(3, PatientName="OTHER^PERSON", PatientID="PH-0002"))


def identity_incomplete(folder, patch):
    series(folder, each=at(3, PatientBirthDate=""))


def dicomdir_missing(folder, patch):
    series(folder)
    directory(folder, [["GONE", "IM1"]])


def outside_folder(folder, patch):
    path = directory(folder, [["AA", "BB"]])
    series(folder)
    path.write_bytes(path.read_bytes().replace(b"AA\\BB ", b"..\\BB "))


def directory(folder: Path, names: list[list[str]]) -> Path:
    ds = Dataset()
    ds.FileSetID = "TEST"
    records = []
    for parts in names:
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", parts
        records.append(record)
    ds.DirectoryRecordSequence = Sequence(records)
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.3.4"
    return write(ds, folder / "DICOMDIR")


def archive_limit(folder, patch):
    from workstation.dicom import zipped

    patch.setattr(zipped, "_FLOOR", 1000)
    patch.setattr(zipped, "_RATIO", 2)
    patch.setattr(zipped.unpack, "__kwdefaults__", {"floor": 1000, "level": 0})
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 5_000_000)


def archive_no_space(folder, patch):
    from workstation.dicom import zipped

    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("a", b"content")
    patch.setattr(zipped, "_SPARE", 1 << 60)


def archive_encrypted(folder, patch):
    folder.mkdir(exist_ok=True)
    path = folder / "locked.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"secret")
    raw = bytearray(path.read_bytes())
    raw[6] |= 1  # the flag in the entry, and in the central directory
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(raw))


def not_a_volume(folder, patch):
    series(folder, each=change(SOPClassUID="1.2.840.10008.5.1.4.1.1.7"))


def localizer(folder, patch):
    for k, orientation in enumerate((CORONAL, SAGITTAL, (1, 0, 0, 0, 1, 0))):
        series(folder, slices=5, orientation=orientation, label=f"o{k}")


def single_slice(folder, patch):
    series(folder, slices=1)


def too_few_slices(folder, patch):
    series(folder, slices=12)


def geometry_missing(folder, patch):
    series(folder, each=change(ImagePositionPatient=None))


def orientation_invalid(folder, patch):
    series(folder, each=change(ImageOrientationPatient=[1, 0, 0, 0.5, 1, 0]))


def spacing_unknown(folder, patch):
    series(folder, each=change(PixelSpacing=None))


def spacing_implausible(folder, patch):
    series(folder, each=change(PixelSpacing=[0.0008, 0.0008]))


def stack_not_straight(folder, patch):
    def bent(ds, k):
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x + (5 if k > 12 else 0), y, z]

    series(folder, each=bent)


def tilt(folder, patch):
    series(folder, tilt_deg=10)


def tilt_tag_differs(folder, patch):
    series(folder, tags={"GantryDetectorTilt": 12})


def gap(folder, patch):
    series(folder, skip=(9,))


def gap_large(folder, patch):
    series(folder, slices=30, skip=(9, 10))


def no_sides(folder, patch):
    enhanced(folder / "e", sop_class=ENHANCED_US, each=in_its_own_frame, tags={"VolumeFrameOfReferenceUID": "1.2.3"})


def quadruped(folder, patch):
    series(folder, tags={"AnatomicalOrientationType": "QUADRUPED"})


def position_doubtful(folder, patch):
    series(folder, tags={"PatientOrientation": ["R", "P"]})


def uneven_spacing(folder, patch):
    series(folder, offsets=np.cumsum([0.0, *[2.0, 2.7] * 11, 2.0]))


def duplicate_slices(folder, patch):
    path = series(folder)[5]
    ds = dcmread(path)
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.77"
    dcmwrite(folder / "again", ds)


def duplicate_conflict(folder, patch):
    path = series(folder)[5]
    ds = dcmread(path)
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.77"
    ds.PixelData = bytes(len(ds.PixelData))
    dcmwrite(folder / "again", ds)


def phases_by_order(folder, patch):
    for t in range(2):
        series(folder, label=f"p{t}", each=lambda ds, k, t=t: setattr(ds, "InstanceNumber", 100 * t + k),
               intercept=-1000.0 - t)  # fmt: skip


def phase_incomplete(folder, patch):
    for t in range(3):
        series(folder, label=f"p{t}", tags={"AcquisitionNumber": t}, intercept=-1000.0 - t,
               skip=(20, 21, 22, 23) if t == 2 else ())  # fmt: skip


def phase_short(folder, patch):
    for t in range(3):
        series(folder, label=f"p{t}", tags={"TemporalPositionIdentifier": t}, skip=(9,) if t == 1 else ())


def concatenation_incomplete(folder, patch):
    tags = {"ConcatenationUID": "1.2.3", "InConcatenationNumber": 1, "InConcatenationTotalNumber": 2}
    enhanced(folder / "e", tags=tags)


def for_mixed(folder, patch):
    series(folder, each=at(4, FrameOfReferenceUID="1.2.3.4.5"))


def thickness_differs(folder, patch):
    series(folder, tags={"SpacingBetweenSlices": 3})


def anisotropic(folder, patch):
    series(folder, spacing=(3.0, 0.5, 0.5))


def frames_mismatch(folder, patch):
    enhanced(folder / "e", tags={"NumberOfFrames": 22})


def mosaic_undecoded(folder, patch):
    mosaic(folder / "m", csa=False)


def not_hu(folder, patch):
    series(folder, tags={"RescaleType": "US"})


def rescale_varies(folder, patch):
    series(folder, each=at(4, RescaleIntercept=-1000))


def rescale_bad(folder, patch):
    series(folder, each=change(RescaleSlope=0))


def precision_mismatch(folder, patch):
    def wide(ds, k):
        ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 0, 12, 11
        ds.PixelData = (np.arange(256, dtype="<u2") + 0x5000).tobytes()

    series(folder, each=wide, syntax=JPEG_LS)


def padding_guessed(folder, patch):
    y, x = np.mgrid[:64, :64]
    voxels = np.where((y - 31.5) ** 2 + (x - 31.5) ** 2 < 32**2, 40.0, -2048.0)
    ct_series(folder, voxels=np.broadcast_to(voxels, (24, 64, 64)))


def suv_unavailable(folder, patch):
    series(folder, modality="PT", tags={"Units": "BQML"}, intercept=0)


def lossy(folder, patch):
    series(folder, syntax=JPEG_LS_NEAR)


def syntax_unsupported(folder, patch):
    for path in series(folder, syntax=JPEG_LS):
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.4.80", b"1.2.840.10008.1.2.4.94"))


def decode_failed(folder, patch):
    path = series(folder, syntax=J2K_LOSSLESS)[6]
    ds = dcmread(path)
    set_frames(ds, [b"\xff\x4f\xff\x51 no stream at all, but an end \xff\xd9"])
    dcmwrite(path, ds)


def fov_truncated(folder, patch):
    ct_series(folder, voxels=np.full((24, 32, 32), 40.0), rows=32, columns=32, spacing=(2.0, 8.0, 8.0))


def reduced(folder, patch, **options):
    series(folder, rows=64, columns=64, slices=64, spacing=(2.0, 1.0, 1.0), intercept=0, **options)
    full = memory.needed(64**3, 2, 64**2, resampled=False, workers=2)
    half = memory.needed(32**3, 2, 32**2, resampled=False, workers=2)
    patch.setattr(memory, "allowed", lambda: (full + half) // 2)


BUILDERS: dict[str, Build] = {
    build.__name__: build
    for build in (
        not_dicom, unreadable, truncated, empty_file, no_meta, bad_value, charset_guessed, charset_wrong,
        uid_missing, uid_clash,
        mixed_patients, identity_incomplete, dicomdir_missing, outside_folder, archive_limit, archive_encrypted,
        archive_no_space,
        not_a_volume, localizer, single_slice, too_few_slices, geometry_missing, orientation_invalid,
        spacing_unknown, spacing_implausible, stack_not_straight, tilt, tilt_tag_differs, gap, gap_large,
        uneven_spacing, duplicate_slices, duplicate_conflict, phases_by_order, phase_incomplete, for_mixed,
        phase_short, concatenation_incomplete,
        thickness_differs, anisotropic, frames_mismatch, mosaic_undecoded, not_hu, rescale_varies, rescale_bad,
        precision_mismatch, padding_guessed, suv_unavailable, lossy, syntax_unsupported, decode_failed,
        fov_truncated, reduced, no_sides, quadruped, position_doubtful,
    )
}  # fmt: skip
BUILDERS["resampled"] = tilt
FROM_PIXELS = {"precision_mismatch", "padding_guessed", "decode_failed", "fov_truncated", "reduced"}


def everything_found(folder: Path) -> list[Finding]:
    result = scan([folder])
    found = list(result.findings)
    for study in result.studies:
        found.extend(study.findings)
        for series_ in study.series:
            found.extend(series_.findings)
            for volume in series_.volumes:
                found.extend(volume.findings)
    return found


@pytest.mark.parametrize("code", sorted(BUILDERS))
def test_code_is_provoked(tmp_path, monkeypatch, code):
    BUILDERS[code](tmp_path, monkeypatch)
    if code in FROM_PIXELS:
        volume = scan([tmp_path]).studies[0].series[0].volumes[0]
        loaded = load(volume)
        assert code in loaded.findings
        sentences = {f.code: f.sentence for f in findings_of(volume, loaded)}
        assert set(sentences) == set(loaded.findings)
        assert "{" not in sentences[code]
        return
    found = everything_found(tmp_path)
    assert code in {f.code for f in found}, found
    for f in found:
        assert f.sentence.endswith(".")
        assert "{" not in f.sentence
        assert "TEST" not in f.sentence  # no patient in a sentence


def test_every_code_of_the_table_has_its_builder():
    assert set(BUILDERS) | {"too_large"} == set(CODES)


def test_too_large_refuses_before_a_pixel_is_read(tmp_path, monkeypatch):
    from workstation.base.errors import InputRefused

    series(tmp_path)
    (volume,) = scan([tmp_path]).studies[0].series[0].volumes
    monkeypatch.setattr(memory, "allowed", lambda: 1_000_000)
    with pytest.raises(InputRefused) as refused:
        load(volume)
    assert refused.value.code == "too_large"
    assert re.search(r"Needs [\d.]+ GB; [\d.]+ GB are free", refused.value.sentence)


def test_reduced_is_the_mean_in_its_place(tmp_path, monkeypatch):
    from tests.factory.series import scene

    reduced(tmp_path, monkeypatch)
    volume = load(scan([tmp_path]).studies[0].series[0].volumes[0])
    assert volume.reduced == 2
    assert volume.geometry.shape == (32, 32, 32)
    lps = volume.geometry.to_lps(np.stack(np.indices((32, 32, 32)), axis=-1))
    assert np.abs(volume.voxels - scene(lps)).max() <= 1.01
    assert np.linalg.det(volume.geometry.affine_lps[:3, :3]) < 0


def test_reduced_values_beyond_sixteen_bits_are_kept(tmp_path, monkeypatch):
    """Unsigned values above 32767 were cut off there, and nobody was told."""

    def bright(ds, k):
        ds.PixelRepresentation = 0
        ds.PixelData = np.full((64, 64), 40_000 + k // 2, "<u2").tobytes()

    reduced(tmp_path, monkeypatch, each=bright, modality="MR")
    volume = load(scan([tmp_path]).studies[0].series[0].volumes[0])
    assert volume.reduced == 2
    assert np.array_equal(volume.voxels[:, 3, 4], 40_000 + np.arange(32))


def test_a_clean_series_has_no_finding(tmp_path):
    ct_series(tmp_path, spacing=(1.0, 0.8, 0.8))
    assert everything_found(tmp_path) == []


def test_failed_slice_is_marked_and_the_others_are_right(tmp_path, monkeypatch):
    decode_failed(tmp_path, monkeypatch)
    volume = load(scan([tmp_path]).studies[0].series[0].volumes[0])
    assert volume.filled == (6,)


def test_sentences_speak_of_one_and_of_many():
    assert finding("truncated", n=1).sentence == "One image ends early and was left out."
    assert finding("truncated", n=4).sentence == "4 images end early and were left out."
    assert finding("lossy", r=None).sentence == "The images were compressed with loss."


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_to_folders_are_not_followed(tmp_path):
    series(tmp_path / "a")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    result = scan([tmp_path])
    assert result.files == 24


def test_colour_is_not_a_volume(tmp_path):
    ds = image(np.zeros((8, 8), "<u2"), modality="MR")
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.PixelData = bytes(8 * 8 * 3)
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = "1.2.1", "1.2.2", "1.2.3"
    write(ds, tmp_path / "c")
    assert [f.sentence for f in everything_found(tmp_path)] == [
        "These images (colour) can be viewed, not rebuilt in 3D."
    ]


@pytest.mark.parametrize(
    ("description", "position", "doubtful"),
    [("COLON PRONE", "HFS", True), ("COLON PRONE", "HFP", False), ("Supine and prone", "HFS", False),
     ("LEGS FEET FIRST", "HFS", True), ("LEGS FEET FIRST", "FFS", False), ("L DECUBITUS", "HFDL", False),
     ("ABDOMEN", "HFP", False)],
)  # fmt: skip
def test_words_against_the_position(tmp_path, description, position, doubtful):
    series(tmp_path, description=description, position=position)
    assert ("position_doubtful" in {f.code for f in everything_found(tmp_path)}) is doubtful


@pytest.mark.parametrize("stated", [["L", "P"], ["LAF", "PH"], ["", ""], ["L"], ["SOME", "WORD"]])
def test_fitting_or_empty_orientation_is_no_doubt(tmp_path, stated):
    series(tmp_path, tags={"PatientOrientation": stated})
    assert "position_doubtful" not in {f.code for f in everything_found(tmp_path)}
