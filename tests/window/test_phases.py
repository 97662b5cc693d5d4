"""Phases of a 4D series: slider, keys, cine by elapsed time, memory; what is made carries the phase."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from tests.factory.series import ct_series
from tests.window.conftest import open_and_wait, settle
from workstation.desk.phases import Phases, Shown, phase_value, phase_words
from workstation.dicom.choose import phases_of
from workstation.dicom.found import Phase
from workstation.dicom.load import load
from workstation.dicom.scan import scan
from workstation.window.series_strip import one_of_each, plural

ECHOES = (5.0, 10.0, 15.0, 20.0)


@pytest.fixture(scope="module")
def echoes(tmp_path_factory):
    """Four echoes of 24 slices in one series, each with values of its own."""
    folder = tmp_path_factory.mktemp("echoes")
    for number, te in enumerate(ECHOES, start=1):

        def own(ds, k, number=number):
            ds.InstanceNumber = 100 * number + k
            return ds

        values = np.full((24, 32, 32), 100.0 * number)
        values[8:16, 8:24, 8:24] += 400
        ct_series(
            folder,
            slices=24,
            rows=32,
            columns=32,
            modality="MR",
            voxels=values,
            intercept=0.0,
            label=f"e{number}",
            name="MILLER^Anne",
            patient_id="E-1",
            each=own,
            tags={"EchoTime": te, "EchoNumbers": number},
        )
    return folder


@pytest.fixture
def four(signed_in, qtbot, echoes):
    open_and_wait(signed_in, qtbot, str(echoes))
    return signed_in


def found(echoes):
    (series,) = scan([echoes]).studies[0].series
    return series, phases_of(series)


def test_what_a_phase_is_called_and_worth(echoes):
    _, phases = found(echoes)
    assert [phase_words(phases, k) for k in range(4)] == [
        f"Echo {k + 1} of 4 · TE {te:g} ms" for k, te in enumerate(ECHOES)
    ]

    def as_kind(kind, values):
        return [replace(p, phase=Phase(kind, k, 4, v)) for k, (p, v) in enumerate(zip(phases, values, strict=True))]

    assert phase_value(as_kind("cardiac", (0.0, 25.0, 50.0, 75.0)), 3) == "75 %"
    assert phase_value(as_kind("cardiac", (0.0, 250.0, 500.0, 750.0)), 1) == "250 ms", "trigger times are no percents"
    assert phase_value(as_kind("b_value", (0.0, 500.0, 1000.0, 1500.0)), 2) == "1000 s/mm²"
    assert phase_value(as_kind("order", (None,) * 4), 2) == "", "nothing is known, nothing is said"
    times = ("235959", "000001")
    timed = [
        replace(p, phase=Phase("time", k, 2, 1.0 + k), facts={**p.facts, "acquisition_time": times[k]})
        for k, p in enumerate(phases[:2])
    ]
    assert phase_value(timed, 1) == "2.0 s", "past midnight"
    assert plural("Echo") == "echoes"
    assert plural("Time point") == "time points"


def test_keys_and_slider_step_through_and_the_place_stays(four, qtbot):
    bar, hand, session = four.case.phases, four.case.hand, four.case.session
    assert bar.isVisible()
    assert bar.words.text() == "Echo 1 of 4 · TE 5 ms"
    axial = four.case.panes["axial"].viewport
    axial.setFocus()
    hand.centre((0.0, 1.0, 2.0))
    hand.window_key(2)
    point, window, first = hand.scene.point, hand.scene.views["axial"].window, session.key.volume
    qtbot.keyClick(axial, Qt.Key.Key_BracketRight)
    qtbot.waitUntil(lambda: session.phases.index == 1, timeout=30000)
    assert bar.words.text() == "Echo 2 of 4 · TE 10 ms"
    assert (hand.scene.point, hand.scene.views["axial"].window) == (point, window)
    assert session.key.volume != first
    assert session.key.volume == session.volume.digest == hand.scene.views["axial"].volume
    assert float(session.volume.voxels[0, 0, 0]) == 200.0
    assert "PHASE 2/4" in four.bar.badges
    qtbot.waitUntil(
        lambda: axial.picture is not None and axial.picture.view.volume == session.volume.digest, timeout=30000
    )
    bar.slider.setValue(3)
    qtbot.waitUntil(lambda: session.phases.index == 3, timeout=30000)
    qtbot.keyClick(axial, Qt.Key.Key_BracketLeft)
    qtbot.waitUntil(lambda: session.phases.index == 2, timeout=30000)


def test_what_is_captured_carries_its_phase_and_clicking_it_goes_there(four, qtbot):
    session = four.case.session
    four.case.phases.step(1)
    qtbot.waitUntil(lambda: session.phases.index == 1, timeout=30000)
    settle(four, qtbot, 200)
    four.capture()
    qtbot.waitUntil(lambda: len(session.case.captures) == 1, timeout=20000)
    (capture,) = session.case.captures
    second = session.volume
    assert capture.view.volume == second.digest
    assert set(capture.source_uids) <= set(second.source_uids)
    four.case.phases.step(1)
    qtbot.waitUntil(lambda: session.phases.index == 2, timeout=30000)
    four.actions_.stand(capture)
    qtbot.waitUntil(lambda: session.phases.index == 1, timeout=30000)
    assert session.volume.digest == second.digest


def test_a_measurement_is_shown_on_its_own_phase_alone(four, qtbot):
    session, hand = four.case.session, four.case.hand
    x, y, z = hand.scene.point
    session.measure("length", ((x - 5, y, z), (x + 5, y, z)), plane_normal=(0.0, 0.0, 1.0), name="Length 1")
    assert hand.dressed("axial", "settled").marks
    four.case.phases.step(1)
    qtbot.waitUntil(lambda: session.phases.index == 1, timeout=30000)
    assert not hand.dressed("axial", "settled").marks
    assert len(session.case.measurements) == 1, "kept, not shown"


def test_cine_keeps_time_and_leaves_out_what_comes_too_late(four, qtbot):
    bar, session = four.case.phases, four.case.session
    clock = [0.0]
    bar._now = lambda: clock[0]
    for k in range(4):
        bar.go(k)
        qtbot.waitUntil(lambda k=k: session.phases.index == k, timeout=30000)
    bar.go(0)
    bar.busy = lambda: False
    bar.set_rate(10)
    bar.toggle()
    bar._clock.stop()  # the test turns the hand
    seen = []
    for now in (0.05, 0.11, 0.12, 0.35, 0.39, 0.41):
        clock[0] = now
        bar.tick()
        seen.append(session.phases.index)
    assert seen == [0, 1, 1, 3, 3, 0], "0.2 s came too late and is never shown"
    bar.busy = lambda: True
    clock[0] = 0.55
    bar.tick()
    assert session.phases.index == 0, "a picture still on its way is not overtaken"
    bar.stop()
    assert not bar.playing


def test_a_series_of_one_phase_has_no_slider_and_says_so(opened):
    assert not opened.case.phases.isVisible()
    opened.actions_.run("cine")
    assert "one phase" in opened.status.sentence.whole


# --- memory -------------------------------------------------------------------------------------------------------


def store(echoes, budget):
    _, phases = found(echoes)
    volume = load(phases[0])
    return Phases(phases, Shown(phases[0], volume, volume), budget), volume.voxels.nbytes


def wanted(phases, index):
    came, box = threading.Event(), []
    phases.want(index, lambda k, what: (box.append((k, what)), came.set()))
    assert came.wait(10)
    return box[-1]


def test_decoded_phases_stay_within_the_budget(echoes):
    phases, one = store(echoes, budget=0)
    phases._budget = 2 * one
    for index in (1, 2, 3, 0, 2):
        k, shown = wanted(phases, index)
        assert (k, shown.volume.digest) == (index, load(phases.found[index]).digest)
        assert phases.holds() <= 2 * one
        assert phases.ready(index) is shown
    phases.close()
    assert phases.holds() == 0


def test_with_room_the_next_phases_are_decoded_ahead(echoes, qtbot):
    phases, one = store(echoes, budget=1 << 30)
    phases.want(1, None)
    qtbot.waitUntil(lambda: phases.ready(3) is not None, timeout=30000)
    assert phases.holds() == 4 * one
    phases.close()


def test_a_phase_whose_files_are_gone_is_one_sentence(echoes, tmp_path):
    import shutil

    shutil.copytree(echoes, tmp_path / "copy")
    phases, _ = store(tmp_path / "copy", budget=0)
    shutil.rmtree(tmp_path / "copy")
    _, told = wanted(phases, 2)
    assert isinstance(told, str)
    assert told.endswith(".")
    phases.close()


def test_thousands_of_phases_are_one_line(echoes):
    series, phases = found(echoes)
    many = tuple(replace(phases[0], id=f"v{k}", phase=Phase("time", k, 3000, float(k))) for k in range(3000))
    assert [v.id for v in one_of_each(replace(series, volumes=many))] == ["v0"]
