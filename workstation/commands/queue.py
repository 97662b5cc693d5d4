"""`renderdesk queue`: messages that wait to be sent, are under way or were answered, and how each receiver stands."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from workstation.commands.frame import print_json

EXAMPLE = "Example: renderdesk queue --json (renderdesk claims send works it off)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="answered and withdrawn messages too")


def run(args: argparse.Namespace) -> int:
    from workstation.base.clock import SystemClock
    from workstation.base.paths import home
    from workstation.desk import charge_office
    from workstation.desk.place import Place

    place = Place(home(), SystemClock(), "", demo=False)
    try:
        lines = charge_office.queue(place)
        receivers = charge_office.receivers(place)
    finally:
        place.close()
    shown = [m for m in lines if args.all or m.state in ("waiting", "sent")]
    if args.json:
        print_json({"messages": [asdict(m) for m in shown], "receivers": [asdict(r) for r in receivers]})
        return 0
    for m in shown:
        what = "credit for" if m.credit else "charge"
        print(f"{m.made_at[:16]}  {what} {m.charge_id}  {m.state}, {m.attempts} attempts  {m.problem}".rstrip())
    for r in receivers:
        how = "encrypted" if r.encrypted else "not encrypted"
        print(
            f"{r.name} ({r.host}:{r.port}, {how}): {r.waiting} waiting, {r.unanswered} unanswered. {r.problem}".rstrip()
        )
    if not shown:
        print("Nothing waits.")
    return 0
