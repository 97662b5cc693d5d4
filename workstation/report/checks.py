"""What a report must say before it is signed, and whether it all speaks of one side (clinical rules 6.1, 6.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from workstation.case.model import Case
from workstation.case.supervision import is_3d, technique_of
from workstation.report.model import ReportContent
from workstation.report.sentences import sides_named

Step = Literal["order", "pictures", "measurements", "text", "supervision", "identity", "side", "sign"]


class Check(msgspec.Struct, frozen=True):
    """One thing that blocks the signature or should be looked at, and the step at which it can be mended.

    A blocking disagreement of sides (code begins with "side") may be overridden with a reason, except
    `side_measurement`: there the text must be edited.
    """

    code: str
    severity: Literal["block", "warn"]
    sentence: str
    step: Step


def checks(content: ReportContent, case: Case) -> tuple[Check, ...]:
    """All checks, the blocking ones first."""
    found = [
        *_identity(content, case),
        *_order(content, case),
        *_pictures(content, case),
        *_measurements(content, case),
        *_supervision(content),
        *_text(content),
        *_sides(content, case),
        *_patient_fits(content),
    ]
    return tuple(sorted(found, key=lambda c: c.severity != "block"))


def _block(code: str, sentence: str, step: Step) -> Check:
    return Check(code, "block", sentence, step)


def _warn(code: str, sentence: str, step: Step) -> Check:
    return Check(code, "warn", sentence, step)


def _identity(content: ReportContent, case: Case) -> Iterator[Check]:
    p = content.patient
    missing = [
        word
        for word, value in (("name", p.name), ("ID", p.id), ("birth date", p.birth_date), ("sex", p.sex))
        if not value
    ]
    if missing and case.identity_confirmed_by is None:
        words = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
        yield _block("identity", f"The images do not state the patient's {words}; confirm the identity.", "identity")
    if "position_doubtful" in case.findings and case.side_confirmed_by is None:
        yield _block("position", "The sides of the images are doubtful; confirm them or reject the series.", "side")


def _order(content: ReportContent, case: Case) -> Iterator[Check]:
    order = case.order
    if order is None:
        yield _block("order", "There is no order; enter it.", "order")
    if not content.accession:
        yield _block("accession", "The order's accession number is missing.", "order")
    if not content.ordering_provider:
        yield _block("provider", "The ordering provider is missing.", "order")
    if not content.indication.strip():
        yield _block("indication", "The indication is missing.", "text")
    ordered = order is not None and order.three_d_ordered is True
    if not ordered and not case.text.necessity.strip():
        yield _block("necessity", "3D was not ordered; write why it was necessary.", "text")
    elif not content.necessity.strip():
        yield _warn("reason", "The reason for 3D is not stated.", "text")
    if order is not None and not order.base:
        yield _block("base", "The base study is not named.", "order")
    if not content.data_used:
        yield _block("data", "The report does not say which images were used.", "pictures")


def _pictures(content: ReportContent, case: Case) -> Iterator[Check]:
    released = [c for c in case.captures if c.state == "released"]
    if not released:
        yield _block("pictures", "No picture is released; the record needs at least one.", "pictures")
        return
    if not content.technique or not content.software:
        yield _block("technique", "The report does not say where and how the pictures were made.", "pictures")
    if not any(is_3d(technique_of(c.view)) for c in released):
        yield _warn("no_3d", "No released picture is a 3D rendering; planes alone are not called 3D.", "pictures")
    away = len(released) - content.pictures_archived
    if away > 0:
        yield _warn("archive", f"{_some(away, 'picture is', 'pictures are')} not yet in the archive.", "pictures")
    drafts = sum(1 for c in case.captures if c.state == "draft")
    if drafts:
        yield _warn("drafts", f"{_some(drafts, 'draft is', 'drafts are')} neither released nor discarded.", "pictures")
    whole = any(not c.removals for c in released)
    if any(c.removals for c in released) and not whole:
        yield _block(
            "removal_without_reference",
            "Something was removed from every released picture; release one without removal, or a plane.",
            "pictures",
        )


def _some(n: int, one: str, many: str) -> str:
    return f"One {one}" if n == 1 else f"{n} {many}"


def _measurements(content: ReportContent, case: Case) -> Iterator[Check]:
    waiting = sum(1 for m in case.measurements if not m.accepted and m.measured.value is not None)
    if waiting:
        yield _warn(
            "proposals",
            f"{_some(waiting, 'measurement is', 'measurements are')} not accepted and will not be in the report.",
            "measurements",
        )
    stale = sum(1 for m in case.measurements if m.accepted and m.stale)
    if stale:
        yield _warn(
            "stale",
            f"{_some(stale, 'measurement belongs', 'measurements belong')} to changed input; accept them again.",
            "measurements",
        )
    for m in content.measurements:
        if not m.measured.definition:
            yield _block("definition", f"“{m.name}” does not say what was measured.", "measurements")


def _supervision(content: ReportContent) -> Iterator[Check]:
    words = {"region": "where", "tissues": "what", "pictures": "which pictures", "steering": "steering"}
    absent = [words[a.act] for a in content.supervision if a.kind == "absent"]
    if not content.supervision or len(absent) == len(content.supervision):
        yield _block("supervision", "No physician's part in the 3D work is documented.", "supervision")
    elif absent:
        yield _warn("supervision_part", f"Supervision is not documented for: {', '.join(absent)}.", "supervision")


def _text(content: ReportContent) -> Iterator[Check]:
    if not any(p.strip() for p in content.findings_3d):
        yield _block("findings", "The 3D findings are missing; they need their own words.", "text")
    if not any(p.strip() for p in content.impression):
        yield _block("impression", "The impression is missing.", "text")
    if not content.comparison.strip():
        yield _block("comparison", "Say what it was compared with, or that nothing is available.", "text")
    if not any(p.strip() for p in content.limitations):
        yield _warn("limitations", "No limitation is stated.", "text")


def _sides(content: ReportContent, case: Case) -> Iterator[Check]:
    """Sides of order, text, measurements and picture labels must agree."""
    order, said = case.order.side if case.order is not None else None, case.text.side
    if order in ("left", "right", "bilateral") and said in ("left", "right", "bilateral") and order != said:
        yield _block("side_order", f"The order says {order.upper()}, the report {said.upper()}.", "text")
    meant = said or order
    sections = {
        "indication": content.indication,
        "findings": " ".join(content.findings_3d),
        "impression": " ".join(content.impression),
        "recommendation": " ".join(content.recommendation),
    }
    if meant in ("left", "right"):
        for name, words in sections.items():
            found = sides_named(words)
            if found and meant not in found:
                other = next(iter(found)).upper()
                who = "report" if said else "order"
                yield _block(
                    f"side_{name}", f"The {who} is of the {meant.upper()} side, its {name} names {other} alone.", "text"
                )
        for picture in content.pictures:
            found = sides_named(picture.title)
            if found and meant not in found:
                yield _block(
                    "side_picture",
                    f"The picture “{picture.title}” names another side than {meant.upper()}.",
                    "pictures",
                )
        for diagnosis in case.order.dx if case.order is not None else ():
            found = sides_named(diagnosis[1])
            if found and meant not in found:
                yield _block("side_diagnosis", f"A diagnosis names another side than {meant.upper()}.", "order")
    one, other_section = sides_named(sections["findings"]), sides_named(sections["impression"])
    if len(one) == 1 and len(other_section) == 1 and one != other_section:
        a, b = next(iter(one)).upper(), next(iter(other_section)).upper()
        yield _block("side_text", f"The findings name {a} alone, the impression {b} alone.", "text")
    for m in content.measurements:
        named = sides_named(m.name)
        if m.side in ("left", "right") and named and m.side not in named:
            yield _block(
                "side_measurement",
                f"“{m.name}” lies on the {m.side.upper()} side of the patient; its name must say so.",
                "measurements",
            )


_ORGANS = (
    ("M", r"\b(uterus|uterine|ovary|ovaries|ovarian|cervix uteri)\b"),
    ("F", r"\b(prostate|prostatic|testis|testes|scrotum)\b"),
)
_MODALITIES = (("CT", r"\b(MRI|MRA|T1-weighted|T2-weighted)\b"), ("MR", r"\b(CT|CTA|Hounsfield|HU)\b"))


def _patient_fits(content: ReportContent) -> Iterator[Check]:
    """Words that do not fit the patient's sex or the modality; a comparison may well name another modality."""
    words = " ".join((*content.findings_3d, *content.impression))
    for sex, organs in _ORGANS:
        found = re.search(organs, words, re.IGNORECASE)
        if content.patient.sex == sex and found:
            yield _warn("sex", f"The text names “{found.group(0)}”; the patient's sex is {sex}.", "text")
    for modality, others in _MODALITIES:
        found = re.search(others, words)
        if content.modality == modality and found:
            yield _warn("modality", f"The text names “{found.group(0)}”; the images are {modality}.", "text")
