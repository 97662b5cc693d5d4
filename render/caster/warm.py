"""Compile, or load from the cache, what the first pictures need: once in the background, not under the first hand."""

from __future__ import annotations

import numpy as np

from render.caster import layers
from render.engine import Engine
from render.geometry import Geometry
from render.view import Camera, Clip, Look, Plane, ScenePlane, Segment, Slab, Surface, Technique, View, Window
from render.volume import Volume

_LOOK = Look(name="warm", version="", opacity=((0, 0.0), (9, 0.5)), colour=((0, "000000"), (9, "ffffff")))
_EYE = Camera(position_lps_mm=(0, -40, 0), focal_lps_mm=(0, 0, 0), up_lps=(0, 0, 1), height_mm=20)
_PLANE = Plane(centre_lps_mm=(0, 0, 0), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=1)


def warm_up(dtype: type[np.int16] | type[np.float32] = np.int16) -> None:
    """Draw tiny pictures of every kind: planes, volume rendering, projection, surface.

    About a second from the cache; half a minute where nothing has been compiled yet. May run on any thread.
    """
    n = 12
    k, r, c = np.indices((n, n, n)) - (n - 1) / 2
    affine = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)
    affine[:3, 3] = -(n - 1) / 2
    voxels = (9 - np.sqrt(k * k + r * r + c * c)).astype(dtype)
    engine = Engine(Volume(voxels, Geometry((n, n, n), affine), "HU", "warm", modality="CT"))
    small = {"size": (32, 32), "overlays": "screen", "window": Window(center=0, width=9)}
    sheet = ScenePlane(point_lps_mm=(0, 0, 0), normal_lps=(0, 1, 0), window=Window(center=0, width=9))
    part = (Segment(number=1, low=4.0, seed_lps_mm=(0, 0, 0), colour="ff0000"),)
    clip = (Clip(point_lps_mm=(0, 0, 0), normal_lps=(1, 0, 0)),)
    for view in (
        View(technique=Technique.MPR, plane=_PLANE, **small),  # type: ignore[arg-type]
        View(technique=Technique.MIP, plane=_PLANE, slab=Slab(mode="mip", thickness_mm=3), **small),  # type: ignore[arg-type]
        View(technique=Technique.VR, camera=_EYE, look=_LOOK, **small),  # type: ignore[arg-type]
        View(technique=Technique.MIP, camera=_EYE, **small),  # type: ignore[arg-type]
        View(technique=Technique.SSD, camera=_EYE, surfaces=(Surface(low=4.0),), **small),  # type: ignore[arg-type]
        View(technique=Technique.VR, camera=_EYE, look=_LOOK, planes=(sheet,), segments=part, clips=clip, **small),  # type: ignore[arg-type]
        View(technique=Technique.MPR, plane=_PLANE, segments=part, **small),  # type: ignore[arg-type]
    ):
        engine.picture(view)
    layers.lighter(engine._kept().mesh(Surface(low=4.0)), 2.0)  # of large surfaces, for the moving hand


if __name__ == "__main__":
    warm_up()
