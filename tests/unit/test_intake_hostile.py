"""What was made to do harm, and what breaks while it is read: each in a child that may neither hang nor grow."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.factory.encode import RLE
from tests.factory.enhanced import enhanced, mosaic
from tests.factory.series import ct_series
from tests.unit.test_intake_findings import directory
from workstation.dicom import scan as scan_module
from workstation.dicom import unpacked, zipped
from workstation.dicom.find import Found, find_files
from workstation.dicom.header import NotDicom, Unreadable, deflated_offset, read_header
from workstation.dicom.load import header_of
from workstation.dicom.scan import scan

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"rows": 8, "columns": 8}
POSIX = pytest.mark.skipif(os.name != "posix", reason="pipes and limits of the address space are POSIX's")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the address space is told by /proc")
NEST = b"\x54\x00\x16\x00SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"

CHILD = """
import json, resource, sys
from pathlib import Path
from workstation.dicom.scan import scan
from workstation.dicom.load import load
from workstation.base.errors import InputRefused
import numpy, imagecodecs, pydicom
imagecodecs.jpegls_decode; imagecodecs.dicomrle_decode
pages = int(Path('/proc/self/statm').read_text().split()[0])
most = pages * resource.getpagesize() + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
told = []
images = 0
result = scan([Path(p) for p in sys.argv[2:]])
told += [[f.code, f.sentence] for f in result.findings]
for study in result.studies:
    for series in study.series:
        images += series.images
        told += [[f.code, f.sentence] for f in series.findings]
        for found in series.volumes:
            try:
                load(found)
            except InputRefused as refusal:
                told.append([refusal.code, refusal.sentence])
clashes = sum(f.files for f in result.findings if f.code == 'uid_clash')
print(json.dumps({'files': result.files, 'images': images, 'clashes': clashes, 'told': told}))
"""


def in_a_child(*paths: Path, memory: int = 500_000_000, seconds: float = 120) -> dict:
    """Scan and load in a process that may grow by so much, under a watchdog; what it found."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(memory), *map(str, paths)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr.decode()[-1500:]
    found = json.loads(done.stdout)
    assert not [s for _, s in found["told"] if "fault of the program" in s]
    return found


# --- special files, endless lengths -------------------------------------------------------------------------------


@LINUX
def test_pipes_sockets_and_devices_are_never_opened(tmp_path):
    """A pipe nobody writes to, a socket, links to devices that never end: in a folder, named, and by a DICOMDIR."""
    ct_series(tmp_path / "a", **SMALL, slices=24)
    os.mkfifo(tmp_path / "a" / "pipe")
    (tmp_path / "a" / "zero").symlink_to("/dev/zero")
    (tmp_path / "a" / "tty").symlink_to("/dev/tty")
    directory(tmp_path / "a", [["PIPE"], ["ZERO"], ["SOCK"]])
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(tmp_path / "a", os.O_RDONLY)
        try:
            listening.bind(f"/proc/self/fd/{here}/sock")  # a path short enough for a socket
        finally:
            os.close(here)
        found = in_a_child(tmp_path / "a", tmp_path / "a" / "pipe", tmp_path / "a" / "DICOMDIR")
    assert found["files"] == 25  # the images and the directory
    assert found["images"] == 24
    assert [code for code, _ in found["told"] if code.startswith("dicomdir")] == ["dicomdir_missing"]


@POSIX
def test_a_file_that_has_become_a_pipe_does_not_hang(tmp_path):
    """Between the listing and the opening: nobody waits for a writer."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises((NotDicom, Unreadable, OSError)):
        read_header(tmp_path / "pipe")


@LINUX
def test_nesting_and_lengths_without_end(tmp_path):
    """Ten thousand levels, sequences never closed, lengths of 4 GB, in three encodings and in a DICOMDIR."""
    for k, syntax in enumerate(("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99")):
        path = ct_series(tmp_path / f"s{k}", **SMALL, slices=1, syntax=syntax, label=f"s{k}", series=f"s{k}")[0]
        raw = path.read_bytes()
        start = deflated_offset(path)
        data = zlib.decompress(raw[start:], -15) if syntax.endswith("99") else raw[start:]
        implicit = syntax.endswith("1.2")
        nest = NEST[:4] + NEST[8:] if implicit else NEST
        at = data.index(b"\x28\x00\x02\x00")
        unknown = b"\x21\x00\x10\x10" + (b"" if implicit else b"UN\0\0") + b"\xf0\xff\xff\xff"
        for name, made in {
            "deep": nest * 10_000,
            "open": nest,
            "long": unknown,
            "private": b"\x21\x00\x10\x10" + (b"" if implicit else b"UN\0\0") + b"\xff\xff\xff\xff",
        }.items():
            whole = data[:at] + made + data[at:]
            if syntax.endswith("99"):
                packer = zlib.compressobj(9, zlib.DEFLATED, -15)
                whole = packer.compress(whole) + packer.flush()
            (path.parent / name).write_bytes(raw[:start] + whole)
    disc = tmp_path / "disc"
    disc.mkdir()
    made = directory(disc, [["GONE"]])
    plain = made.read_bytes()
    at = plain.index(b"\x04\x00\x20\x12")
    (disc / "DICOMDIR").write_bytes(plain[:at] + NEST * 10_000 + plain[at:])
    found = in_a_child(tmp_path)
    assert found["files"] == 16
    assert found["images"] == 3
    assert {"unreadable", "truncated", "dicomdir_missing"} <= {code for code, _ in found["told"]}


@LINUX
def test_damaged_files_of_every_kind_neither_hang_nor_grow(tmp_path):
    """A thousand files with flipped bits, cuts, foreign tags and doubled parts: 300 MB and a watchdog."""
    rng = random.Random(12)
    sources = [ct_series(tmp_path / f"k{k}", **SMALL, slices=1, syntax=syntax)[0].read_bytes()
               for k, syntax in enumerate(("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2",
                                           "1.2.840.10008.1.2.1.99", RLE))]  # fmt: skip
    sources.append(enhanced(tmp_path / "e", slices=4, rows=8, columns=8).read_bytes())
    sources.append(mosaic(tmp_path / "m", slices=4, rows=8, columns=8).read_bytes())
    folder = tmp_path / "damaged"
    folder.mkdir()
    for k in range(1000):
        raw = bytearray(sources[k % len(sources)])
        for _ in range(rng.choice((1, 2, 8, 64))):
            at = rng.randrange(128, len(raw))
            what = rng.randrange(5)
            if what == 0:
                raw[at] ^= 1 << rng.randrange(8)
            elif what == 1:
                raw[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\xfe\xff\xff\x7f", b"\0\0\0\0"))
            elif what == 2:
                raw[at:at] = struct.pack("<HH", rng.randrange(65536), rng.randrange(65536)) + rng.choice((b"UN", b"SQ"))
            elif what == 3:
                raw[at:at] = raw[at : at + rng.randrange(200)]
            elif len(raw) > 400:
                del raw[at : at + rng.randrange(50)]
        (folder / f"{k:04d}").write_bytes(bytes(raw))
    found = in_a_child(folder, memory=300_000_000, seconds=300)
    assert found["files"] == 1000
    assert found["images"] + found["clashes"] > 200, "most of them must be read as images to prove anything"


# --- archives -----------------------------------------------------------------------------------------------------


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def unpack(path: Path, **named) -> tuple[Found, list[str]]:
    found = Found()
    zipped.unpack(path, found, **named)
    return found, [f.code for f in found.findings]


def test_archives_inside_share_the_limit_of_the_whole(tmp_path, monkeypatch):
    """Ten archives of 1 MB each inside one: together they may not be more than the outer one may."""
    monkeypatch.setattr(zipped, "_FLOOR", 3_000_000)
    monkeypatch.setattr(zipped, "_RATIO", 1)
    inner = packed({"x": bytes(1_000_000)})
    (tmp_path / "z.zip").write_bytes(packed({f"{n}.zip": inner for n in range(10)}))
    found, codes = unpack(tmp_path / "z.zip")
    assert codes == ["archive_limit"]
    held = sum(p.stat().st_size for p in Path(found.keep[0].name).rglob("*") if p.is_file())
    assert held <= 3_100_000
    monkeypatch.setattr(zipped, "MOST_ENTRIES", 5)
    (tmp_path / "many.zip").write_bytes(packed({f"{n}.zip": packed({"a": b"", "b": b""}) for n in range(3)}))
    _, codes = unpack(tmp_path / "many.zip")
    assert codes == ["archive_limit"]


def test_a_list_of_entries_is_not_read_whole_before_it_is_measured(tmp_path, monkeypatch):
    """Millions of entries make a list of gigabytes; it is refused by its length."""
    (tmp_path / "z.zip").write_bytes(packed({f"name-{n:050d}": b"" for n in range(2000)}))
    monkeypatch.setattr(zipped, "_LARGEST_INDEX", 100_000)
    found, codes = unpack(tmp_path / "z.zip")
    assert codes == ["archive_limit"]
    assert found.files == []


def test_a_disk_without_room_is_said_and_the_rest_is_kept(tmp_path, monkeypatch):
    ct_series(tmp_path / "a", **SMALL, slices=24)
    (tmp_path / "z.zip").write_bytes(packed({p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()}))
    monkeypatch.setattr(zipped.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10_000))
    monkeypatch.setattr(zipped, "_SPARE", 1000)
    result = scan([tmp_path / "z.zip"])
    assert [f.code for f in result.findings] == ["archive_no_space"]
    assert 0 < result.studies[0].series[0].images < 24


def test_what_can_be_read_of_a_mixed_archive_is_read(tmp_path):
    """One entry locked, one damaged, one packed in an unknown way, the others whole; sizes beyond 4 GB in its form."""
    paths = ct_series(tmp_path / "a", **SMALL, slices=24)
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths[:21]:
            with archive.open(path.name, "w", force_zip64=True) as out:
                out.write(path.read_bytes())
        for path in paths[21:]:
            archive.write(path, path.name)
        places = [e.header_offset for e in archive.infolist()]
    raw = bytearray((tmp_path / "z.zip").read_bytes())
    central = [k for k in range(len(raw)) if raw[k : k + 4] == b"PK\x01\x02"]
    raw[places[21] + 6] |= 1
    raw[central[21] + 8] |= 1
    raw[places[22] + 60] ^= 0xFF  # the checksum no longer fits
    raw[central[23] + 10 : central[23] + 12] = b"\x63\x00"
    (tmp_path / "z.zip").write_bytes(bytes(raw))
    result = scan([tmp_path / "z.zip"])
    assert result.studies[0].series[0].images == 21
    sentences = sorted(f.sentence for f in result.findings)
    assert len(sentences) == 3
    assert any("password" in s for s in sentences)
    assert any("damaged" in s for s in sentences)
    assert any("unusual" in s for s in sentences)


@LINUX
def test_a_dictionary_of_4_gb_takes_no_memory(tmp_path):
    """LZMA names the size of its dictionary itself."""
    ct_series(tmp_path, **SMALL, slices=24)
    raw = bytearray(packed({"x": bytes(100_000)}, zipfile.ZIP_LZMA))
    at = raw.index(b"\x09\x04\x05\x00")  # version, and that 5 bytes of properties follow
    raw[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    (tmp_path / "z.zip").write_bytes(bytes(raw))
    found = in_a_child(tmp_path, memory=300_000_000)
    assert found["images"] == 24


def test_unpacking_ends_when_the_person_stops_it(tmp_path):
    (tmp_path / "z.zip").write_bytes(packed({f"{n}": bytes(2_000_000) for n in range(20)}))
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 5

    found, codes = unpack(tmp_path / "z.zip", stop=stop)
    assert codes == []
    assert len(asked) == 6
    assert (found.files, found.keep) == ([], [])  # and nothing of a patient stays in the temporary folder


@POSIX
def test_what_a_killed_program_had_unpacked_is_removed_by_the_next(tmp_path, monkeypatch):
    """Images of patients must not stay in the temporary folder; those of a program that lives stay."""
    monkeypatch.setattr(unpacked, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    living = unpacked.Unpacked()
    code = (
        "import os, signal, tempfile\n"
        "from workstation.dicom.unpacked import Unpacked\n"
        "folder = Unpacked()\n"
        "open(folder.name + '/000000', 'w').write('image')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}, check=False
    )
    (tmp_path / "renderdesk-somebody").mkdir()
    names = {p.name for p in tmp_path.iterdir()}
    assert len(names) == 3
    assert unpacked.sweep() == 0, "too young: its program may not have come to its lock"
    for path in tmp_path.iterdir():
        os.utime(path, (time.time() - 3600,) * 2)
    from workstation.base.clock import SystemClock
    from workstation.desk.place import Place

    Place(tmp_path / "home", SystemClock(), "S1", demo=False).close()  # opening a home tidies up
    shutil.rmtree(tmp_path / "home")
    assert unpacked.sweep() == 0
    assert {p.name for p in tmp_path.iterdir()} == {Path(living.name).name, "renderdesk-somebody"}
    living.cleanup()


# --- what vanishes ------------------------------------------------------------------------------------------------


def test_files_that_vanish_after_their_header_was_read(tmp_path, monkeypatch):
    """A doubled image and one without UID are read once more, when they are gone: findings, and the rest is there."""
    paths = ct_series(tmp_path, **SMALL, slices=24)
    double, nameless = tmp_path / "double", tmp_path / "nameless"
    shutil.copy(paths[3], double)
    ds = dcmread(paths[4])
    ds.SOPInstanceUID = ""
    ds.save_as(nameless)
    real = scan_module._read_all

    def then_gone(*given):
        found = real(*given)
        double.unlink()
        nameless.unlink()
        return found

    monkeypatch.setattr(scan_module, "_read_all", then_gone)
    result = scan([tmp_path])
    assert result.studies[0].series[0].images == 24
    assert sum(f.files for f in result.findings if f.code == "unreadable") == 2


def test_an_archive_and_a_disc_that_vanish(tmp_path, monkeypatch):
    ct_series(tmp_path / "IMG", **SMALL, slices=24)
    (tmp_path / "z.zip").write_bytes(packed({"a": b"x"}))
    found, codes = unpack(tmp_path / "no.zip")
    assert (found.files, codes) == ([], ["unreadable"])
    for k, path in enumerate(sorted((tmp_path / "IMG").iterdir())):
        path.rename(path.with_name(f"im{k:04d}"))
    directory(tmp_path, [["IMG", f"IM{k:04d}"] for k in range(24)])
    real = Path.stat

    def gone(self, **named):
        if self.parent.name == "IMG" and self.name.endswith("3"):
            raise FileNotFoundError
        return real(self, **named)

    monkeypatch.setattr(Path, "stat", gone)
    found = find_files([tmp_path / "DICOMDIR"])
    assert [f.code for f in found.findings] == ["dicomdir_missing"]
    assert 10 < len(found.files) < 25


def test_a_disc_s_index_that_cannot_be_read_is_said(tmp_path):
    ct_series(tmp_path / "IMG", **SMALL, slices=24)
    made = directory(tmp_path, [["IMG", "X"]] * 20)
    raw = made.read_bytes()
    made.write_bytes(raw[: len(raw) - 300])
    result = scan([tmp_path])
    assert result.studies[0].series[0].images == 24
    assert {"unreadable", "dicomdir_missing"} <= {f.code for f in result.findings}


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alphabet", "raw", "shown", "code"),
    [
        # as the standard wants it (PS3.5 annexes H, I, J, K)
        ("\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
         "Yamada^Tarou=山田^太郎=やまだ^たろう", ""),
        ("ISO 2022 IR 13\\ISO 2022 IR 87",
         b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
         "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", ""),
        ("\\ISO 2022 IR 149",
         b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
         "Hong^Gildong=洪^吉洞=홍^길동", ""),
        ("GB18030", "Wang^XiaoDong=王^小东".encode("gb18030"), "Wang^XiaoDong=王^小东", ""),
        ("GB18030", "㐀\\㐂^𠀀".encode("gb18030"), "㐀\\㐂^𠀀", ""),  # bytes 0x5C and digits inside letters
        ("ISO_IR 192", "Μαρία^Ελένη".encode(), "Μαρία^Ελένη", ""),
        ("ISO_IR 166", "สมชาย".encode("iso8859_11"), "สมชาย", ""),
        ("ISO 2022 IR 100", "Müller^Jörg".encode("latin-1"), "Müller^Jörg", ""),
        # cut to fit in the middle of a letter
        ("ISO_IR 192", "Müller^Anné".encode()[:-1], "Müller^Ann", ""),
        ("GB18030", "王^小东".encode("gb18030")[:-1], "王^小", ""),
        # declared in words of its own
        ("ISO-IR 100", "Müller".encode("latin-1"), "Müller", ""),
        ("iso_ir 144", "Иван".encode("iso8859_5"), "Иван", ""),
        ("UTF-8", "山田".encode(), "山田", ""),
        # not declared
        ("", "Müller".encode(), "Müller", "charset_guessed"),
        ("", "Müller".encode("latin-1"), "Müller", "charset_guessed"),
        ("", b"Yamada=\x1b$B;3ED\x1b(B", "Yamada=山田", "charset_guessed"),
        # declared wrongly
        ("ISO_IR 100", "Müller".encode(), "Müller", "charset_wrong"),
        ("ISO_IR 6", "Müller".encode("latin-1"), "Müller", "charset_wrong"),
        ("ISO_IR 192", "Müller^Jörg".encode("latin-1"), "Müller^Jörg", "charset_wrong"),
        ("ISO_IR 100", b"Yamada=\x1b$B;3ED\x1b(B", "Yamada=山田", "charset_wrong"),
        ("\\ISO 2022 IR 149", b"Hong=\xfb\xf3", "Hong=洪", "charset_wrong"),
        ("ISO_IR 100", "王^小东".encode("gb18030"), None, "charset_wrong"),  # cannot be known: said, not guessed
        ("ISO_IR 999", "Müller".encode("latin-1"), "Müller", "charset_wrong"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
def test_names_read_right_or_it_is_said(tmp_path, alphabet, raw, shown, code, syntax):
    """In the list, and in the header from which pictures and reports take the patient."""
    place = "N" * 8 + "^" + "N" * 55
    for path in ct_series(tmp_path, **SMALL, slices=3, name=place, syntax=syntax,
                          tags={"SpecificCharacterSet": "ISO_IR 6"}):  # fmt: skip
        data = path.read_bytes()
        stated = alphabet.encode()
        if len(stated) % 2:
            stated += b" "
        at = data.index(b"\x08\x00\x05\x00")
        head = 4 if syntax.endswith(".1") else 0
        length = struct.pack("<H" if head else "<I", len(stated))
        vr = b"CS" if head else b""
        data = data[: at + 4] + vr + length + stated + data[at + 16 :]
        name = raw + b" " * (len(raw) % 2)
        at = data.index(place.encode())
        length = struct.pack("<H" if head else "<I", len(name))
        path.write_bytes(data[: at - len(length)] + length + name + data[at + 64 :])
    result = scan([tmp_path])
    (study,) = result.studies
    codes = {f.code for f in study.series[0].findings if f.code.startswith("charset")}
    assert codes == ({code} if code else set())
    if shown is not None:
        assert study.patient.name == shown
        if "\\" not in shown:
            assert str(header_of(next(tmp_path.iterdir())).PatientName).rstrip() == shown
