"""Withdrawing a released picture: it stays in the archive, a rejection note names it, and it counts no longer."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import msgspec

from workstation.base.errors import InputRefused
from workstation.base.uids import derived_uid, new_uid
from workstation.desk import captures
from workstation.desk.equipment import equipment_of, source_header
from workstation.dicom import written
from workstation.dicom.written import Reference

if TYPE_CHECKING:
    from workstation.case.model import Capture
    from workstation.desk.session import Session


def withdraw(session: Session, sop_uid: str, secret: str, reason: str) -> Capture:
    """A physician withdraws a released picture (wrong patient, side, volume ...).

    A signed report that shows it is not changed: an addendum or a retraction says so. A charge is not changed either;
    its case is decided again and the worklist says what is to be done.

    Raises
    ------
    NotAllowed
        Not a physician, or the PIN is due again.
    InputRefused
        ``withdraw``: the picture is not released, or no reason is given.
    """
    from workstation.dicom import write_common, write_kos

    session.require("release")
    capture = next((c for c in session.case.captures if c.sop_uid == sop_uid), None)
    if capture is None or capture.state != "released":
        raise InputRefused("withdraw", "Only a released picture is withdrawn; a draft is discarded.")
    if not reason.strip():
        raise InputRefused("withdraw", "Say why the picture is withdrawn: wrong patient, side, volume, or what else.")
    actor = session.people.proved_for("release", secret)
    uid = new_uid()
    series = derived_uid("key_images", session.place.installation, session.key.study_uid)
    number = 200 + sum(1 for c in session.case.captures if c.state == "withdrawn")
    note = write_kos.key_objects(
        source_header(session),
        [Reference(written.SC_CLASS, capture.sop_uid, capture.series_uid)],
        sop_uid=uid,
        series_uid=series,
        equipment=equipment_of(session.place, session.facts),
        now=session.place.clock.now().astimezone(UTC),
        author=actor,
        title="rejected_safety",
        description=reason.strip(),
        instance_number=number,
    )
    stored = captures.keep_object(session, write_common.to_bytes(note), uid, series)
    after = msgspec.structs.replace(capture, state="withdrawn")
    with session.acting():
        session.place.act(
            "picture_withdrawn", actor, session.key, sop_uid=sop_uid, reason=reason.strip(), rejection=uid
        )
        captures.index_object(session, stored, written.KOS_CLASS, 9013, "KO", "Key pictures of the 3D report")
        kept = tuple(after if c.sop_uid == sop_uid else c for c in session.case.captures)
        session.put("captures", captures=kept)
    session.told("supervision")
    return after
