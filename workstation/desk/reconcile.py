"""Decisions about identities: what is open, the acts with their right and proof, and what a study is after them.

Files are never edited (clinical rules 1.2): an act is a line of the journal, the layer above the files follows from
all lines that stand, and objects that were made under the old identity are named so that they can be issued again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from workstation.archive.identity import Stated, is_placeholder
from workstation.archive.reconcile import KINDS, Act, Layer, Patient, Question, differences, layer_of, questions
from workstation.base.errors import InputRefused
from workstation.base.events import CaseKey
from workstation.desk.identity_layer import count_parts
from workstation.dicom.identity import iso_date
from workstation.people.roles import may, require

if TYPE_CHECKING:
    from workstation.archive.index import StudyRow
    from workstation.base.events import Actor, Entry
    from workstation.desk.place import Place
    from workstation.people.accounts import People

DONE, PROPOSED = "identity_reconciled", "identity_proposed"


@dataclass(frozen=True)
class Decision:
    """An act as the journal holds it: what, by whom, when, why; `standing` until a counter-act takes it back."""

    act: Act
    at: str
    by: str
    reason: str
    derived: tuple[str, ...]
    standing: bool
    proposed: bool = False


@dataclass(frozen=True)
class Reconciled:
    """What an act did: its line, whether it is only proposed, and the objects made under the old identity."""

    line: int
    proposed: bool
    derived: tuple[str, ...]


# --- what stands --------------------------------------------------------------------------------------------------


def act_of(entry: Entry) -> Act:
    """The act of a line."""
    payload = entry.event.payload
    new = payload.get("new")
    return Act(
        kind=payload["act"],
        patients=tuple(payload.get("patients", ())),
        study_uid=str(payload.get("study_uid", "")),
        issuers=tuple(payload.get("issuers", ())),
        new=msgspec.convert(new[0], Stated) if payload["act"] == "correct" and new else None,
        undoes=int(payload.get("undoes", 0)),
        line=entry.number,
    )


def acts(place: Place) -> tuple[Act, ...]:
    """Every decision, the oldest first."""
    return tuple(act_of(e) for e in place.journal.of_kinds(DONE))


def layer(place: Place) -> Layer:
    """What follows from the decisions that stand."""
    return layer_of(acts(place), {p.key: p.stated for p in place.library.patients()})


def history(place: Place) -> tuple[Decision, ...]:
    """Decisions and open proposals, the newest first."""
    entries = place.journal.of_kinds(DONE, PROPOSED)
    undone = {e.event.payload.get("undoes") for e in entries if e.event.kind == DONE}
    answered = {e.event.payload.get("proposal") for e in entries if e.event.kind == DONE}
    found = []
    for entry in reversed(entries):
        proposed = entry.event.kind == PROPOSED
        if proposed and entry.number in answered:
            continue
        act, payload = act_of(entry), entry.event.payload
        found.append(
            Decision(
                act,
                entry.event.at,
                entry.event.actor.name if entry.event.actor else "",
                str(payload.get("reason", "")),
                tuple(payload.get("derived", ())),
                standing=not proposed and act.kind != "undo" and entry.number not in undone,
                proposed=proposed,
            )
        )
    return tuple(found)


def refresh(place: Place) -> None:
    """Make the layer anew: after an act, and after new patients came in whom two linked issuers may join."""
    stands = layer(place)
    with place.db.writing():
        place.library.lay(stands, place.now())


def open_questions(place: Place) -> tuple[Question, ...]:
    """Identities that wait for a decision, the most dangerous first."""
    return questions(place.library.patients(), layer(place), place.library.undecided())


def known_as(place: Place, issuer: str, patient_id: str) -> tuple[tuple[str, str], ...]:
    """Every (issuer, ID) under which this person is known after merges, always in the same order.

    The first is the one that stands for the person, whichever of them is asked with: what a key of services or a
    search for earlier charges must use. Where several patients bear this issuer and ID (a conflict), only those
    count whom a decision has joined to the first.
    """
    patients = place.library.bearing(issuer, patient_id)
    asked = [p for p in patients if (p.now.issuer, p.now.id) == (issuer, patient_id)]
    asked = asked or [p for p in patients if (p.stated.issuer, p.stated.id) == (issuer, patient_id)]
    if not asked or is_placeholder(patient_id):
        return ((issuer, patient_id),)
    person = min(asked, key=lambda p: (p.person_key, p.key)).person_key
    mine = sorted((p for p in patients if p.person_key == person), key=lambda p: (p.key != person, p.key))
    names = [(w.issuer, w.id) for p in mine for w in (p.now, p.stated) if not is_placeholder(w.id)]
    return tuple(dict.fromkeys(names))


# --- acts ---------------------------------------------------------------------------------------------------------


def reconcile(
    place: Place, people: People, wish: Act, reason: str, secret: str = "", *, proposal: int = 0
) -> Reconciled:
    """Write a decision into the journal and make the layer anew, both or neither.

    A role that may only propose (technologist, resident) leaves a proposal for those who may decide.

    Parameters
    ----------
    wish : the act, without a line
    reason : why; kept with the act
    secret : PIN or password, where it was last given more than five minutes ago
    proposal : line of the proposal that is hereby decided

    Raises
    ------
    NotAllowed
        By role, or the secret is due again.
    InputRefused
        In one sentence why this cannot be decided so; nothing was changed.
    """
    actor = people.actor
    if actor is not None and not may(actor.role, "reconcile") and may(actor.role, "propose_reconcile"):
        old, affected = _checked(place, wish, reason)
        entry = place.act(PROPOSED, actor, _case(place, wish), **_payload(wish, old, reason, ()))
        return Reconciled(entry.number, True, ())
    require(actor.role if actor else None, "reconcile")
    old, affected = _checked(place, wish, reason)
    actor = people.proved_for("reconcile", secret)
    derived = tuple(i.sop_uid for row in affected for i in place.library.instances(row.study_uid, made_here=True))
    with place.db.writing():
        extra: dict[str, Any] = {"proposal": proposal} if proposal else {}
        entry = place.act(DONE, actor, _case(place, wish), **_payload(wish, old, reason, derived), **extra)
        refresh(place)
    if wish.kind == "split" and wish.study_uid:
        count_parts(place, wish.study_uid)
    return Reconciled(entry.number, False, derived)


def _payload(wish: Act, old: Sequence[Stated], reason: str, derived: Sequence[str]) -> dict[str, Any]:
    new = [msgspec.to_builtins(wish.new)] if wish.new is not None else []
    return {
        "act": wish.kind,
        "patients": list(wish.patients),
        "study_uid": wish.study_uid,
        "issuers": list(wish.issuers),
        "old": [msgspec.to_builtins(o) for o in old],
        "new": new,
        "reason": reason.strip(),
        "undoes": wish.undoes,
        "derived": list(derived),
    }


def _case(place: Place, wish: Act) -> CaseKey | None:
    return CaseKey(place.library.study(wish.study_uid).patient_key, wish.study_uid) if wish.study_uid else None


def _checked(place: Place, wish: Act, reason: str) -> tuple[list[Stated], tuple[StudyRow, ...]]:
    """(identities as they stand before, studies concerned) of an act that makes sense."""
    if wish.kind not in KINDS:
        raise InputRefused("act", f"There is no such decision; choose one of {', '.join(KINDS)}.")
    if not reason.strip():
        raise InputRefused("reason", "Say why; the reason is kept with the decision.")
    patients = {p.key: p for p in place.library.patients()}
    if wish.kind == "undo":
        return _checked_undo(place, wish, patients)
    unknown = [key for key in wish.patients if key not in patients]
    if unknown:
        raise InputRefused("unknown_patient", "The library has no such patient; `renderdesk merge` lists them.")
    check = {"same": _same, "apart": _apart, "link": _link, "split": _split, "move": _move, "correct": _correct}
    check[wish.kind](place, wish, patients)
    keys = set(wish.patients)
    if wish.kind == "link":
        keys = {k for k, p in patients.items() if p.stated.issuer.strip() in wish.issuers}
    studies = place.library.studies()
    if wish.study_uid:
        family = {wish.study_uid, *place.library.parts_of(wish.study_uid)}
        affected = tuple(r for r in studies if r.study_uid in family)
    else:
        affected = tuple(r for r in studies if r.patient_key in keys)
    return [patients[k].now for k in (wish.patients or sorted(keys))], affected


def _checked_undo(place: Place, wish: Act, patients: dict[str, Patient]) -> tuple[list[Stated], tuple[StudyRow, ...]]:
    there = acts(place)
    target = next((a for a in there if a.line == wish.undoes and a.kind != "undo"), None)
    if target is None:
        raise InputRefused("undo", "There is no decision of this number; `renderdesk merge --acts` lists them.")
    if any(a.undoes == wish.undoes for a in there):
        raise InputRefused("undo", "This decision was taken back already.")
    keys = set(target.patients)
    if target.kind == "link":
        keys = {k for k, p in patients.items() if p.stated.issuer.strip() in target.issuers}
    family = {target.study_uid, *place.library.parts_of(target.study_uid)} if target.study_uid else set()
    affected = tuple(
        r for r in place.library.studies() if r.study_uid in family or (not family and r.patient_key in keys)
    )
    return [patients[k].now for k in target.patients if k in patients], affected


def _same(place: Place, wish: Act, patients: dict[str, Patient]) -> None:
    if len(set(wish.patients)) < 2:
        raise InputRefused("patients", "Name at least two patients.")
    if not wish.study_uid and len({patients[k].person_key for k in wish.patients}) == 1:
        raise InputRefused("same", "These patients are one person already.")


def _apart(place: Place, wish: Act, patients: dict[str, Patient]) -> None:
    if len(set(wish.patients)) < 2:
        raise InputRefused("patients", "Name at least two patients.")
    if len({patients[k].person_key for k in wish.patients}) < len(set(wish.patients)):
        raise InputRefused("apart", "Some of them are declared to be one person; split them first.")


def _link(place: Place, wish: Act, patients: dict[str, Patient]) -> None:
    if len(set(wish.issuers)) != 2 or not all(i.strip() for i in wish.issuers):
        raise InputRefused("issuers", "Name two different issuers of patient IDs.")
    known = {p.stated.issuer.strip() for p in patients.values()}
    if not set(wish.issuers) <= known:
        raise InputRefused("issuers", "No patient of the library has an ID of this issuer.")


def _split(place: Place, wish: Act, patients: dict[str, Patient]) -> None:
    if wish.study_uid:
        people = set(place.library.people_of(wish.study_uid))
        if len(people) < 2:
            raise InputRefused("split", "The files of this study name one patient; there is nothing to split.")
        if set(wish.patients) != people:
            raise InputRefused("split", "A study is split between all patients whom its files name.")
        return
    if len(wish.patients) != 1:
        raise InputRefused("split", "Name the one patient to take out of the person.")
    one = patients[wish.patients[0]]
    if sum(p.person_key == one.person_key for p in patients.values()) < 2:
        raise InputRefused("split", "This patient is not joined to any other.")


def _move(place: Place, wish: Act, patients: dict[str, Patient]) -> None:
    if len(wish.patients) != 1 or not wish.study_uid:
        raise InputRefused("move", "Name one study, and the one patient to whom it belongs.")
    row = place.library.study(wish.study_uid)
    if row.mixed:
        raise InputRefused("move", "This study names several patients; decide first whose images they are.")
    if row.patient_key == wish.patients[0]:
        raise InputRefused("move", "The study is filed under this patient already.")


def _correct(place: Place, wish: Act, patients: dict[str, Patient]) -> None:
    if len(wish.patients) != 1 or wish.new is None:
        raise InputRefused("correct", "Name one patient, and what is right.")
    new, old = wish.new, patients[wish.patients[0]].now
    if new.birth_date is not None and iso_date(new.birth_date) != new.birth_date:
        raise InputRefused("birth_date", "A birth date is written YYYY-MM-DD.")
    if new.sex not in (None, "M", "F", "O"):
        raise InputRefused("sex", "Sex is M, F or O, or left out.")
    if is_placeholder(new.name) and is_placeholder(new.id):
        raise InputRefused("correct", "A corrected identity needs a name or an ID.")
    if new == old:
        raise InputRefused("correct", "Nothing differs from what stands.")


def told_difference(a: Stated, b: Stated) -> str:
    """In words how two identities differ: "birth date and sex differ", or ""."""
    unlike = differences(a, b)
    if not unlike:
        return ""
    words = unlike[0] if len(unlike) == 1 else f"{', '.join(unlike[:-1])} and {unlike[-1]}"
    return f"{words} {'differs' if len(unlike) == 1 else 'differ'}"


def who_decides(actor: Actor | None) -> str:
    """What the acting person may do: "decide", "propose", or nothing ("")."""
    if actor is None:
        return ""
    return "decide" if may(actor.role, "reconcile") else "propose" if may(actor.role, "propose_reconcile") else ""
