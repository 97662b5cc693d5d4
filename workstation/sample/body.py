"""The body's outline, its fat, the muscles of the wall, and the space under the ribs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workstation.sample.curves import table
from workstation.sample.exact import bell, power
from workstation.sample.roughness import field
from workstation.sample.space import Array, Block, Canvas, cover, fade

FAT, SKIN, MUSCLE = -104.0, 18.0, 62.0

# z, half width, front, back of the skin (mm)
_SKIN = [
    (300, 150, -88, 116),
    (233, 158, -96, 117),
    (180, 164, -108, 116),
    (120, 164, -116, 112),
    (60, 162, -123, 107),
    (15, 165, -127, 106),
    (-25, 172, -123, 109),
    (-80, 179, -108, 120),
    (-140, 184, -94, 127),
    (-180, 183, -92, 124),
    (-206, 180, -92, 117),
]
# z, half width, front, back of the inside of the ribs
_CAGE = [
    (300, 118, -60, 88),
    (233, 131, -76, 92),
    (180, 138, -88, 93),
    (140, 139, -95, 91),
    (100, 137, -97, 86),
    (60, 134, -96, 80),
]
# z, fat in front, at the flank, behind
_FAT = [
    (233, 10, 9, 10),
    (180, 13, 9, 11),
    (120, 17, 11, 13),
    (60, 21, 15, 17),
    (10, 24, 19, 22),
    (-30, 25, 22, 26),
    (-80, 22, 20, 28),
    (-140, 16, 23, 29),
    (-206, 13, 19, 27),
]


def _column(rows: list[tuple[int, int, int, int]], index: int, z: npt.ArrayLike) -> Array:
    return table(z, [(r[0], r[index]) for r in rows])


def _inside(
    x: Array, y: Array, z: Array, rows: list[tuple[int, int, int, int]], exponent: float
) -> tuple[Array, Array]:
    # depth under a rounded outline along the ray from its middle, and that ray's own front-back part
    half = _column(rows, 1, z)
    front, back = _column(rows, 2, z), _column(rows, 3, z)
    middle = front * np.float32(0.46) + back * np.float32(0.54)
    dy = y - middle
    reach = np.where(dy < 0, middle - front, back - middle)
    u, v = np.abs(x) / half, np.abs(dy) / reach
    norm = power(power(u, exponent) + power(v, exponent), 1 / exponent) + np.float32(1e-4)
    far = np.sqrt(x * x + dy * dy) + np.float32(1e-3)
    # the ray meets the outline obliquely where it is not round
    slant = np.clip(1.08 - 0.35 * u * v, 0.8, 1).astype(np.float32)
    depth: Array = (far / norm - far) * slant
    side: Array = dy / (np.sqrt((u * reach) ** 2 + dy * dy) + np.float32(1e-3))
    return depth, side


def skin_depth(block: Block) -> tuple[Array, Array]:
    """Depth under the skin in mm (negative outside), and how far behind (+1) or in front (-1) a voxel lies."""
    depth, side = _inside(block.x, block.y, block.z, _SKIN, 2.25)
    depth = depth + 2.6 * field(block, "skin", 75)
    # furrow over the spine, between the long muscles of the back
    furrow = bell((block.x / 15) ** 2) * fade(block.y, 60, 95) * table(block.z, [(-150, 5), (-90, 2), (0, 7), (120, 5)])
    cleft = bell((block.x / 5) ** 2) * fade(block.y, 60, 100) * table(block.z, [(-206, 40), (-140, 26), (-105, 0)])
    groin = (
        bell(((np.abs(block.x) - 48) / 22) ** 2)
        * fade(-block.y, 40, 75)
        * table(block.z, [(-206, 7), (-150, 3), (-110, 0)])
    )
    navel = bell(((block.x + 1) ** 2 + (block.z + 8) ** 2) / 38) * 15 * fade(-block.y, 60, 90)
    return (depth - furrow - cleft - groin - navel).astype(np.float32), side


def cage_depth(block: Block) -> Array:
    """Depth inside the rib cage in mm, negative outside it."""
    depth, _ = _inside(block.x, block.y, block.z, _CAGE, 2.35)
    return (depth + 1.0 * field(block, "cage", 60)).astype(np.float32)


def cage_rim(x: float, y: float, z: float) -> tuple[float, float]:
    """The point of the cage's wall in the direction of (x, y) at height z."""
    a = float(_column(_CAGE, 1, np.float32(z)))
    f, b = float(_column(_CAGE, 2, np.float32(z))), float(_column(_CAGE, 3, np.float32(z)))
    middle = 0.46 * f + 0.54 * b
    dy = y - middle
    reach = middle - f if dy < 0 else b - middle
    norm = ((abs(x) / a) ** 2.35 + (abs(dy) / reach) ** 2.35) ** (1 / 2.35)
    return x / norm, middle + dy / norm


def diaphragm_level(block: Block) -> Array:
    """Height of the diaphragm over each point, mm: two domes, falling to the wall; 2-D in x and y."""
    x, y = block.x, block.y
    right = 24 * bell(((x + 76) / 50) ** 2 + ((y + 2) / 62) ** 2)
    left = 13 * bell(((x - 74) / 44) ** 2 + ((y - 4) / 60) ** 2)
    top = 199 + right + left
    a, f, b = 137.0, -86.0, 92.0
    middle = 0.46 * f + 0.54 * b
    dy = y - middle
    reach = np.where(dy < 0, middle - f, b - middle)
    t = np.clip(power(power(np.abs(x) / a, 2.35) + power(np.abs(dy) / reach, 2.35), 1 / 2.35), 0, 1)
    behind = np.clip(dy / 70, -1, 1)
    drop = 52 + 30 * behind + 22 * np.abs(x) / a
    level: Array = (top - drop * (1 - np.sqrt(np.clip(1 - power(t, 2.6), 0, 1)))).astype(np.float32)
    return level


def fat_thickness(z: Array, side: Array) -> Array:
    """Thickness of the fat under the skin, mm."""
    front, flank, back = (_column(_FAT, i, z) for i in (1, 2, 3))
    ahead, behind = np.clip(-side, 0, 1) ** 2, np.clip(side, 0, 1) ** 2
    out: Array = flank + (front - flank) * ahead + (back - flank) * behind
    return out


def paint_body(canvas: Canvas) -> None:
    """Skin, fat and the muscles of the wall; everything else is laid over it."""
    for block in slabs(canvas):
        depth, side = skin_depth(block)
        canvas.depth[block.place] = depth
        # fat with its fine septa: thin, bright, irregular
        septa = np.abs(field(block, "septa", (26, 9, 14), 2))
        lobes = field(block, "lobes", 22)
        fat = (
            FAT + 3.0 * lobes + 26 * np.clip(0.13 - septa, 0, 1) / 0.13 * np.clip(field(block, "septa where", 30), 0, 1)
        )
        share = cover(-depth, 0.6)
        hu = block.hu
        hu += share * (fat - hu)
        skin = cover(np.abs(depth - 1.0) - 0.85, 0.6)
        hu += skin * (SKIN - hu)
        _wall(block, depth, side)


def slabs(canvas: Canvas, thick: int = 16) -> list[Block]:
    """The canvas in thin slabs, to keep memory small."""
    z = canvas.grid.z
    found = []
    for first in range(0, len(z), thick):
        last = min(first + thick, len(z)) - 1
        block = canvas.block((-1e6, -1e6, float(z[first]) - 1e-3), (1e6, 1e6, float(z[last]) + 1e-3))
        if block is not None:
            found.append(block)
    return found


def _wall(block: Block, depth: Array, side: Array) -> None:
    x, y, z = block.x, block.y, block.z
    fat = fat_thickness(z, side)
    under = depth - fat + 1.2 * field(block, "wall", 40)
    grain = field(block, "wall grain", (5, 5, 12))
    # three flat layers at the flank, from the ribs down to the crest of the ilium and the inguinal ligament
    width = np.abs(x)
    lowest = np.where(width > 20, -165 + (width - 20) * 0.853, -165)
    lowest = lowest + (12 - lowest) * fade(y, -52, 25)
    present = np.clip((z - lowest) / 8, 0, 1)
    present = present * fade(width, 46, 54) * (1 - fade(side, 0.82, 0.88))
    thick = table(z, [(-160, 6), (-80, 13), (0, 21), (70, 19), (110, 11), (160, 7), (233, 6)])
    # towards the straight muscles and towards the back the layers thin out into a tendon
    thick = thick * (0.12 + 0.88 * fade(width, 48, 84)) * (1 - 0.85 * fade(side, 0.55, 0.82))
    t = under / thick
    gaps = np.maximum(bell(((t - 0.37) / 0.045) ** 2), 0.8 * bell(((t - 0.72) / 0.04) ** 2))
    # fat planes end where the layers have become one
    gaps = gaps * fade(100 - z, 0, 40) * np.clip(0.75 + 0.5 * field(block, "planes", 24), 0, 1)
    layer = cover(np.maximum(-under, under - thick), 0.7) * present
    hu = block.hu
    value = MUSCLE + 4 * grain - 105 * gaps
    hu += layer * (value - hu)
    # the two straight muscles, joined by a thin white line, crossed by tendons
    tall = np.clip((z + 172) / 8, 0, 1)
    broad = table(z, [(-170, 24), (-120, 46), (-40, 60), (60, 72), (130, 74), (180, 60), (233, 40)])
    thick = table(z, [(-170, 9), (-60, 11), (40, 10.5), (130, 8), (200, 6)]) * np.clip(
        1.15 - (width / broad) ** 4, 0.2, 1
    )
    strap = cover(np.maximum(np.maximum(-under, under - thick), np.maximum(width - broad, 1.2 - width)), 0.9)
    strap = strap * tall * fade(-side, 0.35, 0.5)
    hu += strap * (MUSCLE + 2 + 4 * grain - hu)
    line = cover(np.maximum(np.abs(under - 0.5 * thick) - 0.42 * thick, width - 3), 0.8) * tall * fade(-side, 0.35, 0.5)
    hu += line * (38 - hu)
    # thin sheet behind it
    lining = cover(np.abs(under - thick - 1.2) - 0.5, 0.7) * tall * fade(-side, 0.35, 0.6) * (width < broad)
    hu += 0.5 * lining * (35 - hu)
