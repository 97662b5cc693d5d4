"""What people decided about identities, folded from their acts (clinical rules 1.2). Pure; files are never edited.

An act says that two identities are one person, that they are not, that two issuers number the same people, that a
study belongs to another patient, that an identity was written wrongly, or how a study with several patients is to be
taken. It is undone by a counter-act that names its line; nothing is ever struck out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, get_args

import msgspec

from workstation.archive.identity import Stated, folded, is_placeholder, verdict
from workstation.base.uids import derived_uid

ActKind = Literal["same", "apart", "link", "split", "move", "correct", "undo"]
KINDS: tuple[ActKind, ...] = get_args(ActKind)
QuestionKind = Literal["mixed_patients", "identity_conflict", "identity_possible"]
_NO_BIRTH_DATE = {"1800-01-01", "1900-01-01", ""}


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One decision.

    Parameters
    ----------
    kind : same (these patients are one person), apart (they are not), link (two issuers number the same people),
        split (take a patient out of a person again; with `study_uid`, each patient's images of that study stand
        alone), move (a study to another patient), correct (an identity), undo (an earlier act)
    patients : keys of the patients concerned; of `move`, the patient to whom the study goes
    study_uid : the study, for move and for a study that names several patients
    issuers : for link
    new : for correct
    undoes : line of the act that is taken back
    line : its own line in the journal; 0 before it is written
    """

    kind: ActKind
    patients: tuple[str, ...] = ()
    study_uid: str = ""
    issuers: tuple[str, ...] = ()
    new: Stated | None = None
    undoes: int = 0
    line: int = 0

    def __repr__(self) -> str:
        return f"Act({self.kind}, line {self.line})"


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """A patient of the index: as the files state the identity, and as it stands after corrections."""

    key: str
    identity_key: str
    stated: Stated
    now: Stated
    person_key: str
    studies: int = 0

    def __repr__(self) -> str:
        return "Patient(...)"


@dataclass(frozen=True)
class Layer:
    """What follows from all acts that stand. A patient absent from `persons` is a person alone."""

    persons: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    corrected: Mapping[str, Stated] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Study -> its patients, where it was split; each has a part of their own."""
    apart: frozenset[frozenset[str]] = frozenset()

    def person_of(self, patient_key: str) -> str:
        """The person whom a patient's key stands for."""
        return self.persons.get(patient_key, patient_key)


@dataclass(frozen=True)
class Question:
    """Identities of which a person must say whether they are one. `study_uid`: the study that names them all."""

    kind: QuestionKind
    patients: tuple[str, ...]
    study_uid: str = ""


def standing(acts: Iterable[Act]) -> list[Act]:
    """Acts that were not taken back, in order; without the counter-acts themselves."""
    all_ = list(acts)
    undone = {a.undoes for a in all_ if a.kind == "undo"}
    return [a for a in all_ if a.kind != "undo" and a.line not in undone]


def layer_of(acts: Iterable[Act], patients: Mapping[str, Stated]) -> Layer:
    """Fold the acts, the oldest first.

    Parameters
    ----------
    acts : decisions with their lines
    patients : every patient of the index, as the files state the identity: what two linked issuers join
    """
    group: dict[str, set[str]] = {}
    moved: dict[str, str] = {}
    corrected: dict[str, Stated] = {}
    parts: dict[str, tuple[str, ...]] = {}
    apart: set[frozenset[str]] = set()

    def join(keys: Sequence[str]) -> None:
        whole = set().union(*(group.get(k, {k}) for k in keys))
        for key in whole:
            group[key] = whole

    def leave(key: str) -> None:
        for other in group.pop(key, {key}) - {key}:
            group[other] = group[other] - {key}

    for act in standing(acts):
        if act.kind == "same":
            join(act.patients)
            apart -= {frozenset((a, b)) for a in act.patients for b in act.patients if a != b}
            parts.pop(act.study_uid, None)
        elif act.kind == "apart":
            apart |= _pairs(act.patients)
        elif act.kind == "link":
            for keys in linked(act.issuers, patients):
                join(keys)
        elif act.kind == "split" and act.study_uid:
            parts[act.study_uid] = act.patients
            apart |= _pairs(act.patients)
        elif act.kind == "split":
            for key in act.patients:
                apart |= {frozenset((key, other)) for other in group.get(key, {key}) - {key}}
                leave(key)
        elif act.kind == "move":
            moved[act.study_uid] = act.patients[0]
        elif act.kind == "correct" and act.new is not None:
            corrected[act.patients[0]] = act.new
    persons = {key: min(whole) for key, whole in group.items() if len(whole) > 1}
    return Layer(persons, moved, corrected, parts, frozenset(apart))


def linked(issuers: Sequence[str], patients: Mapping[str, Stated]) -> list[tuple[str, ...]]:
    """Patients of two issuers who bear the same ID and do not contradict each other."""
    by_id: dict[str, list[str]] = defaultdict(list)
    for key, stated in patients.items():
        if stated.issuer.strip() in issuers and not is_placeholder(stated.id):
            by_id[stated.id.strip()].append(key)
    found: list[tuple[str, ...]] = []
    for keys in by_id.values():
        for first, second in combinations(keys, 2):
            a, b = patients[first], patients[second]
            if a.issuer.strip() != b.issuer.strip() and verdict(a, b, same_key=True) != "identity_conflict":
                found.append((first, second))
    return found


def questions(patients: Sequence[Patient], layer: Layer, mixed: Mapping[str, tuple[str, ...]]) -> tuple[Question, ...]:
    """What is to be decided, the most dangerous first.

    Parameters
    ----------
    mixed : study -> the patients whom its files name, for studies that open nothing until that is decided
    """
    out = [Question("mixed_patients", keys, study) for study, keys in sorted(mixed.items())]
    asked: set[frozenset[str]] = set()

    def ask(kind: QuestionKind, first: Patient, second: Patient) -> None:
        pair = frozenset((first.key, second.key))
        if pair in asked or pair in layer.apart or first.person_key == second.person_key:
            return
        asked.add(pair)
        out.append(Question(kind, (first.key, second.key)))

    same_id: dict[str, list[Patient]] = defaultdict(list)
    same_facts: dict[tuple[str, str, str], list[Patient]] = defaultdict(list)
    for one in patients:
        same_id[one.identity_key].append(one)
        who = one.now
        if is_placeholder(who.name) or (who.birth_date or "") in _NO_BIRTH_DATE or who.sex not in ("M", "F"):
            continue
        for name in folded(who.name):
            same_facts[name, who.birth_date or "", who.sex].append(one)
    for members in same_id.values():
        for first, second in combinations(members, 2):
            if verdict(first.now, second.now, same_key=True) == "identity_conflict":
                ask("identity_conflict", first, second)
    for members in same_facts.values():
        for first, second in combinations(members, 2):
            if verdict(first.now, second.now, same_key=False) == "identity_possible":
                ask("identity_possible", first, second)
    return tuple(out)


def part_uid(study_uid: str, patient_key: str) -> str:
    """UID under which one patient's images of a split study stand here: always the same for the same two."""
    return derived_uid("part", study_uid, patient_key)


def differences(a: Stated, b: Stated) -> tuple[str, ...]:
    """Which fields of two identities are unlike, by name; absent ones are unlike nothing."""
    out = []
    names = (None if is_placeholder(a.name) else folded(a.name), None if is_placeholder(b.name) else folded(b.name))
    if names[0] is not None and names[1] is not None and not names[0] & names[1]:
        out.append("name")
    for word, x, y in (("patient ID", a.id, b.id), ("issuer", a.issuer, b.issuer),
                       ("birth date", a.birth_date, b.birth_date), ("sex", a.sex, b.sex)):  # fmt: skip
        if x and y and x.strip() != y.strip():
            out.append(word)
    return tuple(out)


def _pairs(keys: Sequence[str]) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in combinations(keys, 2)}
