"""The frame: who acts, whose pictures, what locks, what the palette finds; by real keys and clicks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit

from tests.window.conftest import open_and_wait, sign_in
from workstation.window.actions import DECLARED
from workstation.window.main import mismatch
from workstation.window.palette import rank
from workstation.window.theme import tokens

WINDOW = Path(__file__).resolve().parents[2] / "workstation" / "window"


def seen(window) -> str:
    """All text that can be seen."""
    return "\n".join(w.text() for w in window.findChildren(QLabel) if w.isVisible())


def pixels(widget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    # a copy: the image and its memory go when this returns
    return flat[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def test_colours_stand_in_the_token_file_alone():
    literal = re.compile(r"#[0-9a-fA-F]{6}\b|QColor\(\s*\d|Qt\.GlobalColor\.(?!transparent)")
    for file in [*WINDOW.rglob("*.py"), *WINDOW.rglob("*.qss")]:
        if file.name != "tokens.py":
            assert not literal.search(file.read_text(encoding="utf-8")), file.name
    values = {v.lower() for v in vars(tokens).values() if isinstance(v, str)}
    for file in (WINDOW / "icons").glob("qss-*.svg"):  # Qt style sheets cannot tint a glyph
        assert set(re.findall(r"#[0-9a-f]{6}", file.read_text().lower())) <= values


def test_text_passes_contrast_on_every_surface_it_stands_on():
    def light(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a: str, b: str) -> float:
        x, y = sorted((light(a), light(b)), reverse=True)
        return (x + 0.05) / (y + 0.05)

    for surface in (tokens.WINDOW, tokens.PANEL, tokens.RAISED):
        for text in (tokens.TEXT, tokens.QUIET, tokens.ACCENT, tokens.DONE, tokens.WANTS, tokens.REFUSED):
            assert contrast(text, surface) >= 4.5, (text, surface)
    assert contrast(tokens.TEXT, tokens.SELECTION) >= 4.5
    assert contrast(tokens.ON_ACCENT, tokens.ACCENT) >= 4.5


def test_no_two_actions_share_a_key():
    keys = [key for one in DECLARED for key in one.keys]
    assert len(keys) == len(set(keys))


def test_every_action_of_the_window_can_be_done(opened):
    handlers = opened.actions_._handlers
    for one in DECLARED:
        assert one.id in handlers or f"{one.id.split('.')[0]}.*" in handlers, one.id


def test_the_first_thing_is_who_is_working_and_nothing_is_white(window):
    assert window.cover.isVisible()
    assert window.cover.size() == window.size()
    assert (pixels(window).min(axis=2) > 230).mean() < 0.01, "no white area"


def test_a_wrong_pin_is_one_sentence_and_nobody_acts(window, qtbot):
    qtbot.keyClicks(window.cover.secret, "000000")
    qtbot.keyClick(window.cover.secret, Qt.Key.Key_Return)
    assert window.desk.actor is None
    assert window.cover.isVisible()
    assert window.cover.refusal.text() == "The account or the secret is wrong."
    assert window.cover.secret.text() == ""


def test_the_demo_home_shows_its_pins(window):
    assert "PIN 135791" in seen(window)
    assert "DEMO" in seen(window)


def test_who_acts_stands_in_the_bar(window, qtbot):
    sign_in(window, qtbot, "demo.tech")
    assert window.bar.person.whole == "Demo Technologist"
    assert window.bar.role.whole == "technologist"
    assert not window.cover.isVisible()


def test_identity_in_the_bar_is_the_files_own(opened):
    assert opened.bar.name.whole == "MILLER, Anne"
    assert "W-1" in opened.bar.ids.whole
    assert "1961-02-03" in opened.bar.born.whole
    assert "Phantom study" in opened.bar.study.whole
    assert any("DEMO" in w.text() for w in opened.bar.findChildren(QLabel))
    assert opened.windowTitle() == "RenderDesk · DEMO · Demo Radiologist, MD (radiologist)", "no patient's name"


def test_a_study_whose_files_name_another_patient_is_never_shown(opened):
    import msgspec

    session = opened.case.session
    row = opened.desk.studies()[0]
    assert mismatch(session, None, None, row) == ""
    assert mismatch(session, None, None, msgspec.structs.replace(row, patient_key="somebody else"))
    assert mismatch(session, None, None, msgspec.structs.replace(row, study_uid="1.2.3"))
    assert mismatch(session, "1.2.3", None, None)
    assert mismatch(session, None, "no such volume", None)


def test_a_refused_opening_leaves_no_pane_and_no_name(opened, qtbot, monkeypatch):
    monkeypatch.setattr("workstation.window.main.mismatch", lambda *_: "Another study came; nothing is shown.")
    opened.open(str(opened._source))
    qtbot.waitUntil(lambda: not opened.jobs.busy, timeout=20000)
    qtbot.waitUntil(lambda: opened.status.sentence.whole == "Another study came; nothing is shown.", timeout=30000)
    assert opened.case.session is None
    assert all(pane.viewport.picture is None for pane in opened.case.panes.values())
    assert "MILLER" not in opened.windowTitle()
    assert not opened.bar.name.isVisible()


def test_opening_blanks_the_panes_before_anything_is_loaded(opened, small_study):
    opened.open(str(small_study))
    assert all(pane.viewport.picture is None for pane in opened.case.panes.values())
    assert opened.case.film.frames == []
    assert opened.case.strip.cards == []


def test_a_picture_of_another_volume_never_reaches_a_pane(opened):
    from dataclasses import replace

    picture = opened.case.panes["axial"].viewport.picture
    alien = replace(picture, view=picture.view.replace(volume="0" * 32), rgb=np.full_like(picture.rgb, 255))
    opened.case.hand._paint("axial", alien)
    assert opened.case.panes["axial"].viewport.picture is picture


def test_locking_hides_pixels_and_names_and_keeps_the_work(opened, qtbot):
    opened.actions_.run("window.3")
    kept = opened.case.hand.view("axial").window
    session = opened.case.session
    opened.actions_.run("lock")
    assert opened.desk.actor is None
    assert opened.cover.isVisible()
    assert "MILLER" not in opened.windowTitle()
    shown = pixels(opened)
    for strip in (shown[:80], shown[:, :200], shown[:, -200:]):  # where bar, rail, series and panel lie
        assert np.ptp(strip.reshape(-1, 3), axis=0).max() == 0, "nothing shines through"
    for key in (Qt.Key.Key_P, Qt.Key.Key_3, Qt.Key.Key_Down):
        qtbot.keyClick(opened.cover, key)
    sign_in(opened, qtbot, "demo.tech")
    assert opened.case.session is session
    assert opened.case.hand.view("axial").window == kept
    assert opened.bar.person.whole == "Demo Technologist"
    assert not opened.jobs.busy, "no key went through to the pictures"
    ends = [e.event.payload for e in opened.desk.place.journal.entries() if e.event.kind == "signed_out"]
    assert ends[-1]["reason"] == "locked"


def test_an_idle_desk_locks_itself(opened):
    opened._last_input -= 9 * 60
    opened._lock_when_idle()
    assert not opened.cover.isVisible()
    opened._last_input -= 2 * 60
    opened._lock_when_idle()
    assert opened.cover.isVisible()
    assert opened.desk.actor is None


@pytest.mark.parametrize(("minutes", "after"), [("1", 2), ("90", 30), ("not a number", 10)])
def test_the_idle_lock_stays_within_its_limits(opened, minutes, after):
    with opened.desk.place.db.writing():
        opened.desk.place.db.set_setting("lock.minutes", minutes)
    opened._last_input -= after * 60 - 30
    opened._lock_when_idle()
    assert not opened.cover.isVisible()
    opened._last_input -= 60
    opened._lock_when_idle()
    assert opened.cover.isVisible()


def test_switching_the_user_can_be_taken_back(opened, qtbot):
    opened.actions_.run("switch_user")
    assert opened.cover.isVisible()
    assert opened.desk.actor.account == "demo.rad", "who acts goes on until the next has proved who they are"
    qtbot.keyClick(opened.cover, Qt.Key.Key_Escape)
    assert not opened.cover.isVisible()


def test_a_step_changes_the_panel_and_never_the_pictures(opened, qtbot):
    views = dict(opened.case.hand.scene.views)
    for name, step in opened.case.rail.steps.items():
        qtbot.mouseClick(step, Qt.MouseButton.LeftButton)
        assert opened.case.step == name
        assert opened.case.area.widget() is not None
    assert opened.case.hand.scene.views == views


def test_the_rail_tells_what_the_case_wants(opened):
    states = opened.case.session.open_points()
    for name, step in opened.case.rail.steps.items():
        assert step.state == states[name].state
        assert step.points == len(states[name].points)


def test_the_panel_can_be_hidden_with_one_key(opened, qtbot):
    assert opened.case.panel.isVisible()
    qtbot.keyClick(opened.case.panes["axial"].viewport, Qt.Key.Key_F9)
    assert not opened.case.panel.isVisible()


def test_the_palette_finds_and_does(opened, qtbot):
    qtbot.keyClick(opened.case.panes["axial"].viewport, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert opened.palette_.isVisible()
    qtbot.keyClicks(opened.palette_.field, "window bone")
    qtbot.keyClick(opened.palette_.field, Qt.Key.Key_Return)
    assert not opened.palette_.isVisible()
    assert opened.case.hand.view("axial").window.width == 2000


def test_the_palettes_order():
    assert rank("undo", "Undo", "Case") == 0
    assert rank("zzz", "Undo", "Case") is None
    assert rank("ayo", "Layout: One", "Layout") == 5
    assert rank("layout one", "Layout: One", "Layout") < rank("ayout ne", "Layout: One", "Layout")


def test_letters_typed_into_a_field_are_no_commands(opened, qtbot):
    opened.case.choose_step("report")
    fields = [f for f in opened.case.area.widget().findChildren(QLineEdit) if f.isVisible() and f.isEnabled()]
    field = fields[0] if fields else opened.palette_.field
    if not fields:
        opened.palette_.begin()
    field.setFocus()
    qtbot.keyClicks(field, "lap")
    assert field.text().endswith("lap")
    assert opened.case.hand.tool == "pointer"
    assert not opened.jobs.busy


def test_tab_goes_round_the_panes(opened, qtbot):
    opened.case.hand.activate("axial")
    opened.case.panes["axial"].viewport.setFocus()
    order = []
    for _ in range(4):
        qtbot.keyClick(opened.case.panes[opened.case.hand.active].viewport, Qt.Key.Key_Tab)
        order.append(opened.case.hand.active)
    assert order == ["3d", "coronal", "sagittal", "axial"]


def test_a_long_name_gives_way_and_pushes_nobody_out(opened):
    import msgspec

    case = opened.case.session.case
    patient = msgspec.structs.replace(case.patient, name="VERYLONGFAMILYNAME" * 6 + "^Given")
    opened.bar.show_case(msgspec.structs.replace(case, patient=patient), ("DEMO",))
    QApplication.processEvents()
    assert opened.bar.width() == opened.width()
    edge = opened.bar.person.mapTo(opened, opened.bar.person.rect().topRight()).x()
    assert edge < opened.width()
    assert opened.bar.name.text().endswith("…")


def test_birth_date_sex_and_day_of_the_study_are_never_cut(opened, qtbot):
    """They tell people and studies apart; a long ID and a long description give way before they do."""
    import msgspec

    case = opened.case.session.case
    patient = msgspec.structs.replace(case.patient, id="12.04.14-17:25:46-DST-1.3.12.2.1107.5.2.32.35235")
    told = "A study description that somebody typed by hand and that does not want to end at all"
    case = msgspec.structs.replace(case, patient=patient, study_description=told)
    opened.resize(1280, 800)
    opened.bar.show_case(case, ("DEMO", "GAPS FILLED 1"))
    qtbot.wait(50)
    assert opened.bar.born.text() == "born 1961-02-03   F"
    assert opened.bar.when.text().startswith("2026-01-05")
    assert opened.bar.ids.text().endswith("…")
    assert opened.bar.ids.toolTip().endswith(patient.id)


@pytest.mark.parametrize("size", [(1600, 1000), (1280, 800), (1067, 667), (1024, 640)])
def test_panes_share_the_room_evenly_and_badges_are_never_cut(opened, qtbot, size):
    """1067 x 667 is a screen of 1600 x 1000 at a scale factor of 1.5."""
    opened.resize(*size)
    case = opened.case.session.case
    opened.bar.show_case(case, ("DEMO", "SYNTHETIC", "GAPS FILLED 1"))
    qtbot.wait(50)
    assert opened.size().toTuple() == size
    widths = {pane.width() for pane in opened.case.panes.values()}
    assert max(widths) - min(widths) <= 2
    badges = [w for w in opened.bar.findChildren(QLabel) if w.property("role") == "badge" and w.isVisible()]
    assert len(badges) == 3
    qtbot.waitUntil(lambda: all(badge.width() >= badge.sizeHint().width() for badge in badges), timeout=5000)
    assert opened.bar.name.text() == "MILLER, Anne"
    assert opened.bar.born.text() == "born 1961-02-03   F"
    assert opened.bar.person.isVisible()
    letters = opened.case.panes["3d"]._letters
    head = opened.case.panes["3d"].width()
    assert all(b.geometry().right() <= head for b in letters if b.isVisible())
    if size[0] == 1600:
        assert all(b.isVisible() for b in letters)
        assert opened.bar.study.isVisible()


@pytest.mark.parametrize("size", [(1600, 1000), (1280, 800), (1024, 640)])
def test_the_tool_strip_cuts_nothing_and_loses_nothing(opened, qtbot, size):
    from PySide6.QtWidgets import QToolButton

    opened.resize(*size)
    qtbot.wait(50)
    strip = opened.case.tools
    shown = [b for b in strip.findChildren(QToolButton) if b.isVisible()]
    assert opened.case.panel.isVisible()
    assert opened.size().toTuple() == size
    for button in shown:
        assert button.width() >= button.sizeHint().width() or button.width() == 30, button.toolTip()
        assert button.geometry().right() <= strip.width() - 8
        assert button.toolTip()
    assert strip.slab.toolTip().startswith("Slab off") or strip.slab.text().startswith("Slab off")
    kept = {act for act, button in strip._buttons.items() if button.isVisible()}
    aside = {act for act in strip._buttons if opened.actions_.qaction(act) in strip.more.menu().actions()}
    assert kept | aside == set(strip._buttons)
    assert not kept & aside
    assert strip.more.isVisible() == bool(aside)
    opened.resize(1900, 1000)
    qtbot.wait(50)
    assert strip.layout_menu.text().startswith("Four Up"), "texts come back with the room"
    assert not strip.more.isVisible()


def test_who_made_the_picture_is_told_whole_at_once(opened):
    opened.status.show_made("CPU caster · settled · 8 ms")
    opened.status.show_made("CPU caster · settled · 10788 ms")
    assert opened.status.made.width() >= opened.status.made.sizeHint().width(), "before the next painting"
    assert opened.status.archive.geometry().right() <= opened.status.width()


def test_second_study_and_closing_leave_nothing_behind(opened, qtbot, small_study):
    first = opened.case.session
    open_and_wait(opened, qtbot, str(small_study))
    assert opened.case.session is not first
    opened.actions_.run("close_case")
    assert opened.case.session is None
    assert opened.pages.currentWidget() is opened.library
    assert "MILLER" not in opened.windowTitle()
    assert not opened.actions_.qaction("capture").isEnabled()


def test_device_pixels_are_the_pictures(opened):
    view = opened.case.hand.view("axial")
    port = opened.case.panes["axial"].viewport
    assert view.size == port.device_size()
    assert view.scale == port.devicePixelRatioF()


def test_focus_ring_is_the_accent():
    assert QColor(tokens.ACCENT).isValid()
    sheet = (WINDOW / "theme" / "window.qss").read_text()
    assert "QPushButton:focus { border: 2px solid $ACCENT" in sheet
