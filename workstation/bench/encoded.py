"""The same series in other transfer syntaxes and sizes, as files: what the load bench reads besides the original."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from render.volume import Volume
from workstation.base.errors import InputRefused
from workstation.base.uids import derived_uid

EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"


def encode_files(paths: Sequence[Path], folder: Path, syntax: str) -> list[Path]:
    """Write the files once more with their pixels in another lossless syntax.

    Raises
    ------
    InputRefused
        code ``bench``: pixels that these encoders do not take (not 8 or 16 bits of grey).
    """
    from pydicom import dcmread

    folder.mkdir(parents=True)
    out = []
    for path in paths:
        dataset = dcmread(path)
        if dataset.get("SamplesPerPixel", 1) != 1 or dataset.BitsAllocated not in (8, 16):
            raise InputRefused("bench", "Only grey images of 8 or 16 bits are compressed again for this bench.")
        frames = _frames(dataset)
        _encapsulated(dataset, [_stream(f, syntax, bool(dataset.PixelRepresentation)) for f in frames], syntax)
        out.append(folder / path.name)
        dataset.save_as(out[-1])
    return out


def resized_files(paths: Sequence[Path], volume: Volume, folder: Path) -> list[Path]:
    """A resampled volume as single uncompressed images, each with the header of the source image nearest to it.

    Parameters
    ----------
    paths : the source's files in the order of its slices
    volume : int16, on a regular grid
    """
    from pydicom import dcmread

    if volume.voxels.dtype != np.int16 or len(paths) < 2:
        raise InputRefused("bench", "--size for this bench needs a series of single images with whole values.")
    folder.mkdir(parents=True)
    g = volume.geometry
    count = g.shape[0]
    low = int(volume.voxels.min())
    right, down = (np.array(g.affine_lps[:3, axis]) / g.spacing_mm[axis] for axis in (2, 1))
    out = []
    for k in range(count):
        dataset = dcmread(paths[round(k * (len(paths) - 1) / (count - 1))])
        if "Rows" not in dataset or "PerFrameFunctionalGroupsSequence" in dataset:
            raise InputRefused("bench", "--size for this bench needs a series of single images with whole values.")
        stored = (volume.voxels[k].astype(np.int32) - low).astype("<u2")
        uid = derived_uid("bench", volume.digest, str(k))
        dataset.file_meta.TransferSyntaxUID = EXPLICIT
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid
        dataset.SeriesInstanceUID = derived_uid("bench series", volume.digest)
        dataset.InstanceNumber = k + 1
        dataset.Rows, dataset.Columns = g.shape[1:]
        dataset.PixelSpacing = [f"{mm:.10g}" for mm in g.spacing_mm[1:]]
        dataset.SliceThickness = f"{g.spacing_mm[0]:.10g}"
        dataset.ImagePositionPatient = [f"{mm:.10g}" for mm in g.to_lps((k, 0, 0))]
        dataset.ImageOrientationPatient = [f"{share:.12g}" for share in (*right, *down)]
        dataset.BitsAllocated, dataset.PixelRepresentation = 16, 0
        dataset.BitsStored = max(12, int(volume.voxels.max() - low).bit_length())
        dataset.HighBit = dataset.BitsStored - 1
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, low
        for word in ("SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue", "SliceLocation"):
            if word in dataset:
                del dataset[word]
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW"
        dataset["PixelData"].is_undefined_length = False
        out.append(folder / f"{k:05d}.dcm")
        dataset.save_as(out[-1])
    return out


def _frames(dataset: Any) -> npt.NDArray[Any]:
    """(frames, rows, columns) of stored bits."""
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        dataset.decompress()
    kind = np.dtype("u1" if dataset.BitsAllocated == 8 else "<u2")
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    pixels = np.frombuffer(dataset.PixelData, kind, count * dataset.Rows * dataset.Columns)
    return pixels.reshape(count, dataset.Rows, dataset.Columns)


def _stream(frame: npt.NDArray[Any], syntax: str, signed: bool) -> bytes:
    import imagecodecs

    if syntax == JPEG_LS:
        return bytes(imagecodecs.jpegls_encode(frame))
    values = frame.view("<i2" if frame.dtype.itemsize == 2 else "i1") if signed else frame
    return bytes(imagecodecs.jpeg2k_encode(values, codecformat="j2k", reversible=True, level=0))


def _encapsulated(dataset: Any, streams: list[bytes], syntax: str) -> None:
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    dataset.PixelData = encapsulate(streams)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
