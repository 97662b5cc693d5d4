"""The charge message through another HL7 library, strictly, and what that library does not check."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.charge import draft, identity_of
from billing.decide import decide
from billing.errors import MessageHole, TableError
from billing.facts import read_facts
from billing.icd import IcdCode
from billing.ledger import Actor, Ledger, MemoryStore
from billing.messages.hl7 import (
    MessageContext,
    PersonName,
    Provider,
    Systems,
    control_id,
    credit_of,
    dft,
    escape,
    frame,
    read_acknowledgement,
    read_back,
    unescape,
)
from billing.messages.layout import Layout
from billing.messages.proof import prove
from billing.reference.tables import BUILT_IN, IcdVersion, References
from billing.site_files import site_from_text

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
BILLER = Actor(who="b.biller", role="biller", workstation="WS1", at="2026-03-03T09:00:00Z")
CONTEXT = MessageContext(
    systems=Systems(
        sending_application="RENDERDESK",
        sending_facility="SITE",
        receiving_application="BILLING",
        receiving_facility="GROUP",
    ),
    posted_at=dt.datetime(2026, 3, 3, 9, 0, tzinfo=dt.UTC),
    patient_id="P100",
    patient_authority="SITE",
    patient_name=PersonName("Müller|O^Neil", "A&B~C\\D"),
    birth_date=dt.date(1963, 5, 4),
    sex="M",
    account="ACC1",
    visit_class="O",
    visit_location="RAD",
    visit_number="V1",
    attending=Provider(npi="1444555662", name=PersonName("Ward", "Ann")),
    rendering=Provider(npi="1234567893", name=PersonName("Reader", "Rae")),
    ordering=Provider(npi="1444555662"),
    order_number="A1",
    plan_id="MEDICARE",
    company_id="00882",
    company_name="Medicare",
)


def charge(**changes):
    document = copy.deepcopy(BASE)
    document["dx"].append({"code": "K55.1", "label": None})
    for path, value in changes.items():
        section, name = path.split("__")
        document[section][name] = value
    read = read_facts(document)
    drafted = draft(read, decide(read), identity_of(read, study_uid="1.2.3"))
    return Ledger(MemoryStore()).confirm(drafted, BILLER)


def parsed(message):
    return parse_message(message, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)


@pytest.mark.parametrize("with_procedure", [False, True])
def test_another_library_reads_the_charge_strictly(with_procedure):
    kept = charge(service__completion="reduced")
    message = dft(
        kept, replace(CONTEXT, layout=Layout(segments=("PR1", "DG1", "IN1") if with_procedure else ("DG1", "IN1")))
    )
    read = parsed(message)
    assert read.validate()
    assert read.msh.msh_9.to_er7() == "DFT^P03^DFT_P03"
    assert read.msh.msh_12.to_er7() == "2.5.1"
    assert read.msh.msh_18.to_er7() == "UNICODE UTF-8"
    assert len(read.msh.msh_10.to_er7()) <= 20
    financial = read.dft_p03_financial
    ft1 = financial.ft1
    assert ft1.ft1_2.to_er7() == kept.charge_id
    assert ft1.ft1_4.to_er7() == "20260302"
    assert ft1.ft1_6.to_er7() == "CG"
    assert ft1.ft1_7.to_er7() == "76377^^C4"
    assert ft1.ft1_10.to_er7() == "1"
    assert [f.to_er7() for f in ft1.ft1_19] == ["I71.43^^I10C", "K55.1^^I10C"]
    assert [f.to_er7() for f in ft1.ft1_26] == ["26", "52"]
    assert ft1.ft1_20.ft1_20_1.to_er7() == "1234567893"
    assert ft1.ft1_20.ft1_20_13.to_er7() == "NPI"
    assert ft1.ft1_20.ft1_20_2.to_er7() == "Reader"
    assert ft1.ft1_21.ft1_21_1.to_er7() == "1444555662"
    assert ft1.ft1_23.to_er7() == "A1"
    assert read.pid.pid_3.to_er7() == "P100^^^SITE^MR"
    assert read.pid.pid_18.to_er7() == "ACC1"
    assert read.pv1.pv1_19.to_er7() == "V1"
    assert [d.dg1_3.to_er7() for d in read.dg1] == ["I71.43^^I10C", "K55.1^^I10C"]
    assert [d.dg1_6.to_er7() for d in read.dg1] == ["F", "F"]
    assert ("PR1|" in message) == with_procedure
    assert "Z" not in {line[0] for line in message.split("\r") if line}


def test_the_message_says_what_the_charge_says_and_no_more():
    kept = charge()
    message = dft(kept, CONTEXT)
    segments = {s.split("|")[0]: s.split("|") for s in message.split("\r") if s}
    assert list(dict.fromkeys(s.split("|")[0] for s in message.split("\r") if s)) == (
        ["MSH", "EVN", "PID", "PV1", "FT1", "DG1", "IN1"]
    )
    assert segments["FT1"][26] == "~".join(kept.modifiers)
    assert segments["FT1"][19] == "~".join(f"{d}^^I10C" for d in kept.diagnoses)
    assert not any(s.endswith("|") for s in message.split("\r"))
    assert message.endswith("\r")
    assert message.count("76377") == 2
    assert frame(message) == b"\x0b" + message.encode() + b"\x1c\r"


def test_delimiters_in_names_do_not_break_the_message():
    read = parsed(dft(charge(), CONTEXT))
    assert unescape(read.pid.pid_5.pid_5_1.to_er7()) == "Müller|O^Neil"
    assert unescape(read.pid.pid_5.pid_5_2.to_er7()) == "A&B~C\\D"
    assert len(read.dg1) == 2


@given(st.text(max_size=30))
def test_escaped_text_comes_back_and_holds_no_delimiter(text):
    shown = escape(text)
    assert unescape(shown) == text
    assert not set(shown) & set("|^&~\r\n")


def test_a_retry_is_the_same_message_and_a_credit_another():
    ledger = Ledger(MemoryStore())
    kept = ledger.confirm(charge_draft(), BILLER)
    assert dft(kept, CONTEXT) == dft(replace(kept, state="sent"), CONTEXT)
    voided = ledger.void(kept.charge_id, BILLER, reason="wrong patient", again=kept.charge_id).charge
    credit = dft(voided, CONTEXT, credit=True)
    assert parsed(credit).dft_p03_financial.ft1.ft1_6.to_er7() == "CD"
    assert control_id(kept) != control_id(kept, credit=True)
    with pytest.raises(MessageHole, match="void"):
        dft(voided, CONTEXT)
    with pytest.raises(MessageHole, match="confirmed"):
        dft(kept, CONTEXT, credit=True)


def charge_draft():
    read = read_facts(BASE)
    return draft(read, decide(read), identity_of(read, study_uid="1.2.3"))


@pytest.mark.parametrize(
    ("hole", "change"),
    [
        ("patient.id", {"patient_id": ""}),
        ("patient.id", {"patient_id": "P101"}),
        ("patient.authority", {"patient_authority": " "}),
        ("patient.name", {"patient_name": PersonName("", "A")}),
        ("patient.birth_date", {"birth_date": dt.date(2026, 3, 3)}),
        ("visit.class", {"visit_class": ""}),
        ("account or visit number", {"account": "", "visit_number": ""}),
        ("order number or accession", {"order_number": ""}),
        ("sending facility", {"systems": replace(CONTEXT.systems, sending_facility="")}),
        ("posting time", {"posted_at": dt.datetime(2026, 3, 3, 9, 0)}),  # noqa: DTZ001 - the hole itself
        ("posting time", {"posted_at": dt.datetime(2026, 2, 27, 9, 0, tzinfo=dt.UTC)}),
        ("rendering NPI", {"rendering": Provider(npi="1234567890")}),
        ("provider", {"rendering": Provider(npi="1444555662")}),
    ],
)
def test_a_hole_is_named_and_nothing_is_written(hole, change):
    with pytest.raises(MessageHole) as refused:
        dft(charge(), replace(CONTEXT, **change))
    assert refused.value.hole == hole
    assert "P100" not in refused.value.sentence


@pytest.mark.parametrize(
    ("hole", "change"),
    [
        ("state", {"state": "draft"}),
        ("code", {"code": "74177"}),
        ("modifiers", {"modifiers": ("26", "26")}),
        ("modifiers", {"modifiers": ("52", "26")}),
        ("modifiers", {"modifiers": ("26", "CT")}),
        ("modifiers", {"modifiers": ()}),
        ("modifiers", {"modifiers": ("26", "52", "XS", "76", "RT")}),
        ("units", {"units": 0}),
        ("diagnosis", {"diagnoses": ()}),
        ("diagnosis", {"diagnoses": ("I7143",)}),
    ],
)
def test_a_charge_that_contradicts_itself_is_not_sent(hole, change):
    with pytest.raises(MessageHole) as refused:
        dft(replace(charge(), **change), CONTEXT)
    assert refused.value.hole == hole


def answer(code, control, reason="", error=""):
    text = f"MSH|^~\\&|B|G|R|S|20260303||ACK^P03|9|P|2.5.1\rMSA|{code}|{control}|{reason}\r"
    return text + (f"ERR||||||||{error}\r" if error else "")


def test_acknowledgements():
    own = control_id(charge())
    assert read_acknowledgement(answer("AA", own), own).state == "acknowledged"
    assert read_acknowledgement(answer("CA", own), own).state == "acknowledged"
    refused = read_acknowledgement(answer("AE", own, "unknown patient", "PID-3 \\T\\ visit"), own)
    assert refused.state == "rejected"
    assert refused.reason == "unknown patient; PID-3 & visit"
    assert read_acknowledgement(answer("AR", own), own).reason == "no reason given"
    assert read_acknowledgement(answer("AA", "OTHER"), own) is None
    for broken in ("", "hello", answer("XX", own)):
        with pytest.raises(MessageHole):
            read_acknowledgement(broken, own)


def test_the_other_library_would_see_a_missing_code():
    """The strict reading above can fail: without FT1-7 it does."""
    broken = dft(charge(), CONTEXT).replace("|CG|76377^^C4|", "|CG||")
    with pytest.raises(Exception, match=r"(?i)ft1_7"):
        parsed(broken).validate()


# --- the site's form -----------------------------------------------------------------------------------------------


def test_each_form_that_a_site_may_choose_is_read_strictly_by_another_library():
    kept = charge(service__completion="reduced")
    every = ("ORC", "OBR", "PR1", "DG1", "IN1")
    for n in range(2 ** len(every)):
        segments = tuple(s for i, s in enumerate(every) if n >> i & 1)
        if "OBR" in segments and "ORC" not in segments:
            with pytest.raises(ValueError, match="OBR"):
                Layout(segments=segments)
            continue
        layout = Layout(segments=segments, accept_acknowledgement="", application_acknowledgement="NE")
        message = dft(kept, replace(CONTEXT, layout=layout))
        assert parsed(message).validate()
        names = [line.split("|")[0] for line in message.split("\r") if line]
        assert {n for n in names if n not in {"MSH", "EVN", "PID", "PV1", "FT1"}} == set(segments)
        head = message.split("\r")[0].split("|")
        assert (head[14], head[15]) == ("", "NE")


def test_the_order_and_the_coding_system_are_the_sites():
    layout = Layout(segments=("ORC", "OBR", "DG1"), diagnosis_system="I10")
    read = parsed(dft(charge(), replace(CONTEXT, layout=layout)))
    order = read.dft_p03_common_order
    assert order.orc.orc_3.to_er7() == "A1"
    assert order.dft_p03_order.obr.obr_3.to_er7() == "A1"
    assert order.dft_p03_order.obr.obr_4.to_er7() == "76377^^C4"
    assert read.dg1[0].dg1_3.to_er7() == "I71.43^^I10"


def test_a_place_has_its_components_and_text_in_them_is_escaped():
    read = parsed(dft(charge(), replace(CONTEXT, visit_location="R&D^^^HOSP", patient_type="OUT")))
    assert read.pv1.pv1_3.to_er7() == "R\\T\\D^^^HOSP"
    ft1 = read.dft_p03_financial.ft1
    assert (ft1.ft1_16.to_er7(), ft1.ft1_18.to_er7()) == ("R\\T\\D^^^HOSP", "OUT")


SITE = """[billing]
late_days = 3

[billing.message]
segments = ["PR1", "DG1"]
order_number = "accession"

[[billing.receivers]]
name = "office"
host = "10.0.0.5"
port = 6661
"""


@pytest.mark.parametrize(
    ("before", "after", "line", "word"),
    [
        ('["PR1", "DG1"]', '["PR1", "ZXX"]', 5, "ZXX"),
        ('["PR1", "DG1"]', '["PR1", "PR1"]', 4, "twice"),
        ('["PR1", "DG1"]', '["OBR"]', 4, "ORC"),
        ('"accession"', '"visit"', 6, "visit"),
        ("order_number", "order_nummer", 6, "order_nummer"),
        ("6661", '"6661"', 11, "port"),
        ("6661", "0", 8, "port"),
        ("order_number", "patient_types = { X = 'no' }\norder_number", 4, "patient class"),
        ("6661", "6661\nverify = false", 12, "verify"),
        ("6661", "6661\nca_file = 'ca.pem'", 8, "tls"),
        ("6661", "6661\ntls = true\npin_sha256 = 'beef'", 8, "64"),
        ("6661", "6661\n[[billing.receivers]]\nname = 'second'\nhost = 'h'\nport = 1", 1, "more than one"),
        ("late_days = 3", 'late_days = 3\n[billing.fees]\n"76377-22" = 5', 1, "76377-22"),
    ],
)
def test_a_mistake_in_the_sites_form_is_refused_with_its_line(before, after, line, word):
    assert site_from_text(SITE, name="site.toml").message.segments == ("PR1", "DG1")
    with pytest.raises(TableError) as refused:
        site_from_text(SITE.replace(before, after, 1), name="site.toml")
    assert refused.value.sentence.startswith(f"site.toml, line {line}:")
    assert word in refused.value.sentence


# --- our own reading -----------------------------------------------------------------------------------------------

BREAKS = {
    "FT1-6": ("|CG|76377", "|ZZ|76377"),
    "FT1-7": ("|CG|76377^^C4|", "|CG|76377^^I9|"),
    "FT1-25": ("|A1||76377^^C4|26~52", "|A1||76376^^C4|26~52"),
    "modifiers": ("26~52", "26~26"),
    "modifiers ": ("26~52", "52~26"),
    "modifiers  ": ("26~52", "26"),
    "segments": ("PR1|1||76377^^C4||20260302", "PR1|1||76377^^C4||20260303"),
    "segments ": ("DG1|2||K55.1", "DG1|2||K55.8"),
    "segments  ": ("DG1|2||", "DG1|3||"),
    "segments   ": ("EVN||", "ZEV||"),
    "FT1-1": ("FT1|1|", "FT1|2|"),
    "diagnosis": ("I71.43^^I10C~K55.1^^I10C", "I71.43^^I10C~K55.1^^I9C"),
    "units": ("|76377^^C4|||1|", "|76377^^C4|||2|"),
    "service date": ("|20260302|20260303", "|20260231|20260303"),
    "service date ": ("|20260302|20260303", "|20260301|20260303"),
    "posting time": ("|20260302|2026030309", "|20260302|2026022809"),
    "patient.birth_date": ("|19630504|", "|20270504|"),
    "patient.sex": ("|19630504|M|", "|19630504|X|"),
    "visit.class": ("PV1|1|O|", "PV1|1|Q|"),
    "rendering NPI": ("1234567893^Reader", "1234567890^Reader"),
    "ordering NPI": ("|1444555662^^^", "|1444555660^^^"),
    "PID-5": ("|M\\T\\uller", "|"),
    "MSH-9": ("DFT^P03^DFT_P03", "DFT^P03"),
    "processing": ("|P|2.5.1|", "|X|2.5.1|"),
}


def own_message(*segments):
    kept = charge(service__completion="reduced")
    context = replace(CONTEXT, layout=Layout(segments=segments), patient_name=PersonName("M&uller", "A"))
    return kept, dft(kept, context)


@pytest.mark.parametrize("hole", list(BREAKS))
def test_our_own_reading_finds_what_the_other_library_lets_pass(hole):
    kept, message = own_message(*(("PR1", "DG1") if hole.startswith("segments") else ()))
    before, after = BREAKS[hole]
    assert before in message, message
    prove(read_back(message), kept, references=BUILT_IN)
    broken = message.replace(before, after, 1)
    with pytest.raises(MessageHole) as refused:
        prove(read_back(broken), kept, references=BUILT_IN)
    assert refused.value.hole == hole.strip()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_changed_digit_or_lost_segment_passes(data):
    """Whatever digit of FT1, PR1 or DG1 is changed, or whichever segment is lost, it is noticed."""
    kept, message = own_message("PR1", "DG1")
    lines = message.split("\r")[:-1]
    n = data.draw(st.sampled_from([i for i, line in enumerate(lines) if line[:3] in {"FT1", "PR1", "DG1"}]))
    if data.draw(st.booleans()) and lines[n][:3] != "PR1":
        changed = [*lines[:n], *lines[n + 1 :]]
    else:
        fields = lines[n].split("|")
        # the posting time and the order's number are not the charge's own; authorities are fixed words
        free = {5, 23} if fields[0] == "FT1" else set()
        spots = [
            (f, i)
            for f, text in enumerate(fields)
            for i, c in enumerate(text.split("&")[0])
            if c.isdigit() and f not in free and not (f in {0} and fields[0] in {"FT1", "PR1", "DG1"})
        ]
        f, i = data.draw(st.sampled_from(spots))
        digit = data.draw(st.sampled_from([d for d in "0123456789" if d != fields[f][i]]))
        fields[f] = fields[f][:i] + digit + fields[f][i + 1 :]
        changed = [*lines[:n], "|".join(fields), *lines[n + 1 :]]
    with pytest.raises(MessageHole):
        prove(read_back("\r".join(changed) + "\r"), kept, references=BUILT_IN)


def test_a_diagnosis_that_a_later_table_ends_stops_a_charge_and_not_its_credit():
    ended = IcdVersion("icd10cm_order_2026.txt", dt.date(2025, 10, 1), {"K55.1": IcdCode("K55.1", True, None, None)})
    tables = References(icd=(ended,))
    kept = charge()
    with pytest.raises(MessageHole) as refused:
        dft(kept, CONTEXT, references=tables)
    assert refused.value.hole == "diagnosis"
    voided = replace(kept, state="void")
    assert "|CD|" in dft(voided, CONTEXT, credit=True, references=tables)


def test_a_credit_repeats_what_was_sent_and_is_read_strictly():
    kept = charge()
    sent = dft(kept, CONTEXT)
    voided = replace(kept, state="void")
    credit = credit_of(voided, sent, CONTEXT.posted_at + dt.timedelta(days=3))
    assert parsed(credit).validate()
    assert credit.count("\r") == sent.count("\r")
    assert "20260306090000" in credit
    with pytest.raises(MessageHole):
        credit_of(voided, sent.replace("76377", "74177"), CONTEXT.posted_at)
    with pytest.raises(MessageHole):
        credit_of(kept, sent, CONTEXT.posted_at)
