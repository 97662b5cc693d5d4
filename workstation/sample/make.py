"""From body to files: voxels of a scan, one series in a folder, and the stored study with all that lies beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workstation.base.atomic import write_bytes
from workstation.sample import scan as scanning
from workstation.sample import scene, study
from workstation.sample.scan import Scan
from workstation.sample.space import Canvas

_CHUNK = 26
Painter = Callable[[Canvas], None]


def slices(scan: Scan, wanted: Sequence[int], paint: Painter = scene.paint_patient) -> npt.NDArray[np.int16]:
    """Some neighbouring slices, HU; each has the values that it has in the whole series."""
    canvas = Canvas(scan.grid(wanted), scan.phase)
    scanning.paint_table(canvas)
    paint(canvas)
    out = np.empty((len(wanted), scan.size, scan.size), np.int16)
    for place, (_, picture) in enumerate(scanning.slices(scan, canvas, wanted)):
        out[place] = picture
    return out


def volume(scan: Scan, paint: Painter = scene.paint_patient) -> npt.NDArray[np.int16]:
    """All slices of a scan, HU, [slice, row, column], slice 0 at the feet."""
    parts = [range(k, min(k + _CHUNK, scan.count)) for k in range(0, scan.count, _CHUNK)]
    scene.loops()  # shared by the parts, so made before they start
    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(lambda part: slices(scan, part, paint), parts)))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stored_values(hu: npt.NDArray[np.int16]) -> npt.NDArray[np.uint16]:
    """What stands in the file for HU: 0 is -1024 HU."""
    return (hu.astype(np.int32) + 1024).astype("<u2")


def write_series(series: study.Series, voxels: npt.NDArray[np.int16], folder: Path, root: Path) -> list[dict[str, Any]]:
    """The files of one series, 0001.dcm at the head, and a row for the manifest about each."""
    from workstation.dicom.write_ct import ct_file

    folder.mkdir(parents=True, exist_ok=True)

    def one(k: int) -> dict[str, Any]:
        values = series.values(k)
        data = ct_file(values, voxels[k])
        path = folder / f"{int(values['InstanceNumber']):04d}.dcm"
        write_bytes(path, data)
        return {
            "file": path.relative_to(root).as_posix(),
            "sha256": sha256(data),
            "voxels_sha256": sha256(stored_values(voxels[k]).tobytes()),
            "sop_instance_uid": values["SOPInstanceUID"],
            "position_z_mm": round(float(series.scan.levels[k]), 3),
        }

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, reversed(range(series.scan.count))))


def as_json(content: Any) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def manifest(name: str, rows: Iterable[dict[str, Any]], others: Sequence[Path], root: Path) -> dict[str, Any]:
    """Digests of all files, and of the decoded voxels of the images."""
    return {
        "schema": "renderdesk.sample/1",
        "name": name,
        "synthetic": study.SYNTHETIC,
        "voxels": "SHA-256 of the decoded stored values (not HU), unsigned 16 bit little endian, row by row",
        "images": list(rows),
        "others": [{"file": p.relative_to(root).as_posix(), "sha256": sha256(p.read_bytes())} for p in others],
    }


def order(of: study.Study) -> dict[str, Any]:
    """The order for the 3D work on the baseline study, and what only people know about its billing."""
    return {
        "accession": of.accession,
        "order_id": "ORD-2025-77-0815",
        "three_d_ordered": True,
        "reason": "3D volume rendering and centre-line measurements on an independent workstation, ordered by vascular "
        "surgery to plan endovascular repair: neck length and diameter, angulation, access vessels.",
        "indication": "Infrarenal abdominal aortic aneurysm, 57 mm, without rupture; planned endovascular repair.",
        "ordering_npi": study.ORDERING_NPI,
        "ordering_name": "SAMPLE^VASCULAR^^DR",
        "side": "not_applicable",
        "urgent_exception_documented": False,
        "base": [
            {
                "code": "74177",
                "modality": "CT",
                "accession": of.accession,
                "date": f"{of.date[:4]}-{of.date[4:6]}-{of.date[6:]}",
                "source": True,
                "angiographic": False,
                "performed_by": "same",
                "includes_3d": False,
            }
        ],
        "dx": [["I71.43", "Infrarenal abdominal aortic aneurysm, without rupture"]],
        "dx_confirmed": True,
        "purpose": "surgical_planning",
        "source": "order.json",
        "given": {
            "payer.kind": "medicare",
            "claim.form": "professional",
            "claim.pos": "22",
            "claim.bills_reader": True,
            "claim.owns_equipment": False,
            "providers.rendering_npi": study.READER_NPI,
            "providers.rendering_taxonomy": "2085R0202X",
            "providers.billing_npi": study.GROUP_NPI,
            "providers.resident_involved": False,
            "service.completion": "complete",
            "other_codes": [],
        },
    }


def write_stored(out: Path) -> dict[str, Any]:
    """The study that the repository holds: images, order, truth, manifest. README and licence stay as they are."""
    from workstation.sample import truth

    series = study.BASELINE
    rows = write_series(series, volume(series.scan), out / "ct_portal_venous", out)
    extra = [out / "order.json", out / "truth.json"]
    write_bytes(extra[0], as_json(order(study.BASELINE_STUDY)), force=True)
    write_bytes(extra[1], as_json(truth.baseline()), force=True)
    content = manifest("aorta", rows, extra, out)
    write_bytes(out / "manifest.json", as_json(content), force=True)
    return content


def write_follow_up(out: Path, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """The follow-up a year later: three series, truth, manifest."""
    from workstation.sample import graft

    rows: list[dict[str, Any]] = []
    for series in study.FOLLOW_UP:
        say(f"Making series {series.number}: {series.description}")
        rows += write_series(series, volume(series.scan, graft.paint_patient), out / series.scan.name, out)
    path = out / "truth.json"
    write_bytes(path, as_json(graft.truth()), force=True)
    content = manifest("follow_up", rows, [path], out)
    write_bytes(out / "manifest.json", as_json(content), force=True)
    return content
