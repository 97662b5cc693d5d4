"""`renderdesk audit`: explain a past charge, and decide it again by the rules of its day beside today's."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from workstation.commands.charge import day as _day
from workstation.commands.frame import print_json

if TYPE_CHECKING:
    from billing.audit import Audit

EXAMPLE = "Example: renderdesk audit QNBFKDG2SE10 --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("charge_id", metavar="CHARGE-ID", help="as the ledger and the message name it")
    parser.add_argument(
        "--date",
        type=_day,
        metavar="YYYY-MM-DD",
        help="today's day of deciding; default: the day of the first decision",
    )


def run(args: argparse.Namespace) -> int:
    import datetime as dt

    import msgspec

    from billing.audit import Known, audit
    from billing.errors import BillingError
    from workstation.base.clock import SystemClock
    from workstation.base.errors import InputRefused
    from workstation.base.paths import home
    from workstation.desk.charge_ledger import ledger_of
    from workstation.desk.charge_references import references_of
    from workstation.desk.charge_site import grounds_of
    from workstation.desk.place import Place

    place = Place(home(), SystemClock(), "", demo=False)
    try:
        try:
            charge = ledger_of(place).get(args.charge_id.strip().upper())
            today, at = grounds_of(place.home), charge.confirmed_at
            payers = today.payers.known_by(dt.date.fromisoformat(at[:10])) if today.payers and at else today.payers
            found = audit(
                charge,
                as_of=args.date,
                references=today.references,
                payers=today.payers,
                site=today.site,
                known_then=Known(references_of(place.home, known_at=at), payers, today.site),
            )
        except BillingError as error:
            raise InputRefused(error.code, error.sentence) from error
    finally:
        place.close()
    if args.json:
        print_json({**msgspec.to_builtins(found), "state": charge.state})
        return 0
    print(f"Charge {charge.charge_id}, {charge.state}: confirmed by {charge.confirmed_by} at {charge.confirmed_at}.")
    print("Facts and answer are those that were confirmed." if found.untouched else "FACTS OR ANSWER WERE CHANGED.")
    _tell(found)
    return 0


def _tell(found: Audit) -> None:
    """What was decided, and where the two decisions of now part from it."""
    from billing.explain import explain

    print("\n".join(explain(found.then)))
    if not found.repeated:
        print("By the rules, tables and payer records of its day the same facts give the same answer.")
    for one in found.repeated:
        print(f"Its own day decided again differs: {one.field}: then {_words(one.then)}, now {_words(one.now)}.")
    if not found.differences:
        print("By those of today they give the same answer.")
    for one in found.differences:
        print(f"Today differs: {one.field}: then {_words(one.then)}, now {_words(one.now)}.")


def _words(value: object) -> str:
    """A value of an answer for a person."""
    if isinstance(value, dict):
        return " ".join(str(v) for v in value.values() if v is not None)
    if isinstance(value, list | tuple):
        return ", ".join(_words(v) for v in value) or "none"
    return "nothing" if value is None else str(value)
