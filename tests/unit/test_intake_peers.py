"""The same invented series read here and by SimpleITK, dcm2niix and vtk-dicom: equal where these are right.

Where one of them is wrong the test says in what way, so that a difference is never waved through. dcm2niix and
vtk-dicom's dicomtonifti are programs; where they are not installed their tests say so and are left out.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite

from render.volume import Volume
from tests.factory.series import CORONAL, EIGHT, SAGITTAL, ct_series, grid, scene
from workstation.dicom.load import load
from workstation.dicom.scan import scan

Read = tuple[np.ndarray, np.ndarray]  # values [..., slice, row, column]; affine (slice, row, column, 1) -> LPS
SHAPE = {"slices": 24, "rows": 20, "columns": 28}
PEERS = ("SimpleITK", "dcm2niix", "vtk-dicom")


def here(folder: Path) -> list[Volume]:
    (study,) = scan([folder]).studies
    (series,) = study.series
    return [load(found) for found in series.volumes]


def there(peer: str, folder: Path, out: Path, ending: str = "") -> Read:
    """What a peer makes of a series; of several files that of dcm2niix whose name ends so."""
    if peer == "SimpleITK":
        return by_simpleitk(folder)
    program = {"dcm2niix": "dcm2niix", "vtk-dicom": "dicomtonifti"}[peer]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: its reading is not compared")
    out.mkdir()
    if peer == "dcm2niix":
        arguments = ["-z", "n", "-b", "n", "-f", "series", "-o", str(out), str(folder)]
    else:
        arguments = ["--silent", "-o", str(out / "series.nii"), str(folder)]
    subprocess.run([program, *arguments], check=True, capture_output=True)
    return nifti(out / f"series{ending}.nii")


def by_simpleitk(folder: Path) -> Read:
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed: its reading is not compared")
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = (np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing())[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).astype(float), affine


def nifti(path: Path) -> Read:
    """A NIfTI-1 file (little endian, sform): nifti1.h of the format's working group, 2007."""
    raw = path.read_bytes()
    dims = struct.unpack_from("<8h", raw, 40)
    kind = {4: "<i2", 8: "<i4", 16: "<f4", 512: "<u2"}[struct.unpack_from("<h", raw, 70)[0]]
    start, slope, intercept = struct.unpack_from("<3f", raw, 108)
    values = np.frombuffer(raw, kind, int(np.prod(dims[1 : dims[0] + 1])), int(start))
    values = values.reshape(dims[dims[0] : 0 : -1]).astype(float)
    if slope:
        values = values * slope + intercept
    affine = np.eye(4)
    affine[:3] = np.array(struct.unpack_from("<12f", raw, 280)).reshape(3, 4)[:, [2, 1, 0, 3]]
    if dims[0] == 5:  # of one value in the fourth, time in the fifth
        values = values[:, 0]
    return values, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine  # RAS to LPS


def at(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """LPS mm of every voxel."""
    return np.stack(np.indices(shape), axis=-1) @ affine[:3, :3].T + affine[:3, 3]


def same(volume: Volume, theirs: Read) -> None:
    """The peer has a voxel at the place of each of ours, and no other, with the same value."""
    values, affine = theirs
    lps = at(volume.geometry.affine_lps, volume.voxels.shape)
    index = (lps - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    nearest = np.rint(index).astype(int)
    assert np.abs(index - nearest).max() < 0.02
    assert sorted(values.shape) == sorted(volume.voxels.shape)
    assert nearest.min() == 0
    assert tuple(nearest.reshape(-1, 3).max(axis=0) + 1) == values.shape
    assert np.abs(values[tuple(np.moveaxis(nearest, -1, 0))] - volume.voxels).max() <= 0.51


def in_place(volume: Volume, tolerance: float = 0.51) -> bool:
    """Ours against the truth, so that no test here passes on two equal mistakes."""
    lps = at(volume.geometry.affine_lps, volume.voxels.shape)
    return bool(np.abs(volume.voxels - scene(lps)).max() <= tolerance)


# --- where they are right -----------------------------------------------------------------------------------------


def first_key(ds, k):
    ds.FrameOfReferenceUID = f"1.2.3.{k + 1}"


def rescaled(ds, k):
    ds.RescaleSlope = 1 + k % 2
    pixels = np.frombuffer(ds.PixelData, "<i2").astype(np.int32)
    ds.PixelData = (pixels // (1 + k % 2)).astype("<i2").tobytes()


def inverted(ds, k):
    ds.PhotometricInterpretation = "MONOCHROME1"


def overlaid(ds, k):
    """12 signed bits, something of an overlay in bit 13, padding written unsigned."""
    words = np.frombuffer(ds.PixelData, "<i2").astype(int)
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 12, 11, 1
    bits = np.random.default_rng(k).integers(0, 2, words.shape) << 13
    ds.PixelData = ((words & 0xFFF) | bits).astype("<u2").tobytes()
    ds.add_new(0x00280120, "US", 63536)


SAME = {
    "plain": {},
    "oblique": {"orientation": (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)},
    "sagittal": {"orientation": SAGITTAL},
    "coronal": {"orientation": CORONAL},
    "feet first": {"orientation": EIGHT["FFP"], "position": "FFP"},
    "on the left side": {"orientation": EIGHT["HFDL"], "position": "HFDL"},
    "oblong pixels": {"spacing": (3.0, 0.5, 1.25)},
    "frame of reference per slice": {"each": first_key},
    "rescale varies": {"each": rescaled},
    "MONOCHROME1": {"each": inverted},
    "12 bits under an overlay": {"each": overlaid},
}
WRONG = {("MONOCHROME1", "SimpleITK")}  # how: below


@pytest.mark.parametrize(
    ("trap", "peer"), [(trap, peer) for trap in SAME for peer in PEERS if (trap, peer) not in WRONG]
)
def test_the_same_voxels_at_the_same_places(tmp_path, trap, peer):
    ct_series(tmp_path / "s", **SHAPE, **SAME[trap])
    (volume,) = here(tmp_path / "s")
    same(volume, there(peer, tmp_path / "s", tmp_path / "out"))


@pytest.mark.parametrize("peer", ["dcm2niix", "vtk-dicom"])
def test_two_phases_in_a_fourth_dimension(tmp_path, peer):
    two_phases(tmp_path / "s")
    volumes = here(tmp_path / "s")
    values, affine = there(peer, tmp_path / "s", tmp_path / "out")
    assert values.shape[0] == len(volumes) == 2
    for volume, phase in zip(volumes, values, strict=True):
        same(volume, (phase, affine))


def two_phases(folder: Path) -> None:
    _, places = grid(24, 20, 28, (2.0, 0.8, 0.8))
    for t in range(2):
        ct_series(folder, **SHAPE, label=f"p{t}", voxels=scene(places) + 100 * t,
                  tags={"AcquisitionNumber": t + 1, "TemporalPositionIdentifier": t + 1},
                  each=lambda ds, k, t=t: setattr(ds, "InstanceNumber", 24 * t + k + 1))  # fmt: skip


# --- where they are wrong, and how --------------------------------------------------------------------------------


def test_simpleitk_turns_the_values_of_monochrome1_over(tmp_path):
    ct_series(tmp_path / "s", **SHAPE, each=inverted)
    (volume,) = here(tmp_path / "s")
    assert in_place(volume)
    values, _ = there("SimpleITK", tmp_path / "s", tmp_path / "out")
    assert np.array_equal(values, -volume.voxels.astype(float) - 2049)  # every stored bit, then the intercept


@pytest.mark.parametrize("peer", PEERS)
def test_bits_that_lie_high_are_shifted_by_none(tmp_path, peer):
    """12 bits at the top of 16 (High Bit 15): all three keep the lower 12, which are not the value."""

    def high(ds, k):
        stored = np.frombuffer(ds.PixelData, "<i2").astype(int) + 2048
        ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 0, 12, 15
        ds.RescaleIntercept = -3072
        ds.PixelData = (stored << 4).astype("<u2").tobytes()

    ct_series(tmp_path / "s", **SHAPE, each=high)
    (volume,) = here(tmp_path / "s")
    assert in_place(volume)
    values, _ = there(peer, tmp_path / "s", tmp_path / "out")
    assert set(np.unique(values)) == set(np.unique(((volume.voxels.astype(int) + 3072) << 4 & 0xFFF) - 3072))


@pytest.mark.parametrize("peer", PEERS)
def test_a_missing_slice_is_seen_by_none(tmp_path, peer):
    """Slice 9 of 24 is not there: here its place is filled; theirs move up by it, or are spread over it."""
    ct_series(tmp_path / "s", **SHAPE, skip=(9,))
    (volume,) = here(tmp_path / "s")
    assert in_place(volume)
    assert volume.filled == (9,)
    values, affine = there(peer, tmp_path / "s", tmp_path / "out")
    assert values.shape[0] == 23
    step = abs(affine[2, 0])
    assert step == pytest.approx(2.0 if peer != "SimpleITK" else 46 / 22, abs=1e-3)
    off = (values - scene(at(affine, values.shape))).mean(axis=(1, 2)) / 5.0  # mm along z: the scene grows by 5 a mm
    assert np.abs(off).max() == pytest.approx(2.0 if peer != "SimpleITK" else 20 - 9 * 46 / 22, abs=0.05)


@pytest.mark.parametrize("peer", PEERS)
def test_a_slice_sent_twice_is_stacked_twice_by_all(tmp_path, peer):
    paths = ct_series(tmp_path / "s", **SHAPE)
    ds = dcmread(paths[7])
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.77"
    ds.InstanceNumber = 99
    dcmwrite(tmp_path / "s" / "again.dcm", ds)
    (volume,) = here(tmp_path / "s")
    assert in_place(volume)
    assert volume.voxels.shape[0] == 24
    values, affine = there(peer, tmp_path / "s", tmp_path / "out")
    assert values.shape[0] == 25
    off = (values - scene(at(affine, values.shape))).mean(axis=(1, 2)) / 5.0
    assert np.abs(off).max() >= 1.99  # a slice's distance at least


def test_simpleitk_makes_one_stack_of_two_phases(tmp_path):
    two_phases(tmp_path / "s")
    assert len(here(tmp_path / "s")) == 2
    values, affine = there("SimpleITK", tmp_path / "s", tmp_path / "out")
    assert values.shape[0] == 48
    assert abs(affine[2, 0]) < 1.0  # of 2 mm


@pytest.mark.parametrize("tilt", [-15.0, 15.0])
def test_a_tilt_is_a_box_to_simpleitk(tmp_path, tilt):
    """Right angles, and the step's length along the normal: places are wrong by up to tan 15 of the scan's length."""
    ct_series(tmp_path / "s", **SHAPE, tilt_deg=tilt)
    (volume,) = here(tmp_path / "s")
    assert in_place(volume)
    values, affine = there("SimpleITK", tmp_path / "s", tmp_path / "out")
    assert abs(affine[2, 0]) == pytest.approx(2.0 / np.cos(np.radians(15)), abs=1e-4)
    assert affine[:2, 0] == pytest.approx((0, 0))
    off = np.linalg.norm(at(affine, values.shape) - at(volume.geometry.affine_lps, values.shape), axis=-1)
    assert off.max() == pytest.approx(np.hypot(46 * np.tan(np.radians(15)), 46 / np.cos(np.radians(15)) - 46), abs=0.01)


@pytest.mark.parametrize("tilt", [-15.0, 15.0])
def test_a_tilt_resampled_by_vtk_dicom_lies_where_ours_does(tmp_path, tilt):
    """It makes a box of the sheared stack: inside, its values are the scene's at its voxels' places, as ours are."""
    ct_series(tmp_path / "s", **SHAPE, tilt_deg=tilt)
    (volume,) = here(tmp_path / "s")
    assert in_place(volume)
    agrees_inside(volume, there("vtk-dicom", tmp_path / "s", tmp_path / "out"), 1.0)


def agrees_inside(volume: Volume, theirs: Read, tolerance: float) -> None:
    """Where ours has voxels all around, the peer's values are the truth's at the peer's places."""
    values, affine = theirs
    lps = at(affine, values.shape)
    index = volume.geometry.to_index(lps)
    inside = np.all((index >= 0) & (index <= np.array(volume.voxels.shape) - 1), axis=-1)
    assert inside.mean() > 0.3
    assert np.abs(values - scene(lps))[inside].max() <= tolerance


@pytest.mark.parametrize("ending", ["", "_Tilt_1"])
def test_a_tilt_of_philips_is_right_in_dcm2niix(tmp_path, ending):
    """It believes the tag, and is right where that has the sign that this maker's has; here the positions decide."""
    ct_series(tmp_path / "s", **SHAPE, tilt_deg=-15, tags={"Manufacturer": "Philips", "GantryDetectorTilt": 15})
    (volume,) = here(tmp_path / "s")
    assert in_place(volume)
    agrees_inside(volume, there("dcm2niix", tmp_path / "s", tmp_path / "out", ending), 1.0)


@pytest.mark.parametrize("tag", [-15, 15])
def test_a_tilt_of_siemens_is_moved_by_dcm2niix(tmp_path, tag):
    """Whatever the tag says: its stack lies 12 mm beside its place."""
    ct_series(tmp_path / "s", **SHAPE, tilt_deg=15, tags={"Manufacturer": "SIEMENS", "GantryDetectorTilt": tag})
    (volume,) = here(tmp_path / "s")
    assert in_place(volume)
    values, affine = there("dcm2niix", tmp_path / "s", tmp_path / "out")
    off = values - scene(at(affine, values.shape))
    assert np.abs(off).mean() / 3.0 == pytest.approx(46 * np.tan(np.radians(15)), abs=0.1)  # the scene grows by 3 a mm
