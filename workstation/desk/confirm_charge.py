"""Confirming a charge: ledger row, journal line and outgoing message in one transaction, or none of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from billing.codes import HOSPITAL_POS
from billing.errors import BillingError
from billing.facts import read_facts
from workstation.base.errors import InputRefused
from workstation.case.evidence import may_be_given
from workstation.desk.charge_draft import by, drafted, note_confirmed, put_message
from workstation.desk.charge_ledger import ledger_of, session_of, standing_charge
from workstation.desk.message_files import path_of, put_file
from workstation.desk.note_decision import noted_of
from workstation.people.roles import require

if TYPE_CHECKING:
    from billing.charge import Charge
    from workstation.base.events import Actor
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session

# What a site answers once: these hold for every later case too, until one states otherwise.
SITE_WIDE = frozenset(
    {
        "claim.owns_equipment",
        "claim.bills_reader",
        "claim.same_locality",
        "claim.tc_purchased",
        "claim.off_campus",
        "claim.form",
        "claim.pos",
        "providers.billing_npi",
    }
)
TEACHING = "providers.teaching_attested"


@dataclass(frozen=True)
class Confirmed:
    """A confirmed charge: its id, what it says, its message, and where the message was written."""

    charge_id: str
    code: str
    modifiers: tuple[str, ...]
    state: str
    message: str
    message_path: Path | None
    first: bool
    """False when the service was charged before and this is that charge."""


def give_facts(session: Session, facts: dict[str, Any]) -> None:
    """Keep what people state; a path that the record owns, or a value of the wrong kind, is refused.

    Raises
    ------
    InputRefused
        ``fact``: the sentence names the field.
    """
    actor = who_states(session)
    for path in facts:
        if not may_be_given(path):
            raise InputRefused("fact", f"{path} comes from the record of the work and cannot be typed in.")
    _own_word(session, actor, facts)
    given = {**session.case.given, **facts}
    try:
        read_facts(_nested(given))
    except BillingError as error:
        raise InputRefused("fact", f"{error.sentence}" if error.sentence.endswith(".") else f"{error}.") from error
    site = {path: value for path, value in facts.items() if _of_the_site(path, value)}
    with session.acting():
        session.place.act("facts_given", actor, session.key, **{"facts": facts})
        if site:
            known = session.place.db.setting("site.facts")
            kept = {**(msgspec.json.decode(known) if known else {}), **site}
            session.place.db.set_setting("site.facts", msgspec.json.encode(kept, order="sorted").decode())
        session.put("charge", given=given)


def who_states(acting: Session | Desk) -> Actor:
    """The acting person, who may state what only people know: whoever enters orders, and the biller.

    Raises
    ------
    NotAllowed
        ``not_signed_in``, ``not_allowed``.
    """
    actor = acting.actor
    if actor is None or actor.role != "biller":
        require(actor.role if actor else None, "order")
    assert actor is not None
    return actor


def _own_word(session: Session, actor: Actor, facts: dict[str, Any]) -> None:
    """Refuse a teaching physician's attestation out of another mouth (42 CFR 415.180: the own review, in person)."""
    if facts.get(TEACHING) is not True:
        return
    if actor.role != "radiologist" or session.supervision().physician_npi not in ("", actor.npi):
        raise InputRefused("fact", "Only the physician who supervised can attest the review of a resident's work.")


def _of_the_site(path: str, value: Any) -> bool:
    """Whether an answer holds for later cases: a hospital's place of service is this patient's, not the house's."""
    return path in SITE_WIDE and not (path == "claim.pos" and value in HOSPITAL_POS)


def _nested(given: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"schema": "renderdesk.facts/1"}
    for path, value in given.items():
        *groups, last = path.split(".")
        spot = facts
        for group in groups:
            spot = spot.setdefault(group, {})
        spot[last] = value
    return facts


def confirm(session: Session, secret: str, seen: tuple[str, ...] | None = None) -> Confirmed:
    """Confirm what the decision says; the same service confirmed twice is one charge.

    Parameters
    ----------
    seen : code and modifiers as the person read them; what has become another charge since then is not confirmed

    Raises
    ------
    NotAllowed
        Not the role for it, or the PIN is due again.
    InputRefused
        ``not_billable``: the decision is hold or reject; ``message``: the message would have a hole; ``changed``: it
        is not what was read.
    """
    session.require("confirm_charge")
    actor = session.people.proved_for("confirm_charge", secret)
    place = session.place
    with session.acting():
        # decided under the lock of the archive: nobody signs, retracts or charges between decision and charge
        session_number = session_of(place, session.case)
        if standing := standing_charge(place, session.key.study_uid, session_number):
            if session.case.charge != standing.charge_id:
                session.put("charge", charge=standing.charge_id)
            return _known(session, ledger_of(place).get(standing.charge_id))
        try:
            found = drafted(place, session.case, session_number)
            _as_read(found.charge, seen)
            charge = ledger_of(place).confirm(found.charge, by(place, actor), late=found.late)
            place.act(
                "charge_decided",
                actor,
                session.key,
                **noted_of(session, found.decided),
                facts_digest=charge.digest,
            )
            note_confirmed(place, actor, session.key, charge, session_number)
            # who pays in person gets no claim: the charge stands in the ledger alone
            message, first = put_message(place, session.case, charge) if found.claimed else (None, True)
        except BillingError as error:
            raise InputRefused(error.code, error.sentence) from error
        session.put("charge", charge=charge.charge_id)
    path = _write(session, charge.charge_id)
    if path is not None and message is not None:
        place.act(
            "message_written",
            actor,
            session.key,
            charge_id=charge.charge_id,
            path=path.name,
            control_id=message.control_id,
        )
    text = message.body if message is not None else ""
    return Confirmed(charge.charge_id, charge.code, charge.modifiers, charge.state, text, path, first)


def _as_read(charge: Charge, seen: tuple[str, ...] | None) -> None:
    """Refuse what is not the charge that a person had before their eyes."""
    now = (charge.code, *charge.modifiers)
    if seen is not None and now != seen:
        raise InputRefused(
            "changed",
            f"Since it was shown this case became {' '.join(now)} instead of {' '.join(seen)}; look at it again.",
        )


def _known(session: Session, charge: Charge) -> Confirmed:
    """The charge that this case has already."""
    charge_id = charge.charge_id
    body = next((m.body for m in session.place.outbox.of_charge(charge_id)), "")
    return Confirmed(
        charge.charge_id,
        charge.code,
        charge.modifiers,
        charge.state,
        body,
        _write(session, charge_id),
        first=False,
    )


def _write(session: Session, charge_id: str) -> Path | None:
    """The message as a file, where a billing system fetches it; None where it goes another way, or was fetched."""
    return put_file(session.place, next(iter(session.place.outbox.of_charge(charge_id)), None))


def message_path(session: Session) -> Path | None:
    """The file with this case's message, while it lies there; None where it goes another way, or was fetched."""
    own = session.case.charge
    message = next(iter(session.place.outbox.of_charge(own)), None) if own else None
    path = path_of(session.place, message) if message is not None else None
    return path if path is not None and path.is_file() else None
