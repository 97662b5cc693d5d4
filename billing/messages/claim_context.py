"""What a claim needs beside the charge, whatever its form; and the checks that all forms share."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import msgspec
from msgspec import Struct

from billing import codes
from billing.charge import Charge
from billing.errors import MessageHole
from billing.facts import Facts, PayerKind
from billing.messages.proof import check_diagnoses, check_grounds, check_line
from billing.npi import good_npi
from billing.parties import STATE, TAX_ID, TAXONOMY, ZIP9, Biller, Facility, Insured, Person
from billing.reference.tables import References

# SBR-09: who the payer is, in the words of the standard
FILING: dict[PayerKind, str] = {
    "medicare": "MB",
    "medicare_advantage": "16",
    "medicaid": "MC",
    "bcbs": "BL",
    "aetna": "CI",
    "cigna": "CI",
    "uhc": "CI",
    "other": "ZZ",
}
# relationship of the patient to the subscriber (PAT-01) and the box of the paper form
RELATIONS = {"01": "spouse", "19": "child", "G8": "other"}


class Purchased(Struct, frozen=True, kw_only=True):
    """A technical part that was bought: from whom, for how much (PS1, box 20)."""

    npi: str
    amount: Decimal


class ClaimContext(Struct, frozen=True, kw_only=True):
    """What a claim needs beside the charge.

    Parameters
    ----------
    patient : None when the patient is the subscriber; else the patient with `relationship` (PAT-01)
    facility : where the service was given; needed in a facility, None where that is the biller's own office
    amount : from the site's fee table; without one nothing is exported
    frequency : 1 a new claim, 7 replaces and 8 voids the one with `payer_control_number`
    cause : whether employment or an accident led to it; other than ``none`` is not written by this program
    other_plan : whether another plan pays first or beside; None is not known
    signature_on_file : the patient has agreed to the release of information and to payment to the biller
    revenue_code, facility_type : of a hospital's own line
    admission : admission type, its source, and the patient's status, of a hospital's claim (UB-04 14, 15, 17)
    """

    biller: Biller
    payer_kind: PayerKind
    payer_name: str
    payer_id: str
    plan: str = ""
    member_id: str
    group_number: str = ""
    subscriber: Insured
    patient: Insured | None = None
    relationship: str = ""
    rendering: Person
    rendering_taxonomy: str
    ordering: Person
    facility: Facility | None = None
    amount: Decimal | None = None
    authorisation: str = ""
    payer_control_number: str = ""
    frequency: Literal["1", "7", "8"] = "1"
    cause: Literal["none", "employment", "auto", "other"] = "none"
    other_plan: bool | None = None
    signature_on_file: bool = True
    purchased: Purchased | None = None
    revenue_code: str = ""
    facility_type: str = "13"
    admission: tuple[str, str, str] = ("3", "1", "01")

    def __repr__(self) -> str:
        return "ClaimContext()"


def money(amount: Decimal) -> str:
    """Dollars and cents."""
    return str(amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def check(charge: Charge, context: ClaimContext, references: References) -> str:
    """The line's amount, when nothing is missing and nothing contradicts the charge.

    Raises
    ------
    MessageHole
        At the first hole, by name.
    """
    _state(charge, context)
    check_grounds(charge)
    if context.amount is None or context.amount <= 0:
        part = charge.identity.component
        key = f"{charge.code}-{part}" if part in {"26", "TC"} else charge.code
        raise MessageHole("amount", f"The claim cannot be written: the fee table has no amount for {key}.")
    _whole(charge, context)
    _facts(charge, context)
    check_line(charge)
    if context.frequency != "8":
        check_diagnoses(charge, references)
    return money(context.amount)


def _state(charge: Charge, context: ClaimContext) -> None:
    wanted = {"void", "replaced"} if context.frequency == "8" else {"confirmed", "sent", "rejected"}
    if charge.state not in wanted:
        raise MessageHole("state", f"No claim is written for a charge that is {charge.state}.")
    if context.payer_kind not in FILING:
        raise MessageHole("payer", "For a patient who pays no claim is written.")


def _whole(charge: Charge, context: ClaimContext) -> None:
    biller, facility = context.biller, context.facility
    needed: dict[str, object] = {
        "diagnosis": charge.diagnoses,
        "place of service": charge.pos,
        "member id": context.member_id.strip(),
        "payer id": context.payer_id.strip(),
        "payer name": context.payer_name.strip(),
        "signature on file": context.signature_on_file,
        "cause": context.cause == "none",
        "tax id": TAX_ID.fullmatch(biller.tax_id),
        "payer control number": context.frequency == "1" or context.payer_control_number.strip(),
        "relationship": context.patient is None or context.relationship in RELATIONS,
        "billing ZIP with four more digits": ZIP9.fullmatch(biller.address.zip_code),
        "billing taxonomy": TAXONOMY.fullmatch(biller.taxonomy),
        "rendering taxonomy": TAXONOMY.fullmatch(context.rendering_taxonomy),
        "billing NPI": good_npi(charge.billing_npi),
        "rendering NPI": good_npi(charge.rendering_npi),
        "ordering NPI": good_npi(charge.ordering_npi),
        "facility": facility is not None
        or charge.pos not in codes.FACILITY_POS
        or charge.identity.component == "institutional",
        "facility NPI": facility is None or good_npi(facility.npi),
        "facility ZIP with four more digits": facility is None or ZIP9.fullmatch(facility.address.zip_code),
        "facility state": facility is None or STATE.fullmatch(facility.address.state),
        "purchased service's NPI and amount": context.purchased is None
        or (good_npi(context.purchased.npi) and context.purchased.amount > 0),
    }
    for hole, value in needed.items():
        if not value:
            raise MessageHole(hole, f"The claim cannot be written: {hole} is missing or malformed.")
    if biller.npi != charge.billing_npi:
        raise MessageHole("billing NPI", "The claim cannot be written: the biller is not the charge's biller.")
    if context.payer_kind == "medicare" and context.patient is not None:
        raise MessageHole("relationship", "The claim cannot be written: with Medicare the patient is the subscriber.")


def _facts(charge: Charge, context: ClaimContext) -> None:
    """What the frozen facts of the charge say as well must be the same here."""
    facts = msgspec.json.decode(charge.facts, type=Facts)
    patient = context.patient or context.subscriber
    if facts.payer.kind != context.payer_kind:
        raise MessageHole("payer", "The claim cannot be written: the payer is not the charge's payer.")
    if (facts.payer.auth_number or "") != context.authorisation:
        raise MessageHole("authorisation", "The claim cannot be written: the authorisation is not the charge's.")
    if facts.patient.birth_date is not None and facts.patient.birth_date != patient.birth_date:
        raise MessageHole("patient birth date", "The claim cannot be written: the birth date is not the patient's.")
    if patient.birth_date > charge.service_date:
        raise MessageHole("patient birth date", "The claim cannot be written: the birth date is after the service.")
    if bool(facts.claim.tc_purchased) is not (context.purchased is not None):
        raise MessageHole(
            "purchased service", "The claim cannot be written: from whom the technical part was bought is missing."
        )
