"""What makes two charges the same service: the service key (section 5.1 of the billing page)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import unicodedata
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from billing.errors import BillingError
from billing.facts import ComponentName

ComponentClass = Literal["professional", "technical", "global", "institutional"]
CLASSES: dict[ComponentName, ComponentClass] = {
    "26": "professional",
    "TC": "technical",
    "global": "global",
    "institutional": "institutional",
}
# classes that claim the same part, so that only one of them may be active for the rest of the key
OVERLAPS: dict[ComponentClass, tuple[ComponentClass, ...]] = {
    "professional": ("global",),
    "technical": ("global", "institutional"),
    "global": ("professional", "technical", "institutional"),
    "institutional": ("technical", "global"),
}
FAMILY = "3D"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class ServiceIdentity(Struct, frozen=True, kw_only=True):
    """The parts of the key.

    Parameters
    ----------
    patient_issuer, patient_id : after merges
    billing_npi, service_date, component : of the claim
    study_uid : the source study's instance UID; without one, `accession` and `accession_issuer` stand for it
    anatomy : site token
    session : 1 for the first acquisition session of that anatomy that day; rises only by a recorded act
    """

    patient_issuer: str
    patient_id: str
    billing_npi: str
    service_date: dt.date
    component: ComponentName
    study_uid: str | None = None
    accession: str | None = None
    accession_issuer: str | None = None
    anatomy: str
    session: int = 1

    def __repr__(self) -> str:
        return f"ServiceIdentity({self.component}, {self.service_date}, session {self.session})"


def service_key(identity: ServiceIdentity) -> str:
    """SHA-256 (64 hexadecimal digits) over the canonical JSON of what makes the service this one.

    Code within the family, modifiers, units, diagnoses, payer, reader, report and time are not in it.

    Raises
    ------
    BillingError
        When a part is missing: a key with a hole would make two services one.
    """
    study = _text(identity.study_uid)
    source = ["study", study] if study else ["accession", _text(identity.accession_issuer), _text(identity.accession)]
    parts = {
        "patient": [_text(identity.patient_issuer), _text(identity.patient_id)],
        "billing_npi": _text(identity.billing_npi),
        "date": identity.service_date.isoformat(),
        "family": FAMILY,
        "component": CLASSES[identity.component],
        "source": source,
        "anatomy": _text(identity.anatomy).casefold(),
        "session": identity.session,
    }
    if not parts["patient"][1] or not parts["billing_npi"] or not source[-1] or not parts["anatomy"]:  # type: ignore[index]
        raise BillingError("key", "Patient, biller, source study and anatomy must be known before a charge is kept.")
    if identity.session < 1:
        raise BillingError("key", "Sessions are counted from 1.")
    canonical = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def overlapping_keys(identity: ServiceIdentity) -> tuple[str, ...]:
    """Keys of the same service with a component that claims a part of this one."""
    names = {v: k for k, v in CLASSES.items()}
    return tuple(service_key(replace(identity, component=names[c])) for c in OVERLAPS[CLASSES[identity.component]])


def charge_id(key: str, generation: int) -> str:
    """Twelve characters of Crockford base 32 for the n-th charge of a service.

    The same service and generation give the same id on every workstation, so a retry cannot make a second charge.
    It fits FT1-2 and MSH-10.
    """
    number = int.from_bytes(hashlib.sha256(f"{key}:{generation}".encode()).digest()[:8], "big") >> 4
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(55, -1, -5))


def _text(value: str | None) -> str:
    """Text in one form, so that two spellings of the same characters give one key."""
    return unicodedata.normalize("NFC", (value or "").strip())
