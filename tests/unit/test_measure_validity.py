"""Which numbers may stand, which are marked and which must not be made (clinical rules, section 4)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from render.geometry import Geometry
from render.volume import Volume
from workstation.measure.kinds import measure

IN_PLANE = [(5.0, 10.0, 20.0), (35.0, 10.0, 20.0)]
ALONG_Z = [(20.0, 20.0, 5.0), (20.0, 20.0, 45.0)]


def volume(step: tuple[float, float, float] = (0, 0, 1.0), shape: tuple[int, int, int] = (50, 50, 50), **facts: object):
    a = np.array([[step[0], 0, 1.0, 0], [step[1], 1.0, 0, 0], [step[2], 0, 0, 0], [0, 0, 0, 1]])
    return Volume(np.full(shape, 100, np.int16), Geometry(shape, a), "HU", "d", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("technique", ["vr", "ssd", "mip", "minip"])
def test_on_the_pixels_of_a_projection_nothing_is_measured(technique: str) -> None:
    for kind, points in (("length", IN_PLANE), ("angle", [*IN_PLANE, (5, 30, 20)]), ("point", IN_PLANE[:1])):
        found = measure(kind, points, volume(), options={"technique": technique})
        assert found.validity == "refused"
        assert found.value is None
        assert found.printed == "not measurable"


def test_voxels_picked_in_3d_count_once_confirmed_in_planes() -> None:
    picked = {"technique": "vr", "picked": "voxels"}
    assert measure("length", IN_PLANE, volume(), options=picked).validity == "refused"
    assert measure("length", IN_PLANE, volume(), options={**picked, "confirmed": True}).validity == "valid"


def test_perspective_is_refused_even_for_confirmed_voxels() -> None:
    options = {"technique": "vr", "picked": "voxels", "confirmed": True, "perspective": True}
    found = measure("length", IN_PLANE, volume(), options=options)
    assert found.validity == "refused"
    assert any("perspective" in r.lower() for r in found.reasons)


@pytest.mark.parametrize(
    ("mode", "mm", "validity"),
    [
        ("", 0.0, "valid"),
        ("mean", 3.0, "marked"),
        ("mean", 3.1, "refused"),
        ("mip", 1.0, "refused"),
        ("minip", 1.0, "refused"),
    ],
)
def test_thick_planes(mode: str, mm: float, validity: str) -> None:
    found = measure("length", IN_PLANE, volume(), options={"slab_mode": mode, "slab_mm": mm})
    assert found.validity == validity


def test_what_touches_a_filled_slice_is_refused_and_the_rest_of_the_volume_is_not() -> None:
    v = volume(filled=(20,))
    assert measure("length", IN_PLANE, v).validity == "refused"
    assert measure("length", ALONG_Z, v).validity == "refused", "the path crosses it though both ends are acquired"
    assert measure("point", [(20, 20, 20.3)], v).validity == "refused"
    ring = [(20 + 8 * math.cos(t), 25, 20 + 8 * math.sin(t)) for t in np.linspace(0, 6.28, 13)[:-1]]
    assert measure("polygon", ring, v, plane_normal=(0, 1, 0)).validity == "refused"
    moved = [(x, y, 30.0) for x, y, _ in IN_PLANE]
    assert measure("length", moved, v).validity == "valid"
    assert measure("length", moved, v).value == measure("length", IN_PLANE, volume()).value


def test_a_ring_around_a_filled_slice_is_refused_for_the_voxels_within() -> None:
    v = volume(filled=(20,))
    top = [(10, 25, 12), (30, 25, 12), (30, 25, 28), (10, 25, 28)]
    assert measure("polygon", top, v, plane_normal=(0, 1, 0)).validity == "refused"


def test_tilt_marks_what_leaves_a_slice_only() -> None:
    tilted = volume(step=(0, 0.2, 1.0))
    on = [tuple(tilted.geometry.to_lps(i)) for i in ((20, 5, 5), (20, 5, 40))]
    off = [tuple(tilted.geometry.to_lps(i)) for i in ((10, 5, 20), (40, 5, 20))]
    assert measure("length", on, tilted, plane_normal=(0, 0, 1)).validity == "valid"
    found = measure("length", off, tilted)
    assert found.validity == "marked"
    assert any("tilt" in r for r in found.reasons)


def test_coarse_slices_are_marked_across_and_not_within() -> None:
    coarse = volume(step=(0, 0, 4.0))
    assert measure("length", [(5, 5, 40), (40, 5, 40)], coarse, plane_normal=(0, 0, 1)).validity == "valid"
    assert measure("length", [(5, 5, 20), (5, 5, 120)], coarse).validity == "marked"


def test_a_reduced_volume_marks_every_number() -> None:
    assert measure("length", IN_PLANE, volume(reduced=2)).validity == "marked"


def test_fewer_than_three_voxels_across_is_marked() -> None:
    assert measure("length", [(5, 5, 20), (7.9, 5, 20)], volume()).validity == "marked"
    assert measure("length", [(5, 5, 20), (8.1, 5, 20)], volume()).validity == "valid"


@pytest.mark.parametrize(("off", "validity"), [(4.9, "valid"), (5.1, "marked"), (14.9, "marked"), (15.1, "refused")])
def test_areas_need_a_plane_across(off: float, validity: str) -> None:
    t = math.radians(off)
    found = measure(
        "ellipse",
        [(15, 15, 20), (35, 35, 20)],
        volume(),
        plane_normal=(0, 0, 1),
        options={"axis_lps": (math.sin(t), 0, math.cos(t))},
    )
    assert found.validity == validity


def test_an_angle_on_a_curved_reformat_is_refused() -> None:
    assert measure("angle", [*IN_PLANE, (5, 30, 20)], volume(), options={"technique": "cpr"}).validity == "refused"


def test_an_area_in_a_slab_is_refused() -> None:
    box = [(15, 15, 20), (35, 35, 20)]
    options = {"slab_mode": "mean", "slab_mm": 2.0}
    assert measure("ellipse", box, volume(), plane_normal=(0, 0, 1), options=options).validity == "refused"


def test_few_voxels_loss_metal_and_sharp_kernels_mark_values() -> None:
    small, large = [(20, 20, 20), (22, 22, 20)], [(10, 10, 20), (30, 30, 20)]

    def of(box: list, v: Volume, **options: object):
        return measure("ellipse", box, v, plane_normal=(0, 0, 1), options=options)

    assert any("voxel" in r for r in of(small, volume()).reasons)
    assert of(large, volume()).validity == "valid"
    assert of(large, volume(lossy=True)).validity == "marked"
    assert of(large, volume(), sharp_kernel=True).validity == "marked"
    metal = np.full((50, 50, 50), 100, np.int16)
    metal[20, 20, 20] = 3071
    with_metal = Volume(metal, volume().geometry, "HU", "d")
    assert any("Metal" in r for r in of(large, with_metal).reasons)


def test_outside_of_the_images_nothing_is_measured() -> None:
    assert measure("length", [(5, 5, 20), (60, 5, 20)], volume()).validity == "refused"
    assert measure("length", [(-0.4, 5, 20), (49.4, 5, 20)], volume()).validity == "valid"


def test_what_has_no_extent_has_no_number() -> None:
    for kind, points in (
        ("length", [(5, 5, 20)] * 2),
        ("angle", [(5, 5, 20), (5, 5, 20), (9, 9, 20)]),
        ("polygon", [(5, 5, 20), (9, 9, 20), (7, 7, 20)]),
        ("polyline", [(5, 5, 20), (5, 5, 20), (9, 9, 20)]),
    ):
        found = measure(kind, points, volume())
        assert found.value is None, kind
        assert found.reasons


def test_an_outline_that_crosses_itself_has_no_area() -> None:
    bow = [(10, 10, 20), (30, 30, 20), (30, 10, 20), (10, 34, 20)]
    assert any("crosses" in r for r in measure("polygon", bow, volume()).reasons)


def test_points_off_the_plane_are_no_polygon() -> None:
    bent = [(10, 10, 20), (30, 10, 20), (30, 30, 24), (10, 30, 20)]
    assert measure("polygon", bent, volume(), plane_normal=(0, 0, 1)).validity == "refused"
