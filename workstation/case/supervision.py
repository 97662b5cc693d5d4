"""The four acts of concurrent supervision, read from the journal: witnessed, attested, denied or absent.

The rules are the project's (clinical rules 7.1): an act is *witnessed* when the physician did it under the
own authenticated account between the first 3D scene and the last release; *attested* when only a statement
of the physician says so. What the program did by itself, what a technologist or a resident did, and what
came after the release earns nothing; nor does work on a series of which no 3D picture was released.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from render.errors import RenderError
from render.view import Technique, View
from workstation.base.events import Actor, Entry

ActName = Literal["region", "tissues", "pictures", "steering"]
Kind = Literal["witnessed", "attested", "denied", "absent"]
ACTS: tuple[ActName, ...] = ("region", "tissues", "pictures", "steering")

SHOWN_S, SHOWN_PIXELS = 1.0, 256
STEER_CHANGES, STEER_ACTIVE_S, IDLE_S = 2, 20.0, 60.0
_DELIBERATE = {"camera", "look", "crop", "threshold", "window", "measure"}
_PHYSICIAN_ACTS = {
    "region_set",
    "tissues_set",
    "view_steered",
    "picture_released",
    "picture_discarded",
    "draft_returned",
    "supervision_attested",
}


class ActState(msgspec.Struct, frozen=True):
    """One of the four acts: how it is known, by whom, since when, and the journal lines that prove it."""

    kind: Kind = "absent"
    by: str = ""
    at: str = ""
    words: str = ""
    lines: tuple[int, ...] = ()


class Supervision(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal says about a physician's part in the 3D work."""

    acts: dict[str, ActState]
    concurrent: bool | None = None
    physician: Actor | None = None
    first_line: int = 0
    """Line of the first supervised 3D act, 0 without one."""
    first_at: str = ""
    concurrent_lines: tuple[int, ...] = ()

    @property
    def physician_npi(self) -> str:
        """NPI of the supervising physician, or ""."""
        return self.physician.npi if self.physician else ""

    @property
    def basis(self) -> str | None:
        """Witnessed, attested or mixed; None while an act is absent or denied."""
        kinds = {a.kind for a in self.acts.values()}
        if not kinds <= {"witnessed", "attested"}:
            return None
        return kinds.pop() if len(kinds) == 1 else "mixed"


def technique_of(view: View) -> str | None:
    """The billing word of what a View shows (settled point 1); None for what counts for nothing."""
    slab = view.is_plane
    return {
        Technique.VR: "VR",
        Technique.SSD: "SSD",
        Technique.MIP: "MIP_SLAB" if slab else "MIP_3D",
        Technique.MINIP: "MIP_SLAB" if slab else "MINIP_3D",
        Technique.MEAN: "MPR" if slab else None,
        Technique.MPR: ("MPR" if view.slab is None or view.slab.mode == "mean" else "MIP_SLAB"),
    }[view.technique]


def is_3d(technique: str | None) -> bool:
    """Whether it is a rendering of the volume, not a plane or a slab of it."""
    return technique in {"VR", "SSD", "MIP_3D", "MINIP_3D", "ENDO_3D"}


def view_of(value: Any) -> View | None:
    """A View out of a payload; None when it is none."""
    try:
        return View.from_json(msgspec.json.encode(value))
    except RenderError:
        return None


@dataclass
class _Read:
    """What one pass over the journal gathers."""

    drafts: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    discarded: set[str] = field(default_factory=set)
    first_scene: int = 0
    begun: list[Entry] = field(default_factory=list)
    """Lines where a case was opened or its 3D scene first stood: before them nobody was active in it."""
    last_release: int = 0
    released_series: set[str] = field(default_factory=set)
    by_account: dict[str, list[Entry]] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    signer: str = ""


def _read(entries: Sequence[Entry]) -> _Read:
    read = _Read()
    for entry in entries:
        event, payload = entry.event, entry.event.payload
        actor = event.actor
        three_d = False
        if event.kind in ("study_opened", "scene_shown"):
            read.begun.append(entry)
        if event.kind == "picture_drafted":
            view = view_of(payload.get("view"))
            technique = technique_of(view) if view else None
            read.drafts[str(payload.get("sop_uid", ""))] = (technique, entry.number)
            three_d = is_3d(technique)
        elif event.kind in ("scene_shown", "view_steered"):
            three_d = is_3d(str(payload.get("technique", "")))
        elif event.kind == "picture_discarded":
            read.discarded.add(str(payload.get("sop_uid", "")))
        elif event.kind == "picture_released":
            if is_3d(read.drafts.get(str(payload.get("sop_uid", "")), (None, 0))[0]):
                read.last_release = entry.number
                if event.case is not None:
                    read.released_series.add(event.case.series_uid)
        elif event.kind == "report_signed" and actor is not None and actor.role == "radiologist":
            read.signer = actor.account
        if three_d and not read.first_scene:
            read.first_scene = entry.number
        if actor is not None and actor.role == "radiologist":
            read.by_account.setdefault(actor.account, []).append(entry)
            read.actors[actor.account] = actor
    return read


def supervision_of(entries: Sequence[Entry]) -> Supervision:
    """Fold the journal of one case into the four acts.

    Parameters
    ----------
    entries : the case's lines in order, already without scripted ones outside a DEMO home
    """
    read = _read(entries)
    acting = {a: [e for e in lines if e.event.kind in _PHYSICIAN_ACTS] for a, lines in read.by_account.items()}
    acting = {a: lines for a, lines in acting.items() if lines}
    nobody = Supervision(acts={name: ActState() for name in ACTS})
    if not acting:
        return nobody
    # the signer is the supervising physician; before a signature whoever took the larger part, the earlier on a tie
    account = (
        read.signer if read.signer in acting else max(acting, key=lambda a: (len(acting[a]), -acting[a][0].number))
    )
    actor = read.actors[account]
    mine = read.by_account[account]
    end = read.last_release or (entries[-1].number if entries else 0)
    window = [e for e in mine if read.first_scene and read.first_scene <= e.number <= end and _of_product(e, read)]
    found: dict[ActName, ActState] = {
        "region": _region(window),
        "tissues": _tissues(window),
        "pictures": _pictures(window, mine, read),
        "steering": _steering(window, mine, read),
    }
    attested, concurrent_word, concurrent_line = _attested(mine, read.first_scene)
    acts: dict[str, ActState] = {name: _joined(found[name], attested.get(name)) for name in ACTS}
    first_act = acting[account][0]
    concurrent: bool | None = None
    lines: tuple[int, ...] = ()
    if concurrent_word is False:
        concurrent, lines = False, (concurrent_line,)
    elif read.last_release and first_act.number > read.last_release:
        concurrent, lines = False, (read.last_release, first_act.number)
    elif all(found[name].kind == "witnessed" for name in ACTS):
        concurrent, lines = True, tuple(sorted({n for name in ACTS for n in found[name].lines}))
    elif concurrent_word is True:
        concurrent, lines = True, (concurrent_line,)
    supervised = min((n for a in acts.values() if a.kind in ("witnessed", "attested") for n in a.lines), default=0)
    if supervised and all(a.kind != "witnessed" for a in acts.values()):
        supervised = read.first_scene  # stated afterwards: the service was when the 3D was made
    at = next((e.event.at for e in entries if e.number == supervised), "")
    return Supervision(
        acts=acts,
        concurrent=concurrent,
        physician=actor,
        first_line=supervised,
        first_at=at,
        concurrent_lines=lines,
    )


def _of_product(entry: Entry, read: _Read) -> bool:
    """Whether an act was on a series that gave released 3D pictures; before the first release every series may."""
    key = entry.event.case
    return not read.released_series or key is None or key.series_uid in read.released_series


def _state(entries: Sequence[Entry], words: str) -> ActState:
    first = entries[0].event
    by = first.actor.name if first.actor else ""
    return ActState("witnessed", by, first.at, words, tuple(e.number for e in entries))


def _region(window: Sequence[Entry]) -> ActState:
    """*Where*: crop, clip, range or vessel ends set, or the drawn region confirmed; never the default volume."""
    found = []
    for entry in window:
        if entry.event.kind != "region_set":
            continue
        how, region = entry.event.payload.get("how"), entry.event.payload.get("region") or {}
        drawn = isinstance(region, dict) and bool(region.get("box"))
        said = isinstance(region, dict) and bool(region.get("words"))
        if drawn or (how in ("clip", "range") and said):
            found.append(entry)
    return _state(found, "region set") if found else ActState()


def _tissues(window: Sequence[Entry]) -> ActState:
    """*What*: preset, threshold or segments chosen, or the shown list confirmed; never the automatic preset."""
    found = [
        e
        for e in window
        if e.event.kind == "tissues_set"
        and (e.event.payload.get("how") in ("preset", "threshold", "segments") or e.event.payload.get("tissues"))
    ]
    return _state(found, "tissues chosen") if found else ActState()


def _shown(mine: Sequence[Entry], before: int) -> dict[str, int]:
    """Pictures that this physician has really seen before a line: at least 1 s at 256 pixels."""
    return {
        str(e.event.payload.get("sop_uid", "")): e.number
        for e in mine
        if e.event.kind == "picture_shown"
        and e.number < before
        and _number(e.event.payload.get("seconds")) >= SHOWN_S
        and _number(e.event.payload.get("pixels")) >= SHOWN_PIXELS
    }


def _number(value: object) -> float:
    """A number of a line; what is none counts for nothing and hides no other line."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _pictures(window: Sequence[Entry], mine: Sequence[Entry], read: _Read) -> ActState:
    """*Which*: 3D drafts released or discarded by the physician, each one seen before."""
    chosen = [
        e
        for e in window
        if e.event.kind in ("picture_released", "picture_discarded")
        and is_3d(read.drafts.get(str(e.event.payload.get("sop_uid", "")), (None, 0))[0])
    ]
    if not any(e.event.kind == "picture_released" for e in chosen):
        return ActState()
    seen_lines = []
    for entry in chosen:
        seen = _shown(mine, entry.number)
        uid = str(entry.event.payload.get("sop_uid", ""))
        if uid not in seen:
            if entry.event.kind == "picture_discarded":
                continue
            return ActState()
        seen_lines.append(seen[uid])
    state = _state(chosen, "pictures chosen")
    return msgspec.structs.replace(state, lines=tuple(sorted({*seen_lines, *state.lines})))


def _steering(window: Sequence[Entry], mine: Sequence[Entry], read: _Read) -> ActState:
    """*Steer*: two deliberate changes and 20 s active in 3D; or drafts returned with a note, every one seen."""
    changes, active_s = [], 0.0
    accepted: set[str] = set()
    last: datetime | None = None
    for entry in window:
        event, payload = entry.event, entry.event.payload
        # accepted, undone and accepted again is one change
        if event.kind == "measurement_accepted" and str(payload.get("id", "")) not in accepted:
            accepted.add(str(payload.get("id", "")))
            changes.append(entry)
        if event.kind != "view_steered" or not is_3d(str(payload.get("technique", ""))):
            continue
        at = datetime.fromisoformat(event.at)
        begun = [datetime.fromisoformat(e.event.at) for e in read.begun if e.number < entry.number]
        since = max([last or datetime.fromisoformat(event.actor.authenticated_at if event.actor else event.at), *begun])
        # nobody was active for longer than the time that has passed, nor for longer than the idle limit
        active_s += max(0.0, min(_number(payload.get("active_s")), (at - since).total_seconds(), IDLE_S))
        last = at
        if payload.get("what") in _DELIBERATE and payload.get("recipe_before") != payload.get("recipe_after"):
            changes.append(entry)
    if len(changes) >= STEER_CHANGES and active_s >= STEER_ACTIVE_S:
        return _state(changes, f"{len(changes)} changes, {active_s:.0f} s active in 3D")
    for entry in window:
        if entry.event.kind != "draft_returned" or not str(entry.event.payload.get("note", "")).strip():
            continue
        waiting = {
            uid
            for uid, (technique, number) in read.drafts.items()
            if is_3d(technique) and number < entry.number and uid not in read.discarded
        }
        seen = _shown(mine, entry.number)
        if waiting and waiting <= set(seen):
            state = _state([entry], "drafts returned with a note")
            return msgspec.structs.replace(state, lines=(*sorted(seen[u] for u in waiting), entry.number))
    return ActState()


def _attested(mine: Sequence[Entry], first_scene: int) -> tuple[dict[ActName, tuple[bool, Entry]], bool | None, int]:
    """The physician's own statements; a later one replaces what an earlier one said of the same act.

    Nobody can state to have taken part before there was any 3D work: of such a statement only a denial counts.
    """
    acts: dict[ActName, tuple[bool, Entry]] = {}
    concurrent: bool | None = None
    line = 0
    for entry in mine:
        if entry.event.kind != "supervision_attested":
            continue
        begun = 0 < first_scene < entry.number
        said = entry.event.payload.get("acts") or {}
        for name in ACTS:
            if isinstance(said, dict) and isinstance(said.get(name), bool) and (begun or not said[name]):
                acts[name] = (said[name], entry)
        word = entry.event.payload.get("concurrent")
        if isinstance(word, bool) and (begun or not word):
            concurrent, line = word, entry.number
    return acts, concurrent, line


def _joined(found: ActState, said: tuple[bool, Entry] | None) -> ActState:
    """A denial outweighs what was witnessed; a statement fills what was not."""
    if said is None:
        return found
    yes, entry = said
    by = entry.event.actor.name if entry.event.actor else ""
    if not yes:
        return ActState("denied", by, entry.event.at, "denied by the physician", (entry.number,))
    if found.kind == "witnessed":
        return found
    return ActState("attested", by, entry.event.at, "stated by the physician", (entry.number,))
