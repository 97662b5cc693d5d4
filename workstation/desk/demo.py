"""The whole job without a window: technologist, radiologist and biller act through the same use cases as at the desk.

Everything lies in a home of its own and is marked DEMO. The clock is scripted, and every line of the journal says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from render.view import Box, Camera, Plane, Slab, Surface, Technique, Vector, View
from workstation.base.atomic import make_folder, write_bytes
from workstation.base.clock import ScriptedClock
from workstation.base.errors import InputRefused
from workstation.case.model import Capture, ReportText
from workstation.desk.charge_case import decide_facts
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.desk.session import Session
from workstation.desk.truth import Truth, read_truth

START = datetime(2025, 11, 4, 7, 40, tzinfo=UTC)
SIZE = (1000, 800)
STATION = "DEMO-3D-01"


@dataclass
class Outcome:
    """What the demonstration made: paths, facts and decision, seconds by step."""

    home: Path
    pictures: list[str] = field(default_factory=list)
    dicom: list[str] = field(default_factory=list)
    report_pdf: str = ""
    report_text: str = ""
    report_sr: str = ""
    measurements_sr: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    message: str = ""
    if_cta: dict[str, Any] = field(default_factory=dict)
    before_physician: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class _Steps:
    """Times each step and says its name to whoever listens."""

    def __init__(self, outcome: Outcome, say: Callable[[str], None]) -> None:
        self._outcome, self._say, self._name, self._since = outcome, say, "", 0.0

    def begin(self, name: str, words: str) -> None:
        self.end()
        self._name, self._since = name, time.monotonic()
        self._say(words)

    def end(self) -> None:
        if self._name:
            self._outcome.seconds[self._name] = round(time.monotonic() - self._since, 2)
            self._name = ""


def demonstrate(study: Path, out: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run the main job on the bundled study.

    Parameters
    ----------
    study : folder of the bundled study with its ``order.json`` and ``truth.json``
    out : folder for everything that is made; must be empty or absent

    Raises
    ------
    RenderDeskError
        In one sentence: the study is missing, the folder cannot be written, the disk is full ...
    """
    if not study.is_dir():
        raise InputRefused("no_sample", "The bundled study is missing; the program's folder is incomplete.")
    truth = read_truth(study / "truth.json")
    make_folder(out)
    clock = ScriptedClock(START)
    desk = Desk(make_folder(out / "home"), clock=clock, station=STATION, demo=True)
    outcome = Outcome(home=out / "home")
    steps = _Steps(outcome, say)
    try:
        desk.place.db.set_setting("site.timezone", "UTC")
        desk.place.db.set_setting("site.institution", "RenderDesk Demonstration Hospital")
        steps.begin("load", "Loading the bundled study")
        desk.sign_in("demo.tech", PINS["demo.tech"])
        session = desk.open(str(study))
        try:
            _technologist(session, clock, truth, steps)
            outcome.before_physician = session.decide().answer
            _radiologist(desk, session, clock, truth, steps)
            _biller(desk, session, clock, out, outcome, steps)
            steps.begin("files", "Laying everything out")
            _lay_out(session, out, outcome)
            steps.end()
        finally:
            session.close()
    finally:
        desk.close()
    return outcome


# --- the technologist ---------------------------------------------------------------------------------------------


def _looks(session: Session) -> tuple[str, str]:
    """The preset that suits the series, and the one that the physician prefers once the lumen is sampled."""
    from render import presets

    chosen = presets.choose(session.display, session.facts)
    return chosen, "ct_vessel"


def scene(
    session: Session, preset: str, direction: str = "A", size: tuple[int, int] = SIZE, lumen: float | None = None
) -> View:
    """A volume-rendered view of the whole volume with a preset, from a standard direction.

    `lumen` is the contrast sampled in the vessel (HU), for looks that scale to it.
    """
    from render import camera, presets

    look, _ = presets.resolve(preset, session.display, lumen=lumen)
    return View(
        technique=Technique.VR,
        size=size,
        volume=session.key.volume,
        camera=camera.standard(session.display, direction, size),
        look=look,
        background=("10141a", "000000"),
        overlays="record",
        quality="record",
    )


def plane(session: Session, name: str, at: Vector, size: tuple[int, int] = SIZE, slab: Slab | None = None) -> View:
    """A standard plane through a point, in the abdominal soft-tissue window."""
    from render import planes
    from render.view import Window

    return View(
        technique=Technique.MPR,
        size=size,
        volume=session.key.volume,
        plane=planes.standard(session.display, name, at, size),
        slab=slab,
        window=Window(center=60, width=400),
        quality="record",
    )


def oblique(session: Session, at: Vector, normal: Vector, height_mm: float = 260.0) -> View:
    """A plane through a point across a direction, seen from the feet like an axial one, left-right kept level."""
    import numpy as np

    flat = plane(session, "axial", at)
    n = np.array(normal, float)
    n *= np.sign(n[2]) / np.sqrt(n @ n)
    right = np.array([1.0, 0.0, 0.0]) - n[0] * n
    right /= np.sqrt(right @ right)
    down = np.cross(n, right)
    return flat.replace(
        plane=Plane(
            centre_lps_mm=at,
            right_lps=(float(right[0]), float(right[1]), float(right[2])),
            down_lps=(float(down[0]), float(down[1]), float(down[2])),
            mm_per_pixel=height_mm / flat.size[1],
        )
    )


def _capture(session: Session, clock: ScriptedClock, view: View, title: str) -> Capture:
    picture = session.picture(view, session.labels(view, record=True, draft=True))
    clock.advance(6)
    return session.draft(picture, title)


def _technologist(session: Session, clock: ScriptedClock, truth: Truth, steps: _Steps) -> None:
    """Prepares: first views, the measurements as proposals, drafts."""
    steps.begin("prepare", "Technologist: first views, measurements, drafts")
    chosen, _ = _looks(session)
    overview = scene(session, chosen)
    session.scene_shown(overview)
    clock.advance(20)
    for line in truth.lines:
        session.measure("length", line.points_lps_mm, plane_normal=line.normal_lps, name=line.name)
        clock.advance(15)
    _capture(session, clock, overview, "Volume rendering, from the front")
    _capture(session, clock, plane(session, "axial", truth.sac_centre_lps_mm), "Axial, through the sac")
    _capture(
        session,
        clock,
        plane(session, "coronal", truth.sac_centre_lps_mm, slab=Slab(mode="mip", thickness_mm=20)),
        "Coronal slab, aneurysm and iliac arteries",
    )


# --- the radiologist ----------------------------------------------------------------------------------------------


def _radiologist(desk: Desk, session: Session, clock: ScriptedClock, truth: Truth, steps: _Steps) -> None:
    """Designs, steers, chooses, reports and signs; each act through the use case that the window calls."""
    steps.begin("supervise", "Radiologist: region, tissues, steering, pictures")
    clock.advance(300)
    desk.sign_in("demo.rad", PINS["demo.rad"])
    _, preferred = _looks(session)
    sampled = session.preview("point", (truth.lumen_centre_lps_mm,)).value
    before = scene(session, preferred, lumen=sampled)
    box = Box(low_lps_mm=truth.region_low_lps_mm, high_lps_mm=truth.region_high_lps_mm)
    clock.advance(12)
    session.set_tissues("preset", ["contrast-filled vessels"], preferred)
    clock.advance(10)
    session.set_region("crop", "abdominal aorta from the renal to the iliac arteries", box)
    focus = _on(before, truth.region_centre_lps_mm, 260.0)
    cut = focus.replace(crop=box)
    session.steered(before, cut, "crop", 10.0)
    clock.advance(14)
    turned = cut.replace(camera=_turned(cut.camera, -30.0))
    session.steered(cut, turned, "camera", 12.0)
    clock.advance(16)
    closer = turned.replace(camera=_nearer(turned.camera, 0.85))
    session.steered(turned, closer, "camera", 14.0)
    _capture(session, clock, closer, "Aneurysm, left anterior oblique")
    surface = closer.replace(
        technique=Technique.SSD,
        look=None,
        surfaces=(Surface(low=truth.lumen_threshold, colour="d9563f", name="Lumen"),),
    )
    clock.advance(9)
    session.set_tissues("threshold", ["contrast-filled lumen"], f"surface {truth.lumen_threshold:g}")
    session.steered(closer, surface, "threshold", 9.0)
    _capture(session, clock, surface, "Shaded surface of the lumen")
    mip = turned.replace(technique=Technique.MIP, look=None, window=_mip_window())
    _capture(session, clock, mip, "Maximum intensity projection")
    for m in session.case.measurements:
        clock.advance(5)
        session.accept(m.id)
    sac = session.case.measurements[0]
    across = oblique(session, truth.sac_centre_lps_mm, truth.lines[0].normal_lps).replace(marks=(sac.mark(),))
    _capture(session, clock, across, "Across the sac at its largest diameter")
    steps.begin("release", "Radiologist: looks at every draft, releases")
    for capture in session.case.captures:
        clock.advance(3)
        session.shown(capture.sop_uid, 2.5, min(capture.view.size))
        clock.advance(1)
        if capture.title == "Maximum intensity projection":
            session.discard(capture.sop_uid, "bone covers the aneurysm")
        else:
            session.release(capture.sop_uid, PINS["demo.rad"] if desk.must_ask_again("release") else "")
    steps.begin("report", "Radiologist: report, signature")
    clock.advance(240)
    session.set_anatomy("abdomen_pelvis", "vascular")
    session.set_text(_words(session, truth))
    clock.advance(30)
    session.sign(PINS["demo.rad"])


def _words(session: Session, truth: Truth) -> ReportText:
    """What the demonstration's physician dictates; numbers are those that were measured."""
    values = {m.name: m.measured.printed for m in session.case.measurements if m.accepted}
    order = session.case.order
    return ReportText(
        indication=(order.indication or order.reason) if order else "",
        comparison="None available.",
        findings_3d="\n".join(
            [
                "The volume-rendered and surface views show a fusiform aneurysm of the infrarenal abdominal aorta with "
                "eccentric mural thrombus and calcification of the wall.",
                *(f"{name}: {value}." for name, value in values.items()),
                "The renal arteries leave above the aneurysm. Both common iliac arteries are followed to their "
                "division.",
            ]
        ),
        impression="Infrarenal abdominal aortic aneurysm; measurements for planning as listed.",
        necessity=(order.reason if order else "") or "Planning of repair needs the spatial relations in 3D.",
        limitations="Synthetic data, made by a program; not a real examination.",
        side="not_applicable",
    )


def _mip_window() -> Any:
    from render.view import Window

    return Window(center=300, width=600)


def _on(view: View, point: Vector, height_mm: float) -> View:
    """The same direction, centred on a point and framed to a height."""
    camera = view.camera
    assert camera is not None
    shift = tuple(p - f for p, f in zip(point, camera.focal_lps_mm, strict=True))
    position = tuple(c + s for c, s in zip(camera.position_lps_mm, shift, strict=True))
    return view.replace(
        camera=msgspec.structs.replace(camera, position_lps_mm=position, focal_lps_mm=point, height_mm=height_mm)
    )


def _turned(camera: Camera | None, degrees: float) -> Camera:
    from render import camera as cameras

    assert camera is not None
    return cameras.rotate(camera, degrees, 0.0)


def _nearer(camera: Camera | None, factor: float) -> Camera:
    assert camera is not None
    return msgspec.structs.replace(camera, height_mm=camera.height_mm * factor)


# --- the biller ---------------------------------------------------------------------------------------------------


def _biller(desk: Desk, session: Session, clock: ScriptedClock, out: Path, outcome: Outcome, steps: _Steps) -> None:
    """Reads the decision, confirms it, and sees why the same study coded as angiography is not billed."""
    steps.begin("charge", "Biller: decision, confirmation, message")
    clock.advance(3600)
    desk.sign_in("demo.bill", PINS["demo.bill"])
    decided = session.decide()
    outcome.facts, outcome.decision, outcome.lines = decided.facts, decided.answer, decided.lines
    as_cta = msgspec.json.decode(msgspec.json.encode(decided.facts))
    as_cta["ledger"] = []
    for base in as_cta.get("base", []):
        base["code"], base["angiographic"] = "74174", True
    outcome.if_cta = decide_facts(as_cta, decided.facts["as_of"])[1]
    if decided.answer["decision"] == "bill":
        confirmed = session.confirm_charge(PINS["demo.bill"])
        write_bytes(out / "charge.hl7", confirmed.message.encode("utf-8"))
        outcome.message = str(out / "charge.hl7")


def _lay_out(session: Session, out: Path, outcome: Outcome) -> None:
    """Copies of what lies in the archive, by names that a person understands."""
    pictures, objects = make_folder(out / "pictures"), make_folder(out / "dicom")
    shown = [c for c in session.case.captures if c.state == "released"]
    for number, capture in enumerate(shown, start=1):
        path = pictures / f"{number:02d}_{_plain(capture.title)}.png"
        write_bytes(path, session.png(capture))
        outcome.pictures.append(str(path))
    report = session.case.reports[-1]
    named = {report.sop_uid: "report_sr", report.measurements_sop_uid: "measurements_sr", report.pdf_sop_uid: "pdf"}
    for number, item in enumerate(session.place.library.instances(session.key.study_uid, made_here=True), start=1):
        name = named.get(item.sop_uid, "picture" if item.series_number == 9001 else "key_pictures")
        path = objects / f"{number:02d}_{name}.dcm"
        write_bytes(path, session.place.files.path(item.place).read_bytes())
        outcome.dicom.append(str(path))
        if name == "report_sr":
            outcome.report_sr = str(path)
        elif name == "measurements_sr":
            outcome.measurements_sr = str(path)
    write_bytes(out / "report.pdf", session.report_pdf())
    write_bytes(out / "report.txt", session.report_text().encode("utf-8"))
    outcome.report_pdf, outcome.report_text = str(out / "report.pdf"), str(out / "report.txt")
    for name, value in (("facts", outcome.facts), ("decision", outcome.decision), ("if_cta", outcome.if_cta)):
        write_bytes(out / f"{name}.json", msgspec.json.format(msgspec.json.encode(value), indent=1))


def _plain(title: str) -> str:
    kept = "".join(c if c.isalnum() else "_" for c in title.lower())
    while "__" in kept:
        kept = kept.replace("__", "_")
    return kept.strip("_")[:48]
