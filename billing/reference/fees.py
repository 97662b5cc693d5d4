"""The Medicare fee schedule's files as published: relative values (PPRRVU) and geographic indices (GPCI).

They are only read for an estimate of the payment; no decision stands on them. Of the relative values only the 3D
family is kept, without descriptors; of the indices every locality.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from msgspec import Struct

from billing.codes import FAMILY
from billing.errors import TableError
from billing.reference.cells import rows_of

COLUMNS = 31
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CODE = re.compile(r"[0-9A-Z]{5}")
NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.?\d+")
STATUSES = re.compile(r"[A-Z]")

# A line of the fixed-width text, by the places at which the columns of published rows end (October 2025). Between
# them stand two columns for "NA", the days of the operation and the endoscopic base, which are passed over. That each
# value was read from its own place is proved by the row's totals.
FIXED = re.compile(
    r"(?P<code>[0-9A-Z]{5})(?P<mod>[0-9A-Z ]{2}).{50}(?P<status>[A-Z])."
    r"(?P<work>[ \d.,]{6})(?P<office>[ \d.,]{7}).{2}(?P<facility>[ \d.,]{7}).{2}(?P<malpractice>[ \d.,]{6})"
    r"(?P<office_total>[ \d.,]{7})"
    r"(?P<facility_total>[ \d.,]{6})(?P<pc_tc>[\d ])(?P<global>[0-9A-Z ]{3}).{9}"
    r"(?P<multiple>[\d ])(?P<bilateral>[\d ]).{3}.{5}(?P<factor>[ \d.]{15}).(?P<supervision>[0-9A-Z ]{2}).*"
)
_PLACES = {
    0: "code", 1: "mod", 3: "status", 5: "work", 6: "office", 8: "facility", 10: "malpractice", 11: "office_total",
    12: "facility_total", 13: "pc_tc", 18: "multiple", 19: "bilateral", 24: "factor", 25: "supervision",
}  # fmt: skip

# Conversion factors by the first day on which each holds: the yearly rules, and the law of March 2024.
CONVERSION: tuple[tuple[dt.date, Decimal], ...] = (
    (dt.date(2023, 1, 1), Decimal("33.8872")),
    (dt.date(2024, 1, 1), Decimal("32.7442")),
    (dt.date(2024, 3, 9), Decimal("33.2875")),
    (dt.date(2025, 1, 1), Decimal("32.3465")),
    (dt.date(2026, 1, 1), Decimal("33.4009")),
)
CONVERSION_QUALIFYING: tuple[tuple[dt.date, Decimal], ...] = ((dt.date(2026, 1, 1), Decimal("33.5675")),)


class FeeRow(Struct, frozen=True, kw_only=True):
    """Relative values of one code and component ("" global, 26, TC)."""

    code: str
    component: str
    status: str
    work: Decimal
    pe_office: Decimal
    pe_facility: Decimal
    malpractice: Decimal
    pc_tc: str
    multiple: str
    bilateral: str
    supervision: str
    conversion: Decimal


class FeeVersion(Struct, frozen=True):
    """One quarter's relative values of the family; `qualifying` is the table for participants in advanced models."""

    file: str
    effective: dt.date
    qualifying: bool
    rows: tuple[FeeRow, ...]

    def row(self, code: str, component: str) -> FeeRow | None:
        """The values of a code's component."""
        return next((r for r in self.rows if (r.code, r.component) == (code, component)), None)


class Locality(Struct, frozen=True, kw_only=True):
    """One payment locality with its three indices; `work` is with the floor of 1.0 where the file has it."""

    mac: str
    state: str
    number: str
    name: str
    work: Decimal
    pe: Decimal
    malpractice: Decimal
    floored: bool


class LocalityVersion(Struct, frozen=True):
    """One year's indices by "MAC-number", as in 05102-01."""

    file: str
    effective: dt.date
    rows: Mapping[str, Locality]


def fee_schedule(text: str, name: str) -> FeeVersion:
    """The relative values of the family; every line is checked.

    Raises
    ------
    TableError
        File, line and reason.
    """
    effective = _fee_date(name)
    lowered = name.casefold()
    qualifying = "qpp" in lowered and "nonqpp" not in lowered
    seen: dict[tuple[str, str], FeeRow] = {}
    begun = False
    for number, row in rows_of(text, name):
        if not begun:
            begun = row[:3] == ["HCPCS", "MOD", "DESCRIPTION"]
            if not begun and number > 25:
                raise TableError(f"{name}, line {number}: no heading row HCPCS, MOD, DESCRIPTION was found.")
            continue
        if not any(row):
            continue
        if len(row) < COLUMNS or any(row[COLUMNS:]):
            raise TableError(f"{name}, line {number}: {len(row)} columns where {COLUMNS} belong.")
        found = _fee_row(row, name, number)
        if seen.setdefault((found.code, found.component), found) != found:
            raise TableError(f"{name}, line {number}: {found.code} stands twice with different values.")
    if not seen:
        raise TableError(f"{name} holds headings only.")
    return FeeVersion(name, effective, qualifying, tuple(row for row in seen.values() if row.code in FAMILY))


def fixed_fee_schedule(text: str, name: str) -> FeeVersion:
    """The relative values of the family from the fixed-width text of the same release.

    Raises
    ------
    TableError
        File, line and reason; also where the values of a row do not make up its totals.
    """
    effective = _fee_date(name)
    seen: dict[tuple[str, str], FeeRow] = {}
    begun = False
    for number, line in enumerate(text.split("\n"), 1):
        found = FIXED.fullmatch(line.rstrip())
        if found is None:
            if (begun and line.strip()) or number > 40:
                raise TableError(f"{name}, line {number}: this is not the fixed layout of the relative values.")
            continue
        begun = True
        row = _fee_row(_cells(found), name, number)
        if row.code in FAMILY:
            _adds_up(found, row, name, number)
        if seen.setdefault((row.code, row.component), row) != row:
            raise TableError(f"{name}, line {number}: {row.code} stands twice with different values.")
    if not seen:
        raise TableError(f"{name} holds headings only.")
    lowered = name.casefold()
    qualifying = "qpp" in lowered and "nonqpp" not in lowered
    return FeeVersion(name, effective, qualifying, tuple(row for row in seen.values() if row.code in FAMILY))


def _cells(found: re.Match[str]) -> list[str]:
    """A line of the fixed text with its values in the columns of the csv; what nobody reads stays empty."""
    cells = [""] * COLUMNS
    for at, what in _PLACES.items():
        cells[at] = found[what].strip()
    return cells


def _adds_up(found: re.Match[str], row: FeeRow, name: str, number: int) -> None:
    """Work, practice expense and malpractice make up the totals: so each was read from its own place."""
    for what, expense in (("office_total", row.pe_office), ("facility_total", row.pe_facility)):
        total = _number(found[what].strip(), name, number)
        if abs(row.work + expense + row.malpractice - total) > Decimal("0.02"):
            raise TableError(
                f"{name}, line {number}: the values of {row.code} do not make up its total {total}; "
                "please take the csv or xlsx file of the same download."
            )


def _fee_row(row: list[str], name: str, number: int) -> FeeRow:
    code = row[0]
    if not CODE.fullmatch(code):
        raise TableError(f"{name}, line {number}: {code or 'nothing'} is no code of five characters; was it damaged?")
    if not STATUSES.fullmatch(row[3]):
        raise TableError(f"{name}, line {number}: the status is {row[3] or 'missing'}, not a letter.")
    values = {i: _number(row[i], name, number) for i in (5, 6, 8, 10, 11, 12, 24)}
    return FeeRow(
        code=code,
        component=row[1],
        status=row[3],
        work=values[5],
        pe_office=values[6],
        pe_facility=values[8],
        malpractice=values[10],
        pc_tc=row[13],
        multiple=row[18],
        bilateral=row[19],
        supervision=row[25],
        conversion=values[24],
    )


def localities(text: str, name: str) -> LocalityVersion:
    """Every locality of a year; the footnotes at the end are left out.

    Raises
    ------
    TableError
        File, line and reason.
    """
    effective = _locality_date(name)
    places: dict[str, int] = {}
    floored = False
    rows: dict[str, Locality] = {}
    for number, row in rows_of(text, name):
        if not places:
            places, floored = _heading(row)
            if not places and number > 15:
                raise TableError(f"{name}, line {number}: no heading row with the locality number was found.")
            continue
        if not re.fullmatch(r"\d+", row[places["mac"]] if len(row) > places["mac"] else ""):
            # below the last locality there are notes: words in the first cells and nothing in the others
            if sum(bool(cell) for cell in row) > 2:
                raise TableError(f"{name}, line {number}: {row[0] or 'nothing'} is no number of a contractor.")
            continue
        if len(row) <= max(places.values()):
            raise TableError(f"{name}, line {number}: {len(row)} columns where {max(places.values()) + 1} belong.")
        cell = {what: row[at] for what, at in places.items()}
        if not re.fullmatch(r"\d{5}", cell["mac"]) or not re.fullmatch(r"\d{2}", cell["number"]):
            raise TableError(
                f"{name}, line {number}: contractor {cell['mac']} or locality {cell['number']} lost a digit; "
                "was the file saved by a spreadsheet?"
            )
        if not re.fullmatch(r"[A-Z]{2}\*{0,3}", cell["state"]):
            raise TableError(f"{name}, line {number}: {cell['state'] or 'nothing'} is no state.")
        found = Locality(
            mac=cell["mac"],
            state=cell["state"].rstrip("*"),
            number=cell["number"],
            name=cell["name"].rstrip("*").strip(),
            work=_index(cell["work"], name, number),
            pe=_index(cell["pe"], name, number),
            malpractice=_index(cell["mp"], name, number),
            floored=floored,
        )
        key = f"{found.mac}-{found.number}"
        # a contractor may have the same number in two states
        key = key if key not in rows or rows[key] == found else f"{key}-{found.state}"
        if rows.setdefault(key, found) != found:
            raise TableError(f"{name}, line {number}: locality {key} stands twice with different values.")
    if not rows:
        raise TableError(f"{name} holds headings only.")
    return LocalityVersion(name, effective, rows)


def _heading(row: list[str]) -> tuple[dict[str, int], bool]:
    """Where the columns stand, and whether the work index is the one with the floor."""
    words = [cell.casefold() for cell in row]
    number = next((i for i, w in enumerate(words) if "locality number" in w), None)
    if number is None:
        return {}, False
    work = [i for i, w in enumerate(words) if "gpci" in w and ("pw" in w.split() or "work" in w)]
    with_floor = [i for i in work if "with 1.0" in words[i] or "with floor" in words[i]]
    pe = [i for i, w in enumerate(words) if "gpci" in w and ("pe" in w.split() or "practice" in w)]
    mp = [i for i, w in enumerate(words) if "gpci" in w and ("mp" in w.split() or "malpractice" in w)]
    mac = [i for i, w in enumerate(words) if "mac" in w or "contractor" in w or "carrier" in w]
    state = [i for i, w in enumerate(words) if w == "state"]
    label = [i for i, w in enumerate(words) if "locality name" in w]
    if not (work and pe and mp and mac and state and label):
        return {}, False
    places = {
        "mac": mac[0],
        "state": state[0],
        "number": number,
        "name": label[0],
        "work": (with_floor or work)[0],
        "pe": pe[0],
        "mp": mp[0],
    }
    return places, bool(with_floor)


def conversion_of(row: FeeRow, version: FeeVersion, day: dt.date) -> Decimal:
    """The conversion factor of a day: the file's own, unless a law changed it after the file began.

    Payments of services from 2024-03-09 on follow the law of that day although the January file says otherwise.
    """
    known = CONVERSION_QUALIFYING if version.qualifying else CONVERSION
    later = [factor for since, factor in known if version.effective < since <= day]
    return later[-1] if later and version.effective.year == day.year else row.conversion


def _fee_date(name: str) -> dt.date:
    found = re.search(rf"pprrvu(?:20)?(\d\d)[ _-]*({'|'.join(MONTHS)})", name.casefold())
    if found is None:
        raise TableError(f"{name}: the name should be the published one, with year and month (PPRRVU26_JAN.csv).")
    return dt.date(2000 + int(found[1]), MONTHS.index(found[2]) + 1, 1)


def _locality_date(name: str) -> dt.date:
    found = re.search(r"20\d\d", name)
    if found is None:
        raise TableError(f"{name}: the name should be the published one, with the year (GPCI2026.csv).")
    month = next((i for i, m in enumerate(MONTHS, 1) if re.search(rf"[ _-]{m}", name.casefold())), 1)
    return dt.date(int(found[0]), month, 1)


def _number(cell: str, name: str, number: int) -> Decimal:
    if not NUMBER.fullmatch(cell):
        raise TableError(f"{name}, line {number}: {cell or 'nothing'} stands where a number belongs.")
    try:
        return Decimal(cell.replace(",", ""))
    except InvalidOperation:
        raise TableError(f"{name}, line {number}: {cell} is no number.") from None


def _index(cell: str, name: str, number: int) -> Decimal:
    """An index lies near 1; anything far from it was moved into the wrong column."""
    value = _number(cell, name, number)
    if not Decimal("0.1") <= value <= Decimal(5):
        raise TableError(f"{name}, line {number}: the index {cell} is none that a locality can have.")
    return value


def is_fee_name(path: Path) -> bool:
    """Whether a file's name is that of the fee schedule's tables."""
    return path.name.lower().startswith(("pprrvu", "gpci"))
