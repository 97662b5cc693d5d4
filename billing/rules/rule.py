"""The form of a rule: dated data with a small question over the case, answered by pass, hold or reject in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from billing.context import Context

Outcome = Literal["pass", "hold", "reject"]
START = dt.date(2006, 1, 1)

CPT = "CPT code book: definition and notes"
NCCI = "NCCI edits and policy manual"
CFR_ORDER = "42 CFR 410.32"
CFR_PURCHASED = "42 CFR 414.50"
CFR_TEACHING = "42 CFR 415.180"
CFR_FILING = "42 CFR 424.44"
CPM = "Medicare Claims Processing Manual ch. 12, 13, 23"
LIT = "Coding literature and the former Medicare local policies"
ICD = "ICD-10-CM files and guideline IV.H"
OWN = "Project safety rule"
PAYER = "The payer's own policy"


class Ask(Struct, frozen=True):
    """A question to a person: the field that answers it, and the words."""

    field: str
    ask: str


class Alternative(Struct, frozen=True):
    """A code to consider instead; the program never charges it."""

    code: str
    why: str


class Warned(Struct, frozen=True):
    """Something to know that does not change the decision."""

    id: str
    text: str


class Finding(Struct, frozen=True):
    """One answer of one rule: outcome, words, and what comes with it."""

    outcome: Outcome
    text: str
    asks: tuple[Ask, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    warnings: tuple[Warned, ...] = ()


Check = Callable[[Context], "Finding | list[Finding]"]


class Rule(Struct, frozen=True):
    """A rule with its id, source and the service dates between which it holds."""

    id: str
    source: str
    check: Check
    since: dt.date | None = START
    until: dt.date | None = None

    def on(self, day: dt.date | None) -> bool:
        """Whether the rule is in force on a service date; with an unknown date every rule is asked."""
        return day is None or ((self.since is None or self.since <= day) and (self.until is None or day <= self.until))

    def ask(self, case: Context) -> list[Finding]:
        """The rule's answers to a case, at least one."""
        answer = self.check(case)
        return [answer] if isinstance(answer, Finding) else answer or [idle("Nothing of this kind in the case.")]


def rule(
    id: str,
    source: str,
    *,
    since: dt.date | None = START,
    until: dt.date | None = None,
) -> Callable[[Check], Rule]:
    """Make a rule of a question."""

    def made(check: Check) -> Rule:
        return Rule(id, source, check, since, until)

    return made


def fine(text: str, *, warnings: tuple[Warned, ...] = ()) -> Finding:
    """The rule is met."""
    return Finding("pass", text, warnings=warnings)


def idle(text: str, *, warnings: tuple[Warned, ...] = ()) -> Finding:
    """The rule has nothing to do in this case: a pass too, and the text says why."""
    return Finding("pass", text, warnings=warnings)


def hold(text: str, *asks: tuple[str, str], alternatives: tuple[Alternative, ...] = ()) -> Finding:
    """A named fact is missing, doubtful or curable."""
    return Finding("hold", text, asks=tuple(Ask(*a) for a in asks), alternatives=alternatives)


def reject(text: str, *, alternatives: tuple[Alternative, ...] = ()) -> Finding:
    """No answer to an open question can make it billable as stated."""
    return Finding("reject", text, alternatives=alternatives)
