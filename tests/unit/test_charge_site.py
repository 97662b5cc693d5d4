"""Payer records and site file of a home: what decides, how old it is, added and never changed, mistakes by line."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import TableError
from billing.payer_book import PayerRecord
from billing.site_files import line_of, payers_from_text, record_text, site_from_text
from workstation.__main__ import main
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused
from workstation.base.events import Actor
from workstation.desk.charge_case import decide_facts
from workstation.desk.charge_site import add_record, grounds_of, payer_page, read_payers, read_site_file
from workstation.desk.place import Place

BASE = json.loads((Path(__file__).parents[1] / "cases" / "billing_base.json").read_text())
BILLER = Actor("bill", "B. Sample", "biller", "2026-11-23T16:00:00+00:00")
DAY = dt.date(2026, 3, 2)
GOOD = """# our own
kind = "uhc"

[[record]]
from = 2026-01-01
source = "Letter of 2026-01-05"
checked_on = 2026-02-01
prior_auth_required = true

[[record]]
from = 2026-06-01
source = "Provider portal"
checked_on = 2026-06-02
"""


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path / "home", ScriptedClock(dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)), "TEST", demo=True)
    yield made
    made.close()


def facts(**payer):
    document = copy.deepcopy(BASE)
    document["payer"] = {"kind": "uhc", **payer}
    return document


@pytest.mark.parametrize(
    ("change", "line", "word"),
    [
        (
            ("prior_auth_required = true", 'prior_auth_required = "yes"'),
            8,
            "prior_auth_required: true or false is wanted here, not a text",
        ),
        (("prior_auth_required = true", "prior_auth = true"), 8, "prior_auth"),
        (("checked_on = 2026-06-02\n", ""), 10, "checked_on"),
        (("from = 2026-06-01", "from = 2026-06-31"), 11, ""),
        (("from = 2026-06-01", "from = 2026-06-01\nto = 2026-05-01"), 10, "ends before"),
        (('kind = "uhc"', 'kind = "acme"'), 2, "kind"),
        (('source = "Provider portal"', 'source = " "'), 10, "source"),
        (('source = "Provider portal"', 'source = "Provider portal'), 12, ""),
        (("[[record]]\nfrom = 2026-06-01", "[record]\nfrom = 2026-06-01"), 10, ""),
    ],
)
def test_a_mistake_is_told_with_file_and_line(change, line, word):
    assert change[0] in GOOD
    text = GOOD.replace(*change)
    with pytest.raises(TableError) as told:
        payers_from_text(text, name="uhc.toml")
    assert "uhc.toml" in told.value.sentence
    assert f"line {line}" in told.value.sentence
    assert word in told.value.sentence


def test_a_site_file_s_mistake_is_told_with_its_line():
    text = '[window]\nlook = "dark"\n\n[billing]\nlocality = "05102-01"\nlate_days = "three"\n'
    with pytest.raises(TableError, match=r"site\.toml, line 6: late_days"):
        site_from_text(text, name="site.toml")
    with pytest.raises(TableError, match=r"site\.toml, line 7"):
        site_from_text(text.replace('"three"', "3") + "late = 3\n", name="site.toml")
    assert site_from_text(text.replace('"three"', "5"), name="site.toml").late_days == 5


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path):
    (tmp_path / "uhc.toml").write_bytes(b'kind = "uhc"\n# caf\xe9\n')
    with pytest.raises(InputRefused, match=r"uhc\.toml is not UTF-8 text from line 2 on"):
        read_payers(tmp_path)


def test_the_line_of_a_key():
    assert line_of(GOOD, ".record[0].prior_auth_required") == 8
    assert line_of(GOOD, ".record[1].checked_on") == 13
    assert line_of(GOOD, ".record[1]") == 10
    assert line_of(GOOD, "") == 1
    assert line_of("", ".record[3].x") == 1


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=40)


@given(
    source=_WORDS.filter(lambda s: bool(s.strip())),
    notes=st.none() | _WORDS,
    plan=st.none() | _WORDS,
    days=st.none() | st.integers(1, 5000),
    yes=st.none() | st.booleans(),
    note=_WORDS,
)
def test_a_record_written_is_the_record_read(source, notes, plan, days, yes, note):
    record = PayerRecord(
        since=DAY, source=source, checked_on=DAY, notes=notes, plan=plan, filing_days=days, covered=yes
    )
    note = "".join(c for c in note if c.isprintable())
    read = payers_from_text('kind = "uhc"\n' + record_text(record, note=note), name="uhc.toml")
    assert read.record == (record,)


def test_records_and_site_of_the_home_decide_as_the_command_does(place, tmp_path, capsys):
    before = decide_facts(facts(), "2026-03-03", grounds_of(place.home))[1]
    assert before["decision"] == "bill"
    folder = place.home / "payers"
    folder.mkdir()
    (folder / "uhc.toml").write_text(GOOD)
    (place.home / "site.toml").write_text("[billing]\nlate_days = 5\n")
    after = decide_facts(facts(), "2026-03-03", grounds_of(place.home))[1]
    assert [q["field"] for q in after["questions"]] == ["payer.auth_number"]
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(facts()))
    site = str(place.home / "site.toml")
    command = ["charge", str(path), "--json", "--date", "2026-03-03", "--payers", str(folder), "--site", site]
    assert main(command) == 3
    assert json.loads(capsys.readouterr().out) == after
    assert read_site_file(place.home / "site.toml").late_days == 5


def test_unknown_stays_unknown_and_says_when_it_was_checked(place):
    page = payer_page(place.home, "uhc", None, DAY)
    said = {s.name: s for s in page.values}
    assert said["covered"].value is None
    assert said["covered"].record is None
    assert all(shipped for _, shipped in page.records)
    warned = decide_facts(facts(prior_auth_required=None), "2026-03-03", grounds_of(place.home))[1]["warnings"]
    assert any("Not known of this payer, checked 20" in w["text"] for w in warned)


def test_a_record_is_added_and_nothing_before_it_changes(place):
    since = dt.date(2026, 1, 1)
    first = PayerRecord(since=since, source="Letter", checked_on=DAY, prior_auth_required=True)
    add_record(place, BILLER, "uhc", first)
    path = place.home / "payers" / "uhc.toml"
    kept = path.read_text()
    second = PayerRecord(since=since, source="Correction by telephone", checked_on=DAY, prior_auth_required=False)
    add_record(place, BILLER, "uhc", second)
    assert path.read_text().startswith(kept)
    assert "by bill" in path.read_text()
    said = {s.name: s for s in payer_page(place.home, "uhc", None, DAY).values}
    assert said["prior_auth_required"].value is False  # of the same day, what was written later counts
    assert said["prior_auth_required"].record == second
    assert [r for r, shipped in payer_page(place.home, "uhc", None, DAY).records if not shipped] == [second, first]
    # an older date of service is decided by what was known for that day
    assert payer_page(place.home, "uhc", None, dt.date(2025, 12, 31)).values[1].value is None
    lines = [e.event for e in place.journal.entries() if e.event.kind == "payer_recorded"]
    assert [(e.actor, e.payload["record"]["source"]) for e in lines] == [
        (BILLER, "Letter"),
        (BILLER, "Correction by telephone"),
    ]


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (PayerRecord(since=DAY, source="x", checked_on=DAY), "says nothing"),
        (PayerRecord(source="x", checked_on=DAY, covered=True), "the day from which"),
        (PayerRecord(since=DAY, source=" ", checked_on=DAY, covered=True), "source"),
        (PayerRecord(since=DAY, until=dt.date(2026, 1, 1), source="x", checked_on=DAY, covered=True), "ends before"),
    ],
)
def test_an_empty_record_is_refused_and_nothing_is_written(place, record, word):
    with pytest.raises(InputRefused, match=word):
        add_record(place, BILLER, "uhc", record)
    assert not (place.home / "payers" / "uhc.toml").exists()
    assert not [e for e in place.journal.entries() if e.event.kind == "payer_recorded"]


def test_a_record_does_not_join_a_file_with_a_mistake(place):
    path = place.home / "payers" / "uhc.toml"
    path.parent.mkdir()
    path.write_text(GOOD.replace("= true", "= maybe"))
    with pytest.raises(InputRefused, match="line 8"):
        add_record(place, BILLER, "uhc", PayerRecord(since=DAY, source="x", checked_on=DAY, covered=True))
    assert path.read_text() == GOOD.replace("= true", "= maybe")
    with pytest.raises(InputRefused, match=r"uhc\.toml.*line 8"):
        grounds_of(place.home)
