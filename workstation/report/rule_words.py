"""Rules in a few words, for lists and figures where a whole sentence has no room."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "R-DT-01": "before the codes existed",
    "R-DT-02": "service date in the future",
    "R-DT-03": "filing limit has passed",
    "R-DT-04": "service date not known",
    "R-PY-01": "payer not known",
    "R-PY-02": "authorisation missing",
    "R-PY-03": "not covered by the payer",
    "R-IW-03": "kind of workstation not known",
    "R-TQ-01": "planes alone, no 3D",
    "R-TQ-02": "technique that may not be 3D",
    "R-TQ-03": "technique not known",
    "R-BS-01": "base study missing",
    "R-BS-02": "made from plain X-ray",
    "R-BS-03": "scanned elsewhere, or not said",
    "R-BS-04": "base code not known",
    "R-BS-05": "which base is the source",
    "R-BS-06": "base code not valid that day",
    "R-BS-07": "kind of scan contradicts the code",
    "R-IN-01": "3D included in the base code",
    "R-IN-02": "base code may include 3D",
    "R-CT-01": "angiogram coded as plain scan",
    "R-CT-02": "angiogram or not",
    "R-SV-01": "a physician's act was not done",
    "R-SV-02": "a physician's act is missing",
    "R-SV-03": "supervised only afterwards",
    "R-SV-04": "supervisor is not the reader",
    "R-AR-01": "pictures not archived yet",
    "R-RP-01": "report not signed",
    "R-RP-02": "report retracted",
    "R-RP-03": "signed by another physician",
    "R-RP-04": "report lacks a statement",
    "R-OR-01": "order for 3D not known",
    "R-OR-02": "no order for 3D",
    "R-PU-01": "needle mapping",
    "R-PU-02": "purpose has its own code",
    "R-PU-03": "made for teaching",
    "R-PU-04": "purpose not known",
    "R-DX-01": "diagnosis missing",
    "R-DX-02": "diagnosis not valid for the date",
    "R-DX-03": "diagnosis contradicts its label",
    "R-DX-04": "diagnosis has the other side",
    "R-DX-05": "diagnosis only suspected",
    "R-LAT-01": "side not known",
    "R-LAT-02": "sides differ",
    "R-NP-01": "provider number missing or wrong",
    "R-TX-01": "taxonomy not known",
    "R-TX-02": "taxonomy is no imaging one",
    "R-CP-05": "place of service or ownership not known",
    "R-CP-06": "nothing of it is ours to bill",
    "R-CP-07": "two localities",
    "R-CP-08": "technical part bought",
    "R-CP-10": "inpatient: no line of its own",
    "R-CP-11": "on or off campus not known",
    "R-CP-12": "form does not fit the place",
    "R-GC-02": "teaching statement missing",
    "R-GC-03": "resident or not",
    "R-MD-00": "stopped, nothing to read",
    "R-MD-01": "completion not known",
    "R-MD-04": "more than four modifiers",
    "R-NC-01": "edit pair, never together",
    "R-NC-02": "edit pair, same anatomy and session",
    "R-NC-04": "edit pair: apart or not",
    "R-NC-05": "edit pairs not loaded",
    "R-NC-07": "other codes of the day not known",
    "R-NB-01": "neighbouring service that day",
    "R-LG-00": "charges of the day not known",
    "R-LG-01": "already charged that day",
    "R-LG-02": "one unit for adjoining regions",
    "R-LG-03": "repeat without necessity",
    "R-LG-04": "other code already charged",
    "R-LG-05": "same session or not",
    "R-MU-01": "more units than a day allows",
    "R-AB-01": "notice with another payer",
    "R-AB-02": "notice not signed",
}


def rule_words(rule: str) -> str:
    """What a rule is about, in a few words; its id where there are none."""
    return WORDS.get(rule, rule)


PAYERS: dict[str, str] = {
    "medicare": "Medicare",
    "medicare_advantage": "Medicare Advantage",
    "medicaid": "Medicaid",
    "aetna": "Aetna",
    "bcbs": "Blue Cross Blue Shield",
    "cigna": "Cigna",
    "uhc": "UnitedHealthcare",
    "other": "another payer",
    "self_pay": "the patient pays",
}


def payer_words(kind: str) -> str:
    """A payer as people call it."""
    return PAYERS.get(kind, kind)
