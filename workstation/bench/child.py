"""What a bench runs in a process of its own: ``python -m workstation.bench.child WHAT ...``.

``load FOLDER``, ``simpleitk FOLDER`` put a series into memory and end; ``window HOME`` starts the window, waits until
it can be used and says so on standard output; ``draw FILE.npz`` makes volume-rendered pictures of a volume.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

_HEAVY = ("pydicom", "scipy", "skimage", "SimpleITK", "numba", "vtk", "vtkmodules")


def main(words: list[str]) -> int:
    """Do what the first word says with the second."""
    what, given = words
    if what == "load":
        from workstation.desk.source import open_source, read

        read(open_source(given))
    elif what == "simpleitk":
        from workstation.bench.load import with_simpleitk

        with_simpleitk(Path(given))
    elif what == "window":
        window(Path(given))
    elif what == "draw":
        from workstation.bench.drawing import draw_all, read_back

        draw_all(read_back(Path(given)))
    return 0


def window(home: Path) -> None:
    """The program's own start, with its event loop replaced by one that ends when nothing is left to do."""
    import json

    from workstation.window import app

    running = app.application()

    def until_idle() -> int:
        for _ in range(100):  # painted, and the zero timers of the start have run
            began = time.perf_counter()
            running.processEvents()
            if time.perf_counter() - began < 0.001:
                break
        shown = time.time()
        heavy = [name for name in _HEAVY if name in sys.modules]
        sys.stdout.write(json.dumps({"at": shown, "heavy": heavy}) + "\n")
        sys.stdout.flush()
        for each in running.topLevelWidgets():
            each.close()
        return 0

    running.exec = until_idle  # type: ignore[method-assign]
    app.run(home, "", None, None, demo=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
