"""Random places, fragments and private headers: a right-handed finite grid, or words; never an exception."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factory.enhanced import csa_header
from tests.factory.series import ct_series
from workstation.dicom import tags as el
from workstation.dicom.fragments import FragmentError, find_streams
from workstation.dicom.header import Header
from workstation.dicom.images import image_of
from workstation.dicom.load import load
from workstation.dicom.mosaic import read_csa
from workstation.dicom.scan import scan
from workstation.dicom.series import series_found

FAST = settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
NUMBER = st.floats(-2000, 2000, allow_nan=False) | st.sampled_from([0.0, 1.0, 1e-9, 1e12, float("nan")])


def header(k: int, position: list[float], orientation: list[float], spacing: list[float]) -> Header:
    def text(values: list[float]) -> bytes:
        return "\\".join(f"{v:.6g}" for v in values).encode()

    tags = {
        el.SOP_CLASS: (b"UI", b"1.2.840.10008.5.1.4.1.1.2"),
        el.SOP_UID: (b"UI", f"1.2.{k + 1}".encode()),
        el.MODALITY: (b"CS", b"CT"),
        el.ROWS: (b"US", struct.pack("<H", 64)),
        el.COLUMNS: (b"US", struct.pack("<H", 64)),
        el.IPP: (b"DS", text(position)),
        el.IOP: (b"DS", text(orientation)),
        el.PIXEL_SPACING: (b"DS", text(spacing)),
        el.INSTANCE_NUMBER: (b"IS", str(k).encode()),
    }
    return Header(Path(f"missing-{k}"), tags, None, "1.2.840.10008.1.2.1", 1000, little=True)


@FAST
@given(
    st.lists(st.tuples(NUMBER, NUMBER, NUMBER), min_size=1, max_size=30),
    st.lists(NUMBER, min_size=6, max_size=6) | st.just([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
    st.lists(st.floats(-1, 20), min_size=2, max_size=2),
)
def test_random_places_give_a_right_grid_or_a_finding(positions, orientation, spacing):
    headers = [header(k, list(p), orientation, spacing) for k, p in enumerate(positions)]
    series = series_found("1.2.3", headers)
    for volume in series.volumes:
        affine = volume.geometry.affine_lps
        assert np.isfinite(affine).all()
        assert np.linalg.det(affine[:3, :3]) < 0
        distances = [float(volume.geometry.normal_lps @ np.array(f.position_lps_mm)) for f in volume.frames if f]
        assert distances == sorted(distances)
    assert series.volumes or series.findings


@FAST
@given(st.lists(st.integers(0, 400), min_size=2, max_size=60), st.integers(0, 2**32))
def test_random_distances_keep_every_slice_at_its_place(gaps, seed):
    """Whatever the gaps: each image's place is where the volume says it is, within 5 % of the gap."""
    z = np.cumsum([0, *gaps]) / 100.0
    order = np.random.default_rng(seed).permutation(len(z))
    headers = [header(int(k), [1.0, 2.0, float(z[k])], [1, 0, 0, 0, 1, 0], [0.7, 0.7]) for k in order]
    for volume in series_found("1.2.3", headers).volumes:
        g = volume.geometry.spacing_mm[0]
        for k, frame in enumerate(volume.frames):
            if frame is None:
                continue
            place = volume.positions_lps[k] if volume.positions_lps else volume.geometry.to_lps((k, 0, 0))
            assert np.abs(np.array(frame.position_lps_mm) - place).max() <= max(
                0.051, 0.051 * g, 0.21 * g * bool(volume.filled)
            )


@FAST
@given(st.binary(max_size=300), st.integers(1, 5))
def test_random_fragments(data, frames):
    try:
        streams = find_streams(io.BytesIO(data), 0, len(data), frames)
    except FragmentError:
        return
    assert len(streams.frames) == frames


@FAST
@given(st.lists(st.binary(min_size=0, max_size=40), min_size=1, max_size=6), st.data())
def test_damaged_fragments(parts, data):
    raw = b"\xfe\xff\x00\xe0\0\0\0\0" + b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(p)) + p for p in parts)
    cut = data.draw(st.integers(0, len(raw)))
    try:
        streams = find_streams(io.BytesIO(raw[:cut]), 0, cut, 1)
    except FragmentError:
        return
    joined = b"".join(parts)
    assert joined.startswith(streams.read(io.BytesIO(raw[:cut]), 0))


@FAST
@given(st.binary(max_size=400))
def test_random_private_headers(data):
    with pytest.raises((ValueError, struct.error)):
        read_csa(b"SV09" + data)
    try:
        found = read_csa(b"SV10" + data)
    except (ValueError, struct.error):
        return
    assert isinstance(found, dict)


def test_private_header_round_trip():
    assert read_csa(csa_header({"A": ["1", "2.5"], "Normal": ["0", "0", "1"]})) == {
        "A": ["1", "2.5"], "Normal": ["0", "0", "1"],
    }  # fmt: skip


@FAST
@given(st.binary(max_size=30).filter(lambda b: True))
def test_random_numbers_and_times(raw):
    h = header(0, [0, 0, 0], [1, 0, 0, 0, 1, 0], [1, 1])
    for tag in (el.IPP, el.THICKNESS, el.ACQUISITION_TIME, el.ROWS, el.PATIENT_NAME):
        vr = {el.ROWS: b"US", el.ACQUISITION_TIME: b"TM", el.PATIENT_NAME: b"PN"}.get(tag, b"DS")
        h.tags[tag] = (vr, raw)
        h.numbers(tag)
        h.text(tag)
    image_of(h)


@pytest.mark.parametrize("word", ["axial", "coronal", "oblique"])
def test_simpleitk_sees_the_same_voxels_in_the_same_places(tmp_path, word):
    """Parity where the peer is right: a regular, untilted series."""
    sitk = pytest.importorskip("SimpleITK")
    orientation = {
        "axial": (1, 0, 0, 0, 1, 0), "coronal": (1, 0, 0, 0, 0, -1), "oblique": (0.8, 0.6, 0, -0.36, 0.48, 0.8),
    }[word]  # fmt: skip
    ct_series(tmp_path, rows=16, columns=20, spacing=(2.0, 0.8, 1.1), orientation=orientation)
    (found,) = scan([tmp_path]).studies[0].series[0].volumes
    volume = load(found)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    image = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(image), volume.voxels)
    for k, r, c in ((0, 0, 0), (23, 0, 0), (0, 15, 0), (5, 7, 19)):
        assert volume.geometry.to_lps((k, r, c)) == pytest.approx(
            image.TransformIndexToPhysicalPoint((c, r, k)), abs=1e-4
        )


def test_slow_media_are_read_by_several_threads(tmp_path, monkeypatch):
    import threading

    from workstation.dicom import scan as module

    ct_series(tmp_path, rows=8, columns=8, slices=60)
    names = set()
    plain = module.read_header

    def slow(path, alike):
        names.add(threading.current_thread().name)
        return plain(path, alike)

    monkeypatch.setattr(module, "read_header", slow)
    monkeypatch.setattr(module, "_SLOW_SECONDS", -1.0)
    result = scan([tmp_path])
    assert result.studies[0].series[0].images == 60
    assert any(name.startswith("scan") for name in names)
