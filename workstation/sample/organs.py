"""Solid organs, lungs and heart: bodies that fill what the ribs, the diaphragm and their neighbours leave."""

from __future__ import annotations

import numpy as np

from workstation.sample.body import cage_depth, diaphragm_level
from workstation.sample.curves import Doubles, bounds, rods_along, through
from workstation.sample.exact import bell
from workstation.sample.kernels import rods_distance
from workstation.sample.roughness import field, generator
from workstation.sample.space import (
    Array,
    Block,
    Canvas,
    cover,
    ellipsoid,
    fade,
    paint,
    smooth_cut,
    smooth_union,
    turned,
)

BILE = 8.0


def under_diaphragm(block: Block, gap: float) -> Array:
    level = diaphragm_level(block)
    steep = 0.62
    out: Array = np.maximum((block.z - level + gap + 2) * steep, -(cage_depth(block) - gap)).astype(np.float32)
    return out


def paint_lungs(canvas: Canvas) -> None:
    """Lung bases with their vessels, the diaphragm, and the underside of the heart."""
    block = canvas.block((-160, -125, 96), (160, 125, 400))
    if block is None:
        return
    level = diaphragm_level(block)
    cage = cage_depth(block)
    above = (level - block.z) * np.float32(0.62)
    lung = np.maximum(above, 2.0 - cage)
    # the middle: spine, aorta, gullet, heart
    spine = ellipsoid(block, (2, 50, 220), (30, 34, 400))
    tube = ellipsoid(block, (12, 15, 220), (17, 17, 400))
    veins = ellipsoid(block, (-22, 2, 240), (18, 15, 70))
    heart = ellipsoid(block, (22, -38, 243), (66, 44, 34), turned(8, -10, 18))
    fat = ellipsoid(block, (20, -44, 226), (72, 44, 30), turned(8, -6, 18))
    middle = np.minimum(np.minimum(smooth_union(spine, tube, 8), veins), smooth_union(heart - 4, fat, 6))
    # diaphragm: a thin muscle between lung and belly
    sheet = np.maximum(np.abs(above - 1.4) - 1.4, -cage)
    paint(block, sheet.astype(np.float32), 60.0, 0.8, 0.9)
    lung = smooth_cut(lung, -middle, 3.0)
    lung = np.asarray(lung + 0.6 * field(block, "pleura", 16), np.float32)
    tissue = -868 + 26 * field(block, "lung", 30) + 60 * fade(block.y, -20, 110) + 20 * field(block, "lung fine", 5)
    paint(block, lung, tissue.astype(np.float32), 0.6)
    rods = []
    draw = generator("lung vessels")
    for s in (-1, 1):
        for _ in range(90):
            root = np.array([s * draw.uniform(34, 50), draw.uniform(0, 40), 300.0])
            q = draw.uniform(-0.6, 1.1) * np.pi / 2
            reach = draw.uniform(0.5, 0.97)
            end = np.array(
                [s * (40 + 88 * reach * np.cos(q)), 12 + 66 * reach * np.sin(q) * 1.1, draw.uniform(120, 225)]
            )
            size = draw.uniform(1.4, 3.4)
            bend = (root + end) / 2 + draw.normal(0, 8, 3) + np.array([s * 8, 0, 6])
            branch = through([[*root, size], [*bend, size * 0.7], [*end, 0.6]], 4.0)
            rods.append(rods_along(branch))
            for _ in range(4):
                at = branch[int(draw.uniform(0.35, 0.95) * (len(branch) - 1))]
                tip = at[:3] + draw.normal(0, 1, 3) * np.array([14, 14, 18]) + np.array([s * 6, 4, -10])
                rods.append(
                    rods_along(
                        through([[*at[:3], at[3] * 0.7], [*((at[:3] + tip) / 2), at[3] * 0.5], [*tip, 0.4]], 4.0)
                    )
                )
    sd = rods_distance(block, np.concatenate(rods), 0.8, 3.0)
    paint(block, np.maximum(sd, lung + 0.6).astype(np.float32), 60.0, 0.6)
    # the heart: fat around muscle around blood
    sac = smooth_cut(smooth_union(heart - 4, fat, 6), -above + 0 * block.x, 3)
    inside = np.maximum(sac, 3 - cage)
    paint(block, inside.astype(np.float32), -98.0, 0.7)
    heart = np.maximum(heart, above + 2)
    paint(block, heart.astype(np.float32), canvas.phase.heart, 0.7)
    hu = canvas.phase.blood_heart
    for centre, radii in (((46, -40, 250), (34, 22, 20)), ((-8, -52, 248), (36, 20, 20))):
        paint(block, ellipsoid(block, centre, radii, turned(8, -10, 22)), hu, 1.0)
    gullet = ellipsoid(block, (6, -2, 230), (9, 8, 400)) * 1.0
    paint(block, np.maximum(gullet, 178 - block.z).astype(np.float32), 58.0)


def liver_distance(block: Block) -> Array:
    """Signed distance of the liver: what lies under the right dome, cut by its visceral face."""
    x, y, z = block.x, block.y, block.z
    warp = 3.0 * field(block, "liver", 46) + 1.0 * field(block, "liver small", 18)
    cavity = under_diaphragm(block, 2.2)
    # lower border climbs from the right flank to the left; the visceral face looks back and to the left
    lower = (0.0 + 62.0 + (x + 128) * 0.62 + 0.16 * (y + 20) + 14 * bell((x + 70) ** 2 / 900) - z) * 0.80
    right = smooth_cut(cavity, (lower + warp).astype(np.float32), 16)
    # the right lobe ends behind beside the vena cava, the left one passes in front of the stomach
    medial = (0.86 * (x + 20) + 0.50 * (y - 2)) - 3
    right = smooth_cut(right, (medial + warp).astype(np.float32), 14)
    leftward = (y + 36 - 0.22 * x + 0.12 * (z - 190) + 0 * x) * 0.95
    left = smooth_cut(cavity, (leftward + warp).astype(np.float32), 10)
    tip = (0.86 * (x - 62) + 0.30 * (190 - z) - 0.18 * (y + 70)) * 0.95
    left = smooth_cut(left, tip.astype(np.float32), 12)
    left = smooth_cut(left, (lower - 10 + warp).astype(np.float32), 12)
    out = smooth_union(right, left, 9)
    caudate = ellipsoid(block, (-14, -12, 152), (17, 17, 28), turned(0, 0, 20))
    out = smooth_union(out, caudate, 5)
    # fissure of the round ligament
    slit = np.maximum(np.abs(x + 12 + 0.25 * (y + 70)) - 0.07 * np.clip(-62 - y, 0, 40), y + 62)
    slit = np.maximum(slit, z - 136)
    return smooth_cut(out, (-slit).astype(np.float32), 4)


def _branching(name: str, start: Doubles, aim: Doubles, radius: float, depth: int, spread: float) -> list[Doubles]:
    draw = generator("branching", name)
    rods: list[Doubles] = []

    def grow(at: Doubles, way: Doubles, r: float, level: int) -> None:
        length = (17 + 9 * draw.random()) * (0.86 ** (depth - level))
        turn = draw.normal(0, 0.18, 3)
        end = at + length * (way + turn) / np.linalg.norm(way + turn)
        bend = (at + end) / 2 + draw.normal(0, 1.2, 3)
        rods.append(rods_along(through([[*at, r], [*bend, r * 0.92], [*end, r * 0.82]], 2.0)))
        if level == 0:
            return
        ahead = (end - at) / np.linalg.norm(end - at)
        side = np.cross(ahead, draw.normal(0, 1, 3))
        side /= np.linalg.norm(side)
        for sign, share in ((1, 0.80), (-1, 0.68)):
            grow(end, ahead + sign * spread * side * (0.7 + 0.6 * draw.random()), r * share, level - 1)

    grow(np.asarray(start, float), np.asarray(aim, float) / np.linalg.norm(aim), radius, depth)
    return rods


def paint_liver(canvas: Canvas) -> None:
    """The liver with portal branches, hepatic veins and the gallbladder in its bed."""
    block = canvas.block((-150, -125, 55), (100, 100, 240))
    if block is None:
        return
    sd = liver_distance(block)
    bladder = ellipsoid(block, (-58, -54, 92), (15.5, 17, 30), turned(-28, 14, 0)) + 0.8 * field(
        block, "gallbladder", 20
    )
    sd = smooth_cut(sd, -(bladder - 1.0).astype(np.float32), 2.5)
    texture = canvas.phase.liver + 3.2 * field(block, "liver tone", 34) + 2.6 * field(block, "liver grain", 5.5)
    paint(block, sd, texture.astype(np.float32), 0.6)
    portal = [
        rods_along(through([(-42, -14, 141, 6.2), (-56, -12, 148, 5.6), (-68, -8, 152, 5.2)])),
        rods_along(through([(-42, -14, 141, 5.2), (-34, -30, 152, 4.8), (-20, -48, 160, 4.4), (-12, -60, 168, 4.0)])),
        *_branching("right anterior", np.array([-68, -8, 152]), np.array([-0.7, -0.6, 0.5]), 4.0, 5, 0.62),
        *_branching("right posterior", np.array([-68, -8, 152]), np.array([-0.8, 0.7, -0.25]), 4.0, 5, 0.62),
        *_branching("right lower", np.array([-66, -8, 150]), np.array([-0.6, 0.0, -0.9]), 3.4, 5, 0.6),
        *_branching("left lateral", np.array([-12, -60, 168]), np.array([0.9, 0.0, 0.15]), 3.2, 4, 0.6),
        *_branching("left medial", np.array([-14, -58, 166]), np.array([-0.7, -0.35, 0.2]), 2.8, 4, 0.6),
        *_branching("left upper", np.array([-12, -60, 168]), np.array([0.5, -0.1, 0.7]), 2.6, 4, 0.6),
    ]
    veins = [
        rods_along(
            through(
                [(-26, 2, 205, 5.4), (-48, 4, 200, 4.8), (-78, 6, 182, 4.2), (-104, 6, 158, 3.0), (-116, 2, 130, 1.8)]
            )
        ),
        rods_along(
            through(
                [
                    (-26, -1, 205, 5.2),
                    (-38, -22, 202, 4.6),
                    (-52, -46, 184, 3.8),
                    (-62, -62, 156, 2.6),
                    (-68, -68, 130, 1.6),
                ]
            )
        ),
        rods_along(through([(-26, -1, 206, 5.0), (-14, -24, 204, 4.2), (4, -46, 196, 3.4), (22, -58, 188, 2.4)])),
        *_branching("vein right", np.array([-78, 6, 182]), np.array([-0.5, 0.5, 0.6]), 2.6, 4, 0.6),
        *_branching("vein right low", np.array([-100, 6, 160]), np.array([-0.3, -0.6, -0.5]), 2.2, 3, 0.6),
        *_branching("vein middle", np.array([-52, -46, 184]), np.array([-0.5, -0.4, 0.4]), 2.4, 3, 0.6),
    ]
    for rods, hu in ((veins, canvas.phase.hepatic), (portal, canvas.phase.portal)):
        near = rods_distance(block, np.concatenate(rods), 1.0, 3.0)
        paint(block, np.maximum(near, sd + 2.5).astype(np.float32), hu, 0.7)
    trunk = rods_distance(block, np.concatenate([portal[0], portal[1]]), 1.0, 3.0)
    paint(block, trunk, canvas.phase.portal, 0.7)
    paint(block, (bladder - 1.0).astype(np.float32), 62.0)
    paint(block, (bladder + 0.6).astype(np.float32), BILE)


def spleen_distance(block: Block) -> Array:
    """Signed distance of the spleen, against the ribs behind on the left."""
    warp = 1.8 * field(block, "spleen", 34)
    blob = ellipsoid(block, (103, 36, 162), (37, 54, 56), turned(-20, 12, -14)) + warp
    hollow = ellipsoid(block, (64, 12, 158), (28, 42, 60))
    out = smooth_cut(blob.astype(np.float32), under_diaphragm(block, 2.4), 6)
    return smooth_cut(out, (-hollow).astype(np.float32), 8)


def paint_spleen(canvas: Canvas) -> None:
    block = canvas.block((50, -40, 96), (160, 110, 232))
    if block is None:
        return
    sd = spleen_distance(block)
    texture = canvas.phase.spleen + 2.0 * field(block, "spleen tone", 26) + 2.0 * field(block, "spleen grain", 6)
    paint(block, sd, texture.astype(np.float32), 0.6)
    rods = np.concatenate(_branching("spleen hilum", np.array([86.0, 29, 155]), np.array([0.9, 0.3, 0.3]), 2.2, 3, 0.8))
    paint(block, rods_distance(block, rods, 1.0, 3.0), canvas.phase.portal)


KIDNEYS = {
    "right": {"centre": (-69.0, 40.0, 80.0), "radii": (25.5, 27.5, 54.0), "turn": (9.0, -11.0, -26.0)},
    "left": {"centre": (68.0, 39.0, 93.0), "radii": (26.5, 28.0, 56.5), "turn": (8.0, 12.0, 24.0)},
}


def kidney_parts(block: Block, side: str) -> tuple[Array, Array]:
    """Signed distances of a kidney's outline (with the sinus) and of its sinus."""
    spec = KIDNEYS[side]
    s = -1.0 if side == "right" else 1.0
    turn = turned(*spec["turn"])
    c = np.asarray(spec["centre"])
    blob = ellipsoid(block, spec["centre"], spec["radii"], turn)
    blob = blob + 1.0 * field(block, f"kidney {side}", 20)
    # the sinus opens to the middle and forward
    way = -s * turn[0]
    mouth = c + way * 23
    sinus = ellipsoid(block, c + way * 10, (12.5, 10.5, 24), turn)
    gate = rods_distance(block, np.array([[*(c + way * 10), *(mouth + way * 12), 7.5, 10.0]]), 0, 20.0)
    sinus = smooth_union(sinus, gate, 6) + 1.6 * field(block, f"sinus {side}", 11)
    return np.asarray(blob, np.float32), np.asarray(sinus, np.float32)


def paint_kidneys(canvas: Canvas) -> None:
    """Cortex, pyramids, sinus fat, pelvis with vessels; adrenal glands above; the ureters."""
    for side, spec in KIDNEYS.items():
        c = np.asarray(spec["centre"])
        block = canvas.block((c - [48, 48, 70]).tolist(), (c + np.array([48, 48, 70])).tolist())
        if block is None:
            continue
        outline, sinus = kidney_parts(block, side)
        sd = smooth_cut(outline, -sinus, 3)
        s = -1.0 if side == "right" else 1.0
        turn = turned(*spec["turn"])
        # pyramids: rows around the sinus
        pyramids = np.full(block.shape, 50, np.float32)
        draw = generator("pyramids", side)
        for _k, height in enumerate(np.linspace(-36, 36, 7)):
            for q in (-62, 0, 62) if abs(height) < 30 else (-30, 30):
                a = np.deg2rad(q + draw.normal(0, 6))
                out = s * turn[0] * np.cos(a) + turn[1] * np.sin(a)
                base = c + turn[2] * height * 0.92
                shape = np.sqrt(max(0.1, 1 - (height / 56) ** 2))
                tip = base + out * 11 * shape - turn[2] * height * 0.20
                end = base + out * 17.5 * shape + turn[2] * draw.normal(0, 1)
                cone = rods_distance(block, np.array([[*tip, *end, 2.6, 5.6 + draw.normal(0, 0.4)]]), 0, 20.0)
                pyramids = np.minimum(pyramids, cone)
        tone = canvas.phase
        value = (
            tone.cortex
            + (tone.medulla - tone.cortex) * cover(pyramids + 0.3, 1.4)
            + 4 * field(block, f"renal {side}", 8)
        )
        paint(block, sd, value.astype(np.float32), 0.6)
        inner = np.maximum(sinus, outline + 1)
        paint(block, np.maximum(inner, sd * -1).astype(np.float32), -80.0, 0.8)
        way = -s * turn[0]
        rods = []
        for height in (-24, -8, 10, 26):
            rods.append(
                rods_along(
                    through(
                        [
                            [*(c + way * 16), 4.4],
                            [*(c + way * 8 + turn[2] * height * 0.6), 3.2],
                            [*(c - way * 3 + turn[2] * height), 3.6],
                        ]
                    )
                )
            )
        paint(block, rods_distance(block, np.concatenate(rods), 2.0, 4.0), tone.urine, 0.7)
        vessels = []
        for height, d in ((-26, 0), (-12, 3), (4, -3), (20, 2), (32, 0)):
            vessels.append(
                rods_along(
                    through(
                        [
                            [*(c + way * 20 + turn[1] * 2), 2.2],
                            [*(c + way * 10 + turn[2] * height * 0.6 + turn[1] * (5 + d)), 1.8],
                            [*(c - way * 2 + turn[2] * height + turn[1] * (3 + d)), 1.0],
                        ]
                    )
                )
            )
            vessels.append(
                rods_along(
                    through(
                        [
                            [*(c + way * 20 - turn[1] * 4), 2.8],
                            [*(c + way * 10 + turn[2] * (height + 4) * 0.6 - turn[1] * (5 + d)), 2.2],
                            [*(c - way * 2 + turn[2] * (height + 4) - turn[1] * 4), 1.2],
                        ]
                    )
                )
            )
        paint(block, rods_distance(block, np.concatenate(vessels), 1.0, 3.0), tone.renal_vein, 0.6)
        hilum = c + way * 22
        ureter = rods_along(
            through([[*hilum, 5.0], [s * 40, 30, c[2] - 32, 2.6], [s * 39, 12, 20, 2.2], [s * 37, 6, -30, 2.2], [s * 44, 30, -90, 2.2], [s * 40, 34, -140, 2.2], [s * 20, 10, -158, 2.0]])
        )  # fmt: skip
        part = canvas.block(*bounds(ureter, 4))
        if part is not None:
            tube = rods_distance(part, ureter, 0.5, 3.0)
            paint(part, tube, 34.0)
            paint(part, tube + 1.0, tone.urine)
    for side, rows in {
        "right": [
            [(-28, 14, 122, 2.0), (-33, 24, 132, 2.6), (-37, 34, 126, 2.0)],
            [(-33, 22, 130, 2.6), (-31, 36, 134, 2.0)],
        ],
        "left": [
            [(22, 2, 124, 2.2), (30, 10, 132, 2.8), (38, 22, 126, 2.0)],
            [(30, 10, 132, 2.8), (28, 24, 128, 2.0), (27, 30, 124, 1.6)],
        ],
    }.items():
        limbs = np.concatenate([rods_along(np.asarray(through(r))) for r in rows])
        tall = np.concatenate([limbs + np.array([0, 0, lift, 0, 0, lift, 0, 0]) for lift in (-5, 0, 5)])
        part = canvas.block(*bounds(tall, 4))
        if part is not None:
            paint(part, rods_distance(part, tall, 2.0, 4.0) + 0.3 * field(part, f"adrenal {side}", 6), 84.0)


def paint_pancreas(canvas: Canvas) -> None:
    """Head in the duodenal loop, neck before the portal confluence, tail to the spleen; lobulated."""
    rods = np.concatenate(
        [
            rods_along(through([(-32, -24, 82, 11), (-33, -28, 96, 13), (-26, -34, 106, 12), (-12, -42, 112, 9), (6, -42, 118, 8.5), (26, -26, 124, 9), (48, -6, 136, 9.5), (70, 12, 147, 8), (84, 22, 154, 5)])),
            rods_along(through([(-30, -24, 88, 10), (-20, -22, 86, 7), (-12, -22, 90, 4)])),
        ]
    )  # fmt: skip
    block = canvas.block(*bounds(rods, 8))
    if block is None:
        return
    sd = rods_distance(block, rods, 4.0, 7.0)
    lobes = field(block, "pancreas", 7.5)
    sd = sd + 1.5 * lobes + 0.8 * field(block, "pancreas small", 4)
    clefts = fade(field(block, "pancreas clefts", 5.5), 0.9, 1.8)
    value = canvas.phase.pancreas + 3 * lobes - 105 * clefts * fade(sd, -7, -1)
    paint(block, sd.astype(np.float32), value.astype(np.float32), 0.7)
    duct = rods_along(through([(-34, -22, 84, 1.3), (-26, -32, 105, 1.2), (6, -41, 118, 1.1), (48, -6, 136, 0.9)]))
    paint(block, rods_distance(block, duct, 0, 3), 24.0, strength=0.7)
    bile = rods_along(through([(-44, -20, 144, 2.6), (-38, -22, 124, 2.8), (-36, -16, 104, 2.6), (-42, -12, 84, 2.0)]))
    part = canvas.block(*bounds(bile, 4))
    if part is not None:
        paint(part, rods_distance(part, bile, 0, 3), 12.0)


def paint_pelvic(canvas: Canvas) -> None:
    """Bladder, prostate and seminal vesicles."""
    block = canvas.block((-70, -75, -240), (70, 70, -95))
    if block is None:
        return
    out = ellipsoid(block, (2, -16, -146), (43, 33, 31), turned(-10, 0, 0)) + 1.5 * field(block, "bladder", 40)
    paint(block, out.astype(np.float32), 56.0)
    paint(block, (out + 2.6).astype(np.float32), canvas.phase.bladder, 0.8)
    rods = np.concatenate(
        [rods_along(through([(s * 4, 12, -164, 4), (s * 18, 17, -158, 5), (s * 30, 18, -152, 3.5)])) for s in (-1, 1)]
    )
    paint(block, rods_distance(block, rods, 2.0, 4.0) + 0.8 * field(block, "vesicles", 5), 46.0)
    gland = ellipsoid(block, (0, 0, -184), (23, 17, 19)) + 0.7 * field(block, "prostate", 12)
    tone = 74 + 9 * field(block, "prostate tone", 9)
    paint(block, gland.astype(np.float32), tone.astype(np.float32))
