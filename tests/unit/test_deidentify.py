"""Nothing that identifies goes out: by the table, by default deny, and by a search of what is written."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.factory.series import ct_series
from workstation.base.errors import RenderDeskError
from workstation.base.uids import is_valid
from workstation.dicom import deidentify
from workstation.dicom.deidentify import Cleaner, IdentityLeft, identifiers, moved, read_whole, safe_shift
from workstation.dicom.deidentify_search import Search, elements_of
from workstation.dicom.deidentify_table import table

NAME, NUMBER, DAY, OLD_UID = "Doemann", "PX-4711-Q", "20230517", "1.2.826.0.1.99.4711.1"


@pytest.fixture
def ct(tmp_path: Path) -> Dataset:
    """One CT slice whose header names a patient in the usual places."""
    path = ct_series(
        tmp_path, slices=3, rows=16, columns=16, name=f"{NAME}^Anna", patient_id=NUMBER, birth_date="19610203",
        tags={
            "StudyDate": DAY, "ContentDate": DAY, "AcquisitionDate": DAY, "AcquisitionTime": "101112.5",
            "ReferringPhysicianName": "Weissbrod^Ernst", "InstitutionName": "Klinik Nord", "StationName": "CT07",
            "AccessionNumber": "ACC-99881", "StudyID": "S1", "DeviceSerialNumber": "SN-775533",
            "BodyPartExamined": "CHEST", "ConvolutionKernel": "B30f", "KVP": "120",
            "ProtocolName": "Thorax", "ContrastBolusAgent": "Iodine",
        },
    )[0]  # fmt: skip
    return read_whole(path)


def clean(source: Dataset, days: int = -1000, **extra: Dataset) -> tuple[Dataset, bytes]:
    known = identifiers(source)
    done = Cleaner(b"k" * 32, days, "ANON-1", known).file(source)
    return pydicom.dcmread(BytesIO(done.content)), done.content


def test_the_table_is_the_standard_s() -> None:
    """Rows of PS3.15 2026c, Table E.1-1, read by a person; and its repeating groups."""
    rows = {
        "00100010": "Z", "00100020": "Z/D", "00100030": "Z", "00100040": "Z", "00101010": "X", "00080050": "Z",
        "00080080": "X/Z/D", "00080090": "Z", "0020000d": "U", "00080018": "U", "00200052": "U", "00081140": "X/Z/U*",
        "0008103e": "X", "00181000": "X/Z/D", "00081010": "X/Z/D", "0040a730": "D", "00104000": "X", "00181030": "X/D",
        "50120010": "X", "60023000": "X", "600c4000": "X",
    }  # fmt: skip
    assert {tag: table().action(int(tag, 16)) for tag in rows} == rows
    assert table().edition == "2026c"
    assert len(table().actions) == 652
    assert table().action(0x00180060) == ""  # KVP


def test_what_names_the_patient_is_gone_and_the_image_is_the_same(ct: Dataset) -> None:
    out, raw = clean(ct)
    for text in (NAME, "Anna", NUMBER, "Weissbrod", "Klinik", "CT07", "ACC-99881", "SN-775533", "19610203", DAY):
        assert text.encode() not in raw
    assert (str(out.PatientName), out.PatientID) == ("ANON-1^", "ANON-1")
    assert (out.PatientBirthDate, out.AccessionNumber, out.StudyID) == ("", "", "")
    assert (out.KVP, out.ConvolutionKernel, out.BodyPartExamined, out.Modality) == (120, "B30f", "CHEST", "CT")
    assert out.ContrastBolusAgent == "CONTRAST"
    assert out.ImagePositionPatient == ct.ImagePositionPatient
    assert (out.RescaleSlope, out.RescaleIntercept) == (ct.RescaleSlope, ct.RescaleIntercept)
    assert out.PixelData == ct.PixelData
    assert out.preamble == b"\0" * 128
    assert out.PatientIdentityRemoved == "YES"
    assert [c.CodeValue for c in out.DeidentificationMethodCodeSequence] == ["113100", "113107", "113111"]
    assert out.LongitudinalTemporalInformationModified == "MODIFIED"
    assert "2026c" in out.DeidentificationMethod
    assert "RecognizableVisualFeatures" not in out


def test_dates_move_together_and_times_stay(ct: Dataset) -> None:
    out, _ = clean(ct, days=-1000)
    assert out.StudyDate == out.ContentDate == out.AcquisitionDate == "20200820"  # 17 May 2023 less 1000 days
    assert str(out.AcquisitionTime) == "101112.5"
    assert moved("20240301", -1) == "20240229"
    assert moved("20240301101112.25+0100", 31) == "20240401101112.25+0100"
    assert moved("2024.03.01", -1) == "20240229"
    assert moved("******", 1) == ""
    # a shift that lands one date on another one of the same patient would be taken for a leak, and would be one
    assert not safe_shift({"20240101", "20240111"}, -10)
    assert safe_shift({"20240101", "20240111"}, -11)


def test_uids_are_new_the_same_everywhere_and_not_to_be_guessed(ct: Dataset) -> None:
    reference = Dataset()
    reference.ReferencedSOPClassUID = ct.SOPClassUID
    reference.ReferencedSOPInstanceUID = ct.SOPInstanceUID
    ct.ReferencedImageSequence = Sequence([reference])
    out, _ = clean(ct)
    assert out.ReferencedImageSequence[0].ReferencedSOPInstanceUID == out.SOPInstanceUID
    assert out.ReferencedImageSequence[0].ReferencedSOPClassUID == ct.SOPClassUID
    assert out.file_meta.MediaStorageSOPInstanceUID == out.SOPInstanceUID
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert is_valid(out[keyword].value)
        assert out[keyword].value != ct[keyword].value
    known = identifiers(ct)
    one, other = (Cleaner(key, 5, "A", known).uid(OLD_UID) for key in (b"1" * 32, b"2" * 32))
    assert one != other
    assert Cleaner(b"1" * 32, 9, "B", known).uid(OLD_UID) == one


def everywhere(ct: Dataset) -> Dataset:
    """The slice with a name, a date or a UID in every attribute of the dictionary that can hold one."""
    odd = Dataset()
    for tag, (vr, _, _, _, keyword) in sorted(DicomDictionary.items()):
        if tag >> 16 in (0x0000, 0x0002, 0x0004, 0x0006, 0xFFFE, 0x0028, 0x7FE0) or not keyword or tag in ct:
            continue
        value: object
        if vr in ("LO", "SH", "ST", "LT", "UT", "UC", "PN", "CS", "AE"):
            value = f"{NAME} x"
        elif vr in ("DA", "DT"):
            value = DAY
        elif vr == "UI":
            value = OLD_UID
        elif vr == "SQ":
            item = Dataset()
            item.add(DataElement(0x00081030, "LO", f"of {NAME}"))
            item.add(DataElement(0x0008002A, "DT", f"{DAY}101500"))
            item.add(DataElement(0x00081155, "UI", OLD_UID))
            item.add(DataElement(0x00080104, "LO", f"Chest of {NAME}"))
            value = Sequence([item])
        else:
            continue
        odd.add(DataElement(tag, vr, value, validation_mode=IGNORE))
    for element in odd:
        ct[element.tag] = element
    block = ct.private_block(0x0099, "MAKER 1", create=True)
    block.add_new(1, "LO", NAME)
    ct.add(DataElement(0x60003000, "OW", NAME.encode() * 2))
    ct.add(DataElement(0x50003000, "OW", NAME.encode() * 2))
    ct.add(DataElement(0xFFFCFFFC, "OB", NAME.encode() * 2))
    return ct


def test_a_name_in_any_attribute_of_the_dictionary_does_not_go_out(ct: Dataset) -> None:
    source = everywhere(ct)
    assert len(source) > 2500
    out, raw = clean(source)
    for text in (NAME, NAME.upper(), NAME.lower(), OLD_UID, DAY):
        assert text.encode() not in raw
    assert not any(e.tag.is_private for e in elements_of(out))
    assert out.PixelData == ct.PixelData
    assert out.Rows == 16


def test_safe_private_numbers_stay_and_nothing_else_private_does(ct: Dataset) -> None:
    philips = ct.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    philips.add_new(0x0D, "FL", 1.5)
    philips.add_new(0x0E, "FL", 2.5)
    philips.add_new(0x10, "LO", NAME)
    siemens = ct.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    siemens.add_new(0x0C, "IS", "800")
    siemens.add_new(0x0D, "CS", NAME.upper())
    ct.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", b"\1\2" * 40)
    ct.private_block(0x0043, "SOMEBODY ELSE", create=True).add_new(0x39, "IS", "1000")
    out, _ = clean(ct)
    assert out.get_private_item(0x2005, 0x0E, "Philips MR Imaging DD 001").value == 2.5
    assert out.get_private_item(0x0019, 0x0C, "SIEMENS MR HEADER").value == 800
    kept = [(e.tag.group, e.tag.element & 0xFF) for e in out if e.tag.is_private and e.tag.element > 0xFF]
    assert kept == [(0x0019, 0x0C), (0x2005, 0x0D), (0x2005, 0x0E)]


def test_a_number_of_the_patient_used_as_series_number_goes_too(ct: Dataset) -> None:
    ct.PatientID, ct.SeriesNumber, ct.AcquisitionNumber = "123456", 123456, 1234567
    out, raw = clean(ct)
    assert out.SeriesNumber is None
    assert out.AcquisitionNumber == 1234567  # another number, though it holds the same digits
    assert b"123456 " not in raw


def test_what_still_holds_an_identifier_is_refused(ct: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = bytearray(ct.PixelData)
    hidden[40 : 40 + len(NUMBER)] = NUMBER.encode()
    ct.PixelData = bytes(hidden)
    with pytest.raises(IdentityLeft) as caught:
        clean(ct)
    assert caught.value.code == "identity_left"
    assert NUMBER not in caught.value.sentence
    ct.PixelData = bytes(len(hidden))
    clean(ct)
    # a fault in the cleaner itself is caught as well
    monkeypatch.setattr(Cleaner, "_standard", lambda self, element: element)
    with pytest.raises(IdentityLeft):
        clean(ct)


def test_short_names_do_not_stop_an_export_by_chance(ct: Dataset) -> None:
    """A patient called Li with the ID 7: both occur in any pixels."""
    ct.PatientName, ct.PatientID, ct.StationName = "Li^Bo", "7", "CT"
    ct.InstanceNumber, ct.SeriesDescription = 7, "Li"
    ct.PixelData = (np.arange(256, dtype=np.uint16) * 257).tobytes()
    out, _ = clean(ct)
    assert out.InstanceNumber == 7
    assert out.Modality == "CT"
    assert str(out.PatientName) == "ANON-1^"


def test_search_takes_whole_words_without_case() -> None:
    search = Search({"May", "Klinik Nord", "O'Neil", "123456", "Li"})
    assert search.in_text("study of MAY, chest")
    assert not search.in_text("maybe")
    assert search.in_text("klinik  nord / CT")
    assert not search.in_text("Nord")
    assert search.in_text("li")
    assert not search.in_text("li battery")
    assert search.in_bytes(b"xx123456yy")
    assert not search.in_bytes(b"x0.1234567")
    assert not search.in_bytes(b"2.25.1234560000000000")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "ultrasound"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.22"}, "not an image"),
        ({"BurnedInAnnotation": "YES"}, "burned"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"], "BurnedInAnnotation": "NO"}, "screen"),
        ({"SamplesPerPixel": 3}, "screen"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "--looked"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"], "BurnedInAnnotation": "NO"}, ""),
        ({"ImageType": ["DERIVED", "PRIMARY", "ADC"]}, ""),
        ({}, ""),
    ],
)
def test_objects_in_which_text_cannot_be_ruled_out_stay(ct: Dataset, changes: dict, words: str) -> None:
    for keyword, value in changes.items():
        setattr(ct, keyword, value)
    reason = deidentify.why_left_out(ct, looked=False)
    assert words in reason
    assert bool(words) is bool(reason)
    if words == "--looked":
        assert deidentify.why_left_out(ct, looked=True) == ""


@pytest.mark.parametrize(
    ("part", "description", "face"),
    [
        ("CHEST", "Thorax routine", False), ("HEAD", "", True), ("", "", True), ("ABDOMEN", "Early phase heart", False),
        ("", "Head_Neck CTA", True), ("CHEST", "Neuro", True), ("HEART", "", False),
    ],
)  # fmt: skip
def test_heads_are_said_to_be_recognisable(ct: Dataset, part: str, description: str, face: bool) -> None:
    ct.BodyPartExamined, ct.SeriesDescription, ct.ProtocolName = part, description, ""
    out, _ = clean(ct)
    assert deidentify.may_show_face(ct) is face
    assert (out.get("RecognizableVisualFeatures") == "YES") is face


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_every_native_encoding_comes_out_as_it_went_in(tmp_path: Path, syntax: str) -> None:
    source = read_whole(ct_series(tmp_path, slices=1, name=f"{NAME}^Anna", patient_id=NUMBER, syntax=syntax)[0])
    out, raw = clean(source)
    assert out.file_meta.TransferSyntaxUID == syntax
    assert (out.pixel_array == source.pixel_array).all()
    assert NAME.encode() not in raw


def test_a_file_without_header_gets_one(tmp_path: Path) -> None:
    path = ct_series(tmp_path, slices=1, name=f"{NAME}^Anna", patient_id=NUMBER)[0]
    raw = path.read_bytes()
    path.write_bytes(raw[132 + 12 + int.from_bytes(raw[140:144], "little") :])
    out, _ = clean(read_whole(path))
    assert out.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert out.Rows == 64


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RenderDeskError, match=r"\.$"):
        read_whole(tmp_path / "absent.dcm")
