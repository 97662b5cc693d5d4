"""One scene: planes, surfaces, cutting planes and segments in one picture, against places known beforehand."""

import msgspec
import numpy as np
import pytest

from render import camera, planes, segments
from render.engine import Engine
from render.errors import RenderError
from render.view import (
    Box,
    Clip,
    Look,
    Plane,
    ScenePlane,
    Segment,
    Surface,
    Technique,
    View,
    Window,
)
from tests.picture.phantom import ball, geometry, volume

SIZE = (120, 100)
SOLID = Look(name="solid", version="", opacity=((-10, 0), (10, 0.9)), colour=((0, "ff0000"), (1, "ff0000")), fade=0.0)
WINDOW = Window(center=500, width=1000, function="LINEAR_EXACT")


def view_of(v, name="A", parallel=True, **more):
    given = {"technique": Technique.VR, "look": SOLID, "overlays": "none", "quality": "record", "size": SIZE}
    return View(**{**given, "camera": camera.standard(v, name, SIZE, threshold=-2000.0, parallel=parallel), **more})


def pixel(view, place):
    x, y = camera.project(view.camera, view.size, [place])[0][:2]
    return round(float(y)), round(float(x))


def shown(view, rgb, place):
    return rgb[pixel(view, place)].astype(int)


# ---- recipes


def test_fields_that_came_later_leave_older_recipes_alone():
    old = View(technique=Technique.VR)
    assert old.digest == "c5e3f042973c2ebb2a2df166be339daa"  # of the version before there were scenes
    cut = old.replace(clips=(Clip(point_lps_mm=(0, 0, 0), normal_lps=(0, 0, 1)),))
    assert cut.digest != old.digest
    assert View.from_json(cut.to_json()) == cut
    hidden = old.replace(surfaces=(Surface(low=1.0, visible=False),))
    assert hidden.digest != old.replace(surfaces=(Surface(low=1.0),)).digest
    assert View.from_json(hidden.to_json()) == hidden


# ---- cutting planes


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("technique", [Technique.VR, Technique.MIP, Technique.SSD])
def test_a_cutting_plane_keeps_the_side_to_which_it_points(technique, parallel):
    v = volume(ball((0, 0, 0), 45.0), geometry(iop=(0.6, 0.8, 0.0, -0.48, 0.36, -0.8)))
    how = {
        Technique.VR: {},
        Technique.MIP: {"look": None, "window": Window(center=0, width=2000)},
        Technique.SSD: {"look": None, "surfaces": (Surface(low=0.0),)},
    }[technique]
    # a plane 10 mm to the patient's left of the middle, tilted: what lies to the right of it stays
    n = np.array((-1.0, 0.0, 0.4))
    n /= np.linalg.norm(n)
    clip = Clip(point_lps_mm=(10, 0, 0), normal_lps=tuple(n * 3))
    view = view_of(v, "A", parallel, technique=technique, clips=(clip,), **how)
    rgb = Engine(v).picture(view).rgb.max(axis=2)
    whole = Engine(v).picture(view.replace(clips=())).rgb.max(axis=2)
    eye, forward = np.array(view.camera.position_lps_mm), np.array((0.0, 1.0, 0.0))
    right, left = 0, 0
    for z in (-20, -10, 0, 10, 20):
        for away in (4.0, 8.0):
            edge = np.array((10 + 0.4 * z, 0.0, z))
            for side in (1, -1):
                place = edge + side * away * n
                if np.linalg.norm(place) > 36:
                    continue
                # along this ray the ball lies on one side of the plane alone: the eye looks along the plane
                ray = place - eye if not parallel else forward
                if abs(float(ray @ n)) / np.linalg.norm(ray) > 0.09:
                    continue
                lit = rgb[pixel(view, place)] > 40
                assert lit == (side > 0), (z, away, side)
                right, left = right + (side > 0), left + (side < 0)
                assert whole[pixel(view, place)] > 40
    assert right >= 3
    assert left >= 3


def test_six_cutting_planes_and_no_more_and_none_without_a_direction():
    v = volume(ball((0, 0, 0), 45.0))
    clips = tuple(
        Clip(point_lps_mm=tuple(-20.0 * x for x in n), normal_lps=n)
        for n in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))
    )
    box = Box(low_lps_mm=(-20, -20, -20), high_lps_mm=(20, 20, 20))
    engine = Engine(v)
    for more in ({}, {"technique": Technique.SSD, "look": None, "surfaces": (Surface(low=0.0),)}):
        by_planes = engine.picture(view_of(v, clips=clips, **more)).rgb
        by_box = engine.picture(view_of(v, crop=box, **more)).rgb
        assert np.abs(by_planes.astype(int) - by_box).max() <= 1
    with pytest.raises(RenderError, match="at most 6"):
        engine.picture(view_of(v, clips=(*clips, clips[0])))
    with pytest.raises(RenderError, match="direction"):
        engine.picture(view_of(v, clips=(Clip(point_lps_mm=(0, 0, 0), normal_lps=(0, 0, 0)),)))


def test_picking_sees_what_the_cut_leaves():
    v = volume(ball((0, 0, 0), 40.0), geometry((60, 60, 60), (2.0, 2.0, 2.0)))
    clip = Clip(point_lps_mm=(0, -15, 0), normal_lps=(0, 1, 0))
    view = view_of(v, clips=(clip,))
    place = Engine(v).pick(view, *reversed(pixel(view, (0, 0, 0))))
    assert place is not None
    assert place[1] == pytest.approx(-15, abs=1.5)


# ---- planes in the scene


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("technique", [Technique.VR, Technique.SSD])
def test_a_plane_shows_the_values_at_its_places_and_hides_what_lies_behind_it(technique, parallel):
    def value(p):  # a ramp from right to left over 0..1000, and two balls of bone in front of and behind the plane
        v = 500 + 4.0 * p[..., 0]
        v[np.linalg.norm(p - (0, -40, 30), axis=-1) < 16] = 3000
        v[np.linalg.norm(p - (0, 40, -30), axis=-1) < 16] = 3000
        return v

    v = volume(value, geometry((50, 50, 50), (3.0, 3.0, 3.0)))
    bone = Look(name="x", version="", opacity=((2000, 0), (2500, 0.9)), colour=((0, "ff0000"), (1, "ff0000")))
    how = (
        {"look": bone}
        if technique is Technique.VR
        else {"look": None, "surfaces": (Surface(low=2500.0, colour="ff0000"),)}
    )
    coronal = ScenePlane(point_lps_mm=(0, 5, 0), normal_lps=(0, 1, 0), window=WINDOW)
    view = view_of(v, "A", parallel, technique=technique, planes=(coronal,), **how)
    rgb = Engine(v).picture(view).rgb
    for x in (-50, -20, 10, 45):
        for z in (-25, 0, 20):
            if np.linalg.norm((x, z - 30)) > 25:
                # the pixel's own place on the plane, not the rounded one
                got = shown(view, rgb, (x, 5, z))
                assert got[0] == got[1] == got[2]
                assert got[0] == pytest.approx(255 * (0.5 + 0.004 * x), abs=3)
    front, back = shown(view, rgb, (0, -40, 30)), shown(view, rgb, (0, 40, -30))
    assert front[0] > front[1] + 60  # bone in front of the plane
    assert back[0] == back[1] == back[2]  # behind it, hidden
    glass = view.replace(planes=(msgspec.structs.replace(coronal, opacity=0.5),))
    half = shown(view, Engine(v).picture(glass).rgb, (0, 40, -30))
    assert half[0] > half[1] + 20
    assert half[1] > 30


def test_planes_end_with_the_volume_and_carry_their_edge_and_their_lines():
    v = volume(lambda p: np.full(p.shape[:-1], 500.0), geometry((40, 40, 40), (3.0, 3.0, 3.0)))
    nothing = Look(name="x", version="", opacity=((5000, 0), (6000, 0.9)), colour=((0, "ffffff"), (1, "ffffff")))
    axial = ScenePlane(point_lps_mm=(0, 0, 0), normal_lps=(0, 0, 1), window=WINDOW)
    coronal = ScenePlane(point_lps_mm=(0, 0, 0), normal_lps=(0, 1, 0), window=WINDOW, outline="009e73")
    view = view_of(v, "A", look=nothing, planes=(coronal,), size=(240, 200))
    view = view.replace(camera=camera.standard(v, "A", (240, 200), threshold=-2000.0))
    rgb = Engine(v).picture(view).rgb.astype(int)
    inside, outside = rgb[pixel(view, (-30, 0, 20))], rgb[pixel(view, (62, 0, 0))]
    assert inside.tolist() == [128, 128, 128]
    assert outside.max() == 0
    edge = rgb[pixel(view, (-59.8, 0, 5))]  # half a voxel beyond the outer centres
    assert edge[1] > edge[0] + 60
    both = view.replace(planes=(coronal, axial), lines=True)
    eye = camera.rotate(view.camera, 0.0, 30.0)
    crossed = Engine(v).picture(both.replace(camera=eye)).rgb.astype(int)
    plain = Engine(v).picture(both.replace(camera=eye, lines=False)).rgb.astype(int)
    line = pixel(both.replace(camera=eye), (20, 0, 0))
    assert plain[line].tolist() == [128, 128, 128]
    assert crossed[line][1] > crossed[line][0] + 40


def test_the_air_of_a_plane_can_be_seen_through():
    v = volume(ball((0, 0, 0), 30.0, 400.0, -1000.0), geometry((40, 40, 40), (3.0, 3.0, 3.0)))
    plane = ScenePlane(point_lps_mm=(0, 0, 0), normal_lps=(0, 1, 0), window=Window(center=0, width=1000))
    nothing = msgspec.structs.replace(SOLID, opacity=((5000, 0), (6000, 0.9)))
    view = view_of(v, look=nothing, planes=(plane,), background=("0000ff", "0000ff"))
    opaque = Engine(v).picture(view).rgb
    clear = Engine(v).picture(view.replace(planes=(msgspec.structs.replace(plane, clear_below=-500.0),))).rgb
    assert opaque[pixel(view, (45, 0, 0))].tolist() == [0, 0, 0]
    assert clear[pixel(view, (45, 0, 0))].tolist() == [0, 0, 255]
    assert (clear[pixel(view, (0, 0, 0))] == opaque[pixel(view, (0, 0, 0))]).all()


def test_planes_belong_to_volume_rendering_and_surfaces():
    v = volume(ball((0, 0, 0), 30.0))
    plane = ScenePlane(point_lps_mm=(0, 0, 0), normal_lps=(0, 1, 0), window=WINDOW)
    with pytest.raises(RenderError, match="Planes stand"):
        Engine(v).picture(view_of(v, technique=Technique.MIP, look=None, planes=(plane,)))


# ---- surfaces at every opacity


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("opacity", [0.2, 0.5, 0.8])
def test_a_glass_ball_shows_its_far_wall_too(parallel, opacity):
    v = volume(ball((0, 0, 0), 45.0), geometry((50, 50, 50), (2.5, 2.5, 2.5)))
    glass = (Surface(low=0.0, colour="000000", opacity=opacity),)
    view = view_of(v, "A", parallel, technique=Technique.SSD, look=None, surfaces=glass, background=("ffffff",) * 2)
    rgb = Engine(v).picture(view).rgb
    # black glass before white: what comes through is (1 - opacity) per wall, plus the gleam of the walls
    y, x = pixel(view, (25, 0, 10))
    assert int(rgb[y, x].max()) == pytest.approx(255 * (1 - opacity) ** 2, abs=4)
    nested = (*glass, Surface(low=400.0, colour="000000", opacity=0.5))
    both = Engine(v).picture(view.replace(surfaces=nested)).rgb
    assert int(both[y, x].max()) == pytest.approx(255 * (1 - opacity) ** 2 * 0.25, abs=4)
    hidden = view.replace(surfaces=(glass[0], msgspec.structs.replace(nested[1], visible=False)))
    assert (Engine(v).picture(hidden).rgb == rgb).all()


def test_bands_of_a_large_picture_join_without_a_seam(monkeypatch):
    from render.caster import space

    v = volume(ball((0, 0, 0), 45.0))
    plane = ScenePlane(point_lps_mm=(0, 0, 0), normal_lps=(0.2, 1, 0.1), window=WINDOW, outline="e69f00")
    clip = Clip(point_lps_mm=(0, 0, 0), normal_lps=(-1, 0.3, 0.2))
    glass = (Surface(low=300.0, colour="00ff00", opacity=0.5),)
    for parallel in (True, False):
        for more in ({}, {"technique": Technique.SSD, "look": None}):
            view = view_of(v, "A", parallel, planes=(plane,), surfaces=glass, clips=(clip,), **more)
            whole = Engine(v).picture(view).rgb.astype(int)
            with monkeypatch.context() as small:
                small.setattr(space, "_BAND", 1)
                bands = Engine(v).picture(view).rgb.astype(int)
            assert (np.abs(bands - whole).max(axis=2) > 2).mean() < 0.001


# ---- segments

LEFT, RIGHT = (Box(low_lps_mm=(x, -99.0, -99.0), high_lps_mm=(x + 99.0, 99.0, 99.0)) for x in (0.0, -99.0))
TWO = (
    Segment(number=1, name="left", low=-500.0, inside=LEFT),
    Segment(number=2, name="right", low=-500.0, inside=RIGHT),
)


def two_balls():
    return volume(
        lambda p: np.maximum(ball((40, 0, 0), 22.0)(p), ball((-40, 0, 0), 22.0)(p)),
        geometry((50, 50, 60), (3.0, 3.0, 3.0)),
    )


def changed(which, **how):
    return tuple(msgspec.structs.replace(s, **how) if s.number == which else s for s in TWO)


def test_segments_are_hidden_tinted_and_thinned_one_by_one():
    v = two_balls()
    engine = Engine(v)
    left, right = (40, 0, 0), (-40, 0, 0)
    view = view_of(v, segments=TWO)
    both = engine.picture(view)
    assert shown(view, both.rgb, left)[0] > 60
    assert shown(view, both.rgb, right)[0] > 60
    one = view.replace(segments=changed(1, visible=False))
    rgb = engine.picture(one).rgb
    rest = Segment(number=0, visible=False)
    alone = engine.picture(one.replace(segments=(*one.segments, rest))).rgb
    assert shown(view, alone, left).max() == 0
    assert shown(view, alone, right)[0] > 60
    assert alone[:, : SIZE[0] // 2 - 4].any()
    assert not alone[:, SIZE[0] // 2 + 4 :].any()
    assert shown(view, rgb, right)[0] > 60
    green = engine.picture(view.replace(segments=changed(1, colour="00ff00", tint=1.0))).rgb
    assert shown(view, green, left)[1] > shown(view, green, left)[0] + 60
    assert (shown(view, green, right) == shown(view, both.rgb, right)).all()
    thin = engine.picture(view.replace(segments=(*changed(1, opacity=0.01), rest))).rgb
    assert 0 < shown(view, thin, left)[0] < shown(view, both.rgb, left)[0] - 20


def test_a_picture_of_segments_names_its_mask_and_is_made_again_from_it():
    v = two_balls()
    made = Engine(v).picture(view_of(v, segments=changed(2, colour="0000ff")))
    assert made.view.mask
    again = View.from_json(made.view.to_json())
    assert (Engine(v).picture(again).rgb == made.rgb).all()
    other = again.replace(segments=changed(1, low=900.0))
    with pytest.raises(RenderError, match="not those"):
        Engine(v).picture(other)
    with pytest.raises(RenderError, match="not here"):
        Engine(v).picture(view_of(v, segments=(Segment(number=1),)))
    for wrong in ((TWO[0], TWO[0]), (Segment(number=300, low=0.0),), (Segment(number=0, low=0.0),)):
        with pytest.raises(RenderError):
            Engine(v).picture(view_of(v, segments=wrong))


def test_what_hangs_together_with_a_seed_is_one_segment():
    v = two_balls()
    seeded = (Segment(number=1, low=0.0, seed_lps_mm=(40, 0, 0)), Segment(number=0, visible=False))
    found = segments.make(v, segments.definition(seeded))
    places = np.argwhere(found.labels == 1)
    lps = v.geometry.to_lps(places)
    assert lps[:, 0].min() > 10
    assert len(places) * v.geometry.voxel_volume_mm3 == pytest.approx(4 / 3 * np.pi * 22**3, rel=0.05)
    with pytest.raises(RenderError, match="within the threshold"):
        segments.make(v, segments.definition((Segment(number=1, low=0.0, seed_lps_mm=(0, 60, 0)),)))


@pytest.mark.parametrize("technique", [Technique.MIP, Technique.MINIP, Technique.MEAN])
def test_projections_look_into_the_segments_that_are_shown(technique):
    def value(p):
        v = np.full(p.shape[:-1], -1000.0)
        v[np.linalg.norm(p - (40, 0, 0), axis=-1) < 24] = 300.0
        v[np.linalg.norm(p - (-40, 0, 0), axis=-1) < 24] = 700.0
        return v

    v = volume(value, geometry((50, 50, 60), (3.0, 3.0, 3.0)))
    parts = (Segment(number=1, low=200.0, high=400.0), Segment(number=2, low=500.0, visible=False))
    only = (*parts, Segment(number=0, visible=False))
    view = view_of(v, technique=technique, look=None, window=WINDOW, segments=only)
    rgb = Engine(v).picture(view).rgb
    assert shown(view, rgb, (40, 0, 0))[0] == pytest.approx(255 * 0.3, abs=6)
    assert shown(view, rgb, (-40, 0, 0))[0] == 0
    assert shown(view, rgb, (0, 0, 40))[0] == 0  # air is in no segment


def test_a_coarser_mask_from_outside_serves_too():
    v = two_balls()
    steps = 2
    labels = np.zeros(tuple(-(-n // steps) for n in v.geometry.shape), dtype=np.uint8)
    affine = v.geometry.affine_lps.copy()
    affine[:3, :3] *= steps
    k, r, c = np.indices(labels.shape)
    lps = np.stack([k, r, c], axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    labels[lps[..., 0] > 0] = 7
    mask = segments.Segmentation.of(labels, affine)
    view = view_of(v, segments=(Segment(number=7, visible=False),), mask=mask.digest)
    rgb = Engine(v, segmentation=mask).picture(view).rgb
    assert shown(view, rgb, (40, 0, 0)).max() == 0
    assert shown(view, rgb, (-40, 0, 0))[0] > 60
    moved = affine.copy()
    moved[0, 3] += 0.5
    assert segments.Segmentation.of(labels, moved).digest != mask.digest


def test_a_mask_file_is_read_and_nonsense_is_refused(tmp_path):
    import io

    def npz(**arrays):
        out = io.BytesIO()
        np.savez(out, **arrays)
        return out.getvalue()

    labels = np.zeros((3, 4, 5), dtype=np.int32)
    labels[1, 2, 3] = 9
    read = segments.Segmentation.read(npz(labels=labels, affine_lps=np.eye(4)))
    assert read.digest == segments.Segmentation.of(labels.astype(np.uint8), np.eye(4)).digest
    for wrong in (
        b"", b"PK\x03\x04 no zip", npz(labels=labels), npz(labels=labels.astype(float), affine_lps=np.eye(4)),
        npz(labels=labels + 300, affine_lps=np.eye(4)), npz(labels=labels[0], affine_lps=np.eye(4)),
        npz(labels=labels, affine_lps=np.zeros((4, 4))), npz(labels=labels, affine_lps=np.full((4, 4), np.nan)),
        npz(labels=labels, affine_lps=np.array("x")), npz(labels=np.array(None, dtype=object), affine_lps=np.eye(4)),
    ):  # fmt: skip
        with pytest.raises(RenderError):
            segments.Segmentation.read(wrong)


def test_planes_outline_and_fill_segments():
    v = two_balls()
    plane = Plane(centre_lps_mm=(0, 0, 0), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=1.0)
    view = View(
        technique=Technique.MPR, size=(160, 120), plane=plane, window=Window(center=0, width=4000), overlays="none",
        segments=(msgspec.structs.replace(TWO[0], colour="ff0000"),
                  msgspec.structs.replace(TWO[1], colour="0000ff", overlay="fill")),
    )  # fmt: skip
    rgb = Engine(v).picture(view).rgb.astype(int)
    x = (160 - 1) / 2
    middle = round((120 - 1) / 2)
    assert (
        rgb[middle, round(x + 40)].tolist() == rgb[middle, round(x + 40), :1].tolist() * 3
    )  # outlined: inside is bare
    filled = rgb[middle, round(x - 40)]
    assert filled[2] > filled[0] + 40
    red = np.argwhere(rgb[..., 0] > rgb[..., 2] + 80)
    away = np.hypot(red[:, 1] - x - 40, red[:, 0] - (120 - 1) / 2)
    assert len(red) > 60
    assert np.abs(away - 22).max() < 5
    off = view.replace(segments=tuple(msgspec.structs.replace(s, overlay="none") for s in view.segments))
    bare = Engine(v).picture(off).rgb
    assert (bare[..., 0] == bare[..., 2]).all()


def test_the_picture_does_not_depend_on_skipping_what_is_hidden():
    v = two_balls()
    view = view_of(v, segments=(*changed(1, visible=False), Segment(number=0, visible=False)))
    engine = Engine(v)
    rgb = engine.picture(view).rgb
    space = engine._kept()
    key, seen, distance, done = space._distance
    assert (seen > 0).any()
    space._distance = (key, seen, np.zeros_like(distance), done)
    assert (engine.picture(view).rgb == rgb).all()


# ---- depth cue


def test_the_cue_darkens_with_depth_and_only_when_it_is_named():
    v = volume(lambda p: np.maximum(ball((-40, -50, 0), 20.0)(p), ball((40, 50, 0), 20.0)(p)), geometry((50, 60, 60)))
    view = view_of(v)
    plain, cued = Engine(v).picture(view).rgb, Engine(v).picture(view.replace(cue=0.6)).rgb
    near, far = (-40, -50, 0), (40, 50, 0)
    before = shown(view, plain, far)[0] / shown(view, plain, near)[0]
    after = shown(view, cued, far)[0] / shown(view, cued, near)[0]
    assert before == pytest.approx(1, abs=0.1)
    assert after < 0.75


def test_standard_planes_of_a_scene_meet_the_slices():
    v = volume(lambda p: 500 + 4.0 * p[..., 2], geometry((50, 50, 50), (3.0, 3.0, 3.0)))
    axial = planes.standard(v, "axial", (0.0, 0.0, 24.0), SIZE)
    sheet = ScenePlane(
        point_lps_mm=axial.centre_lps_mm, normal_lps=tuple(map(float, planes.normal(axial))), window=WINDOW
    )
    nothing = msgspec.structs.replace(SOLID, opacity=((5000, 0), (6000, 0.9)))
    view = view_of(v, "S", look=nothing, planes=(sheet,))
    rgb = Engine(v).picture(view).rgb
    assert shown(view, rgb, (10, 10, 24))[0] == pytest.approx(255 * (0.5 + 0.004 * 24), abs=1)


def test_a_large_surface_turns_as_a_lighter_one_and_settles_as_itself(monkeypatch):
    from skimage.metrics import structural_similarity

    from render.caster import space

    monkeypatch.setattr(space, "_LIGHT_FROM", 1000)
    monkeypatch.setattr(space, "_COARSE_FROM", 1000)
    v = volume(ball((5, 0, 0), 45.0), geometry((60, 60, 60), (2.0, 2.0, 2.0)))
    view = view_of(v, technique=Technique.SSD, look=None, surfaces=(Surface(low=0.0),), size=(400, 320), camera=None)
    engine = Engine(v)
    settled = engine.picture(view.replace(quality="settled")).rgb
    (full,) = engine._kept()._meshes.values()
    assert not engine._kept()._light  # what does not turn needs none
    drag = engine.picture(view.replace(quality="drag")).rgb
    (light,) = engine._kept()._light.values()
    assert len(light.triangles) < 0.6 * len(full.triangles)
    assert (engine.picture(view.replace(quality="drag"), cancelled=lambda: False).rgb == drag).all()
    aside = Engine(v)
    aside.picture(view.replace(quality="settled"), cancelled=lambda: False)
    assert (aside.picture(view.replace(quality="drag"), cancelled=lambda: False).rgb == drag).all()
    assert structural_similarity(settled, drag, channel_axis=2) > 0.85
    assert (engine.picture(view.replace(quality="settled")).rgb == settled).all()
    assert (Engine(v).picture(view.replace(quality="settled")).rgb == settled).all()


# ---- edges of surfaces in a settled picture


def crowd(opacity):
    near = Surface(low=200.0, colour="ff8040", opacity=opacity)
    return (near, Surface(low=600.0, colour="40a0ff"), Surface(low=900.0, colour="ffffff", opacity=0.4))


@pytest.mark.parametrize("opacity", [1.0, 0.35])
@pytest.mark.parametrize("parallel", [True, False])
def test_before_a_volume_of_which_nothing_is_seen_surfaces_are_as_soft_as_alone(parallel, opacity):
    v = two_balls()
    nothing = msgspec.structs.replace(SOLID, opacity=((30000, 0), (30001, 0.9)))
    plane = ScenePlane(point_lps_mm=(0, 0, 0), normal_lps=(0.1, 1, 0.3), window=WINDOW, opacity=0.6)
    for planes_too in ((), (plane,)):
        view = view_of(v, "A", parallel, surfaces=crowd(opacity), planes=planes_too, background=("102030", "405060"))
        mixed = Engine(v).picture(view.replace(look=nothing)).rgb.astype(int)
        alone = Engine(v).picture(view.replace(technique=Technique.SSD, look=None)).rgb.astype(int)
        assert np.abs(mixed - alone).max() <= 2


def test_an_edge_before_a_volume_is_no_staircase():
    v = two_balls()
    front = Surface(low=0.0, colour="ffffff")
    nothing = msgspec.structs.replace(SOLID, opacity=((30000, 0), (30001, 0.9)))
    view = view_of(v, "A", look=nothing, surfaces=(front,), background=("ff0000", "ff0000"))
    rgb = Engine(v).picture(view).rgb.astype(int)
    moving = Engine(v).picture(view.replace(quality="drag")).rgb.astype(int)
    # green over red is 0 on the ground and one share on the ball: at the edge lies something in between
    between = [(((p[..., 1] > 8) & (p[..., 0] - p[..., 1] > 60)).sum()) for p in (rgb, moving)]
    assert between[0] > 40
    assert between[1] == 0
