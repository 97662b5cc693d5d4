"""The first slice at once, the volume filling in while one looks, and everything that can come between."""

from __future__ import annotations

import shutil
import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.geometry import Geometry
from render.view import Plane, Technique, View
from render.volume import Volume
from tests.factory.series import ct_series
from workstation.dicom import load as loading
from workstation.window.models.awaited import polygons, runs


class Gate:
    """Holds the decoding of all slices but the first until it is opened."""

    def __init__(self, monkeypatch) -> None:
        self.open = threading.Event()
        real = loading._Reader._whole_job

        def held(reader, job):
            self.open.wait(30)
            return real(reader, job)

        monkeypatch.setattr(loading._Reader, "_whole_job", held)


@pytest.fixture
def gate(monkeypatch):
    made = Gate(monkeypatch)
    yield made
    made.open.set()


@pytest.fixture
def second_study(tmp_path):
    ct_series(tmp_path / "second", slices=30, name="ROE^BEA", patient_id="W-2", study="other")
    return tmp_path / "second"


def first_slice(window, qtbot) -> None:
    qtbot.waitUntil(lambda: window.case.panes["axial"].viewport.picture is not None, timeout=20000)


def test_the_first_slice_stands_before_the_others_are_read(signed_in, qtbot, small_study, gate):
    window = signed_in
    window.open(str(small_study))
    first_slice(window, qtbot)
    assert window.case.session is None
    assert window.case.hand.loading
    assert window.bar.name.whole == "MILLER, Anne", "whose slice it is stands above it"
    ports = {name: pane.viewport for name, pane in window.case.panes.items()}
    assert ports["axial"].awaited == [], "the slice that is there is not covered"
    qtbot.waitUntil(lambda: ports["coronal"].picture is not None, timeout=30000)
    assert ports["coronal"].awaited, "what has not come is not black"
    assert ports["3d"].picture is None
    assert "3D comes when all slices are there: 1 of 40" in ports["3d"]._sentence
    # what would measure, capture or keep cannot be done
    for act in ("capture", "tool.length", "tool.angle", "tool.crop", "preset", "technique.mip", "undo"):
        action = window.actions_._actions.get(act)
        assert action is None or not action.isEnabled(), act
    window.actions_.run("tool.length")
    assert "all slices" in window.status.sentence.whole
    window.actions_.run("slab.mip")
    assert "all slices" in window.status.sentence.whole
    # a step that is chosen meanwhile waits: what is coming and its cancel stay where they are
    window.actions_.run("step.load")
    assert window.case.area.widget() is window.case.opening
    assert window.case.opening.cancel.isVisible()
    # planes can be turned already
    hand = window.case.hand
    hand.tilt(dict(hand.scene.views), ("coronal", "sagittal"), (0.0, 0.0, 1.0), 20.0, done=True)
    assert hand.scene.oblique == ("coronal", "sagittal")
    # scrolling works, and says of what is not there that it is not
    window.case.hand.scroll(5)
    qtbot.waitUntil(lambda: ports["axial"].awaited != [], timeout=30000)
    point = window.case.hand.scene.point
    gate.open.set()
    qtbot.waitUntil(lambda: window.case.session is not None, timeout=20000)
    qtbot.waitUntil(lambda: ports["3d"].picture is not None, timeout=30000)
    assert window.case.hand.scene.point == point, "the place stays"
    assert window.case.hand.scene.oblique == ("coronal", "sagittal")
    assert window.case.session.undo_title == "Turn planes"
    qtbot.waitUntil(lambda: not any(port.awaited for port in ports.values()), timeout=30000)
    assert window.actions_.qaction("capture").isEnabled()
    qtbot.waitUntil(lambda: getattr(window.case.area.widget(), "step", "") == "load", timeout=5000)


def test_cancel_stops_and_leaves_nothing_on_screen(signed_in, qtbot, small_study, gate):
    window = signed_in
    window.open(str(small_study))
    first_slice(window, qtbot)
    window.case.opening.cancel.click()
    assert window.pages.currentWidget() is window.library
    assert all(pane.viewport.picture is None for pane in window.case.panes.values())
    gate.open.set()
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=20000)
    qtbot.wait(50)
    assert window.case.session is None
    assert window.pages.currentWidget() is window.library
    assert "cancelled" in window.status.sentence.whole


def test_a_second_study_while_the_first_is_coming(signed_in, qtbot, small_study, second_study, gate):
    window = signed_in
    window.open(str(small_study))
    first_slice(window, qtbot)
    window.open(str(second_study))
    assert all(pane.viewport.picture is None for pane in window.case.panes.values()), "blank at once"
    gate.open.set()
    qtbot.waitUntil(lambda: window.case.session is not None, timeout=20000)
    assert window.case.session.case.patient.id == "W-2"
    assert window.bar.name.whole == "ROE, BEA"
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=20000)
    qtbot.wait(50)
    assert window.case.session.case.patient.id == "W-2", "the overtaken one never reaches a pane"


def test_a_source_that_vanishes_while_it_is_read(signed_in, qtbot, small_study, tmp_path, gate):
    window = signed_in
    gone = tmp_path / "stick"
    shutil.copytree(small_study, gone)
    window.open(str(gone))
    first_slice(window, qtbot)
    shutil.rmtree(gone)
    gate.open.set()
    qtbot.waitUntil(lambda: window.pages.currentWidget() is window.library, timeout=20000)
    assert window.case.session is None
    assert all(pane.viewport.picture is None for pane in window.case.panes.values())
    assert window.status.sentence.property("state") == "refused"


def test_closing_the_window_while_a_study_is_coming(qapp, qtbot, tmp_path, small_study, gate):
    from render.stage import Stage
    from tests.window.conftest import sign_in
    from workstation.desk.desk import Desk
    from workstation.window.main import MainWindow

    window = MainWindow(Desk(tmp_path / "home", demo=True), Stage(renderer="CPU caster"))
    window.show()
    window.begin()
    sign_in(window, qtbot, "demo.rad")
    window.open(str(small_study))
    first_slice(window, qtbot)
    gate.open.set()
    window.close()
    assert not window.isVisible()
    window.deleteLater()


def test_dropping_while_a_study_is_coming_does_not_disturb_it(signed_in, qtbot, small_study, second_study, gate):
    from tests.window.test_library import drop, rows

    window = signed_in
    window.open(str(small_study))
    first_slice(window, qtbot)
    drop(window, second_study)
    qtbot.waitUntil(lambda: any(r.patient_id == "W-2" for r in window.desk.studies()), timeout=20000)
    assert window.case.hand is not None
    assert window.case.hand.loading, "taking in goes on beside opening"
    gate.open.set()
    qtbot.waitUntil(lambda: window.case.session is not None, timeout=20000)
    assert window.case.session.case.patient.id == "W-1"
    window.close_case()
    assert {r.patient_id for r in rows(window)} == {"W-1", "W-2"}


# --- what is awaited, in a plane ----------------------------------------------------------------------------------


def volume(slices=10, rows=8, columns=8) -> Volume:
    affine = np.diag([2.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]]
    return Volume(np.zeros((slices, rows, columns), np.int16), Geometry((slices, rows, columns), affine), "HU", "d")


def plane(normal: str, at: float, size=(40, 40)) -> View:
    right, down = {"axial": ((1.0, 0, 0), (0, 1.0, 0)), "coronal": ((1.0, 0, 0), (0, 0, -1.0))}[normal]
    centre = (3.5, 3.5, at) if normal == "axial" else (3.5, at, 9.0)
    return View(
        technique=Technique.MPR,
        size=size,
        plane=Plane(centre_lps_mm=centre, right_lps=right, down_lps=down, mm_per_pixel=0.5),
    )


def test_a_slice_that_is_there_is_free_and_its_neighbourhood_is_not():
    grid = volume()
    assert polygons(plane("axial", 8.0), grid, (5, 6)) == []
    assert len(polygons(plane("axial", 10.0), grid, (5, 6))) == 1
    # half way between one that is there and one that is not: interpolated from both
    assert len(polygons(plane("axial", 9.0), grid, (5, 6))) == 1
    assert polygons(plane("axial", 14.0), grid, (5, 6)) == []


def test_in_a_cut_across_the_slices_the_band_is_where_they_lie():
    (band,) = polygons(plane("coronal", 3.0), volume(), (4, 5))
    ys = sorted(y for _, y in band)
    # from slice 3 (z 6) to slice 6 (z 12); rows run down from z 18.75 at 0.5 mm
    assert ys[0] == pytest.approx((18.75 - 12.0) / 0.5, abs=0.1)
    assert ys[-1] == pytest.approx((18.75 - 6.0) / 0.5, abs=0.1)


@given(st.lists(st.integers(0, 30), unique=True).map(sorted))
def test_runs_are_the_numbers_again(numbers):
    again = [k for low, high in runs(numbers) for k in range(low, high + 1)]
    assert again == numbers
    ends = runs(numbers)
    assert all(b[0] - a[1] > 1 for a, b in pairwise(ends))


def test_what_does_not_fit_into_memory_is_said_before_and_after(signed_in, qtbot, small_study, tmp_path, monkeypatch):
    """Refused with what can be done; or opened at half the resolution, which the picture and the strip say; and the
    other series of the study says beforehand how it would open."""
    import shutil

    from tests.factory.series import ct_series
    from workstation.dicom import memory
    from workstation.dicom.load import memory_needed
    from workstation.dicom.scan import scan

    both = tmp_path / "both"
    shutil.copytree(small_study, both)
    ct_series(both, slices=80, rows=160, columns=160, name="MILLER^Anne", patient_id="W-1", series_number=5,
              series="other", label="other")  # fmt: skip
    small, large = (s.volumes[0] for s in scan([both]).studies[0].series)
    monkeypatch.setattr(memory, "allowed", lambda: 1000)
    signed_in.open(str(both))
    qtbot.waitUntil(lambda: "Needs" in signed_in.status.sentence.whole, timeout=20000)
    assert "Close other programs" in signed_in.status.sentence.whole
    assert signed_in.case.session is None
    half = (memory_needed(small, reduction=2) + memory_needed(small)) // 2
    assert memory_needed(large, reduction=2) > half > memory_needed(large, reduction=4)
    monkeypatch.setattr(memory, "allowed", lambda: half)
    signed_in.open(str(both), series="4")
    qtbot.waitUntil(lambda: signed_in.case.session is not None, timeout=20000)
    assert signed_in.case.session.volume.reduced == 2
    assert any("REDUCED 1/2" in badge.upper() for badge in signed_in.case.session.badges())
    strip = signed_in.case.strip
    (other,) = [card for card in strip.cards if not card.shown]
    assert other.lines[1] == "opens at 1/4"
    assert "GB of memory" in other.toolTip()
