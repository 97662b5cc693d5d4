"""A file of claims read back from its text: envelope, levels, required elements, and what each claim says."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from billing.charge import Charge
from billing.errors import MessageHole
from billing.messages.claim_context import ClaimContext, money
from billing.messages.proof import Said, date_of, needed, prove
from billing.messages.x12 import segments_of
from billing.reference.tables import References

PROFESSIONAL = "005010X222A1"
REQUIRED: dict[str, tuple[int, ...]] = {
    "BHT": (1, 2, 3, 4, 5, 6),
    "PER": (1, 2, 3, 4),
    "HL": (1, 3, 4),
    "PRV": (1, 2, 3),
    "N3": (1,),
    "N4": (1, 2, 3),
    "REF": (1, 2),
    "SBR": (1, 9),
    "DMG": (1, 2, 3),
    "PAT": (1,),
    "CLM": (1, 2, 5, 7, 8, 9),
    "HI": (1,),
    "CL1": (1, 2, 3),
    "LX": (1,),
    "SV1": (1, 2, 3, 4, 7),
    "SV2": (1, 2, 3, 4, 5),
    "DTP": (1, 2, 3),
    "PS1": (1, 2),
}
FORMATS = {"DTP": 2, "DMG": 1}
# who is named by a number: entity -> qualifier of the number; QC is named in full
NUMBERED = {
    "41": "46",
    "40": "46",
    "85": "XX",
    "IL": "MI",
    "PR": "PI",
    "DN": "XX",
    "82": "XX",
    "77": "XX",
    "DK": "XX",
    "71": "XX",
    "QB": "XX",
}
PEOPLE = frozenset({"IL", "QC", "DN", "82", "DK", "71"})
NAMED = {"DN": "ordering", "82": "rendering", "85": "billing", "77": "facility", "DK": "order's", "71": "ordering"}


def prove_file(
    text: str, version: str, items: Sequence[tuple[Charge, ClaimContext]], *, references: References
) -> None:
    """Check a file against itself and against the charges that it is for, in their order.

    Raises
    ------
    MessageHole
        At the first thing that is wrong, by name.
    """
    rows = segments_of(text)
    sets = _sets(rows, version)
    if len(sets) != len(items):
        raise MessageHole("envelope", "The file cannot be written: it has not one transaction set for each claim.")
    for own, (charge, context) in zip(sets, items, strict=True):
        amount = Decimal(money(context.amount)) if context.amount is not None else None
        said = read_claim(own, version)
        prove(said, charge, amount=amount, taken_back=context.frequency == "8", references=references)
        place, _, frequency = [*_one(own, "CLM")[5].split(":"), "", "", ""][:3]
        if frequency != context.frequency:
            raise MessageHole("frequency", "The claim cannot be written: its frequency is not the one that is meant.")
        if version != PROFESSIONAL and (place, _one(own, "SV2")[1]) != (context.facility_type, context.revenue_code):
            raise MessageHole("revenue code", "The claim cannot be written: type of bill or revenue code is another.")


def _sets(rows: list[list[str]], version: str) -> list[list[list[str]]]:
    """The transaction sets of a file whose envelope holds."""
    heads = [row[0] for row in rows]
    sound = heads[:2] == ["ISA", "GS"] and heads[-2:] == ["GE", "IEA"] and len(rows[0]) == 17
    sound = sound and rows[0][13] == rows[-1][2] and rows[-1][1] == "1"
    sound = sound and rows[1][6] == rows[-2][2] and rows[1][8] == version
    found: list[list[list[str]]] = []
    for row in rows[2:-2]:
        if row[0] == "ST":
            found.append([])
        if not found:
            sound = False
            break
        found[-1].append(row)
    for own in found:
        first, last = own[0], own[-1]
        sound = sound and last[0] == "SE" and last[1] == str(len(own)) and last[2] == first[2] and first[3] == version
    numbers = [own[0][2] for own in found]
    if not sound or len(set(numbers)) != len(numbers) or rows[-2][1] != str(len(found)):
        raise MessageHole("envelope", "The file cannot be written: its envelope does not count what is in it.")
    return found


def read_claim(rows: list[list[str]], version: str) -> Said:
    """What one transaction set says.

    Raises
    ------
    MessageHole
        A segment is missing, a required element empty, a level without its parent, a sum wrong.
    """
    if unknown := {row[0] for row in rows} - {"ST", "SE", "NM1", *REQUIRED}:
        raise MessageHole("segments", f"The claim cannot be written: {min(unknown)} is none of its segments.")
    for row in rows:
        needed({f"{row[0]}-{n}": row[n] if n < len(row) else "" for n in REQUIRED.get(row[0], ())})
    for row in rows:
        if row[0] in FORMATS and row[FORMATS[row[0]]] != ("RD8" if row[:2] == ["DTP", "434"] else "D8"):
            raise MessageHole("date format", "The claim cannot be written: a date has another format than it states.")
    _levels(rows)
    npis = _names(rows)
    clm = _one(rows, "CLM")
    line = _one(rows, "SV1" if version == PROFESSIONAL else "SV2")
    place, kind, _ = [*clm[5].split(":"), "", "", ""][:3]
    if kind != ("B" if version == PROFESSIONAL else "A"):
        raise MessageHole("place of service", "The claim cannot be written: its place has another code list.")
    service = (line[1] if version == PROFESSIONAL else line[2]).split(":")
    amount, units = (line[2], line[4]) if version == PROFESSIONAL else (line[3], line[5])
    if service[0] != "HC" or (line[3] if version == PROFESSIONAL else line[4]) != "UN" or amount != clm[2]:
        raise MessageHole("amount", "The claim cannot be written: its lines do not sum up to the claim.")
    if _ref(rows, "6R") != clm[1]:
        raise MessageHole("charge id", "The claim cannot be written: the line's number is not the claim's.")
    births = [date_of(row[2], "birth date") for row in rows if row[0] == "DMG"]
    return Said(
        charge_id=clm[1],
        code=service[1] if len(service) > 1 else "",
        modifiers=tuple(service[2:]),
        units=units,
        diagnoses=_diagnoses(rows),
        day=_day(rows, version),
        pos=place if version == PROFESSIONAL else None,
        pointers=_pointers(line[7]) if version == PROFESSIONAL else None,
        npis=npis,
        amount=_amount(amount),
        before={"patient birth date": births[-1]},
        after={"creation": date_of(_one(rows, "BHT")[4], "creation")},
    )


def _levels(rows: list[list[str]]) -> None:
    """Each HL counts on, has a parent before it, and says truly whether it has children."""
    levels = [row for row in rows if row[0] == "HL"]
    parents = [row[2] for row in levels]
    wanted = [("1", "", "20"), ("2", "1", "22"), ("3", "2", "23")][: len(levels)]
    sound = [tuple(row[1:4]) for row in levels] == wanted and len(levels) >= 2
    if not sound or any((row[4] == "1") != (row[1] in parents) for row in levels):
        raise MessageHole("levels", "The claim cannot be written: a level has no parent, or hides a child.")
    if sum(row[0] == "DMG" for row in rows) != 1:
        raise MessageHole("levels", "The claim cannot be written: the patient has no birth date, or two.")


def _names(rows: list[list[str]]) -> dict[str, str]:
    """NPIs by role; every named party has the number that its role wants."""
    found: dict[str, str] = {}
    for row in (r for r in rows if r[0] == "NM1"):
        entity = row[1]
        if row[2] != ("1" if entity in PEOPLE else "2"):
            raise MessageHole("NM1", "The claim cannot be written: a person stands as an organisation, or the reverse.")
        if entity == "QC":
            needed({"patient name": row[3]})
            continue
        if entity not in NUMBERED or len(row) < 10 or row[8] != NUMBERED[entity]:
            raise MessageHole("NM1", "The claim cannot be written: a party has no number, or one of another kind.")
        needed({f"NM1-{entity}": row[9], **({f"name of {entity}": row[3]} if entity != "QB" else {})})
        if entity in NAMED:
            found[NAMED[entity]] = row[9]
        elif NUMBERED[entity] == "XX":
            found[entity] = row[9]
    wanted = {"billing", "rendering", "ordering"}
    if not wanted <= set(found) or found.get("order's", found["ordering"]) != found["ordering"]:
        raise MessageHole("provider", "The claim cannot be written: a provider is missing or named by two numbers.")
    return found


def _diagnoses(rows: list[list[str]]) -> tuple[str, ...]:
    """Diagnoses in order, with their dots again; one principal, which stands first."""
    parts = [part.split(":") for row in rows if row[0] == "HI" for part in row[1:]]
    if not parts or [p[0] for p in parts] != ["ABK", *["ABF"] * (len(parts) - 1)] or any(len(p) != 2 for p in parts):
        raise MessageHole(
            "diagnosis", "The claim cannot be written: its diagnoses are not one principal one, then others."
        )
    return tuple(p[1] if len(p[1]) == 3 else f"{p[1][:3]}.{p[1][3:]}" for p in parts)


def _day(rows: list[list[str]], version: str) -> dt.date:
    day = date_of(_one(rows, "DTP", "472")[3], "service date")
    if version != PROFESSIONAL:
        first, _, last = _one(rows, "DTP", "434")[3].partition("-")
        if date_of(first, "statement date") != day or date_of(last, "statement date") != day:
            raise MessageHole("statement date", "The claim cannot be written: its statement covers another day.")
    return day


def _pointers(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d{1,2}(:\d{1,2})*", text):
        raise MessageHole("diagnosis pointer", "The claim cannot be written: a pointer is no number.")
    return tuple(map(int, text.split(":")))


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise MessageHole("amount", "The claim cannot be written: an amount is no number.") from None


def _one(rows: list[list[str]], *begin: str) -> list[str]:
    found = [row for row in rows if tuple(row[: len(begin)]) == begin]
    if len(found) != 1:
        raise MessageHole(" ".join(begin), f"The claim cannot be written: {' '.join(begin)} stands not exactly once.")
    return [*found[0], *[""] * 12]


def _ref(rows: list[list[str]], kind: str) -> str:
    return _one(rows, "REF", kind)[2]
