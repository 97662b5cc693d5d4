"""Stomach, duodenum, colon, and the small bowel packed into the room that the other organs leave."""

from __future__ import annotations

import numpy as np

from workstation.sample.curves import Doubles, arc_length, frames, through
from workstation.sample.kernels import nearest_on_line
from workstation.sample.organs import under_diaphragm
from workstation.sample.roughness import field, generator
from workstation.sample.space import Array, Block, Canvas, fade, paint, smooth_cut

GAS = -960.0
WALL = 62.0

_STOMACH = [
    (66, 25, 200, 4), (66, 24, 192, 18), (66, 21, 178, 28), (68, 4, 164, 33), (62, -22, 148, 31), (50, -44, 128, 27), (30, -60, 110, 22),
    (8, -66, 99, 19), (-12, -60, 94, 15), (-24, -53, 95, 9), (-30, -50, 96, 7),
]  # fmt: skip
_DUODENUM = [
    (-26, -52, 96, 6), (-34, -48, 99, 12), (-44, -40, 96, 12), (-48, -28, 84, 11.5), (-47, -22, 68, 12), (-38, -24, 58, 12),
    (-18, -36, 60, 10), (2, -43, 65, 8.2), (20, -40, 68, 9), (31, -32, 80, 10), (34, -40, 92, 10), (38, -52, 86, 6),
]  # fmt: skip
_COLON = [
    (-70, -34, -88, 5), (-74, -28, -78, 17), (-78, -20, -60, 21), (-85, -8, -36, 22), (-93, 10, -8, 22), (-98, 20, 24, 22),
    (-98, 14, 48, 21), (-94, -10, 60, 20), (-80, -40, 56, 19), (-54, -66, 40, 17), (-20, -77, 26, 14), (16, -77, 30, 14),
    (48, -66, 54, 16), (76, -46, 92, 18), (94, -26, 122, 18), (103, -8, 132, 17), (108, 12, 118, 15), (106, 30, 88, 14),
    (104, 32, 50, 13), (103, 26, 10, 13), (98, 8, -26, 12.5), (90, -12, -58, 13), (74, -30, -88, 13), (50, -36, -106, 14),
    (22, -30, -92, 14), (-4, -10, -78, 15), (-20, 14, -86, 14), (-14, 40, -104, 14), (0, 54, -122, 15), (3, 56, -140, 18),
    (1, 50, -160, 17), (0, 36, -176, 10), (0, 32, -188, 7), (0, 46, -203, 7), (0, 58, -214, 6),
]  # fmt: skip


def _along(block: Block, curve: Doubles, reach: float) -> tuple[Array, Array]:
    # signed distance to the tube's outer surface, and the place on its line
    e1, e2 = frames(curve)
    dist, at, _ = nearest_on_line(block, curve[:, :3], e1, e2, reach)
    radius = np.interp(at, np.arange(len(curve)), curve[:, 3]).astype(np.float32)
    return np.asarray(dist - radius, np.float32), at


def _box(curve: Doubles, margin: float) -> tuple[list[float], list[float]]:
    r = curve[:, 3:4] + margin
    return (curve[:, :3] - r).min(axis=0).tolist(), (curve[:, :3] + r).max(axis=0).tolist()


def _filled(block: Block, inner: Array, content: Array | float, level: Array) -> None:
    # what lies inside: fluid or food, and gas above its level (towards the front, the patient lies on the back)
    paint(block, inner, content, 0.7)
    gas = np.maximum(inner, block.y - level)
    paint(block, gas.astype(np.float32), GAS, 0.7)


def paint_stomach(canvas: Canvas) -> None:
    """Stomach with folds, some food and a bubble of gas in front; the duodenum around the pancreas."""
    curve = through(_STOMACH, 1.5)
    block = canvas.block(*_box(curve, 6))
    if block is not None:
        sd, _ = _along(block, curve, 42.0)
        sd = sd + 1.8 * field(block, "stomach", 30)
        sd = smooth_cut(np.asarray(sd, np.float32), under_diaphragm(block, 2.6), 6)
        folds = np.abs(field(block, "stomach folds", (9, 9, 20)))
        wall = 4.0 + 3.4 * np.clip(0.55 - folds, 0, 1) * fade(block.z, 60, 130)
        paint(block, sd, WALL)
        paint(block, sd + 2.2, canvas.phase.bowel - 8, 0.9)
        food = 24 + 9 * field(block, "food", 9) + 26 * np.clip(field(block, "food lumps", 5) - 1.0, 0, 1)
        _filled(block, np.asarray(sd + wall, np.float32), food.astype(np.float32), np.float32(-57) + 0 * block.x)
    curve = through(_DUODENUM, 1.5)
    block = canvas.block(*_box(curve, 6))
    if block is not None:
        sd, at = _along(block, curve, 18.0)
        _loop(canvas, block, sd, at, curve, "duodenum", 0.55, 2.6)


def _loop(
    canvas: Canvas, block: Block, sd: Array, at: Array, curve: Doubles, name: str, gas: float, thick: float
) -> None:
    # a piece of small bowel: enhancing wall, feathery folds, fluid, here and there some gas
    sd = np.asarray(sd + 0.7 * field(block, f"{name} outline", 13), np.float32)
    paint(block, sd, WALL + 8)
    folds = np.abs(field(block, f"{name} folds", 4.2))
    inner = sd + thick + 2.2 * np.clip(0.6 - folds, 0, 1)
    paint(block, sd + 0.9, canvas.phase.bowel, 0.9)
    places = np.arange(len(curve))
    own = generator("content", name)
    fluid = 12 + 16 * own.random() + 7 * field(block, f"{name} content", 6)
    line = np.interp(at, places, curve[:, 1])
    # knots of gas along the loop; elsewhere the level lies in front of the loop
    knots = own.normal(0, 1, max(4, len(curve) // 12))
    lift = np.interp(at, np.linspace(0, len(curve) - 1, len(knots)), np.where(knots > gas, -0.25, -3.0))
    radius = np.interp(at, places, curve[:, 3])
    _filled(
        block, np.asarray(inner, np.float32), fluid.astype(np.float32), np.asarray(line + lift * radius, np.float32)
    )


def paint_colon(canvas: Canvas) -> None:
    """Colon with haustra from the caecum to the anus: stool on the right, gas across, stool in the rectum."""
    curve = through(_COLON, 1.5)
    block = canvas.block(*_box(curve, 8))
    if block is None:
        return
    s = arc_length(curve)
    z, x = curve[:, 2], curve[:, 0]
    sd, at = _along(block, curve, 32.0)
    along = np.interp(at, np.arange(len(curve)), s)
    haustra = np.interp(at, np.arange(len(curve)), np.where(z < -150, 0.0, np.where(x < 60, 2.3, 1.5)))
    phase = along * (2 * np.pi / 31) + 0.7 * np.sin(along * (2 * np.pi / 117))
    sd = sd + haustra * (np.cos(phase) + 0.35 * np.cos(2 * phase)) + 1.3 * field(block, "colon", 15)
    sd = np.asarray(sd, np.float32)
    paint(block, sd, WALL)
    paint(block, sd + 1.0, canvas.phase.bowel - 22, 0.9)
    inner = sd + 2.3
    mottle = field(block, "stool", 3.4) + 0.6 * field(block, "stool wide", 9)
    bubbles = fade(mottle, 0.75, 1.7)
    stool = 34 + 16 * field(block, "stool tone", 7) - 520 * bubbles
    # height of the gas in units of the radius, by length: nearly none in the right colon, much across
    total = s[-1]
    rows = [(0, -0.55), (0.16, -0.7), (0.24, -0.3), (0.33, 0.25), (0.47, 0.2), (0.52, -0.2), (0.58, -1.4), (0.66, -0.1), (0.74, -1.6),
            (0.80, -0.1), (0.86, -0.9), (0.90, -0.35), (0.94, -1.8), (1.0, -2.0)]  # fmt: skip
    lift = np.interp(along / total, [r[0] for r in rows], [r[1] for r in rows])
    level = np.interp(at, np.arange(len(curve)), curve[:, 1] + 0 * z) + lift * np.interp(
        at, np.arange(len(curve)), curve[:, 3]
    )
    _filled(block, np.asarray(inner, np.float32), stool.astype(np.float32), level.astype(np.float32))


def packed_loops(canvas: Canvas, room: Array) -> list[Doubles]:
    """Loops of small bowel that fill the free room: curves (n, 4) with the radius.

    Parameters
    ----------
    canvas : a coarse canvas with every other organ painted
    room : mm inside the peritoneal cavity, negative outside, on the same grid

    Notes
    -----
    Each loop starts where most room is left and walks where there is room, turning gently; what it fills is
    taken from the room of the next one.
    """
    from scipy import ndimage

    grid = canvas.grid
    step = float(grid.x[1] - grid.x[0])
    blocked = (canvas.hu > -62) | (canvas.hu < -300) | (room < 5)
    free = (ndimage.distance_transform_edt(~blocked) * step - 1.0).astype(np.float64)
    places = np.stack(np.meshgrid(grid.z, grid.y, grid.x, indexing="ij"), -1)[..., ::-1].astype(np.float64)
    low = places[0, 0, 0]
    draw = generator("loops")
    jitter = draw.normal(0, 1.2, free.shape)

    def at(points: Doubles) -> Doubles:
        index = ((points - low) / step)[:, ::-1].T
        return np.asarray(ndimage.map_coordinates(free, index, order=1, mode="nearest"))

    loops: list[Doubles] = []
    while len(loops) < 46:
        start = np.unravel_index(int(np.argmax(np.minimum(free, 14) + jitter * (free > 8))), free.shape)
        if free[start] < 8:
            break
        points = [places[start]]
        way = draw.normal(0, 1, 3)
        way /= np.sqrt(way @ way)
        for _ in range(70):
            tries = way + draw.normal(0, 0.42, (28, 3))
            tries /= np.sqrt((tries**2).sum(axis=1))[:, None]
            ahead = points[-1] + 4.0 * tries
            score = np.minimum(at(ahead), 12.5) + 0.8 * np.minimum(at(ahead + 6.0 * tries), 12.5) + 2.0 * (tries @ way)
            old = np.array(points[:-6]) if len(points) > 7 else np.empty((0, 3))
            if len(old):
                apart = np.sqrt(((ahead[:, None] - old[None]) ** 2).sum(axis=2)).min(axis=1)
                score = np.where(apart < 25, -99.0, score)
            best = int(np.argmax(score))
            if at(ahead[best : best + 1])[0] < 7.5 or score[best] < 0:
                break
            way = 0.55 * way + 0.45 * tries[best]
            way /= np.sqrt(way @ way)
            points.append(ahead[best])
        line = np.array(points)
        reach = np.clip(at(line), 6.5, 12.5 if line[:, 0].mean() < 10 else 14.0)
        if len(points) >= 6:
            smooth = ndimage.gaussian_filter1d(np.c_[line, reach], 1.3, axis=0, mode="nearest")
            smooth[[0, -1], 3] = 3.0
            loops.append(through(smooth[np.r_[0 : len(smooth) - 1 : 2, len(smooth) - 1]], 1.5))
        radius = float(reach.max())
        for point, r in zip(line, reach, strict=True):
            lo = np.maximum(((point - low - radius - 16) / step).astype(int), 0)[::-1]
            hi = ((point - low + radius + 16) / step).astype(int)[::-1] + 2
            part = tuple(slice(a, b) for a, b in zip(lo.tolist(), hi.tolist(), strict=True))
            away = np.sqrt(((places[part] - point) ** 2).sum(axis=-1)) - r - 0.6
            free[part] = np.minimum(free[part], away)
    return loops


def paint_small_bowel(canvas: Canvas, loops: list[Doubles]) -> None:
    """The packed loops, each with its own content."""
    for index, curve in enumerate(loops):
        block = canvas.block(*_box(curve, 5))
        if block is None:
            continue
        sd, at = _along(block, curve, 20.0)
        upper = float(curve[:, 2].mean()) > 10 and float(curve[:, 0].mean()) > 0
        _loop(canvas, block, sd, at, curve, f"loop {index}", 1.25, 2.4 if upper else 1.9)


def peritoneal_room(block: Block, wall_depth: Array) -> Array:
    """Depth behind the abdominal wall, limited to where small bowel lies, mm."""
    box = np.minimum(np.minimum(block.z + 142, 108 - block.z), np.float32(2) - 0.22 * np.minimum(block.z, 0) - block.y)
    side = 96 - np.abs(block.x - 2)
    return np.asarray(np.minimum(np.minimum(wall_depth, box), side), np.float32)
