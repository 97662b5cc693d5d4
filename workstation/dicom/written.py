"""What written objects are called and refer to: plain values, so that naming them loads no library."""

from __future__ import annotations

from dataclasses import dataclass

SC_CLASS = "1.2.840.10008.5.1.4.1.1.7"
ENHANCED_SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.22"
COMPREHENSIVE_3D_SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.34"
KOS_CLASS = "1.2.840.10008.5.1.4.1.1.88.59"
PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"

# Own series lie behind the scanner's; one number per kind.
SERIES_NUMBER = {"captures": 9001, "report": 9010, "measurements": 9011, "pdf": 9012, "key_images": 9013}


@dataclass(frozen=True)
class Equipment:
    """The workstation, as its objects name it."""

    serial: str
    software: str
    institution: str = ""
    station: str = ""
    manufacturer: str = "RenderDesk"
    model: str = "RenderDesk"


@dataclass(frozen=True)
class Reference:
    """One instance that an object refers to; study "" is the source's own."""

    sop_class: str
    sop_uid: str
    series_uid: str
    study_uid: str = ""
