"""Intake under atheris, by hand: `pip install atheris` somewhere, then

    python tests/fuzz/intake.py TARGET FOLDER-OF-SEEDS -max_total_time=240 -rss_limit_mb=1500 -timeout=10

TARGET is header, scan, zip, directory, mosaic, fragments or text. What it finds becomes a test.
"""

from __future__ import annotations

import io
import struct
import sys
import tempfile
import warnings
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["workstation.dicom", "workstation.base"]):
    from workstation.base import log
    from workstation.base.errors import InputRefused
    from workstation.dicom import alphabet, fragments, header, mosaic, zipped
    from workstation.dicom.find import Found, find_files
    from workstation.dicom.load import load
    from workstation.dicom.scan import scan

FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
ROOT = Path(FOLDER.name)
FILE = ROOT / "x"
LARGEST = 10_000_000


def a_header(data: bytes) -> None:
    FILE.write_bytes(data)
    try:
        found = header.read_header(FILE)
    except (header.NotDicom, header.Unreadable):
        return
    for tag in list(found.tags):
        found.text(tag), found.numbers(tag), found.items(tag)


def a_scan(data: bytes) -> None:
    FILE.write_bytes(data)
    for study in scan([FILE]).studies:
        for volume in (v for series in study.series for v in series.volumes):
            affine = volume.geometry.affine_lps
            assert np.isfinite(affine).all()
            assert np.linalg.det(affine[:3, :3]) < 0
            if np.prod(volume.geometry.shape) < LARGEST:
                try:
                    load(volume)
                except InputRefused:
                    continue


def a_zip(data: bytes) -> None:
    FILE.write_bytes(b"PK\x03\x04" + data[4:])
    found = Found()
    zipped.unpack(FILE, found)
    for folder in found.keep:
        folder.cleanup()


def a_directory(data: bytes) -> None:
    (ROOT / "DICOMDIR").write_bytes(bytes(128) + b"DICM" + data)
    assert all(ROOT.resolve() in path.resolve().parents for path in find_files([ROOT / "DICOMDIR"]).files)


def a_mosaic(data: bytes) -> None:
    try:
        mosaic.read_csa(b"SV10" + data)
    except (ValueError, struct.error):
        return


def some_fragments(data: bytes) -> None:
    try:
        streams = fragments.find_streams(io.BytesIO(data[1:]), 0, max(0, len(data) - 1), 1 + (data[:1] or b"\0")[0] % 8)
        for frame in range(len(streams.frames)):
            streams.read(io.BytesIO(data[1:]), frame)
    except fragments.FragmentError:
        return


def a_text(data: bytes) -> None:
    length = 1 + (data[:1] or b"\0")[0] % 40
    alphabet.decoded(data[length:], data[1:length].decode("latin-1"))


TARGETS = {
    "header": a_header, "scan": a_scan, "zip": a_zip, "directory": a_directory, "mosaic": a_mosaic,
    "fragments": some_fragments, "text": a_text,
}  # fmt: skip


def defect(error: BaseException) -> None:
    """A fault of the program that a scan would have noted."""
    raise AssertionError("a defect") from error


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    log.note_defect = defect  # type: ignore[assignment]
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
