"""Parts of a mask by runs equal those of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from workstation.dicom.regions import holes, regions


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.5, 0.62, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(7, 19, 23), (3, 1, 5), (1, 40, 40), (12, 30, 8)])
def test_equal_to_scipy(shape, share, across):
    rng = np.random.default_rng(sum(shape) + int(100 * share))
    mask = rng.random(shape) < share
    values = rng.normal(size=shape)
    touching = ndimage.generate_binary_structure(3, 1)
    if not across:
        touching[0] = touching[2] = False
    labels, count = ndimage.label(mask, touching)
    found = regions(mask, across_slices=across)
    assert found.sizes.size == count
    some = np.arange(count) % 2 == 0
    means = found.means(values, some)
    for number in range(count):
        part = found.of(np.arange(count) == number)
        (there,) = np.unique(labels[part])
        assert np.array_equal(part, labels == there)
        assert found.sizes[number] == part.sum()
        index = np.argwhere(part)
        assert np.array_equal(found.low[number], index.min(axis=0))
        assert np.array_equal(found.high[number], index.max(axis=0))
        assert found.centres[number] == pytest.approx(index.mean(axis=0))
        assert means[number] == pytest.approx(values[part].mean() if some[number] else 0.0)
        if number > 40:
            break
    if count:
        assert found.largest().sum() == found.sizes.max()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.5, 0.7, 0.95, 1.0])
@pytest.mark.parametrize("shape", [(7, 19, 23), (3, 1, 5), (2, 2, 2), (1, 40, 40), (12, 30, 8)])
def test_holes_are_what_scipy_fills(shape, share):
    rng = np.random.default_rng(sum(shape) + int(100 * share))
    mask = rng.random(shape) < share
    found = holes(mask)
    every = np.ones(found.sizes.size, bool)
    filled = np.array([ndimage.binary_fill_holes(plane) for plane in mask])
    assert np.array_equal(found.added_to(mask, every), filled)
    assert np.array_equal(found.of(every), filled & ~mask)
    within = ndimage.generate_binary_structure(3, 1)
    within[0] = within[2] = False
    labels, count = ndimage.label(filled & ~mask, within)
    assert sorted(found.sizes.tolist()) == sorted(np.bincount(labels.ravel())[1:].tolist())
    joined = found.joined(every)
    assert joined.sizes.size == ndimage.label(filled & ~mask)[1]
    assert np.array_equal(joined.of(np.ones(joined.sizes.size, bool)), filled & ~mask)
    some = np.arange(count) % 2 == 0
    assert found.of(some).sum() == found.sizes[some].sum()
