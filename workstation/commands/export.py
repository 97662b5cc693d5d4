"""`renderdesk export`: studies of the library into a folder, as they are or without identity."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workstation.commands.account_args import add_account_argument, sign_in, study_of
from workstation.commands.frame import print_json, tell

EXAMPLE = "Example: renderdesk export study:2.25.1234 --out /tmp/teaching --anonymise"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("studies", nargs="+", metavar="study:UID", help="studies of the library")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="a folder that is not there yet")
    parser.add_argument("--anonymise", action="store_true", help="without identity: PS3.15 Basic Profile, new UIDs")
    parser.add_argument(
        "--looked", action="store_true", help="with --anonymise: derived images were looked at, no text is in them"
    )
    add_account_argument(parser)


def run(args: argparse.Namespace) -> int:
    from workstation.desk.desk import Desk

    uids = [study_of(word) for word in args.studies]
    desk = Desk()
    try:
        sign_in(desk, args)
        done = desk.export(
            uids,
            args.out,
            anonymise=args.anonymise,
            looked=args.looked,
            progress=_progress if sys.stderr.isatty() else None,
        )
    finally:
        desk.close()
    if args.json:
        print_json(
            {
                "out": str(done.out),
                "files": done.files,
                "anonymised": args.anonymise,
                "profile": done.profile or None,
                "left_out": [{"files": n, "reason": reason} for reason, n in done.left_out],
                "warnings": list(done.warnings),
            }
        )
        return 0
    print(f"{done.files} files in {done.out}{f', without identity by {done.profile}' if done.profile else ''}.")
    for reason, n in done.left_out:
        tell(f"{n} left out, {reason}.")
    for warning in done.warnings:
        tell(warning)
    return 0


def _progress(done: int, total: int) -> None:
    print(f"\r{done} of {total} files", end="" if done < total else "\n", file=sys.stderr, flush=True)
