"""`renderdesk audit`: explain a past charge, and decide it again by the rules of its day beside today's."""

from __future__ import annotations

import argparse

from workstation.commands.frame import print_json

EXAMPLE = "Example: renderdesk audit QNBFKDG2SE10 --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("charge_id", metavar="CHARGE-ID", help="as the ledger and the message name it")


def run(args: argparse.Namespace) -> int:
    import msgspec

    from billing.audit import audit
    from billing.errors import BillingError
    from billing.explain import explain
    from workstation.base.clock import SystemClock
    from workstation.base.errors import InputRefused
    from workstation.base.paths import home
    from workstation.desk.charge_ledger import ledger_of
    from workstation.desk.charge_site import grounds_of
    from workstation.desk.place import Place

    place = Place(home(), SystemClock(), "", demo=False)
    try:
        try:
            charge = ledger_of(place).get(args.charge_id.strip().upper())
            known = grounds_of(place.home)
            found = audit(charge, references=known.references, payers=known.payers, site=known.site)
        except BillingError as error:
            raise InputRefused(error.code, error.sentence) from error
    finally:
        place.close()
    if args.json:
        print_json({**msgspec.to_builtins(found), "state": charge.state})
        return 0
    print(f"Charge {charge.charge_id}, {charge.state}: confirmed by {charge.confirmed_by} at {charge.confirmed_at}.")
    print("Facts and answer are those that were confirmed." if found.untouched else "FACTS OR ANSWER WERE CHANGED.")
    print("\n".join(explain(found.then)))
    if not found.differences:
        print("Decided again, the same facts give the same answer.")
    for one in found.differences:
        print(f"Today differs: {one.field}: then {one.then}, now {one.now}.")
    return 0
