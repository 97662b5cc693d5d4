"""`renderdesk verify`: every file against its checksum, the journal's chain, the ledger's chain."""

from __future__ import annotations

import argparse

from workstation.commands.frame import print_json, tell

EXAMPLE = "Example: renderdesk verify --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace) -> int:
    from workstation.base.clock import SystemClock
    from workstation.base.paths import home
    from workstation.desk.place import Place
    from workstation.desk.verify import verify

    place = Place(home(), SystemClock(), "", demo=False)
    try:
        found = verify(place)
    finally:
        place.close()
    if args.json:
        print_json(
            {
                "ok": not found.wrong,
                "files": found.files,
                "files_elsewhere": found.elsewhere,
                "journal_lines": found.journal_lines,
                "ledger_rows": found.ledger_rows,
                "wrong": list(found.wrong),
            }
        )
    else:
        for sentence in found.wrong:
            tell(sentence)
        if found.elsewhere:
            print(f"{found.elsewhere} files of the department lie at other workstations and were not looked at.")
        print(
            f"{found.files} files, {found.journal_lines} journal lines, {found.ledger_rows} ledger rows: "
            f"{'all as written' if not found.wrong else f'{len(found.wrong)} wrong'}."
        )
    return 1 if found.wrong else 0
