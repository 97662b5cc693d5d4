"""Which images belong together: hard keys first, then what tells phases at the same place apart.

DICOM page 1.2. Nothing here reads pixels, but for images that share a place and that no key separates.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from workstation.base.findings import Finding
from workstation.dicom import tags as el
from workstation.dicom.fields import Fields
from workstation.dicom.found import Phase
from workstation.dicom.images import Image, Key
from workstation.dicom.medians import median
from workstation.dicom.words import finding

# In the order in which they are tried; the word is what the phase is called.
SOFT_KEYS = (
    ("temporal", "time"), ("temporal_index", "time"), ("b_value", "b_value"), ("gradient", "gradient"),
    ("echo", "echo"), ("echo_time", "echo"), ("trigger", "cardiac"), ("cardiac", "cardiac"),
    ("phase_number", "phase"), ("label", "label"),
    ("inversion", "inversion"), ("flip", "flip"), ("acquisition", "acquisition"), ("kernel", "kernel"),
    ("contrast", "contrast"), ("acquisition_time", "time"), ("content_time", "time"), ("stack", "stack"),
    ("energy", "energy"), ("image_type", "image_type"), ("file", "time"),
)  # fmt: skip
_CLUSTER = 1e-3
_REPEAT_MM = 0.01
_DAY = 86_400.0
Phases = list[tuple[Phase | None, list[Image]]]


def hard_split(images: Iterable[Image]) -> list[list[Image]]:
    """Groups of images that may share a volume: size, kind, units, image type, pixel spacing, orientation."""
    groups: dict[Hashable, list[Image]] = defaultdict(list)
    meanings: dict[tuple[str, ...], frozenset[str]] = {}
    for image in images:
        meaning = meanings.get(image.image_type)
        if meaning is None:
            meaning = meanings[image.image_type] = image.meaning
        key = (
            image.header.common("pixel kind", _OF_PIXEL_KIND, _pixel_kind), image.rows, image.columns,
            image.rescale_type, meaning, image.position is None, image.tile is None,
        )  # fmt: skip
        groups[key].append(image)
    out: list[list[Image]] = []
    for group in groups.values():
        for alike in _clusters(group, lambda i: i.spacing, relative=True):
            out.extend(_clusters(alike, lambda i: i.orientation, relative=False))
    return out


_OF_PIXEL_KIND = frozenset((el.SOP_CLASS, el.SAMPLES, el.PHOTOMETRIC, el.UNITS))


def _pixel_kind(header: Fields) -> tuple[str, int, str, str]:
    """Class, samples, photometric interpretation and units of a file's pixels."""
    samples = header.integer(el.SAMPLES) or 1
    return header.text(el.SOP_CLASS), samples, header.text(el.PHOTOMETRIC), header.text(el.UNITS)


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
    """Median distance between neighbouring places, those that coincide left out; 0 with one place.

    Where images repeat places only nearly (a table that was moved there and back), most steps are tiny. They are
    left out too where the others, at least three and alike, are fifty times as long: 2 % of the gap is one place.
    """
    steps = np.sort(np.diff(np.sort(np.asarray(distances, float))))
    steps = steps[steps > _REPEAT_MM]
    if not steps.size:
        return 0.0
    wide = int(np.argmax(steps[1:] / steps[:-1])) + 1 if steps.size > 1 else 0
    long = steps[wide:]
    if wide and long.size >= 3 and steps[wide - 1] <= 0.02 * long[0] and long[-1] <= 1.5 * long[0]:
        return median(long)
    return median(steps)


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


def is_regular(distances: Sequence[float]) -> bool:
    """Whether sorted places lie evenly: every gap within max(0.01 mm, 1 %) of the median (DICOM page 1.3)."""
    gaps = np.diff(np.asarray(distances, float))
    return not gaps.size or bool(np.abs(gaps - median(gaps)).max() <= max(_REPEAT_MM, 0.01 * median(gaps)))


def soft_split(images: list[Image]) -> tuple[Phases, list[Finding]]:
    """Phases of images that repeat places, each with one image per place, sorted by the key's value.

    `distance` of the images must be set. Duplicates that nothing separates are removed or refused.
    """
    by_place = places(images)
    repeated = [place for place in by_place if len(place) > 1]
    if len(by_place) == 1 or (not repeated and is_regular([place[0].distance for place in by_place])):
        return [(None, images)], []
    _unwrap_times(images)
    again = _sent_again(by_place)
    if again:
        return _once_each(images, again)
    mostly_single = len(repeated) <= len(by_place) / 2
    if repeated and mostly_single and all(_same_pixels(place) for place in repeated):
        return _without_duplicates(by_place, repeated)
    found = _by_key(images, _accepted)
    if found is not None:
        return found
    if not repeated:
        return [(None, images)], []
    found = None if mostly_single else _by_key(images, _nearly_accepted)
    if found is not None:
        return found
    if all(_same_pixels(place) for place in repeated):
        return _without_duplicates(by_place, repeated)
    copies = _copies(by_place)
    if copies:
        return _once_each(images, copies)
    found = None if mostly_single else _by_order(by_place)
    if found is not None:
        return found
    different = [place for place in repeated if not _same_pixels(place)]
    kept = [place[0] for place in by_place]
    return [(None, kept)], [finding("duplicate_conflict", n=len(different), files=sum(map(len, different)))]


def _unwrap_times(images: list[Image]) -> None:
    """Times of day of a series that went on past midnight: the small ones come after the large ones."""
    for name in ("acquisition_time", "content_time"):
        times = [v for i in images if isinstance(v := i.keys.get(name), float)]
        if times and max(times) - min(times) > _DAY / 2:
            for image in images:
                time = image.keys.get(name)
                if isinstance(time, float) and time < _DAY / 2:
                    image.keys[name] = time + _DAY


def _by_key(
    images: list[Image], accepted: Callable[[list[list[Image]]], list[Finding] | None]
) -> tuple[Phases, list[Finding]] | None:
    """Phases by the first key, or the first two, whose groups are accepted; None where no key will do."""
    # A key with one value for all adds nothing to another, and one with a value for nearly each separates too much.
    telling = [name for name, _ in SOFT_KEYS if 2 <= len({i.keys.get(name) for i in images}) <= len(images) // 2]
    tried: list[tuple[str, ...]] = [(name,) for name in telling]
    if "b_value" in telling and "gradient" in telling:
        tried.insert(tried.index(("gradient",)), ("b_value", "gradient"))  # a direction is one of its b-value
    for names in (*tried, *combinations(telling, 2)):
        groups = _grouped(images, names)
        if groups is None:
            continue
        findings = accepted([members for _, members in groups])
        if findings is None:
            continue
        kind = dict(SOFT_KEYS)[names[0]]
        phases: Phases = []
        for index, (values, members) in enumerate(groups):
            number = next((v for v in values if isinstance(v, float)), None)
            phases.append((Phase(kind, index, len(groups), number), members))
        return phases, findings
    return None


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
        if not _unique(here, gap):
            return None
        if len(here) == len(first):
            if np.abs(here - first).max() > 0.1 * gap:
                return None
            continue
        # Only the last may be short; of two, a stray handful is no phase.
        handful = len(groups) == 2 and 2 * len(here) < len(first)
        if group is not groups[-1] or len(here) > len(first) or handful:
            return None
        if not _among(here, first, gap):
            return None
    if len(groups[-1]) < len(first):
        return [finding("phase_incomplete", a=len(groups[-1]), b=len(first), files=len(groups[-1]))]
    return []


def _nearly_accepted(groups: list[list[Image]]) -> list[Finding] | None:
    """As `_accepted`, where images of some phases are missing: all in all few, of none more than half."""
    whole = np.array([place[0].distance for place in places([image for group in groups for image in group])])
    gap = median_gap(list(whole))
    if gap == 0:
        return None
    for group in groups:
        here = np.sort([i.distance for i in group])
        if not _unique(here, gap) or not _among(here, whole, gap):
            return None
    counts = [len(group) for group in groups]
    if not _nearly_whole(counts, len(whole)):
        return None
    return _short_phases([(k, n) for k, n in enumerate(counts) if n < len(whole)], len(groups), len(whole))


def _nearly_whole(counts: list[int], whole: int) -> bool:
    """Whether phases lack so few slices that they are phases: a quarter of all, half of one."""
    return all(2 * n >= whole for n in counts) and 4 * sum(counts) >= 3 * whole * len(counts)


def _short_phases(short: list[tuple[int, int]], of: int, whole: int) -> list[Finding]:
    """What is said of phases that lack slices: (index, slices) each."""
    return [
        finding("phase_incomplete", a=n, b=whole, files=n)
        if index == of - 1
        else finding("phase_short", k=index + 1, a=n, b=whole, files=n)
        for index, n in short
    ]


def _unique(here: npt.NDArray[np.float64], gap: float) -> bool:
    """Whether sorted places are all apart."""
    return len(here) < 2 or bool(np.diff(here).min() > max(_REPEAT_MM, 0.02 * gap))


def _among(here: npt.NDArray[np.float64], whole: npt.NDArray[np.float64], gap: float) -> bool:
    """Whether all places are among those of a whole phase."""
    return bool(np.abs(here[:, None] - whole[None, :]).min(axis=1).max() <= 0.1 * gap)


def _by_order(by_place: list[list[Image]]) -> tuple[Phases, list[Finding]] | None:
    """Phases by instance number alone: the k-th image at each place makes phase k.

    Where images are missing, the k-th is not the k-th any more: the numbers themselves must then tell the phase
    (they count phase after phase, or place after place), or nothing does.
    """
    counts = {len(place) for place in by_place}
    if any(len({_number(image) for image in place}) < len(place) for place in by_place):
        return None  # two of one number at one place: the order of their files says nothing
    groups = None if len(counts) == 1 and _unbroken(by_place) else _by_count(by_place)
    if groups is None:
        if len(counts) > 1:
            return None
        groups = [[place[k] for place in by_place] for k in range(max(counts))]
    findings = [finding("phases_by_order", n=len(groups), files=sum(map(len, by_place)))]
    short = [(k, len(group)) for k, group in enumerate(groups) if len(group) < len(by_place)]
    findings.extend(_short_phases(short, len(groups), len(by_place)))
    return [(Phase("order", k, len(groups)), group) for k, group in enumerate(groups)], findings


def _unbroken(by_place: list[list[Image]]) -> bool:
    """Whether instance numbers run without a hole."""
    numbers = {image.instance for place in by_place for image in place}
    known = [n for n in numbers if n is not None]
    return len(known) == sum(map(len, by_place)) == max(known) - min(known) + 1 if known else False


def _by_count(by_place: list[list[Image]]) -> list[list[Image]] | None:
    """Phases of images some of which are missing, by instance numbers that count them all; None if they do not.

    Numbers begin with 1, or, where that does not fit, where only one beginning does.
    """
    images = [image for place in by_place for image in place]
    numbers = {id(image): image.instance for image in images if image.instance is not None}
    if len(set(numbers.values())) < len(images):
        return None
    place_of = {id(image): k for k, place in enumerate(by_place) for image in place}
    first, slices, of = min(numbers.values()), len(by_place), max(map(len, by_place))

    def grouped(base: int, *, after_phase: bool) -> list[list[Image]] | None:
        groups: dict[int, list[Image]] = defaultdict(list)
        for image in images:
            n = numbers[id(image)] - base
            groups[n // slices if after_phase else n % of].append(image)
        if set(groups) != set(range(len(groups))) or len(groups) < of:
            return None
        found = [groups[k] for k in range(len(groups))]
        apart = all(_one_each(group, place_of) for group in found)
        return found if apart and _nearly_whole([len(group) for group in found], slices) else None

    # Phase after phase: at one place numbers differ by whole phases.
    if all(len({numbers[id(i)] % slices for i in place}) == 1 for place in by_place):
        found = grouped(1, after_phase=True)
        if found is not None or first <= slices:
            return found
        begins = [grouped(base, after_phase=True) for base in range(first - slices + 1, first + 1)]
        fitting = [groups for groups in begins if groups is not None]
        return fitting[0] if len(fitting) == 1 else None
    # Place after place: the numbers of one place fill a block of their own.
    for base in (1, first):
        blocks = [{(numbers[id(i)] - base) // of for i in place} for place in by_place]
        if all(len(block) == 1 for block in blocks) and len(set.union(*blocks)) == slices:
            return grouped(base, after_phase=False)
    return None


def _one_each(group: list[Image], place_of: dict[int, int]) -> bool:
    """Whether no two images of a group share a place."""
    return len({place_of[id(image)] for image in group}) == len(group)


def _once_each(images: list[Image], copies: list[Image]) -> tuple[Phases, list[Finding]]:
    """The phases of images without those that were sent a second time."""
    extra = {id(image) for image in copies}
    phases, findings = soft_split([image for image in images if id(image) not in extra])
    return phases, [finding("duplicate_slices", n=len(copies), files=len(copies)), *findings]


def _sent_again(by_place: list[list[Image]]) -> list[Image]:
    """Volumes that came twice under new identifiers: at every place as many images, alike in every key and voxel.

    Which file they came in is no key here. Pixels are read only where at every place some are alike in all else, and
    of one place first, in the middle, where seldom all is air.
    """
    if min(map(len, by_place)) < 2:
        return []
    alike = [[group for group in _alike(place) if len(group) > 1] for place in by_place]
    if not all(alike):
        return []
    middle = len(alike) // 2
    out: list[Image] = []
    count = 0
    for groups in sorted(alike, key=lambda groups: groups is not alike[middle]):
        extra = [image for group in groups for image in _repeats(group)]
        count = count or len(extra)
        if not count or len(extra) < count:
            return []
        out.extend(extra[:count])  # of what is air in all phases only as many as elsewhere
    return out


def _alike(place: list[Image]) -> list[list[Image]]:
    """Images at one place by all that may tell them apart, but for their file and their pixels."""
    groups: dict[Hashable, list[Image]] = defaultdict(list)
    for image in place:
        keys = tuple(sorted((k, v) for k, v in image.keys.items() if k != "file"))
        groups[(keys, image.slope, image.intercept, id(image.table))].append(image)
    return list(groups.values())


def _repeats(images: list[Image]) -> list[Image]:
    """Those whose pixels an image before them has; first those that have its number too, then the last ones."""
    seen: dict[str, set[int | None]] = {}
    same: list[Image] = []
    other: list[Image] = []
    for image, digest in zip(images, _digests(images), strict=True):
        numbers = seen.get(digest)
        if numbers is None:
            seen[digest] = {image.instance}
        elif image.instance in numbers:
            same.append(image)
        else:
            numbers.add(image.instance)
            other.append(image)
    return [*same, *reversed(other)]


def _copies(by_place: list[list[Image]]) -> list[Image]:
    """Images sent twice under new identifiers, where places hold unequal numbers: all but the first of each."""
    fewest = min(map(len, by_place))
    out: list[Image] = []
    for place in by_place:
        if len(place) == fewest:
            continue
        for group in _alike(place):
            out.extend(_repeats(group) if len(group) > 1 else ())
    return out


def _without_duplicates(by_place: list[list[Image]], repeated: list[list[Image]]) -> tuple[Phases, list[Finding]]:
    extra = sum(len(place) - 1 for place in repeated)
    return [(None, [place[0] for place in by_place])], [finding("duplicate_slices", n=len(repeated), files=extra)]


def _same_pixels(place: list[Image]) -> bool:
    return len({(i.slope, i.intercept, id(i.table)) for i in place}) == 1 and len(set(_digests(place))) == 1


def _digests(images: Sequence[Image]) -> list[str]:
    """Digest of each image's pixels: of their bytes, or of what they decode to where they are coded differently."""
    if len({i.header.syntax for i in images}) == 1:
        return [pixel_digest(image) for image in images]
    return [_decoded_digest(image) for image in images]


def _decoded_digest(image: Image) -> str:
    """SHA-256 over an image's stored values; "unknown" words never equal each other."""
    from workstation.dicom.decode import PixelError, Pixels

    try:
        pixels = Pixels(image.header)
        with image.header.path.open("rb", buffering=0) as file:
            values = pixels.read(file, image.frame if image.tile is None else 0)
    except (PixelError, OSError, ValueError):
        return f"unknown {id(image)}"
    whole = values if pixels.float_pixels else values.astype(np.int64)
    tile = "" if image.tile is None else image.frame
    return f"{hashlib.sha256(np.ascontiguousarray(whole).data).hexdigest()} {whole.shape} {tile}"


def pixel_digest(image: Image) -> str:
    """SHA-256 over an image's pixel bytes as they lie in the file ("unknown" words never equal each other)."""
    header = image.header
    pixel = header.pixel
    if pixel is None:
        return f"none {id(image)}"
    single = 1 if header.integer(el.FRAMES) in (None, 1) else None
    if single is None:
        return _decoded_digest(image)
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
    return digest.hexdigest() if image.tile is None else f"{digest.hexdigest()} {image.frame}"
