"""Grid of voxel centres in DICOM patient space, and the letters of a direction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from render.errors import GeometryError

Points = npt.NDArray[np.float64]

# A further letter is named from this component on: 5 degrees (project decision, after PS3.3 C.7.6.1.1.1).
_FURTHER_LETTER = 0.087


@dataclass(frozen=True, eq=False)
class Geometry:
    """Grid of voxel centres in DICOM patient space (LPS, millimetres).

    Parameters
    ----------
    shape : (slices, rows, columns)
    affine_lps : (4, 4) float64
        Maps ``(slice, row, column, 1)`` to millimetres of the voxel's centre. Columns need not be
        orthogonal: a tilted gantry stays sheared. For slices sorted along the normal the determinant
        of the upper 3 x 3 is *negative* (index order is reversed, PS3.3 C.7.6.2.1.1); a code that
        "repairs" it mirrors the patient.
    frame_of_reference : UID, or "" when the source has none

    Raises
    ------
    GeometryError
        If the matrix is singular, not finite, or not affine, or the shape holds no voxel.
    """

    shape: tuple[int, int, int]
    affine_lps: npt.NDArray[np.float64]
    frame_of_reference: str = ""

    def __post_init__(self) -> None:
        a = np.array(self.affine_lps, dtype=np.float64)
        if a.shape != (4, 4) or not np.isfinite(a).all() or (a[3] != (0, 0, 0, 1)).any():
            raise GeometryError("The volume's position in the patient is not usable.", shape=a.shape)
        if abs(np.linalg.det(a[:3, :3])) < 1e-9:
            raise GeometryError("Slices, rows and columns lie in one plane.")
        if min(self.shape) < 1:
            raise GeometryError("The volume holds no voxels.", shape=self.shape)
        a.setflags(write=False)
        object.__setattr__(self, "affine_lps", a)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    def to_lps(self, index: npt.ArrayLike) -> Points:
        """(slice, row, column) indices, shape (..., 3), to LPS mm, shape (..., 3)."""
        lps = np.asarray(index, dtype=np.float64) @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3]
        return np.asarray(lps, dtype=np.float64)

    def to_index(self, lps_mm: npt.ArrayLike) -> Points:
        """LPS mm, shape (..., 3), to fractional (slice, row, column), shape (..., 3)."""
        return (np.asarray(lps_mm, dtype=np.float64) - self.affine_lps[:3, 3]) @ self._inverse.T

    @cached_property
    def _inverse(self) -> npt.NDArray[np.float64]:
        return np.asarray(np.linalg.inv(self.affine_lps[:3, :3]), dtype=np.float64)

    @cached_property
    def normal_lps(self) -> npt.NDArray[np.float64]:
        """Unit normal of the slices, on the side to which the slice index grows."""
        m = self.affine_lps[:3, :3]
        n = np.cross(m[:, 2], m[:, 1])  # column direction x row direction = IOP r x c
        n = np.asarray(n / np.linalg.norm(n), dtype=np.float64)
        return n if float(n @ m[:, 0]) >= 0 else -n

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """(between slices along the normal, between rows, between columns)."""
        m = self.affine_lps[:3, :3]
        return (float(abs(self.normal_lps @ m[:, 0])), float(np.linalg.norm(m[:, 1])), float(np.linalg.norm(m[:, 2])))

    @cached_property
    def shear_deg(self) -> float:
        """Angle between the slice step and the normal: the gantry tilt told by the positions."""
        step = self.affine_lps[:3, 0]
        cosine = abs(float(self.normal_lps @ step)) / float(np.linalg.norm(step))
        return float(np.degrees(np.arccos(min(1.0, cosine))))

    @property
    def is_regular(self) -> bool:
        """Whether the three axes are orthogonal to within 1e-4: what VTK and the kernels can show as it is."""
        m = self.affine_lps[:3, :3] / np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return bool(np.abs(m.T @ m - np.eye(3)).max() < 1e-4)

    @cached_property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel: the absolute determinant, true for sheared grids too."""
        return float(abs(np.linalg.det(self.affine_lps[:3, :3])))

    @cached_property
    def centre_lps_mm(self) -> npt.NDArray[np.float64]:
        """Middle of the grid of voxel centres."""
        return self.to_lps((np.array(self.shape, dtype=np.float64) - 1) / 2.0)

    @cached_property
    def corners_lps_mm(self) -> Points:
        """The eight corner voxel centres, shape (8, 3)."""
        k, r, c = (n - 1 for n in self.shape)
        return self.to_lps([(i, j, l) for i in (0, k) for j in (0, r) for l in (0, c)])

    @cached_property
    def bounds_lps_mm(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Smallest and largest LPS coordinates of the voxel centres."""
        low, high = self.corners_lps_mm.min(axis=0), self.corners_lps_mm.max(axis=0)
        return (tuple(map(float, low)), tuple(map(float, high)))  # type: ignore[return-value]


def letters(direction_lps: npt.ArrayLike, *, feet: str = "F", head: str = "H") -> str:
    """Letters of a direction in the patient, the largest component first.

    Components are rounded to three decimals; the first letter belongs to the largest one (ties in the
    order x, y, z), others follow in falling order from 0.087 (5 degrees) on. PS3.3 C.7.6.1.1.1 and the
    project's clinical rules; (0020,0020) always uses H and F.
    """
    v = np.asarray(direction_lps, dtype=np.float64)
    norm = float(np.linalg.norm(v))
    if not np.isfinite(norm) or norm == 0:
        return ""
    v = np.round(v / norm, 3)
    order = sorted(range(3), key=lambda axis: (-abs(v[axis]), axis))
    words = (("R", "L"), ("A", "P"), (feet, head))
    return "".join(
        words[axis][int(v[axis] > 0)]
        for position, axis in enumerate(order)
        if position == 0 or abs(v[axis]) >= _FURTHER_LETTER
    )
