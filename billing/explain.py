"""A decision in the biller's words: a dozen lines from the trace."""

from __future__ import annotations

from collections.abc import Iterator

from billing.decide import Answer

MODIFIERS = {
    "26": "the physician's part",
    "TC": "the technical part",
    "53": "stopped for the patient's sake",
    "52": "less than planned was done",
    "22": "more work than usual",
    "XE": "a separate encounter",
    "XS": "a separate anatomy",
    "59": "distinct from another service of the day",
    "76": "a needed repeat by the same reader",
    "77": "a needed repeat by another reader",
    "RT": "right",
    "LT": "left",
    "GC": "resident under a teaching physician",
    "GX": "voluntary notice",
    "GA": "required notice signed, denial expected",
    "GY": "excluded by Medicare",
    "GZ": "denial expected, no required notice signed",
    "PO": "excepted department off campus",
    "PN": "nonexcepted department off campus",
}
# what carries a charge, in the order in which a biller is asked about it
CARRYING = (
    *("R-IW-01", "R-IW-02", "R-TQ-00", "R-BS-01", "R-SV-02", "R-AR-01", "R-RP-01", "R-OR-01", "R-OR-03"),
    *("R-CP-01", "R-CP-02", "R-CP-03", "R-CP-04", "R-CP-09", "R-NC-03"),
)
# rules of which one says why and the others only that they are not asked
ONE_OF = frozenset({"R-CP-01", "R-CP-02", "R-CP-03", "R-CP-04", "R-CP-09", "R-NC-03"})
TABLES = {
    "facts.reference.ptp": "the pairs given with the case",
    "facts.reference.mue": "the unit limits given with the case",
    "facts.reference.icd10cm": "the diagnosis codes given with the case",
}
ROOM = 9


def explain(answer: Answer) -> list[str]:
    """About twelve lines: the decision, what carries it or stands against it, warnings, rules and day."""
    lines = [_headline(answer), *_body(answer)]
    # what is not known of a payer's policy is of no use where there is nothing to charge
    lines += [f"Note: {w.text}" for w in answer.warnings if answer.decision != "reject" or w.id != "W-PY-01"]
    lines += [f"Consider {a.code}: {a.why}." for a in answer.alternatives]
    lines += [answer.estimate.text] if answer.estimate else []
    tables = ", ".join(
        f"{r.file} of {r.effective}" if r.effective else TABLES.get(r.file, r.file) for r in answer.references
    )
    return [*lines, f"Rules {answer.rules_version}, decided for {answer.as_of}; tables: {tables}."]


def _headline(answer: Answer) -> str:
    if answer.decision == "reject":
        return "REJECT: this cannot be charged as it stands."
    if answer.decision == "hold":
        code = f"{answer.code} would be charged" if answer.code else "the code is still open"
        count = len(answer.questions)
        return f"HOLD: {code}; {count} question{'s' if count != 1 else ''} to answer."
    line = "-".join([answer.code or "", *answer.modifiers])
    pointers = ", ".join(d.code for d in answer.diagnoses)
    return f"BILL {line}, {answer.units} unit, diagnoses {pointers}."


def _body(answer: Answer) -> Iterator[str]:
    if answer.decision == "bill":
        wrong_place = "R-IW-02" if answer.code == "76377" else "R-IW-01"
        no_order = any(w.id == "W-OR-03" for w in answer.warnings)
        skipped = {wrong_place, "R-OR-01" if no_order else "R-OR-03"}
        for reason in answer.reasons:
            idle = reason.rule in ONE_OF and reason.text.startswith(("Not ", "Nothing "))
            if reason.rule in CARRYING and reason.rule not in skipped and not idle:
                yield f"  {reason.text}"
        # why it is the whole, the technical or the physician's part is said already
        for modifier in answer.modifiers:
            if modifier not in {"26", "TC"}:
                yield f"  {modifier}: {MODIFIERS.get(modifier, 'attached')}."
        return
    if answer.decision == "reject":
        for reason in answer.reasons:
            if reason.outcome == "reject":
                yield f"  {reason.text} ({reason.rule}; {reason.source})"
        return
    for number, question in enumerate(answer.questions):
        if number == ROOM and len(answer.questions) > ROOM + 1:
            yield f"  and {len(answer.questions) - ROOM} more questions (see --json)."
            return
        texts = [r.text for r in answer.reasons if r.rule == question.rule and r.outcome == "hold"]
        why = f": {texts[0]}" if len(texts) == 1 else ""
        yield f"  {question.ask} [{question.field}] ({question.rule}{why})"
