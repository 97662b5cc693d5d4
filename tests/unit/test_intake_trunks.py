"""Clinical rules 1.5 on bodies made by code: nothing right is doubted, what is assessed is never missed."""

from __future__ import annotations

import numpy as np
import pytest

from tests.factory.series import ct_series
from tests.factory.trunk import PARTS, SPACING, Body, trunk
from workstation.dicom.load import load
from workstation.dicom.position import anatomy_verdicts, table_verdict
from workstation.dicom.scan import scan

UNUSUAL = {
    "with contrast": {"contrast": True},
    "without contrast": {"contrast": False},
    "left pneumothorax": {"pneumothorax": "left"},
    "right pneumothorax": {"pneumothorax": "right"},
    "left effusion": {"effusion": "left"},
    "right effusion": {"effusion": "right"},
    "no left lung": {"no_lung": "left"},
    "no right lung": {"no_lung": "right"},
    "big liver": {"big_liver": True},
    "stomach full of gas": {"full_stomach": True},
    "gas in the colon": {"colon_gas": True},
    "arms down": {"arms": "down"},
    "prone": {"lying": "P"},
    "on the right side": {"lying": "DR"},
    "on the left side": {"lying": "DL"},
    "humped": {"kyphosis": True},
    "thin": {"thin": True},
    "stout": {"stout": True},
    "breasts": {"breasts": True},
    "crooked": {"scoliosis": True},
}


@pytest.mark.parametrize("n", range(len(UNUSUAL)), ids=sorted(UNUSUAL))
def test_an_unusual_body_is_not_doubted_and_its_turns_are_found_where_they_can_be(n):
    """One of each kind whole, and one in a part of the trunk; the docs have the numbers of many."""
    kind = UNUSUAL[sorted(UNUSUAL)[n]]
    for part in ("trunk", sorted(PARTS)[n % len(PARTS)]):
        body = Body(seed=100 + n, part=part, **kind)
        voxels, geometry = trunk(body)
        told = anatomy_verdicts(voxels, geometry)
        assert "contradicts" not in told.values()
        assert table_verdict(voxels, geometry, "HF" + body.lying) != "contradicts"
        for test, axis in (("head or feet", 0), ("spine", 1), ("hand", 2)):
            if told[test] == "agrees":
                assert "contradicts" in anatomy_verdicts(np.flip(voxels, axis), geometry).values()


@pytest.mark.parametrize("seed", [51, 54])
def test_situs_inversus_is_doubted_and_never_mirrored(tmp_path, seed):
    """Mirrored organs or a mirrored label: nobody can tell which. A person must; the voxels stay as they were sent."""
    voxels, geometry = trunk(Body(seed=seed, contrast=True))
    inside_out = np.ascontiguousarray(np.flip(voxels, 2))
    assert "contradicts" not in anatomy_verdicts(voxels, geometry).values()
    slices, rows, columns = inside_out.shape
    ct_series(tmp_path, slices=slices, rows=rows, columns=columns, spacing=SPACING, voxels=inside_out)
    (found,) = scan([tmp_path]).studies[0].series[0].volumes
    volume = load(found)
    assert "position_doubtful" in volume.findings
    assert np.array_equal(volume.voxels, inside_out)
    assert volume.geometry.affine_lps[0, 2] > 0  # columns still run to the left, as the file says


@pytest.mark.parametrize(
    ("kind", "seed"),
    [("with contrast", 500314), ("on the left side", 500338), ("big liver", 1000140), ("no left lung", 1000254)],
)
def test_a_heart_of_about_300_hu_is_no_bone_in_front(kind, seed):
    """Blood at the limit of bone falls into specks by its noise: upper abdomens called turned over before."""
    voxels, geometry = trunk(Body(seed=seed, part="upper abdomen", **UNUSUAL[kind]))
    assert anatomy_verdicts(voxels, geometry)["spine"] != "contradicts"
