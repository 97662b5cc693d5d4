"""Smooth random fields with fixed seeds: what makes a body uneven. Separable cubic B-splines on a lattice."""

from __future__ import annotations

import hashlib

import numpy as np

from workstation.sample.space import Array, Block

_LOW, _HIGH = -260.0, 330.0


def generator(*names: object) -> np.random.Generator:
    """A random generator that always gives the same numbers for the same names."""
    text = ":".join(map(str, names))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


def _weights(at: Array, cell: float, count: int) -> Array:
    t = (at.ravel().astype(np.float64) - _LOW) / cell
    base = np.clip(np.floor(t).astype(int), 1, count - 3)
    f = t - base
    rows = np.zeros((len(t), count))
    i = np.arange(len(t))
    for shift, weight in zip(
        (-1, 0, 1, 2),
        ((1 - f) ** 3 / 6, (3 * f**3 - 6 * f**2 + 4) / 6, (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6, f**3 / 6),
        strict=True,
    ):
        rows[i, base + shift] += weight
    return rows.astype(np.float32)


def field(block: Block, name: str, cell: float | tuple[float, float, float], octaves: int = 1) -> Array:
    """Smooth noise of about unit spread over a block; `cell` is the size of its features in mm (x, y, z)."""
    cells = (cell,) * 3 if isinstance(cell, int | float) else cell
    total = np.zeros(block.shape, np.float32)
    for octave in range(octaves):
        parts = []
        counts = []
        for axis, c in zip((block.x, block.y, block.z), cells, strict=True):
            size = c / 2**octave
            count = int((_HIGH - _LOW) / size) + 4
            counts.append(count)
            parts.append(_weights(axis, size, count))
        nx, ny, nz = counts
        # the lattice is drawn plane by plane, so that a block of few slices draws only what it needs
        used = np.flatnonzero(parts[2].any(axis=0))
        lattice = np.stack(
            [generator("field", name, octave, k).standard_normal((ny, nx), np.float32) for k in used.tolist()]
        )
        plane = np.einsum("kyx,ax->kya", lattice, parts[0], optimize=True)
        plane = np.einsum("kya,by->kba", plane, parts[1], optimize=True)
        total += np.einsum("kba,ck->cba", plane, parts[2][:, used], optimize=True) * np.float32(2.4 / 2**octave)
    return total
