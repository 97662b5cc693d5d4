"""A home with confirmed charges and their messages, without pictures: what sending and exports begin with."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path

from msgspec.structs import replace

from billing.charge import Charge, draft, identity_of
from billing.decide import decide
from billing.facts import read_facts
from billing.ledger import Actor
from billing.messages import hl7
from workstation.archive.outbox import Message
from workstation.base.clock import ScriptedClock
from workstation.desk.charge_ledger import ledger_of
from workstation.desk.place import Place

ROOT = Path(__file__).resolve().parents[2]
BASE = json.loads((ROOT / "tests/cases/billing_base.json").read_text())
START = dt.datetime(2026, 3, 3, 9, 0, tzinfo=dt.UTC)
CONTEXT = hl7.MessageContext(
    systems=hl7.Systems(
        sending_application="RENDERDESK",
        sending_facility="SITE",
        receiving_application="BILLING",
        receiving_facility="GROUP",
    ),
    posted_at=START,
    patient_id="P100",
    patient_authority="SITE",
    patient_name=hl7.PersonName("Test", "Pat"),
    birth_date=dt.date(1963, 5, 4),
    sex="M",
    visit_class="O",
    visit_number="V1",
    rendering=hl7.Provider(npi="1234567893", name=hl7.PersonName("Reader", "Rae")),
    ordering=hl7.Provider(npi="1444555662"),
    order_number="A1",
)


def home(folder: Path, clock: ScriptedClock | None = None, station: str = "TEST-1") -> Place:
    return Place(folder, clock or ScriptedClock(START), station, demo=True)


def facts(patient: str = "P100", **changes):
    document = copy.deepcopy(BASE)
    document["patient"]["id"] = patient
    for path, value in changes.items():
        section, _, name = path.partition("__")
        if name:
            document[section][name] = value
        else:
            document[section] = value
    return read_facts(document)


def confirm(place: Place, patient: str = "P100", study_uid: str = "1.2.3", **changes) -> Charge:
    """A charge in the home's ledger, its message in the outbox."""
    read = facts(patient, **changes)
    with place.db.writing():
        by = Actor(who="b.biller", role="biller", workstation=place.station, at=place.now())
        kept = ledger_of(place).confirm(draft(read, decide(read), identity_of(read, study_uid=study_uid)), by)
        text = hl7.dft(kept, replace(CONTEXT, patient_id=patient))
        message = Message(
            control_id=hl7.control_id(kept),
            charge_id=kept.charge_id,
            kind="hl7",
            body=text,
            component=kept.identity.component,
        )
        place.outbox.put(message, place.now())
    return kept
