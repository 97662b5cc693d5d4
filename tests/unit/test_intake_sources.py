"""Where files come from: folders, ZIP archives, DICOMDIR; identities; and the scan command."""

from __future__ import annotations

import gc
import io
import json
import os
import stat
import tempfile
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

from render.errors import Cancelled
from tests.factory.series import ct_series
from tests.unit.test_intake_findings import directory
from workstation.__main__ import main
from workstation.dicom import zipped
from workstation.dicom.choose import choose
from workstation.dicom.find import Found
from workstation.dicom.found import Identity
from workstation.dicom.identity import contradict, persons, same_person
from workstation.dicom.load import load
from workstation.dicom.scan import scan

SMALL = {"rows": 16, "columns": 16, "slices": 24}


def archive(folder: Path, target: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                out.write(path, prefix + path.name)
    return target


def test_a_zip_is_read_like_its_folder_and_leaves_nothing(tmp_path):
    ct_series(tmp_path / "a", **SMALL)
    plain = load(choose(scan([tmp_path / "a"]))[2])
    result = scan([archive(tmp_path / "a", tmp_path / "a.zip")])
    found = choose(result)[2]
    unpacked = found.frames[0].path.parent
    assert load(found).digest == plain.digest
    if os.name != "nt":
        assert stat.S_IMODE(unpacked.stat().st_mode) == 0o700
    del result, found
    gc.collect()
    assert not unpacked.exists()


def test_names_in_an_archive_cannot_act(tmp_path):
    ct_series(tmp_path / "a", **SMALL)
    evil = archive(tmp_path / "a", tmp_path / "evil.zip", prefix="../../../")
    result = scan([evil])
    assert len(result.studies[0].series[0].volumes) == 1
    assert not list(tmp_path.parent.glob("*.dcm"))


def test_one_nested_archive(tmp_path):
    ct_series(tmp_path / "a", **SMALL)
    inner = archive(tmp_path / "a", tmp_path / "inner.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as out:
        out.write(inner, "inner.zip")
    assert scan([tmp_path / "outer.zip"]).files == 24
    with zipfile.ZipFile(tmp_path / "deeper.zip", "w") as out:
        out.write(tmp_path / "outer.zip", "outer.zip")
    deep = scan([tmp_path / "deeper.zip"])
    assert deep.studies == ()
    assert {f.code for f in deep.findings} == {"not_dicom"}


def test_unpacking_is_told_in_bytes_and_ends_where_it_should(tmp_path, monkeypatch):
    monkeypatch.setattr(zipped, "_TOLD_LEAST", 1)
    ct_series(tmp_path / "a", **SMALL)
    whole = sum(p.stat().st_size for p in (tmp_path / "a").iterdir())
    inner = archive(tmp_path / "a", tmp_path / "inner.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as out:
        out.write(inner, "inner.zip")
    told = []
    assert scan([tmp_path / "outer.zip"], unpacking=lambda *pair: told.append(pair)).files == 24
    assert told[0] == (0, inner.stat().st_size)
    assert told[-1] == (inner.stat().st_size + whole,) * 2
    assert len(told) > 24
    assert all(a[0] <= b[0] for a, b in pairwise(told))
    assert all(done <= of for done, of in told)


def test_whoever_is_told_of_unpacking_can_end_it_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(zipped, "_TOLD_LEAST", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    ct_series(tmp_path / "a", **SMALL)
    packed = archive(tmp_path / "a", tmp_path / "a.zip")

    def enough(done, of):
        if done > of / 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        scan([packed], unpacking=enough)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_sizes_are_counted_not_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(zipped, "_FLOOR", 1_000_000)
    monkeypatch.setattr(zipped, "_RATIO", 1)
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("zeros", bytes(3_000_000))
    found = Found()
    zipped.unpack(tmp_path / "z.zip", found)
    assert [f.code for f in found.findings] == ["archive_limit"]
    assert found.files == []


def test_a_damaged_archive_is_words(tmp_path):
    ct_series(tmp_path / "a", **SMALL)
    raw = archive(tmp_path / "a", tmp_path / "a.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(raw[: len(raw) // 2])
    assert {f.code for f in scan([tmp_path / "b.zip"]).findings} == {"unreadable"}
    broken = bytearray(raw)
    broken[200:260] = os.urandom(60)
    (tmp_path / "c.zip").write_bytes(bytes(broken))
    assert "unreadable" in {f.code for f in scan([tmp_path / "c.zip"]).findings}


def test_dicomdir_alone_leads_to_its_files(tmp_path):
    paths = ct_series(tmp_path / "IMG", **SMALL)
    names = []
    for k, path in enumerate(paths):
        path.rename(path.with_name(f"im{k:04d}.;1"))
        names.append(["IMG", f"IM{k:04d}"])
    made = directory(tmp_path, names)
    result = scan([made])
    assert result.findings == ()
    assert len(result.studies[0].series[0].volumes) == 1
    assert scan([tmp_path]).files == 25  # the folder's files, each once


def test_stop_and_progress(tmp_path):
    ct_series(tmp_path, **SMALL)
    seen = []
    scan([tmp_path], progress=lambda done, of: seen.append((done, of)))
    assert seen[-1] == (24, 24)
    assert scan([tmp_path], stop=lambda: True).studies == ()


def test_the_same_file_twice_counts_once(tmp_path):
    paths = ct_series(tmp_path, **SMALL)
    (tmp_path / "copy").write_bytes(paths[3].read_bytes())
    result = scan([tmp_path])
    assert result.findings == ()
    assert result.studies[0].series[0].images == 24


def test_identity_is_not_shown_by_accident():
    assert "DOE" not in repr(Identity(id="1", name="DOE^JANE"))


A = Identity("17", None, "Müller^Anna", "1961-02-03", "F")


@pytest.mark.parametrize(
    ("other", "clash"),
    [
        (Identity("17", None, "MULLER^ANNA^", "1961-02-03", "F"), False),
        (Identity("17", None, "Müller^Anna=山田^花子", "1961-02-03", "O"), False),
        (Identity("17", None, "", None, None), False),
        (Identity("017", None, "Müller^Anna", "1961-02-03", "F"), True),
        (Identity("17", None, "Muller^Anne", "1961-02-03", "F"), True),
        (Identity("17", None, "Müller^Anna", "1961-03-02", "F"), True),
        (Identity("17", None, "Müller^Anna", "1961-02-03", "M"), True),
        (Identity("ANON12", None, "Müller^Anna", "1900-01-01", "F"), False),
    ],
)
def test_what_contradicts(other, clash):
    assert contradict(A, other) is clash
    assert len(persons([A, other])) == 1 + clash


def test_an_absent_id_matches_nothing_outside_its_study():
    assert not same_person(A, Identity("", None, "", None, None))
    assert same_person(A, Identity("17", "HOSP", "MÜLLER^ANNA", "1961-02-03", "F"))
    assert not same_person(Identity("17", "X", "A^B"), Identity("17", "Y", "A^B"))


def run(capsys, *words):
    status = main(["scan", *map(str, words)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_scan_command_json(tmp_path, capsys):
    ct_series(tmp_path / "a", **SMALL, skip=(5,), spacing=(2.0, 0.8, 0.8))
    status, out, _ = run(capsys, tmp_path / "a", "--json")
    assert status == 0
    document = json.load(io.StringIO(out))
    assert set(document) == {"studies", "findings", "files", "skipped", "seconds"}
    (study,) = document["studies"]
    assert study["date"] == "2026-01-05"
    assert study["patient"] == {
        "id": "PH-0001", "issuer": None, "name": "TEST^PHANTOM", "birth_date": "1961-02-03", "sex": "F"
    }  # fmt: skip
    (series,) = study["series"]
    assert (series["number"], series["modality"], series["images"]) == (3, "CT", 23)
    (volume,) = series["volumes"]
    assert volume["shape"] == [24, 16, 16]
    assert volume["filled"] == [5]
    assert volume["units"] == "HU"
    assert volume["phase"] is None
    assert "gap" in volume["findings"]
    gap = next(f for f in series["findings"] if f["code"] == "gap")
    assert gap["severity"] == "warning"
    assert len(volume["affine_lps"]) == 4


def test_scan_command_table_and_refusals(tmp_path, capsys):
    ct_series(tmp_path / "a", **SMALL)
    status, out, err = run(capsys, tmp_path / "a")
    assert status == 0
    assert "TEST PHANTOM" in out
    assert "24 files" in err
    (tmp_path / "empty").mkdir()
    status, out, err = run(capsys, tmp_path / "empty")
    assert (status, out) == (1, "")
    assert err == "renderdesk: There are no files here.\n"
    status, out, _ = run(capsys, tmp_path / "empty", "--json")
    assert status == 1
    assert json.loads(out)["error"]["code"] == "empty"
    status, out, _ = run(capsys, tmp_path / "gone", "--json")
    assert status == 1
    assert json.loads(out)["error"]["code"] == "missing"
