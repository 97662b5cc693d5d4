"""A charge as X12 837P 005010X222A1 (section 6.2): one interchange with one claim. Nothing with a hole leaves.

X12 has no escape for its delimiters: in names they become spaces, in numbers they are refused. Letters go in the
basic set (accents are dropped); a name without Latin letters is refused, because payers' systems would not keep it.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from msgspec import Struct

from billing.charge import Charge
from billing.errors import MessageHole
from billing.facts import PayerKind
from billing.npi import good_npi

VERSION = "005010X222A1"
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
DELIMITERS = re.compile(r"[*:~^|>\r\n]")
NUMBER = re.compile(r"[0-9A-Za-z ./_-]+")


class Address(Struct, frozen=True, kw_only=True):
    """A postal address in the United States; nine digits of ZIP for the billing provider and the facility."""

    street: str
    city: str
    state: str
    zip_code: str

    def __repr__(self) -> str:
        return "Address()"


class Person(Struct, frozen=True, kw_only=True):
    """Someone named in a claim."""

    family: str
    given: str = ""

    def __repr__(self) -> str:
        return "Person()"


class Insured(Struct, frozen=True, kw_only=True):
    """Subscriber or patient, with what identifies them to the payer."""

    name: Person
    address: Address
    birth_date: dt.date
    sex: Literal["M", "F", "U"]


class Facility(Struct, frozen=True, kw_only=True):
    """Where the service was given, when that is not the billing provider's place."""

    name: str
    npi: str
    address: Address


class Party(Struct, frozen=True, kw_only=True):
    """A sender or receiver of interchanges."""

    name: str
    id: str
    qualifier: str = "ZZ"


class ClaimContext(Struct, frozen=True, kw_only=True):
    """What a claim needs beside the charge.

    Parameters
    ----------
    control_number : of the interchange, the same on every attempt
    amount : from the site's fee table; without one nothing is exported
    patient : None when the patient is the subscriber; else the patient with `relationship` (PAT-01)
    frequency : 1 a new claim, 7 replaces and 8 voids the one with `payer_control_number`
    """

    submitter: Party
    contact: str
    telephone: str
    receiver: Party
    control_number: int
    created: dt.datetime
    test: bool = False
    billing_name: str
    billing_taxonomy: str
    billing_address: Address
    tax_id: str
    payer_kind: PayerKind
    payer_name: str
    payer_id: str
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

    def __repr__(self) -> str:
        return "ClaimContext()"


def claim(charge: Charge, context: ClaimContext) -> str:
    """The interchange, segment by segment, each ended by ``~`` and a line end.

    Raises
    ------
    MessageHole
        Something is missing or malformed, or the charge is none for a professional claim; `hole` names it.
    """
    amount = _check(charge, context)
    day, clock = context.created.strftime("%Y%m%d"), context.created.strftime("%H%M")
    own = f"{context.control_number:09d}"
    body = [
        ("ST", "837", "0001", VERSION),
        ("BHT", "0019", "00", charge.charge_id, day, clock, "CH"),
        ("NM1", "41", "2", _words(context.submitter.name, 60), "", "", "", "", "46", _number(context.submitter.id)),
        ("PER", "IC", _words(context.contact, 60), "TE", _number(context.telephone)),
        ("NM1", "40", "2", _words(context.receiver.name, 60), "", "", "", "", "46", _number(context.receiver.id)),
        *_biller(charge, context),
        *_insured(context),
        *_claim(charge, context, amount),
    ]
    segments = [
        _interchange(context, own),
        ("GS", "HC", _number(context.submitter.id), _number(context.receiver.id), day, clock, "1", "X", VERSION),
        *body,
        ("SE", str(len(body) + 1), "0001"),
        ("GE", "1", "1"),
        ("IEA", "1", own),
    ]
    return "".join("*".join(_trimmed(s)) + "~\n" for s in segments)


def _interchange(context: ClaimContext, own: str) -> tuple[str, ...]:
    """ISA has fixed widths: its length tells a reader the delimiters."""
    sender, receiver = context.submitter, context.receiver
    blank = " " * 10
    return (
        "ISA",
        "00",
        blank,
        "00",
        blank,
        sender.qualifier,
        _number(sender.id).ljust(15),
        receiver.qualifier,
        _number(receiver.id).ljust(15),
        context.created.strftime("%y%m%d"),
        context.created.strftime("%H%M"),
        "^",
        "00501",
        own,
        "0",
        "T" if context.test else "P",
        ":",
    )


def _biller(charge: Charge, context: ClaimContext) -> list[tuple[str, ...]]:
    return [
        ("HL", "1", "", "20", "1"),
        ("PRV", "BI", "PXC", _number(context.billing_taxonomy)),
        ("NM1", "85", "2", _words(context.billing_name, 60), "", "", "", "", "XX", charge.billing_npi),
        *_place(context.billing_address),
        ("REF", "EI", context.tax_id.replace("-", "")),
    ]


def _insured(context: ClaimContext) -> list[tuple[str, ...]]:
    """Subscriber and payer; the patient too where another person."""
    own, patient = context.subscriber, context.patient
    filing = FILING[context.payer_kind]
    relation = "18" if patient is None else ""
    found = [
        ("HL", "2", "1", "22", "0" if patient is None else "1"),
        ("SBR", "P", relation, _number(context.group_number), "", "", "", "", "", filing),
        ("NM1", "IL", "1", *_name(own.name), "", "", "MI", _number(context.member_id)),
    ]
    if patient is None:
        found += [*_place(own.address), _born(own)]
    found.append(("NM1", "PR", "2", _words(context.payer_name, 60), "", "", "", "", "PI", _number(context.payer_id)))
    if patient is not None:
        found += [
            ("HL", "3", "2", "23", "0"),
            ("PAT", context.relationship),
            ("NM1", "QC", "1", *_name(patient.name)),
            *_place(patient.address),
            _born(patient),
        ]
    return found


def _claim(charge: Charge, context: ClaimContext, amount: str) -> list[tuple[str, ...]]:
    place = f"{charge.pos}:B:{context.frequency}"
    diagnoses = [f"{'ABK' if i == 0 else 'ABF'}:{d.replace('.', '')}" for i, d in enumerate(charge.diagnoses)]
    pointers = ":".join(str(i) for i in range(1, min(len(diagnoses), 4) + 1))
    found: list[tuple[str, ...]] = [
        ("CLM", charge.charge_id, amount, "", "", place, "Y", "A", "Y", "Y"),
    ]
    if context.authorisation:
        found.append(("REF", "G1", _number(context.authorisation)))
    if context.frequency != "1":
        found.append(("REF", "F8", _number(context.payer_control_number)))
    found += [
        ("HI", *diagnoses),
        ("NM1", "DN", "1", *_name(context.ordering), "", "", "XX", charge.ordering_npi),
        ("NM1", "82", "1", *_name(context.rendering), "", "", "XX", charge.rendering_npi),
        ("PRV", "PE", "PXC", _number(context.rendering_taxonomy)),
    ]
    if context.facility is not None:
        where = context.facility
        found += [
            ("NM1", "77", "2", _words(where.name, 60), "", "", "", "", "XX", where.npi),
            *_place(where.address),
        ]
    found += [
        ("LX", "1"),
        ("SV1", ":".join(("HC", charge.code, *charge.modifiers)), amount, "UN", str(charge.units), "", "", pointers),
        ("DTP", "472", "D8", charge.service_date.strftime("%Y%m%d")),
        ("REF", "6R", charge.charge_id),
        ("NM1", "DK", "1", *_name(context.ordering), "", "", "XX", charge.ordering_npi),
    ]
    return found


def _check(charge: Charge, context: ClaimContext) -> str:
    """The line's amount, when nothing is missing."""
    wanted = {"void"} if context.frequency == "8" else {"confirmed", "sent", "rejected"}
    if charge.state not in wanted:
        raise MessageHole("state", f"No claim is written for a charge that is {charge.state}.")
    if charge.identity.component == "institutional":
        raise MessageHole("component", "A hospital's line is no professional claim.")
    if context.payer_kind not in FILING:
        raise MessageHole("payer", "For a patient who pays no claim is written.")
    if context.amount is None or context.amount <= 0:
        raise MessageHole("amount", "The claim cannot be written: the fee table has no amount for this code.")
    needed = {
        "diagnosis": charge.diagnoses,
        "place of service": charge.pos,
        "member id": context.member_id,
        "payer id": context.payer_id,
        "tax id": re.fullmatch(r"\d{2}-?\d{7}", context.tax_id),
        "payer control number": context.frequency == "1" or context.payer_control_number,
        "relationship": context.patient is None or re.fullmatch(r"[0-9A-Z]{2}", context.relationship),
        "billing ZIP with four more digits": len(_digits(context.billing_address.zip_code)) == 9,
        "billing NPI": good_npi(charge.billing_npi),
        "rendering NPI": good_npi(charge.rendering_npi),
        "ordering NPI": good_npi(charge.ordering_npi),
        "facility NPI": context.facility is None or good_npi(context.facility.npi),
        "facility ZIP with four more digits": context.facility is None
        or len(_digits(context.facility.address.zip_code)) == 9,
        "control number": 0 < context.control_number < 10**9,
    }
    for hole, value in needed.items():
        if not value:
            raise MessageHole(hole, f"The claim cannot be written: {hole} is missing or malformed.")
    if len(charge.diagnoses) > 12:
        raise MessageHole("diagnosis", "A claim has room for twelve diagnoses.")
    return str(context.amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def _name(person: Person) -> tuple[str, str, str]:
    """NM1-03 to 05: family, given, and an empty middle name."""
    return _words(person.family, 60), _words(person.given, 35, optional=True), ""


def _place(address: Address) -> list[tuple[str, ...]]:
    state = address.state.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", state) or len(_digits(address.zip_code)) not in {5, 9}:
        raise MessageHole("address", "The claim cannot be written: an address has no state or no ZIP.")
    return [
        ("N3", _words(address.street, 55)),
        ("N4", _words(address.city, 30), state, _digits(address.zip_code)),
    ]


def _born(person: Insured) -> tuple[str, ...]:
    return ("DMG", "D8", person.birth_date.strftime("%Y%m%d"), person.sex)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _words(text: str, room: int, *, optional: bool = False) -> str:
    """Words in the basic set: capitals without accents, delimiters as spaces, cut to the element's room."""
    latin = unicodedata.normalize("NFKD", text)
    latin = "".join(c for c in latin if not unicodedata.combining(c))
    plain = " ".join(DELIMITERS.sub(" ", latin).upper().split())
    if not plain.isascii():
        raise MessageHole("name in Latin letters", "The claim cannot be written: a name has no Latin letters.")
    if not plain and not optional:
        raise MessageHole("name", "The claim cannot be written: a name or address line is missing.")
    return plain[:room].strip()


def _number(text: str) -> str:
    """A number or code as given; a delimiter in it would be read as something else."""
    plain = text.strip()
    if plain and not NUMBER.fullmatch(plain):
        raise MessageHole("identifier", "The claim cannot be written: an identifier has characters that X12 reserves.")
    return plain


def _trimmed(segment: tuple[str, ...]) -> tuple[str, ...]:
    """Without empty elements at the end."""
    last = max(i for i, element in enumerate(segment) if element)
    return segment[: last + 1]
