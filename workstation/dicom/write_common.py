"""What all written objects share: patient and study from the source, own equipment, references, complete files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

from pydicom import dcmread
from pydicom.config import IGNORE, RAISE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import PersonName, validate_value

from workstation import __version__
from workstation.base.errors import RenderDeskError
from workstation.base.uids import derived_uid, is_valid
from workstation.dicom import codes
from workstation.dicom.codes import Code
from workstation.dicom.written import Equipment, Reference

_PRESENT = (  # type 2 of Patient, General Study: present even when empty
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
)
# kinds of values with a form; what does not have it is left out
_FORMED = {"DA", "TM", "AS", "DS", "CS"}
_COPIED = (
    "IssuerOfPatientID",
    "TypeOfPatientID",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientComments",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "LongitudinalTemporalInformationModified",
    "StudyInstanceUID",
    "StudyDescription",
)


def put(ds: Dataset, keyword: str, value: object) -> None:
    """Set a value that came from elsewhere as it is: identity is never trimmed to please a length rule."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    ds.add(DataElement(tag, dictionary_VR(tag), value, validation_mode=IGNORE))


def text_of(source: Dataset, keyword: str) -> str:
    """A source's value as text ("" when absent); names decoded, so that they can be written in UTF-8."""
    value = source.get(keyword)
    return "" if value is None else str(value)


def usable(keyword: str, value: str) -> str:
    """A source's value, or "" where it is no value of its kind ("***" for a date says nothing to anybody).

    Free text is kept whole, whatever its length; a code string in small letters is the same one in capitals.
    """
    tag = tag_for_keyword(keyword)
    kind = dictionary_VR(tag) if tag is not None else "UN"
    if kind not in _FORMED:
        return value
    plain = value.strip().upper() if kind == "CS" else value.strip()
    try:
        validate_value(kind, plain, RAISE)
    except ValueError:
        return ""
    return plain


def coded(code: Code) -> Dataset:
    """Item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


def person_name(name: str) -> PersonName:
    """A printed name as PN: delimiters of the encoding cannot stand in it, and the family name ends with a caret."""
    clean = name if "^" in name else name.replace("=", " ").replace("\\", " ").strip() + "^"
    return PersonName(clean if name.strip() else "")


def local_time(now: datetime, source: Dataset) -> datetime:
    """The moment in the zone that the source's own times are in, so that one offset holds for all of them."""
    if now.tzinfo is None:
        raise ValueError("the time needs its zone")
    offset = text_of(source, "TimezoneOffsetFromUTC").strip()
    if len(offset) == 5 and offset[0] in "+-" and offset[1:].isdigit():
        span = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
        return now.astimezone(timezone(-span if offset[0] == "-" else span))
    return now


def moment(at: str, like: datetime) -> datetime:
    """An ISO 8601 text as a time in the zone of another one; that other one when there is no text."""
    if not at:
        return like
    found = datetime.fromisoformat(at)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(like.tzinfo)


def date_text(at: datetime) -> str:
    """DA."""
    return at.strftime("%Y%m%d")


def time_text(at: datetime) -> str:
    """TM to the millisecond."""
    return at.strftime("%H%M%S.") + f"{at.microsecond // 1000:03d}"


def zone_text(at: datetime) -> str:
    """Offset from UTC, as (0008,0201) and DT want it."""
    return at.strftime("%z")[:5]


def datetime_text(at: datetime) -> str:
    """DT with offset."""
    return date_text(at) + time_text(at) + zone_text(at)


def begin(
    source: Dataset,
    *,
    sop_class: str,
    sop_uid: str,
    series_uid: str,
    series_number: int,
    instance_number: int,
    modality: str,
    description: str,
    equipment: Equipment,
    now: datetime,
    study: Mapping[str, str] | None = None,
) -> Dataset:
    """Start an object: Patient, Study, Series, Equipment and SOP Common (PS3.3 C.7.1-C.7.5, C.12.1).

    A series of ours grows over days and people: what belongs to a series must not differ between its instances,
    so date, time and operator stand in the instance alone.

    Parameters
    ----------
    source : header of an image of the study that the object belongs to
    now : moment of making, with zone
    study : attributes by keyword that replace the source's (identity confirmed, accession of the order)

    Raises
    ------
    RenderDeskError
        A UID that is none: nothing with it must leave the house.
    """
    for uid in (sop_uid, series_uid, text_of(source, "StudyInstanceUID")):
        if not is_valid(uid):
            raise RenderDeskError("uid", "The study's identifiers are not valid; the object cannot be written.")
    at = local_time(now, source)
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    given = dict(study or {})
    for keyword in (*_PRESENT, *_COPIED):
        value = given.pop(keyword, None)
        value = text_of(source, keyword) if value is None else value
        if value or keyword in _PRESENT:
            value = usable(keyword, value)
            put(ds, keyword, PersonName(value) if dictionary_VR(tag_for_keyword(keyword) or 0) == "PN" else value)
    for keyword, value in given.items():
        put(ds, keyword, value)
    _deidentified(ds, source)
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, sop_uid
    ds.InstanceCreationDate, ds.InstanceCreationTime = date_text(at), time_text(at)
    ds.TimezoneOffsetFromUTC = zone_text(at)
    ds.Modality = modality
    ds.SeriesInstanceUID, ds.SeriesNumber = series_uid, series_number
    ds.SeriesDescription = clipped(description, 64)
    ds.InstanceNumber = instance_number
    ds.Manufacturer, ds.ManufacturerModelName = equipment.manufacturer, equipment.model
    ds.DeviceSerialNumber, ds.SoftwareVersions = clipped(equipment.serial, 64), clipped(equipment.software, 64)
    if equipment.institution:
        ds.InstitutionName = clipped(equipment.institution, 64)
    if equipment.station:
        ds.StationName = clipped(equipment.station, 16)
    ds.ContributingEquipmentSequence = contributing(source, equipment, at)
    return ds


def _deidentified(ds: Dataset, source: Dataset) -> None:
    """Where identity was removed the how must stand too (type 1C), be it only that nobody said."""
    if ds.get("PatientIdentityRemoved") != "YES" or ds.get("DeidentificationMethod"):
        return
    items = []
    for item in source.get("DeidentificationMethodCodeSequence") or []:
        value, scheme, meaning = (text_of(item, k) for k in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning"))
        if value and scheme and meaning:
            items.append(coded(Code(value, scheme, meaning)))
    if items:
        ds.DeidentificationMethodCodeSequence = Items(items)
    else:
        ds.DeidentificationMethod = "Not stated by the source"


def anatomy(ds: Dataset, source: Dataset, body_part: str) -> None:
    """Body part and side of an image (C.7.3.1); reports have no such attribute."""
    part = text_of(source, "BodyPartExamined") or body_part
    if part:
        put(ds, "BodyPartExamined", part)
    # type 2C: where neither part nor side is known validators take the side for forgotten, so it stands there empty
    if text_of(source, "Laterality") or not part:
        put(ds, "Laterality", text_of(source, "Laterality"))


def contributing(source: Dataset, equipment: Equipment, at: datetime) -> Items:
    """The file's own proof of where it was made: this workstation, and the scanner when the source names it."""
    here = Dataset()
    here.PurposeOfReferenceCodeSequence = Items([coded(codes.PROCESSING_EQUIPMENT)])
    here.Manufacturer, here.ManufacturerModelName = equipment.manufacturer, equipment.model
    here.DeviceSerialNumber, here.SoftwareVersions = clipped(equipment.serial, 64), clipped(equipment.software, 64)
    if equipment.institution:
        here.InstitutionName = clipped(equipment.institution, 64)
    if equipment.station:
        here.StationName = clipped(equipment.station, 16)
    here.ContributionDateTime = datetime_text(at)
    here.ContributionDescription = "Processed on an independent 3D workstation"
    items = [here]
    if text_of(source, "Manufacturer"):
        scanner = Dataset()
        scanner.PurposeOfReferenceCodeSequence = Items([coded(codes.ACQUISITION_EQUIPMENT)])
        for keyword in ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions"):
            if text_of(source, keyword):
                put(scanner, keyword, source.get(keyword))
        items.append(scanner)
    return Items(items)


def clipped(text: str, length: int) -> str:
    """Text for a short attribute: one line, no value delimiter, no longer than the standard allows."""
    line = " ".join(text.replace("\\", "/").split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def instance(sop_class: str, sop_uid: str) -> Dataset:
    """Item that refers to an instance."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_uid
    return item


def by_series(references: Iterable[Reference], study_uid: str) -> dict[str, dict[str, dict[str, str]]]:
    """References as study -> series -> SOP instance -> class, each instance once, in the order given."""
    tree: dict[str, dict[str, dict[str, str]]] = {}
    for r in references:
        if r.sop_uid and r.series_uid:
            tree.setdefault(r.study_uid or study_uid, {}).setdefault(r.series_uid, {})[r.sop_uid] = r.sop_class
    return tree


def evidence(ds: Dataset, references: Sequence[Reference]) -> None:
    """Evidence sequences (PS3.3 C.17.2.3): this study's instances as current, others' as pertinent."""
    tree = by_series(references, ds.StudyInstanceUID)
    current: list[Dataset] = []
    other: list[Dataset] = []
    for study_uid, series in tree.items():
        item = Dataset()
        item.StudyInstanceUID = study_uid
        item.ReferencedSeriesSequence = Items([_series_item(uid, sops) for uid, sops in series.items()])
        (current if study_uid == ds.StudyInstanceUID else other).append(item)
    if current:
        ds.CurrentRequestedProcedureEvidenceSequence = Items(current)
    if other:
        ds.PertinentOtherEvidenceSequence = Items(other)


def _series_item(series_uid: str, sops: Mapping[str, str]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = series_uid
    item.ReferencedSOPSequence = Items([instance(sop_class, uid) for uid, sop_class in sops.items()])
    return item


def to_bytes(ds: Dataset) -> bytes:
    """The complete file (PS3.10) in explicit VR little endian; the same object gives the same bytes."""
    out = Dataset(ds)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(derived_uid("implementation"))
    meta.ImplementationVersionName = f"RENDERDESK_{__version__.replace('.', '')}"[:16]
    out.file_meta = meta
    buffer = BytesIO()
    out.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def from_bytes(raw: bytes) -> Dataset:
    """Read a written file back."""
    return dcmread(BytesIO(raw))
