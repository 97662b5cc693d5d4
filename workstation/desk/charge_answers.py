"""What receivers say of charges, taken into the ledger once: HL7 acknowledgements, and the answers to X12 files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from billing.errors import LedgerError, MessageHole
from billing.ledger import Actor as LedgerActor
from billing.messages import hl7
from billing.messages.x12_answers import Verdict, read_answers
from workstation.archive.handed_over import ExportedCharge, TakenAnswer
from workstation.base.errors import InputRefused
from workstation.desk.charge_ledger import ledger_of

if TYPE_CHECKING:
    from pathlib import Path

    from billing.charge import Charge
    from workstation.base.events import Actor
    from workstation.desk.place import Place

LARGEST = 64 << 20
X12_FORMATS = frozenset({"837p", "837i"})
Outcome = Literal["acknowledged", "rejected", "noted", "known", "foreign", "unreadable"]


@dataclass(frozen=True)
class Taken:
    """One thing that a receiver said.

    Parameters
    ----------
    kind : ``ack`` (HL7), ``ta1``, ``999``, ``277ca``
    outcome : what it did to the charge; ``noted`` changes no state, ``known`` was taken in before, ``foreign`` is about
        nothing that went out from here
    """

    kind: str
    outcome: Outcome
    charge_id: str = ""
    reason: str = ""


def take_file(place: Place, actor: Actor | None, path: Path) -> tuple[Taken, ...]:
    """Take in a file with answers: HL7 acknowledgements, framed or not, or an X12 interchange.

    Raises
    ------
    InputRefused
        ``answers``: the file cannot be read or is none of these; nothing was taken in.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputRefused("answers", f"{path.name} is too large to be answers of a receiver.")
        content = path.read_bytes()
    except OSError:
        raise InputRefused("answers", f"{path.name} cannot be opened.") from None
    return take_bytes(place, actor, content, path.name)


def take_bytes(place: Place, actor: Actor | None, content: bytes, name: str) -> tuple[Taken, ...]:
    """As `take_file`, for content that is in memory; `name` stands in sentences."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    account = actor.account if actor else ""
    stripped = text.lstrip("\x0b \t\r\n")
    digest = hashlib.sha256(content).hexdigest()
    if stripped.startswith("ISA"):
        found = _take_x12(place, stripped, account=account, digest=digest, name=name)
        _journal(place, actor, found)
        return found
    if not stripped.startswith("MSH"):
        raise InputRefused("answers", f"{name} holds no answers: neither HL7 nor X12 begins in it.")
    found = tuple(
        take_hl7(place, one, account=account, digest=digest, position=n) for n, one in enumerate(_messages(stripped), 1)
    )
    _journal(place, actor, found)
    return found


def _journal(place: Place, actor: Actor | None, found: tuple[Taken, ...]) -> None:
    counts = {outcome: sum(t.outcome == outcome for t in found) for outcome in ("acknowledged", "rejected", "foreign")}
    place.act("answers_taken", actor, **counts)


def _messages(text: str) -> list[str]:
    """The HL7 messages of a file, each from its MSH on; frames and batch envelopes are left out."""
    plain = re.sub(r"[\x0b\x1c]", "\r", text).replace("\n", "\r")
    return ["MSH" + part for part in re.split(r"(?:^|\r)MSH(?=\W)", plain)[1:]]


def take_hl7(place: Place, text: str, *, account: str = "", digest: str = "", position: int = 1) -> Taken:
    """Take in one acknowledgement; it counts when MSA-2 is the control id of a message of this home."""
    try:
        control_id = hl7.answered_control_id(text)
        answer = hl7.read_acknowledgement(text, control_id)
    except MessageHole as error:
        return Taken("ack", "unreadable", reason=error.sentence)
    if answer is None or place.outbox.get(control_id) is None:
        return Taken("ack", "foreign")
    own = digest or hashlib.sha256(text.encode()).hexdigest()
    return settle(place, control_id, answer, kind="ack", account=account, digest=own, position=position)


def _take_x12(place: Place, text: str, *, account: str, digest: str, name: str) -> tuple[Taken, ...]:
    """Each verdict of an X12 file, for each charge that it is about."""
    try:
        verdicts = read_answers(text)
    except MessageHole as error:
        raise InputRefused("answers", f"{name}: {error.sentence}") from None
    found, position = [], 0
    with place.db.writing():
        lines = place.exports.charges()
        claims = {e.number for e in place.exports.all() if e.format in X12_FORMATS}
        for verdict in verdicts:
            meant = _meant(lines, claims, verdict)
            if not meant:
                found.append(Taken(verdict.kind, "foreign", reason=verdict.reason))
            for line in meant:
                position += 1
                found.append(_verdict(place, verdict, line, account=account, digest=digest, position=position))
    return tuple(found)


def _meant(lines: tuple[ExportedCharge, ...], claims: set[int], verdict: Verdict) -> tuple[ExportedCharge, ...]:
    """The claims of ours that a verdict is about: of a file, of one place in it, or the newest with its number."""
    if verdict.kind == "277ca":
        own = [x for x in lines if x.charge_id == verdict.claim and x.export_number in claims]
        return tuple(own[-1:])
    own = [x for x in lines if x.export_number == verdict.interchange and x.export_number in claims]
    return tuple(x for x in own if verdict.place in (0, x.place))


def _verdict(
    place: Place, verdict: Verdict, line: ExportedCharge, *, account: str, digest: str, position: int
) -> Taken:
    """Write what was said of one claim, and what it does to the charge."""
    charge = charge_of(place, line.charge_id)
    contradicted = verdict.accepted is False and charge is not None and charge.state == "acknowledged"
    said = "noted" if verdict.accepted is None else "acknowledged" if verdict.accepted else "rejected"
    fresh = place.answers.put(
        TakenAnswer(
            digest=digest,
            place=position,
            kind=verdict.kind,
            control_id=str(line.export_number),
            charge_id=line.charge_id,
            outcome="contradicted" if contradicted else f"{said} credit" if line.what == "credit" else said,
            reason=verdict.reason,
            payer_number=verdict.payer_number,
            account=account,
            taken_at=place.now(),
        )
    )
    if not fresh:
        return Taken(verdict.kind, "known", line.charge_id, verdict.reason)
    moves = charge is not None and charge.state == "sent" and line.what == "charge" and verdict.accepted is not None
    if not moves:
        return Taken(verdict.kind, "noted", line.charge_id, verdict.reason)
    state: Literal["acknowledged", "rejected"] = "acknowledged" if verdict.accepted else "rejected"
    _move(place, line.charge_id, hl7.Acknowledgement(state, verdict.kind, verdict.reason))
    place.act("message_answered", None, charge_id=line.charge_id, control_id=str(line.export_number), outcome=state)
    return Taken(verdict.kind, state, line.charge_id, verdict.reason)


def settle(
    place: Place,
    control_id: str,
    answer: hl7.Acknowledgement,
    *,
    kind: str,
    account: str = "",
    digest: str = "",
    position: int = 1,
) -> Taken:
    """Write what became of a message and of its charge, in one transaction."""
    with place.db.writing():
        message = place.outbox.get(control_id)
        if message is None:
            return Taken(kind, "foreign")
        outcome = _outcome(place, message.charge_id, answer, credit=control_id.endswith(hl7.CREDIT))
        # an answer that came over the link is new by itself; a file may be given twice
        own = digest or hashlib.sha256(f"{control_id} {message.attempts} {message.sent_at}".encode()).hexdigest()
        said = TakenAnswer(
            digest=own,
            place=position,
            kind=kind,
            control_id=control_id,
            charge_id=message.charge_id,
            outcome="contradicted" if _contradicts(place, message.charge_id, answer) else answer.state,
            reason=answer.reason,
            account=account,
            taken_at=place.now(),
        )
        if not place.answers.put(said):
            return Taken(kind, "known", message.charge_id, answer.reason)
        if message.state in ("waiting", "sent"):
            place.outbox.answered(control_id, answer.state, answer.reason, place.now())
        if outcome != "noted":
            _move(place, message.charge_id, answer)
        elif answer.state == "rejected" and not control_id.endswith(hl7.CREDIT):
            _no_credit(place, message.charge_id)
        place.act("message_answered", None, charge_id=message.charge_id, control_id=control_id, outcome=answer.state)
    return Taken(kind, outcome, message.charge_id, answer.reason)


def _outcome(place: Place, charge_id: str, answer: hl7.Acknowledgement, *, credit: bool) -> Outcome:
    """What an answer does to its charge: nothing to one that is answered, voided or replaced already."""
    charge = charge_of(place, charge_id)
    if credit or charge is None or charge.state not in ("confirmed", "sent"):
        return "noted"
    return answer.state


def _contradicts(place: Place, charge_id: str, answer: hl7.Acknowledgement) -> bool:
    """Whether a receiver refuses what it has accepted: no state can say that, so a person has to look."""
    charge = charge_of(place, charge_id)
    return charge is not None and charge.state == "acknowledged" and answer.state == "rejected"


def charge_of(place: Place, charge_id: str) -> Charge | None:
    """A charge of the ledger, or None."""
    try:
        return ledger_of(place).get(charge_id)
    except LedgerError:
        return None


def _move(place: Place, charge_id: str, answer: hl7.Acknowledgement) -> None:
    ledger = ledger_of(place)
    by = LedgerActor(who="receiver", role="system", workstation=place.station, at=place.now())
    if ledger.get(charge_id).state == "confirmed":
        # the billing system fetched the file itself; that it answers shows that it has it
        ledger.send(charge_id, by)
    if answer.state == "acknowledged":
        ledger.acknowledge(charge_id, by)
    else:
        ledger.refuse(charge_id, by, reason=answer.reason)


def _no_credit(place: Place, charge_id: str) -> None:
    """A charge that was voided while it was under way, and that the receiver then refused, needs no credit."""
    charge = charge_of(place, charge_id)
    if charge is None or charge.state not in hl7.TAKEN_BACK:
        return
    for message in place.outbox.of_charge(charge_id):
        if message.control_id == hl7.control_id(charge, credit=True) and message.state == "waiting":
            place.outbox.answered(message.control_id, "withdrawn", "The receiver never took the charge.", place.now())
