"""Facts in, decision out: every rule of the day is asked, the worst answer wins, every answer stays in the trace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from billing.context import Context
from billing.estimate import Estimate, estimate
from billing.facts import Facts, LedgerEntry
from billing.payer_book import PayerBook
from billing.reference.tables import BUILT_IN, BUILT_IN_EFFECTIVE, References, outdated
from billing.rules.book import RULES, RULES_VERSION
from billing.rules.modifiers import attached
from billing.rules.rule import Alternative, Finding, Outcome, Rule, Warned
from billing.site import Site

Decision = Literal["bill", "hold", "reject"]


class Question(Struct, frozen=True):
    """What must be answered before the charge may be confirmed."""

    field: str
    ask: str
    rule: str


class Reason(Struct, frozen=True, kw_only=True):
    """One line of the trace: a rule's answer, its source and period."""

    rule: str
    outcome: Outcome
    text: str
    source: str
    since: dt.date | None = msgspec.field(name="from")
    until: dt.date | None = msgspec.field(name="to")


class Pointer(Struct, frozen=True):
    """A diagnosis and its number on the claim."""

    pointer: int
    code: str


class ReferenceUse(Struct, frozen=True):
    """A table that the decision stands on."""

    file: str
    effective: dt.date | None


class Answer(Struct, frozen=True, kw_only=True):
    """The decision with everything that led to it (schema `renderdesk.answer/1`)."""

    schema: Literal["renderdesk.answer/1"] = "renderdesk.answer/1"
    facts_id: str | None
    decision: Decision
    code: str | None
    modifiers: tuple[str, ...]
    units: int
    diagnoses: tuple[Pointer, ...]
    questions: tuple[Question, ...]
    reasons: tuple[Reason, ...]
    warnings: tuple[Warned, ...]
    alternatives: tuple[Alternative, ...]
    estimate: Estimate | None = None
    rules_version: str
    references: tuple[ReferenceUse, ...]
    as_of: dt.date


class Step(Struct, frozen=True):
    """A rule and one of its answers."""

    rule: Rule
    finding: Finding


def decide(
    facts: Facts,
    *,
    as_of: dt.date | None = None,
    references: References = BUILT_IN,
    payers: PayerBook | None = None,
    site: Site | None = None,
    own_ledger: Sequence[LedgerEntry] | None = None,
) -> Answer:
    """Decide one 3D charge.

    Parameters
    ----------
    facts : what is known; `None` is "not known"
    as_of : the day of deciding; default `facts.as_of`, else today in the site's time
    references : imported official tables; what the case itself gives (`facts.reference`) goes before them
    payers : the site's payer records, asked before the shipped ones
    own_ledger : charges of the program's own ledger for this patient and day; added to `facts.ledger`

    Returns
    -------
    Answer
        reject when any rule rejects, else hold when any rule holds, else bill. Code, modifiers and units are only
        given as section 8 of the billing page says: modifiers and units with bill, no code with reject.
    """
    day = as_of or facts.as_of or dt.datetime.now().astimezone().date()
    case = Context(facts, day, references=references, payers=payers, site=site, own_ledger=own_ledger)
    steps = trace(case)
    outcomes = {step.finding.outcome for step in steps}
    decision: Decision = "reject" if "reject" in outcomes else "hold" if "hold" in outcomes else "bill"
    return Answer(
        facts_id=facts.facts_id,
        decision=decision,
        code=None if decision == "reject" else case.code,
        modifiers=attached(case) if decision == "bill" else (),
        units=1 if decision == "bill" else 0,
        diagnoses=tuple(Pointer(i, dx.code) for i, dx in enumerate(facts.dx or (), 1) if dx.code),
        questions=_questions(steps),
        reasons=tuple(
            Reason(
                rule=s.rule.id,
                outcome=s.finding.outcome,
                text=s.finding.text,
                source=s.rule.source,
                since=s.rule.since,
                until=s.rule.until,
            )
            for s in steps
        ),
        warnings=tuple(dict.fromkeys(w for s in steps for w in s.finding.warnings)) + _age(case),
        alternatives=_alternatives(steps),
        estimate=None
        if decision == "reject"
        else estimate(facts, case.code, case.component, case.references, case.site),
        rules_version=RULES_VERSION,
        references=_uses(case),
        as_of=day,
    )


def trace(case: Context) -> list[Step]:
    """Ask every rule that is in force on the service date."""
    return [Step(rule, finding) for rule in RULES if rule.on(case.day) for finding in rule.ask(case)]


def answer_to_builtins(answer: Answer) -> dict[str, Any]:
    """The answer as plain JSON values, fields in the order of the page."""
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    return plain


def _questions(steps: list[Step]) -> tuple[Question, ...]:
    """One question per field, in the order of the trace."""
    found: dict[str, Question] = {}
    for step in steps:
        for ask in step.finding.asks:
            found.setdefault(ask.field, Question(ask.field, ask.ask, step.rule.id))
    return tuple(found.values())


def _alternatives(steps: list[Step]) -> tuple[Alternative, ...]:
    """Each code to consider once, with the reason of the rule that named it first."""
    found: dict[str, Alternative] = {}
    for step in steps:
        for one in step.finding.alternatives:
            found.setdefault(one.code, one)
    return tuple(found.values())


def _uses(case: Context) -> tuple[ReferenceUse, ...]:
    """What stood behind the decision: the case's tables, the imported ones, the payer's record, the built-in set."""
    own = case.facts.reference
    found = [
        ReferenceUse(f"facts.reference.{name}", None)
        for name in ("ptp", "mue", "icd10cm")
        if getattr(own, name) is not None
    ]
    day = case.day or case.as_of
    form = case.facts.claim.form or "professional"
    for version in (
        case.references.pairs_of(form, day),
        case.references.units_of(form, day),
        case.references.icd_of(day),
        case.references.taxonomy_of(day),
    ):
        if version is not None:
            found.append(ReferenceUse(version.file, version.effective))
    if case.record is not None:
        plan = f" {case.record.plan}" if case.record.plan else ""
        found.append(ReferenceUse(f"payer record {case.facts.payer.kind}{plan}", case.record.since))
    found.append(ReferenceUse("built-in", BUILT_IN_EFFECTIVE))
    return tuple(found)


def _age(case: Context) -> tuple[Warned, ...]:
    """A table after which a later one was due on the service date is said to be old; so are the built-in lists."""
    day = case.day or case.as_of
    form = case.facts.claim.form or "professional"
    versions = (
        ("pairs", case.references.pairs_of(form, day)),
        ("units", case.references.units_of(form, day)),
        ("icd", case.references.icd_of(day)),
        ("taxonomy", case.references.taxonomy_of(day)),
    )
    found = [
        Warned("W-REF-OLD", f"{v.file} is effective {v.effective}; a later one is due for the service date.")
        for kind, v in versions
        if v is not None and outdated(v.effective, kind, day)
    ]
    if day.year > BUILT_IN_EFFECTIVE.year:
        text = f"The built-in lists of codes are of {BUILT_IN_EFFECTIVE}; codes that came later are not in them."
        found.append(Warned("W-REF-OLD", text))
    return tuple(found)
