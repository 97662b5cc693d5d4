"""Twenty years of odd files: each quirk alone, against the analytic truth. What is read is right, or it is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from tests.factory.scanned import codes, series_in
from tests.factory.series import CORONAL, ct_series, scene
from workstation.dicom.load import load

SMALL = {"slices": 24, "rows": 16, "columns": 20, "spacing": (2.0, 0.8, 1.2)}
IPP, IOP, SPACING = b"\x20\x00\x32\x00DS", b"\x20\x00\x37\x00DS", b"\x28\x00\x30\x00DS"
SLOPE, INTERCEPT = b"\x28\x00\x53\x10DS", b"\x28\x00\x52\x10DS"
ROWS, PIXELS = b"\x28\x00\x10\x00US", b"\xe0\x7f\x10\x00"
NUMBER = b"\x20\x00\x13\x00IS"


def rewritten(element, put):
    """The element's bytes in every file, changed as no writer of ours would."""

    def change(folder: Path) -> None:
        for path in folder.iterdir():
            raw = path.read_bytes()
            at = raw.index(element)
            end = at + 8 + int.from_bytes(raw[at + 6 : at + 8], "little")
            value = put(raw[at + 8 : end])
            value += b" " * (len(value) % 2)
            path.write_bytes(raw[: at + 6] + len(value).to_bytes(2, "little") + value + raw[end:])

    return change


def inserted(element, what):
    """Bytes before an element, in every file."""

    def change(folder: Path) -> None:
        for path in folder.iterdir():
            raw = path.read_bytes()
            at = raw.index(element)
            path.write_bytes(raw[:at] + what + raw[at:])

    return change


def appended(what):
    def change(folder: Path) -> None:
        for path in folder.iterdir():
            path.write_bytes(path.read_bytes() + what)

    return change


def twice(element):
    """The element once more before itself."""

    def change(folder: Path) -> None:
        for path in folder.iterdir():
            raw = path.read_bytes()
            at = raw.index(element)
            end = at + 8 + int.from_bytes(raw[at + 6 : at + 8], "little")
            path.write_bytes(raw[:at] + raw[at:end] + raw[at:])

    return change


def as_vr(element, vr, convert=bytes):
    """The element under another representation."""
    long = vr in (b"UN", b"OB")

    def change(folder: Path) -> None:
        for path in folder.iterdir():
            raw = path.read_bytes()
            at = raw.index(element)
            end = at + 8 + int.from_bytes(raw[at + 6 : at + 8], "little")
            value = convert(raw[at + 8 : end])
            size = b"\0\0" + len(value).to_bytes(4, "little") if long else len(value).to_bytes(2, "little")
            path.write_bytes(raw[:at] + element[:4] + vr + size + value + raw[end:])

    return change


def replaced(what, by):
    def change(folder: Path) -> None:
        for path in folder.iterdir():
            path.write_bytes(path.read_bytes().replace(what, by, 1))

    return change


def without(*keywords):
    def each(ds, k):
        for keyword in keywords:
            delattr(ds, keyword)

    return each


def doubles(value):
    return struct.pack("<3d", *map(float, value.split(b"\\")))


def several(*changes):
    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    return change


def each_number(form):
    return lambda value: b"\\".join(form % float(part) for part in value.split(b"\\"))


def commas(value):
    return value.replace(b".", b",")


def put(**tags):
    def each(ds, k):
        for keyword, value in tags.items():
            setattr(ds, keyword, value(k) if callable(value) else value)

    return each


def jitter(mm):
    rng = np.random.default_rng(3)

    def each(ds, k):
        ds.ImagePositionPatient = [float(v) + float(rng.uniform(-mm, mm)) for v in ds.ImagePositionPatient]

    return each


RIGHT = {
    "decimal commas": {"then": several(rewritten(IPP, commas), rewritten(SPACING, commas), rewritten(IOP, commas))},
    "decimal strings of far more than 16 bytes": {"then": rewritten(IPP, each_number(b"%.24f"))},
    "exponents and spaces": {"then": rewritten(IPP, each_number(b"  %.9E "))},
    "signs written out": {"then": rewritten(IPP, each_number(b"%+.6f"))},
    "ended by nulls": {"then": rewritten(IPP, lambda v: v.strip() + b"\0\0")},
    "a separator with nothing behind it": {
        "then": several(rewritten(IPP, lambda v: v.strip() + b"\\"), rewritten(SPACING, lambda v: v.strip() + b"\\ "))
    },
    "several slopes": {
        "then": several(rewritten(SLOPE, lambda _: b"1\\2"), rewritten(INTERCEPT, lambda _: b"-1024\\0"))
    },
    "instance numbers with a fraction": {"then": rewritten(NUMBER, lambda v: v.strip() + b".0")},
    "directions of three digits": {
        "orientation": (0.8, 0.6, 0.0, -0.48, 0.64, 0.6),
        "then": rewritten(IOP, each_number(b"%.3f")),
    },
    "places that tremble": {"each": jitter(0.004)},
    "negative spacing between slices": {"tags": {"SpacingBetweenSlices": -2.0}},
    "thickness zero": {"tags": {"SliceThickness": 0}},
    "empty sequences": {"tags": {"ModalityLUTSequence": [], "RealWorldValueMappingSequence": []}},
    "group length": {"then": inserted(b"\x08\x00\x08\x00CS", b"\x08\x00\x00\x00UL\x04\x00\x10\x01\x00\x00")},
    "trailing padding": {"then": appended(b"\xfc\xff\xfc\xffOB\x00\x00\x40\x00\x00\x00" + bytes(64))},
    "zeros behind the end": {"then": appended(bytes(512))},
    "an element twice": {"then": several(twice(IPP), twice(SPACING))},
    "words in small letters": {
        "tags": {"PhotometricInterpretation": "monochrome2", "ImageType": ["original", "primary", "axial"]}
    },
    "one instance number for all": {"each": put(InstanceNumber=1)},
    "no instance number": {"each": lambda ds, k: delattr(ds, "InstanceNumber")},
    "an acquisition number of each": {"each": put(AcquisitionNumber=lambda k: k)},
    "a kernel that changes": {"each": put(ConvolutionKernel=lambda k: f"B3{k % 2}f")},
    "no date at all": {"each": lambda ds, k: delattr(ds, "StudyDate")},
    "no modality": {"tags": {"Modality": ""}},
    "what every file should have": {
        "each": without("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
                        "RescaleType", "ImageType", "FrameOfReferenceUID", "SeriesNumber", "PatientPosition"),
    },
    "representations unknown to an archive": {
        "then": several(as_vr(IPP, b"UN"), as_vr(ROWS, b"UN"), replaced(PIXELS + b"OW", PIXELS + b"UN"))
    },
    "representations of a careless writer": {
        "then": several(as_vr(IPP, b"FD", doubles), as_vr(ROWS, b"IS", lambda _: b"16"),
                        as_vr(SPACING, b"LO"), replaced(PIXELS + b"OW", PIXELS + b"OB")),
    },
    "no frames": {"then": inserted(ROWS, b"\x28\x00\x08\x00IS\x02\x000 ")},
    "fewer than no frames": {"then": inserted(ROWS, b"\x28\x00\x08\x00IS\x02\x00-1")},
    "one frame, said twice": {"then": inserted(ROWS, b"\x28\x00\x08\x00IS\x04\x001\\1 ")},
    "one pixel spacing a hair off": {"each": put(PixelSpacing=lambda k: [0.8, 1.2 + 0.0006 * (k == 5)])},
    "window of no width": {"tags": {"WindowCenter": 40, "WindowWidth": 0}},
    "Hounsfield in small letters": {"tags": {"RescaleType": "hu"}},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Invalid value:UserWarning")
@pytest.mark.parametrize("quirk", sorted(RIGHT))
def test_a_quirk_that_changes_nothing(tmp_path, quirk):
    options = dict(RIGHT[quirk])
    then = options.pop("then", None)
    ct_series(tmp_path, **{**SMALL, **options})
    if then is not None:
        then(tmp_path)
    (found,) = series_in(tmp_path).volumes
    assert (found.geometry.shape, found.units, found.modality, found.suits_3d) == ((24, 16, 20), "HU", "CT", True)
    assert found.geometry.spacing_mm == pytest.approx(SMALL["spacing"], abs=2e-3)
    volume = load(found)
    lps = volume.geometry.to_lps(np.stack(np.indices(volume.geometry.shape), axis=-1))
    assert np.abs(volume.voxels - scene(lps)).max() <= 0.56


REFUSED = {
    "no orientation, a patient position": ({"each": lambda ds, k: delattr(ds, "ImageOrientationPatient")},
                                           "geometry_missing"),
    "one pixel spacing": ({"then": rewritten(SPACING, lambda _: b"0.8")}, "spacing_unknown"),
    "three pixel spacings": ({"then": rewritten(SPACING, lambda _: b"0.8\\1.2\\2")}, "spacing_unknown"),
    "all at one place": ({"each": put(ImagePositionPatient=[0, 0, 0])}, "single_slice"),
    "places that shake": ({"each": jitter(0.3)}, "stack_not_straight"),
    "a hole in the position": ({"then": rewritten(IPP, lambda v: v.replace(v.split(b"\\")[1], b""))},
                               "geometry_missing"),
    "secondary captures that call themselves CT": ({"tags": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}},
                                                   "not_a_volume"),
}  # fmt: skip


@pytest.mark.parametrize("quirk", sorted(REFUSED))
def test_a_quirk_of_which_nothing_is_guessed(tmp_path, quirk):
    options, code = REFUSED[quirk]
    options = dict(options)
    then = options.pop("then", None)
    ct_series(tmp_path, **{**SMALL, **options})
    if then is not None:
        then(tmp_path)
    series = series_in(tmp_path)
    assert series.volumes == ()
    assert code in codes(series)


@pytest.mark.filterwarnings("ignore:Invalid value:UserWarning")
def test_turned_over_in_small_letters(tmp_path):
    ct_series(tmp_path, **SMALL, tags={"PhotometricInterpretation": "monochrome1"})
    assert load(series_in(tmp_path).volumes[0]).inverted


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient"])
def test_one_slice_that_lost_its_place_is_a_gap(tmp_path, keyword):
    ct_series(tmp_path, **{**SMALL, "slices": 36}, each=lambda ds, k: delattr(ds, keyword) if k == 5 else None)
    series = series_in(tmp_path)
    (found,) = series.volumes
    assert found.filled == (5,)
    assert {"geometry_missing", "gap"} <= codes(series)


def screen_save(folder):
    def each(ds, k):
        ds.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            delattr(ds, keyword)

    ct_series(folder, **{**SMALL, "slices": 2}, label="x", voxels=np.zeros((2, 16, 20)), each=each)


def capture(folder):
    ct_series(folder, **{**SMALL, "slices": 2}, label="x", voxels=np.zeros((2, 16, 20)),
              tags={"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"})  # fmt: skip


def scout(orientation, slices):
    return lambda folder: ct_series(
        folder, slices=slices, rows=16, columns=20, spacing=(50.0, 0.8, 1.2), orientation=orientation, label="x",
        voxels=np.zeros((slices, 16, 20)), tags={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("what", "code"),
    [(screen_save, "geometry_missing"), (capture, "not_a_volume"), (scout(CORONAL, 2), "localizer"),
     (scout((1, 0, 0, 0, 1, 0), 1), "localizer")],
    ids=["screen save", "capture", "scout", "scout among the slices"],
)  # fmt: skip
def test_what_lies_in_a_series_and_is_no_slice_of_it(tmp_path, what, code):
    ct_series(tmp_path, **SMALL)
    what(tmp_path)
    series = series_in(tmp_path)
    assert code in codes(series)
    (found,) = (v for v in series.volumes if v.suits_3d)
    assert found.geometry.shape == (24, 16, 20)
    volume = load(found)
    lps = volume.geometry.to_lps(np.stack(np.indices(volume.geometry.shape), axis=-1))
    assert np.abs(volume.voxels - scene(lps)).max() <= 0.51
