"""Which renderer, where compiled code is kept, and warming up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from render import caster, policy
from render.pipeline.probe import is_software

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "software"),
    [
        ("llvmpipe (LLVM 15.0.6, 256 bits)", True),
        ("SVGA3D; build: RELEASE", True),
        ("Microsoft Basic Render Driver", True),
        ("GDI Generic", True),
        ("", True),
        ("NVIDIA GeForce RTX 3060/PCIe/SSE2", False),
        ("AMD Radeon Pro (radeonsi)", False),
    ],
)
def test_software_renderers_are_known_by_their_names(name, software):
    assert is_software(name) == software


@pytest.mark.parametrize(
    ("answer", "renderer"),
    [
        ({}, "CPU caster"),
        ({"name": "llvmpipe", "software": True}, "CPU caster"),
        ({"name": "Some GPU", "software": False, "seconds": 0.02}, "VTK GPU"),
        ({"name": "Some GPU", "software": False, "seconds": 2.0}, "CPU caster"),
        ({"name": "Some GPU", "software": False}, "CPU caster"),
    ],
)
def test_a_gpu_proves_itself_by_the_clock(monkeypatch, answer, renderer):
    monkeypatch.delenv("RENDERDESK_RENDERER", raising=False)
    monkeypatch.setattr(policy, "_ask", lambda: answer)
    policy.find.cache_clear()
    try:
        assert policy.choose_renderer() == renderer
        assert policy.describe().endswith(".")
    finally:
        policy.find.cache_clear()


CARD = {"name": "Some GPU", "version": "4.6 driver 1", "software": False, "limit": 2048}


@pytest.fixture
def machine(monkeypatch):
    """A machine whose card answers as told; `trials` counts how often it was tried."""
    answers = {"name": dict(CARD), "trial": {**CARD, "seconds": 0.02}, "trials": 0}

    def trial():
        answers["trials"] += 1
        return answers["trial"]

    monkeypatch.delenv("RENDERDESK_RENDERER", raising=False)
    monkeypatch.setattr(policy, "_ask", trial)
    monkeypatch.setattr(policy, "_name", lambda: answers["name"])
    policy.find.cache_clear()
    yield answers
    policy.find.cache_clear()


def start_again(memory):
    policy.find.cache_clear()
    return policy.find(memory)


def test_a_card_is_tried_once_and_again_after_its_driver_changed(machine, tmp_path):
    memory = tmp_path / policy.FILE
    assert policy.find(memory).renderer == policy.GPU
    assert start_again(memory).renderer == policy.GPU
    assert start_again(memory).remembered
    assert machine["trials"] == 1
    machine["name"]["version"] = machine["trial"]["version"] = "4.6 driver 2"
    machine["trial"].pop("seconds")  # the new driver fails
    assert start_again(memory).renderer == policy.CASTER
    assert "failed" in policy.describe(memory)
    assert machine["trials"] == 2
    assert start_again(memory).renderer == policy.CASTER
    assert machine["trials"] == 2


def test_a_card_that_failed_in_use_stays_away_until_somebody_asks(machine, tmp_path):
    memory = tmp_path / policy.FILE
    assert policy.find(memory).renderer == policy.GPU
    policy.failed(memory, "was too slow under the hand")
    assert start_again(memory).renderer == policy.CASTER
    assert "Some GPU was too slow under the hand" in policy.describe(memory)
    assert policy.ask_again(memory).renderer == policy.GPU
    assert start_again(memory).renderer == policy.GPU


def test_a_persons_choice_stands_above_the_trial(machine, tmp_path):
    memory = tmp_path / policy.FILE
    assert policy.find(memory).renderer == policy.GPU
    assert policy.want(memory, policy.CASTER).renderer == policy.CASTER
    assert start_again(memory).renderer == policy.CASTER
    assert policy.want(memory, "").renderer == policy.GPU
    assert machine["trials"] == 1


def test_a_damaged_or_unwritable_memory_costs_a_trial_and_no_more(machine, tmp_path):
    memory = tmp_path / policy.FILE
    memory.write_text("{not json")
    assert policy.find(memory).renderer == policy.GPU
    assert start_again(tmp_path / "no" / "such" / policy.FILE).renderer == policy.GPU
    assert start_again(None).renderer == policy.GPU


def test_a_software_card_is_not_remembered(machine, tmp_path):
    memory = tmp_path / policy.FILE
    machine["trial"] = {"name": "llvmpipe", "version": "4.5", "software": True}
    assert policy.find(memory).renderer == policy.CASTER
    assert not memory.exists()


def test_the_variable_decides(monkeypatch):
    monkeypatch.setenv("RENDERDESK_RENDERER", "fixed")
    policy.find.cache_clear()
    try:
        assert policy.choose_renderer() == "VTK fixed point"
    finally:
        policy.find.cache_clear()


def test_compiled_code_lies_with_the_user_one_place_for_each_state_of_the_kernels(monkeypatch, tmp_path):
    monkeypatch.setattr(caster.platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path))
    for n in range(20):
        old = tmp_path / "compiled" / f"old{n}"
        old.mkdir(parents=True)
        os.utime(old, (n, n))

    def place() -> Path:
        monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
        caster._keep_compiled_code()
        return Path(os.environ["NUMBA_CACHE_DIR"])

    first = place()
    assert first.parent == tmp_path / "compiled"
    assert place() == first
    kept = {p.name for p in first.parent.iterdir()}
    assert first.name in kept
    assert "old19" in kept
    assert "old0" not in kept
    # numba itself looks at the kernel's own file alone: a change of any other must lead elsewhere
    copy = tmp_path / "caster"
    shutil.copytree(Path(caster.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(caster, "__file__", str(copy / "__init__.py"))
    assert place() == first
    with (copy / "cells.py").open("a") as file:
        file.write("# changed\n")
    assert place() != first
    monkeypatch.delenv("NUMBA_CACHE_DIR")


def test_the_engine_itself_loads_nothing_heavy():
    code = (
        "import sys, render.engine, render.stage, render.presets, render.planes, render.camera, render.policy;"
        "heavy = ('numba', 'scipy', 'vtkmodules', 'skimage', 'PIL', 'pydicom', 'PySide6');"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_warming_up_draws_every_kind():
    from render.caster.warm import warm_up

    warm_up()


_AFTER_WARMING = """
import sys
import numpy as np
from numba.core.registry import CPUDispatcher
from render import planes
from render.caster.warm import warm_up
from render.engine import Engine
from render.geometry import Geometry
from render.view import Slab, Surface, Technique, View, Window
from render.volume import Volume
from workstation.bench.drawing import looks, scene

def compiled():
    return {
        f"{kernel.py_func.__name__} {signature}"
        for name, module in list(sys.modules.items()) if name.startswith("render.")
        for kernel in vars(module).values() if isinstance(kernel, CPUDispatcher)
        for signature in kernel.signatures
    }

warm_up()
before = compiled()
n = 48
k, r, c = np.indices((n, n, n)) - n / 2
voxels = np.where(k * k + r * r + c * c < 400, 300 + k, -1000).astype(np.int16)
affine = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)
volume = Volume(voxels, Geometry((n, n, n), affine), "HU", "after", modality="CT")
engine = Engine(volume)
flat = View(
    technique=Technique.MPR, size=(64, 64), plane=planes.standard(volume, "axial", None, (64, 64)),
    window=Window(center=40, width=400),
)
views = [scene(volume, look, 0) for look in (*looks(volume).values(), None)]
views.append(views[-1].replace(technique=Technique.SSD, surfaces=(Surface(low=100.0),)))
views += [flat, *(flat.replace(slab=Slab(mode=mode, thickness_mm=5.0)) for mode in ("mean", "mip"))]
for view in views:
    for quality in ("drag", "settled"):
        engine.picture(view.replace(size=(64, 64), quality=quality))
print(sorted(one[:100] for one in compiled() - before))
"""


def test_after_warming_up_no_first_picture_waits_for_a_compiler():
    done = subprocess.run([sys.executable, "-c", _AFTER_WARMING], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
