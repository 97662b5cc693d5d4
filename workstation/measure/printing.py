"""Printing rules: a number is printed once, in one way, always with its unit; thresholds test the printed value."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workstation.case.model import Measured

_FINE_ML = 100.0
NOT_MEASURABLE = "not measurable"


def rounded(value: float, unit: str) -> Decimal:
    """The printed number: length 1 decimal, volume 1 below 100 ml, all else none; half away from zero.

    The rounding is of the shortest decimal text that gives the double, so 2.25 mm is 2.3 mm.

    Raises
    ------
    ValueError
        Not finite: a failed fit prints no number.
    """
    if not math.isfinite(value):
        raise ValueError("not a number")
    one = unit == "mm" or (unit == "ml" and abs(value) < _FINE_ML)
    found = Decimal(repr(float(value))).quantize(Decimal("0.1") if one else Decimal(1), ROUND_HALF_UP)
    if unit == "ml" and one and abs(found) >= _FINE_ML:
        found = found.quantize(Decimal(1), ROUND_HALF_UP)  # 99.96 ml is 100 ml, not 100.0
    return abs(found) if found == 0 else found


def printed(value: float, unit: str) -> str:
    """The number with its unit, as it stands everywhere."""
    return f"{rounded(value, unit)} {unit}".strip()


def uncertainty_words(measured: Measured) -> str:
    """± U where the resolution matters: more than 1 mm or more than 5 % of the value; else nothing."""
    u, value = measured.uncertainty, measured.value
    if u is None or value is None:
        return ""
    if (measured.unit == "mm" and u > 1.0) or (value != 0 and u > 0.05 * abs(value)):
        return f"± {printed(u, measured.unit)}"
    return ""


def pretty(text: str) -> str:
    """Units as a reader of a page expects them; the stored text keeps the plain ones."""
    return text.replace(" mm2", " mm²").replace(" deg", "°")
