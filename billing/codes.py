"""Procedure codes by number: which base studies already include 3D, which go beside it, which need a coder's look.

Numbers only: the descriptors are the AMA's and stay in the user's licensed code book. Marks in `source`: A certain,
V checked in published material, M from memory (to be confirmed against the imported official file).
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct

FAMILY = ("76376", "76377")
INDEPENDENT, CONSOLE = "76377", "76376"
FORM = re.compile(r"[0-9]{5}|[0-9]{4}[A-Z]|[A-Z][0-9]{4}")

CodeClass = Literal["A", "B", "P"]


class CodeRow(Struct, frozen=True):
    """Codes of one class and modality, with the dates between which they may stand on a claim.

    `codes` is a list of codes and ranges ("70544-70549 71555"); `region` is this project's word for the body region.
    """

    codes: str
    kind: CodeClass
    modality: str
    region: str = ""
    contrast: bool = False
    since: dt.date | None = None
    until: dt.date | None = None
    source: str = "A"


def _d(year: int, month: int = 1, day: int = 1) -> dt.date:
    return dt.date(year, month, day)


# Class A: the base code includes the 3D work. B: believed to. P: plain, 3D may go beside it.
ROWS: tuple[CodeRow, ...] = (
    CodeRow("70496", "A", "CT", "head"),
    CodeRow("70498", "A", "CT", "neck"),
    CodeRow("71275", "A", "CT", "chest"),
    CodeRow("72191", "A", "CT", "pelvis"),
    CodeRow("73206", "A", "CT", "arm"),
    CodeRow("73706", "A", "CT", "leg"),
    CodeRow("74174", "A", "CT", "abdomen_pelvis", since=_d(2012)),
    CodeRow("74175 75635", "A", "CT", "abdomen"),
    CodeRow("70544-70546", "A", "MR", "head"),
    CodeRow("70547-70549", "A", "MR", "neck"),
    CodeRow("71555", "A", "MR", "chest"),
    CodeRow("72159", "A", "MR", "spine"),
    CodeRow("72198", "A", "MR", "pelvis"),
    CodeRow("73225", "A", "MR", "arm"),
    CodeRow("73725", "A", "MR", "leg"),
    CodeRow("74185", "A", "MR", "abdomen"),
    CodeRow("75571-75574", "A", "CT", "heart", since=_d(2010)),
    CodeRow("75557 75559 75561 75563 75565", "A", "MR", "heart"),
    CodeRow("74261-74263", "A", "CT", "colon", since=_d(2010)),
    CodeRow("78012-78999", "A", "NM"),
    CodeRow("77061-77063 G0279", "A", "TOMO", "breast", since=_d(2015)),
    CodeRow("31627 34839 93355", "A", "", source="M"),
    CodeRow("76391", "B", "MR", since=_d(2019), source="M"),
    CodeRow("77046-77049", "B", "MR", "breast", since=_d(2019), source="M"),
    CodeRow("71271", "B", "CT", "chest", since=_d(2021), source="M"),
    CodeRow("75577", "B", "CT", "heart", since=_d(2026), source="V"),
    CodeRow("0623T-0626T", "B", "CT", "heart", since=_d(2021), until=_d(2025, 12, 31), source="V"),
    CodeRow("75580", "B", "CT", "heart", since=_d(2024), source="M"),
    CodeRow("93303-93308 93312-93319", "B", "US", "heart", source="M"),
    CodeRow("77295 77301", "B", "CT", source="M"),
    CodeRow("0523T 0633T-0638T 0648T-0649T 0697T-0698T 0721T-0722T", "B", "", source="M"),
    CodeRow("70450 70480 70486", "P", "CT", "head"),
    CodeRow("70460 70470 70481 70482 70487 70488", "P", "CT", "head", contrast=True),
    CodeRow("70490", "P", "CT", "neck"),
    CodeRow("70491 70492", "P", "CT", "neck", contrast=True),
    CodeRow("71250", "P", "CT", "chest"),
    CodeRow("71260 71270", "P", "CT", "chest", contrast=True),
    CodeRow("72125 72128 72131", "P", "CT", "spine"),
    CodeRow("72126 72127 72129 72130 72132 72133", "P", "CT", "spine", contrast=True),
    CodeRow("72192", "P", "CT", "pelvis"),
    CodeRow("72193 72194", "P", "CT", "pelvis", contrast=True),
    CodeRow("73200", "P", "CT", "arm"),
    CodeRow("73201 73202", "P", "CT", "arm", contrast=True),
    CodeRow("73700", "P", "CT", "leg"),
    CodeRow("73701 73702", "P", "CT", "leg", contrast=True),
    CodeRow("74150", "P", "CT", "abdomen"),
    CodeRow("74160 74170", "P", "CT", "abdomen", contrast=True),
    CodeRow("74176", "P", "CT", "abdomen_pelvis", since=_d(2011)),
    CodeRow("74177 74178", "P", "CT", "abdomen_pelvis", contrast=True, since=_d(2011)),
    CodeRow("76380", "P", "CT"),
    CodeRow("70336 70540", "P", "MR", "head"),
    CodeRow("70542 70543", "P", "MR", "neck", contrast=True),
    CodeRow("70551", "P", "MR", "head"),
    CodeRow("70552 70553", "P", "MR", "head", contrast=True),
    CodeRow("71550", "P", "MR", "chest"),
    CodeRow("71551 71552", "P", "MR", "chest", contrast=True),
    CodeRow("72141 72146 72148", "P", "MR", "spine"),
    CodeRow("72142 72147 72149 72156-72158", "P", "MR", "spine", contrast=True),
    CodeRow("72195", "P", "MR", "pelvis"),
    CodeRow("72196 72197", "P", "MR", "pelvis", contrast=True),
    CodeRow("73218 73221", "P", "MR", "arm"),
    CodeRow("73219 73220 73222 73223", "P", "MR", "arm", contrast=True),
    CodeRow("73718 73721", "P", "MR", "leg"),
    CodeRow("73719 73720 73722 73723", "P", "MR", "leg", contrast=True),
    CodeRow("74181", "P", "MR", "abdomen"),
    CodeRow("74182 74183", "P", "MR", "abdomen", contrast=True),
    CodeRow("76506 76536 76604 76700 76705 76770 76775 76776 76801-76817", "P", "US"),
    CodeRow("76641 76642", "P", "US", "breast", since=_d(2015)),
    CodeRow("76830 76856 76857 76870 76872 76873", "P", "US"),
    CodeRow("76881 76882", "P", "US", since=_d(2011)),
)

# what a coder must look at when it was done on the same day: (codes, why); never charged by this program
NEIGHBOURS: tuple[tuple[str, str], ...] = (
    ("G0288", "reconstruction of an aortic CT angiography for planning a repair may be this service itself"),
    ("34839", "planning of a fenestrated graft contains the 3D work"),
    ("0559T-0562T", "a printed model or guide contains the preparation of the 3D data"),
    ("75577", "coronary plaque analysis overlaps the 3D work"),
    ("75580", "flow reserve from CT overlaps the 3D work"),
    ("G0680", "calcium algorithm, new from 2026-04-01"),
    ("1030T-1035T", "reported as new from 2026 on; meaning and dates are not confirmed"),
)

# angiography of a region, for a plain code that hides one: (modality, region) -> codes to look at
ANGIOGRAPHY: dict[tuple[str, str], tuple[str, ...]] = {
    ("CT", "head"): ("70496",),
    ("CT", "neck"): ("70498",),
    ("CT", "chest"): ("71275",),
    ("CT", "pelvis"): ("72191",),
    ("CT", "arm"): ("73206",),
    ("CT", "leg"): ("73706",),
    ("CT", "abdomen"): ("74175",),
    ("CT", "abdomen_pelvis"): ("74174",),
    ("MR", "head"): ("70544", "70545", "70546"),
    ("MR", "neck"): ("70547", "70548", "70549"),
    ("MR", "chest"): ("71555",),
    ("MR", "spine"): ("72159",),
    ("MR", "pelvis"): ("72198",),
    ("MR", "arm"): ("73225",),
    ("MR", "leg"): ("73725",),
    ("MR", "abdomen"): ("74185",),
}

# CT angiographies of the aorta, for which G0288 is the neighbour to consider
AORTIC_CTA = frozenset({"71275", "72191", "74174", "74175", "75635"})

FACILITY_POS = frozenset({"19", "21", "22", "23", "24", "26", "31", "51", "52", "56", "61"})
HOSPITAL_POS = frozenset({"19", "21", "22", "23"})
OUTPATIENT_POS = frozenset({"19", "22", "23"})

# readers of imaging and 3D, and codes often taken for them: NUCC taxonomy
READER_TAXONOMIES = frozenset(
    {
        "2085R0202X",
        "2085R0204X",
        "2085N0700X",
        "2085N0904X",
        "2085P0229X",
        "2085B0100X",
        "2085D0003X",
        "2085U0001X",
        "207RC0000X",
        "207RI0011X",
        "2086S0129X",
        "207U00000X",
        "207UN0902X",
        "2084N0400X",
        "207T00000X",
    }
)
OTHER_TAXONOMIES = frozenset(
    {
        "2086S0102X",
        "207RH0000X",
        "207L00000X",
        "2085R0001X",
        "2085R0205X",
        "208600000X",
        "207Q00000X",
    }
)
MEANT_TAXONOMY: dict[str, tuple[str, str]] = {
    "2085R0200X": ("2085R0202X", "diagnostic radiology; 2085R0200X does not exist"),
    "2086S0102X": ("2085N0700X", "neuroradiology; 2086S0102X is surgical critical care"),
    "207RH0000X": ("2086S0129X", "vascular surgery; 207RH0000X is hematology"),
    "207L00000X": ("207RC0000X", "cardiovascular disease; 207L00000X is anesthesiology"),
}


def well_formed(code: str | None) -> bool:
    """Whether this is one bare procedure code; "74174-26" or "74174 " would slip past every list that names 74174."""
    return code is not None and FORM.fullmatch(code) is not None


def covers(codes: str, code: str) -> bool:
    """Whether a list of codes and ranges names this code."""
    for part in codes.split():
        first, _, last = part.partition("-")
        if code == first:
            return True
        if last and len(code) == len(first) == len(last) and first <= code <= last and _same_form(code, first):
            return True
    return False


@lru_cache(maxsize=512)
def lookup(code: str) -> CodeRow | None:
    """The row of a base code, None when it is in no class."""
    return next((row for row in ROWS if covers(row.codes, code)), None)


def neighbour(code: str) -> str | None:
    """Why a coder must look at this code beside the 3D, None when not."""
    return next((why for codes, why in NEIGHBOURS if covers(codes, code)), None)


def _same_form(code: str, other: str) -> bool:
    """12345 with 12345, 0123T with 0123T: a range does not cross the two forms."""
    return code[:4].isdigit() and code[-1].isdigit() == other[-1].isdigit() and (code[-1].isdigit() or code[-1] == "T")
