"""Whether the diagnoses stand on that day, and say what the office and the report say."""

from __future__ import annotations

import datetime as dt

import msgspec
from msgspec import Struct

from billing import icd
from billing.context import Context
from billing.reference.tables import outdated
from billing.rules.rule import CFR_ORDER, ICD, Alternative, Finding, Warned, fine, hold, idle, rule

SHOWN = 8
"""As many codes below a header are named in a question."""


class Standing(Struct, frozen=True):
    """How a code stands on the service date: valid True/False, None when nobody can say."""

    valid: bool | None
    why: str
    meaning: str = ""


@rule("R-DX-01", CFR_ORDER)
def has_diagnosis(case: Context) -> Finding:
    if not case.facts.dx:
        return hold("There is no diagnosis.", ("dx", "Which confirmed diagnosis or symptom led to the 3D?"))
    return fine(f"{len(case.facts.dx)} diagnosis code{'s' if len(case.facts.dx) > 1 else ''} given.")


@rule("R-DX-02", ICD)
def valid(case: Context) -> list[Finding]:
    found = []
    for i, dx in enumerate(case.facts.dx or ()):
        standing = stand(case, dx.code)
        if standing.valid is False:
            below = _below(case, dx.code) if dx.code else ()
            rest = f" and {len(below) - SHOWN} more" if len(below) > SHOWN else ""
            more = f" Codes below it: {', '.join(below[:SHOWN])}{rest}." if below else ""
            ask = f"Which code is right on that day?{more}" if more else "Which complete code is right on that day?"
            found.append(hold(standing.why, (f"dx[{i}].code", ask)))
        elif standing.valid is None:
            warned = Warned(
                "W-DX-01", f"{dx.code}: no ICD-10-CM file for that day is loaded; its validity is not checked."
            )
            found.append(idle(f"{dx.code} has the form of a code; no file to check it.", warnings=(warned,)))
        elif "unspecified" in standing.meaning.casefold():
            warned = Warned("W-DX-02", f"{dx.code} is an unspecified code; a payer may want the exact one.")
            found.append(fine(f"{dx.code} is valid on that day.", warnings=(warned,)))
        else:
            found.append(fine(f"{dx.code} is valid on that day."))
    return found


@rule("R-DX-03", ICD)
def means_the_label(case: Context) -> list[Finding]:
    found = []
    for i, dx in enumerate(case.facts.dx or ()):
        code = code_meaning(case, dx.code)
        label = icd.meaning(dx.label) if dx.label else icd.Meaning()
        against = icd.contradictions(label, code)
        if against:
            found.append(
                hold(
                    f"{dx.code}: {'; '.join(against)}.",
                    (f"dx[{i}].code", "Which is right, the words or the code?"),
                    alternatives=_meant(case, dx.code or "", label),
                )
            )
    return found


@rule("R-DX-04", ICD)
def side_fits(case: Context) -> list[Finding]:
    report = case.facts.laterality.report
    codes = [(i, dx.code or "", code_meaning(case, dx.code)) for i, dx in enumerate(case.facts.dx or ())]
    found = []
    for i, code, meant in codes:
        if meant.side not in {"left", "right", "bilateral"} or report is None or meant.side == report:
            continue
        if report == "bilateral" and _has_its_pair(code, meant, codes):
            continue
        said = report.replace("_", " ")
        sided = msgspec.structs.replace(meant, side=report) if report != "not_applicable" else None
        found.append(
            hold(
                f"{code} is a code for {_side_words(meant.side)}, the report's side is {said}.",
                (f"dx[{i}].code", "Which code has the side of the report?"),
                alternatives=_meant(case, code, sided) if sided else (),
            )
        )
    return found


def _side_words(side: str | None) -> str:
    return "both sides" if side == "bilateral" else f"the {side} side"


def _has_its_pair(code: str, meant: icd.Meaning, codes: list[tuple[int, str, icd.Meaning]]) -> bool:
    """Whether the other side of the same condition is coded too: without a bilateral code, both are (I.B.13)."""
    other = {"left": "right", "right": "left"}.get(meant.side or "")
    return any(m.side == other and c[:3] == code[:3] for _, c, m in codes)


def _meant(case: Context, code: str, words: icd.Meaning) -> tuple[Alternative, ...]:
    """Codes near this one, valid on the day, that say what the words say: a few, to look at."""
    day = case.day or case.as_of
    side = case.facts.laterality.report
    if words.side == "unilateral" and side in {"left", "right"}:
        words = msgspec.structs.replace(words, side=side)
    near = [r for r in _near(case, code, day) if icd.says(words, icd.meaning(r.meaning))]
    return tuple(Alternative(r.code, r.meaning) for r in near[:6])


def _near(case: Context, code: str, day: dt.date) -> list[icd.IcdCode]:
    """Billable codes of the day that share the beginning of this one."""
    file = case.references.icd_of(day)
    stem = code[:3] if file is None else code[: max(4, len(code) - 2)]
    rows = icd.BUILT_IN if file is None else file.rows.values()
    return [
        r
        for r in rows
        if r.billable and r.code != code and r.code.startswith(stem) and icd.in_force(r.since, r.until, day)
    ]


@rule("R-DX-05", ICD)
def confirmed(case: Context) -> Finding:
    if case.facts.dx_confirmed is not True:
        return hold(
            "Suspected, probable or ruled-out conditions are not coded as established.",
            ("dx_confirmed", "Are all coded diagnoses confirmed, none only suspected?"),
        )
    return fine("The diagnoses are confirmed.")


def stand(case: Context, code: str | None) -> Standing:
    """How a code stands on the service date: by the case's own table, the imported file, the built-in set."""
    day = case.day or case.as_of
    if not code:
        return Standing(False, "A diagnosis has no code.")
    if not icd.FORM.fullmatch(code):
        return Standing(False, f'"{code}" does not have the form of an ICD-10-CM code (as in I71.43).')
    table = case.facts.reference.icd10cm or {}
    given = table.get(code) or table.get(code.replace(".", ""))
    if given is not None and given.billable is not None:
        meaning = code_words(case, code)
        return _judge(code, [icd.IcdCode(code, given.billable, given.since, given.until, meaning)], day)
    if day < icd.ICD10_START:
        return Standing(False, f"{code} is an ICD-10-CM code; claims take these from {icd.ICD10_START} on.")
    file, rows = case.references.icd_of(day), icd.built_in(code)
    # a release that should have been followed by others does not outweigh what is known of the years after it
    if file is not None and not (rows and outdated(file.effective, "icd", day)):
        row = file.rows.get(code)
        if row is None:
            return Standing(False, f"{code} is not in {file.file}.")
        return _judge(code, [row], day)
    if rows:
        return _judge(code, list(rows), day)
    if icd.complete_family(code):
        return Standing(False, f"{code} does not exist.")
    return Standing(None, "")


def _judge(code: str, rows: list[icd.IcdCode], day: dt.date) -> Standing:
    """Valid when a billable period contains the day."""
    now = [r for r in rows if icd.in_force(r.since, r.until, day)]
    if any(r.billable for r in now):
        return Standing(True, "", next(r.meaning for r in now if r.billable))
    if now:
        since = f" since {now[0].since}" if now[0].since and now[0].since > icd.ICD10_START else ""
        return Standing(False, f"{code} is a header{since} and needs more characters.")
    return Standing(False, f"{code} is not valid on the service date.")


def _below(case: Context, code: str) -> tuple[str, ...]:
    """Billable codes below a header: by the imported file, else the built-in set."""
    day = case.day or case.as_of
    file = case.references.icd_of(day)
    if not icd.FORM.fullmatch(code):
        return ()
    if file is None or (icd.built_in(code) and outdated(file.effective, "icd", day)):
        return icd.children(code, day)
    found = [c for c, row in file.rows.items() if row.billable and c != code and c.startswith(code)]
    return tuple(found)


def code_words(case: Context, code: str) -> str:
    """What a code means, in words, as far as the imported file or the built-in set says."""
    day = case.day or case.as_of
    file = case.references.icd_of(day)
    row = file.rows.get(code) if file else None
    if row is not None and row.meaning:
        return row.meaning
    rows = icd.built_in(code)
    known = [r for r in rows if r.billable and icd.in_force(r.since, r.until, day)] or [r for r in rows if r.billable]
    return known[0].meaning if known else ""


def code_meaning(case: Context, code: str | None) -> icd.Meaning:
    """Side, rupture and region that a code stands for."""
    return icd.meaning(code_words(case, code)) if code else icd.Meaning()


RULES = (has_diagnosis, valid, means_the_label, side_fits, confirmed)
