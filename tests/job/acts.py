"""The acts of a whole case, as people do them at the desk, for tests."""

from __future__ import annotations

from render import camera, planes, presets
from render.view import Box, Surface, Technique, View, Window
from workstation.base.clock import ScriptedClock
from workstation.case.model import Base, Capture, Order, ReportText
from workstation.desk.desk import Desk
from workstation.desk.people_demo import PINS
from workstation.desk.session import Session

SIZE = (320, 260)

ORDER = Order(
    accession="ACC-1",
    order_id="3D-1",
    three_d_ordered=True,
    reason="Planning of repair",
    indication="Aneurysm",
    ordering_npi="1999999844",
    ordering_name="Ann Smith",
    side="not_applicable",
    base=(Base(code="74177", modality="CT", performed_by="same", angiographic=False, accession="ACC-1"),),
    dx=(("I71.43", "infrarenal abdominal aortic aneurysm without rupture"),),
    dx_confirmed=True,
    purpose="surgical_planning",
)

GIVEN = {
    "payer.kind": "medicare",
    "claim.form": "professional",
    "claim.pos": "22",
    "claim.bills_reader": True,
    "claim.owns_equipment": False,
    "providers.billing_npi": "1999999869",
    "providers.resident_involved": False,
    "other_codes": [],
}


def vr(session: Session, direction: str = "A") -> View:
    look, _ = presets.resolve("ct_bone_vessel", session.display)
    return View(
        technique=Technique.VR,
        size=SIZE,
        volume=session.key.volume,
        camera=camera.standard(session.display, direction, SIZE),
        look=look,
    )


def axial(session: Session) -> View:
    return View(
        technique=Technique.MPR,
        size=SIZE,
        volume=session.key.volume,
        plane=planes.standard(session.display, "axial", (0.0, 0.0, 0.0), SIZE),
        window=Window(center=60, width=400),
    )


def capture(session: Session, view: View, title: str) -> Capture:
    return session.draft(session.picture(view, session.labels(view, record=True, draft=True)), title)


def technologist(desk: Desk, session: Session, clock: ScriptedClock) -> None:
    """Prepares drafts and a measurement."""
    desk.sign_in("demo.tech", PINS["demo.tech"])
    view = vr(session)
    session.scene_shown(view)
    clock.advance(10)
    capture(session, view, "Front")
    capture(session, axial(session), "Axial")
    session.measure("length", ((-1.0, 0.0, 0.0), (17.0, 0.0, 0.0)), plane_normal=(0.0, 0.0, 1.0), name="Tube")


RADIOLOGIST = ("demo.rad", PINS["demo.rad"])


def physician(desk: Desk, session: Session, clock: ScriptedClock, who: tuple[str, str] = RADIOLOGIST) -> None:
    """Does the four acts, releases everything, accepts the measurement; `who` is account and PIN."""
    clock.advance(120)
    desk.sign_in(*who)
    box = Box(low_lps_mm=(-30, -30, -30), high_lps_mm=(30, 30, 30))
    session.set_region("crop", "tube", box)
    session.set_tissues("preset", ["vessels"], "ct_bone_vessel")
    before = vr(session)
    for direction in ("L", "P"):
        clock.advance(20)
        after = vr(session, direction)
        session.steered(before, after, "camera", 15.0)
        before = after
    surface = before.replace(technique=Technique.SSD, look=None, surfaces=(Surface(low=200),))
    capture(session, surface, "Surface")
    release_all(session, clock)
    for m in session.case.measurements:
        if m.volume == session.key.volume:
            session.accept(m.id)


def release_all(session: Session, clock: ScriptedClock) -> None:
    for c in session.case.captures:
        if c.state == "draft":
            clock.advance(2)
            session.shown(c.sop_uid, 2.0, 400)
            session.release(c.sop_uid)


def report(session: Session, clock: ScriptedClock, order: Order = ORDER, pin: str = RADIOLOGIST[1]) -> None:
    """Order, words and signature."""
    session.set_order(order)
    session.set_anatomy("abdomen_pelvis", "vascular")
    session.set_text(
        ReportText(
            indication="Aneurysm",
            comparison="None available.",
            findings_3d="The tube is straight. Diameter < 20 mm & > 10 mm | ~ \\ ^.",
            impression="Tube of normal calibre.",
            necessity="Planning of repair",
            limitations="Phantom.",
            side="not_applicable",
        )
    )
    clock.advance(60)
    session.sign(pin)


def whole(desk: Desk, session: Session, clock: ScriptedClock) -> None:
    technologist(desk, session, clock)
    physician(desk, session, clock)
    report(session, clock)
    session.give_facts(GIVEN)
