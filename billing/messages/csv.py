"""Charges as a table for systems that take neither HL7 nor X12: one line per charge, RFC 4180, UTF-8."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable

from billing.charge import Charge
from billing.errors import MessageHole
from billing.messages.proof import Said, prove
from billing.reference.tables import BUILT_IN, References

TAKEN_BACK = frozenset({"void", "replaced"})
COLUMNS = (
    "charge_id",
    "state",
    "replaces",
    "patient_issuer",
    "patient_id",
    "accession",
    "service_date",
    "code",
    "modifier_1",
    "modifier_2",
    "modifier_3",
    "modifier_4",
    "units",
    "component",
    "place_of_service",
    "diagnoses",
    "rendering_npi",
    "ordering_npi",
    "billing_npi",
    "confirmed_at",
    "late",
    "rules_version",
)


def table(charges: Iterable[Charge], *, references: References = BUILT_IN) -> str:
    """Heading and one line per charge, in the given order; read back and proved.

    A cell that a spreadsheet would take for a formula is written with an apostrophe before it.

    Raises
    ------
    MessageHole
        A draft is no charge yet; or a line would not say what its charge says.
    """
    given = tuple(charges)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for charge in given:
        if charge.state == "draft":
            raise MessageHole("state", "A draft is no charge yet and stands in no table.")
        modifiers = [*charge.modifiers, "", "", "", ""][:4]
        row = (
            charge.charge_id,
            charge.state,
            charge.replaces or "",
            charge.identity.patient_issuer,
            charge.identity.patient_id,
            charge.identity.accession or "",
            charge.service_date.isoformat(),
            charge.code,
            *modifiers,
            str(charge.units),
            charge.identity.component,
            charge.pos,
            " ".join(charge.diagnoses),
            charge.rendering_npi,
            charge.ordering_npi,
            charge.billing_npi,
            charge.confirmed_at,
            "yes" if charge.late else "no",
            charge.rules_version,
        )
        writer.writerow([_plain(cell) for cell in row])
    text = out.getvalue()
    for line, charge in zip(csv.DictReader(io.StringIO(text, newline="")), given, strict=True):
        prove(_said(line), charge, taken_back=charge.state in TAKEN_BACK, references=references)
    return text


def _said(row: dict[str, str]) -> Said:
    """What a line says."""
    try:
        day = dt.date.fromisoformat(row["service_date"])
    except ValueError:
        raise MessageHole("service date", "The table cannot be written: a service date is none.") from None
    return Said(
        charge_id=row["charge_id"],
        code=row["code"],
        modifiers=tuple(m for n in (1, 2, 3, 4) if (m := row[f"modifier_{n}"])),
        units=row["units"],
        diagnoses=tuple(row["diagnoses"].split()),
        day=day,
        pos=row["place_of_service"],
        npis={who: row[f"{who}_npi"] for who in ("rendering", "ordering", "billing")},
    )


def _plain(cell: str) -> str:
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
