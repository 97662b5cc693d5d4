"""The report from case and journal: what writes itself is written here, what is the physician's stays word for word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from workstation.base.events import Actor, Entry
from workstation.case.model import Capture, Case
from workstation.case.supervision import ACTS, is_3d, supervision_of, technique_of
from workstation.report.model import KeyPicture, Participation, ReportContent
from workstation.report.sentences import (
    base_sentences,
    confirmations,
    order_sentence,
    paragraphs,
    provider_words,
    sides_in_capitals,
    technique_words,
)

SC_CLASS = "1.2.840.10008.5.1.4.1.1.7"
Status = Literal["draft", "preliminary", "final", "addendum", "retracted"]
_PREPARING = {"picture_drafted", "measurement_proposed", "region_set", "tissues_set", "view_steered"}


class DataFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the report says of the volume that was used; lengths in mm, `spacing_mm` (slices, rows, columns)."""

    series_uid: str
    series_number: int | None = None
    series_description: str = ""
    modality: str = ""
    sop_class: str = ""
    slices: int = 0
    spacing_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    thickness_mm: float | None = None
    kernel: str = ""
    phase: str = ""
    frame_of_reference: str = ""
    source_uids: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


def compose(
    case: Case,
    entries: Sequence[Entry],
    *,
    facts: DataFacts,
    institution: str = "",
    station: str = "",
    software: str = "",
    status: Status = "draft",
    signed_by: Actor | None = None,
    signed_at: str = "",
    predecessor: str = "",
) -> ReportContent:
    """Put the report together.

    Parameters
    ----------
    entries : the case's journal lines in order; scripted ones count in a DEMO case alone
    facts : the volume that was used
    """
    counting = [e for e in entries if case.demo or not e.event.scripted]
    text, order = case.text, case.order
    released = [c for c in case.captures if c.state == "released"]
    return ReportContent(
        patient=case.patient,
        study_uid=case.key.study_uid,
        study_date=case.study_date,
        accession=(order.accession if order is not None else "") or case.accession,
        modality=case.modality or facts.modality,
        study_description=case.study_description,
        institution=institution,
        ordering_provider=provider_words(order),
        indication=sides_in_capitals(text.indication or (order.indication if order is not None else "")),
        order=order_sentence(order),
        necessity=sides_in_capitals(text.necessity or (order.reason if order is not None else "")),
        data_used=(*data_sentences(facts), *base_sentences(order), *confirmations(case)),
        technique=(
            *technique_sentences(released, station, software),
            *map(sides_in_capitals, paragraphs(text.technique)),
        ),
        supervision=participations(counting),
        prepared_by=prepared_by(counting, signed_by),
        comparison=sides_in_capitals(text.comparison.strip()) or "None available.",
        findings_3d=tuple(map(sides_in_capitals, paragraphs(text.findings_3d))),
        measurements=tuple(m for m in case.measurements if m.accepted and not m.stale and m.measured.value is not None),
        limitations=tuple(map(sides_in_capitals, paragraphs(text.limitations))),
        impression=tuple(map(sides_in_capitals, paragraphs(text.impression))),
        recommendation=tuple(map(sides_in_capitals, paragraphs(text.recommendation))),
        communication=text.communication.strip(),
        pictures=tuple(
            KeyPicture(c.sop_uid, c.series_uid, SC_CLASS, sides_in_capitals(c.title), picture_words(c))
            for c in released
        ),
        pictures_archived=len(_archived(released, counting)),
        workstation=station,
        software=software,
        status=status,
        signed_by=signed_by,
        signed_at=signed_at,
        predecessor=predecessor,
        demo=case.demo,
        series_used=((facts.series_uid, facts.sop_class),) if facts.series_uid else (),
        source_uids=tuple(u for u in facts.source_uids if u),
        source_sop_class=facts.sop_class,
        frame_of_reference=facts.frame_of_reference,
    )


def data_sentences(facts: DataFacts) -> list[str]:
    """Series, slices, pixels, spacing, kernel, phase; then what was found wrong with them."""
    number = "" if facts.series_number is None else f" {facts.series_number}"
    name = f" ({facts.series_description})" if facts.series_description else ""
    dz, dy, dx = facts.spacing_mm
    parts = [f"{facts.slices} slices every {dz:.2f} mm, pixels of {dx:.2f} x {dy:.2f} mm"]
    if facts.thickness_mm:
        parts.append(f"{facts.thickness_mm:g} mm thick")
    if facts.kernel:
        parts.append(f"kernel {facts.kernel}")
    if facts.phase:
        parts.append(f"phase {facts.phase}")
    modality = f", {facts.modality}" if facts.modality else ""
    return [f"Series{number}{name}{modality}: {', '.join(parts)}.", *facts.findings]


def picture_words(capture: Capture) -> str:
    """How a picture was made, with what was taken away."""
    removed = f"; {', '.join(capture.removals)}" if capture.removals else ""
    return technique_words(capture.view) + removed


def technique_sentences(released: Sequence[Capture], station: str, software: str) -> list[str]:
    """Where it was made and how, from released pictures alone: what was only on screen is no technique."""
    where = ", ".join(p for p in (software, f"station {station}" if station else "") if p)
    found = [f"3D postprocessing on an independent workstation ({where})." if where else ""]
    if not released:
        return []
    ways = dict.fromkeys(technique_words(c.view) for c in released)
    if any(is_3d(technique_of(c.view)) for c in released):
        found.append(f"{'; '.join(ways)}.")
    else:
        # a reformat in planes is not called 3D
        found[0] = f"Reformatted on an independent workstation ({where})." if where else ""
        found.append(f"{'; '.join(ways)}. No 3D rendering.")
    removals = dict.fromkeys(r for c in released for r in c.removals)
    if removals:
        found.append(f"Removed from pictures: {', '.join(removals)}.")
    return [p for p in found if p]


def participations(entries: Sequence[Entry]) -> tuple[Participation, ...]:
    """The four acts as the journal proves them; a denied one is absent, and says so."""
    acts = supervision_of(entries).acts
    found = []
    for name in ACTS:
        state = acts[name]
        if state.kind in ("witnessed", "attested"):
            kind: Literal["witnessed", "attested"] = "witnessed" if state.kind == "witnessed" else "attested"
            found.append(Participation(name, state.by, state.at, kind, state.words))
        else:
            found.append(Participation(name, "", "", "absent", state.words))
    return tuple(found)


def prepared_by(entries: Sequence[Entry], signed_by: Actor | None) -> tuple[str, ...]:
    """Who made pictures and measurements, besides the one who signs."""
    people: dict[str, str] = {}
    for entry in entries:
        actor = entry.event.actor
        if (
            actor is not None
            and entry.event.kind in _PREPARING
            and (signed_by is None or actor.account != signed_by.account)
        ):
            people.setdefault(actor.account, f"{actor.name} ({actor.role})")
    return tuple(people.values())


def _archived(released: Sequence[Capture], entries: Sequence[Entry]) -> set[str]:
    """Released pictures that the archive has acknowledged."""
    acknowledged = {
        str(e.event.payload.get("sop_uid", ""))
        for e in entries
        if e.event.kind == "picture_archived" and e.event.payload.get("acknowledged") is True
    }
    return {c.sop_uid for c in released if c.archived or c.sop_uid in acknowledged}
