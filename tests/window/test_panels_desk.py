"""The panels on the real desk: a real MR head from order to confirmed charge, by keys and clicks alone."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton

from render import camera, presets
from render.view import Box, Technique, View
from tests.window.panel_stand_ins import FakeActions
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.window.charges_view import ChargesView
from workstation.window.panels import make
from workstation.window.panels import releasing as releasing_module
from workstation.window.panels import sign as sign_module
from workstation.window.panels.answers import AnswerForm
from workstation.window.panels.parts import Choice
from workstation.window.panels.releasing import ReleaseDialog
from workstation.window.panels.sign import SignDialog

pytestmark = [pytest.mark.shared, pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)]
NPI = "1234567893"  # the example of the CMS check-digit page


def click(qtbot, widget):
    assert widget.isEnabled(), widget.toolTip()
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def words(widget):
    return [x.text().replace("\u200b", "") for x in widget.findChildren(QLabel) if not x.isHidden()]


@pytest.fixture
def case(shared_series, tmp_path):
    desk = Desk(tmp_path / "home", demo=True, station="TEST-3D")
    desk.sign_in("demo.rad", PINS["demo.rad"])
    session = desk.open(str(shared_series("mr_head_t1_enhanced_siemens")))
    yield desk, session
    session.close()
    desk.close()


@pytest.fixture
def window(case):
    _, session = case
    actions = FakeActions()
    size = (320, 320)
    look, _ = presets.resolve(presets.choose(session.display, session.facts), session.display)
    actions.views["3d"] = View(
        technique=Technique.VR,
        size=size,
        volume=session.key.volume,
        camera=camera.standard(session.display, "A", size),
        look=look,
        quality="record",
    )
    return actions


def shown(qtbot, step, desk, session, actions):
    panel = make(step, desk, session, actions)
    panel.resize(364, 1400)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def answer(qtbot, panel, path, value):
    """Answer one question of the charge panel with the mouse or the keys."""
    form = panel.findChild(AnswerForm, f"field_{path}")
    assert form is not None, path
    choice, edit, combos = form.findChild(Choice), form.findChild(QLineEdit), form.findChildren(QComboBox)
    if choice is not None:
        click(qtbot, choice.button(value))
        return
    if combos:
        for combo, one in zip(combos, value if isinstance(value, tuple) else (value,), strict=True):
            combo.setCurrentIndex(combo.findData(one))
        click(qtbot, next(b for b in form.findChildren(QPushButton) if b.text() == "Answer"))
        return
    if value == []:
        click(qtbot, next(b for b in form.findChildren(QPushButton) if b.text() == "There were none"))
        return
    qtbot.keyClicks(edit, value)
    qtbot.keyClick(edit, Qt.Key.Key_Return)


def test_every_panel_stands_on_an_opened_study(qtbot, case, window):
    desk, session = case
    for step in ("load", "view", "segment", "measure", "report", "charge"):
        panel = shown(qtbot, step, desk, session, window)
        panel.refresh()
        assert panel.minimumSizeHint().width() <= 364


def test_from_the_order_to_the_confirmed_charge(qtbot, case, window, monkeypatch):
    desk, session = case
    # Load: the order
    load = shown(qtbot, "load", desk, session, window)
    identity = load.findChild(QPushButton, "field_identity")
    if identity is not None:
        click(qtbot, identity)
    form = load.order
    form.accession.clear()
    qtbot.keyClicks(form.accession, "A4711")
    qtbot.keyClicks(form.order_id, "ORD-1")
    qtbot.keyClicks(form.visit, "V-7")
    click(qtbot, form.ordered.button(True))
    qtbot.keyClicks(form.reason, "Planning of an operation")
    qtbot.keyClicks(form.indication, "Headache")
    qtbot.keyClicks(form.provider, "Dr. Two")
    qtbot.keyClicks(form.npi, NPI)
    form.side.setCurrentIndex(form.side.findData("not_applicable"))
    qtbot.keyClicks(form._bases[0].code, "70551")
    click(qtbot, form._bases[0].performed.button("same"))
    click(qtbot, form._bases[0].angio.button(False))
    click(qtbot, form.save)
    assert session.case.order.ordering_npi == NPI

    # View: the physician confirms region and tissues; a picture is drafted
    session.scene_shown(window.views["3d"])
    view = shown(qtbot, "view", desk, session, window)
    low, high = session.display.geometry.bounds_lps_mm
    box = Box(low_lps_mm=low, high_lps_mm=(high[0], high[1], high[2] - 20))
    window.show(window.views["3d"].replace(crop=box), "3d", "crop")
    click(qtbot, view.confirm_region)
    click(qtbot, view.confirm_tissues)
    kinds = {name: act.kind for name, act in session.supervision().acts.items()}
    whole = window.views["3d"].replace(crop=None)
    session.draft(session.picture(whole, session.labels(whole, record=True, draft=True)), "Head from the front")

    # Release: looked at for a second, then released; the window between scene and release is witnessed
    dialog = ReleaseDialog(desk, session, window, [c.sop_uid for c in session.case.captures])
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.release.isEnabled, timeout=30000)
    if desk.must_ask_again("release"):
        monkeypatch.setattr(releasing_module, "ask_secret", lambda *_: PINS["demo.rad"])
    qtbot.keyClick(dialog, Qt.Key.Key_R)
    assert [c.state for c in session.case.captures] == ["released"]
    seen = session.supervision()
    assert kinds["region"] == kinds["tissues"] == "witnessed"
    assert seen.acts["pictures"].kind == "witnessed"
    assert seen.acts["steering"].kind == "absent"
    # what was not witnessed is stated, and stays told apart
    session.attest({"steering": True}, True, "I watched and corrected the rendering.")

    # Report
    report = shown(qtbot, "report", desk, session, window)
    for name, text in (
        ("comparison", "None available."),
        ("findings_3d", "The skull is intact; angle < 90 & smooth."),
        ("impression", "Normal 3D of the head."),
    ):
        qtbot.keyClicks(report.sections[name], text)
    report.side.setCurrentIndex(report.side.findData("not_applicable"))
    report.keep_text()
    assert "angle < 90 & smooth" in session.report_text()
    assert any("Stated afterwards, not witnessed" in w for w in words(report.acts))
    assert report._written().read_bytes().startswith(b"%PDF")
    blocking = [c.sentence for c in session.checks() if c.severity == "block"]
    assert blocking == []
    monkeypatch.setattr(sign_module, "MIN_LOOK_S", 0.0)
    signing = SignDialog(desk, session, window)
    qtbot.addWidget(signing)
    signing.show()
    qtbot.keyClicks(signing.secret, "000000")
    click(qtbot, signing.confirm)
    assert session.case.reports == ()
    qtbot.keyClicks(signing.secret, PINS["demo.rad"])
    click(qtbot, signing.confirm)
    assert [r.status for r in session.case.reports] == ["final"]
    report.refresh()
    assert report.sign.text() == "Sign an addendum ..."
    assert report.findChild(QPushButton, "field_retract").isEnabled()

    # Charge: each open question is answered once
    session.acknowledge_local()
    charge = shown(qtbot, "charge", desk, session, window)
    given = {
        "payer.kind": "medicare",
        "claim.pos": "22",
        "claim.form": "professional",
        "claim.bills_reader": True,
        "service.purpose": "surgical_planning",
        "dx": "R51.9 headache",
        "dx_confirmed": True,
        "other_codes": [],
        "providers.billing_npi": NPI,
        "providers.resident_involved": False,
        "rendering.target": ("head", "bone"),
        "rendering.anatomy": ("head", "bone"),
    }
    for _ in range(20):
        open_now = charge.findChildren(AnswerForm)
        if not open_now:
            break
        answer(qtbot, charge, open_now[0].path, given[open_now[0].path])
    assert "Ready to bill" in words(charge)
    assert {"76377", "26"} <= set(words(charge))

    # the biller sees the same line in the worklist and confirms it
    desk.sign_in("demo.bill", PINS["demo.bill"])
    worklist = ChargesView(desk, window)
    qtbot.addWidget(worklist)
    worklist.show()
    assert worklist.ready.number.text() == "1"
    # the case is open beside it, and is not charged from two places at once
    assert "close it before" in worklist.detail.word.text()
    charge.refresh()
    click(qtbot, charge.confirm)
    assert charge.word.text() == ""
    assert session.message_path.is_file()
    assert "XA" not in session.message_path.name
    assert "Confirmed" in words(charge)
    worklist.refresh()
    assert (worklist.ready.number.text(), worklist.underway.number.text()) == ("0", "1")
