"""Which images belong together: hard keys first, then what tells phases at the same place apart.

DICOM page 1.2. Nothing here reads pixels, but for images that share a place and that no key separates.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from workstation.base.findings import Finding
from workstation.dicom import tags as el
from workstation.dicom.found import Phase
from workstation.dicom.images import Image, Key
from workstation.dicom.medians import median
from workstation.dicom.words import finding

# In the order in which they are tried; the word is what the phase is called.
SOFT_KEYS = (
    ("temporal", "time"), ("temporal_index", "time"), ("b_value", "b_value"), ("gradient", "gradient"),
    ("echo", "echo"), ("echo_time", "echo"), ("trigger", "cardiac"), ("cardiac", "cardiac"),
    ("inversion", "inversion"), ("flip", "flip"), ("acquisition", "acquisition"), ("kernel", "kernel"),
    ("contrast", "contrast"), ("acquisition_time", "time"), ("content_time", "time"), ("stack", "stack"),
    ("file", "time"),
)  # fmt: skip
_CLUSTER = 1e-3
_REPEAT_MM = 0.01
_T = TypeVar("_T")


def hard_split(images: Iterable[Image]) -> list[list[Image]]:
    """Groups of images that may share a volume: size, kind, units, image type, pixel spacing, orientation."""
    groups: dict[Hashable, list[Image]] = defaultdict(list)
    for image in images:
        header = image.header
        key = (
            header.sop_class, image.rows, image.columns, header.integer(el.SAMPLES) or 1, header.text(el.PHOTOMETRIC),
            image.rescale_type, header.text(el.UNITS), image.meaning, image.position is None, image.tile is None,
        )  # fmt: skip
        groups[key].append(image)
    out: list[list[Image]] = []
    for group in groups.values():
        for alike in _clusters(group, lambda i: i.spacing, relative=True):
            out.extend(_clusters(alike, lambda i: i.orientation, relative=False))
    return out


def _clusters(
    images: list[Image], value: Callable[[Image], tuple[float, ...] | None], *, relative: bool
) -> list[list[Image]]:
    """Groups whose values lie within 1e-3 of the group's first."""
    found: list[tuple[np.ndarray | None, list[Image]]] = []
    cache: dict[tuple[float, ...] | None, list[Image]] = {}
    for image in images:
        v = value(image)
        if v in cache:
            cache[v].append(image)
            continue
        a = None if v is None else np.array(v)
        for reference, members in found:
            if a is None or reference is None:
                near = a is None and reference is None
            else:
                scale = np.maximum(np.abs(reference), 1e-12) if relative else 1.0
                near = bool(np.all(np.abs(a - reference) <= _CLUSTER * scale))
            if near:
                members.append(image)
                cache[v] = members
                break
        else:
            members = [image]
            found.append((a, members))
            cache[v] = members
    return [members for _, members in found]


def median_gap(distances: Sequence[float]) -> float:
    """Median distance between neighbouring places, those that coincide left out; 0 with one place."""
    steps = np.diff(np.sort(np.asarray(distances, float)))
    steps = steps[steps > _REPEAT_MM]
    return median(steps) if steps.size else 0.0


def places(images: Sequence[Image]) -> list[list[Image]]:
    """Images by place along the normal, rising; closer than max(0.01 mm, 2 % of the gap) is one place."""
    ordered = sorted(images, key=lambda i: (i.distance, _number(i)))
    near = max(_REPEAT_MM, 0.02 * median_gap([i.distance for i in ordered]))
    out: list[list[Image]] = []
    for image in ordered:
        if out and image.distance - out[-1][0].distance <= near:
            out[-1].append(image)
        else:
            out.append([image])
    for place in out:
        place.sort(key=_number)
    return out


def _number(image: Image) -> tuple[int, int]:
    return (image.instance if image.instance is not None else 0, image.frame)


def soft_split(images: list[Image]) -> tuple[list[tuple[Phase | None, list[Image]]], list[Finding]]:
    """Phases of images that repeat places, each with one image per place, sorted by the key's value.

    `distance` of the images must be set. Duplicates that nothing separates are removed or refused.
    """
    by_place = places(images)
    if len(by_place) == len(images) or len(by_place) == 1:
        return [(None, images)], []
    repeated = [place for place in by_place if len(place) > 1]
    mostly_single = len(repeated) <= len(by_place) / 2
    if mostly_single and all(_same_pixels(place) for place in repeated):
        return _without_duplicates(by_place, repeated)
    # A key with one value for all adds nothing to another, and one with a value for nearly each separates too much.
    telling = [name for name, _ in SOFT_KEYS if 2 <= len({i.keys.get(name) for i in images}) <= len(images) // 2]
    for names in (*((name,) for name in telling), *combinations(telling, 2)):
        groups = _grouped(images, names)
        if groups is None:
            continue
        findings = _accepted([members for _, members in groups])
        if findings is None:
            continue
        kind = dict(SOFT_KEYS)[names[0]]
        phases: list[tuple[Phase | None, list[Image]]] = []
        for index, (values, members) in enumerate(groups):
            number = next((v for v in values if isinstance(v, float)), None)
            phases.append((Phase(kind, index, len(groups), number), members))
        return phases, findings
    if all(_same_pixels(place) for place in repeated):
        return _without_duplicates(by_place, repeated)
    counts = {len(place) for place in by_place}
    if len(counts) == 1 or (not mostly_single and max(counts) > 2 and max(counts) - min(counts) == 1):
        return _by_order(by_place, max(counts))
    different = [place for place in repeated if not _same_pixels(place)]
    kept = [place[0] for place in by_place]
    return [(None, kept)], [finding("duplicate_conflict", n=len(different), files=sum(map(len, different)))]


def _grouped(images: list[Image], names: tuple[str, ...]) -> list[tuple[tuple[Key | None, ...], list[Image]]] | None:
    """Images by the values of some keys, by rising value; None when that separates nothing."""
    groups: dict[tuple[Key | None, ...], list[Image]] = defaultdict(list)
    for image in images:
        groups[tuple(image.keys.get(name) for name in names)].append(image)
    if not 2 <= len(groups) <= len(images) // 2:
        return None
    return sorted(groups.items(), key=lambda pair: tuple(_sortable(v) for v in pair[0]))


def _sortable(value: Key | None) -> tuple[int, float, str, tuple[float, ...]]:
    if value is None:
        return (0, 0.0, "", ())
    if isinstance(value, str):
        return (2, 0.0, value, ())
    if isinstance(value, tuple):
        return (3, 0.0, "", value)
    return (1, value, "", ())


def _accepted(groups: list[list[Image]]) -> list[Finding] | None:
    """Findings when every group has unique places and all but the last agree; None when they do not."""
    first = np.sort([i.distance for i in groups[0]])
    gap = median_gap(list(first))
    if gap == 0:
        return None
    for group in groups:
        here = np.sort([i.distance for i in group])
        if len(here) > 1 and np.diff(here).min() <= max(_REPEAT_MM, 0.02 * gap):
            return None
        if len(here) == len(first):
            if np.abs(here - first).max() > 0.1 * gap:
                return None
            continue
        # Only the last may be short; of two, a stray handful is no phase.
        handful = len(groups) == 2 and 2 * len(here) < len(first)
        if group is not groups[-1] or len(here) > len(first) or handful:
            return None
        if np.abs(here[:, None] - first[None, :]).min(axis=1).max() > 0.1 * gap:
            return None
    if len(groups[-1]) < len(first):
        return [finding("phase_incomplete", a=len(groups[-1]), b=len(first), files=len(groups[-1]))]
    return []


def _by_order(by_place: list[list[Image]], of: int) -> tuple[list[tuple[Phase | None, list[Image]]], list[Finding]]:
    """The k-th image at each place, by instance number, makes phase k."""
    findings = [finding("phases_by_order", n=of, files=sum(map(len, by_place)))]
    phases: list[tuple[Phase | None, list[Image]]] = []
    for k in range(of):
        members = [place[k] for place in by_place if k < len(place)]
        phases.append((Phase("order", k, of), members))
    if len(phases[-1][1]) < len(by_place):
        findings.append(finding("phase_incomplete", a=len(phases[-1][1]), b=len(by_place)))
    return phases, findings


def _without_duplicates(
    by_place: list[list[Image]], repeated: list[list[Image]]
) -> tuple[list[tuple[Phase | None, list[Image]]], list[Finding]]:
    extra = sum(len(place) - 1 for place in repeated)
    return [(None, [place[0] for place in by_place])], [finding("duplicate_slices", n=len(repeated), files=extra)]


def _same_pixels(place: list[Image]) -> bool:
    return len({(i.slope, i.intercept, id(i.table), pixel_digest(i)) for i in place}) == 1


def pixel_digest(image: Image) -> str:
    """SHA-256 over an image's pixel bytes as they lie in the file ("unknown" words never equal each other)."""
    header = image.header
    pixel = header.pixel
    if pixel is None:
        return f"none {id(image)}"
    single = 1 if header.integer(el.FRAMES) in (None, 1) else None
    if single is None or image.tile is not None:
        return f"{header.sop_uid} {image.frame} {image.tile}"
    digest = hashlib.sha256(header.syntax.encode())
    with header.path.open("rb", buffering=0) as file:
        file.seek(pixel.offset)
        left = header.size - pixel.offset if pixel.length is None else pixel.length
        while left > 0:
            part = file.read(min(left, 1 << 20))
            if not part:
                break
            digest.update(part)
            left -= len(part)
    return digest.hexdigest()
