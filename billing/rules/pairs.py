"""Whether another service of the day excludes the 3D (NCCI pairs, neighbours)."""

from __future__ import annotations

from billing import codes
from billing.context import Beside, Context
from billing.facts import Pair
from billing.icd import in_force
from billing.rules.rule import NCCI, OWN, Alternative, Finding, Warned, fine, hold, idle, reject, rule


def _services(case: Context) -> list[Beside]:
    """Services against which pairs are looked at: the others of the day, and the source study of the same day."""
    sources = [
        Beside(f"base[{i}]", b.code, True, True, is_source=True)
        for i, b in case.sources
        if b.performed_by != "other" and case.same_day(b.date)
    ]
    return [s for s in (*case.beside, *sources) if s.code and s.code not in codes.FAMILY]


def _bare(pair: Pair) -> bool:
    return codes.well_formed(pair.column1) and codes.well_formed(pair.column2)


def _pairs(case: Context, *, ours: int) -> list[tuple[Beside, str]]:
    """(service, worst indicator) of the pairs in force in which our code stands in column `ours` (1 or 2)."""
    rows = case.pair_rows
    if rows is None or case.code is None:
        return []
    found = []
    for service in _services(case):
        wanted = (case.code, service.code) if ours == 1 else (service.code, case.code)
        hits = [str(p.indicator) for p in rows if (p.column1, p.column2) == wanted and _binds(p, case)]
        if hits:
            found.append((service, min(hits)))
    return found


def _binds(pair: Pair, case: Context) -> bool:
    """An edit binds between its dates; indicator 9 was withdrawn from the start."""
    return str(pair.indicator) != "9" and in_force(pair.since, pair.until, case.day or case.as_of)


def _road(service: Beside) -> str | None:
    """XS or XE where the pair is truly distinct, else None."""
    if service.is_source:
        return None
    if service.same_anatomy is False:
        return "XS"
    return "XE" if service.same_session is False else None


def distinct_roads(case: Context) -> set[str]:
    """The kinds of distinctness that indicator-1 pairs of the day ask for."""
    found = _pairs(case, ours=2)
    return {road for service, indicator in found if indicator == "1" and (road := _road(service))}


@rule("R-NC-01", NCCI)
def never(case: Context) -> list[Finding]:
    return [
        reject(f"{s.code} on the same day excludes {case.code}, and no modifier may separate them.")
        for s, indicator in _pairs(case, ours=2)
        if indicator == "0"
    ]


@rule("R-NC-02", NCCI)
def not_distinct(case: Context) -> list[Finding]:
    found = []
    for s, indicator in _pairs(case, ours=2):
        if indicator != "1":
            continue
        if s.is_source:
            found.append(reject(f"The pair is with the source study {s.code} itself; the 3D is not distinct from it."))
        elif s.same_anatomy is True and s.same_session is True:
            found.append(
                reject(f"{s.code} was on the same anatomy in the same session; the 3D is not distinct from it.")
            )
    return found


@rule("R-NC-03", NCCI)
def distinct(case: Context) -> list[Finding]:
    words = {"XS": "on another anatomy", "XE": "in another session"}
    return [
        fine(f"{s.code} on the same day was {words[road]}: distinct, shown by a modifier.")
        for s, indicator in _pairs(case, ours=2)
        if indicator == "1" and (road := _road(s))
    ]


@rule("R-NC-04", NCCI)
def distinctness_known(case: Context) -> list[Finding]:
    found = []
    for s, indicator in _pairs(case, ours=2):
        if indicator != "1" or s.is_source or _road(s):
            continue
        asks = []
        if s.same_anatomy is None:
            asks.append((f"{s.field}.same_anatomy", f"Was {s.code} on the same anatomy as the 3D?"))
        if s.same_session is None:
            asks.append((f"{s.field}.same_session", f"Was {s.code} in the same session as the 3D?"))
        if asks:
            found.append(hold(f"{s.code} excludes the 3D unless it was distinct, and that is not known.", *asks))
    return found


@rule("R-NC-05", OWN)
def edits_known(case: Context) -> list[Finding]:
    found = []
    # a service without a code may be anything, another provider's 3D charge too; one with something stuck to its
    # code ("76377-26") would slip past every edit
    nameless = [(f"other_codes[{i}]", o.code) for i, o in enumerate(case.facts.other_codes or ())]
    nameless += [(s.field, s.code) for s in case.beside]
    for field, code in dict.fromkeys(n for n in nameless if not codes.well_formed(n[1])):
        ask = (f"{field}.code", "Which code has this other service (five characters, no modifier)?")
        what = f"has no bare procedure code ({code})" if code else "has no code"
        found.append(hold(f"Another service of the day {what}.", ask))
    named = [s.code for s in case.beside if s.code and s.code not in codes.FAMILY]
    if named and case.pair_rows is None:
        ask = ("reference.ptp", "Import the NCCI pair files of that quarter, or look the pair up.")
        found.append(
            hold(f"{', '.join(named)} on the same day: no edit file is loaded, and edits are not guessed.", ask)
        )
    # a pair with something stuck to a code would match nothing, and the edit would be lost
    broken = [p for p in case.facts.reference.ptp or () if not _bare(p)]
    if broken:
        pair = f"{broken[0].column1} and {broken[0].column2}"
        ask = ("reference.ptp", "Please give each pair as two bare codes of five characters.")
        found.append(hold(f"A pair of the list given with the case is no pair of bare codes: {pair}.", ask))
    return found or [idle("No service of the day waits for an edit file.")]


@rule("R-NC-06", NCCI)
def we_are_paid(case: Context) -> list[Finding]:
    return [
        idle(
            f"{case.code} is column 1 against {s.code}.",
            warnings=(Warned("W-NC-06", f"{s.code} may be denied beside {case.code} (column 2 of an edit)."),),
        )
        for s, _ in _pairs(case, ours=1)
    ]


@rule("R-NC-07", OWN)
def others_known(case: Context) -> Finding:
    if case.facts.other_codes is None:
        return hold(
            "What else was done that day is not known.",
            ("other_codes", "Which other procedures were charged for this patient that day? None is an answer."),
        )
    return idle("The day's other services are known.")


@rule("R-NB-01", OWN)
def neighbours(case: Context) -> list[Finding]:
    return [
        hold(
            f"{s.code} on the same day: {why}.",
            (f"{s.field}.code", f"A coder must look: does {s.code} already contain this work?"),
            alternatives=(Alternative(s.code, why),),
        )
        for s in (*case.beside, *_unclassed_sources(case))
        if s.code and (why := codes.neighbour(s.code))
    ]


def _unclassed_sources(case: Context) -> list[Beside]:
    """Sources of the day in no class: a neighbour named as the base study is a neighbour still."""
    return [
        Beside(f"base[{i}]", b.code, True, True, is_source=True)
        for i, b in case.sources
        if b.code and codes.lookup(b.code) is None and case.same_day(b.date)
    ]


RULES = (never, not_distinct, distinct, distinctness_known, edits_known, we_are_paid, others_known, neighbours)
