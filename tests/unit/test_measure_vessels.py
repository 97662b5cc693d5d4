"""Diameters, stenoses, centrelines and volumes against shapes whose numbers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from render.geometry import Geometry
from render.volume import Volume
from workstation.base.errors import InputRefused
from workstation.measure.kinds import measure


def ball(radius: float, step: tuple[float, float, float] = (0, 0, 1.0), **facts: object) -> Volume:
    a = np.array([[step[0], 0, 0.8, -30], [step[1], 0.7, 0, -30], [step[2], 0, 0, -30], [0, 0, 0, 1]])
    shape = (int(60 / step[2]) + 1, 86, 76)
    geometry = Geometry(shape, a)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    away = np.linalg.norm(geometry.to_lps(index) - (0, 0, 0), axis=-1)
    return Volume(np.where(away <= radius, 300, 40).astype(np.int16), geometry, "HU", "d", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [(0, 0, 1.0), (0, 0.25, 1.0)])
def test_the_volume_of_a_ball_to_one_percent_also_sheared(step: tuple[float, float, float]) -> None:
    found = measure("volume", [(0, 0, 0)], ball(20, step), options={"low": 200})
    assert found.value == pytest.approx(4 / 3 * math.pi * 20**3 / 1000, rel=0.01)
    assert found.unit == "ml"
    assert found.uncertainty is not None
    assert found.validity == "valid"


def test_the_volume_of_an_uneven_stack_counts_true_distances() -> None:
    even = ball(20)
    z = np.sort(np.random.default_rng(3).choice(np.arange(-29.5, 29.5, 0.5), 61, replace=False))
    positions = np.array([(-30.0, -30.0, h) for h in z])
    index = np.stack(np.meshgrid(*map(np.arange, even.geometry.shape), indexing="ij"), axis=-1)
    lps = positions[index[..., 0]] + index[..., 1:] @ even.geometry.affine_lps[:3, 1:3].T
    inside = np.linalg.norm(lps, axis=-1) <= 20
    volume = Volume(np.where(inside, 300, 40).astype(np.int16), even.geometry, "HU", "d", positions_lps=positions)
    found = measure("volume", [(0, 0, 0)], volume, options={"low": 200})
    assert found.value == pytest.approx(4 / 3 * math.pi * 20**3 / 1000, rel=0.02)


def test_only_what_hangs_together_counts() -> None:
    one = ball(10)
    voxels = np.array(one.voxels)
    voxels[2:5, 2:5, 2:5] = 300
    two = Volume(voxels, one.geometry, "HU", "d")
    options = {"low": 200, "high": 400}
    assert (
        measure("volume", [(0, 0, 0)], two, options=options).value
        == measure("volume", [(0, 0, 0)], one, options=options).value
    )
    assert measure("volume", [(0, 0, 0)], two, options={"low": 301}).validity == "refused"
    with pytest.raises(InputRefused):
        measure("volume", [(0, 0, 0)], two)


def test_a_volume_across_a_filled_slice_is_refused_and_one_at_the_edge_marked() -> None:
    assert measure("volume", [(0, 0, 0)], ball(20, filled=(30,)), options={"low": 200}).validity == "refused"
    assert measure("volume", [(0, 0, 0)], ball(29.9), options={"low": 200}).validity == "marked"
    assert measure("volume", [(0, 0, 0)], ball(20, (0, 0, 3.5)), options={"low": 200}).validity == "marked"


def test_a_diameter_names_what_how_where_and_needs_a_plane_across() -> None:
    options = {"how": "max", "what": "outer wall", "level": "below the LEFT renal artery", "axis_lps": (0, 0, 1)}
    ends = [(-20, 0, 0), (20, 0, 0)]
    found = measure("diameter", ends, ball(20), plane_normal=(0, 0, 1), options=options)
    assert found.value == pytest.approx(40)
    assert found.definition == "Maximum diameter of outer wall, in the axial plane, below the LEFT renal artery"
    oblique = measure("diameter", ends, ball(20), plane_normal=(0, 1, 1), options=options)
    assert oblique.validity == "refused"
    assert measure("diameter", ends, ball(20), options={"technique": "cpr"}).validity == "refused"


def test_stenosis_after_nascet_prints_both_lumina() -> None:
    points = [(-1.0, 0, 0), (1.0, 0, 0), (-2.5, 0, 20), (2.5, 0, 20)]
    found = measure("stenosis", points, ball(20))
    assert found.value == pytest.approx(60.0)
    assert found.printed == "60 % (NASCET; A 2.0 mm, B 5.0 mm)"
    assert found.validity == "marked", "2 mm are fewer than three voxels"
    assert measure("stenosis", points[2:] + points[:2], ball(20)).validity == "refused"
    assert "ECST" in measure("stenosis", points, ball(20), options={"method": "ECST"}).printed


def test_a_smooth_centreline_has_the_length_of_the_arc_and_not_of_its_chords() -> None:
    turn = np.linspace(0, math.pi, 13)
    arc = [(20 * math.cos(t), 0.0, 20 * math.sin(t)) for t in turn]
    smooth, chords = (measure(kind, arc, ball(20)).value for kind in ("centerline", "polyline"))
    true = 20 * math.pi
    assert smooth == pytest.approx(true, rel=1e-3)
    assert chords is not None
    assert abs(chords - true) > 2 * abs(smooth - true)  # type: ignore[operator]
    straight = measure("centerline", [(0, 0, -20), (0, 0, 0), (0, 0, 20)], ball(20))
    assert (straight.value, straight.extra["tortuosity"]) == (pytest.approx(40), pytest.approx(1))
