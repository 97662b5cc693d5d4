"""Makes the pictures of README and guide: drives the real window on the bundled study, and runs the demonstration.

    python3 run.py -- --version          # once, to have the environment
    .venv/bin/python docs/pictures.py

Everything happens in homes of their own in a temporary folder. Without a display Qt draws off-screen.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures"
sys.path.insert(0, str(ROOT))


class Hand:
    """Keys and mouse on the window, and patience."""

    def __init__(self, app: Any, window: Any) -> None:
        self.app, self.window = app, window

    def wait(self, done: Callable[[], bool], limit_s: float = 30.0) -> None:
        """Let the program run until something is so."""
        end = time.monotonic() + limit_s
        while not done():
            self.app.processEvents()
            time.sleep(0.01)
            if time.monotonic() > end:
                raise TimeoutError("the window did not get there")

    def rest(self, seconds: float = 0.8) -> None:
        """Let pictures settle."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end, seconds + 5)

    def settled(self) -> None:
        """Wait until no pane waits for a better picture."""
        panes = self.window.case.panes.values()

        def whole(port: Any) -> bool:
            made = port.picture
            return made is not None and made.view.quality != "drag" and made.view.size == tuple(port.device_size())

        self.rest(0.6)
        with contextlib.suppress(TimeoutError):  # a busy machine: then as it is
            self.wait(lambda: all(whole(p.viewport) for p in panes if p.isVisible()), 20)
        self.rest(1.6)

    def sign_in(self, account: str) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        from workstation.desk.people_demo import PINS

        row = next(r for r in self.window.cover.rows if r.account.account == account)
        QTest.mouseClick(row, Qt.MouseButton.LeftButton)
        QTest.keyClicks(self.window.cover.secret, PINS[account])
        QTest.keyClick(self.window.cover.secret, Qt.Key.Key_Return)

    def drag(self, widget: Any, start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> None:
        """A left drag; places as shares of the widget's size."""
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        def at(place: tuple[float, float]) -> QPoint:
            return QPoint(int(place[0] * widget.width()), int(place[1] * widget.height()))

        QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=at(start))
        for i in range(1, steps + 1):
            share = i / steps
            QTest.mouseMove(
                widget, at((start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share))
            )
            self.rest(0.05)
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=at(end))
        self.rest(0.4)

    def save(self, name: str) -> None:
        """The window as it stands."""
        self.settled()
        self.window.grab().save(str(OUT / name))


def window_pictures(folder: Path) -> None:
    """The window on the bundled study, step by step."""
    from render.stage import Stage
    from workstation.desk.desk import Desk
    from workstation.desk.sample_place import bundled_study
    from workstation.window.app import application
    from workstation.window.main import MainWindow

    app = application()
    window = MainWindow(Desk(folder / "home", station="DEMO-3D-01", demo=True), Stage(), bundled_study())
    window.resize(1600, 1000)
    window.show()
    hand = Hand(app, window)
    window.begin(str(bundled_study()))
    hand.rest()
    hand.sign_in("demo.rad")
    hand.wait(lambda: window.case.session is not None, 60)
    hand.settled()
    run = window.actions_.run
    axial, scene = window.case.panes["axial"].viewport, window.case.panes["3d"].viewport
    hand.save("window.png")
    run("tool.crop")
    hand.drag(axial, (0.38, 0.22), (0.66, 0.58))
    run("tool.pointer")
    hand.drag(scene, (0.5, 0.5), (0.6, 0.48))
    hand.settled()
    run("layout.3d")
    run("planes3d")
    run("clip")
    hand.drag(scene, (0.5, 0.50), (0.5, 0.545))
    hand.save("scene.png")
    run("tool.pointer")
    run("unclip")
    run("planes3d")
    run("layout.four")
    hand.settled()
    run("tool.length")
    hand.drag(axial, (0.47, 0.40), (0.55, 0.47))
    run("tool.pointer")
    run("step.measure")
    hand.save("measure.png")
    run("step.report")
    hand.save("report-panel.png")
    window.close()
    app.processEvents()


def demonstration_pictures(folder: Path) -> None:
    """Pictures, report page and charge panel of the demonstration's case."""
    from render.stage import Stage
    from workstation.desk.demo import demonstrate
    from workstation.desk.desk import Desk
    from workstation.desk.sample_place import bundled_study
    from workstation.window.app import application
    from workstation.window.main import MainWindow

    done = demonstrate(bundled_study(), folder / "demo")
    named = {Path(p).stem[3:]: Path(p) for p in done.pictures}
    for stem, name in (
        ("aneurysm_left_anterior_oblique", "vr.png"),
        ("across_the_sac_at_its_largest_diameter", "mpr.png"),
        ("shaded_surface_of_the_lumen", "ssd.png"),
    ):
        (OUT / name).write_bytes(named[stem].read_bytes())
    page = ["pdftoppm", "-r", "80", "-f", "1", "-l", "1", "-singlefile", "-png", done.report_pdf, str(OUT / "report")]
    subprocess.run(page, check=True)
    app = application()
    window = MainWindow(Desk(done.home, demo=True), Stage(), bundled_study())
    window.resize(1600, 1000)
    window.show()
    hand = Hand(app, window)
    window.begin()
    hand.rest()
    hand.sign_in("demo.rad")
    hand.rest(1.5)
    window.grab().save(str(OUT / "library.png"))
    window.open(f"study:{done.facts['facts_id']}")
    hand.wait(lambda: window.case.session is not None, 60)
    hand.settled()
    window.actions_.run("step.charge")
    hand.save("charge.png")
    window.close()
    app.processEvents()


def charges_pictures(folder: Path) -> None:
    """The biller's worklist, the figures and a payer's records, on an afternoon's cases."""
    import datetime as dt

    from PySide6.QtCore import Qt

    from billing.payer_book import PayerRecord
    from render.stage import Stage
    from tests.factory.afternoon import STATION, cases, make_home
    from workstation.desk.desk import Desk
    from workstation.desk.people_demo import PINS
    from workstation.window.app import application
    from workstation.window.main import MainWindow

    today = dt.datetime.now(dt.UTC).date()
    make_home(folder / "home", folder / "files", cases(today))
    app = application()
    desk = Desk(folder / "home", demo=True, station=STATION)
    window = MainWindow(desk, Stage())
    window.resize(1600, 1000)
    window.show()
    hand = Hand(app, window)
    window.begin()
    hand.rest()
    hand.sign_in("demo.bill")
    hand.rest(1.0)
    record = PayerRecord(
        since=dt.date(today.year, 1, 1),
        source="Provider portal, bulletin 4711",
        checked_on=today,
        prior_auth_required=True,
        auth_vendor="Carelon",
        plan="Plan A",
    )
    desk.add_payer_record("bcbs", record, PINS["demo.bill"])
    window.show_page("charges")
    page: Any = window.charges
    ready = [x for x in desk.charges() if x.decision == "bill"]
    desk.confirm_charges([(x.study_uid, x.session) for x in ready[:6]], PINS["demo.bill"])
    page.refresh()
    page.worklist.table.selectRow(0)
    page.worklist.table.setFocus(Qt.FocusReason.OtherFocusReason)
    hand.rest(1.0)
    window.grab().save(str(OUT / "worklist.png"))
    page.show_page("figures")
    hand.rest(1.0)
    window.grab().save(str(OUT / "figures.png"))
    page.show_page("payers")
    page.pages["payers"].choose("bcbs")
    page.pages["payers"].plan.setText("Plan A")
    page.pages["payers"].refresh()
    hand.rest(1.0)
    window.grab().save(str(OUT / "payers.png"))
    window.close()
    app.processEvents()


def main() -> None:
    """Make them all."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        window_pictures(Path(folder))
        demonstration_pictures(Path(folder))
        charges_pictures(Path(folder) / "charges")


if __name__ == "__main__":
    main()
