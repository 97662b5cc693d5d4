"""The official tables that decisions stand on, by effective date: imported versions beside each other.

Only rows that touch the 3D family are kept of the pair and unit tables. Without an imported file the built-in values
are used where there are any (unit limit), and nothing is guessed where there are none (pairs).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal, TypeVar

from msgspec import Struct

from billing.facts import Pair, UnitLimit
from billing.icd import IcdCode
from billing.reference.fees import FeeVersion, LocalityVersion

Form = Literal["professional", "institutional"]

BUILT_IN_EFFECTIVE = dt.date(2026, 1, 1)
DEFAULT_UNITS = UnitLimit(value=2, mai=3)


class PairVersion(Struct, frozen=True):
    """One quarter's NCCI pairs of the family, practitioner or hospital."""

    file: str
    effective: dt.date
    form: Form
    rows: tuple[Pair, ...]


class UnitVersion(Struct, frozen=True):
    """One quarter's unit limits of the family."""

    file: str
    effective: dt.date
    form: Form
    rows: Mapping[str, UnitLimit]


class IcdVersion(Struct, frozen=True):
    """One release of ICD-10-CM: code with dot -> code."""

    file: str
    effective: dt.date
    rows: Mapping[str, IcdCode]


class TaxonomyVersion(Struct, frozen=True):
    """One release of the NUCC taxonomy: its codes."""

    file: str
    effective: dt.date
    codes: frozenset[str]


class References(Struct, frozen=True):
    """All imported versions; empty is the built-in set alone."""

    pairs: tuple[PairVersion, ...] = ()
    units: tuple[UnitVersion, ...] = ()
    icd: tuple[IcdVersion, ...] = ()
    taxonomy: tuple[TaxonomyVersion, ...] = ()
    fees: tuple[FeeVersion, ...] = ()
    localities: tuple[LocalityVersion, ...] = ()

    def pairs_of(self, form: Form, day: dt.date) -> PairVersion | None:
        """The pair table in force on the day, None when none was imported."""
        return _latest([v for v in self.pairs if v.form == form], day)

    def units_of(self, form: Form, day: dt.date) -> UnitVersion | None:
        """The unit limits in force on the day, None when none were imported."""
        return _latest([v for v in self.units if v.form == form], day)

    def icd_of(self, day: dt.date) -> IcdVersion | None:
        """The ICD-10-CM release in force on the day, None when none was imported."""
        return _latest(list(self.icd), day)

    def taxonomy_of(self, day: dt.date) -> TaxonomyVersion | None:
        """The taxonomy in force on the day, None when none was imported."""
        return _latest(list(self.taxonomy), day)

    def fees_of(self, day: dt.date, *, qualifying: bool) -> FeeVersion | None:
        """The relative values of the day's year, of the table for qualifying participants where there is one.

        Values of an earlier year are not used: a new year brings a new schedule.
        """
        own = [v for v in self.fees if v.effective.year == day.year]
        preferred = _latest([v for v in own if v.qualifying == qualifying], day)
        return preferred or _latest([v for v in own if not v.qualifying], day)

    def localities_of(self, day: dt.date) -> LocalityVersion | None:
        """The indices of the day's year, None when none were imported."""
        return _latest([v for v in self.localities if v.effective.year == day.year], day)


# months in which a new release of a table is due; those of ICD-10-CM in April come only when there is something new
RELEASES: dict[str, tuple[int, ...]] = {
    "pairs": (1, 4, 7, 10),
    "units": (1, 4, 7, 10),
    "icd": (10,),
    "taxonomy": (1, 7),
}


def outdated(effective: dt.date, kind: str, day: dt.date) -> bool:
    """Whether a later release than that of `effective` was due on the day."""
    due = [dt.date(year, month, 1) for year in (day.year - 1, day.year) for month in RELEASES[kind]]
    return effective < max(d for d in due if d <= day)


V = TypeVar("V", PairVersion, UnitVersion, IcdVersion, TaxonomyVersion, FeeVersion, LocalityVersion)
BUILT_IN = References()


def _latest(versions: list[V], day: dt.date) -> V | None:
    """The latest version that was effective on the day."""
    usable = [v for v in versions if v.effective <= day]
    return max(usable, key=lambda v: v.effective, default=None)
