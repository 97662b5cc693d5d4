"""The stage: the newest request wins, old ones end at once, and no fault ends the thread."""

import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from render import camera, planes
from render.engine import Engine
from render.errors import RenderError
from render.pace import SHARES, Pace
from render.stage import Stage
from render.view import Labels, Look, Surface, Technique, View, Window
from tests.picture.phantom import ball, geometry, volume

LOOK = Look(name="x", version="", opacity=((0, 0), (400, 0.1)), colour=((0, "804020"), (400, "ffffff")))
V = volume(ball((0, 0, 0), 60.0), geometry((90, 90, 90), (2.0, 2.0, 2.0)))
LONG = 60.0


@pytest.fixture
def stage():
    s = Stage()
    s.set_volume(V)
    yield s
    s.close()


def scene(size=(400, 300), **more):
    given = {"technique": Technique.VR, "look": LOOK, "overlays": "none", "quality": "settled"}
    return View(size=size, camera=camera.standard(V, "A", size), **{**given, **more})


def plane_view(**more):
    plane = planes.standard(V, "axial", size=(100, 80))
    return View(
        technique=Technique.MPR,
        size=(100, 80),
        plane=plane,
        window=Window(center=0, width=900),
        overlays="none",
        **more,
    )


class Catch:
    """Collects what comes back."""

    def __init__(self) -> None:
        self.pictures = []
        self.errors = []
        self.threads = set()
        self.came = threading.Condition()

    def done(self, picture):
        with self.came:
            self.pictures.append(picture)
            self.threads.add(threading.current_thread().name)
            self.came.notify_all()

    def failed(self, sentence):
        with self.came:
            self.errors.append(sentence)
            self.came.notify_all()

    def wait(self, ready):
        with self.came:
            assert self.came.wait_for(lambda: ready(self), LONG)


def test_a_scene_comes_reduced_first_and_then_as_asked(stage):
    got = Catch()
    stage.request("3d", scene(size=(600, 450)), Labels(), got.done, got.failed)
    got.wait(lambda g: any(p.view.quality == "settled" for p in g.pictures))
    assert [p.view.quality for p in got.pictures] == ["drag", "settled"]
    assert got.threads == {"stage"}
    assert (got.pictures[-1].rgb == Engine(V).picture(scene(size=(600, 450))).rgb).all()


def test_a_drag_settles_after_silence(stage):
    got = Catch()
    stage.request("3d", scene(quality="drag"), Labels(), got.done, got.failed)
    got.wait(lambda g: len(g.pictures) == 2)
    assert [p.view.quality for p in got.pictures] == ["drag", "settled"]


def test_planes_come_once(stage):
    got = Catch()
    stage.request("axial", plane_view(), Labels(), got.done, got.failed)
    got.wait(lambda g: g.pictures)
    time.sleep(0.05)
    assert len(got.pictures) == 1


def test_the_newest_request_of_a_pane_wins_and_the_old_one_is_abandoned(stage):
    old, new = Catch(), Catch()
    slow = scene(size=(1600, 1200), quality="record", step_mm=0.02)
    stage.request("3d", slow, Labels(), old.done, old.failed)
    time.sleep(0.3)  # it is being made
    begun = time.monotonic()
    stage.request("3d", scene(size=(60, 40), quality="drag"), Labels(), new.done, new.failed)
    new.wait(lambda g: g.pictures)
    took = time.monotonic() - begun
    assert took < 5.0  # the slow one alone would take far longer; milliseconds on a quiet machine
    time.sleep(0.2)
    assert not any(p.view.quality == "record" for p in old.pictures)
    assert not old.errors


def test_panes_do_not_displace_each_other(stage):
    got = {name: Catch() for name in ("axial", "coronal", "3d")}
    for name in ("3d", "axial", "coronal"):
        view = scene() if name == "3d" else plane_view()
        stage.request(name, view, Labels(), got[name].done, got[name].failed)
    for catch in got.values():
        catch.wait(lambda g: g.pictures)


def test_mistakes_are_told_in_a_sentence_and_the_thread_lives_on(stage):
    got = Catch()
    stage.request("a", plane_view(volume="another"), Labels(), got.done, got.failed)
    got.wait(lambda g: g.errors)
    assert "another volume" in got.errors[0]
    stage.request("a", plane_view(), Labels(), got.done, got.failed)
    got.wait(lambda g: g.pictures)


def test_a_blocking_picture_is_of_the_quality_asked_for(stage):
    picture = stage.picture(scene(quality="record"), Labels(), timeout=LONG)
    assert picture.view.quality == "record"
    assert picture.rgb.shape == (300, 400, 3)
    with pytest.raises(RenderError, match="another volume"):
        stage.picture(plane_view(volume="another"), Labels(), timeout=LONG)
    with pytest.raises(RenderError, match="too long"):
        stage.picture(scene(size=(2000, 1500), quality="record", step_mm=0.01), timeout=0.2)


def test_another_volume_takes_the_place_of_the_first(stage):
    first = stage.picture(plane_view(), timeout=LONG).rgb
    other = volume(lambda p: np.full(p.shape[:-1], 100.0), digest="second")
    stage.set_volume(other)
    second = stage.picture(plane_view(), timeout=LONG).rgb
    assert not (first == second).all()
    stage.set_volume(None)
    got = Catch()
    stage.request("a", plane_view(), Labels(), got.done, got.failed)
    got.wait(lambda g: g.errors)
    assert got.errors == ["No volume is open."]


def test_a_place_is_told_while_a_picture_is_made(stage):
    got = Catch()
    stage.request("3d", scene(size=(1600, 1200), quality="record", step_mm=0.02), Labels(), got.done, got.failed)
    view = scene(size=(101, 81))
    place = stage.pick(view, 50, 40)
    assert place is not None
    assert place[1] < -40  # the side towards the eye
    stage.set_volume(None)
    assert stage.pick(view, 50, 40) is None


def test_closing_ends_the_thread_even_while_it_works():
    s = Stage()
    s.set_volume(V)
    got = Catch()
    s.request("3d", scene(size=(1600, 1200), quality="record", step_mm=0.02), Labels(), got.done, got.failed)
    time.sleep(0.1)
    s.close()
    assert not s._thread.is_alive()
    s.request("3d", scene(), Labels(), got.done, got.failed)  # nothing happens, nothing breaks
    with pytest.raises(RenderError, match="closed"):
        s.picture(scene())
    assert not got.errors


def test_a_settled_picture_makes_way_for_another_pane_and_comes_after_it(stage):
    order = []
    slow, quick = Catch(), Catch()

    def note(name, catch):
        def done(picture):
            order.append((name, picture.view.quality))
            catch.done(picture)

        return done

    view = scene(size=(900, 700), quality="settled", step_mm=0.15)
    stage.request("3d", view, Labels(), note("3d", slow), slow.failed)
    slow.wait(lambda g: g.pictures)  # the reduced one; the settled one is being made
    time.sleep(0.05)
    stage.request("axial", plane_view(quality="settled"), Labels(), note("axial", quick), quick.failed)
    quick.wait(lambda g: g.pictures)
    slow.wait(lambda g: len(g.pictures) == 2)
    assert order == [("3d", "drag"), ("axial", "settled"), ("3d", "settled")]


def test_progress_rises_for_what_takes_long_and_is_not_told_for_what_does_not(stage):
    got, told = Catch(), []
    stage.request("3d", scene(size=(900, 700), step_mm=0.15), Labels(), got.done, got.failed, told.append)
    got.wait(lambda g: any(p.view.quality == "settled" for p in g.pictures))
    assert len(told) > 1
    assert all(0 < a < b <= 1 for a, b in pairwise(told))
    quick, nothing = Catch(), []
    stage.request("axial", plane_view(), Labels(), quick.done, quick.failed, nothing.append)
    quick.wait(lambda g: g.pictures)
    assert nothing == []


def test_a_surface_that_is_being_made_does_not_hold_up_the_hand(stage, monkeypatch):
    """The old threshold's surface is left; the newer one's comes, though the first goes on for a while."""
    from render import surface as surfaces

    begun, go = threading.Event(), threading.Event()
    extract = surfaces.extract

    def slowly(v, one, **more):
        if one.low == 0.0 and one.smooth:
            begun.set()
            assert go.wait(LONG)
        return extract(v, one, **more)

    monkeypatch.setattr(surfaces, "extract", slowly)
    first, second = Catch(), Catch()

    def ask(low, catch):
        view = scene(technique=Technique.SSD, look=None, surfaces=(Surface(low=low),))
        stage.request("3d", view, Labels(), catch.done, catch.failed)

    ask(0.0, first)
    assert begun.wait(LONG)
    ask(200.0, second)
    second.wait(lambda g: g.pictures)  # reduced, while the first one still is at work
    go.set()
    second.wait(lambda g: any(p.view.quality == "settled" for p in g.pictures))
    assert all(p.view.quality == "drag" for p in first.pictures)
    assert not first.errors
    assert not second.errors


@pytest.mark.parametrize("badges", [(), ("REDUCED",)])
def test_a_picture_under_the_hand_says_once_that_it_is_reduced(stage, badges):
    got = Catch()
    stage.request("3d", scene(quality="drag", overlays="screen"), Labels(badges=badges), got.done, got.failed)
    got.wait(lambda g: len(g.pictures) == 2)
    drag = got.pictures[0]
    bare = Engine(V).picture(drag.view, Labels(), share=1 / 3).rgb
    said = Engine(V).picture(drag.view, Labels(badges=("REDUCED",)), share=1 / 3).rgb
    assert (drag.rgb == said).all()
    assert not (said == bare).all()


class Clock:
    """Frames that take as long as their pixels: `full` seconds at full size."""

    def __init__(self, full):
        self.pace, self.now, self.full = Pace(), 0.0, full

    def frames(self, count):
        for _ in range(count):
            seconds = self.full * self.pace.share**2
            self.now += seconds
            self.pace.note(seconds, self.now)
        return seconds


@pytest.mark.parametrize(("full", "share"), [(0.1, 1 / 2), (0.35, 2 / 5), (0.5, 1 / 3), (0.85, 1 / 4), (5.0, 1 / 4)])
def test_the_share_is_the_largest_that_holds_sixty_milliseconds(full, share):
    clock = Clock(full)
    seconds = clock.frames(200)
    assert clock.pace.share == share
    assert seconds <= 0.060 or share == SHARES[-1]


def test_one_slow_picture_changes_nothing_and_changes_are_half_a_second_apart():
    clock = Clock(0.5)
    clock.frames(20)
    before = clock.pace.share
    clock.pace.note(3.0, clock.now)
    assert clock.pace.share == before
    clock.full, changes, last = 3.0, [], before
    for _ in range(100):
        clock.frames(1)
        if clock.pace.share != last:
            changes.append(clock.now)
            last = clock.pace.share
    assert changes
    assert all(b - a >= 0.5 for a, b in pairwise(changes))
