"""Diagnosis codes: form, the built-in periods of a few families, and what a code or a label says (side, rupture ...).

The built-in set covers the families that the project's source overview had wrong; all others need the imported file.
ICD-10-CM stands on claims from 2015-10-01 on.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

from msgspec import Struct

ICD10_START = dt.date(2015, 10, 1)
_END_FY16, _START_FY17 = dt.date(2016, 9, 30), dt.date(2016, 10, 1)
_END_FY17, _START_FY18 = dt.date(2017, 9, 30), dt.date(2017, 10, 1)
_END_FY22, _START_FY23 = dt.date(2022, 9, 30), dt.date(2022, 10, 1)

FORM = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")


class IcdCode(Struct, frozen=True):
    """A code's period: billable between the dates, a header (never billable) where `billable` is False."""

    code: str
    billable: bool
    since: dt.date | None
    until: dt.date | None
    meaning: str = ""


def _rows(text: str, since: dt.date, until: dt.date | None = None) -> list[IcdCode]:
    """Lines "CODE meaning"; a meaning of "header" makes it one."""
    rows = []
    for line in text.strip().splitlines():
        code, _, meaning = line.strip().partition(" ")
        rows.append(IcdCode(code, meaning != "header", since, until, meaning))
    return rows


BUILT_IN: tuple[IcdCode, ...] = (
    *_rows(
        """I71 header
        I71.0 header
        I71.00 dissection, site unspecified
        I71.02 dissection, abdominal
        I71.03 dissection, thoracoabdominal
        I71.8 ruptured, site unspecified
        I71.9 without rupture, site unspecified
        M48 header
        M48.0 header
        M48.00 site unspecified
        M48.01 occipito-atlanto-axial
        M48.02 cervical
        M48.03 cervicothoracic
        M48.04 thoracic spine
        M48.05 thoracolumbar
        M48.07 lumbosacral
        M48.08 sacral
        I82 header
        I82.4 header
        I82.40 header
        I82.401 right
        I82.402 left
        I82.403 bilateral
        I82.409 side unspecified
        K55 header
        K55.1 chronic
        K55.2 header
        K55.20 without haemorrhage
        K55.21 with haemorrhage
        K55.8 other
        K55.9 unspecified""",
        ICD10_START,
    ),
    *_rows(
        """I71.01 dissection, thoracic
        I71.1 thoracic, ruptured
        I71.2 thoracic, without rupture
        I71.3 abdominal, ruptured
        I71.4 abdominal, without rupture
        I71.5 thoracoabdominal, ruptured
        I71.6 thoracoabdominal, without rupture""",
        ICD10_START,
        _END_FY22,
    ),
    *_rows(
        """I71.01 header
        I71.1 header
        I71.2 header
        I71.3 header
        I71.4 header
        I71.5 header
        I71.6 header
        I71.010 dissection, thoracic ascending
        I71.011 dissection, thoracic arch
        I71.012 dissection, thoracic descending
        I71.019 dissection, thoracic, part unspecified
        I71.10 thoracic, ruptured, part unspecified
        I71.11 thoracic ascending, ruptured
        I71.12 thoracic arch, ruptured
        I71.13 thoracic descending, ruptured
        I71.20 thoracic, without rupture, part unspecified
        I71.21 thoracic ascending, without rupture
        I71.22 thoracic arch, without rupture
        I71.23 thoracic descending, without rupture
        I71.30 abdominal, ruptured, part unspecified
        I71.31 abdominal pararenal, ruptured
        I71.32 abdominal juxtarenal, ruptured
        I71.33 abdominal infrarenal, ruptured
        I71.40 abdominal, without rupture, part unspecified
        I71.41 abdominal pararenal, without rupture
        I71.42 abdominal juxtarenal, without rupture
        I71.43 abdominal infrarenal, without rupture
        I71.50 thoracoabdominal, ruptured, part unspecified
        I71.51 thoracoabdominal supraceliac, ruptured
        I71.52 thoracoabdominal paravisceral, ruptured
        I71.60 thoracoabdominal, without rupture, part unspecified
        I71.61 thoracoabdominal supraceliac, without rupture
        I71.62 thoracoabdominal paravisceral, without rupture""",
        _START_FY23,
    ),
    *_rows("M48.06 lumbar", ICD10_START, _END_FY17),
    *_rows(
        """M48.06 header
        M48.061 lumbar, without neurogenic claudication
        M48.062 lumbar, with neurogenic claudication""",
        _START_FY18,
    ),
    *_rows("K55.0 acute", ICD10_START, _END_FY16),
    *_rows(
        """K55.0 header
        K55.01 header
        K55.02 header
        K55.03 header
        K55.04 header
        K55.05 header
        K55.06 header
        K55.3 header
        K55.30 unspecified stage
        K55.31 stage 1
        K55.32 stage 2
        K55.33 stage 3"""
        + "".join(f"\nK55.0{n}{m} acute" for n in range(1, 7) for m in (1, 2, 9)),
        _START_FY17,
    ),
)
FAMILIES = ("I71", "M48.0", "I82.40", "K55")


def complete_family(code: str) -> bool:
    """Whether the built-in set holds every code of this code's family, so that an absent one does not exist."""
    return code.startswith(FAMILIES)


def built_in(code: str) -> tuple[IcdCode, ...]:
    """All periods of a code in the built-in set; empty when it is not there."""
    return tuple(row for row in BUILT_IN if row.code == code)


def children(code: str, day: dt.date) -> tuple[str, ...]:
    """Billable codes below a header on that day, from the built-in set."""
    return tuple(
        row.code
        for row in BUILT_IN
        if row.billable and row.code != code and row.code.startswith(code) and in_force(row.since, row.until, day)
    )


def in_force(since: dt.date | None, until: dt.date | None, day: dt.date | None) -> bool:
    """Whether a period contains the day, both ends included; an unknown day is in every period."""
    return day is None or ((since is None or since <= day) and (until is None or day <= until))


# words that may stand between a "no" and the rupture it denies
BETWEEN = r"((any|mention|evidence|sign|signs|current|acute|been|of)\s+){0,4}"


class Meaning(Struct, frozen=True):
    """What words say on the points where labels and codes are known to part; None: they do not say."""

    region: str | None = None
    ruptured: bool | None = None
    side: str | None = None
    spine: str | None = None


@lru_cache(maxsize=1024)
def meaning(words: str) -> Meaning:
    """Read region of the aorta, rupture, side and region of the spine from a label or from a code's meaning."""
    text = words.casefold()
    both = re.search(r"thoraco-?\s?abdominal", text) is not None
    text_left = re.sub(r"thoraco-?\s?abdominal", " ", text)
    thoracic = re.search(r"\bthoracic\b", text_left) is not None
    abdominal = re.search(r"\babdominal\b|\baaa\b", text_left) is not None
    region = "thoracoabdominal" if both or (thoracic and abdominal) else None
    region = region or ("thoracic" if thoracic else "abdominal" if abdominal else None)
    ruptured: bool | None = None
    if re.search(
        rf"(\b(without|w/o|no|not|non|never|negative for|absent)[\s-]+{BETWEEN}|\bno[nt]?|\bun-?)rupture", text
    ):
        ruptured = False
    elif re.search(r"\bruptured?\b", text):
        ruptured = True
    # a quadrant or a chamber of the heart is a place, not the side that was examined
    sided = re.sub(r"\b(right|left)\s+((upper|lower)\s+quadrant|ventric|atri|heart|bundle)", " ", text)
    right, left = re.search(r"\bright\b", sided) is not None, re.search(r"\bleft\b", sided) is not None
    side = None
    if re.search(r"\bbilateral\b|\bboth\b", text) or (right and left):
        side = "bilateral"
    elif right or left:
        side = "right" if right else "left"
    elif re.search(r"\bunilateral\b", text):
        side = "unilateral"
    spine = (
        "lumbosacral" if re.search(r"lumbo-?\s?sacral", text) else "lumbar" if re.search(r"\blumbar\b", text) else None
    )
    return Meaning(region, ruptured, side, spine)


def contradictions(label: Meaning, code: Meaning) -> tuple[str, ...]:
    """Where a label and a code's meaning exclude each other, in words."""
    found = []
    if label.region and code.region and label.region != code.region:
        found.append(f"the words say {label.region}, the code is {code.region}")
    if label.ruptured is not None and code.ruptured is not None and label.ruptured != code.ruptured:
        said = {True: "ruptured", False: "without rupture"}
        found.append(f"the words say {said[label.ruptured]}, the code is {said[code.ruptured]}")
    if label.side and code.side and label.side != code.side and not _one_side(label.side, code.side):
        found.append(f"the words say {label.side}, the code is {code.side}")
    if label.spine and code.spine and label.spine != code.spine:
        found.append(f"the words say {label.spine}, the code is {code.spine}")
    return tuple(found)


def says(words: Meaning, code: Meaning) -> bool:
    """Whether a code's meaning states every point on which the words are definite."""
    if any(w is not None and w != c for w, c in ((words.region, code.region), (words.ruptured, code.ruptured))):
        return False
    if words.spine is not None and words.spine != code.spine:
        return False
    if words.side == "unilateral":
        return code.side in {"left", "right", "unilateral"}
    return words.side is None or words.side == code.side


def _one_side(one: str, other: str) -> bool:
    """Whether "unilateral" stands against a named single side: no contradiction."""
    return "unilateral" in {one, other} and "bilateral" not in {one, other}
