"""Findings in a radiologist's order and words; the geometry report against what was constructed, and in the SR."""

from __future__ import annotations

import re

import pytest

from tests.factory.series import CORONAL, ct_series
from workstation.base.findings import Finding
from workstation.desk.findings_told import _TOLD, findings_told
from workstation.desk.geometry_report import geometry_report, position_words
from workstation.dicom.scan import scan
from workstation.dicom.words import CODES, finding

SMALL = {"rows": 32, "columns": 32}


def report(folder):
    (series,) = scan([folder]).studies[0].series
    return geometry_report(series.volumes[0], series)


def test_every_code_says_what_it_means():
    untold = {"not_dicom", "empty_file", "no_meta", "bad_value", "precision_mismatch", "padding_guessed"}
    untold |= {"archive_limit", "archive_encrypted", "archive_no_space"}
    assert CODES - set(_TOLD) == untold, "the sentence of these says it all"
    for means, remedy in _TOLD.values():
        for text in filter(None, (means, remedy)):
            assert text.endswith(".")
            assert not re.search(r"\b(UID|IOP|IPP|tag|null|affine)\b", text), text


def test_the_worst_first_and_each_once():
    found = (
        finding("tilt", a=16.5),
        finding("lossy", r=10),
        finding("gap", n=1, z=12.0),
        finding("gap", n=1, z=12.0),
        finding("orientation_invalid"),
        Finding("unknown_code", "warning", "Something else."),
    )
    assert [t.code for t in findings_told(found)] == ["orientation_invalid", "gap", "lossy", "unknown_code", "tilt"]
    gap = findings_told(found)[1]
    assert "refused" in gap.means
    assert "import again" in gap.remedy


@pytest.mark.parametrize(
    ("label", "told"), [("HFS", "head first, supine"), ("FFDR", "feet first, on the right side"), ("", ""), ("X", "")]
)
def test_positions_in_words(label, told):
    assert position_words(label) == told


def test_a_plain_volume(tmp_path):
    ct_series(tmp_path, slices=24, **SMALL)
    rows = dict(report(tmp_path).rows)
    assert rows["Grid"] == "24 slices of 32 x 32, axial"
    assert rows["Spacing"] == "2.00 mm between slices; 0.80 x 0.80 mm in the slice"
    assert rows["Slices run"] == "F to H"
    assert rows["Rows run"] == "R to L, columns A to P"
    assert rows["Gantry"] == "straight"
    assert rows["Missing slices"] == "none"
    assert report(tmp_path).sentence == (
        "Geometry from the positions of 24 slices: axial, evenly spaced, none missing, gantry straight; "
        "48 mm from F to H."
    )


def test_tilt_gap_and_another_plane_are_said(tmp_path):
    ct_series(tmp_path / "tilt", slices=24, tilt_deg=15.0, **SMALL)
    ct_series(tmp_path / "gap", slices=41, skip=(20,), **SMALL)
    ct_series(tmp_path / "coronal", slices=24, orientation=CORONAL, **SMALL)
    ct_series(tmp_path / "uneven", slices=24, offsets=[2.0 * k + (0.4 if k % 2 else 0.0) for k in range(24)], **SMALL)
    assert "tilted 15.0°" in dict(report(tmp_path / "tilt").rows)["Gantry"]
    assert "gantry tilted 15.0 degrees" in report(tmp_path / "tilt").sentence
    assert dict(report(tmp_path / "gap").rows)["Missing slices"] == "1, interpolated: slice 21"
    assert "1 missing and interpolated" in report(tmp_path / "gap").sentence
    assert "coronal" in dict(report(tmp_path / "coronal").rows)["Grid"]
    assert "1.60 to 2.40 mm between slices, uneven" in dict(report(tmp_path / "uneven").rows)["Spacing"]


def test_the_geometry_stands_in_the_structured_report(tmp_path):
    from datetime import UTC, datetime

    from workstation.desk.desk import Desk
    from workstation.desk.equipment import equipment_of, source_header
    from workstation.desk.people_demo import PINS
    from workstation.desk.sign_report import content
    from workstation.dicom.write_sr_report import report_sr

    ct_series(tmp_path / "tilt", slices=24, tilt_deg=15.0, **SMALL)
    desk = Desk(tmp_path / "home", demo=True)
    actor = desk.sign_in("demo.rad", PINS["demo.rad"])
    session = desk.open(str(tmp_path / "tilt"))
    try:
        said = content(session, status="final", signed_by=actor, signed_at="2026-11-25T10:00:00Z")
        assert any("gantry tilted 15.0 degrees" in sentence for sentence in said.data_used)
        written = report_sr(
            said, source_header(session), sop_uid="2.25.1", series_uid="2.25.2",
            equipment=equipment_of(session.place, session.facts), now=datetime(2026, 11, 25, 10, tzinfo=UTC),
        )  # fmt: skip
        texts = [str(e.value) for e in written.iterall() if e.keyword == "TextValue"]
        assert any("gantry tilted 15.0 degrees" in text for text in texts)
    finally:
        session.close()
        desk.close()
