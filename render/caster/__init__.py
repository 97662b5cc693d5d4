"""Numba kernels: planes, slabs, rays and triangles.

No kernel is compiled with ``parallel=True``: a bare installation may get a threading layer that aborts when two
threads enter it. Python threads share the work instead (the kernels release the interpreter lock) and look at
their stop signal between two portions, which ends a picture within milliseconds; a flag read inside a kernel
does not work, since the compiler lifts the load out of the loop.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import platformdirs

# Compiled once per place: fused multiply-add and reassociation are allowed for rays, never where NaN has a meaning.
EXACT = {"nogil": True, "cache": True}
_STATES_KEPT = 12
FAST = {"nogil": True, "cache": True, "fastmath": True, "error_model": "numpy"}


def _keep_compiled_code() -> None:
    """Point numba's cache at a place of this user, one for each state of the kernels.

    A read-only installation would compile everything anew at every start (about 20 s). And numba looks only at the file
    of the kernel itself: after an update of what a kernel is built from it would go on with the old machine code.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    all_states = Path(platformdirs.user_cache_dir("renderdesk", appauthor=False)) / "compiled"
    place = all_states / digest.hexdigest()[:16]
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(place)
        _forget_old(all_states)
    except OSError:
        return  # numba then falls back to its own choice, at worst to compiling at each start
    os.environ["NUMBA_CACHE_DIR"] = str(place)


def _forget_old(all_states: Path) -> None:
    """Keep the states used last; a program of an older state that still runs only has to compile again."""
    states = sorted((p for p in all_states.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in states[_STATES_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


_keep_compiled_code()
