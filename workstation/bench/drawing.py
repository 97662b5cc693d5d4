"""What is drawn for the view bench: looks, cameras, and a volume as a file for another process."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from render.engine import Engine
from render.geometry import Geometry
from render.view import Camera, Look, Technique, View
from render.volume import Volume

SIZE = (1000, 800)
_COLOURS = ((-1000.0, "000000"), (-200.0, "c08070"), (60.0, "d8967c"), (180.0, "c83c28"), (450.0, "f5e6c8"),
            (1500.0, "ffffff"))  # fmt: skip
_AWAY = 1.07  # of the diagonal: 650 mm for a chest
_ANGLE = 30.0
_TURN = 7.0


def looks(volume: Volume) -> dict[str, Look]:
    """Vessel, bone and skin for CT in HU (opacity per mm); for anything else the preset that suits it."""
    if volume.units != "HU":
        from render import presets

        look, _ = presets.resolve(presets.choose(volume, {}), volume)
        return {look.name: look}
    curves = {
        "vessel": ((130.0, 0.0), (160.0, 0.08), (300.0, 0.35), (500.0, 0.75), (1500.0, 0.95)),
        "bone": ((180.0, 0.0), (260.0, 0.15), (500.0, 0.6), (1200.0, 0.95)),
        "skin": ((-500.0, 0.0), (-200.0, 0.3), (50.0, 0.6), (300.0, 0.8)),
    }
    return {
        name: Look(name=f"bench {name}", version="1", opacity=curve, colour=_COLOURS, diffuse=0.8)
        for name, curve in curves.items()
    }


def camera(volume: Volume, frame: float) -> Camera:
    """The eye of a frame: azimuth 20 and elevation 10 degrees from the front, then 7 degrees further each time."""
    low, high = (np.array(corner) for corner in volume.geometry.bounds_lps_mm)
    centre = (low + high) / 2
    away = _AWAY * float(np.linalg.norm(high - low))
    azimuth, up = math.radians(20 + _TURN * frame), math.radians(10)
    towards = np.array([math.cos(up) * math.sin(azimuth), -math.cos(up) * math.cos(azimuth), math.sin(up)])
    x, y, z = (float(v) for v in centre + away * towards)
    return Camera(
        position_lps_mm=(x, y, z),
        focal_lps_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
        up_lps=(0.0, 0.0, 1.0),
        parallel=False,
        angle_deg=_ANGLE,
    )


def scene(
    volume: Volume, look: Look | None, frame: float, quality: str = "settled", size: tuple[int, int] = SIZE
) -> View:
    """Volume rendering with a look, or the maximum projection without one; nothing written into it."""
    view = View(
        technique=Technique.VR if look else Technique.MIP,
        size=size,
        camera=camera(volume, frame),
        look=look,
        overlays="none",
    )
    return view.replace(quality=quality)


def keep(volume: Volume, path: Path) -> None:
    """Voxels and place as NPZ, for `read_back`."""
    with path.open("wb") as file:
        np.savez(file, voxels=volume.voxels, affine=volume.geometry.affine_lps, units=np.array(volume.units))


def read_back(path: Path) -> Volume:
    """The volume that `keep` wrote."""
    with np.load(path, allow_pickle=False) as kept:
        voxels, affine, units = kept["voxels"], kept["affine"], str(kept["units"])
    return Volume(voxels, Geometry(voxels.shape, affine), units, digest=path.stem)


def draw_all(volume: Volume) -> None:
    """Every look under the moving hand and settled, and a maximum projection: for the memory that it takes."""
    engine = Engine(volume)
    for look in (*looks(volume).values(), None):
        for frame in range(3):
            engine.picture(scene(volume, look, frame, "drag"))
        engine.picture(scene(volume, look, 3))
