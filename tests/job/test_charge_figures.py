"""Decisions noted as they change, and the figures counted from a home whose acts are known."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from billing.metrics import Ratio, figures
from billing.payer_book import PayerRecord
from tests.job import acts
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused, NotAllowed
from workstation.desk.charge_metrics import read_counts, sites_of
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS


def noted(desk: Desk) -> list[tuple[str, list[str]]]:
    return [
        (e.event.payload["decision"], e.event.payload["rules"]) for e in desk.place.journal.of_kinds("charge_decided")
    ]


def test_the_first_decision_and_each_other_one_are_noted_and_counted(
    desk: Desk, clock: ScriptedClock, study_folder: Path
) -> None:
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    acts.physician(desk, session, clock)
    acts.report(session, clock)
    (first,) = noted(desk)
    assert first[0] == "hold"
    assert {"R-PY-01", "R-CP-05"} <= set(first[1])
    session.give_facts({k: v for k, v in acts.GIVEN.items() if k != "payer.kind"})
    assert {"R-PY-01"} == set(noted(desk)[-1][1])
    clock.advance(2 * 86400)
    session.give_facts({"payer.kind": "medicare"})
    assert noted(desk)[-1] == ("bill", [])
    lines = len(noted(desk))
    session.give_facts({"payer.kind": "medicare"})
    assert len(noted(desk)) == lines  # the same decision is not noted twice
    clock.advance(86400)
    desk.sign_in("demo.bill", PINS["demo.bill"])
    session.confirm_charge(PINS["demo.bill"])
    found = desk.metrics()
    told = figures(found.data)
    assert (told.sessions, told.charges, told.share_3d) == (1, 1, Ratio(1, 1))
    assert told.first_pass == Ratio(0, 1)
    assert told.held_now == 0
    assert dict(told.hold_rules)["R-PY-01"] == 1
    assert told.hold_days.days == pytest.approx((2.0,), abs=0.02)
    assert told.confirm_days.days == pytest.approx((3.0,), abs=0.02)
    assert told.witnessed == Ratio(4, 4)
    assert found.names[found.data.sessions[0].reader] == "Demo Radiologist, MD"
    assert found.data.charges[0].payer == "medicare"
    assert "of this library" in found.base_from
    session.close()


def test_figures_are_for_those_who_may_read_the_charge_log(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        desk.metrics()
    desk.sign_in("demo.tech", PINS["demo.tech"])
    with pytest.raises(NotAllowed, match="department's figures"):
        desk.metrics()
    with pytest.raises(NotAllowed, match="record what a payer wants"):
        desk.add_payer_record("uhc", PayerRecord(source="x", checked_on=date(2026, 1, 1)))
    desk.sign_in("demo.bill", PINS["demo.bill"])
    assert figures(desk.metrics().data).charges == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2026-13,Main,1234567893,40", "line 3: a month"),
        ("2026-02,Main,1234567893,-4", "line 3: the number"),
        ("2026-02,Main,40", "line 3: there are 3 columns"),
        ("2026-01,Main,1234567893,41", "line 3: month, site and reader stand here a second time"),
    ],
)
def test_counts_of_the_site_are_taken_or_refused_by_their_line(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "base_studies.csv"
    path.write_text("month,site,reader,studies\n2026-01,Main,1234567893,40\n\n2026-02,,,7\n")
    counted = read_counts(path)
    assert [(c.date, c.count, c.site, c.reader) for c in counted] == [
        (date(2026, 1, 1), 40, "Main", "1234567893"),
        (date(2026, 2, 1), 7, "not said", "not said"),
    ]
    path.write_text(f"month,site,reader,studies\n2026-01,Main,1234567893,40\n{line}\n")
    with pytest.raises(InputRefused, match=rf"base_studies\.csv, {words}"):
        read_counts(path)
    path.write_text("studies,month\n")
    with pytest.raises(InputRefused, match="line 1"):
        read_counts(path)


def test_a_month_that_the_site_counted_is_not_counted_from_the_library_too(desk: Desk, study_folder: Path) -> None:
    desk.sign_in("demo.tech", PINS["demo.tech"])
    desk.import_paths([study_folder])
    month = (desk.studies()[0].date or "")[:7]
    desk.sign_in("demo.bill", PINS["demo.bill"])
    assert figures(desk.metrics().data).base_studies == 1
    (desk.home / "base_studies.csv").write_text(f"month,site,reader,studies\n{month},Main,,300\n")
    assert figures(desk.metrics().data).base_studies == 300
    (desk.home / "base_studies.csv").write_text("month,site,reader,studies\n2001-01,Main,,300\n")
    assert figures(desk.metrics().data).base_studies == 301


def test_a_wrong_list_of_sites_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[billing]\nlate_days = 3\n\n[sites]\nWS1 = "Main"\nWS2 = 7\n')
    with pytest.raises(InputRefused, match=r"site\.toml, line 6"):
        sites_of(tmp_path)
    (tmp_path / "site.toml").write_text('[sites]\n"WS-3D-1" = "Main"\n')
    assert sites_of(tmp_path) == {"WS-3D-1": "Main"}
