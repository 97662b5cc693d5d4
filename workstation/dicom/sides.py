"""Whether the labels of a stack agree with where its positions put it (clinical rules 1.4 and 1.5, tags)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from render.geometry import letters
from workstation.base.findings import Finding
from workstation.dicom import tags as el
from workstation.dicom.images import Image
from workstation.dicom.words import finding

# What a series calls its patient's position, and the positions (0018,5100) that fit.
_LYING = (
    (re.compile(r"\bPRONE\b"), ("P",)),
    (re.compile(r"\bSUPINE\b"), ("S",)),
    (re.compile(r"\bDECUB"), ("DR", "DL")),
)
_FIRST = (
    (re.compile(r"\b(FEET|FOOT)[ _-]?FIRST\b|\bFF[SP]\b"), ("FF",)),
    (re.compile(r"\bHEAD[ _-]?FIRST\b|\bHF[SP]\b"), ("HF",)),
)
_POSITIONS = frozenset(("HFS", "HFP", "HFDR", "HFDL", "FFS", "FFP", "FFDR", "FFDL"))


def doubts_about_sides(images: Sequence[Image], affine_lps: npt.NDArray[np.float64]) -> list[Finding]:
    """No sides at all (animals, a volume in a frame of its own), or labels that contradict the positions."""
    first = images[0]
    header = first.header
    if first.own_frame:
        return [finding("no_sides")]
    if header.text(el.ANATOMICAL_ORIENTATION).upper() == "QUADRUPED":
        return [finding("quadruped")]
    row, column = affine_lps[:3, 2], affine_lps[:3, 1]
    if any(
        _contradicts(i.header.words(el.PATIENT_ORIENTATION), row, column) for i in images[:: max(1, len(images) - 1)]
    ):
        return [finding("position_doubtful")]
    description = f"{header.text(el.SERIES_DESCRIPTION)} {header.text(el.PROTOCOL)}".upper()
    position = header.text(el.PATIENT_POSITION).upper()
    if position in _POSITIONS and _word_contradicts(description, position):
        return [finding("position_doubtful")]
    return []


def _contradicts(stated: tuple[str, ...], row: npt.NDArray[np.float64], column: npt.NDArray[np.float64]) -> bool:
    """Patient Orientation (0020,0020) names other sides than the positions do: no main letter of one is the other's."""
    if len(stated) != 2 or not all(re.fullmatch(r"[LRAPHF]{1,3}", word) for word in stated):
        return False
    return any(word[0] not in letters(direction) for word, direction in zip(stated, (row, column), strict=True))


def _word_contradicts(description: str, position: str) -> bool:
    """The description names another position than (0018,5100) does."""
    head_or_feet, lying = position[:2], position[2:]
    said_lying = {fit for pattern, fit in _LYING if pattern.search(description)}
    said_first = {fit for pattern, fit in _FIRST if pattern.search(description)}
    # "Supine and prone" in one description says nothing of this series.
    return (len(said_lying) == 1 and lying not in next(iter(said_lying))) or (
        len(said_first) == 1 and head_or_feet not in next(iter(said_first))
    )
