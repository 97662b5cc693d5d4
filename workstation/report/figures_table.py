"""Figures for administrators as a table that people and spreadsheets read: one row a figure, with what it stands on."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from billing.metrics import (
    Data,
    Figures,
    Ratio,
    Scope,
    Spread,
    benchmark,
    by_month,
    figures,
    months_before,
    points,
    values,
)
from workstation.report.rule_words import payer_words, rule_words

HEAD = (
    "group",
    "of",
    "metric",
    "value",
    "unit",
    "part",
    "whole",
    "median_12_months",
    "limit_low",
    "limit_high",
    "benchmark",
    "source",
    "benchmark_date",
)

# what is known as a share: name in the table, words, and where it stands in the figures
SHARES: tuple[tuple[str, str, Callable[[Figures], Ratio | None]], ...] = (
    ("share_3d", "3D services of CT and MR studies", lambda f: f.share_3d),
    ("base_included", "3D included in the base code", lambda f: f.base_included),
    ("first_pass", "Billable at the first decision", lambda f: f.first_pass),
    ("distinct", "Charges with 59 or an X modifier", lambda f: f.modifiers.distinct),
    ("repeated", "Charges with 76 or 77", lambda f: f.modifiers.repeated),
    ("reduced", "Charges with 52", lambda f: f.modifiers.reduced),
    ("denied", "Refused by the receiver", lambda f: f.denied),
    ("late", "Confirmed late", lambda f: f.late),
    ("witnessed", "Acts witnessed by the program", lambda f: f.witnessed),
)
SPREADS: tuple[tuple[str, str, Callable[[Figures], Spread]], ...] = (
    ("hold_days", "Days on hold", lambda f: f.hold_days),
    ("confirm_days", "Days from signature to confirmation", lambda f: f.confirm_days),
    ("acknowledge_days", "Days from confirmation to acknowledgement", lambda f: f.acknowledge_days),
)


@dataclass(frozen=True)
class Line:
    """One figure: of which group (all, month, reader, site, payer) and member, its value and its two counts."""

    group: str
    of: str
    metric: str
    value: str
    unit: str = ""
    part: str = ""
    whole: str = ""
    median: str = ""
    low: str = ""
    high: str = ""

    def cells(self) -> tuple[str, ...]:
        """As written in the table, with the benchmark of the metric and its source."""
        known = benchmark(self.metric.removesuffix(" median"))
        compared = (str(known.value), known.source, known.dated.isoformat()) if known else ("", "", "")
        own = (self.group, self.of, self.metric, self.value, self.unit, self.part, self.whole)
        return (*own, self.median, self.low, self.high, *compared)


def table(data: Data, scope: Scope, months: tuple[dt.date, ...], names: Mapping[str, str]) -> list[Line]:
    """Every figure of a scope: in all, by month, reader, site and payer.

    Parameters
    ----------
    months : first days of the months that are listed one by one
    names : how readers are called, by NPI
    """
    found = list(_lines("all", "", figures(data, scope)))
    for what in ("reader", "site", "payer"):
        if getattr(scope, what) is None:
            for member in values(data, what):
                told = {"reader": names.get(member, member), "payer": payer_words(member)}.get(what, member)
                found += _lines(what, told, figures(data, msgspec.structs.replace(scope, **{what: member})))
    by = by_month(data, scope, months)
    for metric, _, of in SHARES:
        for point in points(by, months, of):
            found.append(_share("month", f"{point.month:%Y-%m}", metric, point.ratio, point.limits))
    return found


def csv_text(lines: list[Line]) -> str:
    """The table as CSV (RFC 4180); a text that a spreadsheet would take for a formula is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEAD)
    for line in lines:
        writer.writerow([_plain(cell) for cell in line.cells()])
    return out.getvalue()


def default_months(now: dt.date, count: int = 12) -> tuple[dt.date, ...]:
    """The last months up to and with the present one."""
    following = dt.date(now.year + now.month // 12, now.month % 12 + 1, 1)
    return months_before(following, count)


def _lines(group: str, of: str, told: Figures) -> Iterator[Line]:
    yield Line(group, of, "base_studies", str(told.base_studies), "studies")
    yield Line(group, of, "sessions", str(told.sessions), "sessions")
    yield Line(group, of, "charges", str(told.charges), "charges")
    yield Line(group, of, "held_now", str(told.held_now), "sessions")
    for metric, _, ratio in SHARES:
        yield _share(group, of, metric, ratio(told))
    for metric, _, spread in SPREADS:
        days = spread(told)
        for name, value in (("median", days.median), ("p90", days.p90)):
            shown = "" if value is None else f"{value:.3f}"
            yield Line(group, of, f"{metric} {name}", shown, "days", "", str(len(days.days)))
    for code, count in told.mix:
        yield Line(group, of, f"mix {code}", str(count), "charges", str(count), str(told.charges))
    for title, rules in (("hold", told.hold_rules), ("reject", told.reject_rules)):
        for rule, count in rules:
            yield Line(group, of, f"{title} {rule} {rule_words(rule)}", str(count), "sessions")
    for payer, reason, count in told.denials:
        yield Line(group, of, f"denial {payer_words(payer)}: {reason}", str(count), "denials")
    for files, total, count in told.expected:
        yield Line(group, of, f"expected value, estimate by {files}", f"{total:.2f}", "USD", "", str(count))
    yield Line(group, of, "charges without estimate", str(told.without_estimate), "charges")


def _share(group: str, of: str, metric: str, ratio: Ratio | None, limits: object = None) -> Line:
    if ratio is None:
        return Line(group, of, metric, "", "not known by payer")
    value = "" if ratio.value is None else f"{ratio.value:.6f}"
    own = ("", "", "")
    if limits is not None:
        own = tuple(f"{getattr(limits, name):.6f}" for name in ("median", "low", "high"))  # type: ignore[assignment]
    return Line(group, of, metric, value, "share", str(ratio.part), str(ratio.whole), *own)


def _plain(cell: str) -> str:
    # a reason comes from another system: a spreadsheet must not run it
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
