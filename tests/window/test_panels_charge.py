"""Charge panel and worklist: one question a fact, kept where it belongs; a hold or rejection cannot be confirmed."""

from __future__ import annotations

from dataclasses import replace as with_changes
from typing import get_args, get_type_hints

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton

from billing.facts import Facts
from tests.window.panel_stand_ins import (
    BILLER,
    PIN,
    RADIOLOGIST,
    TECHNOLOGIST,
    FakeActions,
    FakeDesk,
    FakeSession,
    Line,
    a_case,
    answer,
)
from workstation.base.errors import InputRefused
from workstation.case.model import Base, Order
from workstation.desk.charge_office import HistoryLine, Sent
from workstation.desk.fact_sources import FactSource
from workstation.window import charges_view as charges_module
from workstation.window.charges_view import ChargesView
from workstation.window.panels import charge as charge_module
from workstation.window.panels.answers import AnswerForm, parse_codes, parse_diagnoses
from workstation.window.panels.charge import ChargePanel, contradicted
from workstation.window.panels.charge_facts import value_words
from workstation.window.panels.charge_standing import UndoDialog
from workstation.window.panels.parts import Choice
from workstation.window.panels.questions import QUESTIONS, answer_words, question_of
from workstation.window.panels.say import plain_name
from workstation.window.panels.secret import NoteDialog
from workstation.window.panels.standing import audited, standing

# the offscreen platform says so of every small top-level window
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def words(widget):
    return [x.text().replace("\u200b", "") for x in widget.findChildren(QLabel) if not x.isHidden()]


def held(*fields):
    return answer("hold", questions=[{"field": f, "ask": f"ask {f}", "rule": "R"} for f in fields])


@pytest.fixture
def panel_of(qtbot):
    def of(said, actor=RADIOLOGIST, **case):
        desk = FakeDesk(actor)
        session = FakeSession(desk, a_case(**case))
        session.answer = said
        actions = FakeActions()
        panel = ChargePanel(desk, session, actions)
        panel.resize(364, 1200)
        qtbot.addWidget(panel)
        panel.show()
        return panel, session, actions

    return of


def form(panel, path):
    return panel.findChild(AnswerForm, f"field_{path}")


# --- decision -------------------------------------------------------------------------------------------------


def test_a_bill_stands_big_with_its_modifiers_and_can_be_confirmed(panel_of, qtbot):
    panel, session, actions = panel_of(answer("bill", modifiers=["26", "XS"]), actor=BILLER)
    assert {"Ready to bill", "76377", "26 XS"} <= set(words(panel))
    assert panel.confirm.text() == "Confirm 76377 26 XS"
    click(qtbot, panel.confirm)
    assert session.did == [("charge",)]
    assert not panel.confirm.isVisible()
    assert "charge-0001.hl7" in words(panel)
    assert actions.said == [("The charge is confirmed.", "done")]


@pytest.mark.parametrize("said", [held("payer.kind"), answer("reject")])
def test_a_hold_or_rejection_cannot_be_confirmed(panel_of, qtbot, said):
    panel, session, _ = panel_of(said)
    click(qtbot, panel.confirm)
    assert session.did == []
    assert not panel.confirm.isEnabled() or not panel.confirm.isVisible()


def test_who_may_not_confirm_is_told_who_may(panel_of, qtbot):
    panel, session, _ = panel_of(answer("bill"), actor=TECHNOLOGIST)
    click(qtbot, panel.confirm)
    assert session.did == []
    assert any("biller or radiologist" in w for w in words(panel))


def test_a_due_pin_is_asked_and_going_back_confirms_nothing(panel_of, qtbot, monkeypatch):
    panel, session, _ = panel_of(answer("bill"), actor=BILLER)
    session.desk.ask_again = True
    monkeypatch.setattr(charge_module, "ask_secret", lambda *_: None)
    click(qtbot, panel.confirm)
    assert session.did == []
    monkeypatch.setattr(charge_module, "ask_secret", lambda *_: "000000")
    click(qtbot, panel.confirm)
    assert "The PIN or password is wrong." in words(panel)
    monkeypatch.setattr(charge_module, "ask_secret", lambda *_: PIN)
    click(qtbot, panel.confirm)
    assert session.did == [("charge",)]


def reason(rule, outcome, text):
    return {"rule": rule, "outcome": outcome, "text": text, "source": "CPT"}


def test_reasons_are_sentences_first_and_rules_for_the_auditor(panel_of, qtbot):
    panel, _, _ = panel_of(answer("bill"))
    assert "Made on an independent workstation." in words(panel)
    assert not any("R-IW-01" in w for w in words(panel))
    click(qtbot, panel.more)
    assert any("R-IW-01 · CPT" in w for w in words(panel))
    click(qtbot, panel.more)
    assert not any("R-IW-01" in w for w in words(panel))


def test_what_is_against_comes_first_and_open_questions_are_not_told_twice():
    said = answer(
        "reject",
        reasons=[
            reason("R-IW-01", "pass", "Made on a workstation of its own."),
            reason("R-OR-03", "pass", "No exception is needed."),
            reason("R-PY-01", "hold", "The payer is not known."),
            reason("R-IN-01", "reject", "The base study already includes 3D."),
        ],
    )
    told = standing(said, {})
    assert [s.text for s in told] == ["The base study already includes 3D.", "Made on a workstation of its own."]
    assert [s.state for s in told] == ["refused", "done"]
    assert len(audited(said, {})) == 4


def test_the_auditor_sees_the_journals_lines():
    said = answer("bill", reasons=[reason("R-AR-01", "pass", "3 pictures are in the archive.")], modifiers=[])
    (told,) = standing(said, {"images.archived": (9, 4), "images.acknowledged": (9,)})
    assert told.source == "R-AR-01 · CPT · journal 4, 9"


def test_modifiers_are_explained(panel_of):
    panel, _, _ = panel_of(answer("bill", modifiers=["26", "XS"]))
    assert {"Modifier 26: the physician's part.", "Modifier XS: a separate anatomy."} <= set(words(panel))


def test_an_answer_that_is_contradicted_is_asked_again_with_the_reason(panel_of):
    said = answer(
        "hold",
        questions=[
            {"field": "dx[0].code", "ask": "?", "rule": "R-DX-03"},
            {"field": "payer.kind", "ask": "?", "rule": "R-P"},
        ],
        reasons=[
            reason("R-DX-03", "hold", "I71.40 says abdominal, its words say thoracic."),
            reason("R-P", "hold", "x"),
        ],
    )
    facts = {"dx": [{"code": "I71.40"}], "payer": {"kind": None}}
    assert contradicted(said, facts) == {"dx[0].code": "I71.40 says abdominal, its words say thoracic."}


def test_a_refresh_without_a_change_decides_nothing_anew(panel_of):
    panel, session, _ = panel_of(answer("bill"))
    before = session.decisions
    for _ in range(5):
        panel.refresh()
    assert session.decisions == before
    session._change(anatomy="chest")
    panel.refresh()
    assert session.decisions == before + 1


# --- questions ------------------------------------------------------------------------------------------------


def test_the_number_in_the_headline_is_that_of_the_questions(panel_of):
    panel, _, _ = panel_of(held("payer.kind", "supervision.region_designed", "supervision.tissue_selected"))
    assert "Held: two things are missing" in words(panel)
    assert [f.path for f in panel.findChildren(AnswerForm)] == ["payer.kind"]
    assert len(panel.steps.findChildren(QPushButton)) == 1


def test_what_the_work_will_answer_is_not_asked_and_steps_come_first(panel_of):
    panel, _, _ = panel_of(
        held(
            "payer.kind", "providers.rendering_npi", "supervision.physician_npi", "report.status", "service.completion"
        )
    )
    assert [f.path for f in panel.findChildren(AnswerForm)] == ["payer.kind"]
    steps = [b.objectName() for b in panel.steps.findChildren(QPushButton)]
    assert steps == ["field_supervision.physician_npi", "field_report.status"]
    assert "Held: three things are missing" in words(panel)


def test_a_choice_is_kept_as_its_code_and_its_question_goes(panel_of, qtbot):
    panel, session, _ = panel_of(held("payer.kind"), actor=BILLER)
    combo = form(panel, "payer.kind").findChild(QComboBox)
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    session.answer = answer("bill")
    click(qtbot, next(b for b in form(panel, "payer.kind").findChildren(QPushButton) if b.text() == "Answer"))
    assert session.did == [("facts", {"payer.kind": "medicare_advantage"})]
    assert form(panel, "payer.kind") is None
    assert {"Who pays?", "Medicare Advantage"} <= set(words(panel.given))


def test_an_answer_can_be_asked_again(panel_of, qtbot):
    panel, session, _ = panel_of(answer("bill"), actor=BILLER, given={"payer.kind": "medicare"})
    click(qtbot, next(b for b in panel.given.findChildren(QPushButton) if b.text() == "Change"))
    assert session.did == [("facts", {"payer.kind": None})]


def test_part_and_structure_are_one_question_and_one_answer(panel_of, qtbot):
    panel, session, _ = panel_of(held("rendering.target", "rendering.anatomy"), anatomy=None, target=None)
    assert "Held: one thing is missing" in words(panel)
    asked = form(panel, "rendering.target")
    part, structure = asked.findChildren(QComboBox)
    ok = next(b for b in asked.findChildren(QPushButton) if b.text() == "Answer")
    qtbot.keyClicks(part, "Chest")
    assert not ok.isEnabled()
    qtbot.keyClicks(structure, "Vessels")
    click(qtbot, ok)
    assert (session.case.anatomy, session.case.target) == ("chest", "vascular")


def test_without_the_part_of_the_body_nothing_is_confirmed(panel_of, qtbot):
    panel, session, _ = panel_of(answer("bill"), anatomy=None)
    assert "Billable, after one answer" in words(panel)
    click(qtbot, panel.confirm)
    assert session.did == []
    session._change(anatomy="chest")
    panel.refresh()
    click(qtbot, panel.confirm)
    assert session.did == [("charge",)]


def test_a_fact_of_the_order_goes_into_the_order_and_keeps_the_rest(panel_of, qtbot):
    order = Order(accession="A1", base=(Base(code="74177"), Base(code="71260")), dx=(("I71.43", "x"),))
    panel, session, _ = panel_of(held("base[1].angiographic"), order=order)
    click(qtbot, form(panel, "base[1].angiographic").findChild(Choice).button(True))
    after = session.case.order
    assert after.base == (Base(code="74177"), Base(code="71260", angiographic=True))
    assert (after.accession, after.dx) == ("A1", (("I71.43", "x"),))


def test_a_biller_is_told_who_changes_the_order(panel_of):
    panel, _, _ = panel_of(held("base[0].angiographic"), actor=BILLER)
    assert form(panel, "base[0].angiographic").findChild(Choice) is None
    assert any("may not enter an order" in w for w in words(panel))


def test_diagnoses_are_read_with_the_words_of_the_office(panel_of, qtbot):
    panel, session, _ = panel_of(held("dx"))
    edit = form(panel, "dx").findChild(QLineEdit)
    qtbot.keyClicks(edit, "I7143")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert session.did == []
    assert any("with its dot" in w for w in words(panel))
    edit.selectAll()
    qtbot.keyClicks(edit, "i71.43 infrarenal aneurysm; Z95.828")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert session.case.order.dx == (("I71.43", "infrarenal aneurysm"), ("Z95.828", ""))


def test_no_other_procedures_is_an_answer_of_its_own(panel_of, qtbot):
    panel, session, _ = panel_of(held("other_codes"), actor=BILLER)
    click(qtbot, next(b for b in form(panel, "other_codes").findChildren(QPushButton) if "none" in b.text()))
    assert session.did == [("facts", {"other_codes": []})]


def test_what_is_said_of_another_procedure_keeps_its_code(panel_of, qtbot):
    given = {"other_codes": [{"code": "71260"}, {"code": "74177"}]}
    panel, session, _ = panel_of(held("other_codes[1].same_session"), actor=BILLER, given=given)
    click(qtbot, form(panel, "other_codes[1].same_session").findChild(Choice).button(False))
    assert session.case.given["other_codes"] == [{"code": "71260"}, {"code": "74177", "same_session": False}]
    assert given["other_codes"][1] == {"code": "74177"}


def test_a_wrong_provider_number_is_not_kept(panel_of, qtbot):
    panel, session, _ = panel_of(held("providers.billing_npi"), actor=BILLER)
    edit = form(panel, "providers.billing_npi").findChild(QLineEdit)
    qtbot.keyClicks(edit, "1234567890")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert session.did == []
    edit.selectAll()
    qtbot.keyClicks(edit, "1234567893")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert session.did == [("facts", {"providers.billing_npi": "1234567893"})]


def test_what_is_being_typed_survives_a_refresh(panel_of, qtbot):
    panel, session, _ = panel_of(held("payer.auth_number"), actor=BILLER)
    edit = form(panel, "payer.auth_number").findChild(QLineEdit)
    qtbot.keyClicks(edit, "AUTH-7")
    session._change(anatomy="chest")
    panel.refresh()
    assert form(panel, "payer.auth_number").findChild(QLineEdit).text() == "AUTH-7"


def test_what_the_program_witnesses_is_never_typed_but_led_to(panel_of, qtbot):
    panel, session, _ = panel_of(held("report.status"))
    with qtbot.waitSignal(panel.go_to) as led:
        click(qtbot, panel.findChild(QPushButton, "field_report.status"))
    assert led.args == ["report"]
    assert form(panel, "report.status") is None
    assert session.did == []


def test_an_unknown_question_still_shows_its_sentence(panel_of):
    panel, _, _ = panel_of(held("reference.ptp"))
    assert "ask reference.ptp" in words(panel)


def facts_types():
    """Every path of the facts with its type."""
    for group in msgspec.structs.fields(Facts):
        kind = get_type_hints(Facts)[group.name]
        for leaf in (kind, *get_args(kind), *(a for g in get_args(kind) for a in get_args(g))):
            if isinstance(leaf, type) and issubclass(leaf, msgspec.Struct):
                listed = leaf is not kind
                for part in msgspec.structs.fields(leaf):
                    yield f"{group.name}{'[]' if listed else ''}.{part.name}", get_type_hints(leaf)[part.name]


def test_every_offered_answer_is_one_that_the_facts_know():
    types = dict(facts_types())
    for path, question in QUESTIONS.items():
        for value, text in question.options:
            assert text
            if path in types:
                assert msgspec.convert(value, types[path]) == value, path
        if question.kind == "yes_no" and path in types:
            assert msgspec.convert(True, types[path]) is True, path


def test_an_answer_is_told_back_in_words():
    assert answer_words("payer.kind", "uhc") == "UnitedHealthcare"
    assert answer_words("claim.bills_reader", False) == "no"
    assert answer_words("other_codes", []) == "none"
    assert answer_words("other_codes", [{"code": "71260"}]) == "71260"
    assert question_of("supervision.concurrent").kind == "place"


@pytest.mark.parametrize(
    ("text", "codes"),
    [("71260, 74177", ["71260", "74177"]), ("g0288", ["G0288"]), ("7126", None), ("", None), ("71260 x", None)],
)
def test_procedure_codes_out_of_a_line(text, codes):
    assert parse_codes(text) == (None if codes is None else [{"code": c} for c in codes])


def test_diagnoses_out_of_lines():
    assert parse_diagnoses("M17.11 Arthrosis, right\n\nS72.001A") == [
        {"code": "M17.11", "label": "Arthrosis, right"},
        {"code": "S72.001A", "label": None},
    ]
    assert parse_diagnoses("aneurysm") is None
    assert parse_diagnoses("  ") is None


# --- worklist -------------------------------------------------------------------------------------------------

LINES = (
    Line("1.1", "SAMPLE^AORTA", "2026-11-23", "76377", ("26",), "bill", "open", "", payer="medicare", amount="38.61"),
    Line("1.5", "TWO^CASE", "2026-11-22", "76377", ("26",), "bill", "open", "", payer="uhc", age_days=3),
    Line(
        "1.2",
        "MÜLLER^ANNE",
        "2026-11-19",
        "76377",
        (),
        "hold",
        "open",
        "Was the scan acquired as an angiogram?",
        rules=("R-CT-02",),
        patient_id="P77",
    ),
    Line(
        "1.3",
        "OLD^CASE",
        "2026-11-12",
        None,
        (),
        "reject",
        "open",
        "A CT angiogram already includes the 3D.",
        rules=("R-IN-01",),
        covers=("G0288",),
    ),
    Line("1.4", "DONE^CASE", "2026-11-11", "76376", ("26",), "bill", "acknowledged", "", "C4", late=True),
    Line("1.6", "BACK^CASE", "2026-11-10", "76377", ("26",), "bill", "rejected", "Subscriber not found", "C6"),
    Line("1.7", "LATER^CASE", "2026-11-09", "76377", ("26",), "reject", "sent", "", "C7", task="Retracted: void it."),
)


@pytest.fixture
def worklist(qtbot):
    def of(lines=LINES, actor=BILLER):
        desk = FakeDesk(actor)
        desk.lines = lines
        actions = FakeActions()
        view = ChargesView(desk, actions)
        view.resize(1600, 900)
        qtbot.addWidget(view)
        with qtbot.waitActive(view):
            view.show()
            view.activateWindow()
        return view, desk, actions

    return of


def shown(view):
    return [view.model.index(row, 0).data() for row in range(view.model.rowCount())]


def test_the_tiles_count_what_there_is(worklist):
    view, _, _ = worklist()
    numbers = [t.number.text() for t in (view.ready, view.held, view.todo, view.underway)]
    assert numbers == ["2", "1", "2", "1"]
    assert view.ready.about.text() == "oldest 3 days"
    assert view.held.about.text() == "angiogram or not: 1"
    assert view.todo.about.text() == "refused by the receiver: 1\nto void or replace: 1"
    assert view.underway.about.text() == "acknowledged 1\nlate 1"
    assert view.bars.toolTip() == "3D included in the base code: 1"


def test_each_line_says_its_state_and_why(worklist):
    view, _, _ = worklist()
    rows = {view.model.index(r, 0).data(): r for r in range(view.model.rowCount())}

    def cell(name, column):
        return view.model.index(rows[name], column).data()

    assert cell("SAMPLE, AORTA", 4) == "ready"
    assert cell("DONE, CASE", 4) == "acknowledged · late"
    assert cell("BACK, CASE", 4) == "refused"
    assert cell("BACK, CASE", 5) == "Subscriber not found"
    assert cell("LATER, CASE", 4) == "to do"
    assert cell("LATER, CASE", 5) == "Retracted: void it."
    assert cell("OLD, CASE", 5) == "A CT angiogram already includes the 3D. Consider G0288."
    assert cell("TWO, CASE", 2) == "UnitedHealthcare"
    assert cell("SAMPLE, AORTA", 7) == "38.61"


def test_a_tile_shows_its_lines_alone_and_then_all_again(worklist, qtbot):
    view, _, _ = worklist()
    click(qtbot, view.held)
    assert shown(view) == ["MÜLLER, ANNE"]
    # a click on the tile's words is a click on the tile
    spot = view.todo.number.mapTo(view, view.todo.number.rect().center())
    hit = view.childAt(spot)
    qtbot.mouseClick(hit, Qt.MouseButton.LeftButton, pos=hit.mapFrom(view, spot))
    assert set(shown(view)) == {"BACK, CASE", "LATER, CASE"}
    view.todo.setFocus()
    qtbot.keyClick(view.todo, Qt.Key.Key_Space)
    assert view.model.rowCount() == len(LINES)


@pytest.mark.parametrize(
    ("typed", "found"), [("muller", "MÜLLER, ANNE"), ("p77", "MÜLLER, ANNE"), ("C4", "DONE, CASE")]
)
def test_search_finds_names_without_accents_ids_and_charges(worklist, qtbot, typed, found):
    view, _, _ = worklist()
    qtbot.keyClicks(view.search, typed)
    assert shown(view) == [found]


def test_enter_opens_the_case(worklist, qtbot):
    view, _, _ = worklist()
    qtbot.keyClicks(view.search, "muller")
    view.table.setFocus()
    with qtbot.waitSignal(view.open_case) as opened:
        qtbot.keyClick(view.table, Qt.Key.Key_Return)
    assert opened.args == ["1.2"]


def test_arrows_walk_the_list_and_the_detail_follows(worklist, qtbot):
    view, _, _ = worklist()
    assert "SAMPLE, AORTA" in words(view.detail)
    view.table.setFocus()
    qtbot.keyClick(view.table, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: "TWO, CASE" in words(view.detail), timeout=30000)
    assert isinstance(view.detail.panel, ChargePanel)
    with qtbot.waitSignal(view.open_case) as opened:
        click(qtbot, view.detail.open)
    assert opened.args == ["1.5"]


def test_an_open_point_leads_into_the_case(worklist, qtbot):
    view, _, _ = worklist()
    with qtbot.waitSignal(view.open_at) as led:
        view.detail.panel.go_to.emit("report:attest")
    assert led.args == ["1.1", "report:attest"]


def test_all_ready_ones_are_confirmed_at_once_after_the_pin(worklist, qtbot, monkeypatch):
    view, desk, actions = worklist()
    told = []
    monkeypatch.setattr(charges_module, "ask_secret", lambda _w, title, sentence: told.append((title, sentence)) or PIN)
    with qtbot.waitActive(view):
        view.activateWindow()
    view.table.setFocus()
    qtbot.keyClick(view.table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert view.confirm.text() == "Confirm 2"
    assert view.said.text() == "2 selected"
    qtbot.keyClick(view.table, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert told == [("Confirm 2 charges", "2 × 76377 26. Confirmed in your name and sent to billing.")]
    assert desk.did == [("confirm", "1.1", "1.5")]
    assert actions.said[-1] == ("2 charges confirmed.", "done")


def test_what_is_not_ready_is_never_confirmed_with_the_rest(worklist, qtbot, monkeypatch):
    view, desk, actions = worklist()
    monkeypatch.setattr(charges_module, "ask_secret", lambda *_: PIN)
    desk.fails = {"1.5"}
    view.table.selectAll()
    assert view.confirm.text() == "Confirm 2"
    assert view.said.text() == "7 selected, 5 of them not ready"
    click(qtbot, view.confirm)
    assert desk.did == [("confirm", "1.1", "1.5")]
    assert actions.said[-1] == ("1 charge confirmed; 1 not: Held after all.", "refused")


def test_going_back_at_the_pin_confirms_nothing(worklist, qtbot, monkeypatch):
    view, desk, _ = worklist()
    desk.ask_again = True
    monkeypatch.setattr(charges_module, "ask_secret", lambda *_: None)
    click(qtbot, view.confirm)
    assert desk.did == []
    monkeypatch.setattr(charges_module, "ask_secret", lambda *_: "000000")
    click(qtbot, view.confirm)
    assert desk.did == []


def test_who_may_not_confirm_cannot(worklist, qtbot):
    view, desk, _ = worklist(actor=TECHNOLOGIST)
    for part in (view.confirm, view.send, view.export, view.answers):
        assert not part.isEnabled()
    view.table.setFocus()
    qtbot.keyClick(view.table, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert desk.did == []


def test_sending_answers_and_export_say_what_became_of_them(worklist, qtbot, tmp_path):
    view, desk, actions = worklist()
    desk.sending = Sent(sent=3, acknowledged=2, rejected=1)
    click(qtbot, view.send)
    assert actions.said[-1] == ("3 sent, 2 acknowledged, 1 refused.", "wants")
    desk.sending = Sent(nowhere=1, problems=["BILLING does not answer."])
    click(qtbot, view.send)
    assert actions.said[-1][1] == "refused"
    assert actions.said[-1][0].endswith("BILLING does not answer.")
    view.take_in([tmp_path / "a.hl7"])
    assert actions.said[-1] == ("Answers: 1 acknowledged, 1 about nothing that went out from here.", "wants")
    view.export_to("837p", tmp_path / "march.837")
    told = "2 charges and 1 credit written to march.837. 1 charge left out: The plan is not known."
    assert actions.said[-1] == (told, "wants")
    view.export_to("837p", tmp_path / "again.837")
    assert actions.said[-1] == ("There is nothing new to export.", "info")
    assert view.export.menu().actions()[0].text() == "Table (CSV)"


def test_a_refresh_keeps_the_line_in_hand(worklist, qtbot):
    view, desk, _ = worklist()
    view.table.selectRow(2)
    desk.lines = (LINES[2], LINES[0], LINES[1])
    view.refresh()
    assert view.current().study_uid == "1.2"
    assert view.underway.number.text() == "0"


def test_what_is_typed_for_a_case_survives_the_list_read_anew(worklist, qtbot):
    view, desk, _ = worklist()
    panel = view.detail.panel
    desk.lines = (with_changes(LINES[0], question="another", decision="hold"), *LINES[1:])
    view.refresh()
    assert view.detail.panel is panel
    view.table.selectRow(1)
    qtbot.waitUntil(lambda: view.detail.panel is not panel, timeout=30000)


def test_after_a_confirmation_the_hand_is_on_the_next_line(worklist, qtbot):
    view, desk, _ = worklist()
    done = with_changes(LINES[0], state="confirmed", charge_id="C1")
    desk.lines = (*LINES[1:], done)
    view.refresh()
    assert view.current().study_uid == "1.5"
    assert [x.study_uid for x in view.selected()] == ["1.5"]


def test_columns_sort_and_the_amount_by_its_value(worklist, qtbot):
    view, desk, _ = worklist()
    desk.lines = tuple(with_changes(LINES[0], study_uid=str(n), amount=a) for n, a in enumerate(("9.50", "100.00", "")))
    view.refresh()
    view.table.sortByColumn(7, Qt.SortOrder.DescendingOrder)
    assert [view.model.index(r, 7).data() for r in range(3)] == ["100.00", "9.50", "-"]


def test_the_list_is_read_beside_the_window_and_once_more_after_an_act(qtbot):
    desk, actions, held = FakeDesk(BILLER), FakeActions(), []
    actions.job = lambda _title, work, done, _failed, *, lane: held.append((work, done))
    view = ChargesView(desk, actions)
    qtbot.addWidget(view)
    with qtbot.waitActive(view):
        view.show()
        view.activateWindow()
    # until it is read no number is claimed, and nobody is told that there is nothing
    assert (view.ready.number.text(), view.empty.text(), view.table.isVisible()) == (
        "",
        "Reading the worklist ...",
        False,
    )
    desk.lines = LINES[:1]
    (work, done), before = held[0], len(held)
    read = work(None, None)
    desk.lines = LINES
    view.refresh()
    view.refresh()
    assert len(held) == before  # one reading at a time
    done(read)
    assert view.model.rowCount() == 0  # what was read before the act is not shown any more
    work, done = held[1]
    done(work(None, None))
    assert len(held) == 2
    assert view.model.rowCount() == len(LINES)
    assert view.table.hasFocus()  # the keys of the list count from the first moment


def test_where_nothing_fits_the_way_back_is_said(worklist, qtbot):
    view, _, _ = worklist()
    qtbot.keyClicks(view.search, "nobody")
    assert view.empty.isVisible()
    assert "empty the search" in view.empty.text()
    assert not view.table.isVisible()
    view.search.clear()
    assert not view.empty.isVisible()
    assert view.current().study_uid == "1.1"


def test_an_empty_worklist_says_what_will_come(worklist):
    view, _, _ = worklist(())
    assert view.empty.isVisible()
    assert view.ready.height() < 200
    assert view.current() is None
    assert not view.confirm.isEnabled()


# --- a charge that stands -----------------------------------------------------------------------------------------


def test_a_confirmed_charge_shows_its_history_and_what_is_left(panel_of):
    panel, session, _ = panel_of(answer("bill"), actor=BILLER, charge="C1")
    assert {"Charge C1", "Confirmed"} <= set(words(panel))
    assert (panel.standing.void.isVisible(), panel.standing.replace.isVisible()) == (True, True)
    assert not panel.standing.resend.isVisible()
    at = "2026-11-23T16:10:00Z"
    session.desk.later = (
        HistoryLine(at, "send", "confirmed", "sent", "sender", "system", "WS1", ""),
        HistoryLine(at, "refuse", "sent", "rejected", "receiver", "system", "WS1", "Subscriber not found"),
    )
    panel.refresh()
    assert "Refused by the receiver" in words(panel)
    assert any("Subscriber not found" in w for w in words(panel))
    assert panel.standing.resend.isVisible()


def test_a_void_wants_a_reason_and_the_id_a_second_time(qtbot):
    did = []
    dialog = UndoDialog("Void", "", "why", lambda *said: did.append(said), "C1", secret=True)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.keyClicks(dialog.note, "wrong patient")
    qtbot.keyClicks(dialog.field, PIN)
    assert not dialog.confirm.isEnabled()
    qtbot.keyClicks(dialog.again, "C2")
    assert not dialog.confirm.isEnabled()
    dialog.again.clear()
    qtbot.keyClicks(dialog.again, "c1")
    click(qtbot, dialog.confirm)
    assert did == [("wrong patient", "c1", PIN)]


def test_a_refused_act_is_told_in_the_dialog(qtbot):
    def refuse(*_):
        raise InputRefused("transition", "Only a refused charge is sent again.")

    dialog = UndoDialog("Send again", "", "why", refuse, "", secret=False)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.keyClicks(dialog.note, "lost on the line")
    click(qtbot, dialog.confirm)
    assert dialog.word.text() == "Only a refused charge is sent again."
    assert dialog.isVisible()


# --- another session, and where facts come from -------------------------------------------------------------------


def beside(rule="R-LG-01"):
    said = {"rule": rule, "outcome": "reject", "text": "Charged already.", "source": "OWN"}
    return answer("reject", reasons=[said])


def test_another_charge_of_the_day_offers_the_act_of_a_separate_session(panel_of, qtbot, monkeypatch):
    panel, session, _ = panel_of(beside(), actor=BILLER)

    def reason_given(title, sentence, hint, act, parent=None):
        dialog = NoteDialog(title, sentence, hint, act, parent=parent)
        dialog.exec = lambda: act("Second scan at 17:40 after a fall", "")
        return dialog

    monkeypatch.setattr(charge_module, "NoteDialog", reason_given)
    click(qtbot, panel.findChild(QPushButton, "field_separate_session"))
    assert session.did == [("separate", "Second scan at 17:40 after a fall")]
    assert any("acquisition session 2" in w for w in words(panel))
    panel.rejoin_session()
    assert session.did[-1][0] == "rejoin"


def test_a_plain_case_offers_no_separate_session(panel_of):
    panel, _, _ = panel_of(answer("bill"), actor=BILLER)
    assert not panel.separate.isVisible()


def test_another_payer_is_not_a_place_elsewhere():
    assert value_words(FactSource("payer.kind", "other", "")) == "Another payer"
    assert value_words(FactSource("base[0].performed_by", "other", "")) == "elsewhere"
    assert value_words(FactSource("rendering.anatomy", "abdomen_pelvis", "")) == "abdomen pelvis"


def test_each_fact_names_where_it_comes_from(panel_of, qtbot):
    panel, session, _ = panel_of(answer("bill"))
    session.sources = (
        FactSource("payer.kind", "medicare", "stated by B. Sample", (42,)),
        FactSource("supervision.region_designed", True, "witnessed by the program", (12, 14)),
        FactSource("base[0].performed_by", "same", "the order, as typed here", ()),
    )
    session._change(anatomy="chest")
    panel.refresh()
    assert panel.facts.more.text() == "All 3 facts with their sources"
    click(qtbot, panel.facts.more)
    told = words(panel.facts)
    assert {"Payer", "Medicare", "stated by B. Sample · journal line 42"} <= set(told)
    assert {"Chose where to look", "Yes", "witnessed by the program · journal lines 12, 14"} <= set(told)
    assert {"Scan done", "Here", "the order, as typed here"} <= set(told)
    click(qtbot, panel.facts.more)
    assert "Medicare" not in words(panel.facts)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("DOE^JANE^A^DR", "DOE, JANE A DR"),
        ("DOE", "DOE"),
        ("Yamada^Tarou=山田^太郎", "Yamada, Tarou"),
        ("山田^太郎", "山田 太郎"),
        ("^JANE", "JANE"),
        ("^^^", ""),
    ],
)
def test_names_as_people_write_them(name, plain):
    assert plain_name(name) == plain
