"""Coded concepts of the objects that the program writes, each one checked against the standard's dictionary.

Schemes: DCM (PS3.16 Annex D), SCT (SNOMED CT concepts of the DICOM set), LN (LOINC), UCUM. What has no code there
gets one of the program's own scheme, 99RENDERDESK; a SNOMED number is never made up.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A coded concept: value, scheme, meaning."""

    value: str
    scheme: str
    meaning: str


def dcm(value: str, meaning: str) -> Code:
    """A code of PS3.16 Annex D."""
    return Code(value, "DCM", meaning)


def sct(value: str, meaning: str) -> Code:
    """A SNOMED CT concept."""
    return Code(value, "SCT", meaning)


def own(value: str, meaning: str) -> Code:
    """A code of the program's own scheme."""
    return Code(value, "99RENDERDESK", meaning)


PROCESSING_EQUIPMENT = dcm("109102", "Processing Equipment")
ACQUISITION_EQUIPMENT = dcm("109101", "Acquisition Equipment")
SOURCE_IMAGE = dcm("121322", "Source image for image processing operation")

VOLUME_RENDERING = dcm("113074", "Volume rendering")
SURFACE_RENDERING = dcm("113075", "Surface rendering")
MULTIPLANAR = dcm("113072", "Multiplanar reformatting")
MIP = dcm("113078", "Maximum intensity projection")
MINIP = dcm("113079", "Minimum intensity projection")
RESAMPLING = dcm("113085", "Spatial resampling")
MEAN_PROJECTION = own("MEAN", "Mean intensity projection")

# View.technique -> how the picture was derived (CID 7203)
DERIVATIONS = {
    "vr": VOLUME_RENDERING,
    "ssd": SURFACE_RENDERING,
    "mip": MIP,
    "minip": MINIP,
    "mean": MEAN_PROJECTION,
    "mpr": MULTIPLANAR,
}

LANGUAGE = dcm("121049", "Language of Content Item and Descendants")
ENGLISH_US = Code("en-US", "RFC5646", "English (United States)")
OBSERVER_TYPE = dcm("121005", "Observer Type")
PERSON, DEVICE = dcm("121006", "Person"), dcm("121007", "Device")
PERSON_NAME = dcm("121008", "Person Observer Name")
PERSON_LOGIN = dcm("128774", "Person Observer's Login Name")
PERSON_ORGANISATION = dcm("121009", "Person Observer's Organization Name")
DEVICE_UID = dcm("121012", "Device Observer UID")
DEVICE_NAME = dcm("121013", "Device Observer Name")
DEVICE_MAKER = dcm("121014", "Device Observer Manufacturer")
DEVICE_MODEL = dcm("121015", "Device Observer Model Name")
DEVICE_SERIAL = dcm("121016", "Device Observer Serial Number")

REPORT_TITLE = Code("18748-4", "LN", "Diagnostic imaging study")
MEASUREMENTS_TITLE = dcm("126000", "Imaging Measurement Report")
INDICATIONS = dcm("121109", "Indications for Procedure")
PROCEDURES = dcm("121064", "Current Procedure Descriptions")
PROCEDURE_DESCRIPTION = dcm("121065", "Procedure Description")
PREVIOUS_FINDINGS = dcm("121068", "Previous Findings")
FINDINGS, FINDING = dcm("121070", "Findings"), dcm("121071", "Finding")
IMPRESSIONS, IMPRESSION = dcm("121072", "Impressions"), dcm("121073", "Impression")
RECOMMENDATIONS, RECOMMENDATION = dcm("121074", "Recommendations"), dcm("121075", "Recommendation")
KEY_IMAGES = dcm("121180", "Key Images")
ADDENDUM = dcm("121078", "Addendum")
MEASUREMENT_TEXT = own("MEASUREMENT", "Measurement in words")
CAPTION = own("CAPTION", "Caption of a picture")

PROCEDURE_REPORTED = dcm("121058", "Procedure reported")
IMAGE_LIBRARY = dcm("111028", "Image Library")
IMAGE_LIBRARY_GROUP = dcm("126200", "Image Library Group")
IMAGING_MEASUREMENTS = dcm("126010", "Imaging Measurements")
MEASUREMENT_GROUP = dcm("125007", "Measurement Group")
TRACKING_ID, TRACKING_UID = dcm("112039", "Tracking Identifier"), dcm("112040", "Tracking Unique Identifier")
FINDING_SITE = sct("363698007", "Finding Site")
LATERALITY = sct("272741003", "Laterality")
SIDES = {
    "left": sct("7771000", "Left"),
    "right": sct("24028007", "Right"),
}
DERIVATION = dcm("121401", "Derivation")
SOURCE_OF_MEASUREMENT = dcm("121112", "Source of Measurement")
UNCERTAINTY = sct("371884006", "+/-, range of measurement uncertainty")
COMMENT = dcm("121106", "Comment")
KIND = own("KIND", "Kind of measurement")
DEFINITION = own("DEFINITION", "Definition of the measurement")
PRINTED = own("PRINTED", "Value as printed")

# BodyPartExamined -> site (PS3.16 Annex L); what is not here gets no site
SITES = {
    "ABDOMEN": sct("818981001", "Abdomen"),
    "ABDOMENPELVIS": sct("818982008", "Abdomen and Pelvis"),
    "AORTA": sct("15825003", "Aorta"),
    "BRAIN": sct("12738006", "Brain"),
    "CHEST": sct("816094009", "Chest"),
    "CSPINE": sct("122494005", "Cervical spine"),
    "FOOT": sct("56459004", "Foot"),
    "HAND": sct("85562004", "Hand"),
    "HEAD": sct("69536005", "Head"),
    "HEADNECK": sct("774007", "Head and Neck"),
    "HEART": sct("80891009", "Heart"),
    "HIP": sct("29836001", "Hip"),
    "KIDNEY": sct("64033007", "Kidney"),
    "KNEE": sct("72696002", "Knee"),
    "LIVER": sct("10200004", "Liver"),
    "LSPINE": sct("122496007", "Lumbar spine"),
    "NECK": sct("45048000", "Neck"),
    "PELVIS": sct("816092008", "Pelvis"),
    "SHOULDER": sct("16982005", "Shoulder"),
    "SKULL": sct("89546000", "Skull"),
    "SPINE": sct("421060004", "Spine"),
}

MEAN, SD = sct("373098007", "Mean"), sct("386136009", "Standard Deviation")
MINIMUM, MAXIMUM = sct("255605001", "Minimum"), sct("56851009", "Maximum")

# Procedure by modality (CID 100): the ones that other validators accept
PROCEDURES_REPORTED = {
    "CT": Code("25045-6", "LN", "CT unspecified body region"),
    "MR": Code("25056-3", "LN", "MR unspecified body region"),
}

# kind of a measurement -> concept of its value
CONCEPTS = {
    "length": sct("410668003", "Length"),
    "angle": sct("1483009", "Angle"),
    "cobb": sct("1483009", "Angle"),
    "polyline": dcm("121211", "Path length"),
    "bidirectional": sct("103339001", "Long axis"),
    "ellipse": sct("42798000", "Area"),
    "polygon": sct("42798000", "Area"),
    "point": dcm("112031", "Attenuation Coefficient"),
    "diameter": sct("81827009", "Diameter"),
    "centerline": dcm("121211", "Path length"),
    "stenosis": sct("408715008", "Lumen Diameter Stenosis"),
    "volume": sct("118565006", "Volume"),
}
ATTENUATION = dcm("112031", "Attenuation Coefficient")
SIGNAL = own("SIGNAL", "Signal value")
# further numbers of a measurement (`Measured.extra`): concept and derivation; what is not here stays out of the SR
FURTHER: dict[str, tuple[Code, Code | None, str]] = {
    "mean": (ATTENUATION, MEAN, "value"),
    "sd": (ATTENUATION, SD, "value"),
    "minimum": (ATTENUATION, MINIMUM, "value"),
    "maximum": (ATTENUATION, MAXIMUM, "value"),
    "short_mm": (sct("103340004", "Short Axis"), None, "mm"),
    "perimeter_mm": (sct("131191004", "Perimeter"), None, "mm"),
}

# unit as printed -> UCUM
UNITS = {
    "mm": Code("mm", "UCUM", "mm"),
    "mm2": Code("mm2", "UCUM", "mm2"),
    "ml": Code("ml", "UCUM", "ml"),
    "deg": Code("deg", "UCUM", "deg"),
    "%": Code("%", "UCUM", "%"),
    "HU": Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
    "": Code("1", "UCUM", "no units"),
}
ONE = Code("1", "UCUM", "no units")

KEY_TITLES = {
    "of_interest": dcm("113000", "Of Interest"),
    "for_surgeon": dcm("113003", "For Surgery"),
    "for_report": dcm("113020", "For Report Attachment"),
    "rejected_quality": dcm("113001", "Rejected for Quality Reasons"),
    "rejected_safety": dcm("113037", "Rejected for Patient Safety Reasons"),
}
KEY_DESCRIPTION = dcm("113012", "Key Object Description")
