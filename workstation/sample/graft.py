"""The follow-up: a bifurcated stent graft in a sac that has shrunk, and an endoleak that fills late."""

from __future__ import annotations

from typing import Any

import numpy as np

from workstation.sample import bowel, vessels
from workstation.sample.curves import Doubles, arc_length, bounds, frames, rods_along, through
from workstation.sample.kernels import rods_distance
from workstation.sample.scene import loops, paint_bead, paint_solid
from workstation.sample.space import Canvas, ellipsoid, paint
from workstation.sample.vessels import Tube

METAL = 2900.0
FABRIC = 120.0
WIRE_MM = 0.42
"""Radius of the struts' wire."""
SHRUNK = 0.915
"""Radius of the sac after a year, of the radius before, where it is widest; the neck keeps its own."""

_MAIN = [(3.6, 2.0, 95, 10.9), (4.2, -2, 84, 10.9), (4.8, -5, 76, 10.9), (5.8, -9.5, 67, 11.0), (6.2, -13.5, 57, 11.0),
         (6.2, -16, 46, 10.8), (6.0, -16.8, 34, 10.4)]  # fmt: skip
_LIMBS = {
    "right": [(1.4, -16.8, 38, 6.0), (0.2, -16.2, 26, 6.2), (-0.6, -13.0, 13, 6.0), (-2.2, -8.6, 3, 5.8), (-8, -7.5, -10, 6.3),
              (-20, -2, -28, 6.6), (-28.5, 5.4, -40, 6.8)],
    "left": [(10.8, -16.8, 38, 6.0), (11.4, -16.2, 26, 6.2), (10.0, -13.0, 13, 6.0), (7.6, -8.6, 3, 5.8), (12.5, -7.5, -10, 6.1),
             (24, -3, -29, 6.1), (32.5, 4.8, -43, 6.1)],
}  # fmt: skip
ENDOLEAK_CENTRE = (25.0, -23.0, 34.0)
ENDOLEAK_RADII = (4.6, 7.5, 9.0)


def outer_wall() -> Tube:
    """The aorta's outer wall a year later: the sac smaller, all else as it was."""
    before = vessels.aorta_outer()
    neck = 12.3
    share = np.clip((before.radius - neck - 1.0) / 8.0, 0, 1)
    radius = before.radius * (1 - (1 - SHRUNK) * share)
    return Tube(before.points, np.asarray(radius), before.oval, before.lobe)


def main_body(step: float = 0.5) -> Doubles:
    """Centre line and inner radius of the graft's trunk, (n, 4)."""
    return through(_MAIN, step)


def limb(side: str, step: float = 0.5) -> Doubles:
    """Centre line and inner radius of a limb, (n, 4)."""
    return through(_LIMBS[side], step)


def _rings(curve: Doubles, every_mm: float, peaks: int, height_mm: float) -> Doubles:
    """Zigzag rings around a centre line, as rods."""
    e1, e2 = frames(curve[:, :3])
    length = arc_length(curve)
    found = []
    for at in np.arange(height_mm / 2 + 0.5, length[-1] - height_mm / 2, every_mm):
        turn = np.linspace(0, 2 * np.pi, 2 * peaks + 1)
        along = at + height_mm / 2 * np.where(np.arange(2 * peaks + 1) % 2 == 0, 1.0, -1.0)
        place = np.interp(along, length, np.arange(len(curve)))
        i = np.clip(np.rint(place).astype(int), 0, len(curve) - 1)
        r = curve[i, 3] + 0.5
        points = curve[i, :3] + r[:, None] * (np.cos(turn)[:, None] * e1[i] + np.sin(turn)[:, None] * e2[i])
        found.append(rods_along(np.c_[points, np.full(len(points), WIRE_MM)]))
    return np.concatenate(found)


def struts() -> Doubles:
    """All wire of the graft, as rods."""
    parts = [_rings(main_body(), 9.0, 9, 7.5)]
    parts += [_rings(limb(side), 8.0, 6, 6.0) for side in _LIMBS]
    return np.concatenate(parts)


def paint_graft(canvas: Canvas) -> None:
    """Blood above the graft and inside it, the fabric, the wire, and the leak beside it."""
    lumen = vessels.aorta_lumen()
    block = canvas.block(*lumen.box(6))
    if block is not None:
        near, _, _ = lumen.distance(block)
        above = np.asarray(93.0 - block.z, np.float32)
        paint(block, np.maximum(near, above), canvas.phase.artery)
    leak = canvas.block(
        [c - r - 4 for c, r in zip(ENDOLEAK_CENTRE, ENDOLEAK_RADII, strict=True)],
        [c + r + 4 for c, r in zip(ENDOLEAK_CENTRE, ENDOLEAK_RADII, strict=True)],
    )
    if leak is not None:
        paint(leak, ellipsoid(leak, ENDOLEAK_CENTRE, ENDOLEAK_RADII), canvas.phase.endoleak)
    flow = np.concatenate([rods_along(main_body(2.0)), *(rods_along(limb(side, 2.0)) for side in _LIMBS)])
    block = canvas.block(*bounds(flow, 5))
    if block is not None:
        inside = rods_distance(block, flow, 0.8, 4.0)
        paint(block, inside - 0.5, FABRIC)
        paint(block, inside, canvas.phase.artery)
    wire = struts()
    block = canvas.block(*bounds(wire, 3))
    if block is not None:
        paint(block, rods_distance(block, wire, 0.0, 2.0), METAL)


def paint_patient(canvas: Canvas) -> None:
    """The same patient a year later."""
    paint_solid(canvas)
    vessels.paint_veins(canvas)
    vessels.paint_arteries(canvas, outer_wall(), paint_graft)
    bowel.paint_small_bowel(canvas, list(loops()))
    paint_bead(canvas)


def truth() -> dict[str, Any]:
    """What is exactly known of the follow-up, beside what has not changed since the stored study."""
    from workstation.sample.truth import maximum, neck_end, tube_volume_ml

    before, after = vessels.aorta_outer(), outer_wall()
    one, two = maximum(before), maximum(after)
    start = int(np.argmax(before.points[:, 2] < 95.0))
    end = neck_end(before, start)
    volumes = [tube_volume_ml(tube, end, len(tube.points) - 1) for tube in (before, after)]
    leak = 4 / 3 * np.pi * float(np.prod(ENDOLEAK_RADII)) / 1000
    return {
        "space": "LPS, mm; frame of reference of this study, which is not that of the stored one",
        "sac_outer_maximum": two,
        "sac_change": {
            "definition": "this study minus the stored one, outer wall, orthogonal to the centre line",
            "diameter_mm": round(two["diameter_mm"] - one["diameter_mm"], 2),
            "volume_ml": round(volumes[1] - volumes[0], 1),
            "volume_now_ml": round(volumes[1], 1),
        },
        "graft": {
            "trunk_length_mm": round(float(arc_length(main_body())[-1]), 2),
            **{f"limb_{side}_length_mm": round(float(arc_length(limb(side))[-1]), 2) for side in _LIMBS},
            "upper_end_lps_mm": [round(float(v), 2) for v in main_body()[0, :3]],
        },
        "endoleak": {
            "centre_lps_mm": list(ENDOLEAK_CENTRE),
            "radii_mm": list(ENDOLEAK_RADII),
            "volume_ml": round(leak, 2),
            "seen_in": "delayed series only",
        },
    }
