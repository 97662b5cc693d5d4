"""Other processes: how long one takes, and how much memory it and its children hold at most."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from workstation.base.errors import RenderDeskError

_EVERY = 0.02  # seconds between two looks at the memory
_PATIENCE = 600.0


def child(*words: str) -> list[str]:
    """The command that runs `workstation.bench.child` with these words."""
    return [sys.executable, "-m", "workstation.bench.child", *words]


def seconds_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Seconds from start to end of a process.

    Raises
    ------
    RenderDeskError
        code ``bench``: it cannot be started, or ends with an error.
    """
    begun = time.perf_counter()
    text_of(command, environment)
    return time.perf_counter() - begun


def text_of(command: Sequence[str], environment: Mapping[str, str] | None = None, given: bytes | None = None) -> str:
    """What a process says on standard output."""
    try:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            env=_environment(environment),
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RenderDeskError("bench", f"{Path(command[0]).name} could not be run.") from error
    if done.returncode:
        raise RenderDeskError("bench", f"{' '.join(_named(command))} ended with status {done.returncode}.")
    return done.stdout.decode(errors="replace")


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a child: modules compiled once, as any installed program has them after its first start.

    Where Python is told to write no compiled modules (build machines often do), every start would compile the program
    anew, and that would be measured: they are kept in a folder of this bench instead, peers' too.
    """
    out = {**os.environ, **(more or {})}
    if out.pop("PYTHONDONTWRITEBYTECODE", ""):
        out["PYTHONPYCACHEPREFIX"] = _compiled().name
    return out


@cache
def _compiled() -> TemporaryDirectory[str]:
    """Goes when the process ends."""
    return TemporaryDirectory(prefix="renderdesk-bench-")


def _named(command: Sequence[str]) -> list[str]:
    """The program and its module or first word: no paths of a person's files in a sentence."""
    named = [Path(command[0]).name]
    if command[1:2] == ["-m"]:
        named.extend(command[1:4])
    return named


def peak_memory(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float | None:
    """Greatest proportional set size of a process and its children, in MB (10^6); None where it cannot be told.

    Proportional: a page that several processes share counts in parts. Read from the kernel every 20 ms.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment(environment)
    ) as process:
        most = 0
        while process.poll() is None:
            most = max(most, sum(_proportional(pid) for pid in _tree(process.pid)))
            time.sleep(_EVERY)
    if process.returncode:
        raise RenderDeskError("bench", f"{' '.join(_named(command))} ended with status {process.returncode}.")
    return most / 1e6


def _tree(pid: int) -> list[int]:
    out = [pid]
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = listed.read_text(encoding="ascii").split()
        except OSError:
            continue
        for one in children:
            out.extend(_tree(int(one)))
    return out


def _proportional(pid: int) -> int:
    """Bytes; 0 for a process that has just gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
