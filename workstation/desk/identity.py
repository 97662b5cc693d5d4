"""Order, identity, side and region: what people enter or confirm where the files leave it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workstation.archive.identity import is_placeholder
from workstation.base.errors import InputRefused
from workstation.case.model import Order, Patient

if TYPE_CHECKING:
    from workstation.desk.session import Session


def missing_identity(patient: Patient) -> tuple[str, ...]:
    """Which identifying fields the files lack (anonymised series): a physician confirms before release."""
    lacking = []
    if is_placeholder(patient.id):
        lacking.append("patient ID")
    if is_placeholder(patient.name):
        lacking.append("name")
    if not patient.birth_date or patient.birth_date in ("1800-01-01", "1900-01-01"):
        lacking.append("birth date")
    return tuple(lacking)


def set_order(session: Session, order: Order) -> None:
    """Keep the order with a line in the journal."""
    actor = session.require("order")
    session.place.act(
        "order_entered",
        actor,
        session.key,
        accession=order.accession,
        order_id=order.order_id,
        three_d_ordered=order.three_d_ordered,
        reason=order.reason,
        ordering_npi=order.ordering_npi,
        base=[msgspec.to_builtins(b) for b in order.base],
        source=order.source,
    )
    session.put("order", order=order)


def set_diagnoses(session: Session, dx: tuple[tuple[str, str], ...]) -> None:
    """The codes of the claim as a coder or a physician states them; the rest of the order stays as it is."""
    actor = session.require("diagnoses")
    order = session.case.order or Order(accession=session.case.accession)
    session.place.act(
        "diagnoses_coded", actor, session.key, dx=[list(d) for d in dx], before=[list(d) for d in order.dx]
    )
    session.put("order", order=msgspec.structs.replace(order, dx=dx))


def void_order(session: Session, reason: str) -> None:
    """The order was taken back by who placed it: the case has none until one is entered again.

    A charge that stands is not changed by it; the case is decided again and the worklist says what is to be done.
    """
    actor = session.require("order")
    order = session.case.order
    if order is None:
        raise InputRefused("order", "There is no order to void.")
    if not reason.strip():
        raise InputRefused("reason", "Say why the order is void, and who said so.")
    with session.acting():
        session.place.act(
            "order_voided",
            actor,
            session.key,
            accession=order.accession,
            order_id=order.order_id,
            reason=reason.strip(),
        )
        session.put("order", order=None)


def confirm_identity(session: Session) -> None:
    """The physician stands for who this is."""
    actor = session.require("confirm_identity")
    session.place.act("identity_confirmed", actor, session.key, missing=list(missing_identity(session.case.patient)))
    session.put("case", identity_confirmed_by=actor)


def confirm_side(session: Session) -> None:
    """The physician has compared anatomy and labels, and confirms them as labelled."""
    actor = session.require("confirm_side")
    session.place.act("side_confirmed", actor, session.key, as_labelled=True)
    session.put("case", side_confirmed_by=actor)


def set_anatomy(session: Session, anatomy: str, target: str) -> None:
    """Which region and kind of structure was rendered, for the charge's key."""
    actor = session.require("order")
    if not anatomy.strip():
        raise InputRefused("anatomy", "Name the region that was rendered.")
    session.place.act("anatomy_confirmed", actor, session.key, anatomy=anatomy, target=target)
    session.put("charge", anatomy=anatomy.strip(), target=target or None)
