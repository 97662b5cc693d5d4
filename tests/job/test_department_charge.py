"""A finished case at several workstations: one charge, one message, whatever is clicked, retried, killed, restarted."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.factory import desks
from tests.factory.archives import FILE, KINDS
from tests.factory.receiver import Receiver
from tests.unit.test_charge_sending import site_text
from workstation.__main__ import main
from workstation.base.errors import InputRefused
from workstation.desk import charge_office
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.desk import Desk
from workstation.desk.filed_case import FiledCase
from workstation.desk.move_database import MOVED, moved
from workstation.desk.verify import verify

SPAWN = multiprocessing.get_context("spawn")
PIN = desks.PIN


class Department:
    """Two workstations on one database: a shared home on SQLite, homes of their own on PostgreSQL."""

    def __init__(self, homes: tuple[Path, Path], moment: datetime, study: str) -> None:
        self.homes, self.moment, self.study = homes, moment, study

    @property
    def at(self) -> str:
        self.moment += timedelta(minutes=1)
        return self.moment.isoformat()

    def desk(self, number: int = 0) -> Desk:
        return desks.biller_at(str(self.homes[number]), self.at, f"TEST-{number + 1}")

    def receiver(self, office: Receiver) -> None:
        for home in set(self.homes):
            path = home / "site.toml"
            kept = [b for b in (path.read_text() if path.is_file() else "").split("[billing]")[:1] if b.strip()]
            path.write_text("\n".join([*kept, site_text(office.port)]))

    def charges(self) -> list[str]:
        desk = self.desk()
        try:
            assert verify(desk.place).wrong == ()
            return [f"{c.charge_id} {c.state}" for c in ledger_of(desk.place).charges().values()]
        finally:
            desk.close()


@pytest.fixture(params=KINDS)
def department(request: pytest.FixtureRequest, tmp_path: Path, finished: tuple[Path, datetime, str]) -> Department:
    home, moment, study = finished
    first = tmp_path / "one"
    shutil.copytree(home, first)
    if request.param == "sqlite":
        return Department((first, first), moment, study)
    url = request.getfixturevalue("postgres").url()
    moved(first, url)
    assert not (first / FILE).exists()
    assert (first / MOVED).is_file()
    second = tmp_path / "two"
    second.mkdir()
    shutil.copy(first / "site.toml", second / "site.toml")
    shutil.copytree(first / "files", second / "files")
    return Department((first, second), moment, study)


def test_two_workstations_and_a_kill_leave_one_charge_and_one_message(department: Department) -> None:
    """Killed before the transaction ends, then both stations at once, then killed between confirm and send."""
    homes, study = department.homes, department.study
    here, there = SPAWN.Pipe(duplex=False)
    victim = SPAWN.Process(
        target=desks.confirm_and_stand_still, args=(str(homes[0]), department.at, study, "before", there)
    )
    victim.start()
    assert here.recv() == "before"
    victim.kill()
    victim.join()
    assert department.charges() == []
    with SPAWN.Manager() as manager, ProcessPoolExecutor(2, mp_context=SPAWN) as pool, Receiver() as office:
        ready, go = manager.Queue(), manager.Event()
        asked = [
            pool.submit(desks.confirm, str(homes[n]), department.at, f"TEST-{n + 1}", study, ready, go) for n in (0, 1)
        ]
        for _ in asked:
            ready.get(timeout=120)
        go.set()
        told = [a.result() for a in asked]
        assert len({own for own, _ in told}) == 1
        assert [first for _, first in told].count(True) == 1
        own = told[0][0]
        victim = SPAWN.Process(
            target=desks.confirm_and_stand_still, args=(str(homes[1]), department.at, study, "after", there)
        )
        victim.start()
        assert here.recv() == "after"
        victim.kill()
        victim.join()
        assert department.charges() == [f"{own} confirmed"]
        department.receiver(office)
        # on one computer there is one clock; those of two workstations differ here by more than a place on a link lasts
        clocks = [department.at, department.at] if homes[0] != homes[1] else [department.at] * 2
        rounds = [pool.submit(desks.send, str(homes[n]), clocks[n], f"TEST-{n + 1}") for n in (0, 1)]
        assert sum(r.result() for r in rounds) == 1
        assert [c[:12] for c in office.control_ids] == [own]
    assert department.charges() == [f"{own} acknowledged"]


def test_a_restart_between_each_two_steps_changes_nothing(
    department: Department, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Confirm, send, acknowledged, void, confirmed anew, replaced: each by a program that has just started."""
    study = department.study

    def at_a_new_desk(number: int, work):
        desk = department.desk(number)
        try:
            return work(desk)
        finally:
            desk.close()

    def confirm(desk: Desk):
        return FiledCase(desk.place, desk.people, study).confirm_charge(PIN)

    def named(desk: Desk) -> str:
        return FiledCase(desk.place, desk.people, study).case.charge

    watching = department.desk(1)
    seen = watching.open(f"study:{study}")
    first = at_a_new_desk(0, confirm)
    assert first.first
    # a case that was opened before names the charge as soon as it is decided again
    assert seen.case.charge == ""
    assert seen.decide().answer["decision"] == "bill"
    assert seen.case.charge == first.charge_id
    for number in (0, 1):
        again = at_a_new_desk(number, confirm)
        assert (again.charge_id, again.first) == (first.charge_id, False)
        assert at_a_new_desk(number, named) == first.charge_id
    with Receiver() as office:
        department.receiver(office)
        for number in (0, 1, 0):
            at_a_new_desk(number, lambda desk: charge_office.send(desk.place, at_once=True))
        assert len(office.messages) == 1
        voided = at_a_new_desk(
            1,
            lambda desk: charge_office.void(
                desk.place, desk.people, first.charge_id, again=first.charge_id, reason="wrong side", secret=PIN
            ),
        )
        assert voided.credit
        seen.decide()
        assert seen.case.charge == ""
        seen.close()
        watching.close()
        # the void frees the case at every desk
        assert [at_a_new_desk(n, named) for n in (0, 1)] == ["", ""]
        second = at_a_new_desk(0, confirm)
        assert second.first
        assert second.charge_id != first.charge_id
        assert [at_a_new_desk(n, named) for n in (0, 1)] == [second.charge_id] * 2
        with pytest.raises(InputRefused, match="nothing to replace"):
            at_a_new_desk(
                1,
                lambda desk: charge_office.replace(
                    desk.place, desk.people, second.charge_id, reason="no change", secret=PIN
                ),
            )
        for number in (1, 0):
            at_a_new_desk(number, lambda desk: charge_office.send(desk.place, at_once=True))
        # charge, its credit, the new charge: in this order, each once
        assert [(c[:12], c[12:]) for c in office.control_ids] == [
            (first.charge_id, "CG"),
            (first.charge_id, "CD"),
            (second.charge_id, "CG"),
        ]
    assert department.charges() == [f"{first.charge_id} void", f"{second.charge_id} acknowledged"]
    # the same from the command line, on the database that the home names
    monkeypatch.setenv("RENDERDESK_HOME", str(department.homes[1]))
    assert main(["ledger", "--json"]) == 0
    assert [c["state"] for c in json.loads(capsys.readouterr().out)] == ["void", "acknowledged"]
    assert main(["audit", first.charge_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"] == []
    assert main(["charge", "--case", f"study:{study}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["decision"] == "bill"
    assert main(["verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ledger_rows"] == 7


def test_a_move_is_refused_where_it_would_lose_something(
    request: pytest.FixtureRequest, tmp_path: Path, finished: tuple[Path, datetime, str]
) -> None:
    url = request.getfixturevalue("postgres").url()
    for name in ("one", "two"):
        shutil.copytree(finished[0], tmp_path / name)
    done = moved(tmp_path / "one", url)
    assert done["rows"]["journal"] > 20
    before = (tmp_path / "two" / FILE).read_bytes()
    for home, words in (("two", "holds an archive already"), ("one", "department's already")):
        with pytest.raises(Exception, match=words):
            moved(tmp_path / home, url)
    with pytest.raises(Exception, match="must be a URL"):
        moved(tmp_path / "two", "sqlite:///x")
    assert (tmp_path / "two" / FILE).read_bytes() == before
    assert not (tmp_path / "two" / "site.toml").exists()
