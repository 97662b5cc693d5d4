"""Smooth random fields with fixed seeds: what makes a body uneven. Separable cubic B-splines on a lattice."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from workstation.sample.space import Array, Block

_LOW, _HIGH = -260.0, 330.0


def generator(*names: object) -> np.random.Generator:
    """A random generator that always gives the same numbers for the same names."""
    text = ":".join(map(str, names))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


def _taps(at: Array, cell: float, count: int) -> tuple[npt.NDArray[np.intp], list[Array]]:
    # first lattice point and the four weights of the cubic B-spline at each place
    t = (at.ravel().astype(np.float64) - _LOW) / cell
    base = np.clip(np.floor(t).astype(np.intp), 1, count - 3)
    f = t - base
    weights = [(1 - f) ** 3 / 6, (3 * f**3 - 6 * f**2 + 4) / 6, (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6, f**3 / 6]
    return base - 1, [w.astype(np.float32) for w in weights]


def field(block: Block, name: str, cell: float | tuple[float, float, float], octaves: int = 1) -> Array:
    """Smooth noise of about unit spread over a block; `cell` is the size of its features in mm (x, y, z).

    A voxel's value depends on its place alone, not on the block: the sums are written out, so that no
    library of linear algebra chooses their order.
    """
    cells = (cell,) * 3 if isinstance(cell, int | float) else cell
    total = np.zeros(block.shape, np.float32)
    for octave in range(octaves):
        (x, wx), (y, wy), (z, wz) = (
            _taps(axis, c / 2**octave, int((_HIGH - _LOW) * 2**octave / c) + 4)
            for axis, c in zip((block.x, block.y, block.z), cells, strict=True)
        )
        nx, ny = (int((_HIGH - _LOW) * 2**octave / c) + 4 for c in cells[:2])
        planes: dict[int, Array] = {}
        scale = np.float32(2.4 / 2**octave)
        for k in range(len(z)):
            first = int(z[k])
            for level in [level for level in planes if level < first]:
                del planes[level]
            for j in range(4):
                # the lattice is drawn plane by plane, so that a block of few slices draws only what it needs
                if first + j not in planes:
                    flat = generator("field", name, octave, first + j).standard_normal((ny, nx), np.float32)
                    rows = sum((flat[:, x + i] * wx[i] for i in range(1, 4)), flat[:, x] * wx[0])
                    planes[first + j] = sum(
                        (rows[y + i] * wy[i][:, None] for i in range(1, 4)), rows[y] * wy[0][:, None]
                    )
                total[k] += planes[first + j] * (wz[j][k] * scale)
    return total
