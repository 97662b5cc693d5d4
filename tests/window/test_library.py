"""The study list: empty, searched, dropped on, opened; and the first account of a new home."""

from __future__ import annotations

import time
import zipfile

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from tests.factory.series import ct_series
from workstation.window import words


def rows(window):
    model = window.library.model
    return [model.at(k) for k in range(model.rowCount())]


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(p)) for p in paths])
    none = Qt.KeyboardModifier.NoModifier
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPointF(300, 300), copy, data, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), copy, data, left, none))


@pytest.fixture
def three(tmp_path):
    folder = tmp_path / "disc"
    for name, pid, day in (("MILLER^Anne", "A-1", 1), ("MÜLLER^Jörg", "B-2", 2), ("山田^太郎", "C-3", 3)):
        ct_series(
            folder / pid,
            slices=6,
            rows=32,
            columns=32,
            name=name,
            patient_id=pid,
            tags={"StudyDate": f"2026010{day}", "SpecificCharacterSet": "ISO_IR 192"},
        )
    return folder


def test_an_empty_library_says_what_to_do(signed_in):
    shown = [w.text() for w in signed_in.library.findChildren(QLabel) if w.isVisible()]
    assert "Drop a folder, ZIP or CD here" in shown
    assert any(b.text().startswith("Choose a folder") for b in signed_in.library.findChildren(QPushButton))


def test_dropping_a_folder_lists_its_studies(signed_in, qtbot, three):
    drop(signed_in, three)
    qtbot.waitUntil(lambda: len(rows(signed_in)) == 3, timeout=30000)
    assert [row.patient_id for row in rows(signed_in)] == ["C-3", "B-2", "A-1"], "newest first"
    assert "3 studies" in signed_in.status.sentence.whole


def test_search_while_typing_without_case_and_accents(signed_in, qtbot, three):
    drop(signed_in, three)
    qtbot.waitUntil(lambda: len(rows(signed_in)) == 3, timeout=30000)
    qtbot.keyClicks(signed_in.library.search, "muller jo")
    qtbot.waitUntil(lambda: [row.patient_id for row in rows(signed_in)] == ["B-2"], timeout=30000)
    signed_in.library.search.clear()
    qtbot.keyClicks(signed_in.library.search, "nobody at all")
    qtbot.waitUntil(lambda: rows(signed_in) == [], timeout=30000)
    assert signed_in.library.stack.currentIndex() == 2, "a search that finds nothing is no empty library"


def test_studies_come_into_the_list_while_others_are_copied(signed_in, qtbot, three, monkeypatch):
    """The first is there before the last has come; stopped then, what is in is told, and the rest says incomplete."""
    import threading

    from workstation.desk import library as taking

    go = threading.Event()
    real = taking._take_file

    def slowly(place, study, series, path):
        if study.patient.id == "C-3":
            go.wait(10)
        return real(place, study, series, path)

    monkeypatch.setattr(taking, "_take_file", slowly)
    signed_in.library._meanwhile.setInterval(20)
    drop(signed_in, three)
    qtbot.waitUntil(lambda: {r.patient_id for r in rows(signed_in)} >= {"A-1", "C-3"}, timeout=30000)
    whole = {row.patient_id: row.partial for row in rows(signed_in)}
    assert whole["C-3"]
    assert not whole["A-1"]
    model = signed_in.library.model
    place = model.row_of(next(r.study_uid for r in rows(signed_in) if r.patient_id == "C-3"))
    assert model.data(model.index(place, 7), Qt.ItemDataRole.UserRole)[0] == "incomplete"
    signed_in.library.table.selectRow(place)

    def said() -> list[str]:
        return [w.accessibleName() for w in signed_in.library.detail.findChildren(QLabel) if w.isVisible()]

    qtbot.waitUntil(lambda: any("coming in" in text for text in said()), timeout=30000)
    assert not any("interrupted" in text for text in said())
    signed_in.jobs.cancel()
    go.set()
    qtbot.waitUntil(lambda: "Import stopped" in signed_in.status.sentence.whole, timeout=30000)
    assert "nothing was changed" not in signed_in.status.sentence.whole
    drop(signed_in, three)
    qtbot.waitUntil(lambda: not any(row.partial for row in rows(signed_in)), timeout=30000)


def packed_up(folder, tmp_path):
    """All files of a folder as a ZIP."""
    packed = tmp_path / "disc.zip"
    with zipfile.ZipFile(packed, "w") as out:
        for number, path in enumerate(sorted(p for p in folder.rglob("*") if p.is_file())):
            out.write(path, f"{number}.dcm")
    return packed


def half_way(monkeypatch):
    """Unpacking tells every byte and stops in its middle: (until this is set, set when it is there)."""
    import threading

    from workstation.dicom import zipped

    monkeypatch.setattr(zipped, "_TOLD_LEAST", 1)
    go, half = threading.Event(), threading.Event()
    real = zipped._copy

    def slowly(archive, entry, target, way):
        if way.done > way.of / 2 and not go.is_set():
            half.set()
            go.wait(10)
        return real(archive, entry, target, way)

    monkeypatch.setattr(zipped, "_copy", slowly)
    return go, half


def test_a_big_zip_says_how_far_it_is_and_the_cross_ends_it(signed_in, qtbot, three, tmp_path, monkeypatch):
    """While it is unpacked the count stands where the person looks; stopped, nothing came in and nothing is left."""
    import tempfile

    packed = packed_up(three, tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    go, half = half_way(monkeypatch)
    drop(signed_in, packed)
    qtbot.waitUntil(half.is_set, timeout=30000)
    qtbot.waitUntil(lambda: signed_in.library._heading.text().startswith("Unpacking: "), timeout=30000)
    qtbot.waitUntil(lambda: 500 <= signed_in.status.bar.value() < 1000, timeout=30000)
    assert signed_in.status.job.text() == signed_in.library._heading.text()
    told = signed_in.library._told
    assert told.isVisible()
    assert told.height() >= told.heightForWidth(told.width()), "what can be done is readable as a whole"
    qtbot.mouseClick(signed_in.status.cancel, Qt.MouseButton.LeftButton)
    go.set()
    qtbot.waitUntil(lambda: "nothing was changed" in signed_in.status.sentence.whole, timeout=30000)
    assert signed_in.desk.count_studies() == 0
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not signed_in.library._heading.text().startswith("Unpacking")
    drop(signed_in, packed)  # and the same comes in whole when it is let
    qtbot.waitUntil(lambda: len(rows(signed_in)) == 3, timeout=30000)


def test_a_zip_that_is_opened_says_how_far_it_is_unpacked(signed_in, qtbot, small_study, tmp_path, monkeypatch):
    packed = packed_up(small_study, tmp_path)
    go, half = half_way(monkeypatch)
    signed_in.open(str(packed))
    panel = signed_in.case.opening
    qtbot.waitUntil(half.is_set, timeout=30000)
    qtbot.waitUntil(lambda: panel.count.text().startswith("Unpacking: "), timeout=30000)
    qtbot.waitUntil(lambda: 500 <= panel.bar.value() < panel.bar.maximum() == 1000, timeout=30000)
    go.set()
    qtbot.waitUntil(lambda: signed_in.case.session is not None, timeout=30000)
    assert not panel.count.text().startswith("Unpacking")


def test_a_long_list_is_read_beside_the_window(signed_in, qtbot, three, monkeypatch):
    """Nothing of the database is read on the GUI thread while somebody types; the last thing typed is what stands."""
    import threading

    from workstation.window import library_view

    monkeypatch.setattr(library_view, "_AT_ONCE", 0)
    drop(signed_in, three)
    qtbot.waitUntil(lambda: len(rows(signed_in)) == 3, timeout=30000)
    on: list[tuple[str, bool]] = []
    real = signed_in.desk.studies

    def watched(query: str = ""):
        on.append((query, threading.current_thread() is threading.main_thread()))
        return real(query)

    monkeypatch.setattr(signed_in.desk, "studies", watched)
    qtbot.keyClicks(signed_in.library.search, "miller")
    qtbot.waitUntil(lambda: [row.patient_id for row in rows(signed_in)] == ["A-1"], timeout=30000)
    assert not any(main for _, main in on)
    # Enter right after typing opens what fits, not what the list still shows
    signed_in.library.search.clear()
    qtbot.keyClicks(signed_in.library.search, "C-3")
    with qtbot.waitSignal(signed_in.library.open_study, timeout=30000) as asked:
        qtbot.keyClick(signed_in.library.search, Qt.Key.Key_Return)
    assert asked.args[0].patient_id == "C-3"


def test_a_list_that_comes_after_the_desk_was_left_is_not_shown(signed_in, qtbot, three, monkeypatch):
    """No name comes to the screen of a desk that nobody sits at; an answer that was overtaken is not told either."""
    from workstation.window import library_view

    drop(signed_in, three)
    qtbot.waitUntil(lambda: len(rows(signed_in)) == 3, timeout=30000)
    monkeypatch.setattr(library_view, "_AT_ONCE", 0)
    library, told = signed_in.library, []
    library._listing.read.connect(told.append)
    real = signed_in.desk.studies

    def slowly(query: str = ""):
        time.sleep(0.2)
        return real(query)

    monkeypatch.setattr(signed_in.desk, "studies", slowly)
    library.refresh()
    library.search.setText("miller")
    library.refresh()
    qtbot.waitUntil(lambda: len(told) == 1, timeout=30000)
    assert [r.patient_id for r in told[0].groups["All"]] == ["A-1"]
    library.refresh()
    library.forget()
    qtbot.wait(600)
    assert len(told) == 1
    assert rows(signed_in) == []


def test_a_zip_with_one_study_is_opened_at_once(signed_in, qtbot, small_study, tmp_path):
    packed = tmp_path / "cd.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in small_study.iterdir():
            archive.write(file, f"DICOM/{file.name}")
    drop(signed_in, packed)
    qtbot.waitUntil(lambda: signed_in.case.session is not None, timeout=30000)
    assert signed_in.bar.name.whole == "MILLER, Anne"


def test_what_is_no_dicom_is_refused_in_one_sentence(signed_in, qtbot, tmp_path):
    (tmp_path / "letter.txt").write_text("no picture")
    drop(signed_in, tmp_path / "letter.txt")
    qtbot.waitUntil(lambda: signed_in.status.sentence.whole != "", timeout=30000)
    said = signed_in.status.sentence.whole
    assert said.endswith(".")
    assert "Traceback" not in said
    assert signed_in.status.sentence.property("state") == "refused"


def test_double_click_opens_the_study_of_that_row(signed_in, qtbot, three):
    drop(signed_in, three)
    qtbot.waitUntil(lambda: len(rows(signed_in)) == 3, timeout=30000)
    table = signed_in.library.table
    place = table.visualRect(signed_in.library.model.index(1, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: signed_in.case.session is not None, timeout=30000)
    assert signed_in.case.session.case.patient.id == "B-2"


def test_the_biller_may_not_import(window, qtbot, three):
    from tests.window.conftest import sign_in

    sign_in(window, qtbot, "demo.bill")
    drop(window, three)
    assert "may not" in window.status.sentence.whole
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=30000)  # the worklist is read beside the window
    assert window.desk.place.library.count() == 0


def test_a_new_home_makes_its_administrator_in_plain_steps(qapp, qtbot, tmp_path):
    from render.stage import Stage
    from workstation.desk.desk import Desk
    from workstation.window.main import MainWindow

    window = MainWindow(Desk(tmp_path / "home"), Stage(renderer="CPU caster"))
    window.show()
    window.begin()
    from workstation.window.sign_in import AccountForm

    form = window.cover.findChild(AccountForm)
    assert form.isVisible()
    qtbot.keyClicks(form.account, "a.admin")
    qtbot.keyClicks(form.name, "Ada Admin")
    qtbot.keyClicks(form.secret, "482915")
    qtbot.keyClicks(form.again, "482916")
    form.make()
    assert "differ" in form.refusal.text()
    qtbot.keyClicks(form.secret, "482915")
    qtbot.keyClicks(form.again, "482915")
    qtbot.keyClick(form.again, Qt.Key.Key_Return)
    assert [a.role for a in window.desk.accounts()] == ["administrator"]
    assert not any("PIN 4" in w.text() for w in window.cover.findChildren(QLabel)), "no PIN is shown outside a DEMO"
    qtbot.keyClicks(window.cover.secret, "482915")
    qtbot.keyClick(window.cover.secret, Qt.Key.Key_Return)
    assert window.desk.actor.account == "a.admin"
    assert "account" in window.status.sentence.whole
    window.close()


@pytest.mark.parametrize(
    ("dicom", "shown"),
    [
        ("MILLER^Anne^B", "MILLER, Anne B"),
        ("Yamada^Tarou=山田^太郎", "Yamada, Tarou"),
        ("=山田^太郎", "山田, 太郎"),
        ("MILLER", "MILLER"),
        ("", "No name"),
        ("^", "No name"),
    ],
)
def test_names_as_a_person_reads_them(dicom, shown):
    assert words.person(dicom) == shown


def test_places_and_values():
    assert words.place((-3.0, 4.26, 0.5)) == "R 3.0 P 4.3 H 0.5 mm"
    assert words.value(-741.0, "HU") == "-741 HU"
    assert words.value(2.5, "SUV") == "2.50 SUV"
    assert words.value(7.0, "arbitrary") == "7 (no unit)"
    assert words.initials("Dr. Anne Miller, MD") == "AM"


def test_on_a_narrow_screen_the_state_of_the_work_stays_in_the_list(signed_in, qtbot, three):
    drop(signed_in, three)
    qtbot.waitUntil(lambda: len(rows(signed_in)) == 3, timeout=30000)
    table = signed_in.library.table
    signed_in.resize(1280, 800)
    qtbot.wait(50)
    assert table.horizontalScrollBar().maximum() == 0
    assert table.columnViewportPosition(7) + table.columnWidth(7) <= table.viewport().width()
    signed_in.resize(1600, 1000)
    qtbot.wait(50)
    assert not any(table.isColumnHidden(k) for k in range(8))
