"""Held against VTK, whose code is another: planes by its reslicer, gradient opacity by its volume mapper."""

import numpy as np
import pytest

from render import camera, planes
from render.engine import Engine
from render.errors import RenderError
from render.pipeline import reslice
from render.policy import find
from render.view import Look, Plane, Slab, Technique, View
from tests.picture.phantom import geometry, volume

SIZE = (90, 70)


def rough(p):
    """Smooth and rough parts, in HU."""
    wave = 400 * np.sin(p[..., 0] / 9) * np.cos(p[..., 1] / 11) + 3 * p[..., 2]
    grain = np.random.default_rng(1).normal(0, 20, p.shape[:-1])
    return wave + grain


OBLIQUE = geometry((40, 44, 48), (2.5, 0.9, 0.7), (0.6, 0.8, 0.0, -0.48, 0.36, -0.8))
V = volume(rough, OBLIQUE)


def turned(mm: float = 0.61) -> Plane:
    plane = planes.standard(V, "coronal", None, SIZE)
    plane = planes.rotate(planes.rotate(plane, (0, 0, 1), 23.0), (1, 0, 0), -31.0)
    return Plane(centre_lps_mm=plane.centre_lps_mm, right_lps=plane.right_lps, down_lps=plane.down_lps, mm_per_pixel=mm)


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "none"])
def test_thin_planes_agree_with_vtks_reslicer(interpolation):
    plane = turned()
    ours = planes.sample(V, plane, SIZE, None, interpolation)
    theirs = reslice.sample(V, plane, SIZE, None, interpolation)
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    assert both.mean() > 0.5
    assert (np.isnan(ours) != np.isnan(theirs)).mean() < 0.02
    apart = np.abs(ours - theirs)[both]
    if interpolation == "none":  # a hair decides which voxel is the nearest one half-way between two
        assert (apart > 0).mean() < 0.002
    elif interpolation == "linear":
        assert np.percentile(apart, 99) <= 1.0
    else:  # VTK's cubic loses its outer ring at the border, so the inside is compared
        assert np.percentile(apart[: int(len(apart) * 0.99)], 95) <= 1.0


@pytest.mark.parametrize("mode", ["mip", "minip", "mean"])
def test_slabs_agree_with_vtks_reslicer(mode):
    plane, slab = turned(), Slab(mode=mode, thickness_mm=9.0)
    ours = planes.sample(V, plane, SIZE, slab)
    theirs = reslice.sample(V, plane, SIZE, slab)
    # where the whole slab lies in the grid; at its border the two count missing layers differently
    n = planes.normal(plane)
    inside = np.ones(SIZE[::-1], dtype=bool)
    for away in (-5.5, 5.5):
        inside &= ~np.isnan(planes.sample(V, planes.centred(plane, tuple(plane.centre_lps_mm + away * n)), SIZE))
    assert inside.mean() > 0.3
    assert np.percentile(np.abs(ours - theirs)[inside], 99) <= 1.0


def test_vtks_way_says_what_it_does_not_know():
    sheared = volume(rough, geometry((20, 22, 24), shear=1.0))
    with pytest.raises(RenderError):
        reslice.sample(sheared, turned(), SIZE)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.5, 0.5), (0.5, 1.0, 2.0)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gradient_opacity_is_in_units_per_millimetre_as_vtks_is_after_its_scaling(spacing, axis):
    """A block that rises by 30 HU per mm, of even opacity but for the gradient: what passes is Beer's law."""
    slope, thick = 30.0, 0.02
    look = Look(
        name="g", version="", opacity=((-3000, thick), (3000, thick)), colour=((-3000, "000000"), (3000, "000000")),
        gradient=((0, 0.0), (60, 1.0)), ambient=1.0, diffuse=0.0, specular=0.0, fade=0.0,
    )  # fmt: skip
    shape = tuple(round(60 / s) for s in spacing)
    v = volume(lambda p: slope * p[..., axis], geometry(shape, spacing))
    eye = camera.standard(v, "A", SIZE, threshold=-5000.0)
    view = View(
        technique=Technique.VR, size=SIZE, look=look, camera=eye, overlays="none", background=("ffffff", "ffffff"),
        step_mm=0.25,
    )  # fmt: skip
    depth = (shape[1] - 1) * spacing[1]
    expected = 255 * (1 - thick * 0.5) ** depth  # 30 HU per mm is half-way up the gradient's table
    y, x = SIZE[1] // 4, SIZE[0] // 2  # not the middle slice: there VTK's threads meet, and its gradients are wrong
    ours = int(Engine(v).picture(view).rgb[y, x, 0])
    assert ours == pytest.approx(expected, rel=0.02)
    if not find().gl:
        pytest.skip("VTK's OpenGL cannot be started here")
    theirs = int(Engine(v, renderer="VTK fixed point").picture(view).rgb[y, x, 0])
    assert theirs == pytest.approx(expected, rel=0.06)  # its gradients are kept in eight bits
