"""How quickly the program is there: version, one charge, the window."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from workstation.base.errors import RenderDeskError
from workstation.bench.charge import example
from workstation.bench.figures import Figure, compare
from workstation.bench.processes import child, seconds_of, text_of

_WINDOW_S = 1.5


def measure(runs: int) -> list[Figure]:
    """Whole processes, warm in the page cache.

    Raises
    ------
    RenderDeskError
        A command of our own that fails.
    """
    bare = [sys.executable, "-c", "pass"]
    vtk = [sys.executable, "-c", "import vtk"]
    ours = [sys.executable, "-m", "workstation"]
    with tempfile.TemporaryDirectory(prefix="renderdesk-bench-") as name:
        facts = Path(name) / "facts.json"
        facts.write_text(json.dumps(example()), encoding="utf-8")
        figures = [
            compare(
                "renderdesk --version",
                lambda: seconds_of([*ours, "--version"]),
                lambda: seconds_of(bare),
                peer_name="Python that does nothing",
                runs=runs,
            ),
            compare(
                "renderdesk charge, one case",
                lambda: seconds_of([*ours, "charge", str(facts), "--json"]),
                lambda: seconds_of(bare),
                peer_name="Python that does nothing",
                runs=runs,
            ),
        ]
        window, words = _window(Path(name))
        if words:
            return [*figures, Figure(name="window usable", unit="s", ours=window, missing=words)]
        heavy: list[str] = []

        def shown() -> float:
            seconds, found = window_seconds(Path(name))
            heavy[:] = found
            return seconds

        usable = compare(
            "window usable",
            shown,
            lambda: seconds_of(vtk),
            peer_name="a process that does import vtk",
            runs=runs,
            unit="s",
            ratio_at_most=2.0,
            at_most=_WINDOW_S,
            note="from the start of the process until the sign-in is painted and the event loop is idle",
        )
    figures.append(usable)
    figures.append(
        Figure(
            name="heavy libraries loaded before the window was painted",
            unit="",
            ours=float(len(heavy)),
            at_most=0.0,
            note=", ".join(heavy) or "none of pydicom, scipy, skimage, SimpleITK, numba, vtk",
        )
    )
    return figures


def _window(home: Path) -> tuple[float, str]:
    """One try, and why there is no window here."""
    try:
        return window_seconds(home)[0], ""
    except RenderDeskError:
        return float("nan"), "Qt or its system libraries are missing, so there is no window"


def window_seconds(home: Path) -> tuple[float, list[str]]:
    """Seconds from the start of a process to its usable window, and the heavy libraries loaded by then."""
    import time

    began = time.time()
    answer = json.loads(text_of(child("window", str(home / "home"))).strip().splitlines()[-1])
    return float(answer["at"]) - began, list(answer["heavy"])
