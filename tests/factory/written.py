"""A source header, pictures, captures and a report by code, for the tests of written objects. Every name is made up."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from render.picture import Picture
from render.view import Camera, Look, Plane, Technique, View, Window
from workstation.base.events import Actor
from workstation.base.uids import derived_uid
from workstation.case.model import Capture, Measured, Measurement, Patient
from workstation.dicom.write_common import to_bytes
from workstation.dicom.written import Equipment
from workstation.report.model import KeyPicture, Participation, ReportContent

NOW = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)
CT = "1.2.840.10008.5.1.4.1.1.2"
STUDY, SERIES, FRAME = (derived_uid("test", n) for n in ("study", "series", "frame"))
SLICES = tuple(derived_uid("test", "slice", str(k)) for k in range(4))
TECH = Actor("demo.tech", "Toni Tech", "technologist", "2026-03-14T09:00:00.000Z")
RAD = Actor("demo.rad", "Rada Ray", "radiologist", "2026-03-14T09:05:00.000Z", npi="1234567893")
EQUIPMENT = Equipment(
    serial="test-0001", software="RenderDesk 0.1.0", institution="Sample <Hospital> & Søn", station="ST1"
)
TRICKY = "Lumen < 5 mm & wall > 2 mm ^ | ~ \\ 山田 – Ödem"


def source(k: int = 1, **changes: object) -> Dataset:
    """Header of slice k of a CT of 4 slices, 0.7 x 0.7 x 2.5 mm, axial."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = CT, SLICES[k]
    ds.PatientName, ds.PatientID = "Yamada^Tarou=山田^太郎", "P-0001"
    ds.IssuerOfPatientID, ds.PatientBirthDate, ds.PatientSex = "SITE", "19551231", "M"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20260313", "101500", "ACC77", "1"
    ds.ReferringPhysicianName = "Refer^Rita"
    ds.StudyDescription = "CTA abdomen"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = STUDY, SERIES, FRAME
    ds.SeriesNumber, ds.InstanceNumber, ds.Modality = 3, k + 1, "CT"
    ds.BodyPartExamined = "ABDOMEN"
    ds.Manufacturer, ds.ManufacturerModelName = "Maker", "Scanner"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [-100.0, -90.0, 10.0 + 2.5 * k], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness, ds.Rows, ds.Columns = [0.7, 0.7], 2.5, 256, 256
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def picture(technique: Technique = Technique.VR, size: tuple[int, int] = (64, 48)) -> Picture:
    """A picture with a different value in every pixel."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)
    if technique is Technique.MPR:
        plane = Plane(centre_lps_mm=(0, 0, 15), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=0.8)
        view = View(technique=technique, size=size, plane=plane, window=Window(center=40, width=400), renderer="planes")
        corner = (-0.8 * (width - 1) / 2, -0.8 * (height - 1) / 2, 15.0)
        return Picture(rgb, view, "planes", 0.1, ("R", "L", "A", "P"), corner, (1, 0, 0), (0, 1, 0), 0.8)
    look = Look(name="CT-Bone", version="1", opacity=((100, 0.0), (400, 0.8)), colour=((0, "ffffff"),))
    camera = Camera(position_lps_mm=(0, -500, 0), focal_lps_mm=(0, 0, 0), up_lps=(0, 0, 1))
    view = View(technique=technique, size=size, camera=camera, look=look, renderer="caster")
    return Picture(rgb, view, "CPU caster", 0.2, ("R", "L", "S", "I"), (-50, 0, 40), (1, 0, 0), (0, 0, -1), 0.5)


def capture(shown: Picture, number: int = 1, *, released: bool = True) -> Capture:
    """The capture of a picture."""
    return Capture(
        sop_uid=derived_uid("test", "capture", str(number)),
        series_uid=derived_uid("test", "captures"),
        title=f"Aorta from the front {number}",
        view=shown.view,
        renderer=shown.renderer,
        state="released" if released else "draft",
        made_by=TECH,
        made_at="2026-03-14T09:10:00.000Z",
        released_by=RAD if released else None,
        released_at="2026-03-14T09:20:00.000Z" if released else "",
        source_uids=SLICES,
        letters=shown.letters,
    )


def measurement(number: int = 1, **changes: object) -> Measurement:
    """An accepted length of 50 mm along x."""
    values: dict[str, object] = {
        "id": f"m{number}",
        "tracking_uid": derived_uid("test", "tracking", str(number)),
        "kind": "length",
        "name": f"Left common iliac, diameter {number}",
        "points_lps_mm": ((-20.0, 5.0, 14.0), (30.0, 5.0, 14.0)),
        "series_uid": SERIES,
        "source_uid": SLICES[2],
        "measured": Measured("length", 50.0, "mm", "50.0 mm", "Straight line between two points", uncertainty=0.57),
        "accepted": True,
        "side": "left",
        "made_by": "Toni Tech",
        "made_at": "2026-03-14T09:12:00.000Z",
    }
    return Measurement(**{**values, **changes})  # type: ignore[arg-type]


def content(**changes: object) -> ReportContent:
    """A signed report with two pictures and two measurements."""
    at = "2026-03-14T09:15:00.000Z"
    values: dict[str, object] = {
        "patient": Patient(
            key="k",
            id="P-0001",
            issuer="SITE",
            name="Yamada^Tarou",
            birth_date="1955-12-31",
            sex="M",
            name_ideographic="山田^太郎",
        ),
        "study_uid": STUDY,
        "study_date": "2026-03-13",
        "accession": "ACC77",
        "modality": "CT",
        "study_description": "CTA abdomen",
        "institution": EQUIPMENT.institution,
        "ordering_provider": "Refer, Rita (NPI 1234567893)",
        "indication": "Aneurysm of the abdominal aorta, planning of repair",
        "order": "3D rendering ordered",
        "necessity": "Extent cannot be told from the slices alone",
        "data_used": ("Series 3, CT, 4 slices of 0.7 x 0.7 mm, every 2.5 mm",),
        "technique": ("RenderDesk 0.1.0, independent workstation ST1: volume rendering and planes",),
        "supervision": (
            Participation("region", "Rada Ray", at, "witnessed", "region set"),
            Participation("tissues", "Rada Ray", at, "witnessed", "tissues chosen"),
            Participation("pictures", "Rada Ray", at, "attested", "stated by the physician"),
            Participation("steering", "", "", "absent"),
        ),
        "prepared_by": ("Toni Tech (technologist)",),
        "comparison": "None available",
        "findings_3d": (TRICKY, "The infrarenal aorta is dilated."),
        "measurements": (measurement(1), measurement(2)),
        "limitations": ("Slices of 2.5 mm",),
        "impression": ("Aneurysm of 50 mm.",),
        "recommendation": ("Conference.",),
        "pictures": (
            KeyPicture(
                derived_uid("test", "capture", "1"),
                derived_uid("test", "captures"),
                "1.2.840.10008.5.1.4.1.1.7",
                "Aorta from the front",
                "Volume rendering",
            ),
            KeyPicture(
                derived_uid("test", "capture", "2"),
                derived_uid("test", "captures"),
                "1.2.840.10008.5.1.4.1.1.7",
                "Axial plane",
                "MPR",
            ),
        ),
        "pictures_archived": 2,
        "workstation": "ST1",
        "software": "RenderDesk 0.1.0",
        "status": "final",
        "signed_by": RAD,
        "signed_at": "2026-03-14T09:25:00.000Z",
        "series_used": ((SERIES, CT),),
        "source_uids": SLICES,
        "source_sop_class": CT,
        "frame_of_reference": FRAME,
    }
    return ReportContent(**{**values, **changes})  # type: ignore[arg-type]


def validate(ds: Dataset, folder: Path, *, structured: bool = False) -> str:
    """What other people's validators say: no Error of dciodvfy, and for structured reports no fault of dsrdump.

    Returns dciodvfy's whole answer. Skips, loudly, where the validators are not installed.
    """
    for tool in ("dciodvfy", "dsrdump"):
        if shutil.which(tool) is None:
            pytest.skip(f"validator {tool} is not installed (apt install dicom3tools dcmtk)")
    path = folder / "object.dcm"
    path.write_bytes(to_bytes(ds))
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert not errors, "\n".join(errors)
    assert done.returncode == 0, done.stderr
    if structured:
        dump = subprocess.run(["dsrdump", str(path)], capture_output=True, text=True, errors="replace", check=False)
        assert dump.returncode == 0, dump.stderr
        return done.stderr + dump.stdout
    return done.stderr
