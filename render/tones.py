"""Values to grey: the window of PS3.3 C.11.2.1, and windows chosen from the voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from render.errors import RenderError
from render.kept import per_volume
from render.view import Window

if TYPE_CHECKING:
    from render.volume import Volume

_LEAST_TOP, _MOST_TOP, _BRIGHT, _FEW = 600.0, 1600.0, 200.0, 0.02
_AT_MOST = 2_000_000  # voxels looked at for a histogram: enough for percentiles, quick on 500 million


def rgb_of(text: str) -> tuple[float, float, float]:
    """``rrggbb`` to three shares 0..1."""
    try:
        value = int(text, 16)
    except ValueError as error:
        raise RenderError("recipe", f"{text!r} is no colour; it is written as six hex digits.") from error
    return (value >> 16 & 255) / 255, (value >> 8 & 255) / 255, (value & 255) / 255


def grey(
    values: npt.NDArray[np.float32], window: Window, *, inverted: bool = False, background: int = 0
) -> npt.NDArray[np.uint8]:
    """Apply a window.

    Parameters
    ----------
    values : float32, any shape; NaN is outside the image
    window : LINEAR, LINEAR_EXACT or SIGMOID of PS3.3 C.11.2.1.2 and C.11.2.1.3
    inverted : besides ``window.inverted``: the source is MONOCHROME1
    background : grey of what lies outside, whether inverted or not

    Returns
    -------
    uint8 of the same shape, 0 to 255, rounded to the nearest
    """
    share = fraction(values, window)
    if inverted != window.inverted:
        share = np.float32(1) - share
    with np.errstate(invalid="ignore"):
        out = (share * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    outside = np.isnan(values)
    if outside.any():
        out[outside] = background
    return out


def fraction(values: npt.NDArray[np.float32], window: Window) -> npt.NDArray[np.float32]:
    """The window as a share of the full brightness, 0 to 1, not inverted; NaN stays NaN."""
    c, w = window.center, window.width
    x = np.asarray(values, dtype=np.float32)
    if window.function == "SIGMOID":
        with np.errstate(over="ignore"):
            return np.asarray(1.0 / (1.0 + np.exp(-4.0 * (x - np.float32(c)) / np.float32(max(w, 1e-6)))), np.float32)
    if window.function == "LINEAR":
        c, w = c - 0.5, w - 1.0
    if w <= 1e-6:  # a width of 1 is a step: up to the centre black, above it white
        return np.where(np.isnan(x), x, (x > c).astype(np.float32)).astype(np.float32)
    return np.asarray(np.clip((x - np.float32(c)) / np.float32(w) + np.float32(0.5), 0, 1), np.float32)


def straight(window: Window) -> tuple[float, float] | None:
    """Centre and width of a window that is a ramp, as its formula takes them; None of any other."""
    c, w = window.center, window.width
    if window.function == "SIGMOID":
        return None
    if window.function == "LINEAR":
        c, w = c - 0.5, w - 1.0
    return None if w <= 1e-6 else (c, w)


def ends(window: Window) -> tuple[float, float]:
    """Values up to which a window is as dark as it gets, and from which on as bright; infinite of a sigmoid."""
    if window.function == "SIGMOID":
        return -np.inf, np.inf
    ramp = straight(window)
    if ramp is None:  # a step
        c = window.center - (0.5 if window.function == "LINEAR" else 0.0)
        return c, float(np.nextafter(np.float32(c), np.float32(np.inf)))
    c, w = ramp
    return c - w / 2, c + w / 2


def thinned(volume: Volume) -> npt.NDArray[np.float32]:
    """At most two million voxels, evenly taken, without padding; float32, one axis."""
    v = volume.voxels
    step = max(1, round((v.size / _AT_MOST) ** (1 / 3)))
    some = v[step // 2 if v.shape[0] > step else 0 :: step, ::step, ::step].astype(np.float32).ravel()
    some = some[np.isfinite(some)]
    if volume.padding is not None:
        low, high = volume.padding
        some = some[(some < low) | (some > high)]
    return some


def otsu(values: npt.NDArray[np.float32], bins: int = 256) -> float:
    """Threshold that separates two classes best (Otsu 1979), over a histogram of `bins`."""
    if not len(values) or float(values.min()) == float(values.max()):
        return float(values[0]) if len(values) else 0.0
    counts, edges = np.histogram(values, bins=bins)
    middle = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middle)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    between[~np.isfinite(between)] = -1
    best = np.flatnonzero(between == between.max())
    return float(middle[int(best[len(best) // 2])])


def foreground(volume: Volume) -> npt.NDArray[np.float32]:
    """Values of the object, for scales without HU: those above half of T.

    T is the smaller of the Otsu threshold of the square root and the 80th percentile, both over positive
    values (project rule, tried on synthetic TOF, MRCP and T1 data).
    """
    some = thinned(volume)
    positive = some[some > 0]
    if len(positive) < 100:
        return some
    t = min(otsu(np.sqrt(positive)) ** 2, float(np.percentile(positive, 80)))
    return positive[positive > t / 2]


@per_volume
def percentiles(volume: Volume, *shares: float) -> tuple[float, ...]:
    """Percentiles of the foreground (CT: of all that is no padding), one per given share 0..100."""
    some = thinned(volume) if volume.units == "HU" else foreground(volume)
    if not len(some):
        return tuple(0.0 for _ in shares)
    return tuple(float(p) for p in np.percentile(some, shares))


def from_range(low: float, high: float, *, function: str = "LINEAR_EXACT") -> Window:
    """The window whose black is `low` and whose white is `high`."""
    return Window(center=(low + high) / 2, width=max(high - low, 1e-3), function=function)  # type: ignore[arg-type]


@per_volume
def _shows_something(volume: Volume, center: float, width: float) -> bool:
    some = foreground(volume)
    if not len(some):
        return True
    white = float((some > center + width / 2).mean())
    black = float((some < center - width / 2).mean())
    return white < 0.5 and black < 0.9


def uptake(volume: Volume) -> float | None:
    """Factor from the volume's values to SUV by body weight (g/ml), or None where there is none."""
    return 1.0 if volume.units == "SUV" else volume.suv_factor


def as_shown(volume: Volume, value: float) -> tuple[float, str]:
    """A value with the unit in which people read it: HU, SUV (PET filed in Bq/ml too), or "" for a mere signal."""
    factor = uptake(volume)
    if factor is not None:
        return value * factor, "SUV"
    return value, "HU" if volume.units == "HU" else ""


@per_volume
def _mip_top(volume: Volume) -> float:
    """The value that is white in the MIP of a whole CT: nine tenths of the bone and contrast it shows are below.

    At 600 HU every bone of a trunk is one white shape, before which no vessel and in which no fracture is seen. Of the
    values above 200 HU that a projection from the front shows; 600 to 1600 HU in steps of 50.
    """
    v = volume.voxels[:: max(1, volume.geometry.shape[0] // 100), ::2, ::2]
    shown = v.max(axis=int(np.argmax(np.abs(volume.geometry.affine_lps[1, :3]))), initial=0, where=_counted(volume, v))
    bright = shown[shown > _BRIGHT]
    if bright.size < _FEW * shown.size:
        return _LEAST_TOP
    return float(np.clip(50 * np.rint(np.percentile(bright, 90) / 50), _LEAST_TOP, _MOST_TOP))


def _counted(volume: Volume, v: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | bool:
    """Which voxels are numbers and no padding."""
    there: npt.NDArray[np.bool_] | bool = True if v.dtype == np.int16 else np.isfinite(v)
    if volume.padding is not None:
        there = there & ((v < volume.padding[0]) | (v > volume.padding[1]))
    return there


def default_window(volume: Volume, technique: str = "mpr", *, slab: bool = False) -> Window:
    """The window that a picture gets when none is asked for.

    CT projections: from 0 to where bone is bright (MIP, see `_mip_top`; of a slab 600/300), 500/-750 (MinIP),
    1000/200 (mean). Otherwise the file's own window, unless it
    shows nearly nothing (some derived series carry one that makes half of the object white, or nearly all of it
    black), else CT 400/40, PET SUV 0 to 7, else the 1st to 99th percentile of the foreground.
    """
    if volume.units == "HU" and technique in {"mip", "minip", "mean"}:
        top = _LEAST_TOP if slab or technique != "mip" else _mip_top(volume)
        c, w = {"mip": (top / 2, top), "minip": (-750.0, 500.0), "mean": (200.0, 1000.0)}[technique]
        return Window(center=c, width=w)
    factor = uptake(volume)
    if factor is not None:
        return from_range(0.0, 7.0 / factor)
    if technique == "mpr":
        for center, width in volume.file_windows:
            if width > 0 and (volume.units == "HU" or _shows_something(volume, center, width)):
                return Window(center=center, width=width, function="LINEAR" if width >= 1 else "LINEAR_EXACT")
    if volume.units == "HU":
        return Window(center=40.0, width=400.0)
    low, high = percentiles(volume, 50.0, 99.9) if technique == "mip" else percentiles(volume, 1.0, 99.0)
    return from_range(low, high)
