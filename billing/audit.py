"""A past charge explained: what was decided then, what its own day gives again, and what the same facts give today."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Literal

import msgspec
from msgspec import Struct

from billing.charge import Charge, grounds_digest
from billing.decide import Answer, decide
from billing.errors import FactsError, LedgerError
from billing.facts import read_facts
from billing.payer_book import PayerBook
from billing.reference.tables import BUILT_IN, References
from billing.site import Site


class Difference(Struct, frozen=True, kw_only=True):
    """A point on which the two decisions part: `field` is a field of the answer, or a rule's id."""

    field: str
    then: Any
    now: Any


class Known(Struct, frozen=True):
    """The tables and the site's records that a decision stands on."""

    references: References = BUILT_IN
    payers: PayerBook | None = None
    site: Site | None = None


class Audit(Struct, frozen=True, kw_only=True):
    """The frozen grounds of a charge, decided again by what held on its day, and by what holds today.

    `of_its_day` should say what `then` said; `repeated` names where it does not (the program itself was changed).
    `differences` names where today's decision parts from the first.
    """

    schema: Literal["renderdesk.audit/1"] = "renderdesk.audit/1"
    charge_id: str
    untouched: bool
    facts: dict[str, Any]
    then: Answer
    of_its_day: Answer
    now: Answer
    repeated: tuple[Difference, ...]
    differences: tuple[Difference, ...]


COMPARED = ("decision", "code", "modifiers", "units", "diagnoses", "rules_version", "references", "warnings")


def audit(
    charge: Charge,
    *,
    as_of: dt.date | None = None,
    references: References = BUILT_IN,
    payers: PayerBook | None = None,
    site: Site | None = None,
    known_then: Known | None = None,
) -> Audit:
    """Decide a charge again.

    Parameters
    ----------
    charge : as the ledger keeps it; its facts and answer are those of the confirmation
    as_of : today's day of deciding; default the day of the first decision, so that only rules and tables differ.
        Which rules hold is by the service date in any case.
    references, payers, site : what is known today
    known_then : what was known when the charge was confirmed; default the same

    Returns
    -------
    Audit
        `untouched` is False when the frozen grounds no longer have the digest of their confirmation.

    Raises
    ------
    BillingError
        The frozen grounds cannot be read any more.
    """
    today = Known(references, payers, site)
    try:
        facts = json.loads(charge.facts)
        then = msgspec.json.decode(charge.answer, type=Answer)
        read = read_facts(facts)
    except (ValueError, msgspec.MsgspecError, FactsError):
        sentence = f"The facts or the answer of charge {charge.charge_id} were changed and cannot be read any more."
        raise LedgerError(sentence) from None

    def again(known: Known, day: dt.date) -> Answer:
        return decide(read, as_of=day, references=known.references, payers=known.payers, site=known.site, own_ledger=())

    of_its_day, now = again(known_then or today, then.as_of), again(today, as_of or then.as_of)
    return Audit(
        charge_id=charge.charge_id,
        untouched=charge.digest == grounds_digest(charge.facts, charge.answer),
        facts=facts,
        then=then,
        of_its_day=of_its_day,
        now=now,
        repeated=_differences(then, of_its_day),
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


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(Answer)
