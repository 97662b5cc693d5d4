"""What a biller is asked about a charge whose study was deleted: take it back, or say that it stays right.

A deletion changes no charge: the service was given, and what was billed for it may well stand. But pictures and report
that would prove it are gone from here, so a person looks, and the answer is journaled like the question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from billing.charge import ACTIVE
from billing.errors import BillingError
from workstation.base.errors import InputRefused
from workstation.desk.charge_ledger import ledger_of
from workstation.people.roles import require

if TYPE_CHECKING:
    from workstation.desk.place import Place
    from workstation.people.accounts import People

DELETED = "The study of this charge was deleted here: void the charge, or let it stand."


def charges_left(place: Place, *study_uids: str) -> tuple[str, ...]:
    """Ids of the active charges (confirmed, sent, acknowledged, refused) that rest on these studies."""
    found = [place.reading.get(own) for uid in study_uids for own in place.ledger.of_study(uid)]
    return tuple(c.charge_id for c in found if c.state in ACTIVE)


def open_tasks(place: Place) -> dict[str, str]:
    """What is asked about charges of deleted studies and not answered, by id; void charges may be among them."""
    asked: dict[str, str] = {}
    for entry in place.journal.of_kinds("study_deleted", "charge_upheld"):
        told = entry.event.payload
        if entry.event.kind == "study_deleted":
            asked.update((str(own), DELETED) for own in told.get("tasks") or ())
        else:
            asked.pop(str(told.get("charge_id")), None)
    return asked


def uphold(place: Place, people: People, charge_id: str, *, reason: str, secret: str = "") -> None:
    """A charge of a deleted study stays right: the task about it is done. The charge is not touched.

    Raises
    ------
    NotAllowed
        Not the role for it, or the secret is due or wrong.
    InputRefused
        ``ledger``: no such charge; ``task``: nothing is asked about it; ``reason``: none is given.
    """
    require(people.actor.role if people.actor else None, "confirm_charge")
    actor = people.proved_for("confirm_charge", secret)
    if not reason.strip():
        raise InputRefused("reason", "To let a charge stand a reason is needed.")
    with place.db.writing():
        try:
            charge = ledger_of(place).get(charge_id)
        except BillingError as error:
            raise InputRefused(error.code, error.sentence) from error
        if charge.state not in ACTIVE or charge_id not in open_tasks(place):
            raise InputRefused("task", f"Nothing is asked about charge {charge_id}.")
        place.act("charge_upheld", actor, charge_id=charge_id, reason=reason.strip())
