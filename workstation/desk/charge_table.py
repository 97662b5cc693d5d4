"""Charges since the last time as a table (CSV) for systems that take no messages: charge and credit, each once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from billing.charge import ACTIVE, Charge
from billing.errors import BillingError
from billing.messages import csv
from workstation.archive.handed_over import Export, ExportedCharge
from workstation.base.atomic import make_folder, write_bytes
from workstation.base.errors import InputRefused
from workstation.desk.charge_ledger import ledger_of
from workstation.people.roles import require

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.desk.place import Place

FORMAT = "csv"
FOLDER = "exports"


@dataclass(frozen=True)
class TableExport:
    """A written table: its number, its file, and how many charges and credits stand in it."""

    number: int
    path: Path
    charges: int
    credits: int


def export_since_last(place: Place, actor: Actor | None) -> TableExport:
    """Write what no earlier table held: new charges, and charges of earlier tables that were voided or replaced since.

    What is in the table is settled in one transaction; a file that could not be written is written by the next call.

    Raises
    ------
    NotAllowed
        Not the role for it.
    InputRefused
        ``nothing_new``: everything was handed over already.
    """
    require(actor.role if actor else None, "confirm_charge")
    assert actor is not None
    folder = make_folder(place.home / FOLDER)
    left = next((e for e in place.exports.all() if e.format == FORMAT and not e.written), None)
    if left is None:
        left = _settle(place, actor)
    path = folder / left.file
    write_bytes(path, left.body.encode("utf-8-sig"))
    place.exports.wrote(left.number, left.file)
    told = [c.what for c in place.exports.charges() if c.export_number == left.number]
    return TableExport(left.number, path, told.count("charge"), told.count("credit"))


def _settle(place: Place, actor: Actor) -> Export:
    with place.db.writing():
        numbers = {e.number for e in place.exports.all() if e.format == FORMAT}
        known = {(c.charge_id, c.what) for c in place.exports.charges() if c.export_number in numbers}
        found = [(c, what) for c in ledger_of(place).charges().values() if (what := _what(c, known))]
        if not found:
            raise InputRefused("nothing_new", "Every charge was exported already; there is nothing new.")
        try:
            body = csv.table(c for c, _ in found)
        except BillingError as error:
            raise InputRefused(error.code, error.sentence) from error
        number = place.exports.next_number()
        export = Export(
            number=number,
            format=FORMAT,
            body=body,
            sha256=hashlib.sha256(body.encode("utf-8-sig")).hexdigest(),
            file=f"charges-{number:06d}.csv",
            account=actor.account,
            at=place.now(),
        )
        rows = [
            ExportedCharge(export_number=number, place=n, charge_id=c.charge_id, what=what)
            for n, (c, what) in enumerate(found, 1)
        ]
        place.exports.put(export, rows)
        place.act("charges_exported", actor, number=number, format=FORMAT, charges=len(found), sha256=export.sha256)
    return export


def _what(charge: Charge, known: set[tuple[str, str]]) -> str:
    """As what a charge belongs into the next table; "" when it does not."""
    if charge.state in ACTIVE:
        return "" if (charge.charge_id, "charge") in known else "charge"
    handed, taken_back = (charge.charge_id, "charge") in known, (charge.charge_id, "credit") in known
    return "credit" if handed and not taken_back else ""
