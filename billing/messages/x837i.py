"""A hospital's own line as X12 837I 005010X223A2 (section 6.3): revenue code, procedure, and no pointers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from billing import codes
from billing.charge import Charge
from billing.errors import MessageHole
from billing.facts import Base, Facts
from billing.messages.claim_context import ClaimContext, check
from billing.messages.x12 import Envelope, Segment, heading, interchange, name, number, place_of, words
from billing.messages.x12_claim import biller_loop, diagnoses_of, insured_loops, references_of
from billing.messages.x12_proof import prove_file
from billing.reference.tables import BUILT_IN, References

VERSION = "005010X223A2"
BRAIN = "70551-70555"
GENERAL = "0320"


def revenue_code(charge: Charge, own: Mapping[str, str]) -> str:
    """The revenue code of a hospital's line: it follows the base study.

    Parameters
    ----------
    own : the site's codes by procedure code or modality, asked first
    """
    facts = msgspec.json.decode(charge.facts, type=Facts)
    bases = [b for b in facts.base or () if b.source is not False]
    base = bases[0] if bases else Base()
    for name_of in (base.code, base.modality):
        if name_of and name_of in own:
            return own[name_of]
    row = codes.lookup(base.code) if base.code else None
    region = row.region if row else ""
    if base.modality == "CT":
        # a neck study stands between the two; the general code is right for both
        return {"head": "0351", "": "0350", "neck": "0350"}.get(region, "0352")
    if base.modality == "MR":
        if base.code and codes.covers(BRAIN, base.code):
            return "0611"
        return {"spine": "0612", "": "0610"}.get(region, "0614")
    return "0402" if base.modality == "US" else GENERAL


def claims(
    items: Sequence[tuple[Charge, ClaimContext]], envelope: Envelope, *, references: References = BUILT_IN
) -> str:
    """An interchange with a transaction set for each claim.

    Raises
    ------
    MessageHole
        Something is missing or malformed, or a charge is no hospital's line; `hole` names it.
    """
    bodies = [_body(charge, context, envelope, references) for charge, context in items]
    text = interchange(VERSION, envelope, bodies)
    prove_file(text, VERSION, items, references=references)
    return text


def claim(charge: Charge, context: ClaimContext, envelope: Envelope, *, references: References = BUILT_IN) -> str:
    """As `claims`, for one charge."""
    return claims([(charge, context)], envelope, references=references)


def _body(charge: Charge, context: ClaimContext, envelope: Envelope, references: References) -> list[Segment]:
    if charge.identity.component != "institutional":
        raise MessageHole("component", "A physician's or an office's charge is no hospital claim.")
    amount = check(charge, context, references)
    if len(context.revenue_code) != 4 or not context.revenue_code.isdigit():
        raise MessageHole("revenue code", "The claim cannot be written: the revenue code is not four digits.")
    return [
        *heading(envelope, charge.charge_id),
        *biller_loop(charge, context),
        *insured_loops(context),
        *_claim(charge, context, amount),
        *_line(charge, context, amount),
    ]


def _claim(charge: Charge, context: ClaimContext, amount: str) -> list[Segment]:
    """Loop 2300 with its providers; the ordering physician answers for the patient's care and is the attending one."""
    day = charge.service_date.strftime("%Y%m%d")
    bill = f"{context.facility_type}:A:{context.frequency}"
    assigned = "A" if context.biller.accepts_assignment else "C"
    principal, *others = diagnoses_of(charge)
    found: list[Segment] = [
        ("CLM", charge.charge_id, amount, "", "", bill, "", assigned, "Y", "Y"),
        ("DTP", "434", "RD8", f"{day}-{day}"),
        ("CL1", *context.admission),
        *references_of(context),
        ("HI", principal),
    ]
    if others:
        found.append(("HI", *others))
    found += [
        ("NM1", "71", "1", *name(context.ordering), "", "", "XX", charge.ordering_npi),
        ("NM1", "82", "1", *name(context.rendering), "", "", "XX", charge.rendering_npi),
    ]
    if context.facility is not None and context.facility.npi != charge.billing_npi:
        where = context.facility
        found += [
            ("NM1", "77", "2", words(where.name, 60), "", "", "", "", "XX", where.npi),
            *place_of(where.address),
        ]
    return found


def _line(charge: Charge, context: ClaimContext, amount: str) -> list[Segment]:
    """Loop 2400."""
    service = ":".join(("HC", charge.code, *charge.modifiers))
    return [
        ("LX", "1"),
        ("SV2", number(context.revenue_code), service, amount, "UN", str(charge.units)),
        ("DTP", "472", "D8", charge.service_date.strftime("%Y%m%d")),
        ("REF", "6R", charge.charge_id),
    ]
