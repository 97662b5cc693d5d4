"""From the journal to billing facts: a pure fold, and each fact names the lines that prove it.

What the journal can know comes from it alone and cannot be typed in; what only people know (payer, place of
service, ownership) is given. The field names are those of the facts format (`renderdesk charge`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from workstation.base.events import Entry
from workstation.case.model import Case
from workstation.case.supervision import ACTS, ActState, Supervision, is_3d, supervision_of, technique_of, view_of

WORKSTATION_KIND = "dedicated"
"""RenderDesk runs on a computer of its own, apart from the scanner's console."""

_ACT_FIELDS = {
    "region": "region_designed",
    "tissues": "tissue_selected",
    "pictures": "images_selected",
    "steering": "product_monitored",
}
_WORK = frozenset(
    {
        "region_set", "tissues_set", "view_steered", "picture_drafted", "picture_discarded",
        "measurement_proposed", "measurement_accepted",
    }
)  # fmt: skip
_BY_EVIDENCE = frozenset(
    {
        "schema", "facts_id", "as_of", "patient", "base", "dx", "ledger", "service.date", "rendering.techniques",
        "rendering.target", "rendering.anatomy", "workstation.kind", "workstation.id", "supervision.physician_npi",
        "supervision.region_designed", "supervision.tissue_selected", "supervision.images_selected",
        "supervision.product_monitored", "supervision.concurrent", "supervision.basis", "images.archived",
        "images.acknowledged", "report.status", "report.signed_by_npi", "report.three_d_findings",
        "report.technique_stated", "report.supervision_stated", "report.workstation_stated",
        "report.necessity_stated", "laterality.report", "laterality.order", "order.three_d_ordered",
        "order.ordering_npi", "order.urgent_exception_documented", "order.order_id",
    }
)  # fmt: skip
_RELEASING = frozenset({"radiologist", "resident"})
_GROUPS = frozenset({"payer", "service", "claim", "providers", "distinct", "abn", "report", "reference"})
_WHOLE = frozenset({"other_codes", "dx_confirmed"})


_MODALITIES = frozenset({"CT", "MR", "US", "TOMO", "XR", "MG", "NM", "PT", "XA", "OT"})
_RADIOGRAPHS = frozenset({"CR", "DX", "RG"})


def _modality(stated: str | None) -> str | None:
    """The word of the facts format for a modality of an order: a radiograph is XR, what the format lacks is OT."""
    word = (stated or "").strip().upper()
    if not word:
        return None
    return "XR" if word in _RADIOGRAPHS else word if word in _MODALITIES else "OT"


def may_be_given(path: str) -> bool:
    """Whether a person may state this fact; what the journal or the order holds may not be typed over it.

    A group is stated field by field, or a whole one would carry in what may not be typed. Of the official tables only
    a looked-up pair may be stated: which codes exist and how many units a day has is not a fact of a case.
    """
    group, dot, name = path.partition(".")
    if not dot:
        return group in _WHOLE
    if "." in name or (group == "reference" and name != "ptp"):
        return False
    return path not in _BY_EVIDENCE and group in _GROUPS


@dataclass(frozen=True)
class Evidence:
    """Facts in the billing format, and for each path the journal's lines behind it."""

    facts: dict[str, Any]
    lines: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pictures:
    """Released pictures as the journal tells them: technique and line of each, and which ones the archive holds."""

    techniques: dict[str, tuple[str | None, tuple[int, ...]]]
    acknowledged: dict[str, int]

    @property
    def three_d(self) -> dict[str, tuple[int, ...]]:
        """Released 3D pictures: SOP instance UID -> lines."""
        return {uid: lines for uid, (word, lines) in self.techniques.items() if is_3d(word)}


def evidence_lines(entries: Sequence[Entry], *, demo: bool) -> tuple[Entry, ...]:
    """The lines that count, in the journal's order: scripted acts in a DEMO home alone, nothing from before a deletion.

    With a deleted study its pictures and reports went; what is imported again later begins anew.
    """
    deleted = max((e.number for e in entries if e.event.kind == "study_deleted"), default=0)
    found = {e.number: e for e in entries if e.number > deleted and (demo or not e.event.scripted)}
    return tuple(found[number] for number in sorted(found))


def pictures_of(entries: Sequence[Entry]) -> Pictures:
    """Fold drafts, releases and the archive's acknowledgements.

    A draft is what it was first said to be; only who may release (clinical rules 7.3) releases it, once it was drafted;
    the archive's last word on it counts, and none from before its release.
    """
    drafted: dict[str, tuple[str | None, int]] = {}
    released: dict[str, tuple[str | None, tuple[int, ...]]] = {}
    acknowledged: dict[str, int] = {}
    for entry in entries:
        payload = entry.event.payload
        uid = str(payload.get("sop_uid", ""))
        role = entry.event.actor.role if entry.event.actor else ""
        if entry.event.kind == "picture_drafted":
            view = view_of(payload.get("view"))
            drafted.setdefault(uid, (technique_of(view) if view else None, entry.number))
        elif entry.event.kind == "picture_released" and uid in drafted and role in _RELEASING:
            word, number = drafted[uid]
            released.setdefault(uid, (word, (number, entry.number)))
        elif entry.event.kind == "picture_withdrawn" and role in _RELEASING:
            released.pop(uid, None)
            drafted.pop(uid, None)
        elif entry.event.kind == "picture_archived" and uid in released:
            if payload.get("acknowledged") is True:
                acknowledged[uid] = entry.number
            else:
                acknowledged.pop(uid, None)
    return Pictures(released, acknowledged)


def facts_of(
    case: Case,
    entries: Sequence[Entry],
    *,
    station: str,
    local_date: Callable[[str], str],
    ledger: Sequence[Mapping[str, Any]] | None = None,
) -> Evidence:
    """Billing facts of a case.

    Parameters
    ----------
    case : the case; of it only what people entered (order, anatomy, given facts) is used
    entries : the case's journal lines that count, in order (`evidence_lines`)
    station : id of this workstation
    local_date : the site's date of a UTC moment
    ledger : active and past charges of the day, in the facts format
    """
    entries = tuple(e for e in entries if e.event.case is not None and e.event.case.study_uid == case.key.study_uid)
    supervision = supervision_of(entries)
    pictures = pictures_of(entries)
    facts: dict[str, Any] = {"schema": "renderdesk.facts/1", "facts_id": case.key.study_uid}
    lines: dict[str, tuple[int, ...]] = {}
    for path, value in sorted(case.given.items()):
        if may_be_given(path):
            _put(facts, path, value)
    _from_order(facts, case)
    _from_pictures(facts, lines, pictures)
    _from_anatomy(facts, entries)
    _from_supervision(facts, lines, supervision, local_date)
    _from_report(facts, lines, entries)
    # a resident's own lines outweigh a typed "no resident took part"
    resident = [e for e in entries if e.event.actor and e.event.actor.role == "resident" and e.event.kind in _WORK]
    if resident:
        _put(facts, "providers.resident_involved", True)
        lines["providers.resident_involved"] = tuple(e.number for e in resident)
    facts["patient"] = {
        "id": case.patient.id or None,
        "issuer": case.patient.issuer or None,
        "birth_date": case.patient.birth_date,
        "sex": case.patient.sex if case.patient.sex in ("M", "F", "O") else None,
    }
    # the program runs on an independent workstation; it says so only once it has made a picture for the record
    if pictures.techniques:
        _put(facts, "workstation.kind", WORKSTATION_KIND)
        _put(facts, "workstation.id", station)
        lines["workstation.kind"] = lines["workstation.id"] = lines["rendering.techniques"]
    service = facts.setdefault("service", {})
    signed = facts["report"]["status"] in ("final", "addendum")
    if signed and pictures.three_d and "completion" not in service:
        service["completion"] = "complete"
        lines["service.completion"] = lines["report.status"]
    if ledger is not None:
        facts["ledger"] = [dict(row) for row in ledger]
    return Evidence(facts, lines)


def _put(facts: dict[str, Any], path: str, value: Any) -> None:
    *groups, last = path.split(".")
    place = facts
    for group in groups:
        place = place.setdefault(group, {})
    place[last] = value


def _from_order(facts: dict[str, Any], case: Case) -> None:
    order = case.order
    if order is None:
        return
    _put(facts, "order.three_d_ordered", order.three_d_ordered)
    _put(facts, "order.ordering_npi", order.ordering_npi or None)
    _put(facts, "order.order_id", order.order_id or None)
    _put(facts, "order.urgent_exception_documented", order.urgent_exception_documented)
    if order.purpose and "purpose" not in facts.get("service", {}):
        _put(facts, "service.purpose", order.purpose)
    if order.base:
        facts["base"] = [{**msgspec.to_builtins(b), "modality": _modality(b.modality)} for b in order.base]
    if order.dx:
        facts["dx"] = [{"code": code, "label": label or None} for code, label in order.dx]
    if order.dx_confirmed is not None and "dx_confirmed" not in facts:
        facts["dx_confirmed"] = order.dx_confirmed
    _put(facts, "laterality.order", order.side)


def _from_anatomy(facts: dict[str, Any], entries: Sequence[Entry]) -> None:
    """Region and kind of structure as somebody confirmed them last, for these pictures: not what a screen shows."""
    said: Mapping[str, Any] = {}
    for entry in entries:
        if entry.event.kind == "anatomy_confirmed" and entry.event.actor is not None:
            said = entry.event.payload
    _put(facts, "rendering.target", said.get("target") or None)
    _put(facts, "rendering.anatomy", str(said.get("anatomy") or "").strip() or None)


def _from_pictures(facts: dict[str, Any], lines: dict[str, tuple[int, ...]], pictures: Pictures) -> None:
    words = sorted({word for word, _ in pictures.techniques.values() if word})
    if pictures.techniques:
        _put(facts, "rendering.techniques", words)
        lines["rendering.techniques"] = tuple(sorted({n for _, ns in pictures.techniques.values() for n in ns}))
    three_d = pictures.three_d
    if three_d:
        kept = [uid for uid in three_d if uid in pictures.acknowledged]
        _put(facts, "images.archived", len(kept))
        _put(facts, "images.acknowledged", len(kept) == len(three_d))
        # where the archive has kept nothing the releases prove that there is something to keep
        proof = [pictures.acknowledged[uid] for uid in kept] or [n for ns in three_d.values() for n in ns]
        lines["images.archived"] = lines["images.acknowledged"] = tuple(sorted(proof))


def _from_supervision(
    facts: dict[str, Any], lines: dict[str, tuple[int, ...]], supervision: Supervision, local_date: Callable[[str], str]
) -> None:
    for act in ACTS:
        state: ActState = supervision.acts[act]
        path = f"supervision.{_ACT_FIELDS[act]}"
        _put(facts, path, {"witnessed": True, "attested": True, "denied": False, "absent": None}[state.kind])
        if state.lines:
            lines[path] = state.lines
    _put(facts, "supervision.concurrent", supervision.concurrent)
    lines["supervision.concurrent"] = supervision.concurrent_lines
    _put(facts, "supervision.physician_npi", supervision.physician_npi or None)
    _put(facts, "supervision.basis", supervision.basis)
    acts = tuple(sorted({n for act in ACTS for n in supervision.acts[act].lines}))
    for name in ("physician_npi", "basis") if acts else ():
        lines[f"supervision.{name}"] = acts
    if supervision.first_at:
        _put(facts, "service.date", local_date(supervision.first_at))
        lines["service.date"] = (supervision.first_line,)


def _from_report(facts: dict[str, Any], lines: dict[str, tuple[int, ...]], entries: Sequence[Entry]) -> None:
    """State and elements of the signed report.

    An addendum adds elements to what it follows; a final report stands for itself, and after a retraction nothing of
    what was retracted does. Only a physician's signature makes a report final.
    """
    status = "draft"
    proof: tuple[int, ...] = ()
    elements: dict[str, Any] = {}
    signer = ""
    for entry in entries:
        payload, actor = entry.event.payload, entry.event.actor
        if entry.event.kind == "report_signed" and actor is not None and actor.role in _RELEASING:
            said = str(payload.get("status", "draft"))
            status = said if actor.role == "radiologist" or said not in ("final", "addendum") else "preliminary"
            given = payload.get("elements")
            new = dict(given) if isinstance(given, dict) else {}
            if said == "addendum" and elements:
                proof = (*proof, entry.number)
                kept = {name: True for name, value in elements.items() if value is True and new.get(name) is False}
                elements = {**elements, **new, **kept}
            else:
                proof, elements = (entry.number,), new
            signer = actor.npi
        elif entry.event.kind == "report_retracted":
            status, proof, elements = "retracted", (*proof, entry.number), {}
    _put(facts, "report.status", status)
    if not proof:
        return
    lines["report.status"] = proof
    _put(facts, "report.signed_by_npi", signer or None)
    lines["report.signed_by_npi"] = proof
    for name in (
        "three_d_findings",
        "technique_stated",
        "supervision_stated",
        "workstation_stated",
        "necessity_stated",
    ):
        _put(facts, f"report.{name}", elements.get(name))
        lines[f"report.{name}"] = proof
    _put(facts, "laterality.report", elements.get("side"))
    lines["laterality.report"] = proof
