"""Vessel looks scale to the lumen under the crosshair, and to nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from render.geometry import Geometry
from render.volume import Volume
from workstation.window.models.scene import Scene


def tube(hu: float, noise: float = 0.0) -> Volume:
    voxels = np.full((30, 40, 40), 40, np.int16)
    voxels[:, 14:27, 14:27] = hu
    voxels = voxels + np.random.default_rng(1).normal(0, noise, voxels.shape).astype(np.int16)
    affine = np.array([[0, 0, 1, -20], [0, 1, 0, -20], [1, 0, 0, -15], [0, 0, 0, 1]], float)
    return Volume(voxels.astype(np.int16), Geometry((30, 40, 40), affine), "HU", "d" * 32, modality="CT")


@pytest.mark.parametrize(
    ("hu", "noise", "sampled"), [(170, 12, True), (350, 12, True), (60, 5, False), (1200, 5, False)]
)
def test_only_filled_blood_is_sampled(hu: float, noise: float, sampled: bool) -> None:
    scene = Scene(tube(hu, noise), {})
    scene.centre((0.0, 0.0, 0.0))
    found = scene.lumen_here()
    assert (found is not None) is sampled
    if found is not None:
        assert abs(found - hu) < 6
        look = scene.set_preset("ct_vessel").look
        assert look is not None
        assert f"lumen {found:.0f} HU" in look.scaled


def test_an_edge_is_no_lumen() -> None:
    scene = Scene(tube(350), {})
    scene.centre((-6.0, 0.0, 0.0))
    assert scene.lumen_here() is None
    look = scene.set_preset("ct_vessel").look
    assert look is not None
    assert "default" in look.scaled
