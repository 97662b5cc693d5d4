"""Charges handed over as files and the answers to them: nothing twice, nothing lost, nothing with a hole."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re

import msgspec
import pytest

from billing.coverage import Coverage
from billing.errors import MessageHole
from billing.ledger import Actor, verify
from billing.messages.x12_answers import read_answers
from billing.parties import Address, Insured, Person
from tests.factory import charges, receiver
from tests.factory.receiver import Receiver
from tests.unit.test_billing_x837 import read_by_another
from tests.unit.test_charge_sending import SHORT, site_text
from tests.unit.test_report_pdf import pages
from workstation.archive.handed_over import CoverageRow
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused, NotAllowed, RenderDeskError
from workstation.base.events import Actor as Person_
from workstation.desk import charge_export, charge_office
from workstation.desk.charge_ledger import ChargeStore, ledger_of

SITE = """
[billing]
[billing.fees]
76377-26 = "150.00"
76377 = "400.00"

[[billing.billers]]
npi = "1999888773"
name = "Radiology Group"
taxonomy = "2085R0202X"
tax_id = "12-3456789"
address = { street = "2 Side St", city = "Springfield", state = "IL", zip_code = "62701-1234" }
submitter_id = "SUBMIT1"
contact = "Billing Office"
telephone = "217-555-0100"

[[billing.payers]]
kind = "medicare"
name = "Medicare"
id = "00882"
receiver_name = "Clearing House"
receiver_id = "CLEAR1"

[[billing.facilities]]
name = "City Hospital"
npi = "1444555662"
pos = ["22"]
address = { street = "1 Hill Rd", city = "Springfield", state = "IL", zip_code = "62701-4321" }

[[billing.providers]]
npi = "1234567893"
family = "Reader"
given = "Rae"
[[billing.providers]]
npi = "1444555662"
family = "Ward"
given = "Ann"
"""
HOME = Address(street="1 Main St", city="Springfield", state="IL", zip_code="62701")
COVERAGE = Coverage(
    payer_kind="medicare",
    member_id="1EG4TE5MK73",
    subscriber=Insured(name=Person(family="Test", given="Pat"), address=HOME, birth_date=dt.date(1963, 5, 4), sex="M"),
    signature_on_file=True,
    cause="none",
    other_plan=False,
)
BILLER = Person_("b.biller", "Bea Biller", "biller", "2026-03-03T09:00:00Z")


@pytest.fixture
def clock():
    return ScriptedClock(charges.START)


@pytest.fixture
def place(tmp_path, clock):
    made = charges.home(tmp_path / "home", clock)
    (made.home / "site.toml").write_text(SITE)
    yield made
    verify(ChargeStore(made.ledger).rows())
    assert made.journal.verify() is None
    made.close()


def insure(place, patient, coverage=COVERAGE):
    place.coverages.put(
        CoverageRow(
            patient_issuer="SITE",
            patient_id=patient,
            payer_kind="medicare",
            value=msgspec.json.encode(coverage).decode(),
            account="",
            at=place.now(),
        )
    )


def ready(place, patient, **changes):
    insure(place, patient)
    return charges.confirm(place, patient, **changes)


def hospital(place, patient):
    more = {"claim__form": "institutional", "claim__bills_reader": None, "claim__off_campus": "no"}
    return ready(place, patient, **more)


def state(place, charge):
    return ledger_of(place).get(charge.charge_id).state


def take_back(place, charge, act="void", **changes):
    """A biller voids a charge, or puts another in its place; the new one then."""
    by = Actor(who="b.biller", role="biller", workstation="T", at=place.now())
    ledger = ledger_of(place)
    with place.db.writing():
        if act == "void":
            return ledger.void(charge.charge_id, by, reason="wrong", again=charge.charge_id).charge
        read = charges.facts(charge.identity.patient_id, **changes)
        drafted = charges.draft(read, charges.decide(read), charges.identity_of(read, study_uid="1.2.3"))
        return ledger.replace(charge.charge_id, drafted, by, reason="reduced")


def hand(place, form, tmp_path, name=""):
    return charge_office.export(place, BILLER, form, tmp_path / (name or f"out{len(place.exports.all())}"))


def take(place, tmp_path, text):
    path = tmp_path / "answer"
    path.write_text(text)
    return charge_office.take_in(place, BILLER, [path])


@pytest.mark.parametrize("form", ["csv", "837p", "cms1500", "fhir"])
def test_what_is_due_is_handed_over_once(place, tmp_path, form):
    kept = [ready(place, "P1"), ready(place, "P2")]
    done = hand(place, form, tmp_path)
    assert done.charges == tuple(c.charge_id for c in kept)
    assert (done.credits, done.left_out) == ((), ())
    text = done.path.read_text()
    assert all(c.charge_id in text for c in kept)
    assert {state(place, c) for c in kept} == {"sent"}
    again = hand(place, form, tmp_path)
    assert (again.number, again.path, again.charges) == (0, None, ())
    # by another way it does not leave the house a second time, and the message that waited is withdrawn
    for other in charge_office.FORMATS:
        assert hand(place, other, tmp_path).charges == ()
    with Receiver() as office:
        (place.home / "site.toml").write_text(SITE + site_text(office.port).replace("[billing]\n", ""))
        assert charge_office.send(place).sent == 0
    assert office.messages == []
    later = ready(place, "P3")
    assert hand(place, form, tmp_path).charges == (later.charge_id,)


def test_what_went_over_the_link_is_not_handed_over_as_a_file(place, tmp_path):
    ready(place, "P1")
    with Receiver(receiver.say_nothing) as office:
        (place.home / "site.toml").write_text(SITE + site_text(office.port, timeout_s=SHORT).replace("[billing]\n", ""))
        charge_office.send(place)
    assert hand(place, "837p", tmp_path).charges == ()
    table = charge_office.export(place, BILLER, "csv", tmp_path / "all.csv", at_hand=True)
    assert len(table.charges) == 1
    assert place.exports.all() == ()


def test_a_claim_file_passes_another_library_and_names_the_sites_own_things(place, tmp_path):
    own, house = ready(place, "P1"), hospital(place, "P2")
    done = hand(place, "837p", tmp_path)
    assert done.charges == (own.charge_id,)
    good, notes, _ = read_by_another(done.path.read_text())
    assert good, notes
    text = done.path.read_text()
    assert "*150.00*UN*" in text
    assert "CITY HOSPITAL" in text
    assert text.splitlines()[0].split("*")[13] == f"{done.number:09d}"
    assert text.splitlines()[0].split("*")[15] == "T"  # a DEMO home never makes a live claim
    done = hand(place, "837i", tmp_path)
    assert done.charges == (house.charge_id,)
    good, notes, _ = read_by_another(done.path.read_text())
    assert good, notes
    assert "SV2*0352*HC:76377*400.00" in done.path.read_text()


@pytest.mark.parametrize(
    ("hole", "before", "after"),
    [
        ("amount", '76377-26 = "150.00"', ""),
        ("biller", 'npi = "1999888773"', 'npi = "1234567893"'),
        ("payer", 'kind = "medicare"', 'kind = "uhc"'),
        ("facility", 'pos = ["22"]', 'pos = ["21"]'),
        ("ordering provider's name", 'npi = "1444555662"\nfamily', 'npi = "1999888773"\nfamily'),
    ],
)
def test_a_hole_is_named_and_the_others_go(place, tmp_path, hole, before, after):
    charge = ready(place, "P1")
    assert SITE.count(before) == 1
    (place.home / "site.toml").write_text(SITE.replace(before, after))
    (lacking,) = charge_office.holes(place, charge.charge_id, "837p")
    assert lacking.hole == hole
    done = hand(place, "837p", tmp_path)
    assert (done.charges, done.path) == ((), None)
    assert [x.hole for x in done.left_out] == [hole]
    assert state(place, charge) == "confirmed"
    (place.home / "site.toml").write_text(SITE)
    assert charge_office.holes(place, charge.charge_id, "837p") == ()
    assert hand(place, "837p", tmp_path).charges == (charge.charge_id,)


def test_without_stated_insurance_a_claim_waits_and_the_rest_of_the_file_goes(place, tmp_path):
    lacking = charges.confirm(place, "P1")
    whole = ready(place, "P2")
    done = hand(place, "837p", tmp_path)
    assert done.charges == (whole.charge_id,)
    assert [(x.charge_id, x.hole) for x in done.left_out] == [(lacking.charge_id, "coverage")]


def test_a_kill_between_record_and_file_writes_the_very_same_file_later(place, clock, tmp_path, monkeypatch):
    ready(place, "P1")

    def killed(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(charge_export, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        hand(place, "837p", tmp_path)
    monkeypatch.undo()
    assert not charge_office.exports(place)[0].written
    # within a minute somebody may still be writing it: nobody else writes it too
    assert hand(place, "837p", tmp_path).number == 0
    clock.advance(61)
    ready(place, "P2")
    first, second = hand(place, "837p", tmp_path, "a"), hand(place, "837p", tmp_path, "b")
    assert (first.number, second.number) == (1, 2)
    assert first.path.read_text() == place.exports.get(1).body
    assert not set(first.charges) & set(second.charges)
    copy = charge_office.write_again(place, BILLER, 1, tmp_path / "c")
    assert copy.path.read_bytes() == first.path.read_bytes()


def test_each_biller_and_each_receiver_gets_a_file_of_its_own(place, tmp_path):
    first = ready(place, "P1")
    second = ready(place, "P2", providers__billing_npi="1444555662")
    one, _, two = SITE.partition("[[billing.payers]]")
    group = one[one.index("[[billing.billers]]") :]
    other = group.replace("1999888773", "1444555662").replace("SUBMIT1", "SUBMIT2")
    (place.home / "site.toml").write_text(one + other + "[[billing.payers]]" + two)
    files = [hand(place, "837p", tmp_path) for _ in range(2)]
    assert [f.charges for f in files] == [(first.charge_id,), (second.charge_id,)]
    assert [f.path.read_text().splitlines()[0].split("*")[6].strip() for f in files] == ["SUBMIT1", "SUBMIT2"]


def test_an_output_that_is_there_is_not_replaced_and_nothing_is_handed_over(place, tmp_path):
    charge = ready(place, "P1")
    (tmp_path / "x.csv").write_text("mine")
    with pytest.raises(RenderDeskError, match="already there"):
        charge_office.export(place, BILLER, "csv", tmp_path / "x.csv")
    assert state(place, charge) == "confirmed"
    assert (tmp_path / "x.csv").read_text() == "mine"
    reader = Person_("r", "R", "radiologist", "2026-03-03T09:00:00Z")
    with pytest.raises(NotAllowed):
        charge_office.export(place, reader, "csv", tmp_path / "y.csv")


# --- answers -------------------------------------------------------------------------------------------------------


def accept_277(text, *ids, status="A2:20", action="WQ", number="PAYER7", words=""):
    """A 277CA to a file of claims, as a payer would write it."""
    file = text.splitlines()[0].split("*")[13]
    rows = [
        "ST*277*0001*005010X214",
        "BHT*0085*08*77*20260304*1030*TH",
        "HL*1**20*1",
        "NM1*PR*2*MEDICARE*****PI*00882",
        "TRN*1*T1",
        "DTP*050*D8*20260304",
        "DTP*009*D8*20260304",
        "HL*2*1*21*1",
        "NM1*41*2*RADIOLOGY GROUP*****46*SUBMIT1",
        f"TRN*2*{file}",
        "STC*A1:19:PR*20260304*WQ*150",
        f"QTY*90*{len(ids)}",
        "AMT*YU*150",
        "HL*3*2*19*1",
        "NM1*85*2*RADIOLOGY GROUP*****XX*1999888773",
        "TRN*1*0",
        "STC*A1:19:PR**WQ*150",
        "REF*TJ*123456789",
        f"QTY*QA*{len(ids)}",
        "AMT*YU*150",
    ]
    for n, own in enumerate(ids, 4):
        rows += [
            f"HL*{n}*3*PT",
            "NM1*QC*1*TEST*PAT****MI*1EG4TE5MK73",
            f"TRN*2*{own}",
            f"STC*{status}*20260304*{action}*150" + (f"********{words}" if words else ""),
            *([f"REF*1K*{number}"] if number else []),
            "DTP*472*D8*20260302",
        ]
    rows = [*rows, f"SE*{len(rows) + 1}*0001"]
    isa = "ISA*00*          *00*          *ZZ*CLEAR1         *ZZ*SUBMIT1        *260304*1030*^*00501*000000009*0*T*:"
    whole = [isa, "GS*HN*CLEAR1*SUBMIT1*20260304*1030*9*X*005010X214", *rows, "GE*1*9", "IEA*1*000000009"]
    return "~\n".join(whole) + "~\n"


def test_the_277ca_of_these_tests_is_one():
    good, notes, _ = read_by_another(accept_277("ISA" + "*x" * 12 + "*000000001", "C1", "C2"))
    assert good, json.dumps(notes)


def test_a_claim_that_the_payer_takes_is_acknowledged_with_its_number(place, tmp_path):
    charge = ready(place, "P1")
    text = hand(place, "837p", tmp_path).path.read_text()
    (form,) = take(place, tmp_path, read_by_another(text)[2].replace("GE*1*", "GE*1*", 1))[:1]
    assert (form.kind, form.outcome) == ("999", "noted")
    assert state(place, charge) == "sent"
    (said,) = [t for t in take(place, tmp_path, accept_277(text, charge.charge_id)) if t.outcome != "foreign"]
    assert (said.kind, said.outcome, said.charge_id) == ("277ca", "acknowledged", charge.charge_id)
    assert state(place, charge) == "acknowledged"
    # taken in a second time it says nothing new
    assert {t.outcome for t in take(place, tmp_path, accept_277(text, charge.charge_id))} <= {"known", "foreign"}
    # voided: the payer is asked to void the claim by its number, once
    take_back(place, charge)
    done = hand(place, "837p", tmp_path)
    assert (done.charges, done.credits) == ((), (charge.charge_id,))
    claim = next(r.split("*") for r in done.path.read_text().splitlines() if r.startswith("CLM"))
    assert claim[5].startswith("22:B:8")
    assert "REF*F8*PAYER7~" in done.path.read_text()
    assert hand(place, "837p", tmp_path).number == 0


def test_a_replacement_names_the_payers_number_and_no_void_goes_beside_it(place, tmp_path):
    charge = ready(place, "P1")
    text = hand(place, "837p", tmp_path).path.read_text()
    new = take_back(place, charge, "replace", service__completion="reduced")
    # the payer has not said its number yet: the replacement waits, and says for what
    done = hand(place, "837p", tmp_path)
    assert [x.hole for x in done.left_out] == ["payer control number"]
    assert done.credits == ()
    take(place, tmp_path, accept_277(text, charge.charge_id))
    done = hand(place, "837p", tmp_path)
    assert (done.charges, done.credits) == ((new.charge_id,), ())
    assert ":B:7*" in done.path.read_text()
    assert "REF*F8*PAYER7~" in done.path.read_text()
    assert "HC:76377:26:52*" in done.path.read_text()


def test_a_replacement_that_never_went_and_is_voided_leaves_a_void_of_the_first(place, tmp_path):
    charge = ready(place, "P1")
    text = hand(place, "837p", tmp_path).path.read_text()
    take(place, tmp_path, accept_277(text, charge.charge_id))
    new = take_back(place, charge, "replace", service__completion="reduced")
    take_back(place, new)
    done = hand(place, "837p", tmp_path)
    assert (done.charges, done.credits) == ((), (charge.charge_id,))


def test_a_claim_that_the_payer_refuses_comes_back_with_the_reason_and_may_go_again(place, tmp_path):
    charge, other = ready(place, "P1"), ready(place, "P2")
    text = hand(place, "837p", tmp_path).path.read_text()
    answer = accept_277(text, charge.charge_id, status="A7:562:85", action="U", number="", words="NPI NOT ON FILE")
    said = [t for t in take(place, tmp_path, answer) if t.outcome != "foreign"]
    assert [(t.outcome, t.charge_id) for t in said] == [("rejected", charge.charge_id)]
    assert "A7:562:85" in said[0].reason
    assert "NPI NOT ON FILE" in said[0].reason
    assert (state(place, charge), state(place, other)) == ("rejected", "sent")
    assert charge_office.charges(place)[0].reason == said[0].reason
    assert hand(place, "837p", tmp_path).number == 0  # a refused claim waits for a person
    by = Actor(who="b.biller", role="biller", workstation="T", at=place.now())
    with place.db.writing():
        ledger_of(place).resend(charge.charge_id, by, reason="enrolled now")
    done = hand(place, "837p", tmp_path)
    assert done.charges == (charge.charge_id,)
    assert ":B:1*" in done.path.read_text()
    # an answer to the first file that is late does not touch the second
    assert hand(place, "837p", tmp_path).number == 0


def test_a_refused_form_and_a_refused_envelope_refuse_their_claims(place, tmp_path):
    one, two = ready(place, "P1"), ready(place, "P2")
    text = hand(place, "837p", tmp_path).path.read_text()
    sets = text.split("ST*837*")
    broken = "ST*837*".join([sets[0], sets[1], sets[2].replace("DTP*472*D8*20260302~\n", "", 1)])
    answer = read_by_another(broken)[2]
    said = take(place, tmp_path, answer)
    assert {t.outcome for t in said if t.charge_id == one.charge_id} == {"noted"}
    assert "rejected" in {t.outcome for t in said if t.charge_id == two.charge_id}
    assert "999 R" in charge_office.charges(place)[0].reason
    ta1 = (
        "ISA*00*          *00*          *ZZ*CLEAR1         *ZZ*SUBMIT1        *260304*1030*^*00501*000000010*0*T*:~\n"
        "TA1*000000001*260304*1030*R*006~\nIEA*0*000000010~\n"
    )
    assert [t.outcome for t in take(place, tmp_path, ta1)] == ["rejected", "noted"]
    assert {state(place, one), state(place, two)} == {"rejected"}
    by = Actor(who="b.biller", role="biller", workstation="T", at=place.now())
    with place.db.writing():
        ledger_of(place).resend(two.charge_id, by, reason="again")
    # refused by form and by envelope, it is still one claim that goes again, once
    assert hand(place, "837p", tmp_path).charges == (two.charge_id,)
    assert hand(place, "837p", tmp_path).number == 0


@pytest.mark.parametrize("cut", [0, 3, 60, 105, 106, 400, -30])
def test_a_file_that_is_cut_off_is_refused_whole(place, tmp_path, cut):
    charge = ready(place, "P1")
    text = hand(place, "837p", tmp_path).path.read_text()
    with pytest.raises(InputRefused):
        take(place, tmp_path, accept_277(text, charge.charge_id)[:cut])
    assert state(place, charge) == "sent"


def test_answers_to_somebody_elses_file_touch_nothing(place, tmp_path):
    charge = ready(place, "P1")
    hand(place, "csv", tmp_path)
    foreign = accept_277("ISA" + "*x" * 12 + "*000000001", charge.charge_id, "SOMEBODYELSE")
    assert {t.outcome for t in take(place, tmp_path, foreign)} == {"foreign"}
    assert state(place, charge) == "sent"
    with pytest.raises(MessageHole):
        read_answers(foreign.replace("005010X214", "005010X212"))


# --- table, resources, paper ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("act", "changes"), [("void", {}), ("replace", {"service__completion": "reduced"})])
def test_a_table_tells_what_was_taken_back_before_what_is_new(place, tmp_path, act, changes):
    charge = ready(place, "P1")
    hand(place, "csv", tmp_path)
    new = take_back(place, charge, act, **changes)
    done = hand(place, "csv", tmp_path)
    rows = list(csv.DictReader(io.StringIO(done.path.read_text(), newline="")))
    assert rows[0]["charge_id"] == charge.charge_id
    assert rows[0]["state"] == ("void" if act == "void" else "replaced")
    assert done.charges == (() if act == "void" else (new.charge_id,))
    assert len(rows) == (1 if act == "void" else 2)
    assert hand(place, "csv", tmp_path).number == 0


def test_what_was_never_handed_over_needs_no_credit(place, tmp_path):
    take_back(place, ready(place, "P1"))
    for form in charge_office.FORMATS:
        assert hand(place, form, tmp_path).number == 0


def test_paper_claims_are_drawn_with_every_value(place, tmp_path):
    ready(place, "P1", service__completion="reduced")
    done = charge_office.export(place, BILLER, "cms1500", tmp_path / "claims.pdf")
    (page, *_) = pages(done.path.read_bytes(), tmp_path)
    (form,) = json.loads(place.exports.get(done.number).body)["forms"]
    squeezed = re.sub(r"\s+", "", page)
    for value in ("TEST,PAT", "1EG4TE5MK73", "I7143", "76377", "26", "52", "150.00", "1234567893", form["26"], "DEMO"):
        assert value in squeezed
    assert b"TEST" not in done.path.read_bytes()[-2000:]  # no name in the file's own description


def test_stated_insurance_is_checked():
    good = msgspec.to_builtins(COVERAGE)
    for change in ({"member_id": 5}, {"cause": "maybe"}, {"colour": "red"}, {"subscriber": {}}):
        with pytest.raises(Exception, match=r"insurance"):
            charge_export.read_coverage({**good, **change})
    assert charge_export.read_coverage(good) == COVERAGE
