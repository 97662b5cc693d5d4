"""One line of the journal: who did what to which case, when, where, how.

The journal is the source of evidence: billing facts are a pure fold over these events. Events carry
no patient name (but for a correction of identity, which is about nothing else); `case` names patient,
study and series by key and UID.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Role = Literal["technologist", "resident", "radiologist", "viewer", "biller", "administrator"]


class Actor(msgspec.Struct, frozen=True):
    """The authenticated person: account, printed name, the one role in force, and when they proved it."""

    account: str
    name: str
    role: Role
    authenticated_at: str
    npi: str = ""


class CaseKey(msgspec.Struct, frozen=True):
    """The tuple that every pane, capture, measurement and report carries and checks."""

    patient_key: str
    study_uid: str
    series_uid: str = ""
    volume: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An act. `scripted` events (demo, tests) are evidence in a DEMO home alone."""

    kind: str
    at: str
    monotonic_s: float
    station: str
    actor: Actor | None = None
    case: CaseKey | None = None
    scripted: bool = False
    payload: dict[str, Any] = msgspec.field(default_factory=dict)


class Entry(msgspec.Struct, frozen=True):
    """An event in its place in the chain: `hash` covers the event's canonical JSON and `previous`."""

    number: int
    event: Event
    previous: str
    hash: str


# Kinds of events, with the payload that each one carries. A kind exists only if something writes it.
KINDS: dict[str, str] = {
    "signed_in": "{}",
    "signed_out": "{reason}",
    "sign_in_failed": "{account}",
    "account_made": "{account, role}",
    "clock_set_back": "{seconds, line, line_station}: this computer's clock shows less than that line says it must",
    "imported": "{files, studies, findings}",
    "study_exported": "{files, left_out, anonymised, profile, manifest: digest over the files' digests}",
    "study_deleted": "{images, files, state, reports: [UID], charge_id, tasks: [charge_id]: active charges that the "
    "biller is asked about, series: [UID], reason}: journal, ledger stay",
    "study_opened": "{series: [UID], volume, shape, units, chosen_by: program|person, score}",
    "order_entered": "{accession, order_id, three_d_ordered, reason, ordering_npi, base: [...], source}",
    "diagnoses_coded": "{dx: [[code, words]], before: [[code, words]]}: the codes of the claim, in the order of weight",
    "order_voided": "{accession, order_id, reason}: holds until an order is entered again",
    "identity_confirmed": "{missing: [field]}",
    "identity_proposed": "as identity_reconciled, by a role that may not decide",
    "identity_reconciled": "{act: same|apart|link|split|move|correct|undo, patients: [key], study_uid, issuers, "
    "old: [identity], new: [identity], reason, undoes: line, derived: [sop_uid], proposal: line}: the one act that "
    "must name the old and the new identity",
    "side_confirmed": "{as_labelled: bool}",
    "scene_shown": "{technique, view}: the first 3D scene of a session, by itself no act",
    "view_steered": "{technique, what: camera|look|crop|threshold|window, recipe_before, recipe_after, active_s}",
    "region_set": "{how: crop|clip|range|confirmed, region}",
    "tissues_set": "{how: preset|threshold|segments|confirmed, tissues, look}",
    "picture_drafted": "{sop_uid, technique, view (JSON), recipe, title}",
    "picture_shown": "{sop_uid, seconds, pixels}",
    "picture_released": "{sop_uid}",
    "picture_discarded": "{sop_uid, reason}",
    "picture_withdrawn": "{sop_uid, reason, rejection}: a released picture that stays and counts no longer",
    "picture_archived": "{sop_uid, archive, acknowledged: bool}",
    "draft_returned": "{note}",
    "supervision_attested": "{acts: {region, tissues, pictures, steering: bool}, concurrent, text}",
    "measurement_proposed": "{id, kind, recipe}",
    "measurement_accepted": "{id, kind, value, unit, recipe}",
    "measurement_removed": "{id}",
    "anatomy_confirmed": "{anatomy, target}",
    "report_saved": "{digest, status}",
    "report_signed": "{sop_uid, digest, status, elements}",
    "report_retracted": "{sop_uid, reason}",
    "facts_given": "{field: value}: what only people know (payer, place of service, ownership ...)",
    "charge_decided": "{decision, code, modifiers, rules: [that held or rejected], rules_version, payer, reader, "
    "service_date, session, acts}: at the signature, when the decision changes, with facts_digest at the confirmation",
    "session_separated": "{series: [UID], ordinal, anatomy, reason}: acquired apart, a service of its own",
    "session_rejoined": "{series: [UID], line, reason}: takes the act in that line back",
    "charge_confirmed": "{charge_id, code, modifiers, service_key, late, session}",
    "reference_imported": "{files, sha256, kept: digests of what is kept}: official tables that count from now on",
    "payer_recorded": "{payer, record}: what the site knows of a payer from a day on; older records stay",
    "days_closed": "{until, before}: what is confirmed for these days from now on is late",
    "message_written": "{charge_id, path, control_id}",
    "message_sent": "{charge_id, control_id, receiver, attempt}: written before the first byte goes out",
    "message_answered": "{charge_id, control_id, outcome}",
    "answers_taken": "{acknowledged, rejected, foreign}: how many of a file's answers",
    "charge_voided": "{charge_id, reason, credit: whether the receiver is told}",
    "charge_replaced": "{charge_id, replaces, reason, credit}",
    "charge_upheld": "{charge_id, reason}: its study was deleted and the charge stays right; answers that task",
    "charge_resent": "{charge_id, reason}: a refused charge goes out again unchanged",
    "charges_exported": "{number, format, charges: how many, sha256}",
    "coverage_stated": "{payer_kind}: how the patient is insured with it",
}


# msgspec gathers a type's fields at its first use; two threads that do so at once crash it, so it is done here, once
msgspec.json.Decoder(Event)
