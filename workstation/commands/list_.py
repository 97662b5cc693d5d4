"""`renderdesk list`: studies of the library."""

from __future__ import annotations

import argparse

from workstation.commands.frame import print_json

EXAMPLE = "Example: renderdesk list aorta --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", help="words of patient, ID, accession, description or date")


def run(args: argparse.Namespace) -> int:
    import msgspec

    from workstation.desk.desk import Desk

    desk = Desk()
    try:
        found = desk.studies(" ".join(args.query))
    finally:
        desk.close()
    if args.json:
        print_json({"studies": [msgspec.to_builtins(row) for row in found]})
        return 0
    if not found:
        print("No studies. Take some in with: renderdesk import PATH")
    for row in found:
        print(
            f"{row.date or '-':10}  {row.patient_name.replace('^', ' ').strip() or '-':28.28}  {row.patient_id:14.14}  "
            f"{row.modalities:6}  {row.series:3} series {row.images:5} images  {row.state:9}  "
            f"{row.description:30.30}  study:{row.study_uid}"
        )
    return 0
