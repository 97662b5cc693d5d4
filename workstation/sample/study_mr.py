"""What an MR scanner writes beside the voxels of the head. All of it invented."""

from __future__ import annotations

from typing import Any

from workstation.base.uids import derived_uid
from workstation.sample.head import CENTRE_LPS, SIZE, SLICES
from workstation.sample.study import SYNTHETIC

_DATE, _TIME, _ACCESSION = "20251103", "111530", "SYN25110302"


def values(k: int) -> dict[str, Any]:
    """Elements of slice `k`; slice 0 lies on the left, and the normal points to the right."""
    x = CENTRE_LPS[0] + (SLICES - 1) / 2 - k
    corner = (x, CENTRE_LPS[1] - (SIZE - 1) / 2, CENTRE_LPS[2] + (SIZE - 1) / 2)
    return {
        "SpecificCharacterSet": "ISO_IR 192",
        "ImageType": ("ORIGINAL", "PRIMARY", "M", "ND"),
        "InstanceCreationDate": _DATE,
        "InstanceCreationTime": _TIME,
        "StudyDate": _DATE,
        "StudyTime": _TIME,
        "SeriesDate": _DATE,
        "SeriesTime": "112204",
        "AcquisitionDate": _DATE,
        "AcquisitionTime": "112204",
        "ContentDate": _DATE,
        "ContentTime": "112204",
        "AccessionNumber": _ACCESSION,
        "Manufacturer": "RenderDesk",
        "ManufacturerModelName": "Synthetic MR",
        "InstitutionName": "RenderDesk Sample Hospital",
        "StationName": "SYNMR01",
        "ReferringPhysicianName": "SAMPLE^NEURO^^DR",
        "StudyDescription": "MR HEAD WO CONTRAST",
        "SeriesDescription": "T1 3D SAGITTAL 1.0",
        "PatientName": "SYNTHETIC^HEAD",
        "PatientID": "SYN-0002",
        "IssuerOfPatientID": "RENDERDESK-SAMPLE",
        "PatientBirthDate": "19710609",
        "PatientSex": "F",
        "PatientAge": "054Y",
        "PatientWeight": "66",
        "PatientComments": SYNTHETIC,
        "BodyPartExamined": "HEAD",
        "ScanningSequence": ("GR", "IR"),
        "SequenceVariant": ("SP", "MP"),
        "ScanOptions": "IR",
        "MRAcquisitionType": "3D",
        "SequenceName": "tfl3d1",
        "SliceThickness": "1",
        "RepetitionTime": "2300",
        "EchoTime": "2.98",
        "InversionTime": "900",
        "NumberOfAverages": "1",
        "ImagingFrequency": "123.25",
        "ImagedNucleus": "1H",
        "EchoNumbers": "1",
        "MagneticFieldStrength": "3",
        "SpacingBetweenSlices": "1",
        "EchoTrainLength": "1",
        "FlipAngle": "9",
        "PatientPosition": "HFS",
        "ProtocolName": "T1 3D sagittal",
        "StudyInstanceUID": derived_uid("sample study", "mr_head"),
        "SeriesInstanceUID": derived_uid("sample series", "mr_head", "t1"),
        "SOPInstanceUID": derived_uid("sample image", "mr_head", "t1", str(k + 1)),
        "StudyID": "MR1180",
        "SeriesNumber": "3",
        "AcquisitionNumber": "1",
        "InstanceNumber": str(k + 1),
        "ImagePositionPatient": tuple(f"{v:.4f}" for v in corner),
        "ImageOrientationPatient": ("0", "1", "0", "0", "0", "-1"),
        "FrameOfReferenceUID": derived_uid("sample frame", "mr_head"),
        "PositionReferenceIndicator": "",
        "SliceLocation": f"{x:.4f}",
        "ImageComments": SYNTHETIC,
        "BurnedInAnnotation": "NO",
        "PixelSpacing": ("1", "1"),
        "WindowCenter": "850",
        "WindowWidth": "1700",
    }
