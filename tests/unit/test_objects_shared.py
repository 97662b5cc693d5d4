"""Objects that belong to real studies: what scanners and de-identifiers leave in headers must not make ours invalid."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from render.view import Technique
from tests.factory.written import EQUIPMENT, NOW, RAD, capture, content, measurement, picture, validate
from workstation.base.errors import InputRefused
from workstation.base.uids import derived_uid
from workstation.dicom.write_kos import key_objects
from workstation.dicom.write_pdf import encapsulated_pdf
from workstation.dicom.write_sc import secondary_capture
from workstation.dicom.write_sr_measurements import measurements_sr
from workstation.dicom.write_sr_report import report_sr
from workstation.dicom.written import Reference

SERIES = [
    "ct_head_ge_tilt_variable",
    "mr_dwi_uih_vframe",
    "ct_enhanced_and_legacy",
    "mr_fmri_mosaic_siemens",
    "mr_localizer_3plane",
]


def first_header(folder: Path) -> Dataset:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            ds = pydicom.dcmread(path, stop_before_pixels=True)
        except pydicom.errors.InvalidDicomError:
            continue
        if "StudyInstanceUID" in ds and "SeriesInstanceUID" in ds:
            return ds
    raise AssertionError("no DICOM file")


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", SERIES)
def test_every_object_of_a_real_study_passes_the_validators(name: str, shared_series, tmp_path: Path) -> None:
    head = first_header(shared_series(name))
    sop_class, sop, series = str(head.SOPClassUID), str(head.SOPInstanceUID), str(head.SeriesInstanceUID)
    sources = [Reference(sop_class, sop, series)]
    said = content(
        study_uid=str(head.StudyInstanceUID),
        series_used=((series, sop_class),),
        source_uids=(sop,),
        source_sop_class=sop_class,
    )
    new = {"sop_uid": derived_uid("t", "sop"), "series_uid": derived_uid("t", "series")}
    made = {"equipment": EQUIPMENT, "now": NOW}
    for technique in (Technique.VR, Technique.MPR):
        shown = picture(technique)
        ds = secondary_capture(
            head, shown, capture(shown), sources=[(sop_class, sop)], series_number=9001, instance_number=1,
            technique_words="Volume rendering", **made,
        )  # fmt: skip
        validate(ds, tmp_path)
    validate(report_sr(said, head, **new, **made), tmp_path, structured=True)
    validate(encapsulated_pdf(b"%PDF-1.4", head, title="3D report", status="final", **new, **made), tmp_path)
    validate(key_objects(head, sources, author=RAD, **new, **made), tmp_path, structured=True)
    try:
        numbers = measurements_sr([measurement(1)], head, author=RAD, status="final", sources=sources, **new, **made)
    except InputRefused:
        assert "FrameOfReferenceUID" not in head
    else:
        validate(numbers, tmp_path, structured=True)
