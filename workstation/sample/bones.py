"""Spine, ribs, sacrum, pelvis and upper femora: rounded unions of rods and bodies, with cortex and marrow."""

from __future__ import annotations

import numpy as np

from workstation.sample.body import cage_rim
from workstation.sample.curves import Doubles, bounds, mirrored, rod, rods_along, sheet, tangents, through
from workstation.sample.exact import bell, length, power
from workstation.sample.kernels import rods_distance
from workstation.sample.roughness import field, generator
from workstation.sample.space import Array, Block, Canvas, ellipsoid, fade, paint, smooth_cut, smooth_union

CORTEX = 1050.0
MARROW = 175.0

# name, height of the middle, front-back place, half width, half depth, half height
VERTEBRAE = [
    ("T8", 268, 43, 15.5, 14.5, 11.0), ("T9", 240, 44.5, 16.0, 15.0, 11.5), ("T10", 211, 45, 17.0, 15.5, 12.0),
    ("T11", 181, 43, 18.5, 16.0, 12.5), ("T12", 149, 40, 20.0, 16.5, 13.2), ("L1", 114, 35.5, 21.5, 17.0, 13.8),
    ("L2", 77, 30.5, 22.5, 17.4, 14.2), ("L3", 39, 27, 23.5, 17.8, 14.4), ("L4", 1, 26.5, 24.5, 18.0, 14.4),
    ("L5", -36, 32, 25.5, 18.0, 14.0),
]  # fmt: skip


def spine_line() -> Doubles:
    """Middle of the vertebral bodies from T8 down to S1, slightly bent to one side."""
    rows = [(2.2 * np.sin((v[1] - 60) / 85), v[2], v[1]) for v in VERTEBRAE] + [(0.0, 44.0, -71.0)]
    return through(rows, 1.0)


def axes_at(line: Doubles, z: float) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Middle of the spine at a height, and the unit vectors to the left, to the back and upwards there."""
    i = int(np.argmin(np.abs(line[:, 2] - z)))
    up = -tangents(line)[i]
    left = np.array([1.0, 0, 0]) - up[0] * up
    left /= np.linalg.norm(left)
    back = np.cross(up, left)
    return line[i, :3], left, back, up


def _local(block: Block, centre: Doubles, axis: Doubles) -> Array:
    dx, dy, dz = block.x - centre[0], block.y - centre[1], block.z - centre[2]
    out: Array = (np.float32(axis[0]) * dx + np.float32(axis[1]) * dy + np.float32(axis[2]) * dz).astype(np.float32)
    return out


def paint_bone(block: Block, sd: Array, thin: float, name: str, cortex: float = CORTEX, marrow: float = MARROW) -> None:
    """Cortex of a given thickness over marrow with its texture."""
    grain = field(block, f"marrow {name}", 3.6) * 26 + field(block, f"marrow wide {name}", 15) * 16
    deep = fade(-sd, thin - 0.35, thin + 1.0)
    value = cortex + (marrow + grain - cortex) * deep
    paint(block, sd, value.astype(np.float32), 0.5)


def paint_spine(canvas: Canvas) -> None:
    """Vertebrae, discs, ligaments and the canal with its sac."""
    line = spine_line()
    for index, (name, z, _, a, b, h) in enumerate(VERTEBRAE):
        centre, left, back, up = axes_at(line, z)
        block = canvas.block((centre - [62, 40, 46]).tolist(), (centre + np.array([62, 92, 46])).tolist())
        if block is None:
            continue
        u, v, w = (_local(block, centre, axis) for axis in (left, back, up))
        rough = 0.5 * field(block, f"vertebra {name}", 9)
        flare = 0.90 + 0.10 * np.clip(np.abs(w) / h, 0, 1) ** 2
        body = _drum(u, v, a, b, flare) + rough
        ends = np.abs(w) - h + 1.4 * (1 - np.clip(length(u / a, v / b), 0, 1) ** 2)
        sd = smooth_cut(body, ends.astype(np.float32), 2.2)
        # the disc below: ring and soft middle
        below = VERTEBRAE[index + 1] if index + 1 < len(VERTEBRAE) else None
        gap = (z - h) - (below[1] + below[5]) if below else 11.0
        disc = np.maximum(_drum(u, v, a + 0.8, b + 0.6, 1.0), np.abs(w + h + gap / 2) - gap / 2 - 1.2)
        ring = 88 - 22 * fade(-_drum(u, v, a, b, 1.0), 2, 9) + 4 * field(block, "disc", 6)
        paint(block, disc.astype(np.float32), ring.astype(np.float32))
        _arch(block, name, centre, left, back, up, a, b, lumbar=name.startswith("L"))
        plate = np.where(np.abs(w) > h - 3.2, 1.5, 0.75).astype(np.float32)
        grain = field(block, f"marrow {name}", 3.4) * 24 + field(block, f"marrow wide {name}", 13) * 14
        deep = fade(-sd - plate, -0.3, 1.0)
        # where the basivertebral vein enters, behind
        vein = 60 * bell((w / 2.5) ** 2 + (u / 4.5) ** 2) * fade(v, b - 12, b - 3)
        value = 760 + (185 + grain - vein - 760) * deep
        paint(block, sd, value.astype(np.float32), 0.5)


def _drum(u: Array, v: Array, a: float, b: float, flare: Array | float) -> Array:
    # outline of a vertebral body: rounded, wider than deep, hollow behind
    au, bv = a * flare, b * flare
    p = 2.5
    n = power(power(np.abs(u / au), p) + power(np.abs(v / bv), p), 1 / p) + np.float32(1e-4)
    r = length(u, v)
    outer = r - r / n
    hollow = 15.0 - length(u, v - b - 11.5)
    return smooth_cut(np.asarray(outer, np.float32), np.asarray(hollow, np.float32), 3.0)


def _arch(
    block: Block, name: str, c: Doubles, left: Doubles, back: Doubles, up: Doubles, a: float, b: float, lumbar: bool
) -> None:
    draw = generator("arch", name)

    def at(u: float, v: float, w: float) -> Doubles:
        j = draw.normal(0, 0.5, 3)
        return np.asarray(c + (u + j[0]) * left + (v + j[1]) * back + (w + j[2]) * up)

    rods = []
    for s in (-1, 1):
        ped, lam = (a * 0.64, a * 0.72) if lumbar else (a * 0.6, a * 0.62)
        for w in (3.5, 8.5):
            rods.append(rod(at(s * ped, b - 5, w), at(s * lam, b + 9, w - 0.5), 3.9, 3.6))
        rods.append(rod(at(s * lam, b + 10, 7), at(s * lam * 0.92, b + 16, -6), 4.2, 4.0))
        for w in (-8, -2, 3):
            rods.append(rod(at(s * lam * 0.9, b + 15, w), at(0, b + 26, w - 5), 2.9, 3.2))
        # joints: upper process looks inward, lower one outward
        rods.append(rod(at(s * (lam + 3), b + 12, 4), at(s * (lam + 4.5), b + 12, 20), 4.6, 4.0))
        rods.append(rod(at(s * lam * 0.8, b + 18, -6), at(s * lam * 0.86, b + 17, -23), 4.2, 4.4))
        if lumbar:
            reach = {"L1": 35, "L2": 40, "L3": 45, "L4": 42, "L5": 42}[name] + draw.uniform(-1.5, 1.5)
            lift = 5 if name != "L5" else 2
            for w in (2.0, 6.0):
                rods.append(rod(at(s * (lam + 1), b + 9, w), at(s * reach * 0.7, b + 12, w + 1), 3.2, 2.4))
                rods.append(rod(at(s * reach * 0.7, b + 12, w + 1), at(s * reach, b + 14, lift + 1), 2.4, 2.6))
        elif name != "T12":
            rods.append(rod(at(s * lam, b + 12, 5), at(s * (lam + 17), b + 25, 9), 4.4, 4.6))
        else:
            rods.append(rod(at(s * lam, b + 12, 5), at(s * (lam + 9), b + 19, 4), 4.2, 3.8))
    # the spinous process, a tall plate in the lumbar spine, slanting above
    if lumbar:
        reach = {"L5": 17}.get(name, 24)
        for w in np.linspace(-11, 5, 6):
            rods.append(rod(at(0, b + 25, w * 0.8 - 3), at(0, b + 25 + reach, w - 6), 2.7, 3.3))
    else:
        for w in np.linspace(-4, 4, 3):
            rods.append(rod(at(0, b + 24, w - 4), at(0, b + 46, w - 22), 2.8, 3.0))
    sd = rods_distance(block, np.concatenate(rods), 3.2, 6.0)
    sd = sd + 0.45 * field(block, f"arch {name}", 6)
    paint_bone(block, sd, 1.5, f"arch {name}", 980, 210)


def paint_canal(canvas: Canvas) -> None:
    """Fat, dural sac with its roots, and the conus above L1; laid before the vertebrae."""
    line = spine_line()
    half = np.interp(line[:, 2], [v[1] for v in VERTEBRAE[::-1]], [v[4] for v in VERTEBRAE[::-1]])
    t = tangents(line)
    back = np.cross(-t, np.array([1.0, 0, 0]))
    back /= np.linalg.norm(back, axis=1, keepdims=True)
    middle = line[:, :3] + back * (half + 9.5)[:, None]
    sacral = through([middle[-1], (0, 78, -88), (0, 88, -108), (0, 91, -124)], 1.0)
    middle = np.concatenate([middle, sacral[1:]])
    z = middle[:, 2]
    radius = np.interp(z, [-120, -60, -30, 60, 130, 260], [4, 7, 8, 8.2, 7.8, 7.4])
    rods = rods_along(np.c_[middle, radius])
    block = canvas.block(*bounds(rods, 6))
    if block is None:
        return
    sd = rods_distance(block, rods, 0, 5)
    paint(block, sd - 3.2, -85.0)
    paint(block, sd, 22.0)
    roots = field(block, "roots", (3.2, 3.2, 30))
    paint(block, sd + 1.5, (24 + 10 * roots).astype(np.float32))
    high = middle[z > 108]
    cord = rods_along(np.c_[high, np.interp(high[:, 2], [108, 130, 260], [2.2, 4.6, 4.4])])
    paint(block, rods_distance(block, cord, 0, 5), 42.0)


def paint_ribs(canvas: Canvas) -> None:
    """Ribs 7 to 12 on both sides, sloping down around the cage, with the cartilage of the costal margin."""
    line = spine_line()
    spec = {"T8": (1.0, 82), "T9": (0.95, 80), "T10": (0.86, 76), "T11": (0.62, 62), "T12": (0.36, 40)}
    for name, (around, fall) in spec.items():
        z = next(v[1] for v in VERTEBRAE if v[0] == name)
        b = next(v[4] for v in VERTEBRAE if v[0] == name)
        centre, _, back, _ = axes_at(line, z)
        for s in (-1, 1):
            draw = generator("rib", name, s)
            start = centre + back * (b * 0.55) + np.array([s * 18, 0, 10])
            neck = centre + back * (b + 24) + np.array([s * 34, 0, 8])
            points = [[*start, 4.0], [*neck, 4.2]]
            # from the angle of the rib forward along the cage
            angles = np.linspace(0.50, 0.50 - around * 0.98, 9) * np.pi
            for i, q in enumerate(angles[1:], 1):
                share = i / 8
                height = z + 6 - fall * share**1.15 + draw.normal(0, 0.6)
                x, y = cage_rim(s * np.cos(q) * 140 + s * 22 * (1 - share), np.sin(q) * 100, height)
                grow = 1 + 4.0 / np.hypot(x, y)
                points.append([x * grow, y * grow, height, 4.0 - 0.3 * share])
            curve = through(points, 2.0)
            # flat from outside to inside: three thin rods above each other
            rods = np.concatenate([rods_along(curve + np.array([0, 0, w, -1.15])) for w in (-3.2, 0.0, 3.2)])
            block = canvas.block(*bounds(rods, 4))
            if block is None:
                continue
            sd = rods_distance(block, rods, 2.0, 5.0)
            paint_bone(block, sd, 0.95, f"rib {name} {s}", 900, 190)
            if around > 0.8:
                tip = curve[-1]
                end = [s * 22, -76 if name != "T10" else -85, tip[2] + (34 if name != "T10" else 20)]
                joint = through([[*tip[:3], 5.2], [tip[0] * 0.72, tip[1] - 3, tip[2] - 2, 5.0], [*end, 4.6]], 2.0)
                cart = rods_along(joint)
                block = canvas.block(*bounds(cart, 4))
                if block is not None:
                    sd = rods_distance(block, cart, 1.0, 5.0)
                    spots = fade(field(block, f"cartilage {name} {s}", 5), 0.75, 1.5) * 260
                    paint(block, sd, (96 + spots + 60 * fade(sd, -1.6, -0.2)).astype(np.float32))


def _curve(points: list[tuple[float, ...]], count: int) -> Doubles:
    fine = through(points, 0.5)
    pick = np.linspace(0, len(fine) - 1, count).round().astype(int)
    return np.asarray(fine[pick, :3])


def pelvis_rods() -> dict[str, Doubles]:
    """One side (x > 0) of the hip bone, as named bundles of rods."""
    crest = _curve(
        [(44, 95, -78), (62, 92, -44), (92, 70, -8), (122, 38, 4), (139, 4, -8), (136, -28, -42), (122, -50, -79)], 64
    )
    middle = _curve(
        [(42, 84, -92), (56, 80, -72), (82, 60, -50), (104, 34, -42), (116, 6, -50), (118, -22, -68), (112, -40, -92)],
        64,
    )
    low = _curve(
        [
            (46, 72, -108),
            (54, 66, -102),
            (66, 54, -100),
            (80, 36, -104),
            (92, 16, -112),
            (97, -6, -116),
            (98, -26, -116),
        ],
        64,
    )
    wing = sheet([crest, middle, low], [4.6, 3.2, 7.4], 15)
    rim = np.c_[crest[:-1], crest[1:], np.full(len(crest) - 1, 5.2), np.full(len(crest) - 1, 5.2)]
    column = np.concatenate(
        [
            rods_along(through([(62, 60, -106, 8), (72, 46, -122, 9), (78, 36, -140, 9), (78, 38, -160, 9), (72, 44, -184, 10), (66, 40, -206, 12), (62, 32, -226, 12)])),
            rods_along(through([(96, -8, -116, 9), (92, -20, -128, 8.5), (82, -26, -138, 8), (68, -32, -147, 7), (48, -44, -158, 6.4), (30, -53, -165, 7), (14, -57, -170, 8)])),
            rods_along(through([(12, -56, -172, 8), (11, -52, -186, 7.5), (16, -44, -198, 6), (28, -26, -210, 5), (44, 0, -222, 5.6), (58, 22, -228, 8)])),
            rods_along(through([(70, 52, -132, 5), (60, 58, -140, 3.6), (52, 58, -146, 2.4)])),
        ]
    )  # fmt: skip
    return {"wing": np.concatenate([wing, rim]), "column": column}


HIP = np.array([89.0, 6.0, -146.0])
HEAD_RADIUS = 24.0


def hip_centre(side: int) -> Doubles:
    """Middle of a femoral head: side 1 is left, -1 right."""
    return np.asarray(HIP * [side, 1, 1] + np.array([0.6 * side, 0, -0.8 * (side < 0)]))


def paint_pelvis(canvas: Canvas) -> None:
    """Hip bones with their sockets, sacrum, tail bone and the upper ends of the femora."""
    draw = generator("pelvis")
    parts = pelvis_rods()
    for s in (1, -1):
        centre = hip_centre(s)
        rods = np.concatenate([parts["wing"], parts["column"]])
        if s < 0:
            rods = mirrored(rods)
            rods[:, [2, 5]] += 1.2
            rods[:, [0, 3]] *= 0.992
        block = canvas.block(*bounds(rods, 10))
        if block is not None:
            sd = rods_distance(block, rods, 5.0, 8.0)
            ball = ellipsoid(block, centre, (1, 1, 1))
            ball = np.sqrt((block.x - centre[0]) ** 2 + (block.y - centre[1]) ** 2 + (block.z - centre[2]) ** 2)
            cup = np.maximum(ball - 34.5, 27.0 - ball)
            face = (
                0.74 * s * (block.x - centre[0]) - 0.30 * (block.y - centre[1]) - 0.60 * (block.z - centre[2])
            ) - 4.0
            cup = smooth_cut(cup.astype(np.float32), face.astype(np.float32), 4.0)
            sd = smooth_union(sd, cup, 6.0)
            sd = smooth_cut(sd, (27.0 - ball).astype(np.float32), 1.5)
            sd = sd + 0.6 * field(block, f"hip {s}", 12)
            paint_bone(block, sd, 1.5, f"hip {s}", 1000, 165)
        _femur(canvas, centre, s)
    _sacrum(canvas)
    del draw


def _femur(canvas: Canvas, c: Doubles, s: int) -> None:
    def p(x: float, y: float, z: float, r: float) -> tuple[float, ...]:
        return (c[0] + s * x, c[1] + y, c[2] + z, r)

    neck = rods_along(
        through(
            [
                p(6, 1, -5, 17),
                p(18, 4, -15, 15.2),
                p(32, 8, -30, 16.5),
                p(39, 8, -48, 15.5),
                p(38, 6, -75, 12.8),
                p(36, 3, -110, 12),
            ]
        )
    )
    great = rods_along(through([p(47, 16, -14, 8), p(50, 16, -26, 12.5), p(47, 12, -44, 13)]))
    small = rods_along(through([p(30, 14, -56, 10), p(22, 22, -64, 7.5)]))
    rods = np.concatenate([neck, great, small])
    low, high = bounds(rods, 8)
    low[0], high[0] = min(low[0], c[0] - 30), max(high[0], c[0] + 30)
    low[1], high[2] = min(low[1], c[1] - 30), c[2] + 30
    block = canvas.block(low, high)
    if block is None:
        return
    sd = rods_distance(block, rods, 7.0, 9.0)
    head = np.sqrt((block.x - c[0]) ** 2 + (block.y - c[1]) ** 2 + (block.z - c[2]) ** 2) - HEAD_RADIUS
    sd = smooth_union(sd, head.astype(np.float32), 4.0)
    sd = sd + 0.4 * field(block, f"femur {s}", 12)
    thick = np.clip(1.4 + (c[2] - 45 - block.z) * 0.10, 1.3, 5.5)
    # trabecular lines of the head carry the weight; the shaft holds fat
    dense = 110 * fade(-(head), 0, 14) + 0 * block.z
    fatty = fade(c[2] - 30 - block.z, 0, 45)
    marrow = (190 + dense) * (1 - fatty) - 40 * fatty
    grain = field(block, f"marrow femur {s}", 3.6) * 24 * (1 - 0.7 * fatty)
    deep = fade(-sd - thick, -0.35, 1.2)
    value = 1150 + (marrow + grain - 1150) * deep
    # cartilage of the joint lies around the head
    paint(block, (head - 2.6).astype(np.float32), 78.0, strength=0.9)
    paint(block, sd, value.astype(np.float32), 0.5)


def _sacrum(canvas: Canvas) -> None:
    curve = through([(0, 43, -71), (0, 56, -88), (0, 72, -105), (0, 82, -124), (0, 83, -142)], 3.0)
    t = np.linspace(0, 1, len(curve))
    rods = []
    for i in range(len(curve) - 1):
        wide = np.interp(t[i], [0, 0.2, 0.5, 0.8, 1], [50, 50, 38, 27, 18])
        deep = np.interp(t[i], [0, 0.5, 1], [15, 10, 6])
        rise = np.interp(t[i], [0, 1], [4, 0])
        for s in (-1, 1):
            a = curve[i, :3]
            rods.append(rod(a, a + np.array([s * wide * 0.5, 5, rise]), deep * 0.95, deep * 0.72))
            rods.append(
                rod(
                    a + np.array([s * wide * 0.5, 5, rise]),
                    a + np.array([s * (wide - 8), 11, rise - 3]),
                    deep * 0.72,
                    deep * 0.72,
                )
            )
            rods.append(rod(a + np.array([s * 16, 20, 0]), a + np.array([s * 3, 27 - 6 * t[i], -3]), 4.0, 3.6))
    tail = rods_along(through([(0, 84, -146, 6), (0, 80, -158, 5.2), (0, 72, -170, 4.2), (0, 64, -178, 3.2)]))
    bundle = np.concatenate([*rods, tail])
    block = canvas.block(*bounds(bundle, 8))
    if block is None:
        return
    sd = rods_distance(block, bundle, 5.0, 7.0)
    # openings for the nerves, in front and behind, and the canal
    holes = []
    for place, x in ((0.14, 23), (0.40, 21), (0.64, 18), (0.86, 15)):
        c = curve[int(place * (len(curve) - 1)), :3]
        for s in (-1, 1):
            holes.append(rod(c + np.array([s * (x + 4), -16, -5]), c + np.array([s * (x - 3), 10, 0]), 5.0, 3.2))
    canal = rods_along(through([(0, 70, -62, 9), (0, 80, -86, 7), (0, 91, -108, 5.5), (0, 94, -124, 4)]))
    cut = rods_distance(block, np.concatenate([*holes, canal]), 0.0, 6.0)
    sd = smooth_cut(sd, np.clip(-cut, -30, 30), 2.0) + 0.6 * field(block, "sacrum", 10)
    paint_bone(block, sd, 1.2, "sacrum", 900, 150)
