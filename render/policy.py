"""Which renderer draws volumes here: decided by what the machine proves, not by what it is called.

What a card has shown is kept in a file of the home under its driver's name: it is tried once, and again after the
driver has changed or when a person asks. A card that fails or crawls later is written down the same way. A person's
own choice stands above all of it; the variable RENDERDESK_RENDERER (caster, fixed, gpu) above that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CASTER, FIXED_POINT, GPU = "CPU caster", "VTK fixed point", "VTK GPU"
FILE = "renderer.json"
"""Name of the file in a home."""
_FAST_ENOUGH = 0.15  # seconds for the trial picture; the caster draws it in about as long on two cores
_PATIENCE = 30.0


@dataclass(frozen=True)
class Machine:
    """What was found: the renderer to use, OpenGL's own name, and a sentence for a person."""

    renderer: str
    gl: str
    sentence: str
    driver: str = ""
    remembered: bool = False


def choose_renderer(memory: Path | None = None) -> str:
    """``"CPU caster"``, ``"VTK fixed point"`` or ``"VTK GPU"``; asked once per process.

    Parameters
    ----------
    memory : file in which the answer is kept from one start to the next; none without it
    """
    return find(memory).renderer


def describe(memory: Path | None = None) -> str:
    """One line for a person: what draws volumes, and why."""
    return find(memory).sentence


@lru_cache(maxsize=4)
def find(memory: Path | None = None) -> Machine:
    """Ask OpenGL in another process; software GL means the caster at once, anything else a timed trial."""
    forced = {"caster": CASTER, "fixed": FIXED_POINT, "gpu": GPU}.get(os.environ.get("RENDERDESK_RENDERER", ""))
    if forced:
        return Machine(forced, "", f"{forced}, by RENDERDESK_RENDERER.")
    kept = _read(memory)
    if kept.get("wanted") in {CASTER, FIXED_POINT, GPU}:
        return Machine(kept["wanted"], "", f"{kept['wanted']}, as a person chose.", remembered=True)
    if kept.get("driver"):
        known = _name()
        if _driver(known) == kept["driver"] and kept.get("renderer") in {CASTER, GPU}:
            name = str(known.get("name", ""))
            return Machine(kept["renderer"], name, kept.get("sentence", ""), kept["driver"], remembered=True)
    found = _tried(_ask())
    if found.driver and found.gl and not found.sentence.startswith("CPU caster: OpenGL"):
        _write(memory, {**kept, "driver": found.driver, "renderer": found.renderer, "sentence": found.sentence})
    return found


def _tried(answer: dict[str, object]) -> Machine:
    name, driver = str(answer.get("name", "")), _driver(answer)
    if not name:
        return Machine(CASTER, "", "CPU caster: OpenGL cannot be started here.")
    if answer.get("software", True):
        return Machine(CASTER, name, f"CPU caster: OpenGL is drawn by the processor here ({name}).", driver)
    seconds = answer.get("seconds")
    if isinstance(seconds, float) and seconds <= _FAST_ENOUGH:
        return Machine(GPU, name, f"VTK on {name}: {1000 * seconds:.0f} ms for the trial picture.", driver)
    why = "failed" if seconds is None else "was too slow"
    return Machine(CASTER, name, f"CPU caster: {name} {why} in the trial.", driver)


def ask_again(memory: Path | None = None) -> Machine:
    """Forget what is kept, a person's choice too, and try the card anew."""
    _write(memory, {})
    find.cache_clear()
    return find(memory)


def want(memory: Path | None, renderer: str) -> Machine:
    """A person's choice from now on; "" leaves it to the machine again."""
    kept = _read(memory)
    kept.pop("wanted", None)
    _write(memory, {**kept, "wanted": renderer} if renderer else kept)
    find.cache_clear()
    return find(memory)


def failed(memory: Path | None, why: str) -> None:
    """Note that the card did not keep what its trial promised: the caster draws until the driver changes."""
    kept = _read(memory)
    driver = kept.get("driver") or _driver(_name())
    sentence = f"CPU caster: {driver.split(' | ')[0] or 'the graphics card'} {why}."
    _write(memory, {**kept, "driver": driver, "renderer": CASTER, "sentence": sentence})
    find.cache_clear()


def _driver(answer: dict[str, object]) -> str:
    name = str(answer.get("name", ""))
    return f"{name} | {answer.get('version', '')}" if name else ""


def _read(memory: Path | None) -> dict[str, str]:
    if memory is None:
        return {}
    try:
        kept = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in kept.items()} if isinstance(kept, dict) else {}


def _write(memory: Path | None, kept: dict[str, str]) -> None:
    """Atomically; a home that cannot be written costs another trial at the next start, no more."""
    if memory is None:
        return
    aside = memory.with_suffix(".new")
    with suppress(OSError):
        aside.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        aside.replace(memory)


def _name() -> dict[str, object]:
    """OpenGL's name and version without a trial."""
    return _probe("--name")


def _ask() -> dict[str, object]:
    return _probe()


def _probe(*words: str) -> dict[str, object]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "render.pipeline.probe", *words],
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
