"""Which study gave the slices, and whether 3D may go beside it."""

from __future__ import annotations

from billing.codes import FAMILY, lookup, well_formed
from billing.context import Context
from billing.icd import in_force
from billing.rules.rule import CPT, OWN, PAYER, Finding, Warned, fine, hold, idle, reject, rule

TOMOGRAPHIC = frozenset({"CT", "MR", "US", "TOMO"})


@rule("R-BS-01", CPT)
def has_source(case: Context) -> Finding:
    bases = case.facts.base
    if not bases:
        return hold(
            "The base study is not known.", ("base", "From which study was the 3D made (its code and modality)?")
        )
    if not case.sources and all(b.source is False for b in bases):
        return reject("None of the studies is the source of the 3D: there is no base study to charge it beside.")
    if case.sources:
        names = [" ".join(filter(None, (b.modality, b.code))) or "a study without code" for _, b in case.sources]
        return fine(f"The 3D goes beside its base study: {', '.join(names)}.")
    return idle("Which study is the source is still open.")


@rule("R-BS-02", CPT)
def tomographic(case: Context) -> list[Finding]:
    return [
        reject(
            f"The base study {b.code or 'without code'} is {'a radiograph' if b.modality == 'XR' else 'a mammogram'}; "
            "3D rendering needs a tomographic study."
        )
        for _, b in case.sources
        if b.modality in {"XR", "MG"}
    ]


@rule("R-BS-03", PAYER)
def same_performer(case: Context) -> list[Finding]:
    found = []
    for i, b in case.sources:
        if b.performed_by is None:
            ask = (f"base[{i}].performed_by", "Was the base study performed by this biller or by another?")
            found.append(hold("Who performed the base study is not known.", ask))
        elif b.performed_by == "other" and case.policy["accepts_without_base"] is not True:
            ask = ("payer.accepts_without_base", "Does the payer take 3D when another provider did the base study?")
            found.append(hold("Another provider performed the base study; payers expect it beside the 3D.", ask))
    return found


@rule("R-BS-04", OWN)
def code_in_a_class(case: Context) -> list[Finding]:
    found = []
    for i, b in case.sources:
        field = f"base[{i}].code"
        if not b.code:
            found.append(hold("The base study's code is not known.", (field, "What is the base study's code?")))
        elif not well_formed(b.code) or b.code in FAMILY:
            why = "is a 3D code, not a study's" if b.code in FAMILY else "is not a bare procedure code"
            found.append(hold(f'"{b.code}" {why}.', (field, "What is the base study's code (five characters)?")))
        elif lookup(b.code) is None and not (b.modality in TOMOGRAPHIC and b.includes_3d is False):
            found.append(
                hold(
                    f"{b.code} is in no list of this program, so it is not known whether it already includes 3D.",
                    (field, "Is the code right? If so, does it include 3D work by its definition?"),
                )
            )
        elif (row := lookup(b.code)) is not None and row.kind == "P" and b.includes_3d is True:
            text = f"The facts say that {b.code} includes 3D; the list says it does not. Please look."
            found.append(idle("The base code is a plain one.", warnings=(Warned("W-BS-04", text),)))
    return found


@rule("R-BS-05", OWN)
def sources_named(case: Context) -> list[Finding]:
    bases = case.facts.base or ()
    if len(bases) < 2:
        return [idle("One study only.")]
    return [
        hold(
            f"Several studies are given; whether the 3D was made from number {i + 1}{_named(b.code)} is not said.",
            (f"base[{i}].source", f"Was the 3D made from study number {i + 1}{_named(b.code)}?"),
        )
        for i, b in enumerate(bases)
        if b.source is None
    ]


def _named(code: str | None) -> str:
    return f" ({code})" if code else ""


@rule("R-BS-06", CPT)
def code_of_the_day(case: Context) -> list[Finding]:
    found = []
    for i, b in case.sources:
        row = lookup(b.code) if b.code else None
        if row is not None and not in_force(row.since, row.until, case.day):
            when = f"from {row.since} on" if row.until is None else f"from {row.since} to {row.until}"
            found.append(
                hold(
                    f"{b.code} is in force {when}, not on the service date.",
                    (f"base[{i}].code", "Which code did the base study have on that day?"),
                )
            )
    return found


@rule("R-BS-07", OWN)
def modality_fits(case: Context) -> list[Finding]:
    found = []
    for i, b in case.sources:
        field = f"base[{i}].modality"
        row = lookup(b.code) if b.code else None
        if b.modality is None:
            found.append(hold("The base study's modality is not known.", (field, "Was it CT, MR, ultrasound ...?")))
        elif row is not None and row.kind == "P" and b.modality not in {row.modality, "XR", "MG"}:
            found.append(
                hold(
                    f"{b.code} is a code for {row.modality}, the facts say {b.modality}.",
                    (field, "Which is right, the code or the modality?"),
                )
            )
    return found


RULES = (has_source, tomographic, same_performer, code_in_a_class, sources_named, code_of_the_day, modality_fits)
