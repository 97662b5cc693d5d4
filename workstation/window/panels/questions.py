"""What the charge panel asks, in the words of a billing office: one fact a question, and who is to be asked.

The rules say which fact is missing, by its path in the facts; here stands how a person is asked for it. Facts
that the program witnesses (supervision, pictures, report) are never asked: the question leads to the place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["yes_no", "choice", "text", "npi", "date", "codes", "diagnoses", "anatomy", "place"]
Options = tuple[tuple[object, str], ...]


@dataclass(frozen=True)
class Question:
    """How one fact is asked.

    kind : yes_no, choice (of `options`), text, npi, date, codes (procedure codes of the day), diagnoses,
        anatomy (part of the body and kind of structure),
        or place (nothing to type: `where` leads to the place that decides it)
    quiet : why it is asked, or how often
    """

    kind: Kind
    ask: str
    quiet: str = ""
    options: Options = ()
    where: str = ""


_SITE = "Asked once for this site."
PAYERS: Options = (
    ("medicare", "Medicare"),
    ("medicare_advantage", "Medicare Advantage"),
    ("medicaid", "Medicaid"),
    ("aetna", "Aetna"),
    ("bcbs", "Blue Cross Blue Shield"),
    ("cigna", "Cigna"),
    ("uhc", "UnitedHealthcare"),
    ("other", "Another payer"),
    ("self_pay", "The patient pays"),
)
PURPOSES: Options = (
    ("diagnosis", "Diagnosis"),
    ("surgical_planning", "Planning an operation"),
    ("radiation_planning", "Planning radiation treatment"),
    ("needle_mapping", "Mapping a needle path"),
    ("navigation_only", "Navigation only"),
    ("print_only", "3D print only"),
    ("research", "Research"),
    ("teaching", "Teaching"),
)
PLACES: Options = (
    ("11", "Office (11)"),
    ("22", "Hospital outpatient, on campus (22)"),
    ("19", "Hospital outpatient, off campus (19)"),
    ("21", "Hospital inpatient (21)"),
    ("23", "Emergency room (23)"),
    ("24", "Surgical center (24)"),
    ("49", "Independent clinic (49)"),
    ("81", "Independent laboratory (81)"),
)
SIDES: Options = (
    ("right", "Right"),
    ("left", "Left"),
    ("bilateral", "Both sides"),
    ("not_applicable", "No side"),
)
TARGETS: Options = (
    ("vascular", "Vessels"),
    ("bone", "Bone"),
    ("organ", "An organ"),
    ("airway", "Airways"),
    ("bowel", "Bowel"),
    ("neuro", "Brain or nerves"),
    ("soft_tissue", "Soft tissue"),
    ("other", "Something else"),
)
SITES: Options = (
    ("head", "Head"),
    ("face", "Face"),
    ("neck", "Neck"),
    ("chest", "Chest"),
    ("heart", "Heart"),
    ("abdomen", "Abdomen"),
    ("pelvis", "Pelvis"),
    ("abdomen_pelvis", "Abdomen and pelvis"),
    ("chest_abdomen_pelvis", "Chest, abdomen and pelvis"),
    ("spine_cervical", "Cervical spine"),
    ("spine_thoracic", "Thoracic spine"),
    ("spine_lumbar", "Lumbar spine"),
    *(
        (f"{part}_{side}", f"{words}, {side}")
        for part, words in (
            ("shoulder", "Shoulder"),
            ("elbow", "Elbow"),
            ("wrist", "Wrist"),
            ("hand", "Hand"),
            ("hip", "Hip"),
            ("knee", "Knee"),
            ("ankle", "Ankle"),
            ("foot", "Foot"),
        )
        for side in ("right", "left")
    ),
)
MODALITIES: Options = (
    ("CT", "CT"),
    ("MR", "MR"),
    ("US", "Ultrasound"),
    ("TOMO", "Tomosynthesis"),
    ("XA", "Angiography"),
    ("NM", "Nuclear medicine"),
    ("PT", "PET"),
    ("XR", "Plain X-ray"),
    ("MG", "Mammography"),
    ("OT", "Other"),
)
_HERE: Options = (("same", "Here"), ("other", "Elsewhere"))

_ANATOMY = Question("anatomy", "What does the 3D show?", "The part of the body, and the kind of structure.")

_SUPERVISION = Question(
    "place",
    "The physician's part in the 3D work is not complete.",
    "What the program sees counts most; what it has not seen can be stated.",
    where="report:attest",
)
_NO_PICTURE = Question("place", "No 3D picture is in the record yet.", where="3d")
# asked only once the fact behind it is known: the work itself may answer it
WAITS_FOR: dict[str, str] = {
    "providers.rendering_npi": "supervision.physician_npi",
    "providers.rendering_taxonomy": "supervision.physician_npi",
    "service.completion": "report.status",
    "order.urgent_exception_documented": "order.three_d_ordered",
}

QUESTIONS: dict[str, Question] = {
    "payer.kind": Question("choice", "Who pays?", options=PAYERS),
    "payer.plan": Question("text", "Which plan?"),
    "payer.auth_number": Question(
        "text", "What is the authorization number?", "This payer wants one before the service."
    ),
    "payer.covered": Question("yes_no", "Does the payer cover this service?"),
    "payer.accepts_without_base": Question(
        "yes_no", "Does the payer accept the 3D when the scan was done elsewhere?", "As the payer's policy says."
    ),
    "service.date": _SUPERVISION,
    "service.purpose": Question("choice", "What was the 3D made for?", options=PURPOSES),
    "service.completion": Question(
        "choice",
        "Was the 3D work completed?",
        options=(("complete", "Yes"), ("reduced", "In part"), ("discontinued", "Stopped")),
    ),
    "service.interpretable": Question("yes_no", "Could what was made be interpreted?"),
    "service.discontinued_reason": Question(
        "choice",
        "Why was it stopped?",
        options=(
            ("patient_wellbeing", "The patient's wellbeing"),
            ("technical", "Technical trouble"),
            ("workflow", "Workflow"),
        ),
    ),
    "claim.form": Question(
        "choice", "Who sends this bill?", _SITE, (("professional", "The physicians"), ("institutional", "The hospital"))
    ),
    "claim.pos": Question("choice", "Where was the patient seen?", "The place of service.", PLACES),
    "claim.bills_reader": Question("yes_no", "Do we bill for the reading physician?", _SITE),
    "claim.owns_equipment": Question("yes_no", "Does the billing practice own the scanner?", _SITE),
    "claim.same_locality": Question("yes_no", "Were pictures and reading made in the same Medicare locality?", _SITE),
    "claim.tc_purchased": Question("yes_no", "Was the technical part bought from another supplier?", _SITE),
    "claim.off_campus": Question(
        "choice",
        "Is the department off the hospital's campus?",
        _SITE,
        (("no", "No"), ("excepted", "Yes, excepted"), ("nonexcepted", "Yes, not excepted")),
    ),
    "providers.rendering_npi": Question("npi", "What is the reading physician's provider number (NPI)?"),
    "providers.rendering_taxonomy": Question(
        "text", "What is the reading physician's specialty code?", "Ten characters, as registered with the NPI."
    ),
    "providers.billing_npi": Question("npi", "What is the billing provider's number (NPI)?", _SITE),
    "providers.resident_involved": Question("yes_no", "Did a resident take part?"),
    "providers.teaching_attested": Question(
        "yes_no", "Does the report carry the teaching physician's statement?", "Because a resident took part."
    ),
    "order.three_d_ordered": Question("yes_no", "Was the 3D ordered?", "On the order itself, not assumed."),
    "order.ordering_npi": Question("npi", "What is the ordering provider's number (NPI)?"),
    "order.urgent_exception_documented": Question("yes_no", "Is an urgent exception to the order documented?"),
    "base": Question("place", "Which examination is the 3D made from?", where="load:base"),
    "base[].code": Question("text", "What is the procedure code of the scan?", "Five characters, from the order."),
    "base[].modality": Question("choice", "What kind of scan was it?", options=MODALITIES),
    "base[].accession": Question("text", "What is the accession number of the scan?"),
    "base[].date": Question("date", "On which day was the scan?"),
    "base[].source": Question("yes_no", "Was the 3D made from this scan?"),
    "base[].performed_by": Question("choice", "Was the scan done here or elsewhere?", options=_HERE),
    "base[].angiographic": Question(
        "yes_no", "Was the scan acquired as an angiogram?", "A CT or MR angiogram already includes the 3D."
    ),
    "base[].includes_3d": Question("yes_no", "Does the code of the scan already include 3D?", "As the code book says."),
    "rendering.techniques": _NO_PICTURE,
    "rendering.target": _ANATOMY,
    "rendering.anatomy": _ANATOMY,
    "workstation.kind": _NO_PICTURE,
    "images": Question("place", "The 3D pictures are not in the archive yet.", where="film"),
    "supervision": _SUPERVISION,
    "report": Question("place", "The signed report does not say all that is needed; an addendum can.", where="report"),
    "report.status": Question("place", "The report is not signed yet.", where="report"),
    "dx": Question(
        "diagnoses", "Which diagnoses does the bill carry?", "Codes with their dot, in the order of weight."
    ),
    "dx_confirmed": Question(
        "yes_no", "Are all diagnoses established?", "Suspected or probable ones are coded as signs and symptoms."
    ),
    "dx[].code": Question("diagnoses", "Which diagnoses does the bill carry?"),
    "laterality.order": Question("choice", "Which side was ordered?", options=SIDES),
    "laterality.report": Question("place", "The report does not name its side.", where="report:side"),
    "other_codes": Question(
        "codes", "Which other procedures were billed that day?", "By the same physicians for this patient; often none."
    ),
    "other_codes[].code": Question("codes", "Which other procedures were billed that day?"),
    "other_codes[].same_anatomy": Question("yes_no", "Was the other procedure on the same part of the body?"),
    "other_codes[].same_session": Question("yes_no", "Was the other procedure in the same session?"),
    "other_codes[].same_provider": Question("yes_no", "Was the other procedure by the same physicians?"),
    "distinct.session": Question(
        "choice",
        "Was this a session of its own?",
        "There is another 3D charge that day.",
        (("separate", "Yes"), ("same", "No")),
    ),
    "distinct.anatomy_contiguous": Question("yes_no", "Do both 3D studies cover adjoining parts of the body?"),
    "distinct.repeat_necessity_documented": Question("yes_no", "Is it documented why the 3D had to be repeated?"),
    "abn.expected_denial": Question(
        "choice",
        "Is a denial by Medicare expected?",
        options=(("none", "No"), ("not_necessary", "Yes, as not necessary"), ("excluded", "Yes, as excluded")),
    ),
    "abn.signed": Question(
        "choice",
        "Which notice did the patient sign?",
        options=(("required", "The required one"), ("voluntary", "A voluntary one"), ("none", "None")),
    ),
    "ledger": Question("place", "It is not known what else was charged that day.", where="charge"),
}

_INDEX = re.compile(r"\[(\d+)\]")


def general(path: str) -> str:
    """The path without its list places: ``base[0].code`` is ``base[].code``."""
    return _INDEX.sub("[]", path)


def question_of(path: str) -> Question | None:
    """How a fact is asked; None for one that no person at this desk can answer."""
    name = general(path)
    found = QUESTIONS.get(name)
    if found is not None:
        return found
    section = name.split(".", 1)[0]
    return QUESTIONS.get(section) if section in ("supervision", "report", "images") else None


def index_of(path: str) -> int:
    """The list place in a path; 0 without one."""
    found = _INDEX.search(path)
    return int(found.group(1)) if found else 0


def answer_words(path: str, value: Any) -> str:
    """A given answer as a person reads it."""
    question = question_of(path)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "not known"
    if question is not None and question.options:
        words = dict(question.options)
        if isinstance(value, str) and value in words:
            return words[value]
    if isinstance(value, list | tuple):
        named = [str(v.get("code") if isinstance(v, dict) else v) for v in value]
        return ", ".join(named) if named else "none"
    return str(value)
