"""Measurements of a case: proposed by a hand on a picture, accepted by a person; the number comes from `measure`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from render.view import Vector
from workstation.base.errors import InputRefused
from workstation.base.uids import new_uid
from workstation.case.edits import AddMeasurement, ChangeMeasurement, RemoveMeasurement
from workstation.case.model import Measured, Measurement
from workstation.measure.kinds import measure

if TYPE_CHECKING:
    from workstation.desk.session import Session

_MIDLINE_MM = 25.0


def number(
    session: Session,
    kind: str,
    points_lps_mm: tuple[Vector, ...],
    plane_normal: Vector | None,
    options: dict[str, Any] | None,
) -> Measured:
    """The number for these points, from the voxels as acquired."""
    return measure(kind, points_lps_mm, session.volume, options=options or {}, plane_normal=plane_normal)


def side_of(points_lps_mm: tuple[Vector, ...]) -> Literal["left", "right", "midline"]:
    """Side by the sign of the mean x against the patient's origin; within 25 mm it says midline.

    The origin of patient space is no anatomical midline in every scan, so this is for comparison with words,
    never printed as a finding.
    """
    x = sum(p[0] for p in points_lps_mm) / max(1, len(points_lps_mm))
    return "midline" if abs(x) < _MIDLINE_MM else ("left" if x > 0 else "right")


def add(
    session: Session,
    kind: str,
    points_lps_mm: tuple[Vector, ...],
    plane_normal: Vector | None,
    name: str,
    options: dict[str, Any] | None,
    source_uid: str,
) -> Measurement:
    """Keep a new measurement as a proposal."""
    actor = session.require("measure")
    measured = number(session, kind, points_lps_mm, plane_normal, options)
    taken = sum(1 for m in session.case.measurements if m.kind == kind)
    made = Measurement(
        id=uuid.uuid4().hex[:12],
        tracking_uid=new_uid(),
        kind=kind,
        name=name or f"{kind.capitalize()} {taken + 1}",
        points_lps_mm=tuple(tuple(float(c) for c in p) for p in points_lps_mm),  # type: ignore[misc]
        plane_normal_lps=plane_normal,
        options=dict(options or {}),
        series_uid=session.key.series_uid,
        volume=session.key.volume,
        source_uid=source_uid or nearest_slice(session, points_lps_mm),
        measured=measured,
        side=side_of(points_lps_mm),
        made_by=actor.name,
        made_at=session.place.now(),
    )
    session.place.act("measurement_proposed", actor, session.key, id=made.id, kind=kind, recipe=recipe_of(made))
    session.do(AddMeasurement(measurement=made))
    return made


def recipe_of(m: Measurement) -> dict[str, Any]:
    """What replays a measurement."""
    return {
        "kind": m.kind,
        "points_lps_mm": [list(p) for p in m.points_lps_mm],
        "plane_normal_lps": None if m.plane_normal_lps is None else list(m.plane_normal_lps),
        "options": m.options,
        "volume": m.volume,
    }


def nearest_slice(session: Session, points_lps_mm: tuple[Vector, ...]) -> str:
    """SOP instance of the slice nearest to the points' middle, or "" where none has a UID."""
    uids = session.volume.source_uids
    if not uids or not points_lps_mm:
        return ""
    n = len(points_lps_mm)
    middle = tuple(sum(p[axis] for p in points_lps_mm) / n for axis in range(3))
    k = round(float(session.volume.geometry.to_index(middle)[0]))
    return uids[min(max(k, 0), len(uids) - 1)]


def _of(session: Session, measurement_id: str) -> Measurement:
    for m in session.case.measurements:
        if m.id == measurement_id:
            return m
    raise InputRefused("unknown_measurement", "This measurement is no longer in the case.")


def accept(session: Session, measurement_id: str) -> Measurement:
    """Accept a proposal; a refused number cannot be accepted."""
    actor = session.require("accept")
    found = _of(session, measurement_id)
    if found.measured.value is None:
        raise InputRefused("refused_measurement", "This measurement is refused and cannot be accepted.")
    if found.volume != session.key.volume:
        raise InputRefused("other_volume", "This measurement belongs to another series; open that series to accept it.")
    after = msgspec.structs.replace(found, accepted=True)
    session.place.act(
        "measurement_accepted",
        actor,
        session.key,
        id=found.id,
        kind=found.kind,
        value=found.measured.value,
        unit=found.measured.unit,
        recipe=recipe_of(found),
    )
    session.do(ChangeMeasurement(measurement=after, words="Accept"))
    return after


def rename(session: Session, measurement_id: str, name: str) -> Measurement:
    """Another name; the number stays."""
    session.require("measure")
    after = msgspec.structs.replace(_of(session, measurement_id), name=name.strip())
    session.do(ChangeMeasurement(measurement=after, words="Rename"))
    return after


def remove(session: Session, measurement_id: str) -> None:
    """Take it out, with a line in the journal."""
    actor = session.require("measure")
    _of(session, measurement_id)
    session.place.act("measurement_removed", actor, session.key, id=measurement_id)
    session.do(RemoveMeasurement(id=measurement_id))
