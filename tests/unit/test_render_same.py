"""The same recipe gives the same pixels at whatever load; a record picture is fresh at any size."""

import threading
from itertools import product

import msgspec
import numpy as np
import pytest

from render import camera, planes
from render.caster import portions
from render.engine import Engine
from render.stage import Stage
from render.view import Box, Clip, Labels, Look, ScenePlane, Segment, Slab, Surface, Technique, View, Window
from tests.picture.phantom import ball, geometry, uneven, volume

SIZE = (80, 64)
LOOK = Look(name="x", version="", opacity=((0, 0), (400, 0.1)), colour=((0, "804020"), (400, "ffffff")))
WINDOW = Window(center=0, width=1500)
G = geometry((40, 60, 60), (4.0, 3.0, 3.0), shear=0.8)
V = volume(ball((10, 0, 5), 45.0), G, positions=uneven(G))
EYE = camera.rotate(camera.standard(V, "A", SIZE), 31.0, 12.0)
HALF = Surface(low=0.0, opacity=0.4)


def every_kind(size=SIZE):
    """A recipe of each way of drawing."""
    given = {"size": size, "camera": EYE}
    yield "vr", View(technique=Technique.VR, look=LOOK, cue=0.3, **given)
    yield "scene", View(
        technique=Technique.VR, look=LOOK, surfaces=(HALF,), lines=True,
        planes=(ScenePlane(point_lps_mm=(0, 0, 0), normal_lps=(0, 1, 0), window=WINDOW, outline="e69f00"),),
        clips=(Clip(point_lps_mm=(0, 0, 0), normal_lps=(0.6, 0, 0.8)),), **given,
    )  # fmt: skip
    yield "segments", View(technique=Technique.VR, look=LOOK, segments=(Segment(number=1, low=500.0),), **given)
    for technique in (Technique.MIP, Technique.MINIP, Technique.MEAN):
        yield technique.value, View(technique=technique, window=WINDOW, **given)
    yield "ssd", View(technique=Technique.SSD, surfaces=(Surface(low=0.0), HALF), **given)
    plane = planes.rotate(planes.standard(V, "coronal", None, size), (0, 0, 1), 20.0)
    yield "mpr", View(technique=Technique.MPR, size=size, plane=plane, window=WINDOW, interpolation="cubic")
    for mode in ("mip", "minip", "mean"):
        slab = Slab(mode=mode, thickness_mm=12.0)
        yield f"slab {mode}", View(technique=Technique.MPR, size=size, plane=plane, window=WINDOW, slab=slab)


BONE = Look(name="b", version="", opacity=((600, 0), (601, 0.8)), colour=((600, "ffffff"),))

AIR = Look(name="a", version="", opacity=((-1100, 0.02), (-990, 0.02), (-980, 0)), colour=((0, "80a0ff"),))


def others(kind, view):
    """The same way of drawing, of other things: what is kept between pictures must not be taken for theirs."""
    if view.look is not None:
        yield view.replace(look=BONE)
        yield view.replace(look=AIR)
        yield view.replace(look=BONE, crop=Box(low_lps_mm=(-20, -90, -90), high_lps_mm=(90, 90, 90)))
    if view.surfaces:
        one = view.surfaces[0]
        for change in ({"low": 600.0}, {"smooth": 0.0}, {"high": 500.0}, {"colour": "40a0ff"}):
            yield view.replace(surfaces=(msgspec.structs.replace(one, **change), *view.surfaces[1:]))
    if view.segments:
        yield view.replace(segments=(Segment(number=1, low=0.0), Segment(number=0, visible=False)))
        yield view.replace(segments=(Segment(number=1, low=500.0), Segment(number=0, visible=False)))
    if kind in {"mip", "mpr"}:
        yield view.replace(window=Window(center=300, width=500))
        yield view.replace(segments=(Segment(number=1, low=500.0, overlay="fill", colour="ffff00"),))
    yield view.replace(quality="drag")


def test_a_picture_is_the_same_whatever_was_shown_before():
    asked = [v for kind, view in every_kind() for v in (view, *others(kind, view))]
    fresh = [Engine(V).picture(view).rgb for view in asked]
    assert len({rgb.tobytes() for rgb in fresh}) > 0.8 * len(asked)  # they differ, so it matters
    for order in (range(len(asked)), reversed(range(len(asked)))):
        engine = Engine(V)
        for n in order:
            rgb = engine.picture(asked[n]).rgb
            # a moving hand gets what is there at once, also a better surface; it is never kept
            assert asked[n].quality == "drag" or (rgb == fresh[n]).all(), asked[n]


@pytest.mark.parametrize("kind", dict(every_kind()))
@pytest.mark.parametrize("quality", ["settled", "record"])
def test_work_cut_otherwise_gives_the_same_pixels(kind, quality, monkeypatch):
    """A busy machine cuts the work into other portions, on other threads, in another order."""
    view = dict(every_kind())[kind].replace(quality=quality)
    want = Engine(V).picture(view)
    random = np.random.default_rng(5)

    def cut(work, count, at_once, cancelled=None, *, told=True, led=False):
        """By the clock where the work is led by it, else in its own steps; in any order."""
        cuts = np.unique(random.integers(1, count, 6)) if led and count > 1 else np.arange(at_once, count, at_once)
        parts = list(zip([0, *cuts], [*cuts, count], strict=True))
        for place in random.permutation(len(parts)):
            work(*(int(end) for end in parts[place]))

    monkeypatch.setattr(portions, "run", cut)
    got = Engine(V).picture(view)
    assert (got.rgb == want.rgb).all()


def test_a_record_picture_is_the_same_while_panes_are_turned_and_other_work_runs():
    """Captured from a stage whose panes are under the hand, on a machine whose processors are all taken."""
    kinds = dict(every_kind())
    want = {kind: Engine(V).picture(view.replace(quality="record")).rgb for kind, view in kinds.items()}
    stage, over = Stage(), threading.Event()
    stage.set_volume(V)

    def burn():
        while not over.is_set():
            np.sort(np.random.default_rng(1).random(200_000))

    def turn():
        n = 0
        while not over.is_set():
            n += 1
            view = kinds["vr"].replace(camera=camera.rotate(EYE, 7.0 * n, 3.0), quality="drag")
            stage.request("3d", view, Labels(), lambda _: None, lambda _: None)
            stage.request("ssd", kinds["ssd"].replace(quality="drag"), Labels(), lambda _: None, lambda _: None)
            over.wait(0.02)

    others = [threading.Thread(target=work) for work in (burn, burn, turn)]
    for thread in others:
        thread.start()
    try:
        for kind, view in kinds.items():
            picture = stage.picture(view.replace(quality="record"))
            assert (picture.rgb == want[kind]).all(), kind
            assert picture.view.quality == "record"
    finally:
        over.set()
        for thread in others:
            thread.join()
        stage.close()


LONG = [(1000, 64), (4096, 64), (64, 4096)]  # whole squares of rays take seconds, which their long sides stand for


@pytest.mark.parametrize(
    ("kind", "size"),
    [*product(["vr", "mip", "ssd", "mpr"], LONG), ("ssd", (4096, 4096)), ("mpr", (4096, 4096))],
)
def test_a_record_picture_is_drawn_afresh_at_any_size(kind, size):
    """4 mm across the long side, a hard edge in the middle: it stays as sharp as the pixel, and in its place."""
    v = volume(lambda p: np.where(p[..., 0] > 0, 1000, -1000), geometry((8, 8, 64), (2.0, 2.0, 2.0)))
    high = 4.0 * size[1] / max(size)
    eye = camera.standard(v, "A", size)
    eye = camera._with(eye, height_mm=high, focal_lps_mm=(0.0, 0.0, 0.0), position_lps_mm=(0.0, -200.0, 0.0))
    window = Window(center=0, width=2)  # of the 2000 HU between two voxels: a thousandth of 2 mm
    steep = Look(name="x", version="", opacity=((-0.5, 0), (0.5, 1)), colour=((0, "ffffff"),), fade=0.0, ambient=1.0)
    view = {
        "vr": View(technique=Technique.VR, look=steep, camera=eye, size=size),
        "mip": View(technique=Technique.MIP, window=window, camera=eye, size=size),
        "ssd": View(technique=Technique.SSD, surfaces=(Surface(low=0.0, smooth=0.0),), camera=eye, size=size),
        "mpr": View(
            technique=Technique.MPR, size=size, window=window,
            plane=planes.centred(planes.standard(v, "coronal", None, size, 4.0 / max(size)), (0.0, 0.0, 0.0)),
        ),
    }[kind]  # fmt: skip
    picture = Engine(v).picture(view.replace(overlays="none"))
    assert picture.rgb.shape == (size[1], size[0], 3)
    shown = picture.rgb[size[1] // 2].max(axis=1).astype(int)
    share = 0.1 if kind == "ssd" else 0.8  # a corner of a surface is round, as far as a voxel goes
    (change,) = np.nonzero(np.diff(shown > share / 2 * shown.max()))[0]
    near = 2  # pixels
    assert abs(change - (size[0] - 2) / 2) <= near
    assert shown[change + near] - shown[change - near] > share * shown.max()
