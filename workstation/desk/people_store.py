"""Accounts in the home's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workstation.people.accounts import Account

if TYPE_CHECKING:
    from workstation.archive.db import Database, Row

_COLUMNS = "account, name, role, npi, taxonomy, secret, failures, locked_until, active"


class AccountTable:
    """The table of accounts, as `People` wants it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, account: str) -> Account | None:
        """One account, or None."""
        row = self._db.one(f"SELECT {_COLUMNS} FROM accounts WHERE account = ?", (account,))
        return None if row is None else _account(row)

    def put(self, account: Account, at: str) -> None:
        """Keep an account; the time of its making stays."""
        with self._db.writing() as db:
            db.change(
                f"INSERT INTO accounts ({_COLUMNS}, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (account) DO UPDATE SET name = excluded.name, role = excluded.role, npi = excluded.npi, "
                "taxonomy = excluded.taxonomy, secret = excluded.secret, failures = excluded.failures, "
                "locked_until = excluded.locked_until, active = excluded.active",
                (
                    account.account,
                    account.name,
                    account.role,
                    account.npi,
                    account.taxonomy,
                    account.secret,
                    account.failures,
                    account.locked_until,
                    int(account.active),
                    at,
                ),
            )

    def all(self) -> tuple[Account, ...]:
        """Every account, by name."""
        return tuple(_account(r) for r in self._db.rows(f"SELECT {_COLUMNS} FROM accounts ORDER BY account"))


def _account(row: Row) -> Account:
    names = [c.strip() for c in _COLUMNS.split(",")]
    values = dict(zip(names, row, strict=True))
    values["active"] = bool(values["active"])
    return msgspec.convert(values, Account)
