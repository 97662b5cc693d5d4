"""Plots as marks, and the figures as sheet, table and paper: every number that is drawn is one that was counted."""

from __future__ import annotations

import csv
import datetime as dt
import io
import shutil
import subprocess
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.metrics import BaseStudies, Data, Denial, Noted, Scope, Seen, Session
from billing.rules.book import RULES
from workstation.report import plot
from workstation.report.figures_pdf import figures_pdf
from workstation.report.figures_sheet import period, sheet
from workstation.report.figures_table import HEAD, csv_text, default_months, table
from workstation.report.rule_words import WORDS

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
ONE = "1234567893"


def at(day):
    return dt.datetime(2026, 11, day, 9, tzinfo=dt.UTC)


def charge(number, **changes):
    base = {
        "charge_id": f"C{number}",
        "date": dt.date(2026, 11, 2),
        "code": "76377",
        "modifiers": ("26",),
        "state": "acknowledged",
        "reader": ONE,
        "site": "Main",
        "payer": "medicare",
        "confirmed_at": at(5),
        "acknowledged_at": at(6),
        "estimate": Decimal("38.61"),
        "estimate_files": "RVU of 2026-10-01",
    }
    return Seen(**{**base, **changes})


DATA = Data(
    base=(BaseStudies(date=dt.date(2026, 11, 1), count=8, site="Main"),),
    sessions=(
        Session(
            id="1",
            date=dt.date(2026, 11, 2),
            signed_at=at(3),
            decisions=(Noted(at=at(3), decision="bill"),),
            reader=ONE,
            site="Main",
            payer="medicare",
            acts=("witnessed",) * 4,
            charge_ids=("C1",),
        ),
        Session(
            id="2",
            date=dt.date(2026, 11, 2),
            signed_at=at(3),
            decisions=(Noted(at=at(3), decision="hold", rules=("R-CT-02",)),),
            reader=ONE,
            site="Main",
            payer="uhc",
        ),
    ),
    charges=(
        charge(1),
        charge(2, payer="uhc", state="rejected", denials=(Denial(at=at(6), reason='=HYPERLINK("x")'),)),
    ),
    now=NOW,
)
MONTHS = default_months(NOW.date())


def labels(marks):
    return [m.text for m in marks if isinstance(m, plot.Label)]


# --- marks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("top", "steps"),
    [
        (0.18, (0, 0.1, 0.2)),
        (7, (0, 5, 10)),
        (9.5, (0, 5, 10)),
        (0, (0, 1)),
        (float("nan"), (0, 1)),
        (30, (0, 10, 20, 30)),
    ],
)
def test_steps_of_an_axis_are_round_and_reach_the_top(top, steps):
    assert plot.ticks(top) == pytest.approx(steps)


@given(st.floats(1e-6, 1e9), st.integers(1, 12))
def test_any_axis_holds_its_values_in_few_steps(top, least):
    steps = plot.ticks(top, least)
    assert steps[0] == 0
    assert steps[-1] >= top * (1 - 1e-9)
    assert len(steps) <= 2.5 * least + 3


def test_a_line_stands_at_its_value_and_breaks_where_nothing_is_known():
    marks = plot.line(400, 200, [plot.Value("Jan", 0.1), plot.Value("Feb", None), plot.Value("Mar", 0.2)])
    dots = [m for m in marks if isinstance(m, plot.Dot)]
    low, high = next(m for m in marks if isinstance(m, plot.Stroke)).points[0][1], 12.0
    assert [d.y for d in dots] == pytest.approx([low - (low - high) / 2, high])  # the axis ends at 20 %
    assert not [m for m in marks if isinstance(m, plot.Stroke) and m.tone == "accent"]
    assert {"0\u00a0%", "10\u00a0%", "20\u00a0%", "Jan", "Mar"} <= set(labels(marks))


def test_a_level_far_above_every_value_is_not_drawn():
    values = [plot.Value("Jan", 0.02), plot.Value("Feb", 0.03)]
    assert "20 %" not in labels(plot.line(400, 200, values, mark=(0.2, "20 %")))
    assert "20 %" in labels(plot.line(400, 200, [plot.Value("Jan", 0.12)], mark=(0.2, "20 %")))


def test_a_month_outside_its_limits_is_marked():
    value = plot.Value("Jan", 0.3, 0.05, 0.15, 0.1, unusual=True)
    dots = [m for m in plot.line(400, 200, [value]) if isinstance(m, plot.Dot)]
    assert [(d.tone, d.radius) for d in dots] == [("wants", 4)]


def test_bars_are_as_long_as_their_counts():
    marks = plot.bars(400, [("a", 8), ("b", 2)])
    long, short = ([x for x, _ in m.points] for m in marks if isinstance(m, plot.Area))
    assert (max(short) - min(short)) / (max(long) - min(long)) == pytest.approx(0.25)
    assert max(long) < 400


@given(st.lists(st.floats(0, 400), min_size=1, max_size=60))
def test_every_value_falls_into_one_class(values):
    counts = plot.classes(values, plot.ticks(max(values), 10))
    assert sum(counts) == len(values)


def test_a_class_holds_its_lower_bound_and_the_last_its_upper_too():
    assert plot.classes([0, 1, 1.5, 2, 3], (0, 1, 2, 3)) == [1, 2, 2]


@given(
    st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=36),
    st.floats(200, 900),
)
def test_nothing_is_drawn_outside_its_place(values, width):
    shown = [plot.Value(str(n), v, 0.1, 0.4, 0.2) for n, v in enumerate(values)]
    for mark in plot.line(width, 176, shown, mark=(0.2, "20 %")):
        points = [(mark.x, mark.y)] if isinstance(mark, plot.Label | plot.Dot) else mark.points
        assert all(-1 <= x <= width + 1 and -1 <= y <= 177 for x, y in points)


# --- sheet ---------------------------------------------------------------------------------------------------------


def test_the_tiles_say_the_counts():
    found = sheet(DATA, Scope(), MONTHS, {ONE: "Dr. One"})
    tiles = {t.title: t for t in found.tiles}
    assert tiles["3D per CT and MR"].number == "25\u00a0%"
    assert "2 of 8 studies" in tiles["3D per CT and MR"].about
    assert "a note, not an alarm" in tiles["3D per CT and MR"].about
    assert tiles["3D per CT and MR"].state == ""
    assert (tiles["Billable at once"].number, tiles["Billable at once"].state) == ("50\u00a0%", "wants")
    assert tiles["Held now"].number == "1"
    assert tiles["Signed to confirmed"].number == "2.0 days"
    assert tiles["Refused by the receiver"].number == "50\u00a0%"
    assert tiles["Expected value"].number == "$ 77.22"
    assert ("angiogram or not: 1",) in [p.told for p in found.plots]
    reader = next(t for t in found.tables if t.title == "By reader")
    assert reader.rows[0][:3] == ("Dr. One", "2", "2")


def test_without_anything_nothing_is_invented():
    found = sheet(Data(now=NOW), Scope(), MONTHS, {})
    assert [t.number for t in found.tiles] == ["-", "-", "0", "-", "-", "-"]
    assert all(t.rows == () for t in found.tables)


def test_a_payers_share_of_all_studies_is_not_known():
    found = sheet(DATA, Scope(payer="uhc"), MONTHS, {})
    assert found.tiles[0].number == "-"


def test_the_table_holds_counts_benchmarks_and_months_and_runs_no_formula():
    text = csv_text(table(DATA, Scope(), MONTHS, {ONE: "Dr. One"}))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == HEAD
    share = next(r for r in rows if r["group"] == "all" and r["metric"] == "share_3d")
    assert (share["part"], share["whole"], share["value"]) == ("2", "8", "0.250000")
    assert (share["benchmark"], share["benchmark_date"]) == ("0.2", "2026-11-01")
    assert "L35408" in share["source"]
    month = next(r for r in rows if r["group"] == "month" and r["of"] == "2026-11" and r["metric"] == "share_3d")
    assert month["part"] == "2"
    assert next(r for r in rows if r["group"] == "reader")["of"] == "Dr. One"
    assert not any(cell.startswith(("=", "+", "@")) for r in rows for cell in r.values())
    assert any(r["metric"].startswith("denial UnitedHealthcare: =HYPERLINK") for r in rows)


def test_paper_has_the_same_numbers_and_the_same_bytes_each_time(tmp_path):
    found = sheet(DATA, Scope(), MONTHS, {ONE: "Dr. One"})
    made = figures_pdf(found, title="Figures", lines=("All readers",), made_at="2026-11-25 12:00 UTC")
    assert made == figures_pdf(found, title="Figures", lines=("All readers",), made_at="2026-11-25 12:00 UTC")
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (apt install poppler-utils)")
    (tmp_path / "f.pdf").write_bytes(made)
    done = subprocess.run(["pdftotext", "-layout", str(tmp_path / "f.pdf"), "-"], capture_output=True, check=True)
    text = " ".join(done.stdout.decode().split())
    for word in ("$ 77.22", "2 of 8 studies", "L35408", "2026-11-01", "Dr. One", "angiogram or not"):
        assert word in text


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("month", (2026, 11), (2026, 11)),
        ("quarter", (2026, 9), (2026, 11)),
        ("year", (2025, 12), (2026, 11)),
        ("all", (2024, 2), (2026, 11)),
    ],
)
def test_periods_end_with_this_month(name, first, last):
    assert period(NOW.date(), name, dt.date(2024, 2, 17)) == (dt.date(*first, 1), dt.date(*last, 1))


def test_every_rule_that_can_hold_or_reject_has_its_words():
    known = {r.id for r in RULES}
    assert set(WORDS) <= known
    passing = {"R-IW-01", "R-IW-02", "R-TQ-00", "R-OR-03", "R-CP-01", "R-CP-02", "R-CP-03", "R-CP-04", "R-CP-09"}
    passing |= {"R-GC-01", "R-NC-03", "R-NC-06"} | {r for r in known if r.startswith("R-MD-")}
    assert known - passing <= set(WORDS)
