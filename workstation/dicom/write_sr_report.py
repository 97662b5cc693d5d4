"""The report as Enhanced SR after TID 2000 (Basic Diagnostic Imaging Report)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from workstation.dicom import codes
from workstation.dicom.codes import Code
from workstation.dicom.sr_content import (
    code,
    container,
    document,
    general,
    image,
    language,
    number,
    observers,
    root,
    text,
)
from workstation.dicom.write_common import begin, local_time, moment
from workstation.dicom.written import ENHANCED_SR_CLASS, SERIES_NUMBER, Equipment, Reference

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.dicom.accepted import MeasurementLike, ReportLike

_ACTS = {"region": "Where", "tissues": "What", "pictures": "Which pictures", "steering": "Steering"}
_AMENDS = {
    "addendum": "ADDENDUM to the earlier report that this document names as its predecessor.",
    "retracted": "RETRACTED: the earlier report that this document names as its predecessor must not be used.",
}
DEMO_WORDS = "DEMO: made from synthetic or sample data by a demonstration; not of a patient."


def report_sr(
    content: ReportLike,
    source: Dataset,
    *,
    sop_uid: str,
    series_uid: str,
    equipment: Equipment,
    now: datetime,
    instance_number: int = 1,
    measurements: Reference | None = None,
    predecessor: Reference | None = None,
    participants: Sequence[Actor] = (),
    study: Mapping[str, str] | None = None,
) -> Dataset:
    """The whole report, a TEXT per paragraph, pictures by reference (TID 2000, PS3.16).

    Parameters
    ----------
    content : what the report says; its status sets the flags, its signer is author and verifying person
    measurements : the document that holds the numbers with their coordinates (TID 1500)
    predecessor : the document that this one replaces or amends
    participants : who prepared it
    """
    at = local_time(now, source)
    signed = moment(content.signed_at, at)
    ds = begin(
        source,
        sop_class=ENHANCED_SR_CLASS,
        sop_uid=sop_uid,
        series_uid=series_uid,
        series_number=SERIES_NUMBER["report"],
        instance_number=instance_number,
        modality="SR",
        description="3D report",
        equipment=equipment,
        now=now,
        study=study,
    )
    pictures = [Reference(p.sop_class, p.sop_uid, p.series_uid) for p in content.pictures]
    references = [*sources_of(content), *pictures, *([measurements] if measurements else [])]
    general(
        ds,
        source,
        at=signed,
        status=content.status,
        author=content.signed_by,
        signed_at=content.signed_at,
        organisation=equipment.institution,
        participants=participants,
        references=references,
        predecessor=predecessor,
    )
    children = [language(), *observers(content.signed_by, equipment)]
    procedure = codes.PROCEDURES_REPORTED.get(content.modality)
    if procedure is not None:
        children.append(code("HAS CONCEPT MOD", codes.PROCEDURE_REPORTED, procedure))
    children += _sections(content, measurements)
    root(ds, codes.REPORT_TITLE, "2000", *children)
    return ds


def sources_of(content: ReportLike) -> list[Reference]:
    """The source images, as far as the report knows which series they lie in."""
    if not content.series_used:
        return []
    series_uid, sop_class = content.series_used[0]
    return [Reference(content.source_sop_class or sop_class, u, series_uid) for u in content.source_uids if u]


def _sections(content: ReportLike, measurements: Reference | None) -> list[Dataset]:
    said: list[tuple[Code, list[Dataset]]] = []

    def section(title: Code, concept: Code, paragraphs: Sequence[str]) -> None:
        found = [text("CONTAINS", concept, p) for p in paragraphs if p.strip()]
        if found:
            said.append((title, found))

    if content.status in _AMENDS:
        section(codes.ADDENDUM, codes.COMMENT, [_AMENDS[content.status]])
    if content.demo:
        section(codes.COMMENT, codes.COMMENT, [DEMO_WORDS])
    order = ". ".join(p for p in (content.order, content.ordering_provider) if p)
    why = [content.indication, f"Necessity of 3D: {content.necessity}" if content.necessity else "", order]
    section(codes.INDICATIONS, codes.own("INDICATION", "Indication"), why)
    acts = [
        f"{_ACTS.get(a.act, a.act)}: {a.kind}"
        + (f", {a.by}, {a.at}" if a.by else "")
        + (f" ({a.words})" if a.words else "")
        for a in content.supervision
    ]
    prepared = [f"Prepared by {', '.join(content.prepared_by)}"] if content.prepared_by else []
    supervision = [f"Supervision. {line}" for line in acts]
    limits = [f"Limitation: {p}" for p in content.limitations]
    section(
        codes.PROCEDURES,
        codes.PROCEDURE_DESCRIPTION,
        [*content.data_used, *content.technique, *supervision, *prepared, *limits],
    )
    section(codes.PREVIOUS_FINDINGS, codes.FINDING, [content.comparison])
    found = [text("CONTAINS", codes.FINDING, p) for p in content.findings_3d if p.strip()]
    found += [_number(m) for m in content.measurements]
    if measurements is not None:
        found.append(document("CONTAINS", codes.MEASUREMENTS_TITLE, measurements))
    if found:
        said.append((codes.FINDINGS, found))
    section(codes.IMPRESSIONS, codes.IMPRESSION, content.impression)
    told = [f"Communication: {content.communication}"] if content.communication else []
    section(codes.RECOMMENDATIONS, codes.RECOMMENDATION, [*content.recommendation, *told])
    shown = [
        text(
            "CONTAINS",
            codes.CAPTION,
            ". ".join(part for part in (p.title, p.technique) if part) or "Picture",
            image("INFERRED FROM", None, Reference(p.sop_class, p.sop_uid, p.series_uid)),
        )
        for p in content.pictures
    ]
    if shown:
        shown.append(text("CONTAINS", codes.COMMENT, f"{content.pictures_archived} pictures are in the archive."))
        said.append((codes.KEY_IMAGES, shown))
    return [container("CONTAINS", title, *items) for title, items in said]


def _number(m: MeasurementLike) -> Dataset:
    """A measurement in the report: what it is in words, and the number beside them where there is one."""
    words = f"{m.name}: {m.measured.printed}. {m.measured.definition}".strip()
    if m.measured.value is None:
        return text("CONTAINS", codes.MEASUREMENT_TEXT, words)
    concept = codes.CONCEPTS.get(m.kind, codes.own(m.kind.upper()[:16] or "VALUE", m.kind or "value"))
    unit = codes.UNITS.get(m.measured.unit, codes.ONE)
    value = number("INFERRED FROM", concept, m.measured.value, unit)
    return text("CONTAINS", codes.MEASUREMENT_TEXT, words, value)
