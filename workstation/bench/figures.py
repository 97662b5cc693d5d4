"""A figure of a bench: ours beside a peer, measured in turn, as medians; and what it was measured on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

Trial = Callable[[], float]
"""Does the work once and returns the seconds that counted."""

told: ContextVar[Callable[[str], None]] = ContextVar("told", default=lambda _: None)
"""Who is told what is being measured, while a bench runs."""

_LONG = 10.0
_LONG_RUNS = 3
_LIBRARIES = (
    "numpy", "numba", "vtk", "SimpleITK", "pydicom", "imagecodecs", "scikit-image", "scipy", "PySide6_Essentials",
    "pyvista",
)  # fmt: skip


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a bench.

    Parameters
    ----------
    ours, peer : medians, in `unit`; no peer where there is none to compare with, or it is missing
    ratio : ours / peer
    ratio_at_most, at_most, at_least : what it is held to; None where nothing was promised
    missing : the peer that is not installed here, in words
    runs : timed runs of each, after one that warms up
    ours_range : the least and greatest of ours
    """

    name: str
    unit: str
    ours: float
    peer: float | None = None
    ratio: float | None = None
    peer_name: str = ""
    missing: str = ""
    ratio_at_most: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    runs: int = 1
    ours_range: tuple[float, float] | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether all that it is held to was reached; None where nothing can be said."""
        told = [
            *([self.ratio <= self.ratio_at_most] if self.ratio is not None and self.ratio_at_most is not None else []),
            *([self.ours <= self.at_most] if self.at_most is not None else []),
            *([self.ours >= self.at_least] if self.at_least is not None else []),
        ]
        return all(told) if told else None


def timed(work: Callable[[], object]) -> Trial:
    """A trial whose whole call counts."""

    def trial() -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    return trial


def measuring(name: str) -> None:
    """Say what is measured from here on: a bench takes minutes and shows its figures at the end."""
    told.get()(name)


def alternate(trials: Sequence[Trial], runs: int) -> list[list[float]]:
    """Seconds of every trial: one call each that warms up, then in turn, `runs` times (3 where one takes over 10 s)."""
    warm = [trial() for trial in trials]
    if max(warm) > _LONG:
        runs = min(runs, _LONG_RUNS)
    taken: list[list[float]] = [[] for _ in trials]
    for _ in range(runs):
        for seconds, trial in zip(taken, trials, strict=True):
            seconds.append(trial())
    return taken


def compare(
    name: str,
    ours: Trial,
    peer: Trial | None = None,
    *,
    peer_name: str = "",
    missing: str = "",
    runs: int = 5,
    unit: str = "ms",
    ratio_at_most: float | None = None,
    at_most: float | None = None,
    note: str = "",
) -> Figure:
    """Measure ours and the peer in turn.

    Parameters
    ----------
    unit : ``"ms"`` or ``"s"``; `at_most` is in it
    missing : why there is no peer, where there should be one
    """
    measuring(name)
    factor = {"ms": 1000.0, "s": 1.0}[unit]
    taken = alternate([ours] if peer is None else [ours, peer], runs)
    medians = [statistics.median(seconds) * factor for seconds in taken]
    return Figure(
        name=name,
        unit=unit,
        ours=medians[0],
        peer=medians[1] if peer is not None else None,
        ratio=medians[0] / medians[1] if peer is not None else None,
        peer_name=peer_name,
        missing=missing if peer is None else "",
        ratio_at_most=ratio_at_most,
        at_most=at_most,
        runs=len(taken[0]),
        ours_range=(min(taken[0]) * factor, max(taken[0]) * factor),
        note=note,
    )


def plain(figure: Figure) -> dict[str, object]:
    """For JSON: all fields and whether the promise was kept."""
    shown = msgspec.to_builtins(figure)
    assert isinstance(shown, dict)
    return {**shown, "met": figure.met}


def table(figures: Sequence[Figure]) -> list[str]:
    """Lines for a person."""
    rows = _rows(figures)
    wide = [max(len(row[i]) for row in rows) for i in range(7)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows]


def markdown(figures: Sequence[Figure]) -> list[str]:
    """The same as the lines of a table for documents."""
    first, *rest = (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in _rows(figures))
    return [first, "|" + "---|" * 7, *rest]


def _rows(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """Heads, then one row of seven cells for each figure."""
    rows: list[tuple[str, ...]] = [("figure", "ours", "peer", "ratio", "unit", "held to", "peer's name, notes")]
    for f in figures:
        held = []
        if f.ratio_at_most is not None:
            held.append(f"ratio <= {f.ratio_at_most:g}")
        if f.at_most is not None:
            held.append(f"<= {f.at_most:g}")
        if f.at_least is not None:
            held.append(f">= {f.at_least:g}")
        words = {True: "met: ", False: "MISSED: ", None: ""}[f.met] + ", ".join(held)
        last = "; ".join(w for w in (f.peer_name, f.missing, f.note) if w)
        shown = (_short(f.ours), _short(f.peer), _short(f.ratio, ratio=True))
        rows.append((f.name, *shown, f.unit, words, last))
    return rows


def _short(value: float | None, *, ratio: bool = False) -> str:
    if value is None:
        return "-"
    if ratio:
        return f"{value:.2f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def conditions(*, gl: bool = False) -> dict[str, object]:
    """What this was measured on: processor, cores, memory, versions, how busy it was; with `gl` who draws OpenGL."""
    from render.caster.portions import cores

    out: dict[str, object] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": cores(),
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _LIBRARIES},
    }
    if hasattr(os, "getloadavg"):
        out["load_average"] = round(os.getloadavg()[0], 2)
    if gl:
        from render.policy import find

        machine = find()
        out["gl"] = machine.gl or "none"
        out["renderer"] = machine.renderer
    return out


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None
