"""Figures for administrators against a ledger that was counted by hand, and properties that hold for any."""

from __future__ import annotations

import copy
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charge import draft, identity_of
from billing.decide import decide
from billing.facts import read_facts
from billing.ledger import Actor, Ledger, MemoryStore
from billing.metrics import (
    BENCHMARKS,
    BaseStudies,
    Data,
    Denial,
    Limits,
    Noted,
    Ratio,
    Scope,
    Seen,
    Session,
    Spread,
    charges_seen,
    figures,
    limits,
    month_of,
    monthly,
    months_before,
    values,
)

BASE = json.loads((Path(__file__).resolve().parents[1] / "cases/billing_base.json").read_text())
NOW = dt.datetime(2026, 4, 10, 12, tzinfo=dt.UTC)
ONE, TWO = "1234567893", "1999888773"


def at(day, hour=9, month=3):
    return dt.datetime(2026, month, day, hour, tzinfo=dt.UTC)


def by(day, hour=9, role="biller"):
    return Actor(who=role, role=role, workstation="WS1", at=at(day, hour).isoformat())


# --- a ledger counted by hand ---------------------------------------------------------------------------------------
# Six charges of March, all professional (26):
#   A 76377 26        Medicare  confirmed 03-03  sent, acknowledged 03-05
#   B 76377 26        UHC       confirmed 03-03  sent, refused 03-04 ("ID unknown"), resent, acknowledged 03-08
#   C 76377 26        UHC       confirmed 03-09, late (7 days)   confirmed only
#   D 76377 26        Medicare  confirmed 03-03  sent, refused 03-04 ("duplicate"): stays rejected
#   E 76377 26        Medicare  confirmed 03-03  voided on 03-04: counts as no charge
#   F 76376 26        Medicare  confirmed 03-03, on a scanner console


def one(number, payer="medicare", console=False):
    document = copy.deepcopy(BASE)
    document["patient"]["id"] = f"P{number}"
    document["payer"] = {"kind": payer}
    if payer == "uhc":
        document["payer"] |= {"prior_auth_required": False}
    if console:
        document["workstation"]["kind"] = "scanner_console"
    read = read_facts(document)
    return draft(read, decide(read), identity_of(read, study_uid=f"1.2.{number}"))


@pytest.fixture(scope="module")
def seen():
    store = MemoryStore()
    ledger = Ledger(store)
    a = ledger.confirm(one(1), by(3))
    b = ledger.confirm(one(2, "uhc"), by(3))
    ledger.confirm(one(3, "uhc"), by(9), late=True)
    d = ledger.confirm(one(4), by(3))
    e = ledger.confirm(one(5), by(3))
    ledger.confirm(one(6, console=True), by(3))
    for charge in (a, b, d):
        ledger.send(charge.charge_id, by(3, 10, "system"))
    ledger.acknowledge(a.charge_id, by(5, 9, "system"))
    ledger.refuse(b.charge_id, by(4, 9, "system"), reason="ID unknown")
    ledger.refuse(d.charge_id, by(4, 9, "system"), reason="duplicate")
    ledger.resend(b.charge_id, by(5), reason="corrected at the receiver")
    ledger.acknowledge(b.charge_id, by(8, 9, "system"))
    ledger.void(e.charge_id, by(4), reason="wrong patient", again=e.charge_id)
    return charges_seen(store.rows())


def test_states_moments_and_denials_come_from_the_rows(seen):
    assert [c.state for c in seen] == ["acknowledged", "acknowledged", "confirmed", "rejected", "void", "confirmed"]
    assert [c.code for c in seen] == ["76377"] * 5 + ["76376"]
    assert seen[1].denials == (Denial(at=at(4), reason="ID unknown"),)
    assert (seen[1].confirmed_at, seen[1].acknowledged_at) == (at(3), at(8))
    assert seen[3].acknowledged_at is None
    assert {c.reader for c in seen} == {BASE["providers"]["rendering_npi"]}
    assert {c.date for c in seen} == {dt.date(2026, 3, 2)}


def test_counts_of_the_hand_counted_ledger(seen):
    base = (
        BaseStudies(date=dt.date(2026, 3, 1), count=38),
        BaseStudies(date=dt.date(2026, 3, 31)),
        BaseStudies(date=dt.date(2026, 3, 2)),
        BaseStudies(date=dt.date(2026, 4, 1), count=10),
    )
    march = Scope(since=dt.date(2026, 3, 1), until=dt.date(2026, 3, 31))
    found = figures(Data(charges=seen, base=base, now=NOW), march)
    assert found.charges == 5  # E is void
    assert found.share_3d == Ratio(5, 40)
    assert found.mix == (("76377", 4), ("76376", 1))
    assert found.late == Ratio(1, 5)
    assert found.denied == Ratio(2, 3)  # A, B and D were sent
    assert found.denials == (("medicare", "duplicate", 1), ("uhc", "ID unknown", 1))
    assert found.acknowledge_days.days == (2.0, 5.0)
    uhc = figures(Data(charges=seen, base=base, now=NOW), Scope(payer="uhc"))
    assert (uhc.charges, uhc.late, uhc.denied, uhc.share_3d) == (2, Ratio(1, 2), Ratio(1, 1), None)
    april = figures(Data(charges=seen, base=base, now=NOW), Scope(since=dt.date(2026, 4, 1)))
    assert (april.charges, april.base_studies, april.share_3d) == (0, 10, Ratio(0, 10))


# --- sessions counted by hand --------------------------------------------------------------------------------------
#   s1  bill at once; all four acts witnessed; charge A, signed 03-02 09:00, confirmed 03-03 09:00 -> 1 day
#   s2  held 03-02 (R-PY-01, R-CP-05), bill 03-04 -> 2 days; three acts witnessed, one attested; charge B
#   s3  held 04-06 (R-PY-01), still held at NOW 04-10 12:00 -> 4.125 days (from 09:00)
#   s4  reject R-IN-01 at once: base included
#   s5  held 03-02, then reject R-CT-01 on 03-03 -> 1 day; no base inclusion
#   s6  no decision noted (from before they were): counts as a session only


def noted(moment, decision, *rules):
    return Noted(at=moment, decision=decision, rules=rules)


@pytest.fixture
def sessions(seen):
    day = dt.date(2026, 3, 2)
    four = ("witnessed",) * 4
    return (
        Session(
            id="s1",
            date=day,
            signed_at=at(2),
            decisions=(noted(at(2), "bill"),),
            acts=four,
            reader=ONE,
            charge_ids=(seen[0].charge_id,),
        ),
        Session(
            id="s2",
            date=day,
            signed_at=at(2),
            decisions=(noted(at(2), "hold", "R-PY-01", "R-CP-05"), noted(at(4), "bill")),
            acts=("witnessed", "witnessed", "witnessed", "attested"),
            reader=ONE,
            charge_ids=(seen[1].charge_id,),
        ),
        Session(
            id="s3",
            date=day,
            decisions=(noted(at(6, month=4), "hold", "R-PY-01"),),
            acts=("absent", "attested", "absent", "absent"),
            reader=TWO,
        ),
        Session(id="s4", date=day, decisions=(noted(at(2), "reject", "R-IN-01"),), reader=TWO),
        Session(
            id="s5",
            date=day,
            decisions=(noted(at(2), "hold", "R-CT-02"), noted(at(3), "reject", "R-CT-01")),
            reader=TWO,
        ),
        Session(id="s6", date=day),
    )


def test_counts_of_the_hand_counted_sessions(seen, sessions):
    found = figures(Data(charges=seen, sessions=sessions, now=NOW))
    assert found.sessions == 6
    assert found.first_pass == Ratio(1, 5)
    assert found.base_included == Ratio(1, 5)
    assert found.held_now == 1
    assert found.hold_rules == (("R-PY-01", 2), ("R-CP-05", 1), ("R-CT-02", 1))
    assert found.reject_rules == (("R-CT-01", 1), ("R-IN-01", 1))
    assert found.hold_days.days == (1.0, 2.0, 4.125)
    assert (found.hold_days.median, found.hold_days.p90) == (2.0, 4.125)
    assert found.confirm_days.days == (1.0, 1.0)
    assert found.witnessed == Ratio(7, 9)
    assert found.share_3d == Ratio(5, 0)
    assert found.share_3d.value is None
    first = figures(Data(charges=seen, sessions=sessions, now=NOW), Scope(reader=ONE))
    assert (first.sessions, first.first_pass, first.witnessed) == (2, Ratio(1, 2), Ratio(7, 8))
    assert values(Data(charges=(), sessions=sessions, now=NOW), "reader") == (ONE, TWO, "not said")


def test_modifiers_and_expected_value_by_file_version():
    def charge(number, *modifiers, amount=None, files="", state="confirmed"):
        return Seen(
            charge_id=str(number),
            date=dt.date(2026, 3, 2),
            code="76377",
            modifiers=modifiers,
            state=state,
            confirmed_at=NOW,
            estimate=None if amount is None else Decimal(amount),
            estimate_files=files,
        )

    found = figures(
        Data(
            charges=(
                charge(1, "26", "XS", amount="35.07", files="RVU 2026A"),
                charge(2, "26", "59", "77", amount="35.07", files="RVU 2026A"),
                charge(3, "26", "52", amount="36.10", files="RVU 2026B"),
                charge(4, "26"),
                charge(5, "26", "59", amount="99.00", files="RVU 2026A", state="void"),
            ),
            now=NOW,
        )
    )
    assert found.modifiers.distinct == Ratio(2, 4)
    assert found.modifiers.repeated == Ratio(1, 4)
    assert found.modifiers.reduced == Ratio(1, 4)
    assert found.expected == (("RVU 2026A", Decimal("70.14"), 2), ("RVU 2026B", Decimal("36.10"), 1))
    assert found.without_estimate == 1


# --- own median and limits -----------------------------------------------------------------------------------------


def test_limits_are_those_of_a_p_chart():
    history = [Ratio(n, 100) for n in (8, 9, 10, 10, 11, 12)]
    found = limits(history, 100)
    # 0.10 +- 3 * sqrt(0.1 * 0.9 / 100) = 0.10 +- 0.09
    assert found == Limits(0.10, pytest.approx(0.01), pytest.approx(0.19), 6)
    assert limits(history, 25).low == 0.0  # 0.10 - 0.18 is cut at 0
    assert limits(history[:5], 100) is None
    assert limits([*history[:5], Ratio(0, 0)], 100) is None  # a month without studies is no history
    assert limits(history, 0) is None


def test_a_month_stands_beside_its_own_twelve_earlier_months():
    def month(number, share):
        day = months_before(dt.date(2026, 4, 1), 20)[number]
        seen = tuple(
            Seen(charge_id=f"{number}-{n}", date=day, code="76377", state="sent", confirmed_at=NOW)
            for n in range(share)
        )
        return BaseStudies(date=day, count=100), seen

    made = [month(n, 10 if n < 19 else 30) for n in range(20)]
    data = Data(base=tuple(b for b, _ in made), charges=tuple(c for _, s in made for c in s), now=NOW)
    found = monthly(data, Scope(), months_before(dt.date(2026, 4, 1), 20), lambda f: f.share_3d)
    assert [p.limits.months if p.limits else 0 for p in found] == [0] * 6 + [6, 7, 8, 9, 10, 11] + [12] * 8
    assert found[-1].ratio == Ratio(30, 100)
    assert found[-1].limits.median == pytest.approx(0.10)
    assert [p.unusual for p in found] == [False] * 19 + [True]


def test_months_go_over_the_year():
    assert months_before(dt.date(2026, 2, 1), 3) == (dt.date(2025, 11, 1), dt.date(2025, 12, 1), dt.date(2026, 1, 1))
    assert month_of(dt.date(2024, 2, 29)) == dt.date(2024, 2, 1)


@pytest.mark.parametrize(("count", "p90"), [(1, 1.0), (9, 9.0), (10, 9.0), (11, 10.0), (20, 18.0)])
def test_the_ninetieth_percentile_is_the_nearest_rank(count, p90):
    assert Spread(tuple(float(n) for n in range(1, count + 1))).p90 == p90
    assert Spread(()).p90 is None


def test_every_benchmark_has_its_source_and_date():
    for one in BENCHMARKS:
        assert one.source
        assert dt.date(2026, 1, 1) <= one.dated <= dt.date(2026, 12, 31)
    assert next(b for b in BENCHMARKS if b.metric == "share_3d").value == 0.20


# --- for any ledger ------------------------------------------------------------------------------------------------

_STATES = st.sampled_from(["confirmed", "sent", "acknowledged", "rejected", "void", "replaced"])
_DAYS = st.dates(dt.date(2025, 1, 1), dt.date(2026, 3, 31))
_CHARGES = st.lists(
    st.builds(
        Seen,
        charge_id=st.uuids().map(str),
        date=_DAYS,
        code=st.sampled_from(["76377", "76376"]),
        modifiers=st.lists(st.sampled_from(["26", "59", "76", "52"]), max_size=3, unique=True).map(tuple),
        state=_STATES,
        reader=st.sampled_from([ONE, TWO]),
        payer=st.sampled_from(["medicare", "uhc"]),
        confirmed_at=st.just(NOW),
        estimate=st.none() | st.decimals(0, 200, places=2),
    ),
    max_size=20,
).map(tuple)


@given(charges=_CHARGES, base=st.lists(st.builds(BaseStudies, date=_DAYS, count=st.integers(0, 9)), max_size=9))
def test_parts_add_up_to_the_whole(charges, base):
    data = Data(charges=charges, base=tuple(base), now=NOW)
    whole = figures(data)
    for split in (
        [Scope(reader=r) for r in (ONE, TWO)],
        [Scope(payer=p) for p in ("medicare", "uhc")],
        [Scope(since=m, until=m) for m in months_before(dt.date(2026, 4, 1), 15)],
    ):
        parts = [figures(data, scope) for scope in split]
        assert sum(p.charges for p in parts) == whole.charges
        assert sum(p.modifiers.distinct.part for p in parts) == whole.modifiers.distinct.part
        assert sum(n for p in parts for _, n in p.mix) == whole.charges
        assert sum(t for p in parts for _, t, _ in p.expected) == sum(t for _, t, _ in whole.expected)
    assert whole.charges == sum(c.state not in ("void", "replaced") for c in charges)
