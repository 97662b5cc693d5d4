"""People, places and organisations that claims name."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from billing.npi import good_npi

TAXONOMY = re.compile(r"[0-9A-Z]{9}X")
TAX_ID = re.compile(r"\d{2}-?\d{7}")
ZIP9 = re.compile(r"\d{5}-?\d{4}")
STATE = re.compile(r"[A-Z]{2}")


class Address(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A postal address in the United States; nine digits of ZIP for the billing provider and the facility."""

    street: str
    city: str
    state: str
    zip_code: str

    def __repr__(self) -> str:
        return "Address()"


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Someone named in a claim."""

    family: str
    given: str = ""

    def __repr__(self) -> str:
        return "Person()"


class Insured(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Subscriber or patient, with what identifies them to the payer."""

    name: Person
    address: Address
    birth_date: dt.date
    sex: Literal["M", "F", "U"]

    def __repr__(self) -> str:
        return "Insured()"


class Facility(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the service was given, when that is not the billing provider's place."""

    name: str
    npi: str
    address: Address


class Party(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sender or receiver of interchanges."""

    name: str
    id: str
    qualifier: str = "ZZ"


class Biller(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who bills, as claims name them; found by the charge's billing NPI.

    Parameters
    ----------
    submitter_id : the number that the clearing house gave (ISA-06, NM1*41)
    contact, telephone : whom the receiver asks about a file
    accepts_assignment : claims go with assignment (CLM-07, box 27)
    """

    npi: str
    name: str
    taxonomy: str
    tax_id: str
    address: Address
    submitter_id: str
    contact: str
    telephone: str
    accepts_assignment: bool = True

    def __post_init__(self) -> None:
        _npi(self.npi)
        if not TAXONOMY.fullmatch(self.taxonomy):
            raise ValueError("taxonomy is ten characters of the NUCC list, as in 2085R0202X")
        if not TAX_ID.fullmatch(self.tax_id):
            raise ValueError("tax_id is nine digits, as in 12-3456789")
        if not re.fullmatch(r"\d{10}", re.sub(r"\D", "", self.telephone)):
            raise ValueError("telephone has ten digits")
        _nine(self.address)


class Place(Facility, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A facility of the site with the places of service (two digits) that it stands for."""

    pos: tuple[str, ...]

    def __post_init__(self) -> None:
        _npi(self.npi)
        _nine(self.address)
        if not self.pos or any(not re.fullmatch(r"\d{2}", p) for p in self.pos):
            raise ValueError("pos lists two digits for each place of service, as in ['19', '22']")


class Named(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider by NPI with the name that claims write."""

    npi: str
    family: str
    given: str = ""

    def __post_init__(self) -> None:
        _npi(self.npi)
        if not self.family.strip():
            raise ValueError("family is empty")

    def __repr__(self) -> str:
        return f"Named({self.npi})"


class Seller(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From whom the site buys the technical part of a 3D service, and for how much in US dollars."""

    npi: str
    amount: Decimal

    def __post_init__(self) -> None:
        _npi(self.npi)
        if not self.amount.is_finite() or self.amount <= 0:
            raise ValueError("amount is above 0")


def _npi(npi: str) -> None:
    if not good_npi(npi):
        raise ValueError("npi is ten digits with the right check digit")


def _nine(address: Address) -> None:
    if not ZIP9.fullmatch(address.zip_code):
        raise ValueError("zip_code has nine digits, as in 62701-1234")
    if not STATE.fullmatch(address.state):
        raise ValueError("state is two capital letters")
