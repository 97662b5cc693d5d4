"""Who made an object, and the source header that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workstation import __version__
from workstation.base.errors import InputRefused
from workstation.desk.place import Place
from workstation.dicom.load import header_of
from workstation.dicom.write_common import Equipment

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
    """Header of the series' first slice: patient, study and frame of reference come from it."""
    for frame in session.found.frames:
        if frame is None:
            continue
        if frame.path.is_file():
            return header_of(frame.path)
        kept = session.place.library.instance(frame.sop_uid)  # the disc was taken out: the archive has its copy
        if kept is not None:
            return header_of(session.place.files.path(kept.place))
    raise InputRefused("no_source", "The series has no image to refer to.")
