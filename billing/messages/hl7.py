"""A charge as HL7 v2.5.1 DFT^P03 (section 6.1), and the answer to it. Nothing with a hole leaves this module.

Segments end with a carriage return. Codes go without text: descriptors are the licence holder's. No Z segments.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal, get_args

from msgspec import Struct

from billing.charge import Charge
from billing.errors import MessageHole
from billing.messages.layout import DiagnosisSystem, Layout
from billing.messages.proof import Said, check_line, date_of, needed, prove
from billing.npi import good_npi
from billing.reference.tables import BUILT_IN, References

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
    layout : the form that the site has set
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
    layout: Layout = Layout()

    def __repr__(self) -> str:
        return "MessageContext()"


def control_id(charge: Charge, *, credit: bool = False) -> str:
    """MSH-10: the same on every attempt, so that a receiver can tell a repeat from a second charge."""
    return f"{charge.charge_id}{CREDIT if credit else CHARGE}"


def dft(charge: Charge, context: MessageContext, *, credit: bool = False, references: References = BUILT_IN) -> str:
    """The message for a charge, or the credit for one that was taken back; proved before it is given out.

    Raises
    ------
    MessageHole
        Something that the message must have is missing or contradicts itself; `hole` names it.
    """
    check(charge, context, credit=credit)
    segments = [
        *_heads(charge, context, credit=credit),
        *_order(charge, context),
        *_financial(charge, context, credit=credit),
    ]
    text = "".join(segment + "\r" for segment in segments)
    prove(read_back(text), charge, taken_back=credit, references=references)
    return text


def credit_of(charge: Charge, text: str, posted_at: dt.datetime) -> str:
    """The credit for a charge whose message was `text`: the same words, taken back.

    It is made from the message itself, because the receiver must find again what it was given, whatever is known of
    patient and order by now.

    Raises
    ------
    MessageHole
        The charge was not taken back, or the text is not its message.
    """
    _state(charge, credit=True)
    if posted_at.tzinfo is None:
        raise MessageHole("posting time", "The message cannot be written: the posting time has no time zone.")
    posted = _time(posted_at)
    changed = {
        "MSH": {7: posted, 10: control_id(charge, credit=True)},
        "EVN": {2: posted},
        "FT1": {5: posted, 6: CREDIT},
    }
    lines = []
    for line in text.split("\r"):
        fields = line.split("|")
        first = 1 if fields[0] == "MSH" else 0
        for number, value in changed.get(fields[0], {}).items():
            fields[number - first] = value
        lines.append("|".join(fields))
    credit = "\r".join(lines)
    prove(read_back(credit), charge, taken_back=True, references=BUILT_IN)
    return credit


def _heads(charge: Charge, context: MessageContext, *, credit: bool) -> list[str]:
    """MSH, EVN, PID and PV1."""
    posted, systems, layout = _time(context.posted_at), context.systems, context.layout
    return [
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
                15: layout.accept_acknowledgement,
                16: layout.application_acknowledgement,
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
                3: _location(context.visit_location),
                7: _provider(context.attending),
                8: _provider(context.referring),
                19: escape(context.visit_number),
            },
        ),
    ]


def _order(charge: Charge, context: MessageContext) -> list[str]:
    """The order that the charge rests on, for receivers that join by ORC or OBR."""
    number, wanted = escape(context.order_number), context.layout.segments
    found = []
    if "ORC" in wanted:
        found.append(_segment("ORC", {1: "RE", 3: number}))
    if "OBR" in wanted:
        day = charge.service_date.strftime("%Y%m%d")
        service = _components(charge.code, "", "C4")
        found.append(_segment("OBR", {1: "1", 3: number, 4: service, 7: day, 16: _provider(context.ordering)}))
    return found


def _financial(charge: Charge, context: MessageContext, *, credit: bool) -> list[str]:
    """FT1 with the optional PR1, then DG1 and IN1 where the site wants them and something is known."""
    code = _components(charge.code, "", "C4")
    day = charge.service_date.strftime("%Y%m%d")
    modifiers = "~".join(map(escape, charge.modifiers))
    diagnoses = [_components(d, "", context.layout.diagnosis_system) for d in charge.diagnoses]
    wanted = context.layout.segments
    found = [
        _segment(
            "FT1",
            {
                1: "1",
                2: escape(charge.charge_id),
                4: day,
                5: _time(context.posted_at),
                6: CREDIT if credit else CHARGE,
                7: code,
                10: str(charge.units),
                16: _location(context.visit_location),
                18: escape(context.patient_type),
                19: "~".join(diagnoses),
                20: _provider(context.rendering),
                21: _provider(context.ordering),
                23: escape(context.order_number),
                25: code,
                26: modifiers,
            },
        )
    ]
    if "PR1" in wanted:
        found.append(_segment("PR1", {1: "1", 3: code, 5: day, 16: modifiers}))
    if "DG1" in wanted:
        found += [_segment("DG1", {1: str(i), 3: d, 6: "F"}) for i, d in enumerate(diagnoses, 1)]
    if "IN1" in wanted and context.plan_id and context.company_id:
        company = {1: "1", 2: escape(context.plan_id), 3: escape(context.company_id), 4: escape(context.company_name)}
        found.append(_segment("IN1", company))
    return found


# HL7 tables 0004, 0001, 0103 and the transaction types that are ours of 0017
PATIENT_CLASSES = frozenset("BCEINOPRU")
SEXES = frozenset({"", "A", "F", "M", "N", "O", "U"})
PROCESSING = frozenset("DPT")
DIAGNOSIS_SYSTEMS: tuple[str, ...] = get_args(DiagnosisSystem)
NUMBERED = ("PID", "PV1", "OBR", "FT1", "PR1", "IN1")
SEQUENCE = ("MSH", "EVN", "PID", "PV1", "ORC", "OBR", "FT1", "PR1", "DG1", "IN1")
REQUIRED: dict[str, tuple[int, ...]] = {
    "MSH": (3, 4, 5, 6, 7, 9, 10, 11, 12, 18),
    "EVN": (2,),
    "PID": (1, 3, 5),
    "PV1": (1, 2),
    "ORC": (1, 3),
    "OBR": (1, 3, 4, 7),
    "FT1": (1, 2, 4, 5, 6, 7, 10, 19, 20, 21, 23, 25),
    "PR1": (1, 3, 5),
    "DG1": (1, 3, 6),
    "IN1": (1, 2, 3),
}


def read_back(text: str) -> Said:
    """What a message of this module says, read from its text; its own form is checked on the way.

    Raises
    ------
    MessageHole
        A segment is missing, foreign, doubled or out of order, a required field empty, a coded value unknown.
    """
    rows = [_fields(line) for line in text.split("\r") if line]
    names = [row[0] for row in rows]
    places = [SEQUENCE.index(n) if n in SEQUENCE else -1 for n in names]
    if -1 in places or places != sorted(places) or not {"MSH", "EVN", "PID", "PV1", "FT1"} <= set(names):
        raise MessageHole("segments", "The message cannot be written: its segments are not those of DFT^P03.")
    if any(names.count(n) > 1 for n in set(names) - {"DG1"}):
        raise MessageHole("segments", "The message cannot be written: a segment stands twice.")
    for row in rows:
        needed({f"{row[0]}-{n}": row[n] if n < len(row) else "" for n in REQUIRED[row[0]]})
    by = {row[0]: [*row, *[""] * 30] for row in rows}
    needed({"PID-5": by["PID"][5].split("^")[0]})
    msh, pid, pv1, ft1 = by["MSH"], by["PID"], by["PV1"], by["FT1"]
    for name, value, allowed in (
        ("visit.class", pv1[2], PATIENT_CLASSES),
        ("patient.sex", pid[8], SEXES),
        ("processing", msh[11], PROCESSING),
        ("FT1-6", ft1[6], {CHARGE, CREDIT}),
        ("MSH-9", msh[9], {"DFT^P03^DFT_P03"}),
        ("MSH-10", msh[10], {ft1[2] + ft1[6]}),
        ("FT1-7", ft1[7], {_components(ft1[7].split("^")[0], "", "C4")}),
        ("FT1-25", ft1[25], {ft1[7]}),
        *((f"{name}-1", row[1], {"1"}) for name, row in by.items() if name in NUMBERED),
    ):
        if value not in allowed:
            raise MessageHole(name, f"The message cannot be written: {name} has a value that its table does not know.")
    _repeated(by, [row for row in rows if row[0] == "DG1"])
    diagnoses = [d.split("^") for d in ft1[19].split("~")]
    systems = {tuple(d[1:]) for d in diagnoses}
    if len(systems) != 1 or not systems <= {("", system) for system in DIAGNOSIS_SYSTEMS}:
        raise MessageHole("diagnosis", "The message cannot be written: a diagnosis has another coding system.")
    providers = {"rendering": ft1[20], "ordering": ft1[21], "attending": pv1[7], "referring": pv1[8]}
    return Said(
        charge_id=ft1[2],
        code=ft1[7].split("^")[0],
        modifiers=tuple(ft1[26].split("~")) if ft1[26] else (),
        units=ft1[10],
        diagnoses=tuple(d[0] for d in diagnoses),
        day=date_of(ft1[4], "service date"),
        npis={role: text.split("^")[0] for role, text in providers.items() if text},
        before={"patient.birth_date": date_of(pid[7], "patient.birth_date")} if pid[7] else {},
        after={"posting time": date_of(ft1[5][:8], "posting time")},
    )


def _repeated(by: dict[str, list[str]], diagnoses: list[list[str]]) -> None:
    """What PR1, OBR, ORC and DG1 repeat is what FT1 says."""
    ft1 = by["FT1"]
    again = [d[3] for d in diagnoses]
    sound = not again or again == ft1[19].split("~")
    if "PR1" in by:
        sound = sound and (by["PR1"][3], by["PR1"][5], by["PR1"][16]) == (ft1[7], ft1[4], ft1[26])
    if "ORC" in by:
        sound = sound and by["ORC"][3] == ft1[23]
    if "OBR" in by:
        sound = sound and (by["OBR"][3], by["OBR"][4]) == (ft1[23], ft1[7])
    if not sound or [d[1] for d in diagnoses] != [str(i) for i in range(1, len(diagnoses) + 1)]:
        raise MessageHole("segments", "The message cannot be written: a segment contradicts FT1.")


def _fields(line: str) -> list[str]:
    """Fields by number; MSH-1 is the separator itself."""
    fields = line.split("|")
    return ["MSH", "|", *fields[1:]] if fields[0] == "MSH" else fields


def check(charge: Charge, context: MessageContext, *, credit: bool = False) -> None:
    """What the message needs beside the charge, and that it belongs to the charge.

    Raises
    ------
    MessageHole
        At the first hole, by name.
    """
    _state(charge, credit=credit)
    wanted = {
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
        "diagnosis": " ".join(charge.diagnoses),
    }
    needed(wanted)
    if context.patient_id != charge.identity.patient_id:
        raise MessageHole("patient.id", "The message cannot be written: the patient is not the charge's patient.")
    if context.posted_at.tzinfo is None:
        raise MessageHole("posting time", "The message cannot be written: the posting time has no time zone.")
    _providers(charge, context)
    check_line(charge)


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
    rows = _answer_rows(text)
    msa = [*rows["MSA"], "", "", "", ""]
    if msa[2] != sent_control_id:
        return None
    if msa[1] in {"AA", "CA"}:
        return Acknowledgement("acknowledged", msa[1], "")
    if msa[1] in {"AE", "CE", "AR", "CR"}:
        error = [*rows.get("ERR", []), *[""] * 9]
        words = [w for w in (unescape(msa[3]), unescape(error[3]), unescape(error[8])) if w]
        return Acknowledgement("rejected", msa[1], "; ".join(words) or "no reason given")
    raise MessageHole("acknowledgement", "The receiver's answer has no known acknowledgement code.")


def answered_control_id(text: str) -> str:
    """MSA-2: the control id of the message that an answer is to.

    Raises
    ------
    MessageHole
        The answer is no HL7 message with an MSA segment.
    """
    return [*_answer_rows(text)["MSA"], "", "", ""][2]


def _answer_rows(text: str) -> dict[str, list[str]]:
    """Fields of an answer's segments by name, the first of each name."""
    segments = [s for s in text.replace("\n", "\r").split("\r") if s.strip()]
    if not segments or not segments[0].startswith("MSH") or len(segments[0]) < 8:
        raise MessageHole("acknowledgement", "The receiver's answer is no HL7 message.")
    separator = segments[0][3]
    rows = {s.split(separator)[0]: s.split(separator) for s in reversed(segments[1:])}
    if "MSA" not in rows:
        raise MessageHole("acknowledgement", "The receiver's answer has no MSA segment.")
    return rows


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


def _location(text: str) -> str:
    """A place by its components, divided by ^."""
    return "^".join(map(escape, text.split("^")))


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
