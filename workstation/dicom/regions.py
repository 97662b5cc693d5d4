"""Connected parts of a coarse mask, by runs along the rows; numpy alone, so that loading needs no further library."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Regions:
    """Parts of a mask of some `shape` (slices, rows, columns), numbered from 0.

    `sizes`: voxels of each part; `run_parts`, `run_starts`, `run_ends`: the part of each run of the mask and where it
    begins and ends in the flat mask whose rows have one column more, in order. `mask`: the voxels of all parts, where
    they are at hand.
    """

    shape: tuple[int, int, int]
    sizes: npt.NDArray[np.intp]
    run_parts: npt.NDArray[np.intp]
    run_starts: npt.NDArray[np.intp]
    run_ends: npt.NDArray[np.intp]
    mask: Mask | None = None

    @cached_property
    def _bounds(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        count = self.sizes.size
        low, high = np.full((3, count), np.iinfo(np.intp).max), np.full((3, count), -1, np.intp)
        for axis, (begin, end) in enumerate(self._places):
            np.minimum.at(low[axis], self.run_parts, begin)
            np.maximum.at(high[axis], self.run_parts, end)
        return low.T, high.T

    @property
    def low(self) -> npt.NDArray[np.intp]:
        """(parts, 3) first index along each axis."""
        return self._bounds[0]

    @property
    def high(self) -> npt.NDArray[np.intp]:
        """(parts, 3) last index along each axis."""
        return self._bounds[1]

    @cached_property
    def centres(self) -> Numbers:
        """(parts, 3) mean index."""
        lengths = self.run_ends - self.run_starts
        total = [
            np.bincount(self.run_parts, weights=lengths * (begin + end) / 2, minlength=self.sizes.size)
            for begin, end in self._places
        ]
        return np.asarray(np.stack(total, axis=1) / np.maximum(self.sizes, 1)[:, None])

    @property
    def _places(self) -> tuple[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]], ...]:
        """First and last index of each run along each axis."""
        _, rows, columns = self.shape
        row_of, first = np.divmod(self.run_starts, columns + 1)
        k, r = np.divmod(row_of, rows)
        return (k, k), (r, r), (first, first + (self.run_ends - self.run_starts - 1))

    def of(self, parts: Mask) -> Mask:
        """The voxels of some parts, given as one truth value for each part."""
        wanted = parts[self.run_parts]
        if self.mask is not None:
            # The runs of the parts that are left out are cleared where those are less than what stays.
            lengths = self.run_ends - self.run_starts
            if 2 * int(lengths[wanted].sum()) > int(lengths.sum()):
                out = self.mask.copy()
                out.reshape(-1)[self._voxels(~wanted)] = False
                return out
        out = np.zeros(self.shape, bool)
        out.reshape(-1)[self._voxels(wanted)] = True
        return out

    def added_to(self, mask: Mask, parts: Mask) -> Mask:
        """A mask of the same shape with the voxels of some parts."""
        out = mask.copy()
        out.reshape(-1)[self._voxels(parts[self.run_parts])] = True
        return out

    def joined(self, parts: Mask) -> Regions:
        """What some parts are when they are also joined from slice to slice."""
        wanted = parts[self.run_parts]
        return _parts(self.shape, self.run_starts[wanted], self.run_ends[wanted], across_slices=True)

    def _voxels(self, runs: Mask) -> npt.NDArray[np.intp]:
        """Flat indices into the mask of the voxels of some runs, in order."""
        which = np.flatnonzero(runs)
        starts = self.run_starts[which]
        lengths = self.run_ends[which] - starts
        begin = starts - starts // (self.shape[2] + 1) - (np.cumsum(lengths) - lengths)
        return np.asarray(np.repeat(begin, lengths) + np.arange(int(lengths.sum())))

    def largest(self) -> Mask:
        """The voxels of the largest part; there must be one."""
        return self.of(np.arange(self.sizes.size) == int(np.argmax(self.sizes)))

    def means(self, values: npt.NDArray[np.generic], parts: Mask) -> Numbers:
        """Mean of `values` (shape of the mask) in each of some parts, 0 in the others."""
        wanted = parts[self.run_parts]
        lengths = self.run_ends - self.run_starts
        number = np.repeat(self.run_parts, np.where(wanted, lengths, 0))
        inside = values.reshape(-1)[self._voxels(wanted)]
        total = np.bincount(number, weights=inside, minlength=self.sizes.size)
        return np.where(parts, total / np.maximum(self.sizes, 1), 0.0)


def regions(mask: Mask, *, across_slices: bool) -> Regions:
    """Parts whose voxels touch by faces, within each slice or also from slice to slice."""
    return _parts(mask.shape, *_runs(mask), across_slices=across_slices, mask=mask)


def holes(mask: Mask) -> Regions:
    """Of what a mask leaves out: the parts within each slice that reach no edge of the image."""
    _, rows, columns = mask.shape
    wide = columns + 1
    starts, ends = _runs(~mask)
    row_of, first = np.divmod(starts, wide)
    row_of %= rows
    outer = (first == 0) | (ends - starts + first == columns) | (row_of == 0) | (row_of == rows - 1)
    # Most runs reach an edge. The others are joined among themselves; one that such a run touches is no hole.
    inner = np.flatnonzero(~outer)
    found = _parts(mask.shape, starts[inner], ends[inner], across_slices=False)
    open_ = np.zeros(found.sizes.size, bool)
    before = np.concatenate(([0], np.cumsum(outer)))  # runs at an edge before each run
    for step in (-wide, wide):
        low = np.searchsorted(ends, starts[inner] + step, side="right")
        high = np.searchsorted(starts, ends[inner] + step, side="left")
        open_[found.run_parts[before[high] > before[low]]] = True
    closed = ~open_
    kept = closed[found.run_parts]
    number = np.cumsum(closed) - 1
    return Regions(
        mask.shape, found.sizes[closed], number[found.run_parts[kept]], found.run_starts[kept], found.run_ends[kept]
    )


def _runs(mask: Mask) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where the runs of a mask begin and end, in the flat mask whose rows have one column more: a gap ends each."""
    slices, rows, columns = mask.shape
    wide = columns + 1
    flat = np.zeros(slices * rows * wide + 1, bool)
    flat[1:].reshape(slices, rows, wide)[..., :columns] = mask
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return edges[::2].copy(), edges[1::2].copy()


def _parts(
    shape: tuple[int, int, int],
    starts: npt.NDArray[np.intp],
    ends: npt.NDArray[np.intp],
    *,
    across_slices: bool,
    mask: Mask | None = None,
) -> Regions:
    """The parts that runs make."""
    _, rows, columns = shape
    wide = columns + 1
    label = np.arange(starts.size)
    row_of = starts // wide
    pairs = [_touching(starts, ends, wide, (row_of + 1) % rows != 0)]
    if across_slices:
        pairs.append(_touching(starts, ends, wide * rows, np.ones(starts.size, bool)))
    a, b = (np.concatenate(part) for part in zip(*pairs, strict=True))
    while a.size:
        first, second = label[a], label[b]
        apart = first != second
        # Pairs of one part stay together: every label is a root here, and roots alone are given another one.
        a, b, first, second = a[apart], b[apart], first[apart], second[apart]
        least = np.minimum(first, second)
        np.minimum.at(label, first, least)
        np.minimum.at(label, second, least)
        while not np.array_equal(label, higher := label[label]):
            label = higher
    roots = label == np.arange(label.size)
    label = (np.cumsum(roots) - 1)[label]
    sizes = np.bincount(label, weights=ends - starts, minlength=int(roots.sum())).astype(np.intp)
    return Regions(shape, sizes, label, starts, ends, mask)


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
