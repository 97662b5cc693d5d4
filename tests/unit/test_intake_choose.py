"""Which volume is taken, and the one sentence where there is none."""

from __future__ import annotations

import pytest

from tests.factory.series import CORONAL, SAGITTAL, ct_series
from workstation.base.errors import InputRefused
from workstation.dicom.choose import choose
from workstation.dicom.scan import scan
from workstation.dicom.suits import is_sharp, score

SMALL = {"rows": 16, "columns": 16, "slices": 24}


def refusal(folder, **choice):
    with pytest.raises(InputRefused) as refused:
        choose(scan([folder]), **choice)
    error = refused.value
    assert error.sentence.endswith(".")
    assert error.sentence.count(". ") == 0
    return error


def test_thin_smooth_original_wins(tmp_path):
    ct_series(tmp_path, **SMALL, series="thick", series_number=2, spacing=(5.0, 1.0, 1.0), intercept=0)
    ct_series(tmp_path, **SMALL, series="thin", series_number=3, spacing=(1.0, 1.0, 1.0), label="b")
    ct_series(tmp_path, **SMALL, series="sharp", series_number=4, spacing=(1.0, 1.0, 1.0), label="c",
              tags={"ConvolutionKernel": "B70f"})  # fmt: skip
    _, series, volume = choose(scan([tmp_path]))
    assert series.number == 3
    assert "slices of 1.0 mm" in volume.score_reasons
    assert choose(scan([tmp_path]), series="4")[1].number == 4


def test_more_slices_then_the_lower_number(tmp_path):
    for number, slices in ((9, 30), (5, 30), (4, 24)):
        ct_series(tmp_path, rows=16, columns=16, slices=slices, series=f"s{number}", series_number=number,
                  label=str(number))  # fmt: skip
    assert choose(scan([tmp_path]))[1].number == 5


def test_volume_by_id_and_series_by_uid(tmp_path):
    ct_series(tmp_path, **SMALL, series="a", series_number=1)
    ct_series(tmp_path, **SMALL, series="b", series_number=2, label="b")
    result = scan([tmp_path])
    second = result.studies[0].series[1]
    assert choose(result, series=second.series_uid)[2] is second.volumes[0]
    assert choose(result, volume=second.volumes[0].id)[1] is second
    assert refusal(tmp_path, series="77").code == "no_such_series"
    assert refusal(tmp_path, volume="v0").code == "no_such_volume"


def test_first_phase_comes_first(tmp_path):
    for t in range(3):
        ct_series(tmp_path, **SMALL, label=f"p{t}", tags={"TemporalPositionIdentifier": t + 1})
    assert choose(scan([tmp_path]))[2].phase.index == 0


def test_nothing_there(tmp_path):
    assert refusal(tmp_path).code == "empty"
    (tmp_path / "notes.txt").write_text("shopping list, nothing else in it")
    assert refusal(tmp_path).code == "no_dicom"


def test_a_truncated_file(tmp_path):
    path = ct_series(tmp_path, rows=16, columns=16, slices=1)[0]
    path.write_bytes(path.read_bytes()[:-50])
    assert refusal(tmp_path).code == "truncated"
    path.write_bytes(path.read_bytes()[:400])
    assert refusal(tmp_path).code == "truncated"


def test_a_single_slice(tmp_path):
    ct_series(tmp_path, rows=16, columns=16, slices=1)
    assert refusal(tmp_path).code == "single_slice"


def test_only_a_localizer(tmp_path):
    for k, orientation in enumerate((CORONAL, SAGITTAL, (1, 0, 0, 0, 1, 0))):
        ct_series(tmp_path, rows=16, columns=16, slices=5, orientation=orientation, label=str(k))
    assert refusal(tmp_path).code == "localizer"


def test_a_scout_beside_a_series_is_passed_over(tmp_path):
    ct_series(tmp_path, **SMALL, series_number=2)
    ct_series(tmp_path, rows=16, columns=16, slices=30, spacing=(0.5, 1, 1), series="scout", series_number=1, label="s",
              tags={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]})  # fmt: skip
    assert choose(scan([tmp_path]))[1].number == 2


def test_a_scout_inside_a_series_does_not_taint_it(tmp_path):
    ct_series(tmp_path, **SMALL)
    ct_series(tmp_path, rows=16, columns=16, slices=1, orientation=CORONAL, label="s",
              tags={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]})  # fmt: skip
    _, series, volume = choose(scan([tmp_path]))
    assert volume.suits_3d
    assert {f.code for f in series.findings} == {"localizer", "single_slice"}
    assert series.images == 25


def test_two_patients_in_one_folder(tmp_path):
    ct_series(tmp_path, **SMALL)
    ct_series(tmp_path, **SMALL, patient_id="PH-0002", name="OTHER^PERSON", label="b")
    result = scan([tmp_path])
    assert len(result.studies) == 2
    assert refusal(tmp_path).code == "mixed_patients"
    chosen = choose(result, series=result.studies[1].series[0].series_uid)
    assert chosen[0] is result.studies[1]


def test_two_patients_in_one_study_open_nothing(tmp_path):
    def other(ds, k):
        if k >= 24:
            ds.PatientID, ds.PatientName = "PH-0002", "OTHER^PERSON"

    ct_series(tmp_path, rows=16, columns=16, slices=48, each=other)
    result = scan([tmp_path])
    (study,) = result.studies
    assert [s.images for s in study.series] == [24, 24]  # split by patient before anything else
    assert not any(v.suits_3d for s in study.series for v in s.volumes)
    for choice in ({}, {"series": study.series[0].series_uid}, {"volume": study.series[1].volumes[0].id}):
        assert refusal(tmp_path, **choice).code == "mixed_patients"


def test_several_studies_of_one_patient_are_no_hindrance(tmp_path):
    ct_series(tmp_path, **SMALL, study="first")
    ct_series(tmp_path, **SMALL, study="second", label="b", spacing=(1.0, 0.8, 0.8))
    assert choose(scan([tmp_path]))[2].geometry.spacing_mm[0] == pytest.approx(1.0)


def test_a_gap_too_large_is_refused_but_listed(tmp_path):
    ct_series(tmp_path, rows=16, columns=16, slices=30, skip=(9, 10))
    result = scan([tmp_path])
    (volume,) = result.studies[0].series[0].volumes
    assert not volume.suits_3d
    assert volume.positions_lps is not None
    assert refusal(tmp_path).code == "gap_large"
    assert refusal(tmp_path, volume=volume.id).code == "gap_large"


@pytest.mark.parametrize(
    ("kernel", "maker", "sharp"),
    [("B30f", "SIEMENS", False), ("Br64", "Siemens Healthineers", True), ("STANDARD", "GE MEDICAL SYSTEMS", False),
     ("BONEPLUS", "GE", True), ("FC13", "TOSHIBA", False), ("FC52", "TOSHIBA", True), ("B", "Philips", False),
     ("YA", "Philips", True), ("", "GE", None), ("FC25", "TOSHIBA", None)],
)  # fmt: skip
def test_kernels(kernel, maker, sharp):
    assert is_sharp(kernel, maker) is sharp


def test_points_of_the_score():
    plain = {"gap_mm": 1.0, "thickness_mm": 1.0, "image_type": ("ORIGINAL", "PRIMARY"), "kernel": "B30f",
             "manufacturer": "SIEMENS", "contrast": False, "findings": (), "lossy": False}  # fmt: skip
    assert score(**plain)[0] == 40 + 15 + 10 + 10
    assert score(**{**plain, "gap_mm": 0.6})[0] == 80
    assert score(**{**plain, "thickness_mm": 5.0, "gap_mm": 5.0})[0] == 35
    assert score(**{**plain, "kernel": "B70f"})[0] == 50
    assert score(**{**plain, "lossy": True})[0] == 65
    assert score(**{**plain, "contrast": True})[0] == 80
