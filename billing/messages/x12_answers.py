"""What comes back to a file of claims: TA1 (envelope), 999 (form), 277CA (taken into the payer's work or not).

Codes are kept as they came, with our own few words; the lists that explain them are their publishers'.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from billing.errors import MessageHole
from billing.messages.x12 import segments_of

Kind = Literal["ta1", "999", "277ca"]

# IK5-01 and AK9-01: taken, taken with errors noted, in part; everything else is refused
TAKEN = frozenset({"A", "E", "P"})
# STC-01 category: our words for what is refused before a claim is worked on
REFUSED = {
    "A3": "returned, cannot be processed",
    "A4": "not found",
    "A6": "something is missing",
    "A7": "something is not valid",
    "A8": "two statements do not go together",
}
ACCEPTED = frozenset({"A1", "A2"})


class Verdict(Struct, frozen=True, kw_only=True):
    """One thing that was said.

    Parameters
    ----------
    interchange : control number of the file that it is about (TA1, 999); 0 in a 277CA
    place : number of the transaction set in that file; 0 is the whole file
    claim : the claim's own number (277CA)
    accepted : True where the claim is in the payer's work, False where it was refused, None where neither is said yet
    payer_number : the payer's control number of the claim, for a later replacement or void
    """

    kind: Kind
    interchange: int = 0
    place: int = 0
    claim: str = ""
    accepted: bool | None
    reason: str = ""
    payer_number: str = ""


def read_answers(text: str) -> tuple[Verdict, ...]:
    """Every verdict of an interchange, in order.

    Raises
    ------
    MessageHole
        It is no whole X12 interchange, or there is no TA1, 999 or 277CA in it.
    """
    rows = segments_of(text)
    if rows[-1][0] != "IEA":
        raise MessageHole("answers", "The file with answers is cut off: its last segment is missing.")
    found: list[Verdict] = []
    for own in _sets(rows):
        if own[0][:1] == ["TA1"]:
            found.append(_ta1(_padded(own[0])))
        elif own[0][:2] == ["ST", "999"]:
            found += _implementation(own)
        elif own[0][:2] == ["ST", "277"]:
            found += _claims(own)
    if not found:
        raise MessageHole("answers", "The file is X12 and holds neither TA1, 999 nor 277CA.")
    return tuple(found)


def _sets(rows: list[list[str]]) -> list[list[list[str]]]:
    """Transaction sets, and each TA1 for itself."""
    found: list[list[list[str]]] = []
    inside = False
    for row in rows:
        if row[0] == "TA1":
            found.append([row])
        elif row[0] == "ST":
            found.append([row])
            inside = True
        elif inside:
            found[-1].append(row)
            inside = row[0] != "SE"
    if inside:
        raise MessageHole("answers", "The file with answers is cut off within a transaction set.")
    return found


def _padded(row: list[str]) -> list[str]:
    return [*row, *[""] * 13]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1


def _ta1(row: list[str]) -> Verdict:
    good = row[4] in {"A", "E"}
    return Verdict(
        kind="ta1",
        interchange=_number(row[1]),
        accepted=None if good else False,
        reason="" if good else f"The envelope was refused (TA1 {row[5]}).",
    )


def _implementation(rows: list[list[str]]) -> list[Verdict]:
    """A 999: each set of our group, or the whole group where it is refused without naming one."""
    found: list[Verdict] = []
    group, place, notes = -1, 0, list[str]()
    for row in map(_padded, rows):
        if row[0] == "AK1":
            group = _number(row[2]) if row[1] == "HC" else -1
        elif row[0] == "AK2":
            place, notes = _number(row[2]), []
        elif row[0] == "IK3":
            notes.append(f"segment {row[1]} at {row[2]}: {row[4]}")
        elif row[0] == "IK4":
            notes.append(f"element {row[1]}: {row[3]}")
        elif row[0] == "IK5":
            good = row[1] in TAKEN
            why = "; ".join([*notes, *(c for c in row[2:7] if c)])
            reason = "" if good else f"The form was refused (999 {row[1]}: {why or 'no reason given'})."
            found.append(
                Verdict(kind="999", interchange=group, place=place, accepted=None if good else False, reason=reason)
            )
        elif row[0] == "AK9" and row[1] not in TAKEN and not found:
            codes = "; ".join(c for c in row[5:10] if c) or "no reason given"
            reason = f"The whole file was refused (999 {row[1]}: {codes})."
            found.append(Verdict(kind="999", interchange=group, accepted=False, reason=reason))
    return found


def _claims(rows: list[list[str]]) -> list[Verdict]:
    """A 277CA: what is said at each level of what is named there; only a claim's own level accepts it."""
    if not any(row[0] == "ST" and "X214" in "".join(row) for row in rows):
        raise MessageHole("answers", "The file holds a 277 that is no claim acknowledgement (005010X214).")
    found: list[Verdict] = []
    for level in _levels(rows):
        claim = next((r[2] for r in level if r[:2] == ["TRN", "2"] and len(r) > 2), "")
        states = [_padded(r) for r in level if r[0] == "STC"]
        if not claim or not states:
            continue
        payer_number = next((r[2] for r in level if r[:2] == ["REF", "1K"] and len(r) > 2), "")
        found.append(_status(claim, states, payer_number, own=level[0][3:4] == ["PT"]))
    return found


def _levels(rows: list[list[str]]) -> list[list[list[str]]]:
    """The segments of each HL; a level with several claims is cut at each TRN."""
    found: list[list[list[str]]] = []
    for row in rows:
        if row[0] == "HL":
            found.append([row])
        elif row[0] == "TRN" and found and any(r[0] == "TRN" for r in found[-1]):
            found.append([found[-1][0], row])
        elif found:
            found[-1].append(row)
    return found


def _status(claim: str, states: list[list[str]], payer_number: str, *, own: bool) -> Verdict:
    refused = [s for s in states if s[3] == "U" or s[1][:2] in REFUSED]
    if refused:
        parts = []
        for state in refused:
            word = REFUSED.get(state[1][:2], "refused")
            parts.append(f"{word} ({', '.join(c for c in (state[1], state[10], state[11]) if c)})")
            if state[12]:
                parts.append(state[12])
        return Verdict(kind="277ca", claim=claim, accepted=False, reason="; ".join(parts), payer_number=payer_number)
    taken = own and all(s[3] in {"WQ", ""} and s[1][:2] in ACCEPTED for s in states)
    return Verdict(kind="277ca", claim=claim, accepted=True if taken else None, payer_number=payer_number)
