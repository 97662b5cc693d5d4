"""Decoding in child processes: the same voxels; what crashes, eats memory or hangs takes down one frame alone."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tests.factory.encode import J2K, JPEG_LOSSLESS, JPEG_LS, RLE
from tests.factory.series import ct_series
from workstation.base.errors import InputRefused
from workstation.dicom import decode, isolated
from workstation.dicom.isolated import Decoders, Isolation, isolation_of
from workstation.dicom.load import load
from workstation.dicom.scan import scan

VOXELS = np.random.default_rng(5).integers(-900, 2000, (24, 16, 16)).astype(np.int16)

# A child whose decoder does something bad where the stream says so: its second last byte before the end mark.
BAD = """
import os, sys, time
from workstation.dicom import decoders, isolated
real = decoders.decode_stream
def bad(data, *rest):
    mark = data[-1:]
    if mark == b'C': os.abort()
    if mark == b'M':
        hoard = []
        while True: hoard.append(bytearray(16_000_000))
    if mark == b'H': time.sleep(600)
    if mark == b'X': os.write(1, b'nonsense' * 40)
    return real(data, *rest)
decoders.decode_stream = bad
isolated.serve(int(sys.argv[1]))
"""


def only(folder):
    (found,) = scan([folder]).studies[0].series[0].volumes
    return found


@pytest.fixture
def children(monkeypatch):
    made = []

    def use(**options):
        children = Decoders(Isolation(**options))
        made.append(children)
        monkeypatch.setattr(isolated, "decoders_of_site", lambda: children)
        return children

    yield use
    for each in made:
        each.close()


@pytest.mark.parametrize("syntax", [JPEG_LS, J2K, RLE, JPEG_LOSSLESS])
def test_the_same_voxels_as_in_this_process(tmp_path, children, syntax):
    ct_series(tmp_path, voxels=VOXELS, rows=16, columns=16, syntax=syntax)
    plain = load(only(tmp_path))
    used = children()
    apart = load(only(tmp_path))
    assert np.array_equal(plain.voxels, apart.voxels)
    assert plain.digest == apart.digest
    assert len(used._idle) in (1, 2)  # one for each thread, kept


def test_what_a_decoder_does_wrong_costs_its_frame_alone(tmp_path, children, monkeypatch):
    """A crash, a memory eater, one that hangs and one that answers nonsense, among good frames."""
    ct_series(tmp_path, voxels=VOXELS, rows=16, columns=16, syntax=JPEG_LS)
    marks = {3: b"C", 9: b"M", 12: b"H", 18: b"X"}
    found = only(tmp_path)
    uids = {found.frames[k].sop_uid: mark for k, mark in marks.items()}
    real = decode.Pixels._stream
    monkeypatch.setattr(
        decode.Pixels, "_stream", lambda self, file, frame: real(self, file, frame) + uids.get(self.header.sop_uid, b"")
    )
    children(memory=200_000_000, seconds=4.0, command=(sys.executable, "-c", BAD))
    volume = load(found)
    assert volume.filled == tuple(sorted(marks))
    assert "decode_failed" in volume.findings
    good = [k for k in range(24) if k not in marks]
    assert np.array_equal(volume.voxels[good], VOXELS[good])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory limits of a process are POSIX's")
def test_a_stream_that_asks_for_gigabytes_is_refused(children):
    """A JPEG-LS header that claims 65,535 x 65,535: the child may not have that much, and lives on."""
    from tests.factory.encode import encode

    used = children(memory=100_000_000)
    frame = VOXELS[0].view(np.uint16)
    good = encode(frame, JPEG_LS)
    assert np.array_equal(used.decode(good, JPEG_LS, 16, 16, 16), frame)
    claimed = bytearray(good)
    at = claimed.index(b"\xff\xf7")
    claimed[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(ValueError, match=r"^$|refuses"):
        used.decode(bytes(claimed), JPEG_LS, 65_535, 65_535, 16)
    assert np.array_equal(used.decode(good, JPEG_LS, 16, 16, 16), frame)


def test_the_site_file_turns_it_on(tmp_path, own_home):
    ct_series(tmp_path, voxels=VOXELS, rows=16, columns=16, syntax=JPEG_LS)
    assert isolated.decoders_of_site() is None
    (own_home / "site.toml").write_text("[intake]\nisolated_decoding = true\ndecoder_memory_mb = 300\n")
    used = isolated.decoders_of_site()
    assert used is not None
    assert used.isolation.memory == 300_000_000
    assert np.array_equal(load(only(tmp_path)).voxels, VOXELS)
    assert len(used._idle) >= 1
    (own_home / "site.toml").write_text("[intake]\nisolated_decoding = false\n")
    assert isolated.decoders_of_site() is None
    assert len(used._idle) == 0  # its children are gone


@pytest.mark.parametrize(
    "text",
    ["[intake", "[intake]\nisolated_decoding = 1", "[intake]\nisolated_decoding = true\ndecoder_memory_mb = 2",
     "[intake]\nisolated_decoding = true\ndecoder_seconds = 'long'"],
)  # fmt: skip
def test_a_setting_that_cannot_be_read_decodes_nothing(tmp_path, text):
    (tmp_path / "site.toml").write_text(text)
    with pytest.raises(InputRefused) as refused:
        isolation_of(tmp_path / "site.toml")
    assert refused.value.code == "site"
