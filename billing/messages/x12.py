"""X12 interchanges: the envelope that both kinds of claims share, and text in the form that X12 allows.

X12 has no escape for its delimiters: in names they become spaces, in numbers they are refused. Letters go in the
basic set (accents are dropped); a name without Latin letters is refused, because payers' systems would not keep it.
Each claim is a transaction set of its own, so that a receiver can refuse one and keep the others.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from billing.errors import MessageHole
from billing.parties import Address, Insured, Party, Person

Segment = tuple[str, ...]

DELIMITERS = re.compile(r"[*:~^|>\r\n]")
NUMBER = re.compile(r"[0-9A-Za-z ./_-]+")


class Envelope(Struct, frozen=True, kw_only=True):
    """Of an interchange.

    Parameters
    ----------
    control_number : ISA-13 and GS-06, the same on every attempt
    contact, telephone : whom the receiver asks
    """

    submitter: Party
    receiver: Party
    contact: str
    telephone: str
    control_number: int
    created: dt.datetime
    test: bool = False


def interchange(version: str, envelope: Envelope, bodies: Sequence[Sequence[Segment]]) -> str:
    """Segments in their envelope, each ended by ``~`` and a line end; one transaction set for each body.

    Raises
    ------
    MessageHole
        The control number is none, a name or number has no form that X12 allows, or there is nothing to send.
    """
    if not 0 < envelope.control_number < 10**9 or not bodies:
        raise MessageHole("control number", "The file cannot be written: it has no control number or no claim.")
    own = str(envelope.control_number)
    day, clock = envelope.created.strftime("%Y%m%d"), envelope.created.strftime("%H%M")
    submitter, receiver = number(envelope.submitter.id), number(envelope.receiver.id)
    segments: list[Segment] = [
        _isa(envelope),
        ("GS", "HC", submitter, receiver, day, clock, own, "X", version),
    ]
    for place, body in enumerate(bodies, 1):
        set_number = f"{place:04d}"
        whole = (("ST", "837", set_number, version), *body)
        segments += [*whole, ("SE", str(len(whole) + 1), set_number)]
    segments += [("GE", str(len(bodies)), own), ("IEA", "1", f"{envelope.control_number:09d}")]
    return "".join("*".join(_trimmed(s)) + "~\n" for s in segments)


def heading(envelope: Envelope, reference: str) -> list[Segment]:
    """BHT, submitter and receiver of a transaction set."""
    day, clock = envelope.created.strftime("%Y%m%d"), envelope.created.strftime("%H%M")
    submitter, receiver = envelope.submitter, envelope.receiver
    return [
        ("BHT", "0019", "00", reference, day, clock, "CH"),
        ("NM1", "41", "2", words(submitter.name, 60), "", "", "", "", "46", number(submitter.id)),
        ("PER", "IC", words(envelope.contact, 60), "TE", re.sub(r"\D", "", envelope.telephone)),
        ("NM1", "40", "2", words(receiver.name, 60), "", "", "", "", "46", number(receiver.id)),
    ]


def _isa(envelope: Envelope) -> Segment:
    """ISA has fixed widths: its length tells a reader the delimiters."""
    sender, receiver = envelope.submitter, envelope.receiver
    if len(sender.id.strip()) > 15 or len(receiver.id.strip()) > 15:
        raise MessageHole("identifier", "The file cannot be written: a party's number has more than 15 characters.")
    blank = " " * 10
    return (
        "ISA",
        "00",
        blank,
        "00",
        blank,
        sender.qualifier,
        number(sender.id).ljust(15),
        receiver.qualifier,
        number(receiver.id).ljust(15),
        envelope.created.strftime("%y%m%d"),
        envelope.created.strftime("%H%M"),
        "^",
        "00501",
        f"{envelope.control_number:09d}",
        "1",  # TA1 wanted: it tells a damaged envelope from a lost one
        "T" if envelope.test else "P",
        ":",
    )


def name(person: Person) -> tuple[str, str, str]:
    """NM1-03 to 05: family, given, and an empty middle name."""
    return words(person.family, 60), words(person.given, 35, optional=True), ""


def place_of(address: Address) -> list[Segment]:
    """N3 and N4."""
    state = address.state.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", state) or len(digits(address.zip_code)) not in {5, 9}:
        raise MessageHole("address", "The claim cannot be written: an address has no state or no ZIP.")
    return [
        ("N3", words(address.street, 55)),
        ("N4", words(address.city, 30), state, digits(address.zip_code)),
    ]


def born(person: Insured) -> Segment:
    """DMG."""
    return ("DMG", "D8", person.birth_date.strftime("%Y%m%d"), person.sex)


def digits(text: str) -> str:
    """The digits of a number that people write with dashes."""
    return re.sub(r"\D", "", text)


def words(text: str, room: int, *, optional: bool = False) -> str:
    """Words in the basic set: capitals without accents, delimiters as spaces, cut to the element's room."""
    latin = unicodedata.normalize("NFKD", text)
    latin = "".join(c for c in latin if not unicodedata.combining(c))
    plain = " ".join(DELIMITERS.sub(" ", latin).upper().split())
    if not plain.isascii() or not plain.isprintable():
        raise MessageHole("name in Latin letters", "The claim cannot be written: a name has no Latin letters.")
    if not plain and not optional:
        raise MessageHole("name", "The claim cannot be written: a name or address line is missing.")
    return plain[:room].strip()


def number(text: str) -> str:
    """A number or code as given; a delimiter in it would be read as something else."""
    plain = text.strip()
    if plain and not NUMBER.fullmatch(plain):
        raise MessageHole("identifier", "The claim cannot be written: an identifier has characters that X12 reserves.")
    return plain


def _trimmed(segment: Segment) -> Segment:
    """Without empty elements at the end."""
    last = max(i for i, element in enumerate(segment) if element)
    return segment[: last + 1]


def segments_of(text: str) -> list[list[str]]:
    """Elements of each segment of an interchange, by the delimiters that its ISA states.

    Raises
    ------
    MessageHole
        It does not begin with a whole ISA.
    """
    start = text.lstrip("\ufeff \t\r\n")
    if not start.startswith("ISA") or len(start) < 106:
        raise MessageHole("interchange", "The file does not begin with an ISA segment of X12.")
    element, end = start[3], start[105]
    if element.isalnum() or end.isalnum() or element == end:
        raise MessageHole("interchange", "The ISA segment of the file does not have its fixed width.")
    return [part.strip("\r\n").split(element) for part in start.split(end) if part.strip()]
