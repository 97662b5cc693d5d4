"""Trunks made by code, each another body: what the tests of position are measured on, beside the real chest.

Coarse (4 x 4 x 5 mm), in HU, in LPS: index order (slice, row, column) = (z up, y back, x left). Nobody's anatomy; the
organs lie where they lie in most people, with sizes, places and fillings drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from render.geometry import Geometry

SPACING = (5.0, 4.0, 4.0)


@dataclass(frozen=True)
class Body:
    """What is drawn at random of a trunk, and what is asked for."""

    seed: int
    part: str = "trunk"  # "trunk", "chest", "upper abdomen", "abdomen and pelvis", "pelvis", "neck and chest"
    contrast: bool | None = None
    pneumothorax: str = ""  # "", "left", "right"
    effusion: str = ""
    no_lung: str = ""  # removed: "left", "right"
    big_liver: bool = False
    full_stomach: bool = False
    colon_gas: bool = False
    arms: str = ""  # "up" (none in sight), "down"
    lying: str = "S"  # the side of the table: "S", "P", "DR", "DL"
    kyphosis: bool = False
    thin: bool = False
    stout: bool = False
    breasts: bool = False
    scoliosis: bool = False


PARTS = {
    "trunk": (-330.0, 330.0), "chest": (-20.0, 330.0), "upper abdomen": (-170.0, 60.0),
    "abdomen and pelvis": (-380.0, 40.0), "pelvis": (-400.0, -170.0), "neck and chest": (0.0, 430.0),
}  # fmt: skip
LYING = {"S": (0, 1), "P": (0, -1), "DR": (-1, 0), "DL": (1, 0)}


def trunk(body: Body) -> tuple[np.ndarray, Geometry]:
    """Voxels (slices, rows, columns) int16 and their grid; z 0 is the dome of the diaphragm."""
    rng = np.random.default_rng(body.seed)
    low, high = PARTS[body.part]
    low, high = low + rng.uniform(-25, 25), high + rng.uniform(-25, 25)
    wide = 175 * rng.uniform(0.9, 1.1) * (1.25 if body.stout else 0.85 if body.thin else 1)
    deep = 115 * rng.uniform(0.9, 1.1) * (1.3 if body.stout else 0.8 if body.thin else 1)
    fat = (35 if body.stout else 6 if body.thin else 18) * rng.uniform(0.8, 1.2)
    reach = wide + 110
    z = np.arange(low, high, SPACING[0])[:, None, None]
    y = np.arange(-deep - 70, deep + 90, SPACING[1])[None, :, None]
    x = np.arange(-reach, reach, SPACING[2])[None, None, :]
    contrast = bool(rng.random() < 0.5) if body.contrast is None else body.contrast
    blood = rng.uniform(200, 420) if contrast else rng.uniform(35, 50)
    bend = rng.uniform(15, 35) * np.sin(z / 160) if body.scoliosis else np.zeros_like(z)
    hump = rng.uniform(15, 35) * np.clip((z - 80) / 200, 0, 1) if body.kyphosis else np.zeros_like(z)

    def ball(cx, cy, cz, rx, ry, rz):
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 < 1

    narrow = np.where(z > 250, np.clip(1 - (z - 250) / 160, 0.36, 1), 1.0)  # shoulders to neck
    waist = 1 - 0.1 * np.exp(-(((z + 150) / 70) ** 2))
    sx, sy = wide * narrow * waist, deep * np.clip(narrow + 0.15, 0, 1) * waist
    inside = (x / sx) ** 2 + (y / sy) ** 2 < 1
    core = (x / (sx - fat)) ** 2 + (y / (sy - fat)) ** 2 < 1
    out = np.full(inside.shape, -1000.0)
    out[inside] = rng.uniform(-115, -90)
    muscle = core & ~((x / (sx - fat - 14)) ** 2 + (y / (sy - fat - 14)) ** 2 < 1)
    out[core] = np.where((z < -40), rng.uniform(-60, 20), 20.0)[:, 0, 0][:, None, None].repeat(
        out.shape[1], 1).repeat(out.shape[2], 2)[core]  # fmt: skip
    out[muscle] = rng.uniform(45, 65)
    if body.breasts:
        for side in (-1, 1):
            out[ball(side * 0.5 * wide, -deep, 60, 60, 50, 65) & ~inside] = -80
    back = 0.42 * deep + hump
    # lungs, their bases round the domes; the right one higher
    lung = {}
    for name, side in (("right", -1), ("left", 1)):
        size = rng.uniform(0.9, 1.1)
        shape = (((x - side * 0.5 * wide) / (0.4 * wide * size)) ** 2 + ((y - 0.02 * deep) / (0.72 * deep * size)) ** 2
                 + ((z - 120) / (140 * size)) ** 2 < 1)  # fmt: skip
        dome = ball(side * 0.5 * wide, 0, -35 + (15 if side < 0 else 0), 0.46 * wide, 0.8 * deep, 70)
        lung[name] = shape & ~dome & core
        if name != body.no_lung:
            out[lung[name]] = rng.uniform(-880, -780)
        else:
            out[lung[name]] = rng.uniform(0, 30)
    for name in ("right", "left"):
        if body.pneumothorax == name:
            out[lung[name] & (y < 0.1 * deep)] = -1000
            out[lung[name] & (y >= 0.1 * deep)] = rng.uniform(-700, -400)
        if body.effusion == name:
            out[lung[name] & (y > rng.uniform(0, 0.3) * deep)] = rng.uniform(5, 20)
    # heart and great vessels, to the left
    shift = rng.uniform(18, 38)
    heart = ball(shift, -0.25 * deep, 45 + rng.uniform(-10, 10), 62 * rng.uniform(0.9, 1.15), 0.5 * deep, 52) & core
    out[heart] = 45
    if contrast:
        out[ball(shift + 6, -0.25 * deep, 45, 46, 0.36 * deep, 38) & core] = blood
    mediastinum = (np.abs(x) < 32) & (np.abs(y) < 0.55 * deep) & (z > 60) & (z < 250) & core
    out[mediastinum & (out < -300)] = 20
    # liver right, spleen left, stomach left with its gas, kidneys
    grow = 1.3 if body.big_liver else 1.0
    liver = ball(-0.42 * wide, -0.05 * deep, -55, 0.46 * wide * grow, 0.72 * deep, 85 * grow)
    left_lobe = ball(0.02 * wide * grow, -0.4 * deep, -45, 0.36 * wide * grow, 0.35 * deep, 45)
    free = core & ~(lung["left"] | lung["right"]) & ~heart
    out[(liver | left_lobe) & free] = rng.uniform(50, 65) + (rng.uniform(35, 60) if contrast else 0)
    out[ball(0.62 * wide, 0.35 * deep, -50, 38, 32, 52) & free] = 50 + (60 if contrast else 0)
    fill = rng.uniform(1.25, 1.5) if body.full_stomach else rng.uniform(0.7, 1.0)
    stomach = ball(0.4 * wide, -0.25 * deep, -60, 46 * fill, 38 * fill, 62 * fill) & free & ~(liver | left_lobe)
    out[stomach] = 15
    up = LYING[body.lying]
    level = (x - 0.4 * wide) * up[0] + (y + 0.25 * deep) * up[1]
    out[stomach & (level < rng.uniform(-12, 2) * fill + (25 if body.full_stomach else 0))] = -1000
    if body.colon_gas:  # in either flexure and across
        for _ in range(4):
            cx, cz = rng.uniform(-0.65, 0.65) * wide, rng.uniform(-210, -70)
            out[ball(cx, -0.5 * deep, cz, rng.uniform(14, 30), rng.uniform(14, 24), rng.uniform(14, 30))
                & free & ~(liver | left_lobe)] = -1000  # fmt: skip
    for side in (-1, 1):
        out[ball(side * 62, 0.42 * deep, -125 - (10 if side < 0 else 0), 28, 26, 52) & core] = 35 + (
            120 if contrast else 0
        )
    # bones
    bone = rng.uniform(350, 700)
    disc = np.mod(z, 32) > 7
    vertebra = ((x - bend) / 21) ** 2 + ((y - back) / 17) ** 2 < 1
    arch = (np.abs(x - bend) < 5) & (y > back + 14) & (y < back + 48)
    processes = (np.abs(x - bend) < 34) & (np.abs(y - back - 22) < 5)
    out[(vertebra | arch | processes) & disc & core] = bone
    marrow = ((x - bend) / 15) ** 2 + ((y - back) / 11) ** 2 < 1
    out[marrow & disc & core] = bone * 0.3
    out[(((x - bend) / 21) ** 2 + ((y - back) / 17) ** 2 < 1) & ~disc & core] = 80
    ring = ((x / (sx - fat)) ** 2 + (y / (sy - fat)) ** 2 < 1) & ~(
        (x / (sx - fat - 7)) ** 2 + (y / (sy - fat - 7)) ** 2 < 1
    )
    slope = np.mod(z - 0.35 * y + 400, 30) < 9
    out[ring & slope & (z > -60) & (z < 240) & (np.abs(x) > 25)] = bone
    out[(np.abs(x) < 16) & (np.abs(y + deep - fat - 8) < 6) & (z > 60) & (z < 220) & core] = bone
    for side in (-1, 1):
        wing = ball(side * 85, 0.25 * deep, -255, 52, 12 + 0.3 * deep, 55) & ~ball(
            side * 78, 0.2 * deep, -250, 45, 0.3 * deep, 50
        )
        out[wing & core] = bone
        out[ball(side * 95, 0, -345, 24, 24, 26) & core] = bone
        scapula = (np.abs(np.abs(x) - 0.62 * wide) < 34) & (np.abs(y - 0.68 * deep) < 4) & (z > 120) & (z < 240)
        out[scapula & core] = bone
    out[ball(0, 0.55 * deep, -270, 45, 14, 45) & core] = bone
    aorta = ((x - bend - 18) / 12) ** 2 + ((y - back + 26) / 12) ** 2 < 1
    out[aorta & (z > -200) & (z < 180) & core] = blood
    if body.arms == "down":
        for side in (-1, 1):
            arm = ((x - side * (wide + 50)) / 42) ** 2 + ((y - 0.1 * deep) / 42) ** 2 < 1
            out[np.broadcast_to(arm, out.shape) & (z < 240)] = 40
            out[
                np.broadcast_to(((x - side * (wide + 50)) / 11) ** 2 + ((y - 0.1 * deep) / 11) ** 2 < 1, out.shape)
                & (z < 240)
            ] = bone
    out += rng.normal(0, rng.uniform(5, 35), out.shape)
    across = (np.abs(y - up[1] * (deep + 45)) < 5) if up[1] else (np.abs(x - up[0] * (wide + 80)) < 5)
    along = np.abs(x) < 200 if up[1] else np.abs(y) < 110
    if rng.random() < 0.7:
        out[np.broadcast_to(across & along, out.shape)] = 0
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (0, 0, SPACING[0]), (0, SPACING[1], 0), (SPACING[2], 0, 0)
    affine[:3, 3] = float(x.min()), float(y.min()), float(z.min())
    return np.clip(out, -1024, 3071).astype(np.int16), Geometry(out.shape, affine, "")
