"""Which renderer draws volumes here: decided by what the machine proves, not by what it is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CASTER, FIXED_POINT, GPU = "CPU caster", "VTK fixed point", "VTK GPU"
_FAST_ENOUGH = 0.15  # seconds for the trial picture; the caster draws it in about as long on two cores
_PATIENCE = 30.0


@dataclass(frozen=True)
class Machine:
    """What was found: the renderer to use, and a sentence for a person."""

    renderer: str
    gl: str
    sentence: str


def choose_renderer() -> str:
    """``"CPU caster"``, ``"VTK fixed point"`` or ``"VTK GPU"``; asked once per process.

    The variable RENDERDESK_RENDERER (caster, fixed, gpu) decides without asking.
    """
    return find().renderer


def describe() -> str:
    """One line for a person: what draws volumes, and why."""
    return find().sentence


@lru_cache(maxsize=1)
def find() -> Machine:
    """Ask OpenGL in another process; software GL means the caster at once, anything else a timed trial."""
    wanted = {"caster": CASTER, "fixed": FIXED_POINT, "gpu": GPU}.get(os.environ.get("RENDERDESK_RENDERER", ""))
    if wanted:
        return Machine(wanted, "", f"{wanted}, by RENDERDESK_RENDERER.")
    answer = _ask()
    name = str(answer.get("name", ""))
    if not name:
        return Machine(CASTER, "", "CPU caster: OpenGL cannot be started here.")
    if answer.get("software", True):
        return Machine(CASTER, name, f"CPU caster: OpenGL is drawn by the processor here ({name}).")
    seconds = answer.get("seconds")
    if isinstance(seconds, float) and seconds <= _FAST_ENOUGH:
        return Machine(GPU, name, f"VTK on {name}: {1000 * seconds:.0f} ms for the trial picture.")
    return Machine(CASTER, name, f"CPU caster: {name} was too slow in the trial.")


def _ask() -> dict[str, object]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "render.pipeline.probe"],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return {}
    return answer if isinstance(answer, dict) else {}
