"""What is written into a pane on the screen: as much as its size bears. Records always carry the whole set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from render.view import Labels, Technique, View

if TYPE_CHECKING:
    from workstation.desk.arrival import Arrival
    from workstation.desk.session import Session

LARGE = 620
"""Height in points from which a pane carries the whole set of texts."""
SMALL_TEXT = 0.92
"""Texts of a smaller pane: 11 points instead of 12."""


def is_small(view: View) -> bool:
    """Whether a view's pane is too small for the whole set of texts."""
    return view.size[1] / max(view.scale, 0.1) < LARGE


def labels_for(session: Session | Arrival, view: View) -> Labels:
    """Texts of a pane.

    The band (DEMO, SYNTHETIC) is left to the badges of the patient bar, which is always there; the record's
    own band is not touched by this. A small pane keeps: name and ID; study date and series; window, slab and
    zoom; position, or look and direction. Letters and badges are never left out.
    """
    whole = msgspec.structs.replace(session.labels(view), band="")
    if not is_small(view):
        return whole
    date = (whole.top_right[0].split(" ")[0],) if whole.top_right and session.case.study_date else ()
    series = next((s for s in session.series if s.series_uid == session.found.series_uid), None)
    title = (series.description or f"Series {series.number}") if series is not None else ""
    below_left, below_right = whole.bottom_left, whole.bottom_right[:1]
    if view.technique is Technique.VR:
        below_right = (*below_right, look_title(view))
        below_left = ("Volume rendering", *below_left[1:2])
    return msgspec.structs.replace(
        whole,
        top_left=whole.top_left[:2],
        top_right=(*date, *((title,) if title else ())),
        bottom_left=below_left,
        bottom_right=below_right,
    )


def look_title(view: View) -> str:
    """Title of the look, as people know it."""
    from workstation.desk.labels import preset_title

    return preset_title(view)


def bar_badges(session: Session | Arrival, *, demo: bool) -> tuple[str, ...]:
    """Badges of the patient bar: what the home and the series are, and those of the volume."""
    words = ["DEMO"] if demo or session.case.demo else []
    if session.facts.get("synthetic"):
        words.append("SYNTHETIC")
    return tuple(dict.fromkeys((*words, *session.badges())))
