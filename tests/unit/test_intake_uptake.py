"""Uptake of a PET by body weight, worked out by hand for each way in which files state dose and times."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.factory.series import ct_series
from workstation.dicom.scan import scan

DOSE, WEIGHT = 400e6, 80.0
F18, ZR89 = 6586.2, 282_276.0  # seconds


def factor(folder, *, drug=None, each=None, **tags):
    item = Dataset()
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = DOSE, F18
    for keyword, value in (drug or {}).items():
        setattr(item, keyword, value)
    stated = {
        "Units": "BQML", "DecayCorrection": "START", "PatientWeight": WEIGHT, "SeriesTime": "110000",
        "RadiopharmaceuticalInformationSequence": Sequence([item]), **tags,
    }  # fmt: skip

    def change(ds, k):
        for keyword, value in stated.items():
            if value is None:
                ds.pop(keyword, None)
            else:
                setattr(ds, keyword, value)
        if each is not None:
            each(ds, k)

    ct_series(folder, slices=4, rows=8, columns=8, spacing=(2.0, 1, 1), modality="PT", intercept=0, each=change)
    (found,) = scan([folder]).studies[0].series[0].volumes
    said = next((f.sentence for f in found.findings if f.code == "suv_unavailable"), None)
    return found.facts["suv"], said


def expected(waited, half_life=F18):
    return WEIGHT * 1000 / (DOSE * 2 ** (-waited / half_life))


TEN = {"RadiopharmaceuticalStartTime": "100000"}


def test_from_injection_to_series(tmp_path):
    assert factor(tmp_path, drug=TEN)[0] == pytest.approx(expected(3600))


def test_a_series_stored_anew_counts_from_its_first_image(tmp_path):
    """SeriesTime is later than the acquisition: it is that of the storing."""
    suv, _ = factor(tmp_path, drug=TEN, SeriesTime="160000", each=lambda ds, k: time(ds, f"11{10 + k}00"))
    assert suv == pytest.approx(expected(4200))


def time(ds, acquired, day=None):
    ds.AcquisitionTime = acquired
    if day is not None:
        ds.AcquisitionDate = day


@pytest.mark.parametrize("dated", [True, False])
def test_a_scan_past_midnight(tmp_path, dated):
    """Injected at 23:00, scanned from 23:58 on; bed positions go on into the next day."""

    def each(ds, k):
        time(ds, ("235800", "235900", "000000", "000100")[k], ("20260105" if k < 2 else "20260106") if dated else None)

    more = {"SeriesDate": "20260105"} if dated else {}
    suv, _ = factor(tmp_path, drug={"RadiopharmaceuticalStartTime": "230000"}, SeriesTime="235800", each=each, **more)
    assert suv == pytest.approx(expected(58 * 60))


def test_an_injection_before_midnight(tmp_path):
    suv, _ = factor(tmp_path, drug={"RadiopharmaceuticalStartTime": "233000"}, SeriesTime="003000")
    assert suv == pytest.approx(expected(3600))


def test_a_tracer_imaged_days_later(tmp_path):
    """Zirconium-89 on the fifth day: by the time of day alone uptake would come out 2.9 times too low."""
    drug = {"RadiopharmaceuticalStartDateTime": "20260101100000.00+0100", "RadionuclideHalfLife": ZR89}
    suv, _ = factor(tmp_path, drug=drug, SeriesDate="20260106", each=lambda ds, k: time(ds, "110500", "20260106"))
    assert suv == pytest.approx(expected(5 * 86_400 + 3600, ZR89))


@pytest.mark.parametrize("injected", ["20260106120000", "20240101100000"])
def test_dates_that_cannot_be_are_not_used(tmp_path, injected):
    """An injection after the scan, or two years before it."""
    drug = {"RadiopharmaceuticalStartDateTime": injected}
    suv, said = factor(tmp_path, drug=drug, SeriesDate="20260105")
    assert suv is None
    assert said == "Uptake cannot be computed: an injection time that fits the scan is missing."


def test_a_dose_corrected_to_the_injection(tmp_path):
    assert factor(tmp_path, DecayCorrection="ADMIN")[0] == pytest.approx(WEIGHT * 1000 / DOSE)


def test_values_that_are_uptake_already(tmp_path):
    assert factor(tmp_path / "a", Units="GML") == (1.0, None)
    assert factor(tmp_path / "b", Units="GML", SUVType="BW") == (1.0, None)
    suv, said = factor(tmp_path / "c", Units="GML", SUVType="LBM")
    assert suv is None
    assert "given by LBM" in said


def test_counts_of_philips(tmp_path):
    def each(ds, k):
        ds.private_block(0x7053, "Philips PET Private Group", create=True).add_new(0x00, "DS", "0.000412")

    assert factor(tmp_path / "a", Units="CNTS", each=each)[0] == pytest.approx(0.000412)
    assert factor(tmp_path / "b", Units="CNTS")[1] == "Uptake cannot be computed: the maker's SUV factor is missing."


@pytest.mark.parametrize(
    ("change", "missing"),
    [({"PatientWeight": None}, "the weight"), ({"DecayCorrection": "NONE"}, "the decay correction"),
     ({"Units": "PROPCNTS"}, "a unit that is known"), ({"SeriesTime": None}, "the time of the scan"),
     ({"drug": {}}, "the injection time"), ({"drug": {**TEN, "RadionuclideTotalDose": None}}, "the injected dose"),
     ({"drug": {**TEN, "RadionuclideHalfLife": None}}, "the half-life")],
)  # fmt: skip
def test_what_is_missing_is_named(tmp_path, change, missing):
    suv, said = factor(tmp_path, **{"drug": TEN, **change})
    assert suv is None
    assert said == f"Uptake cannot be computed: {missing} is missing."
