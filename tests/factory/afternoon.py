"""A biller's afternoon: a home with signed cases made by the acts of people, of which some are ready, held, or covered.

Each case is a small constructed CT that went through the same use cases as at the desk; nothing is written past them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.factory.series import ct_series
from tests.job import acts
from tests.job.conftest import SHAPE, SPACING, phantom
from workstation.base.clock import ScriptedClock
from workstation.desk.desk import Desk

STATION = "WS-3D-1"


@dataclass(frozen=True)
class Waiting:
    """One case: whose, when, who pays, and what is not as in the plain billable case."""

    name: str
    payer: str
    day: dt.date
    base: str = "74177"
    angiographic: bool | None = False
    dx: str = "I71.43"
    label: str = "infrarenal abdominal aortic aneurysm without rupture"


def _days(last: dt.date) -> tuple[dt.date, ...]:
    return tuple(last - dt.timedelta(days=n) for n in (0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 6))


_READY = (
    ("SAMPLE^Aorta One", "medicare"),
    ("VOLUNTEER^Head", "cigna"),
    ("MILLER^Anne", "medicare"),
    ("YAMADA^Taro=山田^太郎", "bcbs"),
    ("OLD^Case", "uhc"),
    ("DUPONT^Hélène", "aetna"),
    ("GARCÍA LÓPEZ^María", "medicare"),
    ("O'NEILL^Sean^P", "medicaid"),
    ("VAN DER BERG^Jan", "medicare_advantage"),
    ("SCHMIDT^Jürgen", "medicare"),
    ("NGUYEN^Thi Minh", "bcbs"),
    ("HADDAD^Omar", "uhc"),
    ("PETROV^Ivan", "medicare"),
    ("LONGNAME-WEATHERBY-PAPADOPOULOS^Konstantinos Alexandros", "other"),
)


def cases(last: dt.date) -> tuple[Waiting, ...]:
    """Fourteen ready, three held each with its question, one that was an angiogram; the newest on `last`."""
    ready = tuple(Waiting(n, p, d) for (n, p), d in zip(_READY, _days(last), strict=True))
    held = (
        Waiting("LIDC^0001", "aetna", last, angiographic=None),
        Waiting("KOWALSKI^Ewa", "medicare", last - dt.timedelta(days=1), angiographic=None),
        Waiting("ROSSI^Luca", "cigna", last - dt.timedelta(days=2), dx="I71.4", label="abdominal aortic aneurysm"),
    )
    covered = (Waiting("MÜLLER^Anne", "medicare", last - dt.timedelta(days=1), base="74174", angiographic=True),)
    return (*ready, *held, *covered)


def make_home(
    home: Path, files: Path, wanted: tuple[Waiting, ...], told: Callable[[str], None] = lambda _name: None
) -> None:
    """Import, make, release, report, sign and answer each case; the charge is left to the biller."""
    first = min(w.day for w in wanted)
    clock = ScriptedClock(dt.datetime(first.year, first.month, first.day, 7, 0, tzinfo=dt.UTC))
    desk = Desk(home, clock=clock, station=STATION, demo=True)
    desk.place.db.set_setting("site.timezone", "UTC")
    desk.place.db.set_setting("site.institution", "RenderDesk Demonstration Hospital")
    voxels = phantom()
    try:
        for number, one in enumerate(sorted(wanted, key=lambda w: w.day), 1):
            folder = files / f"{number:02d}"
            accession = f"A{4700 + number}"
            ct_series(
                folder,
                slices=SHAPE[0],
                rows=SHAPE[1],
                columns=SHAPE[2],
                spacing=SPACING,
                voxels=voxels,
                name=one.name,
                patient_id=f"P{number:04d}",
                study=f"study {number}",
                tags={
                    "StudyDate": f"{one.day:%Y%m%d}",
                    "AccessionNumber": accession,
                    "SpecificCharacterSet": "ISO_IR 192",
                },
            )
            opens = dt.datetime(one.day.year, one.day.month, one.day.day, 7, 30, tzinfo=dt.UTC)
            if clock.now() < opens:
                clock.advance((opens - clock.now()).total_seconds())
            session = desk.open(str(folder))
            acts.technologist(desk, session, clock)
            acts.physician(desk, session, clock)
            base = msgspec.structs.replace(
                acts.ORDER.base[0], code=one.base, angiographic=one.angiographic, accession=accession
            )
            order = msgspec.structs.replace(
                acts.ORDER, accession=accession, order_id=f"3D-{number}", base=(base,), dx=((one.dx, one.label),)
            )
            session.give_facts({**acts.GIVEN, "payer.kind": one.payer})
            acts.report(session, clock, order)
            session.close()
            told(one.name)
    finally:
        desk.close()
