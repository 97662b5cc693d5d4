"""`renderdesk reference`: take the official tables in, and say what is loaded and how old it is."""

from __future__ import annotations

import argparse
from pathlib import Path

from workstation.commands.frame import print_json

EXAMPLE = """Examples:
  renderdesk reference --json
  renderdesk reference import icd10cm_order_2026.txt MCR_MUE_PractitionerServices.csv"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("import",), help="take files in; without it, list what there is")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="official files as published")


def run(args: argparse.Namespace) -> int:
    from datetime import date

    from billing.reference.tables import BUILT_IN_EFFECTIVE
    from billing.rules.book import RULES_VERSION
    from workstation.base.clock import SystemClock
    from workstation.base.errors import InputRefused
    from workstation.base.paths import home
    from workstation.desk.charge_case import today
    from workstation.desk.charge_references import ages, import_files
    from workstation.desk.place import Place

    if bool(args.files) is not bool(args.what):
        raise InputRefused("files", "Name the files to import: renderdesk reference import FILE ...")
    place = Place(home(), SystemClock(), "", demo=False)
    try:
        new = import_files(place, None, args.files) if args.what else ()
        day = today(place)
        found = ages(place.home, day)
    finally:
        place.close()
    age = (date.fromisoformat(day) - BUILT_IN_EFFECTIVE).days
    if args.json:
        print_json(
            {
                "rules_version": RULES_VERSION,
                "built_in_effective": BUILT_IN_EFFECTIVE.isoformat(),
                "built_in_age_days": age,
                "imported": [one.file for one in new],
                "files": found,
            }
        )
        return 0
    for one in new:
        print(f"Imported {one.file} ({one.kind}, effective {one.effective}).")
    print(f"Rules {RULES_VERSION}; built-in tables of {BUILT_IN_EFFECTIVE}, {age} days old.")
    for row in found:
        replaced = "  replaced by a later import" if row["replaced"] else ""
        print(f"{row['file']:48}  {row['kind']:10}  effective {row['effective']}  {row['age_days']} days old{replaced}")
    return 0
