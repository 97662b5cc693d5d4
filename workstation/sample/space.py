"""The canvas that a study is painted on: HU on a fine grid in LPS millimetres, structure after structure.

A structure is a signed distance in mm (negative inside). It is laid over what is there with an edge of
finite width, so that every border has its partial volume and none has a staircase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from workstation.sample.phases import PORTAL_VENOUS, Phase

Array = npt.NDArray[np.floating[Any]]
Vec = Sequence[float] | npt.NDArray[np.float64]
EDGE_MM = 0.55
"""Half width of the edge before the scanner's point spread."""


@dataclass(frozen=True)
class Grid:
    """Voxel centres along the three axes, mm LPS: x to the left, y to the back, z to the head."""

    x: Array
    y: Array
    z: Array

    @property
    def shape(self) -> tuple[int, int, int]:
        return (len(self.z), len(self.y), len(self.x))


def regular_grid(pixel_mm: float, size: int, z_low: float, z_step: float, count: int) -> Grid:
    """A square grid centred on x = 0, y = 0, its slices upwards from `z_low`."""
    axis = (np.arange(size) - (size - 1) / 2) * pixel_mm
    levels = z_low + np.arange(count) * z_step
    return Grid(axis.astype(np.float32), axis.astype(np.float32), levels.astype(np.float32))


@dataclass(frozen=True)
class Block:
    """A box of the canvas; x, y, z broadcast against each other, `hu` is a view into the canvas."""

    x: Array
    y: Array
    z: Array
    hu: Array
    place: tuple[slice, slice, slice]

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.z.shape[0], self.y.shape[1], self.x.shape[2])


class Canvas:
    """HU of the whole scene, float32, [z, y, x]."""

    def __init__(self, grid: Grid, phase: Phase = PORTAL_VENOUS, background: float = -1000.0) -> None:
        self.grid = grid
        self.phase = phase
        self.hu = np.full(grid.shape, background, np.float32)
        self.depth = np.zeros(grid.shape, np.float32)
        """Depth under the skin, mm; known once the body is painted."""

    def block(self, low: Vec, high: Vec) -> Block | None:
        """The part between two corners (x, y, z in mm), or None where it lies outside the grid."""
        spans = []
        for axis, lo, hi in zip((self.grid.x, self.grid.y, self.grid.z), low, high, strict=True):
            first = int(np.searchsorted(axis, lo))
            last = int(np.searchsorted(axis, hi, side="right"))
            if last <= first:
                return None
            spans.append(slice(first, last))
        sx, sy, sz = spans
        place = (sz, sy, sx)
        return Block(
            self.grid.x[sx][None, None, :],
            self.grid.y[sy][None, :, None],
            self.grid.z[sz][:, None, None],
            self.hu[place],
            place,
        )

    def everything(self) -> Block:
        """The whole canvas as one block."""
        block = self.block((-1e6,) * 3, (1e6,) * 3)
        assert block is not None
        return block


def cover(sd: Array, edge: float = EDGE_MM) -> Array:
    """Share of the voxel that lies inside: a ramp over +- `edge` mm around the border."""
    share = sd * np.float32(-0.5 / edge)
    share += np.float32(0.5)
    np.clip(share, 0, 1, out=share)
    return share


def paint(block: Block, sd: Array, value: float | Array, edge: float = EDGE_MM, strength: float = 1.0) -> None:
    """Lay a structure over what is there."""
    share = cover(sd, edge)
    if strength != 1.0:
        share *= np.float32(strength)
    hu = block.hu
    hu += share * (value - hu)


def smooth_union(a: Array, b: Array, k: float) -> Array:
    """Union of two distances, rounded over about `k` mm (polynomial smooth minimum)."""
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0, 1).astype(np.float32)
    out: Array = b + (a - b) * h - np.float32(k) * h * (1 - h)
    return out


def smooth_cut(a: Array, b: Array, k: float) -> Array:
    """Intersection of two distances, rounded over about `k` mm."""
    return -smooth_union(-a, -b, k)


def ellipsoid(block: Block, centre: Vec, radii: Vec, turn: npt.NDArray[np.float64] | None = None) -> Array:
    """Approximate signed distance to an ellipsoid; rows of `turn` are its own axes in LPS."""
    dx, dy, dz = block.x - centre[0], block.y - centre[1], block.z - centre[2]
    if turn is None:
        turn = np.eye(3)
    first = np.zeros(block.shape, np.float32)
    second = np.zeros(block.shape, np.float32)
    for row, radius in zip(turn, radii, strict=True):
        along = np.float32(row[0]) * dx + np.float32(row[1]) * dy + np.float32(row[2]) * dz
        along = along * np.float32(1 / radius)
        along = along * along
        first += along
        second += along * np.float32(1 / radius**2)
    first = np.sqrt(first)
    second = np.sqrt(second) + np.float32(1e-6)
    out: Array = first * (first - 1) / second
    return out


def turned(degrees_x: float = 0.0, degrees_y: float = 0.0, degrees_z: float = 0.0) -> npt.NDArray[np.float64]:
    """Rotation about x, then y, then z; its rows are the turned axes."""
    a, b, c = np.deg2rad([degrees_x, degrees_y, degrees_z])
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray((rz @ ry @ rx).T)


def fade(value: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    out: Array = t * t * (3 - 2 * t)
    return out
