"""Hostile and unlucky files: no crash, no hang, no memory beyond the budget, nothing outside its folder."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import config as dicom_config
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from tests.factory.encode import JPEG_LS, RLE
from tests.factory.enhanced import enhanced
from tests.factory.series import ct_series
from workstation.base.errors import InputRefused
from workstation.base.findings import Finding
from workstation.dicom import find as finding_module
from workstation.dicom import header as header_module
from workstation.dicom import zipped
from workstation.dicom.find import Found
from workstation.dicom.load import load
from workstation.dicom.scan import scan

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"rows": 8, "columns": 8}


def codes(findings: tuple[Finding, ...]) -> set[str]:
    return {f.code for f in findings}


def only(folder):
    (found,) = scan([folder]).studies[0].series[0].volumes
    return found


# --- memory -------------------------------------------------------------------------------------------------------


def patched(path: Path, tag: bytes, value: int) -> None:
    """Rows, Columns ... of an explicit file set to another 16-bit number."""
    raw = bytearray(path.read_bytes())
    at = raw.index(tag + b"US\x02\x00")
    raw[at + 8 : at + 10] = struct.pack("<H", value)
    path.write_bytes(bytes(raw))


HUNGRY = """
import json, resource, sys
from pathlib import Path
from workstation.dicom.scan import scan
from workstation.dicom.load import load
import numpy, imagecodecs, pydicom
imagecodecs.jpegls_decode; imagecodecs.dicomrle_decode
pages = int(Path('/proc/self/statm').read_text().split()[0])
most = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = scan([Path(sys.argv[1])])
told = [f.code for f in result.findings]
loaded = 0
for study in result.studies:
    for series in study.series:
        told += [f.code for f in series.findings]
        for found in series.volumes:
            told += [f.code for f in found.findings]
            try:
                load(found)
                loaded += 1
            except Exception as error:
                told.append(getattr(error, 'code', repr(error)))
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({'files': result.files, 'told': told, 'loaded': loaded, 'grown_mb': grown / 1000}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of the address space are POSIX's")
def test_hostile_files_stay_within_the_budget(tmp_path):
    """Absurd sizes, bombs of deflate and ZIP, deep nesting, endless lengths: 500 MB of address space are enough."""
    folder = tmp_path / "hostile"
    good = ct_series(folder, **SMALL, label="good")
    for label, syntax in (("native", "1.2.840.10008.1.2.1"), ("rle", RLE), ("ls", JPEG_LS)):
        for path in ct_series(folder, **SMALL, slices=3, label=label, series=label, syntax=syntax):
            patched(path, b"\x28\x00\x10\x00", 65_535)
            patched(path, b"\x28\x00\x11\x00", 65_535)
    for path in ct_series(folder, **SMALL, slices=2, label="square", series="square", syntax=RLE):
        patched(path, b"\x28\x00\x10\x00", 16_384)
        patched(path, b"\x28\x00\x11\x00", 16_384)
    many = enhanced(folder / "many", slices=4, rows=8, columns=8)
    ds = dcmread(many)
    ds.NumberOfFrames = "2000000000"
    dcmwrite(many, ds)
    # deflated: 600 MB of zeros in a few hundred kilobytes
    bomb = ct_series(folder, **SMALL, slices=1, label="bomb", series="bomb", syntax="1.2.840.10008.1.2.1.99")[0]
    raw = bomb.read_bytes()
    start = header_module.deflated_offset(bomb)
    inner = zlib.decompress(raw[start:], -15)
    place = inner.index(b"\x28\x00\x02\x00US")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    size = 300_000_000
    packed = [packer.compress(inner[:place] + b"\x21\x00\x10\x10UN\x00\x00" + size.to_bytes(4, "little"))]
    packed += [packer.compress(bytes(10_000_000)) for _ in range(size // 10_000_000)]
    packed += [packer.compress(inner[place:]), packer.flush()]
    bomb.write_bytes(raw[:start] + b"".join(packed))
    # lengths and nesting without end
    plain = good[0].read_bytes()
    at = plain.index(b"\x28\x00\x02\x00US")
    nest = b"\x54\x00\x16\x00SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    (folder / "nested").write_bytes(plain[:at] + nest * 5000 + plain[at:])
    (folder / "long").write_bytes(plain[:at] + b"\x21\x00\x10\x10UN\x00\x00\xf0\xff\xff\xff" + plain[at:])
    done = subprocess.run(
        [sys.executable, "-c", HUNGRY, str(folder), "500000000"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-1500:]
    told = json.loads(done.stdout)
    assert told["loaded"] == 1  # the good one
    assert told["grown_mb"] < 300
    assert not [word for word in told["told"] if "Error" in word]
    assert {"truncated", "unreadable"} & set(told["told"])


def test_a_zip_bomb_ends_at_its_limit(tmp_path, monkeypatch):
    """Entries count as they unpack; what was unpacked goes, the rest of the folder is read."""
    ct_series(tmp_path, **SMALL, label="good")
    monkeypatch.setattr(zipped, "_FLOOR", 2_000_000)
    monkeypatch.setattr(zipped, "_RATIO", 1)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(30):
            archive.writestr(f"{n}", bytes(1_000_000))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", bytes(3_000_000))
    with zipfile.ZipFile(tmp_path / "nested.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
    result = scan([tmp_path])
    assert [f.code for f in result.findings].count("archive_limit") >= 1
    assert len(result.studies[0].series[0].volumes) == 1


# --- the disc -----------------------------------------------------------------------------------------------------


def test_what_may_not_be_opened_is_said(tmp_path, monkeypatch):
    """A file and a folder that refuse: the others are read, both are findings."""
    ct_series(tmp_path / "a", **SMALL)
    secret, closed = tmp_path / "a" / "secret", tmp_path / "closed"
    secret.write_bytes(b"x")
    closed.mkdir()
    open_, scandir = os.open, os.scandir

    def refusing_open(path, *rest, **named):
        if Path(path) == secret:
            raise PermissionError
        return open_(path, *rest, **named)

    def refusing_scandir(path):
        if Path(path) == closed:
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr(header_module.os, "open", refusing_open)
    monkeypatch.setattr(finding_module.os, "scandir", refusing_scandir)
    result = scan([tmp_path])
    assert result.studies[0].series[0].images == 24
    sentences = [f.sentence for f in result.findings if f.code == "unreadable"]
    assert len(sentences) == 2
    assert any("rights" in s for s in sentences)
    assert any("folder" in s for s in sentences)


def test_files_that_vanish(tmp_path, monkeypatch):
    """Between the listing and the reading: a finding. Between the scan and the loading: one sentence."""
    paths = ct_series(tmp_path, **SMALL)
    gone = paths[5]
    real = finding_module.find_files

    def then_gone(*given, **named):
        found = real(*given, **named)
        gone.unlink()
        return found

    from workstation.dicom import scan as scan_module

    monkeypatch.setattr(scan_module, "find_files", then_gone)
    result = scan([tmp_path])
    assert "unreadable" in codes(result.findings)
    (volume,) = result.studies[0].series[0].volumes
    assert "gap" in codes(volume.findings)
    paths[10].unlink()
    with pytest.raises(InputRefused) as refused:
        load(volume)
    assert refused.value.code == "changed"
    paths[11].write_bytes(paths[11].read_bytes()[:-40])
    assert isinstance(refused.value.sentence, str)


def test_links_in_circles_and_doubled_files(tmp_path):
    ct_series(tmp_path / "a" / "b", **SMALL)
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    first = next((tmp_path / "a" / "b").glob("*.dcm"))
    os.link(first, tmp_path / "again.dcm")
    (tmp_path / "linked.dcm").symlink_to(first)
    result = scan([tmp_path, tmp_path / "a", first])
    assert result.files == 24
    assert result.findings == ()


def test_folders_without_end_are_said(tmp_path):
    at = tmp_path
    for _ in range(34):
        at = at / "d"
    ct_series(at, **SMALL, slices=2)
    result = scan([tmp_path])
    assert result.files == 0
    assert "unreadable" in codes(result.findings)


# --- names --------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=5))
def test_names_in_a_zip_cannot_act(tmp_path_factory, names):
    """Any names, climbing and absolute ones among them: only numbered files in a private folder come into being."""
    names = [*names, "../../climb", "/tmp/absolute-name", "C:\\windows\\x", "a/../../b", "con", "\0"]
    folder = tmp_path_factory.mktemp("zip")
    with warnings.catch_warnings(), zipfile.ZipFile(folder / "z.zip", "w") as archive:
        warnings.simplefilter("ignore")  # a name twice
        for name in names:
            try:
                archive.writestr(zipfile.ZipInfo(name), b"content")
            except (ValueError, UnicodeEncodeError):
                continue
        count = sum(not e.filename.endswith("/") for e in archive.infolist())
    found = Found()
    zipped.unpack(folder / "z.zip", found)
    (keep,) = found.keep
    assert {p.parent for p in found.files} <= {Path(keep.name)}
    assert sorted(p.name for p in found.files) == [f"{n:06d}" for n in range(count)]
    assert [p.name for p in folder.iterdir()] == ["z.zip"]
    keep.cleanup()


PARTS = ["..", ".", "IMG", "SUB", "img;1", "SUB.", "/etc", "C:", "a:b", "", "X" * 70]


@settings(max_examples=30)
@given(st.lists(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_dicomdir_leads_nowhere_else(tmp_path_factory, records):
    """Random references: only files under its own folder are read, whatever is named."""
    root = tmp_path_factory.mktemp("disc")
    outside = root / "IMG"
    outside.write_bytes(b"not to be read")
    disc = root / "cd"
    (disc / "SUB").mkdir(parents=True)
    (disc / "IMG").write_bytes(b"a")
    (disc / "SUB" / "IMG").write_bytes(b"b")
    directory = Dataset()
    directory.SOPClassUID = "1.2.840.10008.1.3.10"
    items = []
    for parts in records:
        item = Dataset()
        with dicom_config.disable_value_validation():
            item.add_new(0x00041500, "CS", parts)
        items.append(item)
    directory.DirectoryRecordSequence = Sequence(items)
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    with dicom_config.disable_value_validation():
        directory.save_as(disc / "DICOMDIR", enforce_file_format=True)
    found = finding_module.find_files([disc / "DICOMDIR"])
    inside = disc.resolve()
    assert all(inside in p.resolve().parents for p in found.files)
    assert codes(tuple(found.findings)) <= {"dicomdir_missing", "outside_folder"}


# --- functional groups --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_enhanced(tmp_path_factory):
    return enhanced(tmp_path_factory.mktemp("enhanced") / "e", slices=6, rows=8, columns=8)


GROUPS = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence", "FrameContentSequence",
          "PixelValueTransformationSequence")  # fmt: skip
CHANGE = st.tuples(
    st.integers(0, 5),
    st.sampled_from(GROUPS),
    st.sampled_from(["remove", "empty", "double", "nan", "huge", "short", "negative"]),
    st.booleans(),
)


@settings(max_examples=60)
@given(st.lists(CHANGE, min_size=1, max_size=6), st.sampled_from(["same", "fewer", "more", "none"]))
def test_functional_groups_of_any_shape(one_enhanced, tmp_path_factory, changes, frames):
    """Groups removed, emptied, doubled, with absurd numbers: a finite right-handed grid, or a finding."""
    folder = tmp_path_factory.mktemp("fuzz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = dcmread(one_enhanced)
        for frame, group, change, shared in changes:
            holder = ds.SharedFunctionalGroupsSequence if shared else ds.PerFrameFunctionalGroupsSequence
            item = holder[0 if shared else frame]
            if group not in item or not item[group].value:
                continue
            if change == "remove":
                del item[group]
            elif change == "empty":
                item[group].value = Sequence([])
            elif change == "double":
                item[group].value = Sequence([item[group].value[0]] * 2)
            else:
                for element in item[group].value[0]:
                    if element.VR == "DS" and element.value is not None:
                        count = element.VM
                        value = {"nan": "nan", "huge": "1e30", "negative": "-1", "short": "1"}[change]
                        element._value = [value] * (count if change != "short" else 1)
        if frames == "fewer":
            ds.PerFrameFunctionalGroupsSequence = Sequence(ds.PerFrameFunctionalGroupsSequence[:3])
        elif frames == "more":
            ds.NumberOfFrames = 9
        elif frames == "none":
            del ds.PerFrameFunctionalGroupsSequence
        try:
            ds.save_as(folder / "x.dcm")
        except (ValueError, TypeError, AttributeError, OverflowError):
            return  # pydicom cannot write this one
    result = scan([folder])
    for study in result.studies:
        for series in study.series:
            assert not any("fault of the program" in f.sentence for f in series.findings)
            assert series.volumes or series.findings
            for found in series.volumes:
                matrix = found.geometry.affine_lps
                assert np.isfinite(matrix).all()
                assert np.linalg.det(matrix[:3, :3]) < 0


def test_private_elements_with_broken_representations(tmp_path):
    """Nonsense in private and standard elements anywhere: the series is read, or its files are findings."""
    paths = ct_series(tmp_path, **SMALL)
    rng = random.Random(3)
    for path in paths[::3]:
        raw = path.read_bytes()
        at = raw.index(b"\x28\x00\x02\x00US")
        vr = rng.choice([b"??", b"\0\0", b"OB", b"UN", b"ZZ"])
        made = b"\x21\x00" + struct.pack("<H", rng.randrange(0x1000, 0x1100)) + vr + b"\x04\x00abcd"
        path.write_bytes(raw[:at] + made + raw[at:])
    result = scan([tmp_path])
    assert result.files == 24
    series = [s for study in result.studies for s in study.series]
    without = sum(f.files for s in series for f in s.findings if f.code == "unreadable")
    assert sum(s.images for s in series) + without + result.skipped == 24
