"""The report: composed from case and journal, checked, signed; what is signed becomes immutable objects."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from workstation import __version__
from workstation.base.errors import InputRefused
from workstation.base.uids import derived_uid, new_uid
from workstation.case.edits import SetText
from workstation.case.model import Case, ReportText, SignedReport
from workstation.case.states import REPORT_STEPS, report_status
from workstation.case.supervision import is_3d, technique_of
from workstation.desk import captures
from workstation.desk.equipment import equipment_of, source_header
from workstation.desk.findings_told import findings_told
from workstation.desk.geometry_report import geometry_report
from workstation.desk.supervise import counting
from workstation.dicom import written
from workstation.dicom.load import header_of
from workstation.dicom.written import Reference
from workstation.report.checks import Check, checks
from workstation.report.compose import DataFacts, compose
from workstation.report.model import ReportContent
from workstation.report.pdf import pdf_bytes
from workstation.report.text import plain_text

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.desk.session import Session

MIN_LOOK_S = 2.0
_SERIES = {
    "report": (9010, "SR", "3D report"),
    "measurements": (9011, "SR", "3D measurements"),
    "pdf": (9012, "DOC", "3D report (PDF)"),
    "key_images": (9013, "KO", "Key pictures of the 3D report"),
}


def set_text(session: Session, text: ReportText) -> None:
    """Keep what is being written; it is on disk before it counts."""
    session.require("prepare")
    if text != session.case.text:
        session.do(SetText(text=text))


def data_facts(session: Session) -> DataFacts:
    """What the report says of the data that were used."""
    facts, volume = session.facts, session.volume
    thickness = facts.get("thickness_mm")
    number = facts.get("series_number")
    phase = session.phases.words(session.phases.index) if volume.phase is not None else ""
    return DataFacts(
        series_uid=session.key.series_uid,
        series_number=int(number) if isinstance(number, int) else None,
        series_description=str(facts.get("series_description") or ""),
        modality=volume.modality,
        sop_class=str(facts.get("sop_class") or ""),
        slices=volume.geometry.shape[0],
        spacing_mm=volume.geometry.spacing_mm,
        thickness_mm=float(thickness) if isinstance(thickness, int | float) else None,
        kernel=str(facts.get("kernel") or ""),
        phase=phase,
        frame_of_reference=str(facts.get("frame_of_reference") or ""),
        source_uids=tuple(u for u in volume.source_uids if u),
        findings=(
            geometry_report(session.found).sentence,
            *(told.sentence for told in findings_told(session.findings) if told.severity != "info"),
        ),
    )


def content(session: Session, **signed: Any) -> ReportContent:
    """The report as it stands now; `signed` adds status, signer, time and predecessor."""
    return compose(
        session.case,
        counting(session),
        facts=data_facts(session),
        institution=equipment_of(session.place, session.facts).institution,
        station=session.place.station,
        software=f"RenderDesk {__version__}",
        **signed,
    )


def checked(session: Session) -> tuple[Check, ...]:
    """What blocks the signature, and what should be looked at."""
    return checks(content(session), session.case)


def _pictures(session: Session, report: ReportContent) -> dict[str, Any]:
    shown = {p.sop_uid for p in report.pictures}
    return {c.sop_uid: captures.rgb(session, c) for c in session.case.captures if c.sop_uid in shown}


def pdf(session: Session) -> bytes:
    """The report as PDF: the signed one as it was signed, else the draft."""
    from workstation.dicom import write_pdf

    last = session.case.reports[-1] if session.case.reports else None
    if last is not None and last.pdf_sop_uid:
        item = session.place.library.instance(last.pdf_sop_uid)
        if item is not None:
            signed = write_pdf.pdf_of(header_and_pixels(session, item.place))
            if last.status != "retracted":
                return signed
    report = content(session)
    return pdf_bytes(report, _pictures(session, report), made_at=session.place.now())


def header_and_pixels(session: Session, place: str) -> Any:
    """An object of the archive, read back."""
    from workstation.dicom import write_common

    return write_common.from_bytes(session.place.files.path(place).read_bytes())


def text(session: Session) -> str:
    """The report as plain text: as it was signed while nothing was written since, else the draft."""
    last = session.case.reports[-1] if session.case.reports else None
    if last is None or session.case.text != session.case.signed_text:
        return plain_text(content(session))
    return plain_text(
        content(
            session,
            status=last.status,
            signed_by=last.signed_by,
            signed_at=last.signed_at,
            predecessor=last.predecessor,
        )
    )


def elements_of(report: ReportContent, case: Case) -> dict[str, Any]:
    """What an auditor looks for in the signed text: each is true only if the report really says it.

    Planes name no technique of 3D, and the order's words are not the physician's own statement of necessity.
    """
    named = {p.sop_uid for p in report.pictures}
    rendered = any(c.sop_uid in named and is_3d(technique_of(c.view)) for c in case.captures)
    acts = [a for a in report.supervision if a.kind in ("witnessed", "attested")]
    return {
        "three_d_findings": any(p.strip() for p in report.findings_3d),
        "technique_stated": bool(report.technique) and rendered,
        "supervision_stated": len(acts) == 4,
        "workstation_stated": bool(report.workstation),
        "necessity_stated": bool(case.text.necessity.strip()),
        "pictures": len(report.pictures),
        "measurements": sum(1 for m in report.measurements if m.accepted),
    }


def sign(session: Session, secret: str, override_reason: str) -> SignedReport:
    """Sign the report, or an addendum when one is signed already.

    The objects are written and read back first; then one transaction makes them part of the archive together
    with the journal's line and the case.

    Raises
    ------
    NotAllowed
        Not a physician; the PIN is asked every time.
    InputRefused
        ``report``: the first thing that is missing, in one sentence.
    """
    session.require("sign")
    blocking = [c for c in checked(session) if c.severity == "block"]
    waived = [c for c in blocking if c.code.startswith("side") and c.code != "side_measurement" and override_reason]
    blocking = [c for c in blocking if c not in waived]
    if blocking:
        raise InputRefused("report", blocking[0].sentence, findings=())
    before = report_status(session.case)
    status = "final" if before in ("", "preliminary") else "addendum"
    if status not in REPORT_STEPS[before]:
        raise InputRefused("report", "The report was retracted; nothing can be added to it.")
    actor = session.people.proved_for("sign", secret)
    session.taken_in()
    now = session.place.clock.now().astimezone(UTC)
    previous = session.case.reports[-1] if session.case.reports else None
    report = content(
        session,
        status=status,
        signed_by=actor,
        signed_at=session.place.now(),
        predecessor=previous.sop_uid if previous else "",
    )
    objects, signed = _objects(session, report, actor, now, previous)
    digest = hashlib.sha256(objects["report"][0]).hexdigest()
    signed = msgspec.structs.replace(signed, digest=digest)
    kept = {
        name: captures.keep_object(session, raw, uid, _series(session, name)) for name, (raw, uid, _) in objects.items()
    }
    with session.acting():
        session.place.act(
            "report_signed",
            actor,
            session.key,
            sop_uid=signed.sop_uid,
            digest=digest,
            status=status,
            elements={**elements_of(report, session.case), "side": session.case.text.side},
            waived=[{"code": c.code, "reason": override_reason} for c in waived],
        )
        for name, (_, _, sop_class) in objects.items():
            number, modality, words = _SERIES[name]
            captures.index_object(session, kept[name], sop_class, number, modality, words)
        session.put("report", reports=(*session.case.reports, signed), signed_text=session.case.text)
    return signed


def _series(session: Session, name: str) -> str:
    return derived_uid(name, session.place.installation, session.key.study_uid)


def _objects(
    session: Session, report: ReportContent, actor: Actor, now: datetime, previous: SignedReport | None
) -> tuple[dict[str, tuple[bytes, str, str]], SignedReport]:
    """Every object of a signature, as bytes: name -> (bytes, SOP instance UID, SOP class UID)."""
    from workstation.dicom import write_common, write_kos, write_pdf, write_sr_measurements, write_sr_report

    source = source_header(session)
    equipment = equipment_of(session.place, session.facts)
    uids = {name: new_uid() for name in _SERIES}
    number = 1 + len(session.case.reports)
    accepted = [m for m in report.measurements if m.accepted and not m.stale and m.measured.value is not None]
    own = {"source": source, "equipment": equipment, "now": now, "instance_number": number}
    measured_at = Reference(written.COMPREHENSIVE_3D_SR_CLASS, uids["measurements"], _series(session, "measurements"))
    report_at = Reference(written.ENHANCED_SR_CLASS, uids["report"], _series(session, "report"))
    objects: dict[str, tuple[bytes, str, str]] = {}
    if accepted:
        frames = {f.sop_uid: f for f in session.found.frames if f is not None}
        slices = {m.source_uid: header_of(frames[m.source_uid].path) for m in accepted if m.source_uid in frames}
        dataset = write_sr_measurements.measurements_sr(
            accepted,
            sop_uid=uids["measurements"],
            series_uid=_series(session, "measurements"),
            author=actor,
            status=report.status,
            sources=[Reference(report.source_sop_class, u, session.key.series_uid) for u in report.source_uids],
            slices=slices,
            report=report_at,
            **own,
        )
        objects["measurements"] = (
            write_common.to_bytes(dataset),
            uids["measurements"],
            written.COMPREHENSIVE_3D_SR_CLASS,
        )
    predecessor = None
    if previous is not None:
        predecessor = Reference(written.ENHANCED_SR_CLASS, previous.sop_uid, _series(session, "report"))
    made_by = {c.made_by.account: c.made_by for c in session.case.captures}
    dataset = write_sr_report.report_sr(
        report,
        sop_uid=uids["report"],
        series_uid=_series(session, "report"),
        measurements=measured_at if accepted else None,
        predecessor=predecessor,
        participants=[a for a in made_by.values() if a.account != actor.account],
        **own,
    )
    objects["report"] = (write_common.to_bytes(dataset), uids["report"], written.ENHANCED_SR_CLASS)
    pages = pdf_bytes(report, _pictures(session, report), made_at=session.place.now())
    dataset = write_pdf.encapsulated_pdf(
        pages,
        sop_uid=uids["pdf"],
        series_uid=_series(session, "pdf"),
        title="3D report",
        status=report.status,
        references=[report_at],
        **own,
    )
    objects["pdf"] = (write_common.to_bytes(dataset), uids["pdf"], written.PDF_CLASS)
    if report.pictures:
        dataset = write_kos.key_objects(
            references=[Reference(p.sop_class, p.sop_uid, p.series_uid) for p in report.pictures],
            sop_uid=uids["key_images"],
            series_uid=_series(session, "key_images"),
            author=actor,
            **own,
        )
        objects["key_images"] = (write_common.to_bytes(dataset), uids["key_images"], written.KOS_CLASS)
    signed = SignedReport(
        sop_uid=uids["report"],
        measurements_sop_uid=uids["measurements"] if accepted else "",
        pdf_sop_uid=uids["pdf"],
        status="final" if report.status == "final" else "addendum",
        signed_by=actor,
        signed_at=report.signed_at,
        digest="",
        predecessor=previous.sop_uid if previous else "",
    )
    return objects, signed


def retract(session: Session, secret: str, reason: str) -> SignedReport:
    """Retract the last signed report: a rejection note names it, nothing is deleted (clinical rules 6.3)."""
    from workstation.dicom import write_common, write_kos

    session.require("sign")
    if not reason.strip():
        raise InputRefused("retract", "Say why the report is retracted: wrong patient, side or study, or what else.")
    if report_status(session.case) not in ("final", "addendum", "preliminary"):
        raise InputRefused("retract", "There is no signed report to retract.")
    actor = session.people.proved_for("sign", secret)
    last = session.case.reports[-1]
    uid = new_uid()
    references = [Reference(written.ENHANCED_SR_CLASS, last.sop_uid, _series(session, "report"))]
    if last.measurements_sop_uid:
        references.append(
            Reference(written.COMPREHENSIVE_3D_SR_CLASS, last.measurements_sop_uid, _series(session, "measurements"))
        )
    dataset = write_kos.key_objects(
        source_header(session),
        references,
        sop_uid=uid,
        series_uid=_series(session, "key_images"),
        equipment=equipment_of(session.place, session.facts),
        now=session.place.clock.now().astimezone(UTC),
        author=actor,
        title="rejected_safety",
        description=reason.strip(),
        instance_number=100 + len(session.case.reports),
    )
    stored = captures.keep_object(session, write_common.to_bytes(dataset), uid, _series(session, "key_images"))
    after = msgspec.structs.replace(last, status="retracted")
    with session.acting():
        session.place.act(
            "report_retracted", actor, session.key, sop_uid=last.sop_uid, reason=reason.strip(), rejection=uid
        )
        number, modality, words = _SERIES["key_images"]
        captures.index_object(session, stored, written.KOS_CLASS, number, modality, words)
        session.put("report", reports=(*session.case.reports, after))
    return after
