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


class _Writer(pickle.Pickler):
    """Files are written as their numbers in the list that the scan was made of: whoever reads it has the list."""

    def __init__(self, file: io.BytesIO, paths: Sequence[Path]) -> None:
        super().__init__(file, protocol=5)
        self._numbers = {str(path): n for n, path in enumerate(paths)}

    def persistent_id(self, value: object) -> int | None:
        return self._numbers.get(str(value)) if isinstance(value, Path) else None


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, paths: Sequence[Path]) -> None:
        super().__init__(file)
        self._paths = paths

    def persistent_load(self, number: object) -> Path:
        if not isinstance(number, int):
            raise pickle.UnpicklingError("not a scan")
        return self._paths[number]

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


def list_mark(paths: Sequence[Path]) -> bytes:
    """SHA-256 of a list of files: the list itself as a key would hash, and compare, thousands of paths one by one."""
    return hashlib.sha256("\n".join(map(str, paths)).encode("utf-8", "surrogateescape")).digest()


def _mark(paths: Sequence[Path]) -> bytes:
    return hashlib.sha256(_program() + list_mark(paths)).digest()


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
        content = io.BytesIO()
        content.write(_mark(paths))
        _Writer(content, paths).dump(result)
        write_bytes(path, content.getvalue())
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
        found = _Reader(io.BytesIO(content[len(mark) :]), paths).load()
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the scan is made anew
        return None
    return found if isinstance(found, ScanResult) else None
