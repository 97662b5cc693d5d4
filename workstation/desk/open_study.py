"""Opening a study: a transaction from request to pixels, in which identity is read back from the decoded files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from render.volume import Volume
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.base.events import CaseKey
from workstation.base.findings import Finding
from workstation.case.edits import from_line
from workstation.case.model import Case, Patient
from workstation.desk.library import file_study
from workstation.desk.order_source import matches, order_file, order_of_tags
from workstation.desk.place import Place
from workstation.desk.source import Source, open_source, read
from workstation.dicom.found import Identity
from workstation.dicom.identity import contradict
from workstation.dicom.load import findings_of, identity_of


def opened(
    place: Place,
    source: str,
    series: str | None = None,
    volume: str | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> tuple[Source, Volume, Case]:
    """Scan, choose, decode, compare identity, file the study, and bring its case back.

    Raises
    ------
    InputRefused
        In one sentence; nothing is shown and nothing has changed.
    """
    chosen = open_source(source, series, volume, within=place.home)
    if source.startswith(("study:", "series:")):
        chosen = _with_mark(place, chosen)
    requested = chosen.study.patient
    voxels = read(chosen, progress, stop)
    decoded = identity_of(chosen.found)
    if contradict(requested, decoded):
        raise InputRefused(
            "identity_changed", "The files changed while they were read and now name another patient; nothing is shown."
        )
    row = file_study(place, chosen.study)
    key = CaseKey(row, chosen.study.study_uid, chosen.series.series_uid, voxels.digest)
    case = case_of(place, key, chosen, voxels, decoded, Path(source))
    return chosen, voxels, case


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
    return case


def case_of(place: Place, key: CaseKey, chosen: Source, voxels: Volume, identity: Identity, path: Path) -> Case:
    """The stored case on the volume now shown, or a new one with what order and tags say."""
    kept = stored_case(place, key.study_uid)
    findings = tuple(dict.fromkeys(f.code for f in (*chosen.study.findings, *findings_of(chosen.found, voxels))))
    if kept is not None:
        # numbers stay bound to their volume: what was measured on another one is kept and shown only there
        return msgspec.structs.replace(kept, key=key, findings=findings)
    facts: Mapping[str, object] = chosen.found.facts
    name, _, ideographic = identity.name.partition("=")
    case = Case(
        key=key,
        patient=Patient(
            key=key.patient_key,
            id=identity.id,
            issuer=identity.issuer or "",
            name=name,
            birth_date=identity.birth_date,
            sex=identity.sex,
            name_ideographic=ideographic.partition("=")[0],
        ),
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
