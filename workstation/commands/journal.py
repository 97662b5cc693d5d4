"""`renderdesk journal`: who did what, in order."""

from __future__ import annotations

import argparse

from workstation.commands.frame import print_json

EXAMPLE = "Example: renderdesk journal study:2.25.1234 --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="?", metavar="study:UID", help="one study; without it, everything")


def run(args: argparse.Namespace) -> int:
    import msgspec

    from workstation.base.clock import SystemClock
    from workstation.base.errors import InputRefused
    from workstation.base.paths import home
    from workstation.desk.place import Place

    study = args.source or ""
    if study and not study.startswith("study:"):
        raise InputRefused("source", "Name the study as study:UID; `renderdesk list` shows the UIDs.")
    place = Place(home(), SystemClock(), "", demo=False)
    try:
        entries = place.journal.entries(study.removeprefix("study:"))
    finally:
        place.close()
    if args.json:
        print_json(
            [
                {
                    "number": e.number,
                    "at": e.event.at,
                    "actor": e.event.actor.name if e.event.actor else None,
                    "account": e.event.actor.account if e.event.actor else None,
                    "role": e.event.actor.role if e.event.actor else None,
                    "station": e.event.station,
                    "kind": e.event.kind,
                    "scripted": e.event.scripted,
                    "case": msgspec.to_builtins(e.event.case) if e.event.case else None,
                    "payload": e.event.payload,
                    "previous": e.previous,
                    "hash": e.hash,
                }
                for e in entries
            ]
        )
        return 0
    for e in entries:
        who = f"{e.event.actor.name} ({e.event.actor.role})" if e.event.actor else "-"
        print(f"{e.number:6}  {e.event.at}  {who:36.36}  {e.event.kind:22}  {e.hash[:12]}")
    return 0
