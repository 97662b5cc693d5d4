"""The first slice comes before any other file is opened; the volume fills while one looks; phases in order."""

from __future__ import annotations

import numpy as np
import pytest

from tests.factory.encode import JPEG_LS
from tests.factory.enhanced import enhanced, mosaic
from tests.factory.series import ct_series
from workstation.base.errors import InputRefused
from workstation.dicom import load as loading
from workstation.dicom import preview as previews
from workstation.dicom.choose import phases_of
from workstation.dicom.load import load
from workstation.dicom.scan import scan

SMALL = {"rows": 32, "columns": 32}


def only(folder):
    (found,) = scan([folder]).studies[0].series[0].volumes
    return found


def test_the_first_slice_is_shown_before_another_file_is_opened(tmp_path, monkeypatch):
    ct_series(tmp_path, **SMALL)
    found = only(tmp_path)
    opened, real = [], loading.read_header
    monkeypatch.setattr(loading, "read_header", lambda path, alike: opened.append(path) or real(path, alike))
    shown = []

    def show(volume, done):
        shown.append((volume, done, len(opened), volume.voxels.copy()))

    whole = load(found, preview=show)
    volume, done, files, voxels = shown[0]
    assert (done, files) == (1, 1)
    assert volume.loading
    assert np.array_equal(voxels[12], whole.voxels[12])
    assert volume.awaited == (*range(12), *range(13, 24)), "what has not come is named, so that a window covers it"
    assert volume.digest != whole.digest
    assert not whole.loading


def test_what_has_not_come_holds_the_lowest_value_of_the_first_slice(tmp_path):
    """From the first look on; the slice that is on screen by then is not touched."""
    ct_series(tmp_path, **SMALL)
    plane = load(only(tmp_path)).voxels[12]
    lead = previews.Preview(only(tmp_path), lambda *_: None, 12)
    lead.begin(plane)
    shown = lead.voxels
    voxels = lead.array(whole=True)
    assert voxels is shown
    assert np.array_equal(voxels[12], plane)
    assert (np.delete(voxels, 12, axis=0) == plane.min()).all()


def test_the_volume_fills_while_one_looks(tmp_path, monkeypatch):
    monkeypatch.setattr(previews, "EVERY_S", 0.0)
    ct_series(tmp_path, **SMALL)
    shown = []
    whole = load(only(tmp_path), first=3, preview=lambda volume, done: shown.append((volume, done)))
    assert [done for _, done in shown] == [1, *range(1, 25)]
    assert len({volume.digest for volume, _ in shown}) == 24
    # views of one array, which holds everything by now
    assert all(np.array_equal(volume.voxels, whole.voxels) for volume, _ in shown)
    assert all(np.shares_memory(volume.voxels, whole.voxels) for volume, _ in shown)


def test_slices_that_go_through_a_table_come_one_by_one_too(tmp_path, monkeypatch):
    from tests.unit.test_intake_lut import VOXELS, with_table

    monkeypatch.setattr(previews, "EVERY_S", 0.0)
    ct_series(tmp_path, voxels=VOXELS, intercept=0, slices=22, rows=16, columns=16, each=with_table(1200, -300))
    awaited = []
    load(only(tmp_path), preview=lambda volume, done: awaited.append((done, len(volume.awaited))))
    assert min(n for _, n in awaited) < 11
    assert [n for _, n in awaited] == sorted((n for _, n in awaited), reverse=True)


@pytest.mark.parametrize("first", [-5, 0, 500])
def test_the_wanted_slice_is_the_one_shown(tmp_path, first):
    ct_series(tmp_path, **SMALL)
    shown = []
    whole = load(only(tmp_path), first=first, preview=lambda volume, _: shown.append(volume.voxels.copy()))
    k = min(max(first, 0), 23)
    assert np.array_equal(shown[0][k], whole.voxels[k])


def test_fractions_filled_slices_tiles_and_frames(tmp_path):
    ct_series(tmp_path / "float", slope=0.5, intercept=-0.25, **SMALL)
    ct_series(tmp_path / "gap", slices=41, skip=(20,), **SMALL)
    ct_series(tmp_path / "jls", syntax=JPEG_LS, **SMALL)
    mosaic(tmp_path / "mosaic" / "a.dcm")
    enhanced(tmp_path / "enhanced" / "a.dcm")
    for folder in sorted(tmp_path.iterdir()):
        shown = []
        found = only(folder)
        plain = load(found)
        whole = load(found, preview=lambda volume, _, shown=shown: shown.append(volume.voxels.copy()))
        k = len(found.frames) // 2 - (folder.name == "gap")
        assert np.array_equal(shown[0][k], whole.voxels[k]), folder.name
        assert np.array_equal(plain.voxels, whole.voxels)
        assert plain.digest == whole.digest


def test_an_exchanged_patient_is_never_shown(tmp_path):
    ct_series(tmp_path, **SMALL)
    found = only(tmp_path)
    ct_series(tmp_path, name="OTHER^PERSON", patient_id="PH-0002", **SMALL)
    shown = []
    with pytest.raises(InputRefused):
        load(found, preview=lambda *now: shown.append(now))
    assert not shown


def test_phases_of_a_series_in_their_order(tmp_path):
    enhanced(tmp_path / "a" / "a.dcm", phases=3)
    series = scan([tmp_path / "a"]).studies[0].series[0]
    phases = phases_of(series)
    assert [p.phase.index for p in phases] == [0, 1, 2]
    assert phases_of(series, phases[2]) == phases
    ct_series(tmp_path / "b", **SMALL)
    alone = scan([tmp_path / "b"]).studies[0].series[0]
    assert phases_of(alone) == alone.volumes


def test_two_kinds_of_image_have_phases_of_their_own(tmp_path):
    for number, kind in enumerate(("M", "P")):
        for echo in (1, 2):
            ct_series(
                tmp_path / f"{kind}{echo}", modality="MR", label=f"{kind}{echo}", intercept=0.0,
                tags={"EchoNumbers": echo, "ImageType": ["ORIGINAL", "PRIMARY", kind]},
                each=lambda ds, k, n=number, e=echo: _renamed(ds, f"{n}.{e}.{k + 1}"), **SMALL,
            )  # fmt: skip
    series = scan([tmp_path]).studies[0].series[0]
    assert len(series.volumes) == 4
    for volume in series.volumes:
        phases = phases_of(series, volume)
        assert len(phases) == 2
        assert {p.facts["image_type"] for p in phases} == {volume.facts["image_type"]}
        assert [p.phase.value for p in phases] == [1.0, 2.0]


def _renamed(ds, suffix):
    ds.SOPInstanceUID = f"{ds.StudyInstanceUID[:40].rstrip('.')}.{suffix}"
    return ds
