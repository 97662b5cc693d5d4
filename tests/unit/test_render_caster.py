"""The ray caster: against analytic truth, against VTK's fixed-point mapper, stopped, cropped, and fuzzed."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from render import camera, presets
from render.caster import portions, within
from render.caster.space import Space, tables
from render.engine import Engine
from render.errors import Cancelled, RenderError
from render.policy import find
from render.view import Box, Look, Surface, Technique, View, Window
from tests.picture.phantom import ball, geometry, uneven, volume

SIZE = (120, 100)
LOOK = Look(
    name="test",
    version="",
    opacity=((0, 0), (400, 0.3)),
    colour=((0, "c08040"), (400, "fff0e0")),
    ambient=0.2,
    diffuse=0.8,
    specular=0.0,
    fade=0.0,
)
GREY = Window(center=500, width=1000, function="LINEAR_EXACT")


def view_of(v, name="A", **more):
    given = {"technique": Technique.VR, "look": LOOK, "overlays": "none", "quality": "record", "size": SIZE}
    return View(**{**given, "camera": camera.standard(v, name, SIZE), **more})


def test_the_step_does_not_change_how_dense_a_look_is():
    half = tables(LOOK, 0.5)[0].astype(float)
    whole = tables(LOOK, 1.0)[0].astype(float)
    assert np.abs(2 * half - whole).max() < 1e-6
    entry = int((400 - tables(LOOK, 1.0)[2]) * tables(LOOK, 1.0)[3])
    assert 1 - np.exp(-whole[entry]) == pytest.approx(0.3, abs=1e-3)


def test_a_homogeneous_block_follows_the_law_of_beer():
    # 0.02 per mm through 60 mm of block: what is left of the white background is 0.98 ^ 60
    thin = Look(name="x", version="", opacity=((0, 0.0), (99, 0.0), (100, 0.02)), colour=((0, "000000"), (1, "000000")))
    v = volume(lambda p: np.full(p.shape[:-1], 100.0), geometry((31, 31, 31), (2.0, 2.0, 2.0)))
    eye = camera.standard(v, "A", SIZE)
    view = View(
        technique=Technique.VR, look=thin, camera=eye, size=SIZE, overlays="none", background=("ffffff", "ffffff")
    )
    got = Engine(v).picture(view).rgb[50, 60]
    assert got == pytest.approx(255 * 0.98**60, abs=3)


def test_the_picture_does_not_depend_on_skipping():
    """Seen through a table that shows everything a little (nothing skipped) the ball stays the same within it."""
    v = volume(ball((0, 0, 0), 40.0))
    space = Space(v)
    view = Engine(v).completed(view_of(v))
    with_skipping = space.cast(view)
    low, high = space.extremes()
    low[:], high[:] = low.min(), high.max()  # every block may hold anything: none is skipped
    space._distance = None
    assert (space.cast(view) == with_skipping).all()


@pytest.mark.parametrize("technique", [Technique.MIP, Technique.MINIP])
@pytest.mark.parametrize("parallel", [True, False])
def test_a_projection_does_not_depend_on_cells_nor_on_what_a_neighbour_found(technique, parallel):
    grain = np.random.default_rng(5)
    v = volume(lambda p: grain.integers(-900, 900, p.shape[:-1]), geometry((41, 70, 37), (1.5, 0.9, 1.1)))
    eye = camera.rotate(camera.standard(v, "A", SIZE), 31.0, 17.0)
    eye = msgspec.structs.replace(eye, parallel=parallel, angle_deg=20.0)
    view = view_of(v, technique=technique, camera=eye, window=Window(center=0, width=1800), look=None)
    quick, thorough = Space(v), Space(v)
    for shift in (2, 3, 5):
        low, high = quick.extremes(shift)
        assert low.min() == v.voxels.min()
        assert high.max() == v.voxels.max()
        thorough._extremes[shift] = (np.full_like(low, -30000), np.full_like(high, 30000))
    assert np.array_equal(quick.cast(view), thorough.cast(view))


@pytest.mark.parametrize("technique", [Technique.MIP, Technique.MINIP, Technique.MEAN])
@pytest.mark.parametrize(
    "window",
    [
        Window(center=40, width=60),
        Window(center=0, width=1),
        Window(center=-300, width=900, function="LINEAR_EXACT", inverted=True),
        Window(center=0, width=200, function="SIGMOID"),
    ],
    ids=["ramp", "step", "turned over", "sigmoid"],
)
def test_a_projection_does_not_depend_on_where_the_search_may_end(technique, window, monkeypatch):
    """Neither the ends of the window nor what lies outside the body is looked beyond: the pixels are the same."""
    from render.caster import space as spaces

    grain = np.random.default_rng(5)

    def value(p):
        inside = np.linalg.norm(p / (1.0, 0.8, 1.2), axis=-1) < 40
        return np.where(inside, grain.normal(20, 60, p.shape[:-1]), -1000.0)

    v = volume(value, geometry((60, 80, 76), (1.6, 1.2, 1.3)))
    eye = camera.rotate(camera.standard(v, "A", SIZE), 31.0, 17.0)
    view = view_of(v, technique=technique, camera=eye, window=window, look=None)
    found = Space(v)
    assert technique is Technique.MIP or found.kept("body", None).size > 1
    short = found.cast(view).astype(int)
    monkeypatch.setattr(spaces.tones, "ends", lambda _: (-np.inf, np.inf))
    monkeypatch.setattr(Space, "kept", lambda *_: np.ones((1, 1, 1), np.uint8))
    long = Space(v).cast(view).astype(int)
    assert len(np.unique(long)) >= 2
    if technique is Technique.MEAN and window.width > 1:
        assert np.abs(short - long).max() <= 1  # summed in another order
        return
    assert (short == long).mean() > (0.999 if technique is Technique.MEAN else 0.999999)


def test_mip_finds_a_voxel_where_it_is_and_as_bright_as_it_is():
    g = geometry((30, 34, 38), (3.0, 2.0, 2.5))
    at = g.to_lps((11, 20, 9))

    def value(p):
        return np.where(np.linalg.norm(p - at, axis=-1) < 0.1, 900.0, 100.0)

    v = volume(value, g)
    for name in "APLRSI":
        eye = camera.standard(v, name, SIZE, threshold=0.0)
        view = View(
            technique=Technique.MIP, size=SIZE, camera=eye, window=GREY, overlays="none", step_mm=0.05, quality="record"
        )
        picture = Engine(v).picture(view)
        y, x = np.unravel_index(int(picture.rgb[..., 0].argmax()), SIZE[::-1])
        assert camera.project(eye, SIZE, [at])[0][:2] == pytest.approx((x, y), abs=0.8)
        assert 255 * 0.75 < picture.rgb.max() <= 255 * 0.9 + 1
        body = picture.rgb[picture.rgb > 0]
        assert int(np.median(body)) == pytest.approx(255 * 0.1, abs=1)


def test_mean_and_minip_look_into_the_body_not_at_the_air_around_it():
    def value(p):
        v = np.where(np.linalg.norm(p, axis=-1) < 60, 100.0, -1000.0)
        v[np.linalg.norm(p - (20, 0, 0), axis=-1) < 12] = -800
        return v

    v = volume(value)
    eye = camera.standard(v, "A", SIZE)
    wide = Window(center=-400, width=1200, function="LINEAR_EXACT")
    low = Engine(v).picture(View(technique=Technique.MINIP, size=SIZE, camera=eye, window=wide, overlays="none")).rgb
    x, y = (round(float(c)) for c in camera.project(eye, SIZE, [(20, 0, 0)])[0][:2])
    other, _ = (round(float(c)) for c in camera.project(eye, SIZE, [(-20, 0, 0)])[0][:2])
    assert low[y, x, 0] == pytest.approx(255 * (-800 + 1000) / 1200, abs=4)
    assert low[y, other, 0] == pytest.approx(255 * (100 + 1000) / 1200, abs=4)
    mean = Engine(v).picture(View(technique=Technique.MEAN, size=SIZE, camera=eye, window=wide, overlays="none")).rgb
    assert mean[y, other, 0] == pytest.approx(255 * (100 + 1000) / 1200, abs=6)
    assert mean[y, x, 0] < mean[y, other, 0]


def thorax(p):
    """Body, two lungs, a vessel in the right one, a table behind, a bubble of bowel gas."""
    v = np.full(p.shape[:-1], -1000.0)
    v[np.linalg.norm(p / (100, 70, 90), axis=-1) < 1] = 40
    for side in (-1, 1):
        v[np.linalg.norm((p - (side * 45, 0, 10)) / (30, 45, 60), axis=-1) < 1] = -850
    v[np.hypot(p[..., 0] + 45, p[..., 1]) + np.maximum(np.abs(p[..., 2] - 10) - 30, 0) < 4] = 60
    v[np.linalg.norm(p - (0, -30, -65), axis=-1) < 10] = -1000
    v[(p[..., 1] > 84) & (p[..., 1] < 92)] = 200
    return v


def test_lungs_alone_are_shown_with_their_vessels():
    v = volume(thorax, geometry((80, 84, 90), (2.5, 2.5, 2.5)))
    mask, scale = within.mask(v, "lungs")

    def share(place):
        k, r, c = np.rint(v.geometry.to_index(place) * scale).astype(int)
        return int(mask[k, r, c])

    assert share((45, 0, 10)) > 250
    assert share((-45, 20, 10)) > 250
    assert share((-45, 0, 10)) > 250  # the vessel belongs to it
    for outside in ((0, 0, 0), (0, -30, -65), (95, 0, 0), (0, 88, 0), (-80, 60, 70)):
        assert share(outside) < 10
    engine = Engine(v)
    shown = engine.picture(view_of(v, look=presets.resolve("ct_lung_vessels", v)[0])).rgb.max(axis=2)
    eye = camera.standard(v, "A", SIZE)
    for place, seen in (((-45, 0, 20), True), ((0, 0, 0), False), ((0, -30, -65), False)):
        x, y = camera.project(eye, SIZE, [place])[0][:2]
        assert (shown[round(float(y)), round(float(x))] > 60) == seen
    # looked at from the side, table and skin are not there either
    side = engine.picture(view_of(v, "L", look=presets.resolve("ct_lung", v)[0])).rgb.max(axis=2)
    x, _ = camera.project(camera.standard(v, "L", SIZE), SIZE, [(0, 75, 0)])[0][:2]
    assert side[:, round(float(x)) :].max() == 0


def test_the_table_alone_is_left_out():
    v = volume(thorax, geometry((80, 84, 90), (2.5, 2.5, 2.5)))
    look = presets.resolve("ct_bone", v)[0]
    x, _ = camera.project(camera.standard(v, "L", SIZE), SIZE, [(0, 88, 0)])[0][:2]
    kept, removed = (
        Engine(v).picture(view_of(v, "L", look=msgspec.structs.replace(look, within=w))).rgb for w in ("", "patient")
    )
    assert kept[:, round(float(x))].max() > 60
    assert removed[:, round(float(x))].max() == 0
    # without a table nothing is hidden, and a second leg is no table
    legs = volume(lambda p: np.maximum(ball((-40, 0, 0), 30.0)(p), ball((40, 0, 0), 25.0)(p)))
    assert within.mask(legs, "patient")[0].size == 1


def test_where_no_lung_is_found_nothing_is_hidden():
    head = volume(ball((0, 0, 0), 60.0, 40.0, -1000.0))
    assert within.mask(head, "lungs")[0].size == 1
    mr = volume(ball((0, 0, 0), 60.0), units="arbitrary", modality="MR")
    assert within.mask(mr, "lungs")[0].size == 1
    assert within.mask(mr, "patient")[0].size == 1


def test_a_crop_box_in_patient_space_cuts_oblique_grids():
    g = geometry(iop=(0.6, 0.8, 0.0, -0.48, 0.36, -0.8))
    v = volume(ball((0, 0, 0), 50.0), g)
    box = Box(low_lps_mm=(-100, -100, -100), high_lps_mm=(0, 100, 100))
    whole = Engine(v).picture(view_of(v)).rgb
    cut = Engine(v).picture(view_of(v, crop=box)).rgb
    middle = (SIZE[0] - 1) / 2
    eye = camera.standard(v, "A", SIZE)
    edge = camera.project(eye, SIZE, [(0, 0, 0)])[0][0]
    assert whole[:, round(middle) + 15 :].max() > 60
    assert cut[:, int(edge) + 2 :].max() == 0
    assert (cut[:, : int(edge) - 12] == whole[:, : int(edge) - 12]).mean() > 0.9
    for technique, more in ((Technique.MIP, {"window": GREY}), (Technique.SSD, {"surfaces": (Surface(low=0.0),)})):
        picture = Engine(v).picture(view_of(v, technique=technique, look=None, crop=box, **more)).rgb
        assert picture[:, int(edge) + 3 :].max() == 0
        assert picture[:, : int(edge) - 5].max() > 60


def test_surfaces_and_volume_hide_each_other_by_depth():
    def value(p):  # one ball far below the other in value: each is seen by the look or by the surface alone
        v = ball((0, -30, 0), 18.0, 1000.0, 0.0)(p)
        return v + ball((0, 30, 0), 18.0, -1000.0, 0.0)(p)

    v = volume(value)
    solid = Look(name="x", version="", opacity=((300, 0), (400, 0.9)), colour=((0, "ff0000"), (1, "ff0000")))
    scene = {"look": solid, "surfaces": (Surface(low=-1500.0, high=-500.0, colour="00ff00"),)}
    front = Engine(v).picture(view_of(v, "A", **scene)).rgb[50, 60].astype(int)
    back = Engine(v).picture(view_of(v, "P", **scene)).rgb[50, 60].astype(int)
    assert front[0] > front[1] + 80
    assert back[1] > back[0] + 80
    glass = (Surface(low=-1500.0, high=-500.0, colour="00ff00", opacity=0.5),)
    through = Engine(v).picture(view_of(v, "P", look=solid, surfaces=glass)).rgb[50, 60].astype(int)
    assert through[1] > 60
    assert through[0] > 40


@pytest.mark.parametrize("parallel", [True, False])
def test_a_surface_has_no_pinholes_and_its_true_outline(parallel):
    v = volume(ball((0, 0, 0), 50.0), geometry((70, 70, 70), (2.0, 2.0, 2.0)))
    size = (601, 481)
    eye = camera.standard(v, "A", size, parallel=parallel)
    view = view_of(v, technique=Technique.SSD, look=None, surfaces=(Surface(low=0.0),), camera=eye, size=size)
    lit = Engine(v).picture(view).rgb.max(axis=2)
    y, x = np.indices(lit.shape)
    cx, cy = camera.project(eye, size, [(0, 0, 0)])[0][:2]
    away = np.hypot(x - cx, y - cy)
    if parallel:
        radius = 50.0 / camera.mm_per_pixel(eye, size)
    else:  # the outline of a ball in perspective is its tangent cone
        distance = float(np.linalg.norm(np.subtract(eye.position_lps_mm, eye.focal_lps_mm)))
        slope = 50.0 / np.sqrt(distance**2 - 50.0**2)
        radius = slope / (2 * np.tan(np.radians(eye.angle_deg) / 2)) * size[1]
    assert (lit[away < radius - 2] > 30).all()
    assert (lit[away > radius + 2] == 0).all()


def test_the_background_runs_from_top_to_bottom():
    v = volume(ball((0, 0, 0), 20.0))
    rgb = Engine(v).picture(view_of(v, background=("102030", "000008"))).rgb
    assert rgb[0, 0].tolist() == [0x10, 0x20, 0x30]
    assert rgb[-1, 0].tolist() == [0, 0, 8]


def test_a_picture_is_stopped_between_portions():
    v = volume(ball((0, 0, 0), 60.0))
    engine = Engine(v)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(Cancelled):
        engine.picture(view_of(v), None, stop)
    assert asked <= 3 + 2 * portions.cores()
    first = engine.picture(view_of(v)).rgb
    assert (first == Engine(v).picture(view_of(v)).rgb).all()  # the stopped one left nothing behind


def test_a_fault_in_one_portion_reaches_the_caller():
    def work(first: int, end: int) -> None:
        if first >= 40:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        portions.run(work, 100, 10)


def test_portions_shrink_where_work_is_slow_and_every_item_is_done_once(monkeypatch):
    done, sizes, clock = [], [], [0.0]
    monkeypatch.setattr(portions, "cores", lambda: 1)
    monkeypatch.setattr(portions.time, "perf_counter", lambda: clock[0])

    def work(first: int, end: int) -> None:
        done.extend(range(first, end))
        sizes.append(end - first)
        clock[0] += sum(0.004 if 40 <= n < 80 else 0.0001 for n in range(first, end))

    portions.run(work, 200, 8, led=True)
    assert done == list(range(200))
    assert max(sizes) == 8
    slow = [size for size, first in zip(sizes, np.cumsum([0, *sizes[:-1]]), strict=True) if 48 <= first < 80]
    assert set(slow) == {1}
    assert sizes[-2] == 8  # and grow again


@pytest.mark.parametrize("quality", ["drag", "settled", "record"])
def test_a_steep_look_shows_no_rings(monkeypatch, quality):
    """A flat wall seen at a slant is one colour but for where the samples stand: they leave rings, like wood."""
    from render.caster import space

    v = volume(lambda p: 400.0 * p[..., 1] / 3, geometry((40, 40, 40), (3.0, 3.0, 3.0)))
    steep = Look(
        name="x", version="", opacity=((0, 0), (1, 0.9)), colour=((0, "000000"), (600, "ffffff")), ambient=1.0,
        diffuse=0.0, specular=0.0, fade=0.0,
    )  # fmt: skip
    eye = camera.rotate(camera.standard(v, "A", (160, 160), threshold=-9e9), 7.0, 3.0)
    view = view_of(v, camera=camera.zoom(eye, 2.5), look=steep, size=(160, 160))

    def rings():
        middle = Engine(v).picture(view.replace(quality=quality)).rgb[40:120, 40:120, 0].astype(float)
        return float(middle.std())

    mended = rings()
    monkeypatch.setitem(space._PARTS, quality, (1, 2.0))
    plain = rings()
    assert plain > 1.5 * mended, (plain, mended)


@pytest.mark.parametrize("thickness", [0.5, 1.0, 2.0, 8.0])
def test_light_taken_in_parts_is_as_much_as_taken_whole(monkeypatch, thickness):
    """A sheet, thinner than a step or thicker, stops the same share of the light, whatever parts a step is taken in."""
    from render.caster import space

    v = volume(lambda p: np.where(np.abs(p[..., 1]) <= thickness, 100.0, -100.0), geometry((40, 40, 40), (1.0,) * 3))
    look = Look(
        name="x", version="", opacity=((0, 0), (100, 0.4)), colour=((0, "ffffff"), (100, "ffffff")), ambient=1.0,
        diffuse=0.0, specular=0.0, fade=0.0,
    )  # fmt: skip
    seen = []
    for turn in range(8):  # samples fall differently each time
        eye = camera.rotate(camera.standard(v, "A", (60, 60), threshold=-9e9), 3.0 * turn, 2.0 * turn)
        view = view_of(v, camera=eye, look=look, size=(60, 60), background=("000000", "000000"), quality="settled")
        seen.append([])
        for parts in ((1, 2.0), (2, 0.05), (4, 0.05)):
            monkeypatch.setitem(space._PARTS, "settled", parts)
            seen[-1].append(Engine(v).picture(view).rgb[20:40, 20:40, 0].astype(float).mean())
    whole, halves, quarters = np.mean(seen, axis=0)
    assert halves == pytest.approx(whole, rel=0.06)
    assert quarters == pytest.approx(whole, rel=0.06)


def test_equal_recipes_give_equal_pictures_whatever_was_shown_before():
    g = geometry(shear=0.8)
    v = volume(ball((10, 0, 5), 45.0), g, positions=uneven(g))
    engine = Engine(v)
    views = [
        view_of(v),
        view_of(v, technique=Technique.MIP, look=None),
        view_of(v, technique=Technique.SSD, look=None, surfaces=(Surface(low=0.0),)),
        view_of(v, look=None, camera=None, overlays="record", quality="settled"),
    ]
    made = [engine.picture(view) for view in views]
    for picture in reversed(made):
        again = View.from_json(picture.view.to_json())
        assert again == picture.view
        assert (engine.picture(again).rgb == picture.rgb).all()
        assert (Engine(v).picture(again).rgb == picture.rgb).all()


def test_a_dragged_picture_is_smaller_inside_but_shows_the_same():
    from skimage.metrics import structural_similarity

    v = volume(ball((0, 0, 0), 50.0))
    size = (700, 560)
    view = View(technique=Technique.VR, size=size, camera=camera.standard(v, "A", size), look=LOOK, overlays="none")
    full = Engine(v).picture(view.replace(quality="settled")).rgb
    quick = Engine(v).picture(view.replace(quality="drag")).rgb
    assert quick.shape == full.shape
    assert structural_similarity(full, quick, channel_axis=2) >= 0.85


def test_perspective_stands_inside_the_volume():
    v = volume(ball((0, 0, 0), 60.0, -1000.0, 200.0))  # an air-filled hole, seen from inside
    eye = camera._with(
        camera.standard(v, "A", SIZE, parallel=False),
        position_lps_mm=(0.0, 0.0, 0.0),
        focal_lps_mm=(0.0, 50.0, 0.0),
        angle_deg=70.0,
    )
    rgb = Engine(v).picture(view_of(v, camera=eye, look=LOOK)).rgb
    assert (rgb.max(axis=2) > 20).all()  # wall in every direction, nothing clipped away
    picture = Engine(v).picture(view_of(v, camera=eye))
    assert picture.mm_per_pixel is None
    assert picture.to_lps(3, 3) is None


@pytest.mark.parametrize("parallel", [True, False])
def test_a_pixel_tells_the_place_that_it_shows(parallel):
    g = geometry((50, 50, 50), (3.0, 3.0, 3.0), (0.6, 0.8, 0.0, -0.48, 0.36, -0.8))
    v = volume(ball((10, -5, 8), 30.0), g)
    eye = camera.standard(v, "L", SIZE, parallel=parallel)
    engine = Engine(v)
    x, y = camera.project(eye, SIZE, [(10, -5, 8)])[0][:2]
    hard = Look(name="x", version="", opacity=((-10, 0), (10, 0.99)), colour=((0, "ffffff"), (1, "ffffff")))
    for view in (
        view_of(v, camera=eye, look=hard),
        view_of(v, camera=eye, technique=Technique.SSD, look=None, surfaces=(Surface(low=0.0),)),
    ):
        place = engine.pick(view, x, y)
        assert place is not None
        assert np.linalg.norm(np.subtract(place, (10, -5, 8))) == pytest.approx(30, abs=1.5)
        assert place[0] > 38  # the side towards the eye
        assert camera.project(eye, SIZE, [place])[0][:2] == pytest.approx((x, y), abs=1e-6)
        assert engine.pick(view, 1, 1) is None
    peak = volume(lambda p: 500 - np.linalg.norm(p - (10, -5, 8), axis=-1) * 5, g)
    brightest = Engine(peak).pick(view_of(peak, camera=eye, technique=Technique.MIP, look=None), x, y)
    assert np.linalg.norm(np.subtract(brightest, (10, -5, 8))) < 2


def test_a_single_slice_is_refused_in_words():
    v = volume(ball((0, 0, 0), 20.0), geometry((1, 40, 40)))
    with pytest.raises(RenderError, match="single slice"):
        Engine(v).picture(view_of(v))


def two_hills():
    """Balls that rise to their middles: VTK shades by gradients rounded at voxels, so flat insides would differ."""

    def value(p):
        near = 15 * (34 - np.linalg.norm(p - (20, -10, 15), axis=-1))
        return np.maximum(near, 15 * (24 - np.linalg.norm(p - (-35, 20, -20), axis=-1)))

    return volume(value, geometry((60, 60, 60), (2.5, 2.5, 2.5)))


@pytest.mark.parametrize("name", ["A", "L", "S"])
def test_vtks_fixed_point_mapper_draws_the_same_picture(name):
    from skimage.metrics import structural_similarity

    if not find().gl:
        pytest.skip("VTK's OpenGL cannot be started here")

    v = two_hills()
    view = view_of(v, name, step_mm=0.5)
    ours = Engine(v, renderer="CPU caster").picture(view).rgb
    theirs = Engine(v, renderer="VTK fixed point").picture(view).rgb
    assert structural_similarity(ours, theirs, channel_axis=2) > 0.9
    y, x = np.indices(ours.shape[:2])
    for channel in range(3):
        a, b = ours[..., channel].astype(float), theirs[..., channel].astype(float)
        for axis in (x, y):
            assert (axis * a).sum() / a.sum() == pytest.approx((axis * b).sum() / b.sum(), abs=1.0)
        assert a.mean() == pytest.approx(b.mean(), rel=0.08)


@pytest.mark.parametrize("parallel", [True, False])
def test_vtks_fixed_point_mapper_draws_the_same_from_anywhere(parallel):
    from skimage.metrics import structural_similarity

    if not find().gl:
        pytest.skip("VTK's OpenGL cannot be started here")

    v = two_hills()
    caster, theirs, random = Engine(v), Engine(v, renderer="VTK fixed point"), np.random.default_rng(9)
    for _ in range(4):
        eye = camera.standard(v, "A", SIZE, parallel=parallel)
        eye = camera.rotate(eye, *random.uniform(-180, 180, 2), trackball=True)
        eye = camera.rotate(eye, *random.uniform(-180, 180, 2), trackball=True)
        eye = camera.pan(camera.zoom(eye, float(random.uniform(0.7, 1.5))), *random.uniform(-15, 15, 2), SIZE)
        view = view_of(v, step_mm=0.5, camera=eye)
        both = [one.picture(view).rgb for one in (caster, theirs)]
        assert structural_similarity(*both, channel_axis=2) > 0.97


def test_presets_of_mr_are_scaled_to_the_series():
    rng = np.random.default_rng(5)

    def value(p, gain=1.0):
        inside = np.linalg.norm(p, axis=-1) < 60
        return gain * np.where(inside, rng.normal(300, 30, p.shape[:-1]), rng.normal(8, 2, p.shape[:-1])).clip(1)

    a = volume(value, units="arbitrary", modality="MR", dtype=np.float32)
    rng = np.random.default_rng(5)
    b = volume(lambda p: value(p, 7.0), units="arbitrary", modality="MR", dtype=np.float32)
    la, lb = presets.resolve("mr_generic", a)[0], presets.resolve("mr_generic", b)[0]
    assert [x for x, _ in lb.opacity] == pytest.approx([7 * x for x, _ in la.opacity], rel=0.01)
    assert lb.fade == pytest.approx(7 * la.fade, rel=0.01)
    pa, pb = Engine(a).picture(view_of(a, look=la)).rgb, Engine(b).picture(view_of(b, look=lb)).rgb
    assert np.abs(pa.astype(int) - pb).mean() < 2


FUZZ = """
import numpy as np
from render import camera, planes
from render.engine import Engine
from render.view import *
from tests.picture.phantom import geometry, volume, uneven
rng = np.random.default_rng(11)
given = {'name': 'x', 'version': '', 'opacity': ((-100, 0), (300, .2)), 'colour': ((0, '804020'), (300, 'ffffff'))}
look, plain = Look(gradient=((0, .1), (90, 1)), **given), Look(**given)
inside = [Look(within=w, **given) for w in ('body', 'lungs', 'body')]
for n in range(40):
    shape = tuple(int(x) for x in rng.integers(2, 28, 3))
    g = geometry(shape, tuple(rng.uniform(.5, 6, 3)), shear=float(rng.uniform(0, 2)) if n % 3 == 0 else 0.0)
    kind = np.int16 if n % 2 else np.float32
    padding = (-900.0, -500.0) if n % 5 == 0 else None
    mean = -700 if n % 7 == 0 else 0
    places = uneven(g) if n % 4 == 0 else None
    v = volume(lambda p: rng.normal(mean, 400, p.shape[:-1]), g, kind, places, padding=padding)
    e = Engine(v)
    for m in range(3):
        size = (int(rng.integers(16, 60)), int(rng.integers(16, 60)))
        eye = camera.rotate(camera.standard(v, 'APLRSI'[m], size, parallel=bool(rng.integers(2)), threshold=-2000.),
                            *rng.uniform(-90, 90, 2), trackball=True)
        if not eye.parallel and rng.integers(2):
            eye = camera._with(eye, position_lps_mm=tuple(g.to_lps(rng.uniform(0, np.array(shape) - 1))))
        low = rng.uniform(-60, 20, 3)
        box = Box(low_lps_mm=tuple(low), high_lps_mm=tuple(low + rng.uniform(0, 60, 3))) if rng.integers(2) else None
        step = float(rng.choice([.1, .7, 3., 40.]))
        base = View(technique=Technique.VR, size=size, camera=eye, crop=box, step_mm=step, overlays='none')
        e.picture(base.replace(look=look if m else plain))
        e.picture(base.replace(look=inside[m]))
        for t in (Technique.MIP, Technique.MINIP, Technique.MEAN):
            e.picture(base.replace(technique=t))
        if n % 4 == 1:
            e.picture(base.replace(technique=Technique.SSD, surfaces=(Surface(low=50.),
                                                                    Surface(low=-50., opacity=.4))))
        plane = planes.standard(v, 'axial', size=size)
        plane = planes.rotate(plane, tuple(rng.normal(size=3)), float(rng.uniform(0, 180)))
        plane = planes.scroll(plane, float(rng.uniform(-40, 40)))
        for i in ('linear', 'cubic', 'none'):
            e.picture(View(technique=Technique.MPR, size=size, plane=plane, interpolation=i, overlays='none'))
        slab = Slab(mode='mip', thickness_mm=9)
        e.picture(View(technique=Technique.MIP, size=size, plane=plane, slab=slab, overlays='none'))
print('fine')
"""


@pytest.mark.timeout(900)  # it compiles every kernel with bounds checks
def test_no_kernel_reads_or_writes_outside_its_arrays(tmp_path):
    """Random grids, eyes (some inside the volume), boxes and steps, with every index checked."""
    root = Path(__file__).parents[2]
    env = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FUZZ], cwd=root, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "fine"


def test_two_threads_make_the_same_pictures_as_one():
    v = volume(ball((0, 0, 0), 50.0))
    expected = Engine(v).picture(view_of(v)).rgb
    results: list[np.ndarray] = []

    def work() -> None:
        engine = Engine(v)
        results.extend(engine.picture(view_of(v)).rgb for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(3)]
    begun = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert time.monotonic() - begun < 60
    assert len(results) == 15
    assert all((r == expected).all() for r in results)


@pytest.mark.parametrize("octant", range(8))
def test_a_jump_ahead_passes_empty_blocks_only_and_could_not_be_longer(octant):
    from render.caster import cells

    there = np.random.default_rng(octant).random((9, 7, 8)) < 0.03
    seen = np.where(there, 0, 255).astype(np.uint8)
    out = np.empty_like(seen)
    cells.distances(seen, octant, out)
    ways = [1 if octant & bit else -1 for bit in (4, 2, 1)]
    turned = there[tuple(slice(None, None, way) for way in ways)]
    found = out[tuple(slice(None, None, way) for way in ways)]
    for at in np.ndindex(there.shape):
        n = int(found[at])
        ahead = [turned[tuple(slice(i, i + size) for i in at)].any() for size in (n, n + 1)]
        assert not (n and ahead[0])
        assert ahead[1] or n == 255 or all(i + n >= m for i, m in zip(at, there.shape, strict=True))
