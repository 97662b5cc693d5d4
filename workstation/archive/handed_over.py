"""What was handed to receivers as files, what they answered, and how patients are insured."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workstation.archive.db import Database, Value

_R = TypeVar("_R", bound=msgspec.Struct)


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A file with charges; `number` is its control number too. `written` is 0 until the file stands on the disk."""

    number: int
    format: str
    body: str
    sha256: str
    file: str
    account: str
    at: str
    written: int = 0

    def __repr__(self) -> str:
        return f"Export({self.number}, {self.format})"


class ExportedCharge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge in an export: its place in it from 1 on, and as what it stands there (``charge`` or ``credit``)."""

    export_number: int
    place: int
    charge_id: str
    what: str


class TakenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a receiver said. `digest` is of the whole file or message, `place` counts in it from 1."""

    digest: str
    place: int
    kind: str
    control_id: str
    charge_id: str
    outcome: str
    reason: str = ""
    payer_number: str = ""
    account: str = ""
    taken_at: str = ""


class CoverageRow(msgspec.Struct, frozen=True, kw_only=True):
    """How a patient is insured with a kind of payer; `value` is JSON that the archive does not look into."""

    patient_issuer: str
    patient_id: str
    payer_kind: str
    value: str
    account: str
    at: str

    def __repr__(self) -> str:
        return f"CoverageRow({self.payer_kind})"


class Exports:
    """Exports of one home."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def next_number(self) -> int:
        """The number of the next export; inside a transaction nobody else gets it."""
        row = self._db.one("SELECT coalesce(max(number), 0) + 1 FROM exports")
        return int(row[0] or 1) if row else 1

    def put(self, export: Export, charges: Sequence[ExportedCharge]) -> None:
        """Keep an export with its charges, inside the caller's transaction."""
        _insert(self._db, "exports", export)
        for one in charges:
            _insert(self._db, "exported_charges", one)

    def wrote(self, number: int, file: str) -> None:
        """The file stands on the disk."""
        with self._db.writing() as db:
            db.change("UPDATE exports SET written = 1, file = ? WHERE number = ?", (file, number))

    def all(self) -> tuple[Export, ...]:
        """Every export, in order."""
        return tuple(_read(self._db, Export, "exports", " ORDER BY number"))

    def get(self, number: int) -> Export | None:
        """One export, or None."""
        return next(iter(_read(self._db, Export, "exports", " WHERE number = ?", (number,))), None)

    def charges(self) -> tuple[ExportedCharge, ...]:
        """Every charge in every export, in order."""
        return tuple(_read(self._db, ExportedCharge, "exported_charges", " ORDER BY export_number, place"))


class Answers:
    """What receivers said to one home."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, answer: TakenAnswer) -> bool:
        """Keep an answer; False when this very answer was taken in before."""
        with self._db.writing():
            return bool(_insert(self._db, "answers", answer, " ON CONFLICT (digest, place) DO NOTHING"))

    def of_charge(self, charge_id: str) -> tuple[TakenAnswer, ...]:
        """What was said of a charge, in the order of taking in."""
        order = " WHERE charge_id = ? ORDER BY taken_at, digest, place"
        return tuple(_read(self._db, TakenAnswer, "answers", order, (charge_id,)))

    def all(self) -> tuple[TakenAnswer, ...]:
        """Everything that was said, in the order of taking in."""
        return tuple(_read(self._db, TakenAnswer, "answers", " ORDER BY taken_at, digest, place"))


class Coverages:
    """How the patients of one home are insured."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, row: CoverageRow) -> None:
        """Keep what is known now in place of what was known before."""
        with self._db.writing():
            _insert(
                self._db,
                "coverages",
                row,
                " ON CONFLICT (patient_issuer, patient_id, payer_kind) DO UPDATE SET value = excluded.value, "
                "account = excluded.account, at = excluded.at",
            )

    def get(self, patient_issuer: str, patient_id: str, payer_kind: str) -> CoverageRow | None:
        """What is known of a patient with a kind of payer, or None."""
        where = " WHERE patient_issuer = ? AND patient_id = ? AND payer_kind = ?"
        found = _read(self._db, CoverageRow, "coverages", where, (patient_issuer, patient_id, payer_kind))
        return next(iter(found), None)


def _insert(db: Database, table: str, row: msgspec.Struct, end: str = "") -> int:
    names = row.__struct_fields__
    marks = ", ".join("?" * len(names))
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}){end}"
    return db.change(sql, [getattr(row, name) for name in names])


def _read(db: Database, kind: type[_R], table: str, end: str, values: tuple[Value, ...] = ()) -> list[_R]:
    names = kind.__struct_fields__
    rows = db.rows(f"SELECT {', '.join(names)} FROM {table}{end}", values)
    return [msgspec.convert(dict(zip(names, row, strict=True)), kind) for row in rows]


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(Export)
msgspec.json.Decoder(ExportedCharge)
msgspec.json.Decoder(TakenAnswer)
msgspec.json.Decoder(CoverageRow)
