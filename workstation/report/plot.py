"""Plots as marks: lines with limits, bars and histograms, laid out without knowing what paints them.

The window paints the marks on the screen, the export on paper. Coordinates are points from the top left corner,
y down; a tone is a word ("accent", "quiet" ...) that each painter has its own colour for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["text", "quiet", "grid", "accent", "band", "wants", "done", "refused"]
Anchor = Literal["left", "middle", "right"]
SMALL = 11.0
_LETTER = 0.56  # mean width of a letter of the bundled face, in sizes: room for labels, never a layout to the point


@dataclass(frozen=True)
class Stroke:
    """A line through points; a break where one is None is made by two strokes."""

    points: tuple[tuple[float, float], ...]
    tone: Tone
    width: float = 1.5
    dashed: bool = False


@dataclass(frozen=True)
class Area:
    """A filled shape."""

    points: tuple[tuple[float, float], ...]
    tone: Tone


@dataclass(frozen=True)
class Dot:
    """A filled circle around its centre."""

    x: float
    y: float
    radius: float
    tone: Tone


@dataclass(frozen=True)
class Label:
    """One line of text on its baseline; longer than `room` it is cut with an ellipsis."""

    x: float
    y: float
    text: str
    tone: Tone = "quiet"
    size: float = SMALL
    anchor: Anchor = "left"
    room: float = 10000.0


Mark = Stroke | Area | Dot | Label


@dataclass(frozen=True)
class Value:
    """A month of a line: its label, the value or None, and the limits around it or None."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    middle: float | None = None
    unusual: bool = False


def percent(value: float) -> str:
    """A share as people read it: one decimal below ten percent, where it matters."""
    shown = value * 100
    return f"{shown:.1f}\u00a0%" if 0 < shown < 10 and abs(shown - round(shown)) > 1e-9 else f"{shown:.0f}\u00a0%"


def number(value: float) -> str:
    """A number without a needless decimal."""
    return f"{value:.0f}" if abs(value - round(value)) < 1e-9 else f"{value:.1f}"


def ticks(top: float, least: int = 3) -> tuple[float, ...]:
    """Round steps from 0 that reach a value: 1, 2 or 5 times a power of ten."""
    if not top > 0 or not math.isfinite(top):
        return (0.0, 1.0)
    raw = top / least
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * (1 - 1e-9))
    count = max(math.ceil(top / step - 1e-9), 1)
    return tuple(step * n for n in range(count + 1))


def line(
    width: float,
    height: float,
    values: Sequence[Value],
    *,
    said: Callable[[float], str] = percent,
    mark: tuple[float, str] | None = None,
) -> list[Mark]:
    """A line month by month with its limits as a band, its median dashed, and one level marked by its words."""
    known = [v for one in values for v in (one.value, one.high) if v is not None]
    # a level to compare with is drawn where the values come near it, or they would be a line on the floor
    near = mark is not None and (not known or mark[0] <= 2.5 * max(known))
    steps = ticks(max([*known, mark[0] if mark and near else 0.0], default=0.0))
    top = steps[-1]
    left = 8 + max(len(said(s)) for s in steps) * SMALL * _LETTER
    right, above, below = width - 8.0, 12.0, height - 22.0

    def y(value: float) -> float:
        return below - (below - above) * value / top

    def x(place: int) -> float:
        return left + (right - left) * (place + 0.5) / max(len(values), 1)

    marks: list[Mark] = []
    for step in steps:
        marks.append(Stroke(((left, y(step)), (right, y(step))), "grid", 1))
        marks.append(Label(left - 6, y(step) + 4, said(step), anchor="right"))
    for run in _runs([v.low is not None for v in values]):
        upper = [(x(n), y(values[n].high or 0.0)) for n in run]
        lower = [(x(n), y(values[n].low or 0.0)) for n in run]
        if len(run) == 1:
            half = (right - left) / max(len(values), 1) / 2
            upper = [(upper[0][0] - half, upper[0][1]), (upper[0][0] + half, upper[0][1])]
            lower = [(lower[0][0] - half, lower[0][1]), (lower[0][0] + half, lower[0][1])]
        marks.append(Area((*upper, *reversed(lower)), "band"))
        if len(run) > 1:
            marks.append(Stroke(tuple((x(n), y(values[n].middle or 0.0)) for n in run), "quiet", 1, dashed=True))
    if mark is not None and near:
        marks.append(Stroke(((left, y(mark[0])), (right, y(mark[0]))), "wants", 1, dashed=True))
        apart = [abs(v.value - mark[0]) for v in values if v.value is not None]
        late = bool(apart) and apart[-1] > apart[0]  # where the line is farther away
        at = right if late else left + 4
        side: Anchor = "right" if late else "left"
        marks.append(Label(at, y(mark[0]) - 4, mark[1], "wants", anchor=side, room=right - left))
    for run in _runs([v.value is not None for v in values]):
        places = tuple((x(n), y(values[n].value or 0.0)) for n in run)
        if len(run) > 1:
            marks.append(Stroke(places, "accent", 2))
    for n, one in enumerate(values):
        if one.value is not None:
            marks.append(Dot(x(n), y(one.value), 4 if one.unusual else 2.5, "wants" if one.unusual else "accent"))
    every = max(math.ceil(len(values) * 46 / max(right - left, 1)), 1)
    for n, one in enumerate(values):
        if (len(values) - 1 - n) % every == 0:
            marks.append(Label(x(n), height - 6, one.label, anchor="middle"))
    return marks


def bars(width: float, rows: Sequence[tuple[str, int]], *, tone: Tone = "accent", share: float = 0.55) -> list[Mark]:
    """Counts as horizontal bars, each with its words before it and its number behind it; 24 points a row."""
    most = max((n for _, n in rows), default=0)
    words = width * share
    room = width - words - 12 - 4 - max((len(str(n)) for _, n in rows), default=1) * SMALL * 0.7
    marks: list[Mark] = []
    for place, (text, count) in enumerate(rows):
        top = place * 24.0
        length = max(room * count / most, 2.0) if most else 2.0
        marks.append(Label(0, top + 16, text, "text", room=words - 8))
        marks.append(Area(_box(words, top + 7, length, 10), tone))
        marks.append(Label(words + length + 6, top + 16, str(count)))
    return marks


def bars_height(rows: Sequence[object]) -> float:
    """How high bars of so many rows are."""
    return max(len(rows), 1) * 24.0


def histogram(
    width: float, height: float, values: Sequence[float], *, unit: str = "days", mark: tuple[float, str] | None = None
) -> list[Mark]:
    """How often values fall into equal classes from 0 on; the last class holds its upper bound too.

    A class holds its lower bound and not its upper one. `mark` is a value with its words, such as the 90th percentile.
    """
    top = max([*values, mark[0] if mark else 0.0], default=0.0)
    bounds = ticks(top, 10)
    counts = classes(values, bounds)
    left, right, above, below = 30.0, width - 8.0, 16.0, height - 34.0
    steps = [s for s in ticks(float(max(counts, default=0)), 3) if s == round(s)]
    tall = steps[-1] if steps and steps[-1] else 1.0

    def x(value: float) -> float:
        return left + (right - left) * value / bounds[-1]

    marks: list[Mark] = []
    for step in steps:
        y = below - (below - above) * step / tall
        marks.append(Stroke(((left, y), (right, y)), "grid", 1))
        marks.append(Label(left - 6, y + 4, number(step), anchor="right"))
    for low, high, count in zip(bounds, bounds[1:], counts, strict=False):
        if count:
            high_y = below - (below - above) * count / tall
            marks.append(Area(_box(x(low) + 1, high_y, x(high) - x(low) - 2, below - high_y), "accent"))
    for bound in bounds:
        marks.append(Label(x(bound), height - 18, number(bound), anchor="middle"))
    marks.append(Label(right, height - 4, unit, anchor="right"))
    if mark is not None and values:
        marks.append(Stroke(((x(mark[0]), above - 6), (x(mark[0]), below)), "wants", 1, dashed=True))
        late = x(mark[0]) > (left + right) / 2
        marks.append(
            Label(x(mark[0]) + (-4 if late else 4), above + 2, mark[1], "wants", anchor="right" if late else "left")
        )
    return marks


def classes(values: Sequence[float], bounds: Sequence[float]) -> list[int]:
    """How many values fall between each bound and the next."""
    counts = [0] * (len(bounds) - 1)
    for value in values:
        place = next((n for n in range(len(counts)) if value < bounds[n + 1]), len(counts) - 1)
        counts[place] += 1
    return counts


def _box(x: float, y: float, width: float, height: float) -> tuple[tuple[float, float], ...]:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def _runs(there: Sequence[bool]) -> list[list[int]]:
    """Places that are there, in unbroken runs."""
    found: list[list[int]] = []
    for place, one in enumerate(there):
        if one and place and there[place - 1]:
            found[-1].append(place)
        elif one:
            found.append([place])
    return found
