"""Loops that professional and hospital claims have alike: biller, subscriber, payer, patient, references."""

from __future__ import annotations

from billing.charge import Charge
from billing.messages.claim_context import FILING, ClaimContext
from billing.messages.x12 import Segment, born, digits, name, number, place_of, words


def biller_loop(charge: Charge, context: ClaimContext) -> list[Segment]:
    """2000A and 2010AA."""
    biller = context.biller
    return [
        ("HL", "1", "", "20", "1"),
        ("PRV", "BI", "PXC", number(biller.taxonomy)),
        ("NM1", "85", "2", words(biller.name, 60), "", "", "", "", "XX", charge.billing_npi),
        *place_of(biller.address),
        ("REF", "EI", digits(biller.tax_id)),
    ]


def insured_loops(context: ClaimContext) -> list[Segment]:
    """2000B with subscriber and payer; 2000C where the patient is another person."""
    own, patient = context.subscriber, context.patient
    relation = "18" if patient is None else ""
    filing = FILING[context.payer_kind]
    found: list[Segment] = [
        ("HL", "2", "1", "22", "0" if patient is None else "1"),
        ("SBR", "P", relation, number(context.group_number), "", "", "", "", "", filing),
        ("NM1", "IL", "1", *name(own.name), "", "", "MI", number(context.member_id)),
    ]
    if patient is None:
        found += [*place_of(own.address), born(own)]
    found.append(("NM1", "PR", "2", words(context.payer_name, 60), "", "", "", "", "PI", number(context.payer_id)))
    if patient is not None:
        found += [
            ("HL", "3", "2", "23", "0"),
            ("PAT", context.relationship),
            ("NM1", "QC", "1", *name(patient.name)),
            *place_of(patient.address),
            born(patient),
        ]
    return found


def references_of(context: ClaimContext) -> list[Segment]:
    """Authorisation, and the payer's number of the claim that is replaced or voided."""
    found: list[Segment] = []
    if context.authorisation:
        found.append(("REF", "G1", number(context.authorisation)))
    if context.frequency != "1":
        found.append(("REF", "F8", number(context.payer_control_number)))
    return found


def diagnoses_of(charge: Charge) -> list[str]:
    """The principal diagnosis and the others, without dots."""
    return [f"{'ABF' if i else 'ABK'}:{d.replace('.', '')}" for i, d in enumerate(charge.diagnoses)]
