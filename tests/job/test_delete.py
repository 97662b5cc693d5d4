"""Deleting in two steps, who may, what goes and what stays; thumbnails that come with a study and go with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.factory.series import ct_series
from tests.job import acts
from workstation.__main__ import main
from workstation.archive.files import name_of
from workstation.base.clock import ScriptedClock, SystemClock
from workstation.base.errors import InputRefused, NotAllowed
from workstation.desk import housekeeping, remove_study
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.desk.place import Place
from workstation.desk.png import rgb_of
from workstation.desk.thumbnails import SIDE, thumbnail_png
from workstation.desk.verify import verify


def files_under(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != "lock")


def test_the_command_deletes_in_two_steps(tmp_path: Path, own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    ct_series(tmp_path / "in", slices=6, name="PHANTOM^JANE")
    assert main(["import", str(tmp_path / "in"), "--json"]) == 0
    uid = json.loads(capsys.readouterr().out)["studies"][0]
    assert main(["delete", f"study:{uid}", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)["error"]
    assert answer["code"] == "not_confirmed"
    assert "6 stored images" in answer["sentence"]
    assert "PHANTOM" not in answer["sentence"]
    assert len(files_under(own_home / "files")) == 6
    assert main(["delete", f"study:{uid}", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 6
    assert files_under(own_home / "files") == []
    assert list((own_home / "files").iterdir()) == [own_home / "files" / ".incoming"]
    assert files_under(own_home / "thumbnails") == []
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"studies": []}
    assert main(["verify", "--json"]) == 0
    capsys.readouterr()
    assert main(["journal", "--json"]) == 0
    kinds = [e["kind"] for e in json.loads(capsys.readouterr().out)]
    assert kinds == ["imported", "study_deleted"]
    # and it comes in again as if it had never been there
    assert main(["import", str(tmp_path / "in"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["new"] == 6
    assert main(["delete", "study:1.2.3", "--yes"]) == 1
    assert main(["delete", str(tmp_path), "--yes"]) == 1


def test_only_an_administrator_deletes_where_people_have_accounts(desk: Desk, study_folder: Path) -> None:
    uid = desk.import_paths([study_folder]).studies[0]
    with pytest.raises(NotAllowed) as caught:
        desk.delete(uid)
    assert caught.value.code == "not_signed_in"
    for account in ("demo.tech", "demo.rad", "demo.bill"):
        desk.sign_in(account, PINS[account])
        with pytest.raises(NotAllowed):
            desk.delete(uid, "wanted")
    assert len(desk.studies()) == 1


def admin(desk: Desk) -> None:
    """The demonstration has none: made the way the first person of a home is."""
    desk.people.make("boss", "Bo Boss", "administrator", "135792")
    desk.sign_in("boss", "135792")


def test_what_was_signed_needs_a_reason_and_its_record_of_acts_stays(
    desk: Desk, study_folder: Path, clock: ScriptedClock
) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    session.confirm_charge(PINS["demo.rad"])
    uid = session.key.study_uid
    charge = session.case.charge
    admin(desk)
    with pytest.raises(InputRefused) as caught:
        desk.delete(uid, "Test data")
    assert caught.value.code == "study_open"
    session.close()
    with pytest.raises(InputRefused) as caught:
        desk.delete(uid, "  ")
    assert caught.value.code == "reason"
    assert desk.deletion(uid).needs_reason
    lines, rows = desk.place.journal.last_number(), len(desk.place.ledger.rows())
    messages = files_under(desk.home / "messages")
    desk.delete(uid, "Test data")
    assert desk.studies() == ()
    assert desk.place.cases.load(uid) is None
    assert [name for folder in ("files", "drafts", "thumbnails") for name in files_under(desk.home / folder)] == []
    assert len(desk.place.ledger.rows()) == rows
    assert files_under(desk.home / "messages") == messages
    entry = desk.place.journal.entries(uid)[-1]
    assert entry.number == lines + 1
    assert entry.event.kind == "study_deleted"
    assert entry.event.actor is not None
    assert entry.event.actor.account == "boss"
    assert entry.event.payload["charge_id"] == charge
    assert entry.event.payload["reason"] == "Test data"
    assert entry.event.payload["state"] == "charged"
    assert verify(desk.place).wrong == ()


def test_a_kill_between_index_and_disk_is_ended_at_the_next_start(
    tmp_path: Path, study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    desk = Desk(home)
    uid = desk.import_paths([study_folder]).studies[0]

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(remove_study, "finish_leaving", killed)
    with pytest.raises(KeyboardInterrupt):
        desk.delete(uid)
    desk.close()
    assert len(files_under(home / "files")) == 40
    place = Place(home, SystemClock(), "", demo=False)
    assert files_under(home / "files") == []
    assert place.marks.leaving() == ()
    place.close()


def test_a_study_that_comes_in_while_its_files_leave_is_whole(
    tmp_path: Path, study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path / "home")
    uid = desk.import_paths([study_folder]).studies[0]
    monkeypatch.setattr(remove_study, "finish_leaving", lambda *_: 0)
    desk.delete(uid)
    desk.import_paths([study_folder])
    housekeeping.finish_leaving(desk.place)
    assert verify(desk.place).wrong == ()
    assert verify(desk.place).files == 40
    desk.close()


def test_a_file_that_cannot_go_now_goes_later(
    tmp_path: Path, study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path / "home")
    uid = desk.import_paths([study_folder]).studies[0]
    real = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "in use")))
    desk.delete(uid)
    monkeypatch.setattr(Path, "unlink", real)
    assert len(desk.place.marks.leaving()) == 41  # 40 images and a thumbnail
    housekeeping.tidy(desk.place)
    assert desk.place.marks.leaving() == ()
    assert not (desk.home / "files" / name_of(uid)).exists()
    desk.close()


# --- thumbnails ---------------------------------------------------------------------------------------------------


def test_a_thumbnail_shows_the_middle_slice_and_its_name_tells_nothing(desk: Desk, study_folder: Path) -> None:
    desk.import_paths([study_folder])
    row = desk.studies()[0]
    png = desk.study_thumbnail(row.study_uid)
    assert png is not None
    rgb = rgb_of(png)
    assert rgb.shape == (SIDE, SIDE, 3)
    assert (rgb[..., 0] == rgb[..., 1]).all()
    # phantom: air at the corner, contrast in the tube 8 mm to the patient's left (picture right), 96 mm across
    middle = SIDE // 2
    assert rgb[2, 2, 0] == 0
    assert rgb[middle, middle + round(8 * SIDE / 96), 0] == 255
    assert 120 < rgb[middle + round(30 * SIDE / 96), middle, 0] < 136
    names = files_under(desk.home / "thumbnails")
    assert len(names) == 1
    assert row.study_uid not in names[0]
    assert desk.thumbnail("1.2.3") is None
    assert b"tEXt" not in png


def test_a_thumbnail_keeps_the_proportions_of_the_body() -> None:
    values = np.zeros((50, 100), np.float32)
    values[:, 50:] = 100
    tall = rgb_of(thumbnail_png(values, (4.0, 1.0), "arbitrary"))
    assert tall.shape == (128, 64, 3)
    assert (tall[10, 5, 0], tall[10, 60, 0]) == (0, 255)
    assert rgb_of(thumbnail_png(values, (4.0, 1.0), "arbitrary", inverted=True))[10, 5, 0] == 255
    assert rgb_of(thumbnail_png(np.zeros((4, 4), np.float32), (1.0, 1.0), "arbitrary")).max() == 0


def test_captures_get_no_thumbnail(desk: Desk, study_folder: Path, clock: ScriptedClock) -> None:
    session = desk.open(str(study_folder))
    acts.technologist(desk, session, clock)
    acts.physician(desk, session, clock)
    session.close()
    assert len(desk.place.library.series_of(session.key.study_uid)) == 2
    assert len(files_under(desk.home / "thumbnails")) == 1
