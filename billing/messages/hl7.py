"""A charge as HL7 v2.5.1 DFT^P03 (section 6.1), and the answer to it. Nothing with a hole leaves this module.

Segments end with a carriage return. Codes go without text: descriptors are the licence holder's. No Z segments.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from billing import codes, icd
from billing.charge import Charge
from billing.errors import MessageHole
from billing.npi import good_npi
from billing.rules.modifiers import SLOTS

NPI_AUTHORITY = ("NPI", "2.16.840.1.113883.4.6", "ISO")
CHARGE, CREDIT = "CG", "CD"
SENDABLE = frozenset({"confirmed", "sent", "rejected"})
TAKEN_BACK = frozenset({"void", "replaced"})


class PersonName(Struct, frozen=True):
    """Family and given name as they stand in the record."""

    family: str = ""
    given: str = ""

    def __repr__(self) -> str:
        return "PersonName()"


class Provider(Struct, frozen=True, kw_only=True):
    """A provider by NPI, with the name where it is known."""

    npi: str
    name: PersonName = PersonName()


class Systems(Struct, frozen=True, kw_only=True):
    """Who sends to whom: application and facility of both ends; `processing` T marks training data."""

    sending_application: str
    sending_facility: str
    receiving_application: str
    receiving_facility: str
    processing: Literal["P", "T", "D"] = "P"


class MessageContext(Struct, frozen=True, kw_only=True):
    """What a message needs beside the charge: patient, visit, providers, order, plan.

    Parameters
    ----------
    posted_at : UTC or zoned time of posting (FT1-5, MSH-7)
    order_number : the 3D order's filler number, else the accession, as the site has set (FT1-23)
    with_procedure : add a PR1 segment, for receivers that read it
    """

    systems: Systems
    posted_at: dt.datetime
    patient_id: str
    patient_authority: str
    patient_name: PersonName
    birth_date: dt.date | None = None
    sex: Literal["M", "F", "O", "U"] | None = None
    account: str = ""
    visit_class: str = ""
    visit_location: str = ""
    visit_number: str = ""
    patient_type: str = ""
    attending: Provider | None = None
    referring: Provider | None = None
    rendering: Provider
    ordering: Provider
    order_number: str = ""
    plan_id: str = ""
    company_id: str = ""
    company_name: str = ""
    with_procedure: bool = False

    def __repr__(self) -> str:
        return "MessageContext()"


def control_id(charge: Charge, *, credit: bool = False) -> str:
    """MSH-10: the same on every attempt, so that a receiver can tell a repeat from a second charge."""
    return f"{charge.charge_id}{CREDIT if credit else CHARGE}"


def dft(charge: Charge, context: MessageContext, *, credit: bool = False) -> str:
    """The message for a charge, or the credit for one that was taken back.

    Raises
    ------
    MessageHole
        Something that the message must have is missing or contradicts itself; `hole` names it.
    """
    check(charge, context, credit=credit)
    code = _components(charge.code, "", "C4")
    day = charge.service_date.strftime("%Y%m%d")
    posted = _time(context.posted_at)
    modifiers = "~".join(map(escape, charge.modifiers))
    diagnoses = [_components(d, "", "I10C") for d in charge.diagnoses]
    systems = context.systems
    segments = [
        _segment(
            "MSH",
            {
                3: escape(systems.sending_application),
                4: escape(systems.sending_facility),
                5: escape(systems.receiving_application),
                6: escape(systems.receiving_facility),
                7: posted,
                9: "DFT^P03^DFT_P03",
                10: control_id(charge, credit=credit),
                11: systems.processing,
                12: "2.5.1",
                15: "AL",
                16: "AL",
                18: "UNICODE UTF-8",
            },
        ),
        _segment("EVN", {2: posted}),
        _segment(
            "PID",
            {
                1: "1",
                3: _identifier(context.patient_id, context.patient_authority, "MR"),
                5: _components(context.patient_name.family, context.patient_name.given),
                7: context.birth_date.strftime("%Y%m%d") if context.birth_date else "",
                8: context.sex or "",
                18: escape(context.account),
            },
        ),
        _segment(
            "PV1",
            {
                1: "1",
                2: escape(context.visit_class),
                3: escape(context.visit_location),
                7: _provider(context.attending),
                8: _provider(context.referring),
                19: escape(context.visit_number),
            },
        ),
        _segment(
            "FT1",
            {
                1: "1",
                2: escape(charge.charge_id),
                4: day,
                5: posted,
                6: CREDIT if credit else CHARGE,
                7: code,
                10: str(charge.units),
                16: escape(context.visit_location),
                18: escape(context.patient_type),
                19: "~".join(diagnoses),
                20: _provider(context.rendering),
                21: _provider(context.ordering),
                23: escape(context.order_number),
                25: code,
                26: modifiers,
            },
        ),
    ]
    if context.with_procedure:
        segments.append(_segment("PR1", {1: "1", 3: code, 5: day, 16: modifiers}))
    segments += [_segment("DG1", {1: str(i), 3: d, 6: "F"}) for i, d in enumerate(diagnoses, 1)]
    if context.plan_id and context.company_id:
        company = {1: "1", 2: escape(context.plan_id), 3: escape(context.company_id), 4: escape(context.company_name)}
        segments.append(_segment("IN1", company))
    return "".join(segment + "\r" for segment in segments)


def check(charge: Charge, context: MessageContext, *, credit: bool = False) -> None:
    """What libraries do not check: that every needed value is there, is well-formed and agrees with the charge.

    Raises
    ------
    MessageHole
        At the first hole, by name.
    """
    _state(charge, credit=credit)
    needed = {
        "patient.id": context.patient_id,
        "patient.authority": context.patient_authority,
        "patient.name": context.patient_name.family,
        "visit.class": context.visit_class,
        "account or visit number": context.account or context.visit_number,
        "order number or accession": context.order_number,
        "sending application": context.systems.sending_application,
        "sending facility": context.systems.sending_facility,
        "receiving application": context.systems.receiving_application,
        "receiving facility": context.systems.receiving_facility,
        "diagnosis": charge.diagnoses,
    }
    for hole, value in needed.items():
        if not value or (isinstance(value, str) and not value.strip()):
            raise MessageHole(hole, f"The message cannot be written: {hole} is missing.")
    if context.patient_id != charge.identity.patient_id:
        raise MessageHole("patient.id", "The message cannot be written: the patient is not the charge's patient.")
    if context.posted_at.tzinfo is None:
        raise MessageHole("posting time", "The message cannot be written: the posting time has no time zone.")
    # a zone apart, the posting's date may be a day before the site's date of the service
    if context.posted_at.date() < charge.service_date - dt.timedelta(days=1):
        raise MessageHole("posting time", "The message cannot be written: it would be posted before the service.")
    if context.birth_date is not None and context.birth_date > charge.service_date:
        raise MessageHole("patient.birth_date", "The message cannot be written: the birth date is after the service.")
    _providers(charge, context)
    _line(charge)


def _state(charge: Charge, *, credit: bool) -> None:
    wanted = TAKEN_BACK if credit else SENDABLE
    if charge.state not in wanted or not charge.charge_id:
        kind = "credit" if credit else "charge"
        raise MessageHole("state", f"No {kind} message is written for a charge that is {charge.state}.")


def _providers(charge: Charge, context: MessageContext) -> None:
    named = {"rendering": context.rendering, "ordering": context.ordering}
    optional = {"attending": context.attending, "referring": context.referring}
    for who, provider in {**named, **{k: v for k, v in optional.items() if v is not None}}.items():
        if not good_npi(provider.npi):
            raise MessageHole(f"{who} NPI", f"The message cannot be written: the {who} provider's NPI is not one.")
    if context.rendering.npi != charge.rendering_npi or context.ordering.npi != charge.ordering_npi:
        raise MessageHole("provider", "The message cannot be written: a provider is not the charge's provider.")


def _line(charge: Charge) -> None:
    """Code, modifiers, units, diagnoses and place of the charge itself."""
    if charge.code not in codes.FAMILY:
        raise MessageHole("code", "The message cannot be written: the code is none of the 3D family.")
    order = [m for slot in SLOTS for m in slot]
    places = [order.index(m) if m in order else -1 for m in charge.modifiers]
    if -1 in places or places != sorted(set(places)) or len(places) > 4:
        raise MessageHole(
            "modifiers", "The message cannot be written: the modifiers are unknown, doubled or unordered."
        )
    if charge.units < 1:
        raise MessageHole("units", "The message cannot be written: there is no unit.")
    if not all(icd.FORM.fullmatch(d) for d in charge.diagnoses):
        raise MessageHole("diagnosis", "The message cannot be written: a diagnosis is no ICD-10-CM code.")
    component = charge.identity.component
    modifier = {"26": "26", "TC": "TC"}.get(component)
    if {"26", "TC"} & set(charge.modifiers) != ({modifier} if modifier else set()):
        raise MessageHole("modifiers", "The message cannot be written: the modifiers are not those of the component.")
    if component in {"TC", "global"} and charge.pos in codes.FACILITY_POS:
        raise MessageHole("place of service", "The message cannot be written: the place contradicts the component.")


class Acknowledgement(Struct, frozen=True):
    """What a receiver said of a message: `state` is the charge's next state."""

    state: Literal["acknowledged", "rejected"]
    code: str
    reason: str


def read_acknowledgement(text: str, sent_control_id: str) -> Acknowledgement | None:
    """Read an ACK: AA and CA take the charge, AE, CE, AR and CR refuse it.

    Returns
    -------
    Acknowledgement or None
        None when the answer is to another message (MSA-2 is not our MSH-10): then it is not ours.

    Raises
    ------
    MessageHole
        The answer is no HL7 message with an MSA segment and a known code.
    """
    segments = [s for s in text.replace("\n", "\r").split("\r") if s.strip()]
    if not segments or not segments[0].startswith("MSH") or len(segments[0]) < 8:
        raise MessageHole("acknowledgement", "The receiver's answer is no HL7 message.")
    separator = segments[0][3]
    rows = {s.split(separator)[0]: s.split(separator) for s in reversed(segments[1:])}
    msa = [*rows.get("MSA", []), "", "", "", ""]
    if msa[2] != sent_control_id:
        return None
    if msa[1] in {"AA", "CA"}:
        return Acknowledgement("acknowledged", msa[1], "")
    if msa[1] in {"AE", "CE", "AR", "CR"}:
        error = [*rows.get("ERR", []), *[""] * 9]
        words = [w for w in (unescape(msa[3]), unescape(error[3]), unescape(error[8])) if w]
        return Acknowledgement("rejected", msa[1], "; ".join(words) or "no reason given")
    raise MessageHole("acknowledgement", "The receiver's answer has no known acknowledgement code.")


ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\r": "\\X0D\\", "\n": "\\X0A\\"}


def escape(text: str) -> str:
    r"""Text in which the delimiters `|^~\&` and line ends stand as escape sequences."""
    return "".join(ESCAPES.get(character, character) for character in text)


def unescape(text: str) -> str:
    """The text that was escaped; an unknown sequence stays as it is."""
    found, rest = "", text
    back = {sequence: character for character, sequence in ESCAPES.items()}
    while rest:
        sequence = next((s for s in back if rest.startswith(s)), None)
        found += back[sequence] if sequence else rest[0]
        rest = rest[len(sequence) if sequence else 1 :]
    return found


def frame(message: str) -> bytes:
    """The message in the frame of MLLP: 0x0B, UTF-8 text, 0x1C 0x0D."""
    return b"\x0b" + message.encode("utf-8") + b"\x1c\x0d"


def _segment(name: str, fields: dict[int, str]) -> str:
    """A segment by field numbers, without empty fields at its end."""
    last = max((n for n, value in fields.items() if value), default=0)
    if name == "MSH":  # the separator itself is MSH-1 and stands before MSH-2
        return "|".join(["MSH", "^~\\&", *(fields.get(n, "") for n in range(3, last + 1))])
    return "|".join([name, *(fields.get(n, "") for n in range(1, last + 1))])


def _components(*parts: str) -> str:
    return "^".join(map(escape, parts)).rstrip("^")


def _identifier(value: str, authority: str, kind: str) -> str:
    return f"{escape(value)}^^^{escape(authority)}^{kind}"


def _provider(provider: Provider | None) -> str:
    """XCN: number, name, the NPI as assigning authority, name type L, identifier type NPI."""
    if provider is None:
        return ""
    authority = "&".join(NPI_AUTHORITY)
    name = f"{escape(provider.name.family)}^{escape(provider.name.given)}"
    return f"{escape(provider.npi)}^{name}^^^^^^{authority}^L^^^NPI"


def _time(moment: dt.datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%S%z")
