"""A real window on a real DEMO home, with a small constructed study; the hand is Qt's own test events."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factory.series import ct_series
from workstation.window.app import application


@pytest.fixture(scope="session")
def qapp_cls():
    from PySide6.QtWidgets import QApplication

    return QApplication


@pytest.fixture(autouse=True)
def garbage_on_this_thread(qapp):
    """As in the program: what is left of widgets is collected on the GUI thread, never on a worker."""
    import gc

    application()
    assert not gc.isenabled()
    yield
    gc.collect()


@pytest.fixture(scope="session")
def small_study(tmp_path_factory) -> Path:
    """40 slices of 64 x 64, 2 mm apart; named, so that the bar has something to show."""
    folder = tmp_path_factory.mktemp("study")
    ct_series(folder, slices=40, name="MILLER^Anne", patient_id="W-1", series_number=4)
    return folder


@pytest.fixture
def window(qapp, qtbot, tmp_path):
    """The window on an empty DEMO home, nobody signed in yet."""
    from render.stage import Stage
    from workstation.desk.desk import Desk
    from workstation.window.main import MainWindow

    application()
    made = MainWindow(Desk(tmp_path / "home", demo=True), Stage(renderer="CPU caster"))
    made.resize(1400, 900)
    made.show()
    qtbot.waitExposed(made)
    made.begin()
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def signed_in(window, qtbot):
    """The radiologist of the demonstration is at the desk."""
    sign_in(window, qtbot, "demo.rad")
    return window


@pytest.fixture
def opened(signed_in, qtbot, small_study):
    """The small study is on screen, every pane painted."""
    open_and_wait(signed_in, qtbot, str(small_study))
    return signed_in


def sign_in(window, qtbot, account: str) -> None:
    from PySide6.QtCore import Qt

    from workstation.desk.people_demo import PINS

    row = next(row for row in window.cover.rows if row.account.account == account)
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(window.cover.secret, PINS[account])
    qtbot.keyClick(window.cover.secret, Qt.Key.Key_Return)
    assert window.desk.actor is not None


def open_and_wait(window, qtbot, source: str) -> None:
    window.open(source)
    qtbot.waitUntil(lambda: window.case.session is not None, timeout=20000)
    qtbot.waitUntil(
        lambda: all(pane.viewport.picture is not None for pane in window.case.panes.values()), timeout=40000
    )
    settle(window, qtbot, 120)


def settle(window, qtbot, ms: int = 400) -> None:
    """Let timers and the stage come to rest."""
    qtbot.wait(ms)
