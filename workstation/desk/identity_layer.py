"""What a study is after the decisions about identities: whose images it holds, and whom it names."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from workstation.archive.identity import Stated
from workstation.base.errors import InputRefused
from workstation.dicom.found import Identity, ScanResult, SeriesFound, StudyFound
from workstation.dicom.identity import contradict
from workstation.dicom.load import identity_of_files
from workstation.dicom.suits import eligible

if TYPE_CHECKING:
    from workstation.archive.index import StudyRow
    from workstation.desk.place import Place


def identities_in(study: StudyFound) -> list[tuple[SeriesFound, Identity]]:
    """Whom each series of a study names; the scan has split series between patients before."""
    return [(series, identity_of_files(series.files[:1])) for series in study.series if series.files]


def note_people(place: Place, study: StudyFound) -> None:
    """Put every patient whom a mixed study names into the index, so that somebody can decide; inside `writing`."""
    keys = []
    for _, who in identities_in(study):
        stated = Stated(who.id, who.issuer or "", who.name, who.birth_date, who.sex)
        keys.append(place.library.file_patient(stated, study.study_uid)[0])
    place.library.mark_mixed(study.study_uid, dict.fromkeys(keys))


def decided(place: Place, uid: str, result: ScanResult) -> ScanResult:
    """What a scan of a filed study means after the decisions: one patient's images, or all as one person's.

    Parameters
    ----------
    uid : the study that was asked for, or the part of a split one
    """
    parent, _ = place.library.part(uid) or (uid, "")
    if not place.library.people_of(parent):
        return result
    row = place.library.study(uid)
    if row.mixed:
        return result
    studies = []
    for study in result.studies:
        if study.study_uid != parent:
            studies.append(study)
            continue
        kept = _own(place, uid, row.patient_key, study) if place.library.parts_of(parent) else list(study.series)
        findings = tuple(f for f in study.findings if f.code != "mixed_patients")
        if not kept:
            raise InputRefused("no_images", "None of this study's files is this patient's any more.")
        first = identity_of_files(kept[0].files[:1])
        series = tuple(_suits_again(s) for s in kept)
        studies.append(dataclasses.replace(study, study_uid=uid, patient=first, series=series, findings=findings))
    return dataclasses.replace(result, studies=tuple(studies))


def _own(place: Place, uid: str, patient_key: str, study: StudyFound) -> list[SeriesFound]:
    """Series of the patient whose part this is."""
    parent, key = place.library.part(uid) or (uid, "")
    patients = {p.key: p for p in place.library.patients()}
    if not key:  # the study itself keeps whom it was filed under first
        others = {place.library.part(p)[1] for p in place.library.parts_of(parent)}  # type: ignore[index]
        key = next(k for k in place.library.people_of(parent) if k not in others)
    mine = patients[key].stated
    who = Identity(mine.id, mine.issuer or None, mine.name, mine.birth_date, mine.sex)
    return [series for series, named in identities_in(study) if not contradict(who, named)]


def _suits_again(series: SeriesFound) -> SeriesFound:
    """What the scan held back because the study was mixed."""
    volumes = []
    for v in series.volumes:
        kind = v.facts.get("image_type")
        kinds = tuple(kind) if isinstance(kind, tuple | list) else ()
        suits = eligible(v.modality, kinds, v.geometry.shape[0], v.findings)
        volumes.append(dataclasses.replace(v, suits_3d=suits))
    return dataclasses.replace(series, volumes=tuple(volumes))


def identity_now(place: Place, row: StudyRow, named: Identity) -> Identity:
    """Whom a study is of: what its files say, or what a decision says in their stead."""
    if not row.corrected:
        return named
    return Identity(row.patient_id, _issuer(place, row.patient_key) or None, row.patient_name, row.birth_date, row.sex)


def _issuer(place: Place, patient_key: str) -> str:
    return next((p.now.issuer for p in place.library.patients() if p.key == patient_key), "")


def count_parts(place: Place, study_uid: str) -> None:
    """How many images each part holds, by what the files say."""
    from workstation.desk.library import files_of
    from workstation.dicom.scan import scan

    paths = files_of(place.home, "study", study_uid)
    found = next((s for s in scan(paths).studies if s.study_uid == study_uid), None) if paths else None
    if found is None:
        return
    with place.db.writing():
        for uid in (study_uid, *place.library.parts_of(study_uid)):
            own = _own(place, uid, "", found)
            place.library.count_images(uid, len(own), sum(len(s.files) for s in own))
