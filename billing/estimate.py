"""What Medicare's fee schedule would pay: an estimate, shown with its files and never without that word.

Payment = (work x GPCI work + practice expense x GPCI PE + malpractice x GPCI MP) x conversion factor, rounded once
(CMS, 42 CFR 414.20). In a facility the facility's practice expense counts.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from billing import codes
from billing.facts import ComponentName, Facts
from billing.reference.fees import Locality, conversion_of
from billing.reference.tables import References
from billing.site import Site

CENT = Decimal("0.01")
NATIONAL = Locality(
    mac="", state="", number="", name="national", work=Decimal(1), pe=Decimal(1), malpractice=Decimal(1), floored=False
)
ROW_OF: dict[ComponentName, str] = {"26": "26", "TC": "TC", "global": "", "institutional": ""}


class EstimateFile(Struct, frozen=True):
    """A file that an estimate stands on."""

    file: str
    effective: dt.date


class Estimate(Struct, frozen=True, kw_only=True):
    """An estimated payment for one unit. Amounts are decimal text in US dollars, never floating point."""

    amount: Decimal
    currency: str = "USD"
    component: ComponentName
    locality: str
    conversion_factor: Decimal
    files: tuple[EstimateFile, ...]
    text: str


def estimate(
    facts: Facts, code: str | None, component: ComponentName | None, references: References, site: Site
) -> Estimate | None:
    """The estimated payment, or None when a file for the day is not there or the code is not known yet.

    Without a locality of the site all indices are 1: the national amount.
    """
    day = facts.service.date
    if code is None or component is None or day is None:
        return None
    fees = references.fees_of(day, qualifying=site.qualifying_apm)
    row = fees.row(code, ROW_OF[component]) if fees else None
    if fees is None or row is None:
        return None
    files = [EstimateFile(fees.file, fees.effective)]
    if component == "institutional":
        return Estimate(
            amount=Decimal("0.00"),
            component=component,
            locality="",
            conversion_factor=Decimal(0),
            files=tuple(files),
            text="Estimate: packaged into the hospital's payment for the day; no separate payment.",
        )
    where = NATIONAL
    if site.locality:
        indices = references.localities_of(day)
        known = indices.rows.get(site.locality) if indices else None
        if indices is None or known is None:
            return None
        where = known
        files.append(EstimateFile(indices.file, indices.effective))
    factor = conversion_of(row, fees, day)
    in_facility = facts.claim.pos in codes.FACILITY_POS
    expense = row.pe_facility if in_facility else row.pe_office
    total = row.work * where.work + expense * where.pe + row.malpractice * where.malpractice
    amount = (total * factor).quantize(CENT, rounding=ROUND_HALF_UP)
    sources = ", ".join(f"{f.file} of {f.effective}" for f in files)
    place = f"locality {site.locality} ({where.name})" if site.locality else "national, no locality is set"
    return Estimate(
        amount=amount,
        component=component,
        locality=site.locality or "national",
        conversion_factor=factor,
        files=tuple(files),
        text=(
            f"Estimate: Medicare's fee schedule gives {amount} USD for {_words(component)} "
            f"({place}; factor {factor}; {sources}). What a modifier or another payer changes is not counted."
        ),
    )


def _words(component: ComponentName) -> str:
    return {"26": "the physician's part (26)", "TC": "the technical part (TC)", "global": "both parts together"}[
        component
    ]
