"""Numba kernels: planes, slabs, rays and triangles.

No kernel is compiled with ``parallel=True``: a bare installation may get a threading layer that aborts when two
threads enter it. Python threads share the work instead (the kernels release the interpreter lock) and look at
their stop signal between two portions, which ends a picture within milliseconds; a flag read inside a kernel
does not work, since the compiler lifts the load out of the loop.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

# Compiled once per place: fused multiply-add and reassociation are allowed for rays, never where NaN has a meaning.
EXACT = {"nogil": True, "cache": True}
FAST = {"nogil": True, "cache": True, "fastmath": True, "error_model": "numpy"}


def _keep_compiled_code() -> None:
    """Point numba's cache at a place that this user may write.

    A read-only installation would compile everything anew at every start (about 20 s).
    """
    if os.environ.get("NUMBA_CACHE_DIR") or os.access(Path(__file__).parent, os.W_OK):
        return
    place = Path(platformdirs.user_cache_dir("renderdesk", appauthor=False)) / "compiled"
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return  # numba then falls back to its own choice, at worst to compiling at each start
    os.environ["NUMBA_CACHE_DIR"] = str(place)


_keep_compiled_code()
