"""Whether a resident took part, and the teaching physician attested."""

from __future__ import annotations

from billing.context import Context
from billing.rules.rule import CFR_TEACHING, Finding, fine, hold, idle, rule


def _asked(case: Context) -> bool:
    """Only a claim with a professional part is asked."""
    return case.component in {"26", "global"}


@rule("R-GC-01", CFR_TEACHING)
def attested(case: Context) -> Finding:
    p = case.facts.providers
    if _asked(case) and p.resident_involved and p.teaching_attested:
        return fine("A resident took part; the teaching physician attested own review and own acts of supervision.")
    return idle("No attested resident's work.")


@rule("R-GC-02", CFR_TEACHING)
def not_attested(case: Context) -> Finding:
    p = case.facts.providers
    if _asked(case) and p.resident_involved and p.teaching_attested is not True:
        return hold(
            "A resident took part and the teaching physician's attestation is missing.",
            ("providers.teaching_attested", "Did the teaching physician review it and perform the acts in person?"),
        )
    return idle("No attestation is missing.")


@rule("R-GC-03", CFR_TEACHING)
def resident_known(case: Context) -> Finding:
    if _asked(case) and case.facts.providers.resident_involved is None:
        return hold(
            "Whether a resident took part is not known.",
            ("providers.resident_involved", "Did a resident take part in the 3D work or its reading?"),
        )
    return idle("Nothing about a resident is open.")


RULES = (attested, not_attested, resident_known)
