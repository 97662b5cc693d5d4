"""The structured report as a value: one source for SR, PDF, text, HL7 and FHIR."""

from __future__ import annotations

from typing import Literal

import msgspec

from workstation.base.events import Actor
from workstation.case.model import Measurement, Patient


class KeyPicture(msgspec.Struct, frozen=True):
    """A released picture that the report shows."""

    sop_uid: str
    series_uid: str
    sop_class: str
    title: str
    technique: str


class Participation(msgspec.Struct, frozen=True):
    """One act of supervision: who, when, and whether it was witnessed by the program or attested."""

    act: Literal["region", "tissues", "pictures", "steering"]
    by: str
    at: str
    kind: Literal["witnessed", "attested", "absent"]
    words: str = ""


class ReportContent(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report says; sections are paragraphs of plain text.

    Technique, data, measurements, comparison and pictures are written from the journal;
    findings and impression are the physician's words.
    """

    patient: Patient
    study_uid: str
    study_date: str | None
    accession: str
    modality: str
    study_description: str
    institution: str = ""
    ordering_provider: str = ""
    indication: str = ""
    order: str = ""
    necessity: str = ""
    data_used: tuple[str, ...] = ()
    technique: tuple[str, ...] = ()
    supervision: tuple[Participation, ...] = ()
    prepared_by: tuple[str, ...] = ()
    comparison: str = ""
    findings_3d: tuple[str, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    limitations: tuple[str, ...] = ()
    impression: tuple[str, ...] = ()
    recommendation: tuple[str, ...] = ()
    communication: str = ""
    pictures: tuple[KeyPicture, ...] = ()
    pictures_archived: int = 0
    workstation: str = ""
    software: str = ""
    status: Literal["draft", "preliminary", "final", "addendum", "retracted"] = "draft"
    signed_by: Actor | None = None
    signed_at: str = ""
    predecessor: str = ""
    demo: bool = False
    series_used: tuple[tuple[str, str], ...] = ()
    """(series UID, SOP class) of the source series, with `source_uids` the instances."""
    source_uids: tuple[str, ...] = ()
    source_sop_class: str = ""
    frame_of_reference: str = ""
