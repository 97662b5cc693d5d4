"""From images at places to a grid of voxel centres: order, step, tilt, gaps. DICOM page 1.3.

Places are LPS millimetres. r is the direction of growing column index, c of growing row index, n = r x c;
slices are sorted by rising n.p, so det(r, c, step) > 0 and the affine over (slice, row, column) has a
negative determinant. It is never "repaired": that would mirror the patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from workstation.base.findings import Finding
from workstation.dicom.found import Phase
from workstation.dicom.images import Image
from workstation.dicom.medians import median, medians
from workstation.dicom.split import median_gap, places, soft_split
from workstation.dicom.words import finding

Vector = npt.NDArray[np.float64]
FEW_SLICES = 20


@dataclass(frozen=True, eq=False)
class Stack:
    """Images in order (None: filled), their grid, and what was found about it."""

    slices: tuple[Image | None, ...]
    affine_lps: Vector
    positions_lps: Vector | None = None
    filled: tuple[int, ...] = ()
    phase: Phase | None = None
    tilt_deg: float = 0.0
    gap_mm: float = 0.0
    findings: tuple[Finding, ...] = field(default=())
    block: str = ""  # tells apart what lies behind or beside each other: no phases

    @property
    def images(self) -> list[Image]:
        return [image for image in self.slices if image is not None]


def stacks_of(images: list[Image]) -> tuple[list[Stack], list[Finding]]:
    """Stacks of a group of images that share the hard keys, and what keeps the others out."""
    refusal = _unusable(images)
    if refusal is not None:
        return [], [refusal]
    r, c, n = axes(images)
    for image in images:
        assert image.position is not None
        image.distance = float(n @ np.array(image.position))
    apart = _side_by_side(images, n)
    out: list[Stack] = []
    findings: list[Finding] = []
    for k, group in enumerate(apart):
        made, noted = _phases_of(group, r, c)
        out.extend(made if len(apart) == 1 else [replace(s, block=f"{k + 1} {s.block}".strip()) for s in made])
        findings.extend(noted)
    return out, findings


def _phases_of(images: list[Image], r: Vector, c: Vector) -> tuple[list[Stack], list[Finding]]:
    """Stacks of images that lie behind each other."""
    phases, findings = soft_split(images)
    out: list[Stack] = []
    alone = 0
    for phase, members in phases:
        if median_gap([i.distance for i in members]) == 0:
            alone += len(members)
            continue
        for block, stack in _grids(members, r, c):
            if isinstance(stack, Finding):
                findings.append(stack)
            else:
                out.append(replace(stack, phase=phase, block=block))
    if alone:
        findings.append(finding("single_slice", n=alone, files=alone))
    # what concerns the split concerns every one of its volumes
    shared = tuple(f for f in findings if f.code in _OF_VOLUMES)
    out = [replace(stack, findings=(*shared, *stack.findings)) for stack in out]
    return out, [f for f in findings if f not in shared or not out]


_OF_VOLUMES = ("duplicate_slices", "duplicate_conflict", "phases_by_order", "phase_incomplete", "phase_short")


def _side_by_side(images: list[Image], n: Vector) -> list[list[Image]]:
    """Stacks at the same heights but beside each other (both knees), told by where their first voxels lie.

    Only where images of one place lie more than a pixel apart: of a tilted stack every image lies elsewhere.
    """
    first = images[0]
    assert first.spacing is not None
    pixel = min(first.spacing)
    shared = [place for place in places(images) if len(place) > 1]
    if not shared:
        return [images]
    inside = {id(i): np.array(i.position, float) - i.distance * n for i in images}
    if all(float(np.ptp([inside[id(i)] for i in place], axis=0).max()) <= pixel for place in shared):
        return [images]
    groups: list[tuple[Vector, list[Image]]] = []
    for image in images:
        here = inside[id(image)]
        for centre, members in groups:
            if float(np.abs(here - centre).max()) <= pixel:
                members.append(image)
                break
        else:
            groups.append((here, [image]))
    found = [members for _, members in groups]
    return found if 2 * len(found) <= len(images) and min(map(len, found)) > 1 else [images]


def _grids(images: list[Image], r: Vector, c: Vector) -> list[tuple[str, Stack | Finding]]:
    """The grid of one phase; those of its stacks where they lie one behind the other, each with a StackID (0020,9056).

    Between two stacks no slices are missing, so that none is filled and nothing is refused for it.
    """
    whole = _stack(images, r, c)
    if isinstance(whole, Stack) and whole.positions_lps is None and not whole.filled:
        return [("", whole)]
    blocks: dict[str, list[Image]] = {}
    last = ""
    for image in sorted(images, key=lambda i: i.distance):
        name = str(image.keys.get("stack", ""))
        if name in blocks and name != last:
            return [("", whole)]  # interleaved: no stacks of their own
        blocks.setdefault(name, []).append(image)
        last = name
    if len(blocks) < 2 or "" in blocks or min(map(len, blocks.values())) < 2:
        return [("", whole)]
    return [(name, _stack(members, r, c)) for name, members in blocks.items()]


def _unusable(images: list[Image]) -> Finding | None:
    first = images[0]
    n = len(images)
    if any(i.position is None or i.orientation is None for i in images):
        return finding("geometry_missing", files=n)
    if not all(map(_valid_orientation, {i.orientation for i in images})):
        return finding("orientation_invalid", files=n)
    if first.spacing is None or min(first.spacing) <= 0:
        return finding("spacing_unknown", files=n)
    worst = max(first.spacing, key=lambda v: max(v, 1 / v))
    extent = max(first.spacing[0] * first.rows, first.spacing[1] * first.columns)
    if not all(0.02 <= v <= 10 for v in first.spacing) or not 5 <= extent <= 3000:
        return finding("spacing_implausible", mm=worst, files=n)
    return None


def _valid_orientation(orientation: tuple[float, ...] | None) -> bool:
    """Lengths within 0.01 of 1 and scalar product at most 0.01 (clinical rules 1.4)."""
    if orientation is None:
        return False
    r, c = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = (np.linalg.norm(r), np.linalg.norm(c))
    return bool(all(abs(v - 1) <= 0.01 for v in lengths) and abs(float(r @ c)) <= 0.01)


def axes(images: Sequence[Image]) -> tuple[Vector, Vector, Vector]:
    """Orthonormal r, c, n of the group: the median orientation, r first."""
    middle = medians([i.orientation or () for i in images])
    r = middle[:3] / np.linalg.norm(middle[:3])
    c = middle[3:] - (middle[3:] @ r) * r
    c = c / np.linalg.norm(c)
    return r, c, np.cross(r, c)


def _stack(images: list[Image], r: Vector, c: Vector) -> Stack | Finding:
    """Order the images and fit their grid; a finding when they are no straight row."""
    images = sorted(images, key=lambda i: i.distance)
    first = images[0]
    assert first.spacing is not None
    row_mm, column_mm = first.spacing
    p = np.array([i.position for i in images], float)
    s = np.array([i.distance for i in images])
    centred = s - s.mean()
    along = (centred @ (p - p.mean(axis=0))) / float(centred @ centred)  # along . n = 1 by construction
    off_line = np.linalg.norm(p - p.mean(axis=0) - centred[:, None] * along, axis=1)
    if off_line.max() > max(0.1 * min(row_mm, column_mm), 0.05):
        return finding("stack_not_straight", files=len(images))
    gaps = np.diff(s)
    g = median(gaps)
    findings: list[Finding] = []
    slices: tuple[Image | None, ...] = tuple(images)
    filled: tuple[int, ...] = ()
    positions: Vector | None = None
    spread = np.abs(gaps - g)
    count = len(images)
    ideal = np.linspace(s[0], s[-1], count)
    # Small differences that add up would show places wrongly: none may be off by more than 5 %.
    regular = bool(spread.max() <= max(0.01, 0.01 * g) and np.abs(s - ideal).max() <= max(0.05, 0.05 * g))
    step = (p[-1] - p[0]) / (count - 1)
    if not regular:
        odd = np.flatnonzero(spread > max(0.01, 0.01 * g))
        times = np.rint(gaps[odd] / g)
        missing = bool(odd.size) and bool(np.all(np.abs(gaps[odd] - times * g) <= 0.1 * g) and np.all(times >= 2))
        lost = int((times - 1).sum())
        axis = int(np.argmax(np.abs(np.cross(r, c))))
        widest = int(np.argmax(gaps))
        near = float((p[widest, axis] + p[widest + 1, axis]) / 2)
        if missing and bool(np.all(times == 2)) and lost <= max(1, int(0.03 * (count + lost))):
            slices, filled = _filled(images, odd)
            step = (p[-1] - p[0]) / (len(slices) - 1)
            findings.append(finding("gap", n=lost, z=near))
        else:
            positions = p
            step = along * g
            if missing or gaps.max() > max(10.0, 4 * g):
                findings.append(
                    finding("gap_large", n=max(1, round(float(gaps.max() / g)) - 1 if not missing else lost), z=near)
                )
            else:
                findings.append(finding("uneven_spacing", lo=float(gaps.min()), hi=float(gaps.max())))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = step, c * row_mm, r * column_mm, p[0]
    tilt = float(np.degrees(np.arccos(min(1.0, 1.0 / float(np.linalg.norm(along))))))
    findings.extend(_notes(images, affine, tilt, g))
    return Stack(slices, affine, positions, filled, None, tilt, g, tuple(findings))


def _filled(images: list[Image], gaps: npt.NDArray[np.intp]) -> tuple[tuple[Image | None, ...], tuple[int, ...]]:
    out: list[Image | None] = []
    filled: list[int] = []
    behind = set(gaps.tolist())
    for k, image in enumerate(images):
        out.append(image)
        if k in behind:
            filled.append(len(out))
            out.append(None)
    return tuple(out), tuple(filled)


def _notes(images: list[Image], affine: Vector, tilt: float, g: float) -> list[Finding]:
    """What is said about a stack that can be used."""
    from workstation.dicom import tags as el

    out: list[Finding] = []
    first = images[0]
    assert first.spacing is not None
    if tilt >= 0.5:
        out.append(finding("tilt", a=round(tilt, 1)))
    tag = first.header.number(el.TILT_TAG)
    if tag is not None and abs(abs(tag) - tilt) > 1.0:
        out.append(finding("tilt_tag_differs", t=tag, a=round(tilt, 1)))
    if len({i.frame_of_reference for i in images if i.frame_of_reference}) > 1:
        out.append(finding("for_mixed", files=len(images)))
    stated = first.stated_spacing if first.stated_spacing is not None else first.thickness
    along = float(np.linalg.norm(affine[:3, 0]))
    if stated is not None and stated > 0 and min(abs(stated - g), abs(stated - along)) > max(0.01, 0.01 * g):
        out.append(finding("thickness_differs", t=stated, g=g))
    coarse = max(g, first.thickness or 0.0) / min(first.spacing)
    if coarse > 3:
        out.append(finding("anisotropic", x=round(coarse, 1)))
    if len({(i.slope, i.intercept, id(i.table)) for i in images}) > 1:
        out.append(finding("rescale_varies", files=len(images)))
    bad = sum(i.rescale_bad for i in images)
    if bad:
        out.append(finding("rescale_bad", files=bad))
    if len(images) < FEW_SLICES:
        out.append(finding("too_few_slices", n=len(images)))
    return out
