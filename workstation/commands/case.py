"""`renderdesk case`: the open case of a study."""

from __future__ import annotations

import argparse
from typing import Any

from workstation.commands.frame import print_json

EXAMPLE = "Example: renderdesk case study:2.25.1234 --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="study:UID of the library, or a folder that was opened before")


def run(args: argparse.Namespace) -> int:
    import msgspec

    from workstation.base.clock import SystemClock
    from workstation.base.errors import InputRefused
    from workstation.base.paths import home
    from workstation.case.supervision import supervision_of
    from workstation.desk.charge_case import decide_place
    from workstation.desk.open_study import stored_case
    from workstation.desk.place import Place
    from workstation.desk.supervise import lines_that_count

    place = Place(home(), SystemClock(), "", demo=False)
    try:
        study_uid = _study(args.source)
        place.library.study(study_uid)
        case = stored_case(place, study_uid)
        if case is None:
            raise InputRefused("no_case", "This study has no case yet; open it first.")
        supervision = supervision_of(lines_that_count(place, study_uid))
        decided = decide_place(place, case)
    finally:
        place.close()
    shown: dict[str, Any] = {
        "study_uid": study_uid,
        "series_uid": case.key.series_uid,
        "demo": case.demo,
        "views": {pane: msgspec.to_builtins(view) for pane, view in case.views.items()},
        "segments": [],
        "measurements": [msgspec.to_builtins(m) for m in case.measurements],
        "captures": [
            {
                "SOPInstanceUID": c.sop_uid,
                "title": c.title,
                "technique": c.view.technique.value,
                "state": c.state,
                "made_by": c.made_by.name,
                "released_by": c.released_by.name if c.released_by else None,
                "released_at": c.released_at or None,
                "archived": c.archived,
            }
            for c in case.captures
        ],
        "supervision": {
            "acts": {name: msgspec.to_builtins(act) for name, act in supervision.acts.items()},
            "concurrent": supervision.concurrent,
            "basis": supervision.basis,
            "physician": supervision.physician.name if supervision.physician else None,
        },
        "report": [msgspec.to_builtins(r) for r in case.reports],
        "charge": {
            "charge_id": case.charge or None,
            "decision": decided.answer["decision"],
            "code": decided.answer["code"],
            "modifiers": decided.answer["modifiers"],
        },
    }
    if args.json:
        print_json(shown)
        return 0
    drafts = sum(1 for c in case.captures if c.state == "draft")
    released = sum(1 for c in case.captures if c.state == "released")
    print(f"Pictures: {drafts} drafts, {released} released. Measurements: {len(case.measurements)}.")
    for name, act in supervision.acts.items():
        print(f"Supervision, {name}: {act.kind}{f' ({act.words}, {act.by})' if act.words else ''}")
    print(f"Report: {case.reports[-1].status if case.reports else 'not signed'}.")
    print(
        f"Charge: {decided.answer['decision']} {decided.answer['code'] or ''} {' '.join(decided.answer['modifiers'])}"
    )
    return 0


def _study(source: str) -> str:
    """The study's UID behind a SOURCE word."""
    if source.startswith("study:"):
        return source.removeprefix("study:")
    from workstation.desk.source import open_source

    return open_source(source).study.study_uid
