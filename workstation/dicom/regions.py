"""Connected parts of a coarse mask, by runs along the rows; numpy alone, so that loading needs no further library."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Regions:
    """Parts of a mask, numbered from 0.

    `sizes`: voxels of each part; `low`, `high`: (parts, 3) first and last index along each axis; `centres`: (parts, 3)
    mean index; `run_parts`, `run_lengths`: the part and the length of each run of the mask, in order.
    """

    mask: Mask
    sizes: npt.NDArray[np.intp]
    low: npt.NDArray[np.intp]
    high: npt.NDArray[np.intp]
    centres: Numbers
    run_parts: npt.NDArray[np.intp]
    run_lengths: npt.NDArray[np.intp]

    def of(self, parts: Mask) -> Mask:
        """The voxels of some parts, given as one truth value for each part."""
        out = np.zeros(self.mask.shape, bool)
        out[self.mask] = np.repeat(parts[self.run_parts], self.run_lengths)
        return out

    def largest(self) -> Mask:
        """The voxels of the largest part; there must be one."""
        return self.of(np.arange(self.sizes.size) == int(np.argmax(self.sizes)))

    def means(self, values: npt.NDArray[np.generic], parts: Mask) -> Numbers:
        """Mean of `values` (shape of the mask) in each of some parts, 0 in the others."""
        number = np.repeat(self.run_parts, np.where(parts[self.run_parts], self.run_lengths, 0))
        total = np.bincount(number, weights=values[self.of(parts)], minlength=self.sizes.size)
        return np.where(parts, total / np.maximum(self.sizes, 1), 0.0)


def regions(mask: Mask, *, across_slices: bool) -> Regions:
    """Parts whose voxels touch by faces, within each slice or also from slice to slice."""
    slices, rows, columns = mask.shape
    padded = np.zeros((slices, rows, columns + 1), np.int8)  # a gap ends every row
    padded[..., :columns] = mask
    flat = np.diff(padded.ravel(), prepend=np.int8(0))
    starts, ends = np.flatnonzero(flat == 1), np.flatnonzero(flat == -1)
    label = np.arange(starts.size)
    wide = columns + 1
    row_of = starts // wide
    pairs = [_touching(starts, ends, wide, (row_of + 1) % rows != 0)]
    if across_slices:
        pairs.append(_touching(starts, ends, wide * rows, np.ones(starts.size, bool)))
    a, b = (np.concatenate(part) for part in zip(*pairs, strict=True))
    while a.size:
        before = label
        label = label.copy()
        least = np.minimum(label[a], label[b])
        np.minimum.at(label, label[a], least)
        np.minimum.at(label, label[b], least)
        label = label[label]
        if np.array_equal(label, before):
            break
    roots = label == np.arange(label.size)
    label = (np.cumsum(roots) - 1)[label]
    count = int(roots.sum())
    lengths = ends - starts
    sizes = np.bincount(label, weights=lengths, minlength=count).astype(np.intp)
    k, r = row_of // rows, row_of % rows
    first, last = starts % wide, (ends - 1) % wide
    low, high = np.full((count, 3), np.iinfo(np.intp).max), np.full((count, 3), -1, np.intp)
    centres = np.empty((count, 3))
    for axis, (begin, end) in enumerate(((k, k), (r, r), (first, last))):
        np.minimum.at(low[:, axis], label, begin)
        np.maximum.at(high[:, axis], label, end)
        centres[:, axis] = np.bincount(label, weights=lengths * (begin + end) / 2, minlength=count)
    centres /= np.maximum(sizes, 1)[:, None]
    return Regions(mask, sizes, low, high, centres, label, lengths)


def _touching(
    starts: npt.NDArray[np.intp], ends: npt.NDArray[np.intp], step: int, here: Mask
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of runs that overlap when the first is moved on by `step`, for the runs in `here`."""
    which = np.flatnonzero(here)
    first = np.searchsorted(ends, starts[which] + step, side="right")
    last = np.searchsorted(starts, ends[which] + step, side="left")
    count = np.maximum(last - first, 0)
    a = np.repeat(which, count)
    offset = np.arange(a.size) - np.repeat(np.cumsum(count) - count, count)
    return a, np.repeat(first, count) + offset
