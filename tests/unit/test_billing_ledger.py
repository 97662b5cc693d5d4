"""Service key, states of a charge, and the ledger: one charge for one service, and a chain that shows every change."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import json
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.charge import TRANSITIONS, Act, Role, State, draft, identity_of, is_late, next_state
from billing.decide import decide
from billing.errors import BillingError, LedgerError, TransitionRefused
from billing.facts import read_facts
from billing.key import ServiceIdentity, charge_id, overlapping_keys, service_key
from billing.ledger import Actor, Ledger, MemoryStore, charges, history, needs_credit, verify

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
BILLER = Actor(who="b.biller", role="biller", workstation="WS1", at="2026-03-03T09:00:00Z")
SENDER = Actor(who="sender", role="system", workstation="WS1", at="2026-03-03T09:05:00Z")
IDENTITY = ServiceIdentity(
    patient_issuer="SITE",
    patient_id="P100",
    billing_npi="1999888773",
    service_date=dt.date(2026, 3, 2),
    component="26",
    study_uid="1.2.3",
    accession="A1",
    anatomy="abdomen_pelvis",
)


def drafted(study_uid="1.2.3", session=1, **changes):
    document = copy.deepcopy(BASE)
    for path, value in changes.items():
        section, name = path.split("__")
        document[section][name] = value
    read = read_facts(document)
    return draft(read, decide(read), identity_of(read, study_uid=study_uid, session=session))


# --- key -----------------------------------------------------------------------------------------------------------

DIFFERENT = {
    "patient_issuer": "OTHER",
    "patient_id": "P101",
    "billing_npi": "1234567893",
    "service_date": dt.date(2026, 3, 3),
    "component": "TC",
    "study_uid": "1.2.4",
    "anatomy": "chest",
    "session": 2,
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_each_part_of_the_key_makes_another_service(name):
    assert service_key(replace(IDENTITY, **{name: DIFFERENT[name]})) != service_key(IDENTITY)


def test_what_is_not_in_the_key_makes_no_other_service():
    key = service_key(IDENTITY)
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert service_key(replace(IDENTITY, accession="A2")) == key
    assert service_key(replace(IDENTITY, anatomy=" Abdomen_Pelvis ")) == key
    console = drafted(workstation__kind="scanner_console")
    assert console.code == "76376"
    assert console.key == drafted().key
    assert drafted(payer__kind="uhc", report__status="addendum", service__completion="reduced").key == drafted().key


def test_accession_stands_in_for_a_missing_study():
    one = replace(IDENTITY, study_uid=None, accession_issuer="HOSP")
    assert service_key(one) != service_key(replace(one, accession="A2"))
    assert service_key(one) != service_key(replace(one, accession_issuer="ELSE"))
    assert service_key(one) != service_key(replace(IDENTITY, study_uid="A1"))


@pytest.mark.parametrize(
    "change",
    [{"patient_id": ""}, {"anatomy": " "}, {"billing_npi": ""}, {"study_uid": None, "accession": None}, {"session": 0}],
)
def test_a_key_with_a_hole_is_refused(change):
    with pytest.raises(BillingError):
        service_key(replace(IDENTITY, **change))


WORDS = st.text(alphabet='ab"[],:\\\\ ', max_size=6)


@given(WORDS, WORDS, WORDS)
def test_parts_cannot_run_into_each_other(a, b, c):
    """Moving a character from one part to the next is another service."""
    one = replace(IDENTITY, patient_issuer=a, patient_id=f"P{b}.", study_uid=f"{c}.")
    other = replace(IDENTITY, patient_issuer=f"{a}P", patient_id=f"{b}.", study_uid=f"{c}.")
    third = replace(IDENTITY, patient_issuer=a, patient_id=f"P{b}", study_uid=f".{c}.")
    assert len({service_key(one), service_key(other), service_key(third)}) == 3


def test_composed_and_decomposed_text_are_one():
    assert service_key(replace(IDENTITY, patient_id="Mu\u0308")) == service_key(replace(IDENTITY, patient_id="M\u00fc"))


def test_overlaps_are_symmetric():
    for one, other in itertools.product(["26", "TC", "global", "institutional"], repeat=2):
        a, b = replace(IDENTITY, component=one), replace(IDENTITY, component=other)
        assert (service_key(b) in overlapping_keys(a)) == (service_key(a) in overlapping_keys(b))
    assert service_key(replace(IDENTITY, component="global")) in overlapping_keys(IDENTITY)
    assert service_key(replace(IDENTITY, component="TC")) not in overlapping_keys(IDENTITY)


def test_charge_ids_are_twelve_characters_of_crockford():
    ids = {charge_id(service_key(replace(IDENTITY, session=s)), g) for s in range(1, 60) for g in range(5)}
    assert len(ids) == 59 * 5
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{12}", one) for one in ids)


# --- states --------------------------------------------------------------------------------------------------------


def test_every_pair_of_state_and_act_is_settled():
    for state, act, role in itertools.product(get_args(State), get_args(Act), get_args(Role)):
        wanted = TRANSITIONS.get((state, act))
        if wanted is None or role not in wanted[1]:
            with pytest.raises(TransitionRefused):
                next_state(state, act, role)
        else:
            assert next_state(state, act, role) == wanted[0]
    for final in ("void", "replaced"):
        assert not any(state == final for state, _ in TRANSITIONS)
    assert all("system" not in roles for (_, act), (_, roles) in TRANSITIONS.items() if act in {"confirm", "void"})


@pytest.mark.parametrize("change", [{"service__purpose": "needle_mapping"}, {"service__purpose": None}])
def test_hold_and_reject_are_not_confirmed(change):
    with pytest.raises(BillingError, match="only a decision to bill"):
        drafted(**change)


def test_a_draft_freezes_its_grounds():
    charge = drafted()
    assert (charge.code, charge.modifiers, charge.units, charge.diagnoses) == ("76377", ("26",), 1, ("I71.43",))
    assert read_facts(json.loads(charge.facts)) == read_facts(BASE)
    assert json.loads(charge.answer)["rules_version"] == charge.rules_version
    assert "P100" not in repr(charge)


def test_late():
    day = dt.date(2026, 3, 2)
    assert not is_late(day, dt.date(2026, 3, 5), late_days=3)
    assert is_late(day, dt.date(2026, 3, 6), late_days=3)
    assert is_late(day, day, late_days=3, closed=True)


# --- ledger --------------------------------------------------------------------------------------------------------


def test_a_double_click_makes_one_charge():
    ledger = Ledger(MemoryStore())
    first = ledger.confirm(drafted(), BILLER)
    again = ledger.confirm(drafted(workstation__kind="scanner_console"), replace(BILLER, workstation="WS2"))
    assert again == first
    assert len(ledger.charges()) == 1
    assert first.state == "confirmed"


def test_two_workstations_at_once_make_one_charge():
    """The second reads the ledger before the first writes; the unique index decides after all."""

    class LateReader(MemoryStore):
        stale = False

        def holder(self, key):
            return None if self.stale else super().holder(key)

        def of_key(self, key):
            return () if self.stale else super().of_key(key)

    store = LateReader()
    first = Ledger(store).confirm(drafted(), BILLER)
    store.stale = True  # every look before the claim sees the empty ledger
    assert Ledger(store).confirm(drafted(), replace(BILLER, workstation="WS2")) == first
    assert len(store.rows()) == 1


def test_distinct_services_are_distinct_charges():
    ledger = Ledger(MemoryStore())
    kept = [
        ledger.confirm(drafted(), BILLER),
        ledger.confirm(drafted(session=2), BILLER),
        ledger.confirm(drafted(study_uid="1.2.9"), BILLER),
        ledger.confirm(drafted(rendering__anatomy="face"), BILLER),
    ]
    assert len({c.charge_id for c in kept}) == 4
    assert len(ledger.day("SITE", "P100", "2026-03-02")) == 4
    assert ledger.day("SITE", "P100", "2026-03-03") == ()
    assert ledger.day("SITE", "P999", "2026-03-02") == ()


def test_a_global_charge_excludes_a_reader_s_part():
    ledger = Ledger(MemoryStore())
    ledger.confirm(drafted(), BILLER)
    whole = drafted(claim__pos="11", claim__owns_equipment=True, payer__kind="uhc")
    assert whole.identity.component == "global"
    with pytest.raises(TransitionRefused, match="already claims a part"):
        ledger.confirm(whole, BILLER)
    technical = drafted(claim__pos="11", claim__owns_equipment=True, claim__bills_reader=False, payer__kind="uhc")
    assert ledger.confirm(technical, BILLER).modifiers == ("TC",)


def test_the_way_of_a_charge_and_its_chain():
    store = MemoryStore()
    ledger = Ledger(store)
    own = ledger.confirm(drafted(), BILLER).charge_id
    ledger.send(own, SENDER)
    ledger.refuse(own, SENDER, reason="AE: unknown patient")
    ledger.resend(own, BILLER, reason="the interface was down")
    assert ledger.acknowledge(own, SENDER).state == "acknowledged"
    assert verify(store.rows()) == 5
    assert [line.act for _, line in history(store.rows(), own)] == [
        "confirm",
        "send",
        "refuse",
        "resend",
        "acknowledge",
    ]
    with pytest.raises(TransitionRefused):
        ledger.send(own, SENDER)
    assert verify(store.rows()) == 5


def test_void_needs_a_reason_and_a_second_entry_and_frees_the_service():
    store = MemoryStore()
    ledger = Ledger(store)
    own = ledger.confirm(drafted(), BILLER).charge_id
    with pytest.raises(TransitionRefused, match="reason"):
        ledger.void(own, BILLER, reason=" ", again=own)
    with pytest.raises(TransitionRefused, match="second entry"):
        ledger.void(own, BILLER, reason="wrong patient", again="000000000000")
    with pytest.raises(TransitionRefused, match="role"):
        ledger.void(own, SENDER, reason="wrong patient", again=own)
    voided = ledger.void(own, BILLER, reason="wrong patient", again=own)
    assert voided.charge.state == "void"
    assert not voided.credit
    second = ledger.confirm(drafted(), BILLER)
    assert second.charge_id != own
    assert ledger.active(second.key) == second
    assert [c.state for c in ledger.charges().values()] == ["void", "confirmed"]
    ledger.send(second.charge_id, SENDER)
    assert ledger.void(second.charge_id, BILLER, reason="wrong side", again=second.charge_id).credit
    assert needs_credit(store.rows(), second.charge_id)
    assert not needs_credit(store.rows(), own)
    assert verify(store.rows()) == 5


def test_replace_names_the_old_charge_and_the_old_becomes_replaced():
    store = MemoryStore()
    ledger = Ledger(store)
    old = ledger.confirm(drafted(), BILLER)
    ledger.send(old.charge_id, SENDER)
    new = ledger.replace(old.charge_id, drafted(service__completion="reduced"), BILLER, reason="was reduced")
    assert new.replaces == old.charge_id
    assert new.modifiers == ("26", "52")
    assert new.charge_id != old.charge_id
    assert ledger.get(old.charge_id).state == "replaced"
    assert needs_credit(store.rows(), old.charge_id)
    assert history(store.rows(), old.charge_id)[-1][1].replaced_by == new.charge_id
    assert ledger.confirm(drafted(), BILLER) == new
    assert verify(store.rows()) == 4
    with pytest.raises(TransitionRefused):
        ledger.replace(old.charge_id, drafted(), BILLER, reason="again")
    other = ledger.confirm(drafted(session=2), BILLER)
    with pytest.raises(TransitionRefused, match="already charged"):
        ledger.replace(other.charge_id, drafted(), BILLER, reason="wrong session")
    assert ledger.get(other.charge_id).state == "confirmed"


@pytest.mark.parametrize("field", ["number", "charge_id", "state", "at", "line", "previous", "hash"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_change_to_a_row_is_seen(field, place):
    store = MemoryStore()
    ledger = Ledger(store)
    own = ledger.confirm(drafted(), BILLER).charge_id
    ledger.send(own, SENDER)
    ledger.acknowledge(own, SENDER)
    rows = list(store.rows())
    value = getattr(rows[place], field)
    rows[place] = replace(rows[place], **{field: value + 1 if isinstance(value, int) else value[:-1] + "~"})
    with pytest.raises((LedgerError, msgspec.DecodeError)):
        verify(rows)


def test_a_missing_row_is_seen_and_a_charge_without_beginning_is_refused():
    store = MemoryStore()
    ledger = Ledger(store)
    own = ledger.confirm(drafted(), BILLER).charge_id
    ledger.send(own, SENDER)
    ledger.acknowledge(own, SENDER)
    rows = list(store.rows())
    for lost in (0, 1):
        with pytest.raises(LedgerError):
            verify(rows[:lost] + rows[lost + 1 :])
    with pytest.raises(LedgerError):
        charges(rows[1:])


def test_the_ledger_s_entries_are_facts_that_reject_a_second_charge():
    ledger = Ledger(MemoryStore())
    ledger.confirm(drafted(), BILLER)
    document = copy.deepcopy(BASE)
    document["distinct"]["session"] = "same"
    found = decide(read_facts(document), own_ledger=ledger.day("SITE", "P100", "2026-03-02"))
    assert found.decision == "reject"
    assert "R-LG-01" in {r.rule for r in found.reasons if r.outcome == "reject"}
