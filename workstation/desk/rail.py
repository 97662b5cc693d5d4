"""The case rail: where each of the six steps stands, and what it still wants, in sentences with a place to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from workstation.case.states import report_status
from workstation.case.supervision import ACTS, is_3d, technique_of
from workstation.desk.identity import missing_identity

if TYPE_CHECKING:
    from workstation.desk.session import Session

Step = Literal["load", "view", "segment", "measure", "report", "charge"]
State = Literal["new", "work", "wants", "done"]
STEPS: tuple[Step, ...] = ("load", "view", "segment", "measure", "report", "charge")

_ACT_SENTENCES = {
    "region": "No physician has set or confirmed the region.",
    "tissues": "No physician has chosen or confirmed the tissues shown.",
    "pictures": "No physician has chosen the pictures to keep.",
    "steering": "No physician has steered the 3D view.",
}


class Point(msgspec.Struct, frozen=True):
    """One open point: the sentence, and where it is settled."""

    sentence: str
    where: str


class StepState(msgspec.Struct, frozen=True):
    """Where a step stands."""

    state: State
    points: tuple[Point, ...] = ()


def open_points(session: Session) -> dict[Step, StepState]:
    """Every step with its open points, as one look at the rail wants it."""
    return {
        "load": _load(session),
        "view": _view(session),
        "segment": _segment(session),
        "measure": _measure(session),
        "report": _report(session),
        "charge": _charge(session),
    }


def _load(session: Session) -> StepState:
    case = session.case
    points = []
    lacking = missing_identity(case.patient)
    if lacking and case.identity_confirmed_by is None:
        points.append(
            Point(f"The files lack the patient's {', '.join(lacking)}: confirm who this is.", "load:identity")
        )
    if "position_doubtful" in case.findings and case.side_confirmed_by is None:
        points.append(Point("The sides are not sure: confirm them as labelled, or reject the series.", "load:side"))
    if case.order is None or case.order.three_d_ordered is None:
        points.append(Point("It is not known whether the 3D was ordered.", "load:order"))
    return StepState("wants" if points else "done", tuple(points))


def _view(session: Session) -> StepState:
    case = session.case
    drafts = [c for c in case.captures if c.state == "draft"]
    released = [c for c in case.captures if c.state == "released"]
    three_d = [c for c in released if is_3d(technique_of(c.view))]
    points = []
    if drafts:
        n = len(drafts)
        words = "1 draft waits" if n == 1 else f"{n} drafts wait"
        points.append(Point(f"{words} for the physician's release.", "film"))
    if not three_d and not drafts:
        points.append(Point("No picture of the 3D work is captured.", "3d"))
    elif not three_d:
        points.append(Point("No picture of the 3D work is released.", "film"))
    supervision = session.supervision()
    if case.captures:
        points += [
            Point(_ACT_SENTENCES[name], "view:supervision")
            for name in ACTS
            if supervision.acts[name].kind == "absent" and name != "pictures"
        ]
    if three_d and not points:
        return StepState("done")
    return StepState("wants" if case.captures else "work" if case.views else "new", tuple(points))


def _segment(session: Session) -> StepState:
    shown = any(v.surfaces for v in session.case.views.values())
    return StepState("work" if shown else "new")


def _measure(session: Session) -> StepState:
    all_of = session.case.measurements
    waiting = [m for m in all_of if not m.accepted]
    if waiting:
        n = len(waiting)
        words = "1 measurement is" if n == 1 else f"{n} measurements are"
        return StepState("wants", (Point(f"{words} not accepted.", "measure"),))
    return StepState("done" if all_of else "new")


def _report(session: Session) -> StepState:
    status = report_status(session.case)
    if status in ("final", "addendum"):
        return StepState("done")
    if status == "retracted":
        return StepState("wants", (Point("The report was retracted.", "report"),))
    text = session.case.text
    begun = any((text.findings_3d, text.impression, text.indication, text.technique))
    blocking = [c for c in session.checks() if c.severity == "block"]
    points = tuple(Point(c.sentence, _WHERE.get(c.step, "report")) for c in blocking)
    return StepState("wants" if begun else "new", points)


_WHERE = {
    "order": "load:order",
    "pictures": "film",
    "measurements": "measure",
    "text": "report",
    "supervision": "view:supervision",
    "identity": "load:identity",
    "side": "report:side",
    "sign": "report:sign",
}


def _charge(session: Session) -> StepState:
    if session.case.charge:
        return StepState("done")
    if not session.case.captures:
        return StepState("new")
    decided = session.decide()
    kind = decided.answer["decision"]
    if kind == "bill":
        return StepState("wants", (Point("The charge is ready to be confirmed.", "charge"),))
    if kind == "reject":
        first = next((r["text"] for r in decided.answer["reasons"] if r["outcome"] == "reject"), "Nothing is charged.")
        return StepState("done", (Point(first, "charge"),))
    points = tuple(Point(q["ask"], f"charge:{q['field']}") for q in decided.answer["questions"])
    return StepState("wants", points)
