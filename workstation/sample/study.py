"""What a scanner writes beside the voxels: patient, study, series, place of each slice. All of it invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workstation.base.uids import derived_uid
from workstation.sample.phases import ARTERIAL, DELAYED, UNENHANCED, Phase
from workstation.sample.scan import Scan

SYNTHETIC = "SYNTHETIC DATA made by RenderDesk's generator. Not a patient. Not for diagnosis."
ORDERING_NPI = "1999999844"
READER_NPI = "1999999851"
GROUP_NPI = "1999999869"


@dataclass(frozen=True, kw_only=True)
class Study:
    """One study of the invented patient."""

    name: str
    date: str
    time: str
    accession: str
    study_id: str
    age: str
    description: str
    reason: str

    @property
    def uid(self) -> str:
        return derived_uid("sample study", self.name)

    def values(self) -> dict[str, Any]:
        """The study's and the patient's own elements."""
        return {
            "SpecificCharacterSet": "ISO_IR 192",
            "InstanceCreationDate": self.date,
            "InstanceCreationTime": self.time,
            "StudyDate": self.date,
            "StudyTime": self.time,
            "AccessionNumber": self.accession,
            "InstitutionName": "RenderDesk Sample Hospital",
            "InstitutionAddress": "1 Synthetic Way, Springfield",
            "InstitutionalDepartmentName": "Radiology",
            "ReferringPhysicianName": "SAMPLE^VASCULAR^^DR",
            "PerformingPhysicianName": "SAMPLE^READER^^DR",
            "OperatorsName": "SAMPLE^TECHNOLOGIST",
            "StudyDescription": self.description,
            "PatientName": "SYNTHETIC^AORTA",
            "PatientID": "SYN-0001",
            "IssuerOfPatientID": "RENDERDESK-SAMPLE",
            "PatientBirthDate": "19540312",
            "PatientSex": "M",
            "PatientAge": self.age,
            "PatientSize": "1.76",
            "PatientWeight": "84",
            "PatientComments": SYNTHETIC,
            "StudyInstanceUID": self.uid,
            "StudyID": self.study_id,
            "RequestAttributesSequence": [
                {
                    "AccessionNumber": self.accession,
                    "RequestedProcedureDescription": self.description,
                    "ReasonForTheRequestedProcedure": self.reason,
                    "ScheduledProcedureStepID": f"{self.study_id}-1",
                    "RequestedProcedureID": self.study_id,
                }
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Series:
    """One CT series: how it was scanned and what it is called."""

    study: Study
    scan: Scan
    number: int
    description: str
    protocol: str
    start: str
    contrast: Mapping[str, str] = field(default_factory=dict)
    tube_ma: int = 240
    kernel: str = "B30f"

    @property
    def uid(self) -> str:
        return derived_uid("sample series", self.study.name, self.scan.name)

    def values(self, k: int) -> dict[str, Any]:
        """Elements of slice `k`; slice 0 lies at the feet, instance 1 at the head, as a scanner numbers them."""
        scan = self.scan
        instance = scan.count - k
        corner = -(scan.size - 1) / 2 * scan.pixel_mm
        level = float(scan.levels[k])
        place = f"{level:.3f}"
        return {
            **self.study.values(),
            "ImageType": ("ORIGINAL", "PRIMARY", "AXIAL"),
            "SOPInstanceUID": derived_uid("sample image", self.study.name, scan.name, str(instance)),
            "SeriesDate": self.study.date,
            "SeriesTime": self.start,
            "AcquisitionDate": self.study.date,
            "AcquisitionTime": self.start,
            "ContentDate": self.study.date,
            "ContentTime": self.start,
            "Manufacturer": "RenderDesk",
            "ManufacturerModelName": "Synthetic CT",
            "StationName": "SYNCT01",
            "DeviceSerialNumber": "0000",
            "SoftwareVersions": "sample 1",
            "SeriesDescription": self.description,
            "BodyPartExamined": "ABDOMENPELVIS",
            **self.contrast,
            "ScanOptions": "SPIRAL",
            "SliceThickness": f"{scan.spacing_mm:g}",
            "KVP": "120",
            "DataCollectionDiameter": "500",
            "ProtocolName": self.protocol,
            "ReconstructionDiameter": f"{scan.size * scan.pixel_mm:g}",
            "DistanceSourceToDetector": "1040",
            "DistanceSourceToPatient": "570",
            "GantryDetectorTilt": "0",
            "TableHeight": "150",
            "RotationDirection": "CW",
            "ExposureTime": "500",
            "XRayTubeCurrent": str(self.tube_ma),
            "Exposure": str(self.tube_ma // 2),
            "FilterType": "BODY",
            "GeneratorPower": "29",
            "FocalSpots": "1.2",
            "ConvolutionKernel": self.kernel,
            "PatientPosition": "HFS",
            "SpiralPitchFactor": 0.9,
            "SeriesInstanceUID": self.uid,
            "SeriesNumber": str(self.number),
            "AcquisitionNumber": str(self.number),
            "InstanceNumber": str(instance),
            "ImagePositionPatient": (f"{corner:.4f}", f"{corner:.4f}", place),
            "ImageOrientationPatient": ("1", "0", "0", "0", "1", "0"),
            "FrameOfReferenceUID": derived_uid("sample frame", self.study.name),
            "PositionReferenceIndicator": "XY",
            "SliceLocation": place,
            "ImageComments": SYNTHETIC,
            "BurnedInAnnotation": "NO",
            "LossyImageCompression": "00",
            "PixelSpacing": (f"{scan.pixel_mm:g}", f"{scan.pixel_mm:g}"),
            "WindowCenter": "60",
            "WindowWidth": "400",
            "WindowCenterWidthExplanation": "ABDOMEN",
        }


INJECTION = {
    "ContrastBolusAgent": "IOHEXOL 350",
    "ContrastBolusRoute": "IV",
    "ContrastBolusVolume": "110",
    "ContrastBolusStartTime": "091920",
    "ContrastBolusTotalDose": "110",
    "ContrastFlowRate": "3",
    "ContrastFlowDuration": "36.7",
    "ContrastBolusIngredient": "IODINE",
    "ContrastBolusIngredientConcentration": "350",
}

BASELINE_STUDY = Study(
    name="aorta",
    date="20251103",
    time="091412",
    accession="SYN25110301",
    study_id="CT4711",
    age="071Y",
    description="CT ABDOMEN AND PELVIS W CONTRAST",
    reason="Infrarenal aortic aneurysm on ultrasound; size and relations",
)
BASELINE = Series(
    study=BASELINE_STUDY,
    scan=Scan(name="portal venous"),
    number=2,
    description="ABD/PEL PORTAL VENOUS 2.4 B30f",
    protocol="Abdomen Pelvis with contrast",
    start="092031",
    contrast=INJECTION,
)

FOLLOW_UP_STUDY = Study(
    name="follow_up",
    date="20261102",
    time="101205",
    accession="SYN26110201",
    study_id="CT5290",
    age="072Y",
    description="CT ABDOMEN AND PELVIS WO AND W CONTRAST",
    reason="Surveillance a year after endovascular repair; sac and endoleak",
)


def _follow_up(name: str, phase: Phase, number: int, description: str, start: str, *, contrast: bool) -> Series:
    return Series(
        study=FOLLOW_UP_STUDY,
        scan=Scan(name=name, phase=phase, pixel_mm=0.78, z_low=-203.6),
        number=number,
        description=description,
        protocol="Abdomen Pelvis after endovascular repair",
        start=start,
        contrast={**INJECTION, "ContrastBolusStartTime": "101610"} if contrast else {},
    )


FOLLOW_UP = (
    _follow_up("follow_up_unenhanced", UNENHANCED, 2, "ABD/PEL UNENHANCED 2.4 B30f", "101402", contrast=False),
    _follow_up("follow_up_arterial", ARTERIAL, 3, "ABD/PEL ARTERIAL 2.4 B30f", "101640", contrast=True),
    _follow_up("follow_up_delayed", DELAYED, 4, "ABD/PEL DELAYED 5 MIN 2.4 B30f", "102118", contrast=True),
)
