"""Memory stays where it is over many opened volumes and many frames."""

import gc
import threading
from pathlib import Path

import numpy as np
import pytest

from render import camera
from render.engine import Engine
from render.stage import Stage
from render.view import Look, Technique, View
from tests.picture.phantom import ball, geometry, volume

SIZE = (32, 24)
LOOK = Look(name="x", version="", opacity=((0, 0), (400, 0.3)), colour=((0, "c08040"), (400, "fff0e0")))
STATUS = Path("/proc/self/status")
GROWTH_KB = 20_000

pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="memory is read from /proc")


def resident_kb():
    gc.collect()
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith("VmRSS"))


def opened_and_closed(times):
    for n in range(times):
        v = volume(ball((0, 0, 0), 20.0 + n % 3), geometry((24, 24, 24), (2.0, 2.0, 2.0)))
        stage = Stage()
        stage.set_volume(v)
        view = View(technique=Technique.VR, look=LOOK, camera=camera.standard(v, "A", SIZE), size=SIZE)
        assert stage.picture(view, timeout=20).rgb.shape == (SIZE[1], SIZE[0], 3)
        stage.close()


def frames(times):
    v = volume(ball((0, 0, 0), 20.0), geometry((24, 24, 24), (2.0, 2.0, 2.0)))
    engine = Engine(v)
    eye = camera.standard(v, "A", SIZE)
    for n in range(times):
        look = LOOK if n % 2 else None
        technique = Technique.VR if look else Technique.MIP
        view = View(technique=technique, look=look, camera=camera.rotate(eye, n % 360, 0.0), size=SIZE)
        assert np.any(engine.picture(view.replace(quality="drag")).rgb)


@pytest.mark.parametrize(("work", "times"), [(opened_and_closed, 60), (frames, 600)])
def test_memory_and_threads_do_not_grow(work, times):
    work(times // 4)  # pools, caches, compiled code
    threads, before = threading.active_count(), resident_kb()
    work(times)
    assert threading.active_count() == threads
    assert resident_kb() - before < GROWTH_KB
