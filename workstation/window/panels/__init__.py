"""The panel of the step in hand: load, view, segment, measure, report, charge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workstation.window.panels.parts import Card, Panel, Words, button

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.window.actions import Actions

_EMPTY = {
    "load": "No study is open. Open one of the study list, or drop a folder, ZIP or CD into the window.",
    "view": "Open a study first; here stand technique, look, region and slab of its pictures.",
    "segment": "Open a study first; here stands what is told apart by a threshold.",
    "measure": "Open a study first; here stand its measurements.",
    "report": "Open a study first; here the report is written and signed.",
    "charge": "Open a study first; here stands what can be billed for it, and why.",
}


class EmptyPanel(Panel):
    """A step without a case: says what will stand here, and leads to the study list."""

    def __init__(self, step: str, actions: Actions) -> None:
        self.step, self.title = step, step.capitalize()
        super().__init__()
        card = Card()
        card.add(Words(_EMPTY[step], "quiet"))
        card.add(button("Open the study list", lambda: actions.run("library"), "link"))
        self.add(card)
        self.finish()


def make(step: str, desk: Desk, session: Session | None, actions: Actions) -> Panel:
    """The panel of a step.

    Parameters
    ----------
    step : "load", "view", "segment", "measure", "report" or "charge"
    desk, session : the home, and the opened case; without a case a panel that says so
    actions : what the panel may ask of the window
    """
    if session is None:
        return EmptyPanel(step, actions)
    # each step imports its own panel only: the first one stands sooner
    if step == "load":
        from workstation.window.panels.load import LoadPanel

        return LoadPanel(desk, session, actions)
    if step == "view":
        from workstation.window.panels.view import ViewPanel

        return ViewPanel(desk, session, actions)
    if step == "segment":
        from workstation.window.panels.segment import SegmentPanel

        return SegmentPanel(desk, session, actions)
    if step == "measure":
        from workstation.window.panels.measure import MeasurePanel

        return MeasurePanel(desk, session, actions)
    if step == "report":
        from workstation.window.panels.report import ReportPanel

        return ReportPanel(desk, session, actions)
    from workstation.window.panels.charge import ChargePanel

    return ChargePanel(desk, session, actions)


def release(desk: Desk, session: Session, actions: Actions, sop_uids: list[str], parent: object = None) -> str:
    """Go through drafts with the physician (see `releasing`)."""
    from PySide6.QtWidgets import QWidget

    from workstation.window.panels.releasing import release as go_through

    return go_through(desk, session, actions, sop_uids, parent if isinstance(parent, QWidget) else None)
