"""Pictures for the record: drafts kept beside the case, released by a physician as DICOM objects, or discarded."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from render.camera import NO_SIDES
from render.picture import Picture
from render.view import Technique, View
from workstation.archive.files import name_of
from workstation.archive.index import Instance
from workstation.base.atomic import write_bytes
from workstation.base.errors import ArchiveError, InputRefused
from workstation.base.uids import derived_uid, new_uid
from workstation.case.model import Capture
from workstation.case.states import CAPTURE_STEPS
from workstation.case.supervision import is_3d, technique_of
from workstation.desk.equipment import equipment_of, source_header
from workstation.desk.identity import missing_identity
from workstation.desk.labels import removals_of
from workstation.desk.png import png_bytes, rgb_of
from workstation.dicom import written

if TYPE_CHECKING:
    from workstation.desk.session import Session

_WORDS = {
    Technique.VR: "Volume rendering",
    Technique.MIP: "Maximum intensity projection",
    Technique.MINIP: "Minimum intensity projection",
    Technique.MEAN: "Mean projection",
    Technique.MPR: "Multiplanar reformat",
    Technique.SSD: "Shaded surface display",
}


def technique_words(view: View) -> str:
    """The technique of a view in words, with slab, preset and threshold."""
    words = _WORDS[view.technique]
    if view.is_plane and view.slab is not None:
        kind = {"mip": "maximum", "minip": "minimum", "mean": "mean"}[view.slab.mode]
        words = f"{words if view.technique is Technique.MPR else 'Slab'}, {kind} over {view.slab.thickness_mm:g} mm"
    if view.technique is Technique.VR and view.look is not None:
        words += f", preset {view.look.name}@{view.look.version}"
    if view.technique is Technique.SSD and view.surfaces:
        shown = [s for s in view.surfaces if s.visible]
        bounds = "; ".join(f"{s.low:g}" + ("" if s.high is None else f" to {s.high:g}") for s in shown)
        words += f", threshold {bounds}"
    if view.crop is not None:
        words += ", cut to the region"
    if view.clips and not view.is_plane:
        words += ", cut by " + ("a plane" if len(view.clips) == 1 else f"{len(view.clips)} planes")
    if view.planes:
        words += ", with planes"
    return words


def draft(session: Session, picture: Picture, title: str, removals: tuple[str, ...]) -> Capture:
    """Keep a picture as a draft.

    Raises
    ------
    InputRefused
        ``not_record``: the picture is of drag quality; ``other_volume``: it shows something else than this case.
    """
    actor = session.require("draft")
    view = picture.view
    if view.quality != "record":
        raise InputRefused("not_record", "This picture is not of full quality yet; capture it when it has settled.")
    if view.volume and view.volume != session.key.volume:
        raise InputRefused("other_volume", "This picture shows another series; nothing was captured.")
    sop_uid = new_uid()
    removals = removals or removals_of(session.volume, view)
    made = Capture(
        sop_uid=sop_uid,
        series_uid=derived_uid("captures", session.place.installation, session.key.study_uid, session.key.series_uid),
        title=title.strip() or technique_words(view),
        view=view,
        renderer=picture.renderer,
        made_by=actor,
        made_at=session.place.now(),
        removals=removals,
        source_uids=shown_slices(session, view),
        letters=picture.letters,
        picture=f"{name_of(sop_uid)}.png",
    )
    write_bytes(session.place.drafts(session.key.study_uid) / made.picture, png_bytes(picture.rgb))
    with session.acting():
        session.place.act(
            "picture_drafted",
            actor,
            session.key,
            sop_uid=sop_uid,
            technique=technique_of(view),
            view=msgspec.to_builtins(view),
            recipe=view.digest,
            title=made.title,
        )
        session.put("captures", captures=(*session.case.captures, made))
    return made


def shown_slices(session: Session, view: View) -> tuple[str, ...]:
    """SOP instances that a picture was made from: the slices that a plane or slab cuts, or all of the volume."""
    uids = session.volume.source_uids
    geometry = session.volume.geometry
    if view.plane is None:
        return tuple(u for u in uids if u)
    right, down = np.array(view.plane.right_lps), np.array(view.plane.down_lps)
    normal = np.cross(right, down)
    half = view.slab.thickness_mm / 2 if view.slab is not None else 0.0
    width, height = (v * view.plane.mm_per_pixel / 2 for v in view.size)
    centre = np.array(view.plane.centre_lps_mm)
    corners = [
        centre + a * width * right + b * height * down + c * half * normal
        for a in (-1, 1)
        for b in (-1, 1)
        for c in (-1, 1)
    ]
    ks = [float(geometry.to_index(tuple(p))[0]) for p in corners]
    low, high = max(0, int(np.floor(min(ks)))), min(len(uids) - 1, int(np.ceil(max(ks))))
    return tuple(u for u in uids[low : high + 1] if u)


def _of(session: Session, sop_uid: str) -> Capture:
    for capture in session.case.captures:
        if capture.sop_uid == sop_uid:
            return capture
    raise InputRefused("unknown_capture", "This picture is not in the case.")


def _with(session: Session, after: Capture) -> tuple[Capture, ...]:
    return tuple(after if c.sop_uid == after.sop_uid else c for c in session.case.captures)


def _step(capture: Capture, to: str) -> None:
    if to not in CAPTURE_STEPS[capture.state]:
        sentence = {
            "released": "This picture is already released; it never changes.",
            "discarded": "This picture was discarded; make it again from its view.",
            "withdrawn": "This picture was withdrawn; make it again from its view.",
        }.get(capture.state, "This picture cannot go there.")
        raise InputRefused("capture_state", sentence)


def png(session: Session, capture: Capture) -> bytes:
    """Pixels of a capture as PNG."""
    path = session.place.drafts(session.key.study_uid) / capture.picture
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArchiveError("missing_picture", "The picture's file is missing; make it again from its view.") from error


def shown(session: Session, sop_uid: str, seconds: float, pixels: int) -> None:
    """Note that the acting person saw a draft, how long and how large."""
    capture = _of(session, sop_uid)
    if session.actor is not None:
        session.place.act(
            "picture_shown",
            session.actor,
            session.key,
            sop_uid=capture.sop_uid,
            seconds=round(float(seconds), 1),
            pixels=int(pixels),
        )
        session.told("supervision")


def why_not_release(session: Session, capture: Capture) -> str:
    """What stands in the way of a release, in one sentence; "" when nothing does."""
    case = session.case
    if session.volume.reduced > 1:
        return "This volume was loaded at reduced resolution; its pictures can be drafts, but not be released."
    if "position_doubtful" in case.findings and case.side_confirmed_by is None:
        return "The sides are not sure; confirm them as labelled first."
    if missing_identity(case.patient) and case.identity_confirmed_by is None:
        lacking = ", ".join(missing_identity(case.patient))
        return f"The files lack the patient's {lacking}; confirm first who this is."
    if "orientation_invalid" in case.findings:
        return "The orientation is invalid; sides cannot be trusted and nothing can be released."
    if NO_SIDES.intersection(case.findings):
        return "The images do not say how they lie in the patient; nothing can be released of them."
    if capture.removals and not any(
        not c.removals and c.state != "discarded" and c.sop_uid != capture.sop_uid for c in case.captures
    ):
        return (
            "Something is cut away in this picture; capture a slice, or a view with nothing removed, and release both."
        )
    return ""


def release(session: Session, sop_uid: str, secret: str) -> Capture:
    """Make a draft a DICOM object of the study, in full quality, and keep it for good.

    Raises
    ------
    NotAllowed
        Not a physician, or the PIN is due again.
    InputRefused
        ``release``: what must be settled first.
    """
    from workstation.dicom import write_common, write_sc

    session.require("release")
    capture = _of(session, sop_uid)
    _step(capture, "released")
    sentence = why_not_release(session, capture)
    if sentence:
        raise InputRefused("release", sentence)
    actor = session.people.proved_for("release", secret)
    session.taken_in()
    now = session.place.clock.now().astimezone(UTC)
    labels = session.labels(capture.view, record=True)
    picture = session.picture(capture.view, labels)
    after = msgspec.structs.replace(
        capture,
        state="released",
        released_by=actor,
        released_at=session.place.now(),
        renderer=picture.renderer,
        letters=picture.letters,
    )
    number = 1 + sum(1 for c in session.case.captures if c.state in ("released", "withdrawn"))
    dataset = write_sc.secondary_capture(
        source_header(session),
        picture,
        after,
        sources=[(str(session.facts.get("sop_class", "")), u) for u in capture.source_uids],
        series_number=written.SERIES_NUMBER["captures"],
        instance_number=number,
        equipment=equipment_of(session.place, session.facts),
        now=now,
        technique_words=technique_words(capture.view),
        comments="DEMO, not a real examination" if session.place.demo else "",
        preset="" if capture.view.look is None else f"{capture.view.look.name}@{capture.view.look.version}",
        orientation=None,
        lossy=session.volume.lossy,
        body_part=str(session.facts.get("body_part") or ""),
    )
    stored = keep_object(session, write_common.to_bytes(dataset), sop_uid, after.series_uid)
    write_bytes(session.place.drafts(session.key.study_uid) / capture.picture, png_bytes(picture.rgb))
    with session.acting():
        session.place.act("picture_released", actor, session.key, sop_uid=sop_uid)
        index_object(session, stored, written.SC_CLASS, 9001, "OT", "3D pictures")
        if local_archive(session):
            session.place.act(
                "picture_archived", actor, session.key, sop_uid=sop_uid, archive="local", acknowledged=True
            )
            after = msgspec.structs.replace(after, archived=True)
        session.put("captures", captures=_with(session, after))
    session.told("supervision")
    return after


def local_archive(session: Session) -> bool:
    """Whether the site declared this computer's store to be its archive."""
    return session.place.db.setting("site.archive") == "local"


def acknowledge_local(session: Session) -> int:
    """Acknowledge released pictures that lie here with their checksum; the number of them."""
    actor = session.require("draft")
    if not local_archive(session):
        raise InputRefused("no_archive", "This computer is not declared to be the site's archive.")
    done = 0
    for capture in session.case.captures:
        if capture.state != "released" or capture.archived:
            continue
        item = session.place.library.instance(capture.sop_uid)
        if item is None or not session.place.files.matches(item.place, item.sha256):
            raise ArchiveError("missing_picture", "A released picture is not in the archive as it was written.")
        with session.acting():
            session.place.act(
                "picture_archived", actor, session.key, sop_uid=capture.sop_uid, archive="local", acknowledged=True
            )
            session.put("captures", captures=_with(session, msgspec.structs.replace(capture, archived=True)))
        done += 1
    return done


def keep_object(session: Session, content: bytes, sop_uid: str, series_uid: str) -> tuple[Instance, bytes]:
    """Write an object made here into the archive and read it back; it is indexed with the act that made it."""
    place = session.place.files.place(session.key.study_uid, series_uid, sop_uid)
    stored = session.place.files.put_bytes(place, content)
    if not session.place.files.matches(place, stored.sha256):
        raise ArchiveError("write_failed", "The archive did not keep what was written; nothing was released.")
    item = Instance(
        sop_uid=sop_uid,
        study_uid=session.key.study_uid,
        series_uid=series_uid,
        sop_class="",
        sha256=stored.sha256,
        size=stored.size,
        place=place,
        made_here=True,
    )
    return item, content


def index_object(
    session: Session, stored: tuple[Instance, bytes], sop_class: str, number: int, modality: str, words: str
) -> None:
    """Index an object that `keep_object` wrote, inside the transaction of its act."""
    item = msgspec.structs.replace(
        stored[0], sop_class=sop_class, series_number=number, modality=modality, series_description=words
    )
    session.place.library.file_instance(item, session.place.now())


def discard(session: Session, sop_uid: str, reason: str) -> Capture:
    """Put a draft aside; its lines stay in the journal."""
    actor = session.require("draft")
    capture = _of(session, sop_uid)
    _step(capture, "discarded")
    after = msgspec.structs.replace(capture, state="discarded")
    with session.acting():
        session.place.act("picture_discarded", actor, session.key, sop_uid=sop_uid, reason=reason.strip())
        session.put("captures", captures=_with(session, after))
    (session.place.drafts(session.key.study_uid) / capture.picture).unlink(missing_ok=True)
    session.told("supervision")
    return after


def released_3d(session: Session) -> tuple[Capture, ...]:
    """Released pictures that show 3D work."""
    return tuple(c for c in session.case.captures if c.state == "released" and is_3d(technique_of(c.view)))


def rgb(session: Session, capture: Capture) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Pixels of a capture, (height, width, 3) uint8."""
    return rgb_of(png(session, capture))
