"""Whether order and report mean the same side."""

from __future__ import annotations

from billing.context import Context
from billing.rules.rule import OWN, Finding, fine, hold, idle, rule


@rule("R-LAT-01", OWN)
def sides_known(case: Context) -> list[Finding]:
    sides = case.facts.laterality
    found = []
    for name, value in (("order", sides.order), ("report", sides.report)):
        if value is None:
            ask = (f"laterality.{name}", f"Which side does the {name} name (left, right, bilateral, none)?")
            found.append(hold(f"The side of the {name} is not known.", ask))
    return found or [idle("Both sides are known.")]


@rule("R-LAT-02", OWN)
def sides_agree(case: Context) -> Finding:
    sides = case.facts.laterality
    if sides.order is None or sides.report is None:
        return idle("A side is not known.")
    if sides.order != sides.report:
        order, report = sides.order.replace("_", " "), sides.report.replace("_", " ")
        return hold(
            f"The order says {order}, the report {report}.",
            ("laterality.order", "Which side was ordered?"),
            ("laterality.report", "Which side was examined and reported?"),
        )
    return fine("Order and report name the same side.")


RULES = (sides_known, sides_agree)
