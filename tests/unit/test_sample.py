"""The synthetic studies: what the generator writes is what stands in the manifest and in the truth."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from workstation.desk.order_source import order_file
from workstation.desk.source import open_source, read
from workstation.dicom.load import header_of
from workstation.people.accounts import npi_is_valid
from workstation.sample import graft, head, make, study, study_mr, truth, vessels

SAMPLE = Path(__file__).resolve().parents[2] / "sample_dicom"
MANIFEST = json.loads((SAMPLE / "manifest.json").read_text())
TRUTH = json.loads((SAMPLE / "truth.json").read_text())


@pytest.fixture(scope="module")
def aorta():
    return read(open_source(str(SAMPLE)))


def at(volume, lps) -> float:
    """Value at LPS mm, linear between voxels."""
    from scipy.ndimage import map_coordinates

    index = np.array(volume.geometry.to_index(lps)).reshape(3, 1)
    return float(map_coordinates(volume.voxels.astype(float), index, order=1)[0])


def ball(volume, centre, radius: float) -> np.ndarray:
    """Values of the voxels whose middles lie in a ball."""
    index = np.array(volume.geometry.to_index(centre))
    half = np.ceil(radius / np.array(volume.geometry.spacing_mm)).astype(int) + 1
    low = np.maximum(np.floor(index).astype(int) - half, 0)
    high = np.minimum(np.floor(index).astype(int) + half + 2, volume.voxels.shape)
    k, r, c = np.mgrid[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    places = volume.geometry.to_lps(np.stack([k, r, c], axis=-1).reshape(-1, 3))
    inside = ((np.asarray(places) - np.array(centre)) ** 2).sum(axis=-1) <= radius**2
    return volume.voxels[k, r, c].reshape(-1)[inside]


def test_every_stored_file_is_the_one_of_the_manifest() -> None:
    rows = [*MANIFEST["images"], *MANIFEST["others"]]
    for row in rows:
        assert hashlib.sha256((SAMPLE / row["file"]).read_bytes()).hexdigest() == row["sha256"], row["file"]
    assert sum(p.stat().st_size for p in SAMPLE.rglob("*") if p.is_file()) < 35_000_000
    assert len(MANIFEST["images"]) == len(list((SAMPLE / "ct_portal_venous").iterdir()))


def test_decoded_voxels_are_those_of_the_manifest(aorta) -> None:
    by_uid = {row["sop_instance_uid"]: row["voxels_sha256"] for row in MANIFEST["images"]}
    for k in range(0, aorta.voxels.shape[0], 20):
        stored = (aorta.voxels[k].astype(np.int32) + 1024).astype("<u2")
        assert hashlib.sha256(stored.tobytes()).hexdigest() == by_uid[aorta.source_uids[k]]


def test_the_generator_makes_the_stored_slices_again() -> None:
    """One thin part of the study, made anew here, to the last bit."""
    series = study.BASELINE
    found = make.slices(series.scan, [100])
    row = next(r for r in MANIFEST["images"] if r["sop_instance_uid"] == series.values(100)["SOPInstanceUID"])
    assert make.sha256(make.stored_values(found[0]).tobytes()) == row["voxels_sha256"]


def test_tissues_have_their_density(aorta) -> None:
    for probe in TRUTH["tissues"]:
        mean = ball(aorta, probe["centre_lps_mm"], probe["radius_mm"]).mean()
        assert abs(mean - probe["hu"]) <= probe["tolerance_hu"], (probe["name"], mean)


def test_the_lead_bead_lies_on_the_patients_left_in_front(aorta) -> None:
    bead = TRUTH["bead"]["centre_lps_mm"]
    assert bead[0] > 0
    assert bead[1] < 0
    assert ball(aorta, bead, 2.0).max() > 600
    assert ball(aorta, [-bead[0], bead[1], bead[2]], 4.0).max() < 400


def test_the_sac_is_as_wide_as_the_truth_says(aorta) -> None:
    """Along the largest diameter the wall ends where the truth has it, within the blur of the scan."""
    sac = TRUTH["aorta"]["sac_outer_maximum"]
    one, other = (np.array(p) for p in sac["ends_lps_mm"])
    way = (other - one) / np.linalg.norm(other - one)
    assert np.linalg.norm(other - one) == pytest.approx(sac["diameter_mm"], abs=0.02)
    for end, out in ((one, -way), (other, way)):
        assert at(aorta, end - 3 * out) > 15
    assert truth.maximum(vessels.aorta_outer())["diameter_mm"] == sac["diameter_mm"]


def test_the_order_is_whole_and_its_numbers_are_well_formed() -> None:
    found = order_file(SAMPLE)
    assert found is not None
    assert found.order.three_d_ordered is True
    assert found.order.base[0].code == "74177"
    assert found.order.base[0].angiographic is False
    assert npi_is_valid(found.order.ordering_npi)
    assert npi_is_valid(found.beside.given["providers.rendering_npi"])
    assert npi_is_valid(found.beside.given["providers.billing_npi"])
    assert found.order.dx[0][0] == "I71.43"


def test_it_says_everywhere_that_it_is_synthetic() -> None:
    ds = header_of(SAMPLE / "ct_portal_venous" / "0050.dcm")
    assert "SYNTHETIC" in str(ds.PatientName)
    assert "SYNTHETIC" in ds.ImageComments
    assert "ANGIO" not in (ds.StudyDescription + ds.SeriesDescription).upper()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_images_pass_the_validator(tmp_path: Path) -> None:
    from workstation.dicom.write_ct import ct_file, mr_file

    paths = [SAMPLE / "ct_portal_venous" / "0001.dcm"]
    for series in study.FOLLOW_UP:
        path = tmp_path / f"{series.number}.dcm"
        path.write_bytes(ct_file(series.values(5), np.zeros((512, 512), np.int16)))
        paths.append(path)
    paths.append(tmp_path / "mr.dcm")
    paths[-1].write_bytes(mr_file(study_mr.values(5), np.ones((256, 256), np.uint16)))
    for path in paths:
        done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == [], path


# --- the studies made on demand -----------------------------------------------------------------------------------


def test_the_leak_of_the_follow_up_fills_late() -> None:
    centre = np.array(graft.ENDOLEAK_CENTRE)
    means = {}
    for series in study.FOLLOW_UP:
        scan = series.scan
        k = round((centre[2] - scan.z_low) / scan.spacing_mm)
        picture = make.slices(scan, [k], graft.paint_patient)[0]
        column, row = ((centre[:2] / scan.pixel_mm) + (scan.size - 1) / 2).round().astype(int)
        means[series.number] = float(picture[row - 3 : row + 4, column - 2 : column + 3].mean())
    unenhanced, arterial, delayed = (means[n] for n in (2, 3, 4))
    assert abs(arterial - unenhanced) < 8
    assert delayed - arterial > 60


def test_the_sac_of_the_follow_up_is_smaller_by_what_the_truth_says() -> None:
    found = graft.truth()
    before = TRUTH["aorta"]["sac_outer_maximum"]["diameter_mm"]
    assert found["sac_outer_maximum"]["diameter_mm"] == pytest.approx(
        before + found["sac_change"]["diameter_mm"], abs=0.02
    )
    assert found["sac_change"]["diameter_mm"] < -3
    assert found["sac_change"]["volume_ml"] < 0


def test_the_follow_up_is_a_study_of_its_own_of_the_same_patient() -> None:
    one, two = study.BASELINE.values(0), study.FOLLOW_UP[0].values(0)
    for keyword in ("StudyInstanceUID", "AccessionNumber", "FrameOfReferenceUID", "StudyDate", "SeriesInstanceUID"):
        assert one[keyword] != two[keyword]
    for keyword in ("PatientID", "PatientName", "PatientBirthDate"):
        assert one[keyword] == two[keyword]
    uids = {s.values(k)["SOPInstanceUID"] for s in study.FOLLOW_UP for k in range(s.scan.count)}
    assert len(uids) == sum(s.scan.count for s in study.FOLLOW_UP)


def test_the_heads_slices_are_the_same_in_every_part_and_the_marker_is_on_the_right(tmp_path: Path) -> None:
    from workstation.dicom.write_ct import mr_file

    k = int(head.CENTRE_LPS[0] + (head.SLICES - 1) / 2 - head.MARKER[0])
    few = head.slices(k - 1, k + 3)
    assert np.array_equal(few[1:2], head.slices(k, k + 1))
    for place in range(4):
        (tmp_path / f"{place}.dcm").write_bytes(mr_file(study_mr.values(k - 1 + place), few[place]))
    found = open_source(str(tmp_path), series=study_mr.values(0)["SeriesInstanceUID"])
    volume = read(found)
    brightest = np.unravel_index(int(volume.voxels.argmax()), volume.voxels.shape)
    place = np.array(volume.geometry.to_lps(np.array(brightest, float)))
    assert place[0] < 0, "the marker lies on the patient's right"
    assert np.abs(place - np.array(head.MARKER)).max() < 9
