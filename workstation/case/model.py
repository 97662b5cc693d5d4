"""The case: everything that people have made of one study. Immutable; an edit gives the next one."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from render.view import Mark, Vector, View
from workstation.base.events import Actor, CaseKey

Validity = Literal["valid", "marked", "refused"]


class Measured(msgspec.Struct, frozen=True):
    """A number that cannot lose its unit: never a bare float.

    `value` is None when refused. `uncertainty` is expanded (k = 2), in the same unit, from resolution only.
    `printed` is the text with the unit, by the printing rules (length 1 decimal, half away from zero).
    """

    kind: str
    value: float | None
    unit: str
    printed: str
    definition: str
    uncertainty: float | None = None
    validity: Validity = "valid"
    reasons: tuple[str, ...] = ()
    extra: dict[str, float] = msgspec.field(default_factory=dict)


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement with the recipe that replays it. Proposed (dashed) until a person accepts it."""

    id: str
    tracking_uid: str
    kind: str
    name: str
    points_lps_mm: tuple[Vector, ...]
    plane_normal_lps: Vector | None = None
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    series_uid: str = ""
    volume: str = ""
    source_uid: str = ""
    measured: Measured
    accepted: bool = False
    stale: bool = False
    side: Literal["", "left", "right", "midline"] = ""
    made_by: str = ""
    made_at: str = ""

    def mark(self) -> Mark:
        """What is drawn into pictures."""
        return Mark(
            kind=self.kind,
            points_lps_mm=self.points_lps_mm,
            text=f"{self.name} {self.measured.printed}".strip(),
            accepted=self.accepted and not self.stale,
        )


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture for the record: a draft until a physician releases it; released ones never change.

    A released one that a physician withdrew stays in the archive with a note that rejects it, and counts no longer.
    """

    sop_uid: str
    series_uid: str
    title: str
    view: View
    renderer: str
    state: Literal["draft", "released", "discarded", "withdrawn"] = "draft"
    made_by: Actor
    made_at: str
    released_by: Actor | None = None
    released_at: str = ""
    archived: bool = False
    removals: tuple[str, ...] = ()
    source_uids: tuple[str, ...] = ()
    letters: tuple[str, str, str, str] = ("", "", "", "")
    picture: str = ""
    """Name of the PNG of a draft, relative to the case's folder (never a patient's name)."""


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """A base study of the order, as far as it is known."""

    code: str | None = None
    modality: str | None = None
    accession: str | None = None
    date: str | None = None
    source: bool | None = None
    angiographic: bool | None = None
    performed_by: Literal["same", "other"] | None = None
    includes_3d: bool | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The order for the 3D work; `source` says where each value comes from (typed, tags, worklist, order.json)."""

    accession: str = ""
    order_id: str = ""
    three_d_ordered: bool | None = None
    reason: str = ""
    indication: str = ""
    ordering_npi: str = ""
    ordering_name: str = ""
    side: Literal["left", "right", "bilateral", "not_applicable"] | None = None
    urgent_exception_documented: bool | None = None
    base: tuple[Base, ...] = ()
    dx: tuple[tuple[str, str], ...] = ()
    dx_confirmed: bool | None = None
    purpose: str | None = None
    visit_number: str = ""
    source: str = "typed"


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """Identity as the displayed volume's own files state it."""

    key: str
    id: str = ""
    issuer: str = ""
    name: str = ""
    birth_date: str | None = None
    sex: str | None = None
    name_ideographic: str = ""

    def __repr__(self) -> str:
        return f"Patient({self.key[:8]})"


class ReportText(msgspec.Struct, frozen=True, kw_only=True):
    """What a physician writes; findings and impression are never prefilled."""

    indication: str = ""
    comparison: str = ""
    technique: str = ""
    findings_3d: str = ""
    impression: str = ""
    recommendation: str = ""
    limitations: str = ""
    necessity: str = ""
    communication: str = ""
    side: Literal["left", "right", "bilateral", "not_applicable"] | None = None
    supervision_attested: bool = False


class SignedReport(msgspec.Struct, frozen=True, kw_only=True):
    """A signed report: immutable, by digest; an addendum or retraction is a new thing that names it."""

    sop_uid: str
    measurements_sop_uid: str
    pdf_sop_uid: str = ""
    status: Literal["preliminary", "final", "addendum", "retracted"]
    signed_by: Actor
    signed_at: str
    digest: str
    predecessor: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that people have made of one study."""

    key: CaseKey
    patient: Patient
    study_date: str | None = None
    study_description: str = ""
    accession: str = ""
    modality: str = ""
    protocol: str = "generic"
    order: Order | None = None
    views: dict[str, View] = msgspec.field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    captures: tuple[Capture, ...] = ()
    text: ReportText = ReportText()
    signed_text: ReportText | None = None
    """The text as it stood at the last signature; what differs from it is not signed."""
    reports: tuple[SignedReport, ...] = ()
    anatomy: str | None = None
    target: str | None = None
    side_confirmed_by: Actor | None = None
    identity_confirmed_by: Actor | None = None
    given: dict[str, Any] = msgspec.field(default_factory=dict)
    """Billing facts that only people know, by their path ("payer.kind": "medicare")."""
    charge: str = ""
    findings: tuple[str, ...] = ()
    demo: bool = False


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(Case)
