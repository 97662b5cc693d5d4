"""Which modifiers go with the code, in which order."""

from __future__ import annotations

import datetime as dt

from billing.context import Context
from billing.rules import pairs, units
from billing.rules.rule import CPM, NCCI, OWN, PAYER, Finding, Warned, fine, hold, idle, rule

# slots of a claim line, first to last
SLOTS = (
    ("26", "TC"),
    ("53", "52", "22"),
    ("XE", "XS", "XP", "XU", "59"),
    ("76", "77"),
    ("RT", "LT"),
    ("GC",),
    ("GX",),
    ("GA", "GY", "GZ"),
    ("PO", "PN"),
)
X_MODIFIERS_FROM = dt.date(2015, 1, 1)
# PO is wanted from 2016 on; nonexcepted departments, and with them PN, exist from 2017 on (42 CFR 419.48)
OFF_CAMPUS_FROM = {"PO": dt.date(2016, 1, 1), "PN": dt.date(2017, 1, 1)}


def completion(case: Context) -> str | None:
    """53 for a stop for the patient's sake, 52 for less than planned; a hospital line knows 52 only."""
    s = case.facts.service
    if s.completion == "reduced":
        return "52"
    if s.completion != "discontinued" or s.interpretable is not True:
        return None
    if s.discontinued_reason == "patient_wellbeing" and case.facts.claim.form == "professional":
        return "53"
    return "52"


def increased(case: Context) -> str | None:
    """22 where the payer takes it, the extra work is documented and nothing was reduced."""
    documented = case.facts.service.increased_work and case.facts.report.increased_work_documented
    if documented and case.policy["accepts_22"] is True and not case.medicare and completion(case) is None:
        return "22"
    return None


def distinct(case: Context) -> str | None:
    """XS, XE or 59 for a service that is truly distinct from another of the day."""
    roads = pairs.distinct_roads(case) | units.distinct_roads(case)
    if not roads:
        return None
    takes_x = case.facts.payer.kind in {"medicare", "medicare_advantage"} or case.policy["x_modifiers"] is True
    if not takes_x or (case.day is not None and case.day < X_MODIFIERS_FROM):
        return "59"
    return "XS" if "XS" in roads else "XE"


def side(case: Context) -> str | None:
    """RT or LT where the payer wants it; never for Medicare, whose table says that sides do not matter here."""
    if case.medicare or case.policy["laterality_modifiers"] is not True:
        return None
    return {"right": "RT", "left": "LT"}.get(case.facts.laterality.report or "")


def resident(case: Context) -> str | None:
    """GC for an attested resident's work on a claim with a professional part."""
    p = case.facts.providers
    wants = case.facts.payer.kind in {"medicare", "medicare_advantage"} or case.policy["gc"] is True
    taught = p.resident_involved and p.teaching_attested
    return "GC" if taught and wants and case.component in {"26", "global"} else None


def resident_unsaid(case: Context) -> bool:
    """Whether GC is left off only because nobody knows if the payer wants it."""
    p = case.facts.providers
    taught = p.resident_involved and p.teaching_attested and case.component in {"26", "global"}
    return bool(taught) and resident(case) is None and case.policy["gc"] is None and case.facts.payer.kind is not None


def notice(case: Context) -> list[str]:
    """Medicare's notices: GA or GZ for an expected denial, GY (with GX) for an excluded service."""
    abn = case.facts.abn
    if not case.medicare:
        return []
    if abn.expected_denial == "not_necessary" and abn.signed is not None:
        return ["GA" if abn.signed == "required" else "GZ"]
    if abn.expected_denial == "excluded":
        return ["GX", "GY"] if abn.signed == "voluntary" else ["GY"]
    return []


def department(case: Context) -> str | None:
    """PO or PN for a hospital department off campus."""
    claim = case.facts.claim
    if not case.medicare or claim.form != "institutional" or claim.pos != "19":
        return None
    modifier = {"excepted": "PO", "nonexcepted": "PN"}.get(claim.off_campus or "")
    if modifier is None or (case.day is not None and case.day < OFF_CAMPUS_FROM[modifier]):
        return None
    return modifier


def attached(case: Context) -> tuple[str, ...]:
    """All modifiers of the case in the order of the slots."""
    component = case.component if case.component in {"26", "TC"} else None
    made = {
        component,
        completion(case) or increased(case),
        distinct(case),
        units.repeat_modifier(case),
        side(case),
        resident(case),
        *notice(case),
        department(case),
    }
    return tuple(m for slot in SLOTS for m in slot if m in made)


def _checked(case: Context) -> str:
    """When the payer's record was last looked at, for a warning."""
    return f", checked {case.record.checked_on.isoformat()}" if case.record else ""


@rule("R-MD-52", CPM)
def reduced(case: Context) -> Finding:
    if completion(case) == "52":
        return fine("Less than the planned work was done and can be interpreted: 52.")
    return idle("Not reduced.")


@rule("R-MD-53", CPM)
def stopped(case: Context) -> Finding:
    if completion(case) == "53":
        return fine("The work was stopped for the patient's sake after it had begun: 53.")
    return idle("Not stopped for the patient's sake.")


@rule("R-MD-22", PAYER)
def more_work(case: Context) -> Finding:
    if increased(case):
        return fine("More work than usual, documented, and the payer takes it: 22.")
    if not case.facts.service.increased_work:
        return idle("No increased work.")
    if case.medicare:
        why = "Medicare takes 22 only for codes with a global period, not for this one"
    elif completion(case) is not None:
        why = "22 does not go with a reduced or discontinued service"
    elif case.facts.report.increased_work_documented is not True:
        why = "the report does not document the increased work"
    elif case.policy["accepts_22"] is False:
        why = "the payer does not take it"
    else:
        why = f"whether the payer takes it is not known{_checked(case)}"
    return idle("Increased work without modifier.", warnings=(Warned("W-MD-22", f"No modifier 22: {why}."),))


@rule("R-MD-59", NCCI)
def distinct_service(case: Context) -> Finding:
    modifier = distinct(case)
    if modifier is None:
        return idle("Nothing of the day to be distinct from.")
    warnings: tuple[Warned, ...] = ()
    if modifier == "59" and case.facts.payer.kind is not None and case.policy["x_modifiers"] is None:
        text = f"Whether this payer wants XS or XE in the place of 59 is not known{_checked(case)}; 59 is attached."
        warnings = (Warned("W-MD-59", text),)
    return fine(f"Truly distinct from another service of the day: {modifier}.", warnings=warnings)


@rule("R-MD-76", CPM)
def repeat_same(case: Context) -> Finding:
    if units.repeat_modifier(case) == "76":
        return fine("A needed repeat by the same reader: 76.")
    return idle("No repeat by the same reader.")


@rule("R-MD-77", CPM)
def repeat_other(case: Context) -> Finding:
    if units.repeat_modifier(case) == "77":
        return fine("A needed repeat by another reader: 77.")
    return idle("No repeat by another reader.")


@rule("R-MD-RL", PAYER)
def sided(case: Context) -> Finding:
    modifier = side(case)
    if modifier:
        return fine(f"The payer wants the side: {modifier}.")
    one_side = case.facts.laterality.report in {"left", "right"}
    if one_side and not case.medicare and case.policy["laterality_modifiers"] is None:
        text = f"Whether this payer wants RT or LT is not known{_checked(case)}; none is attached."
        return idle("No modifier for the side.", warnings=(Warned("W-MD-RL", text),))
    return idle("No modifier for the side.")


@rule("R-MD-AB", CPM)
def advance_notice(case: Context) -> Finding:
    abn = case.facts.abn
    made = notice(case)
    if made:
        words = {
            "GA": "a denial as not necessary is expected and the required notice is signed",
            "GZ": "a denial as not necessary is expected and no required notice is signed",
            "GY": "Medicare excludes the service",
        }
        return fine(f"{' '.join(made)}: {words[made[-1]]}.")
    if abn.signed in {"required", "voluntary"} and abn.expected_denial not in {"not_necessary", "excluded"}:
        unknown = "and whether a denial is expected is not known; no modifier is attached."
        routine = "but no denial is expected: a routine notice carries no modifier."
        text = f"A notice is signed {unknown if abn.expected_denial is None else routine}"
        return idle("No modifier for a notice.", warnings=(Warned("W-AB-01", text),))
    return idle("No modifier for a notice.")


@rule("R-AB-01", CPM)
def notice_is_medicare(case: Context) -> Finding:
    kind, expected = case.facts.payer.kind, case.facts.abn.expected_denial
    if kind is not None and not case.medicare and expected in {"not_necessary", "excluded"}:
        return hold(
            "Advance notices and their modifiers are Medicare's; this payer is another.",
            ("abn.expected_denial", "What does this payer want when a denial is expected?"),
        )
    return idle("No notice with a payer other than Medicare.")


@rule("R-AB-02", CPM)
def notice_known(case: Context) -> Finding:
    abn = case.facts.abn
    if abn.expected_denial == "not_necessary" and abn.signed is None:
        return hold(
            "A denial is expected, and whether the patient signed the notice is not known.",
            ("abn.signed", "Which notice did the patient sign: the required one, a voluntary one, none?"),
        )
    return idle("Nothing about a notice is open.")


@rule("R-MD-04", OWN)
def at_most_four(case: Context) -> Finding:
    made = attached(case)
    ask = ("modifiers", "Which four go on the line?")
    if len(made) > 4:
        return hold(f"A line has room for four modifiers; these are {len(made)}: {' '.join(made)}.", ask)
    unsaid = _unsaid(case)
    warnings: tuple[Warned, ...] = ()
    if resident_unsaid(case):
        text = f"Whether this payer wants GC for a resident's work is not known{_checked(case)}; none is attached."
        warnings = (Warned("W-MD-GC", text),)
    if len(made) + len(unsaid) > 4:
        words = " or ".join(modifier for modifier, _ in unsaid)
        return hold(
            f"A line has room for four modifiers; {' '.join(made)} fill it, and whether {words} belongs there too "
            "is not known.",
            *((field, question) for _, (field, question) in unsaid),
        )
    return fine(f"Modifiers: {' '.join(made) or 'none'}.", warnings=warnings)


def _unsaid(case: Context) -> list[tuple[str, tuple[str, str]]]:
    """Modifiers that a fact nobody has stated would add, with the question: they count when the line is full."""
    found = []
    if case.medicare and case.facts.abn.expected_denial == "excluded" and case.facts.abn.signed is None:
        found.append(("GX", ("abn.signed", "Which notice did the patient sign: a voluntary one, none?")))
    claim = case.facts.claim
    hospital = case.medicare and claim.form == "institutional" and claim.pos == "19"
    if hospital and claim.off_campus is None and (case.day is None or case.day >= OFF_CAMPUS_FROM["PO"]):
        found.append(("PO", ("claim.off_campus", "Off campus: excepted or nonexcepted?")))
    return found


RULES = (
    reduced,
    stopped,
    more_work,
    distinct_service,
    repeat_same,
    repeat_other,
    sided,
    advance_notice,
    notice_is_medicare,
    notice_known,
    at_most_four,
)
