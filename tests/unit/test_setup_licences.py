"""What ships carries a permissive licence; the set-up works from Python alone."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# libgfortran inside the numpy and scipy wheels is GPL-3 with the GCC runtime exception, which allows this use.
RUNTIME_EXCEPTION = {"numpy", "scipy"}
LIBRARY_ONLY = {"pyside6-essentials": "LGPL", "shiboken6": "LGPL"}
BANNED = {
    "pylibjpeg-libjpeg",
    "av",
    "imageio-ffmpeg",
    "pyside6",
    "pyside6-addons",
    "pymeshlab",
    "connected-components-3d",
}


def locked(name: str) -> dict[str, str]:
    pattern = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)")
    found = (pattern.match(line) for line in (ROOT / name).read_text().splitlines())
    return {m.group(1).lower(): m.group(2) for m in found if m}


def test_no_package_that_ships_is_under_the_gpl():
    wrong = []
    for name in locked("requirements.lock"):
        try:
            meta = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue  # locked for another platform or Python
        words = " ".join([meta.get("License-Expression") or "", *(meta.get_all("Classifier") or [])])
        licence = words + " " + (meta.get("License") or "")[:200]
        gpl = re.search(r"(?<!L)(?<!Lesser )\bA?GPL|GNU General Public|Affero", licence)
        if gpl and name not in RUNTIME_EXCEPTION and name not in LIBRARY_ONLY:
            wrong.append((name, licence[:120]))
    assert not wrong


def test_no_banned_package_is_locked():
    assert not BANNED & (locked("requirements.lock").keys() | locked("requirements-test.lock").keys())


def test_every_locked_package_has_hashes():
    for name in ("requirements.lock", "requirements-test.lock"):
        blocks = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / name).read_text())
        assert blocks
        for block in blocks:
            if "==" in block.split("\n", 1)[0]:
                assert "--hash=sha256:" in block, block[:80]


def test_the_test_lock_agrees_with_the_shipped_one():
    shipped, test = locked("requirements.lock"), locked("requirements-test.lock")
    assert {n: v for n, v in shipped.items() if test.get(n) != v} == {}


def test_run_py_parses_on_python_3_8_and_uses_the_standard_library_alone():
    tree = ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 8))
    names = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)


def test_wrong_usage_of_run_py_is_one_sentence():
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Usage" in done.stderr
