"""The billing ledger on the archive's table: rows in the home's database, one active charge for each service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from billing.errors import BillingError
from billing.ledger import Ledger, Row, verify
from workstation.archive.ledger import LedgerRow, LedgerTable

if TYPE_CHECKING:
    from workstation.case.model import Case
    from workstation.desk.place import Place


class ChargeStore:
    """`LedgerStore` over the table; every act runs inside the caller's transaction."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def rows(self) -> Sequence[Row]:
        """Every row in order."""
        return tuple(msgspec.convert(msgspec.to_builtins(r), Row) for r in self._table.rows())

    def append(self, row: Row) -> None:
        """Write a row at the end."""
        self._table.append(msgspec.convert(msgspec.to_builtins(row), LedgerRow))

    def claim(self, key: str, charge_id: str) -> str:
        """Take a service for a charge; the charge that holds it."""
        return self._table.claim(key, charge_id)

    def give_up(self, charge_id: str) -> None:
        """The charge holds its service no longer."""
        self._table.give_up(charge_id)


def ledger_of(place: Place) -> Ledger:
    """The ledger of a home."""
    return Ledger(ChargeStore(place.ledger))


def day_of(place: Place, case: Case, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Charges of this patient on the service's day, in the facts format, without the case's own active one.

    The case's own charge is left out, or deciding the case again would find it to be its own duplicate.
    """
    date = (facts.get("service") or {}).get("date")
    patient = facts.get("patient") or {}
    if not date or not patient.get("id"):
        return []
    from workstation.desk.reconcile import known_as

    # after a merge the day's charges may stand under any number of the same person
    ledger = ledger_of(place)
    names = known_as(place, patient.get("issuer") or "", patient["id"])
    found = [entry for issuer, number in names for entry in ledger.day(issuer, number, date)]
    return [msgspec.to_builtins(entry) for entry in found if entry.charge_id != case.charge]


def broken_ledger(place: Place) -> str:
    """What is wrong with the ledger's chain in one sentence, or ""."""
    try:
        verify(ChargeStore(place.ledger).rows())
    except BillingError as error:
        return str(error)
    except msgspec.MsgspecError:
        return "A row of the ledger cannot be read."
    return ""
