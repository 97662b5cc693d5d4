"""How a site wants its charge messages: optional segments, numbers, coding system, who sends and who receives."""

from __future__ import annotations

import re
from typing import Literal

import msgspec
from msgspec import Struct

from billing.facts import ComponentName

Optional = Literal["ORC", "OBR", "PR1", "DG1", "IN1"]
When = Literal["AL", "NE", "ER", "SU", ""]
DiagnosisSystem = Literal["I10C", "I10", "ICD10"]


class Layout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of DFT^P03 messages (`[billing.message]` of the site file).

    Parameters
    ----------
    sending_application, sending_facility : MSH-3 and 4; without a facility the site's institution
    accept_acknowledgement, application_acknowledgement : MSH-15 and 16 (HL7 table 0155); both empty is original mode
    segments : optional segments that are written; ORC and OBR name the order, PR1 repeats the procedure
    order_number : what FT1-23 holds: the 3D order's number (the accession where it has none), or the accession
    diagnosis_system : coding system of DG1-3 and FT1-19 (HL7 table 0396)
    location : PV1-3 and FT1-16, components divided by ^ as in RAD^^^HOSP
    patient_types : FT1-18 by patient class (O, I, E)
    folder : where messages lie as files for a system that fetches them, where no receiver takes them; "" is the home's
        own ``messages``, and nowhere in a department, whose workstations must see one folder
    """

    sending_application: str = "RENDERDESK"
    sending_facility: str = ""
    accept_acknowledgement: When = "AL"
    application_acknowledgement: When = "AL"
    segments: tuple[Optional, ...] = ("DG1", "IN1")
    order_number: Literal["order", "accession"] = "order"
    diagnosis_system: DiagnosisSystem = "I10C"
    location: str = ""
    patient_types: dict[str, str] = msgspec.field(default_factory=dict)
    folder: str = ""

    def __post_init__(self) -> None:
        if len(set(self.segments)) != len(self.segments):
            raise ValueError("segments names a segment twice")
        if "OBR" in self.segments and "ORC" not in self.segments:
            raise ValueError("segments has OBR without ORC")
        if unknown := set(self.patient_types) - set("BCEINOPRU"):
            raise ValueError(f"patient_types names {min(unknown)}, which is no patient class")
        if not self.sending_application.strip():
            raise ValueError("sending_application is empty")


class Receiver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where charge messages go over MLLP (`[[billing.receivers]]` of the site file).

    Parameters
    ----------
    name : the site's own word for it
    application, facility : MSH-5 and 6; without a facility the sending one
    components : parts of the service that this receiver takes; none named is all
    timeout_s : how long an answer may take
    tls : encrypted; verified by `ca_file` (PEM), by `pin_sha256` of the receiver's certificate, or by the system's
        own authorities. There is no way not to verify.
    certificate, key : PEM files of this sender's own certificate, where the receiver asks for one
    """

    name: str
    host: str
    port: int
    application: str = "BILLING"
    facility: str = ""
    components: tuple[ComponentName, ...] = ()
    timeout_s: float = 30.0
    tls: bool = False
    ca_file: str = ""
    pin_sha256: str = ""
    certificate: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w .-]{1,40}", self.name):
            raise ValueError("name has 1 to 40 letters, digits, spaces, dots or dashes")
        if not self.host.strip() or not 0 < self.port < 65536:
            raise ValueError("host is empty, or port is not between 1 and 65535")
        if not self.application.strip():
            raise ValueError("application is empty")
        if not 0.1 <= self.timeout_s <= 600:
            raise ValueError("timeout_s is between 0.1 and 600 seconds")
        if not self.tls and (self.ca_file or self.pin_sha256 or self.certificate):
            raise ValueError("certificates and pins need tls = true")
        if self.pin_sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", self.pin_sha256.replace(":", "")):
            raise ValueError("pin_sha256 is 64 hexadecimal digits")
        if bool(self.certificate) is not bool(self.key):
            raise ValueError("certificate and key go together")

    def takes(self, component: str) -> bool:
        """Whether this receiver takes charges for that part of the service."""
        return not self.components or component in self.components
