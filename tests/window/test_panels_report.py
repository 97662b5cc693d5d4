"""Report, signing and release: the words are kept as typed, and nothing is signed or released unseen."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QIODevice, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QLabel, QPushButton

from tests.window.panel_stand_ins import (
    BILLER,
    PIN,
    RADIOLOGIST,
    TECHNOLOGIST,
    Check,
    FakeActions,
    FakeDesk,
    FakeSession,
    a_case,
    capture,
)
from workstation.base.errors import InputRefused, NotAllowed
from workstation.case.model import ReportText
from workstation.case.supervision import ActState
from workstation.dicom import unpacked
from workstation.window.panels import releasing
from workstation.window.panels import report as report_panel
from workstation.window.panels import sign as sign_module
from workstation.window.panels.acts import StatementDialog, act_words
from workstation.window.panels.releasing import ReleaseDialog
from workstation.window.panels.report import ReportPanel
from workstation.window.panels.secret import NoteDialog, SecretDialog
from workstation.window.panels.sign import SignDialog

# the offscreen platform says so of every small top-level window
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def words(widget):
    return [x.text().replace("\u200b", "") for x in widget.findChildren(QLabel) if not x.isHidden()]


def a_png(width=800, height=640):
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("#203040"))
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data().data())


@pytest.fixture
def report(qtbot):
    def of(actor=RADIOLOGIST, **case):
        desk = FakeDesk(actor)
        session = FakeSession(desk, a_case(**case))
        session.picture = a_png()
        actions = FakeActions()
        panel = ReportPanel(desk, session, actions)
        panel.resize(364, 1600)
        qtbot.addWidget(panel)
        panel.show()
        return panel, session, actions

    return of


# --- text -----------------------------------------------------------------------------------------------------


def test_findings_and_impression_are_never_prefilled(report):
    panel, _, _ = report()
    assert panel.sections["findings_3d"].toPlainText() == ""
    assert panel.sections["impression"].toPlainText() == ""


def test_typing_becomes_one_edit_and_keeps_every_character(report, qtbot):
    panel, session, _ = report()
    text = "Neck < 15 mm & > 60 ^ | ~ \\ RIGHT"
    qtbot.keyClicks(panel.sections["findings_3d"], text)
    assert session.did == []
    qtbot.waitUntil(lambda: session.did != [], timeout=30000)
    assert session.did == [("text", ReportText(findings_3d=text))]


def test_a_refused_text_stays_in_its_field(report, qtbot, monkeypatch):
    panel, session, actions = report()

    def full(_text):
        raise InputRefused("disk_full", "The disk is full.")

    monkeypatch.setattr(session, "set_text", full)
    qtbot.keyClicks(panel.sections["impression"], "Aneurysm")
    panel.keep_text()
    panel.refresh()
    assert panel.sections["impression"].toPlainText() == "Aneurysm"
    assert ("The disk is full.", "refused") in actions.said
    monkeypatch.undo()
    panel.keep_text()
    assert session.case.text.impression == "Aneurysm"


def test_leaving_a_field_keeps_its_text_at_once(report, qtbot):
    panel, session, _ = report()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel.sections["impression"].setFocus()
    qtbot.keyClicks(panel.sections["impression"], "No aneurysm.")
    qtbot.keyClick(panel.sections["impression"], Qt.Key.Key_Tab)
    assert session.case.text.impression == "No aneurysm."


def test_a_refresh_amid_typing_loses_nothing(report, qtbot):
    panel, session, _ = report(text=ReportText(comparison="None available."))
    qtbot.keyClicks(panel.sections["impression"], "Aneurysm")
    panel.refresh()
    assert panel.sections["impression"].toPlainText() == "Aneurysm"
    panel.keep_text()
    assert session.case.text == ReportText(comparison="None available.", impression="Aneurysm")


def test_undo_elsewhere_reaches_the_fields(report):
    panel, session, _ = report(text=ReportText(impression="Aneurysm."))
    session._change(text=ReportText(impression="Aneurysm of 54 mm."))
    panel.refresh()
    assert panel.sections["impression"].toPlainText() == "Aneurysm of 54 mm."


def test_a_section_grows_with_its_text(report, qtbot):
    panel, _, _ = report()
    part = panel.sections["findings_3d"]
    before = part.height()
    qtbot.keyClicks(part, "A sentence that is longer than one line of this narrow panel. " * 6)
    assert part.height() > before
    assert part.document().size().height() * part.fontMetrics().lineSpacing() <= part.height()


def test_a_biller_reads_but_writes_nothing(report, qtbot):
    panel, session, _ = report(actor=BILLER)
    qtbot.keyClicks(panel.sections["findings_3d"], "x")
    panel.keep_text()
    assert session.did == []
    assert not panel.sign.isEnabled()


def test_each_open_check_stands_with_a_way_to_its_place(report, qtbot):
    panel, session, _ = report()
    session.found_checks = (
        Check("order", "It is not known whether the 3D was ordered.", "block", "order"),
        Check("limitations", "No limitations are stated.", "warn", "text"),
    )
    panel.refresh()
    assert "1 point to settle before the signature." in words(panel)
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    click(qtbot, next(b for b in panel.open.findChildren(QPushButton) if b.text() == "Show"))
    assert panel.sections["limitations"].hasFocus()
    way = next(b for b in panel.open.findChildren(QPushButton) if b.text() == "Load")
    with qtbot.waitSignal(panel.go_to) as led:
        click(qtbot, way)
    assert led.args == ["load:order"]


def test_the_pdf_is_written_for_its_owner_alone(report, qtbot, monkeypatch):
    panel, session, _ = report()
    session.report_pdf = lambda: b"%PDF-1.4"
    path = panel._written()
    assert path.read_bytes() == b"%PDF-1.4"
    assert path.parent.stat().st_mode & 0o077 == 0
    assert "AORTA" not in str(path)
    unpacked.sweep()
    os.utime(path.parent, (0, 0))
    unpacked.sweep()  # another program's start: it is held
    assert path.exists()
    panel.deleteLater()
    del panel
    gc.collect()
    assert path.exists()  # a viewer of PDFs may still read it
    report_panel._SHOWN.pop().cleanup()  # as when the program ends
    assert not path.parent.exists()


def test_after_a_kill_no_report_stays_in_the_temporary_folder(tmp_path):
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from workstation.window.panels import report\n"
        "from types import SimpleNamespace\n"
        "panel = SimpleNamespace(_session=SimpleNamespace(report_pdf=lambda: b'%PDF'))\n"
        "print(report.ReportPanel._written(panel), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    here = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=here, capture_output=True, text=True, check=False)
    left = Path(done.stdout.strip())
    assert left.exists()
    os.utime(left.parent, (0, 0))
    sweep = "from workstation.dicom import unpacked; unpacked.sweep()"
    subprocess.run([sys.executable, "-c", sweep], env=here, check=True)
    assert not left.parent.exists()


# --- the physician's part -------------------------------------------------------------------------------------


def test_stated_is_never_shown_as_witnessed():
    at = "2026-11-23T09:16:00+00:00"
    _, _, seen = act_words("region", ActState("witnessed", "Dr. Sample", at))
    _, _, said = act_words("region", ActState("attested", "Dr. Sample", at))
    state, _, none = act_words("region", ActState())
    assert seen.startswith("Witnessed")
    assert said.startswith("Stated afterwards, not witnessed")
    assert state == "wants"
    assert none.startswith("Not seen yet")


def test_a_statement_says_only_what_was_ticked(qtbot):
    session = FakeSession(FakeDesk())
    session.acts["pictures"] = ActState("witnessed", "Dr. Sample", "2026-11-23T09:16:00+00:00")
    dialog = StatementDialog(session)
    qtbot.addWidget(dialog)
    dialog.show()
    assert set(dialog.boxes) == {"region", "tissues", "steering"}
    assert not any(b.isChecked() for b in dialog.boxes.values())
    assert not dialog.confirm.isEnabled()
    dialog.boxes["region"].setFocus()
    qtbot.keyClick(dialog.boxes["region"], Qt.Key.Key_Space)
    assert not dialog.confirm.isEnabled()
    click(qtbot, dialog.when.button(False))
    click(qtbot, dialog.confirm)
    assert session.did == [("attest", {"region": True}, False, "I chose the region that was rendered.")]


# --- signing --------------------------------------------------------------------------------------------------


@pytest.fixture
def signing(qtbot):
    def of(actor=RADIOLOGIST, checks=(), **case):
        desk = FakeDesk(actor)
        session = FakeSession(desk, a_case(**case))
        session.found_checks = checks
        dialog = SignDialog(desk, session, FakeActions())
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog, session

    return of


def test_the_dialog_shows_whose_report_it_is_and_all_of_its_text(signing):
    text = ReportText(findings_3d="The neck is 22 mm long.", side="left")
    dialog, _ = signing(text=text)
    said = " ".join(words(dialog))
    for part in ("SAMPLE, AORTA ONE", "PAT-0001", "A4711", "LEFT", "Dr. Sample"):
        assert part in said
    assert "The neck is 22 mm long." in dialog.text.toPlainText()
    assert dialog.text.isReadOnly()


def test_nothing_is_signed_within_two_seconds_of_opening(signing, qtbot, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(sign_module.time, "monotonic", lambda: now[0])
    dialog, session = signing()
    qtbot.keyClicks(dialog.secret, PIN)
    now[0] = 101.9
    dialog._stand()
    assert not dialog.confirm.isEnabled()
    qtbot.keyClick(dialog.secret, Qt.Key.Key_Return)
    assert session.did == []
    now[0] = 102.1
    dialog._stand()
    assert dialog.confirm.isEnabled()
    qtbot.keyClick(dialog.secret, Qt.Key.Key_Return)
    assert session.did == [("sign", "")]
    assert dialog.result() == dialog.DialogCode.Accepted


def test_the_two_seconds_pass_by_themselves(signing, qtbot):
    dialog, _ = signing()
    qtbot.keyClicks(dialog.secret, PIN)
    assert not dialog.confirm.isEnabled()
    qtbot.waitUntil(dialog.confirm.isEnabled, timeout=30000)


def test_a_wrong_pin_keeps_the_dialog_and_empties_the_field(signing, qtbot, monkeypatch):
    monkeypatch.setattr(sign_module, "MIN_LOOK_S", 0.0)
    dialog, session = signing()
    qtbot.keyClicks(dialog.secret, "000000")
    click(qtbot, dialog.confirm)
    assert dialog.isVisible()
    assert dialog.secret.text() == ""
    assert "The PIN or password is wrong." in words(dialog)
    assert session.case.reports == ()


def test_what_blocks_cannot_be_signed_whatever_is_typed(signing, qtbot, monkeypatch):
    monkeypatch.setattr(sign_module, "MIN_LOOK_S", 0.0)
    dialog, session = signing(checks=(Check("impression", "The impression is empty.", "block", "text"),))
    qtbot.keyClicks(dialog.secret, PIN)
    click(qtbot, dialog.confirm)
    assert not dialog.confirm.isEnabled()
    assert session.did == []


def test_sides_that_disagree_want_a_reason_but_a_measured_side_wants_an_edit(signing, qtbot, monkeypatch):
    monkeypatch.setattr(sign_module, "MIN_LOOK_S", 0.0)
    dialog, session = signing(checks=(Check("side_order", "The order says left.", "block", "side"),))
    qtbot.keyClicks(dialog.secret, PIN)
    assert not dialog.confirm.isEnabled()
    qtbot.keyClicks(dialog.reason, "The order names the wrong side; the referrer was called.")
    click(qtbot, dialog.confirm)
    assert session.did == [("sign", "The order names the wrong side; the referrer was called.")]
    dialog, session = signing(checks=(Check("side_measurement", "Length 1 lies left.", "block", "side"),))
    qtbot.keyClicks(dialog.secret, PIN)
    assert not dialog.reason.isVisible()
    assert not dialog.confirm.isEnabled()


def test_the_secret_dialog_shows_no_secret_and_keeps_none(qtbot):
    dialog = SecretDialog("Confirm", "In your name.")
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.confirm.isEnabled()
    qtbot.keyClicks(dialog.field, PIN)
    assert PIN not in dialog.field.displayText()
    assert dialog.field.take() == PIN
    assert dialog.field.text() == ""


def test_a_note_is_needed_and_a_refusal_keeps_the_dialog(qtbot):
    did = []

    def act(note, secret):
        if secret != PIN:
            raise NotAllowed("wrong_secret", "The PIN or password is wrong.")
        did.append(note)

    dialog = NoteDialog("Retract", "Marked everywhere.", "Why?", act, secret=True, kind="danger")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.keyClicks(dialog.field, "000000")
    assert not dialog.confirm.isEnabled()
    qtbot.keyClicks(dialog.note, "Wrong side")
    click(qtbot, dialog.confirm)
    assert dialog.isVisible()
    assert "The PIN or password is wrong." in words(dialog)
    assert did == []
    qtbot.keyClicks(dialog.field, PIN)
    click(qtbot, dialog.confirm)
    assert did == ["Wrong side"]
    assert dialog.result() == dialog.DialogCode.Accepted


# --- release --------------------------------------------------------------------------------------------------


@pytest.fixture
def drafts(qtbot, monkeypatch):
    def of(actor=RADIOLOGIST, png=None, count=2):
        desk = FakeDesk(actor)
        session = FakeSession(desk, a_case(captures=tuple(capture(n) for n in range(1, count + 1))))
        session.picture = a_png() if png is None else png
        dialog = ReleaseDialog(desk, session, FakeActions(), [c.sop_uid for c in session.case.captures])
        now = [100.0]
        monkeypatch.setattr(releasing.time, "monotonic", lambda: now[0])
        dialog._timer.setInterval(3_600_000)
        qtbot.addWidget(dialog)
        dialog.show()
        dialog.activateWindow()
        qtbot.waitUntil(dialog.isActiveWindow)

        def look(seconds):
            for _ in range(round(seconds * 10)):
                now[0] += 0.1
                dialog._tick()

        dialog._tick()
        look.now = now
        return dialog, session, look

    return of


def test_a_draft_is_released_only_after_it_was_seen_for_a_second(drafts, qtbot):
    dialog, session, look = drafts()
    look(0.9)
    qtbot.keyClick(dialog, Qt.Key.Key_R)
    click(qtbot, dialog.release)
    assert session.did == []
    look(0.3)
    qtbot.keyClick(dialog, Qt.Key.Key_R)
    seen, released = session.did
    assert released == ("release", "1.9.1")
    assert seen[:2] == ("shown", "1.9.1")
    assert seen[2] >= 1.0
    assert seen[3] >= 256
    # the next one starts from nothing
    qtbot.keyClick(dialog, Qt.Key.Key_R)
    assert len(session.did) == 2
    look(1.2)
    click(qtbot, dialog.discard)
    assert [d[0] for d in session.did] == ["shown", "release", "shown", "discard"]
    assert dialog.result() == dialog.DialogCode.Accepted
    assert dialog.summary() == "1 picture released, 1 draft discarded."


def test_a_window_in_the_background_shows_nothing(drafts, qtbot, monkeypatch):
    dialog, _, look = drafts()
    monkeypatch.setattr(dialog, "isActiveWindow", lambda: False)
    look(3)
    assert not dialog.release.isEnabled()


def test_a_stalled_program_shows_nothing(drafts):
    dialog, _, look = drafts()
    look(0.5)
    look.now[0] += 60
    dialog._tick()
    assert not dialog.release.isEnabled()


def test_a_picture_drawn_too_small_does_not_count(drafts):
    dialog, _, look = drafts(png=a_png(2000, 200))
    assert dialog.picture.drawn.height() < 256
    look(3)
    assert not dialog.release.isEnabled()


def test_a_missing_picture_cannot_be_released(drafts):
    dialog, _, look = drafts(png=b"")
    look(3)
    assert not dialog.release.isEnabled()


def test_a_technologist_may_look_but_not_release(drafts, qtbot):
    dialog, session, look = drafts(actor=TECHNOLOGIST)
    look(2)
    assert not dialog.release.isEnabled()
    assert any("radiologist" in w for w in words(dialog))
    click(qtbot, dialog.later)
    assert [d[0] for d in session.did] == ["shown"]


def test_a_due_pin_is_asked_and_a_wrong_one_releases_nothing(drafts, qtbot, monkeypatch):
    dialog, session, look = drafts()
    session.desk.ask_again = True
    look(1.2)
    monkeypatch.setattr(releasing, "ask_secret", lambda *_: "000000")
    click(qtbot, dialog.release)
    assert session.case.captures[0].state == "draft"
    assert "The PIN or password is wrong." in words(dialog)
    monkeypatch.setattr(releasing, "ask_secret", lambda *_: PIN)
    click(qtbot, dialog.release)
    assert session.case.captures[0].state == "released"


def test_typing_a_reason_is_no_shortcut(drafts, qtbot):
    dialog, session, look = drafts()
    look(1.2)
    dialog.reason.setFocus()
    qtbot.keyClicks(dialog.reason, "drunk")
    assert session.case.captures[0].state == "draft"
    assert dialog.reason.text() == "drunk"
