"""The render thread: panes ask for pictures, the newest request of each pane wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from render import progress
from render.engine import Engine
from render.errors import Cancelled, RenderError
from render.pace import Pace
from render.view import Labels, Vector, View

if TYPE_CHECKING:
    from render.picture import Picture
    from render.volume import Volume

Done = Callable[["Picture"], None]
Failed = Callable[[str], None]
Reached = Callable[[float], None]

_SILENCE = 0.15  # seconds without a new request after which the settled picture follows a dragged one
_LONG, _OFTEN = 0.3, 0.05  # seconds after which progress is told, and between two tellings
_REDUCED = "REDUCED"
_GIVES_WAY = 100  # times that a settled picture is put off for other panes, before it is finished all the same
_QUICK = 0.12  # a settled picture that takes less needs no dragged one before it


@dataclass
class _Request:
    pane: str
    view: View
    labels: Labels
    on_done: Done
    on_error: Failed
    number: int
    not_before: float = 0.0
    on_progress: Reached | None = None
    first_seen: bool = False
    """Whether this pane already got a quick picture of this view."""
    gave_way: int = 0
    """How often it was put off for another pane."""


class Stage:
    """Makes pictures on a thread of its own.

    All callbacks come on that thread. Of each pane only the newest request counts: an older one is dropped, or
    abandoned within milliseconds when it is being made; a settled picture also makes way for what another pane asks.
    A 3D view comes in two steps where it takes long: first reduced (``view.quality == "drag"`` in its picture), then
    as asked for; a view asked for in quality "drag" is followed by its settled picture once the pane has been silent
    for 150 ms. How far reduced a picture is follows from how long the last ones took (see `render.pace`); it says so
    in a badge.
    """

    def __init__(self, *, renderer: str | None = None) -> None:
        self._renderer = renderer
        self.on_fallback: Callable[[str], None] | None = None
        """Told, on the stage's thread, why a renderer was left for the caster."""
        self._condition = threading.Condition()
        self._waiting: dict[str, _Request] = {}
        self._newest: dict[str, int] = {}
        self._count = 0
        self._volume: Volume | None = None
        self._engine: Engine | None = None
        self._picker: Engine | None = None
        self._took: dict[tuple[str, str], float] = {}
        self._paces: dict[tuple[str, str], Pace] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="stage", daemon=True)
        self._thread.start()

    def use_renderer(self, renderer: str, *, now: bool = False) -> None:
        """Draw volumes that come from now on by this renderer; one that is shown keeps its own, but for `now`."""
        with self._condition:
            self._renderer = renderer
            if now and self._engine is not None:
                self._engine.renderer = renderer

    def set_volume(self, volume: Volume | None) -> None:
        """Show another volume, or none; whatever was asked of the old one is dropped."""
        with self._condition:
            self._volume = volume
            if self._engine is not None:
                self._engine.close()
            self._engine = None
            self._picker = None
            self._waiting.clear()
            for pane in self._newest:
                self._newest[pane] = -1
            self._took.clear()
            self._paces.clear()
            self._condition.notify_all()

    def request(
        self,
        pane: str,
        view: View,
        labels: Labels,
        on_done: Done,
        on_error: Failed,
        on_progress: Reached | None = None,
    ) -> None:
        """Ask for a picture; returns at once.

        Parameters
        ----------
        on_progress : told how far a picture has come (0 to 1, never falling) that takes more than 0.3 s
        """
        with self._condition:
            if self._closed:
                return
            self._count += 1
            self._newest[pane] = self._count
            self._waiting[pane] = _Request(pane, view, labels, on_done, on_error, self._count, on_progress=on_progress)
            self._condition.notify_all()

    def cancel(self, pane: str) -> None:
        """Drop what a pane has asked for."""
        with self._condition:
            self._newest[pane] = -1
            self._waiting.pop(pane, None)

    def picture(self, view: View, labels: Labels | None = None, timeout: float = 120.0) -> Picture:
        """Make one picture and wait for it (captures); it is not displaced by the panes' requests.

        Raises
        ------
        RenderError
            What the engine says; ``timeout`` when it takes too long; ``closed``.
        """
        ready = threading.Event()
        result: list[Picture] = []
        errors: list[str] = []

        def done(picture: Picture) -> None:
            if picture.view.quality == view.quality:
                result.append(picture)
                ready.set()

        def failed(sentence: str) -> None:
            errors.append(sentence)
            ready.set()

        if threading.current_thread() is self._thread:
            raise RenderError("stage", "The stage cannot wait for itself.")
        with self._condition:
            if self._closed:
                raise RenderError("closed", "The view has been closed.")
            name = f"\0picture {self._count + 1}"
        self.request(name, view, labels or Labels(), done, failed)
        arrived = ready.wait(timeout)
        self.cancel(name)
        with self._condition:
            self._newest.pop(name, None)
        if errors:
            raise RenderError("picture", errors[0])
        if not arrived or not result:
            raise RenderError("timeout", "The picture took too long and was given up.")
        return result[0]

    def pick(self, view: View, x: float, y: float) -> Vector | None:
        """The place that a pixel of a view shows (see `Engine.pick`); answered at once, on the caller's thread.

        It reads the volume alone, so it need not wait for a picture that is being made.
        """
        with self._condition:
            volume = self._volume
            if volume is None:
                return None
            if self._picker is None:
                self._picker = Engine(volume)
            picker = self._picker
            if self._engine is not None:
                picker.share(self._engine)
        return picker.pick(view, x, y)

    def close(self) -> None:
        """End the thread; what is being made is abandoned."""
        with self._condition:
            self._closed = True
            self._waiting.clear()
            for pane in self._newest:
                self._newest[pane] = -1
            if self._engine is not None:
                self._engine.close()
            self._condition.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=10)

    # ---- the thread

    def _next(self) -> tuple[_Request, Engine] | None:
        with self._condition:
            while not self._closed:
                now = time.monotonic()
                ready = [r for r in self._waiting.values() if r.not_before <= now]
                if ready and self._volume is not None:
                    # captures and quick pictures before slow ones; the oldest of those first
                    request = min(ready, key=lambda r: (r.first_seen, not r.view.is_plane, r.number))
                    del self._waiting[request.pane]
                    if self._engine is None:
                        self._engine = Engine(self._volume, renderer=self._renderer, on_fallback=self.on_fallback)
                    return request, self._engine
                if ready:
                    self._waiting = {p: r for p, r in self._waiting.items() if r not in ready}
                    for request in ready:
                        request.on_error("No volume is open.")
                    continue
                later = [r.not_before - now for r in self._waiting.values()]
                self._condition.wait(min(later) if later else None)
        return None

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            request, engine = taken
            try:
                self._make(request, engine)
            except Cancelled:
                # a settled picture that made way for another pane's quick one follows behind it
                if request.first_seen and engine is self._engine:
                    self._again(request, request.view, 0.0, request.gave_way + 1)
            except RenderError as error:
                self._answer(request, partial(request.on_error, error.sentence))
            except MemoryError:
                self._answer(request, partial(request.on_error, "There is not enough memory for this picture."))
            except Exception:  # noqa: BLE001  the thread must live; the fault's own text may hold anything
                self._answer(request, partial(request.on_error, "This picture could not be made."))

    def _make(self, request: _Request, engine: Engine) -> None:
        view = request.view
        number = request.number

        asked = self._count
        patient = request.first_seen and request.gave_way < _GIVES_WAY

        def stale() -> bool:
            gone = self._newest.get(request.pane) != number or engine is not self._engine
            return gone or (patient and self._count != asked)

        kind = (view.technique.value, "plane" if view.is_plane else "scene")
        if (
            view.quality != "drag"
            and not view.is_plane
            and not request.first_seen
            and not request.pane.startswith("\0")
        ):
            usual = self._took.get(kind, 1.0) if view.quality == "settled" else 1.0
            if usual > _QUICK:
                picture = self._reduced(request, engine, view.replace(quality="drag"), stale)
                self._answer(request, partial(request.on_done, picture))
                self._again(request, view, 0.0)
                return
        if view.quality == "drag" and not view.is_plane:
            picture = self._reduced(request, engine, view, stale)
        else:
            with progress.told(self._telling(request)):
                picture = engine.picture(view, request.labels, stale)
        if view.quality == "settled":
            self._took[kind] = picture.seconds
        self._answer(request, partial(request.on_done, picture))
        if view.quality == "drag":
            self._again(request, view.replace(quality="settled"), _SILENCE)

    def _reduced(self, request: _Request, engine: Engine, view: View, stale: Callable[[], bool]) -> Picture:
        """A 3D picture for the moving hand, in the size that the hand has time for."""
        pace = self._paces.setdefault((request.pane, view.technique.value), Pace())
        badges = tuple(dict.fromkeys((*request.labels.badges, _REDUCED)))
        labels = msgspec.structs.replace(request.labels, badges=badges)
        picture = engine.picture(view, labels, stale, pace.share)
        pace.note(picture.seconds, time.monotonic())
        return picture

    def _telling(self, request: _Request) -> Reached:
        begun, told, most = time.monotonic(), 0.0, 0.0

        def tell(share: float) -> None:
            nonlocal told, most
            now = time.monotonic()
            if request.on_progress is None or now - begun < _LONG or now - told < _OFTEN or share <= most:
                return
            told, most = now, share
            self._answer(request, partial(request.on_progress, share))

        return tell

    def _again(self, request: _Request, view: View, wait: float, gave_way: int = 0) -> None:
        """Put the settled picture of a view behind its quick one, unless something newer has come."""
        with self._condition:
            if self._newest.get(request.pane) != request.number or self._closed:
                return
            self._waiting[request.pane] = _Request(
                request.pane,
                view,
                request.labels,
                request.on_done,
                request.on_error,
                request.number,
                time.monotonic() + wait,
                request.on_progress,
                first_seen=True,
                gave_way=gave_way,
            )
            self._condition.notify_all()

    def _answer(self, request: _Request, call: Callable[[], None]) -> None:
        """Call back, unless something newer was asked for meanwhile."""
        with self._condition:
            fresh = self._newest.get(request.pane) == request.number
        if fresh:
            call()
