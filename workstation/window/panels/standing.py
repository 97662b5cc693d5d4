"""Why a charge is decided as it is, in sentences that physician and biller read; the rest is for the auditor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.explain import MODIFIERS

MOST = 12
# the rules that carry a charge, in the order in which people ask; the others speak only when they are against it
_CARRYING = (
    "R-IW-01",
    "R-IW-02",
    "R-TQ-00",
    "R-BS-01",
    "R-SV-02",
    "R-AR-01",
    "R-RP-01",
    "R-RP-04",
    "R-OR-01",
    "R-OR-03",
    "R-PU-02",
    "R-DX-02",
    "R-CP-01",
    "R-CP-02",
    "R-CP-03",
    "R-CP-04",
    "R-CP-09",
    "R-LG-00",
)
# a rule that passes because its case is not here says so with one of these words, which proves nothing
_IDLE = ("Not ", "No ", "Nothing ", "Nobody ", "Nothing")
_PROVED_BY = {
    "R-TQ-00": ("rendering.techniques",),
    "R-DT-04": ("service.date",),
    "R-SV-02": (
        "supervision.region_designed",
        "supervision.tissue_selected",
        "supervision.images_selected",
        "supervision.product_monitored",
        "supervision.concurrent",
    ),
    "R-AR-01": ("images.archived", "images.acknowledged"),
    "R-RP-01": ("report.status",),
    "R-RP-04": ("report.three_d_findings", "report.technique_stated", "report.supervision_stated"),
}
_STATES = {"pass": "done", "hold": "wants", "reject": "refused"}


@dataclass(frozen=True)
class Standing:
    """One sentence with its state, and for the auditor where it comes from."""

    state: str
    text: str
    source: str = ""


def source_of(reason: Mapping[str, Any], proof: Mapping[str, tuple[int, ...]]) -> str:
    """Rule, source and the journal's lines behind a reason."""
    lines = sorted({n for path in _PROVED_BY.get(str(reason["rule"]), ()) for n in proof.get(path, ())})
    told = f"journal {', '.join(map(str, lines))}" if lines else ""
    return " · ".join(p for p in (str(reason["rule"]), str(reason.get("source") or ""), told) if p)


def standing(answer: Mapping[str, Any], proof: Mapping[str, tuple[int, ...]]) -> list[Standing]:
    """What is against the charge first, then what carries it; open questions stand elsewhere and not here.

    Parameters
    ----------
    answer : the decision in its fixed format
    proof : journal lines behind each fact, by its path
    """
    against = [r for r in answer["reasons"] if r["outcome"] == "reject"]
    passed = {
        str(r["rule"]): r for r in answer["reasons"] if r["outcome"] == "pass" and not str(r["text"]).startswith(_IDLE)
    }
    carrying = [passed[rule] for rule in _CARRYING if rule in passed]
    found = [Standing(_STATES[r["outcome"]], str(r["text"]), source_of(r, proof)) for r in (*against, *carrying)]
    more = [Standing("", f"Modifier {m}: {MODIFIERS[m]}.") for m in answer["modifiers"] if m in MODIFIERS]
    return [*found[: MOST - len(more)], *more]


def audited(answer: Mapping[str, Any], proof: Mapping[str, tuple[int, ...]]) -> list[Standing]:
    """Every rule that was asked, what is against the charge first, then what holds it, each in the rules' order."""
    order = ("reject", "hold", "pass")
    reasons = sorted(answer["reasons"], key=lambda r: order.index(r["outcome"]))
    return [Standing(_STATES[r["outcome"]], str(r["text"]), source_of(r, proof)) for r in reasons]
