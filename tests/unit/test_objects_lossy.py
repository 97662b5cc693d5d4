"""Loss is inherited: shown on every picture, in the objects made of it, whether tags, syntax or stream says so."""

from __future__ import annotations

import pytest
from pydicom import dcmread, dcmwrite

from render.view import Technique
from tests.factory.encode import J2K, J2K_LOSSLESS, JPEG_LS_NEAR
from tests.factory.series import ct_series
from tests.factory.written import picture, source, validate
from tests.unit.test_objects_pictures import written
from workstation.desk.labels import badges_of
from workstation.dicom.load import load
from workstation.dicom.scan import scan

SMALL = {"slices": 24, "rows": 16, "columns": 16}


def loaded(folder, **options):
    ct_series(folder, **SMALL, **options)
    (found,) = scan([folder]).studies[0].series[0].volumes
    return found, load(found)


@pytest.mark.parametrize("told", ["flag", "ratio", "syntax", "stream"])
def test_whatever_says_so_marks_the_volume_and_every_picture(tmp_path, told):
    options = {
        "flag": {"tags": {"LossyImageCompression": "01"}},
        "ratio": {"tags": {"LossyImageCompressionRatio": [4.0, 2.5]}},
        "syntax": {"syntax": JPEG_LS_NEAR},
        "stream": {"syntax": J2K},
    }[told]
    if told == "stream":  # an irreversible stream under the name of the lossless syntax
        for path in ct_series(tmp_path, **SMALL, **options):
            ds = dcmread(path)
            ds.file_meta.TransferSyntaxUID = J2K_LOSSLESS
            dcmwrite(path, ds)
        (found,) = scan([tmp_path]).studies[0].series[0].volumes
        volume = load(found)
    else:
        found, volume = loaded(tmp_path, **options)
        assert found.lossy
    assert volume.lossy
    assert "lossy" in volume.findings
    assert "LOSSY" in badges_of(volume, None)
    assert (found.facts["lossy_ratio"] == 10.0) == (told == "ratio")


def test_nothing_lost_is_not_called_lossy(tmp_path):
    found, volume = loaded(tmp_path, syntax=J2K_LOSSLESS, tags={"LossyImageCompression": "00"})
    assert not found.lossy
    assert not volume.lossy
    assert "LOSSY" not in badges_of(volume, None)


@pytest.mark.parametrize("technique", list(Technique))
@pytest.mark.parametrize("stated", [True, False])
def test_a_picture_of_lossy_images_is_a_lossy_object(tmp_path, technique: Technique, stated: bool) -> None:
    head = source()
    if stated:
        head.LossyImageCompression, head.LossyImageCompressionRatio = "01", "7.5"
        head.LossyImageCompressionMethod = "ISO_15444_1"
    ds = written(picture(technique), head=head, lossy=not stated)
    assert ds.LossyImageCompression == "01"
    assert ("LossyImageCompressionRatio" in ds) == stated
    validate(ds, tmp_path)


def test_a_picture_of_images_without_loss_says_that_too() -> None:
    assert written(picture()).LossyImageCompression == "00"
