"""`renderdesk ledger`: the charges as they stand, and the acts on them that need no window."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from workstation.commands.account_args import add_account_argument, sign_in, study_of
from workstation.commands.frame import print_json

if TYPE_CHECKING:
    from workstation.desk.desk import Desk

EXAMPLE = """Examples:
  renderdesk ledger --json
  renderdesk ledger close 2026-03-31 --account b.ortiz
  renderdesk ledger separate study:2.25.12 --series 2.25.13 --account t.lee --reason "New scan at 16:10"
  renderdesk ledger rejoin study:2.25.12 --series 2.25.13 --account t.lee --reason "A late phase only\""""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "act", nargs="?", choices=("separate", "rejoin", "close"), help="what to do; without it, list every charge"
    )
    parser.add_argument("target", nargs="?", metavar="study:UID|DATE", help="the study, or the last day to close")
    parser.add_argument("--series", metavar="UID", help="the series that was acquired in a session of its own")
    parser.add_argument("--reason", default="", help="why; it stands in the record under your name")
    add_account_argument(parser)


def run(args: argparse.Namespace) -> int:
    from workstation.desk.desk import Desk

    desk = Desk()
    try:
        if args.act is None:
            done: Any = _listed(desk)
        else:
            secret = sign_in(desk, args)
            done = _closed(desk, args, secret) if args.act == "close" else _session(desk, args)
    finally:
        desk.close()
    if args.json:
        print_json(done)
        return 0
    for row in done if isinstance(done, list) else ():
        print(f"{row['charge_id']}  {row['service_date']}  {row['code']:16}  {row['state']:12}  {row['confirmed_by']}")
    if isinstance(done, dict):
        print(done["sentence"])
    return 0


def _listed(desk: Desk) -> list[dict[str, Any]]:
    from workstation.desk.charge_ledger import ledger_of

    return [
        {
            "charge_id": c.charge_id,
            "state": c.state,
            "code": "-".join((c.code, *c.modifiers)),
            "units": c.units,
            "service_date": c.service_date.isoformat(),
            "component": c.identity.component,
            "anatomy": c.identity.anatomy,
            "study_uid": c.identity.study_uid,
            "session": c.identity.session,
            "late": c.late,
            "replaces": c.replaces,
            "confirmed_by": c.confirmed_by,
            "confirmed_at": c.confirmed_at,
            "service_key": c.key,
        }
        for c in ledger_of(desk.place).charges().values()
    ]


def _closed(desk: Desk, args: argparse.Namespace, secret: str) -> dict[str, Any]:
    from datetime import date

    from workstation.base.errors import InputRefused
    from workstation.desk.charge_ledger import close_days

    try:
        day = date.fromisoformat(args.target or "")
    except ValueError as error:
        raise InputRefused("date", "Name the last day to close as YYYY-MM-DD.") from error
    until = close_days(desk.place, desk.people, day, secret=secret)
    return {"closed_until": until, "sentence": f"The books are closed up to and including {until}."}


def _session(desk: Desk, args: argparse.Namespace) -> dict[str, Any]:
    import msgspec

    from workstation.base.errors import InputRefused
    from workstation.desk.confirm_charge import who_states
    from workstation.desk.open_study import stored_case
    from workstation.desk.separate_session import rejoin, separate

    case = stored_case(desk.place, study_of(args.target or ""))
    if case is None:
        raise InputRefused("unknown_study", "This study has no case yet; open it first.")
    held = {i.series_uid for i in desk.place.library.instances(case.key.study_uid, made_here=False)}
    if args.series not in held:
        raise InputRefused("series", "Name a series of this study with --series; `renderdesk scan` shows them.")
    case = msgspec.structs.replace(case, key=msgspec.structs.replace(case.key, series_uid=args.series))
    actor = who_states(desk)
    if args.act == "rejoin":
        rejoin(desk.place, actor, case, args.reason)
        return {"session": 1, "sentence": "The series belongs to the first session again."}
    ordinal = separate(desk.place, actor, case, args.reason)
    return {"session": ordinal, "sentence": f"The series is session {ordinal} of that region on that day."}
