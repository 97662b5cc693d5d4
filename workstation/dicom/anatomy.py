"""What a CT's voxels themselves say about its sides: spine behind, head above the lungs, organs on their side.

Clinical rules 1.5, on a coarse grid of single voxels (about 5 mm), for axial slices in HU. The start values of the
rules were moved where the real chest CT asked for it, each with its reason beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from render.geometry import Geometry
from workstation.dicom.medians import median
from workstation.dicom.regions import Mask, Numbers, regions

Verdict = Literal["agrees", "contradicts", "not assessable"]
Voxels = npt.NDArray[np.int16] | npt.NDArray[np.float32]

GRID_MM = 5.0
_FEWEST = 20
_BODY_HU = -400
_BONE_HU = 300
_NEAR_MM, _AWAY_MM, _ASIDE_MM = 8.0, 20.0, 17.0
# What agrees, agrees by more than what contradicts needs: the same body turned must not slip between the two.
_SURE_MM = 15.0
_SURE = 1.25
_LIVER_L, _BRIGHT_L, _GAS_L = 0.2, 0.025, 0.06
_LUNGS_L = 0.8  # the rules' litre: of 1.15 l in the made abdomen the coarse grid counts 0.97


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A coarse CT: `values` HU (slices, rows, columns); `steps` (3, 3) LPS mm of a step along each axis."""

    values: Voxels
    steps: Numbers
    body: Mask
    filled: Mask
    lungs: Mask
    bone: Mask

    @cached_property
    def smooth(self) -> npt.NDArray[np.float32]:
        """Means of cubes of 3."""
        return _smooth(self.values)

    @cached_property
    def liver(self) -> tuple[float, Numbers]:
        """Litres and centre of the core of the largest even organ, LPS mm from the first voxel.

        The rules look for 0.8 to 2.5 l; of its core, at this size and where a scan ends in it, 0.2 l are left.
        """
        even = (self.values > 0) & (self.values < 220) & self.body
        core = _shrunk(even & (self.smooth > 60) & (self.smooth < 170))
        return _largest(self, core & ~self.lungs)

    @cached_property
    def middle(self) -> float:
        """X of the middle of the body, mm from the first voxel: the median over slices of the bones' centre."""
        count = self.bone.sum(axis=(1, 2))
        some = count > 3
        if not some.any():
            return float(self.centre(self.filled)[0])
        x = np.arange(count.size) * self.steps[0, 0]
        for axis in (1, 2):
            x = x + self.steps[axis, 0] * _sums(self.bone, axis) / np.maximum(count, 1)
        return median(x[some])

    @property
    def litres(self) -> float:
        """Volume of a voxel."""
        return abs(float(np.linalg.det(self.steps))) / 1e6

    @property
    def cm2(self) -> float:
        """Area of a pixel."""
        return float(np.linalg.norm(np.cross(self.steps[1], self.steps[2]))) / 100

    def centre(self, mask: Mask) -> Numbers:
        """Mean LPS mm of a mask, counted from the first voxel."""
        return np.array([_mean_index(mask, axis) for axis in range(3)]) @ self.steps


def anatomy_of(voxels: Voxels, geometry: Geometry) -> Anatomy | None:
    """The coarse body of an axial CT; None where there is none to speak of."""
    if voxels.shape[0] < _FEWEST or abs(float(geometry.normal_lps[2])) < 0.8:
        return None
    skip = [max(1, int(GRID_MM / mm)) for mm in geometry.spacing_mm]
    values: Voxels = voxels[:: skip[0], :: skip[1], :: skip[2]].copy()
    steps = (geometry.affine_lps[:3, :3] * skip).T
    solid = regions(values > _BODY_HU, across_slices=True)
    if not solid.sizes.size:
        return None
    body = solid.largest()
    rest = regions(~body, across_slices=False)
    edge = np.array(values.shape[1:]) - 1
    enclosed = ~((rest.low[:, 1:] == 0).any(axis=1) | (rest.high[:, 1:] == edge).any(axis=1))
    filled = body | rest.of(enclosed)
    # Lung is no gas: bowel and airways lie at -1000 HU.
    cm2 = float(np.linalg.norm(np.cross(steps[1], steps[2]))) / 100
    enclosed &= rest.sizes * cm2 > 3
    mean = rest.means(values, enclosed)
    lungs = regions(rest.of(enclosed & (mean > -960) & (mean < -600)), across_slices=True)
    litre = abs(float(np.linalg.det(steps))) / 1e6
    thick = (values > _BONE_HU) & body
    # Contrast fills heart and aorta solidly above 300 HU; bone is a shell at this size.
    bone = thick & ~_grown(_grown(_shrunk(thick)))
    return Anatomy(values, steps, body, filled, lungs.of(lungs.sizes * litre > 0.15), bone)


def spine(a: Anatomy) -> Verdict:
    """Bone lies behind the middle of the body, from neck to pelvis.

    The rules' 10 mm became 15 for and 8 against, so that nothing slips between the two when it is turned; measured
    slice by slice against the filled outline and without what contrast fills, since the heart of an arterial chest
    otherwise pulls the centre forwards (8 mm instead of 17). Told by direction, so that a quarter turn shows too:
    within 45 degrees of the back agrees; 17 mm at 60 degrees or more contradict (14 mm occur between the ribs of one
    side; contrast in one arm's vein turns the real chest by 34 degrees, and one of its quarter turns only the table
    tells). A head (more bone, small section) says nothing.
    """
    section = a.filled.sum(axis=(1, 2))
    some = section > 0
    count = a.bone.sum(axis=(1, 2))
    share = float(count.sum()) / max(1, int(section.sum()))
    if not some.any() or median(section[some]) * a.cm2 < 300 or not 0.004 <= share <= 0.1:
        return "not assessable"
    length = float(np.linalg.norm(a.steps[0]))
    if int((count > 0).sum()) * length < 100:
        return "not assessable"
    towards = np.zeros(3)
    for axis in (1, 2):
        offset = _sums(a.bone, axis) - count * _sums(a.filled, axis) / np.maximum(section, 1)
        towards += a.steps[axis] * float(offset.sum()) / float(count.sum())
    x, y = float(towards[0]), float(towards[1])
    distance = float(np.hypot(x, y))
    if distance < _NEAR_MM:
        return "not assessable"
    angle = float(np.degrees(np.arctan2(abs(x), y)))
    if y <= -_NEAR_MM or (angle >= 60 and distance >= _ASIDE_MM):
        return "contradicts"
    return "agrees" if angle <= 45 and y >= _SURE_MM else "not assessable"


def head_or_feet(a: Anatomy) -> Verdict:
    """Lungs lie in the head's half of a trunk: 250 mm of it at least, and a litre of lung.

    The rules' 20 mm hold, against the filled body. They are not enough alone: a scan of neck and chest has its lungs in
    the feet's half. So a second witness must say the same and none the contrary: the liver's side of the lungs, and the
    body beyond their ends, where a neck is narrow and a belly wide.
    """
    slices = np.flatnonzero(a.filled.any(axis=(1, 2)))
    up = float(a.steps[0, 2])
    if not slices.size or len(slices) * abs(up) < 250 or float(a.lungs.sum()) * a.litres < _LUNGS_L:
        return "not assessable"
    towards = float((a.centre(a.lungs) - a.centre(a.filled))[2])
    if abs(towards) < _AWAY_MM:
        return "not assessable"
    sure = _SURE if towards > 0 else 1.0
    told = {v for v in (_liver_beyond(a, sure), *_body_beyond(a, slices, up)) if v != 0}
    if told == ({1} if towards > 0 else {-1}):
        return "agrees" if towards > 0 else "contradicts"
    return "not assessable"


def _liver_beyond(a: Anatomy, sure: float) -> int:
    """1 when the liver lies on the feet's side of the lungs by 60 mm or more, -1 on the head's, 0 unknown."""
    litres, centre = a.liver
    if litres < _LIVER_L * sure:
        return 0
    towards = float((centre - a.centre(a.lungs))[2])
    return 0 if abs(towards) < 60 else (1 if towards < 0 else -1)


def _body_beyond(a: Anatomy, slices: npt.NDArray[np.intp], up: float) -> list[int]:
    """For each end with 80 mm of body from 30 mm beyond the lungs on: 1 for the labels, -1 against, 0 unknown."""
    section = a.filled.sum(axis=(1, 2)).astype(float)
    lung = a.lungs.sum(axis=(1, 2)).astype(float)
    there = np.flatnonzero(lung > 0.05 * lung.max())
    first, last = int(there[0]), int(there[-1])
    normal = float(section[first : last + 1].mean())
    margin, enough = round(30 / abs(up)), max(1, round(80 / abs(up)))
    told = []
    for beyond, above in ((slices[slices < first - margin], up < 0), (slices[slices > last + margin], up > 0)):
        if beyond.size >= enough:
            ratio = float(section[beyond].mean()) / normal
            wide = 1 if ratio >= 0.7 else -1 if ratio <= 0.55 else 0
            told.append(-wide if above else wide)
    return told


def hand(a: Anatomy) -> Verdict:
    """Liver right, heart and aorta left: asked only when back and head are where they should be.

    Votes, at least two against and none for contradict: the largest even organ; what contrast fills in the chest; the
    mass between the lungs in their lower half; the gas below the left lung.
    """
    doubts, agrees = ([v for v in _votes(a, sure) if v != 0] for sure in (1.0, _SURE))
    if doubts.count(-1) >= 2 and 1 not in doubts:
        return "contradicts"
    return "agrees" if agrees.count(1) >= 2 and -1 not in doubts else "not assessable"


def _votes(a: Anatomy, sure: float) -> list[int]:
    return [_liver(a, sure), _bright_heart(a, sure), _heart_mass(a, sure), _stomach_gas(a)]


def _largest(a: Anatomy, mask: Mask) -> tuple[float, Numbers]:
    """Litres and centre, LPS mm from the first voxel, of a mask's largest part."""
    parts = regions(mask, across_slices=True)
    if not parts.sizes.size:
        return 0.0, np.zeros(3)
    number = int(np.argmax(parts.sizes))
    return float(parts.sizes[number]) * a.litres, parts.centres[number] @ a.steps


def _vote(x_mm: float, least_mm: float) -> int:
    """1 when something lies to the left of the middle by at least so much, -1 to the right."""
    return 0 if abs(x_mm) < least_mm else (1 if x_mm > 0 else -1)


def _liver(a: Anatomy, sure: float) -> int:
    litres, centre = a.liver
    return -_vote(float(centre[0]) - a.middle, 25) if litres >= _LIVER_L * sure else 0


def _bright_heart(a: Anatomy, sure: float) -> int:
    """Heart and great vessels filled by contrast, near the middle; 25 ml are left of their core."""
    if not a.lungs.any():
        return 0
    bright = _shrunk((a.values > 150) & a.body) & (a.smooth > 180) & ~a.bone
    k = np.flatnonzero(a.lungs.any(axis=(1, 2)))
    bright[: k[0]] = bright[k[-1] + 1 :] = False
    litres, centre = _largest(a, bright)
    x = float(centre[0]) - a.middle
    return _vote(x, 8 * sure**2) if litres >= _BRIGHT_L * sure and abs(x) <= 70 else 0


def _heart_mass(a: Anatomy, sure: float) -> int:
    """Soft tissue between the lungs, in the half of them that is nearer to the feet."""
    lung = a.lungs.sum(axis=(1, 2))
    there = np.flatnonzero(lung > 0.1 * max(1, lung.max()))
    if there.size < 8:
        return 0
    half = there[: there.size // 2] if a.steps[0, 2] > 0 else there[-(there.size // 2) :]
    part = a.lungs[half]
    # between: lung on both sides along the axis that runs from right to left
    axis = 1 if abs(a.steps[1, 0]) > abs(a.steps[2, 0]) else 2
    before = np.logical_or.accumulate(part, axis=axis)
    behind = np.flip(np.logical_or.accumulate(np.flip(part, axis=axis), axis=axis), axis=axis)
    between = np.zeros(a.body.shape, bool)
    between[half] = before & behind & ~part & a.body[half]
    between &= ~a.bone
    if float(between.sum()) * a.litres < 0.2:
        return 0
    return _vote(float(a.centre(between)[0]) - a.middle, 10 * sure)


def _stomach_gas(a: Anatomy) -> int:
    """A bubble of 60 ml or more (40 occur in a colon), below the lungs and away from the middle."""
    if not a.lungs.any():
        return 0
    gas = (a.values < -900) & a.filled & ~a.lungs
    middle = float(a.centre(a.lungs)[2])
    z = np.arange(gas.shape[0]) * float(a.steps[0, 2])
    gas[z > middle - 60] = False
    gas[z < middle - 220] = False
    litres, centre = _largest(a, gas)
    return _vote(float(centre[0]) - a.middle, 30) if litres >= _GAS_L else 0


def _sums(mask: Mask, axis: int) -> Numbers:
    """Per slice, the sum of the indices along an axis (1 rows, 2 columns)."""
    count = mask.sum(axis=3 - axis)
    return np.asarray(count @ np.arange(mask.shape[axis]), np.float64)


def _mean_index(mask: Mask, axis: int) -> float:
    count = mask.sum(axis=tuple(i for i in range(3) if i != axis))
    return float(count @ np.arange(mask.shape[axis])) / max(1, int(count.sum()))


def _shrunk(mask: Mask) -> Mask:
    """Without the voxels of its surface (cube of 3)."""
    for axis in range(3):
        low = tuple(slice(None, -1) if i == axis else slice(None) for i in range(3))
        high = tuple(slice(1, None) if i == axis else slice(None) for i in range(3))
        out = mask.copy()
        out[low] &= mask[high]
        out[high] &= mask[low]
        mask = out
    return mask


def _grown(mask: Mask) -> Mask:
    """With the voxels beside it (cube of 3)."""
    return ~_shrunk(~mask)


def _smooth(values: Voxels) -> npt.NDArray[np.float32]:
    """Mean of each cube of 3; at the edges of what there is."""
    total = values.astype(np.float32)
    count = np.ones((1, 1, 1), np.float32)
    for axis in range(3):
        low = tuple(slice(None, -1) if i == axis else slice(None) for i in range(3))
        high = tuple(slice(1, None) if i == axis else slice(None) for i in range(3))
        before = total.copy()
        total[low] += before[high]
        total[high] += before[low]
        here = np.full(total.shape[axis], 3.0, np.float32)
        here[0] -= 1
        here[-1] -= 1
        count = count * here.reshape([-1 if i == axis else 1 for i in range(3)])
    total /= count
    return total
