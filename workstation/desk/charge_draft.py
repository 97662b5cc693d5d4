"""What the first charge of a case and one that replaces it have in common: decided, drafted, told to its receiver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from billing.charge import Charge, draft
from billing.decide import decide
from billing.facts import read_facts
from billing.ledger import Actor as LedgerActor
from billing.messages import hl7
from workstation.archive.outbox import Message
from workstation.desk.charge_case import Decided, decide_place
from workstation.desk.charge_ledger import late_now, service_of
from workstation.desk.charge_message import context_of
from workstation.desk.charge_site import grounds_of

if TYPE_CHECKING:
    from workstation.base.events import Actor, CaseKey
    from workstation.case.model import Case
    from workstation.desk.place import Place


@dataclass(frozen=True)
class Draft:
    """What a case says now as a charge that could be kept.

    Parameters
    ----------
    charge : the draft; it has no id yet
    late : whether it would be late if it were confirmed at this moment
    claimed : whether a claim goes out for it; who pays in person gets none
    """

    decided: Decided
    charge: Charge
    late: bool
    claimed: bool


def drafted(place: Place, case: Case, session: int) -> Draft:
    """Decide a case's acquisition session now, and draft its charge.

    Raises
    ------
    BillingError
        The decision is not to bill, or a part of the service's key is not known.
    """
    decided = decide_place(place, case)
    facts, grounds = read_facts(decided.facts), grounds_of(place.home)
    answer = decide(facts, references=grounds.references, payers=grounds.payers, site=grounds.site)
    charge = draft(facts, answer, service_of(place, facts, case.key.study_uid, session))
    return Draft(decided, charge, late_now(place, charge.service_date), facts.payer.kind != "self_pay")


def put_message(place: Place, case: Case, charge: Charge) -> tuple[Message, bool]:
    """Leave a charge's message to be sent; False with it when the very message lay there already.

    Raises
    ------
    MessageHole
        The message would have a hole; the sentence names it.
    """
    message = Message(
        control_id=hl7.control_id(charge),
        charge_id=charge.charge_id,
        kind="hl7",
        body=hl7.dft(charge, context_of(place, case, charge), references=grounds_of(place.home).references),
        component=charge.identity.component,
    )
    return message, place.outbox.put(message, place.now())


def note_confirmed(place: Place, actor: Actor, key: CaseKey, charge: Charge, session: int) -> None:
    """The journal's line of a confirmed charge, be it the first of a case or one that replaces another."""
    place.act(
        "charge_confirmed",
        actor,
        key,
        charge_id=charge.charge_id,
        code=charge.code,
        modifiers=list(charge.modifiers),
        service_key=charge.key,
        late=charge.late,
        session=session,
    )


def by(place: Place, actor: Actor) -> LedgerActor:
    """The acting person as the ledger's rows name them."""
    return LedgerActor(
        who=actor.account,
        role="biller" if actor.role == "biller" else "radiologist",
        workstation=place.station,
        at=place.now(),
    )
