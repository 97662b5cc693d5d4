"""What the scanner makes of the body: slices of finite thickness, point spread, noise, and the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workstation.sample.curves import table
from workstation.sample.exact import power
from workstation.sample.phases import PORTAL_VENOUS, Phase
from workstation.sample.roughness import generator
from workstation.sample.space import Array, Canvas, Grid, cover, regular_grid

PAD = -1024
_PROFILE = ((-1.5, 0.07), (-0.5, 0.43), (0.5, 0.43), (1.5, 0.07))
"""Slice sensitivity at sub-slices, in units of half the spacing."""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One reconstruction: its grid, its blur and its noise."""

    name: str
    size: int = 512
    pixel_mm: float = 0.8
    z_low: float = -205.2
    spacing_mm: float = 2.4
    count: int = 182
    spread_mm: float = 0.62
    """Standard deviation of the point spread in the slice's plane."""
    noise_hu: float = 11.5
    """Standard deviation in the middle of the belly."""
    phase: Phase = PORTAL_VENOUS

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """Heights of the slices' middles, mm, from the feet to the head."""
        return np.asarray(self.z_low + np.arange(self.count) * self.spacing_mm, np.float64)

    def grid(self, slices: Sequence[int]) -> Grid:
        """The fine grid under some neighbouring slices: two sub-slices for each, and one beyond at both ends."""
        axis = regular_grid(self.pixel_mm, self.size, 0.0, 1.0, 1)
        # by whole sub-slices, so that a level is the same number in every part of the series
        steps = np.arange(2 * slices[0] - 1, 2 * slices[-1] + 3)
        levels = self.z_low + (steps - 0.5) * (self.spacing_mm / 2)
        return Grid(axis.x, axis.y, levels.astype(np.float32))


def paint_table(canvas: Canvas) -> None:
    """The table's cradle: two thin shells around foam, and the mat on it. Laid before the patient."""
    block = canvas.everything()
    hu = block.hu
    bend = 30.0 * power(np.abs(block.x) / 215, 2.2)
    top = 143 - bend
    mat = cover(np.maximum(top - 14 - block.y, block.y - top), 0.8)
    hu += mat * (-925 - hu)
    skin = cover(np.abs(block.y - top + 13.6) - 0.4, 0.8)
    hu += skin * (-700 - hu)
    base = top + 30 + 0.35 * bend
    core = cover(np.maximum(top - block.y, block.y - base), 0.8)
    hu += core * (-965 - hu)
    for surface in (top, base):
        shell = cover(np.abs(block.y - surface) - 0.9, 0.7)
        hu += shell * (-60 - hu)


def _noise(scan: Scan, k: int) -> npt.NDArray[np.float64]:
    # white noise of unit spread, one plane per slice, so that any slice can be made alone
    return generator("noise", scan.name, k).standard_normal((scan.size, scan.size))


def _transfer(scan: Scan) -> npt.NDArray[np.float64]:
    # square root of the noise power: a ramp at low, a fall at high frequencies; the peak near 0.3 / mm
    fy = np.fft.fftfreq(scan.size, scan.pixel_mm)[:, None]
    fx = np.fft.rfftfreq(scan.size, scan.pixel_mm)[None, :]
    f = np.sqrt(fy * fy + fx * fx)
    shape = np.sqrt(f + 0.012) * np.exp(-((f / 0.36) ** 2))
    weight = np.full(shape.shape, 2.0)
    weight[:, 0] = 1.0
    if scan.size % 2 == 0:
        weight[:, -1] = 1.0
    power_sum = float((weight * shape**2).sum())
    return np.asarray(shape * (scan.size / np.sqrt(power_sum)))


def _grain(scan: Scan, transfer: npt.NDArray[np.float64], planes: Sequence[npt.NDArray[np.float64]]) -> Array:
    from scipy import fft

    # neighbouring slices of a spiral scan share rays
    below, own, above = planes
    mixed = (own + 0.24 * (below + above)) / np.sqrt(1 + 2 * 0.24**2)
    return np.asarray(fft.irfft2(fft.rfft2(mixed) * transfer, s=mixed.shape), np.float32)


def slices(scan: Scan, canvas: Canvas, wanted: Sequence[int]) -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
    """Finished slices, HU as int16.

    Parameters
    ----------
    canvas : painted on ``scan.grid(wanted)``
    wanted : indexes of neighbouring slices, rising
    """
    from scipy import ndimage

    transfer = _transfer(scan)
    planes = {k: _noise(scan, k) for k in (wanted[0] - 1, wanted[0])}
    for place, k in enumerate(wanted):
        planes[k + 1] = _noise(scan, k + 1)
        middle = 2 * place + 1.5
        mean = np.zeros((scan.size, scan.size), np.float32)
        for offset, weight in _PROFILE:
            mean += canvas.hu[int(middle + offset)] * np.float32(weight)
        blurred = ndimage.gaussian_filter(mean.astype(np.float64), scan.spread_mm / scan.pixel_mm, mode="nearest")
        depth = np.asarray(canvas.depth[int(middle + 0.5)], np.float32)
        # less light comes through the middle and through the pelvis
        level = float(
            table(scan.z_low + k * scan.spacing_mm, [(-206, 1.12), (-140, 1.22), (-60, 1.05), (40, 1.0), (200, 0.82)])
        )
        spread = 0.45 + 0.55 * np.clip((depth + 20) / 110, 0, 1)
        grain = _grain(scan, transfer, (planes[k - 1], planes[k], planes[k + 1]))
        value = blurred + np.float32(scan.noise_hu * level) * spread * grain
        del planes[k - 1]
        yield k, np.clip(np.rint(value), PAD, 3071).astype(np.int16)
