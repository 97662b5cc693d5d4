"""Planes, slabs, windows and the display copy against functions whose values are known everywhere."""

import gc
import weakref

import numpy as np
import pytest

from render import planes, tones
from render.engine import Engine
from render.errors import RenderError
from render.resample import display_copy
from render.view import Mark, Plane, Slab, Technique, View, Window
from tests.picture.phantom import POSITIONS, geometry, uneven, volume

SLOPE = np.array([3.0, -2.0, 5.0])


def ramp(p):
    return p @ SLOPE + 40.0


def grids():
    yield "straight", geometry(), None
    yield "turned", geometry(iop=(0.6, 0.8, 0.0, -0.48, 0.36, -0.8)), None
    yield "prone, feet first", geometry(iop=POSITIONS["FFP"]), None
    yield "sheared", geometry(shear=1.3), None
    g = geometry()
    yield "uneven", g, uneven(g)
    s = geometry(shear=0.9, iop=(0.6, 0.8, 0.0, -0.48, 0.36, -0.8))
    yield "sheared and uneven", s, uneven(s)


def lps_of_pixels(plane, size):
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    corner = planes.corner(plane, size)
    return (
        corner
        + x[..., None] * plane.mm_per_pixel * np.array(plane.right_lps)
        + y[..., None] * plane.mm_per_pixel * np.array(plane.down_lps)
    )


OBLIQUE = planes.rotate(
    Plane(centre_lps_mm=(3, -4, 5), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=0.9), (1, 2, 3), 37
)


@pytest.mark.parametrize(("name", "g", "positions"), list(grids()), ids=[n for n, *_ in grids()])
def test_a_linear_ramp_is_exact_on_every_grid_and_plane(name, g, positions):
    v = volume(ramp, g, np.float32, positions)
    for plane in (OBLIQUE, *(planes.standard(v, n, (3, -4, 5), (60, 50)) for n in planes.STANDARD)):
        small = Plane(
            centre_lps_mm=(3.0, -4.0, 5.0),
            right_lps=plane.right_lps,
            down_lps=plane.down_lps,
            mm_per_pixel=0.9,
        )
        values = planes.sample(v, small, (60, 50))
        assert np.isfinite(values).all()
        assert np.abs(values - ramp(lps_of_pixels(small, (60, 50)))).max() < 2e-3
    # the regular copy too, wherever it was made of real slices
    copy = display_copy(v)
    values = planes.sample(copy, OBLIQUE, (60, 50))
    assert np.abs(values - ramp(lps_of_pixels(OBLIQUE, (60, 50)))).max() < 2e-3
    assert copy.digest == v.digest
    assert copy.resampled == v.needs_display_copy


def test_uneven_slices_are_shown_where_they_lie_and_voxels_stay_themselves():
    g = geometry(shear=0.9)
    positions = uneven(g)
    v = volume(lambda p: 100 + 40 * np.sin(p[..., 2] / 5) + p[..., 0], g, np.float32, positions)
    for k in (0, 7, 21, 39):
        middle = positions[k] + g.affine_lps[:3, 1:3] @ ((np.array(g.shape[1:]) - 1) / 2)
        plane = Plane(
            centre_lps_mm=planes.vector(middle), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=g.spacing_mm[2]
        )
        values = planes.sample(v, plane, (g.shape[2], 1))
        row = (v.voxels[k, 21] + v.voxels[k, 22]) / 2  # the middle lies between two rows
        assert np.abs(values[0] - row).max() < 1e-3
    low, high = planes.standard(v, "coronal", size=(300, 300)), planes.standard(v, "sagittal", size=(300, 300))
    for plane in (low, high):  # all of the true extent is framed
        corners = (np.array(positions[[0, -1]]) - planes.corner(plane, (300, 300))) @ np.array(plane.down_lps)
        assert (corners / plane.mm_per_pixel > 0).all()
        assert (corners / plane.mm_per_pixel < 299).all()


def test_a_regular_volume_is_its_own_display_copy():
    v = volume(ramp)
    assert display_copy(v) is v


def test_the_display_copy_cuts_nothing_off_and_fills_outside_as_padding():
    v = volume(ramp, geometry(shear=2.0), np.float32)
    copy = display_copy(v)
    low, high = (np.array(x) for x in v.geometry.bounds_lps_mm)
    copy_low, copy_high = (np.array(x) for x in copy.geometry.bounds_lps_mm)
    assert (copy_low <= low + 1e-6).all()
    assert (copy_high >= high - 1e-6).all()
    assert copy.geometry.is_regular
    assert copy.padding is not None
    outside = planes.sample(copy, planes.standard(copy, "sagittal", size=(80, 80)), (80, 80))
    assert np.isnan(outside).any()
    assert np.nanmin(outside) >= v.voxels.min() - 1e-3


def test_slabs_of_a_known_function():
    # a parabola across the slab: mean of n samples, least and greatest are known
    v = volume(lambda p: p[..., 2] ** 2, geometry((60, 20, 20), (1.0, 4.0, 4.0)), np.float32)
    plane = Plane(centre_lps_mm=(0, 0, 0.5), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=1.0)
    count, apart = planes.layers(v, Slab(mode="mean", thickness_mm=10))
    assert (count, apart) == (11, 1.0)
    z = np.arange(-4.5, 5.51, 1.0)
    for mode, expected in (("mean", (z**2).mean()), ("mip", (z**2).max()), ("minip", (z**2).min())):
        values = planes.sample(v, plane, (10, 10), Slab(mode=mode, thickness_mm=10))
        assert values == pytest.approx(expected, abs=1e-3)


def test_nearest_gives_voxels_and_cubic_goes_through_them_and_through_parabolas():
    v = volume(ramp)
    plane = planes.standard(v, "axial", (0.1, 0.2, 0.3), (90, 70))
    nearest = planes.sample(v, plane, (90, 70), interpolation="none")
    kept = nearest[np.isfinite(nearest)]
    assert np.isin(kept, v.voxels).all()
    bent = volume(lambda p: 0.05 * p[..., 0] ** 2 + p[..., 1], geometry(), np.float32)
    near = Plane(centre_lps_mm=(1, 2, 3), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=0.7)
    exact = lps_of_pixels(near, (60, 50))
    expected = 0.05 * exact[..., 0] ** 2 + exact[..., 1]
    assert np.abs(planes.sample(bent, near, (60, 50), interpolation="cubic") - expected).max() < 1e-3
    assert np.abs(planes.sample(bent, near, (60, 50)) - expected).max() > 0.05  # linear is not


def test_outside_is_background_from_half_a_voxel_on():
    v = volume(lambda p: np.full(p.shape[:-1], 500.0), geometry((5, 10, 10), (4.0, 2.0, 2.0)))
    for z, seen in ((9.9, True), (10.1, False), (-9.9, True), (-10.1, False)):
        plane = Plane(centre_lps_mm=(0, 0, z), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=1.0)
        assert np.isfinite(planes.sample(v, plane, (4, 4))).all() == seen


def test_padding_never_bleeds_into_the_picture():
    v = volume(lambda p: np.where(p[..., 0] > 0, 100.0, -2000.0), padding=(-2000.0, -2000.0))
    values = planes.sample(v, planes.standard(v, "axial", size=(300, 300)), (300, 300))
    seen = values[np.isfinite(values)]
    assert len(seen)
    assert (seen == 100).all()  # without exclusion the border would run through every grey between


def test_standard_planes_lie_as_radiologists_look():
    v = volume(ramp)
    assert planes.normal(planes.standard(v, "axial")) == pytest.approx((0, 0, 1))  # seen from the feet
    assert planes.normal(planes.standard(v, "coronal")) == pytest.approx((0, 1, 0))  # from the front
    assert planes.normal(planes.standard(v, "sagittal")) == pytest.approx((-1, 0, 0))  # from the left
    at = planes.standard(v, "sagittal", (7.0, 1.0, 2.0))
    assert at.centre_lps_mm[0] == pytest.approx(7.0)
    assert planes.scroll(at, 3.0).centre_lps_mm[0] == pytest.approx(4.0)
    assert planes.through(at, (9.0, 50.0, 50.0)).centre_lps_mm == pytest.approx(
        (9.0, at.centre_lps_mm[1], at.centre_lps_mm[2])
    )


def test_the_whole_volume_fits_and_no_more_than_two_percent_is_wasted():
    v = volume(ramp)
    size = (200, 150)
    plane = planes.standard(v, "coronal", size=size)
    extent = np.array([48 * 3.5, 40 * 4.0]) / plane.mm_per_pixel
    assert (extent <= size).all()
    assert max(extent / size) > 0.97


def test_scroll_steps_follow_the_voxels():
    v = volume(ramp)
    assert planes.step_mm(v, planes.standard(v, "axial")) == pytest.approx(4.0)
    assert planes.step_mm(v, planes.standard(v, "coronal")) == pytest.approx(4.5)
    assert planes.step_mm(v, planes.standard(v, "sagittal")) == pytest.approx(3.5)
    tilted = volume(ramp, geometry(shear=2.0))
    assert planes.step_mm(tilted, planes.standard(tilted, "axial")) == pytest.approx(4.0)


def reference(x, c, w, function):
    """PS3.3 C.11.2.1.2.1 and C.11.2.1.3, written out for one value, output 0 to 255."""
    if function == "SIGMOID":
        return 255 / (1 + np.exp(min(-4 * (x - c) / w, 700)))
    if function == "LINEAR_EXACT":
        if x <= c - w / 2:
            return 0.0
        if x > c + w / 2:
            return 255.0
        return ((x - c) / w + 0.5) * 255
    if x <= c - 0.5 - (w - 1) / 2:
        return 0.0
    if x > c - 0.5 + (w - 1) / 2:
        return 255.0
    return ((x - (c - 0.5)) / (w - 1) + 0.5) * 255


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("c", "w"), [(40, 400), (-600, 1500), (2048, 4096), (0, 100), (10, 2), (127.5, 255)])
def test_windows_are_those_of_the_standard(function, c, w):
    x = np.concatenate([np.arange(-1500, 3200, 1.0), [c, c - 0.5, c + 0.5]]).astype(np.float32)
    got = tones.grey(x, Window(center=c, width=w, function=function)).astype(float)
    expected = np.array([reference(float(v), c, w, function) for v in x])
    assert np.abs(got - expected).max() <= 0.51
    turned = tones.grey(x, Window(center=c, width=w, function=function, inverted=True)).astype(float)
    assert np.abs(turned - (255 - expected)).max() <= 0.51


def test_a_window_of_one_is_a_step_and_outside_is_black_even_inverted():
    x = np.array([39, 39.4, 39.6, 41, np.nan], np.float32)
    assert tones.grey(x, Window(center=40, width=1)).tolist() == [0, 0, 255, 255, 0]
    assert tones.grey(x, Window(center=40, width=1, inverted=True)).tolist() == [255, 255, 0, 0, 0]
    # the source's own inversion and the view's cancel each other
    assert tones.grey(x, Window(center=40, width=1, inverted=True), inverted=True).tolist() == [0, 0, 255, 255, 0]


def test_a_picture_without_overlays_holds_the_windowed_voxels_themselves():
    v = volume(ramp, geometry((8, 20, 30), (2.0, 1.0, 1.0)))
    plane = Plane(
        centre_lps_mm=tuple(v.geometry.to_lps((3, 9.5, 14.5))),
        right_lps=(1, 0, 0),
        down_lps=(0, 1, 0),
        mm_per_pixel=1.0,
    )
    window = Window(center=40, width=300)
    view = View(technique=Technique.MPR, size=(30, 20), plane=plane, window=window, overlays="none")
    picture = Engine(v).picture(view)
    assert (picture.rgb[..., 0] == tones.grey(v.voxels[3].astype(np.float32), window)).all()
    assert picture.letters == ("R", "L", "A", "P")
    assert picture.to_lps(0, 0) == pytest.approx(tuple(v.geometry.to_lps((3, 0, 0))))
    assert picture.to_pixel(picture.to_lps(7, 5)) == pytest.approx((7, 5))


def test_default_windows():
    v = volume(ramp)
    assert tones.default_window(v) == Window(center=40.0, width=400.0)
    assert tones.default_window(v, "mip", slab=True) == Window(center=300.0, width=600.0)
    rng = np.random.default_rng(1)
    mr = volume(
        lambda p: np.where(p[..., 0] > 0, rng.normal(600, 50, p.shape[:-1]), 5), units="arbitrary", modality="MR"
    )
    w = tones.default_window(mr)
    assert 400 < w.center < 700
    assert w.center - w.width / 2 > 100  # air is not what the window is made for


@pytest.mark.parametrize("padding", [None, (3000.0, 3100.0)])
@pytest.mark.parametrize(("bone", "top"), [(150, 600), (500, 600), (900, 900), (1333, 1350), (2500, 1600)])
def test_a_mip_of_a_whole_ct_is_white_where_bone_is_brightest(bone, top, padding):
    # a cylinder of bone in a body of water, and one clip of metal that decides nothing
    def patient(p):
        body = np.where(np.hypot(p[..., 0], p[..., 1]) < 60, 0, -1000)
        body = np.where(np.hypot(p[..., 0] - 10, p[..., 1]) < 15, bone, body)
        return np.where(np.linalg.norm(p - (-40, 0, 0), axis=-1) < 4, 3000, body)

    v = volume(patient, geometry((60, 60, 60), (3.0, 3.0, 3.0)), padding=padding)
    assert tones.default_window(v, "mip") == Window(center=top / 2, width=float(top))
    view = View(technique=Technique.MIP, size=(90, 90), overlays="none")
    picture = Engine(v).picture(view)
    assert picture.view.window == Window(center=top / 2, width=float(top))
    assert picture.rgb[45, 45 + round(10 / picture.mm_per_pixel), 0] == pytest.approx(min(255, 255 * bone / top), abs=2)


def test_a_view_of_another_volume_and_impossible_sizes_are_refused():
    v = volume(ramp)
    plane = planes.standard(v, "axial")
    with pytest.raises(RenderError, match="another volume"):
        Engine(v).picture(View(technique=Technique.MPR, plane=plane, volume="other"))
    with pytest.raises(RenderError, match="pixels"):
        Engine(v).picture(View(technique=Technique.MPR, plane=plane, size=(4, 100000)))
    with pytest.raises(RenderError, match="needs a plane"):
        Engine(v).picture(View(technique=Technique.MPR))
    with pytest.raises(RenderError, match="asks for both"):
        Engine(v).picture(View(technique=Technique.VR, plane=plane))
    with pytest.raises(RenderError, match="needs a threshold"):
        Engine(v).picture(View(technique=Technique.SSD))


def test_marks_lie_where_their_points_are_and_only_near_their_plane():
    v = volume(lambda p: np.zeros(p.shape[:-1]))
    size = (200, 200)
    plane = planes.standard(v, "axial", (0, 0, 0), size, 1.0)
    mark = Mark(kind="length", points_lps_mm=((-40, 20, 0), (40, 20, 0)))
    view = View(technique=Technique.MPR, size=size, plane=plane, window=Window(center=1000, width=10), marks=(mark,))
    bare = Engine(v).picture(view.replace(marks=())).rgb
    drawn = Engine(v).picture(view).rgb
    changed = (drawn.astype(int) - bare).max(axis=2) > 100
    rows, columns = np.nonzero(changed)
    assert np.median(rows) == pytest.approx(99.5 + 20, abs=1)
    assert columns.min() == pytest.approx(99.5 - 40, abs=2)
    assert columns.max() == pytest.approx(99.5 + 40, abs=2)
    far = Engine(v).picture(view.replace(plane=planes.scroll(plane, 12.0)))
    assert (far.rgb == Engine(v).picture(view.replace(plane=planes.scroll(plane, 12.0), marks=())).rgb).all()


def test_nothing_keeps_a_closed_volume_alive():
    v = volume(ramp, units="arbitrary", modality="MR", file_windows=((40.0, 400.0),))
    engine = Engine(v)
    engine.picture(View(technique=Technique.MPR, plane=planes.standard(v, "axial"), size=(64, 64)))
    engine.completed(View(technique=Technique.MIP, size=(64, 64)))
    gone = weakref.ref(v)
    del v, engine
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("code", ["orientation_invalid", "no_sides", "quadruped", "geometry_missing"])
def test_no_letters_are_invented(code):
    v = volume(ramp, findings=(code,))
    view = View(technique=Technique.MPR, plane=planes.standard(v, "axial"), size=(200, 200))
    picture = Engine(v).picture(view)
    assert picture.letters == ("", "", "", "")
    lettered = Engine(volume(ramp)).picture(view)
    assert (picture.rgb[60:140, :30] != lettered.rgb[60:140, :30]).any()


@pytest.mark.parametrize("mode", ["mean", "mip", "minip"])
@pytest.mark.parametrize("padding", [None, (-900.0, -600.0)])
def test_the_quick_way_through_the_inside_gives_the_values_of_the_careful_one(mode, padding, monkeypatch):
    """Oblique planes and slabs that reach beyond the grid, with padding strewn about, by both kernels."""
    from render.caster import sampling

    random = np.random.default_rng(11)
    grain = random.integers(-500, 900, (21, 40, 33)).astype(np.int16)
    grain[random.random(grain.shape) < 0.02] = -800
    v = volume(lambda p: grain, geometry(grain.shape, (1.7, 0.8, 0.9)), padding=padding)
    for thick in (0.0, 7.0):
        plane = planes.rotate(planes.standard(v, "coronal", size=(90, 70)), (0.3, -0.5, 0.8), 37.0 + thick)
        slab = Slab(mode=mode, thickness_mm=thick) if thick else None
        quick = planes.sample(v, plane, (90, 70), slab)
        with monkeypatch.context() as patch:
            patch.setattr(sampling, "linear_rows", lambda *_: None)
            careful = planes.sample(v, plane, (90, 70), slab)
        assert (np.isnan(quick) == np.isnan(careful)).all()
        assert np.isfinite(quick).mean() > 0.2
        assert np.nanmax(np.abs(quick - careful)) < 0.05
