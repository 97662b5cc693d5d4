"""Image files of the synthetic studies: CT (HU) and MR slices from plain values, JPEG-LS lossless or raw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from workstation.base.uids import derived_uid

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
MR_CLASS = "1.2.840.10008.5.1.4.1.1.4"
HU_OFFSET = 1024


def _dataset(values: Mapping[str, Any]) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        if isinstance(value, Sequence) and value and isinstance(value[0], Mapping):
            setattr(ds, keyword, Items([_dataset(item) for item in value]))
        else:
            setattr(ds, keyword, list(value) if isinstance(value, tuple) else value)
    return ds


def image_file(
    values: Mapping[str, Any], stored: npt.NDArray[np.uint16], *, bits: int, compressed: bool = True
) -> bytes:
    """One single-frame monochrome image as a complete file.

    Parameters
    ----------
    values : keyword -> value; a sequence of mappings becomes a DICOM sequence; must name the SOP class and instance
    stored : [row, column], stored values below ``2**bits``
    compressed : JPEG-LS lossless (transfer syntax .80), otherwise explicit little endian

    Returns
    -------
    The bytes of the file. The same arguments always give the same bytes (with one version of the codec).
    """
    ds = _dataset(values)
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, bits, bits - 1, 0
    pixels = np.ascontiguousarray(stored, "<u2")
    if compressed:
        import imagecodecs

        ds.PixelData = encapsulate([imagecodecs.jpegls_encode(pixels, level=0)])
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
    else:
        ds.PixelData = pixels.tobytes()
        ds["PixelData"].VR = "OW"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = JPEGLSLossless if compressed else ExplicitVRLittleEndian
    meta.ImplementationClassUID = derived_uid("implementation", "renderdesk")
    meta.ImplementationVersionName = "RENDERDESK_SAMPL"
    ds.file_meta = meta
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def ct_file(values: Mapping[str, Any], hu: npt.NDArray[np.int16], *, compressed: bool = True) -> bytes:
    """A CT slice of HU in -1024 ... 3071, stored unsigned in 12 bits with intercept -1024."""
    stored = (hu.astype(np.int32) + HU_OFFSET).astype(np.uint16)
    full = {
        "SOPClassUID": CT_CLASS,
        "Modality": "CT",
        **values,
        "RescaleIntercept": f"-{HU_OFFSET}",
        "RescaleSlope": "1",
        "RescaleType": "HU",
    }
    return image_file(full, stored, bits=12, compressed=compressed)


def mr_file(values: Mapping[str, Any], signal: npt.NDArray[np.uint16], *, compressed: bool = True) -> bytes:
    """An MR slice of signal in 0 ... 4095."""
    return image_file({"SOPClassUID": MR_CLASS, "Modality": "MR", **values}, signal, bits=12, compressed=compressed)
