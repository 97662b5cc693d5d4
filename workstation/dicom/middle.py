"""One slice of a volume, decoded by itself: what a thumbnail shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workstation.dicom.decode import PixelError, Pixels
from workstation.dicom.header import NotDicom, Unreadable, read_header
from workstation.dicom.modality import modality_values

if TYPE_CHECKING:
    from workstation.dicom.found import VolumeFound


def middle_slice(found: VolumeFound) -> npt.NDArray[np.float32] | None:
    """Modality values (rows, columns) of the middle slice that there is; None where its pixels cannot be had."""
    there = [frame for frame in found.frames if frame is not None]
    if not there:
        return None
    frame = there[len(there) // 2]
    tile = found.facts.get("tile")
    try:
        pixels = Pixels(read_header(frame.path))
        with frame.path.open("rb", buffering=0) as file:
            stored = pixels.read(file, frame.frame if tile is None else 0)
    except (PixelError, NotDicom, Unreadable, OSError, ValueError):
        return None
    rows, columns = found.geometry.shape[1:]
    if stored.shape != (rows, columns):
        across = stored.shape[1] // columns
        down, right = divmod(frame.frame, across) if across else (0, 0)
        stored = stored[down * rows : (down + 1) * rows, right * columns : (right + 1) * columns]
    if stored.shape != (rows, columns):
        return None
    return modality_values(stored, frame).astype(np.float32)
