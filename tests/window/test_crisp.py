"""The screen shows a picture's own pixels at every scale factor, wherever its pane begins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
from types import SimpleNamespace
import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget
from workstation.window.viewport import Viewport
app = QApplication([])
outer = QWidget()
outer.resize(640, 480)
pane = Viewport("axial", lambda *_: None, outer)
pane.setGeometry(73, 31, 401, 303)
outer.show()
app.processEvents()
width, height = pane.device_size()
made = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
pane.show_picture(SimpleNamespace(rgb=made))
shown = outer.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
rows = np.frombuffer(shown.constBits(), np.uint8).reshape(shown.height(), shown.bytesPerLine())
rows = rows[:, : 3 * shown.width()].reshape(shown.height(), shown.width(), 3).astype(int)
scale = pane.devicePixelRatioF()
inner = made[2:-2, 2:-2]
off = [
    (np.abs(rows[y : y + height - 4, x : x + width - 4] - inner) > 2).mean()
    for x in range(int(73 * scale) + 1, int(73 * scale) + 5)
    for y in range(int(31 * scale) + 1, int(31 * scale) + 5)
]
print(scale, min(off))
"""


@pytest.mark.parametrize("scale", ["1.25", "1.5", "2"])
def test_nothing_is_resampled_between_the_picture_and_the_screen(scale):
    """A scale factor belongs to the whole process, so each has its own."""
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale}
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", CODE], cwd=root, env=env, capture_output=True, text=True, check=True)
    factor, off = done.stdout.split()
    assert float(factor) == float(scale)
    assert float(off) < 0.001
