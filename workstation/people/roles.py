"""Who may do what: the table of the clinical rules (7.3), typed in as data."""

from __future__ import annotations

from typing import Literal, get_args

from workstation.base.errors import NotAllowed
from workstation.base.events import Role

Act = Literal[
    "import",
    "view",
    "render",
    "measure",
    "draft",
    "accept",
    "order",
    "diagnoses",
    "release",
    "confirm_side",
    "confirm_identity",
    "override",
    "propose_reconcile",
    "reconcile",
    "prepare",
    "sign",
    "supervise",
    "confirm_charge",
    "payers",
    "metrics",
    "claims",
    "accounts",
    "log",
    "delete",
    "export",
]

_MAKERS: frozenset[Role] = frozenset({"technologist", "resident", "radiologist"})
_PHYSICIAN: frozenset[Role] = frozenset({"radiologist"})

# Act -> roles. A resident's release and signature are preliminary and wait for their own issue: until the program
# can mark them so, a resident prepares and a radiologist releases and signs.
ALLOWED: dict[Act, frozenset[Role]] = {
    "import": _MAKERS,
    "view": _MAKERS | {"viewer", "biller"},
    "render": _MAKERS | {"viewer"},
    "measure": _MAKERS,
    "draft": _MAKERS,
    "accept": _MAKERS,
    "order": _MAKERS,
    # coding what the order says is the billing office's work; the order itself is not
    "diagnoses": _MAKERS | {"biller"},
    "release": _PHYSICIAN,
    "confirm_side": _PHYSICIAN,
    "confirm_identity": _PHYSICIAN,
    "override": _PHYSICIAN,
    "propose_reconcile": _MAKERS,
    "reconcile": frozenset({"radiologist", "administrator"}),
    "prepare": _MAKERS,
    "sign": _PHYSICIAN,
    "supervise": _PHYSICIAN,
    "confirm_charge": frozenset({"radiologist", "biller"}),
    "payers": frozenset({"biller", "administrator"}),
    # figures of readers are the charge log's: who may read that log sees them
    "metrics": frozenset({"biller", "administrator"}),
    "claims": frozenset({"biller", "administrator"}),
    "accounts": frozenset({"administrator"}),
    "log": frozenset({"administrator"}),
    "delete": frozenset({"administrator"}),
    "export": _MAKERS | {"administrator"},
}

_WORDS: dict[Act, str] = {
    "import": "take in studies",
    "view": "open studies",
    "render": "render",
    "measure": "measure",
    "draft": "draft pictures",
    "accept": "accept measurements",
    "order": "enter an order",
    "diagnoses": "code the diagnoses",
    "release": "release pictures",
    "confirm_side": "confirm the side",
    "confirm_identity": "confirm the patient's identity",
    "override": "use an unsuitable series",
    "propose_reconcile": "propose a correction of identity",
    "reconcile": "correct an identity",
    "prepare": "prepare a report",
    "sign": "sign a report",
    "supervise": "supervise the 3D work",
    "confirm_charge": "confirm a charge",
    "payers": "record what a payer wants",
    "metrics": "see the department's figures",
    "claims": "hand claims over and take their answers in",
    "accounts": "manage accounts",
    "log": "read the whole log",
    "delete": "delete a study",
    "export": "export a study",
}

# Acts that want the secret again: always, or when it was last given more than five minutes ago (7.2).
ASK_ALWAYS: frozenset[Act] = frozenset({"sign"})
ASK_AFTER_5_MIN: frozenset[Act] = frozenset({"release", "reconcile", "confirm_charge", "payers"})
ASK_AFTER_S = 300.0

ROLES: tuple[Role, ...] = get_args(Role)


def may(role: Role, act: Act) -> bool:
    """Whether this role may do it."""
    return role in ALLOWED[act]


def refusal(role: Role | None, act: Act) -> str:
    """One sentence that says why not, and who may; "" when allowed."""
    if role is not None and may(role, act):
        return ""
    *others, last = sorted(ALLOWED[act])
    who = f"{', '.join(others)} or {last}" if others else last
    if role is None:
        return f"Sign in first: to {_WORDS[act]} needs the role {who}."
    return f"The role {role} may not {_WORDS[act]}; {who} may."


def require(role: Role | None, act: Act) -> None:
    """Refuse what the role may not do.

    Raises
    ------
    NotAllowed
        ``not_signed_in`` or ``not_allowed``.
    """
    sentence = refusal(role, act)
    if sentence:
        raise NotAllowed("not_allowed" if role else "not_signed_in", sentence, act=act)
