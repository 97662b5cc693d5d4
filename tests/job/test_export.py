"""Studies leave the library as they are, or without identity; whole or not at all; written down."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.factory.series import ct_series
from tests.job import acts
from workstation.__main__ import main
from workstation.base.clock import ScriptedClock
from workstation.base.errors import NotAllowed, RenderDeskError
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.dicom.deidentify import Cleaner, IdentityLeft
from workstation.dicom.load import load
from workstation.dicom.scan import scan


def digests(folder: Path) -> list[str]:
    return sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file())


def headers(folder: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(p) for p in sorted(folder.iterdir())]


def test_a_plain_export_is_the_files_byte_for_byte(desk: Desk, study_folder: Path, tmp_path: Path) -> None:
    uid = desk.import_paths([study_folder]).studies[0]
    done = desk.export([uid], tmp_path / "out")
    assert (done.files, done.left_out, done.profile) == (40, (), "")
    assert digests(tmp_path / "out") == digests(study_folder)
    assert sorted(p.name for p in (tmp_path / "out").iterdir())[::39] == ["IM00001", "IM00040"]
    entry = desk.place.journal.entries(uid)[-1].event
    assert entry.kind == "study_exported"
    assert entry.payload["files"] == 40
    assert str(tmp_path) not in json.dumps(entry.payload)


def test_without_identity_the_voxels_are_the_same_and_the_patient_is_nobody(
    desk: Desk, study_folder: Path, tmp_path: Path
) -> None:
    uid = desk.import_paths([study_folder]).studies[0]
    done = desk.export([uid], tmp_path / "out", anonymise=True)
    assert done.profile == "DICOM PS3.15 2026c, Table E.1-1"
    for path in (tmp_path / "out").iterdir():
        raw = path.read_bytes()
        for text in (b"PHANTOM", b"JANE", b"PH-77", b"SMITH", b"HOSP", b"19610203", uid.encode()):
            assert text not in raw
    one = scan([study_folder]).studies[0].series[0].volumes[0]
    other = scan([tmp_path / "out"]).studies[0].series[0].volumes[0]
    assert np.array_equal(load(one).voxels, load(other).voxels)
    assert np.allclose(one.geometry.affine_lps, other.geometry.affine_lps)
    assert other.study_uid != one.study_uid
    # what comes back in is a stranger whom a physician must confirm, never the patient it was made from
    again = desk.import_paths([tmp_path / "out"]).studies[0]
    assert desk.place.library.priors(again) == ()
    assert "PHANTOM" not in desk.place.library.study(again).patient_name


def test_two_studies_of_one_patient_stay_one_and_keep_their_interval(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, day in enumerate(("20250110", "20250411")):
        ct_series(tmp_path / "in", slices=4, label=f"n{number}", study=f"st{number}", series=f"se{number}",
                  name="DOEMANN^ANN", patient_id="P-4711",
                  tags={"StudyDate": day, "BodyPartExamined": "CHEST"})  # fmt: skip
    ct_series(tmp_path / "in", slices=4, label="x", study="x", series="x", name="ROE^BOB", patient_id="P-4712",
              tags={"StudyDate": "20250110", "BodyPartExamined": "CHEST"})  # fmt: skip
    uids = desk.import_paths([tmp_path / "in"]).studies
    done = desk.export(uids, tmp_path / "out", anonymise=True)
    assert done.files == 12
    by_patient: dict[str, set[str]] = {}
    for ds in headers(tmp_path / "out"):
        by_patient.setdefault(str(ds.PatientID), set()).add(str(ds.StudyDate))
    assert sorted(len(days) for days in by_patient.values()) == [1, 2]
    days = sorted(next(d for d in by_patient.values() if len(d) == 2))
    assert (np.datetime64(f"{days[1][:4]}-{days[1][4:6]}-{days[1][6:]}")
            - np.datetime64(f"{days[0][:4]}-{days[0][4:6]}-{days[0][6:]}")) == np.timedelta64(91, "D")  # fmt: skip
    desk.export(uids, tmp_path / "again", anonymise=True)
    first, second = ({str(h.StudyInstanceUID) for h in headers(tmp_path / n)} for n in ("out", "again"))
    assert len(first) == 3
    assert not first & second  # a new secret for each export


def test_our_own_pictures_and_reports_stay_behind_with_a_sentence(
    desk: Desk, study_folder: Path, tmp_path: Path, clock: ScriptedClock
) -> None:
    session = desk.open(str(study_folder))
    acts.whole(desk, session, clock)
    session.close()
    desk.sign_in("demo.tech", PINS["demo.tech"])
    done = desk.export([session.key.study_uid], tmp_path / "out", anonymise=True)
    assert done.files == 40
    reasons = dict(done.left_out)
    assert sum(reasons.values()) == len(desk.place.library.instances(session.key.study_uid, made_here=True))
    assert any("secondary capture" in reason for reason in reasons)
    plain = desk.export([session.key.study_uid], tmp_path / "plain")
    assert plain.files == 40 + sum(reasons.values())


def test_who_may_not_export(desk: Desk, study_folder: Path, tmp_path: Path) -> None:
    uid = desk.import_paths([study_folder]).studies[0]
    desk.sign_in("demo.bill", PINS["demo.bill"])
    with pytest.raises(NotAllowed):
        desk.export([uid], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def nothing_made(tmp_path: Path) -> bool:
    return not (tmp_path / "out").exists() and not list(tmp_path.glob(".*.part"))


def test_a_damaged_file_or_a_leak_leaves_no_folder(
    desk: Desk, study_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = desk.import_paths([study_folder]).studies[0]
    lines = desk.place.journal.last_number()
    with monkeypatch.context() as patch:
        patch.setattr(Cleaner, "_standard", lambda self, element: element)
        with pytest.raises(IdentityLeft):
            desk.export([uid], tmp_path / "out", anonymise=True)
    assert nothing_made(tmp_path)
    victim = next((desk.home / "files").glob("*/*/*.dcm"))
    raw = victim.read_bytes()
    victim.write_bytes(raw[:-1] + b"x")
    for anonymise in (False, True):
        with pytest.raises(RenderDeskError) as caught:
            desk.export([uid], tmp_path / "out", anonymise=anonymise)
        assert caught.value.code == "damaged"
        assert nothing_made(tmp_path)
    assert desk.place.journal.last_number() == lines


def test_the_command(study_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(study_folder), "--json"]) == 0
    uid = json.loads(capsys.readouterr().out)["studies"][0]
    assert main(["export", f"study:{uid}", "--out", str(tmp_path / "out"), "--anonymise", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["files"] == 40
    assert shown["anonymised"]
    assert shown["left_out"] == []
    for words, code in (
        ([f"study:{uid}", "--out", str(tmp_path / "out")], "exists"),
        ([f"study:{uid}", "--out", str(tmp_path / "no" / "out")], "unwritable"),
        (["study:1.2.3", "--out", str(tmp_path / "o2")], "unknown_study"),
        ([str(study_folder), "--out", str(tmp_path / "o2")], "source"),
    ):
        assert main(["export", *words, "--json"]) == 1
        error = json.loads(capsys.readouterr().out)["error"]
        assert error["code"] == code
        assert error["sentence"].endswith(".")
    assert not (tmp_path / "o2").exists()


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    ["ct_head_ge_tilt_variable", "mr_b0map_enhanced_philips", "mr_head_t1_enhanced_siemens", "ct_enhanced_and_legacy"],
)
def test_real_series_come_out_with_the_same_voxels(shared_series, tmp_path: Path, name: str) -> None:
    source = shared_series(name)
    desk = Desk(tmp_path / "home")
    try:
        done = desk.export(desk.import_paths([source]).studies, tmp_path / "out", anonymise=True)
    finally:
        desk.close()
    assert done.files
    volumes = [
        [v for study in scan([folder]).studies for s in study.series for v in s.volumes]
        for folder in (source, tmp_path / "out")
    ]
    assert len(volumes[0]) == len(volumes[1])
    one = max(volumes[0], key=lambda v: v.geometry.shape)
    same = [v for v in volumes[1] if np.allclose(v.geometry.affine_lps, one.geometry.affine_lps)]
    expected = load(one).voxels
    assert any(v.geometry.shape == one.geometry.shape and np.array_equal(load(v).voxels, expected) for v in same)


# --- bombs --------------------------------------------------------------------------------------------------------


def deflated_bomb(folder: Path, *, behind: bool, size: int = 30_000_000) -> Path:
    """A deflated file that unpacks to `size` zeros before its pixels, or, where a scan never looks, behind them."""
    import zlib

    from workstation.dicom.header import deflated_offset

    (path,) = ct_series(folder, slices=1, rows=16, columns=16, patient_id="PH-77", study="bomb", label="bomb",
                        syntax="1.2.840.10008.1.2.1.99")  # fmt: skip
    raw = path.read_bytes()
    start = deflated_offset(path)
    inner = zlib.decompress(raw[start:], -15)
    at = inner.index(b"\x28\x00\x02\x00US")
    zeros = bytes(size)
    if behind:
        inner += b"\xfc\xff\xfc\xffOB\x00\x00" + size.to_bytes(4, "little") + zeros
    else:
        inner = inner[:at] + b"\x21\x00\x10\x10UN\x00\x00" + size.to_bytes(4, "little") + zeros + inner[at:]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    path.write_bytes(raw[:start] + packer.compress(inner) + packer.flush())
    assert path.stat().st_size < size / 300
    return path


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of unpacking, small enough for a test: 1 MB instead of 256 MB."""
    from workstation.dicom import header, zipped

    monkeypatch.setattr(header, "_INFLATE_FLOOR", 1_000_000)
    monkeypatch.setattr(header, "_INFLATED_HEADER", 1_000_000)
    monkeypatch.setattr(header, "_INFLATE_RATIO", 1)
    monkeypatch.setattr(zipped, "_FLOOR", 2_000_000)
    monkeypatch.setattr(zipped, "_RATIO", 1)


@pytest.mark.usefixtures("tight")
def test_bombs_are_refused_at_import_and_the_rest_comes_in(desk: Desk, study_folder: Path, tmp_path: Path) -> None:
    import shutil
    import zipfile

    folder = tmp_path / "in"
    shutil.copytree(study_folder, folder)
    bomb = deflated_bomb(folder, behind=False)
    with zipfile.ZipFile(folder / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(30):
            archive.writestr(f"{n}", bytes(1_000_000))
    done = desk.import_paths([folder])
    assert "archive_limit" in {f.code for f in done.findings}
    assert {"truncated", "unreadable"} & {f.code for f in done.findings}
    assert len(done.studies) == 1
    kept = list((desk.place.home / "files").rglob("*.dcm"))
    assert len(kept) == 40
    assert hashlib.sha256(bomb.read_bytes()).hexdigest() not in {
        hashlib.sha256(p.read_bytes()).hexdigest() for p in kept
    }


@pytest.mark.usefixtures("tight")
def test_a_bomb_behind_the_pixels_never_goes_off(desk: Desk, tmp_path: Path) -> None:
    """Scan, import and a plain export copy bytes; what has to unpack it whole refuses, and nothing goes out."""
    import tracemalloc

    (tmp_path / "in").mkdir()
    bomb = deflated_bomb(tmp_path / "in", behind=True)
    ct_series(tmp_path / "in", slices=3, rows=16, columns=16, patient_id="PH-77", study="bomb", label="good")
    uid = desk.import_paths([tmp_path / "in"]).studies[0]
    tracemalloc.start()
    with pytest.raises(RenderDeskError) as refused:
        desk.export([uid], tmp_path / "out", anonymise=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.code == "unreadable"
    assert peak < 15_000_000
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    desk.export([uid], tmp_path / "plain")
    assert digests(tmp_path / "plain") == digests(tmp_path / "in")
    assert bomb.exists()
