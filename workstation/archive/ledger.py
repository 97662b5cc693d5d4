"""The charges' ledger on disk: append-only rows in a chain, and one active charge for each service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from workstation.archive.db import Database


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One transition of a charge as the archive keeps it; `line` is JSON that the archive does not look into."""

    number: int
    charge_id: str
    state: str
    at: str
    line: str
    previous: str
    hash: str


class LedgerTable:
    """Rows of the ledger, and which charge holds a service."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def rows(self) -> tuple[LedgerRow, ...]:
        """Every row in order."""
        sql = "SELECT number, charge_id, state, at, line, previous, hash FROM ledger ORDER BY number"
        return tuple(
            msgspec.convert(dict(zip(LedgerRow.__struct_fields__, row, strict=True)), LedgerRow)
            for row in self._db.rows(sql)
        )

    def append(self, row: LedgerRow) -> None:
        """Write a row at the end, inside the caller's transaction."""
        self._db.change(
            "INSERT INTO ledger (number, charge_id, state, at, line, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.number, row.charge_id, row.state, row.at, row.line, row.previous, row.hash),
        )

    def claim(self, service_key: str, charge_id: str) -> str:
        """Take a service for a charge; the charge that holds it (this one, or the one that came first)."""
        self._db.change(
            "INSERT INTO active_services (service_key, charge_id) VALUES (?, ?) ON CONFLICT (service_key) DO NOTHING",
            (service_key, charge_id),
        )
        row = self._db.one("SELECT charge_id FROM active_services WHERE service_key = ?", (service_key,))
        return str(row[0]) if row else charge_id

    def give_up(self, charge_id: str) -> None:
        """A voided or replaced charge holds its service no longer."""
        self._db.change("DELETE FROM active_services WHERE charge_id = ?", (charge_id,))
