"""Enhanced multi-frame files and Siemens mosaics made by code, over the same analytic scene."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from tests.factory.series import AXIAL, grid, image, scene, write
from workstation.base.uids import derived_uid

ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
ENHANCED_US = "1.2.840.10008.5.1.4.1.1.6.2"


def enhanced(
    path: Path,
    *,
    slices: int = 24,
    rows: int = 24,
    columns: int = 32,
    spacing: tuple[float, float, float] = (2.0, 0.8, 1.1),
    orientation: Sequence[float] = AXIAL,
    centre: Sequence[float] = (3.0, -5.0, 7.0),
    sop_class: str = ENHANCED_CT,
    phases: int = 1,
    reverse: bool = False,
    slope: float = 1.0,
    intercept: float = -1024.0,
    instance: int = 1,
    shared_orientation: bool = True,
    each: Callable[[Dataset, int, int], None] | None = None,
    tags: Mapping[str, Any] | None = None,
    syntax: str = str(ExplicitVRLittleEndian),
) -> Path:
    """Write one enhanced file; frames run phase by phase, against the normal where `reverse`.

    Phase t holds the scene plus 100 t. `each(item, slice, phase)` may change a frame's functional groups.
    """
    positions, places = grid(slices, rows, columns, spacing, orientation, centre)
    order = [(k, t) for t in range(phases) for k in (range(slices)[::-1] if reverse else range(slices))]
    stored = np.stack([np.rint((scene(places[k]) + 100 * t - intercept) / slope) for k, t in order])
    kind = {ENHANCED_CT: "CT", ENHANCED_MR: "MR", ENHANCED_US: "US"}[sop_class]
    ds = image(stored[0].astype("<i2"))
    ds.PixelData = stored.astype("<i2").tobytes()
    ds.SOPClassUID, ds.Modality, ds.NumberOfFrames = sop_class, kind, len(order)
    identify(ds, instance)
    shared = Dataset()
    measures = Dataset()
    measures.PixelSpacing, measures.SliceThickness = [spacing[1], spacing[2]], spacing[0]
    shared.PixelMeasuresSequence = Items([measures])
    plane = Dataset()
    plane.ImageOrientationPatient = [float(v) for v in orientation]
    if shared_orientation:
        shared.PlaneOrientationSequence = Items([plane])
    transform = Dataset()
    transform.RescaleSlope, transform.RescaleIntercept = slope, intercept
    transform.RescaleType = "HU" if kind == "CT" else "US"
    shared.PixelValueTransformationSequence = Items([transform])
    frames = []
    for k, t in order:
        item = Dataset()
        place = Dataset()
        place.ImagePositionPatient = [round(float(v), 6) for v in positions[k]]
        item.PlanePositionSequence = Items([place])
        if not shared_orientation:
            item.PlaneOrientationSequence = Items([plane])
        content = Dataset()
        if phases > 1:
            content.TemporalPositionIndex = t + 1
        content.StackID, content.InStackPositionNumber = "1", k + 1
        item.FrameContentSequence = Items([content])
        if each is not None:
            each(item, k, t)
        frames.append(item)
    ds.SharedFunctionalGroupsSequence = Items([shared])
    ds.PerFrameFunctionalGroupsSequence = Items(frames)
    for keyword, value in (tags or {}).items():
        setattr(ds, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(ds, path, syntax)


def identify(ds: Dataset, instance: int = 1) -> None:
    """Patient, study and series of the factory."""
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "TEST^PHANTOM", "PH-0001", "19610203", "F"
    ds.StudyInstanceUID = derived_uid("test", "PH-0001", "study")
    ds.SeriesInstanceUID = derived_uid("test", "PH-0001", "study", "multi")
    ds.FrameOfReferenceUID = derived_uid("test", "PH-0001", "study", "frame")
    ds.SOPInstanceUID = derived_uid("test", "multi", str(instance))
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20260105", "101500", "1", "ACC-1"
    ds.SeriesNumber, ds.InstanceNumber, ds.SeriesDescription = 7, instance, "Constructed"


def mosaic(
    path: Path,
    *,
    slices: int = 24,
    rows: int = 16,
    columns: int = 20,
    spacing: tuple[float, float, float] = (3.0, 2.0, 2.5),
    orientation: Sequence[float] = AXIAL,
    instance: int = 1,
    csa: bool = True,
) -> Path:
    """Write a Siemens mosaic; its position is that of the whole picture's corner, as the scanner writes it."""
    positions, places = grid(slices, rows, columns, spacing, orientation)
    across = math.ceil(math.sqrt(slices))
    picture = np.zeros((across * rows, across * columns), "<i2")
    for k in range(slices):
        y, x = divmod(k, across)
        picture[y * rows : (y + 1) * rows, x * columns : (x + 1) * columns] = np.rint(scene(places[k]))
    ds = image(picture, modality="MR")
    identify(ds, instance)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    r, c = np.array(orientation[:3]), np.array(orientation[3:])
    shift = r * spacing[2] * (across - 1) * columns / 2 + c * spacing[1] * (across - 1) * rows / 2
    ds.ImagePositionPatient = [round(float(v), 6) for v in positions[0] - shift]
    ds.ImageOrientationPatient = [float(v) for v in orientation]
    ds.PixelSpacing = [spacing[1], spacing[2]]
    ds.SliceThickness, ds.SpacingBetweenSlices = spacing[0], spacing[0]
    ds.AcquisitionNumber = instance
    if csa:
        block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        normal = [f"{v:.8f}" for v in np.cross(r, c)]
        block.add_new(0x10, "OB", csa_header({"NumberOfImagesInMosaic": [str(slices)], "SliceNormalVector": normal}))
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(ds, path)


def csa_header(elements: Mapping[str, Sequence[str]]) -> bytes:
    """A CSA header in the SV10 form."""
    out = b"SV10\x04\x03\x02\x01" + struct.pack("<II", len(elements), 77)
    for name, values in elements.items():
        out += name.encode().ljust(64, b"\0") + struct.pack("<i4siii", len(values), b"FD\0\0", 4, len(values), 77)
        for value in values:
            raw = value.encode() + b"\0"
            out += struct.pack("<4i", len(raw), len(raw), 77, len(raw)) + raw.ljust((len(raw) + 3) // 4 * 4, b"\0")
    return out + b"\0" * 8


def in_its_own_frame(item: Dataset, k: int, t: int) -> None:
    """A frame of an ultrasound volume: placed in the volume's own frame of reference, not in the patient's."""
    place, turn = Dataset(), Dataset()
    place.ImagePositionVolume = list(item.PlanePositionSequence[0].ImagePositionPatient)
    turn.ImageOrientationVolume = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    item.PlanePositionVolumeSequence, item.PlaneOrientationVolumeSequence = Items([place]), Items([turn])
    del item.PlanePositionSequence
