"""What a charge and its case, decided again, disagree in: everything that a receiver sees of a charge is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from billing.context import anatomy_token
from workstation.report.rule_words import payer_words

if TYPE_CHECKING:
    from billing.charge import Charge
    from workstation.desk.charge_case import Decided

_TOLD = (
    ("payer.kind", "payer"),
    ("payer.plan", "plan"),
    ("payer.auth_number", "authorization"),
    ("service.date", "date of service"),
    ("claim.form", "form of the claim"),
    ("claim.pos", "place of service"),
    ("providers.rendering_npi", "reading physician"),
    ("providers.billing_npi", "biller"),
    ("order.ordering_npi", "ordering provider"),
)
"""Facts that stand in a claim beside code, modifiers and diagnoses, in the order of their weight."""


def difference(charge: Charge, decided: Decided, person: tuple[str, str]) -> str:
    """What a charge and the decision of its case disagree in, as a task; "" when they agree.

    Parameters
    ----------
    charge : with its facts
    person : issuer and ID that stand for the case's patient after merges
    """
    answer, facts = decided.answer, decided.facts
    if _at(facts, "report.status") == "retracted":
        return "The report was retracted after this charge: void it."
    if person != (charge.identity.patient_issuer, charge.identity.patient_id):
        return "The patient's identity was corrected after this charge: replace it."
    region = str(_at(facts, "rendering.anatomy") or "")
    if region and anatomy_token(region) != anatomy_token(charge.identity.anatomy):
        return (
            f"The case names {_plain(region)} now, this charge is for {_plain(charge.identity.anatomy)}: replace it "
            "if the region was misnamed. Where both were ordered, this session's second region is charged by hand."
        )
    if answer["decision"] != "bill":
        why = next((r["text"] for r in answer["reasons"] if r["outcome"] == answer["decision"]), "")
        word = "would not be billed" if answer["decision"] == "reject" else "would be held"
        return f"Decided again, this case {word}: {why}".strip()
    told = _other_code(charge, answer) or _other_claim(charge, facts)
    return f"Decided again, {told}: replace the charge." if told else ""


def _other_code(charge: Charge, answer: Mapping[str, Any]) -> str:
    if (answer["code"], tuple(answer["modifiers"])) != (charge.code, charge.modifiers):
        return f"it is {' '.join((str(answer['code']), *map(str, answer['modifiers'])))}"
    diagnoses = tuple(d["code"] for d in answer["diagnoses"])
    return "" if diagnoses == charge.diagnoses else f"the diagnoses are {', '.join(diagnoses)}"


def _other_claim(charge: Charge, facts: Mapping[str, Any]) -> str:
    """The first fact of the claim that is another one now."""
    then = msgspec.json.decode(charge.facts)
    for path, words in _TOLD:
        now, before = _at(facts, path), _at(then, path)
        if (now or None) != (before or None):
            if not now:
                return f"the {words} is not known any more, it was {_value(path, before)}"
            return f"the {words} is {_value(path, now)}, not {_value(path, before)}"
    return ""


def _value(path: str, value: Any) -> str:
    if not value:
        return "unknown"
    words = payer_words(str(value)) if path == "payer.kind" else str(value)
    return words[:1].upper() + words[1:] if path == "payer.kind" else words


def _at(facts: Mapping[str, Any], path: str) -> Any:
    spot: Any = facts
    for part in path.split("."):
        spot = spot.get(part) if isinstance(spot, Mapping) else None
    return spot


def _plain(region: str) -> str:
    return region.replace("_", " ")
