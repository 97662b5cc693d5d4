"""The charges' ledger on disk: append-only rows in a chain, and one active charge for each service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from workstation.archive.db import Database

_COLUMNS = "number, charge_id, state, at, line, previous, hash"


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One transition of a charge as the archive keeps it; `line` is JSON that the archive does not look into."""

    number: int
    charge_id: str
    state: str
    at: str
    line: str
    previous: str
    hash: str


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What a new charge is for, so that it is found again. `service_date` is YYYY-MM-DD."""

    service_key: str
    patient_issuer: str
    patient_id: str
    service_date: str
    study_uid: str
    session: int

    def __repr__(self) -> str:
        return "Begun(...)"


class LedgerTable:
    """Rows of the ledger, and which charge holds a service."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def rows(self, *, after: int = 0) -> tuple[LedgerRow, ...]:
        """Every row in order, or those behind a number."""
        return self._rows("WHERE number > ?", after)

    def rows_of(self, charge_id: str) -> tuple[LedgerRow, ...]:
        """Rows of one charge in order."""
        return self._rows("WHERE charge_id = ?", charge_id)

    def last(self) -> LedgerRow | None:
        """The row at the end."""
        found = self._rows("WHERE number = (SELECT max(number) FROM ledger)")
        return found[0] if found else None

    def _rows(self, where: str, *values: str | int) -> tuple[LedgerRow, ...]:
        return tuple(
            msgspec.convert(dict(zip(LedgerRow.__struct_fields__, row, strict=True)), LedgerRow)
            for row in self._db.rows(f"SELECT {_COLUMNS} FROM ledger {where} ORDER BY number", values)
        )

    def count(self) -> int:
        """How many rows there are."""
        row = self._db.one("SELECT count(*) FROM ledger")
        return int((row[0] if row else 0) or 0)

    def head(self) -> tuple[int, str] | None:
        """Number and hash of the last row as they were kept beside it; None in an empty ledger."""
        row = self._db.one("SELECT number, hash FROM ledger_head WHERE one = 1")
        return None if row is None else (int(row[0] or 0), str(row[1]))

    def append(self, row: LedgerRow, begun: Begun | None = None) -> None:
        """Write a row at the end, inside the caller's transaction; `begun` where a charge begins with it."""
        self._db.change(
            f"INSERT INTO ledger ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.number, row.charge_id, row.state, row.at, row.line, row.previous, row.hash),
        )
        self._db.change(
            "INSERT INTO ledger_head (one, number, hash) VALUES (1, ?, ?) "
            "ON CONFLICT (one) DO UPDATE SET number = excluded.number, hash = excluded.hash",
            (row.number, row.hash),
        )
        if begun is not None:
            self._db.change(
                "INSERT INTO charges (charge_id, row_number, service_key, patient_issuer, patient_id, service_date, "
                "study_uid, session) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row.charge_id, row.number, *(getattr(begun, name) for name in Begun.__struct_fields__)),
            )

    def begun(self) -> dict[str, Begun]:
        """What each charge is found by."""
        names = Begun.__struct_fields__
        rows = self._db.rows(f"SELECT charge_id, {', '.join(names)} FROM charges")
        return {str(r[0]): msgspec.convert(dict(zip(names, r[1:], strict=True)), Begun) for r in rows}

    def of_key(self, service_key: str) -> tuple[str, ...]:
        """Every charge that a service ever had."""
        return self._ids("service_key = ?", service_key)

    def of_day(self, patient_issuer: str, patient_id: str, service_date: str) -> tuple[str, ...]:
        """A patient's charges of a service date."""
        where = "patient_issuer = ? AND patient_id = ? AND service_date = ?"
        return self._ids(where, patient_issuer, patient_id, service_date)

    def of_study(self, study_uid: str) -> tuple[str, ...]:
        """Charges for a source study."""
        return self._ids("study_uid = ?", study_uid)

    def _ids(self, where: str, *values: str) -> tuple[str, ...]:
        rows = self._db.rows(f"SELECT charge_id FROM charges WHERE {where} ORDER BY row_number", values)
        return tuple(str(r[0]) for r in rows)

    def claim(self, service_key: str, charge_id: str) -> str:
        """Take a service for a charge; the charge that holds it (this one, or the one that came first)."""
        self._db.change(
            "INSERT INTO active_services (service_key, charge_id) VALUES (?, ?) ON CONFLICT (service_key) DO NOTHING",
            (service_key, charge_id),
        )
        return self.holder(service_key) or charge_id

    def holder(self, service_key: str) -> str | None:
        """The charge that holds a service, or None."""
        row = self._db.one("SELECT charge_id FROM active_services WHERE service_key = ?", (service_key,))
        return None if row is None else str(row[0])

    def holders(self) -> dict[str, str]:
        """Every service that is held, and its charge."""
        return {str(r[0]): str(r[1]) for r in self._db.rows("SELECT service_key, charge_id FROM active_services")}

    def give_up(self, charge_id: str) -> None:
        """A voided or replaced charge holds its service no longer."""
        self._db.change("DELETE FROM active_services WHERE charge_id = ?", (charge_id,))


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(LedgerRow)
