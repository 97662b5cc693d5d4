"""Standardised uptake value by body weight: the factor from the stored unit (DICOM page 1.4)."""

from __future__ import annotations

from workstation.dicom import tags as el
from workstation.dicom.images import Image, seconds_of

_DAY = 86_400.0


def uptake_factor(images: list[Image]) -> tuple[float | None, str | None]:
    """Factor from rescaled values to SUVbw in g/ml, or (None, what is missing).

    BQML with DecayCorrection START: grams / (dose * 2^(-(t_scan - t_inj) / T_half)); ADMIN: the dose as
    injected; GML is SUV; CNTS: the maker's own factor (7053,1000). t_scan is SeriesTime, unless that is later
    than the earliest AcquisitionTime (a series stored anew), then that.
    """
    header = images[0].header
    unit = header.text(el.UNITS).upper()
    if unit == "GML":
        return 1.0, None
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
    injected = seconds_of(drug.text(el.INJECTION_DATETIME)[8:].split("+")[0].split("-")[0])
    if injected is None:
        injected = seconds_of(drug.text(el.INJECTION_TIME))
    if injected is None:
        return None, "the injection time"
    scan = seconds_of(header.text(el.SERIES_TIME))
    acquired = [t for t in (seconds_of(i.header.text(el.ACQUISITION_TIME)) for i in images) if t is not None]
    if acquired and (scan is None or scan > min(acquired)):
        scan = min(acquired)
    if scan is None:
        return None, "the time of the scan"
    waited = scan - injected
    if waited < 0:
        waited += _DAY
    left = dose * 2.0 ** (-waited / half_life)
    return float(weight * 1000.0 / left), None
