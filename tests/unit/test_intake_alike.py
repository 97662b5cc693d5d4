"""Headers read by comparison with the one before equal those that are walked: on clean, odd and damaged files."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from render.geometry import Geometry
from render.volume import Volume
from tests.factory.series import ct_series
from workstation.dicom import tags as el
from workstation.dicom.alike import Likeness
from workstation.dicom.header import Header, NotDicom, Unreadable, read_header
from workstation.dicom.images import image_of
from workstation.dicom.load import load
from workstation.dicom.scan import scan

SMALL = {"rows": 8, "columns": 8}
EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"


def read(path, alike=None):
    try:
        return read_header(path, alike)
    except (NotDicom, Unreadable) as error:
        return type(error)


def assert_equal(compared, walked):
    if not isinstance(walked, Header):
        assert compared == walked
        return
    for name in ("tags", "pixel", "syntax", "size", "media_class", "no_meta", "truncated"):
        assert getattr(compared, name) == getattr(walked, name), name
    assert bool(compared.mark) == bool(walked.mark)
    for tag in (*walked.tags, el.IPP, el.TE, el.PATIENT_NAME):
        assert compared.text(tag) == walked.text(tag)
        assert compared.numbers(tag) == walked.numbers(tag)
    assert compared.bad == walked.bad
    assert compared.guessed == walked.guessed
    assert image_of(compared).keys == image_of(walked).keys


def busy(ds, k):
    """What varies in real series: numbers, times, private elements, sequences, an element that comes and goes."""
    ds.AcquisitionTime, ds.ContentTime = f"10{k:02d}00", f"10{k:02d}{k:02d}.{k}"
    ds.ImageComments = "x" * (k % 5)
    item = Dataset()
    item.ReferencedSOPInstanceUID = f"1.2.3.{10**k}"
    ds.ReferencedImageSequence = Sequence([item] * (1 + k % 2))
    if k % 2:
        ds["ReferencedImageSequence"].is_undefined_length = True
    block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", str(100 * k))
    block.add_new(0x20, "LO", "y" * (k * 2))
    if k % 7 == 6:
        ds.EchoTime = 2.5 * k


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_series_reads_the_same_either_way(tmp_path, syntax):
    paths = ct_series(tmp_path, **SMALL, syntax=syntax, each=busy)
    alike = Likeness()
    compared = [read(path, alike) for path in paths]
    for header, path in zip(compared, paths, strict=True):
        assert_equal(header, read(path))
    found_by_comparison = sum(h._shared is not None and bool(h._changed) for h in compared)
    assert found_by_comparison == (0 if syntax == BIG else 22)  # all but the first of each of two kinds


def lengthy(ds, k):
    """A scanner's private elements: long, and most of them the same."""
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", bytes([k]) * 600)
    block.add_new(0x20, "OB", bytes(range(256)) * 40)
    ds.ImageComments = f"{k}"


def test_a_header_of_long_common_blocks_is_known_byte_by_byte(tmp_path):
    """Whatever byte before the pixels changes after the scan, the file is another one."""
    paths = ct_series(tmp_path, **SMALL, slices=6, each=lengthy)
    (volume,) = scan([tmp_path]).studies[0].series[0].volumes
    plain = {f.path: f.plain for f in volume.frames}
    assert sum(bool(p.alike) for p in plain.values()) >= 4  # most of the header is compared, not hashed
    for path in paths:
        head = path.read_bytes()[: plain[path].offset]
        assert plain[path].is_same(head)
        assert not plain[path].is_same(head[:-1])
        assert not plain[path].is_same(head + b"x")
        for at in range(0, len(head), 37):
            changed = bytearray(head)
            changed[at] ^= 1
            assert not plain[path].is_same(changed), at


def test_what_is_made_of_several_elements_is_made_anew_where_one_varies(tmp_path):
    """Also of private ones, wherever their creator put them."""

    def each(ds, k):
        block = ds.private_block(0x0019, "SIEMENS MR HEADER" if k < 8 else "SOMEBODY ELSE", create=True)
        block.add_new(0x0C, "IS", str(100 * (k // 3)))
        ds.SliceThickness = 2.0 if k < 5 else 3.0
        ds.WindowWidth = 400 if k < 4 else f"4{k}0"
        ds.RescaleIntercept = -1024
        if k == 6:
            ds["RescaleIntercept"] = RawDataElement(
                Tag(0x00281052), "DS", 4, b"none", 0, is_implicit_VR=False, is_little_endian=True
            )

    paths = ct_series(tmp_path, **SMALL, slices=12, each=each)
    alike = Likeness()
    for header, path in [(read(path, alike), path) for path in paths]:
        ours, walked = image_of(header), image_of(read(path))
        for name in ("keys", "thickness", "windows", "intercept", "rescale_bad", "image_type", "orientation", "rows"):
            assert getattr(ours, name) == getattr(walked, name), (path.name, name)
        assert header.bad == walked.header.bad
        assert (el.INTERCEPT in header.bad) == path.name.startswith(paths[6].name)


def test_two_series_that_take_turns(tmp_path):
    a = ct_series(tmp_path, **SMALL, slices=9, label="a", each=busy)
    b = ct_series(tmp_path, **SMALL, slices=9, label="b", series="other", modality="MR", slope=2.0)
    alike = Likeness()
    for pair in zip(a, b, strict=True):
        for path in pair:
            assert_equal(read(path, alike), read(path))


def test_an_alphabet_that_changes_is_not_shared(tmp_path):
    def named(ds, k):
        ds.SpecificCharacterSet = "ISO_IR 192" if k % 2 else "ISO_IR 100"
        ds.PatientName = "Müller^Jörg"

    paths = ct_series(tmp_path, **SMALL, slices=6, each=named)
    alike = Likeness()
    assert {read(path, alike).text(el.PATIENT_NAME) for path in paths} == {"Müller^Jörg"}


def test_a_value_of_its_own_is_not_the_others(tmp_path):
    paths = ct_series(tmp_path, **SMALL, slices=3)
    alike = Likeness()
    first, second, _ = (read(path, alike) for path in paths)
    kept = second.text(el.STUDY_UID)
    first.put(el.STUDY_UID, b"UI", b"1.2.3")
    assert (first.text(el.STUDY_UID), second.text(el.STUDY_UID)) == ("1.2.3", kept)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_damage_is_seen(tmp_path, syntax):
    """Bytes flipped, cut, put in and taken out anywhere in the header: the same answer as by walking, or none."""
    paths = ct_series(tmp_path, **SMALL, slices=4, syntax=syntax, each=busy)
    alike = Likeness()
    for path in paths:
        read(path, alike)
    raw = paths[2].read_bytes()
    end = raw.index(b"\xe0\x7f\x10\x00")
    rng = random.Random(11)
    target = tmp_path / "damaged"
    for _ in range(600):
        out = bytearray(raw)
        at = rng.randrange(end + 8)
        kind = rng.randrange(4)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[at : at + rng.choice((1, 2, 8, 40))]
        elif kind == 2:
            out[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice((1, 2, 8))))
        else:
            del out[at:]
        target.write_bytes(bytes(out))
        assert_equal(read(target, alike), read(target))


ELEMENT = st.tuples(st.sampled_from([b"UN", b"LO", b"SQ", b"OB", b"ZZ"]), st.binary(max_size=9))


@settings(max_examples=40)
@given(st.lists(st.lists(ELEMENT, max_size=4), max_size=8))
def test_made_up_elements(tmp_path_factory, files):
    """Elements of any content before the pixels, in files that follow each other."""
    folder = tmp_path_factory.getbasetemp() / "made"
    if not folder.exists():
        ct_series(folder, **SMALL, slices=1)
    raw = next(folder.glob("*.dcm")).read_bytes()
    end = raw.index(b"\xe0\x7f\x10\x00")
    alike = Likeness()
    target = folder / "target"
    for elements in files:
        made = b""
        for n, (vr, value) in enumerate(elements):
            long = vr in (b"UN", b"SQ", b"OB")
            length = b"\0\0" + len(value).to_bytes(4, "little") if long else len(value).to_bytes(2, "little")
            made += b"\xdf\x7f" + (0x1000 + n).to_bytes(2, "little") + vr + length + value
        target.write_bytes(raw[:end] + made + raw[end:])
        assert_equal(read(target, alike), read(target))


def test_a_digest_is_made_when_it_is_asked_for(tmp_path):
    """Loading does not hash; the digest is that of the voxels all the same, also through `with_findings`."""
    ct_series(tmp_path, **SMALL)
    (found,) = scan([tmp_path]).studies[0].series[0].volumes
    volume = load(found).with_findings("lossy")
    assert callable(volume.__dict__["_digest"])
    name = volume.digest
    assert len(name) == 64
    assert name == load(found).digest
    asked = []
    late = Volume(np.zeros((1, 2, 2), np.int16), small_grid(), "HU", lambda: asked.append(1) or "abc")
    assert (late.digest, late.digest, asked) == ("abc", "abc", [1])


def small_grid():
    return Geometry((1, 2, 2), np.diag([-1.0, 1.0, 1.0, 1.0]), "")
