"""Smooth curves through given points, their lengths and frames, and rods along them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def through(points: Sequence[Sequence[float]] | Doubles, step: float = 2.0) -> Doubles:
    """A smooth curve through points (n, 3 or more columns), resampled at about `step` mm of length.

    Further columns (radii ...) are interpolated with the position, without overshoot.
    """
    from scipy.interpolate import CubicSpline, PchipInterpolator

    given = np.asarray(points, np.float64)
    chord = np.r_[0, np.cumsum(np.linalg.norm(np.diff(given[:, :3], axis=0), axis=1))]
    place = CubicSpline(chord, given[:, :3], bc_type="natural")
    fine = np.linspace(0, chord[-1], max(50, int(chord[-1] / 0.25)))
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(place(fine), axis=0), axis=1))]
    count = max(2, round(length[-1] / step) + 1)
    t = np.interp(np.linspace(0, length[-1], count), length, fine)
    out = place(t)
    if given.shape[1] > 3:
        out = np.c_[out, PchipInterpolator(chord, given[:, 3:])(t)]
    return np.asarray(out)


def table(z: npt.ArrayLike, rows: Sequence[tuple[float, float]]) -> npt.NDArray[np.float32]:
    """A quantity given at some levels, smooth and without overshoot between them, constant beyond."""
    from scipy.interpolate import PchipInterpolator

    ordered = sorted(rows)
    levels = np.array([r[0] for r in ordered])
    values = np.array([r[1] for r in ordered])
    inside = np.clip(np.asarray(z, np.float64), levels[0], levels[-1])
    return np.asarray(PchipInterpolator(levels, values)(inside), np.float32)


def arc_length(points: Doubles) -> Doubles:
    """Length from the first point to each, mm."""
    return np.asarray(np.r_[0, np.cumsum(np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1))])


def tangents(points: Doubles) -> Doubles:
    """Unit tangent at each point."""
    t = np.gradient(points[:, :3], axis=0)
    return np.asarray(t / np.linalg.norm(t, axis=1, keepdims=True))


def frames(points: Doubles, start: Sequence[float] = (0.0, -1.0, 0.0)) -> tuple[Doubles, Doubles]:
    """Rotation-minimising normals by double reflection (Wang 2008); the first is `start` made orthogonal."""
    t = tangents(points)
    e1 = np.zeros_like(t)
    first = np.asarray(start, np.float64) - np.dot(start, t[0]) * t[0]
    e1[0] = first / np.linalg.norm(first)
    for i in range(len(t) - 1):
        v1 = points[i + 1, :3] - points[i, :3]
        c1 = v1 @ v1
        r = e1[i] - 2 / c1 * (v1 @ e1[i]) * v1
        tl = t[i] - 2 / c1 * (v1 @ t[i]) * v1
        v2 = t[i + 1] - tl
        c2 = v2 @ v2
        e1[i + 1] = r - 2 / c2 * (v2 @ r) * v2 if c2 > 1e-18 else r
    return e1, np.cross(t, e1)


def rods_along(curve: Doubles, radius: float | None = None) -> Doubles:
    """Rods (n, 8) along a curve whose fourth column is the radius, or with one radius."""
    r = curve[:, 3] if radius is None else np.full(len(curve), radius)
    return np.asarray(np.c_[curve[:-1, :3], curve[1:, :3], r[:-1], r[1:]])


def rod(a: Sequence[float] | Doubles, b: Sequence[float] | Doubles, ra: float, rb: float | None = None) -> Doubles:
    """One rod as a (1, 8) array."""
    return np.array([[*a, *b, ra, ra if rb is None else rb]], np.float64)


def sheet(rows: Sequence[Doubles], radii: Sequence[float], across: int = 8) -> Doubles:
    """Rods that fill the sheet between curves of equal length: thick where its radius is large.

    `rows` are curves (n, 3) from one border over the middle to the other; `radii` the half thickness at each.
    """
    from scipy.interpolate import PchipInterpolator

    stack = np.stack(rows)
    t = np.linspace(0, len(rows) - 1, across)
    place = PchipInterpolator(np.arange(len(rows)), stack.reshape(len(rows), -1))(t)
    place = place.reshape(across, -1, 3)
    r = PchipInterpolator(np.arange(len(rows)), np.asarray(radii, np.float64))(t)
    out = [
        np.c_[place[i], place[i + 1], np.full(place.shape[1], r[i]), np.full(place.shape[1], r[i + 1])]
        for i in range(across - 1)
    ]
    return np.concatenate(out)


def mirrored(rods: Doubles) -> Doubles:
    """The same on the other side of x = 0."""
    out = rods.copy()
    out[:, 0] *= -1
    out[:, 3] *= -1
    return out


def bounds(rods: Doubles, margin: float) -> tuple[list[float], list[float]]:
    """Corners of the box around rods, with a margin."""
    big = rods[:, 6:].max(axis=1)[:, None] + margin
    ends = np.stack([rods[:, :3], rods[:, 3:6]])
    return (ends.min(axis=0) - big).min(axis=0).tolist(), (ends.max(axis=0) + big).max(axis=0).tolist()
