"""Relative values and indices as published, the damage they take, and the estimate worked out by hand."""

from __future__ import annotations

import copy
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from billing.decide import answer_to_builtins, decide
from billing.errors import TableError
from billing.explain import explain
from billing.facts import read_facts
from billing.reference.files import read_folder, read_official
from billing.reference.tables import References
from billing.site import Site, read_site

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())


def fee_line(code, mod, status, work, office, facility, mp, factor="33.4009"):
    total = "0.00"
    cells = [code, mod, "words of the licence holder", status, "", work, office, "", facility, "", mp, total, total]
    cells += ["1", "XXX", "0.00", "0.00", "0.00", "0", "0", "0", "0", "0", "", factor, "09", "0", "99"]
    return ",".join([*cells, "0.00", "0.00", "0.00"]) + "\n"


FEES = (
    "2026 National Physician Fee Schedule Relative Value File January Release" + "," * 30 + "\n"
    "CPT codes and descriptions only are copyright"
    + "," * 30
    + "\n"
    + "," * 30
    + "\n"
    + ",,,,NOT USED,,NON-FAC"
    + "," * 24
    + "\n"
    + "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,"
    "PROC,SURG,SURG,SURG,SURG,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT\n"
    + fee_line("00100", "", "J", "0.00", "0.00", "0.00", "0.00")
    + fee_line("76376", "", "A", "0.20", "0.43", "0.43", "0.02")
    + fee_line("76377", "", "A", "0.77", "1.51", "1.51", "0.06")
    + fee_line("76377", "26", "A", "0.77", "0.29", "0.29", "0.04")
    + fee_line("76377", "TC", "A", "0.00", "1.22", "1.22", "0.02")
    + fee_line("A4216", "", "X", '"1,000.50"', "0.00", "0.00", "0.00")
)
PLACES = (
    "ADDENDUM E. FINAL CY 2026 GEOGRAPHIC PRACTICE COST INDICES,,,,,,,\n,,,,,,,\n"
    '"Medicare Administrative\nContractor (MAC)",State,Locality Number,Locality Name,'
    "2026 PW GPCI (without 1.0 Floor),2026 PW GPCI (with 1.0 Floor),2026 PE GPCI,2026 MP GPCI\n"
    "10112,AL,00,ALABAMA,0.981,1.000,0.869,0.575\n"
    "13202,NY,01,MANHATTAN,1.061,1.061,1.182,1.691\n"
    "02102,AK,01,ALASKA*,1.500,1.500,1.081,0.592\n"
    ",,,,,,,\n* Work index by law,,,,,,,\n"
)


def tables(tmp_path, fees=FEES, places=PLACES, name="PPRRVU2026_Jan_nonQPP.csv"):
    if fees is not None:
        (tmp_path / name).write_text(fees)
    if places is not None:
        (tmp_path / "GPCI2026.csv").write_text(places)
    return read_folder(tmp_path)


def answer(references, site=None, day="2026-03-02", **changes):
    document = copy.deepcopy(BASE)
    document["service"]["date"] = day
    document["as_of"] = None
    for path, value in changes.items():
        section, _, name = path.partition("__")
        document[section][name] = value
    return decide(read_facts(document), as_of=dt.date.fromisoformat(day), references=references, site=site)


def test_the_files_are_read_without_texts(tmp_path):
    found = tables(tmp_path)
    (fees,) = found.fees
    assert fees.effective == dt.date(2026, 1, 1)
    assert not fees.qualifying
    assert {(r.code, r.component) for r in fees.rows} == {
        ("76376", ""),
        ("76377", ""),
        ("76377", "26"),
        ("76377", "TC"),
    }
    assert "licence" not in repr(found)
    (places,) = found.localities
    assert places.rows["10112-00"].work == Decimal("1.000")  # with the floor
    assert places.rows["02102-01"].name == "ALASKA"
    assert len(places.rows) == 3


def test_the_estimate_is_the_formula_rounded_once(tmp_path):
    found = tables(tmp_path)
    # hospital outpatient: 26, facility expense; (0.77 + 0.29 + 0.04) x 33.4009 = 36.74099
    got = answer(found).estimate
    assert got.amount == Decimal("36.74")
    assert got.component == "26"
    assert got.locality == "national"
    # Manhattan: (0.77 x 1.061 + 0.29 x 1.182 + 0.04 x 1.691) x 33.4009 = 40.9956...
    by_hand = (Decimal("0.77") * Decimal("1.061") + Decimal("0.29") * Decimal("1.182") + Decimal("0.06764")) * Decimal(
        "33.4009"
    )
    assert answer(found, Site(locality="13202-01")).estimate.amount == round(by_hand, 2) == Decimal("41.00")
    whole = {"claim__pos": "11", "claim__owns_equipment": True, "claim__same_locality": True}
    office = answer(found, None, **whole, claim__tc_purchased=False)
    assert office.decision == "bill"
    assert office.estimate.component == "global"
    assert office.estimate.amount == Decimal("78.16")  # 2.34 x 33.4009 = 78.158
    part = answer(found, None, **{**whole, "claim__bills_reader": False}, claim__tc_purchased=False)
    assert part.estimate.amount + got.amount == office.estimate.amount
    line = answer(found, None, claim__form="institutional", claim__off_campus="no")
    assert line.estimate.amount == 0
    assert "packaged" in line.estimate.text


def test_the_estimate_says_that_it_is_one_with_file_and_day(tmp_path):
    got = answer(tables(tmp_path))
    text = next(line for line in explain(got) if line.startswith("Estimate"))
    assert "PPRRVU2026_Jan_nonQPP.csv of 2026-01-01" in text
    shown = json.loads(json.dumps(answer_to_builtins(got), default=str))["estimate"]
    assert shown["amount"] == "36.74"
    assert shown["files"] == [{"file": "PPRRVU2026_Jan_nonQPP.csv", "effective": "2026-01-01"}]


def test_no_file_no_estimate_and_no_estimate_for_what_is_rejected(tmp_path):
    assert answer(References()).estimate is None
    found = tables(tmp_path)
    assert answer(found, day="2025-12-31").estimate is None  # no schedule of that year
    assert answer(found, Site(locality="99999-01")).estimate is None
    rejected = answer(found, None, report__status="retracted")
    assert rejected.decision == "reject"
    assert rejected.estimate is None


def test_the_law_of_march_2024_changes_the_factor_within_the_january_file(tmp_path):
    found = tables(tmp_path, FEES.replace("33.4009", "32.7442"), None, "PPRRVU24_JAN.csv")
    assert answer(found, day="2024-03-08").estimate.conversion_factor == Decimal("32.7442")
    assert answer(found, day="2024-03-09").estimate.conversion_factor == Decimal("33.2875")


def test_qualifying_participants_have_their_own_table(tmp_path):
    (tmp_path / "PPRRVU2026_Jan_QPP.csv").write_text(FEES.replace("33.4009", "33.5675"))
    found = tables(tmp_path)
    assert answer(found).estimate.conversion_factor == Decimal("33.4009")
    assert answer(found, Site(qualifying_apm=True)).estimate.conversion_factor == Decimal("33.5675")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("00100,", "100,", "line 6: 100 is no code"),
        ("00100,", "1E+05,", "line 6: 1E\\+05 is no code"),
        ("76377,TC", "76377,26", "line 9: 76377 stands twice|line 10: 76377 stands twice"),
        (",0.77,1.51", ",x,1.51", "line 8: x stands where a number"),
        (",0.00,0.00,0.00\n", ",0.00\n", "29 columns where 31"),
        ("HCPCS,MOD", "Code,Mod", "none of the official files"),
    ],
)
def test_damaged_relative_values_are_refused_with_file_and_line(tmp_path, old, new, reason):
    path = tmp_path / "PPRRVU26_JAN.csv"
    path.write_text(FEES.replace(old, new))
    with pytest.raises(TableError, match=reason) as refused:
        read_official(path)
    assert "PPRRVU26_JAN.csv" in refused.value.sentence


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("10112,AL,00", "10112,AL,0", "line 5: .*lost a digit"),
        ("02102,AK", "2102,AK", "line 7: .*lost a digit"),
        ("1.061,1.061,1.182", "1.061,1.061,1182", "line 6: .*1182"),
        (",0.869,0.575", ",0.869", "line 5: 7 columns"),
        ("13202,NY", "13202x,NY", "line 6: 13202x is no number"),
    ],
)
def test_damaged_indices_are_refused_with_file_and_line(tmp_path, old, new, reason):
    path = tmp_path / "GPCI2026.csv"
    path.write_text(PLACES.replace(old, new))
    with pytest.raises(TableError, match=reason) as refused:
        read_official(path)
    assert "GPCI2026.csv" in refused.value.sentence


def test_a_name_without_its_date_is_refused(tmp_path):
    for name, text in (("PPRRVU.csv", FEES), ("GPCI.csv", PLACES)):
        (tmp_path / name).write_text(text)
        with pytest.raises(TableError, match="published one"):
            read_official(tmp_path / name)
    (tmp_path / "PPRRVU26_JAN.txt").write_text("fixed width\n")
    with pytest.raises(TableError, match="csv"):
        read_official(tmp_path / "PPRRVU26_JAN.txt")


def test_settings_of_the_site_for_the_estimate():
    site = read_site({"billing": {"locality": "13202-01", "fees": {"76377": 350}}}, name="site.toml")
    assert site.locality == "13202-01"
    assert site.fees == {"76377": Decimal(350)}
    with pytest.raises(TableError, match=r"site.toml: .*fees"):
        read_site({"billing": {"fees": {"76377": "much"}}}, name="site.toml")


def fixed_line(code, mod, status, work, office, facility, mp, na="", factor="33.4009"):
    """A row as the fixed-width text has it: columns end where they end in published rows."""
    values = [Decimal(v) for v in (work, office, facility, mp)]
    totals = values[0] + values[1] + values[3], values[0] + values[2] + values[3]
    return (
        f"{code:5}{mod:2}{'words of the licence holder':50}{status} {work:>6}{office:>7}"
        f"{na:2}{facility:>7}{'':2}{mp:>6}"
        f"{totals[0]:>7}{totals[1]:>6}1XXX.00.00.0000000{'':5}{factor:>15} 090 99{'0.00':>10}{'0.00':>7}{'0.00':>7}\n"
    )


FIXED = (
    "HDR2026 National Physician Fee Schedule Relative Value File January Release\n"
    "HDRCPT codes and descriptions only are copyright\n"
    + fixed_line("00100", "", "J", "0.00", "0.00", "0.00", "0.00")
    + fixed_line("76376", "", "A", "0.20", "0.43", "0.43", "0.02")
    + fixed_line("76377", "", "A", "0.77", "1.51", "1.51", "0.06")
    + fixed_line("76377", "26", "A", "0.77", "0.29", "0.29", "0.04", na="NA")
    + fixed_line("76377", "TC", "A", "0.00", "1.22", "1.22", "0.02", na="NA")
)
# a row of the October release of 2025, without its descriptor
PUBLISHED = (
    "00100  " + " " * 50 + "J   0.00   0.00     0.00    0.00   0.00  0.009XXX.00.00.0099999             32.3465 090 99"
    "      0.00   0.00   0.00\n"
)


def test_the_fixed_text_says_the_same_as_the_table(tmp_path):
    (tmp_path / "PPRRVU2026_Jan_nonQPP.csv").write_text(FEES)
    (tmp_path / "PPRRVU2026_Jan_nonQPP.txt").write_bytes(FIXED.replace("\n", "\r\n").encode())
    table, text = (read_official(tmp_path / f"PPRRVU2026_Jan_nonQPP{end}") for end in (".csv", ".txt"))
    assert text.kept.rows == table.kept.rows
    assert (text.kept.effective, text.kept.qualifying) == (table.kept.effective, False)
    # of one download one file counts, the text where it is alone
    assert [f.file for f in read_folder(tmp_path).fees] == ["PPRRVU2026_Jan_nonQPP.csv"]
    (tmp_path / "PPRRVU2026_Jan_nonQPP.csv").unlink()
    assert [f.file for f in read_folder(tmp_path).fees] == ["PPRRVU2026_Jan_nonQPP.txt"]
    line = fixed_line("00100", "", "J", "0.00", "0.00", "0.00", "0.00", factor="32.3465")
    assert (
        line.replace("words of the licence holder", " " * 27).replace(".0000000", ".0099999").replace("1XXX", "9XXX")
        == PUBLISHED
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("0.77   1.51", "0.77   1.15", "line 5: the values of 76377 do not make up its total 2.34"),
        ("A   0.20", "A  0.20", "line 4: "),
        ("76377TC", "7637 TC", "line 7: this is not the fixed layout"),
        ("33.4009", "33,4009", "take the csv or xlsx"),
        ("A   0.77", "A   O.77", "line 5: this is not the fixed layout"),
    ],
)
def test_a_damaged_fixed_text_is_refused_with_file_and_line(tmp_path, old, new, reason):
    path = tmp_path / "PPRRVU26_JAN.txt"
    assert old in FIXED
    path.write_text(FIXED.replace(old, new))
    with pytest.raises(TableError, match=reason) as refused:
        read_official(path)
    assert "PPRRVU26_JAN.txt" in refused.value.sentence
