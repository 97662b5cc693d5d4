"""Charges handed over as files: since the last time, as CSV, 837P, 837I, CMS-1500 or FHIR; never one twice.

What is handed over is written down with its content before the file is: after a crash in between the very same file
is written, under the same control number. A charge leaves the house by one way, over the link or in one kind of file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

from billing.charge import ACTIVE, Charge
from billing.coverage import Coverage, read_coverage
from billing.errors import BillingError, MessageHole
from billing.facts import Facts
from billing.messages import cms1500, csv, fhir, hl7, x837, x837i
from billing.messages.claim_context import ClaimContext, Purchased
from billing.messages.x12 import Envelope
from billing.parties import Party, Person
from workstation.archive.handed_over import CoverageRow, Export, ExportedCharge
from workstation.base.atomic import write_bytes
from workstation.base.clock import utc_text
from workstation.base.errors import InputRefused
from workstation.desk.charge_case import local_date_of
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.charge_message import account_name, name_of, site_of
from workstation.desk.charge_send import sender
from workstation.desk.charge_site import grounds_of
from workstation.desk.message_files import fetched, withdrawing
from workstation.desk.open_study import stored_case
from workstation.desk.reconcile import known_as
from workstation.people.roles import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from billing.site import Site
    from workstation.archive.outbox import Message
    from workstation.base.events import Actor
    from workstation.desk.place import Place

Format = Literal["csv", "837p", "837i", "cms1500", "fhir"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIX: dict[str, str] = {"csv": ".csv", "837p": ".837", "837i": ".837", "cms1500": ".json", "fhir": ".json"}
CLAIMS = frozenset({"837p", "837i", "cms1500"})
What = Literal["charge", "credit"]
WRITING_S = 60
"""How long an export may be on its way to its file before it counts as interrupted."""
_X12_ANSWERS = frozenset({"ta1", "999", "277ca"})


@dataclass(frozen=True)
class LeftOut:
    """A charge that was due and could not be written; `hole` names what is missing."""

    charge_id: str
    hole: str
    sentence: str


@dataclass(frozen=True)
class HandedOver:
    """A file that was written. `number` 0 and no charges: nothing was due, and no file was made."""

    number: int
    format: str
    path: Path | None
    charges: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class _Due:
    charge: Charge
    what: What


def state_coverage(place: Place, actor: Actor | None, study_uid: str, document: Any) -> Coverage:
    """Keep how the patient of a study is insured with a kind of payer; what was known before is replaced.

    Raises
    ------
    InputRefused
        ``coverage``: the field and what is wrong; ``unknown_study``: the study has no case.
    NotAllowed
        The acting role may not.
    """
    _may(actor)
    case = stored_case(place, study_uid)
    if case is None:
        raise InputRefused("unknown_study", "This study has no case yet; open it first.")
    try:
        read = read_coverage(document)
    except BillingError as error:
        raise InputRefused(error.code, error.sentence) from None
    with place.db.writing():
        place.coverages.put(
            CoverageRow(
                patient_issuer=case.patient.issuer,
                patient_id=case.patient.id,
                payer_kind=read.payer_kind,
                value=msgspec.json.encode(read).decode(),
                account=actor.account if actor else "",
                at=place.now(),
            )
        )
        place.act("coverage_stated", actor, case.key, payer_kind=read.payer_kind)
    return read


def coverage_of(place: Place, charge: Charge) -> Coverage | None:
    """How the charge's patient is insured with the charge's payer, or None."""
    kind, own = _facts(charge).payer.kind or "", charge.identity
    # after a merge it may have been stated under any number of the same person: the newest statement counts
    names = {(own.patient_issuer, own.patient_id), *known_as(place, own.patient_issuer, own.patient_id)}
    rows = [r for issuer, number in names if (r := place.coverages.get(issuer, number, kind)) is not None]
    newest = max(rows, key=lambda r: r.at, default=None)
    return None if newest is None else msgspec.json.decode(newest.value, type=Coverage)


def owes_credit(place: Place, charge_id: str) -> bool:
    """Whether the next export of some kind takes a charge back that an earlier one handed over."""
    ways = _Ways(place)
    charge = ways.charges.get(charge_id)
    taken_back = charge is not None and charge.state not in ACTIVE
    return taken_back and charge is not None and any(ways.wants_credit(charge, form) for form in FORMATS)


def holes(place: Place, charge_id: str, form: Format) -> tuple[LeftOut, ...]:
    """What keeps a charge from being written in a form now; empty where nothing does.

    Raises
    ------
    InputRefused
        ``ledger``: there is no such charge.
    """
    try:
        charge = ledger_of(place).get(charge_id)
    except BillingError as error:
        raise InputRefused(error.code, error.sentence) from None
    try:
        _written(place, form, [_Due(charge, "charge" if charge.state in ACTIVE else "credit")], 1)
    except MessageHole as error:
        return (LeftOut(charge_id, error.hole, error.sentence),)
    return ()


def export(
    place: Place, actor: Actor | None, form: Format, out: Path, *, force: bool = False, at_hand: bool = False
) -> HandedOver:
    """Write every charge that is due in this form, and the credits for what was taken back since.

    Charges with a hole are left out and named; they stay due. A file that an earlier export could not write is
    written first, and alone: the very same one. An X12 file goes from one biller to one receiver; others follow next.

    Parameters
    ----------
    force : replace a file that is there
    at_hand : a table of every charge, for people (CSV alone): nothing counts as handed over

    Raises
    ------
    InputRefused, RenderDeskError
        In one sentence; nothing was handed over.
    """
    _may(actor)
    if at_hand:
        return _table(place, form, out, force=force)
    if out.exists() and not force:
        raise InputRefused("exists", "The output is already there; use --force to replace it.")
    left_out: list[LeftOut] = []
    pending = _interrupted(place, form)
    if pending is None:
        # tried before anybody is kept waiting; what has changed until the transaction is left for the next file
        sound = {(one.charge.charge_id, one.what) for one in _sound(place, form, _due(place, form), left_out)}
        try:
            with withdrawing(place) as take, place.db.writing():
                due = [one for one in _due(place, form) if (one.charge.charge_id, one.what) in sound]
                if not due:
                    return HandedOver(0, form, None, left_out=tuple(left_out))
                pending = _keep(place, actor, form, due, take)
                if pending is None:
                    return HandedOver(0, form, None, left_out=tuple(left_out))
        except MessageHole as error:
            raise InputRefused(error.code, error.sentence) from error
    _write(place, pending, out, force=force)
    place.exports.wrote(pending.number, out.name)
    lines = [x for x in place.exports.charges() if x.export_number == pending.number]
    return HandedOver(
        pending.number,
        form,
        out,
        tuple(x.charge_id for x in lines if x.what == "charge"),
        tuple(x.charge_id for x in lines if x.what == "credit"),
        tuple(left_out),
    )


def _interrupted(place: Place, form: Format) -> Export | None:
    """An export whose file was never written; one that somebody is writing just now is theirs."""
    now = place.now()
    since = utc_text(place.clock.now() - timedelta(seconds=WRITING_S))
    unwritten = [e for e in place.exports.all() if e.format == form and not e.written]
    return next((e for e in unwritten if e.at <= since or e.at > now), None)


def again(place: Place, actor: Actor | None, number: int, out: Path, *, force: bool = False) -> HandedOver:
    """Write an earlier export once more, byte for byte: where the receiver lost the file.

    Raises
    ------
    InputRefused
        ``export``: there is none of that number.
    """
    _may(actor)
    found = place.exports.get(number)
    if found is None:
        raise InputRefused("export", f"There is no export {number}.")
    _write(place, found, out, force=force)
    lines = [x for x in place.exports.charges() if x.export_number == number]
    return HandedOver(number, found.format, out, tuple(x.charge_id for x in lines))


def _write(place: Place, export: Export, out: Path, *, force: bool) -> None:
    """The file; a paper claim whose name ends in .pdf is drawn."""
    content = export.body.encode("utf-8")
    if export.format == "cms1500" and out.suffix.lower() == ".pdf":
        from workstation.report.claim_form import form_pdf

        content = form_pdf(json.loads(export.body)["forms"], demo=place.demo)
    write_bytes(out, content, force=force)


def _may(actor: Actor | None) -> None:
    if actor is not None:
        require(actor.role, "claims")


def _facts(charge: Charge) -> Facts:
    return msgspec.json.decode(charge.facts, type=Facts)


def _table(place: Place, form: Format, out: Path, *, force: bool) -> HandedOver:
    if form != "csv":
        raise InputRefused("format", "A table of every charge is CSV; other forms are handed over once.")
    charges = tuple(ledger_of(place).charges().values())
    try:
        text = csv.table(charges, references=grounds_of(place.home).references)
    except MessageHole as error:
        raise InputRefused(error.code, error.sentence) from None
    write_bytes(out, text.encode("utf-8"), force=force)
    return HandedOver(0, form, out, tuple(c.charge_id for c in charges))


class _Ways:
    """By which way each charge left the house, what came back, and what stands in a charge's place."""

    def __init__(self, place: Place) -> None:
        formats = {e.number: e.format for e in place.exports.all()}
        refused = {
            (a.charge_id, a.control_id)
            for a in place.answers.all()
            if a.kind in _X12_ANSWERS and a.outcome == "rejected"
        }
        self.charges = ledger_of(place).charges()
        self._heirs = {c.replaces: c for c in self.charges.values() if c.replaces}
        self._place = place
        self._out: dict[str, set[str]] = {}
        self._credited: dict[str, set[str]] = {}
        for line in place.exports.charges():
            form = formats[line.export_number]
            if line.what == "credit":
                self._credited.setdefault(line.charge_id, set()).add(form)
            elif (line.charge_id, str(line.export_number)) not in refused:
                # what was refused is not with the receiver
                self._out.setdefault(line.charge_id, set()).add(form)

    def with_receiver(self, charge_id: str, form: str) -> bool:
        """Whether a file of this kind brought the charge to a receiver that did not refuse it."""
        return form in self._out.get(charge_id, ())

    def elsewhere(self, charge: Charge, form: str) -> bool:
        """Whether the charge left by another way: in another kind of file, over the link, or fetched as a message."""
        message = self._place.outbox.get(hl7.control_id(charge))
        linked = message is not None and (
            bool(message.sent_at) or message.state == "acknowledged" or fetched(self._place, message)
        )
        return linked or bool(self._out.get(charge.charge_id, set()) - {form})

    def wants_credit(self, charge: Charge, form: str) -> bool:
        """Whether a receiver has to be told that a charge was taken back.

        A claim that replaces names the one before it; that one is voided only where nothing came in its place.
        """
        if not self.with_receiver(charge.charge_id, form) or form in self._credited.get(charge.charge_id, ()):
            return False
        if charge.state == "void" or form not in CLAIMS:
            return True
        heir = self._heirs.get(charge.charge_id)
        while heir is not None and heir.state == "replaced" and not self.with_receiver(heir.charge_id, form):
            heir = self._heirs.get(heir.charge_id)
        return heir is not None and heir.state == "void" and not self.with_receiver(heir.charge_id, form)

    def replaced_claim(self, charge: Charge) -> str:
        """The charge whose claim a payer has and this one replaces; "" where the payer has none."""
        own = charge.replaces
        while own:
            if any(self.with_receiver(own, form) for form in CLAIMS):
                return own
            own = self.charges[own].replaces if own in self.charges else None
        return ""


def _due(place: Place, form: Format) -> list[_Due]:
    """Charges that no way has taken yet, and credits for those that this kind of file took."""
    ways, found = _Ways(place), []
    for charge in ways.charges.values():
        if charge.state in ACTIVE:
            out = ways.with_receiver(charge.charge_id, form) or ways.elsewhere(charge, form)
            if not out and charge.state in ("confirmed", "sent") and _of_form(charge, form):
                found.append(_Due(charge, "charge"))
        elif ways.wants_credit(charge, form):
            found.append(_Due(charge, "credit"))
    # what is taken back goes before what stands in its place
    return sorted(found, key=lambda due: due.what != "credit")


def _of_form(charge: Charge, form: Format) -> bool:
    if _facts(charge).payer.kind == "self_pay":
        return form == "csv"
    institutional = charge.identity.component == "institutional"
    return {"837i": institutional, "837p": not institutional, "cms1500": not institutional}.get(form, True)


def _sound(place: Place, form: Format, due: Iterable[_Due], left_out: list[LeftOut]) -> list[_Due]:
    """Those that can be written whole; the others are named."""
    found = []
    for one in due:
        try:
            _written(place, form, [one], 1)
        except MessageHole as error:
            left_out.append(LeftOut(one.charge.charge_id, error.hole, error.sentence))
        else:
            found.append(one)
    if form in ("837p", "837i") and found:
        # one file goes from one biller to one clearing house; the others follow in the next
        first = _parties(place, found[0].charge)
        found = [one for one in found if _parties(place, one.charge) == first]
    return found


def _parties(place: Place, charge: Charge) -> tuple[str, str]:
    payer = _facts(charge).payer
    named = site_of(place).payer_of(payer.kind or "", payer.plan)
    return charge.billing_npi, named.receiver_id if named else ""


def _keep(
    place: Place, actor: Actor | None, form: Format, due: list[_Due], take: Callable[[Message], bool]
) -> Export | None:
    """The export with its content, and what it does to the charges, in the caller's transaction.

    None when in the meantime every charge was fetched as a message.
    """
    waiting = {one.charge.charge_id: m for one in due if (m := _waiting(place, one.charge)) is not None}
    gone = {own for own, message in waiting.items() if not take(message)}
    due = [one for one in due if one.charge.charge_id not in gone]
    if not due:
        return None
    number = place.exports.next_number()
    body = _written(place, form, due, number)
    made = Export(
        number=number,
        format=form,
        body=body,
        sha256=hashlib.sha256(body.encode()).hexdigest(),
        file="",
        account=actor.account if actor else "",
        at=place.now(),
    )
    lines = [
        ExportedCharge(export_number=number, place=n, charge_id=one.charge.charge_id, what=one.what)
        for n, one in enumerate(due, 1)
    ]
    place.exports.put(made, lines)
    ledger = ledger_of(place)
    for one in due:
        if (message := waiting.get(one.charge.charge_id)) is not None:
            words = f"Handed over as a file ({form}), export {number}."
            place.outbox.answered(message.control_id, "withdrawn", words, place.now())
        if one.what == "charge" and one.charge.state == "confirmed":
            ledger.send(one.charge.charge_id, sender(place))
    place.act("charges_exported", actor, number=number, format=form, charges=len(due), sha256=made.sha256)
    return made


def _waiting(place: Place, charge: Charge) -> Message | None:
    message = place.outbox.get(hl7.control_id(charge))
    return message if message is not None and message.state == "waiting" else None


def _written(place: Place, form: Format, due: list[_Due], number: int) -> str:
    """The text of a file with these charges; a hole in one is a MessageHole."""
    references, today = grounds_of(place.home).references, date.fromisoformat(local_date_of(place, place.now()))
    if form == "csv":
        return csv.table([one.charge for one in due], references=references)
    if form == "fhir":
        resources: list[dict[str, Any]] = []
        for one in due:
            coverage = coverage_of(place, one.charge)
            case = stored_case(place, one.charge.identity.study_uid or "")
            targets = fhir.Targets(
                member_id=coverage.member_id if coverage else "",
                order_number=_facts(one.charge).order.order_id or "",
                report_uid=case.reports[-1].sop_uid if case is not None and case.reports else "",
            )
            resources.append(fhir.charge_item(one.charge, targets, tables=references))
            if one.charge.identity.component != "institutional":
                resources.append(fhir.claim(one.charge, targets, created=today, tables=references))
        return fhir.bundle(resources)
    items = [(one.charge, context_of(place, one.charge, credit=one.what == "credit")) for one in due]
    if form == "cms1500":
        forms = [cms1500.boxes(c, context, written=today, references=references) for c, context in items]
        return json.dumps({"forms": forms}, ensure_ascii=False, indent=1)
    envelope = _envelope(place, items[0][0], items[0][1], number)
    claims = x837.claims if form == "837p" else x837i.claims
    return claims(items, envelope, references=references)


def _envelope(place: Place, charge: Charge, context: ClaimContext, number: int) -> Envelope:
    biller, payer = context.biller, _facts(charge).payer
    named = site_of(place).payer_of(payer.kind or "", payer.plan)
    assert named is not None  # the context has found it
    return Envelope(
        submitter=Party(name=biller.name, id=biller.submitter_id),
        receiver=Party(name=named.receiver_name, id=named.receiver_id),
        contact=biller.contact,
        telephone=biller.telephone,
        control_number=number,
        created=place.clock.now().astimezone(UTC),
        # a demonstration must never pass for a claim
        test=place.demo or site_of(place).test,
    )


def context_of(place: Place, charge: Charge, *, credit: bool = False) -> ClaimContext:
    """What a claim needs beside the charge: from the site file, the stated insurance, the order and the accounts.

    Raises
    ------
    MessageHole
        The site file names neither biller nor payer, or nobody has stated how the patient is insured.
    """
    site, facts = site_of(place), _facts(charge)
    biller = site.biller_of(charge.billing_npi)
    if biller is None:
        raise MessageHole("biller", f"The site file names no biller with the NPI {charge.billing_npi}.")
    payer = site.payer_of(facts.payer.kind or "", facts.payer.plan)
    if payer is None:
        raise MessageHole("payer", f"The site file does not say how the payer {facts.payer.kind} is named in claims.")
    coverage = coverage_of(place, charge)
    if coverage is None:
        raise MessageHole("coverage", "Nobody has stated how the patient is insured with this payer.")
    case = stored_case(place, charge.identity.study_uid or "")
    order = case.order if case is not None else None
    ordering = _named(site, charge.ordering_npi, name_of(order.ordering_name if order else ""), "ordering")
    rendering = _named(site, charge.rendering_npi, account_name(place, charge.rendering_npi), "rendering")
    institutional = charge.identity.component == "institutional"
    earlier = charge.charge_id if credit else _Ways(place).replaced_claim(charge) if charge.replaces else ""
    return ClaimContext(
        biller=biller,
        payer_kind=payer.kind,
        payer_name=payer.name,
        payer_id=payer.id,
        plan=facts.payer.plan or "",
        member_id=coverage.member_id,
        group_number=coverage.group_number,
        subscriber=coverage.subscriber,
        patient=coverage.patient,
        relationship=coverage.relationship,
        rendering=rendering,
        rendering_taxonomy=facts.providers.rendering_taxonomy or "",
        ordering=ordering,
        facility=None if institutional else site.facility_of(charge.pos),
        amount=site.fee(charge.code, charge.identity.component),
        authorisation=facts.payer.auth_number or "",
        payer_control_number=(_payer_number(place, earlier) or coverage.payer_control_number) if earlier else "",
        frequency="8" if credit else "7" if earlier else "1",
        cause=coverage.cause,
        other_plan=coverage.other_plan,
        signature_on_file=coverage.signature_on_file,
        purchased=_purchased(place) if facts.claim.tc_purchased else None,
        revenue_code=x837i.revenue_code(charge, site.revenue_codes) if institutional else "",
        facility_type=site.facility_type,
    )


def _named(site: Site, npi: str, known: hl7.PersonName, who: str) -> Person:
    """A provider's name: as the site file has it, else as order or account do."""
    own = site.name_of(npi)
    family, given = (own.family, own.given) if own is not None else (known.family, known.given)
    if not family.strip():
        raise MessageHole(f"{who} provider's name", f"The {who} provider's name is not known here.")
    return Person(family=family, given=given)


def _payer_number(place: Place, charge_id: str) -> str:
    return next((a.payer_number for a in reversed(place.answers.of_charge(charge_id)) if a.payer_number), "")


def _purchased(place: Place) -> Purchased | None:
    """The seller of a bought technical part and its price, as the site file says; None leaves a hole that is named."""
    seller = site_of(place).purchased
    return None if seller is None else Purchased(npi=seller.npi, amount=seller.amount)
