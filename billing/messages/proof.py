"""What no library checks of a written message: that it is whole, well-formed, and says what the charge says.

Every writer reads its own text back into `Said` and proves it here before anybody gets it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from decimal import Decimal

import msgspec
from msgspec import Struct

from billing import codes, icd
from billing.charge import Charge, grounds_digest
from billing.context import Context
from billing.errors import MessageHole
from billing.facts import Facts
from billing.npi import good_npi
from billing.reference.tables import References
from billing.rules.diagnosis import stand
from billing.rules.modifiers import SLOTS

MODIFIER = re.compile(r"[0-9A-Z]{2}")
ORDER = tuple(m for slot in SLOTS for m in slot)
MOST_MODIFIERS, MOST_POINTERS, MOST_DIAGNOSES = 4, 4, 12


class Said(Struct, frozen=True, kw_only=True):
    """What a written message says of a charge, read back from its text.

    Parameters
    ----------
    pos : place of service; None where the form has no place for it
    pointers : which diagnoses the line points at, from 1 on; None where the form has none
    npis : NPI by role, all that stand in the text
    before : other dates by name that may not lie after the service (birth)
    after : other dates by name that may not lie before it but for a zone's difference (posting, creation)
    """

    charge_id: str
    code: str
    modifiers: tuple[str, ...]
    units: str
    diagnoses: tuple[str, ...]
    day: dt.date
    pos: str | None = None
    pointers: tuple[int, ...] | None = None
    npis: dict[str, str] = msgspec.field(default_factory=dict)
    amount: Decimal | None = None
    before: dict[str, dt.date] = msgspec.field(default_factory=dict)
    after: dict[str, dt.date] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Said({self.charge_id})"


def prove(
    said: Said, charge: Charge, *, amount: Decimal | None = None, taken_back: bool = False, references: References
) -> None:
    """Check a message against itself and against the charge.

    Parameters
    ----------
    amount : of the fee table, where the form states one
    taken_back : it credits or voids; then a table that came later does not stop it

    Raises
    ------
    MessageHole
        At the first thing that is wrong, by name.
    """
    check_line(charge)
    _codes(said)
    _pointers(said)
    _dates(said)
    for role, npi in said.npis.items():
        if not good_npi(npi):
            raise _hole(f"{role} NPI", f"the {role} provider's NPI is not one")
    if not taken_back:
        check_diagnoses(charge, references)
    _equal(said, charge, amount)


def check_line(charge: Charge) -> None:
    """Code, modifiers, units, diagnoses, place and component of the charge itself.

    Raises
    ------
    MessageHole
        At the first contradiction.
    """
    if charge.code not in codes.FAMILY:
        raise _hole("code", "the code is none of the 3D family")
    places = [ORDER.index(m) if m in ORDER else -1 for m in charge.modifiers]
    if -1 in places or places != sorted(set(places)) or len(places) > MOST_MODIFIERS:
        raise _hole("modifiers", "the modifiers are unknown, doubled, unordered or too many")
    if charge.units < 1:
        raise _hole("units", "there is no unit")
    if not charge.diagnoses or not all(icd.FORM.fullmatch(d) for d in charge.diagnoses):
        raise _hole("diagnosis", "a diagnosis is missing or no ICD-10-CM code")
    if len(charge.diagnoses) > MOST_DIAGNOSES or len(set(charge.diagnoses)) != len(charge.diagnoses):
        raise _hole("diagnosis", "there are more than twelve diagnoses, or one stands twice")
    _component(charge)


def _component(charge: Charge) -> None:
    component, given = charge.identity.component, set(charge.modifiers)
    modifier = {"26": "26", "TC": "TC"}.get(component)
    if {"26", "TC"} & given != ({modifier} if modifier else set()):
        raise _hole("modifiers", "the modifiers are not those of the component")
    if component in {"TC", "institutional"} and "GC" in given:
        raise _hole("modifiers", "GC goes with a physician's part only")
    if component == "institutional" and "53" in given:
        raise _hole("modifiers", "53 is for a physician's claim only")
    if {"PO", "PN"} & given and (component != "institutional" or charge.pos != "19"):
        raise _hole("modifiers", "PO and PN go with an off-campus department's own line only")
    if not re.fullmatch(r"\d{2}", charge.pos):
        raise _hole("place of service", "the place of service is missing")
    if component in {"TC", "global"} and charge.pos in codes.FACILITY_POS:
        raise _hole("place of service", "the place contradicts the component")
    if component == "institutional" and charge.pos not in codes.OUTPATIENT_POS:
        raise _hole("place of service", "a hospital's own line is for its outpatient places")


def check_grounds(charge: Charge) -> None:
    """Whether facts and answer are those that were confirmed.

    Raises
    ------
    MessageHole
        They were touched.
    """
    if charge.digest != grounds_digest(charge.facts, charge.answer):
        raise _hole("grounds", "facts and answer are not those that were confirmed")


def check_diagnoses(charge: Charge, references: References) -> None:
    """Whether each diagnosis is valid on the day of the service, as far as a table can tell.

    Raises
    ------
    MessageHole
        A table says that one is not, or the frozen grounds were touched.
    """
    check_grounds(charge)
    facts = msgspec.json.decode(charge.facts, type=Facts)
    case = Context(facts, charge.service_date, references=references)
    for code in charge.diagnoses:
        if stand(case, code).valid is False:
            raise _hole("diagnosis", f"{code} is not a billable code on the day of the service")


def _codes(said: Said) -> None:
    if said.code not in codes.FAMILY:
        raise _hole("code", "the code is none of the 3D family")
    if not all(MODIFIER.fullmatch(m) for m in said.modifiers):
        raise _hole("modifiers", "a modifier is not two letters or digits")
    if len(set(said.modifiers)) != len(said.modifiers):
        raise _hole("modifiers", "a modifier stands twice")
    places = [ORDER.index(m) if m in ORDER else -1 for m in said.modifiers]
    if places != sorted(places) or -1 in places or len(places) > MOST_MODIFIERS:
        raise _hole("modifiers", "the modifiers are unknown, out of order or too many")
    if not all(icd.FORM.fullmatch(d) for d in said.diagnoses) or not said.diagnoses:
        raise _hole("diagnosis", "a diagnosis is missing or no ICD-10-CM code")


def _pointers(said: Said) -> None:
    if said.pointers is None:
        return
    inside = all(1 <= p <= len(said.diagnoses) for p in said.pointers)
    if not inside or not said.pointers or len(set(said.pointers)) != len(said.pointers):
        raise _hole("diagnosis pointer", "a pointer leads to no diagnosis, or two lead to one")
    if len(said.pointers) > MOST_POINTERS or said.pointers[0] != 1:
        raise _hole("diagnosis pointer", "there are more than four pointers, or the first is not the principal one")


def _dates(said: Said) -> None:
    for name, day in said.before.items():
        if day > said.day:
            raise _hole(name, f"the {name.rpartition('.')[2].replace('_', ' ')} is after the service")
    for name, day in said.after.items():
        # a zone apart, the posting's date may be a day before the site's date of the service
        if day < said.day - dt.timedelta(days=1):
            raise _hole(name, f"the {name} is before the service")


def _equal(said: Said, charge: Charge, amount: Decimal | None) -> None:
    """The message says what the charge says: nothing else, nothing less."""
    pairs = {
        "charge id": (said.charge_id, charge.charge_id),
        "code": (said.code, charge.code),
        "modifiers": (said.modifiers, charge.modifiers),
        "units": (said.units, str(charge.units)),
        "diagnosis": (said.diagnoses, charge.diagnoses),
        "service date": (said.day, charge.service_date),
        "place of service": (charge.pos if said.pos is None else said.pos, charge.pos),
        "amount": (said.amount, amount),
        **{
            f"{role} NPI": (said.npis[role], own)
            for role, own in (
                ("rendering", charge.rendering_npi),
                ("ordering", charge.ordering_npi),
                ("billing", charge.billing_npi),
            )
            if role in said.npis
        },
    }
    for name, (written, meant) in pairs.items():
        if written != meant:
            raise _hole(name, f"{name} is not the charge's")


def date_of(text: str, name: str) -> dt.date:
    """Eight digits as a date; only one that exists.

    Raises
    ------
    MessageHole
        It is none.
    """
    if re.fullmatch(r"\d{8}", text):
        with contextlib.suppress(ValueError):
            return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    raise _hole(name, f"{name} is no date")


def needed(found: dict[str, str]) -> None:
    """Refuse an element that must have a value and has none.

    Raises
    ------
    MessageHole
        At the first one, by name.
    """
    for name, value in found.items():
        if not value.strip():
            raise _hole(name, f"{name} is missing")


def _hole(hole: str, why: str) -> MessageHole:
    return MessageHole(hole, f"The message cannot be written: {why}.")
