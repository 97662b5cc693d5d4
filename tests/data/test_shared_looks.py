"""Looks on real series: the brain and the airways are found where they are, PET is scaled in SUV."""

from __future__ import annotations

import numpy as np
import pytest

from render import presets
from render.caster import within
from workstation.desk.source import open_source, read

pytestmark = pytest.mark.shared


# name, plausible volume of the brain in ml
HEADS = [
    ("mr_head_t1_one_slice_missing", (900, 1800)),
    ("mr_head_t1_enhanced_siemens", (900, 1800)),
    ("mr_head_decubitus_sag", (900, 1800)),
]


@pytest.mark.parametrize(("name", "millilitres"), HEADS)
def test_the_brain_of_a_real_head(shared_series, name, millilitres):
    v = read(open_source(str(shared_series(name))))
    mask, scale = within.mask(v, "brain")
    inside = np.argwhere(mask > 127) / scale
    volume = len(inside) * abs(np.linalg.det(v.geometry.affine_lps[:3, :3])) / float(np.prod(scale)) / 1000
    assert millilitres[0] < volume < millilitres[1]
    # in the middle from side to side, and its length from front to back is that of a brain
    places = v.geometry.to_lps(inside)
    low, high = np.percentile(places, (0.5, 99.5), axis=0)
    assert 110 < high[0] - low[0] < 160
    assert 140 < high[1] - low[1] < 195
    head = v.geometry.to_lps(np.argwhere(v.voxels[::4, ::4, ::4] > np.percentile(v.voxels, 70)) * 4.0)
    assert abs(np.median(places[:, 0]) - np.median(head[:, 0])) < 10
    assert presets.resolve("mr_brain", v)[0].within == "brain"


def test_the_airways_of_a_real_chest(shared_series):
    v = read(open_source(str(shared_series("ct_chest_contrast_lidc0001"))))
    mask, scale = within.mask(v, "airways")
    places = v.geometry.to_lps(np.argwhere(mask > 127) / scale)
    values = within.inside(v, "airways")
    assert np.median(values) < -950  # air, not lung
    # one windpipe above, two main bronchi below
    above, below = places[places[:, 2] > -60], places[(places[:, 2] < -130) & (places[:, 2] > -150)]
    assert np.ptp(above[:, 0]) < 40
    middle = np.median(places[:, 0])
    assert (below[:, 0] < middle - 15).any()
    assert (below[:, 0] > middle + 15).any()


def test_pet_is_scaled_in_suv(shared_series):
    v = read(open_source(str(shared_series("pt_wholebody_seg"))))
    assert v.suv_factor == pytest.approx(2.94480e-4, rel=1e-4)
    look, _ = presets.resolve("pet_hot", v)
    assert look.opacity[0][0] == pytest.approx(2 / 2.94480e-4, rel=1e-3)
