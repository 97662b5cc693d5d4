"""Scans of the library's studies on disk: a study of thousands of files is on screen without reading its headers first.

A kept scan is used only for exactly the list of files that it was made of, by exactly the program that made it; whose
each file is, is read again when it is decoded. It names the patient, so it lies beside the database, under a name that
says nothing, and goes with its study.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from workstation.base.atomic import make_folder, write_bytes
from workstation.base.errors import RenderDeskError
from workstation.dicom.found import ScanResult

_ALLOWED = {
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("pathlib", "PosixPath"),
    ("pathlib", "WindowsPath"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("render.geometry", "Geometry"),
    ("workstation.base.findings", "Finding"),
}
_OWN = "workstation.dicom.found"
_LEAST = 64
"""Files from which a scan is worth keeping."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) in _ALLOWED or (module == _OWN and name.isidentifier() and name[0].isupper()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError("not a scan")


@cache
def _program() -> bytes:
    """Digest of what makes a scan: another version reads headers otherwise and keeps its own."""
    from importlib import resources

    digest = hashlib.sha256()
    for package in ("workstation.dicom", "render"):
        for file in sorted(resources.files(package).iterdir(), key=lambda f: f.name):
            if file.name.endswith(".py") and (package != "render" or file.name == "geometry.py"):
                digest.update(file.read_bytes())
    return digest.digest()


def _mark(paths: Sequence[Path]) -> bytes:
    return hashlib.sha256(_program() + "\n".join(map(str, paths)).encode("utf-8", "surrogateescape")).digest()


def scan_path(home: Path, installation: str, study_uid: str) -> Path:
    """Where the scan of a study lies, if there is one."""
    name = hashlib.sha256(f"{installation}\nscan\n{study_uid}".encode()).hexdigest()[:24]
    return home / "scans" / f"{name}.bin"


def keep(path: Path, paths: Sequence[Path], result: ScanResult) -> None:
    """Write a scan; where that cannot be done it is made again next time."""
    if len(paths) < _LEAST:
        return
    try:
        make_folder(path.parent)
        write_bytes(path, _mark(paths) + pickle.dumps(result, protocol=5))
    except (RenderDeskError, pickle.PicklingError, AttributeError, TypeError):
        return


def kept(path: Path, paths: Sequence[Path]) -> ScanResult | None:
    """The scan of exactly these files, or None."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    mark = _mark(paths)
    if content[: len(mark)] != mark:
        return None
    try:
        found = _Reader(io.BytesIO(content[len(mark) :])).load()
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the scan is made anew
        return None
    return found if isinstance(found, ScanResult) else None
