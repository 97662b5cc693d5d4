"""Whatever the rules bill can be written: every case of the coding office in every form that its charge may take."""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal

from msgspec.structs import replace

from billing.charge import draft, identity_of
from billing.decide import decide
from billing.errors import BillingError
from billing.facts import read_facts
from billing.ledger import Actor, Ledger, MemoryStore
from billing.messages import cms1500, csv, fhir, hl7, x837, x837i
from billing.messages.claim_context import Purchased
from tests.unit import test_billing_x837 as claims
from tests.unit.test_billing_cases import ALL
from tests.unit.test_billing_hl7 import CONTEXT as MESSAGE
from tests.unit.test_billing_x837 import read_by_another

BY = Actor(who="b", role="biller", workstation="W", at="2026-03-03T09:00:00Z")
TARGETS = fhir.Targets(member_id="M1")


def billed():
    """Facts and confirmed charge of every case that bills."""
    for case in ALL:
        document = copy.deepcopy(case["facts"])
        try:
            read = read_facts(document)
        except BillingError:
            continue
        if decide(read).decision != "bill":
            continue
        # what the rules do not ask for and the ledger's key needs
        document["patient"] = {"id": "P100", **{k: v for k, v in (document.get("patient") or {}).items() if v}}
        document["rendering"]["anatomy"] = document["rendering"].get("anatomy") or "abdomen"
        read = read_facts(document)
        drafted = draft(read, decide(read), identity_of(read, study_uid="1.2.3"))
        yield case["name"], read, Ledger(MemoryStore()).confirm(drafted, BY)


def contexts(read, kept):
    """What message and claim need beside this charge."""
    day = kept.service_date
    posted = dt.datetime(day.year, day.month, day.day, 12, tzinfo=dt.UTC) + dt.timedelta(days=1)
    message = replace(
        MESSAGE,
        patient_id=kept.identity.patient_id,
        posted_at=posted,
        birth_date=read.patient.birth_date,
        rendering=hl7.Provider(npi=kept.rendering_npi),
        ordering=hl7.Provider(npi=kept.ordering_npi),
    )
    institutional = kept.identity.component == "institutional"
    born = read.patient.birth_date or dt.date(1963, 5, 4)
    claim = replace(
        claims.CONTEXT,
        biller=replace(claims.CONTEXT.biller, npi=kept.billing_npi),
        payer_kind=read.payer.kind,
        authorisation=read.payer.auth_number or "",
        subscriber=replace(claims.PATIENT, birth_date=born),
        facility=None if institutional else claims.CONTEXT.facility,
        other_plan=False,
        purchased=Purchased(npi="1444555662", amount=Decimal(5)) if read.claim.tc_purchased else None,
        revenue_code=x837i.revenue_code(kept, {}) if institutional else "",
    )
    return posted, message, claim


def _shape(kept, read):
    return kept.modifiers, read.payer.kind, len(kept.diagnoses), bool(read.payer.auth_number)


def test_every_case_that_bills_is_written_in_every_form_of_its_own():
    found = list(billed())
    assert len(found) > 200
    # one of each shape: the other library is slow, and reads no more in the hundredth alike
    professional, hospital = {}, {}
    latest = claims.ENVELOPE.created
    for name, read, kept in found:
        posted, message, context = contexts(read, kept)
        latest = max(latest, posted)
        assert f"|{'~'.join(kept.modifiers)}" in hl7.dft(kept, message), name
        assert kept.charge_id in csv.table([kept]), name
        assert fhir.charge_item(kept, TARGETS)["code"]["coding"][0]["code"] == kept.code, name
        if kept.identity.component != "institutional":
            item = fhir.claim(kept, TARGETS, created=posted.date())["item"][0]
            assert [m["coding"][0]["code"] for m in item.get("modifier", ())] == list(kept.modifiers), name
        if read.payer.kind == "self_pay":
            continue
        if kept.identity.component == "institutional":
            hospital[_shape(kept, read)] = (kept, context)
        else:
            professional[_shape(kept, read)] = (kept, context)
            assert x837.claim(kept, context, replace(claims.ENVELOPE, created=posted)), name
            boxes = cms1500.boxes(kept, context, written=posted.date())
            assert boxes["24"][0]["D"]["modifiers"] == list(kept.modifiers), name
    envelope = replace(claims.ENVELOPE, created=latest)
    for write, of_shape in ((x837.claims, professional), (x837i.claims, hospital)):
        items = list(of_shape.values())
        assert len(items) > 3
        good, notes, _ = read_by_another(write(items, envelope))
        sets = notes["interchanges"][0]["groups"][0]["transactions"]
        assert [t["ack_code"] for t in sets] == ["A"] * len(items)
        assert good
