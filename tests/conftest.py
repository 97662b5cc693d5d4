"""What every test stands on: an own home, the offscreen platform, and the way to the real series."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
sys.path.insert(0, str(ROOT))

# A loaded machine is no fault of the code, and a run in CI must be the same run again; RENDERDESK_FUZZ=1 explores.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=2000)
settings.load_profile("fuzz" if os.environ.get("RENDERDESK_FUZZ") else "ci")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the home of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("RENDERDESK_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def shared_series():
    """`shared_series("name")` gives the folder of a real series; skips, loudly, where they are not at hand."""
    script = SHARED / "data" / "unpack.py"

    def folder(name: str) -> Path:
        if not script.exists():
            pytest.skip(f"real series {name}: the folder ../shared/data is not beside this checkout")
        spec = importlib.util.spec_from_file_location("renderdesk_unpack", script)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return Path(module.unpack([name], ROOT / ".data")[name])

    return folder


@pytest.fixture(scope="session")
def postgres():
    """A private PostgreSQL server; skips, loudly, where none is installed."""
    from tests.factory import postgres as server

    if why := server.missing():
        pytest.skip(why)
    pytest.importorskip("psycopg", reason="the extra [postgres] is not installed")
    made = server.Server()
    yield made
    made.remove()
