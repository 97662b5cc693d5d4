"""A charge: what was confirmed, frozen with its grounds, and the table of its states (section 5.2)."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Literal

import msgspec
from msgspec import Struct

from billing.context import component_of
from billing.decide import Answer
from billing.errors import BillingError, TransitionRefused
from billing.facts import Facts, LedgerEntry, LedgerState
from billing.key import ServiceIdentity, service_key

State = LedgerState
Act = Literal["confirm", "send", "acknowledge", "refuse", "resend", "replace", "void"]
Role = Literal["biller", "radiologist", "system"]

_PEOPLE: frozenset[Role] = frozenset({"biller", "radiologist"})
_SENDER: frozenset[Role] = frozenset({"system"})
_BILLER: frozenset[Role] = frozenset({"biller"})

# (state, act) -> (next state, roles that may)
TRANSITIONS: dict[tuple[State, Act], tuple[State, frozenset[Role]]] = {
    ("draft", "confirm"): ("confirmed", _PEOPLE),
    ("confirmed", "send"): ("sent", _SENDER),
    ("sent", "acknowledge"): ("acknowledged", _SENDER),
    ("sent", "refuse"): ("rejected", _SENDER),
    ("rejected", "resend"): ("sent", _BILLER | _SENDER),
    ("confirmed", "replace"): ("replaced", _PEOPLE),
    ("sent", "replace"): ("replaced", _PEOPLE),
    ("acknowledged", "replace"): ("replaced", _PEOPLE),
    ("rejected", "replace"): ("replaced", _PEOPLE),
    ("confirmed", "void"): ("void", _PEOPLE),
    ("sent", "void"): ("void", _PEOPLE),
    ("acknowledged", "void"): ("void", _PEOPLE),
    ("rejected", "void"): ("void", _PEOPLE),
}
ACTIVE: frozenset[State] = frozenset({"confirmed", "sent", "acknowledged", "rejected"})
OUTSIDE: frozenset[State] = frozenset({"sent", "acknowledged"})


class Charge(Struct, frozen=True, kw_only=True):
    """A confirmed charge. Nothing of it is ever edited; `state` is what the ledger's rows say of it."""

    charge_id: str
    key: str
    identity: ServiceIdentity
    state: State
    code: str
    modifiers: tuple[str, ...]
    units: int
    diagnoses: tuple[str, ...]
    rendering_npi: str
    ordering_npi: str
    billing_npi: str
    pos: str
    confirmed_at: str
    confirmed_by: str
    facts: str
    answer: str
    rules_version: str
    digest: str
    late: bool = False
    replaces: str | None = None

    def __repr__(self) -> str:
        return f"Charge({self.charge_id}, {'-'.join((self.code, *self.modifiers))}, {self.state})"

    @property
    def service_date(self) -> dt.date:
        """The day of the service."""
        return self.identity.service_date

    def entry(self) -> LedgerEntry:
        """The charge as facts know it (`facts.ledger[]`)."""
        return LedgerEntry(
            charge_id=self.charge_id,
            date=self.service_date,
            code=self.code,
            component=self.identity.component,
            base_accession=self.identity.accession,
            anatomy=self.identity.anatomy,
            rendering_npi=self.rendering_npi,
            state=self.state,
            modifiers=self.modifiers,
        )


def next_state(state: State, act: Act, role: Role) -> State:
    """Where an act leads.

    Raises
    ------
    TransitionRefused
        The table knows no such way, or not for this role.
    """
    found = TRANSITIONS.get((state, act))
    if found is None:
        raise TransitionRefused(f"A charge that is {state} cannot be treated so: {act}.")
    to, roles = found
    if role not in roles:
        raise TransitionRefused(f"To {act} a charge is not for the role {role}.")
    return to


def identity_of(
    facts: Facts, *, study_uid: str | None, accession_issuer: str | None = None, session: int = 1
) -> ServiceIdentity:
    """The parts of the service key as the facts and the case have them.

    Raises
    ------
    BillingError
        A part is not known.
    """
    component = component_of(facts)
    sources = [b for b in facts.base or () if b.source is not False]
    if component is None or facts.service.date is None or not facts.rendering.anatomy or not facts.patient.id:
        raise BillingError("key", "Patient, date, component and anatomy must be known before a charge is kept.")
    return ServiceIdentity(
        patient_issuer=facts.patient.issuer or "",
        patient_id=facts.patient.id,
        billing_npi=facts.providers.billing_npi or "",
        service_date=facts.service.date,
        component=component,
        study_uid=study_uid,
        accession=sources[0].accession if sources else None,
        accession_issuer=accession_issuer,
        anatomy=facts.rendering.anatomy,
        session=session,
    )


def draft(facts: Facts, answer: Answer, identity: ServiceIdentity) -> Charge:
    """The charge that would be confirmed: follows the evidence, has no id yet, is in no ledger.

    Raises
    ------
    BillingError
        The decision is not to bill: hold and reject cannot be confirmed; an override is a new fact by a person.
    """
    if answer.decision != "bill" or answer.code is None:
        raise BillingError("not_billable", f"The decision is {answer.decision}; only a decision to bill is confirmed.")
    frozen_facts = msgspec.json.encode(facts, order="sorted").decode()
    frozen_answer = msgspec.json.encode(answer, order="sorted").decode()
    return Charge(
        charge_id="",
        key=service_key(identity),
        identity=identity,
        state="draft",
        code=answer.code,
        modifiers=answer.modifiers,
        units=answer.units,
        diagnoses=tuple(d.code for d in answer.diagnoses),
        rendering_npi=facts.providers.rendering_npi or "",
        ordering_npi=facts.order.ordering_npi or "",
        billing_npi=identity.billing_npi,
        pos=facts.claim.pos or "",
        confirmed_at="",
        confirmed_by="",
        facts=frozen_facts,
        answer=frozen_answer,
        rules_version=answer.rules_version,
        digest=grounds_digest(frozen_facts, frozen_answer),
    )


def grounds_digest(facts: str, answer: str) -> str:
    """SHA-256 over the frozen facts and answer; the answer names rule version and tables."""
    return hashlib.sha256(f"{facts}\n{answer}".encode()).hexdigest()


def is_late(service: dt.date, confirmed: dt.date, *, late_days: int, closed: bool = False) -> bool:
    """Whether a charge is confirmed late: more than `late_days` after the service, or in a closed day."""
    return closed or (confirmed - service).days > late_days
