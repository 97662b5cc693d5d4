"""What is wrong with the data is a value that travels with the result, never an exception."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["info", "warning", "refused"]


class Finding(msgspec.Struct, frozen=True):
    """One thing found in the data, in one plain sentence.

    `code` is a machine word (table in the DICOM page), never shown; `files` how many files it concerns.
    """

    code: str
    severity: Severity
    sentence: str
    files: int = 0


def worst(findings: tuple[Finding, ...]) -> Severity | None:
    """The heaviest severity among them, or None without findings."""
    order: tuple[Severity, ...] = ("refused", "warning", "info")
    return next((s for s in order if any(f.severity == s for f in findings)), None)
