"""Stored values and modality values: every encoding gives the same voxels; each trap of the value page once."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import generate_uid

from render.errors import Cancelled
from render.volume import Volume
from tests.factory.encode import HTJ2K, HTJ2K_LOSSLESS, J2K, JPEG_LS_NEAR, LOSSLESS, RLE, encode
from tests.factory.enhanced import ENHANCED_MR, enhanced
from tests.factory.series import ct_series, scene
from workstation.base.errors import InputRefused
from workstation.dicom.decode import Pixels, stream_facts
from workstation.dicom.found import VolumeFound
from workstation.dicom.header import read_header
from workstation.dicom.load import header_of, identity_of, load
from workstation.dicom.scan import scan

SMALL = {"rows": 16, "columns": 20, "spacing": (2.0, 0.8, 0.8)}


def found_in(folder: Path) -> VolumeFound:
    (volume,) = scan([folder]).studies[0].series[0].volumes
    return volume


def values_of(folder: Path, **options) -> Volume:
    ct_series(folder, **{**SMALL, **options})
    return load(found_in(folder))


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    return values_of(tmp_path_factory.mktemp("truth")).voxels


@pytest.mark.parametrize("syntax", [*LOSSLESS, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_every_lossless_syntax_gives_the_same_voxels(tmp_path, truth, syntax):
    volume = values_of(tmp_path, syntax=syntax)
    assert np.array_equal(volume.voxels, truth)
    assert volume.voxels.dtype == np.int16
    assert not volume.lossy


@pytest.mark.parametrize("syntax", [J2K, HTJ2K, JPEG_LS_NEAR])
def test_lossy_syntaxes_are_near_and_marked(tmp_path, truth, syntax):
    volume = values_of(tmp_path, syntax=syntax)
    assert volume.lossy
    assert "lossy" in volume.findings
    off = np.abs(volume.voxels.astype(int) - truth)
    assert off.max() <= 12, off.max()
    assert off.mean() < 3


@pytest.mark.parametrize(("syntax", "coding"), [("57", LOSSLESS[0]), ("202", HTJ2K_LOSSLESS)])
def test_the_same_coding_under_its_other_name(tmp_path, truth, syntax, coding):
    """Lossless JPEG of any predictor, High-Throughput JPEG 2000 by resolution."""
    for path in ct_series(tmp_path, **SMALL, syntax=coding):
        ds = dcmread(path)
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4." + syntax
        dcmwrite(path, ds)
    volume = load(found_in(tmp_path))
    assert np.array_equal(volume.voxels, truth)
    assert not volume.lossy


@pytest.mark.parametrize(("syntax", "bits"), [("50", 8), ("51", 8), ("51", 12)])
def test_jpeg_of_eight_and_twelve_bits(tmp_path, syntax, bits):
    import imagecodecs

    from tests.factory.encode import set_frames

    y, x = np.mgrid[:16, :20]
    stored = np.stack([(y * 5 + x * 4 + k) * (1 if bits == 8 else 16) for k in range(24)])

    def plain(ds, k):
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = (
            (8 if bits == 8 else 16),
            bits,
            bits - 1,
            0,
        )
        ds.PixelData = stored[k].astype("u1" if bits == 8 else "<u2").tobytes()

    for k, path in enumerate(ct_series(tmp_path, **SMALL, modality="MR", intercept=0, each=plain)):
        ds = dcmread(path)
        frame = stored[k].astype("u1" if bits == 8 else "u2")
        set_frames(ds, [imagecodecs.jpeg8_encode(frame, level=95, bitspersample=bits)])
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4." + syntax
        dcmwrite(path, ds)
    found = found_in(tmp_path)
    volume = load(found)
    assert found.lossy
    assert volume.lossy
    assert np.abs(volume.voxels.astype(int) - stored).max() <= 0.02 * stored.max()


@pytest.mark.parametrize("syntax", [RLE, HTJ2K_LOSSLESS])
def test_frames_of_one_compressed_file(tmp_path, syntax):
    enhanced(tmp_path / "e", syntax=syntax)
    volume = load(found_in(tmp_path))
    lps = volume.geometry.to_lps(np.stack(np.indices(volume.geometry.shape), axis=-1))
    assert np.abs(volume.voxels - scene(lps)).max() <= 0.51


@pytest.mark.parametrize("table", ["none", "basic", "extended"])
@pytest.mark.parametrize("pieces", [1, 3])
def test_fragments_are_told_apart(tmp_path, table, pieces):
    """One stream in several fragments: by either table, or by where streams start."""
    path = enhanced(tmp_path / "e", slices=24, sop_class=ENHANCED_MR)
    plain = load(found_in(tmp_path)).voxels
    ds = dcmread(path)
    frames = np.frombuffer(ds.PixelData, "<u2").reshape(24, ds.Rows, ds.Columns)
    streams = [encode(frame, LOSSLESS[1]) for frame in frames]
    fragments, offsets, at = [], [], 0
    for stream in streams:
        offsets.append(at)
        size = len(stream) // pieces // 2 * 2
        cuts = [*range(0, size * pieces, size)][:pieces]
        for a, b in zip(cuts, [*cuts[1:], len(stream)], strict=True):
            part = stream[a:b] + b"\0" * ((b - a) % 2)
            fragments.append(part)
            at += 8 + len(part)
    raw = encapsulate(fragments, fragments_per_frame=1, has_bot=False)
    if table == "basic":
        raw = raw[:4] + (4 * len(offsets)).to_bytes(4, "little") + np.array(offsets, "<u4").tobytes() + raw[8:]
    if table == "extended":
        ds.ExtendedOffsetTable = np.array(offsets, "<u8").tobytes()
        ds.ExtendedOffsetTableLengths = np.array([len(s) for s in streams], "<u8").tobytes()
    ds.PixelData = raw
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = LOSSLESS[1]
    dcmwrite(path, ds)
    assert np.array_equal(load(found_in(tmp_path)).voxels, plain)


def test_delimiter_bytes_inside_a_stream_end_nothing(tmp_path):
    """The bytes of a sequence delimiter occur inside compressed streams; lengths alone are trusted."""
    path = ct_series(tmp_path, **SMALL, slices=2, syntax=LOSSLESS[1])[0]
    ds = dcmread(path)
    stream = encode(np.frombuffer(bytes(640), "<u2").reshape(16, 20), LOSSLESS[1])
    comment = b"\xff\xfe\x00\x0c\xfe\xff\xdd\xe0\x00\x00\x00\x00\xfe\xff"
    ds.PixelData = encapsulate([stream[:2] + comment + stream[2:]])
    ds["PixelData"].VR = "OB"
    dcmwrite(path, ds)
    pixels = Pixels(read_header(path))
    with path.open("rb", buffering=0) as file:
        assert not pixels.read(file, 0).any()


def test_rescale_with_fractions_is_float(tmp_path):
    volume = values_of(tmp_path, slope=0.25, intercept=-100.0)
    assert volume.voxels.dtype == np.float32
    assert (volume.voxels % 1 == 0.75).any() or (volume.voxels % 1 == 0.25).any()


def test_rescale_that_varies_is_applied_to_each_slice(tmp_path):
    """ITK takes the type from the first file and cuts later fractions off."""

    def finer(ds, k):
        if k == 9:
            ds.RescaleSlope = 0.25
            ds.RescaleIntercept = 25.5

    volume = values_of(tmp_path, each=finer, intercept=0)
    assert volume.voxels.dtype == np.float32
    raw = values_of(tmp_path / "raw", intercept=0).voxels
    assert np.array_equal(volume.voxels[9], raw[9] * np.float32(0.25) + np.float32(25.5))
    assert np.array_equal(volume.voxels[8], raw[8])


def test_values_that_leave_sixteen_bits_become_float(tmp_path):
    def high(ds, k):
        ds.PixelRepresentation = 0
        ds.PixelData = np.full(320, 65535, "<u2").tobytes()

    volume = values_of(tmp_path, each=high, modality="MR", intercept=0)
    assert volume.voxels.dtype == np.float32
    assert (volume.voxels == 65535).all()


def test_unsigned_values_with_an_intercept_fit(tmp_path):
    """Stored 0..64512 with intercept -32768 is int16 all the same."""

    def wide(ds, k):
        ds.PixelRepresentation = 0
        ds.RescaleIntercept = -32768
        ds.PixelData = np.linspace(0, 64512, 320).astype("<u2").tobytes()

    volume = values_of(tmp_path, each=wide)
    assert volume.voxels.dtype == np.int16
    assert (volume.voxels.min(), volume.voxels.max()) == (-32768, 64512 - 32768)


def test_high_bit_above_the_stored_bits_is_shifted(tmp_path, truth):
    def shifted(ds, k):
        stored = np.frombuffer(ds.PixelData, "<i2").astype(int) + 2048
        ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 0, 12, 15
        ds.RescaleIntercept = ds.RescaleIntercept - 2048
        ds.PixelData = ((stored & 0xFFF) << 4).astype("<u2").tobytes()

    volume = values_of(tmp_path, each=shifted)
    assert np.array_equal(volume.voxels, truth)


def test_twelve_signed_bits_with_an_overlay_above(tmp_path):
    rng = np.random.default_rng(3)
    stored = rng.integers(-2048, 2048, (24, 16, 20))

    def overlaid(ds, k):
        words = (stored[k] & 0xFFF) | (rng.integers(0, 2, (16, 20)) << 13)
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 12, 11, 1
        ds.PixelData = words.astype("<u2").tobytes()

    volume = values_of(tmp_path, each=overlaid, intercept=-24.0)
    assert np.array_equal(volume.voxels, stored - 24)


def test_eight_bits(tmp_path):
    stored = np.random.default_rng(4).integers(0, 256, (24, 16, 20))

    def bytes_(ds, k):
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
        ds.PixelData = stored[k].astype("u1").tobytes()

    volume = values_of(tmp_path, each=bytes_, modality="MR", intercept=0)
    assert np.array_equal(volume.voxels, stored)


def test_monochrome1_keeps_its_values(tmp_path, truth):
    """ITK turns 101 into -102; here the display is inverted and the values are kept."""
    volume = values_of(tmp_path, tags={"PhotometricInterpretation": "MONOCHROME1"})
    assert np.array_equal(volume.voxels, truth)
    assert volume.inverted


@pytest.mark.parametrize("written", [63536, -2000])
def test_padding_is_read_in_the_sense_of_the_pixels(tmp_path, written):
    from pydicom.dataelem import DataElement

    def padded(ds, k):
        ds[0x00280120] = DataElement(0x00280120, "US" if written > 0 else "SS", written)

    volume = values_of(tmp_path, each=padded, intercept=-24.0)
    assert volume.padding == (-2024.0, -2024.0)


@pytest.mark.parametrize(
    ("low", "limit", "signed", "bits", "expected"),
    [(2096, None, True, 12, (-2024.0, -2024.0)), (63536, 63486, True, 16, (-2074.0, -2024.0)),
     (0, 10, False, 12, (-24.0, -14.0)), (63536, None, False, 16, (63512.0, 63512.0))],
)  # fmt: skip
def test_a_range_of_padding_and_the_bits_it_is_written_in(tmp_path, low, limit, signed, bits, expected):
    """Limit (0028,0121) may lie on either side; 2096 of 12 signed bits is -2000."""

    def padded(ds, k):
        ds.PixelRepresentation, ds.BitsStored, ds.HighBit = int(signed), bits, bits - 1
        ds.add_new(0x00280120, "US", low)
        if limit is not None:
            ds.add_new(0x00280121, "US", limit)

    assert values_of(tmp_path, each=padded, intercept=-24.0).padding == expected


def test_values_far_beyond_bone_are_kept(tmp_path):
    """Extended scale: metal of 20,000 HU in 16 signed bits is int16 still, and nothing is clipped at 3071."""
    voxels = np.linspace(-8000, 20_000, 24 * 320).round().reshape(24, 16, 20)
    volume = values_of(tmp_path, voxels=voxels)
    assert volume.voxels.dtype == np.int16
    assert np.array_equal(volume.voxels, voxels)


def test_the_private_scale_of_philips_is_noted_not_applied(tmp_path):
    """Values are what the scanner displays (slope and intercept); (2005,100E) is kept beside them."""
    from pydicom.tag import Tag

    def scaled(ds, k):
        block = ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
        block.add_new(0x0D, "FL", 0.0)
        block.add_new(0x0E, "FL", 0.0125)
        assert Tag(0x2005, 0x100E) in ds

    ct_series(tmp_path, **SMALL, modality="MR", slope=2.0, intercept=-500, each=scaled)
    found = found_in(tmp_path)
    assert found.facts["philips_scale"] == pytest.approx(0.0125)
    raw = np.stack([dcmread(f.path).pixel_array for f in found.frames]).astype(float)
    assert np.array_equal(load(found).voxels, raw * 2 - 500)


def test_thirty_two_bits(tmp_path):
    stored = np.random.default_rng(6).integers(-70_000, 70_000, (24, 16, 20))

    def wide(ds, k):
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 32, 32, 31, 1
        ds.PixelData = stored[k].astype("<i4").tobytes()

    volume = values_of(tmp_path, each=wide, modality="MR", intercept=0)
    assert np.array_equal(volume.voxels, stored)


def test_double_float_pixels(tmp_path):
    def doubles(ds, k):
        ds.DoubleFloatPixelData = (np.arange(320, dtype="<f8") / 16 - k).tobytes()
        del ds.PixelData
        ds.BitsAllocated = 64

    volume = values_of(tmp_path, each=doubles, modality="MR", intercept=0)
    assert volume.voxels[3, 0, 5] == 5 / 16 - 3


def test_signed_and_unsigned_files_in_one_series(tmp_path, truth):
    def unsigned(ds, k):
        if k % 2:
            stored = np.frombuffer(ds.PixelData, "<i2").astype(int) + 1000
            ds.PixelRepresentation, ds.RescaleIntercept = 0, -2024
            ds.PixelData = stored.astype("<u2").tobytes()

    assert np.array_equal(values_of(tmp_path, each=unsigned).voxels, truth)


@pytest.mark.parametrize("slopes", [(1.0, 2.0), (0.5, 0.25)])
def test_a_pet_whose_slices_have_each_their_slope(tmp_path, slopes):
    rng = np.random.default_rng(7)
    stored, slope = rng.integers(0, 30_000, (24, 16, 20)), rng.choice(slopes, 24)

    def own(ds, k):
        ds.RescaleSlope = slope[k]
        ds.PixelData = stored[k].astype("<i2").tobytes()

    ct_series(tmp_path, **SMALL, modality="PT", intercept=0, each=own, tags={"Units": "BQML"})
    found = found_in(tmp_path)
    assert "rescale_varies" in {f.code for f in found.findings}
    assert np.array_equal(load(found).voxels, (stored * slope[:, None, None]).astype(np.float32))


def test_windows_of_the_file(tmp_path):
    volume = values_of(tmp_path, tags={"WindowCenter": [40, 300], "WindowWidth": [400, 1500]})
    assert volume.file_windows == ((40.0, 400.0), (300.0, 1500.0))


def test_float_pixels(tmp_path):
    def floats(ds, k):
        ds.FloatPixelData = (np.arange(320, dtype="<f4") / 8 + k).tobytes()
        del ds.PixelData
        ds.BitsAllocated = 32

    volume = values_of(tmp_path, each=floats, modality="MR", intercept=0)
    assert volume.voxels.dtype == np.float32
    assert volume.voxels[3, 0, 5] == pytest.approx(3 + 5 / 8)


def test_stream_facts():
    frame = np.arange(256, dtype="u2").reshape(16, 16)
    from tests.factory.encode import J2K_LOSSLESS, JPEG_LOSSLESS, JPEG_LS

    assert stream_facts(encode(frame, JPEG_LS)) == (16, False)
    assert stream_facts(encode(frame, JPEG_LS_NEAR))[1]
    assert stream_facts(encode(frame, J2K_LOSSLESS)) == (16, False)
    assert stream_facts(encode(frame, J2K))[1]
    assert stream_facts(encode(frame, JPEG_LOSSLESS)) == (16, False)
    assert stream_facts(b"") == (None, False)


def test_the_wanted_slice_comes_first_and_progress_counts(tmp_path):
    ct_series(tmp_path, **SMALL)
    seen = []
    load(found_in(tmp_path), threads=1, first=5, progress=lambda done, of: seen.append((done, of)))
    assert seen[-1] == (24, 24)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)


def test_stop_ends_the_loading(tmp_path):
    ct_series(tmp_path, **SMALL)
    with pytest.raises(Cancelled):
        load(found_in(tmp_path), stop=lambda: True)
    assert not [t for t in threading.enumerate() if t.name.startswith("decode")]


def test_digest_names_voxels_and_place(tmp_path):
    a = values_of(tmp_path / "a")
    b = values_of(tmp_path / "b")
    moved = values_of(tmp_path / "c", centre=(3.0, -5.0, 7.5), voxels=a.voxels)
    assert a.digest == b.digest
    assert len({a.digest, moved.digest}) == 2


def test_identity_is_read_back_from_the_files(tmp_path):
    paths = ct_series(tmp_path, **SMALL)
    found = found_in(tmp_path)
    assert identity_of(found).id == "PH-0001"
    for path in paths:
        ds = dcmread(path)
        ds.PatientID, ds.PatientName = "PH-9999", "OTHER^PERSON"
        dcmwrite(path, ds)
    assert identity_of(found).id == "PH-9999"
    with pytest.raises(InputRefused) as refused:
        load(found)
    assert refused.value.code == "changed"
    assert "PH-" not in refused.value.sentence


def test_a_file_exchanged_since_the_scan_ends_the_loading(tmp_path):
    paths = ct_series(tmp_path, **SMALL)
    found = found_in(tmp_path)
    ds = dcmread(paths[7])
    ds.SOPInstanceUID = generate_uid()
    dcmwrite(paths[7], ds)
    with pytest.raises(InputRefused, match="another one than before"):
        load(found)
    paths[7].unlink()
    with pytest.raises(InputRefused, match="can no longer be read"):
        load(found)


def test_header_of_has_no_pixels(tmp_path):
    path = ct_series(tmp_path, **SMALL)[0]
    ds = header_of(path)
    assert ds.PatientID == "PH-0001"
    assert "PixelData" not in ds


def test_made_data_say_so(tmp_path):
    ct_series(tmp_path / "a", **SMALL, tags={"ImageComments": "SYNTHETIC DATA made by a program."})
    ct_series(tmp_path / "b", **SMALL)
    assert found_in(tmp_path / "a").facts["synthetic"] is True
    assert found_in(tmp_path / "b").facts["synthetic"] is False


@pytest.mark.parametrize("syntax", [LOSSLESS[1], LOSSLESS[2]])
def test_signs_come_from_the_tags_not_from_the_stream(tmp_path, syntax):
    """13 signed bits coded as an unsigned stream: decoders give 0..8191, the truth is -2000..1896."""
    stored = np.linspace(-2000, 1896, 24 * 320).astype(int).reshape(24, 16, 20)

    def unsigned(ds, k):
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 13, 12, 0
        ds.PixelData = (stored[k] & 0x1FFF).astype("<u2").tobytes()

    for path in ct_series(tmp_path, **SMALL, each=unsigned, syntax=syntax, intercept=0):
        ds = dcmread(path)
        ds.PixelRepresentation = 1
        dcmwrite(path, ds)
    assert np.array_equal(load(found_in(tmp_path)).voxels, stored)


def test_a_stream_cut_off_is_no_picture(tmp_path):
    """Decoders fill up what is missing; a frame whose stream does not end is marked instead."""
    path = ct_series(tmp_path, **SMALL, syntax=LOSSLESS[2])[4]
    ds = dcmread(path)
    from tests.factory.encode import set_frames

    frame = np.random.default_rng(1).integers(0, 4000, (16, 20)).astype("<u2")
    stream = encode(frame, LOSSLESS[2])
    set_frames(ds, [stream[: len(stream) * 2 // 3]])
    dcmwrite(path, ds)
    volume = load(found_in(tmp_path))
    assert volume.filled == (4,)
    assert "decode_failed" in volume.findings


def test_no_decodable_image_at_all_is_refused(tmp_path):
    from tests.factory.encode import set_frames

    for path in ct_series(tmp_path, **SMALL, syntax=LOSSLESS[2]):
        ds = dcmread(path)
        set_frames(ds, [b"\xff\x4f nothing \xff\xd9"])
        dcmwrite(path, ds)
    with pytest.raises(InputRefused) as refused:
        load(found_in(tmp_path))
    assert refused.value.code == "decode_failed"


@pytest.mark.parametrize("syntax", [*LOSSLESS, JPEG_LS_NEAR, J2K])
def test_damaged_streams_fail_their_frame_alone(tmp_path, syntax):
    """200 damaged streams of each kind: an array of the right size, or `PixelError`; never anything else."""
    import random

    from tests.factory.encode import set_frames
    from workstation.dicom.decode import PixelError

    rng = random.Random(20260105)
    frame = np.random.default_rng(2).integers(0, 900, (16, 20)).astype("<u2")
    path = _one(tmp_path, syntax)
    ds = dcmread(path)
    plain = encode(frame, syntax)
    failed = 0
    for _ in range(200):
        stream = bytearray(plain)
        for _ in range(rng.choice((1, 2, 6))):
            stream[rng.randrange(len(stream))] = rng.randrange(256)
        set_frames(ds, [bytes(stream)])
        dcmwrite(path, ds)
        pixels = Pixels(read_header(path))
        with path.open("rb", buffering=0) as file:
            try:
                assert pixels.read(file, 0).shape == (16, 20)
            except PixelError:
                failed += 1
    assert failed > 0


def _one(folder: Path, syntax: str) -> Path:
    return ct_series(folder, rows=16, columns=20, slices=1, syntax=syntax)[0]


def test_a_panic_of_a_decoder_is_no_end(tmp_path):
    """Run lengths that point outside: the header of RLE is checked before any decoder sees it."""
    from tests.factory.encode import set_frames
    from workstation.dicom.decode import PixelError

    path = _one(tmp_path, RLE)
    ds = dcmread(path)
    good = encode(np.zeros((16, 20), "<u2"), RLE)
    for count, starts in ((2, (64, 9999)), (2, (64, 64)), (2, (70, 90)), (16, (64, 66)), (0, (64, 66))):
        header = count.to_bytes(4, "little") + b"".join(v.to_bytes(4, "little") for v in starts)
        set_frames(ds, [header.ljust(64, b"\0") + good[64:]])
        dcmwrite(path, ds)
        pixels = Pixels(read_header(path))
        with path.open("rb", buffering=0) as file, pytest.raises(PixelError):
            pixels.read(file, 0)


def padded_halves(folder, *, slices=24, slope=None, pad=None, real=None, signed=True):
    """Slice k pads its left half with `pad(k)` stored; its right half holds `real(k)` stored."""

    def each(ds, k):
        stored = np.empty((16, 20), "<i2" if signed else "<u2")
        stored[:, :10], stored[:, 10:] = 0 if pad(k) is None else pad(k), real(k)
        ds.PixelRepresentation = int(signed)
        ds.PixelData = stored.tobytes()
        if slope is not None:
            ds.RescaleSlope, ds.RescaleIntercept = slope(k)
        if pad(k) is not None:
            ds.add_new(0x00280120, "SS" if signed else "US", pad(k))

    return values_of(folder, slices=slices, modality="MR", intercept=0, each=each)


def padded(volume):
    low, high = volume.padding
    return (volume.voxels >= low) & (volume.voxels <= high)


def test_padding_that_differs_from_slice_to_slice_spans_them_all(tmp_path):
    """One stored value, a scaling of each slice's own (PET): -32768 is another value each time; no voxel is touched."""
    slopes = [1.0 + k for k in range(24)]
    volume = padded_halves(tmp_path, slope=lambda k: (slopes[k], 0), pad=lambda k: -3000, real=lambda k: 100 + k)
    assert volume.padding == (-72_000.0, -3000.0)
    assert np.array_equal(volume.voxels[:, 0, 0], [-3000 * s for s in slopes])
    assert np.array_equal(padded(volume), np.broadcast_to(np.arange(20) < 10, (24, 16, 20)))


@pytest.mark.parametrize("signed", [True, False])
def test_padding_of_one_slice_may_be_a_value_of_another(tmp_path, signed):
    """Every other slice pads with 0, the others with 4095; both are also seen inside: what is outside gets one."""
    volume = padded_halves(tmp_path, signed=signed, pad=lambda k: 4095 * (k % 2), real=lambda k: 4095 * ((k + 1) % 2))
    assert volume.voxels.dtype == np.int16
    assert np.array_equal(padded(volume), np.broadcast_to(np.arange(20) < 10, (24, 16, 20)))
    assert np.array_equal(volume.voxels[:, 3, 15], [4095 * ((k + 1) % 2) for k in range(24)])


def test_a_slice_that_declares_no_padding_has_none(tmp_path):
    volume = padded_halves(tmp_path, pad=lambda k: None if k == 7 else 0, real=lambda k: 5)
    outside = padded(volume)
    assert not outside[7].any()
    assert outside[6, :, :10].all()
    assert volume.voxels[7, 0, 0] == 0
    first = padded_halves(tmp_path / "0", pad=lambda k: None if k == 0 else -9, real=lambda k: 5)
    assert first.padding == (-9.0, -9.0)


def test_where_sixteen_bits_leave_no_value_for_padding(tmp_path):
    volume = padded_halves(
        tmp_path, pad=lambda k: 32_767 * (k % 2), real=lambda k: (-32_768, 0 if k % 2 else 32_767)[k // 2 % 2]
    )
    assert volume.voxels.dtype == np.float32
    assert np.array_equal(padded(volume), np.broadcast_to(np.arange(20) < 10, (24, 16, 20)))
    assert set(np.unique(volume.voxels[:, :, 10:])) == {-32_768.0, 0.0, 32_767.0}


def test_padding_of_frames_with_a_scaling_of_their_own(tmp_path):
    def each(item, k, t):
        transform = Dataset()
        transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = 1 + k % 2, 0, "US"
        item.PixelValueTransformationSequence = [transform]

    path = enhanced(tmp_path / "e", slices=24, sop_class=ENHANCED_MR, intercept=0, each=each)
    ds = dcmread(path)
    del ds.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    stored = np.full((24, ds.Rows, ds.Columns), 7, "<i2")
    stored[:, :, :8] = -5000
    ds.PixelData = stored.tobytes()
    ds.add_new(0x00280120, "SS", -5000)
    dcmwrite(path, ds)
    volume = load(found_in(tmp_path))
    assert volume.padding == (-10_000.0, -5000.0)
    assert np.array_equal(padded(volume), np.broadcast_to(np.arange(ds.Columns) < 8, stored.shape))


@pytest.mark.parametrize(("bits", "signed"), [(32, True), (32, False), (64, True)])
def test_wide_integers_whose_values_fit_are_sixteen_bits(tmp_path, bits, signed):
    """32 allocated bits say nothing of the values; also where the intercept alone brings them into the range."""
    shift = 100_000 if signed else 3_000_000_000
    stored = np.random.default_rng(6).integers(-32_768, 32_768, (24, 16, 20)) + shift
    stored[0, 0, 0], stored[0, 0, 1] = shift - 32_768, shift + 32_767

    def wide(ds, k):
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
        ds.PixelRepresentation, ds.RescaleIntercept = int(signed), -shift
        ds.PixelData = stored[k].astype(f"<{'i' if signed else 'u'}{bits // 8}").tobytes()

    volume = values_of(tmp_path, each=wide, modality="MR", intercept=0)
    assert volume.voxels.dtype == np.int16
    assert np.array_equal(volume.voxels, stored - shift)


def test_wide_integers_that_leave_the_range_in_one_slice_alone(tmp_path):
    def wide(ds, k):
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 32, 32, 31, 1
        ds.PixelData = np.full(320, 65_536 + k if k == 20 else k, "<i4").tobytes()

    volume = values_of(tmp_path, each=wide, modality="MR", intercept=0)
    assert volume.voxels.dtype == np.float32
    assert (volume.voxels[20, 0, 0], volume.voxels[3, 0, 0]) == (65_556.0, 3.0)


def test_one_bit_a_pixel(tmp_path):
    """Old masks: 323 bits a slice, which fill no whole byte."""
    stored = np.random.default_rng(8).integers(0, 2, (24, 17, 19))

    def packed(ds, k):
        ds.Rows, ds.Columns = 17, 19
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 1, 1, 0, 0
        bits = np.packbits(stored[k].ravel(), bitorder="little").tobytes()
        ds.PixelData = bits + b"\0" * (len(bits) % 2)

    volume = values_of(tmp_path, each=packed, modality="MR", intercept=0)
    assert np.array_equal(volume.voxels, stored)
