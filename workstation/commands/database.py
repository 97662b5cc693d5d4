"""`renderdesk database`: which database the home has, and its move into a department's."""

from __future__ import annotations

import argparse

from workstation.commands.frame import print_json

EXAMPLE = """Examples:
  renderdesk database --json
  renderdesk database move postgresql://renderdesk@server.example/renderdesk"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", nargs="?", choices=("move",), help="carry this home over; without it, say what there is")
    parser.add_argument("url", nargs="?", metavar="URL", help="an empty PostgreSQL database that its user owns")


def run(args: argparse.Namespace) -> int:
    from workstation.base.paths import home
    from workstation.desk.move_database import moved, told

    if args.act:
        done = moved(home(), args.url or "")
        if args.json:
            print_json(done)
        else:
            print(
                f"{sum(done['rows'].values())} rows are in the department's database; site.toml of the home names it."
            )
        return 0
    found = told(home())
    if args.json:
        print_json(found)
    else:
        print("\n".join([str(found["sentence"]), *found["wrong"]]))
    return 1 if found["wrong"] else 0
