"""Whose images are whose: who may decide, what follows, what stays, and that everything can be taken back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.factory.series import ct_series
from workstation.__main__ import main
from workstation.archive.identity import Stated
from workstation.archive.reconcile import Act
from workstation.base.errors import InputRefused, NotAllowed
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.desk.reconcile import known_as
from workstation.desk.verify import verify

SMALL = {"slices": 24, "rows": 32, "columns": 32}
UID = "2.25.77"


def mixed_folder(folder: Path) -> Path:
    """One study, two people in it, in one series and in series of their own."""
    one = {"StudyInstanceUID": UID}
    ct_series(folder, **SMALL, name="DOE^ANN", patient_id="A-1", series="x", label="a", tags=one)
    other = {"StudyInstanceUID": UID, "SeriesInstanceUID": "2.25.9"}
    ct_series(folder, **SMALL, name="ROE^BEA", patient_id="B-2", series="y", label="b", tags=other, slope=2.0)
    return folder


def bytes_of(desk: Desk) -> set[str]:
    return {hashlib.sha256(p.read_bytes()).hexdigest() for p in (desk.home / "files").rglob("*.dcm")}


@pytest.fixture
def two(desk: Desk, tmp_path: Path) -> Desk:
    """The same woman under the numbers of two hospitals."""
    for number, hospital in (("1", "H"), ("77", "K")):
        tags = {"IssuerOfPatientID": hospital}
        ct_series(tmp_path / hospital, **SMALL, name="DOE^ANN", patient_id=number, tags=tags)
        desk.import_paths([tmp_path / hospital])
    desk.sign_in("demo.rad", PINS["demo.rad"])
    return desk


def test_one_person_under_two_numbers_is_offered_decided_and_taken_back(two: Desk) -> None:
    (question,) = two.identity_questions()
    assert question.kind == "identity_possible"
    before = bytes_of(two)
    assert known_as(two.place, "H", "1") == (("H", "1"),)
    done = two.reconcile(Act(kind="same", patients=question.patients), "same passport")
    assert not done.proposed
    first, second = two.studies()
    assert first.person_key == second.person_key
    assert [r.study_uid for r in two.place.library.priors(first.study_uid)] == [second.study_uid]
    assert two.identity_questions() == ()
    # the ledger's key asks with either number and gets the same person, the same way round
    assert known_as(two.place, "H", "1") == known_as(two.place, "K", "77") == (("H", "1"), ("K", "77"))
    two.reconcile(Act(kind="undo", undoes=done.line), "wrong sister")
    assert len(two.identity_questions()) == 1
    assert known_as(two.place, "K", "77") == (("K", "77"),)
    assert bytes_of(two) == before, "files are never edited"
    assert verify(two.place).wrong == ()
    with pytest.raises(InputRefused, match="taken back already"):
        two.reconcile(Act(kind="undo", undoes=done.line), "again")


def test_who_may_decide_and_who_may_only_propose(two: Desk, clock) -> None:
    (question,) = two.identity_questions()
    wish = Act(kind="same", patients=question.patients)
    two.sign_in("demo.bill", PINS["demo.bill"])
    with pytest.raises(NotAllowed):
        two.reconcile(wish, "why not")
    two.sign_in("demo.tech", PINS["demo.tech"])
    proposed = two.reconcile(wish, "the card says so")
    assert proposed.proposed
    assert len(two.identity_questions()) == 1, "a proposal changes nothing"
    assert [d.proposed for d in two.decisions()] == [True]
    two.sign_in("demo.rad", PINS["demo.rad"])
    clock.advance(600)
    with pytest.raises(NotAllowed) as again:
        two.reconcile(wish, "checked", proposal=proposed.line)
    assert again.value.code == "authenticate_again"
    two.reconcile(wish, "checked", PINS["demo.rad"], proposal=proposed.line)
    assert two.identity_questions() == ()
    assert [d.proposed for d in two.decisions()] == [False], "the proposal is answered"
    with pytest.raises(InputRefused, match="Say why"):
        two.reconcile(Act(kind="split", patients=(question.patients[0],)), "  ")


def test_a_corrected_name_stands_above_the_files_and_is_found(two: Desk) -> None:
    row = two.studies("77")[0]
    new = Stated("77", "K", "DOE^ANNA", "1961-02-03", "F")
    done = two.reconcile(Act(kind="correct", patients=(row.patient_key,), new=new), "letter of the registry")
    (found,) = two.studies("anna")
    assert (found.patient_name, found.corrected) == ("DOE^ANNA", True)
    assert two.studies("doe 77")[0].study_uid == row.study_uid, "found by what the files say as well"
    session = two.open(f"study:{row.study_uid}")
    assert session.case.patient.name == "DOE^ANNA"
    from workstation.desk.equipment import source_header

    assert str(source_header(session).PatientName) == "DOE^ANNA", "objects made from now on bear the corrected name"
    with pytest.raises(InputRefused, match="open"):
        two.reconcile(Act(kind="undo", undoes=done.line), "typo")
    session.close()
    two.reconcile(Act(kind="undo", undoes=done.line), "typo")
    assert two.studies("77")[0].patient_name == "DOE^ANN"
    session = two.open(f"study:{row.study_uid}")
    assert session.case.patient.name == "DOE^ANN", "the case follows the identity, not the other way round"
    session.close()


def test_objects_made_under_the_old_identity_are_listed(two: Desk) -> None:
    from tests.job import acts

    row = two.studies("77")[0]
    session = two.open(f"study:{row.study_uid}")
    session.taken_in()
    drafted = acts.capture(session, acts.axial(session), "Axial")
    session.confirm_identity()
    session.shown(drafted.sop_uid, 2.0, 512)
    released = session.release(drafted.sop_uid, PINS["demo.rad"])
    session.close()
    right = next(p.key for p in two.patients() if p.key != row.patient_key)
    done = two.reconcile(Act(kind="move", patients=(right,), study_uid=row.study_uid), "filed under a wrong number")
    assert released.sop_uid in done.derived
    moved = two.place.library.study(row.study_uid)
    assert moved.patient_key != row.patient_key
    assert moved.patient_id == "1"
    assert two.decisions()[0].derived == done.derived
    opened = two.open(f"study:{row.study_uid}")
    assert opened.key.patient_key == moved.patient_key
    opened.close()


def test_mixed_patients_open_nothing_until_they_are_split(desk: Desk, tmp_path: Path) -> None:
    desk.sign_in("demo.rad", PINS["demo.rad"])
    desk.import_paths([mixed_folder(tmp_path / "mixed")])
    (row,) = desk.studies()
    assert row.mixed
    with pytest.raises(InputRefused) as refused:
        desk.open(f"study:{UID}")
    assert refused.value.code == "mixed_patients"
    (question,) = desk.identity_questions()
    assert (question.kind, len(question.patients)) == ("mixed_patients", 2)
    done = desk.reconcile(Act(kind="split", patients=question.patients, study_uid=UID), "two women")
    rows = {r.patient_id: r for r in desk.studies()}
    assert set(rows) == {"A-1", "B-2"}
    assert all(r.images == 24 and not r.mixed for r in rows.values())
    for number, one in rows.items():
        session = desk.open(f"study:{one.study_uid}")
        assert session.case.patient.id == number
        assert session.key.study_uid == one.study_uid
        assert len(session.series) == 1, "nothing of the other woman is even listed"
        assert session.found.suits_3d
        session.close()
    part = next(r for r in rows.values() if r.part_of)
    with pytest.raises(InputRefused, match="another patient"):
        desk.deletion(part.study_uid)
    desk.import_paths([tmp_path / "mixed"])
    assert len(desk.studies()) == 2, "importing again changes nothing that was decided"
    desk.reconcile(Act(kind="undo", undoes=done.line), "one woman after all")
    (again,) = desk.studies()
    assert again.mixed
    assert again.images == 48
    desk.reconcile(Act(kind="same", patients=question.patients, study_uid=UID), "name changed by marriage")
    (one,) = desk.studies()
    assert not one.mixed
    session = desk.open(f"study:{UID}")
    assert len(session.series) == 2
    session.close()


def test_a_second_person_who_comes_later_into_a_study_locks_it(desk: Desk, tmp_path: Path) -> None:
    one = {"StudyInstanceUID": UID}
    ct_series(tmp_path / "a", **SMALL, name="DOE^ANN", patient_id="A-1", tags=one)
    other = {"StudyInstanceUID": UID, "SeriesInstanceUID": "2.25.9"}
    ct_series(tmp_path / "b", **SMALL, name="ROE^BEA", patient_id="B-2", series="y", tags=other)
    desk.import_paths([tmp_path / "a"])
    assert not desk.studies()[0].mixed
    desk.import_paths([tmp_path / "b"])
    (row,) = desk.studies()
    assert row.mixed
    assert row.images == 48, "nothing is lost"
    assert len(desk.identity_questions()[0].patients) == 2


def test_by_command(own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    def call(*words: str, status: int = 0) -> dict:
        assert main([*words, "--json"]) == status
        return json.loads(capsys.readouterr().out)

    Desk(own_home, demo=True).close()
    for number, hospital in (("1", "H"), ("77", "K")):
        tags = {"IssuerOfPatientID": hospital}
        ct_series(tmp_path / hospital, **SMALL, name="DOE^ANN", patient_id=number, tags=tags)
        call("import", str(tmp_path / hospital))
    asked = call("merge")
    assert [q["code"] for q in asked["questions"]] == ["identity_possible"]
    keys = [p["key"] for p in asked["questions"][0]["patients"]]
    refused = call("merge", "--same", *keys, "--reason", "x", status=1)
    assert refused["error"]["code"] == "not_signed_in"
    monkeypatch.setenv("RENDERDESK_SECRET", PINS["demo.rad"])
    assert call("merge", "--same", *keys, "--account", "demo.rad", status=1)["error"]["code"] == "reason"
    done = call("merge", "--link", "H", "K", "--reason", "one registry", "--account", "demo.rad")
    assert call("merge")["questions"] != [], "other numbers: the link alone does not join them"
    same = call("merge", "--same", *keys, "--reason", "same woman", "--account", "demo.rad")
    assert call("merge")["questions"] == []
    listed = call("merge", "--acts")["acts"]
    assert [(a["act"], a["standing"]) for a in listed] == [("same", True), ("link", True)]
    call("merge", "--undo", str(same["line"]), "--reason", "sisters", "--account", "demo.rad")
    assert len(call("merge")["questions"]) == 1
    assert call("merge", "--correct", keys[0], "--birth-date", "3.2.61", "--reason", "x", "--account", "demo.rad",
                status=1)["error"]["code"] == "birth_date"  # fmt: skip
    assert call("merge", "--undo", "999", "--reason", "x", "--account", "demo.rad", status=1)["error"]["code"] == "undo"
    assert done["line"] < same["line"]
    call("verify")
