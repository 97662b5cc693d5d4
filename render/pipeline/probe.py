"""Asked in a process of its own, since a broken driver may take the process with it: what OpenGL is there.

``python -m render.pipeline.probe`` prints one JSON object: the GL renderer's own name, and seconds per picture
of a small volume on it (only where it is no software renderer).
"""

from __future__ import annotations

import json
import sys
import time

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "svga3d", "basic render", "gdi generic", "software")


def is_software(name: str) -> bool:
    """Whether a GL renderer string names one that draws on the CPU."""
    lower = name.lower()
    return not lower or any(word in lower for word in _SOFTWARE)


def ask(*, trial: bool = True) -> dict[str, object]:
    """Start OpenGL off screen, read its name, and try it.

    Returns
    -------
    name, version, software, limit (voxels on a side of a 3D texture), and seconds of the trial where there was one
    """
    from render.pipeline import mappers

    window = mappers.off_screen((64, 64))
    window.Render()
    report = str(window.ReportCapabilities() or "")

    def said(what: str) -> str:
        return next((line.split(":", 1)[1].strip() for line in report.splitlines() if what in line), "")

    name = said("OpenGL renderer string")
    limit = mappers.texture_limit(window)
    window.Finalize()
    version = said("OpenGL version string")
    answer: dict[str, object] = {"name": name, "version": version, "software": is_software(name), "limit": limit}
    if trial and not answer["software"]:
        answer["seconds"] = _trial()
    return answer


def _trial() -> float:
    """Seconds for one more picture of 128 x 128 x 128 voxels at 800 x 600, after a first one that warms up."""
    import numpy as np

    from render import camera
    from render.geometry import Geometry
    from render.pipeline import mappers
    from render.view import Look, Technique, View
    from render.volume import Volume

    n = 128
    grid = np.indices((n, n, n)) - (n - 1) / 2
    ball = (500 - 10 * np.sqrt((grid**2).sum(axis=0))).astype(np.int16)
    affine = np.eye(4)[[2, 1, 0, 3]]
    volume = Volume(ball, Geometry(ball.shape, affine), "HU", "trial", modality="CT")
    look = Look(name="trial", version="", opacity=((0, 0), (200, 0.2)), colour=((0, "804020"), (300, "ffffff")))
    view = View(technique=Technique.VR, size=(800, 600), look=look, camera=camera.standard(volume, "A", (800, 600)))
    mappers.draw(volume, view, mappers.GPU)
    begun = time.perf_counter()
    mappers.draw(volume, view, mappers.GPU)
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask(trial="--name" not in sys.argv)) + "\n")
