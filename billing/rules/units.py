"""Whether it was charged already, and how many there may be on a day (ledger, unit limits)."""

from __future__ import annotations

from billing import codes
from billing.context import Context, Earlier, anatomy_token
from billing.rules.rule import CPM, CPT, LIT, NCCI, OWN, Finding, fine, hold, idle, reject, rule


def _other_code(case: Context, entry: Earlier) -> bool:
    """Whether the earlier charge has the other code of the family; an unknown one counts as ours."""
    return case.code is not None and entry.entry.code in codes.FAMILY and entry.entry.code != case.code


def _place(entry: Earlier, name: str) -> str:
    """Where a fact of an earlier charge is answered; the own ledger's rows have no place in the facts."""
    return f"{entry.field}.{name}" if entry.field != "ledger" else "ledger"


def distinct_roads(case: Context) -> set[str]:
    """XE for another anatomy in a separate session, XS for non-contiguous anatomy of the same session."""
    d = case.facts.distinct
    others = [e for e in case.earlier if e.same_anatomy is False]
    if not others:
        return set()
    if d.session == "separate":
        return {"XE"}
    return {"XS"} if d.session == "same" and d.anatomy_contiguous is False else set()


def repeat_modifier(case: Context) -> str | None:
    """76 or 77 for a needed repeat of the same anatomy in a separate session."""
    d = case.facts.distinct
    same = [e for e in case.earlier if e.same_anatomy is True]
    if not same or d.session != "separate" or d.repeat_necessity_documented is not True:
        return None
    reader = case.facts.providers.rendering_npi
    return "76" if any(e.entry.rendering_npi == reader for e in same) else "77"


@rule("R-LG-00", OWN)
def ledger_known(case: Context) -> Finding:
    if not case.ledger_known:
        return hold(
            "Whether the service was charged before is not known.",
            ("ledger", "Which 3D charges of that day are there for this patient? None is an answer."),
        )
    return idle("The day's charges are known.")


@rule("R-LG-01", OWN)
def duplicate(case: Context) -> list[Finding]:
    return [
        reject("The same 3D service (anatomy, session, part) is already charged.")
        for e in case.earlier
        if e.same_anatomy and case.facts.distinct.session == "same" and not _other_code(case, e)
    ]


@rule("R-LG-02", LIT)
def contiguous(case: Context) -> list[Finding]:
    d = case.facts.distinct
    return [
        reject("A contiguous region of the same session is already charged: one unit for both.")
        for e in case.earlier
        if e.same_anatomy is False and d.session == "same" and d.anatomy_contiguous is True
    ]


@rule("R-LG-03", CPM)
def repeat_needed(case: Context) -> list[Finding]:
    d = case.facts.distinct
    return [
        reject("The same anatomy was done again in another session without a new necessity.")
        for e in case.earlier
        if e.same_anatomy and d.session == "separate" and d.repeat_necessity_documented is False
    ]


@rule("R-LG-04", CPT)
def other_code_charged(case: Context) -> list[Finding]:
    return [
        reject(f"The same service is already charged as {e.entry.code}; void or replace that charge instead.")
        for e in case.earlier
        if e.same_anatomy and case.facts.distinct.session == "same" and _other_code(case, e)
    ]


@rule("R-LG-05", OWN)
def against_the_ledger(case: Context) -> list[Finding]:
    d = case.facts.distinct
    found = []
    for e in case.earlier:
        asks = []
        if e.same_anatomy is None:
            if anatomy_token(case.facts.rendering.anatomy) is None:
                asks.append(("rendering.anatomy", "Which anatomy was rendered?"))
            if anatomy_token(e.entry.anatomy) is None:
                asks.append((_place(e, "anatomy"), "Which anatomy did the earlier charge have?"))
        if d.session is None:
            asks.append(("distinct.session", "Was it the same session as the earlier charge, or a separate one?"))
        if e.same_anatomy is False and d.session == "same" and d.anatomy_contiguous is None:
            asks.append(("distinct.anatomy_contiguous", "Do the two regions touch each other?"))
        if e.same_anatomy and d.session == "separate":
            if d.repeat_necessity_documented is None:
                asks.append(("distinct.repeat_necessity_documented", "Is it documented why the repeat was needed?"))
            if not e.entry.rendering_npi:
                asks.append((_place(e, "rendering_npi"), "Who read the earlier one (NPI)?"))
        if asks:
            found.append(hold("A 3D charge of that day exists, and how this one differs is not known.", *asks))
    others = [*(o.code for o in case.facts.other_codes or ()), *(s.code for s in case.beside)]
    if any(code in codes.FAMILY for code in others):
        found.append(
            hold(
                "A 3D charge is listed among the day's other codes; it belongs into the ledger's list.",
                ("ledger", "Please give the earlier 3D charge with its anatomy, component and session."),
            )
        )
    return found


@rule("R-MU-01", NCCI)
def units_of_the_day(case: Context) -> Finding:
    limit = case.unit_limit()
    active = sum(1 for e in case.earlier if not _other_code(case, e))
    if active + 1 <= limit.value:
        return fine(f"Unit {active + 1} of at most {limit.value} on that day.")
    text = f"This would be unit {active + 1} of the day; the limit is {limit.value}."
    if str(limit.mai) == "2":
        return reject(f"{text} The limit is absolute.")
    return hold(text, ("units", "Are all units of the day documented and needed? The payer will ask for the records."))


RULES = (ledger_known, duplicate, contiguous, repeat_needed, other_code_charged, against_the_ledger, units_of_the_day)
