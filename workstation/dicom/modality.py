"""From stored values to modality values: by slope and intercept, or by the look-up table that stands in their place.

PS3.3 C.11.1 (Modality LUT Module): the first entry belongs to the first mapped value and all below it, the last one to
all above.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from workstation.dicom.found import Frame


class Table:
    """A modality look-up table: `values` from the stored value `first` on."""

    __slots__ = ("first", "values")

    def __init__(self, first: int, values: npt.NDArray[np.uint16]) -> None:
        self.first = first
        self.values = values

    def map(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
        """Modality values of stored ones."""
        return self.values[np.clip(stored.astype(np.int32) - self.first, 0, len(self.values) - 1)]


@lru_cache(64)
def table_of(descriptor: tuple[float, ...], data: bytes, signed: bool, little: bool) -> Table | None:
    """The table of a descriptor (0028,3002) and its data (0028,3006); None where they do not fit each other.

    Equal tables are one object, so that the slices of a series share it.
    """
    if len(descriptor) != 3:
        return None
    entries, first, bits = (int(v) for v in descriptor)
    entries = entries % 65_536 or 65_536  # 0 stands for 2^16; a signed representation shows large numbers as negative
    first %= 65_536
    if signed and first >= 32_768:
        first -= 65_536
    if bits not in range(8, 17):
        return None
    if len(data) >= 2 * entries:
        values = np.frombuffer(data, "<u2" if little else ">u2", entries).astype(np.uint16)
    elif bits == 8 and len(data) >= entries:  # packed by some makers
        values = np.frombuffer(data, np.uint8, entries).astype(np.uint16)
    else:
        return None
    return Table(first, values)


def modality_values(stored: npt.NDArray[Any], frame: Frame) -> npt.NDArray[np.float64]:
    """Modality values of one image as float64."""
    if frame.table is not None:
        return frame.table.map(stored).astype(np.float64)
    return np.asarray(stored.astype(np.float64) * frame.slope + frame.intercept)
