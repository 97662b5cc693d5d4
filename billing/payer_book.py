"""What is known of payers: dated records, three-valued, with source and the day they were checked.

A record is data of the site: shipped files stand in `billing/payers`, a site's own directory is asked first and its
stated values win over the shipped ones. What no record says is not known.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from billing.errors import TableError
from billing.facts import PayerKind
from billing.icd import in_force

SHIPPED = Path(__file__).parent / "payers"


class PayerRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated record of a payer, or of one of its plans."""

    since: dt.date | None = msgspec.field(default=None, name="from")
    until: dt.date | None = msgspec.field(default=None, name="to")
    plan: str | None = None
    source: str
    checked_on: dt.date
    covered: bool | None = None
    prior_auth_required: bool | None = None
    x_modifiers: bool | None = None
    laterality_modifiers: bool | None = None
    accepts_22: bool | None = None
    gc: bool | None = None
    accepts_without_base: bool | None = None
    auth_vendor: str | None = None
    filing_days: int | None = None
    notes: str | None = None


class PayerTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: all records of a payer kind."""

    kind: PayerKind
    record: tuple[PayerRecord, ...]


class Asked(Struct, frozen=True):
    """A record that is asked, and whether it came with the program."""

    record: PayerRecord
    shipped: bool


class PayerBook(Struct, frozen=True):
    """Tables in the order of asking: the site's first."""

    tables: tuple[PayerTable, ...] = ()

    def record(self, kind: str, plan: str | None, day: dt.date | None) -> PayerRecord | None:
        """What is known of a payer on a day: the site's stated values, then the plan's, then the payer's."""
        found = [one.record for one in self.asked(kind, plan, day)]
        if not found:
            return None
        values = {
            name: next((v for r in found if (v := getattr(r, name)) is not None), None)
            for name in PayerRecord.__struct_fields__
        }
        return msgspec.structs.replace(found[0], **values)

    def known_by(self, day: dt.date) -> PayerBook:
        """The book as it was on a day: without records that were checked only later."""
        tables = (
            msgspec.structs.replace(t, record=tuple(r for r in t.record if r.checked_on <= day)) for t in self.tables
        )
        return PayerBook(tuple(tables))

    def asked(self, kind: str, plan: str | None, day: dt.date | None) -> list[Asked]:
        """The records in force on a day in the order of asking; of two from the same day the one written later."""
        found: list[Asked] = []
        tables = [(t, False) for t in self.tables if t.kind == kind] + [(t, True) for t in _shipped(kind)]
        for table, shipped in tables:
            usable = [r for r in reversed(table.record) if in_force(r.since, r.until, day)]
            usable.sort(key=lambda r: r.since or dt.date.min, reverse=True)
            found += [Asked(r, shipped) for r in usable if r.plan is not None and _names(plan, r.plan)]
            found += [Asked(r, shipped) for r in usable if r.plan is None]
        return found


def read_payer_table(content: Mapping[str, Any], *, name: str) -> PayerTable:
    """Check the parsed content of one payer file.

    Raises
    ------
    TableError
        With the file's name and the key path of the mistake.
    """
    try:
        return msgspec.convert(dict(content), PayerTable)
    except msgspec.ValidationError as error:
        raise TableError(f"{name}: {error}.") from None


@lru_cache(maxsize=16)
def _shipped(kind: str) -> tuple[PayerTable, ...]:
    path = SHIPPED / f"{kind}.toml"
    if not path.is_file():
        return ()
    return (read_payer_table(tomllib.loads(path.read_text(encoding="utf-8")), name=path.name),)


def _names(plan: str | None, wanted: str) -> bool:
    """Whether the case's plan is the record's plan: by its words, without regard to case."""
    return plan is not None and wanted.casefold() in plan.casefold()


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(PayerTable)
