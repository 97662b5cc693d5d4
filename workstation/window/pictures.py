"""Wishes for pictures of the panes and their landing: one at a time under the hand, the newest when it rests."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from workstation.window.captions import SMALL_TEXT, is_small

if TYPE_CHECKING:
    from render.stage import Stage
    from render.view import Labels, View
    from workstation.window.viewport import Viewport

_PATIENCE_S = 1.5  # after which a picture that was asked for no longer holds up the next one


class Pictures(QObject):
    """Asks the stage on behalf of the panes.

    Signals, all of this thread: `landed(pane, picture)`; `refused(pane, sentence)`; `reached(pane, share)` how far a
    slow picture has come, of the newest wish alone; `wanted(pane)` what the hand wished while another picture was on
    its way is due now.
    """

    landed = Signal(str, object)
    refused = Signal(str, str)
    reached = Signal(str, float)
    wanted = Signal(str)
    # of the stage's thread
    _pictured = Signal(str, object)
    _failed = Signal(str, str)
    _told = Signal(str, int, float)

    def __init__(self, stage: Stage, parent: QObject) -> None:
        super().__init__(parent)
        self._stage = stage
        self._flying: dict[str, float] = {}
        self._wishes: dict[str, int] = {}
        self._due: set[str] = set()
        self._pictured.connect(self.landed, Qt.ConnectionType.QueuedConnection)
        self._failed.connect(self.refused, Qt.ConnectionType.QueuedConnection)
        self._told.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def on_its_way(self, pane: str) -> bool:
        """Whether a pane waits for a picture, and has not waited too long."""
        return time.monotonic() - self._flying.get(pane, 0.0) < _PATIENCE_S

    def put_off(self, pane: str) -> bool:
        """Whether a wish under the moving hand must wait for the picture before it; it is `wanted` again then.

        A stream of newer wishes must not starve the eye.
        """
        if self.on_its_way(pane):
            self._due.add(pane)
            return True
        return False

    def ask(self, viewport: Viewport, shown: View, view: View, labels: Callable[[View], Labels]) -> None:
        """Ask for a picture of a pane: `shown` is what stands there, `view` how it is to be drawn."""
        pane = viewport.name
        self._due.discard(pane)
        self._flying[pane] = time.monotonic()
        self._wishes[pane] = wish = self._wishes.get(pane, 0) + 1
        if is_small(view):
            view = view.replace(scale=view.scale * SMALL_TEXT)
        viewport.expect(shown)
        self._stage.request(
            pane,
            view,
            labels(view),
            partial(self._pictured.emit, pane),
            partial(self._failed.emit, pane),
            on_progress=partial(self._told.emit, pane, wish),
        )

    def over(self, pane: str) -> None:
        """A pane's picture came, or never will: what the hand wished meanwhile goes next."""
        self._flying.pop(pane, None)
        if pane in self._due:
            self._due.discard(pane)
            self.wanted.emit(pane)

    def forget(self) -> None:
        """What is on its way is of another volume: nothing waits for it."""
        self._flying.clear()

    def waits(self, pane: str) -> bool:
        """Whether a picture of this pane was asked for and nothing came yet, however long ago."""
        return pane in self._flying

    def _tell(self, pane: str, wish: int, share: float) -> None:
        # told by another thread: it may come after the pane was asked for something newer
        if wish == self._wishes.get(pane):
            self.reached.emit(pane, share)
