"""Whether two statements of identity name the same patient: the verdicts of the project's identity rules."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import msgspec

Verdict = Literal["same", "identity_incomplete", "identity_conflict", "identity_possible", "different"]

_PLACEHOLDER = re.compile(r"^(0+|UNKNOWN|NOID|NONE|ANON.*|TEST.*)$", re.IGNORECASE)
_NO_BIRTH_DATE = {"1800-01-01", "1900-01-01", ""}


class Stated(msgspec.Struct, frozen=True):
    """Identity as a source states it. `birth_date` is YYYY-MM-DD."""

    id: str = ""
    issuer: str = ""
    name: str = ""
    birth_date: str | None = None
    sex: str | None = None

    def __repr__(self) -> str:
        return "Stated(...)"


def is_placeholder(text: str) -> bool:
    """Whether an ID or a name stands for none: empty, zeros, UNKNOWN, ANON..., TEST..."""
    return not text.strip() or bool(_PLACEHOLDER.match(text.strip().strip("^")))


def key_of(stated: Stated, source: str) -> str:
    """(issuer, ID) as one text; an ID that is absent or a placeholder belongs to its own source (study) alone."""
    patient_id = stated.id.strip()
    if is_placeholder(patient_id):
        return f"study\\{source}"
    return f"{stated.issuer.strip()}\\{patient_id}"


def folded(name: str) -> set[str]:
    """A name's component groups for comparison: family and given, without case, accents and spare spaces."""
    groups = set()
    for group in name.split("="):
        plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", group)).casefold()
        plain = "".join(c for c in plain if not unicodedata.combining(c))
        parts = [" ".join(p.split()) for p in plain.split("^")][:2]
        text = "^".join(parts).rstrip("^")
        if text:
            groups.add(text)
    return groups


def verdict(a: Stated, b: Stated, *, same_key: bool) -> Verdict:
    """Compare two identities by the table of the clinical rules (1.1)."""
    names = (None if is_placeholder(a.name) else folded(a.name), None if is_placeholder(b.name) else folded(b.name))
    births = tuple(None if (s.birth_date or "") in _NO_BIRTH_DATE else s.birth_date for s in (a, b))
    sexes = tuple(s.sex if s.sex in ("M", "F") else None for s in (a, b))
    name_differs = names[0] is not None and names[1] is not None and not names[0] & names[1]
    birth_differs = None not in births and births[0] != births[1]
    sex_differs = None not in sexes and sexes[0] != sexes[1]
    absent = None in names or None in births
    if same_key:
        if name_differs or birth_differs or sex_differs:
            return "identity_conflict"
        return "identity_incomplete" if absent else "same"
    if absent or name_differs or birth_differs or sex_differs or None in sexes:
        return "different"
    return "identity_possible"
