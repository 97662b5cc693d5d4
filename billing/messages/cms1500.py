"""A charge as the boxes of the paper claim CMS-1500 (02/12), by number; the drawing is somebody else's.

Only numbers of boxes and values: the form's own wording is its owner's. Dates are MM DD YYYY or MM DD YY as the form
wants them, diagnoses go without dots, pointers are letters.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from billing.charge import Charge
from billing.errors import MessageHole
from billing.messages.claim_context import RELATIONS, ClaimContext, check, money
from billing.messages.proof import Said, needed, prove
from billing.messages.x12 import digits, number, words
from billing.parties import Address, Person
from billing.reference.tables import BUILT_IN, References

FORM = "CMS-1500 02/12"
LETTERS = "ABCDEFGHIJKL"
# box 1: who the payer is
COVERAGE = {"medicare": "MEDICARE", "medicaid": "MEDICAID"}
SIGNED = "SIGNATURE ON FILE"
RESUBMISSION = {"1": "", "7": "7", "8": "8"}

Boxes = dict[str, Any]


def boxes(charge: Charge, context: ClaimContext, *, written: dt.date, references: References = BUILT_IN) -> Boxes:
    """The form's boxes that have a value, read back and proved.

    Parameters
    ----------
    written : date of the form (boxes 12 and 31)

    Raises
    ------
    MessageHole
        Something is missing, or the charge is a hospital's own line; `hole` names it.
    """
    if charge.identity.component == "institutional":
        raise MessageHole("component", "A hospital's line is no professional claim.")
    if context.other_plan is None:
        raise MessageHole("other plan", "The form cannot be written: whether another plan pays is not known (box 11d).")
    if context.other_plan:
        raise MessageHole("other plan", "The form cannot be written: the other plan's boxes 9 to 9d are not known.")
    amount = check(charge, context, references)
    made = {
        "form": FORM,
        **_insured(context),
        **_clinical(charge, context),
        "24": [_line(charge, amount)],
        **_money(charge, context, amount),
        **_places(charge, context, written),
    }
    made = {key: value for key, value in made.items() if value not in ("", None)}
    prove(read_back(made), charge, amount=Decimal(amount), taken_back=context.frequency == "8", references=references)
    return made


def _insured(context: ClaimContext) -> Boxes:
    own, patient = context.subscriber, context.patient or context.subscriber
    relation = "SELF" if context.patient is None else RELATIONS[context.relationship].upper()
    medicare = context.payer_kind == "medicare"
    return {
        "payer": {"name": words(context.payer_name, 40), "id": number(context.payer_id)},
        "1": COVERAGE.get(context.payer_kind, "OTHER"),
        "1a": number(context.member_id),
        "2": _name(patient.name),
        "3": {"birth": _long(patient.birth_date), "sex": "" if patient.sex == "U" else patient.sex},
        # Medicare leaves the insured person's boxes empty: the patient is the insured person
        "4": "" if medicare else _name(own.name),
        "5": _address(patient.address),
        "6": relation,
        "7": "" if medicare else _address(own.address),
        "10a": "NO",
        "10b": "NO",
        "10c": "NO",
        # NONE says that nobody pays before Medicare
        "11": "NONE" if medicare else number(context.group_number),
        "11a": "" if medicare else {"birth": _long(own.birth_date), "sex": "" if own.sex == "U" else own.sex},
        "11c": "" if medicare else words(context.plan, 40, optional=True),
        "11d": "" if medicare else "NO",
        "12": SIGNED,
        "13": "" if medicare else SIGNED,
    }


def _clinical(charge: Charge, context: ClaimContext) -> Boxes:
    bought = context.purchased
    return {
        "17": {"qualifier": "DK", "name": _person(context.ordering)},
        "17b": charge.ordering_npi,
        "20": {"outside": "YES", "charges": money(bought.amount)} if bought else {"outside": "NO"},
        "21": {"indicator": "0"} | {LETTERS[i]: d.replace(".", "") for i, d in enumerate(charge.diagnoses)},
        "22": {"code": RESUBMISSION[context.frequency], "original": number(context.payer_control_number)}
        if context.frequency != "1"
        else "",
        "23": number(context.authorisation),
    }


def _line(charge: Charge, amount: str) -> Boxes:
    day = charge.service_date.strftime("%m %d %y")
    return {
        "A": {"from": day, "to": day},
        "B": charge.pos,
        "D": {"code": charge.code, "modifiers": list(charge.modifiers)},
        "E": LETTERS[: min(len(charge.diagnoses), 4)],
        "F": amount,
        "G": str(charge.units),
        "J": charge.rendering_npi,
    }


def _money(charge: Charge, context: ClaimContext, amount: str) -> Boxes:
    return {
        "25": {"number": digits(context.biller.tax_id), "kind": "EIN"},
        "26": charge.charge_id,
        "27": "YES" if context.biller.accepts_assignment else "NO",
        "28": amount,
        "29": "0.00",
    }


def _places(charge: Charge, context: ClaimContext, written: dt.date) -> Boxes:
    biller, facility = context.biller, context.facility
    where = facility or None
    bought = context.purchased.npi if context.purchased else ""
    return {
        "31": {"name": _person(context.rendering), "date": written.strftime("%m %d %y")},
        "32": {"name": words(where.name, 60), **_address(where.address)}
        if where
        else {"name": words(biller.name, 60), **_address(biller.address)},
        "32a": bought or (where.npi if where else charge.billing_npi),
        "33": {"name": words(biller.name, 60), "telephone": digits(biller.telephone), **_address(biller.address)},
        "33a": charge.billing_npi,
        "33b": f"ZZ{biller.taxonomy}",
    }


REQUIRED = ("1", "1a", "2", "5", "6", "10a", "10b", "10c", "12", "17b", "25", "26", "27", "28", "32a", "33a")


def read_back(made: Boxes) -> Said:
    """What a form says, read from its boxes.

    Raises
    ------
    MessageHole
        A box is missing, empty or malformed, or two boxes contradict each other.
    """
    needed({f"box {box}": str(made.get(box) or "") for box in REQUIRED})
    try:
        (line,) = made["24"]
        listed = {k: v for k, v in made["21"].items() if k != "indicator"}
        if list(listed) != list(LETTERS[: len(listed)]) or made["21"]["indicator"] != "0":
            raise MessageHole("box 21", "The form cannot be written: box 21 has a hole, or names another code list.")
        if made["28"] != line["F"] or line["A"]["from"] != line["A"]["to"]:
            raise MessageHole("box 28", "The form cannot be written: the total is not the line's, or it has two days.")
        return Said(
            charge_id=made["26"],
            code=line["D"]["code"],
            modifiers=tuple(line["D"]["modifiers"]),
            units=line["G"],
            diagnoses=tuple(d if len(d) == 3 else f"{d[:3]}.{d[3:]}" for d in listed.values()),
            day=_day(line["A"]["from"], "%m %d %y"),
            pos=line["B"],
            pointers=tuple(LETTERS.index(letter) + 1 for letter in line["E"]),
            npis={
                "rendering": line["J"],
                "ordering": made["17b"],
                "billing": made["33a"],
                "facility": made["32a"],
            },
            amount=Decimal(line["F"]),
            before={"patient birth date": _day(made["3"]["birth"], "%m %d %Y")},
            after={"date of the form": _day(made["31"]["date"], "%m %d %y")},
        )
    except (KeyError, IndexError, ValueError, TypeError, ArithmeticError):
        raise MessageHole("boxes", "The form cannot be written: a box is missing or malformed.") from None


def _day(text: str, form: str) -> dt.date:
    return dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC).date()


def _long(day: dt.date) -> str:
    return day.strftime("%m %d %Y")


def _name(person: Person) -> str:
    """Family, given."""
    given = words(person.given, 35, optional=True)
    return words(person.family, 60) + (f", {given}" if given else "")


def _person(person: Person) -> str:
    """Given family."""
    return f"{words(person.given, 35, optional=True)} {words(person.family, 60)}".strip()


def _address(address: Address) -> Boxes:
    zip_code = digits(address.zip_code)
    if not re.fullmatch(r"[A-Z]{2}", address.state) or len(zip_code) not in {5, 9}:
        raise MessageHole("address", "The form cannot be written: an address has no state or no ZIP.")
    return {
        "street": words(address.street, 55),
        "city": words(address.city, 30),
        "state": address.state,
        "zip": zip_code if len(zip_code) == 5 else f"{zip_code[:5]}-{zip_code[5:]}",
    }
