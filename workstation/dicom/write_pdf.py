"""The report as Encapsulated PDF (PS3.3 A.45.1): for archives and readers that know no structured report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from workstation.base.errors import RenderDeskError
from workstation.dicom import codes
from workstation.dicom.write_common import begin, coded, date_text, instance, local_time, put, time_text
from workstation.dicom.written import PDF_CLASS, SERIES_NUMBER, Equipment, Reference


def encapsulated_pdf(
    pdf: bytes,
    source: Dataset,
    *,
    sop_uid: str,
    series_uid: str,
    equipment: Equipment,
    now: datetime,
    title: str,
    status: str,
    references: Sequence[Reference] = (),
    instance_number: int = 1,
    study: Mapping[str, str] | None = None,
) -> Dataset:
    """A PDF in a DICOM envelope, with its true length and the instances that it was made from.

    Parameters
    ----------
    pdf : a complete PDF file
    title : of the document, for example "3D report"
    status : of the report; what a physician signed as final, addendum or retraction is VERIFIED

    Raises
    ------
    RenderDeskError
        The bytes are no PDF.
    """
    if not pdf.startswith(b"%PDF-"):
        raise RenderDeskError("not_pdf", "The report could not be written as PDF.")
    at = local_time(now, source)
    ds = begin(
        source,
        sop_class=PDF_CLASS,
        sop_uid=sop_uid,
        series_uid=series_uid,
        series_number=SERIES_NUMBER["pdf"],
        instance_number=instance_number,
        modality="DOC",
        description=title,
        equipment=equipment,
        now=now,
        study=study,
    )
    ds.ConversionType = "WSD"
    ds.ContentDate, ds.ContentTime = date_text(at), time_text(at)
    ds.AcquisitionDateTime = ""
    ds.BurnedInAnnotation = "YES"
    ds.RecognizableVisualFeatures = "NO"
    ds.VerificationFlag = "VERIFIED" if status in ("final", "addendum", "retracted") else "UNVERIFIED"
    put(ds, "DocumentTitle", title)
    ds.ConceptNameCodeSequence = Items([coded(codes.REPORT_TITLE)])
    if references:
        ds.SourceInstanceSequence = Items([instance(r.sop_class, r.sop_uid) for r in references])
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocumentLength = len(pdf)
    ds.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return ds


def pdf_of(ds: Dataset) -> bytes:
    """The PDF out of its envelope, without the byte that only makes its length even."""
    raw = bytes(ds.EncapsulatedDocument)
    length = ds.get("EncapsulatedDocumentLength")
    return raw[: int(length)] if length else raw
