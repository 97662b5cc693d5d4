"""The stage: the newest request wins, old ones end at once, and no fault ends the thread."""

import threading
import time

import numpy as np
import pytest

from render import camera, planes
from render.engine import Engine
from render.errors import RenderError
from render.stage import Stage
from render.view import Labels, Look, Technique, View, Window
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
