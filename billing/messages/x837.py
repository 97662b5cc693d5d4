"""A charge as X12 837P 005010X222A1 (section 6.2). Nothing with a hole leaves, and every file is read back first."""

from __future__ import annotations

from collections.abc import Sequence

from billing.charge import Charge
from billing.errors import MessageHole
from billing.messages.claim_context import ClaimContext, check, money
from billing.messages.x12 import Envelope, Segment, heading, interchange, name, number, place_of, words
from billing.messages.x12_claim import biller_loop, diagnoses_of, insured_loops, references_of
from billing.messages.x12_proof import prove_file
from billing.reference.tables import BUILT_IN, References

VERSION = "005010X222A1"


def claims(
    items: Sequence[tuple[Charge, ClaimContext]], envelope: Envelope, *, references: References = BUILT_IN
) -> str:
    """An interchange with a transaction set for each claim.

    Raises
    ------
    MessageHole
        Something is missing or malformed, or a charge is none for a professional claim; `hole` names it.
    """
    bodies = [_body(charge, context, envelope, references) for charge, context in items]
    text = interchange(VERSION, envelope, bodies)
    prove_file(text, VERSION, items, references=references)
    return text


def claim(charge: Charge, context: ClaimContext, envelope: Envelope, *, references: References = BUILT_IN) -> str:
    """As `claims`, for one charge."""
    return claims([(charge, context)], envelope, references=references)


def _body(charge: Charge, context: ClaimContext, envelope: Envelope, references: References) -> list[Segment]:
    if charge.identity.component == "institutional":
        raise MessageHole("component", "A hospital's line is no professional claim.")
    amount = check(charge, context, references)
    return [
        *heading(envelope, charge.charge_id),
        *biller_loop(charge, context),
        *insured_loops(context),
        *_claim(charge, context, amount),
        *_line(charge, context, amount),
    ]


def _claim(charge: Charge, context: ClaimContext, amount: str) -> list[Segment]:
    """Loop 2300 with its providers."""
    place = f"{charge.pos}:B:{context.frequency}"
    assigned = "A" if context.biller.accepts_assignment else "C"
    found: list[Segment] = [
        ("CLM", charge.charge_id, amount, "", "", place, "Y", assigned, "Y", "Y"),
        *references_of(context),
        ("HI", *diagnoses_of(charge)),
        ("NM1", "DN", "1", *name(context.ordering), "", "", "XX", charge.ordering_npi),
        ("NM1", "82", "1", *name(context.rendering), "", "", "XX", charge.rendering_npi),
        ("PRV", "PE", "PXC", number(context.rendering_taxonomy)),
    ]
    if context.facility is not None:
        where = context.facility
        found += [
            ("NM1", "77", "2", words(where.name, 60), "", "", "", "", "XX", where.npi),
            *place_of(where.address),
        ]
    return found


def _line(charge: Charge, context: ClaimContext, amount: str) -> list[Segment]:
    """Loop 2400."""
    pointers = ":".join(str(i) for i in range(1, min(len(charge.diagnoses), 4) + 1))
    service = ":".join(("HC", charge.code, *charge.modifiers))
    found: list[Segment] = [
        ("LX", "1"),
        ("SV1", service, amount, "UN", str(charge.units), "", "", pointers),
        ("DTP", "472", "D8", charge.service_date.strftime("%Y%m%d")),
        ("REF", "6R", charge.charge_id),
    ]
    if context.purchased is not None:
        found += [
            ("PS1", context.purchased.npi, money(context.purchased.amount)),
            ("NM1", "QB", "2", "", "", "", "", "", "XX", context.purchased.npi),
        ]
    found.append(("NM1", "DK", "1", *name(context.ordering), "", "", "XX", charge.ordering_npi))
    return found
