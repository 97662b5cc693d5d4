"""Blank borders: whole numbers are compared as they are, and give what real numbers would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workstation.dicom.values import _within, border_padding, cut_off

ENDS = st.floats(-40_000, 40_000, allow_nan=False)


@given(st.tuples(ENDS, ENDS).map(sorted) | ENDS.map(lambda v: [v, v]) | st.integers(-5, 5).map(lambda v: [v, v]))
def test_between_two_ends_is_the_same_for_whole_and_for_real_numbers(ends):
    values = np.array([-32_768, -1025, -1024, -3, -1, 0, 1, 2, 4, 5, 3071, 32_767], np.int16)
    real = values.astype(np.float64)
    assert np.array_equal(_within(values, tuple(ends)), (real >= ends[0]) & (real <= ends[1]))


def scan(kind, blank=-2048.0, air=-1000.0):
    """A round image of air with a body, blank outside its circle."""
    y, x = np.mgrid[:64, :64] - 31.5
    plane = np.where(np.hypot(x, y) > 32, blank, air)
    plane[np.hypot(x, y) < 20] = 40
    return np.repeat(plane[None], 24, axis=0).astype(kind)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
@pytest.mark.parametrize(
    ("declared", "told"),
    [(None, -2048.0), ((-3024.0, -3024.0), -2048.0), ((-2048.0, -2048.0), None), ((-2050.5, -2000.5), None)],
)
def test_a_blank_border_is_told_where_the_declared_padding_does_not_occur(kind, declared, told):
    assert border_padding(scan(kind), declared) == (None if told is None else (told, told))


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_a_minimum_inside_the_circle_or_of_few_voxels_is_no_border(kind):
    inside = scan(kind)
    inside[12, 30, 30] = -2048  # the middle slice is among those that are looked at
    assert border_padding(inside, None) is None
    few = scan(kind, blank=-1000.0)
    few[:, 0, :8] = -2048
    assert border_padding(few, None) is None
    assert border_padding(scan(kind, blank=-1024.0), None) is None


@pytest.mark.parametrize("kind", [np.int16, np.float32])
@pytest.mark.parametrize(("axis", "side"), [(1, 0), (1, -1), (2, 0), (2, -1)])
def test_a_body_at_one_edge_of_a_tenth_of_the_slices_is_cut_off(kind, axis, side):
    volume = scan(kind)
    edge = np.moveaxis(volume, axis, 0)[side]  # (slices, along the edge)
    edge[:3, 20:40] = 40
    assert cut_off(volume, None)
    assert not cut_off(volume, (40.0, 40.0))
    edge[2] = -1000
    assert not cut_off(volume, None), "two of 24 slices are no tenth"
