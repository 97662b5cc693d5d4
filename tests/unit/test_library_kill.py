"""Killed without warning anywhere between coming in, being decided about, leaving and coming again: nothing half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factory.series import ct_series
from workstation.base.clock import SystemClock
from workstation.desk.library import import_paths
from workstation.desk.place import Place
from workstation.desk.verify import verify

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import os, signal, sys
from pathlib import Path
left = [int(sys.argv[3])]
def count(*_):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
# every change on the disk is a moment at which the power may fail: before it, and after it
def guarded(module, name):
    real = getattr(module, name)
    def call(*given, **named):
        count()
        try:
            return real(*given, **named)
        finally:
            count()
    setattr(module, name, call)
for name in ("replace", "unlink", "fsync", "rmdir"):
    guarded(os, name)
from pathlib import Path as P
for name in ("replace", "unlink", "rmdir"):
    guarded(P, name)
from workstation.base.clock import SystemClock
from workstation.desk.library import import_paths
from workstation.desk.place import Place
from workstation.desk.remove_study import delete_study
from workstation.desk import reconcile
from workstation.archive import sqlite
for name in ("_begin", "_commit", "_run"):
    guarded(sqlite.SqliteDatabase, name)
place = Place(Path(sys.argv[1]), SystemClock(), "S1", demo=False)
import_paths(place, None, [Path(sys.argv[2])])
uid = place.library.studies()[0].study_uid
delete_study(place, None, uid, "")
import_paths(place, None, [Path(sys.argv[2])])
reconcile.refresh(place)
print(left[0])
"""


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> tuple[Path, int]:
    """A study of twelve images, and how many moments one whole round has."""
    folder = tmp_path_factory.mktemp("given")
    ct_series(folder, slices=12, rows=8, columns=8)
    home = tmp_path_factory.mktemp("whole") / "home"
    done = run(home, folder, 1_000_000)
    assert done.returncode == 0, done.stderr.decode()[-800:]
    return folder, 1_000_000 - int(done.stdout)


def run(home: Path, folder: Path, moments: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(home), str(folder), str(moments)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=120,
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="killing without warning is POSIX's")
@pytest.mark.parametrize("share", [0.06, 0.2, 0.33, 0.45, 0.52, 0.58, 0.64, 0.8, 0.95])
def test_a_kill_at_any_moment_leaves_the_library_whole(given, tmp_path, share):
    folder, moments = given
    home = tmp_path / "home"
    done = run(home, folder, int(moments * share))
    assert done.returncode == -signal.SIGKILL
    place = Place(home, SystemClock(), "S1", demo=False)
    try:
        assert verify(place).wrong == ()
        known = sorted(place.files.path(i.place) for i in place.library.instances())
        partial = {r.study_uid for r in place.library.studies() if r.partial}
        assert all(r.images == 12 or r.partial for r in place.library.studies())
        on_disk = sorted((home / "files").rglob("*.dcm"))
        assert on_disk == known, "no stranger, and nothing that is known is missing"
        assert list((home / "files" / ".incoming").glob(".*.part")) == []
        assert import_paths(place, None, [folder]).files == 12
        assert [(r.images, r.partial) for r in place.library.studies()] == [(12, False)]
        assert verify(place).wrong == ()
        assert partial <= {r.study_uid for r in place.library.studies()}
    finally:
        place.close()
