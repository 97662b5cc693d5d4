"""Where each fact of a decision comes from: journal lines, the order, the site, a person, an account or the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workstation.case.model import Case
    from workstation.desk.charge_case import Decided
    from workstation.desk.place import Place

_LEFT_OUT = frozenset({"schema", "facts_id", "as_of"})
_ORDER = frozenset({"order", "base", "dx", "dx_confirmed"})
_ORDER_WORDS = {
    "typed": "the order, as typed here",
    "tags": "the order, as the images name it",
    "worklist": "the order, from the worklist",
    "order.json": "the order, from the file beside the images",
}


@dataclass(frozen=True)
class FactSource:
    """One fact with its value, where it comes from in words, and the journal lines that prove it."""

    path: str
    value: Any
    origin: str
    lines: tuple[int, ...] = ()


def fact_sources(place: Place, case: Case, decided: Decided) -> tuple[FactSource, ...]:
    """Every known fact that was decided on, in the order of the facts."""
    said = place.db.setting("site.facts")
    site: dict[str, Any] = json.loads(said) if said else {}
    typed = _typed(place, case)
    return tuple(
        FactSource(path, value, *_origin(path, case, decided.proof, typed, site))
        for path, value in _leaves(decided.facts)
        if path.split(".")[0] not in _LEFT_OUT
    )


def _typed(place: Place, case: Case) -> dict[str, tuple[str, int]]:
    """Who stated a fact last, and in which line."""
    found: dict[str, tuple[str, int]] = {}
    for entry in place.journal.entries(case.key.study_uid):
        if entry.event.kind == "facts_given":
            given = entry.event.payload.get("facts")
            for path in given if isinstance(given, dict) else ():
                found[path] = (entry.event.actor.name if entry.event.actor else "somebody", entry.number)
        elif entry.event.kind == "order_entered":
            found["order"] = (entry.event.actor.name if entry.event.actor else "", entry.number)
        elif entry.event.kind == "diagnoses_coded":
            found["dx"] = (entry.event.actor.name if entry.event.actor else "", entry.number)
        elif entry.event.kind == "anatomy_confirmed":
            found["anatomy"] = (entry.event.actor.name if entry.event.actor else "", entry.number)
    return found


def _origin(
    path: str,
    case: Case,
    proof: Mapping[str, tuple[int, ...]],
    typed: Mapping[str, tuple[str, int]],
    site: Mapping[str, Any],
) -> tuple[str, tuple[int, ...]]:
    if proof.get(path):
        return "witnessed by the program", proof[path]
    group = path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
    given = next((p for p in (path, group) if case.given.get(p) is not None), "")
    if given and given in typed:
        who, line = typed[given]
        return f"stated by {who}", (line,)
    if group == "dx" and "dx" in typed:
        who, line = typed["dx"]
        return f"coded by {who}", (line,)
    if group in _ORDER or path in ("laterality.order", "service.purpose"):
        _, line = typed.get("order", ("", 0))
        words = _ORDER_WORDS.get(case.order.source if case.order else "", "the order")
        return words, (line,) if line else ()
    if path in ("rendering.anatomy", "rendering.target") and "anatomy" in typed:
        who, line = typed["anatomy"]
        return f"confirmed by {who}" if who else "confirmed", (line,)
    if path in site:
        return "asked once for this site", ()
    if group == "patient":
        return "the images", ()
    if group == "providers":
        return "the reading physician's account", ()
    if group == "ledger":
        return "this program's ledger", ()
    if group == "workstation":
        return "this workstation", ()
    return ("given with the case", ()) if given else ("the record of the work", ())


def _leaves(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every known value with its path; lists of plain values are one value."""
    for name, value in facts.items():
        path = f"{before}{name}"
        if value is None:
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}.")
        elif isinstance(value, list | tuple) and value and all(isinstance(v, Mapping) for v in value):
            for place, one in enumerate(value):
                yield from _leaves(one, f"{path}[{place}].")
        else:
            yield path, value
