"""What a picture is made of may be odd: a picture or one plain sentence comes, never a fault."""

import json

import msgspec
import numpy as np
import pytest

from render import camera, planes
from render.caster.space import Space
from render.engine import Engine
from render.errors import RenderError
from render.geometry import Geometry
from render.segments import Segmentation
from render.surface import extract
from render.view import Box, Clip, Look, Segment, Slab, Surface, Technique, View, Window
from render.volume import Volume

SIZE = (60, 48)
LOOK = Look(name="x", version="", opacity=((0, 0), (400, 0.3)), colour=((0, "c08040"), (400, "fff0e0")))


def made(voxels, spacing=(1.0, 1.0, 1.0)):
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = spacing[0], spacing[1], spacing[2], 1.0
    return Volume(voxels, Geometry(voxels.shape, affine), "HU", "odd", modality="CT")


def views(v, window=None):
    eye = camera.standard(v, "A", SIZE)
    window = window or Window(center=200, width=400)
    for technique in (Technique.VR, Technique.MIP, Technique.MINIP, Technique.MEAN):
        look = LOOK if technique is Technique.VR else None
        yield View(technique=technique, size=SIZE, camera=eye, look=look, window=window)
    for name in ("axial", "coronal", "sagittal"):
        yield View(technique=Technique.MPR, size=SIZE, plane=planes.standard(v, name, size=SIZE), window=window)


def bright_voxel():
    voxels = np.zeros((20, 20, 20), np.int16)
    voxels[10, 10, 10] = 3000
    return voxels


ODD = {
    "constant": made(np.full((20, 20, 20), 40, np.int16)),
    "all zero": made(np.zeros((20, 20, 20), np.float32)),
    "one bright voxel": made(bright_voxel()),
    "padding all over": made(np.full((20, 20, 20), -2000, np.int16)),
    "three slices": made(np.arange(3 * 400, dtype=np.int16).reshape(3, 20, 20)),
    "3000 slices": made(np.arange(3000 * 64, dtype=np.int64).reshape(3000, 8, 8).astype(np.int16)),
    "4096 x 4096": made(
        np.broadcast_to((np.arange(4096)[:, None] + 3 * np.arange(4096)) % 90, (2, 4096, 4096)).astype(np.int16)
    ),
    "anisotropy of 20": made(np.arange(8000, dtype=np.int16).reshape(20, 20, 20) % 500, (10.0, 0.5, 0.5)),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_volumes_give_pictures_of_the_size_asked_for(name):
    engine = Engine(ODD[name])
    for view in views(ODD[name]):
        assert engine.picture(view).rgb.shape == (SIZE[1], SIZE[0], 3)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_voxels_that_lie_otherwise_in_memory_give_the_same_pictures(kind):
    plain = (np.indices((20, 24, 28)).sum(axis=0) * 20 - 300).astype(kind)
    turned = np.asfortranarray(plain)
    strided = np.repeat(plain, 2, axis=2)[:, :, ::2]
    for view in views(made(plain)):
        want = Engine(made(plain)).picture(view).rgb
        for voxels in (turned, strided):
            assert (Engine(made(voxels)).picture(view).rgb == want).all()


@pytest.mark.parametrize("name", ["three slices", "3000 slices", "4096 x 4096", "anisotropy of 20"])
def test_odd_shapes_show_each_voxel_in_its_place(name):
    v = ODD[name]
    k, r, c = v.geometry.shape
    for at in ((0, 0, 0), (k - 1, r - 1, c - 1), (k // 2, r // 3, c - 2)):
        middle = tuple(float(x) for x in v.geometry.to_lps([at])[0])
        for plane in ("axial", "coronal", "sagittal"):
            one = planes.centred(planes.standard(v, plane, None, (1, 1), 1.0), middle)
            assert planes.sample(v, one, (1, 1))[0, 0] == v.voxels[at]


def surface_of(v, **more):
    eye = camera.standard(v, "A", SIZE)
    return View(technique=Technique.SSD, size=SIZE, camera=eye, **{"surfaces": (Surface(low=100.0),), **more})


@pytest.mark.parametrize("name", [*ODD, "no numbers"])
def test_odd_volumes_have_a_surface_or_a_sentence(name):
    v = ODD.get(name) or made(np.full((20, 20, 20), np.nan, np.float32))
    got = picture_or_sentence(v, surface_of(v))
    there = bool(np.nan_to_num(v.voxels, nan=-9e9).max() >= 100)
    assert isinstance(got, str) != there
    if there:
        assert got.max() > 40


def picture_or_sentence(v, view, **more):
    said = ""
    try:
        rgb = Engine(v, **more).picture(view).rgb
    except RenderError as error:
        said = error.sentence
    if said:
        assert said.endswith(".")
        assert len(said) < 140
        return said
    assert rgb.shape == (view.size[1], view.size[0], 3)
    return rgb


def test_a_volume_without_a_single_number_is_black_everywhere():
    v = made(np.full((20, 20, 20), np.nan, np.float32))
    for view in views(v):
        assert Engine(v).picture(view.replace(overlays="none")).rgb.max() == 0


SOLID = made((np.indices((20, 20, 20)).sum(axis=0) * 20).astype(np.int16))
NAN = float("nan")


def all_four(**more):
    """Volume rendering, MIP, plane and surface of one volume, each with `more` where it has such a field."""
    eye = camera.standard(SOLID, "A", SIZE)
    plane = planes.standard(SOLID, "axial", size=SIZE)
    window = Window(center=200, width=400)
    for how in (
        {"technique": Technique.VR, "camera": eye, "look": LOOK},
        {"technique": Technique.MIP, "camera": eye, "window": window},
        {"technique": Technique.MPR, "plane": plane, "window": window},
        {"technique": Technique.SSD, "camera": eye, "surfaces": (Surface(low=100.0),)},
    ):
        fitting = {key: value for key, value in more.items() if key not in {"camera", "plane"} or key in how}
        yield View(**{"size": SIZE, **how, **fitting})


EYE = camera.standard(SOLID, "A", SIZE)
PLANE = planes.standard(SOLID, "axial", size=SIZE)
EVERY = {
    "1 x 1 pixel": {"size": (1, 1)},
    "a picture larger than any memory": {"size": (16000, 16000)},
    "endless size": {"size": (10**9, 10**9)},
    "an up without length": {"camera": {"up_lps": (0.0, 0.0, 0.0)}},
    "an up that is no number": {"camera": {"up_lps": (0.0, 0.0, NAN)}},
    "a place that is no number": {"camera": {"position_lps_mm": (NAN, 0.0, 0.0)}},
    "an eye in its focus": {"camera": {"position_lps_mm": EYE.focal_lps_mm}},
    "an eye beyond everything": {"camera": {"position_lps_mm": (0.0, -1e30, 0.0)}},
    "a field without height": {"camera": {"height_mm": 0.0}},
    "a field of less than nothing": {"camera": {"height_mm": -5.0}},
    "an opening angle of nothing": {"camera": {"parallel": False, "angle_deg": 0.0}},
    "an opening angle of half a turn": {"camera": {"parallel": False, "angle_deg": 180.0}},
    "a plane without a direction": {"plane": {"right_lps": (0.0, 0.0, 0.0)}},
    "a plane that is none": {"plane": {"down_lps": PLANE.right_lps}},
    "a plane nowhere": {"plane": {"centre_lps_mm": (NAN, 0.0, 0.0)}},
    "pixels without width": {"plane": {"mm_per_pixel": 0.0}},
    "steps of nothing": {"step_mm": 0.0},
    "steps of less than nothing": {"step_mm": -1.0},
    "steps for a year": {"step_mm": 1e-12},
    "a box from its end to its beginning": {"crop": Box(low_lps_mm=(5, 5, 5), high_lps_mm=(0, 9, 9))},
    "a box that is no number": {"crop": Box(low_lps_mm=(NAN, 0, 0), high_lps_mm=(9, 9, 9))},
    "a cutting plane without a direction": {"clips": (Clip(point_lps_mm=(0, 0, 0), normal_lps=(0, 0, 0)),)},
    "a cutting plane nowhere": {"clips": (Clip(point_lps_mm=(NAN, 0, 0), normal_lps=(0, 0, 1)),)},
    "texts without size": {"scale": 0.0},
    "a look without colours": {"look": Look(name="x", version="", opacity=((0, 0), (1, 1)), colour=())},
    "a look that falls": {"look": Look(name="x", version="", opacity=((9, 0), (1, 1)), colour=((0, "ffffff"),))},
}


@pytest.mark.parametrize("name", EVERY)
def test_recipes_that_cannot_be_drawn_are_refused_in_a_sentence_by_every_technique(name):
    more = dict(EVERY[name])
    if "camera" in more:
        more["camera"] = msgspec.structs.replace(EYE, **more["camera"])
    if "plane" in more:
        more["plane"] = msgspec.structs.replace(PLANE, **more["plane"])
    asked = list(all_four(**more))
    # what belongs to planes or to scenes alone is asked of these
    if "camera" in more or "crop" in more or "clips" in more:
        asked = [view for view in asked if view.plane is None or (name.endswith("no number") and "camera" not in more)]
    if "plane" in more:
        asked = [view for view in asked if view.plane is not None]
    assert asked
    for view in asked:
        assert isinstance(picture_or_sentence(SOLID, view), str)


@pytest.mark.parametrize("thick", [-5.0, NAN, 1e9, float("inf")])
def test_slabs_of_no_thickness_are_refused(thick):
    view = View(technique=Technique.MIP, size=SIZE, plane=PLANE, slab=Slab(mode="mip", thickness_mm=thick))
    assert isinstance(picture_or_sentence(SOLID, view), str)


def test_what_cuts_everything_away_leaves_the_ground_alone():
    box = Box(low_lps_mm=(1000, 1000, 1000), high_lps_mm=(1010, 1010, 1010))
    clips = tuple(Clip(point_lps_mm=(0, 0, 9.5), normal_lps=(0, 0, z)) for z in (1.0, -1.0))
    away = (Clip(point_lps_mm=(0, 0, 500), normal_lps=(0, 0, 1)),)
    for more in ({"crop": box}, {"clips": away}, {"clips": (*clips, *away)}):
        for view in all_four(overlays="none", **more):
            if view.plane is None:
                assert picture_or_sentence(SOLID, view).max() == 0
            else:  # planes show all voxels, whatever is hidden in 3D
                assert picture_or_sentence(SOLID, view).max() > 40


def test_labels_on_another_grid_lie_where_they_are_in_the_patient():
    affine = np.diag([5.0, 5.0, 5.0, 1.0])[:, [2, 1, 0, 3]]
    found = Segmentation.of(np.ones((2, 2, 2), np.uint8), affine)  # a corner of the volume, in coarse voxels
    alone = (Segment(number=1), Segment(number=0, visible=False))
    for view in all_four(segments=alone, overlays="none"):
        if view.technique not in {Technique.VR, Technique.MIP}:
            continue
        lit = picture_or_sentence(SOLID, view, segmentation=found).max(axis=2) > 0
        y, x = np.nonzero(lit)
        ((cx, cy, _),) = camera.project(view.camera, SIZE, [(3.75, 9.5, 3.75)])  # from the volume's edge on
        assert lit.any()
        assert x.mean() == pytest.approx(cx, abs=2)
        assert y.mean() == pytest.approx(cy, abs=2)


@pytest.mark.parametrize("version", ["renderdesk.view/2", "renderdesk.view/17"])
def test_a_recipe_of_a_later_version_is_named(version):
    plain = json.loads(View(technique=Technique.VR).to_json())
    plain["schema"] = version
    plain["colour_of_tomorrow"] = 7
    with pytest.raises(RenderError) as refused:
        View.from_json(json.dumps(plain))
    assert version in refused.value.sentence
    assert refused.value.sentence.endswith("this program reads renderdesk.view/1.")


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[]", b'{"schema": 3}', b"null"])
def test_what_is_no_recipe_is_refused_with_a_sentence(text):
    with pytest.raises(RenderError) as refused:
        View.from_json(text)
    assert refused.value.sentence.startswith("The recipe of the picture cannot be read")


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_neither_stop_nor_spread(odd):
    voxels = np.full((20, 20, 20), 100, np.float32)
    clean = made(voxels.copy())
    voxels[3, 3, 3] = odd
    for view in views(clean):
        engine = Engine(clean)
        whole = engine.completed(view).replace(volume="")
        want, got = engine.picture(whole).rgb, Engine(made(voxels)).picture(whole).rgb
        assert (want != got).any(axis=2).mean() < 0.5


@pytest.mark.parametrize("width", [0.0, 1e-9])
def test_a_window_without_width_is_a_picture_or_a_sentence(width):
    v = ODD["three slices"]
    for view in views(v, Window(center=40, width=width)):
        said = "."
        try:
            said_nothing = Engine(v).picture(view).rgb.shape == (SIZE[1], SIZE[0], 3)
        except RenderError as error:
            said, said_nothing = error.sentence, False
        assert said_nothing or (said.endswith(".") and len(said) > 1)


@pytest.mark.parametrize("size", [(0, 0), (0, 40), (40, 0), (-3, 5)])
def test_a_viewport_without_pixels_is_refused_with_a_sentence(size):
    v = ODD["three slices"]
    for view in views(v):
        with pytest.raises(RenderError) as refused:
            Engine(v).picture(view.replace(size=size))
        assert refused.value.sentence.endswith(".")


@pytest.mark.parametrize("away", [0.0, 1.0, 1e6])
@pytest.mark.parametrize("parallel", [True, False])
def test_an_eye_inside_the_volume_or_far_away_still_sees(away, parallel):
    v = ODD["anisotropy of 20"]
    eye = camera.standard(v, "A", SIZE)
    focal = np.array(eye.focal_lps_mm)
    place = tuple(float(x) for x in focal - np.array([0.0, away + 1e-3, 0.0]))
    from msgspec.structs import replace

    for view in views(v):
        if view.camera is not None:
            near = replace(eye, position_lps_mm=place, parallel=parallel)
            assert Engine(v).picture(view.replace(camera=near)).rgb.shape == (SIZE[1], SIZE[0], 3)


@pytest.mark.parametrize("away", [1e-3, 30.0, 1e4, 1e6])
def test_in_parallel_projection_it_does_not_matter_where_on_its_line_the_eye_stands(away):
    v = SOLID
    eye = camera.rotate(camera.standard(v, "A", SIZE), 25.0, 10.0)
    focal, place = np.array(eye.focal_lps_mm), np.array(eye.position_lps_mm)
    moved = tuple(float(x) for x in focal + (place - focal) / np.linalg.norm(place - focal) * away)
    for view in all_four(overlays="none"):
        if view.camera is not None:
            want = Engine(v).picture(view.replace(camera=eye)).rgb.astype(int)
            got = Engine(v).picture(view.replace(camera=msgspec.structs.replace(eye, position_lps_mm=moved))).rgb
            assert want.max() > 40
            assert np.abs(want - got).mean() < 2.0  # samples lie elsewhere along the ray: the rim alone differs
            assert got.mean() == pytest.approx(want.mean(), rel=0.03)


def test_one_slice_has_no_depth():
    with pytest.raises(RenderError, match="no depth"):
        Space(made(np.zeros((1, 20, 20), np.int16)))


# ---- surfaces


@pytest.mark.parametrize("name", [n for n in ODD if not n.startswith(("3000", "4096"))])
@pytest.mark.parametrize("opacity", [1.0, 0.4])
def test_surfaces_of_odd_volumes_are_a_picture_or_one_sentence(name, opacity):
    v = ODD[name]
    surfaces = (Surface(low=226.0, opacity=opacity), Surface(low=30.0, high=300.0, opacity=0.3))
    view = View(technique=Technique.SSD, size=SIZE, camera=camera.standard(v, "A", SIZE), surfaces=surfaces)
    empty = [v.voxels.max() < 226, not ((v.voxels >= 30) & (v.voxels <= 300)).any()]
    for quality in ("drag", "settled", "record"):
        if all(empty):
            with pytest.raises(RenderError, match=r"so there is no surface\.$"):
                Engine(v).picture(view.replace(quality=quality))
        else:
            picture = Engine(v).picture(view.replace(quality=quality))
            assert picture.rgb.shape == (SIZE[1], SIZE[0], 3)
            assert len(picture.notes) == sum(empty)


def test_one_bright_voxel_is_a_closed_surface_of_its_size_in_its_place():
    for smooth in (0.0, 0.5):
        mesh = extract(ODD["one bright voxel"], Surface(low=1500.0, smooth=smooth))
        assert mesh.is_closed
        assert mesh.points_lps_mm.mean(axis=0) == pytest.approx((10, 10, 10), abs=0.01)
        assert np.abs(mesh.points_lps_mm - 10).max() < 0.6


@pytest.mark.parametrize("spacing", [(10.0, 0.5, 0.5), (0.5, 10.0, 0.5)])
def test_a_ball_in_voxels_of_one_to_twenty_stays_in_its_place(spacing):
    shape = tuple(int(100 / mm) for mm in spacing)
    centre = np.array([(n - 1) / 2 * mm for n, mm in zip(shape, spacing, strict=True)])
    k, r, c = (np.arange(n) * mm for n, mm in zip(shape, spacing, strict=True))
    far = (k[:, None, None] - centre[0]) ** 2 + (r[:, None] - centre[1]) ** 2 + (c - centre[2]) ** 2
    mesh = extract(made(((30 - np.sqrt(far)) * 20).astype(np.int16), spacing), Surface(low=0.0))
    away = mesh.points_lps_mm - centre[::-1]
    assert mesh.is_closed
    assert mesh.volume_ml == pytest.approx(4 / 3 * np.pi * 27, rel=0.02)
    assert (mesh.points_lps_mm.min(axis=0) + mesh.points_lps_mm.max(axis=0)) / 2 == pytest.approx(
        centre[::-1], abs=0.05
    )
    assert np.linalg.norm(away, axis=1).mean() == pytest.approx(30, abs=0.5)
    assert np.abs(np.linalg.norm(away, axis=1) - 30).max() < 5  # half of the long edge


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_surface_ends_at_what_is_no_number(odd):
    k, r, c = np.indices((24, 24, 24)) - 11.5
    voxels = ((8 - np.sqrt(k * k + r * r + c * c)) * 50).astype(np.float32)
    whole = extract(made(voxels.copy()), Surface(low=0.0))
    voxels[3, 3, 3] = odd  # far outside
    voxels[12, 12, 3] = odd  # just outside
    mesh = extract(made(voxels), Surface(low=0.0))
    assert mesh.is_closed
    assert np.isfinite(mesh.points_lps_mm).all()
    assert mesh.volume_ml == pytest.approx(whole.volume_ml, abs=0.003)
