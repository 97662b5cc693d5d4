"""With which window slices stand at first: a brain as its file says, everything else as the organs want it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.window.test_lumen import tube
from workstation.window.models.scene import Scene


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (((35.0, 85.0),), (85, 35)),  # a head CT of INDEX.md
        (((40.0, 80.0), (400.0, 2000.0)), (80, 40)),
        (((-600.0, 1600.0),), (400, 40)),  # a chest CT that was sent with the lung's
        (((40.0, 0.0),), (400, 40)),
        ((), (400, 40)),
    ],
)
def test_a_brains_own_window_is_taken_over_and_no_other(own, expected):
    scene = Scene(replace(tube(350), file_windows=own), {})
    for pane in ("axial", "coronal", "sagittal"):
        window = scene.views[pane].window
        assert (window.width, window.center) == expected
