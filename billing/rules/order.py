"""Whether the 3D was ordered, or a documented exception stands in."""

from __future__ import annotations

from billing.codes import HOSPITAL_POS
from billing.context import Context, good_pos
from billing.rules.rule import CFR_ORDER, LIT, Finding, Warned, fine, hold, idle, reject, rule


def _exception(case: Context) -> str | None:
    """Which exception stands in for an order, in words."""
    if case.facts.order.urgent_exception_documented is True:
        return "the urgent exception is documented"
    if case.facts.claim.pos in HOSPITAL_POS and case.facts.report.necessity_stated is True:
        return "in the hospital the radiologist stated the necessity in the report"
    return None


def _open(case: Context) -> list[tuple[str, str]]:
    """What an exception would still need to be known."""
    order, pos = case.facts.order, case.facts.claim.pos
    asks = []
    if order.urgent_exception_documented is None:
        ask = "Did the radiologist document time, need and what was told to whom (urgent exception)?"
        asks.append(("order.urgent_exception_documented", ask))
    if not good_pos(pos):
        asks.append(("claim.pos", "What is the place of service?"))
    elif pos in HOSPITAL_POS and case.facts.report.necessity_stated is None:
        asks.append(("report.necessity_stated", "Does the report state why the 3D was necessary?"))
    return asks


@rule("R-OR-01", CFR_ORDER)
def order_known(case: Context) -> Finding:
    ordered = case.facts.order.three_d_ordered
    if ordered is True:
        return fine("The 3D rendering was ordered.")
    if _exception(case):
        return idle("No order is on record; an exception takes its place.")
    if ordered is None:
        ask = ("order.three_d_ordered", "Did the ordering physician ask for the 3D rendering?")
        return hold("Whether the 3D was ordered is not known.", ask, *_open(case))
    asks = _open(case)
    if asks:
        return hold("The 3D was not ordered, and whether an exception applies is not known.", *asks)
    return idle("Nothing about the order is open.")


@rule("R-OR-02", CFR_ORDER)
def order_there(case: Context) -> Finding:
    if case.facts.order.three_d_ordered is False and not _exception(case) and not _open(case):
        return reject("The 3D was not ordered and no documented exception takes the order's place.")
    return idle("Not a case without order and exception.")


@rule("R-OR-03", LIT)
def exception(case: Context) -> Finding:
    words = _exception(case)
    if case.facts.order.three_d_ordered is not True and words:
        text = f"There is no order for the 3D; {words}."
        return fine(text, warnings=(Warned("W-OR-03", f"{text} Payers may still ask for an order."),))
    return idle("No exception is needed.")


RULES = (order_known, order_there, exception)
