"""Figures for administrators (section 9): counts out of charges, decisions and base studies, and nothing guessed.

Pure: values in, figures out. A share keeps both of its counts, so that a reader can see how little stands behind a
large percentage; a share of nothing is not known. Every benchmark carries its source and its date.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from statistics import median

import msgspec
from msgspec import Struct

from billing.charge import ACTIVE, Charge, State
from billing.ledger import Line, Row

BASE_INCLUDED = "R-IN-01"
DISTINCT = frozenset({"59", "XE", "XS", "XP", "XU"})
REPEATED = frozenset({"76", "77"})
REDUCED = frozenset({"52"})
UNKNOWN = "not said"
"""The word for a reader, site or payer that is not known."""
HISTORY_MONTHS = 12
LEAST_HISTORY = 6
"""Fewer months than this give no control limits: a median of two is no habit."""


class Benchmark(Struct, frozen=True, kw_only=True):
    """A figure to compare with, where it comes from, and the day on which that was checked or set."""

    metric: str
    value: float
    words: str
    source: str
    dated: dt.date


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark(
        metric="share_3d",
        value=0.20,
        words="A former Medicare policy expected at most 20 %. Above it is a note, not an alarm.",
        source="Local policies L35408 (Novitas, retired 2023-09-28) and L33256 (First Coast, superseded); "
        "no current national figure is known",
        dated=dt.date(2026, 11, 1),
    ),
    Benchmark(
        metric="distinct",
        value=0.02,
        words="59 or an X modifier on more than 2 in 100 charges is worth a look.",
        source="A rule of thumb of this program, not a payer's",
        dated=dt.date(2026, 11, 1),
    ),
    Benchmark(
        metric="first_pass",
        value=0.90,
        words="Target: 90 % billable at the first decision.",
        source="A target that this program ships, not a payer's",
        dated=dt.date(2026, 11, 1),
    ),
    Benchmark(
        metric="hold_days",
        value=3.0,
        words="Target: a median under 3 days on hold.",
        source="A target that this program ships, not a payer's",
        dated=dt.date(2026, 11, 1),
    ),
)


def benchmark(metric: str) -> Benchmark | None:
    """The figure to compare a metric with, if there is one."""
    return next((b for b in BENCHMARKS if b.metric == metric), None)


class Ratio(Struct, frozen=True):
    """A part of a whole, both as counts."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.part / self.whole if self.whole else None


class BaseStudies(Struct, frozen=True, kw_only=True):
    """CT and MR studies that could have been a base: one study, or a month's count that the site gave."""

    date: dt.date
    count: int = 1
    reader: str = UNKNOWN
    site: str = UNKNOWN


class Noted(Struct, frozen=True, kw_only=True):
    """A decision as it was noted: when (UTC), what, and the rules that held or rejected."""

    at: dt.datetime
    decision: str
    rules: tuple[str, ...] = ()


class Session(Struct, frozen=True, kw_only=True):
    """One piece of 3D work with a signed report."""

    id: str
    date: dt.date
    signed_at: dt.datetime | None = None
    decisions: tuple[Noted, ...] = ()
    reader: str = UNKNOWN
    site: str = UNKNOWN
    payer: str = UNKNOWN
    acts: tuple[str, ...] = ()
    """How each of the four acts is known: witnessed, attested, denied, absent."""
    charge_ids: tuple[str, ...] = ()


class Denial(Struct, frozen=True, kw_only=True):
    """A receiver's refusal."""

    at: dt.datetime
    reason: str


class Seen(Struct, frozen=True, kw_only=True):
    """A charge as the ledger's rows tell it."""

    charge_id: str
    date: dt.date
    code: str
    modifiers: tuple[str, ...] = ()
    state: State
    reader: str = UNKNOWN
    site: str = UNKNOWN
    payer: str = UNKNOWN
    confirmed_at: dt.datetime
    acknowledged_at: dt.datetime | None = None
    denials: tuple[Denial, ...] = ()
    late: bool = False
    estimate: Decimal | None = None
    estimate_files: str = ""


class Data(Struct, frozen=True, kw_only=True):
    """Everything that figures are counted from."""

    base: tuple[BaseStudies, ...] = ()
    sessions: tuple[Session, ...] = ()
    charges: tuple[Seen, ...] = ()
    now: dt.datetime


class Scope(Struct, frozen=True, kw_only=True):
    """What is looked at: from a month to a month (first days, both included), one reader, site or payer, or all."""

    since: dt.date | None = None
    until: dt.date | None = None
    reader: str | None = None
    site: str | None = None
    payer: str | None = None

    def holds(self, thing: BaseStudies | Session | Seen) -> bool:
        """Whether a thing lies in it."""
        month = month_of(thing.date)
        return (
            (self.since is None or month >= month_of(self.since))
            and (self.until is None or month <= month_of(self.until))
            and self.reader in (None, thing.reader)
            and self.site in (None, thing.site)
            and self.payer in (None, getattr(thing, "payer", self.payer))
        )


class Modifiers(Struct, frozen=True):
    """How many of the charges carry such a modifier."""

    distinct: Ratio
    repeated: Ratio
    reduced: Ratio


class Spread(Struct, frozen=True):
    """Days, in order: how many, the middle one, and the one that nine of ten do not exceed."""

    days: tuple[float, ...]

    @property
    def median(self) -> float | None:
        """The middle; None of nothing."""
        return median(self.days) if self.days else None

    @property
    def p90(self) -> float | None:
        """The smallest value that at least nine of ten do not exceed (nearest rank)."""
        return self.days[max(math.ceil(0.9 * len(self.days)) - 1, 0)] if self.days else None


class Figures(Struct, frozen=True, kw_only=True):
    """All metrics of a scope."""

    base_studies: int
    sessions: int
    charges: int
    share_3d: Ratio | None
    """None where base studies are not known by what is asked for: a payer is not told for them."""
    base_included: Ratio
    mix: tuple[tuple[str, int], ...]
    modifiers: Modifiers
    first_pass: Ratio
    held_now: int
    hold_rules: tuple[tuple[str, int], ...]
    """Rules that held at the first decision, the most frequent first."""
    reject_rules: tuple[tuple[str, int], ...]
    hold_days: Spread
    """Days from the first hold to the decision that ended it, or until now."""
    confirm_days: Spread
    """From the signature to the confirmation."""
    acknowledge_days: Spread
    """From the confirmation to the receiver's acknowledgement."""
    late: Ratio
    denials: tuple[tuple[str, str, int], ...]
    """Payer, reason, count."""
    denied: Ratio
    witnessed: Ratio
    expected: tuple[tuple[str, Decimal, int], ...]
    """File version, sum of the estimates in US dollars, charges."""
    without_estimate: int


class Limits(Struct, frozen=True):
    """The own median of earlier months and Shewhart's limits around it for this month's number of studies."""

    median: float
    low: float
    high: float
    months: int


class Point(Struct, frozen=True):
    """A month's share with the limits that its earlier months give."""

    month: dt.date
    ratio: Ratio
    limits: Limits | None

    @property
    def unusual(self) -> bool:
        """Whether the share lies outside its own limits."""
        value = self.ratio.value
        return value is not None and self.limits is not None and not self.limits.low <= value <= self.limits.high


def charges_seen(
    rows: Iterable[Row],
    *,
    site_of: Callable[[str], str] = lambda workstation: workstation or UNKNOWN,
) -> tuple[Seen, ...]:
    """Every charge of a ledger with what became of it, in the order of confirming.

    `site_of` gives the site of a workstation's id.
    """
    found: dict[str, Seen] = {}
    for row in rows:
        line = msgspec.json.decode(row.line, type=Line)
        if line.charge is not None:
            found[row.charge_id] = _seen(line.charge, moment(row.at), site_of)
            continue
        known = found[row.charge_id]
        changes: dict[str, object] = {"state": line.after}
        if line.act == "acknowledge":
            changes["acknowledged_at"] = moment(row.at)
        elif line.act == "refuse":
            changes["denials"] = (*known.denials, Denial(at=moment(row.at), reason=line.reason))
            changes["acknowledged_at"] = None
        found[row.charge_id] = msgspec.structs.replace(known, **changes)
    return tuple(found.values())


def _seen(charge: Charge, at: dt.datetime, site_of: Callable[[str], str]) -> Seen:
    facts = msgspec.json.decode(charge.facts)
    estimate = msgspec.json.decode(charge.answer).get("estimate")
    files = estimate["files"] if estimate else []
    return Seen(
        charge_id=charge.charge_id,
        date=charge.service_date,
        code=charge.code,
        modifiers=charge.modifiers,
        state=charge.state,
        reader=charge.rendering_npi or UNKNOWN,
        site=site_of((facts.get("workstation") or {}).get("id") or ""),
        payer=(facts.get("payer") or {}).get("kind") or UNKNOWN,
        confirmed_at=at,
        late=charge.late,
        estimate=Decimal(str(estimate["amount"])) if estimate else None,
        estimate_files=", ".join(f"{f['file']} of {f['effective']}" for f in files),
    )


def moment(text: str) -> dt.datetime:
    """A moment as it is written in journal and ledger; without a zone it is UTC."""
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)


def month_of(day: dt.date) -> dt.date:
    """The first day of a day's month."""
    return dt.date(day.year, day.month, 1)


def months_before(month: dt.date, count: int) -> tuple[dt.date, ...]:
    """The months before one, the oldest first."""
    number = month.year * 12 + month.month - 1
    return tuple(dt.date((number - n) // 12, (number - n) % 12 + 1, 1) for n in range(count, 0, -1))


def figures(data: Data, scope: Scope | None = None) -> Figures:
    """All metrics of a scope; without one, of everything."""
    scope = scope or Scope()
    base = [b for b in data.base if scope.holds(b)]
    sessions = [s for s in data.sessions if scope.holds(s)]
    charges = [c for c in data.charges if scope.holds(c) and c.state in ACTIVE]
    sent = [c for c in data.charges if scope.holds(c) and (c.denials or c.acknowledged_at or c.state == "sent")]
    decided = [s for s in sessions if s.decisions]
    studies = sum(b.count for b in base)
    signed = {i: s.signed_at for s in data.sessions for i in s.charge_ids if s.signed_at is not None}
    holds = [(s, span) for s in decided if (span := _hold_days(s, data.now)) is not None]
    return Figures(
        base_studies=studies,
        sessions=len(sessions),
        charges=len(charges),
        share_3d=None if scope.payer is not None else Ratio(len(charges), studies),
        base_included=Ratio(sum(1 for s in decided if _included(s)), len(decided)),
        mix=tuple(sorted(Counter(c.code for c in charges).items(), reverse=True)),
        modifiers=Modifiers(*(_carrying(charges, which) for which in (DISTINCT, REPEATED, REDUCED))),
        first_pass=Ratio(sum(1 for s in decided if s.decisions[0].decision == "bill"), len(decided)),
        held_now=sum(1 for s in decided if s.decisions[-1].decision == "hold"),
        hold_rules=_rules(s.decisions[0] for s in decided if s.decisions[0].decision == "hold"),
        reject_rules=_rules(s.decisions[-1] for s in decided if s.decisions[-1].decision == "reject"),
        hold_days=Spread(tuple(sorted(span for _, span in holds))),
        confirm_days=_spread((signed.get(c.charge_id), c.confirmed_at) for c in charges),
        acknowledge_days=_spread((c.confirmed_at, c.acknowledged_at) for c in charges),
        late=Ratio(sum(1 for c in charges if c.late), len(charges)),
        denials=_denials(sent),
        denied=Ratio(sum(1 for c in sent if c.denials), len(sent)),
        witnessed=_witnessed(sessions),
        expected=_expected(charges),
        without_estimate=sum(1 for c in charges if c.estimate is None),
    )


def monthly(data: Data, scope: Scope, months: Sequence[dt.date], of: Callable[[Figures], Ratio | None]) -> list[Point]:
    """A share month by month, each with the limits of its own twelve earlier months."""
    return points(by_month(data, scope, months), months, of)


def by_month(data: Data, scope: Scope, months: Sequence[dt.date]) -> dict[dt.date, Figures]:
    """The figures of months and of the twelve before each; the scope's own period does not count."""
    wanted = {*months, *(m for month in months for m in months_before(month, HISTORY_MONTHS))}
    parts = _parts(data)
    within = msgspec.structs.replace(scope, since=None, until=None)
    nothing = Data(now=data.now)
    return {m: figures(parts.get(m, nothing), within) for m in wanted}


def points(
    found: dict[dt.date, Figures], months: Sequence[dt.date], of: Callable[[Figures], Ratio | None]
) -> list[Point]:
    """One share out of the figures of `by_month`."""
    ratios = {m: of(told) or Ratio(0, 0) for m, told in found.items()}
    return [
        Point(m, ratios[m], limits([ratios[b] for b in months_before(m, HISTORY_MONTHS)], ratios[m].whole))
        for m in months
    ]


def _parts(data: Data) -> dict[dt.date, Data]:
    """The same things, each month's together."""
    things: list[BaseStudies | Session | Seen] = [*data.base, *data.sessions, *data.charges]
    months = {month_of(t.date) for t in things}
    return {
        month: Data(
            base=tuple(b for b in data.base if month_of(b.date) == month),
            sessions=tuple(s for s in data.sessions if month_of(s.date) == month),
            charges=tuple(c for c in data.charges if month_of(c.date) == month),
            now=data.now,
        )
        for month in months
    }


def limits(history: Sequence[Ratio], whole: int) -> Limits | None:
    """The median of earlier months and the limits for a month of `whole` studies; None with too little history.

    Limits are those of a p-chart, the centre three standard deviations of a binomial share up and down (W. Shewhart,
    1931; NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.3.2), cut at 0 and 1.
    """
    known = [value for one in history if (value := one.value) is not None]
    if len(known) < LEAST_HISTORY or not whole:
        return None
    centre = median(known)
    reach = 3 * math.sqrt(centre * (1 - centre) / whole) if 0 <= centre <= 1 else 0.0
    return Limits(centre, max(centre - reach, 0.0), min(centre + reach, 1.0), len(known))


def values(data: Data, what: str) -> tuple[str, ...]:
    """Readers, sites or payers that occur, in order; what is not known comes last."""
    things: list[BaseStudies | Session | Seen] = [*data.base, *data.sessions, *data.charges]
    found = {getattr(t, what) for t in things if hasattr(t, what)}
    return tuple(sorted(found, key=lambda v: (v == UNKNOWN, v)))


def span_of(data: Data) -> tuple[dt.date, dt.date]:
    """First and last month with anything in it; this month twice when there is nothing."""
    things: list[BaseStudies | Session | Seen] = [*data.base, *data.sessions, *data.charges]
    months = [month_of(t.date) for t in things]
    now = month_of(data.now.date())
    return (min(months), max(months)) if months else (now, now)


def _included(session: Session) -> bool:
    last = session.decisions[-1]
    return last.decision == "reject" and BASE_INCLUDED in last.rules


def _carrying(charges: Sequence[Seen], which: frozenset[str]) -> Ratio:
    return Ratio(sum(1 for c in charges if which.intersection(c.modifiers)), len(charges))


def _rules(noted: Iterable[Noted]) -> tuple[tuple[str, int], ...]:
    counts = Counter(rule for one in noted for rule in dict.fromkeys(one.rules))
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _hold_days(session: Session, now: dt.datetime) -> float | None:
    """Days that a session was first held; None when it never was."""
    held = next((n for n, d in enumerate(session.decisions) if d.decision == "hold"), None)
    if held is None:
        return None
    after = next((d.at for d in session.decisions[held:] if d.decision != "hold"), now)
    return _days(session.decisions[held].at, after)


def _days(first: dt.datetime, second: dt.datetime) -> float:
    """Days between two moments; a clock that was set back gives none."""
    return max((second - first).total_seconds() / 86400, 0.0)


def _spread(pairs: Iterable[tuple[dt.datetime | None, dt.datetime | None]]) -> Spread:
    return Spread(tuple(sorted(_days(a, b) for a, b in pairs if a is not None and b is not None)))


def _denials(charges: Sequence[Seen]) -> tuple[tuple[str, str, int], ...]:
    counts = Counter((c.payer, d.reason) for c in charges for d in c.denials)
    return tuple((p, r, n) for (p, r), n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _witnessed(sessions: Sequence[Session]) -> Ratio:
    """Acts that the program saw, of all that are known to have been done."""
    done = [a for s in sessions for a in s.acts if a in ("witnessed", "attested")]
    return Ratio(done.count("witnessed"), len(done))


def _expected(charges: Sequence[Seen]) -> tuple[tuple[str, Decimal, int], ...]:
    sums: dict[str, tuple[Decimal, int]] = {}
    for charge in charges:
        if charge.estimate is not None:
            total, count = sums.get(charge.estimate_files, (Decimal(0), 0))
            sums[charge.estimate_files] = (total + charge.estimate, count + 1)
    return tuple((files, total, count) for files, (total, count) in sorted(sums.items()))
