"""The report as plain text: for dictation systems, HL7 and the clipboard. Every character is kept as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workstation.report.sentences import act_sentence, measurement_sentence, moment_words, patient_words, study_words

if TYPE_CHECKING:
    from workstation.report.model import ReportContent

CLEARANCE = "RenderDesk is not cleared as a medical device."
BANNERS = {
    "draft": "DRAFT, not signed",
    "preliminary": "PRELIMINARY, not the final report",
    "addendum": "ADDENDUM",
    "retracted": "RETRACTED, do not use",
    "final": "",
}
DEMO = "DEMO, not for patient care"


def banner(content: ReportContent) -> str:
    """What stands across the top of every page; empty for a signed final report outside of a demo."""
    return " · ".join(part for part in (DEMO if content.demo else "", BANNERS[content.status]) if part)


def sections(content: ReportContent) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The report's sections in order, those without text left out; measurements and pictures as sentences."""
    order = tuple(
        p for p in (content.order, content.ordering_provider and f"Ordered by {content.ordering_provider}") if p
    )
    communication = (content.communication,) if content.communication else ()
    archived = f"{content.pictures_archived} of {len(content.pictures)} released pictures are in the archive."
    pictures = tuple(f"{n}. {p.title or 'Picture'}: {p.technique}" for n, p in enumerate(content.pictures, 1))
    prepared = (f"Prepared by {', '.join(content.prepared_by)}.",) if content.prepared_by else ()
    for title, said in (
        ("Order", tuple(f"{p}." if not p.endswith(".") else p for p in order)),
        ("Indication", (content.indication,)),
        ("Necessity of 3D", (content.necessity,)),
        ("Data used", content.data_used),
        ("Technique", content.technique),
        ("Supervision", (*(act_sentence(a) for a in content.supervision), *prepared)),
        ("Comparison", (content.comparison,)),
        ("3D findings", content.findings_3d),
        ("Measurements", tuple(measurement_sentence(m) for m in content.measurements)),
        ("Limitations", content.limitations),
        ("Impression", content.impression),
        ("Recommendation", content.recommendation),
        ("Communication", communication),
        ("Pictures", (*pictures, archived) if pictures else ()),
    ):
        kept = tuple(p for p in said if p.strip())
        if kept:
            yield title, kept


def signature(content: ReportContent) -> str:
    """Who signed and when, or that nobody has."""
    if content.signed_by is None or content.status == "draft":
        return "Not signed."
    role = content.signed_by.role
    return f"Signed by {content.signed_by.name} ({role}), {moment_words(content.signed_at)}."


def plain_text(content: ReportContent) -> str:
    """The whole report as text, a heading in capitals over each section."""
    head = [part for part in (banner(content), content.institution, patient_words(content.patient)) if part]
    study = ", ".join(
        p for p in (study_words(content.modality, content.study_description), content.study_date or "") if p
    )
    head += [part for part in (study, f"Accession {content.accession}" if content.accession else "") if part]
    blocks = ["\n".join(head)]
    blocks += ["\n".join((title.upper(), *said)) for title, said in sections(content)]
    if content.predecessor:
        blocks.append(f"Amends the report {content.predecessor}.")
    blocks.append("\n".join((signature(content), CLEARANCE)))
    return "\n\n".join(blocks) + "\n"
