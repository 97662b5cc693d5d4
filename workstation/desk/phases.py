"""The phases of a 4D series: decoded when wanted, the neighbours ahead of time, within a budget of memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from render.resample import display_copy
from render.volume import Volume
from workstation.base.errors import RenderDeskError
from workstation.dicom import memory
from workstation.dicom.found import VolumeFound
from workstation.dicom.images import seconds_of
from workstation.dicom.load import load

_SHARE = 0.25  # of the memory that may be taken
_AHEAD = 2
_NAMES = {
    "time": "Time point",
    "order": "Volume",
    "cardiac": "Heart phase",
    "b_value": "b-value",
    "gradient": "Direction",
    "echo": "Echo",
    "inversion": "Inversion",
    "flip": "Flip angle",
    "acquisition": "Acquisition",
    "kernel": "Reconstruction",
    "contrast": "Contrast phase",
    "stack": "Stack",
    "image_type": "Kind of image",
    "energy": "Energy window",
    "phase": "Heart phase",
    "label": "Labelling",
}


def phase_name(kind: str) -> str:
    """What a kind of phases is called: "Echo", "Time point" ..."""
    return _NAMES.get(kind, kind.replace("_", " ").capitalize())


def phase_value(found: Sequence[VolumeFound], index: int) -> str:
    """The value that tells a phase from the others, with its unit: "TE 12.5 ms", "30 %", "4.0 s"; or ""."""
    one = found[index]
    phase, facts = one.phase, one.facts
    if phase is None:
        return ""
    value = phase.value
    if phase.kind == "echo":
        return _number("TE ", facts.get("te_ms"), " ms")
    if phase.kind == "inversion":
        return _number("TI ", facts.get("ti_ms") or value, " ms")
    if phase.kind == "b_value":
        return _number("", value, " s/mm²")
    if phase.kind == "flip":
        return _number("", value, "°")
    if phase.kind == "cardiac":
        # trigger times go on beyond 100 ms, percents of the cycle do not
        top = max((f.phase.value or 0.0 for f in found if f.phase is not None), default=0.0)
        return _number("", value, " %" if top <= 100 else " ms")
    if phase.kind == "image_type":
        words = facts.get("image_type")
        return str(words[-1]) if isinstance(words, tuple) and words else ""
    if phase.kind == "kernel":
        return str(facts.get("kernel") or "")
    if phase.kind in {"time", "order", "acquisition"}:
        since = _seconds_since(found, index)
        return f"{since:.1f} s" if since is not None else _number("TR ", facts.get("tr_ms"), " ms")
    return ""


def _number(before: str, value: object, unit: str) -> str:
    return f"{before}{value:g}{unit}" if isinstance(value, float | int) and not isinstance(value, bool) else ""


def _seconds_since(found: Sequence[VolumeFound], index: int) -> float | None:
    """Seconds from the first phase's acquisition; None where the files state one time for all."""
    times = [seconds_of(str(f.facts.get("acquisition_time") or "")) for f in found]
    first, this = times[0], times[index]
    if first is None or this is None or len(set(times)) < len(times):
        return None
    return (this - first) % 86_400


def phase_words(found: Sequence[VolumeFound], index: int) -> str:
    """What a phase is, for a person: "Echo 2 of 4 · TE 12.5 ms"."""
    phase = found[index].phase
    if phase is None:
        return ""
    value = phase_value(found, index)
    return f"{phase_name(phase.kind)} {index + 1} of {len(found)}" + (f" · {value}" if value else "")


@dataclass(frozen=True, eq=False)
class Shown:
    """A decoded phase: the voxels as acquired, and the copy on a regular grid that is shown."""

    found: VolumeFound
    volume: Volume
    display: Volume


class Phases:
    """The phases of one opened series.

    Decoding runs on a thread of its own, the newest wish first; wishes that were overtaken are dropped.

    Parameters
    ----------
    found : the phases in order
    first : the one that is decoded already
    budget : bytes that decoded phases may take together; at least the shown one is kept
    """

    def __init__(self, found: Sequence[VolumeFound], first: Shown, budget: int | None = None) -> None:
        self.found = tuple(found)
        free = memory.allowed()
        self._budget = budget if budget is not None else 1 << 30 if free is None else int(free * _SHARE)
        self._condition = threading.Condition()
        self._kept: OrderedDict[int, Shown] = OrderedDict()
        self._wanted: tuple[int, Callable[[int, Shown | str], None] | None] | None = None
        self._ahead: list[int] = []
        self._closed = False
        self._thread: threading.Thread | None = None
        self.index = next((k for k, f in enumerate(self.found) if f.id == first.found.id), 0)
        self._kept[self.index] = first

    def __len__(self) -> int:
        return len(self.found)

    def words(self, index: int) -> str:
        """What a phase is, in words."""
        return phase_words(self.found, index)

    def ready(self, index: int) -> Shown | None:
        """A phase that is decoded already."""
        with self._condition:
            found = self._kept.get(index)
            if found is not None:
                self._kept.move_to_end(index)
            return found

    def want(self, index: int, came: Callable[[int, Shown | str], None] | None = None, *, step: int = 1) -> None:
        """Decode a phase; `came(index, phase or sentence)` on the decoding thread, unless another is wanted by then.

        The next ones in the direction of `step` are decoded after it while the budget allows.
        """
        with self._condition:
            if self._closed:
                return
            self._wanted = (index, came)
            self._ahead = [(index + step * n) % len(self.found) for n in range(1, _AHEAD + 1)]
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="phases", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def holds(self) -> int:
        """Bytes of decoded phases."""
        with self._condition:
            return sum(_bytes(s) for s in self._kept.values())

    def close(self) -> None:
        """Decode nothing any more, and let go of the voxels."""
        with self._condition:
            self._closed = True
            self._kept.clear()
            self._condition.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._closed and self._wanted is None and not self._ahead:
                    self._condition.wait()
                if self._closed:
                    return
                if self._wanted is not None:
                    (index, came), self._wanted = self._wanted, None
                else:
                    index, came = self._ahead.pop(0), None
                    if index in self._kept or not self._room():
                        continue
                shown: Shown | str | None = self._kept.get(index)
            if shown is None:
                shown = self._decode(index)
            if isinstance(shown, Shown):
                self._keep(index, shown)
            if came is not None and not self._overtaken():
                came(index, shown)

    def _overtaken(self) -> bool:
        with self._condition:
            return self._closed or self._wanted is not None

    def _decode(self, index: int) -> Shown | str:
        try:
            volume = load(self.found[index], stop=lambda: self._closed)
            return Shown(self.found[index], volume, display_copy(volume) if volume.needs_display_copy else volume)
        except RenderDeskError as error:
            return error.sentence
        except Exception as error:  # noqa: BLE001 - one phase that cannot be had must not take the others along
            if not self._closed:
                from workstation.base.log import note_defect

                note_defect(error)
            return "This phase could not be decoded."

    def _room(self) -> bool:
        held = [_bytes(s) for s in self._kept.values()]
        return sum(held) + max(held, default=0) <= self._budget

    def _keep(self, index: int, shown: Shown) -> None:
        with self._condition:
            if self._closed:
                return
            self._kept[index] = shown
            self._kept.move_to_end(index)
            while len(self._kept) > 1 and sum(_bytes(s) for s in self._kept.values()) > self._budget:
                oldest = next(k for k in self._kept if k != index)
                del self._kept[oldest]


def _bytes(shown: Shown) -> int:
    own = shown.volume.voxels.nbytes
    return own if shown.display is shown.volume else own + shown.display.voxels.nbytes
