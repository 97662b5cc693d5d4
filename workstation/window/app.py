"""Start of the window: the application dressed, the home opened, the frame shown, then who is working."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from workstation.window.theme import sheet
from workstation.window.tidy import Tidy

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from render.stage import Stage

_log = logging.getLogger(__name__)
_tidy: list[Tidy] = []
_REST_MS = 200


def application(arguments: list[str] | None = None) -> QApplication:
    """The dressed application; the one that runs already, if there is one."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        sheet.apply(running)
        _keep_tidy(running)
        return running
    if sys.platform.startswith("linux") and not any(os.environ.get(v) for v in ("DISPLAY", "WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication(arguments or ["renderdesk"])
    app.setApplicationName("RenderDesk")
    app.setDesktopFileName("renderdesk")
    QGuiApplication.setQuitOnLastWindowClosed(True)
    sheet.apply(app)
    _keep_tidy(app)
    return app


def _keep_tidy(app: QApplication) -> None:
    if not _tidy:
        _tidy.append(Tidy(app))


def _find_renderer(stage: Stage, memory: Path) -> None:
    """Try the machine's card while the person signs in; what is shown by then keeps its renderer."""
    from functools import partial

    from render import policy

    stage.on_fallback = partial(policy.failed, memory)
    stage.use_renderer(policy.choose_renderer(memory))
    from render.caster.warm import warm_up  # numba and scipy: not while the card is asked

    warm_up()


class _OncePainted(QObject):
    """Does something once, when a window has been painted for the first time and has come to rest."""

    def __init__(self, window: QWidget, then: Callable[[], object]) -> None:
        super().__init__(window)
        self._window, self._then = window, then
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._window.removeEventFilter(self)
            # a zero timer comes after this painting is done, children and all; the rest is counted from there
            QTimer.singleShot(0, self, lambda: QTimer.singleShot(_REST_MS, self, self._then))
        return False


def run(home: Path | None, source: str, series: str | None, volume: str | None, *, demo: bool) -> int:
    """Show the window until it is closed.

    Parameters
    ----------
    home : folder of the home; the platform's own place when absent
    source : what to open once somebody has signed in; "" for the study list
    demo : a DEMO home, with its three accounts
    """
    app = application()
    from render.policy import FILE
    from render.stage import Stage
    from workstation.base.errors import InputRefused
    from workstation.desk.desk import Desk
    from workstation.desk.sample_place import bundled_study
    from workstation.window.main import MainWindow

    try:
        bundled: Path | None = bundled_study()
    except InputRefused:
        bundled = None
    stage = Stage()
    desk = Desk(home, demo=demo)
    window = MainWindow(desk, stage, bundled)
    memory = desk.place.home / FILE
    renderer = threading.Thread(target=_find_renderer, args=(stage, memory), name="renderer", daemon=True)
    # its imports would fight with the first painting for the interpreter (PERFORMANCE 9)
    _OncePainted(window, renderer.start)
    # a screen of the window's own size or less has no room for a title bar around it
    free = app.primaryScreen().availableGeometry().size()
    if free.width() <= window.width() or free.height() <= window.height() + 40:
        window.resize(window.size().boundedTo(free))  # where nobody maximises windows, and when it is restored
        window.showMaximized()
    else:
        window.show()
    window.begin(source, series, volume)
    # Ctrl+C in the terminal ends the program in order: Qt's loop must come by Python now and then
    signal.signal(signal.SIGINT, lambda *_: window.close())
    heart = QTimer(interval=300)
    heart.timeout.connect(lambda: None)
    heart.start()
    return app.exec()
