"""Facts as a biller calls them, for the list that says where each one comes from."""

from __future__ import annotations

from workstation.window.panels.questions import general, index_of

_WORDS = {
    "patient.id": "Patient ID",
    "patient.issuer": "Who gives out the ID",
    "patient.birth_date": "Birth date",
    "patient.sex": "Sex",
    "payer.kind": "Payer",
    "payer.plan": "Plan",
    "payer.auth_number": "Authorization number",
    "payer.covered": "Covered",
    "payer.prior_auth_required": "Authorization wanted",
    "payer.accepts_without_base": "Accepts 3D without the scan",
    "service.date": "Day of service",
    "service.purpose": "Made for",
    "service.completion": "Completed",
    "claim.form": "Who sends the bill",
    "claim.pos": "Place of service",
    "claim.bills_reader": "We bill the reading physician",
    "claim.owns_equipment": "Practice owns the scanner",
    "claim.same_locality": "Same Medicare locality",
    "claim.tc_purchased": "Technical part bought",
    "claim.off_campus": "Off campus",
    "providers.rendering_npi": "Reading physician, NPI",
    "providers.rendering_taxonomy": "Reading physician, specialty",
    "providers.billing_npi": "Billing provider, NPI",
    "providers.resident_involved": "A resident took part",
    "providers.teaching_attested": "Teaching physician attested",
    "order.three_d_ordered": "3D was ordered",
    "order.ordering_npi": "Ordering provider, NPI",
    "order.order_id": "Order number",
    "order.urgent_exception_documented": "Urgent exception documented",
    "base[].code": "Scan, code",
    "base[].modality": "Scan, kind",
    "base[].accession": "Scan, accession",
    "base[].date": "Scan, day",
    "base[].source": "3D made from it",
    "base[].angiographic": "Acquired as angiogram",
    "base[].performed_by": "Scan done",
    "base[].includes_3d": "Code includes 3D",
    "rendering.techniques": "Techniques",
    "rendering.target": "Kind of structure",
    "rendering.anatomy": "Part of the body",
    "workstation.kind": "Workstation",
    "workstation.id": "Workstation's name",
    "supervision.physician_npi": "Supervising physician, NPI",
    "supervision.region_designed": "Chose where to look",
    "supervision.tissue_selected": "Chose what to show",
    "supervision.images_selected": "Chose the pictures",
    "supervision.product_monitored": "Watched and corrected",
    "supervision.concurrent": "While it was made",
    "supervision.basis": "Supervision known by",
    "images.archived": "3D pictures archived",
    "images.acknowledged": "Archive acknowledged them",
    "report.status": "Report",
    "report.signed_by_npi": "Signed by, NPI",
    "report.three_d_findings": "Report has 3D findings",
    "report.technique_stated": "Report states the technique",
    "report.supervision_stated": "Report states the supervision",
    "report.workstation_stated": "Report states the workstation",
    "report.necessity_stated": "Report states the necessity",
    "dx[].code": "Diagnosis",
    "dx[].label": "Diagnosis, office's words",
    "dx_confirmed": "Diagnoses established",
    "laterality.order": "Side, ordered",
    "laterality.report": "Side, reported",
    "other_codes": "Other codes that day",
    "other_codes[].code": "Other code that day",
    "other_codes[].same_anatomy": "Other code, same part",
    "other_codes[].same_session": "Other code, same session",
    "ledger": "Other 3D charges that day",
    "ledger[].charge_id": "Other 3D charge that day",
    "distinct.session": "Session",
    "distinct.anatomy_contiguous": "Adjoining parts",
    "distinct.repeat_necessity_documented": "Repeat justified",
    "abn.expected_denial": "Denial expected",
    "abn.signed": "Notice signed",
}
# told by another fact beside them
_BESIDE = frozenset({"ledger[].date", "ledger[].code", "ledger[].component", "ledger[].base_accession"}) | frozenset(
    {"ledger[].anatomy", "ledger[].rendering_npi", "ledger[].state", "ledger[].modifiers"}
)


def fact_words(path: str) -> str:
    """What a fact is called; "" for one that another fact beside it tells."""
    name = general(path)
    if name in _BESIDE:
        return ""
    words = _WORDS.get(name) or name.replace("_", " ").replace(".", ", ").replace("[]", "").capitalize()
    place = index_of(path)
    return f"{words} {place + 1}" if "[" in path and place else words
