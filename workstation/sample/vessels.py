"""Arteries and veins. The aorta and its sac are given by functions of length, so that their truth is exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workstation.sample.curves import Doubles, arc_length, bounds, frames, rods_along, table, tangents, through
from workstation.sample.kernels import nearest_on_line, rods_distance
from workstation.sample.roughness import field, generator
from workstation.sample.space import Array, Block, Canvas, fade, paint

WALL = 48.0
THROMBUS = 38.0


@dataclass(frozen=True)
class Tube:
    """A centre line (n, 3) with rotation-minimising frame and, at each point, how far the wall lies.

    The wall at length index i and angle q is at radius `radius[i] * (1 + oval[i] cos 2(q - tilt) + lobe[i] cos 3(q - turn))`
    in the plane orthogonal to the centre line: that is the definition, and the voxels follow it.
    """

    points: Doubles
    radius: Doubles
    oval: Doubles
    lobe: Doubles
    tilt: float = 0.6
    turn: float = 0.3
    start: tuple[float, float, float] = (0.0, -1.0, 0.0)

    @property
    def frame(self) -> tuple[Doubles, Doubles]:
        return frames(self.points, self.start)

    def wall(self, index: float | Array, angle: float | Array) -> Array:
        """Radius in mm at a fractional index and an angle."""
        i = np.arange(len(self.points))
        r, o, l = (np.interp(index, i, v) for v in (self.radius, self.oval, self.lobe))
        return np.asarray(
            r
            * (
                1
                + o * np.cos(2 * (np.asarray(angle, np.float64) - self.tilt))
                + l * np.cos(3 * (np.asarray(angle, np.float64) - self.turn))
            ),
            np.float32,
        )

    def distance(self, block: Block, reach: float = 12.0) -> tuple[Array, Array, Array]:
        """Signed distance to the wall, length index and angle."""
        e1, e2 = self.frame
        biggest = float((self.radius * (1 + np.abs(self.oval) + np.abs(self.lobe))).max())
        dist, at, angle = nearest_on_line(block, self.points, e1, e2, biggest + reach)
        step = float(arc_length(self.points)[-1]) / (len(self.points) - 1)
        slope = np.interp(at, np.arange(len(self.points)), np.gradient(self.radius, step))
        near = (dist - self.wall(at, angle)) / np.sqrt(1 + slope**2)
        return np.asarray(near, np.float32), at, angle

    def box(self, margin: float) -> tuple[list[float], list[float]]:
        r = (self.radius * (1 + np.abs(self.oval) + np.abs(self.lobe)))[:, None] + margin
        return (self.points - r).min(axis=0).tolist(), (self.points + r).max(axis=0).tolist()


def _tube(rows: Sequence[tuple[float, ...]], oval: list[tuple[float, float]], lobe: list[tuple[float, float]]) -> Tube:
    curve = through(rows, 0.5)
    z = curve[:, 2]
    flat = table(z, oval).astype(np.float64)
    round3 = table(z, lobe).astype(np.float64)
    return Tube(curve[:, :3], curve[:, 3], flat, round3)


def aorta_outer() -> Tube:
    """Outer wall (adventitia) from above the diaphragm to the bifurcation."""
    rows = [
        (15, 16, 252, 13.2), (13, 15, 222, 13.0), (9, 12, 180, 12.8), (6, 10, 150, 12.6), (4, 8, 125, 12.3),
        (3, 5.5, 104, 12.2), (3.5, 1.5, 90, 12.2), (5, -4, 78, 12.3), (7, -9.5, 69, 13.9), (9, -16, 59, 19.0),
        (10.5, -21.5, 49, 24.6), (11, -24, 38, 27.6), (10, -23, 26, 26.4), (7.5, -17.5, 13, 19.4), (4.5, -10.5, 3, 14.2),
        (2.5, -6.5, -5, 12.4), (2.3, -6.2, -9.5, 9.6),
    ]  # fmt: skip
    return _tube(
        rows, [(80, 0), (55, 0.02), (38, 0.035), (20, 0.03), (0, 0.0)], [(76, 0), (45, 0.018), (25, 0.02), (5, 0)]
    )


def aorta_lumen() -> Tube:
    """The lumen: in the sac it lies behind and to the right of the middle, the thrombus in front and left."""
    rows = [
        (15, 16, 252, 11.6), (13, 15, 222, 11.4), (9, 12, 180, 11.2), (6, 10, 150, 11.0), (4, 8, 125, 10.7),
        (3, 5.5, 104, 10.6), (3.5, 1.5, 90, 10.6), (4.6, -4, 78, 10.5), (5.6, -8.8, 69, 11.4), (6.2, -13, 59, 13.4),
        (6.2, -16, 49, 15.4), (6.0, -17, 38, 16.4), (5.6, -16, 26, 15.6), (5, -13, 13, 12.8), (3.8, -9.5, 3, 11.4),
        (2.5, -6.5, -5, 10.8), (2.3, -6.2, -9.5, 8.0),
    ]  # fmt: skip
    return _tube(rows, [(80, 0), (50, 0.04), (25, 0.04), (0, 0.0)], [(76, 0), (45, 0.02), (25, 0.02), (5, 0)])


_ILIAC: dict[str, dict[str, list[tuple[float, ...]]]] = {
    "right": {
        "common": [(-0.5, -6.5, 2, 8.2), (-8, -7.5, -10, 8.1), (-20, -2, -28, 8.3), (-31, 8, -44, 8.0), (-38, 16, -57, 7.2)],
        "external": [
            (-38, 16, -57, 6.4), (-46, 12, -72, 5.3), (-57, -1, -96, 5.1), (-66, -28, -119, 5.0), (-71, -49, -137, 4.9),
            (-72, -56, -152, 4.9), (-72, -56, -170, 5.1), (-71, -54, -184, 4.6), (-69, -51, -212, 4.0), (-67, -52, -240, 3.8),
        ],
        "internal": [(-38, 16, -57, 5.0), (-42, 29, -69, 4.6), (-46, 43, -84, 4.1), (-50, 47, -100, 3.3), (-54, 40, -125, 2.3)],
        "gluteal": [(-46, 43, -84, 3.2), (-46, 58, -97, 2.9), (-62, 76, -110, 2.3), (-84, 84, -112, 1.6)],
        "deep": [(-71, -50, -180, 3.9), (-79, -44, -196, 3.5), (-90, -34, -215, 3.0)],
    },
    "left": {
        "common": [(4.5, -6.5, 2, 7.8), (12.5, -7.5, -10, 7.6), (24, -3, -29, 7.2), (36, 8, -49, 7.0), (43, 17, -63, 6.6)],
        "external": [
            (43, 17, -63, 5.9), (50, 13, -78, 5.0), (59, 0, -99, 4.9), (67, -27, -120, 4.8), (71, -48, -137, 4.8),
            (73, -55, -152, 4.8), (73, -56, -170, 5.0), (72, -54, -185, 4.5), (70, -51, -212, 3.9), (68, -52, -240, 3.7),
        ],
        "internal": [(43, 17, -63, 4.8), (45, 30, -74, 4.4), (48, 43, -87, 4.0), (51, 46, -103, 3.2), (55, 39, -126, 2.2)],
        "gluteal": [(48, 43, -87, 3.1), (48, 58, -99, 2.8), (64, 76, -111, 2.2), (85, 84, -113, 1.6)],
        "deep": [(72, -50, -181, 3.8), (80, -43, -197, 3.4), (91, -33, -215, 2.9)],
    },
}  # fmt: skip
ILIAC_WALL = 1.2


def iliac(side: str, name: str, step: float = 0.5) -> Doubles:
    """Centre line and outer radius of an iliac or femoral artery, (n, 4)."""
    return through(_ILIAC[side][name], step)


_ARTERIES: dict[str, list[tuple[float, ...]]] = {
    "coeliac": [(5, 0, 139, 3.8), (4.5, -14, 136, 3.6), (4, -26, 135, 3.4), (3, -33, 138, 3.2)],
    "hepatic": [(3, -33, 138, 2.8), (-10, -37, 134, 2.6), (-24, -34, 132, 2.4), (-34, -28, 140, 2.2), (-42, -22, 150, 1.8), (-60, -18, 156, 1.4)],
    "gastroduodenal": [(-24, -34, 132, 1.9), (-28, -38, 118, 1.7), (-30, -40, 98, 1.4), (-26, -44, 78, 1.0)],
    "splenic": [
        (3, -33, 138, 3.0), (14, -30, 143, 2.9), (24, -20, 137, 2.8), (34, -14, 146, 2.8), (45, -2, 139, 2.7),
        (56, 4, 150, 2.6), (67, 14, 145, 2.5), (76, 20, 156, 2.2), (86, 28, 158, 1.9),
    ],
    "left gastric": [(3.5, -30, 137, 1.8), (8, -34, 150, 1.6), (22, -30, 168, 1.4), (34, -34, 176, 1.1), (44, -46, 160, 0.9)],
    "sma": [
        (4, 0, 124, 4.2), (4, -12, 121, 4.0), (3.5, -24, 114, 3.9), (2, -34, 101, 3.7), (0, -43, 82, 3.4), (-3, -55, 62, 3.1),
        (-8, -60, 40, 2.8), (-16, -58, 16, 2.3), (-30, -46, -8, 1.9), (-50, -36, -24, 1.4),
    ],
    "ima": [(8, -18, 31, 2.1), (19, -36, 29, 2.0), (27, -44, 24, 1.9), (33, -40, 8, 1.8), (35, -26, -14, 1.7), (33, -6, -42, 1.5), (22, 24, -78, 1.3), (10, 42, -105, 1.0)],
    "renal right": [(3, 6, 106, 3.1), (-9, 8, 105, 2.95), (-22, 16, 101, 2.8), (-38, 25, 94, 2.6), (-48, 30, 89, 2.4)],
    "renal left": [(3.5, 3.5, 98, 3.1), (14, 7, 98, 2.95), (26, 15, 98, 2.8), (40, 25, 97, 2.6), (47, 30, 96, 2.4)],
    "epigastric right": [(-71, -44, -143, 1.3), (-56, -62, -138, 1.3), (-44, -74, -110, 1.2), (-38, -86, -60, 1.1), (-36, -88, 0, 0.8)],
    "epigastric left": [(72, -44, -143, 1.3), (57, -62, -138, 1.3), (45, -74, -110, 1.2), (39, -86, -60, 1.1), (37, -88, 0, 0.8)],
}  # fmt: skip

_VEINS: dict[str, list[tuple[float, ...]]] = {
    "ivc a": [(-28, -6, 238, 8.5), (-28, 2, 205, 9.5), (-26, 6, 160, 9.5), (-27, 6, 120, 9), (-31, 6, 90, 9), (-36, 4, 60, 8), (-38, 1, 34, 7.6), (-34, 1, 8, 8), (-22, 3, -16, 8)],
    "ivc b": [(-21, -6, 238, 8.5), (-20, 2, 205, 9.5), (-18, 6, 160, 9.5), (-19, 6, 120, 9), (-23, 8, 90, 8.5), (-27, 4, 60, 7.6), (-29, 3, 34, 7.2), (-24, 1, 8, 8), (-12, 3, -16, 8)],
    "iliac right": [(-20, 3, -14, 8), (-28, 11, -36, 7.4), (-36, 26, -60, 6.8), (-46, 19, -80, 6.3), (-57, 6, -101, 6), (-60, -20, -121, 6), (-61, -45, -139, 6.2), (-60, -51, -160, 6.2), (-60, -48, -182, 5.6), (-62, -40, -212, 5)],
    "iliac left": [(-16, 3, -14, 8), (-3, 3, -26, 7), (16, 10, -42, 6.8), (36, 24, -64, 6.6), (47, 19, -82, 6.2), (58, 6, -103, 6), (61, -20, -122, 6), (61, -45, -139, 6.1), (60, -51, -160, 6.1), (60, -48, -182, 5.5), (62, -40, -212, 5)],
    "internal right": [(-37, 27, -62, 5), (-40, 42, -80, 4.4), (-44, 52, -96, 3.6), (-50, 50, -118, 2.6)],
    "internal left": [(37, 28, -66, 5), (41, 43, -84, 4.4), (45, 53, -99, 3.6), (51, 50, -120, 2.6)],
    "renal left": [(47, 27, 92, 4.2), (34, 12, 97, 4.4), (20, -7, 101, 4.2), (6, -13.5, 104, 3.8), (-10, -8, 105, 4.2), (-22, 2, 105, 5)],
    "renal right": [(-48, 28, 85, 4.2), (-38, 18, 91, 4.6), (-26, 8, 97, 5)],
}  # fmt: skip

_PORTAL: dict[str, list[tuple[float, ...]]] = {
    "smv": [(-30, -44, -4, 2.6), (-22, -60, 20, 4.4), (-15, -60, 46, 5.2), (-11, -50, 72, 5.7), (-9, -38, 92, 6.2), (-10, -30, 107, 6.8)],
    "portal": [(-10, -30, 107, 6.8), (-18, -22, 118, 6.9), (-30, -17, 130, 6.8), (-42, -14, 141, 6.4)],
    "splenic vein": [(-9, -29, 108, 5.2), (8, -29, 116, 4.9), (26, -14, 124, 4.7), (46, 4, 134, 4.5), (66, 18, 144, 4.2), (84, 29, 152, 3.6)],
    "imv": [(10, -28, 115, 2.2), (26, -26, 90, 2.1), (38, -34, 50, 1.9), (40, -28, 0, 1.7), (37, -6, -40, 1.5)],
}  # fmt: skip


def artery(name: str, step: float = 0.5) -> Doubles:
    """Centre line and lumen radius of a branch of the aorta, (n, 4)."""
    return through(_ARTERIES[name], step)


def _bundle(curves: dict[str, list[tuple[float, ...]]], step: float = 2.0) -> Doubles:
    return np.concatenate([rods_along(through(rows, step)) for rows in curves.values()])


def mesenteric() -> tuple[Doubles, Doubles]:
    """Branches of the superior mesenteric artery and vein that fan out to the bowel, as rods."""
    draw = generator("mesentery")
    arteries, veins = [], []
    trunk = through(_ARTERIES["sma"], 2.0)
    for i in range(26):
        start = trunk[int(26 + i * (len(trunk) - 32) / 26)]
        left = 1 if draw.random() < 0.62 else -1
        length = draw.uniform(38, 78)
        end = start[:3] + np.array([left * length, draw.uniform(-22, 12), draw.uniform(-62, 6)])
        middle = (start[:3] + end) / 2 + draw.normal(0, 7, 3) + np.array([0, -4, 8])
        branch = through([[*start[:3], 1.25], [*middle, 1.0], [*end, 0.55]], 2.0)
        arteries.append(rods_along(branch))
        for _ in range(2):
            at = branch[int(draw.uniform(0.4, 0.8) * len(branch))]
            tip = at[:3] + np.array([left * draw.uniform(10, 22), draw.uniform(-14, 10), draw.uniform(-24, 12)])
            arteries.append(
                rods_along(through([[*at[:3], 0.7], [*((at[:3] + tip) / 2 + draw.normal(0, 3, 3)), 0.6], [*tip, 0.45]]))
            )
        shifted = branch.copy()
        shifted[:, :3] += np.array([-2.6, 1.4, 2.2])
        shifted[:, 3] *= 1.45
        veins.append(rods_along(shifted))
    return np.concatenate(arteries), np.concatenate(veins)


def _paint_rods(canvas: Canvas, rods: Doubles, value: float, wall: float = 0.0, k: float = 0.8) -> None:
    block = canvas.block(*bounds(rods, 4))
    if block is None:
        return
    sd = rods_distance(block, rods, k, 3.0)
    if wall:
        paint(block, sd - wall, WALL)
    paint(block, sd, value)


def paint_veins(canvas: Canvas) -> None:
    """Caval, iliac, renal and portal veins; the renal veins are still a little denser than the leg veins."""
    rods = _bundle(_VEINS)
    block = canvas.block(*bounds(rods, 4))
    if block is not None:
        rods[:, 6:] *= 0.9
        sd = rods_distance(block, rods, 3.5, 6.0)
        paint(block, sd - 0.6, WALL)
        thigh, low, renal, high = canvas.phase.cava
        mixing = field(block, "caval mixing", (9, 9, 26))
        level = table(block.z, [(-206, thigh), (-100, thigh), (20, low), (80, low), (105, renal), (130, high)])
        paint(block, sd, (level + 5 * mixing).astype(np.float32))
    _, small = mesenteric()
    _paint_rods(canvas, small, canvas.phase.portal - 6)
    _paint_rods(canvas, _bundle(_PORTAL), canvas.phase.portal, 0.5, 2.0)


def paint_great(canvas: Canvas) -> None:
    """Only the larger vessels: what the bowel has to lie around."""
    for rods in (_bundle(_VEINS), _bundle(_PORTAL), _bundle(_ARTERIES)):
        _paint_rods(canvas, rods, canvas.phase.artery)
    _paint_rods(canvas, np.concatenate([rods_along(iliac(s, n, 2.0)) for s in _ILIAC for n in _ILIAC[s]]), 160.0)
    tube = aorta_outer()
    block = canvas.block(*tube.box(6))
    if block is not None:
        far, _, _ = tube.distance(block)
        paint(block, far, THROMBUS)


def paint_native_lumen(canvas: Canvas) -> None:
    """Blood in the aorta as it was born."""
    lumen = aorta_lumen()
    block = canvas.block(*lumen.box(6))
    if block is not None:
        near, _, _ = lumen.distance(block)
        paint(block, near, canvas.phase.artery)


def paint_arteries(
    canvas: Canvas, outer_wall: Tube | None = None, paint_lumen: Callable[[Canvas], None] = paint_native_lumen
) -> None:
    """The aorta with thrombus and calcium, and its branches.

    Parameters
    ----------
    outer_wall : of the aorta; the stored study's own without one
    paint_lumen : lays the blood into the thrombus
    """
    small, _ = mesenteric()
    _paint_rods(canvas, small, canvas.phase.artery - 4)
    sides = [(s, n) for s in _ILIAC for n in _ILIAC[s]]
    outer = np.concatenate([rods_along(iliac(s, n, 2.0)) for s, n in sides])
    inner = outer.copy()
    inner[:, 6:] -= ILIAC_WALL
    block = canvas.block(*bounds(outer, 4))
    if block is not None:
        paint(block, rods_distance(block, outer, 0.6, 3.0), WALL)
    tube = outer_wall or aorta_outer()
    block = canvas.block(*tube.box(6))
    if block is not None:
        far, _, _ = tube.distance(block)
        paint(block, far, WALL)
        # thrombus: layered, a little darker near the wall
        layers = THROMBUS + 4 * field(block, "thrombus", (10, 10, 14)) - 5 * fade(-far, 0, 6) + 5 * fade(-far, 6, 14)
        paint(block, far + 1.5, layers.astype(np.float32), strength=1.0)
    paint_lumen(canvas)
    _paint_rods(canvas, inner, canvas.phase.artery, 0.0, 0.6)
    _paint_rods(canvas, _bundle(_ARTERIES), canvas.phase.artery, 0.0, 1.0)
    _paint_calcium(canvas, tube)


@dataclass(frozen=True)
class Plaque:
    """Calcium in the wall: a patch between two length indices and around an angle."""

    name: str
    level: float
    angle: float
    long_mm: float
    wide_mm: float
    thick_mm: float
    hu: float


def plaques() -> list[Plaque]:
    """Calcified patches of the aortic wall: by height on the centre line (z, mm) and angle around it."""
    draw = generator("plaques")
    out = []
    for i in range(34):
        level = float(draw.choice([draw.uniform(-2, 66), draw.uniform(66, 235)], p=[0.72, 0.28]))
        out.append(
            Plaque(
                f"aorta {i + 1}", level, float(draw.uniform(-np.pi, np.pi)), float(draw.uniform(3, 15)),
                float(draw.uniform(2.5, 11)), float(draw.uniform(0.7, 1.5)), float(draw.uniform(520, 980)),
            )
        )  # fmt: skip
    return out


def _turned_by(angle: Array) -> Array:
    """The angle within -pi to pi."""
    turn = np.float32(2 * np.pi)
    out: Array = angle - turn * np.rint(angle / turn)
    return out


def _paint_calcium(canvas: Canvas, tube: Tube) -> None:
    step = float(arc_length(tube.points)[-1]) / (len(tube.points) - 1)
    e1, e2 = tube.frame
    for p in plaques():
        i = int(np.argmin(np.abs(tube.points[:, 2] - p.level)))
        r = float(tube.wall(i, p.angle))
        centre = tube.points[i] + (r - 0.9) * (np.cos(p.angle) * e1[i] + np.sin(p.angle) * e2[i])
        big = max(p.long_mm, p.wide_mm) + 3
        block = canvas.block((centre - big).tolist(), (centre + big).tolist())
        if block is None:
            continue
        far, at, angle = tube.distance(block)
        along = (at - i) * step / (p.long_mm / 2)
        around = (_turned_by(angle - np.float32(p.angle))).astype(np.float32) * r / (p.wide_mm / 2)
        patch = np.sqrt(along**2 + around**2) + 0.35 * field(block, f"plaque {p.name}", 4.0)
        flat = np.abs(far + 0.9) - p.thick_mm * np.clip(1.1 - 0.6 * patch, 0.1, 1) / 1
        sd = np.maximum(flat, (patch - 1) * min(p.long_mm, p.wide_mm) / 2)
        paint(block, sd.astype(np.float32), p.hu, 0.5)
    draw = generator("iliac plaques")
    for side in _ILIAC:
        for name, count in (("common", 7), ("internal", 3), ("external", 2)):
            curve = iliac(side, name)
            f, g = frames(curve, (1, 0, 0))
            t = tangents(curve)
            for _ in range(count):
                i = int(draw.uniform(0.12, 0.75 if name == "external" else 0.95) * (len(curve) - 8)) + 4
                q = draw.uniform(-np.pi, np.pi)
                out = np.cos(q) * f[i] + np.sin(q) * g[i]
                at = curve[i, :3] + (curve[i, 3] - 0.7) * out
                half = draw.uniform(1, 4)
                hu = float(draw.uniform(480, 900))
                rods = np.array([[*(at - half * t[i]), *(at + half * t[i]), 0.85, 0.7]])
                block = canvas.block(*bounds(rods, 3))
                if block is not None:
                    paint(block, rods_distance(block, rods, 0, 3), hu, 0.5)
