"""What was decided for a signed case, written down when it is first decided and whenever it becomes another decision.

Without these lines nobody could later tell how many cases were billable at once, or how long one was held.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from workstation.base.errors import RenderDeskError
from workstation.case.supervision import ACTS

if TYPE_CHECKING:
    from workstation.desk.charge_case import Decided
    from workstation.desk.session import Session

KIND = "charge_decided"
_SAME = ("decision", "code", "rules")


def note_decision(session: Session) -> None:
    """Note the decision of a case whose report is signed, where it is not the one that was noted last.

    A signature or an answer is never refused because of this: what cannot be decided now is noted later.
    """
    if not session.case.reports:
        return
    with contextlib.suppress(RenderDeskError):
        noted = noted_of(session, session.decide())
        lines = [e.event.payload for e in session.place.journal.entries(session.key.study_uid) if _is_one(e)]
        before = next((p for p in reversed(lines) if p.get("session", 1) == noted["session"]), None)
        if before is None or any(before.get(name) != noted[name] for name in _SAME):
            session.place.act(KIND, session.actor, session.key, **noted)


def noted_of(session: Session, decided: Decided) -> dict[str, Any]:
    """What is written down of a decision: no name, no diagnosis."""
    answer, facts = decided.answer, decided.facts
    seen = session.supervision()
    against = [r for r in answer["reasons"] if r["outcome"] == answer["decision"] != "bill"]
    return {
        "decision": answer["decision"],
        "code": answer["code"],
        "modifiers": list(answer["modifiers"]),
        "rules": list(dict.fromkeys(r["rule"] for r in against)),
        "rules_version": answer["rules_version"],
        "payer": (facts.get("payer") or {}).get("kind"),
        "reader": (facts.get("providers") or {}).get("rendering_npi"),
        "service_date": (facts.get("service") or {}).get("date"),
        "session": session.session_number,
        "acts": {name: seen.acts[name].kind for name in ACTS},
    }


def _is_one(entry: Any) -> bool:
    # what an older program wrote names no rules
    return entry.event.kind == KIND and "rules" in entry.event.payload
