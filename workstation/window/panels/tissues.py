"""Start values of surfaces by tissue, in Hounsfield units; always to be adjusted by eye.

Aubrey 2014 (fat, muscle), Agatston 1990 (calcium), InVesalius (bone, enamel, spongy and compact bone);
the others are this project's. MR has none: its grey values mean nothing by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from render.view import Surface


@dataclass(frozen=True)
class Tissue:
    """A band of values; `high` None means everything above `low`."""

    title: str
    low: float
    high: float | None = None
    hint: str = ""


TISSUES: tuple[Tissue, ...] = (
    Tissue("Bone", 226, None, "150 shows the thin orbital floor, 300 is cleaner"),
    Tissue("Compact bone", 662, 1988),
    Tissue("Spongy bone", 148, 661),
    Tissue("Enamel", 1553),
    Tissue("Metal", 2000),
    Tissue("Vessel with contrast", 150, 500, "adjust to half-way between vessel and surroundings"),
    Tissue("Calcium", 130, None, "without contrast; with contrast at least 350"),
    Tissue("Skin", -300),
    Tissue("Lung", -1000, -500),
    Tissue("Airway", -1024, -930, "leaks into the lung are common"),
    Tissue("Emphysema", -1024, -950),
    Tissue("Fat", -190, -30),
    Tissue("Muscle", -29, 150),
    Tissue("Liver", 90, 150, "portal venous phase"),
    Tissue("Kidney", 130, 300, "nephrographic phase"),
    Tissue("Thrombus", 20, 100, "inside the outer wall"),
    Tissue("Acute blood", 50, 90),
)


def name_of(low: float, high: float | None) -> str:
    """The tissue with exactly this band; "" for a band of one's own."""
    return next((t.title for t in TISSUES if t.low == low and t.high == high), "")


def title_of(surface: Surface) -> str:
    """Name of a surface: its tissue's, else its own; "" where nobody has named it."""
    own = surface.name if surface.name.casefold() != "surface" else ""
    return name_of(surface.low, surface.high) or own


def band_words(low: float, high: float | None, unit: str) -> str:
    """``"226 HU and above"``, ``"150 to 500 HU"``."""
    unit = f" {unit}" if unit and unit != "arbitrary" else ""
    return f"{_plain(low)}{unit} and above" if high is None else f"{_plain(low)} to {_plain(high)}{unit}"


def _plain(value: float) -> str:
    """Whole where the unit is fine enough for that, two decimals for SUV and the like."""
    return f"{value:.0f}" if abs(value) >= 20 or value == int(value) else f"{value:.2f}"
