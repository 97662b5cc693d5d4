"""Who made an object, and the source header that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workstation import __version__
from workstation.base.errors import InputRefused
from workstation.desk.place import Place
from workstation.dicom.load import header_of
from workstation.dicom.written import Equipment

if TYPE_CHECKING:
    from workstation.desk.session import Session


def equipment_of(place: Place, facts: Mapping[str, object]) -> Equipment:
    """How objects and reports name the workstation that made them."""
    return Equipment(
        serial=place.installation[-16:],
        software=__version__,
        institution=place.db.setting("site.institution") or str(facts.get("institution") or ""),
        station=place.station,
    )


def source_header(session: Session) -> Any:
    """Header of the series' first slice: patient, study and frame of reference come from it.

    Where a decision corrected whose images these are, the patient is the corrected one.
    """
    header = _first_header(session)
    if session.place.library.study(session.key.study_uid).corrected:
        who = session.case.patient
        header.PatientName = "=".join(x for x in (who.name, who.name_ideographic) if x)
        header.PatientID, header.IssuerOfPatientID = who.id, who.issuer
        header.PatientBirthDate, header.PatientSex = (who.birth_date or "").replace("-", ""), who.sex or ""
    if session.place.library.part(session.key.study_uid) is not None:
        header.StudyInstanceUID = session.key.study_uid  # the files' own study is another patient's as well
    return header


def _first_header(session: Session) -> Any:
    for frame in session.found.frames:
        if frame is None:
            continue
        if frame.path.is_file():
            return header_of(frame.path)
        kept = session.place.library.instance(frame.sop_uid)  # the disc was taken out: the archive has its copy
        if kept is not None:
            return header_of(session.place.files.path(kept.place))
    raise InputRefused("no_source", "The series has no image to refer to.")
