"""Sending waiting charge messages: in their order, one outstanding on each link, never lost and never doubled.

That a message goes out is written down before its first byte does. After a crash it counts as sent and goes out again
unchanged under the same control id, by which the receiver tells a repeat from a second charge.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from billing.ledger import Actor as LedgerActor
from billing.messages import hl7
from workstation.base.clock import utc_text
from workstation.desk.charge_answers import charge_of, settle, take_hl7
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.charge_message import site_of
from workstation.desk.mllp import Link, Unanswered, Unreached

if TYPE_CHECKING:
    from collections.abc import Callable

    from billing.messages.layout import Receiver
    from workstation.archive.outbox import Message
    from workstation.desk.place import Place

FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 3600.0


@dataclass
class Sent:
    """What one round of sending did; `problems` has a sentence for each receiver that did not answer as it should."""

    sent: int = 0
    acknowledged: int = 0
    rejected: int = 0
    waiting: int = 0
    nowhere: int = 0
    """Messages for which the site names no receiver; they lie as files in the home's folder ``messages``."""
    problems: list[str] = field(default_factory=list)


def wait_s(attempts: int) -> float:
    """Seconds until the next attempt after so many: 30, 60, 120 ... at most an hour."""
    return float(min(FIRST_WAIT_S * 2 ** min(max(attempts - 1, 0), 20), LONGEST_WAIT_S))


def send_waiting(place: Place, *, at_once: bool = False, stop: Callable[[], bool] | None = None) -> Sent:
    """One round: each receiver gets what waits for it, until it does not answer.

    Parameters
    ----------
    at_once : try also what is to wait longer after a failed attempt
    stop : asked between messages

    Raises
    ------
    InputRefused
        ``site``: the site file has a mistake; nothing was sent.
    """
    report, site = Sent(), site_of(place)
    for message in place.outbox.open():
        if not message.component and (charge := charge_of(place, message.charge_id)) is not None:
            place.outbox.name_component(message.control_id, charge.identity.component)
    for receiver in site.receivers:
        _to_receiver(place, receiver, report, at_once=at_once, stop=stop or (lambda: False))
    left = place.outbox.open()
    report.nowhere = sum(site.receiver_of(m.component) is None for m in left)
    report.waiting = len(left) - report.nowhere
    return report


def _to_receiver(place: Place, receiver: Receiver, report: Sent, *, at_once: bool, stop: Callable[[], bool]) -> None:
    holder = f"{place.station}:{os.getpid()}:{secrets.token_hex(4)}"
    with Link(receiver, place.home) as link:
        try:
            while not stop() and (message := _next(place, receiver, at_once=at_once)) is not None:
                # the lease outlasts one exchange, so that a program that was killed does not block the link for long
                until = utc_text(place.clock.now() + timedelta(seconds=2 * receiver.timeout_s + 30))
                if not place.outbox.take_link(receiver.name, holder, place.now(), until):
                    report.problems.append(f"Another program is sending to {receiver.name} just now.")
                    return
                if not _one(place, link, message, report):
                    return
        finally:
            place.outbox.leave_link(receiver.name, holder)


def _next(place: Place, receiver: Receiver, *, at_once: bool) -> Message | None:
    """The oldest message for this receiver, when its time has come; those behind it wait for it."""
    message = place.outbox.first_open(receiver.components)
    if message is None:
        return None
    # a time further away than any wait stems from a clock that was set back since
    far = utc_text(place.clock.now() + timedelta(seconds=LONGEST_WAIT_S))
    due = at_once or message.next_at <= place.now() or message.next_at > far
    return message if due else None


def _one(place: Place, link: Link, message: Message, report: Sent) -> bool:
    """One exchange; False when the link is to rest."""
    name = link.receiver.name

    def heard(text: str) -> None:
        take_hl7(place, text, account="")

    later = utc_text(place.clock.now() + timedelta(seconds=wait_s(message.attempts + 1)))
    try:
        link.open(heard)
    except Unreached as error:
        place.outbox.failed(message.control_id, name, error.sentence, later, went_out=False)
        report.problems.append(error.sentence)
        return False
    if not _goes_out(place, message, name, later):
        return True
    report.sent += 1
    try:
        answer = link.exchange(message.body, message.control_id, heard=heard)
    except Unanswered as error:
        place.outbox.failed(message.control_id, name, error.sentence, later, went_out=True)
        report.problems.append(f"{name}: {error.sentence}")
        # a verdict on it may have come by another road while we waited
        current = place.outbox.get(message.control_id)
        return current is not None and current.state not in ("waiting", "sent")
    settle(place, message.control_id, answer, kind="ack")
    if answer.state == "acknowledged":
        report.acknowledged += 1
    else:
        report.rejected += 1
    return True


def _goes_out(place: Place, message: Message, receiver: str, next_at: str) -> bool:
    """Write down that the message goes out; False when it has been answered or withdrawn since it was chosen."""
    with place.db.writing():
        current = place.outbox.get(message.control_id)
        if current is None or current.state not in ("waiting", "sent"):
            return False
        place.outbox.attempt(message.control_id, receiver, place.now(), next_at)
        ledger = ledger_of(place)
        charge = charge_of(place, message.charge_id)
        if charge is not None and charge.state == "confirmed" and message.control_id == hl7.control_id(charge):
            ledger.send(message.charge_id, sender(place))
        place.act(
            "message_sent",
            None,
            charge_id=message.charge_id,
            control_id=message.control_id,
            receiver=receiver,
            attempt=current.attempts + 1,
        )
    return True


def sender(place: Place) -> LedgerActor:
    """The program itself as the ledger's actor: sending and answers are nobody's decision."""
    return LedgerActor(who="sender", role="system", workstation=place.station, at=place.now())
