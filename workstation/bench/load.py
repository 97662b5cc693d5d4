"""How quickly a series is in memory, beside SimpleITK, pydicom and dcm2niix (PERFORMANCE targets of `load`)."""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from render.volume import Volume
from workstation.base.errors import RenderDeskError
from workstation.bench import encoded
from workstation.bench.figures import Figure, alternate, compare, measuring, timed
from workstation.bench.given import Given, own_files, resized
from workstation.bench.processes import child, peak_memory, seconds_of, text_of
from workstation.desk.source import open_source, read

_SITK = "SimpleITK GetGDCMSeriesFileNames + ImageSeriesReader"
_FIRST_MS = 300.0
_MEMORY_FACTOR, _MEMORY_MORE_MB = 1.3, 200.0


def measure(given: Given) -> list[Figure]:
    """All figures of loading; the series lies alone in a folder of its own, warm in the page cache.

    Raises
    ------
    RenderDeskError
        What the source refuses; code ``bench`` when a peer cannot read the series, or reads something else.
    """
    measuring("the series as given")
    source = given.opened()
    volume = read(source)
    with tempfile.TemporaryDirectory(prefix="renderdesk-bench-") as name:
        folder = Path(name) / "as given"
        paths = own_files(source, folder)
        if given.size is not None:
            folder = Path(name) / "resized"
            by_slice = [f.path for f in source.found.frames if f is not None]
            encoded.resized_files(by_slice, resized(volume, given.size), folder)
            paths = sorted(folder.iterdir())
        del volume
        figures = _uncompressed(folder, given, Path(name))
        for word, syntax, most in (("JPEG-LS", encoded.JPEG_LS, 0.45), ("JPEG 2000", encoded.JPEG_2000, 0.8)):
            measuring(f"{word}, compressing the series")
            again = Path(name) / word
            encoded.encode_files(paths, again, syntax)
            figures.append(_in_process(f"volume in memory, {word}", again, given, most))
            shutil.rmtree(again)
    return figures


def _uncompressed(folder: Path, given: Given, place: Path) -> list[Figure]:
    figures = [_in_process("volume in memory", folder, given, 0.2), _headers(folder, given), _first(folder, given)]
    figures.extend(_whole_process(folder, given, place))
    memory = _memory(folder)
    return [*figures, memory] if memory is not None else figures


def loaded(folder: Path) -> Volume:
    """Folder to voxels, as every command does it."""
    return read(open_source(str(folder)))


def with_simpleitk(folder: Path) -> Any:
    """The peer's image of the only series in a folder."""
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def _in_process(name: str, folder: Path, given: Given, most: float) -> Figure:
    missing = _not_installed("SimpleITK")
    if missing:
        return compare(name, timed(lambda: loaded(folder)), runs=given.runs, missing=missing, ratio_at_most=most)
    note = _agreement(folder)
    return compare(
        name,
        timed(lambda: loaded(folder)),
        timed(lambda: with_simpleitk(folder)),
        peer_name=_SITK,
        runs=given.runs,
        ratio_at_most=most,
        note=note,
    )


def _agreement(folder: Path) -> str:
    """In words whether the peer has the same voxels: a quick wrong answer is worth nothing."""
    import SimpleITK as sitk  # noqa: N813

    ours, theirs = loaded(folder).voxels, np.squeeze(sitk.GetArrayFromImage(with_simpleitk(folder)))
    megabytes = ours.nbytes / 1e6
    if ours.shape == theirs.shape:
        for there in (theirs, theirs[::-1]):  # the order of slices is a matter of taste
            if np.array_equal(ours, there):
                return f"{megabytes:.0f} MB, same voxels as the peer's"
    return f"{megabytes:.0f} MB, the peer has other voxels ({'x'.join(map(str, theirs.shape))})"


def _headers(folder: Path, given: Given) -> Figure:
    from workstation.dicom.scan import scan

    def plain_loop() -> None:
        from pydicom import dcmread

        for path in folder.iterdir():
            dcmread(path, stop_before_pixels=True)

    return compare(
        "header scan",
        timed(lambda: scan([folder])),
        timed(plain_loop),
        peer_name="pydicom stop_before_pixels in a loop",
        runs=given.runs,
        ratio_at_most=0.3,
        note="ours with patients, series, geometry and findings",
    )


def _first(folder: Path, given: Given) -> Figure:
    """Seconds from nothing to the first decoded slice (the middle one)."""
    from workstation.dicom.load import load

    def trial() -> float:
        begun = time.perf_counter()
        at: list[float] = []
        load(open_source(str(folder)).found, progress=lambda *_: at.append(time.perf_counter() - begun))
        return at[0]

    return compare("first slice, scan included", trial, runs=given.runs, at_most=_FIRST_MS)


def _whole_process(folder: Path, given: Given, place: Path) -> list[Figure]:
    """Start of the program included, beside dcm2niix that writes the volume uncompressed."""
    measuring("whole process")
    tool = shutil.which("dcm2niix")
    out = _in_memory(place)

    def ours_npz() -> float:
        command = [sys.executable, "-m", "workstation", "volume", str(folder), "--out", str(out / "v.npz"), "--force"]
        return seconds_of(command)

    def ours() -> float:
        return seconds_of(child("load", str(folder)))

    def peer() -> float:
        assert tool is not None
        shutil.rmtree(out / "peer", ignore_errors=True)
        (out / "peer").mkdir()
        return seconds_of([tool, "-z", "n", "-b", "n", "-o", str(out / "peer"), str(folder)])

    try:
        if tool is None:
            words = "dcm2niix is not installed"
            taken = alternate([ours, ours_npz], given.runs)
        else:
            words = ""
            taken = alternate([ours, ours_npz, peer], given.runs)
    finally:
        shutil.rmtree(out, ignore_errors=True)
    medians = [statistics.median(seconds) * 1000 for seconds in taken]
    names = ("whole process, volume in memory", "whole process, volume written as NPZ")
    return [
        Figure(
            name=name,
            unit="ms",
            ours=medians[n],
            peer=medians[2] if tool else None,
            ratio=medians[n] / medians[2] if tool else None,
            peer_name=f"dcm2niix {_version_of(tool)} -z n" if tool else "",
            missing=words,
            ratio_at_most=0.8 if n == 0 else None,
            runs=len(taken[n]),
            ours_range=(min(taken[n]) * 1000, max(taken[n]) * 1000),
        )
        for n, name in enumerate(names)
    ]


def _version_of(tool: str) -> str:
    """The version that the program says; it ends with a status of its own, so it is asked by help."""
    words = text_of([tool, "-h"]).split()
    return next((word for word in words if word.startswith("v1.")), "")


def _in_memory(place: Path) -> Path:
    """A folder on a RAM disk where there is one: disks are not what is compared."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="renderdesk-bench-", dir=shared if shared.is_dir() else place))


def _memory(folder: Path) -> Figure | None:
    """Peak of the process tree while loading, beside the int16 volume itself."""
    measuring("peak memory of loading")
    most = peak_memory(child("load", str(folder)))
    if most is None:
        return None
    size = loaded(folder).voxels.size * 2 / 1e6
    allowed = _MEMORY_FACTOR * size + _MEMORY_MORE_MB
    try:
        peer = peak_memory(child("simpleitk", str(folder)))
    except RenderDeskError:
        peer = None
    return Figure(
        name="peak memory of loading",
        unit="MB",
        ours=most,
        peer=peer,
        ratio=None if peer is None else most / peer,
        peer_name="" if peer is None else _SITK,
        missing="" if peer is not None else "SimpleITK is not installed",
        at_most=allowed,
        note=f"proportional set size of the process tree; {_MEMORY_FACTOR} x {size:.0f} MB + {_MEMORY_MORE_MB:.0f} MB",
    )


def _not_installed(name: str) -> str:
    return "" if importlib.util.find_spec(name) else f"{name} is not installed"
