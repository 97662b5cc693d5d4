"""How quickly pictures come, beside VTK, PyVista and scikit-image; SSIM beside every time that it could buy."""

from __future__ import annotations

import importlib.util
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from render import planes
from render.caster.warm import warm_up
from render.engine import Engine
from render.errors import RenderError
from render.pace import Pace
from render.stage import Stage
from render.view import Labels, Look, Slab, Surface, Technique, View, Window
from render.volume import Volume
from workstation.bench.drawing import SIZE, camera, keep, looks, scene
from workstation.bench.figures import Figure, Trial, compare, measuring, timed
from workstation.bench.given import Given, resized
from workstation.bench.processes import child, peak_memory
from workstation.desk.source import read

if TYPE_CHECKING:
    from render.picture import Picture
    from render.pipeline.peer import FixedPoint

_FIXED = "VTK fixed point, defaults"
_SLAB_MM = 10.0
_BONE = 226.0
_TURNING_S = 60.0
_INTERRUPTIONS = 50  # of each kind
_SIZES = ((256, 256, 256), (300, 512, 512), (600, 512, 512), (1200, 512, 512))
_NEED = 4.5  # times the voxels: volume, resampling, VTK's gradients


def measure(given: Given) -> list[Figure]:
    """All figures of viewing; with `given.growth` those of growing sizes instead.

    Raises
    ------
    RenderDeskError, RenderError
        What the source refuses.
    """
    volume = read(given.opened())
    warm_up(np.int16 if volume.voxels.dtype == np.int16 else np.float32)  # as the window does before the first hand
    if given.growth:
        return list(_growth(volume, given.runs))
    volume = resized(volume, given.size)
    figures: list[Figure] = []
    for name, look in looks(volume).items():
        figures.extend(_rendered(volume, name, look, given.runs))
    figures.extend(_rendered(volume, "MIP", None, given.runs))
    figures.append(_turned(volume))
    figures.extend(_interrupted(volume))
    figures.extend(_pyvista(volume, given.runs))
    figures.extend(_planes(volume, given.runs))
    figures.extend(_surfaces(volume, given.runs))
    figures.extend(_memory(volume))
    return figures


# ---- volume rendering and maximum projection


def _rendered(volume: Volume, name: str, look: Look | None, runs: int) -> Iterator[Figure]:
    """First, dragged and settled pictures of one look; the maximum projection without one."""
    drag_most = {"vessel": 1000 / 17, "skin": 1000 / 25, "MIP": 1000 / 15}.get(name)
    peers = _Peers(volume, scene(volume, look, 0))
    try:
        engine = Engine(volume)
        kept = engine.completed(scene(volume, look, 0))
        frames = count(1)
        yield compare(
            f"{name}: first picture",
            _fresh(volume, kept, "drag"),
            peers.first,
            peer_name=peers.name,
            missing=peers.missing,
            runs=min(runs, 5),
            ratio_at_most=0.18,
            at_most=700.0,
            note="of a volume never shown before; ours reduced, as on the screen; theirs the first frame",
        )
        yield compare(
            f"{name}: first picture in full quality",
            _fresh(volume, kept, "settled"),
            peers.first,
            peer_name=peers.name,
            missing=peers.missing,
            runs=min(runs, 5),
            ratio_at_most=0.35,
            at_most=1000.0,
        )
        share = _share(lambda part: engine.picture(_at(kept, volume, next(frames), "drag"), share=part))
        drag = [engine.picture(_at(kept, volume, n, "drag"), share=share).rgb for n in (1, 2)]
        settled = [engine.picture(_at(kept, volume, n, "settled")).rgb for n in (1, 2)]
        alike = float(np.mean([_ssim(a, b) for a, b in zip(drag, settled, strict=True)]))
        yield compare(
            f"{name}: picture under the moving hand",
            timed(lambda: engine.picture(_at(kept, volume, next(frames), "drag"), share=share)),
            peers.frame,
            peer_name=peers.name,
            missing=peers.missing,
            runs=2 * runs,
            ratio_at_most=0.10,
            at_most=drag_most,
            note=f"1/{1 / share:g} of the width, as this computer has time for; SSIM to the settled one {alike:.3f}",
        )
        half = _half_step(engine, kept)
        converged = "" if half is None else f"SSIM to half its step {_ssim(engine.picture(kept).rgb, half):.3f}; "
        yield compare(
            f"{name}: settled picture",
            timed(lambda: engine.picture(_at(kept, volume, next(frames), "settled"))),
            peers.frame,
            peer_name=peers.name,
            missing=peers.missing,
            runs=runs,
            ratio_at_most=0.70,
            at_most=800.0,
            note=f"{converged}SSIM to the peer's {peers.alike(engine.picture(kept).rgb)}",
        )
    finally:
        peers.close()


def _share(drawn: Callable[[float], Picture]) -> float:
    """The part of the width that the window would come to on this computer, by its own pace."""
    pace = Pace()
    for n in range(40):
        pace.note(drawn(pace.share).seconds, n / 10)
    return pace.share


def _at(view: View, volume: Volume, frame: int, quality: str) -> View:
    return view.replace(camera=camera(volume, frame), quality=quality)


def _fresh(volume: Volume, view: View, quality: str) -> Trial:
    """A new engine each time: nothing is kept from an earlier picture."""
    return timed(lambda: Engine(volume).picture(view.replace(quality=quality)))


def _half_step(engine: Engine, view: View) -> npt.NDArray[np.uint8] | None:
    """The same picture at half of the settled step."""
    space = engine._kept()
    return engine.picture(view.replace(step_mm=space.step_mm(engine.completed(view)) / 2)).rgb


def _ssim(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    from skimage.metrics import structural_similarity

    return float(structural_similarity(a, b, channel_axis=2))


class _Peers:
    """VTK's fixed-point mapper on the same scene; none where OpenGL cannot be started."""

    def __init__(self, volume: Volume, view: View) -> None:
        self._volume = volume
        self._view = Engine(volume).completed(view)
        self._kept: FixedPoint | None = None
        self._count = count(1)
        try:
            self._kept = self._made()
            self.name, self.missing = _FIXED, ""
            self.first: Trial | None = self._first
            self.frame: Trial | None = self._frame
            self._kept.frame(camera(volume, 0))
        except RenderError:
            self.name, self.missing = "", "VTK has no OpenGL here"
            self.first = self.frame = None

    def _made(self) -> FixedPoint:
        from render.pipeline.peer import FixedPoint

        return FixedPoint(self._volume, self._view)

    def _first(self) -> float:
        new = self._made()
        try:
            return timed(lambda: new.frame(camera(self._volume, 0)))()
        finally:
            new.close()

    def _frame(self) -> float:
        kept = self._kept
        assert kept is not None
        return timed(lambda: kept.frame(camera(self._volume, next(self._count))))()

    def alike(self, ours: npt.NDArray[np.uint8]) -> str:
        """SSIM of our picture to theirs from the same place: how different the two ways of shading are."""
        if self._kept is None:
            return "unknown"
        return f"{_ssim(ours, self._kept.frame(camera(self._volume, 0))):.3f}"

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()


def _interrupted(volume: Volume) -> Iterator[Figure]:
    """Milliseconds from a new wish to the end of what was being made for the same pane, by kind of work."""
    measuring("a new wish interrupts")
    from render import tones

    stage = Stage()
    stage.set_volume(volume)
    small = (64, 48)
    plane = planes.standard(volume, "axial", None, SIZE)
    quick = View(
        technique=Technique.MPR, size=small, plane=planes.standard(volume, "axial", None, small), overlays="none"
    ).replace(quality="settled")
    slab = Slab(mode="mean", thickness_mm=60.0)
    low = _BONE if volume.units == "HU" else tones.otsu(tones.thinned(volume))
    span = max(abs(low) / 4, 1.0)
    kinds: dict[str, Callable[[int], View]] = {
        "volume rendering": lambda n: scene(volume, next(iter(looks(volume).values())), n),
        "maximum projection": lambda n: scene(volume, None, n),
        "slab": lambda _: View(
            technique=Technique.MPR, size=SIZE, plane=plane, slab=slab, overlays="none"
        ).replace(quality="settled"),
        "surface being made": lambda n: scene(volume, None, n).replace(
            technique=Technique.SSD, surfaces=(Surface(low=low + span * n / _INTERRUPTIONS),)
        ),
    }  # fmt: skip
    random = np.random.default_rng(7)
    late: list[float] = []
    try:
        stage.picture(quick)
        for name, view in kinds.items():
            found: list[float] = []
            for n in range(_INTERRUPTIONS):
                done = threading.Event()
                came: list[tuple[float, float]] = []

                def pictured(picture: Picture, came: list[Any] = came, done: threading.Event = done) -> None:
                    came.append((time.perf_counter(), picture.seconds))
                    done.set()

                stage.request("pane", view(n), Labels(), lambda _: None, lambda _: None)
                time.sleep(float(random.uniform(0.02, 0.7)) if name != "slab" else float(random.uniform(0.01, 0.1)))
                asked = time.perf_counter()
                stage.request("pane", quick, Labels(), pictured, lambda _, done=done: done.set())  # type: ignore[misc]
                done.wait(60)
                found.extend((at - asked - made) * 1000 for at, made in came)
            late.extend(found)
            yield Figure(
                name=f"input interrupts: {name}",
                unit="ms",
                ours=float(np.median(found)),
                runs=len(found),
                ours_range=(min(found), max(found)),
                note=f"99 of 100 within {np.percentile(found, 99):.1f} ms, the worst {max(found):.1f} ms",
            )
    finally:
        stage.close()
    yield Figure(
        name=f"input interrupts, 99 of 100 of all {len(late)}",
        unit="ms",
        ours=float(np.percentile(late, 99)),
        at_most=20.0,
        runs=len(late),
        ours_range=(min(late), max(late)),
        note=f"the worst {max(late):.1f} ms",
    )


def _turned(volume: Volume) -> Figure:
    """Milliseconds from picture to picture while one turns without rest, a wish whenever a picture has come."""
    measuring("turning without rest")
    stage = Stage()
    stage.set_volume(volume)
    look = next(iter(looks(volume).values()))
    came: list[float] = []
    widths: list[str] = []
    try:
        stage.picture(scene(volume, look, 0))
        begun, n = time.perf_counter(), 0
        while time.perf_counter() - begun < _TURNING_S:
            arrived = threading.Event()

            def pictured(_: Picture, arrived: threading.Event = arrived) -> None:
                came.append(time.perf_counter())
                arrived.set()

            stage.request("3d", scene(volume, look, n / 3, "drag"), Labels(), pictured, lambda _: None)
            arrived.wait(60)
            n += 1
        widths = sorted({f"1/{1 / pace.share:g}" for pace in stage._paces.values()})
    finally:
        stage.close()
    apart = np.diff(came) * 1000
    return Figure(
        name="turning without rest, picture to picture",
        unit="ms",
        ours=float(np.median(apart)),
        at_most=60.0,
        runs=len(apart),
        ours_range=(float(apart.min()), float(apart.max())),
        note=f"{_TURNING_S:.0f} s; 95 of 100 within {np.percentile(apart, 95):.0f} ms, the longest "
        f"{apart.max():.0f} ms; at the end {', '.join(widths)} of the width",
    )


def _pyvista(volume: Volume, runs: int) -> list[Figure]:
    name = "vessel" if volume.units == "HU" else "first look"
    engine = Engine(volume)
    kept = engine.completed(scene(volume, next(iter(looks(volume).values())), 0))
    frames = count(1)
    ours = timed(lambda: engine.picture(_at(kept, volume, next(frames), "settled")))
    title = f"{name}: settled picture, beside PyVista"
    if importlib.util.find_spec("pyvista") is None:
        return [compare(title, ours, runs=runs, missing="PyVista is not installed")]
    from render.pipeline.peer import PyVista

    peer = PyVista(volume, SIZE)
    try:
        return [
            compare(title, ours, timed(peer.frame), peer_name="PyVista add_volume, defaults, another look", runs=runs)
        ]
    finally:
        peer.close()


# ---- planes


def _planes(volume: Volume, runs: int) -> Iterator[Figure]:
    """Oblique planes: with overlays beside `vtkImageReslice` and a table; a slab of 10 mm, moving and still."""
    from render.pipeline import peer

    plane = planes.standard(volume, "axial", None, SIZE)
    plane = planes.rotate(planes.rotate(plane, (1.0, 0.0, 0.0), 25.0), (0.0, 0.0, 1.0), 20.0)
    window = Window(center=40.0, width=400.0) if volume.units == "HU" else None
    engine = Engine(volume)
    thin = engine.completed(View(technique=Technique.MPR, size=SIZE, plane=plane, window=window, quality="settled"))
    whole = volume.voxels.dtype == np.int16
    missing = "" if whole else "the peer's table is made for 16-bit volumes"
    table = (np.arange(65536, dtype=np.uint16).view(np.int16).clip(-160, 240).astype(np.float32) + 160) / 400 * 255
    grey = table.astype(np.uint8)
    reslice = peer.Reslice(volume, plane, SIZE) if whole else None
    agree = "" if reslice is None else _differences(volume, reslice.values(), thin)
    yield compare(
        "oblique plane with overlays",
        timed(lambda: engine.picture(thin)),
        None if reslice is None else timed(lambda: reslice.grey(grey)),
        peer_name="vtkImageReslice and a table",
        missing=missing,
        runs=4 * runs,
        ratio_at_most=0.8,
        at_most=1000 / 30,
        note=f"1000 x 800, letters and scale written; theirs without; {agree}",
    )
    slab = thin.replace(slab=Slab(mode="mean", thickness_mm=_SLAB_MM), overlays="none")
    layers = peer.slab_layers(volume, _SLAB_MM)
    thick = peer.Reslice(volume, plane, SIZE, _SLAB_MM, layers) if whole else None
    agree = "" if thick is None else _differences(volume, thick.values(), slab)
    for name, quality, most, limit in (("moving", "drag", 0.6, 1000 / 15), ("still", "settled", 0.6, 200.0)):
        asked = slab.replace(quality=quality)
        yield compare(
            f"slab of 10 mm, mean, {name}",
            timed(lambda asked=asked: engine.picture(asked)),  # type: ignore[misc]
            None if thick is None else timed(lambda: thick.grey(grey)),
            peer_name="vtkImageReslice slab and a table",
            missing=missing,
            runs=2 * runs,
            ratio_at_most=most,
            at_most=limit,
            note=f"{layers} layers; {agree}" if quality == "settled" else "every second layer",
        )


def _differences(volume: Volume, theirs: npt.NDArray[Any], view: View) -> str:
    """How far the peer's values are from ours where both see the volume through the whole thickness.

    At its ends the peer takes the background into the mean, ours the layers that are there.
    """
    assert view.plane is not None
    ours = planes.sample(volume, view.plane, view.size, view.slab)
    both = np.isfinite(ours) & (theirs > volume.voxels.min())
    if view.slab is not None:
        for way in (-0.5, 0.5):
            face = planes.scroll(view.plane, way * view.slab.thickness_mm)
            both &= np.isfinite(planes.sample(volume, face, view.size))
    if not both.any():
        return "nothing in common"
    return f"99 % of values within {np.percentile(np.abs(ours[both] - theirs[both]), 99):.1f} of the peer's"


# ---- surfaces


def _surfaces(volume: Volume, runs: int) -> Iterator[Figure]:
    """Threshold to surface on the screen, beside marching cubes alone; smoothing beside one thread."""
    from render import tones
    from render.pipeline import isosurface, peer

    low = _BONE if volume.units == "HU" else tones.otsu(tones.thinned(volume))
    surface = Surface(low=low)
    view = View(
        technique=Technique.SSD, size=SIZE, camera=camera(volume, 0), surfaces=(surface,), overlays="none"
    ).replace(quality="drag")

    def cubes() -> None:
        from skimage.measure import marching_cubes

        marching_cubes(volume.voxels, low)

    installed = importlib.util.find_spec("skimage") is not None
    stalls: list[float] = []

    def shown() -> float:
        with _stalls(stalls):
            return _fresh(volume, view, "drag")()

    yield compare(
        "surface: first picture",
        shown,
        timed(cubes) if installed else None,
        peer_name="scikit-image marching_cubes alone" if installed else "",
        missing="scikit-image is not installed",
        runs=min(runs, 5),
        ratio_at_most=0.5,
        at_most=1000.0,
        note="extracted and drawn; ours from every second voxel until the hand rests",
    )
    yield compare(
        "surface: first picture in full",
        _fresh(volume, view, "settled"),
        timed(cubes) if installed else None,
        peer_name="scikit-image marching_cubes alone" if installed else "",
        missing="scikit-image is not installed",
        runs=min(runs, 5),
        note="extracted at full size, smoothed, with normals, drawn",
    )
    engine = Engine(volume)
    settled = engine.picture(view.replace(quality="settled"))
    frames = count(1)
    moved = engine.picture(view)
    yield compare(
        "surface: picture under the moving hand",
        timed(lambda: engine.picture(_at(view, volume, next(frames), "drag"))),
        runs=2 * runs,
        at_most=1000 / 15,
        note=f"SSIM to the settled one {_ssim(moved.rgb, settled.rgb):.3f}",
    )
    points, triangles = isosurface.contour(volume.voxels, low)

    def smooth() -> None:
        moved, rings = isosurface.smoothed(points, triangles, 0.5)
        isosurface.with_normals(moved, triangles, rings)

    yield compare(
        "surface: smoothing and normals",
        timed(smooth),
        timed(lambda: peer.smooth_with_one_thread(points, triangles)),
        peer_name="the same filters with the threading of VTK's wheel",
        runs=min(runs, 5),
        ratio_at_most=0.6,
        note=f"{len(triangles) / 1e6:.2f} million triangles",
    )
    for _ in range(3):
        with _stalls(stalls):
            engine.picture(_at(view, volume, next(frames), "settled"))
            Engine(volume).picture(scene(volume, next(iter(looks(volume).values())), next(frames)))
    yield Figure(
        name="longest pauses of another thread (99 of 100 shorter)",
        unit="ms",
        ours=float(np.percentile(stalls, 99)),
        at_most=50.0,
        ours_range=(min(stalls), max(stalls)),
        note=f"while surfaces are extracted and pictures made; the worst {max(stalls):.0f} ms",
    )


@contextmanager
def _stalls(into: list[float]) -> Iterator[None]:
    """Note the pauses, in ms, of a thread that wants to run every millisecond."""
    done = threading.Event()

    def beat() -> None:
        before = time.perf_counter()
        while not done.wait(0.001):
            now = time.perf_counter()
            into.append((now - before) * 1000)
            before = now

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


# ---- memory, growth


def _memory(volume: Volume) -> list[Figure]:
    """Peak of a process that draws every look, beside the volume itself."""
    measuring("peak memory of drawing every look")
    with tempfile.TemporaryDirectory(prefix="renderdesk-bench-") as name:
        path = Path(name) / "volume.npz"
        keep(volume, path)
        most = peak_memory(child("draw", str(path)))
    if most is None:
        return []
    size = volume.voxels.size * 2 / 1e6
    return [
        Figure(
            name="peak memory of drawing every look",
            unit="MB",
            ours=most,
            at_most=1.6 * size + 500,
            note=f"proportional set size; int16 volume {size:.0f} MB; held to 1.6 times that + 500 MB",
        )
    ]


def _growth(volume: Volume, runs: int) -> Iterator[Figure]:
    """First, dragged and settled picture, slab and memory at growing sizes, as far as memory allows."""
    from workstation.dicom.memory import allowed

    for size in _SIZES:
        free = allowed()
        if free is not None and _NEED * 2 * size[0] * size[1] * size[2] > free:
            return
        words = " x ".join(map(str, size))
        measuring(f"{words}, resampling")
        one = resized(volume, size)
        look = next(iter(looks(one).values()))
        engine = Engine(one)
        kept = engine.completed(scene(one, look, 0))
        slab = engine.completed(
            View(
                technique=Technique.MPR,
                size=SIZE,
                plane=planes.standard(one, "coronal", None, SIZE),
                slab=Slab(mode="mean", thickness_mm=_SLAB_MM),
                overlays="none",
                quality="settled",
            )
        )
        frames = count(1)
        peers = _Peers(one, kept)
        mip = engine.completed(scene(one, None, 0))

        def turned(
            view: View, quality: str, engine: Engine = engine, one: Volume = one, frames: Iterator[int] = frames
        ) -> Callable[[], object]:
            return lambda: engine.picture(_at(view, one, next(frames), quality))

        try:
            yield compare(
                f"{words}: first picture",
                _fresh(one, kept, "drag"),
                peers.first,
                peer_name=peers.name,
                missing=peers.missing,
                runs=3,
            )
            yield compare(
                f"{words}: under the moving hand",
                timed(turned(kept, "drag")),
                peers.frame,
                peer_name=peers.name,
                missing=peers.missing,
                runs=runs,
            )
            yield compare(
                f"{words}: settled",
                timed(turned(kept, "settled")),
                peers.frame,
                peer_name=peers.name,
                missing=peers.missing,
                runs=runs,
            )
        finally:
            peers.close()
        yield compare(f"{words}: MIP under the moving hand", timed(turned(mip, "drag")), runs=runs)
        yield compare(f"{words}: MIP settled", timed(turned(mip, "settled")), runs=runs)
        yield compare(f"{words}: slab of 10 mm", timed(lambda e=engine, s=slab: e.picture(s)), runs=runs)  # type: ignore[misc]
        if one.units == "HU":
            bone = scene(one, None, 0).replace(technique=Technique.SSD, surfaces=(Surface(low=_BONE),))
            yield compare(f"{words}: surface, first in full", _fresh(one, bone, "settled"), runs=3)
            engine.picture(bone)
            yield compare(f"{words}: surface under the moving hand", timed(turned(bone, "drag")), runs=runs)
        for figure in _memory(one):
            yield Figure(
                name=f"{words}: peak memory", unit="MB", ours=figure.ours, at_most=figure.at_most, note=figure.note
            )
