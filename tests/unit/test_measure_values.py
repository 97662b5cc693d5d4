"""Measurements against what is true of analytic scenes, on straight, tilted and uneven grids; printing rules."""

from __future__ import annotations

import math

import numpy as np
import pytest

from render.geometry import Geometry
from render.volume import Volume
from workstation.base.errors import InputRefused
from workstation.measure.kinds import measure
from workstation.measure.printing import printed, uncertainty_words

SHAPE = (30, 60, 70)
SPACING = (2.5, 0.8, 0.7)  # slices, rows, columns: all unlike, so that no two can be swapped unseen


def affine(tilt_mm: float = 0.0) -> np.ndarray:
    """Axial grid; with `tilt_mm` every slice is shifted along y against the one below (a tilted gantry)."""
    dz, dy, dx = SPACING
    a = np.eye(4)
    a[:3, 0], a[:3, 1], a[:3, 2], a[:3, 3] = (0, tilt_mm, dz), (0, dy, 0), (dx, 0, 0), (-24, -30, 100)
    return a


def linear(p: np.ndarray) -> np.ndarray:
    """A field whose mean over any symmetric region is its value in the middle."""
    return 3.0 * p[..., 0] - 2.0 * p[..., 1] + 1.5 * p[..., 2]


def scene(tilt_mm: float = 0.0, *, positions: np.ndarray | None = None, **facts: object) -> Volume:
    geometry = Geometry(SHAPE, affine(tilt_mm), "1.2.3")
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    if positions is None:
        lps = geometry.to_lps(index)
    else:
        lps = positions[index[..., 0]] + index[..., 1:] @ geometry.affine_lps[:3, 1:3].T
    voxels = linear(lps).astype(np.float32)
    return Volume(voxels, geometry, "HU", "d", modality="CT", positions_lps=positions, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("tilt_mm", [0.0, 0.9])
@pytest.mark.parametrize(
    ("a", "b", "true"),
    [((-10, 0, 120), (10, 0, 120), 20.0), ((0, 0, 110), (0, 0, 150), 40.0), ((-3, -4, 130), (9, 12, 130), 20.0)],
)
def test_a_length_is_the_distance_in_the_patient_also_in_a_sheared_grid(
    tilt_mm: float, a: tuple[float, float, float], b: tuple[float, float, float], true: float
) -> None:
    assert measure("length", [a, b], scene(tilt_mm)).value == pytest.approx(true, abs=1e-12)


def test_uncertainty_of_the_page_0_6_in_plane_2_0_along_z_1_5_between() -> None:
    grid = Geometry((40, 80, 80), np.array([[0, 0, 0.7, 0], [0, 0.7, 0, 0], [2.5, 0, 0, 0], [0, 0, 0, 1]]))
    at = np.array([20.0, 20.0, 40.0])
    for away, u in (((30, 0, 0), 0.6), ((0, 0, 30), 2.0), ((20, 0, 20), 1.5)):
        found = measure("length", [tuple(at), tuple(at + away)], grid)
        assert found.uncertainty == pytest.approx(u, abs=0.05)


def test_a_stated_thickness_above_the_spacing_counts() -> None:
    grid = Geometry((40, 80, 80), np.array([[0, 0, 0.7, 0], [0, 0.7, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]]))
    points = [(20, 20, 5), (20, 20, 35)]
    thin, thick = measure("length", points, grid), measure("length", points, grid, options={"thickness_mm": 3.0})
    assert thick.uncertainty == pytest.approx(3.0 * thin.uncertainty)  # type: ignore[operator]


def _spread(kind: str, points: list[tuple[float, float, float]], grid: Geometry, n: int = 4000) -> float:
    """Twice the SD of a measurement whose points are uniform within their voxel."""
    rng = np.random.default_rng(7)
    size = np.array(grid.spacing_mm)[::-1]
    found = []
    for _ in range(n):
        moved = np.array(points) + (rng.random((len(points), 3)) - 0.5) * size
        found.append(measure(kind, [tuple(p) for p in moved], grid).value)
    return 2.0 * float(np.std(np.array(found, dtype=float)))


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("length", [(10, 10, 20), (40, 25, 50)]),
        ("polyline", [(10, 10, 20), (30, 10, 40), (40, 30, 50)]),
        ("angle", [(10, 30, 30), (30, 30, 30), (30, 30, 55)]),
        ("cobb", [(10, 20, 20), (40, 20, 25), (10, 20, 60), (40, 20, 45)]),
    ],
)
def test_monte_carlo_agrees_with_the_formulas(kind: str, points: list[tuple[float, float, float]]) -> None:
    grid = Geometry((80, 80, 80), np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1.0]]))
    u = measure(kind, points, grid).uncertainty
    assert u is not None
    assert u == pytest.approx(_spread(kind, points, grid), rel=0.06)


@pytest.mark.parametrize("true", [0.5, 30.0, 90.0, 134.0, 179.5])
def test_an_angle_is_exact_near_its_ends_too(true: float) -> None:
    t = math.radians(true)
    points = [(15, 0, 130), (0, 0, 130), (15 * math.cos(t), 15 * math.sin(t), 130)]
    assert measure("angle", points, scene()).value == pytest.approx(true, abs=1e-9)


def test_cobb_is_the_smaller_angle_whatever_the_order_of_points() -> None:
    a, b = (-10, 0, 120), (10, 0, 120)
    c, d = (-10, 0, 150), (10, 0, 150 - 20 * math.tan(math.radians(25)))
    for points in ([a, b, c, d], [b, a, c, d], [c, d, b, a]):
        assert measure("cobb", points, scene()).value == pytest.approx(25.0)


def test_an_angle_projected_on_a_named_plane_is_that_of_the_shadow_and_says_so() -> None:
    points = [(20, 0, 130), (0, 0, 130), (0, 15, 150)]
    found = measure("angle", points, scene(), options={"projected_on": "axial"})
    assert found.value == pytest.approx(90.0)
    assert found.validity == "marked"
    assert any("axial" in r for r in found.reasons)


@pytest.mark.parametrize("tilt_mm", [0.0, 0.9])
def test_an_ellipse_on_a_slice_holds_the_voxels_whose_centres_lie_in_it(tilt_mm: float) -> None:
    volume = scene(tilt_mm)
    centre = volume.geometry.to_lps((12, 30, 35))
    half = np.array([9.1, 6.3, 0])
    points = [tuple(centre - half), tuple(centre + half)]
    found = measure("ellipse", points, volume, plane_normal=(0, 0, 1))
    assert found.value == pytest.approx(math.pi * 9.1 * 6.3)
    lps = volume.geometry.to_lps(np.stack(np.meshgrid([12], np.arange(60), np.arange(70), indexing="ij"), -1))[0]
    mask = ((lps[..., 0] - centre[0]) / 9.1) ** 2 + ((lps[..., 1] - centre[1]) / 6.3) ** 2 <= 1
    inside = volume.voxels[12][mask].astype(np.float64)
    assert found.extra["voxels"] == mask.sum()
    assert found.extra["mean"] == pytest.approx(inside.mean())
    assert found.extra["sd"] == pytest.approx(inside.std(ddof=1))
    assert (found.extra["minimum"], found.extra["maximum"]) == (inside.min(), inside.max())
    assert found.validity == "valid"
    four = [tuple(centre + s * np.array(a)) for a in ((9.1, 0, 0), (0, 6.3, 0)) for s in (-1, 1)]
    assert measure("ellipse", four, volume, plane_normal=(0, 0, 1)).extra["mean"] == pytest.approx(found.extra["mean"])


@pytest.mark.parametrize("tilt_mm", [0.0, 0.9])
@pytest.mark.parametrize("normal", [(0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.5, 0.3, 0.8)])
def test_the_mean_on_any_plane_is_the_value_of_a_linear_field_in_the_middle(
    tilt_mm: float, normal: tuple[float, float, float]
) -> None:
    volume = scene(tilt_mm)
    centre = volume.geometry.centre_lps_mm
    n = np.array(normal) / np.linalg.norm(normal)
    u = np.cross(n, (0.3, -0.9, 0.2))
    u /= np.linalg.norm(u)
    v = np.cross(n, u)
    outline = [tuple(centre + 12 * (math.cos(t) * u + math.sin(t) * v)) for t in np.linspace(0, 2 * math.pi, 40)[:-1]]
    found = measure("polygon", outline, volume, plane_normal=tuple(n))
    # one layer of voxels: their middle is that of the plane to within a fraction of the largest voxel
    assert found.extra["mean"] == pytest.approx(float(linear(centre)), abs=1.5)
    assert found.value == pytest.approx(math.pi * 144, rel=0.01)


def test_values_of_an_uneven_stack_come_from_the_true_places() -> None:
    geometry = Geometry(SHAPE, affine())
    z = 100 + np.cumsum([0, *([2.5, 4.0, 1.5] * 10)])[:30]
    positions = geometry.to_lps([(k, 0, 0) for k in range(30)])
    positions[:, 2] = z
    volume = scene(positions=positions)
    at = (float(positions[0, 0] + 0.7 * 20), float(positions[0, 1] + 0.8 * 25), float(z[17]))
    assert measure("point", [at], volume).value == pytest.approx(float(volume.voxels[17, 25, 20]))
    length = measure("length", [(0, 0, float(z[3])), (0, 0, float(z[20]))], volume)
    assert length.value == pytest.approx(float(z[20] - z[3]))
    assert any("unevenly" in r for r in length.reasons)


def test_a_ring_on_an_uneven_stack_takes_the_slice_nearest_to_its_plane() -> None:
    geometry = Geometry(SHAPE, affine())
    z = 100 + np.cumsum([0, *([2.5, 4.0, 1.5] * 10)])[:30]
    positions = geometry.to_lps([(k, 0, 0) for k in range(30)])
    positions[:, 2] = z
    volume = scene(positions=positions)
    at = float(z[17]) + 0.4
    ring = [(-8, -8, at), (8, 8, at)]
    for normal in ((0, 0, 1), (0, 0, -1)):
        found = measure("ellipse", ring, volume, plane_normal=normal)
        places = positions[17] + (np.stack(np.meshgrid([0], range(60), range(70), indexing="ij"), -1)[0])[..., 1:] @ (
            geometry.affine_lps[:3, 1:3].T
        )
        inside = volume.voxels[17][(places[..., 0] ** 2 + places[..., 1] ** 2) <= 64]
        assert found.extra["voxels"] == len(inside)
        assert found.extra["mean"] == pytest.approx(float(inside.mean(dtype=np.float64)))


def test_a_large_oblique_region_needs_no_copy_of_the_volume() -> None:
    import tracemalloc

    big = Volume(np.zeros((300, 256, 256), np.int16), Geometry((300, 256, 256), np.diag([1.0, 1, 1, 1])), "HU", "d")
    n = np.array([1.0, 1.0, 1.2]) / np.linalg.norm([1.0, 1.0, 1.2])
    u = np.cross(n, (0.0, 0.0, 1.0))
    u /= np.linalg.norm(u)
    v = np.cross(n, u)
    c = np.array([150.0, 128, 128])
    ring = [tuple(c + 110 * (math.cos(t) * u + math.sin(t) * v)) for t in np.linspace(0, 2 * math.pi, 60)[:-1]]
    tracemalloc.start()
    found = measure("polygon", ring, big, plane_normal=tuple(n))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.validity == "valid"
    assert peak < 60e6


def test_padding_does_not_enter_statistics() -> None:
    plain = scene()
    voxels = np.array(plain.voxels)
    voxels[12, 25:35, 30:35] = -2000
    volume = Volume(voxels, plain.geometry, "HU", "d", padding=(-2000, -2000))
    c = plain.geometry.to_lps((12, 30, 35))
    half = np.array((7, 8, 0))
    points = [tuple(c - half), tuple(c + half)]
    found = measure("ellipse", points, volume, plane_normal=(0, 0, 1))
    assert found.extra["minimum"] > -2000
    assert found.extra["voxels"] < measure("ellipse", points, plain, plane_normal=(0, 0, 1)).extra["voxels"]
    in_padding = plain.geometry.to_lps((12, 30, 32))
    assert measure("point", [tuple(in_padding)], volume).validity == "refused"


def test_a_square_drawn_from_either_side_has_its_area_and_perimeter() -> None:
    square = [(0, 0, 130), (10, 0, 130), (10, 10, 130), (0, 10, 130)]
    for points in (square, square[::-1]):
        found = measure("polygon", points, scene())
        assert found.value == pytest.approx(100.0)
        assert found.extra["perimeter_mm"] == pytest.approx(40.0)
        # 2 P m / sqrt(12), m the mean of 0.7 and 0.8
        assert found.uncertainty == pytest.approx(2 * 40 * 0.75 / math.sqrt(12))


def test_bidirectional_gives_the_longer_first() -> None:
    points = [(0, -5, 130), (0, 5, 130), (-10, 0, 130), (10, 0, 130)]
    found = measure("bidirectional", points, scene())
    assert (found.value, found.extra["short_mm"]) == (pytest.approx(20), pytest.approx(10))
    assert found.printed == "20.0 x 10.0 mm"
    assert found.validity == "valid"
    slanted = [*points[:2], (-10, -4, 130), (10, 4, 130)]
    assert measure("bidirectional", slanted, scene()).validity == "marked"


def test_a_signal_has_no_unit() -> None:
    plain = scene()
    volume = Volume(plain.voxels, plain.geometry, "arbitrary", "d", modality="MR")
    found = measure("point", [tuple(plain.geometry.to_lps((3, 4, 5)))], volume)
    assert found.unit == ""
    assert found.printed.startswith("signal ")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (41.65, "mm", "41.7 mm"),
        (2.25, "mm", "2.3 mm"),
        (-0.04, "mm", "0.0 mm"),
        (-2.25, "mm", "-2.3 mm"),
        (99.94, "ml", "99.9 ml"),
        (99.96, "ml", "100 ml"),
        (123.5, "ml", "124 ml"),
        (12.5, "deg", "13 deg"),
        (0.5, "HU", "1 HU"),
        (-0.5, "HU", "-1 HU"),
        (49.5, "%", "50 %"),
        (314.49, "mm2", "314 mm2"),
    ],
)
def test_printing_rules(value: float, unit: str, text: str) -> None:
    assert printed(value, unit) == text


def test_uncertainty_is_printed_above_1_mm_or_5_percent_only() -> None:
    short, long = [(0, 0, 130), (7, 0, 130)], [(-20, 0, 130), (20, 0, 130)]
    assert uncertainty_words(measure("length", short, scene())) == "± 0.6 mm"
    assert uncertainty_words(measure("length", long, scene())) == ""
    assert uncertainty_words(measure("length", [(0, 0, 110), (0, 0, 160)], scene())) == "± 2.0 mm"


@pytest.mark.parametrize(
    ("kind", "points", "options"),
    [
        ("lenght", [(0, 0, 0), (1, 0, 0)], {}),
        ("length", [(0, 0, 0)], {}),
        ("length", [(0, 0, 0), (float("nan"), 0, 0)], {}),
        ("length", [(0, 0, 120), (1, 0, 120)], {"perspectiv": True}),
        ("ellipse", [(0, 0, 120), (9, 9, 120)], {}),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_an_error(kind: str, points: list, options: dict) -> None:
    with pytest.raises(InputRefused):
        measure(kind, points, scene(), options=options)
