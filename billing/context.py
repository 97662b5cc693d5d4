"""The case as rules see it: facts with their derived values (code, component, sources, the day's other services)."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from billing import codes
from billing.facts import Base, ComponentName, Facts, LedgerEntry, Pair, UnitLimit
from billing.payer_book import PayerBook, PayerRecord
from billing.reference.tables import BUILT_IN, DEFAULT_UNITS, PairVersion, References
from billing.site import Site

POLICY = (
    "covered",
    "prior_auth_required",
    "x_modifiers",
    "laterality_modifiers",
    "accepts_22",
    "gc",
    "accepts_without_base",
)
INACTIVE = frozenset({"void", "rejected", "replaced"})


class Beside(Struct, frozen=True):
    """Another service of the day by the same provider; `field` is its place in the facts."""

    field: str
    code: str | None
    same_anatomy: bool | None
    same_session: bool | None
    is_source: bool = False


class Earlier(Struct, frozen=True):
    """An active charge of the family on that day, with a component that overlaps ours."""

    field: str
    entry: LedgerEntry
    same_anatomy: bool | None


class Context:
    """Facts and what follows from them, computed once; rules only read it.

    Parameters
    ----------
    facts : the case
    as_of : the day of deciding
    own_ledger : charges of this program's own ledger for the patient and day; they are added to `facts.ledger`
    """

    def __init__(
        self,
        facts: Facts,
        as_of: dt.date,
        *,
        references: References = BUILT_IN,
        payers: PayerBook | None = None,
        site: Site | None = None,
        own_ledger: Sequence[LedgerEntry] | None = None,
    ) -> None:
        self.facts = facts
        self.as_of = as_of
        self.references = references
        self.site = site or Site()
        self.day = facts.service.date
        self.code = code_of(facts)
        self.component = component_of(facts)
        self.medicare = facts.payer.kind == "medicare"
        self.record = self._record(payers or PayerBook())
        self.policy = {
            name: given if (given := getattr(facts.payer, name)) is not None else getattr(self.record, name, None)
            for name in POLICY
        }
        bases = list(enumerate(facts.base or ()))
        single = len(bases) == 1
        self.sources: list[tuple[int, Base]] = [
            (i, b) for i, b in bases if b.source is True or (single and b.source is None)
        ]
        self.beside = self._beside(bases)
        self.ledger_known = facts.ledger is not None or own_ledger is not None
        self.earlier = self._earlier(own_ledger)

    def _record(self, payers: PayerBook) -> PayerRecord | None:
        kind = self.facts.payer.kind
        return None if kind is None else payers.record(kind, self.facts.payer.plan, self.day)

    def _beside(self, bases: list[tuple[int, Base]]) -> list[Beside]:
        """Other codes and non-source bases of the day that the same provider (or nobody known) performed."""
        found = [
            Beside(f"other_codes[{i}]", o.code, o.same_anatomy, o.same_session)
            for i, o in enumerate(self.facts.other_codes or ())
            if o.same_provider is not False
        ]
        found += [
            Beside(f"base[{i}]", b.code, b.same_anatomy, b.same_session)
            for i, b in bases
            if b.source is False and b.performed_by != "other" and self.same_day(b.date)
        ]
        return found

    def same_day(self, day: dt.date | None) -> bool:
        """Whether a date is the service date; an unknown one counts as the same."""
        return day is None or self.day is None or day == self.day

    def _earlier(self, own: Sequence[LedgerEntry] | None) -> list[Earlier]:
        entries = [(f"ledger[{i}]", e) for i, e in enumerate(self.facts.ledger or ())]
        # what is told of a charge never hides what the own ledger knows of it; only the same charge is not read twice
        told = {_same_charge(e) for _, e in entries if e.charge_id and e.state not in INACTIVE}
        entries += [("ledger", e) for e in own or () if _same_charge(e) not in told]
        mine = anatomy_token(self.facts.rendering.anatomy)
        found = []
        for field, entry in entries:
            active = entry.state not in INACTIVE and self.same_day(entry.date)
            # a code that is none (absent, or with something stuck to it) counts as one of the family
            family = not codes.well_formed(entry.code) or entry.code in codes.FAMILY
            if active and family and overlap(self.component, entry.component):
                theirs = anatomy_token(entry.anatomy)
                same = None if mine is None or theirs is None else mine == theirs
                found.append(Earlier(field, entry, same))
        return found

    @property
    def pair_file(self) -> PairVersion | None:
        """The imported pair table of the day."""
        form = self.facts.claim.form or "professional"
        return self.references.pairs_of(form, self.day or self.as_of)

    @property
    def pair_rows(self) -> tuple[Pair, ...] | None:
        """Pairs to judge by: the case's own list, else the imported file, else None (never guessed)."""
        given = self.facts.reference.ptp
        if given is not None:
            return given
        return None if self.pair_file is None else self.pair_file.rows

    def unit_limit(self) -> UnitLimit:
        """The day's unit limit of the code: of the case, of the imported file, or built in."""
        code = self.code or codes.INDEPENDENT
        given = (self.facts.reference.mue or {}).get(code)
        if given is not None:
            return given
        file = self.references.units_of(self.facts.claim.form or "professional", self.day or self.as_of)
        return (file.rows.get(code) if file else None) or DEFAULT_UNITS


def code_of(facts: Facts) -> str | None:
    """76377 on an independent workstation, 76376 on none, None while that is unknown."""
    kind = facts.workstation.kind
    if kind is None:
        return None
    return codes.CONSOLE if kind in {"scanner_console", "not_independent_other"} else codes.INDEPENDENT


def component_of(facts: Facts) -> ComponentName | None:
    """Which part of the service this claim is for; None while unknown or when nothing of it is the biller's."""
    claim = facts.claim
    if claim.form is None or not good_pos(claim.pos):
        return None
    if claim.form == "institutional":
        return "institutional"
    if claim.pos in codes.FACILITY_POS:
        return "26" if claim.bills_reader else None
    if claim.bills_reader is None or claim.owns_equipment is None:
        return None
    if claim.owns_equipment:
        return "global" if claim.bills_reader else "TC"
    return "26" if claim.bills_reader else None


def good_pos(pos: str | None) -> bool:
    """Whether a place of service is two digits."""
    return pos is not None and len(pos) == 2 and pos.isascii() and pos.isdigit()


def overlap(one: ComponentName | None, other: ComponentName | None) -> bool:
    """Whether two components claim the same part: 26 does not meet TC or the institutional line; unknown does."""
    if one is None or other is None:
        return True
    return {one, other} not in ({"26", "TC"}, {"26", "institutional"})


def _same_charge(entry: LedgerEntry) -> tuple[object, ...]:
    """What two rows of one charge must share to be taken for one."""
    return entry.charge_id, entry.date, entry.code, entry.component, anatomy_token(entry.anatomy)


def anatomy_token(text: str | None) -> str | None:
    """The anatomy in the form in which two are compared; None when nothing is said."""
    words = re.split(r"[\s_-]+", unicodedata.normalize("NFC", text or "").casefold())
    return "_".join(w for w in words if w) or None
