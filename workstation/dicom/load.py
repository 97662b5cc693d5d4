"""Decode a found volume into one array of modality values. DICOM pages 1.4, 3.3 and 5.

Slices are read by a few threads, the wanted one first, straight into their place. What the files say about the
patient is read again here: a file that changed since the scan ends the loading.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from render.errors import Cancelled
from render.volume import Volume, Voxels
from workstation.base.errors import InputRefused
from workstation.base.findings import Finding
from workstation.dicom import identity as who
from workstation.dicom import memory
from workstation.dicom.alike import Likeness
from workstation.dicom.decode import PixelError, Pixels
from workstation.dicom.found import Frame, Identity, VolumeFound
from workstation.dicom.header import Header, NotDicom, Unreadable, read_header
from workstation.dicom.modality import modality_values
from workstation.dicom.preview import Preview, Show
from workstation.dicom.words import finding

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Progress = Callable[[int, int], None]
_INT16 = (-32768, 32767)
# Padding that was guessed, whether the body is cut off, whether the table contradicts the labels.
_Told = tuple[tuple[float, float] | None, bool, bool]


class _Overflow(Exception):
    """Values do not fit 16 bits after all."""


@dataclass(frozen=True, eq=False)
class _Job:
    """What comes out of one file, or one frame of it: (slice, frame) pairs."""

    path: Path
    parts: tuple[tuple[int, Frame], ...]


def load(
    found: VolumeFound,
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    threads: int = 2,
    first: int | None = None,
    preview: Show | None = None,
) -> Volume:
    """Decode a volume.

    Parameters
    ----------
    progress : called with (slices done, of) from the calling thread
    stop : asked between slices; true ends the loading with `Cancelled`
    first : slice to decode first, then outwards from it; default the middle
    preview : called from the calling thread with the first slice as soon as it is decoded, before any other file
        is opened, then every 150 ms: (a volume whose `loading` is true, slices done). Not at reduced resolution.

    Returns
    -------
    Volume
        Modality values: int16 where they are whole and fit, else float32. Filled slices are interpolated.

    Raises
    ------
    InputRefused
        Too large, not decodable, or a file is no longer the one that was found.
    Cancelled
        When `stop()` said so.
    """
    refused = next((f for f in found.findings if f.code == "syntax_unsupported"), None)
    if refused is not None:
        raise InputRefused(refused.code, refused.sentence)
    k = _reduction(found, threads)
    lead = None if preview is None or k > 1 else _first_shown(found, preview, first)
    pixels = _open(found, reduced=k > 1)
    reader = _Reader(found, pixels, progress, stop, threads, first, lead)
    if k > 1:
        return reader.reduced_volume(k)
    try:
        reader.run(whole=_whole(found, pixels.values()))
    except _Overflow:
        reader.run(whole=False)
    return reader.volume()


def findings_of(found: VolumeFound, volume: Volume) -> tuple[Finding, ...]:
    """All findings of a loaded volume with their sentences: those of the scan, then those of its pixels."""
    known = {f.code for f in found.findings}
    values: dict[str, dict[str, Any]] = {
        "decode_failed": {"n": len(set(volume.filled) - set(found.filled))},
        "reduced": {"k": volume.reduced},
        "lossy": {"r": found.facts.get("lossy_ratio")},
    }
    later = [finding(code, **values.get(code, {})) for code in volume.findings if code not in known]
    return (*found.findings, *later)


def memory_needed(found: VolumeFound, *, threads: int = 2, reduction: int = 1) -> int:
    """Bytes that loading and showing this volume takes, at 1/`reduction` of its resolution."""
    k, r, c = (n // reduction for n in found.geometry.shape)
    resampled = found.positions_lps is not None or not found.geometry.is_regular
    itemsize = 2 if all(_integral(f) for f in found.frames if f is not None) else 4
    return memory.needed(k * r * c, itemsize, r * c, resampled=resampled, workers=threads)


def header_of(path: Path) -> Dataset:
    """Dataset of a file without its pixels, as pydicom reads it.

    Raises
    ------
    InputRefused
        If the file is gone or no DICOM.
    """
    import warnings

    import pydicom

    from workstation.dicom.alphabet import reread
    from workstation.dicom.header import trusted

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reread(pydicom.dcmread(trusted(path), stop_before_pixels=True, force=True))
    except (Exception, RecursionError, MemoryError) as error:
        raise InputRefused("unreadable", "A source image can no longer be read.") from error


def identity_of_files(paths: Iterable[Path]) -> Identity:
    """The patient whom all these files name.

    Raises
    ------
    InputRefused
        If one is gone, or they name several patients.
    """
    alike = Likeness()
    people = who.persons(who.identity_of(_header(path, alike)) for path in paths)
    if len(people) != 1:
        raise InputRefused("mixed_patients", "The images of this volume are of several patients.")
    return people[0]


def identity_of(found: VolumeFound) -> Identity:
    """The patient, read back from the volume's own files (clinical rules 1.3)."""
    return identity_of_files(dict.fromkeys(f.path for f in found.frames if f is not None))


def _header(path: Path, alike: Likeness | None = None) -> Header:
    try:
        return read_header(path, alike)
    except (OSError, NotDicom, Unreadable) as error:
        raise InputRefused("changed", "A source image can no longer be read; scan the folder again.") from error


def _head(path: Path, length: int) -> bytes:
    """First bytes of a file; fewer where it has not so many, or is gone."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(length)
    except OSError:
        return b""


def _integral(frame: Frame) -> bool:
    return frame.table is not None or (float(frame.slope).is_integer() and float(frame.intercept).is_integer())


def fits_at(found: VolumeFound, *, threads: int = 2) -> int | None:
    """1, or the smallest k at 1/k of which a volume fits into memory; None where 1/4 does not, or places are uneven."""
    free = memory.allowed()
    if free is None or memory_needed(found, threads=threads) <= free:
        return 1
    for k in (2, 4):
        fits = memory_needed(found, threads=threads, reduction=k) <= free
        if fits and found.positions_lps is None and min(found.geometry.shape) >= 4 * k:
            return k
    return None


def _reduction(found: VolumeFound, threads: int) -> int:
    """As `fits_at`; refused where it does not fit."""
    k = fits_at(found, threads=threads)
    if k is not None:
        return k
    need, free = memory_needed(found, threads=threads), memory.allowed() or 0
    refusal = finding("too_large", a=round(need / 1e9, 1), b=round(free / 1e9, 1))
    raise InputRefused(refusal.code, refusal.sentence, findings=(refusal,))


def _open(found: VolumeFound, *, reduced: bool) -> dict[Path, Pixels | None]:
    """Headers of files, read again and compared with what was found; None where pixels cannot be had.

    Plain files are left out: their header is compared byte for byte when their pixels are read.
    """
    out: dict[Path, Pixels | None] = {}
    alike = Likeness()
    for frame in found.frames:
        if frame is not None and frame.path not in out and (frame.plain is None or reduced):
            out[frame.path] = _pixels(found, frame, alike)
    return out


def _pixels(found: VolumeFound, frame: Frame, alike: Likeness | None = None) -> Pixels | None:
    expected = found.facts.get("identity")
    header = _header(frame.path, alike)
    if isinstance(expected, Identity) and who.contradict(who.identity_of(header), expected):
        raise InputRefused("changed", "A source image names another patient than before; scan the folder again.")
    other = frame.plain is not None and not frame.plain.is_same(_head(frame.path, frame.plain.offset))
    if other or (header.sop_uid and header.sop_uid != frame.sop_uid):
        raise InputRefused("changed", "A source image is another one than before; scan the folder again.")
    try:
        return Pixels(header)
    except PixelError:
        return None


def _first_shown(found: VolumeFound, show: Show, first: int | None) -> Preview:
    """Decode one slice and show it; one that cannot be decoded is left to the loading proper."""
    count = len(found.frames)
    wanted = _start(count, first)
    start = next(k for k in sorted(range(count), key=lambda k: abs(k - wanted)) if found.frames[k] is not None)
    lead = Preview(found, show, start)
    frame = found.frames[start]
    assert frame is not None
    pixels = _pixels(found, frame)
    if pixels is None:
        return lead
    try:
        with frame.path.open("rb", buffering=0) as file:
            tile = found.facts.get("tile")
            stored = pixels.read(file, 0 if tile else frame.frame)
    except (PixelError, OSError):
        return lead
    if isinstance(tile, tuple):
        stored = _cut(stored, frame.frame, found.geometry.shape)
    values = modality_values(stored, frame)
    whole = _whole(found, [pixels]) and _fits((int(values.min()), int(values.max())))
    lead.begin(values.astype(np.int16) if whole else values.astype(np.float32))
    return lead


def _start(count: int, first: int | None) -> int:
    return count // 2 if first is None else min(max(first, 0), count - 1)


def _whole(found: VolumeFound, pixels: Iterable[Pixels | None]) -> bool:
    """Whether the values can be 16-bit integers, by what is declared."""
    return all(_integral(f) for f in found.frames if f is not None) and all(
        p is None or not p.float_pixels for p in pixels
    )


class _Reader:
    """Reads all slices of a volume, in threads."""

    def __init__(
        self,
        found: VolumeFound,
        pixels: dict[Path, Pixels | None],
        progress: Progress | None,
        stop: Callable[[], bool] | None,
        threads: int,
        first: int | None,
        lead: Preview | None = None,
    ) -> None:
        self.lead = lead
        self.found = found
        self.pixels = pixels
        self.progress = progress
        self.stop = stop
        self.threads = max(1, threads)
        tile = found.facts.get("tile")
        declared = found.facts.get("padding")
        self.padding: tuple[float, float] | None = declared if isinstance(declared, tuple) else None
        self.tile: tuple[int, int] | None = tile if isinstance(tile, tuple) else None
        self.jobs = self._jobs(first)
        self.failed: list[int] = []
        self._told: tuple[_Told, bool] | None = None
        self.voxels: Voxels = np.empty((0, 0, 0), np.int16)

    def _jobs(self, first: int | None) -> list[_Job]:
        count = len(self.found.frames)
        start = _start(count, first)
        order = sorted(range(count), key=lambda k: abs(k - start))
        if self.tile is None:
            return [_Job(f.path, ((k, f),)) for k in order if (f := self.found.frames[k]) is not None]
        by_path: dict[Path, list[tuple[int, Frame]]] = defaultdict(list)
        for k in order:
            frame = self.found.frames[k]
            if frame is not None:
                by_path[frame.path].append((k, frame))
        return [_Job(path, tuple(parts)) for path, parts in by_path.items()]

    def run(self, *, whole: bool) -> None:
        """Fill `voxels`; `whole`: as int16, raising `_Overflow` when a value does not fit."""
        shape = self.found.geometry.shape
        if self.lead is not None:
            self.voxels = self.lead.array(whole=whole)
        else:
            self.voxels = np.empty(shape, np.int16) if whole else np.empty(shape, np.float32)
        self.failed = []
        work = self._whole_job if whole else self._float_job
        done = 0
        watched = self.progress is not None or self.stop is not None or self.lead is not None
        # Many small portions where each takes long: none shall be left to one thread while the other has nothing to do.
        small = watched or any(f is not None and f.plain is None for f in self.found.frames)
        portion = max(1, len(self.jobs) // (64 if small else 4 * self.threads))
        sooner, later = self._sooner()
        self._told = None

        def all_of(jobs: list[_Job]) -> int:
            return sum(work(job) for job in jobs)

        with ThreadPoolExecutor(self.threads, thread_name_prefix="decode") as pool:
            awaited, waiting = (
                [pool.submit(all_of, jobs[at : at + portion]) for at in range(0, len(jobs), portion)]
                for jobs in (sooner, later)
            )
            coarse = set(awaited)
            waiting = [*awaited, *waiting]
            rest = pool.submit(self._told_after, waiting) if coarse else None
            anatomy: bool | None = None
            try:
                for future in as_completed(waiting):
                    done += future.result()
                    coarse.discard(future)
                    if rest is not None and anatomy is None and not coarse:
                        anatomy = self._anatomy_contradicts()
                    if self.stop is not None and self.stop():
                        raise Cancelled
                    if self.progress is not None:
                        self.progress(done, shape[0])
                    if self.lead is not None:
                        self.lead.tell(self.voxels, done)
            finally:
                for future in waiting:
                    future.cancel()
            told = None if rest is None else rest.result()
        if told is not None and anatomy is not None and not self.failed:
            self._told = (told, anatomy)
        if len(self.failed) == sum(f is not None for f in self.found.frames):
            raise InputRefused("decode_failed", "None of the images could be decompressed.")
        self._settle()
        self._fill(sorted({*self.found.filled, *self.failed}))

    def _settle(self) -> None:
        """One interval of padding where the slices declare several."""
        paddings = self.found.facts.get("paddings")
        if isinstance(paddings, tuple):
            from workstation.dicom.padding import settled

            self.padding = settled(self.voxels, paddings, {*self.found.filled, *self.failed})
            if self.padding is None:
                raise _Overflow

    def _sooner(self) -> tuple[list[_Job], list[_Job]]:
        """Jobs whose slices a CT's anatomy looks at, the first slice's among them, and the others.

        Its verdicts are then made while the other slices are read. Nothing comes sooner where somebody looks on as the
        slices come, outwards from the first, and where slices are filled in at the end.
        """
        found = self.found
        apart = found.facts.get("paddings") is not None
        if found.units != "HU" or self.lead is not None or found.filled or self.tile is not None or apart:
            return [], self.jobs
        from workstation.dicom.anatomy import grid_steps

        step = grid_steps(found.geometry)[0]
        if step == 1:
            return [], self.jobs
        sooner: list[_Job] = []
        later: list[_Job] = []
        for n, job in enumerate(self.jobs):
            (sooner if n == 0 or job.parts[0][0] % step == 0 else later).append(job)
        return sooner, later

    def _plain(self, frame: Frame, words: npt.NDArray[np.uint16]) -> bool:
        """Read the bits of a plain image into `words`; false where its file is not as the scan saw it.

        Header and pixels come in one call; a header that is the same byte for byte names the same patient.
        """
        plain = frame.plain
        if plain is None or self.tile is not None or not hasattr(os, "preadv"):
            return False
        head = bytearray(plain.offset)
        try:
            descriptor = os.open(frame.path, os.O_RDONLY)
            try:
                count = os.preadv(descriptor, [head, words.data.cast("B")], 0)
            finally:
                os.close(descriptor)
        except OSError:
            return False
        if count != plain.offset + words.nbytes or not plain.is_same(head):
            return False
        lost = 16 - plain.stored
        if lost and plain.signed:
            values = words.view(np.int16)
            np.left_shift(values, lost, out=values)
            np.right_shift(values, lost, out=values)
        elif lost:
            np.bitwise_and(words, np.uint16((1 << plain.stored) - 1), out=words)
        return True

    def _pixels(self, frame: Frame) -> Pixels | None:
        """Of a file that is not plain, or no longer."""
        if frame.path not in self.pixels:
            self.pixels[frame.path] = _pixels(self.found, frame)
        return self.pixels[frame.path]

    def _whole_job(self, job: _Job) -> int:
        ((k, frame), *_) = job.parts
        plain = frame.plain
        if plain is not None and self._plain(frame, self.voxels[k].view(np.uint16)):
            self._scale(k, frame, _limits(plain.stored, plain.signed), signed=plain.signed)
            return 1
        pixels = self._pixels(frame)
        shape = self.found.geometry.shape
        if pixels is None:
            self.failed.extend(k for k, _ in job.parts)
            return len(job.parts)
        low, high = pixels.limits()
        try:
            with job.path.open("rb", buffering=0) as file:
                image = pixels.read(file, 0) if self.tile is not None else None
                for k, frame in job.parts:
                    out = self.voxels[k]
                    words = out.view(np.uint16)
                    if pixels.allocated > 16:
                        wide = pixels.read(file, frame.frame) if image is None else _cut(image, frame.frame, shape)
                        ends = (int(wide.min()), int(wide.max()))
                        if frame.table is not None:
                            raise _Overflow  # a table is looked up with whole stored values
                        np.copyto(words, wide, casting="unsafe")
                        self._scale(k, frame, ends, signed=pixels.signed, certain=True)
                        continue
                    if image is not None:
                        np.copyto(words, _cut(image, frame.frame, shape), casting="unsafe")
                    elif pixels.allocated == 16:
                        pixels.read_into(file, frame.frame, out.view(pixels.dtype))
                    else:
                        np.copyto(words, pixels.read(file, frame.frame), casting="unsafe")
                    self._scale(k, frame, (low, high), signed=pixels.signed)
        except (PixelError, OSError):
            self.failed.extend(k for k, _ in job.parts)
        return len(job.parts)

    def _scale(self, k: int, frame: Frame, limits: tuple[int, int], *, signed: bool, certain: bool = False) -> None:
        """Modality values of a slice of stored ones, in place; `limits`: what their bits can hold.

        `certain`: the limits are the slice's own; of wider values the lowest 16 bits are here, which is enough.
        """
        out = self.voxels[k]
        words = out.view(np.uint16)
        if frame.table is not None:
            mapped = frame.table.map(out if signed else words)
            if not _fits((0, int(mapped.max()))):
                raise _Overflow
            np.copyto(words, mapped)
            self._there(k)
            return
        slope, intercept = int(frame.slope), int(frame.intercept)
        low, high = (limit * slope + intercept for limit in limits)
        if not _fits((low, high)):
            if certain:
                raise _Overflow
            stored = out if signed else words
            # Only where the bits could hold too much is the slice itself looked at: each look costs as much as the sum.
            low = low if _fits((low, low)) else int(stored.min()) * slope + intercept
            high = high if _fits((high, high)) else int(stored.max()) * slope + intercept
            if not _fits((low, high)):
                raise _Overflow
        # Modulo 2^16 the sum is right whatever the sign of the stored values.
        if slope != 1:
            np.multiply(words, np.uint16(slope % 65_536), out=words)
        if intercept:
            np.add(words, np.uint16(intercept % 65_536), out=words)
        self._there(k)

    def _there(self, k: int) -> None:
        """Note that a slice is complete, for whoever looks while the others come."""
        if self.lead is not None:
            self.lead.there[k] = True

    def _float_job(self, job: _Job) -> int:
        ((k, frame), *_) = job.parts
        if frame.plain is not None:
            words = np.empty(self.found.geometry.shape[1:], np.uint16)
            if self._plain(frame, words):
                bits = words.view(np.int16) if frame.plain.signed else words
                self.voxels[k] = modality_values(bits, frame).astype(np.float32)
                self._there(k)
                return 1
        pixels = self._pixels(frame)
        shape = self.found.geometry.shape
        if pixels is None:
            self.failed.extend(k for k, _ in job.parts)
            return len(job.parts)
        try:
            with job.path.open("rb", buffering=0) as file:
                image = pixels.read(file, 0) if self.tile is not None else None
                for k, frame in job.parts:
                    stored = pixels.read(file, frame.frame) if image is None else _cut(image, frame.frame, shape)
                    self.voxels[k] = modality_values(stored, frame).astype(np.float32)
                    self._there(k)
        except (PixelError, OSError):
            self.failed.extend(k for k, _ in job.parts)
        return len(job.parts)

    def _fill(self, missing: list[int]) -> None:
        """Missing slices: the mean of their neighbours; the lowest value where a neighbour is missing too."""
        gone = set(missing)
        there = [k for k in range(len(self.found.frames)) if k not in gone]
        for k in missing:
            if k - 1 in there and k + 1 in there:
                pair = self.voxels[k - 1].astype(np.float64) + self.voxels[k + 1]
                mean = pair / 2.0
                self.voxels[k] = np.rint(mean) if self.voxels.dtype == np.int16 else mean
            else:
                self.voxels[k] = min(self.voxels[i].min() for i in there[:: max(1, len(there) // 8)])

    def reduced_volume(self, k: int) -> Volume:
        """The volume at 1/k, averaged; it says so by its finding and by `Volume.reduced`."""
        from workstation.dicom.reduced import load_reduced

        whole = _whole(self.found, self.pixels.values())
        try:
            made = load_reduced(self.found, self.pixels, k, whole=whole, progress=self.progress, stop=self.stop)
        except OverflowError:
            made = load_reduced(self.found, self.pixels, k, whole=False, progress=self.progress, stop=self.stop)
        self.voxels = made.voxels
        self.found = replace(self.found, geometry=made.geometry, filled=made.filled)
        volume = self.volume()
        uids = tuple(volume.source_uids[z * k] for z in range(made.geometry.shape[0]))
        return replace(volume, reduced=k, source_uids=uids).with_findings("reduced")

    def volume(self) -> Volume:
        """The volume with what was found while decoding."""
        found = self.found
        codes = [f.code for f in found.findings]
        loaded = [p for p in self.pixels.values() if p is not None]
        lossy = found.lossy or any(p.lossy_stream for p in loaded)
        if lossy:
            codes.append("lossy")
        if self.failed:
            codes.append("decode_failed")
        if any(p.precision_differs for p in loaded):
            codes.append("precision_mismatch")
        interval = self.padding
        if found.units == "HU":
            interval, more = self._told_by_values(interval)
            codes.extend(more)
        windows = found.facts.get("windows")
        phase = found.phase
        positions = None if found.positions_lps is None else np.array(found.positions_lps, np.float64)
        return Volume(
            voxels=self.voxels,
            geometry=found.geometry,
            units=found.units,
            digest=_digest(self.voxels, found.units, found.geometry.affine_lps, positions, self.threads),
            modality=found.modality,
            positions_lps=positions,
            filled=tuple(sorted({*found.filled, *self.failed})),
            padding=interval,
            source_uids=tuple("" if f is None else f.sop_uid for f in found.frames),
            lossy=lossy,
            inverted=found.facts.get("photometric") == "MONOCHROME1",
            findings=tuple(dict.fromkeys(codes)),
            file_windows=windows if isinstance(windows, tuple) else (),
            study_uid=found.study_uid,
            series_uid=found.series_uid,
            phase=None if phase is None else (phase.kind, phase.value, phase.index, phase.of),
            suv_factor=uptake if isinstance(uptake := found.facts.get("suv"), float) else None,
        )

    def _told_by_values(self, padding: tuple[float, float] | None) -> tuple[tuple[float, float] | None, list[str]]:
        """What a CT's voxels tell: its padding, a body cut off, labels that cannot be right. Two threads' work."""
        if self._told is None:
            with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
                other = pool.submit(self._anatomy_contradicts)
                told = self._by_all_slices()
                self._told = (told, other.result())
        (guessed, truncated, table), anatomy = self._told
        codes: list[str] = []
        if guessed is not None:
            padding = guessed
            codes.append("padding_guessed")
        if truncated:
            codes.append("fov_truncated")
        if table or anatomy:
            codes.append("position_doubtful")
        return padding, codes

    def _anatomy_contradicts(self) -> bool:
        """Whether the anatomy of a CT contradicts its labels; from the slices of the coarse grid."""
        from workstation.dicom.position import anatomy_contradicts

        return anatomy_contradicts(self.voxels, self.found.geometry)

    def _told_after(self, slices: list[Future[int]]) -> _Told | None:
        """`_by_all_slices` once all slices are there; None where one did not come."""
        wait(slices)
        if any(future.cancelled() or future.exception() is not None for future in slices) or self.failed:
            return None
        return self._by_all_slices()

    def _by_all_slices(self) -> _Told:
        """Of a CT: padding that it does not declare, whether its body is cut off, whether its table contradicts."""
        from workstation.dicom.position import table_verdict
        from workstation.dicom.values import border_padding, cut_off

        declared = self.padding
        stated = str(self.found.facts.get("patient_position") or "")
        guessed = border_padding(self.voxels, declared)
        truncated = cut_off(self.voxels, declared if guessed is None else guessed)
        return guessed, truncated, table_verdict(self.voxels, self.found.geometry, stated) == "contradicts"


def _digest(
    voxels: Voxels,
    units: str,
    affine_lps: npt.NDArray[np.float64],
    positions: npt.NDArray[np.float64] | None,
    threads: int,
) -> Callable[[], str]:
    """SHA-256 over the slices' digests, their type and their places, made when it is asked for."""

    def of_slice(k: int) -> bytes:
        return hashlib.sha256(voxels[k].data).digest()

    def made() -> str:
        digest = hashlib.sha256(f"{voxels.dtype.name} {voxels.shape} {units}".encode())
        with ThreadPoolExecutor(threads, thread_name_prefix="digest") as pool:
            for part in pool.map(of_slice, range(voxels.shape[0])):
                digest.update(part)
        digest.update(np.ascontiguousarray(affine_lps).tobytes())
        if positions is not None:
            digest.update(positions.tobytes())
        return digest.hexdigest()

    return made


def _limits(stored: int, signed: bool) -> tuple[int, int]:
    """Smallest and largest value that so many bits can hold."""
    return (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if signed else (0, (1 << stored) - 1)


def _fits(ends: tuple[int, int]) -> bool:
    return _INT16[0] <= min(ends) and max(ends) <= _INT16[1]


def _cut(image: npt.NDArray[Any], tile: int, shape: tuple[int, int, int]) -> npt.NDArray[Any]:
    """Tile of a mosaic, counted row by row."""
    _, rows, columns = shape
    across = image.shape[1] // columns
    y, x = divmod(tile, across)
    return image[y * rows : (y + 1) * rows, x * columns : (x + 1) * columns]
