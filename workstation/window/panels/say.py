"""How dates, numbers and states are said to people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

PLACES = {
    "load": "Load",
    "view": "View",
    "segment": "Segment",
    "measure": "Measure",
    "report": "Report",
    "charge": "Charge",
    "film": "Film strip",
    "3d": "3D view",
}


def clock_time(at: str) -> str:
    """Local hour and minute of an ISO time of the journal; "" when it is none."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%H:%M")
    except ValueError:
        return ""


def counted(number: int, one: str, many: str = "") -> str:
    """``"1 picture"``, ``"3 pictures"``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(parts: Iterable[str]) -> str:
    """``"a, b and c"``."""
    words = [p for p in parts if p]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def button_to(where: str) -> str:
    """What a button says that leads to a place."""
    return PLACES.get(where.split(":", 1)[0], "Show")


def plain_name(name: str) -> str:
    """A person's name of DICOM as people write it: ``DOE^JANE^^^`` is ``DOE, JANE``."""
    first = name.split("=", 1)[0].strip("^ ")
    family, _, rest = first.partition("^")
    given = " ".join(p for p in rest.split("^") if p)
    if not given:
        return family
    # ideographic names stand as family and given name, without a comma
    return f"{family} {given}" if ord(family[:1] or "A") >= 0x2E80 else f"{family}, {given}"
