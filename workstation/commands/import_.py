"""`renderdesk import`: take folders, files, ZIPs or CDs into the library."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workstation.commands.frame import print_json, tell

EXAMPLE = "Example: renderdesk import /media/cdrom --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folder, file, ZIP or DICOMDIR")


def run(args: argparse.Namespace) -> int:
    from workstation.desk.desk import Desk

    desk = Desk()
    try:
        terminal = sys.stderr.isatty()
        done = desk.import_paths(
            args.paths, progress=_progress if terminal else None, unpacking=_unpacking if terminal else None
        )
    finally:
        desk.close()
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if args.json:
        print_json(
            {
                "studies": list(done.studies),
                "files": done.files,
                "new": done.new,
                "skipped": done.skipped,
                "findings": [
                    {"code": f.code, "severity": f.severity, "sentence": f.sentence, "files": f.files}
                    for f in done.findings
                ],
            }
        )
        return 0
    words = "1 study" if len(done.studies) == 1 else f"{len(done.studies)} studies"
    print(f"{words}, {done.files} files in the library, {done.new} of them new.")
    for finding in done.findings:
        tell(finding.sentence)
    return 0


def _unpacking(done: int, of: int) -> None:
    print(f"\runpacking {done / 1e6:.0f} of {of / 1e6:.0f} MB", end="", file=sys.stderr, flush=True)


def _progress(done: int, total: int) -> None:
    print(f"\r{done} of {total} files", end="", file=sys.stderr, flush=True)
