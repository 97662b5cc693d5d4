"""Taking studies into the library: copied by UID with checksum, never edited, identity conflicts kept apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from render.errors import Cancelled
from workstation.archive.files import FileStore, Stored, digest_of
from workstation.archive.identity import Stated
from workstation.archive.index import Instance, Library, StudyFacts
from workstation.archive.opening import has_archive, open_database
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.base.findings import Finding
from workstation.desk.housekeeping import finish_leaving
from workstation.desk.identity_layer import note_people
from workstation.desk.place import Place
from workstation.desk.reconcile import refresh
from workstation.desk.thumbnails import make_thumbnail
from workstation.dicom.found import Identity, SeriesFound, StudyFound
from workstation.dicom.header import NotDicom, Unreadable, read_header
from workstation.dicom.scan import dataset_digest, scan, sop_uid_of
from workstation.dicom.words import finding

if TYPE_CHECKING:
    from workstation.base.events import Actor

_BATCH = 50


@dataclass(frozen=True)
class Imported:
    """What came into the library: studies by UID, files that are now there, how many of them are new."""

    studies: tuple[str, ...]
    files: int
    new: int
    skipped: int
    findings: tuple[Finding, ...] = ()
    stopped: bool = False
    """Whether a person stopped it: what is in stays, the rest comes with the next import of the same."""


def files_of(home: Path, kind: str, uid: str) -> tuple[Path, ...]:
    """Files of a study or a series of the library as they were received; objects made here are left out."""
    if not has_archive(home):
        return ()
    database = open_database(home)
    try:
        library, store = Library(database), FileStore(home / "files")
        if kind == "study":
            parent, _ = library.part(uid) or (uid, "")
            found = library.instances(parent, made_here=False)
        else:
            found = library.instances(series_uid=uid, made_here=False)
        return tuple(store.path(i.place) for i in found)
    finally:
        database.close()


def stated(identity: Identity) -> Stated:
    """Identity of the files in the archive's own form."""
    return Stated(identity.id, identity.issuer or "", identity.name, identity.birth_date, identity.sex)


def file_study(place: Place, study: StudyFound, *, undecided: bool = False) -> str:
    """Put a study and its patient into the index, without files yet; the patient's key.

    Parameters
    ----------
    undecided : files that name another patient than those already filed under this study come in all the same, and
        the study opens nothing until somebody decides

    Raises
    ------
    InputRefused
        ``mixed_patients``: files already filed under this study name another patient.
    """
    with place.db.writing():
        finish_leaving(place, study.study_uid)
        if place.library.people_of(study.study_uid):  # named several before: its people are noted by the import
            return place.library.study(study.study_uid).patient_key
        key, _ = place.library.file_patient(stated(study.patient), study.study_uid)
        facts = StudyFacts(
            study_uid=study.study_uid,
            date=study.date,
            time=study.time,
            accession=study.accession,
            description=study.description,
        )
        if place.library.file_study(facts, key, stated(study.patient), place.now()) and not undecided:
            raise InputRefused(
                "mixed_patients",
                "The library already holds this study under another patient; nothing was opened. "
                "Import the files, then decide in the list whose images they are.",
            )
    return key


def take_in(
    place: Place,
    study: StudyFound,
    *,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
    whole: bool = False,
) -> tuple[int, int, list[Finding]]:
    """Copy a study's files into the archive.

    The study is marked as arriving until its last file is in the index; after a kill, or where files vanish meanwhile,
    the mark tells that images are missing, and the next import of the same study completes it.

    Parameters
    ----------
    whole : a file that can no longer be read is an error, not a finding

    Returns
    -------
    tuple
        files that are there now, files that are new, findings (``uid_clash``, ``unreadable``).
    """
    with place.files.busy.copying():
        place.marks.arrives(study.study_uid, place.now())
        found = _take_series(place, study, progress, stop, whole=whole)
        if (stop is None or not stop()) and not any(f.code == "unreadable" for f in found[2]):
            place.marks.arrived(study.study_uid)
    return found


def _take_series(
    place: Place,
    study: StudyFound,
    progress: Callable[[int, int], None] | None,
    stop: Callable[[], bool] | None,
    *,
    whole: bool,
) -> tuple[int, int, list[Finding]]:
    total = sum(len(s.files) for s in study.series)
    there = new = 0
    clashes = gone = 0
    done = 0
    for series in study.series:
        pending: list[Instance] = []
        for path in series.files:
            if stop is not None and stop():
                _keep(place, pending)
                return there, new, []
            done += 1
            try:
                outcome = _take_file(place, study, series, path)
            except RenderDeskError as error:
                if whole or error.code != "unreadable":
                    _keep(place, pending)
                    raise
                gone += 1
                continue
            if outcome is None:
                clashes += 1
            else:
                there += 1
                if isinstance(outcome, Instance):
                    new += 1
                    pending.append(outcome)
            if len(pending) >= _BATCH:
                _keep(place, pending)
            if progress is not None:
                progress(done, total)
        _keep(place, pending)
        make_thumbnail(place, series)
    findings = []
    if clashes:
        findings.append(
            Finding("uid_clash", "warning", "Two different images claim one identifier; the first was kept.", clashes)
        )
    if gone:
        findings.append(finding("unreadable", n=gone, why=_vanished(gone), files=gone))
    return there, new, findings


def _vanished(n: int) -> str:
    return f"{'it' if n == 1 else 'they'} vanished while the study was copied"


def _keep(place: Place, pending: list[Instance]) -> None:
    """Index a batch of files that already lie in their places, in one transaction."""
    if not pending:
        return
    with place.db.writing():
        for item in pending:
            if place.library.instance(item.sop_uid) is None:
                place.library.file_instance(item, place.now())
    pending.clear()


def _take_file(place: Place, study: StudyFound, series: SeriesFound, path: Path) -> Instance | Stored | None:
    """A new Instance, the Stored one that was already there, or None for a clash (kept apart).

    What is there already is read again: a stored file that was damaged since is replaced by this one.

    Raises
    ------
    ArchiveError, InputRefused
        ``unreadable``: the file has gone, or cannot be read any more.
    """
    try:
        header = read_header(path)
        sop_uid = sop_uid_of(path, header.sop_uid)
        known = place.library.instance(sop_uid)
        if known is not None:
            sha256 = digest_of(path)
            if sha256 == known.sha256:
                if place.files.matches(known.place, known.sha256):
                    return Stored(known.place, known.sha256, known.size)
                return place.files.put(known.place, path)
            if _same_dataset(path, place.files.path(known.place)):
                return Stored(known.place, known.sha256, known.size)
            place.files.quarantine(path, sha256)
            return None
    except (OSError, NotDicom, Unreadable) as error:
        raise InputRefused("unreadable", "A source image can no longer be read.") from error
    kept = place.files.put(place.files.place(study.study_uid, series.series_uid, sop_uid), path)
    return Instance(
        sop_uid=sop_uid,
        study_uid=study.study_uid,
        series_uid=series.series_uid,
        sop_class=header.sop_class,
        sha256=kept.sha256,
        size=kept.size,
        place=kept.place,
        series_number=series.number,
        modality=series.modality,
        series_description=series.description,
    )


def _same_dataset(path: Path, stored: Path) -> bool:
    """Whether two files hold the same image behind file headers that differ (another sender wrote them)."""
    try:
        return stored.is_file() and dataset_digest(path) == dataset_digest(stored)
    except Unreadable:
        return False


def _keep_apart(place: Place, clashing: Iterable[Path]) -> None:
    """Of two different images with one identifier that came together, the second (clinical rules 1.1)."""
    for path in clashing:
        try:
            place.files.quarantine(path, digest_of(path))
        except (OSError, RenderDeskError):
            continue  # it has vanished meanwhile; that there were two is a finding already


def import_paths(
    place: Place,
    actor: Actor | None,
    paths: Iterable[Path],
    *,
    progress: Callable[[int, int], None] | None = None,
    reading: Callable[[int, int], None] | None = None,
    unpacking: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Imported:
    """Scan folders, files, ZIPs or DICOMDIRs and take every study in.

    Parameters
    ----------
    progress : told (files copied, of all files of all studies)
    reading : told (headers read, of all files) before that
    unpacking : told (bytes, of how many) while an archive is unpacked
    stop : asked between files and megabytes; while headers are read nothing has changed yet, later what is in stays

    Raises
    ------
    InputRefused
        ``missing`` path, ``no_images``: nothing there is DICOM. Other studies than a refused one still come in.
    Cancelled
        Stopped before anything came in.
    """
    given = list(paths)
    for path in given:
        if not path.exists():
            raise InputRefused("missing", "There is nothing at the given path; name a folder, a file or a ZIP.")
    result = scan(given, progress=reading, stop=stop, unpacking=unpacking)
    if stop is not None and stop():
        raise Cancelled
    if not result.studies:
        reason = next((f.sentence for f in result.findings if f.severity != "info"), "")
        raise InputRefused("no_images", reason or "No DICOM images were found there.", findings=result.findings)
    findings = list(result.findings)
    taken: list[str] = []
    there = new = 0
    total = sum(len(s.files) for study in result.studies for s in study.series)
    before = 0

    def copied(done: int, _of: int) -> None:
        if progress is not None:
            progress(before + done, total)

    for study in result.studies:
        try:
            with (
                place.db.writing()
            ):  # in the list and marked as arriving, both or neither: a kill leaves no empty study
                file_study(place, study, undecided=True)
                place.marks.arrives(study.study_uid, place.now())
            if any(f.code == "mixed_patients" for f in study.findings) or place.library.people_of(study.study_uid):
                with place.db.writing():
                    note_people(place, study)
        except RenderDeskError as error:
            findings.append(Finding(error.code, "refused", error.sentence))
            continue
        some, fresh, found = take_in(place, study, progress=copied, stop=stop)
        before += sum(len(s.files) for s in study.series)
        there, new = there + some, new + fresh
        findings += [*study.findings, *found]
        taken.append(study.study_uid)
        if stop is not None and stop():
            break
    _keep_apart(place, result.clashing)
    refresh(place)
    place.act("imported", actor, files=there, studies=len(taken), findings=[f.code for f in findings])
    stopped = stop is not None and stop()
    return Imported(tuple(taken), there, new, result.skipped, tuple(findings), stopped)
