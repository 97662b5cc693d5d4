"""What the ledger says, kept between readings: a biller's list is made anew many times an hour, years of charges once.

Rows are only appended, and each hash covers all rows before it. So what was made of the rows up to one is right for as
long as that row is there with the same hash, whichever workstation wrote it; only rows behind it are read. Where the
row is another one (an act that was taken back whole before it was kept, another database in the same place), everything
is read again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from billing.charge import Charge
from billing.errors import LedgerError
from billing.ledger import START, Ledger, carry_on
from workstation.desk.charge_ledger import ChargeStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workstation.archive.ledger import LedgerTable


@dataclass(frozen=True)
class Grounds:
    """What lists show of a charge's frozen facts and answer, which never change.

    Parameters
    ----------
    payer, plan : who pays; "" where it is not known
    amount : estimated payment in US dollars as text, "" without an estimate
    as_of : the day whose rules decided, YYYY-MM-DD
    """

    payer: str
    plan: str
    amount: str
    as_of: str


@dataclass(frozen=True)
class Reading:
    """Every charge in its present state, in the order of confirming, up to a row of the ledger.

    Parameters
    ----------
    charges : by id, with empty facts and answer: those are most of a charge (17,000 characters), and no list needs more
        of them than `grounds`; `Ledger.get` has the whole charge
    reasons : the last reason that was given for a change of each charge; a charge without one is not in it
    grounds : by id of the charge
    number, hash : of the last row that was read; 0 and `START` before the first
    """

    charges: Mapping[str, Charge] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    grounds: Mapping[str, Grounds] = field(default_factory=dict)
    number: int = 0
    hash: str = START

    def __repr__(self) -> str:
        return f"Reading({len(self.charges)} charges, row {self.number})"


class LedgerReading:
    """The reading of one home that all its lists share. Two threads may read at once: each makes a whole new one."""

    def __init__(self, table: LedgerTable) -> None:
        self._store = ChargeStore(table)
        self._kept = Reading()
        self.decoded = 0
        """How many rows were decoded since the program started."""

    def now(self) -> Reading:
        """What the ledger says at this moment.

        Raises
        ------
        LedgerError
            A row is about a charge that was never confirmed.
        """
        before = self._kept
        rows = self._store.rows_from(before.number)
        if before.number and (not rows or (rows[0].number, rows[0].hash) != (before.number, before.hash)):
            before = Reading()
            rows = self._store.rows()
        new = rows[1:] if before.number else rows
        if not new:
            self._kept = before
            return before
        charges, reasons, grounds = dict(before.charges), dict(before.reasons), dict(before.grounds)
        for row in new:
            line = carry_on(charges, row)
            self.decoded += 1
            if line.reason:
                reasons[row.charge_id] = line.reason
            if line.charge is not None:
                grounds[row.charge_id] = _grounds(line.charge)
                charges[row.charge_id] = msgspec.structs.replace(line.charge, facts="", answer="")
        self._kept = Reading(charges, reasons, grounds, new[-1].number, new[-1].hash)
        return self._kept

    def get(self, charge_id: str) -> Charge:
        """One charge in its present state, maybe without facts and answer; of its own rows where no list was read yet.

        Raises
        ------
        LedgerError
            There is none of that id.
        """
        if not self._kept.number:
            return Ledger(self._store).get(charge_id)
        found = self.now().charges.get(charge_id)
        if found is None:
            raise LedgerError(f"The ledger has no charge {charge_id}.")
        return found


class _Payer(msgspec.Struct):
    kind: str | None = None
    plan: str | None = None


class _Facts(msgspec.Struct):
    payer: _Payer = msgspec.field(default_factory=_Payer)


class _Estimate(msgspec.Struct):
    amount: str | float


class _Answer(msgspec.Struct):
    as_of: str = ""
    estimate: _Estimate | None = None


_FACTS, _ANSWER = msgspec.json.Decoder(_Facts), msgspec.json.Decoder(_Answer)


def _grounds(charge: Charge) -> Grounds:
    payer, answer = _FACTS.decode(charge.facts).payer, _ANSWER.decode(charge.answer)
    amount = "" if answer.estimate is None else str(answer.estimate.amount)
    return Grounds(payer.kind or "", payer.plan or "", amount, answer.as_of)
