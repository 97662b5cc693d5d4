"""The coding office by commands: official tables taken in, a past charge explained and decided again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.job import acts
from workstation.__main__ import main
from workstation.base.clock import ScriptedClock
from workstation.desk.charge_references import references_of
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.desk.verify import verify

UNITS = (
    "HCPCS/CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n"
    "76376,2,3 Date of Service Edit: Clinical,Clinical: Data\n"
    "76377,2,3 Date of Service Edit: Clinical,Clinical: Data\n"
)
UNITS_NAME = "MCR_MUE_PractitionerServices_Eff_01-01-2026.csv"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*words: object) -> tuple[int, object, str]:
        status = main([str(w) for w in words])
        shown = capsys.readouterr()
        return status, json.loads(shown.out) if "--json" in words else None, shown.err

    return call


@pytest.fixture
def charged(desk: Desk, clock: ScriptedClock, study_folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A confirmed charge in the home that the commands work on."""
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    clock.advance(600)
    desk.sign_in("demo.bill", PINS["demo.bill"])
    charge = session.confirm_charge(PINS["demo.bill"])
    session.close()
    monkeypatch.setenv("RENDERDESK_HOME", str(desk.home))
    return charge.charge_id


def test_a_past_charge_is_explained_and_decided_again(run, charged: str) -> None:
    status, shown, _ = run("audit", charged, "--json")
    assert status == 0
    assert shown["untouched"] is True
    assert shown["then"]["decision"] == "bill"
    assert shown["differences"] == []
    assert shown["facts"]["supervision"]["concurrent"] is True
    assert run("audit", "NONESUCH0000")[0] == 1


def test_official_tables_are_taken_in_and_named_by_decisions(run, charged: str, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / UNITS_NAME
    path.write_text(UNITS)
    status, shown, _ = run("reference", "import", path, "--json")
    assert status == 0
    assert shown["imported"] == [UNITS_NAME]
    status, shown, _ = run("reference", "--json")
    assert [row["file"] for row in shown["files"]] == [UNITS_NAME]
    assert shown["files"][0]["effective"] == "2026-01-01"
    assert len(references_of(desk.home).units) == 1
    study = desk.studies()[0].study_uid
    status, answer, _ = run("charge", "--case", f"study:{study}", "--date", "2026-01-06", "--json")
    assert UNITS_NAME in {row["file"] for row in answer["references"]}
    # the charge of before keeps its own answer; the audit says what differs
    status, shown, _ = run("audit", charged, "--json")
    assert {d["field"] for d in shown["differences"]} <= {"references"}
    assert verify(desk.place).wrong == ()


def test_a_damaged_table_is_refused_whole(run, charged: str, desk: Desk, tmp_path: Path) -> None:
    good, bad = tmp_path / UNITS_NAME, tmp_path / "MCR_MUE_OutpatientHospitalServices_Eff_01-01-2026.csv"
    good.write_text(UNITS)
    bad.write_text(UNITS.replace("76376,2", "7637,2"))
    status, shown, _ = run("reference", "import", good, bad, "--json")
    assert status == 1
    assert "MCR_MUE_OutpatientHospitalServices" in shown["error"]["sentence"]
    assert run("reference", "--json")[1]["files"] == []
    assert not references_of(desk.home).units


def test_a_table_that_was_changed_afterwards_is_not_trusted(run, charged: str, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / UNITS_NAME
    path.write_text(UNITS)
    assert run("reference", "import", path)[0] == 0
    (desk.home / "reference" / UNITS_NAME).write_text("<html>moved</html>")
    study = desk.studies()[0].study_uid
    status, shown, _ = run("charge", "--case", f"study:{study}", "--json")
    assert status == 1
    assert UNITS_NAME in shown["error"]["sentence"]
