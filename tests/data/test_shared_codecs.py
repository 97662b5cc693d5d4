"""The same pixels in many transfer syntaxes, decoded alike; broken files give words."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from workstation.dicom.decode import PixelError, Pixels
from workstation.dicom.header import NotDicom, read_header
from workstation.dicom.scan import scan

pytestmark = pytest.mark.shared


def stored(path: Path) -> tuple[np.ndarray, Pixels]:
    pixels = Pixels(read_header(path))
    with path.open("rb", buffering=0) as file:
        frames = np.stack([pixels.read(file, k) for k in range(pixels.frames)])
    return frames, pixels


def sha(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, "<i4").tobytes()).hexdigest()[:12]


def files(folder: Path, *words: str) -> list[Path]:
    found = [p for p in sorted(folder.rglob("*")) if p.is_file() and all(w.lower() in str(p).lower() for w in words)]
    assert found, words
    return found


EXACT = [
    ("CT1", ("J2KR", "JLSL", "JPLL", "RLE"), "824141bed775"),
    ("NM1", ("JPLL", "RLE"), "b364d556a70a"),
]


@pytest.mark.parametrize(("group", "kinds", "digest"), EXACT)
def test_lossless_syntaxes_agree_bit_by_bit(shared_series, group, kinds, digest):
    folder = shared_series("codecs_single")
    for kind in kinds:
        (path,) = files(folder, group, kind)
        assert sha(stored(path)[0]) == digest, kind


def test_lossy_syntaxes_are_near_and_say_so(shared_series):
    folder = shared_series("codecs_single")
    original, _ = stored(files(folder, "CT1", "JPLL")[0])
    near, pixels = stored(files(folder, "CT1", "JLSN")[0])
    assert (near.min(), near.max()) == (-2004, 2278)
    assert np.abs(near.astype(int) - original).max() <= 4
    assert pixels.lossy_stream
    irreversible, pixels = stored(files(folder, "CT1", "J2KI")[0])
    assert (irreversible.min(), irreversible.max()) == (-2315, 2409)
    assert pixels.lossy_stream


def test_twelve_bit_jpeg(shared_series):
    folder = shared_series("codecs_single")
    for path in (*files(folder, "NM1", "JPLY"), *files(folder, "JPGExtended")):
        values, _ = stored(path)
        assert (values.min(), values.max()) == (0, 264)
        assert values.mean() == pytest.approx(14.37, abs=0.02)


@pytest.mark.parametrize(("group", "digest"), [("MR_small", "b8d9a6cee6ff"), ("emri_small", "8be61098d494")])
def test_every_encoding_of_the_small_files(shared_series, group, digest):
    paths = [p for p in files(shared_series("codecs_single"), group) if "too_short" not in p.name]
    assert len(paths) >= 5
    for path in paths:
        assert sha(stored(path)[0]) == digest, path.name


@pytest.mark.parametrize(
    ("word", "shape", "digest"),
    [("image_dfl", (1, 512, 512), "3ae25f749a71"), ("HTJ2KLossless_08_RGB", (1, 480, 640, 3), "fd951b533e04"),
     ("JLSL_16_15_1_1F", None, "83aca7c96e39")],
)  # fmt: skip
def test_single_files(shared_series, word, shape, digest):
    (path,) = files(shared_series("codecs_single"), word)
    values, _ = stored(path)
    assert shape is None or values.shape == shape
    assert sha(values) == digest


def test_ranges_of_the_others(shared_series):
    folder = shared_series("codecs_single")
    near, _ = stored(files(folder, "JPEGLSNearLossless_16")[0])
    assert (near.min(), near.max()) == (0, 65535)
    signed, _ = stored(files(folder, "JLSL_16_15_1_1F")[0])
    assert (signed.min(), signed.max()) == (-16384, 16383)
    small, pixels = stored(files(folder, "CT_small")[0])
    rescaled = small.astype(int) + int(pixels.header.number(0x00281052))
    assert (rescaled.min(), rescaled.max()) == (-896, 1167)


def test_broken_files_are_words_not_crashes(shared_series, tmp_path):
    folder = shared_series("codecs_single")
    (short,) = files(folder, "too_short")  # only the closing delimiter is missing: every frame is whole
    assert sha(stored(short)[0]) == "8be61098d494"
    cut_short = tmp_path / "cut"
    cut_short.write_bytes(short.read_bytes()[:-100])
    pixels = Pixels(read_header(cut_short))
    with cut_short.open("rb", buffering=0) as file, pytest.raises(PixelError):
        pixels.read(file, 9)
    (cut,) = files(folder, "MR_truncated")
    assert read_header(cut).truncated
    with pytest.raises(NotDicom):
        read_header(files(folder, "no_meta")[0])
    result = scan([cut.parent])
    assert {f.code for f in result.findings} >= {"truncated", "not_dicom"}
    assert result.skipped == 2


def test_frames_without_groups_have_no_place(shared_series):
    result = scan([files(shared_series("codecs_single"), "emri_small")[0]])
    (series,) = result.studies[0].series
    assert series.volumes == ()
    assert "geometry_missing" in {f.code for f in series.findings}
