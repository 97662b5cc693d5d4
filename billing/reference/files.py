"""Readers of the official files, as published (section 7): NCCI pairs, unit limits, ICD-10-CM, NUCC, fee schedule.

A file is recognised by its content; its name gives form and effective date, as the publishers write them. Text, csv
and xlsx of a table are read alike. What a spreadsheet program damages (eaten zeros, codes as dates or as 1E+05) is
refused with file and line, never repaired. Descriptors of procedure codes are not read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from billing.codes import FAMILY
from billing.errors import TableError
from billing.facts import Pair, UnitLimit
from billing.icd import IcdCode
from billing.reference.cells import csv_rows, rows_of
from billing.reference.fees import (
    FIXED,
    FeeVersion,
    LocalityVersion,
    fee_schedule,
    fixed_fee_schedule,
    is_fee_name,
    localities,
)
from billing.reference.sheet import sheet_text
from billing.reference.tables import Form, IcdVersion, PairVersion, References, TaxonomyVersion, UnitVersion

CODE = re.compile(r"[0-9A-Z]{5}")
DATE = re.compile(r"[0-9]{8}")
TAXONOMY = re.compile(r"[0-9]{3}[0-9A-Z]{6}X")
# columns 1-5 order number, 7-13 code, 15 flag, 17-76 short title, 78- long title
ICD_LINE = re.compile(r"\d{5} (?=[A-Z][0-9][0-9A-Z]{1,5} *[01])[0-9A-Z ]{7} [01] .{60} \S")
ICD_BEGIN = re.compile(r"\d{5} [A-Z][0-9][0-9A-Z]")
# a sound pair line of the published tab-separated text; whatever does not match is looked at cell by cell
_DAY = r"[12]\d{3}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
SOUND_PAIR = re.compile(rf"([0-9A-Z]{{5}})\t([0-9A-Z]{{5}})\t\*?\t({_DAY})\t(\*|{_DAY})?\t[019](?:\t|$)")
TEXTS = frozenset({".txt", ".csv", ".tsv"})
PASSED_OVER = ("readme", "oppscap", "anes")
PARTS = (1, 2, 3, 4)
SHEET, OLD_SHEETS = ".xlsx", frozenset({".xls", ".xlsb", ".xlsm", ".ods"})
Kind = Literal["pairs", "units", "icd", "taxonomy", "fees", "localities"]
Kept = tuple[Pair, ...] | UnitVersion | IcdVersion | TaxonomyVersion | FeeVersion | LocalityVersion


class Official(Struct, frozen=True, kw_only=True):
    """One official file as read: what it is, from when, and what of it is kept.

    `part` counts the parts of a pair table, 0 for every other file, and `revision` its corrections; `variant` tells
    files of the same kind and day apart (form, or the schedule for qualifying participants).
    """

    name: str
    kind: Kind
    effective: dt.date
    variant: str = ""
    part: int = 0
    revision: int = 0
    kept: Kept


def read_folder(folder: Path) -> References:
    """Every official file of a folder, versions beside each other.

    Files that are no tables (notes, PDF) are passed over.

    Raises
    ------
    TableError
        A table that cannot be trusted: file, line and reason.
    """
    found = []
    paths = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    texts = {p.stem.lower() for p in paths if p.suffix.lower() in TEXTS}
    csvs = {p.stem.lower() for p in paths if p.suffix.lower() == ".csv"}
    sheets = {p.stem.lower() for p in paths if p.suffix.lower() == SHEET}
    for path in paths:
        kind, stem = path.suffix.lower(), path.stem.lower()
        if stem.startswith(PASSED_OVER):
            continue
        if is_fee_name(path):
            # the schedule's zip holds the same table as csv, fixed text and spreadsheet: the csv goes first
            others = csvs if kind == SHEET else csvs | sheets
            if kind == ".csv" or (kind in {SHEET, ".txt"} and stem not in others and not _fixed_indices(stem, kind)):
                found.append(read_official(path))
        elif kind in TEXTS or (kind == SHEET and stem not in texts) or kind in OLD_SHEETS:
            found.append(read_official(path))
    return assemble(found)


def _fixed_indices(stem: str, kind: str) -> bool:
    """Whether this is the fixed text of the indices, which comes with a csv and is not read."""
    return kind == ".txt" and stem.startswith("gpci")


def read_official(path: Path) -> Official:
    """One official file, recognised by its content.

    Raises
    ------
    TableError
        File, line and reason.
    """
    name = path.name
    if path.suffix.lower() in OLD_SHEETS:
        raise TableError(f"{name}: please take the text, csv or xlsx file of the same download.")
    if path.suffix.lower() == ".zip":
        raise TableError(f"{name}: please unpack it, and name the files that were in it.")
    text = sheet_text(path) if path.suffix.lower() == SHEET else read_text(path)
    if not text.strip():
        raise TableError(f"{name} is empty.")
    kind = recognise(text)
    if kind == "pairs":
        form, effective, part, revision = pair_name(name)
        kept = pairs(text, name)
        return Official(
            name=name, kind=kind, effective=effective, variant=form, part=part, revision=revision, kept=kept
        )
    if kind == "units":
        limits = unit_limits(text, name)
        return Official(name=name, kind=kind, effective=limits.effective, variant=limits.form, kept=limits)
    if kind == "icd":
        release = icd_codes(text, name)
        return Official(name=name, kind=kind, effective=release.effective, kept=release)
    if kind == "taxonomy":
        codes = taxonomy_codes(text, name)
        return Official(name=name, kind=kind, effective=codes.effective, kept=codes)
    if kind == "fees":
        fees = fixed_fee_schedule(text, name) if _has_fixed_fees(text) else fee_schedule(text, name)
        variant = "qualifying" if fees.qualifying else ""
        return Official(name=name, kind=kind, effective=fees.effective, variant=variant, kept=fees)
    if kind == "localities":
        indices = localities(text, name)
        return Official(name=name, kind=kind, effective=indices.effective, kept=indices)
    if is_fee_name(path) and path.suffix.lower() == ".txt":
        raise TableError(f"{name}: please take the csv or xlsx file of the same download.")
    raise TableError(f"{name} is none of the official files that this program knows, or it is damaged.")


def assemble(found: Iterable[Official]) -> References:
    """Tables from files read.

    Raises
    ------
    TableError
        A part of a pair table is missing.
    """
    parts: dict[tuple[Form, dt.date, int], dict[int, tuple[str, tuple[Pair, ...]]]] = {}
    others: dict[str, list[Any]] = {"units": [], "icd": [], "taxonomy": [], "fees": [], "localities": []}
    for one in found:
        if one.kind == "pairs":
            form: Form = "professional" if one.variant == "professional" else "institutional"
            key = (form, one.effective, one.revision)
            parts.setdefault(key, {})[one.part] = (one.name, one.kept)  # type: ignore[assignment]
        else:
            others[one.kind].append(one.kept)
    joined = {key: _joined(key[0], key[1], rows) for key, rows in parts.items()}
    # of a quarter's table and its corrections the last one counts
    versions = tuple(
        v for (form, day, n), v in joined.items() if n == max(k[2] for k in joined if k[:2] == (form, day))
    )
    return References(pairs=versions, **{kind: tuple(kept) for kind, kept in others.items()})


def read_text(path: Path) -> str:
    """The text of a file in UTF-8 or the publishers' cp1252, with one kind of line end."""
    raw = path.read_bytes()
    if not raw.strip():
        raise TableError(f"{path.name} is empty.")
    if b"\0" in raw:
        raise TableError(f"{path.name} is no text in an encoding that the publishers use.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            raise TableError(f"{path.name} is no text in an encoding that the publishers use.") from None
    if text.lstrip()[:1] == "<":
        raise TableError(f"{path.name} is a web page that was saved under the name of a table.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def recognise(text: str) -> Kind | None:
    """What a table is, by its heading or the form of its lines."""
    head = [line.casefold() for line in text[:20_000].split("\n")[:12]]
    head = [line.replace('"', "").replace("\t", ",") for line in head]
    joined = " ".join(head)
    if ICD_LINE.match(text) or ICD_BEGIN.match(text):
        return "icd"
    if "column 1" in joined and "column 2" in joined and "modifier" in joined:
        return "pairs"
    if "mue" in joined and "adjudication" in joined:
        return "units"
    if head[0].startswith("code,grouping,classification"):
        return "taxonomy"
    if any(line.startswith("hcpcs,mod,description,") for line in head):
        return "fees"
    if "locality number" in joined and "gpci" in joined:
        return "localities"
    return "fees" if _has_fixed_fees(text) else None


def _has_fixed_fees(text: str) -> bool:
    """Whether one of the first lines is one of the relative values' fixed-width text."""
    return any(FIXED.fullmatch(line.rstrip()) for line in text[:20_000].split("\n")[:40])


def pair_name(name: str) -> tuple[Form, dt.date, int, int]:
    """Form, date, part and revision of a pair file: `ccipra-v321r0-f1` is the practitioners', 2026 second quarter.

    Versions count years from 1994 and quarters from 0: 31.0 was January 2025.
    """
    found = re.match(r"cci(pra|oph)-v(\d\d)([0-3])r(\d+)-f(\d)", name.casefold())
    if found is None:
        raise TableError(f"{name}: the name should be the published one, such as ccipra-v321r0-f1.txt.")
    form: Form = "professional" if found[1] == "pra" else "institutional"
    effective = dt.date(1994 + int(found[2]), 1 + 3 * int(found[3]), 1)
    return form, effective, int(found[5]), int(found[4])


def pairs(text: str, name: str) -> tuple[Pair, ...]:
    """The pairs of one part in which a code of the 3D family stands; every line is checked."""
    kept: dict[tuple[str, str, str], Pair] = {}
    lines = text.split("\n")
    left = ["" if _sound_elsewhere(line) else line for line in lines]
    for number, row in _body("\n".join(left), name, _heads_pairs, may_be_empty=left != lines):
        if not 6 <= len(row) <= 7:
            raise TableError(f"{name}, line {number}: {len(row)} columns where six or seven belong.")
        first, second, before_1996, effective, deletion, indicator = row[:6]
        if before_1996 not in {"", "*"}:
            raise TableError(
                f"{name}, line {number}: {before_1996} stands in the third column, where * or nothing belongs."
            )
        for code in (first, second):
            _code(code, name, number)
        if indicator not in {"0", "1", "9"}:
            raise TableError(f"{name}, line {number}: the indicator is {indicator or 'missing'}, not 0, 1 or 9.")
        since = _date(effective, name, number)
        until = None if deletion in {"*", ""} else _date(deletion, name, number)
        if until is not None and until < since:
            raise TableError(f"{name}, line {number}: deleted before it was effective.")
        if first not in FAMILY and second not in FAMILY:
            continue
        pair = Pair(column1=first, column2=second, indicator=indicator, since=since, until=until)  # type: ignore[arg-type]
        key = (first, second, effective)
        if kept.setdefault(key, pair) != pair:
            raise TableError(f"{name}, line {number}: {first} and {second} stand twice with different values.")
    return tuple(kept.values())


def unit_limits(text: str, name: str) -> UnitVersion:
    """The unit limits of the 3D family; form and date from the name."""
    found = re.search(r"(practitioner|outpatienthospital).*eff[_-](\d\d)-(\d\d)-(\d{4})", name.casefold())
    if found is None:
        raise TableError(
            f"{name}: the name should be the published one, with form and date of effect (Eff_MM-DD-YYYY)."
        )
    form: Form = "professional" if found[1] == "practitioner" else "institutional"
    effective = _date(f"{found[4]}{found[2]}{found[3]}", name, 0)
    rows: dict[str, UnitLimit] = {}
    for number, row in _body(text, name, _heads_units):
        if not 3 <= len(row) <= 4:
            raise TableError(f"{name}, line {number}: {len(row)} columns where four belong.")
        code, value, mai = row[0], row[1].replace(",", ""), row[2][:1]
        _code(code, name, number)
        if not value.isdecimal() or mai not in {"1", "2", "3"}:
            raise TableError(f"{name}, line {number}: the value is no number or the indicator is not 1, 2 or 3.")
        if code in FAMILY:
            limit = UnitLimit(value=int(value), mai=mai)  # type: ignore[arg-type]
            if rows.setdefault(code, limit) != limit:
                raise TableError(f"{name}, line {number}: {code} stands twice with different values.")
    return UnitVersion(name, effective, form, rows)


def icd_codes(text: str, name: str) -> IcdVersion:
    """The order file of one release: code, header or billable, title. Valid from its release on."""
    found = re.search(r"(20\d\d)", name)
    if found is None:
        raise TableError(f"{name}: the name should be the published one, with the year.")
    year = int(found[1])
    effective = dt.date(year, 4, 1) if "apr" in name.casefold() else dt.date(year - 1, 10, 1)
    rows: dict[str, IcdCode] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if not ICD_LINE.match(line):
            cut = " or is cut off" if ICD_BEGIN.match(line) else ""
            raise TableError(f"{name}, line {number}: this is not the fixed layout of the order file{cut}.")
        plain = line[6:13].strip()
        code = plain if len(plain) == 3 else f"{plain[:3]}.{plain[3:]}"
        entry = IcdCode(code, line[14] == "1", None, None, line[77:].strip() or line[16:76].strip())
        if rows.setdefault(code, entry) != entry:
            raise TableError(f"{name}, line {number}: {code} stands twice with different values.")
    return IcdVersion(name, effective, rows)


def taxonomy_codes(text: str, name: str) -> TaxonomyVersion:
    """The codes of one release of the taxonomy; `nucc_taxonomy_251.csv` is July 2025."""
    found = re.search(r"_(\d\d)([01])\b", Path(name).stem)
    if found is None:
        raise TableError(f"{name}: the name should be the published one, such as nucc_taxonomy_251.csv.")
    effective = dt.date(2000 + int(found[1]), 7 if found[2] == "1" else 1, 1)
    rows: dict[str, tuple[str, ...]] = {}
    width = 0
    for number, row in rows_of(text, name):
        if not any(row):
            continue
        if not width:
            width = len(row)
            continue
        if len(row) < width or any(row[width:]):
            raise TableError(f"{name}, line {number}: {len(row)} columns where {width} belong.")
        code = row[0]
        if not TAXONOMY.fullmatch(code):
            raise TableError(f"{name}, line {number}: {code or 'nothing'} is no taxonomy code.")
        if rows.setdefault(code, tuple(row)) != tuple(row):
            raise TableError(f"{name}, line {number}: {code} stands twice with different values.")
    if not rows:
        raise TableError(f"{name} holds no code.")
    return TaxonomyVersion(name, effective, frozenset(rows))


def _joined(form: Form, effective: dt.date, parts: dict[int, tuple[str, tuple[Pair, ...]]]) -> PairVersion:
    """The parts of one quarter as one version; with a part missing there would be pairs that nobody sees."""
    missing = [p for p in PARTS if p not in parts]
    if missing:
        names = ", ".join(name for name, _ in parts.values())
        lacks = ", ".join(f"f{p}" for p in missing)
        raise TableError(f"{names}: the parts {lacks} of the same quarter are missing; only all together are a table.")
    rows = tuple(pair for part in sorted(parts) for pair in parts[part][1])
    return PairVersion(parts[min(parts)][0], effective, form, rows)


def _sound_elsewhere(line: str) -> bool:
    """Whether a line is a sound pair of codes outside the 3D family: nothing of it is kept, nothing is wrong with it.

    Half a million lines a part: this look is four times as quick as one cell by cell.
    """
    found = SOUND_PAIR.match(line)
    if found is None or found[1] in FAMILY or found[2] in FAMILY:
        return False
    return found[4] in {None, "*"} or found[3] <= found[4]


def _body(
    text: str, name: str, heads: Callable[[list[str]], bool], *, may_be_empty: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows below the headings: after the row of labels; further headings have nothing in their first cells.

    A first row that was damaged must not pass for one more heading.
    """
    lines = text.split("\n")
    tabs = sum("\t" in line for line in lines[:50]) > sum("," in line for line in lines[:50]) / 2
    rows: Iterable[list[str]] = (line.split("\t") for line in lines) if tabs else csv_rows(text, name)
    labelled = started = False
    for number, row in enumerate(rows, 1):
        cells = [cell.strip().strip('"') for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        if not labelled:
            labelled = heads([" ".join(cell.casefold().split()) for cell in cells])
            if not labelled and number > 20:
                raise TableError(f"{name}, line {number}: no heading row with the labels was found.")
            continue
        if not started and not any(cells[:2]):
            continue
        started = True
        yield number, cells
    if not started and not may_be_empty:
        raise TableError(f"{name} holds headings only.")


def _heads_pairs(cells: list[str]) -> bool:
    """The row of labels of a pair table."""
    return len(cells) > 5 and cells[0].replace(" ", "") == "column1" and cells[1].replace(" ", "") == "column2"


def _heads_units(cells: list[str]) -> bool:
    """The row of labels of a table of unit limits."""
    return len(cells) > 2 and "code" in cells[0] and "adjudication" in cells[2]


def _code(code: str, name: str, number: int) -> None:
    if not CODE.fullmatch(code):
        raise TableError(f"{name}, line {number}: {code or 'nothing'} is no code of five characters; was it damaged?")


def _date(text: str, name: str, number: int) -> dt.date:
    refused = TableError(f"{name}, line {number}: {text or 'nothing'} is no date (yyyymmdd).")
    if not DATE.fullmatch(text):
        raise refused
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise refused from None
