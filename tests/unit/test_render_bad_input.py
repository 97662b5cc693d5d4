"""What a picture is made of may be odd: a picture or one plain sentence comes, never a fault."""

import numpy as np
import pytest

from render import camera, planes
from render.caster.space import Space
from render.engine import Engine
from render.errors import RenderError
from render.geometry import Geometry
from render.view import Look, Technique, View, Window
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
    "4096 x 4096": made(np.zeros((2, 4096, 4096), np.int16)),
    "anisotropy of 20": made(np.arange(8000, dtype=np.int16).reshape(20, 20, 20) % 500, (10.0, 0.5, 0.5)),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_volumes_give_pictures_of_the_size_asked_for(name):
    engine = Engine(ODD[name])
    for view in views(ODD[name]):
        assert engine.picture(view).rgb.shape == (SIZE[1], SIZE[0], 3)


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


def test_one_slice_has_no_depth():
    with pytest.raises(RenderError, match="no depth"):
        Space(made(np.zeros((1, 20, 20), np.int16)))
