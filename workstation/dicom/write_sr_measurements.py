"""The measurements as Comprehensive 3D SR after TID 1500 (Measurement Report): numbers with unit and place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset

from render.view import Vector
from workstation.base.errors import InputRefused
from workstation.dicom import codes
from workstation.dicom.codes import Code
from workstation.dicom.sr_content import (
    Relation,
    code,
    container,
    document,
    general,
    image,
    language,
    number,
    observers,
    root,
    scoord,
    scoord3d,
    text,
    uid,
    within,
)
from workstation.dicom.write_common import begin, local_time, text_of
from workstation.dicom.written import COMPREHENSIVE_3D_SR_CLASS, SERIES_NUMBER, Equipment, Reference

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.dicom.accepted import MeasurementLike

# Points nearer to a slice than this share of its spacing are written on that image (2D viewers then show them).
_ON_SLICE = 0.1


def measurements_sr(
    measurements: Sequence[MeasurementLike],
    source: Dataset,
    *,
    sop_uid: str,
    series_uid: str,
    equipment: Equipment,
    now: datetime,
    author: Actor,
    status: str,
    sources: Sequence[Reference],
    slices: Mapping[str, Dataset] | None = None,
    instance_number: int = 1,
    report: Reference | None = None,
    predecessor: Reference | None = None,
    signed_at: str = "",
    body_part: str = "",
    study: Mapping[str, str] | None = None,
) -> Dataset:
    """The accepted measurements, each with its tracking UID, value, unit, method, uncertainty and points.

    Points on one source slice are written on that image, all others in the patient's space (LPS mm) in the source's
    frame of reference. Proposed, stale and refused measurements stay out.

    Parameters
    ----------
    sources : images that may be referred to; a measurement's own source slice must be among them to be named
    slices : headers of source slices by SOP instance; without one the points are written in 3D
    report : the report (TID 2000) that goes with it
    body_part : used as finding site where the source names none

    Raises
    ------
    InputRefused
        Nothing is left to write, or the source has no frame of reference.
    """
    kept = [m for m in measurements if m.accepted and not m.stale and m.measured.value is not None]
    kept = [m for m in kept if m.measured.validity != "refused"]
    if not kept:
        raise InputRefused("no_measurements", "There is no accepted measurement to write.")
    frame = text_of(source, "FrameOfReferenceUID")
    if not frame:
        raise InputRefused("no_frame", "The images name no frame of reference; points cannot be written for others.")
    at = local_time(now, source)
    ds = begin(
        source,
        sop_class=COMPREHENSIVE_3D_SR_CLASS,
        sop_uid=sop_uid,
        series_uid=series_uid,
        series_number=SERIES_NUMBER["measurements"],
        instance_number=instance_number,
        modality="SR",
        description="3D measurements",
        equipment=equipment,
        now=now,
        study=study,
    )
    general(
        ds,
        source,
        at=at,
        status=status,
        author=author,
        signed_at=signed_at,
        organisation=equipment.institution,
        participants=(),
        references=[*sources, *([report] if report else [])],
        predecessor=predecessor,
    )
    images = {r.sop_uid: r for r in sources}
    site = codes.SITES.get((text_of(source, "BodyPartExamined") or body_part).strip().upper())
    groups = [_group(m, images, slices or {}, frame, site) for m in kept]
    children = [
        language(),
        *observers(author, equipment),
        code("HAS CONCEPT MOD", codes.PROCEDURE_REPORTED, procedure_of(text_of(source, "Modality"))),
        container("CONTAINS", codes.IMAGING_MEASUREMENTS, *groups),
    ]
    if report is not None:
        children.append(document("CONTAINS", codes.REPORT_TITLE, report))
    root(ds, codes.MEASUREMENTS_TITLE, "1500", *children)
    return ds


def procedure_of(modality: str) -> Code:
    """What was done, from CID 100 where it has an entry, else in own words."""
    known = codes.PROCEDURES_REPORTED.get(modality)
    return known or codes.own(f"3D-{modality or 'OT'}"[:16], f"3D processing of {modality or 'other'} images")


def _group(
    m: MeasurementLike,
    images: Mapping[str, Reference],
    slices: Mapping[str, Dataset],
    frame: str,
    site: Code | None,
) -> Dataset:
    """One measurement (TID 1501): identity, site, side, its numbers."""
    reference = images.get(m.source_uid)
    group = container(
        "CONTAINS",
        codes.MEASUREMENT_GROUP,
        text("HAS OBS CONTEXT", codes.TRACKING_ID, m.name or m.kind),
        uid("HAS OBS CONTEXT", codes.TRACKING_UID, m.tracking_uid),
        template="1501",
    )
    # only a side that the name states: the sign of a coordinate is for checking, an aorta has no side
    named = m.side in codes.SIDES and bool(re.search(rf"\b{m.side}\b", m.name, re.IGNORECASE))
    side = [code("HAS CONCEPT MOD", codes.LATERALITY, codes.SIDES[m.side])] if named else []
    if site is not None:
        within(group, code("HAS CONCEPT MOD", codes.FINDING_SITE, site, *side))
    elif side:  # without a site the side is an answer of its own
        within(group, code("CONTAINS", codes.LATERALITY, codes.SIDES[m.side]))
    if reference is not None:
        within(group, image("CONTAINS", codes.SOURCE_OF_MEASUREMENT, reference))
    first, *others = _numbers(m)
    place = _points("INFERRED FROM", m, reference, slices, frame)
    within(group, within(first, place), *others)
    within(group, text("CONTAINS", codes.KIND, m.kind), text("CONTAINS", codes.PRINTED, m.measured.printed))
    if m.measured.definition:
        within(group, text("CONTAINS", codes.DEFINITION, m.measured.definition))
    notes = [*m.measured.reasons] if m.measured.validity == "marked" else []
    if notes:
        within(group, text("CONTAINS", codes.COMMENT, "Marked: " + "; ".join(notes)))
    return group


def _numbers(m: MeasurementLike) -> list[Dataset]:
    measured = m.measured
    unit = codes.UNITS.get(measured.unit, codes.ONE)
    concept = codes.CONCEPTS.get(m.kind, codes.own(m.kind.upper()[:16] or "VALUE", m.kind or "value"))
    if concept == codes.ATTENUATION and measured.unit != "HU":
        concept = codes.SIGNAL
    value = 0.0 if measured.value is None else measured.value
    first = number("CONTAINS", concept, value, unit)
    for word, extreme in (("maximum", codes.MAXIMUM), ("minimum", codes.MINIMUM)):
        if m.kind == "diameter" and measured.definition.lower().startswith(word):
            within(first, code("HAS CONCEPT MOD", codes.DERIVATION, extreme))
    if measured.uncertainty is not None:
        within(first, number("HAS PROPERTIES", codes.UNCERTAINTY, measured.uncertainty, unit))
    found = [first]
    hounsfield = bool(measured.extra.get("is_hu", 0.0))
    for name, (what, how, of) in codes.FURTHER.items():
        if name not in measured.extra:
            continue
        meant, item_unit = what, codes.UNITS["mm"]
        if of == "value":
            meant, item_unit = (what, codes.UNITS["HU"]) if hounsfield else (codes.SIGNAL, codes.ONE)
        item = number("CONTAINS", meant, measured.extra[name], item_unit)
        found.append(within(item, code("HAS CONCEPT MOD", codes.DERIVATION, how)) if how else item)
    return found


def _points(
    relation: Relation, m: MeasurementLike, reference: Reference | None, slices: Mapping[str, Dataset], frame: str
) -> Dataset:
    """Where it was measured: on the source slice when all points lie on it, else in the patient's space."""
    points = [tuple(map(float, p)) for p in m.points_lps_mm]
    closed = m.kind == "polygon"
    if closed:
        points.append(points[0])
    header = slices.get(m.source_uid)
    flat = None if reference is None or header is None else on_slice(m.points_lps_mm, header)
    kind = "POINT" if len(points) == 1 else "POLYLINE"
    if m.kind in ("angle", "cobb", "bidirectional", "stenosis") and len(points) == 4:
        kind = "MULTIPOINT"
    if m.kind == "ellipse" and len(points) == 4:
        kind = "ELLIPSE"
    if flat is not None and reference is not None:
        pairs = [*flat, flat[0]] if closed else flat
        return within(scoord(relation, None, kind, pairs), image("SELECTED FROM", None, reference))
    if closed:
        kind = "POLYGON" if _planar(m.points_lps_mm) else "POLYLINE"
    return scoord3d(relation, None, kind, [(x, y, z) for x, y, z in points], frame)


def on_slice(points_lps_mm: Sequence[Vector], header: Dataset) -> list[tuple[float, float]] | None:
    """(column, row) of points on an image, 0.5 in a pixel's middle; None when one lies off its plane.

    A mosaic holds many slices in one image, and its position is none of theirs: never told in pixels.
    """
    if {"MOSAIC", "VFRAME"} & {str(v) for v in header.get("ImageType") or ()} or "NumberOfFrames" in header:
        return None
    position, orientation = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
    spacing = header.get("PixelSpacing")
    if position is None or orientation is None or spacing is None:
        return None
    row, column = np.array(orientation[:3], dtype=float), np.array(orientation[3:], dtype=float)
    away = np.array(points_lps_mm, dtype=float) - np.array(position, dtype=float)
    thickness = float(header.get("SliceThickness") or 1.0)
    if np.abs(away @ np.cross(row, column)).max() > _ON_SLICE * thickness:
        return None
    return [(float(p @ row) / float(spacing[1]) + 0.5, float(p @ column) / float(spacing[0]) + 0.5) for p in away]


def _planar(points_lps_mm: Sequence[Vector]) -> bool:
    away = np.array(points_lps_mm, dtype=float)
    away -= away.mean(axis=0)
    return bool(np.linalg.svd(away, compute_uv=False)[-1] < 1e-3)
