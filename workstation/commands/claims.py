"""`renderdesk claims`: charges after they are confirmed: send, take answers in, hand over as files, void, replace."""

from __future__ import annotations

import argparse
import socket
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.base.errors import InputRefused
from workstation.commands.account_args import add_account_argument, sign_in
from workstation.commands.frame import print_json, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from workstation.desk.desk import Desk

EXAMPLE = """Examples:
  renderdesk claims list --state rejected
  renderdesk claims send                          (once; a scheduler calls it every minute)
  renderdesk claims answers inbox/*.hl7 inbox/*.999
  renderdesk claims export --format 837p --out claims.837
  renderdesk claims void QNBFKDG2SE10 --again QNBFKDG2SE10 --reason "wrong patient" --account b.biller"""
FORMATS = ("csv", "837p", "837i", "cms1500", "fhir")
STATES = ("confirmed", "sent", "acknowledged", "rejected", "void", "replaced")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_account_argument(parser)
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    listed = acts.add_parser("list", help="every charge with its state, and what its receiver said")
    listed.add_argument("--state", choices=STATES, help="only these")
    shown = acts.add_parser("show", help="who did what to a charge")
    shown.add_argument("charge_id", metavar="CHARGE-ID")
    sent = acts.add_parser("send", help="send what waits, once, over the site's HL7 links")
    sent.add_argument("--at-once", action="store_true", help="also what is to rest after a failed attempt")
    taken = acts.add_parser("answers", help="take in HL7 acknowledgements and X12 TA1, 999 and 277CA")
    taken.add_argument("files", nargs="+", type=Path, metavar="FILE")
    for name, line in (
        ("void", "take a charge back"),
        ("replace", "decide the charge's case anew and put that in its place"),
        ("resend", "send a refused charge again, unchanged"),
        ("uphold", "let a charge stand whose study was deleted"),
    ):
        act = acts.add_parser(name, help=line)
        act.add_argument("charge_id", metavar="CHARGE-ID")
        act.add_argument("--reason", required=True, help="why; it stands in the ledger")
        if name == "void":
            act.add_argument("--again", required=True, metavar="CHARGE-ID", help="the charge's id a second time")
    made = acts.add_parser("export", help="hand over what has not left the house yet, as a file")
    made.add_argument("--format", required=True, choices=FORMATS, help="cms1500 is drawn where FILE ends in .pdf")
    made.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write it")
    made.add_argument("--force", action="store_true", help="replace an existing file")
    which = made.add_mutually_exclusive_group()
    which.add_argument(
        "--all", action="store_true", help="a table of every charge (csv); nothing counts as handed over"
    )
    which.add_argument("--number", type=int, metavar="N", help="an earlier export once more, byte for byte")
    acts.add_parser("exports", help="the files that were handed over")
    insured = acts.add_parser("coverage", help="state how a study's patient is insured (JSON)")
    insured.add_argument("study", metavar="study:UID")
    insured.add_argument("file", type=Path, metavar="FILE")
    lacking = acts.add_parser("holes", help="what keeps a charge from being written in a form")
    lacking.add_argument("charge_id", metavar="CHARGE-ID")
    lacking.add_argument("--format", required=True, choices=FORMATS)
    for act in acts.choices.values():
        # after the act as well as before it
        act.add_argument("--home", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        act.add_argument("--account", metavar="NAME", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        act.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from workstation.desk.desk import Desk

    desk = Desk(station=socket.gethostname()[:16])
    try:
        secret = sign_in(desk, args)
        act = ACTS.get(args.act)
        return act(desk, args) if act else _undo(desk, args, secret)
    finally:
        desk.close()


def _list(desk: Desk, args: argparse.Namespace) -> int:
    from workstation.desk import charge_office

    lines = charge_office.charges(desk.place, state=args.state or "")
    if args.json:
        print_json({"charges": [asdict(line) for line in lines]})
        return 0
    for line in lines:
        code = "-".join((line.code, *line.modifiers))
        told = line.task or line.reason or line.problem
        print(f"{line.charge_id}  {line.service_date}  {code:12}  {line.state:12}  {told}".rstrip())
    return 0


def _show(desk: Desk, args: argparse.Namespace) -> int:
    from workstation.desk import charge_office

    lines = charge_office.history(desk.place, args.charge_id.strip().upper())
    if args.json:
        print_json({"history": [asdict(line) for line in lines]})
        return 0
    for line in lines:
        print(f"{line.at}  {line.before} -> {line.after}  {line.who} ({line.role})  {line.reason}".rstrip())
    return 0


def _send(desk: Desk, args: argparse.Namespace) -> int:
    """One round; 1 where something could not be sent."""
    from workstation.desk import charge_office

    sent = charge_office.send(desk.place, at_once=args.at_once)
    if args.json:
        print_json(asdict(sent))
    else:
        print(f"{sent.sent} sent, {sent.acknowledged} acknowledged, {sent.rejected} refused, {sent.waiting} waiting.")
        if sent.nowhere:
            print(f"{sent.nowhere} without a receiver: the site file names none for them.")
        for problem in sent.problems:
            tell(problem)
    return 1 if sent.problems else 0


def _answers(desk: Desk, args: argparse.Namespace) -> int:
    from workstation.desk import charge_office

    taken = charge_office.take_in(desk.place, desk.actor, args.files)
    if args.json:
        print_json({"answers": [asdict(one) for one in taken]})
        return 0
    for one in taken:
        print(f"{one.kind:6}  {one.charge_id:12}  {one.outcome}  {one.reason}".rstrip())
    return 0


def _undo(desk: Desk, args: argparse.Namespace, secret: str) -> int:
    from workstation.desk import charge_office

    if desk.actor is None:
        raise InputRefused("account", f"To {args.act} a charge name the account that does it with --account.")
    charge_id = args.charge_id.strip().upper()
    if args.act == "uphold":
        desk.uphold_charge(charge_id, reason=args.reason, secret=secret)
        if args.json:
            print_json({"charge_id": charge_id, "upheld": True})
        else:
            print(f"Charge {charge_id} stands.")
        return 0
    if args.act == "void":
        done = charge_office.void(
            desk.place, desk.people, charge_id, again=args.again, reason=args.reason, secret=secret
        )
    elif args.act == "replace":
        done = charge_office.replace(desk.place, desk.people, charge_id, reason=args.reason, secret=secret)
    else:
        done = charge_office.resend(desk.place, desk.people, charge_id, reason=args.reason, secret=secret)
    if args.json:
        print_json(asdict(done))
        return 0
    told = " A credit goes to its receiver." if done.credit else ""
    new = f" Charge {done.new_charge_id} stands in its place." if done.new_charge_id else ""
    print(f"Charge {done.charge_id} is {done.state}.{told}{new}")
    return 0


def _export(desk: Desk, args: argparse.Namespace) -> int:
    """0 where everything that was due is in the file, 1 where something was left out."""
    from workstation.desk import charge_office

    if args.number is not None:
        done = charge_office.write_again(desk.place, desk.actor, args.number, args.out, force=args.force)
    else:
        done = charge_office.export(desk.place, desk.actor, args.format, args.out, force=args.force, at_hand=args.all)
    if args.json:
        print_json({**asdict(done), "path": str(done.path) if done.path else None})
    else:
        where = f"{done.path}: " if done.path else "No file: nothing is due. "
        print(f"{where}{len(done.charges)} charges, {len(done.credits)} credits.")
        for one in done.left_out:
            tell(f"{one.charge_id} is left out: {one.sentence}")
    return 1 if done.left_out else 0


def _exports(desk: Desk, args: argparse.Namespace) -> int:
    from workstation.desk import charge_office

    lines = charge_office.exports(desk.place)
    if args.json:
        print_json({"exports": [asdict(line) for line in lines]})
        return 0
    for line in lines:
        what = f"{line.charges} charges, {line.credits} credits"
        print(f"{line.number:6}  {line.at[:16]}  {line.format:8}  {what}  {line.file}")
    return 0


def _coverage(desk: Desk, args: argparse.Namespace) -> int:
    import json

    from workstation.commands.account_args import study_of
    from workstation.desk import charge_office

    try:
        document = json.loads(args.file.read_text(encoding="utf-8-sig"))
    except OSError:
        raise InputRefused("coverage", f"{args.file.name} cannot be opened.") from None
    except (ValueError, RecursionError):
        raise InputRefused("coverage", f"{args.file.name} is not JSON.") from None
    stated = charge_office.state_coverage(desk.place, desk.actor, study_of(args.study), document)
    if args.json:
        print_json({"payer_kind": stated.payer_kind})
    else:
        print(f"Kept how the patient is insured with {stated.payer_kind}.")
    return 0


def _holes(desk: Desk, args: argparse.Namespace) -> int:
    from workstation.desk import charge_office

    found = charge_office.holes(desk.place, args.charge_id.strip().upper(), args.format)
    if args.json:
        print_json({"holes": [asdict(one) for one in found]})
    else:
        print("\n".join(one.sentence for one in found) or "Nothing is missing.")
    return 0


ACTS: dict[str, Callable[[Desk, argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "send": _send,
    "answers": _answers,
    "export": _export,
    "exports": _exports,
    "coverage": _coverage,
    "holes": _holes,
}
