"""A charge whose study was deleted, at the right of the biller's list: what is asked, and the two answers."""

from __future__ import annotations

import datetime as dt

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from tests.factory.afternoon import STATION, Waiting, make_home
from tests.window.panel_stand_ins import FakeActions
from workstation.base.clock import ScriptedClock
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.window.charges_view import ChargesView
from workstation.window.panels.charge_standing import UndoDialog

DAY = dt.date(2026, 11, 24)
PIN = PINS["demo.bill"]
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_the_biller_is_asked_and_lets_the_charge_stand(qtbot, tmp_path, monkeypatch):
    make_home(tmp_path / "home", tmp_path / "files", (Waiting("SAMPLE^Aorta", "medicare", DAY),))
    clock = ScriptedClock(dt.datetime(2026, 11, 25, 16, tzinfo=dt.UTC))
    desk = Desk(tmp_path / "home", clock=clock, station=STATION, demo=True)
    desk.sign_in("demo.bill", PIN)
    (line,) = desk.charges()
    desk.confirm_charges([(line.study_uid, 0)], PIN)
    desk.people.make("boss", "Bo Boss", "administrator", "135792")
    desk.sign_in("boss", "135792")
    desk.delete(line.study_uid, "kept elsewhere")
    desk.sign_in("demo.bill", PIN)
    view = ChargesView(desk, FakeActions())
    view.resize(1600, 900)
    qtbot.addWidget(view)
    view.show()

    def said():
        return " ".join(x.text().replace("\u200b", "") for x in view.detail.findChildren(QLabel) if x.isVisible())

    assert "The study of this charge was deleted here: void the charge, or let it stand." in said()
    assert not view.detail.findChild(QPushButton, "field_replace").isVisible()
    assert view.detail.findChild(QPushButton, "field_void").isEnabled()

    def answer(dialog):
        qtbot.keyClicks(dialog.note, "given, and documented elsewhere")
        dialog.field.setText(PIN)
        qtbot.mouseClick(dialog.confirm, Qt.MouseButton.LeftButton)
        return dialog.result()

    monkeypatch.setattr(UndoDialog, "exec", answer)
    qtbot.mouseClick(view.detail.findChild(QPushButton, "field_uphold"), Qt.MouseButton.LeftButton)
    assert "let it stand" not in said()
    (now,) = desk.charges()
    assert (now.task, now.state) == ("", "confirmed")
    desk.close()
