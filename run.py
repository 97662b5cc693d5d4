"""Start RenderDesk with nothing but Python: make the environment, then run the program or its tests.

    python3 run.py               the main job on the bundled study (a window, or the demo without a display)
    python3 run.py tests [ARGS]  the whole test suite
    python3 run.py -- ARGS       the same as `renderdesk ARGS` inside the program's own environment

Standard library only. This file still parses on Python 3.8, to be able to say what it needs.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
NEEDS = (3, 11)

# Shared libraries that Qt and VTK load, and the Debian package that brings each.
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libEGL_mesa.so.0": "libegl-mesa0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
DRIVERS = (
    "/usr/lib/*/dri/swrast_dri.so",
    "/usr/lib*/dri/swrast_dri.so",
    "/usr/lib/*/libgallium*.so",
    "/usr/lib*/libgallium*.so",
    "/usr/lib/*/dri/libdril_dri.so",
)


def say(text):
    """One line to the person, on standard error, so that standard output stays the command's own."""
    sys.stderr.write("renderdesk: " + text + "\n")
    sys.stderr.flush()


class Step(object):
    """Announces a step; says how long it took when that was more than a second."""

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        self.begin = time.time()
        say(self.text + " ...")
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            say("%s: done in %.0f s" % (self.text, time.time() - self.begin))


def stop(sentence):
    """End with one plain sentence."""
    say(sentence)
    sys.exit(1)


def python_in(venv):
    """Return the interpreter inside the environment."""
    if os.name == "nt":
        return os.path.join(venv, "Scripts", "python.exe")
    return os.path.join(venv, "bin", "python")


def fingerprint(tests):
    """Digest of all that decides what the environment must hold."""
    digest = hashlib.sha256()
    names = ["requirements.lock", "pyproject.toml"] + (["requirements-test.lock"] if tests else [])
    for name in names:
        with open(os.path.join(HERE, name), "rb") as file:
            digest.update(name.encode() + b"\0" + file.read() + b"\0")
    digest.update(("%s %s %s" % (sys.version_info[:3], platform.machine(), HERE)).encode())
    return digest.hexdigest()


def find_base_python():
    """A Python of at least 3.11: this one, or another on the path; stops with a sentence otherwise."""
    if sys.version_info[:2] >= NEEDS:
        return sys.executable
    for minor in (14, 13, 12, 11):
        found = shutil.which("python3.%d" % minor)
        if found:
            return found
    stop(
        "RenderDesk needs Python %d.%d or newer; this is %s. Install a newer Python and start it again with that."
        % (NEEDS[0], NEEDS[1], platform.python_version())
    )


def run(command, failed, **options):
    """Run one set-up command quietly; on failure keep its output in a log and stop with a sentence."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        tail = done.stdout.decode("utf-8", "replace").strip().splitlines()[-15:]
        sys.stderr.write("\n".join(tail) + "\n")
        stop(failed)


def make_environment(tests):
    """Make or remake `.venv` from the lock files; True when it was, False when it was already right."""
    mark = os.path.join(VENV, "renderdesk.json")
    wanted = {"run": fingerprint(False), "tests": fingerprint(True) if tests else None}
    try:
        with open(mark) as file:
            have = json.load(file)
    except (OSError, ValueError):
        have = {}
    if have.get("run") == wanted["run"] and (not tests or have.get("tests") == wanted["tests"]):
        return False
    base = find_base_python()
    python = python_in(VENV)
    if have.get("run") != wanted["run"] and have:
        shutil.rmtree(VENV, ignore_errors=True)
    if not os.path.exists(python):
        with Step("Making the Python environment"):
            shutil.rmtree(VENV, ignore_errors=True)
            done = subprocess.run([base, "-m", "venv", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode and install_debian(["python3-venv"]):
                shutil.rmtree(VENV, ignore_errors=True)
                done = subprocess.run([base, "-m", "venv", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode:
                stop(
                    "Python could not make a virtual environment; on Debian or Ubuntu install the package python3-venv."
                )
    lock = "requirements-test.lock" if tests else "requirements.lock"
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    with Step("Installing the packages of %s (some minutes the first time)" % lock):
        run(
            pip + ["--require-hashes", "--no-deps", "-r", os.path.join(HERE, lock)],
            "The packages could not be installed: is there a network, and space for about 2 GB?",
        )
        run(
            pip + ["--no-deps", "--no-build-isolation", "--editable", HERE],
            "RenderDesk itself could not be installed into its environment.",
        )
    with open(mark + ".new", "w") as file:
        json.dump({"run": wanted["run"], "tests": wanted["tests"] or have.get("tests")}, file)
    os.replace(mark + ".new", mark)
    return True


def compile_kernels(python):
    """Compile what the pictures need, once for each state of the program, so that nobody waits for the first picture.

    The program goes on without: it compiles when it draws.
    """
    with Step("Compiling the picture kernels (half a minute the first time)"):
        subprocess.run([python, "-m", "render.caster.warm"], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def missing_libraries():
    """Names of Debian packages whose shared library is not there; empty where that cannot be told."""
    if not sys.platform.startswith("linux"):
        return []
    import ctypes
    import glob

    missing = []
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    if not any(glob.glob(pattern) for pattern in DRIVERS):
        missing.append("libgl1-mesa-dri")
    return sorted(set(missing))


def install_debian(packages):
    """Install Debian packages when root on Debian or Ubuntu; True when that worked."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return False
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    with Step("Installing system libraries: " + " ".join(packages)):
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends"] + packages,
        ):
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode == 0


def system_libraries():
    """Bring the shared libraries of Qt and VTK, or name them in one sentence and go on."""
    missing = missing_libraries()
    if not missing:
        return
    if install_debian(missing):
        return
    say(
        "Some system libraries are missing, pictures or the window may not work; on Debian or Ubuntu: "
        "sudo apt-get install " + " ".join(missing)
    )


def has_display():
    """Tell whether a window can be shown."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def workers():
    """Parallel test processes: the cores that this process may use, at most four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return max(1, min(4, cores))


def main(arguments):
    """Set up what is missing, then do what was asked."""
    tests = arguments[:1] == ["tests"]
    if not tests and arguments and arguments[0] != "--":
        stop("Usage: python3 run.py | python3 run.py tests [pytest arguments] | python3 run.py -- COMMAND ...")
    system_libraries()
    fresh = make_environment(tests)
    python = python_in(VENV)
    if fresh or tests:
        compile_kernels(python)
    environment = dict(os.environ)
    if tests:
        environment["QT_QPA_PLATFORM"] = "offscreen"
        command = [python, "-m", "pytest", "-n", str(workers()), "--dist", "worksteal"] + arguments[1:]
    elif arguments:
        command = [python, "-m", "workstation"] + arguments[1:]
    elif has_display():
        command = [python, "-m", "workstation", "open", os.path.join(HERE, "sample_dicom"), "--demo-home"]
    else:
        out = os.path.join(HERE, "demo-out")
        say("There is no display: the demo runs without a window and writes to " + out)
        command = [python, "-m", "workstation", "demo", "--out", out, "--force"]
    try:
        return subprocess.call(command, cwd=HERE if tests else None, env=environment)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    if sys.version_info < (3, 8):
        sys.stderr.write("RenderDesk needs Python 3.11 or newer.\n")
        sys.exit(1)
    sys.exit(main(sys.argv[1:]))
