"""The PDF, read by other people's programs: nothing lost, nothing outside the page, nothing over another thing."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.factory.written import TRICKY, content, measurement
from workstation.base.uids import derived_uid
from workstation.case.model import Measured
from workstation.report.model import KeyPicture, ReportContent
from workstation.report.pdf import pdf_bytes
from workstation.report.pdf_fonts import embeddable, markup, runs

LONG = "The infrarenal aorta is dilated over a length of 62 mm with eccentric thrombus at the LEFT wall. "
SC = "1.2.840.10008.5.1.4.1.1.7"


def pixels(high: int = 120, wide: int = 160) -> np.ndarray:
    y, x = np.mgrid[0:high, 0:wide]
    return np.stack([x * 255 // wide, y * 255 // high, np.full_like(x, 90)], axis=-1).astype(np.uint8)


def keys(n: int) -> tuple[KeyPicture, ...]:
    return tuple(
        KeyPicture(derived_uid("test", "capture", str(i)), "1.2", SC, f"View {i}", "Volume rendering") for i in range(n)
    )


def long_report() -> ReportContent:
    wide = Measured("ellipse", 113.0, "mm2", "113 mm2, mean 312 HU, SD 24", LONG, 21.0, "marked", ("Only 8 voxels.",))
    return content(
        pictures=keys(7),
        measurements=tuple(measurement(i, name=LONG[:70] + str(i), measured=wide) for i in range(40)),
        findings_3d=(LONG * 60, "x" * 500, TRICKY),
        impression=(LONG * 8,),
        demo=True,
        status="preliminary",
    )


def pages(pdf: bytes, tmp_path: Path, *options: str) -> list[str]:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (apt install poppler-utils)")
    if not embeddable() and not Path("/usr/share/poppler").is_dir():
        pytest.skip("pdftotext cannot read Chinese or Japanese without poppler-data, and no such font is installed")
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf)
    done = subprocess.run(["pdftotext", *options, str(path), "-"], capture_output=True, check=True)
    return done.stdout.decode().split("\f")[:-1] if "-bbox" not in options else [done.stdout.decode()]


def all_pictures(c: ReportContent) -> dict[str, np.ndarray]:
    return {p.sop_uid: pixels() for p in c.pictures}


def test_every_section_is_on_paper(tmp_path: Path) -> None:
    c = content()
    text = " ".join(" ".join(pages(pdf_bytes(c, all_pictures(c)), tmp_path)).split())
    for part in (
        *c.findings_3d, *c.impression, *c.recommendation, c.indication, c.necessity, c.comparison, *c.data_used,
        *c.technique, *c.limitations, "50.0 mm", "Toni Tech (technologist)", "Signed by Rada Ray (radiologist)",
        "RenderDesk is not cleared as a medical device.", "Yamada, Tarou", "P-0001", "ACC77", "witnessed", "attested",
        "not documented", "Page 1 of", "山田 太郎",
    ):  # fmt: skip
        assert " ".join(part.split()) in text, part


def test_long_reports_break_and_every_page_says_whose_it_is(tmp_path: Path) -> None:
    c = long_report()
    found = pages(pdf_bytes(c, all_pictures(c), made_at="2026-03-14T09:26:00.000Z"), tmp_path)
    assert len(found) >= 6
    for n, page in enumerate(found, 1):
        assert f"Page {n} of {len(found)}" in page
        assert "P-0001" in page
        assert "DEMO, not for patient care · PRELIMINARY" in page
        assert "not cleared as a medical device" in page
    whole = "".join("".join(found).split())
    assert whole.count("infrarenal") == 60 + 8 + 80, "no line is lost at a break"
    assert whole.count("x") >= 500


def test_no_word_lies_outside_the_page_or_over_another(tmp_path: Path) -> None:
    c = long_report()
    (boxes,) = pages(pdf_bytes(c, all_pictures(c)), tmp_path, "-bbox")
    for page in boxes.split("<page ")[1:]:
        words = [
            tuple(map(float, m.groups()))
            for m in re.finditer(r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)"', page)
        ]
        assert words
        for x0, y0, x1, y1 in words:
            assert x0 >= 40
            assert x1 <= 612 - 40
            assert y0 >= 4
            assert y1 <= 792 - 8
        box = np.array(words)
        # a word's box is taller than its letters; what remains after the leading must not meet another word
        inner = box + np.array([0.5, 0.3, -0.5, -0.3]) * np.array([1, 1, 1, 1]) * 1.0
        height = box[:, 3] - box[:, 1]
        inner[:, 1] += 0.22 * height
        inner[:, 3] -= 0.22 * height
        for i, (x0, y0, x1, y1) in enumerate(inner):
            others = np.delete(inner, i, axis=0)
            over = (others[:, 0] < x1) & (others[:, 2] > x0) & (others[:, 1] < y1) & (others[:, 3] > y0)
            assert not over.any(), f"{words[i]} lies over another word"


def test_all_pictures_are_in_the_file_and_a_missing_one_is_named(tmp_path: Path) -> None:
    c = content(pictures=keys(5))
    shown = {p.sop_uid: pixels() for p in c.pictures[:4]}
    pdf = pdf_bytes(c, shown)
    if shutil.which("pdfimages") is None:
        pytest.skip("pdfimages is not installed (apt install poppler-utils)")
    path = tmp_path / "pictures.pdf"
    path.write_bytes(pdf)
    listed = subprocess.run(["pdfimages", "-list", str(path)], capture_output=True, text=True, check=True).stdout
    assert len([line for line in listed.splitlines() if " 160 " in line and " 120 " in line]) == 4
    text = " ".join(pages(pdf, tmp_path))
    assert "This picture is not at hand" in text
    assert all(f"View {i}" in text for i in range(5))


def test_the_same_report_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "import hashlib; from tests.unit.test_report_pdf import *; c = content(); "
        "print(hashlib.sha256(pdf_bytes(c, all_pictures(c), made_at='2026-03-14T09:26:00.000Z')).hexdigest())"
    )
    c = content()
    here = hashlib.sha256(pdf_bytes(c, all_pictures(c), made_at="2026-03-14T09:26:00.000Z")).hexdigest()
    root = Path(__file__).resolve().parents[2]
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=True)
    assert there.stdout.strip() == here


def test_the_files_own_title_names_nobody() -> None:
    c = content()
    pdf = pdf_bytes(c, {})
    head = b"".join(re.findall(rb"/(?:Title|Author|Subject|Keywords|Creator) \([^)]*\)", pdf))
    assert b"3D report" in head
    for part in (b"Yamada", b"P-0001", b"ACC77"):
        assert part not in head


@pytest.mark.parametrize("status", ["draft", "final", "addendum", "retracted"])
def test_every_state_has_its_banner(status: str, tmp_path: Path) -> None:
    c = content(status=status, signed_by=None if status == "draft" else content().signed_by, predecessor="2.25.7")
    text = "".join(pages(pdf_bytes(c, {}), tmp_path))
    banner = {"draft": "DRAFT, not signed", "addendum": "ADDENDUM", "retracted": "RETRACTED, do not use"}
    if status == "final":
        assert not any(b in text for b in banner.values())
    else:
        assert banner[status] in text


def test_an_empty_draft_can_be_printed(tmp_path: Path) -> None:
    empty = content(
        status="draft", signed_by=None, signed_at="", pictures=(), measurements=(), findings_3d=(), impression=(),
        supervision=(), technique=(), data_used=(), limitations=(), recommendation=(), prepared_by=(), indication="",
        necessity="", order="", ordering_provider="", comparison="",
    )  # fmt: skip
    assert "Not signed." in "".join(pages(pdf_bytes(empty, {}), tmp_path))


def test_markup_of_what_a_person_typed_is_no_markup() -> None:
    assert markup("a < b & c > d") == "a &lt; b &amp; c &gt; d"
    assert markup("<b>x</b>") == "&lt;b&gt;x&lt;/b&gt;"
    c = content(findings_3d=("<para><img src='x'/>", "</font>&amp;", "<a href='http://x'>y</a>"))
    assert pdf_bytes(c, {}).startswith(b"%PDF")


def test_a_character_that_no_font_has_is_written_as_its_code() -> None:
    assert "".join(part for _, part in runs("a\u0627b")) == "a[U+0627]b"
    assert [font for font, _ in runs("Ω≥²é–→")] == [""]
