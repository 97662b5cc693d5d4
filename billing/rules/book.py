"""All rules, in the order of the trace."""

from __future__ import annotations

from billing.rules import (
    archive,
    base,
    completion,
    component,
    dates,
    diagnosis,
    documents,
    exclusions,
    laterality,
    modifiers,
    order,
    pairs,
    payer,
    provider,
    purpose,
    resident,
    supervision,
    technique,
    units,
    workstation,
)
from billing.rules.rule import Rule

# Changes whenever a rule, a class of codes or a modifier's road changes what is decided.
RULES_VERSION = "2026.11.4"

RULES: tuple[Rule, ...] = (
    *dates.RULES,
    *payer.RULES,
    *workstation.RULES,
    *technique.RULES,
    *base.RULES,
    *exclusions.RULES,
    *supervision.RULES,
    *archive.RULES,
    *documents.RULES,
    *order.RULES,
    *purpose.RULES,
    *diagnosis.RULES,
    *laterality.RULES,
    *provider.RULES,
    *component.RULES,
    *resident.RULES,
    *completion.RULES,
    *pairs.RULES,
    *units.RULES,
    *modifiers.RULES,
)
