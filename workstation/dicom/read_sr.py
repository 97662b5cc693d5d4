"""Measurements out of a TID 1500 report of ours, for comparison with a prior and for the round trip."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
from pydicom.dataset import Dataset

from render.view import Vector
from workstation.base.errors import InputRefused
from workstation.dicom import codes
from workstation.dicom.codes import Code
from workstation.dicom.written import COMPREHENSIVE_3D_SR_CLASS

_UNITS = {code.value: printed for printed, code in codes.UNITS.items()}
# the tree of a report of ours is four levels deep; a hostile one must not end in a recursion error
_DEPTH = 12


class StoredMeasurement(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement as a document states it; points in LPS mm, or on an image as (column, row)."""

    name: str
    kind: str
    value: float
    unit: str
    printed: str
    definition: str
    tracking_uid: str
    uncertainty: float | None = None
    side: str = ""
    points_lps_mm: tuple[Vector, ...] = ()
    pixels: tuple[tuple[float, float], ...] = ()
    frame_of_reference: str = ""
    source_uid: str = ""
    further: tuple[tuple[str, str, float], ...] = ()
    """Other numbers of the same measurement: (code of the concept, code of the derivation, value)."""


def measurements_of(ds: Dataset, slices: dict[str, Dataset] | None = None) -> tuple[StoredMeasurement, ...]:
    """All measurement groups of a document.

    Parameters
    ----------
    slices : headers by SOP instance; with the right one, points on an image are given in LPS mm too

    Raises
    ------
    InputRefused
        No measurement report, or its content cannot be read.
    """
    if str(ds.get("SOPClassUID", "")) != COMPREHENSIVE_3D_SR_CLASS or _name(ds) != codes.MEASUREMENTS_TITLE.value:
        raise InputRefused("not_measurements", "This document is no measurement report.")
    found = []
    for group in _groups(ds):
        try:
            stored = _group(group, slices or {})
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise InputRefused("measurements", "The measurement report cannot be read.") from error
        if stored is not None:
            found.append(stored)
    return tuple(found)


def _name(item: Dataset) -> str:
    concept = item.get("ConceptNameCodeSequence")
    return str(concept[0].CodeValue) if concept else ""


def _children(item: Dataset) -> list[Dataset]:
    return list(item.get("ContentSequence") or [])


def _groups(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    for child in _children(item):
        if _name(child) == codes.MEASUREMENT_GROUP.value:
            yield child
        elif depth < _DEPTH:
            yield from _groups(child, depth + 1)


def _group(group: Dataset, slices: dict[str, Dataset]) -> StoredMeasurement | None:
    numbers = [c for c in _children(group) if c.ValueType == "NUM"]
    if not numbers:
        return None
    first, *others = numbers
    value = first.MeasuredValueSequence[0]
    source = next((c for c in _children(group) if c.ValueType == "IMAGE"), None)
    source_uid = "" if source is None else str(source.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
    points, pixels, frame = _place(first, slices.get(source_uid))
    unit = str(value.MeasurementUnitsCodeSequence[0].CodeValue)
    sites = [group, *_having(group, codes.FINDING_SITE)]
    sides = [str(c.ConceptCodeSequence[0].CodeValue) for s in sites for c in _having(s, codes.LATERALITY)]
    side = sides[0] if sides else ""
    return StoredMeasurement(
        name=_text(group, codes.TRACKING_ID),
        kind=_text(group, codes.KIND),
        value=_value(first),
        unit=_UNITS.get(unit, unit),
        printed=_text(group, codes.PRINTED),
        definition=_text(group, codes.DEFINITION),
        tracking_uid=next((str(c.UID) for c in _having(group, codes.TRACKING_UID)), ""),
        uncertainty=next((_value(c) for c in _having(first, codes.UNCERTAINTY)), None),
        side=next((name for name, c in codes.SIDES.items() if c.value == side), ""),
        points_lps_mm=points,
        pixels=pixels,
        frame_of_reference=frame,
        source_uid=source_uid,
        further=tuple((_name(n), _derivation(n), _value(n)) for n in others),
    )


def _having(item: Dataset, concept: Code) -> list[Dataset]:
    return [c for c in _children(item) if _name(c) == concept.value]


def _text(item: Dataset, concept: Code) -> str:
    return next((str(c.TextValue) for c in _having(item, concept)), "")


def _derivation(item: Dataset) -> str:
    return next((str(c.ConceptCodeSequence[0].CodeValue) for c in _having(item, codes.DERIVATION)), "")


def _value(item: Dataset) -> float:
    """The double where it is given, else the decimal text; a number that is none is an error."""
    measured = item.MeasuredValueSequence[0]
    exact = measured.get("FloatingPointValue")
    value = float(measured.NumericValue if exact is None else exact)
    if not np.isfinite(value):
        raise ValueError("no number")
    return value


def _place(item: Dataset, header: Dataset | None) -> tuple[tuple[Vector, ...], tuple[tuple[float, float], ...], str]:
    for child in _children(item):
        if child.ValueType not in ("SCOORD", "SCOORD3D"):
            continue
        data = [float(v) for v in child.GraphicData]
        if child.ValueType == "SCOORD3D":
            points = tuple(zip(data[0::3], data[1::3], data[2::3], strict=True))
            return points, (), str(child.get("ReferencedFrameOfReferenceUID", ""))
        pixels = tuple(zip(data[0::2], data[1::2], strict=True))
        return (() if header is None else _in_patient(pixels, header)), pixels, ""
    return (), (), ""


def _in_patient(pixels: tuple[tuple[float, float], ...], header: Dataset) -> tuple[Vector, ...]:
    orientation = np.array(header.ImageOrientationPatient, dtype=float)
    position, spacing = np.array(header.ImagePositionPatient, dtype=float), [float(v) for v in header.PixelSpacing]
    found = []
    for column, row in pixels:
        at = position + orientation[:3] * (column - 0.5) * spacing[1] + orientation[3:] * (row - 0.5) * spacing[0]
        found.append((float(at[0]), float(at[1]), float(at[2])))
    return tuple(found)
