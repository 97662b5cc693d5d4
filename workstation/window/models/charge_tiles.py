"""What the tiles above the biller's worklist say, counted beside the window."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workstation.report.rule_words import rule_words
from workstation.window.panels.say import counted

if TYPE_CHECKING:
    from workstation.window.models.charges import Shown

TILES: dict[str, frozenset[str]] = {
    "ready": frozenset({"ready"}),
    "held": frozenset({"held"}),
    "todo": frozenset({"refused", "todo"}),
    "underway": frozenset({"underway", "done"}),
}
"""The kinds of lines that each tile counts."""


@dataclass(frozen=True)
class Tiles:
    """A number with its words for each tile, and why the rest is not billed.

    Parameters
    ----------
    told : by the name of the tile
    reasons : in words, with how many lines each keeps from being billed; the most frequent first
    readers : how many reading physicians there are
    amounts : whether any line has an estimate
    """

    told: dict[str, tuple[int, str]]
    reasons: tuple[tuple[str, int], ...]
    readers: int
    amounts: bool


def tiles_of(rows: tuple[Shown, ...]) -> Tiles:
    """Count; may be called on any thread."""
    by: dict[str, list[Shown]] = {}
    for row in rows:
        by.setdefault(row.kind, []).append(row)
    reasons = Counter(rule_words(r.line.rules[0]) for r in by.get("not_billed", []) if r.line.rules)
    told = {"ready": _ready(by), "held": _held(by), "todo": _todo(by), "underway": _underway(by)}
    readers, amounts = len({r.line.reader for r in rows}), any(r.line.amount for r in rows)
    return Tiles(told, tuple(reasons.most_common(4)), readers, amounts)


def _ready(by: dict[str, list[Shown]]) -> tuple[int, str]:
    ready = by.get("ready", [])
    ages = [r.line.age_days for r in ready if r.line.age_days is not None]
    return len(ready), f"oldest {counted(max(ages), 'day')}" if ages else ""


def _held(by: dict[str, list[Shown]]) -> tuple[int, str]:
    held = [r.line for r in by.get("held", [])]
    asked = Counter(rule_words(x.rules[0]) if x.rules else x.question for x in held).most_common(3)
    return len(held), "\n".join(f"{words}: {n}" for words, n in asked)


def _todo(by: dict[str, list[Shown]]) -> tuple[int, str]:
    back, todo = by.get("refused", []), [r.line for r in by.get("todo", [])]
    told = [f"refused by the receiver: {len(back)}"] if back else []
    gone = sum("uphold" in x.acts for x in todo)
    changed = sum(bool(x.task) for x in todo) - gone
    told += [f"to void or replace: {changed}"] if changed else []
    told += [f"study deleted: {gone}"] if gone else []
    told += [f"not sent: {sum(bool(x.problem) for x in todo)}"] if any(x.problem for x in todo) else []
    return len(back) + len(todo), "\n".join(told) or "nothing came back"


def _underway(by: dict[str, list[Shown]]) -> tuple[int, str]:
    under, done = by.get("underway", []), by.get("done", [])
    late = sum(r.line.late for r in (*under, *done))
    told = [f"acknowledged {len(done)}", *([f"late {late}"] if late else [])]
    return len(under) + len(done), "\n".join(told) if under or done else ""
