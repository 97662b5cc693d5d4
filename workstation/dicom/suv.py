"""Standardised uptake value by body weight: the factor from the stored unit (DICOM page 1.4)."""

from __future__ import annotations

from datetime import date

from workstation.dicom import tags as el
from workstation.dicom.fields import Fields
from workstation.dicom.identity import iso_date
from workstation.dicom.images import Image, seconds_of

_DAY = 86_400.0
# Less than a thousandth of the dose is left after ten: the dates cannot be right.
_MOST_HALF_LIVES = 10.0


def uptake_factor(images: list[Image]) -> tuple[float | None, str | None]:
    """Factor from rescaled values to SUVbw in g/ml, or (None, what is missing).

    BQML with DecayCorrection START: grams / (dose * 2^(-(t_scan - t_inj) / T_half)); ADMIN: the dose as
    injected; GML is SUV, by body weight unless SUVType (0054,1006) says otherwise; CNTS: the maker's own factor
    (7053,1000). t_scan is SeriesTime, unless that is later than the earliest AcquisitionTime (a series stored
    anew), then that.
    """
    header = images[0].header
    unit = header.text(el.UNITS).upper()
    if unit == "GML":
        kind = header.text(el.SUV_TYPE).upper()
        return (1.0, None) if kind in ("", "BW") else (None, f"uptake by body weight (it is given by {kind})")
    if unit == "CNTS":
        own = header.private_numbers(*el.PHILIPS_PET, 0x00)
        return (own[0], None) if own and own[0] > 0 else (None, "the maker's SUV factor")
    if unit != "BQML":
        return None, "a unit that is known"
    weight = header.number(el.WEIGHT)
    if not weight or weight <= 0:
        return None, "the weight"
    drug = header.item(el.RADIOPHARMACEUTICAL)
    dose = drug.number(el.DOSE) if drug is not None else None
    if drug is None or not dose or dose <= 0:
        return None, "the injected dose"
    correction = header.text(el.DECAY_CORRECTION).upper()
    if correction == "ADMIN":
        return weight * 1000.0 / dose, None
    if correction != "START":
        return None, "the decay correction"
    half_life = drug.number(el.HALF_LIFE)
    if not half_life or half_life <= 0:
        return None, "the half-life"
    waited, missing = _waited(images, drug)
    if waited is None:
        return None, missing
    if not 0 <= waited <= _MOST_HALF_LIVES * half_life:
        return None, "an injection time that fits the scan"
    left = dose * 2.0 ** (-waited / half_life)
    return float(weight * 1000.0 / left), None


def _waited(images: list[Image], drug: Fields) -> tuple[float | None, str]:
    """Seconds from injection to scan, or what is missing.

    By date and time where both are dated (some tracers are imaged days later); by time of day otherwise, a scan
    before the injection being one after midnight.
    """
    stamp = drug.text(el.INJECTION_DATETIME)
    injected = seconds_of(stamp[8:].split("+")[0].split("-")[0])
    if injected is None:
        stamp, injected = "", seconds_of(drug.text(el.INJECTION_TIME))
    if injected is None:
        return None, "the injection time"
    header = images[0].header
    series = _moment(header, el.SERIES_DATE, el.SERIES_TIME)
    acquired = [m for i in images if (m := _moment(i.header, el.ACQUISITION_DATE, el.ACQUISITION_TIME)) is not None]
    stated = [*acquired, *([series] if series is not None else [])]
    if not stated:
        return None, "the time of the scan"
    day = _day(stamp[:8])
    if day is not None and all(m[0] is not None for m in stated):
        scan = min((m[0] or 0) * _DAY + m[1] for m in stated)
        return scan - (day * _DAY + injected), ""
    scan = _first_of_day([m[1] for m in acquired or stated])
    if series is not None:
        scan = min(scan, series[1])
    return (scan - injected) % _DAY, ""


def _moment(header: Fields, day: int, time: int) -> tuple[int | None, float] | None:
    """(day or None, seconds of the day) of two elements; None without a time."""
    seconds = seconds_of(header.text(time))
    return None if seconds is None else (_day(header.text(day)), seconds)


def _first_of_day(times: list[float]) -> float:
    """The earliest of undated times; where they go on past midnight, the earliest before it."""
    late = [t for t in times if t >= _DAY / 2]
    return min(late) if late and max(times) - min(times) > _DAY / 2 else min(times)


def _day(text: str) -> int | None:
    """Number of a DICOM date's day, or None."""
    stated = iso_date(text)
    try:
        return None if stated is None else date.fromisoformat(stated).toordinal()
    except ValueError:
        return None
