"""`renderdesk merge`: decide whose images are whose; every decision is journaled, and can be taken back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from workstation.commands.account_args import add_account_argument, sign_in, study_of
from workstation.commands.frame import print_json

if TYPE_CHECKING:
    from workstation.archive.identity import Stated
    from workstation.archive.reconcile import Act
    from workstation.desk.desk import Desk

EXAMPLE = """Example: renderdesk merge --json                      what waits for a decision, and the patients' keys
         renderdesk merge --same 'H\\\\1' 'K\\\\77' --reason "same passport" --account a.admin
         renderdesk merge --undo 42 --reason "wrong sister" --account a.admin"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--same", nargs="+", metavar="KEY", help="these patients are one person")
    what.add_argument("--apart", nargs="+", metavar="KEY", help="these patients are different people")
    what.add_argument("--link", nargs=2, metavar="ISSUER", help="two issuers of IDs number the same people")
    what.add_argument("--split", metavar="KEY|study:UID", help="a patient out of a person; a mixed study by patient")
    what.add_argument("--one", metavar="study:UID", help="all that a mixed study names is one person")
    what.add_argument("--move", nargs=2, metavar=("study:UID", "KEY"), help="the study belongs to this patient")
    what.add_argument(
        "--correct", metavar="KEY", help="with --id, --issuer, --name, --birth-date, --sex: what is right"
    )
    what.add_argument("--undo", type=int, metavar="LINE", help="take a decision back by a counter-act")
    what.add_argument("--acts", action="store_true", help="what was decided and proposed so far")
    for field in ("id", "issuer", "name", "birth-date", "sex"):
        parser.add_argument(f"--{field}", metavar="TEXT", help=argparse.SUPPRESS)
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; needed for every decision")
    add_account_argument(parser)


def run(args: argparse.Namespace) -> int:
    from workstation.desk.desk import Desk

    desk = Desk()
    try:
        secret = sign_in(desk, args)
        wish = _wish(desk, args)
        if wish is not None:
            done = desk.reconcile(wish, args.reason, secret)
            shown: dict[str, Any] = {
                "line": done.line,
                "act": wish.kind,
                "proposed": done.proposed,
                "reissue": list(done.derived),
            }
            told = [
                "Proposed; a radiologist or administrator decides."
                if done.proposed
                else f"Decided, line {done.line} of the journal; --undo {done.line} takes it back.",
                *([f"{len(done.derived)} objects made before should be issued again."] if done.derived else []),
            ]
        elif args.acts:
            shown, told = _acts(desk)
        else:
            shown, told = _open(desk)
    finally:
        desk.close()
    if args.json:
        print_json(shown)
    else:
        print("\n".join(told))
    return 0


def _wish(desk: Desk, args: argparse.Namespace) -> Act | None:
    """The act that was asked for, or None."""
    from workstation.archive.reconcile import Act
    from workstation.base.errors import InputRefused

    if args.same:
        return Act(kind="same", patients=tuple(args.same))
    if args.apart:
        return Act(kind="apart", patients=tuple(args.apart))
    if args.link:
        return Act(kind="link", issuers=tuple(args.link))
    if args.one or (args.split and args.split.startswith("study:")):
        uid = study_of(args.one or args.split)
        people = desk.place.library.people_of(uid)
        if not people:
            raise InputRefused("not_mixed", "The files of this study name one patient; there is nothing to decide.")
        return Act(kind="same" if args.one else "split", patients=people, study_uid=uid)
    if args.split:
        return Act(kind="split", patients=(args.split,))
    if args.move:
        return Act(kind="move", patients=(args.move[1],), study_uid=study_of(args.move[0]))
    if args.correct:
        return Act(kind="correct", patients=(args.correct,), new=_corrected(desk, args))
    if args.undo is not None:
        return Act(kind="undo", undoes=args.undo)
    return None


def _corrected(desk: Desk, args: argparse.Namespace) -> Stated | None:
    """The identity as it stands, with what was given put right."""
    import msgspec

    now = next((p.now for p in desk.patients() if p.key == args.correct), None)
    if now is None:
        return None
    given = {"id": args.id, "issuer": args.issuer, "name": args.name, "birth_date": args.birth_date, "sex": args.sex}
    return msgspec.structs.replace(now, **{k: v for k, v in given.items() if v is not None})


def _open(desk: Desk) -> tuple[dict[str, Any], list[str]]:
    """What waits for a decision."""
    from workstation.desk.reconcile import told_difference

    patients = {p.key: p for p in desk.patients()}
    asked, told = [], []
    for question in desk.identity_questions():
        who = [_shown(key, patients[key].now) for key in question.patients if key in patients]
        asked.append({"code": question.kind, "study_uid": question.study_uid or None, "patients": who})
        unlike = ""
        if len(question.patients) == 2 and all(k in patients for k in question.patients):
            a, b = (patients[k].now for k in question.patients)
            unlike = told_difference(a, b)
        where = f" in study:{question.study_uid}" if question.study_uid else ""
        told.append(f"{question.kind}{where}{f': {unlike}' if unlike else ''}")
        told += [f"  {w['key']}   {w['name']}   {w['birth_date'] or '-'}   {w['sex'] or '-'}" for w in who]
    shown = {
        "questions": asked,
        "patients": [{**_shown(p.key, p.now), "person": p.person_key, "studies": p.studies} for p in patients.values()],
    }
    return shown, told or ["No identity waits for a decision."]


def _shown(key: str, who: Stated) -> dict[str, Any]:
    return {
        "key": key,
        "id": who.id,
        "issuer": who.issuer or None,
        "name": who.name,
        "birth_date": who.birth_date,
        "sex": who.sex,
    }


def _acts(desk: Desk) -> tuple[dict[str, Any], list[str]]:
    """What was decided and proposed, the newest first."""
    shown, told = [], []
    for one in desk.decisions():
        act = one.act
        shown.append(
            {
                "line": act.line,
                "act": act.kind,
                "patients": list(act.patients),
                "study_uid": act.study_uid or None,
                "issuers": list(act.issuers),
                "undoes": act.undoes or None,
                "at": one.at,
                "by": one.by,
                "reason": one.reason,
                "standing": one.standing,
                "proposed": one.proposed,
                "reissue": list(one.derived),
            }
        )
        state = "proposed" if one.proposed else "stands" if one.standing else "taken back" if not act.undoes else ""
        names = " ".join((*act.patients, *act.issuers, *((f"line {act.undoes}",) if act.undoes else ())))
        told.append(f"{act.line:6}  {one.at[:16]}  {act.kind:8} {names}  {state}  {one.by}: {one.reason}")
    return {"acts": shown}, told or ["Nothing has been decided yet."]
