"""The acts of 3D work as journal lines: where, what, steering, returning; and the physician's own statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import msgspec

from render.view import Box, View
from workstation.base.errors import InputRefused
from workstation.base.events import Entry
from workstation.case.acquisition import lines_of_session, sessions_of
from workstation.case.evidence import evidence_lines
from workstation.case.supervision import ACTS, ActName, is_3d, technique_of

if TYPE_CHECKING:
    from workstation.desk.place import Place
    from workstation.desk.session import Session

_HOW_REGION = ("crop", "clip", "range", "confirmed")
_HOW_TISSUES = ("preset", "threshold", "segments", "confirmed")
_WHAT = ("camera", "look", "crop", "threshold", "window", "measure")


def lines_that_count(place: Place, study_uid: str) -> Sequence[Entry]:
    """A study's journal lines that count as evidence in this home."""
    return evidence_lines(place.journal.entries(study_uid), demo=place.demo)


def counting(session: Session) -> Sequence[Entry]:
    """The same for the opened case, and only for the acquisition session that is open."""
    lines = session.place.journal.entries(session.key.study_uid)
    counted = evidence_lines(lines, demo=session.place.demo)
    return lines_of_session(counted, sessions_of(lines), session.key.series_uid)


def scene_shown(session: Session, view: View) -> None:
    """Note that the 3D view stands; nobody needs to be signed in for that."""
    word = technique_of(view)
    if is_3d(word):
        session.place.act("scene_shown", session.actor, session.key, technique=word, view=msgspec.to_builtins(view))


def steered(session: Session, before: View, after: View, what: str, active_s: float) -> None:
    """Note a deliberate change with the recipe before and after it; planes are not 3D work and leave no line."""
    if what not in _WHAT:
        raise InputRefused("what", "There is no such change of a view.")
    word = technique_of(after)
    if session.actor is None or not is_3d(word) or before.digest == after.digest:
        return
    session.place.act(
        "view_steered",
        session.actor,
        session.key,
        technique=word,
        what=what,
        recipe_before=before.digest,
        recipe_after=after.digest,
        active_s=round(max(0.0, active_s), 1),
    )
    session.told("supervision")


def set_region(session: Session, how: str, words: str, box: Box | None) -> None:
    """Note the region: drawn as a box, or said in words with a clip or range."""
    actor = session.require("render")
    if how not in _HOW_REGION:
        raise InputRefused("region", "There is no such way to set a region.")
    if box is None and not words.strip():
        raise InputRefused("region", "Draw the region first, or name it; the whole volume is no region of its own.")
    region: dict[str, object] = {"words": words.strip()}
    if box is not None:
        region["box"] = [list(box.low_lps_mm), list(box.high_lps_mm)]
    session.place.act("region_set", actor, session.key, how=how, region=region)
    session.told("supervision")


def set_tissues(session: Session, how: str, tissues: list[str], look: str) -> None:
    """Note what is shown: a preset, threshold or segments that a person chose, or the list confirmed."""
    actor = session.require("render")
    if how not in _HOW_TISSUES:
        raise InputRefused("tissues", "There is no such way to choose tissues.")
    if how == "confirmed" and not tissues:
        raise InputRefused("tissues", "Name at least one tissue before confirming.")
    session.place.act("tissues_set", actor, session.key, how=how, tissues=list(tissues), look=look)
    session.told("supervision")


def return_drafts(session: Session, note: str) -> None:
    """Send the drafts back to be made better."""
    actor = session.require("supervise")
    if not note.strip():
        raise InputRefused("note", "Write what should be changed.")
    session.place.act("draft_returned", actor, session.key, note=note.strip())
    session.told("supervision")


def attest(session: Session, acts: dict[str, bool], concurrent: bool | None, text: str) -> None:
    """The physician's statement; it is kept apart from what the program witnessed."""
    actor = session.require("supervise")
    known = {str(a) for a in get_args(ActName)}
    if not set(acts) <= known or (not acts and concurrent is None):
        raise InputRefused("attest", f"State one or more of {', '.join(ACTS)}.")
    session.place.act(
        "supervision_attested", actor, session.key, acts=dict(acts), concurrent=concurrent, text=text.strip()
    )
    session.told("supervision")
