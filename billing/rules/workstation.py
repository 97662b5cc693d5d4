"""Where the 3D was made: that decides between 76377 and 76376."""

from __future__ import annotations

from billing.codes import CONSOLE, INDEPENDENT
from billing.context import Context
from billing.rules.rule import CPT, Finding, fine, hold, idle, rule

NAMES = {
    "dedicated": "on a dedicated 3D workstation",
    "thin_client": "on a 3D server with thin client",
    "pacs_3d": "on the PACS client with real 3D tools",
    "independent_other": "on another workstation",
    "scanner_console": "on the scanner's console",
    "not_independent_other": "at a place that is not independent of the scanner",
}


@rule("R-IW-01", CPT)
def independent(case: Context) -> Finding:
    kind = case.facts.workstation.kind
    if kind is not None and case.code == INDEPENDENT:
        return fine(f"The 3D was made {NAMES[kind]}, independent of the scanner: 76377.")
    return idle("Not made on an independent workstation, as far as is known.")


@rule("R-IW-02", CPT)
def on_the_console(case: Context) -> Finding:
    kind = case.facts.workstation.kind
    if kind is not None and case.code == CONSOLE:
        return fine(f"The 3D was made {NAMES[kind]}: 76376.")
    return idle("Not made on the scanner's console, as far as is known.")


@rule("R-IW-03", CPT)
def place_known(case: Context) -> Finding:
    if case.facts.workstation.kind is None:
        return hold(
            "Where the 3D was made decides the code, and it is not known.",
            ("workstation.kind", "Was the 3D made on an independent workstation or on the scanner's console?"),
        )
    return idle("The place is known.")


RULES = (independent, on_the_console, place_known)
