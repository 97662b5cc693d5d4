"""Names as a person reads them on this machine: what no font here has is left out or said, never shown as boxes."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from PySide6.QtGui import QFontMetrics, QGuiApplication

from workstation.window import words

NO_FONT = "(no font for this name)"


@lru_cache(maxsize=8192)
def _has(letter: str) -> bool:
    if letter.isspace() or unicodedata.category(letter) in ("Mn", "Cf"):
        return True
    return QFontMetrics(QGuiApplication.font()).inFontUcs4(ord(letter))


def legible(text: str) -> bool:
    """Whether the fonts of this machine have every letter."""
    return text.isascii() or all(map(_has, text))


def person(dicom_name: str) -> str:
    """A DICOM person name as ``FAMILY, Given Middle``."""
    shown = words.person(dicom_name)
    return shown if legible(shown) else NO_FONT


def other_script(dicom_name: str) -> str:
    """The ideographic group of a DICOM name, or ""."""
    shown = words.other_script(dicom_name)
    return shown if legible(shown) else ""


def in_the_list(dicom_name: str) -> str:
    """Both on one line; each is enough where the other cannot be shown."""
    name, script = person(dicom_name), other_script(dicom_name)
    if not script or script.replace(" ", "") == name.replace(", ", ""):
        return name
    return script if name == NO_FONT else f"{script}  {name}"
