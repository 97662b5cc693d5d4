"""How long a picture for the record takes: made, kept as a draft, released; and a surface from a folder."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from workstation.bench.figures import Figure, compare, measuring
from workstation.bench.given import Given
from workstation.bench.processes import peak_memory, seconds_of
from workstation.desk.desk import Desk
from workstation.desk.identity import missing_identity
from workstation.desk.people_demo import PINS

_BONE = 226.0


def measure(given: Given) -> list[Figure]:
    """A DEMO home of its own; the radiologist of the demonstration drafts and releases.

    Raises
    ------
    InputRefused
        What stands in the way of a release of this series.
    """
    with tempfile.TemporaryDirectory(prefix="renderdesk-bench-") as name:
        desk = Desk(Path(name) / "home", station="BENCH", demo=True)
        try:
            figures = _captures(desk, given)
        finally:
            desk.close()
        return [*figures, *_surface(given, Path(name))]


def _captures(desk: Desk, given: Given) -> list[Figure]:
    from render.view import Technique, View

    measuring("pictures for the record, drafts and their release")
    desk.sign_in("demo.rad", PINS["demo.rad"])
    session = desk.open(given.source, given.series, given.volume)
    try:
        session.taken_in()  # the copies into the archive are made beside; they are not what is measured
        if missing_identity(session.case.patient):
            session.confirm_identity()
        asked = View(technique=Technique.VR, volume=session.key.volume)
        width, height = asked.size
        renderer = ""
        made: list[float] = []
        drafted: list[float] = []
        released: list[float] = []
        for _ in range(given.runs + 1):
            begun = time.perf_counter()
            picture = session.picture(asked, session.labels(asked, draft=True))
            renderer = picture.renderer
            seen = time.perf_counter()
            capture = session.draft(picture)
            kept = time.perf_counter()
            session.release(capture.sop_uid, PINS["demo.rad"])
            gone = time.perf_counter()
            for list_, seconds in ((made, seen - begun), (drafted, kept - seen), (released, gone - kept)):
                list_.append(seconds * 1000)
    finally:
        session.close()
    notes = (
        f"{width} x {height}, record quality, {renderer}",
        "PNG beside the case, line in the journal",
        "drawn again with the labels of the record, DICOM object written and filed, journal",
    )
    names = ("picture for the record", "draft kept", "draft released")
    return [
        Figure(
            name=name,
            unit="ms",
            ours=statistics.median(taken[1:]),
            runs=given.runs,
            ours_range=(min(taken[1:]), max(taken[1:])),
            note=note,
        )
        for name, taken, note in zip(names, (made, drafted, released), notes, strict=True)
    ]


def _surface(given: Given, place: Path) -> list[Figure]:
    """A folder of DICOM to an STL file, whole process; only where the source is a folder and in HU."""
    source = given.opened()
    if source.found.units != "HU" or not Path(given.source).is_dir():
        return []
    from workstation.bench.given import own_files

    folder, out = place / "series", place / "surface.stl"
    own_files(source, folder)
    command = [sys.executable, "-m", "workstation", "surface", str(folder), "--threshold", f"{_BONE:g}"]
    command += ["--smooth", "0", "--out", str(out), "--force"]
    tool = shutil.which("invesalius3")
    theirs = [tool or "", "--no-gui", "-i", str(folder), "-t", f"{_BONE:g},3071", "-e", str(place / "peer.stl")]
    name = f"folder to STL at {_BONE:g} HU, whole process"
    figures = [
        compare(
            name,
            lambda: seconds_of(command),
            (lambda: seconds_of(theirs)) if tool else None,
            peer_name="InVesalius" if tool else "",
            missing="InVesalius is not installed",
            runs=given.runs,
            unit="s",
            ratio_at_most=0.1,
        )
    ]
    measuring(f"{name}, peak memory")
    most = peak_memory(command)
    if most is not None:
        peer = peak_memory(theirs) if tool else None
        figures.append(
            Figure(
                name="the same, peak memory",
                unit="MB",
                ours=most,
                peer=peer,
                ratio=None if peer is None else most / peer,
                peer_name="InVesalius" if tool else "",
                missing="" if tool else "InVesalius is not installed",
                ratio_at_most=0.7,
                note="proportional set size of the process tree",
            )
        )
    return figures
