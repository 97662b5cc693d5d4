"""A charge as FHIR R4B resources (section 6.4): Claim for a payer, ChargeItem for the hospital's own billing.

Codes go without display text. The resources are plain JSON values; references are given by the caller's system.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from msgspec import Struct

from billing.charge import Charge
from billing.errors import MessageHole

CPT = "http://www.ama-assn.org/go/cpt"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
NPI = "http://hl7.org/fhir/sid/us-npi"
CLAIM_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"
PRIORITY = "http://terminology.hl7.org/CodeSystem/processpriority"
PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"


class Targets(Struct, frozen=True, kw_only=True):
    """Where the receiver's resources are, such as ``Patient/12``; empty is not known."""

    patient: str
    provider: str
    coverage: str = ""
    report: str = ""
    order: str = ""
    charge_system: str = "urn:renderdesk:charge"


def claim(charge: Charge, references: Targets, *, created: dt.date) -> dict[str, Any]:
    """Claim: what is asked of a payer.

    Raises
    ------
    MessageHole
        A reference is missing, the charge is not confirmed, or it is a hospital's line (another claim type).
    """
    _check(charge, references)
    if charge.identity.component == "institutional":
        raise MessageHole("component", "A hospital's line is no professional claim.")
    if not references.coverage:
        raise MessageHole("coverage", "The claim cannot be written: coverage is missing.")
    return {
        "resourceType": "Claim",
        "identifier": [{"system": references.charge_system, "value": charge.charge_id}],
        "status": "active",
        "type": {"coding": [{"system": CLAIM_TYPE, "code": "professional"}]},
        "use": "claim",
        "patient": {"reference": references.patient},
        "created": created.isoformat(),
        "provider": {"reference": references.provider},
        "priority": {"coding": [{"system": PRIORITY, "code": "normal"}]},
        "careTeam": [
            {"sequence": 1, "provider": {"identifier": {"system": NPI, "value": charge.rendering_npi}}},
            {"sequence": 2, "provider": {"identifier": {"system": NPI, "value": charge.ordering_npi}}},
        ],
        "diagnosis": [
            {"sequence": i, "diagnosisCodeableConcept": {"coding": [{"system": ICD, "code": code}]}}
            for i, code in enumerate(charge.diagnoses, 1)
        ],
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": references.coverage}}],
        "item": [
            {
                "sequence": 1,
                "careTeamSequence": [1, 2],
                "diagnosisSequence": list(range(1, len(charge.diagnoses) + 1)),
                "productOrService": {"coding": [{"system": CPT, "code": charge.code}]},
                **_modifiers(charge),
                "servicedDate": charge.service_date.isoformat(),
                "locationCodeableConcept": {"coding": [{"system": PLACE, "code": charge.pos}]},
                "quantity": {"value": charge.units},
            }
        ],
    }


def charge_item(charge: Charge, references: Targets) -> dict[str, Any]:
    """ChargeItem: what was done, for the billing of the house. It has no place for modifiers; the Claim has.

    Raises
    ------
    MessageHole
        A reference is missing or the charge is not confirmed.
    """
    _check(charge, references)
    supporting = [{"reference": r} for r in (references.report, references.order) if r]
    return {
        "resourceType": "ChargeItem",
        "identifier": [{"system": references.charge_system, "value": charge.charge_id}],
        "status": "billable",
        "code": {"coding": [{"system": CPT, "code": charge.code}]},
        "subject": {"reference": references.patient},
        "occurrenceDateTime": charge.service_date.isoformat(),
        "performer": [{"actor": {"identifier": {"system": NPI, "value": charge.rendering_npi}}}],
        "quantity": {"value": charge.units},
        **({"supportingInformation": supporting} if supporting else {}),
    }


def _check(charge: Charge, references: Targets) -> None:
    if charge.state in {"draft", "void", "replaced"}:
        raise MessageHole("state", f"No resource is written for a charge that is {charge.state}.")
    for hole, value in (
        ("patient", references.patient),
        ("provider", references.provider),
        ("diagnosis", charge.diagnoses),
        ("rendering NPI", charge.rendering_npi),
        ("ordering NPI", charge.ordering_npi),
        ("place of service", charge.pos),
    ):
        if not value:
            raise MessageHole(hole, f"The resource cannot be written: {hole} is missing.")


def _modifiers(charge: Charge) -> dict[str, Any]:
    """The modifiers in order, each a concept of its own; nothing where there are none (no empty list in FHIR)."""
    found = [{"coding": [{"system": CPT, "code": m}]} for m in charge.modifiers]
    return {"modifier": found} if found else {}
