"""What `renderdesk scan` and `renderdesk volume` print and write is what the fixed interface says, trap by trap."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.factory.encode import JPEG_LS_NEAR
from tests.factory.series import ct_series, scene
from tests.unit.test_intake_peers import nifti
from workstation.__main__ import main
from workstation.dicom.words import CODES

SMALL = {"slices": 24, "rows": 16, "columns": 20, "spacing": (2.0, 0.8, 0.8)}
VOLUME = {"id": str, "shape": list, "spacing_mm": list, "affine_lps": list, "frame_of_reference": str, "units": str,
          "phase": (dict, type(None)), "suits_3d": bool, "lossy": bool, "memory_mb": (int, float), "filled": list,
          "findings": list}  # fmt: skip
UNEVEN = {"offsets": np.cumsum([0.0, *[2.0, 2.7] * 11, 2.0])}
TRAPS = {
    "plain": {},
    "tilt": {"tilt_deg": 12},
    "gap": {"skip": (9,)},
    "uneven": UNEVEN,
    "lossy": {"syntax": JPEG_LS_NEAR},
    "PET": {"modality": "PT", "intercept": 0, "tags": {"Units": "GML"}},
    "fractions": {"modality": "MR", "slope": 0.5, "intercept": 0},
    "few": {"slices": 7},
    "one": {"slices": 1},
}


@pytest.fixture
def run(capsys):
    """Exit status and the one JSON document."""

    def call(*words):
        status = main([*map(str, words), "--json"])
        return status, json.loads(capsys.readouterr().out)

    return call


@pytest.mark.parametrize("trap", sorted(TRAPS))
def test_scan_says_all_of_it(run, tmp_path, trap):
    ct_series(tmp_path, **{**SMALL, **TRAPS[trap]})
    status, shown = run("scan", tmp_path)
    assert status == 0
    (study,) = shown["studies"]
    (series,) = study["series"]
    assert set(study) >= {"study_uid", "date", "accession", "description", "patient", "series", "findings"}
    assert set(study["patient"]) == {"id", "issuer", "name", "birth_date", "sex"}
    assert set(series) >= {"series_uid", "number", "modality", "description", "images", "volumes", "findings"}
    told = {f["code"] for f in series["findings"]}
    for found in (*shown["findings"], *study["findings"], *series["findings"]):
        assert found["code"] in CODES
        assert found["severity"] in ("info", "warning", "refused")
        assert found["sentence"].endswith(".")
        assert isinstance(found["files"], int)
    assert len(series["volumes"]) == (trap != "one")
    for volume in series["volumes"]:
        for key, kind in VOLUME.items():
            assert isinstance(volume[key], kind), key
        assert set(volume["findings"]) <= told  # every code of a volume stands with its sentence beside it
        affine = np.array(volume["affine_lps"])
        assert np.linalg.det(affine[:3, :3]) < 0
        assert affine[3].tolist() == [0, 0, 0, 1]
        normal = np.cross(affine[:3, 2], affine[:3, 1])
        along = abs(affine[:3, 0] @ normal) / np.linalg.norm(normal)
        assert volume["spacing_mm"] == pytest.approx([along, 0.8, 0.8])
        assert volume["suits_3d"] == (trap != "few")
        assert volume["lossy"] == (trap == "lossy")
        assert volume["units"] == {"PET": "SUV", "fractions": "arbitrary"}.get(trap, "HU")
        assert volume["filled"] == ([9] if trap == "gap" else [])
        assert volume["memory_mb"] == pytest.approx(
            np.prod(volume["shape"]) * (4 if trap == "fractions" else 2) / 1e6, abs=0.1
        )


def test_scan_says_which_phase(run, tmp_path):
    for t in range(3):
        ct_series(tmp_path, **SMALL, modality="MR", intercept=0, label=f"p{t}", tags={"DiffusionBValue": 400.0 * t})
    _, shown = run("scan", tmp_path)
    volumes = shown["studies"][0]["series"][0]["volumes"]
    assert [v["phase"] for v in volumes] == [
        {"kind": "b_value", "index": t, "value": 400.0 * t, "of": 3} for t in range(3)
    ]
    assert len({v["id"] for v in volumes}) == 3
    for t, volume in enumerate(volumes):
        status, one = run("volume", tmp_path, "--volume", volume["id"], "--out", tmp_path / f"{t}.npz")
        assert (status, one["id"]) == (0, volume["id"])


@pytest.mark.parametrize("trap", [t for t in sorted(TRAPS) if t != "one"])
def test_volume_writes_the_voxels_as_acquired(run, tmp_path, trap):
    ct_series(tmp_path / "s", **{**SMALL, **TRAPS[trap]})
    out = tmp_path / "v.npz"
    status, shown = run("volume", tmp_path / "s", "--out", out)
    assert status == 0
    assert set(shown) >= {
        "shape",
        "spacing_mm",
        "affine_lps",
        "units",
        "minimum",
        "maximum",
        "mean",
        "findings",
        "lossy",
    }
    held = np.load(out)
    voxels, affine, meta = held["voxels"], held["affine_lps"], json.loads(str(held["meta"]))
    assert voxels.dtype == (np.float32 if trap == "fractions" else np.int16)
    assert list(voxels.shape) == shown["shape"]
    assert affine == pytest.approx(np.array(shown["affine_lps"]))
    kept = np.delete(voxels, shown["filled"], axis=0)
    assert [shown["minimum"], shown["maximum"]] == [kept.min(), kept.max()]
    assert shown["mean"] == pytest.approx(kept.mean(dtype=float))
    assert meta["findings"] == shown["findings"]
    assert meta["lossy"] == shown["lossy"] == (trap == "lossy")
    lps = np.stack(np.indices(voxels.shape), axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    if trap == "uneven":
        inside = lps[0] - lps[0, 0, 0]
        lps = held["positions_lps"][:, None, None] + inside
        assert np.array(shown["positions_lps"]) == pytest.approx(held["positions_lps"])
    assert np.abs(voxels - scene(lps)).max() <= (4.0 if trap == "lossy" else 1.01)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_uneven_slices_are_never_squeezed_into_a_format_that_knows_one_step(run, tmp_path, suffix):
    """Resampled on their true positions, and said so; asked for as acquired, refused in one sentence."""
    ct_series(tmp_path / "s", **SMALL, **UNEVEN)
    out = tmp_path / f"v{suffix}"
    status, shown = run("volume", tmp_path / "s", "--out", out)
    assert (status, shown["grid"], shown["positions_lps"]) == (0, "regular", None)
    affine = np.array(shown["affine_lps"])
    reach = np.linalg.norm(affine[:3, 0]) * (shown["shape"][0] - 1)
    assert reach == pytest.approx(UNEVEN["offsets"][-1])
    if suffix == ".nii.gz":
        import gzip

        (tmp_path / "v.nii").write_bytes(gzip.decompress(out.read_bytes()))
        values, written = nifti(tmp_path / "v.nii")
        lps = np.stack(np.indices(values.shape), axis=-1) @ written[:3, :3].T + written[:3, 3]
        assert np.abs(values - scene(lps)).max() <= 1.01
    status, shown = run("volume", tmp_path / "s", "--out", out, "--grid", "acquired", "--force")
    assert status == 1
    assert shown["error"]["code"] == "uneven_spacing"


def test_a_refusal_is_json_with_its_findings(run, tmp_path):
    ct_series(tmp_path / "s", **SMALL, skip=(5, 6))
    status, shown = run("volume", tmp_path / "s", "--out", tmp_path / "v.npz")
    assert status == 1
    assert set(shown) == {"error"}
    assert set(shown["error"]) == {"code", "sentence", "findings"}
    assert shown["error"]["code"] == "gap_large"
    assert "gap_large" in {f["code"] for f in shown["error"]["findings"]}
    assert not (tmp_path / "v.npz").exists()
