"""The small tag reader against pydicom: tag by tag, and under damage equal, refused, or handed on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.factory.enhanced import enhanced, mosaic
from tests.factory.series import ct_series
from workstation.dicom import tags as el
from workstation.dicom.header import NotDicom, Unreadable, read_header
from workstation.dicom.identity import iso_date
from workstation.dicom.images import image_of, seconds_of
from workstation.dicom.scan import scan

SMALL = {"rows": 8, "columns": 8, "slices": 2}
SYNTAXES = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
            "1.2.840.10008.1.2.4.80"]  # fmt: skip


def rich(ds: Dataset, k: int) -> None:
    """Sequences of both lengths, private elements, several alphabets, long values."""
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName = "Müller^Änne=山田^花子"
    inner = Dataset()
    inner.CodeValue, inner.CodeMeaning = "T-1", "inner"
    inner.SpecificCharacterSet = "ISO_IR 100"
    outer = Dataset()
    outer.MeasurementUnitsCodeSequence = Sequence([inner, inner])
    outer.RealWorldValueSlope = 2.5
    ds.RealWorldValueMappingSequence = Sequence([outer])
    ds.ImageComments = "x" * 9000
    block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", 800)
    ds.WindowCenter, ds.WindowWidth = [40, 300], [400, 1500]
    ds.PixelPaddingValue = 63536 if ds.PixelRepresentation == 0 else -2000


def compare(header, ds: Dataset) -> int:
    """Every wanted text and number of the top level is pydicom's."""
    compared = 0
    for tag in el.WANTED:
        if tag not in ds or tag >> 16 in (2, 0x7FE0) or ds[tag].VR == "SQ":
            continue
        value = ds[tag].value
        if value in (None, ""):
            assert tag not in header or header.text(tag) == ""
            continue
        if ds[tag].VR in ("DS", "IS", "US", "SS", "UL", "SL", "FD", "FL"):
            expected = tuple(float(v) for v in (value if ds[tag].VM > 1 else [value]))
            found = header.numbers(tag)
            if tag in (el.PADDING, el.PADDING_LIMIT):
                found, expected = tuple(v % 65536 for v in found), tuple(v % 65536 for v in expected)
            assert found == pytest.approx(expected), hex(tag)
        else:
            expected_text = "\\".join(str(v) for v in value) if ds[tag].VM > 1 else str(value)
            found_text = header.long(tag).decode() if header.later(tag) else header.text(tag)
            assert found_text == expected_text, hex(tag)
        compared += 1
    return compared


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_equal_to_pydicom_tag_by_tag(tmp_path, syntax):
    for path in ct_series(tmp_path, **SMALL, syntax=syntax, each=rich):
        header = read_header(path)
        assert compare(header, dcmread(path)) > 30
        (mapping,) = header.items(el.REAL_WORLD_MAP)
        assert mapping.number(el.REAL_WORLD_SLOPE) == 2.5
        assert [u.text(el.CODE_VALUE) for u in mapping.items(el.REAL_WORLD_UNITS)] == ["T-1", "T-1"]
        assert image_of(header).keys["b_value"] == 800


@pytest.mark.parametrize("undefined", [False, True])
def test_sequences_of_either_length(tmp_path, undefined):
    path = enhanced(tmp_path / "e", slices=30)
    ds = dcmread(path)
    ds.is_undefined_length_sequence_item = undefined
    for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        ds[name].is_undefined_length = undefined
        for item in ds[name].value:
            item.is_undefined_length_sequence_item = undefined
    dcmwrite(path, ds)
    header = read_header(path)
    assert len(header.items(el.FRAME_GROUPS)) == 30
    assert header.items(el.FRAME_GROUPS)[29].item(el.PLANE_POSITION).numbers(el.IPP) == pytest.approx(
        tuple(ds.PerFrameFunctionalGroupsSequence[29].PlanePositionSequence[0].ImagePositionPatient)
    )


def test_what_the_reader_does_not_know_goes_to_pydicom(tmp_path):
    """An element with a value representation that does not exist: the rest is read all the same, pixels too."""
    import numpy as np

    from workstation.dicom.load import load

    paths = ct_series(tmp_path, rows=8, columns=8, slices=3, each=rich)
    plain = load(scan([tmp_path]).studies[0].series[0].volumes[0])
    for path in paths:
        raw = path.read_bytes()
        place = raw.index(b"\x08\x00\x18\x00UI")
        path.write_bytes(raw[:place] + b"\x08\x00\x17\x00ZZ\x04\x00abcd" + raw[place:])
        assert compare(read_header(path), dcmread(path)) > 30
    odd = load(scan([tmp_path]).studies[0].series[0].volumes[0])
    assert np.array_equal(plain.voxels, odd.voxels)
    assert plain.digest == odd.digest


def test_a_declared_syntax_may_lie(tmp_path):
    path = ct_series(tmp_path, **SMALL, syntax="1.2.840.10008.1.2")[0]
    raw = path.read_bytes()
    # the file says explicit, the dataset is implicit
    path.write_bytes(raw.replace(b"UI\x12\x001.2.840.10008.1.2\x00", b"UI\x14\x001.2.840.10008.1.2.1\x00", 1))
    header = read_header(path)
    assert header.text(el.PATIENT_ID) == "PH-0001"
    assert header.syntax == "1.2.840.10008.1.2"


@pytest.mark.parametrize("implicit", [False, True])
def test_without_meta_information(tmp_path, implicit):
    from workstation.dicom.header import dataset_offset

    path = ct_series(tmp_path, **SMALL, syntax="1.2.840.10008.1.2" + ("" if implicit else ".1"))[0]
    with path.open("rb") as file:
        start = dataset_offset(file)
    path.write_bytes(path.read_bytes()[start:])
    header = read_header(path)
    assert header.no_meta
    assert header.text(el.MODALITY) == "CT"


@pytest.mark.parametrize(
    "content", [b"", b"hello world, this is plain text of some length" * 9, b"\x89PNG\r\n\x1a\n" + b"\0" * 300,
                b"PK\x03\x04" + b"\0" * 40, b"\x08\x00" * 200]
)  # fmt: skip
def test_other_files_are_not_dicom(tmp_path, content):
    path = tmp_path / "x.dcm"
    path.write_bytes(content)
    with pytest.raises((NotDicom, Unreadable)):
        read_header(path)


def test_decimal_commas_and_nonsense(tmp_path):
    path = ct_series(tmp_path, **SMALL, tags={"SliceThickness": "1.25", "KVP": "120.5"})[0]
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"DS\x04\x001.25", b"DS\x04\x001,25").replace(b"120.5 ", b"  inf "))
    header = read_header(path)
    assert header.number(el.THICKNESS) == 1.25
    assert header.number(el.KVP) is None
    assert header.bad == {el.KVP}


def test_alphabets(tmp_path):
    cases = {
        "ISO_IR 100": "Müller^Ägidius",
        "ISO_IR 144": "Люкceмбypг^Иван",
        "ISO_IR 192": "Wang^XiaoDong=王^小东",
        "GB18030": "Wang^XiaoDong=王^小东",
        "ISO_IR 126": "Διονυσιος",
        "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    }
    for k, (alphabet, name) in enumerate(cases.items()):

        def named(ds, _, alphabet=alphabet, name=name):
            ds.SpecificCharacterSet = alphabet.split("\\") if "\\" in alphabet else alphabet
            ds.PatientName = name

        path = ct_series(tmp_path / str(k), **SMALL, each=named)[0]
        header = read_header(path)
        assert header.text(el.PATIENT_NAME) == name
        assert not header.guessed


def test_times():
    assert seconds_of("130244.678") == pytest.approx(46964.678)
    assert seconds_of("13:02:44") == 46964
    assert seconds_of("1302") == 46920
    assert seconds_of("") is None
    assert seconds_of("2560") is None
    assert seconds_of("12345") is None
    assert seconds_of("1²3045") is None
    assert iso_date("1961020²") is None
    assert iso_date("1961.02.03") == "1961-02-03"


def test_every_wanted_tag_is_the_dictionarys():
    from pydicom.datadict import dictionary_VR

    for tag, vr in el.WANTED.items():
        assert vr.decode() in dictionary_VR(tag).split(" or "), hex(tag)


def damaged(raw: bytes, rng: random.Random) -> bytes:
    out = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 8))):
        out[rng.randrange(128, min(len(out), 4000))] = rng.randrange(256)
    if rng.random() < 0.2:
        del out[rng.randrange(140, len(out)) :]
    return bytes(out)


@pytest.mark.parametrize("kind", ["single", "enhanced", "mosaic", "deflated", "big"])
def test_damaged_files_never_end_a_scan(tmp_path, kind):
    """300 damaged files of each kind: findings or volumes with finite, right-handed geometry, no exception."""
    import numpy as np

    source = tmp_path / "source"
    source.mkdir()
    if kind == "enhanced":
        path = enhanced(source / "e", slices=4, rows=8, columns=8)
    elif kind == "mosaic":
        path = mosaic(source / "m", slices=4, rows=8, columns=8)
    else:
        syntax = {"deflated": "1.2.840.10008.1.2.1.99", "big": "1.2.840.10008.1.2.2"}.get(kind, "1.2.840.10008.1.2.1")
        path = ct_series(source, rows=8, columns=8, slices=1, syntax=syntax, each=rich)[0]
    raw = path.read_bytes()
    rng = random.Random(20260105)
    folder = tmp_path / "damaged"
    folder.mkdir()
    for k in range(300):
        (folder / f"{k:04d}").write_bytes(damaged(raw, rng))
    result = scan([folder])
    assert result.files == 300
    for study in result.studies:
        for series in study.series:
            assert not any("fault of the program" in f.sentence for f in series.findings)
            for volume in series.volumes:
                matrix = volume.geometry.affine_lps
                assert np.isfinite(matrix).all()
                assert np.linalg.det(matrix[:3, :3]) < 0


def test_damaged_files_agree_with_pydicom_or_are_given_up(tmp_path):
    """Where one byte differs and both can read the file, the wanted numbers of place are the same."""
    import warnings

    raw = ct_series(tmp_path, **SMALL, each=rich)[0].read_bytes()
    rng = random.Random(7)
    path = Path(tmp_path / "one")
    agreed = 0
    for _ in range(400):
        out = bytearray(raw)
        out[rng.randrange(400, 2200)] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(out))
        try:
            header = read_header(path)
        except (NotDicom, Unreadable):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ds = dcmread(path, stop_before_pixels=True)
                expected = [float(v) for v in ds.ImagePositionPatient] + [float(v) for v in ds.PixelSpacing]
                shape = (ds.Rows, ds.Columns)
            except Exception:  # noqa: BLE001 (pydicom gives this one up)
                continue
        found = [*header.numbers(el.IPP), *header.numbers(el.PIXEL_SPACING)]
        if found and not header.bad & {el.IPP, el.PIXEL_SPACING} and len(found) == len(expected):
            assert found == pytest.approx(expected, nan_ok=True)
            assert (header.integer(el.ROWS), header.integer(el.COLUMNS)) == shape
            agreed += 1
    assert agreed > 250


def test_a_bomb_of_deflate_is_bounded(tmp_path, monkeypatch):
    """A header that unpacks to far more than the file is given up at the limit: memory stays near it."""
    import tracemalloc
    import zlib

    from workstation.dicom import header as module

    limit = 4 * 1024 * 1024
    monkeypatch.setattr(module, "_INFLATE_FLOOR", limit)
    path = ct_series(tmp_path, **SMALL, syntax="1.2.840.10008.1.2.1.99")[0]
    raw = path.read_bytes()
    start = module.deflated_offset(path)
    inner = zlib.decompress(raw[start:], -15)
    place = inner.index(b"\x28\x00\x02\x00US")
    size = 16 * limit
    filler = b"\x21\x00\x10\x10UN\x00\x00" + size.to_bytes(4, "little") + bytes(size)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    path.write_bytes(raw[:start] + packer.compress(inner[:place] + filler + inner[place:]) + packer.flush())
    del inner, filler
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            read_header(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * limit
    finally:
        tracemalloc.stop()


def test_deep_nesting_is_refused(tmp_path):
    path = ct_series(tmp_path, **SMALL)[0]
    raw = path.read_bytes()
    place = raw.index(b"\x28\x00\x02\x00US")
    nest = b"\x54\x00\x16\x00SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    path.write_bytes(raw[:place] + nest * 900 + raw[place:])
    with pytest.raises(Unreadable):
        read_header(path)
