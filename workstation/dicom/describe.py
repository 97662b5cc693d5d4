"""What a volume's values are, and its attributes for display and reports."""

from __future__ import annotations

import numpy as np

from workstation.dicom import tags as el
from workstation.dicom.fields import Fields
from workstation.dicom.identity import identity_of, iso_date
from workstation.dicom.images import CT_CLASSES, Image
from workstation.dicom.padding import common
from workstation.dicom.stack import Stack

_LOSSY_SYNTAXES = frozenset(
    "1.2.840.10008.1.2.4." + s for s in ("50", "51", "81", "91", "93", "203", "102", "103", "107", "108")
)
# A CT image whose type names one of these is a map, not attenuation (spectral, perfusion).
_MAPS = ("MONO", "IODINE", "Z_EFF", "ZEFF", "EFFECTIVE_Z", "PERF", "RCBF", "RCBV", "CBF", "CBV", "MTT", "TTP", "TMAX",
         "ELECTRON", "VNC", "VUE", "KEV")  # fmt: skip


def units_of(modality: str, images: list[Image]) -> str:
    """Unit of the rescaled values: HU, SUV, the source's own, or "arbitrary"."""
    first = images[0]
    header = first.header
    if modality == "PT":
        unit = header.text(el.UNITS).upper()
        return "SUV" if unit == "GML" else unit or "arbitrary"
    if header.sop_class in CT_CLASSES:
        stated = first.rescale_type.upper()
        if stated in ("", "HU") and not is_map(images) and not any(i.rescale_bad for i in images):
            return "HU"
        return first.rescale_type if stated not in ("", "HU", "US") else "arbitrary"
    # No other modality measures attenuation, whatever its files say.
    return first.rescale_type if first.rescale_type.upper() not in ("", "US", "HU") else "arbitrary"


def is_map(images: list[Image]) -> bool:
    """Whether a CT's values stand for something else than attenuation."""
    first = images[0]
    if first.extra.get("real_world_unit"):
        return True
    return any(word in token for token in first.image_type for word in _MAPS)


_OF_LOSSY = frozenset((el.LOSSY_RATIO, el.LOSSY))


def _stated_lossy(header: Fields) -> tuple[bool, tuple[float, ...]]:
    return header.text(el.LOSSY) == "01", tuple(v for v in header.numbers(el.LOSSY_RATIO) if v > 0)


def is_lossy(images: list[Image]) -> tuple[bool, float | None]:
    """Whether an image was ever compressed with loss, and the ratio where stated (PS3.3 C.7.6.1.1.5)."""
    lossy, ratio = False, None
    for header in {id(i.header): i.header for i in images}.values():
        stated, ratios = header.common("lossy", _OF_LOSSY, _stated_lossy)
        if stated or header.syntax in _LOSSY_SYNTAXES or ratios:
            lossy = True
        if ratios:
            product = 1.0
            for value in ratios:
                product *= value
            ratio = max(ratio or 0.0, product)
    return lossy, ratio


def facts_of(stack: Stack, modality: str) -> dict[str, object]:
    """Attributes for later steps; absent ones are None or ""."""
    images = stack.images
    first = images[0]
    h = first.header
    extra = first.extra

    def number(name: str, tag: int) -> float | None:
        value = extra.get(name)
        return value if isinstance(value, float) else h.number(tag)

    current, exposure_ms = h.number(el.TUBE_CURRENT), h.number(el.EXPOSURE_TIME)
    mas = h.number(el.EXPOSURE)
    if mas is None and current is not None and exposure_ms is not None:
        mas = current * exposure_ms / 1000.0
    bits = h.integer(el.BITS_STORED) or h.integer(el.BITS_ALLOCATED) or 16
    agent = extra.get("contrast") or h.text(el.CONTRAST) or h.text(el.CONTRAST_ROUTE)
    paddings = _paddings(stack)
    padding, alike = common(p for p, image in zip(paddings, stack.slices, strict=True) if image is not None)
    facts: dict[str, object] = {
        "identity": identity_of(h),
        "manufacturer": h.text(el.MANUFACTURER),
        "model": h.text(el.MODEL),
        "station": h.text(el.STATION),
        "institution": h.text(el.INSTITUTION),
        "software": h.text(el.SOFTWARE),
        "kvp": number("kvp", el.KVP),
        "mas": number("mas", el.EXPOSURE) or mas,
        "kernel": extra.get("kernel") or h.text(el.KERNEL),
        "thickness_mm": first.thickness,
        "tr_ms": number("tr", el.TR),
        "te_ms": number("te", el.TE),
        "ti_ms": number("ti", el.TI),
        "contrast": agent or False,
        "body_part": extra.get("body_part") or h.text(el.BODY_PART),
        "laterality": h.text(el.IMAGE_LATERALITY) or h.text(el.SERIES_LATERALITY),
        "image_type": first.image_type,
        "windows": first.windows,
        "padding": padding,
        "paddings": None if alike else paddings,
        "photometric": h.text(el.PHOTOMETRIC).upper(),
        "transfer_syntax": h.syntax,
        "bits_stored": bits,
        "series_number": h.integer(el.SERIES_NUMBER),
        "series_description": h.text(el.SERIES_DESCRIPTION),
        "protocol": h.text(el.PROTOCOL),
        "study_description": h.text(el.STUDY_DESCRIPTION),
        "study_date": iso_date(h.text(el.STUDY_DATE)),
        "study_time": h.text(el.STUDY_TIME),
        "acquisition_time": h.text(el.ACQUISITION_TIME) or h.text(el.ACQUISITION_DATETIME)[8:],
        "patient_age": h.text(el.AGE),
        "patient_position": h.text(el.PATIENT_POSITION),
        "accession": h.text(el.ACCESSION),
        "referring": h.text(el.REFERRING),
        "sop_class": h.sop_class,
        "frame_of_reference": first.frame_of_reference,
        "tilt_deg": stack.tilt_deg,
        "gap_mm": stack.gap_mm,
        "rescale_type": first.rescale_type,
        "lossy_ratio": is_lossy(images)[1],
        "philips_scale": _philips_scale(first),
        "suv": None,
        "stack": stack.block,
        "tile": None if first.tile is None else (first.rows, first.columns),
        "weight_kg": h.number(el.WEIGHT),
        "synthetic": any(h.text(t).upper().startswith("SYNTHETIC") for t in (el.IMAGE_COMMENTS, el.PATIENT_COMMENTS)),
    }
    if modality == "PT":
        from workstation.dicom.suv import uptake_factor

        factor, missing = uptake_factor(images)
        facts["suv"] = factor
        facts["suv_missing"] = missing
    return facts


_PADDED_BY = (el.PADDING, el.PADDING_LIMIT, el.SIGNED, el.BITS_ALLOCATED, el.BITS_STORED)


def _paddings(stack: Stack) -> tuple[tuple[float, float] | None, ...]:
    """`padding_of` each slice, worked out once for those that state the same."""
    known: dict[object, tuple[float, float] | None] = {}
    out: list[tuple[float, float] | None] = []
    for image in stack.slices:
        if image is None or el.PADDING not in image.header:
            out.append(None)
            continue
        key = (*(image.header.raw(tag) for tag in _PADDED_BY), image.slope, image.intercept, id(image.table))
        if key not in known:
            known[key] = padding_of(image)
        out.append(known[key])
    return tuple(out)


def padding_of(image: Image) -> tuple[float, float] | None:
    """Closed interval of rescaled values outside the image (0028,0120/0121), in the sense of PixelRepresentation."""
    h = image.header
    signed, allocated = h.integer(el.SIGNED) == 1, h.integer(el.BITS_ALLOCATED) or 16
    stored_bits = h.integer(el.BITS_STORED) or allocated
    low = _stored(h.integer(el.PADDING), signed, allocated, stored_bits)
    if low is None:
        return None
    limit = _stored(h.integer(el.PADDING_LIMIT), signed, allocated, stored_bits)
    stored = (low, low if limit is None else limit)
    if image.table is not None:
        ends = sorted(float(v) for v in image.table.map(np.array(stored)))
    else:
        ends = sorted(v * image.slope + image.intercept for v in stored)
    return (ends[0], ends[1])


def _stored(value: int | None, signed: bool, allocated: int, stored: int) -> int | None:
    """A padding value as stored: some files write -2000 as 63536, some 63536 as -2000, some as 2096 of 12 bits."""
    if value is None:
        return None
    value %= 1 << allocated
    if not signed:
        return value
    bits = stored if value < 1 << stored else allocated
    return value - (1 << bits) if value >= 1 << (bits - 1) else value


def _philips_scale(image: Image) -> float | None:
    scale = image.extra.get("philips_scale")
    if isinstance(scale, float):
        return scale
    whole = image.header.private_numbers(*el.PHILIPS_DD, 0x0E, "f")
    return whole[0] if whole else None
