"""What lies under some paths: files found by content, read, sorted into patients, studies, series, volumes."""

from __future__ import annotations

import hashlib
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from workstation.base.findings import Finding
from workstation.base.uids import derived_uid, is_valid
from workstation.dicom import tags as el
from workstation.dicom.alike import Likeness
from workstation.dicom.find import Found, find_files
from workstation.dicom.found import Identity, ScanResult, SeriesFound, StudyFound
from workstation.dicom.header import DIRECTORY_CLASS, Empty, Header, NotDicom, Truncated, Unreadable, read_header
from workstation.dicom.identity import identity_of, incomplete, iso_date, persons
from workstation.dicom.series import merged, series_found
from workstation.dicom.words import finding

_SAMPLE = 20
_SLOW_SECONDS = 0.002
_NO_ACCESS = "the disk or the rights do not allow it"

Progress = Callable[[int, int], None]


def scan(
    paths: Iterable[Path | str],
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    unpacking: Progress | None = None,
) -> ScanResult:
    """Find and read everything under `paths`: folders, files, ZIP archives, DICOMDIR.

    Bad files never raise: they are findings. What a ZIP held lies in a private folder that goes when the result
    does (or at exit). `progress(done, of)` is called now and then, `unpacking(bytes, of)` for each archive; `stop()`
    ends the search early.
    """
    began = time.monotonic()
    found = find_files([Path(p) for p in paths], stop=stop)
    headers, findings, skipped = _read_all(found, progress, stop, unpacking)
    findings.extend(found.findings)
    headers, clashing, noted = _once_each(headers)
    findings.extend(noted)
    findings.extend(_missing_uids(headers))
    studies = _studies(headers)
    result = ScanResult(
        studies=tuple(studies),
        findings=merged(findings),
        files=len(found.files),
        skipped=skipped,
        seconds=round(time.monotonic() - began, 3),
        clashing=tuple(clashing),
    )
    if found.keep:
        for folder in found.keep:
            weakref.finalize(result, folder.cleanup)
    return result


def _read_all(
    found: Found, progress: Progress | None, stop: Callable[[], bool] | None, unpacking: Progress | None
) -> tuple[list[Header], list[Finding], int]:
    """Headers of all files; archives among them are unpacked and replaced, in `found`, by what they hold."""
    headers: list[Header] = []
    count: dict[str, int] = defaultdict(int)
    reasons: dict[str, int] = defaultdict(int)
    archives: list[Path] = []
    alike = Likeness()
    done = 0
    of = len(found.files)
    for files, inside in _with_archives(found, archives, stop, unpacking):
        of = max(of, done + len(files))
        for path, header, wrong in _headers(files, alike):
            if stop is not None and stop():
                break
            if progress is not None and done % 50 == 0:
                progress(done, of)
            done += 1
            if header is None:
                code, _, why = wrong.partition(":")
                if code == "unreadable":
                    reasons[why] += 1
                elif code == "archive" and inside is None:
                    archives.append(path)
                elif code == "archive":
                    count["not_dicom"] += 1  # nested deeper than is looked into
                else:
                    count[code] += 1
            elif DIRECTORY_CLASS in (header.media_class, header.sop_class):
                continue  # a hint, read by `find`
            elif header.truncated:
                count["truncated"] += 1
            else:
                count["no_meta"] += header.no_meta
                headers.append(header)
    if progress is not None:
        progress(of, of)
    findings = [finding(code, n=n, files=n) for code, n in count.items() if n]
    findings.extend(finding("unreadable", n=n, why=why, files=n) for why, n in reasons.items())
    return headers, findings, sum(n for code, n in count.items() if code != "no_meta") + sum(reasons.values())


def _with_archives(
    found: Found, archives: list[Path], stop: Callable[[], bool] | None, unpacking: Progress | None
) -> Iterator[tuple[list[Path], Path | None]]:
    """The files that were found, then those inside each archive that their reading has put into `archives`."""
    yield list(found.files), None
    while archives:
        from workstation.dicom.zipped import unpacked

        path = archives.pop(0)
        inside = unpacked(path, stop, unpacking)
        found.files.remove(path)
        found.files.extend(inside.files)
        found.findings.extend(inside.findings)
        found.keep.extend(inside.keep)
        yield inside.files, path


def _headers(paths: Sequence[Path], alike: Likeness) -> Iterator[tuple[Path, Header | None, str]]:
    """Header of each file in order, or a word why not; four threads where opening is slow (network, disc)."""
    began = time.monotonic()
    for path in paths[:_SAMPLE]:
        yield _header_or_word(path, alike)
    rest = paths[_SAMPLE:]
    if not rest:
        return
    if (time.monotonic() - began) / _SAMPLE <= _SLOW_SECONDS:
        yield from (_header_or_word(path, alike) for path in rest)
        return
    with ThreadPoolExecutor(4, thread_name_prefix="scan") as pool:
        # In portions, so that a stopped scan leaves no long queue behind.
        for at in range(0, len(rest), 64):
            yield from pool.map(_header_or_word, rest[at : at + 64], repeat(alike))


def _header_or_word(path: Path, alike: Likeness) -> tuple[Path, Header | None, str]:
    try:
        return path, read_header(path, alike), ""
    except Empty:
        return path, None, "empty_file"
    except NotDicom:
        from workstation.dicom.zipped import is_zip

        return path, None, "archive" if is_zip(path) else "not_dicom"
    except Truncated:
        return path, None, "truncated"
    except Unreadable as error:
        return path, None, f"unreadable:{error}"
    except (OSError, ValueError):
        return path, None, f"unreadable:{_NO_ACCESS}"
    except (Exception, RecursionError, MemoryError):  # noqa: BLE001 (one foreign file must not end the scan)
        return path, None, "unreadable:its header is damaged"


def _once_each(headers: list[Header]) -> tuple[list[Header], list[Path], list[Finding]]:
    """One file for each SOPInstanceUID: equal datasets count once, different ones are told apart by their paths."""
    kept: dict[str, Header] = {}
    out: list[Header] = []
    clashing: list[Path] = []
    gone = 0
    for header in headers:
        uid = header.sop_uid
        if not uid or uid not in kept:
            if uid:
                kept[uid] = header
            out.append(header)
            continue
        try:
            if dataset_digest(header.path) != dataset_digest(kept[uid].path):
                clashing.append(header.path)
        except OSError:  # vanished since its header was read
            gone += 1
    findings = [finding("uid_clash", files=len(clashing))] if clashing else []
    if gone:
        findings.append(finding("unreadable", n=gone, why=_NO_ACCESS, files=gone))
    return out, clashing, findings


def dataset_digest(path: Path) -> str:
    """SHA-256 over a file behind its file meta information."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        from workstation.dicom.header import dataset_offset

        file.seek(dataset_offset(file))
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _missing_uids(headers: list[Header]) -> list[Finding]:
    """Identifiers that are empty or ill-formed are made from the content; never sent out."""
    made = 0
    gone: list[Header] = []
    fit: set[str] = set()  # of studies and series, which many files share
    for header in headers:
        study, series, sop = header.text(el.STUDY_UID), header.text(el.SERIES_UID), header.sop_uid
        fit.update(uid for uid in (study, series) if uid not in fit and _usable(uid))
        if study in fit and series in fit and _usable(sop):
            continue
        if not _usable(study):
            study = derived_uid("study", identity_of(header).key, header.text(el.STUDY_DATE), header.text(el.STUDY_ID))
            header.put(el.STUDY_UID, b"UI", study.encode())
        if not _usable(series):
            parts = (header.text(t) for t in (el.SERIES_NUMBER, el.MODALITY, el.SERIES_DESCRIPTION))
            header.put(el.SERIES_UID, b"UI", derived_uid("series", study, *parts).encode())
        try:
            header.put(el.SOP_UID, b"UI", sop_uid_of(header.path, sop).encode())
        except OSError:  # vanished since its header was read
            gone.append(header)
            continue
        made += 1
    findings = [finding("uid_missing", n=made, files=made)] if made else []
    if gone:
        headers[:] = [h for h in headers if not any(h is g for g in gone)]
        findings.append(finding("unreadable", n=len(gone), why=_NO_ACCESS, files=len(gone)))
    return findings


def sop_uid_of(path: Path, stated: str) -> str:
    """The SOPInstanceUID under which a file is known here: the stated one, or one made from its dataset."""
    return stated if _usable(stated) else derived_uid("sop", dataset_digest(path))


def _usable(uid: str) -> bool:
    """Good enough to tell objects apart; zero-led parts are common in old files and stay as they are."""
    return is_valid(uid) or (0 < len(uid) <= 64 and uid.isascii() and all(part.isdigit() for part in uid.split(".")))


def _studies(headers: Sequence[Header]) -> list[StudyFound]:
    by_study: dict[str, list[Header]] = defaultdict(list)
    for header in headers:
        by_study[header.text(el.STUDY_UID)].append(header)
    return [_study(uid, members) for uid, members in by_study.items()]


def _study(study_uid: str, headers: list[Header]) -> StudyFound:
    identities = [identity_of(h) for h in headers]
    people = persons(identities)
    findings: list[Finding] = []
    if len(people) > 1:
        findings.append(finding("mixed_patients", n=len(people), files=len(headers)))
    elif incomplete(identities):
        findings.append(finding("identity_incomplete", files=len(headers)))
    series = _series_of(headers, identities, people)
    first = headers[0]
    return StudyFound(
        study_uid=study_uid,
        date=iso_date(first.text(el.STUDY_DATE)),
        time=first.text(el.STUDY_TIME) or None,
        accession=next((a for a in (h.text(el.ACCESSION) for h in headers) if a), ""),
        description=next((d for d in (h.text(el.STUDY_DESCRIPTION) for h in headers) if d), ""),
        patient=people[0],
        series=tuple(series),
        findings=tuple(findings),
    )


def _series_of(headers: list[Header], identities: list[Identity], people: list[Identity]) -> list[SeriesFound]:
    """Series in the order of their numbers; one that holds several patients is split by patient first."""
    from workstation.dicom.identity import contradict

    groups: dict[tuple[str, int], list[Header]] = defaultdict(list)
    which = {i: next((k for k, p in enumerate(people) if not contradict(i, p)), 0) for i in set(identities)}
    for header, identity in zip(headers, identities, strict=True):
        groups[(header.text(el.SERIES_UID), which[identity])].append(header)
    found = [_guarded(uid, members, mixed=len(people) > 1) for (uid, _), members in groups.items()]
    return sorted(found, key=lambda s: (s.number is None, s.number or 0, s.series_uid))


def _guarded(series_uid: str, headers: list[Header], *, mixed: bool) -> SeriesFound:
    """A series, or a finding where its files meet a fault of the program: one series must not end the scan."""
    try:
        return series_found(series_uid, headers, mixed=mixed)
    except Exception as error:  # noqa: BLE001
        from workstation.base.log import note_defect

        note_defect(error)
        first = headers[0]
        fault = finding("unreadable", n=len(headers), why="they meet a fault of the program, which is noted")
        return SeriesFound(series_uid, None, first.text(el.MODALITY), "", len(headers), findings=(fault,))
