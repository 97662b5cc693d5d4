"""A small CT made by code, a desk with a scripted clock, and people who may act."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.factory.series import ct_series, grid
from tests.job import acts
from workstation.base.clock import ScriptedClock
from workstation.desk.desk import Desk

START = datetime(2026, 1, 6, 9, 0, tzinfo=UTC)
SPACING = (2.0, 1.0, 1.0)
SHAPE = (40, 96, 96)


def phantom() -> np.ndarray:
    """A body of water with a contrast-filled tube along z and a bone beside it, HU."""
    _, places = grid(*SHAPE, SPACING, centre=(0.0, 0.0, 0.0))
    x, y = places[..., 0], places[..., 1]
    hu = np.full(SHAPE, -1000.0)
    hu[(x / 42) ** 2 + (y / 36) ** 2 < 1] = 40
    hu[(x - 8) ** 2 + y**2 < 9**2] = 300
    hu[(x + 14) ** 2 + (y - 14) ** 2 < 7**2] = 900
    return hu


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    ct_series(
        folder,
        slices=SHAPE[0],
        rows=SHAPE[1],
        columns=SHAPE[2],
        spacing=SPACING,
        voxels=phantom(),
        centre=(0.0, 0.0, 0.0),
        name="PHANTOM^JANE",
        patient_id="PH-77",
        tags={"ReferringPhysicianName": "SMITH^ANN", "BodyPartExamined": "ABDOMEN", "IssuerOfPatientID": "HOSP"},
    )
    return folder


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock(START)


@pytest.fixture
def desk(tmp_path: Path, clock: ScriptedClock) -> Iterator[Desk]:
    """A DEMO home: there scripted acts are evidence."""
    made = Desk(tmp_path / "home", clock=clock, station="TEST-1", demo=True)
    made.place.db.set_setting("site.timezone", "UTC")
    yield made
    made.close()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, study_folder: Path) -> tuple[Path, datetime, str]:
    """A home with a case that is ready to be charged, the moment ten minutes later, its study; to be copied."""
    clock = ScriptedClock(START)
    made = Desk(tmp_path_factory.mktemp("finished") / "home", clock=clock, station="TEST-1", demo=True)
    made.place.db.set_setting("site.timezone", "UTC")
    opened = made.open(str(study_folder))
    acts.whole(made, opened, clock)
    study = opened.key.study_uid
    opened.close()
    made.close()
    return made.home, clock.now() + timedelta(minutes=10), study


@pytest.fixture(scope="session")
def two_series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One study with two series of the same place, 3 and 4; the second is 10 HU brighter."""
    folder = tmp_path_factory.mktemp("two_series")
    for number, word in ((3, "morning"), (4, "afternoon")):
        ct_series(
            folder,
            slices=SHAPE[0],
            rows=SHAPE[1],
            columns=SHAPE[2],
            spacing=SPACING,
            voxels=phantom() + 10.0 * (number - 3),
            centre=(0.0, 0.0, 0.0),
            name="PHANTOM^JANE",
            patient_id="PH-77",
            series=word,
            series_number=number,
            label=word,
            tags={"ReferringPhysicianName": "SMITH^ANN", "BodyPartExamined": "ABDOMEN", "IssuerOfPatientID": "HOSP"},
        )
    return folder
