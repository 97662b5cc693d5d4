"""How far the work came."""

from __future__ import annotations

from billing.context import Context
from billing.rules.rule import CPT, Finding, fine, hold, idle, reject, rule


@rule("R-MD-00", CPT)
def something_to_read(case: Context) -> Finding:
    s = case.facts.service
    if s.completion == "discontinued" and s.interpretable is False:
        return reject("The work was broken off and nothing can be interpreted: there is no service to charge.")
    return idle("Not broken off without a result.")


@rule("R-MD-01", CPT)
def completion_known(case: Context) -> list[Finding]:
    s = case.facts.service
    if s.completion is None:
        ask = ("service.completion", "Was the planned 3D work completed, reduced or broken off?")
        return [hold("How far the work came is not known.", ask)]
    readable = ("service.interpretable", "Is there something that can be interpreted?")
    found = []
    if s.completion == "reduced" and s.interpretable is False:
        found.append(hold("Reduced work with nothing to interpret is no reduced service.", readable))
    if s.completion == "discontinued" and s.interpretable is None:
        found.append(hold("The work was broken off; whether something can be interpreted is not known.", readable))
    if s.completion == "discontinued" and s.interpretable is not False and s.discontinued_reason is None:
        ask = ("service.discontinued_reason", "Why: the patient's wellbeing, a technical fault, the workflow?")
        found.append(hold("The work was broken off and the reason is not known.", ask))
    if not found and s.completion == "complete":
        found.append(fine("The planned 3D work was completed."))
    return found or [idle("How far the work came is known.")]


RULES = (something_to_read, completion_known)
