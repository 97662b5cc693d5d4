"""A past charge explained: what was known and decided then, and what the same facts give now."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Literal

import msgspec
from msgspec import Struct

from billing.charge import Charge, grounds_digest
from billing.decide import Answer, decide
from billing.facts import read_facts
from billing.payer_book import PayerBook
from billing.reference.tables import BUILT_IN, References
from billing.site import Site


class Difference(Struct, frozen=True, kw_only=True):
    """A point on which the two decisions part: `field` is a field of the answer, or a rule's id."""

    field: str
    then: Any
    now: Any


class Audit(Struct, frozen=True, kw_only=True):
    """The frozen grounds of a charge beside today's decision on the same facts."""

    schema: Literal["renderdesk.audit/1"] = "renderdesk.audit/1"
    charge_id: str
    untouched: bool
    facts: dict[str, Any]
    then: Answer
    now: Answer
    differences: tuple[Difference, ...]


COMPARED = ("decision", "code", "modifiers", "units", "diagnoses", "rules_version", "references")


def audit(
    charge: Charge,
    *,
    as_of: dt.date | None = None,
    references: References = BUILT_IN,
    payers: PayerBook | None = None,
    site: Site | None = None,
) -> Audit:
    """Decide a charge again.

    Parameters
    ----------
    charge : as the ledger keeps it; its facts and answer are those of the confirmation
    as_of : the day of deciding; default the day of the first decision, so that only rules and tables differ.
        Which rules hold is by the service date in any case.

    Returns
    -------
    Audit
        `untouched` is False when the frozen grounds no longer have the digest of their confirmation.
    """
    facts = json.loads(charge.facts)
    then = msgspec.json.decode(charge.answer, type=Answer)
    now = decide(
        read_facts(facts), as_of=as_of or then.as_of, references=references, payers=payers, site=site, own_ledger=()
    )
    return Audit(
        charge_id=charge.charge_id,
        untouched=charge.digest == grounds_digest(charge.facts, charge.answer),
        facts=facts,
        then=then,
        now=now,
        differences=_differences(then, now),
    )


def _differences(then: Answer, now: Answer) -> tuple[Difference, ...]:
    old, new = msgspec.to_builtins(then), msgspec.to_builtins(now)
    found = [Difference(field=f, then=old[f], now=new[f]) for f in COMPARED if old[f] != new[f]]
    before, after = _outcomes(then), _outcomes(now)
    for rule in dict.fromkeys((*before, *after)):
        if before.get(rule) != after.get(rule):
            found.append(Difference(field=rule, then=before.get(rule), now=after.get(rule)))
    return tuple(found)


def _outcomes(answer: Answer) -> dict[str, str]:
    """The worst outcome of each rule in a trace."""
    rank = ("pass", "hold", "reject")
    found: dict[str, str] = {}
    for reason in answer.reasons:
        found[reason.rule] = max(found.get(reason.rule, "pass"), reason.outcome, key=rank.index)
    return found
