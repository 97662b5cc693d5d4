"""The line of a TOML file on which something stands, so that a mistake is named by its place."""

from __future__ import annotations

import re
from collections.abc import Sequence

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*(\]\]?)\s*(#.*)?$")
_KEY = re.compile(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_PART = re.compile(r"[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Line (from 1) of a key path such as ``("billing", "receivers", 1, "port")``.

    Where the key itself stands nowhere (it is missing, or inside an inline table), the line of the nearest thing
    around it; 1 when not even that is there.
    """
    wanted = tuple(path)
    best, line = 0, 1
    here: Path = ()
    counted: dict[Path, int] = {}
    for number, row in enumerate(text.splitlines(), 1):
        found: Path
        if header := _HEADER.match(row):
            here = _placed(_names(header[2]), counted, appends=header[1] == "[[")
            found = here
        elif key := _KEY.match(row):
            found = (*here, *_names(key[1]))
        else:
            continue
        same = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), len(found))
        if same == len(found) and best < same <= len(wanted):
            best, line = same, number
    return line


def steps_of(path: str) -> Path:
    """The steps of a path as msgspec writes it: ``.receivers[0].port`` is ``("receivers", 0, "port")``."""
    return tuple(int(index) if index else name for name, index in _STEP.findall(path) if name or index)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(text))


def _placed(names: tuple[str, ...], counted: dict[Path, int], *, appends: bool) -> Path:
    """A header's path with the numbers of the array tables that it goes through."""
    path: Path = ()
    for place, name in enumerate(names, 1):
        path = (*path, name)
        if appends and place == len(names):
            counted[path] = counted.get(path, -1) + 1
        if path in counted:
            path = (*path, counted[path])
    return path
