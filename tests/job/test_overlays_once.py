"""What is drawn into a picture is drawn once: screen, PNG, DICOM object and PDF show the very same pixels of it."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from render.engine import Engine
from render.picture import Picture
from render.view import Box, Labels, ScenePlane, View, Window
from tests.factory.series import ct_series
from tests.job import acts
from tests.job.conftest import SHAPE, SPACING, phantom
from workstation.base.clock import ScriptedClock
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.desk.session import Session

SIZE = (560, 460)


@pytest.fixture
def doubtful(tmp_path: Path, desk: Desk) -> Session:
    """A case of lossy images whose sides are in doubt."""
    ct_series(
        tmp_path / "study", slices=SHAPE[0], rows=SHAPE[1], columns=SHAPE[2], spacing=SPACING, voxels=phantom(),
        centre=(0.0, 0.0, 0.0), name="PHANTOM^JANE", patient_id="PH-77",
        tags={"LossyImageCompression": "01", "IssuerOfPatientID": "HOSP", "BodyPartExamined": "ABDOMEN"},
    )  # fmt: skip
    session = desk.open(str(tmp_path / "study"))
    session.put("findings", findings=(*session.case.findings, "position_doubtful"))
    return session


def scene(session: Session) -> View:
    """A volume with two planes in it and the lines where they cross."""
    window = Window(center=60, width=400)
    planes = tuple(
        ScenePlane(point_lps_mm=(0, 0, 0), normal_lps=n, window=window, outline=colour, clear_below=-500.0, opacity=0.6)
        for n, colour in (((0.0, 0.0, 1.0), "e69f00"), ((1.0, 0.0, 0.0), "56b4e9"))
    )
    view = acts.vr(session)
    assert view.camera is not None
    eye = msgspec.structs.replace(view.camera, position_lps_mm=(300.0, -350.0, 180.0))
    return view.replace(size=SIZE, camera=eye, planes=planes, lines=True)


def on_screen(rgb: np.ndarray) -> np.ndarray:
    """The pixels of a pane that shows this picture."""
    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QApplication

    from workstation.window.viewport import Viewport

    class Made:
        def __init__(self, pixels: np.ndarray) -> None:
            self.rgb = pixels

    QApplication.instance() or QApplication([])
    pane = Viewport("3d", lambda *_: None, None)
    pane.resize(rgb.shape[1], rgb.shape[0])
    pane.show_picture(Made(rgb))
    shown = pane.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(shown.constBits(), np.uint8).reshape(shown.height(), shown.bytesPerLine())
    made = rows[:, : 3 * shown.width()].reshape(shown.height(), shown.width(), 3).copy()
    pane.deleteLater()
    return made


def where(engine: Engine, made: Picture, labels: Labels, without: Labels | View) -> np.ndarray:
    """Which pixels one part of the overlay takes."""
    view, texts = (without, labels) if isinstance(without, View) else (made.view, without)
    return np.asarray((made.rgb != engine.picture(view, texts).rgb).any(axis=2))


def test_every_mark_is_the_same_on_screen_in_png_dicom_and_pdf(
    desk: Desk, doubtful: Session, clock: ScriptedClock, tmp_path: Path
) -> None:
    session, view = doubtful, scene(doubtful)
    desk.sign_in(*acts.RADIOLOGIST)
    session.scene_shown(view)
    clock.advance(30)

    # before the sides are confirmed: screen and draft
    screen = session.picture(view, session.labels(view)).rgb
    draft = acts.capture(session, view, "Scene")
    png = np.array(Image.open(io.BytesIO(session.png(draft))))
    assert (png == session.picture(view, session.labels(view, record=True, draft=True)).rgb).all()
    assert (on_screen(screen)[1:-1, 1:-1] == screen[1:-1, 1:-1]).all()
    labels = session.labels(view, record=True)
    assert labels.badges[:2] == ("SIDE NOT SURE", "LOSSY")

    # confirmed and released
    session.confirm_side()
    session.shown(draft.sop_uid, 2.0, 400)
    session.release(draft.sop_uid, PINS["demo.rad"])
    acts.capture(session, acts.axial(session), "Axial")
    acts.release_all(session, clock)
    seen = session.picture(view, session.labels(view))
    screen = on_screen(seen.rgb)
    labels = session.labels(view, record=True)
    assert labels.badges[0].startswith("SIDE CONFIRMED BY ")
    released = next(c for c in session.case.captures if c.title == "Scene")
    png = np.array(Image.open(io.BytesIO(session.png(released))))
    item = session.place.library.instance(released.sop_uid)
    assert item is not None
    from pydicom import dcmread

    dicom = np.asarray(dcmread(session.place.files.root / item.place).pixel_array)
    assert (dicom == png).all()
    acts.report(session, clock)
    (tmp_path / "report.pdf").write_bytes(session.report_pdf())
    if shutil.which("pdfimages"):  # of poppler; all else is compared without it too
        subprocess.run(["pdfimages", "-png", "report.pdf", "in"], cwd=tmp_path, check=True)
        inside = [np.array(Image.open(path).convert("RGB")) for path in sorted(tmp_path.glob("in-*.png"))]
        paper = next(rgb for rgb in inside if rgb.shape == png.shape and (rgb == png).mean() > 0.5)
        assert (paper == png).all()

    # each part of it, and that the four show it alike
    engine = Engine(session.volume)
    made = engine.picture(view, labels)
    assert (made.rgb == png).all()
    parts: dict[str, Labels | View] = {
        "lossy badge": msgspec.structs.replace(labels, badges=tuple(b for b in labels.badges if b != "LOSSY")),
        "side badge": msgspec.structs.replace(labels, badges=labels.badges[1:]),
        "name": msgspec.structs.replace(labels, top_left=labels.top_left[1:]),
        "letters": msgspec.structs.replace(labels, letters=False),
        "band": msgspec.structs.replace(labels, band=""),
        "plane lines": made.view.replace(lines=False),
        "all of it": made.view.replace(overlays="none"),
    }
    with_more = (screen != png).any(axis=2)  # who made it, when and with what, in the record alone; the cube above it
    rows, columns = np.nonzero(with_more)
    assert rows.min() > SIZE[1] / 2
    assert columns.min() > SIZE[0] / 2
    for name, without in parts.items():
        place = where(engine, made, labels, without)
        assert place.sum() > 40, name
        assert (dicom[place] == png[place]).all(), name
        assert (paper[place] == png[place]).all(), name
        place[rows.min() :, columns.min() :] = False
        assert place.sum() > 40 or name == "band", name
        assert (screen[place] == png[place]).all(), name
    # the cube, which the lines of the record push up, is itself the same
    away = Box(low_lps_mm=(900, 900, 900), high_lps_mm=(901, 901, 901))
    black = made.view.replace(planes=(), lines=False, crop=away)
    cubes = [
        cut(picture.rgb, picture.cube) for picture in (engine.picture(black, t) for t in (labels, session.labels(view)))
    ]
    assert cubes[0].max() > 150
    assert (cubes[0] == cubes[1]).all()


def cut(rgb: np.ndarray, cube: tuple[float, float, float] | None) -> np.ndarray:
    """The orientation cube out of a picture."""
    assert cube is not None
    x, y, half = (round(v) for v in cube)
    return rgb[y - half : y + half, x - half : x + half]
