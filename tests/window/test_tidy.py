"""Widgets in cyclic garbage die on the GUI thread, however much other threads allocate."""

from __future__ import annotations

import gc
import threading

from PySide6.QtCore import QObject

from workstation.window import app


def test_a_worker_never_collects(qtbot) -> None:
    died_on: list[threading.Thread] = []

    class Left(QObject):
        def __del__(self) -> None:
            died_on.append(threading.current_thread())

    one = Left()
    one.me = one  # a cycle, as signals and closures make
    del one

    def allocate() -> None:
        for _ in range(50):
            [[] for _ in range(2000)]
            kept = [[i] for i in range(2000)]
            del kept

    worker = threading.Thread(target=allocate)
    worker.start()
    worker.join()
    assert died_on == []
    app._tidy[0].look()
    gc.collect()
    assert died_on == [threading.current_thread()]
