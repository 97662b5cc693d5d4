"""What a CT's voxels themselves say about its sides: spine behind, head above the lungs, organs on their side.

Clinical rules 1.5, on a coarse grid of single voxels (about 5 mm), for axial slices in HU. The start values of the
rules were moved where the real chest CT asked for it, each with its reason beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from render.geometry import Geometry
from workstation.dicom.medians import median
from workstation.dicom.regions import Mask, Numbers, holes, regions

Verdict = Literal["agrees", "contradicts", "not assessable"]
Voxels = npt.NDArray[np.int16] | npt.NDArray[np.float32]

GRID_MM = 5.0
_FEWEST = 20
_BODY_HU = -400
_BONE_HU = 300
_BLOOD_HU = 240
_NEAR_MM, _AWAY_MM, _ASIDE_MM = 8.0, 20.0, 17.0
# What agrees, agrees by more than what contradicts needs: the same body turned must not slip between the two.
_SURE_MM = 15.0
_SURE = 1.25
_LIVER_L, _BRIGHT_L, _GAS_L = 0.2, 0.025, 0.06
_LUNGS_L = 0.8  # the rules' litre: of 1.15 l in the made abdomen the coarse grid counts 0.97


@dataclass(frozen=True, eq=False)
class Sums:
    """Per slice of a mask: how many voxels, and the sums of their row and column indices."""

    count: Numbers
    row: Numbers
    column: Numbers

    @property
    def total(self) -> float:
        """Voxels of the mask."""
        return float(self.count.sum())

    @property
    def mean_index(self) -> Numbers:
        """Mean (slice, row, column)."""
        slices = self.count @ np.arange(self.count.size)
        return np.array([slices, self.row.sum(), self.column.sum()]) / max(1.0, self.total)


def sums_of(mask: Mask) -> Sums:
    """All sums of a mask."""
    _, rows, columns = mask.shape
    ones = mask.view(np.uint8)
    # Summed in the smallest type that holds them, and by no library for matrices: its threads would wait for a core.
    by_row, by_column = (
        np.add.reduce(ones, axis=axis, dtype=np.uint8 if mask.shape[axis] < 256 else np.uint16).astype(np.intp)
        for axis in (2, 1)
    )
    return Sums(
        by_row.sum(axis=1).astype(np.float64),
        (by_row @ np.arange(rows)).astype(np.float64),
        (by_column @ np.arange(columns)).astype(np.float64),
    )


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
    def filled_sums(self) -> Sums:
        """Of the filled outline."""
        return sums_of(self.filled)

    @cached_property
    def lung_sums(self) -> Sums:
        """Of the lungs."""
        return sums_of(self.lungs)

    @cached_property
    def bone_sums(self) -> Sums:
        """Of the bones."""
        return sums_of(self.bone)

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
        bone = self.bone_sums
        some = bone.count > 3
        if not some.any():
            return float(self.centre(self.filled_sums)[0])
        x = np.arange(bone.count.size) * self.steps[0, 0]
        for axis, total in ((1, bone.row), (2, bone.column)):
            x = x + self.steps[axis, 0] * total / np.maximum(bone.count, 1)
        return median(x[some])

    @cached_property
    def bright(self) -> tuple[float, Numbers]:
        """Litres and centre of the largest core of what contrast fills between the ends of the lungs."""
        bright = _shrunk((self.values > 150) & self.body) & (self.smooth > 180) & ~self.bone
        k = np.flatnonzero(self.lung_sums.count)
        bright[: k[0]] = bright[k[-1] + 1 :] = False
        return _largest(self, bright)

    @cached_property
    def between(self) -> Sums | None:
        """Of the body between the lungs, in the half of them that is nearer to the feet; None where they are short."""
        lung = self.lung_sums.count
        there = np.flatnonzero(lung > 0.1 * max(1, lung.max()))
        if there.size < 8:
            return None
        half = there[: there.size // 2] if self.steps[0, 2] > 0 else there[-(there.size // 2) :]
        part = self.lungs[half]
        # lung on both sides along the axis that runs from right to left
        axis = 1 if abs(self.steps[1, 0]) > abs(self.steps[2, 0]) else 2
        before = np.logical_or.accumulate(part, axis=axis)
        behind = np.flip(np.logical_or.accumulate(np.flip(part, axis=axis), axis=axis), axis=axis)
        between = np.zeros(self.body.shape, bool)
        between[half] = before & behind & ~part & self.body[half]
        return sums_of(between & ~self.bone)

    @cached_property
    def gas(self) -> tuple[float, Numbers]:
        """Litres and centre of the largest bubble in the 160 mm that begin 60 mm below the middle of the lungs."""
        gas = (self.values < -900) & self.filled & ~self.lungs
        middle = float(self.centre(self.lung_sums)[2])
        z = np.arange(gas.shape[0]) * float(self.steps[0, 2])
        gas[z > middle - 60] = False
        gas[z < middle - 220] = False
        return _largest(self, gas)

    @property
    def litres(self) -> float:
        """Volume of a voxel."""
        return abs(float(np.linalg.det(self.steps))) / 1e6

    @property
    def cm2(self) -> float:
        """Area of a pixel."""
        return float(np.linalg.norm(np.cross(self.steps[1], self.steps[2]))) / 100

    def centre(self, of: Sums) -> Numbers:
        """Mean LPS mm of a mask, counted from the first voxel."""
        return of.mean_index @ self.steps


def grid_steps(geometry: Geometry) -> tuple[int, int, int]:
    """Every how many slices, rows and columns a voxel of the coarse grid is taken."""
    slices, rows, columns = (max(1, int(GRID_MM / mm)) for mm in geometry.spacing_mm)
    return slices, rows, columns


def anatomy_of(voxels: Voxels, geometry: Geometry) -> Anatomy | None:
    """The coarse body of an axial CT; None where there is none to speak of."""
    if voxels.shape[0] < _FEWEST or abs(float(geometry.normal_lps[2])) < 0.8:
        return None
    skip = grid_steps(geometry)
    values: Voxels = voxels[:: skip[0], :: skip[1], :: skip[2]].copy()
    steps = (geometry.affine_lps[:3, :3] * skip).T
    solid = regions(values > _BODY_HU, across_slices=True)
    if not solid.sizes.size:
        return None
    body = solid.largest()
    enclosed = holes(body)
    filled = enclosed.added_to(body, np.ones(enclosed.sizes.size, bool))
    # Lung is no gas: bowel and airways lie at -1000 HU.
    cm2 = float(np.linalg.norm(np.cross(steps[1], steps[2]))) / 100
    large = enclosed.sizes * cm2 > 3
    mean = enclosed.means(values, large)
    lungs = enclosed.joined(large & (mean > -960) & (mean < -600))
    litre = abs(float(np.linalg.det(steps))) / 1e6
    thick = (values > _BONE_HU) & body
    # Contrast fills heart and aorta solidly; bone is a shell at this size. At about 300 HU noise makes specks
    # of it that would pass for bone in front (a false alarm in 2 of 100 made upper abdomens): so a lower limit.
    bone = thick & ~_grown(_grown(_shrunk((values > _BLOOD_HU) & body)))
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
    section = a.filled_sums.count
    some = section > 0
    count = a.bone_sums.count
    share = float(count.sum()) / max(1, int(section.sum()))
    if not some.any() or median(section[some]) * a.cm2 < 300 or not 0.004 <= share <= 0.1:
        return "not assessable"
    length = float(np.linalg.norm(a.steps[0]))
    if int((count > 0).sum()) * length < 100:
        return "not assessable"
    towards = np.zeros(3)
    bone, filled = a.bone_sums, a.filled_sums
    for axis, ours, all_ in ((1, bone.row, filled.row), (2, bone.column, filled.column)):
        offset = ours - count * all_ / np.maximum(section, 1)
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
    towards = lungs_towards_head(a)
    if towards == 0:
        return "not assessable"
    slices, up = np.flatnonzero(a.filled_sums.count), float(a.steps[0, 2])
    sure = _SURE if towards > 0 else 1.0
    told = {v for v in (_liver_beyond(a, sure), *_body_beyond(a, slices, up)) if v != 0}
    if told == ({1} if towards > 0 else {-1}):
        return "agrees" if towards > 0 else "contradicts"
    return "not assessable"


def lungs_towards_head(a: Anatomy) -> float:
    """By how many mm the lungs lie nearer to the head than the whole of a trunk; 0 where that tells nothing."""
    slices = np.flatnonzero(a.filled_sums.count)
    if not slices.size or len(slices) * abs(float(a.steps[0, 2])) < 250 or a.lung_sums.total * a.litres < _LUNGS_L:
        return 0.0
    towards = float((a.centre(a.lung_sums) - a.centre(a.filled_sums))[2])
    return 0.0 if abs(towards) < _AWAY_MM else towards


def _liver_beyond(a: Anatomy, sure: float) -> int:
    """1 when the liver lies on the feet's side of the lungs by 60 mm or more, -1 on the head's, 0 unknown."""
    litres, centre = a.liver
    if litres < _LIVER_L * sure:
        return 0
    towards = float((centre - a.centre(a.lung_sums))[2])
    return 0 if abs(towards) < 60 else (1 if towards < 0 else -1)


def _body_beyond(a: Anatomy, slices: npt.NDArray[np.intp], up: float) -> list[int]:
    """For each end with 80 mm of body from 30 mm beyond the lungs on: 1 for the labels, -1 against, 0 unknown."""
    section = a.filled_sums.count
    lung = a.lung_sums.count
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


def hand_contradicts(a: Anatomy) -> bool:
    """Whether `hand` contradicts; nothing more is asked once one vote is for the labels."""
    against = 0
    for vote in _doubts(a):
        if vote == 1:
            return False
        against += vote == -1
    return against >= 2


def _doubts(a: Anatomy) -> Iterator[int]:
    """The votes by what contradicts, those first that are quick and most often tell."""
    yield _heart_mass(a, 1.0)
    yield _stomach_gas(a)
    yield _liver(a, 1.0)
    yield _bright_heart(a, 1.0)


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
    if not a.lung_sums.total:
        return 0
    litres, centre = a.bright
    x = float(centre[0]) - a.middle
    return _vote(x, 8 * sure**2) if litres >= _BRIGHT_L * sure and abs(x) <= 70 else 0


def _heart_mass(a: Anatomy, sure: float) -> int:
    """Soft tissue between the lungs, in the half of them that is nearer to the feet."""
    between = a.between
    if between is None or between.total * a.litres < 0.2:
        return 0
    return _vote(float(a.centre(between)[0]) - a.middle, 10 * sure)


def _stomach_gas(a: Anatomy) -> int:
    """A bubble of 60 ml or more (40 occur in a colon), below the lungs and away from the middle."""
    if not a.lung_sums.total:
        return 0
    litres, centre = a.gas
    return _vote(float(centre[0]) - a.middle, 30) if litres >= _GAS_L else 0


def _shrunk(mask: Mask) -> Mask:
    """Without the voxels of its surface (cube of 3)."""
    slices, rows, columns = mask.shape
    inside = (slice(1, -1),) * 3
    # With a rim that takes nothing away, neighbours along every axis are a fixed step apart: whole arrays in one go.
    # What runs over from the end of a row into the rim stays in rims.
    rim = np.ones((slices + 2, rows + 2, columns + 2), bool)
    rim[inside] = mask
    flat = rim.reshape(-1)
    for step in (1, columns + 2, (columns + 2) * (rows + 2)):
        pairs = flat[:-step] & flat[step:]
        np.logical_and(pairs[:-step], pairs[step:], out=flat[step:-step])
    return rim[inside].copy()


def _grown(mask: Mask) -> Mask:
    """With the voxels beside it (cube of 3)."""
    return ~_shrunk(~mask)


def _smooth(values: Voxels) -> npt.NDArray[np.float32]:
    """Mean of each cube of 3; at the edges of what there is."""
    total = values.astype(np.float32)
    count = np.ones((1, 1, 1), np.float32)
    for axis in range(3):
        low, high, *_ = _along(axis)
        before = total.copy()
        total[low] += before[high]
        total[high] += before[low]
        here = np.full(total.shape[axis], 3.0, np.float32)
        here[0] -= 1
        here[-1] -= 1
        count = count * here.reshape([-1 if i == axis else 1 for i in range(3)])
    total /= count
    return total


def _along(axis: int) -> tuple[tuple[slice | int, ...], ...]:
    """Indices along an axis: all but the last, all but the first, the first, the last, all but both."""
    parts: tuple[slice | int, ...] = (slice(None, -1), slice(1, None), 0, -1, slice(1, -1))
    return tuple(tuple(part if i == axis else slice(None) for i in range(3)) for part in parts)
