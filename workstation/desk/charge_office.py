"""The charge office: what a biller's list and the command line do with charges after they are confirmed.

Everything here works on a home (`Place`) and needs no opened study. The acts:

- `charges(place)`: every charge with its state, what its receiver said, and what may be done with it;
- `history(place, charge_id)`: who did what to a charge, in order;
- `void`, `replace`, `resend`, `uphold`: by a person who proves who they are, each with a reason;
- `send(place)`: one round over the HL7 links, to be called by a button, a timer or a scheduler. It waits for
  answers, so a window calls it beside its own thread;
- `queue(place)`: messages that wait, are under way or were answered, and how each receiver stands;
- `take_in(place, actor, paths)`: acknowledgements and X12 answers from files;
- `export(place, actor, form, out)`: what has not left the house yet, as a file; `holes` says beforehand what is
  missing, `state_coverage` keeps how a patient is insured, `exports` lists the files, `write_again` writes one again.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as replace_fields
from typing import TYPE_CHECKING

from billing.charge import ACTIVE, TRANSITIONS, Charge
from workstation.base.errors import InputRefused
from workstation.desk.charge_answers import Taken, take_file
from workstation.desk.charge_export import (
    FORMATS,
    Format,
    HandedOver,
    LeftOut,
    again,
    coverage_of,
    export,
    holes,
    state_coverage,
)
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.charge_message import site_of
from workstation.desk.charge_send import Sent, send_waiting
from workstation.desk.charge_tasks import open_tasks, uphold
from workstation.desk.charge_undo import Undone, replace_charge, resend_charge, void_charge
from workstation.people.roles import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from workstation.archive.outbox import Message
    from workstation.base.events import Actor
    from workstation.desk.ledger_reading import Reading
    from workstation.desk.place import Place
    from workstation.people.accounts import People

PERSONAL = ("resend", "replace", "void")
"""Acts on a charge that a biller may choose, where its state allows them."""


@dataclass(frozen=True)
class OfficeLine:
    """A charge in the office's list.

    Parameters
    ----------
    state : ``confirmed``, ``sent``, ``acknowledged``, ``rejected``, ``void`` or ``replaced``
    reason : the receiver's words where it was refused; a person's where it was voided or replaced
    sending : how its message stands: ``waiting``, ``sent`` (no answer yet), ``acknowledged``, ``rejected``,
        ``withdrawn``, or "" where it has none
    problem : why the message has not arrived, in one sentence; "" where nothing is wrong
    contradicted : the receiver refused what it had accepted before; a person has to look
    acts : what may be done now, of ``resend``, ``replace``, ``void``, and ``uphold`` where there is a task
    task : what a person has to do because the charge's study was deleted, in one sentence; "" where it was not
    """

    charge_id: str
    study_uid: str
    patient_name: str
    service_date: str
    code: str
    modifiers: tuple[str, ...]
    component: str
    payer: str
    plan: str
    state: str
    late: bool
    confirmed_at: str
    confirmed_by: str
    reason: str
    replaces: str
    sending: str
    problem: str
    contradicted: bool
    acts: tuple[str, ...]
    task: str = ""

    def __repr__(self) -> str:
        return f"OfficeLine({self.charge_id}, {self.state})"


@dataclass(frozen=True)
class HistoryLine:
    """One transition of a charge."""

    at: str
    act: str
    before: str
    after: str
    who: str
    role: str
    workstation: str
    reason: str


@dataclass(frozen=True)
class QueueLine:
    """A message and how far it has come; its text stays in the outbox, because it holds a patient's name."""

    control_id: str
    charge_id: str
    kind: str
    credit: bool
    receiver: str
    state: str
    attempts: int
    made_at: str
    sent_at: str
    next_at: str
    answered_at: str
    problem: str


@dataclass(frozen=True)
class ReceiverLine:
    """A receiver and what waits for it."""

    name: str
    host: str
    port: int
    encrypted: bool
    waiting: int
    unanswered: int
    problem: str


@dataclass(frozen=True)
class ExportLine:
    """A file that was handed over; `number` is its control number. `written` is False where writing failed."""

    number: int
    format: str
    file: str
    at: str
    account: str
    charges: int
    credits: int
    written: bool


def charges(place: Place, *, state: str = "") -> tuple[OfficeLine, ...]:
    """Every charge, those with work first: refused, then waiting, then the rest; the newest of each first.

    Parameters
    ----------
    state : only charges in this state
    """
    read, tasks = place.reading.now(), open_tasks(place)
    messages: dict[str, list[Message]] = {}
    for message in place.outbox.all():
        messages.setdefault(message.charge_id, []).append(message)
    contradicted = {a.charge_id for a in place.answers.all() if a.outcome == "contradicted"}
    names = {s.study_uid: s.patient_name for s in place.library.studies()}
    lines = [
        _with_task(_line(c, read, messages.get(c.charge_id, []), names, c.charge_id in contradicted), tasks)
        for c in read.charges.values()
        if not state or c.state == state
    ]
    rank = {"rejected": 0, "confirmed": 1, "sent": 2, "acknowledged": 3}
    lines.sort(key=lambda line: line.confirmed_at, reverse=True)
    return tuple(sorted(lines, key=lambda line: (not line.contradicted, rank.get(line.state, 4))))


def _with_task(line: OfficeLine, tasks: Mapping[str, str]) -> OfficeLine:
    task = tasks.get(line.charge_id, "") if line.state in ACTIVE else ""
    return replace_fields(line, task=task, acts=(*line.acts, "uphold")) if task else line


def _line(charge: Charge, read: Reading, messages: list[Message], names: dict[str, str], refused: bool) -> OfficeLine:
    grounds, reason = read.grounds[charge.charge_id], read.reasons.get(charge.charge_id, "")
    newest = messages[-1] if messages else None
    # a refused message is the charge's own state; a refused credit is shown nowhere else
    shown = ("waiting", "sent", *(("rejected",) if charge.state not in ACTIVE else ()))
    open_problem = newest.problem if newest and newest.state in shown else ""
    acts = tuple(a for a in PERSONAL if (charge.state, a) in TRANSITIONS) if charge.state in ACTIVE else ()
    study = charge.identity.study_uid or ""
    return OfficeLine(
        charge_id=charge.charge_id,
        study_uid=study,
        patient_name=names.get(study, ""),
        service_date=charge.service_date.isoformat(),
        code=charge.code,
        modifiers=charge.modifiers,
        component=charge.identity.component,
        payer=grounds.payer,
        plan=grounds.plan,
        state=charge.state,
        late=charge.late,
        confirmed_at=charge.confirmed_at,
        confirmed_by=charge.confirmed_by,
        reason=reason if charge.state in ("rejected", "void", "replaced") else "",
        replaces=charge.replaces or "",
        sending=newest.state if newest else "",
        problem=open_problem,
        contradicted=refused and charge.state == "acknowledged",
        acts=acts,
    )


def history(place: Place, charge_id: str) -> tuple[HistoryLine, ...]:
    """Who did what to a charge, in order.

    Raises
    ------
    InputRefused
        ``ledger``: there is no such charge.
    """
    found = ledger_of(place).history(charge_id)
    if not found:
        raise InputRefused("ledger", f"The ledger has no charge {charge_id}.")
    return tuple(
        HistoryLine(row.at, line.act, line.before, line.after, line.who, line.role, line.workstation, line.reason)
        for row, line in found
    )


def queue(place: Place) -> tuple[QueueLine, ...]:
    """Every message, oldest first."""
    return tuple(
        QueueLine(
            control_id=m.control_id,
            charge_id=m.charge_id,
            kind=m.kind,
            credit=m.control_id.endswith("CD"),
            receiver=m.receiver or _receiver_name(place, m),
            state=m.state,
            attempts=m.attempts,
            made_at=m.made_at,
            sent_at=m.sent_at,
            next_at=m.next_at,
            answered_at=m.answered_at,
            problem=m.problem,
        )
        for m in place.outbox.all()
    )


def _receiver_name(place: Place, message: Message) -> str:
    receiver = site_of(place).receiver_of(message.component)
    return receiver.name if receiver else ""


def receivers(place: Place) -> tuple[ReceiverLine, ...]:
    """The receivers that the site names, and what waits for each."""
    open_now = place.outbox.open()
    found = []
    for r in site_of(place).receivers:
        own = [m for m in open_now if r.takes(m.component)]
        found.append(
            ReceiverLine(
                name=r.name,
                host=r.host,
                port=r.port,
                encrypted=r.tls,
                waiting=sum(m.state == "waiting" for m in own),
                unanswered=sum(m.state == "sent" for m in own),
                problem=own[0].problem if own else "",
            )
        )
    return tuple(found)


def send(place: Place, *, at_once: bool = False, stop: Callable[[], bool] | None = None) -> Sent:
    """One round of sending; see `charge_send.send_waiting`."""
    return send_waiting(place, at_once=at_once, stop=stop)


def take_in(place: Place, actor: Actor | None, paths: Iterable[Path]) -> tuple[Taken, ...]:
    """Take in files with answers, in the order given; a file that holds none is refused before any is taken in.

    Raises
    ------
    InputRefused
        ``answers``: the file and what is wrong with it.
    NotAllowed
        The acting role may not.
    """
    if actor is not None:
        require(actor.role, "claims")
    return tuple(taken for path in paths for taken in take_file(place, actor, path))


def exports(place: Place) -> tuple[ExportLine, ...]:
    """Files that were handed over, the newest first."""
    lines = place.exports.charges()
    return tuple(
        ExportLine(
            number=e.number,
            format=e.format,
            file=e.file,
            at=e.at,
            account=e.account,
            charges=sum(x.export_number == e.number and x.what == "charge" for x in lines),
            credits=sum(x.export_number == e.number and x.what == "credit" for x in lines),
            written=bool(e.written),
        )
        for e in reversed(place.exports.all())
    )


def write_again(place: Place, actor: Actor | None, number: int, out: Path, *, force: bool = False) -> HandedOver:
    """Write an earlier file once more, byte for byte; see `charge_export.again`."""
    return again(place, actor, number, out, force=force)


def void(place: Place, people: People, charge_id: str, *, again: str, reason: str, secret: str = "") -> Undone:
    """Take a charge back; see `charge_undo.void_charge`."""
    return void_charge(place, people, charge_id, again=again, reason=reason, secret=secret)


def replace(place: Place, people: People, charge_id: str, *, reason: str, secret: str = "") -> Undone:
    """Put what the case says now in a charge's place; see `charge_undo.replace_charge`."""
    return replace_charge(place, people, charge_id, reason=reason, secret=secret)


def resend(place: Place, people: People, charge_id: str, *, reason: str, secret: str = "") -> Undone:
    """Send a refused charge again unchanged; see `charge_undo.resend_charge`."""
    return resend_charge(place, people, charge_id, reason=reason, secret=secret)


__all__ = [
    "FORMATS",
    "ExportLine",
    "Format",
    "HandedOver",
    "HistoryLine",
    "LeftOut",
    "OfficeLine",
    "QueueLine",
    "ReceiverLine",
    "Sent",
    "Taken",
    "Undone",
    "charges",
    "coverage_of",
    "export",
    "exports",
    "history",
    "holes",
    "queue",
    "receivers",
    "replace",
    "resend",
    "send",
    "state_coverage",
    "take_in",
    "uphold",
    "void",
    "write_again",
]
