"""How often the voxels lie in memory: once, whatever is shown of them and in however many panes."""

import threading
import tracemalloc

import numpy as np
import pytest

from render import camera, planes
from render.geometry import Geometry
from render.stage import Stage
from render.view import Labels, Look, Slab, Surface, Technique, View, Window
from render.volume import Volume
from tests.picture.phantom import geometry

SIZE = (160, 120)
LOOK = Look(name="x", version="", opacity=((0, 0), (400, 0.1)), colour=((0, "804020"), (400, "ffffff")))


def large() -> Volume:
    g: Geometry = geometry((200, 256, 256), (1.0, 1.0, 1.0))
    k, r, c = (np.arange(n) - n / 2 for n in g.shape)
    far = np.sqrt((k[:, None, None] ** 2 + r[:, None] ** 2 + c**2).astype(np.float32))
    return Volume((800 - 10 * far).astype(np.int16), g, "HU", "large", modality="CT")


def panes(v: Volume):
    """Two slices, a slab and up to five 3D panes of one volume."""
    window = Window(center=200, width=800)
    for name in ("axial", "coronal"):
        plane = planes.standard(v, name, size=SIZE)
        yield name, View(technique=Technique.MPR, size=SIZE, plane=plane, window=window)
    plane = planes.standard(v, "sagittal", size=SIZE)
    slab = Slab(mode="mip", thickness_mm=20.0)
    yield "slab", View(technique=Technique.MIP, size=SIZE, plane=plane, window=window, slab=slab)
    for n, letter in enumerate("AL"):
        eye = camera.standard(v, letter, SIZE)
        yield f"vr {n}", View(technique=Technique.VR, size=SIZE, camera=eye, look=LOOK, quality="settled")
        yield f"mip {n}", View(technique=Technique.MIP, size=SIZE, camera=eye, window=window, quality="settled")
    yield "ssd", View(technique=Technique.SSD, size=SIZE, camera=eye, surfaces=(Surface(low=300.0),), quality="settled")


def shown(stage: Stage, wanted: dict[str, View]) -> None:
    """Ask for all panes at once, and wait for the last picture of each."""
    left, came, errors = set(wanted), threading.Event(), []

    def done(pane, picture):
        if picture.view.quality != "drag":
            left.discard(pane)
        if not left:
            came.set()

    for pane, view in wanted.items():
        stage.request(pane, view, Labels(), lambda picture, pane=pane: done(pane, picture), errors.append)
    assert came.wait(120), (left, errors)
    assert not errors


@pytest.fixture(scope="module")
def volume_warm():
    """Shown once: what is compiled and kept for good is there."""
    v, stage = large(), Stage()
    stage.set_volume(v)
    shown(stage, dict(panes(v)))
    stage.close()
    return v


@pytest.mark.parametrize(("surface", "beside", "on_the_way"), [(False, 0.2, 0.6), (True, 0.3, 1.4)])
def test_all_panes_share_the_voxels_and_memory_stays_within_its_budget(volume_warm, surface, beside, on_the_way):
    """In parts of an int16 volume: the budget is 1.6 volumes; a surface is taken from one closed copy."""
    v, stage = volume_warm, Stage()
    wanted = {pane: view for pane, view in panes(v) if surface or pane != "ssd"}
    tracemalloc.start()
    try:
        stage.set_volume(v)
        shown(stage, wanted)
        kept, most = (part / v.voxels.nbytes for part in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
    assert stage._engine is not None
    assert np.shares_memory(stage._engine.regular.voxels, v.voxels)
    assert np.shares_memory(stage._engine._kept().volume.voxels, v.voxels)
    stage.pick(wanted["vr 0"], 80, 60)
    assert stage._picker is not None
    assert np.shares_memory(stage._picker.regular.voxels, v.voxels)
    stage.close()
    assert kept < beside
    assert most < on_the_way


def test_a_tilted_volume_has_one_display_copy_for_pictures_and_for_the_pointer():
    g = geometry((24, 30, 30), (2.0, 2.0, 2.0), shear=0.9)
    v = Volume(np.zeros(g.shape, np.int16), g, "HU", "tilted", modality="CT")
    stage = Stage()
    stage.set_volume(v)
    view = View(technique=Technique.VR, size=SIZE, camera=camera.standard(v, "A", SIZE), look=LOOK, quality="settled")
    shown(stage, {"one": view, "two": view.replace(technique=Technique.MIP, look=None)})
    stage.pick(view, 80, 60)
    assert stage._engine is not None
    assert stage._picker is not None
    assert stage._engine.regular is not v
    assert stage._picker.regular is stage._engine.regular
    assert stage._engine._kept().volume is stage._engine.regular
    stage.close()
