"""What a site has settled for itself: decisions, fees, and how its charges leave the house."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from billing import codes
from billing.errors import TableError
from billing.facts import PayerKind
from billing.messages.layout import Layout, Receiver
from billing.parties import Biller, Named, Place, Seller

_FEE = re.compile(rf"({'|'.join(codes.FAMILY)})(-26|-TC)?")
_REVENUE = re.compile(r"\d{4}")


class PayerName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a payer is named to the clearing house (`[[billing.payers]]`); a plan's own record goes first.

    Parameters
    ----------
    id : the payer's number with that clearing house
    receiver_name, receiver_id : the clearing house, or the payer itself
    """

    kind: PayerKind
    plan: str = ""
    name: str
    id: str
    receiver_name: str
    receiver_id: str

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.id.strip() or not self.receiver_id.strip():
            raise ValueError("name, id and receiver_id of a payer are not empty")


class Site(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a site (`[billing]` of its file).

    Parameters
    ----------
    accepted_taxonomies : taxonomy codes that a coder accepted as readers of imaging (R-TX-01); they count only when
        they stand in an imported NUCC file
    late_days : a charge confirmed later than this many days after the service is marked late
    locality : payment locality for the estimate, contractor and number as in 05102-01; "" for the national amount
    qualifying_apm : whether the readers are qualifying participants, who have a factor of their own from 2026 on
    fees : charged amount in US dollars by code for the whole service (76377), by code and part for the professional
        and the technical part (76377-26, 76377-TC)
    revenue_codes : revenue code by modality, or by procedure code, where the hospital departs from the usual ones
    facility_type : first two digits of the type of bill on hospital claims (13: outpatient)
    test : messages and claims are marked as tests, while a receiver is being tried out
    message, receivers : form and destinations of HL7 messages
    billers, payers, facilities : whom claims name
    providers : names of ordering and rendering providers that order and accounts do not tell
    purchased : the seller of technical parts that the site buys
    """

    accepted_taxonomies: tuple[str, ...] = ()
    late_days: int = 3
    locality: str = ""
    qualifying_apm: bool = False
    fees: dict[str, Decimal] = msgspec.field(default_factory=dict)
    revenue_codes: dict[str, str] = msgspec.field(default_factory=dict)
    facility_type: str = "13"
    test: bool = False
    message: Layout = Layout()
    receivers: tuple[Receiver, ...] = ()
    billers: tuple[Biller, ...] = ()
    payers: tuple[PayerName, ...] = ()
    facilities: tuple[Place, ...] = ()
    providers: tuple[Named, ...] = ()
    purchased: Seller | None = None

    def __post_init__(self) -> None:
        for code, amount in self.fees.items():
            if not _FEE.fullmatch(code):
                raise ValueError(f"fees names {code}; write 76377, 76377-26 or 76377-TC")
            if not amount.is_finite() or amount <= 0 or amount >= 10**7:
                raise ValueError(f"fees gives {code} no amount above 0")
        for what, code in self.revenue_codes.items():
            if not _REVENUE.fullmatch(code):
                raise ValueError(f"revenue_codes gives {what} a code that is not four digits")
        if not re.fullmatch(r"\d{2}", self.facility_type):
            raise ValueError("facility_type is two digits")
        names = [r.name for r in self.receivers]
        if len(set(names)) != len(names):
            raise ValueError("receivers has one name twice")
        for component in ("26", "TC", "global", "institutional"):
            if sum(r.takes(component) for r in self.receivers) > 1:
                raise ValueError(f"receivers: more than one takes the part {component}; name the parts of each")
        if len({b.npi for b in self.billers}) != len(self.billers):
            raise ValueError("billers has one npi twice")

    def fee(self, code: str, component: str) -> Decimal | None:
        """The charged amount of a code for a part of the service; None where the site states none."""
        return self.fees.get(f"{code}-{component}" if component in {"26", "TC"} else code)

    def receiver_of(self, component: str) -> Receiver | None:
        """Where messages about this part of the service go, None for nowhere."""
        return next((r for r in self.receivers if r.takes(component)), None)

    def biller_of(self, npi: str) -> Biller | None:
        """The biller with this NPI."""
        return next((b for b in self.billers if b.npi == npi), None)

    def payer_of(self, kind: str, plan: str | None) -> PayerName | None:
        """How a payer is named: the plan's record, else the payer's."""
        of_kind = [p for p in self.payers if p.kind == kind]
        words = (plan or "").casefold()
        named = next((p for p in of_kind if p.plan and p.plan.casefold() in words), None)
        return named or next((p for p in of_kind if not p.plan), None)

    def name_of(self, npi: str) -> Named | None:
        """The name that the site gives for an NPI."""
        return next((n for n in self.providers if n.npi == npi), None)

    def facility_of(self, pos: str) -> Place | None:
        """The facility that a place of service stands for."""
        return next((f for f in self.facilities if pos in f.pos), None)


def read_site(content: Mapping[str, Any], *, name: str) -> Site:
    """Check the `[billing]` table of a parsed site file; other tables belong to others.

    Raises
    ------
    TableError
        With the file's name and the key path of the mistake.
    """
    try:
        return msgspec.convert(content.get("billing", {}), Site)
    except msgspec.ValidationError as error:
        raise TableError(f"{name}: {error}.") from None
