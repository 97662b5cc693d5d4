"""How quickly a charge is decided."""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from workstation.bench.figures import Figure, compare, timed
from workstation.bench.processes import seconds_of

_MANY = 10_000


def example() -> dict[str, Any]:
    """Facts of an invented professional CT charge, with all that a decision asks for."""
    text = files("workstation.bench").joinpath("facts.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def measure(runs: int, many: int = _MANY) -> list[Figure]:
    """One decision in a process that runs, one as a command, and `many` as JSON Lines."""
    from billing.decide import decide
    from billing.facts import read_facts

    document = example()

    def one() -> None:
        for _ in range(100):
            decide(read_facts(document))

    with tempfile.TemporaryDirectory(prefix="renderdesk-bench-") as name:
        single, lines = Path(name) / "facts.json", Path(name) / "facts.jsonl"
        single.write_text(json.dumps(document), encoding="utf-8")
        lines.write_text("".join(json.dumps({**document, "facts_id": f"f{n}"}) + "\n" for n in range(many)), "utf-8")
        command = [sys.executable, "-m", "workstation", "charge", "--json"]
        bare = [sys.executable, "-c", "pass"]
        hundred = compare("one decision, facts read", timed(one), runs=runs, at_most=100.0)
        whole = compare(
            "renderdesk charge, one case, whole process",
            lambda: seconds_of([*command, str(single)]),
            lambda: seconds_of(bare),
            peer_name="Python that does nothing",
            runs=max(runs, 5),
        )
        long = compare(
            f"renderdesk charge, {many} cases, whole process",
            lambda: seconds_of([*command, str(lines)]),
            runs=min(runs, 3),
            unit="s",
            at_most=10.0,
            note="facts as JSON Lines in, answers as JSON Lines out",
        )
    return [_hundredth(hundred), whole, _more(whole), long]


def _hundredth(f: Figure) -> Figure:
    assert f.ours_range is not None
    low, high = f.ours_range
    return Figure(
        name=f.name,
        unit="ms",
        ours=f.ours / 100,
        at_most=1.0,
        runs=f.runs,
        ours_range=(low / 100, high / 100),
        note="mean of 100 in a run",
    )


def _more(f: Figure) -> Figure:
    assert f.peer is not None
    return Figure(
        name="renderdesk charge, one case, more than a bare Python",
        unit="ms",
        ours=f.ours - f.peer,
        at_most=150.0,
        runs=f.runs,
        note="difference of the two medians",
    )
