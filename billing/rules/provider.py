"""Who reads, bills and orders."""

from __future__ import annotations

import re

from billing.codes import MEANT_TAXONOMY, OTHER_TAXONOMIES, READER_TAXONOMIES
from billing.context import Context
from billing.npi import good_npi
from billing.rules.rule import CPM, OWN, Alternative, Finding, fine, hold, idle, rule

FORM = re.compile(r"[0-9]{3}[0-9A-Z]{6}X")


@rule("R-NP-01", CPM)
def npis(case: Context) -> list[Finding]:
    f = case.facts
    found = []
    for field, value, who in (
        ("providers.rendering_npi", f.providers.rendering_npi, "reading physician"),
        ("providers.billing_npi", f.providers.billing_npi, "billing provider"),
        ("order.ordering_npi", f.order.ordering_npi, "ordering physician"),
    ):
        if not value:
            found.append(hold(f"The NPI of the {who} is missing.", (field, f"What is the NPI of the {who}?")))
        elif not good_npi(value):
            found.append(
                hold(
                    f"The NPI of the {who} is mistyped: its check digit does not fit.",
                    (field, f"What is the NPI of the {who} (10 digits)?"),
                )
            )
    return found or [fine("The NPIs of reader, biller and ordering physician are well-formed.")]


@rule("R-TX-01", OWN)
def taxonomy_known(case: Context) -> Finding:
    code = case.facts.providers.rendering_taxonomy
    ask = ("providers.rendering_taxonomy", "What is the reader's taxonomy code?")
    if not code:
        return hold("The reader's taxonomy code is missing.", ask)
    meant = MEANT_TAXONOMY.get(code)
    others = (Alternative(*meant),) if meant else ()
    if not FORM.fullmatch(code):
        return hold(f'"{code}" does not have the form of a taxonomy code.', ask, alternatives=others)
    if code in READER_TAXONOMIES:
        return fine(f"{code} is a reader of imaging or 3D.")
    if code in OTHER_TAXONOMIES:
        return idle("A known code, looked at by R-TX-02.")
    file = case.references.taxonomy_of(case.day or case.as_of)
    if file is not None and code in file.codes and code in case.site.accepted_taxonomies:
        return fine(f"{code} stands in {file.file} and the site accepts it.")
    why = "is in no list of this program" if file is None else f"is not accepted by the site or not in {file.file}"
    return hold(f"{code} {why}.", ask, alternatives=others)


@rule("R-TX-02", OWN)
def taxonomy_reads(case: Context) -> Finding:
    code = case.facts.providers.rendering_taxonomy
    if code not in OTHER_TAXONOMIES:
        return idle("Not a code known for another field.")
    meant = MEANT_TAXONOMY.get(code)
    return hold(
        f"{code} is the code of a field that does not read imaging.",
        ("providers.rendering_taxonomy", "What is the reader's taxonomy code?"),
        alternatives=(Alternative(*meant),) if meant else (),
    )


RULES = (npis, taxonomy_known, taxonomy_reads)
