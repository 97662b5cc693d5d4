"""Which volume to take: the one asked for, else the one that suits 3D best; or one sentence why there is none."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from workstation.base.errors import InputRefused
from workstation.base.findings import Finding
from workstation.dicom.found import ScanResult, SeriesFound, StudyFound, VolumeFound
from workstation.dicom.identity import same_person

Choice = tuple[StudyFound, SeriesFound, VolumeFound]


def choose(result: ScanResult, series: str | None = None, volume: str | None = None) -> Choice:
    """Choose one volume.

    Parameters
    ----------
    series : UID or number, or None
    volume : id of a volume as the scan prints it, or None

    Raises
    ------
    InputRefused
        In one sentence; `detail["findings"]` holds what was found.
    """
    if not result.studies:
        raise nothing_here(result)
    studies: Iterable[tuple[StudyFound, SeriesFound]] = [(st, se) for st in result.studies for se in st.series]
    if series is not None:
        studies = [(st, se) for st, se in studies if series in (se.series_uid, str(se.number))]
        if not studies:
            raise InputRefused("no_such_series", "There is no series of this UID or number here.")
    if volume is not None:
        studies = [(st, se) for st, se in studies if any(v.id == volume for v in se.volumes)]
        if not studies:
            raise InputRefused("no_such_volume", "There is no volume of this id here; `renderdesk scan` lists them.")
    studies = list(studies)
    _one_patient([st for st, _ in studies])
    choices = [(st, se, v) for st, se in studies for v in se.volumes if volume is None or v.id == volume]
    if not choices:
        raise _no_volume([se for _, se in studies])
    suited = [c for c in choices if c[2].suits_3d]
    if suited:
        return max(suited, key=_rank)
    usable = [c for c in choices if not any(f.severity == "refused" for f in c[2].findings)]
    if not usable:
        worst = next(f for c in choices for f in c[2].findings if f.severity == "refused")
        raise InputRefused(worst.code, worst.sentence, findings=choices[0][2].findings)
    if volume is None and series is None and all(_is_localizer(c) for c in usable):
        raise InputRefused(
            "localizer",
            "There is only a localiser here, which is for planning and cannot be shown in 3D; name it with --series.",
            findings=usable[0][1].findings,
        )
    return max(usable, key=_rank)


def phases_of(series: SeriesFound, volume: VolumeFound | None = None) -> tuple[VolumeFound, ...]:
    """All volumes of a series that are phases at one place, in their order: what a phase slider steps through.

    Parameters
    ----------
    volume : one of them; where a series holds several sets (magnitude and phase images, say), the set it is of.
        Default: the largest set.

    Returns
    -------
    tuple of VolumeFound
        Just the volume where it has no phases; empty where the series has no volume.
    """
    sets: dict[tuple[object, ...], list[VolumeFound]] = {}
    for one in series.volumes:
        phase = one.phase
        kind = (one.id,) if phase is None else (
            phase.kind, phase.of, one.geometry.shape[1:], one.facts.get("image_type"), one.units,
            tuple(np.round(one.geometry.normal_lps, 3)), tuple(np.round(one.geometry.spacing_mm, 3)),
            one.facts.get("stack"),
        )  # fmt: skip
        sets.setdefault(kind, []).append(one)
    chosen = [s for s in sets.values() if volume is None or any(v.id == volume.id for v in s)]
    if not chosen:
        return ()
    chosen.sort(key=len, reverse=True)
    return tuple(sorted(chosen[0], key=lambda v: v.phase.index if v.phase is not None else 0))


def _rank(choice: Choice) -> tuple[bool, int, int, int, int]:
    """Points; then more slices, the lower series number, the first phase (clinical rules 3.1)."""
    _, series, volume = choice
    number = series.number if series.number is not None else 1 << 30
    index = volume.phase.index if volume.phase is not None else 0
    few = volume.geometry.shape[0] < 20
    return (not few and not _is_localizer(choice), volume.score, volume.geometry.shape[0], -number, -index)


def _is_localizer(choice: Choice) -> bool:
    return any(f.code == "localizer" for f in choice[2].findings)


def _one_patient(studies: list[StudyFound]) -> None:
    """Nothing opens where it is not clear whose images they are."""
    for study in studies:
        for found in study.findings:
            if found.code == "mixed_patients":
                raise InputRefused("mixed_patients", found.sentence, findings=study.findings)
    first = studies[0]
    if any(not same_person(first.patient, other.patient) for other in studies[1:] if other is not first):
        findings = (Finding("mixed_patients", "refused", "The images are of several patients.", 0),)
        raise InputRefused(
            "mixed_patients",
            "There are images of several patients here; choose one series with --series.",
            findings=findings,
        )


def nothing_here(result: ScanResult) -> InputRefused:
    """Why a scan found no study, in one sentence."""
    codes = {f.code: f for f in result.findings}
    if result.files == 0 and not codes:
        return InputRefused("empty", "There are no files here.")
    for code in ("archive_encrypted", "archive_limit", "truncated", "unreadable"):
        if code in codes:
            return InputRefused(code, codes[code].sentence, findings=result.findings)
    return InputRefused("no_dicom", "There are no DICOM images here.", findings=result.findings)


def _no_volume(series: list[SeriesFound]) -> InputRefused:
    """Why none of the series makes a volume: the heaviest sentence of the one with most images."""
    largest = max(series, key=lambda s: s.images)
    if largest.images == 0:
        return InputRefused("no_images", "There are no images here, only documents or other objects.")
    refused = [f for f in largest.findings if f.severity == "refused"] or [
        f for s in series for f in s.findings if f.severity == "refused"
    ]
    if refused:
        worst = max(refused, key=lambda f: f.files)
        return InputRefused(worst.code, worst.sentence, findings=largest.findings)
    return InputRefused("no_volume", "These images cannot be rebuilt in 3D.", findings=largest.findings)
