"""A T1-weighted head: signal painted structure after structure, seen by a sagittal 3D gradient echo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workstation.base.atomic import write_bytes
from workstation.sample.curves import Doubles, rods_along, through
from workstation.sample.kernels import rods_distance
from workstation.sample.roughness import field, generator
from workstation.sample.space import Array, Block, Canvas, Grid, cover, ellipsoid, fade, paint, smooth_cut, smooth_union

SLICES, SIZE = 176, 256
CENTRE_LPS = (0.0, 4.0, -21.0)
"""Middle of the scanned box, mm LPS."""
SEED = 7
_MARGIN = 6  # slices beside the wanted ones that point spread and folds reach into

FAT, SKIN, MUSCLE, MARROW, CORTEX, AIR = 2500.0, 1250.0, 900.0, 1900.0, 70.0, 12.0
FLUID, GREY, WHITE, STEM, DEEP, VITREOUS = 240.0, 930.0, 1420.0, 1330.0, 1120.0, 260.0
RIBBON_MM = 2.6
EYES = {"right": (-32.0, -73.0, -19.0), "left": (32.0, -73.0, -19.0)}
EYE_RADIUS = 12.0
MARKER = (-83.0, -40.0, 10.0)
"""Middle of the capsule of oil, on the patient's right temple."""
MARKER_RADII = (4.5, 8.0, 4.5)
LATERAL = {
    "body": [(9, -34, 16, 4.0), (11, -18, 22, 5.0), (13, 4, 25, 5.0), (17, 26, 22, 5.5), (24, 40, 12, 6.0), (26, 58, 8, 3.6), (24, 68, 6, 1.6)],
    "temporal": [(25, 40, 10, 5.0), (31, 32, -6, 3.6), (33, 16, -16, 2.8), (31, 2, -18, 2.0)],
}  # fmt: skip


def grid() -> Grid:
    """Voxel centres, 1 mm apart."""
    x, y, z = (
        (np.arange(n) - (n - 1) / 2 + c).astype(np.float32)
        for n, c in zip((SLICES, SIZE, SIZE), CENTRE_LPS, strict=True)
    )
    return Grid(x, y, z)


def _both(centre: tuple[float, float, float], block: Block, radii: tuple[float, float, float]) -> Array:
    x, y, z = centre
    return np.minimum(ellipsoid(block, (x, y, z), radii), ellipsoid(block, (-x, y, z), radii))


def _mirrored(rods: Doubles) -> Doubles:
    other = rods.copy()
    other[:, [0, 3]] *= -1
    return np.concatenate([rods, other])


def _line(
    block: Block, points: Sequence[tuple[float, ...]], k: float = 2.0, reach: float = 40.0, *, both: bool = False
) -> Array:
    rods = rods_along(through(points, 2.0))
    return rods_distance(block, _mirrored(rods) if both else rods, k, reach)


def cerebrum(block: Block) -> Array:
    """Signed distance to the hemispheres' hull, mm."""
    hull = ellipsoid(block, (0, 2, 16), (66, 85, 58))
    hull = smooth_union(hull, _both((36, 10, 24), block, (30, 66, 44)), 10)
    floor = -12 - block.z - 0.12 * (block.y + 20)
    hull = smooth_cut(hull, np.broadcast_to(floor, block.shape).astype(np.float32), 8)
    poles = _both((43, -8, -18), block, (22, 37, 24))
    occipital = _both((26, 62, 0), block, (28, 26, 26))
    return smooth_union(smooth_union(hull, poles, 9), occipital, 10)


def cerebellum(block: Block) -> Array:
    """Signed distance to the cerebellum's hull, mm."""
    return smooth_union(_both((24, 50, -40), block, (28, 30, 23)), ellipsoid(block, (0, 50, -36), (14, 26, 24)), 8)


def brainstem(block: Block) -> Array:
    """Midbrain, pons, medulla, cord."""
    stem = _line(
        block, [(0, 12, 0, 13), (0, 11, -12, 13), (0, 10, -26, 14.5), (0, 14, -42, 10), (0, 18, -56, 7.5), (0, 22, -76, 6), (0, 23, -110, 5.6), (0, 25, -160, 5.6)], 3.0
    )  # fmt: skip
    pons = ellipsoid(block, (0, 3, -28), (17, 11, 13))
    return smooth_union(stem, pons, 6)


def ventricles(block: Block) -> dict[str, Array]:
    """Signed distances: lateral (both), third, fourth."""
    lateral = np.minimum(
        _line(block, LATERAL["body"], 0.0, both=True), _line(block, LATERAL["temporal"], 0.0, both=True)
    )
    third = ellipsoid(block, (0, 6, 4), (2.6, 13, 10))
    fourth = ellipsoid(block, (0, 30, -34), (6.5, 6, 11))
    return {"lateral": lateral, "third": third, "fourth": fourth}


def outline(block: Block) -> Array:
    """Signed distance to the skin, mm."""
    scalp = smooth_union(ellipsoid(block, (0, 4, 14), (82, 107, 83)), _both((34, 8, 26), block, (43, 86, 64)), 10)
    face = smooth_union(
        ellipsoid(block, (0, -44, -52), (59, 54, 66)), ellipsoid(block, (0, -62, -92), (40, 40, 34)), 22
    )
    nose = _line(block, [(0, -97, -12, 7.0), (0, -104, -28, 7.0), (0, -111, -43, 8.5), (0, -107, -49, 8.5)], 4.0)
    wings = _both((9, -99, -48), block, (7, 9, 7))
    lips = smooth_union(ellipsoid(block, (0, -98, -72), (22, 7, 5)), ellipsoid(block, (0, -97, -81), (19, 7, 5.5)), 1.5)
    chin = ellipsoid(block, (0, -84, -108), (22, 18, 16))
    sockets = _both((33, -99, -18), block, (16, 11, 10))
    neck = _line(block, [(0, 18, -60, 56), (0, 18, -100, 54), (0, 14, -180, 57)], 0.0, 70)
    head = smooth_union(smooth_union(scalp, face, 14), neck, 24)
    head = smooth_cut(head, -sockets, 7)
    for part, k in ((nose, 9.0), (wings, 5.0), (lips, 4.0), (chin, 12.0)):
        head = smooth_union(head, part, k)
    ears = _both((80, 16, -24), block, (7, 18, 31))
    shell = smooth_cut(ears, -_both((87, 12, -26), block, (6.5, 10, 18)), 3)
    out = smooth_union(head, shell, 4)
    return np.asarray(out + 0.8 * field(block, "head skin", 34), np.float32)


def _fill(block: Block, sd: Array) -> None:
    """Skin, fat and muscle outside the skull."""
    signal = block.hu
    grain = field(block, "head muscle", (7, 7, 11))
    paint(block, sd, SKIN)
    paint(block, sd + 2.2, np.asarray(FAT + 120 * field(block, "head fat", 9), np.float32))
    deep = np.where(block.z > -38, 6.5, 9.0)
    planes = np.abs(field(block, "fat planes", (15, 15, 30), 2))
    tissue = MUSCLE + 40 * grain + (FAT - MUSCLE) * np.clip(1 - planes / 0.13, 0, 1)
    low = fade(np.asarray(-18 - block.z, np.float32), 0, 14)
    share = cover(sd + deep, 1.2) * np.broadcast_to(low, block.shape)
    signal += share * (tissue - signal)
    # the chewing muscle on the temple, under the fat
    temple = _both((69, -22, 6), block, (9, 30, 34))
    paint(block, np.maximum(temple, sd + 4), np.asarray(MUSCLE + 40 * grain, np.float32))


def _skin(block: Block, sd: Array) -> None:
    """Skin and a thin layer of fat over all that was painted, and air outside."""
    fat = np.asarray(FAT + 120 * field(block, "head fat", 9), np.float32)
    paint(block, np.maximum(sd + 2.2, -sd - 4.2), fat)
    paint(block, np.maximum(sd, -sd - 2.2), SKIN)
    paint(block, -sd, AIR)


def _skull(block: Block, inner: Array) -> Array:
    """The vault: two tables of bone around marrow; its outer border."""
    thick = 6.5 + 1.2 * field(block, "vault", 40)
    shell = np.maximum(inner - thick, -inner)
    open_below = np.asarray(-46 - 0.1 * block.y - block.z, np.float32)
    shell = smooth_cut(shell, np.broadcast_to(open_below, block.shape).astype(np.float32), 3)
    paint(block, shell, CORTEX)
    marrow = np.maximum(np.abs(inner - thick / 2) - (thick / 2 - 1.9), open_below)
    paint(block, marrow.astype(np.float32), np.asarray(MARROW + 160 * field(block, "diploe", 4), np.float32), 0.8)
    return np.asarray(inner - thick, np.float32)


def _face_bones(block: Block) -> None:
    cheek = _line(block, [(44, -66, -34, 6), (56, -46, -32, 4.5), (66, -22, -30, 3.5)], 1.0, both=True)
    upper = _line(block, [(20, -74, -62, 7), (0, -84, -62, 7), (-20, -74, -62, 7)], 1.0)
    jaw = _line(
        block,
        [(0, -84, -104, 7.5), (24, -74, -102, 7), (44, -44, -94, 6), (52, -18, -78, 5), (54, -10, -50, 4.5)],
        1.0,
        both=True,
    )
    for bone in (cheek, upper, jaw):
        paint(block, bone, CORTEX)
        paint(block, bone + 2.2, np.asarray(MARROW + 120 * field(block, "face marrow", 5), np.float32))
    palate = ellipsoid(block, (0, -58, -66), (20, 24, 2.4))
    paint(block, palate, CORTEX)
    draw = generator("teeth")
    for z in (-73.0, -83.0):
        for i in range(-7, 8):
            a = i * 0.2
            place = (23 * np.sin(a), -58 - 26 * np.cos(a), z + draw.normal(0, 0.3))
            paint(block, ellipsoid(block, place, (2.7, 3.0, 5.0)), 25.0)


def _air(block: Block) -> None:
    """Nose, sinuses, throat, ear canals: lined with mucosa."""
    nose = _both((6, -76, -46), block, (3.6, 26, 15))
    turbinate = _both((7.5, -70, -50), block, (2.2, 17, 4.5))
    sinuses = [
        _both((26, -68, -46), block, (12.5, 14, 15)),
        _both((9, -86, 10), block, (8, 4.2, 9)),
        _both((7, -38, -26), block, (6.4, 10, 8.5)),
        _both((62, 30, -40), block, (7, 10, 13)),
    ]
    cells = [_both((5.5, -60 - 9 * i, -22), block, (4.2, 4.2, 7)) for i in range(3)]
    throat = _line(
        block,
        [
            (0, -40, -46, 7),
            (0, -24, -58, 8),
            (0, -16, -76, 7),
            (0, -18, -100, 7.5),
            (0, -22, -130, 8),
            (0, -22, -170, 9),
        ],
        2.0,
    )
    canals = _line(block, [(82, 14, -28, 3), (68, 14, -30, 2.8), (56, 16, -32, 2.4)], 0.0, both=True)
    for hollow in (nose, *sinuses, *cells, throat, canals):
        paint(block, hollow - 1.1, 1350.0)
        paint(block, hollow, AIR)
    paint(block, turbinate, 1450.0)
    # air cells of the mastoid are cut by bone
    lace = np.abs(field(block, "mastoid", 3.2)) - 0.25
    paint(block, np.maximum(sinuses[3], lace.astype(np.float32)), CORTEX)


def _mouth_and_neck(block: Block) -> None:
    tongue = smooth_union(
        ellipsoid(block, (0, -58, -82), (23, 30, 15)), ellipsoid(block, (0, -40, -94), (19, 20, 18)), 8
    )
    fibres = np.abs(field(block, "tongue", (4, 14, 5)))
    paint(block, tongue, np.asarray(980 + 520 * np.clip(0.3 - fibres, 0, 1), np.float32))
    paint(block, ellipsoid(block, (0, -62, -97), (1.6, 22, 5)), FAT)
    for x in (-1, 1):
        paint(block, ellipsoid(block, (50 * x, -14, -66), (12, 17, 21)), 1250.0)  # parotid gland
    canal = _line(block, [(0, 20, -58, 10), (0, 23, -90, 9.5), (0, 25, -160, 9.5)], 0.0)
    # vertebrae: arch of C1, dens, bodies
    dens = _line(block, [(0, 7, -66, 4.8), (0, 8, -84, 6.2)], 0.0)
    front = _line(block, [(14, 12, -70, 4), (0, 1, -70, 4), (-14, 12, -70, 4)], 1.0)
    sides = _both((19, 14, -70), block, (8, 8, 8))
    rear = _line(block, [(18, 26, -70, 3.6), (0, 38, -72, 4), (-18, 26, -70, 3.6)], 1.0)
    bodies = [ellipsoid(block, (0, 7 + 0.05 * i, -92 - 18.5 * i), (10.5, 8.6, 8.2)) for i in range(4)]
    joints = [_both((17, 18, -94 - 18.5 * i), block, (7, 7, 8)) for i in range(4)]
    spines = [_line(block, [(0, 36, -94 - 18.5 * i, 3.5), (0, 52, -100 - 18.5 * i, 3.2)], 0.0) for i in range(4)]
    for bone in (dens, front, sides, rear, *bodies, *joints, *spines):
        paint(block, bone, CORTEX)
        paint(block, bone + 1.7, np.asarray(1500 + 120 * field(block, "vertebra", 4), np.float32))
    for i in range(4):
        paint(block, ellipsoid(block, (0, 7, -101.5 - 18.5 * i), (9.5, 7.6, 2.0)), 620.0)
    paint(block, canal - 1.0, CORTEX, 0.8)
    paint(block, canal, FLUID)
    for x in (-1, 1):  # carotid and jugular: flow leaves no signal
        paint(
            block, _line(block, [(27 * x, 0, -70, 2.8), (26 * x, -8, -110, 3.2), (24 * x, -14, -170, 3.6)], 0.0), 120.0
        )
        paint(block, _line(block, [(34 * x, 8, -66, 4.2), (34 * x, 2, -120, 5.2), (32 * x, -2, -170, 6.0)], 0.0), 330.0)


def _orbits(block: Block) -> None:
    for side, (x, y, z) in EYES.items():
        s = -1 if side == "right" else 1
        cone = smooth_union(
            ellipsoid(block, (x, y + 6, z), (17, 17, 16)),
            _line(block, [(x, y + 14, z, 13), (14 * s, -38, -15, 4)], 0.0),
            6,
        )
        paint(block, cone - 1.2, CORTEX)
        paint(block, cone, FAT)
        for dx, dz in ((9, 0), (-9, 0), (0, 9), (0, -9)):
            muscle = [
                (x + 1.25 * dx, y + 4, z + 1.25 * dz, 1.2),
                (x + 0.9 * dx, y + 16, z + 0.9 * dz, 2.6),
                (15 * s, -40, -15, 1.2),
            ]
            paint(block, _line(block, muscle, 0.0), MUSCLE)
        nerve = [(x - 2 * s, y + 11, z, 2.2), (22 * s, -52, -16, 2.2), (9 * s, -32, -13, 2.3), (3 * s, -20, -9, 2.2)]
        paint(block, _line(block, nerve, 0.0), 1150.0)
        eye = ellipsoid(block, (x, y, z), (EYE_RADIUS,) * 3)
        paint(block, eye, 850.0)
        paint(block, eye + 1.3, VITREOUS)
        paint(block, ellipsoid(block, (x, y - 8.6, z), (4.8, 2.3, 4.8)), 900.0)
        paint(block, ellipsoid(block, (x, y - 11.5, z), (15.5, 3.6, 12)), SKIN)
        paint(block, ellipsoid(block, (x, y - 15.2, z - 2), (12, 1.0, 0.8)), 500.0)


def _sulci(block: Block, depth: Array) -> Array:
    """Distance in mm to the nearest fold, by fields whose zeros are the folds' middles."""
    nearest = np.full(block.shape, 99.0, np.float32)
    for name, cell, reach in (("gyri", (14.5, 13.5, 13.5), 18.0), ("gyri small", (11.0, 11.5, 11.0), 9.0)):
        value = field(block, name, cell)
        slopes = np.gradient(value)
        slope = np.sqrt(sum(s * s for s in slopes)) + np.float32(0.012)
        away = np.abs(value) / slope
        # a fold ends at its depth; from there the distance grows again
        beyond = np.clip(depth - reach, 0, None)
        nearest = np.minimum(nearest, np.sqrt(away * away + beyond * beyond))
    return nearest.astype(np.float32)


def _brain(block: Block, hull: Array, little: Array, stem: Array) -> None:
    depth = -hull
    fluid = smooth_union(smooth_union(hull, little, 5), stem, 5)
    paint(block, fluid - 3.0, np.asarray(FLUID + 20 * field(block, "liquor", 6), np.float32))
    fold = _sulci(block, depth)
    # the two sides are parted by the falx down to the callosal body; the Sylvian fissure opens at the flank
    middle = np.abs(block.x) + np.zeros(block.shape, np.float32)
    callosum = _line(
        block, [(0, -32, 10, 3.0), (0, -30, 22, 3.6), (0, -8, 30, 3.2), (0, 20, 29, 3.2), (0, 34, 20, 4.2)], 2.0
    )
    bridge = smooth_union(callosum, ellipsoid(block, (0, 6, 4), (16, 24, 15)), 6)
    parted = np.where(bridge > 0, np.minimum(middle, 60), np.clip(6 - bridge, 6, 60))
    fissure = ellipsoid(block, (52, 2, 2), (22, 34, 3.4))
    fissure = np.minimum(fissure, ellipsoid(block, (-52, 2, 2), (22, 34, 3.4)))
    opened = np.clip(fissure + 3.0, 0, 60)
    fold = np.minimum(np.minimum(fold, parted), np.minimum(opened, 60)).astype(np.float32)
    width = 0.85 * np.clip(1.15 - depth / 24, 0.3, 1)
    tissue = smooth_cut(hull, (width - fold).astype(np.float32), 0.8)
    grey = np.asarray(GREY + 30 * field(block, "cortex", 5), np.float32)
    paint(block, tissue, grey)
    core = np.maximum(hull + RIBBON_MM + 0.3, RIBBON_MM + width - fold)
    white = np.asarray(WHITE + 22 * field(block, "white", 12), np.float32)
    paint(block, core.astype(np.float32), white, 0.8)
    paint(block, callosum, WHITE + 40)
    # deep grey: caudate, lentiform, thalamus
    for centre, radii in (((14, -14, 14), (5, 12, 10)), ((24, -2, 6), (7, 16, 10)), ((11, 14, 8), (8, 13, 9))):
        paint(block, _both(centre, block, radii), DEEP, 1.0)
    # cerebellum: leaves across the vermis, a white tree inside
    leaves = np.abs(field(block, "folia", (60, 3.6, 3.6)))
    paint(block, little, np.asarray(GREY - 20 - 380 * np.clip(0.22 - leaves, 0, 1) / 0.22 * 0.8, np.float32))
    tree = np.minimum(_both((19, 46, -40), block, (15, 15, 9)), ellipsoid(block, (0, 42, -36), (10, 12, 11)))
    branches = np.maximum(little + 4.0, np.abs(field(block, "arbor", (40, 7, 7))).astype(np.float32) * 8 - 1.3)
    paint(block, tree, WHITE - 30, 1.2)
    paint(block, branches, WHITE - 60, 1.0)
    paint(block, stem, np.asarray(STEM + 30 * field(block, "stem", 6), np.float32))
    for hollow in ventricles(block).values():
        paint(block, hollow, FLUID - 20)
    sinus = _line(
        block, [(0, -60, 68, 2.2), (0, -10, 80, 3.0), (0, 50, 62, 3.6), (0, 84, 20, 4.2), (0, 90, -8, 4.5)], 0.0
    )
    paint(block, sinus, 420.0)
    paint(block, ellipsoid(block, (0, -6, -19), (6, 5, 4)), 1150.0)  # pituitary


def paint_head(canvas: Canvas) -> None:
    """The whole head and the capsule on the temple."""
    block = canvas.everything()
    hull, little, stem = cerebrum(block), cerebellum(block), brainstem(block)
    inner = smooth_union(smooth_union(hull, little, 10), stem, 4) - 4.2
    # skin lies over the vault everywhere
    skin = smooth_union(outline(block), inner - 13.0, 5)
    _fill(block, skin)
    _face_bones(block)
    _mouth_and_neck(block)
    _skull(block, inner)
    _air(block)
    _orbits(block)
    _brain(block, hull, little, stem)
    _skin(block, skin)
    paint(block, ellipsoid(block, MARKER, tuple(r + 0.8 for r in MARKER_RADII)), CORTEX)
    paint(block, ellipsoid(block, MARKER, MARKER_RADII), 2900.0)


def slices(first: int, last: int) -> npt.NDArray[np.uint16]:
    """Signal 0 to 4095 of slices `first` to `last` - 1, [slice, row, column], as they are in the whole series.

    Slices run from left to right, rows from head to feet, columns to the back.
    """
    from scipy import ndimage

    full = grid()
    low, high = SLICES - last, SLICES - first  # along x, which rises to the left
    start, end = max(0, low - _MARGIN), min(SLICES, high + _MARGIN)
    canvas = Canvas(Grid(full.x[start:end], full.y, full.z), background=AIR)
    paint_head(canvas)
    whole = canvas.everything()
    bias = 1 + 0.05 * field(whole, "coil", 150) - 0.0006 * (whole.y - CENTRE_LPS[1])
    clean = ndimage.gaussian_filter(canvas.hu.astype(np.float64), 0.55, mode="nearest") * bias
    out = np.empty((last - first, SIZE, SIZE), np.uint16)
    for k in range(first, last):
        draw = generator("head noise", SEED, k)
        real = clean[:, :, SLICES - 1 - k - start] + 22 * draw.standard_normal((SIZE, SIZE))
        imaginary = 22 * draw.standard_normal((SIZE, SIZE))
        magnitude = np.sqrt(real * real + imaginary * imaginary)
        out[k - first] = np.clip(np.rint(magnitude[::-1]), 0, 4095).astype(np.uint16)
    return out


def volume() -> npt.NDArray[np.uint16]:
    """The whole series, [slice, row, column]."""
    return slices(0, SLICES)


def truth() -> dict[str, Any]:
    """What is exactly known of the head, mm LPS."""
    step = 0.5
    axes = [np.arange(a, b, step, dtype=np.float32) for a, b in ((-45, 45), (-45, 75), (-28, 40))]
    found = ventricles(Canvas(Grid(*axes)).everything())
    right, left = EYES["right"], EYES["left"]
    return {
        "space": "LPS, mm; frame of reference of the series",
        "lateral_ventricles_ml": round(float((found["lateral"] < 0).sum()) * step**3 / 1000, 2),
        "eyes_centres_lps_mm": {"right": list(right), "left": list(left)},
        "eyes_distance_mm": round(left[0] - right[0], 2),
        "eye_diameter_mm": 2 * EYE_RADIUS,
        "marker": {
            "what": "oil capsule on the RIGHT temple",
            "centre_lps_mm": list(MARKER),
            "radii_mm": list(MARKER_RADII),
        },
    }


def write(out: Path) -> dict[str, Any]:
    """Files of the series, truth and manifest; the manifest's content."""
    from workstation.dicom.write_ct import mr_file
    from workstation.sample import study_mr
    from workstation.sample.make import as_json, manifest, sha256

    signal = volume()
    folder = out / "t1_sagittal"
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for k in range(SLICES):
        values = study_mr.values(k)
        data = mr_file(values, signal[k])
        path = folder / f"{int(values['InstanceNumber']):04d}.dcm"
        write_bytes(path, data)
        rows.append(
            {
                "file": path.relative_to(out).as_posix(),
                "sha256": sha256(data),
                "voxels_sha256": sha256(signal[k].astype("<u2").tobytes()),
                "sop_instance_uid": values["SOPInstanceUID"],
                "position_x_mm": float(values["ImagePositionPatient"][0]),
            }
        )
    path = out / "truth.json"
    write_bytes(path, as_json(truth()), force=True)
    content = manifest("mr_head", rows, [path], out)
    write_bytes(out / "manifest.json", as_json(content), force=True)
    return content
