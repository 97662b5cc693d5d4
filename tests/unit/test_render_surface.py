"""Surfaces against spheres and boxes whose size is known."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from render import camera
from render.caster import layers, space
from render.engine import Engine
from render.errors import Cancelled, RenderError
from render.surface import extract, is_empty
from render.view import Labels, Look, ScenePlane, Surface, Technique, View, Window
from tests.picture.phantom import geometry, uneven, volume

RADIUS = 40.0


def soft_ball(p):
    """0 at the radius, falling by 20 per mm: the interpolated surface lies on it."""
    return (RADIUS - np.linalg.norm(p - (3, -5, 7), axis=-1)) * 20


def grids():
    yield geometry((60, 60, 60), (2.0, 2.0, 2.0)), False
    yield geometry((40, 70, 70), (3.0, 1.7, 1.7)), False
    yield geometry((60, 64, 64), (2.0, 2.0, 2.0), (0.6, 0.8, 0.0, -0.48, 0.36, -0.8), 0.7), False
    yield geometry((60, 60, 60), (2.0, 2.0, 2.0)), True


@pytest.mark.parametrize(("g", "is_uneven"), list(grids()), ids=["even", "thick", "sheared oblique", "uneven"])
@pytest.mark.parametrize("smooth", [0.0, 0.5])
def test_radius_area_and_volume_of_a_ball(g, is_uneven, smooth):
    v = volume(soft_ball, g, np.float32, uneven(g) if is_uneven else None)
    mesh = extract(v, Surface(low=0.0, smooth=smooth))
    radii = np.linalg.norm(mesh.points_lps_mm.astype(float) - (3, -5, 7), axis=1)
    voxel = g.voxel_volume_mm3 ** (1 / 3)
    assert radii.mean() == pytest.approx(RADIUS, abs=0.1 * voxel)
    assert np.abs(radii - RADIUS).max() < 0.3 * max(g.spacing_mm)
    assert mesh.volume_ml == pytest.approx(4 / 3 * np.pi * RADIUS**3 / 1000, rel=0.01)
    assert mesh.area_mm2 == pytest.approx(4 * np.pi * RADIUS**2, rel=0.01)
    assert mesh.is_closed
    outward = np.einsum("ij,ij->i", mesh.normals, (mesh.points_lps_mm - (3, -5, 7)) / radii[:, None])
    assert outward.min() > 0.9


def test_a_band_is_a_shell():
    v = volume(soft_ball, geometry((60, 60, 60), (2.0, 2.0, 2.0)))
    mesh = extract(v, Surface(low=0.0, high=200.0, smooth=0.0))  # from radius 40 to radius 30
    shell = 4 / 3 * np.pi * (40**3 - 30**3) / 1000
    assert mesh.is_closed
    assert mesh.volume_ml == pytest.approx(shell, rel=0.02)


def test_what_the_volume_cuts_off_is_closed_half_a_voxel_outside():
    v = volume(lambda p: np.full(p.shape[:-1], 300.0), geometry((10, 12, 14), (2.0, 1.5, 1.0)))
    mesh = extract(v, Surface(low=226.0, smooth=0.0))
    assert mesh.is_closed
    low, high = mesh.bounds_lps_mm
    extent = np.subtract(high, low)
    assert extent == pytest.approx((14.0, 18.0, 20.0), abs=0.02)
    assert mesh.volume_ml == pytest.approx(14 * 18 * 20 / 1000, rel=0.03)  # edges are bevelled


def test_only_the_largest_parts():
    def value(p):
        small = 60 - 20 * np.linalg.norm(p - (60, 0, 0), axis=-1)
        middle = 200 - 20 * np.linalg.norm(p - (-50, 0, 0), axis=-1)
        return np.maximum(np.maximum(small, middle), 500 - 20 * np.linalg.norm(p, axis=-1))

    v = volume(value, geometry((50, 50, 75), (2.0, 2.0, 2.0)), np.float32)
    volumes = [extract(v, Surface(low=0.0, smooth=0.0), largest=n).volume_ml for n in (1, 2, 0)]
    balls = [4 / 3 * np.pi * r**3 / 1000 for r in (25, 10, 3)]
    assert volumes[0] == pytest.approx(balls[0], rel=0.01)
    assert volumes[1] == pytest.approx(balls[0] + balls[1], rel=0.01)
    assert volumes[2] > volumes[1]


def test_reduction_keeps_the_volume():
    v = volume(soft_ball, geometry((60, 60, 60), (2.0, 2.0, 2.0)), np.float32)
    whole = extract(v, Surface(low=0.0))
    less = extract(v, Surface(low=0.0), reduce=0.8)
    assert len(less.triangles) == pytest.approx(0.2 * len(whole.triangles), rel=0.05)
    assert less.volume_ml == pytest.approx(whole.volume_ml, rel=0.005)


def test_padding_is_no_tissue():
    def value(p):
        v = soft_ball(p)
        v[p[..., 2] > 60] = 3000.0
        return v

    v = volume(value, geometry((60, 60, 60), (2.0, 2.0, 2.0)), padding=(3000.0, 3000.0))
    assert extract(v, Surface(low=0.0)).volume_ml == pytest.approx(4 / 3 * np.pi * 40**3 / 1000, rel=0.01)


def test_refusals_and_stopping():
    v = volume(soft_ball)
    with pytest.raises(RenderError, match="no surface"):
        extract(v, Surface(low=5000.0))
    with pytest.raises(RenderError, match="above the lower"):
        extract(v, Surface(low=50.0, high=10.0))
    with pytest.raises(Cancelled):
        extract(v, Surface(low=0.0), cancelled=lambda: True)


def test_what_turns_away_is_left_out_where_it_cannot_be_seen_and_the_picture_stays():
    v = volume(soft_ball, geometry((60, 60, 60), (2.0, 2.0, 2.0)))
    mesh = extract(v, Surface(low=0.0))
    assert mesh.whole
    assert mesh.is_closed
    eye = camera.rotate(camera.standard(v, "A", (160, 120)), 31.0, 17.0)
    cut = np.array([[0.0, 1.0, 0.0, 0.0]])
    for one in (eye, msgspec.structs.replace(eye, parallel=False)):
        quick = layers.before(mesh, one, (160, 120), (1, 1, 1), 1.0, np.empty((0, 4)))
        assert not quick.turned_away
        assert layers.before(mesh, one, (160, 120), (1, 1, 1), 1.0, cut).turned_away
        assert layers.before(mesh, one, (160, 120), (1, 1, 1), 0.5, np.empty((0, 4))).turned_away
        both = quick, replace(quick, turned_away=True)
        found = [layers.draw([drawn], one, (160, 120), (0, 120)) for drawn in both]
        assert (found[0][0] < 1e6).sum() > 1500
        for a, b in zip(*found, strict=True):
            assert (a == b).all()
    inside = msgspec.structs.replace(eye, position_lps_mm=(3, -5, 7), focal_lps_mm=(3, 50, 7), parallel=False)
    assert layers.before(mesh, inside, (160, 120), (1, 1, 1), 1.0, np.empty((0, 4))).turned_away


def test_a_lighter_surface_lies_where_the_full_one_does():
    v = volume(soft_ball, geometry((60, 60, 60), (2.0, 2.0, 2.0)))
    full = extract(v, Surface(low=0.0))
    light = layers.lighter(full, 4.0)
    assert len(light.triangles) < len(full.triangles) / 3
    assert np.linalg.norm(light.points_lps_mm - (3, -5, 7), axis=1) == pytest.approx(RADIUS, abs=1.0)
    assert light.volume_ml == pytest.approx(full.volume_ml, rel=0.03)
    outwards = (light.points_lps_mm - (3, -5, 7)) / RADIUS
    assert ((light.normals * outwards).sum(axis=1) > 0.97).all()


def test_both_sides_of_a_lighter_thin_wall_face_outwards():
    """Bone of 2 mm, bent and rough, its points joined over 4 mm: joined across the wall, they would face nowhere."""
    rough = np.random.default_rng(3).normal(0, 0.35, (50, 60, 60))
    v = volume(
        lambda p: (1.0 - np.abs(np.linalg.norm(p[..., :2] - (0, 60), axis=-1) - 60) + rough) * 200,
        geometry((50, 60, 60), (1.0, 1.0, 1.0)),
    )
    light = layers.lighter(extract(v, Surface(low=0.0)), 4.0)
    corners = light.corners_mm
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(across, axis=1)
    towards = (across[:, None] * light.normals[light.triangles]).sum(axis=2).min(axis=1)
    assert area[towards < 0].sum() < 0.15 * area.sum()


# ---- surfaces of which nothing is there

BALL = volume(soft_ball, geometry((60, 60, 60), (2.0, 2.0, 2.0)))
THERE, NOT_THERE = Surface(low=0.0, name="Ball"), Surface(low=3000.0, name="Metal", colour="4060ff", opacity=0.5)
WITHOUT = ("There is nothing of Metal 3000 HU in this volume, so the picture is without it.",)


def of_surfaces(*surfaces, technique=Technique.SSD, **more):
    eye = camera.standard(BALL, "A", (160, 120))
    look = Look(name="x", version="", opacity=((-100, 0), (400, 0.1)), colour=((0, "c08040"), (400, "fff0e0")))
    given = {"look": look} if technique is Technique.VR else {}
    return View(technique=technique, size=(160, 120), camera=eye, surfaces=surfaces, **{**given, **more})


@pytest.mark.parametrize("quality", ["drag", "settled", "record"])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("technique", [Technique.SSD, Technique.VR])
def test_a_surface_without_anything_is_left_out_and_named_and_the_others_are_drawn(technique, place, quality):
    others = (THERE, Surface(low=-200.0, opacity=0.3, colour="d8a888"))
    view = of_surfaces(*others[:place], NOT_THERE, *others[place:], technique=technique, overlays="none")
    view = view.replace(quality=quality)
    picture = Engine(BALL).picture(view)
    assert (picture.rgb == Engine(BALL).picture(view.replace(surfaces=others)).rgb).all()
    assert picture.notes == WITHOUT
    assert picture.view.surfaces == view.surfaces  # the recipe stays whole, and makes the same picture again
    again = Engine(BALL).picture(picture.view)
    assert (again.rgb == picture.rgb).all()
    assert again.notes == WITHOUT


def test_the_picture_itself_says_which_surface_is_empty(monkeypatch):
    from render import text

    written = []
    monkeypatch.setattr(text, "write", lambda rgb, labels, **more: written.append(labels.badges))
    for overlays in ("record", "screen", "minimal"):
        Engine(BALL).picture(of_surfaces(THERE, NOT_THERE, overlays=overlays), Labels(badges=("LOSSY",)))
    assert written == [("LOSSY", "EMPTY: METAL 3000 HU")] * 3


def test_only_where_nothing_at_all_is_to_be_drawn_a_picture_is_refused():
    with pytest.raises(
        RenderError, match=r"^Nothing in this volume lies within the threshold, so there is no surface\.$"
    ):
        Engine(BALL).picture(of_surfaces(NOT_THERE, Surface(low=2000.0, high=2100.0)))
    hidden = of_surfaces(NOT_THERE, msgspec.structs.replace(THERE, visible=False))
    with pytest.raises(RenderError, match="so there is no surface"):
        Engine(BALL).picture(hidden)
    plane = ScenePlane(point_lps_mm=(3, -5, 7), normal_lps=(0, 1, 0), window=Window(center=0, width=800))
    planes = Engine(BALL).picture(of_surfaces(NOT_THERE, planes=(plane,), overlays="none"))
    assert planes.notes == WITHOUT
    assert planes.rgb.max() > 200
    seen = of_surfaces(NOT_THERE, technique=Technique.VR, overlays="none")
    alone = Engine(BALL).picture(seen)
    assert (alone.rgb == Engine(BALL).picture(seen.replace(surfaces=())).rgb).all()
    assert alone.notes == WITHOUT


@pytest.mark.parametrize(("low", "high"), [(99.0, None), (100.0, None), (101.0, None), (50.0, 99.5), (50.0, 100.0)])
@pytest.mark.parametrize("kind", [np.int16, np.float32])
@pytest.mark.parametrize("padding", [None, (100.0, 100.0)])
def test_empty_is_what_gives_no_surface(low, high, kind, padding):
    voxels = np.zeros((20, 20, 20), kind)
    voxels[9, 11, 7] = 100
    v = replace(BALL, voxels=voxels, geometry=geometry((20, 20, 20)), padding=padding)
    surface = Surface(low=low, high=high)
    if is_empty(v, surface):
        with pytest.raises(RenderError, match="so there is no surface"):
            extract(v, surface)
    else:
        assert extract(v, surface).is_closed
    assert is_empty(v, surface) == (padding is not None or low > 100 or high == 99.5)


def test_what_lies_between_every_second_voxel_is_seen_under_the_hand_too(monkeypatch):
    monkeypatch.setattr(space, "_COARSE_FROM", 1000)
    voxels = np.zeros((40, 40, 40), np.int16)
    voxels[19:24:2, 21:26:2, 19:24:2] = 1000
    v = replace(BALL, voxels=voxels, geometry=geometry((40, 40, 40), (2.0, 2.0, 2.0)))
    eye = camera.standard(v, "A", (160, 120))
    view = View(technique=Technique.SSD, size=(160, 120), camera=eye, surfaces=(Surface(low=500.0),), overlays="none")
    assert Engine(v).picture(view.replace(quality="drag")).rgb.max() > 60
