"""Whose images are whose, in the window: offered, decided with a reason, and seen in the list; export and deletion."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from tests.factory.series import ct_series
from tests.window.conftest import sign_in
from tests.window.test_library import drop, rows
from workstation.window.identities_view import IdentitiesView

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)
SMALL = {"slices": 24, "rows": 32, "columns": 32}


@pytest.fixture
def folder(tmp_path):
    """A woman under two numbers, and a study in which two patients are mixed."""
    for number, hospital in (("1", "H"), ("77", "K")):
        tags = {"IssuerOfPatientID": hospital}
        ct_series(tmp_path / "in" / hospital, **SMALL, name="MILLER^JOAN", patient_id=number, tags=tags)
    one = {"StudyInstanceUID": "2.25.77"}
    ct_series(tmp_path / "in", **SMALL, name="DOE^ANN", patient_id="A-1", series="x", label="a", tags=one)
    other = {**one, "SeriesInstanceUID": "2.25.9"}
    ct_series(tmp_path / "in", **SMALL, name="ROE^BEA", patient_id="B-2", series="y", label="b", tags=other)
    return tmp_path / "in"


@pytest.fixture
def listed(signed_in, qtbot, folder):
    drop(signed_in, folder)
    qtbot.waitUntil(lambda: not signed_in.jobs.busy and len(rows(signed_in)) == 3, timeout=20000)
    return signed_in


def decide(window, qtbot, button, reason="compared with the request") -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    dialog = window.library.identities.dialog
    assert not dialog.confirm.isEnabled(), "no decision without a reason"
    there = {w.text() for w in dialog.findChildren(QLabel) if w.isVisible()}
    assert there & {"77", "A-1"}, "whose images are decided about stands beside the question"
    qtbot.keyClicks(dialog.note, reason)
    qtbot.mouseClick(dialog.confirm, Qt.MouseButton.LeftButton)
    qtbot.wait(50)


def card(window, kind):
    return next(c for c in window.library.identities.cards if c.question.kind == kind)


def test_what_waits_is_counted_offered_and_decided(listed, qtbot):
    library = listed.library
    assert "Decide under Identities" in listed.status.sentence.whole
    assert library._counts["Identities"].text() == "2"
    mixed = next(r for r in rows(listed) if r.mixed)
    library.table.selectRow(library.model.row_of(mixed.study_uid))
    assert not library.detail.open.isEnabled(), "mixed patients open nothing"
    library._open_row(library.model.row_of(mixed.study_uid))
    assert listed.case.session is None
    library.detail.decide.emit()
    assert [c.question.kind for c in library.identities.cards] == ["mixed_patients", "identity_possible"]
    decide(listed, qtbot, card(listed, "mixed_patients").apart)
    decide(listed, qtbot, card(listed, "identity_possible").same)
    assert library.identities.cards == []
    assert library._counts["Identities"].text() == ""
    library.choose_group("All")
    assert {r.patient_id for r in rows(listed)} == {"1", "77", "A-1", "B-2"}
    joan = next(r for r in rows(listed) if r.patient_id == "1")
    assert len(listed.desk.priors(joan.study_uid)) == 1
    bea = next(r for r in rows(listed) if r.patient_id == "B-2")
    listed.open_row(bea)
    qtbot.waitUntil(lambda: listed.case.session is not None, timeout=20000)
    assert listed.bar.name.whole == "ROE, BEA"
    assert len(listed.case.session.series) == 1


def test_a_decision_is_taken_back_by_its_button(listed, qtbot):
    library = listed.library
    library.choose_group("Identities")
    decide(listed, qtbot, card(listed, "identity_possible").same)
    told = [getattr(w, "whole", w.text()) for w in library.identities.findChildren(QLabel) if w.isVisible()]
    assert any(t.startswith("One person: ") and "(1)" in t and "(77)" in t for t in told), (
        "by name, not by number alone"
    )
    from PySide6.QtWidgets import QPushButton

    back = next(b for b in library.identities.findChildren(QPushButton) if b.text().startswith("Take back"))
    decide(listed, qtbot, back, "wrong sister")
    assert any(c.question.kind == "identity_possible" for c in library.identities.cards)


def test_a_technologist_proposes_and_the_physician_decides_so(window, qtbot, folder):
    sign_in(window, qtbot, "demo.tech")
    drop(window, folder)
    qtbot.waitUntil(lambda: not window.jobs.busy and len(rows(window)) == 3, timeout=20000)
    window.library.choose_group("Identities")
    decide(window, qtbot, card(window, "identity_possible").same, "same card")
    assert "Proposed" in window.status.sentence.whole
    assert len(window.library.identities.cards) == 2, "nothing has changed"
    seen = [w.text() for w in window.library.identities.findChildren(QLabel) if w.isVisible()]
    assert any("proposed" in text for text in seen)


def test_without_anybody_at_the_desk_no_name_stands_there(listed):
    listed.library.choose_group("Identities")
    listed.desk.sign_out()
    view: IdentitiesView = listed.library.identities
    view.show_questions(())
    assert not any("MILLER" in w.text() for w in view.findChildren(QLabel) if w.isVisible())


def test_export_without_identity_from_the_panel(listed, qtbot, tmp_path):
    library = listed.library
    joan = next(r for r in rows(listed) if r.patient_id == "1")
    library.table.selectRow(library.model.row_of(joan.study_uid))
    library.detail.ask_export()
    form = library.detail.export_form
    assert form.clean.isChecked(), "without identity unless a person says otherwise"
    assert "face" in form.face.text()
    (tmp_path / "out").mkdir()
    form.write(tmp_path / "out")
    qtbot.waitUntil((tmp_path / "out" / "export-001").is_dir, timeout=20000)
    qtbot.waitUntil(form.go.isEnabled, timeout=30000)
    written = sorted((tmp_path / "out" / "export-001").iterdir())
    assert len(written) == 24
    assert not any(b"MILLER" in p.read_bytes() for p in written)
    form.write(tmp_path / "out")
    qtbot.waitUntil((tmp_path / "out" / "export-002").is_dir, timeout=20000)


def test_deletion_in_two_steps_and_by_whom(window, qtbot, folder, tmp_path):
    sign_in(window, qtbot, "demo.rad")
    drop(window, folder)
    qtbot.waitUntil(lambda: not window.jobs.busy and len(rows(window)) == 3, timeout=20000)
    detail = window.library.detail
    joan = next(r for r in rows(window) if r.patient_id == "1")
    window.library.table.selectRow(window.library.model.row_of(joan.study_uid))
    assert not detail.delete_button.isEnabled()
    assert "administrator may" in detail.delete_button.toolTip()
    window.desk.people.make("a.admin", "Ada Admin", "administrator", "482915")
    window.desk.sign_in("a.admin", "482915")
    window.library.refresh()
    window.library.table.selectRow(window.library.model.row_of(joan.study_uid))
    detail.show_study(joan)
    qtbot.mouseClick(detail.delete_button, Qt.MouseButton.LeftButton)
    assert "24 stored images" in detail.delete_form.words.text()
    qtbot.mouseClick(detail.delete_form.cancel, Qt.MouseButton.LeftButton)
    assert len(rows(window)) == 3, "one step deletes nothing"
    # a double-click on the first step never goes through to the second: no reason yet, and another button lies there
    there = detail.delete_button.mapTo(window, detail.delete_button.rect().center())
    qtbot.mouseClick(detail.delete_button, Qt.MouseButton.LeftButton)
    assert window.childAt(there) is detail.delete_form.cancel
    qtbot.mouseClick(detail.delete_form.go, Qt.MouseButton.LeftButton)
    assert len(rows(window)) == 3
    assert "Say why first" in detail.delete_form.go.toolTip()
    qtbot.keyClicks(detail.delete_form.reason, "sent twice")
    qtbot.mouseClick(detail.delete_form.go, Qt.MouseButton.LeftButton)
    assert {r.patient_id for r in rows(window)} == {"77", "A-1"}


def test_what_is_here_already_is_said(listed, qtbot, folder):
    drop(listed, folder / "H")
    qtbot.waitUntil(lambda: "Already here: 1 study, 24 files" in listed.status.sentence.whole, timeout=20000)
    qtbot.waitUntil(lambda: listed.case.session is not None, timeout=20000)


def test_a_stopped_import_says_what_is_in(signed_in, qtbot, folder, monkeypatch):
    from workstation.desk import library

    real = library._take_file
    taken = []

    def slow(place, study, series, path):
        taken.append(path)
        if len(taken) == 30:
            signed_in.jobs._waiting[0].stop.set()
        return real(place, study, series, path)

    monkeypatch.setattr(library, "_take_file", slow)
    drop(signed_in, folder)
    qtbot.waitUntil(lambda: not signed_in.jobs.busy, timeout=20000)
    assert "Import stopped" in signed_in.status.sentence.whole or "cancelled" in signed_in.status.sentence.whole
    assert 24 <= len(taken) <= 31
    assert any(r.partial for r in signed_in.desk.studies()), "what is incomplete says so"


def test_who_may_not_import_is_told_before_looking_for_files(window, qtbot, monkeypatch):
    from PySide6.QtWidgets import QFileDialog

    asked = []
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *a: asked.append(a) or ([], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: asked.append(a) or "")
    window.desk.people.make("a.admin", "Ada Admin", "administrator", "482915")
    window.desk.sign_in("a.admin", "482915")
    for act in ("import", "import_folder"):
        window.actions_.run(act)
        assert "may not take in studies" in window.status.sentence.whole
    assert asked == []
    window.desk.sign_in("demo.tech", "246810")
    window.actions_.run("import")
    assert len(asked) == 1


def test_up_and_down_go_through_the_people_and_the_pin_is_the_next_thing(window, qtbot):
    names = [row.account.account for row in window.cover.rows]
    assert names == ["demo.rad", "demo.tech", "demo.bill"]
    qtbot.keyClick(window.cover.secret, Qt.Key.Key_Down)
    assert [row.account.account for row in window.cover.rows if row.isChecked()] == ["demo.tech"]
    qtbot.keyClick(window.cover.secret, Qt.Key.Key_Up)
    qtbot.keyClick(window.cover.secret, Qt.Key.Key_Up)
    qtbot.keyClicks(window.cover.secret, "975310")
    qtbot.keyClick(window.cover.secret, Qt.Key.Key_Return)
    assert window.desk.actor.account == "demo.bill"
