"""Analytic phantoms: values that are a function of the place in the patient, on any grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from render.geometry import Geometry
from render.volume import Volume

# native gantry orientation (row direction, column direction) of the eight patient positions (CLINICAL 1.4)
POSITIONS = {
    "HFS": (1, 0, 0, 0, 1, 0),
    "FFS": (-1, 0, 0, 0, 1, 0),
    "HFP": (-1, 0, 0, 0, -1, 0),
    "FFP": (1, 0, 0, 0, -1, 0),
    "HFDR": (0, 1, 0, -1, 0, 0),
    "FFDR": (0, -1, 0, -1, 0, 0),
    "HFDL": (0, -1, 0, 1, 0, 0),
    "FFDL": (0, 1, 0, 1, 0, 0),
}
DIRECTION = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "H": (0, 0, 1), "F": (0, 0, -1)}
# where the patient's letters stand: name -> (right edge, top edge); written down here, not computed
PLANES = {"axial": ("L", "A"), "coronal": ("L", "H"), "sagittal": ("P", "H")}
EYES = {"A": ("L", "H"), "P": ("R", "H"), "L": ("P", "H"), "R": ("A", "H"), "S": ("R", "A"), "I": ("L", "A")}
OPPOSITE = dict(zip("LRPAHF", "RLAPFH", strict=True))


def geometry(
    shape: tuple[int, int, int] = (40, 44, 48),
    spacing: tuple[float, float, float] = (4.0, 4.5, 3.5),
    iop: tuple[float, ...] = POSITIONS["HFS"],
    shear: float = 0.0,
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Geometry:
    """A grid around `centre`; `shear` mm per slice along the columns' direction (a tilted gantry)."""
    r, c = np.array(iop[:3], float), np.array(iop[3:], float)
    n = np.cross(r, c)
    a = np.eye(4)
    a[:3, 0] = n * spacing[0] + c * shear
    a[:3, 1] = c * spacing[1]
    a[:3, 2] = r * spacing[2]
    a[:3, 3] = np.array(centre) - a[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Geometry(shape, a)


def places(g: Geometry, positions: np.ndarray | None = None) -> np.ndarray:
    """LPS of every voxel, (slices, rows, columns, 3)."""
    k, r, c = np.indices(g.shape)
    if positions is None:
        return g.to_lps(np.stack([k, r, c], axis=-1))
    m = g.affine_lps[:3, :3]
    return positions[k] + r[..., None] * m[:, 1] + c[..., None] * m[:, 2]


def volume(
    value: Callable[[np.ndarray], np.ndarray],
    g: Geometry | None = None,
    dtype: type = np.int16,
    positions: np.ndarray | None = None,
    **more: object,
) -> Volume:
    """The volume whose voxels are `value` of their places."""
    g = g or geometry()
    v = value(places(g, positions))
    v = np.rint(v).astype(np.int16) if dtype is np.int16 else v.astype(np.float32)
    given: dict[str, object] = {"units": "HU", "digest": "phantom", "modality": "CT", **more}
    return Volume(voxels=v, geometry=g, positions_lps=positions, **given)


def ball(centre: tuple[float, float, float], radius: float, inside: float = 1000.0, outside: float = -1000.0):
    """A ball with an edge 3 mm wide, `inside` and `outside` in the middle of it at the radius."""

    def value(p: np.ndarray) -> np.ndarray:
        away = np.linalg.norm(p - np.array(centre), axis=-1) - radius
        share = np.clip(0.5 - away / 3.0, 0, 1)
        return outside + share * (inside - outside)

    return value


def markers(p: np.ndarray) -> np.ndarray:
    """Ball = left hand (1000), cube = anterior (1400), cone = head (1800), in air."""
    v = np.full(p.shape[:-1], -1000.0)
    v[np.linalg.norm(p - (55, 0, 0), axis=-1) < 14] = 1000
    v[(np.abs(p - (0, -55, 0)) < 11).all(axis=-1)] = 1400
    z = p[..., 2] - 45
    v[(z > 0) & (z < 24) & (np.hypot(p[..., 0], p[..., 1]) < (24 - z) * 0.6)] = 1800
    return v


def uneven(g: Geometry, seed: int = 3) -> np.ndarray:
    """True positions of slices with gaps between 0.7 and 1.3 of the usual, around the same middle."""
    n = g.shape[0]
    step = g.affine_lps[:3, 0]
    gaps = np.random.default_rng(seed).uniform(0.7, 1.3, n - 1)
    at = np.concatenate([[0], np.cumsum(gaps)])
    at = at - at.mean() + (n - 1) / 2
    return g.affine_lps[:3, 3] + at[:, None] * step
