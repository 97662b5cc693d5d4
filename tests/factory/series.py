"""Single-frame series made by code: an analytic scene, any orientation, tilt, gaps, duplicates, syntaxes.

The default scene's value tells the place: `scene(lps)` is linear in x, y, z, so that one comparison proves side,
order, spacing and rescale together. Slices are given, and `voxels` are expected, by rising distance along the
normal; files get names and instance numbers that follow neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from workstation.base.uids import derived_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)

# Native gantry orientation of the eight patient positions (clinical rules 1.4).
EIGHT = {
    "HFS": (1, 0, 0, 0, 1, 0),
    "FFS": (-1, 0, 0, 0, 1, 0),
    "HFP": (-1, 0, 0, 0, -1, 0),
    "FFP": (1, 0, 0, 0, -1, 0),
    "HFDR": (0, 1, 0, -1, 0, 0),
    "FFDR": (0, -1, 0, -1, 0, 0),
    "HFDL": (0, -1, 0, 1, 0, 0),
    "FFDL": (0, 1, 0, 1, 0, 0),
}

SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
}


def scene(lps_mm: np.ndarray) -> np.ndarray:
    """Value of the analytic scene at LPS mm, shape (..., 3): every place has its own."""
    return 2.0 * lps_mm[..., 0] + 3.0 * lps_mm[..., 1] + 5.0 * lps_mm[..., 2]


def grid(
    slices: int,
    rows: int,
    columns: int,
    spacing: tuple[float, float, float],
    orientation: Sequence[float] = AXIAL,
    centre: Sequence[float] = (3.0, -5.0, 7.0),
    tilt_deg: float = 0.0,
    offsets: Sequence[float] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (slices, 3) of the first voxels and LPS (slices, rows, columns, 3) of every voxel centre.

    `spacing` is (along the normal, between rows, between columns); a tilt shears along the column direction;
    `offsets` gives distances along the normal instead of a regular row.
    """
    r, c = np.array(orientation[:3], float), np.array(orientation[3:], float)
    n = np.cross(r, c)
    s = np.arange(slices) * spacing[0] if offsets is None else np.array(offsets, float)
    middle = (s[0] + s[-1]) / 2
    along = n + np.tan(np.radians(tilt_deg)) * c
    first = np.array(centre, float) - middle * along
    first = first - c * spacing[1] * (rows - 1) / 2 - r * spacing[2] * (columns - 1) / 2
    positions = first + s[:, None] * along
    inside = np.arange(rows)[:, None, None] * c * spacing[1] + np.arange(columns)[None, :, None] * r * spacing[2]
    return positions, positions[:, None, None, :] + inside


def ct_series(
    folder: Path,
    *,
    slices: int = 24,
    rows: int = 64,
    columns: int = 64,
    spacing: tuple[float, float, float] = (2.0, 0.8, 0.8),
    voxels: np.ndarray | None = None,
    name: str = "TEST^PHANTOM",
    patient_id: str = "PH-0001",
    birth_date: str = "19610203",
    sex: str = "F",
    modality: str = "CT",
    orientation: Sequence[float] = AXIAL,
    position: str = "HFS",
    centre: Sequence[float] = (3.0, -5.0, 7.0),
    tilt_deg: float = 0.0,
    offsets: Sequence[float] | None = None,
    slope: float = 1.0,
    intercept: float = -1024.0,
    study: str = "study",
    series: str = "series",
    series_number: int = 3,
    description: str = "Constructed",
    syntax: str = str(ExplicitVRLittleEndian),
    skip: Sequence[int] = (),
    tags: Mapping[str, Any] | None = None,
    each: Callable[[Dataset, int], Dataset | None] | None = None,
    label: str = "",
) -> list[Path]:
    """Write a CT (or MR, PT) series; returns the paths in the order of the slices along the normal.

    Parameters
    ----------
    voxels : (slices, rows, columns) modality values (HU), sorted along the normal; default: `scene`, which
        must fit 16 bits after the rescale
    study, series : words; equal words give equal UIDs (patient ID and word make the study's)
    skip : slice indices that are not written
    tags : further attributes for every file, by keyword
    each : called with each dataset and its slice index before writing; may change it or return another
    label : part of the file names, so that several series share a folder
    """
    folder.mkdir(parents=True, exist_ok=True)
    positions, places = grid(slices, rows, columns, spacing, orientation, centre, tilt_deg, offsets)
    values = scene(places) if voxels is None else np.asarray(voxels)
    stored = np.rint((values - intercept) / slope)
    if stored.min() < -32768 or stored.max() > 32767:
        raise ValueError("the scene does not fit 16 bits; choose a smaller grid or another intercept")
    paths = []
    for k in range(slices):
        if k in skip:
            continue
        ds = image(stored[k].astype("<i2"), modality=modality)
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = name, patient_id, birth_date, sex
        ds.StudyInstanceUID = derived_uid("test", patient_id, study)
        ds.SeriesInstanceUID = derived_uid("test", patient_id, study, series)
        ds.FrameOfReferenceUID = derived_uid("test", patient_id, study, "frame")
        ds.SOPInstanceUID = derived_uid("test", patient_id, study, series, label, str(k))
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20260105", "101500", "ACC-1", "1"
        ds.SeriesNumber, ds.SeriesDescription, ds.StudyDescription = series_number, description, "Phantom study"
        ds.InstanceNumber = slices - k
        ds.PatientPosition = position
        ds.ImageOrientationPatient = [float(v) for v in orientation]
        ds.ImagePositionPatient = [round(float(v), 6) for v in positions[k]]
        ds.PixelSpacing = [spacing[1], spacing[2]]
        ds.SliceThickness = spacing[0]
        ds.RescaleSlope, ds.RescaleIntercept = slope, intercept
        if modality == "CT":
            ds.RescaleType = "HU"
            ds.KVP, ds.ConvolutionKernel = 120, "B30f"
        for keyword, value in (tags or {}).items():
            setattr(ds, keyword, value)
        if each is not None:
            changed = each(ds, k)
            ds = ds if changed is None else changed
        path = folder / f"{label}{(k * 7919 + 13) % 10007:05d}.dcm"
        paths.append(write(ds, path, syntax))
    return paths


def image(stored: np.ndarray, *, modality: str = "CT") -> Dataset:
    """A dataset with the pixel module of a (rows, columns) 16-bit array and nothing of patient or place."""
    ds = Dataset()
    ds.SOPClassUID = SOP_CLASSES[modality]
    ds.Modality = modality
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.Manufacturer, ds.ManufacturerModelName = "Test Works", "Phantom 1"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.PixelRepresentation = int(stored.dtype.kind == "i")
    ds.PixelData = np.ascontiguousarray(stored).astype(stored.dtype.newbyteorder("<")).tobytes()
    return ds


def write(ds: Dataset, path: Path, syntax: str = str(ExplicitVRLittleEndian)) -> Path:
    """Write a dataset with native pixels as a file in the given transfer syntax."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", SOP_CLASSES["CT"])
    meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = derived_uid("test", "implementation")
    if "PixelData" in ds and syntax not in NATIVE:
        from tests.factory.encode import compress

        compress(ds, syntax)
    elif "PixelData" in ds and syntax == "1.2.840.10008.1.2.2" and ds.BitsAllocated == 16:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    ds.file_meta = meta
    if "PixelData" in ds:
        ds["PixelData"].VR = "OB" if syntax not in NATIVE else "OW"
    ds.save_as(path, enforce_file_format=True)
    return path


NATIVE = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"})
