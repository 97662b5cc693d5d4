"""How far a case has come, and which steps from state to state there are."""

from __future__ import annotations

from typing import Literal

from workstation.case.model import Case

Progress = Literal["new", "opened", "drafts", "released", "signed", "charged"]

# from -> to: a released picture never goes back to a draft, a discarded or withdrawn one stays so
CAPTURE_STEPS: dict[str, frozenset[str]] = {
    "draft": frozenset({"released", "discarded"}),
    "released": frozenset({"withdrawn"}),
    "discarded": frozenset(),
    "withdrawn": frozenset(),
}

# A signed report is immutable; what follows it is a new document that names it (CLINICAL 6.3).
REPORT_STEPS: dict[str, frozenset[str]] = {
    "": frozenset({"preliminary", "final"}),
    "preliminary": frozenset({"final", "retracted"}),
    "final": frozenset({"addendum", "retracted"}),
    "addendum": frozenset({"addendum", "retracted"}),
    "retracted": frozenset(),
}


def report_status(case: Case) -> str:
    """Status of the newest signed report, or "" before the first."""
    return case.reports[-1].status if case.reports else ""


def progress(case: Case) -> Progress:
    """The mark of the study list."""
    if case.charge:
        return "charged"
    if case.reports:
        return "signed"
    states = {c.state for c in case.captures}
    if "released" in states:
        return "released"
    return "drafts" if "draft" in states else "opened"
