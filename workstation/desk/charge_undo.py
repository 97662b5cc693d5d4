"""Taking a confirmed charge back, putting another in its place, and sending a refused one again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from billing.errors import BillingError
from billing.messages import hl7
from workstation.archive.outbox import Message
from workstation.base.errors import InputRefused
from workstation.case.states import progress
from workstation.desk.charge_draft import by, drafted, note_confirmed, put_message
from workstation.desk.charge_export import owes_credit
from workstation.desk.charge_ledger import ledger_of, of_session
from workstation.desk.charge_message import credit_text
from workstation.desk.message_files import put_file, withdrawing
from workstation.desk.open_study import stored_case
from workstation.desk.reconcile import known_as
from workstation.people.roles import require

if TYPE_CHECKING:
    from collections.abc import Callable

    from billing.charge import Charge
    from workstation.base.events import Actor
    from workstation.case.model import Case
    from workstation.desk.place import Place
    from workstation.people.accounts import People


@dataclass(frozen=True)
class Undone:
    """What became of a charge: `credit` is True when its receiver will be told to take it back.

    That is by a message behind the charge's own, or in the next file of the kind that handed it over.
    """

    charge_id: str
    state: str
    credit: bool = False
    new_charge_id: str = ""


def void_charge(place: Place, people: People, charge_id: str, *, again: str, reason: str, secret: str = "") -> Undone:
    """Take a charge back. The case can be decided and charged anew afterwards.

    Parameters
    ----------
    again : the charge's id, entered a second time
    secret : the acting person's PIN or password, where it is due again

    Raises
    ------
    NotAllowed
        Not the role for it, or the secret is due or wrong.
    InputRefused
        ``ledger``, ``transition``: no such charge, the second entry differs, no reason, or its state forbids it.
    """
    actor = _proved(people, secret)
    try:
        with withdrawing(place) as take, place.db.writing():
            ledger = ledger_of(place)
            voided = ledger.void(charge_id, by(place, actor), reason=reason, again=again)
            credit = take_back_message(place, voided.charge, take) or owes_credit(place, charge_id)
            _case_lets_go(place, voided.charge)
            place.act("charge_voided", actor, charge_id=charge_id, reason=reason.strip(), credit=credit)
    except BillingError as error:
        raise InputRefused(error.code, error.sentence) from error
    _files(place, charge_id)
    return Undone(charge_id, "void", credit)


def replace_charge(place: Place, people: People, charge_id: str, *, reason: str, secret: str = "") -> Undone:
    """Decide the charge's case anew and put what it says now in the charge's place.

    Raises
    ------
    NotAllowed
        As `void_charge`.
    InputRefused
        ``transition``, ``not_billable``, ``message``; ``same``: the case says what was charged already;
        ``unknown_study``: the case is not here any more.
    """
    actor = _proved(people, secret)
    try:
        with withdrawing(place) as take, place.db.writing():
            done = _replaced(place, actor, charge_id, reason, take)
    except BillingError as error:
        raise InputRefused(error.code, error.sentence) from error
    _files(place, charge_id)
    _files(place, done.new_charge_id)
    return done


def _replaced(place: Place, actor: Actor, charge_id: str, reason: str, take: Callable[[Message], bool]) -> Undone:
    ledger = ledger_of(place)
    old = ledger.get(charge_id)
    case = stored_case(place, old.identity.study_uid or "")
    if case is None:
        raise InputRefused("unknown_study", "The study of this charge is not in the library; void the charge instead.")
    session = old.identity.session
    case = of_session(place, case, session)
    if case is None:
        raise InputRefused("session", "The series of this charge is no session of its own any more; void the charge.")
    found = drafted(place, case, session)
    if _says(found.charge) == _says(old):
        raise InputRefused("same", "The case says what is charged already; there is nothing to replace.")
    names = known_as(place, found.charge.identity.patient_issuer, found.charge.identity.patient_id)
    new = ledger.replace(charge_id, found.charge, by(place, actor), reason=reason, late=found.late, same_person=names)
    credit = take_back_message(place, ledger.get(charge_id), take) or owes_credit(place, charge_id)
    if found.claimed:
        put_message(place, case, new)
    _keep(place, msgspec.structs.replace(case, charge=new.charge_id))
    place.act(
        "charge_replaced",
        actor,
        case.key,
        charge_id=new.charge_id,
        replaces=charge_id,
        reason=reason.strip(),
        credit=credit,
    )
    note_confirmed(place, actor, case.key, new, session)
    return Undone(charge_id, "replaced", credit, new.charge_id)


def _says(charge: Charge) -> tuple[object, ...]:
    """What receivers see of a charge: where all of it is the same, nothing is replaced."""
    return (
        charge.key,
        charge.code,
        charge.modifiers,
        charge.units,
        charge.diagnoses,
        charge.rendering_npi,
        charge.ordering_npi,
        charge.pos,
        msgspec.json.decode(charge.facts).get("payer"),
    )


def resend_charge(place: Place, people: People, charge_id: str, *, reason: str, secret: str = "") -> Undone:
    """Let a refused charge go out again, unchanged, after an error that was the receiver's or the transport's.

    Raises
    ------
    NotAllowed, InputRefused
        As `void_charge`.
    """
    actor = _proved(people, secret)
    try:
        with place.db.writing():
            charge = ledger_of(place).resend(charge_id, by(place, actor), reason=reason)
            own = hl7.control_id(charge)
            message = place.outbox.get(own)
            if message is not None and message.state == "rejected":
                place.outbox.again(own)
            place.act("charge_resent", actor, charge_id=charge_id, reason=reason.strip())
    except BillingError as error:
        raise InputRefused(error.code, error.sentence) from error
    _files(place, charge_id)
    return Undone(charge_id, charge.state)


def take_back_message(place: Place, charge: Charge, take: Callable[[Message], bool]) -> bool:
    """Withdraw the message of a charge that was taken back, or leave a credit for it; True when a credit goes out.

    A message that waits never went out, or was refused before: it is withdrawn. One that the receiver refused needs
    no credit. One that is under way or was taken is credited, behind it in the queue, so that the receiver sees the
    charge first.
    """
    message = place.outbox.get(hl7.control_id(charge))
    if message is None:
        return False
    if message.state == "waiting" and take(message):
        place.outbox.answered(
            message.control_id, "withdrawn", "The charge was taken back before its message went out.", place.now()
        )
        return False
    if message.state in ("rejected", "withdrawn"):
        return False
    text, control_id = credit_text(place, charge, message.body)
    return place.outbox.put(
        Message(
            control_id=control_id,
            charge_id=charge.charge_id,
            kind="hl7",
            body=text,
            component=charge.identity.component,
        ),
        place.now(),
    )


def _proved(people: People, secret: str) -> Actor:
    require(people.actor.role if people.actor else None, "confirm_charge")
    return people.proved_for("confirm_charge", secret)


def _files(place: Place, charge_id: str) -> None:
    """Files of the messages about a charge, where a billing system fetches them."""
    for message in place.outbox.of_charge(charge_id):
        put_file(place, message)


def _case_lets_go(place: Place, charge: Charge) -> None:
    """The case of a voided charge has none any more."""
    case = stored_case(place, charge.identity.study_uid or "")
    if case is not None and case.charge == charge.charge_id:
        _keep(place, msgspec.structs.replace(case, charge=""))


def _keep(place: Place, case: Case) -> None:
    place.cases.save(case.key.study_uid, msgspec.json.encode(case).decode(), place.now())
    place.library.set_state(case.key.study_uid, progress(case))
