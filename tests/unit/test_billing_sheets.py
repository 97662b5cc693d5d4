"""Official tables saved as xlsx: the same as their text, and every damage refused with file and line."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.errors import TableError
from billing.reference.files import assemble, read_folder, read_official
from billing.reference.sheet import sheet_text
from tests.unit.test_billing_estimate import FEES, PLACES
from tests.unit.test_billing_reference import ICD, NAMES, PAIR_HEAD, PAIR_ROWS, TAXONOMY, UNITS

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="0.00&quot; days&quot;"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)


def letters(column: int) -> str:
    return (letters(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)


def cell(row: int, column: int, value: object, shared: list[str]) -> str:
    at = f'r="{letters(column)}{row}"'
    if isinstance(value, tuple):  # a number with a style
        return f'<c {at} s="{value[1]}"><v>{value[0]}</v></c>'
    if isinstance(value, int | float):
        return f"<c {at}><v>{value!r}</v></c>"
    if value == "#N/A":
        return f'<c {at} t="e"><v>#N/A</v></c>'
    if len(str(value)) % 3 == 0:
        return f'<c {at} t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'
    shared.append(str(value))
    return f'<c {at} t="s"><v>{len(shared) - 1}</v></c>'


def book(path: Path, rows: list[list[object]], *, extra: str = "", sheet: str | None = None, rels: str = "") -> Path:
    """A workbook of one sheet; empty cells are left out, as spreadsheet programs do."""
    shared: list[str] = []
    lines = []
    for n, row in enumerate(rows, 1):
        inner = "".join(cell(n, k, v, shared) for k, v in enumerate(row) if v != "")
        if inner:
            lines.append(f'<row r="{n}">{inner}</row>')
    made = f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'
    texts = "".join(f"<si><r><t>{escape(t[:2])}</t></r><r><t>{escape(t[2:])}</t></r></si>" for t in shared)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets><sheet name="Edits" sheetId="1" r:id="rId7"/>'
            '<sheet name="Notes" sheetId="2" r:id="rId8"/></sheets></workbook>',
        )
        target = rels or "worksheets/sheet3.xml"
        out.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships><Relationship Id="rId8" Target="worksheets/other.xml"/>'
            f'<Relationship Id="rId7" Target="{target}"/></Relationships>',
        )
        out.writestr("xl/styles.xml", STYLES)
        out.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{texts}</sst>')
        out.writestr("xl/worksheets/sheet3.xml", sheet if sheet is not None else extra + made)
    return path


def tabbed(text: str) -> list[list[object]]:
    return [list(line.split("\t")) for line in text.rstrip("\n").split("\n")]


def from_csv(text: str) -> list[list[object]]:
    import csv
    import io

    return [list(row) for row in csv.reader(io.StringIO(text))]


def numbers(rows: list[list[object]]) -> list[list[object]]:
    """As a spreadsheet program keeps them: what looks like a number without a leading zero is one."""

    def kept(value: object) -> object:
        text = str(value)
        return int(text) if text.isdecimal() and not text.startswith("0") else value

    return [[kept(v) for v in row] for row in rows]


def pair_books(folder: Path, rows: list[list[object]], revision: int = 0) -> None:
    for part in (1, 2, 3, 4):
        name = folder / f"ccipra-v320r{revision}-f{part}.xlsx"
        book(name, rows if part == 3 else tabbed(PAIR_HEAD + "11111\t22222\t\t20200101\t*\t0\tx\n"))


def test_pairs_as_a_workbook_are_the_pairs_of_the_text(tmp_path: Path) -> None:
    texts, sheets = tmp_path / "texts", tmp_path / "sheets"
    texts.mkdir()
    sheets.mkdir()
    for part in (1, 2, 3, 4):
        rows = PAIR_ROWS if part == 3 else "11111\t22222\t\t20200101\t*\t0\tx\n"
        (texts / f"ccipra-v320r0-f{part}.txt").write_text(PAIR_HEAD + rows)
    pair_books(sheets, numbers(tabbed(PAIR_HEAD + PAIR_ROWS)))
    (one,), (other,) = read_folder(texts).pairs, read_folder(sheets).pairs
    assert [(p.column1, p.column2, str(p.indicator), p.since, p.until) for p in one.rows] == [
        (p.column1, p.column2, str(p.indicator), p.since, p.until) for p in other.rows
    ]
    assert (one.effective, one.form) == (other.effective, other.form)


def test_unit_limits_fees_places_and_taxonomy_as_workbooks(tmp_path: Path) -> None:
    for name, text in (
        ("MCR_MUE_PractitionerServices_Eff_01-01-2026", UNITS),
        ("PPRRVU2026_Jan_nonQPP", FEES),
        ("GPCI2026", PLACES),
        ("nucc_taxonomy_251", TAXONOMY),
    ):
        (tmp_path / f"{name}.csv").write_text(text)
        book(tmp_path / f"{name}.xlsx", from_csv(text))
        one, other = read_official(tmp_path / f"{name}.csv"), read_official(tmp_path / f"{name}.xlsx")
        assert one.kind == other.kind
        assert repr(one.kept).replace(".csv", "") == repr(other.kept).replace(".xlsx", "")
        assert "words of the licence holder" not in repr(other)


def test_the_text_of_a_download_goes_before_its_workbook(tmp_path: Path) -> None:
    """A zip of the publisher holds both; they are one table, not two."""
    (tmp_path / f"{NAMES['units']}").write_text(UNITS)
    book(tmp_path / NAMES["units"].replace(".csv", ".xlsx"), from_csv(UNITS.replace("76377,1,2", "76377,9,2")))
    (found,) = read_folder(tmp_path).units
    assert found.rows["76377"].value == 1
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(TableError, match=r"old\.xls: please take the text, csv or xlsx"):
        read_folder(tmp_path)


def test_a_zip_is_to_be_unpacked_first(tmp_path: Path) -> None:
    path = tmp_path / "ccipra-v320r0-f1.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("ccipra-v320r0-f1.txt", PAIR_HEAD + PAIR_ROWS)
    with pytest.raises(TableError, match=r"f1\.zip: please unpack it"):
        read_official(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({(10, 0): 100}, "line 10: 100 is no code"),  # the zeros of 00100 are gone
        ({(7, 0): (45292, 1)}, "line 7: 2024-01-01 is no code"),  # a code turned into a date
        ({(7, 0): (45292, 2)}, "line 7: 2024-01-01 is no code"),  # in the office's own format
        ({(7, 0): 1e5}, "line 7: 100000 is no code"),
        ({(7, 0): 1e20}, "line 7: "),
        ({(7, 3): (43831, 1)}, "line 7: 2020-01-01 is no date"),
        ({(9, 4): 20071231}, "line 9: deleted before"),
        ({(8, 5): 7}, "line 8: the indicator is 7"),
        ({(8, 5): ""}, "line 8"),
        ({(8, 5): "#N/A"}, "line 8: the indicator is #N/A"),
        ({(8, 2): "x"}, "line 8: x stands in the third column"),
        ({(8, 7): "more"}, "line 8: 8 columns"),
        ({(8, 0): "", (8, 1): ""}, "line 8: nothing is no code"),
    ],
)
def test_what_a_spreadsheet_program_did_is_refused_with_its_row(
    tmp_path: Path, change: dict[tuple[int, int], object], reason: str
) -> None:
    rows = tabbed(PAIR_HEAD + PAIR_ROWS)
    for (line, column), value in change.items():
        rows[line - 1] += [""] * (column + 1 - len(rows[line - 1]))
        rows[line - 1][column] = value
    pair_books(tmp_path, rows)
    with pytest.raises(TableError) as refused:
        read_folder(tmp_path)
    assert refused.value.sentence.startswith("ccipra-v320r0-f3.xlsx, ")
    assert reason in refused.value.sentence


def test_numbers_keep_the_form_in_which_they_were_typed(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [0.79, 0.79000000000000004, 2, (3.5, 3), -1, 1e15, True],
        ["a  b", "", "tab\there", "x"],
    ]
    path = book(tmp_path / "t.xlsx", [rows[0][:-1], rows[1]])
    assert sheet_text(path) == "0.79\t0.79\t2\t3.5\t-1\t1e+15\na b\t\ttab here\tx\n"


def test_rows_that_a_program_left_out_keep_the_numbers_of_the_others(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", [["one"], [], [], ["four"]])
    assert sheet_text(path).split("\n") == ["one", "", "", "four", ""]
    assert sheet_text(book(tmp_path / "abs.xlsx", [["one"]], rels="/xl/worksheets/sheet3.xml")) == "one\n"


def bomb(path: Path) -> Path:
    filler = '<row r="1"><c r="A1"><v>' + "1" * 30_000_000 + "</v></c></row>"
    return book(path, [], sheet=f'<worksheet xmlns="{MAIN}"><sheetData>{filler}</sheetData></worksheet>')


def broken(path: Path, kind: str) -> Path:
    """One damaged workbook."""
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{{}}</sheetData></worksheet>'
    whole = book(path, [["one"]]).read_bytes()
    if kind == "no zip":
        path.write_bytes(b"\xd0\xcf\x11\xe0" * 200)
    elif kind == "half":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "html":
        path.write_text("<html><body>Not found</body></html>")
    elif kind == "bits":
        at = whole.index(b"sheet3.xml") + 20
        path.write_bytes(whole[:at] + bytes(b ^ 0x55 for b in whole[at : at + 30]) + whole[at + 30 :])
    elif kind == "bomb":
        bomb(path)
    elif kind == "entity":
        laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
        book(path, [["one"]], extra=laughs)
    elif kind == "not closed":
        book(path, [], sheet="<worksheet><sheetData><row>")
    elif kind == "no sheet":
        book(path, [["one"]], rels="worksheets/none.xml")
    elif kind == "no such text":
        book(path, [], sheet=sheet.format('<row r="1"><c r="A1" t="s"><v>99</v></c></row>'))
    elif kind == "far column":
        book(path, [], sheet=sheet.format('<row r="1"><c r="ZZZ1"><v>1</v></c></row>'))
    elif kind == "far row":
        book(path, [], sheet=sheet.format('<row r="99999999"><c r="A1"><v>1</v></c></row>'))
    elif kind == "rows back":
        book(path, [], sheet=sheet.format('<row r="2"/><row r="1"/>'))
    elif kind == "word":
        book(path, [], sheet=sheet.format('<row r="1"><c r="A1"><v>one</v></c></row>'))
    return path


@pytest.mark.parametrize(
    "kind",
    [
        *("no zip", "half", "empty", "html", "bits", "bomb", "entity", "not closed", "no sheet", "no such text"),
        *("far column", "far row", "rows back", "word"),
    ],
)
def test_a_workbook_that_is_none_is_refused_with_its_name(tmp_path: Path, kind: str) -> None:
    path = broken(tmp_path / "ccipra-v320r0-f1.xlsx", kind)
    with pytest.raises(TableError) as refused:
        read_official(path)
    assert refused.value.sentence.startswith("ccipra-v320r0-f1.xlsx ")
    assert refused.value.sentence.endswith(".")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_workbook_with_changed_bytes_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("book", numbered=True)
    whole = bytearray(book(folder / "ccipra-v320r0-f3.xlsx", tabbed(PAIR_HEAD + PAIR_ROWS)).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    path = folder / "ccipra-v320r0-f3.xlsx"
    path.write_bytes(bytes(whole))
    try:
        said = read_official(path).name
    except TableError as refused:
        said = refused.sentence
    assert said.startswith("ccipra-v320r0-f3.xlsx")


# --- what the page lists beside the spreadsheets -------------------------------------------------------------------


def test_a_corrected_table_takes_the_place_of_the_first_one_whole(tmp_path: Path) -> None:
    """r1 is the same quarter again: all of its parts, or none."""
    pair_books(tmp_path, tabbed(PAIR_HEAD + PAIR_ROWS))
    pair_books(tmp_path, tabbed(PAIR_HEAD + PAIR_ROWS.replace("*\t0\tMore", "*\t1\tMore")), revision=1)
    (found,) = read_folder(tmp_path).pairs
    assert found.file == "ccipra-v320r1-f1.xlsx"
    assert {(p.column1, str(p.indicator)) for p in found.rows} >= {("61783", "1")}
    (tmp_path / "ccipra-v320r1-f2.xlsx").unlink()
    with pytest.raises(TableError, match=r"v320r1.*the parts f2"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("ccipra-v320r0-f1.txt", PAIR_HEAD + PAIR_ROWS.replace("code\n", "code\tx\n"), "line 7: 8 columns"),
        ("ccipra-v320r0-f1.txt", PAIR_HEAD + PAIR_ROWS.replace("\t\t20200101", "\t20200101"), "line 7"),
        ("ccipra-v320r0-f5.txt", PAIR_HEAD + PAIR_ROWS.replace("20080101", "20080230"), "line 9: 20080230 is no date"),
        ("ccipra.txt", PAIR_HEAD + PAIR_ROWS, "the published one"),
        (NAMES["units"], UNITS.replace("0001A,1,", "0001A,1,x,"), "line 2: 5 columns"),
        (NAMES["units"], UNITS.replace("76376,2,3", "76376,2,4"), "line 3"),
        (NAMES["units"], UNITS.replace('"1,000"', "1,000"), "line 5"),
        (NAMES["units"], UNITS.replace('"Nature', '"Nature "'), "quotation mark"),
        (NAMES["units"], UNITS + '76378,2,3 Date,"open\n', "quotation mark"),
        (NAMES["units"], UNITS.replace("76377", "7.6377E4"), "line 4"),
        (NAMES["icd"], ICD.replace("I714    0", "I714   0 "), "line 2: this is not the fixed layout"),
        (NAMES["icd"], ICD[:-90], "line 4: this is not the fixed layout of the order file or is cut off"),
        (NAMES["icd"], ICD.replace(" 0 Aortic", " 2 Aortic"), "line 1"),
        (NAMES["icd"], ICD + ICD.split("\n")[1].replace(" 0 ", " 1 ") + "\n", "stands twice"),
        ("icd10cm_order.txt", ICD, "with the year"),
        (NAMES["taxonomy"], TAXONOMY.replace('"","x","Individual"\n', '"","x"\n', 1), "7 columns where 8"),
        (NAMES["taxonomy"], TAXONOMY + TAXONOMY.split("\n")[-2].replace('"d"', '"e"') + "\n", "stands twice"),
        (NAMES["taxonomy"], TAXONOMY.replace('"207RE0101X"', '"2.07E+09"'), "no taxonomy code"),
        ("nucc.csv", TAXONOMY, "the published one"),
        ("PPRRVU2026_Jan.csv", FEES.replace("00100,,", "00100,,x,"), "line 6: 32 columns"),
        (
            "PPRRVU2026_Jan.csv",
            FEES.replace("76376,,words of the licence holder,A,,0.20", "76376,,w,A,,0.2O"),
            "line 7",
        ),
        ("PPRRVU2026_Jan.csv", FEES + FEES.split("\n")[5].replace("0.00", "0.01", 1) + "\n", "00100 stands twice"),
        ("PPRRVU.csv", FEES, "the published one"),
        ("GPCI2026.csv", PLACES.replace("10112,AL,00", "10112,AL,0"), "lost a digit"),
        ("GPCI2026.csv", PLACES.replace("02102", "2102"), "lost a digit"),
        ("PPRRVU2026_Jan.txt", "fixed text without headings\n" * 5, "take the csv or xlsx"),
    ],
)
def test_more_damage_is_refused_with_file_and_reason(tmp_path: Path, name: str, text: str, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    with pytest.raises(TableError) as refused:
        assemble([read_official(path)])
    assert refused.value.sentence.startswith(name)
    assert reason in refused.value.sentence


@pytest.mark.parametrize("damage", [b"\0", "ü".encode("utf-16")])
@pytest.mark.parametrize("name", [NAMES["units"], NAMES["icd"], NAMES["taxonomy"], "GPCI2026.csv"])
def test_nul_and_other_encodings_are_refused(tmp_path: Path, name: str, damage: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(b"x" + damage)
    with pytest.raises(TableError, match=name):
        read_official(path)


def test_files_of_two_years_stand_beside_each_other(tmp_path: Path) -> None:
    (tmp_path / "icd10cm_order_2025.txt").write_text(ICD)
    (tmp_path / "icd10cm_order_2026.txt").write_text(ICD)
    (tmp_path / "icd10cm_order_2026_April.txt").write_text(ICD)
    found = read_folder(tmp_path)
    asked = {
        dt.date(2024, 9, 30): None,
        dt.date(2024, 10, 1): "icd10cm_order_2025.txt",
        dt.date(2025, 9, 30): "icd10cm_order_2025.txt",
        dt.date(2025, 10, 1): "icd10cm_order_2026.txt",
        dt.date(2026, 3, 31): "icd10cm_order_2026.txt",
        dt.date(2026, 4, 1): "icd10cm_order_2026_April.txt",
        dt.date(2030, 1, 1): "icd10cm_order_2026_April.txt",
    }
    assert {day: v.file if (v := found.icd_of(day)) else None for day in asked} == asked
