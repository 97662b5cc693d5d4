"""What the payer wants."""

from __future__ import annotations

from billing.context import Context
from billing.rules.rule import OWN, PAYER, Finding, Warned, fine, hold, idle, rule


@rule("R-PY-01", OWN)
def payer_known(case: Context) -> Finding:
    payer = case.facts.payer
    if payer.kind is None:
        return hold("The payer is not known.", ("payer.kind", "Who pays: Medicare, Medicaid, or which insurer?"))
    warnings = []
    unknown = [name for name in ("covered", "prior_auth_required") if case.policy[name] is None]
    if unknown and payer.kind != "self_pay":
        words = {"covered": "whether it covers the service", "prior_auth_required": "whether it wants authorisation"}
        checked = f"checked {case.record.checked_on.isoformat()}" if case.record else "no record"
        source = f" ({case.record.source})" if case.record else ""
        warnings.append(
            Warned("W-PY-01", f"Not known of this payer, {checked}: {' and '.join(words[u] for u in unknown)}{source}.")
        )
    if payer.kind == "self_pay":
        warnings.append(Warned("W-PY-02", "The patient pays: no claim message is written, an estimate only."))
    return fine(f"The payer is {payer.kind.replace('_', ' ')}.", warnings=tuple(warnings))


@rule("R-PY-02", PAYER)
def authorised(case: Context) -> Finding:
    if case.policy["prior_auth_required"] is True and not (case.facts.payer.auth_number or "").strip():
        return hold(
            "The payer wants an authorisation and no number is given.",
            ("payer.auth_number", "What is the authorisation number for the 3D rendering?"),
        )
    return idle("No authorisation is missing as far as is known.")


@rule("R-PY-03", PAYER)
def covered(case: Context) -> Finding:
    if case.policy["covered"] is False:
        return hold(
            "The payer does not cover this service.",
            ("payer.covered", "Does this plan cover 3D rendering for this patient after all?"),
        )
    return idle("No exclusion by the payer is known.")


RULES = (payer_known, authorised, covered)
