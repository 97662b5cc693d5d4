"""Content items of structured reports (PS3.3 C.17.3): small functions that give one item each.

The three kinds of documents that the program writes share them. The documents are put together here by hand,
not by a library: what stands in them is then exactly what the templates (PS3.16) say, and another library can
read them in the tests as an independent witness.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from render.view import Vector
from workstation.base.uids import derived_uid
from workstation.dicom import codes
from workstation.dicom.codes import Code
from workstation.dicom.write_common import (
    clipped,
    coded,
    date_text,
    datetime_text,
    evidence,
    instance,
    moment,
    person_name,
    text_of,
    time_text,
)
from workstation.dicom.written import Equipment, Reference

if TYPE_CHECKING:
    from workstation.base.events import Actor

Relation = Literal["CONTAINS", "HAS OBS CONTEXT", "HAS CONCEPT MOD", "HAS PROPERTIES", "INFERRED FROM", "SELECTED FROM"]


def _item(kind: str, relation: Relation, concept: Code | None) -> Dataset:
    ds = Dataset()
    ds.RelationshipType, ds.ValueType = relation, kind
    if concept is not None:
        ds.ConceptNameCodeSequence = Items([coded(concept)])
    return ds


def within(parent: Dataset, *children: Dataset) -> Dataset:
    """Put children under an item; gives the item."""
    if children:
        parent.ContentSequence = Items([*(parent.get("ContentSequence") or []), *children])
    return parent


def container(relation: Relation, concept: Code, *children: Dataset, template: str = "") -> Dataset:
    """A section."""
    ds = _item("CONTAINER", relation, concept)
    ds.ContinuityOfContent = "SEPARATE"
    if template:
        ds.ContentTemplateSequence = Items([_template(template)])
    return within(ds, *children)


def _template(number: str) -> Dataset:
    ds = Dataset()
    ds.MappingResource, ds.TemplateIdentifier = "DCMR", number
    return ds


def text(relation: Relation, concept: Code, value: str, *children: Dataset) -> Dataset:
    """A paragraph; any character of any alphabet."""
    ds = _item("TEXT", relation, concept)
    ds.TextValue = value.replace("\r\n", "\n").replace("\n", "\r\n")
    return within(ds, *children)


def code(relation: Relation, concept: Code, value: Code, *children: Dataset) -> Dataset:
    """A coded answer."""
    ds = _item("CODE", relation, concept)
    ds.ConceptCodeSequence = Items([coded(value)])
    return within(ds, *children)


def person(relation: Relation, concept: Code, name: str) -> Dataset:
    """A person's name."""
    ds = _item("PNAME", relation, concept)
    ds.PersonName = person_name(name)
    return ds


def uid(relation: Relation, concept: Code, value: str) -> Dataset:
    """A unique identifier."""
    ds = _item("UIDREF", relation, concept)
    ds.UID = value
    return ds


def number(relation: Relation, concept: Code, value: float, unit: Code, *children: Dataset) -> Dataset:
    """A number with its UCUM unit: the decimal text, and the double exactly (0040,A161)."""
    ds = _item("NUM", relation, concept)
    measured = Dataset()
    measured.NumericValue = decimal(value)
    measured.FloatingPointValue = float(value)
    measured.MeasurementUnitsCodeSequence = Items([coded(unit)])
    ds.MeasuredValueSequence = Items([measured])
    return within(ds, *children)


def decimal(value: float) -> str:
    """A decimal string of at most 16 characters, as exact as fits."""
    for digits in range(16, 3, -1):
        found = f"{value:.{digits}g}"
        if len(found) <= 16:
            return found
    return f"{value:.4g}"


def image(relation: Relation, concept: Code | None, reference: Reference) -> Dataset:
    """A reference to an image."""
    ds = _item("IMAGE", relation, concept)
    ds.ReferencedSOPSequence = Items([instance(reference.sop_class, reference.sop_uid)])
    return ds


def document(relation: Relation, concept: Code, reference: Reference) -> Dataset:
    """A reference to an object that is no image: another report."""
    ds = _item("COMPOSITE", relation, concept)
    ds.ReferencedSOPSequence = Items([instance(reference.sop_class, reference.sop_uid)])
    return ds


def scoord(relation: Relation, concept: Code | None, kind: str, points: Sequence[tuple[float, float]]) -> Dataset:
    """Points on an image: (column, row), 0.5/0.5 in the middle of the top left pixel (PS3.3 C.18.6.1)."""
    ds = _item("SCOORD", relation, concept)
    ds.GraphicType = kind
    ds.GraphicData = [float(v) for pair in points for v in pair]
    return ds


def scoord3d(relation: Relation, concept: Code | None, kind: str, points: Sequence[Vector], frame: str) -> Dataset:
    """Points in the patient, LPS millimetres, in a frame of reference (PS3.3 C.18.9)."""
    ds = _item("SCOORD3D", relation, concept)
    ds.GraphicType = kind
    ds.GraphicData = [float(v) for point in points for v in point]
    ds.ReferencedFrameOfReferenceUID = frame
    return ds


def observers(author: Actor | None, equipment: Equipment) -> list[Dataset]:
    """Who saw and with what: TID 1002 to 1004."""
    found: list[Dataset] = []
    if author is not None:
        found.append(code("HAS OBS CONTEXT", codes.OBSERVER_TYPE, codes.PERSON))
        found.append(person("HAS OBS CONTEXT", codes.PERSON_NAME, author.name))
        found.append(text("HAS OBS CONTEXT", codes.PERSON_LOGIN, author.account))
        if equipment.institution:
            found.append(text("HAS OBS CONTEXT", codes.PERSON_ORGANISATION, equipment.institution))
    found.append(code("HAS OBS CONTEXT", codes.OBSERVER_TYPE, codes.DEVICE))
    found.append(uid("HAS OBS CONTEXT", codes.DEVICE_UID, derived_uid("device", equipment.serial)))
    found.append(text("HAS OBS CONTEXT", codes.DEVICE_NAME, equipment.station or equipment.model))
    found.append(text("HAS OBS CONTEXT", codes.DEVICE_MAKER, equipment.manufacturer))
    found.append(text("HAS OBS CONTEXT", codes.DEVICE_MODEL, equipment.model))
    found.append(text("HAS OBS CONTEXT", codes.DEVICE_SERIAL, equipment.serial))
    return found


def language() -> Dataset:
    """The document is in English."""
    return code("HAS CONCEPT MOD", codes.LANGUAGE, codes.ENGLISH_US)


def root(ds: Dataset, title: Code, template: str, *children: Dataset) -> None:
    """Make the object's own content the root of the tree."""
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Items([coded(title)])
    ds.ContentTemplateSequence = Items([_template(template)])
    ds.ContentSequence = Items(list(children))


def general(
    ds: Dataset,
    source: Dataset,
    *,
    at: datetime,
    status: str,
    author: Actor | None,
    signed_at: str,
    organisation: str,
    participants: Sequence[Actor],
    references: Sequence[Reference],
    predecessor: Reference | None,
) -> None:
    """SR Document Series and General modules (PS3.3 C.17.1, C.17.2): state, persons, evidence, predecessor.

    A draft is PARTIAL, UNVERIFIED, PRELIMINARY and names no verifying person, whoever wrote it; what a physician
    has signed is COMPLETE, VERIFIED, FINAL. A resident's preliminary report is complete but not verified.
    """
    final = status in ("final", "addendum", "retracted") and author is not None
    ds.ReferencedPerformedProcedureStepSequence = Items([])
    ds.PerformedProcedureCodeSequence = Items([])
    ds.ContentDate, ds.ContentTime = date_text(at), time_text(at)
    ds.PreliminaryFlag = "FINAL" if final else "PRELIMINARY"
    ds.CompletionFlag = "COMPLETE" if final or status == "preliminary" else "PARTIAL"
    ds.VerificationFlag = "VERIFIED" if final else "UNVERIFIED"
    house = clipped(organisation, 64) or "Unknown"
    if author is not None:
        if final:
            verifying = Dataset()
            verifying.VerifyingObserverName = person_name(author.name)
            verifying.VerifyingObserverIdentificationCodeSequence = Items([])
            verifying.VerifyingOrganization = house
            verifying.VerificationDateTime = datetime_text(moment(signed_at, at))
            ds.VerifyingObserverSequence = Items([verifying])
        ds.AuthorObserverSequence = Items([_person(author, house)])
    if participants:
        items = []
        for actor in participants:
            item = _person(actor, house)
            item.ParticipationType = "ENT"  # who entered the document's data
            item.ParticipationDateTime = datetime_text(at)
            items.append(item)
        ds.ParticipantSequence = Items(items)
    if predecessor is not None:
        earlier = Dataset()
        earlier.StudyInstanceUID = predecessor.study_uid or ds.StudyInstanceUID
        series = Dataset()
        series.SeriesInstanceUID = predecessor.series_uid
        series.ReferencedSOPSequence = Items([instance(predecessor.sop_class, predecessor.sop_uid)])
        earlier.ReferencedSeriesSequence = Items([series])
        ds.PredecessorDocumentsSequence = Items([earlier])
    if ds.get("AccessionNumber"):
        ds.ReferencedRequestSequence = Items([_request(ds, source)])
    evidence(ds, references)


def _person(actor: Actor, organisation: str) -> Dataset:
    item = Dataset()
    item.ObserverType = "PSN"
    item.PersonName = person_name(actor.name)
    item.PersonIdentificationCodeSequence = Items([])
    item.InstitutionName = organisation
    item.InstitutionCodeSequence = Items([])
    return item


def _request(ds: Dataset, source: Dataset) -> Dataset:
    item = Dataset()
    item.StudyInstanceUID = ds.StudyInstanceUID
    item.ReferencedStudySequence = Items([])
    item.add(ds["AccessionNumber"])
    item.PlacerOrderNumberImagingServiceRequest = ""
    item.FillerOrderNumberImagingServiceRequest = ""
    item.RequestedProcedureID = clipped(text_of(source, "RequestedProcedureID"), 16)
    item.RequestedProcedureDescription = clipped(text_of(source, "RequestedProcedureDescription"), 64)
    item.RequestedProcedureCodeSequence = Items([])
    return item
