"""The figures for administrators as one sheet: tiles, plots and tables, for the window and for paper alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from billing.metrics import (
    BENCHMARKS,
    Benchmark,
    Data,
    Figures,
    Point,
    Ratio,
    Scope,
    benchmark,
    by_month,
    figures,
    month_of,
    points,
    values,
)
from workstation.report import plot
from workstation.report.rule_words import payer_words, rule_words

MOST_BARS = 6
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Tile:
    """One number with its meaning; state "wants" where it is worth a look."""

    title: str
    number: str
    about: str
    state: str = ""


@dataclass(frozen=True)
class Plot:
    """A plot with its title, what it shows in a sentence, its numbers in words, and how it is drawn into a width."""

    title: str
    note: str
    told: tuple[str, ...]
    height: float
    draw: Callable[[float], list[plot.Mark]]


@dataclass(frozen=True)
class Table:
    """Rows below a head; the first column is text, the others are numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = "Nothing yet."


@dataclass(frozen=True)
class Sheet:
    """Everything that is shown of a scope."""

    tiles: tuple[Tile, ...]
    plots: tuple[Plot, ...]
    tables: tuple[Table, ...]
    sources: tuple[Benchmark, ...]


def month_words(month: dt.date, *, year: bool = False) -> str:
    """A month in three letters; January, and the first of a row, with its year."""
    short = _MONTHS[month.month - 1]
    return f"{short} {month.year}" if year else f"{short} {month.year % 100:02d}" if month.month == 1 else short


def share_words(ratio: Ratio | None) -> str:
    """A share as it is printed, or a dash where it is not known."""
    value = ratio.value if ratio is not None else None
    return "-" if value is None else plot.percent(value)


def sheet(data: Data, scope: Scope, months: Sequence[dt.date], names: Mapping[str, str]) -> Sheet:
    """Lay the figures of a scope out.

    Parameters
    ----------
    months : first days of the months that the plots show
    names : how readers are called, by NPI
    """
    told = figures(data, scope)
    by = by_month(data, scope, months)
    now = _newest(points(by, months, lambda f: f.share_3d))
    return Sheet(_tiles(told, now), _plots(by, months, told), _tables(data, scope, told, names), BENCHMARKS)


def _newest(points: Sequence[Point]) -> Point | None:
    return next((p for p in reversed(points) if p.ratio.value is not None), None)


def _tiles(told: Figures, now: Point | None) -> tuple[Tile, ...]:
    return (
        _share_tile(told, now),
        _first_pass_tile(told),
        _held_tile(told),
        _turnaround_tile(told),
        Tile(
            "Refused by the receiver",
            share_words(told.denied),
            f"{told.denied.part} of {told.denied.whole} charges that were sent; {told.late.part} confirmed late",
        ),
        _expected_tile(told),
    )


def _share_tile(told: Figures, now: Point | None) -> Tile:
    if told.share_3d is None:
        return Tile("3D per CT and MR", "-", "The payer of studies without 3D is not known here.")
    about = f"{told.share_3d.part} of {told.share_3d.whole} studies"
    state = ""
    if now is not None and now.limits is not None:
        about += f"; own median of {now.limits.months} months {plot.percent(now.limits.median)}"
        if now.unusual:
            about += f"; {month_words(now.month, year=True)} lies outside its own limits"
            state = "wants"
    known = benchmark("share_3d")
    if known and (told.share_3d.value or 0.0) > known.value:
        about += f". {known.words}"
    return Tile("3D per CT and MR", share_words(told.share_3d), about, state)


def _first_pass_tile(told: Figures) -> Tile:
    known = benchmark("first_pass")
    value = told.first_pass.value
    under = known is not None and value is not None and value < known.value
    about = f"{told.first_pass.part} of {told.first_pass.whole} sessions"
    return Tile(
        "Billable at once", share_words(told.first_pass), f"{about}; target 90\u00a0%", "wants" if under else ""
    )


def _held_tile(told: Figures) -> Tile:
    middle = told.hold_days.median
    over = middle is not None and middle >= 3
    about = "never held" if middle is None else f"median {_days(middle)} on hold; target under 3 days"
    return Tile("Held now", str(told.held_now), about, "wants" if over else "")


def _turnaround_tile(told: Figures) -> Tile:
    days = told.confirm_days
    if not days.days:
        return Tile("Signed to confirmed", "-", "No charge is confirmed yet.")
    about = f"median of {len(days.days)}; nine of ten within {_days(days.p90)}"
    if told.acknowledge_days.days:
        about += f"; then {_days(told.acknowledge_days.median)} to the acknowledgement"
    return Tile("Signed to confirmed", _days(days.median), about)


def _expected_tile(told: Figures) -> Tile:
    total = sum((amount for _, amount, _ in told.expected), Decimal(0))
    counted = sum(count for _, _, count in told.expected)
    if not counted:
        return Tile("Expected value", "-", "No fee schedule of these days is imported; nothing is estimated.")
    versions = "1 file version" if len(told.expected) == 1 else f"{len(told.expected)} file versions"
    about = f"an estimate for {counted} charges, by {versions}"
    if told.without_estimate:
        about += f"; {told.without_estimate} without one"
    return Tile("Expected value", f"$ {total:,.2f}", about)


def _days(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 24:.0f} hours" if value < 1 else f"{value:.1f} days"


def _plots(by: dict[dt.date, Figures], months: Sequence[dt.date], told: Figures) -> tuple[Plot, ...]:
    shares = points(by, months, lambda f: f.share_3d)
    included = points(by, months, lambda f: f.base_included)
    first = points(by, months, lambda f: f.first_pass)
    level, target = benchmark("share_3d"), benchmark("first_pass")
    confirm = told.confirm_days
    return (
        _line(
            "3D per CT and MR study, by month",
            "Band: own limits around the median of the 12 months before.",
            shares,
            (level.value, "20 %, expected at most by retired Medicare policies") if level else None,
        ),
        _line("Billable at the first decision, by month", "", first, (target.value, "target") if target else None),
        _line(
            "3D included in the base code, by month",
            "High: look at how angiograms and plain CT are coded.",
            included,
            None,
        ),
        _bars("Why held at first", told.hold_rules, "Nothing was held."),
        _bars("Why not billed", told.reject_rules, "Nothing was turned down."),
        Plot(
            "Days from signature to confirmation",
            "" if confirm.days else "No charge is confirmed yet.",
            tuple(f"{d:.1f} days" for d in confirm.days),
            160.0,
            lambda width: plot.histogram(
                width,
                160.0,
                confirm.days,
                mark=None if confirm.p90 is None else (confirm.p90, f"nine of ten: {_days(confirm.p90)}"),
            ),
        ),
    )


def _line(title: str, note: str, points: list[Point], mark: tuple[float, str] | None) -> Plot:
    shown = [
        plot.Value(
            month_words(p.month),
            p.ratio.value,
            p.limits.low if p.limits else None,
            p.limits.high if p.limits else None,
            p.limits.median if p.limits else None,
            p.unusual,
        )
        for p in points
    ]
    told = tuple(
        f"{month_words(p.month, year=True)}: {share_words(p.ratio)} ({p.ratio.part} of {p.ratio.whole})" for p in points
    )
    return Plot(title, note, told, 176.0, lambda width: plot.line(width, 176.0, shown, mark=mark))


def _bars(title: str, rules: Sequence[tuple[str, int]], nothing: str) -> Plot:
    rows = [(rule_words(rule), count) for rule, count in rules[:MOST_BARS]]
    more = sum(count for _, count in rules[MOST_BARS:])
    if more:
        rows.append(("other reasons", more))
    told = tuple(f"{words}: {count}" for words, count in rows)
    return Plot(
        title,
        "" if rows else nothing,
        told,
        plot.bars_height(rows) if rows else 0.0,
        lambda width: plot.bars(width, rows),
    )


def _tables(data: Data, scope: Scope, told: Figures, names: Mapping[str, str]) -> tuple[Table, ...]:
    def part(what: str, member: str) -> Figures:
        return figures(data, msgspec.structs.replace(scope, **{what: member}))

    def members(what: str) -> list[tuple[str, Figures]]:
        chosen = getattr(scope, what)
        found = [(m, part(what, m)) for m in values(data, what) if chosen in (None, m)]
        return [(m, f) for m, f in found if f.sessions or f.charges]

    readers = tuple(_work_row(names.get(m, m), f) for m, f in members("reader"))
    sites = tuple(_work_row(m, f) for m, f in members("site"))
    payers = tuple(
        (
            payer_words(m),
            str(f.charges),
            _mix(f),
            share_words(f.first_pass),
            share_words(f.denied),
            f"{sum((a for _, a, _ in f.expected), Decimal(0)):,.2f}" if f.expected else "-",
        )
        for m, f in members("payer")
    )
    head = ("Sessions", "Charges", "3D share", "At once", "In base", "59/X", "76/77", "52", "Witnessed")
    return (
        Table("By reader", ("Reader", *head), readers),
        Table("By site", ("Site", *head), sites),
        Table("By payer", ("Payer", "Charges", "76377 : 76376", "At once", "Refused", "Expected, est. $"), payers),
        Table(
            "Refusals",
            ("Payer and reason", "Count"),
            tuple((f"{payer_words(p)}: {r}", str(n)) for p, r, n in told.denials),
            "No charge was refused.",
        ),
        Table(
            "Expected value by file version (estimate)",
            ("File", "Charges", "Sum, $"),
            tuple((files, str(count), f"{total:,.2f}") for files, total, count in told.expected),
            "No fee schedule of these days is imported.",
        ),
    )


def _work_row(name: str, f: Figures) -> tuple[str, ...]:
    marks = f.modifiers
    return (
        name,
        str(f.sessions),
        str(f.charges),
        share_words(f.share_3d),
        share_words(f.first_pass),
        share_words(f.base_included),
        share_words(marks.distinct),
        share_words(marks.repeated),
        share_words(marks.reduced),
        share_words(f.witnessed),
    )


def _mix(f: Figures) -> str:
    counts = dict(f.mix)
    return f"{counts.get('76377', 0)} : {counts.get('76376', 0)}"


def period(data_now: dt.date, name: str, first: dt.date) -> tuple[dt.date | None, dt.date | None]:
    """First and last month of a period by its name: month, quarter, year (12 months), or all since `first`."""
    this = month_of(data_now)
    back = {"month": 0, "quarter": 2, "year": 11}.get(name)
    if back is None:
        return month_of(first), this
    number = this.year * 12 + this.month - 1 - back
    return dt.date(number // 12, number % 12 + 1, 1), this
