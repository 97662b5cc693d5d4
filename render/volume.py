"""Voxels with their place in the patient, their unit and where they came from."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from render.errors import RenderError

if TYPE_CHECKING:
    from render.geometry import Geometry

Voxels = npt.NDArray[np.int16] | npt.NDArray[np.float32]


class LateDigest:
    """A digest that is given at once, or as a function that makes it when it is first asked for.

    Hashing a volume takes longer than reading it, and much that reads one never names it.
    """

    def __set__(self, volume: object, value: str | Callable[[], str]) -> None:
        volume.__dict__["_digest"] = value

    def __get__(self, volume: object | None, kind: type | None = None) -> str:
        if volume is None:
            raise AttributeError  # the field has no default
        value = volume.__dict__["_digest"]
        if not isinstance(value, str):
            value = volume.__dict__["_digest"] = value()
        return str(value)


@dataclass(frozen=True, eq=False)
class Volume:
    """A checked volume; read-only.

    Parameters
    ----------
    voxels : (slices, rows, columns) int16 or float32
        Modality values (rescaled): HU where `units` says so.
    geometry : where the voxel centres lie; its shape equals that of `voxels`
    units : "HU", "SUV", "arbitrary", or the source's own rescale type
    digest : hex digest that names exactly these voxels at this place; views and captures are bound to it
    modality : "CT", "MR", "PT" ...
    positions_lps : (slices, 3) true centres of the slices' first voxels where spacing is uneven, else None.
        The affine then has the median gap; numbers come from these positions.
    filled : indices of slices that were interpolated because the acquired one is missing
    padding : closed interval of values that lie outside the image, or None
    source_uids : SOP Instance UID of every slice ("" for a filled one)
    lossy, inverted : compressed with loss; MONOCHROME1 (display inverted, values kept)
    findings : codes of what was found while loading (see the findings table)
    reduced : loaded at 1/reduced of the acquired resolution
    foreground : (low, high) window of the file itself, or None
    suv_factor : factor from the voxels to SUV by body weight in g/ml (PET filed in Bq/ml), or None
    loading : still being decoded: to be looked at, never to be measured, captured or kept
    awaited : while loading, the slices that have not come; what their voxels hold says nothing
    """

    voxels: Voxels
    geometry: Geometry
    units: str
    digest: LateDigest = LateDigest()
    modality: str = "OT"
    positions_lps: npt.NDArray[np.float64] | None = None
    filled: tuple[int, ...] = ()
    padding: tuple[float, float] | None = None
    source_uids: tuple[str, ...] = ()
    lossy: bool = False
    inverted: bool = False
    findings: tuple[str, ...] = ()
    reduced: int = 1
    file_windows: tuple[tuple[float, float], ...] = ()
    study_uid: str = ""
    series_uid: str = ""
    phase: tuple[str, float | None, int, int] | None = None
    resampled: bool = field(default=False)
    suv_factor: float | None = None
    loading: bool = False
    awaited: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        v = self.voxels
        if v.shape != self.geometry.shape:
            raise RenderError("shape", "The voxels do not fit their grid.", voxels=v.shape, grid=self.geometry.shape)
        if v.dtype not in (np.int16, np.float32):
            raise RenderError("dtype", "Voxels must be 16-bit integers or 32-bit floats.", dtype=str(v.dtype))
        if not v.flags.c_contiguous:  # as a transposed array: kernels read rows as they lie in memory
            object.__setattr__(self, "voxels", np.ascontiguousarray(v))
        self.voxels.setflags(write=False)

    @property
    def needs_display_copy(self) -> bool:
        """Whether the grid must be resampled before it can be shown (sheared or uneven)."""
        return self.positions_lps is not None or not self.geometry.is_regular

    def with_findings(self, *codes: str) -> Volume:
        """The same volume with further finding codes."""
        made = copy.copy(self)
        object.__setattr__(made, "findings", tuple(dict.fromkeys((*self.findings, *codes))))
        return made
