"""`renderdesk scan`: what lies in some folders or files, as a table or as JSON."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workstation.commands.frame import print_json, tell

if TYPE_CHECKING:
    from workstation.base.findings import Finding
    from workstation.dicom.found import ScanResult, SeriesFound, StudyFound, VolumeFound

EXAMPLE = "Example: renderdesk scan /media/disc --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add PATH..."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folders, files, ZIP archives, DICOMDIR")


def run(args: argparse.Namespace) -> int:
    """Scan and print; status 1 when a path does not exist or nothing DICOM was found (JSON then says both)."""
    from workstation.base.errors import InputRefused
    from workstation.dicom.choose import nothing_here
    from workstation.dicom.scan import scan

    if any(not path.exists() for path in args.paths):
        raise InputRefused("missing", "There is nothing at the given path; name a folder, a file or a ZIP.")
    result = scan(args.paths, progress=_bar if sys.stderr.isatty() else None)
    shown = document(result)
    if not result.studies:
        refusal = nothing_here(result)
        tell(f"renderdesk: {refusal.sentence}")
        if args.json:
            error = {"code": refusal.code, "sentence": refusal.sentence, "findings": shown["findings"]}
            print_json({**shown, "error": error})
        return 1
    if args.json:
        print_json(shown)
    else:
        _table(result)
    return 0


def document(result: ScanResult) -> dict[str, Any]:
    """The JSON document of a scan."""
    return {
        "studies": [_study(study) for study in result.studies],
        "findings": [_finding(f) for f in result.findings],
        "files": result.files,
        "skipped": result.skipped,
        "seconds": result.seconds,
    }


def _study(study: StudyFound) -> dict[str, Any]:
    person = study.patient
    return {
        "study_uid": study.study_uid,
        "date": study.date,
        "accession": study.accession,
        "description": study.description,
        "patient": {
            "id": person.id,
            "issuer": person.issuer,
            "name": person.name,
            "birth_date": person.birth_date,
            "sex": person.sex,
        },
        "series": [_series(series) for series in study.series],
        "findings": [_finding(f) for f in study.findings],
    }


def _series(series: SeriesFound) -> dict[str, Any]:
    return {
        "series_uid": series.series_uid,
        "number": series.number,
        "modality": series.modality,
        "description": series.description,
        "images": series.images,
        "volumes": [_volume(volume) for volume in series.volumes],
        "findings": [_finding(f) for f in all_findings(series)],
    }


def _volume(volume: VolumeFound) -> dict[str, Any]:
    phase = volume.phase
    return {
        "id": volume.id,
        "shape": list(volume.geometry.shape),
        "spacing_mm": list(volume.geometry.spacing_mm),
        "affine_lps": volume.geometry.affine_lps.tolist(),
        "frame_of_reference": volume.geometry.frame_of_reference,
        "units": volume.units,
        "phase": None
        if phase is None
        else {"kind": phase.kind, "index": phase.index, "value": phase.value, "of": phase.of},
        "suits_3d": volume.suits_3d,
        "lossy": volume.lossy,
        "memory_mb": volume.memory_mb,
        "filled": list(volume.filled),
        "findings": list(dict.fromkeys(f.code for f in volume.findings)),
        "score": volume.score,
        "score_reasons": list(volume.score_reasons),
    }


def all_findings(series: SeriesFound) -> list[Finding]:
    """Findings of a series and of its volumes, each sentence once."""
    found = [*series.findings, *(f for volume in series.volumes for f in volume.findings)]
    return list({(f.code, f.sentence): f for f in found}.values())


def _finding(found: Finding) -> dict[str, Any]:
    return {"code": found.code, "severity": found.severity, "sentence": found.sentence, "files": found.files}


def _table(result: ScanResult) -> None:
    """Studies, series and volumes for a person; findings by their sentences."""
    for study in result.studies:
        name = study.patient.name.split("=")[0].replace("^", " ").strip() or "no name"
        print(f"{name}  {study.patient.id}  {study.patient.birth_date or ''}  {study.date or ''}  {study.description}")
        for found in study.findings:
            print(f"  ! {found.sentence}")
        for series in study.series:
            number = "-" if series.number is None else series.number
            print(f"  {number:>5}  {series.modality:<4} {series.images:>5} images  {series.description}")
            for volume in series.volumes:
                k, r, c = volume.geometry.shape
                z, y, x = volume.geometry.spacing_mm
                phase = volume.phase
                which = "" if phase is None else f"  {phase.kind} {phase.index + 1}/{phase.of}"
                suits = "3D" if volume.suits_3d else "--"
                print(
                    f"         {suits}  {volume.id}  {c} x {r} x {k}  {x:.2f} x {y:.2f} x {z:.2f} mm"
                    f"  {volume.units}{which}"
                )
            for found in all_findings(series):
                mark = {"info": "·", "warning": "!", "refused": "x"}[found.severity]
                print(f"          {mark} {found.sentence}")
    for found in result.findings:
        tell(found.sentence)
    tell(f"{result.files} files, {result.skipped} skipped, {result.seconds:.2f} s")


def _bar(done: int, of: int) -> None:
    sys.stderr.write(f"\r{done}/{of} files" if done < of else "\r" + " " * 30 + "\r")
    sys.stderr.flush()
