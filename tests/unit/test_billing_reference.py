"""The official files as published, and the damage that they take on the way."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path

import pytest

from billing.decide import decide
from billing.errors import TableError
from billing.facts import read_facts
from billing.icd import contradictions, meaning
from billing.reference.files import pair_name, read_folder
from workstation.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())

PAIR_HEAD = (
    '"CPT only copyright. All rights reserved."\t\t\t\t\t\t\n'
    "Column1/Column2 Edits\t\t\t\t\t\t\n"
    "Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale\n"
    "\t\tprior to 1996\tDate\tDate\t0=not allowed\t\n"
    "\t\t\t\t*=no data\t1=allowed\t\n"
    "\t\t\t\t\t9=not applicable\t\n"
)
PAIR_ROWS = (
    "78815\t76377\t\t20200101\t*\t1\tMisuse of column two code\n"
    "61783\t76377\t\t20200101\t*\t0\tMore extensive procedure\n"
    "77001\t76377\t\t20080101\t20251231\t0\tMisuse of column two code\n"
    "00100\t0543T\t*\t19960101\t*\t9\tSomething else\n"
)
UNITS = (
    "HCPCS/CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n"
    '0001A,1,3 Date of Service Edit: Clinical,"Nature of Service"\n'
    "76376,2,3 Date of Service Edit: Clinical,Clinical: Data\n"
    "76377,1,2 Date of Service Edit: Policy,Clinical: Data\n"
    'A4216,"1,000",3 Date of Service Edit: Clinical,x\n'
)


def icd_line(number, code, flag, title):
    return f"{number:05d} {code:<7} {flag} {title[:60]:<60} {title}\n"


ICD = (
    icd_line(1, "I71", 0, "Aortic aneurysm and dissection")
    + icd_line(2, "I714", 0, "Abdominal aortic aneurysm, without rupture")
    + icd_line(3, "I7143", 1, "Infrarenal abdominal aortic aneurysm, without rupture")
    + icd_line(4, "S82141A", 1, "Displaced bicondylar fracture of right tibia, initial encounter for closed fracture")
)
TAXONOMY = (
    '"Code","Grouping","Classification","Specialization","Definition","Notes","Display Name","Section"\n'
    '"2085R0202X","Allopathic","Radiology","Diagnostic Radiology","Line one\nline two","","x","Individual"\n'
    '"207RE0101X","Allopathic","Internal","Endocrinology","d","","x","Individual"\n'
)
NAMES = {
    "units": "MCR_MUE_PractitionerServices_Eff_01-01-2026.csv",
    "icd": "icd10cm_order_2026.txt",
    "taxonomy": "nucc_taxonomy_251.csv",
}


def folder(tmp_path, **files):
    """A folder with all tables; a named one replaced, or left out with None."""
    content = {
        **{
            f"ccipra-v320r0-f{n}.txt": PAIR_HEAD + (PAIR_ROWS if n == 3 else "11111\t22222\t\t20200101\t*\t0\tx\n")
            for n in (1, 2, 3, 4)
        },
        NAMES["units"]: UNITS,
        NAMES["icd"]: ICD,
        NAMES["taxonomy"]: TAXONOMY,
    }
    for key, value in files.items():
        content[NAMES.get(key, "ccipra-v320r0-f3.txt")] = value
    for name, text in content.items():
        if text is not None:
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path


def decided(references, change, day="2026-03-02"):
    document = copy.deepcopy(BASE)
    for path, value in change.items():
        section, _, name = path.partition("__")
        if name:
            document[section][name] = value
        else:
            document[section] = value
    document["service"]["date"] = day
    return decide(read_facts(document), references=references)


def test_tables_are_read_and_dated(tmp_path):
    found = read_folder(folder(tmp_path))
    (table,) = found.pairs
    assert (table.form, table.effective, len(table.rows)) == ("professional", dt.date(2026, 1, 1), 3)
    assert found.units[0].effective == dt.date(2026, 1, 1)
    assert found.units[0].rows["76377"].value == 1
    assert found.icd[0].effective == dt.date(2025, 10, 1)
    assert found.icd[0].rows["I71.43"].billable
    assert not found.icd[0].rows["I71.4"].billable
    assert found.taxonomy[0].effective == dt.date(2025, 7, 1)
    assert "207RE0101X" in found.taxonomy[0].codes
    assert pair_name("ccioph-v313r0-f2.txt") == ("institutional", dt.date(2025, 10, 1), 2, 0)


def test_tables_decide(tmp_path):
    found = read_folder(folder(tmp_path, units=UNITS.replace("76377,1,2", "76377,2,3")))

    def beside(code, **more):
        other = {"code": code, "same_anatomy": None, "same_session": None, "same_provider": True, **more}
        return decided(found, {"other_codes": [other]})

    assert beside("61783").decision == "reject"
    assert beside("78815", same_anatomy=False).modifiers == ("26", "XS")
    assert beside("77001").decision == "bill"  # the edit was deleted before the service
    assert beside("12345").decision == "bill"  # a complete table that does not know the pair
    assert "ccipra-v320r0-f1.txt" in {r.file for r in beside("12345").references}
    earlier = {"code": "78815", "same_anatomy": False, "same_session": None, "same_provider": True}
    held = decided(found, {"other_codes": [earlier]}, day="2025-12-31")
    assert "reference.ptp" in {q.field for q in held.questions}  # no table that old: nothing is guessed


def test_the_imported_icd_file_decides_on_codes_and_sides(tmp_path):
    found = read_folder(folder(tmp_path, units=None))
    sided = {"dx": [{"code": "S82.141A", "label": None}], "laterality": {"order": "left", "report": "left"}}
    assert "R-DX-04" in {r.rule for r in decided(found, sided).reasons if r.outcome == "hold"}
    unknown = decided(found, {"dx": [{"code": "Z99.99", "label": None}]})
    assert [q.field for q in unknown.questions] == ["dx[0].code"]
    header = decided(found, {"dx": [{"code": "I71.4", "label": None}]})
    assert "I71.43" in header.questions[0].ask
    old = decide(
        read_facts({**BASE, "as_of": "2027-02-01", "service": {**BASE["service"], "date": "2027-01-15"}}),
        references=found,
    )
    assert "W-REF-OLD" in {w.id for w in old.warnings}


def test_unit_limits_of_the_file_count(tmp_path):
    found = read_folder(folder(tmp_path))
    ledger = [{"code": "76377", "component": "26", "anatomy": "face", "state": "sent", "date": "2026-03-02"}]
    change = {"ledger": ledger, "distinct": {"session": "same", "anatomy_contiguous": False}}
    assert decided(found, change).decision == "reject"  # one a day, adjudication indicator 2


def test_a_site_may_accept_a_taxonomy_of_the_imported_file(tmp_path, capsys):
    tables = tmp_path / "tables"
    tables.mkdir()
    folder(tables)
    document = copy.deepcopy(BASE)
    document["providers"]["rendering_taxonomy"] = "207RE0101X"
    path, site = tmp_path / "facts.json", tmp_path / "site.toml"
    path.write_text(json.dumps(document))
    site.write_text('[billing]\naccepted_taxonomies = ["207RE0101X"]\n')
    assert main(["charge", str(path), "--reference", str(tables)]) == 3
    assert main(["charge", str(path), "--site", str(site)]) == 3
    assert main(["charge", str(path), "--reference", str(tables), "--site", str(site)]) == 0
    capsys.readouterr()
    site.write_text('[billing]\naccepted = ["207RE0101X"]\n')
    assert main(["charge", str(path), "--site", str(site)]) == 1
    assert "site.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("pairs", None, "missing"),
        ("pairs", PAIR_HEAD, "headings only"),
        ("pairs", "", "empty"),
        ("pairs", "<html><body>Not found</body></html>", "web page"),
        ("pairs", PAIR_HEAD + PAIR_ROWS.replace("00100", "100"), "no code"),
        ("pairs", PAIR_HEAD + PAIR_ROWS.replace("00100", "1E+05"), "line 10"),
        ("pairs", PAIR_HEAD + PAIR_ROWS.replace("0543T", "1-Jan"), "no code"),
        ("pairs", PAIR_HEAD + PAIR_ROWS.replace("*\t9\t", "*\t7\t"), "indicator"),
        ("pairs", PAIR_HEAD + PAIR_ROWS.replace("19960101", "1996-01-01"), "no date"),
        ("pairs", PAIR_HEAD + PAIR_ROWS.replace("20251231", "20071231"), "deleted before"),
        ("pairs", PAIR_HEAD + PAIR_ROWS + PAIR_ROWS.replace("*\t0\t", "*\t1\t"), "twice"),
        ("pairs", (PAIR_HEAD + PAIR_ROWS).encode("utf-16"), "encoding"),
        ("pairs", "some words\nand more words\n", "none of the official files"),
        ("units", UNITS.replace("76377,1,2", "76377,x,2"), "no number"),
        ("units", UNITS + "76377,3,2 Date,x\n", "twice"),
        ("icd", ICD.replace("00003 I71", "3 I71"), "line 3"),
        ("taxonomy", TAXONOMY.replace('"207RE0101X"', '"Endocrine"'), "no taxonomy code"),
    ],
)
def test_damage_is_refused_with_file_and_reason(tmp_path, kind, text, reason):
    with pytest.raises(TableError, match=reason) as refused:
        read_folder(folder(tmp_path, **{kind: text}))
    name = NAMES.get(kind, "ccipra-v320r0-f")
    assert name in refused.value.sentence


def test_harmless_differences_are_read(tmp_path):
    """Mixed line ends, blank trailing columns, cp1252, blank for "no deletion date"."""
    text = (PAIR_HEAD + PAIR_ROWS).replace("\n", "\r\n").replace("Misuse of", "Misuse \x96")
    text = text.replace("two code\r\n", "two code\t\t\n").replace("\t*\t1\t", "\t\t1\t")
    found = read_folder(folder(tmp_path, pairs=text.encode("latin-1")))
    assert {(p.column1, str(p.indicator)) for p in found.pairs[0].rows} == {
        ("78815", "1"),
        ("61783", "0"),
        ("77001", "0"),
    }
    (tmp_path / "README.txt").write_text("notes")
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    (tmp_path / "GPCI2026.txt").write_text("indices in fixed columns: the csv beside it is read")
    assert len(read_folder(tmp_path).pairs) == 1
    (tmp_path / "ccipra-v321r0-f1.xlsx").write_bytes(b"PK")
    with pytest.raises(TableError, match="no xlsx workbook"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("label", "title", "count"),
    [
        ("AAA without rupture", "Abdominal aortic aneurysm, ruptured", 1),
        ("thoracic aneurysm, ruptured", "Abdominal aortic aneurysm, without rupture", 2),
        ("thoracoabdominal aneurysm", "Thoracic aortic aneurysm", 1),
        ("unruptured abdominal aneurysm", "abdominal, without rupture", 0),
        ("unilateral DVT", "bilateral", 1),
        ("unilateral DVT", "left", 0),
        ("left leg", "right lower extremity", 1),
        ("right and left", "bilateral", 0),
        ("lumbosacral stenosis", "lumbar", 1),
        ("pain", "bilateral", 0),
    ],
)
def test_words_against_codes(label, title, count):
    assert len(contradictions(meaning(label), meaning(title))) == count
