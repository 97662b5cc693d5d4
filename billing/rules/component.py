"""Which part of the service is this biller's."""

from __future__ import annotations

import datetime as dt

from billing.codes import FACILITY_POS, OUTPATIENT_POS
from billing.context import Context, good_pos
from billing.rules.rule import CFR_PURCHASED, CPM, Finding, fine, hold, idle, reject, rule


def _professional(case: Context) -> bool:
    return case.facts.claim.form == "professional" and good_pos(case.facts.claim.pos)


def _elsewhere(case: Context) -> bool:
    """A professional claim from a place that is no facility."""
    return _professional(case) and case.facts.claim.pos not in FACILITY_POS


@rule("R-CP-01", CPM)
def facility_reader(case: Context) -> Finding:
    claim = case.facts.claim
    if _professional(case) and claim.pos in FACILITY_POS and claim.bills_reader:
        return fine(f"In a facility (place {claim.pos}) the physician's part is charged: 26.")
    return idle("Not a reader's claim from a facility.")


@rule("R-CP-02", CPM)
def owns_and_reads(case: Context) -> Finding:
    if _elsewhere(case) and case.component == "global":
        return fine("The biller bears the workstation and the reading: the whole service, no component modifier.")
    return idle("Not a claim for the whole service.")


@rule("R-CP-03", CPM)
def owns_only(case: Context) -> Finding:
    if _elsewhere(case) and case.component == "TC":
        return fine("The biller bears the technical part only: TC.")
    return idle("Not a claim for the technical part.")


@rule("R-CP-04", CPM)
def reads_only(case: Context) -> Finding:
    if _elsewhere(case) and case.component == "26":
        return fine("The biller only reads; another owns the workstation: 26.")
    return idle("Not a reader's claim from outside a facility.")


@rule("R-CP-05", CPM)
def claim_known(case: Context) -> list[Finding]:
    claim = case.facts.claim
    found = []
    if claim.form is None:
        ask = ("claim.form", "Is it a professional or an institutional claim?")
        found.append(hold("The form of the claim is not known.", ask))
    if not good_pos(claim.pos):
        text = "The place of service is not known." if not claim.pos else "The place of service is not two digits."
        found.append(hold(text, ("claim.pos", "What is the place of service (two digits)?")))
    if claim.form == "professional":
        if claim.bills_reader is None:
            ask = ("claim.bills_reader", "Does this biller bill the physician's part?")
            found.append(hold("Whether the biller bills the reading is not known.", ask))
        if claim.owns_equipment is None and good_pos(claim.pos) and claim.pos not in FACILITY_POS:
            ask = ("claim.owns_equipment", "Does this biller bear the technical part (workstation, technologist)?")
            found.append(hold("Whether the biller bears the technical part is not known.", ask))
    return found or [idle("Form, place and parts of the claim are known.")]


@rule("R-CP-06", CPM)
def nothing_of_ours(case: Context) -> Finding:
    claim = case.facts.claim
    if _professional(case) and claim.bills_reader is False:
        if claim.pos in FACILITY_POS:
            return reject(
                "In a facility the technical part is the facility's own line; without the reading nothing is left."
            )
        if claim.owns_equipment is False:
            return reject(
                "The biller neither reads nor bears the technical part; nothing of the service is the biller's."
            )
    return idle("A part of the service is the biller's, as far as is known.")


@rule("R-CP-07", CPM)
def one_locality(case: Context) -> Finding:
    if case.medicare and case.component == "global" and case.facts.claim.same_locality is not True:
        return hold(
            "Medicare takes the whole service on one line only when both parts were given in one payment locality.",
            ("claim.same_locality", "Same payment locality for both parts? Otherwise bill 26 and TC on two lines."),
        )
    return idle("No question of two payment localities.")


@rule("R-CP-08", CFR_PURCHASED)
def not_purchased(case: Context) -> Finding:
    claim = case.facts.claim
    if case.medicare and _elsewhere(case) and claim.owns_equipment and claim.tc_purchased is not False:
        return hold(
            "Medicare limits what may be charged for a technical part bought from outside.",
            ("claim.tc_purchased", "Was the technical part bought from an outside supplier?"),
        )
    return idle("No question of a purchased technical part.")


@rule("R-CP-09", CPM)
def hospital_line(case: Context) -> Finding:
    claim = case.facts.claim
    if claim.form == "institutional" and claim.pos in OUTPATIENT_POS:
        return fine("A hospital outpatient line: no component modifier.")
    return idle("Not a hospital outpatient line.")


@rule("R-CP-10", CPM)
def inpatient(case: Context) -> Finding:
    claim = case.facts.claim
    if claim.form == "institutional" and claim.pos == "21":
        return reject("An inpatient stay has no line for this code; the hospital reports a revenue code only.")
    return idle("Not an inpatient line.")


@rule("R-CP-11", CPM, since=dt.date(2017, 1, 1))
def campus(case: Context) -> Finding:
    claim = case.facts.claim
    if not case.medicare or claim.form != "institutional" or claim.pos not in OUTPATIENT_POS:
        return idle("Not a Medicare hospital line.")
    ask = ("claim.off_campus", "On campus, or off campus, and then excepted or nonexcepted?")
    if claim.off_campus is None:
        return hold("Whether the department lies off campus is not known.", ask)
    if (claim.pos == "19") == (claim.off_campus == "no"):
        return hold(f'Place of service {claim.pos} and "{claim.off_campus}" for off campus contradict each other.', ask)
    return fine("The department's campus fits the place of service.")


@rule("R-CP-12", CPM)
def institutional_place(case: Context) -> Finding:
    claim = case.facts.claim
    if claim.form == "institutional" and good_pos(claim.pos) and claim.pos not in {*OUTPATIENT_POS, "21"}:
        return hold(
            f"A hospital's line has place of service 19, 21, 22 or 23; this claim says {claim.pos}.",
            ("claim.form", "Is it a hospital's claim, or a professional one?"),
        )
    return idle("No contradiction between form and place.")


RULES = (
    facility_reader,
    owns_and_reads,
    owns_only,
    reads_only,
    claim_known,
    nothing_of_ours,
    one_locality,
    not_purchased,
    hospital_line,
    inpatient,
    campus,
    institutional_place,
)
