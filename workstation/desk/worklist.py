"""The biller's worklist: cases that wait for a charge, charges with what became of them, and tasks that came after.

A task follows from what was written down after the confirmation (an addendum, a retraction, a corrected order, joined
identities): the case is decided again by the rules of the charge's day, and where it now says something else a person
has to void or replace. Nothing changes a charge by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from billing.charge import ACTIVE, Charge
from billing.metrics import BASE_INCLUDED
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.case.acquisition import FIRST, SEPARATED, sessions_of
from workstation.desk import charge_office
from workstation.desk.charge_case import decide_place, today
from workstation.desk.charge_difference import difference
from workstation.desk.charge_ledger import ledger_of, of_session, person_of
from workstation.desk.confirm_charge import Confirmed
from workstation.desk.filed_case import FiledCase
from workstation.desk.open_study import stored_case
from workstation.desk.people_store import AccountTable

if TYPE_CHECKING:
    from workstation.archive.index import StudyRow
    from workstation.case.model import Case
    from workstation.desk.ledger_reading import Grounds
    from workstation.desk.place import Place
    from workstation.people.accounts import People

KEPT_DAYS = 31
"""How long an acknowledged charge stays in the list after its confirmation."""
_AFTER = (
    "charge_confirmed",
    "report_signed",
    "report_retracted",
    "order_entered",
    "diagnoses_coded",
    "facts_given",
    "anatomy_confirmed",
    "identity_reconciled",
    "order_voided",
    "picture_withdrawn",
    "session_separated",
    "session_rejoined",
)
_ORDER = {"bill": 0, "hold": 1, "reject": 2}


@dataclass(frozen=True)
class ChargeLine:
    """One line of the worklist: a case without a charge (state ``open``), or a charge.

    Parameters
    ----------
    decision : ``bill``, ``hold`` or ``reject``; of a charge what its case says now
    state : ``open``, or the state of the charge in the ledger
    question : what is asked, or why it is not billed, in a sentence; of a charge the reason that its receiver gave
    covered_by : code of the base study that includes the 3D; "" where that is not why
    covers : codes to consider where it is not billed
    rules : rules that hold or reject
    session : ordinal of the acquisition session; 0 where the study has only one
    task : what a person has to do about a charge, in a sentence; "" where nothing has changed
    amount : estimated payment in US dollars as text, "" without an estimate
    sending, problem : how the charge's message stands, and why it has not arrived
    acts : what may be done with the charge: resend, replace, void, and uphold where its study was deleted
    """

    study_uid: str
    patient_name: str
    date: str | None
    code: str | None
    modifiers: tuple[str, ...]
    decision: str
    state: str
    question: str
    charge_id: str = ""
    session: int = 0
    patient_id: str = ""
    accession: str = ""
    payer: str = ""
    reader: str = ""
    covered_by: str = ""
    covers: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    task: str = ""
    late: bool = False
    amount: str = ""
    age_days: int | None = None
    confirmed_at: str = ""
    confirmed_by: str = ""
    sending: str = ""
    problem: str = ""
    acts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"ChargeLine({self.decision}, {self.state})"


def worklist(place: Place) -> tuple[ChargeLine, ...]:
    """Ready first, then held, then charges with a task or refused, then what is under way, then what is not billed."""
    day = date.fromisoformat(today(place))
    readers = {a.npi: a.name for a in AccountTable(place.db).all() if a.npi}
    rows = {row.study_uid: row for row in place.library.studies()}
    found: list[ChargeLine] = []
    charged: set[str] = set()
    changed = _changed_after(place)
    office = {line.charge_id: line for line in charge_office.charges(place)}
    apart = {e.event.case.study_uid for e in place.journal.of_kinds(SEPARATED) if e.event.case is not None}
    read = place.reading.now()
    for charge in read.charges.values():
        study = charge.identity.study_uid or ""
        if charge.state not in ACTIVE:
            continue
        known = office.get(charge.charge_id)
        again = charge.charge_id in changed
        recent = (day - date.fromisoformat(charge.confirmed_at[:10])).days <= KEPT_DAYS
        settled = (
            charge.state == "acknowledged"
            and not recent
            and not (known and known.contradicted)
            and not (known and known.task)
        )
        if study not in apart:
            # one session, one charge: the case has the one that stands
            charged.add(study)
        if settled and not again:
            # years of settled charges are not read again for a list of this month
            continue
        # a case is read where it may say something else than its charge, or where nothing else knows the name
        case = stored_case(place, study) if study and (again or study not in rows) else None
        if case is not None and study in apart:
            # a charge of another session than the series that was open last has its own side of the case
            case = of_session(place, case, charge.identity.session) or case
        line = _of_charge(place, charge, read.grounds[charge.charge_id], case, readers, day, again=again)
        if study in apart:
            line = replace(line, session=charge.identity.session)
        name = rows[study].patient_name if study in rows else case.patient.name if case else ""
        if not settled or line.task:
            found.append(_with_office(replace(line, patient_name=name), known))
    for row in rows.values():
        if row.study_uid in apart:
            found += _sessions(place, row, readers, day)
            continue
        if row.study_uid in charged or row.state not in ("released", "signed", "charged"):
            continue
        case = stored_case(place, row.study_uid)
        if case is None:
            continue
        found.append(_of_case(place, case, row.patient_name, row.date, readers, day))
    return tuple(sorted(found, key=_turn))


def _with_office(line: ChargeLine, known: charge_office.OfficeLine | None) -> ChargeLine:
    """The line with how its message stands, what its receiver said, and what may be done."""
    if known is None:
        return line
    task = line.task or known.task
    if known.contradicted and not task:
        task = "The receiver refused this charge after it had accepted it; ask there, then void or replace it."
    return replace(
        line,
        sending=known.sending,
        problem=known.problem,
        acts=known.acts,
        task=task,
        question=known.reason or line.question,
    )


def _sessions(place: Place, row: StudyRow, readers: Mapping[str, str], day: date) -> list[ChargeLine]:
    """The sessions of a study that have no charge yet, each for itself."""
    case = stored_case(place, row.study_uid)
    if case is None or row.state not in ("released", "signed", "charged"):
        return []
    apart = sessions_of(place.journal.entries(row.study_uid)).of_series.values()
    found = []
    for ordinal in sorted({FIRST, *(s.ordinal for s in apart)}):
        own = of_session(place, case, ordinal)
        if own is not None and not own.charge:
            line = _of_case(place, own, row.patient_name, row.date, readers, day)
            found.append(replace(line, session=ordinal))
    return found


def _turn(line: ChargeLine) -> tuple[int, str]:
    if line.state == "open":
        return {"bill": 0, "hold": 1, "reject": 4}[line.decision], line.date or ""
    if line.task or line.state == "rejected" or line.problem:
        return 2, line.date or ""
    return 3 if line.state != "acknowledged" else 5, line.date or ""


def _of_case(
    place: Place, case: Case, name: str, study_date: str | None, readers: Mapping[str, str], day: date
) -> ChargeLine:
    """A case without a charge, decided now."""
    try:
        decided = decide_place(place, case)
    except InputRefused as error:
        # one case whose facts cannot be read must not keep the biller from all others
        return ChargeLine(case.key.study_uid, name, study_date, None, (), "hold", "open", error.sentence)
    answer, facts = decided.answer, decided.facts
    question = next(iter(answer["questions"]), None)
    refused = next((r["text"] for r in answer["reasons"] if r["outcome"] == "reject"), "")
    service = (facts.get("service") or {}).get("date") or study_date
    npi = (facts.get("providers") or {}).get("rendering_npi") or ""
    return ChargeLine(
        study_uid=case.key.study_uid,
        patient_name=name,
        date=service,
        code=answer["code"],
        modifiers=tuple(answer["modifiers"]),
        decision=answer["decision"],
        state="open",
        question=refused if answer["decision"] == "reject" else question["ask"] if question else "",
        patient_id=case.patient.id,
        accession=case.accession,
        payer=(facts.get("payer") or {}).get("kind") or "",
        reader=readers.get(npi, npi),
        covered_by=_covered_by(answer, facts),
        covers=_covering(answer),
        rules=_against(answer),
        amount=_amount(answer),
        age_days=_age(service, day),
    )


def _against(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Rules that hold or reject."""
    named = (str(r["rule"]) for r in answer["reasons"] if r["outcome"] == answer["decision"] != "bill")
    return tuple(dict.fromkeys(named))


def _covered_by(answer: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """The code of the base study that includes the 3D already, where that is why nothing is billed."""
    if BASE_INCLUDED not in _against(answer):
        return ""
    bases = facts.get("base") or ()
    sources = [b for b in bases if b.get("source") is not False and b.get("code")]
    return str(sources[0]["code"]) if len(sources) == 1 else ""


def _covering(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Codes that stand for the work where it is not billed: those that the rules offer."""
    if answer["decision"] != "reject":
        return ()
    return tuple(str(a["code"]) for a in answer["alternatives"] if a.get("code"))


def _of_charge(
    place: Place,
    charge: Charge,
    grounds: Grounds,
    case: Case | None,
    readers: Mapping[str, str],
    day: date,
    *,
    again: bool,
) -> ChargeLine:
    """A charge, and what its case says now where something was written down after it."""
    task, decision = "", "bill"
    if again and case is not None and case.charge == charge.charge_id:
        task, decision = _task(place, charge, case, grounds.as_of)
    service = charge.service_date.isoformat()
    return ChargeLine(
        study_uid=charge.identity.study_uid or "",
        patient_name="",
        date=service,
        code=charge.code,
        modifiers=charge.modifiers,
        decision=decision,
        state=charge.state,
        question="",
        charge_id=charge.charge_id,
        patient_id=charge.identity.patient_id,
        accession=charge.identity.accession or "",
        payer=grounds.payer,
        reader=readers.get(charge.rendering_npi, charge.rendering_npi),
        task=task,
        late=charge.late,
        amount=grounds.amount,
        age_days=_age(service, day),
        confirmed_at=charge.confirmed_at,
        confirmed_by=charge.confirmed_by,
    )


def _task(place: Place, charge: Charge, case: Case, as_of: str) -> tuple[str, str]:
    """What has to be done about a charge whose case says something else now, and what it says."""
    try:
        decided = decide_place(place, case, as_of or None)
    except RenderDeskError as error:
        return f"The case cannot be decided again: {error.sentence}", "hold"
    patient = decided.facts.get("patient") or {}
    person = person_of(place, patient.get("issuer") or "", patient.get("id") or "")
    # lists keep charges without what was frozen in them
    whole = charge if charge.facts else ledger_of(place).get(charge.charge_id)
    return difference(whole, decided, person), str(decided.answer["decision"])


def task_of(place: Place, charge: Charge, case: Case) -> str:
    """What has to be done about a charge whose case says something else now; "" when they agree."""
    return _task(place, charge, case, str(msgspec.json.decode(charge.answer).get("as_of") or ""))[0]


def _changed_after(place: Place) -> frozenset[str]:
    """Charges after whose confirmation something was written down that may change what is decided.

    It is asked of each charge for itself: another session's charge that came later says nothing of this one.
    """
    confirmed: dict[str, tuple[str, int]] = {}
    later: dict[str, int] = {}
    joined = 0
    for entry in place.journal.of_kinds(*_AFTER):
        study = entry.event.case.study_uid if entry.event.case else ""
        if entry.event.kind == "charge_confirmed":
            confirmed[str(entry.event.payload.get("charge_id"))] = (study, entry.number)
        elif entry.event.kind == "identity_reconciled":
            joined = entry.number
        else:
            later[study] = entry.number
    return frozenset(own for own, (study, number) in confirmed.items() if max(later.get(study, 0), joined) > number)


def _amount(answer: Mapping[str, Any]) -> str:
    estimate = answer.get("estimate")
    return str(estimate["amount"]) if estimate else ""


def _age(service: str | None, day: date) -> int | None:
    try:
        return (day - date.fromisoformat(service)).days if service else None
    except ValueError:
        return None


@dataclass(frozen=True)
class Confirming:
    """What became of one case of several: the charge, or the sentence that says why there is none."""

    study_uid: str
    confirmed: Confirmed | None = None
    sentence: str = ""


class Chosen(NamedTuple):
    """A case that is to be confirmed: its study, its session (0 where there is only one), and what was read of it."""

    study_uid: str
    session: int = 0
    seen: tuple[str, ...] | None = None
    """Code and modifiers as the list showed them."""


def confirm_several(place: Place, people: People, cases: Iterable[Chosen], secret: str) -> tuple[Confirming, ...]:
    """Confirm ready cases one by one; each is decided again under the archive's lock and stands or falls alone.

    Raises
    ------
    NotAllowed
        Not the role for it, or the PIN or password is due or wrong: nothing was confirmed.
    """
    people.proved_for("confirm_charge", secret)
    found = []
    for study, session, seen in cases:
        try:
            # the secret was proved a moment ago and is not asked of every case
            found.append(Confirming(study, FiledCase(place, people, study, session).confirm_charge("", seen)))
        except RenderDeskError as error:
            found.append(Confirming(study, sentence=error.sentence))
    return tuple(found)
