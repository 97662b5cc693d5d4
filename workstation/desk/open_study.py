"""Opening a study: a transaction from request to pixels, in which identity is read back from the decoded files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from render.volume import Volume
from workstation.archive.identity import Stated, key_of, verdict
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.base.events import CaseKey
from workstation.base.findings import Finding
from workstation.case.edits import from_line
from workstation.case.model import Case, Patient
from workstation.desk.arrival import Arrival
from workstation.desk.charge_ledger import with_standing_charge
from workstation.desk.identity_layer import decided, identity_now
from workstation.desk.library import file_study
from workstation.desk.library import stated as stated_of
from workstation.desk.order_source import matches, order_file, order_of_tags
from workstation.desk.place import Place
from workstation.desk.scans import Scans
from workstation.desk.source import Source, open_source, read
from workstation.dicom.found import Identity, ScanResult, StudyFound
from workstation.dicom.identity import contradict
from workstation.dicom.load import findings_of, identity_of

if TYPE_CHECKING:
    from workstation.archive.index import StudyRow

_ONE = {"same", "identity_incomplete"}


def opened(
    place: Place,
    source: str,
    series: str | None = None,
    volume: str | None = None,
    *,
    known: ScanResult | None = None,
    scans: Scans | None = None,
    progress: Callable[[int, int], None] | None = None,
    unpacking: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
    arriving: Callable[[Arrival, Volume], None] | None = None,
) -> tuple[Source, Volume, Case]:
    """Scan, choose, decode, compare identity, file the study, and bring its case back.

    Parameters
    ----------
    known : what an earlier scan of the same source found
    scans : keeps scans of the library's studies
    arriving : shown the first slice as soon as it is decoded and its file's identity agrees with the request, then
        the volume as it fills; on this thread

    Raises
    ------
    InputRefused
        In one sentence; nothing is shown and nothing has changed.
    """
    decide = partial(decided, place, source.removeprefix("study:")) if source.startswith("study:") else None
    chosen = open_source(
        source,
        series,
        volume,
        within=place.home,
        decide=decide,
        known=known,
        scans=scans,
        progress=progress,
        unpacking=unpacking,
        stop=stop,
    )
    if source.startswith(("study:", "series:")):
        chosen = _with_mark(place, chosen)
    show = None if arriving is None else _shower(place, chosen, Path(source), arriving)
    voxels = read(chosen, progress, stop, show)
    decoded = identity_of(chosen.found)
    if contradict(_requested(place, chosen), decoded):
        raise InputRefused(
            "identity_changed", "The files changed while they were read and now name another patient; nothing is shown."
        )
    row = filed(place, chosen.study)
    key = CaseKey(row.patient_key, row.study_uid, chosen.series.series_uid, voxels.digest)
    case = case_of(place, key, chosen, voxels, identity_now(place, row, decoded), Path(source))
    return chosen, voxels, case


def _shower(
    place: Place, chosen: Source, path: Path, arriving: Callable[[Arrival, Volume], None]
) -> Callable[[Volume, int], None]:
    """Who is shown, settled before the first pixel; each slice's own file is compared with it as it is decoded.

    Raises
    ------
    InputRefused
        ``mixed_patients``, ``identity_changed``: no pixel is shown.
    """
    stated = chosen.found.facts.get("identity")
    named = stated if isinstance(stated, Identity) else chosen.study.patient
    if contradict(_requested(place, chosen), named):
        raise InputRefused("identity_changed", "These files name another patient than their study; nothing is shown.")
    key, who = _before_filing(place, chosen.study, named)
    made: list[Arrival] = []

    def show(volume: Volume, _done: int) -> None:
        if not made:
            whole = CaseKey(key, chosen.study.study_uid, chosen.series.series_uid, volume.digest)
            made.append(Arrival(chosen, volume, case_of(place, whole, chosen, volume, who, path)))
        arriving(made[0], volume)

    return show


def _before_filing(place: Place, study: StudyFound, named: Identity) -> tuple[str, Identity]:
    """Patient's key and identity as they will stand, without writing anything; what is decodable is filed later."""
    files = stated_of(study.patient)
    try:
        row = place.library.study(study.study_uid)
    except InputRefused:
        return key_of(files, study.study_uid), named
    filed_as = Stated(row.patient_id, "", row.patient_name, row.birth_date, row.sex)
    settled = row.corrected or row.part_of or place.library.people_of(study.study_uid)
    if row.mixed or (not settled and verdict(filed_as, files, same_key=row.patient_id == files.id) not in _ONE):
        raise InputRefused("mixed_patients", "This study names several patients; decide first whose images they are.")
    return row.patient_key, identity_now(place, row, named)


def filed(place: Place, study: StudyFound) -> StudyRow:
    """The study's line in the index, with whom it stands for after every decision; filed now if it was not."""
    if place.library.part(study.study_uid) is None:
        file_study(place, study)
    row = place.library.study(study.study_uid)
    if row.mixed:
        raise InputRefused("mixed_patients", "This study names several patients; decide first whose images they are.")
    return row


def _requested(place: Place, chosen: Source) -> Identity:
    """Whom the request means.

    A study that people declared to be of one person names more than one; then the volume's own files must still
    name whom they named when they were scanned.
    """
    own = chosen.found.facts.get("identity")
    if isinstance(own, Identity) and place.library.people_of(chosen.study.study_uid):
        return own
    return chosen.study.patient


def _with_mark(place: Place, chosen: Source) -> Source:
    """A study whose import was interrupted looks like a shorter, whole one: it must say so."""
    if chosen.study.study_uid not in place.marks.arriving():
        return chosen
    note = Finding(
        "import_incomplete",
        "warning",
        "The import of this study did not come to its end; images may be missing. Import it again.",
    )
    return dataclasses.replace(chosen, study=dataclasses.replace(chosen.study, findings=(*chosen.study.findings, note)))


def stored_case(place: Place, study_uid: str) -> Case | None:
    """The case as it was left, edits since the last save included; None when the study was never opened."""
    kept = place.cases.load(study_uid)
    if kept is None:
        return None
    text, lines = kept
    try:
        case = msgspec.json.decode(text, type=Case)
    except msgspec.MsgspecError as error:
        raise InputRefused("case_damaged", "The case of this study was written by another version.") from error
    for line in lines:
        try:
            case, _ = from_line(line).apply(case)
        except RenderDeskError:
            # a crash between the line and the save may leave an edit that is in the value already
            continue
    return with_standing_charge(place, case)


def case_of(place: Place, key: CaseKey, chosen: Source, voxels: Volume, identity: Identity, path: Path) -> Case:
    """The stored case on the volume now shown, or a new one with what order and tags say."""
    kept = stored_case(place, key.study_uid)
    findings = tuple(dict.fromkeys(f.code for f in (*chosen.study.findings, *findings_of(chosen.found, voxels))))
    if kept is not None:
        # numbers stay bound to their volume: what was measured on another one is kept and shown only there
        kept = msgspec.structs.replace(kept, key=key, findings=findings, patient=_patient(key, identity))
        return with_standing_charge(place, kept)
    facts: Mapping[str, object] = chosen.found.facts
    case = Case(
        key=key,
        patient=_patient(key, identity),
        study_date=chosen.study.date,
        study_description=chosen.study.description,
        accession=chosen.study.accession,
        modality=chosen.series.modality,
        order=order_of_tags(facts),
        findings=findings,
        demo=place.demo,
    )
    beside = order_file(path if path.is_dir() else path.parent) if path.exists() else None
    if beside is not None and matches(beside, key.study_uid, case.patient.id, case.accession):
        case = msgspec.structs.replace(
            case,
            order=msgspec.structs.replace(beside.order, source="order.json"),
            given=dict(beside.beside.given),
            protocol=beside.beside.protocol or case.protocol,
        )
    return case


def _patient(key: CaseKey, identity: Identity) -> Patient:
    name, _, ideographic = identity.name.partition("=")
    return Patient(
        key=key.patient_key,
        id=identity.id,
        issuer=identity.issuer or "",
        name=name,
        birth_date=identity.birth_date,
        sex=identity.sex,
        name_ideographic=ideographic.partition("=")[0],
    )
