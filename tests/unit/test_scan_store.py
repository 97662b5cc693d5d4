"""Kept scans: the same again, of exactly these files, by exactly this program, and nothing but its own types."""

from __future__ import annotations

import io
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.factory.enhanced import enhanced
from tests.factory.series import ct_series
from workstation.desk import scan_store
from workstation.desk.scan_store import keep, kept, scan_path
from workstation.desk.scans import Scans
from workstation.dicom.load import load
from workstation.dicom.scan import scan


@pytest.fixture
def scanned(tmp_path, monkeypatch):
    monkeypatch.setattr(scan_store, "_LEAST", 1)
    ct_series(tmp_path / "in", rows=32, columns=32, tilt_deg=12.0, name="DOE^ANN")
    enhanced(tmp_path / "in" / "enhanced.dcm")
    paths = sorted((tmp_path / "in").iterdir())
    return paths, scan(paths), tmp_path / "kept.bin"


def test_the_scan_is_the_same_again(scanned):
    paths, result, place = scanned
    keep(place, paths, result)
    again = kept(place, paths)
    assert again is not None
    for before, after in zip(result.studies, again.studies, strict=True):
        assert (before.patient, before.findings, before.study_uid) == (after.patient, after.findings, after.study_uid)
        for s, t in zip(before.series, after.series, strict=True):
            for v, w in zip(s.volumes, t.volumes, strict=True):
                assert (v.id, v.frames, v.score_reasons, v.facts) == (w.id, w.frames, w.score_reasons, w.facts)
                assert np.array_equal(v.geometry.affine_lps, w.geometry.affine_lps)
                assert load(v).digest == load(w).digest


def test_other_files_another_program_or_a_broken_file_are_scanned_anew(scanned, monkeypatch):
    paths, result, place = scanned
    keep(place, paths, result)
    assert kept(place, paths[:-1]) is None
    whole = place.read_bytes()
    place.write_bytes(whole[:-20])
    assert kept(place, paths) is None
    place.write_bytes(whole)
    monkeypatch.setattr(scan_store, "_program", lambda: b"another")
    assert kept(place, paths) is None
    assert kept(place.with_name("absent.bin"), paths) is None


@pytest.mark.parametrize("bad", [subprocess.Popen, eval, Path.unlink])
def test_nothing_but_values_of_a_scan_is_made(scanned, bad):
    paths, _, place = scanned

    class Evil:
        def __reduce__(self):
            return bad, ("touch /tmp/never",)

    place.write_bytes(scan_store._mark(paths) + pickle.dumps(Evil()))
    assert kept(place, paths) is None


def test_its_name_says_nothing_and_a_second_desk_finds_it(scanned, tmp_path, qtbot):
    paths, _, _ = scanned
    place = scan_path(tmp_path, "2.25.1", "1.2.3")
    assert "1.2.3" not in place.name
    first = Scans(lambda uid: scan_path(tmp_path, "2.25.1", uid))
    first.of(paths, "1.2.3")
    qtbot.waitUntil(place.is_file, timeout=30000)
    told = []
    second = Scans(lambda uid: scan_path(tmp_path, "2.25.1", uid))
    second.of(paths, "1.2.3", progress=lambda done, of: told.append(done))
    assert told == [], "no header was read"


def test_a_kept_scan_goes_with_its_study(tmp_path, monkeypatch):
    from workstation.desk.desk import Desk

    monkeypatch.setattr(scan_store, "_LEAST", 1)
    ct_series(tmp_path / "in", rows=32, columns=32, name="DOE^ANN")
    desk = Desk(tmp_path / "home")
    try:
        (uid,) = desk.import_paths([tmp_path / "in"]).studies
        desk.scan_ahead(uid)
        desk.open(f"study:{uid}").close()
        desk.scans.settle()
        assert list((tmp_path / "home" / "scans").iterdir())
        desk.delete(uid)
        assert list((tmp_path / "home").rglob("*.bin")) == []
    finally:
        desk.close()


def test_files_are_kept_by_their_place_in_the_list(scanned):
    """No path is written or made anew; a number beyond the list is no scan."""
    paths, result, place = scanned
    keep(place, paths, result)
    content = place.read_bytes()
    assert not any(path.name.encode() in content for path in paths)
    again = kept(place, paths)
    frames = [f for v in again.studies[0].series[0].volumes for f in v.frames]
    assert all(any(f.path is path for path in paths) for f in frames)

    class Beyond(pickle.Pickler):
        def persistent_id(self, value):
            return 10**6 if value == "beyond" else None

    buffer = io.BytesIO()
    Beyond(buffer, protocol=5).dump(["beyond"])
    place.write_bytes(scan_store._mark(paths) + buffer.getvalue())
    assert kept(place, paths) is None
