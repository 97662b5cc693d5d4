"""A charge as FHIR R4B resources (section 6.4): Claim for a payer, ChargeItem for the hospital's own billing.

Codes go without display text. The resources are plain JSON values. A receiver's own addresses of patient, provider,
coverage, report and order are used where they are known; otherwise each is named by its identifier.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from msgspec import Struct

from billing.charge import Charge
from billing.errors import MessageHole
from billing.messages.proof import Said, check_line, prove
from billing.reference.tables import BUILT_IN, References

CPT = "http://www.ama-assn.org/go/cpt"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
NPI = "http://hl7.org/fhir/sid/us-npi"
CLAIM_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"
PRIORITY = "http://terminology.hl7.org/CodeSystem/processpriority"
RELATION = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship"
ROLE = "http://terminology.hl7.org/CodeSystem/claimcareteamrole"
PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
DICOM = "urn:dicom:uid"
MEMBER = "urn:renderdesk:member"
TAKEN_BACK = frozenset({"void", "replaced"})


class Targets(Struct, frozen=True, kw_only=True):
    """Where the receiver's resources are, such as ``Patient/12``; empty is not known.

    Parameters
    ----------
    member_id : names the coverage where its address is not known
    order_number, report_uid : name the order and the report (SOP Instance UID) where their addresses are not known
    """

    patient: str = ""
    provider: str = ""
    coverage: str = ""
    report: str = ""
    order: str = ""
    member_id: str = ""
    order_number: str = ""
    report_uid: str = ""
    charge_system: str = "urn:renderdesk:charge"

    def __repr__(self) -> str:
        return "Targets()"


def claim(charge: Charge, references: Targets, *, created: dt.date, tables: References = BUILT_IN) -> dict[str, Any]:
    """Claim: what is asked of a payer; cancelled for a charge that was taken back.

    Raises
    ------
    MessageHole
        A reference is missing, the charge is not confirmed, or it is a hospital's line (another claim type).
    """
    _check(charge)
    if charge.identity.component == "institutional":
        raise MessageHole("component", "A hospital's line is no professional claim.")
    if not references.coverage and not references.member_id.strip():
        raise MessageHole("coverage", "The claim cannot be written: coverage is missing.")
    coverage = _at(references.coverage, "Coverage", MEMBER, references.member_id)
    made = {
        "resourceType": "Claim",
        "identifier": [{"system": references.charge_system, "value": charge.charge_id}],
        "status": "cancelled" if charge.state in TAKEN_BACK else "active",
        "type": {"coding": [{"system": CLAIM_TYPE, "code": "professional"}]},
        "use": "claim",
        "patient": _patient(charge, references),
        "created": created.isoformat(),
        "provider": _at(references.provider, "Organization", NPI, charge.billing_npi),
        "priority": {"coding": [{"system": PRIORITY, "code": "normal"}]},
        **_prior(charge, references),
        "careTeam": [
            _member(1, "primary", charge.rendering_npi),
            _member(2, "other", charge.ordering_npi),
        ],
        "diagnosis": [
            {"sequence": i, "diagnosisCodeableConcept": {"coding": [{"system": ICD, "code": code}]}}
            for i, code in enumerate(charge.diagnoses, 1)
        ],
        "insurance": [{"sequence": 1, "focal": True, "coverage": coverage}],
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
    prove(read_claim(made), charge, taken_back=charge.state in TAKEN_BACK, references=tables)
    return made


def charge_item(charge: Charge, references: Targets, *, tables: References = BUILT_IN) -> dict[str, Any]:
    """ChargeItem: what was done, for the billing of the house. It has no place for modifiers; the Claim has.

    Raises
    ------
    MessageHole
        A reference is missing or the charge is not confirmed.
    """
    _check(charge)
    order_number = references.order_number
    supporting = []
    if references.report or references.report_uid:
        supporting.append(_at(references.report, "DiagnosticReport", DICOM, f"urn:oid:{references.report_uid}"))
    if references.order or order_number:
        supporting.append(_at(references.order, "ServiceRequest", f"{references.charge_system}:order", order_number))
    made = {
        "resourceType": "ChargeItem",
        "identifier": [{"system": references.charge_system, "value": charge.charge_id}],
        "status": "entered-in-error" if charge.state in TAKEN_BACK else "billable",
        "code": {"coding": [{"system": CPT, "code": charge.code}]},
        "subject": _patient(charge, references),
        "occurrenceDateTime": charge.service_date.isoformat(),
        "performer": [{"actor": _at("", "Practitioner", NPI, charge.rendering_npi)}],
        "quantity": {"value": charge.units},
        "reason": [{"coding": [{"system": ICD, "code": code}]} for code in charge.diagnoses],
        **({"supportingInformation": supporting} if supporting else {}),
    }
    prove(read_charge_item(made, charge), charge, taken_back=charge.state in TAKEN_BACK, references=tables)
    return made


def read_claim(made: dict[str, Any]) -> Said:
    """What a Claim says, read from its JSON.

    Raises
    ------
    MessageHole
        A part is missing or empty.
    """
    _nothing_empty(made)
    try:
        (item,) = made["item"]
        team = {m["sequence"]: m["provider"]["identifier"]["value"] for m in made["careTeam"]}
        diagnoses = {d["sequence"]: _code(d["diagnosisCodeableConcept"], ICD) for d in made["diagnosis"]}
        rendering, ordering = (team[n] for n in item["careTeamSequence"])
        return Said(
            charge_id=made["identifier"][0]["value"],
            code=_code(item["productOrService"], CPT),
            modifiers=tuple(_code(m, CPT) for m in item.get("modifier", ())),
            units=str(item["quantity"]["value"]),
            diagnoses=tuple(diagnoses[n] for n in item["diagnosisSequence"]),
            day=dt.date.fromisoformat(item["servicedDate"]),
            pos=_code(item["locationCodeableConcept"], PLACE),
            npis={"rendering": rendering, "ordering": ordering},
            after={"creation": dt.date.fromisoformat(made["created"])},
        )
    except (KeyError, IndexError, ValueError, TypeError):
        raise MessageHole("claim", "The claim cannot be written: a part of it is missing or malformed.") from None


def read_charge_item(made: dict[str, Any], charge: Charge) -> Said:
    """What a ChargeItem says; modifiers and the ordering provider have no place in it and are taken as they are.

    Raises
    ------
    MessageHole
        A part is missing or empty.
    """
    _nothing_empty(made)
    try:
        return Said(
            charge_id=made["identifier"][0]["value"],
            code=_code(made["code"], CPT),
            modifiers=charge.modifiers,
            units=str(made["quantity"]["value"]),
            diagnoses=tuple(_code(r, ICD) for r in made["reason"]),
            day=dt.date.fromisoformat(made["occurrenceDateTime"]),
            npis={"rendering": made["performer"][0]["actor"]["identifier"]["value"]},
        )
    except (KeyError, IndexError, ValueError, TypeError):
        raise MessageHole("item", "The charge item cannot be written: a part of it is missing or malformed.") from None


def bundle(resources: list[dict[str, Any]]) -> str:
    """Resources as one collection, JSON text."""
    entries = [{"resource": one} for one in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}, ensure_ascii=False, indent=1)


def _check(charge: Charge) -> None:
    if charge.state == "draft" or not charge.charge_id:
        raise MessageHole("state", f"No resource is written for a charge that is {charge.state}.")
    if not charge.identity.patient_id:
        raise MessageHole("patient", "The resource cannot be written: patient is missing.")
    check_line(charge)


def _code(concept: dict[str, Any], system: str) -> str:
    (coding,) = concept["coding"]
    if coding["system"] != system or set(coding) != {"system", "code"}:
        raise ValueError("another code system, or a text")
    return str(coding["code"])


def _at(address: str, kind: str, system: str, value: str) -> dict[str, Any]:
    """A reference by address, else by identifier."""
    return {"reference": address} if address else {"type": kind, "identifier": {"system": system, "value": value}}


def _patient(charge: Charge, references: Targets) -> dict[str, Any]:
    own = charge.identity
    return _at(references.patient, "Patient", f"urn:renderdesk:patient:{own.patient_issuer or 'local'}", own.patient_id)


def _member(sequence: int, role: str, npi: str) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "provider": _at("", "Practitioner", NPI, npi),
        "role": {"coding": [{"system": ROLE, "code": role}]},
    }


def _prior(charge: Charge, references: Targets) -> dict[str, Any]:
    """The claim that this one stands in place of."""
    if not charge.replaces:
        return {}
    identifier = {"system": references.charge_system, "value": charge.replaces}
    relation = {"coding": [{"system": RELATION, "code": "prior"}]}
    return {"related": [{"claim": {"type": "Claim", "identifier": identifier}, "relationship": relation}]}


def _modifiers(charge: Charge) -> dict[str, Any]:
    """The modifiers in order, each a concept of its own; nothing where there are none (no empty list in FHIR)."""
    found = [{"coding": [{"system": CPT, "code": m}]} for m in charge.modifiers]
    return {"modifier": found} if found else {}


def _nothing_empty(value: object) -> None:
    """FHIR has no empty value: what is not known is absent."""
    if value in ("", None, [], {}):
        raise MessageHole("empty", "The resource cannot be written: a value in it is empty.")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _nothing_empty(inner)
