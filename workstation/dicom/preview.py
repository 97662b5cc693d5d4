"""The first slice at once, and the volume as it fills, for a window that shows it while it loads."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from render.volume import Volume, Voxels

if TYPE_CHECKING:
    from workstation.dicom.found import VolumeFound

# Called with a volume whose `loading` is true, and how many of its slices are there.
Show = Callable[[Volume, int], None]

EVERY_S = 0.15


class Preview:
    """A volume under construction, shown now and then.

    Slices that have not come hold the lowest value of the first one, so that nothing shows there; they are filled once
    the first one has been shown, which must not wait for so much memory (a window covers what is awaited). The volumes
    given to `show` are views of one array: they cost no memory, and fill up. Each has a digest of its own, so that
    nothing drawn from an earlier one is taken for a later one.
    """

    def __init__(self, found: VolumeFound, show: Show, start: int) -> None:
        self.found = found
        self.show = show
        self.start = start
        self.low: float = 0.0
        self.voxels: Voxels | None = None
        self.there = np.zeros(found.geometry.shape[0], np.bool_)
        """Slices whose voxels are complete; set by the threads that decode, each for its own slice."""
        self._filled = False
        self._next = 0.0

    def begin(self, plane: Voxels) -> None:
        """Show the first decoded slice, (rows, columns) of modality values as int16 or float32."""
        shape = self.found.geometry.shape
        self.voxels = np.zeros(shape, np.int16) if plane.dtype == np.int16 else np.zeros(shape, np.float32)
        self.low = plane.min()
        self.voxels[self.start] = plane
        self.there[self.start] = True
        self.tell(self.voxels, 1)

    def array(self, *, whole: bool) -> Voxels:
        """The array to decode into: the one already shown where its type fits."""
        shape = self.found.geometry.shape
        if self.voxels is None or (self.voxels.dtype == np.int16) != whole:
            self.voxels = np.zeros(shape, np.int16) if whole else np.zeros(shape, np.float32)
            self.there[:] = False
            self._filled = False
        if not self._filled:
            # the first slice is on screen: it is not touched
            self.voxels[: self.start] = self.low
            self.voxels[self.start + 1 :] = self.low
            self._filled = True
        return self.voxels

    def tell(self, voxels: Voxels, done: int) -> None:
        """Show what there is, at most every 150 ms."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_S
        found = self.found
        positions = None if found.positions_lps is None else np.array(found.positions_lps, np.float64)
        windows = found.facts.get("windows")
        phase = found.phase
        volume = Volume(
            voxels=voxels.view(),
            geometry=found.geometry,
            units=found.units,
            digest=f"loading {found.id} {done}",
            modality=found.modality,
            positions_lps=positions,
            filled=found.filled,
            source_uids=tuple("" if f is None else f.sop_uid for f in found.frames),
            lossy=found.lossy,
            inverted=found.facts.get("photometric") == "MONOCHROME1",
            findings=tuple(dict.fromkeys(f.code for f in found.findings)),
            file_windows=windows if isinstance(windows, tuple) else (),
            study_uid=found.study_uid,
            series_uid=found.series_uid,
            phase=None if phase is None else (phase.kind, phase.value, phase.index, phase.of),
            loading=True,
            awaited=tuple(np.flatnonzero(~self.there).tolist()),
            suv_factor=uptake if isinstance(uptake := found.facts.get("suv"), float) else None,
        )
        self.show(volume, done)
