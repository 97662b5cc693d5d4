"""What is known exactly about the painted body, because it was made from functions; mm LPS, HU.

Diameters and places come from the surfaces' own formulas; volumes are sums over a fine grid of the same
distances that the voxels are painted from. Noise and point spread are not part of the truth.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workstation.sample import bones, organs, scene, vessels
from workstation.sample.curves import Doubles, arc_length, tangents
from workstation.sample.phases import Phase
from workstation.sample.space import Block, Canvas, Grid, smooth_cut
from workstation.sample.vessels import Tube

_DEGREES = np.arange(0, 360, 0.5)


def _point(p: Doubles) -> list[float]:
    return [round(float(v), 2) for v in p]


def contour(tube: Tube, index: int) -> Doubles:
    """The wall's outline orthogonal to the centre line, (720, 3)."""
    e1, e2 = tube.frame
    q = np.deg2rad(_DEGREES)
    r = tube.wall(index, q.astype(np.float64)).astype(np.float64)
    out = tube.points[index] + r[:, None] * (np.cos(q)[:, None] * e1[index] + np.sin(q)[:, None] * e2[index])
    return np.asarray(out)


def widest(outline: Doubles) -> tuple[float, Doubles, Doubles]:
    """Largest distance between two points of an outline, and the points."""
    apart = np.sqrt(((outline[:, None] - outline[None]) ** 2).sum(axis=-1))
    i, j = np.unravel_index(int(np.argmax(apart)), apart.shape)
    return float(apart[i, j]), outline[i], outline[j]


def maximum(tube: Tube) -> dict[str, Any]:
    """The largest diameter orthogonal to the centre line, over all stations."""
    rough = tube.radius * (1 + np.abs(tube.oval) + np.abs(tube.lobe))
    candidates = np.flatnonzero(rough > rough.max() - 1.5)
    best = max(((widest(contour(tube, int(i))), int(i)) for i in candidates), key=lambda found: found[0][0])
    (width, a, b), i = best
    return {
        "diameter_mm": round(width, 2),
        "centre_lps_mm": _point(tube.points[i]),
        "normal_lps": _point(tangents(tube.points)[i]),
        "ends_lps_mm": [_point(a), _point(b)],
    }


def _station(tube: Tube, z: float) -> int:
    return int(np.argmin(np.abs(tube.points[:, 2] - z)))


def _mean_diameter(tube: Tube, i: int) -> float:
    return float(2 * tube.radius[i])


def neck_end(tube: Tube, start: int) -> int:
    """First station below `start` where the mean outer diameter has grown by a tenth."""
    wide = tube.radius > 1.1 * tube.radius[start]
    return int(start + np.argmax(wide[start:]))


def origin(branch: Doubles, tube: Tube) -> Doubles:
    """Where a branch's centre line leaves the lumen: a point (x, y, z, radius) on the lumen's wall."""
    apart = np.sqrt(((branch[:, None, :3] - tube.points[None]) ** 2).sum(axis=-1))
    nearest = apart.argmin(axis=1)
    outside = apart[np.arange(len(branch)), nearest] > tube.radius[nearest]
    return np.asarray(branch[int(np.argmax(outside))])


def _fine(low: Doubles, high: Doubles, step: float) -> Block:
    axes = [np.arange(a + step / 2, b, step).astype(np.float32) for a, b in zip(low, high, strict=True)]
    return Canvas(Grid(*axes)).everything()


def tube_volume_ml(tube: Tube, first: int, last: int, step: float = 0.7) -> float:
    """Volume inside the wall between two stations, ml."""
    part = Tube(tube.points[first : last + 1], tube.radius[first : last + 1], tube.oval[first : last + 1],
                tube.lobe[first : last + 1], tube.tilt, tube.turn)  # fmt: skip
    e1, _ = tube.frame
    part = Tube(part.points, part.radius, part.oval, part.lobe, part.tilt, part.turn, tuple(e1[first].tolist()))
    low, high = part.box(2)
    block = _fine(np.asarray(low), np.asarray(high), step)
    sd, _, _ = part.distance(block)
    return float((sd < 0).sum() * step**3 / 1000)


def kidney_volume_ml(side: str, step: float = 0.7) -> float:
    """Volume of the parenchyma: inside the outline, outside the sinus, ml."""
    c = np.asarray(organs.KIDNEYS[side]["centre"])
    block = _fine(c - np.array([45, 45, 66]), c + np.array([45, 45, 66]), step)
    outline, sinus = organs.kidney_parts(block, side)
    return float((smooth_cut(outline, -sinus, 3) < 0).sum() * step**3 / 1000)


def _angle(a: Doubles, b: Doubles) -> float:
    return float(np.rad2deg(np.arccos(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))))


def aorta(outer: Tube, lumen: Tube) -> dict[str, Any]:
    """Neck, sac and lumen, and the origins of the branches."""
    origins = {}
    for name in ("coeliac", "sma", "renal right", "renal left", "ima"):
        branch = vessels.artery(name, 0.25)
        at = origin(branch, lumen)
        origins[name] = {"centre_lps_mm": _point(at[:3]), "lumen_diameter_mm": round(2 * float(at[3]), 2)}
    left = origin(vessels.artery("renal left", 0.25), lumen)
    start = int(np.argmax(outer.points[:, 2] < left[2] - left[3]))
    end = neck_end(outer, start)
    length = arc_length(outer.points)
    middle = (start + end) // 2
    lumen_middle = _station(lumen, float(outer.points[middle, 2]))
    t = tangents(lumen.points)
    neck_way = (
        lumen.points[_station(lumen, outer.points[end, 2])] - lumen.points[_station(lumen, outer.points[start, 2])]
    )
    sac_way = lumen.points[_station(lumen, 45.0)] - lumen.points[_station(lumen, outer.points[end, 2])]
    return {
        "sac_outer_maximum": maximum(outer),
        "lumen_maximum": maximum(lumen),
        "suprarenal_outer_diameter_mm": round(_mean_diameter(outer, _station(outer, 120.0)), 2),
        "neck": {
            "definition": "from the lower edge of the left renal artery's origin to where the mean outer diameter "
            "has grown by a tenth, along the outer centre line",
            "length_mm": round(float(length[end] - length[start]), 2),
            "start_lps_mm": _point(outer.points[start]),
            "end_lps_mm": _point(outer.points[end]),
            "outer_diameter_mm": round(_mean_diameter(outer, middle), 2),
            "lumen_diameter_mm": round(_mean_diameter(lumen, lumen_middle), 2),
            "middle_lps_mm": _point(lumen.points[lumen_middle]),
            "normal_lps": _point(t[lumen_middle]),
        },
        "neck_to_sac_angle_deg": round(_angle(np.asarray(neck_way), np.asarray(sac_way)), 1),
        "sac_length_mm": round(float(length[-1] - length[end]), 2),
        "sac_outer_volume_ml": round(tube_volume_ml(outer, end, len(outer.points) - 1), 1),
        "bifurcation_lps_mm": _point(outer.points[-1]),
        "lumen_centre_line_lps_mm": [_point(p) for p in lumen.points[::20]],
        "origins": origins,
        "wall_mm": 1.5,
    }


def iliacs() -> dict[str, Any]:
    """Common and external iliac arteries: lengths along the centre line, diameters at the middle."""
    out: dict[str, Any] = {}
    for side in ("right", "left"):
        for name in ("common", "external", "internal"):
            curve = vessels.iliac(side, name, 0.25)
            i = len(curve) // 2
            lumen = 2 * (curve[:, 3] - vessels.ILIAC_WALL)
            out[f"{name} {side}"] = {
                "length_mm": round(float(arc_length(curve)[-1]), 2),
                "middle_lps_mm": _point(curve[i, :3]),
                "normal_lps": _point(tangents(curve)[i]),
                "outer_diameter_mm": round(2 * float(curve[i, 3]), 2),
                "lumen_diameter_mm": round(float(lumen[i]), 2),
            }
    return out


def skeleton() -> dict[str, Any]:
    """Vertebral bodies, the spine's curvature and the hips."""
    line = bones.spine_line()
    bodies = {}
    ways = {}
    for name, z, _, a, b, h in bones.VERTEBRAE[2:]:
        centre, _, _, up = bones.axes_at(line, z)
        ways[name] = up
        bodies[name] = {"centre_lps_mm": _point(centre), "up_lps": _point(up), "half_width_depth_height_mm": [a, b, h]}
    hips = {side: _point(bones.hip_centre(s)) for side, s in (("left", 1), ("right", -1))}
    apart = bones.hip_centre(1) - bones.hip_centre(-1)
    return {
        "vertebrae": bodies,
        "lordosis_L1_L5_deg": round(_angle(ways["L1"], ways["L5"]), 2),
        "sideways_bend": {"amplitude_mm": 2.2, "formula": "x = 2.2 sin((z - 60) / 85) at the vertebrae's middles"},
        "spine_length_T12_L5_mm": round(_along_spine(line, "T12", "L5"), 2),
        "femoral_heads_lps_mm": hips,
        "femoral_head_diameter_mm": 2 * bones.HEAD_RADIUS,
        "distance_of_femoral_heads_mm": round(float(np.sqrt(apart @ apart)), 2),
    }


def _along_spine(line: Doubles, upper: str, lower: str) -> float:
    level = {v[0]: v[1] for v in bones.VERTEBRAE}
    s = arc_length(line)
    i, j = (int(np.argmin(np.abs(line[:, 2] - level[n]))) for n in (upper, lower))
    return float(abs(s[j] - s[i]))


def probes(phase: Phase) -> list[dict[str, Any]]:
    """Balls of one tissue: the mean HU inside, noise aside; texture is within the tolerance."""
    rows = [
        ("aorta above the kidneys", (4.0, 8.0, 125.0), 6.0, phase.artery, 3.0),
        ("lumen of the aneurysm", (6.2, -16.5, 40.0), 8.0, phase.artery, 3.0),
        ("thrombus", (18.0, -39.0, 38.0), 4.0, 39.0, 8.0),
        ("inferior vena cava above the kidneys", (-22.0, 6.0, 140.0), 5.0, phase.cava[3], 10.0),
        ("portal vein", (-24.0, -19.5, 124.0), 3.5, phase.portal, 5.0),
        ("liver", (-105.0, 10.0, 172.0), 7.0, phase.liver, 9.0),
        ("spleen", (112.0, 36.0, 150.0), 6.0, phase.spleen, 7.0),
        ("left psoas", (43.0, 32.0, 18.0), 7.0, 62.0, 8.0),
        ("bladder", (2.0, -16.0, -146.0), 12.0, phase.bladder, 3.0),
        ("gallbladder", (-58.0, -54.0, 92.0), 7.0, organs.BILE, 4.0),
        ("fat under the skin", (0.0, 108.0, -60.0), 2.5, -104.0, 12.0),
        ("dural sac", (0.0, 54.0, 0.0), 4.0, 24.0, 8.0),
        ("left femoral head", tuple(bones.hip_centre(1).tolist()), 10.0, 290.0, 40.0),
        ("air before the belly", (0.0, -180.0, 20.0), 15.0, -1000.0, 6.0),
    ]
    return [
        {"name": n, "centre_lps_mm": list(c), "radius_mm": r, "hu": hu, "tolerance_hu": tolerance}
        for n, c, r, hu, tolerance in rows
    ]


def baseline() -> dict[str, Any]:
    """Everything known about the stored study."""
    from workstation.sample.phases import PORTAL_VENOUS

    return {
        "space": "LPS, mm; frame of reference of the series",
        "aorta": aorta(vessels.aorta_outer(), vessels.aorta_lumen()),
        "iliac_arteries": iliacs(),
        "kidneys": {
            side: {"parenchyma_ml": round(kidney_volume_ml(side), 1), "centre_lps_mm": list(spec["centre"])}
            for side, spec in organs.KIDNEYS.items()
        },
        "skeleton": skeleton(),
        "bead": {
            "what": "lead bead on the skin, on the patient's left, in front",
            "centre_lps_mm": list(scene.BEAD),
            "diameter_mm": 2 * scene.BEAD_RADIUS,
        },
        "tissues": probes(PORTAL_VENOUS),
    }
