"""What is imported when: nothing heavy before the window is painted, no pydicom for plain files (PERFORMANCE 6, 9)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factory.series import ct_series
from workstation.dicom.medians import median, medians

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"pydicom", "scipy", "skimage", "SimpleITK", "numba", "vtk", "vtkmodules"}


def run(code: str, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout.decode()


def test_nothing_heavy_is_loaded_when_the_window_is_first_shown(tmp_path):
    pytest.importorskip("PySide6.QtWidgets")
    code = "import sys; from workstation.bench.child import main; main(['window', sys.argv[1]])"
    told = json.loads(run(code, str(tmp_path / "home")).strip().splitlines()[-1])
    assert told["heavy"] == []


def test_a_plain_series_is_loaded_without_heavy_libraries(tmp_path):
    """Scan, decode and every check of a CT: no pydicom, no scipy, not even numpy's masked arrays."""
    ct_series(tmp_path / "series", rows=64, columns=64, slices=30)
    code = (
        "import sys; from workstation.__main__ import main; "
        "assert main(['volume', sys.argv[1], '--out', sys.argv[2], '--json']) == 0; "
        "print([m for m in sys.argv[3:] if m in sys.modules])"
    )
    heavy = sorted((HEAVY - {"SimpleITK"}) | {"numpy.ma", "imagecodecs", "PySide6", "sqlite3"})
    told = run(code, str(tmp_path / "series"), str(tmp_path / "v.npz"), *heavy)
    assert told.strip().splitlines()[-1] == "[]"


@given(st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 3), min_size=1, max_size=9))
def test_median_is_the_usual_one(rows):
    assert np.array_equal(medians(rows), np.median(rows, axis=0))
    assert median([row[0] for row in rows]) == np.median([row[0] for row in rows])
