"""Which renderer, where compiled code is kept, and warming up."""

import os
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


def test_the_variable_decides(monkeypatch):
    monkeypatch.setenv("RENDERDESK_RENDERER", "fixed")
    policy.find.cache_clear()
    try:
        assert policy.choose_renderer() == "VTK fixed point"
    finally:
        policy.find.cache_clear()


def test_compiled_code_goes_to_a_place_of_the_user_when_the_program_may_not_be_written(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(caster.platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path))
    caster._keep_compiled_code()
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "compiled")
    assert (tmp_path / "compiled").is_dir()
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
