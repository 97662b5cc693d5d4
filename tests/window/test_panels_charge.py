"""Charge panel and worklist: one question a fact, kept where it belongs; a hold or rejection cannot be confirmed."""

from __future__ import annotations

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
from workstation.case.model import Base, Order
from workstation.window import charges_view as charges_module
from workstation.window.charges_view import ChargesView
from workstation.window.panels import charge as charge_module
from workstation.window.panels.answers import AnswerForm, parse_codes, parse_diagnoses
from workstation.window.panels.charge import ChargePanel, contradicted
from workstation.window.panels.parts import Choice
from workstation.window.panels.questions import QUESTIONS, answer_words, question_of
from workstation.window.panels.say import plain_name
from workstation.window.panels.standing import Standing, audited, standing

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
    Line("1.1", "SAMPLE^AORTA", "2026-11-23", "76377", ("26",), "bill", "open", ""),
    Line("1.2", "MÜLLER^ANNE", "2026-11-19", "76377", (), "hold", "open", "Was the scan acquired as an angiogram?"),
    Line("1.3", "OLD^CASE", "2026-11-12", None, (), "reject", "open", "A CT angiogram already includes the 3D."),
    Line("1.4", "DONE^CASE", "2026-11-11", "76376", ("26",), "bill", "confirmed", ""),
)


@pytest.fixture
def worklist(qtbot, monkeypatch):
    monkeypatch.setattr(charges_module, "why_lines", lambda _desk, uid: [Standing("done", f"Decided for {uid}.")])

    def of(lines=LINES):
        desk = FakeDesk(BILLER)
        desk.lines = lines
        view = ChargesView(desk, FakeActions())
        view.resize(1400, 800)
        qtbot.addWidget(view)
        view.show()
        return view, desk

    return of


def test_the_tiles_count_what_is_open(worklist):
    view, _ = worklist()
    assert (view.ready.number.text(), view.held.number.text(), view.confirmed.number.text()) == ("1", "1", "1")
    assert "1 × Was the scan acquired as an angiogram?" in view.held.about.text()
    assert view.bars.toolTip() == "A CT angiogram already includes the 3D.: 1"


def test_a_tile_shows_its_lines_alone_and_then_all_again(worklist, qtbot):
    view, _ = worklist()
    click(qtbot, view.held)
    assert [view.filter.index(row, 0).data() for row in range(view.filter.rowCount())] == ["MÜLLER, ANNE"]
    view.held.setFocus()
    qtbot.keyClick(view.held, Qt.Key.Key_Space)
    assert view.filter.rowCount() == len(LINES)


def test_search_finds_without_accents_and_enter_opens_the_case(worklist, qtbot):
    view, _ = worklist()
    qtbot.keyClicks(view.search, "muller")
    assert view.filter.rowCount() == 1
    assert "MÜLLER, ANNE · 2026-11-19" in words(view.detail)
    view.table.setFocus()
    with qtbot.waitSignal(view.open_case) as opened:
        qtbot.keyClick(view.table, Qt.Key.Key_Return)
    assert opened.args == ["1.2"]


def test_arrows_walk_the_list_and_the_detail_follows(worklist, qtbot):
    view, _ = worklist()
    assert "All that the rules ask for is known." in " ".join(words(view.detail))
    view.table.setFocus()
    qtbot.keyClick(view.table, Qt.Key.Key_Down)
    assert {"Was the scan acquired as an angiogram?", "Decided for 1.2."} <= set(words(view.detail))
    with qtbot.waitSignal(view.open_case) as opened:
        click(qtbot, view.open)
    assert opened.args == ["1.2"]


def test_a_refresh_keeps_the_line_in_hand(worklist, qtbot):
    view, desk = worklist()
    view.table.selectRow(2)
    desk.lines = (LINES[2], LINES[0], LINES[1])
    view.refresh()
    assert view.current().study_uid == "1.3"
    assert view.confirmed.number.text() == "0"


def test_an_empty_worklist_says_what_will_come(worklist):
    view, _ = worklist(())
    assert view.empty.isVisible()
    assert view.ready.height() < 200
    assert view.current() is None
    assert not view.open.isEnabled()


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
