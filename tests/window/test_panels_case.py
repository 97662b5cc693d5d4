"""Load, View, Segment and Measure: what a person types and clicks becomes one act each, and nothing more."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from render import presets
from render.view import Box, Slab, Surface, Technique
from tests.window.panel_stand_ins import (
    BILLER,
    RADIOLOGIST,
    TECHNOLOGIST,
    FakeActions,
    FakeDesk,
    FakeSession,
    a_case,
    measurement,
    series_found,
)
from workstation.base.findings import Finding
from workstation.case.model import Base, Measured, Order, Patient
from workstation.window.panels import EmptyPanel, make
from workstation.window.panels.load import LoadPanel
from workstation.window.panels.measure import MeasurePanel
from workstation.window.panels.segment import SegmentPanel, voxel_volume_ml
from workstation.window.panels.threshold import Threshold
from workstation.window.panels.tissues import band_words
from workstation.window.panels.view import ViewPanel

# the offscreen platform says so of every small top-level window
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@pytest.fixture
def scene(qtbot):
    """`scene("load", actor=..., case=...)` gives the panel, session and window stand-in."""

    def of(step, *, actor=RADIOLOGIST, session=None, **case):
        desk = FakeDesk(actor)
        session = session or FakeSession(desk, a_case(**case))
        session.desk = desk
        actions = FakeActions()
        panel = make(step, desk, session, actions)
        panel.resize(364, 900)
        qtbot.addWidget(panel)
        panel.show()
        return panel, session, actions

    return of


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def words(panel):
    return [x.text().replace("\u200b", "") for x in panel.findChildren(QLabel) if not x.isHidden()]


@pytest.mark.parametrize("step", ["load", "view", "segment", "measure", "report", "charge"])
def test_without_a_case_each_step_leads_to_the_study_list(qtbot, step):
    actions = FakeActions()
    panel = make(step, FakeDesk(), None, actions)
    qtbot.addWidget(panel)
    panel.show()
    assert isinstance(panel, EmptyPanel)
    click(qtbot, panel.findChild(QPushButton))
    assert actions.commands == ["library"]


@pytest.mark.parametrize("step", ["load", "view", "segment", "measure", "report", "charge"])
@pytest.mark.parametrize("name", ["W" * 64, "\u05d0\u05d1\u05d2\u05d3" * 16, "<b>bold</b> & [x]"])
def test_no_text_of_the_files_widens_a_panel_or_is_read_as_markup(scene, step, name):
    session = FakeSession(FakeDesk(), a_case(measurements=(measurement(1, name=name),)))
    session.series = (series_found(name),)
    session.findings = (Finding("x", "warning", name),)
    session.choice_line = name
    panel, _, _ = scene(step, session=session)
    assert panel.minimumSizeHint().width() <= 364
    for label in panel.findChildren(QLabel):
        assert label.textFormat() != Qt.TextFormat.RichText
        assert label.textFormat() == Qt.TextFormat.PlainText or "<" not in label.text()


# --- Load -----------------------------------------------------------------------------------------------------


def test_a_complete_identity_asks_nothing(scene):
    panel, _, _ = scene("load")
    assert panel.findChild(QPushButton, "field_identity") is None
    assert panel.findChild(QPushButton, "field_side") is None


def test_the_physician_confirms_identity_and_side_and_the_questions_go(scene, qtbot):
    patient = Patient(key="k1", id="PAT-0001", name="SAMPLE^ONE")
    panel, session, _ = scene("load", patient=patient, findings=("position_doubtful",))
    click(qtbot, panel.findChild(QPushButton, "field_identity"))
    click(qtbot, panel.findChild(QPushButton, "field_side"))
    assert session.case.identity_confirmed_by == RADIOLOGIST
    assert session.case.side_confirmed_by == RADIOLOGIST
    assert panel.findChild(QPushButton, "field_side") is None
    assert any("Dr. Sample confirmed right and left" in w for w in words(panel))


def test_a_technologist_sees_the_side_question_but_cannot_confirm_it(scene, qtbot):
    panel, session, _ = scene("load", actor=TECHNOLOGIST, findings=("position_doubtful",))
    confirm = panel.findChild(QPushButton, "field_side")
    assert not confirm.isEnabled()
    assert "radiologist" in confirm.toolTip()
    click(qtbot, confirm)
    assert session.case.side_confirmed_by is None


def test_the_order_is_written_once_it_is_saved_and_says_what_was_typed(scene, qtbot):
    panel, session, _ = scene("load")
    assert isinstance(panel, LoadPanel)
    form = panel.order
    assert not form.save.isEnabled()
    click(qtbot, form.ordered.button(True))
    qtbot.keyClicks(form.reason, "Planning of a graft, neck < 15 mm & angled")
    qtbot.keyClicks(form.npi, "1234567893")
    qtbot.keyClicks(form._bases[0].code, "74177")
    click(qtbot, form._bases[0].angio.button(False))
    click(qtbot, form._bases[0].performed.button("same"))
    assert session.did == []
    panel.refresh()
    assert form.reason.toPlainText().startswith("Planning")
    click(qtbot, form.save)
    ((kind, order),) = session.did
    assert kind == "order"
    assert order == Order(
        accession="A4711",
        three_d_ordered=True,
        reason="Planning of a graft, neck < 15 mm & angled",
        ordering_npi="1234567893",
        base=(Base(code="74177", modality="CT", angiographic=False, performed_by="same"),),
        source="typed",
    )
    assert not form.save.isEnabled()
    assert {"Typed here.", "Saved."} <= set(words(form))


def test_a_second_click_takes_an_answer_back_to_not_known(scene, qtbot):
    panel, session, _ = scene("load")
    click(qtbot, panel.order.ordered.button(True))
    click(qtbot, panel.order.ordered.button(False))
    click(qtbot, panel.order.ordered.button(False))
    click(qtbot, panel.order.save)
    assert session.case.order.three_d_ordered is None


def test_an_unsaved_order_is_there_again_after_another_step(scene, qtbot):
    panel, session, _ = scene("load")
    qtbot.keyClicks(panel.order.reason, "Planning")
    panel.hide()
    panel.deleteLater()
    again, _, _ = scene("load", session=session)
    assert again.order.reason.toPlainText() == "Planning"
    assert "Not saved yet." in words(again.order)
    assert session.did == []
    click(qtbot, again.order.save)
    assert session.case.order.reason == "Planning"
    again.hide()
    last, _, _ = scene("load", session=session)
    assert not last.order.save.isEnabled()


def test_what_the_form_does_not_ask_survives_its_saving(scene, qtbot):
    order = Order(three_d_ordered=True, dx=(("I71.43", "aneurysm"),), purpose="surgical_planning", source="worklist")
    panel, session, _ = scene("load", order=order)
    assert "From the worklist." in words(panel)
    qtbot.keyClicks(panel.order.provider, "Dr. Two")
    click(qtbot, panel.order.save)
    assert session.case.order.dx == (("I71.43", "aneurysm"),)
    assert session.case.order.purpose == "surgical_planning"
    assert session.case.order.ordering_name == "Dr. Two"


def test_a_biller_reads_the_order_but_types_nothing(scene, qtbot):
    panel, session, _ = scene("load", actor=BILLER)
    qtbot.keyClicks(panel.order.reason, "x")
    click(qtbot, panel.order.ordered.button(True))
    click(qtbot, panel.order.save)
    assert session.did == []


def test_a_wrong_digit_in_a_provider_number_is_told_while_it_is_typed(scene, qtbot):
    panel, _, _ = scene("load")
    qtbot.keyClicks(panel.order.npi, "123456789")
    assert "One more digit." in words(panel)
    qtbot.keyClicks(panel.order.npi, "0")
    assert any("A digit of this number is wrong" in w for w in words(panel))
    qtbot.keyClick(panel.order.npi, Qt.Key.Key_Backspace)
    qtbot.keyClicks(panel.order.npi, "3")
    assert not panel.order.npi_word.isVisible()


def test_focus_goes_to_the_named_field(scene, qtbot):
    panel, _, _ = scene("load")
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel.focus_field("ordering_npi")
    assert panel.order.npi.hasFocus()
    panel.focus_field("order")
    assert panel.order.ordered.button(True).hasFocus()


# --- View -----------------------------------------------------------------------------------------------------


def test_technique_and_look_are_commands_of_the_program(scene, qtbot):
    panel, _, actions = scene("view")
    assert isinstance(panel, ViewPanel)
    click(qtbot, panel.technique.button("mip"))
    item = panel.looks.item(1)
    panel.looks.scrollToItem(item)
    qtbot.mouseClick(panel.looks.viewport(), Qt.MouseButton.LeftButton, pos=panel.looks.visualItemRect(item).center())
    assert actions.commands == ["technique.mip", f"preset.{item.data(Qt.ItemDataRole.UserRole)}"]


def test_millimetres_from_the_edge_become_a_box_in_the_patient(scene, qtbot):
    panel, _, actions = scene("view")
    # volume from -39 to +39 mm on each axis; right is -x, left +x, head +z
    right, left, _front, _back, head, _feet = panel.cuts
    for spin, mm in ((right, "10"), (head, "20")):
        spin.setFocus()
        spin.selectAll()
        qtbot.keyClicks(spin, mm)
        qtbot.keyClick(spin, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: actions.views["3d"].crop is not None)
    qtbot.waitUntil(lambda: actions.views["3d"].crop.high_lps_mm[2] == 19)
    assert actions.views["3d"].crop == Box(low_lps_mm=(-29, -39, -39), high_lps_mm=(39, 39, 19))
    assert left.value() == 0


def test_a_region_is_confirmed_only_when_one_is_drawn(scene, qtbot):
    panel, session, actions = scene("view")
    assert not panel.confirm_region.isEnabled()
    click(qtbot, panel.confirm_region)
    assert session.did == []
    box = Box(low_lps_mm=(-10, -10, -10), high_lps_mm=(20, 10, 10))
    actions.show(actions.views["3d"].replace(crop=box), "3d", "crop")
    assert [s.value() for s in panel.cuts] == [29, 19, 29, 29, 29, 29]
    click(qtbot, panel.confirm_region)
    assert session.did == [("region", "confirmed", "a box of 30 by 20 by 20 mm", box)]


def test_showing_a_crop_does_not_send_it_back(scene, qtbot):
    panel, _, actions = scene("view")
    box = Box(low_lps_mm=(-10.4, -10, -10), high_lps_mm=(20, 10, 10))
    actions.show(actions.views["3d"].replace(crop=box), "3d", "crop")
    qtbot.wait(250)
    assert actions.views["3d"].crop == box
    assert panel.cuts[0].value() == 29


def test_a_tissue_sets_its_threshold_and_what_is_shown_can_be_confirmed(scene, qtbot):
    panel, session, actions = scene("view")
    assert not panel.tissue.isVisible()
    actions.set_surface(Surface(low=300))
    panel.tissue.setFocus()
    qtbot.keyClicks(panel.tissue, "Bone")
    panel.tissue.activated.emit(panel.tissue.currentIndex())
    surface, done = actions.surfaces[-1]
    assert (surface.low, surface.high, surface.name, done) == (226, None, "Bone", True)
    click(qtbot, panel.confirm_tissues)
    assert session.did == [("tissues", "confirmed", ["Bone, 226 HU and above"], "")]


def test_the_slider_shows_while_it_moves_and_tells_once_when_let_go(scene, qtbot):
    panel, _, actions = scene("view")
    actions.set_surface(Surface(low=200))
    actions.surfaces.clear()
    panel.threshold.slider.setSliderDown(True)
    panel.threshold.slider.setSliderPosition(300)
    panel.threshold.slider.setSliderPosition(400)
    assert [d for _, d in actions.surfaces] == [False, False]
    panel.threshold.slider.setSliderDown(False)
    assert [d for _, d in actions.surfaces] == [False, False, True]
    assert actions.views["3d"].surfaces[0].low == 400
    panel.threshold.slider.setFocus()
    qtbot.keyClick(panel.threshold.slider, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: actions.views["3d"].surfaces[0].low == 401)


def test_a_typed_threshold_and_small_values_with_decimals(qtbot):
    told = []
    control = Threshold(0, 24.3, 12.15, "SUV")
    qtbot.addWidget(control)
    control.show()
    control.moved.connect(lambda value, done: told.append((value, done)))
    control.number.setFocus()
    control.number.selectAll()
    qtbot.keyClicks(control.number, "2.5")
    qtbot.keyClick(control.number, Qt.Key.Key_Return)
    assert told == [(2.5, True)]
    control.slider.setSliderDown(True)
    control.slider.setSliderPosition(410)
    assert told[-1] == (4.1, False)
    assert control.number.text() == "4.10 SUV"
    assert band_words(2.5, None, "SUV") == "2.50 SUV and above"


def test_grey_values_without_a_unit_offer_no_tissues(qtbot):
    from tests.window.panel_stand_ins import volume

    desk = FakeDesk()
    session = FakeSession(desk)
    session.volume = session.display = volume("arbitrary", "MR")
    panel = ViewPanel(desk, session, FakeActions())
    qtbot.addWidget(panel)
    assert panel.tissue.count() == 1
    assert panel.threshold.number.suffix() == ""


def test_own_window_values_reach_all_three_planes(scene, qtbot):
    panel, _, actions = scene("view")
    panel.center.setFocus()
    panel.center.selectAll()
    qtbot.keyClicks(panel.center, "60")
    qtbot.keyClick(panel.center, Qt.Key.Key_Return)
    assert {(v.window.center, v.window.width) for n, v in actions.views.items() if n != "3d"} == {(60, 400)}


def test_a_window_preset_is_that_of_its_number_key(scene, qtbot):
    panel, _, actions = scene("view")
    title, window = presets.window_presets("CT")[2]
    assert panel.windows.itemText(2) == f"{title}   3"
    panel.windows.activated.emit(2)
    assert actions.views["coronal"].window == window
    assert panel.windows.currentIndex() == 2


def test_the_thickness_of_a_slab_is_one_command(scene, qtbot):
    panel, _, actions = scene("view")
    assert not panel.slab_mm.isEnabled()
    assert panel.slab_mm.value() == 10, "what a slab would have, not the smallest there is"
    slab = Slab(mode="mip", thickness_mm=10)
    actions.show(actions.views["axial"].replace(slab=slab), "axial", "slab")
    panel.slab_mm.setFocus()
    panel.slab_mm.selectAll()
    qtbot.keyClicks(panel.slab_mm, "25")
    qtbot.keyClick(panel.slab_mm, Qt.Key.Key_Return)
    assert actions.commands == ["slab_mm 25.0"]


# --- Segment --------------------------------------------------------------------------------------------------


def test_the_counted_volume_is_that_of_the_voxels(scene, qtbot):
    panel, _, actions = scene("segment")
    assert isinstance(panel, SegmentPanel)
    assert not panel.count.isVisible()
    actions.set_surface(Surface(low=226))
    click(qtbot, panel.count)
    # 1000 voxels of 2 x 2 x 2 mm are 8 ml
    assert "8.0 ml" in words(panel)
    actions.set_surface(Surface(low=300))
    assert "8.0 ml" not in words(panel)


def test_a_box_cuts_the_counted_volume_and_a_band_has_two_ends():
    from tests.window.panel_stand_ins import volume

    made = volume()
    # voxel centres of the cube lie at -19, -17 ... -1; the box takes x from -9 on: 5 of 10 columns
    half = Box(low_lps_mm=(-9, -100, -100), high_lps_mm=(100, 100, 100))
    assert voxel_volume_ml(made, Surface(low=226), half, lambda: False) == pytest.approx(4.0)
    assert voxel_volume_ml(made, Surface(low=226, high=500), None, lambda: False) == 0.0
    assert voxel_volume_ml(made, Surface(low=226), None, lambda: True) is None


# --- Measure --------------------------------------------------------------------------------------------------

REFUSED = Measured("length", None, "mm", "", "Straight distance.", validity="refused", reasons=("spacing is unknown",))


def test_the_sheet_accepts_renames_leads_and_removes(scene, qtbot):
    panel, session, actions = scene("measure", measurements=(measurement(1), measurement(2)))
    assert isinstance(panel, MeasurePanel)
    assert panel.sheet.item(1, 1).text() == "30.0 mm"
    assert panel.sheet.item(1, 2).text() == "± 0.6"
    panel.sheet.setFocus()
    qtbot.keyClick(panel.sheet, Qt.Key.Key_Down)
    click(qtbot, panel.accept)
    assert [m.accepted for m in session.case.measurements] == [False, True]
    assert not panel.accept.isVisible()
    click(qtbot, panel.go)
    assert actions.centred == [(15.0, 0.0, 20.0)]
    click(qtbot, panel.rename)
    editor = panel.sheet.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "Neck length")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.case.measurements[1].name == "Neck length")
    panel.sheet.setFocus()
    qtbot.keyClick(panel.sheet, Qt.Key.Key_Delete)
    assert [m.id for m in session.case.measurements] == ["m1"]


def test_a_refused_number_says_why_and_cannot_be_accepted(scene, qtbot):
    panel, session, _ = scene("measure", measurements=(measurement(1, measured=REFUSED),))
    assert panel.sheet.item(0, 1).text() == "none"
    assert "Spacing is unknown." in words(panel)
    click(qtbot, panel.accept)
    assert not session.case.measurements[0].accepted


def test_an_empty_name_keeps_the_old_one(scene, qtbot):
    panel, session, _ = scene("measure", measurements=(measurement(1),))
    panel.sheet.item(0, 0).setText("   ")
    assert session.case.measurements[0].name == "Length 1"
    assert panel.sheet.item(0, 0).text() == "Length 1"


def test_the_technique_shown_is_that_of_the_picture(scene):
    panel, _, actions = scene("view")
    actions.show(actions.views["3d"].replace(technique=Technique.MIP))
    assert panel.technique.value == "mip"
