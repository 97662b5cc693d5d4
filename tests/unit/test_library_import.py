"""What comes into the library when files are odd: nameless, changed, doubled, vanishing, stored and damaged since."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.factory.series import ct_series
from workstation.base.clock import SystemClock
from workstation.base.errors import RenderDeskError
from workstation.desk import library as library_module
from workstation.desk.library import import_paths, take_in
from workstation.desk.place import Place
from workstation.desk.verify import verify
from workstation.dicom.scan import scan

SMALL = {"rows": 8, "columns": 8, "slices": 24}


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path / "home", SystemClock(), "S1", demo=False)
    yield made
    made.close()


def stored(place: Place) -> list[Path]:
    return sorted((place.home / "files").rglob("*.dcm"))


def test_images_without_identifiers_come_in_once_and_open(place, tmp_path):
    """Series and image UIDs empty: made from the content, the same at every import."""
    for path in ct_series(tmp_path / "in", **SMALL):
        ds = dcmread(path)
        ds.SOPInstanceUID = ""
        ds.SeriesInstanceUID = ""
        ds.save_as(path)
    first = import_paths(place, None, [tmp_path / "in"])
    assert (first.files, first.new) == (24, 24)
    assert "uid_missing" in {f.code for f in first.findings}
    (row,) = place.library.studies()
    assert (row.images, row.series, row.partial) == (24, 1, False)
    again = import_paths(place, None, [tmp_path / "in"])
    assert (again.files, again.new) == (24, 0)
    from workstation.desk.source import open_source, read

    assert read(open_source(f"study:{row.study_uid}", within=place.home)).geometry.shape == (24, 8, 8)
    assert verify(place).wrong == ()


def test_a_changed_file_of_a_known_identifier_is_said_and_kept_apart(place, tmp_path):
    paths = ct_series(tmp_path / "in", **SMALL)
    import_paths(place, None, [tmp_path / "in"])
    before = {p: p.read_bytes() for p in stored(place)}
    ds = dcmread(paths[3])
    ds.PixelData = bytes(len(ds.PixelData))
    ds.save_as(paths[3])
    again = import_paths(place, None, [tmp_path / "in"])
    (clash,) = [f for f in again.findings if f.code == "uid_clash"]
    assert clash.sentence == "Two different images claim one identifier; the first was kept."
    assert (again.files, again.new) == (23, 0)
    assert {p: p.read_bytes() for p in stored(place)} == before
    (apart,) = (place.home / "quarantine").iterdir()
    assert apart.read_bytes() == paths[3].read_bytes()
    assert import_paths(place, None, [tmp_path / "in"]).new == 0
    assert len(list((place.home / "quarantine").iterdir())) == 1


def test_of_two_images_with_one_identifier_that_come_together_the_second_is_kept_apart(place, tmp_path):
    paths = ct_series(tmp_path / "in", **SMALL)
    ds = dcmread(paths[3])
    ds.PixelData = bytes(len(ds.PixelData))
    other = tmp_path / "in" / "zz_other.dcm"
    ds.save_as(other)
    done = import_paths(place, None, [tmp_path / "in"])
    assert (done.files, done.new) == (24, 24)
    assert "uid_clash" in {f.code for f in done.findings}
    (apart,) = (place.home / "quarantine").iterdir()
    assert apart.read_bytes() in {other.read_bytes(), paths[3].read_bytes()}
    assert apart.read_bytes() not in {p.read_bytes() for p in stored(place)}


def test_the_same_images_from_another_sender_are_the_same_images(place, tmp_path):
    """Another file header (who sent it, by which program) is no other image: nothing clashes, nothing is copied."""
    paths = ct_series(tmp_path / "in", **SMALL)
    import_paths(place, None, [tmp_path / "in"])
    for path in paths:
        ds = dcmread(path)
        ds.file_meta.SourceApplicationEntityTitle = "OTHER_PACS"
        ds.save_as(path)
    again = import_paths(place, None, [tmp_path / "in"])
    assert (again.files, again.new) == (24, 0)
    assert again.findings == ()
    assert not (place.home / "quarantine").exists()


def test_a_damaged_stored_file_is_mended_by_importing_it_again(place, tmp_path):
    ct_series(tmp_path / "in", **SMALL)
    import_paths(place, None, [tmp_path / "in"])
    victim, gone = stored(place)[:2]
    raw = victim.read_bytes()
    victim.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    gone.unlink()
    assert len(verify(place).wrong) == 2
    assert import_paths(place, None, [tmp_path / "in"]).new == 0
    assert verify(place).wrong == ()


def test_files_that_vanish_while_they_are_copied_leave_the_rest(place, tmp_path, monkeypatch):
    """Two studies; a file of the first vanishes: the others are in, and the study says that it is partial."""
    first = ct_series(tmp_path / "in" / "a", **SMALL, label="a", study="a", series="a")
    ct_series(tmp_path / "in" / "b", **SMALL, label="b", study="b", series="b")
    real = library_module.scan

    def then_gone(*given, **named):
        result = real(*given, **named)
        first[5].unlink()
        return result

    monkeypatch.setattr(library_module, "scan", then_gone)
    done = import_paths(place, None, [tmp_path / "in"])
    assert (done.files, done.new) == (47, 47)
    assert [f.sentence for f in done.findings if f.code == "unreadable"] == [
        "One file could not be read: it vanished while the study was copied."
    ]
    assert sorted((r.images, r.partial) for r in place.library.studies()) == [(23, True), (24, False)]
    monkeypatch.undo()
    study = scan([tmp_path / "in" / "b"]).studies[0]
    shutil.rmtree(tmp_path / "in" / "b")
    with pytest.raises(RenderDeskError) as refused:
        take_in(place, study, whole=True)  # what is released must have its source here
    assert refused.value.code == "unreadable"


def test_a_person_who_stops_an_import_is_told_what_is_in(place, tmp_path):
    ct_series(tmp_path / "in", **SMALL)
    seen: list[int] = []
    done = import_paths(
        place, None, [tmp_path / "in"], progress=lambda n, _: seen.append(n), stop=lambda: len(seen) >= 7
    )
    assert done.stopped
    assert done.new == 7
    (row,) = place.library.studies()
    assert (row.images, row.partial) == (7, True)
    assert import_paths(place, None, [tmp_path / "in"]).new == 17
    assert not place.library.study(row.study_uid).partial


@pytest.mark.skipif(os.name != "posix", reason="names of bytes that are no text are POSIX's")
def test_file_names_that_are_no_text(place, tmp_path):
    path = ct_series(tmp_path / "in", **SMALL)[0]
    path.rename(path.with_name(os.fsdecode(b"bild-\xfc\xff.dcm")))
    assert import_paths(place, None, [tmp_path / "in"]).new == 24
