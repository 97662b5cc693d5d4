"""Planes turned by the mouse at the crosshair's lines: what stands in the panes, and the way back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from render import planes
from tests.window.conftest import open_and_wait, settle
from tests.window.test_viewport import drag, move, port

LEFT = Qt.MouseButton.LeftButton


def normals(window):
    return {n: planes.normal(window.case.hand.scene.views[n].plane) for n in ("axial", "coronal", "sagittal")}


def end_of_line(window, pane):
    """The outer part of the level line in a pane, and the crossing, in the widget's points."""
    widget = port(window, pane)
    at = widget._at(window.case.hand.scene.point)
    return QPoint(widget.width() - 45, round(at.y())), at


def turn(window, qtbot, pane, degrees):
    begin, at = end_of_line(window, pane)
    length = begin.x() - at.x()
    by = (length * math.cos(math.radians(degrees)) - length, length * math.sin(math.radians(degrees)))
    drag(qtbot, port(window, pane), begin, (round(by[0]), round(by[1])))
    settle(window, qtbot, 300)


def test_a_lines_end_turns_the_other_planes_and_everything_says_so(opened, qtbot, small_study):
    hand = opened.case.hand
    point = hand.scene.point
    begin, _ = end_of_line(opened, "axial")
    move(port(opened, "axial"), begin, Qt.MouseButton.NoButton)
    assert port(opened, "axial").cursor().pixmap().width() == 24  # the drawn cursor that says: turns
    turn(opened, qtbot, "axial", 30)
    after = normals(opened)
    assert after["axial"] == pytest.approx((0, 0, 1))
    # 30 degrees from the patient's left towards the back, seen from the feet: the coronal plane's own left goes there
    right = hand.scene.views["coronal"].plane.right_lps
    assert math.degrees(math.atan2(right[1], right[0])) == pytest.approx(30, abs=1)
    assert after["coronal"] @ after["sagittal"] == pytest.approx(0, abs=1e-9)
    for view in (hand.scene.views[n] for n in ("axial", "coronal", "sagittal")):
        assert planes.normal(view.plane) @ np.subtract(point, view.plane.centre_lps_mm) == pytest.approx(0, abs=1e-6)
    assert opened.case.panes["coronal"].title.text().startswith("Oblique coronal")
    assert opened.case.panes["axial"].title.text().startswith("Axial")
    shown = port(opened, "coronal").picture
    assert shown.letters == ("RA", "LP", "H", "F")  # never those of a straight plane
    assert any(line.startswith("oblique") for line in hand._labels(shown.view).bottom_right)
    assert opened.actions_.qaction("undo").text() == "Undo: Turn planes"

    opened.actions_.run("undo")
    assert normals(opened)["coronal"] == pytest.approx((0, 1, 0), abs=1e-9)
    assert opened.case.panes["coronal"].title.text().startswith("Coronal")
    opened.actions_.run("redo")
    for name, normal in normals(opened).items():
        assert normal == pytest.approx(after[name], abs=1e-6)

    # the study opened again stands as it was left
    opened.close_case()
    open_and_wait(opened, qtbot, str(small_study))
    for name, normal in normals(opened).items():
        assert normal == pytest.approx(after[name], abs=1e-6)
    assert opened.case.hand.scene.point == pytest.approx(point, abs=1e-3)
    opened.case.hand.activate("sagittal")
    opened.actions_.run("reset")
    assert opened.case.hand.scene.oblique == ()


def test_a_second_turn_in_another_pane_keeps_the_planes_square(opened, qtbot):
    turn(opened, qtbot, "axial", 20)
    turn(opened, qtbot, "coronal", -35)
    after = normals(opened)
    for a, b in (("axial", "coronal"), ("coronal", "sagittal"), ("sagittal", "axial")):
        assert after[a] @ after[b] == pytest.approx(0, abs=1e-9)
    assert set(opened.case.hand.scene.oblique) == {"axial", "coronal", "sagittal"}
    # scrolling goes along the oblique normal, the crosshair with it
    before = np.array(opened.case.hand.scene.point)
    opened.case.hand.scroll(3, "axial")
    way = np.array(opened.case.hand.scene.point) - before
    assert np.abs(way / np.linalg.norm(way) @ after["axial"]) == pytest.approx(1)
    # no box can be drawn along the body's axes on a plane that is not: said, not guessed
    opened.actions_.run("tool.crop")
    drag(qtbot, port(opened, "axial"), QPoint(40, 40), (90, 60))
    assert opened.case.hand.scene.crop is None
    assert "straight" in opened.status.sentence.whole


def test_a_slabs_faces_stand_on_both_sides_of_its_line(opened, qtbot):
    """Painted where they are: half the slab from the line, all along it, above and below."""
    hand = opened.case.hand
    hand.set_slab("mip", 20.0)
    settle(opened, qtbot, 300)
    widget = port(opened, "axial")
    qtbot.mouseMove(widget, QPoint(5, 5))
    with_slab = widget.grab().toImage()
    at = widget._at(hand.scene.point)
    half = 10.0 / hand.view("axial").plane.mm_per_pixel * widget.width() / hand.view("axial").size[0]
    widget.set_cross(hand.scene.point, ())
    plain = widget.grab().toImage()
    scale = with_slab.devicePixelRatio()

    def differs(x, y):
        places = [(round(x * scale), round((y + dy) * scale)) for dy in (-1, 0, 1)]
        return any(with_slab.pixel(*place) != plain.pixel(*place) for place in places)

    for x in (at.x() - 40, at.x() + 40):
        assert differs(x, at.y() - half)
        assert differs(x, at.y() + half)
        assert not differs(x, at.y() + half + 8)
