"""Whether the physician took part while the 3D was made."""

from __future__ import annotations

from billing.context import Context
from billing.rules.rule import CPT, Finding, fine, hold, idle, reject, rule

# (what was not done, what is not on record, the question)
ACTS = {
    "region_designed": (
        "design the region",
        "designed the region",
        "Did the physician design the region to be rendered?",
    ),
    "tissue_selected": (
        "determine the tissues shown",
        "determined the tissues shown",
        "Did the physician determine which tissues are shown?",
    ),
    "images_selected": (
        "determine the pictures to be archived",
        "determined the pictures to be archived",
        "Did the physician determine which pictures are archived?",
    ),
    "product_monitored": (
        "monitor and adjust the 3D product",
        "monitored and adjusted the 3D product",
        "Did the physician monitor and adjust the 3D product?",
    ),
}


@rule("R-SV-01", CPT)
def act_denied(case: Context) -> list[Finding]:
    s = case.facts.supervision
    return [
        reject(f"The physician did not {words}: without that act there was no concurrent supervision.")
        for name, (words, _, _) in ACTS.items()
        if getattr(s, name) is False
    ]


@rule("R-SV-02", CPT)
def acts_known(case: Context) -> list[Finding]:
    s = case.facts.supervision
    found = [
        hold(f"Nothing on record says that the physician {words}.", (f"supervision.{name}", ask))
        for name, (_, words, ask) in ACTS.items()
        if getattr(s, name) is None
    ]
    if s.concurrent is None:
        ask = "Did the physician take part while the 3D was made, and not only see finished pictures?"
        found.append(
            hold("Nothing on record says that the supervision was concurrent.", ("supervision.concurrent", ask))
        )
    if not found and all(getattr(s, name) for name in ACTS) and s.concurrent:
        basis = {"witnessed": "recorded by the program", "attested": "attested by the physician"}.get(s.basis or "")
        both = "partly recorded, partly attested" if s.basis == "mixed" else basis
        found.append(fine(f"All four acts of supervision are on record{f', {both}' if both else ''}."))
    return found


@rule("R-SV-03", CPT)
def concurrent(case: Context) -> Finding:
    if case.facts.supervision.concurrent is False:
        return reject("The physician saw the pictures only when they were finished; that is no concurrent supervision.")
    return idle("Nobody says that the supervision came after the fact.")


@rule("R-SV-04", CPT)
def by_the_reader(case: Context) -> Finding:
    who, reader = case.facts.supervision.physician_npi, case.facts.providers.rendering_npi
    if not who or who != reader:
        return hold(
            "The supervising physician is not known."
            if not who
            else "The physician who supervised is not the one who reads.",
            ("supervision.physician_npi", "Which physician supervised the 3D work (NPI)?"),
        )
    return fine("The reader supervised.")


RULES = (act_denied, acts_known, concurrent, by_the_reader)
