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
    assert (shown["built_in_effective"], shown["built_in_age_days"] > 300) == ("2026-01-01", True)
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
    """A limit raised from 1 to 9 in what is kept is still a sound table, and no longer the published one."""
    path = tmp_path / UNITS_NAME
    path.write_text(UNITS)
    assert run("reference", "import", path)[0] == 0
    (kept,) = [p for p in (desk.home / "reference").iterdir() if p.name != "imports.json"]
    kept.write_bytes(kept.read_bytes().replace(b'"value":2', b'"value":9'))
    study = desk.studies()[0].study_uid
    status, shown, _ = run("charge", "--case", f"study:{study}", "--json")
    assert status == 1
    assert UNITS_NAME in shown["error"]["sentence"]
    assert run("reference", "import", path)[0] == 0  # imported again, it counts again
    assert run("charge", "--case", f"study:{study}", "--json", "--date", "2026-01-06")[0] == 0


def test_no_descriptor_is_kept_anywhere(run, charged: str, desk: Desk, tmp_path: Path) -> None:
    from tests.unit.test_billing_estimate import FEES
    from tests.unit.test_billing_reference import PAIR_HEAD, PAIR_ROWS

    files = []
    for name, text in (
        ("PPRRVU2026_Jan_nonQPP.csv", FEES),
        (UNITS_NAME, UNITS.replace("Clinical: Data", "SECRET RATIONALE")),
        *((f"ccipra-v320r0-f{n}.txt", PAIR_HEAD + PAIR_ROWS) for n in (1, 2, 3, 4)),
    ):
        files.append(tmp_path / name)
        files[-1].write_text(text)
    assert run("reference", "import", *files, "--json")[0] == 0
    words = (b"words of the licence holder", b"SECRET RATIONALE", b"Misuse of column two code", b"copyright")
    for path in (p for p in desk.home.rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert not [w for w in words if w in content], path.name
    assert len(references_of(desk.home).fees) == len(references_of(desk.home).pairs) == 1


def test_a_correction_counts_from_its_import_on_and_the_first_stays_for_its_time(
    run, charged: str, desk: Desk, tmp_path: Path
) -> None:
    """The publisher puts a corrected file under the same name."""
    path = tmp_path / UNITS_NAME
    path.write_text(UNITS)
    assert run("reference", "import", path)[0] == 0
    first = references_of(desk.home)
    moment = run("reference", "--json")[1]["files"][0]["imported_at"]
    path.write_text(UNITS.replace("76377,2,3", "76377,0,2"))
    assert run("reference", "import", path)[0] == 0
    assert references_of(desk.home).units[0].rows["76377"].value == 0
    assert references_of(desk.home, known_at=moment) == first
    assert references_of(desk.home, known_at="2020-01-01T00:00:00.000Z").units == ()
    rows = run("reference", "--json")[1]["files"]
    assert [row["replaced"] for row in rows] == [True, False]
    assert run("reference", "import", path)[0] == 0  # the same again is nothing new
    assert len(run("reference", "--json")[1]["files"]) == 2
    # the charge was confirmed before any table: its day gives the same, today would reject it
    status, shown, _ = run("audit", charged, "--json")
    assert status == 0
    assert shown["repeated"] == []
    assert shown["of_its_day"] == shown["then"]
    assert shown["now"]["decision"] == "reject"
    assert {"decision", "R-MU-01", "references"} <= {d["field"] for d in shown["differences"]}


def test_an_import_that_is_cut_off_leaves_nothing(
    run, charged: str, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workstation.desk import charge_references

    path = tmp_path / UNITS_NAME
    path.write_text(UNITS)

    def killed(place: Path, content: bytes) -> None:
        if place.name == "imports.json":
            raise KeyboardInterrupt
        place.write_bytes(content)

    lines = len(desk.place.journal.entries())
    with monkeypatch.context() as patch:
        patch.setattr(charge_references, "write_bytes", killed)
        assert run("reference", "import", path)[0] == 130
    assert references_of(desk.home).units == ()
    assert len(desk.place.journal.entries()) == lines
    assert run("reference", "import", path)[0] == 0
    assert len(references_of(desk.home).units) == 1


def test_an_audit_by_words_and_on_another_day(run, charged: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", charged]) == 0
    words = capsys.readouterr().out
    assert "By the rules, tables and payer records of its day the same facts give the same answer." in words
    assert "By those of today they give the same answer." in words
    assert main(["audit", charged, "--date", "2031-01-01"]) == 0
    assert "Today differs: decision: then bill, now reject." in capsys.readouterr().out
