"""`renderdesk delete`: take a study out of the library for good, in two steps."""

from __future__ import annotations

import argparse

from workstation.commands.account_args import add_account_argument, sign_in, study_of
from workstation.commands.frame import print_json

EXAMPLE = "Example: renderdesk delete study:2.25.1234 --yes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="study:UID", help="a study of the library")
    parser.add_argument("--yes", action="store_true", help="the second step; without it nothing is deleted")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; needed once something was released")
    add_account_argument(parser)


def run(args: argparse.Namespace) -> int:
    from workstation.base.errors import InputRefused
    from workstation.desk.desk import Desk

    study_uid = study_of(args.study)
    desk = Desk()
    try:
        sign_in(desk, args)
        if not args.yes:
            asked = desk.deletion(study_uid)
            raise InputRefused("not_confirmed", f"{asked.sentence} Nothing was deleted; add --yes to do it.")
        done = desk.delete(study_uid, args.reason)
    finally:
        desk.close()
    if args.json:
        gone = {"images": done.images, "drafts": done.drafts}
        print_json({"study_uid": study_uid, "deleted": True, **gone, "charges": done.charges})
    else:
        told = f" The biller is asked about {', '.join(done.charges)}." if done.charges else ""
        print(f"Deleted: {done.images} images. The journal and the ledger keep what was done.{told}")
    return 0
