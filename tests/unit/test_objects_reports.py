"""Report, measurements, PDF and key objects: validators, second readers, round trips, states."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from tests.factory.written import (
    CT,
    EQUIPMENT,
    FRAME,
    NOW,
    RAD,
    SERIES,
    SLICES,
    STUDY,
    TECH,
    TRICKY,
    content,
    measurement,
    source,
    validate,
)
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.base.uids import derived_uid
from workstation.case.model import Measured
from workstation.dicom import codes
from workstation.dicom.read_sr import measurements_of
from workstation.dicom.sr_content import decimal
from workstation.dicom.write_common import from_bytes, to_bytes
from workstation.dicom.write_kos import key_objects
from workstation.dicom.write_pdf import encapsulated_pdf, pdf_of
from workstation.dicom.write_sr_measurements import measurements_sr, on_slice
from workstation.dicom.write_sr_report import report_sr
from workstation.dicom.written import COMPREHENSIVE_3D_SR_CLASS, ENHANCED_SR_CLASS, Reference

REPORT = Reference(ENHANCED_SR_CLASS, derived_uid("t", "report"), derived_uid("t", "reports"))
NUMBERS = Reference(COMPREHENSIVE_3D_SR_CLASS, derived_uid("t", "numbers"), derived_uid("t", "numberss"))
SOURCES = [Reference(CT, uid, SERIES) for uid in SLICES]


def report(**changes: object) -> Dataset:
    return report_sr(
        content(**changes),
        source(),
        sop_uid=REPORT.sop_uid,
        series_uid=REPORT.series_uid,
        equipment=EQUIPMENT,
        now=NOW,
        measurements=NUMBERS,
        participants=[TECH],
    )


def numbers(*given: object, status: str = "final", slices: dict[str, Dataset] | None = None) -> Dataset:
    return measurements_sr(
        given or (measurement(1), measurement(2)),  # type: ignore[arg-type]
        source(),
        sop_uid=NUMBERS.sop_uid,
        series_uid=NUMBERS.series_uid,
        equipment=EQUIPMENT,
        now=NOW,
        author=RAD,
        status=status,
        sources=SOURCES,
        slices=slices,
        report=REPORT,
    )


def items(ds: Dataset) -> Iterator[Dataset]:
    for child in ds.get("ContentSequence") or []:
        yield child
        yield from items(child)


def texts(ds: Dataset) -> list[str]:
    return [str(i.TextValue) for i in items(ds) if i.ValueType == "TEXT"]


def evidence_of(ds: Dataset) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for study in ds.CurrentRequestedProcedureEvidenceSequence:
        assert study.StudyInstanceUID == STUDY
        for series in study.ReferencedSeriesSequence:
            uids = [str(s.ReferencedSOPInstanceUID) for s in series.ReferencedSOPSequence]
            assert len(uids) == len(set(uids)), "each instance once"
            found[str(series.SeriesInstanceUID)] = set(uids)
    return found


@pytest.mark.parametrize("status", ["draft", "preliminary", "final", "addendum", "retracted"])
def test_validators_accept_the_report_in_every_state(status: str, tmp_path: Path) -> None:
    signer = None if status == "draft" else RAD
    said = validate(report(status=status, signed_by=signer, demo=True), tmp_path, structured=True)
    assert "Enhanced SR Document" in said


def test_a_draft_names_no_verifying_person_and_a_signed_report_does() -> None:
    draft, final = report(status="draft", signed_by=None), report()
    assert (draft.PreliminaryFlag, draft.CompletionFlag, draft.VerificationFlag) == (
        "PRELIMINARY", "PARTIAL", "UNVERIFIED",
    )  # fmt: skip
    assert "VerifyingObserverSequence" not in draft
    assert (final.PreliminaryFlag, final.CompletionFlag, final.VerificationFlag) == ("FINAL", "COMPLETE", "VERIFIED")
    verifying = final.VerifyingObserverSequence[0]
    assert str(verifying.VerifyingObserverName) == "Rada Ray^"
    assert str(verifying.VerificationDateTime) == "20260314092500.000+0000"
    assert str(final.ParticipantSequence[0].PersonName) == "Toni Tech^"


def test_a_residents_preliminary_report_is_complete_and_not_verified() -> None:
    ds = report(status="preliminary")
    assert (ds.PreliminaryFlag, ds.CompletionFlag, ds.VerificationFlag) == ("PRELIMINARY", "COMPLETE", "UNVERIFIED")
    assert "VerifyingObserverSequence" not in ds


def test_every_character_survives_the_report() -> None:
    back = from_bytes(to_bytes(report()))
    assert TRICKY in texts(back)
    assert back.InstitutionName == EQUIPMENT.institution


def test_every_section_of_the_content_stands_in_the_report() -> None:
    said = "\n".join(texts(report(communication="Told Dr Refer by phone at 09:30")))
    c = content()
    for part in (c.indication, c.necessity, *c.data_used, *c.technique, c.comparison, *c.impression, *c.recommendation):
        assert part in said
    for part in ("Told Dr Refer", "Toni Tech", "witnessed", "attested", "absent", c.limitations[0], "50.0 mm"):
        assert part in said


def test_report_and_numbers_name_each_other_and_all_pictures_in_their_evidence() -> None:
    text, number = report(), numbers()
    composite = [i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in items(text) if i.ValueType == "COMPOSITE"]
    assert composite == [NUMBERS.sop_uid]
    back = [i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in items(number) if i.ValueType == "COMPOSITE"]
    assert back == [REPORT.sop_uid]
    pictures = {p.sop_uid for p in content().pictures}
    assert evidence_of(text) == {
        SERIES: set(SLICES),
        content().pictures[0].series_uid: pictures,
        NUMBERS.series_uid: {NUMBERS.sop_uid},
    }
    referred = {i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in items(text) if i.ValueType == "IMAGE"}
    assert referred == pictures
    assert evidence_of(number) == {SERIES: set(SLICES), REPORT.series_uid: {REPORT.sop_uid}}


def test_an_addendum_names_what_it_amends(tmp_path: Path) -> None:
    earlier = Reference(ENHANCED_SR_CLASS, derived_uid("t", "earlier"), REPORT.series_uid)
    ds = report_sr(
        content(status="addendum"), source(), sop_uid=REPORT.sop_uid, series_uid=REPORT.series_uid,
        equipment=EQUIPMENT, now=NOW, predecessor=earlier,
    )  # fmt: skip
    named = ds.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert named.ReferencedSOPInstanceUID == earlier.sop_uid
    assert any(i.ConceptNameCodeSequence[0].CodeValue == "121078" for i in items(ds) if i.ValueType == "CONTAINER")
    validate(ds, tmp_path, structured=True)


KINDS = [
    measurement(1),
    measurement(2, side="left", name="Sac", points_lps_mm=((-20.0, 5.0, 15.0), (30.0, 5.0, 15.0))),
    measurement(
        3, kind="point", points_lps_mm=((1.0, 2.0, 15.0),), measured=Measured("point", 101.0, "HU", "101 HU", "Voxel")
    ),
    measurement(
        4, kind="point", points_lps_mm=((1.0, 2.0, 15.0),), measured=Measured("point", 7.0, "", "signal 7", "Voxel")
    ),
    measurement(
        5,
        kind="polygon",
        points_lps_mm=((-20.0, 5.0, 14.0), (20.0, 5.0, 14.0), (20.0, 20.0, 14.0)),
        measured=Measured(
            "polygon", 300.0, "mm2", "300 mm2", "Area of a polygon", 12.0,
            extra={"mean": 120.5, "sd": 9.25, "minimum": 80.0, "maximum": 160.0, "is_hu": 1.0, "perimeter_mm": 97.7},
        ),
    ),
    measurement(
        6,
        kind="ellipse",
        points_lps_mm=((-10.0, 0.0, 15.0), (10.0, 0.0, 15.0), (0.0, -5.0, 15.0), (0.0, 5.0, 15.0)),
        measured=Measured("ellipse", 157.1, "mm2", "157 mm2", "Area of an ellipse", 12.0),
    ),
    measurement(
        7, kind="ellipse", points_lps_mm=((-10.0, 0.0, 14.0), (10.0, 9.0, 14.0)),
        measured=Measured("ellipse", 157.1, "mm2", "157 mm2", "Area of an ellipse", 12.0),
    ),
    measurement(
        8, kind="angle", points_lps_mm=((1.0, 0.0, 14.0), (0.0, 0.0, 14.0), (0.0, 9.0, 14.0)),
        measured=Measured("angle", 90.0, "deg", "90 deg", "Angle", 3.0, "marked", ("Projected on the axial plane.",)),
    ),
    measurement(
        9, kind="cobb", points_lps_mm=((1.0, 0, 14.0), (9.0, 0, 14.0), (0, 5.0, 14.0), (9.0, 9.0, 14.0)),
        measured=Measured("cobb", 24.0, "deg", "24 deg", "Cobb", 3.0),
    ),
    measurement(
        10, kind="bidirectional", points_lps_mm=((-10.0, 0, 15.0), (10.0, 0, 15.0), (0, -5.0, 15.0), (0, 5.0, 15.0)),
        measured=Measured("bidirectional", 20.0, "mm", "20.0 x 10.0 mm", "Axes", 0.6, extra={"short_mm": 10.0}),
    ),
    measurement(
        11, kind="polyline", points_lps_mm=((0.0, 0, 12.0), (10.0, 0, 15.0), (10.0, 9.0, 18.0)),
        measured=Measured("polyline", 21.0, "mm", "21.0 mm", "Path", 0.9),
    ),
]  # fmt: skip


def test_validators_accept_every_kind_of_measurement(tmp_path: Path) -> None:
    said = validate(numbers(*KINDS, slices={SLICES[2]: source(2)}), tmp_path, structured=True)
    assert "Comprehensive 3D SR Document" in said


def test_another_library_reads_the_measurement_report() -> None:
    """highdicom, by other authors, finds the groups of TID 1500 with values, units, tracking and sites."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, on import
        from highdicom.sr import srread

        path = _file(numbers(*KINDS, slices={SLICES[2]: source(2)}))
        document = srread(path)
        groups = document.content.get_image_measurement_groups()
    assert len(groups) == len(KINDS)
    by_uid = {str(g.tracking_uid): g for g in groups}
    for m in KINDS:
        group = by_uid[m.tracking_uid]
        assert group.tracking_identifier == m.name
        values = [float(v.value) for v in group.get_measurements()]
        assert m.measured.value in values
        assert group.finding_sites[0].topographical_modifier is None
        laterality = group.finding_sites[0].laterality
        # the sac lies on the left by its coordinates alone, which makes it no left sac
        assert (None if laterality is None else laterality.value) == (None if m.name == "Sac" else "7771000")


def _file(ds: Dataset) -> Path:
    import tempfile

    path = Path(tempfile.mkdtemp()) / "object.dcm"
    path.write_bytes(to_bytes(ds))
    return path


def test_measurements_come_back_as_they_were_written() -> None:
    slices = {SLICES[2]: source(2)}
    back = measurements_of(from_bytes(to_bytes(numbers(*KINDS, slices=slices))), slices)
    assert len(back) == len(KINDS)
    for m, found in zip(KINDS, back, strict=True):
        assert found.name == m.name
        assert (found.kind, found.value, found.unit) == (m.kind, m.measured.value, m.measured.unit)
        assert (found.printed, found.definition) == (m.measured.printed, m.measured.definition)
        assert (found.tracking_uid, found.uncertainty) == (m.tracking_uid, m.measured.uncertainty)
        assert found.side == ("" if m.name == "Sac" else "left")
        points = m.points_lps_mm + (m.points_lps_mm[:1] if m.kind == "polygon" else ())
        assert len(found.points_lps_mm) == len(points)
        for a, b in zip(points, found.points_lps_mm, strict=True):
            assert a == pytest.approx(b, abs=1e-4)  # coordinates are single precision in the standard
        on_image = all(p[2] == 15.0 for p in m.points_lps_mm)
        assert bool(found.pixels) == on_image, "what lies on the source slice is written on the image"
        assert found.frame_of_reference == ("" if on_image else FRAME)
    polygon = next(f for f in back if f.kind == "polygon")
    assert ("112031", "373098007", 120.5) in polygon.further


def test_pixel_coordinates_are_those_of_the_standard() -> None:
    """The middle of the top left pixel is 0.5, 0.5 (PS3.3 C.18.6.1); column first."""
    head = source(2, PixelSpacing=[0.5, 2.0], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    first = tuple(float(v) for v in head.ImagePositionPatient)
    assert on_slice([first], head) == [(0.5, 0.5)]  # type: ignore[list-item]
    right_and_down = (first[0], first[1] + 3 * 2.0, first[2] - 4 * 0.5)
    assert on_slice([right_and_down], head) == [(3.5, 4.5)]
    head.ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
    assert on_slice([first], head) is None  # type: ignore[list-item]
    head.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert on_slice([(first[0] + 1.0, first[1], first[2])], head) is None


def test_only_what_a_person_accepted_is_written() -> None:
    proposed = measurement(2, accepted=False)
    stale = measurement(3, stale=True)
    refused = measurement(4, measured=Measured("length", None, "mm", "not measurable", "x", validity="refused"))
    back = measurements_of(numbers(measurement(1), proposed, stale, refused))
    assert [m.name for m in back] == [measurement(1).name]
    with pytest.raises(InputRefused):
        numbers(proposed, stale, refused)


def test_a_marked_number_says_why() -> None:
    ds = numbers(*KINDS)
    assert any("Projected on the axial plane." in t for t in texts(ds))


@pytest.mark.parametrize("value", [0.1, 41.7, 1 / 3, 1e-7, -1234567.890123456, 2.0**60, 123456789012345.6, 5e-324])
def test_a_decimal_string_fits_and_is_as_exact_as_fits(value: float) -> None:
    text = decimal(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-8)


def test_the_exact_double_stands_beside_the_decimal() -> None:
    value = 41.7 + 1e-12
    m = measurement(1, measured=Measured("length", value, "mm", "41.7 mm", "d"))
    assert measurements_of(from_bytes(to_bytes(numbers(m))))[0].value == value


def test_a_broken_document_is_refused_in_a_sentence() -> None:
    with pytest.raises(InputRefused):
        measurements_of(report())
    with pytest.raises(InputRefused):
        measurements_of(Dataset())
    broken = numbers()
    number = next(i for i in items(broken) if i.ValueType == "NUM")
    number.MeasuredValueSequence[0].FloatingPointValue = float("nan")
    with pytest.raises(InputRefused):
        measurements_of(broken)
    cut = numbers()
    del next(i for i in items(cut) if i.ValueType == "NUM").MeasuredValueSequence
    with pytest.raises(InputRefused):
        measurements_of(cut)


def test_a_pdf_keeps_its_bytes_in_the_envelope(tmp_path: Path) -> None:
    for pdf in (b"%PDF-1.4 odd", b"%PDF-1.4 even"):
        ds = encapsulated_pdf(
            pdf, source(), sop_uid=derived_uid("t", "pdf"), series_uid=derived_uid("t", "pdfs"), equipment=EQUIPMENT,
            now=NOW, title="3D report", status="final", references=SOURCES,
        )  # fmt: skip
        validate(ds, tmp_path)
        assert pdf_of(from_bytes(to_bytes(ds))) == pdf
    with pytest.raises(RenderDeskError):
        encapsulated_pdf(
            b"<html>", source(), sop_uid=derived_uid("t", "pdf"), series_uid=derived_uid("t", "pdfs"),
            equipment=EQUIPMENT, now=NOW, title="3D report", status="final",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("title", "code"),
    [("for_report", "113020"), ("for_surgeon", "113003"), ("of_interest", "113000"), ("rejected_safety", "113037")],
)
def test_key_objects_say_which_and_why(title: str, code: str, tmp_path: Path) -> None:
    pictures = [Reference(p.sop_class, p.sop_uid, p.series_uid) for p in content().pictures]
    ds = key_objects(
        source(), [*pictures, REPORT], sop_uid=derived_uid("t", "kos"), series_uid=derived_uid("t", "koss"),
        equipment=EQUIPMENT, now=NOW, author=RAD, title=title, description="Look < here",  # type: ignore[arg-type]
    )  # fmt: skip
    validate(ds, tmp_path, structured=True)
    assert ds.ConceptNameCodeSequence[0].CodeValue == code
    uids = [i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in items(ds) if "ReferencedSOPSequence" in i]
    assert uids == [p.sop_uid for p in pictures] + [REPORT.sop_uid]
    assert evidence_of(ds)[REPORT.series_uid] == {REPORT.sop_uid}


def test_nothing_chosen_makes_no_key_object() -> None:
    with pytest.raises(InputRefused):
        key_objects(source(), [], sop_uid="1.2", series_uid="1.3", equipment=EQUIPMENT, now=NOW, author=RAD)


def test_documents_are_written_the_same_each_time_and_in_little_endian() -> None:
    assert to_bytes(report()) == to_bytes(report())
    raw = to_bytes(numbers())
    assert raw == to_bytes(numbers())
    assert raw[128:132] == b"DICM"
    assert b"1.2.840.10008.1.2.1\0" in raw[:400]
    assert struct.unpack("<H", raw[132:134])[0] == 2


def test_every_code_of_our_own_is_in_the_conformance_statement() -> None:
    listed = (Path(__file__).resolve().parents[2] / "docs" / "codes.md").read_text()
    documents = [report(demo=True), report(status="addendum"), numbers(*KINDS)]
    used = {
        str(code.CodeValue)
        for ds in documents
        for item in items(ds)
        for sequence in ("ConceptNameCodeSequence", "ConceptCodeSequence")
        for code in item.get(sequence) or []
        if code.CodingSchemeDesignator == "99RENDERDESK"
    }
    assert {"KIND", "CAPTION", "SIGNAL"} <= used
    assert not {c for c in used if f"`{c}`" not in listed}
    own = [c for c in vars(codes).values() if isinstance(c, codes.Code) and c.scheme == "99RENDERDESK"]
    assert all(f"| `{c.value}` | {c.meaning} |" in listed for c in own)


def test_standard_codes_are_those_of_the_dictionary() -> None:
    """pydicom carries PS3.16's tables: value and meaning of each DCM and SNOMED code must stand there."""
    from pydicom.sr._concepts_dict import concepts

    known = {
        (scheme, value, meaning)
        for scheme in ("DCM", "SCT")
        for entries in concepts[scheme].values()
        for value, (meaning, _) in entries.items()
    }
    found = [c for c in vars(codes).values() if isinstance(c, codes.Code)]
    for table in (codes.DERIVATIONS, codes.SIDES, codes.SITES, codes.CONCEPTS, codes.KEY_TITLES):
        found += list(table.values())
    wrong = [c for c in found if c.scheme in ("DCM", "SCT") and (c.scheme, c.value, c.meaning) not in known]
    assert not wrong
