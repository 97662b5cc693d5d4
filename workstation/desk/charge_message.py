"""The charge as a message to the billing system, from what case, order, accounts and site know."""

from __future__ import annotations

from datetime import UTC, date
from typing import TYPE_CHECKING

import msgspec

from billing.facts import Facts
from billing.messages import hl7
from billing.site import Site
from workstation.desk.charge_ledger import person_of
from workstation.desk.charge_site import grounds_of

if TYPE_CHECKING:
    from billing.charge import Charge
    from workstation.case.model import Case
    from workstation.desk.place import Place

_CLASSES = {"21": "I", "51": "I", "61": "I", "23": "E"}
"""Patient class of PV1-2 (HL7 table 0004) by place of service; everything else is an outpatient."""


def credit_text(place: Place, charge: Charge, sent: str) -> tuple[str, str]:
    """The HL7 credit for a charge that was taken back after its message `sent`, and its control id.

    Raises
    ------
    MessageHole
        The charge was not taken back.
    """
    credit = hl7.credit_of(charge, sent, place.clock.now().astimezone(UTC))
    return credit, hl7.control_id(charge, credit=True)


def site_of(place: Place) -> Site:
    """The settings of a home, the program's own where it has none."""
    return grounds_of(place.home).site or Site()


def context_of(place: Place, case: Case, charge: Charge) -> hl7.MessageContext:
    """What the message needs beside the charge."""
    patient, order = case.patient, case.order
    # after a merge the charge bears the number that stands for the person, and so does what is said of it
    issuer, number = person_of(place, patient.issuer, patient.id)
    if (issuer, number) != (charge.identity.patient_issuer, charge.identity.patient_id):
        issuer, number = patient.issuer, patient.id
    setting = place.db.setting
    accession = case.accession or (order.accession if order else "")
    site = site_of(place)
    layout, receiver = site.message, site.receiver_of(charge.identity.component)
    facility = layout.sending_facility or setting("site.institution") or "SITE"
    payer = msgspec.json.decode(charge.facts, type=Facts).payer
    company = site.payer_of(payer.kind or "", payer.plan)
    ordering = hl7.Provider(npi=charge.ordering_npi, name=name_of(order.ordering_name if order else ""))
    return hl7.MessageContext(
        systems=hl7.Systems(
            sending_application=layout.sending_application,
            sending_facility=facility,
            receiving_application=receiver.application
            if receiver
            else setting("message.receiving_application") or "BILLING",
            receiving_facility=(receiver.facility if receiver else setting("message.receiving_facility")) or facility,
            # a demonstration must never pass for a charge: HL7 table 0103, training
            processing="T" if place.demo or site.test else "P",
        ),
        posted_at=place.clock.now().astimezone(UTC),
        patient_id=number,
        patient_authority=issuer or setting("site.patient_authority") or "LOCAL",
        patient_name=name_of(patient.name),
        birth_date=date.fromisoformat(patient.birth_date) if patient.birth_date else None,
        sex=patient.sex if patient.sex in ("M", "F", "O") else "U",  # type: ignore[arg-type]
        visit_class=(visit_class := _CLASSES.get(charge.pos, "O")),
        visit_location=layout.location,
        patient_type=layout.patient_types.get(visit_class, ""),
        # where nobody knows the visit, the department's own number of it is the accession
        visit_number=(order.visit_number if order else "") or accession,
        rendering=hl7.Provider(npi=charge.rendering_npi, name=account_name(place, charge.rendering_npi)),
        ordering=ordering,
        referring=ordering,
        order_number=(order.order_id if order and layout.order_number == "order" else "") or accession,
        plan_id=(payer.plan or company.name) if company else "",
        company_id=company.id if company else "",
        company_name=company.name if company else "",
        layout=layout,
    )


def name_of(text: str) -> hl7.PersonName:
    """Family and given name of a DICOM name, or of one as it is printed ("Ann Smith")."""
    if "^" in text:
        family, _, rest = text.partition("^")
        return hl7.PersonName(family.strip(), rest.partition("^")[0].strip())
    plain = text.partition(",")[0].strip()
    given, _, family = plain.rpartition(" ")
    return hl7.PersonName(family, given)


def account_name(place: Place, npi: str) -> hl7.PersonName:
    """Name of the account with an NPI; empty where there is none."""
    from workstation.desk.people_store import AccountTable

    return next((name_of(a.name) for a in AccountTable(place.db).all() if a.npi == npi), hl7.PersonName())
