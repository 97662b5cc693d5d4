"""Where the scripted hands of the demonstration put their points: from the bundled study's truth file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from render.view import Vector
from workstation.base.errors import InputRefused

LUMEN_THRESHOLD_HU = 150.0
"""Above the veins that are less filled (about 125 HU), below the lumen (about 165 HU)."""

_MARGIN_MM = (75.0, 62.0, 25.0)


@dataclass(frozen=True)
class Line:
    """A length that the technologist draws: name, two points, normal of the plane it lies in."""

    name: str
    points_lps_mm: tuple[Vector, Vector]
    normal_lps: Vector


@dataclass(frozen=True)
class Truth:
    """What the demonstration needs to know of the study."""

    sac_centre_lps_mm: Vector
    lumen_centre_lps_mm: Vector
    lines: tuple[Line, ...]
    region_low_lps_mm: Vector
    region_high_lps_mm: Vector
    lumen_threshold: float = LUMEN_THRESHOLD_HU

    @property
    def region_centre_lps_mm(self) -> Vector:
        """Middle of the region."""
        low, high = self.region_low_lps_mm, self.region_high_lps_mm
        return ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2)


def read_truth(path: Path) -> Truth:
    """Read the truth file of the bundled study.

    Raises
    ------
    InputRefused
        ``no_sample``: it is missing or not what the generator writes.
    """
    try:
        found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        aorta, iliacs = found["aorta"], found["iliac_arteries"]
        sac = aorta["sac_outer_maximum"]
        lines = [
            Line("Sac, largest outer diameter", (_vector(sac["ends_lps_mm"][0]), _vector(sac["ends_lps_mm"][1])),
                 _vector(sac["normal_lps"])),
            _across("Neck, outer diameter", aorta["neck"]["middle_lps_mm"], aorta["neck"]["normal_lps"],
                    aorta["neck"]["outer_diameter_mm"]),
        ]  # fmt: skip
        for side in ("right", "left"):
            vessel = iliacs[f"common {side}"]
            lines.append(
                _across(
                    f"Common iliac {side.upper()}, outer diameter",
                    vessel["middle_lps_mm"],
                    vessel["normal_lps"],
                    vessel["outer_diameter_mm"],
                )
            )
        ends = [aorta["neck"]["start_lps_mm"], sac["centre_lps_mm"]]
        ends += [iliacs[f"common {side}"]["middle_lps_mm"] for side in ("right", "left")]
    except (OSError, msgspec.DecodeError, KeyError, IndexError, TypeError) as error:
        raise InputRefused("no_sample", "The bundled study's truth file is missing or damaged.") from error
    points = np.array(ends, float)
    margin = np.array(_MARGIN_MM)
    # behind, the region ends at the neck's own back wall: the spine stays out of it
    back = float(aorta["neck"]["middle_lps_mm"][1]) + float(aorta["neck"]["outer_diameter_mm"]) / 2
    return Truth(
        sac_centre_lps_mm=_vector(sac["centre_lps_mm"]),
        lumen_centre_lps_mm=_vector(aorta["lumen_maximum"]["centre_lps_mm"]),
        lines=tuple(lines),
        region_low_lps_mm=_vector(points.min(axis=0) - margin),
        region_high_lps_mm=_vector([*(points.max(axis=0) + margin)[:1], back, (points.max(axis=0) + margin)[2]]),
    )


def _vector(values: Any) -> Vector:
    x, y, z = (float(v) for v in values)
    return (x, y, z)


def _across(name: str, middle: Any, normal: Any, diameter_mm: float) -> Line:
    """A caliper through the middle of a vessel, orthogonal to it and as near to left-right as that allows."""
    n = np.array(normal, float)
    n /= np.sqrt(n @ n)
    way = np.array([1.0, 0.0, 0.0]) - n[0] * n
    way /= np.sqrt(way @ way)
    centre = np.array(middle, float)
    half = diameter_mm / 2 * way
    return Line(name, (_vector(centre - half), _vector(centre + half)), _vector(n))
