"""Muscles beside the spine, in the pelvis and around the hips."""

from __future__ import annotations

import numpy as np

from workstation.sample.body import MUSCLE
from workstation.sample.curves import Doubles, bounds, mirrored, rods_along, sheet, through
from workstation.sample.kernels import rods_distance
from workstation.sample.roughness import field
from workstation.sample.space import Canvas, paint, smooth_cut

Rows = list[tuple[float, ...]]


def _tubes(*rows: Rows) -> Doubles:
    return np.concatenate([rods_along(through(r, 3.0)) for r in rows])


def _curve(points: Rows, count: int) -> Doubles:
    fine = through(points, 0.5)
    pick = np.linspace(0, len(fine) - 1, count).round().astype(int)
    return np.asarray(fine[pick, :3])


def left_muscles() -> list[tuple[str, Doubles, float, float]]:
    """Name, rods (x > 0), rounding and share of fat in the fibres."""
    out: list[tuple[str, Doubles, float, float]] = []
    # the long muscles of the back: inner (multifidus) and outer columns
    inner = _tubes(
        [
            (16, 82, 260, 11),
            (15, 80, 200, 12),
            (15, 78, 130, 13),
            (16, 74, 60, 15),
            (17, 75, 0, 17),
            (18, 84, -40, 17),
            (16, 97, -80, 11),
            (14, 104, -110, 5),
        ],
    )
    outer = _tubes(
        [
            (40, 88, 260, 10),
            (42, 88, 200, 12),
            (43, 84, 130, 16),
            (43, 76, 60, 19),
            (43, 76, 10, 19),
            (40, 84, -30, 16),
            (34, 96, -70, 9),
            (28, 102, -95, 4),
        ],
        [(56, 84, 200, 8), (59, 79, 130, 12), (59, 72, 60, 13), (57, 73, 10, 12), (52, 82, -28, 9)],
    )
    out.append(("multifidus", inner, 4, 0.34))
    out.append(("erector", outer, 5, 0.20))
    out.append(
        (
            "quadratus",
            _tubes(
                [(58, 58, 118, 6), (64, 54, 70, 9), (72, 54, 30, 11), (80, 56, 0, 9)],
                [(70, 58, 60, 7), (82, 58, 22, 8), (88, 58, 4, 7)],
            ),
            4,
            0.1,
        )
    )
    psoas = _tubes(
        [
            (22, 40, 122, 6),
            (29, 37, 95, 10),
            (36, 34, 60, 14.5),
            (43, 32, 20, 17),
            (50, 29, -25, 18),
            (58, 21, -62, 17),
            (68, 2, -98, 17),
            (80, -22, -128, 15.5),
            (92, -34, -150, 17),
            (98, -24, -178, 16),
            (106, 2, -208, 12),
        ],
        [(30, 44, 70, 8), (36, 45, 25, 12), (43, 42, -20, 13)],
    )
    out.append(("psoas", psoas, 4, 0.06))
    crest = _curve([(62, 80, -48), (92, 58, -14), (118, 30, -8), (132, 0, -20), (128, -28, -48)], 24)
    mid = _curve([(60, 66, -70), (84, 46, -52), (102, 24, -48), (108, -2, -58), (106, -24, -76)], 24)
    low = _curve([(62, 52, -92), (74, 34, -94), (84, 12, -104), (90, -14, -112), (92, -28, -122)], 24)
    out.append(("iliacus", sheet([crest, mid, low], [5, 11, 11], 9), 5, 0.05))
    # gluteal layers
    top = _curve([(50, 104, -62), (40, 108, -90), (30, 108, -120), (24, 104, -150)], 26)
    mid = _curve([(92, 98, -86), (88, 98, -118), (80, 94, -150), (70, 88, -182)], 26)
    low = _curve([(132, 66, -140), (132, 68, -168), (128, 68, -196), (120, 68, -226)], 26)
    out.append(("gluteus maximus", sheet([top, mid, low], [11, 29, 18], 12), 6, 0.26))
    crest = _curve([(70, 98, -44), (100, 76, -4), (130, 44, 4), (148, 6, -12), (142, -30, -50)], 26)
    mid = _curve([(86, 86, -82), (112, 64, -66), (132, 34, -62), (142, 2, -66), (136, -26, -84)], 26)
    low = _curve([(118, 52, -132), (134, 38, -142), (144, 22, -150), (144, 6, -148), (136, -8, -142)], 26)
    out.append(("gluteus medius", sheet([crest, mid, low], [4, 15, 10], 12), 6, 0.10))
    mid = _curve([(98, 62, -88), (112, 42, -84), (120, 16, -84), (120, -8, -92), (114, -26, -104)], 20)
    low = _curve([(118, 38, -130), (124, 26, -136), (130, 10, -140), (128, -2, -140), (120, -12, -138)], 20)
    out.append(("gluteus minimus", sheet([mid, low], [8, 7], 6), 5, 0.10))
    out.append(
        ("piriformis", _tubes([(24, 76, -104, 7), (52, 72, -118, 11), (84, 58, -134, 9), (118, 34, -150, 5)]), 4, 0.12)
    )
    obt = sheet(
        [
            _curve([(64, 44, -128), (68, 10, -130), (62, -18, -146)], 14),
            _curve([(62, 44, -170), (60, 8, -176), (46, -24, -180)], 14),
            _curve([(54, 40, -206), (46, 6, -212), (30, -22, -206)], 14),
        ],
        [4, 7, 6],
        8,
    )
    out.append(("obturator internus", obt, 4, 0.05))
    out.append(
        (
            "obturator externus",
            _tubes([(32, -32, -186, 11), (54, -12, -192, 14), (84, 14, -192, 11), (108, 28, -184, 7)]),
            5,
            0.08,
        )
    )
    out.append(
        (
            "tensor",
            _tubes([(126, -50, -84, 8), (136, -44, -120, 13), (142, -34, -160, 14), (146, -26, -215, 12)]),
            4,
            0.12,
        )
    )
    out.append(
        (
            "sartorius",
            _tubes([(120, -54, -84, 5), (112, -64, -120, 8), (100, -66, -160, 9), (84, -66, -215, 10)]),
            4,
            0.06,
        )
    )
    out.append(
        (
            "rectus femoris",
            _tubes([(100, -36, -120, 6), (110, -46, -148, 12), (114, -46, -180, 15), (114, -44, -220, 17)]),
            4,
            0.06,
        )
    )
    out.append(
        (
            "vastus",
            _tubes(
                [(146, 4, -172, 9), (144, -4, -195, 15), (142, -8, -220, 19)],
                [(128, -22, -180, 9), (130, -22, -200, 14), (130, -22, -225, 17)],
            ),
            4,
            0.06,
        )
    )
    out.append(("pectineus", _tubes([(30, -58, -164, 8), (52, -40, -182, 13), (80, -18, -206, 12)]), 4, 0.06))
    out.append(
        (
            "adductors",
            _tubes(
                [(18, -52, -182, 9), (36, -46, -200, 15), (54, -40, -225, 20)],
                [(20, -38, -194, 9), (46, -10, -214, 19)],
            ),
            4,
            0.08,
        )
    )
    out.append(("quadratus femoris", _tubes([(70, 40, -200, 12), (96, 38, -200, 13), (122, 30, -198, 10)]), 4, 0.15))
    out.append(("hamstrings", _tubes([(70, 56, -190, 8), (78, 58, -206, 13), (84, 58, -230, 18)]), 4, 0.1))
    out.append(
        (
            "levator",
            sheet(
                [
                    _curve([(52, 30, -158), (44, 8, -166), (20, -30, -180)], 36),
                    _curve([(16, 48, -178), (14, 26, -186), (10, -20, -192)], 36),
                ],
                [2.2, 2.6],
                14,
            ),
            3,
            0.05,
        )
    )
    # the latissimus and the muscles between the ribs close the wall behind
    out.append(
        (
            "latissimus",
            sheet(
                [
                    _curve([(62, 104, 250), (64, 102, 160), (66, 92, 70)], 30),
                    _curve([(116, 86, 250), (112, 84, 160), (88, 84, 70)], 30),
                    _curve([(146, 48, 250), (138, 56, 170), (100, 76, 60)], 30),
                ],
                [3.4, 5, 4.5],
                14,
            ),
            4,
            0.1,
        )
    )
    return out  # fmt: skip


def paint_muscles(canvas: Canvas) -> None:
    """All of them on both sides, a little unlike left and right, with fat between the fibres."""
    for name, rods, k, fat in left_muscles():
        for s in (1, -1):
            side = rods if s > 0 else mirrored(rods)
            block = canvas.block(*bounds(side, 8))
            if block is None:
                continue
            sd = rods_distance(block, side, float(k), 7.0)
            # no muscle without fat between it and the skin
            sd = smooth_cut(sd, 11.0 - canvas.depth[block.place], 5.0)
            sd = sd + 1.3 * field(block, f"{name} {s}", 22) + (0.0 if s > 0 else 0.5)
            fibres = field(block, f"fibres {name} {s}", (4.5, 4.5, 24))
            streaks = np.clip(fibres - (1.5 - 2.2 * fat), 0, 1)
            value = MUSCLE + 4 * field(block, f"tone {name} {s}", 14) - 120 * streaks * fat * 2.2
            paint(block, sd.astype(np.float32), value.astype(np.float32), 0.7)
