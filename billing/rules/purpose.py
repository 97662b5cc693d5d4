"""What the 3D was for."""

from __future__ import annotations

from billing.context import Context
from billing.rules.rule import NCCI, OWN, Alternative, Finding, fine, hold, idle, reject, rule

NAMES = {
    "diagnosis": "a diagnosis",
    "surgical_planning": "planning an operation",
    "radiation_planning": "radiation planning",
    "navigation_only": "navigation only",
    "print_only": "a print only",
    "research": "research",
}
ELSEWHERE = {
    "radiation_planning": (Alternative("77295", "the planning code of radiation therapy contains the 3D work"),),
    "print_only": (
        Alternative("0559T", "preparation of a printed anatomic model"),
        Alternative("0561T", "preparation of a printed guide"),
    ),
}


@rule("R-PU-01", NCCI)
def needle(case: Context) -> Finding:
    if case.facts.service.purpose == "needle_mapping":
        return reject("3D only to map sites for a needle under imaging guidance is not charged separately.")
    return idle("Not for mapping needle sites.")


@rule("R-PU-02", OWN)
def other_purpose(case: Context) -> Finding:
    purpose = case.facts.service.purpose
    if purpose in {"radiation_planning", "navigation_only", "print_only", "research"}:
        return hold(
            f"The 3D was made for {NAMES[purpose]}; that is usually charged otherwise or not at all.",
            ("service.purpose", "Was the 3D also needed for a diagnosis or for planning an operation?"),
            alternatives=ELSEWHERE.get(purpose, ()),
        )
    return fine(f"The 3D was made for {NAMES[purpose]}.") if purpose in NAMES else idle("No such purpose.")


@rule("R-PU-03", OWN)
def teaching(case: Context) -> Finding:
    if case.facts.service.purpose == "teaching":
        return reject("3D for teaching is not a service to the patient.")
    return idle("Not for teaching.")


@rule("R-PU-04", OWN)
def purpose_known(case: Context) -> Finding:
    if case.facts.service.purpose is None:
        return hold("The purpose of the 3D is not known.", ("service.purpose", "What was the 3D made for?"))
    return idle("The purpose is known.")


RULES = (needle, other_purpose, teaching, purpose_known)
