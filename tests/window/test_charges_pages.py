"""Figures and payers on their pages, with real widgets; what is not allowed or wrong is one plain sentence."""

from __future__ import annotations

import datetime as dt

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel

from billing.payer_book import PayerRecord
from tests.unit.test_figures_sheet import DATA, ONE
from tests.window.conftest import sign_in
from tests.window.panel_stand_ins import BILLER, FakeActions, FakeDesk
from workstation.desk.charge_metrics import Gathered
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.report import plot
from workstation.window.charges_page import ChargesPage
from workstation.window.figures_view import FiguresView
from workstation.window.payers_view import PayersView, RecordDialog
from workstation.window.plot_area import PlotArea
from workstation.window.site_view import SiteView
from workstation.window.theme import tokens

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def words(widget):
    return [x.text().replace("\u200b", "") for x in widget.findChildren(QLabel) if not x.isHidden()]


@pytest.fixture
def figures(qtbot):
    desk = FakeDesk(BILLER)
    desk.metrics = lambda: Gathered(DATA, {ONE: "Dr. One"}, "CT and MR studies of this library")
    view = FiguresView(desk, FakeActions())
    view.resize(1600, 900)
    qtbot.addWidget(view)
    view.show()
    return view


def test_choosing_a_payer_counts_that_payer_alone(figures):
    assert "$ 77.22" in words(figures)
    figures.payer.setCurrentIndex(figures.payer.findData("medicare"))
    assert "$ 38.61" in words(figures)
    assert figures.scope().payer == "medicare"
    figures.period.setCurrentIndex(figures.period.findData("month"))
    assert figures.scope().since == dt.date(2026, 11, 1)
    assert len(figures.months()) == 12
    figures.refresh()
    assert figures.payer.currentData() == "medicare"  # what was chosen stays chosen


def test_the_figures_are_saved_as_they_are_shown(figures, tmp_path):
    figures.save_to(tmp_path / "a.csv", "csv")
    figures.save_to(tmp_path / "a.pdf", "pdf")
    assert "share_3d" in (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    figures.save_to(tmp_path / "no" / "a.csv", "csv")
    assert figures._actions.said[-1][1] == "refused"


def test_who_may_not_see_figures_is_told_so_and_can_save_nothing(qtbot, tmp_path):
    desk = Desk(tmp_path / "home", demo=True)
    desk.sign_in("demo.tech", PINS["demo.tech"])
    view = FiguresView(desk, FakeActions())
    qtbot.addWidget(view)
    view.show()
    assert any("may not see the department's figures" in w for w in words(view))
    assert not view.csv.isEnabled()
    desk.close()


def test_marks_are_painted_where_they_stand(qtbot):
    area = PlotArea()
    qtbot.addWidget(area)
    box = plot.Area(((10, 10), (60, 10), (60, 30), (10, 30)), "accent")
    area.put(lambda _width: [box], 40, ("one",))
    area.resize(100, 40)
    image = area.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    assert image.pixelColor(30, 20).name().upper() == tokens.ACCENT
    assert image.pixelColor(80, 20).name().upper() != tokens.ACCENT
    assert area.accessibleName() == "one"


@pytest.fixture
def office(tmp_path):
    desk = Desk(tmp_path / "home", demo=True)
    desk.sign_in("demo.bill", PINS["demo.bill"])
    yield desk
    desk.close()


@pytest.fixture
def payers(qtbot, office):
    view = PayersView(office, FakeActions())
    view.resize(1280, 800)
    qtbot.addWidget(view)
    view.show()
    view.choose("uhc")
    return view


def test_a_record_is_added_by_hand_and_decides_from_its_day_on(payers, qtbot, office):
    assert "No record says; where it matters the charge warns." in words(payers)
    dialog = RecordDialog(office, "uhc", "UnitedHealthcare", "")
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.confirm.isEnabled()
    click(qtbot, dialog.choices["prior_auth_required"].button(True))
    assert not dialog.confirm.isEnabled()  # a record without a source is none
    qtbot.keyClicks(dialog.source, "Provider portal, 2026-11-20")
    dialog.since.clear()
    qtbot.keyClicks(dialog.since, "2026-01-32")
    click(qtbot, dialog.confirm)
    assert "no day" in dialog.word.text()
    dialog.since.clear()
    qtbot.keyClicks(dialog.since, "2026-01-01")
    click(qtbot, dialog.confirm)
    assert dialog.result() == dialog.DialogCode.Accepted
    payers.refresh()
    told = words(payers)
    assert any("This site's record, from 2026-01-01, checked today" in w for w in told)
    assert any("Provider portal, 2026-11-20" in w for w in told)
    payers.day.clear()
    qtbot.keyClicks(payers.day, "2025-12-31")
    qtbot.keyClick(payers.day, Qt.Key.Key_Return)
    assert not any("This site's record" in w for w in words(payers.decides))


def test_an_old_record_is_said_to_be_old(payers, office):
    day = dt.date(2024, 1, 1)
    office.add_payer_record("uhc", PayerRecord(since=day, source="Letter", checked_on=day, covered=True))
    payers.refresh()
    assert any("checked" in w and "months ago" in w for w in words(payers))


def test_a_mistake_in_the_file_is_told_with_its_line_and_nothing_half_known_is_shown(payers, office):
    folder = office.home / "payers"
    folder.mkdir(exist_ok=True)
    (folder / "uhc.toml").write_text('kind = "uhc"\n[[record]]\nsource = "x"\ncovered = "yes"\n')
    payers.refresh()
    assert "uhc.toml, line" in payers.word.text()
    assert not payers.decides.isVisible()


def test_the_three_pages_are_reached_by_keys(qtbot, office):
    page = ChargesPage(office, FakeActions())
    qtbot.addWidget(page)
    page.show()
    with qtbot.waitActive(page):
        page.activateWindow()
    page.worklist.search.setFocus()
    qtbot.keyClick(page.worklist.search, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert isinstance(page.stack.currentWidget(), FiguresView)
    page.show_page("payers")
    assert isinstance(page.stack.currentWidget(), PayersView)
    assert page.tabs["payers"].isChecked()
    click(qtbot, page.tabs["worklist"])
    assert page.stack.currentWidget() is page.worklist


def test_the_site_page_says_how_old_the_tables_are_and_names_a_mistake(qtbot, office):
    view = SiteView(office, FakeActions())
    view.resize(1280, 800)
    qtbot.addWidget(view)
    view.show()
    told = words(view)
    assert any("Effective 2026-01-01; asked where no imported table is for the day." in w for w in told)
    assert any("names none" in w for w in told)
    (office.home / "site.toml").write_text('[billing]\nlate_days = 5\nlocality = "05102-01"\n')
    view.refresh()
    assert {"5 days", "05102-01"} <= set(words(view))
    (office.home / "site.toml").write_text('[billing]\nlate_days = "five"\n')
    view.refresh()
    assert "site.toml, line 2: late_days" in view.word.text()
    assert not view.cards["file"][0].isVisible()


def test_a_biller_begins_at_the_worklist_and_the_palette_leads_to_each_page(window, qtbot):
    sign_in(window, qtbot, "demo.bill")
    assert window.pages.currentWidget() is window.charges
    window.actions_.run("charges.figures")
    assert isinstance(window.charges.stack.currentWidget(), FiguresView)
    window.actions_.run("charges.worklist")
    assert window.charges.stack.currentWidget() is window.charges.worklist
