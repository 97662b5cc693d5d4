"""Panes under a real mouse: what is seen, what is asked for, and what the journal says of it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication

from render import planes
from render.view import Technique
from tests.window.conftest import settle


def port(window, name):
    return window.case.panes[name].viewport


def drag(qtbot, widget, begin, by, button=Qt.MouseButton.LeftButton, mods=Qt.KeyboardModifier.NoModifier, steps=6):
    qtbot.mousePress(widget, button, mods, begin)
    for k in range(1, steps + 1):
        at = QPoint(begin.x() + by[0] * k // steps, begin.y() + by[1] * k // steps)
        move(widget, at, button, mods)
        qtbot.wait(15)
    qtbot.mouseRelease(widget, button, mods, QPoint(begin.x() + by[0], begin.y() + by[1]))


def move(widget, at, button, mods=Qt.KeyboardModifier.NoModifier):
    """QTest's own mouseMove forgets the held button."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    where = QPointF(at)
    event = QMouseEvent(QEvent.Type.MouseMove, where, widget.mapToGlobal(where), Qt.MouseButton.NoButton, button, mods)
    QApplication.sendEvent(widget, event)


def wheel(widget, clicks, mods=Qt.KeyboardModifier.NoModifier):
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at, widget.mapToGlobal(at), QPoint(), QPoint(0, 120 * clicks), Qt.MouseButton.NoButton, mods,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def kinds(window):
    return [entry.event.kind for entry in window.desk.place.journal.entries()]


def corner(window, name):
    """A place in the pane that is off the crosshair."""
    widget = port(window, name)
    return QPoint(widget.width() // 4, widget.height() // 4)


def test_every_pane_shows_its_picture_at_its_own_size(opened):
    for name in ("axial", "coronal", "sagittal", "3d"):
        widget = port(opened, name)
        assert widget.picture.rgb.shape[:2] == (widget.height(), widget.width())
        assert int(widget.picture.rgb.max()) > 60, "not black"
    assert port(opened, "axial").picture.letters == ("R", "L", "A", "P")
    assert port(opened, "coronal").picture.letters == ("R", "L", "H", "F")
    assert port(opened, "sagittal").picture.letters == ("A", "P", "H", "F")
    assert port(opened, "3d").picture.letters == ("R", "L", "H", "F")


def test_the_screen_shows_the_pictures_pixels(opened):
    widget = port(opened, "axial")
    opened.case.hand.toggle_cross()
    shown = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    pixels = np.frombuffer(shown.constBits(), np.uint8).reshape(shown.height(), shown.bytesPerLine())
    pixels = pixels[:, : 3 * shown.width()].reshape(shown.height(), shown.width(), 3)
    assert np.abs(pixels.astype(int) - widget.picture.rgb.astype(int)).max() <= 2


def test_the_wheel_moves_one_slice_along_that_planes_normal_only(opened):
    hand = opened.case.hand
    before = {name: hand.scene.views[name].plane for name in ("axial", "coronal", "sagittal")}
    wheel(port(opened, "axial"), -3)
    after = hand.scene.views["axial"].plane
    moved = np.subtract(after.centre_lps_mm, before["axial"].centre_lps_mm)
    assert moved == pytest.approx((0, 0, -3 * planes.step_mm(hand.scene.volume, after)), abs=1e-6)
    assert hand.scene.views["coronal"].plane == before["coronal"]
    assert hand.scene.views["sagittal"].plane == before["sagittal"]


def test_scrolling_stops_at_the_last_slice(opened):
    hand = opened.case.hand
    for _ in range(100):
        wheel(port(opened, "axial"), -1)
    low, _ = hand.scene.volume.geometry.bounds_lps_mm
    assert hand.scene.point[2] == pytest.approx(low[2])
    qkey = Qt.Key.Key_End
    assert qkey  # the key does the same as going on to the end
    hand.scroll_to_end("first")
    assert hand.scene.point[2] == pytest.approx(hand.scene.volume.geometry.bounds_lps_mm[1][2])


def test_left_drag_windows_all_planes_and_can_be_undone(opened, qtbot):
    hand = opened.case.hand
    first = hand.scene.views["axial"].window
    drag(qtbot, port(opened, "coronal"), corner(opened, "coronal"), (40, -20))
    window = hand.scene.views["coronal"].window
    assert window.width > first.width
    assert window.center > first.center  # up: darker, the level rises
    assert {hand.scene.views[n].window for n in ("axial", "coronal", "sagittal")} == {window}
    settle(opened, qtbot)
    assert port(opened, "sagittal").picture.view.window == window
    opened.actions_.run("undo")
    assert hand.scene.views["sagittal"].window == first
    opened.actions_.run("redo")
    assert hand.scene.views["axial"].window == window


def test_rotating_3d_journals_who_steered_for_how_long(opened, qtbot):
    hand = opened.case.hand
    before = hand.scene.views["3d"].camera
    drag(qtbot, port(opened, "3d"), port(opened, "3d").rect().center(), (60, 10))
    assert hand.scene.views["3d"].camera != before
    settle(opened, qtbot, 900)
    qtbot.waitUntil(lambda: port(opened, "3d").picture.view.quality == "settled", timeout=30000)
    entries = [e.event for e in opened.desk.place.journal.entries() if e.event.kind == "view_steered"]
    assert len(entries) == 1, "one gesture, one line"
    assert entries[0].payload["what"] == "camera"
    assert 0.05 < entries[0].payload["active_s"] < 10
    assert entries[0].actor.account == "demo.rad"
    assert port(opened, "3d").picture.view.quality == "settled"
    assert port(opened, "3d").picture.view.camera == hand.scene.views["3d"].camera


def test_the_first_scene_is_journaled_once_and_is_no_act_of_steering(opened, qtbot):
    opened.actions_.run("view.L")
    settle(opened, qtbot)
    qtbot.waitUntil(lambda: "scene_shown" in kinds(opened), timeout=20_000)
    assert kinds(opened).count("scene_shown") == 1


def test_dragging_the_crosshair_links_the_planes_in_patient_space(opened, qtbot):
    hand = opened.case.hand
    widget = port(opened, "axial")
    at = widget._at(hand.scene.point).toPoint()
    drag(qtbot, widget, at, (30, 20))
    point = hand.scene.point
    mm = hand.scene.views["axial"].plane.mm_per_pixel
    for name in ("axial", "coronal", "sagittal"):
        plane = hand.scene.views[name].plane
        off = (np.array(point) - plane.centre_lps_mm) @ planes.normal(plane)
        assert abs(off) < 1e-4, name
    seen = widget._at(point)
    assert (seen.x(), seen.y()) == pytest.approx((at.x() + 30, at.y() + 20), abs=1.5)
    assert mm > 0


def test_number_keys_are_window_presets_and_the_keypad_turns_3d(opened, qtbot):
    hand = opened.case.hand
    hand.activate("axial")
    qtbot.keyClick(port(opened, "axial"), Qt.Key.Key_3)
    assert (hand.view("axial").window.width, hand.view("axial").window.center) == (2000, 350)
    qtbot.keyClick(port(opened, "axial"), Qt.Key.Key_3, Qt.KeyboardModifier.KeypadModifier)
    eye = np.subtract(hand.view("3d").camera.position_lps_mm, hand.view("3d").camera.focal_lps_mm)
    assert eye[0] > 0
    assert abs(eye[1]) < 1e-6
    assert (hand.view("axial").window.width, hand.view("axial").window.center) == (2000, 350)


def test_double_click_maximises_and_restores(opened, qtbot):
    widget = port(opened, "sagittal")
    seen = hand_mm(opened, "sagittal")
    qtbot.mouseDClick(widget, Qt.MouseButton.LeftButton, pos=corner(opened, "sagittal"))
    assert [n for n, p in opened.case.panes.items() if p.isVisible()] == ["sagittal"]
    settle(opened, qtbot)
    assert widget.picture.rgb.shape[:2] == (widget.height(), widget.width())
    qtbot.mouseDClick(widget, Qt.MouseButton.LeftButton, pos=corner(opened, "sagittal"))
    assert all(p.isVisible() for p in opened.case.panes.values())
    settle(opened, qtbot)
    assert hand_mm(opened, "sagittal") == pytest.approx(seen, rel=1e-6)


def hand_mm(window, name):
    view = window.case.hand.view(name)
    return view.plane.mm_per_pixel * min(view.size)


def test_a_length_under_the_mouse_is_the_geometrys_own(opened, qtbot):
    opened.actions_.run("tool.length")
    widget = port(opened, "axial")
    begin = corner(opened, "axial")
    drag(qtbot, widget, begin, (60, 45))
    (made,) = opened.case.session.case.measurements
    mm = opened.case.hand.view("axial").plane.mm_per_pixel
    assert made.measured.value == pytest.approx(75 * mm, abs=mm)
    assert made.measured.unit == "mm"
    assert not made.accepted, "proposed until a person accepts it"
    settle(opened, qtbot)
    assert len(widget.picture.view.marks) == 1
    opened.actions_.run("undo")
    assert opened.case.session.case.measurements == ()


def test_measuring_in_3d_is_refused_with_a_reason(opened, qtbot):
    opened.actions_.run("tool.length")
    drag(qtbot, port(opened, "3d"), port(opened, "3d").rect().center(), (50, 0))
    assert opened.case.session.case.measurements == ()
    assert "depth" in opened.status.sentence.whole


def test_mip_surface_and_back(opened, qtbot):
    hand = opened.case.hand
    opened.actions_.run("technique.mip")
    settle(opened, qtbot)
    assert port(opened, "3d").picture.view.technique is Technique.MIP
    opened.actions_.run("technique.ssd")
    settle(opened, qtbot, 800)
    assert opened.case.threshold.isVisible()
    opened.case.threshold.slider.setValue(400)
    settle(opened, qtbot, 800)
    low = hand.surface().low
    assert low == pytest.approx(-500 + 0.4 * 2000)
    assert port(opened, "3d").picture.view.surfaces[0].low == low
    assert opened.desk.place.journal.entries()[-1].event.kind in {"tissues_set", "view_steered"}
    opened.actions_.run("technique.vr")
    assert not opened.case.threshold.isVisible()
    assert hand.view("3d").technique is Technique.VR


def test_a_crop_is_drawn_in_a_plane_and_told_to_the_journal(opened, qtbot):
    opened.actions_.run("tool.crop")
    drag(qtbot, port(opened, "axial"), corner(opened, "axial"), (120, 110))
    assert opened.case.hand.view("3d").crop is not None
    assert "region_set" in kinds(opened)
    opened.actions_.run("uncrop")
    assert opened.case.hand.view("3d").crop is None


def test_the_crop_stands_in_the_planes_and_its_sides_are_dragged(opened, qtbot):
    opened.actions_.run("tool.crop")
    widget = port(opened, "axial")
    drag(qtbot, widget, corner(opened, "axial"), (120, 110))
    before = opened.case.hand.scene.crop
    assert port(opened, "coronal")._box == widget._box == before
    assert port(opened, "3d")._box is None
    side = widget._at(before.low_lps_mm).toPoint() + QPoint(0, 50)  # the left side of the picture: patient's right
    move(widget, side, Qt.MouseButton.NoButton)
    assert widget.cursor().shape() == Qt.CursorShape.SizeHorCursor
    drag(qtbot, widget, side, (-20, 30))
    after = opened.case.hand.scene.crop
    mm = opened.case.hand.view("axial").plane.mm_per_pixel
    assert after.low_lps_mm[0] == pytest.approx(before.low_lps_mm[0] - 20 * mm, abs=mm)
    assert (after.low_lps_mm[1:], after.high_lps_mm) == (before.low_lps_mm[1:], before.high_lps_mm)
    opened.actions_.run("undo")
    assert widget._box == opened.case.hand.scene.crop == before
    opened.actions_.run("leave")
    assert widget._box is None, "without the tool in hand the planes are clear"
    assert opened.case.hand.scene.crop == before


def test_ctrl_wheel_zooms_at_the_pointer_and_3d_settles(opened, qtbot):
    hand = opened.case.hand
    before = hand.view("axial").plane.mm_per_pixel
    wheel(port(opened, "axial"), 2, Qt.KeyboardModifier.ControlModifier)
    assert hand.view("axial").plane.mm_per_pixel == pytest.approx(before / 1.12**2)
    height = hand.view("3d").camera.height_mm
    wheel(port(opened, "3d"), 1)
    settle(opened, qtbot, 900)
    assert hand.view("3d").camera.height_mm == pytest.approx(height / 1.12)
    qtbot.waitUntil(lambda: port(opened, "3d").picture.view.quality == "settled", timeout=30000)


def test_the_value_under_the_pointer_is_the_voxels(opened):
    hand = opened.case.hand
    widget = port(opened, "axial")
    at = QPoint(widget.width() // 2 + 11, widget.height() // 2 - 7)
    move(widget, at, Qt.MouseButton.NoButton)
    told = opened.status.pointer.text()
    volume = opened.case.session.volume
    from workstation.window.tools.base import Pointer, lps_of

    scale = widget.view.size[0] / widget.width()
    point = lps_of(widget.view, Pointer((at.x() * scale) - 0.5, (at.y() * scale) - 0.5))
    index = np.rint(volume.geometry.to_index(point)).astype(int)
    assert told.startswith(f"{volume.voxels[tuple(index)]} HU at ")
    assert told.endswith("mm")
    assert hand.scene.volume.digest == volume.digest


def test_a_capture_stands_in_the_film_as_a_draft_of_record_quality(opened, qtbot):
    opened.case.hand.activate("3d")
    qtbot.keyClick(port(opened, "3d"), Qt.Key.Key_P)
    qtbot.waitUntil(lambda: len(opened.case.film.frames) == 1, timeout=30000)
    (capture,) = opened.case.session.case.captures
    assert capture.state == "draft"
    assert capture.title == "Volume rendering, anterior"
    assert capture.view.quality == "record"
    assert min(capture.view.size) >= 1000
    assert "picture_drafted" in kinds(opened)
    turned = opened.case.hand.view("3d").camera
    opened.actions_.run("view.P")
    qtbot.mouseClick(opened.case.film.frames[0], Qt.MouseButton.LeftButton)
    stood = opened.case.hand.view("3d").camera
    assert stood.position_lps_mm == pytest.approx(turned.position_lps_mm)
    assert stood.height_mm == pytest.approx(turned.height_mm)


def test_a_stream_of_moves_asks_for_one_picture_at_a_time(opened, monkeypatch):
    from render.view import Camera

    hand = opened.case.hand
    asked = []
    monkeypatch.setattr(
        hand._stage, "request", lambda pane, view, labels, done, failed, **_: asked.append((view, done))
    )
    camera: Camera = hand.view("3d").camera
    import msgspec

    for k in range(1, 21):
        moved = msgspec.structs.replace(camera, height_mm=camera.height_mm + k)
        hand.scene.views["3d"] = hand.view("3d").replace(camera=moved)
        hand.request("3d", quality="drag")
    assert len(asked) == 1, "the picture that is being made is not abandoned for each newer wish"
    hand._paint("3d", opened.case.panes["3d"].viewport.picture)
    assert len(asked) == 2
    assert asked[1][0].camera.height_mm == camera.height_mm + 20, "then the newest wish, not the oldest"
    hand.request("3d")
    assert len(asked) == 3, "the settled picture is asked for at once"


def foot(widget):
    """The colours of the pane's lowest line and of the one above the progress line, from the left."""
    shown = widget.grab().toImage()
    across = range(shown.width())
    return [[shown.pixelColor(x, shown.height() - up).name() for x in across] for up in (1, 3)]


def test_a_picture_that_takes_long_tells_how_far_it_is_at_the_lower_edge(opened, qtbot, monkeypatch):
    from workstation.window.theme import tokens

    hand, widget = opened.case.hand, port(opened, "axial")
    size, (plain, above) = widget.size(), foot(widget)
    asked = []
    monkeypatch.setattr(hand._stage, "request", lambda *wish, on_progress: asked.append((*wish[3:], on_progress)))
    hand.request("axial")
    assert foot(widget) == [plain, above], "no line before the stage tells something"
    done, _, reached = asked[0]
    reached(0.25)
    qtbot.waitUntil(lambda: widget.share == 0.25)
    line, above_now = foot(widget)
    part = round(0.25 * widget.width())
    assert set(line[: part - 1]) == {tokens.QUIET.lower()}
    assert set(line[part + 1 :]) == {tokens.LINE.lower()}
    assert above_now == above, "the picture stays as it was"
    done(widget.picture)
    qtbot.waitUntil(lambda: widget.share == 0)
    assert foot(widget) == [plain, above]
    assert widget.size() == size


def test_progress_of_an_older_wish_reaches_no_pane(opened, qtbot, monkeypatch):
    hand, widget = opened.case.hand, port(opened, "axial")
    asked = []
    monkeypatch.setattr(hand._stage, "request", lambda *_, on_progress: asked.append(on_progress))
    hand.request("axial")
    asked[0](0.5)
    qtbot.waitUntil(lambda: widget.share == 0.5)
    hand.request("axial")
    assert widget.share == 0
    asked[0](0.9)
    asked[1](0.1)
    qtbot.waitUntil(lambda: widget.share > 0)
    assert widget.share == 0.1
    widget.refuse("No picture.")
    assert widget.share == 0


def test_the_stages_progress_reaches_the_pane(opened, qtbot, monkeypatch):
    """The whole way, from the caster's rows to the pane; here every picture counts as a long one."""
    shares = []
    widget = port(opened, "3d")
    show = widget.show_share
    monkeypatch.setattr(widget, "show_share", lambda share: (shares.append(share), show(share)))
    monkeypatch.setattr("render.stage._LONG", 0.0)
    monkeypatch.setattr("render.stage._OFTEN", 0.0)
    before = widget.picture
    opened.case.hand.request("3d")
    qtbot.waitUntil(lambda: widget.picture is not before and widget.picture.view.quality == "settled", timeout=20000)
    assert any(0 < share <= 1 for share in shares)
    assert widget.share == 0


def test_none_survives_a_long_day():
    """PySide6 built for Python 3.12 takes a reference of None with every call on 3.11."""
    import sys

    app = QApplication.instance()
    before = sys.getrefcount(None)
    for _ in range(2000):
        app.processEvents()
    assert sys.getrefcount(None) > 1 << 30 or sys.getrefcount(None) >= before - 100


def test_a_pane_without_a_picture_says_that_it_waits_and_later_why(qapp, qtbot, monkeypatch):
    from render.view import Technique, View
    from workstation.window import viewport

    monkeypatch.setattr(viewport, "_WAIT_MS", 10)
    monkeypatch.setattr(viewport, "_LATE_MS", 60)
    said = []
    pane = viewport.Viewport("axial", lambda *_: None)
    monkeypatch.setattr(pane, "_words", lambda _painter, text, _colour: said.append(text))
    qtbot.addWidget(pane)
    pane.show()
    pane.expect(View(technique=Technique.MPR))
    qtbot.waitUntil(lambda: bool(said), timeout=5000)
    assert said[0] == "Making the picture ..."
    qtbot.waitUntil(lambda: "takes longer" in said[-1], timeout=5000)
    pane.blank("Opening ...")
    qtbot.waitUntil(lambda: said[-1] == "Opening ...", timeout=5000)
