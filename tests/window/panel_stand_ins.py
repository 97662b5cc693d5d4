"""Stand-ins of desk, session and window for the panels: shaped like the real ones, with nothing behind them.

They hold the real values (Case, Order, Measurement, Capture, Supervision) and write down what a panel asked for.
The panels on the real desk are tried in `test_panels_desk.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PySide6.QtCore import QObject, Signal

from render.geometry import Geometry
from render.view import Camera, Plane, Surface, Technique, View, Window
from render.volume import Volume
from workstation.base.errors import InputRefused, NotAllowed
from workstation.base.events import Actor, CaseKey
from workstation.base.findings import Finding
from workstation.case.model import Capture, Case, Measured, Measurement, Order, Patient, ReportText, SignedReport
from workstation.case.supervision import ACTS, ActState, Supervision
from workstation.desk.charge_office import HandedOver, HistoryLine, LeftOut, Sent, Taken
from workstation.desk.charge_site import PayerPage
from workstation.desk.fact_sources import FactSource
from workstation.desk.worklist import ChargeLine as Line
from workstation.desk.worklist import Confirming
from workstation.dicom.found import SeriesFound, VolumeFound
from workstation.people.roles import may, refusal
from workstation.report.model import ReportContent

RADIOLOGIST = Actor("rad", "Dr. Sample", "radiologist", "2026-11-23T09:00:00+00:00", "1234567893")
TECHNOLOGIST = Actor("tech", "T. Sample", "technologist", "2026-11-23T08:00:00+00:00")
BILLER = Actor("bill", "B. Sample", "biller", "2026-11-23T16:00:00+00:00")
PIN = "135791"


@dataclass(frozen=True)
class Check:
    code: str
    sentence: str
    severity: str
    step: str


@dataclass(frozen=True)
class Decided:
    facts: dict[str, Any]
    answer: dict[str, Any]
    lines: tuple[str, ...]
    proof: dict[str, tuple[int, ...]] = field(default_factory=dict)


def answer(decision: str = "bill", **changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "schema": "renderdesk.answer/1",
        "decision": decision,
        "code": None if decision == "reject" else "76377",
        "modifiers": ["26"] if decision == "bill" else [],
        "units": 1 if decision == "bill" else 0,
        "diagnoses": [],
        "questions": [],
        "reasons": [
            {"rule": "R-IW-01", "outcome": "pass", "text": "Made on an independent workstation.", "source": "CPT"},
            {"rule": "R-SV-02", "outcome": "pass", "text": "Supervised while it was made.", "source": "CPT"},
        ],
        "warnings": [],
        "alternatives": [],
    }
    return {**base, **changes}


def volume(units: str = "HU", modality: str = "CT") -> Volume:
    """40 x 40 x 40 voxels of 2 mm; a bright cube of 10 x 10 x 10 voxels (8 ml) in it."""
    voxels = np.full((40, 40, 40), -1000, np.int16)
    voxels[10:20, 10:20, 10:20] = 600
    affine = np.array([[0, 0, 2.0, -39], [0, 2.0, 0, -39], [2.0, 0, 0, -39], [0, 0, 0, 1]])
    return Volume(voxels, Geometry((40, 40, 40), affine), units, "d" * 32, modality)


def view_3d(**changes: Any) -> View:
    camera = Camera(position_lps_mm=(0, -500, 0), focal_lps_mm=(0, 0, 0), up_lps=(0, 0, 1))
    return View(technique=Technique.VR, camera=camera, volume="d" * 32).replace(**changes)


def measurement(number: int, **changes: Any) -> Measurement:
    base = Measurement(
        id=f"m{number}",
        tracking_uid=f"1.2.{number}",
        kind="length",
        name=f"Length {number}",
        points_lps_mm=((0.0, 0.0, 10.0 * number), (30.0, 0.0, 10.0 * number)),
        measured=Measured("length", 30.0, "mm", "30.0 mm", "Straight distance of two points.", uncertainty=0.6),
        made_by="T. Sample",
    )
    return msgspec.structs.replace(base, **changes)


def capture(number: int, state: str = "draft") -> Capture:
    return Capture(
        sop_uid=f"1.9.{number}",
        series_uid="1.9",
        title=f"Anterior {number}",
        view=view_3d(),
        renderer="CPU caster",
        state=state,  # type: ignore[arg-type]
        made_by=TECHNOLOGIST,
        made_at="2026-11-23T08:30:00+00:00",
        released_by=RADIOLOGIST if state == "released" else None,
        picture="p.png",
    )


def a_case(**changes: Any) -> Case:
    base = Case(
        key=CaseKey("k1", "1.2.3", "1.2.3.1", "d" * 32),
        patient=Patient(key="k1", id="PAT-0001", name="SAMPLE^AORTA^ONE", birth_date="1951-05-04", sex="F"),
        study_date="2026-11-23",
        accession="A4711",
        modality="CT",
        anatomy="abdomen",
        target="vascular",
    )
    return msgspec.structs.replace(base, **changes)


def series_found(description: str = "CT 1.0 mm soft") -> SeriesFound:
    made = volume()
    found = VolumeFound("v", "1.2.3", "1.2.3.1", made.geometry, (None,) * 40, "HU", "CT", True, 80)
    return SeriesFound("1.2.3.1", 3, "CT", description, 40, (found,))


class FakeDesk:
    def __init__(self, actor: Actor | None = RADIOLOGIST) -> None:
        self.actor = actor
        self.settings: dict[str, str] = {}
        self.lines: tuple[Line, ...] = ()
        self.ask_again = False
        self.demo = True
        self.later: tuple[HistoryLine, ...] = ()
        self.did: list[tuple[Any, ...]] = []
        self.fails: set[str] = set()
        self.sending = Sent()

    def may(self, act: Any) -> bool:
        return self.actor is not None and may(self.actor.role, act)

    def why_not(self, act: Any) -> str:
        return refusal(self.actor.role if self.actor else None, act)

    def must_ask_again(self, act: str) -> bool:
        return self.ask_again

    def setting(self, name: str, default: str = "") -> str:
        return self.settings.get(name, default)

    def set_setting(self, name: str, value: str) -> None:
        self.settings[name] = value

    def charge(self, charge_id: str) -> None:
        return None  # a stand-in keeps no ledger

    def charge_history(self, charge_id: str) -> tuple[HistoryLine, ...]:
        at, who = "2026-11-23T16:05:00Z", "b.sample"
        return (HistoryLine(at, "confirm", "draft", "confirmed", who, "biller", "WS1", ""), *self.later)

    def filed(self, study_uid: str, session: int = 0) -> FakeSession:
        return FakeSession(self, a_case())

    def payer_page(self, kind: str, plan: str | None, day: date) -> PayerPage:
        return PayerPage(kind, plan, day, (), ())

    def confirm_charges(self, cases: list[tuple[Any, ...]], secret: str = "") -> tuple[Confirming, ...]:
        study_uids = [case[0] for case in cases]
        if self.ask_again and secret != PIN:
            raise NotAllowed("wrong_secret", "The PIN or password is wrong.")
        self.did.append(("confirm", *study_uids))
        return tuple(
            Confirming(uid, sentence="Held after all.") if uid in self.fails else Confirming(uid, confirmed=object())
            for uid in study_uids
        )

    def void_charge(self, charge_id: str, *, again: str, reason: str, secret: str = "") -> None:
        self.did.append(("void", charge_id, again, reason, secret))

    def replace_charge(self, charge_id: str, *, reason: str, secret: str = "") -> None:
        self.did.append(("replace", charge_id, reason, secret))

    def resend_charge(self, charge_id: str, *, reason: str, secret: str = "") -> None:
        raise InputRefused("transition", "Only a refused charge is sent again.")

    def send_charges(self, stop: Any = None) -> Sent:
        self.did.append(("send",))
        return self.sending

    def export_charges(self, form: str, out: Path, *, force: bool = False) -> HandedOver:
        done = ("export", form) in self.did
        self.did.append(("export", form))
        if done:
            return HandedOver(0, form, None)
        return HandedOver(1, form, out, ("C1", "C2"), ("C0",), (LeftOut("C3", "x", "The plan is not known."),))

    def take_answers(self, paths: Any) -> tuple[Taken, ...]:
        self.did.append(("answers", *[p.name for p in paths]))
        return (Taken("ack", "acknowledged", "C1"), Taken("ack", "foreign"))

    def charges(self) -> tuple[Line, ...]:
        return self.lines


class FakePhases:
    """One phase."""

    index = 0

    def __len__(self) -> int:
        return 1

    def words(self, index: int) -> str:
        return ""


class FakeSession:
    """The case is real, the acts are written down in `did`."""

    def __init__(self, desk: FakeDesk, case: Case | None = None) -> None:
        self.desk = desk
        self.case = case or a_case()
        self.volume = self.display = volume()
        self.series: tuple[SeriesFound, ...] = (series_found(),)
        self.findings: tuple[Finding, ...] = ()
        self.phases = FakePhases()
        self.choice_line = "Series 3, 40 thin slices: the thinnest soft series of this study."
        self.did: list[tuple[Any, ...]] = []
        self.answer = answer()
        self.found_checks: tuple[Check, ...] = ()
        self.acts = dict.fromkeys(ACTS, ActState())
        self.concurrent: bool | None = None
        self.message_path: Path | None = None
        self.picture = b""
        self.decisions = 0
        self.sources: tuple[FactSource, ...] = ()

    @property
    def found(self) -> VolumeFound:
        return self.series[0].volumes[0]

    @property
    def key(self) -> CaseKey:
        return self.case.key

    @property
    def actor(self) -> Actor | None:
        return self.desk.actor

    def badges(self) -> tuple[str, ...]:
        return ()

    def _change(self, **changes: Any) -> None:
        self.case = msgspec.structs.replace(self.case, **changes)

    def set_region(self, how: str, words: str, box: Any) -> None:
        self.did.append(("region", how, words, box))

    def set_tissues(self, how: str, tissues: list[str], look: str) -> None:
        self.did.append(("tissues", how, tissues, look))

    def attest(self, acts: dict[str, bool], concurrent: bool | None, text: str) -> None:
        self.did.append(("attest", acts, concurrent, text))
        at = "2026-11-23T10:00:00+00:00"
        self.acts.update({name: ActState("attested", "Dr. Sample", at) for name in acts})
        self.concurrent = concurrent

    def supervision(self) -> Supervision:
        return Supervision(acts=dict(self.acts), concurrent=self.concurrent)

    def _measurement(self, number: str, **changes: Any) -> None:
        self._change(
            measurements=tuple(
                msgspec.structs.replace(m, **changes) if m.id == number else m for m in self.case.measurements
            )
        )

    def accept(self, number: str) -> None:
        self._measurement(number, accepted=True)

    def rename(self, number: str, name: str) -> None:
        self._measurement(number, name=name)

    def remove(self, number: str) -> None:
        self._change(measurements=tuple(m for m in self.case.measurements if m.id != number))

    def png(self, _capture: Capture) -> bytes:
        return self.picture

    def shown(self, sop_uid: str, seconds: float, pixels: int) -> None:
        self.did.append(("shown", sop_uid, seconds, pixels))

    def _capture(self, uid: str, **changes: Any) -> None:
        self._change(
            captures=tuple(msgspec.structs.replace(c, **changes) if c.sop_uid == uid else c for c in self.case.captures)
        )

    def release(self, uid: str, secret: str = "") -> None:
        if self.desk.ask_again and secret != PIN:
            raise NotAllowed("wrong_secret", "The PIN or password is wrong.")
        self.did.append(("release", uid))
        self._capture(uid, state="released", released_by=self.actor)

    def discard(self, uid: str, reason: str = "") -> None:
        self.did.append(("discard", uid, reason))
        self._capture(uid, state="discarded")

    def set_order(self, order: Order) -> None:
        self.did.append(("order", order))
        self._change(order=order)

    def set_diagnoses(self, dx: tuple[tuple[str, str], ...]) -> None:
        self.did.append(("dx", dx))
        self._change(order=msgspec.structs.replace(self.case.order or Order(), dx=dx))

    def confirm_identity(self) -> None:
        self._change(identity_confirmed_by=self.actor)

    def confirm_side(self) -> None:
        self._change(side_confirmed_by=self.actor)

    def set_anatomy(self, anatomy: str, target: str) -> None:
        self._change(anatomy=anatomy, target=target)

    def set_text(self, text: ReportText) -> None:
        self.did.append(("text", text))
        self._change(text=text)

    def content(self) -> ReportContent:
        return ReportContent(
            patient=self.case.patient,
            study_uid="1.2.3",
            study_date="2026-11-23",
            accession="A4711",
            modality="CT",
            study_description="CT",
            technique=("Volume rendering on this workstation, 5 pictures.", self.case.text.technique),
        )

    def checks(self) -> tuple[Check, ...]:
        return self.found_checks

    def report_text(self) -> str:
        return f"3D FINDINGS\n{self.case.text.findings_3d}\n"

    def sign(self, secret: str, reason: str = "") -> SignedReport:
        if secret != PIN:
            raise NotAllowed("wrong_secret", "The PIN or password is wrong.")
        assert self.actor is not None
        signed = SignedReport(
            sop_uid="1.8",
            measurements_sop_uid="",
            status="final",
            signed_by=self.actor,
            signed_at="2026-11-23T10:30:00+00:00",
            digest="d",
        )
        self.did.append(("sign", reason))
        self._change(reports=(*self.case.reports, signed))
        return signed

    def give_facts(self, facts: dict[str, Any]) -> None:
        self.did.append(("facts", facts))
        self._change(given={**self.case.given, **facts})

    def decide(self, as_of: str | None = None) -> Decided:
        self.decisions += 1
        lines = ("The work was done on a workstation of its own.", "Volume rendering: 8 pictures archived.")
        return Decided({}, self.answer, lines)

    session_number = 1

    def fact_sources(self, decided: Decided) -> tuple[FactSource, ...]:
        return self.sources

    def read_again(self) -> None:
        """Nothing else acts on a stand-in."""

    def separate_session(self, reason: str) -> int:
        self.did.append(("separate", reason))
        self.session_number = 2
        return 2

    def rejoin_session(self, reason: str) -> None:
        self.did.append(("rejoin", reason))
        self.session_number = 1

    def confirm_charge(self, secret: str = "", seen: tuple[str, ...] | None = None) -> None:
        if self.desk.ask_again and secret != PIN:
            raise InputRefused("wrong_secret", "The PIN or password is wrong.")
        self.did.append(("charge",))
        self.message_path = Path("/nowhere/charge-0001.hl7")
        self._change(charge="c1")


class FakeScene:
    """The 3D picture with nothing beside the volume in it."""

    planes_shown: tuple[str, ...] = ()
    slab_mm = 10.0

    def __init__(self, views: dict[str, View]) -> None:
        self.views = views

    def reach(self, normal: tuple[float, float, float]) -> tuple[float, float]:
        return -100.0, 100.0


class FakeHand:
    """Holds the panes: the planes share one window."""

    def __init__(self, views: dict[str, View]) -> None:
        from workstation.window.scenery import Scenery

        self.views = views
        self.active = "3d"
        self.scene = FakeScene(views)
        self.scenery = Scenery(self)  # type: ignore[arg-type]

    def activate(self, pane: str) -> None:
        self.active = pane

    def set_window(self, window: Window) -> None:
        assert self.active != "3d"
        for pane in ("axial", "coronal", "sagittal"):
            self.views[pane] = self.views[pane].replace(window=window)


class FakeActions(QObject):
    """The window: three planes and a 3D view as values; jobs run at once."""

    view_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.centred: list[tuple[float, float, float]] = []
        self.surfaces: list[tuple[Surface | None, bool]] = []
        self.views: dict[str, View] = {"3d": view_3d()}
        for pane in ("axial", "coronal", "sagittal"):
            plane = Plane(centre_lps_mm=(0, 0, 0), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=1.0)
            self.views[pane] = View(technique=Technique.MPR, plane=plane, window=Window(center=40, width=400))

        self.stagehand = FakeHand(self.views)

    def run(self, command: str, *args: object) -> None:
        self.commands.append(" ".join([command, *map(str, args)]))

    def say(self, sentence: str, kind: str = "info") -> None:
        self.said.append((sentence, kind))

    def job(self, title: str, work: Any, done: Any = None, failed: Any = None, *, lane: str = "") -> None:
        try:
            result = work(lambda *_: None, lambda: False)
        except Exception as error:
            if failed is None:
                raise
            failed(error)
        else:
            if done is not None:
                done(result)

    def view(self, pane: str = "") -> View | None:
        return self.views.get(pane or "3d")

    def show(self, view: View, pane: str = "3d", what: str = "look") -> None:
        self.views[pane] = view
        self.view_changed.emit(pane)

    def centre(self, lps_mm: tuple[float, float, float]) -> None:
        self.centred.append(lps_mm)

    def stand(self, capture: Capture) -> None:
        self.commands.append(f"stand {capture.sop_uid}")

    def refused(self, error: BaseException) -> None:
        self.said.append((str(error), "refused"))

    def go_to(self, where: str) -> None:
        self.commands.append(f"go {where}")

    def surface(self) -> Surface | None:
        return self.views["3d"].surfaces[0] if self.views["3d"].surfaces else None

    def set_surface(self, surface: Surface | None, done: bool = True) -> None:
        self.surfaces.append((surface, done))
        kept = (surface,) if surface else ()
        technique = Technique.SSD if surface else Technique.VR
        self.show(self.views["3d"].replace(surfaces=kept, technique=technique))
