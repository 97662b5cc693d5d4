"""Whether the signed report says what must be said."""

from __future__ import annotations

from billing.codes import INDEPENDENT
from billing.context import Context
from billing.rules.rule import CPT, LIT, OWN, Finding, fine, hold, idle, reject, rule

STATED = {
    "three_d_findings": ("separate findings from the 3D", "Does the report have findings of its own from the 3D?"),
    "technique_stated": ("the technique (VR, SSD, MIP)", "Does the report name the technique?"),
    "workstation_stated": ("the independent workstation", "Does the report name the independent workstation?"),
    "supervision_stated": ("the supervision", "Does the report state the concurrent supervision?"),
}


@rule("R-RP-01", CPT)
def signed(case: Context) -> Finding:
    status = case.facts.report.status
    if status in {"final", "addendum"}:
        return fine("The report is final.")
    if status == "retracted":
        return idle("The report was retracted.")
    return hold(
        "Whether the report is final is not known." if status is None else f"The report is {status}, not final.",
        ("report.status", "Is the report signed and final?"),
    )


@rule("R-RP-02", OWN)
def not_retracted(case: Context) -> Finding:
    if case.facts.report.status == "retracted":
        return reject("The report was retracted; nothing may be charged on it.")
    return idle("The report was not retracted.")


@rule("R-RP-03", CPT)
def signed_by_the_reader(case: Context) -> Finding:
    who, reader = case.facts.report.signed_by_npi, case.facts.providers.rendering_npi
    if not who or who != reader:
        return hold(
            "Who signed the report is not known." if not who else "The physician who signed is not the one who reads.",
            ("report.signed_by_npi", "Which physician signed the report (NPI)?"),
        )
    return fine("The reader signed the report.")


@rule("R-RP-04", LIT)
def states(case: Context) -> list[Finding]:
    report = case.facts.report
    found = []
    for name, (words, ask) in STATED.items():
        if name == "workstation_stated" and case.code != INDEPENDENT:
            continue
        value = getattr(report, name)
        if value is not True:
            lacks = "does not state" if value is False else "is not known to state"
            found.append(hold(f"The report {lacks} {words}; an addendum cures it.", (f"report.{name}", ask)))
    return found or [fine("The report states technique, supervision and findings of the 3D.")]


RULES = (signed, not_retracted, signed_by_the_reader, states)
