"""An import killed at any moment: nothing taken in is lost, nothing is half there, the next one completes it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.factory.series import ct_series
from workstation.base.clock import SystemClock
from workstation.desk.library import import_paths
from workstation.desk.place import Place
from workstation.desk.verify import verify
from workstation.dicom.scan import scan

ROOT = Path(__file__).resolve().parents[2]
FILES = 130
CHILD = """
import sys
from pathlib import Path
from workstation.base.clock import SystemClock
from workstation.desk.library import import_paths
from workstation.desk.place import Place
place = Place(Path(sys.argv[1]), SystemClock(), "S1", demo=False)
told = lambda done, of: print(done, flush=True)
print(0, flush=True)
import_paths(place, None, [Path(sys.argv[2])], progress=told)
print("ready", flush=True)
"""


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    ct_series(folder, slices=FILES, rows=8, columns=8, spacing=(1.0, 1.0, 1.0))
    return folder


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="killing without warning is POSIX's")
@pytest.mark.parametrize("after", [0, 1, 50, 99, 118])
def test_a_kill_during_import_leaves_whole_files_alone(series, tmp_path, after):
    """Killed a random few milliseconds after that many files (batches are of 50), checked, imported again, checked."""
    home = tmp_path / "home"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), str(series)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout is not None
    reported = 0
    for line in child.stdout:
        if line.strip() == "ready":
            break
        reported = int(line)
        if reported >= after:
            time.sleep(random.Random(after).uniform(0, 0.02))
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()

    place = Place(home, SystemClock(), "S1", demo=False)
    try:
        kept = place.library.instances()
        # whole batches stand in the index, each file of it whole; at most the batch at hand is not there yet
        assert len(kept) >= reported // 50 * 50
        assert verify(place).wrong == ()
        rest = FILES - len(kept)
        again = import_paths(place, None, [series])
        assert (again.files, again.new) == (FILES, rest)
        assert import_paths(place, None, [series]).new == 0
        assert verify(place).wrong == ()
        assert len(place.library.instances()) == FILES
        (row,) = place.library.studies()
        assert row.images == FILES
        stored = [place.files.path(item.place) for item in place.library.instances()]
        # nothing else lies about: no half copy, no stranger
        on_disk = sorted(p for p in (home / "files").rglob("*") if p.is_file() and p.name != "lock")
        assert on_disk == sorted(stored)
        (found,) = scan(stored).studies[0].series[0].volumes
        assert found.geometry.shape == (FILES, 8, 8)
    finally:
        place.close()
